//! Who is a contact, who asked to be one, and the invites that admit requests.
//!
//! ```text
//!             AddContact                     their ContactAccept, or their own request
//!  (unknown) ───────────▶ Requested ───────────────────────────────────────────────────┐
//!      │                                                                               ▼
//!      └──their request with a valid proof──▶ Incoming ──────── AcceptContact ─────▶ Accepted
//!                                     any state ──BlockContact──▶ Blocked ──UnblockContact──▶ Accepted
//! ```
//!
//! Not here: keys (`devices`, `sessions`) and connections (`presence`).

use std::collections::BTreeMap;

use kith_crypto::invite;
use kith_proto::address::DeviceAddress;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::InviteId;
use kith_proto::invite::Invite;
use kith_proto::invite::InviteSecret;
use kith_proto::payload::MAX_GREETING_BYTES;
use kith_proto::payload::Profile;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::command::Refusal;
use crate::core::Core;
use crate::output::Output;
use crate::rows;
use crate::rows::ContactRow;
use crate::rows::InviteRow;
use crate::rows::InviteRowSecret;
use crate::view::ContactState;
use crate::view::ContactView;

/// All contacts and open invites.
#[derive(Default)]
pub(crate) struct Contacts {
    by_id: BTreeMap<ContactId, ContactRow>,
    invites: BTreeMap<InviteId, InviteRow>,
    /// How often in a row the invite of somebody we ask was refused.
    refusals: BTreeMap<ContactId, u32>,
}

/// Mailboxes hear of a closed invite for so long: its queue was registered for two periods at most.
pub(crate) const CLOSED_FOR: Span = Span(2 * kith_crypto::mailbox::PERIOD.0);

/// Closed invites that are remembered; whoever makes more links than this in a month leaves queues open.
const MAX_CLOSED: usize = 512;

/// So many refusals in a row mean that an invite is used up.
const REFUSALS_BELIEVED: u32 = 3;

/// The number of somebody who is no contact, but a member of a common group.
const FELLOW: u8 = 5;
/// Why somebody who asks is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLetIn {
    /// Too many wait for the owner to decide, or there are too many contacts.
    Full,
    /// The owner does not want to hear of them.
    Unwanted,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// We did not ask.
    NotAsked,
    /// Perhaps nothing.
    AskAgain,
    /// The invite admits nobody any more.
    ForGood,
}

impl InviteRow {
    /// Whether it still admits somebody.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.expires > now && self.uses_left > 0
    }

    /// It admits nobody any more. The row stays until no mailbox can have its queue.
    fn close(&mut self, now: Timestamp) {
        self.uses_left = 0;
        self.expires = self.expires.min(now);
    }
}

impl ContactRow {
    /// How the contact stands to us; `None` for somebody who is only a member of a common group. An unknown number from a newer version counts as blocked: nothing is shown or
    /// sent by mistake.
    pub(crate) fn state(&self) -> Option<ContactState> {
        Some(match self.state {
            1 => ContactState::Requested,
            2 => ContactState::Incoming,
            3 => ContactState::Accepted,
            FELLOW => return None,
            _ => ContactState::Blocked,
        })
    }

    /// Whether it is no contact at all, but a member of a common group, or of one that we ask to come into.
    pub(crate) fn is_fellow(&self) -> bool {
        self.state == FELLOW
    }

    /// A blocked contact's number also says how it stood before: 4, and 16 times the former number.
    fn set_state(&mut self, state: ContactState) {
        self.state = match state {
            ContactState::Requested => 1,
            ContactState::Incoming => 2,
            ContactState::Accepted => 3,
            ContactState::Blocked if self.state < 4 || self.is_fellow() => 4 + 16 * self.state,
            ContactState::Blocked => self.state,
        };
    }

    /// Whether we ask `contact`, whose row this is, and know nothing but the address.
    pub(crate) fn knocks(&self, contact: &ContactId) -> bool {
        let secret = self.invite.as_ref().map(|secret| &secret.0);
        self.state() == Some(ContactState::Requested) && secret == Some(&invite::knock(contact))
    }

    fn before_block(&self) -> Option<ContactState> {
        match self.state / 16 {
            1 => Some(ContactState::Requested),
            3 => Some(ContactState::Accepted),
            FELLOW => None,
            _ => Some(ContactState::Incoming),
        }
    }

