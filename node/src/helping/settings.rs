//! What the owner decided about keeping mail for others, and its row.
//!
//! The row is in a table of the node's own beside the engine's: the engine does not know that its device may be a mailbox.

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::rows::Write;
use kith_proto::time::Timestamp;

/// The table of the node's own settings.
pub(crate) const SETTINGS: Table = Table::plain("node_settings");

const KEY: &[u8] = b"helping";

const VERSION: u8 = 1;

/// The least that is offered: two full inboxes.
pub const MIN_BYTES: u64 = 64 << 20;

/// The most: beyond it a community node is the better program.
pub const MAX_BYTES: u64 = 1 << 40;

/// What is offered unless the owner says otherwise: nobody misses it, and it holds some hundred thousand messages.
pub const DEFAULT_BYTES: u64 = 1 << 30;

/// Inboxes unless the owner says otherwise. A person's device has two at a time: they are for periods of
/// 14 days, and the former one is still read in the next.
pub const DEFAULT_INBOXES: u32 = 1_000;

/// As many inboxes as a community node has.
pub const MAX_INBOXES: u32 = 20_000;

/// Who may have mail kept here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// The devices of accepted contacts. Those of their contacts look the same as anybody's.
    #[default]
    Contacts,
    /// Anybody, for some work.
    Anybody,
}

impl Who {
    /// The word of the API and the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Anybody => "anybody",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Contacts, Self::Anybody].into_iter().find(|who| who.word() == word)
    }
}

/// What the owner decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelpSettings {
    /// Whether mail is kept for others.
    pub enabled: bool,
    /// How many bytes at most.
    pub bytes: u64,
    /// How many inboxes at most.
    pub inboxes: u32,
    /// For whom.
    pub who: Who,
    /// Since when.
    pub since: Option<Timestamp>,
    /// It was switched off and something was still kept.
    pub closing: bool,
}

impl Default for HelpSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            bytes: DEFAULT_BYTES,
            inboxes: DEFAULT_INBOXES,
            who: Who::default(),
            since: None,
            closing: false,
        }
    }
}

impl HelpSettings {
    /// What stands in the rows; the defaults when nothing does or a newer version wrote it.
    pub(crate) fn load(rows: &dyn Rows) -> Result<Self, RowsError> {
        let bytes = rows.get(SETTINGS, KEY)?;
        Ok(bytes.and_then(|bytes| Self::from_bytes(&bytes).ok()).unwrap_or_default())
    }

    /// The write that keeps it.
    pub(crate) fn write(&self) -> Write {
        Write { table: SETTINGS.name.to_owned(), key: KEY.to_vec(), value: Some(self.to_bytes()) }
    }

    /// The limits of the service.
    pub(crate) fn limits(&self) -> kith_mailbox::Config {
        let usual = kith_mailbox::Config::default();
        kith_mailbox::Config {
            capacity_bytes: self.bytes,
            inboxes: self.inboxes,
            // A few dozen contacts for each.
            queues: self.inboxes.saturating_mul(50),
            inbox_bytes: usual.inbox_bytes.min(self.bytes / 2),
            // Contacts are let in at the door, and need no work.
            open: self.who == Who::Contacts,
            streams: 256,
            windows_bytes: 16 << 20,
            ..usual
        }
    }
}

impl Encode for HelpSettings {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.enabled.encode(out);
        self.bytes.encode(out);
        self.inboxes.encode(out);
        (self.who == Who::Anybody).encode(out);
        self.since.encode(out);
        self.closing.encode(out);
    }
}

impl Decode for HelpSettings {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "row version" });
        }
        Ok(Self {
            enabled: Decode::decode(reader)?,
            bytes: Decode::decode(reader)?,
            inboxes: Decode::decode(reader)?,
            who: if bool::decode(reader)? { Who::Anybody } else { Who::Contacts },
            since: Decode::decode(reader)?,
            closing: Decode::decode(reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_has_its_bytes_for_ever() {
        let settings = HelpSettings {
            enabled: true,
            bytes: 64 << 20,
            inboxes: 7,
            who: Who::Anybody,
            since: Some(Timestamp(9)),
            closing: false,
        };
        let bytes = settings.to_bytes();
        assert_eq!(bytes, [1, 1, 0, 0, 0, 4, 0, 0, 0, 0, 7, 0, 0, 0, 1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(HelpSettings::from_bytes(&bytes), Ok(settings));
    }

    #[test]
    fn nothing_is_kept_for_others_until_the_owner_says_so() {
        assert!(!HelpSettings::default().enabled);
        let limits = HelpSettings::default().limits();
        assert_eq!((limits.capacity_bytes, limits.open), (1 << 30, true));
        let strangers = HelpSettings { who: Who::Anybody, ..HelpSettings::default() }.limits();
        assert!(!strangers.open && strangers.opening_bits.is_some(), "strangers work for it");
    }
}
