//! Who may open an inbox, and how long it stays open.

use kith_mailbox::Config;
use kith_mailbox::config::Rate;
use kith_mailbox::input::Source;
use kith_mailbox::voucher_hash;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedVec;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::WorkProof;
use kith_proto::time::Span;

use crate::house::House;
use crate::house::Person;
use crate::house::START;
use crate::house::envelope;
use crate::house::sign;

fn voucher(text: &[u8]) -> Admission {
    Admission::Voucher { voucher: BoundedBytes::new(text.to_vec()).unwrap() }
}

fn asks(house: &mut House, person: &Person, admission: Admission) -> Answer {
    let stream = house.stream();
    let request = person.registration(house, stream, 1, person.queues(1), admission);
    house.ask_one(stream, request)
}

fn work_for(house: &mut House, person: &Person) -> Admission {
    let Answer::WorkWanted { challenge, bits } = asks(house, person, Admission::Open {}) else {
        panic!("no work is wanted")
    };
    let proof = WorkProof::search(&challenge, bits, &person.inbox(), 0, 1 << 20).unwrap();
    Admission::Work { proof }
}

#[test]
fn a_stranger_works_for_an_inbox_and_renews_it_for_nothing() {
    let mut house = House::new(Config { opening_bits: Some(8), ..Config::default() });
    let (ann, bob) = (Person::new(1, 1), Person::new(2, 1));
    let work = work_for(&mut house, &ann);
    assert!(
        matches!(asks(&mut house, &bob, work.clone()), Answer::WorkWanted { .. }),
        "work for another inbox"
    );
    let mut other = House::of([8; 32], house.config.clone());
    assert!(matches!(asks(&mut other, &ann, work.clone()), Answer::WorkWanted { .. }), "at another mailbox");
    assert!(matches!(asks(&mut house, &ann, work), Answer::Registered { .. }));
    assert!(matches!(asks(&mut house, &ann, Admission::Open {}), Answer::Registered { .. }));

    let work = work_for(&mut house, &bob);
    house.elapse(Span::from_hours(1));
    house.crash();
    assert!(matches!(asks(&mut house, &bob, work), Answer::Registered { .. }), "an hour and a restart later");
    let cat = Person::new(3, 1);
    let work = work_for(&mut house, &cat);
    house.elapse(Span::from_hours(2));
    assert!(matches!(asks(&mut house, &cat, work), Answer::WorkWanted { .. }), "two hours later");
}

#[test]
fn a_voucher_opens_an_inbox_even_when_strangers_may_not() {
    let vouchers = vec![voucher_hash(b"harbour friends")];
    let config = Config { opening_bits: None, vouchers, inbox_bytes: 1 << 20, ..Config::default() };
    let mut house = House::new(Config { capacity_bytes: 20 << 10, ..config });
    assert_eq!(asks(&mut house, &Person::new(1, 1), Admission::Open {}), Answer::Refused {});
    assert_eq!(asks(&mut house, &Person::new(1, 1), voucher(b"wrong")), Answer::Refused {});
    let ann = Person::new(1, 1);
    assert!(matches!(asks(&mut house, &ann, voucher(b"harbour friends")), Answer::Registered { .. }));
    let stream = house.stream();
    ann.leave(&mut house, stream, 0, &envelope(1, 2));
    house.config.open = true;
    house.crash();
    assert_eq!(house.mailbox.overview().load_percent, 84);
    let bob = Person::new(2, 1);
    assert!(
        matches!(asks(&mut house, &bob, Admission::Open {}), Answer::Registered { .. }),
        "below 90 percent"
    );
    let stream = house.stream();
    bob.leave(&mut house, stream, 0, &envelope(1, 0));
    let cat = Person::new(3, 1);
    assert_eq!(asks(&mut house, &cat, Admission::Open {}), Answer::Full {}, "above it");
    assert!(matches!(asks(&mut house, &cat, voucher(b"harbour friends")), Answer::Registered { .. }));

    house.config.capacity_bytes = 21 << 10;
    house.crash();
    let stream = house.stream();
    let strange = bob.deposit(&house, stream, 0, &envelope(2, 0), KeepFor::Days14);
    assert_eq!(house.ask_one(stream, strange), Answer::Full {}, "the last tenth is not for strangers");
    ann.leave(&mut house, stream, 0, &envelope(2, 0));
    asks(&mut house, &bob, voucher(b"harbour friends"));
    house.config.capacity_bytes = 23 << 10;
    house.crash();
    let stream = house.stream();
    bob.leave(&mut house, stream, 0, &envelope(2, 0));
}

