//! WebRTC for browsers (libp2p's webrtc-direct), the listening side only: UDP, a self-signed certificate whose hash is in
//! the address, and data channels as streams. A browser needs nothing but the address: no name, no authority.
//!
//! ```text
//!  UDP socket ─▶ listener ─▶ porter ──datagrams──▶ link (session: DTLS, SCTP, channels) ─▶ substreams
//!                              └────── arrivals ──▶ transport ─▶ swarm: limits, handshake, muxer
//! ```
//!
//! It is *not* the place for calls, which have media and a signalling channel, nor for dialling: programs reach each other
//! over QUIC and TCP. What strangers can make it remember is bounded in `porter.rs` and `guard.rs`.

mod certificate;
mod channel;
mod frame;
mod guard;
mod handshake;
mod link;
mod listener;
mod porter;
#[doc(hidden)]
pub mod raw;
mod sctp;
mod session;
mod stun;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use if_watch::IfEvent;
use if_watch::tokio::IfWatcher;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::core::transport::DialOpts;
use libp2p::core::transport::ListenerId;
use libp2p::core::transport::Transport as CoreTransport;
use libp2p::core::transport::TransportError;
use libp2p::core::transport::TransportEvent;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

pub use self::certificate::new_certificate;

use self::certificate::Fingerprint;
use self::certificate::Identity;
use self::link::Link;
use self::link::Muxer;
use self::porter::Arrival;
use crate::error::NetError;
use crate::stats::Counters;

type Event = TransportEvent<BoxFuture<'static, io::Result<(PeerId, Muxer)>>, io::Error>;

/// Completes an address for browsers with the hash of the certificate; any other stays as it is.
///
/// # Errors
/// When the certificate or the address is not one.
pub fn with_hash(address: &str, certificate: &str) -> Result<String, NetError> {
    let bad = |error: libp2p::multiaddr::Error| NetError::BadAddress {
        text: address.to_owned(),
        reason: error.to_string(),
    };
    let parsed: Multiaddr = address.parse().map_err(bad)?;
    match parsed.iter().last() {
        Some(Protocol::WebRTCDirect) => {
            Ok(parsed.with(Protocol::Certhash(Identity::read(certificate)?.fingerprint)).to_string())
        }
        _ => Ok(address.to_owned()),
    }
}

/// Listens for browsers.
pub(crate) struct Transport {
    keypair: Keypair,
    identity: Identity,
    counters: Arc<Counters>,
    listeners: Vec<Listener>,
}

struct Listener {
    id: ListenerId,
    at: SocketAddr,
    socket: Arc<UdpSocket>,
    arrivals: mpsc::Receiver<Arrival>,
    /// The addresses of this machine, if it listens at all of them.
    interfaces: Option<IfWatcher>,
    events: VecDeque<Event>,
    has_ended: bool,
}

impl Transport {
    /// A transport with a certificate that was kept.
    ///
    /// # Errors
    /// When the certificate is not one.
    pub(crate) fn new(
        keypair: Keypair,
        certificate: &str,
        counters: Arc<Counters>,
    ) -> Result<Self, NetError> {
        Ok(Self { keypair, identity: Identity::read(certificate)?, counters, listeners: Vec::new() })
    }

    fn listen(&self, id: ListenerId, at: SocketAddr) -> io::Result<Listener> {
        let socket = Arc::new(listener::bind(at)?);
        let at = socket.local_addr()?;
        let (sender, arrivals) = mpsc::channel(listener::ARRIVALS);
        let (identity, counters) = (self.identity.clone(), Arc::clone(&self.counters));
        tokio::spawn(listener::serve(Arc::clone(&socket), identity, sender, counters));
        let mut events = VecDeque::new();
        let interfaces = if at.ip().is_unspecified() {
            Some(IfWatcher::new()?)
        } else {
            let listen_addr = address(at, Some(self.identity.fingerprint));
            events.push_back(TransportEvent::NewAddress { listener_id: id, listen_addr });
            None
        };
        Ok(Listener { id, at, socket, arrivals, interfaces, events, has_ended: false })
    }
}

