//! Prints what the estimator and the pacer make of lines of all kinds, in virtual time: the tables of `DESIGN.md`.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a study for the terminal, which says by panicking what went wrong"
)]

use kith_media::Time;

use crate::call::Greedy;
use crate::call::Plan;
use crate::call::World;
use crate::link::Path;

#[expect(dead_code, reason = "shared with the tests")]
#[path = "../tests/media/call.rs"]
mod call;
#[path = "../tests/media/link.rs"]
mod link;

fn row(name: &str, secs: u64, world: &World) {
    for (index, call) in world.calls.iter().enumerate() {
        let (gap, picture) = call.pictures(1, secs, 0.95);
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} / {:.0} | {:.0} / {:.0} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |{}",
            call.goodput(0, secs as usize) / 1e3,
            call.video(0, secs as usize) / 1e3,
            call.audio_delay(0, secs, 0.5),
            call.audio_delay(0, secs, 0.95),
            call.mouth_to_ear(1, secs, 0.5),
            call.mouth_to_ear(1, secs, 0.95),
            call.made_up as f64 / secs as f64,
            100.0 * call.shown.len() as f64 / call.frames_sent as f64,
            picture,
            gap,
            (call.padding_bits + call.again_bits) / secs as f64 / 1e3,
            if index > 0 { " the other" } else { "" },
        );
    }
    if let Some(greedy) = &world.greedy {
        println!("| ... the greedy flow | {:.0} |", greedy.bits / secs as f64 / 1e3);
    }
    if std::env::args().any(|argument| argument == "--seconds") {
        for call in &world.calls {
            let line: Vec<String> = call
                .seconds
                .iter()
                .enumerate()
                .map(|(second, row)| {
                    let delay = call.audio_delay(second as u64, second as u64 + 1, 0.95);
                    format!("{:.0}/{:.0}/{:.0}", row.target / 1e3, row.all_bits / 1e3, delay)
                })
                .collect();
            println!("    {}", line.join(" "));
        }
    }
}

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

fn wants(name: &str) -> bool {
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    only.is_none_or(|only| name.contains(&only))
}

fn study(name: &str, secs: u64, path: Path, plan: Plan) {
    if !wants(name) {
        return;
    }
    let mut world = World::new(path, vec![plan], seed());
    world.run(secs);
    row(name, secs, &world);
}

fn main() {
    let at = |rate: u64| Path { rates: vec![(0, rate)], ..Path::default() };
    let wanted = |rate: u64| Plan { wanted: vec![(0, rate)], ..Plan::default() };
    study("start on 1.5 Mbit/s", 20, at(1_500_000), wanted(2_500_000));
    study("start on 300 kbit/s", 20, at(300_000), wanted(2_500_000));
    study("start on 100 Mbit/s", 20, at(100_000_000), wanted(2_500_000));
    let drop = vec![(0, 2_500_000), (20_000, 600_000), (40_000, 2_500_000)];
    for delay in [10, 20, 50, 100] {
        let path = Path { rates: drop.clone(), delay, ..Path::default() };
        study(&format!("2.5 - 0.6 - 2.5 Mbit/s, RTT {}", 2 * delay), 60, path, wanted(2_500_000));
    }
    let path = Path { rates: drop.clone(), ..Path::default() };
    study("2.5 - 0.6 - 2.5, feedback 100 ms", 60, path, Plan { feedback: 100, ..wanted(2_500_000) });
    let path = Path { rates: drop, jitter: 20, ..Path::default() };
    study("2.5 - 0.6 - 2.5, jitter 20", 60, path, wanted(2_500_000));
    for loss in [2, 5, 10, 20] {
        let path = Path {
            delay: 40,
            loss: f64::from(loss) / 100.0,
            rates: vec![(0, 10_000_000)],
            ..Path::default()
        };
        let plan = Plan { loss_back: f64::from(loss) / 100.0, ..wanted(1_500_000) };
        study(&format!("{loss} % loss, RTT 80, wants 1.5"), 60, path, plan);
    }
    for loss in [0, 5, 10] {
        let path =
            Path { delay: 40, loss: f64::from(loss) / 100.0, rates: vec![(0, 1_500_000)], ..Path::default() };
        study(&format!("{loss} % loss on 1.5 Mbit/s, RTT 80"), 60, path, wanted(2_500_000));
    }
    let path = Path { delay: 40, bursts: Some((0.01, 0.2)), rates: vec![(0, 10_000_000)], ..Path::default() };
    study("bursts of 5, 5 %", 60, path, wanted(1_500_000));
    let path = Path { queue_bytes: 4_000, rates: vec![(0, 1_500_000)], ..Path::default() };
    study("1.5 Mbit/s, queue of 3 packets", 60, path, wanted(2_500_000));
    for jitter in [10, 30, 60] {
        let path = Path { jitter, rates: vec![(0, 5_000_000)], ..Path::default() };
        study(&format!("jitter {jitter} on 5 Mbit/s"), 60, path, wanted(2_500_000));
    }
    let path = Path { reordered: 0.02, copies: 0.01, rates: vec![(0, 5_000_000)], ..Path::default() };
    study("2 % reordered, 1 % copies", 60, path, wanted(2_500_000));
    let path = Path { rates: vec![(0, 3_000_000)], ..Path::default() };
    study(
        "little, then much",
        60,
        path,
        Plan { wanted: vec![(0, 150_000), (30_000, 2_500_000)], ..Plan::default() },
    );
    let path = Path { rates: vec![(0, 2_000_000), (20_000, 0), (24_000, 2_000_000)], ..Path::default() };
    study("cut for 4 s", 60, path, wanted(2_500_000));

    for queue_bytes in [20_000, 64_000, 200_000] {
        let name = format!("beside TCP, 2 Mbit/s, {} kB", queue_bytes / 1_000);
        if !wants(&name) {
            continue;
        }
        let path = Path { rates: vec![(0, 2_000_000)], queue_bytes, ..Path::default() };
        let mut world = World::new(path, vec![wanted(2_500_000)], seed());
        world.greedy = Some(Greedy::new(Time::from_millis(10_000)));
        world.run(90);
        row(&name, 90, &world);
    }
    if !wants("two calls") {
        return;
    }
    let mut world = World::new(at(2_000_000), vec![wanted(2_500_000), wanted(2_500_000)], seed());
    world.run(60);
    row("two calls on 2 Mbit/s", 60, &world);
}
