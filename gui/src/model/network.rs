//! What the settings say about mailboxes and community nodes: facts as words, with no drawing. Not here: what became of a
//! message (`kith_node::trace`).

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
        return ("No network".to_owned(), false);
    }
    match online {
        0 => {}
        1 => return ("1 contact online".to_owned(), true),
        count => return (format!("{count} contacts online"), true),
    }
    if !network.bootstraps.is_empty() && network.bootstraps_connected == 0 {
        return ("Looking for a community node…".to_owned(), false);
    }
    (if looks { "Looking for your contacts…" } else { "Ready" }.to_owned(), true)
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
    let (state, tone) = match (own.accepted, own.connected) {
        _ if own.refused => {
            ("It does not take you: its owner may have to add you as a contact.", Tone::Warning)
        }
        _ if own.closing => ("It is closing; what it holds is being fetched.", Tone::Warning),
        (true, true) => ("It keeps your messages and can be reached.", Tone::Good),
        (true, false) => ("It keeps your messages; it cannot be reached now.", Tone::Warning),
        (false, _) => ("It is being asked.", Tone::Quiet),
    };
    let mut facts = vec![if own.chosen { "Chosen by you" } else { "Found by itself" }.to_owned()];
    facts.extend(own.since.map(|since| format!("since {}", day(now, since))));
    facts.extend(own.left_at.map(|at| format!("last message {}", moment(now, at))));
    facts.extend(own.quota_left.map(|left| format!("{} free", text::size(left))));
    let address = address_text(&own.address, Some(&own.device));
    Line { title: place(&address), address, state: state.to_owned(), tone, detail: facts.join(" · ") }
}

/// What stands above the list of mailboxes.
pub fn mailboxes_in_short(network: &NetworkView) -> String {
    let accepted = network.mailboxes.iter().filter(|own| own.accepted).count();
    match accepted {
        0 => "No mailbox keeps messages for you yet. While you are away, they wait with those who wrote them. Add a \
              community node, or ask a friend to switch on “Help others”."
            .to_owned(),
        1 => "One mailbox keeps messages for you while you are away. Three are best: any two may die.".to_owned(),
        many => format!("{many} mailboxes keep messages for you while you are away. What they keep is sealed."),
    }
}

/// The community nodes that are kept.
pub fn community(network: &NetworkView) -> Vec<Line> {
    let line = |address: &String| {
        let known = nodes::state(network, address);
        let (state, tone) = if known.connected {
            ("It is connected.", Tone::Good)
        } else {
            ("It does not answer now.", Tone::Warning)
        };
        let mut facts = Vec::new();
        facts.extend(known.relays.then_some("others reach you through it"));
        facts.extend(known.mailbox.then_some("keeps your messages"));
        let detail = facts.join(" · ");
        Line { title: place(address), address: address.clone(), state: state.to_owned(), tone, detail }
    };
    network.bootstraps.iter().map(line).collect()
}

/// What is kept for others, in sentences, and whether something is wrong.
pub fn helping(view: &HelpView, now: Now) -> (Vec<String>, Tone) {
    let settings = &view.settings;
    if let Some(problem) = &view.problem {
        return (vec![format!("Nothing is kept: {problem}.")], Tone::Warning);
    }
    let people = match view.inboxes.div_ceil(2) {
        0 | 1 => "one person".to_owned(),
        many => format!("about {many} people"),
    };
    let messages = match view.envelopes {
        0 => "Nothing waits here".to_owned(),
        1 => "One message waits here".to_owned(),
        many => format!("{many} messages wait here"),
    };
    let size = text::size(view.bytes);
    match (settings.enabled, settings.closing) {
        (true, _) => {
            let since = settings.since.map_or(String::new(), |since| format!(" since {}", day(now, since)));
            let whose = match settings.who {
                Who::Contacts => "your contacts",
                Who::Anybody => "anybody who asks",
            };
            let first = format!("This computer keeps sealed messages for {whose}{since}.");
            let second = match view.inboxes {
                0 => "Nobody has a mailbox here yet.".to_owned(),
                _ => format!("{messages}, {size} in all, for {people}."),
            };
            (vec![first, second], Tone::Good)
        }
        (false, true) => {
            let until = view.until.map(|until| format!(", until {} at the latest", day(now, until)));
            let first = "It is off: nothing new is taken.".to_owned();
            let second = format!(
                "{messages}, {size} in all. It is still given to whoever comes for it{}.",
                until.unwrap_or_default()
            );
            (vec![first, second], Tone::Warning)
        }
        (false, false) => (vec!["This computer keeps nothing for others.".to_owned()], Tone::Quiet),
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
        ("ip4" | "ip6" | "dns" | "dns4" | "dns6", Some(port)) => format!("{host}, port {port}"),
        _ => address.to_owned(),
    }
}

/// “today”, “Thursday”, “5 December”.
pub(crate) fn day(now: Now, time: Timestamp) -> String {
    if time > now.time {
        return date(now, time);
    }
    match now.day_name(now.day(time)).as_str() {
        "Today" => "today".to_owned(),
        "Yesterday" => "yesterday".to_owned(),
        other => other.to_owned(),
    }
}

/// A day that is to come is always a date.
fn date(now: Now, time: Timestamp) -> String {
    now.day_name(now.day(time))
}

fn moment(now: Now, time: Timestamp) -> String {
    format!("{} at {}", day(now, time), now.clock(time))
}
