//! What is known about the connection, as findings that a person can act on. Facts only: nothing is probed here, what was
//! not measured says so, and nothing names anybody.
//!
//! [`Known`] is gathered by [`Handle::examine`](crate::Handle::examine); everything here is a pure function of it.

mod connection;
mod delivery;
pub mod report;

use kith_engine::Stats;
use kith_engine::view::ClockView;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::NetworkView;
use kith_net::Facts;
pub use kith_net::facts::Mapping;
use kith_proto::time::Timestamp;

pub use delivery::refusal;

/// Everything that findings are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// When it was gathered, by this device's clock.
    pub now: Timestamp,
    /// The network as the engine sees it.
    pub network: NetworkView,
    /// What the network layer has measured.
    pub facts: Facts,
    /// How far other clocks are from this one.
    pub clock: Option<ClockView>,
    /// The contacts, as numbers.
    pub people: People,
    /// What the engine counted.
    pub engine: Stats,
    /// What the network counted.
    pub net: kith_net::Stats,
}

/// The contacts, as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Those that both agreed to.
    pub accepted: usize,
    /// Those of them with a connected device.
    pub online: usize,
    /// Those of them for whom no mailbox is known.
    pub without_mailbox: usize,
    /// Those that we asked, and whose link admits nobody any more.
    pub refused: usize,
}

impl People {
    /// Counts contacts.
    pub fn count(contacts: &[ContactView]) -> Self {
        let accepted = || contacts.iter().filter(|contact| contact.state == ContactState::Accepted);
        Self {
            accepted: accepted().count(),
            online: accepted().filter(|contact| contact.online).count(),
            without_mailbox: accepted().filter(|contact| contact.mailboxes == 0).count(),
            refused: contacts.iter().filter(|contact| contact.refused).count(),
        }
    }
}

/// How much a finding matters; what matters most comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Messages do not arrive, or will not.
    Problem,
    /// It works, and is slower or weaker than it could be.
    Warning,
    /// It was not measured yet.
    Unknown,
    /// All is well.
    Good,
}

impl Severity {
    /// The stable word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Good => "good",
        }
    }
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, as a stable word.
    pub about: String,
    /// How much it matters.
    pub severity: Severity,
    /// The fact, in a sentence.
    pub fact: String,
    /// What to do; `None` when there is nothing to do.
    pub action: Option<&'static str>,
}

impl Finding {
    fn new(about: &str, severity: Severity, fact: impl Into<String>, action: &'static str) -> Self {
        let needs_action = matches!(severity, Severity::Problem | Severity::Warning);
        Self { about: about.to_owned(), severity, fact: fact.into(), action: needs_action.then_some(action) }
    }

    fn good(about: &str, fact: impl Into<String>) -> Self {
        Self::new(about, Severity::Good, fact, "")
    }

    fn unknown(about: &str, fact: impl Into<String>) -> Self {
        Self::new(about, Severity::Unknown, fact, "")
    }

    /// Whether there is nothing to do.
    pub fn is_good(&self) -> bool {
        self.action.is_none()
    }
}

/// Everything that is known, what needs doing first.
pub fn findings(known: &Known) -> Vec<Finding> {
    let mut found = connection::findings(known);
    found.extend(delivery::findings(known));
    found.sort_by_key(|finding| finding.severity);
    found
}

/// All findings in one line.
pub fn verdict(findings: &[Finding]) -> String {
    let bad = findings.iter().filter(|finding| !finding.is_good()).count();
    let unknown = findings.iter().filter(|finding| finding.severity == Severity::Unknown).count();
    match (bad, unknown) {
        (0, 0) => "All is well.".to_owned(),
        (0, 1) => "All is well, as far as is known; one thing was not measured yet.".to_owned(),
        (0, many) => format!("All is well, as far as is known; {many} things were not measured yet."),
        (1, _) => "One thing needs you.".to_owned(),
        (many, _) => format!("{many} things need you."),
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("one {one}") } else { format!("{number} {many}") }
}

/// A length of time that is not exceeded: rounded up in the words of [`duration`].
pub fn at_most(secs: u64) -> String {
    let unit = match secs {
        0..120 => 1,
        120..7_200 => 60,
        7_200..172_800 => 3_600,
        _ => 86_400,
    };
    duration(secs.div_ceil(unit).saturating_mul(unit))
}

/// A length of time as people say it, rounded down: “40 seconds”, “3 hours”.
pub fn duration(secs: u64) -> String {
    let (number, one, many) = match secs {
        0..120 => (secs, "second", "seconds"),
        120..7_200 => (secs / 60, "minute", "minutes"),
        7_200..172_800 => (secs / 3_600, "hour", "hours"),
        _ => (secs / 86_400, "day", "days"),
    };
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// How long ago something was.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    match now.since(then).0 / 1_000 {
        0..10 => "just now".to_owned(),
        secs => format!("{} ago", duration(secs)),
    }
}

/// How far away something is that is to come.
pub fn ahead(now: Timestamp, then: Timestamp) -> String {
    match then.since(now).0.div_ceil(1_000) {
        0 => "now".to_owned(),
        secs => format!("in {}", duration(secs)),
    }
}

#[cfg(test)]
mod tests;
