//! How others seal, passed from member to member in a large group, where nobody gives their chain to everybody.
//!
//! ```text
//!  a post that nothing opens ─▶ AskChainOf whoever brought it ─▶ ChainOf ─▶ opens the post, signed by the device? ─▶ kept
//!                                      │                                          └── no ─▶ dropped and counted
//!                                      └─ no answer in two seconds: another neighbour … four at most; a meeting brings the post
//! ```
//!
//! A chain is given to a member only, by the own roster, and only by somebody who knows everything that its maker knew when
//! making it: so nobody gets it whom its maker knew to be removed. Its maker makes another one before the next post as soon as
//! it hears of a removal. Whoever came after it was made, and is not owed what was said before, gets it as it is now.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::group::ChainShare;
use kith_crypto::group::ReceivingChain;
use kith_crypto::group::verify_post;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::TAG_BYTES;
use kith_proto::group::word::GroupWord;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::OperationId;
use kith_proto::id::ViewId;
use kith_proto::payload::Content;
use kith_proto::post::Post;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::gossip;
use super::mesh;
use super::receiving;
use super::state::Group;
use super::state::Own;
use super::taking;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::ShareRow;
use crate::timer::TimerKey;

/// The same device is asked for the same chain at most this often.
const ASK_EVERY: Span = Span::from_secs(10);

/// Whoever was asked has so long to answer before another neighbour is asked. Who brought a post may be gone, or have no answer.
const ASK_NEXT: Span = Span::from_secs(2);

/// So many are asked for one chain, while what it would open waits.
const MOST_ASKED: u8 = 4;

/// Questions that are remembered, and whose answers are taken.
const MAX_ASKED: usize = 64;

/// Of these, those to one neighbour: one who brings much that nobody can open does not keep others from being asked.
const MAX_ASKED_EACH: usize = 8;

/// Devices that may claim one tag.
const MAX_CLAIMS: usize = 16;

/// The tag of an envelope.
pub(super) type Tag = [u8; TAG_BYTES];

/// What is needed to pass a chain on.
#[derive(Clone)]
pub(crate) struct Passing {
    /// As it came.
    pub(super) share: ChainShare,
    /// What its maker knew.
    pub(super) heads: Vec<OperationId>,
    /// Whether another than its maker told it.
    pub(super) hearsay: bool,
}

/// The chains by the tags of yesterday's, today's and tomorrow's envelopes.
#[derive(Default)]
pub(crate) struct Tags {
    day: u32,
    /// Several may claim one tag: whoever has a chain can tell the like of it as their own.
    by_tag: BTreeMap<Tag, Vec<(DeviceId, [u8; 16])>>,
}

impl Tags {
    /// Notes a new chain.
    pub(super) fn add(&mut self, now: Timestamp, device: &DeviceId, chain: &ReceivingChain) {
        if self.day == now.day() {
            for day in days(now) {
                let named = self.by_tag.entry(chain.tag(day)).or_default();
                let one = (*device, chain.id());
                if !named.contains(&one) && named.len() < MAX_CLAIMS {
                    named.push(one);
                }
            }
        }
    }

    /// Forgets a chain.
    pub(super) fn remove(&mut self, now: Timestamp, device: &DeviceId, chain: &ReceivingChain) {
        for tag in days(now).map(|day| chain.tag(day)) {
            if let Some(named) = self.by_tag.get_mut(&tag) {
                named.retain(|one| *one != (*device, chain.id()));
                if named.is_empty() {
                    self.by_tag.remove(&tag);
                }
            }
        }
    }

    /// Whose chains a tag names, and which. All tags are computed once a day.
    pub(super) fn find(
        &mut self,
        now: Timestamp,
        chains: &BTreeMap<DeviceId, Vec<ReceivingChain>>,
        tag: &Tag,
    ) -> Vec<(DeviceId, [u8; 16])> {
        if self.day != now.day() {
            *self = Self { day: now.day(), by_tag: BTreeMap::new() };
            for (device, chain) in
                chains.iter().flat_map(|(device, all)| all.iter().map(move |one| (device, one)))
            {
                self.add(now, device, chain);
            }
        }
        self.by_tag.get(tag).cloned().unwrap_or_default()
    }
}

/// The days whose tags an envelope of now may have: clocks differ, and a post may have waited.
pub(super) fn days(now: Timestamp) -> [u32; 3] {
    let today = now.day();
    [today, today.saturating_sub(1), today.saturating_add(1)]
}

/// Puts what was kept of a chain into its row.
pub(super) fn keep(
    out: &mut Output,
    group: &mut Group,
    device: &DeviceId,
    chain: [u8; 16],
    passing: Passing,
) {
    let row = ShareRow {
        share: BoundedBytes::new(passing.share.to_bytes().to_vec()).unwrap_or_default(),
        heads: BoundedVec::truncated(passing.heads.clone()),
        hearsay: passing.hearsay,
    };
    out.put(rows::GROUP_SHARES, &rows::chain_key(&group.id(), device, &chain), row.to_bytes());
    group.mesh.passing.insert((*device, chain), passing);
}

