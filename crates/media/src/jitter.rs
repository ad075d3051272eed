//! An even stream of sound from packets that come unevenly, some late, some twice, some never.
//!
//! ```text
//!  push ─▶ Store ──▶ decode, or for a gap: FEC of the next ─▶ DRED of a later ─▶ conceal ──▶ pcm ──▶ stretch ──▶ pull, 10 ms
//!    └───▶ Arrivals ──▶ target: what 95 % of packets are late at most, and a frame ─────────────────┘
//! ```
//!
//! The delay of what is played now is known exactly, as its time stamp says when it was recorded. While it is longer than the target,
//! periods are taken out; while it is shorter, they are repeated. When nothing is there, sound is concealed without going on, which
//! makes the delay longer by itself; when it turns out that the packet was lost, that time counts for it.
//!
//! The sender may fall silent (DTX): then the next stamp is far ahead of a number that follows. Until it is due, the decoder makes its
//! comfort noise.

use crate::sequence::Sequence;
use crate::sequence::Stamps;
use crate::stretch;
use crate::time::Time;

use self::arrivals::Arrivals;
use self::store::SLOTS;
use self::store::Store;

mod arrivals;
mod store;

/// Samples in 10 ms, which is what [`JitterBuffer::pull`] gives.
pub const BLOCK: usize = 480;

/// What makes sound of packets: 48,000 samples a second, one channel, appended to `out`.
pub trait Decoder {
    /// Decodes a packet; `false` if it is none.
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> bool;

    /// Decodes the copy of the packet before this one that it carries (RFC 6716 section 2.1.7); `false` if it carries none.
    fn decode_fec(&mut self, packet: &[u8], samples: usize, out: &mut Vec<f32>) -> bool;

    /// Decodes what a later packet says about what was `before` samples ahead of it (Opus 1.5, DRED); `false` if it says nothing.
    fn decode_dred(&mut self, packet: &[u8], before: usize, samples: usize, out: &mut Vec<f32>) -> bool;

    /// Makes up what could have been; comfort noise when the sender is silent.
    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>);
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It waits to be played.
    Kept,
    /// Its time has passed.
    Late,
    /// It was here before.
    Copy,
    /// It was so far from all others that everything began anew with it.
    Restarted,
    /// It is longer than any packet of sound.
    TooLong,
}

/// Counts of a [`JitterBuffer`], in samples where they are of sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets decoded.
    pub decoded: u64,
    /// Packets repaired by the copy in the next one.
    pub fec: u64,
    /// Packets repaired by DRED.
    pub dred: u64,
    /// Packets that were made up.
    pub concealed: u64,
    /// Samples made up because nothing was there.
    pub waited: u64,
    /// Samples taken out.
    pub shortened: u64,
    /// Samples put in.
    pub lengthened: u64,
    /// Packets that came too late, twice, or made no sense.
    pub late: u64,
    /// See `late`.
    pub copies: u64,
    /// Packets left out to catch up.
    pub skipped: u64,
    /// How often everything began anew.
    pub restarts: u64,
}

/// Holds packets of one stream of sound back as long as needed, and no longer.
#[derive(Debug)]
pub struct JitterBuffer {
    store: Store,
    numbers: Sequence,
    stamps: Stamps,
    arrivals: Arrivals,
    /// The number of the packet to decode next, and the stamp of the first sample that is not in `pcm`.
    next: Option<(u64, i64)>,
    playing: bool,
    pcm: Vec<f32>,
    scratch: Vec<f32>,
    /// Samples in a packet.
    frame: usize,
    /// Samples made up without going on.
    owed: usize,
    since_stretch: usize,
    /// Packets in a row that were far off.
    strange: u32,
    stats: Stats,
}

impl Default for JitterBuffer {
    fn default() -> Self {
        Self {
            store: Store::new(),
            numbers: Sequence::default(),
            stamps: Stamps::default(),
            arrivals: Arrivals::new(LEAST_DELAY, MOST_DELAY),
            next: None,
            playing: false,
            pcm: Vec::with_capacity(MOST_PCM),
            scratch: Vec::with_capacity(MOST_PCM),
            frame: 2 * BLOCK,
            owed: 0,
            since_stretch: 0,
            strange: 0,
            stats: Stats::default(),
        }
    }
}

