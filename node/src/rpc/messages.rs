//! The methods about messages, and chats and messages as JSON. Names stand only where a group makes them necessary, so that a
//! message between two costs no look-up.

use kith_engine::Command;
use kith_engine::command::Refusal;
use kith_engine::query;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::Copies;
use kith_engine::view::GroupLine;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageView;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::MessageId;
use kith_proto::rows::Rows;
use kith_proto::time::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::error::NodeError;
use crate::handle::Handle;
use crate::lines::Names;
use crate::lines::call_sentence;
use crate::lines::role_word;
use crate::lines::sentence;
use crate::rpc::errors::RpcError;
use crate::rpc::groups::state_word;
use crate::rpc::health;
use crate::rpc::methods::CHAT;
use crate::rpc::methods::Method;
use crate::rpc::methods::Param;
use crate::rpc::methods::Params;
use crate::rpc::methods::Run;
use crate::rpc::methods::needed;
use crate::rpc::methods::optional;
use crate::rpc::views::message_state;
use crate::time::rfc3339;

/// Messages in one page of `messages.list` at most.
const MAX_PAGE: u64 = 1_000;

const MESSAGE: Param = needed("message_id", "string", "The message.");

/// The methods about messages.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "messages.send",
        summary: "Writes a message. It is delivered when the contact or the members of the group can be reached, also after a restart.",
        params: &[
            CHAT,
            needed("text", "string", "What it says, at most 16 KiB."),
            optional("reply_to", "string", "The message it answers."),
            optional("expires_secs", "integer", "After how many seconds it disappears on all sides."),
            optional("mentions", "array", "In a group: whom it calls by name, as contact_id."),
            optional("mention_all", "boolean", "In a group: whether it calls everybody."),
        ],
        result: "message_id, chat_id, index, sender, text, sent_at, state",
        run: Run::Looked(send),
    },
    Method {
        name: "messages.list",
        summary: "A page of a chat, oldest first: the last messages, or those before one. What happened in a group stands among them, of kind system.",
        params: &[
            CHAT,
            optional("before", "string", "A message_id, or an index as a number."),
            optional("limit", "integer", "How many, 50 if left out, 1,000 at most."),
        ],
        result: "messages: [{message_id, chat_id, index, sender, sender_name, outgoing, kind: text or system, text, system: {type, who, who_name, whom, whom_name, name, role, until, message_id, dropped, text}, reply_to, mentions, mention_all, sent_at, stored_at, expires_at, state, copies: {promised, of, until}, receipts: {delivered, read, of}}]; copies of own messages in direct chats that are not delivered: how many of their mailboxes have promised to keep it, and until when at least; sender_name of others in groups, receipts of own messages in groups of at most 32, system.type is created, added, joined, left, removed, banned, unbanned, role, profile, policy, muted, link_made, link_revoked, pinned, unpinned or deleted; filtered is the word of account.filters for which the message is to be hidden behind a line",
        run: Run::Now(list),
    },
    Method {
        name: "messages.mark_read",
        summary: "Marks everything up to a message as read, and tells its author.",
        params: &[CHAT, needed("message_id", "string", "The last message seen.")],
        result: "ok",
        run: Run::Engine(|params| {
            Ok(Command::MarkRead { chat: params.id("chat_id")?, message: params.id("message_id")? })
        }),
    },
    Method {
        name: "messages.pin",
        summary: "Puts a message of a group where everybody sees it.",
        params: &[CHAT, MESSAGE],
        result: "as groups.info",
        run: Run::Engine(|params| {
            Ok(Command::PinMessage { chat: params.id("chat_id")?, message: params.id("message_id")? })
        }),
    },
    Method {
        name: "messages.unpin",
        summary: "Takes a pinned message away from there.",
        params: &[CHAT, MESSAGE],
        result: "as groups.info",
        run: Run::Engine(|params| {
            Ok(Command::UnpinMessage { chat: params.id("chat_id")?, message: params.id("message_id")? })
        }),
    },
    Method {
        name: "messages.delete_for_all",
        summary: "Deletes a message of a group for everybody.",
        params: &[CHAT, MESSAGE],
        result: "as groups.info",
        run: Run::Engine(|params| {
            Ok(Command::DeleteForAll { chat: params.id("chat_id")?, message: params.id("message_id")? })
        }),
    },
    Method {
        name: "messages.trace",
        summary: "What became of an own message: for each device how far it is, what was tried since the node runs, who confirmed or keeps it until when, and what is tried next and why then.",
        params: &[MESSAGE],
        result: "message_id, chat_id, sent_at, state, summary, devices: [{device_id, state, connected, attempts: [{way, mailbox, end, first_at, last_at, times, until}], delivered_at, read_at, mailboxes: [{mailbox, kept, until}], next: [{at, way, mailbox, why}], words}]",
        run: Run::Now(health::trace),
    },
    Method {
        name: "messages.receipts",
        summary: "How far an own message in a group of at most 32 is with each of the other members, those who have read it first.",
        params: &[MESSAGE],
        result: "receipts: [{contact_id, name, state: queued, sent, stored, delivered or read}]; none for messages of others, in direct chats and in larger groups",
        run: Run::Now(receipts),
    },
];

