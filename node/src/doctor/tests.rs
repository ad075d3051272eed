//! Findings from given facts, and what a report must not hold.

use kith_engine::view::MailboxRefusal;
use kith_engine::view::MailboxView;
use kith_engine::view::Nat;
use kith_net::address;
use kith_net::facts::NodeFacts;
use kith_net::facts::Test;
use kith_net::facts::Upnp;
use kith_proto::id::DeviceId;

use super::report::report;
use super::*;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const PEER: &str = "12D3KooWFBsVJ6DJpspopoHdZoeumtuon5yXFf67j2gLuLgqhyyQ";

fn before(secs: u64) -> Timestamp {
    Timestamp(NOW.0 - secs * 1_000)
}

fn at(text: &str) -> kith_proto::address::Multiaddress {
    address::parse(text).unwrap().0
}

fn mailbox(number: u8) -> MailboxView {
    MailboxView {
        device: DeviceId([number; 32]),
        address: at(&format!("/ip4/198.51.100.{number}/tcp/4711")),
        accepted: true,
        connected: true,
        chosen: false,
        refused: None,
        with_voucher: false,
        of_contact: false,
        without: Vec::new(),
        links_without: 0,
        missing: 0,
        closing: false,
        since: Some(before(90_000)),
        left_at: Some(before(7_200)),
        read_at: Some(before(60)),
        quota_left: Some(31 << 20),
        score: 640,
        away_secs: 0,
    }
}

/// A device where everything was measured and is as it should be.
fn well() -> Known {
    let mut known = Known { now: NOW, ..Known::default() };
    known.network.listen = vec![
        at("/ip4/192.168.178.23/udp/45211/quic-v1"),
        at("/ip4/203.0.113.77/udp/45212/quic-v1"),
        at("/ip6/2001:db8:77::5/tcp/45213"),
    ];
    known.network.nat = Nat::Public;
    known.network.dht_peers = 5;
    known.network.bootstraps = vec![
        format!("/ip4/198.51.100.1/tcp/4711/p2p/{PEER}"),
        "/dns4/secret.example.org/tcp/4712".to_owned(),
    ];
    known.network.bootstraps_connected = 2;
    known.network.mailboxes = vec![mailbox(1), mailbox(2)];
    known.facts.mapping = Mapping::Same;
    known.facts.upnp = Upnp::Mapped;
    known.facts.lenders = 2;
    known.facts.published_at = Some(before(600));
    known.facts.looked_up_at = Some(before(40));
    let test = Test { address: at("/ip6/2001:db8:77::5/tcp/45213"), reached: true, at: before(300) };
    known.facts.tests = vec![test];
    let node = NodeFacts { round_trip_ms: Some(31), reserved_since: Some(before(500)) };
    known.facts.nodes = [(DeviceId([1; 32]), node)].into();
    known.clock = Some(ClockView { sources: 3, ahead_at_least_secs: 2, ahead_at_most_secs: 2 });
    known
}

fn about(known: &Known, about: &str) -> Finding {
    let found = findings(known).into_iter().find(|finding| finding.about == about);
    found.unwrap_or_else(|| panic!("nothing about {about}"))
}

#[test]
fn a_healthy_device_says_so_in_one_line() {
    let found = findings(&well());
    let bad: Vec<_> = found.iter().filter(|finding| finding.severity != Severity::Good).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(verdict(&found), "All is well.");
}

#[test]
fn a_device_without_anything_is_told_what_to_do_first_and_guesses_nothing() {
    let found = findings(&Known { now: NOW, ..Known::default() });
    assert_eq!((found[0].about.as_str(), found[0].severity), ("addresses", Severity::Problem));
    for finding in &found {
        let asks = matches!(finding.severity, Severity::Problem | Severity::Warning);
        assert_eq!(finding.action.is_some(), asks, "one action for what is wrong, none else: {finding:?}");
        assert!(finding.fact.ends_with('.'), "a sentence: {finding:?}");
    }
    for measured in ["NAT type", "clock", "reachability"] {
        let finding = found.iter().find(|finding| finding.about == measured).unwrap();
        assert_eq!(finding.severity, Severity::Unknown, "{measured} was not measured");
    }
}

