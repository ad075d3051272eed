//! A sender with a clock of its own, a line, and somebody who listens every 10 ms.

use std::collections::BTreeMap;

use super::*;

const TONE: f64 = 300.0;

/// Packets say where in the tone they begin.
#[derive(Default)]
struct Tone {
    fec: bool,
    dred: bool,
}

fn tone(at: i64) -> f32 {
    (0.5 * (std::f64::consts::TAU * TONE * at as f64 / 48_000.0).sin()) as f32
}

fn wave(from: i64, samples: usize, out: &mut Vec<f32>) {
    out.extend((from..from + samples as i64).map(tone));
}

impl Decoder for Tone {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> bool {
        let Ok(bytes) = packet.try_into() else { return false };
        wave(i64::from_le_bytes(bytes), 960, out);
        true
    }

    fn decode_fec(&mut self, packet: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        let from = i64::from_le_bytes(packet.try_into().unwrap()) - samples as i64;
        if self.fec {
            wave(from, samples, out);
        }
        self.fec
    }

    fn decode_dred(&mut self, packet: &[u8], before: usize, samples: usize, out: &mut Vec<f32>) -> bool {
        let from = i64::from_le_bytes(packet.try_into().unwrap()) - before as i64;
        if self.dred {
            wave(from, samples, out);
        }
        self.dred
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        out.extend(std::iter::repeat_n(0.0, samples));
    }
}

struct Talk {
    buffer: JitterBuffer,
    decoder: Tone,
    /// Microseconds between two packets on our clock.
    period: f64,
    first_number: u16,
    first_stamp: u32,
    /// By arrival in milliseconds.
    on_the_way: BTreeMap<(u64, u64), u64>,
    sent: u64,
    now: u64,
    heard: Vec<f32>,
    delays: Vec<i64>,
}

impl Talk {
    fn new() -> Self {
        Self {
            buffer: JitterBuffer::default(),
            decoder: Tone::default(),
            period: 20_000.0,
            first_number: 65_500,
            first_stamp: u32::MAX - 100_000,
            on_the_way: BTreeMap::new(),
            sent: 0,
            now: 0,
            heard: Vec::new(),
            delays: Vec::new(),
        }
    }

    fn push(&mut self, packet: u64) -> Pushed {
        let begin = i64::try_from(packet * 960).unwrap().to_le_bytes();
        let number = self.first_number.wrapping_add(packet as u16);
        let stamp = self.first_stamp.wrapping_add((packet * 960) as u32);
        self.buffer.push(Time::from_millis(self.now), number, stamp, &begin)
    }

    /// Some seconds; `way` tells how many milliseconds a packet is on the way, or that it is lost.
    fn run(&mut self, secs: u64, mut way: impl FnMut(u64) -> Option<u64>) {
        let end = self.now + secs * 1_000;
        while self.now < end {
            while (self.sent as f64 * self.period / 1_000.0) as u64 <= self.now {
                if let Some(way) = way(self.sent) {
                    self.on_the_way.insert((self.now + way, self.sent), self.sent);
                }
                self.sent += 1;
            }
            while let Some(entry) = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let packet = entry.remove();
                self.push(packet);
            }
            if self.now.is_multiple_of(10) {
                let mut out = [0.0; BLOCK];
                self.delays.push(self.buffer.delay_millis(Time::from_millis(self.now)));
                self.buffer.pull(Time::from_millis(self.now), &mut self.decoder, &mut out);
                self.heard.extend(out);
            }
            self.now += 1;
        }
    }

    fn steepest(&self, last_secs: usize) -> f32 {
        let from = self.heard.len() - last_secs * 48_000;
        self.heard[from..].windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    fn delay(&self) -> i64 {
        let last = &self.delays[self.delays.len() - 100..];
        last.iter().sum::<i64>() / 100
    }
}

/// The tone's own steepest step, and a little for where waves fade into each other.
const SMOOTH: f32 = 0.022;

