//! The estimator and the pacer on lines that change, lose, shake and are shared. The figures are those that a call promises.

use kith_media::Bitrate;
use kith_media::Time;
use kith_media::bwe::Limits;

use crate::call::Greedy;
use crate::call::Plan;
use crate::call::World;
use crate::link::Path;

const SEEDS: std::ops::Range<u64> = 1..4;

fn run(path: &Path, plan: &Plan, secs: u64, check: impl Fn(u64, &World)) {
    for seed in SEEDS {
        let mut world = World::new(path.clone(), vec![plan.clone()], seed);
        world.run(secs);
        check(seed, &world);
    }
}

fn wanted(rate: u64) -> Plan {
    Plan { wanted: vec![(0, rate)], ..Plan::default() }
}

fn drops() -> Vec<(u64, u64)> {
    vec![(0, 2_500_000), (20_000, 600_000), (40_000, 2_500_000)]
}

#[test]
fn a_line_of_a_megabit_and_a_half_is_found_within_five_seconds_without_a_queue() {
    for start in [300, 500, 800] {
        let path = Path { rates: vec![(0, 1_500_000)], ..Path::default() };
        let limits = Limits { start: Bitrate::from_kbps(start), ..Limits::default() };
        run(&path, &Plan { limits, ..wanted(2_500_000) }, 20, |seed, world| {
            let call = &world.calls[0];
            let found = call.goodput(3, 5);
            assert!(found >= 0.75 * 1.5e6, "from {start}, seed {seed}: {found}");
            let late = call.audio_delay(0, 20, 1.0);
            assert!(late <= 20.0 + 150.0, "from {start}, seed {seed}: {late} ms");
        });
    }
}

#[test]
fn a_fast_line_carries_the_best_picture_at_once() {
    let path = Path::default();
    run(&path, &wanted(2_500_000), 10, |seed, world| {
        assert!(world.calls[0].video(2, 9) > 2.2e6, "seed {seed}: {}", world.calls[0].video(2, 9));
    });
}

#[test]
fn a_line_that_becomes_slow_and_fast_again_is_followed() {
    for (delay, jitter, feedback) in [(10, 0, 50), (20, 0, 50), (20, 0, 100), (20, 20, 50), (50, 0, 50)] {
        let path = Path { rates: drops(), delay, jitter, ..Path::default() };
        run(&path, &Plan { feedback, ..wanted(2_500_000) }, 60, |seed, world| {
            let call = &world.calls[0];
            let name = format!("delay {delay}, jitter {jitter}, feedback {feedback}, seed {seed}");
            let slow = call.target(25, 40);
            assert!((0.7 * 6e5..=0.95 * 6e5).contains(&slow), "{name}: target {slow} on 600 kbit/s");
            let used = call.goodput(25, 40);
            assert!(used >= 0.7 * 6e5, "{name}: {used} of 600 kbit/s");
            let back = call.goodput(53, 59);
            assert!(back >= 0.8 * 2.5e6, "{name}: {back} after 15 s");
            let p95 = call.mouth_to_ear(1, 60, 0.95);
            let most = if jitter == 0 { 250.0 } else { 350.0 };
            assert!(p95 <= most, "{name}: {p95} ms from mouth to ear");
            let height = |secs: u64| {
                let before = call.heights.iter().rev().find(|(at, _)| *at <= Time::from_millis(secs * 1_000));
                before.map_or(0, |(_, height)| *height)
            };
            assert_eq!([height(19), height(35), height(59)], [720, 360, 720], "{name}: {:?}", call.heights);
            assert!(call.heights.len() <= 14, "{name}: {:?}", call.heights);
            let (gap, _) = call.pictures(1, 60, 0.95);
            assert!(gap <= 2_000.0, "{name}: no picture for {gap} ms");
        });
    }
}

#[test]
fn losses_of_the_line_itself_do_not_take_the_picture() {
    for (loss, least) in [(0.02, 0.9), (0.05, 0.7), (0.1, 0.6), (0.2, 0.3)] {
        let path = Path { delay: 40, loss, rates: vec![(0, 10_000_000)], ..Path::default() };
        run(&path, &Plan { loss_back: loss, ..wanted(1_500_000) }, 60, |seed, world| {
            let video = world.calls[0].video(10, 59) / (1.0 - loss);
            assert!(video >= least * 1.5e6, "{loss}, seed {seed}: {video}");
        });
    }
    let path = Path { delay: 40, bursts: Some((0.01, 0.2)), rates: vec![(0, 10_000_000)], ..Path::default() };
    run(&path, &wanted(1_500_000), 60, |seed, world| {
        let video = world.calls[0].video(10, 59);
        assert!(video >= 0.5 * 1.5e6, "bursts, seed {seed}: {video}");
    });
}

#[test]
fn what_is_lost_is_hardly_seen_or_heard() {
    for (loss, least, longest) in [(0.05, 0.98, 800.0), (0.1, 0.95, 1_200.0)] {
        let path = Path { delay: 40, loss, rates: vec![(0, 10_000_000)], ..Path::default() };
        run(&path, &Plan { loss_back: loss, ..wanted(1_500_000) }, 60, |seed, world| {
            let call = &world.calls[0];
            let shown = call.shown.len() as f64 / call.frames_sent as f64;
            assert!(shown >= least, "{loss}, seed {seed}: {shown} of all pictures");
            let (gap, p95) = call.pictures(1, 60, 0.95);
            assert!(
                gap <= longest && p95 <= 400.0,
                "{loss}, seed {seed}: {gap} ms without a picture, {p95} ms late"
            );
            let late = call.mouth_to_ear(1, 60, 0.95);
            assert!(late <= 140.0, "{loss}, seed {seed}: {late} ms from mouth to ear");
            let stats = call.jitter.stats();
            assert!(stats.fec * 10 >= stats.concealed * 40, "{loss}, seed {seed}: {stats:?}");
        });
    }
}