#[test]
fn one_source_opens_no_more_inboxes_than_its_rate() {
    let openings = Rate { per_hour: 1, burst: 2 };
    let mut house = House::new(Config { open: true, openings, ..Config::default() });
    let eve = house.connect(Source { network: 99, local: false });
    house.ask(eve, Request::Hello { version: 1 });
    let stream = house.stream();
    let mut answers = Vec::new();
    for name in 1..=3 {
        let person = Person::new(name, 1);
        let request = person.registration(&house, stream, 1, Vec::new(), Admission::Open {});
        answers.push(house.ask_one(stream, request));
    }
    assert!(matches!(answers[..2], [Answer::Registered { .. }, Answer::Registered { .. }]));
    assert_eq!(answers[2], Answer::OverQuota { retry_after_secs: 3_600 });
    assert!(matches!(asks(&mut house, &Person::new(4, 1), Admission::Open {}), Answer::Registered { .. }));
}

#[test]
fn the_inboxes_of_two_periods_count_as_one() {
    let openings = Rate { per_hour: 1, burst: 2 };
    let mut house = House::new(Config { open: true, openings, ..Config::default() });
    let mut registers = |device: u8, periods: &[u32]| {
        let stream = house.stream_from(99);
        let mut opened = 0;
        for period in periods {
            let person = Person::new(device + u8::try_from(*period).unwrap(), 1);
            let queues = person.queues(1);
            let request = person.registration(&house, stream, *period, queues, Admission::Open {});
            opened += u32::from(matches!(house.ask_one(stream, request), Answer::Registered { .. }));
        }
        opened
    };
    assert_eq!(registers(10, &[1, 2]), 2, "a device begins");
    assert_eq!(registers(20, &[1, 2]), 2, "and another one behind the same address");
    assert_eq!(registers(30, &[1, 2]), 0, "that was both that the source may open");
    let mut house = House::new(Config { open: true, openings, ..Config::default() });
    let stream = house.stream_from(99);
    let mut opened = 0;
    for (name, period) in (40..48).zip([1, 2].into_iter().cycle()) {
        let person = Person::new(name, 1);
        let request = person.registration(&house, stream, period, Vec::new(), Admission::Open {});
        opened += u32::from(matches!(house.ask_one(stream, request), Answer::Registered { .. }));
    }
    assert_eq!(opened, 4, "two pairs on one stream, and no more");
}

#[test]
fn many_queues_come_in_several_requests_and_nobody_takes_those_of_others() {
    let (mut house, ann, eve) = (House::open(), Person::new(1, 1), Person::new(2, 1));
    let queues = ann.queues(300);
    let (first, second) = queues.split_at(256);
    ann.register(&mut house, first.to_vec());
    let Answer::Registered { queues: 300, .. } = ann.register(&mut house, second.to_vec()) else {
        panic!("300 queues")
    };
    let theft = vec![eve.queues(1)[0].clone(), (ann.queue(3), eve.access())];
    let Answer::Registered { queues: 1, left_out, .. } = eve.register(&mut house, theft) else {
        panic!("her own queue is opened, and the other stays whose it was")
    };
    assert_eq!(*left_out, [ann.queue(3)], "and she is told which");
    assert_eq!(house.mailbox.overview().queues, 301);
    house.config.inbox_queues = 301;
    house.crash();
    let more = vec![(ann.queue(300), ann.access()), (ann.queue(301), ann.access())];
    assert!(matches!(ann.register(&mut house, more), Answer::OverQuota { .. }));
}

#[test]
fn a_registration_needs_the_key_of_its_inbox_and_names_each_reader_once() {
    let (mut house, mut ann) = (House::open(), Person::new(1, 2));
    let (stream, other) = (house.stream(), house.stream());
    let request = ann.registration(&house, other, 1, ann.queues(1), Admission::Open {});
    assert_eq!(house.ask(stream, request), [Answer::Refused {}], "from another stream");
    let readers = BoundedVec::new(ann.readers.clone()).unwrap();
    let admission = Admission::Open {};
    let unsigned = Request::Register {
        inbox: ann.inbox(),
        period: 1,
        readers,
        queues: BoundedVec::default(),
        owners: BoundedVec::default(),
        admission,
        signature: [0; 64],
    };
    let forged = sign(&Person::new(2, 1).key, &house, &unsigned, &house.nonce(stream));
    let Request::Register { inbox, period, readers, queues, owners, admission, .. } = unsigned else {
        panic!()
    };
    let forged = Request::Register { inbox, period, readers, queues, owners, admission, signature: forged };
    assert_eq!(house.ask(stream, forged), [Answer::Refused {}], "with another key");
    ann.readers.push(ann.readers[0]);
    assert_eq!(ann.register(&mut house, Vec::new()), Answer::Refused {}, "a reader twice");
    ann.readers.clear();
    assert_eq!(ann.register(&mut house, Vec::new()), Answer::Refused {}, "no reader");
    assert_eq!(house.mailbox.overview().inboxes, 0);
}

