//! What stands between the tracks of a peer connection and the network, instead of what `rtc` has for it: one interceptor that paces,
//! numbers, repairs and estimates, by the calculations of `kith-media`.
//!
//! ```text
//!  tracks ──▶ Pacer ──▶ number, History ──────────▶ TwccReceiver ──▶ SRTP
//!                ▲            │ Sent                     │ says what came
//!                │            ▼                          ▼
//!  tracks ◀── unwrap RTX ◀── Gaps, feedback, NACK, PLI ◀── SRTP
//! ```
//!
//! It is the only one that holds packets back, and stands outside of reports, so these count what was sent. Not here: encoding,
//! frames, and when a keyframe is asked for.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use kith_media::Bitrate;
use kith_media::RemoteTime;
use kith_media::Time;
use kith_media::bwe::Estimator;
use kith_media::bwe::Limits;
use kith_media::feedback::History;
use kith_media::nack::Gaps;
use kith_media::nack::Sent;
use kith_media::nack::unwrap_rtx;
use kith_media::nack::wrap_rtx;
use kith_media::pacer::Class;
use kith_media::pacer::Outgoing;
use kith_media::pacer::Pacer;
use kith_media::pacer::Pushed;
use kith_media::pacer::What;
use rtc::interceptor::AttributedPacket;
use rtc::interceptor::Interceptor;
use rtc::interceptor::Packet;
use rtc::interceptor::StreamInfo;
use rtc::interceptor::TaggedPacket;
use rtc::interceptor::convert_twcc;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::nack_pairs_from_sequence_numbers;
use rtc::rtp;
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;
use rtc::shared::error::Error;
use rtc::shared::marshal::MarshalSize;

use crate::line::Line;
use crate::transport::Kind;

/// The interceptor.
pub(super) struct Pipe {
    line: Arc<Line>,
    kinds: Kinds,
    pacer: Pacer<TaggedPacket>,
    estimator: Estimator,
    history: History,
    local: BTreeMap<u32, Local>,
    remote: BTreeMap<u32, Gaps>,
    /// From the number of a stream that repeats to the stream that it repeats, and its payload type.
    repeats: BTreeMap<u32, (u32, u8)>,
    incoming: VecDeque<TaggedPacket>,
    outgoing: VecDeque<TaggedPacket>,
    reports: Vec<kith_media::feedback::Report>,
}

/// Which of the own streams is what.
pub(super) type Kinds = BTreeMap<u32, Kind>;

/// A stream that is sent here.
struct Local {
    /// The extension that bears the number of the feedback.
    extension: Option<u8>,
    rtx: Option<Rtx>,
    sent: Sent<rtp::Packet>,
}

struct Rtx {
    ssrc: u32,
    payload_type: u8,
    number: u16,
}

impl Pipe {
    pub(super) fn new(line: Arc<Line>, kinds: Kinds, limits: Limits) -> Self {
        Self {
            line,
            kinds,
            pacer: Pacer::new(limits.start),
            estimator: Estimator::new(limits),
            history: History::default(),
            local: BTreeMap::new(),
            remote: BTreeMap::new(),
            repeats: BTreeMap::new(),
            incoming: VecDeque::new(),
            outgoing: VecDeque::new(),
            reports: Vec::new(),
        }
    }

    /// Lets go what may leave now.
    fn pump(&mut self, at: Instant) {
        let now = self.line.time(at);
        self.estimator.set_wanted(self.line.wanted());
        self.estimator.wake(now);
        self.pacer.set_target(self.estimator.target(now));
        if let Some(probe) = self.estimator.probe(now) {
            self.pacer.start_probe(probe);
        }
        while let Some(Outgoing { what, probe }) = self.pacer.next(now) {
            let tagged = match what {
                What::Packet(tagged) => Some(tagged),
                What::Padding(bytes) => self.padding(at, bytes),
            };
            let Some(mut tagged) = tagged else { continue };
            tagged.now = at;
            if let Packet::Rtp(packet) = &mut tagged.message.packet {
                self.leave(now, packet, probe);
            }
            self.outgoing.push_back(tagged);
        }
        self.tell(now);
    }

