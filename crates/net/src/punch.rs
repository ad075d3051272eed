//! Hole punching (libp2p's DCUtR) with known devices only. libp2p's sends where it was seen to whoever comes through a
//! relay, before that side has said a word, and dials whatever address it is told, hundreds of them. Here a relayed
//! connection with anybody else never speaks of it, and of what a known device says little is dialled.
//!
//! ```text
//!  the inner behaviour asks for a dial ──all addresses are fit──▶ it is dialled
//!            ▲                          └─some are──▶ refused, and the fit ones are dialled in its place ──fails─┐
//!            └──────────────── next round, three in all ◀──none is──────────────────────────────────────────────┘
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::task::Context;
use std::task::Poll;

use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::core::ConnectedPoint;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::dcutr;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionDenied;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::DialFailure;
use libp2p::swarm::FromSwarm;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::THandler;
use libp2p::swarm::THandlerInEvent;
use libp2p::swarm::THandlerOutEvent;
use libp2p::swarm::ToSwarm;
use libp2p::swarm::derive_prelude::Either;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::dial_opts::PeerCondition;
use libp2p::swarm::dummy;

use crate::address;
use crate::address::Reach;

/// Addresses of one device that are dialled in one round: TCP and QUIC, IPv4 and IPv6, at home and from outside.
const MAX_TRIED: usize = 8;

/// Why a dial is not made as it was asked for.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not all of these addresses can be the other device's")]
struct Unfit;

/// Comes together directly with known devices.
pub(crate) struct Punch {
    inner: dcutr::Behaviour,
    known: BTreeSet<PeerId>,
    /// The relayed connections on which holes may be punched: with whom, and whether the relay is on this machine.
    circuits: BTreeMap<ConnectionId, (PeerId, bool)>,
    /// Dials that the inner behaviour asked for and whose addresses have not been looked at.
    asked: BTreeSet<ConnectionId>,
    /// Dials in the place of such ones that are still to begin.
    waiting: VecDeque<DialOpts>,
    /// Those that have, and in whose place.
    stand_ins: BTreeMap<ConnectionId, ConnectionId>,
}

impl Punch {
    pub(crate) fn new(own: PeerId) -> Self {
        Self {
            inner: dcutr::Behaviour::new(own),
            known: BTreeSet::new(),
            circuits: BTreeMap::new(),
            asked: BTreeSet::new(),
            waiting: VecDeque::new(),
            stand_ins: BTreeMap::new(),
        }
    }

    /// With whom holes are punched, on connections that are still to come.
    pub(crate) fn set_known(&mut self, known: BTreeSet<PeerId>) {
        self.known = known;
    }

    /// Looks at what the inner behaviour was told to dial. When not all of it is fit, another dial takes its place.
    fn look(
        &mut self,
        asked: ConnectionId,
        peer: PeerId,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<(), Unfit> {
        let is_here = self.circuits.values().any(|(with, is_here)| *with == peer && *is_here);
        let fit = fit(addresses, is_here);
        if fit == addresses {
            return Ok(());
        }
        if !fit.is_empty() {
            let options = DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(fit);
            let options = match role {
                Endpoint::Listener => options.override_role(),
                Endpoint::Dialer => options,
            };
            let options = options.build();
            self.stand_ins.insert(options.connection_id(), asked);
            self.waiting.push_back(options);
        }
        Err(Unfit)
    }

    /// A dial has failed. The inner behaviour hears of its own, and begins the next round.
    fn failed(&mut self, failure: DialFailure<'_>) {
        let failed = failure.connection_id;
        if let Some(connection_id) = self.stand_ins.remove(&failed) {
            self.inner.on_swarm_event(FromSwarm::DialFailure(DialFailure { connection_id, ..failure }));
        } else if !self.stand_ins.values().any(|asked| *asked == failed) {
            self.inner.on_swarm_event(FromSwarm::DialFailure(failure));
        }
    }
}

/// The addresses at which another device may be, each once, the last ones first to stay: those were seen last. This
/// machine only when the relay is on it too, as in tests; names never, since what was seen is a number.
fn fit(addresses: &[Multiaddr], is_here: bool) -> Vec<Multiaddr> {
    let mut fit: Vec<Multiaddr> = Vec::new();
    for address in addresses.iter().rev().filter(|address| is_fit(address, is_here)) {
        if fit.len() < MAX_TRIED && !fit.contains(address) {
            fit.push(address.clone());
        }
    }
    fit.reverse();
    fit
}

fn is_fit(address: &Multiaddr, is_here: bool) -> bool {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return false,
    };
    let is_port = match parts.next() {
        Some(Protocol::Tcp(port) | Protocol::Udp(port)) => port != 0,
        _ => false,
    };
    let ip = ip.to_canonical();
    let is_host = !(ip.is_unspecified() || ip.is_multicast() || is_broadcast(ip));
    let is_elsewhere = is_here || address::reach_of_ip(ip) != Reach::Loopback;
    let is_dialled = !(address::is_relayed(address)
        || address::is_for_browsers(address)
        || address::is_link_local(address));
    is_port && is_host && is_elsewhere && is_dialled
}

