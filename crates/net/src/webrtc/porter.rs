//! Who is behind each datagram of one socket, without the socket.
//!
//! ```text
//!  nobody ──valid binding──▶ Bound ──ClientHello──▶ Shaking ──cookie came back──▶ Inside ──▶ the connection's own task
//!             (answered)        │                      │        (address shown)      │
//!                               └── too old, or too many: the oldest goes ──┘        └── closed: forgotten
//! ```
//!
//! Until an address was shown to be the sender's, nothing is answered with more than was asked, and what is remembered
//! of it is in two queues of fixed length. A connection is known by the user fragment of its bindings, so it may move
//! to another address, and each address belongs to one connection.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::certificate::Identity;
use super::guard;
use super::link::ToLink;
use super::session::Session;
use super::stun;

/// Bindings that nothing followed yet, 300 bytes each. A flood has to send that many within a round trip of somebody
/// honest to keep him out.
const MAX_BOUND: usize = 8_192;

/// Handshakes whose address is not shown yet, each with the state of DTLS.
const MAX_SHAKING: usize = 512;

/// Handshakes whose address is shown and that are not through. Connections that are have limits of their own.
const MAX_INSIDE: usize = 512;

/// Of all these, those from one IPv4 address or IPv6 /64: a school whose pupils all begin at once. Anybody can write that
/// address on what he sends: beyond it the oldest whose address is not shown goes, and only those shown refuse others.
const MAX_PER_HOST: usize = 64;

/// How long the first two may take: three round trips, and one loss.
const PATIENCE: Duration = Duration::from_secs(5);

/// Addresses of one connection: both families, at home and on the road.
const MAX_PATHS: usize = 4;

/// Datagrams that wait for a connection's task.
const INBOX: usize = 256;

/// A record of DTLS that carries handshakes, and the message in it that nobody gets without a cookie.
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const MESSAGE_AT: usize = 13;

/// What to do about a datagram.
pub(super) enum Deed {
    Nothing,
    Send(Vec<u8>),
    /// More than may be under way came.
    Refuse,
    Arrived(Box<Arrival>),
}

/// Somebody who is where he says he is.
pub(super) struct Arrival {
    pub(super) session: Session,
    pub(super) from: SocketAddr,
    pub(super) inbox: mpsc::Receiver<ToLink>,
    pub(super) under_way: UnderWay,
}

/// Held while the handshakes go on.
pub(super) struct UnderWay {
    is_under_way: Arc<AtomicBool>,
    inside: Arc<AtomicUsize>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.is_under_way.store(false, Ordering::Relaxed);
        self.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key(u64);

struct Entry {
    ufrag: Box<str>,
    paths: Vec<SocketAddr>,
    host: IpAddr,
    since: Instant,
    phase: Phase,
}

enum Phase {
    Bound,
    /// `budget`: bytes that came and were not answered.
    Shaking {
        session: Box<Session>,
        budget: usize,
    },
    Inside {
        inbox: mpsc::Sender<ToLink>,
        is_under_way: Arc<AtomicBool>,
    },
}

pub(super) struct Porter {
    identity: Identity,
    entries: HashMap<Key, Entry>,
    by_ufrag: HashMap<Box<str>, Key>,
    by_path: HashMap<SocketAddr, Key>,
    /// The oldest first; some are gone already.
    bound: VecDeque<Key>,
    shaking: VecDeque<Key>,
    inside: Arc<AtomicUsize>,
    /// The oldest first; some are through already.
    under_way: HashMap<IpAddr, Vec<Key>>,
    next: u64,
}

impl Porter {
    pub(super) fn new(identity: Identity) -> Self {
        Self {
            identity,
            entries: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_path: HashMap::new(),
            bound: VecDeque::new(),
            shaking: VecDeque::new(),
            inside: Arc::default(),
            under_way: HashMap::new(),
            next: 0,
        }
    }

