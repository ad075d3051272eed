//! Everybody fights: any kind of operation by anybody, with any past, on two devices each, forked, back-dated. Whatever the
//! order in which it comes, every replica ends with the same, and with what the slow rules say.

use kith_proto::bounded::BoundedBytes;
use kith_proto::group::Kind;
use kith_proto::group::Operation;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;
use kith_proto::time::Timestamp;
use proptest::prelude::*;

use super::oracle::Oracle;
use super::oracle::Outcome;
use super::people::*;
use crate::groups::Denial;
use crate::groups::Inserted;
use crate::groups::Log;
use crate::groups::MAX_WAITING;
use crate::groups::Roster;
use crate::groups::Void;
use crate::groups::log::Trust;

/// What one step of a fight is made from.
#[derive(Clone, Debug)]
struct Step {
    who: usize,
    device: usize,
    kind: u8,
    target: usize,
    role: Role,
    /// What the author has seen: how, and which.
    seen: (u8, u32),
}

fn step() -> impl Strategy<Value = Step> {
    let role =
        prop::sample::select(vec![Role::Observer, Role::Member, Role::Moderator, Role::Admin, Role::Owner]);
    // The first device writes more often than the second, and those with power more often than others.
    let who = prop_oneof![3 => 0..3usize, 1 => 3..6usize];
    let device = prop_oneof![3 => Just(0usize), 1 => Just(1)];
    (who, device, 0..24u8, 0..6usize, role, (0..8u8, any::<u32>()))
        .prop_map(|(who, device, kind, target, role, seen)| Step { who, device, kind, target, role, seen })
}

fn kind(book: &Book, step: &Step) -> Kind {
    let message = MessageId([step.target as u8; 16]);
    let secret = link_secret(step.target as u8 % 2);
    let way = if step.target.is_multiple_of(2) { Role::Member } else { Role::Moderator };
    match step.kind {
        0 | 1 => add(step.target, step.role),
        2..=5 => remove(step.target),
        6 => Kind::Ban(id(step.target)),
        7 => Kind::Unban(id(step.target)),
        8..=11 => role(step.target, step.role),
        12 => Kind::Leave,
        13 => Kind::Policy(Policy {
            invite: step.role,
            pin: if step.target < 3 { Role::Member } else { step.role },
            change_profile: if step.target < 4 { Role::Moderator } else { step.role },
            approve_links: step.target.is_multiple_of(3),
            ..Policy::default()
        }),
        14 => named(["one", "two", "three"][step.target % 3]),
        15 => Kind::Mute { account: id(step.target), until: Timestamp::NEVER },
        16 => {
            let uses = [0, 1, 1, 2, 1][step.role as usize];
            let approval = step.role == Role::Admin;
            Kind::Link(kith_proto::group::Link { uses, approval, ..link(&secret, way) })
        }
        17 => Kind::RevokeLink(link(&secret, way).id()),
        18 | 19 => {
            let who = (step.who + 3) % 6;
            let parity = if step.role > Role::Member { 1 } else { 0 };
            let way = if parity == 0 { Role::Member } else { Role::Moderator };
            add_by_link(book.group(), who, way, &link_secret(parity))
        }
        20 => {
            let used: &[usize] = if step.device == 0 { &[0] } else { &[0, 1] };
            let version = 2 + u32::from(step.role as u8 > 2);
            // Of one's own devices, or of somebody else's.
            let whose = if step.role == Role::Admin { (step.who + 2) % 6 } else { step.who };
            Kind::Devices { account: id(whose), devices: bytes(&person(whose).list_of(version, used)) }
        }
        21 => Kind::Pin(message),
        22 => Kind::Unpin(message),
        _ => Kind::Unknown { kind: 77, bytes: BoundedBytes::new(vec![1]).unwrap() },
    }
}

/// What the author of a step has seen: everything, one branch, some branches, or an old state.
fn seen(book: &Book, step: &Step) -> Vec<OperationId> {
    let heads = book.heads();
    let (how, which) = step.seen;
    match how {
        0..=2 => heads,
        3 | 4 => vec![heads[which as usize % heads.len()]],
        5 => {
            let some = heads.iter().zip(0..).filter(|(_, at)| which >> (at % 32) & 1 == 1);
            let some: Vec<_> = some.map(|(id, _)| *id).collect();
            if some.is_empty() { heads } else { some }
        }
        _ => vec![book.operations[which as usize % book.operations.len()].id()],
    }
}

/// A group of five whose members do whatever the steps say.
fn fight(steps: &[Step]) -> Book {
    let mut book =
        Book::with(&[(BOB, Role::Admin), (CAT, Role::Admin), (DAN, Role::Moderator), (EVE, Role::Member)]);
    for step in steps {
        let (seen, kind) = (seen(&book, step), kind(&book, step));
        book.by_device(&seen, (step.who, step.device), kind);
    }
    book
}

fn summary(roster: &Roster) -> Outcome {
    let member = |(account, member): (&_, &crate::groups::Member)| {
        (*account, (member.standing, member.devices.clone()))
    };
    Outcome {
        members: roster.members.iter().map(member).collect(),
        banned: roster.banned.clone(),
        links: roster.links.keys().copied().collect(),
        policy: roster.policy,
        pins: roster.pins.iter().copied().collect(),
        heir: roster.heir,
        void: roster.void.clone(),
    }
}

fn replica(operations: &[Operation], order: &[usize], ask: bool) -> Log {
    let mut log = Log::begin(operations[0].clone(), Trust::OwnDisk).unwrap();
    for at in order {
        _ = log.take(operations[*at].clone(), Trust::OwnDisk);
        if ask {
            log.roster();
        }
    }
    log
}

