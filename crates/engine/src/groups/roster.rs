//! What a group is now: who is a member as what, by which devices, under which rules.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::operation::LinkSecret;
use kith_proto::group::GroupProfile;
use kith_proto::group::Kind;
use kith_proto::group::Link;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;
use kith_proto::time::Timestamp;

use super::authority::Standing;
use super::authority::View;
use super::bits::Bits;
use super::node::Index;
use super::node::Nodes;
use super::node::Person;
use super::node::counts;
use super::resolve::Decisions;
use super::resolve::Void;

/// A group as its log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The members.
    pub members: BTreeMap<AccountId, Member>,
    /// Who must not come back.
    pub banned: BTreeSet<AccountId>,
    /// Who was removed and not let in again: they do not come back by a link alone.
    pub removed: BTreeSet<AccountId>,
    /// The links that are open.
    pub links: BTreeMap<LinkId, OpenLink>,
    /// The rules.
    pub policy: Policy,
    /// What it looks like.
    pub profile: GroupProfile,
    /// Pinned messages, the earliest pin first.
    pub pins: Vec<MessageId>,
    /// Messages that were deleted for everybody.
    pub deletions: BTreeSet<MessageId>,
    /// Devices that contradicted themselves.
    pub equivocators: BTreeSet<(AccountId, DeviceId)>,
    /// The member who counts as owner since no owner is left.
    pub heir: Option<AccountId>,
    /// What does not count, and why not.
    pub void: BTreeMap<OperationId, Void>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The role, and who is senior to whom.
    pub standing: Standing,
    /// The devices that may speak for the member, by the newest list in the log.
    pub devices: Vec<DeviceId>,
    /// The version of that list.
    pub list_version: u32,
    /// Until when the member must not write, by the reader's clock.
    pub muted_until: Option<Timestamp>,
}

/// A link that people can come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenLink {
    /// The link.
    pub link: Link,
    /// Who made it.
    pub made_by: AccountId,
    /// The generation of the operation that made it: a newer link has a higher one, or the same.
    pub made: u32,
    /// How many accounts came by it.
    pub used: u32,
    /// Whether its maker gave everybody the secret that belongs to it.
    pub answerable: bool,
}

/// What a role may allow beside what stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To add people and make links.
    Invite,
    /// To write messages.
    Post,
    /// To pin messages.
    Pin,
    /// To notify everybody.
    MentionAll,
    /// To send files.
    SendFiles,
    /// To start calls.
    StartCalls,
    /// To change name, topic and picture.
    ChangeProfile,
}

impl Roster {
    /// Whether a member may let an account in by a link.
    pub fn may_admit(&self, member: &AccountId, link: &LinkId, account: &AccountId) -> bool {
        let Some(open) = self.links.get(link).filter(|_| self.members.contains_key(member)) else {
            return false;
        };
        let decided = open.link.approval || self.policy.approve_links || self.removed.contains(account);
        !decided || self.permits(member, Permission::Invite)
    }

    /// The link of a public room that is meant to be passed around.
    pub fn public_link(&self) -> Option<LinkId> {
        let (role, policy) = (self.policy.newcomers(), &self.policy);
        let open = |open: &OpenLink| {
            let link = &open.link;
            open.answerable && link.role == role && link.uses == 0 && link.expires == Timestamp::NEVER
        };
        let public = self.links.iter().filter(|(_, link)| policy.public && open(link));
        // Ids can be chosen by whoever makes links: the most senior maker's first one it is.
        let rank =
            |id: &LinkId, link: &OpenLink| (self.seniority(&link.made_by), Reverse(link.made), Reverse(*id));
        public.max_by_key(|(id, link)| rank(id, link)).map(|(id, _)| *id)
    }

