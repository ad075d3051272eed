//! Streams that come, idle, misbehave and go.

use kith_mailbox::Config;
use kith_mailbox::Input;
use kith_mailbox::config::Rate;
use kith_mailbox::effect::CloseReason;
use kith_mailbox::input::Source;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Request;
use kith_proto::time::Span;

use crate::house::House;
use crate::house::Person;
use crate::house::envelope;

const FAR: Source = Source { network: 9, local: false };
const NEAR: Source = Source { network: 9, local: true };

#[test]
fn streams_are_limited_in_all_and_for_each_source() {
    let mut house = House::new(Config { streams: 5, streams_per_source: 2, ..Config::default() });
    let far: Vec<_> = (0..3).map(|_| house.connect(FAR)).collect();
    let near: Vec<_> = (0..4).map(|_| house.connect(NEAR)).collect();
    house.settle();
    let closed = |house: &House, streams: &[u64]| {
        streams.iter().map(|stream| house.closed(*stream)).collect::<Vec<_>>()
    };
    let many = Some(CloseReason::TooMany);
    assert_eq!(closed(&house, &far), [None, None, many], "two of one network");
    assert_eq!(closed(&house, &near), [None, None, None, many], "five in all");
    house.give(Input::Closed { stream: far[0] });
    let again = house.connect(FAR);
    house.settle();
    assert_eq!(house.closed(again), None);
    assert_eq!(house.mailbox.overview().streams, 5);
}

#[test]
fn when_all_streams_are_taken_a_new_source_gets_one_and_subscribers_stay() {
    let config = Config { open: true, streams: 8, streams_per_source: 6, ..Config::default() };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    let (phone, _) = ann.listen(&mut house, 0);
    let crowd: Vec<_> = (0..6).map(|_| house.connect(FAR)).collect();
    house.ask(crowd[0], Request::Hello { version: 1 });
    let other = house.connect(Source { network: 77, local: false });
    house.settle();
    assert_eq!(house.closed(crowd[1]), Some(CloseReason::TooMany), "the oldest that said nothing");
    assert_eq!((house.closed(crowd[0]), house.closed(other), house.closed(phone)), (None, None, None));
    let again = house.connect(FAR);
    house.settle();
    assert_eq!(house.closed(again), Some(CloseReason::TooMany), "nobody has more");
    assert_eq!((house.mailbox.stats().too_many, house.mailbox.overview().streams), (2, 8));
}

#[test]
fn a_stream_says_hello_first_and_soon() {
    let mut house = House::open();
    let (rude, silent, old) = (house.connect(FAR), house.connect(FAR), house.connect(FAR));
    house.send(rude, Request::Info {});
    house.send(old, Request::Hello { version: 0 });
    house.settle();
    assert_eq!(house.closed(rude), Some(CloseReason::NoHello));
    assert_eq!(house.closed(old), Some(CloseReason::Version));
    house.elapse(Span::from_secs(29));
    assert_eq!(house.closed(silent), None);
    house.elapse(Span::from_secs(1));
    assert_eq!(house.closed(silent), Some(CloseReason::NoHello));
}

#[test]
fn idle_streams_are_closed_and_subscribers_stay() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    let idle = house.stream();
    let (phone, _) = ann.listen(&mut house, 0);
    house.elapse(Span::from_minutes(9));
    house.ask(idle, Request::Info {});
    house.elapse(Span::from_minutes(9));
    assert_eq!(house.closed(idle), None);
    house.elapse(Span::from_minutes(2));
    assert_eq!(house.closed(idle), Some(CloseReason::Idle));
    assert_eq!(house.closed(phone), None);
    assert_eq!(house.mailbox.overview().subscriptions, 1);
    house.give(Input::Closed { stream: phone });
    house.settle();
    assert_eq!(house.mailbox.overview().subscriptions, 0);
}

