//! Strangers: work instead of a key, few and small envelopes, and a price that rises.

use kith_mailbox::Config;
use kith_mailbox::config::Rate;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::OwnerProof;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::deposit_subject;
use kith_proto::time::Span;

use crate::house::House;
use crate::house::Person;
use crate::house::START;
use crate::house::envelope;

fn house(ann: &Person) -> House {
    let mut house = House::new(Config { open: true, knock_bits: 4, knock_rise_bits: 5, ..Config::default() });
    let queues = (0..40).map(|number| (ann.door(number), Access::Knock {})).collect();
    ann.register(&mut house, queues);
    house
}

fn knock(
    house: &mut House,
    ann: &Person,
    queue: u16,
    envelope: &Envelope,
    work: Option<WorkProof>,
) -> Answer {
    let stream = house.stream();
    let (queue, keep, envelope) = (ann.door(queue), KeepFor::Days14, envelope.clone());
    house.ask_one(stream, Request::Deposit { queue, envelope, keep, work, signature: [0; 64] })
}

/// Asks for the price and works.
fn work(house: &mut House, ann: &Person, queue: u16, envelope: &Envelope) -> (u8, WorkProof) {
    let Answer::WorkWanted { challenge, bits } = knock(house, ann, queue, envelope, None) else {
        panic!("no work is wanted")
    };
    let subject = deposit_subject(&ann.door(queue), &envelope.id());
    (bits.bits(), WorkProof::search(&challenge, bits, &subject, 0, 1 << 20).unwrap())
}

#[test]
fn a_stranger_knocks_with_work_for_one_envelope_in_one_queue() {
    let ann = Person::new(1, 1);
    let mut house = house(&ann);
    let (first, second) = (envelope(1, 1), envelope(2, 1));
    let (bits, proof) = work(&mut house, &ann, 0, &first);
    assert_eq!(bits, 4);
    let mut wrong = proof;
    while wrong.bits(&deposit_subject(&ann.door(0), &first.id())) >= 4 {
        wrong.solution += 1;
    }
    assert!(matches!(knock(&mut house, &ann, 0, &first, Some(wrong)), Answer::WorkWanted { .. }));
    let elsewhere = knock(&mut house, &ann, 1, &first, Some(proof));
    assert!(matches!(elsewhere, Answer::WorkWanted { .. }), "another queue has another challenge");
    let receipt = knock(&mut house, &ann, 0, &first, Some(proof));
    assert!(matches!(receipt, Answer::Stored { .. }));
    assert_eq!(knock(&mut house, &ann, 0, &first, None), receipt, "the same again costs nothing");
    let forged = WorkProof { challenge: [0; 32], ..proof };
    assert!(matches!(knock(&mut house, &ann, 0, &second, Some(forged)), Answer::WorkWanted { .. }));
    assert_eq!(ann.listen(&mut house, 0).1.len(), 1);
}

#[test]
fn a_challenge_lives_an_hour_and_needs_no_memory() {
    let ann = Person::new(1, 1);
    let mut house = house(&ann);
    let (_, one) = work(&mut house, &ann, 0, &envelope(1, 0));
    let (_, two) = work(&mut house, &ann, 0, &envelope(2, 0));
    house.elapse(Span::from_minutes(119));
    house.crash();
    assert!(matches!(knock(&mut house, &ann, 0, &envelope(1, 0), Some(one)), Answer::Stored { .. }));
    house.elapse(Span::from_minutes(1));
    assert!(matches!(knock(&mut house, &ann, 0, &envelope(2, 0), Some(two)), Answer::WorkWanted { .. }));
}

#[test]
fn the_price_rises_until_the_queue_is_full() {
    let ann = Person::new(1, 1);
    let mut house = house(&ann);
    let mut prices = Vec::new();
    let (_, cheap) = work(&mut house, &ann, 0, &envelope(99, 0));
    for number in 0..20 {
        let (bits, proof) = work(&mut house, &ann, 0, &envelope(number, 0));
        prices.push(bits);
        assert!(matches!(
            knock(&mut house, &ann, 0, &envelope(number, 0), Some(proof)),
            Answer::Stored { .. }
        ));
    }
    assert!(prices.is_sorted() && prices[0] == 4 && prices[19] == 8, "{prices:?}");
    let full = knock(&mut house, &ann, 0, &envelope(99, 0), Some(cheap));
    assert!(matches!(full, Answer::WorkWanted { .. }), "as much work as others did opens no full queue");
    let (phone, listed) = ann.listen(&mut house, 0);
    house.ask(phone, Request::Delete { up_to: listed[11].sequence });
    let wanted = knock(&mut house, &ann, 0, &envelope(99, 0), None);
    let Answer::WorkWanted { bits, .. } = wanted else { panic!("{wanted:?}") };
    assert_eq!(bits.bits(), 6);
    assert!(
        matches!(knock(&mut house, &ann, 0, &envelope(99, 0), Some(cheap)), Answer::Stored { .. }),
        "work done two bits ago still counts"
    );
}