/// Forgets a chain.
pub(super) fn forget(out: &mut Output, group: &mut Group, device: &DeviceId, chain: &[u8; 16]) {
    if group.mesh.passing.remove(&(*device, *chain)).is_some() {
        out.delete(rows::GROUP_SHARES, &rows::chain_key(&group.id(), device, chain));
    }
}

/// Asks whoever brought a post by which chain it was sealed.
pub(super) fn ask(engine: &mut Engine, out: &mut Output, id: &GroupId, device: &DeviceId, tag: Tag) {
    let now = engine.core.now;
    // Whoever is out by now is not told which group this is.
    let Some(group) = engine.groups.get_mut(id).filter(|group| group.has_device(device)) else { return };
    let asked = &mut group.mesh.asked;
    asked.retain(|(_, _, at)| now.since(*at) < ASK_EVERY);
    let known = asked.iter().any(|(whom, what, _)| whom == device && *what == tag);
    let theirs = asked.iter().filter(|(whom, ..)| whom == device).count();
    if known
        || theirs >= MAX_ASKED_EACH
        || asked.len() >= MAX_ASKED
        || !engine.presence.links.is_ready(device)
    {
        return;
    }
    asked.push_back((*device, tag, now));
    let tries = group.mesh.tries.entry(tag).or_default();
    *tries = tries.saturating_add(1);
    engine.core.timers.set_earlier(TimerKey::Mesh, now + ASK_NEXT);
    links::say(engine, out, device, vec![Content::Group(GroupWord::AskChainOf { group: *id, tag })]);
}

/// Asks others for the chains that those who were asked have not told. Returns when to look again.
pub(super) fn ask_others(engine: &mut Engine, out: &mut Output, id: &GroupId) -> Timestamp {
    let (now, there) = (engine.core.now, mesh::present(engine, id));
    let Some(group) = engine.groups.get_mut(id) else { return Timestamp::NEVER };
    let waiting: BTreeSet<Tag> = group.mesh.sealed.iter().map(|sealed| sealed.envelope.tag()).collect();
    group.mesh.tries.retain(|tag, _| waiting.contains(tag));
    let tries = group.mesh.tries.clone();
    let mut next = Timestamp::NEVER;
    for tag in waiting.iter().filter(|tag| tries.get(*tag).is_none_or(|tries| *tries < MOST_ASKED)) {
        let Some(group) = engine.groups.get(id) else { break };
        let asked = group.mesh.asked.iter().filter(|(_, what, _)| what == tag);
        let (whom, times): (BTreeSet<DeviceId>, Vec<Timestamp>) =
            asked.map(|(whom, _, at)| (*whom, *at)).unzip();
        let due = times.into_iter().max().map_or(now, |at| at + ASK_NEXT);
        let others: Vec<DeviceId> = there.iter().filter(|device| !whom.contains(device)).copied().collect();
        if due <= now {
            let [byte] = engine.core.random::<1>();
            if let Some(device) = others.get(usize::from(byte) % others.len().max(1)) {
                ask(engine, out, id, device, *tag);
            }
            // Also if nobody could be asked: a meeting brings what waits for too long.
            if let Some(group) = engine.groups.get_mut(id) {
                let before = tries.get(tag).copied().unwrap_or(0);
                group.mesh.tries.insert(*tag, before.saturating_add(1));
            }
        }
        next = next.min(due.max(now + ASK_NEXT));
    }
    next
}

/// A member's device asks by which chain something was sealed.
pub(super) fn asked(engine: &mut Engine, out: &mut Output, id: &GroupId, device: &DeviceId, tag: &Tag) {
    let now = engine.core.now;
    if !engine.groups.may_give(now, device) {
        return;
    }
    let own = engine.devices.device();
    let Some(group) = engine.groups.get_mut(id) else { return };
    let words: Vec<GroupWord> = match &mut group.own {
        Some(Own { chain, .. }) if days(now).iter().any(|day| chain.tag(*day) == *tag) => {
            own_chain(group, &own, device, None).into_iter().collect()
        }
        // Which of them it is tells the post that they have.
        _ => {
            let named = group.mesh.tags.find(now, &group.incoming, tag);
            named.into_iter().filter_map(|one| chain_of(group, device, one)).collect()
        }
    };
    for word in words {
        links::say(engine, out, device, vec![Content::Group(word)]);
    }
}

