//! Peer connections of the crate `webrtc`: ICE, DTLS and SRTP. Between its tracks and the network stands our [`pipe`], in place of what it has
//! for pacing, repair and estimates; see `DESIGN.md` for why.
//!
//! A connection has three sections from the start, in the order of [`Kind::ALL`], all for both directions. So nothing is negotiated
//! again when somebody switches their camera on.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use kith_media::bwe::Limits;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::Ways;
use rtc::ice::network_type::NetworkType;
use rtc::interceptor::ReceiverReportBuilder;
use rtc::interceptor::SenderReportBuilder;
use rtc::interceptor::Slot;
use rtc::interceptor::TwccReceiverBuilder;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_OPUS;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_RTX;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_VP8;
use rtc::rtp_transceiver::rtp_sender::RTCPFeedback;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodec;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodecParameters;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodingParameters;
use rtc::rtp_transceiver::rtp_sender::RTCRtpEncodingParameters;
use rtc::rtp_transceiver::rtp_sender::RTCRtpHeaderExtensionCapability;
use rtc::rtp_transceiver::rtp_sender::RTCRtpRtxParameters;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::mpsc;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::MediaEngine;
use webrtc::peer_connection::PeerConnection;
use webrtc::peer_connection::PeerConnectionBuilder;
use webrtc::peer_connection::RTCConfiguration;
use webrtc::peer_connection::RTCConfigurationBuilder;
use webrtc::peer_connection::RTCIceCandidateInit;
use webrtc::peer_connection::RTCIceCandidateType;
use webrtc::peer_connection::RTCIceServer;
use webrtc::peer_connection::RTCIceTransportPolicy;
use webrtc::peer_connection::RTCSessionDescription;
use webrtc::peer_connection::Registry;
use webrtc::peer_connection::SettingEngineBuilder;

use self::handler::Handler;
use self::pipe::Pipe;
use super::Connection;
use super::Doing;
use super::Encoded;
use super::Kind;
use super::Refused;
use super::Reports;
use super::Setup;
use super::Transport;

mod handler;
mod pipe;
mod sdp;
mod tracks;

pub(crate) use self::sdp::is_candidate;

/// Where connections may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Over all interfaces of this machine but its own loop.
    #[default]
    Network,
    /// Within this machine alone: tests and measurements.
    Loopback,
}

/// Makes peer connections.
pub(crate) struct WebRtc {
    pub(crate) reach: Reach,
    pub(crate) limits: Limits,
}

impl Transport for WebRtc {
    fn open(&self, number: u64, setup: Setup, reports: Reports) -> Doing<'_, Box<dyn Connection>> {
        Box::pin(async move {
            let made = Box::pin(Peer::open(self.reach, self.limits, number, setup, reports)).await;
            let peer = made.inspect_err(|error| tracing::warn!(%error, "no connection could be made"));
            Ok(Box::new(peer.map_err(|_| Refused::Ours)?) as Box<dyn Connection>)
        })
    }
}

/// One connection.
struct Peer {
    peer: Arc<dyn PeerConnection>,
    outbox: mpsc::Sender<Encoded>,
    /// The names of the sections, once they are known.
    sections: Sections,
    writer: tokio::task::AbortHandle,
}

/// The names of the sections in the order of [`Kind::ALL`].
type Sections = Arc<Mutex<Vec<String>>>;

type Error = webrtc::error::Error;

