//! The end of a world: fair weather, everybody on, and enough time.

use kith_proto::time::Span;

use crate::action::Action;
use crate::action::Who;
use crate::friends;
use crate::groups;
use crate::media;
use crate::network::Weather;
use crate::oracle;
use crate::ways;
use crate::world::World;

/// Lets everything come to rest, and checks that it is where it belongs.
pub(crate) fn settle(world: &mut World) {
    world.weather = Weather { latency_max: 20, ..Weather::default() };
    world.act(&Action::Heal);
    for who in 0..world.people.len() {
        world.people[who].crash = None;
    }
    // Longer than the longest pauses between dials and between repairs.
    for round in 0..30 {
        for host in 0..world.mailboxes() {
            ways::start_host(world, host);
        }
        for who in 0..world.people.len() {
            world.act(&Action::Start(who));
        }
        for who in 0..world.people.len() {
            world.act(&Action::AllowKnocks(who, true));
        }
        groups::answer_all(world);
        world.act(&Action::Elapse(Span::from_minutes(3).0));
        let in_groups = groups::agree(world) && (round > 0 || world.groups.all().is_empty());
        let answered = friends::knock_again(world) && in_groups;
        if answered && (0..world.people.len()).all(|who| waiting(world, who) == 0) {
            break;
        }
    }
    world.act(&Action::Elapse(Span::from_minutes(1).0));
    check(world);
}

fn check(world: &mut World) {
    let friends = world.friends.clone();
    let waiting = (0..world.people.len()).map(|who| waiting(world, who)).collect::<Vec<_>>();
    world.oracle.check_end(&world.people, &friends, &waiting);
    media::check(world);
    let asked = friends::asked(world);
    world.oracle.check_knocks(&world.people, &asked);
    for group in world.groups.all() {
        let (people, friends) = (&world.people, &world.friends);
        let reached = |who: Who| {
            let other = |(one, other): &(Who, Who)| match who {
                who if who == *one => Some(*other),
                who if who == *other => Some(*one),
                _ => None,
            };
            people[who].restores == 0
                || friends
                    .iter()
                    .filter_map(other)
                    .any(|friend| !oracle::forgot(&people[who], &people[friend]))
        };
        world.groups.ledger.check_end(people, &group, &reached);
    }
    world.oracle.failures.append(&mut world.groups.ledger.failures);
}

/// How many things wait in somebody's outbox for people who still have something to do with them.
fn waiting(world: &World, who: Who) -> usize {
    let all = world.people[who].disk.rows_in("outbox");
    if all == 0 || world.groups.all().is_empty() {
        return all;
    }
    let tied = |other: &Who| {
        let friends = world.friends.iter().any(|pair| *pair == (who, *other) || *pair == (*other, who));
        friends || groups::have_one_in_common(world, who, *other)
    };
    (0..world.people.len())
        .filter(tied)
        .map(|other| world.people[who].disk.waiting_for(&world.people[other].device))
        .sum()
}
