//! The driver loop: the only event loop of this crate. It obeys one law: drain what waits, handle it, **commit, then
//! run the effects, then publish the events**. Several inputs share one commit.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use kith_engine::Effect;
use kith_engine::Engine;
use kith_engine::Event;
use kith_engine::Input;
use kith_engine::Output;
use kith_engine::Overview;
use kith_engine::command::Answer;
use kith_engine::record::Line;
use kith_engine::record::digest;
use kith_engine::view::ClockView;
use kith_engine::view::RouteView;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::TurnOffer;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::id::CommandId;
use kith_proto::id::DeviceId;
use kith_proto::rows::Write;
use kith_proto::time::Timestamp;
use kith_store::Reader;
use kith_store::Store;
use kith_store::StoreError;

use crate::calling::Calling;
use crate::calling::servers;
use crate::calling::servers::Servers;
use crate::clock::Clock;
use crate::effects;
use crate::error::Failure;
use crate::error::NodeError;
use crate::events::Hub;
use crate::events::NodeEvent;
use crate::helping::Helping;
use crate::recorder::Recorder;

/// Inputs that share one commit at most: a whole window of messages and their receipts.
const BATCH: usize = 4_096;

/// How long what a crash may undo waits for the next commit that takes it to disk.
const SYNC_AFTER: Duration = Duration::from_millis(100);

/// How often the engine's generator gets fresh randomness, and forgettable rows that went are made unreadable.
const CHORES_EVERY: Duration = Duration::from_secs(600);

/// What becomes of a command. Called on the engine thread, after the commit; it must not wait.
pub(crate) type OnAnswer = Box<dyn FnOnce(Result<Answer, NodeError>) + Send>;

/// What the engine thread is told.
pub(crate) enum ToEngine {
    Input(Input),
    ChangePassphrase {
        old: Option<String>,
        new: Option<String>,
        done: Sender<Result<(), NodeError>>,
    },
    Save {
        writes: Vec<Write>,
        done: Sender<Result<(), NodeError>>,
    },
    Stats(Sender<(kith_engine::Stats, kith_store::store::Stats)>),
    /// What is known of other clocks.
    Clock(Sender<Option<ClockView>>),
    /// What was tried for these places of devices' channels, and what is tried next.
    Routes {
        about: Vec<(DeviceId, u64)>,
        since: Timestamp,
        answer: Sender<Vec<RouteView>>,
    },
    /// A community node's answer about servers for calls.
    Lent {
        node: DeviceId,
        offer: Option<TurnOffer>,
    },
    /// All who were asked for servers have answered.
    AllLent,
    Stop,
}

/// The answers that somebody waits for; `None` once the engine thread has ended.
pub(crate) struct Waiting(Mutex<Option<HashMap<CommandId, OnAnswer>>>);

impl Default for Waiting {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Option<HashMap<CommandId, OnAnswer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes who waits for an answer. Hands them back when there will be none.
    pub(crate) fn add(&self, id: CommandId, on_answer: OnAnswer) -> Result<(), OnAnswer> {
        match self.lock().as_mut() {
            Some(waiting) => {
                waiting.insert(id, on_answer);
                Ok(())
            }
            None => Err(on_answer),
        }
    }

    pub(crate) fn take(&self, id: CommandId) -> Option<OnAnswer> {
        self.lock().as_mut()?.remove(&id)
    }

    /// Whether answers come.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Tells everybody who waits that there will be no answer.
    fn close(&self) {
        let waiting = self.lock().take();
        for on_answer in waiting.into_iter().flat_map(HashMap::into_values) {
            on_answer(Err(NodeError::Stopped));
        }
    }
}

/// Tells everybody that the engine thread is over, however it ends.
struct LastWords {
    hub: Arc<Hub>,
    waiting: Arc<Waiting>,
    calling: Calling,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.hub.fail(&Failure::fault());
        }
        // Nobody could hang up any more.
        self.calling.end();
        self.hub.close();
        self.waiting.close();
    }
}

