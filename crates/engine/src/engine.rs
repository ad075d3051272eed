//! The root of the engine: it owns the machines and routes. Every rule lives in a machine or in the flow modules
//! (`commands`, `arrivals`, `contents`, `links`) that pass results from one machine to the next.

use std::collections::BTreeSet;

use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::rows::Rows;
use kith_proto::time::Timestamp;

use crate::arrivals;
use crate::askers::Askers;
use crate::attempts::Attempts;
use crate::calls;
use crate::calls::Calls;
use crate::cards;
use crate::cards::Cards;
use crate::chats::Chats;
use crate::choices::Choices;
use crate::choosing;
use crate::clocks::Clocks;
use crate::commands;
use crate::contacts::Contacts;
use crate::core::Core;
use crate::deposits::Deposits;
use crate::devices::Devices;
use crate::effect::Effect;
use crate::event::Event;
use crate::finding;
use crate::finding::Finding;
use crate::groups::asking;
use crate::groups::deletions;
use crate::groups::fellows;
use crate::groups::filing;
use crate::groups::forming;
use crate::groups::gossip;
use crate::groups::hosts;
use crate::groups::mesh;
use crate::groups::reports;
use crate::groups::requests;
use crate::groups::state::Groups;
use crate::groups::taking;
use crate::groups::view as group_view;
use crate::groups::whereabouts;
use crate::inbox::Inbox;
use crate::input::Input;
use crate::input::NetInput;
use crate::knocking;
use crate::knocking::Knocking;
use crate::leaving;
use crate::links;
use crate::mail;
use crate::mailboxes::Mailboxes;
use crate::offers;
use crate::outbox::Outbox;
use crate::output::Output;
use crate::peers::Peers;
use crate::presence::Presence;
use crate::query;
use crate::reading;
use crate::registering;
use crate::routes;
use crate::rows::ContactRow;
use crate::rows::groups::With;
use crate::sessions::Sessions;
use crate::standing::Standings;
use crate::stats::Stats;
use crate::strangers::Strangers;
use crate::timer::TimerKey;
use crate::view::AttemptEnd;
use crate::view::CallView;
use crate::view::ChatView;
use crate::view::ChatWith;
use crate::view::ClockView;
use crate::view::ContactState;
use crate::view::ContactView;
use crate::view::GroupCallView;
use crate::view::MessageState;
use crate::view::NetworkView;
use crate::view::ProfileView;
use crate::view::RouteView;
use crate::view::Way;

/// The messenger of one device.
pub struct Engine {
    pub(crate) core: Core,
    pub(crate) devices: Devices,
    pub(crate) contacts: Contacts,
    pub(crate) peers: Peers,
    pub(crate) sessions: Sessions,
    pub(crate) outbox: Outbox,
    pub(crate) inbox: Inbox,
    pub(crate) chats: Chats,
    pub(crate) calls: Calls,
    pub(crate) presence: Presence,
    pub(crate) finding: Finding,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) choices: Choices,
    pub(crate) deposits: Deposits,
    pub(crate) askers: Askers,
    pub(crate) standing: Standings,
    pub(crate) cards: Cards,
    pub(crate) attempts: Attempts,
    pub(crate) clocks: Clocks,
    pub(crate) groups: Groups,
    pub(crate) knocking: Knocking,
    pub(crate) strangers: Strangers,
}

/// What is true now and stands in no row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// The network.
    pub network: NetworkView,
    /// The contacts, and members of common groups, with a connected device.
    pub online: BTreeSet<ContactId>,
    /// Those of them that only relays lead to.
    pub relayed: BTreeSet<ContactId>,
    /// The calls that this device is in: one, or none.
    pub calls: Vec<CallView>,
    /// The calls of groups that go on, with this device or without it.
    pub group_calls: Vec<GroupCallView>,
}

impl Engine {
    /// Takes one input. Writes, effects and events are added to `out`, which several inputs may share. `rows` is what
    /// was committed before this batch: history is too long to be kept in memory, and is looked at when something
    /// old comes up.
    pub fn handle(&mut self, now: Timestamp, input: Input, rows: &dyn Rows, out: &mut Output) {
        self.core.advance(now);
        self.core.only_receipts = false;
        let before = out.extent();
        match input {
            Input::Command { id, command } => {
                let answer = commands::run(self, rows, out, command);
                out.event(Event::Answered { id, answer });
            }
            Input::Net(input) => {
                if matches!(input, NetInput::Listening { .. } | NetInput::ListenerClosed { .. }) {
                    calls::taking::network_changed(self);
                }
                self.on_net(input, rows, out);
            }
            Input::Call(event) => calls::taking::report(self, rows, out, event),
            Input::Entropy(bytes) => self.core.stir(&bytes),
            Input::Wake => self.on_wake(rows, out),
        }
        filing::lists(self, rows, out);
        let after = out.extent();
        if after != before && !(self.core.only_receipts && after.1 == before.1) {
            out.hurry();
        }
    }

