//! Coming in by a link: the holder asks the device that made it, proving by the link's key that they hold it; that device
//! lets them in as the rules of the group say, or keeps the request for somebody to decide.
//!
//! ```text
//!  JoinGroup ─▶ asking ─ prekeys by the link's secret ─▶ Join ─▶ link open? proof good? ─ no ─▶ Refused
//!                                                         approval? ── yes ─▶ request, ApproveJoin / RefuseJoin
//!                                                             └ no ─▶ Add by the link ─▶ they get the log
//! ```

use kith_crypto::identity::SignedDeviceList;
use kith_crypto::operation::LinkSecret;
use kith_crypto::operation::verify_link_proof;
use kith_proto::bounded::BoundedStr;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::group::Add;
use kith_proto::group::GroupInvite;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Role;
use kith_proto::group::Via;
use kith_proto::group::link_secret;
use kith_proto::group::word::GroupWord;
use kith_proto::group::word::JoinRequest;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::InviteId;
use kith_proto::id::LinkId;
use kith_proto::invite::InviteSecret;
use kith_proto::payload::Content;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::fellows;
use super::membership;
use super::view;
use crate::command::Answer;
use crate::command::Refusal;
use crate::contents;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::links;
use crate::output::Output;
use crate::reading;
use crate::rows::groups as rows;
use crate::rows::groups::AskingRow;
use crate::rows::groups::RequestRow;
use crate::sessions::Introduction;

/// Groups that are asked at once.
const MAX_ASKING: usize = 32;

/// Requests of one group that wait for a decision.
const MAX_REQUESTS: usize = 128;

/// Makes a link.
pub(super) fn create_link(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    group: GroupId,
    role: Role,
    expires_secs: Option<u64>,
    (uses, approval): (u32, bool),
) -> Result<Answer, Refusal> {
    let own = engine.devices.device();
    let addresses = engine.presence.invite_addresses(own);
    if addresses.is_empty() {
        return Err(Refusal::NoAddress);
    }
    let secret = LinkSecret::generate(&mut engine.core.rng);
    let now = engine.core.now;
    let expires = expires_secs.map_or(Timestamp::NEVER, |secs| now + Span::from_secs(secs));
    let link = Link { key: secret.public(), role, expires, uses, approval };
    membership::act(engine, rows, out, &group, Kind::Link(link))?;
    out.put(rows::GROUP_LINKS, &rows::group_key(&group, &link.id().0), secret.seed().to_vec());
    engine.groups.links.insert((group, link.id()), *secret.seed());
    Ok(Answer::GroupLink(GroupInvite::new(group, engine.devices.account, *secret.seed(), &addresses)))
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
    if engine.groups.links.remove(&(group, link)).is_some() {
        out.delete(rows::GROUP_LINKS, &rows::group_key(&group, &link.0));
    }
    Ok(Answer::Done)
}

/// Asks to come in.
pub(super) fn join(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    link: &GroupInvite,
) -> Result<Answer, Refusal> {
    let id = link.group;
    if engine.groups.get(&id).is_some_and(|group| group.is_ours()) {
        return Err(Refusal::StillMember);
    }
    if link.account == engine.devices.account {
        return Err(Refusal::OwnInvite);
    }
    if engine.groups.asking.len() >= MAX_ASKING && !engine.groups.asking.contains_key(&id) {
        return Err(Refusal::TooMany);
    }
    let device = link.addresses.first().ok_or(Refusal::InviteUseless)?.device;
    if !contents::may_belong(engine, &device, &link.account) {
        return Err(Refusal::InviteForged);
    }
    let row = AskingRow { link: link.clone(), since: engine.core.now };
    out.put(rows::GROUP_ASKING, &id.0, row.to_bytes());
    engine.groups.asking.insert(id, row);
    engine.contacts.add_fellow(&engine.core, out, &link.account);
    engine.contacts.hold_link(out, &link.account, link.secret());
    contents::bind_device(engine, rows, out, device, link.account);
    for hint in link.addresses.iter() {
        if hint.device == device {
            engine.peers.remember_address(&device, &hint.address, out);
        } else {
            out.effect(Effect::UseBootstrap { node: hint.clone() });
        }
    }
    let own_list = engine.devices.own_list();
    let list = SignedDeviceList::from_bytes(&own_list).map_err(|_| Refusal::UnknownGroup)?;
    let secret = LinkSecret::from_seed(link.seed);
    let request = JoinRequest {
        group: id,
        link: LinkId::of(&secret.public()),
        account: engine.devices.account,
        device_list: own_list,
        bundle: engine.devices.own_bundle_for_many(),
        proof: secret.prove(&id, &list),
        profile: engine.devices.profile.clone(),
    };
    let contents = vec![Content::Group(GroupWord::Join(Box::new(request)))];
    engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, &device, contents, None);
    engine.keep_connected(out);
    engine.presence.want(&mut engine.core, &device);
    if engine.presence.links.is_up(&device) {
        links::greet(engine, out, &device);
    }
    view::changed(engine, out, &id);
    view::of(engine, &id).map(|view| Answer::Group(Box::new(view))).ok_or(Refusal::UnknownGroup)
}

