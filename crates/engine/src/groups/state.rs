//! The groups of this device in memory: each with its log, its history, the chains of its members, and what is under way.
//!
//! ```text
//!  a link ──▶ asking ──let in──┐
//!  Operations ──▶ forming ─────┴─▶ Invited ──AcceptGroup──▶ Joined ──left, removed──▶ Left, Removed ──ForgetGroup──▶ gone
//! ```
//!
//! Here only what is kept; the flows are in the modules beside this one.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;

use kith_crypto::group::ChainShare;
use kith_crypto::group::ReceivingChain;
use kith_crypto::group::SendingChain;
use kith_crypto::group::VerifiedPost;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::group::Operation;
use kith_proto::group::word::GroupWord;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;
use kith_proto::id::RecordKey;
use kith_proto::id::TopicId;
use kith_proto::id::ViewId;
use kith_proto::sync::HistoryDigest;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use super::Log;
use super::Void;
use super::asking::Search;
use super::filing::Filing;
use super::floors::Floors;
use super::forming::Forming;
use super::history::History;
use super::meetings::Live;
use super::mesh::Mesh;
use super::passing;
use super::requests::Door;
use super::turns::Turns;
use super::whereabouts::Hearsay;
use crate::core::Core;
use crate::count::Count;
use crate::output::Output;
use crate::rows::groups as rows;
use crate::rows::groups::AskingRow;
use crate::rows::groups::DeletionRow;
use crate::rows::groups::GroupRow;
use crate::rows::groups::ReportRow;
use crate::rows::groups::RequestRow;
use crate::timer::TimerKey;
use crate::view::GroupState;

/// Groups that one device may be in, each some hundred kilobytes of memory.
pub(crate) const MAX_GROUPS: usize = 256;

/// Words about groups that are not known yet.
const MAX_EARLY: usize = 256;

/// Posts of a group that wait for a chain, or for the log; what does not fit comes by a meeting.
pub(super) const MAX_WAITING: usize = 256;

/// So many of them from one device.
pub(super) const MAX_WAITING_EACH: usize = 64;

/// Chains of one device that are kept: the present one, and those whose last posts may still be on their way.
pub(super) const CHAINS_KEPT: usize = 3;

/// Batches of operations that one device is given in ten seconds: a log of a thousand operations.
const BATCHES_IN_TEN_SECONDS: u32 = 64;

/// All groups.
#[derive(Default)]
pub(crate) struct Groups {
    pub(super) by_id: BTreeMap<GroupId, Group>,
    pub(super) asking: BTreeMap<GroupId, AskingRow>,
    pub(crate) forming: Forming,
    pub(super) early: VecDeque<(DeviceId, GroupWord)>,
    /// How far each request to come in is.
    pub(super) searches: BTreeMap<GroupId, Search>,
    /// Records of hosts that are looked for: of which group, for which day.
    pub(super) sought: BTreeMap<RecordKey, (GroupId, u32)>,
    /// When the record of hosts of each link was last written.
    pub(super) written: BTreeMap<LinkId, Timestamp>,
    /// Groups of which connected members are told how far we are.
    pub(super) dirty: BTreeSet<GroupId>,
    /// Those of them to which somebody came.
    pub(super) joined: BTreeSet<GroupId>,
    /// Connected devices that were not told how far we are, for want of a session.
    pub(super) unsaid: BTreeSet<DeviceId>,
    /// The topics of large groups that this device has.
    pub(super) topics: BTreeMap<TopicId, GroupId>,
    /// With whom, as the network was last told when they were looked after.
    pub(super) talkers: BTreeSet<DeviceId>,
    /// Where others said that members' devices are, while nobody answered there.
    pub(super) hearsay: BTreeMap<DeviceId, Hearsay>,
    /// What may be written into logs later.
    pub(super) filing: Filing,
    budgets: BTreeMap<DeviceId, Count>,
}

