//! What each community node that is known does for this device, read from the network as front ends see it.

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

/// The community nodes: those that are kept, and those that are only named for this run of the program.
pub fn all(network: &NetworkView) -> impl Iterator<Item = Named<'_>> {
    let kept = network.bootstraps.iter().map(|text| Named { text, kept: true });
    let named = network.bootstraps_named.iter().filter(|text| !network.bootstraps.contains(text));
    kept.chain(named.map(|text| Named { text, kept: false }))
}

/// A community node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// How it was written.
    pub text: &'a String,
    /// Whether it is known after the next start too.
    pub kept: bool,
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
    fn a_node_that_is_kept_is_listed_once() {
        let (one, two) = ("/dns4/one/tcp/1".to_owned(), "/dns4/two/tcp/2".to_owned());
        let network = NetworkView {
            bootstraps: vec![one.clone()],
            bootstraps_named: vec![two.clone(), one.clone()],
            ..NetworkView::default()
        };
        let known: Vec<_> = all(&network).collect();
        assert_eq!(known, [Named { text: &one, kept: true }, Named { text: &two, kept: false }]);
    }

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
