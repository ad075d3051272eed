//! The mailbox of this node: the service of `kith-mailbox` on a store and a thread of its own, fed from the network.
//!
//! The law of a step: everything that waits goes into one output, the output is committed, then its effects run. So a
//! promise to keep an envelope leaves this machine only when the envelope is on its disk, and one sync serves all who
//! asked meanwhile. A commit that fails ends the program: nothing that is not on disk was ever answered.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use anyhow::Result;
use kith_mailbox::Effect;
use kith_mailbox::Input;
use kith_mailbox::Mailbox;
use kith_mailbox::Output;
use kith_mailbox::input::Source;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::ServedEvent;
use kith_net::address;
use kith_net::address::Reach;
use kith_proto::address::DeviceAddress;
use kith_proto::bounded::BoundedBytes;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAILBOX_VERSION;
use kith_proto::mailbox::MAX_FORWARDED_BYTES;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::time::Timestamp;
use kith_store::FolderLock;
use kith_store::Store;
use kith_store::store::Reader;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::config;

/// Events that may wait for the mailbox; when there are more, the network waits.
const QUEUE: usize = 1_024;

/// Events that share one commit at most, so that nobody waits for long.
const BATCH: usize = 512;

/// How often fresh randomness is mixed in, at least.
const ENTROPY_EVERY: Duration = Duration::from_secs(60);

/// How long another mailbox may take to answer what is passed on to it.
const FORWARD_WITHIN_MILLIS: u64 = 20_000;

/// The number of the request that passes something on; the one before is the greeting.
const FORWARD_NUMBER: u32 = 2;

/// The end that the network's events go to.
pub(crate) struct Service {
    events: SyncSender<NetEvent>,
    thread: JoinHandle<Result<()>>,
}

impl Service {
    /// Opens the mailbox in a folder of its own and serves it. `failed` hears when it cannot go on.
    pub(crate) fn start(
        data: &Path,
        seed: &Zeroizing<[u8; 32]>,
        config: &config::Mailbox,
        net: Net,
        failed: oneshot::Sender<String>,
    ) -> Result<Self> {
        let folder = data.join("mailbox");
        let lock = Arc::new(FolderLock::take(&folder)?);
        let tables = kith_mailbox::rows::TABLES;
        let store = if Store::exists(&folder) {
            Store::open(&lock, None, tables)?
        } else {
            Store::create(&lock, None, tables, (0, &[]))?
        };
        let rows = store.reader();
        let mailbox =
            Mailbox::restore(config.limits(), seed, now(Timestamp(0)), entropy()?, &rows.snapshot()?)?;
        let private = config.pass_on_to_private_addresses;
        let (events, waiting) = sync_channel(QUEUE);
        let worker =
            Worker { mailbox, store, rows, net, private, forwards: BTreeMap::new(), now: Timestamp(0) };
        let thread = thread::Builder::new().name("mailbox".to_owned()).spawn(move || {
            let done = worker.run(&waiting);
            if let Err(error) = &done {
                let _ = failed.send(format!("{error:#}"));
            }
            done
        })?;
        Ok(Self { events, thread })
    }

    /// Hands over an event, and waits when the mailbox is behind.
    pub(crate) fn take(&self, event: NetEvent) {
        // One that has ended has said why.
        let _ = self.events.send(event);
    }

    /// Writes what waits and closes the store.
    pub(crate) fn stop(self) -> Result<()> {
        drop(self.events);
        self.thread.join().map_err(|_| anyhow::anyhow!("the mailbox ended with a fault of the program"))?
    }
}

/// Something on its way to another mailbox.
struct Forward {
    name: u64,
    to: DeviceAddress,
    sealed: BoundedBytes<MAX_FORWARDED_BYTES>,
    ends: Timestamp,
}

struct Worker {
    mailbox: Mailbox,
    store: Store,
    rows: Reader,
    net: Net,
    private: bool,
    /// By the name of the stream to the other mailbox.
    forwards: BTreeMap<u64, Forward>,
    now: Timestamp,
}