fn send(handle: &Handle, params: &Params<'_>) -> Result<Command, RpcError> {
    let chat: ChatId = params.id("chat_id")?;
    let text = params.need("text")?;
    let reply_to = params.get("reply_to").map(|_| params.id("reply_to")).transpose()?;
    let expires_secs = params.small("expires_secs")?;
    let mentions: Vec<AccountId> = params.ids("mentions")?;
    let mention_all = params.flag("mention_all")?.unwrap_or(false);
    if mentions.is_empty() && !mention_all {
        return Ok(Command::SendMessage { chat, text, reply_to, expires_secs });
    }
    let found = handle.query(|rows| query::chat(rows, &chat))?;
    match found.ok_or(NodeError::Refused(Refusal::UnknownChat))?.with {
        ChatWith::Contact(_) => Err(RpcError::bad_params("people are called by name in groups only")),
        ChatWith::Group(group) => {
            let group = group.group;
            Ok(Command::SendToGroup { group, text, reply_to, expires_secs, mentions, mention_all })
        }
    }
}

fn list(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let chat: ChatId = params.id("chat_id")?;
    let limit = params.number("limit")?.unwrap_or(50).min(MAX_PAGE);
    let rows = handle.rows()?;
    let before = match params.get("before") {
        None => None,
        Some(Value::Number(_)) => params.number("before")?,
        Some(_) => {
            let id: MessageId = params.id("before")?;
            let message = query::message(&rows, &id).map_err(NodeError::from)?;
            Some(message.ok_or(NodeError::Refused(Refusal::UnknownMessage))?.index)
        }
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = query::timeline(&rows, &chat, before, limit).map_err(NodeError::from)?;
    let own = own_account(&rows)?;
    let names = names(&rows, page.iter().flat_map(|message| people(message, own.as_ref())))?;
    Ok(json!({ "messages": page.iter().map(|message| view(message, &names)).collect::<Vec<_>>() }))
}

fn receipts(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let id: MessageId = params.id("message_id")?;
    let rows = handle.rows()?;
    if query::message(&rows, &id).map_err(NodeError::from)?.is_none() {
        return Err(NodeError::Refused(Refusal::UnknownMessage).into());
    }
    let found = query::receipts(&rows, &id).map_err(NodeError::from)?;
    let names = names(&rows, found.iter().map(|(account, _)| *account))?;
    let receipts = found.iter().map(|(account, state)| {
        let (name, state) = (names.told(account), message_state(*state));
        json!({ "contact_id": account.to_string(), "name": name, "state": state })
    });
    Ok(json!({ "receipts": receipts.collect::<Vec<_>>() }))
}

fn own_account(rows: &dyn Rows) -> Result<Option<AccountId>, NodeError> {
    Ok(query::account(rows)?)
}

/// What these are called.
pub(crate) fn names(rows: &dyn Rows, whom: impl Iterator<Item = AccountId>) -> Result<Names, NodeError> {
    let mut accounts: Vec<AccountId> = whom.collect();
    accounts.sort_unstable();
    accounts.dedup();
    Ok(Names::new(own_account(rows)?, query::names(rows, &accounts)?).with_filters(query::filters(rows)?))
}

/// Whose names a message needs: in a group, that of its author and of whom a line is about.
pub(crate) fn people(view: &MessageView, own: Option<&AccountId>) -> Vec<AccountId> {
    let line = match &view.kind {
        MessageKind::System(line) => Some(line),
        MessageKind::Text | MessageKind::Call(_) => None,
    };
    let direct = || own.is_some_and(|own| ChatId::direct(own, &view.sender) == view.chat);
    if line.is_none() && (view.outgoing || direct()) {
        return Vec::new();
    }
    std::iter::once(view.sender).chain(line.and_then(GroupLine::whom)).collect()
}

/// Whose names a chat in the list needs.
pub(crate) fn people_in_chat(view: &ChatView) -> Vec<AccountId> {
    let Some(last) = view.last.as_ref().filter(|_| view.group().is_some()) else { return Vec::new() };
    let line = match &last.kind {
        MessageKind::System(line) => line.whom(),
        MessageKind::Text | MessageKind::Call(_) => None,
    };
    std::iter::once(last.sender).chain(line).collect()
}

fn kind_word(kind: &MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => "text",
        MessageKind::System(_) => "system",
        MessageKind::Call(_) => "call",
    }
}

fn line_word(line: &GroupLine) -> &'static str {
    match line {
        GroupLine::Created { .. } => "created",
        GroupLine::Added { .. } => "added",
        GroupLine::Joined { .. } => "joined",
        GroupLine::Left => "left",
        GroupLine::Removed { .. } => "removed",
        GroupLine::Banned { .. } => "banned",
        GroupLine::Unbanned { .. } => "unbanned",
        GroupLine::Role { .. } => "role",
        GroupLine::Profile { .. } => "profile",
        GroupLine::Policy => "policy",
        GroupLine::Muted { .. } => "muted",
        GroupLine::LinkMade => "link_made",
        GroupLine::LinkRevoked => "link_revoked",
        GroupLine::Pinned { .. } => "pinned",
        GroupLine::Unpinned { .. } => "unpinned",
        GroupLine::Deleted { .. } => "deleted",
    }
}

