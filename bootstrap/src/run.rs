//! The node itself: a DHT server with an identity that stays, and records that survive a restart.

use std::io::Write as _;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use kith_host::Door;
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
use kith_net::config::Listen;
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
use zeroize::Zeroizing;

use crate::config::Config;

const IDENTITY: Table = Table::plain("identity");
const RECORDS: Table = Table::plain("records");
const PORTS: Table = Table::plain("ports");
const TABLES: &[Table] = &[IDENTITY, RECORDS, PORTS];

/// The folder of the mailbox's store in the data folder.
const MAILBOX: &str = "mailbox";

/// Records are written together this often: losing the last moment's costs their owners a renewal, nothing more.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Runs until a signal asks to stop.
pub(crate) fn run(data: &Path, config: &Config) -> Result<()> {
    let lock = Arc::new(FolderLock::take(data)?);
    let mut store = if Store::exists(data) {
        Store::open(&lock, None, TABLES)?
    } else {
        Store::create(&lock, None, TABLES, (0, &[]))?
    };
    let seed = identity(&mut store)?;
    let (records, listen) = {
        let rows = store.reader().snapshot()?;
        let mut records = Vec::new();
        rows.scan(RECORDS, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |_, value| {
            records.extend(Record::from_bytes(value));
            true
        })?;
        let mut listen = Vec::new();
        for address in &config.listen {
            let remembered =
                rows.get(PORTS, address.as_bytes())?.and_then(|bytes| String::from_utf8(bytes).ok());
            listen.push(Listen { address: address.clone(), remembered });
        }
        (records, listen)
    };
    let mut net_config = NetConfig::new(seed.clone(), Role::Server);
    net_config.listen = listen;
    net_config.external = config.external.clone();
    net_config.services =
        Services { dht: config.roles.dht, relay: config.roles.relay, autonat: config.roles.autonat };
    net_config.serve_mailbox = config.mailbox.serve;
    config.set_limits(&mut net_config.limits);
    let device = device_of(&net_config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (net, mut events) = Net::start(net_config, runtime.handle())?;
    let mailbox = match config.mailbox.serve {
        true => Some(host(data, &seed, config, net.clone(), &runtime)?),
        false => None,
    };
    for address in &config.external {
        let address = address::parse(address)?.0;
        println!("address: {}", address::text(&address, Some(&device)));
        if let Some(mailbox) = &mailbox {
            runtime.block_on(mailbox.give(NetEvent::Listening { listener: None, address }));
        }
    }
    for node in &config.bootstrap {
        net.command(NetCommand::AddBootstrap { node: address::parse_node(node)? })?;
    }
    tracing::info!(records = records.len(), "records restored");
    net.command(NetCommand::Restore { records })?;
    let mut server = Server { store, device, config: config.clone(), mailbox, unwritten: Vec::new() };
    runtime.block_on(server.serve(&mut events))?;
    // While the network still runs: what was committed last is answered.
    let mailbox = server.mailbox.take().map_or(Ok(()), |mailbox| mailbox.stop());
    runtime.block_on(events.shut_down());
    server.write()?;
    server.store.close()?;
    mailbox?;
    tracing::info!("stopped");
    Ok(())
}

/// The mailbox, open to whomever its settings admit.
fn host(
    data: &Path,
    seed: &[u8; 32],
    config: &Config,
    net: Net,
    runtime: &tokio::runtime::Runtime,
) -> Result<Host> {
    let folder = data.join(MAILBOX);
    let (passphrase, door, closing) = (None, Door::Anybody, false);
    let setup = Setup { folder: &folder, passphrase, seed, config: config.mailbox.limits(), door, closing };
    Ok(Host::start(setup, net, runtime.handle())?)
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

fn device_of(config: &NetConfig) -> Result<DeviceId> {
    kith_net::net::device_of_seed(&config.device_seed).context("the stored identity is not a key")
}

struct Server {
    store: Store,
    device: DeviceId,
    config: Config,
    mailbox: Option<Host>,
    unwritten: Vec<Write>,
}

impl Server {
    async fn serve(&mut self, events: &mut EventReceiver) -> Result<()> {
        let mut tick = tokio::time::interval(WRITE_EVERY);
        let mut stop = std::pin::pin!(stop_signal());
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.on_event(event).await,
                    None => break,
                },
                _ = tick.tick(), if !self.unwritten.is_empty() => self.write()?,
                () = ended(self.mailbox.as_ref()) => break,
                () = &mut stop => break,
            }
        }
        Ok(())
    }

    async fn on_event(&mut self, event: NetEvent) {
        if let Some(mailbox) = &self.mailbox {
            match event {
                NetEvent::Listening { .. } => mailbox.give(event.clone()).await,
                _ if Host::wants(&event) => return mailbox.give(event).await,
                _ => {}
            }
        }
        match event {
            NetEvent::Listening { listener, address } => {
                let text = address::text(&address, None);
                println!("address: {}", address::text(&address, Some(&self.device)));
                let _ = std::io::stdout().flush();
                if let Some(listener) = listener {
                    self.remember_port(listener, text);
                }
            }
            NetEvent::ListenFailed { address, reason } => {
                tracing::error!(
                    address,
                    reason,
                    "cannot listen here: free the port or choose another address"
                );
            }
            NetEvent::Stored { record } => {
                let key = record.key().0.to_vec();
                self.unwritten.push(Write {
                    table: RECORDS.name.to_owned(),
                    key,
                    value: Some(record.to_bytes()),
                });
            }
            NetEvent::Expired { keys } => self.unwritten.extend(keys.into_iter().map(|key| Write {
                table: RECORDS.name.to_owned(),
                key: key.0.to_vec(),
                value: None,
            })),
            NetEvent::Peers { connected, dht } => tracing::debug!(connected, dht, "peers"),
            _ => {}
        }
    }

    /// A port that was left open stays the same from now on, so that the printed address stays true.
    fn remember_port(&mut self, listener: usize, concrete: String) {
        let Some(configured) = self.config.listen.get(listener) else { return };
        let open = configured.contains("/tcp/0") || configured.contains("/udp/0");
        if open && !configured.contains("/0.0.0.0/") && !configured.contains("/::/") {
            let key = configured.as_bytes().to_vec();
            self.unwritten.push(Write {
                table: PORTS.name.to_owned(),
                key,
                value: Some(concrete.into_bytes()),
            });
        }
    }

    fn write(&mut self) -> Result<()> {
        let mut writes = std::mem::take(&mut self.unwritten);
        writes.sort_by(|one, other| one.table.cmp(&other.table));
        Ok(self.store.commit(&writes)?)
    }
}

/// Waits until the mailbox has ended by itself; for ever without one.
async fn ended(mailbox: Option<&Host>) {
    match mailbox {
        Some(mailbox) => mailbox.ended().await,
        None => std::future::pending().await,
    }
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
