//! What comes: pieces with numbers, put in order and together again. Everything is given out in the order in which it was
//! sent, over all streams: then no stream's own numbers are needed, which go wrong when streams begin anew.

use std::collections::BTreeMap;

use bytes::Bytes;
use bytes::BytesMut;

use super::Ended;
use super::MAX_MESSAGE;
use super::Message;
use super::packet::BEGIN;
use super::packet::Data;
use super::packet::END;

/// Bytes that the other side may send before they are read, over all streams: 1.2 MB a second at 100 ms.
pub(in crate::webrtc) const WINDOW: usize = 128 << 10;

/// How far ahead of the last piece in order a piece may be: the window in pieces of 128 bytes.
const AHEAD: u32 = 1_024;

/// Ranges of an acknowledgement, so that it leaves room for data. What is not told comes twice.
const MAX_BLOCKS: usize = 64;

/// How much wider the window has to become until that is worth a packet.
const WORTH_TELLING: usize = WINDOW / 4;

/// A piece that waits for those before it.
#[derive(Debug)]
struct Piece {
    flags: u8,
    stream: u16,
    kind: u32,
    payload: Bytes,
}

#[derive(Debug)]
pub(super) struct Receiver {
    /// The last piece in order.
    last: u32,
    /// By how far they are ahead of the first piece of all, so that the order outlives the end of the numbers.
    waiting: BTreeMap<u64, Piece>,
    waiting_bytes: usize,
    /// How many pieces came in order.
    count: u64,
    /// A message of which the end is missing.
    part: Option<(u16, u32, BytesMut)>,
    /// Bytes that were given out and not read yet.
    unread: usize,
    told: usize,
    pub(super) must_tell: bool,
}

impl Receiver {
    /// Before the piece with this number.
    pub(super) fn new(first: u32) -> Self {
        Self {
            last: first.wrapping_sub(1),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            count: 0,
            part: None,
            unread: 0,
            told: WINDOW,
            must_tell: false,
        }
    }

    /// A piece came; `give` gets the messages that are whole now.
    pub(super) fn take(&mut self, data: &Data<'_>, mut give: impl FnMut(Message)) -> Result<(), Ended> {
        self.must_tell = true;
        let ahead = data.number.wrapping_sub(self.last);
        // Half of all numbers are behind: pieces that came before.
        if !(1..=AHEAD).contains(&ahead) {
            return Ok(());
        }
        // The next in order may use what those ahead have taken: else none of them would ever be given out.
        let held = self.unread + if ahead == 1 { 0 } else { self.waiting_bytes };
        let place = self.count + u64::from(ahead);
        if held + data.payload.len() > WINDOW || self.waiting.contains_key(&place) {
            return Ok(());
        }
        let payload = Bytes::copy_from_slice(data.payload);
        self.waiting_bytes += payload.len();
        let piece = Piece { flags: data.flags, stream: data.stream, kind: data.kind, payload };
        self.waiting.insert(place, piece);
        while let Some(piece) = self.waiting.remove(&(self.count + 1)) {
            self.count += 1;
            self.last = self.last.wrapping_add(1);
            self.waiting_bytes -= piece.payload.len();
            if let Some(message) = self.put_together(piece)? {
                self.unread += message.bytes.len();
                give(message);
            }
        }
        Ok(())
    }

    /// Whether everything up to a number has come.
    pub(super) fn has_all_to(&self, number: u32) -> bool {
        self.last.wrapping_sub(number) < 1 << 31
    }

    /// So many bytes of what was given out are not read.
    pub(super) fn set_unread(&mut self, unread: usize) {
        self.unread = unread;
        self.must_tell |= self.window() >= self.told + WORTH_TELLING;
    }

    /// What is to be acknowledged: the last number, the window, and ranges.
    pub(super) fn acknowledge(&mut self) -> (u32, u32, Vec<(u16, u16)>) {
        self.must_tell = false;
        self.told = self.window();
        let mut blocks: Vec<(u16, u16)> = Vec::new();
        for place in self.waiting.keys() {
            let Ok(ahead) = u16::try_from(place - self.count) else { break };
            match blocks.last_mut() {
                Some((_, last)) if *last + 1 == ahead => *last = ahead,
                _ => blocks.push((ahead, ahead)),
            }
            if blocks.len() > MAX_BLOCKS {
                blocks.pop();
                break;
            }
        }
        (self.last, u32::try_from(self.told).unwrap_or(u32::MAX), blocks)
    }

    fn window(&self) -> usize {
        let part = self.part.as_ref().map_or(0, |(_, _, bytes)| bytes.len());
        WINDOW.saturating_sub(self.unread + self.waiting_bytes + part)
    }

