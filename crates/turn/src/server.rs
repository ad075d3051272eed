//! The server: what each datagram brings about.
//!
//! ```text
//!  Allocate ─ no signature ─▶ 401 with a nonce          (nothing is kept)
//!           ─ signed ─▶ Opening ── Effect::Open ──▶ opened ─▶ Open ── Refresh 0, or its end ──▶ Effect::Close
//!                                              └─▶ no port ─▶ 508
//! ```
//!
//! Not here: sockets. Whatever is wrong with a datagram is counted, and answered only where the RFC says so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;

use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::allocation::Allocation;
use crate::allocation::Opening;
use crate::bucket::Bucket;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::credentials::Key;
use crate::credentials::MAX_USER_BYTES;
use crate::credentials::Secret;
use crate::credentials::Tag;
use crate::credentials::User;
use crate::message::Class;
use crate::message::Message;
use crate::message::Method;
use crate::message::Transaction;
use crate::message::Writer;
use crate::message::attribute;
use crate::peers;
use crate::stats::Stats;

/// The lifetime of what does not say one, and the longest (RFC 8656, section 7.2).
const LIFETIME: Span = Span::from_minutes(10);
const LIFETIME_MAX: Span = Span::from_hours(1);

/// How long a nonce is good: the longest that RFC 8656, section 5, recommends. Each change costs every caller a round trip.
const NONCE: Span = Span::from_hours(1);

/// Requests without credentials that are answered to one network, in a second and at once: a call begins with a dozen. Such an answer
/// has at most five times the bytes of its question (92 for 20; with their heads 120 for 48), and whoever writes a victim's
/// address on questions has two kilobytes a second sent there. Who signed has shown to be where they say, and is not counted:
/// made-up questions in their name must not end their call.
const ASKED: (u64, u64) = (20, 200);

/// Networks whose rates are known; further ones share one rate.
const NETWORKS: usize = 4_096;

/// Seconds of full speed that may pass at once.
const BURST_SECS: u64 = 2;

/// Channel numbers. RFC 8656 ends them at 0x4fff; clients choose as RFC 5766 had it (section 11), and here nothing else comes to the
/// same port.
const CHANNELS: std::ops::RangeInclusive<u16> = 0x4000..=0x7fff;

/// UDP in REQUESTED-TRANSPORT.
const UDP: u8 = 17;

/// A relay's socket.
pub type RelayId = u64;

