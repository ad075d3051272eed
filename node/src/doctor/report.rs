//! The report that a person may pass on: every finding and what it rests on, without anything that names somebody.
//!
//! No account, device, peer, chat or message; no names and texts; of addresses only their kind, without ports; mailboxes
//! and community nodes are letters. What is written is chosen word by word here: nothing is dumped and then blacked out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kith_net::address;
use kith_net::address::Reach;
use kith_proto::address::Multiaddress;

use crate::doctor::Finding;
use crate::doctor::Known;
use crate::doctor::ago;
use crate::doctor::delivery::letter;
use crate::doctor::findings;
use crate::doctor::verdict;
use crate::time::rfc3339;

/// The report as text.
pub fn report(known: &Known) -> String {
    let found = findings(known);
    let mut text = String::new();
    // To the hour: a time to the second could be compared with what others saw.
    let hour = kith_proto::time::Timestamp(known.now.0 / 3_600_000 * 3_600_000);
    let _ = writeln!(
        text,
        "Kith {}, {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let _ = writeln!(text, "Written in the hour from {}. It names nobody.", rfc3339(hour));
    let _ = writeln!(text, "\n{}\n", verdict(&found));
    for Finding { about, severity, fact, action } in &found {
        let _ = writeln!(text, "[{}] {about}: {fact}", severity.word());
        if let Some(action) = action {
            let _ = writeln!(text, "    {action}");
        }
    }
    addresses(&mut text, known);
    nodes(&mut text, known);
    counts(&mut text, known);
    text
}

fn addresses(text: &mut String, known: &Known) {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for own in &known.network.listen {
        *kinds.entry(kind(own)).or_default() += 1;
    }
    let _ = writeln!(text, "\nAddresses of this device");
    for (kind, number) in kinds {
        let _ = writeln!(text, "  {number} × {kind}");
    }
    let _ = writeln!(text, "Tests by community nodes");
    for test in &known.facts.tests {
        let result = if test.reached { "reached" } else { "not reached" };
        let _ = writeln!(text, "  {}: {result} {}", kind(&test.address), ago(known.now, test.at));
    }
}

fn nodes(text: &mut String, known: &Known) {
    let _ = writeln!(text, "Connected community nodes");
    for (at, node) in known.facts.nodes.values().enumerate() {
        let ping = node.round_trip_ms.map_or("no ping yet".to_owned(), |millis| format!("ping {millis} ms"));
        let relay = node.reserved_since.map_or("no place as a relay".to_owned(), |since| {
            format!("a place as a relay since {}", ago(known.now, since))
        });
        let _ = writeln!(text, "  node {}: {ping}, {relay}", letter(at));
    }
}

fn counts(text: &mut String, known: &Known) {
    let (net, engine) = (&known.net, &known.engine);
    let counts = [
        ("connections", net.connections),
        ("connections refused", net.refused),
        ("frames out", net.frames_out),
        ("frames in", net.frames_in),
        ("frames dropped", net.frames_dropped),
        ("bad streams", net.bad_streams),
        ("records refused", net.records_refused),
        ("left in mailboxes", engine.deposited),
        ("requests not carried out by mailboxes", engine.mailbox_refusals),
        ("queues not opened by mailboxes", engine.queues_missing),
        ("streams to mute mailboxes", engine.mute_mailboxes),
        ("envelopes not opened", engine.unopenable),
    ];
    let now = [("relayed connections", net.open_relayed), ("things waiting", engine.waiting)];
    for (title, counts) in [("Now", &now[..]), ("Counted since the start", &counts[..])] {
        let _ = writeln!(text, "{title}");
        for (name, number) in counts {
            let _ = writeln!(text, "  {name}: {number}");
        }
    }
}

/// An address as its kind: “IPv4 private, QUIC”.
fn kind(own: &Multiaddress) -> String {
    let text = address::text(own, None);
    let family = match text.split('/').nth(1) {
        Some("ip4") => "IPv4",
        Some("ip6") => "IPv6",
        _ => "name",
    };
    let reach = match address::reach(own) {
        Reach::Global => "global",
        Reach::Local => "private",
        Reach::Loopback => "loopback",
        Reach::Relayed => "through a relay",
    };
    let carrier = [("/quic-v1", "QUIC"), ("/ws", "WebSocket"), ("/tcp/", "TCP")];
    let carrier = carrier.iter().find(|(word, _)| text.contains(word)).map_or("other", |(_, name)| *name);
    format!("{family} {reach}, {carrier}")
}
