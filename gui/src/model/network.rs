//! What the settings say about mailboxes and community nodes: facts as words, with no drawing. Not here: what became of a
//! message (`kith_node::trace`).

use kith_engine::view::MailboxRefusal;
use kith_engine::view::MailboxView;
use kith_engine::view::NetworkView;
use kith_node::doctor::Finding;
use kith_node::doctor::Severity;
use kith_node::handle::address_text;
use kith_node::helping::HelpView;
use kith_node::helping::settings::Who;
use kith_node::nodes;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use crate::model::dates::Now;
use crate::say;
use crate::text;

/// How a line is marked; always beside words that say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Something to look at.
    Warning,
    /// Nothing to say.
    Quiet,
}

/// The connection in words, and whether it is good. `online`: how many contacts are; `looks`: whether there is anybody to
/// look for.
pub fn connection(network: &NetworkView, online: usize, looks: bool) -> (String, bool) {
    if network.listen.is_empty() {
        return (say!("network-none"), false);
    }
    match online {
        0 => {}
        count => return (say!("network-online", count = count), true),
    }
    if nodes::all(network).next().is_some() && network.bootstraps_connected == 0 {
        return (say!("network-seeks-node"), false);
    }
    (if looks { say!("network-seeks") } else { say!("network-ready") }, true)
}

/// A mailbox or a community node in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it is, short.
    pub title: String,
    /// The whole address, to copy and to remove.
    pub address: String,
    /// How it is, in words.
    pub state: String,
    /// The same at a glance.
    pub tone: Tone,
    /// More about it; may be empty.
    pub detail: String,
}

/// The own mailboxes.
pub fn mailboxes(network: &NetworkView, now: Now) -> Vec<(DeviceId, Line)> {
    network.mailboxes.iter().map(|own| (own.device, mailbox(own, now))).collect()
}

fn mailbox(own: &MailboxView, now: Now) -> Line {
    let (state, tone) = match (own.refused, own.accepted, own.connected) {
        (Some(why), ..) => (refusal(why, own), Tone::Warning),
        _ if own.closing => (say!("mailbox-closing"), Tone::Warning),
        (None, true, true) => (say!("mailbox-good"), Tone::Good),
        (None, true, false) => (say!("mailbox-away"), Tone::Warning),
        (None, false, _) => (say!("mailbox-asked"), Tone::Quiet),
    };
    let mut facts = vec![if own.chosen { say!("mailbox-chosen") } else { say!("mailbox-found") }];
    facts.extend(own.since.map(|since| say!("mailbox-since", day = day(now, since))));
    facts.extend(own.left_at.map(|at| say!("mailbox-last", when = moment(now, at))));
    facts.extend(own.quota_left.map(|left| say!("mailbox-free", size = text::size(left))));
    let without = own.without.len();
    facts.extend((without > 0).then(|| say!("mailbox-without", count = without)));
    let address = address_text(&own.address, Some(&own.device));
    Line { title: place(&address), address, state, tone, detail: facts.join(" · ") }
}

fn refusal(why: MailboxRefusal, own: &MailboxView) -> String {
    match why {
        MailboxRefusal::NotKnown if own.of_contact => say!("mailbox-refused"),
        MailboxRefusal::NotKnown if own.with_voucher => say!("mailbox-refused-voucher"),
        MailboxRefusal::NotKnown => say!("mailbox-refused-unknown"),
        MailboxRefusal::Full => say!("mailbox-refused-full"),
        MailboxRefusal::TooMuch => say!("mailbox-refused-much"),
        MailboxRefusal::TooHard => say!("mailbox-refused-work"),
        MailboxRefusal::Closing => say!("mailbox-closing"),
        MailboxRefusal::LeavesOut => say!("mailbox-refused-places"),
    }
}

/// What stands above the list of mailboxes.
pub fn mailboxes_in_short(network: &NetworkView) -> String {
    let accepted = network.mailboxes.iter().filter(|own| own.accepted).count();
    match accepted {
        0 => say!("mailboxes-none"),
        count => {
            let answer = network.mailboxes.iter().filter(|own| own.accepted && own.connected).count();
            say!("mailboxes-some", count = count, answer = answer)
        }
    }
}

