//! What happened in a group, in one English sentence: the same in the API, in the program for terminals, and wherever a front
//! end has no sentences of its own.
//!
//! Not here: the facts ([`kith_engine::view::GroupLine`]).

use std::collections::BTreeMap;

use kith_engine::view::CallEnd;
use kith_engine::view::CallLine;
use kith_engine::view::GroupLine;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::time::rfc3339;

/// How much of an address stands for somebody who has not told a name: enough to tell the members of a group apart.
const SHORT_ADDRESS: usize = 13;

/// Who is who, for sentences.
#[derive(Clone, Default)]
pub struct Names {
    own: Option<AccountId>,
    known: BTreeMap<AccountId, String>,
    filters: Vec<String>,
}

impl Names {
    /// The own account, which is “you”, and what others call themselves.
    pub fn new(own: Option<AccountId>, known: BTreeMap<AccountId, String>) -> Self {
        Self { own, known, filters: Vec::new() }
    }

    /// With what the reader does not want to read.
    #[must_use]
    pub fn with_filters(self, filters: Vec<String>) -> Self {
        Self { filters, ..self }
    }

    /// The first word in a text that the reader does not want to read.
    pub fn filtered(&self, text: &str) -> Option<&str> {
        kith_engine::filters::matched(&self.filters, text)
    }

    /// Whether that is the own account.
    pub fn is_own(&self, account: &AccountId) -> bool {
        self.own.as_ref() == Some(account)
    }

    /// What somebody told as their name.
    pub fn told(&self, account: &AccountId) -> Option<&str> {
        self.known.get(account).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// What to call somebody: “you”, the name, or the beginning of the address.
    pub fn of(&self, account: &AccountId) -> String {
        if self.is_own(account) {
            return "you".to_owned();
        }
        self.told(account).map_or_else(|| short(account), str::to_owned)
    }
}

/// Without names.
impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({})", self.known.len())
    }
}

/// The beginning of an address.
fn short(account: &AccountId) -> String {
    let address: String = account.to_string().chars().take(SHORT_ADDRESS).collect();
    format!("{address}…")
}

/// What a role is called.
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Observer => "observer",
        Role::Member => "member",
        Role::Moderator => "moderator",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}

/// The role that a word names.
pub fn role_from_word(word: &str) -> Option<Role> {
    let all = [Role::Observer, Role::Member, Role::Moderator, Role::Admin, Role::Owner];
    all.into_iter().find(|role| role_word(*role) == word)
}

/// Something that happened in a group: by whom, and when by their clock.
pub fn sentence(line: &GroupLine, who: &AccountId, at: Timestamp, names: &Names) -> String {
    let by = names.of(who);
    // What somebody else did to the reader is told from the reader's side: “you were added by Ann”.
    let done = |verb: &str, whom: &AccountId, object: &str| match names.is_own(whom) && !names.is_own(who) {
        true => format!("you were {verb}{object} by {by}"),
        false => format!("{by} {verb} {}{object}", names.of(whom)),
    };
    match line {
        GroupLine::Created { name } => format!("{by} made the group “{name}”"),
        GroupLine::Added { whom } => done("added", whom, ""),
        GroupLine::Joined { whom } => format!("{} came by a link, let in by {by}", names.of(whom)),
        GroupLine::Left => format!("{by} left"),
        GroupLine::Removed { whom, dropped } => done("removed", whom, "") + &lost(*dropped),
        GroupLine::Banned { whom, dropped } => done("banned", whom, "") + &lost(*dropped),
        GroupLine::Unbanned { whom } => format!("{by} lets {} come again", names.of(whom)),
        GroupLine::Role { whom, role } => done("made", whom, &format!(" {}", with_article(*role))),
        GroupLine::Profile { name } => format!("{by} changed the profile of the group “{name}”"),
        GroupLine::Policy => format!("{by} changed the rules"),
        GroupLine::Muted { whom, until } if *until <= at => done("unmuted", whom, ""),
        GroupLine::Muted { whom, until } => done("muted", whom, "") + &end(*until),
        GroupLine::LinkMade => format!("{by} made a link into the group"),
        GroupLine::LinkRevoked => format!("{by} took a link into the group back"),
        GroupLine::Pinned { .. } => format!("{by} pinned a message"),
        GroupLine::Unpinned { .. } => format!("{by} took a pinned message away"),
        GroupLine::Deleted { .. } => format!("{by} deleted a message for everybody"),
    }
}

/// A call that is over, in the chat with whom it was.
pub fn call_sentence(line: &CallLine, outgoing: bool) -> String {
    let what = if line.video { "video call" } else { "call" };
    let talked = length(line.talked);
    match (line.end, outgoing) {
        (CallEnd::Finished, _) if line.talked == Span(0) => format!("{what}: ended before it was connected"),
        (CallEnd::Finished, _) => format!("{what}, {talked}"),
        (CallEnd::Lost | CallEnd::Interrupted, _) if line.talked > Span(0) => {
            format!("{what}, {talked}: {}", line.end)
        }
        (CallEnd::Declined, false) => format!("you declined a {what}"),
        (CallEnd::Missed, false) => format!("missed {what}"),
        (CallEnd::Busy, false) => format!("missed {what}: you were in another call"),
        (CallEnd::Unsupported, false) => format!("missed {what}: this device cannot take calls"),
        (end, _) => format!("{what}: {end}"),
    }
}