/// One group.
pub(crate) struct Group {
    pub(super) row: GroupRow,
    pub(super) log: Log,
    pub(super) history: History,
    /// How this device seals, and who can open it. Made anew after each start: its state may be an old one.
    pub(super) own: Option<Own>,
    /// The chain as it was before the post that is being sent.
    pub(super) shared: Option<ChainShare>,
    pub(super) incoming: BTreeMap<DeviceId, Vec<ReceivingChain>>,
    /// Sealed posts whose chain is not here.
    pub(super) waiting: VecDeque<(DeviceId, Envelope)>,
    /// Posts of people who may not write by what is known now.
    pub(super) later: VecDeque<VerifiedPost>,
    pub(super) asked: BTreeMap<DeviceId, Timestamp>,
    /// Connected devices of members that said how far they are in this group: those take part in it.
    pub(super) present: BTreeSet<DeviceId>,
    /// When members were dialled where another said that they are.
    pub(super) dialled: BTreeMap<DeviceId, Timestamp>,
    pub(super) meetings: BTreeMap<DeviceId, Live>,
    /// Whose turn it is to meet.
    pub(super) turns: Turns,
    /// What both had when a meeting with a device ended; the same two are not compared again.
    pub(super) met: BTreeMap<DeviceId, (HistoryDigest, HistoryDigest)>,
    pub(super) reads: BTreeMap<DeviceId, u32>,
    pub(super) floors: Floors,
    pub(super) requests: BTreeMap<AccountId, RequestRow>,
    pub(super) door: Door,
    /// What members reported, if this account keeps order: by whom, and which message.
    pub(super) reports: BTreeMap<(AccountId, MessageId), ReportRow>,
    /// When posts of each device last came from it.
    pub(super) heard: BTreeMap<DeviceId, Timestamp>,
    /// When people came by a link that this device let in lately.
    pub(super) came: VecDeque<Timestamp>,
    /// The operations that stand in the chat as lines.
    pub(super) lines: BTreeSet<OperationId>,
    /// What was deleted for everybody.
    pub(super) deleted: BTreeMap<MessageId, DeletionRow>,
    /// The members and their devices, as they were last acted upon.
    pub(super) members: BTreeMap<AccountId, Vec<DeviceId>>,
    /// Everybody who might write at any time, by the lowest role that ever might.
    pub(super) writers: BTreeSet<AccountId>,
    /// Operations of others that came since the last own one.
    pub(super) unshared: BTreeSet<OperationId>,
    /// By which operation each member came.
    pub(super) admissions: BTreeMap<AccountId, OperationId>,
    /// Whose each of these devices is.
    pub(super) owners: BTreeMap<DeviceId, AccountId>,
    /// How many members may be in it before it is large: from then on, posts do not go to each of their devices, and it is
    /// not told who has read them.
    pub(super) direct_members: usize,
    /// What it has while it is large.
    pub(super) mesh: Mesh,
    /// Every device that an operation of the log names, but for those that were denied: whose posts may be taken.
    pub(super) listed: BTreeSet<(AccountId, DeviceId)>,
}

/// How this device seals.
pub(super) struct Own {
    pub(super) chain: SendingChain,
    /// The chain before its first post.
    pub(super) first: ChainShare,
    /// What was known of the membership when it was made.
    pub(super) heads: Vec<OperationId>,
    pub(super) holders: BTreeSet<DeviceId>,
}

impl Groups {
    /// A group.
    pub(crate) fn get(&self, group: &GroupId) -> Option<&Group> {
        self.by_id.get(group)
    }

    pub(super) fn get_mut(&mut self, group: &GroupId) -> Option<&mut Group> {
        self.by_id.get_mut(group)
    }

    /// Whether somebody is in a group that we are in.
    pub(crate) fn is_fellow(&self, account: &AccountId) -> bool {
        self.by_id.values().any(|group| group.is_shared_with(account))
    }

    /// Whether the log of a group names somebody, member or not.
    pub(super) fn remembers(&self, account: &AccountId) -> bool {
        let devices = (*account, DeviceId([0; 32]))..=(*account, DeviceId([0xff; 32]));
        self.by_id.values().any(|group| group.listed.range(devices.clone()).next().is_some())
    }

    /// The groups that we are in, and whoever this device belongs to.
    pub(crate) fn common(&self, account: &AccountId) -> Vec<GroupId> {
        self.by_id
            .iter()
            .filter(|(_, group)| group.is_shared_with(account))
            .map(|(group, _)| *group)
            .collect()
    }

    /// Everybody in groups that we are in with whom this device has to do: in large ones only neighbours.
    pub(crate) fn fellows(&self) -> BTreeSet<AccountId> {
        self.kin_in(|_| true)
    }

    /// Those of them with whom we have agreed to be in a group: being added by somebody says nothing about us.
    pub(crate) fn agreed_fellows(&self) -> BTreeSet<AccountId> {
        self.kin_in(|group| group.row.state() == GroupState::Joined)
    }

    fn kin_in(&self, wanted: impl Fn(&Group) -> bool) -> BTreeSet<AccountId> {
        let of = |group: &Group| -> Vec<AccountId> {
            group.kin().into_iter().filter(|account| group.is_shared_with(account)).collect()
        };
        self.by_id.values().filter(|group| wanted(group)).flat_map(of).collect()
    }

