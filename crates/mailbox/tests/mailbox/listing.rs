//! Long indexes, slow readers, and readers that come back.

use kith_mailbox::Config;
use kith_mailbox::Input;
use kith_mailbox::effect::CloseReason;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::MAX_INDEX;
use kith_proto::mailbox::Request;

use crate::house::House;
use crate::house::Person;
use crate::house::entries;
use crate::house::envelope;
use crate::house::envelopes;
use crate::house::list;

fn fill(house: &mut House, person: &Person, numbers: std::ops::Range<u32>) {
    let stream = house.stream();
    for number in numbers {
        let queue = u16::try_from(number % 4).unwrap();
        let deposit = person.deposit(house, stream, queue, &envelope(number, 0), KeepFor::Days14);
        house.send(stream, deposit);
    }
    house.settle();
    house.told(stream);
}

#[test]
fn a_long_index_comes_in_pages_and_then_what_arrives() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(4));
    fill(&mut house, &ann, 0..2_500);
    let stream = house.stream();
    let request = ann.subscription(&house, stream, 0, 0);
    let number = house.send(stream, request);
    house.settle();
    fill(&mut house, &ann, 2_500..2_502);
    let answers = house.told_with_numbers(stream);
    assert!(answers.iter().all(|answer| answer.number == number));
    let told: Vec<_> = answers.into_iter().map(|answer| answer.word).collect();
    let sizes: Vec<_> = told.iter().map(|answer| entries(std::slice::from_ref(answer)).len()).collect();
    assert_eq!(sizes, [MAX_INDEX, MAX_INDEX, 2_500 - 2 * MAX_INDEX, 0, 2]);
    assert_eq!(told[3], Answer::CaughtUp {});
    let places: Vec<_> = entries(&told).iter().map(|entry| entry.sequence).collect();
    assert!(places.is_sorted_by(|one, other| one < other));

    let (again, middle) = (house.stream(), places[1_999]);
    let request = ann.subscription(&house, again, 0, middle);
    let told = house.ask(again, request);
    assert_eq!(entries(&told).len(), 502, "from where it was");
    assert_eq!(house.closed(stream), Some(CloseReason::Replaced), "the same reader on another stream");
}

#[test]
fn who_reads_slowly_is_given_a_window_and_the_rest_later() {
    let config = Config { open: true, window_bytes: 50_000, ..Config::default() };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(4));
    fill(&mut house, &ann, 0..3_000);
    house.drains = false;
    let slow = house.stream();
    let request = ann.subscription(&house, slow, 0, 0);
    let mut told = house.ask(slow, request);
    assert_eq!(entries(&told).len(), 2 * MAX_INDEX, "two pages are more than the window");
    fill(&mut house, &ann, 3_000..3_100);
    assert!(house.told(slow).is_empty());
    house.give(Input::Drained { stream: slow, bytes: 84_000 });
    house.settle();
    told.extend(house.told(slow));
    assert_eq!(told.last(), Some(&Answer::CaughtUp {}));
    assert_eq!(entries(&told).len(), 3_100);
    house.give(Input::Drained { stream: slow, bytes: u64::MAX });
    let places = entries(&told);
    let wanted = places[..200].iter().map(|entry| entry.sequence);
    let mut got = envelopes(&house.ask(slow, Request::Get { sequences: list(wanted) }));
    assert!(got.len() < 60, "{}", got.len());
    while got.len() < 200 {
        fill(&mut house, &ann, 0..1);
        house.give(Input::Drained { stream: slow, bytes: 50_000 });
        house.settle();
        let told = house.told(slow);
        assert!(!told.is_empty());
        got.extend(envelopes(&told));
    }
    assert!(
        got.iter().zip(&places).all(|(got, place)| got.0 == place.sequence && got.1.id() == place.envelope)
    );
}

#[test]
fn who_falls_behind_while_live_catches_up() {
    let config = Config { open: true, window_bytes: 500, ..Config::default() };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(4));
    house.drains = false;
    let (slow, _) = ann.listen(&mut house, 0);
    for number in 0..20 {
        fill(&mut house, &ann, number..number + 1);
    }
    let first = entries(&house.told(slow));
    assert!((5..12).contains(&first.len()), "{}", first.len());
    house.give(Input::Drained { stream: slow, bytes: 10_000 });
    house.settle();
    let rest = house.told(slow);
    assert_eq!(rest.len(), 1, "one page, and no second “caught up”");
    assert_eq!(first.len() + entries(&rest).len(), 20);
    house.give(Input::Drained { stream: slow, bytes: 10_000 });
    fill(&mut house, &ann, 20..21);
    assert_eq!(entries(&house.told(slow)).len(), 1, "live again");
}

#[test]
fn who_asks_and_does_not_read_is_closed() {
    let config = Config { open: true, unread_bytes: 4_000, gets: 2_000, ..Config::default() };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(4));
    house.drains = false;
    let eve = house.stream();
    for _ in 0..200 {
        house.send(eve, Request::Info {});
    }
    house.settle();
    assert_eq!(house.closed(eve), Some(CloseReason::Unread));
    house.drains = true;
    let (phone, _) = ann.listen(&mut house, 0);
    house.drains = false;
    let many = || Request::Get { sequences: list(0..1_024) };
    house.send(phone, many());
    house.settle();
    assert_eq!(house.closed(phone), Some(CloseReason::Unread));
}

#[test]
fn too_many_envelopes_asked_for_at_once_are_refused() {
    let config = Config { open: true, window_bytes: 100, gets: 2_000, ..Config::default() };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(4));
    fill(&mut house, &ann, 0..1);
    house.drains = false;
    let (phone, listed) = ann.listen(&mut house, 0);
    let place = listed[0].sequence;
    let many = || Request::Get { sequences: list([place; 1_000]) };
    let answers = [house.ask(phone, many()).len(), house.ask(phone, many()).len()];
    assert!(answers.iter().sum::<usize>() < 10, "{answers:?}");
    assert_eq!(house.ask(phone, many()), [Answer::OverQuota { retry_after_secs: 1 }]);
}
