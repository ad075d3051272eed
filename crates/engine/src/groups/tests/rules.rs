//! One test for each rule.

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::operation::LinkSecret;
use kith_proto::bounded::BoundedBytes;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;
use kith_proto::time::Timestamp;

use super::people::*;
use crate::groups::Denial;
use crate::groups::Log;
use crate::groups::Permission;
use crate::groups::Roster;
use crate::groups::Void;

fn why(roster: &Roster, operation: &OperationId) -> Option<Void> {
    roster.void.get(operation).copied()
}

fn role_of(roster: &Roster, who: usize) -> Option<Role> {
    roster.role(&id(who))
}

fn is_in(roster: &Roster, who: usize) -> bool {
    role_of(roster, who).is_some()
}

#[test]
fn whoever_makes_a_group_owns_it_with_both_devices() {
    let roster = Book::new(Policy::default()).roster();
    assert_eq!(role_of(&roster, ANN), Some(Role::Owner));
    assert_eq!(roster.members[&id(ANN)].devices.len(), 2);
    assert_eq!(&*roster.profile.name, "harbour");
    assert!(roster.permits(&id(ANN), Permission::MentionAll));
    assert!(!roster.permits(&id(BOB), Permission::Post), "nobody else may do anything");
}

#[test]
fn operations_wait_for_each_other_and_come_to_the_same() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Member)]);
    book.says(BOB, named("pier"));
    let roster = book.roster();
    assert_eq!(roster.members.len(), 3);
    assert_eq!(&*roster.profile.name, "pier");
    assert!(roster.void.is_empty());
}

#[test]
fn authority_is_what_the_author_had_seen() {
    let mut book = Book::with(&[(BOB, Role::Member), (CAT, Role::Member)]);
    let early = book.says(BOB, remove(CAT));
    book.says(ANN, role(BOB, Role::Moderator));
    let roster = book.roster();
    assert_eq!(why(&roster, &early), Some(Void::Denied(Denial::RoleTooLow)));
    assert!(is_in(&roster, CAT), "being promoted later makes nothing good");
    book.says(BOB, remove(CAT));
    assert!(!is_in(&book.roster(), CAT));
}

#[test]
fn what_somebody_does_while_being_removed_is_void_and_what_rests_on_it() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    let before = book.heads();
    let removal = book.after(&before, ANN, remove(BOB));
    let adds = book.after(&before, BOB, add(CAT, Role::Moderator));
    let adds_more = book.after(&[adds], CAT, add(DAN, Role::Member));
    let roster = book.roster();
    assert_eq!(why(&roster, &adds), Some(Void::Overruled { by: removal }));
    assert_eq!(why(&roster, &adds_more), Some(Void::LostAuthority(Denial::NotMember)));
    assert_eq!(roster.members.len(), 1, "only Ann is left");
}

#[test]
fn what_others_do_after_something_void_stays() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Admin)]);
    let before = book.heads();
    book.after(&before, ANN, remove(BOB));
    let voided = book.after(&before, BOB, named("mine"));
    let kept = book.after(&[voided], CAT, add(DAN, Role::Member));
    let roster = book.roster();
    assert!(why(&roster, &voided).is_some() && why(&roster, &kept).is_none());
    assert!(is_in(&roster, DAN), "Cat merely had seen what Bob did");
}

#[test]
fn a_demotion_voids_what_the_demoted_did_at_the_same_time() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Member)]);
    let before = book.heads();
    let demotion = book.after(&before, ANN, role(BOB, Role::Member));
    let removal = book.after(&before, BOB, remove(CAT));
    let roster = book.roster();
    assert_eq!(why(&roster, &removal), Some(Void::Overruled { by: demotion }));
    assert_eq!((role_of(&roster, BOB), is_in(&roster, CAT)), (Some(Role::Member), true));
}

#[test]
fn of_two_admins_who_remove_each_other_the_senior_stays() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Admin)]);
    let before = book.heads();
    book.after(&before, BOB, remove(CAT));
    let junior = book.after(&before, CAT, remove(BOB));
    let roster = book.roster();
    assert_eq!(why(&roster, &junior), Some(Void::Denied(Denial::NotOutranked)));
    assert_eq!((is_in(&roster, BOB), is_in(&roster, CAT)), (true, false));
}