fn is_broadcast(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_broadcast())
}

/// Whether an address that leads through a relay begins on this machine.
fn is_relay_here(address: &Multiaddr) -> bool {
    address::ip_of(address).is_some_and(|ip| address::reach_of_ip(ip) == Reach::Loopback)
}

impl NetworkBehaviour for Punch {
    /// With nobody but known devices the inner one's handler for relayed connections.
    type ConnectionHandler = THandler<dcutr::Behaviour>;
    type ToSwarm = dcutr::Event;

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if let Some(peer) = peer.filter(|_| self.asked.remove(&connection)) {
            self.look(connection, peer, addresses, role).map_err(ConnectionDenied::new)?;
        }
        Ok(Vec::new())
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if address::is_relayed(local) && !self.known.contains(&peer) {
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        self.inner.handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if address::is_relayed(address) && !self.known.contains(&peer) {
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        self.inner.handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match &event {
            FromSwarm::ConnectionEstablished(up) => {
                self.stand_ins.remove(&up.connection_id);
                if up.endpoint.is_relayed() && self.known.contains(&up.peer_id) {
                    let address = match up.endpoint {
                        ConnectedPoint::Dialer { address, .. } => address,
                        ConnectedPoint::Listener { local_addr, .. } => local_addr,
                    };
                    self.circuits.insert(up.connection_id, (up.peer_id, is_relay_here(address)));
                }
            }
            FromSwarm::ConnectionClosed(closed) => {
                self.circuits.remove(&closed.connection_id);
            }
            FromSwarm::DialFailure(failure) => return self.failed(*failure),
            _ => {}
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        // Who is not known any more is told nothing more, nor dialled.
        if self.known.contains(&peer) {
            self.inner.on_connection_handler_event(peer, connection, event);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(opts) = self.waiting.pop_front() {
            return Poll::Ready(ToSwarm::Dial { opts });
        }
        let next = self.inner.poll(cx);
        if let Poll::Ready(ToSwarm::Dial { opts }) = &next {
            self.asked.insert(opts.connection_id());
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_a_device_cannot_have_been_seen_at_is_not_dialled() {
        let fine = at(&[
            "/ip4/198.51.100.5/tcp/4001",
            "/ip4/198.51.100.5/udp/4001/quic-v1",
            "/ip6/2001:db8::5/tcp/4001/ws",
            "/ip4/192.168.1.5/tcp/4001",
        ]);
        assert_eq!(fit(&fine, false), fine, "a known device may be in the house");
        for text in [
            "/dns4/node.example.org/tcp/4001",
            "/ip4/127.0.0.1/tcp/4001",
            "/ip4/127.8.8.8/udp/4001/quic-v1",
            "/ip6/::1/tcp/4001",
            "/ip6/::ffff:127.0.0.1/tcp/4001",
            "/ip4/0.0.0.0/tcp/4001",
            "/ip4/255.255.255.255/udp/4001/quic-v1",
            "/ip4/224.0.0.1/udp/4001/quic-v1",
            "/ip6/ff02::1/udp/4001/quic-v1",
            "/ip6/fe80::1/tcp/4001",
            "/ip4/198.51.100.5/tcp/0",
            "/ip4/198.51.100.5",
            "/ip4/198.51.100.5/udp/4001/webrtc-direct",
            "/memory/7",
        ] {
            assert_eq!(fit(&at(&[text]), false), [], "{text}");
        }
        let here = at(&["/ip4/127.0.0.1/tcp/4001"]);
        assert_eq!(fit(&here, true), here, "through a relay on this machine others on it are reached");
    }

    #[test]
    fn few_are_dialled_each_once_and_rather_what_was_seen_last() {
        let many: Vec<String> = (1..=400).map(|port| format!("/ip4/198.51.100.5/tcp/{port}")).collect();
        let many: Vec<&str> = many.iter().flat_map(|text| [text.as_str(), text]).collect();
        let last = ["393", "394", "395", "396", "397", "398", "399", "400"];
        let last = last.map(|port| format!("/ip4/198.51.100.5/tcp/{port}"));
        assert_eq!(fit(&at(&many), false), at(&last.each_ref().map(String::as_str)));
    }
}
