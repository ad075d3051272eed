//! What members and former members try against everybody else: dating back, using links up, flooding.

use kith_crypto::operation::LinkSecret;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Policy;
use kith_proto::group::Role;

use super::people::*;
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
    let strict = Policy { invite: Role::Moderator, approve_links: true, pin: Role::Admin, ..Policy::default() };
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
