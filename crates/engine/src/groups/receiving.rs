//! Posts of others: opened, verified, and taken if their author may write.
//!
//! ```text
//!  Post ──chain known?── no ─▶ waits, the device is asked for its chain
//!          │yes
//!          ▼
//!       signature, device, account ── wrong ─▶ counted
//!          ▼
//!       from the author: a member who may write? ── not now ─▶ kept for when the log knows more, or for a meeting
//!          │yes                              └── no member any more ─▶ dropped and counted
//!          ▼
//!       history, chat ◀── in a meeting: of a member, or from another member: whoever the log ever named
//! ```
//!
//! So what somebody wrote while they were being removed stays if any member took it before hearing of that, and then stays
//! everywhere; and members who were apart come to the same.

use std::cmp::Ordering;
use std::collections::VecDeque;

use kith_crypto::group::ChainError;
use kith_crypto::group::ChainShare;
use kith_crypto::group::ReceivingChain;
use kith_crypto::group::VerifiedPost;
use kith_crypto::group::verify_post;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::envelope::Envelope;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::PostBody;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::payload::Content;
use kith_proto::payload::Position;
use kith_proto::post::Post;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::Permission;
use super::deletions;
use super::gossip;
use super::history;
use super::listings;
use super::membership;
use super::passing;
use super::passing::Passing;
use super::state::CHAINS_KEPT;
use super::state::Group;
use super::state::MAX_WAITING;
use super::state::MAX_WAITING_EACH;
use super::view;
use crate::chats::Chats;
use crate::chats::NewEntry;
use crate::engine::Engine;
use crate::event::Event;
use crate::links;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::Entry;
use crate::rows::groups::PostEntry;

/// A device is asked for its chain at most this often.
const ASK_EVERY: Span = Span::from_secs(10);

/// A device says how it seals from now on.
pub(super) fn chain(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    share: ChainShare,
    passing: Option<Passing>,
) {
    let (id, now) = (share.group(), engine.core.now);
    let Some(group) = engine.groups.get_mut(&id) else { return };
    let chain = ReceivingChain::new(share);
    let name = chain.id();
    let hearsay = passing.as_ref().is_some_and(|passing| passing.hearsay);
    let was_hearsay = group.mesh.passing.get(&(*device, name)).is_some_and(|known| known.hearsay);
    let chains = group.incoming.entry(*device).or_default();
    if let Some(known) = chains.iter().find(|known| known.id() == name) {
        // The same further on opens less. One that begins earlier than what we have is not given twice. Whose chain it is
        // knows better than others.
        if hearsay || (known.iteration() <= chain.iteration() && !was_hearsay) {
            return;
        }
        chains.retain(|known| known.id() != name);
    }
    let tags = passing::days(now).map(|day| chain.tag(day));
    // What others told of a device makes room for what it says itself, and for nothing else.
    let passed = &group.mesh.passing;
    let is_told =
        |known: &ReceivingChain| passed.get(&(*device, known.id())).is_some_and(|passing| passing.hearsay);
    let told = chains.iter().position(is_told);
    let full = chains.len() >= CHAINS_KEPT;
    let gone = match (hearsay, told) {
        (true, Some(told)) => Some(chains.remove(told)),
        (true, None) if full => return,
        (false, told) if full => Some(chains.remove(told.unwrap_or(0))),
        _ => None,
    };
    out.put(rows::GROUP_CHAINS, &rows::chain_key(&id, device, &name), chain.to_bytes().to_vec());
    group.mesh.tags.add(now, device, &chain);
    chains.push(chain);
    if let Some(gone) = gone {
        group.forget_chain(now, out, device, &gone);
    }
    if let Some(passing) = passing {
        passing::keep(out, group, device, name, passing);
    }
    let waiting = std::mem::take(&mut group.waiting);
    for (from, envelope) in waiting {
        match from == *device {
            true => post(engine, rows, out, &from, &id, envelope),
            false => {
                if let Some(group) = engine.groups.get_mut(&id) {
                    group.waiting.push_back((from, envelope));
                }
            }
        }
    }
    gossip::again(engine, rows, out, &id, &tags);
}

/// A sealed post of a device came from it.
pub(super) fn post(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    id: &GroupId,
    envelope: Envelope,
) {
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(id) else { return };
    match open(group, now, device, &envelope) {
        Some(Ok((chain, plain))) => {
            opened(engine, rows, out, id, (device, device), chain, &plain);
        }
        // It was taken before, or is older than what we were given: a meeting brings it.
        Some(Err(ChainError::KeyGone)) => {}
        Some(Err(_)) => engine.core.stats.bad_posts += 1,
        None => {
            make_room(&mut group.waiting, device, |(from, _)| *from, MAX_WAITING_EACH, MAX_WAITING);
            group.waiting.push_back((*device, envelope));
            ask_chain(engine, out, id, device);
            // If the chain never comes, a meeting brings the post.
            membership::tell_again(engine, id);
        }
    }
}

