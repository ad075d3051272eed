//! How far own messages are in a group of at most 32 members: delivered by the receipts of each device's channel, read by
//! words of the group, since a channel is read in the order in which it is shown, and a group is not.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::codec::Encode as _;
use kith_proto::group::word::GroupWord;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::payload::Content;
use kith_proto::payload::Position;
use kith_proto::rows::Rows;

use crate::chats::Chats;
use crate::chats::Unread;
use crate::engine::Engine;
use crate::event::Event;
use crate::links;
use crate::output::Output;
use crate::rows::HistoryRow;
use crate::rows::groups as rows;
use crate::rows::groups::Entry;
use crate::rows::groups::With;
use crate::view::MessageState;
use crate::view::Receipts;

/// So many of the own posts that were read at once are told one by one.
const TOLD: u32 = 64;

/// Counts the members who have a message. `device` tells of each: whose it is, whether it has the place, how far it read.
pub(crate) fn count(
    own: &AccountId,
    row: &HistoryRow,
    device: impl Fn(&DeviceId, Position) -> Option<(AccountId, bool, u32)>,
) -> Option<Receipts> {
    let Entry::Post(post) = &row.entry else { return None };
    if !row.outgoing {
        return None;
    }
    let (mut of, mut delivered, mut read) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (place, position) in row.places.iter() {
        let Some((account, has, upto)) = device(place, *position) else { continue };
        if account == *own {
            continue;
        }
        of.insert(account);
        if upto >= post.sequence {
            read.insert(account);
        }
        if has || upto >= post.sequence {
            delivered.insert(account);
        }
    }
    let number = |set: BTreeSet<AccountId>| u32::try_from(set.len()).unwrap_or(u32::MAX);
    Some(Receipts { delivered: number(delivered), read: number(read), of: number(of) })
}

/// The state of an own message in a group: read when everybody has read it. `sent` is what its channels say.
pub(crate) fn state(receipts: &Receipts, sent: MessageState) -> MessageState {
    match sent {
        _ if receipts.of > 0 && receipts.read == receipts.of => MessageState::Read,
        _ if receipts.delivered > 0 => MessageState::Delivered,
        // Nobody else is there, or it goes by meetings.
        _ if receipts.of == 0 => MessageState::Sent,
        MessageState::Delivered | MessageState::Read => MessageState::Sent,
        other => other,
    }
}

/// The same from what the engine has in memory.
fn of(engine: &Engine, id: &GroupId, row: &HistoryRow) -> Option<Receipts> {
    let group = engine.groups.get(id)?;
    count(&engine.devices.account, row, |device, position| {
        let peer = engine.peers.get(device)?;
        Some((peer.contact, position <= peer.delivered, group.read_by(device)))
    })
}

fn tell(engine: &Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, message: MessageId) {
    let chat = ChatId::group(id);
    let Some(index) = Chats::index_of(rows, out, &chat, &message) else { return };
    let Some(receipts) = Chats::history(rows, out, &chat, index).and_then(|row| of(engine, id, &row)) else {
        return;
    };
    out.event(Event::MessageReceipts { chat, message, receipts });
    let state = state(&receipts, MessageState::Sent);
    out.event(Event::MessageState { chat, message, state });
}

/// Messages of groups were delivered. Returns those of direct chats.
pub(crate) fn delivered(
    engine: &Engine,
    rows: &dyn Rows,
    out: &mut Output,
    messages: Vec<(ChatId, MessageId)>,
) -> Vec<(ChatId, MessageId)> {
    let mut direct = Vec::new();
    for (chat, message) in messages {
        match engine.chats.with(&chat) {
            Some(With::Group(id)) => tell(engine, rows, out, &id, message),
            _ => direct.push((chat, message)),
        }
    }
    direct
}

/// A member's device says that own posts were shown there.
pub(super) fn read(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    device: &DeviceId,
    sequence: u32,
) {
    let own = engine.devices.device();
    let Some(group) = engine.groups.get_mut(id) else { return };
    let before = group.read_by(device);
    if sequence <= before {
        return;
    }
    group.reads.insert(*device, sequence);
    out.put(rows::GROUP_READS, &rows::group_key(id, &device.0), sequence.to_bytes());
    let mut messages = Vec::new();
    for number in before.max(sequence.saturating_sub(TOLD)) + 1..=sequence {
        // Whoever says more than there is reads nothing.
        let slot = group.history.slot(rows, out, &own, number).unwrap_or_default();
        messages.extend(slot.0.iter().map(|place| place.post.message()));
    }
    for message in messages {
        tell(engine, rows, out, id, message);
    }
}

/// Posts were shown here: their authors are told, in a small group.
pub(crate) fn shown(engine: &mut Engine, out: &mut Output, id: &GroupId, read: &[Unread]) {
    let Some(group) = engine.groups.get(id).filter(|group| group.is_ours() && group.is_direct()) else {
        return;
    };
    let mut upto: BTreeMap<DeviceId, u32> = BTreeMap::new();
    for Unread { place: (device, sequence), .. } in read {
        let sequence = u32::try_from(*sequence).unwrap_or(u32::MAX);
        let last = upto.entry(*device).or_default();
        *last = sequence.max(*last);
    }
    upto.retain(|device, _| group.has_device(device) && *device != engine.devices.device());
    for (device, sequence) in upto {
        let content = Content::Group(GroupWord::Read { group: *id, sequence });
        let same = |content: &Content| matches!(content, Content::Group(GroupWord::Read { group, .. }) if group == id);
        if !engine.outbox.replace_waiting(&mut engine.peers, out, &device, &content, same) {
            engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, &device, vec![content], None);
        }
        links::pump(engine, out, &device);
    }
}
