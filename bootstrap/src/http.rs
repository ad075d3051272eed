//! The page for whoever runs this node, over HTTP: few connections, short ones, one request each, nothing but GET. Not
//! for the internet: no encryption, no passwords. Who wants it elsewhere puts a proxy before it.
//!
//! When all places are taken, whoever comes next gets a place in the reserve, where only `/health` and `/metrics` are
//! answered. Nobody waits there: when the reserve is full, too, the one that has been in it for longest goes, after it had a
//! turn. A monitor asks at once and has its answer by then.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use http_body_util::Full;
use hyper::Method;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::Version;
use hyper::body::Bytes;
use hyper::header;
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::task::JoinHandle;
use tokio::task::yield_now;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::metrics;
use crate::page;
use crate::status::Board;

/// Connections at once for anything: a browser, two monitors and somebody who is curious.
const CONNECTIONS: usize = 16;

/// Connections at once when these places are taken: who asks at once is answered although as many others come after.
const RESERVE: usize = 16;

/// How long a request may take to come in.
const HEADERS_WITHIN: Duration = Duration::from_secs(2);

/// How long a connection may last.
const ALL_WITHIN: Duration = Duration::from_secs(10);

/// The least that hyper allows; nobody needs more.
const BUFFER_BYTES: usize = 8 << 10;

/// Headers of one request.
const HEADERS: usize = 64;

/// The pause after the system could not hand over a connection, for lack of files for example.
const PAUSE: Duration = Duration::from_millis(200);

/// The running server; it ends when this is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Begins to answer.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub(crate) async fn start(address: SocketAddr, names: Vec<String>, board: Board) -> Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("the status page cannot be at {address}"))?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            tracing::warn!("the status page is open to whoever reaches this machine");
        }
        let task = tokio::spawn(serve(listener, Arc::from(names), board));
        Ok(Self { address, task })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it. Afterwards the address is free.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        // That it was aborted is no news.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, names: Arc<[String]>, board: Board) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut reserve = Reserve::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (names, board) = (Arc::clone(&names), board.clone());
                let place = Arc::clone(&places).try_acquire_owned().ok();
                let is_reserve = place.is_none();
                if is_reserve {
                    // First whoever came before gets their turn: what they ask may have come in already.
                    yield_now().await;
                }
                let talking = tokio::spawn(async move {
                    let _ = timeout(ALL_WITHIN, talk(stream, names, board, is_reserve)).await;
                    drop(place);
                });
                if is_reserve {
                    reserve.take(talking.abort_handle());
                }
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// The connections that came when all places were taken.
#[derive(Default)]
struct Reserve(VecDeque<AbortHandle>);

impl Reserve {
    /// Takes one more, if need be in place of the oldest.
    fn take(&mut self, newest: AbortHandle) {
        self.0.retain(|talking| !talking.is_finished());
        if self.0.len() >= RESERVE
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
        }
        self.0.push_back(newest);
    }
}

async fn talk(stream: TcpStream, names: Arc<[String]>, board: Board, is_reserve: bool) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &names, &board, is_reserve);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).keep_alive(false);
    builder.max_buf_size(BUFFER_BYTES).max_headers(HEADERS);
    // A client that breaks off is no concern of ours.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

fn answer<B>(
    request: &Request<B>,
    names: &[String],
    board: &Board,
    is_reserve: bool,
) -> Response<Full<Bytes>> {
    const PLAIN: &str = "text/plain; charset=utf-8";
    if !is_for_us(request, names) {
        let why = "this name is not in [http] names; the address works\n";
        return response(StatusCode::MISDIRECTED_REQUEST, PLAIN, why.to_owned());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n".to_owned());
        refused.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match request.uri().path() {
        "/" if is_reserve => {
            let why = "too many ask at once; /health and /metrics answer\n".to_owned();
            response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, why)
        }
        "/" => response(StatusCode::OK, "text/html; charset=utf-8", page::render(&board.look())),
        "/metrics" => match metrics::render(&board.look()) {
            Ok(text) => response(StatusCode::OK, metrics::CONTENT_TYPE, text),
            Err(_) => response(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "no numbers\n".to_owned()),
        },
        // Nothing is measured for it: whoever asks only whether this node is well asks often.
        "/health" => match board.told.borrow().ailment() {
            None => response(StatusCode::OK, PLAIN, "ok\n".to_owned()),
            Some(why) => response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("{why}\n")),
        },
        _ => response(StatusCode::NOT_FOUND, PLAIN, "there are /, /metrics and /health\n".to_owned()),
    }
}

