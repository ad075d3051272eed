//! The handle that front ends hold: opening a data folder, making or unlocking the account, commands, queries, events.

mod pump;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use kith_calls::Kind;
use kith_calls::Picture;
use kith_calls::Reach;
use kith_calls::device::choice::Whose;
use kith_calls::stats::Rehearsed;
use kith_engine::Command;
use kith_engine::Config;
use kith_engine::Engine;
use kith_engine::Input;
use kith_engine::Overview;
use kith_engine::account;
use kith_engine::command::Answer;
use kith_engine::command::Refusal;
use kith_engine::migrate;
use kith_engine::query;
use kith_engine::record::Line;
use kith_engine::record::all_rows;
use kith_engine::view::CallState;
use kith_engine::view::TraceView;
use kith_host::Feed;
use kith_net::EventReceiver;
use kith_net::Net;
use kith_net::NetConfig;
use kith_net::Role;
use kith_net::address;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::call::Capabilities;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaEvent;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::CommandId;
use kith_proto::id::DeviceId;
use kith_proto::id::MessageId;
use kith_proto::rows::Rows;
use kith_proto::rows::Table;
use kith_store::FolderLock;
use kith_store::Reader;
use kith_store::Snapshot;
use kith_store::Store;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::calling::Calling;
use crate::calling::GroupPictures;
use crate::calling::Pictures;
use crate::calling::Tune;
use crate::calling::carriers::ClientId;
use crate::calling::carriers::Tell;
use crate::calling::devices::Choices;
use crate::calling::servers::Servers;
use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::doctor::Known;
use crate::doctor::People;
use crate::error::Failure;
use crate::error::NodeError;
use crate::events::Events;
use crate::events::Hub;
use crate::events::Speaker;
use crate::handle::pump::Pump;
use crate::helping::HelpView;
use crate::helping::Helping;
use crate::helping::settings::HelpSettings;
use crate::helping::settings::SETTINGS;
use crate::ports::Ports;
use crate::recorder::Recorder;
use crate::run::Driver;
use crate::run::OnAnswer;
use crate::run::ToEngine;
use crate::run::Waiting;

/// Messages that may wait for the engine thread. When it is full, front ends and the network wait.
const ENGINE_QUEUE: usize = 8_192;

/// So long a word takes at most from the engine onto the line, before the network stops.
const LAST_WORD: Duration = Duration::from_millis(200);

/// So long the end waits until clients have read the answers to what they asked; one that does not read gets none.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// The tables of the account's store: the engine's, and the node's own settings.
fn tables() -> Vec<Table> {
    kith_engine::rows::TABLES.iter().copied().chain([SETTINGS]).collect()
}

/// Whether there is an account, and whether it can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// The folder is empty.
    None,
    /// The folder is locked with a passphrase.
    Locked,
    /// The node runs.
    Ready,
    /// The node has stopped.
    Stopped,
}

/// A new account. The phrase is shown once and kept nowhere.
pub struct NewAccount {
    /// The account.
    pub account: AccountId,
    /// This device.
    pub device: DeviceId,
    /// The 24 words that bring the account back.
    pub phrase: Zeroizing<String>,
}

/// A node on a data folder. Clones are the same node.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    config: NodeConfig,
    hub: Arc<Hub>,
    next_command: AtomicU64,
    phase: Mutex<Phase>,
}

enum Phase {
    Closed(Arc<FolderLock>),
    Running(Box<Running>),
    Stopped,
}

struct Running {
    engine: Sender<ToEngine>,
    reader: Reader,
    net: Net,
    overview: Arc<Mutex<Overview>>,
    waiting: Arc<Waiting>,
    helping: Helping,
    calling: Calling,
    stop_net: Arc<Notify>,
    /// Closed once the network has hung up everywhere.
    net_ended: Receiver<()>,
    engine_thread: JoinHandle<Option<Store>>,
    _runtime: Runtime,
}

/// What a node uses of the system.
struct Outside {
    runtime: Runtime,
    net: Net,
    events: EventReceiver,
    ports: Ports,
    record: Option<Recorder>,
    seed: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handle({:?})", self.account_state())
    }
}

