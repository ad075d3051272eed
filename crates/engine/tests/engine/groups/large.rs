//! Groups that are too large for everybody to connect with everybody: forty people, of whom each knows the next.

use kith_engine::Config;
use kith_engine::Effect;
use kith_engine::effect::Verdict;
use kith_proto::group::Kind;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GossipId;
use kith_proto::id::OperationId;
use kith_proto::id::TopicId;
use kith_simulations::gossip::Gossip;
use kith_simulations::gossip::Passed;
use kith_simulations::groups::ledger::operations;

use super::*;

/// So many may be in a group here before it is a large one.
const SMALL: usize = 4;

/// People who connect as their engines want, and the topics between them.
struct Town {
    world: World,
    gossip: Gossip,
    group: GroupId,
    /// Everything that was published.
    published: Vec<(usize, TopicId, Vec<u8>)>,
    verdicts: Vec<(usize, Verdict)>,
    /// What is said to them is lost.
    deaf: BTreeSet<usize>,
    /// They stay connected, whatever others want.
    clings: BTreeSet<usize>,
    /// Who can be connected with nobody but one other.
    apart: Option<(usize, usize)>,
    /// With whom they have their topics.
    members: BTreeMap<usize, Vec<DeviceId>>,
}

impl Town {
    /// Each of them makes a link while nobody hears the others: as many ends, and more than a word names. Then all meet.
    fn make_links_while_apart(&mut self) {
        let links = self.world.connected.clone();
        for (one, other) in &links {
            self.world.disconnect(*one, *other);
        }
        let group = self.group;
        for side in &mut self.world.people {
            side.command(Command::CreateGroupLink {
                group,
                role: Role::Member,
                expires_secs: None,
                uses: 0,
                approval: false,
                work: 0,
            });
        }
        for (one, other) in &links {
            self.connect(*one, *other);
        }
    }

    /// Each of them is a friend of the next, and has added them to the group.
    fn of(count: u8, history: History) -> Self {
        let world = Self::people(count, |who| who - 1);
        let members = vec![world.people[1].account];
        let mut town = Self::begin(world, members, history);
        for who in 2..usize::from(count) {
            town.add(who - 1, who);
        }
        town.settle();
        town
    }

    /// The first is a friend of all others, and makes a group with them.
    fn around_one(count: u8, history: History) -> Self {
        let world = Self::people(count, |_| 0);
        let members = world.people.iter().skip(1).map(|side| side.account).collect();
        let mut town = Self::begin(world, members, history);
        town.settle();
        town
    }

    /// People, each with a friend among those before them.
    fn people(count: u8, friend: impl Fn(usize) -> usize) -> World {
        let config = Config { direct_members: SMALL, ..Config::default() };
        let people = (1..=count).map(|seed| Side::with_config(seed, None, config.clone())).collect();
        let mut world = World { people, connected: BTreeSet::new() };
        for who in 1..usize::from(count) {
            world.befriend(friend(who), who);
        }
        world
    }

    fn begin(mut world: World, members: Vec<AccountId>, history: History) -> Self {
        let policy = Policy { history, ..Policy::default() };
        let command = Command::CreateGroup { name: "harbour".to_owned(), members, policy: Some(policy) };
        let group = match world.people[0].command(command) {
            Answer::Group(view) => view.group,
            other => panic!("{other:?}"),
        };
        let mut town = Self {
            world,
            gossip: Gossip::default(),
            group,
            published: Vec::new(),
            verdicts: Vec::new(),
            deaf: BTreeSet::new(),
            clings: BTreeSet::new(),
            apart: None,
            members: BTreeMap::new(),
        };
        town.pass(500);
        town
    }

    fn add(&mut self, by: usize, whom: usize) {
        let (group, contact) = (self.group, self.world.people[whom].account);
        self.world.people[by].command(Command::AddMembers {
            group,
            members: vec![contact],
            role: Role::Member,
        });
        self.pass(500);
    }

    fn count(&self) -> usize {
        self.world.people.len()
    }

