//! The mailbox of this node, on a thread and a store of its own. One law: drain what waits, handle it, **commit, then
//! run the effects**. So nothing is answered that is not on disk, and many deposits share one write.
//!
//! ```text
//!  network ──events──▶ bounded channel ──▶ this thread: Mailbox + Store ──commands──▶ network
//! ```
//!
//! The store is in DATA/mailbox, apart from the identity: it has one writer and no lock, a full or damaged one can be
//! moved or thrown away without the node's name, and a slow disk does not keep the DHT waiting.

mod forwards;

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::anyhow;
use kith_mailbox::Effect;
use kith_mailbox::Input;
use kith_mailbox::Mailbox;
use kith_mailbox::Output;
use kith_mailbox::input::Source;
use kith_mailbox::rows::TABLES;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::ServedEvent;
use kith_proto::time::Timestamp;
use kith_store::FolderLock;
use kith_store::Store;
use kith_store::store::Snapshot;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::timeout;

use self::forwards::Forwards;
use crate::config;

/// The folder of the mailbox's store in the data folder.
const FOLDER: &str = "mailbox";

/// Events that wait for the thread. Few, because each may hold an envelope; while it works, more come in.
const QUEUE: usize = 256;

/// Events that share one commit at most: what a fast asker sends during two or three of them.
const BATCH: usize = 1_024;

/// How often the generator gets fresh randomness.
const STIR_EVERY: Duration = Duration::from_secs(600);

/// What the mailbox holds and has counted, as of its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) held: kith_mailbox::stats::Overview,
    pub(crate) counted: kith_mailbox::stats::Stats,
    pub(crate) commits: u64,
}

/// The running mailbox.
pub(crate) struct Service {
    events: mpsc::Sender<NetEvent>,
    numbers: watch::Receiver<Numbers>,
    limits: watch::Sender<kith_mailbox::Config>,
    thread: JoinHandle<Result<()>>,
}

impl Service {
    /// Opens the store and starts the thread. Nothing is answered before.
    pub(crate) fn start(
        data: &Path,
        seed: &[u8; 32],
        config: &config::Mailbox,
        net: Net,
        runtime: &Handle,
    ) -> Result<Self> {
        let folder = data.join(FOLDER);
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let lock = Arc::new(FolderLock::take(&folder)?);
        let store = if Store::exists(&folder) {
            Store::open(&lock, None, TABLES)?
        } else {
            Store::create(&lock, None, TABLES, (0, &[]))?
        };
        let mut clock = Clock::new();
        let rows = store.reader().snapshot()?;
        let mailbox = Mailbox::restore(config.limits(), seed, clock.now(), entropy()?, &rows)?;
        drop(rows);
        let held = mailbox.overview();
        tracing::info!(inboxes = held.inboxes, envelopes = held.envelopes, "mailbox restored");
        let (events, queue) = mpsc::channel(QUEUE);
        let (tell, numbers) = watch::channel(Numbers { held, ..Numbers::default() });
        let (limits, new_limits) = watch::channel(config.limits());
        let driver = Driver {
            mailbox,
            store,
            net,
            queue,
            runtime: runtime.clone(),
            clock,
            out: Output::new(),
            forwards: Forwards::default(),
            stirred: Instant::now(),
            tell,
            new_limits,
        };
        let thread = thread::Builder::new().name("mailbox".to_owned()).spawn(move || driver.run())?;
        Ok(Self { events, numbers, limits, thread })
    }

    /// Hands over an event that is about mailboxes or addresses. Waits when the mailbox is behind.
    pub(crate) async fn give(&self, event: NetEvent) {
        // When the thread has ended, `ended` says so.
        let _ = self.events.send(event).await;
    }

    /// What it holds and has counted, for whoever shows it.
    pub(crate) fn numbers(&self) -> watch::Receiver<Numbers> {
        self.numbers.clone()
    }

    /// Other limits, from the next thing on that somebody asks.
    pub(crate) fn set_limits(&self, limits: kith_mailbox::Config) {
        self.limits.send_replace(limits);
    }

    /// Waits until the thread has ended by itself, which is an error.
    pub(crate) async fn ended(&self) {
        self.events.closed().await;
    }

    /// Ends the thread after what it was given, and waits for it.
    pub(crate) fn stop(self) -> Result<()> {
        drop(self.events);
        let ended = self.thread.join();
        ended.map_err(|_| {
            anyhow!("a fault in the program stopped the mailbox; nothing it confirmed is lost")
        })?
    }
}

/// What the thread owns.
struct Driver {
    mailbox: Mailbox,
    store: Store,
    net: Net,
    queue: mpsc::Receiver<NetEvent>,
    runtime: Handle,
    clock: Clock,
    out: Output,
    forwards: Forwards,
    stirred: Instant,
    tell: watch::Sender<Numbers>,
    new_limits: watch::Receiver<kith_mailbox::Config>,
}

