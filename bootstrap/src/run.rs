//! The node itself: a DHT server with an identity that stays, and records that survive a restart.

use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use kith_host::Disk;
use kith_host::Door;
use kith_host::Feed;
use kith_host::Host;
use kith_host::Setup;
use kith_net::EventReceiver;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::Services;
use kith_net::address;
use kith_net::address::Reach;
use kith_net::config::Limits;
use kith_net::config::Listen;
use kith_proto::address::Multiaddress;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::record::Record;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows as _;
use kith_proto::rows::Table;
use kith_proto::rows::Write;
use kith_store::FolderLock;
use kith_store::Store;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::http;
use crate::logs::Logs;
use crate::settings;
use crate::settings::Changes;
use crate::settings::Source;
use crate::signals::Signals;
use crate::signals::Told as Signal;
use crate::status::Board;
use crate::status::Shown;
use crate::status::Told;
use crate::system;
use crate::turn::Turn;
use crate::writer::Writer;

const IDENTITY: Table = Table::plain("identity");
const RECORDS: Table = Table::plain("records");
const PORTS: Table = Table::plain("ports");
const TABLES: &[Table] = &[IDENTITY, RECORDS, PORTS];

/// The folder of the mailbox's store in the data folder.
const MAILBOX: &str = "mailbox";

/// Records are written together this often: losing the last moment's costs their owners a renewal, nothing more.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// With less room on the disk nothing is written but what the mailbox deletes; it takes nothing new long before.
const WRITE_RESERVE: u64 = 32 << 20;

/// Runs until a signal asks to stop.
pub(crate) fn run(data: &Path, config: Config, source: Source, logs: Logs) -> Result<()> {
    let since = Instant::now();
    system::raise_open_files();
    let lock = Arc::new(FolderLock::take(data)?);
    let mut store = if Store::exists(data) {
        Store::open(&lock, None, TABLES)?
    } else {
        Store::create(&lock, None, TABLES, (0, &[]))?
    };
    let seed = identity(&mut store)?;
    let (records, listen) = remembered(&store, &config)?;
    let certificate = certificate(&mut store)?;
    let external = config.external.iter().map(|address| kith_net::webrtc::with_hash(address, &certificate));
    let external = external.collect::<Result<Vec<_>, _>>()?;
    let mut net_config = net_config(&seed, listen, &config);
    net_config.lend_turn = config.turn.serve;
    net_config.external.clone_from(&external);
    net_config.webrtc_certificate = Some(certificate);
    let device = device_of(&net_config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let _inside = runtime.enter();
    let signals = Signals::listen()?;
    let (net, mut events) = Net::start(net_config, runtime.handle())?;
    let turn = if config.turn.serve { Some(runtime.block_on(start_turn(&config))?) } else { None };
    let (mailbox, closing) = host(data, &seed, &config, &net, &runtime)?;
    // A mailbox that is behind keeps nothing else of this node waiting.
    let feed = mailbox.clone().map(|host| {
        Feed::start(move || Some(host.clone()), net.clone(), events.request_credit(), runtime.handle())
    });
    tracing::info!(records = records.len(), "records restored");
    net.command(NetCommand::Restore { records })?;
    let (told, shown) = watch::channel(Told {
        config: config.clone(),
        addresses: Vec::new(),
        failed: Vec::new(),
        settings_refused: None,
        at_next_start: Vec::new(),
        closing,
    });
    let board = Board {
        since,
        data: data.to_owned(),
        net: net.clone(),
        mailbox: mailbox.as_ref().map(Host::numbers),
        mailbox_refused: feed.as_ref().map(Feed::refused).unwrap_or_default(),
        turn: turn.as_ref().map(Turn::numbers),
        told: shown,
    };
    let mut server = Server {
        writer: Writer::new(store),
        device,
        net,
        config,
        external,
        mailbox,
        feed,
        turn,
        source,
        logs,
        board,
        told,
        page: None,
        page_at: None,
    };
    runtime.block_on(server.begin())?;
    let served = runtime.block_on(server.serve(&mut events, signals));
    // While the network still runs: what was committed last is answered.
    let mailbox = server.mailbox.take().map_or(Ok(()), |mailbox| mailbox.stop());
    let network = runtime.block_on(events.shut_down());
    runtime.block_on(server.writer.finish())?.close()?;
    // Whoever watches over this process starts it again unless all went well: first what may be the cause of the rest.
    network?;
    served?;
    mailbox?;
    tracing::info!("stopped");
    Ok(())
}

/// The records that were kept, and the ports that were given.
fn remembered(store: &Store, config: &Config) -> Result<(Vec<Record>, Vec<Listen>)> {
    let rows = store.reader().snapshot()?;
    let mut records = Vec::new();
    rows.scan(RECORDS, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |_, value| {
        records.extend(Record::from_bytes(value));
        true
    })?;
    let mut listen = Vec::new();
    for address in &config.listen {
        let remembered = rows.get(PORTS, address.as_bytes())?.and_then(|bytes| String::from_utf8(bytes).ok());
        listen.push(Listen { address: address.clone(), remembered });
    }
    Ok((records, listen))
}

fn net_config(seed: &Zeroizing<[u8; 32]>, listen: Vec<Listen>, config: &Config) -> NetConfig {
    let mut net = NetConfig::new(seed.clone(), Role::Server);
    net.listen = listen;
    net.services =
        Services { dht: config.roles.dht, relay: config.roles.relay, autonat: config.roles.autonat };
    net.serve_mailbox = config.mailbox.serve;
    config.set_limits(&mut net.limits);
    net
}

/// The role `turn`, with a secret that is another after each start: what was lent before is over in minutes anyway.
async fn start_turn(config: &Config) -> Result<Turn> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).context("the system gives no random numbers")?;
    let turn = Turn::start(config.turn.numbers(), secret, &config.turn.listen()).await?;
    for address in turn.local() {
        tracing::info!(%address, "passes calls on (TURN)");
    }
    Ok(turn)
}

