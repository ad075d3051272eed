//! Telling those who keep order of a post that does not belong in the group: privately, with the post as its author signed it,
//! so that nobody can be blamed for what they did not write.
//!
//! ```text
//!  Report ─▶ a word to each of the most senior who may delete ─▶ signature holds? ─▶ kept, shown
//!                                                     deleted for all, or DismissReport ─▶ gone
//! ```

use kith_crypto::group::verify_post;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedStr;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::group::Role;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::MAX_REASON_BYTES;
use kith_proto::group::word::PostBody;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::payload::Content;
use kith_proto::post::Post;
use kith_proto::rows::Rows;

use super::mesh;
use super::receiving;
use super::requests;
use super::view;
use crate::chats::Chats;
use crate::command::Answer;
use crate::command::Refusal;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::Entry;
use crate::rows::groups::ReportRow;
use crate::timer::TimerKey;
use crate::view::GroupState;

/// Reports of one group that are kept, and of one reporter among them.
const MAX_REPORTS: usize = 64;
const MAX_OF_ONE: usize = 8;

/// Members who are told: the most senior.
const MAX_TOLD: usize = 16;

/// Tells those who keep order.
pub(super) fn report(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    (id, message): (GroupId, MessageId),
    reason: String,
) -> Result<Answer, Refusal> {
    let reason: BoundedStr<MAX_REASON_BYTES> = super::joining::bounded(reason)?;
    let own = engine.devices.account;
    let group = engine.groups.get_mut(&id).ok_or(Refusal::UnknownGroup)?;
    if group.row.state() != GroupState::Joined {
        return Err(Refusal::NotInGroup);
    }
    let index = Chats::index_of(rows, out, &group.chat(), &message).ok_or(Refusal::UnknownMessage)?;
    let row = Chats::history(rows, out, &group.chat(), index).ok_or(Refusal::UnknownMessage)?;
    let Entry::Post(entry) = row.entry else { return Err(Refusal::UnknownMessage) };
    let post = group.history.post(rows, out, &entry.post).ok().flatten().ok_or(Refusal::UnknownMessage)?;
    let roster = group.log.roster();
    let mut keepers: Vec<_> =
        roster.members.iter().filter(|(_, member)| member.standing.role >= Role::Moderator).collect();
    keepers.sort_by_key(|(_, member)| std::cmp::Reverse(member.standing));
    let keepers: Vec<AccountId> = keepers.into_iter().take(MAX_TOLD).map(|(account, _)| *account).collect();
    let bytes = BoundedBytes::new(post.to_bytes()).ok_or(Refusal::UnknownMessage)?;
    for account in keepers {
        if account == own {
            keep(engine, out, &id, own, &post, reason.clone());
            continue;
        }
        for device in mesh::reach(engine, rows, out, &id, &account) {
            if engine.peers.get(&device).is_none() {
                continue;
            }
            let word = GroupWord::Report { group: id, post: bytes.clone(), reason: reason.clone() };
            let contents = vec![Content::Group(word)];
            engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, &device, contents, None);
            links::pump(engine, out, &device);
        }
    }
    Ok(Answer::Done)
}

/// A member reports a post.
pub(super) fn came(
    engine: &mut Engine,
    out: &mut Output,
    id: &GroupId,
    by: AccountId,
    (post, reason): (&[u8], BoundedStr<MAX_REASON_BYTES>),
) {
    let own = engine.devices.account;
    let verified = Post::from_bytes(post).ok().and_then(|post| verify_post(post).ok());
    let Some(group) = engine.groups.get_mut(id) else { return };
    let keeps = group.log.roster().role(&own).is_some_and(|role| role >= Role::Moderator);
    let genuine = verified.filter(|post| {
        let author = (post.draft.account, post.draft.device);
        post.draft.group == *id && group.listed.contains(&author)
    });
    match genuine {
        Some(post) if keeps => keep(engine, out, id, by, &post, reason),
        Some(_) => {}
        None => engine.core.stats.bad_posts += 1,
    }
}

