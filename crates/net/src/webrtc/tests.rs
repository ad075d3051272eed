//! A session and a client of another make (`rtc-sctp`), in virtual time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;
use rtc_dtls::config::ConfigBuilder;
use rtc_dtls::config::HandshakeConfig;
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::default_provider;
use rtc_dtls::endpoint::Endpoint as Dtls;
use rtc_dtls::endpoint::EndpointEvent;
use rtc_sctp::Association;
use rtc_sctp::AssociationHandle;
use rtc_sctp::ClientConfig;
use rtc_sctp::DatagramEvent;
use rtc_sctp::Endpoint as Sctp;
use rtc_sctp::EndpointConfig;
use rtc_sctp::Payload;
use rtc_sctp::PayloadProtocolIdentifier as Kind;
use rtc_shared::TransportProtocol;

use super::certificate::Identity;
use super::certificate::fingerprint;
use super::certificate::new_certificate;
use super::channel::Read;
use super::frame;
use super::frame::Flag;
use super::session::FIRST;
use super::session::Name;
use super::session::Session;

const OPEN: [u8; 12] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(super) fn identity() -> Identity {
    Identity::read(&new_certificate().unwrap()).unwrap()
}

/// What a client needs to begin.
pub(super) fn client_config(certificate: &Certificate) -> Arc<HandshakeConfig> {
    let config = ConfigBuilder::default()
        .with_crypto_provider(default_provider().unwrap())
        .with_certificates(vec![certificate.clone()])
        .with_insecure_skip_verify(true);
    Arc::new(config.build(true, Some(server_at())).unwrap())
}

pub(super) fn certificate() -> Certificate {
    Certificate::generate_self_signed(vec![], default_provider().unwrap().crypto()).unwrap()
}

fn server_at() -> SocketAddr {
    "192.0.2.1:4002".parse().unwrap()
}

/// A browser.
pub(super) struct Client {
    pub(super) dtls: Dtls,
    sctp: Sctp,
    association: Option<(AssociationHandle, Association)>,
}

impl Client {
    pub(super) fn new(now: Instant, certificate: &Certificate) -> Self {
        let (at, udp) = ("192.0.2.9:9".parse().unwrap(), TransportProtocol::UDP);
        let mut dtls = Dtls::new(at, udp, None);
        dtls.connect(now, server_at(), client_config(certificate), None).unwrap();
        let sctp = Sctp::new(at, udp, Arc::new(EndpointConfig::new()), None);
        Self { dtls, sctp, association: None }
    }

    fn association(&mut self) -> &mut Association {
        &mut self.association.as_mut().unwrap().1
    }

    pub(super) fn transmit(&mut self, now: Instant) -> Vec<BytesMut> {
        if let Some((_, association)) = &mut self.association {
            while let Some(transmit) = association.poll_transmit(now) {
                let Payload::RawEncode(packets) = transmit.message else { continue };
                for packet in packets {
                    self.dtls.write(now, server_at(), &packet).unwrap();
                }
            }
        }
        std::iter::from_fn(|| self.dtls.poll_transmit()).map(|transmit| transmit.message).collect()
    }

    pub(super) fn receive(&mut self, now: Instant, datagram: BytesMut) {
        for event in self.dtls.read(now, server_at(), None, datagram).unwrap_or_default() {
            match event {
                EndpointEvent::HandshakeComplete => {
                    let begun = self.sctp.connect(now, ClientConfig::default(), server_at());
                    self.association = Some(begun.unwrap());
                }
                EndpointEvent::ApplicationData(packet) => {
                    let event = self.sctp.handle(now, server_at(), None, packet.freeze());
                    if let Some((_, DatagramEvent::AssociationEvent(event))) = event {
                        self.association().handle_event(event);
                        while self.association().poll().is_some() {}
                    }
                }
                _ => {}
            }
        }
    }