impl Peer {
    async fn open(
        reach: Reach,
        limits: Limits,
        number: u64,
        setup: Setup,
        reports: Reports,
    ) -> Result<Self, Error> {
        let mut engine = engine()?;
        let tracks = tracks::Outgoing::new(setup.sealed);
        let pipe = Pipe::new(setup.line.clone(), tracks.kinds(), limits);
        let registry = Registry::new()
            .with(Slot::Custom(FEEDBACK_SLOT), TwccReceiverBuilder::new().with_interval(FEEDBACK).build())
            .with(Slot::Pacer, pipe)
            .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build())
            .with(Slot::SenderReport, SenderReportBuilder::new().build());
        extensions(&mut engine)?;
        let sections = Sections::default();
        let handler = Arc::new(Handler::new(
            number,
            reports,
            (setup.line, setup.sealed),
            setup.inbox,
            sections.clone(),
        ));
        let loopback = reach == Reach::Loopback;
        let settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(loopback)
            .with_network_types(vec![NetworkType::Udp4, NetworkType::Udp6])
            .with_discard_local_candidates_during_ice_restart(true)
            .with_prflx_acceptance_min_wait(Some(RELAY_WAIT))
            .with_relay_acceptance_min_wait(Some(RELAY_WAIT))
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_ice_timeouts(Some(INTERRUPTED), Some(FAILED), Some(KEEPALIVE))
            .build();
        let addresses = if loopback { vec!["127.0.0.1:0"] } else { vec!["0.0.0.0:0", "[::]:0"] };
        // A connection that was made for relays takes no other candidates for good.
        let made_for = if setup.may_widen { Ways::Any } else { setup.ways };
        let peer = Box::pin(
            PeerConnectionBuilder::new()
                .with_configuration(configuration(made_for, &setup.servers))
                .with_media_engine(engine)
                .with_setting_engine(settings)
                .with_interceptor_registry(registry)
                .with_handler(handler.clone())
                .with_udp_addrs(addresses)
                .build(),
        )
        .await?;
        let peer: Arc<dyn PeerConnection> = Arc::new(peer);
        handler.set_peer(&peer);
        if made_for != setup.ways {
            // Before anything is gathered: so nothing else is.
            peer.set_configuration(configuration(setup.ways, &setup.servers)).await?;
        }
        let mut transceivers = Vec::new();
        for track in tracks.all() {
            transceivers.push(peer.add_transceiver_from_track(track, None).await?);
        }
        let (outbox, waiting) = mpsc::channel(OUTBOX);
        let writer = tokio::spawn(tracks::write(tracks, transceivers, waiting)).abort_handle();
        Ok(Self { peer, outbox, sections, writer })
    }

    async fn make_offer(&self, restart: bool) -> Result<String, Error> {
        if restart {
            self.peer.restart_ice().await?;
        }
        let offer = self.peer.create_offer(None).await?;
        self.describe(offer).await
    }

    /// Takes the own description; what of it the other side is told.
    async fn describe(&self, own: RTCSessionDescription) -> Result<String, Error> {
        let told = own.sdp.clone();
        self.set_sections(&told);
        self.peer.set_local_description(own).await?;
        Ok(sdp::without_candidates(&told))
    }

    /// Takes the other side's description.
    async fn take(&self, theirs: RTCSessionDescription) -> Result<(), Refused> {
        self.set_sections(&theirs.sdp);
        self.peer.set_remote_description(theirs).await.map_err(|error| {
            tracing::debug!(%error, "a description was refused");
            Refused::Theirs
        })
    }

    fn set_sections(&self, sdp: &str) {
        *self.sections.lock().unwrap_or_else(PoisonError::into_inner) = sdp::sections(sdp);
    }

    async fn add(&self, line: &str) -> Result<(), Refused> {
        let candidate = RTCIceCandidateInit {
            candidate: format!("candidate:{line}"),
            sdp_mid: self.sections.lock().unwrap_or_else(PoisonError::into_inner).first().cloned(),
            sdp_mline_index: Some(0),
            ..Default::default()
        };
        self.peer.add_ice_candidate(candidate).await.map_err(|_| Refused::Theirs)
    }
}

