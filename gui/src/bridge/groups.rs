//! What is read about groups beside what the engine's queries give at once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::groups::history;
use kith_engine::query;
use kith_engine::query::QueryError;
use kith_engine::view::ChatView;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::RoomView;
use kith_node::Handle;
use kith_node::NodeError;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::id::PostId;
use kith_proto::rows::Rows;
use kith_proto::sync::Place;
use kith_proto::time::Timestamp;

use crate::action::Request;
use crate::bridge::PAGE;
use crate::bridge::Reply;
use crate::bridge::kept;
use crate::say;

/// Carries out a request about groups.
pub(super) fn carry_out(node: &Handle, request: Request) -> Result<Reply, NodeError> {
    Ok(match request {
        Request::LoadNames(accounts) => Reply::Names(node.query(|rows| query::names(rows, &accounts))?),
        Request::LoadPins { chat, pins } => {
            let found = node.query(|rows| pinned(rows, &pins))?;
            Reply::Pins { chat, found }
        }
        Request::LoadGaps { group, before } => {
            let found = gaps(&node.rows()?, &group, before)?;
            Reply::Gaps { chat: ChatId::group(&group), before, found }
        }
        Request::LoadReceipts(message) => {
            Reply::Receipts(message, node.query(|rows| query::receipts(rows, &message))?)
        }
        Request::LoadRooms { words, directory } => {
            let found = node.query(|rows| query::rooms(rows, &words, directory.as_ref()))?;
            Reply::Rooms { words, directory, found }
        }
        Request::LoadListings { room, directories } => Reply::Listings(listings(node, &room, directories)?),
        Request::LoadFilters => Reply::Filters(node.query(query::filters)?),
        Request::Keep(kept) => match kept::save(&node.config().data, &kept) {
            Ok(()) => Reply::Kept,
            Err(error) => Reply::Failed(say!("fail-not-kept", why = error.to_string())),
        },
        // Everything else was carried out before.
        _ => Reply::Kept,
    })
}

/// Who lists a room in each of these directories.
fn listings(
    node: &Handle,
    room: &GroupId,
    directories: Vec<GroupId>,
) -> Result<BTreeMap<GroupId, Vec<RoomView>>, NodeError> {
    let mut found = BTreeMap::new();
    for directory in directories {
        let mut listed = node.query(|rows| query::rooms(rows, "", Some(&directory)))?;
        listed.retain(|listing| listing.room == *room);
        found.insert(directory, listed);
    }
    Ok(found)
}

/// The chats of groups in which an unread message calls the person, as far as one page back.
pub(super) fn calling(
    rows: &dyn Rows,
    own: &AccountId,
    chats: &[ChatView],
) -> Result<BTreeSet<ChatId>, QueryError> {
    let mut found = BTreeSet::new();
    for chat in chats.iter().filter(|chat| chat.group().is_some() && chat.unread > 0) {
        let calls = |message: &MessageView| {
            let unread = !message.outgoing && message.state == MessageState::Delivered;
            unread && (message.mentions_all || message.mentions.contains(own))
        };
        if query::timeline(rows, &chat.chat, None, PAGE)?.iter().any(calls) {
            found.insert(chat.chat);
        }
    }
    Ok(found)
}

/// The pinned messages that are here, in the order of the pins.
pub(super) fn pinned(rows: &dyn Rows, pins: &[MessageId]) -> Result<Vec<MessageView>, QueryError> {
    pins.iter().filter_map(|message| query::message(rows, message).transpose()).collect()
}

/// The messages of a page of a group before which others are missing.
pub(super) fn gaps(
    rows: &dyn Rows,
    group: &GroupId,
    before: Option<(Timestamp, MessageId)>,
) -> Result<BTreeSet<MessageId>, NodeError> {
    let place = before.map(|(time, message)| {
        let mut post = [0; 32];
        post.iter_mut().zip(message.0).for_each(|(to, from)| *to = from);
        Place { time, post: PostId(post) }
    });
    let shown = history::window(rows, group, place.as_ref(), PAGE).map_err(QueryError::from)?;
    let parted = shown.into_iter().filter(|shown| !shown.gaps.is_empty());
    Ok(parted.map(|shown| shown.place.post.message()).collect())
}
