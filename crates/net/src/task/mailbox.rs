//! The task's part in mailboxes: the streams that this device opened to mailboxes of others, and those that others opened
//! to its own.
//!
//! ```text
//!  OpenMailbox ──connected?──▶ Opening ──▶ Open ──▶ MailboxClosed
//!        │ no                    ▲           │
//!        └──dial everything──────┘           └──CloseMailbox──▶ nothing more is told
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use kith_proto::address::MAX_ADDRESSES;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::Stream;
use libp2p::identify;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::DialError;
use libp2p::swarm::dial_opts::DialOpts;
use tokio::sync::mpsc;

use super::Task;
use crate::address;
use crate::address::Reach;
use crate::event::NetEvent;
use crate::event::ServedEvent;
use crate::event::ServedFrom;
use crate::requests;
use crate::requests::Event;
use crate::requests::Origin;
use crate::requests::pipe::ANSWER_QUEUE;
use crate::requests::pipe::ASK_QUEUE;
use crate::requests::pipe::Budget;
use crate::requests::pipe::FromMailbox;
use crate::requests::pipe::Pipe;
use crate::stats;
use crate::streams::Slot;

/// Streams to mailboxes at once: some for the own inbox, and one for each mailbox of everybody who is written to.
const MAX_ASKED: usize = 1_024;

/// All streams to mailboxes, others' and the own.
pub(super) struct Mailboxes {
    budget: Budget,
    asked: BTreeMap<u64, Asked>,
    served: BTreeMap<u64, Served>,
    last_served: u64,
    /// Connected devices that offer to be mailboxes, and where.
    offering: BTreeMap<DeviceId, BTreeSet<Multiaddress>>,
}

/// A stream to a mailbox.
struct Asked {
    peer: PeerId,
    requests: mpsc::Sender<Numbered<Request>>,
    state: State,
}

/// How far it is. Until it is open, what was asked waits here.
enum State {
    /// There is no connection yet. `dial` is the attempt that was made for this stream; without one, another attempt
    /// is under way.
    Dialling {
        addresses: Vec<Multiaddr>,
        dial: Option<ConnectionId>,
        queue: mpsc::Receiver<Numbered<Request>>,
    },
    /// The protocol is being agreed on.
    Opening { queue: mpsc::Receiver<Numbered<Request>> },
    /// It can be written to.
    Open { connection: ConnectionId },
}

/// A stream to the own mailbox.
struct Served {
    peer: PeerId,
    connection: ConnectionId,
    answers: mpsc::Sender<Numbered<Answer>>,
}

impl Mailboxes {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            asked: BTreeMap::new(),
            served: BTreeMap::new(),
            last_served: 0,
            offering: BTreeMap::new(),
        }
    }

    /// Notes an offer. Returns whether it is news: devices repeat themselves whenever anything about them changes.
    fn offers(&mut self, device: DeviceId, addresses: &[Multiaddress]) -> bool {
        let addresses: BTreeSet<_> = addresses.iter().cloned().collect();
        self.offering.insert(device, addresses.clone()) != Some(addresses)
    }

    /// Ends all streams.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
        self.served.clear();
    }
}

impl Task {
    /// What a peer says of itself: whether it offers to be a mailbox. Over a relay it does not say so to everybody, so
    /// only a direct connection takes an offer back.
    pub(super) fn offers_mailbox(&mut self, peer: PeerId, connection: ConnectionId, info: &identify::Info) {
        let Some(device) = address::device_of(&peer) else { return };
        let Some(alive) = self.alive.get(&peer) else { return };
        let direct = alive.get(&connection).is_some_and(|connection| !connection.relayed);
        if info.protocols.contains(&requests::OFFER) {
            let global = |address: &&Multiaddr| address::reach_of(address) == Reach::Global;
            let addresses = info.listen_addrs.iter().filter(global).take(MAX_ADDRESSES);
            let addresses: Vec<_> = addresses.filter_map(address::from_libp2p).collect();
            // Through a relay it may tell no address: those that it told directly count then.
            let is_told = direct || !addresses.is_empty() || !self.mailboxes.offering.contains_key(&device);
            if is_told && self.mailboxes.offers(device, &addresses) {
                self.tell(NetEvent::MailboxOffered { device, addresses });
            }
        } else if direct {
            self.mailbox_withdrawn(device);
        }
    }

    /// A device does not offer to be a mailbox any more, or is gone.
    pub(super) fn mailbox_withdrawn(&mut self, device: DeviceId) {
        if self.mailboxes.offering.remove(&device).is_some() {
            self.tell(NetEvent::MailboxWithdrawn { device });
        }
    }

    pub(super) fn open_mailbox(&mut self, stream: u64, device: DeviceId, addresses: &[Multiaddress]) {
        if self.mailboxes.asked.contains_key(&stream) {
            return;
        }
        let peer = address::peer_of(&device).filter(|_| self.mailboxes.asked.len() < MAX_ASKED);
        let Some(peer) = peer else { return self.tell(NetEvent::MailboxClosed { stream }) };
        let addresses = addresses.iter().filter_map(address::to_libp2p).collect();
        let (requests, queue) = mpsc::channel(ASK_QUEUE);
        let state = State::Dialling { addresses, dial: None, queue };
        self.mailboxes.asked.insert(stream, Asked { peer, requests, state });
        if self.swarm.behaviour().streams.best(&peer).is_some() {
            self.open_waiting_mailboxes(peer);
        } else {
            self.dial_mailbox(stream);
        }
    }

