//! Topics between people: a model of what `kith-net` has gossipsub do. Meshes of about six, everything pushed at once, passed on
//! after the engine's verdict, duplicates dropped, and once a second whoever is not in the mesh is told what was missed.
//!
//! Only friends who are connected and have a topic both talk about it. Not here: how long things take (`world`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_engine::effect::Verdict;
use kith_proto::id::GossipId;
use kith_proto::id::TopicId;

use crate::action::Who;

/// How many mesh neighbours are sought, and from when on nobody else is taken: those of `kith-net`.
const LOW: usize = 4;
const WANTED: usize = 6;
const HIGH: usize = 12;

/// Heartbeats for which a message can be told of, and passed on.
const TOLD: u64 = 3;
const KEPT: u64 = 10;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// From whom.
    pub from: Who,
    /// To whom.
    pub to: Who,
    /// In which topic.
    pub topic: TopicId,
    /// What.
    pub bytes: Vec<u8>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GossipCounts {
    /// Messages that were published.
    pub published: u64,
    /// Of these, those that nobody was there for.
    pub alone: u64,
    /// Times that a message came to somebody who did not have it.
    pub came: u64,
    /// Times that it came to somebody who had it.
    pub twice: u64,
    /// Times that it was told of and asked for, because it had not come.
    pub repaired: u64,
}

/// All topics of a world.
#[derive(Default)]
pub struct Gossip {
    topics: BTreeMap<Who, BTreeSet<TopicId>>,
    meshes: BTreeMap<(TopicId, Who), BTreeSet<Who>>,
    seen: BTreeMap<(Who, GossipId), Seen>,
    beats: u64,
    /// What was counted.
    pub counts: GossipCounts,
}

/// A message that somebody has.
struct Seen {
    since: u64,
    topic: TopicId,
    bytes: Vec<u8>,
    /// Who brought it: it does not go back there.
    from: BTreeSet<Who>,
    accepted: bool,
}

impl Gossip {
    /// Somebody has exactly these topics from now on.
    pub fn set_topics(&mut self, who: Who, topics: impl IntoIterator<Item = TopicId>) {
        let topics: BTreeSet<TopicId> = topics.into_iter().collect();
        self.meshes.retain(|(topic, one), others| {
            if !topics.contains(topic) {
                others.remove(&who);
            }
            *one != who || topics.contains(topic)
        });
        self.topics.insert(who, topics);
    }

    /// Somebody is gone, with what they had.
    pub fn left(&mut self, who: Who) {
        self.set_topics(who, []);
        self.topics.remove(&who);
        self.seen.retain(|(whose, _), _| *whose != who);
    }

    /// Whether somebody has a topic.
    pub fn has(&self, who: Who, topic: &TopicId) -> bool {
        self.topics.get(&who).is_some_and(|topics| topics.contains(topic))
    }

    /// Whether there is anything to do each second.
    pub fn is_idle(&self) -> bool {
        self.topics.values().all(BTreeSet::is_empty)
    }

    /// Somebody publishes a message: it goes to everybody who is connected and has the topic.
    pub fn publish(
        &mut self,
        who: Who,
        topic: TopicId,
        bytes: &[u8],
        connected: impl Fn(Who, Who) -> bool,
    ) -> Vec<Passed> {
        self.counts.published += 1;
        let id = GossipId::of(&topic, bytes);
        let to: Vec<Who> = self.having(&topic).filter(|to| *to != who && connected(who, *to)).collect();
        if to.is_empty() || self.seen.contains_key(&(who, id)) {
            self.counts.alone += u64::from(to.is_empty());
            return Vec::new();
        }
        let seen =
            Seen { since: self.beats, topic, bytes: bytes.to_vec(), from: BTreeSet::new(), accepted: true };
        self.seen.insert((who, id), seen);
        to.into_iter().map(|to| Passed { from: who, to, topic, bytes: bytes.to_vec() }).collect()
    }

    /// A message has come. Returns its name if it is the first time: the engine is to say what becomes of it.
    pub fn arrive(&mut self, passed: &Passed) -> Option<GossipId> {
        let Passed { from, to, topic, bytes } = passed;
        if !self.topics.get(to).is_some_and(|topics| topics.contains(topic)) {
            return None;
        }
        let id = GossipId::of(topic, bytes);
        if let Some(seen) = self.seen.get_mut(&(*to, id)) {
            seen.from.insert(*from);
            self.counts.twice += 1;
            return None;
        }
        self.counts.came += 1;
        let (from, bytes) = (BTreeSet::from([*from]), bytes.clone());
        self.seen.insert((*to, id), Seen { since: self.beats, topic: *topic, bytes, from, accepted: false });
        Some(id)
    }