    /// Carries what is said, connects whom somebody dials, and passes on what goes through topics, until all is still.
    fn carry(&mut self) {
        for round in 0.. {
            assert!(round < 2_000, "they do not come to rest");
            let mut still = true;
            for who in 0..self.count() {
                for device in std::mem::take(&mut self.world.people[who].calls) {
                    let to = self.world.people.iter().position(|side| side.device == device);
                    if let Some(to) = to.filter(|to| *to != who && self.may_meet(who, *to)) {
                        self.connect(who, to);
                        still = false;
                    }
                }
                for device in std::mem::take(&mut self.world.people[who].hung_up) {
                    let to = self.world.people.iter().position(|side| side.device == device);
                    // Whoever hears nothing does not let go either.
                    if let Some(to) = to.filter(|to| !self.deaf.contains(to) && !self.clings.contains(to)) {
                        self.world.disconnect(who, to);
                        still = false;
                    }
                }
                for (device, frame) in std::mem::take(&mut self.world.people[who].sent) {
                    self.frame(who, device, frame);
                    still = false;
                }
                for effect in std::mem::take(&mut self.world.people[who].gossip) {
                    self.effect(who, effect);
                    still = false;
                }
            }
            if still {
                return;
            }
        }
    }

    fn frame(&mut self, from: usize, device: DeviceId, frame: Frame) {
        let Some(to) = self.world.people.iter().position(|side| side.device == device) else { return };
        if self.linked(from, to) && !self.deaf.contains(&to) {
            let device = self.world.people[from].device;
            self.world.people[to].net(NetInput::Frame { device, frame });
        }
    }

    /// Without carrying anything, unlike that of the world.
    fn connect(&mut self, one: usize, other: usize) {
        if self.world.connected.insert((one.min(other), one.max(other))) {
            let (first, second) = (self.world.people[one].device, self.world.people[other].device);
            self.world.people[one].net(NetInput::Connected { device: second, dialled: None });
            self.world.people[other].net(NetInput::Connected { device: first, dialled: None });
        }
    }

    fn linked(&self, one: usize, other: usize) -> bool {
        self.world.connected.contains(&(one.min(other), one.max(other)))
    }

    /// Whether two can be connected at all.
    fn may_meet(&self, one: usize, other: usize) -> bool {
        self.apart.is_none_or(|(who, with)| {
            (one != who && other != who) || (one, other) == (who, with) || (other, one) == (who, with)
        })
    }

    /// Takes somebody's connections away, but for that with one other.
    fn set_apart(&mut self, who: usize, with: usize) {
        self.apart = Some((who, with));
        for other in (0..self.count()).filter(|other| *other != with).collect::<Vec<_>>() {
            if other != who && self.linked(who, other) {
                self.world.disconnect(who, other);
            }
        }
    }

    fn degree(&self, who: usize) -> usize {
        self.world.connected.iter().filter(|(one, other)| *one == who || *other == who).count()
    }

    fn effect(&mut self, who: usize, effect: Effect) {
        let links = self.world.connected.clone();
        let linked = |one: usize, other: usize| links.contains(&(one.min(other), one.max(other)));
        let passed = match effect {
            Effect::Topics { topics, members } => {
                self.members.insert(who, members);
                self.gossip.set_topics(who, topics);
                Vec::new()
            }
            Effect::Gossip { topic, bytes } => {
                self.published.push((who, topic, bytes.clone()));
                self.gossip.publish(who, topic, &bytes, linked)
            }
            Effect::Verdict { message, verdict } => {
                self.verdicts.push((who, verdict));
                self.gossip.verdict(who, message, verdict, linked)
            }
            _ => Vec::new(),
        };
        self.pass_on(passed);
    }

    fn pass_on(&mut self, passed: Vec<Passed>) {
        for passed in passed {
            if let Some(message) = self.gossip.arrive(&passed) {
                self.bring(passed.from, passed.to, (passed.topic, message), passed.bytes);
            }
        }
    }

    fn bring(&mut self, from: usize, to: usize, (topic, message): (TopicId, GossipId), bytes: Vec<u8>) {
        let device = self.world.people[from].device;
        self.world.people[to].net(NetInput::Gossip { topic, message, device, bytes });
    }

    fn pass(&mut self, millis: u64) {
        self.carry();
        for side in &mut self.world.people {
            side.pass(Span::from_millis(millis));
        }
        self.carry();
    }

    fn beat(&mut self) {
        let links = self.world.connected.clone();
        let passed = self.gossip.beat(|one, other| links.contains(&(one.min(other), one.max(other))));
        self.pass_on(passed);
        self.pass(1_000);
    }

    fn settle(&mut self) {
        for _ in 0..4 {
            self.beat();
        }
        for _ in 0..3 {
            self.pass(16_000);
        }
        self.beat();
    }

    fn say(&mut self, who: usize, text: &str) {
        let group = self.group;
        self.world.say(who, &group, text);
        self.carry();
    }

    fn texts(&self, who: usize) -> Vec<String> {
        self.world.texts(who, &self.group)
    }
}