    /// The open links, those first for which whoever answers few should be there: the one that is meant to be passed around, then
    /// each maker's newest, the most senior maker's first, then each maker's newest but one, and so on.
    pub fn links_by_weight(&self) -> Vec<&OpenLink> {
        let public = self.public_link();
        let mut of_maker: BTreeMap<AccountId, Vec<(&LinkId, &OpenLink)>> = BTreeMap::new();
        for (id, link) in &self.links {
            of_maker.entry(link.made_by).or_default().push((id, link));
        }
        let mut ranked = Vec::new();
        for (maker, mut links) in of_maker {
            links.sort_by_key(|(id, link)| (Reverse(link.made), **id));
            let senior = Reverse(self.seniority(&maker));
            ranked.extend(
                links
                    .into_iter()
                    .zip(0..)
                    .map(|((id, link), nth)| ((Some(*id) != public, nth, senior, *id), link)),
            );
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, link)| link).collect()
    }

    /// The standing of a member; nobody has a lower one than whoever is none.
    fn seniority(&self, account: &AccountId) -> Option<Standing> {
        self.members.get(account).map(|member| member.standing)
    }

    /// The members who may decide about those who ask, the most senior first.
    pub fn inviters(&self) -> Vec<AccountId> {
        let may = |account: &AccountId| self.permits(account, Permission::Invite);
        let mut may: Vec<_> = self.members.iter().filter(|(account, _)| may(account)).collect();
        may.sort_by_key(|(_, member)| Reverse(member.standing));
        may.into_iter().map(|(account, _)| *account).collect()
    }

    /// Whether a member may do that. Being muted is not asked here.
    pub fn permits(&self, account: &AccountId, permission: Permission) -> bool {
        let policy = &self.policy;
        let least = match permission {
            Permission::Invite => policy.invite,
            Permission::Post => policy.post,
            Permission::Pin => policy.pin,
            Permission::MentionAll => policy.mention_all,
            Permission::SendFiles => policy.send_files,
            Permission::StartCalls => policy.start_calls,
            Permission::ChangeProfile => policy.change_profile,
        };
        self.role(account).is_some_and(|role| role >= least)
    }

    /// The role of a member.
    pub fn role(&self, account: &AccountId) -> Option<Role> {
        Some(self.members.get(account)?.standing.role)
    }

    /// Whether a device may speak in this group.
    pub fn has_device(&self, account: &AccountId, device: &DeviceId) -> bool {
        self.members.get(account).is_some_and(|member| member.devices.contains(device))
    }

    /// All devices that messages go to.
    pub fn devices(&self) -> impl Iterator<Item = (AccountId, DeviceId)> + '_ {
        let of = |(account, member): (&AccountId, &Member)| {
            member.devices.iter().map(|device| (*account, *device)).collect::<Vec<_>>()
        };
        self.members.iter().flat_map(of)
    }
}

/// Builds the whole roster.
pub(super) fn build(nodes: &Nodes, decisions: &Decisions) -> Roster {
    let view = View::new(nodes, None, &decisions.void);
    let mut roster = Roster { policy: view.policy(), profile: profile(&view), ..Roster::default() };
    let heir = view.is_ownerless().then(|| view.heir()).flatten();
    roster.heir = heir.map(|person| nodes.account(person).account);
    for person in 0..nodes.people() {
        put_member(&mut roster, nodes, &view, person);
    }
    for link in nodes.links.keys() {
        put_link(&mut roster, nodes, &view, link);
    }
    roster.pins = pins(nodes, &view);
    for index in nodes.deletions.iter().filter(|index| view.holds(**index)) {
        if let Kind::DeleteForAll(message) = nodes.get(*index).kind() {
            roster.deletions.insert(*message);
        }
    }
    roster.equivocators = nodes.equivocators();
    roster.void = void(nodes, decisions);
    roster
}

