//! Rebuilds the engine from its rows: hot state only, never the whole history. Runs at every start and after a failed
//! commit, so that what was in memory and not on disk cannot survive.

use std::ops::Bound;

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::prekey::PrekeyBundle;
use kith_crypto::prekey::PrekeySecrets;
use kith_crypto::secret::Secret32;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode as _;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::InviteId;
use kith_proto::id::MessageId;
use kith_proto::payload::Payload;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::account;
use crate::askers::Askers;
use crate::attempts::Attempts;
use crate::calls;
use crate::calls::Calls;
use crate::cards::Cards;
use crate::chats::Chats;
use crate::chats::Unread;
use crate::choices::Choices;
use crate::clocks::Clocks;
use crate::config::Config;
use crate::contacts::Contacts;
use crate::core::Core;
use crate::deposits::Deposits;
use crate::devices::Devices;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::finding;
use crate::finding::Finding;
use crate::groups::asking;
use crate::groups::deletions;
use crate::groups::filing;
use crate::groups::hosts;
use crate::groups::loading;
use crate::groups::mesh;
use crate::groups::reports;
use crate::groups::state::Groups;
use crate::inbox::Inbox;
use crate::knocking::Knocking;
use crate::mail;
use crate::mailboxes::Mailboxes;
use crate::outbox::Outbox;
use crate::output::Output;
use crate::peers::Peers;
use crate::presence::Presence;
use crate::rows;
use crate::rows::ChatRow;
use crate::rows::FoundRow;
use crate::rows::HistoryRow;
use crate::rows::groups::GROUP_UNREAD;
use crate::rows::groups::UnreadRow;
use crate::rows::groups::With;
use crate::sessions::Sessions;
use crate::standing::Standings;
use crate::strangers::Strangers;
use crate::timer::TimerKey;
use crate::view::ContactState;

/// How many of a chat's last messages are looked at for ones that were delivered and not read, so that a read receipt
/// can name them. Older ones still show the right state, only without an event.
const LOOK_BACK_ROWS: usize = 100;

/// Chats that were silent for longer are not looked at.
const LOOK_BACK: Span = Span::from_days(7);

/// Why the engine could not be rebuilt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// There is no account in this folder.
    #[error("there is no account here yet: create one first")]
    NoAccount,
    /// The storage could not be read.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A row is not what it should be.
    #[error(
        "the table “{0}” holds a row that cannot be read: restore the data folder from a copy, or report this"
    )]
    Damaged(&'static str),
}

impl Engine {
    /// The engine as its rows say, and what is to be committed, done and shown first.
    ///
    /// # Errors
    /// When there is no account, or the rows cannot be read.
    pub fn restore(
        rows: &dyn Rows,
        now: Timestamp,
        entropy: [u8; 32],
        config: Config,
    ) -> Result<(Self, Output), RestoreError> {
        let (row, secret) = account::load(rows)?.ok_or(RestoreError::NoAccount)?;
        let damaged = RestoreError::Damaged(rows::PREKEYS.name);
        let prekeys = rows.get(rows::PREKEYS, rows::SELF)?.ok_or(damaged.clone())?;
        let prekeys = PrekeySecrets::from_bytes(&prekeys).map_err(|_| damaged)?;
        let mut engine = Self {
            core: Core::new(now, entropy, config),
            devices: Devices::new(row, secret, prekeys),
            contacts: Contacts::default(),
            peers: Peers::default(),
            sessions: Sessions::default(),
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            chats: Chats::default(),
            calls: Calls::default(),
            presence: Presence::default(),
            finding: Finding::default(),
            mailboxes: Mailboxes::new(Secret32::new([0; 32])),
            choices: Choices::default(),
            deposits: Deposits::default(),
            askers: Askers::default(),
            standing: Standings::default(),
            cards: Cards::default(),
            attempts: Attempts::default(),
            clocks: Clocks::default(),
            groups: Groups::default(),
            knocking: Knocking::default(),
            strangers: Strangers::default(),
        };
        let mut out = Output::new();
        load_mailboxes(&mut engine, rows, &mut out)?;
        load_people(&mut engine, rows)?;
        load_finding(&mut engine, rows, &mut out)?;
        load_channels(&mut engine, rows)?;
        engine.groups = loading::load(rows, &engine.devices.device(), engine.core.config.direct_members)?;
        load_chats(&mut engine, rows)?;
        calls::records::load_settings(&mut engine, rows)?;
        sweep_removed(rows, &mut out)?;
        start(&mut engine, rows, &mut out)?;
        Ok((engine, out))
    }
}

