//! Findings about how this device stands in the network: addresses, routers, relays, community nodes, calls, the DHT, the clock.

use std::collections::BTreeSet;

use kith_engine::view::Nat;
use kith_engine::view::NetworkView;
use kith_net::address;
use kith_net::address::Reach;
use kith_net::facts::Mapping;
use kith_net::facts::Test;
use kith_net::facts::Upnp;
use kith_proto::address::Multiaddress;

use crate::doctor::Finding;
use crate::doctor::Known;
use crate::doctor::Severity;
use crate::doctor::ago;
use crate::doctor::at_most;
use crate::doctor::count;
use crate::doctor::duration;
use crate::nodes;

/// A clock that differs by more than this is a finding: invites and records are valid for days, but disappearing messages
/// and the order of a conversation are told in minutes.
const CLOCK_SECS: i64 = 300;

/// A router that has lent no port after this hardly will: the search for one ends within ten seconds. Whether it said no
/// is not told.
const UPNP_SECS: u64 = 60;

pub(super) fn findings(known: &Known) -> Vec<Finding> {
    vec![
        addresses(&known.network),
        reachability(known),
        nat(known),
        ipv6(known),
        upnp(known),
        relays(known),
        community(known),
        calls(known),
        dht(known),
        clock(known),
    ]
}

fn addresses(network: &NetworkView) -> Finding {
    let of = |reach: Reach| network.listen.iter().filter(|own| address::reach(own) == reach).count();
    let (global, local) = (of(Reach::Global), of(Reach::Local));
    let own = count(global + local, "address", "addresses");
    match (global + local, lent(network)) {
        (0, 0) => {
            let action = "Connect to a network; Kith notices by itself.";
            let fact = "This device has no network address: nobody else can reach it.";
            Finding::new("addresses", Severity::Problem, fact, action)
        }
        (0, _) => Finding::good("addresses", "This device can only be reached through relays."),
        _ => Finding::good("addresses", format!("This device has {own}, {global} of them global.")),
    }
}

fn lent(network: &NetworkView) -> usize {
    network.listen.iter().filter(|own| address::reach(own) == Reach::Relayed).count()
}

fn reachability(known: &Known) -> Finding {
    let (about, network, facts) = ("reachability", &known.network, &known.facts);
    let relayed = count(lent(network), "relayed address", "relayed addresses");
    // What was tested from this machine or its network says nothing about others.
    let is_near = |test: &&Test| address::reach(&test.address) != Reach::Global;
    let reached = facts.tests.iter().filter(|test| !is_near(test) && test.reached).map(|test| test.at).max();
    let near = facts.tests.iter().filter(is_near).max_by_key(|test| test.at);
    match (network.nat, reached) {
        (Nat::Public, Some(at)) => {
            let at = ago(known.now, at);
            Finding::good(about, format!("Others can reach this device directly: one tested it {at}."))
        }
        (Nat::Public, None) if facts.upnp == Upnp::Mapped => Finding::unknown(
            about,
            "A router lends this device a port; nobody has tested yet whether others get in there.",
        ),
        (Nat::Public, None) => Finding::unknown(
            about,
            "Others could reach this device directly; in the network where it is now nobody has tested it yet.",
        ),
        (Nat::Private, _) if lent(network) > 0 => {
            let fact = format!(
                "No test has reached this device lately: a router or a firewall may hide it. It has {relayed}; from there others try for a direct connection."
            );
            Finding::good(about, fact)
        }
        (Nat::Private, _) => {
            let fact = "No test has reached this device lately, and no relay leads to it: from other networks nobody may be able to begin a connection.";
            let action = "Add a community node that relays, or forward a port on the router.";
            Finding::new(about, Severity::Problem, fact, action)
        }
        (Nat::Unknown, _) => {
            let fact = match near {
                None => format!("Nobody has tested yet whether it can be reached; {relayed}."),
                Some(test) => {
                    let how = if test.reached { "was reached" } else { "could not be reached" };
                    let at = ago(known.now, test.at);
                    format!(
                        "It {how} {at} by a node on this machine or in its network; from other networks nobody has tested it yet; {relayed}."
                    )
                }
            };
            Finding::unknown(about, fact)
        }
    }
}

