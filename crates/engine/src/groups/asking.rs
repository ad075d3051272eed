//! We hold a link into a group and ask to come in: those whom the link names, and those who, by the DHT, answer now. One
//! after the other, so that not everybody lets us in at once; where nobody is there, the request waits in their mailboxes.
//!
//! ```text
//!  JoinGroup ─▶ work, if the link asks for it ─▶ a host that is connected is asked ─ silent for 10 s ─▶ the next one
//!                 ▲                                   │ nobody is
//!                 │ WorkWanted                        ├─ 3 s ─▶ look up who answers ─▶ more hosts
//!                 └───────────────────────────────────┴─ 8 s ─▶ three by mail, an hour later more
//!  Operations ─▶ in                 Refused by all who are known and say anything ─▶ not let in
//! ```
//!
//! Not here: who lets us in (`joining`), how hosts are told and found (`hosts`).

mod search;

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::operation::LinkSecret;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::group::GroupInvite;
use kith_proto::group::LinkHost;
use kith_proto::group::join_challenge;
use kith_proto::group::link_secret;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::JoinRequest;
use kith_proto::group::word::JoinWork;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::mailbox::WorkBits;
use kith_proto::mailbox::WorkProof;
use kith_proto::payload::Content;
use kith_proto::rows::Rows;
use kith_proto::time::Span;

use super::fellows;
use super::hosts;
use super::view;
use crate::cards;
use crate::choosing;
use crate::command::Answer;
use crate::command::Refusal;
use crate::contents;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::links;
use crate::output::Output;
use crate::registering;
use crate::rows::groups as rows;
use crate::rows::groups::AskingRow;
use crate::rows::groups::MAX_ASKED;
use crate::timer::TimerKey;
use crate::view::ContactState;

pub(super) use search::Search;

/// Groups that are asked at once.
const MAX_ASKING: usize = 32;

/// Whom the link names has so long to be connected before the DHT is asked who answers, and before mail goes.
const LOOK_AFTER: Span = Span::from_secs(3);
const MAIL_AFTER: Span = Span::from_secs(8);

/// Hosts that are asked by mail at once.
const BY_MAIL: usize = 3;

/// It is seen how far it is every so often: first, and when it takes long.
const TICK: Span = Span::from_secs(4);
const SLOW_TICK: Span = Span::from_minutes(5);
const SLOW_AFTER: Span = Span::from_minutes(2);

/// Hashes tried in one step: some milliseconds.
const WORK_SLICE: u64 = 20_000;

/// The most work that is done to come in: some ten seconds.
const MAX_WORK: u8 = 26;

/// Where no DHT can tell of other hosts, those that are known have so long to come.
const ALONE_FOR: Span = Span::from_secs(10);

impl AskingRow {
    /// Whether somebody is one of those who are asked.
    pub(crate) fn asks(&self, account: &AccountId) -> bool {
        self.hosts.iter().any(|host| host.account == *account)
    }

    fn has(&self, device: &DeviceId) -> bool {
        self.hosts.iter().any(|host| host.device == *device)
    }

    fn link_id(&self) -> LinkId {
        LinkId::of(&LinkSecret::from_seed(self.link.seed).public())
    }
}

/// Asks to come in.
pub(super) fn join(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    link: &GroupInvite,
) -> Result<Answer, Refusal> {
    let (id, own) = (link.group, engine.devices.account);
    if engine.groups.get(&id).is_some_and(|group| group.is_ours()) {
        return Err(Refusal::StillMember);
    }
    if !link.hosts.is_empty() && link.hosts.iter().all(|host| host.account == own) {
        return Err(Refusal::OwnInvite);
    }
    if engine.groups.asking.len() >= MAX_ASKING && !engine.groups.asking.contains_key(&id) {
        return Err(Refusal::TooMany);
    }
    let others: Vec<LinkHost> = link.hosts.iter().filter(|host| host.account != own).cloned().collect();
    let forged = |host: &LinkHost| !contents::may_belong(engine, &host.device, &host.account);
    if !others.is_empty() && others.iter().all(forged) {
        return Err(Refusal::InviteForged);
    }
    let (since, hosts) = (engine.core.now, BoundedVec::default());
    let row = AskingRow { link: link.clone(), since, hosts, work: None, bits: link.work, asked: false };
    out.put(rows::GROUP_ASKING, &id.0, row.to_bytes());
    engine.groups.asking.insert(id, row);
    engine.groups.searches.insert(id, Search::default());
    for node in link.nodes.iter() {
        out.effect(Effect::UseBootstrap { node: node.clone() });
    }
    meet(engine, rows, out, &id, &others);
    engine.core.timers.set_earlier(TimerKey::Work, since);
    engine.core.timers.set_earlier(TimerKey::Asking, since);
    view::changed(engine, out, &id);
    view::of(engine, &id).map(|view| Answer::Group(Box::new(view))).ok_or(Refusal::UnknownGroup)
}

