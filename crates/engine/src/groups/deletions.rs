//! What was deleted for everybody. It is not shown from the moment the deletion is known; its body is given to nobody and goes
//! a day later, because until then it may turn out that whoever deleted it had been removed, and a body that is gone is never
//! shown again.
//!
//! ```text
//!  DeleteForAll comes ─▶ hidden ── a day here ─▶ settled: the body goes
//!                           └─ it does not count after all ─▶ shown again
//! ```
//!
//! The day is counted by the own clock from when the deletion came here, not by what its author says of the time.

use std::collections::BTreeSet;

use kith_proto::codec::Encode as _;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::id::PostId;
use kith_proto::rows::Rows;
use kith_proto::time::Span;

use super::history::rows as history;
use super::listings;
use super::state::Group;
use crate::chats::Chats;
use crate::core::Core;
use crate::engine::Engine;
use crate::event::Event;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::DeletionRow;
use crate::rows::groups::Entry;
use crate::timer::TimerKey;

/// The body of a post that was deleted for everybody is kept for so long, and not shown.
const BODY_KEPT: Span = Span::from_days(1);

/// The log has changed: hides what was deleted, and forgets what is not deleted after all.
pub(super) fn sync(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId) {
    let Engine { groups, chats, core, .. } = engine;
    let Some(group) = groups.get_mut(id) else { return };
    let (chat, now) = (group.chat(), core.now);
    let deletions = group.log.roster().deletions.clone();
    let known: BTreeSet<MessageId> = group.deleted.keys().copied().collect();
    for message in known.difference(&deletions) {
        group.deleted.remove(message);
        out.delete(rows::GROUP_DELETIONS, &rows::deletion_key(id, message));
        if group.log.roster().policy.directory {
            out.event(Event::RoomsChanged { directory: *id });
        }
    }
    for message in deletions.difference(&known) {
        put(group, out, message, DeletionRow { came: now, settled: false });
        core.timers.set_earlier(TimerKey::Groups, now + BODY_KEPT);
        let index = Chats::index_of(rows, out, &chat, message);
        let row = index.and_then(|index| Chats::history(rows, out, &chat, index));
        if let Some(Entry::Post(_)) = row.map(|row| row.entry) {
            chats.take_out(core, rows, out, &chat, message);
            out.event(Event::MessageDeleted { chat, message: *message });
        } else if group.log.roster().policy.directory {
            out.event(Event::RoomsChanged { directory: *id });
        }
    }
    group.history.withhold(deletions);
}

/// Throws away what was deleted long enough ago, in all groups, and looks when the next is due.
pub(crate) fn settle(engine: &mut Engine, rows: &dyn Rows, out: &mut Output) {
    let Engine { groups, core, .. } = engine;
    for group in groups.by_id.values_mut() {
        let (id, now) = (group.id(), core.now);
        let due = |row: &DeletionRow| !row.settled && row.came + BODY_KEPT <= now;
        let settled: Vec<_> = group.deleted.iter().filter(|(_, row)| due(row)).map(|(id, _)| *id).collect();
        for message in settled {
            for post in history::posts_of(rows, &id, &message).unwrap_or_default() {
                forget_body(out, &id, &post);
            }
            if group.log.roster().policy.directory {
                listings::delete(rows, out, &id, &message);
            }
            let came = group.deleted.get(&message).map_or(now, |row| row.came);
            put(group, out, &message, DeletionRow { came, settled: true });
        }
        wake(core, group);
    }
}

/// Looks when the next body goes: after a start, and after some went.
fn wake(core: &mut Core, group: &Group) {
    if let Some(came) = group.deleted.values().filter(|row| !row.settled).map(|row| row.came).min() {
        // A clock that was set back makes it late, not never.
        core.timers.set_earlier(TimerKey::Groups, came.min(core.now) + BODY_KEPT);
    }
}

/// A post came that was deleted before: its body goes when the deletion is settled, at once if it is.
pub(super) fn came(core: &mut Core, group: &mut Group, out: &mut Output, message: &MessageId) {
    if let Some(row) = group.deleted.get(message).filter(|row| row.settled).cloned() {
        put(group, out, message, DeletionRow { came: row.came, settled: false });
        core.timers.set_earlier(TimerKey::Groups, core.now);
    }
}

/// The post keeps its place in the history, so that histories stay comparable, and nobody gets it from here any more.
pub(super) fn forget_body(out: &mut Output, group: &GroupId, post: &PostId) {
    out.delete(history::POSTS, &history::post_key(group, post));
}

/// After a start. What was not noted when it came is due in a day from now.
pub(crate) fn start(engine: &mut Engine, out: &mut Output) {
    let Engine { groups, core, .. } = engine;
    for group in groups.by_id.values_mut() {
        let deletions = group.log.roster().deletions.clone();
        let unknown = |message: &&MessageId| !group.deleted.contains_key(*message);
        for message in deletions.iter().filter(unknown).copied().collect::<Vec<_>>() {
            put(group, out, &message, DeletionRow { came: core.now, settled: false });
        }
        group.history.withhold(deletions);
        wake(core, group);
    }
}

fn put(group: &mut Group, out: &mut Output, message: &MessageId, row: DeletionRow) {
    out.put(rows::GROUP_DELETIONS, &rows::deletion_key(&group.id(), message), row.to_bytes());
    group.deleted.insert(*message, row);
}