impl Driver {
    fn run(mut self) -> Result<()> {
        let mut batch = Vec::new();
        loop {
            let wait = self.wait();
            // Woken by time, or by the end of the channel, there is nothing in the batch.
            let received = self.runtime.block_on(async { timeout(wait, self.queue.recv()).await });
            let stop = matches!(received, Ok(None));
            batch.extend(received.ok().flatten());
            while batch.len() < BATCH
                && let Ok(event) = self.queue.try_recv()
            {
                batch.push(event);
            }
            self.step(batch.drain(..))?;
            if stop {
                break;
            }
        }
        Ok(self.store.close()?)
    }

    /// Handles a batch, commits, runs the effects.
    fn step(&mut self, batch: impl Iterator<Item = NetEvent>) -> Result<()> {
        if self.new_limits.has_changed().unwrap_or(false) {
            self.mailbox.set_config(self.new_limits.borrow_and_update().clone());
        }
        let rows = self.store.reader().snapshot().context(READ)?;
        for event in batch {
            if let Some(input) = self.input(event) {
                self.handle(input, &rows)?;
            }
        }
        for forward in self.forwards.overdue(&self.net) {
            self.handle(Input::ForwardDone { forward, answer: None }, &rows)?;
        }
        if self.stirred.elapsed() >= STIR_EVERY {
            self.stirred = Instant::now();
            self.handle(Input::Entropy(entropy()?), &rows)?;
        }
        while self.mailbox.next_wake().is_some_and(|at| at <= self.clock.now()) {
            self.handle(Input::Wake, &rows)?;
        }
        drop(rows);
        if !self.out.has_no_writes() {
            self.store.commit(&self.out.take_writes()).context(WRITE)?;
        }
        // Before the answers: whoever has a receipt sees it counted.
        let (held, counted) = (self.mailbox.overview(), self.mailbox.stats());
        self.tell.send_replace(Numbers { held, counted, commits: self.store.stats().commits });
        for effect in self.out.take_effects() {
            self.run_effect(effect);
        }
        Ok(())
    }

    fn handle(&mut self, input: Input, rows: &Snapshot) -> Result<()> {
        self.mailbox.handle(self.clock.now(), input, rows, &mut self.out).context(READ)
    }

    fn input(&mut self, event: NetEvent) -> Option<Input> {
        Some(match event {
            NetEvent::MailboxServed(event) => match event {
                ServedEvent::Opened { stream, from } => {
                    let from = Source { network: from.network, local: from.local };
                    Input::Opened { stream, from }
                }
                ServedEvent::Asked { stream, request } => Input::Asked { stream, request },
                ServedEvent::Malformed { stream } => Input::Malformed { stream },
                ServedEvent::Drained { stream, bytes } => Input::Drained { stream, bytes },
                ServedEvent::Closed { stream } => Input::Closed { stream },
            },
            event => {
                let (forward, answer) = self.forwards.on_event(event, &self.net)?;
                Input::ForwardDone { forward, answer }
            }
        })
    }

    fn run_effect(&mut self, effect: Effect) {
        let command = match effect {
            Effect::Answer { stream, answer } => NetCommand::AnswerMailbox { stream, answer },
            Effect::Close { stream, .. } => NetCommand::EndMailbox { stream },
            Effect::Forward { forward, to, sealed } => {
                return self.forwards.start(forward, &to, sealed, &self.net);
            }
        };
        // The network always takes commands, so this waits for moments only.
        let _ = self.net.command_blocking(command);
    }

    /// How long nothing has to be done unless something comes in.
    fn wait(&mut self) -> Duration {
        let stir = STIR_EVERY.saturating_sub(self.stirred.elapsed());
        let wake = self.mailbox.next_wake().map(|at| at.since(self.clock.now()).as_millis());
        let wake = wake.map_or(stir, Duration::from_millis);
        self.forwards.wait().map_or(wake, |forward| forward.min(wake)).min(stir)
    }
}

const READ: &str = "the mailbox cannot be read, so this node stops; nothing it confirmed is lost";

const WRITE: &str = "the mailbox could not be written, so this node stops; nothing it confirmed is lost";

fn entropy() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}

/// The wall clock, which goes on even when the system's is set back.
struct Clock {
    since: Instant,
    start: u64,
}

impl Clock {
    fn new() -> Self {
        Self { since: Instant::now(), start: wall_millis() }
    }

    fn now(&mut self) -> Timestamp {
        let (wall, now) = (wall_millis(), Instant::now());
        let passed = now.saturating_duration_since(self.since).as_millis();
        let steady = self.start.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        if wall > steady {
            (self.since, self.start) = (now, wall);
        }
        Timestamp(wall.max(steady))
    }
}

fn wall_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