/// What became of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// It is in the history since now.
    New,
    /// It was there.
    Known,
    /// It is not to be taken, or not yet.
    NotYet,
    /// It is not what it says.
    Bad,
}

/// A chain of a device has opened a post that `carrier` brought. The chain is kept as it is after that.
pub(super) fn opened(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    (device, carrier): (&DeviceId, &DeviceId),
    chain: ReceivingChain,
    plain: &[u8],
) -> Took {
    let Some(group) = engine.groups.get_mut(id) else { return Took::NotYet };
    let key = rows::chain_key(id, device, &chain.id());
    out.put(rows::GROUP_CHAINS, &key, chain.to_bytes().to_vec());
    let chains = group.incoming.entry(*device).or_default();
    if let Some(known) = chains.iter_mut().find(|known| known.id() == chain.id()) {
        *known = chain;
    }
    let owner = group.owners.get(device).copied();
    let account = account_of(engine, device).or(owner);
    let verified = Post::from_bytes(plain).ok().and_then(|post| verify_post(post).ok());
    let genuine = verified.filter(|post| {
        let by_owner = account.is_none_or(|account| account == post.draft.account);
        post.draft.group == *id && post.draft.device == *device && by_owner
    });
    match genuine {
        // Sealed with the author's chain, it is as good as from the author.
        Some(post) if account.is_some() || device != carrier => {
            take(engine, rows, out, id, post, Brought::Live(*device))
        }
        _ => {
            engine.core.stats.bad_posts += 1;
            Took::Bad
        }
    }
}

type Opened = Result<(ReceivingChain, zeroize::Zeroizing<Vec<u8>>), ChainError>;

/// Opens a post with a chain of its device; `None` when none of them fits.
fn open(group: &Group, now: Timestamp, device: &DeviceId, envelope: &Envelope) -> Option<Opened> {
    let days = passing::days(now);
    let chains = group.incoming.get(device).map(Vec::as_slice).unwrap_or_default();
    let fits = |chain: &&ReceivingChain| {
        // A post may have waited: its tag is that of the day on which it was sealed. The header tells for certain.
        days.iter().any(|day| chain.tag(*day) == envelope.tag())
    };
    let by_tag = chains.iter().rev().find(fits);
    match by_tag {
        Some(chain) => Some(chain.open(now, envelope, &device.0)),
        None => {
            let tried = chains.iter().rev().map(|chain| chain.open(now, envelope, &device.0));
            tried.into_iter().find(|opened| !matches!(opened, Err(ChainError::NotThisChain)))
        }
    }
}

fn ask_chain(engine: &mut Engine, out: &mut Output, id: &GroupId, device: &DeviceId) {
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(id) else { return };
    let asked = group.asked.get(device).copied();
    if asked.is_some_and(|asked| now.since(asked) < ASK_EVERY) {
        return;
    }
    group.asked.insert(*device, now);
    // It may have come by mail from somebody who is not there.
    let word = Content::Group(GroupWord::AskChain { group: *id });
    if !engine.outbox.is_waiting(device, |content| *content == word) {
        engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, vec![word], None);
        links::pump(engine, out, device);
    }
}

/// Whose device this is, ours included.
pub(super) fn account_of(engine: &Engine, device: &DeviceId) -> Option<AccountId> {
    if *device == engine.devices.device() {
        return Some(engine.devices.account);
    }
    engine.peers.contact_of(device)
}

/// What is to become of a post.
enum Verdict {
    Take,
    Later,
    Drop,
    Refuse,
}

/// By which device a post came, and how.
#[derive(Clone, Copy)]
pub(super) enum Brought {
    /// When it was written.
    Live(DeviceId),
    /// In a meeting.
    Meeting(DeviceId),
}

