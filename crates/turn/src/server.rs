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
use crate::allocation::Owner;
use crate::allocation::Unbound;
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
use crate::rates::Rates;
use crate::stats::Stats;

/// How long a relayed address lasts, whatever is asked for (RFC 8656, section 7.2): one that nobody renews is a place for others.
const LIFETIME: Span = Span::from_minutes(10);

/// How long a nonce is good: at most an hour by RFC 8656, section 5, and no multiple of the five and the two minutes after which clients
/// renew: some do not repeat a request that was answered with a new nonce until the next time.
const NONCE: Span = Span::from_secs(3_400);

/// Requests without credentials that are answered to one network, in a second and at once: a call begins with a dozen. Such an answer
/// has at most five times the bytes of its question (92 for 20; with their heads 120 for 48), and whoever writes a victim's
/// address on questions has two kilobytes a second sent there. Who signed has shown to be where they say, and is not counted:
/// made-up questions in their name must not end their call.
const ASKED: (u64, u64) = (20, 200);

/// Units for requests with credentials of one member, in a second and at once; to open an address takes [`OPENING`] of them. A call renews
/// what it has each two minutes.
const SIGNED: (u64, u64) = (50, 1_000);
const OPENING: u64 = 20;

/// Questions for credentials from one network, in a second and at once: a call asks every ten minutes.
const LENDING: (u64, u64) = (1, 60);

/// Somebody else gets a relayed address by which nothing passed for so long, when there are no more: calls hold one in reserve at
/// each of their nodes.
const IDLE: Span = Span::from_secs(60);

/// What the head of a datagram counts (IPv6 and UDP): many small ones are as much work as few long ones.
const HEAD_BYTES: u64 = 48;

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
    by_relayed: BTreeMap<SocketAddr, RelayId>,
    asked: Rates,
    signed: Rates,
    lending: Rates,
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

/// How many relayed addresses some may have together, and who they are.
type Share<'a> = (usize, &'a dyn Fn(&Owner) -> bool);