/// How many mailboxes keep a message by promises that hold, and when the first of them ends.
pub(crate) fn copies(copies: &Copies, now: Timestamp) -> Value {
    let held = copies.held(now);
    json!({
        "promised": held.map_or(0, |(number, _)| number),
        "of": copies.of,
        "until": held.map(|(_, until)| rfc3339(until)),
    })
}

/// Something that happened in a group, as data and as a sentence.
fn system(kind: &MessageKind, who: &AccountId, at: Timestamp, names: &Names) -> Option<Value> {
    let MessageKind::System(line) = kind else { return None };
    let mut body = json!({
        "type": line_word(line),
        "who": who.to_string(),
        "who_name": names.told(who),
        "text": sentence(line, who, at, names),
    });
    let mut put = |name: &str, value: Value| {
        if let Some(fields) = body.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
    };
    if let Some(whom) = line.whom() {
        put("whom", Value::from(whom.to_string()));
        put("whom_name", Value::from(names.told(&whom)));
    }
    match line {
        GroupLine::Created { name } | GroupLine::Profile { name } => put("name", Value::from(name.as_str())),
        GroupLine::Role { role, .. } => put("role", Value::from(role_word(*role))),
        GroupLine::Muted { until, .. } => put("until", Value::from(rfc3339(*until))),
        GroupLine::Removed { dropped, .. } | GroupLine::Banned { dropped, .. } => {
            put("dropped", Value::from(*dropped));
        }
        GroupLine::Pinned { message } | GroupLine::Unpinned { message } | GroupLine::Deleted { message } => {
            put("message_id", Value::from(message.to_string()));
        }
        _ => {}
    }
    Some(body)
}

/// A call that is over, as data and as a sentence.
fn over(kind: &MessageKind, outgoing: bool) -> Option<Value> {
    let MessageKind::Call(line) = kind else { return None };
    Some(json!({
        "call_id": line.call.to_string(),
        "video": line.video,
        "end": line.end.code(),
        "talked_secs": line.talked.0 / 1_000,
        "text": call_sentence(line, outgoing),
    }))
}

/// A message. `names` holds those of [`people`].
pub(crate) fn view(view: &MessageView, names: &Names) -> Value {
    json!({
        "message_id": view.message.to_string(),
        "chat_id": view.chat.to_string(),
        "index": view.index,
        "sender": view.sender.to_string(),
        "sender_name": names.told(&view.sender),
        "outgoing": view.outgoing,
        "kind": kind_word(&view.kind),
        "text": view.text,
        "filtered": names.filtered(&view.text).filter(|_| !view.outgoing),
        "system": system(&view.kind, &view.sender, view.sent_at, names),
        "call": over(&view.kind, view.outgoing),
        "reply_to": view.reply_to.map(|id| id.to_string()),
        "mentions": view.mentions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "mention_all": view.mentions_all,
        "sent_at": rfc3339(view.sent_at),
        "stored_at": rfc3339(view.stored_at),
        "expires_at": view.expires_at.map(rfc3339),
        "state": message_state(view.state),
        "copies": view.copies.as_ref().map(|held| copies(held, Clock::default().now())),
        "receipts": view.receipts.map(|receipts| json!({
            "delivered": receipts.delivered,
            "read": receipts.read,
            "of": receipts.of,
        })),
    })
}

/// A chat in the list. `names` holds those of [`people_in_chat`].
pub(crate) fn chat(view: &ChatView, names: &Names) -> Value {
    let group = view.group();
    json!({
        "chat_id": view.chat.to_string(),
        // Not “type”: that is the event's, where a chat stands in one.
        "kind": if group.is_some() { "group" } else { "direct" },
        "contact_id": view.contact().map(|contact| contact.to_string()),
        "group_id": group.map(|group| group.group.to_string()),
        "members": group.map(|group| group.members),
        "role": group.and_then(|group| group.role).map(role_word),
        "state": group.map(|group| state_word(group.state)),
        "name": view.name,
        "unread": view.unread,
        "active_at": rfc3339(view.active_at),
        "draft": view.draft,
        "last": view.last.as_ref().map(|last| json!({
            "message_id": last.message.to_string(),
            "sender": last.sender.to_string(),
            "sender_name": names.told(&last.sender),
            "outgoing": last.outgoing,
            "kind": kind_word(&last.kind),
            "text": last.text,
            "filtered": names.filtered(&last.text).filter(|_| !last.outgoing),
            "system": system(&last.kind, &last.sender, last.sent_at, names),
            "call": over(&last.kind, last.outgoing),
            "sent_at": rfc3339(last.sent_at),
            "state": message_state(last.state),
        })),
    })
}
