//! Deleting with several readers, in slices, and readers that come and go.

use kith_mailbox::Config;
use kith_mailbox::effect::CloseReason;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Request;
use kith_proto::time::Span;

use crate::house::House;
use crate::house::Person;
use crate::house::envelope;
use crate::house::list;

fn fill(house: &mut House, person: &Person, count: u32) {
    let stream = house.stream();
    for number in 0..count {
        let queue = u16::try_from(number % 4).unwrap();
        let deposit = person.deposit(house, stream, queue, &envelope(number, 0), KeepFor::Days30);
        house.send(stream, deposit);
    }
    house.settle();
    assert!(house.told(stream).iter().all(|answer| matches!(answer, Answer::Stored { .. })));
}

#[test]
fn an_envelope_goes_when_each_reader_has_deleted_it() {
    let (mut house, ann) = (House::open(), Person::new(1, 2));
    ann.register(&mut house, ann.queues(4));
    fill(&mut house, &ann, 6);
    let (phone, listed) = ann.listen(&mut house, 0);
    let places: Vec<_> = listed.iter().map(|entry| entry.sequence).collect();
    house.ask(phone, Request::Delete { up_to: places[2] });
    house.ask(phone, Request::DeleteThese { sequences: list([places[4], 77]) });
    assert_eq!(house.mailbox.overview().envelopes, 6, "the desk has not seen any");
    house.crash();
    let (phone, left) = ann.listen(&mut house, 0);
    assert_eq!(left, [listed[3].clone(), listed[5].clone()], "the phone is told what it has not deleted");
    let (desk, all) = ann.listen(&mut house, 1);
    assert_eq!(all, listed, "the desk is told everything");
    house.ask(desk, Request::DeleteThese { sequences: list([places[1], places[3], places[4]]) });
    assert_eq!(house.mailbox.overview().envelopes, 4, "those went that both have deleted");
    house.ask(desk, Request::Delete { up_to: places[5] });
    assert_eq!(house.mailbox.overview().envelopes, 2);
    house.ask(phone, Request::Delete { up_to: u64::MAX });
    assert_eq!((house.mailbox.overview().envelopes, house.mailbox.stats().deleted), (0, 6));
    fill(&mut house, &ann, 7);
    assert_eq!(ann.listen(&mut house, 0).1.len(), 1, "what comes later was not deleted with the rest");
}

#[test]
fn a_long_deletion_goes_on_in_slices_and_after_a_crash() {
    let config = Config { open: true, slice_rows: 100, ..Config::default() };
    let (mut house, ann) = (House::new(config), Person::new(1, 1));
    ann.register(&mut house, ann.queues(4));
    fill(&mut house, &ann, 950);
    let (phone, listed) = ann.listen(&mut house, 0);
    house.ask(phone, Request::Delete { up_to: listed[899].sequence });
    assert_eq!(house.mailbox.overview().envelopes, 850, "a slice in the first step");
    house.elapse(Span::from_millis(12));
    let left = house.mailbox.overview().envelopes;
    assert!((550..850).contains(&left), "{left}");
    assert_eq!(ann.listen(&mut house, 0).1.len(), 50, "the rest is not listed");
    house.crash();
    house.elapse(Span::from_secs(1));
    let overview = house.mailbox.overview();
    assert_eq!((overview.envelopes, overview.memories), (50, 900));
    house.elapse(Span::from_hours(49));
    assert_eq!(house.mailbox.overview().memories, 0);
}

#[test]
fn a_reader_that_is_silent_for_a_month_keeps_nothing_any_more() {
    let (mut house, ann) = (House::open(), Person::new(1, 2));
    ann.register(&mut house, ann.queues(4));
    for _ in 0..2 {
        house.elapse(Span::from_days(15));
        ann.register(&mut house, Vec::new());
    }
    fill(&mut house, &ann, 1);
    let (phone, listed) = ann.listen(&mut house, 0);
    house.ask(phone, Request::Delete { up_to: listed[0].sequence });
    assert_eq!(house.mailbox.overview().envelopes, 1, "the desk was there 30 days ago");
    house.elapse(Span::from_hours(1));
    fill(&mut house, &ann, 2);
    let (phone, listed) = ann.listen(&mut house, 0);
    house.ask(phone, Request::DeleteThese { sequences: list([listed[0].sequence]) });
    assert_eq!(house.mailbox.overview().envelopes, 1, "now it does not count");
    let (_, all) = ann.listen(&mut house, 1);
    assert_eq!(all.len(), 1, "when it comes back it gets what is left");
    fill(&mut house, &ann, 3);
    house.ask(phone, Request::Delete { up_to: u64::MAX });
    assert_eq!(house.mailbox.overview().envelopes, 2, "and it counts again");
}

#[test]
fn a_reader_that_stays_subscribed_is_not_silent() {
    let (mut house, ann) = (House::open(), Person::new(1, 2));
    ann.register(&mut house, ann.queues(4));
    ann.listen(&mut house, 1);
    for _ in 0..3 {
        house.elapse(Span::from_days(20));
        ann.register(&mut house, Vec::new());
    }
    fill(&mut house, &ann, 1);
    let (phone, _) = ann.listen(&mut house, 0);
    house.ask(phone, Request::Delete { up_to: u64::MAX });
    assert_eq!(house.mailbox.overview().envelopes, 1);
}

#[test]
fn a_reader_that_is_taken_off_the_list_neither_reads_nor_keeps() {
    let (mut house, mut ann) = (House::open(), Person::new(1, 2));
    ann.register(&mut house, ann.queues(4));
    fill(&mut house, &ann, 3);
    let (phone, _) = ann.listen(&mut house, 0);
    let (lost, _) = ann.listen(&mut house, 1);
    house.ask(phone, Request::Delete { up_to: u64::MAX });
    assert_eq!(house.mailbox.overview().envelopes, 3);
    let gone = ann.readers.pop().unwrap();
    ann.register(&mut house, Vec::new());
    assert_eq!(house.closed(lost), Some(CloseReason::Removed));
    house.elapse(Span::from_secs(1));
    assert_eq!(house.mailbox.overview().envelopes, 0, "it was the last that kept them");
    ann.readers.push(gone);
    let stream = house.stream();
    let request = ann.subscription(&house, stream, 1, 0);
    assert_eq!(house.ask(stream, request), [Answer::NoQueue {}]);
    ann.register(&mut house, Vec::new());
    fill(&mut house, &ann, 4);
    assert_eq!(ann.listen(&mut house, 1).1.len(), 1, "put on it again, it begins with what is there");
}

#[test]
fn deleting_and_fetching_take_a_subscription() {
    let (mut house, ann) = (House::open(), Person::new(1, 1));
    ann.register(&mut house, ann.queues(4));
    fill(&mut house, &ann, 1);
    let eve = house.stream();
    let place = (house.now.0) << 16;
    for request in [
        Request::Delete { up_to: u64::MAX },
        Request::DeleteThese { sequences: list([place]) },
        Request::Get { sequences: list([place]) },
    ] {
        assert_eq!(house.ask(eve, request), [Answer::Refused {}]);
    }
    assert_eq!(house.mailbox.overview().envelopes, 1);
}
