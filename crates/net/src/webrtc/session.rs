//! One connection, without a socket and without a clock: DTLS as server, SCTP in it, data channels in that.
//!
//! ```text
//!  datagram ─▶ Guard ─▶ DTLS ─▶ SCTP ─▶ Channel ─▶ reader
//!  writer ─▶ SCTP ─▶ DTLS ─▶ datagrams
//!
//!  a data channel:   opened ─▶ the other side resets its stream ─▶ we reset ours, once ─▶ its number may be used again
//! ```
//!
//! Who sends datagrams and when time has passed is told from outside (`link.rs`). Whatever a peer sends ends at worst its
//! own connection.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;
use rtc_dtls::endpoint::Endpoint as Dtls;
use rtc_dtls::endpoint::EndpointEvent;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error as RtcError;

use super::certificate;
use super::certificate::Fingerprint;
use super::certificate::Identity;
use super::channel::Channel;
use super::channel::Read;
use super::frame::MAX_PAYLOAD;
use super::guard::Guard;
use super::guard::Verdict;
use super::sctp::Association;
use super::sctp::Ended;
use super::sctp::Event;
use super::sctp::MAX_STREAMS;
use super::sctp::Message;
use super::sctp::WINDOW;

/// Channels at once, those included that are being closed. Ours need few.
const MAX_CHANNELS: usize = 128;

/// Channels that we begin, so that there is always room for the other side's.
const MAX_OWN_CHANNELS: usize = 64;

/// What may wait for readers over all channels before those that nobody reads are given up: the rest of the window is for
/// the others. With the most channels at least one has more than its share.
const MAX_UNREAD: usize = WINDOW / 2;
const SHARE: usize = MAX_UNREAD / MAX_CHANNELS;

/// How long the other side may be silent: pings and acknowledgements of them come more often.
const SILENCE: Duration = Duration::from_secs(60);

/// Addresses that are tried at once; the porter lets no more come.
const MAX_TRIALS: usize = 4;

/// What a message says it is (RFC 8831): about a channel, bytes, and the byte that stands for none.
const DCEP: u32 = 50;
const BINARY: u32 = 53;
const EMPTY: u32 = 57;

/// The channel that both sides know without a word: on it they say who they are.
pub(super) const FIRST: Name = Name(0);

/// Opens a data channel (RFC 8832): reliable, in order, without a label; and the answer.
const OPEN: [u8; 12] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const OPENED: [u8; 1] = [2];

/// A channel. Streams of SCTP are numbered anew once they are closed, names are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(u64);

pub(super) struct Session {
    /// Where the connection began. DTLS knows it by that, even if it moves.
    peer: SocketAddr,
    identity: Identity,
    dtls: Dtls,
    sctp: Association,
    client: Option<Fingerprint>,
    guard: Guard,
    channels: BTreeMap<Name, (u16, Channel)>,
    by_stream: BTreeMap<u16, Name>,
    next_name: u64,
    next_stream: u16,
    accepted: VecDeque<Name>,
    outbox: VecDeque<BytesMut>,
    heard: Instant,
    /// A write of ours found the end; the next to pack tells it.
    has_ended: bool,
    /// Addresses that are tried, and what only somebody there is told.
    trials: Vec<(SocketAddr, [u8; 16])>,
    moved: Option<SocketAddr>,
}

impl Session {
    /// A connection from `peer`, of which nothing has arrived yet.
    pub(super) fn new(peer: SocketAddr, identity: &Identity, now: Instant) -> Self {
        Self {
            peer,
            identity: identity.clone(),
            dtls: Dtls::new(peer, TransportProtocol::UDP, Some(Arc::clone(&identity.handshake))),
            sctp: Association::new(identity.chance()),
            client: None,
            guard: Guard::default(),
            channels: BTreeMap::from([(FIRST, (0, Channel::default()))]),
            by_stream: BTreeMap::from([(0, FIRST)]),
            next_name: 1,
            next_stream: 1,
            accepted: VecDeque::new(),
            outbox: VecDeque::new(),
            heard: now,
            has_ended: false,
            trials: Vec::new(),
            moved: None,
        }
    }