    /// The large groups that we are in, and have agreed to be in.
    pub(crate) fn meshed(&self) -> impl Iterator<Item = GroupId> {
        let meshed = |(_, group): &(&GroupId, &Group)| group.is_meshed();
        self.by_id.iter().filter(meshed).map(|(id, _)| *id)
    }

    /// Whether something is to be done about large groups.
    pub(super) fn is_meshed(&self) -> bool {
        !self.topics.is_empty() || self.meshed().next().is_some()
    }

    /// Keeps a word about a group that is not known yet; the oldest goes for it.
    pub(super) fn keep_early(&mut self, device: DeviceId, word: GroupWord) {
        if self.early.len() >= MAX_EARLY {
            self.early.pop_front();
        }
        self.early.push_back((device, word));
    }

    /// The words that came about a group before it was known.
    pub(super) fn take_early(&mut self, group: &GroupId) -> Vec<(DeviceId, GroupWord)> {
        let early = std::mem::take(&mut self.early);
        let (now, later): (Vec<_>, Vec<_>) =
            early.into_iter().partition(|(_, word)| super::taking::group_of(word) == Some(*group));
        self.early = later.into();
        now
    }

    /// Whether a device may be given another batch of operations.
    pub(super) fn may_give(&mut self, now: Timestamp, device: &DeviceId) -> bool {
        self.budgets.entry(*device).or_default().again(now, Span::from_secs(10)) <= BATCHES_IN_TEN_SECONDS
    }

    /// The connection to a device is gone, and with it the meetings on it.
    pub(crate) fn disconnected(&mut self, core: &mut Core, device: &DeviceId) {
        self.unsaid.remove(device);
        self.budgets.remove(device);
        for (id, group) in &mut self.by_id {
            group.present.remove(device);
            group.meetings.remove(device);
            group.met.remove(device);
            group.mesh.told.remove(device);
            if group.turns.gone(device) {
                self.dirty.insert(*id);
                core.timers.set_earlier(TimerKey::Groups, core.now);
            }
        }
    }

    /// A device is forgotten: what it sealed with goes too, unless it is still a member's.
    pub(crate) fn forget_device(&mut self, now: Timestamp, out: &mut Output, device: &DeviceId) {
        for group in self.by_id.values_mut().filter(|group| !group.has_device(device)) {
            for chain in group.incoming.remove(device).unwrap_or_default() {
                group.forget_chain(now, out, device, &chain);
            }
            group.asked.remove(device);
            group.dialled.remove(device);
        }
    }

    /// Whether anybody waits for a decision.
    pub(crate) fn has_requests(&self) -> bool {
        self.by_id.values().any(|group| !group.requests.is_empty())
    }

    /// Whether we ask somebody to let us into a group.
    pub(crate) fn asks(&self, account: &AccountId) -> bool {
        self.asking.values().any(|row| row.asks(account))
    }

    /// Whether hosts are looked for there.
    pub(crate) fn seeks(&self, key: &RecordKey) -> bool {
        self.sought.contains_key(key)
    }

    /// A look-up is over.
    pub(crate) fn look_up_done(&mut self, key: &RecordKey) {
        self.sought.remove(key);
    }
}

impl Group {
    pub(super) fn new(row: GroupRow, log: Log, history: History, direct_members: usize) -> Self {
        Self {
            row,
            log,
            history,
            own: None,
            shared: None,
            incoming: BTreeMap::new(),
            waiting: VecDeque::new(),
            later: VecDeque::new(),
            asked: BTreeMap::new(),
            present: BTreeSet::new(),
            dialled: BTreeMap::new(),
            meetings: BTreeMap::new(),
            turns: Turns::default(),
            met: BTreeMap::new(),
            reads: BTreeMap::new(),
            floors: Floors::default(),
            requests: BTreeMap::new(),
            door: Door::default(),
            reports: BTreeMap::new(),
            heard: BTreeMap::new(),
            came: VecDeque::new(),
            lines: BTreeSet::new(),
            deleted: BTreeMap::new(),
            members: BTreeMap::new(),
            writers: BTreeSet::new(),
            unshared: BTreeSet::new(),
            admissions: BTreeMap::new(),
            owners: BTreeMap::new(),
            direct_members,
            mesh: Mesh::default(),
            listed: BTreeSet::new(),
        }
    }