/// Gets to know hosts: from the link, or from the DHT.
pub(super) fn meet(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId, hosts: &[LinkHost]) {
    let own = engine.devices.account;
    for host in hosts {
        let Some(row) = engine.groups.asking.get(id) else { return };
        let (seed, full) = (row.link.seed, row.hosts.len() >= MAX_ASKED);
        let (device, account) = (host.device, host.account);
        let blocked = engine.contacts.state(&account) == Some(ContactState::Blocked);
        let mine = account == own || blocked || !contents::may_belong(engine, &device, &account);
        if full || mine || row.has(&device) {
            continue;
        }
        engine.contacts.add_fellow(&engine.core, out, &account);
        engine.contacts.hold_link(out, &account, link_secret(&seed, &device));
        contents::bind_device(engine, rows, out, device, account);
        // What a device said itself counts more than what stands in a link.
        if engine.peers.get(&device).is_some_and(|row| row.addresses.is_empty()) {
            engine.peers.learn_addresses(&device, &host.addresses, out);
        }
        engine.presence.want(&mut engine.core, &device);
        if !engine.presence.links.is_up(&device) && !host.addresses.is_empty() {
            out.effect(Effect::Dial { device, addresses: host.addresses.to_vec() });
        }
        change(engine, out, id, |row| {
            let hosts = row.hosts.iter().chain([host]).cloned().collect();
            row.hosts = BoundedVec::truncated(hosts);
        });
        if engine.presence.links.is_up(&device) {
            links::greet(engine, out, &device);
        }
    }
    engine.keep_connected(out);
    engine.core.timers.set_earlier(TimerKey::Asking, engine.core.now);
}

fn change(engine: &mut Engine, out: &mut Output, id: &GroupId, change: impl FnOnce(&mut AskingRow)) {
    if let Some(row) = engine.groups.asking.get_mut(id) {
        change(row);
        out.put(rows::GROUP_ASKING, &id.0, row.to_bytes());
    }
}

/// Goes on after a start with what was asked before.
pub(crate) fn start(engine: &mut Engine) {
    if !engine.groups.asking.is_empty() {
        engine.core.timers.set(TimerKey::Work, engine.core.now);
        engine.core.timers.set(TimerKey::Asking, engine.core.now);
    }
}

/// A device listens: perhaps it is to be asked.
pub(crate) fn ready(engine: &mut Engine, device: &DeviceId) {
    if engine.groups.asking.values().any(|row| row.has(device)) {
        engine.core.timers.set_earlier(TimerKey::Asking, engine.core.now);
    }
}

/// Looks how far each request is.
pub(crate) fn tick(engine: &mut Engine, out: &mut Output) {
    let now = engine.core.now;
    for id in engine.groups.asking.keys().copied().collect::<Vec<_>>() {
        let search = engine.groups.searches.entry(id).or_default();
        let waits = search.waits(now);
        let Some(row) = engine.groups.asking.get(&id) else { continue };
        let since = now.since(row.since);
        if row.bits == 0 || row.work.is_some() {
            let search = engine.groups.searches.entry(id).or_default();
            let open = row.hosts.iter().map(|host| host.device);
            let mut open: Vec<DeviceId> = open.filter(|device| search.may_ask(now, device)).collect();
            // Whoever wants more work again and again must not stand before the others.
            open.sort_by_key(|device| search.again.contains(device));
            let there = open.iter().find(|device| engine.presence.links.is_ready(device)).copied();
            if let Some(device) = there.filter(|_| !waits) {
                ask(engine, out, &id, &device);
            } else if there.is_none() && !waits && since >= MAIL_AFTER {
                for device in open.iter().take(BY_MAIL) {
                    ask(engine, out, &id, device);
                    cards::seek(engine, out, device);
                }
            }
        }
        by_mail(engine, out, &id);
        let search = engine.groups.searches.entry(id).or_default();
        if since >= LOOK_AFTER && !waits && engine.presence.may_look_up() && search.may_look(now) {
            hosts::look_up(engine, out, &id);
        }
        if is_over(engine, &id) {
            give_up(engine, out, &id);
            continue;
        }
        let pause = if since < SLOW_AFTER { TICK } else { SLOW_TICK };
        engine.core.timers.set_earlier(TimerKey::Asking, now + pause);
    }
}