    /// A datagram came.
    ///
    /// # Errors
    /// When the connection is over.
    pub(super) fn on_datagram(&mut self, now: Instant, datagram: &[u8]) -> Result<(), Ended> {
        match self.guard.datagram(datagram, self.client.is_some()) {
            Verdict::Take => {}
            Verdict::Drop => return Ok(()),
            Verdict::HangUp => return Err(Ended),
        }
        // Anybody can send junk under this address: only what the keys prove ends anything.
        let events = match self.dtls.read(now, self.peer, None, BytesMut::from(datagram)) {
            Ok(events) => events,
            Err(RtcError::ErrAlertFatalOrClose) => return Err(Ended),
            Err(_) => Vec::new(),
        };
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => self.client = self.client_fingerprint(),
                EndpointEvent::ApplicationData(packet) => {
                    self.heard = now;
                    self.sctp.on_packet(now, &packet)?;
                }
                _ => return Err(Ended),
            }
        }
        self.take_records();
        self.on_events()
    }

    /// Time has passed.
    ///
    /// # Errors
    /// When the connection is over.
    pub(super) fn on_time(&mut self, now: Instant) -> Result<(), Ended> {
        if now >= self.heard + SILENCE {
            return Err(Ended);
        }
        if self.dtls.poll_timeout(&self.peer).is_some_and(|at| at <= now) {
            self.dtls.handle_timeout(self.peer, now).map_err(|_| Ended)?;
        }
        self.sctp.on_time(now)?;
        while let Some((_, name)) = self.stuck().filter(|(at, _)| *at <= now) {
            let Some((stream, channel)) = self.channels.get_mut(&name) else { break };
            let (stream, last) = (*stream, channel.give_up());
            self.send(stream, BINARY, last)?;
            self.sctp.reset(stream);
        }
        let over =
            self.channels.values_mut().filter(|(_, channel)| channel.wake().is_some_and(|at| at <= now));
        for (stream, channel) in over {
            channel.is_closing = true;
            self.sctp.reset(*stream);
        }
        Ok(())
    }

    /// When time will have passed.
    pub(super) fn wake(&self) -> Instant {
        let dtls = self.dtls.poll_timeout(&self.peer);
        let channels = self.channels.values().filter_map(|(_, channel)| channel.wake());
        let stuck = self.stuck().map(|(at, _)| at);
        channels.chain(stuck).chain(dtls).chain(self.sctp.wake()).fold(self.heard + SILENCE, Instant::min)
    }

    /// Makes datagrams of everything there is to say.
    ///
    /// # Errors
    /// When the connection is over.
    pub(super) fn pack(&mut self, now: Instant) -> Result<(), Ended> {
        if self.has_ended {
            return Err(Ended);
        }
        self.channels.values_mut().for_each(|(_, channel)| channel.watch(now));
        self.sctp.set_unread(self.unread());
        while let Some(packet) = self.sctp.transmit(now)? {
            self.dtls.write(now, self.peer, &packet).map_err(|_| Ended)?;
        }
        self.take_records();
        Ok(())
    }

    /// The next datagram to send.
    pub(super) fn transmit(&mut self) -> Option<BytesMut> {
        self.outbox.pop_front()
    }

    /// Asks somebody at another address to show that he is there: the datagram for that address, which is smaller than
    /// the binding that it follows.
    pub(super) fn try_path(&mut self, now: Instant, path: SocketAddr) -> Option<BytesMut> {
        let known = self.trials.iter().find(|(known, _)| *known == path);
        let secret = known.map_or_else(|| self.identity.chance().cookie, |(_, secret)| *secret);
        let probe = self.sctp.probe(&secret)?;
        if known.is_none() {
            self.trials.truncate(MAX_TRIALS - 1);
            self.trials.insert(0, (path, secret));
        }
        // What went before goes where everything goes.
        self.take_records();
        self.dtls.write(now, self.peer, &probe).ok()?;
        self.dtls.poll_transmit().map(|datagram| datagram.message)
    }

    /// The address at which the other side has shown to be, once.
    pub(super) fn moved(&mut self) -> Option<SocketAddr> {
        self.moved.take()
    }

    /// What will be sent next.
    pub(super) fn peek(&self) -> Option<&BytesMut> {
        self.outbox.front()
    }

    /// The hash of the client's certificate, once the channels can be used.
    pub(super) fn connected(&self) -> Option<Fingerprint> {
        self.client.filter(|_| self.sctp.is_open())
    }

    /// The next channel that the other side opened.
    pub(super) fn accept(&mut self) -> Option<Name> {
        self.accepted.pop_front()
    }

    /// Whether the other side opened any.
    pub(super) fn has_arrivals(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// Whether there is room for a channel of ours: whenever there is, `open` finds it.
    pub(super) fn may_open(&self) -> bool {
        self.free_stream().is_some()
    }

    /// Opens a channel; `None` while there are too many.
    pub(super) fn open(&mut self) -> Option<Name> {
        let stream = self.free_stream()?;
        self.next_stream = stream + 2;
        let name = self.add(stream);
        self.send(stream, DCEP, Bytes::from_static(&OPEN)).ok()?;
        Some(name)
    }

    /// The number of our next channel, unless there are too many.
    fn free_stream(&self) -> Option<u16> {
        let own = self.by_stream.keys().filter(|stream| **stream % 2 == 1).count();
        if own >= MAX_OWN_CHANNELS || self.channels.len() >= MAX_CHANNELS {
            return None;
        }
        // The server of DTLS has the odd numbers. They are used in turn, so that none soon means another channel.
        let most = self.sctp.streams().min(MAX_STREAMS);
        let mut in_turn = (self.next_stream..most).chain(1..self.next_stream.min(most));
        in_turn.find(|stream| stream % 2 == 1 && !self.by_stream.contains_key(stream))
    }

    pub(super) fn read(&mut self, name: Name, into: &mut [u8]) -> Read {
        self.channels.get_mut(&name).map_or(Read::Reset, |(_, channel)| channel.read(into))
    }

    pub(super) fn is_readable(&self, name: Name) -> bool {
        self.channels.get(&name).is_none_or(|(_, channel)| channel.is_readable())
    }

    /// Writes as much as there is room for; `None` when nothing may be written any more.
    pub(super) fn write(&mut self, name: Name, bytes: &[u8]) -> Option<usize> {
        let (stream, channel) = self.channels.get(&name)?;
        if !channel.may_write() {
            return None;
        }
        let most = bytes.len().min(MAX_PAYLOAD).min(self.sctp.room());
        let Some(taken) = bytes.get(..most).filter(|part| !part.is_empty()) else { return Some(0) };
        self.send(*stream, BINARY, super::frame::data(taken)).ok()?;
        Some(taken.len())
    }

    pub(super) fn is_writable(&self, name: Name) -> bool {
        let is_over = self.channels.get(&name).is_none_or(|(_, channel)| !channel.may_write());
        is_over || self.sctp.room() > 0
    }

    /// Nothing more is written to a channel.
    pub(super) fn finish(&mut self, name: Name) {
        let Some((stream, channel)) = self.channels.get_mut(&name) else { return };
        if let (stream, Some(last)) = (*stream, channel.finish()) {
            // What goes wrong here is told by the next to pack.
            let _ = self.send(stream, BINARY, last);
        }
    }

    /// Nobody holds a channel any more.
    pub(super) fn release(&mut self, now: Instant, name: Name) {
        let Some((stream, channel)) = self.channels.get_mut(&name) else { return };
        let (stream, last) = (*stream, channel.release(now));
        if channel.is_closed {
            self.channels.remove(&name);
        } else if let Some(last) = last {
            let _ = self.send(stream, BINARY, last);
        }
    }

    /// Says goodbye.
    pub(super) fn hang_up(&mut self, now: Instant) {
        let _ = self.pack(now);
        if let Some(last) = self.sctp.abort() {
            let _ = self.dtls.write(now, self.peer, &last);
        }
        let _ = self.dtls.close(now);
        self.take_records();
    }

    fn unread(&self) -> usize {
        self.channels.values().map(|(_, channel)| channel.unread()).sum()
    }

    /// The channel that takes room from the others and that nobody has read for the longest time, and when it has to go.
    fn stuck(&self) -> Option<(Instant, Name)> {
        if self.unread() <= MAX_UNREAD {
            return None;
        }
        let large = self.channels.iter().filter(|(_, (_, channel))| channel.unread() > SHARE);
        large.filter_map(|(name, (_, channel))| Some((channel.stuck()?, *name))).min()
    }

    fn client_fingerprint(&self) -> Option<Fingerprint> {
        let state = self.dtls.get_connection_state(self.peer)?;
        certificate::fingerprint(state.peer_certificates.first()?, &self.identity.provider)
    }

    fn take_records(&mut self) {
        while let Some(datagram) = self.dtls.poll_transmit() {
            self.outbox.push_back(datagram.message);
        }
    }

    fn on_events(&mut self) -> Result<(), Ended> {
        while let Some(event) = self.sctp.poll() {
            match event {
                Event::Message(Message { stream, kind: DCEP, bytes }) => self.on_word(stream, &bytes)?,
                // It stands for nothing.
                Event::Message(Message { kind: EMPTY, .. }) => {}
                Event::Message(Message { stream, bytes, .. }) => self.on_bytes(stream, &bytes)?,
                Event::Reset(stream) => self.on_reset(stream),
                Event::Echo(secret) => {
                    let shown =
                        self.trials.iter().find(|(_, known)| *known == secret[..]).map(|(path, _)| *path);
                    if shown.is_some() {
                        self.moved = shown;
                        self.trials.clear();
                    }
                }
            }
        }
        Ok(())
    }

    fn on_word(&mut self, stream: u16, word: &[u8]) -> Result<(), Ended> {
        match word {
            // Reliable and in order (0), by whoever has the even numbers, for the first time.
            [3, 0, ..] if stream.is_multiple_of(2) && !self.by_stream.contains_key(&stream) => {
                if self.channels.len() >= MAX_CHANNELS {
                    self.sctp.reset(stream);
                    return Ok(());
                }
                let name = self.add(stream);
                self.accepted.push_back(name);
                self.send(stream, DCEP, Bytes::from_static(&OPENED))
            }
            [2] => Ok(()),
            _ => Err(Ended),
        }
    }

    fn on_bytes(&mut self, stream: u16, bytes: &[u8]) -> Result<(), Ended> {
        // Without a channel it is one that was refused, and the other side had not heard.
        let name = self.by_stream.get(&stream);
        let Some((_, channel)) = name.and_then(|name| self.channels.get_mut(name)) else { return Ok(()) };
        match channel.take(bytes).map_err(|_| Ended)? {
            Some(answer) => self.send(stream, BINARY, answer),
            None => Ok(()),
        }
    }

    /// The other side has closed a data channel: so do we, unless we have.
    fn on_reset(&mut self, stream: u16) {
        let Some(name) = self.by_stream.remove(&stream) else { return };
        let Some((_, channel)) = self.channels.get_mut(&name) else { return };
        if !channel.is_closing {
            self.sctp.reset(stream);
        }
        channel.is_closed = true;
        if channel.is_released() {
            self.channels.remove(&name);
        }
    }

    fn add(&mut self, stream: u16) -> Name {
        let name = Name(self.next_name);
        self.next_name += 1;
        self.channels.insert(name, (stream, Channel::default()));
        self.by_stream.insert(stream, name);
        name
    }

    fn send(&mut self, stream: u16, kind: u32, bytes: Bytes) -> Result<(), Ended> {
        let sent = self.sctp.write(Message { stream, kind, bytes });
        self.has_ended |= sent.is_err();
        sent
    }
}