#[test]
fn a_symmetric_router_is_a_warning_unless_others_get_in() {
    let mut known = well();
    known.facts.mapping = Mapping::Differs;
    assert_eq!(about(&known, "NAT type").severity, Severity::Good);
    known.network.nat = Nat::Private;
    assert_eq!(about(&known, "NAT type").severity, Severity::Warning);
    assert!(about(&known, "NAT type").fact.contains("symmetric"));
}

#[test]
fn it_is_said_whether_anybody_passes_calls_on() {
    let mut known = well();
    assert!(about(&known, "calls").fact.starts_with("2 community nodes pass calls on"));
    known.facts.lenders = 1;
    assert!(about(&known, "calls").fact.starts_with("One community node passes calls on"));
    known.facts.lenders = 0;
    assert_eq!(about(&known, "calls").severity, Severity::Warning);
    assert!(about(&known, "calls").action.unwrap().contains("Add a community node that passes calls on"));
    known.network.bootstraps_connected = 0;
    assert_eq!(about(&known, "calls").severity, Severity::Unknown, "nobody was asked");
}

#[test]
fn a_router_that_says_nothing_for_a_minute_is_not_said_to_have_refused() {
    let mut known = well();
    known.facts.upnp = Upnp::Asked { since: before(5) };
    assert_eq!(about(&known, "UPnP").severity, Severity::Unknown);
    known.facts.upnp = Upnp::Asked { since: before(61) };
    assert_eq!(about(&known, "UPnP").fact, "No router has answered with a port for this device.");
    assert!(about(&known, "UPnP").is_good(), "nothing to do while others get in");
    known.network.nat = Nat::Private;
    assert!(about(&known, "UPnP").action.is_some());
}

#[test]
fn in_another_network_what_was_measured_before_is_not_said_of_it() {
    let mut known = well();
    known.facts.upnp = Upnp::Moved;
    known.facts.tests.clear();
    assert_eq!(about(&known, "UPnP").severity, Severity::Unknown);
    assert_eq!(about(&known, "reachability").severity, Severity::Unknown);
    assert!(about(&known, "reachability").fact.contains("nobody has tested it yet"));
    known.facts.upnp = Upnp::Mapped;
    assert!(about(&known, "reachability").fact.contains("A router lends this device a port"));
    known.facts.upnp = Upnp::Moved;
    known.network.nat = Nat::Private;
    assert!(about(&known, "UPnP").action.unwrap().contains("anew"));
}

#[test]
fn a_device_that_only_reaches_itself_has_a_problem_unless_a_relay_leads_to_it() {
    let mut known = well();
    known.network.listen = vec![at("/ip4/127.0.0.1/tcp/45211")];
    assert_eq!(about(&known, "addresses").severity, Severity::Problem);
    known.network.listen.push(at(&format!("/ip4/198.51.100.1/tcp/4711/p2p/{PEER}/p2p-circuit")));
    assert_eq!(about(&known, "addresses").fact, "This device can only be reached through relays.");
}

#[test]
fn a_failed_test_over_ipv6_is_not_taken_for_a_good_one() {
    let mut known = well();
    assert_eq!(about(&known, "IPv6").fact, "A test reached this device over IPv6 5 minutes ago.");
    known.facts.tests[0].reached = false;
    assert!(about(&known, "IPv6").fact.contains("a test of it failed 5 minutes ago"));
    known.facts.tests[0].address = at("/ip6/2001:db8:1::9/tcp/45213");
    let unknown = "There is an IPv6 address; nobody has tested yet whether it can be reached.";
    assert_eq!(about(&known, "IPv6").fact, unknown, "the address that was tested is gone");
    known.facts.tests.clear();
    assert_eq!(about(&known, "IPv6").severity, Severity::Unknown);
}