/// Takes a post, if its author may write.
pub(super) fn take(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    post: VerifiedPost,
    brought: Brought,
) -> Took {
    let (Brought::Live(carrier) | Brought::Meeting(carrier)) = brought;
    let brought_by = account_of(engine, &carrier);
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(id) else { return Took::NotYet };
    let (account, device) = (post.draft.account, post.draft.device);
    let by_author = carrier == device || brought_by == Some(account);
    let listed = group.listed.contains(&(account, device));
    // In a meeting they may bring what they wrote before they heard of it.
    let hurried = by_author && matches!(brought, Brought::Live(_)) && is_hurried(group, now, &post);
    let roster = group.log.roster();
    let verdict = match roster.members.get(&account) {
        _ if !listed && !by_author => Verdict::Refuse,
        _ if !listed => Verdict::Later,
        // Whoever never might write by any rule that ever was: nobody can have taken it rightly.
        _ if !group.writers.contains(&account) => Verdict::Later,
        _ if !by_author => Verdict::Take,
        None => Verdict::Drop,
        Some(_) if hurried => Verdict::Later,
        // They wrote it before they heard that their word was taken, or say so; others may have it from that time. Whoever lies
        // about that is to be removed.
        Some(_) if matches!(brought, Brought::Meeting(_)) => Verdict::Take,
        Some(member) if member.muted_until.is_some_and(|until| until > now) => Verdict::Drop,
        Some(member) => {
            let may = roster.permits(&account, Permission::Post) && member.devices.contains(&device);
            if may { Verdict::Take } else { Verdict::Later }
        }
    };
    if by_author && matches!(verdict, Verdict::Take) {
        group.heard.insert(device, now);
    }
    match verdict {
        Verdict::Take => insert(engine, rows, out, id, &post, Origin::Other),
        Verdict::Later => {
            make_room(&mut group.later, &device, |post| post.draft.device, MAX_WAITING_EACH, MAX_WAITING);
            group.later.push_back(post);
            // Others may have taken it, at a time when it was allowed: then a meeting brings it.
            membership::tell_again(engine, id);
            Took::NotYet
        }
        Verdict::Drop => {
            engine.core.stats.dropped_posts += 1;
            count_dropped(group, account);
            group.save(out);
            let chat = group.chat();
            // It may have come after they left, and have been written before: whoever took it then brings it.
            membership::tell_again(engine, id);
            engine.chat_changed(out, &chat);
            Took::NotYet
        }
        Verdict::Refuse => {
            engine.core.stats.bad_posts += 1;
            Took::NotYet
        }
    }
}

/// Whether an author does not mind slow mode: by their own times, and by when their posts came here. One alone proves nothing:
/// posts of some hours may come at once, and an author whose clock is slow writes the times of others.
fn is_hurried(group: &mut Group, now: Timestamp, post: &VerifiedPost) -> bool {
    let (account, device) = (post.draft.account, post.draft.device);
    let last = group.history.wrote_before(&device, post.draft.sequence);
    let heard = group.heard.get(&device).copied();
    let roster = group.log.roster();
    let pause = roster.policy.slow_mode();
    let minds = roster.role(&account).is_some_and(|role| role < Role::Moderator);
    let soon =
        |before: Option<Timestamp>, at: Timestamp| before.is_some_and(|before| at.since(before) < pause);
    minds && soon(last, post.draft.time) && soon(heard, now)
}

/// Makes room for one more from a device in a queue of at most `most`: its own oldest goes if it has more than its `share`, so
/// that who floods takes no place from others, else the oldest of all. Returns what went.
pub(super) fn make_room<T>(
    queue: &mut VecDeque<T>,
    device: &DeviceId,
    of: impl Fn(&T) -> DeviceId,
    share: usize,
    most: usize,
) -> Option<T> {
    let own = queue.iter().filter(|item| of(item) == *device).count();
    if own >= share {
        let oldest = queue.iter().position(|item| of(item) == *device)?;
        return queue.remove(oldest);
    }
    if queue.len() >= most { queue.pop_front() } else { None }
}

fn count_dropped(group: &mut Group, account: AccountId) {
    let mut dropped = group.row.dropped.to_vec();
    match dropped.iter_mut().find(|(whom, _)| *whom == account) {
        Some((_, count)) => *count = count.saturating_add(1),
        None => dropped.push((account, 1)),
    }
    group.row.dropped = BoundedVec::truncated(dropped);
}

/// The log has grown: posts that were kept for that are looked at again.
pub(super) fn again(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId) {
    let Some(group) = engine.groups.get_mut(id) else { return };
    for post in std::mem::take(&mut group.later) {
        let device = post.draft.device;
        take(engine, rows, out, id, post, Brought::Live(device));
    }
}

/// Where a post comes from.
pub(super) enum Origin {
    /// It was written just now, with these places in the channels of others.
    Here(Vec<(DeviceId, Position)>),
    /// Somebody brought it.
    Other,
}

