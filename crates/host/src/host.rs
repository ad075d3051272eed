//! The handle to a running mailbox: starting and ending it, what it is told, what it reports.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::thread::JoinHandle;

use kith_mailbox::Config;
use kith_mailbox::Overview;
use kith_mailbox::rows::TABLES;
use kith_net::Net;
use kith_net::NetEvent;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;
use kith_store::FolderLock;
use kith_store::Store;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::door::Door;
use crate::error::HostError;
use crate::thread::Thread;

/// Events that wait for the thread. Few, because each may hold an envelope; while it works, more come in.
const QUEUE: usize = 256;

/// What a mailbox is started with.
pub struct Setup<'a> {
    /// The folder of its store: apart from everything else of the node, since it has one writer and no lock. A full or
    /// damaged one can be moved or thrown away without the node's name, and a slow disk keeps nothing else waiting.
    pub folder: &'a Path,
    /// What opens the store, if it is to be locked.
    pub passphrase: Option<&'a str>,
    /// The Ed25519 seed of the device key, which signs receipts.
    pub seed: &'a [u8; 32],
    /// The limits.
    pub config: Config,
    /// Who may have an inbox.
    pub door: Door,
    /// Whether it was closed before: it gives what it holds, takes nothing, and ends when nothing is left.
    pub closing: bool,
}

/// What is held now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The counts.
    pub held: Overview,
    /// Until when the last of it is kept, if nobody fetches it.
    pub until: Option<Timestamp>,
    /// Whether nothing new is taken.
    pub closing: bool,
}

/// What the mailbox holds and has counted, as of its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// What it holds.
    pub held: Overview,
    /// What it has counted since it was started.
    pub counted: kith_mailbox::stats::Stats,
    /// Commits since it was started.
    pub commits: u64,
    /// Whether it takes nothing new because the disk is nearly full.
    pub is_short: bool,
}

/// What the thread is told.
pub(crate) enum ToHost {
    Event(Box<NetEvent>),
    Configure(Box<Config>, Door),
    Close,
    Report(oneshot::Sender<Report>),
    Stop,
}

type Running = JoinHandle<Result<(), HostError>>;

/// A running mailbox. Clones are the same one.
#[derive(Clone)]
pub struct Host {
    queue: mpsc::Sender<ToHost>,
    numbers: watch::Receiver<Numbers>,
    known: Arc<watch::Sender<BTreeSet<DeviceId>>>,
    thread: Arc<Mutex<Option<Running>>>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host")
    }
}

impl Host {
    /// Opens the store, making it if needed, and starts the thread. Nothing is answered before.
    ///
    /// # Errors
    /// When the store cannot be opened or read.
    pub fn start(setup: Setup<'_>, net: Net, runtime: &Handle) -> Result<Self, HostError> {
        let lock = Arc::new(FolderLock::take(setup.folder)?);
        let store = if Store::exists(setup.folder) {
            Store::open(&lock, setup.passphrase, TABLES)?
        } else {
            Store::create(&lock, setup.passphrase, TABLES, (0, &[]))?
        };
        let (queue, messages) = mpsc::channel(QUEUE);
        let (tell, numbers) = watch::channel(Numbers::default());
        let (known, knows) = watch::channel(BTreeSet::new());
        let driver = Thread::new(setup, store, net, (messages, knows, tell), runtime.clone())?;
        let system = |error: std::io::Error| HostError::System(error.to_string());
        let thread =
            thread::Builder::new().name("mailbox".to_owned()).spawn(move || driver.run()).map_err(system)?;
        let (known, thread) = (Arc::new(known), Arc::new(Mutex::new(Some(thread))));
        Ok(Self { queue, numbers, known, thread })
    }

    /// One whose messages a test takes.
    #[cfg(test)]
    pub(crate) fn of_queue(queue: mpsc::Sender<ToHost>, numbers: watch::Receiver<Numbers>) -> Self {
        let known = Arc::new(watch::channel(BTreeSet::new()).0);
        Self { queue, numbers, known, thread: Arc::default() }
    }

    /// Whether an event of the network is for mailboxes.
    pub fn wants(event: &NetEvent) -> bool {
        matches!(event, NetEvent::MailboxServed(_))
    }

    /// Hands over what the feed has. Waits when the mailbox is behind.
    pub(crate) async fn hand_over(&self, message: ToHost) {
        // When the thread has ended, `ended` says so.
        let _ = self.queue.send(message).await;
    }

    /// What it holds and has counted, for whoever watches.
    pub fn numbers(&self) -> watch::Receiver<Numbers> {
        self.numbers.clone()
    }

    /// The devices that may have an inbox when the door is [`Door::Known`]. Replaces the former set. Never waits: what
    /// is asked after this is answered by the newest set.
    pub fn know(&self, devices: BTreeSet<DeviceId>) {
        self.known.send_replace(devices);
    }

    /// Other limits or another door from now on. Inboxes that are there stay until their lease ends. Not for async code.
    pub fn configure(&self, config: Config, door: Door) {
        let _ = self.queue.blocking_send(ToHost::Configure(Box::new(config), door));
    }

    /// Takes nothing new from now on, gives what is there, and ends once nothing is left and the owners of its inboxes
    /// were told, or had an hour to ask. Not for async code.
    pub fn close(&self) {
        let _ = self.queue.blocking_send(ToHost::Close);
    }

    /// What is held now; `None` when the thread has ended.
    pub fn report(&self) -> Option<Report> {
        let (answer, report) = oneshot::channel();
        self.queue.blocking_send(ToHost::Report(answer)).ok()?;
        report.blocking_recv().ok()
    }

    /// Waits until the thread has ended by itself: after [`Host::close`], or by an error that [`Host::stop`] tells.
    pub async fn ended(&self) {
        self.queue.closed().await;
    }

    /// Ends the thread after what it was given, and waits for it. Not for async code.
    ///
    /// # Errors
    /// What ended the thread, or kept the store from being closed.
    pub fn stop(&self) -> Result<(), HostError> {
        let _ = self.queue.blocking_send(ToHost::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = thread.map_or(Ok(Ok(())), JoinHandle::join);
        ended.map_err(|_| HostError::Fault)?
    }
}
