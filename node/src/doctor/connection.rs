//! Findings about how this device stands in the network: addresses, routers, relays, community nodes, the DHT, the clock.

use kith_engine::view::Nat;
use kith_engine::view::NetworkView;
use kith_net::address;
use kith_net::address::Reach;
use kith_net::facts::Mapping;
use kith_net::facts::Upnp;

use crate::doctor::Finding;
use crate::doctor::Known;
use crate::doctor::Severity;
use crate::doctor::ago;
use crate::doctor::count;
use crate::doctor::duration;

/// A clock that differs by more than this is a finding: invites and records are valid for days, but disappearing messages
/// and the order of a conversation are told in minutes.
const CLOCK_SECS: i64 = 300;

/// A router that has neither lent a port nor said that there is none after this has refused: the search for one ends
/// within ten seconds.
const UPNP_SECS: u64 = 60;

pub(super) fn findings(known: &Known) -> Vec<Finding> {
    vec![
        addresses(&known.network),
        reachability(&known.network),
        nat(known),
        ipv6(known),
        upnp(known),
        relays(known),
        community(known),
        dht(known),
        clock(known),
    ]
}

fn addresses(network: &NetworkView) -> Finding {
    let of = |reach: Reach| network.listen.iter().filter(|own| address::reach(own) == reach).count();
    let (global, local) = (of(Reach::Global), of(Reach::Local));
    let own = count(global + local, "address", "addresses");
    if network.listen.is_empty() {
        let action = "Connect to a network; Kith notices by itself.";
        return Finding::new("addresses", Severity::Problem, "This device has no network address.", action);
    }
    let fact = match global + local {
        0 => "This device can only be reached from itself or through relays.".to_owned(),
        _ => format!("This device listens at {own}, {global} of them known from anywhere."),
    };
    Finding::good("addresses", fact)
}

fn lent(network: &NetworkView) -> usize {
    network.listen.iter().filter(|own| address::reach(own) == Reach::Relayed).count()
}

fn reachability(network: &NetworkView) -> Finding {
    let about = "reachability";
    let relayed = count(lent(network), "relayed address", "relayed addresses");
    match network.nat {
        Nat::Public => Finding::good(about, "Others can reach this device directly."),
        Nat::Private if lent(network) > 0 => {
            let fact = format!(
                "A router hides this device; others reach it at {relayed}, and mostly directly a moment later."
            );
            Finding::good(about, fact)
        }
        Nat::Private => {
            let fact =
                "A router hides this device, and no relay leads to it: others cannot begin a connection.";
            let action = "Add a community node that relays, or forward a port on the router.";
            Finding::new(about, Severity::Problem, fact, action)
        }
        Nat::Unknown => {
            Finding::unknown(about, format!("Nobody has tested yet whether it can be reached; {relayed}."))
        }
    }
}

fn nat(known: &Known) -> Finding {
    let about = "NAT type";
    match known.facts.mapping {
        Mapping::None => Finding::good(about, "No router changes this device's address."),
        Mapping::Same => Finding::good(
            about,
            "The router shows this device at the same address and port to everybody (endpoint-independent): direct connections can be made through it.",
        ),
        Mapping::Differs if known.network.nat == Nat::Public => Finding::good(
            about,
            "The router shows each node another port (symmetric), and lets others in all the same.",
        ),
        Mapping::Differs => Finding::new(
            about,
            Severity::Warning,
            "The router shows each node another address or port (symmetric): most connections stay on relays.",
            "Switch on UPnP on the router, or forward a port to this device.",
        ),
        Mapping::Unknown => Finding::unknown(
            about,
            "Not known yet: two nodes at different places have to say where they see this device.",
        ),
    }
}

fn ipv6(known: &Known) -> Finding {
    let about = "IPv6";
    let is_ipv6 = |text: String| text.starts_with("/ip6/");
    let mut own = known.network.listen.iter().filter(|own| address::reach(own) == Reach::Global);
    let has = own.any(|own| is_ipv6(address::text(own, None)));
    let tests = known.facts.tests.iter().filter(|test| is_ipv6(address::text(&test.address, None)));
    let tests: Vec<bool> = tests.map(|test| test.reached).collect();
    match (has, tests.as_slice()) {
        (_, tests) if tests.contains(&true) => Finding::good(about, "Others reach this device over IPv6."),
        (_, [_, ..]) => Finding::good(
            about,
            "There is an IPv6 address, and a test of it failed: a firewall lets nobody in there.",
        ),
        (true, []) => Finding::unknown(
            about,
            "There is an IPv6 address; nobody has tested yet whether it can be reached.",
        ),
        (false, []) => Finding::good(about, "This network has no IPv6."),
    }
}