impl Connection for Peer {
    fn offer(&self, restart: bool) -> Doing<'_, String> {
        Box::pin(async move { self.make_offer(restart).await.map_err(ours) })
    }

    fn answer(&self, theirs: String) -> Doing<'_, String> {
        Box::pin(async move {
            let theirs = description(&theirs)?;
            if self.peer.pending_local_description().await.is_some() {
                let rollback = RTCSessionDescription::rollback(None).map_err(ours)?;
                self.peer.set_local_description(rollback).await.map_err(ours)?;
            }
            let theirs = RTCSessionDescription::offer(theirs).map_err(|_| Refused::Theirs)?;
            self.take(theirs).await?;
            let answer = self.peer.create_answer(None).await.map_err(|_| Refused::Theirs)?;
            self.describe(answer).await.map_err(|_| Refused::Theirs)
        })
    }

    fn answered(&self, theirs: String) -> Doing<'_, ()> {
        Box::pin(async move {
            let theirs = description(&theirs)?;
            let theirs = RTCSessionDescription::answer(theirs).map_err(|_| Refused::Theirs)?;
            self.take(theirs).await
        })
    }

    fn candidate(&self, line: String) -> Doing<'_, ()> {
        Box::pin(async move { self.add(&line).await })
    }

    fn allow(&self, ways: Ways, servers: IceServers) -> Doing<'_, ()> {
        Box::pin(async move {
            let configuration = configuration(ways, &servers);
            self.peer.set_configuration(configuration).await.map_err(ours)
        })
    }

    fn is_relayed(&self) -> Doing<'_, bool> {
        Box::pin(async move {
            let Some(transceiver) = self.peer.get_transceivers().await.into_iter().next() else {
                return Ok(false);
            };
            let Some(sender) = transceiver.sender().await.map_err(ours)? else { return Ok(false) };
            let Some(transport) = sender.transport().await.map_err(ours)? else { return Ok(false) };
            let pair = transport.ice_transport().get_selected_candidate_pair().await.map_err(ours)?;
            let relay = RTCIceCandidateType::Relay;
            Ok(pair.is_some_and(|pair| pair.local().typ == relay || pair.remote().typ == relay))
        })
    }

    fn outbox(&self) -> mpsc::Sender<Encoded> {
        self.outbox.clone()
    }

    fn close(&self) -> Doing<'_, ()> {
        Box::pin(async move {
            self.writer.abort();
            self.peer.close().await.map_err(ours)
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn ours(error: Error) -> Refused {
    tracing::debug!(%error, "a connection failed");
    Refused::Ours
}

/// What of the other side's description is read.
pub(crate) fn description(theirs: &str) -> Result<String, Refused> {
    if sdp::is_plausible(theirs) { Ok(sdp::without_candidates(theirs)) } else { Err(Refused::Theirs) }
}

fn configuration(ways: Ways, servers: &IceServers) -> RTCConfiguration {
    let servers = servers.iter().map(|server| RTCIceServer {
        urls: vec![server.url.to_string()],
        username: server.user.to_string(),
        credential: server.password.to_string(),
    });
    let policy = match ways {
        Ways::RelayOnly => RTCIceTransportPolicy::Relay,
        Ways::Any => RTCIceTransportPolicy::All,
    };
    RTCConfigurationBuilder::new()
        .with_ice_servers(servers.collect())
        .with_ice_transport_policy(policy)
        .build()
}

/// What is spoken: Opus as RFC 7587 wants it written, and VP8 with repair and keyframe requests.
fn engine() -> Result<MediaEngine, Error> {
    let mut engine = MediaEngine::default();
    let codec = |mime: &str, clock_rate, channels, fmtp: &str| RTCRtpCodec {
        mime_type: mime.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.to_owned(),
        rtcp_feedback: Vec::new(),
    };
    let mut opus = codec(MIME_TYPE_OPUS, 48_000, 2, "minptime=10;useinbandfec=1");
    opus.rtcp_feedback = feedback(&[("transport-cc", "")]);
    let mut vp8 = codec(MIME_TYPE_VP8, 90_000, 0, "");
    vp8.rtcp_feedback = feedback(&[("transport-cc", ""), ("nack", ""), ("nack", "pli"), ("ccm", "fir")]);
    let rtx = codec(MIME_TYPE_RTX, 90_000, 0, &format!("apt={VP8}"));
    let parameters = |rtp_codec, payload_type| RTCRtpCodecParameters { rtp_codec, payload_type };
    engine.register_codec(parameters(opus, OPUS), RtpCodecKind::Audio)?;
    engine.register_codec(parameters(vp8, VP8), RtpCodecKind::Video)?;
    engine.register_codec(parameters(rtx, RTX), RtpCodecKind::Video)?;
    Ok(engine)
}

fn feedback(ways: &[(&str, &str)]) -> Vec<RTCPFeedback> {
    let way = |(typ, parameter): &(&str, &str)| RTCPFeedback {
        typ: (*typ).to_owned(),
        parameter: (*parameter).to_owned(),
    };
    ways.iter().map(way).collect()
}

fn extensions(engine: &mut MediaEngine) -> Result<(), Error> {
    for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
        for uri in [pipe::TRANSPORT_CC, MID] {
            let extension = RTCRtpHeaderExtensionCapability { uri: uri.to_owned() };
            engine.register_header_extension(extension, kind, None)?;
        }
    }
    Ok(())
}

/// A track with a number of its own for each stream.
fn track(kind: Kind, ssrc: u32, rtx: u32) -> Arc<TrackLocalStaticRTP> {
    let audio = kind == Kind::Microphone;
    let codec = RTCRtpCodec {
        mime_type: if audio { MIME_TYPE_OPUS } else { MIME_TYPE_VP8 }.to_owned(),
        clock_rate: if audio { 48_000 } else { 90_000 },
        channels: if audio { 2 } else { 0 },
        ..Default::default()
    };
    let coding = RTCRtpCodingParameters {
        ssrc: Some(ssrc),
        rtx: (!audio).then_some(RTCRtpRtxParameters { ssrc: rtx }),
        ..Default::default()
    };
    let coding = RTCRtpEncodingParameters { rtp_coding_parameters: coding, codec, ..Default::default() };
    let name = kind.name();
    let kind = if audio { RtpCodecKind::Audio } else { RtpCodecKind::Video };
    let track = MediaStreamTrack::new("kith".into(), name.into(), name.to_owned(), kind, vec![coding]);
    Arc::new(TrackLocalStaticRTP::new(track))
}

/// The section that a packet belongs to (RFC 9143).
const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

/// Browsers take the same numbers.
const OPUS: u8 = 111;
const VP8: u8 = 96;
const RTX: u8 = 97;

/// Twice as often as usual: the estimator was measured so.
const FEEDBACK: Duration = Duration::from_millis(50);

/// Nearer to the network than all else: it sees packets that repeat others as they came.
const FEEDBACK_SLOT: usize = 500;

/// The default of two seconds is there for relays that are slower than direct ways to be found; a call rings meanwhile anyway.
const RELAY_WAIT: Duration = Duration::from_millis(300);

/// As the engine expects it: a way is looked for again after two seconds more.
const INTERRUPTED: Duration = Duration::from_secs(5);
const FAILED: Duration = Duration::from_secs(25);
const KEEPALIVE: Duration = Duration::from_secs(2);

/// A keyframe is one message; half a second of speech and pictures fits.
const OUTBOX: usize = 64;