#[test]
fn thirty_five_people_hear_everything_and_nobody_connects_to_more_than_a_few() {
    let mut town = Town::around_one(35, History::Everything);
    for who in 0..35 {
        assert_eq!(town.world.members(who, &town.group).len(), 35, "{who} knows all");
        // Neighbours in the ring, one friend, and who came while the group was small; the first has them all for friends.
        let degree = town.degree(who);
        assert!(who == 0 || (4..=28).contains(&degree), "{who} is connected with {degree}");
    }
    for (who, text) in [(0, "from the first"), (34, "from the last"), (17, "from the middle"), (0, "again")] {
        town.say(who, text);
    }
    let heard = (0..35).filter(|who| town.texts(*who).len() == 4).count();
    assert_eq!(heard, 35, "at once, without a meeting");
    assert_eq!(town.gossip.counts.published, 4);
    assert!(town.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Accept));
    town.settle();
    town.world.agree(&(0..35).collect::<Vec<_>>(), &town.group);
    for side in &town.world.people[1..] {
        assert_eq!(side.engine.stats().bad_posts + side.engine.stats().bad_chains, 0);
        let (outbox, peers) = (side.disk.rows_in("outbox"), side.disk.rows_in("peers"));
        assert!(outbox <= 8 && peers <= 30, "{outbox} waiting, {peers} rows of others' devices");
    }
}

#[test]
fn whoever_starts_again_has_topics_and_passes_chains_on() {
    let mut town = Town::of(12, History::Everything);
    town.say(3, "before");
    for who in 0..12 {
        let others: Vec<usize> = (0..12).filter(|other| town.linked(who, *other)).collect();
        for other in others {
            town.world.disconnect(who, other);
        }
        town.world.people[who].restart();
        town.gossip.left(who);
    }
    town.settle();
    town.say(5, "after");
    assert!((0..12).all(|who| town.texts(who) == ["before", "after"]));
}

#[test]
fn a_removed_member_gets_no_chain_that_was_made_after() {
    let mut town = Town::of(12, History::Everything);
    town.say(0, "all of us");
    let (group, removed) = (town.group, 7);
    // They do not hear it, so they still believe to be in, and stay connected.
    town.deaf.insert(removed);
    town.clings.insert(removed);
    let contact = town.world.people[removed].account;
    town.world.people[0].command(Command::RemoveMember { group, account: contact });
    town.pass(500);
    town.pass(500);
    assert!((0..12).filter(|who| *who != removed).all(|who| town.world.members(who, &group).len() == 11));
    assert_eq!(town.world.members(removed, &group).len(), 12);
    town.deaf.clear();
    let waited = town.world.people[removed].engine.stats().gossip_waited;
    for who in [0, 1, 5, 11] {
        town.say(who, "without them");
    }
    assert!(town.world.people[removed].engine.stats().gossip_waited > waited, "it came to them, sealed");
    assert_eq!(town.texts(removed), ["all of us"], "and nobody told them how");
    let others = (0..12).filter(|who| *who != removed).all(|who| town.texts(who).len() == 5);
    assert!(others, "the others have all");
}

#[test]
fn a_newcomer_who_is_owed_nothing_gets_no_key_to_what_was_said_before() {
    let mut town = Town::of(11, History::Nothing);
    // One more is there, whom the last knows and nobody has added.
    let config = Config { direct_members: SMALL, ..Config::default() };
    town.world.people.push(Side::with_config(12, None, config));
    town.world.befriend(10, 11);
    town.say(2, "before");
    assert!((0..11).all(|who| town.texts(who) == ["before"]));
    let (from, topic, bytes) = town.published.last().cloned().unwrap();
    town.add(10, 11);
    town.settle();
    town.say(2, "after");
    town.settle();
    assert_eq!(town.texts(11), ["after"]);
    let message = GossipId::of(&topic, &bytes);
    town.verdicts.clear();
    town.bring(from, 11, (topic, message), bytes);
    town.settle();
    assert_eq!(town.texts(11), ["after"]);
    assert!(town.verdicts.iter().all(|(who, verdict)| *who != 11 || *verdict != Verdict::Accept));
}