    /// Numbers a packet, and notes it.
    fn leave(&mut self, now: Time, packet: &mut rtp::Packet, probe: Option<kith_media::feedback::ProbeId>) {
        let ssrc = packet.header.ssrc;
        let repeated =
            self.local.iter().find(|(_, local)| local.rtx.as_ref().is_some_and(|rtx| rtx.ssrc == ssrc));
        let primary = repeated.map_or(ssrc, |(primary, _)| *primary);
        let Some(local) = self.local.get_mut(&primary) else { return };
        if primary == ssrc && local.rtx.is_some() {
            local.sent.packet(now, packet.header.sequence_number, wire_bytes(packet), packet.clone());
        }
        if let Some(kind) = self.kinds.get(&primary) {
            self.line.sent.add(*kind, wire_bytes(packet));
        }
        let Some(extension) = local.extension else { return };
        let number = self.history.next_number();
        let number_bytes = Bytes::copy_from_slice(&number.to_be_bytes());
        if packet.header.set_extension(extension, number_bytes).is_ok() {
            self.history.sent(now, number, wire_bytes(packet), probe);
            self.estimator.sent(now);
        }
    }

    /// A packet of no new content for a probe: one that was sent, once more.
    fn padding(&mut self, at: Instant, bytes: usize) -> Option<TaggedPacket> {
        let packet = self.local.values_mut().find_map(|local| {
            let (_, packet) = local.sent.padding(bytes)?;
            let packet = packet.clone();
            local.wrap(&packet)
        })?;
        self.line.padding.fetch_add(wire_bytes(&packet) as u64, Ordering::Relaxed);
        Some(tagged(at, Packet::Rtp(packet)))
    }

    /// The other side asks for packets again.
    fn repeat(&mut self, at: Instant, nack: &TransportLayerNack) {
        let now = self.line.time(at);
        let target = self.estimator.target(now);
        let round_trip = self.estimator.round_trip();
        let numbers = nack.nacks.iter().take(MOST_PAIRS).flat_map(|pair| pair.packet_list());
        for number in numbers {
            let Some(local) = self.local.get_mut(&nack.media_ssrc) else { return };
            let Some(packet) = local.sent.again(now, number, round_trip, target).cloned() else { continue };
            let Some(packet) = local.wrap(&packet) else { continue };
            self.line.again.fetch_add(1, Ordering::Relaxed);
            let bytes = wire_bytes(&packet);
            let tagged = tagged(at, Packet::Rtp(packet));
            if self.pacer.push(now, Class::Retransmission, bytes, tagged) == Pushed::Dropped {
                self.owe_keys();
            }
        }
    }

    fn owe_keys(&self) {
        [Kind::Camera, Kind::Screen].into_iter().for_each(|kind| self.line.ask_key(kind));
    }