/// Puts a post into the history and the chat.
pub(super) fn insert(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    post: &VerifiedPost,
    origin: Origin,
) -> Took {
    let (own, own_device) = (engine.devices.account, engine.devices.device());
    let Some(group) = engine.groups.get_mut(id) else { return Took::NotYet };
    let chat = group.chat();
    let inserted = match group.history.insert(rows, out, post) {
        Ok(history::Inserted::New { instead_of, .. }) => instead_of,
        Ok(history::Inserted::Known) => return Took::Known,
        Err(_) => {
            // By what is here: others may have no reason to refuse it, so nobody is blamed for bringing it.
            engine.core.stats.bad_posts += 1;
            return Took::NotYet;
        }
    };
    let is_echo = post.draft.device == own_device && matches!(origin, Origin::Other);
    let places = if let Origin::Here(places) = origin { places } else { Vec::new() };
    if is_echo && group.own.take().is_some() {
        // Others know more of us than we do: this device was set back, and its chain as well.
        engine.core.stats.set_back += 1;
    }
    if let Some(gone) = inserted {
        let message = gone.post.message();
        if engine.chats.take_out(&engine.core, rows, out, &chat, &message) {
            out.event(Event::MessageDeleted { chat, message });
        }
    }
    let index = show(engine, rows, out, id, post, places);
    if let Some(index) = index
        && (post.draft.account != own || is_echo)
    {
        let row = Chats::history(rows, out, &chat, index);
        out.events.extend(row.map(|row| Event::MessageReceived(view::message(&own, chat, index, row))));
        engine.chat_changed(out, &chat);
    }
    Took::New
}

/// A deletion turned out not to count: what it took out of the chat is shown again, if its body is still here.
pub(super) fn show_again(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    message: &MessageId,
) {
    let own = engine.devices.account;
    for name in history::rows::posts_of(rows, id, message).unwrap_or_default() {
        let key = history::rows::post_key(id, &name);
        let bytes = rows.get(history::rows::POSTS, &key).ok().flatten();
        let post =
            bytes.and_then(|bytes| Post::from_bytes(&bytes).ok()).and_then(|post| verify_post(post).ok());
        let shown = post.and_then(|post| show(engine, rows, out, id, &post, Vec::new()));
        if let Some(index) = shown {
            let chat = kith_proto::id::ChatId::group(id);
            let row = Chats::history(rows, out, &chat, index);
            out.events.extend(row.map(|row| Event::MessageReceived(view::message(&own, chat, index, row))));
            engine.chat_changed(out, &chat);
        }
    }
}

/// When a message of this time disappears: as its author wants, or as the group does.
pub(super) fn expires_at(policy: &Policy, wanted: Option<u32>, time: Timestamp) -> Option<Timestamp> {
    let retention = Some(policy.retention_secs).filter(|secs| *secs > 0);
    let secs = wanted.into_iter().chain(retention).min()?;
    Some(time + Span::from_secs(u64::from(secs)))
}

/// Writes a post into the chat, unless it was deleted or its time is over.
fn show(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    post: &VerifiedPost,
    places: Vec<(DeviceId, Position)>,
) -> Option<u64> {
    let own = engine.devices.account;
    let body = match PostBody::from_bytes(&post.draft.body) {
        Ok(PostBody::Text(body)) => body,
        Ok(PostBody::Listing(listing)) => {
            listings::take(engine, rows, out, id, post, listing);
            return None;
        }
        Ok(PostBody::Unknown(_)) | Err(_) => return None,
    };
    let Engine { groups, chats, core, .. } = engine;
    let group = groups.get_mut(id)?;
    let message = post.id().message();
    let chat = group.chat();
    let joined = group.log.roster().members.get(&own).map(|member| member.standing.by);
    let joined = joined.and_then(|by| group.log.operation(&by)).map(|operation| operation.time);
    let roster = group.log.roster();
    let time = post.draft.time;
    let expires_at = expires_at(&roster.policy, body.expires_secs, time.min(core.now));
    if roster.deletions.contains(&message) {
        deletions::came(core, group, out, &message);
        return None;
    }
    let calls_all = roster.permits(&post.draft.account, Permission::MentionAll);
    if expires_at.is_some_and(|at| at.cmp(&core.now) != Ordering::Greater) {
        deletions::forget_body(out, id, &post.id());
        return None;
    }
    let entry = PostEntry {
        account: post.draft.account,
        device: post.draft.device,
        sequence: post.draft.sequence,
        post: post.id(),
        mentions: body.mentions,
        mentions_all: body.mentions_all && calls_all,
    };
    let new = NewEntry {
        message,
        text: BoundedStr::truncated(body.text.to_string()),
        reply_to: body.reply_to,
        outgoing: post.draft.account == own,
        // What was said before we came is there to be read, and no news.
        news: joined.is_none_or(|joined| time >= joined),
        time,
        spread: post.id().0,
        expires_at,
        places,
        entry: Entry::Post(entry),
    };
    chats.store_in_group(core, rows, out, &chat, new).map(|stored| stored.index)
}
