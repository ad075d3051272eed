//! Flows over one path in virtual time: calls as this crate makes them, a greedy flow that only yields to loss, and what came of them.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

use kith_media::Bitrate;
use kith_media::RemoteTime;
use kith_media::Time;
use kith_media::bwe::Estimator;
use kith_media::bwe::Limits;
use kith_media::feedback::History;
use kith_media::frames;
use kith_media::frames::Assembler;
use kith_media::frames::Codec;
use kith_media::jitter::BLOCK;
use kith_media::jitter::Decoder;
use kith_media::jitter::JitterBuffer;
use kith_media::ladder::Known;
use kith_media::ladder::Ladder;
use kith_media::ladder::Source;
use kith_media::nack::Gaps;
use kith_media::nack::Sent;
use kith_media::pacer::Class;
use kith_media::pacer::Pacer;
use kith_media::pacer::Pushed;
use kith_media::pacer::What;

use crate::link::Link;
use crate::link::OnPath;
use crate::link::Path;

/// What one call sends.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) limits: Limits,
    /// The best picture, in bits a second, from when on.
    pub(crate) wanted: Vec<(u64, u64)>,
    /// Milliseconds between feedbacks.
    pub(crate) feedback: u64,
    /// Feedback and requests back: the part that is lost.
    pub(crate) loss_back: f64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { limits: Limits::default(), wanted: vec![(0, 2_500_000)], feedback: 50, loss_back: 0.0 }
    }
}

/// A packet, as the pacer and the line have it.
#[derive(Clone, Copy, Debug)]
struct Packet {
    made: Time,
    bytes: usize,
    media: Media,
}

#[derive(Clone, Copy, Debug)]
enum Media {
    Audio { number: u16 },
    Video { number: u16, frame: u32, begins: bool, marker: bool, key: bool, again: bool },
    Padding,
}

#[derive(Clone, Copy)]
struct OnTheWay {
    number: u16,
    packet: Packet,
}

/// What goes back.
enum Back {
    Feedback(Vec<(u16, Option<RemoteTime>)>),
    Again(Vec<u16>),
    Key,
}

/// Sound that says when it was recorded: the value of a sample is its time in milliseconds.
struct Clock;

impl Decoder for Clock {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> bool {
        let made = u64::from_le_bytes(packet.try_into().expect("eight bytes")) as f32;
        out.extend((0..960).map(|sample| made - 20.0 + sample as f32 / 48.0));
        true
    }

    fn decode_fec(&mut self, packet: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        let made = u64::from_le_bytes(packet.try_into().expect("eight bytes")) as f32 - 20.0;
        out.extend((0..samples).map(|sample| made - 20.0 + sample as f32 / 48.0));
        true
    }

    fn decode_dred(&mut self, _: &[u8], _: usize, _: usize, _: &mut Vec<f32>) -> bool {
        false
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        out.extend(std::iter::repeat_n(f32::NAN, samples));
    }
}

/// What came of a call, second by second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Second {
    pub(crate) target: f64,
    pub(crate) video_bits: f64,
    pub(crate) all_bits: f64,
}

pub(crate) struct Call {
    plan: Plan,
    pub(crate) estimator: Estimator,
    pacer: Pacer<Packet>,
    history: History,
    kept: Sent<Packet>,
    sent: BTreeMap<u64, OnTheWay>,
    next_id: u64,
    next_frame: Time,
    next_audio: Time,
    key: bool,
    last_key: Time,
    video_number: u16,
    arrived: BTreeMap<u64, Time>,
    told: u64,
    next_feedback: Time,
    on_the_way_back: VecDeque<(Time, Back)>,
    gaps: Gaps,
    assembler: Assembler,
    pub(crate) jitter: JitterBuffer,
    next_pull: Time,
    pub(crate) seconds: Vec<Second>,
    /// When each packet of speech was made, and how many milliseconds it took.
    pub(crate) audio: Vec<(Time, f64)>,
    pub(crate) audio_sent: u64,
    pub(crate) padding_bits: f64,
    /// When sound is heard and how many milliseconds after it was spoken; without the codec and the device.
    pub(crate) heard: Vec<(Time, f64)>,
    /// Blocks of 10 ms that were made up.
    pub(crate) made_up: u64,
    /// When each picture was made and was whole.
    pub(crate) shown: Vec<(Time, Time)>,
    pub(crate) frames_sent: u64,
    /// What a camera's ladder makes of the estimate: when it changed, and the lines then. It only looks on.
    pub(crate) heights: Vec<(Time, u32)>,
    ladder: Ladder,
    pub(crate) again_bits: f64,
}