/// Whoever was asked and is not there has a card by which mail finds them.
fn by_mail(engine: &mut Engine, out: &mut Output, id: &GroupId) {
    let Some(search) = engine.groups.searches.get(id) else { return };
    for device in search.asked.keys().copied().collect::<Vec<_>>() {
        if !engine.presence.links.is_up(&device) && is_waiting(engine, &device, id) {
            cards::seek(engine, out, &device);
        }
    }
}

/// Whether the request as it is now waits for a device.
fn is_waiting(engine: &Engine, device: &DeviceId, id: &GroupId) -> bool {
    let work = engine.groups.asking.get(id).and_then(|row| row.work);
    let asks = |content: &Content| match content {
        Content::Group(GroupWord::Join(join)) => join.group == *id && join.work == work,
        _ => false,
    };
    engine.outbox.is_waiting(device, asks)
}

/// Puts the request on its way to a host.
fn ask(engine: &mut Engine, out: &mut Output, id: &GroupId, device: &DeviceId) {
    let now = engine.core.now;
    engine.groups.searches.entry(*id).or_default().asks(now, device);
    if is_waiting(engine, device, id) {
        return links::pump(engine, out, device);
    }
    let Some(row) = engine.groups.asking.get(id) else { return };
    let own_list = engine.devices.own_list();
    let Ok(list) = SignedDeviceList::from_bytes(&own_list) else { return };
    let secret = LinkSecret::from_seed(row.link.seed);
    let request = JoinRequest {
        group: *id,
        link: LinkId::of(&secret.public()),
        account: engine.devices.account,
        device_list: own_list,
        bundle: engine.devices.own_bundle_for_many(),
        proof: secret.prove(id, &list),
        profile: engine.devices.profile.clone(),
        work: row.work,
    };
    let mut contents = vec![Content::Group(GroupWord::Join(Box::new(request)))];
    contents.extend(choosing::untold(engine, out, device));
    engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, contents, None);
    links::pump(engine, out, device);
}

/// Goes on with the work that it takes to come in.
pub(crate) fn work(engine: &mut Engine, out: &mut Output) {
    let own = engine.devices.account;
    let lacks = |(_, row): &(&GroupId, &AskingRow)| row.bits > 0 && row.work.is_none();
    let Some((id, row)) = engine.groups.asking.iter().find(lacks) else { return };
    let (id, link, bits) = (*id, row.link_id(), WorkBits::capped(row.bits));
    let search = engine.groups.searches.entry(id).or_default();
    let day = search.day.unwrap_or(engine.core.now.day());
    let challenge = join_challenge(&id, &link, day);
    match WorkProof::search(&challenge, bits, &own.0, search.next_work, WORK_SLICE) {
        None => {
            search.next_work = search.next_work.saturating_add(WORK_SLICE);
            engine.core.timers.set_earlier(TimerKey::Work, engine.core.now + Span(1));
        }
        Some(found) => {
            search.next_work = 0;
            change(engine, out, &id, |row| row.work = Some(JoinWork { day, solution: found.solution }));
            engine.core.timers.set_earlier(TimerKey::Asking, engine.core.now);
            engine.core.timers.set_earlier(TimerKey::Work, engine.core.now + Span(1));
        }
    }
}