fn nat(known: &Known) -> Finding {
    let about = "NAT type";
    match known.facts.mapping {
        Mapping::None => Finding::good(about, "No router changes this device's address."),
        Mapping::Same => Finding::good(
            about,
            "The router shows this device at the same address and port to all who told (endpoint-independent): direct connections can be made through it.",
        ),
        Mapping::Differs if known.network.nat == Nat::Public => Finding::good(
            about,
            "The router does not show this device at one address and port to all (symmetric); others get in all the same.",
        ),
        Mapping::Differs => Finding::new(
            about,
            Severity::Warning,
            "The router does not show this device at one address and port to all (symmetric): connections may stay on relays.",
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
    let ip_of = |at: &Multiaddress| {
        let text = address::text(at, None);
        text.strip_prefix("/ip6/").and_then(|rest| rest.split('/').next()).map(str::to_owned)
    };
    let global = known.network.listen.iter().filter(|own| address::reach(own) == Reach::Global);
    let own: BTreeSet<String> = global.filter_map(ip_of).collect();
    if own.is_empty() {
        return Finding::good(
            about,
            "This device listens at no IPv6 address that reaches beyond its network.",
        );
    }
    // What was tested at an address that is gone says nothing about those that are there.
    let here = |test: &&Test| ip_of(&test.address).is_some_and(|ip| own.contains(&ip));
    let tests = || known.facts.tests.iter().filter(here);
    let reached = tests().filter(|test| test.reached).map(|test| test.at).max();
    let failed = tests().filter(|test| !test.reached).map(|test| test.at).max();
    match (reached, failed) {
        (Some(at), _) => {
            Finding::good(about, format!("A test reached this device over IPv6 {}.", ago(known.now, at)))
        }
        (None, Some(at)) => {
            let at = ago(known.now, at);
            let fact = format!(
                "There is an IPv6 address, and a test of it failed {at}: most likely a firewall lets nobody in there."
            );
            Finding::good(about, fact)
        }
        (None, None) => Finding::unknown(
            about,
            "There is an IPv6 address; nobody has tested yet whether it can be reached.",
        ),
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
            Finding::new(about, severity, "No router has answered with a port for this device.", action)
        }
        Upnp::NoGateway => {
            Finding::new(about, severity, "No router that lends ports was found here.", action)
        }
        Upnp::NotPublic => Finding::new(
            about,
            severity,
            "The router is itself hidden behind another: its ports lead nowhere.",
            "Ask the provider for an address of your own.",
        ),
        Upnp::Lost => Finding::new(about, severity, "The router took back a port that it had lent.", action),
        Upnp::Moved => Finding::new(
            about,
            if needed { Severity::Warning } else { Severity::Unknown },
            "The router of this network was not asked for a port: Kith looks for one when it starts.",
            "Start Kith anew: then the router of this network is asked.",
        ),
    }
}

fn relays(known: &Known) -> Finding {
    let about = "relays";
    let held = known.facts.nodes.values().filter(|node| node.reserved_since.is_some());
    let (number, nearest) = (held.clone().count(), held.filter_map(|node| node.round_trip_ms).min());
    let near =
        nearest.map_or(String::new(), |millis| format!("; a ping to the nearest and back takes {millis} ms"));
    match (number, known.network.nat) {
        (0, Nat::Public) => {
            Finding::good(about, "No relay is asked while this device counts as directly reachable.")
        }
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

fn calls(known: &Known) -> Finding {
    let about = "calls";
    match (known.facts.lenders, known.network.bootstraps_connected) {
        (0, 0) => Finding::unknown(about, "No community node is connected that could pass calls on."),
        (0, _) => Finding::new(
            about,
            Severity::Warning,
            "No node passes calls on: they need a direct way, which some routers do not let through, and cannot be made with people from whom your address is hidden.",
            "Add a community node that passes calls on; until then, compare safety numbers with people or allow direct calls.",
        ),
        (1, _) => Finding::good(about, "One community node passes calls on where no direct way is found."),
        (many, _) => Finding::good(
            about,
            format!("{many} community nodes pass calls on where no direct way is found."),
        ),
    }
}

fn community(known: &Known) -> Finding {
    let about = "community nodes";
    let (kept, connected) = (nodes::all(&known.network).count(), known.network.bootstraps_connected as usize);
    if kept == 0 && connected == 0 {
        return Finding::new(
            about,
            Severity::Warning,
            "No community node was added and none is connected: friends are found on this network and where they were last.",
            "Add a community node: paste the line that it printed.",
        );
    }
    let nearest = known.facts.nodes.values().filter_map(|node| node.round_trip_ms).min();
    let near = nearest.map_or(String::new(), |millis| format!(", the nearest within {millis} ms"));
    let fact = match (kept, connected) {
        (0 | 1, 0) => "The community node is not connected.".to_owned(),
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
            let fact = format!("{nodes}, and too few have a record that leads to this device; {asked}.");
            let action = "Wait a minute, it is tried again; if it lasts, add another community node.";
            Finding::new(about, Severity::Warning, fact, action)
        }
        (Some(stored), _) => {
            let stored = ago(known.now, stored);
            Finding::good(
                about,
                format!("{nodes}; a record that leads to this device was last stored {stored}; {asked}."),
            )
        }
        (None, _) => Finding::unknown(
            about,
            format!("{nodes}; no record that leads to this device was stored yet; {asked}."),
        ),
    }
}

fn clock(known: &Known) -> Finding {
    let about = "clock";
    let Some(clock) = known.clock else {
        return Finding::unknown(about, "Not known yet: fewer than two others have told their time.");
    };
    let (least, most) = (clock.ahead_at_least_secs, clock.ahead_at_most_secs);
    let others = count(clock.sources as usize, "other", "others");
    let action = "Set the clock of this device: invites, mailboxes, disappearing messages and being found depend on it.";
    let wrong = |by: u64, how: &str| {
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
    let most = least.unsigned_abs().max(most.unsigned_abs());
    let fact = format!("The clock differs by {} at most from those of {others}", at_most(most));
    if most > CLOCK_SECS.unsigned_abs() {
        return Finding::unknown(about, format!("{fact}; how much is not known more closely yet."));
    }
    Finding::good(about, format!("{fact}."))
}
