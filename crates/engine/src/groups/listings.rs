//! Directories: groups in which members list public rooms. A listing is a post of another kind, replicated and signed as posts
//! are, and stands in no chat: the newest of each author about each room is kept in a row of its own, to be searched here.
//!
//! ```text
//!  PublishRoom ─▶ post ─▶ everybody ─▶ newer than what its author said of that room? ─▶ row
//!                                       └ deleted by those who keep order ─▶ no row
//! ```
//!
//! Not here: searching (`query::rooms`).

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::group::Listing;
use kith_proto::group::word::PostBody;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::rows::Rows;

use super::hosts;
use super::lines;
use super::sending;
use crate::command::Answer;
use crate::command::Refusal;
use crate::engine::Engine;
use crate::event::Event;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::ListingRow;
use crate::view::GroupState;

/// Rooms that one member may list in one directory; more are not kept.
const MAX_OF_ONE: usize = 32;

/// What somebody says of a room beside what the room says itself.
pub(super) struct About {
    pub(super) language: String,
    pub(super) tags: Vec<String>,
}

/// Lists a room, or does not list it any more.
pub(super) fn publish(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    (directory, room): (GroupId, GroupId),
    about: Option<About>,
) -> Result<Answer, Refusal> {
    let group = engine.groups.get_mut(&directory).ok_or(Refusal::UnknownGroup)?;
    if !group.log.roster().policy.directory {
        return Err(Refusal::NoDirectory);
    }
    let listing = match about {
        Some(about) => describe(engine, &room, about)?,
        None => {
            let own = engine.devices.account;
            let known = get(rows, out, &directory, &own, &room).filter(|row| !row.listing.link.is_empty());
            known.ok_or(Refusal::NotListed)?;
            empty(room)
        }
    };
    sending::send_body(engine, rows, out, &directory, &PostBody::Listing(listing))?;
    Ok(Answer::Done)
}

fn empty(room: GroupId) -> Listing {
    Listing {
        room,
        link: BoundedStr::default(),
        name: BoundedStr::default(),
        topic: BoundedStr::default(),
        language: BoundedStr::default(),
        tags: BoundedVec::default(),
    }
}

/// A room as it is now, with its public link.
fn describe(engine: &mut Engine, room: &GroupId, about: About) -> Result<Listing, Refusal> {
    let group = engine.groups.get_mut(room).ok_or(Refusal::UnknownGroup)?;
    if group.row.state() != GroupState::Joined {
        return Err(Refusal::NotInGroup);
    }
    let roster = group.log.roster();
    let profile = roster.profile.clone();
    let link = roster.public_link().ok_or(Refusal::NotPublic)?;
    let link = hosts::invite(engine, room, &link).ok_or(Refusal::NotPublic)?.to_string();
    let tags = about.tags.into_iter().map(|tag| tag.trim().to_lowercase()).filter(|tag| !tag.is_empty());
    let tags = tags.map(super::joining::bounded).collect::<Result<Vec<_>, _>>()?;
    let most = kith_proto::group::MAX_LISTING_TAGS;
    Ok(Listing {
        room: *room,
        link: super::joining::bounded(link)?,
        name: profile.name,
        topic: BoundedStr::truncated(profile.topic.to_string()),
        language: super::joining::bounded(about.language.trim().to_lowercase())?,
        tags: BoundedVec::new(tags).ok_or(Refusal::TooLong { limit: most })?,
    })
}

fn get(
    rows: &dyn Rows,
    out: &Output,
    directory: &GroupId,
    account: &AccountId,
    room: &GroupId,
) -> Option<ListingRow> {
    let key = rows::listing_key(directory, account, room);
    // Storage that cannot be read will fail the commit of this batch too.
    let row = out.read(rows, rows::GROUP_LISTINGS, &key).ok().flatten()?;
    ListingRow::from_bytes(&row).ok()
}

/// A listing came.
pub(super) fn take(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    post: &kith_crypto::group::VerifiedPost,
    listing: Listing,
) {
    let (account, time, name) = (post.draft.account, post.draft.time, post.id());
    let Some(group) = engine.groups.get_mut(id) else { return };
    if group.log.roster().deletions.contains(&sending::message_of(&name)) {
        return lines::forget_body(out, id, &name);
    }
    let known = get(rows, out, id, &account, &listing.room);
    if known.as_ref().is_some_and(|known| (known.time, known.post) >= (time, name)) {
        return;
    }
    let prefix = rows::group_key(id, &account.0);
    let of_one =
        super::history::rows::scan_prefix(rows, rows::GROUP_LISTINGS, &prefix).map_or(0, |all| all.len());
    if known.is_some() || of_one < MAX_OF_ONE {
        let row = ListingRow { listing, post: name, time };
        let key = rows::listing_key(id, &account, &row.listing.room);
        out.put(rows::GROUP_LISTINGS, &key, row.to_bytes());
        out.event(Event::RoomsChanged { directory: *id });
    }
}

/// Whether a message is a listing of this directory.
pub(super) fn has(rows: &dyn Rows, id: &GroupId, message: &MessageId) -> bool {
    all(rows, id).iter().any(|(_, row)| row.message() == *message)
}

/// Takes away a listing that was deleted for everybody.
pub(super) fn delete(rows: &dyn Rows, out: &mut Output, id: &GroupId, message: &MessageId) {
    for (key, row) in all(rows, id) {
        if row.message() == *message {
            lines::forget_body(out, id, &row.post);
            out.delete(rows::GROUP_LISTINGS, &key);
            out.event(Event::RoomsChanged { directory: *id });
        }
    }
}

/// A listing and its key.
type Row = (Vec<u8>, ListingRow);

fn all(rows: &dyn Rows, id: &GroupId) -> Vec<Row> {
    let found = super::history::rows::scan_group(rows, rows::GROUP_LISTINGS, id).unwrap_or_default();
    found.into_iter().filter_map(|(key, row)| Some((key, ListingRow::from_bytes(&row).ok()?))).collect()
}
