//! What goes: messages cut into pieces, sent as fast as the path and the other side take them, and again when they are lost
//! (RFC 9260, 6 and 7: one path, no partial reliability).
//!
//! ```text
//!  written ─▶ queue ─▶ in flight ──acknowledged──▶ gone
//!               │          └─ three later ones arrived, or time has passed ─▶ again
//!               └ its stream is about to begin anew ─▶ held until it has
//! ```

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;

use super::Ended;
use super::Message;
use super::packet;
use super::packet::BEGIN;
use super::packet::DATA_HEADER;
use super::packet::Data;
use super::packet::END;
use super::packet::Sack;

/// The longest packet: 1,200 bytes as a datagram, which every path carries, less what DTLS adds.
pub(super) const MAX_PACKET: usize = 1_160;

/// Payload of a piece in a packet of its own, a multiple of four.
const MAX_PIECE: usize = MAX_PACKET - 12 - DATA_HEADER;

/// Bytes that may be under way at first, and at most, and least after a loss.
const FIRST_CWND: usize = 4 * MAX_PACKET;
const MAX_CWND: usize = 256 << 10;
const LEAST_THRESHOLD: usize = 4 * MAX_PACKET;

/// Pieces under way: each has a place in memory however small it is.
const MAX_FLIGHT: usize = 1_024;

/// Bounds of the time after which a piece is sent again. Others wait up to 200 ms with an acknowledgement.
const FIRST_RTO: Duration = Duration::from_secs(1);
const MIN_RTO: Duration = Duration::from_millis(400);
const MAX_RTO: Duration = Duration::from_secs(10);

/// How often in a row time may pass without an acknowledgement.
const MAX_TRIES: u32 = 8;

/// Later pieces that have to arrive until one is taken for lost.
const LOST_AFTER: u8 = 3;

/// Bytes and messages that wait to be sent or to arrive, over all streams. Beyond it nobody may write.
pub(super) const UNSENT_BYTES: usize = 128 << 10;
const UNSENT_MESSAGES: usize = 1_024;

/// Messages that wait before the other side is given up: it makes us answer and takes no answers.
const UNANSWERED: usize = 4 * UNSENT_MESSAGES;

#[derive(Debug)]
struct Piece {
    number: u32,
    flags: u8,
    stream: u16,
    turn: u16,
    kind: u32,
    payload: Bytes,
    sent: Instant,
    /// Its acknowledgement says nothing about the round trip: it may be for the first or for a later one.
    is_repeated: bool,
    has_arrived: bool,
    is_lost: bool,
    missing: u8,
}

impl Piece {
    fn is_under_way(&self) -> bool {
        !self.has_arrived && !self.is_lost
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// It begins anew once everything has arrived.
    Ending,
    /// The other side was asked.
    Asked,
}

#[derive(Debug, Default)]
struct Stream {
    turn: u16,
    /// Messages that wait and pieces that have not been acknowledged in order.
    busy: usize,
    phase: Phase,
    /// What was written since it ended; `None` is another end.
    held: VecDeque<Option<Message>>,
}

#[derive(Debug)]
pub(super) struct Sender {
    next: u32,
    flight: VecDeque<Piece>,
    under_way: usize,
    queue: VecDeque<Message>,
    /// How much of the first message went already, and its turn.
    cut: Option<(usize, u16)>,
    unsent_bytes: usize,
    unsent_messages: usize,
    streams: BTreeMap<u16, Stream>,
    window: usize,
    cwnd: usize,
    threshold: usize,
    grown: usize,
    /// Losses up to this number have been paid for.
    recovery: Option<u32>,
    /// One lost piece may go although much is under way.
    at_once: bool,
    rtt: Option<(Duration, Duration)>,
    rto: Duration,
    timer: Option<Instant>,
    tries: u32,
}

impl Sender {
    /// Pieces are numbered from here; the other side takes so many bytes.
    pub(super) fn new(first: u32, window: u32) -> Self {
        Self {
            next: first,
            flight: VecDeque::new(),
            under_way: 0,
            queue: VecDeque::new(),
            cut: None,
            unsent_bytes: 0,
            unsent_messages: 0,
            streams: BTreeMap::new(),
            window: usize::try_from(window).unwrap_or(usize::MAX),
            cwnd: FIRST_CWND,
            threshold: MAX_CWND,
            grown: 0,
            recovery: None,
            at_once: false,
            rtt: None,
            rto: FIRST_RTO,
            timer: None,
            tries: 0,
        }
    }

