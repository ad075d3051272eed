//! The API over WebSocket (RFC 6455) on this machine's own loop, for pages in a browser and programs that have no Unix socket. Each
//! text message is one line of the protocol.
//!
//! Whoever connects shows a token, which stands in a file that only the owner of the data folder can read: as `access_token` in the address (RFC
//! 6750, 2.3), as a page can set no header. Nothing of it is logged, and no proxy is between the two.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::future::select;
use kith_crypto::secret;
use soketto::Data;
use soketto::handshake::Server;
use soketto::handshake::server::Response;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio_util::compat::Compat;
use tokio_util::compat::TokioAsyncReadCompatExt as _;
use zeroize::Zeroizing;

use crate::handle::Handle;
use crate::rpc::serve::MAX_LINE;
use crate::rpc::serve::serve;

/// Serves clients that know the token, which is written to a file that only the owner can read. Returns where: with port 0 the system
/// chooses one. `stop` is called when a client asks the node to stop.
///
/// # Errors
/// When the address is not on this machine's own loop or is taken, or the file cannot be written.
pub fn listen_websocket(
    handle: &Handle,
    address: SocketAddr,
    token_file: &Path,
    stop: Arc<dyn Fn() + Send + Sync>,
) -> std::io::Result<SocketAddr> {
    if !address.ip().is_loopback() {
        let words = "the API is served on this machine alone: use 127.0.0.1 or [::1]";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, words));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind(address))?;
    let address = listener.local_addr()?;
    let token = new_token()?;
    write_token(token_file, &token)?;
    let served = Served { handle: handle.clone(), token: Arc::new(token), stop };
    thread::Builder::new().name("rpc-websocket".to_owned()).spawn(move || {
        runtime.block_on(accept(&listener, &served));
    })?;
    Ok(address)
}

/// What all clients share.
#[derive(Clone)]
struct Served {
    handle: Handle,
    token: Arc<Zeroizing<String>>,
    stop: Arc<dyn Fn() + Send + Sync>,
}

/// 256 bits, as hexadecimal digits.
fn new_token() -> std::io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(std::io::Error::other)?;
    let mut token = Zeroizing::new(String::with_capacity(64));
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 15] {
            token.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    Ok(token)
}

fn write_token(path: &Path, token: &str) -> std::io::Result<()> {
    // One that is there is left over, and may be readable by others.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(token.as_bytes())
}

