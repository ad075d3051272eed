//! The sockets of the role `turn`: one loop that owns them, and `kith-turn`, which decides. Not here: who is given credentials over
//! libp2p (`crates/net/SPEC.md`), and what is refused (`kith-turn`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use anyhow::Result;
use kith_net::TurnOffer;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use kith_turn::Config;
use kith_turn::Credentials;
use kith_turn::Effect;
use kith_turn::RelayId;
use kith_turn::Server;
use kith_turn::Stats;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config as settings;

/// The longest datagram that is passed on: calls keep below what every path carries, and Ethernet ends at 1,500.
const DATAGRAM: usize = 2_048;

/// Datagrams from peers that wait for the loop; what comes meanwhile waits in the sockets.
const WAITING: usize = 256;

/// Questions that wait for the loop.
const ASKS: usize = 64;

/// Ports that are tried for one relayed address: others may have taken some of the range.
const PORT_TRIES: usize = 32;

/// How often the counters are shown, and what is over is closed at the latest.
const TICK: Duration = Duration::from_secs(1);

/// How long the addresses of this machine are taken for what they were.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// A member's question for credentials.
struct Ask {
    member: DeviceId,
    ip: IpAddr,
    answer: oneshot::Sender<Option<(Credentials, Span)>>,
}

/// The running role.
pub(crate) struct Turn {
    asks: mpsc::Sender<Ask>,
    numbers: watch::Receiver<Stats>,
    /// Where it listens.
    local: Vec<SocketAddr>,
    task: JoinHandle<()>,
}

impl Turn {
    /// Listens, and serves until it is dropped.
    ///
    /// # Errors
    /// When it cannot listen at one of the addresses; says at which.
    pub(crate) async fn start(config: Config, secret: [u8; 32], listen: &[SocketAddr]) -> Result<Self> {
        let mut sockets = Vec::new();
        for address in listen {
            let why = || format!("[turn] cannot listen at {address} (UDP): free the port or choose another");
            sockets.push(Arc::new(bind(*address).with_context(why)?));
        }
        let local = sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect();
        let (asks, asked) = mpsc::channel(ASKS);
        let (shown, numbers) = watch::channel(Stats::default());
        let (from_relays, relayed) = mpsc::channel(WAITING);
        let ports = config.ports;
        let server = Server::new(config, secret);
        let sockets = Sockets { listen: sockets, relays: BTreeMap::new(), ports, from_relays };
        let (clock, own) = (Clock::new(), OwnAddresses::default());
        let running = Running { server, sockets, clock, own, shown, effects: Vec::new() };
        let task = tokio::spawn(running.run(asked, relayed));
        Ok(Self { asks, numbers, local, task })
    }

    /// Credentials for a member that is seen at an address; `None` when there are none for it now.
    async fn issue(&self, member: DeviceId, ip: IpAddr) -> Option<(Credentials, Span)> {
        let (answer, answered) = oneshot::channel();
        self.asks.send(Ask { member, ip, answer }).await.ok()?;
        answered.await.ok()?
    }

    /// What a member that is seen at an address is lent: the servers of both kinds of address, the kind that it is seen with first; each
    /// of its interfaces uses what it can reach.
    pub(crate) async fn offer(
        &self,
        settings: &settings::Turn,
        member: DeviceId,
        ip: IpAddr,
    ) -> Option<TurnOffer> {
        let of_kind = |v6: bool| {
            let public = settings.public.iter().find(|public| public.is_ipv6() == v6)?;
            let local = self.local.iter().find(|local| local.is_ipv6() == v6)?;
            Some(SocketAddr::new(*public, local.port()))
        };
        let servers = [ip.is_ipv6(), !ip.is_ipv6()].into_iter().filter_map(of_kind);
        let urls = servers.flat_map(|at| [format!("stun:{at}"), format!("turn:{at}?transport=udp")]);
        let urls = BoundedVec::truncated(urls.map(BoundedStr::truncated).collect());
        let (credentials, valid_for) = self.issue(member, ip).await?;
        Some(TurnOffer {
            valid_secs: u32::try_from(valid_for.0 / 1_000).unwrap_or(u32::MAX),
            urls,
            user: BoundedStr::truncated(&credentials.user),
            password: BoundedStr::truncated(&credentials.password),
        })
    }

    /// The counters.
    pub(crate) fn numbers(&self) -> watch::Receiver<Stats> {
        self.numbers.clone()
    }

    /// Waits until it has ended, which it does only by a fault.
    pub(crate) async fn ended(&self) {
        let mut numbers = self.numbers.clone();
        while numbers.changed().await.is_ok() {}
    }