#[test]
fn of_two_who_may_remove_each_other_by_what_they_saw_the_higher_role_wins() {
    // Bob, an admin, does not know yet that Cat became an owner.
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Member)]);
    let before = book.heads();
    let promoted = book.after(&before, ANN, role(CAT, Role::Owner));
    let by_cat = book.after(&[promoted], CAT, remove(BOB));
    let by_bob = book.after(&before, BOB, remove(CAT));
    let roster = book.roster();
    assert_eq!(why(&roster, &by_bob), Some(Void::Overruled { by: by_cat }));
    assert_eq!((is_in(&roster, BOB), role_of(&roster, CAT)), (false, Some(Role::Owner)));
}

#[test]
fn a_removal_beats_an_addition_at_the_same_time_and_a_later_one_readmits() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Member)]);
    book.says(ANN, remove(CAT));
    let before = book.heads();
    let added = book.after(&before, ANN, add(CAT, Role::Member));
    let again = book.after(&before, BOB, add(CAT, Role::Member));
    let removed = book.after(&[added], ANN, remove(CAT));
    let roster = book.roster();
    assert_eq!(why(&roster, &again), Some(Void::Overruled { by: removed }));
    assert!(!is_in(&roster, CAT));
    book.says(BOB, add(CAT, Role::Observer));
    assert_eq!(role_of(&book.roster(), CAT), Some(Role::Observer));
}

#[test]
fn of_two_names_given_at_the_same_time_the_seniors_stays() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    let before = book.heads();
    book.after(&before, BOB, named("bob's"));
    book.after(&before, ANN, named("ann's"));
    assert_eq!(&*book.roster().profile.name, "ann's");
    book.says(BOB, named("later"));
    assert_eq!(&*book.roster().profile.name, "later");
}

#[test]
fn rules_roles_and_names_of_the_same_author_go_by_the_lowest_hash() {
    let mut book = Book::new(Policy::default());
    let before = book.heads();
    let one = book.by_device(&before, (ANN, 0), named("one"));
    let two = book.by_device(&before, (ANN, 1), named("two"));
    let expected = if one < two { "one" } else { "two" };
    assert_eq!(&*book.roster().profile.name, expected);
}

#[test]
fn a_device_that_contradicts_itself_is_flagged_and_both_are_void() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    let before = book.heads();
    let one = book.after(&before, BOB, add(CAT, Role::Member));
    let other = book.after(&before, BOB, add(DAN, Role::Member));
    let roster = book.roster();
    assert_eq!(why(&roster, &one), Some(Void::Equivocation { with: other }));
    assert_eq!(why(&roster, &other), Some(Void::Equivocation { with: one }));
    let device = person(BOB).devices[0].id();
    assert_eq!(roster.equivocators.iter().collect::<Vec<_>>(), [&(id(BOB), device)]);
    assert_eq!(roster.members.len(), 2);
    book.says(BOB, add(CAT, Role::Member));
    assert!(is_in(&book.roster(), CAT), "what follows both counts");
}

#[test]
fn what_is_back_dated_by_a_removed_admin_never_counts() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Admin), (DAN, Role::Member)]);
    let before = book.heads();
    book.says(ANN, named("after"));
    book.says(ANN, remove(BOB));
    book.says(CAT, named("long after"));
    for kind in [remove(CAT), remove(DAN), add(EVE, Role::Admin), named("bob's"), role(DAN, Role::Moderator)]
    {
        book.by_device(&before, (BOB, 1), kind);
    }
    let roster = book.roster();
    assert_eq!(&*roster.profile.name, "long after");
    assert_eq!(roster.members.len(), 3);
    assert_eq!(role_of(&roster, DAN), Some(Role::Member));
}

#[test]
fn somebody_who_was_removed_cannot_undo_what_they_did_by_contradicting_it() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    let before = book.heads();
    let added = book.says(BOB, add(CAT, Role::Member));
    book.says(ANN, remove(BOB));
    book.after(&before, BOB, named("fork"));
    let roster = book.roster();
    assert_eq!(why(&roster, &added), None);
    assert!(is_in(&roster, CAT));
}

#[test]
fn whoever_saw_their_own_removal_is_refused() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    book.says(ANN, remove(BOB));
    book.says(BOB, named("still here"));
    let log = book.log();
    assert_eq!(log.len(), 3);
}