impl CoreTransport for Transport {
    type Output = (PeerId, Muxer);
    type Error = io::Error;
    type ListenerUpgrade = BoxFuture<'static, io::Result<Self::Output>>;
    type Dial = BoxFuture<'static, io::Result<Self::Output>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<io::Error>> {
        let at = socket_of(&address).ok_or(TransportError::MultiaddrNotSupported(address))?;
        let listener = self.listen(id, at).map_err(TransportError::Other)?;
        self.listeners.push(listener);
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let Some(listener) = self.listeners.iter_mut().find(|listener| listener.id == id) else {
            return false;
        };
        listener.arrivals.close();
        true
    }

    fn dial(&mut self, address: Multiaddr, _: DialOpts) -> Result<Self::Dial, TransportError<io::Error>> {
        Err(TransportError::MultiaddrNotSupported(address))
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        let Self { keypair, identity, listeners, counters } = &mut *self;
        for listener in listeners.iter_mut() {
            if let Poll::Ready(event) = listener.poll(cx, keypair, identity.fingerprint, counters) {
                return Poll::Ready(event);
            }
        }
        listeners.retain(|listener| !listener.has_ended);
        Poll::Pending
    }
}

impl Listener {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        keypair: &Keypair,
        server: Fingerprint,
        counters: &Arc<Counters>,
    ) -> Poll<Event> {
        if self.has_ended {
            return Poll::Pending;
        }
        self.watch(cx, server);
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(event);
        }
        let listener_id = self.id;
        match self.arrivals.poll_recv(cx) {
            Poll::Ready(Some(arrival)) => {
                let Arrival { session, from, inbox, under_way } = arrival;
                let link = Link::new(session, Arc::clone(&self.socket), from, inbox, Arc::clone(counters));
                let established = handshake::establish(link, keypair.clone(), server);
                Poll::Ready(TransportEvent::Incoming {
                    listener_id,
                    upgrade: Box::pin(async move {
                        let _under_way = under_way;
                        established.await
                    }),
                    local_addr: address(self.at, None),
                    send_back_addr: address(from, None),
                })
            }
            Poll::Ready(None) => {
                self.has_ended = true;
                Poll::Ready(TransportEvent::ListenerClosed { listener_id, reason: Ok(()) })
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Tells which addresses this machine has.
    fn watch(&mut self, cx: &mut Context<'_>, server: Fingerprint) {
        let (listener_id, at) = (self.id, self.at);
        while let Some(Poll::Ready(Some(seen))) =
            self.interfaces.as_mut().map(|interfaces| interfaces.poll_next_unpin(cx))
        {
            let listen_addr = |ip: IpAddr| address(SocketAddr::new(ip, at.port()), Some(server));
            let is_ours = |ip: IpAddr| ip.is_ipv4() == at.is_ipv4();
            self.events.extend(match seen {
                Ok(IfEvent::Up(net)) if is_ours(net.addr()) => {
                    Some(TransportEvent::NewAddress { listener_id, listen_addr: listen_addr(net.addr()) })
                }
                Ok(IfEvent::Down(net)) if is_ours(net.addr()) => {
                    Some(TransportEvent::AddressExpired { listener_id, listen_addr: listen_addr(net.addr()) })
                }
                Ok(_) => None,
                Err(error) => Some(TransportEvent::ListenerError { listener_id, error }),
            });
        }
    }
}

/// Where an address says to listen: `/ip4/…/udp/…/webrtc-direct`, with or without a hash, which is ours anyway.
fn socket_of(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::from(ip),
        Protocol::Ip6(ip) => IpAddr::from(ip),
        _ => return None,
    };
    let (Protocol::Udp(port), Protocol::WebRTCDirect) = (parts.next()?, parts.next()?) else { return None };
    parts.all(|part| matches!(part, Protocol::Certhash(_))).then(|| SocketAddr::new(ip, port))
}

fn address(at: SocketAddr, certificate: Option<Fingerprint>) -> Multiaddr {
    let direct = Multiaddr::from(at.ip()).with(Protocol::Udp(at.port())).with(Protocol::WebRTCDirect);
    match certificate {
        Some(hash) => direct.with(Protocol::Certhash(hash)),
        None => direct,
    }
}
