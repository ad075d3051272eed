//! Yamux without its questions. To size its windows yamux asks for the round trip, on each side of every connection, and cannot
//! be told not to. It sets no timer: it asks with whatever else is written or read, once ten seconds have passed since the last
//! answer. Nothing else being said, our signs of life were what made it ask: 50 bytes a second for a connection that does nothing
//! but that. It asks again only after an answer. So the first question goes out, which tells it the round trip, and the second
//! one does not: it waits for that answer for ever and is silent.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use futures::AsyncRead;
use futures::AsyncWrite;
use futures::future::BoxFuture;
use libp2p::core::upgrade::InboundConnectionUpgrade;
use libp2p::core::upgrade::OutboundConnectionUpgrade;
use libp2p::core::upgrade::UpgradeInfo;
use libp2p::yamux;

/// Streams of one connection that yamux carries; ours need few.
const MAX_STREAMS: usize = 64;

/// The bytes before each frame: version, type, flags (2), stream (4), length (4).
const HEADER_BYTES: usize = 12;

/// The type of a frame that is followed by as many bytes as its length says.
const DATA: u8 = 0;

/// The beginning of a question: version, type, and the flag that makes it none of the answers.
const QUESTION: [u8; 4] = [0, 2, 0, 1];

/// How streams share a connection that is one stream itself.
#[derive(Clone, Debug)]
pub(crate) struct Quiet(yamux::Config);

impl Quiet {
    pub(crate) fn new() -> Self {
        let mut yamux = yamux::Config::default();
        yamux.set_max_num_streams(MAX_STREAMS);
        Self(yamux)
    }
}

impl UpgradeInfo for Quiet {
    type Info = <yamux::Config as UpgradeInfo>::Info;
    type InfoIter = <yamux::Config as UpgradeInfo>::InfoIter;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.protocol_info()
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<S> for Quiet {
    type Output = yamux::Muxer<Silencer<S>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Output, io::Error>>;

    fn upgrade_inbound(self, stream: S, info: Self::Info) -> Self::Future {
        Box::pin(self.0.upgrade_inbound(Silencer::new(stream), info))
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<S> for Quiet {
    type Output = yamux::Muxer<Silencer<S>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Output, io::Error>>;

    fn upgrade_outbound(self, stream: S, info: Self::Info) -> Self::Future {
        Box::pin(self.0.upgrade_outbound(Silencer::new(stream), info))
    }
}

/// Passes on everything but questions after the first.
#[derive(Debug)]
pub(crate) struct Silencer<S> {
    stream: S,
    out: Frames,
}

/// Where in its frames what is written has come to.
#[derive(Debug, Default)]
struct Frames {
    header: [u8; HEADER_BYTES],
    /// Bytes of the header that were written.
    known: usize,
    /// Bytes of the frame that follow the header.
    rest: u64,
    asked: bool,
}

impl Frames {
    /// Whether what is to be written begins with a question that is not the first. Yamux hands over headers whole; one that
    /// came in parts would pass, and no harm done.
    fn is_superfluous(&self, next: &[u8]) -> bool {
        self.asked
            && self.known == 0
            && self.rest == 0
            && next.len() >= HEADER_BYTES
            && next.starts_with(&QUESTION)
    }

    /// How much of what is to be written ends with the next frame: what comes then is looked at by itself.
    fn up_to_frame_end(&self, next: &[u8]) -> usize {
        let rest = if self.rest > 0 { self.rest } else { (HEADER_BYTES - self.known) as u64 };
        usize::try_from(rest).unwrap_or(usize::MAX).min(next.len())
    }

    /// Notes what was written, no more than up to the end of a header or a frame.
    fn note(&mut self, written: &[u8]) {
        if self.rest > 0 {
            self.rest = self.rest.saturating_sub(written.len() as u64);
            return;
        }
        self.header.iter_mut().skip(self.known).zip(written).for_each(|(to, from)| *to = *from);
        self.known += written.len();
        if self.known >= HEADER_BYTES {
            self.known = 0;
            let [_, kind, .., a, b, c, d] = self.header;
            self.rest = if kind == DATA { u32::from_be_bytes([a, b, c, d]).into() } else { 0 };
            self.asked |= self.header.starts_with(&QUESTION);
        }
    }
}

impl<S> Silencer<S> {
    fn new(stream: S) -> Self {
        Self { stream, out: Frames::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Silencer<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [io::IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read_vectored(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Silencer<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if self.out.is_superfluous(from) {
            return Poll::Ready(Ok(HEADER_BYTES));
        }
        let part = from.get(..self.out.up_to_frame_end(from)).unwrap_or_default();
        let written = Pin::new(&mut self.stream).poll_write(cx, part);
        if let Poll::Ready(Ok(count)) = &written {
            self.out.note(part.get(..*count).unwrap_or_default());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::AsyncWriteExt as _;
    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    fn header(kind: u8, flags: u8, length: u32) -> Vec<u8> {
        [[0, kind, 0, flags], [0, 0, 0, 1], length.to_be_bytes()].concat()
    }

    fn passed(chunks: &[&[u8]]) -> Vec<u8> {
        let mut silencer = Silencer::new(Cursor::new(Vec::new()));
        for chunk in chunks {
            block_on(silencer.write_all(chunk)).unwrap();
        }
        silencer.stream.into_inner()
    }

    #[test]
    fn the_first_question_passes_and_no_other() {
        let (question, answer, window) = (header(2, 1, 7), header(2, 2, 7), header(1, 0, 99));
        let data = [header(DATA, 0, 24), [question.clone(), question.clone()].concat()].concat();
        let all: Vec<&[u8]> = vec![&question, &data, &question, &answer, &window, &question, &data];
        let wanted = [question.as_slice(), &data, &answer, &window, &data].concat();
        assert_eq!(passed(&all), wanted, "answers pass, and what only looks like a question inside data");
        assert_eq!(passed(&[&all.concat()]), wanted, "the same in one piece");
    }

    #[test]
    fn headers_and_data_in_parts_stay_whole() {
        let all =
            [header(DATA, 0, 5), b"hello".to_vec(), header(2, 1, 1), header(DATA, 0, 0), header(2, 2, 1)]
                .concat();
        let parts: Vec<&[u8]> = all.chunks(1).collect();
        assert_eq!(passed(&parts), all);
        let parts: Vec<&[u8]> = all.chunks(7).collect();
        assert_eq!(passed(&parts), all);
    }
}