#[test]
fn an_even_line_needs_hardly_any_delay_and_the_tone_is_whole() {
    let mut talk = Talk::new();
    talk.run(20, |_| Some(30));
    let stats = talk.buffer.stats();
    assert_eq!((stats.concealed, stats.lengthened, stats.late, stats.copies), (0, 0, 0, 0), "{stats:?}");
    assert!(stats.waited == 0 && stats.shortened > 0, "it began with 60 ms: {stats:?}");
    assert!((15..=36).contains(&talk.delay()), "{} ms", talk.delay());
    assert!(talk.steepest(18) < SMOOTH, "{}", talk.steepest(18));
}

#[test]
fn jitter_is_held_back_and_forgotten_when_it_ends() {
    let mut talk = Talk::new();
    talk.run(10, |_| Some(30));
    talk.run(30, |packet| Some(30 + packet * 7_919 % 60));
    let target = talk.buffer.target_millis();
    assert!((60..=100).contains(&target), "{target} ms");
    let before = talk.buffer.stats();
    talk.run(20, |packet| Some(30 + packet * 7_919 % 60));
    let stats = talk.buffer.stats();
    let made_up = stats.concealed - before.concealed + (stats.waited - before.waited) / 960;
    assert!(made_up <= 20, "of a thousand packets {made_up} were made up: {stats:?}");
    talk.run(15, |_| Some(30));
    assert!(talk.delay() <= 36, "{} ms", talk.delay());
    assert!(talk.steepest(14) < SMOOTH, "{}", talk.steepest(14));
}

#[test]
fn a_spike_is_worked_off_by_shortening() {
    let mut talk = Talk::new();
    talk.run(10, |_| Some(20));
    // The line stops for 300 ms; all that was sent comes at once.
    let from = talk.sent;
    talk.run(1, |packet| Some(20 + (300_u64).saturating_sub(20 * (packet - from))));
    assert!(talk.delays.iter().rev().take(80).any(|delay| *delay > 150), "the delay grew");
    talk.run(12, |_| Some(20));
    let stats = talk.buffer.stats();
    assert_eq!((stats.skipped, stats.late), (0, 0), "nothing was thrown away: {stats:?}");
    assert!(talk.delay() <= 60, "{} ms", talk.delay());
    talk.run(12, |_| Some(20));
    assert!(talk.delay() <= 36, "{} ms", talk.delay());
}

#[test]
fn a_long_stop_is_not_heard_for_long() {
    let mut talk = Talk::new();
    talk.run(10, |_| Some(20));
    let from = talk.sent;
    talk.run(3, |packet| Some(20 + (2_000_u64).saturating_sub(20 * (packet - from))));
    let stats = talk.buffer.stats();
    assert!(stats.skipped > 50, "two seconds are not played a second late: {stats:?}");
    assert!(talk.delay() <= 500, "{} ms", talk.delay());
    talk.run(15, |_| Some(20));
    assert!(talk.delay() <= 36, "{} ms", talk.delay());
}

#[test]
fn losses_are_repaired_by_the_next_packet_then_by_a_later_one_and_else_made_up() {
    let lossy = |packet: u64| (packet % 20 != 7 && !(100..103).contains(&(packet % 200))).then_some(20);
    for (fec, dred) in [(false, false), (true, false), (true, true), (false, true)] {
        let mut talk = Talk::new();
        talk.decoder = Tone { fec, dred };
        // One that comes late now and then keeps a frame in reserve.
        talk.run(40, |packet| lossy(packet).map(|way| way + if packet % 10 == 3 { 25 } else { 0 }));
        let stats = talk.buffer.stats();
        let lost = 2_000 / 20 + 2_000 / 200 * 3;
        let repaired = stats.fec + stats.dred;
        assert!((stats.fec > 0) == fec && (stats.dred > 0) == dred, "{stats:?}");
        assert!((lost - 4..=lost + 4).contains(&(repaired + stats.concealed)), "{stats:?}");
        if dred {
            // Of three in a row the first is due before any later one is here.
            assert!(stats.concealed <= 12, "{stats:?}");
        } else if fec {
            assert!(stats.fec >= 100, "{stats:?}");
        }
    }
}

