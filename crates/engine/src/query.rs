//! Pages for front ends over any [`Rows`]: the chat list, timelines, contacts. Readers never wait for the engine.
//!
//! Not here: what is true only now (`Engine::overview`); `online` is always `false` in these answers.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;

use kith_crypto::safety::SafetyNumber;
use kith_crypto::safety::safety_number as number;
use kith_proto::codec::Decode;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::InviteId;
use kith_proto::id::MessageId;
use kith_proto::payload::Position;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::time::Timestamp;

mod calls;
mod groups;
mod rooms;

pub use calls::call_settings;
pub use calls::calls;
pub use groups::group;
pub use groups::groups;
pub use rooms::rooms;

use crate::account;
use crate::deposits::copies;
use crate::groups::receipts;
use crate::groups::view as group_view;
use crate::restore::RestoreError;
use crate::rows;
use crate::rows::ChatRow;
use crate::rows::ContactRow;
use crate::rows::FiltersRow;
use crate::rows::HistoryRow;
use crate::rows::InviteRow;
use crate::rows::KnocksRow;
use crate::rows::MailRow;
use crate::rows::PeerRow;
use crate::rows::StrangerRow;
use crate::rows::groups::Entry;
use crate::rows::groups::GroupRow;
use crate::rows::groups::With;
use crate::view::ChatView;
use crate::view::ChatWith;
use crate::view::ContactState;
use crate::view::ContactView;
use crate::view::Copies;
use crate::view::KeptView;
use crate::view::MessageState;
use crate::view::MessageView;
use crate::view::PreviewView;
use crate::view::ProfileView;
use crate::view::Receipts;
use crate::view::RouteView;
use crate::view::TraceView;
use crate::view::TracedDevice;

/// Why a page could not be read: the same causes as at a start.
pub type QueryError = RestoreError;

/// An open invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteView {
    /// Its name.
    pub invite: InviteId,
    /// When it ends.
    pub expires: Timestamp,
    /// How many more people may use it.
    pub uses_left: u32,
}

fn get<V: Decode>(
    rows: &dyn Rows,
    table: kith_proto::rows::Table,
    key: &[u8],
) -> Result<Option<V>, QueryError> {
    let Some(bytes) = rows.get(table, key)? else { return Ok(None) };
    V::from_bytes(&bytes).map(Some).map_err(|_| RestoreError::Damaged(table.name))
}

fn all<K: Decode, V: Decode>(
    rows: &dyn Rows,
    table: kith_proto::rows::Table,
) -> Result<Vec<(K, V)>, QueryError> {
    let (mut found, mut good) = (Vec::new(), true);
    rows.scan(table, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |key, value| {
        match K::from_bytes(key).and_then(|key| Ok((key, V::from_bytes(value)?))) {
            Ok(row) => found.push(row),
            Err(_) => good = false,
        }
        good
    })?;
    if good { Ok(found) } else { Err(RestoreError::Damaged(table.name)) }
}

fn own_account(rows: &dyn Rows) -> Result<AccountId, QueryError> {
    account::owner(rows)?.ok_or(RestoreError::NoAccount)
}

/// The own account; `None` when there is none yet. Cheaper than [`profile`], which derives the device's keys.
///
/// # Errors
/// When the rows cannot be read.
pub fn account(rows: &dyn Rows) -> Result<Option<AccountId>, QueryError> {
    account::owner(rows)
}

/// The own profile; `None` when there is no account yet.
///
/// # Errors
/// When the rows cannot be read.
pub fn profile(rows: &dyn Rows) -> Result<Option<ProfileView>, QueryError> {
    let knocks = allows_knocks(rows)?;
    Ok(account::load(rows)?.map(|(row, device)| ProfileView {
        account: row.account,
        device: device.id(),
        name: row.profile.name.into_inner(),
        status: row.profile.status.into_inner(),
        knocks,
    }))
}

