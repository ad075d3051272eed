//! One substream: what has come and waits to be read, and who has ended which direction.
//!
//! ```text
//!           FIN sent                    FIN_ACK
//!   Open ───────────▶ nothing to write ────────▶ ┐
//!     │     FIN came                             ├─ let go ─▶ the other side closes the data channel, and then we do
//!     └──────────────▶ nothing to read ────────▶ ┘            (or five seconds after it was let go)
//! ```
//!
//! The other side closes first: it knows what it has read. js-libp2p takes a stream for broken when its data channel is
//! closed before it has said its last word.

use std::time::Duration;
use std::time::Instant;

use bytes::Buf as _;
use bytes::Bytes;
use bytes::BytesMut;

use super::frame;
use super::frame::Flag;
use super::frame::Malformed;

/// How long the other side may take to say that it is done.
const LINGER: Duration = Duration::from_secs(5);

/// How long something may wait for a reader while little room is left for the other channels.
const STUCK: Duration = Duration::from_secs(5);

/// What a reader gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Bytes(usize),
    End,
    Reset,
    Wait,
}

#[derive(Debug, Default)]
pub(super) struct Channel {
    /// What came and is no whole frame.
    raw: BytesMut,
    ready: BytesMut,
    /// The other side writes no more.
    fin_came: bool,
    /// The other side reads no more.
    stop_came: bool,
    /// The other side has given up, or we have.
    reset_came: bool,
    fin_sent: bool,
    /// Since when something waits and nobody reads.
    idle: Option<Instant>,
    /// Since when nobody holds the substream.
    released: Option<Instant>,
    /// The other side has closed the data channel.
    pub(super) is_closed: bool,
    /// We have, or are about to: once for each data channel.
    pub(super) is_closing: bool,
}

impl Channel {
    /// Bytes that nobody has read.
    pub(super) fn unread(&self) -> usize {
        self.raw.len() + self.ready.len()
    }

    /// Takes a message. Returns what is to be answered.
    pub(super) fn take(&mut self, message: &[u8]) -> Result<Option<Bytes>, Malformed> {
        self.raw.extend_from_slice(message);
        let mut answer = None;
        while let Some(frame) = frame::next(&mut self.raw)? {
            if self.released.is_none() && !self.fin_came && !self.reset_came {
                self.ready.extend_from_slice(&frame.payload);
            }
            match frame.flag {
                Some(Flag::Fin) => {
                    self.fin_came = true;
                    answer = Some(frame::flag(Flag::FinAck));
                }
                Some(Flag::StopSending) => self.stop_came = true,
                Some(Flag::Reset) => {
                    self.reset_came = true;
                    self.ready.clear();
                }
                // Whether ours has arrived tells the end of the data channel.
                Some(Flag::FinAck) | None => {}
            }
        }
        Ok(answer)
    }

    /// Looks at the clock, whether anybody reads.
    pub(super) fn watch(&mut self, now: Instant) {
        self.idle = self.idle.or(Some(now)).filter(|_| !self.ready.is_empty());
    }

    /// When whoever should read is taken for stuck.
    pub(super) fn stuck(&self) -> Option<Instant> {
        self.idle.map(|since| since + STUCK)
    }

    /// Nobody reads, and others need the room. Returns what is to be sent; the data channel is closed after it.
    pub(super) fn give_up(&mut self) -> Bytes {
        (self.reset_came, self.is_closing) = (true, true);
        (self.ready, self.idle) = (BytesMut::new(), None);
        frame::flag(Flag::Reset)
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> Read {
        self.idle = None;
        if !self.ready.is_empty() {
            let bytes = self.ready.len().min(into.len());
            if let Some(into) = into.get_mut(..bytes) {
                self.ready.copy_to_slice(into);
            }
            return Read::Bytes(bytes);
        }
        match () {
            () if self.fin_came => Read::End,
            () if self.reset_came || self.is_closed => Read::Reset,
            () => Read::Wait,
        }
    }

    /// Whether a reader would get something.
    pub(super) fn is_readable(&self) -> bool {
        !self.ready.is_empty() || self.fin_came || self.reset_came || self.is_closed
    }

    /// Whether anything may still be written.
    pub(super) fn may_write(&self) -> bool {
        !self.fin_sent && !self.stop_came && !self.reset_came && !self.is_closed
    }

    /// Nothing more is written. Returns what is to be sent.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        let is_first = !self.fin_sent && !self.reset_came && !self.is_closed;
        self.fin_sent = true;
        is_first.then(|| frame::flag(Flag::Fin))
    }

    /// Nobody holds the substream any more. Returns what is to be sent.
    pub(super) fn release(&mut self, now: Instant) -> Option<Bytes> {
        self.released = Some(now);
        self.ready = BytesMut::new();
        if self.is_closed || self.reset_came {
            return None;
        }
        match (self.fin_sent, self.fin_came) {
            (true, true) => None,
            (true, false) => Some(frame::flag(Flag::StopSending)),
            (false, _) => Some(frame::flag(Flag::Reset)),
        }
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.is_some()
    }

    /// When the data channel is closed although the other side has not done it.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.released.filter(|_| !self.is_closed && !self.is_closing).map(|since| since + LINGER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_ends_by_itself_and_the_channel_after_both() {
        let (mut channel, now, mut room) = (Channel::default(), Instant::now(), [0; 9]);
        assert_eq!(channel.take(&frame::data(b"question")).unwrap(), None);
        assert_eq!(channel.take(&frame::flag(Flag::Fin)).unwrap(), Some(frame::flag(Flag::FinAck)));
        assert_eq!(channel.read(&mut room), Read::Bytes(8));
        assert_eq!((channel.read(&mut room), channel.may_write()), (Read::End, true));
        assert_eq!(channel.finish(), Some(frame::flag(Flag::Fin)));
        assert_eq!(channel.finish(), None);
        assert_eq!(channel.release(now), None);
        assert_eq!(channel.wake(), Some(now + LINGER));
        channel.take(&frame::flag(Flag::FinAck)).unwrap();
        channel.is_closed = true;
        assert_eq!((channel.wake(), channel.unread()), (None, 0));
    }

    #[test]
    fn what_is_let_go_early_is_reset_and_not_waited_for_long() {
        let (mut channel, now) = (Channel::default(), Instant::now());
        assert_eq!(channel.release(now), Some(frame::flag(Flag::Reset)));
        channel.take(&frame::data(&[7; 100])).unwrap();
        assert_eq!((channel.wake(), channel.unread()), (Some(now + LINGER), 0));
        channel.is_closing = true;
        assert_eq!(channel.wake(), None);
    }

    #[test]
    fn a_reset_forgets_what_was_not_read() {
        let mut channel = Channel::default();
        channel.take(&[frame::data(b"half"), frame::flag(Flag::Reset)].concat()).unwrap();
        assert_eq!((channel.read(&mut [0; 9]), channel.may_write()), (Read::Reset, false));
        assert!(Channel::default().take(&[0xff; 9]).is_err());
    }
}