#[test]
fn reordered_and_repeated_packets_are_put_right() {
    let mut talk = Talk::new();
    talk.run(30, |packet| Some(if packet % 9 == 4 { 45 } else { 20 }));
    let before = talk.buffer.stats();
    talk.run(20, |packet| Some(if packet % 9 == 4 { 45 } else { 20 }));
    let stats = talk.buffer.stats();
    assert_eq!(stats.concealed - before.concealed, 0, "{stats:?}");
    assert!(talk.steepest(19) < SMOOTH);
    let newest = talk.sent - 2;
    talk.push(newest);
    let again = talk.push(newest);
    assert!(matches!(again, Pushed::Copy | Pushed::Late), "{again:?}");
}

#[test]
fn clocks_may_drift() {
    for period in [19_992.0, 20_008.0] {
        let mut talk = Talk::new();
        talk.period = period;
        talk.run(60, |packet| Some(20 + packet % 3));
        let stats = talk.buffer.stats();
        assert!((15..=45).contains(&talk.delay()), "{period}: {} ms", talk.delay());
        assert_eq!(stats.skipped + stats.concealed + stats.late, 0, "{period}: {stats:?}");
        assert!(talk.steepest(58) < SMOOTH, "{period}: {}", talk.steepest(58));
    }
}

#[test]
fn a_sender_may_pause() {
    let mut talk = Talk::new();
    talk.run(10, |_| Some(20));
    while let Some((_, packet)) = talk.on_the_way.pop_first() {
        talk.push(packet);
    }
    // Discontinuous transmission: numbers follow, stamps jump.
    for pause in 0..5 {
        for _ in 0..38 {
            talk.now += 10;
            let mut out = [0.0; BLOCK];
            talk.buffer.pull(Time::from_millis(talk.now), &mut talk.decoder, &mut out);
        }
        let packet = 500 + pause;
        let at = talk.now - 20;
        let stamp = talk.first_stamp.wrapping_add((at * 48) as u32);
        let number = talk.first_number.wrapping_add(packet);
        let begin = i64::try_from(at * 48).unwrap().to_le_bytes();
        assert_eq!(talk.buffer.push(Time::from_millis(talk.now), number, stamp, &begin), Pushed::Kept);
    }
    let stats = talk.buffer.stats();
    assert_eq!((stats.skipped, stats.restarts, stats.concealed), (0, 0, 0), "{stats:?}");
    assert!(stats.decoded >= 504, "{stats:?}");
    assert!(talk.buffer.target_millis() <= 60, "a pause is no delay");
}

#[test]
fn a_sender_that_begins_anew_is_followed_and_a_stray_packet_is_not() {
    let mut talk = Talk::new();
    talk.run(5, |_| Some(20));
    let (now, stray) = (Time::from_millis(talk.now), talk.first_number.wrapping_add(20_000));
    assert_eq!(talk.buffer.push(now, stray, 7, &[0; 8]), Pushed::Late);
    talk.run(2, |_| Some(20));
    assert_eq!(talk.buffer.stats().restarts, 0);
    (talk.first_number, talk.first_stamp) = (30_000, 5);
    talk.run(5, |_| Some(20));
    assert_eq!(talk.buffer.stats().restarts, 1);
    assert!(talk.steepest(3) < SMOOTH && talk.delay() < 70);
    assert_eq!(talk.buffer.push(now, 0, 0, &[0; 2_000]), Pushed::TooLong);
}

#[test]
fn before_the_first_packet_there_is_silence() {
    let mut buffer = JitterBuffer::default();
    let mut out = [1.0; BLOCK];
    buffer.pull(Time::from_millis(5), &mut Tone::default(), &mut out);
    assert_eq!(out, [0.0; BLOCK]);
}
