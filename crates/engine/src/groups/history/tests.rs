//! Histories in any order, with gaps, lies and floods. What is here also serves the tests of meetings.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::group::VerifiedPost;
use kith_crypto::group::sign_post;
use kith_crypto::identity::DeviceSecret;
use kith_proto::bounded::BoundedBytes;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::id::PostId;
use kith_proto::id::ViewId;
use kith_proto::post::Draft;
use kith_proto::sync::MAX_RUNS;
use kith_proto::time::Span as TimeSpan;
use kith_proto::time::Timestamp;
use kith_simulations::disk::Disk;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;

pub(crate) const GROUP: GroupId = GroupId([7; 32]);
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// One device with its history and its disk.
pub(crate) struct Node {
    pub(crate) device: DeviceSecret,
    pub(crate) history: History,
    pub(crate) disk: Disk,
    pub(crate) now: Timestamp,
}

impl Node {
    pub(crate) fn new(seed: u64) -> Self {
        let device = DeviceSecret::generate(&mut ChaCha20Rng::seed_from_u64(seed));
        Self { device, history: History::new(GROUP), disk: Disk::default(), now: NOW }
    }

    /// Inserts and commits.
    pub(crate) fn insert(&mut self, post: &VerifiedPost) -> Result<Inserted, InsertError> {
        let mut out = Output::new();
        let inserted = self.history.insert(&self.disk, &mut out, post);
        if inserted.is_ok() {
            self.disk.commit(out.take_writes());
        } else {
            assert!(out.has_no_writes(), "what is refused writes nothing");
        }
        inserted
    }

    pub(crate) fn draft(&self, body: &[u8]) -> Draft {
        let body = BoundedBytes::new(body.to_vec()).unwrap();
        self.history.compose(AccountId([1; 32]), self.device.id(), ViewId([2; 32]), self.now, body)
    }

    /// Writes something, a second later.
    pub(crate) fn say(&mut self, body: &[u8]) -> VerifiedPost {
        self.now = self.now + TimeSpan::from_secs(1);
        let post = sign_post(&self.device, self.draft(body)).unwrap();
        self.insert(&post).unwrap();
        post
    }

    pub(crate) fn shown(&self) -> Vec<Shown> {
        window(&self.disk, &GROUP, None, usize::MAX).unwrap()
    }

    /// All names, in the order of the screen.
    pub(crate) fn names(&self) -> Vec<PostId> {
        self.shown().iter().map(|shown| shown.place.post).collect()
    }

    /// Every row, to compare whole states.
    fn everything(&self) -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
        use rows::*;
        let tables = [HISTORIES, LINES, POSTS, PLACES, SLOTS, ORDER];
        tables.map(|table| scan_group(&self.disk, table, &GROUP).unwrap()).to_vec()
    }

    fn restarted(&self) -> History {
        History::load(GROUP, &self.disk).unwrap()
    }
}

/// A device that writes whatever it likes.
pub(crate) struct Liar(pub(crate) DeviceSecret);

impl Liar {
    pub(crate) fn new(seed: u64) -> Self {
        Self(DeviceSecret::generate(&mut ChaCha20Rng::seed_from_u64(seed)))
    }

    pub(crate) fn say(
        &self,
        sequence: u32,
        previous: Option<PostId>,
        parents: &[PostId],
        time: Timestamp,
        body: &[u8],
    ) -> VerifiedPost {
        let parents: BTreeSet<_> = parents.iter().copied().collect();
        let draft = Draft {
            group: GROUP,
            account: AccountId([6; 32]),
            device: self.0.id(),
            sequence,
            previous: (sequence > 1).then(|| previous.unwrap_or(PostId([9; 32]))),
            parents: BoundedVec::new(parents.into_iter().collect()).unwrap(),
            view: ViewId([2; 32]),
            time,
            body: BoundedBytes::new(body.to_vec()).unwrap(),
        };
        sign_post(&self.0, draft).unwrap()
    }
}

/// A conversation of some devices, of which each hears others only now and then.
fn conversation(seed: u64, steps: &[(usize, usize)]) -> Vec<VerifiedPost> {
    let mut nodes: Vec<_> = (0..4).map(|n| Node::new(seed * 10 + n)).collect();
    let mut all: Vec<VerifiedPost> = Vec::new();
    for (at, (who, hears)) in steps.iter().enumerate() {
        let node = &mut nodes[who % 4];
        // Clocks differ by minutes, and some go backwards.
        node.now = NOW + TimeSpan::from_secs((at * 30 + (who * 977 % 600)) as u64);
        for post in all.iter().filter(|post| post.id().0[0] as usize % 4 < hears % 5) {
            node.insert(post).unwrap();
        }
        all.push(node.say(&at.to_be_bytes()));
    }
    all
}

