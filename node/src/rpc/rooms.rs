//! The methods about public rooms in directories, and about what the owner of this device does not want to read or hear.

use kith_engine::Command;
use kith_engine::command::Refusal;
use kith_engine::query;
use kith_engine::view::ContactState;
use kith_engine::view::RoomView;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use serde_json::Value;
use serde_json::json;

use crate::blocks;
use crate::error::NodeError;
use crate::handle::Handle;
use crate::rpc::errors::RpcError;
use crate::rpc::methods::CHAT;
use crate::rpc::methods::Method;
use crate::rpc::methods::Param;
use crate::rpc::methods::Params;
use crate::rpc::methods::Run;
use crate::rpc::methods::needed;
use crate::rpc::methods::optional;
use crate::time::rfc3339;

const DIRECTORY: Param = needed("chat_id", "string", "The chat of the directory.");
const ROOM: Param = needed("room_chat_id", "string", "The chat of the room.");

/// The methods of this file.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "rooms.list",
        summary: "Public rooms that members list in the directories which this account is in, the newest first; nobody is asked for it. “rooms.changed” tells when there are others.",
        params: &[
            optional("query", "string", "Words that all stand in the name, topic, language or tags."),
            optional("directory", "string", "The chat_id of one directory; all of them if left out."),
        ],
        result: "rooms: [{chat_id (of the directory), room_id, room_chat_id, name, topic, language, tags, link, listed_by, listed_at, message_id (for messages.delete_for_all), joined}]",
        run: Run::Now(list),
    },
    Method {
        name: "rooms.publish",
        summary: "Lists a public room, with its name, topic and link as they are now, in a directory; the last word of each member about a room counts.",
        params: &[
            DIRECTORY,
            ROOM,
            optional("language", "string", "The language that is spoken there, like de or pt-BR."),
            optional("tags", "array", "At most eight words by which it is found."),
        ],
        result: "ok",
        run: Run::Looked(|handle, params| {
            let (directory, room) = both(handle, params)?;
            let language = params.text("language")?.unwrap_or_default();
            Ok(Command::PublishRoom { directory, room, language, tags: params.ids("tags")? })
        }),
    },
    Method {
        name: "rooms.unpublish",
        summary: "Takes back what this account said of a room in a directory.",
        params: &[DIRECTORY, ROOM],
        result: "ok",
        run: Run::Looked(|handle, params| {
            let (directory, room) = both(handle, params)?;
            Ok(Command::UnpublishRoom { directory, room })
        }),
    },
    Method {
        name: "groups.report",
        summary: "Tells those who keep order in a group of a message, privately, with the message as its author signed it. They see it as reports in groups.info.",
        params: &[
            CHAT,
            needed("message_id", "string", "The message."),
            optional("reason", "string", "Why, at most 512 bytes."),
        ],
        result: "ok",
        run: Run::Engine(|params| {
            let (chat, message) = (params.id("chat_id")?, params.id("message_id")?);
            let reason = params.text("reason")?.unwrap_or_default();
            Ok(Command::ReportMessage { chat, message, reason })
        }),
    },
    Method {
        name: "groups.dismiss_report",
        summary: "Forgets a report on this device. One about a message that is deleted for everybody goes by itself.",
        params: &[
            CHAT,
            needed("message_id", "string", "Which message was reported."),
            needed("contact_id", "string", "By whom."),
        ],
        result: "as groups.info",
        run: Run::Looked(|handle, params| {
            let (group, by) = (group_of(handle, &params.id("chat_id")?)?, params.id("contact_id")?);
            Ok(Command::DismissReport { group, by, message: params.id("message_id")? })
        }),
    },
    Method {
        name: "account.filters",
        summary: "The words that the owner of this device does not want to read. A message that has one, as a whole word and in any case, has it as “filtered”, so that it can be hidden behind a line; it is not deleted.",
        params: &[],
        result: "filters: [text]",
        run: Run::Now(|handle, _| Ok(json!({ "filters": handle.query(query::filters)? }))),
    },
    Method {
        name: "account.set_filters",
        summary: "Names the words that the owner of this device does not want to read.",
        params: &[needed("filters", "array", "All of them, at most 256; none to read everything.")],
        result: "ok",
        run: Run::Engine(|params| Ok(Command::SetFilters { filters: params.ids("filters")? })),
    },
    Method {
        name: "contacts.export_blocks",
        summary: "The list of those who are blocked, as a text to give to others.",
        params: &[],
        result: "text, count",
        run: Run::Now(export_blocks),
    },
    Method {
        name: "contacts.import_blocks",
        summary: "Blocks everybody on a list that somebody else made, known or not.",
        params: &[needed("text", "string", "The list, as contacts.export_blocks tells it.")],
        result: "ok",
        run: Run::Engine(|params| {
            let accounts = blocks::read(&params.need("text")?).map_err(RpcError::bad_params)?;
            Ok(Command::BlockAll { accounts })
        }),
    },
];

fn group_of(handle: &Handle, chat: &ChatId) -> Result<GroupId, RpcError> {
    let found = handle.query(|rows| query::chat(rows, chat))?;
    let group = found.as_ref().and_then(|chat| chat.group());
    Ok(group.ok_or(NodeError::Refused(Refusal::UnknownGroup))?.group)
}

/// The directory and the room that a request means.
fn both(handle: &Handle, params: &Params<'_>) -> Result<(GroupId, GroupId), RpcError> {
    let directory = group_of(handle, &params.id("chat_id")?)?;
    Ok((directory, group_of(handle, &params.id("room_chat_id")?)?))
}

fn list(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let directory = match params.get("directory") {
        Some(_) => Some(group_of(handle, &params.id("directory")?)?),
        None => None,
    };
    let words = params.text("query")?.unwrap_or_default();
    let rooms = handle.query(|rows| query::rooms(rows, &words, directory.as_ref()))?;
    let mut listed = Vec::with_capacity(rooms.len());
    for room in &rooms {
        let chat = handle.query(|rows| query::chat(rows, &ChatId::group(&room.room)))?;
        let joined = chat.as_ref().and_then(|chat| chat.group()).is_some_and(|group| group.role.is_some());
        listed.push(view(room, joined));
    }
    Ok(json!({ "rooms": listed }))
}

fn view(room: &RoomView, joined: bool) -> Value {
    json!({
        "chat_id": ChatId::group(&room.directory).to_string(),
        "room_id": room.room.to_string(),
        "room_chat_id": ChatId::group(&room.room).to_string(),
        "name": room.name,
        "topic": room.topic,
        "language": room.language,
        "tags": room.tags,
        "link": room.link.to_string(),
        "listed_by": room.listed_by.to_string(),
        "listed_at": rfc3339(room.listed_at),
        "message_id": room.message.to_string(),
        "joined": joined,
    })
}

fn export_blocks(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let contacts = handle.query(query::contacts)?;
    let blocked = contacts.iter().filter(|view| view.state == ContactState::Blocked);
    let accounts: Vec<AccountId> = blocked.map(|view| view.contact).collect();
    Ok(json!({ "text": blocks::written(&accounts), "count": accounts.len() }))
}