async fn accept(listener: &TcpListener, served: &Served) {
    let room = Arc::new(Semaphore::new(MOST_CLIENTS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = served.clone();
                tokio::spawn(async move {
                    if let Err(error) = meet(stream, served).await {
                        tracing::debug!(%error, "a client was not served to the end");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: it passes when a client leaves.
                tracing::warn!(%error, "a client could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;
type Sender = soketto::Sender<Compat<TcpStream>>;
type Receiver = soketto::Receiver<Compat<TcpStream>>;

/// One client, until it leaves.
async fn meet(stream: TcpStream, served: Served) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut server = Server::new(stream.compat());
    if !tokio::time::timeout(HANDSHAKE, greet(&mut server, &served.token)).await?? {
        return Ok(());
    }
    let mut builder = server.into_builder();
    let most = usize::try_from(MAX_LINE).unwrap_or(usize::MAX);
    builder.set_max_message_size(most);
    builder.set_max_frame_size(most);
    let (sender, receiver) = builder.finish();
    let (ask, asked) = mpsc::channel(WAITING);
    let (answer, answers) = mpsc::channel(WAITING);
    thread::Builder::new().name("rpc-client".to_owned()).spawn(move || {
        let input = Lines { asked, rest: Vec::new(), at: 0 };
        let output = Messages { answer, begun: Vec::new() };
        if let Ok(true) = serve(&served.handle, input, output) {
            (served.stop)();
        }
    })?;
    // Either end ends both: what is dropped here ends the thread.
    let (hears, says) = (Box::pin(hear(receiver, ask)), Box::pin(say(sender, answers)));
    select(hears, says).await.factor_first().0
}

/// The handshake. Returns whether the client may enter.
async fn greet(server: &mut Server<'_, Compat<TcpStream>>, token: &str) -> Result<bool, Error> {
    let request = server.receive_request().await?;
    let may_enter =
        shown(request.path()).is_some_and(|shown| secret::equal(shown.as_bytes(), token.as_bytes()));
    let key = request.key();
    let response = match may_enter {
        true => Response::Accept { key, protocol: None },
        false => Response::Reject { status_code: 401 },
    };
    server.send_response(&response).await?;
    Ok(may_enter)
}

/// The token in the path of a request.
fn shown(path: &str) -> Option<&str> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|part| part.strip_prefix("access_token="))
}

async fn hear(mut receiver: Receiver, ask: mpsc::Sender<Vec<u8>>) -> Result<(), Error> {
    loop {
        let mut message = Vec::new();
        match receiver.receive_data(&mut message).await {
            Ok(Data::Text(_)) => {}
            Ok(Data::Binary(_)) | Err(soketto::connection::Error::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        // A message is one line, however it is laid out: in JSON the end of a line is a space, or written as \n.
        message.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        message.push(b'\n');
        if ask.send(message).await.is_err() {
            return Ok(());
        }
    }
}

async fn say(mut sender: Sender, mut answers: mpsc::Receiver<String>) -> Result<(), Error> {
    while let Some(line) = answers.recv().await {
        sender.send_text_owned(line).await?;
        if answers.is_empty() {
            sender.flush().await?;
        }
    }
    Ok(sender.close().await?)
}

/// What was asked, as a stream of lines.
struct Lines {
    asked: mpsc::Receiver<Vec<u8>>,
    rest: Vec<u8>,
    at: usize,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.rest.len() {
            let Some(next) = self.asked.blocking_recv() else { return Ok(0) };
            (self.rest, self.at) = (next, 0);
        }
        let left = self.rest.get(self.at..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(left) {
            *to = *from;
        }
        self.at += count;
        Ok(count)
    }
}

/// Lines, each of which becomes a message.
struct Messages {
    answer: mpsc::Sender<String>,
    begun: Vec<u8>,
}

impl Write for Messages {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend(part);
            if self.begun.pop_if(|last| *last == b'\n').is_some() {
                let line = String::from_utf8(std::mem::take(&mut self.begun));
                let line = line.map_err(std::io::Error::other)?;
                self.answer.blocking_send(line).map_err(|_| std::io::ErrorKind::BrokenPipe)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whoever does not say who it is goes after this.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// At once: each has four threads.
const MOST_CLIENTS: usize = 32;

/// Messages that wait in each direction, in front of what waits in the API itself.
const WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_is_a_token() {
        assert_eq!(shown("/?access_token=abc"), Some("abc"));
        assert_eq!(shown("/rpc?lang=de&access_token=abc&x=1"), Some("abc"));
        for path in ["/", "/abc", "/access_token=abc", "/?token=abc", "/?xaccess_token=abc"] {
            assert_eq!(shown(path), None, "{path}");
        }
        assert_eq!(shown("/?access_token="), Some(""), "which is not the token");
    }

    #[test]
    fn the_file_is_the_owners_and_new_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rpc.token");
        let (one, two) = (new_token().unwrap(), new_token().unwrap());
        assert!(*one != *two && one.len() == 64);
        std::fs::write(&path, "left over, and for everybody to read").unwrap();
        write_token(&path, &one).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), *one);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn messages_are_lines_and_lines_messages() {
        let (ask, asked) = mpsc::channel(4);
        ask.try_send(b"one\n".to_vec()).unwrap();
        ask.try_send(b"two\n".to_vec()).unwrap();
        drop(ask);
        let mut read = String::new();
        Lines { asked, rest: Vec::new(), at: 0 }.read_to_string(&mut read).unwrap();
        assert_eq!(read, "one\ntwo\n");
        let (answer, mut answers) = mpsc::channel(4);
        let mut output = Messages { answer, begun: Vec::new() };
        for part in ["on", "e\ntwo\nth", "ree\n"] {
            output.write_all(part.as_bytes()).unwrap();
        }
        let said: Vec<String> = std::iter::from_fn(|| answers.try_recv().ok()).collect();
        assert_eq!(said, ["one", "two", "three"]);
    }
}