    /// A datagram came.
    pub(super) fn on_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Deed {
        if stun::is_stun(datagram) {
            return self.on_binding(now, from, datagram);
        }
        let Some(key) = self.by_path.get(&from).copied() else { return Deed::Nothing };
        let Some(entry) = self.entries.get_mut(&key) else { return Deed::Nothing };
        match &mut entry.phase {
            Phase::Inside { inbox, .. } => {
                // Without room it is lost, as on the way.
                let _ = inbox.try_send(ToLink::Datagram(Bytes::copy_from_slice(datagram)));
                Deed::Nothing
            }
            Phase::Shaking { session, budget } => {
                *budget += datagram.len();
                let taken = session.on_datagram(now, datagram);
                self.after_shake(key, from, taken.is_ok())
            }
            // Less than that costs nothing here, and pushes nobody out.
            Phase::Bound if !guard::begins(datagram) => Deed::Nothing,
            Phase::Bound => {
                let mut session = Session::new(from, &self.identity, now);
                let taken = session.on_datagram(now, datagram);
                entry.phase = Phase::Shaking { session: Box::new(session), budget: datagram.len() };
                self.push_shaking(key);
                self.after_shake(key, from, taken.is_ok())
            }
        }
    }

    /// Forgets what is over or took too long.
    pub(super) fn sweep(&mut self, now: Instant) {
        let mut gone = Vec::new();
        for (key, entry) in &self.entries {
            match &entry.phase {
                Phase::Inside { inbox, .. } if inbox.is_closed() => gone.push(*key),
                Phase::Inside { .. } => {}
                _ if now >= entry.since + PATIENCE => gone.push(*key),
                _ => {}
            }
        }
        gone.into_iter().for_each(|key| self.forget(key));
        let Self { entries, bound, shaking, under_way, .. } = self;
        under_way.retain(|_, keys| {
            keys.retain(|key| entries.get(key).is_some_and(Entry::is_under_way));
            !keys.is_empty()
        });
        bound.retain(|key| entries.get(key).is_some_and(|entry| matches!(entry.phase, Phase::Bound)));
        shaking
            .retain(|key| entries.get(key).is_some_and(|entry| matches!(entry.phase, Phase::Shaking { .. })));
    }

    fn on_binding(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Deed {
        let provider = Arc::clone(&self.identity.provider);
        let Some(binding) = stun::read(datagram, provider.crypto()) else { return Deed::Nothing };
        if let Some(key) = self.by_path.get(&from).copied() {
            let is_over = self.entries.get(&key).is_none_or(Entry::is_over);
            if is_over {
                self.forget(key);
            }
        }
        let by_path = self.by_path.get(&from).copied();
        let by_ufrag = self.by_ufrag.get(binding.ufrag).copied();
        let is_welcome = match (by_path, by_ufrag) {
            (None, None) => self.bind(now, from, binding.ufrag),
            (None, Some(key)) => self.add_path(key, from),
            // An address belongs to one connection: another name cannot take it over.
            (Some(path), ufrag) => ufrag == Some(path),
        };
        if !is_welcome {
            return Deed::Refuse;
        }
        let key = by_ufrag.filter(|_| binding.nominates);
        if let Some(Phase::Inside { inbox, .. }) =
            key.and_then(|key| self.entries.get(&key)).map(|e| &e.phase)
        {
            let _ = inbox.try_send(ToLink::Path(from));
        }
        stun::answer(&binding, from, provider.crypto()).map_or(Deed::Nothing, Deed::Send)
    }

    fn bind(&mut self, now: Instant, from: SocketAddr, ufrag: &str) -> bool {
        let host = host_of(from.ip());
        if !self.make_room(host) {
            return false;
        }
        while self.bound.len() >= MAX_BOUND {
            let Some(oldest) = self.bound.pop_front() else { break };
            if self.entries.get(&oldest).is_some_and(|entry| matches!(entry.phase, Phase::Bound)) {
                self.forget(oldest);
            }
        }
        let key = Key(self.next);
        self.next += 1;
        let ufrag: Box<str> = ufrag.into();
        self.by_ufrag.insert(ufrag.clone(), key);
        self.by_path.insert(from, key);
        self.under_way.entry(host).or_default().push(key);
        self.bound.push_back(key);
        self.entries.insert(key, Entry { ufrag, paths: vec![from], host, since: now, phase: Phase::Bound });
        true
    }

    /// Whether another one may begin at a host; if need be the oldest that has not shown its address goes.
    fn make_room(&mut self, host: IpAddr) -> bool {
        let Self { entries, under_way, .. } = self;
        let Some(keys) = under_way.get_mut(&host).filter(|keys| keys.len() >= MAX_PER_HOST) else {
            return true;
        };
        keys.retain(|key| entries.get(key).is_some_and(Entry::is_under_way));
        if keys.len() < MAX_PER_HOST {
            return true;
        }
        let is_unknown =
            |key: &&Key| entries.get(*key).is_some_and(|entry| !matches!(entry.phase, Phase::Inside { .. }));
        let Some(oldest) = keys.iter().find(is_unknown).copied() else { return false };
        self.forget(oldest);
        // It took up room among those of others, too.
        self.bound.retain(|key| *key != oldest);
        self.shaking.retain(|key| *key != oldest);
        true
    }

    fn add_path(&mut self, key: Key, from: SocketAddr) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        if entry.paths.len() >= MAX_PATHS {
            return false;
        }
        entry.paths.push(from);
        self.by_path.insert(from, key);
        true
    }

