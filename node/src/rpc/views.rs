//! The engine's views and events as JSON: ids are strings, times are RFC 3339, sizes are bytes.

use kith_engine::Event;
use kith_engine::Overview;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::MessageState;
use kith_engine::view::Nat;
use kith_engine::view::NetworkView;
use kith_engine::view::ProfileView;
use kith_net::address;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::MessageId;
use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::lines::Names;
use crate::rpc::calls;
use crate::rpc::groups;
use crate::rpc::mailboxes;
use crate::rpc::messages;
use crate::time::rfc3339;

/// The word for a message's state.
pub(crate) fn message_state(state: MessageState) -> &'static str {
    match state {
        MessageState::Queued => "queued",
        MessageState::Sent => "sent",
        MessageState::Stored => "stored",
        MessageState::Delivered => "delivered",
        MessageState::Read => "read",
        MessageState::Failed => "failed",
    }
}

/// The word for a contact's state.
pub(crate) fn contact_state(state: ContactState) -> &'static str {
    match state {
        ContactState::Requested => "requested",
        ContactState::Incoming => "incoming",
        ContactState::Accepted => "accepted",
        ContactState::Blocked => "blocked",
    }
}

pub(crate) fn profile(view: &ProfileView) -> Value {
    json!({
        "account_id": view.account.to_string(),
        "device_id": view.device.to_string(),
        "name": view.name,
        "status": view.status,
    })
}

pub(crate) fn contact(view: &ContactView, overview: &Overview) -> Value {
    json!({
        "contact_id": view.contact.to_string(),
        "chat_id": view.chat.to_string(),
        "name": view.name,
        "status": view.status,
        "greeting": view.greeting,
        "state": contact_state(view.state),
        "verified": view.verified,
        "stranger": view.stranger,
        "by_address": view.by_address,
        "refused": view.refused,
        "mailboxes": view.mailboxes,
        "online": view.online || overview.online.contains(&view.contact),
        "path": path(view, overview),
        "since": rfc3339(view.since),
    })
}

/// How a contact is reached, if it is.
fn path(view: &ContactView, overview: &Overview) -> Option<&'static str> {
    if overview.relayed.contains(&view.contact) {
        return Some("relayed");
    }
    overview.online.contains(&view.contact).then_some("direct")
}

pub(crate) fn network(view: &NetworkView, device: Option<&DeviceId>) -> Value {
    let listen: Vec<String> = view.listen.iter().map(|own| address::text(own, device)).collect();
    let external: Vec<&String> = view
        .listen
        .iter()
        .zip(&listen)
        .filter(|(own, _)| address::reach(own) == address::Reach::Global)
        .map(|(_, text)| text)
        .collect();
    let lent = view.listen.iter().filter(|own| address::reach(own) == address::Reach::Relayed);
    let relays: Vec<String> = lent.map(|own| address::text(own, device)).collect();
    json!({
        "peer_id": device.map(ToString::to_string),
        "listen": listen,
        "external": external,
        "relays": relays,
        "peers": view.peers,
        "dht_peers": view.dht_peers,
        "contacts_online": view.contacts_online,
        "bootstraps": view.bootstraps,
        "bootstraps_named": view.bootstraps_named,
        "bootstraps_connected": view.bootstraps_connected,
        "nat": match view.nat {
            Nat::Unknown => "unknown",
            Nat::Public => "public",
            Nat::Private => "private",
        },
        "mailboxes": view.mailboxes.iter().map(mailboxes::own).collect::<Vec<_>>(),
    })
}

/// An event's parameters with its `type`; `None` for events that are answers.
pub(crate) fn event(
    event: &Event,
    overview: &Overview,
    device: Option<&DeviceId>,
    names: &Names,
) -> Option<Value> {
    let place = |chat: &ChatId, message: &MessageId| json!({ "chat_id": chat.to_string(), "message_id": message.to_string() });
    let (kind, mut body) = match event {
        Event::Answered { .. } => return None,
        Event::MessageReceived(view) => ("message.received", messages::view(view, names)),
        Event::MessageWritten(view) => ("message.written", messages::view(view, names)),
        Event::MessageState { chat, message, state } => (
            "message.state",
            json!({
                "chat_id": chat.to_string(),
                "message_id": message.to_string(),
                "state": message_state(*state),
            }),
        ),
        Event::MessageCopies { chat, message, copies } => (
            "message.copies",
            json!({
                "chat_id": chat.to_string(),
                "message_id": message.to_string(),
                "copies": messages::copies(copies, Clock::default().now()),
            }),
        ),
        Event::MessageExpired { chat, message } => ("message.expired", place(chat, message)),
        Event::MessageReceipts { chat, message, receipts } => (
            "message.receipts",
            json!({
                "chat_id": chat.to_string(),
                "message_id": message.to_string(),
                "delivered": receipts.delivered,
                "read": receipts.read,
                "of": receipts.of,
            }),
        ),
        Event::MessageDeleted { chat, message } => ("message.deleted", place(chat, message)),
        Event::GroupChanged(view) => ("group.changed", groups::view(view, overview)),
        Event::GroupForgotten { group, chat } => {
            ("group.forgotten", json!({ "group_id": group.to_string(), "chat_id": chat.to_string() }))
        }
        Event::RoomsChanged { directory } => {
            ("rooms.changed", json!({ "chat_id": ChatId::group(directory).to_string() }))
        }
        Event::CallIncoming(view) => ("call.incoming", calls::call(view)),
        Event::CallChanged(view) => ("call.state", calls::call(view)),
        Event::GroupCallIncoming(view) => ("call.incoming", calls::group_call(view)),
        Event::GroupCallChanged(view) => ("call.state", calls::group_call(view)),
        Event::ContactRequested(view) => ("contact.request", contact(view, overview)),
        Event::ContactChanged(view) => ("contact.state", contact(view, overview)),
        Event::ContactRemoved { contact, chat } => {
            ("contact.removed", json!({ "contact_id": contact.to_string(), "chat_id": chat.to_string() }))
        }
        Event::ChatChanged(view) => ("chat.changed", messages::chat(view, names)),
        Event::ProfileChanged(view) => ("account.changed", profile(view)),
        Event::NetworkChanged(view) => ("network.changed", network(view, device)),
    };
    if let Some(fields) = body.as_object_mut() {
        fields.insert("type".to_owned(), Value::from(kind));
    }
    Some(body)
}
