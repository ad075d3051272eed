//! Keeping envelopes: receipts, repetitions, failed commits, expiry, quotas.

use ed25519_dalek::Signature;
use ed25519_dalek::VerifyingKey;
use kith_mailbox::Config;
use kith_mailbox::Input;
use kith_mailbox::config::Rate;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::receipt_bytes;
use kith_proto::time::Span;

use crate::house::House;
use crate::house::Person;
use crate::house::START;
use crate::house::entries;
use crate::house::envelope;
use crate::house::envelopes;
use crate::house::list;
use crate::house::stored;

#[test]
fn a_friend_leaves_an_envelope_and_it_is_fetched_and_deleted() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    let registered = ann.register(&mut house, ann.queues(2));
    let until = START + Span::from_days(30);
    assert_eq!(
        registered,
        Answer::Registered {
            quota_left: 32 << 20,
            last: 0,
            queues: 2,
            until,
            left_out: kith_proto::bounded::BoundedVec::default()
        }
    );
    let bob = house.stream();
    let deposit = ann.deposit(&house, bob, 1, &envelope(1, 0), KeepFor::Days14);
    let answer = house.ask_one(bob, deposit);
    let Answer::Stored { envelope: name, expires, signature } = answer else { panic!("{answer:?}") };
    assert_eq!((name, expires), (envelope(1, 0).id(), START + Span::from_days(14)));
    let mailbox = VerifyingKey::from_bytes(&house.mailbox.device().0).unwrap();
    let promise = receipt_bytes(&ann.queue(1), &name, expires);
    mailbox.verify_strict(&promise, &Signature::from_bytes(&signature)).unwrap();

    let (phone, listed) = ann.listen(&mut house, 0);
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].queue, listed[0].envelope, listed[0].size_class), (ann.queue(1), name, 0));
    let got = house.ask(phone, Request::Get { sequences: list([listed[0].sequence, 5]) });
    assert_eq!(envelopes(&got), [(listed[0].sequence, envelope(1, 0))]);
    assert_eq!(got[1], Answer::Gone { sequence: 5 });
    let done = house.ask(phone, Request::Delete { up_to: listed[0].sequence });
    assert_eq!(done, [Answer::Done {}]);
    assert_eq!(house.mailbox.overview().envelopes, 0);
    let (_, listed) = ann.listen(&mut house, 0);
    assert!(listed.is_empty(), "nothing is listed after it was deleted");
}

#[test]
fn who_listens_is_told_at_once_and_several_of_one_batch_together() {
    let (mut house, ann) = (House::open(), Person::new(1, 2));
    ann.register(&mut house, ann.queues(1));
    let (phone, _) = ann.listen(&mut house, 0);
    let (desk, _) = ann.listen(&mut house, 1);
    let bob = house.stream();
    for number in 0..3 {
        let deposit = ann.deposit(&house, bob, 0, &envelope(number, 0), KeepFor::Days14);
        house.send(bob, deposit);
    }
    assert!(house.told(bob).is_empty(), "no receipt before the commit");
    house.settle();
    assert_eq!(house.told(bob).len(), 3);
    for device in [phone, desk] {
        let told = house.told(device);
        assert_eq!(told.len(), 1, "one index for the batch");
        let names: Vec<_> = entries(&told).iter().map(|entry| entry.envelope).collect();
        assert_eq!(names, (0..3).map(|number| envelope(number, 0).id()).collect::<Vec<_>>());
    }
}

#[test]
fn a_repeated_deposit_gets_the_same_receipt_and_is_kept_once() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    let bob = house.stream();
    let deposit = ann.deposit(&house, bob, 0, &envelope(1, 0), KeepFor::Days14);
    house.send(bob, deposit.clone());
    house.send(bob, deposit);
    house.settle();
    let told = house.told(bob);
    assert_eq!(told[0], told[1], "twice in one batch");
    house.elapse(Span::from_hours(5));
    let bob = house.stream();
    let later = ann.deposit(&house, bob, 0, &envelope(1, 0), KeepFor::Hour);
    assert_eq!(house.ask_one(bob, later), told[0], "hours later, on another stream, for another time");
    assert_eq!(house.mailbox.overview().envelopes, 1);

    let (phone, listed) = ann.listen(&mut house, 0);
    house.ask(phone, Request::Delete { up_to: listed[0].sequence });
    house.elapse(Span::from_hours(47));
    house.crash();
    let bob = house.stream();
    let again = ann.deposit(&house, bob, 0, &envelope(1, 0), KeepFor::Days14);
    assert_eq!(house.ask_one(bob, again), told[0], "deleted two days ago, and still known");
    assert_eq!(house.mailbox.overview().envelopes, 0);
    house.elapse(Span::from_hours(2));
    assert_eq!(house.mailbox.overview().memories, 0);
    let bob = house.stream();
    ann.leave(&mut house, bob, 0, &envelope(1, 0));
    assert_eq!(house.mailbox.overview().envelopes, 1, "then it is forgotten, and new");
}

