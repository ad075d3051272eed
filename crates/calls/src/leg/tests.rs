//! Words in every order that the engine may say them.

use kith_proto::call::Media;
use kith_proto::call::media::IceServer;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;

use super::*;

fn leg(side: Side, polite: bool, ways: Ways, relay: bool) -> Leg {
    let id = LegId { call: CallId([1; 16]), device: DeviceId([2; 32]) };
    let server = |url: &str| IceServer {
        url: BoundedStr::truncated(url),
        user: BoundedStr::truncated(""),
        password: BoundedStr::truncated(""),
    };
    let servers =
        if relay { vec![server("turn:192.0.2.1:3478")] } else { vec![server("stun:192.0.2.1:3478")] };
    Leg::new(&Opening {
        leg: id,
        epoch: 1,
        side,
        polite,
        ways,
        media: Media::AUDIO,
        theirs: Default::default(),
        servers: BoundedVec::truncated(servers),
        sealed: false,
    })
}

fn offers(ways: Ways) -> Leg {
    let mut leg = leg(Side::Offers, false, ways, true);
    assert_eq!(leg.begin(), [Act::Offer { restart: false }]);
    leg
}

fn answers(polite: bool) -> Leg {
    let mut leg = leg(Side::Answers, polite, Ways::Any, false);
    assert_eq!(leg.begin(), []);
    leg
}

fn list(lines: &[&str]) -> Candidates {
    BoundedVec::truncated(lines.iter().map(|line| BoundedStr::truncated(*line)).collect())
}

#[test]
fn an_offer_is_answered_and_candidates_wait_for_it() {
    let mut bob = answers(false);
    assert_eq!(bob.candidates(1, &list(&["a", "b"]), |line| line != "b"), []);
    let acts = bob.describe(1, true, "offer");
    assert_eq!(
        acts,
        [Act::Answer("offer".into()), Act::Candidate("a".into())],
        "and what may not be tried is not"
    );
    assert_eq!(bob.candidates(1, &list(&["c"]), |_| true), [Act::Candidate("c".into())]);
    assert_eq!(bob.candidates(2, &list(&["d"]), |_| true), [], "of an epoch that has not begun");
}

#[test]
fn the_answer_to_the_last_offer_counts() {
    let mut ann = offers(Ways::RelayOnly);
    let acts = ann.allow_direct();
    assert_eq!(acts, [Act::Allow, Act::Offer { restart: true }]);
    assert_eq!(ann.allow_direct(), [], "the second time it means nothing");
    assert_eq!(ann.describe(1, false, "to the first"), []);
    assert_eq!(ann.describe(1, false, "to the second"), [Act::Answered("to the second".into())]);
    assert_eq!(ann.describe(1, false, "to none"), []);
}

#[test]
fn an_epoch_ends_all_before_it() {
    let mut ann = offers(Ways::Any);
    assert_eq!(ann.restart(2), [Act::Offer { restart: true }]);
    assert_eq!(ann.restart(2), [], "it has begun");
    assert_eq!(ann.describe(1, false, "late"), [], "an answer of the first epoch");
    assert_eq!(ann.describe(2, false, "answer"), [Act::Answered("answer".into())]);
    assert_eq!(ann.describe(3, true, "offer"), [], "only this side begins epochs");

    let mut bob = answers(false);
    bob.describe(1, true, "offer");
    assert_eq!(bob.describe(3, true, "again"), [Act::Answer("again".into())]);
    assert_eq!(bob.describe(2, true, "late"), []);
    assert_eq!(bob.restart(9), [], "that is not for this side");
}

#[test]
fn when_both_offer_the_polite_one_gives_way() {
    let mut ann = offers(Ways::Any);
    assert_eq!(ann.describe(1, true, "bob's"), [], "Ann keeps to hers");
    assert_eq!(ann.describe(1, false, "answer"), [Act::Answered("answer".into())]);
    let mut eve = leg(Side::Offers, true, Ways::Any, true);
    eve.begin();
    assert_eq!(eve.describe(1, true, "bob's"), [Act::Answer("bob's".into())]);
    assert_eq!(eve.describe(1, false, "answer"), [], "hers was withdrawn");
}

