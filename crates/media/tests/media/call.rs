//! Flows over one path in virtual time: calls as this crate makes them, a greedy flow that only yields to loss, and what came of them.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use kith_media::Bitrate;
use kith_media::RemoteTime;
use kith_media::Time;
use kith_media::bwe::Estimator;
use kith_media::bwe::Limits;
use kith_media::feedback::History;
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

#[derive(Clone, Copy, Debug)]
enum Media {
    Audio,
    Video,
}

#[derive(Clone, Copy)]
struct Sent {
    number: u16,
    made: Time,
    media: Option<Media>,
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
    pacer: Pacer<(Media, Time, usize)>,
    history: History,
    sent: BTreeMap<u64, Sent>,
    next_id: u64,
    next_frame: Time,
    next_audio: Time,
    key: bool,
    arrived: BTreeMap<u64, Time>,
    told: u64,
    next_feedback: Time,
    on_the_way_back: VecDeque<(Time, Vec<(u16, Option<RemoteTime>)>)>,
    pub(crate) seconds: Vec<Second>,
    /// When each packet of speech was made, and how many milliseconds it took.
    pub(crate) audio: Vec<(Time, f64)>,
    pub(crate) audio_sent: u64,
    pub(crate) padding_bits: f64,
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
            sent: BTreeMap::new(),
            next_id: 0,
            next_frame: Time::default(),
            next_audio: Time::default(),
            key: true,
            arrived: BTreeMap::new(),
            told: 0,
            next_feedback: Time::default(),
            on_the_way_back: VecDeque::new(),
            seconds: Vec::new(),
            audio: Vec::new(),
            audio_sent: 0,
            padding_bits: 0.0,
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
            self.audio_sent += 1;
            let _ = self.pacer.push(now, Class::Audio, AUDIO_BYTES, (Media::Audio, now, AUDIO_BYTES));
        }
        if now >= self.next_frame {
            self.next_frame = Time(now.0 + 40_000);
            if self.pacer.room() && wanted > 0 {
                self.frame(now, (target.bps().saturating_sub(52_000)).min(wanted), link);
            }
        }
        while let Some(outgoing) = self.pacer.next(now) {
            let (media, made, bytes) = match outgoing.what {
                What::Packet((media, made, bytes)) => (Some(media), made, bytes),
                What::Padding(bytes) => (None, now, bytes),
            };
            if media.is_none() {
                self.padding_bits += bytes as f64 * 8.0;
            }
            let number = self.history.next_number();
            self.history.sent(now, number, bytes, outgoing.probe);
            self.estimator.sent(now);
            let id = self.next_id;
            self.next_id += 1;
            self.sent.insert(id, Sent { number, made, media });
            link.push(now, OnPath { flow, id, bytes });
        }
        let target = self.estimator.target(now).as_f64() / 1_000.0;
        self.second(now).target += target;
    }

    fn frame(&mut self, now: Time, rate: u64, link: &mut Link) {
        let usual = rate as f64 / 25.0 / 8.0;
        let factor = if std::mem::take(&mut self.key) { 4.0 } else { 0.75 + 0.5 * link.chance() };
        let mut left = (usual * factor) as usize;
        while left > 0 {
            let bytes = left.min(1_150);
            left -= bytes;
            if self.pacer.push(now, Class::Video, bytes + 50, (Media::Video, now, bytes + 50)) == Pushed::Dropped {
                self.key = true;
                break;
            }
        }
    }

    fn arrive(&mut self, at: Time, packet: OnPath) {
        if self.arrived.contains_key(&packet.id) || packet.id < self.told {
            return;
        }
        let sent = self.sent[&packet.id];
        self.arrived.insert(packet.id, at);
        let bits = packet.bytes as f64 * 8.0;
        let second = self.second(at);
        second.all_bits += bits;
        match sent.media {
            Some(Media::Audio) => self.audio.push((sent.made, at.seconds_since(sent.made) * 1_000.0)),
            Some(Media::Video) => second.video_bits += bits,
            None => {}
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
                    self.on_the_way_back.push_back((Time(now.0 + delay * 1_000), said));
                }
            }
        }
        while self.on_the_way_back.front().is_some_and(|(at, _)| *at <= now) {
            let (_, said) = self.on_the_way_back.pop_front().expect("it was there");
            let mut reports = Vec::new();
            self.history.feedback(now, said, &mut reports);
            self.estimator.reports(now, &reports);
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

    /// Milliseconds within which a part of speech made between two times in seconds arrived.
    pub(crate) fn audio_delay(&self, from: u64, to: u64, part: f64) -> f64 {
        let range = Time::from_millis(from * 1_000)..Time::from_millis(to * 1_000);
        let made = self.audio.iter().filter(|(made, _)| range.contains(made));
        let mut delays: Vec<f64> = made.map(|(_, delay)| *delay).collect();
        delays.sort_by(f64::total_cmp);
        let index = (delays.len() as f64 * part) as usize;
        delays.get(index.min(delays.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }
}

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
                call.feedback(now, self.delay, &mut self.link);
            }
        }
    }
}