/// What is to be done with sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a datagram from where the server listens.
    Answer {
        /// Where to.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Open a socket at a port of the range, and say so by [`Server::opened`].
    Open {
        /// What to call it.
        relay: RelayId,
        /// Whether it is of IPv6.
        v6: bool,
        /// Whether the port has to be even.
        even: bool,
    },
    /// Send a datagram from a relay's socket.
    Relay {
        /// Which.
        relay: RelayId,
        /// Where to.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Close a relay's socket.
    Close {
        /// Which.
        relay: RelayId,
    },
}

/// A server without sockets.
pub struct Server {
    config: Config,
    secret: Secret,
    /// Addresses of this machine that nobody is told.
    own: Vec<IpAddr>,
    allocations: BTreeMap<SocketAddr, Allocation>,
    by_relay: BTreeMap<RelayId, SocketAddr>,
    asked: BTreeMap<Tag, Bucket>,
    asked_by_others: Option<Bucket>,
    next: RelayId,
    stats: Stats,
}

/// Why a request is refused: the code and its words (RFC 8489, section 14.8; RFC 8656, section 19).
type Refused = (u16, &'static str);

const BAD_REQUEST: Refused = (400, "Bad Request");
const UNAUTHORIZED: Refused = (401, "Unauthorized");
const FORBIDDEN: Refused = (403, "Forbidden");
const UNKNOWN_ATTRIBUTE: Refused = (420, "Unknown Attribute");
const NO_ALLOCATION: Refused = (437, "Allocation Mismatch");
const STALE_NONCE: Refused = (438, "Stale Nonce");
const OTHER_FAMILY: Refused = (440, "Address Family not Supported");
const WRONG_CREDENTIALS: Refused = (441, "Wrong Credentials");
const NOT_UDP: Refused = (442, "Unsupported Transport Protocol");
const OTHER_PEER_FAMILY: Refused = (443, "Peer Address Family Mismatch");
const QUOTA: Refused = (486, "Allocation Quota Reached");
const NO_CAPACITY: Refused = (508, "Insufficient Capacity");

/// Who signed a request.
struct Signer<'a> {
    user: &'a str,
    key: Key,
}

impl Server {
    /// A server with a secret of its own, which makes the credentials.
    pub fn new(config: Config, secret: [u8; 32]) -> Self {
        Self {
            config,
            secret: Secret::new(secret),
            own: Vec::new(),
            allocations: BTreeMap::new(),
            by_relay: BTreeMap::new(),
            asked: BTreeMap::new(),
            asked_by_others: None,
            next: 0,
            stats: Stats::default(),
        }
    }

    /// Credentials for a member that is seen at an address, good from its network alone. `None` when the member, its network or the node has as many
    /// relayed addresses as may be.
    pub fn issue(&mut self, now: Timestamp, member: &DeviceId, ip: IpAddr) -> Option<(Credentials, Span)> {
        let (tag, network) = (self.secret.member(member), self.secret.network(ip));
        if self.is_full(&tag, &network) {
            self.stats.not_issued += 1;
            return None;
        }
        self.stats.issued += 1;
        Some((self.secret.issue(now + self.config.valid_for, member, ip), self.config.valid_for))
    }

    /// The limits are others from now on. What is open stays.
    pub fn configure(&mut self, config: Config) {
        self.config = config;
    }

    /// Which addresses this machine has at the moment: nothing is sent there but what it relays.
    pub fn set_own(&mut self, own: Vec<IpAddr>) {
        self.own = own;
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        Stats { open: self.allocations.len(), ..self.stats }
    }

    /// When [`Server::wake`] is due.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.allocations.values().map(|one| one.expires).min()
    }

    /// What has ended is closed.
    pub fn wake(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let over = self.allocations.iter().filter(|(_, one)| one.expires <= now);
        for client in over.map(|(client, _)| *client).collect::<Vec<_>>() {
            self.close(client, out);
        }
        self.asked.retain(|_, bucket| !bucket.is_idle(now, ASKED));
    }

    /// A datagram came to where the server listens.
    pub fn datagram(&mut self, now: Timestamp, from: SocketAddr, bytes: &[u8], out: &mut Vec<Effect>) {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        match bytes.first() {
            Some(0x40..=0x7f) => self.channel_data(now, from, bytes, out),
            Some(0..=0x3f) => match Message::read(bytes) {
                Some(message) if message.class == Class::Indication => {
                    self.indication(now, from, &message, out);
                }
                Some(message) if message.class == Class::Request => self.request(now, from, &message, out),
                // A server gets no answers.
                _ => self.stats.dropped += 1,
            },
            _ => self.stats.dropped += 1,
        }
    }

    /// A socket that was to be opened has a port now, or there is none.
    pub fn opened(&mut self, now: Timestamp, relay: RelayId, port: Option<u16>, out: &mut Vec<Effect>) {
        let Some(client) = self.by_relay.get(&relay).copied() else { return };
        let address = self.public_ip(client.is_ipv6()).zip(port).map(|(ip, port)| SocketAddr::new(ip, port));
        let Some(allocation) = self.allocations.get_mut(&client) else { return };
        let (transaction, key) = (allocation.opened_by, allocation.key.clone());
        allocation.relayed = address;
        if address.is_some() {
            self.stats.allocated += 1;
            self.answer_allocated(now, client, transaction, out);
        } else {
            self.close(client, out);
            refuse(client, Method::Allocate, transaction, NO_CAPACITY, Some(&key), out);
        }
    }

    /// A datagram came to a relay's socket.
    pub fn relayed(
        &mut self,
        now: Timestamp,
        relay: RelayId,
        from: SocketAddr,
        bytes: &[u8],
        out: &mut Vec<Effect>,
    ) {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let client = self.by_relay.get(&relay).copied();
        let Some((client, allocation)) =
            client.and_then(|client| Some((client, self.allocations.get_mut(&client)?)))
        else {
            return;
        };
        if !allocation.is_permitted(now, from.ip()) || allocation.expires <= now {
            self.stats.dropped += 1;
            return;
        }
        if !allocation.budget.take(now, bytes.len() as u64, rate(&self.config)) {
            self.stats.over_rate += 1;
            return;
        }
        self.stats.datagrams += 1;
        self.stats.bytes += bytes.len() as u64;
        let bytes = match (allocation.channel_of(now, from), u16::try_from(bytes.len())) {
            (Some(channel), Ok(length)) => [&channel.to_be_bytes(), &length.to_be_bytes(), bytes].concat(),
            // Nothing is asked by it, so its name only has to differ from others.
            _ => {
                let mut transaction = [0; 12];
                transaction[4..].copy_from_slice(&self.stats.datagrams.to_be_bytes());
                let data = Writer::new(Class::Indication, Method::Data, transaction);
                data.put_address(attribute::XOR_PEER_ADDRESS, from).put(attribute::DATA, bytes).bytes()
            }
        };
        out.push(Effect::Answer { to: client, bytes });
    }

    fn request(&mut self, now: Timestamp, from: SocketAddr, message: &Message<'_>, out: &mut Vec<Effect>) {
        let signer = match message.method {
            Method::Binding => Err(UNAUTHORIZED),
            _ => self.signer(now, from, message),
        };
        if signer.is_err() && !self.may_ask(now, from.ip()) {
            self.stats.too_fast += 1;
            return;
        }
        let unknown = message.not_understood();
        match signer {
            _ if message.method == Method::Binding && unknown.is_empty() => self.binding(from, message, out),
            Err(_) if message.method == Method::Binding => not_understood(from, message, &unknown, None, out),
            Err(why) => self.challenge(now, from, message, why, out),
            Ok(signer) if unknown.is_empty() => self.signed(now, from, message, &signer, out),
            Ok(signer) => not_understood(from, message, &unknown, Some(&signer.key), out),
        }
    }

    /// A request of somebody who signed it.
    fn signed(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        message: &Message<'_>,
        signer: &Signer<'_>,
        out: &mut Vec<Effect>,
    ) {
        let done = match message.method {
            Method::Allocate => self.allocate(now, from, message, signer, out),
            Method::Refresh => self.refresh(now, from, message, signer, out),
            Method::CreatePermission => self.permit(now, from, message, signer, out),
            Method::ChannelBind => self.bind(now, from, message, signer, out),
            Method::Binding | Method::Send | Method::Data => Err(BAD_REQUEST),
        };
        if let Err(why) = done {
            refuse(from, message.method, message.transaction, why, Some(&signer.key), out);
        }
    }

    fn binding(&mut self, from: SocketAddr, message: &Message<'_>, out: &mut Vec<Effect>) {
        self.stats.bindings += 1;
        let answer = Writer::new(Class::Success, Method::Binding, message.transaction);
        let bytes = answer.put_address(attribute::XOR_MAPPED_ADDRESS, from).close(None);
        out.push(Effect::Answer { to: from, bytes });
    }

    /// Who signed a request. Credentials that are over open nothing, and go on with what they opened.
    fn signer<'a>(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        message: &Message<'a>,
    ) -> Result<Signer<'a>, Refused> {
        if !message.is_signed() {
            return Err(UNAUTHORIZED);
        }
        let user = message.text(attribute::USERNAME).filter(|user| user.len() <= MAX_USER_BYTES);
        let (Some(user), Some(nonce)) = (user, message.text(attribute::NONCE)) else {
            return Err(BAD_REQUEST);
        };
        match message.text(attribute::REALM) {
            Some(realm) if realm == self.config.realm => {}
            Some(_) => return Err(UNAUTHORIZED),
            None => return Err(BAD_REQUEST),
        }
        if !self.secret.is_nonce(now, &address_bytes(from), nonce) {
            return Err(STALE_NONCE);
        }
        let key = self.secret.key(user, &self.config.realm);
        let said = User::read(user).filter(|said| said.network == self.secret.network(from.ip()));
        let has = self.allocations.get(&from).is_some_and(|one| one.user == user);
        let good =
            said.filter(|said| has || said.expires > now && said.expires <= now + self.config.valid_for);
        if good.is_none() || !message.is_signed_with(&key) {
            self.stats.bad_credentials += 1;
            return Err(UNAUTHORIZED);
        }
        Ok(Signer { user, key })
    }

    /// Refuses a request that nobody signed who may: with what is needed to sign, where that helps.
    fn challenge(
        &self,
        now: Timestamp,
        from: SocketAddr,
        message: &Message<'_>,
        why: Refused,
        out: &mut Vec<Effect>,
    ) {
        let (code, words) = why;
        let mut answer =
            Writer::new(Class::Error, message.method, message.transaction).put_error(code, words);
        if why != BAD_REQUEST {
            let nonce = self.secret.nonce(now + NONCE, &address_bytes(from));
            let realm = self.config.realm.as_bytes();
            answer = answer.put(attribute::REALM, realm).put(attribute::NONCE, nonce.as_bytes());
        }
        out.push(Effect::Answer { to: from, bytes: answer.close(None) });
    }

    fn allocate(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        message: &Message<'_>,
        signer: &Signer<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        if let Some(there) = self.allocations.get(&from) {
            // The answer was lost, or the socket is not open yet.
            if there.opened_by != message.transaction || there.user != signer.user {
                return Err(NO_ALLOCATION);
            }
            if there.relayed.is_some() {
                self.answer_allocated(now, from, message.transaction, out);
            }
            return Ok(());
        }
        let transport = message.get(attribute::REQUESTED_TRANSPORT).ok_or(BAD_REQUEST)?;
        if transport.first() != Some(&UDP) {
            return Err(NOT_UDP);
        }
        // An even port can be had; the one after it cannot be kept for later.
        let even = message.get(attribute::EVEN_PORT);
        let reserves = even.is_some_and(|even| even.first().is_none_or(|flags| flags & 0x80 != 0));
        if reserves || message.get(attribute::RESERVATION_TOKEN).is_some() {
            return Err(NO_CAPACITY);
        }
        let family = message
            .get(attribute::REQUESTED_ADDRESS_FAMILY)
            .map_or(Some(1), |family| family.first().copied());
        let v6 = family == Some(2);
        // Relaying between the families would make one address a way around what is decided about the other.
        if !matches!(family, Some(1 | 2)) || v6 != from.is_ipv6() || self.public_ip(v6).is_none() {
            return Err(OTHER_FAMILY);
        }
        let User { member, network, .. } = User::read(signer.user).ok_or(BAD_REQUEST)?;
        if self.is_full(&member, &network) {
            self.stats.over_quota += 1;
            return Err(QUOTA);
        }
        let lifetime = lifetime_of(message).max(LIFETIME);
        let relay = self.next;
        self.next += 1;
        let opened_by = message.transaction;
        let opening =
            Opening { user: signer.user.to_owned(), key: signer.key.clone(), member, network, opened_by };
        let (_, burst) = rate(&self.config);
        let allocation = Allocation::new(relay, opening, now, lifetime, Bucket::full(now, burst));
        self.allocations.insert(from, allocation);
        self.by_relay.insert(relay, from);
        out.push(Effect::Open { relay, v6, even: even.is_some() });
        Ok(())
    }

    fn answer_allocated(
        &self,
        now: Timestamp,
        to: SocketAddr,
        transaction: Transaction,
        out: &mut Vec<Effect>,
    ) {
        let Some(allocation) = self.allocations.get(&to) else { return };
        let Some(relayed) = allocation.relayed else { return };
        let left = allocation.expires.since(now).0 / 1_000;
        let bytes = Writer::new(Class::Success, Method::Allocate, transaction)
            .put_address(attribute::XOR_RELAYED_ADDRESS, relayed)
            .put_address(attribute::XOR_MAPPED_ADDRESS, to)
            .put(attribute::LIFETIME, &u32::try_from(left).unwrap_or(u32::MAX).to_be_bytes())
            .close(Some(&allocation.key));
        out.push(Effect::Answer { to, bytes });
    }

    /// The relayed address of who signed a request.
    fn of(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        signer: &Signer<'_>,
    ) -> Result<&mut Allocation, Refused> {
        let open = |one: &&mut Allocation| one.relayed.is_some() && one.expires > now;
        let allocation = self.allocations.get_mut(&from).filter(open).ok_or(NO_ALLOCATION)?;
        if allocation.user != signer.user {
            // Newer credentials of the same member: clients change them while a call goes on.
            let of_member =
                |user: User| (user.member, user.network) == (allocation.member, allocation.network);
            if !User::read(signer.user).is_some_and(of_member) {
                return Err(WRONG_CREDENTIALS);
            }
            signer.user.clone_into(&mut allocation.user);
        }
        Ok(allocation)
    }

    fn refresh(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        message: &Message<'_>,
        signer: &Signer<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let lifetime = lifetime_of(message);
        let allocation = self.of(now, from, signer)?;
        let lifetime = if lifetime == Span(0) { lifetime } else { lifetime.max(LIFETIME) };
        (allocation.expires, allocation.lifetime) = (now + lifetime, lifetime);
        let secs = u32::try_from(lifetime.0 / 1_000).unwrap_or(u32::MAX);
        let answer = Writer::new(Class::Success, Method::Refresh, message.transaction);
        let bytes = answer.put(attribute::LIFETIME, &secs.to_be_bytes()).close(Some(&signer.key));
        out.push(Effect::Answer { to: from, bytes });
        if lifetime == Span(0) {
            self.close(from, out);
        }
        Ok(())
    }

    fn permit(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        message: &Message<'_>,
        signer: &Signer<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let asked = message
            .addresses(attribute::XOR_PEER_ADDRESS)
            .filter(|all| !all.is_empty())
            .ok_or(BAD_REQUEST)?;
        let ips: Vec<IpAddr> = asked.iter().map(|peer| peer.ip().to_canonical()).collect();
        self.of(now, from, signer)?;
        self.check_peers(from, &ips)?;
        if !self.of(now, from, signer)?.permit(now, &ips) {
            return Err(NO_CAPACITY);
        }
        let bytes = Writer::new(Class::Success, Method::CreatePermission, message.transaction)
            .close(Some(&signer.key));
        out.push(Effect::Answer { to: from, bytes });
        Ok(())
    }

    fn bind(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        message: &Message<'_>,
        signer: &Signer<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let number =
            message.number(attribute::CHANNEL_NUMBER).and_then(|number| u16::try_from(number >> 16).ok());
        let peers = message.addresses(attribute::XOR_PEER_ADDRESS);
        let (Some(channel), Some([peer])) =
            (number.filter(|number| CHANNELS.contains(number)), peers.as_deref())
        else {
            return Err(BAD_REQUEST);
        };
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        self.of(now, from, signer)?;
        self.check_peers(from, &[peer.ip()])?;
        if !self.of(now, from, signer)?.bind(now, channel, peer) {
            return Err(BAD_REQUEST);
        }
        let bytes =
            Writer::new(Class::Success, Method::ChannelBind, message.transaction).close(Some(&signer.key));
        out.push(Effect::Answer { to: from, bytes });
        Ok(())
    }

    fn check_peers(&mut self, client: SocketAddr, peers: &[IpAddr]) -> Result<(), Refused> {
        if peers.iter().any(|ip| ip.is_ipv6() != client.is_ipv6()) {
            return Err(OTHER_PEER_FAMILY);
        }
        if !peers.iter().all(|ip| peers::may_permit(*ip, self.config.private_peers)) {
            self.stats.forbidden_peers += 1;
            return Err(FORBIDDEN);
        }
        Ok(())
    }

    fn indication(&mut self, now: Timestamp, from: SocketAddr, message: &Message<'_>, out: &mut Vec<Effect>) {
        let peers = message.addresses(attribute::XOR_PEER_ADDRESS);
        match (message.method, peers.as_deref(), message.get(attribute::DATA)) {
            (Method::Send, Some([peer]), Some(data)) if message.not_understood().is_empty() => {
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                self.pass_on(now, from, peer, data, out);
            }
            // Browsers say by this that they are still there.
            (Method::Binding, ..) => {}
            _ => self.stats.dropped += 1,
        }
    }

    fn channel_data(&mut self, now: Timestamp, from: SocketAddr, bytes: &[u8], out: &mut Vec<Effect>) {
        let Some(([high, low, many, few], data)) = bytes.split_first_chunk::<4>() else {
            self.stats.dropped += 1;
            return;
        };
        let (channel, length) = (u16::from_be_bytes([*high, *low]), u16::from_be_bytes([*many, *few]));
        let peer = self.allocations.get(&from).and_then(|one| one.peer_of(now, channel));
        match (peer, data.get(..usize::from(length))) {
            (Some(peer), Some(data)) => self.pass_on(now, from, peer, data, out),
            _ => self.stats.dropped += 1,
        }
    }

    fn pass_on(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        to: SocketAddr,
        data: &[u8],
        out: &mut Vec<Effect>,
    ) {
        let config = &self.config;
        let of_machine = self.own.contains(&to.ip()) && !config.public.contains(&to.ip());
        let may = peers::may_send(to, &config.public, config.ports, config.private_peers)
            && (config.private_peers || !of_machine);
        let open = |one: &&mut Allocation| {
            one.relayed.is_some() && one.expires > now && one.is_permitted(now, to.ip())
        };
        let Some(allocation) = self.allocations.get_mut(&from).filter(open).filter(|_| may) else {
            self.stats.dropped += 1;
            return;
        };
        if !allocation.budget.take(now, data.len() as u64, rate(config)) {
            self.stats.over_rate += 1;
            return;
        }
        self.stats.datagrams += 1;
        self.stats.bytes += data.len() as u64;
        out.push(Effect::Relay { relay: allocation.relay, to, bytes: data.to_vec() });
    }

    fn close(&mut self, client: SocketAddr, out: &mut Vec<Effect>) {
        if let Some(gone) = self.allocations.remove(&client) {
            self.by_relay.remove(&gone.relay);
            out.push(Effect::Close { relay: gone.relay });
        }
    }

    fn public_ip(&self, v6: bool) -> Option<IpAddr> {
        self.config.public.iter().copied().find(|ip| ip.is_ipv6() == v6)
    }

    fn is_full(&self, member: &Tag, network: &Tag) -> bool {
        let of = |is: &dyn Fn(&Allocation) -> bool| self.allocations.values().filter(|one| is(one)).count();
        self.allocations.len() >= self.config.allocations
            || of(&|one| one.member == *member) >= self.config.per_member
            || of(&|one| one.network == *network) >= self.config.per_network
    }

    fn may_ask(&mut self, now: Timestamp, ip: IpAddr) -> bool {
        let network = self.secret.network(ip);
        if self.asked.len() >= NETWORKS && !self.asked.contains_key(&network) {
            self.asked.retain(|_, bucket| !bucket.is_idle(now, ASKED));
        }
        let new = Bucket::full(now, ASKED.1);
        let bucket = match self.asked.len() < NETWORKS || self.asked.contains_key(&network) {
            true => self.asked.entry(network).or_insert(new),
            false => self.asked_by_others.get_or_insert(new),
        };
        bucket.take(now, 1, ASKED)
    }
}

