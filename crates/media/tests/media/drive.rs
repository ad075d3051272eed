//! What strangers may do, from bytes: the same for the property tests and for the fuzzers. Each checks what always holds.

use std::collections::BTreeSet;
use std::time::Duration;

use kith_media::Bitrate;
use kith_media::RemoteTime;
use kith_media::Time;
use kith_media::bwe::Estimator;
use kith_media::bwe::Limits;
use kith_media::feedback::History;
use kith_media::frames::Assembler;
use kith_media::frames::Codec;
use kith_media::frames::Packet;
use kith_media::jitter::BLOCK;
use kith_media::jitter::Decoder;
use kith_media::jitter::JitterBuffer;
use kith_media::nack;
use kith_media::nack::Gaps;
use kith_media::nack::Sent;
use kith_media::pacer::Class;
use kith_media::pacer::Pacer;
use kith_media::pacer::What;

/// Bytes as what somebody does. When they end, it ends.
struct Acts<'a>(&'a [u8]);

impl<'a> Acts<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A number near the last one, mostly.
    fn number(&mut self, last: &mut u16) -> Option<u16> {
        *last = match self.byte()? {
            255 => self.word()?,
            near => last.wrapping_add(u16::from(near % 32)).wrapping_sub(8),
        };
        Some(*last)
    }
}

/// Packets of video: memory is bounded, frames come in order, and a frame is asked for when one is needed.
pub(crate) fn frames(data: &[u8]) {
    let mut acts = Acts(data);
    let codec = if acts.byte().is_some_and(|byte| byte % 2 == 0) { Codec::Vp8 } else { Codec::H264 };
    let mut assembler = Assembler::new(codec, Duration::from_millis(200));
    let (mut now, mut last, mut stamp) = (Time::default(), 0, 0_u32);
    while let Some(act) = acts.byte() {
        now = now + Duration::from_millis(u64::from(act % 8));
        let Some(number) = acts.number(&mut last) else { break };
        stamp = stamp.wrapping_add(if act & 16 == 0 { 3_600 } else { 0 });
        let payload = acts.take(usize::from(act >> 5));
        assembler.push(now, Packet { number, stamp, marker: act & 8 == 0, payload });
        if act & 32 == 0 {
            while let Some(frame) = assembler.pop(now) {
                assert!(frame.data.len() <= 2_000_000 && frame.came <= now);
            }
            let asked = assembler.wants_key(now);
            assert!(!(asked && assembler.wants_key(now)), "not twice at once");
        }
        let _ = assembler.next_wake();
    }
}

struct Noise;

impl Decoder for Noise {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> bool {
        // Lengths as Opus has them, and none.
        let samples = [0, 120, 240, 480, 960, 1_920, 2_880, 5_760];
        let kind = packet.first().copied().unwrap_or(0);
        out.extend((0..samples[usize::from(kind % 8)]).map(|sample| (sample % 100) as f32 / 100.0));
        kind < 250
    }

    fn decode_fec(&mut self, packet: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        let can = packet.len() > 1;
        out.extend(std::iter::repeat_n(0.5, if can { samples } else { 0 }));
        can
    }

    fn decode_dred(&mut self, packet: &[u8], before: usize, samples: usize, out: &mut Vec<f32>) -> bool {
        assert!(before <= 48_000);
        let can = packet.len() > 2;
        out.extend(std::iter::repeat_n(0.5, if can { samples } else { 0 }));
        can
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        out.extend(std::iter::repeat_n(0.0, samples));
    }
}

/// Packets of sound: there is always a next block, and it is what a decoder made.
pub(crate) fn jitter(data: &[u8]) {
    let mut acts = Acts(data);
    let mut buffer = JitterBuffer::default();
    let (mut now, mut last, mut stamp) = (Time::default(), 65_000, u32::MAX - 5_000);
    while let Some(act) = acts.byte() {
        if act % 4 == 0 {
            now = now + Duration::from_millis(10);
            let mut out = [7.0; BLOCK];
            buffer.pull(now, &mut Noise, &mut out);
            assert!(out.iter().all(|sample| (0.0..=1.0).contains(sample)));
            assert!((20..=400).contains(&buffer.target_millis()), "{}", buffer.target_millis());
            continue;
        }
        let before = last;
        let Some(number) = acts.number(&mut last) else { break };
        let step = u32::from(number.wrapping_sub(before)).wrapping_mul(960);
        stamp = match act {
            250.. => u32::from_be_bytes([act, number as u8, act, 9]),
            _ => stamp.wrapping_add(if step > 960 * 1_000 { 0 } else { step }),
        };
        buffer.push(now, number, stamp, acts.take(usize::from(act % 5)));
    }
}