/// Brings the roster up to date after an operation that changes no earlier decision.
pub(super) fn update(roster: &mut Roster, nodes: &Nodes, void: &Bits, index: Index) -> bool {
    let node = nodes.get(index);
    if let Err(denial) = node.verdict {
        roster.void.insert(node.id, Void::Denied(denial));
    }
    if let Some((whose, ..)) = &node.list {
        let account = nodes.account(*whose).account;
        if let Some(member) = roster.members.get_mut(&account) {
            (member.devices, member.list_version) = devices(nodes, *whose);
        }
    }
    if node.verdict.is_err() {
        return true;
    }
    let view = View::new(nodes, None, void);
    let subject = node.target.unwrap_or(node.author);
    match node.kind() {
        Kind::Add(_) | Kind::Remove(_) | Kind::Ban(_) | Kind::Unban(_) | Kind::Role { .. } | Kind::Leave => {
            if roster.heir.is_some() || nodes.owners.contains(&subject) {
                return false;
            }
            put_member(roster, nodes, &view, subject);
            if let Some(link) = node.link() {
                put_link(roster, nodes, &view, &link);
            }
        }
        Kind::Mute { .. } => put_member(roster, nodes, &view, subject),
        Kind::Policy(_) => roster.policy = view.policy(),
        Kind::Profile(_) => roster.profile = profile(&view),
        Kind::Link(link) => put_link(roster, nodes, &view, &link.id()),
        Kind::RevokeLink(link) => put_link(roster, nodes, &view, link),
        Kind::Pin(_) | Kind::Unpin(_) => roster.pins = pins(nodes, &view),
        Kind::DeleteForAll(message) => _ = roster.deletions.insert(*message),
        Kind::Create(_) | Kind::Devices { .. } | Kind::Merge | Kind::Unknown { .. } => {}
    }
    true
}

/// Everything that does not count, and why not.
fn void(nodes: &Nodes, decisions: &Decisions) -> BTreeMap<OperationId, Void> {
    let denied = nodes.denied.iter().filter_map(|index| {
        let node = nodes.get(index);
        Some((node.id, Void::Denied(node.verdict.err()?)))
    });
    let decided = decisions.why.iter().map(|(index, why)| (nodes.get(*index).id, *why));
    denied.chain(decided).collect()
}

fn put_member(roster: &mut Roster, nodes: &Nodes, view: &View<'_>, person: Person) {
    let account = nodes.account(person).account;
    if view.is_banned(person) {
        roster.banned.insert(account);
    } else {
        roster.banned.remove(&account);
    }
    if view.was_removed(person) {
        roster.removed.insert(account);
    } else {
        roster.removed.remove(&account);
    }
    let Some(standing) = view.standing(person) else {
        roster.members.remove(&account);
        return;
    };
    let (devices, list_version) = devices(nodes, person);
    let muted_until = view.mute(person).and_then(|node| match node.kind() {
        Kind::Mute { until, .. } => Some(*until),
        _ => None,
    });
    roster.members.insert(account, Member { standing, devices, list_version, muted_until });
}

/// The devices of an account by its newest list. Lists are the account's word whatever becomes of what carries them.
fn devices(nodes: &Nodes, person: Person) -> (Vec<DeviceId>, u32) {
    let newest = nodes.newest_list(person, None).and_then(|(index, _)| nodes.get(index).list.as_ref());
    let Some((.., list)) = newest else { return (Vec::new(), 0) };
    let devices = list.list.devices.iter().map(|entry| entry.device);
    (devices.filter(|device| counts(list, device)).collect(), list.list.version)
}

fn put_link(roster: &mut Roster, nodes: &Nodes, view: &View<'_>, id: &LinkId) {
    let Some((link, made)) = view.link(id) else {
        roster.links.remove(id);
        return;
    };
    let used = view.used(id);
    let known = roster.links.get(id).filter(|open| open.link == *link);
    let fits = || LinkSecret::from_seed(link.seed).public() == link.key;
    let answerable = known.map_or_else(fits, |open| open.answerable);
    let open = OpenLink {
        link: *link,
        made_by: nodes.account(made.author).account,
        made: made.generation,
        used,
        answerable,
    };
    roster.links.insert(*id, open);
}

fn profile(view: &View<'_>) -> GroupProfile {
    match view.profile().map(|node| node.kind()) {
        Some(Kind::Profile(profile)) => profile.clone(),
        Some(Kind::Create(create)) => GroupProfile { name: create.name.clone(), ..GroupProfile::default() },
        _ => GroupProfile::default(),
    }
}

fn pins(nodes: &Nodes, view: &View<'_>) -> Vec<MessageId> {
    let pinned = nodes.pins.iter().filter_map(|(message, pins)| Some((view.pin(pins)?.place(), *message)));
    let mut pinned: Vec<_> = pinned.collect();
    pinned.sort_unstable();
    pinned.into_iter().map(|(_, message)| message).collect()
}
