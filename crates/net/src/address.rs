//! Between the opaque addresses of `kith-proto` and libp2p's.

use std::net::IpAddr;

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::multiaddr::Protocol;

use crate::error::NetError;

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// From anywhere.
    Global,
    /// On the local network.
    Local,
    /// On this machine.
    Loopback,
    /// From anywhere, through a relay.
    Relayed,
}

/// Reads a multiaddress as people write it, with or without `/p2p/…` at the end.
///
/// # Errors
/// When it is not one.
pub fn parse(text: &str) -> Result<(Multiaddress, Option<DeviceId>), NetError> {
    let bad = |reason: String| NetError::BadAddress { text: text.to_owned(), reason };
    let address: Multiaddr =
        text.trim().parse().map_err(|error: libp2p::multiaddr::Error| bad(error.to_string()))?;
    let (address, peer) = split_peer(address);
    let device = match peer {
        Some(peer) => Some(device_of(&peer).ok_or_else(|| NetError::WrongKey(text.to_owned()))?),
        None => None,
    };
    let address = from_libp2p(&address).ok_or_else(|| bad("it is empty or too long".to_owned()))?;
    Ok((address, device))
}

/// Reads the address of a bootstrap node, which must say who answers there.
///
/// # Errors
/// When it is not one.
pub fn parse_node(text: &str) -> Result<DeviceAddress, NetError> {
    let (address, device) = parse(text)?;
    let device = device.ok_or_else(|| NetError::NoPeer(text.to_owned()))?;
    Ok(DeviceAddress { device, address })
}

/// The same of a node that a person's device is to dial.
///
/// # Errors
/// Also when only browsers can.
pub fn parse_dialled(text: &str) -> Result<DeviceAddress, NetError> {
    let node = parse_node(text)?;
    match to_libp2p(&node.address) {
        Some(address) if is_for_browsers(&address) => Err(NetError::ForBrowsers(text.to_owned())),
        _ => Ok(node),
    }
}

/// A configured address with the port that stands in a concrete one, to be listened at again; `None` when no port was left
/// open. The interface stays as configured: one listener on all of them is told at each.
pub fn with_port_of(configured: &str, concrete: &str) -> Option<String> {
    let mut transports = ["tcp", "udp"].into_iter();
    let transport = transports.find(|transport| port_after(configured, transport) == Some(0))?;
    let port = port_after(concrete, transport).filter(|port| *port != 0)?;
    Some(configured.replacen(&format!("/{transport}/0"), &format!("/{transport}/{port}"), 1))
}

/// The port in an address of this transport.
fn port_after(address: &str, transport: &str) -> Option<u16> {
    let mut parts = address.split('/').skip_while(|part| *part != transport);
    parts.nth(1)?.parse().ok()
}

/// An address as people write it, with the device at the end if given.
pub fn text(address: &Multiaddress, device: Option<&DeviceId>) -> String {
    let base = to_libp2p(address).map(|address| address.to_string()).unwrap_or_default();
    match device {
        Some(device) => format!("{base}/p2p/{device}"),
        None => base,
    }
}

/// How far an address reaches.
pub fn reach(address: &Multiaddress) -> Reach {
    to_libp2p(address).map_or(Reach::Global, |address| reach_of(&address))
}

/// How far an address of libp2p reaches.
pub(crate) fn reach_of(address: &Multiaddr) -> Reach {
    if is_relayed(address) {
        return Reach::Relayed;
    }
    ip_of(address).map_or(Reach::Global, reach_of_ip)
}

/// How far an IP address reaches. What providers share among customers (100.64.0.0/10) is no better than a house.
pub(crate) fn reach_of_ip(ip: IpAddr) -> Reach {
    match ip.to_canonical() {
        ip if ip.is_loopback() => Reach::Loopback,
        IpAddr::V4(ip) => {
            let shared = ip.to_bits() >> 22 == 0x6440_0000 >> 22;
            let local = shared || ip.is_private() || ip.is_link_local() || ip.is_unspecified();
            if local { Reach::Local } else { Reach::Global }
        }
        IpAddr::V6(ip) => {
            let local = ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified();
            if local { Reach::Local } else { Reach::Global }
        }
    }
}