/// The other clock is elsewhere.
const OTHER_CLOCK: u64 = 77_000_000_000;
const AUDIO_BYTES: usize = 80 + 50;

impl Call {
    pub(crate) fn new(plan: Plan) -> Self {
        let limits = plan.limits;
        Self {
            plan,
            estimator: Estimator::new(limits),
            pacer: Pacer::new(limits.start),
            history: History::default(),
            kept: Sent::default(),
            sent: BTreeMap::new(),
            next_id: 0,
            next_frame: Time::default(),
            next_audio: Time::default(),
            key: true,
            last_key: Time::default(),
            video_number: 65_000,
            arrived: BTreeMap::new(),
            told: 0,
            next_feedback: Time::default(),
            on_the_way_back: VecDeque::new(),
            gaps: Gaps::new(PATIENCE),
            assembler: Assembler::new(Codec::Vp8, PATIENCE),
            jitter: JitterBuffer::default(),
            next_pull: Time::default(),
            seconds: Vec::new(),
            audio: Vec::new(),
            audio_sent: 0,
            padding_bits: 0.0,
            heard: Vec::new(),
            made_up: 0,
            shown: Vec::new(),
            frames_sent: 0,
            heights: Vec::new(),
            ladder: Ladder::new(Source::Camera),
            again_bits: 0.0,
        }
    }

    fn second(&mut self, now: Time) -> &mut Second {
        let index = (now.0 / 1_000_000) as usize;
        if self.seconds.len() <= index {
            self.seconds.resize(index + 1, Second::default());
        }
        &mut self.seconds[index]
    }

    fn send(&mut self, flow: usize, now: Time, link: &mut Link) {
        let wanted = self.plan.wanted.iter().rev().find(|(from, _)| Time::from_millis(*from) <= now);
        let wanted = wanted.map_or(0, |(_, wanted)| *wanted);
        self.estimator.set_wanted(Bitrate::from_bps(wanted + 50_000));
        self.estimator.wake(now);
        let target = self.estimator.target(now);
        self.pacer.set_target(target);
        if let Some(probe) = self.estimator.probe(now) {
            self.pacer.start_probe(probe);
        }
        if now >= self.next_audio {
            self.next_audio = Time(now.0 + 20_000);
            let packet = Packet {
                made: now,
                bytes: AUDIO_BYTES,
                media: Media::Audio { number: self.audio_sent as u16 },
            };
            self.audio_sent += 1;
            let _ = self.pacer.push(now, Class::Audio, AUDIO_BYTES, packet);
        }
        self.look_on(now, target);
        if now >= self.next_frame {
            self.next_frame = Time(now.0 + 40_000);
            if self.pacer.room() && wanted > 0 {
                let taken = 52_000 + self.kept.rate(now).bps();
                self.frame(now, target.bps().saturating_sub(taken).min(wanted), link);
            }
        }
        while let Some(outgoing) = self.pacer.next(now) {
            let packet = match outgoing.what {
                What::Packet(packet) => packet,
                What::Padding(bytes) => {
                    self.padding_bits += bytes as f64 * 8.0;
                    Packet { made: now, bytes, media: Media::Padding }
                }
            };
            match packet.media {
                Media::Video { again: true, .. } => self.again_bits += packet.bytes as f64 * 8.0,
                Media::Video { number, .. } => self.kept.packet(now, number, packet.bytes, packet),
                Media::Audio { .. } | Media::Padding => {}
            }
            let number = self.history.next_number();
            self.history.sent(now, number, packet.bytes, outgoing.probe);
            self.estimator.sent(now);
            let id = self.next_id;
            self.next_id += 1;
            self.sent.insert(id, OnTheWay { number, packet });
            link.push(now, OnPath { flow, id, bytes: packet.bytes });
        }
        let target = self.estimator.target(now).as_f64() / 1_000.0;
        self.second(now).target += target;
    }