impl JitterBuffer {
    /// Takes a packet with its RTP number and time stamp (RFC 7587: always 48,000 a second).
    pub fn push(&mut self, now: Time, number: u16, stamp: u32, payload: &[u8]) -> Pushed {
        if payload.len() > LONGEST_PACKET {
            return Pushed::TooLong;
        }
        let place = self.numbers.peek(number);
        if let Some((next, _)) = self.next {
            let far = place > next + SLOTS - 1 || place + SLOTS < next;
            self.strange = if far { self.strange + 1 } else { 0 };
            // A single stray one is dropped; several in a row are a sender that began anew.
            if far && self.strange < STRANGE {
                self.stats.late += 1;
                return Pushed::Late;
            }
            if far {
                self.reset();
                self.stats.restarts += 1;
                self.keep(now, number, stamp, payload);
                return Pushed::Restarted;
            }
        }
        self.keep(now, number, stamp, payload)
    }

    /// Writes the next 10 ms.
    pub fn pull(&mut self, now: Time, decoder: &mut impl Decoder, out: &mut [f32; BLOCK]) {
        let now = samples(now);
        if !self.playing && !self.begins(now) {
            out.fill(0.0);
            return;
        }
        self.catch_up(now, decoder);
        // Bounded: each turn adds samples or moves on by a packet, of which there are `SLOTS`.
        for _ in 0..2 * SLOTS {
            if self.pcm.len() >= BLOCK {
                break;
            }
            self.produce(now, decoder);
        }
        self.stretch(now, decoder);
        let ready = self.pcm.len().min(BLOCK);
        for (to, from) in out.iter_mut().zip(self.pcm.drain(..ready).chain(std::iter::repeat(0.0))) {
            *to = from;
        }
    }

    /// Forgets everything but what was counted: another sender, or the same after a pause of minutes.
    pub fn reset(&mut self) {
        self.store.clear();
        self.numbers = Sequence::default();
        self.stamps = Stamps::default();
        self.arrivals.reset();
        self.next = None;
        self.playing = false;
        self.pcm.clear();
        (self.owed, self.strange) = (0, 0);
    }

    /// How long sound is to be held back, in milliseconds.
    pub fn target_millis(&self) -> u32 {
        u32::try_from(self.arrivals.target() / 48).unwrap_or(0)
    }

