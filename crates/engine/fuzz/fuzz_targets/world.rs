//! Any sequence of actions in a world of three: nobody sees anything twice, out of order or that was never written, and
//! in the end everything is where it belongs. The same actions as in stories and properties.
#![no_main]

use kith_simulations::action::Action;
use kith_simulations::action::Phase;
use kith_simulations::network::Weather;
use kith_simulations::world::World;
use libfuzzer_sys::fuzz_target;

const PEOPLE: usize = 3;

fn action(bytes: &[u8; 3]) -> Action {
    let who = usize::from(bytes[1]) % PEOPLE;
    let friend = (who + 1 + usize::from(bytes[1] >> 4) % (PEOPLE - 1)) % PEOPLE;
    let phase = [Phase::BeforeCommit, Phase::BeforeEffects, Phase::BeforeEvents][usize::from(bytes[2]) % 3];
    match bytes[0] % 16 {
        0..=4 => Action::Send(who, friend),
        5 => Action::Read(who, friend),
        6 => Action::Stop(who),
        7 => Action::Start(who),
        8 => Action::Crash(who, phase, u64::from(bytes[2]) * 20),
        9 => Action::Split,
        10 => Action::Heal,
        11 => Action::CutStream(who, friend),
        12 => Action::CutConnection(who, friend),
        13 => Action::Move(who),
        _ => Action::Elapse(u64::from(bytes[2]) * 40),
    }
}

fuzz_target!(|data: &[u8]| {
    let weather = Weather { lost: 200, doubled: 200, late: 200, flipped: 20, ..Weather::default() };
    let mut world = World::new(u64::from(data.len() as u32), PEOPLE, weather);
    for (one, other) in [(0, 1), (1, 2), (2, 0)] {
        world.act(&Action::Befriend(one, other));
    }
    world.act(&Action::Elapse(2_000));
    for bytes in data.as_chunks::<3>().0.iter().take(200) {
        world.act(&action(bytes));
        world.act(&Action::Elapse(20));
    }
    world.settle();
    assert!(world.oracle.failures.is_empty(), "{:?}", world.oracle.failures);
});