fn rate(config: &Config) -> (u64, u64) {
    (config.bytes_per_second, config.bytes_per_second.saturating_mul(BURST_SECS))
}

fn lifetime_of(message: &Message<'_>) -> Span {
    let asked = message.number(attribute::LIFETIME).map(|secs| Span::from_secs(u64::from(secs)));
    asked.unwrap_or(LIFETIME).min(LIFETIME_MAX)
}

/// What a nonce is good for.
fn address_bytes(from: SocketAddr) -> Vec<u8> {
    let ip = match from.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    [ip, from.port().to_be_bytes().to_vec()].concat()
}

fn refuse(
    to: SocketAddr,
    method: Method,
    transaction: Transaction,
    (code, words): Refused,
    key: Option<&Key>,
    out: &mut Vec<Effect>,
) {
    let bytes =
        Writer::new(Class::Error, method, transaction).put_error(code, words).close(key.map(|key| &**key));
    out.push(Effect::Answer { to, bytes });
}

/// Refuses a request for what it says that has to be understood and is not.
fn not_understood(
    to: SocketAddr,
    message: &Message<'_>,
    unknown: &[u16],
    key: Option<&Key>,
    out: &mut Vec<Effect>,
) {
    let kinds: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    let (code, words) = UNKNOWN_ATTRIBUTE;
    let answer = Writer::new(Class::Error, message.method, message.transaction).put_error(code, words);
    let bytes = answer.put(attribute::UNKNOWN_ATTRIBUTES, &kinds).close(key.map(|key| &**key));
    out.push(Effect::Answer { to, bytes });
}

#[cfg(test)]
mod tests;
