//! Calling people by name: the picker that opens when “@” is typed, whom a text calls when it is sent, and where names stand
//! in a text that is shown.

use std::ops::Range;

use kith_engine::view::GroupView;
use kith_engine::view::MessageView;
use kith_proto::group::word::MAX_MENTIONS;
use kith_proto::id::AccountId;

use crate::model::groups::Groups;

/// What calls everybody.
pub const ALL: &str = "all";

/// Names that the picker offers at once.
const OFFERED: usize = 6;

/// The longest name that is looked for, in characters: beyond that “@” was not meant so.
const MOST_CHARS: usize = 40;

/// Somebody who can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// Everybody.
    All,
    /// One member.
    One(AccountId, String),
}

impl Called {
    /// What stands behind the “@”.
    pub fn name(&self) -> &str {
        match self {
            Self::All => ALL,
            Self::One(_, name) => name,
        }
    }
}

/// The open picker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picker {
    /// Where the “@” stands in the draft, in bytes.
    pub at: usize,
    /// Where the word behind it ends.
    pub end: usize,
    /// Who is offered.
    pub offers: Vec<Called>,
    /// Which of them Enter takes.
    pub chosen: usize,
}

/// What the composer knows about calling people.
#[derive(Default)]
pub struct Mentions {
    /// The open picker.
    pub picker: Option<Picker>,
    /// Who was picked for this draft, so that of two people of one name the right one is called.
    picked: Vec<(String, AccountId)>,
    /// An “@” at which the picker was closed by hand.
    closed_at: Option<usize>,
}

impl Mentions {
    /// The draft or the caret (in bytes) changed.
    pub fn follow(&mut self, draft: &str, caret: usize, group: &GroupView, groups: &Groups) {
        let Some((at, word)) = word_at(draft, caret) else {
            (self.picker, self.closed_at) = (None, None);
            return;
        };
        if self.closed_at == Some(at) {
            self.picker = None;
            return;
        }
        self.closed_at = None;
        let offers = offers(word, group, groups);
        if offers.is_empty() {
            self.picker = None;
            return;
        }
        let before = self.picker.as_ref().filter(|picker| picker.at == at && picker.offers == offers);
        let chosen = before.map_or(0, |picker| picker.chosen);
        self.picker = Some(Picker { at, end: caret, offers, chosen });
    }

    /// Goes up or down in the picker, around its ends.
    pub fn step(&mut self, down: bool) {
        if let Some(picker) = &mut self.picker {
            let count = picker.offers.len();
            picker.chosen = (picker.chosen + if down { 1 } else { count - 1 }) % count;
        }
    }

    /// Closes the picker until another “@” is typed.
    pub fn close(&mut self) {
        self.closed_at = self.picker.take().map(|picker| picker.at);
    }

    /// Puts an offer into the draft. Returns where the caret belongs, in bytes.
    pub fn take(&mut self, draft: &mut String, offer: usize) -> Option<usize> {
        let picker = self.picker.take()?;
        let called = picker.offers.get(offer)?;
        if !draft.is_char_boundary(picker.at) || !draft.is_char_boundary(picker.end) {
            return None;
        }
        let word = format!("@{} ", called.name());
        draft.replace_range(picker.at..picker.end.min(draft.len()), &word);
        if let Called::One(account, name) = called {
            self.picked.push((name.clone(), *account));
        }
        // What was just written is not offered again.
        self.closed_at = Some(picker.at);
        Some(picker.at + word.len())
    }

    /// Whom a text calls, and whether it calls everybody. Forgets who was picked.
    pub fn resolve(&mut self, text: &str, group: &GroupView, groups: &Groups) -> (Vec<AccountId>, bool) {
        let picked = std::mem::take(&mut self.picked);
        (self.picker, self.closed_at) = (None, None);
        let members = group.members.iter().map(|member| (groups.told_name(&member.account), member.account));
        // Who was picked goes before others of the same name.
        let mut people: Vec<(String, AccountId)> = picked.into_iter().chain(members).collect();
        people.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let mut called = Vec::new();
        for start in starts(text) {
            let named = people.iter().find(|(name, _)| stands_at(text, start, name));
            if let Some((_, account)) = named
                && Some(*account) != groups.own()
                && !called.contains(account)
                && called.len() < MAX_MENTIONS
            {
                called.push(*account);
            }
        }
        let may = groups.rights(group).may_mention_all();
        (called, may && starts(text).any(|start| stands_at(text, start, ALL)))
    }
}

/// Where the people whom a message calls are named in its text, in bytes, and whether it is the person who is called.
pub fn marks(message: &MessageView, groups: &Groups) -> Vec<(Range<usize>, bool)> {
    if message.mentions.is_empty() && !message.mentions_all {
        return Vec::new();
    }
    let mut names: Vec<(String, bool)> = message
        .mentions
        .iter()
        .map(|account| (groups.told_name(account), groups.own() == Some(*account)))
        .collect();
    names.extend(message.mentions_all.then(|| (ALL.to_owned(), !message.outgoing)));
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    starts(&message.text)
        .filter_map(|start| {
            let (name, own) = names.iter().find(|(name, _)| stands_at(&message.text, start, name))?;
            Some((start..start + 1 + name.len(), *own))
        })
        .collect()
}

/// Every “@” that begins a word.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices('@').map(|(at, _)| at).filter(|at| begins_word(text, *at))
}

fn begins_word(text: &str, at: usize) -> bool {
    text.get(..at).and_then(|before| before.chars().next_back()).is_none_or(|c| !c.is_alphanumeric())
}

/// Whether a name stands behind the “@” at a place, and ends there.
fn stands_at(text: &str, at: usize, name: &str) -> bool {
    let rest = text.get(at + 1..).and_then(|rest| rest.strip_prefix(name));
    !name.is_empty() && rest.is_some_and(|rest| rest.chars().next().is_none_or(|c| !c.is_alphanumeric()))
}

/// The “@” before the caret, and what was typed behind it.
fn word_at(draft: &str, caret: usize) -> Option<(usize, &str)> {
    let before = draft.get(..caret)?;
    let at = before.rfind('@').filter(|at| begins_word(draft, *at))?;
    let word = before.get(at + 1..)?;
    let meant = !word.contains('\n') && !word.starts_with(' ') && word.chars().count() <= MOST_CHARS;
    meant.then_some((at, word))
}

/// Who is offered for what was typed: names that begin so, then names with a later word that does.
fn offers(word: &str, group: &GroupView, groups: &Groups) -> Vec<Called> {
    let wanted = word.to_lowercase();
    let rank = |name: &str| {
        let name = name.to_lowercase();
        let later = || name.split_whitespace().skip(1).any(|part| part.starts_with(&wanted));
        if name.starts_with(&wanted) { Some(0) } else { later().then_some(1) }
    };
    let others = group.members.iter().filter(|member| groups.own() != Some(member.account));
    let mut found: Vec<(u8, String, AccountId)> = others
        .filter_map(|member| {
            let name = groups.told_name(&member.account);
            Some((rank(&name)?, name, member.account))
        })
        .collect();
    found.sort();
    let all = groups.rights(group).may_mention_all() && ALL.starts_with(&wanted);
    let people = found.into_iter().map(|(_, name, account)| Called::One(account, name));
    let mut offers: Vec<Called> = people.take(OFFERED - usize::from(all)).collect();
    if all {
        offers.push(Called::All);
    }
    // A name that is there in full needs no more help.
    if matches!(offers.as_slice(), [only] if only.name() == word) { Vec::new() } else { offers }
}