    fn push_shaking(&mut self, key: Key) {
        while self.shaking.len() >= MAX_SHAKING {
            let Some(oldest) = self.shaking.pop_front() else { break };
            if self.entries.get(&oldest).is_some_and(|entry| matches!(entry.phase, Phase::Shaking { .. })) {
                self.forget(oldest);
            }
        }
        self.shaking.push_back(key);
    }

    /// What DTLS has to say to somebody who has not shown his address, or just did.
    fn after_shake(&mut self, key: Key, from: SocketAddr, is_good: bool) -> Deed {
        let Some(entry) = self.entries.get_mut(&key) else { return Deed::Nothing };
        let Phase::Shaking { session, budget } = &mut entry.phase else { return Deed::Nothing };
        if !is_good {
            self.forget(key);
            return Deed::Nothing;
        }
        let has_shown = session.peek().is_some_and(|next| {
            next.first() == Some(&HANDSHAKE) && next.get(MESSAGE_AT) == Some(&SERVER_HELLO)
        });
        if !has_shown {
            let Some(answer) = session.transmit().filter(|answer| answer.len() <= *budget) else {
                return Deed::Nothing;
            };
            *budget -= answer.len();
            return Deed::Send(answer.to_vec());
        }
        if self.inside.load(Ordering::Relaxed) >= MAX_INSIDE {
            self.forget(key);
            return Deed::Refuse;
        }
        let (sender, inbox) = mpsc::channel(INBOX);
        let is_under_way = Arc::new(AtomicBool::new(true));
        let phase = Phase::Inside { inbox: sender, is_under_way: Arc::clone(&is_under_way) };
        let Phase::Shaking { session, .. } = std::mem::replace(&mut entry.phase, phase) else {
            return Deed::Nothing;
        };
        self.inside.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay { is_under_way, inside: Arc::clone(&self.inside) };
        Deed::Arrived(Box::new(Arrival { session: *session, from, inbox, under_way }))
    }

    fn forget(&mut self, key: Key) {
        let Some(entry) = self.entries.remove(&key) else { return };
        self.by_ufrag.remove(&entry.ufrag);
        for path in &entry.paths {
            self.by_path.remove(path);
        }
        if let Some(keys) = self.under_way.get_mut(&entry.host) {
            keys.retain(|known| *known != key);
            if keys.is_empty() {
                self.under_way.remove(&entry.host);
            }
        }
    }
}

impl Entry {
    /// Whether it counts among those of its host.
    fn is_under_way(&self) -> bool {
        match &self.phase {
            Phase::Inside { is_under_way, .. } => is_under_way.load(Ordering::Relaxed),
            Phase::Bound | Phase::Shaking { .. } => true,
        }
    }

    fn is_over(&self) -> bool {
        matches!(&self.phase, Phase::Inside { inbox, .. } if inbox.is_closed())
    }
}

/// An IPv4 address, or the /64 that one customer gets.
fn host_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & (u128::MAX << 64)).into()),
        ip => ip,
    }
}

#[cfg(test)]
mod tests;
