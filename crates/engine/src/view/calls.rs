//! What front ends see of calls. Plain data, so that a front end says it in its language.

use serde::Deserialize;
use serde::Serialize;

use kith_proto::call::Media;
use kith_proto::call::media::MediaFailure;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

/// A call, while it lasts and when it just ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// Which.
    pub call: CallId,
    /// The chat with whom it is.
    pub chat: ChatId,
    /// With whom.
    pub contact: ContactId,
    /// Whether it began here.
    pub outgoing: bool,
    /// How far it is.
    pub state: CallState,
    /// When it began.
    pub begun: Timestamp,
    /// Since when both hear each other; kept while the connection is lost and found.
    pub talking_since: Option<Timestamp>,
    /// What this device sends, or offers to.
    pub own: Media,
    /// What of all that is to be sent is not, because its device is not there or does not work: tried again all the time.
    pub lacking: Media,
    /// What they send, or offer to.
    pub theirs: Media,
    /// Whether a relay is in the way.
    pub relayed: bool,
    /// Whether sound and pictures go through relays alone, so that they do not tell the own address. What else connects the two
    /// devices, which are dialled directly where that works, may tell it all the same.
    pub address_hidden: bool,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallState {
    /// They are called; no device of theirs rings yet.
    Calling,
    /// It rings there.
    Ringing,
    /// It rings here.
    Incoming,
    /// It was answered; a way between the devices is looked for.
    Connecting,
    /// Both hear each other.
    Live,
    /// The connection was lost; another is looked for.
    Reconnecting,
    /// It is over.
    Ended(CallEnd),
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum CallEnd {
    /// Somebody has hung up.
    #[error("the call has ended")]
    Finished,
    /// Whoever was called did not want to.
    #[error("the call was declined")]
    Declined,
    /// The device that was called was in another call.
    #[error("the line was busy: there was another call")]
    Busy,
    /// It rang there, and nobody answered.
    #[error("nobody answered")]
    NoAnswer,
    /// No device of theirs could be reached.
    #[error("nobody could be reached: they will see that you called")]
    Unreachable,
    /// Whoever called has given up.
    #[error("the call was cancelled before it was answered")]
    Cancelled,
    /// It was not answered here.
    #[error("a missed call")]
    Missed,
    /// It was answered on another device of this account.
    #[error("answered on your other device")]
    AnsweredElsewhere,
    /// It was declined on another device of this account.
    #[error("declined on your other device")]
    DeclinedElsewhere,
    /// The device that was called cannot make such calls.
    #[error("that device cannot take such calls")]
    Unsupported,
    /// It was answered, and no way between the devices was found.
    #[error("no connection for sound was found between the two devices")]
    NoConnection,
    /// The connection was lost for too long.
    #[error("the connection was lost")]
    Lost,
    /// Kith ended on this device during the call.
    #[error("Kith was closed during the call")]
    Interrupted,
    /// Something on this device did not work.
    #[error("{}", failure(.0))]
    Device(MediaFailure),
    /// Both called each other; it goes on as their call.
    #[error("both called at the same time: the other call goes on")]
    Replaced,
}

fn failure(failure: &MediaFailure) -> &'static str {
    match failure {
        MediaFailure::NoMicrophone => "no microphone could be used: look into the settings for sound",
        MediaFailure::NoRelay => {
            "your address is hidden in calls with this person, and no node passes calls on: add a community node that does, compare safety numbers, or allow direct calls"
        }
        MediaFailure::NoAgreement => "the two devices could not agree how to talk: update Kith on both",
        MediaFailure::Broken => "sound stopped working on this device",
    }
}

