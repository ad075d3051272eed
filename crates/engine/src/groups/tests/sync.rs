//! Taking operations from others: forged, misplaced, missing, too many.

use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::GroupId;

use super::people::*;
use crate::groups::Inserted;
use crate::groups::Log;
use crate::groups::MAX_WAITING;
use crate::groups::Refused;

fn last(book: &Book) -> Operation {
    book.operations.last().unwrap().clone()
}

#[test]
fn an_operation_waits_until_what_it_follows_is_here() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    book.says(BOB, named("pier"));
    let mut log = Log::new(book.operations[0].clone()).unwrap();
    assert_eq!(log.insert(book.operations[2].clone()), Ok(Inserted::Waiting));
    assert_eq!(log.insert(book.operations[2].clone()), Ok(Inserted::Known));
    assert_eq!(log.missing(), [book.operations[1].id()]);
    let new = book.operations[1..].iter().map(Operation::id).collect();
    assert_eq!(log.insert(book.operations[1].clone()), Ok(Inserted::New(new)));
    assert_eq!((log.missing().len(), log.waiting()), (0, 0));
    assert_eq!(log.heads(), [book.last()]);
}

#[test]
fn a_log_gives_what_the_other_side_does_not_have() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Admin)]);
    let before = book.heads();
    let one = book.after(&before, BOB, named("one"));
    let two = book.after(&before, CAT, named("two"));
    let log = book.log();
    let given: Vec<_> = log.since(&before).map(|(id, _)| id).collect();
    assert_eq!(given, [one, two]);
    assert_eq!(log.since(&[one]).map(|(id, _)| id).collect::<Vec<_>>(), [two]);
    assert_eq!(log.since(&[]).count(), log.len(), "to somebody with nothing, everything");
    assert_eq!(log.follows(&one, &before[0]), Some(true));
    assert_eq!(log.follows(&one, &two), Some(false));
}

#[test]
fn what_is_forged_or_misplaced_is_refused_and_whatever_follows_it() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    let honest = book.operations.clone();
    book.says(BOB, named("pier"));
    let good = last(&book);
    let refused = |operation: Operation| {
        let mut log = Log::new(honest[0].clone()).unwrap();
        log.insert(honest[1].clone()).unwrap();
        let refused = log.insert(operation);
        assert_eq!(log.len(), 2);
        refused.unwrap_err()
    };
    let mut forged = good.clone();
    forged.signature[3] ^= 1;
    assert_eq!(refused(forged), Refused::Forged);
    assert_eq!(refused(Operation { author: id(ANN), ..good.clone() }), Refused::UnknownDevice);
    assert_eq!(refused(Operation { author: id(CAT), ..good.clone() }), Refused::NotMember);
    assert_eq!(refused(Operation { sequence: 2, ..good.clone() }), Refused::Misplaced);
    assert_eq!(refused(Operation { group: GroupId([1; 32]), ..good }), Refused::OtherGroup);
}

#[test]
fn whatever_follows_something_refused_is_let_go() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    book.says(CAT, named("stranger"));
    let stranger = last(&book);
    book.after(&[stranger.id()], BOB, named("follows it"));
    let follows = last(&book);
    let mut log = Log::new(book.operations[0].clone()).unwrap();
    log.insert(book.operations[1].clone()).unwrap();
    assert_eq!(log.insert(follows.clone()), Ok(Inserted::Waiting));
    assert_eq!(log.insert(stranger), Err(Refused::NotMember));
    assert_eq!((log.waiting(), log.missing().len()), (0, 0));
    assert_eq!(log.insert(follows), Err(Refused::Orphan));
}

#[test]
fn only_so_many_operations_wait_and_the_oldest_is_let_go() {
    let mut log = Log::new(Book::new(Policy::default()).operations[0].clone()).unwrap();
    let mut operation = {
        let mut book = Book::with(&[(BOB, Role::Admin)]);
        book.says(BOB, named("x"));
        last(&book)
    };
    for sequence in 1..=MAX_WAITING as u64 + 10 {
        operation.sequence = sequence;
        assert_eq!(log.insert(operation.clone()), Ok(Inserted::Waiting));
    }
    assert_eq!(log.waiting(), MAX_WAITING);
    assert_eq!(log.missing().len(), 1);
}

#[test]
fn a_log_is_restored_from_what_was_kept() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Admin)]);
    let before = book.heads();
    book.after(&before, BOB, named("one"));
    book.after(&before, ANN, remove(BOB));
    let mut log = book.log();
    let kept: Vec<Operation> = log.operations().map(|(_, operation)| operation.clone()).collect();
    let mut restored = Log::restore(kept).unwrap();
    assert_eq!(restored.heads(), log.heads());
    assert_eq!(restored.roster(), log.roster());
    assert!(Log::restore(Vec::new()).is_err());
}
