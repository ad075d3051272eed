//! Who should have what. While the world runs: nobody sees anything twice, out of order, or that was never written.
//! At the end: every message is where it belongs, and its author knows.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::query;
use kith_engine::view::ContactState;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_proto::id::ChatId;

use crate::action::Who;
use crate::disk::Disk;
use crate::person::Person;
use crate::world::BEGIN;

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Oracle {
    /// The last number seen by somebody from somebody.
    last_seen: BTreeMap<(Who, Who), u64>,
    /// What went wrong.
    pub failures: Vec<String>,
    /// Messages shown.
    pub shown: u64,
}

/// The text of a message: who wrote it, to whom, and their how-manieth it is.
pub fn text(from: Who, to: Who, number: u64) -> String {
    format!("{from}>{to} #{number}")
}

fn number_of(text: &str, from: Who, to: Who) -> Option<u64> {
    text.strip_prefix(&format!("{from}>{to} #"))?.parse().ok()
}

impl Oracle {
    fn fail(&mut self, what: String) {
        if self.failures.len() < 20 {
            self.failures.push(what);
        }
    }

    /// Somebody is shown a message. Returns who wrote it, if anybody did.
    pub fn shown(&mut self, people: &[Person], to: Who, message: &MessageView) -> Option<Who> {
        self.shown += 1;
        let from = people.iter().position(|person| person.account == message.sender);
        let Some((from, number)) = from.and_then(|from| Some((from, number_of(&message.text, from, to)?)))
        else {
            self.fail(format!("{to} is shown something that nobody wrote to them"));
            return None;
        };
        let last = self.last_seen.entry((to, from)).or_insert(0);
        if number <= *last {
            let last = *last;
            self.fail(format!("{to} is shown #{number} of {from} after #{last}"));
            return Some(from);
        }
        *last = number;
        Some(from)
    }

    /// Somebody put an old disk back: what they saw since is forgotten and may come again, and what they wrote before
    /// may come after what they wrote since.
    pub fn restored(&mut self, who: Who) {
        self.last_seen.retain(|(to, from), _| *to != who && *from != who);
    }

    /// Checks everything once nothing moves any more. `waiting`: how much waits in each outbox for people who could take it.
    pub fn check_end(&mut self, people: &[Person], friends: &[(Who, Who)], waiting: &[usize]) {
        for (one, other) in friends {
            self.check_pair(people, *one, *other);
            self.check_pair(people, *other, *one);
        }
        for (who, person) in people.iter().enumerate() {
            if people.iter().any(|other| forgot(other, person)) {
                continue;
            }
            let waiting = waiting.get(who).copied().unwrap_or(0);
            if waiting > 0 {
                self.fail(format!("{waiting} things still wait in the outbox of {who}"));
            }
            let held = person.disk.rows_in("held");
            if held > 0 && people.iter().all(|person| person.restores == 0) {
                self.fail(format!("{held} things are still held by {who}"));
            }
        }
    }

    /// Everybody accepts whoever asks: who knew only an address is a friend now, at both ends.
    pub fn check_knocks(&mut self, people: &[Person], asked: &[(Who, Who)]) {
        for (asker, owner) in asked {
            let (Some(one), Some(other)) = (people.get(*asker), people.get(*owner)) else { continue };
            if forgot(one, other) || forgot(other, one) {
                continue;
            }
            for (person, contact) in [(one, other), (other, one)] {
                let view = query::contact(&person.disk, &contact.account).expect("contacts can be read");
                let state = view.map(|view| view.state);
                if state != Some(ContactState::Accepted) {
                    self.fail(format!("{asker} asked {owner} by the address, and one of them has {state:?}"));
                }
            }
        }
    }

    fn check_pair(&mut self, people: &[Person], from: Who, to: Who) {
        let (Some(sender), Some(receiver)) = (people.get(from), people.get(to)) else { return };
        if forgot(sender, receiver) || forgot(receiver, sender) {
            return;
        }
        let chat = ChatId::direct(&sender.account, &receiver.account);
        let sent: Vec<MessageView> =
            timeline(&sender.disk, &chat).into_iter().filter(|view| view.outgoing).collect();
        let received = timeline(&receiver.disk, &chat);
        let received: Vec<u64> = received
            .iter()
            .filter(|view| !view.outgoing)
            .filter_map(|view| number_of(&view.text, from, to))
            .collect();
        if received.iter().collect::<BTreeSet<_>>().len() != received.len() {
            self.fail(format!("{to} has messages of {from} twice"));
        }
        if sender.restores == 0 && receiver.restores == 0 && !received.is_sorted() {
            self.fail(format!("{to} has messages of {from} out of order"));
        }
        let wanted: Vec<u64> = sent.iter().filter_map(|view| number_of(&view.text, from, to)).collect();
        // Whoever put an old disk back has lost what was confirmed since, on purpose or not; the rest holds.
        if sender.restores == 0 && receiver.restores == 0 && wanted != received {
            self.fail(format!("{from} wrote {} messages to {to}, who has {}", wanted.len(), received.len()));
        }
        let late = sent.iter().filter(|view| view.state < MessageState::Delivered).count();
        if late > 0 {
            self.fail(format!("{late} messages from {from} to {to} are not known to be delivered"));
        }
        // What was written after the last old disk was put back arrives whatever happened before.
        let since = sender.restored_at.max(receiver.restored_at).0;
        let lost = wanted
            .iter()
            .filter(|number| **number / 1_000 + BEGIN.0 > since && !received.contains(number))
            .count();
        if lost > 0 {
            self.fail(format!(
                "{lost} messages from {from} to {to} did not arrive after an old disk was put back"
            ));
        }
    }
}

/// Whether somebody put back a disk from before they knew a friend. Then nothing but a new invite helps.
pub(crate) fn forgot(person: &Person, friend: &Person) -> bool {
    let contacts = query::contacts(&person.disk).expect("contacts can be read");
    person.restores > 0 && contacts.iter().all(|contact| contact.contact != friend.account)
}

/// A whole chat.
pub fn timeline(disk: &Disk, chat: &ChatId) -> Vec<MessageView> {
    query::timeline(disk, chat, None, usize::MAX).expect("history can be read")
}