impl CallEnd {
    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Declined => "declined",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Unreachable => "unreachable",
            Self::Cancelled => "cancelled",
            Self::Missed => "missed",
            Self::AnsweredElsewhere => "answered_elsewhere",
            Self::DeclinedElsewhere => "declined_elsewhere",
            Self::Unsupported => "unsupported",
            Self::NoConnection => "no_connection",
            Self::Lost => "lost",
            Self::Interrupted => "interrupted",
            Self::Device(MediaFailure::NoMicrophone) => "no_microphone",
            Self::Device(MediaFailure::NoRelay) => "no_relay",
            Self::Device(MediaFailure::NoAgreement) => "no_agreement",
            Self::Device(MediaFailure::Broken) => "device_broken",
            Self::Replaced => "replaced",
        }
    }
}

/// A call that is over, as it stands in its chat. Who called is the `sender` of the message, and when that was its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLine {
    /// Which call.
    pub call: CallId,
    /// Whether it was to be seen as well as heard.
    pub video: bool,
    /// How it ended.
    pub end: CallEnd,
    /// For how long both heard each other; zero when they never did.
    pub talked: Span,
}

impl CallLine {
    /// Whether somebody called and was not heard: counted as unread.
    pub fn is_missed(&self, outgoing: bool) -> bool {
        !outgoing && matches!(self.end, CallEnd::Missed | CallEnd::Busy | CallEnd::Unsupported)
    }
}

/// Whose calls go through relays alone, so that they do not learn the own network address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HideAddress {
    /// Nobody's.
    Nobody,
    /// Those with people whose safety number was not compared, unless their device is connected to this one without a relay: then it
    /// has the address anyway.
    #[default]
    Unverified,
    /// Everybody's.
    Everybody,
}

/// How calls are made on this device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSettings {
    /// From whom the own address is hidden.
    pub hide_address: HideAddress,
    /// For whom that was decided otherwise, and how.
    pub contacts: Vec<(ContactId, bool)>,
}

/// A call of a group, while it goes on and when it just ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCallView {
    /// Which.
    pub call: CallId,
    /// Of which group.
    pub group: GroupId,
    /// Its chat.
    pub chat: ChatId,
    /// How it is, for this device.
    pub state: GroupCallState,
    /// When it began.
    pub begun: Timestamp,
    /// Since when somebody was heard here; kept while connections are lost and found.
    pub talking_since: Option<Timestamp>,
    /// What this device sends; nothing while it is not in the call.
    pub own: Media,
    /// What of all that is to be sent is not, because its device is not there or does not work.
    pub lacking: Media,
    /// Whether the own hand is raised.
    pub hand: bool,
    /// Who muted this device; nobody once it has spoken again.
    pub muted_by: Option<AccountId>,
    /// Which device forwards for all; none while each talks with each.
    pub forwarder: Option<DeviceId>,
    /// The others in it.
    pub people: Vec<InCallView>,
}

/// How a call of a group is, for this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupCallState {
    /// It goes on without this device, and rings here.
    Ringing,
    /// It goes on without this device.
    Ongoing,
    /// This device is in it, alone.
    Waiting,
    /// Ways to the others are looked for.
    Connecting,
    /// Somebody is heard.
    Live,
    /// All connections were lost; others are looked for.
    Reconnecting,
    /// It is over, at least for this device.
    Ended(CallEnd),
}

impl GroupCallState {
    /// What it would be called in a call between two; nothing while this device has nobody to talk to.
    pub fn as_between_two(self) -> Option<CallState> {
        match self {
            Self::Ringing | Self::Ongoing | Self::Waiting | Self::Ended(_) => None,
            Self::Connecting => Some(CallState::Connecting),
            Self::Live => Some(CallState::Live),
            Self::Reconnecting => Some(CallState::Reconnecting),
        }
    }
}

/// Somebody in a call of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InCallView {
    /// Who.
    pub account: AccountId,
    /// By which device.
    pub device: DeviceId,
    /// What they send.
    pub media: Media,
    /// Whether their hand is raised.
    pub hand: bool,
    /// Whether sound and pictures come from them; `false` while this device is not in the call.
    pub connected: bool,
}
