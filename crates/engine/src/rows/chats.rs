//! The rows of chats and their messages. Those of version 1 knew direct chats only; they are read as such, and written anew
//! when something changes: a long history is not rewritten for the sake of a byte.

use super::groups::Entry;
use super::groups::With;
use super::*;

/// The version since there are groups.
const SINCE_GROUPS: u8 = 2;

/// A chat: everything the list shows but the draft.
#[derive(Clone, PartialEq)]
pub(crate) struct ChatRow {
    /// With whom.
    pub(crate) with: With,
    /// The index of the next message; in groups, where the place follows from the post, nothing.
    pub(crate) next_index: u64,
    /// Everything below this index was read here; in groups nothing (`group_unread`).
    pub(crate) read_index: u64,
    /// How many messages of others were not read.
    pub(crate) unread: u64,
    /// The last message.
    pub(crate) last: Option<LastRow>,
    /// When something last happened.
    pub(crate) active_at: Timestamp,
}

/// The last line of a chat.
#[derive(Clone, PartialEq)]
pub(crate) struct LastRow {
    /// Its place.
    pub(crate) index: u64,
    /// Which message.
    pub(crate) message: MessageId,
    /// Whether it is ours.
    pub(crate) outgoing: bool,
    /// The beginning of its text; empty for disappearing ones.
    pub(crate) text: BoundedStr<512>,
    /// When it was written.
    pub(crate) sent_at: Timestamp,
    /// Where it is in the channels.
    pub(crate) places: BoundedVec<(DeviceId, Position), MAX_TARGETS>,
    /// What kind of thing it is.
    pub(crate) entry: Entry,
}

/// A message in the history of a chat.
#[derive(Clone, PartialEq)]
pub(crate) struct HistoryRow {
    /// Its name.
    pub(crate) message: MessageId,
    /// Whether it is ours.
    pub(crate) outgoing: bool,
    /// Its text; `None` when it is in `fading`.
    pub(crate) text: Option<Text>,
    /// The message it answers.
    pub(crate) reply_to: Option<MessageId>,
    /// When its author wrote it.
    pub(crate) sent_at: Timestamp,
    /// When it was stored here.
    pub(crate) stored_at: Timestamp,
    /// When it disappears.
    pub(crate) expires_at: Option<Timestamp>,
    /// Outgoing: the devices it goes to. Incoming: the device it came from. With the position in that channel.
    pub(crate) places: BoundedVec<(DeviceId, Position), MAX_TARGETS>,
    /// What kind of thing it is.
    pub(crate) entry: Entry,
}

/// The version byte; whether the row is from before there were groups.
fn is_old(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match u8::decode(reader)? {
        VERSION => Ok(true),
        SINCE_GROUPS => Ok(false),
        _ => Err(DecodeError::Invalid { what: "row version" }),
    }
}

fn entry(reader: &mut Reader<'_>, old: bool) -> Result<Entry, DecodeError> {
    if old { Ok(Entry::Direct) } else { Decode::decode(reader) }
}

impl Encode for ChatRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(SINCE_GROUPS);
        self.with.encode(out);
        self.next_index.encode(out);
        self.read_index.encode(out);
        self.unread.encode(out);
        self.last.encode(out);
        self.active_at.encode(out);
    }
}

impl Decode for ChatRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let with = match is_old(reader)? {
            true => With::Contact(Decode::decode(reader)?),
            false => Decode::decode(reader)?,
        };
        Ok(Self {
            with,
            next_index: Decode::decode(reader)?,
            read_index: Decode::decode(reader)?,
            unread: Decode::decode(reader)?,
            last: Decode::decode(reader)?,
            active_at: Decode::decode(reader)?,
        })
    }
}

impl Encode for LastRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(SINCE_GROUPS);
        self.index.encode(out);
        self.message.encode(out);
        self.outgoing.encode(out);
        self.text.encode(out);
        self.sent_at.encode(out);
        self.places.encode(out);
        self.entry.encode(out);
    }
}

impl Decode for LastRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let old = is_old(reader)?;
        Ok(Self {
            index: Decode::decode(reader)?,
            message: Decode::decode(reader)?,
            outgoing: Decode::decode(reader)?,
            text: Decode::decode(reader)?,
            sent_at: Decode::decode(reader)?,
            places: Decode::decode(reader)?,
            entry: entry(reader, old)?,
        })
    }
}

impl Encode for HistoryRow {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(SINCE_GROUPS);
        self.message.encode(out);
        self.outgoing.encode(out);
        self.text.encode(out);
        self.reply_to.encode(out);
        self.sent_at.encode(out);
        self.stored_at.encode(out);
        self.expires_at.encode(out);
        self.places.encode(out);
        self.entry.encode(out);
    }
}

impl Decode for HistoryRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let old = is_old(reader)?;
        Ok(Self {
            message: Decode::decode(reader)?,
            outgoing: Decode::decode(reader)?,
            text: Decode::decode(reader)?,
            reply_to: Decode::decode(reader)?,
            sent_at: Decode::decode(reader)?,
            stored_at: Decode::decode(reader)?,
            expires_at: Decode::decode(reader)?,
            places: Decode::decode(reader)?,
            entry: entry(reader, old)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as version 2 of the schema wrote them, before there were groups.
    #[test]
    fn rows_from_before_there_were_groups_are_read_as_direct_ones() {
        let mut last = vec![1];
        last.extend(7_u64.to_le_bytes());
        last.extend([9; 16]);
        last.extend([1, 2, b'h', b'i']);
        last.extend(1_800_000_000_000_u64.to_le_bytes());
        last.push(1);
        last.extend([3; 32]);
        last.extend(40_u64.to_le_bytes());
        let mut chat = vec![1];
        chat.extend([5; 32]);
        for number in [8_u64, 6, 2] {
            chat.extend(number.to_le_bytes());
        }
        chat.push(1);
        chat.extend(&last);
        chat.extend(1_800_000_000_001_u64.to_le_bytes());
        let row = ChatRow::from_bytes(&chat).unwrap();
        assert!(row.with == With::Contact(AccountId([5; 32])) && row.unread == 2);
        let last = row.last.clone().unwrap();
        assert!(last.entry == Entry::Direct && last.index == 7 && &*last.text == "hi" && last.outgoing);
        assert!(ChatRow::from_bytes(&row.to_bytes()).unwrap() == row);

        let mut message = vec![1];
        message.extend([9; 16]);
        message.extend([0, 1, 2, b'h', b'i', 0]);
        for time in [1_800_000_000_000_u64, 1_800_000_000_001] {
            message.extend(time.to_le_bytes());
        }
        message.extend([0, 1]);
        message.extend([3; 32]);
        message.extend(40_u64.to_le_bytes());
        let row = HistoryRow::from_bytes(&message).unwrap();
        assert!(row.entry == Entry::Direct && !row.outgoing && row.places[0].1 == 40);
        assert!(HistoryRow::from_bytes(&row.to_bytes()).unwrap() == row);
    }
}