    /// How many bytes more may be written.
    pub(super) fn room(&self) -> usize {
        let has_room = self.unsent_messages < UNSENT_MESSAGES;
        if has_room { UNSENT_BYTES.saturating_sub(self.unsent_bytes) } else { 0 }
    }

    /// Takes a message.
    pub(super) fn write(&mut self, message: Message) -> Result<(), Ended> {
        if self.unsent_messages >= UNANSWERED {
            return Err(Ended);
        }
        self.unsent_bytes += message.bytes.len();
        self.unsent_messages += 1;
        self.enqueue(message);
        Ok(())
    }

    fn enqueue(&mut self, message: Message) {
        let stream = self.streams.entry(message.stream).or_default();
        if stream.phase == Phase::Open {
            stream.busy += 1;
            self.queue.push_back(message);
        } else {
            stream.held.push_back(Some(message));
        }
    }

    /// A stream is to begin anew after what was written.
    pub(super) fn end(&mut self, stream: u16) {
        let stream = self.streams.entry(stream).or_default();
        if stream.phase == Phase::Open {
            stream.phase = Phase::Ending;
        } else if stream.held.back().is_some_and(Option::is_some) {
            stream.held.push_back(None);
        }
    }

    /// The streams that can begin anew now, and the number after which they do.
    pub(super) fn take_ended(&mut self) -> (Vec<u16>, u32) {
        let ended = self.streams.iter_mut().filter(|(_, it)| it.phase == Phase::Ending && it.busy == 0);
        let streams = ended.map(|(stream, it)| {
            it.phase = Phase::Asked;
            *stream
        });
        let streams = streams.collect();
        // The last piece that has arrived for sure: all of theirs are before it, and nobody has to wait for others.
        let next = self.flight.front().map_or(self.next, |piece| piece.number);
        (streams, next.wrapping_sub(1))
    }

    /// These were too many to ask for.
    pub(super) fn put_back(&mut self, streams: &[u16]) {
        for (_, it) in self.streams.iter_mut().filter(|(stream, _)| streams.contains(stream)) {
            it.phase = Phase::Ending;
        }
    }

    /// These streams may be used again, from the beginning or not.
    pub(super) fn begin_anew(&mut self, streams: &[u16], from_the_beginning: bool) {
        for number in streams {
            let Some(stream) = self.streams.get_mut(number) else { continue };
            if from_the_beginning && stream.held.is_empty() {
                self.streams.remove(number);
                continue;
            }
            stream.phase = Phase::Open;
            if from_the_beginning {
                stream.turn = 0;
            }
            for next in std::mem::take(&mut stream.held) {
                match next {
                    Some(message) => self.enqueue(message),
                    None => self.end(*number),
                }
            }
        }
    }

    /// The other side says what has arrived.
    pub(super) fn on_sack(&mut self, sack: &Sack<'_>, now: Instant) -> Result<(), Ended> {
        let first = self.flight.front().map_or(self.next, |piece| piece.number);
        let acknowledged =
            usize::try_from(sack.number.wrapping_sub(first.wrapping_sub(1))).unwrap_or(usize::MAX);
        if acknowledged >= 1 << 31 {
            // One that was overtaken.
            return Ok(());
        }
        if acknowledged > self.flight.len() {
            return Err(Ended);
        }
        self.window = usize::try_from(sack.window).unwrap_or(usize::MAX);
        if self.window == 0 {
            // It is there, and has no room. That may take as long as it takes.
            self.tries = 0;
        }
        let was_full = self.under_way + MAX_PACKET >= self.cwnd;
        let mut arrived = 0;
        for _ in 0..acknowledged {
            let Some(piece) = self.flight.pop_front() else { break };
            arrived += self.forget(&piece, now);
        }
        let highest = self.mark_arrived(sack, &mut arrived);
        self.mark_lost(highest);
        if acknowledged > 0 {
            (self.tries, self.timer) = (0, (!self.flight.is_empty()).then_some(now + self.rto));
            let is_over = |until: u32| until.wrapping_sub(sack.number.wrapping_add(1)) >= 1 << 31;
            if self.recovery.is_some_and(is_over) {
                self.recovery = None;
            }
            if self.recovery.is_none() && was_full {
                self.grow(arrived);
            }
        }
        Ok(())
    }