    fn control(&mut self, at: Instant, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        let now = self.line.time(at);
        for packet in packets.iter().take(MOST_IN_COMPOUND) {
            let any = packet.as_any();
            if let Some(feedback) = any.downcast_ref::<TransportLayerCc>() {
                self.feedback(now, feedback);
            } else if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
                self.repeat(at, nack);
            } else if let Some(pli) = any.downcast_ref::<PictureLossIndication>() {
                self.asked_for_key(pli.media_ssrc);
            } else if let Some(fir) = any.downcast_ref::<FullIntraRequest>() {
                fir.fir.iter().take(MOST_PAIRS).for_each(|entry| self.asked_for_key(entry.ssrc));
            } else if let Some(report) = any.downcast_ref::<ReceiverReport>() {
                self.reported(&report.reports);
            } else if let Some(report) = any.downcast_ref::<SenderReport>() {
                self.reported(&report.reports);
            }
        }
    }

    fn asked_for_key(&self, ssrc: u32) {
        if let Some(kind) = self.kinds.get(&ssrc) {
            self.line.wish_key(*kind);
        }
    }

    fn reported(&self, reports: &[ReceptionReport]) {
        let speech = reports.iter().find(|report| self.kinds.get(&report.ssrc) == Some(&Kind::Microphone));
        if let Some(report) = speech {
            self.line.set_speech_loss(report.fraction_lost);
        }
    }

    fn feedback(&mut self, now: Time, feedback: &TransportLayerCc) {
        let said = convert_twcc(feedback).into_iter().filter_map(|said| {
            // What came at a time that is not said is not of use.
            match (said.arrived, said.arrival) {
                (true, None) => None,
                (true, Some(at)) => {
                    Some((said.sequence_number, Some(RemoteTime(u64::try_from(at.as_micros()).ok()?))))
                }
                (false, _) => Some((said.sequence_number, None)),
            }
        });
        self.reports.clear();
        self.history.feedback(now, said, &mut self.reports);
        self.estimator.reports(now, &self.reports);
        let stats = self.estimator.stats(now);
        self.line.set_path(stats.round_trip, stats.loss);
        self.remote.values_mut().for_each(|gaps| gaps.set_round_trip(stats.round_trip));
    }

    /// Tells encoders what they should know.
    fn tell(&self, now: Time) {
        let target = self.estimator.target(now);
        let again = self.local.values().map(|local| local.sent.rate(now).bps()).sum::<u64>();
        self.line.set_target(target, Bitrate::from_bps(target.bps().saturating_sub(again)));
        self.line.set_room(self.pacer.room());
    }

    /// Takes a packet as it came; `None` if it is only padding.
    fn arrive(&mut self, at: Instant, packet: &mut rtp::Packet) -> Option<()> {
        let now = self.line.time(at);
        if let Some((primary, payload_type)) = self.repeats.get(&packet.header.ssrc).copied() {
            let (number, payload) = unwrap_rtx(&packet.payload)?;
            packet.header.sequence_number = number;
            packet.header.ssrc = primary;
            packet.header.payload_type = payload_type;
            let skip = packet.payload.len() - payload.len();
            packet.payload = packet.payload.slice(skip..);
        }
        if let Some(gaps) = self.remote.get_mut(&packet.header.ssrc) {
            gaps.packet(now, packet.header.sequence_number);
        }
        Some(())
    }

    /// Asks for what is missing.
    fn ask(&mut self, at: Instant) {
        let now = self.line.time(at);
        let mut ask = Vec::new();
        let mut nacks = Vec::new();
        for (ssrc, gaps) in &mut self.remote {
            ask.clear();
            gaps.ask(now, &mut ask);
            if !ask.is_empty() {
                let nacks_of = nack_pairs_from_sequence_numbers(&ask);
                nacks.push(TransportLayerNack { sender_ssrc: 1, media_ssrc: *ssrc, nacks: nacks_of });
            }
        }
        for nack in nacks {
            self.outgoing.push_back(tagged(at, Packet::Rtcp(vec![Box::new(nack)])));
        }
        let count = |of: fn(&kith_media::nack::GapStats) -> u64| {
            self.remote.values().map(|gaps| of(&gaps.stats())).sum::<u64>()
        };
        self.line.repaired.store(count(|stats| stats.repaired), Ordering::Relaxed);
        self.line.lost.store(count(|stats| stats.lost), Ordering::Relaxed);
    }
}

