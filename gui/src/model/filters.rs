//! What the person does not want to read: words, and whom they blocked, as lists to give to others and to take from them.

use std::collections::BTreeSet;

use kith_engine::Command;
use kith_engine::filters::matched;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageView;
use kith_node::blocks;
use kith_proto::id::AccountId;
use kith_proto::id::MessageId;

use crate::action::Request;
use crate::model::Model;
use crate::say;

/// The words, and what was looked at all the same.
#[derive(Default)]
pub struct Filters {
    words: Vec<String>,
    /// Messages that the person uncovered. Until the app ends: whoever looked once does not mean for ever.
    shown: BTreeSet<MessageId>,
}

impl Filters {
    /// Takes the words as they are kept.
    pub fn set(&mut self, words: Vec<String>) {
        self.words = words;
    }

    /// The words.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether a text has one of the words.
    pub fn catches(&self, text: &str) -> bool {
        matched(&self.words, text).is_some()
    }

    /// Whether a message is hidden behind a line.
    pub fn hides(&self, message: &MessageView) -> bool {
        let foreign = !message.outgoing && message.kind == MessageKind::Text;
        foreign && !self.shown.contains(&message.message) && self.catches(&message.text)
    }

    /// Uncovers a message.
    pub(super) fn uncover(&mut self, message: MessageId) {
        self.shown.insert(message);
    }

    /// The words with those of a line more, each once; several are set apart by commas.
    fn with(&self, more: &str) -> Vec<String> {
        let more = more.split([',', '\n']).map(|word| word.trim().to_lowercase());
        let mut words = self.words.clone();
        words.extend(more.filter(|word| !word.is_empty()));
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// A list of blocked people that is looked at before it is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// Whom it would block who are not blocked yet.
    pub new: Vec<AccountId>,
    /// How many of it are blocked already.
    pub known: usize,
    /// How many of the new ones are contacts.
    pub contacts: usize,
    /// Whether the own account stands on it, which nobody can block.
    pub own: bool,
}

/// Looks at a list of blocked people. What is wrong with it is told as a sentence.
pub fn look(model: &Model, text: &str) -> Result<Incoming, String> {
    let listed = blocks::read(text).map_err(|_| say!("blocks-no-list"))?;
    let own = model.groups.own();
    let blocked: BTreeSet<AccountId> = model.blocked().map(|contact| contact.contact).collect();
    let mut seen = BTreeSet::new();
    let mut found = Incoming::default();
    for account in listed.into_iter().filter(|account| seen.insert(*account)) {
        if Some(account) == own {
            found.own = true;
        } else if blocked.contains(&account) {
            found.known += 1;
        } else {
            found.contacts += usize::from(model.contacts.contains_key(&account));
            found.new.push(account);
        }
    }
    Ok(found)
}

/// The list of those whom the person has blocked.
pub fn list(model: &Model) -> String {
    let accounts: Vec<AccountId> = model.blocked().map(|contact| contact.contact).collect();
    blocks::written(&accounts)
}

/// Adds words. Returns what the node has to do.
pub(super) fn add(model: &Model, line: &str) -> Vec<Request> {
    let filters = model.filters.with(line);
    if filters == model.filters.words { Vec::new() } else { set(filters) }
}

/// Takes a word away. Returns what the node has to do.
pub(super) fn remove(model: &Model, word: &str) -> Vec<Request> {
    let mut filters = model.filters.words.clone();
    filters.retain(|other| other != word);
    set(filters)
}

fn set(filters: Vec<String>) -> Vec<Request> {
    vec![Request::Command(Command::SetFilters { filters }), Request::LoadFilters]
}