    /// Forgets a piece that has arrived. Returns its bytes, unless that was known.
    fn forget(&mut self, piece: &Piece, now: Instant) -> usize {
        let bytes = piece.payload.len();
        if piece.is_under_way() {
            self.under_way -= bytes;
        }
        self.unsent_bytes -= bytes;
        self.unsent_messages -= usize::from(piece.flags & END != 0);
        if let Some(stream) = self.streams.get_mut(&piece.stream) {
            stream.busy -= 1;
        }
        if !piece.is_repeated && !piece.has_arrived {
            self.measure(now.saturating_duration_since(piece.sent));
        }
        if piece.has_arrived { 0 } else { bytes }
    }

    /// Marks what has arrived out of order. Returns the place of the last one that did so just now.
    fn mark_arrived(&mut self, sack: &Sack<'_>, arrived: &mut usize) -> Option<usize> {
        let (mut place, mut highest) = (0, None);
        for (first, last) in sack.blocks() {
            let (first, last) = (usize::from(first), usize::from(last));
            // They count from one, go up, and do not touch each other.
            if first <= place || last < first || last > self.flight.len() {
                break;
            }
            for index in first - 1..last {
                let Some(piece) = self.flight.get_mut(index) else { break };
                if piece.has_arrived {
                    continue;
                }
                if !piece.is_lost {
                    self.under_way -= piece.payload.len();
                }
                (piece.has_arrived, piece.is_lost) = (true, false);
                *arrived += piece.payload.len();
                highest = Some(index);
            }
            place = last;
        }
        highest
    }

    /// Counts for each piece those that overtook it.
    fn mark_lost(&mut self, highest: Option<usize>) {
        let mut has_lost = false;
        for piece in self.flight.iter_mut().take(highest.unwrap_or_default()) {
            if !piece.is_under_way() {
                continue;
            }
            piece.missing = piece.missing.saturating_add(1);
            // Only once: if it is lost again, time tells.
            if piece.missing == LOST_AFTER {
                piece.is_lost = true;
                self.under_way -= piece.payload.len();
                has_lost = true;
            }
        }
        if has_lost && self.recovery.is_none() {
            self.threshold = (self.cwnd / 2).max(LEAST_THRESHOLD);
            (self.cwnd, self.grown, self.at_once) = (self.threshold, 0, true);
            self.recovery = Some(self.next.wrapping_sub(1));
        }
    }

    fn grow(&mut self, arrived: usize) {
        if self.cwnd <= self.threshold {
            self.cwnd += arrived.min(MAX_PACKET);
        } else {
            self.grown += arrived;
            if self.grown >= self.cwnd {
                self.grown -= self.cwnd;
                self.cwnd += MAX_PACKET;
            }
        }
        self.cwnd = self.cwnd.min(MAX_CWND);
    }

    /// RFC 9260, 6.3.1.
    fn measure(&mut self, trip: Duration) {
        let (mean, spread) = match self.rtt {
            None => (trip, trip / 2),
            Some((mean, spread)) => ((mean * 7 + trip) / 8, (spread * 3 + mean.abs_diff(trip)) / 4),
        };
        self.rtt = Some((mean, spread));
        self.rto = (mean + spread * 4).clamp(MIN_RTO, MAX_RTO);
    }

