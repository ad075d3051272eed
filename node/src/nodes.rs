//! What each community node that is kept does for this device, read from the network as front ends see it.

use kith_engine::view::NetworkView;
use kith_net::address;
use kith_net::address::Reach;
use kith_proto::id::DeviceId;

/// What is known of a community node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeState {
    /// Who it is; `None` when the text that is kept is no address.
    pub device: Option<DeviceId>,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether others reach this device through it.
    pub relays: bool,
    /// Whether it keeps messages for us.
    pub mailbox: bool,
}

/// What is known of the community node that was added with this text.
pub fn state(network: &NetworkView, text: &str) -> NodeState {
    let Ok(node) = address::parse_node(text) else { return NodeState::default() };
    let name = format!("/p2p/{}/p2p-circuit", node.device);
    let lent = network.listen.iter().filter(|own| address::reach(own) == Reach::Relayed);
    NodeState {
        device: Some(node.device),
        connected: network.bootstraps_up.contains(&node.device),
        relays: lent.map(|own| address::text(own, None)).any(|text| text.contains(&name)),
        mailbox: network.mailboxes.iter().any(|own| own.accepted && own.device == node.device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_lends_its_address_relays() {
        let device = kith_net::net::device_of_seed(&[7; 32]).unwrap();
        let text = format!("/ip4/198.51.100.7/tcp/4001/p2p/{device}");
        let mut network = NetworkView { bootstraps: vec![text.clone()], ..NetworkView::default() };
        assert_eq!(state(&network, &text), NodeState { device: Some(device), ..NodeState::default() });
        network.bootstraps_up = vec![device];
        network.listen = vec![address::parse(&format!("{text}/p2p-circuit")).unwrap().0];
        let known = state(&network, &text);
        assert!(known.connected && known.relays && !known.mailbox);
        assert_eq!(state(&network, "nonsense"), NodeState::default());
    }
}
