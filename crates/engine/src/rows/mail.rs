//! The rows about what passes between us and contacts by way of mailboxes.

use kith_proto::payload::MAX_PLACES;
use kith_proto::payload::MailboxList;

use super::*;

/// Secrets of somebody who was removed: the last one, the one before, and those from when they were removed earlier.
pub(crate) const MAX_CLOSED: usize = 4;

row!(
    2,
    /// How far a mailbox has kept a device's channel.
    Progress {
        /// Which mailbox.
        mailbox: DeviceId,
        /// Everything up to this position.
        upto: Position,
        /// Until when it has promised to, for whatever it promised the shortest.
        until: Timestamp,
    }
);

row!(
    /// A device that was removed: the queues that it leaves envelopes in are closed.
    ClosedRow {
        /// What the queues came from, the newest last.
        secrets: BoundedVec<Secret32, MAX_CLOSED>,
        /// Until when mailboxes are told.
        until: Timestamp,
    }
);

/// Since 2: the former secret. Since 3: the number that was said.
const MAIL_VERSION: u8 = 3;

/// What passes between us and a device by way of mailboxes.
#[derive(Clone, Default)]
pub(crate) struct MailRow {
    /// What we gave that device: the secret of its queues at our mailboxes.
    pub(crate) mine: Option<Secret32>,
    /// Which version of our list it was told.
    pub(crate) told: u64,
    /// Its mailboxes, as it told us.
    pub(crate) theirs: Option<MailboxList>,
    /// How far each of them has kept what waits for it.
    pub(crate) progress: BoundedVec<Progress, MAX_PLACES>,
    /// Up to which position enough of them have.
    pub(crate) stored: Position,
    /// Up to which of its positions it knows that we have taken them.
    pub(crate) receipt_told: Position,
    /// Up to which it was told by mail that they were read.
    pub(crate) read_told: Position,
    /// The secret before, and until when its queues are read.
    pub(crate) former: Option<(Secret32, Timestamp)>,
    /// Under which number our list was told to it: higher than its version if the clock was ahead.
    pub(crate) said: u64,
}

impl Encode for MailRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(MAIL_VERSION);
        self.mine.encode(out);
        self.told.encode(out);
        self.theirs.encode(out);
        self.progress.encode(out);
        self.stored.encode(out);
        self.receipt_told.encode(out);
        self.read_told.encode(out);
        self.former.encode(out);
        self.said.encode(out);
    }
}

impl Decode for MailRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = u8::decode(reader)?;
        if !(VERSION..=MAIL_VERSION).contains(&version) {
            return Err(DecodeError::Invalid { what: "row version" });
        }
        Ok(Self {
            mine: Decode::decode(reader)?,
            told: Decode::decode(reader)?,
            theirs: Decode::decode(reader)?,
            progress: Decode::decode(reader)?,
            stored: Decode::decode(reader)?,
            receipt_told: Decode::decode(reader)?,
            read_told: Decode::decode(reader)?,
            former: if version < 2 { None } else { Decode::decode(reader)? },
            said: if version < 3 { 0 } else { Decode::decode(reader)? },
        })
    }
}
