//! Letting people in who hold a link: any member may whom the rules of the group allow it, whoever made the link. Whoever asks
//! proves by the link's key that they hold it. Where somebody has to agree, the request goes to those who may.
//!
//! ```text
//!  Join ─▶ link open? proof good? ── no ─▶ Refused
//!             ├ a member already ─▶ their newest device list is filed, they get the log
//!             ├ too little work ─▶ WorkWanted
//!             ├ approval, or removed before ─▶ kept ─ PassedOn ─▶ kept by those who may invite
//!             │                                 ▲                    │ ApproveJoin: Add, and whoever was asked tells the log
//!             │                                 └───── Decided ◀─────┘ RefuseJoin
//!             ├ came by this link before, and we may not invite ─▶ kept ─ PassedOn ─▶ Add by one who may
//!             └ else ─▶ Add by the link ─▶ they get the log
//! ```
//!
//! Not here: how we ask (`asking`), how we are found (`hosts`), what waits (`requests`).

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::operation::LinkSecret;
use kith_crypto::operation::verify_link_proof;
use kith_proto::bounded::BoundedStr;
use kith_proto::codec::Decode as _;
use kith_proto::group::Add;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::group::join_challenge;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::JoinRequest;
use kith_proto::group::word::JoinWork;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::mailbox::MAX_WORK_BITS;
use kith_proto::mailbox::WorkProof;
use kith_proto::payload::Content;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::Denial;
use super::Permission;
use super::fellows;
use super::hosts;
use super::membership;
use super::mesh;
use super::requests;
use super::state::Group;
use super::view;
use crate::command::Answer;
use crate::command::Refusal;
use crate::contents;
use crate::engine::Engine;
use crate::links;
use crate::output::Output;
use crate::sessions::Introduction;

/// People who asked by a link, are in no group here and stand in no log, until they were answered. The oldest goes for a new one.
const MAX_IN_PASSING: usize = 64;

/// Members who are told of a request, or of what was decided about it: the most senior.
const MAX_TOLD: usize = 8;

/// Work that was done so many days ago is good: a request may have waited in a mailbox.
pub(super) const WORK_DAYS: u32 = 14;

/// Of those whom one device lets in during so long, the first are the usual; each doubling of them doubles the work.
const CROWD_DURING: Span = Span::from_minutes(10);
const USUAL_CROWD: usize = 8;

/// Makes a link.
pub(super) fn create_link(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    group: GroupId,
    (role, expires_secs): (Role, Option<u64>),
    (uses, approval, work): (u32, bool, u8),
) -> Result<Answer, Refusal> {
    if engine.presence.invite_addresses(engine.devices.device()).is_empty() {
        return Err(Refusal::NoAddress);
    }
    let secret = LinkSecret::generate(&mut engine.core.rng);
    let now = engine.core.now;
    let expires = expires_secs.map_or(Timestamp::NEVER, |secs| now + Span::from_secs(secs));
    let (key, seed, work) = (secret.public(), *secret.seed(), work.min(MAX_WORK_BITS));
    let link = Link { key, seed, role, expires, uses, approval, work };
    membership::act(engine, rows, out, &group, Kind::Link(link))?;
    hosts::invite(engine, &group, &link.id()).map(Answer::GroupLink).ok_or(Refusal::UnknownGroup)
}

/// Takes a link back.
pub(super) fn revoke_link(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    group: GroupId,
    link: LinkId,
) -> Result<Answer, Refusal> {
    membership::act(engine, rows, out, &group, Kind::RevokeLink(link))?;
    Ok(Answer::Done)
}

/// Whether a request is one that members may answer: the link is open, and whoever asks holds it.
fn is_genuine(engine: &mut Engine, request: &JoinRequest) -> bool {
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(&request.group).filter(|group| group.is_ours()) else {
        return false;
    };
    let open = group.log.roster().links.get(&request.link);
    let Some(open) = open.filter(|open| open.answerable && open.link.expires > now) else {
        return false;
    };

    let Ok(list) = SignedDeviceList::from_bytes(&request.device_list) else { return false };
    let (key, hash) = (open.link.key, list.hash());
    list.verify(&request.account).is_ok()
        && verify_link_proof(&key, &request.group, (&request.account, &hash), &request.proof)
}