    /// Time has passed.
    pub(super) fn on_time(&mut self, now: Instant) -> Result<(), Ended> {
        if self.timer.is_none_or(|at| now < at) {
            return Ok(());
        }
        self.tries += 1;
        if self.tries > MAX_TRIES {
            return Err(Ended);
        }
        self.rto = (self.rto * 2).min(MAX_RTO);
        self.threshold = (self.cwnd / 2).max(LEAST_THRESHOLD);
        (self.cwnd, self.grown, self.recovery) = (MAX_PACKET, 0, None);
        for piece in &mut self.flight {
            // The other side may throw away what it has not put in order yet: the second time nothing is believed.
            piece.has_arrived &= self.tries == 1;
            piece.is_lost = !piece.has_arrived;
        }
        (self.under_way, self.timer) = (0, None);
        Ok(())
    }

    /// When time will have passed.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.timer
    }

    /// How long an answer may take.
    pub(super) fn rto(&self) -> Duration {
        self.rto
    }

    /// Fills the rest of a packet.
    pub(super) fn fill(&mut self, now: Instant, into: &mut packet::Writer) {
        self.repeat(now, into);
        if self.flight.iter().any(|piece| piece.is_lost) {
            return;
        }
        while let Some(message) = self.queue.front() {
            let (stream, kind, length) = (message.stream, message.kind, message.bytes.len());
            let (done, turn) = self.cut.unwrap_or_else(|| {
                let turn = self.streams.get(&stream).map_or(0, |stream| stream.turn);
                (0, turn)
            });
            let piece = (length - done).min(MAX_PIECE);
            if !self.may_send(piece) || !fits(into, piece) || self.flight.len() >= MAX_FLIGHT {
                break;
            }
            let (is_first, is_last) = (done == 0, done + piece == length);
            let flags = if is_first { BEGIN } else { 0 } | if is_last { END } else { 0 };
            let payload = message.bytes.slice(done..done + piece);
            let state = self.streams.entry(stream).or_default();
            state.busy += 1;
            self.cut = Some((done + piece, turn));
            if is_last {
                (state.turn, self.cut) = (turn.wrapping_add(1), None);
                state.busy -= 1;
                self.queue.pop_front();
            }
            let number = self.next;
            self.next = self.next.wrapping_add(1);
            self.under_way += payload.len();
            let (is_repeated, has_arrived, is_lost, missing) = (false, false, false, 0);
            let piece = Piece {
                number,
                flags,
                stream,
                turn,
                kind,
                payload,
                sent: now,
                is_repeated,
                has_arrived,
                is_lost,
                missing,
            };
            put(into, &piece);
            self.flight.push_back(piece);
            self.timer.get_or_insert(now + self.rto);
        }
    }

    /// Lost pieces go before new ones.
    fn repeat(&mut self, now: Instant, into: &mut packet::Writer) {
        for piece in self.flight.iter_mut().filter(|piece| piece.is_lost) {
            let bytes = piece.payload.len();
            let is_allowed = self.under_way + bytes <= self.cwnd || self.at_once;
            if !is_allowed || !fits(into, bytes) {
                break;
            }
            self.at_once = false;
            (piece.is_lost, piece.is_repeated, piece.sent) = (false, true, now);
            self.under_way += bytes;
            put(into, piece);
            self.timer.get_or_insert(now + self.rto);
        }
    }

    /// Whether so many bytes may be under way beside the others. One piece always may: it asks if there is room again.
    fn may_send(&self, bytes: usize) -> bool {
        let all = self.under_way + bytes;
        all <= self.cwnd.min(self.window) || self.flight.is_empty()
    }

    #[cfg(test)]
    pub(super) fn next_number(&self) -> u32 {
        self.next
    }

    #[cfg(test)]
    pub(super) fn in_flight(&self) -> usize {
        self.flight.len()
    }
}

fn fits(into: &packet::Writer, payload: usize) -> bool {
    into.len() + DATA_HEADER + payload.next_multiple_of(4) <= MAX_PACKET
}

fn put(into: &mut packet::Writer, piece: &Piece) {
    into.data(&Data {
        flags: piece.flags,
        number: piece.number,
        stream: piece.stream,
        turn: piece.turn,
        kind: piece.kind,
        payload: &piece.payload,
    });
}