/// Who signed a request.
struct Signer<'a> {
    user: &'a str,
    member: Tag,
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
            by_relayed: BTreeMap::new(),
            asked: Rates::new(ASKED),
            signed: Rates::new(SIGNED),
            lending: Rates::new(LENDING),
            next: 0,
            stats: Stats::default(),
        }
    }

    /// Credentials for a member that is seen at an address; `None` when its network asks too fast. Who has as many relayed addresses as may
    /// be gets some all the same: they are needed to keep them.
    pub fn issue(&mut self, now: Timestamp, member: &DeviceId, ip: IpAddr) -> Option<(Credentials, Span)> {
        if !self.lending.take(now, self.secret.network(ip), 1) {
            self.stats.not_issued += 1;
            return None;
        }
        self.stats.issued += 1;
        Some((self.secret.issue(now + self.config.valid_for, member), self.config.valid_for))
    }

    /// Which addresses this machine has at the moment: nothing is sent there but what it relays.
    pub fn set_own(&mut self, own: Vec<IpAddr>) {
        self.own = own;
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        Stats { open: self.allocations.len(), ..self.stats }
    }

    /// What has ended is closed; to be called each second or so.
    pub fn wake(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let over = self.allocations.iter().filter(|(_, one)| one.expires <= now);
        for client in over.map(|(client, _)| *client).collect::<Vec<_>>() {
            self.close(client, out);
        }
        for rates in [&mut self.asked, &mut self.signed, &mut self.lending] {
            rates.forget(now);
        }
    }

    /// A datagram came to where the server listens.
    pub fn datagram(&mut self, now: Timestamp, from: SocketAddr, bytes: &[u8], out: &mut Vec<Effect>) {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        if self.allocations.get(&from).is_some_and(|one| one.expires <= now) {
            self.close(from, out);
        }
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
        if let Some(address) = address {
            self.by_relayed.insert(address, relay);
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
        if !allocation.budget.take(now, bytes.len() as u64 + HEAD_BYTES, rate(&self.config)) {
            self.stats.over_rate += 1;
            return;
        }
        allocation.used = now;
        self.stats.datagrams += 1;
        self.stats.bytes += bytes.len() as u64;
        let bytes = match (allocation.channel_of(now, from), u16::try_from(bytes.len())) {
            (Some(channel), Ok(length)) => [&channel.to_be_bytes(), &length.to_be_bytes(), bytes].concat(),
            _ => {
                allocation.told += 1;
                let transaction = self.secret.transaction(relay, allocation.told);
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
        let may = match &signer {
            Err(_) => self.asked.take(now, self.secret.network(from.ip()), 1),
            Ok(signer) if message.method == Method::Allocate => self.signed.take(now, signer.member, OPENING),
            Ok(signer) => self.signed.take(now, signer.member, 1),
        };
        if !may {
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
        let has = self.allocations.get(&from).is_some_and(|one| one.user == user);
        let good = User::read(user)
            .filter(|said| has || said.expires > now && said.expires <= now + self.config.valid_for);
        match good {
            Some(User { member, .. }) if message.is_signed_with(&key) => Ok(Signer { user, member, key }),
            _ => {
                self.stats.bad_credentials += 1;
                Err(UNAUTHORIZED)
            }
        }
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
        // RFC 8656, section 7.2, takes IPv4 for what is not said. Clients of calls do not say it and mean their own.
        let family = message.get(attribute::REQUESTED_ADDRESS_FAMILY).map(|family| family.first().copied());
        let v6 = match family {
            None => from.is_ipv6(),
            Some(Some(1)) => false,
            Some(Some(2)) => true,
            Some(_) => return Err(OTHER_FAMILY),
        };
        // Relaying between the families would make one address a way around what is decided about the other.
        if v6 != from.is_ipv6() || self.public_ip(v6).is_none() {
            return Err(OTHER_FAMILY);
        }
        let ip = from.ip();
        let owner =
            Owner { member: signer.member, line: self.secret.line(ip), network: self.secret.network(ip) };
        if !self.has_room(now, &owner, out) {
            self.stats.over_quota += 1;
            return Err(QUOTA);
        }
        let relay = self.next;
        self.next += 1;
        let opened_by = message.transaction;
        let opening = Opening { user: signer.user.to_owned(), key: signer.key.clone(), owner, opened_by };
        let (_, burst) = rate(&self.config);
        let allocation = Allocation::new(relay, opening, now, LIFETIME, Bucket::full(now, burst));
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
            if signer.member != allocation.owner.member {
                return Err(WRONG_CREDENTIALS);
            }
            signer.user.clone_into(&mut allocation.user);
            allocation.key.clone_from(&signer.key);
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
        let ends = message.number(attribute::LIFETIME) == Some(0);
        let lifetime = if ends { Span(0) } else { LIFETIME };
        self.of(now, from, signer)?.expires = now + lifetime;
        let secs = u32::try_from(lifetime.0 / 1_000).unwrap_or(u32::MAX);
        let answer = Writer::new(Class::Success, Method::Refresh, message.transaction);
        let bytes = answer.put(attribute::LIFETIME, &secs.to_be_bytes()).close(Some(&signer.key));
        out.push(Effect::Answer { to: from, bytes });
        if ends {
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
        self.of(now, from, signer)?.bind(now, channel, peer).map_err(|why| match why {
            Unbound::Clashes => BAD_REQUEST,
            Unbound::Full => NO_CAPACITY,
        })?;
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
        let private = self.config.private_peers;
        let here = self.by_relayed.get(&to).copied();
        // On this machine only what is relayed here can be reached.
        let is_own = self.own.contains(&to.ip()) || self.config.public.contains(&to.ip());
        let may = peers::may_send(to, private) && (private || !is_own || here.is_some());
        let open = |one: &&mut Allocation| one.expires > now && one.is_permitted(now, to.ip());
        let allocation = self.allocations.get_mut(&from).filter(open).filter(|_| may);
        let Some((allocation, relayed)) = allocation.and_then(|one| one.relayed.map(|at| (one, at))) else {
            self.stats.dropped += 1;
            return;
        };
        if !allocation.budget.take(now, data.len() as u64 + HEAD_BYTES, rate(&self.config)) {
            self.stats.over_rate += 1;
            return;
        }
        allocation.used = now;
        self.stats.datagrams += 1;
        self.stats.bytes += data.len() as u64;
        match here {
            // Both use this node: nothing has to go to its own address, which it may not reach behind a router.
            Some(other) => self.relayed(now, other, relayed, data, out),
            None => out.push(Effect::Relay { relay: allocation.relay, to, bytes: data.to_vec() }),
        }
    }

    fn close(&mut self, client: SocketAddr, out: &mut Vec<Effect>) {
        if let Some(gone) = self.allocations.remove(&client) {
            self.by_relay.remove(&gone.relay);
            if let Some(relayed) = gone.relayed {
                self.by_relayed.remove(&relayed);
            }
            out.push(Effect::Close { relay: gone.relay });
        }
    }

    fn public_ip(&self, v6: bool) -> Option<IpAddr> {
        self.config.public.iter().copied().find(|ip| ip.is_ipv6() == v6)
    }

    /// Whether somebody may open one more, when those by which nothing passes have made room.
    fn has_room(&mut self, now: Timestamp, owner: &Owner, out: &mut Vec<Effect>) -> bool {
        let Config { allocations, per_member, per_line, per_network, .. } = self.config;
        let shares: [Share<'_>; 4] = [
            (per_member, &|other| other.member == owner.member),
            (per_line, &|other| other.line == owner.line),
            (per_network, &|other| other.network == owner.network),
            (allocations, &|_| true),
        ];
        for (most, is_in) in shares {
            let of_share = || self.allocations.iter().filter(|(_, one)| is_in(&one.owner));
            if of_share().count() < most {
                continue;
            }
            let idle = of_share().filter(|(_, one)| one.used + IDLE <= now);
            let Some(longest) = idle.min_by_key(|(_, one)| one.used).map(|(client, _)| *client) else {
                return false;
            };
            self.stats.made_room += 1;
            self.close(longest, out);
        }
        true
    }
}

fn rate(config: &Config) -> (u64, u64) {
    (config.bytes_per_second, config.bytes_per_second.saturating_mul(BURST_SECS))
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
