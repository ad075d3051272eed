//! A connection with its socket: what libp2p calls a muxer, and the substreams that share it. The muxer drives; a
//! substream that writes sends at once. The lock is held while something is copied or packed, never while waiting.

use std::collections::BTreeMap;
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;
use futures::AsyncRead;
use futures::AsyncWrite;
use libp2p::core::muxing::StreamMuxer;
use libp2p::core::muxing::StreamMuxerEvent;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::certificate::Fingerprint;
use super::channel::Read;
use super::sctp::Ended;
use super::session::FIRST;
use super::session::Name;
use super::session::Session;
use crate::stats;
use crate::stats::Counters;

/// Datagrams that are taken before others have their turn.
const AT_ONCE: usize = 64;

/// What the porter has for a connection.
#[derive(Debug)]
pub(super) enum ToLink {
    Datagram(Bytes),
    /// The other side, or somebody else, wants to be answered here.
    Path(SocketAddr),
}

/// A connection as its holders share it.
#[derive(Clone)]
pub(super) struct Link(Arc<Mutex<Inner>>);

struct Inner {
    session: Session,
    socket: Arc<UdpSocket>,
    path: SocketAddr,
    inbox: mpsc::Receiver<ToLink>,
    timer: Pin<Box<Sleep>>,
    counters: Arc<Counters>,
    has_ended: bool,
    driver: Option<Waker>,
    /// Waits until the channels can be used.
    connecting: Option<Waker>,
    accepting: Option<Waker>,
    opening: Option<Waker>,
    readers: BTreeMap<Name, Waker>,
    writers: BTreeMap<Name, Waker>,
}

impl Link {
    pub(super) fn new(
        session: Session,
        socket: Arc<UdpSocket>,
        path: SocketAddr,
        inbox: mpsc::Receiver<ToLink>,
        counters: Arc<Counters>,
    ) -> Self {
        let timer = Box::pin(tokio::time::sleep_until(session.wake().into()));
        Self(Arc::new(Mutex::new(Inner {
            session,
            socket,
            path,
            inbox,
            timer,
            counters,
            has_ended: false,
            driver: None,
            connecting: None,
            accepting: None,
            opening: None,
            readers: BTreeMap::new(),
            writers: BTreeMap::new(),
        })))
    }

    /// Moves datagrams and time until the connection is over.
    pub(super) fn poll_drive(&self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let mut inner = self.lock();
        inner.driver = Some(cx.waker().clone());
        if inner.drive(cx).is_err() {
            inner.hang_up();
        }
        inner.flush();
        inner.wake_whoever_can();
        inner.set_timer(cx);
        if inner.has_ended { Poll::Ready(gone()) } else { Poll::Pending }
    }

    /// Waits until the channels can be used. Returns the first of them and the hash of the client's certificate.
    pub(super) fn poll_connected(&self, cx: &mut Context<'_>) -> Poll<(Substream, Fingerprint)> {
        let mut inner = self.lock();
        match inner.session.connected() {
            Some(client) => Poll::Ready((Substream { link: self.clone(), name: FIRST }, client)),
            None => {
                inner.connecting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut inner = poisoned.into_inner();
            // Whatever broke, broke this connection only.
            inner.has_ended = true;
            inner
        })
    }
}

impl Inner {
    fn drive(&mut self, cx: &mut Context<'_>) -> Result<(), Ended> {
        if self.has_ended {
            return Err(Ended);
        }
        for turn in 0.. {
            if turn == AT_ONCE {
                cx.waker().wake_by_ref();
                break;
            }
            match self.inbox.poll_recv(cx) {
                Poll::Ready(Some(ToLink::Datagram(datagram))) => {
                    self.session.on_datagram(Instant::now(), &datagram)?;
                    self.path = self.session.moved().unwrap_or(self.path);
                }
                Poll::Ready(Some(ToLink::Path(path))) => self.try_path(path),
                // Nobody listens any more.
                Poll::Ready(None) => return Err(Ended),
                Poll::Pending => break,
            }
        }
        let now = Instant::now();
        if self.session.wake() <= now { self.session.on_time(now) } else { Ok(()) }
    }