#[test]
fn in_a_full_queue_more_work_takes_the_place_of_the_least() {
    let ann = Person::new(1, 1);
    let mut house = house(&ann);
    // A flood that did what was asked of it.
    for number in 0..20 {
        let (_, proof) = work(&mut house, &ann, 0, &envelope(number, 0));
        knock(&mut house, &ann, 0, &envelope(number, 0), Some(proof));
    }
    let of = |house: &mut House| -> Vec<_> {
        let listed = ann.listen(house, 0).1;
        listed.iter().map(|entry| entry.envelope).collect()
    };
    let before = of(&mut house);
    let honest = envelope(50, 0);
    let (bits, proof) = work(&mut house, &ann, 0, &honest);
    assert!(bits > 4, "one bit more than the least work that is there: {bits}");
    house.crash();
    assert!(matches!(knock(&mut house, &ann, 0, &honest, Some(proof)), Answer::Stored { .. }));
    let after = of(&mut house);
    assert_eq!(after.len(), 20, "the queue has as many as before");
    assert!(after.contains(&honest.id()) && before.iter().filter(|id| !after.contains(id)).count() == 1);
    // Whoever gave way may come again, with more work than the least.
    let gone = (0..20).map(|number| envelope(number, 0)).find(|one| !after.contains(&one.id())).unwrap();
    let (_, again) = work(&mut house, &ann, 0, &gone);
    assert!(matches!(knock(&mut house, &ann, 0, &gone, Some(again)), Answer::Stored { .. }));
    assert_eq!(house.mailbox.stats().gave_way, 2);
    // What the reader gets tells the work, and it can be checked without the mailbox's word.
    let (phone, listed) = ann.listen(&mut house, 0);
    let sequences = BoundedVec::truncated(listed.iter().map(|entry| entry.sequence).collect());
    for answer in house.ask(phone, Request::Get { sequences }) {
        let Answer::Envelope { envelope, work: Some(work), .. } = answer else { panic!("{answer:?}") };
        assert!(work.credit(&deposit_subject(&ann.door(0), &envelope.id())) >= 4);
    }
}

