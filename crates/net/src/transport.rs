//! The ways to other nodes, each with its bytes counted: TCP, WebSocket over it, QUIC, and WebRTC for browsers. What TCP and WebSocket carry is
//! counted as it is handed to the system, so the difference to the wire are the headers of IP and TCP; QUIC does not show its
//! packets, so there it is what the streams carry.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use futures::AsyncRead;
use futures::AsyncWrite;
use libp2p::PeerId;
use libp2p::Transport as _;
use libp2p::core::muxing::StreamMuxer;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::muxing::StreamMuxerEvent;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::noise;
use libp2p::quic;
use libp2p::tcp;
use libp2p::websocket;
use zeroize::Zeroizing;

use crate::quiet::Quiet;
use crate::stats::Counters;

/// When QUIC itself asks, if nothing else did: under the thirty seconds after which many routers forget a way over UDP.
const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(25);

/// When QUIC itself takes a connection for dead. The task judges long before.
const QUIC_IDLE: Duration = Duration::from_secs(75);

type Way = Boxed<(PeerId, StreamMuxerBox)>;
type Failed = Box<dyn Error + Send + Sync>;

/// Plain TCP, counted.
fn plain(
    counters: &Arc<Counters>,
) -> impl libp2p::Transport<
    Output = Counted<tcp::tokio::TcpStream>,
    Error = io::Error,
    Dial: Send + 'static,
    ListenerUpgrade: Send + 'static,
> + Send
+ Unpin
+ 'static {
    let counters = Arc::clone(counters);
    tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .map(move |stream, _| Counted::new(stream, Arc::clone(&counters)))
}

/// TCP.
pub(crate) fn over_tcp(keypair: &Keypair, counters: &Arc<Counters>) -> Result<Way, Failed> {
    let upgraded = plain(counters).upgrade(Version::V1Lazy).authenticate(noise::Config::new(keypair)?);
    Ok(upgraded.multiplex(Quiet::new()).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed())
}

/// WebSocket over TCP, for networks that let nothing else through. The builder's own would need an async start.
pub(crate) fn over_web_socket(keypair: &Keypair, counters: &Arc<Counters>) -> Result<Way, Failed> {
    let upgraded = websocket::Config::new(plain(counters))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair)?);
    Ok(upgraded.multiplex(Quiet::new()).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed())
}

/// QUIC.
pub(crate) fn over_quic(keypair: &Keypair, counters: &Arc<Counters>) -> Way {
    let mut config = quic::Config::new(keypair);
    config.keep_alive_interval = QUIC_KEEP_ALIVE;
    config.max_idle_timeout = u32::try_from(QUIC_IDLE.as_millis()).unwrap_or(u32::MAX);
    let counters = Arc::clone(counters);
    let counted = move |connection| CountedMuxer { connection, counters: Arc::clone(&counters) };
    quic::tokio::Transport::new(config)
        .map(move |(peer, connection), _| (peer, StreamMuxerBox::new(counted(connection))))
        .boxed()
}

/// Another way, and beside it WebRTC for browsers if there is a certificate. Its datagrams are counted where they are sent.
#[cfg(feature = "webrtc")]
pub(crate) fn with_browsers(
    other: Way,
    keypair: &Keypair,
    certificate: Option<&Zeroizing<String>>,
    counters: &Arc<Counters>,
) -> Result<Way, Failed> {
    let Some(certificate) = certificate else { return Ok(other) };
    let webrtc = crate::webrtc::Transport::new(keypair.clone(), certificate, Arc::clone(counters))?
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    Ok(other.or_transport(webrtc).map(|either, _| either.into_inner()).boxed())
}

/// Without the feature there is nothing to add.
#[cfg(not(feature = "webrtc"))]
pub(crate) fn with_browsers(
    other: Way,
    _: &Keypair,
    _: Option<&Zeroizing<String>>,
    _: &Arc<Counters>,
) -> Result<Way, Failed> {
    Ok(other)
}

/// A stream whose bytes are counted.
pub(crate) struct Counted<S> {
    stream: S,
    counters: Arc<Counters>,
}

impl<S> Counted<S> {
    fn new(stream: S, counters: Arc<Counters>) -> Self {
        Self { stream, counters }
    }

    fn count_in(&self, bytes: usize) {
        self.counters.wire_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn count_out(&self, bytes: usize) {
        self.counters.wire_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        self.count_in(read);
        Poll::Ready(Ok(read))
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [io::IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read_vectored(cx, into))?;
        self.count_in(read);
        Poll::Ready(Ok(read))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, from))?;
        self.count_out(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, from))?;
        self.count_out(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// A connection of QUIC whose streams are counted.
struct CountedMuxer {
    connection: quic::Connection,
    counters: Arc<Counters>,
}

impl CountedMuxer {
    fn counted<S, E>(&self, stream: Poll<Result<S, E>>) -> Poll<Result<Counted<S>, E>> {
        stream.map_ok(|stream| Counted::new(stream, Arc::clone(&self.counters)))
    }
}

impl StreamMuxer for CountedMuxer {
    type Substream = Counted<quic::Stream>;
    type Error = quic::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let stream = Pin::new(&mut self.connection).poll_inbound(cx);
        self.counted(stream)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let stream = Pin::new(&mut self.connection).poll_outbound(cx);
        self.counted(stream)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.connection).poll_close(cx)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        Pin::new(&mut self.connection).poll(cx)
    }
}