/// The mailbox, open to whomever its settings admit, and whether it is closing: it was switched off while something was kept, and
/// that is given out first.
fn host(
    data: &Path,
    seed: &[u8; 32],
    config: &Config,
    net: &Net,
    runtime: &tokio::runtime::Runtime,
) -> Result<(Option<Host>, bool)> {
    let folder = data.join(MAILBOX);
    let closing = !config.mailbox.serve && Store::exists(&folder);
    if !config.mailbox.serve && !closing {
        return Ok((None, false));
    }
    let (passphrase, door) = (None, Door::Anybody);
    let setup = Setup { folder: &folder, passphrase, seed, config: config.mailbox.limits(), door, closing };
    let host = Host::start(setup, net.clone(), runtime.handle())?;
    if closing {
        net.command(NetCommand::ServeMailbox { serve: true, offer: false })?;
        tracing::warn!(
            "the mailbox is closing: it takes nothing new, and is gone once all is fetched or has expired"
        );
    }
    Ok((Some(host), closing))
}

/// The seed of the node's key, made at the first start.
fn identity(store: &mut Store) -> Result<Zeroizing<[u8; 32]>> {
    const KEY: &[u8] = b"seed";
    if let Some(bytes) = store.reader().snapshot()?.get(IDENTITY, KEY)? {
        let seed: [u8; 32] = bytes.as_slice().try_into().context("the stored identity is not a key")?;
        return Ok(Zeroizing::new(seed));
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    store.commit(&[Write {
        table: IDENTITY.name.to_owned(),
        key: KEY.to_vec(),
        value: Some(seed.to_vec()),
    }])?;
    Ok(seed)
}

/// The certificate for browsers, made at the first start: its hash is part of the address.
fn certificate(store: &mut Store) -> Result<Zeroizing<String>> {
    const KEY: &[u8] = b"webrtc";
    if let Some(kept) = store.reader().snapshot()?.get(IDENTITY, KEY)? {
        return Ok(Zeroizing::new(String::from_utf8(kept).context("the stored certificate is not text")?));
    }
    let made = kith_net::webrtc::new_certificate()?;
    store.commit(&[Write {
        table: IDENTITY.name.to_owned(),
        key: KEY.to_vec(),
        value: Some(made.as_bytes().to_vec()),
    }])?;
    Ok(made)
}

fn device_of(config: &NetConfig) -> Result<DeviceId> {
    kith_net::net::device_of_seed(&config.device_seed).context("the stored identity is not a key")
}

struct Server {
    writer: Writer<Store>,
    device: DeviceId,
    net: Net,
    config: Config,
    /// The addresses to tell others, complete.
    external: Vec<String>,
    mailbox: Option<Host>,
    /// The way to it: there is one when there is the other.
    feed: Option<Feed>,
    turn: Option<Turn>,
    source: Source,
    logs: Logs,
    board: Board,
    told: watch::Sender<Told>,
    page: Option<http::Server>,
    /// Where the page is, until that was said. After the first address, which is what people look for.
    page_at: Option<SocketAddr>,
}

impl Server {
    /// Says where this node is to be found, joins others, opens the page.
    async fn begin(&mut self) -> Result<()> {
        self.open_page().await;
        for address in self.external.clone() {
            let address = address::parse(&address)?.0;
            self.show(&address);
            if let Some(feed) = &self.feed {
                feed.give(NetEvent::Listening { listener: None, address }).await;
            }
        }
        for node in &self.config.bootstrap {
            self.net.command(NetCommand::AddBootstrap { node: address::parse_node(node)? })?;
        }
        Ok(())
    }

    async fn serve(&mut self, events: &mut EventReceiver, mut signals: Signals) -> Result<()> {
        let mut tick = tokio::time::interval(WRITE_EVERY);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.on_event(event).await,
                    None => anyhow::bail!("the network ended by itself"),
                },
                _ = tick.tick(), if self.writer.has_work() => self.write(),
                done = self.writer.done() => done?,
                () = ended(self.mailbox.as_ref()) => {
                    if !self.mailbox_ended().await? {
                        break;
                    }
                }
                () = turn_ended(self.turn.as_ref()) => anyhow::bail!("a fault ended what passes calls on: start the node again"),
                signal = signals.next() => match signal {
                    Signal::Stop => break,
                    Signal::Reload => self.reload().await?,
                },
            }
        }
        Ok(())
    }

    /// The mailbox has ended by itself. Returns whether that was to be: it was closing, and nothing is left in it.
    async fn mailbox_ended(&mut self) -> Result<bool> {
        if !self.told.borrow().closing {
            return Ok(false);
        }
        self.feed = None;
        self.net.command_async(NetCommand::ServeMailbox { serve: false, offer: false }).await?;
        if let Some(host) = self.mailbox.take() {
            tokio::task::spawn_blocking(move || host.stop()).await??;
        }
        let folder = self.board.data.join(MAILBOX);
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(%error, "the empty mailbox could not be removed");
        }
        self.told.send_modify(|told| told.closing = false);
        tracing::info!("the mailbox is empty and gone");
        Ok(true)
    }

    /// Sends what waits to the disk, once there is room: a commit that fails would end the node, and what waits are
    /// records that others keep too.
    fn write(&mut self) {
        if Disk::under(&self.board.data).is_none_or(|disk| disk.free >= WRITE_RESERVE) {
            self.writer.begin();
        }
    }

    /// Reads the settings again. Those that cannot work change nothing.
    async fn reload(&mut self) -> Result<()> {
        let new = match self.source.read() {
            Ok(new) => new,
            Err(error) => {
                let why = format!("{error:#}");
                // First what is asked for: whoever reads the line sees it there.
                self.told.send_modify(|told| told.settings_refused = Some(why.clone()));
                tracing::error!(why, "the settings file was refused, the old settings go on");
                return Ok(());
            }
        };
        let changes = Changes::between(&self.config, &new);
        let merged = settings::merge(&self.config, new);
        let old = std::mem::replace(&mut self.config, merged);
        for changed in &changes.now {
            match *changed {
                "log" => self.logs.set_filter(&self.config.log)?,
                "limits" => {
                    let mut limits = Limits::for_role(Role::Server);
                    self.config.set_limits(&mut limits);
                    self.net.command_async(NetCommand::SetLimits { limits: Box::new(limits) }).await?;
                }
                "bootstrap" => self.change_bootstrap(&old.bootstrap).await?,
                "mailbox" => {
                    if let Some(feed) = &self.feed {
                        feed.configure(self.config.mailbox.limits(), Door::Anybody).await;
                    }
                }
                "http" => self.open_page().await,
                _ => {}
            }
        }
        let (config, at_next_start) = (self.config.clone(), changes.later.clone());
        self.told.send_modify(|told| {
            (told.config, told.at_next_start, told.settings_refused) = (config, at_next_start, None);
        });
        let (now, later) = (changes.now.join(", "), changes.later.join(", "));
        match later.is_empty() {
            true => tracing::info!(changed = now, "settings read again"),
            false => tracing::warn!(changed = now, at_the_next_start = later, "settings read again"),
        }
        Ok(())
    }

    async fn change_bootstrap(&self, old: &[String]) -> Result<()> {
        let new = &self.config.bootstrap;
        for gone in old.iter().filter(|node| !new.contains(node)) {
            let node = address::parse_node(gone)?;
            self.net.command_async(NetCommand::RemoveBootstrap { node }).await?;
        }
        for added in new.iter().filter(|node| !old.contains(node)) {
            let node = address::parse_node(added)?;
            self.net.command_async(NetCommand::AddBootstrap { node }).await?;
        }
        Ok(())
    }

    /// Opens the page where the settings say, in place of the former one. The node works without it.
    async fn open_page(&mut self) {
        if let Some(page) = self.page.take() {
            page.stop().await;
        }
        let address = match self.config.http.address() {
            Ok(Some(address)) => address,
            Ok(None) | Err(_) => return,
        };
        match http::Server::start(address, self.config.http.names.clone(), self.board.clone()).await {
            Ok(page) => {
                tracing::info!(address = %page.address(), "status page");
                self.page_at = Some(page.address());
                self.page = Some(page);
            }
            Err(error) => {
                let why = format!("{error:#}");
                tracing::warn!(why, "no status page: set “[http] listen” to another address or to “off”");
            }
        }
        if !self.told.borrow().addresses.is_empty() {
            self.say_page();
        }
    }

    /// Prints an address to give to people, and puts it on the page.
    fn show(&mut self, address: &Multiaddress) {
        let text = address::text(address, Some(&self.device));
        println!("address: {text}");
        let is_public = address::reach(address) == Reach::Global;
        self.told.send_modify(|told| {
            told.addresses.retain(|known| known.text != text);
            told.addresses.push(Shown { text, is_public });
        });
        self.say_page();
    }

    fn say_page(&mut self) {
        if let Some(address) = self.page_at.take() {
            println!("status page: http://{address}/");
        }
        let _ = std::io::stdout().flush();
    }

    async fn on_event(&mut self, event: NetEvent) {
        if let Some(feed) = &self.feed {
            match event {
                NetEvent::Listening { .. } => feed.give(event.clone()).await,
                _ if Host::wants(&event) => return feed.give(event).await,
                _ => {}
            }
        }
        match event {
            NetEvent::Listening { listener, address } => {
                if let Some(listener) = listener {
                    self.remember_port(listener, &address::text(&address, None));
                }
                self.show(&address);
            }
            NetEvent::ListenerClosed { address } => {
                let gone = address::text(&address, Some(&self.device));
                self.told.send_modify(|told| told.addresses.retain(|known| known.text != gone));
            }
            NetEvent::ListenFailed { address, reason } => {
                tracing::error!(
                    address,
                    reason,
                    "cannot listen here: free the port or choose another address"
                );
                self.told.send_modify(|told| told.failed.push(address));
            }
            NetEvent::Stored { record } => {
                self.writer.note(RECORDS, record.key().0.to_vec(), Some(record.to_bytes()));
            }
            NetEvent::Expired { keys } => {
                keys.into_iter().for_each(|key| self.writer.note(RECORDS, key.0.to_vec(), None));
            }
            NetEvent::TurnAsked { question, device, ip } => {
                let offer = match &self.turn {
                    Some(turn) => turn.offer(&self.config.turn, device, ip).await,
                    None => None,
                };
                // A network that has no room for it has other troubles; whoever asked hears nothing and asks elsewhere.
                let _ = self.net.command(NetCommand::AnswerTurn { question, offer });
            }
            NetEvent::Peers { connected, dht } => tracing::debug!(connected, dht, "peers"),
            _ => {}
        }
    }

    /// A port that was left open stays the same from now on, so that the printed address stays true.
    fn remember_port(&mut self, listener: usize, concrete: &str) {
        let Some(configured) = self.config.listen.get(listener) else { return };
        let Some(given) = address::with_port_of(configured, concrete) else { return };
        self.writer.note(PORTS, configured.as_bytes().to_vec(), Some(given.into_bytes()));
    }
}

/// Waits until the mailbox has ended by itself; for ever without one.
async fn turn_ended(turn: Option<&Turn>) {
    match turn {
        Some(turn) => turn.ended().await,
        None => std::future::pending().await,
    }
}

async fn ended(mailbox: Option<&Host>) {
    match mailbox {
        Some(mailbox) => mailbox.ended().await,
        None => std::future::pending().await,
    }
}