    fn set_timer(&mut self, cx: &mut Context<'_>) {
        self.timer.as_mut().reset(self.session.wake().into());
        if self.timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// Anybody can bind in the name of this connection, and from any address: only whoever has the keys and is there
    /// moves it.
    fn try_path(&mut self, path: SocketAddr) {
        if path == self.path {
            return;
        }
        if let Some(datagram) = self.session.try_path(Instant::now(), path) {
            stats::add(&self.counters.wire_out, datagram.len());
            let _ = self.socket.try_send_to(&datagram, path);
        }
    }

    /// Sends what there is to send. What the system has no room for is lost, as on the way.
    fn flush(&mut self) {
        if !self.has_ended && self.session.pack(Instant::now()).is_err() {
            self.has_ended = true;
            self.session.hang_up(Instant::now());
        }
        while let Some(datagram) = self.session.transmit() {
            stats::add(&self.counters.wire_out, datagram.len());
            let _ = self.socket.try_send_to(&datagram, self.path);
        }
    }

    /// Something was written or read: the driver looks at the clock again.
    fn touched(&mut self) {
        self.flush();
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }

    fn wake_whoever_can(&mut self) {
        let (session, has_ended) = (&self.session, self.has_ended);
        let readers = self.readers.extract_if(.., |name, _| has_ended || session.is_readable(*name));
        readers.for_each(|(_, waker)| waker.wake());
        let writers = self.writers.extract_if(.., |name, _| has_ended || session.is_writable(*name));
        writers.for_each(|(_, waker)| waker.wake());
        // Whoever cannot go on is not woken: it is often the driver's own task, which would run in circles.
        let waiting = [
            (&mut self.connecting, session.connected().is_some()),
            (&mut self.accepting, session.has_arrivals()),
            (&mut self.opening, session.may_open()),
        ];
        for (waker, can_go_on) in waiting {
            if has_ended || can_go_on {
                waker.take().into_iter().for_each(Waker::wake);
            }
        }
    }

    fn hang_up(&mut self) {
        if !self.has_ended {
            self.has_ended = true;
            self.session.hang_up(Instant::now());
        }
        self.flush();
        self.wake_whoever_can();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// The connection as libp2p uses it.
pub(crate) struct Muxer {
    link: Link,
}

impl Muxer {
    pub(super) fn new(link: Link) -> Self {
        Self { link }
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        // Substreams may live on, and nobody would drive them.
        self.link.lock().hang_up();
    }
}

impl StreamMuxer for Muxer {
    type Substream = Substream;
    type Error = io::Error;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Substream>> {
        let mut inner = self.link.lock();
        if let Some(name) = inner.session.accept() {
            return Poll::Ready(Ok(Substream { link: self.link.clone(), name }));
        }
        if inner.has_ended {
            return Poll::Ready(Err(gone()));
        }
        inner.accepting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Substream>> {
        let mut inner = self.link.lock();
        if inner.has_ended {
            return Poll::Ready(Err(gone()));
        }
        match inner.session.open() {
            Some(name) => {
                inner.touched();
                Poll::Ready(Ok(Substream { link: self.link.clone(), name }))
            }
            None => {
                inner.opening = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.lock().hang_up();
        Poll::Ready(Ok(()))
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        self.link.poll_drive(cx).map(Err)
    }
}

/// One stream over a connection.
pub(crate) struct Substream {
    link: Link,
    name: Name,
}

impl AsyncRead for Substream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.link.lock();
        match inner.session.read(self.name, into) {
            Read::Bytes(bytes) => {
                inner.touched();
                Poll::Ready(Ok(bytes))
            }
            Read::End => Poll::Ready(Ok(0)),
            Read::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Read::Wait if inner.has_ended => Poll::Ready(Err(gone())),
            Read::Wait => {
                inner.readers.insert(self.name, cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Substream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.link.lock();
        if inner.has_ended {
            return Poll::Ready(Err(gone()));
        }
        match inner.session.write(self.name, bytes) {
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Some(0) if !bytes.is_empty() => {
                inner.writers.insert(self.name, cx.waker().clone());
                Poll::Pending
            }
            Some(written) => {
                inner.touched();
                Poll::Ready(Ok(written))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whatever was written is on its way.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.link.lock();
        inner.session.finish(self.name);
        inner.touched();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Substream {
    fn drop(&mut self) {
        let mut inner = self.link.lock();
        inner.readers.remove(&self.name);
        inner.writers.remove(&self.name);
        inner.session.release(Instant::now(), self.name);
        inner.touched();
    }
}

fn gone() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}
