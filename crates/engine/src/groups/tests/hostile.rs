//! What members and former members try against everybody else: dating back, using links up, flooding.

use kith_crypto::operation::LinkSecret;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::MessageId;

use super::people::*;
use crate::groups::Denial;
use crate::groups::Inserted;
use crate::groups::Refused;
use crate::groups::Roster;
use crate::groups::Void;

const GUS: usize = 6;
const HAL: usize = 7;

fn is_in(roster: &Roster, who: usize) -> bool {
    roster.role(&id(who)).is_some()
}

fn limited(secret: &LinkSecret, uses: u32) -> Kind {
    Kind::Link(Link { uses, ..link(secret, Role::Member) })
}

#[test]
fn who_was_removed_uses_up_no_link_by_dating_back() {
    let secret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Member)]);
    let made = book.says(ANN, limited(&secret, 2));
    let group = book.group();
    book.says(ANN, add_by_link(group, CAT, Role::Member, &secret));
    book.says(ANN, role(CAT, Role::Moderator));
    book.says(CAT, remove(BOB));
    let before = book.roster();
    for (device, who) in [(0, EVE), (0, FAY), (1, GUS), (1, HAL)] {
        book.by_device(&[made], (BOB, device), add_by_link(group, who, Role::Member, &secret));
    }
    let roster = book.roster();
    assert_eq!(roster.members, before.members, "nobody came and nobody went");
    book.says(ANN, add_by_link(group, DAN, Role::Member, &secret));
    assert!(is_in(&book.roster(), DAN), "nor is the link used up for those who come later");
    assert_eq!(book.roster().links[&link(&secret, Role::Member).id()].used, 2);
}

#[test]
fn a_member_who_uses_up_a_link_beside_others_evicts_nobody_for_good() {
    let secret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Member)]);
    let made = book.says(ANN, limited(&secret, 1));
    let group = book.group();
    let by_ann = book.says(ANN, add_by_link(group, CAT, Role::Member, &secret));
    let by_bob = book.after(&[made], BOB, add_by_link(group, DAN, Role::Member, &secret));
    let roster = book.roster();
    assert_eq!(roster.void.get(&by_bob), Some(&Void::LinkUsedUp), "whom a senior lets in comes first");
    assert!(!roster.void.contains_key(&by_ann));
}

#[test]
fn who_came_long_before_is_not_put_behind_those_who_are_let_in_later_by_seniors() {
    let secret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Member), (CAT, Role::Admin)]);
    book.says(ANN, limited(&secret, 2));
    let group = book.group();
    book.says(BOB, add_by_link(group, DAN, Role::Member, &secret));
    let before = book.heads();
    book.after(&before, ANN, add_by_link(group, EVE, Role::Member, &secret));
    book.after(&before, CAT, add_by_link(group, FAY, Role::Member, &secret));
    let roster = book.roster();
    assert_eq!((is_in(&roster, DAN), is_in(&roster, EVE), is_in(&roster, FAY)), (true, true, false));
}

#[test]
fn stricter_rules_bind_whoever_dates_back_to_before_them() {
    let secret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Member), (CAT, Role::Moderator)]);
    book.says(ANN, Kind::Link(link(&secret, Role::Member)));
    let (before, group) = (book.heads(), book.group());
    let strict =
        Policy { invite: Role::Moderator, approve_links: true, pin: Role::Admin, ..Policy::default() };
    let stricter = book.says(ANN, Kind::Policy(strict));
    let other = link_secret(2);
    let tried = [
        (0, add(DAN, Role::Member)),
        (1, Kind::Link(link(&other, Role::Member))),
        (1, add_by_link(group, EVE, Role::Member, &secret)),
    ];
    // Each by a device of its own time, as contradictions are void anyway.
    let mut void = Vec::new();
    for (device, kind) in tried {
        let mut alone = book.clone();
        let by = alone.by_device(&before, (BOB, device), kind);
        void.push(alone.roster().void.get(&by).copied());
    }
    assert_eq!(void, [Some(Void::Overruled { by: stricter }); 3]);
    let kept = book.after(&before, CAT, add(FAY, Role::Member));
    assert_eq!(book.roster().void.get(&kept), None, "whoever still may is not touched");
}

#[test]
fn rules_that_were_as_strict_before_undo_nothing() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Member)]);
    book.says(ANN, Kind::Policy(Policy { invite: Role::Moderator, ..Policy::default() }));
    let before = book.heads();
    let open = book.after(&before, ANN, Kind::Policy(Policy::default()));
    let slow = Policy { invite: Role::Moderator, slow_mode_secs: 60, ..Policy::default() };
    book.after(&before, BOB, Kind::Policy(slow));
    let added = book.after(&[open], CAT, add(DAN, Role::Member));
    assert_eq!(book.roster().void.get(&added), None, "Bob changed something else");
}

#[test]
fn nobody_undoes_what_they_did_by_leaving_before_it() {
    let mut book = Book::with(&[(BOB, Role::Member)]);
    let before = book.heads();
    let added = book.says(BOB, add(CAT, Role::Member));
    book.says(ANN, role(CAT, Role::Admin));
    book.says(CAT, add(DAN, Role::Member));
    book.says(CAT, remove(BOB));
    book.by_device(&before, (BOB, 1), Kind::Leave);
    let roster = book.roster();
    assert_eq!(roster.void.get(&added), None);
    assert_eq!((is_in(&roster, BOB), is_in(&roster, CAT), is_in(&roster, DAN)), (false, true, true));
}