    fn put_together(&mut self, piece: Piece) -> Result<Option<Message>, Ended> {
        let Piece { flags, stream, kind, payload } = piece;
        let (is_first, is_last) = (flags & BEGIN != 0, flags & END != 0);
        let bytes = match (self.part.take(), is_first) {
            (None, true) if is_last => payload,
            (None, true) => {
                self.part = Some((stream, kind, BytesMut::from(payload)));
                return Ok(None);
            }
            // The pieces of a message follow each other.
            (Some((begun, kind, mut bytes)), false) if begun == stream => {
                if bytes.len() + payload.len() > MAX_MESSAGE {
                    return Err(Ended);
                }
                bytes.extend_from_slice(&payload);
                if !is_last {
                    self.part = Some((stream, kind, bytes));
                    return Ok(None);
                }
                bytes.freeze()
            }
            _ => return Err(Ended),
        };
        if bytes.len() > MAX_MESSAGE {
            return Err(Ended);
        }
        Ok(Some(Message { stream, kind, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(number: u32, flags: u8, payload: &[u8]) -> Data<'_> {
        Data { flags, number, stream: 2, turn: 0, kind: 53, payload }
    }

    fn take(receiver: &mut Receiver, data: Data<'_>) -> Vec<Vec<u8>> {
        let mut got = Vec::new();
        receiver.take(&data, |message| got.push(message.bytes.to_vec())).unwrap();
        got
    }

    #[test]
    fn pieces_come_in_any_order_and_leave_in_theirs_across_the_end_of_the_numbers() {
        let mut receiver = Receiver::new(u32::MAX - 1);
        let one = BEGIN | END;
        assert!(take(&mut receiver, data(0, 0, b"l")).is_empty());
        assert!(take(&mut receiver, data(2, one, b"!")).is_empty());
        assert!(take(&mut receiver, data(1, END, b"lo")).is_empty());
        assert_eq!(receiver.acknowledge().2, [(3, 5)], "{receiver:?}");
        assert_eq!(take(&mut receiver, data(u32::MAX - 1, one, b"first")), [b"first"]);
        assert_eq!(take(&mut receiver, data(u32::MAX, BEGIN, b"he")), [&b"hello"[..], b"!"]);
        assert!(take(&mut receiver, data(u32::MAX, BEGIN, b"he")).is_empty(), "it came twice");
        assert_eq!(receiver.acknowledge(), (2, u32::try_from(WINDOW - 11).unwrap(), vec![]));
        assert!(receiver.has_all_to(2) && receiver.has_all_to(u32::MAX) && !receiver.has_all_to(3));
    }

    #[test]
    fn what_is_too_far_ahead_or_does_not_fit_is_left_out() {
        let mut receiver = Receiver::new(1);
        let one = BEGIN | END;
        assert!(take(&mut receiver, data(AHEAD + 1, one, b"far")).is_empty());
        assert!(receiver.waiting.is_empty());
        let big = vec![7; MAX_MESSAGE];
        for number in 2..100 {
            assert!(take(&mut receiver, data(number, one, &big)).is_empty());
        }
        assert_eq!((receiver.waiting_bytes, receiver.acknowledge().1), (WINDOW, 0));
        assert_eq!(take(&mut receiver, data(1, one, b"next")).len(), 1 + WINDOW / MAX_MESSAGE);
        assert_eq!(take(&mut receiver, data(10, one, b"no room")), [[]; 0]);
        receiver.must_tell = false;
        receiver.set_unread(WINDOW - 1);
        assert!(!receiver.must_tell);
        receiver.set_unread(WINDOW / 2);
        assert!(receiver.must_tell, "there is room again");
        assert_eq!(take(&mut receiver, data(10, one, b"room")), [b"room"]);
    }

    #[test]
    fn pieces_that_make_no_message_end_the_connection() {
        let refuses = |pieces: &[Data<'_>]| {
            let mut receiver = Receiver::new(1);
            pieces.iter().any(|piece| receiver.take(piece, |_| ()).is_err())
        };
        assert!(refuses(&[data(1, END, b"no beginning")]));
        assert!(refuses(&[data(1, BEGIN, b"a"), data(2, BEGIN, b"another")]));
        assert!(refuses(&[data(1, BEGIN, b"a"), Data { stream: 4, ..data(2, END, b"b") }]));
        let half = vec![7; MAX_MESSAGE / 2 + 1];
        assert!(refuses(&[data(1, BEGIN, &half), data(2, END, &half)]));
        assert!(!refuses(&[data(1, BEGIN, &half), data(2, END, b"b")]));
    }
}
