//! Whatever is done to a world, in whatever order: it ends well, and the same seed gives the same trace.

use kith_simulations::action::Action;
use kith_simulations::action::Phase;
use kith_simulations::hostile::Conduct;
use kith_simulations::nats::Shares;
use kith_simulations::network::Weather;
use kith_simulations::scenario::Scenario;
use kith_simulations::world::World;
use proptest::prelude::*;

fn who() -> impl Strategy<Value = usize> {
    0..2_usize
}

fn action() -> impl Strategy<Value = Action> {
    let phase = prop_oneof![Just(Phase::BeforeCommit), Just(Phase::BeforeEffects), Just(Phase::BeforeEvents)];
    prop_oneof![
        6 => who().prop_map(|from| Action::Send(from, 1 - from)),
        4 => (1..4_000_u64).prop_map(Action::Elapse),
        1 => who().prop_map(|from| Action::Read(from, 1 - from)),
        1 => who().prop_map(Action::Stop),
        1 => who().prop_map(Action::Start),
        2 => (who(), phase, 1..3_000_u64).prop_map(|(who, phase, pause)| Action::Crash(who, phase, pause)),
        1 => prop_oneof![Just(Action::Split), Just(Action::Heal)],
        1 => who().prop_map(|from| Action::CutStream(from, 1 - from)),
        1 => Just(Action::CutConnection(0, 1)),
        1 => who().prop_map(Action::Move),
        1 => who().prop_map(Action::Backup),
        1 => who().prop_map(Action::RestoreBackup),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_world_ends_well(
        actions in prop::collection::vec(action(), 1..60),
        seed in any::<u64>(),
        lost in 0..300_u64,
        late in 0..300_u64,
        doubled in 0..300_u64,
    ) {
        let weather = Weather { lost, late, doubled, flipped: 10, ..Weather::default() };
        let mut world = World::new(seed, 2, weather);
        world.act(&Action::Befriend(0, 1));
        for action in &actions {
            world.act(action);
        }
        world.settle();
        prop_assert!(world.oracle.failures.is_empty(), "{:?}", world.oracle.failures);
    }
}

fn call_action() -> impl Strategy<Value = Action> {
    let who = || 0..3_usize;
    let pair =
        prop_oneof![Just((0, 1)), Just((1, 0)), Just((1, 2)), Just((2, 1)), Just((0, 2)), Just((2, 0))];
    prop_oneof![
        4 => (pair, any::<bool>()).prop_map(|((from, to), camera)| Action::Call(from, to, camera)),
        4 => who().prop_map(Action::Answer),
        1 => who().prop_map(Action::HangUp),
        4 => (1..12_000_u64).prop_map(Action::Elapse),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_end_on_both_sides_or_on_none_and_nothing_rings_for_ever(
        actions in prop::collection::vec(prop_oneof![3 => call_action(), 2 => action()], 1..60),
        seed in any::<u64>(),
        lost in 0..1_000_u64,
        late in 0..1_000_u64,
        doubled in 0..1_000_u64,
    ) {
        let weather = Weather { lost, late, doubled, flipped: 10, ..Weather::default() };
        let mut world = World::new(seed, 3, weather);
        for (one, other) in [(0, 1), (1, 2), (0, 2)] {
            world.act(&Action::Befriend(one, other));
        }
        world.act(&Action::Elapse(5_000));
        for action in &actions {
            world.act(action);
        }
        world.settle();
        prop_assert!(world.oracle.failures.is_empty(), "{:?}", world.oracle.failures);
    }
}

#[test]
fn people_who_call_each_other_hear_each_other() {
    let mut world = World::new(7, 2, Weather::default());
    world.act(&Action::Befriend(0, 1));
    world.act(&Action::Elapse(5_000));
    for round in 0..10 {
        world.act(&Action::Call(round % 2, 1 - round % 2, false));
        world.act(&Action::Elapse(2_000));
        world.act(&Action::Answer(1 - round % 2));
        world.act(&Action::Elapse(10_000));
        world.act(&Action::HangUp(0));
        world.act(&Action::Elapse(2_000));
    }
    // Both at once.
    world.act(&Action::Call(0, 1, false));
    world.act(&Action::Call(1, 0, false));
    world.act(&Action::Elapse(10_000));
    assert_eq!(world.media.connected, 22, "each side of eleven calls");
    world.settle();
    assert!(world.oracle.failures.is_empty(), "{:?}", world.oracle.failures);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let text = include_str!("../scenarios/two-people.toml");
    let scenario: Scenario = toml::from_str(text).expect("the scenario is one");
    assert_eq!(scenario.run(7, false), scenario.run(7, false));
    assert_ne!(scenario.run(7, false).trace, scenario.run(8, false).trace);
}

fn mailbox_action() -> impl Strategy<Value = Action> {
    // The third is honest and stays, as one of three has to.
    let host = || 0..2_usize;
    let conduct = prop_oneof![
        Just(Conduct::Honest),
        Just(Conduct::Drops),
        Just(Conduct::Late),
        Just(Conduct::Replays),
        Just(Conduct::Garbles),
        Just(Conduct::Forgets),
        Just(Conduct::Hides),
        Just(Conduct::Mute),
    ];
    prop_oneof![
        2 => (host(), conduct).prop_map(|(host, conduct)| Action::MaskMailbox(host, conduct)),
        2 => (0..3_usize).prop_map(Action::StopMailbox),
        2 => (0..3_usize).prop_map(Action::StartMailbox),
        1 => (0..3_usize).prop_map(Action::CrashMailbox),
        1 => host().prop_map(Action::FillMailbox),
        1 => host().prop_map(Action::LoseMailbox),
        3 => (60_000..7_200_000_u64).prop_map(Action::Elapse),
    ]
}

fn knock() -> impl Strategy<Value = Action> {
    let pair = prop_oneof![Just((2, 0)), Just((0, 2)), Just((2, 1)), Just((1, 2))];
    prop_oneof![
        4 => pair.prop_map(|(asker, owner)| Action::Knock(asker, owner)),
        1 => (0..3_usize, any::<bool>()).prop_map(|(who, allowed)| Action::AllowKnocks(who, allowed)),
        1 => Just(Action::Stop(2)),
        1 => Just(Action::Start(2)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_mailboxes_and_relays_do_it_ends_well(
        actions in prop::collection::vec(prop_oneof![4 => action(), 2 => mailbox_action(), 1 => knock()], 1..50),
        seed in any::<u64>(),
    ) {
        let mut world = World::with_places(seed, 3, 3, Weather::default(), |roll| {
            let mut roll = |below| roll(below);
            Some((0..3).map(|_| Shares::default().draw(&mut roll)).collect())
        });
        world.act(&Action::Elapse(5_000));
        world.act(&Action::Befriend(0, 1));
        world.act(&Action::Elapse(10_000));
        for action in &actions {
            world.act(action);
        }
        world.settle();
        prop_assert!(world.oracle.failures.is_empty(), "{:?}", world.oracle.failures);
    }
}

#[test]
fn who_asked_while_nobody_wanted_to_be_asked_asks_again() {
    let mut world = World::with_places(3_047_186_751_546_201_403, 3, 3, Weather::default(), |roll| {
        let mut roll = |below| roll(below);
        Some((0..3).map(|_| Shares::default().draw(&mut roll)).collect())
    });
    world.act(&Action::Elapse(5_000));
    world.act(&Action::Befriend(0, 1));
    world.act(&Action::Elapse(10_000));
    for action in [
        Action::Knock(1, 2),
        Action::Stop(2),
        Action::Elapse(36),
        Action::Start(2),
        Action::AllowKnocks(2, false),
        Action::Elapse(45),
    ] {
        world.act(&action);
    }
    world.settle();
    assert!(world.oracle.failures.is_empty(), "{:?}", world.oracle.failures);
}
