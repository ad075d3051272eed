//! A client of the API: to the daemon of the data folder if one runs, else to a node started for this command. Both
//! ways speak the same JSON-RPC, so a command does the same either way.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::anyhow;
use crossbeam_channel::Receiver;
use crossbeam_channel::RecvTimeoutError;
use crossbeam_channel::bounded;
use kith_node::Handle;
use kith_node::NodeConfig;
use serde_json::Value;
use serde_json::json;

/// Lines that may wait for the command to look at them.
const QUEUE: usize = 100_000;

/// How long a node may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A connection to a node.
pub(crate) struct Client {
    output: RefCell<Option<Box<dyn Write>>>,
    lines: Receiver<Value>,
    events: RefCell<VecDeque<Value>>,
    next: RefCell<u64>,
    own: Option<Handle>,
}

impl Client {
    /// Connects to the daemon of the folder, or starts a node.
    pub(crate) fn open(config: NodeConfig) -> Result<Self> {
        #[cfg(unix)]
        if let Ok(stream) = std::os::unix::net::UnixStream::connect(config.data.join("rpc.sock")) {
            let input = stream.try_clone()?;
            return Self::over(input, Box::new(stream), None);
        }
        let handle = Handle::start(config)?;
        let (requests, requests_in) = std::io::pipe()?;
        let (answers, answers_in) = std::io::pipe()?;
        let serving = handle.clone();
        thread::spawn(move || kith_node::rpc::serve(&serving, requests, answers_in, || {}));
        Self::over(answers, Box::new(requests_in), Some(handle))
    }

    fn over(input: impl Read + Send + 'static, output: Box<dyn Write>, own: Option<Handle>) -> Result<Self> {
        let (sender, lines) = bounded(QUEUE);
        thread::spawn(move || {
            for line in BufReader::new(input).lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str(&line) else { continue };
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        let output = RefCell::new(Some(output));
        Ok(Self { output, lines, events: RefCell::default(), next: RefCell::new(1), own })
    }

    /// Whether a daemon answers, not a node of our own.
    pub(crate) fn is_daemon(&self) -> bool {
        self.own.is_none()
    }

    /// Calls a method and waits for its result.
    pub(crate) fn call(&self, method: &str, params: &Value) -> Result<Value> {
        let id = self.next.replace_with(|next| *next + 1);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        if let Some(output) = self.output.borrow_mut().as_mut() {
            writeln!(output, "{request}")?;
            output.flush()?;
        }
        let end = Instant::now() + ANSWER_WITHIN;
        while let Ok(mut line) = self.lines.recv_deadline(end) {
            if line.get("id").and_then(Value::as_u64) == Some(id) {
                if let Some(error) = line.get("error") {
                    let message = error.get("message").and_then(Value::as_str).unwrap_or("the node refused");
                    return Err(anyhow!("{message}"));
                }
                return Ok(line.get_mut("result").map(Value::take).unwrap_or_default());
            }
            self.keep(line);
        }
        Err(anyhow!("the node does not answer: stop it and start it again"))
    }

    fn keep(&self, mut line: Value) {
        if let Some(event) = line.get_mut("params") {
            self.events.borrow_mut().push_back(event.take());
        }
    }

    /// The next event, waiting until `end`.
    ///
    /// # Errors
    /// When the node has ended.
    pub(crate) fn event(&self, end: Instant) -> Result<Option<Value>> {
        loop {
            if let Some(event) = self.events.borrow_mut().pop_front() {
                return Ok(Some(event));
            }
            match self.lines.recv_deadline(end) {
                Ok(line) => self.keep(line),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(anyhow!("the node has stopped")),
            }
        }
    }

    /// Waits until an event is as wanted. Returns whether it came.
    pub(crate) fn wait_for(&self, within: Duration, mut wanted: impl FnMut(&Value) -> bool) -> bool {
        let end = Instant::now() + within;
        while let Ok(Some(event)) = self.event(end) {
            if wanted(&event) {
                return true;
            }
        }
        false
    }

    /// Ends the connection; stops a node of our own after everything is written.
    pub(crate) fn close(self) {
        self.output.replace(None);
        if let Some(handle) = self.own {
            handle.shut_down();
        }
    }
}
