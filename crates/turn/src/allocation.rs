//! One relayed address: whose it is, until when, and with whom it may exchange datagrams. Not here: how it was asked for (`server`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;

use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::bucket::Bucket;
use crate::credentials::Key;
use crate::credentials::Tag;
use crate::message::Transaction;
use crate::server::RelayId;

/// How long a permission lasts (RFC 8656, section 9).
const PERMISSION: Span = Span::from_minutes(5);

/// How long a channel lasts (section 12).
const CHANNEL: Span = Span::from_minutes(10);

/// Permissions and channels of one relayed address: a call tries each candidate of the other side, and a device with four interfaces and
/// three nodes has some forty.
pub(crate) const MAX_PEERS: usize = 64;

/// A relayed address.
pub(crate) struct Allocation {
    pub(crate) relay: RelayId,
    /// `None` while the socket is opened.
    pub(crate) relayed: Option<SocketAddr>,
    pub(crate) user: String,
    pub(crate) key: Key,
    pub(crate) owner: Owner,
    /// The request that opened it: it may come again.
    pub(crate) opened_by: Transaction,
    pub(crate) expires: Timestamp,
    /// When something passed last.
    pub(crate) used: Timestamp,
    /// Indications that were sent to the client.
    pub(crate) told: u64,
    pub(crate) budget: Bucket,
    permissions: BTreeMap<IpAddr, Timestamp>,
    channels: BTreeMap<u16, (SocketAddr, Timestamp)>,
}

/// Who opens an address, and by which request.
pub(crate) struct Opening {
    pub(crate) user: String,
    pub(crate) key: Key,
    pub(crate) owner: Owner,
    pub(crate) opened_by: Transaction,
}

/// Whose share a relayed address counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) member: Tag,
    pub(crate) line: Tag,
    pub(crate) network: Tag,
}

/// Why a channel was not bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unbound {
    /// The number or the peer is bound otherwise.
    Clashes,
    /// There are enough.
    Full,
}

impl Allocation {
    pub(crate) fn new(
        relay: RelayId,
        opening: Opening,
        now: Timestamp,
        lifetime: Span,
        budget: Bucket,
    ) -> Self {
        let Opening { user, key, owner, opened_by } = opening;
        Self {
            relay,
            relayed: None,
            user,
            key,
            owner,
            opened_by,
            expires: now + lifetime,
            used: now,
            told: 0,
            budget,
            permissions: BTreeMap::new(),
            channels: BTreeMap::new(),
        }
    }

    /// Permits addresses, all or none. Returns whether there was room.
    pub(crate) fn permit(&mut self, now: Timestamp, peers: &[IpAddr]) -> bool {
        self.permissions.retain(|_, until| *until > now);
        let new = peers.iter().filter(|peer| !self.permissions.contains_key(peer)).count();
        if self.permissions.len() + new > MAX_PEERS {
            return false;
        }
        self.permissions.extend(peers.iter().map(|peer| (*peer, now + PERMISSION)));
        true
    }

    /// Binds a channel to a peer, or renews it.
    pub(crate) fn bind(&mut self, now: Timestamp, channel: u16, peer: SocketAddr) -> Result<(), Unbound> {
        self.channels.retain(|_, (_, until)| *until > now);
        // A number means one peer, and a peer has one number, for as long as both last.
        let clashes =
            |(number, (other, _)): (&u16, &(SocketAddr, Timestamp))| (*number == channel) != (*other == peer);
        if self.channels.iter().any(clashes) {
            return Err(Unbound::Clashes);
        }
        let room = self.channels.len() < MAX_PEERS || self.channels.contains_key(&channel);
        if !room || !self.permit(now, &[peer.ip()]) {
            return Err(Unbound::Full);
        }
        self.channels.insert(channel, (peer, now + CHANNEL));
        Ok(())
    }

    pub(crate) fn is_permitted(&self, now: Timestamp, peer: IpAddr) -> bool {
        self.permissions.get(&peer).is_some_and(|until| *until > now)
    }

    /// The peer of a channel.
    pub(crate) fn peer_of(&self, now: Timestamp, channel: u16) -> Option<SocketAddr> {
        self.channels.get(&channel).filter(|(_, until)| *until > now).map(|(peer, _)| *peer)
    }

    /// The channel of a peer.
    pub(crate) fn channel_of(&self, now: Timestamp, peer: SocketAddr) -> Option<u16> {
        let mut open = self.channels.iter().filter(|(_, (of, until))| *of == peer && *until > now);
        open.next().map(|(channel, _)| *channel)
    }
}