/// Whether a request names this machine by its address, as `localhost`, or as the settings do. With any other name, a page
/// of somebody else, whose name they let point here, could have a browser read this one. Only programs name nothing.
fn is_for_us<B>(request: &Request<B>, names: &[String]) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (request.uri().authority(), hosts.next(), hosts.next()) {
        (_, _, Some(_)) => return false,
        (Some(authority), ..) => Ok(authority.clone()),
        (None, Some(host), None) => Authority::try_from(host.as_bytes()),
        (None, None, None) => return request.version() == Version::HTTP_10,
    };
    let Ok(host) = host else { return false };
    let host = host.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

fn response(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::io::Write as _;
    use std::net::TcpStream as Client;

    use kith_net::Net;
    use kith_net::NetConfig;
    use kith_net::Role;
    use tokio::sync::watch;
    use zeroize::Zeroizing;

    use super::*;
    use crate::status::tests::picture;

    /// A node that listens nowhere and says that it is well.
    fn board() -> Board {
        let mut config = NetConfig::new(Zeroizing::new([1; 32]), Role::Server);
        config.listen.clear();
        let (net, _) = Net::start(config, &tokio::runtime::Handle::current()).unwrap();
        Board {
            since: std::time::Instant::now(),
            data: std::path::PathBuf::new(),
            net,
            mailbox: None,
            mailbox_refused: Arc::default(),
            turn: None,
            told: watch::channel(picture().told).1,
        }
    }

    #[tokio::test]
    async fn whoever_asked_before_the_reserve_was_full_is_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // All of them are there, with what they ask, before the first is taken up: as after a moment without a processor.
        let silent: Vec<Client> = (0..CONNECTIONS).map(|_| Client::connect(address).unwrap()).collect();
        let asking = (0..3 * RESERVE).map(|_| {
            let mut client = Client::connect(address).unwrap();
            client.write_all(b"GET /health HTTP/1.0\r\n\r\n").unwrap();
            client
        });
        let asking: Vec<Client> = asking.collect();
        let serving = tokio::spawn(serve(listener, Arc::from([]), board()));
        let answers = tokio::task::spawn_blocking(move || {
            let read = |mut client: Client| {
                let mut answer = String::new();
                // Whoever was thrown out hears an end, or that the connection was reset.
                let _ = client.read_to_string(&mut answer);
                answer
            };
            asking.into_iter().map(read).collect::<Vec<_>>()
        });
        for answer in answers.await.unwrap() {
            assert!(answer.ends_with("ok\n"), "{answer:?}");
        }
        drop(silent);
        serving.abort();
    }

    #[test]
    fn a_name_that_nobody_gave_this_machine_is_not_answered() {
        let names = ["status.example.org".to_owned()];
        let asked = |host: &str| {
            let request = Request::builder().uri("/").header(header::HOST, host).body(()).unwrap();
            is_for_us(&request, &names)
        };
        for host in ["127.0.0.1", "192.0.2.7:4080", "[::1]:4080", "localhost:4080", "Status.example.org"] {
            assert!(asked(host), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:4080", "a@b@c", ""] {
            assert!(!asked(host), "{host}");
        }
        let whole = Request::builder().uri("http://evil.example/").header(header::HOST, "localhost");
        assert!(!is_for_us(&whole.body(()).unwrap(), &names));
        let two = Request::builder().header(header::HOST, "localhost").header(header::HOST, "evil.example");
        assert!(!is_for_us(&two.body(()).unwrap(), &names));
        assert!(!is_for_us(&Request::new(()), &names));
        let old = Request::builder().version(Version::HTTP_10).body(()).unwrap();
        assert!(is_for_us(&old, &names), "simple monitors name nothing, browsers always do");
    }
}