/// Feedback: what is on the way stays bounded, nothing is told twice, and the estimate stays within its limits.
pub(crate) fn feedback(data: &[u8]) {
    let mut acts = Acts(data);
    let limits = Limits::default();
    let (mut history, mut estimator) = (History::default(), Estimator::new(limits));
    let (mut now, mut sent, mut told) = (Time::default(), 0_u64, 0_u64);
    while let Some(act) = acts.byte() {
        now = now + Duration::from_micros(u64::from(act) * 100);
        match act % 4 {
            0..=1 => {
                let probe = estimator.probe(now).map(|probe| probe.id);
                let count = u64::from(act / 16) + 1;
                for _ in 0..count {
                    history.sent(now, history.next_number(), 1_200, probe);
                    estimator.sent(now);
                }
                sent += count;
            }
            2 => {
                let Some(first) = acts.word() else { break };
                let base = history.next_number().wrapping_sub(first % 512);
                let mut arrival = u64::from(acts.word().unwrap_or(0)) * 64_000 * 64;
                let said: Vec<_> = acts
                    .take(usize::from(act))
                    .iter()
                    .enumerate()
                    .map(|(index, byte)| {
                        arrival = arrival.wrapping_add(u64::from(*byte) * 250);
                        (base.wrapping_add(index as u16), (byte % 5 != 0).then_some(RemoteTime(arrival)))
                    })
                    .collect();
                let mut reports = Vec::new();
                history.feedback(now, said, &mut reports);
                told += reports.len() as u64;
                assert!(told <= sent, "{told} of {sent}");
                estimator.reports(now, &reports);
            }
            _ => {
                estimator.wake(now);
                estimator.set_wanted(Bitrate::from_kbps(u64::from(acts.byte().unwrap_or(0)) * 50));
            }
        }
        let target = estimator.target(now);
        assert!(target >= limits.least && target <= limits.most, "{target:?}");
        assert!(estimator.next_wake(now).is_none_or(|at| at > now));
        assert!(history.in_flight() <= 1_200 * kith_media::feedback::MOST);
    }
}

/// Requests for packets and the packets themselves: what came is not asked for, nothing is asked for without end, and no more is
/// given than was sent.
pub(crate) fn nack(data: &[u8]) {
    let mut acts = Acts(data);
    let mut gaps = Gaps::new(Duration::from_millis(400));
    let mut sent = Sent::default();
    let (mut now, mut last, mut number) = (Time::default(), 30_000_u16, 0_u16);
    let mut came = BTreeSet::new();
    while let Some(act) = acts.byte() {
        now = now + Duration::from_millis(u64::from(act % 16));
        match act >> 6 {
            0 => {
                let Some(near) = acts.byte() else { break };
                // Far ones are of another round of the numbers, which a set of numbers does not tell apart.
                last = last.wrapping_add(u16::from(near % 32)).wrapping_sub(8);
                let arrived = last;
                gaps.packet(now, arrived);
                came.insert(arrived);
                assert!(gaps.missing() <= 250);
            }
            1 => {
                let mut ask = Vec::new();
                gaps.ask(now, &mut ask);
                assert!(ask.len() <= 250);
                if came.len() < 1_000 {
                    assert!(ask.iter().all(|number| !came.contains(number)), "it is here");
                }
                gaps.set_round_trip(Duration::from_millis(u64::from(act)));
                assert!(gaps.next_wake().is_none_or(|at| at > now));
            }
            2 => {
                sent.packet(now, number, usize::from(act) * 8, number);
                number = number.wrapping_add(1);
                assert!(sent.len() <= 2_048);
            }
            _ => {
                let Some(asked) = acts.word() else { break };
                let again = sent.again(now, asked, Duration::from_millis(50), Bitrate::from_kbps(500));
                assert!(again.is_none_or(|given| *given == asked));
            }
        }
    }
    let wrapped = nack::unwrap_rtx(data);
    assert!(wrapped.is_none_or(|(_, payload)| payload.len() + 2 == data.len()));
}

/// Whatever is put into the pacer leaves once, in order within its class, or is counted as dropped.
pub(crate) fn pacer(data: &[u8]) {
    let mut acts = Acts(data);
    let mut pacer = Pacer::new(Bitrate::from_kbps(500));
    let (mut now, mut put, mut left) = (Time::default(), 0_u64, 0_u64);
    let mut newest = [None; 3];
    while let Some(act) = acts.byte() {
        now = now + Duration::from_millis(u64::from(act % 8));
        match act >> 6 {
            0 => pacer.set_target(Bitrate::from_kbps(u64::from(acts.byte().unwrap_or(0)) * 20)),
            1 | 2 => {
                let class = [Class::Audio, Class::Retransmission, Class::Video][usize::from(act % 3)];
                let bytes = usize::from(acts.byte().unwrap_or(0)) * 5;
                let _ = pacer.push(now, class, bytes, (usize::from(act % 3), put));
                put += 1;
            }
            _ => {
                // Within a moment only so much can leave: this ends.
                while let Some(outgoing) = pacer.next(now) {
                    if let What::Packet((class, number)) = outgoing.what {
                        assert!(newest[class].is_none_or(|newest| newest < number), "in order");
                        newest[class] = Some(number);
                        left += 1;
                    }
                }
                assert!(pacer.next_wake().is_none_or(|at| at > now), "it says when to come again");
            }
        }
        assert_eq!(put, left + pacer.len() as u64 + pacer.stats().dropped);
    }
}
