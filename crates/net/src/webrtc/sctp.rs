//! SCTP (RFC 9260) as data channels need it, and no more: one path, messages that arrive and in order, streams that begin
//! anew (RFC 6525). No socket, no clock; the other side begins. It is *not* a general SCTP: what may be lost or come
//! out of order is not offered, so nothing has to be remembered for it.
//!
//! ```text
//!            INIT ─▶ answered with a cookie            COOKIE ECHO
//!   Waiting ─────────────────────────────────▶ Waiting ───────────▶ Open ─▶ ended: ABORT, SHUTDOWN, silence, or a
//!                                                                           broken rule
//! ```
//!
//! Everything that the other side can make it remember has a limit (`receiver.rs`, `sender.rs`, `resets.rs`).

pub(super) mod packet;
mod receiver;
mod resets;
mod sender;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use self::packet::Chunk;
use self::packet::Init;
use self::packet::Packet;
use self::packet::Reconfig;
use self::packet::Writer;
use self::receiver::Receiver;
pub(super) use self::receiver::WINDOW;
use self::resets::Resets;
use self::sender::MAX_PACKET;
use self::sender::Sender;

/// The longest message: browsers may not send longer ones to libp2p.
pub(super) const MAX_MESSAGE: usize = 16 << 10;

/// Streams in each direction; libdatachannel takes no more either.
pub(super) const MAX_STREAMS: u16 = 1_024;

/// With fewer streams nothing of ours can be done; browsers have as many as we.
const MIN_STREAMS: u16 = 16;

/// Answers to signs of life that wait to be sent, and the longest.
const MAX_ECHOES: usize = 4;
const MAX_ECHO: usize = 256;

const COOKIE: usize = 16;

/// The connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended;

/// A message on a stream, and what kind it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) stream: u16,
    pub(super) kind: u32,
    pub(super) bytes: Bytes,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Message(Message),
    /// The other side has closed its direction of a stream, after everything that came on it.
    Reset(u16),
    /// What a sign of life of ours had in it.
    Echo(Bytes),
}

/// What has to be chosen by chance for an association.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    pub(super) tag: u32,
    pub(super) number: u32,
    pub(super) cookie: [u8; COOKIE],
}

/// Both sides know each other.
#[derive(Debug)]
struct Open {
    tag: u32,
    streams: u16,
    receiver: Receiver,
    sender: Sender,
    resets: Resets,
}

#[derive(Debug)]
pub(super) struct Association {
    chance: Chance,
    /// How the other side began; it may say so several times.
    init: Option<Init>,
    open: Option<Box<Open>>,
    answer_init: bool,
    answer_cookie: bool,
    echoes: Vec<Bytes>,
    events: VecDeque<Event>,
}

impl Association {
    /// Waits for the other side to begin.
    pub(super) fn new(chance: Chance) -> Self {
        let (answer_init, answer_cookie) = (false, false);
        let (echoes, events) = (Vec::new(), VecDeque::new());
        Self { chance, init: None, open: None, answer_init, answer_cookie, echoes, events }
    }

    /// A packet came. What is not for us or makes no sense is left out.
    ///
    /// # Errors
    /// When the other side ends the connection, or breaks a rule that nobody breaks by mistake.
    pub(super) fn on_packet(&mut self, now: Instant, packet: &[u8]) -> Result<(), Ended> {
        let Some(packet) = Packet::read(packet) else { return Ok(()) };
        for chunk in packet.chunks() {
            match chunk {
                Chunk::Init(init) => {
                    self.on_init(init);
                    return Ok(());
                }
                _ if packet.tag != self.chance.tag => return Ok(()),
                Chunk::CookieEcho(cookie) => self.on_cookie(cookie)?,
                chunk => self.on_chunk(now, chunk)?,
            }
        }
        self.go_on();
        Ok(())
    }

    /// Time has passed.
    ///
    /// # Errors
    /// When the other side has not answered for too long.
    pub(super) fn on_time(&mut self, now: Instant) -> Result<(), Ended> {
        self.open.as_mut().map_or(Ok(()), |open| open.sender.on_time(now))
    }

    /// When time will have passed.
    pub(super) fn wake(&self) -> Option<Instant> {
        let open = self.open.as_ref()?;
        [open.sender.wake(), open.resets.wake()].into_iter().flatten().min()
    }

    /// What came next.
    pub(super) fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next packet to send.
    ///
    /// # Errors
    /// When the other side has not answered for too long.
    pub(super) fn transmit(&mut self, now: Instant) -> Result<Option<Vec<u8>>, Ended> {
        if let Some(init) = self.init.filter(|_| std::mem::take(&mut self.answer_init)) {
            let mut into = Writer::new(init.tag, MAX_PACKET);
            into.init_ack(&self.ours(), &self.chance.cookie);
            return Ok(Some(into.finish()));
        }
        let Some(open) = &mut self.open else { return Ok(None) };
        let mut into = Writer::new(open.tag, MAX_PACKET);
        if std::mem::take(&mut self.answer_cookie) {
            into.cookie_ack();
        }
        if open.receiver.must_tell {
            let (number, window, blocks) = open.receiver.acknowledge();
            into.sack(number, window, &blocks);
        }
        if let Some(info) = self.echoes.pop() {
            into.heartbeat_ack(&info);
        }
        // Nothing follows a chunk about streams: some read it alone only.
        if !open.resets.has_words(now) {
            open.sender.fill(now, &mut into);
        } else if into.is_empty() {
            open.resets.write(now, open.sender.rto(), &mut into)?;
        }
        Ok((!into.is_empty()).then(|| into.finish()))
    }