/// A stranger's first envelope holds a request. Lets their device speak, if the request is genuine.
pub(crate) fn introduce(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    introduction: Introduction,
    request: &JoinRequest,
) -> bool {
    let Introduction { account, identity } = introduction;
    if request.account != account || account == engine.devices.account || !is_genuine(engine, request) {
        return false;
    }
    let Ok(list) = SignedDeviceList::from_bytes(&request.device_list) else { return false };
    let listed = list.list.devices.iter().find(|entry| entry.device == *device);
    if listed.is_none_or(|entry| entry.identity != identity) {
        return false;
    }
    // An open link must not fill the disk with those whom it does not let in, and they must not keep out others.
    if engine.contacts.get(&account).is_none() {
        fellows::make_room(engine, out, MAX_IN_PASSING);
    }
    engine.contacts.add_fellow(&engine.core, out, &account);
    engine.contacts.set_profile(out, &account, request.profile.clone());
    if engine.devices.learn_list(&mut engine.core, out, &account, &request.device_list).is_err() {
        return false;
    }
    // An older bundle than the one we have is no lie: the request may have waited.
    let _ = engine.devices.learn_bundle(&engine.core, out, &account, device, &request.bundle);
    contents::bind_device(engine, rows, out, *device, account);
    contents::match_devices(engine, rows, out, &account);
    engine.keep_connected(out);
    true
}

/// Somebody asks to come in.
pub(super) fn asked(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    request: &JoinRequest,
) {
    let (id, account) = (request.group, request.account);
    if !engine.groups.get(&id).is_some_and(Group::is_ours) {
        // Who left, or was removed, cannot say what the others would: it counts for this host only.
        return refuse(engine, out, device, id);
    }
    if engine.peers.contact_of(device) != Some(account) || !is_genuine(engine, request) {
        engine.core.stats.bad_proofs += 1;
        return refuse(engine, out, device, id);
    }
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(&id) else { return };
    if group.members.contains_key(&account) {
        return welcome_back(engine, rows, out, device, request);
    }
    let wanted = wanted_work(group, request, now);
    let roster = group.log.roster();
    if roster.banned.contains(&account) {
        return refuse(engine, out, device, id);
    }
    if let Some(bits) = wanted {
        let same = |content: &Content| matches!(content, Content::Group(GroupWord::WorkWanted { group, .. }) if *group == id);
        if !engine.outbox.is_waiting(device, same) {
            say(engine, out, device, GroupWord::WorkWanted { group: id, bits, day: now.day() });
        }
        return;
    }
    if decides_somebody(roster, request) {
        return wait_for_others(engine, rows, out, device, request, MAX_TOLD);
    }
    match admit(engine, rows, out, request) {
        Ok(()) => {}
        // They came by this link before. Whoever may invite lets them in without asking a person: one is enough.
        Err(Refusal::Denied(Denial::RoleTooLow)) => {
            return wait_for_others(engine, rows, out, device, request, 1);
        }
        Err(_) => return refuse(engine, out, device, id),
    }
    if let Some(group) = engine.groups.get_mut(&id) {
        group.came.push_back(now);
    }
    // The queue of the link takes first envelopes only: they have to know where to write from now on.
    fellows::introduce(engine, out, device);
}

/// A member asks: they are in and do not know, because they put an old disk back, or came back by their phrase on another device,
/// of which the group hears first.
fn welcome_back(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    request: &JoinRequest,
) {
    let (id, account) = (request.group, request.account);
    let version = SignedDeviceList::from_bytes(&request.device_list).map_or(0, |list| list.list.version);
    let known = engine.groups.get(&id).and_then(|group| group.log.device_list(&account));
    if known.is_some_and(|known| known.list.version < version) {
        let kind = Kind::Devices { account, devices: request.device_list.clone() };
        // Refused when somebody was faster, or the log is full.
        let _ = membership::act(engine, rows, out, &id, kind);
    }
    if !membership::is_being_told(engine, device, &id) {
        let operations = engine.groups.get(&id).map(Group::whole).unwrap_or_default();
        membership::tell(engine, out, device, id, operations);
    }
    // The queue of the link takes first envelopes only.
    fellows::introduce(engine, out, device);
}