#[test]
fn queues_of_the_last_period_stay_and_older_ones_close() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    let register = |house: &mut House, period, queue| {
        let stream = house.stream();
        let queues = vec![(ann.queue(queue), ann.access())];
        let request = ann.registration(house, stream, period, queues, Admission::Open {});
        house.ask_one(stream, request)
    };
    let leave = |house: &mut House, queue, number| {
        let stream = house.stream();
        let deposit = ann.deposit(house, stream, queue, &envelope(number, 0), KeepFor::Days14);
        matches!(house.ask_one(stream, deposit), Answer::Stored { .. })
    };
    register(&mut house, 10, 0);
    assert!(leave(&mut house, 0, 1));
    register(&mut house, 11, 1);
    assert!(leave(&mut house, 0, 2) && leave(&mut house, 1, 2), "both periods are in use");
    register(&mut house, 12, 2);
    assert!(!leave(&mut house, 0, 3), "two periods later");
    assert!(leave(&mut house, 1, 3) && leave(&mut house, 2, 3));
    assert_eq!(register(&mut house, 10, 3), Answer::Refused {});
    assert!(
        matches!(register(&mut house, 11, 3), Answer::Registered { queues: 4, .. }),
        "the last one still"
    );
    let (phone, listed) = ann.listen(&mut house, 0);
    assert_eq!(listed.len(), 5, "what was left before is there");
    house.ask(phone, Request::Delete { up_to: listed[4].sequence });
    assert_eq!(house.mailbox.overview().queues, 3, "the old queue went with its last envelope");
    register(&mut house, 40, 4);
    assert_eq!(house.mailbox.overview().queues, 1);
}

#[test]
fn an_inbox_that_nobody_renews_keeps_its_promises_and_goes() {
    let config = Config { open: true, slice_rows: 64, ..Config::default() };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(200));
    house.elapse(Span::from_days(29));
    let stream = house.stream();
    let promised = ann.leave(&mut house, stream, 0, &envelope(1, 0));
    assert_eq!(promised, START + Span::from_days(43));
    house.elapse(Span::from_days(1));
    let stream = house.stream();
    let late = ann.deposit(&house, stream, 1, &envelope(2, 0), KeepFor::Days14);
    assert_eq!(house.ask(stream, late), [Answer::NoQueue {}], "the lease is over");
    house.elapse(Span::from_days(12));
    assert_eq!(ann.listen(&mut house, 0).1.len(), 1, "what was promised is there");
    house.elapse(Span::from_days(2));
    let overview = house.mailbox.overview();
    assert_eq!((overview.inboxes, overview.queues, overview.bytes), (0, 0, 0));
    assert!(house.disk.size() < 100, "nothing is left but the totals");
    let Answer::Registered { last: 0, queues: 1, .. } = ann.register(&mut house, ann.queues(1)) else {
        panic!("it opens anew")
    };
    let stream = house.stream();
    ann.leave(&mut house, stream, 0, &envelope(3, 0));
    let (_, listed) = ann.listen(&mut house, 0);
    assert!(listed[0].sequence >> 16 >= house.now.0, "places go on where they were");
}

#[test]
fn a_renewal_keeps_an_inbox_open() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(1));
    for _ in 0..4 {
        house.elapse(Span::from_days(20));
        let renewed = ann.register(&mut house, Vec::new());
        let until = house.now + Span::from_days(30);
        assert_eq!(
            renewed,
            Answer::Registered {
                quota_left: 32 << 20,
                last: 0,
                queues: 1,
                until,
                left_out: BoundedVec::default()
            }
        );
    }
    let close = vec![(ann.queue(0), Access::Closed {}), (ann.queue(5), Access::Closed {})];
    assert!(matches!(ann.register(&mut house, close), Answer::Registered { queues: 0, .. }));
}