    /// Opens a data channel.
    fn open(&mut self, now: Instant, stream: u16) {
        let mut opened = self.association().open_stream(stream, Kind::Binary).unwrap();
        opened.write_chunk_with_ppi(now, &Bytes::from_static(&OPEN), Kind::Dcep).unwrap();
    }

    fn send(&mut self, now: Instant, stream: u16, message: &Bytes) {
        let _ = self.association().open_stream(stream, Kind::Binary);
        let mut stream = self.association().stream(stream).unwrap();
        stream.write_chunk_with_ppi(now, message, Kind::Binary).unwrap();
    }

    /// Closes a data channel.
    fn close(&mut self, now: Instant, stream: u16) {
        self.association().stream(stream).unwrap().close(now).unwrap();
    }

    /// What came on a data channel, as text.
    fn read(&mut self, stream: u16) -> Vec<u8> {
        let mut all = Vec::new();
        while let Ok(Some(message)) = self.association().stream(stream).and_then(|mut stream| stream.read()) {
            all.extend_from_slice(&message.to_payload(1 << 20).unwrap());
        }
        all
    }
}

struct Pair {
    session: Session,
    client: Client,
    now: Instant,
}

impl Pair {
    /// Both, after the handshakes.
    fn connected() -> Self {
        let now = Instant::now();
        let certificate = certificate();
        let session = Session::new("192.0.2.9:9".parse().unwrap(), &identity(), now);
        let mut pair = Self { session, client: Client::new(now, &certificate), now };
        assert_eq!(pair.session.connected(), None);
        pair.exchange();
        let provider = default_provider().unwrap();
        assert_eq!(pair.session.connected(), fingerprint(&certificate.certificate[0], &provider));
        pair
    }

    /// Until nobody has anything to say, and then once more after a second, when delayed acknowledgements went.
    fn exchange(&mut self) {
        for _ in 0..3 {
            loop {
                self.session.pack(self.now).unwrap();
                let up = self.client.transmit(self.now);
                let down: Vec<_> = std::iter::from_fn(|| self.session.transmit()).collect();
                if up.is_empty() && down.is_empty() {
                    break;
                }
                up.iter().for_each(|datagram| self.session.on_datagram(self.now, datagram).unwrap());
                down.into_iter().for_each(|datagram| self.client.receive(self.now, datagram));
            }
            self.elapse(Duration::from_secs(1));
        }
    }

    fn elapse(&mut self, time: Duration) {
        self.now += time;
        self.session.on_time(self.now).unwrap();
        if let Some((_, association)) = &mut self.client.association {
            association.handle_timeout(self.now);
        }
    }