#[test]
fn nonsense_in_a_topic_is_refused_and_what_nobody_can_open_is_not_passed_on() {
    let mut town = Town::of(8, History::Everything);
    town.say(1, "hello");
    let (from, topic, mut bytes) = town.published.last().cloned().unwrap();
    town.verdicts.clear();
    let message = |bytes: &[u8]| GossipId::of(&topic, bytes);
    town.bring(from, 4, (topic, message(b"?")), b"?".to_vec());
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    town.bring(from, 4, (topic, message(&bytes)), bytes.clone());
    bytes[5] ^= 1;
    town.bring(from, 4, (topic, message(&bytes)), bytes.clone());
    town.bring(from, 4, (TopicId([9; 32]), message(&bytes)), bytes);
    town.carry();
    let verdicts: Vec<Verdict> = town.verdicts.iter().map(|(_, verdict)| *verdict).collect();
    assert!(verdicts.starts_with(&[Verdict::Reject]), "no envelope: {verdicts:?}");
    assert!(!verdicts.contains(&Verdict::Accept));
    assert!((0..8).all(|who| town.texts(who) == ["hello"]));
}

#[test]
fn around_midnight_the_topics_of_both_days_are_had() {
    let mut town = Town::of(6, History::Everything);
    let day = 24 * 60 * 60 * 1_000;
    let into = town.world.people[0].now.0 % day;
    let until = |time: u64| (time + day - into) % day;
    let had = |town: &Town| {
        let now = town.world.people[0].now.day();
        [now - 1, now, now + 1].map(|day| town.gossip.has(0, &TopicId::of_group(&town.group, day)))
    };
    assert_eq!(had(&town), [false, true, false]);
    town.pass(until(day - 30 * 60 * 1_000));
    assert_eq!(had(&town), [false, true, true]);
    town.pass(60 * 60 * 1_000);
    assert_eq!(had(&town), [true, true, false]);
    town.pass(60 * 60 * 1_000);
    assert_eq!(had(&town), [false, true, false]);
}

#[test]
fn nobody_but_members_hears_of_topics_or_is_asked() {
    let mut town = Town::of(8, History::Everything);
    let config = Config { direct_members: SMALL, ..Config::default() };
    town.world.people.push(Side::with_config(9, None, config));
    town.world.befriend(7, 8);
    town.settle();
    let outsider = town.world.people[8].device;
    let members: BTreeSet<DeviceId> = town.world.people[..8].iter().map(|side| side.device).collect();
    for (who, told) in &town.members {
        assert!(told.iter().all(|device| members.contains(device)), "{who} talks with members only");
    }
    assert!(town.members[&7].contains(&town.world.people[6].device));
    town.say(1, "hello");
    let (_, topic, bytes) = town.published.last().cloned().unwrap();
    // One that nobody has a chain for, from a friend who is no member.
    let mut unknown = bytes;
    unknown[0] ^= 1;
    let (waited, sent) = (town.world.people[7].engine.stats().gossip_waited, town.world.people[7].sent.len());
    town.bring(8, 7, (topic, GossipId::of(&topic, &unknown)), unknown);
    assert!(!town.world.people[7].sent[sent..].iter().any(|(device, _)| *device == outsider));
    assert_eq!(town.world.people[7].engine.stats().gossip_waited, waited);
    town.verdicts.clear();
    town.carry();
    assert_eq!(town.verdicts, [(7, Verdict::Ignore)]);
    // And who is out is none of them any more.
    let (group, removed) = (town.group, town.world.people[3].account);
    town.world.people[0].command(Command::RemoveMember { group, account: removed });
    town.settle();
    let gone = town.world.people[3].device;
    assert!(town.members.iter().filter(|(who, _)| **who != 3).all(|(_, told)| !told.contains(&gone)));
}

#[test]
fn what_a_meeting_brings_is_told_on_in_a_quiet_group() {
    let mut town = Town::of(16, History::Everything);
    let (away, with) = (5, 6);
    town.set_apart(away, away);
    // Nobody is there for it.
    town.say(away, "written alone");
    town.settle();
    assert_eq!((0..16).filter(|who| !town.texts(*who).is_empty()).count(), 1);
    // One other meets them, and nobody writes.
    town.apart = Some((away, with));
    town.connect(away, with);
    for _ in 0..10 {
        town.pass(500);
    }
    let heard = (0..16).filter(|who| town.texts(*who) == ["written alone"]).count();
    assert_eq!(heard, 16, "everybody has heard it from somebody who has met them, or met those");
}

#[test]
fn a_chain_is_passed_on_however_many_were_busy_at_once() {
    let mut town = Town::of(40, History::Everything);
    town.make_links_while_apart();
    for _ in 0..3 {
        town.pass(500);
    }
    town.beat();
    for (who, text) in [(0, "from the first"), (20, "from the middle")] {
        town.say(who, text);
    }
    let heard = (0..40).filter(|who| town.texts(*who).len() == 2).count();
    assert_eq!(heard, 40, "at once, without a meeting");
}