    fn look_on(&mut self, now: Time, target: Bitrate) {
        let target = Bitrate::from_bps(target.bps().saturating_sub(52_000));
        let known = Known { target, loss: 0.0, encoding: Duration::from_millis(8) };
        let height = self.ladder.choose(now, known).map_or(0, |step| step.height.unwrap_or(0));
        if self.heights.last().is_none_or(|(_, last)| *last != height) {
            self.heights.push((now, height));
        }
    }

    fn frame(&mut self, now: Time, rate: u64, link: &mut Link) {
        let usual = rate as f64 / 25.0 / 8.0;
        let frame = (now.0 / 40_000) as u32;
        let key = self.key && (self.frames_sent == 0 || now.seconds_since(self.last_key) >= 0.5);
        if key {
            (self.key, self.last_key) = (false, now);
        }
        let factor = if key { 4.0 } else { 0.75 + 0.5 * link.chance() };
        let mut left = ((usual * factor) as usize).max(10);
        let mut begins = true;
        while left > 0 {
            let bytes = left.min(1_150);
            left -= bytes;
            let (number, marker) = (self.video_number, left == 0);
            let media = Media::Video { number, frame, begins, marker, key, again: false };
            let packet = Packet { made: now, bytes: bytes + 50, media };
            begins = false;
            if self.pacer.push(now, Class::Video, packet.bytes, packet) == Pushed::Dropped {
                self.key = true;
                break;
            }
            self.video_number = self.video_number.wrapping_add(1);
        }
        self.frames_sent += 1;
    }

    fn arrive(&mut self, at: Time, packet: OnPath) {
        if self.arrived.contains_key(&packet.id) || packet.id < self.told {
            return;
        }
        let Packet { made, media, .. } = self.sent[&packet.id].packet;
        self.arrived.insert(packet.id, at);
        let bits = packet.bytes as f64 * 8.0;
        let second = self.second(at);
        second.all_bits += bits;
        match media {
            Media::Audio { number } => {
                self.audio.push((made, at.seconds_since(made) * 1_000.0));
                let millis = made.0 / 1_000;
                self.jitter.push(at, number, (millis * 48) as u32, &millis.to_le_bytes());
            }
            Media::Video { number, frame, begins, marker, key, .. } => {
                second.video_bits += bits;
                if self.gaps.packet(at, number) {
                    self.assembler.need_key();
                }
                let payload = [if begins { 0x10 } else { 0 }, u8::from(!key)];
                let packet = frames::Packet { number, stamp: frame * 3_600, marker, payload: &payload };
                self.assembler.push(at, packet);
            }
            Media::Padding => {}
        }
    }

    /// What is seen and heard, and what is asked for.
    fn receive(&mut self, now: Time, delay: u64, link: &mut Link) {
        while let Some(frame) = self.assembler.pop(now) {
            let made = Time(u64::from(frame.stamp / 3_600) * 40_000);
            self.shown.push((made, now));
        }
        let mut ask = Vec::new();
        self.gaps.ask(now, &mut ask);
        let mut back = Vec::new();
        if !ask.is_empty() {
            back.push(Back::Again(ask));
        }
        if self.assembler.wants_key(now) {
            back.push(Back::Key);
        }
        for back in back {
            if link.chance() >= self.plan.loss_back {
                self.on_the_way_back.push_back((Time(now.0 + delay * 1_000), back));
            }
        }
        if now >= self.next_pull {
            self.next_pull = Time(now.0 + 10_000);
            let mut block = [0.0; BLOCK];
            self.jitter.pull(now, &mut Clock, &mut block);
            let first = f64::from(block[0]);
            if first.is_nan() {
                self.made_up += 1;
            } else if first != 0.0 {
                self.heard.push((now, now.0 as f64 / 1_000.0 - first));
            }
        }
    }

