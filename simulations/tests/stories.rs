//! Stories of people, in virtual time.
#![expect(clippy::indexing_slicing, reason = "a person is named by a number that the world gave")]

use kith_engine::view::ContactState;
use kith_engine::view::MessageState;
use kith_simulations::action::Action;
use kith_simulations::action::Phase;
use kith_simulations::hostile::Conduct;
use kith_simulations::nats::Class;
use kith_simulations::nats::Place;
use kith_simulations::nats::Way;
use kith_simulations::network::Weather;
use kith_simulations::world::World;

const ANN: usize = 0;
const BOB: usize = 1;

/// Ann and Bob, who are friends.
fn friends(seed: u64) -> World {
    let mut world = World::new(seed, 2, Weather::default());
    world.act(&Action::Elapse(1_000));
    world.act(&Action::Befriend(ANN, BOB));
    world.act(&Action::Elapse(5_000));
    world
}

fn good(mut world: World, wanted: usize) {
    world.settle();
    assert!(world.oracle.failures.is_empty(), "{:?}", world.oracle.failures);
    let chat = kith_proto::id::ChatId::direct(&world.people[ANN].account, &world.people[BOB].account);
    let there = kith_simulations::oracle::timeline(&world.people[BOB].disk, &chat);
    assert_eq!(there.iter().filter(|view| !view.outgoing).count(), wanted);
}

#[test]
fn what_ann_writes_while_bob_is_away_is_there_when_he_comes_back() {
    let mut world = friends(1);
    world.act(&Action::Stop(BOB));
    for _ in 0..500 {
        world.act(&Action::Send(ANN, BOB));
    }
    world.act(&Action::Elapse(60_000));
    world.act(&Action::Start(BOB));
    good(world, 500);
}

#[test]
fn both_move_while_apart_and_find_each_other_through_the_dht() {
    let mut world = friends(2);
    world.act(&Action::Split);
    world.act(&Action::Move(ANN));
    world.act(&Action::Move(BOB));
    world.act(&Action::Send(ANN, BOB));
    world.act(&Action::Heal);
    good(world, 1);
}

#[test]
fn a_crash_in_any_phase_of_a_step_loses_nothing() {
    for phase in [Phase::BeforeCommit, Phase::BeforeEffects, Phase::BeforeEvents] {
        for (seed, who) in [(3, ANN), (4, BOB)] {
            let mut world = friends(seed);
            for _ in 0..10 {
                world.act(&Action::Send(ANN, BOB));
                world.act(&Action::Elapse(40));
            }
            world.act(&Action::Crash(who, phase, 500));
            world.act(&Action::Elapse(5_000));
            world.act(&Action::Send(ANN, BOB));
            good(world, 11);
        }
    }
}

#[test]
fn an_old_disk_that_is_put_back_heals_and_nothing_new_is_lost() {
    let mut world = friends(5);
    world.act(&Action::Send(ANN, BOB));
    world.act(&Action::Elapse(2_000));
    world.act(&Action::Backup(ANN));
    for _ in 0..5 {
        world.act(&Action::Send(ANN, BOB));
        world.act(&Action::Elapse(2_000));
    }
    world.act(&Action::RestoreBackup(ANN));
    world.act(&Action::Send(ANN, BOB));
    good(world, 7);
}

#[test]
fn blocked_people_are_sent_nothing() {
    let mut world = friends(6);
    let ann = world.people[ANN].account;
    world.people[BOB].command(kith_engine::Command::BlockContact { contact: ann });
    world.act(&Action::CutConnection(ANN, BOB));
    world.act(&Action::Elapse(5_000));
    let before = world.counts.frames;
    world.act(&Action::Send(BOB, ANN));
    world.act(&Action::Elapse(60_000));
    let chat = kith_proto::id::ChatId::direct(&ann, &world.people[BOB].account);
    let written = kith_simulations::oracle::timeline(&world.people[BOB].disk, &chat);
    assert!(written.is_empty(), "writing to somebody blocked is refused");
    assert!(world.counts.frames - before < 200, "no storm of dials");
}

/// Ann and Bob, who are friends, and three community nodes that they both use as mailboxes.
fn friends_with_mailboxes(seed: u64) -> World {
    let mut world = World::with_mailboxes(seed, 2, 3, Weather::default());
    world.act(&Action::Elapse(2_000));
    world.act(&Action::Befriend(ANN, BOB));
    world.act(&Action::Elapse(10_000));
    world
}