    pub(super) fn ask_mailbox(&mut self, stream: u64, request: Numbered<Request>) {
        let Some(asked) = self.mailboxes.asked.get(&stream) else { return };
        if asked.requests.try_send(request).is_err() {
            // The mailbox does not read, or the stream broke just now.
            stats::count(&self.counters.frames_dropped);
            self.asked_is_gone(stream);
        }
    }

    pub(super) fn close_mailbox(&mut self, stream: u64) {
        self.mailboxes.asked.remove(&stream);
    }

    pub(super) fn answer_mailbox(&mut self, stream: u64, answer: Numbered<Answer>) {
        let Some(served) = self.mailboxes.served.get(&stream) else { return };
        if served.answers.try_send(answer).is_err() {
            stats::count(&self.counters.frames_dropped);
            self.served_is_gone(stream);
        }
    }

    /// Streams to the own mailbox are taken from now on, or not. Without a mailbox none stays open: whoever waits at one asks
    /// nothing, and would wait for ever; and a mailbox that is started later does not know them.
    pub(super) fn serve_mailbox(&mut self, serve: bool, offer: bool) {
        self.swarm.behaviour_mut().requests.serve(serve, offer);
        if !serve {
            // That they are gone is told, in its turn: what was told of them before may reach a mailbox that is new.
            for stream in self.mailboxes.served.keys().copied().collect::<Vec<_>>() {
                self.served_is_gone(stream);
            }
        }
    }

    pub(super) fn end_mailbox(&mut self, stream: u64) {
        self.mailboxes.served.remove(&stream);
    }

    /// A peer is connected: opens the streams that waited for that.
    pub(super) fn open_waiting_mailboxes(&mut self, peer: PeerId) {
        let Some(connection) = self.swarm.behaviour().streams.best(&peer) else { return };
        for (stream, asked) in self.mailboxes.asked.iter_mut().filter(|(_, asked)| asked.peer == peer) {
            if let State::Dialling { queue, .. } = &mut asked.state {
                let queue = mem::replace(queue, mpsc::channel(1).1);
                asked.state = State::Opening { queue };
                self.swarm.behaviour_mut().requests.open(*stream, peer, connection);
            }
        }
    }

    /// An attempt to connect failed. Streams for which it was made are given up; others may try their own addresses.
    pub(super) fn mailbox_dial_failed(&mut self, peer: PeerId, connection: ConnectionId) {
        let waiting = self.mailboxes.asked.iter().filter(|(_, asked)| asked.peer == peer);
        let waiting = waiting.filter_map(|(stream, asked)| match &asked.state {
            State::Dialling { dial, .. } => Some((*stream, *dial)),
            _ => None,
        });
        for (stream, dial) in waiting.collect::<Vec<_>>() {
            match dial {
                None => self.dial_mailbox(stream),
                Some(dial) if dial == connection => self.asked_is_gone(stream),
                Some(_) => {}
            }
        }
    }

    /// A connection is gone, and with it every stream on it.
    pub(super) fn mailbox_connection_lost(&mut self, lost: ConnectionId) {
        let asked = self
            .mailboxes
            .asked
            .iter()
            .filter(|(_, asked)| matches!(asked.state, State::Open { connection } if connection == lost));
        for stream in asked.map(|(stream, _)| *stream).collect::<Vec<_>>() {
            self.asked_is_gone(stream);
        }
        let served = self.mailboxes.served.iter().filter(|(_, served)| served.connection == lost);
        for stream in served.map(|(stream, _)| *stream).collect::<Vec<_>>() {
            self.served_is_gone(stream);
        }
    }

    pub(super) fn on_mailbox_stream(&mut self, event: Event) {
        match event {
            Event::Opened { name, connection, stream } => self.mailbox_opened(name, connection, stream),
            Event::OpenFailed { name } => self.asked_is_gone(name),
            Event::Accepted { peer, connection, from, stream, slot } => {
                self.mailbox_accepted((peer, connection), from, stream, slot);
            }
        }
    }

    pub(super) fn on_mailbox_pipe(&mut self, message: FromMailbox) {
        let (asked, served) = (&self.mailboxes.asked, &self.mailboxes.served);
        match message {
            FromMailbox::Answered { stream, answer, held } if asked.contains_key(&stream) => {
                held.pass_on();
                self.tell(NetEvent::MailboxAnswered { stream, answer });
            }
            FromMailbox::Ended { stream, broken } => {
                let peer = asked.get(&stream).map(|asked| asked.peer).filter(|_| broken);
                self.asked_is_gone(stream);
                self.score(peer);
            }
            FromMailbox::Asked { stream, request, held } if served.contains_key(&stream) => {
                held.pass_on();
                self.tell(NetEvent::MailboxServed(ServedEvent::Asked { stream, request }));
            }
            FromMailbox::Malformed { stream } => {
                let peer = served.get(&stream).map(|served| served.peer);
                if peer.is_some() {
                    self.tell(NetEvent::MailboxServed(ServedEvent::Malformed { stream }));
                }
                self.score(peer);
            }
            FromMailbox::Drained { stream, bytes } if served.contains_key(&stream) => {
                self.tell(NetEvent::MailboxServed(ServedEvent::Drained { stream, bytes }));
            }
            FromMailbox::Closed { stream } => self.served_is_gone(stream),
            // Of streams that were closed meanwhile.
            FromMailbox::Answered { .. } | FromMailbox::Asked { .. } | FromMailbox::Drained { .. } => {}
        }
    }