/// Whether somebody who may invite has to agree.
fn decides_somebody(roster: &super::Roster, request: &JoinRequest) -> bool {
    let approval = roster.links.get(&request.link).is_some_and(|open| open.link.approval);
    approval || roster.policy.approve_links || roster.removed.contains(&request.account)
}

/// How much work is lacking, if any is: the link's, and more when many come.
fn wanted_work(group: &mut Group, request: &JoinRequest, now: Timestamp) -> Option<u8> {
    let bits = group.log.roster().links.get(&request.link).map_or(0, |open| open.link.work);
    if bits == 0 {
        return None;
    }
    while group.came.front().is_some_and(|at| now.since(*at) >= CROWD_DURING) {
        group.came.pop_front();
    }
    let crowd = u8::try_from((group.came.len() / USUAL_CROWD + 1).ilog2()).unwrap_or(u8::MAX);
    let wanted = bits.saturating_add(crowd).min(MAX_WORK_BITS);
    (work_done(request, now) < wanted).then_some(wanted)
}

/// How much work was done for a request, and counts now.
fn work_done(request: &JoinRequest, now: Timestamp) -> u8 {
    let today = now.day();
    let counts =
        |work: &JoinWork| work.day <= today.saturating_add(1) && work.day.saturating_add(WORK_DAYS) >= today;
    request.work.filter(counts).map_or(0, |work| {
        let challenge = join_challenge(&request.group, &request.link, work.day);
        WorkProof { challenge, solution: work.solution }.bits(&request.account.0)
    })
}

/// Somebody else has to decide: the request is kept, and passed on to those who may.
fn wait_for_others(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    request: &JoinRequest,
    most: usize,
) {
    let (id, account, now) = (request.group, request.account, engine.core.now);
    let Some(group) = engine.groups.get_mut(&id) else { return };
    if group.door.is_refused(now, request) {
        return refuse(engine, out, device, id);
    }
    requests::keep(engine, out, request.clone(), *device);
    if engine.groups.get_mut(&id).is_some_and(|group| group.door.passes_on(now, account)) {
        pass_on(engine, rows, out, request, most);
    }
}

/// The devices of the most senior members who may invite.
fn deciders(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, id: &GroupId) -> Vec<DeviceId> {
    let own = engine.devices.account;
    let Some(group) = engine.groups.get_mut(id) else { return Vec::new() };
    let inviters = group.log.roster().inviters().into_iter().filter(|account| *account != own).take(MAX_TOLD);
    let inviters: Vec<AccountId> = inviters.collect();
    inviters.iter().flat_map(|account| mesh::reach(engine, rows, out, id, account)).collect()
}

/// Tells those who may decide: so many of them who are there, or all if nobody is.
fn pass_on(engine: &mut Engine, rows: &dyn Rows, out: &mut Output, request: &JoinRequest, most: usize) {
    let all = deciders(engine, rows, out, &request.group);
    let there: Vec<DeviceId> =
        all.iter().filter(|device| engine.presence.links.is_ready(device)).take(most).copied().collect();
    let told = if most < MAX_TOLD && !there.is_empty() { there } else { all };
    for device in told {
        say(engine, out, &device, GroupWord::PassedOn(Box::new(request.clone())));
    }
}

fn say(engine: &mut Engine, out: &mut Output, device: &DeviceId, word: GroupWord) {
    if engine.peers.get(device).is_some() {
        let contents = vec![Content::Group(word)];
        engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, contents, None);
        links::pump(engine, out, device);
    }
}