fn length(span: Span) -> String {
    let secs = span.0 / 1_000;
    match (secs / 3_600, secs / 60 % 60, secs % 60) {
        (0, minutes, secs) => format!("{minutes}:{secs:02}"),
        (hours, minutes, secs) => format!("{hours}:{minutes:02}:{secs:02}"),
    }
}

/// What came too late from somebody who was removed.
fn lost(dropped: u32) -> String {
    match dropped {
        0 => String::new(),
        1 => "; a message written after that was dropped".to_owned(),
        more => format!("; {more} messages written after that were dropped"),
    }
}

fn with_article(role: Role) -> String {
    let word = role_word(role);
    let article = if matches!(role, Role::Observer | Role::Admin | Role::Owner) { "an" } else { "a" };
    format!("{article} {word}")
}

/// Until when something holds, to the minute.
fn end(until: Timestamp) -> String {
    match until {
        Timestamp::NEVER => " for good".to_owned(),
        until => {
            format!(" until {} UTC", rfc3339(until).replace('T', " ").chars().take(16).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: AccountId = AccountId([1; 32]);
    const BOB: AccountId = AccountId([2; 32]);
    const CAROL: AccountId = AccountId([3; 32]);

    /// Carol reads, who knows the names of Ann and Bob.
    fn read(line: &GroupLine, who: &AccountId) -> String {
        let known = [(ANN, "Ann".to_owned()), (BOB, "Bob".to_owned())];
        sentence(line, who, Timestamp(1_000), &Names::new(Some(CAROL), known.into()))
    }

    #[test]
    fn calls_are_told_as_a_person_would() {
        let call = kith_proto::id::CallId([7; 16]);
        let line = |end, talked| CallLine { call, video: false, end, talked: Span::from_secs(talked) };
        let told = |line: CallLine, outgoing| call_sentence(&line, outgoing);
        assert_eq!(told(line(CallEnd::Finished, 3_725), true), "call, 1:02:05");
        assert_eq!(told(line(CallEnd::Missed, 0), false), "missed call");
        assert_eq!(told(line(CallEnd::NoAnswer, 0), true), "call: nobody answered");
        assert_eq!(told(line(CallEnd::Lost, 65), false), "call, 1:05: the connection was lost");
        let seen = CallLine { video: true, ..line(CallEnd::Declined, 0) };
        assert_eq!(told(seen, false), "you declined a video call");
    }

    #[test]
    fn what_happened_to_the_reader_is_told_from_the_reader_s_side() {
        assert_eq!(read(&GroupLine::Added { whom: BOB }, &ANN), "Ann added Bob");
        assert_eq!(read(&GroupLine::Added { whom: CAROL }, &ANN), "you were added by Ann");
        assert_eq!(read(&GroupLine::Removed { whom: BOB, dropped: 0 }, &CAROL), "you removed Bob");
        let removed = read(&GroupLine::Removed { whom: CAROL, dropped: 2 }, &BOB);
        assert_eq!(removed, "you were removed by Bob; 2 messages written after that were dropped");
        assert_eq!(read(&GroupLine::Role { whom: BOB, role: Role::Admin }, &ANN), "Ann made Bob an admin");
        let made = read(&GroupLine::Role { whom: CAROL, role: Role::Member }, &ANN);
        assert_eq!(made, "you were made a member by Ann");
        assert_eq!(read(&GroupLine::Left, &CAROL), "you left");
    }

    #[test]
    fn a_time_that_is_over_gives_the_word_back() {
        let muted = |until| read(&GroupLine::Muted { whom: BOB, until }, &ANN);
        assert_eq!(muted(Timestamp(1_000)), "Ann unmuted Bob");
        assert_eq!(muted(Timestamp(60_000)), "Ann muted Bob until 1970-01-01 00:01 UTC");
        assert_eq!(muted(Timestamp::NEVER), "Ann muted Bob for good");
    }

    #[test]
    fn who_told_no_name_is_the_beginning_of_an_address() {
        let stranger = AccountId([7; 32]);
        let said = read(&GroupLine::Joined { whom: stranger }, &BOB);
        assert!(said.starts_with("kith1") && said.ends_with("… came by a link, let in by Bob"), "{said}");
    }

    #[test]
    fn every_role_has_its_word() {
        for role in [Role::Observer, Role::Member, Role::Moderator, Role::Admin, Role::Owner] {
            assert_eq!(role_from_word(role_word(role)), Some(role));
        }
        assert_eq!(role_from_word("king"), None);
    }
}