    /// The contact as front ends see it; `None` when it is none.
    pub(crate) fn view(
        &self,
        own: &ContactId,
        contact: ContactId,
        online: bool,
        mailboxes: u32,
        stranger: bool,
    ) -> Option<ContactView> {
        let state = self.state()?;
        Some(ContactView {
            contact,
            chat: ChatId::direct(own, &contact),
            name: self.profile.name.to_string(),
            status: self.profile.status.to_string(),
            // What we want to say to somebody whom we look for is not theirs.
            greeting: if state == ContactState::Requested {
                String::new()
            } else {
                self.greeting.to_string()
            },
            state,
            verified: self.verified,
            stranger: stranger && state == ContactState::Incoming,
            // A link says at least where its maker is.
            by_address: state == ContactState::Requested && self.hints.is_empty(),
            refused: state == ContactState::Requested && self.invite.is_none(),
            mailboxes,
            online,
            since: self.since,
        })
    }
}

impl Contacts {
    /// Takes a contact as it was stored.
    pub(crate) fn restore(&mut self, contact: ContactId, row: ContactRow) {
        self.by_id.insert(contact, row);
    }

    /// Takes an invite as it was stored.
    pub(crate) fn restore_invite(&mut self, invite: InviteId, row: InviteRow) {
        self.invites.insert(invite, row);
    }

    /// Makes an invite.
    pub(crate) fn create_invite(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        own: ContactId,
        addresses: &[DeviceAddress],
        uses: Option<u32>,
        expires_secs: Option<u64>,
    ) -> Result<Invite, Refusal> {
        self.drop_old_invites(core.now, out);
        if addresses.is_empty() {
            return Err(Refusal::NoAddress);
        }
        if self.invites.values().filter(|row| row.is_open(core.now)).count() >= core.config.invites {
            return Err(Refusal::TooMany);
        }
        let life = expires_secs.map_or(core.config.invite_life, Span::from_secs);
        let expires = core.now + life;
        let secret = InviteSecret(core.random());
        let row =
            InviteRow { secret: secret.0, expires, uses_left: uses.unwrap_or(1).max(1), created: core.now };
        out.put(rows::INVITES, &secret.id().0, row.to_bytes());
        self.invites.insert(secret.id(), row);
        let expires_secs = u32::try_from(expires.0 / 1_000).unwrap_or(0);
        Ok(Invite::new(own, &secret, expires_secs, addresses))
    }

    /// Forgets invites of which no mailbox has an open queue any more.
    fn drop_old_invites(&mut self, now: Timestamp, out: &mut Output) {
        self.invites.retain(|invite, row| {
            let keep = row.expires + CLOSED_FOR > now;
            if !keep {
                out.delete(rows::INVITES, &invite.0);
            }
            keep
        });
        let closed = self.invites.iter().filter(|(_, row)| !row.is_open(now));
        if closed.clone().count() > MAX_CLOSED
            && let Some(oldest) = closed.min_by_key(|(_, row)| row.expires).map(|(invite, _)| *invite)
        {
            self.invites.remove(&oldest);
            out.delete(rows::INVITES, &oldest.0);
        }
    }

    /// Takes an invite back.
    pub(crate) fn revoke_invite(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        invite: &InviteId,
    ) -> Result<(), Refusal> {
        let row = self.invites.get_mut(invite).filter(|row| row.is_open(now));
        let row = row.ok_or(Refusal::UnknownInvite)?;
        row.close(now);
        out.put(rows::INVITES, &invite.0, row.to_bytes());
        Ok(())
    }

    /// The secret of an invite that still admits somebody.
    pub(crate) fn open_invite(&self, now: Timestamp, invite: &InviteId) -> Option<InviteSecret> {
        let row = self.invites.get(invite).filter(|row| row.is_open(now))?;
        Some(InviteSecret(row.secret))
    }

    /// All invites that mailboxes know of or should, and whether they still admit somebody.
    pub(crate) fn invites(&self, now: Timestamp) -> Vec<(InviteId, InviteSecret, bool)> {
        let all = self.invites.iter();
        all.map(|(invite, row)| (*invite, InviteSecret(row.secret), row.is_open(now))).collect()
    }

    /// The secrets of the invites that still admit somebody, newest first.
    pub(crate) fn newest_invites(&self, now: Timestamp) -> impl Iterator<Item = InviteSecret> {
        let mut open: Vec<_> = self.invites.values().filter(|row| row.is_open(now)).collect();
        open.sort_by_key(|row| std::cmp::Reverse(row.created));
        open.into_iter().map(|row| InviteSecret(row.secret)).collect::<Vec<_>>().into_iter()
    }

