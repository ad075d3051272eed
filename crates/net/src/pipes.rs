//! The tasks that move frames: a reader per inbound stream and a writer per outbound stream. They own their stream and
//! talk to the swarm's task over bounded channels, so a slow disk or a slow peer slows down exactly its own stream.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::AsyncRead;
use futures::AsyncReadExt as _;
use futures::AsyncWriteExt as _;
use kith_proto::codec::Decode as _;
use kith_proto::frame::Frame;
use kith_proto::frame::MAX_FRAME_BYTES;
use kith_proto::id::DeviceId;
use libp2p::Stream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::requests::pipe::FromMailbox;
use crate::stats;
use crate::stats::Counters;
use crate::streams::Slot;

/// Frames that may wait for one writer: more than the engine's window, so only a peer that does not read fills it.
pub(crate) const WRITER_QUEUE: usize = 4_096;

/// Bytes gathered before they are written: one Noise message (65,519 bytes) holds them.
pub(crate) const WRITE_BYTES: usize = 60 << 10;

/// What a reader writes, and all that it ever writes, when it has read a stream to its end.
const ALL_READ: u8 = 1;

/// How long the peer may take to read the rest of a stream that we close.
const LAST_WORD: Duration = Duration::from_secs(5);

/// What the pipes tell the swarm's task.
#[derive(Debug)]
pub(crate) enum FromPipe {
    /// A frame came in.
    Frame { device: DeviceId, frame: Frame },
    /// An inbound stream ended because of what came on it.
    Broken { device: DeviceId },
    /// An outbound stream ended; `clean` when the peer has read all that was written.
    Closed { device: DeviceId, number: u64, clean: bool },
    /// Something about a stream to or from a mailbox.
    Mailbox(Box<FromMailbox>),
}

/// What a reader needs to know.
pub(crate) struct ReaderConfig {
    pub(crate) device: DeviceId,
    pub(crate) frame_timeout: Duration,
    /// How long it may be silent; `None` for contacts.
    pub(crate) idle: Option<Duration>,
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// There is no more: the peer closed it between two frames, or it broke, which looks the same.
    Finished,
    /// The connection broke, or it was idle for too long.
    Closed,
    /// What came is not the protocol.
    Broken,
}

/// Reads frames until the stream ends.
pub(crate) async fn read(
    mut stream: Stream,
    config: ReaderConfig,
    out: mpsc::Sender<FromPipe>,
    counters: Arc<Counters>,
    slot: Slot,
) {
    let device = config.device;
    loop {
        match read_frame(&mut stream, &config, &counters).await {
            Ok(frame) => {
                if out.send(FromPipe::Frame { device, frame }).await.is_err() {
                    break;
                }
            }
            Err(End::Finished) => {
                // A broken connection looks like an end to whoever waits for one. A byte does not.
                let _ = timeout(LAST_WORD, acknowledge(&mut stream)).await;
                break;
            }
            Err(End::Closed) => break,
            Err(End::Broken) => {
                stats::count(&counters.bad_streams);
                let _ = out.send(FromPipe::Broken { device }).await;
                break;
            }
        }
    }
    drop(slot);
}

async fn acknowledge(stream: &mut Stream) -> io::Result<()> {
    stream.write_all(&[ALL_READ]).await?;
    stream.close().await
}

async fn read_frame(stream: &mut Stream, config: &ReaderConfig, counters: &Counters) -> Result<Frame, End> {
    let body = read_body(stream, config.idle, config.frame_timeout, MAX_FRAME_BYTES).await?;
    let frame = Frame::from_bytes(&body).map_err(|_| End::Broken)?;
    note_read(counters, &body);
    Ok(frame)
}

/// Counts a frame that was understood.
pub(crate) fn note_read(counters: &Counters, body: &[u8]) {
    stats::count(&counters.frames_in);
    counters.bytes_in.fetch_add(4 + body.len() as u64, Ordering::Relaxed);
}

/// Reads a length and as many bytes. A stream may be silent between frames, for `idle` at most; within one it may not.
pub(crate) async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    idle: Option<Duration>,
    frame_timeout: Duration,
    most: usize,
) -> Result<Vec<u8>, End> {
    let (mut first, mut rest) = ([0; 1], [0; 3]);
    let begun = stream.read_exact(&mut first);
    match idle {
        Some(idle) => timeout(idle, begun).await.map_err(|_| End::Closed)?,
        None => begun.await,
    }
    .map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => End::Finished,
        _ => End::Closed,
    })?;
    let body = timeout(frame_timeout, async {
        stream.read_exact(&mut rest).await.map_err(|_| End::Closed)?;
        let ([a], [b, c, d]) = (first, rest);
        let count = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| End::Broken)?;
        if count > most {
            return Err(End::Broken);
        }
        let mut body = vec![0; count];
        stream.read_exact(&mut body).await.map_err(|_| End::Closed)?;
        Ok(body)
    });
    body.await.map_err(|_| End::Broken)?
}

/// Writes frames until the channel closes or the stream breaks.
pub(crate) async fn write(
    mut stream: Stream,
    device: DeviceId,
    number: u64,
    mut frames: mpsc::Receiver<Frame>,
    out: mpsc::Sender<FromPipe>,
    counters: Arc<Counters>,
) {
    let clean = write_all(&mut stream, &mut frames, &counters).await.is_ok()
        && matches!(timeout(LAST_WORD, finish(&mut stream)).await, Ok(Ok(())));
    // The task forgets the stream when it hears of it; frames sent meanwhile are lost, and the engine knows.
    let _ = out.send(FromPipe::Closed { device, number, clean }).await;
}

/// Closes our side and waits for the byte that they send once they have read everything.
async fn finish(stream: &mut Stream) -> io::Result<()> {
    stream.close().await?;
    let mut last = [0; 1];
    stream.read_exact(&mut last).await?;
    if last == [ALL_READ] { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

async fn write_all(
    stream: &mut Stream,
    frames: &mut mpsc::Receiver<Frame>,
    counters: &Counters,
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(WRITE_BYTES);
    while let Some(frame) = frames.recv().await {
        buffer.extend_from_slice(&frame.to_wire());
        stats::count(&counters.frames_out);
        while buffer.len() < WRITE_BYTES {
            let Ok(frame) = frames.try_recv() else { break };
            buffer.extend_from_slice(&frame.to_wire());
            stats::count(&counters.frames_out);
        }
        stream.write_all(&buffer).await?;
        counters.bytes_out.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        buffer.clear();
        if frames.is_empty() {
            stream.flush().await?;
        }
    }
    Ok(())
}
