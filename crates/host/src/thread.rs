//! The thread of a mailbox. One law: drain what waits, handle it, **commit, then run the effects**. So nothing is answered
//! that is not on disk, and many deposits share one write.

use std::collections::BTreeSet;
use std::time::Duration;
use std::time::Instant;

use kith_mailbox::Effect;
use kith_mailbox::Input;
use kith_mailbox::Mailbox;
use kith_mailbox::Output;
use kith_mailbox::input::Source;
use kith_mailbox::rows;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::ServedEvent;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Request;
use kith_proto::time::Span;
use kith_store::Snapshot;
use kith_store::Store;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::clock::entropy;
use crate::door::Doorkeeper;
use crate::error::HostError;
use crate::farewell::Farewell;
use crate::host::Numbers;
use crate::host::Report;
use crate::host::Setup;
use crate::host::ToHost;
use crate::room::Room;

/// Messages that share one commit at most: what a fast asker sends during two or three of them.
const BATCH: usize = 1_024;

/// How often the generator gets fresh randomness.
const STIR_EVERY: Duration = Duration::from_secs(600);

/// How long a closed mailbox says that it gives what it holds; nothing is kept longer (`kith-proto`).
const CLOSING: Span = Span::from_days(30);

/// What comes in, the newest devices that are known, and where numbers go.
pub(crate) type Ends = (mpsc::Receiver<ToHost>, watch::Receiver<BTreeSet<DeviceId>>, watch::Sender<Numbers>);

/// What the thread owns.
pub(crate) struct Thread {
    mailbox: Mailbox,
    config: kith_mailbox::Config,
    device: DeviceId,
    doors: Doorkeeper,
    store: Store,
    net: Net,
    queue: mpsc::Receiver<ToHost>,
    runtime: Handle,
    clock: Clock,
    out: Output,
    stirred: Instant,
    tell: watch::Sender<Numbers>,
    known: watch::Receiver<BTreeSet<DeviceId>>,
    closing: bool,
    room: Room,
    /// There is one while it is closing.
    farewell: Option<Farewell>,
}

impl Thread {
    pub(crate) fn new(
        setup: Setup<'_>,
        store: Store,
        net: Net,
        (queue, known, tell): Ends,
        runtime: Handle,
    ) -> Result<Self, HostError> {
        let mut clock = Clock::new();
        let snapshot = store.reader().snapshot()?;
        let config = setup.config;
        let mailbox = Mailbox::restore(config.clone(), setup.seed, clock.now(), entropy()?, &snapshot)?;
        let farewell = setup.closing.then(|| farewell(&snapshot)).transpose()?;
        drop(snapshot);
        let held = mailbox.overview();
        tracing::info!(inboxes = held.inboxes, envelopes = held.envelopes, "mailbox restored");
        let mut thread = Self {
            device: mailbox.device(),
            mailbox,
            config,
            doors: Doorkeeper::new(setup.door),
            store,
            net,
            queue,
            runtime,
            clock,
            out: Output::new(),
            stirred: Instant::now(),
            tell,
            known,
            closing: setup.closing,
            room: Room::of(setup.folder.to_owned()),
            farewell,
        };
        thread.room.look();
        thread.apply_config();
        thread.tell_numbers();
        Ok(thread)
    }

    pub(crate) fn run(mut self) -> Result<(), HostError> {
        let mut batch = Vec::new();
        loop {
            let wait = self.wait();
            // Woken by time, or by the end of the channel, there is nothing in the batch.
            let received = self.runtime.block_on(async { timeout(wait, self.queue.recv()).await });
            let mut stop = matches!(received, Ok(None));
            batch.extend(received.ok().flatten());
            while batch.len() < BATCH
                && let Ok(message) = self.queue.try_recv()
            {
                batch.push(message);
            }
            stop |= self.step(batch.drain(..))?;
            if stop || self.is_done() {
                break;
            }
        }
        Ok(self.store.close()?)
    }

    /// Whether it was closed, nothing is left, and whoever had to hear it had the chance.
    fn is_done(&self) -> bool {
        let said = self.farewell.as_ref().is_none_or(|farewell| farewell.wait(Instant::now()).is_zero());
        self.closing && self.mailbox.overview().envelopes == 0 && said
    }

    /// Handles a batch, commits, runs the effects. Returns whether to stop.
    fn step(&mut self, batch: impl Iterator<Item = ToHost>) -> Result<bool, HostError> {
        let rows = self.store.reader().snapshot()?;
        if self.known.has_changed().unwrap_or_default() {
            self.doors.known.clone_from(&self.known.borrow_and_update());
        }
        self.look_for_room();
        let mut stop = false;
        let mut reports = Vec::new();
        for message in batch {
            match message {
                ToHost::Event(event) => {
                    if let Some(input) = self.input(*event, &rows)? {
                        self.handle(input, &rows)?;
                    }
                }
                ToHost::Configure(config, door) => {
                    (self.config, self.doors.door) = (*config, door);
                    (self.closing, self.farewell) = (false, None);
                    self.apply_config();
                }
                ToHost::Close => self.close(&rows)?,
                ToHost::Report(answer) => reports.push(answer),
                ToHost::Stop => stop = true,
            }
        }
        if self.stirred.elapsed() >= STIR_EVERY {
            self.stirred = Instant::now();
            self.handle(Input::Entropy(entropy()?), &rows)?;
        }
        while self.mailbox.next_wake().is_some_and(|at| at <= self.clock.now()) {
            self.handle(Input::Wake, &rows)?;
        }
        drop(rows);
        let writes = self.out.take_writes();
        let durable = if writes.is_empty() {
            None
        } else {
            Some(self.store.persist(&writes).map_err(HostError::Write)?)
        };
        // Before the answers: whoever has a receipt sees it counted.
        self.tell_numbers();
        for effect in self.out.take_effects() {
            self.run_effect(effect);
        }
        if let Some(durable) = durable {
            self.store.show(durable).map_err(HostError::Write)?;
        }
        self.store.rest().map_err(HostError::Write)?;
        if !reports.is_empty() {
            let report = self.report()?;
            for answer in reports {
                // Whoever asked may not wait any more.
                let _ = answer.send(report);
            }
        }
        Ok(stop)
    }