    fn read(&mut self, name: Name) -> Vec<u8> {
        let mut into = vec![0; 1 << 20];
        match self.session.read(name, &mut into) {
            Read::Bytes(bytes) => into[..bytes].to_vec(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn two_that_shook_hands_share_the_first_channel() {
    let mut pair = Pair::connected();
    assert_eq!(pair.session.write(FIRST, b"hello"), Some(5));
    pair.exchange();
    assert_eq!(pair.client.read(0), frame::data(b"hello"));
    pair.client.send(pair.now, 0, &frame::data(b"hello to you"));
    pair.exchange();
    assert_eq!(pair.read(FIRST), b"hello to you");
}

#[test]
fn a_channel_carries_both_ways_is_closed_by_both_and_its_number_used_again() {
    let mut pair = Pair::connected();
    for _ in 0..3 {
        pair.client.open(pair.now, 2);
        pair.client.send(pair.now, 2, &frame::data(b"question"));
        pair.client.send(pair.now, 2, &frame::flag(Flag::Fin));
        pair.exchange();
        let name = pair.session.accept().expect("the channel is there");
        assert_eq!(pair.read(name), b"question");
        assert_eq!(pair.session.read(name, &mut [0]), Read::End);
        pair.session.write(name, b"answer").unwrap();
        pair.session.finish(name);
        pair.session.release(pair.now, name);
        pair.exchange();
        let told = pair.client.read(2);
        assert!(told.ends_with(&[frame::data(b"answer"), frame::flag(Flag::Fin)].concat()));
        pair.client.send(pair.now, 2, &frame::flag(Flag::FinAck));
        pair.client.close(pair.now, 2);
        pair.exchange();
        assert!(pair.client.association().stream(2).is_err(), "closed on both sides");
        assert_eq!(pair.session.accept(), None);
    }
}

#[test]
fn whoever_opens_many_at_once_gets_so_many_and_the_others_are_closed() {
    let mut pair = Pair::connected();
    for number in 1..=150 {
        pair.client.open(pair.now, 2 * number);
    }
    pair.exchange();
    let names: Vec<_> = std::iter::from_fn(|| pair.session.accept()).collect();
    assert_eq!(names.len(), 127, "the first channel is one more");
    assert!(pair.session.open().is_none() && !pair.session.may_open());
    assert!(pair.client.association().stream(300).is_err(), "closed at once");
    assert_eq!(pair.client.read(2), [2], "opened");
    pair.session.finish(names[0]);
    pair.session.release(pair.now, names[0]);
    pair.exchange();
    pair.client.read(2);
    pair.client.close(pair.now, 2);
    pair.exchange();
    pair.client.open(pair.now, 300);
    pair.exchange();
    assert!(pair.session.accept().is_some(), "there is room again");
}

#[test]
fn a_connection_moves_only_to_where_its_other_side_has_shown_to_be() {
    let mut pair = Pair::connected();
    let [honest, victim] = ["192.0.2.10:9", "192.0.2.11:9"].map(|at| at.parse::<SocketAddr>().unwrap());
    // Nobody answers from there, whatever comes from elsewhere.
    let lost = pair.session.try_path(pair.now, victim).expect("it is asked");
    assert!(lost.len() <= 96, "no more than a binding has: {}", lost.len());
    pair.client.send(pair.now, 0, &frame::data(b"I am here"));
    pair.exchange();
    assert_eq!(pair.session.moved(), None);
    let asked = pair.session.try_path(pair.now, honest).expect("it is asked");
    pair.client.receive(pair.now, asked);
    assert_eq!(pair.session.moved(), None);
    pair.exchange();
    assert_eq!((pair.session.moved(), pair.session.moved()), (Some(honest), None));
    assert_eq!(pair.read(FIRST), b"I am here");
    let fresh = &mut Session::new(victim, &identity(), pair.now);
    assert_eq!(fresh.try_path(pair.now, honest), None, "before there are keys nothing moves");
}

#[test]
fn when_a_channel_may_be_opened_one_is() {
    let mut pair = Pair::connected();
    let mut opened = 0;
    while pair.session.may_open() {
        assert!(pair.session.open().is_some(), "else whoever waits would be woken for ever");
        opened += 1;
    }
    assert!(opened == 64 && pair.session.open().is_none());
    let fresh = Session::new("192.0.2.9:9".parse().unwrap(), &identity(), pair.now);
    assert!(!fresh.may_open(), "nobody knows yet how many streams there are");
}

#[test]
fn a_channel_that_was_let_go_is_closed_even_if_the_other_side_says_nothing() {
    let mut pair = Pair::connected();
    let name = pair.session.open().expect("there is room");
    pair.exchange();
    pair.session.release(pair.now, name);
    pair.exchange();
    assert!(pair.client.association().stream(1).is_ok(), "the other side may still have something to say");
    assert!(pair.client.read(1).ends_with(&frame::flag(Flag::Reset)));
    pair.elapse(Duration::from_secs(6));
    pair.exchange();
    assert!(pair.client.association().stream(1).is_err());
    pair.client.send(pair.now, 1, &frame::data(b"too late"));
    pair.exchange();
    assert!(pair.session.connected().is_some(), "what crossed the goodbye does no harm");
}

#[test]
fn whoever_does_not_read_is_not_sent_for_ever() {
    let mut pair = Pair::connected();
    let mut written = 0;
    while let Some(more @ 1..) = pair.session.write(FIRST, &[7; 10_000]) {
        written += more;
    }
    assert!((100_000..300_000).contains(&written), "{written}");
    assert!(!pair.session.is_writable(FIRST));
    pair.exchange();
    assert!(pair.session.is_writable(FIRST), "it has arrived");
}

#[test]
fn whoever_sends_what_nobody_reads_waits() {
    let mut pair = Pair::connected();
    for _ in 0..100 {
        pair.client.send(pair.now, 0, &frame::data(&[7; 10_000]));
    }
    pair.exchange();
    let mut read = 0;
    while let Read::Bytes(bytes) = pair.session.read(FIRST, &mut [0; 1 << 16]) {
        read += bytes;
        assert!(read <= 300_000, "all of it was there at once");
    }
    for _ in 0..60 {
        // After that nobody has anything to say, and silence ends a connection.
        if read == 1_000_000 {
            return;
        }
        pair.exchange();
        while let Read::Bytes(bytes) = pair.session.read(FIRST, &mut [0; 1 << 16]) {
            read += bytes;
        }
    }
    panic!("only {read} bytes came in the end");
}

#[test]
fn a_channel_that_nobody_reads_does_not_stop_the_others_for_ever() {
    let mut pair = Pair::connected();
    pair.client.open(pair.now, 2);
    pair.client.open(pair.now, 4);
    pair.exchange();
    let [unread, other] = [(); 2].map(|()| pair.session.accept().expect("the channel is there"));
    for _ in 0..20 {
        pair.client.send(pair.now, 2, &frame::data(&[7; 10_000]));
    }
    pair.client.send(pair.now, 4, &frame::data(b"behind it"));
    pair.exchange();
    assert_eq!(pair.session.read(other, &mut [0; 20]), Read::Wait);
    for _ in 0..4 {
        pair.exchange();
    }
    assert_eq!(pair.read(other), b"behind it");
    assert!(
        pair.session.read(unread, &mut [0; 20]) == Read::Reset && pair.session.write(unread, b"x").is_none()
    );
    assert!(pair.client.read(2).ends_with(&frame::flag(Flag::Reset)) && pair.session.connected().is_some());
}

#[test]
fn whoever_breaks_the_rules_loses_the_connection_and_nothing_else_happens() {
    let breaks = |message: &'static [u8], kind: Kind, stream: u16| {
        let mut pair = Pair::connected();
        let _ = pair.client.association().open_stream(stream, kind);
        let mut stream = pair.client.association().stream(stream).unwrap();
        stream.write_chunk_with_ppi(pair.now, &Bytes::from_static(message), kind).unwrap();
        let (now, sent) = (pair.now, pair.client.transmit(pair.now));
        sent.iter().any(|datagram| pair.session.on_datagram(now, datagram).is_err())
    };
    assert!(breaks(&[0xff; 8], Kind::Binary, 0), "no frames");
    assert!(breaks(&OPEN, Kind::Dcep, 1), "a number of ours");
    assert!(breaks(&[3, 0x81, 0, 0], Kind::Dcep, 2), "a channel that loses things");
    assert!(breaks(&[9], Kind::Dcep, 2), "no such word");
    assert!(!breaks(&OPEN, Kind::Dcep, 2));
}

#[test]
fn junk_from_the_same_address_ends_nothing_and_silence_does() {
    let mut pair = Pair::connected();
    for junk in [
        &[][..],
        &[20; 3],
        &[22; 2_000],
        &[23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4],
        &[63; 60],
    ] {
        pair.session.on_datagram(pair.now, junk).unwrap();
    }
    pair.client.send(pair.now, 0, &frame::data(b"still here"));
    pair.exchange();
    assert_eq!(pair.read(FIRST), b"still here");
    assert!(pair.session.on_time(pair.now + Duration::from_secs(61)).is_err());
}