    /// When [`Input::Wake`] is due next. A time that is not later than now means: in this batch, before the commit.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.core.timers.next()
    }

    /// What is true now and stands in no row.
    pub fn overview(&self) -> Overview {
        Overview {
            network: self.network_view(),
            online: self.presence.links.online(&self.peers),
            relayed: self.presence.links.relayed(&self.peers),
            calls: self.calls.view().into_iter().collect(),
            group_calls: calls::together::views(self),
        }
    }

    /// What was tried to bring a message to a device, and what is tried next. `position` as a query tells it
    /// (`view::TracedDevice`); `since`: when the message was written.
    pub fn route(&self, device: &DeviceId, position: u64, since: Timestamp) -> RouteView {
        routes::view(self, device, position, since)
    }

    /// How far the clocks of others are from this device's; `None` while fewer than two told theirs.
    pub fn clock(&self) -> Option<ClockView> {
        self.clocks.view(self.core.now)
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        Stats { waiting: self.outbox.waiting_in_all(), ..self.core.stats }
    }

    fn on_net(&mut self, input: NetInput, rows: &dyn Rows, out: &mut Output) {
        let presence = &mut self.presence;
        match input {
            NetInput::Listening { address, rank } => presence.listening(&mut self.core, rank, address),
            NetInput::ListenerClosed { address } => presence.listener_closed(&mut self.core, &address),
            NetInput::Connected { device, dialled } => {
                return links::connected(self, rows, out, device, dialled);
            }
            NetInput::Path { device, relayed } => return links::path(self, out, &device, relayed),
            NetInput::Nat(nat) => {
                if !presence.set_nat(nat) {
                    return;
                }
            }
            NetInput::Disconnected { device } => {
                links::disconnected(self, out, device);
                return calls::together::lost(self, rows, out, &device);
            }
            NetInput::StreamClosed { device } => return links::stream_closed(self, &device),
            NetInput::Gossip { topic, message, device, bytes } => {
                return gossip::came(self, rows, out, (topic, message), device, bytes);
            }
            NetInput::Frame { device, frame } => return arrivals::frame(self, rows, out, device, frame),
            NetInput::DialFailed { device } => return self.dial_failed(out, &device),
            NetInput::Found { key, record } if self.cards.seeks(&key) => {
                return cards::found(self, rows, out, &key, &record);
            }
            NetInput::Found { key, record } if self.knocking.seeks(&key) => {
                return knocking::found(self, rows, out, &key, &record);
            }
            NetInput::Found { key, record } if self.groups.seeks(&key) => {
                return hosts::found(self, rows, out, &key, &record);
            }
            NetInput::Found { key, record } => {
                if let Some((device, sequence, told)) = finding::found(self, &key, &record)
                    && self.presence.is_news(&device, sequence)
                {
                    links::heard_of(self, out, &device, &told);
                }
                return;
            }
            NetInput::LookUpDone { key } => {
                self.finding.done(&key);
                self.cards.done(&key);
                self.groups.look_up_done(&key);
                knocking::look_up_done(self, out, &key);
                return;
            }
            NetInput::Discovered { device, addresses } => {
                return presence.seen_nearby(&mut self.core, &device, &addresses);
            }
            NetInput::BootstrapConnected { node } => {
                for missing in presence.bootstrap_connected(&mut self.core, node.clone()) {
                    finding::look_up(self, out, &missing);
                }
                choosing::candidate(self, out, &node);
                knocking::seek(self, out);
            }
            NetInput::BootstrapLost { device } => presence.bootstrap_lost(&device),
            NetInput::MailboxOffered { device, addresses } => {
                return offers::offered(self, device, addresses);
            }
            NetInput::MailboxWithdrawn { device } => return self.choices.withdrawn(&device),
            NetInput::MailboxOpened { stream } => return mail::opened(self, out, stream),
            NetInput::MailboxAnswered { stream, answer } => {
                return mail::answered(self, rows, out, stream, answer);
            }
            NetInput::MailboxClosed { stream } => return mail::closed(self, out, stream),
            NetInput::Peers { connected, dht } => {
                if !presence.count(connected, dht) {
                    return;
                }
            }
        }
        self.network_changed(out);
    }

    fn dial_failed(&mut self, out: &mut Output, device: &DeviceId) {
        if self.presence.next_dial(device).is_some_and(|(_, under_way)| under_way) {
            let (way, end) = (Way::Dial, AttemptEnd::NotReached);
            self.attempts.note(self.core.now, device, way, end, 0);
        }
        self.presence.dial_failed(&mut self.core, device);
        whereabouts::dial_failed(self, device);
        cards::seek(self, out, device);
    }

    fn on_wake(&mut self, rows: &dyn Rows, out: &mut Output) {
        while let Some(key) = self.core.timers.pop_due(self.core.now) {
            match key {
                TimerKey::Receipts => links::send_receipts(self, out),
                TimerKey::Dial => {
                    for device in self.presence.run_dials(&mut self.core, out, &self.peers) {
                        finding::look_up(self, out, &device);
                    }
                }
                TimerKey::Probe(device) => links::probe(self, out, &device),
                TimerKey::Greet(device) => links::greet(self, out, &device),
                TimerKey::Publish => {
                    finding::publish(self, out);
                    links::tell_addresses(self, out);
                    cards::publish(self, out);
                }
                TimerKey::Expiry => {
                    for (chat, message) in self.chats.expire(&mut self.core, rows, out) {
                        out.event(Event::MessageExpired { chat, message });
                        self.chat_changed(out, &chat);
                    }
                }
                TimerKey::Mail => mail::look_after(self, out),
                TimerKey::Mute => mail::hang_up_overdue(self, out),
                TimerKey::Fetch => reading::fetch_more(self, out),
                TimerKey::Lists => cards::publish_lists(self, out),
                TimerKey::Work => {
                    registering::work(self, out);
                    knocking::work(self);
                    asking::work(self, out);
                }
                TimerKey::Knock => knocking::seek(self, out),
                TimerKey::Groups => {
                    taking::say_what_is_new(self, out);
                    requests::expire(self, out);
                    forming::expire(self);
                    fellows::part(self, out);
                    deletions::settle(self, rows, out);
                    reports::expire(self, out);
                }
                TimerKey::Calls => calls::taking::wake(self, rows, out),
                TimerKey::Mesh => mesh::look_after(self, rows, out),
                TimerKey::Filing => filing::look_again(self, rows, out),
                TimerKey::Asking => asking::tick(self, out),
                TimerKey::Hosts => hosts::publish_due(self, out),
                TimerKey::Notes => leaving::send_notes(self, out),
                TimerKey::Hearsay(device) => whereabouts::dial_again(self, out, &device),
                TimerKey::Leave(device) => leaving::leave(self, out, &device),
                TimerKey::Prekeys => {
                    if self.devices.rotate_prekeys(&mut self.core, out) {
                        links::tell_prekeys(self, out);
                    }
                }
            }
        }
    }

    /// Whom the network layer keeps connected, and who of them may learn where this device is.
    pub(crate) fn keep_connected(&self, out: &mut Output) {
        let (fellows, agreed) = (self.groups.fellows(), self.groups.agreed_fellows());
        let is_among = |contact: &ContactId, fellows: &BTreeSet<ContactId>| {
            self.contacts.state(contact) != Some(ContactState::Blocked) && fellows.contains(contact)
        };
        let is_accepted = |contact: &ContactId| self.contacts.state(contact) == Some(ContactState::Accepted);
        let is_known = |contact: &ContactId| is_accepted(contact) || is_among(contact, &agreed);
        let is_kept = |contact: &ContactId| {
            let state = self.contacts.state(contact);
            matches!(state, Some(ContactState::Accepted | ContactState::Requested))
                || is_among(contact, &fellows)
                || self.contacts.get(contact).is_some_and(ContactRow::is_fellow)
        };
        let devices_of = |wanted: &dyn Fn(&ContactId) -> bool| -> Vec<DeviceId> {
            let wanted = self.peers.all().filter(|(_, row)| wanted(&row.contact));
            wanted.map(|(device, _)| *device).collect()
        };
        out.effect(Effect::KeepConnected { devices: devices_of(&is_kept), known: devices_of(&is_known) });
        out.effect(Effect::Befriend { devices: devices_of(&is_accepted) });
        mesh::say_topics(self, out);
    }

    /// Whether any device of a contact is connected.
    pub(crate) fn is_online(&self, contact: &ContactId) -> bool {
        self.peers.devices_of(contact).iter().any(|device: &DeviceId| self.presence.links.is_up(device))
    }

    /// Whether we ask whose device this is, and know nothing but the address.
    pub(crate) fn is_knocking(&self, device: &DeviceId) -> bool {
        let contact = self.peers.contact_of(device);
        contact.is_some_and(|contact| self.contacts.get(&contact).is_some_and(|row| row.knocks(&contact)))
    }

    /// How many strangers the owner has not decided about.
    pub(crate) fn waiting_strangers(&self) -> usize {
        let waits = |contact: &ContactId| self.contacts.state(contact) == Some(ContactState::Incoming);
        self.strangers.all().filter(|contact| waits(contact)).count()
    }

    /// The own profile as front ends see it.
    pub(crate) fn profile_view(&self) -> ProfileView {
        ProfileView {
            account: self.devices.account,
            device: self.devices.device(),
            name: self.devices.profile.name.to_string(),
            status: self.devices.profile.status.to_string(),
            knocks: self.strangers.are_allowed(),
        }
    }

    /// A contact as front ends see it.
    pub(crate) fn contact_view(&self, contact: &ContactId) -> Option<ContactView> {
        let row = self.contacts.get(contact)?;
        let devices = self.peers.devices_of(contact);
        let mailboxes =
            devices.iter().map(|device| self.deposits.mailboxes_of(device).len()).max().unwrap_or(0);
        let mailboxes = u32::try_from(mailboxes).unwrap_or(u32::MAX);
        let stranger = self.strangers.is_stranger(contact);
        row.view(&self.devices.account, *contact, self.is_online(contact), mailboxes, stranger)
    }

    /// A chat as front ends see it.
    pub(crate) fn chat_view(&self, chat: &ChatId) -> Option<ChatView> {
        let (row, draft) = self.chats.get(chat)?;
        let id = match row.with {
            With::Contact(contact) => contact,
            With::Group(id) => {
                let group = self.groups.get(&id)?.row();
                let progress = |_: &[_]| MessageState::Sent;
                let with = group_view::summary(&id, group);
                let own = &self.devices.account;
                return Some(query::chat_view(
                    own,
                    *chat,
                    row,
                    (&*group.name, with),
                    draft.to_owned(),
                    progress,
                ));
            }
        };
        let contact = self.contacts.get(&id)?;
        let progress = |device: &DeviceId| {
            let stored = self.deposits.get(device).map_or(0, |row| row.stored);
            Some((self.peers.get(device)?.clone(), stored))
        };
        let standing = contact.state().unwrap_or(ContactState::Accepted);
        let state_of = |places: &[_]| query::state_of(standing, places, progress);
        let (own, name) = (&self.devices.account, &contact.profile.name);
        let with = (&**name, ChatWith::Contact(id));
        Some(query::chat_view(own, *chat, row, with, draft.to_owned(), state_of))
    }

    /// Publishes a contact as it is now.
    pub(crate) fn contact_changed(&self, out: &mut Output, contact: &ContactId) {
        if let Some(view) = self.contact_view(contact) {
            out.event(Event::ContactChanged(view));
        }
    }

    /// Publishes a chat as it is now.
    pub(crate) fn chat_changed(&self, out: &mut Output, chat: &ChatId) {
        if let Some(view) = self.chat_view(chat) {
            out.event(Event::ChatChanged(view));
        }
    }

    /// Publishes the network as it is now.
    pub(crate) fn network_changed(&self, out: &mut Output) {
        out.event(Event::NetworkChanged(self.network_view()));
    }

    fn network_view(&self) -> NetworkView {
        let online = self.presence.links.online(&self.peers);
        let contacts = online.iter().filter(|account| self.contacts.state(account).is_some()).count();
        NetworkView {
            mailboxes: choosing::views(self),
            contacts_online: u32::try_from(contacts).unwrap_or(u32::MAX),
            bootstraps_named: self.core.config.bootstraps.clone(),
            ..self.presence.view(&self.peers)
        }
    }
}