/// A member passes on that somebody asks.
pub(super) fn passed_on(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    device: &DeviceId,
    request: JoinRequest,
) {
    let (id, account, own) = (request.group, request.account, engine.devices.account);
    if account == own || !is_genuine(engine, &request) {
        engine.core.stats.bad_proofs += 1;
        return;
    }
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(&id) else { return };
    let roster = group.log.roster();
    let work = roster.links.get(&request.link).map_or(0, |open| open.link.work);
    let settled = roster.members.contains_key(&account) || roster.banned.contains(&account);
    if settled || !roster.permits(&own, Permission::Invite) {
        return;
    }
    if work_done(&request, now) < work {
        // Members ask for it before they pass anything on.
        engine.core.stats.floods += 1;
        return;
    }
    let decides = decides_somebody(roster, &request);
    if group.door.is_refused(now, &request) {
        return say(engine, out, device, GroupWord::Decided { group: id, account });
    }
    if group.requests.contains_key(&account) {
        return group.door.held_by(account, *device);
    }
    if !decides {
        // They came by this link before, and left: that needs a member who may invite, and no person.
        let _ = admit(engine, rows, out, &request);
        return;
    }
    let name = request.profile.name.clone();
    requests::keep(engine, out, request, *device);
    engine.contacts.add_fellow(&engine.core, out, &account);
    engine.contacts.name_fellow(out, &account, &name);
}

fn admit(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    request: &JoinRequest,
) -> Result<(), Refusal> {
    let group = engine.groups.get_mut(&request.group).ok_or(Refusal::UnknownGroup)?;
    let open = group.log.roster().links.get(&request.link).copied();
    let open = open.ok_or(Refusal::Denied(Denial::NoSuchLink))?;
    let add = Add {
        account: request.account,
        role: open.link.role,
        devices: request.device_list.clone(),
        called: request.profile.name.clone(),
        via: Via::Link { link: request.link, proof: request.proof },
    };
    membership::act(engine, rows, out, &request.group, Kind::Add(add))
}

/// Tells a device that it is not let in by us.
pub(super) fn refuse(engine: &mut Engine, out: &mut Output, device: &DeviceId, group: GroupId) {
    let same = |content: &Content| *content == Content::Group(GroupWord::Refused { group });
    if !engine.outbox.is_waiting(device, same) {
        say(engine, out, device, GroupWord::Refused { group });
    }
}

/// Decides about somebody who asks.
pub(super) fn decide(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    (id, account): (GroupId, AccountId),
    let_in: bool,
) -> Result<Answer, Refusal> {
    let group = engine.groups.get_mut(&id).ok_or(Refusal::UnknownGroup)?;
    let row = group.requests.get(&account).ok_or(Refusal::NoSuchRequest)?.clone();
    let own = engine.devices.account;
    if !group.log.roster().permits(&own, Permission::Invite) {
        return Err(Refusal::Denied(Denial::RoleTooLow));
    }
    if let_in {
        admit(engine, rows, out, &row.request)?;
    } else {
        let mut told = requests::refuse(engine, out, &id, &account);
        told.extend(deciders(engine, rows, out, &id));
        told.retain(|device| engine.peers.contact_of(device) != Some(account));
        for device in told {
            say(engine, out, &device, GroupWord::Decided { group: id, account });
        }
    }
    fellows::part(engine, out);
    view::changed(engine, out, &id);
    view::of(engine, &id).map(|view| Answer::Group(Box::new(view))).ok_or(Refusal::UnknownGroup)
}

/// A member decided that somebody does not come in.
pub(super) fn decided(
    engine: &mut Engine,
    out: &mut Output,
    device: &DeviceId,
    id: &GroupId,
    account: &AccountId,
) {
    let by = engine.peers.contact_of(device);
    let Some(group) = engine.groups.get_mut(id) else { return };
    let may = by.is_some_and(|by| group.log.roster().permits(&by, Permission::Invite));
    if may && group.requests.contains_key(account) {
        requests::refuse(engine, out, id, account);
        fellows::part(engine, out);
        view::changed(engine, out, id);
    }
}

/// People became members: whoever of them asked us hears it from us, as they may not know who let them in.
pub(super) fn came(engine: &mut Engine, out: &mut Output, id: &GroupId, joined: &[AccountId]) {
    for account in joined {
        let Some(row) = requests::drop_request(engine, out, id, account) else { continue };
        if engine.peers.contact_of(&row.from) == Some(*account) {
            let operations = engine.groups.get(id).map(Group::whole).unwrap_or_default();
            membership::tell(engine, out, &row.from, *id, operations);
            fellows::introduce(engine, out, &row.from);
        }
    }
}

/// A text within its limit.
pub(super) fn bounded<const MAX: usize>(text: String) -> Result<BoundedStr<MAX>, Refusal> {
    BoundedStr::new(text).ok_or(Refusal::TooLong { limit: MAX })
}