#[test]
fn ends_that_are_too_many_to_be_named_are_merged_by_somebody() {
    let mut town = Town::of(36, History::Everything);
    town.make_links_while_apart();
    for _ in 0..40 {
        town.pass(500);
    }
    let log = |who: usize| operations(&town.world.people[who].disk, &town.group);
    let merges = log(7).values().filter(|operation| operation.kind == Kind::Merge).count();
    assert!((1..=6).contains(&merges), "{merges} operations merged them");
    // Those that no other follows.
    let ends = |who: usize| -> BTreeSet<OperationId> {
        let all = log(who);
        let followed: BTreeSet<OperationId> =
            all.values().flat_map(|operation| operation.parents.iter().copied()).collect();
        all.into_keys().filter(|id| !followed.contains(id)).collect()
    };
    assert!(ends(7).len() <= 32, "{} ends", ends(7).len());
    assert!((0..36).all(|who| ends(who) == ends(7)), "and everybody has the same");
}

#[test]
fn whoever_wrote_while_the_group_was_small_is_heard_when_it_has_become_large() {
    let world = Town::people(14, |who| who - 1);
    let members = vec![world.people[1].account];
    let mut town = Town::begin(world, members, History::Everything);
    for who in 2..SMALL {
        town.add(who - 1, who);
    }
    town.settle();
    for who in 0..SMALL {
        town.say(who, "while we are few");
    }
    assert!((0..SMALL).all(|who| town.texts(who).len() == SMALL));
    for who in SMALL..14 {
        town.add(who - 1, who);
    }
    town.settle();
    let before = town.texts(13).len();
    for who in 0..SMALL {
        town.say(who, "now that we are many");
    }
    let heard = (0..14).filter(|who| town.texts(*who).len() == before + SMALL).count();
    assert_eq!(heard, 14, "at once, without a meeting");
}

#[test]
fn whoever_leaves_while_nobody_is_there_is_gone_for_the_others_when_they_meet() {
    let mut town = Town::around_one(14, History::Everything);
    town.say(3, "all of us");
    let (group, leaver, friend) = (town.group, 5, 0);
    town.set_apart(leaver, leaver);
    town.world.people[leaver].command(Command::LeaveGroup { group });
    town.settle();
    assert_eq!(town.world.members(3, &group).len(), 14, "nobody knows");
    // Their only friend is away when they come back.
    town.set_apart(friend, friend);
    for _ in 0..4 {
        town.settle();
    }
    for who in (1..14).filter(|who| *who != leaver) {
        assert_eq!(town.world.members(who, &group).len(), 13, "{who} has heard of it");
    }
    // What is said now is sealed anew, and they do not get the key.
    town.say(3, "without them");
    assert_eq!(town.texts(leaver), ["all of us"]);
    assert!((1..14).filter(|who| *who != leaver).all(|who| town.texts(who).len() == 2));
}

#[test]
fn who_brought_a_post_and_says_nothing_is_not_the_last_to_be_asked() {
    let mut town = Town::of(20, History::Everything);
    town.say(0, "so that all have met");
    let far: Vec<usize> = (1..20).filter(|who| !town.linked(0, *who)).collect();
    let reader = *far.first().expect("somebody is no neighbour of the first");
    let carrier = (1..20).find(|who| town.linked(reader, *who)).expect("and has neighbours");
    // The first begins a new chain, of which the reader hears nothing: not by the topic, nor in a meeting.
    let group = town.group;
    let out = *far.last().filter(|who| **who != reader).expect("and another");
    let contact = town.world.people[out].account;
    town.world.people[0].command(Command::RemoveMember { group, account: contact });
    for _ in 0..4 {
        town.pass(500);
    }
    town.gossip.left(reader);
    town.say(0, "sealed anew");
    assert_eq!(town.texts(reader).len(), 1, "it came to the others only");
    let (_, topic, bytes) = town.published.last().cloned().unwrap();
    // One neighbour brings it, and is gone before they hear the question.
    town.deaf.insert(carrier);
    town.bring(carrier, reader, (topic, GossipId::of(&topic, &bytes)), bytes);
    town.carry();
    assert_eq!(town.texts(reader).len(), 1, "nobody has told how to open it");
    town.pass(2_500);
    assert_eq!(town.texts(reader).len(), 2, "another neighbour was asked, and told");
}
