//! Serving one connection: a reader on the caller's thread, a writer and an event forwarder on threads of their own.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::Overview;
use kith_engine::query;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::calling::carriers::ClientId;
use crate::error::NodeError;
use crate::events::Events;
use crate::events::NodeEvent;
use crate::handle::Handle;
use crate::lines::Names;
use crate::rpc::errors::RpcError;
use crate::rpc::mailboxes;
use crate::rpc::messages;
use crate::rpc::methods;
use crate::rpc::methods::Params;
use crate::rpc::methods::Run;
use crate::rpc::out::Out;
use crate::rpc::out::event_line;
use crate::rpc::out::write_lines;
use crate::rpc::views;

/// The longest line that is taken, in bytes.
pub(crate) const MAX_LINE: u64 = 1 << 20;

/// Serves one client until it closes its side or asks the node to stop. Returns whether it asked. `hang_up` closes the streams of one that does not read what it
/// must not miss.
///
/// # Errors
/// What reading or writing the streams says.
pub fn serve(
    handle: &Handle,
    input: impl Read,
    output: impl Write + Send + 'static,
    hang_up: impl Fn() + Send + Sync + 'static,
) -> std::io::Result<bool> {
    let out = Arc::new(Out::default());
    let writer = {
        let out = Arc::clone(&out);
        thread::Builder::new().name("rpc-writer".to_owned()).spawn(move || write_lines(&out, output))?
    };
    let forwarder = {
        let (out, handle) = (Arc::clone(&out), handle.clone());
        let (events, speaker) = (handle.events(), handle.speaker());
        thread::Builder::new().name("rpc-events".to_owned()).spawn(move || {
            forward_all(&handle, &out, &events);
            out.wait_until_written();
            drop(speaker);
        })?
    };
    let id = ClientId(NEXT_CLIENT.fetch_add(1, Ordering::Relaxed));
    let client = Client { id, out: Arc::clone(&out), hang_up: Arc::new(hang_up) };
    let asked = read_lines(handle, &client, input);
    out.finish();
    handle.lay_down_media(client.id);
    let _ = writer.join();
    let _ = forwarder.join();
    asked
}

/// Serves every client of a Unix socket that only its owner may use, until accepting fails. `stop` is called when a
/// client asks the node to stop.
///
/// # Errors
/// When the socket cannot be made.
#[cfg(unix)]
pub fn listen(
    handle: &Handle,
    path: &std::path::Path,
    stop: Arc<dyn Fn() + Send + Sync>,
) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // The folder's lock is ours, so a socket that is there is left over.
    let _ = std::fs::remove_file(path);
    let listener = std::os::unix::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let handle = handle.clone();
    thread::Builder::new().name("rpc-socket".to_owned()).spawn(move || {
        for stream in listener.incoming() {
            let stream = match stream {
                Ok(stream) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: it passes when a client leaves.
                    tracing::warn!(%error, "a client could not be taken");
                    thread::sleep(std::time::Duration::from_millis(100));
                    continue;
                }
            };
            let (handle, stop) = (handle.clone(), Arc::clone(&stop));
            let Ok(output) = stream.try_clone() else { continue };
            let serving = thread::Builder::new().name("rpc-client".to_owned()).spawn(move || {
                let Ok(line) = stream.try_clone() else { return };
                let hang_up = move || drop(line.shutdown(std::net::Shutdown::Both));
                if let Ok(true) = serve(&handle, stream, output, hang_up) {
                    stop();
                }
            });
            if serving.is_err() {
                tracing::warn!("a client could not be served: the system gives no more threads");
            }
        }
    })?;
    Ok(())
}

/// One connection, for the methods that are about itself.
#[derive(Clone)]
pub(crate) struct Client {
    id: ClientId,
    out: Arc<Out>,
    hang_up: Arc<dyn Fn() + Send + Sync>,
}

static NEXT_CLIENT: AtomicU64 = AtomicU64::new(1);

impl Client {
    /// Its number, which no other ever has.
    pub(crate) fn id(&self) -> ClientId {
        self.id
    }

    /// Tells it an event that nobody else hears, and that it must not miss: one that does not read is disconnected, as it would go on with what it is
    /// told to end. Returns whether it is there.
    pub(crate) fn tell_or_close(&self, body: &Value) -> bool {
        let told = !self.out.is_closed() && self.out.push_event(event_line(body));
        if !told {
            (self.hang_up)();
        }
        told
    }
}

/// Passes events on until the client or the node is gone.
fn forward_all(handle: &Handle, out: &Out, events: &Events) {
    let mut own = None;
    while !out.is_closed() {
        let first = events.recv_timeout(std::time::Duration::from_millis(500));
        if first.is_some_and(|event| !forward(handle, out, &mut own, &event)) {
            return;
        }
        while let Some(event) = events.try_recv() {
            if !forward(handle, out, &mut own, &event) {
                return;
            }
        }
    }
}

/// Passes an event on; `own` is who this is, once that is known. Returns whether there may be more.
fn forward(handle: &Handle, out: &Out, own: &mut Option<Own>, event: &NodeEvent) -> bool {
    let body = match event {
        NodeEvent::Engine(event) => {
            let (device, overview) = match **event {
                Event::NetworkChanged(_) => (known(handle, own).map(|own| own.device), Overview::default()),
                Event::ContactChanged(_) | Event::ContactRequested(_) | Event::GroupChanged(_) => {
                    (None, handle.overview())
                }
                _ => (None, Overview::default()),
            };
            views::event(event, &overview, device.as_ref(), &names(handle, own, event))
        }
        NodeEvent::Helping(view) => {
            let device = known(handle, own).map(|own| own.device);
            let mut body = mailboxes::helping_view(view, &handle.overview().network, device.as_ref());
            if let Some(fields) = body.as_object_mut() {
                fields.insert("type".to_owned(), Value::from("mailboxes.helping"));
            }
            Some(body)
        }
        NodeEvent::Lagged(count) => Some(json!({ "type": "events.lost", "count": count })),
        NodeEvent::Failed(failure) => {
            let (code, message) = (failure.kind.code(), &failure.message);
            Some(json!({ "type": "node.failed", "code": code, "message": message }))
        }
        NodeEvent::Closed => return false,
    };
    if let Some(body) = body {
        out.push_event(event_line(&body));
    }
    true
}