    /// What becomes of a message: it goes on to the mesh.
    pub fn verdict(
        &mut self,
        who: Who,
        message: GossipId,
        verdict: Verdict,
        connected: impl Fn(Who, Who) -> bool,
    ) -> Vec<Passed> {
        let beats = self.beats;
        let Some(seen) = self.seen.get_mut(&(who, message)) else { return Vec::new() };
        if verdict != Verdict::Accept || seen.accepted || beats.saturating_sub(seen.since) >= KEPT {
            return Vec::new();
        }
        seen.accepted = true;
        let mesh = self.meshes.get(&(seen.topic, who));
        let to = mesh.into_iter().flatten().filter(|to| !seen.from.contains(to) && connected(who, **to));
        let passed = |to: &Who| Passed { from: who, to: *to, topic: seen.topic, bytes: seen.bytes.clone() };
        to.map(passed).collect()
    }

    /// A second has passed: meshes are put in order, and others are told what is new.
    pub fn beat(&mut self, connected: impl Fn(Who, Who) -> bool) -> Vec<Passed> {
        self.beats += 1;
        let all: Vec<(TopicId, Who)> = self
            .topics
            .iter()
            .flat_map(|(who, topics)| topics.iter().map(move |topic| (*topic, *who)))
            .collect();
        for ((topic, one), mesh) in &mut self.meshes {
            mesh.retain(|other| {
                self.topics.get(other).is_some_and(|topics| topics.contains(topic)) && connected(*one, *other)
            });
        }
        for (topic, who) in &all {
            self.graft(topic, *who, &connected);
        }
        let mut passed = Vec::new();
        for (topic, who) in &all {
            self.tell(topic, *who, &connected, &mut passed);
        }
        let beats = self.beats;
        // As long as gossipsub knows a message again.
        self.seen.retain(|_, seen| beats - seen.since < 120);
        passed
    }

    fn having(&self, topic: &TopicId) -> impl Iterator<Item = Who> {
        self.topics.iter().filter(move |(_, topics)| topics.contains(topic)).map(|(who, _)| *who)
    }

    /// Those with whom somebody could have a topic, in an order that is drawn for each.
    fn others(&self, topic: &TopicId, who: Who, connected: &impl Fn(Who, Who) -> bool) -> VecDeque<Who> {
        let mut others: Vec<Who> =
            self.having(topic).filter(|other| *other != who && connected(who, *other)).collect();
        others.sort_by_cached_key(|other| {
            let drawn = [&topic.0[..], &who.to_le_bytes(), &other.to_le_bytes(), &self.beats.to_le_bytes()];
            *blake3::hash(&drawn.concat()).as_bytes()
        });
        others.into()
    }

    fn graft(&mut self, topic: &TopicId, who: Who, connected: &impl Fn(Who, Who) -> bool) {
        let count = |gossip: &Self, who| gossip.meshes.get(&(*topic, who)).map_or(0, BTreeSet::len);
        if count(self, who) >= LOW {
            return;
        }
        for other in self.others(topic, who, connected) {
            if count(self, who) >= WANTED {
                return;
            }
            if count(self, other) < HIGH {
                self.meshes.entry((*topic, who)).or_default().insert(other);
                self.meshes.entry((*topic, other)).or_default().insert(who);
            }
        }
    }