#[test]
fn many_knocks_anywhere_raise_the_price_for_an_hour_or_two() {
    let ann = Person::new(1, 1);
    let mut house = house(&ann);
    for number in 0..120 {
        let queue = u16::try_from(number % 40).unwrap();
        let (_, proof) = work(&mut house, &ann, queue, &envelope(number, 0));
        let answer = knock(&mut house, &ann, queue, &envelope(number, 0), Some(proof));
        assert!(matches!(answer, Answer::Stored { .. }));
    }
    let price = |house: &mut House| {
        let stream = house.stream();
        match house.ask_one(stream, Request::Info {}) {
            Answer::Info { work_bits, .. } => work_bits.bits(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(price(&mut house), 6, "twice the calm rate");
    house.elapse(Span::from_hours(1));
    assert_eq!(price(&mut house), 6);
    house.elapse(Span::from_hours(1));
    assert_eq!(price(&mut house), 4);
}

#[test]
fn strangers_leave_small_envelopes_only() {
    let ann = Person::new(1, 1);
    let mut house = house(&ann);
    assert!(matches!(knock(&mut house, &ann, 0, &envelope(1, 2), None), Answer::WorkWanted { .. }));
    assert_eq!(knock(&mut house, &ann, 0, &envelope(1, 3), None), Answer::Refused {});
}

/// Registers with proofs as they are, and tells what was said.
fn asks(house: &mut House, who: &Person, period: u32, doors: &[QueueId], owners: Vec<OwnerProof>) -> Answer {
    let stream = house.stream();
    asks_on(house, stream, who, period, doors, owners)
}

fn asks_on(
    house: &mut House,
    stream: u64,
    who: &Person,
    period: u32,
    doors: &[QueueId],
    owners: Vec<OwnerProof>,
) -> Answer {
    let queues = doors.iter().map(|door| (*door, Access::Knock {})).collect();
    let request = who.registration_with(house, stream, period, queues, owners, Admission::Open {});
    house.ask_one(stream, request)
}

#[test]
fn only_the_owner_opens_a_queue_whose_name_others_know() {
    let (mut house, ann, eve) = (House::open(), Person::new(1, 1), Person::new(2, 1));
    let door = ann.door(0);
    let is_refused = |answer| matches!(answer, Answer::Refused {});
    assert!(is_refused(asks(&mut house, &eve, 1, &[door], Vec::new())), "no proof");
    let own = eve.proof(&house, 0, &eve.inbox(), 1);
    assert!(is_refused(asks(&mut house, &eve, 1, &[door], vec![own])), "of another queue");
    let heard = ann.proof(&house, 0, &ann.inbox(), 1);
    assert!(is_refused(asks(&mut house, &eve, 1, &[door], vec![heard])), "for another inbox");
    let other = House::of([8; 32], house.config.clone());
    let elsewhere = ann.proof(&other, 0, &ann.inbox(), 1);
    assert!(is_refused(asks(&mut house, &ann, 1, &[door], vec![elsewhere])), "at another mailbox");
    assert!(is_refused(asks(&mut house, &ann, 2, &[door], vec![heard])), "for another period");
    assert!(is_refused(asks(&mut house, &ann, 1, &[ann.queue(0)], vec![heard])), "a name that nobody owns");
    assert_eq!(house.mailbox.overview().queues, 0);
    let open = asks(&mut house, &ann, 1, &[door], vec![heard]);
    assert!(matches!(open, Answer::Registered { queues: 1, .. }));
    let again = asks(&mut house, &ann, 1, &[door], Vec::new());
    assert!(matches!(again, Answer::Registered { queues: 1, .. }), "it was shown");
    assert!(is_refused(asks(&mut house, &eve, 1, &[eve.door(1)], Vec::new())), "nor with a key");
}

#[test]
fn a_registration_pays_for_each_proof_before_one_is_checked() {
    let checks = Rate { per_hour: 3_600, burst: 300 };
    let mut house = House::new(Config { open: true, checks, ..Config::default() });
    let (ann, eve) = (Person::new(1, 1), Person::new(2, 1));
    // One address for all of them.
    let street = house.stream_from(7);
    let many = |house: &House, who: &Person, period| {
        let doors: Vec<_> = (0..200).map(|number| who.door(number)).collect();
        let proofs: Vec<_> = (0..200).map(|number| who.proof(house, number, &who.inbox(), period)).collect();
        (doors, proofs)
    };
    let (doors, mut proofs) = many(&house, &eve, 1);
    let missing = proofs.pop();
    let before = house.mailbox.stats();
    assert_eq!(asks_on(&mut house, street, &eve, 1, &doors, proofs.clone()), Answer::Refused {});
    let after = house.mailbox.stats();
    assert_eq!(
        after.checks - before.checks,
        1,
        "only the request's own signature was checked: one proof is missing"
    );
    assert_eq!(after.bad_signatures - before.bad_signatures, 1, "which is fined");
    proofs.extend(missing);
    let answer = asks_on(&mut house, street, &eve, 1, &doors, proofs.clone());
    assert!(matches!(answer, Answer::OverQuota { retry_after_secs: 1.. }), "too fast: {answer:?}");
    assert_eq!(house.mailbox.stats().checks - after.checks, 1, "and none of the proofs was checked");
    assert_eq!(house.mailbox.overview().queues, 0);
    // Ten minutes later the address has paid, and somebody else behind it opens as many.
    house.elapse(Span::from_minutes(10));
    let street = house.stream_from(7);
    let (doors, proofs) = many(&house, &ann, 1);
    let before = house.mailbox.stats().checks;
    assert!(matches!(
        asks_on(&mut house, street, &ann, 1, &doors, proofs.clone()),
        Answer::Registered { queues: 200, .. }
    ));
    assert_eq!(house.mailbox.stats().checks - before, 201, "each was checked once");
    for _ in 0..20 {
        let again = asks_on(&mut house, street, &ann, 1, &doors, proofs.clone());
        assert!(
            matches!(again, Answer::Registered { queues: 200, .. }),
            "renewing costs one check: {again:?}"
        );
    }
}

#[test]
fn queues_are_opened_for_this_period_and_the_next() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    let now = u32::try_from(START.0 / Span::from_days(14).0).unwrap();
    for (period, opens) in [(now, true), (now + 1, true), (now + 3, false), (u32::MAX, false)] {
        let answer = asks(&mut house, &ann, period, &[], Vec::new());
        assert_eq!(matches!(answer, Answer::Registered { .. }), opens, "{period}");
    }
}
