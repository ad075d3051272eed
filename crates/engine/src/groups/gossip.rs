//! Posts of large groups through topics: out once, and in from whoever brings them.
//!
//! ```text
//!  Gossip ── from no member ─▶ Ignore      no envelope ─▶ Reject
//!    │ by its tag: a chain? ── no ─▶ waits, whoever brought it is asked for the chain ─▶ opened later, or left to a meeting
//!    ▼ yes
//!  opens? ── no ─▶ as without a chain: others may claim its tag
//!    ▼ yes
//!  signed by its device? ── no ─▶ Reject; Ignore when the chain is hearsay
//!    ▼ yes
//!  new or known ─▶ Accept: passed on          not to be taken now ─▶ Ignore
//! ```
//!
//! Who brings something says nothing about who made it. What does not come this way comes by meetings.

use std::collections::VecDeque;

use kith_crypto::group::ChainError;
use kith_proto::envelope::Envelope;
use kith_proto::id::DeviceId;
use kith_proto::id::GossipId;
use kith_proto::id::GroupId;
use kith_proto::id::TopicId;
use kith_proto::payload::Content;
use kith_proto::rows::Rows;

use super::mesh;
use super::passing;
use super::passing::Tag;
use super::receiving;
use super::receiving::Took;
use crate::effect::Effect;
use crate::effect::Verdict;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;

/// Posts of one group whose chain is asked for. Half a megabyte of long ones at worst; a meeting brings what does not fit.
const MAX_SEALED: usize = 64;

/// Of these, those that one neighbour brought.
const MAX_SEALED_EACH: usize = 16;

/// What the network carries in one message.
const MAX_BYTES: usize = 32 << 10;

/// A post that nothing opened yet.
pub(crate) struct Sealed {
    pub(super) message: GossipId,
    pub(super) from: DeviceId,
    pub(super) envelope: Envelope,
}

/// Sends a sealed post into today's topic. Neighbours who do not have the chain get it before.
pub(super) fn publish(engine: &mut Engine, out: &mut Output, id: &GroupId, envelope: &Envelope) {
    let (own, now) = (engine.devices.device(), engine.core.now);
    let there = mesh::present(engine, id);
    let own_chain = engine.groups.get(id).and_then(|group| group.own.as_ref());
    let without = |device: &DeviceId| own_chain.is_some_and(|chain| !chain.holders.contains(device));
    let strangers: Vec<DeviceId> = there.into_iter().filter(without).collect();
    for device in strangers {
        // As it was before this post: whoever is in now is to read it.
        let word = engine.groups.get_mut(id).and_then(|group| {
            let before = group.shared.clone();
            passing::own_chain(group, &own, &device, before)
        });
        if let Some(word) = word {
            links::say(engine, out, &device, vec![Content::Group(word)]);
        }
    }
    if let Some(group) = engine.groups.get_mut(id) {
        group.shared = None;
    }
    let topic = TopicId::of_group(id, now.day());
    if engine.groups.topics.contains_key(&topic) && envelope.as_bytes().len() <= MAX_BYTES {
        engine.core.stats.gossip_sent += 1;
        out.effect(Effect::Gossip { topic, bytes: envelope.as_bytes().to_vec() });
    }
}

/// Something came through a topic.
pub(crate) fn came(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    (topic, message): (TopicId, GossipId),
    from: DeviceId,
    bytes: Vec<u8>,
) {
    let verdict = match (engine.groups.topics.get(&topic).copied(), Envelope::parse(bytes)) {
        (None, _) => Some(Verdict::Ignore),
        // Somebody who was removed just now, or has nothing to do with the group.
        (Some(id), _) if !is_member(engine, &id, &from) => Some(Verdict::Ignore),
        (_, Err(_)) => Some(Verdict::Reject),
        (Some(id), Ok(envelope)) => {
            engine.core.stats.gossip_came += 1;
            let verdict = open(engine, rows, out, &id, &from, &envelope);
            if verdict.is_none() {
                wait(engine, out, &id, Sealed { message, from, envelope });
            }
            mesh::heal_later(engine, &id);
            verdict
        }
    };
    if let Some(verdict) = verdict {
        out.effect(Effect::Verdict { message, verdict });
    }
}

fn is_member(engine: &Engine, id: &GroupId, device: &DeviceId) -> bool {
    engine.groups.get(id).is_some_and(|group| group.has_device(device))
}