    fn feedback(&mut self, now: Time, delay: u64, link: &mut Link) {
        if now >= self.next_feedback {
            self.next_feedback = Time(now.0 + self.plan.feedback * 1_000);
            if let Some((&last, _)) = self.arrived.last_key_value() {
                let said = (self.told..=last).map(|id| {
                    let number = self.sent[&id].number;
                    (number, self.arrived.get(&id).map(|at| RemoteTime((at.0 + OTHER_CLOCK) / 250 * 250)))
                });
                let said = said.collect();
                self.told = last + 1;
                self.arrived.clear();
                self.sent = self.sent.split_off(&self.told);
                if link.chance() >= self.plan.loss_back {
                    self.on_the_way_back.push_back((Time(now.0 + delay * 1_000), Back::Feedback(said)));
                }
            }
        }
        while self.on_the_way_back.front().is_some_and(|(at, _)| *at <= now) {
            let (_, back) = self.on_the_way_back.pop_front().expect("it was there");
            match back {
                Back::Feedback(said) => {
                    let mut reports = Vec::new();
                    self.history.feedback(now, said, &mut reports);
                    self.estimator.reports(now, &reports);
                    self.gaps.set_round_trip(self.estimator.round_trip());
                }
                Back::Again(numbers) => {
                    let target = self.estimator.target(now);
                    for number in numbers {
                        let round_trip = self.estimator.round_trip();
                        let Some(packet) = self.kept.again(now, number, round_trip, target).copied() else {
                            continue;
                        };
                        let Media::Video { number, frame, begins, marker, key, .. } = packet.media else {
                            continue;
                        };
                        let media = Media::Video { number, frame, begins, marker, key, again: true };
                        let _ = self.pacer.push(
                            now,
                            Class::Retransmission,
                            packet.bytes,
                            Packet { media, ..packet },
                        );
                    }
                }
                Back::Key => self.key = true,
            }
        }
    }

    /// The mean of what arrived between two times in seconds, in bits a second.
    pub(crate) fn goodput(&self, from: usize, to: usize) -> f64 {
        self.seconds[from..to].iter().map(|second| second.all_bits).sum::<f64>() / (to - from) as f64
    }

    pub(crate) fn video(&self, from: usize, to: usize) -> f64 {
        self.seconds[from..to].iter().map(|second| second.video_bits).sum::<f64>() / (to - from) as f64
    }

    pub(crate) fn target(&self, from: usize, to: usize) -> f64 {
        self.seconds[from..to].iter().map(|second| second.target).sum::<f64>() / (to - from) as f64
    }

    /// Milliseconds from mouth to ear for a part of what was heard between two times in seconds: with the codec's look-ahead.
    pub(crate) fn mouth_to_ear(&self, from: u64, to: u64, part: f64) -> f64 {
        let range = Time::from_millis(from * 1_000)..Time::from_millis(to * 1_000);
        let heard = self.heard.iter().filter(|(at, _)| range.contains(at));
        at_part(heard.map(|(_, delay)| *delay + 6.5).collect(), part)
    }

    /// The longest time between two pictures in a span, in milliseconds, and the delay of a part of them.
    pub(crate) fn pictures(&self, from: u64, to: u64, part: f64) -> (f64, f64) {
        let range = Time::from_millis(from * 1_000)..Time::from_millis(to * 1_000);
        let shown: Vec<_> = self.shown.iter().filter(|(_, at)| range.contains(at)).collect();
        let gap =
            shown.windows(2).map(|pair| pair[1].1.seconds_since(pair[0].1) * 1_000.0).fold(0.0, f64::max);
        (gap, at_part(shown.iter().map(|(made, at)| at.seconds_since(*made) * 1_000.0).collect(), part))
    }

    /// Milliseconds within which a part of speech made between two times in seconds arrived.
    pub(crate) fn audio_delay(&self, from: u64, to: u64, part: f64) -> f64 {
        let range = Time::from_millis(from * 1_000)..Time::from_millis(to * 1_000);
        let made = self.audio.iter().filter(|(made, _)| range.contains(made));
        at_part(made.map(|(_, delay)| *delay).collect(), part)
    }
}