#[test]
fn a_lossy_line_that_is_also_narrow_is_filled_and_not_flooded() {
    for loss in [0.05, 0.1] {
        let path = Path { delay: 40, loss, rates: vec![(0, 1_500_000)], ..Path::default() };
        run(&path, &wanted(2_500_000), 60, |seed, world| {
            let call = &world.calls[0];
            assert!(
                call.goodput(10, 59) >= 0.7 * 1.5e6 * (1.0 - loss),
                "{loss}, seed {seed}: {}",
                call.goodput(10, 59)
            );
            assert!(call.audio_delay(5, 59, 0.95) <= 40.0 + 100.0, "{loss}, seed {seed}");
        });
    }
}

#[test]
fn a_queue_of_three_packets_is_not_overrun() {
    let path = Path { queue_bytes: 4_000, rates: vec![(0, 1_500_000)], ..Path::default() };
    run(&path, &wanted(2_500_000), 60, |seed, world| {
        let call = &world.calls[0];
        assert!(call.goodput(10, 59) >= 0.6 * 1.5e6, "seed {seed}: {}", call.goodput(10, 59));
        let heard = call.audio.len() as f64 / call.audio_sent as f64;
        assert!(heard > 0.97, "seed {seed}: {heard}");
    });
}

#[test]
fn jitter_reordering_and_copies_are_no_congestion() {
    for jitter in [10, 30, 60] {
        let path = Path { jitter, rates: vec![(0, 5_000_000)], ..Path::default() };
        run(&path, &wanted(2_500_000), 30, |seed, world| {
            assert!(world.calls[0].video(10, 29) > 2.0e6, "jitter {jitter}, seed {seed}");
        });
    }
    let path = Path { reordered: 0.02, copies: 0.01, rates: vec![(0, 5_000_000)], ..Path::default() };
    run(&path, &wanted(2_500_000), 30, |seed, world| {
        assert!(world.calls[0].video(10, 29) > 2.0e6, "reordered, seed {seed}");
    });
}

#[test]
fn sending_little_loses_nothing_and_much_is_found_when_it_is_wanted() {
    let path = Path { rates: vec![(0, 3_000_000)], ..Path::default() };
    let plan = Plan { wanted: vec![(0, 150_000), (30_000, 2_500_000)], ..Plan::default() };
    run(&path, &plan, 60, |seed, world| {
        let call = &world.calls[0];
        assert!(call.target(25, 30) >= 400_000.0, "seed {seed}: {}", call.target(25, 30));
        assert!(call.video(35, 40) >= 1.8e6, "seed {seed}: {}", call.video(35, 40));
    });
}

#[test]
fn a_line_that_was_dead_comes_back() {
    let path = Path { rates: vec![(0, 2_000_000), (20_000, 0), (24_000, 2_000_000)], ..Path::default() };
    run(&path, &wanted(2_500_000), 60, |seed, world| {
        let call = &world.calls[0];
        assert!(call.audio_delay(27, 59, 0.99) < 150.0, "seed {seed}: {}", call.audio_delay(27, 59, 0.99));
        assert!(call.video(40, 59) > 1.0e6, "seed {seed}: {}", call.video(40, 59));
    });
}

#[test]
fn beside_a_flow_that_fills_the_queue_nobody_starves() {
    for queue_bytes in [20_000, 64_000, 200_000] {
        for seed in SEEDS {
            let path = Path { rates: vec![(0, 2_000_000)], queue_bytes, ..Path::default() };
            let mut world = World::new(path, vec![wanted(2_500_000)], seed);
            world.greedy = Some(Greedy::new(Time::from_millis(10_000)));
            world.run(90);
            let ours = world.calls[0].goodput(30, 89);
            let theirs = world.greedy.as_ref().expect("it was given").bits / 80.0;
            assert!(ours >= 0.15 * 2e6, "{queue_bytes}, seed {seed}: we have {ours}");
            assert!(theirs >= 0.2 * 2e6, "{queue_bytes}, seed {seed}: they have {theirs}");
        }
    }
}

#[test]
fn two_calls_share_a_line() {
    for seed in SEEDS {
        let path = Path { rates: vec![(0, 2_000_000)], ..Path::default() };
        let mut world = World::new(path, vec![wanted(2_500_000), wanted(2_500_000)], seed);
        world.run(60);
        let [one, two] = [0, 1].map(|call: usize| world.calls[call].goodput(10, 59));
        assert!(one.min(two) >= 0.4 * one.max(two), "seed {seed}: {one} and {two}");
        assert!(one + two >= 0.75 * 2e6, "seed {seed}: {one} and {two}");
    }
}

#[test]
fn the_same_seed_makes_the_same_call() {
    let world = |seed| {
        let path = Path { rates: drops(), jitter: 10, loss: 0.02, reordered: 0.01, ..Path::default() };
        let mut world = World::new(path, vec![Plan::default()], seed);
        world.run(30);
        format!(
            "{:?} {:?}",
            world.calls[0].seconds,
            world.calls[0].estimator.stats(Time::from_millis(30_000))
        )
    };
    assert_eq!(world(7), world(7));
    assert_ne!(world(7), world(8));
}