#[test]
fn what_was_not_committed_is_as_if_it_had_not_been_asked() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    let bob = house.stream();
    let deposit = ann.deposit(&house, bob, 0, &envelope(1, 0), KeepFor::Days14);
    house.send(bob, deposit);
    house.crash();
    let (_, listed) = ann.listen(&mut house, 0);
    assert!(listed.is_empty());
    let bob = house.stream();
    ann.leave(&mut house, bob, 0, &envelope(1, 0));
    house.crash();
    let (_, listed) = ann.listen(&mut house, 0);
    assert_eq!(listed.len(), 1, "what was committed is there after a crash");
}

#[test]
fn each_envelope_is_kept_as_long_as_was_asked_and_promised() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    house.elapse(Span::from_minutes(10));
    let kinds = [(KeepFor::Hour, 2), (KeepFor::Days2, 49), (KeepFor::Days14, 337), (KeepFor::Days30, 721)];
    let bob = house.stream();
    for (number, (keep, hours)) in (0..).zip(kinds) {
        let deposit = ann.deposit(&house, bob, 0, &envelope(number, 0), keep);
        assert_eq!(stored(&house.ask(bob, deposit)), START + Span::from_hours(hours), "to the full hour");
    }
    let mut before = 0;
    for (left, (_, hours)) in [3, 2, 1, 0].into_iter().zip(kinds) {
        house.elapse(Span::from_millis(Span::from_hours(hours).0 - 1 - (house.now.0 - START.0)));
        assert_eq!(house.mailbox.overview().envelopes, left + 1, "a millisecond before");
        house.elapse(Span::from_millis(1));
        assert_eq!(house.mailbox.overview().envelopes, left);
        before += 1;
        assert_eq!(house.mailbox.stats().expired, before);
    }
    assert_eq!(house.mailbox.overview().memories, 0, "what expired may be left again");
}

#[test]
fn a_full_queue_a_full_inbox_and_a_full_mailbox_say_so() {
    let config = Config {
        open: true,
        queue_envelopes: 3,
        queue_bytes: 16 << 10,
        inbox_bytes: 3 * (16 << 10),
        capacity_bytes: 108 << 10,
        ..Config::default()
    };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(8));
    let mut number = 0;
    let mut leave = |house: &mut House, person: &Person, queue, class| {
        number += 1;
        let bob = house.stream();
        let deposit = person.deposit(house, bob, queue, &envelope(number, class), KeepFor::Days14);
        match house.ask_one(bob, deposit) {
            Answer::Stored { .. } => None,
            refused => Some(refused),
        }
    };
    let soon = Some(Answer::OverQuota { retry_after_secs: 60 });
    let small = [0, 0, 0, 0].map(|class| leave(&mut house, &ann, 0, class));
    assert_eq!(small, [None, None, None, soon.clone()], "three envelopes in a queue");
    assert_eq!(
        [1, 2].map(|class| leave(&mut house, &ann, 1, class)),
        [None, soon.clone()],
        "16 KiB in a queue"
    );
    let large = [2, 3, 4].map(|queue| leave(&mut house, &ann, queue, 2));
    assert_eq!(large, [None, None, soon], "48 KiB in an inbox");
    house.elapse(Span::from_hours(3));
    assert_eq!(leave(&mut house, &ann, 4, 2), Some(Answer::OverQuota { retry_after_secs: 30 * 60 }));
    house.elapse(Span::from_days(1));
    assert_eq!(leave(&mut house, &ann, 4, 2), Some(Answer::OverQuota { retry_after_secs: 6 * 3600 }));

    let others = [2, 3].map(|name| Person::new(name, 1));
    for other in &others {
        other.register(&mut house, other.queues(3));
    }
    assert_eq!([0, 1].map(|queue| leave(&mut house, &others[0], queue, 2)), [None, None]);
    assert_eq!([0, 1].map(|queue| leave(&mut house, &others[1], queue, 2)), [None, Some(Answer::Full {})]);
    let overview = house.mailbox.overview();
    assert!(overview.bytes <= overview.capacity, "{overview:?}");
    let (phone, listed) = ann.listen(&mut house, 0);
    house.ask(phone, Request::Delete { up_to: listed.last().unwrap().sequence });
    assert_eq!(leave(&mut house, &ann, 0, 2), None, "there is room after she has fetched");
}

#[test]
fn while_the_disk_is_nearly_full_nothing_new_is_taken_and_all_else_goes_on() {
    let (mut house, ann) = (House::new(Config { open: true, ..Config::default() }), Person::new(1, 1));
    ann.register(&mut house, ann.queues(3));
    let stream = house.stream();
    ann.leave(&mut house, stream, 0, &envelope(1, 1));
    house.mailbox.configure(Config { is_short: true, ..house.config.clone() });
    let more = ann.deposit(&house, stream, 0, &envelope(2, 1), KeepFor::Days14);
    assert_eq!(house.ask_one(stream, more), Answer::Full {}, "another mailbox may have room");
    let again = ann.deposit(&house, stream, 0, &envelope(1, 1), KeepFor::Days14);
    assert!(matches!(house.ask_one(stream, again), Answer::Stored { .. }), "what is there is there");
    ann.register(&mut house, ann.queues(3));
    let (phone, listed) = ann.listen(&mut house, 0);
    assert_eq!(listed.len(), 1);
    house.ask(phone, Request::Delete { up_to: listed[0].sequence });
    assert_eq!(house.mailbox.overview().envelopes, 0);
    house.mailbox.configure(house.config.clone());
    ann.leave(&mut house, stream, 0, &envelope(2, 1));
}

