//! The ends of tracks: frames and speech become packets, packets become frames and speech. Each track is drained by a task of its own,
//! as what it holds is little.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use kith_media::frames::Assembler;
use kith_media::frames::Codec;
use kith_media::frames::Packet;
use kith_media::frames::sealed_descriptor;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp;
use tokio::sync::mpsc;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::media_stream::track_remote::TrackRemoteEvent;
use webrtc::peer_connection::PeerConnection;
use webrtc::rtp_transceiver::RtpTransceiver;

use super::Sections;
use super::pipe::Kinds;
use super::pipe::PATIENCE;
use crate::line::Line;
use crate::transport::Encoded;
use crate::transport::Inbox;
use crate::transport::Kind;

/// The tracks of this side.
pub(super) struct Outgoing {
    tracks: [Stream; 3],
}

struct Stream {
    kind: Kind,
    sealed: bool,
    ssrc: u32,
    number: u16,
    /// Added to time stamps, as these begin anywhere (RFC 3550, 5.1).
    first_stamp: u32,
    track: Arc<TrackLocalStaticRTP>,
}

impl Outgoing {
    pub(super) fn new(sealed: bool) -> Self {
        let [one, two, three] = Kind::ALL;
        // Numbers of streams are drawn by lot; within a connection they differ in their lowest bits for certain.
        let lot = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()) << 8);
        let base = (lot as u32) << 4 | 1;
        let stream = |kind: Kind| {
            let ssrc = base.wrapping_add(2 * kind.index() as u32);
            let track = super::track(kind, ssrc, ssrc + 1);
            Stream { kind, sealed, ssrc, number: (lot >> 40) as u16, first_stamp: (lot >> 32) as u32, track }
        };
        Self { tracks: [stream(one), stream(two), stream(three)] }
    }

    pub(super) fn kinds(&self) -> Kinds {
        self.tracks.iter().map(|stream| (stream.ssrc, stream.kind)).collect()
    }

    pub(super) fn all(&self) -> Vec<Arc<dyn TrackLocal>> {
        self.tracks.iter().map(|stream| stream.track.clone() as Arc<dyn TrackLocal>).collect()
    }
}

/// Writes what was encoded until nobody encodes any more.
pub(super) async fn write(
    mut tracks: Outgoing,
    transceivers: Vec<Arc<dyn RtpTransceiver>>,
    mut waiting: mpsc::Receiver<Encoded>,
) {
    let mut types = [None; 3];
    while let Some(encoded) = waiting.recv().await {
        let index = encoded.kind.index();
        let (Some(stream), Some(known)) = (tracks.tracks.get_mut(index), types.get_mut(index)) else {
            continue;
        };
        if known.is_none() {
            *known = payload_type(&transceivers, index).await;
        }
        let Some(payload_type) = *known else { continue };
        for packet in stream.packets(&encoded, payload_type) {
            if stream.track.write_rtp(packet).await.is_err() {
                // Not negotiated yet, or closed.
                break;
            }
        }
    }
}

/// What the other side calls the codec of a section.
async fn payload_type(transceivers: &[Arc<dyn RtpTransceiver>], index: usize) -> Option<u8> {
    let sender = transceivers.get(index)?.sender().await.ok()??;
    let parameters = sender.get_parameters().await.ok()?;
    let wanted = if index == 0 { super::MIME_TYPE_OPUS } else { super::MIME_TYPE_VP8 };
    let codec = parameters
        .rtp_parameters
        .codecs
        .iter()
        .find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(wanted))?;
    Some(codec.payload_type)
}

impl Stream {
    fn packets(&mut self, encoded: &Encoded, payload_type: u8) -> Vec<rtp::Packet> {
        let pictures = self.kind != Kind::Microphone;
        let size = if pictures { LARGEST } else { usize::MAX };
        let count = encoded.data.len().div_ceil(size).max(1);
        let mut packets = Vec::with_capacity(count);
        for (index, part) in encoded.data.chunks(size).enumerate() {
            let payload = if pictures {
                let mut payload = Vec::with_capacity(part.len() + 1);
                payload.push(match self.sealed {
                    true => sealed_descriptor(index == 0, encoded.key),
                    // RFC 7741, 4.2: no extension; the first packet of the frame begins partition zero.
                    false if index == 0 => 0x10,
                    false => 0,
                });
                payload.extend_from_slice(part);
                Bytes::from(payload)
            } else {
                Bytes::copy_from_slice(part)
            };
            let header = rtp::header::Header {
                version: 2,
                marker: pictures && index + 1 == count,
                payload_type,
                sequence_number: self.number,
                timestamp: self.first_stamp.wrapping_add(encoded.stamp),
                ssrc: self.ssrc,
                ..Default::default()
            };
            self.number = self.number.wrapping_add(1);
            packets.push(rtp::Packet { header, payload });
        }
        packets
    }
}