fn keep(
    engine: &mut Engine,
    out: &mut Output,
    id: &GroupId,
    by: AccountId,
    post: &Post,
    reason: BoundedStr<MAX_REASON_BYTES>,
) {
    let (since, message) = (engine.core.now, post.id().message());
    let Some(group) = engine.groups.get_mut(id) else { return };
    let roster = group.log.roster();
    if roster.deletions.contains(&message) {
        return;
    }
    let (text, wanted) = match PostBody::from_bytes(&post.draft.body) {
        Ok(PostBody::Text(text)) => (text.text.to_string(), text.expires_secs),
        _ => Default::default(),
    };
    let (author, said_at) = (post.draft.account, post.draft.time);
    let expires_at = receiving::expires_at(&roster.policy, wanted, said_at.min(since));
    if !group.reports.contains_key(&(by, message)) {
        // Nobody is told that a report was not kept, so the newest always is.
        let kept: Vec<_> =
            group.reports.iter().map(|((by, message), row)| ((*by, *message), *by, row.since)).collect();
        if let Some((reporter, about)) = requests::gives_way(&kept, &by, (MAX_OF_ONE, MAX_REPORTS)) {
            group.reports.remove(&(reporter, about));
            out.delete(rows::GROUP_REPORTS, &rows::report_key(id, &reporter, &about));
        }
    }
    if let Some(at) = expires_at {
        engine.core.timers.set_earlier(TimerKey::Groups, at);
    }
    let row = ReportRow { author, said_at, text: BoundedStr::truncated(text), reason, since, expires_at };
    out.put(rows::GROUP_REPORTS, &rows::report_key(id, &by, &message), row.to_bytes());
    group.reports.insert((by, message), row);
    view::changed(engine, out, id);
}

/// Somebody who keeps order has looked at a report.
pub(super) fn dismiss(
    engine: &mut Engine,
    out: &mut Output,
    (id, by, message): (GroupId, AccountId, MessageId),
) -> Result<Answer, Refusal> {
    let group = engine.groups.get_mut(&id).ok_or(Refusal::UnknownGroup)?;
    group.reports.remove(&(by, message)).ok_or(Refusal::UnknownMessage)?;
    out.delete(rows::GROUP_REPORTS, &rows::report_key(&id, &by, &message));
    view::changed(engine, out, &id);
    view::of(engine, &id).map(|view| Answer::Group(Box::new(view))).ok_or(Refusal::UnknownGroup)
}

/// What was deleted for everybody needs no report any more.
pub(super) fn settled(engine: &mut Engine, out: &mut Output, id: &GroupId) {
    let Some(group) = engine.groups.get_mut(id) else { return };
    let deletions = &group.log.roster().deletions;
    let settled = group.reports.keys().filter(|(_, message)| deletions.contains(message));
    for (by, message) in settled.copied().collect::<Vec<_>>() {
        group.reports.remove(&(by, message));
        out.delete(rows::GROUP_REPORTS, &rows::report_key(id, &by, &message));
    }
}

/// A report goes with the message that it quotes, when that disappears.
pub(crate) fn expire(engine: &mut Engine, out: &mut Output) {
    let Engine { groups, core, .. } = engine;
    let mut changed = Vec::new();
    for (id, group) in &mut groups.by_id {
        let over = |row: &ReportRow| row.expires_at.is_some_and(|at| at <= core.now);
        let expired: Vec<_> =
            group.reports.iter().filter(|(_, row)| over(row)).map(|(key, _)| *key).collect();
        for (by, message) in &expired {
            group.reports.remove(&(*by, *message));
            out.delete(rows::GROUP_REPORTS, &rows::report_key(id, by, message));
        }
        if !expired.is_empty() {
            changed.push(*id);
        }
        if let Some(next) = group.reports.values().filter_map(|row| row.expires_at).min() {
            core.timers.set_earlier(TimerKey::Groups, next);
        }
    }
    for id in changed {
        view::changed(engine, out, &id);
    }
}
