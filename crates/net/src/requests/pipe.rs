//! The tasks that move requests and answers: one for each stream, on either side. It owns the stream, reads and writes
//! at the same time, and talks to the swarm's task over bounded channels; so whoever does not read holds up only itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::AsyncRead;
use futures::AsyncReadExt as _;
use futures::AsyncWrite;
use futures::AsyncWriteExt as _;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAX_MAILBOX_FRAME_BYTES;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::OwnerProof;
use kith_proto::mailbox::Request;
use libp2p::Stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::event::NetEvent;
use crate::event::ServedEvent;
use crate::pipes;
use crate::pipes::End;
use crate::pipes::FromPipe;
use crate::pipes::WRITE_BYTES;
use crate::stats;
use crate::stats::Counters;
use crate::streams::Slot;

/// Requests that may wait to be written: what is pipelined to a mailbox that is slow to answer.
pub(crate) const ASK_QUEUE: usize = 4_096;

/// Answers that may wait to be written: a mailbox stops at so many bytes, and this many of its shortest answers are far
/// more. Room is only taken by those that wait.
pub(crate) const ANSWER_QUEUE: usize = 32_768;

/// Bytes of requests, and of answers, that may wait for the driver. The queues before it count events, and an event here may
/// weigh as much as a thousand others.
const BUDGET_BYTES: usize = 16 << 20;

/// What an event weighs beside the envelope or the lists in it.
const EVENT_BYTES: usize = 256;

/// What a queue or an entry of an index weighs: a name, a key or another name, and what goes with them.
const QUEUE_BYTES: usize = 64;

/// Requests that may be on the way to the driver, whatever they weigh: 65,536 of the smallest would fit into the budget, and
/// into the 5,120 places on that way, which belong to all events. When those are taken the network stops reading.
const REQUEST_PLACES: usize = 2_048;

/// How long the other side may take to read the last of a stream that we close.
const LAST_WORD: Duration = Duration::from_secs(5);

/// What the tasks tell the swarm's task.
#[derive(Debug)]
pub(crate) enum FromMailbox {
    /// A mailbox answered.
    Answered { stream: u64, answer: Numbered<Answer>, held: Held },
    /// A stream to a mailbox ended, perhaps because of what came on it.
    Ended { stream: u64, broken: bool },
    /// A request came in.
    Asked { stream: u64, request: Numbered<Request>, held: Held },
    /// What came in is no request; nothing more is read.
    Malformed { stream: u64 },
    /// So many bytes of answers were written.
    Drained { stream: u64, bytes: u64 },
    /// A stream to the own mailbox ended.
    Closed { stream: u64 },
}

/// How much may wait for the driver. Apart, so that an own mailbox that is behind keeps nobody from asking others'.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    requests: Arc<Semaphore>,
    places: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

/// A part of the budget. Given back when the message is dropped on the way, or else by the driver's side.
#[derive(Debug)]
pub(crate) struct Held {
    weight: Option<OwnedSemaphorePermit>,
    place: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        let full = || Arc::new(Semaphore::new(BUDGET_BYTES));
        let places = Arc::new(Semaphore::new(REQUEST_PLACES));
        Self { requests: full(), places, answers: full() }
    }

    async fn take_answer(&self, answer: &Answer) -> Held {
        Held { weight: take(&self.answers, answer_weight(answer)).await, place: None }
    }

    async fn take_request(&self, request: &Request) -> Held {
        let place = take(&self.places, 1).await;
        Held { weight: take(&self.requests, request_weight(request)).await, place }
    }

    /// The driver has taken an answer.
    pub(crate) fn answer_taken(&self, event: &NetEvent) {
        if let NetEvent::MailboxAnswered { answer, .. } = event {
            self.answers.add_permits(answer_weight(&answer.word));
        }
    }

    /// The driver's side has an event. A request may wait there for longer, but not here.
    pub(crate) fn has_arrived(&self, event: &NetEvent) {
        if let NetEvent::MailboxServed(ServedEvent::Asked { .. }) = event {
            self.places.add_permits(1);
        }
    }

    /// The driver, or the mailbox behind it, has taken a request.
    pub(crate) fn request_taken(&self, event: &NetEvent) {
        if let NetEvent::MailboxServed(ServedEvent::Asked { request, .. }) = event {
            self.requests.add_permits(request_weight(&request.word));
        }
    }
}

async fn take(from: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
    // It is never closed, and a frame is a small part of it.
    Arc::clone(from).acquire_many_owned(permits).await.ok()
}