#[test]
fn without_an_ipv6_address_nothing_is_said_about_the_network() {
    let mut known = well();
    known.network.listen.truncate(2);
    known.facts.tests[0].reached = false;
    let fact = about(&known, "IPv6").fact;
    assert_eq!(fact, "This device listens at no IPv6 address that reaches beyond its network.");
}

#[test]
fn a_clock_is_wrong_only_when_that_is_certain_and_right_only_when_that_is() {
    let mut known = well();
    let mut clock = |least: i64, most: i64| {
        known.clock = Some(ClockView { sources: 2, ahead_at_least_secs: least, ahead_at_most_secs: most });
        about(&known, "clock")
    };
    assert_eq!(clock(301, 361).severity, Severity::Problem);
    assert!(clock(7_200, 7_260).fact.contains("at least 2 hours behind"));
    assert!(clock(-960, -900).fact.contains("at least 15 minutes ahead of"));
    assert!(clock(900, 960).action.unwrap().contains("depend on it"));
    assert_eq!(clock(-20, 40).fact, "The clock differs by 40 seconds at most from those of 2 others.");
    assert_eq!((clock(240, 300).severity, clock(241, 301).severity), (Severity::Good, Severity::Unknown));
    assert_eq!(
        clock(-3_541, 60).fact,
        "The clock differs by 60 minutes at most from those of 2 others; how much is not known more closely yet."
    );
    assert_eq!(clock(-3_000, 600).severity, Severity::Unknown);
    known.clock = None;
    assert_eq!(about(&known, "clock").severity, Severity::Unknown);
}

#[test]
fn an_upper_bound_is_rounded_up() {
    let said = [59, 119, 121, 7_141, 7_201, 172_801].map(at_most);
    assert_eq!(said, ["59 seconds", "119 seconds", "3 minutes", "2 hours", "3 hours", "3 days"]);
}

#[test]
fn each_mailbox_is_a_letter_with_its_last_deposit_room_and_score() {
    let mut known = well();
    assert_eq!(
        about(&known, "mailbox A").fact,
        "It answers; something was last left there 2 hours ago; 31 MiB were free; it scores 640 of 1,000."
    );
    known.network.mailboxes[1].away_secs = 3 * 3_600;
    assert!(about(&known, "mailbox B").fact.starts_with("It has not answered for 3 hours"));
    known.network.mailboxes[1] = MailboxView { quota_left: Some(1_000), ..mailbox(2) };
    assert!(about(&known, "mailbox B").fact.starts_with("This device's room there is nearly used up"));
    known.network.mailboxes[1] = MailboxView { closing: true, ..mailbox(2) };
    assert!(about(&known, "mailbox B").action.is_some());
}

#[test]
fn what_to_do_about_a_mailbox_that_says_no_depends_on_why_and_whose_it_is() {
    let mut known = well();
    let mut refuses = |why, of_contact| {
        let refused = Some(why);
        known.network.mailboxes[1] = MailboxView { refused, of_contact, accepted: false, ..mailbox(2) };
        about(&known, "mailbox B")
    };
    let friend = refuses(MailboxRefusal::NotKnown, true);
    assert!(friend.action.unwrap().contains("add you as a contact"));
    let node = refuses(MailboxRefusal::NotKnown, false);
    assert!(!node.action.unwrap().contains("contact") && node.action.unwrap().contains("whoever runs it"));
    assert!(node.action.unwrap().contains("for a voucher"));
    let full = refuses(MailboxRefusal::Full, false);
    assert!(full.fact.starts_with("It is full"));
    assert!(refuses(MailboxRefusal::TooMuch, false).fact.contains("this network"));
    assert!(refuses(MailboxRefusal::TooHard, false).fact.contains("work"));
}