fn steps() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..4_usize, 0..5_usize), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_order_gives_the_same_history(
        seed in 0..1_000_u64,
        steps in steps(),
        keys in prop::collection::vec(any::<u32>(), 40),
        again in prop::collection::vec(0..40_usize, 0..20),
    ) {
        let posts = conversation(seed, &steps);
        let (mut straight, mut mixed) = (Node::new(1), Node::new(2));
        for post in &posts {
            straight.insert(post).unwrap();
        }
        let mut order: Vec<_> = (0..posts.len()).collect();
        order.sort_by_key(|at| keys[*at]);
        for at in &order {
            let before = mixed.names();
            mixed.insert(&posts[*at]).unwrap();
            let after: Vec<_> = mixed.names().into_iter().filter(|id| before.contains(id)).collect();
            prop_assert_eq!(before, after, "nothing that was shown moves");
            for at in again.iter().filter_map(|at| order.get(*at)) {
                if mixed.names().contains(&posts[*at].id()) {
                    prop_assert_eq!(mixed.insert(&posts[*at]).unwrap(), Inserted::Known);
                }
            }
        }
        prop_assert_eq!(straight.everything(), mixed.everything());
        prop_assert_eq!(straight.history.digest(), mixed.history.digest());
        prop_assert_eq!(mixed.restarted().lines, mixed.history.lines.clone(), "the rows are the state");
        prop_assert!(missing_posts(&mixed.disk, &GROUP).unwrap().is_empty());
        // Whatever was named stands before what names it.
        let place: BTreeMap<_, _> = mixed.names().into_iter().enumerate().map(|(at, id)| (id, at)).collect();
        for shown in mixed.shown() {
            prop_assert!(shown.gaps.is_empty() && shown.forks.is_empty() && !shown.misdated);
            prop_assert!(shown.post.draft.named().all(|named| place[named] < place[&shown.place.post]));
        }
    }

    #[test]
    fn what_is_missing_is_what_is_missing(
        seed in 0..1_000_u64,
        steps in steps(),
        one in prop::collection::vec(any::<bool>(), 40),
        other in prop::collection::vec(any::<bool>(), 40),
    ) {
        let posts = conversation(seed, &steps);
        let mut nodes = [Node::new(1), Node::new(2)];
        for (at, post) in posts.iter().enumerate() {
            if one[at] { nodes[0].insert(post).unwrap(); }
            if other[at] { nodes[1].insert(post).unwrap(); }
        }
        let numbers = |runs: &[(DeviceId, Run)]| -> BTreeSet<(DeviceId, u32)> {
            runs.iter().flat_map(|(device, run)| (run.from..=run.to).map(|n| (*device, n))).collect()
        };
        let told: Vec<_> = nodes[1].history.lines().collect();
        for line in &told {
            prop_assert_eq!(&Line::from_bytes(&line.to_bytes()).unwrap(), line);
        }
        let has = |which: bool, at: usize| if which { one[at] } else { other[at] };
        let expected = |mine: bool| -> BTreeSet<(DeviceId, u32)> {
            let each = posts.iter().enumerate().filter(|(at, _)| has(mine, *at) && !has(!mine, *at));
            each.map(|(_, post)| (post.draft.device, post.draft.sequence)).collect()
        };
        prop_assert_eq!(numbers(&nodes[0].history.missing(&told)), expected(true));
        let wanted = nodes[0].history.wanted(&told);
        let wanted: Vec<_> = wanted.iter().map(|span| (told[span.line as usize].device, span.run)).collect();
        prop_assert_eq!(numbers(&wanted), expected(false));
        // A gap is shown exactly where something named is not there.
        let names: BTreeSet<_> = nodes[0].names().into_iter().collect();
        for shown in nodes[0].shown() {
            let lacks = shown.post.draft.named().filter(|named| !names.contains(named)).count();
            prop_assert_eq!(shown.gaps.len(), lacks);
        }
        for (at, post) in posts.iter().enumerate().filter(|(at, _)| !one[*at]) {
            prop_assert!(matches!(nodes[0].insert(post).unwrap(), Inserted::New { .. }), "{}", at);
        }
        prop_assert!(nodes[0].shown().iter().all(|shown| shown.gaps.is_empty()), "all gaps close");
        prop_assert!(nodes[0].history.holes().is_empty());
    }

    #[test]
    fn of_many_posts_under_one_number_the_same_stay(order in Just((0..9_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let liar = Liar::new(5);
        let first = liar.say(1, None, &[], NOW, b"first");
        let forks: Vec<_> = (0..9_u8).map(|n| liar.say(2, Some(first.id()), &[], NOW + TimeSpan(1), &[n])).collect();
        let mut node = Node::new(1);
        node.insert(&first).unwrap();
        for at in &order {
            let _ = node.insert(&forks[*at]);
        }
        let mut lowest: Vec<_> = forks.iter().map(|post| post.id()).collect();
        lowest.sort_unstable();
        lowest.truncate(MAX_FORKS);
        let kept: BTreeSet<_> = node.names().into_iter().filter(|id| *id != first.id()).collect();
        prop_assert_eq!(kept, lowest.iter().copied().collect::<BTreeSet<_>>());
        prop_assert_eq!(node.history.flagged().collect::<Vec<_>>(), [&liar.0.id()]);
        prop_assert_eq!(node.history.len(), 5);
        prop_assert_eq!(node.history.weight(&liar.0.id()).0, 5);
        let mut straight = Node::new(2);
        straight.insert(&first).unwrap();
        for post in forks.iter().filter(|post| lowest.contains(&post.id())) {
            straight.insert(post).unwrap();
        }
        prop_assert_eq!(straight.history.digest(), node.history.digest());
        prop_assert!(node.shown().iter().skip(1).all(|shown| shown.forks.len() == MAX_FORKS - 1));
    }
}

#[test]
fn a_late_post_closes_its_gap_and_moves_nothing() {
    let (mut ann, mut bob, mut eve) = (Node::new(1), Node::new(2), Node::new(3));
    let question = ann.say(b"shall we?");
    bob.insert(&question).unwrap();
    let answer = bob.say(b"yes");
    let more = bob.say(b"at eight");
    eve.insert(&more).unwrap();
    let gap = Run { from: 1, to: 1 };
    assert_eq!(eve.shown()[0].gaps, [Gap::Numbers(gap)], "a number is missing");
    assert_eq!(eve.history.holes(), [(bob.device.id(), gap)]);
    eve.insert(&answer).unwrap();
    assert_eq!(eve.shown()[0].gaps, [Gap::Post(question.id())], "what he answered is missing");
    assert_eq!(missing_posts(&eve.disk, &GROUP).unwrap(), [(question.id(), bob.device.id())]);
    let inserted = eve.insert(&question).unwrap();
    assert!(matches!(inserted, Inserted::New { fills: true, .. }), "{inserted:?}");
    assert_eq!(eve.names(), [question.id(), answer.id(), more.id()]);
    assert!(eve.shown().iter().all(|shown| shown.gaps.is_empty()));
    assert!(missing_posts(&eve.disk, &GROUP).unwrap().is_empty());
    assert_eq!(eve.history.heads(&eve.device.id(), eve.now + TimeSpan::from_hours(1)).len(), 1);
}

#[test]
fn a_post_names_the_newest_of_others_once() {
    let mut nodes: Vec<_> = (0..12).map(Node::new).collect();
    let posts: Vec<_> = nodes.iter_mut().map(|node| node.say(b"hello")).collect();
    let ann = &mut nodes[0];
    posts.iter().for_each(|post| assert!(ann.insert(post).is_ok()));
    let one = ann.say(b"one");
    assert_eq!(one.draft.parents.len(), MAX_PARENTS);
    assert_eq!(one.draft.previous, Some(posts[0].id()));
    let two = ann.say(b"two");
    assert_eq!(two.draft.parents.len(), 11 - MAX_PARENTS, "the others are named by the next");
    assert!(ann.say(b"three").draft.parents.is_empty());
}

#[test]
fn a_clock_that_is_behind_does_not_put_an_answer_before_its_question() {
    let (mut ann, mut bob) = (Node::new(1), Node::new(2));
    let question = ann.say(b"?");
    bob.now = Timestamp(NOW.0 - TimeSpan::from_hours(5).0);
    bob.insert(&question).unwrap();
    let answer = bob.say(b"!");
    assert_eq!(bob.names(), [question.id(), answer.id()]);
    assert!(!bob.shown()[1].misdated);
}

#[test]
fn a_post_from_the_far_future_drags_nobody_along() {
    let (mut ann, liar) = (Node::new(1), Liar::new(5));
    let future = liar.say(1, None, &[], MAX_POST_TIME, b"2100");
    ann.insert(&future).unwrap();
    let mine = ann.say(b"now");
    assert!(mine.draft.parents.is_empty() && mine.draft.time < NOW + MAX_AHEAD);
    assert_eq!(ann.names(), [mine.id(), future.id()]);
    // Whoever names it all the same, at a time before it, is seen through.
    let fool = liar.say(2, Some(future.id()), &[], NOW, b"backwards");
    ann.insert(&fool).unwrap();
    assert!(ann.shown().iter().any(|shown| shown.place.post == fool.id() && shown.misdated));
}

#[test]
fn a_forged_line_is_flagged_in_either_order() {
    let liar = Liar::new(5);
    let first = liar.say(1, None, &[], NOW, b"for ann");
    let hidden = liar.say(1, None, &[], NOW, b"for bob");
    let second = liar.say(2, Some(hidden.id()), &[], NOW + TimeSpan(1), b"both");
    for order in [[&first, &second], [&second, &first]] {
        let mut node = Node::new(1);
        order.iter().for_each(|post| assert!(node.insert(post).is_ok()));
        assert_eq!(node.history.flagged().count(), 1, "its second names a first that we were not shown");
        assert_eq!(node.shown()[1].gaps, [Gap::Post(hidden.id())]);
    }
}

#[test]
fn floods_are_bounded_and_take_nothing_from_others() {
    let (mut node, liar) = (Node::new(1), Liar::new(5));
    // Every second number: a gap each.
    let scattered = (1..=1_000_u32).filter(|n| node.insert(&liar.say(n * 2, None, &[], NOW, b"")).is_ok());
    assert_eq!(scattered.count(), MAX_RUNS);
    // Parents that nobody has ever seen.
    let other = Liar::new(6);
    let mut previous = None;
    for n in 1..=100_u32 {
        let forged: Vec<_> =
            (0..8_u8).map(|k| PostId([k, n as u8, 1, 2].repeat(8).try_into().unwrap())).collect();
        let post = other.say(n, previous, &forged, NOW, b"");
        node.insert(&post).unwrap();
        previous = Some(post.id());
    }
    let noted = missing_posts(&node.disk, &GROUP).unwrap();
    assert_eq!(noted.len(), MAX_MISSING as usize, "all are gaps on the screen; so many are listed");
    assert_eq!(
        node.history.heads(&node.device.id(), NOW).len(),
        2,
        "one for each device, however many it writes"
    );
    let mut honest = Node::new(2);
    let said = honest.say(b"hello");
    assert!(node.insert(&said).is_ok());
    assert_eq!(node.restarted().lines, node.history.lines);
    let memory: usize = node.history.lines().map(|line| line.to_bytes().len()).sum();
    assert!(memory < 2 * 2_048, "{memory} bytes for three devices");
}

#[test]
fn a_post_of_another_group_is_none_of_ours() {
    let (mut node, liar) = (Node::new(1), Liar::new(5));
    node.history = History::new(GroupId([8; 32]));
    let refused = node.insert(&liar.say(1, None, &[], NOW, b""));
    assert_eq!(refused, Err(InsertError::Refused(Refusal::OtherGroup)));
}

#[test]
fn a_long_history_is_read_in_windows_and_written_in_a_few_rows() {
    let mut node = Node::new(1);
    let mut reads = 0;
    for n in 0..3_000_u32 {
        let mut out = Output::new();
        node.now = node.now + TimeSpan(1);
        let post = sign_post(&node.device, node.draft(&n.to_be_bytes())).unwrap();
        node.history.insert(&node.disk, &mut out, &post).unwrap();
        let writes = out.take_writes();
        reads = reads.max(writes.len());
        node.disk.commit(writes);
    }
    assert_eq!(reads, 6, "rows written for each post");
    let last = window(&node.disk, &GROUP, None, 50).unwrap();
    let before = window(&node.disk, &GROUP, Some(&last[0].place), 50).unwrap();
    assert_eq!((last.len(), before.len()), (50, 50));
    assert!(before[49].place < last[0].place);
    let memory = size_of::<History>() + node.history.lines.len() * size_of::<LineRow>();
    assert!(memory < 512, "{memory} bytes in memory");
}