    /// Counts one use of an invite.
    pub(crate) fn use_invite(&mut self, now: Timestamp, out: &mut Output, invite: &InviteId) {
        let Some(row) = self.invites.get_mut(invite) else { return };
        row.uses_left = row.uses_left.saturating_sub(1);
        if row.uses_left == 0 {
            row.close(now);
        }
        out.put(rows::INVITES, &invite.0, row.to_bytes());
    }

    /// Adds the maker of an invite as somebody we ask, or asks again with a newer invite.
    pub(crate) fn ask(&mut self, core: &Core, out: &mut Output, invite: &Invite) -> Result<(), Refusal> {
        let ends = Timestamp(u64::from(invite.expires_secs) * 1_000);
        if invite.expires_secs != 0 && ends <= core.now {
            return Err(Refusal::InviteExpired);
        }
        match self.state(&invite.account) {
            Some(ContactState::Blocked) => return Err(Refusal::Blocked),
            Some(ContactState::Accepted) => {
                // They may have removed us, or come back with another device: the request is made again.
                let secret = Some(InviteRowSecret(invite.secret.clone()));
                self.change(out, &invite.account, |row| row.invite = secret);
                return Ok(());
            }
            Some(ContactState::Incoming) => return Err(Refusal::AlreadyContact),
            None if self.count() >= core.config.contacts => return Err(Refusal::TooMany),
            Some(ContactState::Requested) | None => {}
        }
        let known = self.by_id.get(&invite.account).filter(|row| row.is_fellow());
        let profile = known.map(|row| row.profile.clone()).unwrap_or_default();
        let mut row = ContactRow {
            state: 0,
            verified: false,
            profile,
            greeting: BoundedStr::default(),
            since: core.now,
            invite: Some(InviteRowSecret(invite.secret.clone())),
            hints: BoundedVec::truncated(invite.addresses.to_vec()),
        };
        row.set_state(ContactState::Requested);
        self.refusals.remove(&invite.account);
        self.put(invite.account, row, out);
        Ok(())
    }

    /// Adds somebody who asked, with a proof that was checked. Whom we had asked too is accepted.
    pub(crate) fn asked_by(
        &mut self,
        core: &Core,
        out: &mut Output,
        contact: &ContactId,
        profile: Profile,
        greeting: BoundedStr<MAX_GREETING_BYTES>,
    ) -> Result<(), NotLetIn> {
        let state = match self.state(contact) {
            Some(ContactState::Blocked) => return Err(NotLetIn::Unwanted),
            Some(ContactState::Requested | ContactState::Accepted) => ContactState::Accepted,
            Some(ContactState::Incoming) => ContactState::Incoming,
            None => {
                let waiting =
                    self.by_id.values().filter(|row| row.state() == Some(ContactState::Incoming)).count();
                if waiting >= core.config.incoming_requests || self.count() >= core.config.contacts {
                    return Err(NotLetIn::Full);
                }
                ContactState::Incoming
            }
        };
        let known = self.by_id.get(contact);
        let mut row = ContactRow {
            state: 0,
            verified: known.is_some_and(|row| row.verified),
            since: known.map_or(core.now, |row| row.since),
            profile,
            greeting,
            invite: None,
            hints: BoundedVec::default(),
        };
        row.set_state(state);
        self.put(*contact, row, out);
        Ok(())
    }

    /// Moves a contact to another state.
    pub(crate) fn set_state(&mut self, out: &mut Output, contact: &ContactId, state: ContactState) {
        self.change(out, contact, |row| {
            if state == ContactState::Accepted {
                row.invite = None;
                if row.state() == Some(ContactState::Requested) {
                    // Our own words to them are not theirs.
                    row.greeting = BoundedStr::default();
                }
            }
            row.set_state(state);
        });
    }

    /// Notes what to say to somebody whom we ask, when we find them.
    pub(crate) fn set_greeting(
        &mut self,
        out: &mut Output,
        contact: &ContactId,
        greeting: BoundedStr<MAX_GREETING_BYTES>,
    ) {
        self.change(out, contact, |row| row.greeting = greeting);
    }

    /// Nobody answers to what we asked with.
    pub(crate) fn give_up(&mut self, out: &mut Output, contact: &ContactId) {
        self.change(out, contact, |row| row.invite = None);
    }

