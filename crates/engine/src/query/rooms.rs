//! Searching the directories that this account is in, without asking anybody.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use kith_proto::codec::Decode as _;
use kith_proto::group::GroupInvite;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::rows::Rows;

use super::QueryError;
use super::all;
use crate::groups::history::rows::scan_group;
use crate::groups::loading;
use crate::rows;
use crate::rows::groups::GroupRow;
use crate::rows::groups::ListingRow;
use crate::view::GroupState;
use crate::view::RoomView;

/// The rooms in the directories that this account is in, or in one of them; those that have every word of `words` in their
/// name, topic, tags or language. Of several listings of a room by one member the newest counts; members cannot replace
/// each other's.
///
/// # Errors
/// When the rows cannot be read.
pub fn rooms(rows: &dyn Rows, words: &str, directory: Option<&GroupId>) -> Result<Vec<RoomView>, QueryError> {
    let groups: Vec<(GroupId, GroupRow)> = all(rows, rows::groups::GROUPS)?;
    let joined = |row: &GroupRow| row.state() == GroupState::Joined;
    let wanted = |(id, row): &(GroupId, GroupRow)| joined(row) && directory.is_none_or(|only| only == id);
    let mut found: BTreeMap<(GroupId, AccountId), RoomView> = BTreeMap::new();
    for (id, _) in groups.iter().filter(|group| wanted(group)) {
        for room in rooms_of(rows, id)? {
            let by = (room.room, room.listed_by);
            if found.get(&by).is_none_or(|known| known.listed_at < room.listed_at) {
                found.insert(by, room);
            }
        }
    }
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<RoomView> = found.into_values().filter(|room| has_words(room, &words)).collect();
    found.sort_by_key(|room| Reverse(room.listed_at));
    Ok(found)
}

fn has_words(room: &RoomView, words: &[String]) -> bool {
    let said = [&*room.name, &room.topic, &room.language, &room.tags.join(" ")].join(" ").to_lowercase();
    words.iter().all(|word| said.contains(word))
}

/// What members of one directory say now.
fn rooms_of(rows: &dyn Rows, id: &GroupId) -> Result<Vec<RoomView>, QueryError> {
    let listed = scan_group(rows, rows::groups::GROUP_LISTINGS, id)?;
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let mut log = loading::log(rows, id)?;
    let roster = log.roster();
    let mut found = Vec::new();
    for (key, value) in listed {
        let Ok(row) = ListingRow::from_bytes(&value) else { continue };
        let account = key.get(32..64).and_then(|account| AccountId::from_bytes(account).ok());
        // Who was removed recommends nothing any more.
        let account =
            account.filter(|account| roster.policy.directory && roster.members.contains_key(account));
        let link: Option<GroupInvite> = row.listing.link.parse().ok();
        let link =
            link.filter(|link| link.group == row.listing.room && !roster.deletions.contains(&row.message()));
        if let (Some(listed_by), Some(link)) = (account, link) {
            found.push(RoomView {
                directory: *id,
                room: row.listing.room,
                link,
                name: row.listing.name.to_string(),
                topic: row.listing.topic.to_string(),
                language: row.listing.language.to_string(),
                tags: row.listing.tags.iter().map(|tag| (**tag).to_owned()).collect(),
                listed_by,
                listed_at: row.said_at(),
                message: row.message(),
            });
        }
    }
    Ok(found)
}