#[test]
fn who_has_no_place_in_a_mailbox_is_counted_with_what_to_do() {
    let mut known = well();
    let all = findings(&known);
    assert!(
        all.iter().all(|finding| !finding.about.starts_with("places")),
        "nothing is said when all is well"
    );
    let without = vec![kith_proto::id::AccountId([7; 32])];
    known.network.mailboxes[0] = MailboxView { without, links_without: 2, ..mailbox(1) };
    let finding = about(&known, "places in mailbox A");
    assert!(finding.fact.contains("one contact and 2 links") && finding.action.is_some());
    known.network.mailboxes[0] = MailboxView { missing: 3, ..mailbox(1) };
    assert!(about(&known, "places in mailbox A").fact.contains("3 places fewer than it was asked for"));
}

#[test]
fn mailboxes_that_do_not_answer_are_not_well() {
    let mut known = well();
    let away = |number| MailboxView { connected: false, ..mailbox(number) };
    known.network.mailboxes = vec![mailbox(1), away(2), away(3)];
    let all = about(&known, "mailboxes");
    assert_eq!(all.severity, Severity::Warning, "two of three are away");
    assert!(
        all.fact.starts_with("3 mailboxes have an inbox for this device, and only one of them answers now")
    );
    assert!(!verdict(&findings(&known)).contains("All is well"));
    known.network.mailboxes = vec![mailbox(1), mailbox(2), away(3)];
    assert_eq!(
        about(&known, "mailboxes").fact,
        "3 mailboxes have an inbox for this device; 2 of them answer now."
    );
    assert_eq!(about(&known, "mailbox C").severity, Severity::Unknown, "one is, and nobody knows why");
    assert!(about(&known, "mailbox C").fact.starts_with("It does not answer now"));
    known.network.mailboxes[2].away_secs = 700;
    assert!(
        about(&known, "mailbox C").fact.starts_with("It has not answered for 11 minutes while others did")
    );
}

#[test]
fn a_test_on_the_own_machine_is_said_to_be_one() {
    let mut known = well();
    known.network.nat = Nat::Unknown;
    known.facts.tests =
        vec![Test { address: at("/ip4/127.0.0.1/tcp/45213"), reached: true, at: before(300) }];
    assert_eq!(
        about(&known, "reachability").fact,
        "It was reached 5 minutes ago by a node on this machine or in its network; from other networks nobody has tested it yet; 0 relayed addresses."
    );
    known.network.nat = Nat::Public;
    assert_eq!(about(&known, "reachability").severity, Severity::Unknown, "and is no proof");
    known.facts.tests.clear();
    known.network.nat = Nat::Unknown;
    assert!(about(&known, "reachability").fact.starts_with("Nobody has tested yet"));
}

#[test]
fn a_record_that_nobody_took_is_a_warning_until_one_is_taken() {
    let mut known = well();
    known.facts.publish_failed_at = Some(before(60));
    assert_eq!(about(&known, "DHT").severity, Severity::Warning);
    known.facts.published_at = Some(before(10));
    assert_eq!(about(&known, "DHT").severity, Severity::Good);
}

#[test]
fn a_report_holds_nothing_that_names_somebody() {
    let mut known = well();
    known.network.nat = Nat::Private;
    known.network.mailboxes.push(MailboxView {
        refused: Some(MailboxRefusal::NotKnown),
        accepted: false,
        ..mailbox(3)
    });
    known.people = People { accepted: 2, online: 1, without_mailbox: 1, refused: 1 };
    let text = report(&known);
    let secrets = [
        "192.168",
        "203.0.113",
        "198.51",
        "2001:db8",
        "45211",
        "45212",
        "45213",
        "4711",
        "4712",
        "12D3",
        "secret",
        "example.org",
        "/ip4",
        "/ip6",
        "/p2p",
        "kith1",
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    let ids = (1..=3_u8).map(|number| DeviceId([number; 32]).to_string());
    assert!(ids.into_iter().all(|id| !text.contains(&id)));
    for wanted in [
        "1 × IPv4 private, QUIC",
        "IPv6 global, TCP: reached 5 minutes ago",
        "node A: ping 31 ms",
        "mailbox C",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
}