/// All contacts, by account.
///
/// # Errors
/// When the rows cannot be read.
pub fn contacts(rows: &dyn Rows) -> Result<Vec<ContactView>, QueryError> {
    let own = own_account(rows)?;
    let found: Vec<(ContactId, ContactRow)> = all(rows, rows::CONTACTS)?;
    let mailboxes = mailboxes_of_contacts(rows)?;
    let count = |contact: &ContactId| mailboxes.get(contact).copied().unwrap_or(0);
    let strangers: Vec<(ContactId, StrangerRow)> = all(rows, rows::STRANGERS)?;
    let strangers: BTreeSet<_> =
        strangers.into_iter().filter(|(_, row)| !row.turned_away).map(|(contact, _)| contact).collect();
    let view = |(contact, row): (ContactId, ContactRow)| {
        row.view(&own, contact, false, count(&contact), strangers.contains(&contact))
    };
    Ok(found.into_iter().filter_map(view).collect())
}

/// In how many mailboxes something can be left for each contact.
fn mailboxes_of_contacts(rows: &dyn Rows) -> Result<BTreeMap<ContactId, u32>, QueryError> {
    let mut counts = BTreeMap::new();
    let found: Vec<(DeviceId, MailRow)> = all(rows, rows::MAIL)?;
    for (device, row) in found {
        let Some(peer) = get::<PeerRow>(rows, rows::PEERS, &device.0)? else { continue };
        let known = row.theirs.iter().flat_map(|list| list.places.iter().map(|place| place.device));
        let known = u32::try_from(known.collect::<BTreeSet<_>>().len()).unwrap_or(u32::MAX);
        let count = counts.entry(peer.contact).or_insert(0);
        *count = known.max(*count);
    }
    Ok(counts)
}

/// What became of an own message, device by device and mailbox by mailbox. A promise that has ended by `now` is none.
///
/// # Errors
/// When the rows cannot be read.
pub fn trace(rows: &dyn Rows, message: &MessageId, now: Timestamp) -> Result<Option<TraceView>, QueryError> {
    let Some(view) = self::message(rows, message)? else { return Ok(None) };
    let row = get::<HistoryRow>(rows, rows::HISTORY, &rows::history_key(&view.chat, view.index))?;
    let mut devices = Vec::new();
    let places = row.filter(|row| row.outgoing).map(|row| row.places.into_inner()).unwrap_or_default();
    for (device, position) in places {
        let peer = get::<PeerRow>(rows, rows::PEERS, &device.0)?;
        let mail = get::<MailRow>(rows, rows::MAIL, &device.0)?.unwrap_or_default();
        let state =
            state_of(ContactState::Accepted, &[(device, position)], |_| Some((peer.clone()?, mail.stored)));
        let mut mailboxes = BTreeMap::new();
        for place in mail.theirs.iter().flat_map(|list| list.places.iter()) {
            let kept = mail.progress.iter().find(|progress| progress.mailbox == place.device);
            let kept = kept.filter(|progress| progress.upto >= position && progress.until > now);
            mailboxes.insert(place.device, kept.map(|progress| progress.until));
        }
        let mailboxes = mailboxes.into_iter().map(|(mailbox, until)| KeptView { mailbox, until }).collect();
        let route = RouteView::default();
        devices.push(TracedDevice { device, state, position, mailboxes, route });
    }
    Ok(Some(TraceView { message: view, devices }))
}

/// One contact.
///
/// # Errors
/// When the rows cannot be read.
pub fn contact(rows: &dyn Rows, contact: &ContactId) -> Result<Option<ContactView>, QueryError> {
    Ok(contacts(rows)?.into_iter().find(|view| view.contact == *contact))
}

/// All chats, the most recently active first.
///
/// # Errors
/// When the rows cannot be read.
pub fn chats(rows: &dyn Rows) -> Result<Vec<ChatView>, QueryError> {
    let mut views = Vec::new();
    let found: Vec<(ChatId, ChatRow)> = all(rows, rows::CHATS)?;
    for (chat, row) in found {
        views.extend(chat_of_row(rows, chat, &row)?);
    }
    views.sort_by(|one, other| other.active_at.cmp(&one.active_at).then(one.chat.cmp(&other.chat)));
    Ok(views)
}

/// One chat.
///
/// # Errors
/// When the rows cannot be read.
pub fn chat(rows: &dyn Rows, chat: &ChatId) -> Result<Option<ChatView>, QueryError> {
    match get::<ChatRow>(rows, rows::CHATS, &chat.0)? {
        Some(row) => chat_of_row(rows, *chat, &row),
        None => Ok(None),
    }
}