impl Held {
    /// The event goes to the driver, which gives it back.
    pub(crate) fn pass_on(self) {
        [self.weight, self.place].into_iter().flatten().for_each(OwnedSemaphorePermit::forget);
    }
}

fn request_weight(request: &Request) -> usize {
    EVENT_BYTES
        + match request {
            Request::Deposit { envelope, .. } => envelope.as_bytes().len(),
            // Beside the lists, a voucher and the readers.
            Request::Register { queues, owners, .. } => {
                EVENT_BYTES + queues.len() * QUEUE_BYTES + owners.len() * size_of::<OwnerProof>()
            }
            Request::Get { sequences } | Request::DeleteThese { sequences } => sequences.len() * 8,
            _ => 0,
        }
}

fn answer_weight(answer: &Answer) -> usize {
    EVENT_BYTES
        + match answer {
            Answer::Envelope { envelope, .. } => envelope.as_bytes().len(),
            Answer::Index { entries } => entries.len() * QUEUE_BYTES,
            _ => 0,
        }
}

/// What both sides need.
pub(crate) struct Pipe {
    /// The name of the stream.
    pub(crate) name: u64,
    /// How long the rest of a frame may take once it began, and the reading of what is written at once.
    pub(crate) frame_timeout: Duration,
    pub(crate) out: mpsc::Sender<FromPipe>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) budget: Budget,
}

impl Pipe {
    /// Asks a mailbox, until one of the two has had enough.
    pub(crate) async fn ask(self, stream: Stream, mut requests: mpsc::Receiver<Numbered<Request>>) {
        let (mut from, mut to) = stream.split();
        let (end, said) = tokio::select! {
            end = self.read_answers(&mut from) => (end, Ok(())),
            said = self.write(&mut to, &mut requests, |_| None) => (End::Closed, said),
        };
        let broken = end == End::Broken;
        if broken {
            stats::count(&self.counters.bad_streams);
        } else if said.is_ok() {
            finish(&mut from, &mut to).await;
        }
        self.tell(FromMailbox::Ended { stream: self.name, broken }).await;
    }

    /// Serves one stream to the own mailbox, until one of the two has had enough.
    pub(crate) async fn serve(
        self,
        stream: Stream,
        mut answers: mpsc::Receiver<Numbered<Answer>>,
        slot: Slot,
    ) {
        let name = self.name;
        let (mut from, mut to) = stream.split();
        let drained = |bytes| Some(FromMailbox::Drained { stream: name, bytes });
        tokio::select! {
            () = self.serve_requests(&mut from) => {}
            said = self.write(&mut to, &mut answers, drained) => if said.is_ok() {
                finish(&mut from, &mut to).await;
            }
        }
        drop(slot);
        self.tell(FromMailbox::Closed { stream: name }).await;
    }

    async fn read_answers(&self, from: &mut (impl AsyncRead + Unpin)) -> End {
        loop {
            match self.read::<Numbered<Answer>>(from).await {
                Ok(answer) => {
                    let held = self.budget.take_answer(&answer.word).await;
                    self.tell(FromMailbox::Answered { stream: self.name, answer, held }).await;
                }
                Err(end) => return end,
            }
        }
    }

    /// Returns when the other side is gone. After a frame that is none it waits for the mailbox, which may have answers
    /// left and ends the stream.
    async fn serve_requests(&self, from: &mut (impl AsyncRead + Unpin)) {
        loop {
            match self.read::<Numbered<Request>>(from).await {
                Ok(request) => {
                    let held = self.budget.take_request(&request.word).await;
                    self.tell(FromMailbox::Asked { stream: self.name, request, held }).await;
                }
                Err(End::Closed | End::Finished) => return,
                Err(End::Broken) => {
                    stats::count(&self.counters.bad_streams);
                    self.tell(FromMailbox::Malformed { stream: self.name }).await;
                    return std::future::pending().await;
                }
            }
        }
    }

    async fn read<T: Decode>(&self, from: &mut (impl AsyncRead + Unpin)) -> Result<T, End> {
        let body = pipes::read_body(from, None, self.frame_timeout, MAX_MAILBOX_FRAME_BYTES).await?;
        let word = T::from_bytes(&body).map_err(|_| End::Broken)?;
        pipes::note_read(&self.counters, &body);
        Ok(word)
    }