    /// Tells some who are not in the mesh what is new; they ask for what they do not have.
    fn tell(
        &mut self,
        topic: &TopicId,
        who: Who,
        connected: &impl Fn(Who, Who) -> bool,
        passed: &mut Vec<Passed>,
    ) {
        let news: Vec<(GossipId, Vec<u8>)> = self
            .seen
            .range((who, GossipId([0; 20]))..=(who, GossipId([0xff; 20])))
            .filter(|(_, seen)| seen.topic == *topic && seen.accepted && self.beats - seen.since <= TOLD)
            .map(|((_, id), seen)| (*id, seen.bytes.clone()))
            .collect();
        if news.is_empty() {
            return;
        }
        let mesh = self.meshes.get(&(*topic, who)).cloned().unwrap_or_default();
        let others = self.others(topic, who, connected);
        for other in others.into_iter().filter(|other| !mesh.contains(other)).take(WANTED) {
            for (id, bytes) in &news {
                if !self.seen.contains_key(&(other, *id)) {
                    self.counts.repaired += 1;
                    passed.push(Passed { from: who, to: other, topic: *topic, bytes: bytes.clone() });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: TopicId = TopicId([1; 32]);

    /// Carries until nothing is on its way. `judge` says what each thinks of it.
    fn carry(gossip: &mut Gossip, mut passed: Vec<Passed>, judge: impl Fn(Who) -> Verdict) -> BTreeSet<Who> {
        let mut reached = BTreeSet::new();
        while let Some(next) = passed.pop() {
            if let Some(id) = gossip.arrive(&next) {
                reached.insert(next.to);
                passed.extend(gossip.verdict(next.to, id, judge(next.to), |_, _| true));
            }
        }
        reached
    }

    #[test]
    fn a_message_reaches_everybody_and_about_five_times() {
        let mut gossip = Gossip::default();
        (0..200).for_each(|who| gossip.set_topics(who, [TOPIC]));
        assert!(gossip.beat(|_, _| true).is_empty());
        // Not more than fifty are connected with anybody.
        let near = |one: Who, other: Who| (one + 200 - other) % 200 <= 25 || (other + 200 - one) % 200 <= 25;
        (0..3).for_each(|_| _ = gossip.beat(near));
        let sent = gossip.publish(7, TOPIC, b"hello", near);
        assert_eq!(carry(&mut gossip, sent, |_| Verdict::Accept).len(), 199);
        let each = gossip.counts.twice as f64 / 199.0;
        assert!((1.0..10.0).contains(&each), "{each} duplicates each");
        assert!(gossip.publish(7, TOPIC, b"hello", near).is_empty(), "not a second time");
    }

    /// A thousand devices with the neighbours that engines choose, and how many steps and copies a message takes.
    #[test]
    fn in_a_ring_of_a_thousand_it_takes_few_steps_and_few_copies() {
        const COUNT: usize = 1_000;
        let near = |distance: usize| distance <= 4 || distance.is_power_of_two();
        let linked = |one: Who, other: Who| {
            let ahead = (other + COUNT - one) % COUNT;
            ahead != 0 && (near(ahead) || near(COUNT - ahead))
        };
        let mut gossip = Gossip::default();
        (0..COUNT).for_each(|who| gossip.set_topics(who, [TOPIC]));
        (0..3).for_each(|_| _ = gossip.beat(linked));
        let mut wave = gossip.publish(0, TOPIC, b"hello", linked);
        let (mut steps, mut reached) = (0, 1);
        while !wave.is_empty() {
            steps += 1;
            let mut next = Vec::new();
            for passed in wave {
                if let Some(id) = gossip.arrive(&passed) {
                    reached += 1;
                    next.extend(gossip.verdict(passed.to, id, Verdict::Accept, linked));
                }
            }
            wave = next;
        }
        assert_eq!(reached, COUNT);
        assert!(steps <= 9, "{steps} steps");
        let twice = gossip.counts.twice as f64 / COUNT as f64;
        assert!((2.0..6.0).contains(&twice), "{twice} copies too many for each");
        println!("{steps} steps, {twice} copies too many for each");
    }

    #[test]
    fn what_is_not_accepted_goes_no_further() {
        let mut gossip = Gossip::default();
        (0..3).for_each(|who| gossip.set_topics(who, [TOPIC]));
        let line = |one: Who, other: Who| one.abs_diff(other) == 1;
        gossip.beat(line);
        let sent = gossip.publish(0, TOPIC, b"one", line);
        assert_eq!(carry(&mut gossip, sent, |_| Verdict::Ignore), BTreeSet::from([1]));
        gossip.left(1);
        assert!(gossip.publish(0, TOPIC, b"two", line).is_empty());
        assert_eq!(gossip.counts.alone, 1);
    }

    #[test]
    fn whoever_missed_a_message_is_told_of_it_a_second_later() {
        let mut gossip = Gossip::default();
        (0..30).for_each(|who| gossip.set_topics(who, [TOPIC]));
        gossip.beat(|_, _| true);
        let mut sent = gossip.publish(0, TOPIC, b"hello", |_, _| true);
        sent.retain(|passed| passed.to != 29);
        while let Some(next) = sent.pop() {
            if let Some(id) = gossip.arrive(&next) {
                sent.extend(gossip.verdict(next.to, id, Verdict::Accept, |_, _| true));
                sent.retain(|passed| passed.to != 29);
            }
        }
        let told = gossip.beat(|_, _| true);
        assert!(carry(&mut gossip, told, |_| Verdict::Accept).contains(&29));
    }
}
