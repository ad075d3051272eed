//! Who may do what in a group: roles, and the lowest role for each thing.

use serde::Deserialize;
use serde::Serialize;

use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::time::Span;

/// The longest slow mode that counts: a day. More would silence a group for good.
pub const MAX_SLOW_MODE_SECS: u32 = 86_400;

/// What a member is in a group. The order is that of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Reads.
    Observer,
    /// Takes part.
    Member,
    /// Keeps order: removes, bans, mutes, deletes.
    Moderator,
    /// Changes roles and rules.
    Admin,
    /// Makes owners as well.
    Owner,
}

/// What newcomers see of what was said before they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum History {
    /// Nothing.
    Nothing,
    /// The last so many messages.
    Last(u32),
    /// Everything that members still have.
    Everything,
}

/// The rules of a group. Each role is the lowest that may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Adds people and makes links.
    pub invite: Role,
    /// Writes messages.
    pub post: Role,
    /// Pins messages.
    pub pin: Role,
    /// Notifies everybody.
    pub mention_all: Role,
    /// Sends files.
    pub send_files: Role,
    /// Starts calls.
    pub start_calls: Role,
    /// Changes name, topic and picture.
    pub change_profile: Role,
    /// Seconds between two messages of one member below moderator; 0 for none. More than [`MAX_SLOW_MODE_SECS`] count as that.
    pub slow_mode_secs: u32,
    /// What newcomers see of earlier messages.
    pub history: History,
    /// After how many seconds messages disappear everywhere; 0 for never.
    pub retention_secs: u32,
    /// Whether somebody who comes by a link waits for a member who may invite, whatever the link says.
    pub approve_links: bool,
    /// Whether anybody may come: it has one link that is meant to be passed around. Only told; links and roles decide.
    pub public: bool,
    /// Whether members list public rooms in it.
    pub directory: bool,
    /// Whether those who come by the public link only read at first, until somebody makes them members.
    pub observers_first: bool,
}

impl Policy {
    /// What a public room begins with: anybody comes by link and sees what was said, and only those who keep order make
    /// links of their own.
    pub fn public_room() -> Self {
        Self { invite: Role::Moderator, history: History::Everything, public: true, ..Self::default() }
    }

    /// What those become who come by the public link.
    pub fn newcomers(&self) -> Role {
        if self.observers_first { Role::Observer } else { Role::Member }
    }
}

impl Default for Policy {
    /// What a group of friends expects.
    fn default() -> Self {
        Self {
            invite: Role::Member,
            post: Role::Member,
            pin: Role::Moderator,
            mention_all: Role::Moderator,
            send_files: Role::Member,
            start_calls: Role::Member,
            change_profile: Role::Admin,
            slow_mode_secs: 0,
            history: History::Nothing,
            retention_secs: 0,
            approve_links: false,
            public: false,
            directory: false,
            observers_first: false,
        }
    }
}

impl Policy {
    /// How long a member below moderator waits between two messages.
    pub fn slow_mode(&self) -> Span {
        Span::from_secs(u64::from(self.slow_mode_secs.min(MAX_SLOW_MODE_SECS)))
    }
}

impl Encode for Role {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Observer => 0,
            Self::Member => 1,
            Self::Moderator => 2,
            Self::Admin => 3,
            Self::Owner => 4,
        });
    }
}

impl Decode for Role {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Observer,
            1 => Self::Member,
            2 => Self::Moderator,
            3 => Self::Admin,
            4 => Self::Owner,
            _ => return Err(DecodeError::Invalid { what: "role" }),
        })
    }
}

impl Encode for History {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => out.push(0),
            Self::Last(count) => {
                out.push(1);
                count.encode(out);
            }
            Self::Everything => out.push(2),
        }
    }
}

impl Decode for History {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Nothing,
            1 => Self::Last(Decode::decode(reader)?),
            2 => Self::Everything,
            _ => return Err(DecodeError::Invalid { what: "history" }),
        })
    }
}

impl Encode for Policy {
    fn encode(&self, out: &mut Vec<u8>) {
        let roles = [
            self.invite,
            self.post,
            self.pin,
            self.mention_all,
            self.send_files,
            self.start_calls,
            self.change_profile,
        ];
        for role in roles {
            role.encode(out);
        }
        self.slow_mode_secs.encode(out);
        self.history.encode(out);
        self.retention_secs.encode(out);
        self.approve_links.encode(out);
        self.public.encode(out);
        self.directory.encode(out);
        self.observers_first.encode(out);
    }
}

impl Decode for Policy {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            invite: Decode::decode(reader)?,
            post: Decode::decode(reader)?,
            pin: Decode::decode(reader)?,
            mention_all: Decode::decode(reader)?,
            send_files: Decode::decode(reader)?,
            start_calls: Decode::decode(reader)?,
            change_profile: Decode::decode(reader)?,
            slow_mode_secs: Decode::decode(reader)?,
            history: Decode::decode(reader)?,
            retention_secs: Decode::decode(reader)?,
            approve_links: Decode::decode(reader)?,
            public: Decode::decode(reader)?,
            directory: Decode::decode(reader)?,
            observers_first: Decode::decode(reader)?,
        })
    }
}