impl Handle {
    /// Takes a data folder and, if there is an account that is not locked, starts its node.
    ///
    /// # Errors
    /// When the folder is in use or damaged, or the network cannot be set up.
    pub fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let lock = Arc::new(FolderLock::take(&config.data)?);
        let phase = Mutex::new(Phase::Closed(lock));
        let handle =
            Self(Arc::new(Inner { config, hub: Arc::default(), next_command: AtomicU64::new(1), phase }));
        if Store::exists(&handle.0.config.data) && !Store::is_protected(&handle.0.config.data)? {
            handle.unlock(None)?;
        }
        Ok(handle)
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is an account, and whether it can be used.
    pub fn account_state(&self) -> AccountState {
        match &*self.phase() {
            Phase::Running(running) if running.waiting.is_open() => AccountState::Ready,
            Phase::Running(_) => AccountState::Stopped,
            Phase::Stopped => AccountState::Stopped,
            Phase::Closed(_) if Store::exists(&self.0.config.data) => AccountState::Locked,
            Phase::Closed(_) => AccountState::None,
        }
    }

    /// Makes an account in an empty folder, or brings one back by its recovery phrase, and starts its node.
    ///
    /// # Errors
    /// When there is one already, the name is empty, the phrase is none, or something cannot be written.
    pub fn create_account(
        &self,
        name: &str,
        passphrase: Option<&str>,
        phrase: Option<&str>,
    ) -> Result<NewAccount, NodeError> {
        let mut phase = self.phase();
        let lock = match &*phase {
            Phase::Closed(lock) if !Store::exists(&self.0.config.data) => Arc::clone(lock),
            Phase::Stopped => return Err(NodeError::Stopped),
            _ => return Err(NodeError::HasAccount),
        };
        let new = account::create(entropy()?, name, phrase, Clock::default().now())?;
        let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty());
        let store = Store::create(&lock, passphrase, &tables(), (migrate::SCHEMA_VERSION, &new.writes))?;
        // An account whose phrase nobody saw must not stay.
        let outside = match self.outside(&store) {
            Ok(outside) => outside,
            Err(error) => {
                store.discard()?;
                return Err(error);
            }
        };
        *phase = Phase::Running(Box::new(self.run(store, outside)?));
        Ok(NewAccount { account: new.account, device: new.device, phrase: new.phrase })
    }

    /// Opens the account of the folder and starts its node. Does nothing when it runs already.
    ///
    /// # Errors
    /// When the passphrase is wrong, or the folder is damaged.
    pub fn unlock(&self, passphrase: Option<&str>) -> Result<(), NodeError> {
        let mut phase = self.phase();
        let lock = match &*phase {
            Phase::Running(_) => return Ok(()),
            Phase::Stopped => return Err(NodeError::Stopped),
            Phase::Closed(_) if !Store::exists(&self.0.config.data) => return Err(NodeError::NoAccount),
            Phase::Closed(lock) => Arc::clone(lock),
        };
        let mut store = Store::open(&lock, passphrase, &tables())?;
        store.migrate(|from, rows| Ok((migrate::SCHEMA_VERSION, migrate::migrate(from, rows)?)))?;
        let outside = self.outside(&store)?;
        *phase = Phase::Running(Box::new(self.run(store, outside)?));
        Ok(())
    }

    /// Changes or removes the passphrase.
    ///
    /// # Errors
    /// When the old one is wrong or the new keyring cannot be written.
    pub fn change_passphrase(&self, old: Option<&str>, new: Option<&str>) -> Result<(), NodeError> {
        let (done, answer) = bounded(1);
        let own = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        self.tell(ToEngine::ChangePassphrase { old: own(old), new: own(new), done })?;
        answer.recv().map_err(|_| NodeError::Stopped)?
    }

    /// Starts what the node needs of the system. Everything that a wrong configuration can make fail is here.
    fn outside(&self, store: &Store) -> Result<Outside, NodeError> {
        let config = &self.0.config;
        let seed = account::device_seed(&store.reader().snapshot()?)?.ok_or(NodeError::NoAccount)?;
        let mut net_config = NetConfig::new(seed.clone(), Role::User);
        net_config.mdns = config.mdns;
        net_config.upnp = config.upnp;
        let configured = match config.listen.is_empty() {
            true => net_config.listen.into_iter().map(|listen| listen.address).collect(),
            false => config.listen.clone(),
        };
        let ports = Ports::load(&config.data, configured);
        net_config.listen = ports.listen();
        let system = |error: std::io::Error| NodeError::System(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // One: a frame wakes five tasks one after another, and each wake-up of another thread costs tens of
            // microseconds.
            .worker_threads(1)
            .thread_name("kith-net")
            .enable_all()
            .build()
            .map_err(system)?;
        let (net, events) = Net::start(net_config, runtime.handle())?;
        for address in &config.bootstrap {
            let node = address::parse_node(address)?;
            net.command(kith_net::NetCommand::AddBootstrap { node })?;
        }
        let record = config.record.as_deref().map(Recorder::open).transpose().map_err(system)?;
        Ok(Outside { runtime, net, events, ports, record, seed })
    }

    fn engine_config(&self) -> Config {
        let usual = Config::default();
        let direct_members = self.0.config.direct_members.unwrap_or(usual.direct_members);
        Config { direct_members, bootstraps: self.0.config.bootstrap.clone(), ..usual }
    }

    fn run(&self, store: Store, outside: Outside) -> Result<Running, NodeError> {
        let Outside { runtime, net, mut events, ports, record, seed } = outside;
        let system = |error: std::io::Error| NodeError::System(error.to_string());
        let reader = store.reader();
        let rows = reader.snapshot()?;
        let mut clock = Clock::default();
        let (now, entropy) = (clock.now(), entropy()?);
        let mut record = record;
        if let Some(record) = &mut record {
            record.line(&Line::Start { now, entropy, rows: all_rows(&rows)? });
        }
        let (engine, out) = Engine::restore(&rows, now, entropy, self.engine_config())?;
        let settings = HelpSettings::load(&rows)?;
        let choices = Choices::load(&rows)?;
        drop(rows);
        let (sender, inputs) = bounded(ENGINE_QUEUE);
        let hub = Arc::clone(&self.0.hub);
        let around = (net.clone(), runtime.handle().clone());
        let helping = Helping::new(&self.0.config.data, seed, around, sender.clone(), hub);
        let reach = if self.0.config.calls_on_loopback { Reach::Loopback } else { Reach::Network };
        let media = kith_calls::Config { reach, ..kith_calls::Config::default() };
        let calling = Calling::start(media, choices, sender.clone());
        let (overview, waiting) = (Arc::new(Mutex::new(engine.overview())), Arc::new(Waiting::default()));
        let driver = Driver {
            engine,
            rows: store.reader(),
            store,
            net: net.clone(),
            inputs,
            hub: Arc::clone(&self.0.hub),
            waiting: Arc::clone(&waiting),
            overview: Arc::clone(&overview),
            clock,
            record,
            helping: helping.clone(),
            calling: calling.clone(),
            servers: Servers::default(),
            out,
            sync_at: None,
        };
        let engine_thread = thread::Builder::new()
            .name("kith-engine".to_owned())
            .spawn(move || driver.run())
            .map_err(system)?;
        let stop_net = Arc::new(Notify::new());
        let (ended, net_ended) = bounded(0);
        let stop = Arc::clone(&stop_net);
        let helper = helping.clone();
        let feed = Feed::start(move || helper.host(), net.clone(), events.request_credit(), runtime.handle());
        let pump = Pump { events, ports, engine: sender.clone(), feed, stop, _ended: ended };
        runtime.spawn(pump.run());
        helping.resume(settings);
        Ok(Running {
            engine: sender,
            reader,
            net,
            overview,
            waiting,
            helping,
            calling,
            stop_net,
            net_ended,
            engine_thread,
            _runtime: runtime,
        })
    }

    fn running<T>(&self, with: impl FnOnce(&Running) -> T) -> Result<T, NodeError> {
        match &*self.phase() {
            Phase::Running(running) => Ok(with(running)),
            Phase::Stopped => Err(NodeError::Stopped),
            Phase::Closed(_) if Store::exists(&self.0.config.data) => Err(NodeError::Locked),
            Phase::Closed(_) => Err(NodeError::NoAccount),
        }
    }

    fn tell(&self, message: ToEngine) -> Result<(), NodeError> {
        let engine = self.running(|running| running.engine.clone())?;
        engine.send(message).map_err(|_| NodeError::Stopped)
    }

    /// Hands over a command; its answer comes as an event.
    ///
    /// # Errors
    /// When there is no running node.
    pub fn submit(&self, command: Command) -> Result<CommandId, NodeError> {
        let id = CommandId(self.0.next_command.fetch_add(1, Ordering::Relaxed));
        self.tell(ToEngine::Input(Input::Command { id, command }))?;
        Ok(id)
    }

    /// Hands over a command; `on_answer` is called with its answer, on the engine thread, and must not wait.
    ///
    /// # Errors
    /// When there is no running node; `on_answer` is not called then.
    pub fn submit_with(&self, command: Command, on_answer: OnAnswer) -> Result<(), NodeError> {
        let (engine, waiting) =
            self.running(|running| (running.engine.clone(), Arc::clone(&running.waiting)))?;
        let id = CommandId(self.0.next_command.fetch_add(1, Ordering::Relaxed));
        if waiting.add(id, on_answer).is_err() {
            return Err(NodeError::Stopped);
        }
        engine.send(ToEngine::Input(Input::Command { id, command })).map_err(|_| {
            drop(waiting.take(id));
            NodeError::Stopped
        })
    }

    /// Carries out a command and waits for its answer.
    ///
    /// # Errors
    /// When it is refused, or there is no running node.
    pub fn call(&self, command: Command) -> Result<Answer, NodeError> {
        let (done, answer) = bounded(1);
        self.submit_with(command, Box::new(move |result| drop(done.send(result))))?;
        answer.recv().map_err(|_| NodeError::Stopped)?
    }

    /// A queue of events from now on.
    pub fn events(&self) -> Events {
        self.0.hub.subscribe()
    }

    /// A view of the rows for [`kith_engine::query`].
    ///
    /// # Errors
    /// When there is no running node.
    pub fn rows(&self) -> Result<Snapshot, NodeError> {
        Ok(self.running(|running| running.reader.clone())?.snapshot()?)
    }

    /// Runs a query over the rows as they are now.
    ///
    /// # Errors
    /// When there is no running node, or the query fails.
    pub fn query<T, E: Into<NodeError>>(
        &self,
        query: impl FnOnce(&dyn Rows) -> Result<T, E>,
    ) -> Result<T, NodeError> {
        query(&self.rows()?).map_err(Into::into)
    }

    /// What is true now and stands in no row.
    pub fn overview(&self) -> Overview {
        self.running(|running| running.overview.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }

    /// What the engine, the store and the network counted.
    ///
    /// # Errors
    /// When there is no running node.
    pub fn stats(
        &self,
    ) -> Result<(kith_engine::Stats, kith_store::store::Stats, kith_net::Stats), NodeError> {
        let net = self.running(|running| running.net.stats())?;
        let (answer, stats) = bounded(1);
        self.tell(ToEngine::Stats(answer))?;
        let (engine, store) = stats.recv().map_err(|_| NodeError::Stopped)?;
        Ok((engine, store, net))
    }

    /// Everything that is known about the connection, for [`doctor`](crate::doctor).
    ///
    /// # Errors
    /// When there is no running node.
    pub fn examine(&self) -> Result<Known, NodeError> {
        let overview = self.overview();
        let mut contacts = self.query(query::contacts)?;
        for contact in &mut contacts {
            contact.online = overview.online.contains(&contact.contact);
        }
        let (engine, _, net) = self.stats()?;
        let (answer, clock) = bounded(1);
        self.tell(ToEngine::Clock(answer))?;
        Ok(Known {
            now: Clock::default().now(),
            network: overview.network,
            facts: self.running(|running| running.net.facts())?,
            clock: clock.recv().map_err(|_| NodeError::Stopped)?,
            people: People::count(&contacts),
            engine,
            net,
        })
    }

    /// What became of a message: what rows say, what was tried since this node runs, and what is tried next.
    ///
    /// # Errors
    /// When there is no running node, or the rows cannot be read.
    pub fn trace(&self, message: &MessageId) -> Result<Option<TraceView>, NodeError> {
        let now = Clock::default().now();
        let Some(mut view) = self.query(|rows| query::trace(rows, message, now))? else { return Ok(None) };
        let about = view.devices.iter().map(|device| (device.device, device.position)).collect();
        let (answer, routes) = bounded(1);
        self.tell(ToEngine::Routes { about, since: view.message.stored_at, answer })?;
        let routes = routes.recv().map_err(|_| NodeError::Stopped)?;
        for (device, route) in view.devices.iter_mut().zip(routes) {
            device.route = route;
        }
        Ok(Some(view))
    }

    /// Keeps mail for others, or does not any more: then what is kept is given to those who come for it, and nothing new
    /// is taken. `change` sets how much and for whom.
    ///
    /// # Errors
    /// When the size cannot be, or there is no running node.
    pub fn help(&self, enabled: bool, change: impl FnOnce(&mut HelpSettings)) -> Result<HelpView, NodeError> {
        let helping = self.running(|running| running.helping.clone())?;
        helping.set(Clock::default().now(), enabled, change)
    }

    /// What is kept for others now.
    ///
    /// # Errors
    /// When there is no running node.
    pub fn helping(&self) -> Result<HelpView, NodeError> {
        Ok(self.running(|running| running.helping.clone())?.view())
    }

    /// What is measured in calls.
    ///
    /// # Errors
    /// When there is no running node.
    pub fn call_stats(&self) -> Result<kith_calls::stats::Stats, NodeError> {
        self.running(|running| running.calling.stats())
    }

    /// Which devices calls use.
    ///
    /// # Errors
    /// When there is no running node.
    pub fn call_devices(&self) -> Result<Choices, NodeError> {
        self.running(|running| running.calling.choices())
    }

    /// Uses other devices in calls, in one that is going on, too.
    ///
    /// # Errors
    /// When it cannot be kept, or there is no running node.
    pub fn choose_call_devices(&self, choices: Choices) -> Result<(), NodeError> {
        let (done, saved) = bounded(1);
        self.tell(ToEngine::Save { writes: vec![choices.write()], done })?;
        saved.recv().map_err(|_| NodeError::Stopped)??;
        self.running(|running| running.calling.choose(choices))
    }

    /// The newest picture that somebody in a call shows; nothing when they show none.
    pub fn call_picture(&self, of: LegId, kind: Kind) -> Option<Arc<Picture>> {
        let of = Whose::Theirs(of);
        self.running(|running| running.calling.displays().newest(of, kind)).ok().flatten()
    }

    /// The newest pictures of a call: theirs and the own ones.
    pub fn call_pictures(&self, call: CallId) -> Pictures {
        self.running(|running| {
            let displays = running.calling.displays();
            Pictures {
                camera: displays.newest_in(call, Kind::Camera),
                screen: displays.newest_in(call, Kind::Screen),
                own: displays.newest(Whose::Own, Kind::Camera),
            }
        })
        .unwrap_or_default()
    }

    /// The newest pictures of a call of a group.
    pub fn group_call_pictures(&self, call: CallId) -> GroupPictures {
        let pictures = self.running(|running| running.calling.displays().newest_of_all(call));
        pictures.unwrap_or_default()
    }

    /// Has `waker` called, from another thread, whenever there is a new picture in a call, with whose it is.
    pub fn wake_with_pictures(&self, waker: impl Fn(Whose) + Send + Sync + 'static) {
        let _ = self.running(|running| running.calling.displays().wake_with(Arc::new(waker)));
    }

    /// A client of the API moves the sound and pictures of calls from now on, instead of whoever did before.
    ///
    /// # Errors
    /// When there is no running node.
    pub(crate) fn take_over_media(
        &self,
        client: ClientId,
        able: Capabilities,
        tell: Tell,
    ) -> Result<(), NodeError> {
        self.calling().map(|calling| calling.take_over(client, able, tell))
    }

    /// This node moves them itself again. Returns whether the client did.
    pub(crate) fn lay_down_media(&self, client: ClientId) -> bool {
        self.calling().is_ok_and(|calling| calling.lay_down(client))
    }

    /// The epoch that a leg was opened with which this client carries; `None` for any other.
    ///
    /// # Errors
    /// When there is no running node.
    pub(crate) fn opened_leg(&self, client: ClientId, leg: &LegId) -> Result<Option<u32>, NodeError> {
        self.running(|running| running.calling.opened(client, leg))
    }

    /// Whether a client carries a call.
    ///
    /// # Errors
    /// When there is no running node.
    pub(crate) fn has_call(&self, client: ClientId, call: &CallId) -> Result<bool, NodeError> {
        self.running(|running| running.calling.has_call(client, call))
    }

    /// What became of the media of a call, by whoever carries it.
    ///
    /// # Errors
    /// When there is no running node.
    pub(crate) fn report_media(&self, event: MediaEvent) -> Result<(), NodeError> {
        self.calling().map(|calling| calling.report(event))
    }

    /// The calls, to be used without holding up who else uses the node.
    fn calling(&self) -> Result<Calling, NodeError> {
        self.running(|running| running.calling.clone())
    }

    /// Plays a tune on the speaker of calls until told otherwise, or nothing any more. The node itself never rings.
    ///
    /// # Errors
    /// When there is no running node.
    pub fn ring(&self, tune: Option<Tune>) -> Result<(), NodeError> {
        self.running(|running| running.calling.ring(tune))
    }

    /// Begins a call to oneself, which tells how one is heard, or ends it. A call with somebody ends it as well.
    ///
    /// # Errors
    /// When there is a call, or no running node.
    pub fn rehearse(&self, on: bool) -> Result<(), NodeError> {
        if on && self.overview().calls.iter().any(|call| !matches!(call.state, CallState::Ended(_))) {
            return Err(Refusal::InCall.into());
        }
        self.calling().map(|calling| calling.rehearse(on))
    }

    /// How the call to oneself goes; nothing when there is none.
    ///
    /// # Errors
    /// When there is no running node.
    pub fn rehearsed(&self) -> Result<Option<Rehearsed>, NodeError> {
        self.running(|running| running.calling.rehearsed())
    }

    /// Waits until the node has ended: by itself with what it says about it, or because it was told to.
    pub fn wait_for_end(&self) -> Option<Failure> {
        self.0.hub.wait_for_end()
    }

    /// How the node was set up.
    pub fn config(&self) -> &NodeConfig {
        &self.0.config
    }

    /// Stops the node: what waits is written, connections are closed, threads end. The folder is free afterwards.
    pub fn shut_down(&self) {
        self.hang_up();
        let phase = std::mem::replace(&mut *self.phase(), Phase::Stopped);
        let Phase::Running(running) = phase else {
            self.0.hub.close();
            return;
        };
        let Running { engine, reader, helping, stop_net, net_ended, engine_thread, .. } = *running;
        helping.stop();
        stop_net.notify_one();
        let _ = net_ended.recv();
        let _ = engine.send(ToEngine::Stop);
        let store = engine_thread.join();
        // The store can be closed once no reader is left that keeps its database open.
        drop(reader);
        if let Ok(Some(store)) = store
            && let Err(error) = store.close()
        {
            tracing::warn!(%error, "the data folder was not closed cleanly; nothing is lost");
        }
        self.0.hub.wait_for_speakers(LAST_ANSWERS);
    }

    /// Somebody who tells a client what the node says, to its last word.
    pub(crate) fn speaker(&self) -> Speaker {
        self.0.hub.speaker()
    }

    /// Ends the call that this device is in, so that the other side need not find out by itself.
    fn hang_up(&self) {
        let calls = self.overview().calls;
        let ended =
            calls.iter().filter(|view| self.call(Command::HangUp { call: view.call }).is_ok()).count();
        if ended > 0 {
            // Nobody confirms a last word.
            thread::sleep(LAST_WORD);
        }
    }
}

/// An address as people write it, with the device that answers there if given.
pub fn address_text(address: &Multiaddress, device: Option<&DeviceId>) -> String {
    address::text(address, device)
}

/// The address of a node as people write it, which says who answers there.
///
/// # Errors
/// When it is not one.
pub fn parse_node(text: &str) -> Result<DeviceAddress, NodeError> {
    Ok(address::parse_dialled(text)?)
}

/// Checks the address of a bootstrap node as people write it.
///
/// # Errors
/// When it is not one.
pub fn check_bootstrap(text: &str) -> Result<String, NodeError> {
    let node = address::parse_dialled(text)?;
    Ok(address::text(&node.address, Some(&node.device)))
}

fn entropy() -> Result<[u8; 32], NodeError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| NodeError::System(error.to_string()))?;
    Ok(bytes)
}