/// A host wants more work than was done: many come at the moment, or by its clock it was done on another day.
pub(super) fn work_wanted(
    engine: &mut Engine,
    out: &mut Output,
    device: &DeviceId,
    id: &GroupId,
    (bits, told): (u8, u32),
) {
    let Some(row) = engine.groups.asking.get(id) else { return };
    let (most, done, now) = (row.bits.max(bits), row.work, engine.core.now);
    let search = engine.groups.searches.entry(*id).or_default();
    if search.again.contains(device) || !search.asked.contains_key(device) {
        // Said twice to one request, or to one from before a start: it is made again anyway.
        return;
    }
    if bits > MAX_WORK || !search.wants_more(device) {
        return refused(engine, out, device, id);
    }
    let day = search::work_day(now.day(), told);
    search.day = Some(day).filter(|day| *day != now.day());
    let enough = row.bits >= bits && done.is_some_and(|done| search::work_day(done.day, told) == done.day);
    if !enough {
        search.next_work = 0;
        change(engine, out, id, |row| (row.bits, row.work) = (most, None));
    }
    engine.core.timers.set_earlier(TimerKey::Work, now);
    engine.core.timers.set_earlier(TimerKey::Asking, now);
}

/// A device has, or a mailbox keeps, what we sent: the request is with somebody.
pub(crate) fn reached(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let Some(contact) = engine.peers.contact_of(device) else { return };
    let asked = |(id, row): &(&GroupId, &AskingRow)| {
        let search = engine.groups.searches.get(id);
        !row.asked && row.asks(&contact) && search.is_some_and(|search| search.asked.contains_key(device))
    };
    let found: Vec<GroupId> = engine.groups.asking.iter().filter(asked).map(|(id, _)| *id).collect();
    for id in found {
        change(engine, out, &id, |row| row.asked = true);
        view::changed(engine, out, &id);
    }
}

/// A host does not let us in, or does not know the link, or not any more: another may.
pub(super) fn refused(engine: &mut Engine, out: &mut Output, device: &DeviceId, id: &GroupId) {
    let now = engine.core.now;
    engine.groups.searches.entry(*id).or_default().refuses(now, device);
    if is_over(engine, id) {
        return give_up(engine, out, id);
    }
    engine.core.timers.set_earlier(TimerKey::Asking, now);
}

/// Whether nobody is left to ask, and nobody can tell of others.
fn is_over(engine: &Engine, id: &GroupId) -> bool {
    let Some((row, search)) = engine.groups.asking.get(id).zip(engine.groups.searches.get(id)) else {
        return false;
    };
    let now = engine.core.now;
    let looked = match engine.presence.may_look_up() {
        true => search.looks > 0 && !engine.groups.sought.values().any(|(group, _)| group == id),
        false => now.since(row.since) >= ALONE_FOR,
    };
    looked && search.is_over(now, row.hosts.iter().map(|host| &host.device))
}

/// A device refused us its prekeys: it does not know the link.
pub(crate) fn unknown_to(engine: &mut Engine, out: &mut Output, device: &DeviceId) {
    let asks = |(_, row): &(&GroupId, &AskingRow)| row.has(device);
    for id in engine.groups.asking.iter().filter(asks).map(|(id, _)| *id).collect::<Vec<_>>() {
        refused(engine, out, device, &id);
    }
}

/// We do not ask any more: nobody lets us in, or we do not want to.
pub(super) fn give_up(engine: &mut Engine, out: &mut Output, id: &GroupId) {
    if forget(engine, out, id) {
        if engine.groups.get(id).is_some() {
            // We were in it before: what was said then is still there.
            view::changed(engine, out, id);
        } else {
            out.event(Event::GroupForgotten { group: *id, chat: ChatId::group(id) });
        }
        fellows::part(engine, out);
        engine.keep_connected(out);
        registering::queues_changed(engine, out);
    }
}

/// Nothing is asked any more. Returns whether anything was.
pub(super) fn forget(engine: &mut Engine, out: &mut Output, id: &GroupId) -> bool {
    engine.groups.searches.remove(id);
    engine.groups.sought.retain(|_, (group, _)| group != id);
    let asked = engine.groups.asking.remove(id).is_some();
    if asked {
        out.delete(rows::GROUP_ASKING, &id.0);
    }
    asked
}