fn chat_of_row(rows: &dyn Rows, chat: ChatId, row: &ChatRow) -> Result<Option<ChatView>, QueryError> {
    let draft =
        rows.get(rows::DRAFTS, &chat.0)?.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let own = own_account(rows)?;
    let contact = match row.with {
        With::Contact(contact) => contact,
        With::Group(group) => {
            let Some(found) = get::<GroupRow>(rows, rows::groups::GROUPS, &group.0)? else { return Ok(None) };
            let with = group_view::summary(&group, &found);
            let view = chat_view(&own, chat, row, (&*found.name, with), draft, |_| MessageState::Sent);
            return Ok(Some(view));
        }
    };
    let Some(found) = get::<ContactRow>(rows, rows::CONTACTS, &contact.0)? else { return Ok(None) };
    let mut states = States::new(rows, found.state().unwrap_or(ContactState::Accepted));
    let state = match &row.last {
        Some(last) => states.of(&last.places)?,
        None => MessageState::Queued,
    };
    let with = (&*found.profile.name, ChatWith::Contact(contact));
    Ok(Some(chat_view(&own, chat, row, with, draft, |_| state)))
}

/// A chat as front ends see it.
pub(crate) fn chat_view(
    own: &AccountId,
    chat: ChatId,
    row: &ChatRow,
    (name, with): (&str, ChatWith),
    draft: String,
    state_of: impl Fn(&[(DeviceId, Position)]) -> MessageState,
) -> ChatView {
    let last = row.last.as_ref().map(|last| {
        let author = last.entry.author().or(match row.with {
            With::Contact(contact) => Some(contact),
            With::Group(_) => None,
        });
        PreviewView {
            message: last.message,
            sender: author.filter(|_| !last.outgoing).unwrap_or(*own),
            outgoing: last.outgoing,
            kind: group_view::kind(&last.entry, |_| 0).0,
            text: last.text.to_string(),
            sent_at: last.sent_at,
            state: match &last.entry {
                Entry::Call(_) => MessageState::Read,
                _ if last.outgoing => state_of(&last.places),
                _ => MessageState::Delivered,
            },
        }
    });
    ChatView { chat, with, name: name.to_owned(), unread: row.unread, last, active_at: row.active_at, draft }
}

/// How far an own message is: as far as the device that is furthest.
pub(crate) fn state_of(
    contact: ContactState,
    places: &[(DeviceId, Position)],
    progress: impl Fn(&DeviceId) -> Option<(PeerRow, Position)>,
) -> MessageState {
    let best = places.iter().filter_map(|(device, position)| {
        let (row, stored) = progress(device)?;
        Some(match *position {
            position if position <= row.read => MessageState::Read,
            position if position <= row.delivered => MessageState::Delivered,
            position if position <= stored => MessageState::Stored,
            position if position <= row.handed => MessageState::Sent,
            _ => MessageState::Queued,
        })
    });
    match best.max() {
        Some(state @ (MessageState::Delivered | MessageState::Read)) => state,
        _ if contact == ContactState::Blocked => MessageState::Failed,
        Some(state) => state,
        None if places.is_empty() => MessageState::Failed,
        None => MessageState::Sent,
    }
}

/// The states of many messages with one look at each device's row.
struct States<'a> {
    rows: &'a dyn Rows,
    contact: ContactState,
    peers: BTreeMap<DeviceId, Option<(PeerRow, Position)>>,
    mail: BTreeMap<DeviceId, MailRow>,
    reads: BTreeMap<DeviceId, u32>,
}

impl<'a> States<'a> {
    fn new(rows: &'a dyn Rows, contact: ContactState) -> Self {
        Self { rows, contact, peers: BTreeMap::new(), mail: BTreeMap::new(), reads: BTreeMap::new() }
    }

    fn of(&mut self, places: &[(DeviceId, Position)]) -> Result<MessageState, QueryError> {
        self.load(places)?;
        Ok(state_of(self.contact, places, |device| self.peers.get(device).cloned().flatten()))
    }