impl Worker {
    fn run(mut self, waiting: &Receiver<NetEvent>) -> Result<()> {
        loop {
            let mut out = Output::new();
            let first = match waiting.recv_timeout(self.pause()) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => {
                    self.handle(Input::Entropy(entropy()?), &mut out)?;
                    None
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let rest = waiting.try_iter().take(if first.is_some() { BATCH } else { 0 });
            for event in first.into_iter().chain(rest) {
                self.event(event, &mut out)?;
            }
            self.end_late_forwards(&mut out)?;
            self.settle(out)?;
        }
        drop(self.rows);
        self.store.close()?;
        Ok(())
    }

    /// How long nothing has to be done.
    fn pause(&mut self) -> Duration {
        self.now = now(self.now);
        let wake = [self.mailbox.next_wake(), self.forwards.values().map(|forward| forward.ends).min()];
        let until = wake
            .into_iter()
            .flatten()
            .min()
            .map_or(ENTROPY_EVERY.as_millis(), |at| u128::from(at.0.saturating_sub(self.now.0)));
        Duration::from_millis(u64::try_from(until).unwrap_or(u64::MAX)).min(ENTROPY_EVERY)
    }

    fn handle(&mut self, input: Input, out: &mut Output) -> Result<()> {
        self.now = now(self.now);
        let rows = self.rows.snapshot()?;
        self.mailbox.handle(self.now, input, &rows, out).context("the mailbox cannot read what it keeps")
    }

    /// What the network says, in the words of the mailbox.
    fn event(&mut self, event: NetEvent, out: &mut Output) -> Result<()> {
        let input = match event {
            NetEvent::MailboxServed(served) => match served {
                ServedEvent::Opened { stream, from } => {
                    Input::Opened { stream, from: Source { network: from.network, local: from.local } }
                }
                ServedEvent::Asked { stream, request } => Input::Asked { stream, request },
                ServedEvent::Malformed { stream } => Input::Malformed { stream },
                ServedEvent::Drained { stream, bytes } => Input::Drained { stream, bytes },
                ServedEvent::Closed { stream } => Input::Closed { stream },
            },
            NetEvent::MailboxOpened { stream } => {
                let hello = Request::Hello { version: MAILBOX_VERSION };
                return self.ask(stream, 1, hello);
            }
            NetEvent::MailboxAnswered { stream, answer } => return self.answered(stream, answer, out),
            NetEvent::MailboxClosed { stream } => return self.forwarded(stream, None, out),
            _ => return Ok(()),
        };
        self.handle(input, out)
    }

    /// Commit, then effects.
    fn settle(&mut self, mut out: Output) -> Result<()> {
        self.now = now(self.now);
        while self.mailbox.next_wake().is_some_and(|at| at <= self.now) {
            self.handle(Input::Wake, &mut out)?;
        }
        if !out.has_no_writes() {
            self.store.commit(&out.take_writes()).context("the mailbox cannot write: is the disk full?")?;
        }
        for effect in out.take_effects() {
            match effect {
                Effect::Answer { stream, answer } => {
                    self.command(NetCommand::AnswerMailbox { stream, answer });
                }
                Effect::Close { stream, why } => {
                    tracing::debug!(?why, "a stream is closed");
                    self.command(NetCommand::EndMailbox { stream });
                }
                Effect::Forward { forward, to, sealed } => self.forward(forward, to, sealed)?,
            }
        }
        Ok(())
    }

    fn command(&self, command: NetCommand) {
        // A network that has ended ends this thread, too.
        let _ = self.net.command_blocking(command);
    }

    fn ask(&self, stream: u64, number: u32, word: Request) -> Result<()> {
        self.command(NetCommand::AskMailbox { stream, request: Numbered { number, word } });
        Ok(())
    }

    /// Passes a sealed deposit on. Streams have the name of the forward: the mailbox gives each once.
    fn forward(
        &mut self,
        name: u64,
        to: DeviceAddress,
        sealed: BoundedBytes<MAX_FORWARDED_BYTES>,
    ) -> Result<()> {
        if !self.private && address::reach(&to.address) != Reach::Global {
            let mut out = Output::new();
            self.handle(Input::ForwardDone { forward: name, answer: None }, &mut out)?;
            return self.settle(out);
        }
        let open =
            NetCommand::OpenMailbox { stream: name, device: to.device, addresses: vec![to.address.clone()] };
        let ends = Timestamp(self.now.0 + FORWARD_WITHIN_MILLIS);
        self.forwards.insert(name, Forward { name, to, sealed, ends });
        self.command(open);
        Ok(())
    }

    fn answered(&mut self, stream: u64, answer: Numbered<Answer>, out: &mut Output) -> Result<()> {
        let Some(forward) = self.forwards.get(&stream) else { return Ok(()) };
        match (answer.number, answer.word) {
            (1, Answer::Hello { .. }) => {
                let word = Request::Forward { to: forward.to.clone(), sealed: forward.sealed.clone() };
                self.ask(stream, FORWARD_NUMBER, word)
            }
            (FORWARD_NUMBER, word) => self.forwarded(stream, Some(word), out),
            _ => Ok(()),
        }
    }

    fn forwarded(&mut self, stream: u64, answer: Option<Answer>, out: &mut Output) -> Result<()> {
        let Some(forward) = self.forwards.remove(&stream) else { return Ok(()) };
        self.command(NetCommand::CloseMailbox { stream });
        self.handle(Input::ForwardDone { forward: forward.name, answer }, out)
    }

    fn end_late_forwards(&mut self, out: &mut Output) -> Result<()> {
        let late: Vec<u64> =
            self.forwards.iter().filter(|(_, of)| of.ends <= self.now).map(|(stream, _)| *stream).collect();
        late.into_iter().try_for_each(|stream| self.forwarded(stream, None, out))
    }
}

/// The time, never earlier than `last`.
fn now(last: Timestamp) -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)).max(last)
}

fn entropy() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}