    /// A chain that is no longer among those of its device is forgotten.
    pub(super) fn forget_chain(
        &mut self,
        now: Timestamp,
        out: &mut Output,
        device: &DeviceId,
        chain: &ReceivingChain,
    ) {
        out.delete(rows::GROUP_CHAINS, &rows::chain_key(&self.id(), device, &chain.id()));
        self.mesh.tags.remove(now, device, chain);
        passing::forget(out, self, device, &chain.id());
    }

    /// Which group.
    pub(crate) fn id(&self) -> GroupId {
        self.log.group()
    }

    /// Its chat.
    pub(crate) fn chat(&self) -> ChatId {
        ChatId::group(&self.id())
    }

    /// What is kept of it for the chat list.
    pub(crate) fn row(&self) -> &GroupRow {
        &self.row
    }

    /// Whether this account is a member, accepted or not.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.row.state(), GroupState::Joined | GroupState::Invited)
    }

    /// Whether we are in it together with somebody: as long as we have not agreed, only with whoever has added us.
    pub(super) fn is_shared_with(&self, account: &AccountId) -> bool {
        let agreed = match self.row.state() {
            GroupState::Joined => true,
            GroupState::Invited => self.row.invited_by.as_ref() == Some(account),
            _ => false,
        };
        agreed && self.members.contains_key(account)
    }

    /// Whether somebody is told anything of it: as long as we have not agreed, only whoever has added us.
    pub(super) fn talks_to(&self, account: &AccountId) -> bool {
        self.row.state() != GroupState::Invited || self.is_shared_with(account)
    }

    /// Whether somebody who knows these operations knows of having come in. Whoever is still being told the log does not.
    pub(super) fn takes_part<'a>(
        &self,
        account: &AccountId,
        mut known: impl Iterator<Item = &'a OperationId>,
    ) -> bool {
        let by = self.admissions.get(account);
        by.is_some_and(|by| known.any(|known| known == by || self.log.follows(known, by) == Some(true)))
    }

    /// Whether a device is a member's.
    pub(super) fn has_device(&self, device: &DeviceId) -> bool {
        self.owners.contains_key(device)
    }

    /// The devices of all members but one of them.
    pub(super) fn devices_but(&self, own: &DeviceId) -> BTreeSet<DeviceId> {
        self.owners.keys().filter(|device| *device != own).copied().collect()
    }

    /// The members' devices that this device gave its chain itself.
    pub(super) fn holders(&self) -> BTreeSet<DeviceId> {
        let holders = self.own.iter().flat_map(|own| &own.holders);
        holders.filter(|device| self.owners.contains_key(device)).copied().collect()
    }

    /// Whether we are in it, and it is large. Whoever was only added has nothing to do with its members.
    pub(super) fn is_meshed(&self) -> bool {
        self.row.state() == GroupState::Joined && !self.is_direct()
    }

    /// Whether posts go to every device.
    pub(crate) fn is_direct(&self) -> bool {
        self.members.len() <= self.direct_members
    }

    /// What is known of the membership, by name.
    pub(super) fn view(&self) -> ViewId {
        ViewId::of(self.log.heads().into_iter().map(|head| head.0))
    }

    /// How far own posts were shown on a device.
    pub(crate) fn read_by(&self, device: &DeviceId) -> u32 {
        self.reads.get(device).copied().unwrap_or(0)
    }

    pub(super) fn save(&self, out: &mut Output) {
        out.put(rows::GROUPS, &self.id().0, self.row.to_bytes());
    }

    /// What somebody is told who knows nothing of the group.
    pub(super) fn whole(&self) -> Vec<Operation> {
        self.log.since(&[]).map(|(_, operation)| operation.clone()).collect()
    }

    /// Reads off the log who is a member with which devices, and whose posts may be taken.
    pub(super) fn refresh(&mut self) {
        let roster = self.log.roster();
        self.members =
            roster.members.iter().map(|(account, member)| (*account, member.devices.clone())).collect();
        let owners = |(account, devices): (&AccountId, &Vec<DeviceId>)| {
            devices.iter().map(|device| (*device, *account)).collect::<Vec<_>>()
        };
        self.owners = self.members.iter().flat_map(owners).collect();
        self.admissions =
            roster.members.iter().map(|(account, member)| (*account, member.standing.by)).collect();
        self.writers = self.log.ever_writers();
        let roster = self.log.roster();
        let denied: BTreeSet<OperationId> =
            roster.void.iter().filter(|(_, why)| matches!(why, Void::Denied(_))).map(|(id, _)| *id).collect();
        self.listed = self
            .log
            .operations()
            .filter(|(id, operation)| operation.devices().is_some() && !denied.contains(id))
            .flat_map(|(_, operation)| super::lists::devices_in(operation))
            .collect();
    }
}