    /// The same for an own message of a group, with how many members have it.
    fn of_group(
        &mut self,
        own: &AccountId,
        group: &GroupId,
        row: &HistoryRow,
    ) -> Result<(MessageState, Option<Receipts>), QueryError> {
        let sent = self.of(&row.places)?;
        for (device, _) in row.places.iter() {
            if !self.reads.contains_key(device) {
                let key = rows::groups::group_key(group, &device.0);
                let read = get::<u32>(self.rows, rows::groups::GROUP_READS, &key)?.unwrap_or(0);
                self.reads.insert(*device, read);
            }
        }
        let receipts = receipts::count(own, row, |device, position| {
            let (peer, _) = self.peers.get(device)?.as_ref()?;
            let read = self.reads.get(device).copied().unwrap_or(0);
            Some((peer.contact, position <= peer.delivered, read))
        });
        let state = receipts.map_or(MessageState::Sent, |receipts| receipts::state(&receipts, sent));
        Ok((state, receipts.filter(|receipts| receipts.of > 0)))
    }

    /// What mailboxes promised about an own message: those of the device of which most did.
    fn copies(&self, places: &[(DeviceId, Position)]) -> Option<Copies> {
        let of = |(device, position): &(DeviceId, Position)| copies(self.mail.get(device)?, *position);
        places.iter().filter_map(of).reduce(Copies::safer)
    }

    fn load(&mut self, places: &[(DeviceId, Position)]) -> Result<(), QueryError> {
        for (device, _) in places {
            if !self.peers.contains_key(device) {
                let peer = get::<PeerRow>(self.rows, rows::PEERS, &device.0)?;
                let mail = get::<MailRow>(self.rows, rows::MAIL, &device.0)?.unwrap_or_default();
                self.peers.insert(*device, peer.map(|peer| (peer, mail.stored)));
                self.mail.insert(*device, mail);
            }
        }
        Ok(())
    }
}