impl Local {
    /// The packet once more, over the stream that repeats.
    fn wrap(&mut self, packet: &rtp::Packet) -> Option<rtp::Packet> {
        let rtx = self.rtx.as_mut()?;
        let mut again = packet.clone();
        let mut payload = Vec::with_capacity(packet.payload.len() + 2);
        wrap_rtx(packet.header.sequence_number, &packet.payload, &mut payload);
        again.payload = payload.into();
        again.header.ssrc = rtx.ssrc;
        again.header.payload_type = rtx.payload_type;
        again.header.sequence_number = rtx.number;
        rtx.number = rtx.number.wrapping_add(1);
        Some(again)
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Pipe {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut tagged: TaggedPacket) -> Result<(), Error> {
        let now = tagged.now;
        self.line.hear(now);
        match &mut tagged.message.packet {
            Packet::Rtp(packet) => {
                let is_wanted = self.arrive(now, packet).is_some();
                if !is_wanted {
                    return Ok(());
                }
            }
            Packet::Rtcp(packets) => {
                let packets = packets.clone();
                self.control(now, &packets);
                self.pump(now);
            }
            _ => {}
        }
        self.incoming.push_back(tagged);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.incoming.pop_front()
    }

    fn handle_write(&mut self, tagged: TaggedPacket) -> Result<(), Error> {
        let at = tagged.now;
        let Packet::Rtp(packet) = &tagged.message.packet else {
            self.outgoing.push_back(tagged);
            return Ok(());
        };
        let now = self.line.time(at);
        let kind = self.kinds.get(&packet.header.ssrc);
        let class = if kind == Some(&Kind::Microphone) { Class::Audio } else { Class::Video };
        let bytes = wire_bytes(packet);
        if self.pacer.push(now, class, bytes, tagged) == Pushed::Dropped {
            self.owe_keys();
        }
        self.pump(at);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outgoing.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.ask(now);
        self.pump(now);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let now = self.line.time(Instant::now());
        let gaps = self.remote.values().filter_map(Gaps::next_wake).min();
        let wakes = [self.pacer.next_wake(), self.estimator.next_wake(now), gaps];
        let wake = wakes.into_iter().flatten().min()?;
        // What was due is done at once, and never without a pause, whatever the clock says.
        Some(self.line.instant(wake.max(now + SHORTEST_SLEEP)))
    }
}

impl Interceptor for Pipe {
    fn bind_local_stream(&mut self, stream: &StreamInfo) {
        if !self.kinds.contains_key(&stream.ssrc) {
            return;
        }
        let extension = stream.rtp_header_extensions.iter().find(|extension| extension.uri == TRANSPORT_CC);
        let extension = extension.and_then(|extension| u8::try_from(extension.id).ok()).filter(|id| *id != 0);
        let numbers = stream.ssrc_rtx.zip(stream.payload_type_rtx);
        let rtx = numbers.map(|(ssrc, payload_type)| Rtx { ssrc, payload_type, number: ssrc as u16 });
        let local =
            self.local.entry(stream.ssrc).or_insert(Local { extension, rtx: None, sent: Sent::default() });
        local.extension = extension;
        if local.rtx.is_none() {
            local.rtx = rtx;
        }
    }

    fn unbind_local_stream(&mut self, stream: &StreamInfo) {
        self.local.remove(&stream.ssrc);
    }

    fn bind_remote_stream(&mut self, stream: &StreamInfo) {
        let repairs = stream.rtcp_feedback.iter().any(|way| way.typ == "nack" && way.parameter.is_empty());
        if self.repeats.contains_key(&stream.ssrc) || !repairs || self.remote.len() >= MOST_STREAMS {
            return;
        }
        self.remote.entry(stream.ssrc).or_insert_with(|| Gaps::new(PATIENCE));
        if let Some(rtx) = stream.ssrc_rtx {
            self.repeats.insert(rtx, (stream.ssrc, stream.payload_type));
            self.remote.remove(&rtx);
        }
    }

    fn unbind_remote_stream(&mut self, stream: &StreamInfo) {
        self.remote.remove(&stream.ssrc);
        if let Some(rtx) = stream.ssrc_rtx {
            self.repeats.remove(&rtx);
        }
    }
}

fn tagged(at: Instant, packet: Packet) -> TaggedPacket {
    TaggedPacket { now: at, transport: TransportContext::default(), message: AttributedPacket::new(packet) }
}

/// Bytes on the wire: with SRTP's tag, UDP and IPv4.
fn wire_bytes(packet: &rtp::Packet) -> usize {
    packet.marshal_size() + AROUND
}

const AROUND: usize = 16 + 8 + 20;

/// As long as a picture is waited for.
pub(super) const PATIENCE: Duration = Duration::from_millis(400);

/// The extension that numbers all packets of a connection (draft-holmer-rmcat-transport-wide-cc-extensions-01).
pub(super) const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// A pair names seventeen packets; those of two keyframes are here long before.
const MOST_PAIRS: usize = 64;
const MOST_IN_COMPOUND: usize = 32;
const MOST_STREAMS: usize = 8;

/// The driver is not woken more often.
const SHORTEST_SLEEP: Duration = Duration::from_micros(500);