    /// Whether both sides know each other.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// How many streams there are.
    pub(super) fn streams(&self) -> u16 {
        self.open.as_ref().map_or(0, |open| open.streams)
    }

    /// How many bytes more may be written.
    pub(super) fn room(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.sender.room())
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the other side makes us say too much and takes too little.
    pub(super) fn write(&mut self, message: Message) -> Result<(), Ended> {
        self.open.as_mut().map_or(Ok(()), |open| open.sender.write(message))
    }

    /// Closes our direction of a stream, after what was written. What is written later waits until the stream has
    /// begun anew.
    pub(super) fn reset(&mut self, stream: u16) {
        if let Some(open) = &mut self.open {
            open.sender.end(stream);
            self.go_on();
        }
    }

    /// So many bytes of all messages that came are not read.
    pub(super) fn set_unread(&mut self, unread: usize) {
        if let Some(open) = &mut self.open {
            open.receiver.set_unread(unread);
        }
    }

    /// A packet which the other side answers with the same bytes.
    pub(super) fn probe(&self, info: &[u8]) -> Option<Vec<u8>> {
        let mut into = Writer::new(self.open.as_ref()?.tag, MAX_PACKET);
        into.heartbeat(info);
        Some(into.finish())
    }

    /// The last packet of all.
    pub(super) fn abort(&self) -> Option<Vec<u8>> {
        let mut into = Writer::new(self.open.as_ref()?.tag, MAX_PACKET);
        into.abort();
        Some(into.finish())
    }

    fn ours(&self) -> Init {
        let window = u32::try_from(WINDOW).unwrap_or(u32::MAX);
        let Chance { tag, number, .. } = self.chance;
        Init { tag, window, out: MAX_STREAMS, taken: MAX_STREAMS, number }
    }

    fn on_init(&mut self, init: Init) {
        // Nobody begins again over the same keys.
        if self.open.is_none() && init.tag != 0 && init.out > 0 && init.taken > 0 {
            self.init = Some(init);
            self.answer_init = true;
        }
    }

    fn on_cookie(&mut self, cookie: &[u8]) -> Result<(), Ended> {
        let Some(init) = self.init.filter(|_| cookie == self.chance.cookie) else { return Ok(()) };
        let streams = init.out.min(init.taken).min(MAX_STREAMS);
        if streams < MIN_STREAMS {
            return Err(Ended);
        }
        self.answer_cookie = true;
        if self.open.is_none() {
            let number = self.chance.number;
            self.open = Some(Box::new(Open {
                tag: init.tag,
                streams,
                receiver: Receiver::new(init.number),
                sender: Sender::new(number, init.window),
                resets: Resets::new(number, init.number),
            }));
        }
        Ok(())
    }

    fn on_chunk(&mut self, now: Instant, chunk: Chunk<'_>) -> Result<(), Ended> {
        let Some(open) = &mut self.open else { return Ok(()) };
        match chunk {
            Chunk::Data(data) => {
                if data.stream >= MAX_STREAMS {
                    return Err(Ended);
                }
                let events = &mut self.events;
                open.receiver.take(&data, |message| events.push_back(Event::Message(message)))?;
                let streams = open.resets.on_progress(|number| open.receiver.has_all_to(number));
                self.events.extend(streams.into_iter().map(Event::Reset));
            }
            Chunk::Sack(sack) => open.sender.on_sack(&sack, now)?,
            Chunk::Heartbeat(info) => {
                if self.echoes.len() < MAX_ECHOES && info.len() <= MAX_ECHO {
                    self.echoes.push(Bytes::copy_from_slice(info));
                }
            }
            Chunk::HeartbeatAck(info) => {
                if info.len() <= MAX_ECHO {
                    self.events.push_back(Event::Echo(Bytes::copy_from_slice(info)));
                }
            }
            Chunk::Reconfig(body) => packet::reconfigs(body).for_each(|it| self.on_reconfig(it)),
            Chunk::Abort | Chunk::Shutdown => return Err(Ended),
            Chunk::Init(_) | Chunk::CookieEcho(_) => {}
        }
        Ok(())
    }

    fn on_reconfig(&mut self, says: Reconfig<'_>) {
        let Some(open) = &mut self.open else { return };
        match says {
            Reconfig::Reset { request, last, streams } => {
                let has_all = open.receiver.has_all_to(last);
                let streams = open.resets.on_reset(request, last, streams, has_all);
                self.events.extend(streams.into_iter().map(Event::Reset));
            }
            Reconfig::Other { request } => open.resets.on_other(request),
            Reconfig::Response { request, result } => {
                if let Some((streams, from_the_beginning)) = open.resets.on_response(request, result) {
                    open.sender.begin_anew(&streams, from_the_beginning);
                }
            }
        }
    }

    /// Asks for what can be asked for now.
    fn go_on(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.resets.is_idle() {
            let (streams, last) = open.sender.take_ended();
            if !streams.is_empty() {
                let rest = open.resets.ask(streams, last);
                open.sender.put_back(&rest);
            }
        }
    }
}