#[test]
fn when_the_last_owner_leaves_the_senior_of_the_highest_role_inherits() {
    let mut book = Book::with(&[(CAT, Role::Member), (DAN, Role::Admin), (BOB, Role::Admin)]);
    book.says(ANN, Kind::Leave);
    let roster = book.roster();
    assert_eq!(roster.heir, Some(id(DAN)));
    assert_eq!(role_of(&roster, DAN), Some(Role::Owner));
    book.says(DAN, role(DAN, Role::Owner));
    assert_eq!(book.roster().heir, None, "Dan said yes, so there is an owner again");
    book.says(DAN, role(CAT, Role::Owner));
    book.says(DAN, Kind::Leave);
    assert_eq!(role_of(&book.roster(), CAT), Some(Role::Owner));
}

#[test]
fn the_banned_cannot_be_added_until_the_ban_is_lifted() {
    let mut book = Book::with(&[(BOB, Role::Moderator), (CAT, Role::Member)]);
    book.says(BOB, Kind::Ban(id(CAT)));
    let added = book.says(ANN, add(CAT, Role::Member));
    let roster = book.roster();
    assert_eq!(why(&roster, &added), Some(Void::Denied(Denial::Banned)));
    assert!(roster.banned.contains(&id(CAT)));
    book.says(BOB, Kind::Unban(id(CAT)));
    book.says(ANN, add(CAT, Role::Member));
    assert!(is_in(&book.roster(), CAT));
}

#[test]
fn a_role_gives_only_what_is_below_it_and_takes_only_from_below() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Admin), (DAN, Role::Moderator)]);
    let denied = [
        (book.says(BOB, add(EVE, Role::Admin)), Denial::RoleTooHigh),
        (book.says(BOB, role(DAN, Role::Admin)), Denial::RoleTooHigh),
        (book.says(BOB, remove(ANN)), Denial::NotOutranked),
        (book.says(CAT, role(BOB, Role::Member)), Denial::NotOutranked),
        (book.says(DAN, role(DAN, Role::Admin)), Denial::RoleTooHigh),
        (book.says(DAN, Kind::Policy(Policy::default())), Denial::RoleTooLow),
        (book.says(BOB, remove(BOB)), Denial::OneselfInstead),
        (book.says(BOB, remove(EVE)), Denial::NoSuchMember),
        (book.says(BOB, add(CAT, Role::Member)), Denial::AlreadyMember),
    ];
    let roster = book.roster();
    for (operation, denial) in denied {
        assert_eq!(why(&roster, &operation), Some(Void::Denied(denial)));
    }
    book.says(ANN, role(DAN, Role::Owner));
    book.says(DAN, role(BOB, Role::Member));
    assert_eq!(role_of(&book.roster(), BOB), Some(Role::Member));
}

fn lists(who: usize, list: &SignedDeviceList) -> Kind {
    Kind::Devices { account: id(who), devices: bytes(list) }
}

#[test]
fn any_member_may_put_a_members_newer_list_into_the_log() {
    let mut book = Book::with(&[(BOB, Role::Member), (CAT, Role::Observer)]);
    book.says(CAT, lists(BOB, &person(BOB).list_of(2, &[0])));
    assert_eq!(book.roster().members[&id(BOB)].devices, [person(BOB).devices[0].id()]);
    let old = book.says(CAT, lists(BOB, &person(BOB).list_of(1, &[0, 1])));
    assert_eq!(why(&book.roster(), &old), Some(Void::Denied(Denial::OldList)));
    let stranger = book.says(CAT, lists(DAN, &person(DAN).list_of(2, &[0])));
    assert_eq!(why(&book.roster(), &stranger), Some(Void::Denied(Denial::NoSuchMember)));
    // A list that somebody else signed is none.
    book.says(CAT, lists(BOB, &person(DAN).list_of(3, &[0])));
    assert!(!book.log().contains(&book.last()));
}

#[test]
fn a_newer_device_list_voids_what_its_revoked_device_does_beside_it() {
    let mut book = Book::with(&[(BOB, Role::Admin)]);
    let before = book.heads();
    let revoked = book.says(BOB, lists(BOB, &person(BOB).list_of(2, &[0])));
    let stolen = book.by_device(&before, (BOB, 1), remove(ANN));
    let named = book.by_device(&before, (BOB, 1), named("thief"));
    book.by_device(&[revoked], (BOB, 1), add(CAT, Role::Member));
    let roster = book.roster();
    assert_eq!(why(&roster, &named), Some(Void::DeviceRevoked { by: revoked }));
    assert_eq!(why(&roster, &stolen), Some(Void::Denied(Denial::NotOutranked)));
    assert!(!is_in(&roster, CAT), "a revoked device that saw it is refused");
    assert_eq!(roster.members[&id(BOB)].devices, [person(BOB).devices[0].id()]);
    assert_eq!(roster.members[&id(BOB)].list_version, 2);
}