/// The value below which a part of all values lies.
fn at_part(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * part) as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// How long pictures wait for what is missing.
const PATIENCE: Duration = Duration::from_millis(400);

/// A flow that fills the queue and halves when something is lost, as TCP Reno does (RFC 5681).
pub(crate) struct Greedy {
    window: f64,
    threshold: f64,
    in_flight: BTreeMap<u64, ()>,
    next_id: u64,
    recover: u64,
    acks: VecDeque<(Time, u64)>,
    pub(crate) bits: f64,
    began: Time,
    last_ack: Time,
}

impl Greedy {
    pub(crate) fn new(began: Time) -> Self {
        Self {
            window: 10.0,
            threshold: 1e9,
            in_flight: BTreeMap::new(),
            next_id: 0,
            recover: 0,
            acks: VecDeque::new(),
            bits: 0.0,
            began,
            last_ack: began,
        }
    }

    fn send(&mut self, flow: usize, now: Time, link: &mut Link) {
        if now < self.began {
            return;
        }
        while self.acks.front().is_some_and(|(at, _)| *at <= now) {
            let (_, id) = self.acks.pop_front().expect("it was there");
            self.last_ack = now;
            self.in_flight.remove(&id);
            self.window += if self.window < self.threshold { 1.0 } else { 1.0 / self.window };
            // Three later ones came: whatever is older is lost.
            let lost: Vec<u64> = self.in_flight.range(..id.saturating_sub(3)).map(|(id, ())| *id).collect();
            for id in lost {
                self.in_flight.remove(&id);
                if id >= self.recover {
                    self.window = (self.window / 2.0).max(2.0);
                    self.threshold = self.window;
                    self.recover = self.next_id;
                }
            }
        }
        if now.seconds_since(self.last_ack) > 1.0 {
            self.in_flight.clear();
            (self.threshold, self.window, self.last_ack) = ((self.window / 2.0).max(2.0), 1.0, now);
        }
        while (self.in_flight.len() as f64) < self.window.floor() {
            self.in_flight.insert(self.next_id, ());
            link.push(now, OnPath { flow, id: self.next_id, bytes: 1_500 });
            self.next_id += 1;
        }
    }
}

/// Everything on one path.
pub(crate) struct World {
    pub(crate) link: Link,
    pub(crate) calls: Vec<Call>,
    pub(crate) greedy: Option<Greedy>,
    delay: u64,
    now: Time,
    arrivals: BTreeMap<(Time, u64), OnPath>,
    count: u64,
}

impl World {
    pub(crate) fn new(path: Path, plans: Vec<Plan>, seed: u64) -> Self {
        let delay = path.delay;
        Self {
            link: Link::new(path, seed),
            calls: plans.into_iter().map(Call::new).collect(),
            greedy: None,
            delay,
            now: Time::default(),
            arrivals: BTreeMap::new(),
            count: 0,
        }
    }

    pub(crate) fn run(&mut self, secs: u64) {
        let end = Time::from_millis(secs * 1_000);
        while self.now < end {
            self.now = Time(self.now.0 + 1_000);
            let now = self.now;
            for (flow, call) in self.calls.iter_mut().enumerate() {
                call.send(flow, now, &mut self.link);
            }
            if let Some(greedy) = &mut self.greedy {
                greedy.send(usize::MAX, now, &mut self.link);
            }
            for (at, packet) in self.link.advance(now) {
                self.count += 1;
                self.arrivals.insert((at, self.count), packet);
            }
            while let Some(entry) = self.arrivals.first_entry().filter(|entry| entry.key().0 <= now) {
                let ((at, _), packet) = entry.remove_entry();
                match (self.calls.get_mut(packet.flow), &mut self.greedy) {
                    (Some(call), _) => call.arrive(at, packet),
                    (None, Some(greedy)) => {
                        greedy.bits += packet.bytes as f64 * 8.0;
                        greedy.acks.push_back((Time(at.0 + self.delay * 1_000), packet.id));
                    }
                    (None, None) => {}
                }
            }
            for call in &mut self.calls {
                call.receive(now, self.delay, &mut self.link);
                call.feedback(now, self.delay, &mut self.link);
            }
        }
    }
}