    /// Writes until the channel closes, or until the other side does not read any more.
    async fn write<T: Encode>(
        &self,
        to: &mut (impl AsyncWrite + Unpin),
        words: &mut mpsc::Receiver<Numbered<T>>,
        written: impl Fn(u64) -> Option<FromMailbox>,
    ) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(WRITE_BYTES);
        while let Some(word) = words.recv().await {
            buffer.extend_from_slice(&word.to_wire());
            stats::count(&self.counters.frames_out);
            while buffer.len() < WRITE_BYTES {
                let Ok(word) = words.try_recv() else { break };
                buffer.extend_from_slice(&word.to_wire());
                stats::count(&self.counters.frames_out);
            }
            let last = words.is_empty();
            timeout(self.frame_timeout, async {
                to.write_all(&buffer).await?;
                if last { to.flush().await } else { Ok(()) }
            })
            .await??;
            let bytes = buffer.len() as u64;
            self.counters.bytes_out.fetch_add(bytes, Ordering::Relaxed);
            buffer.clear();
            if let Some(told) = written(bytes) {
                self.tell(told).await;
            }
        }
        Ok(())
    }

    async fn tell(&self, what: FromMailbox) {
        // When the swarm's task is gone, so is this one soon.
        let _ = self.out.send(FromPipe::Mailbox(Box::new(what))).await;
    }
}

/// Closes our side and waits for theirs, which they close once they have read everything.
async fn finish(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) {
    let mut ignored = [0; 4_096];
    let goodbye = async {
        to.close().await?;
        while from.read(&mut ignored).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(LAST_WORD, goodbye).await;
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use kith_proto::bounded::BoundedBytes;
    use kith_proto::bounded::BoundedVec;
    use kith_proto::envelope::Envelope;
    use kith_proto::envelope::MAX_ENVELOPE_BYTES;
    use kith_proto::id::QueueId;
    use kith_proto::id::ReaderId;
    use kith_proto::mailbox::Access;
    use kith_proto::mailbox::Admission;
    use kith_proto::mailbox::KeepFor;
    use kith_proto::mailbox::MAX_INDEX;
    use kith_proto::mailbox::MAX_QUEUES;
    use kith_proto::mailbox::MAX_READERS;
    use kith_proto::mailbox::MAX_VOUCHER_BYTES;
    use kith_proto::mailbox::WorkProof;

    use super::*;

    #[tokio::test]
    async fn small_requests_take_a_part_of_the_places_and_leave_the_rest_to_other_events() {
        let budget = Budget::new();
        // Without the scheduler's budget, which would make a free place look taken.
        let take = || tokio::task::unconstrained(budget.take_request(&Request::Info {}));
        for _ in 0..REQUEST_PLACES {
            take().await.pass_on();
        }
        assert!(take().now_or_never().is_none(), "one more is not read yet");
        let request = Numbered { number: 1, word: Request::Info {} };
        let event = NetEvent::MailboxServed(ServedEvent::Asked { stream: 1, request });
        budget.has_arrived(&event);
        assert!(take().now_or_never().is_some(), "the driver has one");
    }

    #[test]
    fn the_largest_request_of_every_kind_weighs_at_least_what_it_is_on_the_wire() {
        let (signature, inbox, reader) = ([0; 64], [0; 32], ReaderId([0; 16]));
        let queue = (QueueId([0; 16]), Access::Key { deposit: [0; 32] });
        let sequences = || BoundedVec::truncated(vec![u64::MAX; MAX_INDEX]);
        let envelope = Envelope::new([1; 16], &vec![2; MAX_ENVELOPE_BYTES - 17]).unwrap();
        let work = Some(WorkProof { challenge: [3; 32], solution: u64::MAX });
        let voucher = BoundedBytes::new(vec![0; MAX_VOUCHER_BYTES]).unwrap();
        let largest = [
            Request::Hello { version: 1 },
            Request::Register {
                inbox,
                period: u32::MAX,
                readers: BoundedVec::truncated(vec![reader; MAX_READERS]),
                queues: BoundedVec::truncated(vec![queue; MAX_QUEUES]),
                owners: BoundedVec::truncated(vec![(inbox, signature); MAX_QUEUES]),
                admission: Admission::Voucher { voucher },
                signature,
            },
            Request::Deposit { queue: QueueId([0; 16]), envelope, keep: KeepFor::Days14, work, signature },
            Request::Subscribe { inbox, reader, after: u64::MAX, signature },
            Request::Get { sequences: sequences() },
            Request::Delete { up_to: u64::MAX },
            Request::Info {},
            Request::DeleteThese { sequences: sequences() },
        ];
        for word in largest {
            let weight = request_weight(&word);
            let wire = Numbered { number: u32::MAX, word }.to_wire();
            assert!(weight >= wire.len(), "{weight} for {} bytes of kind {:?}", wire.len(), wire.get(8));
        }
    }
}