/// The own chain as a member's device may have it: from the first post, from where it is now, or from `before`. Notes that it
/// has it.
pub(super) fn own_chain(
    group: &mut Group,
    own: &DeviceId,
    to: &DeviceId,
    before: Option<ChainShare>,
) -> Option<GroupWord> {
    let Own { heads, .. } = group.own.as_ref()?;
    let heads = heads.clone();
    let from_the_first = is_owed(group, to, &heads);
    let chain = group.own.as_mut()?;
    chain.holders.insert(*to);
    let share = match from_the_first {
        true => chain.first.clone(),
        false => before.unwrap_or_else(|| chain.chain.hand_out()),
    };
    word(group.id(), *own, &share, &heads)
}

/// A chain of another device as a member's device may have it.
fn chain_of(group: &mut Group, to: &DeviceId, (device, chain): (DeviceId, [u8; 16])) -> Option<GroupWord> {
    let known = group.incoming.get(&device)?.iter().find(|known| known.id() == chain)?;
    let as_now = known.share();
    let Passing { share, heads, .. } = group.mesh.passing.get(&(device, chain))?.clone();
    if !group.has_device(to) || !heads.iter().all(|head| group.log.contains(head)) {
        return None;
    }
    let share = if is_owed(group, to, &heads) { share } else { as_now };
    word(group.id(), device, &share, &heads)
}

fn word(group: GroupId, device: DeviceId, share: &ChainShare, heads: &[OperationId]) -> Option<GroupWord> {
    let heads = BoundedVec::new(heads.to_vec())?;
    let share = BoundedBytes::new(share.to_bytes().to_vec())?;
    Some(GroupWord::ChainOf { group, device, share, heads })
}

/// Whether a member is owed everything that was sealed by a chain: either all that was ever said, or they were in when it was
/// made.
fn is_owed(group: &mut Group, device: &DeviceId, heads: &[OperationId]) -> bool {
    let Some(account) = group.owners.get(device).copied() else { return false };
    if !group.floors.has(&account) {
        return true;
    }
    let Some(by) = group.log.roster().members.get(&account).map(|member| member.standing.by) else {
        return false;
    };
    heads.iter().any(|head| *head == by || group.log.follows(head, &by) == Some(true))
}

/// A device says how it, or another one, seals.
pub(super) fn told(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    from: &DeviceId,
    id: &GroupId,
    (device, share, heads): (DeviceId, &[u8], Vec<OperationId>),
) {
    let now = engine.core.now;
    let view = ViewId::of(heads.iter().map(|head| head.0));
    let share =
        ChainShare::from_bytes(share).ok().filter(|share| share.group() == *id && share.view() == view);
    let (Some(share), Some(group)) = (share, engine.groups.get_mut(id)) else {
        engine.core.stats.bad_chains += 1;
        return;
    };
    if device == engine.devices.device() {
        return;
    }
    let hearsay = device != *from;
    let passing = Passing { share, heads, hearsay };
    if !hearsay {
        return receiving::chain(engine, rows, out, &device, passing.share.clone(), Some(passing));
    }
    let chain = ReceivingChain::new(passing.share.clone());
    let tags = days(now).map(|day| chain.tag(day));
    let asked = group.mesh.asked.iter().position(|(whom, tag, _)| whom == from && tags.contains(tag));
    let listed = group.listed.iter().any(|(_, listed)| *listed == device);
    let Some(asked) = asked.filter(|_| listed) else {
        engine.core.stats.foreign_words += 1;
        return;
    };
    match try_on(group, now, &device, &chain, &tags) {
        Fits::Yes => _ = group.mesh.asked.remove(asked),
        // It begins later than what waits, which a meeting brings. As nothing speaks for it, it is not kept.
        Fits::Unknown => {
            taking::say_heads_of(engine, out, from, id);
            return gossip::drop_unopened(engine, out, id, &tags);
        }
        // Another one that claims the same tag may be told next.
        Fits::No => {
            engine.core.stats.bad_chains += 1;
            return;
        }
    }
    receiving::chain(engine, rows, out, &device, passing.share.clone(), Some(passing));
    gossip::drop_unopened(engine, out, id, &tags);
}

/// Whether a chain is what somebody says it is.
enum Fits {
    Yes,
    Unknown,
    No,
}

/// Opens with a chain what waits for it. Only what the device itself has signed speaks for the chain.
fn try_on(group: &Group, now: Timestamp, device: &DeviceId, chain: &ReceivingChain, tags: &[Tag]) -> Fits {
    let mut fits = Fits::Unknown;
    for sealed in group.mesh.sealed.iter().filter(|sealed| tags.contains(&sealed.envelope.tag())) {
        match chain.open(now, &sealed.envelope, &device.0) {
            Ok((_, plain)) => {
                let post = Post::from_bytes(&plain).ok().and_then(|post| verify_post(post).ok());
                let genuine = post.is_some_and(|post| post.draft.device == *device);
                if genuine {
                    return Fits::Yes;
                }
                fits = Fits::No;
            }
            Err(kith_crypto::group::ChainError::KeyGone) => {}
            Err(_) => fits = Fits::No,
        }
    }
    fits
}