fn order(count: usize) -> impl Strategy<Value = Vec<usize>> {
    // Each at least once, some twice.
    (Just((0..count).collect::<Vec<_>>()).prop_shuffle(), prop::collection::vec(0..count, 0..10))
        .prop_map(|(all, again)| again.into_iter().chain(all).collect())
}

fn fight_and_orders() -> impl Strategy<Value = (Vec<Step>, Vec<usize>, Vec<usize>)> {
    fights(40)
}

fn fights(longest: usize) -> impl Strategy<Value = (Vec<Step>, Vec<usize>, Vec<usize>)> {
    prop::collection::vec(step(), 1..longest).prop_flat_map(|steps| (Just(steps), order(45), order(45)))
}

/// How many cases: as many as asked for.
fn cases(usual: u32) -> u32 {
    let asked = ProptestConfig::default().cases;
    if asked == 256 { usual } else { asked }
}

fn fitted(order: &[usize], count: usize) -> Vec<usize> {
    order.iter().copied().filter(|at| *at < count).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(64), ..ProptestConfig::default() })]

    #[test]
    fn every_replica_ends_with_the_same_in_whatever_order_it_comes((steps, one, other) in fight_and_orders()) {
        let book = fight(&steps);
        let count = book.operations.len();
        let mut written = replica(&book.operations, &(0..count).collect::<Vec<_>>(), true);
        for (order, ask) in [(&one, true), (&other, false)] {
            let mut shuffled = replica(&book.operations, &fitted(order, count), ask);
            prop_assert_eq!(shuffled.heads(), written.heads());
            prop_assert_eq!(shuffled.roster(), written.roster());
            prop_assert_eq!(shuffled.waiting(), 0);
        }
    }

    #[test]
    fn two_parts_of_a_group_that_meet_agree((steps, cut, _) in fight_and_orders()) {
        let book = fight(&steps);
        let count = book.operations.len();
        let (ours, theirs) = fitted(&cut, count).into_iter().partition::<Vec<_>, _>(|at| at % 2 == 0);
        let (mut ours, mut theirs) =
            (replica(&book.operations, &ours, true), replica(&book.operations, &theirs, true));
        for _ in 0..count {
            let (heads, missing) = (theirs.heads(), theirs.missing());
            let gives: Vec<Operation> = ours.since(&heads).map(|(_, operation)| operation.clone()).collect();
            let asked: Vec<Operation> = missing.iter().filter_map(|id| ours.operation(id).cloned()).collect();
            for operation in gives.into_iter().chain(asked) {
                _ = theirs.take(operation, Trust::OwnDisk);
            }
            std::mem::swap(&mut ours, &mut theirs);
        }
        prop_assert_eq!(ours.heads(), theirs.heads());
        // What was denied is not passed on.
        let without_denied = |log: &mut Log| {
            let mut roster = log.roster().clone();
            roster.void.retain(|_, why| !matches!(why, Void::Denied(_)));
            roster
        };
        prop_assert_eq!(without_denied(&mut ours), without_denied(&mut theirs));
    }

    #[test]
    fn who_is_not_in_the_roster_may_do_nothing((steps, one, _) in fight_and_orders()) {
        let book = fight(&steps);
        let mut log = replica(&book.operations, &fitted(&one, book.operations.len()), true);
        for who in 0..6 {
            if log.roster().members.contains_key(&id(who)) {
                continue;
            }
            for step in &steps {
                let kind = kind(&book, &Step { who, ..step.clone() });
                prop_assert_eq!(log.allows(&id(who), &kind), Err(Denial::NotMember));
            }
            let heads = log.heads();
            let mut more = book.clone();
            more.after(&heads, who, named("mine"));
            let theirs = more.operations.last().unwrap().clone();
            prop_assert!(log.take(theirs, Trust::OwnDisk).is_err());
        }
    }

    #[test]
    fn somebody_always_owns_a_group_that_has_members((steps, one, _) in fight_and_orders()) {
        let book = fight(&steps);
        let mut log = replica(&book.operations, &fitted(&one, book.operations.len()), false);
        let roster = log.roster();
        let owners = roster.members.values().filter(|member| member.standing.role == Role::Owner).count();
        prop_assert!(owners > 0 || roster.members.is_empty());
        prop_assert!(roster.heir.is_none() || owners == 1);
    }

    #[test]
    fn a_log_takes_no_more_than_it_is_given((steps, one, _) in fight_and_orders()) {
        let book = fight(&steps);
        let order = fitted(&one, book.operations.len());
        let mut log = replica(&book.operations, &order, true);
        let (len, memory) = (log.len(), log.memory());
        for at in order {
            let again = log.take(book.operations[at].clone(), Trust::OwnDisk);
            prop_assert!(!matches!(again, Ok(Inserted::New(_) | Inserted::Waiting)));
        }
        prop_assert_eq!((log.len(), log.memory()), (len, memory));
        prop_assert!(log.waiting() <= MAX_WAITING);
        let mut restored = Log::restore(log.operations().map(|(_, operation)| operation.clone())).unwrap();
        prop_assert_eq!(restored.roster(), log.roster());
    }
}

proptest! {
    // Slow by nature: a few each time, more with `PROPTEST_CASES`.
    #![proptest_config(ProptestConfig { cases: cases(16), ..ProptestConfig::default() })]

    #[test]
    fn the_log_comes_to_what_the_slow_rules_say((steps, one, _) in fights(28)) {
        let book = fight(&steps);
        let oracle = Oracle::new(&book.operations);
        let mut log = replica(&book.operations, &fitted(&one, book.operations.len()), true);
        let taken: std::collections::BTreeSet<OperationId> = log.operations().map(|(id, _)| id).collect();
        prop_assert_eq!(taken, oracle.ids());
        prop_assert_eq!(summary(log.roster()), oracle.result());
    }
}
