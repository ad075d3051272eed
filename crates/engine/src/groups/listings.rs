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

use super::deletions;
use super::hosts;
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
        Some(about) => {
            let own = engine.devices.account;
            let others = of(rows, &directory, &own);
            let others = others.iter().filter(|(_, row)| row.listing.room != room && !row.is_taken_back());
            if others.count() >= MAX_OF_ONE {
                return Err(Refusal::TooMany);
            }
            describe(engine, &room, about)?
        }
        None => {
            let own = engine.devices.account;
            let known = get(rows, out, &directory, &own, &room).filter(|row| !row.is_taken_back());
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
    let (account, time, name, now) = (post.draft.account, post.draft.time, post.id(), engine.core.now);
    let core = &mut engine.core;
    let Some(group) = engine.groups.by_id.get_mut(id) else { return };
    deletions::came(core, group, out, &name.message());
    let known = get(rows, out, id, &account, &listing.room);
    if known.as_ref().is_some_and(|known| (known.time, known.post) >= (time, name)) {
        return;
    }
    if known.is_none() {
        let of_one = of(rows, id, &account);
        if of_one.len() >= MAX_OF_ONE {
            // A room that is listed no more makes room for another.
            let Some((key, _)) = of_one.iter().find(|(_, row)| row.is_taken_back()) else { return };
            out.delete(rows::GROUP_LISTINGS, key);
        }
    }
    let row = ListingRow { listing, post: name, time, came: now };
    let key = rows::listing_key(id, &account, &row.listing.room);
    out.put(rows::GROUP_LISTINGS, &key, row.to_bytes());
    out.event(Event::RoomsChanged { directory: *id });
}

/// What one member says of rooms.
fn of(rows: &dyn Rows, id: &GroupId, account: &AccountId) -> Vec<Row> {
    let prefix = rows::group_key(id, &account.0);
    decoded(super::history::rows::scan_prefix(rows, rows::GROUP_LISTINGS, &prefix).unwrap_or_default())
}

/// Whether a message is a listing of this directory.
pub(super) fn has(rows: &dyn Rows, id: &GroupId, message: &MessageId) -> bool {
    all(rows, id).iter().any(|(_, row)| row.message() == *message)
}

/// Throws away a listing that was deleted for everybody, for good.
pub(super) fn delete(rows: &dyn Rows, out: &mut Output, id: &GroupId, message: &MessageId) {
    for (key, _) in all(rows, id).into_iter().filter(|(_, row)| row.message() == *message) {
        out.delete(rows::GROUP_LISTINGS, &key);
    }
}

/// A listing and its key.
type Row = (Vec<u8>, ListingRow);

fn all(rows: &dyn Rows, id: &GroupId) -> Vec<Row> {
    decoded(super::history::rows::scan_group(rows, rows::GROUP_LISTINGS, id).unwrap_or_default())
}

fn decoded(found: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<Row> {
    found.into_iter().filter_map(|(key, row)| Some((key, ListingRow::from_bytes(&row).ok()?))).collect()
}