#[test]
fn a_device_introduces_itself_with_the_list_that_it_brings() {
    let mut book = Book::new(Policy::default());
    let Kind::Add(mut only_first) = add(BOB, Role::Member) else { unreachable!("it is one") };
    only_first.devices = bytes(&person(BOB).list_of(1, &[0]));
    book.says(ANN, Kind::Add(only_first));
    let heads = book.heads();
    book.by_device(&heads, (BOB, 1), lists(BOB, &person(BOB).list_of(2, &[0, 1])));
    assert_eq!(book.roster().members[&id(BOB)].devices.len(), 2);
    let old = book.says(BOB, lists(BOB, &person(BOB).list_of(2, &[0, 1])));
    assert_eq!(why(&book.roster(), &old), Some(Void::Denied(Denial::OldList)));
}

#[test]
fn whoever_holds_a_link_is_let_in_by_any_member_and_nobody_else_is() {
    let secret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Observer)]);
    book.says(ANN, Kind::Link(link(&secret, Role::Member)));
    let group = book.group();
    book.says(BOB, add_by_link(group, CAT, Role::Member, &secret));
    let other = book.says(BOB, add_by_link(group, DAN, Role::Admin, &secret));
    let unknown = book.says(BOB, add_by_link(group, DAN, Role::Member, &link_secret(2)));
    let roster = book.roster();
    assert!(is_in(&roster, CAT));
    assert_eq!(why(&roster, &other), Some(Void::Denied(Denial::OtherRole)));
    assert_eq!(why(&roster, &unknown), Some(Void::Denied(Denial::NoSuchLink)));
    assert_eq!(roster.links[&link(&secret, Role::Member).id()].used, 1);
    // Somebody else's proof, or one for another device list, is no proof.
    let Kind::Add(mut stolen) = add_by_link(group, CAT, Role::Member, &secret) else { unreachable!() };
    (stolen.account, stolen.devices) = (id(EVE), bytes(&person(EVE).list()));
    book.says(BOB, Kind::Add(stolen));
    assert!(!book.log().contains(&book.last()));
}

#[test]
fn a_revoked_link_lets_nobody_in_not_even_at_the_same_time() {
    let secret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Member)]);
    book.says(ANN, Kind::Link(link(&secret, Role::Member)));
    let (before, group) = (book.heads(), book.group());
    let revoked = book.after(&before, ANN, Kind::RevokeLink(link(&secret, Role::Member).id()));
    let came = book.after(&before, BOB, add_by_link(group, CAT, Role::Member, &secret));
    let roster = book.roster();
    assert_eq!(why(&roster, &came), Some(Void::Overruled { by: revoked }));
    assert!(!is_in(&roster, CAT) && roster.links.is_empty());
}

#[test]
fn a_link_that_is_used_up_lets_the_first_in_and_not_the_others() {
    let secret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Member), (CAT, Role::Member)]);
    let once = Link { uses: 1, ..link(&secret, Role::Member) };
    book.says(ANN, Kind::Link(once));
    let (before, group) = (book.heads(), book.group());
    let one = book.after(&before, BOB, add_by_link(group, DAN, Role::Member, &secret));
    let two = book.after(&before, CAT, add_by_link(group, EVE, Role::Member, &secret));
    let roster = book.roster();
    assert_eq!((why(&roster, &one), why(&roster, &two)), (None, Some(Void::LinkUsedUp)), "Bob is senior");
    assert_eq!(roster.members.len(), 4);
    let late = book.says(BOB, add_by_link(group, FAY, Role::Member, &secret));
    assert_eq!(why(&book.roster(), &late), Some(Void::Denied(Denial::LinkUsedUp)));
}

#[test]
fn a_link_with_approval_is_for_those_who_may_invite() {
    let secret: LinkSecret = link_secret(1);
    let mut book = Book::with(&[(BOB, Role::Observer)]);
    book.says(ANN, Kind::Link(Link { approval: true, ..link(&secret, Role::Member) }));
    let group = book.group();
    let by_bob = book.says(BOB, add_by_link(group, CAT, Role::Member, &secret));
    assert_eq!(why(&book.roster(), &by_bob), Some(Void::Denied(Denial::RoleTooLow)));
    book.says(ANN, add_by_link(group, CAT, Role::Member, &secret));
    assert!(is_in(&book.roster(), CAT));
}

