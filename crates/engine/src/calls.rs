//! Calls: who is called, who answers, and what the two devices need to find a way between them. Sound and pictures are
//! moved elsewhere; what passes between here and there is in `kith_proto::call::media`.
//!
//! | module | |
//! |---|---|
//! | [`call`] | the machine of one call: ringing, answered, live, lost and found, over |
//! | [`leg`] | what passes between two devices of a call: steps in order, tries to find a way |
//! | [`group`] | the machine of a call of a group that this device is in: who is there, who forwards, keys |
//! | [`ongoing`], [`together`] | calls of groups without this device; words, reports, time and wishes about those |
//! | [`guard`] | how often somebody may ring, and what is said of calls that are over |
//! | [`privacy`] | addresses that are not told |
//! | [`commands`], [`taking`] | wishes of the person; words, reports and time |
//! | [`records`] | rows: lines in chats, the log, what a crash leaves |
//!
//! A device is in one call at a time, ringing included, but for calls of groups: these go on while it is elsewhere. A call may have several
//! legs; with one person, all but one end when somebody answers.

use std::collections::BTreeMap;

use kith_proto::call::Capabilities;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::Ways;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

pub(crate) mod call;
pub(crate) mod commands;
mod group;
mod guard;
mod leg;
mod ongoing;
mod privacy;
pub(crate) mod records;
pub(crate) mod taking;
#[cfg(test)]
mod tests;
pub(crate) mod together;

use self::call::Call;
use self::call::Setup;
use self::group::GroupCall;
use self::guard::Guard;
use self::ongoing::Ongoing;
use crate::view::CallView;
use crate::view::GroupCallView;
use crate::view::HideAddress;

/// All that is known of calls.
#[derive(Default)]
pub(crate) struct Calls {
    now: Option<Current>,
    /// The call of a group that this device is in; never together with `now`.
    together: Option<Together>,
    /// The greatest session that this device was in a call of a group with.
    last_session: u64,
    ongoing: Ongoing,
    guard: Guard,
    capabilities: Option<Capabilities>,
    servers: IceServers,
    hide: HideAddress,
    hide_from: BTreeMap<ContactId, bool>,
}

/// The call that this device is in.
struct Current {
    call: Call,
    contact: ContactId,
    chat: ChatId,
    /// Whether there was something to see.
    video: bool,
    /// What was shown of it last.
    shown: Option<CallView>,
    /// When its row was written.
    written: Timestamp,
}

/// The call of a group that this device is in.
struct Together {
    call: GroupCall,
    /// Who began it, as far as this device knows.
    by: AccountId,
    /// Whether there was something to see.
    video: bool,
    /// What was shown of it last.
    shown: Option<GroupCallView>,
}

impl Current {
    fn new(call: Call, contact: ContactId, chat: ChatId) -> Self {
        Self { call, contact, chat, video: false, shown: None, written: Timestamp(0) }
    }

    fn view(&self) -> CallView {
        let (_, theirs) = self.call.media();
        let (begun, talking_since) = self.call.times();
        let (relayed, address_hidden) = self.call.way();
        CallView {
            call: self.call.id(),
            chat: self.chat,
            contact: self.contact,
            outgoing: self.call.is_outgoing(),
            state: self.call.state(),
            begun,
            talking_since,
            own: self.call.sent(),
            lacking: self.call.lacking(),
            theirs,
            relayed,
            address_hidden,
        }
    }
}

impl Calls {
    /// The call that this device is in, as front ends see it.
    pub(crate) fn view(&self) -> Option<CallView> {
        self.now.as_ref().map(Current::view)
    }

    /// The call of this name.
    fn get(&mut self, id: &CallId) -> Option<&mut Current> {
        self.now.as_mut().filter(|current| current.call.id() == *id)
    }

    /// What a call with somebody begins with; `None` when nothing here moves sound. `known`: they are who they say, or have the own
    /// address anyway, as their device is connected to this one without a relay.
    fn setup(&self, device: DeviceId, contact: &ContactId, known: bool) -> Option<Setup> {
        let hidden = self.hide_from.get(contact).copied().unwrap_or(match self.hide {
            HideAddress::Nobody => false,
            HideAddress::Unverified => !known,
            HideAddress::Everybody => true,
        });
        let ways = if hidden { Ways::RelayOnly } else { Ways::Any };
        Some(Setup {
            device,
            ways,
            capabilities: self.capabilities?,
            servers: self.servers.clone(),
            sealed: false,
        })
    }
}