/// The community nodes, and whether each is kept.
pub fn community(network: &NetworkView) -> Vec<(bool, Line)> {
    let line = |node: nodes::Named<'_>| {
        let address = node.text;
        let known = nodes::state(network, address);
        let (state, tone) = if known.connected {
            (say!("node-connected"), Tone::Good)
        } else {
            (say!("node-silent"), Tone::Warning)
        };
        let mut facts = Vec::new();
        facts.extend(known.relays.then(|| say!("node-relays")));
        facts.extend(known.mailbox.then(|| say!("node-mailbox")));
        facts.extend((!node.kept).then(|| say!("node-named")));
        let detail = facts.join(" · ");
        (node.kept, Line { title: place(address), address: address.clone(), state, tone, detail })
    };
    nodes::all(network).map(line).collect()
}

/// What is kept for others, in sentences, and whether something is wrong.
pub fn helping(view: &HelpView, now: Now) -> (Vec<String>, Tone) {
    let settings = &view.settings;
    if let Some(problem) = &view.problem {
        return (vec![say!("helping-problem", why = problem.as_str())], Tone::Warning);
    }
    let people = say!("helping-people", count = view.inboxes.div_ceil(2).max(1));
    let messages = say!("helping-messages", count = view.envelopes);
    let size = text::size(view.bytes);
    match (settings.enabled, settings.closing) {
        (true, _) => {
            let first = match (settings.who, settings.since.map(|since| day(now, since))) {
                (Who::Contacts, None) => say!("helping-contacts"),
                (Who::Anybody, None) => say!("helping-anybody"),
                (Who::Contacts, Some(day)) => say!("helping-contacts-since", day = day),
                (Who::Anybody, Some(day)) => say!("helping-anybody-since", day = day),
            };
            let second = match view.inboxes {
                0 => say!("helping-nobody"),
                _ => say!("helping-holds", messages = messages, size = size, people = people),
            };
            (vec![first, second], Tone::Good)
        }
        (false, true) => {
            let second = match view.until {
                Some(until) => {
                    say!("helping-gives-until", messages = messages, size = size, day = day(now, until))
                }
                None => say!("helping-gives", messages = messages, size = size),
            };
            (vec![say!("helping-closing"), second], Tone::Warning)
        }
        (false, false) => (vec![say!("helping-off")], Tone::Quiet),
    }
}

/// All findings in one line.
pub fn verdict(findings: &[Finding]) -> String {
    let bad = findings.iter().filter(|finding| !finding.is_good()).count();
    let unknown = findings.iter().filter(|finding| finding.severity == Severity::Unknown).count();
    match (bad, unknown) {
        (0, 0) => say!("verdict-good"),
        (0, unknown) => say!("verdict-unknown", count = unknown),
        (bad, _) => say!("verdict-bad", count = bad),
    }
}

/// What a finding is about, and how it is marked.
pub fn finding(finding: &Finding) -> (String, Tone) {
    let tone = match finding.severity {
        Severity::Problem | Severity::Warning => Tone::Warning,
        Severity::Unknown => Tone::Quiet,
        Severity::Good => Tone::Good,
    };
    let mut letters = finding.about.chars();
    let about = letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect());
    (about, tone)
}

/// `198.51.100.7, port 4001`: what people recognise of an address.
pub fn place(address: &str) -> String {
    let mut parts = address.split('/').skip(1);
    let (Some(kind), Some(host)) = (parts.next(), parts.next()) else { return address.to_owned() };
    let port = parts.nth(1);
    match (kind, port) {
        ("ip4" | "ip6" | "dns" | "dns4" | "dns6", Some(port)) => say!("place", host = host, port = port),
        _ => address.to_owned(),
    }
}

/// “today”, “Thursday”, “5 December”.
pub(crate) fn day(now: Now, time: Timestamp) -> String {
    now.day_within(now.day(time))
}

fn moment(now: Now, time: Timestamp) -> String {
    say!("day-at", day = day(now, time), clock = now.clock(time))
}