/// A page of a timeline, oldest first: the `limit` messages before the one with index `before`, or the last ones.
///
/// # Errors
/// When the rows cannot be read.
pub fn timeline(
    rows: &dyn Rows,
    chat: &ChatId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<MessageView>, QueryError> {
    let from = rows::history_key(chat, 0);
    let to = rows::history_key(chat, before.unwrap_or(u64::MAX));
    page(rows, chat, Bound::Included(&from), Bound::Excluded(&to), Direction::Down, limit)
}

/// A page of a timeline, oldest first, from the message with index `from` on.
///
/// # Errors
/// When the rows cannot be read.
pub fn timeline_from(
    rows: &dyn Rows,
    chat: &ChatId,
    from: u64,
    limit: usize,
) -> Result<Vec<MessageView>, QueryError> {
    let from = rows::history_key(chat, from);
    let to = rows::history_key(chat, u64::MAX);
    page(rows, chat, Bound::Included(&from), Bound::Included(&to), Direction::Up, limit)
}

fn page(
    rows: &dyn Rows,
    chat: &ChatId,
    from: Bound<&[u8]>,
    to: Bound<&[u8]>,
    direction: Direction,
    limit: usize,
) -> Result<Vec<MessageView>, QueryError> {
    let Some(row) = get::<ChatRow>(rows, rows::CHATS, &chat.0)? else { return Ok(Vec::new()) };
    let state = state_in(rows, &row.with)?;
    let (mut found, mut good) = (Vec::new(), true);
    if limit > 0 {
        rows.scan(rows::HISTORY, from, to, direction, &mut |key, value| {
            let index = rows::split_key::<16>(key).map(|(_, index)| index);
            match index.zip(HistoryRow::from_bytes(value).ok()) {
                Some(row) => found.push(row),
                None => good = false,
            }
            good && found.len() < limit
        })?;
    }
    if !good {
        return Err(RestoreError::Damaged(rows::HISTORY.name));
    }
    if direction == Direction::Down {
        found.reverse();
    }
    let own = own_account(rows)?;
    let mut states = States::new(rows, state);
    found.into_iter().map(|(index, message)| view(&mut states, &own, *chat, &row, index, &message)).collect()
}

fn view(
    states: &mut States<'_>,
    own: &AccountId,
    chat: ChatId,
    chat_row: &ChatRow,
    index: u64,
    row: &HistoryRow,
) -> Result<MessageView, QueryError> {
    let text = match &row.text {
        Some(text) => text.to_string(),
        None => {
            let bytes = states.rows.get(rows::FADING, &rows::history_key(&chat, index))?;
            bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
        }
    };
    let (mut receipts, mut copies, mut dropped) = (None, None, None);
    let state = match (chat_row.with, row.outgoing) {
        // It was heard or not; there is nothing to be delivered.
        (With::Contact(_), true) if matches!(row.entry, Entry::Call(_)) => MessageState::Read,
        (With::Contact(_), true) => {
            let state = states.of(&row.places)?;
            let waits = matches!(state, MessageState::Queued | MessageState::Sent | MessageState::Stored);
            copies = waits.then(|| states.copies(&row.places)).flatten();
            state
        }
        (With::Contact(_), false) if index < chat_row.read_index => MessageState::Read,
        (With::Contact(_), false) => MessageState::Delivered,
        (With::Group(group), _) if matches!(row.entry, Entry::Line(_)) => {
            dropped = get::<GroupRow>(states.rows, rows::groups::GROUPS, &group.0)?;
            MessageState::Read
        }
        (With::Group(group), true) => {
            let (state, counts) = states.of_group(own, &group, row)?;
            receipts = counts;
            state
        }
        (With::Group(_), false) => {
            let key = rows::history_key(&chat, index);
            match states.rows.get(rows::groups::GROUP_UNREAD, &key)? {
                Some(_) => MessageState::Delivered,
                None => MessageState::Read,
            }
        }
    };
    let (kind, mentions, mentions_all) = group_view::kind(&row.entry, |whom| {
        dropped.as_ref().map_or(0, |group| group_view::dropped(group, whom))
    });
    let author = match chat_row.with {
        With::Contact(contact) => Some(contact),
        With::Group(_) => row.entry.author(),
    };
    Ok(MessageView {
        message: row.message,
        chat,
        index,
        sender: author.filter(|_| !row.outgoing).unwrap_or(*own),
        outgoing: row.outgoing,
        kind,
        text,
        reply_to: row.reply_to,
        mentions,
        mentions_all,
        sent_at: row.sent_at,
        stored_at: row.stored_at,
        state,
        expires_at: row.expires_at,
        receipts,
        copies,
    })
}

/// How the other side of a direct chat stands to us; in groups that decides nothing.
fn state_in(rows: &dyn Rows, with: &With) -> Result<ContactState, QueryError> {
    let With::Contact(contact) = with else { return Ok(ContactState::Accepted) };
    let row: Option<ContactRow> = get(rows, rows::CONTACTS, &contact.0)?;
    Ok(row.and_then(|row| row.state()).unwrap_or(ContactState::Blocked))
}

/// One message, wherever it is.
///
/// # Errors
/// When the rows cannot be read.
pub fn message(rows: &dyn Rows, message: &MessageId) -> Result<Option<MessageView>, QueryError> {
    let mut found = None;
    let (from, to) = ([message.0, [0; 16]].concat(), [message.0, [0xff; 16]].concat());
    let bounds = (Bound::Included(from.as_slice()), Bound::Included(to.as_slice()));
    rows.scan(rows::MESSAGES, bounds.0, bounds.1, Direction::Up, &mut |_, place| {
        found = Some(place.to_vec());
        false
    })?;
    let Some(key) = found else { return Ok(None) };
    let place = rows::split_key::<16>(&key).zip(get::<HistoryRow>(rows, rows::HISTORY, &key)?);
    let Some(((chat, index), row)) = place.filter(|(_, row)| row.message == *message) else {
        return Ok(None);
    };
    let chat = ChatId(chat);
    let Some(chat_row) = get::<ChatRow>(rows, rows::CHATS, &chat.0)? else { return Ok(None) };
    let mut states = States::new(rows, state_in(rows, &chat_row.with)?);
    view(&mut states, &own_account(rows)?, chat, &chat_row, index, &row).map(Some)
}

/// The open invites.
///
/// # Errors
/// When the rows cannot be read.
pub fn invites(rows: &dyn Rows) -> Result<Vec<InviteView>, QueryError> {
    // One that ended by time is shown with its time; one that was used up or taken back is not there any more.
    let found: Vec<(InviteId, InviteRow)> = all(rows, rows::INVITES)?;
    let view = |(invite, row): (InviteId, InviteRow)| InviteView {
        invite,
        expires: row.expires,
        uses_left: row.uses_left,
    };
    Ok(found.into_iter().filter(|(_, row)| row.uses_left > 0).map(view).collect())
}

/// The number that two people compare, for a contact.
///
/// # Errors
/// When the rows cannot be read.
pub fn safety_number(rows: &dyn Rows, contact: &ContactId) -> Result<Option<SafetyNumber>, QueryError> {
    let there = get::<ContactRow>(rows, rows::CONTACTS, &contact.0)?.is_some_and(|row| !row.is_fellow());
    Ok(if there { Some(number(&own_account(rows)?, contact)) } else { None })
}

/// How far an own message in a group of at most 32 members is with each of the others, those who have read it first. Empty
/// for every other message.
///
/// # Errors
/// When the rows cannot be read.
pub fn receipts(rows: &dyn Rows, message: &MessageId) -> Result<Vec<(AccountId, MessageState)>, QueryError> {
    let Some(view) = self::message(rows, message)? else { return Ok(Vec::new()) };
    let key = rows::history_key(&view.chat, view.index);
    let row = get::<HistoryRow>(rows, rows::HISTORY, &key)?.filter(|row| row.outgoing);
    let with = get::<ChatRow>(rows, rows::CHATS, &view.chat.0)?.map(|chat| chat.with);
    let (Some(row), Some(With::Group(group))) = (row, with) else { return Ok(Vec::new()) };
    let Entry::Post(post) = &row.entry else { return Ok(Vec::new()) };
    let own = own_account(rows)?;
    let mut states = States::new(rows, ContactState::Accepted);
    let mut furthest: BTreeMap<AccountId, MessageState> = BTreeMap::new();
    for place in row.places.iter() {
        // A channel is read in the order in which it is shown, and a group is not: its own words tell what was read.
        let sent = states.of(std::slice::from_ref(place))?.min(MessageState::Delivered);
        let Some((peer, _)) = states.peers.get(&place.0).cloned().flatten() else { continue };
        let read = get::<u32>(rows, rows::groups::GROUP_READS, &rows::groups::group_key(&group, &place.0.0))?;
        let state = if read.unwrap_or(0) >= post.sequence { MessageState::Read } else { sent };
        if peer.contact != own {
            let best = furthest.entry(peer.contact).or_insert(state);
            *best = state.max(*best);
        }
    }
    let mut found: Vec<_> = furthest.into_iter().collect();
    found.sort_by_key(|(account, state)| (std::cmp::Reverse(*state), *account));
    Ok(found)
}

/// Whether strangers who know only the address may ask.
///
/// # Errors
/// When the rows cannot be read.
pub fn allows_knocks(rows: &dyn Rows) -> Result<bool, QueryError> {
    Ok(get::<KnocksRow>(rows, rows::KNOCKS, rows::SELF)?.unwrap_or_default().allowed)
}

/// The bootstrap nodes that are kept, as they were added.
///
/// # Errors
/// When the rows cannot be read.
pub fn bootstraps(rows: &dyn Rows) -> Result<Vec<String>, QueryError> {
    let mut found = Vec::new();
    rows.scan(rows::BOOTSTRAPS, Bound::Unbounded, Bound::Unbounded, Direction::Up, &mut |key, _| {
        found.extend(String::from_utf8(key.to_vec()));
        true
    })?;
    Ok(found)
}

/// The words that the owner does not want to read ([`crate::filters::matched`]).
///
/// # Errors
/// When the rows cannot be read.
pub fn filters(rows: &dyn Rows) -> Result<Vec<String>, QueryError> {
    let row = get::<FiltersRow>(rows, rows::FILTERS, rows::SELF)?;
    Ok(row.map(|row| row.filters.iter().map(|word| (**word).to_owned()).collect()).unwrap_or_default())
}

/// What people call themselves, contacts and fellow members alike; who has not told it is left out.
///
/// # Errors
/// When the rows cannot be read.
pub fn names(rows: &dyn Rows, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, String>, QueryError> {
    let mut names = BTreeMap::new();
    for account in accounts {
        if let Some(row) = get::<ContactRow>(rows, rows::CONTACTS, &account.0)? {
            names.insert(*account, row.profile.name.to_string());
        }
    }
    names.retain(|_, name| !name.is_empty());
    Ok(names)
}
