//! Requests from people who know only our address: whether they may knock, the card and the queue that they find, and whom
//! the owner sent away.
//!
//! ```text
//!  allowed ─▶ card under the account's blinded key, and a queue at every mailbox where strangers work
//!                                                                                   │ request
//!                                                     accepted ◀── asks (at most 50) ◀┘
//!                                                                   └── removed ─▶ turned away: not heard again
//! ```
//!
//! To knock is to use an invite that everybody can make who knows the account (`kith-crypto`, `invite::knock`), so that
//! requests, queues and proofs are those of invites. The work is done for mailboxes, so nothing but mail is taken from
//! strangers: a request on a connection would have cost them nothing (`arrivals`). Not here: how we knock (`knocking`).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use kith_crypto::invite;
use kith_crypto::record;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::id::AccountId;
use kith_proto::id::ContactId;
use kith_proto::id::InviteId;
use kith_proto::invite::InviteSecret;
use kith_proto::record::CardRecord;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::cards;
use crate::commands;
use crate::contacts::CLOSED_FOR;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::output::Output;
use crate::registering;
use crate::rows;
use crate::rows::KnocksRow;
use crate::rows::StrangerRow;
use crate::view::ContactState;

/// Strangers who were turned away and are remembered. Whoever makes more accounts than this works for each of them.
const MAX_TURNED_AWAY: usize = 1_024;

/// What the owner says about strangers, and those who asked.
#[derive(Default)]
pub(crate) struct Strangers {
    secret: Option<InviteSecret>,
    row: KnocksRow,
    by_id: BTreeMap<ContactId, StrangerRow>,
}

impl Default for KnocksRow {
    fn default() -> Self {
        Self { allowed: true, since: Timestamp(0) }
    }
}

impl Strangers {
    /// What was said, as it was stored; without a row they may knock.
    pub(crate) fn new(own: &AccountId, row: Option<KnocksRow>) -> Self {
        Self { secret: Some(invite::knock(own)), row: row.unwrap_or_default(), by_id: BTreeMap::new() }
    }

    /// Takes a stranger as it was stored.
    pub(crate) fn restore(&mut self, contact: ContactId, row: StrangerRow) {
        self.by_id.insert(contact, row);
    }

    /// Whether they may knock.
    pub(crate) fn are_allowed(&self) -> bool {
        self.row.allowed
    }

    /// When the owner last said something about it.
    pub(crate) fn said_at(&self) -> Timestamp {
        self.row.since
    }

    /// Whether somebody may still look for what was open before.
    fn is_closing(&self, now: Timestamp) -> bool {
        !self.row.allowed && now < self.row.since + CLOSED_FOR
    }

    /// What the queue is made from, and whether it is open, as long as mailboxes have to know.
    pub(crate) fn queue(&self, now: Timestamp) -> Option<(InviteSecret, bool)> {
        let told = self.row.allowed || self.is_closing(now);
        self.secret.clone().filter(|_| told).map(|secret| (secret, self.row.allowed))
    }

    /// Whether an invite is none but the address.
    pub(crate) fn is_knock(&self, invite: &InviteId) -> bool {
        self.secret.as_ref().is_some_and(|secret| secret.id() == *invite)
    }

    /// What they prove that they know, if they may knock.
    pub(crate) fn open_secret(&self) -> Option<InviteSecret> {
        self.secret.clone().filter(|_| self.row.allowed)
    }

    fn say(&mut self, now: Timestamp, out: &mut Output, allowed: bool) {
        // Later than any card that was made before, also in this millisecond: the card of the last word is the newest.
        self.row = KnocksRow { allowed, since: now.max(self.row.since) + Span(1) };
        out.put(rows::KNOCKS, rows::SELF, self.row.to_bytes());
    }

    /// Somebody asks who knows only the address.
    pub(crate) fn asks(&mut self, now: Timestamp, out: &mut Output, contact: &ContactId, work_bits: u8) {
        self.put(out, contact, StrangerRow { turned_away: false, since: now, work_bits });
    }

    /// Of some of them, who did the least work, and how much; of several whoever came last.
    fn least_work(&self, of: impl Fn(&ContactId) -> bool) -> Option<(ContactId, u8)> {
        let waiting = self.by_id.iter().filter(|(contact, row)| !row.turned_away && of(contact));
        let least = waiting.min_by_key(|(_, row)| (row.work_bits, Reverse(row.since)));
        least.map(|(contact, row)| (*contact, row.work_bits))
    }

    /// Everybody who asked so and was neither accepted nor turned away.
    pub(crate) fn all(&self) -> impl Iterator<Item = &ContactId> {
        self.by_id.iter().filter(|(_, row)| !row.turned_away).map(|(contact, _)| contact)
    }

    /// Whether somebody asked so and was not accepted since.
    pub(crate) fn is_stranger(&self, contact: &ContactId) -> bool {
        self.by_id.get(contact).is_some_and(|row| !row.turned_away)
    }

    /// The owner does not want to hear of somebody any more, if it was a stranger.
    pub(crate) fn turn_away(&mut self, now: Timestamp, out: &mut Output, contact: &ContactId) {
        if !self.is_stranger(contact) {
            return;
        }
        self.put(out, contact, StrangerRow { turned_away: true, since: now, work_bits: 0 });
        let gone = self.by_id.iter().filter(|(_, row)| row.turned_away);
        if gone.clone().count() > MAX_TURNED_AWAY
            && let Some(oldest) = gone.min_by_key(|(_, row)| row.since).map(|(contact, _)| *contact)
        {
            self.forget(out, &oldest);
        }
    }