    /// The invite that led to somebody was refused. Once is not believed: what was asked may have been damaged.
    pub(crate) fn refused(&mut self, out: &mut Output, contact: &ContactId) -> Refused {
        let asking = self
            .by_id
            .get(contact)
            .is_some_and(|row| row.state() == Some(ContactState::Requested) && row.invite.is_some());
        if !asking {
            return Refused::NotAsked;
        }
        let times = self.refusals.entry(*contact).or_default();
        *times += 1;
        if *times < REFUSALS_BELIEVED {
            return Refused::AskAgain;
        }
        self.refusals.remove(contact);
        self.change(out, contact, |row| row.invite = None);
        Refused::ForGood
    }

    /// How a blocked contact stood to us before.
    pub(crate) fn before_block(&self, contact: &ContactId) -> Option<ContactState> {
        self.by_id.get(contact).map_or(Some(ContactState::Incoming), ContactRow::before_block)
    }

    /// Somebody is a member of a common group. Whoever is known already stays what they are.
    pub(crate) fn add_fellow(&mut self, core: &Core, out: &mut Output, account: &ContactId) {
        if self.by_id.contains_key(account) {
            return;
        }
        let row = ContactRow {
            state: FELLOW,
            verified: false,
            profile: Profile::default(),
            greeting: BoundedStr::default(),
            since: core.now,
            invite: None,
            hints: BoundedVec::default(),
        };
        self.put(*account, row, out);
    }

    /// What others call somebody who is no contact and has not told it yet.
    pub(crate) fn name_fellow(&mut self, out: &mut Output, account: &ContactId, called: &str) {
        let unnamed =
            |row: &&ContactRow| row.is_fellow() && row.profile.version == 0 && *row.profile.name != *called;
        if self.by_id.get(account).filter(unnamed).is_some() {
            self.change(out, account, |row| row.profile.name = BoundedStr::truncated(called));
        }
    }

    /// Takes back the block of somebody who was never more than a fellow.
    pub(crate) fn unblock_fellow(&mut self, out: &mut Output, account: &ContactId) {
        self.change(out, account, |row| row.state = FELLOW);
    }

    /// With what we may ask somebody for prekeys who made a link that we hold.
    pub(crate) fn hold_link(&mut self, out: &mut Output, account: &ContactId, secret: InviteSecret) {
        self.change(out, account, |row| {
            if row.is_fellow() {
                row.invite = Some(InviteRowSecret(secret));
            }
        });
    }

    /// How many contacts there are, without those who are blocked.
    fn count(&self) -> usize {
        let counts = |row: &&ContactRow| !row.is_fellow() && row.state() != Some(ContactState::Blocked);
        self.by_id.values().filter(counts).count()
    }

    /// How many people are blocked.
    pub(crate) fn blocked(&self) -> usize {
        self.by_id.values().filter(|row| row.state() == Some(ContactState::Blocked)).count()
    }

    /// Notes whether the safety number was compared.
    pub(crate) fn set_verified(&mut self, out: &mut Output, contact: &ContactId, verified: bool) {
        self.change(out, contact, |row| row.verified = verified);
    }

    /// Takes a newer profile. Returns whether it was newer.
    pub(crate) fn set_profile(&mut self, out: &mut Output, contact: &ContactId, profile: Profile) -> bool {
        if self.by_id.get(contact).is_none_or(|row| row.profile.version >= profile.version) {
            return false;
        }
        self.change(out, contact, |row| row.profile = profile);
        true
    }

    /// Forgets a contact.
    pub(crate) fn remove(&mut self, out: &mut Output, contact: &ContactId) {
        if self.by_id.remove(contact).is_some() {
            out.delete(rows::CONTACTS, &contact.0);
        }
    }

    fn change(&mut self, out: &mut Output, contact: &ContactId, change: impl FnOnce(&mut ContactRow)) {
        if let Some(row) = self.by_id.get_mut(contact) {
            change(row);
            out.put(rows::CONTACTS, &contact.0, row.to_bytes());
        }
    }

    fn put(&mut self, contact: ContactId, row: ContactRow, out: &mut Output) {
        out.put(rows::CONTACTS, &contact.0, row.to_bytes());
        self.by_id.insert(contact, row);
    }

    /// A contact's row.
    pub(crate) fn get(&self, contact: &ContactId) -> Option<&ContactRow> {
        self.by_id.get(contact)
    }

    /// How somebody stands to us.
    pub(crate) fn state(&self, contact: &ContactId) -> Option<ContactState> {
        self.by_id.get(contact).and_then(ContactRow::state)
    }

    /// All contacts.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&ContactId, &ContactRow)> {
        self.by_id.iter()
    }
}