    /// Where it listens.
    pub(crate) fn local(&self) -> &[SocketAddr] {
        &self.local
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One relay's socket and what reads it.
struct Relay {
    socket: Arc<UdpSocket>,
    reader: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

type Relayed = (RelayId, SocketAddr, Vec<u8>);

struct Sockets {
    listen: Vec<Arc<UdpSocket>>,
    relays: BTreeMap<RelayId, Relay>,
    ports: (u16, u16),
    from_relays: mpsc::Sender<Relayed>,
}

struct Running {
    server: Server,
    sockets: Sockets,
    clock: Clock,
    own: OwnAddresses,
    shown: watch::Sender<Stats>,
    effects: Vec<Effect>,
}

impl Running {
    async fn run(mut self, mut asked: mpsc::Receiver<Ask>, mut relayed: mpsc::Receiver<Relayed>) {
        let mut tick = tokio::time::interval(TICK);
        let mut buffers = (vec![0; DATAGRAM + 1], vec![0; DATAGRAM + 1]);
        let listen = self.sockets.listen.clone();
        let (first, second) = (listen.first().cloned(), listen.get(1).cloned());
        loop {
            tokio::select! {
                came = receive(first.as_ref(), &mut buffers.0) => if let Some((from, bytes)) = came {
                    self.server.datagram(self.clock.now(), from, bytes, &mut self.effects);
                },
                came = receive(second.as_ref(), &mut buffers.1) => if let Some((from, bytes)) = came {
                    self.server.datagram(self.clock.now(), from, bytes, &mut self.effects);
                },
                came = relayed.recv() => if let Some((relay, from, bytes)) = came {
                    self.server.relayed(self.clock.now(), relay, from, &bytes, &mut self.effects);
                },
                ask = asked.recv() => match ask {
                    Some(Ask { member, ip, answer }) => {
                        let _ = answer.send(self.server.issue(self.clock.now(), &member, ip));
                    }
                    None => return,
                },
                _ = tick.tick() => {
                    self.server.wake(self.clock.now(), &mut self.effects);
                    self.shown.send_if_modified(|shown| std::mem::replace(shown, self.server.stats()) != self.server.stats());
                },
            }
            self.run_effects();
        }
    }

    fn run_effects(&mut self) {
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects) {
                match effect {
                    Effect::Answer { to, bytes } => self.sockets.answer(to, &bytes),
                    Effect::Relay { relay, to, bytes } => self.sockets.relay(relay, to, &bytes),
                    Effect::Open { relay, v6, even } => {
                        // Who does not know where it is may reach what only this machine can.
                        let known = self.own.look(&mut self.server);
                        let port = known.then(|| self.sockets.open(relay, v6, even)).flatten();
                        self.server.opened(self.clock.now(), relay, port, &mut self.effects);
                    }
                    Effect::Close { relay } => _ = self.sockets.relays.remove(&relay),
                }
            }
        }
    }
}

impl Sockets {
    /// What does not fit the socket's buffer is lost, as on any way.
    fn answer(&self, to: SocketAddr, bytes: &[u8]) {
        let of_family =
            |socket: &&Arc<UdpSocket>| socket.local_addr().is_ok_and(|own| own.is_ipv6() == to.is_ipv6());
        if let Some(socket) = self.listen.iter().find(of_family) {
            let _ = socket.try_send_to(bytes, to);
        }
    }

    fn relay(&self, relay: RelayId, to: SocketAddr, bytes: &[u8]) {
        if let Some(relay) = self.relays.get(&relay) {
            let _ = relay.socket.try_send_to(bytes, to);
        }
    }

    /// Opens a socket at a port that nobody can guess from the last one. Returns the port.
    fn open(&mut self, relay: RelayId, v6: bool, even: bool) -> Option<u16> {
        // What comes from another address than that which is told, the other side's router does not let in.
        let listens = self.listen.iter().filter_map(|socket| socket.local_addr().ok());
        let ip = listens.map(|local| local.ip()).find(|ip| ip.is_ipv6() == v6)?;
        let (first, last) = self.ports;
        let count = u32::from(last.saturating_sub(first)) + 1;
        let socket = (0..PORT_TRIES).find_map(|_| {
            let mut random = [0; 4];
            getrandom::fill(&mut random).ok()?;
            let port = first + u16::try_from(u32::from_be_bytes(random) % count).ok()?;
            if even && port % 2 == 1 {
                return None;
            }
            bind(SocketAddr::new(ip, port)).ok()
        })?;
        let port = socket.local_addr().ok()?.port();
        let socket = Arc::new(socket);
        let (reading, to) = (Arc::clone(&socket), self.from_relays.clone());
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; DATAGRAM + 1];
            loop {
                if let Some((from, bytes)) = receive(Some(&reading), &mut buffer).await
                    && to.send((relay, from, bytes.to_vec())).await.is_err()
                {
                    return;
                }
            }
        });
        self.relays.insert(relay, Relay { socket, reader });
        Some(port)
    }
}

/// The next datagram; waits for ever without a socket. An error is a peer's port that is closed, and means nothing.
async fn receive<'a>(
    socket: Option<&Arc<UdpSocket>>,
    buffer: &'a mut [u8],
) -> Option<(SocketAddr, &'a [u8])> {
    let Some(socket) = socket else { return std::future::pending().await };
    let (length, from) = socket.recv_from(buffer).await.ok()?;
    // What fills the buffer was longer, and half a datagram is none.
    buffer.get(..length).filter(|bytes| bytes.len() <= DATAGRAM).map(|bytes| (from, bytes))
}

/// The addresses of this machine: they come and go.
#[derive(Default)]
struct OwnAddresses {
    looked: Option<Instant>,
    known: bool,
}

impl OwnAddresses {
    /// Tells the server, if it was told some time ago. Returns whether it knows.
    fn look(&mut self, server: &mut Server) -> bool {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return self.known;
        }
        self.looked = Some(Instant::now());
        match if_addrs::get_if_addrs() {
            Ok(interfaces) => {
                server.set_own(interfaces.iter().map(if_addrs::Interface::ip).collect());
                self.known = true;
            }
            // Those of before are still the best guess.
            Err(error) => {
                tracing::warn!(%error, known = self.known, "the system does not say which addresses this machine has");
            }
        }
        self.known
    }
}

/// A socket of one family alone, so that there can be one of each at a port.
fn bind(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// The time since the start, from what the clock said then: nobody's credentials end because it is set.
struct Clock {
    start: Timestamp,
    since: Instant,
}

impl Clock {
    fn new() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = Timestamp(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX));
        Self { start, since: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        self.start + Span(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests;