    /// Whether the owner does not want to hear of somebody.
    pub(crate) fn is_turned_away(&self, contact: &ContactId) -> bool {
        self.by_id.get(contact).is_some_and(|row| row.turned_away)
    }

    /// Somebody is no stranger any more.
    pub(crate) fn forget(&mut self, out: &mut Output, contact: &ContactId) {
        if self.by_id.remove(contact).is_some() {
            out.delete(rows::STRANGERS, &contact.0);
        }
    }

    fn put(&mut self, out: &mut Output, contact: &ContactId, row: StrangerRow) {
        out.put(rows::STRANGERS, &contact.0, row.to_bytes());
        self.by_id.insert(*contact, row);
    }
}

/// Makes room for somebody who did so much work: whoever of those who wait did the least, and less, is forgotten and may ask
/// again. Returns whether there is room.
pub(crate) fn make_room(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, work_bits: u8) -> bool {
    let contacts = &engine.contacts;
    let waits = |contact: &ContactId| contacts.state(contact) == Some(ContactState::Incoming);
    let Some((least, bits)) = engine.strangers.least_work(waits) else { return false };
    if bits >= work_bits {
        return false;
    }
    engine.core.stats.gave_way += 1;
    engine.strangers.forget(out, &least);
    commands::forget(engine, rows, out, least);
    true
}

/// The owner allows strangers to knock, or does not.
pub(crate) fn allow(engine: &mut Engine, out: &mut Output, allowed: bool) {
    if engine.strangers.are_allowed() == allowed {
        return;
    }
    engine.strangers.say(engine.core.now, out, allowed);
    registering::queues_changed(engine, out);
    publish(engine, out);
    out.event(Event::ProfileChanged(engine.profile_view()));
}

/// Publishes the card for whoever knows the address, or one that says nothing in the place of an earlier one.
pub(crate) fn publish(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    let places = engine.mailboxes.places();
    let card = match engine.strangers.are_allowed() {
        true if places.is_empty() => return,
        true => CardRecord {
            device_list: engine.devices.own_list(),
            bundle: engine.devices.own_bundle_for_many(),
            places,
        },
        false if engine.strangers.is_closing(now) => CardRecord {
            device_list: Default::default(),
            bundle: Default::default(),
            places: BoundedVec::default(),
        },
        false => return,
    };
    // A linked device has no account key, and leaves it to the one that has.
    let Some(account) = engine.devices.account_secret() else { return };
    let (sequence, expires) = cards::validity(engine);
    let valid = (sequence.max(engine.strangers.said_at().0), expires);
    for period in cards::periods(now) {
        if let Some(record) = record::seal_knock(&mut engine.core.rng, &account, period, valid, &card) {
            out.effect(Effect::Publish { record });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn number(number: u16) -> ContactId {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&number.to_be_bytes());
        AccountId(id)
    }

    fn strangers() -> (Strangers, Output) {
        (Strangers::new(&number(9_999), None), Output::new())
    }

    #[test]
    fn only_strangers_are_turned_away_and_a_thousand_are_remembered() {
        let (mut strangers, mut out) = strangers();
        strangers.turn_away(NOW, &mut out, &number(1));
        assert!(!strangers.is_turned_away(&number(1)), "nobody who asked");
        for who in 0..1_030 {
            strangers.asks(NOW, &mut out, &number(who), 0);
            strangers.turn_away(NOW + Span(who.into()), &mut out, &number(who));
        }
        let known = (0..1_030).filter(|who| strangers.is_turned_away(&number(*who)));
        assert_eq!(known.collect::<Vec<_>>(), (6..1_030).collect::<Vec<_>>(), "the last ones");
        strangers.forget(&mut out, &number(1_000));
        assert!(!strangers.is_turned_away(&number(1_000)) && !strangers.is_stranger(&number(1_000)));
    }

    #[test]
    fn whoever_did_the_least_work_goes_first_and_of_several_the_last() {
        let (mut strangers, mut out) = strangers();
        for (who, bits) in [(1, 24), (2, 20), (3, 20), (4, 22)] {
            strangers.asks(NOW + Span(who.into()), &mut out, &number(who), bits);
        }
        assert_eq!(strangers.least_work(|_| true), Some((number(3), 20)));
        assert_eq!(strangers.least_work(|who| *who != number(3)), Some((number(2), 20)));
        strangers.turn_away(NOW, &mut out, &number(3));
        assert_eq!(strangers.least_work(|_| true), Some((number(2), 20)), "who was turned away has no place");
    }

    #[test]
    fn a_closed_queue_is_told_for_two_periods_and_each_word_is_later_than_the_last() {
        let (mut strangers, mut out) = strangers();
        assert!(strangers.queue(NOW).is_some_and(|(_, open)| open), "open unless said otherwise");
        strangers.say(NOW, &mut out, false);
        assert!(strangers.open_secret().is_none());
        assert!(strangers.queue(NOW + Span::from_days(27)).is_some_and(|(_, open)| !open));
        assert!(strangers.queue(NOW + Span::from_days(28) + Span(1)).is_none());
        strangers.say(NOW, &mut out, true);
        assert!(strangers.said_at() > NOW);
        assert!(strangers.queue(NOW).is_some_and(|(_, open)| open));
    }
}