/// Decodes every row of a table.
pub(crate) fn each<K: Decode, V>(
    rows: &dyn Rows,
    table: Table,
    read: impl Fn(&[u8]) -> Option<V>,
    mut visit: impl FnMut(K, V) -> Option<()>,
) -> Result<(), RestoreError> {
    let mut good = true;
    rows.scan(table, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |key, value| {
        let seen = K::from_bytes(key).ok().zip(read(value)).and_then(|(key, value)| visit(key, value));
        good = seen.is_some();
        good
    })?;
    if good { Ok(()) } else { Err(RestoreError::Damaged(table.name)) }
}

/// A key of a place in a channel.
struct Place(DeviceId, u64);

impl Decode for Place {
    fn decode(reader: &mut kith_proto::codec::Reader<'_>) -> Result<Self, kith_proto::DecodeError> {
        Ok(Self(DeviceId::decode(reader)?, u64::from_be_bytes(reader.array()?)))
    }
}

pub(crate) fn row<V: Decode>(bytes: &[u8]) -> Option<V> {
    V::from_bytes(bytes).ok()
}

fn load_people(engine: &mut Engine, rows: &dyn Rows) -> Result<(), RestoreError> {
    let knocks = match rows.get(rows::KNOCKS, rows::SELF)? {
        Some(bytes) => Some(row(&bytes).ok_or(RestoreError::Damaged(rows::KNOCKS.name))?),
        None => None,
    };
    engine.strangers = Strangers::new(&engine.devices.account, knocks);
    let Engine { contacts, devices, peers, strangers, .. } = engine;
    each(rows, rows::STRANGERS, row, |contact: AccountId, row| {
        strangers.restore(contact, row);
        Some(())
    })?;
    each(rows, rows::CONTACTS, row, |contact: AccountId, row| {
        contacts.restore(contact, row);
        Some(())
    })?;
    each(rows, rows::INVITES, row, |invite: InviteId, row| {
        contacts.restore_invite(invite, row);
        Some(())
    })?;
    each(rows, rows::DEVICE_LISTS, row::<SignedDeviceList>, |_: AccountId, list| {
        devices.restore_list(list);
        Some(())
    })?;
    each(rows, rows::BUNDLES, row::<PrekeyBundle>, |device: DeviceId, bundle| {
        devices.restore_bundle(device, bundle);
        Some(())
    })?;
    each(rows, rows::PEERS, row, |device: DeviceId, row| {
        peers.restore(device, row);
        Some(())
    })
}

fn load_mailboxes(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) -> Result<(), RestoreError> {
    let seed = match rows.get(rows::MAILBOX_KEYS, rows::SELF)? {
        Some(bytes) => {
            Secret32::from_bytes(&bytes).map_err(|_| RestoreError::Damaged(rows::MAILBOX_KEYS.name))?
        }
        None => {
            let seed = Secret32::new(engine.core.random());
            out.put(rows::MAILBOX_KEYS, rows::SELF, seed.to_bytes());
            seed
        }
    };
    engine.mailboxes = Mailboxes::new(seed);
    let Engine { mailboxes, deposits, standing, choices, .. } = engine;
    each(rows, rows::MAILBOXES, row, |device: DeviceId, row| {
        mailboxes.restore(device, row);
        Some(())
    })?;
    let mut found = Vec::new();
    each(rows, rows::FOUND, row, |envelope: EnvelopeId, row: FoundRow| {
        found.push((row.at, envelope));
        Some(())
    })?;
    mailboxes.restore_found(found);
    each(rows, rows::STANDING, row, |device: DeviceId, row| {
        standing.restore(device, row);
        Some(())
    })?;
    each(rows, rows::MAILBOX_CHOICES, row, |device: DeviceId, row| {
        choices.restore(device, row);
        Some(())
    })?;
    for node in choices.wanted() {
        if !mailboxes.is_used(&node.device) {
            mailboxes.want(node);
        }
    }
    each(rows, rows::CLOSED, row, |device: DeviceId, row| {
        deposits.restore_closed(device, row);
        Some(())
    })?;
    each(rows, rows::MAIL, row, |device: DeviceId, row| {
        deposits.restore(device, row);
        Some(())
    })
}