#[test]
fn one_queue_takes_no_more_than_its_rate() {
    let deposits = Rate { per_hour: 3_600, burst: 5 };
    let (mut house, ann) =
        (House::new(Config { open: true, deposits, ..Config::default() }), Person::new(1, 1));
    ann.register(&mut house, ann.queues(2));
    let bob = house.stream();
    let asks = |house: &mut House, queue, number| {
        let deposit = ann.deposit(house, bob, queue, &envelope(number, 0), KeepFor::Days14);
        house.ask_one(bob, deposit)
    };
    let taken = (0..7).filter(|number| matches!(asks(&mut house, 0, *number), Answer::Stored { .. })).count();
    assert_eq!(taken, 5);
    assert_eq!(asks(&mut house, 0, 9), Answer::OverQuota { retry_after_secs: 1 });
    assert!(matches!(asks(&mut house, 1, 9), Answer::Stored { .. }), "other queues go on");
    assert!(matches!(asks(&mut house, 0, 1), Answer::Stored { .. }), "and repetitions are free");
    house.elapse(Span::from_secs(1));
    assert!(matches!(asks(&mut house, 0, 9), Answer::Stored { .. }));
}

#[test]
fn a_deposit_needs_the_key_of_its_queue_and_the_nonce_of_its_stream() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    let (bob, eve) = (house.stream(), house.stream());
    let deposit = ann.deposit(&house, bob, 0, &envelope(1, 0), KeepFor::Days14);
    assert_eq!(house.ask(eve, deposit.clone()), [Answer::Refused {}], "replayed on another stream");
    let Request::Deposit { queue, envelope: sealed, keep, work, signature } = deposit else { panic!() };
    let changed = Request::Deposit { queue, envelope: envelope(2, 0), keep, work, signature };
    assert_eq!(house.ask(bob, changed), [Answer::Refused {}], "another envelope");
    let longer = Request::Deposit { queue, envelope: sealed, keep: KeepFor::Days30, work, signature };
    assert_eq!(house.ask(bob, longer), [Answer::Refused {}], "another time");
    let other = Person::new(2, 1).deposit_with(
        &house,
        &house.nonce(bob),
        ann.queue(0),
        &envelope(3, 0),
        KeepFor::Days14,
        None,
    );
    assert_eq!(house.ask(bob, other), [Answer::Refused {}], "another key");
    let nowhere = ann.deposit(&house, bob, 7, &envelope(1, 0), KeepFor::Days14);
    assert_eq!(house.ask(bob, nowhere), [Answer::NoQueue {}]);
    let stats = house.mailbox.stats();
    assert_eq!((stats.bad_signatures, stats.no_queue, stats.deposits), (4, 1, 0));
}

#[test]
fn a_closed_queue_takes_nothing_and_gives_what_it_has() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(2));
    let bob = house.stream();
    ann.leave(&mut house, bob, 0, &envelope(1, 0));
    let close = vec![(ann.queue(0), Access::Closed {}), (ann.queue(1), Access::Closed {})];
    let Answer::Registered { queues: 1, .. } = ann.register(&mut house, close) else {
        panic!("the empty one goes, the other stays until it is read")
    };
    let more = ann.deposit(&house, bob, 0, &envelope(2, 0), KeepFor::Days14);
    assert_eq!(house.ask(bob, more), [Answer::NoQueue {}]);
    let (phone, listed) = ann.listen(&mut house, 0);
    assert_eq!(listed.len(), 1);
    house.ask(phone, Request::DeleteThese { sequences: list([listed[0].sequence]) });
    assert_eq!(house.mailbox.overview().queues, 0);
    ann.register(&mut house, ann.queues(1));
    ann.leave(&mut house, bob, 0, &envelope(3, 0));
}

#[test]
fn what_expires_at_once_goes_in_short_commits() {
    let config = Config { open: true, slice_rows: 50, ..Config::default() };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    let bob = house.stream();
    for number in 0..300 {
        let deposit = ann.deposit(&house, bob, 0, &envelope(number, 0), KeepFor::Hour);
        house.send(bob, deposit);
    }
    house.settle();
    house.elapse(Span::from_millis(Span::from_hours(1).0 - 1));
    house.now = START + Span::from_hours(1);
    let mut commits = 0;
    while house.mailbox.overview().envelopes > 0 {
        house.now = house.mailbox.next_wake().unwrap().max(house.now);
        house.give(Input::Wake);
        // Four rows for each envelope, and those of queue, inbox and mailbox.
        assert!(house.out.writes() <= 50 * 4 + 3, "{}", house.out.writes());
        house.settle();
        commits += 1;
    }
    assert_eq!(commits, 6);
}