fn upnp(known: &Known) -> Finding {
    let about = "UPnP";
    let needed = known.network.nat == Nat::Private && lent(&known.network) == 0;
    let severity = if needed { Severity::Warning } else { Severity::Good };
    let action = "Switch on UPnP on the router, or forward a port to this device.";
    match known.facts.upnp {
        Upnp::Off => Finding::good(about, "No router is asked for a port."),
        Upnp::Mapped => Finding::good(about, "The router lends this device a port."),
        Upnp::Asked { since } if known.now.since(since).0 / 1_000 < UPNP_SECS => {
            Finding::unknown(about, "The router is being asked for a port.")
        }
        Upnp::Asked { .. } => {
            Finding::new(about, severity, "A router was found, and refused to lend a port.", action)
        }
        Upnp::NoGateway => Finding::new(about, severity, "No router here lends ports.", action),
        Upnp::NotPublic => Finding::new(
            about,
            severity,
            "The router is itself hidden behind another: its ports lead nowhere.",
            "Ask the provider for an address of your own.",
        ),
        Upnp::Lost => {
            Finding::new(about, severity, "The router took back the port that it had lent.", action)
        }
    }
}

fn relays(known: &Known) -> Finding {
    let about = "relays";
    let held = known.facts.nodes.values().filter(|node| node.reserved_since.is_some());
    let (number, nearest) = (held.clone().count(), held.filter_map(|node| node.round_trip_ms).min());
    let near =
        nearest.map_or(String::new(), |millis| format!("; a ping to the nearest and back takes {millis} ms"));
    match (number, known.network.nat) {
        (0, Nat::Public) => Finding::good(about, "No relay is needed."),
        (0, Nat::Private) => Finding::new(
            about,
            Severity::Warning,
            "No relay keeps a place for this device.",
            "Add a community node that relays.",
        ),
        (0, Nat::Unknown) => Finding::unknown(about, "No relay keeps a place for this device yet."),
        (1, _) => Finding::good(about, format!("One relay keeps a place for this device{near}.")),
        (many, _) => Finding::good(about, format!("{many} relays keep a place for this device{near}.")),
    }
}

fn community(known: &Known) -> Finding {
    let about = "community nodes";
    let (kept, connected) = (known.network.bootstraps.len(), known.network.bootstraps_connected as usize);
    if kept == 0 && connected == 0 {
        return Finding::new(
            about,
            Severity::Warning,
            "No community node is known: friends are found on this network and where they were last.",
            "Add a community node: paste the line that it printed.",
        );
    }
    let nearest = known.facts.nodes.values().filter_map(|node| node.round_trip_ms).min();
    let near = nearest.map_or(String::new(), |millis| format!(", the nearest within {millis} ms"));
    let fact = match (kept, connected) {
        (0 | 1, 0) => "The community node does not answer.".to_owned(),
        (0 | 1, 1) => format!("The community node answers{}.", near.replace(", the nearest", "")),
        (kept, connected) => format!("{connected} of {} community nodes answer{near}.", kept.max(connected)),
    };
    let severity = if connected > 0 { Severity::Good } else { Severity::Problem };
    let action = "Look whether the internet can be reached; if so, add another community node.";
    Finding::new(about, severity, fact, action)
}

fn dht(known: &Known) -> Finding {
    let (about, facts) = ("DHT", &known.facts);
    let nodes = match known.network.dht_peers {
        0 => {
            let fact = "The DHT cannot be asked: who moved since is not found.";
            let action = "Add a community node: it is a way into the DHT.";
            return Finding::new(about, Severity::Warning, fact, action);
        }
        1 => "One node of the DHT is known".to_owned(),
        many => format!("{many} nodes of the DHT are known"),
    };
    let asked = facts
        .looked_up_at
        .map_or("it was not asked yet".to_owned(), |at| format!("it was last asked {}", ago(known.now, at)));
    match (facts.published_at, facts.publish_failed_at) {
        (stored, Some(failed)) if stored.is_none_or(|stored| stored < failed) => {
            let fact = format!("{nodes}, and none took the record that says where this device is; {asked}.");
            let action = "Wait a minute, it is tried again; if it lasts, add another community node.";
            Finding::new(about, Severity::Warning, fact, action)
        }
        (Some(stored), _) => {
            let stored = ago(known.now, stored);
            Finding::good(about, format!("{nodes}; where this device is was last stored {stored}; {asked}."))
        }
        (None, _) => {
            Finding::unknown(about, format!("{nodes}; where this device is was not stored yet; {asked}."))
        }
    }
}

fn clock(known: &Known) -> Finding {
    let about = "clock";
    let Some(clock) = known.clock else {
        return Finding::unknown(about, "Not known yet: fewer than two others have told their time.");
    };
    let (least, most) = (clock.ahead_at_least_secs, clock.ahead_at_most_secs);
    let action = "Set the clock of this device: invites, mailboxes, disappearing messages and being found depend on it.";
    let wrong = |by: u64, how: &str| {
        let others = count(clock.sources as usize, "other", "others");
        let fact =
            format!("The clock of this device is at least {} {how} the clocks of {others}.", duration(by));
        Finding::new(about, Severity::Problem, fact, action)
    };
    if least > CLOCK_SECS {
        return wrong(least.unsigned_abs(), "behind");
    }
    if most < -CLOCK_SECS {
        return wrong(most.unsigned_abs(), "ahead of");
    }
    let by = duration(least.unsigned_abs().max(most.unsigned_abs()));
    let others = clock.sources;
    if least == most {
        return Finding::good(about, format!("The clock differs by {by} from those of {others} others."));
    }
    Finding::good(about, format!("The clock differs by {by} at most from those of {others} others."))
}