    /// How long what is played now was held back, in milliseconds, from the fastest packet on. Negative: it was made up.
    pub fn delay_millis(&self, now: Time) -> i64 {
        self.delay(samples(now)).map_or(0, |delay| delay / 48)
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn keep(&mut self, now: Time, number: u16, stamp: u32, payload: &[u8]) -> Pushed {
        let place = self.numbers.place(number);
        let stamp = i64::try_from(self.stamps.place(stamp)).unwrap_or(i64::MAX);
        if self.next.is_some_and(|(next, _)| self.playing && place < next) {
            // The target must know of it; a copy of what was played looks the same, and is rarer.
            self.arrivals.packet(samples(now), stamp, self.frame as i64);
            self.stats.late += 1;
            return Pushed::Late;
        }
        if !self.store.put(place, stamp, payload) {
            self.stats.copies += 1;
            return Pushed::Copy;
        }
        self.arrivals.packet(samples(now), stamp, self.frame as i64);
        if self.next.is_none_or(|(next, _)| !self.playing && place < next) {
            self.next = Some((place, stamp));
        }
        Pushed::Kept
    }

    /// Whether the first packet is due.
    fn begins(&mut self, now: i64) -> bool {
        let Some((_, stamp)) = self.next else { return false };
        self.playing = self.arrivals.delay(now, stamp) >= self.arrivals.target();
        self.playing
    }

    /// The delay of the next sample that is played.
    fn delay(&self, now: i64) -> Option<i64> {
        let (_, stamp) = self.next?;
        Some(self.arrivals.delay(now, stamp - self.pcm.len() as i64))
    }

    /// Adds to `pcm`, or moves on by a packet that needs no sound.
    fn produce(&mut self, now: i64, decoder: &mut impl Decoder) {
        let Some((next, stamp)) = self.next else { return };
        match self.store.next(next) {
            Some(place) if place == next => self.play(now, next, stamp, decoder),
            Some(later) => self.bridge(now, next, stamp, later, decoder),
            None => {
                decoder.conceal(BLOCK, &mut self.pcm);
                self.bound();
                self.owed = (self.owed + BLOCK).min(MOST_OWED);
                self.stats.waited += BLOCK as u64;
            }
        }
    }

    /// The next packet is here.
    fn play(&mut self, now: i64, next: u64, stamp: i64, decoder: &mut impl Decoder) {
        let Some(slot) = self.store.get(next) else { return };
        let ahead = slot.stamp - stamp;
        let due = self.arrivals.delay(now, slot.stamp) >= self.arrivals.target();
        if ahead > 0 && !due && ahead < LONGEST_PAUSE {
            // A pause of the sender.
            let count = BLOCK.min(usize::try_from(ahead).unwrap_or(BLOCK));
            decoder.conceal(count, &mut self.pcm);
            self.next = Some((next, stamp + count as i64));
            return;
        }
        let begin = self.pcm.len();
        if decoder.decode(&slot.payload, &mut self.pcm) && self.pcm.len() > begin {
            self.stats.decoded += 1;
            self.frame = (self.pcm.len() - begin).clamp(LEAST_FRAME, MOST_FRAME);
        } else {
            self.pcm.truncate(begin);
            decoder.conceal(self.frame, &mut self.pcm);
            self.stats.concealed += 1;
        }
        let after = slot.stamp + (self.pcm.len() - begin) as i64;
        self.bound();
        self.store.remove(next);
        self.next = Some((next + 1, after));
        self.owed = 0;
    }

    /// The next packet is not here, but a later one is.
    fn bridge(&mut self, now: i64, next: u64, stamp: i64, later: u64, decoder: &mut impl Decoder) {
        let Some(slot) = self.store.get(later) else { return };
        let frame = self.frame;
        let missing = later - next;
        if missing > MOST_MISSING {
            self.next = Some((later, slot.stamp));
            self.stats.skipped += missing;
            return;
        }
        if self.owed >= frame {
            // What was made up while waiting counts for what is lost. Less than a packet does not: it only made the delay longer.
            self.owed = self.owed.saturating_sub(frame);
            self.arrivals.lost(now);
            self.stats.concealed += 1;
            self.next = Some((next + 1, stamp + frame as i64));
            return;
        }
        let early = self.delay(now).is_some_and(|delay| delay + (BLOCK as i64) < self.arrivals.target());
        if early {
            // It may only be late, and the delay is to become longer anyway.
            decoder.conceal(BLOCK, &mut self.pcm);
            self.owed += BLOCK;
            self.stats.waited += BLOCK as u64;
            return;
        }
        self.arrivals.lost(now);
        let begin = self.pcm.len();
        let before = usize::try_from(slot.stamp - stamp).unwrap_or(0).min(MOST_OWED);
        let fec = missing == 1 && decoder.decode_fec(&slot.payload, frame, &mut self.pcm);
        let dred = !fec && decoder.decode_dred(&slot.payload, before, frame, &mut self.pcm);
        if self.pcm.len() <= begin {
            decoder.conceal(frame, &mut self.pcm);
            self.stats.concealed += 1;
        } else if fec {
            self.stats.fec += 1;
        } else if dred {
            self.stats.dred += 1;
        }
        let made = (self.pcm.len() - begin) as i64;
        self.bound();
        self.next = Some((next + 1, stamp + made));
    }

    /// Brings the delay nearer to the target by a period.
    fn stretch(&mut self, now: i64, decoder: &mut impl Decoder) {
        self.since_stretch += BLOCK;
        let Some(delay) = self.delay(now) else { return };
        let off = delay - self.arrivals.target();
        let far = off.abs() > FAR;
        if (-TOO_EARLY..=TOO_LATE).contains(&off) || self.since_stretch < if far { OFTEN } else { SELDOM } {
            return;
        }
        // Only what is here is looked at; nothing is made up for it.
        while self.pcm.len() < stretch::NEEDED + BLOCK {
            let Some((next, stamp)) = self.next.filter(|(next, _)| self.store.get(*next).is_some()) else {
                break;
            };
            self.play(now, next, stamp, decoder);
        }
        let Some(found) = stretch::find(&self.pcm).filter(|found| far || found.is_good()) else { return };
        if off > 0 && stretch::shorten(&self.pcm, found.lag, &mut self.scratch) {
            self.stats.shortened += found.lag as u64;
        } else if off < 0 && stretch::lengthen(&self.pcm, found.lag, &mut self.scratch) {
            self.stats.lengthened += found.lag as u64;
        } else {
            return;
        }
        std::mem::swap(&mut self.pcm, &mut self.scratch);
        self.since_stretch = 0;
    }

    /// After a long gap in the line everything comes at once: the old of it is left out.
    fn catch_up(&mut self, now: i64, decoder: &mut impl Decoder) {
        let Some((next, _)) = self.next else { return };
        let target = self.arrivals.target();
        if self.delay(now).is_none_or(|delay| delay - target < TOO_FAR) {
            return;
        }
        // The first that is not later than the target: from there on it is as it should be.
        let is_recent = |place: &u64| {
            self.store
                .get(*place)
                .is_some_and(|slot| self.arrivals.delay(now, slot.stamp) <= target + self.frame as i64)
        };
        let Some(place) = (next..next + SLOTS).find(is_recent) else { return };
        let Some(slot) = self.store.get(place) else { return };
        self.next = Some((place, slot.stamp));
        self.stats.skipped += place - next;
        (next..place).for_each(|place| self.store.remove(place));
        self.owed = 0;
        // What was going on fades into what comes.
        self.scratch.clear();
        self.scratch.append(&mut self.pcm);
        if self.scratch.len() < stretch::FADE {
            let missing = stretch::FADE - self.scratch.len();
            decoder.conceal(missing, &mut self.scratch);
        }
        if let Some((next, stamp)) = self.next {
            self.play(now, next, stamp, decoder);
        }
        for (index, (new, old)) in self.pcm.iter_mut().zip(&self.scratch).take(stretch::FADE).enumerate() {
            *new = old + (*new - old) * (index as f32 / stretch::FADE as f32);
        }
    }

    /// Whatever a decoder writes, no more than this is kept.
    fn bound(&mut self) {
        self.pcm.truncate(MOST_PCM);
    }
}

fn samples(now: Time) -> i64 {
    i64::try_from(now.0 / 1_000 * 48 + now.0 % 1_000 * 48 / 1_000).unwrap_or(i64::MAX)
}

/// 20 and 400 ms: less is no gain beside the frame, more is no conversation.
const LEAST_DELAY: i64 = 960;
const MOST_DELAY: i64 = 19_200;

/// 2.5 and 120 ms, as Opus has them.
const LEAST_FRAME: usize = 120;
const MOST_FRAME: usize = 5_760;

/// What is decoded and not played: two of the longest packets, and room for a period.
const MOST_PCM: usize = 3 * MOST_FRAME;

/// Opus has 1,275 bytes in a frame, and DRED fills a packet.
const LONGEST_PACKET: usize = 1_500;

/// Off by less than this is as it should be: 10 ms under, 15 ms over.
const TOO_EARLY: i64 = 480;
const TOO_LATE: i64 = 720;

/// Off by 80 ms, a cut is made even where it is heard a little, and more often.
const FAR: i64 = 3_840;

/// Every 30 and 60 ms.
const OFTEN: usize = 1_440;
const SELDOM: usize = 2_880;

/// Off by 400 ms: catching up by periods takes too long.
const TOO_FAR: i64 = 19_200;

/// A second is not bridged packet by packet.
const MOST_MISSING: u64 = 50;
const MOST_OWED: usize = 48_000;

/// Pauses of ten seconds do not come: senders in DTX send something every 400 ms (RFC 6716 section 2.1.9).
const LONGEST_PAUSE: i64 = 480_000;

/// So many strange packets in a row are a sender that began anew.
const STRANGE: u32 = 3;

#[cfg(test)]
mod tests;