/// Whether an address leads through a relay.
pub(crate) fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// Whether only browsers can dial an address.
pub(crate) fn is_for_browsers(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::WebRTCDirect)
}

/// Whether an address means something on one cable only (fe80::/10). A multiaddress does not say on which, so nobody
/// can dial it.
pub(crate) fn is_link_local(address: &Multiaddr) -> bool {
    matches!(ip_of(address), Some(IpAddr::V6(ip)) if ip.is_unicast_link_local())
}

/// The IP address in a multiaddress.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}

/// Cuts the peer off the end of an address.
pub(crate) fn split_peer(mut address: Multiaddr) -> (Multiaddr, Option<PeerId>) {
    match address.pop() {
        Some(Protocol::P2p(peer)) => (address, Some(peer)),
        Some(other) => {
            address.push(other);
            (address, None)
        }
        None => (address, None),
    }
}

/// An address without its peer, in our form.
pub(crate) fn from_libp2p(address: &Multiaddr) -> Option<Multiaddress> {
    let (address, _) = split_peer(address.clone());
    Multiaddress::new(address.to_vec())
}

/// An address in libp2p's form; `None` when it is not one.
pub(crate) fn to_libp2p(address: &Multiaddress) -> Option<Multiaddr> {
    Multiaddr::try_from(address.as_bytes().to_vec()).ok()
}

/// The device behind a peer id, if it has an Ed25519 key.
pub(crate) fn device_of(peer: &PeerId) -> Option<DeviceId> {
    DeviceId::from_peer_id_bytes(&peer.to_bytes())
}

/// The peer id of a device.
pub(crate) fn peer_of(device: &DeviceId) -> Option<PeerId> {
    PeerId::from_bytes(&device.to_peer_id_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_taken_over_and_the_interface_is_not() {
        let kept = with_port_of("/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/192.168.1.5/udp/4242/quic-v1");
        assert_eq!(kept.as_deref(), Some("/ip4/0.0.0.0/udp/4242/quic-v1"));
        let kept = with_port_of("/ip6/::/tcp/0/ws", "/ip6/2001:db8::7/tcp/4242/ws");
        assert_eq!(kept.as_deref(), Some("/ip6/::/tcp/4242/ws"));
        assert_eq!(with_port_of("/ip4/0.0.0.0/tcp/4001", "/ip4/192.168.1.5/tcp/4001"), None);
        assert_eq!(with_port_of("/ip4/0.0.0.0/tcp/0", "/ip4/192.168.1.5/udp/4242"), None);
    }

    #[test]
    fn an_address_keeps_its_text_and_its_device() {
        let device = DeviceId([9; 32]);
        let written = format!("/ip4/192.0.2.7/udp/4001/quic-v1/p2p/{device}");
        let node = parse_node(&written).unwrap();
        assert_eq!(node.device, device);
        assert_eq!(text(&node.address, Some(&node.device)), written);
        assert!(matches!(parse_node("/ip4/192.0.2.7/tcp/1"), Err(NetError::NoPeer(_))));
        assert!(matches!(parse("192.0.2.7:4001"), Err(NetError::BadAddress { .. })));
    }

    #[test]
    fn reach_tells_the_world_from_the_house_from_the_machine() {
        let of = |text: &str| reach(&parse(text).unwrap().0);
        assert_eq!(of("/ip4/127.0.0.1/tcp/1"), Reach::Loopback);
        assert_eq!(of("/ip4/192.168.1.5/tcp/1"), Reach::Local);
        assert_eq!(of("/ip6/fe80::1/tcp/1"), Reach::Local);
        assert_eq!(of("/ip4/100.127.1.5/tcp/1"), Reach::Local);
        assert_eq!(of("/ip4/100.128.1.5/tcp/1"), Reach::Global);
        assert_eq!(of("/ip4/198.51.100.5/tcp/1"), Reach::Global);
        assert_eq!(of("/dns4/node.example.org/tcp/1"), Reach::Global);
        let relay = DeviceId([9; 32]);
        assert_eq!(of(&format!("/ip4/127.0.0.1/tcp/1/p2p/{relay}/p2p-circuit")), Reach::Relayed);
    }
}
