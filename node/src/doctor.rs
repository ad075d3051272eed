//! What is known about the connection, as findings that a person can act on. Facts only: nothing is probed here, and
//! nothing names anybody.

use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::Nat;
use kith_engine::view::NetworkView;
use kith_net::address;
use kith_net::address::Reach;

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, as a stable word.
    pub about: &'static str,
    /// Whether all is well in this respect.
    pub good: bool,
    /// The fact, in a sentence.
    pub fact: String,
    /// What to do; `None` when there is nothing to do.
    pub action: Option<&'static str>,
}

/// Everything that is known, what needs doing first.
pub fn findings(network: &NetworkView, contacts: &[ContactView], waiting: u64) -> Vec<Finding> {
    let mut found = vec![
        addresses(network),
        reachability(network),
        community(network),
        dht(network),
        mailboxes(network),
        friends(contacts),
        outbox(contacts, waiting),
    ];
    found.sort_by_key(|finding| finding.good);
    found
}

fn finding(about: &'static str, good: bool, fact: String, action: Option<&'static str>) -> Finding {
    Finding { about, good, fact, action: action.filter(|_| !good) }
}

fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("one {one}") } else { format!("{number} {many}") }
}

fn addresses(network: &NetworkView) -> Finding {
    let of = |reach: Reach| network.listen.iter().filter(|own| address::reach(own) == reach).count();
    let (global, local) = (of(Reach::Global), of(Reach::Local));
    let own = count(global + local, "address", "addresses");
    let fact = match (global + local, network.listen.is_empty()) {
        (0, true) => "This device has no network address.".to_owned(),
        (0, false) => "This device can only be reached from itself or through relays.".to_owned(),
        _ => format!("This device listens at {own}, {global} of them known from anywhere."),
    };
    let action = "Connect to a network; Kith notices by itself.";
    finding("addresses", !network.listen.is_empty(), fact, Some(action))
}

fn reachability(network: &NetworkView) -> Finding {
    let lent = network.listen.iter().filter(|own| address::reach(own) == Reach::Relayed).count();
    let relays = count(lent, "relayed address", "relayed addresses");
    match network.nat {
        Nat::Public => {
            finding("reachability", true, "Others can reach this device directly.".to_owned(), None)
        }
        Nat::Private if lent > 0 => {
            let fact = format!(
                "A router hides this device; others reach it at {relays}, and mostly directly a moment later."
            );
            finding("reachability", true, fact, None)
        }
        Nat::Private => finding(
            "reachability",
            false,
            "A router hides this device, and no relay leads to it: others cannot begin a connection."
                .to_owned(),
            Some("Add a community node that relays, or forward a port on the router."),
        ),
        Nat::Unknown => finding(
            "reachability",
            true,
            format!("Nobody has tested yet whether it can be reached; {relays}."),
            None,
        ),
    }
}

fn community(network: &NetworkView) -> Finding {
    let (known, connected) = (network.bootstraps.len(), network.bootstraps_connected);
    if known == 0 && connected == 0 {
        return finding(
            "community nodes",
            false,
            "No community node is known: friends are found on this network and where they were last."
                .to_owned(),
            Some("Add a community node: paste the line that it printed."),
        );
    }
    let fact = match (known, connected) {
        (0 | 1, 0) => "The community node does not answer.".to_owned(),
        (0 | 1, 1) => "The community node answers.".to_owned(),
        (known, connected) => {
            format!("{connected} of {known} community nodes answer.", known = known.max(connected as usize))
        }
    };
    let action = "Look whether the internet can be reached; if so, add another community node.";
    finding("community nodes", connected > 0, fact, Some(action))
}

fn dht(network: &NetworkView) -> Finding {
    let fact = match network.dht_peers {
        0 => "The DHT cannot be asked: who moved since is not found.".to_owned(),
        1 => "One node of the DHT is known.".to_owned(),
        many => format!("{many} nodes of the DHT are known."),
    };
    finding("DHT", network.dht_peers > 0, fact, Some("Add a community node: it is a way into the DHT."))
}

fn mailboxes(network: &NetworkView) -> Finding {
    let accepted = network.mailboxes.iter().filter(|own| own.accepted).count();
    let connected = network.mailboxes.iter().filter(|own| own.accepted && own.connected).count();
    let words = count(accepted, "mailbox keeps", "mailboxes keep");
    let (good, fact, action) = match (accepted, connected) {
        (0, _) => (
            false,
            "No mailbox keeps what comes while this device is off.".to_owned(),
            "Add a community node that serves as a mailbox; three are best.",
        ),
        (_, 0) => (
            false,
            format!("{words} what comes, and none can be reached now."),
            "What is there waits; add another community node if this lasts.",
        ),
        (1, _) => (
            false,
            "One mailbox keeps what comes while this device is off; if it dies, mail waits with its senders."
                .to_owned(),
            "Add community nodes run by others: three mailboxes are best.",
        ),
        _ => (
            true,
            format!("{words} what comes while this device is off; {connected} can be reached now."),
            "",
        ),
    };
    finding("mailboxes", good, fact, Some(action))
}

fn friends(contacts: &[ContactView]) -> Finding {
    let accepted: Vec<_> =
        contacts.iter().filter(|contact| contact.state == ContactState::Accepted).collect();
    let without = accepted.iter().filter(|contact| contact.mailboxes == 0).count();
    let online = accepted.iter().filter(|contact| contact.online).count();
    let fact = match without {
        0 => format!(
            "{online} of {} online; mail can be left for all.",
            count(accepted.len(), "contact", "contacts")
        ),
        _ => format!(
            "{online} of {} online; for {without} no mailbox is known: what you write waits until both are online.",
            count(accepted.len(), "contact", "contacts")
        ),
    };
    finding("contacts", true, fact, None)
}

fn outbox(contacts: &[ContactView], waiting: u64) -> Finding {
    let refused = contacts.iter().filter(|contact| contact.refused).count();
    let fact = match (waiting, refused) {
        (0, 0) => "Nothing waits to be delivered.".to_owned(),
        (waiting, 0) => format!("{waiting} things wait to be confirmed by their receivers."),
        (waiting, refused) => {
            format!(
                "{waiting} things wait; {} no longer works.",
                count(refused, "link that you used", "links that you used")
            )
        }
    };
    finding("waiting", refused == 0, fact, Some("Ask those contacts for a new link and add it."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_without_anything_is_told_what_to_do_first() {
        let found = findings(&NetworkView::default(), &[], 0);
        assert!(!found[0].good && found[0].action.is_some());
        assert!(found.iter().any(|finding| finding.about == "community nodes" && finding.action.is_some()));
        assert!(found.iter().filter(|finding| finding.good).all(|finding| finding.action.is_none()));
    }

    #[test]
    fn what_is_well_needs_nothing() {
        let mut network = NetworkView { nat: Nat::Public, dht_peers: 5, ..NetworkView::default() };
        network.bootstraps = vec!["one".to_owned()];
        network.bootstraps_connected = 1;
        let community =
            findings(&network, &[], 0).into_iter().find(|finding| finding.about == "community nodes");
        assert_eq!(community.unwrap().fact, "The community node answers.");
    }
}