fn load_finding(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) -> Result<(), RestoreError> {
    if let Some(bytes) = rows.get(rows::ADDRESS_SECRET, rows::SELF)? {
        let own = row(&bytes).ok_or(RestoreError::Damaged(rows::ADDRESS_SECRET.name))?;
        engine.finding.restore_own(own);
    }
    let finding = &mut engine.finding;
    each(rows, rows::ADDRESS_SECRETS, row, |device: DeviceId, row| {
        finding.restore(device, row);
        Some(())
    })?;
    finding::start(engine, out);
    Ok(())
}

fn load_channels(engine: &mut Engine, rows: &dyn Rows) -> Result<(), RestoreError> {
    let Engine { sessions, outbox, inbox, .. } = engine;
    each(rows, rows::SESSIONS, row, |device: DeviceId, row| sessions.restore(device, &row))?;
    each(rows, rows::OUTBOX, row, |Place(device, position), row| {
        outbox.restore(device, position, row);
        Some(())
    })?;
    each(rows, rows::HELD, row::<Payload>, |Place(device, _), payload| {
        inbox.restore(device, payload);
        Some(())
    })
}

fn load_chats(engine: &mut Engine, rows: &dyn Rows) -> Result<(), RestoreError> {
    let mut found: Vec<(ChatId, ChatRow)> = Vec::new();
    each(rows, rows::CHATS, row, |chat: ChatId, row: ChatRow| {
        found.push((chat, row));
        Some(())
    })?;
    for (chat, row) in found {
        let (unread, read_index) = (row.unread, row.read_index);
        let recent = engine.core.now.since(row.active_at) < LOOK_BACK;
        let direct = matches!(row.with, With::Contact(_));
        engine.chats.restore(chat, row);
        if !direct {
            // What was read in a group is told otherwise (`groups::receipts`).
            load_unread_in_group(engine, rows, &chat)?;
            continue;
        }
        if unread > 0 {
            load_unread(engine, rows, &chat, read_index)?;
        }
        if recent {
            load_delivered(engine, rows, &chat)?;
        }
    }
    let Engine { core, chats, .. } = engine;
    each(
        rows,
        rows::DRAFTS,
        |bytes| String::from_utf8(bytes.to_vec()).ok(),
        |chat: ChatId, text| {
            chats.restore_draft(&chat, text);
            Some(())
        },
    )?;
    rows.scan(rows::EXPIRY, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |key, value| {
        let place = key.split_first_chunk::<8>().map(|(at, rest)| (u64::from_be_bytes(*at), rest));
        let place = place.and_then(|(at, rest)| Some((Timestamp(at), rows::split_key::<16>(rest)?)));
        if let (Some((at, (chat, index))), Ok(message)) = (place, MessageId::from_bytes(value)) {
            chats.restore_expiry(core, at, ChatId(chat), index, message);
        }
        true
    })?;
    Ok(())
}

fn load_unread_in_group(engine: &mut Engine, rows: &dyn Rows, chat: &ChatId) -> Result<(), RestoreError> {
    let (from, to) = (rows::history_key(chat, 0), rows::history_key(chat, u64::MAX));
    let bounds = (Bound::Included(from.as_slice()), Bound::Included(to.as_slice()));
    let chats = &mut engine.chats;
    rows.scan(GROUP_UNREAD, bounds.0, bounds.1, Direction::Up, &mut |key, value| {
        let index = rows::split_key::<16>(key).map(|(_, index)| index);
        if let (Some(index), Ok(row)) = (index, UnreadRow::from_bytes(value)) {
            let place = (row.device, u64::from(row.sequence));
            chats.restore_unread(chat, Unread { index, message: row.message, place });
        }
        true
    })?;
    Ok(())
}

fn load_unread(engine: &mut Engine, rows: &dyn Rows, chat: &ChatId, from: u64) -> Result<(), RestoreError> {
    let (from, to) = (rows::history_key(chat, from), rows::history_key(chat, u64::MAX));
    let chats = &mut engine.chats;
    rows.scan(
        rows::HISTORY,
        Bound::Included(&from),
        Bound::Included(&to),
        Direction::Up,
        &mut |key, value| {
            let index = rows::split_key::<16>(key).map(|(_, index)| index);
            if let (Some(index), Ok(row)) = (index, HistoryRow::from_bytes(value))
                && let (false, Some(place)) = (row.outgoing, row.places.first())
            {
                chats.restore_unread(chat, Unread { index, message: row.message, place: *place });
            }
            true
        },
    )?;
    Ok(())
}