/// The secret of a link that was made here and is open, by its name among invites.
pub(crate) fn open_link(engine: &mut Engine, invite: &InviteId) -> Option<InviteSecret> {
    let now = engine.core.now;
    let links: Vec<_> = engine.groups.link_seeds().collect();
    links.into_iter().find_map(|(id, link, seed)| {
        let secret = Some(link_secret(&seed)).filter(|secret| secret.id() == *invite)?;
        let group = engine.groups.get_mut(&id).filter(|group| group.is_ours())?;
        group.log.roster().links.get(&link).filter(|open| open.link.expires > now)?;
        Some(secret)
    })
}

/// Whether a request is one that we may answer: the link is open, and whoever asks holds it.
fn is_genuine(engine: &mut Engine, request: &JoinRequest) -> bool {
    let now = engine.core.now;
    let Some(group) = engine.groups.get_mut(&request.group).filter(|group| group.is_ours()) else {
        return false;
    };
    let Some(open) = group.log.roster().links.get(&request.link).filter(|open| open.link.expires > now)
    else {
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
    request: JoinRequest,
) {
    let (id, account) = (request.group, request.account);
    if engine.peers.contact_of(device) != Some(account) || !is_genuine(engine, &request) {
        engine.core.stats.bad_proofs += 1;
        return refuse(engine, out, device, id);
    }
    let Some(group) = engine.groups.get_mut(&id) else { return };
    if group.members.contains_key(&account) {
        // They are in, and do not know: perhaps they put an old disk back.
        let whole = group.log.operations().map(|(_, operation)| operation.clone()).collect();
        return membership::tell(engine, out, device, id, whole);
    }
    let roster = group.log.roster();
    let approval =
        roster.policy.approve_links || roster.links.get(&request.link).is_some_and(|open| open.link.approval);
    if roster.banned.contains(&account) {
        return refuse(engine, out, device, id);
    }
    if !approval {
        if admit(engine, rows, out, &request).is_err() {
            refuse(engine, out, device, id);
        }
        return;
    }
    if group.requests.len() < MAX_REQUESTS || group.requests.contains_key(&account) {
        let row = RequestRow { request, since: engine.core.now };
        out.put(rows::GROUP_REQUESTS, &rows::group_key(&id, &account.0), row.to_bytes());
        group.requests.insert(account, row);
        view::changed(engine, out, &id);
    }
}

fn admit(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    request: &JoinRequest,
) -> Result<(), Refusal> {
    let group = engine.groups.get_mut(&request.group).ok_or(Refusal::UnknownGroup)?;
    let open = group.log.roster().links.get(&request.link).copied();
    let open = open.ok_or(Refusal::Denied(super::Denial::NoSuchLink))?;
    let add = Add {
        account: request.account,
        role: open.link.role,
        devices: request.device_list.clone(),
        called: request.profile.name.clone(),
        via: Via::Link { link: request.link, proof: request.proof },
    };
    membership::act(engine, rows, out, &request.group, Kind::Add(add))
}

fn refuse(engine: &mut Engine, out: &mut Output, device: &DeviceId, group: GroupId) {
    let contents = vec![Content::Group(GroupWord::Refused { group })];
    engine.outbox.enqueue(&mut engine.core, &mut engine.peers, out, device, contents, None);
    links::pump(engine, out, device);
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
    let request = group.requests.get(&account).ok_or(Refusal::NoSuchRequest)?.request.clone();
    if let_in {
        admit(engine, rows, out, &request)?;
    } else {
        for device in engine.peers.devices_of(&account) {
            refuse(engine, out, &device, id);
        }
    }
    if let Some(group) = engine.groups.get_mut(&id) {
        group.requests.remove(&account);
    }
    out.delete(rows::GROUP_REQUESTS, &rows::group_key(&id, &account.0));
    fellows::part(engine, out);
    view::changed(engine, out, &id);
    view::of(engine, &id).map(|view| Answer::Group(Box::new(view))).ok_or(Refusal::UnknownGroup)
}

/// Whoever was asked does not let us in.
pub(super) fn refused(engine: &mut Engine, out: &mut Output, id: &GroupId) {
    if engine.groups.asking.remove(id).is_some() {
        out.delete(rows::GROUP_ASKING, &id.0);
        out.event(Event::GroupForgotten { group: *id, chat: ChatId::group(id) });
        fellows::part(engine, out);
        engine.keep_connected(out);
        reading::queues_changed(engine, out);
    }
}

/// A text within its limit.
pub(super) fn bounded<const MAX: usize>(text: String) -> Result<BoundedStr<MAX>, Refusal> {
    BoundedStr::new(text).ok_or(Refusal::TooLong { limit: MAX })
}
