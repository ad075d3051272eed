//! The API over WebSocket (RFC 6455) on this machine's own loop, for pages in a browser and programs that have no Unix socket. Each
//! text message is one line of the protocol.
//!
//! Whoever connects shows a token, which stands in a file that only the owner of the data folder can read: as `access_token` in the address (RFC
//! 6750, 2.3), as a page can set no header. Nothing of it is logged, and no proxy is between the two.

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures::AsyncRead;
use futures::AsyncWrite;
use kith_crypto::secret;
use soketto::Data;
use soketto::handshake::Server;
use soketto::handshake::server::Response;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio_util::compat::Compat;
use tokio_util::compat::TokioAsyncReadCompatExt as _;
use zeroize::Zeroizing;

use crate::handle::Handle;
use crate::rpc::serve::MAX_LINE;
use crate::rpc::serve::serve;

/// Serves clients that know the token, which is written to a file: on Unix only the owner can read it, elsewhere whoever can read the data folder. Returns where: with port 0 the system
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
    // Whoever has not shown the token yet takes no place of those who have.
    let (door, room) = (Arc::new(Semaphore::new(MOST_AT_THE_DOOR)), Arc::new(Semaphore::new(MOST_CLIENTS)));
    loop {
        let Ok(waiting) = Arc::clone(&door).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (served, room) = (served.clone(), Arc::clone(&room));
                tokio::spawn(async move {
                    if let Err(error) = meet(stream, served, &room, waiting).await {
                        tracing::debug!(%error, "a client was not served to the end");
                    }
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

/// Why a client is not served any more.
#[derive(Debug, Error)]
enum Ended {
    #[error("it did not say who it is in time")]
    Silent,
    #[error("a message was too long")]
    TooLong,
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Handshake(#[from] soketto::handshake::Error),
    #[error(transparent)]
    Connection(#[from] soketto::connection::Error),
}

type Stream = Counted<Compat<TcpStream>>;
type Sender = soketto::Sender<Stream>;
type Receiver = soketto::Receiver<Stream>;

/// One client, until it leaves. `waiting` is its place at the door.
async fn meet(
    stream: TcpStream,
    served: Served,
    room: &Arc<Semaphore>,
    waiting: OwnedSemaphorePermit,
) -> Result<(), Ended> {
    stream.set_nodelay(true)?;
    let came = Arc::new(AtomicU64::new(0));
    let mut server = Server::new(Counted { stream: stream.compat(), came: Arc::clone(&came) });
    let greeting = tokio::time::timeout(HANDSHAKE, greet(&mut server, &served.token, room));
    let Some(place) = greeting.await.map_err(|_| Ended::Silent)?? else { return Ok(()) };
    drop(waiting);
    let mut builder = server.into_builder();
    // The library reads the rest of what is too long before it says so; `Counted` ends it at once.
    builder.set_max_message_size(usize::MAX);
    builder.set_max_frame_size(usize::try_from(MAX_LINE).unwrap_or(usize::MAX));
    let (sender, receiver) = builder.finish();
    let (ask, asked) = mpsc::channel(WAITING);
    let (answer, answers) = mpsc::channel(WAITING);
    let hung_up = Arc::new(Notify::new());
    let hang_up = Arc::clone(&hung_up);
    thread::Builder::new().name("rpc-client".to_owned()).spawn(move || {
        let input = Lines { asked, rest: Vec::new(), at: 0 };
        let output = Messages { answer, begun: Vec::new() };
        if let Ok(true) = serve(&served.handle, input, output, move || hang_up.notify_one()) {
            (served.stop)();
        }
        drop(place);
    })?;
    // Either end ends both: what is dropped here ends the thread.
    tokio::select! {
        heard = hear(receiver, ask, &came) => heard,
        said = say(sender, answers) => said,
        () = hung_up.notified() => Ok(()),
    }
}

/// The handshake. Returns the client's place if it may enter.
async fn greet(
    server: &mut Server<'_, Stream>,
    token: &str,
    room: &Arc<Semaphore>,
) -> Result<Option<OwnedSemaphorePermit>, Ended> {
    let request = server.receive_request().await?;
    let knows = shown(request.path()).is_some_and(|shown| secret::equal(shown.as_bytes(), token.as_bytes()));
    let place = Arc::clone(room).try_acquire_owned().ok().filter(|_| knows);
    let response = match (knows, &place) {
        (true, Some(_)) => Response::Accept { key: request.key(), protocol: None },
        (true, None) => Response::Reject { status_code: 503 },
        (false, _) => Response::Reject { status_code: 401 },
    };
    server.send_response(&response).await?;
    Ok(place)
}

/// The token in the path of a request.
fn shown(path: &str) -> Option<&str> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|part| part.strip_prefix("access_token="))
}

async fn hear(mut receiver: Receiver, ask: mpsc::Sender<Vec<u8>>, came: &AtomicU64) -> Result<(), Ended> {
    loop {
        let mut message = Vec::new();
        came.store(0, Ordering::Relaxed);
        match receiver.receive_data(&mut message).await {
            Ok(Data::Text(_)) => {}
            Ok(Data::Binary(_)) | Err(soketto::connection::Error::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if message.len() as u64 >= MAX_LINE {
            return Err(Ended::TooLong);
        }
        // A message is one line, however it is laid out: in JSON the end of a line is a space, or written as \n.
        message.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        message.push(b'\n');
        if ask.send(message).await.is_err() {
            return Ok(());
        }
    }
}

async fn say(mut sender: Sender, mut answers: mpsc::Receiver<String>) -> Result<(), Ended> {
    while let Some(line) = answers.recv().await {
        sender.send_text_owned(line).await?;
        if answers.is_empty() {
            sender.flush().await?;
        }
    }
    Ok(sender.close().await?)
}

/// A stream that ends when more came for one message than any may have.
struct Counted<S> {
    stream: S,
    came: Arc<AtomicU64>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Ok(count)) = &polled {
            let came = self.came.fetch_add(*count as u64, Ordering::Relaxed) + *count as u64;
            if came > MOST_COMES {
                return Poll::Ready(Err(std::io::ErrorKind::FileTooLarge.into()));
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
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

/// Whoever does not say who it is goes after this: on one machine a handshake takes milliseconds.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// At once, and before they have shown the token: each is a socket and a task.
const MOST_AT_THE_DOOR: usize = 256;

/// At once: each has three threads.
const MOST_CLIENTS: usize = 32;

/// In bytes: a message of the longest line in small parts, with what else is read ahead.
const MOST_COMES: u64 = 2 * MAX_LINE;

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
