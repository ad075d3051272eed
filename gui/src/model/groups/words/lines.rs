//! What happened in a group, as a sentence. Each text chooses by three words who did it and to whom: `other`, who is neither;
//! `by-you`, where the person did it; `to-you`, where it was done to them.

use kith_engine::view::GroupLine;
use kith_node::lines::Names;
use kith_proto::id::AccountId;
use kith_proto::time::Timestamp;

use crate::model::dates::Now;
use crate::model::groups::words::moment;
use crate::model::groups::words::role_word;
use crate::say;

/// What happened, told from the person's side.
pub fn line(line: &GroupLine, who: &AccountId, at: Timestamp, names: &Names, now: Now) -> String {
    let by = || names.of(who);
    let did = if names.is_own(who) { "by-you" } else { "other" };
    match line {
        GroupLine::Created { name } => say!("line-created", side = did, by = by(), name = name.as_str()),
        GroupLine::Left => say!("line-left", side = did, by = by()),
        GroupLine::Profile { name } => say!("line-profile", side = did, by = by(), name = name.as_str()),
        GroupLine::Policy => say!("line-policy", side = did, by = by()),
        GroupLine::LinkMade => say!("line-link-made", side = did, by = by()),
        GroupLine::LinkRevoked => say!("line-link-revoked", side = did, by = by()),
        GroupLine::Pinned { .. } => say!("line-pinned", side = did, by = by()),
        GroupLine::Unpinned { .. } => say!("line-unpinned", side = did, by = by()),
        GroupLine::Deleted { .. } => say!("line-deleted", side = did, by = by()),
        of_somebody => to_somebody(of_somebody, who, at, names, now),
    }
}

/// What somebody did to somebody.
fn to_somebody(line: &GroupLine, who: &AccountId, at: Timestamp, names: &Names, now: Now) -> String {
    let side = |whom: &AccountId| match (names.is_own(who), names.is_own(whom)) {
        (true, _) => "by-you",
        (false, true) => "to-you",
        (false, false) => "other",
    };
    let named = |whom: &AccountId| if names.is_own(whom) { say!("you-object") } else { names.of(whom) };
    let pair = |whom: &AccountId| (side(whom), names.of(who), named(whom));
    match line {
        GroupLine::Added { whom } => {
            let (side, by, whom) = pair(whom);
            say!("line-added", side = side, by = by, whom = whom)
        }
        GroupLine::Joined { whom } => {
            let (side, by, whom) = pair(whom);
            say!("line-joined", side = side, by = by, whom = whom)
        }
        GroupLine::Removed { whom, dropped } => {
            let (side, by, whom) = pair(whom);
            say!("line-removed", side = side, by = by, whom = whom) + &lost(*dropped)
        }
        GroupLine::Banned { whom, dropped } => {
            let (side, by, whom) = pair(whom);
            say!("line-banned", side = side, by = by, whom = whom) + &lost(*dropped)
        }
        GroupLine::Unbanned { whom } => {
            let (side, by, whom) = pair(whom);
            say!("line-unbanned", side = side, by = by, whom = whom)
        }
        GroupLine::Role { whom, role } => {
            let (side, by, whom) = pair(whom);
            say!("line-role", side = side, by = by, whom = whom, role = role_word(*role))
        }
        GroupLine::Muted { whom, until } => {
            let (side, by, whom) = pair(whom);
            match *until {
                until if until <= at => say!("line-unmuted", side = side, by = by, whom = whom),
                Timestamp::NEVER => say!("line-muted", side = side, by = by, whom = whom),
                until => {
                    let until = moment(until, now);
                    say!("line-muted-until", side = side, by = by, whom = whom, until = until)
                }
            }
        }
        // Everything else was told before.
        _ => String::new(),
    }
}

/// What came too late from somebody who was removed.
fn lost(dropped: u32) -> String {
    if dropped == 0 { String::new() } else { format!(" {}", say!("line-dropped", count = dropped)) }
}