#[test]
fn who_leaves_is_gone_and_may_come_back() {
    let mut book = Book::with(&[(BOB, Role::Member)]);
    let before = book.heads();
    book.says(BOB, Kind::Leave);
    let beside = book.by_device(&before, (BOB, 1), add(CAT, Role::Member));
    let roster = book.roster();
    assert_eq!((why(&roster, &beside), is_in(&roster, BOB)), (None, false), "Bob was still in, there");
    book.says(ANN, add(BOB, Role::Member));
    assert!(is_in(&book.roster(), BOB));
}

#[test]
fn pins_mutes_and_deletions_are_kept_by_moderators() {
    let mut book = Book::with(&[(BOB, Role::Moderator), (CAT, Role::Member)]);
    let message = |n| MessageId([n; 16]);
    book.says(BOB, Kind::Pin(message(1)));
    book.says(BOB, Kind::Pin(message(2)));
    let before = book.heads();
    book.after(&before, BOB, Kind::Unpin(message(1)));
    book.after(&before, ANN, Kind::Pin(message(1)));
    book.says(BOB, Kind::DeleteForAll(message(3)));
    book.says(BOB, Kind::Mute { account: id(CAT), until: Timestamp(99) });
    let denied = book.says(CAT, Kind::DeleteForAll(message(4)));
    let roster = book.roster();
    assert_eq!(roster.pins, [message(2), message(1)], "Ann pinned it again beside Bob's unpinning");
    assert_eq!(roster.deletions.len(), 1);
    assert_eq!(roster.members[&id(CAT)].muted_until, Some(Timestamp(99)));
    assert_eq!(why(&roster, &denied), Some(Void::Denied(Denial::RoleTooLow)));
}

#[test]
fn what_a_later_version_does_is_kept_and_changes_nothing() {
    let mut book = Book::with(&[(BOB, Role::Member)]);
    let bytes = BoundedBytes::new(vec![1, 2, 3]).unwrap();
    let unknown = book.says(BOB, Kind::Unknown { kind: 200, bytes });
    book.says(ANN, named("goes on"));
    let roster = book.roster();
    assert_eq!(why(&roster, &unknown), Some(Void::Denied(Denial::UnknownKind)));
    assert_eq!(&*roster.profile.name, "goes on");
}

#[test]
fn a_fight_that_is_over_is_not_fought_again_by_a_later_promotion() {
    // Bob removes Cat while Dan, senior to Bob, removes Bob: Cat stays. Later Cat is made an owner, and acts.
    let mut book =
        Book::with(&[(CAT, Role::Member), (DAN, Role::Admin), (BOB, Role::Admin), (EVE, Role::Admin)]);
    let before = book.heads();
    book.after(&before, BOB, remove(CAT));
    book.after(&before, DAN, remove(BOB));
    assert!(is_in(&book.roster(), CAT));
    book.says(ANN, role(CAT, Role::Owner));
    let settled = book.heads();
    book.after(&settled, CAT, remove(EVE));
    book.after(&settled, EVE, named("beside"));
    let roster = book.roster();
    assert_eq!((is_in(&roster, CAT), is_in(&roster, EVE), is_in(&roster, BOB)), (true, false, false));
}

#[test]
fn three_who_remove_each_other_do_not_all_go() {
    let mut book = Book::with(&[(BOB, Role::Admin), (CAT, Role::Member), (DAN, Role::Member)]);
    let before = book.heads();
    let cat = book.after(&before, ANN, role(CAT, Role::Owner));
    let dan = book.by_device(&before, (ANN, 1), role(DAN, Role::Owner));
    book.after(&before, BOB, remove(CAT));
    book.after(&[cat], CAT, remove(DAN));
    book.after(&[dan], DAN, remove(BOB));
    let roster = book.roster();
    assert!(is_in(&roster, ANN));
    assert!([BOB, CAT, DAN].into_iter().any(|who| is_in(&roster, who)));
}

#[test]
fn a_draft_is_what_the_log_takes() {
    let mut log: Log = Book::with(&[(BOB, Role::Admin)]).log();
    let (bob, device) = (id(BOB), &person(BOB).devices[0]);
    let draft = log.draft((&bob, device), Timestamp(5), add(CAT, Role::Member)).unwrap();
    log.insert(draft).unwrap();
    assert!(is_in(log.roster(), CAT));
    let refused = log.draft((&bob, device), Timestamp(5), remove(ANN));
    assert_eq!(refused, Err(Denial::NotOutranked));
}