/// Reads a track of the other side to its end.
pub(super) async fn read(
    track: Arc<dyn TrackRemote>,
    peer: Weak<dyn PeerConnection>,
    sections: Sections,
    (line, sealed): (Arc<Line>, bool),
    inbox: Arc<dyn Fn(Inbox) + Send + Sync>,
) {
    let mut kind = None;
    let mut ssrc = 0;
    let mut frames = Assembler::new(if sealed { Codec::Sealed } else { Codec::Vp8 }, PATIENCE);
    loop {
        let now = Instant::now();
        let wake = now + wait(&frames, &line, now).min(LONGEST_WAIT);
        let event = match tokio::time::timeout_at(wake.into(), track.poll()).await {
            Ok(None | Some(TrackRemoteEvent::OnEnded)) => return,
            Ok(Some(TrackRemoteEvent::OnOpen(opened))) => {
                kind = which(&peer, &opened.receiver_id, &sections).await;
                ssrc = opened.ssrc;
                continue;
            }
            Ok(Some(TrackRemoteEvent::OnRtpPacket(packet))) => Some(packet),
            Ok(Some(_)) | Err(_) => None,
        };
        let Some(kind) = kind else { continue };
        let at = Instant::now();
        let came = line.time(at);
        if let Some(packet) = event {
            line.came.add(kind, packet.payload.len());
            let (number, stamp, marker) =
                (packet.header.sequence_number, packet.header.timestamp, packet.header.marker);
            if kind == Kind::Microphone {
                inbox(Inbox::Speech { came, number, stamp, payload: packet.payload.to_vec() });
                continue;
            }
            ssrc = packet.header.ssrc;
            frames.push(came, Packet { number, stamp, marker, payload: &packet.payload });
        }
        while let Some(frame) = frames.pop(came) {
            inbox(Inbox::Frame { kind, frame });
        }
        if line.take_broken(kind) {
            frames.need_key();
        }
        // A packet that was asked for twice in vain will be missed; a keyframe that is asked for now is here when it is given up.
        let soon = frames.next_wake().is_some_and(|at| at.since(came) < early(&line));
        let for_others = line.take_for_others(kind);
        if frames.wants_key(came) || for_others || (soon && line.may_ask_early(kind, came)) {
            let pli = PictureLossIndication { sender_ssrc: 1, media_ssrc: ssrc };
            let _ = track.write_rtcp(vec![Box::new(pli)]).await;
        }
    }
}

/// How long before the end of patience a keyframe is asked for.
fn early(line: &Line) -> Duration {
    PATIENCE.saturating_sub((line.round_trip() * 2 + TWO_TRIES).max(PATIENCE / 4))
}

/// When to look again without a packet.
fn wait(frames: &Assembler, line: &Line, now: Instant) -> Duration {
    let now = line.time(now);
    let end = frames.next_wake().map_or(LONGEST_WAIT, |at| at.since(now));
    let ask = end.saturating_sub(early(line));
    (if ask.is_zero() { end } else { ask }).max(Duration::from_millis(1))
}

/// Which section a track belongs to.
async fn which(
    peer: &Weak<dyn PeerConnection>,
    receiver: &webrtc::rtp_transceiver::RTCRtpReceiverId,
    sections: &Sections,
) -> Option<Kind> {
    let peer = peer.upgrade()?;
    for transceiver in peer.get_transceivers().await {
        let own = transceiver.receiver().await.ok().flatten();
        if own.is_some_and(|own| own.id() == *receiver) {
            let mid = transceiver.mid().await.ok()??;
            let sections = sections.lock().unwrap_or_else(PoisonError::into_inner);
            let index = sections.iter().position(|section| *section == mid)?;
            return Kind::ALL.get(index).copied();
        }
    }
    None
}

/// A packet of pictures without header: with everything around it less than 1,280 bytes, which IPv6 carries everywhere, also by a relay.
const LARGEST: usize = 1_100;

/// Keyframe requests are due twice a second.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// Until a packet was asked for twice.
const TWO_TRIES: Duration = Duration::from_millis(30);