/// What the engine thread owns and shares.
pub(crate) struct Driver {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) rows: Reader,
    pub(crate) net: Net,
    pub(crate) inputs: Receiver<ToEngine>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) overview: Arc<Mutex<Overview>>,
    pub(crate) clock: Clock,
    pub(crate) record: Option<Recorder>,
    pub(crate) helping: Helping,
    pub(crate) calling: Calling,
    pub(crate) servers: Servers,
    /// What restoring the engine asked for.
    pub(crate) out: Output,
    /// When what a crash would undo goes to disk at the latest.
    pub(crate) sync_at: Option<Instant>,
}

impl Driver {
    /// Runs until it is told to stop or the store fails. Returns the store, to be closed.
    pub(crate) fn run(mut self) -> Option<Store> {
        let _last = LastWords {
            hub: Arc::clone(&self.hub),
            waiting: Arc::clone(&self.waiting),
            calling: self.calling.clone(),
        };
        let mut chores = Instant::now() + CHORES_EVERY;
        let mut shredded = false;
        loop {
            match self.settle() {
                Ok(wrote) => shredded |= wrote,
                Err(error) => {
                    tracing::error!(%error, "a commit failed");
                    self.hub.fail(&Failure::from(&error));
                    return None;
                }
            }
            let wait = self
                .clock
                .until(self.engine.next_wake())
                .min(chores.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            let due = self.sync_at.into_iter().chain(self.servers.next_wake(now)).min();
            let wait = due.map_or(wait, |at| wait.min(at.saturating_duration_since(now)));
            if let Ok(first) = self.inputs.recv_timeout(wait) {
                if !self.take(first) {
                    break;
                }
                let rest: Vec<ToEngine> = self.inputs.try_iter().take(BATCH).collect();
                if !rest.into_iter().all(|message| self.take(message)) {
                    break;
                }
            }
            let acts = self.servers.wake(Instant::now());
            self.serve(acts);
            if chores <= Instant::now() {
                chores = Instant::now() + CHORES_EVERY;
                self.do_chores(std::mem::take(&mut shredded));
            }
        }
        let done = self.settle().and_then(|_| self.sync());
        if let Err(error) = done {
            tracing::error!(%error, "the last commit failed");
        }
        if shredded {
            self.shred();
        }
        Some(self.store)
    }

    /// Handles one message. Returns whether to go on.
    fn take(&mut self, message: ToEngine) -> bool {
        match message {
            ToEngine::Input(input) => self.handle(input),
            ToEngine::ChangePassphrase { old, new, done } => {
                let _ = done.send(self.change_passphrase(old.as_deref(), new.as_deref()));
            }
            ToEngine::Save { writes, done } => {
                let saved = self.store.commit(&writes).map_err(NodeError::from);
                if saved.is_ok() {
                    // It took along what waited.
                    self.sync_at = None;
                }
                let _ = done.send(saved);
            }
            ToEngine::Stats(answer) => {
                let _ = answer.send((self.engine.stats(), self.store.stats()));
            }
            ToEngine::Clock(answer) => {
                let _ = answer.send(self.engine.clock());
            }
            ToEngine::Routes { about, since, answer } => {
                let routes = about.iter().map(|(device, at)| self.engine.route(device, *at, since));
                let _ = answer.send(routes.collect());
            }
            ToEngine::Lent { node, offer } => {
                let acts = self.servers.told(Instant::now(), node, offer.as_ref());
                self.serve(acts);
            }
            ToEngine::AllLent => {
                let acts = self.servers.all_told(Instant::now());
                self.serve(acts);
            }
            ToEngine::Stop => return false,
        }
        true
    }

    /// Does what servers for calls need. What the engine makes of it is done with the next step.
    fn serve(&mut self, acts: Vec<servers::Act>) {
        for act in acts {
            match act {
                servers::Act::Ask => _ = self.net.command_blocking(NetCommand::AskTurn),
                servers::Act::Use(servers) => {
                    self.calling.order(MediaCommand::SetServers { servers: servers.clone() });
                    self.handle(Input::Call(MediaEvent::Servers { servers }));
                }
                servers::Act::Order(command) => self.calling.order(command),
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.clock.now();
        if let Some(record) = &mut self.record {
            record.line(&Line::Input { now, input: input.clone() });
        }
        self.engine.handle(now, input, &self.rows, &mut self.out);
    }

    /// Commit, effects, events. Returns whether forgettable rows may have changed.
    fn settle(&mut self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        if self.engine.next_wake().is_some_and(|at| at <= now) {
            self.handle(Input::Wake);
        }
        let may_be_undone = self.out.may_be_undone();
        let writes = self.out.take_writes();
        let wrote = !writes.is_empty();
        let overdue = self.sync_at.is_some_and(|at| at <= Instant::now());
        let mut durable = None;
        if wrote && may_be_undone && !overdue {
            self.store.commit_soon(&writes)?;
            self.sync_at.get_or_insert_with(|| Instant::now() + SYNC_AFTER);
        } else if wrote {
            durable = Some(self.store.persist(&writes)?);
            self.sync_at = None;
        } else if overdue || !self.out.effects.is_empty() {
            self.sync()?;
        }
        if wrote && let Some(record) = &mut self.record {
            record.line(&Line::Commit { digest: digest(&writes) });
            record.flush();
        }
        for effect in std::mem::take(&mut self.out.effects) {
            match effect {
                Effect::Befriend { devices } => self.helping.befriend(devices),
                Effect::Call(command) => {
                    let acts = self.servers.order(Instant::now(), command);
                    self.serve(acts);
                }
                effect => {
                    if let Some(command) = effects::command(effect) {
                        // The swarm's task always takes commands, so this waits for moments only.
                        let _ = self.net.command_blocking(command);
                    }
                }
            }
        }
        if let Some(durable) = durable {
            self.store.show(durable)?;
        }
        self.publish();
        if self.inputs.is_empty() {
            self.store.rest()?;
        }
        Ok(wrote)
    }

    /// Takes to disk what a crash would undo.
    fn sync(&mut self) -> Result<(), StoreError> {
        match self.sync_at.take() {
            Some(_) => self.store.commit(&[]),
            None => Ok(()),
        }
    }

    fn publish(&mut self) {
        // First what is asked for: whoever hears an answer or an event sees it there.
        let overview = self.engine.overview();
        let of_group = || overview.group_calls.iter().find_map(|call| call.state.as_between_two());
        let state = overview.calls.first().map(|call| call.state).or_else(of_group);
        let acts = self.servers.call(Instant::now(), state);
        self.serve(acts);
        let mut shared = self.overview.lock().unwrap_or_else(PoisonError::into_inner);
        if *shared != overview {
            *shared = overview;
        }
        drop(shared);
        let mut events = Vec::new();
        for event in self.out.take_events() {
            if let Event::Answered { id, answer } = &event
                && let Some(on_answer) = self.waiting.take(*id)
            {
                // What happened before it is told before it.
                self.hub.publish(&std::mem::take(&mut events));
                on_answer(answer.clone().map_err(NodeError::Refused));
                continue;
            }
            events.push(NodeEvent::Engine(Box::new(event)));
        }
        self.hub.publish(&events);
    }

    fn change_passphrase(&mut self, old: Option<&str>, new: Option<&str>) -> Result<(), NodeError> {
        if !self.store.check_passphrase(old)? {
            return Err(StoreError::WrongPassphrase.into());
        }
        Ok(self.store.change_passphrase(new)?)
    }

    fn do_chores(&mut self, shredded: bool) {
        let mut entropy = [0; 32];
        if getrandom::fill(&mut entropy).is_ok() {
            self.handle(Input::Entropy(entropy));
        }
        if shredded {
            self.shred();
        }
    }

    fn shred(&mut self) {
        if let Err(error) = self.store.rotate_shred_key() {
            tracing::warn!(%error, "rows that were deleted could not be made unreadable yet");
        }
    }
}