    /// Tries all addresses of a mailbox at once.
    fn dial_mailbox(&mut self, stream: u64) {
        let Some(Asked { peer, state: State::Dialling { addresses, dial, .. }, .. }) =
            self.mailboxes.asked.get_mut(&stream)
        else {
            return;
        };
        let peer = *peer;
        let options = DialOpts::peer_id(peer).addresses(addresses.clone());
        *dial = None;
        let condition = self.unless_connected(&peer);
        let options = options.condition(condition).extend_addresses_through_behaviour().build();
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => {
                if let Some(Asked { state: State::Dialling { dial, .. }, .. }) =
                    self.mailboxes.asked.get_mut(&stream)
                {
                    *dial = Some(connection);
                }
            }
            // Somebody else dials it: its outcome decides.
            Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(_) => self.asked_is_gone(stream),
        }
    }

    fn mailbox_opened(&mut self, name: u64, connection: ConnectionId, stream: Stream) {
        let Some(asked) = self.mailboxes.asked.get_mut(&name) else { return };
        let State::Opening { queue } = &mut asked.state else { return };
        if !self.alive.get(&asked.peer).is_some_and(|alive| alive.contains_key(&connection)) {
            return self.asked_is_gone(name);
        }
        let queue = mem::replace(queue, mpsc::channel(1).1);
        asked.state = State::Open { connection };
        tokio::spawn(self.pipe(name).ask(stream, queue));
        self.tell(NetEvent::MailboxOpened { stream: name });
    }

    fn mailbox_accepted(
        &mut self,
        (peer, connection): (PeerId, ConnectionId),
        from: Origin,
        stream: Stream,
        slot: Slot,
    ) {
        let of_peer = self.mailboxes.served.values().filter(|served| served.peer == peer).count();
        let is_alive = self.alive.get(&peer).is_some_and(|alive| alive.contains_key(&connection));
        let most = self.config.limits.mailbox_streams_per_peer;
        // It may have been agreed on just before the mailbox ended.
        let may_open = of_peer < most && is_alive && self.swarm.behaviour().requests.serves();
        let Some(device) = address::device_of(&peer).filter(|_| may_open) else {
            return stats::count(&self.counters.streams_refused);
        };
        self.mailboxes.last_served += 1;
        let name = self.mailboxes.last_served;
        let (answers, queue) = mpsc::channel(ANSWER_QUEUE);
        self.mailboxes.served.insert(name, Served { peer, connection, answers });
        tokio::spawn(self.pipe(name).serve(stream, queue, slot));
        let from = ServedFrom { device, network: from.network, local: from.local };
        self.tell(NetEvent::MailboxServed(ServedEvent::Opened { stream: name, from }));
    }

    fn pipe(&self, name: u64) -> Pipe {
        Pipe {
            name,
            frame_timeout: self.config.limits.frame_timeout,
            out: self.pipe.clone(),
            counters: Arc::clone(&self.counters),
            budget: self.mailboxes.budget.clone(),
        }
    }

    fn asked_is_gone(&mut self, stream: u64) {
        if self.mailboxes.asked.remove(&stream).is_some() {
            self.tell(NetEvent::MailboxClosed { stream });
        }
    }

    fn served_is_gone(&mut self, stream: u64) {
        if self.mailboxes.served.remove(&stream).is_some() {
            self.tell(NetEvent::MailboxServed(ServedEvent::Closed { stream }));
        }
    }

    fn score(&mut self, peer: Option<PeerId>) {
        if let Some(device) = peer.as_ref().and_then(address::device_of) {
            self.misbehaved(device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_told_when_it_is_new_and_when_its_addresses_change() {
        let mut mailboxes = Mailboxes::new(Budget::new());
        let (device, other) = (DeviceId([1; 32]), DeviceId([2; 32]));
        let at = |last: u8| Multiaddress::new(vec![4, 10, 0, 0, last]).unwrap();
        assert!(mailboxes.offers(device, &[at(1), at(2)]));
        assert!(!mailboxes.offers(device, &[at(2), at(1)]), "the same in another order");
        assert!(mailboxes.offers(other, &[at(1)]));
        assert!(mailboxes.offers(device, &[at(1)]));
        assert!(!mailboxes.offers(device, &[at(1)]));
        mailboxes.offering.remove(&device);
        assert!(mailboxes.offers(device, &[at(1)]), "it was taken back meanwhile");
    }
}