    fn handle(&mut self, input: Input, rows: &Snapshot) -> Result<(), HostError> {
        Ok(self.mailbox.handle(self.clock.now(), input, rows, &mut self.out)?)
    }

    fn input(&mut self, event: NetEvent, rows: &Snapshot) -> Result<Option<Input>, HostError> {
        Ok(Some(match event {
            NetEvent::MailboxServed(event) => match event {
                ServedEvent::Opened { stream, from } => {
                    self.doors.opened(stream, from.device);
                    let from = Source { network: from.network, local: from.local };
                    Input::Opened { stream, from }
                }
                ServedEvent::Asked { stream, request } => {
                    if let Some(answer) = self.doors.refuses(stream, &request) {
                        let _ = self.net.command_blocking(NetCommand::AnswerMailbox { stream, answer });
                        return Ok(None);
                    }
                    self.note_told(stream, &request.word, rows)?;
                    Input::Asked { stream, request }
                }
                ServedEvent::Malformed { stream } => Input::Malformed { stream },
                ServedEvent::Drained { stream, bytes } => Input::Drained { stream, bytes },
                ServedEvent::Closed { stream } => {
                    self.doors.closed(stream);
                    Input::Closed { stream }
                }
            },
            _ => return Ok(None),
        }))
    }

    /// Notes who is told that the mailbox is closed, as the answer to their registration is.
    fn note_told(&mut self, stream: u64, request: &Request, rows: &Snapshot) -> Result<(), HostError> {
        let (Some(farewell), Request::Register { inbox, .. }) = (&mut self.farewell, request) else {
            return Ok(());
        };
        if let Some(device) = self.doors.device(stream)
            && rows::has_inbox(rows, inbox)?
        {
            farewell.told(device);
        }
        Ok(())
    }

    fn run_effect(&mut self, effect: Effect) {
        let command = match effect {
            Effect::Answer { stream, answer } => NetCommand::AnswerMailbox { stream, answer },
            Effect::Close { stream, .. } => {
                self.doors.closed(stream);
                NetCommand::EndMailbox { stream }
            }
        };
        // The network always takes commands, so this waits for moments only.
        let _ = self.net.command_blocking(command);
    }

    /// Hangs up on everybody: whoever comes back is told that nothing is taken any more.
    fn close(&mut self, rows: &Snapshot) -> Result<(), HostError> {
        if std::mem::replace(&mut self.closing, true) {
            return Ok(());
        }
        self.farewell = Some(farewell(rows)?);
        self.apply_config();
        for stream in self.doors.take_streams() {
            let _ = self.net.command_blocking(NetCommand::EndMailbox { stream });
            self.handle(Input::Closed { stream }, rows)?;
        }
        let held = self.mailbox.overview();
        tracing::info!(inboxes = held.inboxes, envelopes = held.envelopes, "mailbox closed");
        Ok(())
    }

    /// Takes nothing new while the disk is nearly full.
    fn look_for_room(&mut self) {
        if self.room.look() {
            match self.room.is_short() {
                true => tracing::warn!(
                    "the disk is nearly full: the mailbox takes nothing new until there is room"
                ),
                false => tracing::info!("there is room on the disk again: the mailbox takes envelopes"),
            }
            self.apply_config();
        }
    }

    /// A closed mailbox has moved, to nobody else.
    fn apply_config(&mut self) {
        let mut config = self.config.clone();
        config.is_short = self.room.is_short();
        if self.closing {
            let nowhere = Multiaddress::new(NOWHERE.to_vec());
            config.moved = nowhere
                .map(|address| (DeviceAddress { device: self.device, address }, self.clock.now() + CLOSING));
        }
        self.mailbox.configure(config);
    }

    fn tell_numbers(&self) {
        let (held, counted) = (self.mailbox.overview(), self.mailbox.stats());
        self.tell.send_replace(Numbers {
            held,
            counted,
            commits: self.store.stats().commits,
            is_short: self.room.is_short(),
        });
    }

    fn report(&self) -> Result<Report, HostError> {
        let snapshot = self.store.reader().snapshot()?;
        let until = rows::kept_until(&snapshot)?;
        Ok(Report { held: self.mailbox.overview(), until, closing: self.closing })
    }

    /// How long nothing has to be done unless something comes in.
    fn wait(&mut self) -> Duration {
        let stir = STIR_EVERY.saturating_sub(self.stirred.elapsed());
        let wake = self.mailbox.next_wake().map(|at| at.since(self.clock.now()).as_millis());
        let wake = wake.map_or(stir, Duration::from_millis);
        let said = self.farewell.as_ref().map(|farewell| farewell.wait(Instant::now()));
        let wake = said.filter(|said| !said.is_zero()).map_or(wake, |said| said.min(wake));
        wake.min(stir)
    }
}

fn farewell(rows: &Snapshot) -> Result<Farewell, HostError> {
    Ok(Farewell::new(rows::owners(rows)?, Instant::now()))
}

/// `/ip4/0.0.0.0`: no address at which anybody answers.
const NOWHERE: [u8; 5] = [4, 0, 0, 0, 0];