fn shown_to(world: &World, who: usize) -> usize {
    let chat = kith_proto::id::ChatId::direct(&world.people[ANN].account, &world.people[BOB].account);
    let there = kith_simulations::oracle::timeline(&world.people[who].disk, &chat);
    there.iter().filter(|view| !view.outgoing).count()
}

fn states(world: &World, who: usize) -> Vec<MessageState> {
    let chat = kith_proto::id::ChatId::direct(&world.people[ANN].account, &world.people[BOB].account);
    let there = kith_simulations::oracle::timeline(&world.people[who].disk, &chat);
    there.iter().filter(|view| view.outgoing).map(|view| view.state).collect()
}

#[test]
fn what_ann_leaves_for_bob_is_there_when_she_is_gone_and_two_of_three_mailboxes_are_dead() {
    for (seed, alive) in [(11, 0), (12, 1), (13, 2)] {
        let mut world = friends_with_mailboxes(seed);
        world.act(&Action::Stop(BOB));
        for _ in 0..200 {
            world.act(&Action::Send(ANN, BOB));
        }
        world.act(&Action::Elapse(20_000));
        assert_eq!(states(&world, ANN), vec![MessageState::Stored; 200], "seed {seed}");
        world.act(&Action::Stop(ANN));
        for host in (0..3).filter(|host| *host != alive) {
            world.act(&Action::StopMailbox(host));
        }
        world.act(&Action::Start(BOB));
        world.act(&Action::Elapse(20_000));
        assert_eq!(shown_to(&world, BOB), 200, "seed {seed}");
    }
}

#[test]
fn ann_hears_that_it_was_delivered_though_the_two_are_never_there_at_once() {
    let mut world = friends_with_mailboxes(14);
    world.act(&Action::Stop(BOB));
    for _ in 0..20 {
        world.act(&Action::Send(ANN, BOB));
    }
    world.act(&Action::Elapse(20_000));
    world.act(&Action::Stop(ANN));
    world.act(&Action::Start(BOB));
    world.act(&Action::Elapse(20_000));
    world.act(&Action::Stop(BOB));
    world.act(&Action::Start(ANN));
    world.act(&Action::Elapse(20_000));
    assert_eq!(states(&world, ANN), vec![MessageState::Delivered; 20]);
}

#[test]
fn somebody_who_is_away_for_two_weeks_misses_nothing() {
    let mut world = friends_with_mailboxes(15);
    world.act(&Action::Stop(BOB));
    world.act(&Action::Elapse(6 * 24 * 3_600_000));
    for _ in 0..20 {
        world.act(&Action::Send(ANN, BOB));
    }
    world.act(&Action::Elapse(3_600_000));
    world.act(&Action::Stop(ANN));
    world.act(&Action::Elapse(13 * 24 * 3_600_000));
    world.act(&Action::Start(BOB));
    world.act(&Action::Elapse(60_000));
    assert_eq!(shown_to(&world, BOB), 20);
}

#[test]
fn a_link_works_while_its_maker_is_away_and_so_does_the_answer() {
    let mut world = World::with_mailboxes(16, 2, 3, Weather::default());
    world.act(&Action::Elapse(5_000));
    world.act(&Action::Invite(ANN, BOB));
    world.act(&Action::Elapse(5_000));
    world.act(&Action::Stop(ANN));
    world.act(&Action::UseInvite(ANN, BOB));
    world.act(&Action::Elapse(60_000));
    world.act(&Action::Send(BOB, ANN));
    world.act(&Action::Elapse(20_000));
    world.act(&Action::Stop(BOB));
    world.act(&Action::Start(ANN));
    world.act(&Action::Elapse(20_000));
    world.act(&Action::Stop(ANN));
    world.act(&Action::Start(BOB));
    world.act(&Action::Elapse(60_000));
    assert_eq!(states(&world, BOB), [MessageState::Stored], "Bob heard that Ann agrees, and his text went");
    world.act(&Action::Stop(BOB));
    world.act(&Action::Start(ANN));
    world.act(&Action::Elapse(20_000));
    assert_eq!(shown_to(&world, ANN), 1);
}

const HOUR: u64 = 3_600_000;

/// Ann and Bob, who are friends and use three of six community nodes; the other three are off.
fn friends_with_other_mailboxes(seed: u64) -> World {
    let mut world = World::with_mailboxes(seed, 2, 6, Weather::default());
    for host in 3..6 {
        world.act(&Action::StopMailbox(host));
    }
    world.act(&Action::Elapse(5_000));
    world.act(&Action::Befriend(ANN, BOB));
    world.act(&Action::Elapse(10_000));
    world
}

