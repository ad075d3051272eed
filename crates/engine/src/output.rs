//! What one or more steps produced. Several inputs share one `Output` and so one commit.

use std::collections::BTreeMap;

use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::rows::Write;

use crate::effect::Effect;
use crate::event::Event;

/// Writes, effects and events, to be committed, run and published in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    writes: BTreeMap<(&'static str, Vec<u8>), Option<Vec<u8>>>,
    /// What to do after the commit, in order.
    pub effects: Vec<Effect>,
    /// What to show after that, in order.
    pub events: Vec<Event>,
    shown: BTreeMap<Subject, usize>,
    /// Rows set or deleted so far.
    touched: u64,
    /// Whether some of the writes must be on disk before anything else happens.
    urgent: bool,
}

/// What an event replaces the former one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Chat(ChatId),
    Contact(ContactId),
    Network,
}

impl Output {
    /// An empty output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a row. A later write of the same row replaces this one.
    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: Vec<u8>) {
        self.touched += 1;
        self.writes.insert((table.name, key.to_vec()), Some(value));
    }

    /// Deletes a row.
    pub(crate) fn delete(&mut self, table: Table, key: &[u8]) {
        self.touched += 1;
        self.writes.insert((table.name, key.to_vec()), None);
    }

    /// A row as it will be after this batch.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub(crate) fn read(
        &self,
        rows: &dyn Rows,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, RowsError> {
        match self.writes.get(&(table.name, key.to_vec())) {
            Some(written) => Ok(written.clone()),
            None => rows.get(table, key),
        }
    }

    /// Adds an effect.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Adds an event. A chat, a contact or the network that changes several times in one batch is shown once, as it is
    /// in the end.
    pub(crate) fn event(&mut self, event: Event) {
        let subject = match &event {
            Event::ChatChanged(chat) => Subject::Chat(chat.chat),
            Event::ContactChanged(contact) => Subject::Contact(contact.contact),
            Event::NetworkChanged(_) => Subject::Network,
            _ => return self.events.push(event),
        };
        match self.shown.get(&subject).and_then(|at| self.events.get_mut(*at)) {
            Some(slot) => *slot = event,
            None => {
                self.shown.insert(subject, self.events.len());
                self.events.push(event);
            }
        }
    }

    /// Takes the events, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.shown.clear();
        std::mem::take(&mut self.events)
    }

    /// Whether nothing has to be written.
    pub fn has_no_writes(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether there is nothing at all to do.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.effects.is_empty() && self.events.is_empty()
    }

    /// How much it holds: whoever asks before and after an input knows whether that did anything.
    pub(crate) fn extent(&self) -> (u64, usize) {
        (self.touched, self.effects.len())
    }

    /// What was added must be on disk before anything else happens.
    pub(crate) fn hurry(&mut self) {
        self.urgent = true;
    }

    /// Whether a crash may undo the writes without harm, until the next commit that may not be undone: there is nothing
    /// in them but the receipts of others, who say them again, and no effect tells the world of them.
    pub fn may_be_undone(&self) -> bool {
        !self.urgent && self.effects.is_empty()
    }

    /// Takes the writes, in key order, leaving effects and events.
    pub fn take_writes(&mut self) -> Vec<Write> {
        self.urgent = false;
        std::mem::take(&mut self.writes)
            .into_iter()
            .map(|((table, key), value)| Write { table: table.to_owned(), key, value })
            .collect()
    }
}