/// Opens a post by the chain that its tag names; `None` when there is none.
fn open(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    id: &GroupId,
    from: &DeviceId,
    envelope: &Envelope,
) -> Option<Verdict> {
    let now = engine.core.now;
    let group = engine.groups.get_mut(id)?;
    let named = group.mesh.tags.find(now, &group.incoming, &envelope.tag());
    let mut given_up = false;
    for (device, chain) in named {
        let Some(group) = engine.groups.get(id) else { break };
        let chains = group.incoming.get(&device).map(Vec::as_slice).unwrap_or_default();
        let Some(known) = chains.iter().find(|known| known.id() == chain) else { continue };
        let hearsay = group.mesh.passing.get(&(device, chain)).is_some_and(|passing| passing.hearsay);
        match known.open(now, envelope, &device.0) {
            Ok((chain, plain)) => {
                let took = receiving::opened(engine, rows, out, id, (&device, from), chain, &plain);
                return Some(match took {
                    Took::New => Verdict::Accept,
                    // Whoever tells of a chain that is not its device's seals again what we have.
                    Took::Known if hearsay => Verdict::Ignore,
                    Took::Known => Verdict::Accept,
                    Took::NotYet => Verdict::Ignore,
                    Took::Bad if hearsay => Verdict::Ignore,
                    Took::Bad => Verdict::Reject,
                });
            }
            // It was opened before, or is older than the chain as it came.
            Err(ChainError::KeyGone | ChainError::TooFar) => given_up = true,
            // Another device's chain may claim the tag as well, one that is here or one that is to be asked for.
            Err(_) => {}
        }
    }
    given_up.then_some(Verdict::Ignore)
}

fn wait(engine: &mut Engine, out: &mut Output, id: &GroupId, sealed: Sealed) {
    let (from, tag) = (sealed.from, sealed.envelope.tag());
    let Some(group) = engine.groups.get_mut(id) else { return };
    let waiting = &mut group.mesh.sealed;
    if let Some(Sealed { message, .. }) = make_room(waiting, &from) {
        out.effect(Effect::Verdict { message, verdict: Verdict::Ignore });
    }
    waiting.push_back(sealed);
    engine.core.stats.gossip_waited += 1;
    passing::ask(engine, out, id, &from, tag);
}

/// Makes room for one more from a neighbour. Returns what went.
fn make_room(waiting: &mut VecDeque<Sealed>, from: &DeviceId) -> Option<Sealed> {
    receiving::make_room(waiting, from, |sealed| sealed.from, MAX_SEALED_EACH, MAX_SEALED)
}

/// There is another chain: what waited for it is opened, and goes on.
pub(super) fn again(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, tags: &[Tag]) {
    for Sealed { message, from, envelope } in take_out(engine, id, tags) {
        match open(engine, rows, out, id, &from, &envelope) {
            Some(verdict) => out.effect(Effect::Verdict { message, verdict }),
            None => wait(engine, out, id, Sealed { message, from, envelope }),
        }
    }
}

/// What a chain did not open will not be opened by it: a meeting brings it.
pub(super) fn drop_unopened(engine: &mut Engine, out: &mut Output, id: &GroupId, tags: &[Tag]) {
    for Sealed { message, .. } in take_out(engine, id, tags) {
        out.effect(Effect::Verdict { message, verdict: Verdict::Ignore });
    }
}

fn take_out(engine: &mut Engine, id: &GroupId, tags: &[Tag]) -> VecDeque<Sealed> {
    let Some(group) = engine.groups.get_mut(id) else { return VecDeque::new() };
    let waiting = std::mem::take(&mut group.mesh.sealed);
    let (now, later) = waiting.into_iter().partition(|sealed| tags.contains(&sealed.envelope.tag()));
    group.mesh.sealed = later;
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(number: u8, from: u8) -> Sealed {
        let envelope = Envelope::new([number; 16], &[number; (1 << 10) - 17]).unwrap();
        Sealed { message: GossipId([number; 20]), from: DeviceId([from; 32]), envelope }
    }

    #[test]
    fn a_neighbour_who_floods_takes_no_place_from_others() {
        let mut waiting = VecDeque::from([sealed(0, 1)]);
        for number in 1..=200 {
            let next = sealed(number, 2);
            if let Some(gone) = make_room(&mut waiting, &next.from) {
                assert_eq!(gone.from, next.from, "their own goes");
            }
            waiting.push_back(next);
        }
        assert_eq!(waiting.len(), 1 + MAX_SEALED_EACH);
        assert_eq!(waiting.front().map(|first| first.message), Some(GossipId([0; 20])));
    }
}