fn load_delivered(engine: &mut Engine, rows: &dyn Rows, chat: &ChatId) -> Result<(), RestoreError> {
    let (from, to) = (rows::history_key(chat, 0), rows::history_key(chat, u64::MAX));
    let Engine { peers, outbox, .. } = engine;
    let mut left = LOOK_BACK_ROWS;
    let mut found = Vec::new();
    rows.scan(
        rows::HISTORY,
        Bound::Included(&from),
        Bound::Included(&to),
        Direction::Down,
        &mut |_, value| {
            left -= 1;
            if let Ok(row) = HistoryRow::from_bytes(value) {
                let places = if row.outgoing { row.places.into_inner() } else { Vec::new() };
                found.extend(places.into_iter().map(|(device, position)| (device, position, row.message)));
            }
            left > 0
        },
    )?;
    for (device, position, message) in found.into_iter().rev() {
        if peers.get(&device).is_some_and(|row| row.read < position && position <= row.delivered) {
            outbox.restore_unread(device, position, *chat, message);
        }
    }
    Ok(())
}

/// Works off the notes of removed chats: deletes the entries in `messages` that lead nowhere.
fn sweep_removed(rows: &dyn Rows, out: &mut Output) -> Result<(), RestoreError> {
    let mut removed = Vec::new();
    each(
        rows,
        rows::REMOVED,
        |_| Some(()),
        |chat: ChatId, ()| {
            removed.push(chat);
            Some(())
        },
    )?;
    if removed.is_empty() {
        return Ok(());
    }
    // A chat may have begun anew since: only what leads nowhere goes.
    let mut entries = Vec::new();
    each(
        rows,
        rows::MESSAGES,
        |place| Some(place.to_vec()),
        |(message, chat): (MessageId, ChatId), place| {
            if removed.contains(&chat) {
                entries.push((message, chat, place));
            }
            Some(())
        },
    )?;
    for (message, chat, place) in entries {
        let there = rows.get(rows::HISTORY, &place)?.and_then(|bytes| HistoryRow::from_bytes(&bytes).ok());
        if there.is_none_or(|row| row.message != message) {
            out.delete(rows::MESSAGES, &rows::message_key(&message, &chat));
        }
    }
    calls::records::sweep(rows, out, &removed)?;
    for chat in removed {
        out.delete(rows::REMOVED, &chat.0);
    }
    Ok(())
}

/// Sets the deadlines and emits what has to be done again after a start.
fn start(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) -> Result<(), RestoreError> {
    each(
        rows,
        rows::BOOTSTRAPS,
        |_| Some(()),
        |TextKey(address), ()| {
            engine.presence.add_bootstrap(address.clone());
            out.effect(Effect::AddBootstrap { address });
            Some(())
        },
    )?;
    engine.keep_connected(out);
    let wanted = |state| matches!(state, Some(ContactState::Accepted | ContactState::Requested));
    let fellows = engine.groups.fellows();
    for (contact, row) in engine.contacts.all() {
        let fellow =
            row.is_fellow() || (fellows.contains(contact) && row.state() != Some(ContactState::Blocked));
        if (!wanted(row.state()) && !fellow) || row.knocks(contact) {
            continue;
        }
        for device in engine.peers.devices_of(contact) {
            if mesh::is_far(engine, contact, &device) {
                continue;
            }
            engine.presence.want(&mut engine.core, &device);
            for hint in row.hints.iter().filter(|hint| hint.device != device && row.invite.is_some()) {
                out.effect(Effect::UseBootstrap { node: hint.clone() });
            }
        }
    }
    engine.core.timers.set(TimerKey::Prekeys, engine.core.now);
    engine.core.timers.set(TimerKey::Knock, engine.core.now);
    calls::records::interrupted(engine, rows, out)?;
    asking::start(engine);
    hosts::start(engine);
    deletions::start(engine, out);
    reports::expire(engine, out);
    if engine.contacts.all().any(|(_, row)| row.is_fellow()) || engine.groups.has_requests() {
        engine.core.timers.set(TimerKey::Groups, engine.core.now);
    }
    mail::start(engine);
    mesh::stir(engine);
    filing::start(engine);
    Ok(())
}

/// A key that is a text.
struct TextKey(String);

impl Decode for TextKey {
    fn decode(reader: &mut kith_proto::codec::Reader<'_>) -> Result<Self, kith_proto::DecodeError> {
        let bytes = reader.take_rest().to_vec();
        String::from_utf8(bytes).map(Self).map_err(|_| kith_proto::DecodeError::NotText)
    }
}