#[test]
fn nobody_undoes_what_they_did_by_stepping_down_before_it() {
    let mut book = Book::with(&[(BOB, Role::Moderator)]);
    let before = book.heads();
    let banned = book.says(BOB, Kind::Ban(id(CAT)));
    book.by_device(&before, (BOB, 1), role(BOB, Role::Observer));
    assert_eq!(book.roster().void.get(&banned), None);
}

#[test]
fn who_has_left_uses_up_no_link_by_dating_back() {
    let secret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Member), (CAT, Role::Member)]);
    let made = book.says(ANN, limited(&secret, 1));
    let group = book.group();
    let guest = book.says(CAT, add_by_link(group, DAN, Role::Member, &secret));
    book.says(BOB, Kind::Leave);
    book.after(&[made], BOB, add_by_link(group, EVE, Role::Member, &secret));
    let roster = book.roster();
    assert_eq!(roster.void.get(&guest), None);
    assert_eq!((is_in(&roster, DAN), is_in(&roster, EVE)), (true, false));
}

fn pin(number: u8) -> Kind {
    Kind::Pin(MessageId([number; 16]))
}

#[test]
fn of_many_operations_with_one_number_few_are_taken_and_those_that_others_follow() {
    let mut book = Book::new(Policy { pin: Role::Member, ..Policy::default() });
    book.says(ANN, add(BOB, Role::Member));
    book.says(ANN, add(CAT, Role::Member));
    let before = book.heads();
    let twins: Vec<_> = (0..12).map(|number| book.after(&before, BOB, pin(number))).collect();
    let mut log = book.log();
    assert_eq!(twins.iter().filter(|twin| log.contains(twin)).count(), 8);
    assert!(log.knows(&twins[11]), "it is not asked for again and again");
    let twin = book.operations.iter().find(|operation| operation.id() == twins[11]).unwrap().clone();
    assert_eq!(log.insert(twin.clone()), Err(Refused::Full));
    // Bob's own word for it does not help, Cat's does: she had taken others of them.
    let own = book.by_device(&[twins[11]], (BOB, 1), pin(20));
    assert_eq!(log.insert(book.operations.last().unwrap().clone()), Ok(Inserted::Waiting));
    assert_eq!((log.insert(twin.clone()), log.waiting()), (Err(Refused::Full), 0));
    let follows = book.after(&[own], CAT, pin(21));
    let newest = book.operations.len() - 2;
    for operation in &book.operations[newest..] {
        assert_eq!(log.insert(operation.clone()), Ok(Inserted::Waiting));
    }
    assert_eq!(log.insert(twin), Ok(Inserted::New(vec![twins[11], own, follows])));
}

#[test]
fn members_do_not_close_the_door_with_links() {
    let mut book = Book::with(&[(BOB, Role::Member), (CAT, Role::Moderator)]);
    let open = |number: u8| Kind::Link(link(&link_secret(number), Role::Member));
    let made: Vec<_> = (0..8).map(|number| book.says(BOB, open(number))).collect();
    let beyond = book.says(BOB, open(8));
    let roster = book.roster();
    assert!(made.iter().all(|link| !roster.void.contains_key(link)));
    assert_eq!(roster.void.get(&beyond), Some(&Void::Denied(Denial::TooManyLinks)));
    for number in 10..20 {
        book.says(CAT, open(number));
    }
    assert_eq!(book.roster().links.len(), 18);
}

#[test]
fn the_link_that_is_meant_to_be_passed_around_comes_first_whatever_others_make() {
    let public = Policy { public: true, invite: Role::Member, ..Policy::default() };
    let mut book = Book::new(public);
    book.says(ANN, add(BOB, Role::Member));
    let role = public.newcomers();
    book.says(ANN, Kind::Link(link(&link_secret(1), role)));
    book.says(ANN, Kind::Link(Link { uses: 1, ..link(&link_secret(2), role) }));
    for number in 3..9 {
        book.says(BOB, Kind::Link(link(&link_secret(number), role)));
    }
    let roster = book.roster();
    let ids: Vec<_> = roster.links_by_weight().iter().map(|open| open.link.id()).collect();
    let of = |number| link(&link_secret(number), role).id();
    assert_eq!(roster.public_link(), Some(of(1)));
    assert_eq!(ids[..3], [of(1), of(2), of(8)], "then each maker's newest");
}

#[test]
fn a_contradiction_by_a_word_of_a_later_version_does_not_put_what_follows_in_doubt() {
    let mut book = Book::with(&[(BOB, Role::Member)]);
    let create = book.operations[0].id();
    let bytes = kith_proto::bounded::BoundedBytes::new(vec![1]).unwrap();
    book.after(&[create], ANN, Kind::Unknown { kind: 77, bytes });
    let heads = book.heads();
    book.after(&heads, ANN, add(CAT, Role::Member));
    assert!(is_in(&book.roster(), CAT), "whichever of both came first");
}

#[test]
fn of_many_ends_those_that_came_last_come_first() {
    let mut book = Book::with(&[]);
    let create = book.operations[0].id();
    let pin = |number| Kind::Pin(MessageId([number; 16]));
    let mut ends: Vec<_> = (0..40).map(|number| book.after(&[create], ANN, pin(number))).collect();
    ends.reverse();
    assert_eq!(book.log().heads_by_age(), ends);
}