/// The names that an event needs, and what its reader does not want to read.
fn names(handle: &Handle, own: &mut Option<Own>, event: &Event) -> Names {
    let whom = match event {
        Event::MessageReceived(view) | Event::MessageWritten(view) => {
            messages::people(view, known(handle, own).map(|own| own.account).as_ref())
        }
        Event::ChatChanged(view) => messages::people_in_chat(view),
        _ => Vec::new(),
    };
    if whom.is_empty() && !matches!(event, Event::MessageReceived(_) | Event::ChatChanged(_)) {
        return Names::default();
    }
    // Without names the beginnings of addresses stand for them.
    handle.query(|rows| messages::names(rows, whom.into_iter())).unwrap_or_default()
}

/// Whose node this is, which never changes while it runs.
#[derive(Clone, Copy)]
struct Own {
    account: AccountId,
    device: DeviceId,
}

fn known(handle: &Handle, own: &mut Option<Own>) -> Option<Own> {
    if own.is_none() {
        let profile = handle.query(query::profile).ok().flatten();
        *own = profile.map(|view| Own { account: view.account, device: view.device });
    }
    *own
}

fn read_lines(handle: &Handle, client: &Client, input: impl Read) -> std::io::Result<bool> {
    let out = &client.out;
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = (&mut input).take(MAX_LINE).read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(false);
        }
        if line.last() != Some(&b'\n') && count as u64 == MAX_LINE {
            out.push(response(&Value::Null, Err(RpcError::not_a_request("the line is longer than 1 MiB"))));
            skip_line(&mut input)?;
            continue;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let requests = match serde_json::from_slice(&line) {
            Ok(Value::Array(requests)) if requests.is_empty() => {
                out.push(response(&Value::Null, Err(RpcError::not_a_request("an empty batch"))));
                continue;
            }
            // A batch is answered object by object, each on its line: the transport is a stream of lines.
            Ok(Value::Array(requests)) => requests,
            Ok(request) => vec![request],
            Err(_) => {
                out.push(response(&Value::Null, Err(RpcError::not_json())));
                continue;
            }
        };
        for request in requests {
            if take(handle, client, request) {
                return Ok(true);
            }
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        match chunk.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                input.consume(end + 1);
                return Ok(());
            }
            None => {
                let count = chunk.len();
                input.consume(count);
            }
        }
    }
}

/// Carries out one request. Returns whether it asked the node to stop.
fn take(handle: &Handle, client: &Client, request: Value) -> bool {
    let out = &client.out;
    let Value::Object(mut fields) = request else {
        out.push(response(&Value::Null, Err(RpcError::not_a_request("it is not an object"))));
        return false;
    };
    let id = fields.remove("id");
    let reply = Reply { out: Arc::clone(out), id };
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        reply.send(Err(RpcError::not_a_request("“jsonrpc” should be “2.0”")));
        return false;
    }
    let params = match fields.remove("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => {
            reply.send(Err(RpcError::bad_params("parameters are given by name, as an object")));
            return false;
        }
    };
    let Some(name) = fields.get("method").and_then(Value::as_str) else {
        reply.send(Err(RpcError::not_a_request("“method” is missing")));
        return false;
    };
    let Some(method) = methods::all().find(|method| method.name == name) else {
        reply.send(Err(RpcError::no_method(name)));
        return false;
    };
    let params = match Params::new(method, &params) {
        Ok(params) => params,
        Err(error) => {
            reply.send(Err(error));
            return false;
        }
    };
    out.wait_for_room();
    match method.run {
        Run::Now(run) => reply.send(run(handle, &params)),
        Run::Client(run) => reply.send(run(handle, &params, client)),
        Run::Stop => {
            reply.send(Ok(json!({ "ok": true })));
            return true;
        }
        Run::Engine(command) => submit(handle, reply, command(&params)),
        Run::Looked(command) => submit(handle, reply, command(handle, &params)),
    }
    false
}

/// Hands a command to the engine, whose answer is the reply.
fn submit(handle: &Handle, reply: Reply, command: Result<Command, RpcError>) {
    let command = match command {
        Ok(command) => command,
        Err(error) => return reply.send(Err(error)),
    };
    reply.out.begin();
    let (asked, failed) = (reply.clone(), reply);
    let answering = handle.clone();
    let done = Box::new(move |result: Result<_, NodeError>| {
        let result = result.map(|answer| methods::answer(&answering, &answer));
        asked.send(result.map_err(Into::into));
        asked.out.end();
    });
    if let Err(error) = handle.submit_with(command, done) {
        failed.send(Err(error.into()));
        failed.out.end();
    }
}

/// Where an answer goes; nowhere for a notification.
#[derive(Clone)]
struct Reply {
    out: Arc<Out>,
    id: Option<Value>,
}

impl Reply {
    fn send(&self, result: Result<Value, RpcError>) {
        if let Some(id) = &self.id {
            self.out.push(response(id, result));
        }
    }
}

fn response(id: &Value, result: Result<Value, RpcError>) -> String {
    let body = match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() }),
    };
    let mut line = body.to_string();
    line.push('\n');
    line
}