#[test]
fn noise_closes_a_stream_and_costs_its_source() {
    let checks = Rate { per_hour: 3_600, burst: 16 };
    let mut house = House::new(Config { open: true, checks, ..Config::default() });
    let ann = Person::new(1, 1);
    let (noisy, other) = (house.stream(), house.connect(Source { network: 0, local: false }));
    house.ask(other, Request::Hello { version: 1 });
    house.give(Input::Malformed { stream: noisy });
    house.settle();
    assert_eq!(house.closed(noisy), Some(CloseReason::Malformed));
    house.ask(other, Request::Info {});
    let far = house.stream();
    let request = ann.registration(&house, far, 1, Vec::new(), Admission::Open {});
    assert_eq!(house.ask(other, request), [Answer::OverQuota { retry_after_secs: 1 }], "the same network");
    assert!(matches!(ann.register(&mut house, Vec::new()), Answer::Registered { .. }), "another network");
}

#[test]
fn signatures_are_not_checked_faster_than_the_rate() {
    let checks = Rate { per_hour: 3_600, burst: 40 };
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    house.config.checks = checks;
    house.crash();
    let eve = house.stream();
    let forged = Request::Deposit {
        queue: ann.queue(0),
        envelope: envelope(1, 0),
        keep: KeepFor::Days14,
        work: None,
        signature: [1; 64],
    };
    let told: Vec<_> = (0..100).map(|_| house.ask_one(eve, forged.clone())).collect();
    let checked = told.iter().filter(|answer| **answer == Answer::Refused {}).count();
    assert_eq!(checked, 3, "each costs seventeen turns");
    assert!(matches!(told[99], Answer::OverQuota { retry_after_secs: 1..30 }));
    assert_eq!(house.mailbox.stats().bad_signatures, 3);
    let bob = house.stream();
    ann.leave(&mut house, bob, 0, &envelope(1, 0));
}

#[test]
fn who_subscribes_pays_for_what_is_listed() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(2));
    let bob = house.stream();
    for number in 0..1_100 {
        ann.leave(&mut house, bob, u16::from(number >= 600), &envelope(number, 0));
    }
    house.config.checks = Rate { per_hour: 3_600, burst: 40 };
    house.crash();
    let eve = house.stream();
    let mut subscribe = |times| {
        let mut listed = 0;
        for _ in 0..times {
            let request = ann.subscription(&house, eve, 0, 0);
            let told = house.ask(eve, request);
            listed += u32::from(told.last() == Some(&Answer::CaughtUp {}));
        }
        listed
    };
    assert_eq!(subscribe(20), 3, "1,100 rows cost as much as 17 checks, and a subscription one");
    let (phone, _) = ann.listen(&mut house, 0);
    assert_eq!(house.closed(phone), None, "another network does not pay for it");
}

#[test]
fn a_mailbox_that_goes_away_says_where_to_go_and_gives_what_it_has() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    let bob = house.stream();
    ann.leave(&mut house, bob, 0, &envelope(1, 0));
    let address = Multiaddress::new(vec![4, 192, 0, 2, 1]).unwrap();
    let to = DeviceAddress { device: DeviceId([5; 32]), address };
    let until = house.now + Span::from_days(14);
    house.config.moved = Some((to.clone(), until));
    house.crash();
    let moved = Answer::Moved { to, until };
    assert_eq!(ann.register(&mut house, Vec::new()), moved);
    let bob = house.stream();
    let again = ann.deposit(&house, bob, 0, &envelope(1, 0), KeepFor::Days14);
    assert!(matches!(house.ask_one(bob, again), Answer::Stored { .. }), "an old promise is repeated");
    let new = ann.deposit(&house, bob, 0, &envelope(2, 0), KeepFor::Days14);
    assert_eq!(house.ask_one(bob, new), moved);
    let phone = house.stream();
    let request = ann.subscription(&house, phone, 0, 0);
    let told = house.ask(phone, request);
    assert!(
        matches!(told[..], [Answer::Index { .. }, Answer::CaughtUp {}, Answer::Moved { .. }]),
        "{told:?}"
    );
}

#[test]
fn inputs_for_streams_that_are_gone_do_nothing() {
    let mut house = House::open();
    for input in [
        Input::Malformed { stream: 77 },
        Input::Drained { stream: 77, bytes: 5 },
        Input::Closed { stream: 77 },
        Input::Entropy([3; 32]),
    ] {
        house.give(input);
    }
    house.send(77, Request::Info {});
    assert!(house.out.is_empty());
}