/// The first three community nodes go, and three others come.
fn others_take_over(world: &mut World) {
    for host in 0..3 {
        world.act(&Action::StopMailbox(host));
        world.act(&Action::StartMailbox(host + 3));
    }
}

#[test]
fn ann_finds_where_bobs_mailboxes_are_now_though_all_she_knew_of_are_dead() {
    for seed in [21, 22, 23] {
        let mut world = friends_with_other_mailboxes(seed);
        world.act(&Action::Stop(ANN));
        others_take_over(&mut world);
        world.act(&Action::Elapse(3 * HOUR));
        world.act(&Action::Stop(BOB));
        world.act(&Action::Start(ANN));
        world.act(&Action::Send(ANN, BOB));
        world.act(&Action::Elapse(5 * 60_000));
        assert_eq!(states(&world, ANN), [MessageState::Stored], "seed {seed}");
        world.act(&Action::Stop(ANN));
        world.act(&Action::Start(BOB));
        world.act(&Action::Elapse(60_000));
        assert_eq!(shown_to(&world, BOB), 1, "seed {seed}");
    }
}

#[test]
fn what_lies_in_a_mailbox_that_was_replaced_is_read_when_it_comes_back() {
    let mut world = friends_with_other_mailboxes(24);
    world.act(&Action::Stop(BOB));
    for _ in 0..20 {
        world.act(&Action::Send(ANN, BOB));
    }
    world.act(&Action::Elapse(20_000));
    world.act(&Action::Stop(ANN));
    others_take_over(&mut world);
    world.act(&Action::Start(BOB));
    world.act(&Action::Elapse(3 * HOUR));
    assert_eq!(shown_to(&world, BOB), 0);
    world.act(&Action::Stop(BOB));
    world.act(&Action::StartMailbox(1));
    world.act(&Action::Start(BOB));
    world.act(&Action::Elapse(60_000));
    assert_eq!(shown_to(&world, BOB), 20, "also after a restart");
}

#[test]
fn a_restart_of_every_mailbox_at_once_changes_no_list() {
    let mut world = friends_with_other_mailboxes(25);
    for host in 0..3 {
        world.act(&Action::StopMailbox(host));
    }
    world.act(&Action::StartMailbox(5));
    world.act(&Action::Elapse(20 * 60_000));
    for host in 0..3 {
        world.act(&Action::StartMailbox(host));
    }
    world.act(&Action::Elapse(HOUR));
    assert_eq!(world.people[BOB].disk.rows_in("mailboxes"), 3, "nobody was replaced within minutes");
}

/// Ann and Bob, who are friends and reach each other only through one of two relays.
fn friends_by_relay(seed: u64) -> World {
    let office = Place { class: Class::Symmetric, strict: true, carrier: 0 };
    let mut world = World::with_places(seed, 2, 2, Weather::default(), |_| Some(vec![office; 2]));
    world.act(&Action::Elapse(2_000));
    world.act(&Action::Befriend(ANN, BOB));
    world.act(&Action::Elapse(10_000));
    assert!(matches!(world.way(ANN, BOB), Some(Way::Relay(_))), "seed {seed}");
    world
}

#[test]
fn when_both_relays_return_friends_are_back_within_ten_seconds() {
    for (seed, minutes) in [(40, 1), (41, 1), (42, 10), (43, 60), (44, 600)] {
        let mut world = friends_by_relay(seed);
        world.act(&Action::StopMailbox(0));
        world.act(&Action::StopMailbox(1));
        world.act(&Action::Elapse(minutes * 60_000));
        assert_eq!(world.way(ANN, BOB), None);
        world.act(&Action::StartMailbox(0));
        world.act(&Action::StartMailbox(1));
        world.act(&Action::Elapse(10_000));
        assert!(world.way(ANN, BOB).is_some(), "seed {seed}, after {minutes} min");
    }
}

#[test]
fn a_relay_that_comes_and_goes_does_not_make_friends_dial_all_the_time() {
    let mut world = friends_by_relay(45);
    world.act(&Action::Stop(BOB));
    let before = world.counts.dials;
    for _ in 0..600 {
        world.act(&Action::StopMailbox(0));
        world.act(&Action::Elapse(500));
        world.act(&Action::StartMailbox(0));
        world.act(&Action::Elapse(500));
    }
    let dials = world.counts.dials - before;
    assert!(dials < 700, "{dials} dials in ten minutes");
}