#[test]
fn without_a_relay_nobody_is_told_where_this_side_is() {
    let failed =
        |leg: &Leg| Act::Tell(MediaEvent::Failed { leg: leg.id, opened: 1, reason: MediaFailure::NoRelay });
    let mut bob = leg(Side::Answers, false, Ways::RelayOnly, false);
    assert_eq!(bob.begin(), [failed(&bob)]);
    assert_eq!(bob.fail(MediaFailure::Broken), [], "that is said once");

    let mut bob = leg(Side::Answers, false, Ways::RelayOnly, true);
    assert_eq!(bob.begin(), []);
    bob.set_servers(&BoundedVec::default());
    assert_eq!(bob.describe(1, true, "offer"), [failed(&bob)], "the relay is gone");

    // Who calls may be allowed more once somebody has answered; only then it is certain.
    let mut ann = leg(Side::Offers, false, Ways::RelayOnly, false);
    assert_eq!(ann.begin(), [Act::Offer { restart: false }]);
    assert_eq!(ann.describe(1, false, "answer"), [failed(&ann)]);
}

#[test]
fn other_servers_count_from_the_next_search() {
    let mut ann = offers(Ways::Any);
    ann.set_servers(&BoundedVec::default());
    assert_eq!(ann.describe(1, false, "answer"), [Act::Answered("answer".into())], "this search goes on");
    assert_eq!(ann.restart(2), [Act::Allow, Act::Offer { restart: true }]);
    assert_eq!(ann.restart(3), [Act::Offer { restart: true }], "they are said once");

    let mut bob = answers(false);
    bob.set_servers(&BoundedVec::default());
    assert_eq!(bob.describe(1, true, "offer"), [Act::Allow, Act::Answer("offer".into())]);
    assert_eq!(bob.describe(2, true, "again"), [Act::Answer("again".into())]);
}

#[test]
fn candidates_are_told_together() {
    let mut ann = offers(Ways::Any);
    let begin = Instant::now();
    (0..40).for_each(|number| ann.gathered(begin, &format!("candidate {number}")));
    ann.gathered(begin, &"x".repeat(300));
    assert_eq!(ann.wake(begin), [], "there may be more");
    ann.all_gathered(begin + Duration::from_millis(10));
    assert_eq!(ann.tell_at, Some(begin + TOGETHER));
    let told = ann.wake(begin + TOGETHER);
    let parts: Vec<(usize, bool)> = told
        .iter()
        .map(|act| match act {
            Act::Tell(MediaEvent::Gathered { list, done, .. }) => (list.len(), *done),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(parts, [(32, false), (8, true)], "one that is too long is no candidate");
    assert_eq!(ann.wake(begin + TOGETHER * 2), []);
}

#[test]
fn nobody_tries_candidates_without_end() {
    let mut bob = answers(false);
    bob.describe(1, true, "offer");
    let many = list(&["c"; 32]);
    let tried: usize = (0..10).map(|_| bob.candidates(1, &many, |_| true).len()).sum();
    assert_eq!(tried, MOST_TAKEN);
}

#[test]
fn nobody_is_answered_without_end() {
    let mut bob = answers(false);
    let answered = (0..10).filter(|_| !bob.describe(1, true, "offer").is_empty()).count();
    assert_eq!(answered, 2, "one search, and one when all ways are allowed");
    assert_eq!(bob.describe(2, true, "offer").len(), 1, "another epoch is another search");
}

#[test]
fn silence_and_the_way_are_told_when_they_change() {
    let mut ann = offers(Ways::Any);
    assert_eq!(ann.silent_for(SILENT), [], "nothing was there that could end");
    assert_eq!(ann.state(State::Interrupted, false), []);
    assert_eq!(ann.state(State::Connected, true).len(), 1);
    assert_eq!(ann.state(State::Connected, true), []);
    assert_eq!(ann.silent_for(SILENT / 2), []);
    assert_eq!(ann.silent_for(SILENT).len(), 1);
    assert_eq!(ann.silent_for(SILENT * 2), []);
    assert_eq!(ann.silent_for(Duration::ZERO).len(), 1);
    assert_eq!(ann.state(State::Failed, true).len(), 1);
}