#[test]
fn mailboxes_that_hand_over_everything_twice_hand_over_everything() {
    for seed in 50..54 {
        let mut world = friends_with_mailboxes(seed);
        for host in 0..3 {
            world.act(&Action::MaskMailbox(host, Conduct::Replays));
        }
        world.act(&Action::Stop(BOB));
        for _ in 0..40 {
            world.act(&Action::Send(ANN, BOB));
        }
        world.act(&Action::Elapse(20_000));
        world.act(&Action::Stop(ANN));
        world.act(&Action::Start(BOB));
        world.act(&Action::Elapse(20_000));
        assert_eq!(shown_to(&world, BOB), 40, "seed {seed}");
    }
}

/// Bob knows only Ann's address, and asks while she is away.
fn bob_knocks(seed: u64, people: usize) -> World {
    let mut world = World::with_mailboxes(seed, people, 3, Weather::default());
    world.act(&Action::Elapse(10_000));
    world.act(&Action::Stop(ANN));
    world.act(&Action::Knock(BOB, ANN));
    world.act(&Action::Elapse(60_000));
    world
}

fn contact_of(world: &World, who: usize, whose: usize) -> Option<kith_engine::view::ContactView> {
    let contact = world.people[whose].account;
    kith_engine::query::contact(&world.people[who].disk, &contact).expect("a simulated disk can be read")
}

#[test]
fn a_stranger_knocks_with_an_address_and_the_two_are_never_there_at_once() {
    let mut world = bob_knocks(60, 2);
    assert_eq!(contact_of(&world, BOB, ANN).map(|view| view.state), Some(ContactState::Requested));
    world.act(&Action::Stop(BOB));
    world.act(&Action::Start(ANN));
    world.act(&Action::Elapse(20_000));
    assert_eq!(contact_of(&world, ANN, BOB).map(|view| view.state), Some(ContactState::Accepted));
    world.act(&Action::Stop(ANN));
    world.act(&Action::Start(BOB));
    world.act(&Action::Elapse(60_000));
    assert_eq!(contact_of(&world, BOB, ANN).map(|view| view.state), Some(ContactState::Accepted));
    world.act(&Action::Send(BOB, ANN));
    world.act(&Action::Elapse(20_000));
    world.act(&Action::Stop(BOB));
    world.act(&Action::Start(ANN));
    world.act(&Action::Elapse(20_000));
    assert_eq!(shown_to(&world, ANN), 1);
}

#[test]
fn a_knock_that_was_not_answered_is_noticed_at_the_end() {
    let mut world = bob_knocks(63, 2);
    let asked = [(BOB, ANN)];
    world.oracle.check_knocks(&world.people, &asked);
    assert_eq!(world.oracle.failures.len(), 2, "neither has the other: {:?}", world.oracle.failures);
    world.oracle.failures.clear();
    world.settle();
    assert!(world.oracle.failures.is_empty(), "{:?}", world.oracle.failures);
    assert_eq!(world.friends, asked, "they are friends since");
}

#[test]
fn a_flood_of_knocks_ends_at_what_mailboxes_take_and_friends_write_as_before() {
    let strangers = 40;
    let mut world = World::with_mailboxes(62, 2 + strangers, 3, Weather::default());
    world.act(&Action::Elapse(10_000));
    world.act(&Action::Befriend(ANN, BOB));
    world.act(&Action::Elapse(10_000));
    world.act(&Action::Stop(ANN));
    let before = world.post().held().envelopes;
    for stranger in 2..2 + strangers {
        world.act(&Action::Knock(stranger, ANN));
    }
    world.act(&Action::Elapse(600_000));
    let knocks = world.post().held().envelopes - before;
    assert!((20..=60).contains(&knocks), "{knocks} requests in three queues of twenty");
    for _ in 0..20 {
        world.act(&Action::Send(BOB, ANN));
    }
    world.act(&Action::Elapse(20_000));
    world.act(&Action::Stop(BOB));
    world.act(&Action::Start(ANN));
    world.act(&Action::Elapse(20_000));
    assert_eq!(shown_to(&world, ANN), 20);
}

#[test]
fn who_does_not_want_strangers_is_not_found_by_them_and_they_are_told() {
    let mut world = World::with_mailboxes(61, 2, 3, Weather::default());
    world.act(&Action::Elapse(10_000));
    world.act(&Action::AllowKnocks(ANN, false));
    world.act(&Action::Elapse(10_000));
    world.act(&Action::Knock(BOB, ANN));
    world.act(&Action::Elapse(60_000));
    let seen = contact_of(&world, BOB, ANN).expect("Bob asked");
    assert!(seen.refused, "{:?}", seen.state);
    assert!(contact_of(&world, ANN, BOB).is_none(), "Ann never heard of it");
}
