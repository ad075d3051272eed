//! The methods about calls: placing and taking them, what is sent, which devices are used, what was measured.

use std::path::PathBuf;

use kith_calls::Kind;
use kith_calls::device::choice;
use kith_calls::device::choice::Direction;
use kith_calls::device::choice::FoundPicture;
use kith_calls::device::choice::Use;
use kith_calls::stats::LegStats;
use kith_calls::stats::SpeechStats;
use kith_calls::stats::TrackStats;
use kith_engine::Command;
use kith_engine::command::MediaChange;
use kith_engine::command::Refusal;
use kith_engine::query;
use kith_engine::view::CallState;
use kith_engine::view::CallView;
use kith_engine::view::GroupCallState;
use kith_engine::view::GroupCallView;
use kith_engine::view::HideAddress;
use kith_engine::view::InCallView;
use kith_engine::view::MessageKind;
use kith_proto::call::Media;
use kith_proto::call::media::PathState;
use kith_proto::id::CallId;
use kith_proto::id::MessageId;
use serde_json::Value;
use serde_json::json;

use crate::calling::devices::Choices;
use crate::error::NodeError;
use crate::handle::Handle;
use crate::rpc::errors::RpcError;
use crate::rpc::messages;
use crate::rpc::methods::CHAT;
use crate::rpc::methods::CONTACT;
use crate::rpc::methods::Method;
use crate::rpc::methods::Param;
use crate::rpc::methods::Params;
use crate::rpc::methods::Run;
use crate::rpc::methods::needed;
use crate::rpc::methods::optional;
use crate::time::rfc3339;

const CALL: Param = needed("call_id", "string", "The call.");

/// Calls that are told at once unless asked otherwise, and at most.
const USUAL_CALLS: u32 = 50;
const MOST_CALLS: u32 = 1_000;

/// The methods of this file.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "calls.start",
        summary: "Calls the contact of a chat, on all their devices; answers, if they are calling. In the chat of a group: begins a call, or comes into the one that goes on. What becomes of it is told by “call.state”.",
        params: &[
            CHAT,
            optional("audio", "boolean", "Whether the own voice is sent; true unless said."),
            optional("video", "boolean", "Whether the own camera is, too; false unless said."),
        ],
        result: "a call: call_id, chat_id, contact_id, outgoing, state (calling, ringing, incoming, connecting, live, reconnecting, ended), end, end_text, begun_at, talking_since, own and theirs ({microphone, camera, screen, hold, recording}), lacking ({microphone, camera, screen}: wanted, but there is no such device), relayed, address_hidden. In a group instead a group call: call_id, chat_id, group_id, state (incoming: it rings here; ongoing: without this device; waiting: alone in it; connecting, live, reconnecting, ended), end, end_text, begun_at, talking_since, own, lacking, hand, muted_by, forwarder (the device through which all are connected; none while each talks with each), people: [{contact_id, device_id, media, hand, connected}]",
        run: Run::Engine(|params| {
            Ok(Command::StartCall { chat: params.id("chat_id")?, media: first(params)? })
        }),
    },
    Method {
        name: "calls.accept",
        summary: "Answers a call that rings here, or comes into a call that goes on in a group.",
        params: &[
            CALL,
            optional("audio", "boolean", "Whether the own voice is sent; true unless said."),
            optional("video", "boolean", "Whether the own camera is, too; false unless said."),
        ],
        result: "a call, as calls.start",
        run: Run::Engine(|params| {
            Ok(Command::AcceptCall { call: params.id("call_id")?, media: first(params)? })
        }),
    },
    Method {
        name: "calls.join",
        summary: "Comes into a call that goes on in a group; the same as calls.accept.",
        params: &[
            CALL,
            optional("audio", "boolean", "Whether the own voice is sent; true unless said."),
            optional("video", "boolean", "Whether the own camera is, too; false unless said."),
        ],
        result: "a group call, as calls.start",
        run: Run::Engine(|params| {
            Ok(Command::AcceptCall { call: params.id("call_id")?, media: first(params)? })
        }),
    },
    Method {
        name: "calls.raise_hand",
        summary: "Raises the own hand in a call of a group, or takes it down; the others see it.",
        params: &[CALL, optional("raised", "boolean", "Whether it is raised; true unless said.")],
        result: "a group call, as calls.start",
        run: Run::Engine(|params| {
            let raised = params.flag("raised")?.unwrap_or(true);
            Ok(Command::RaiseHand { call: params.id("call_id")?, raised })
        }),
    },
    Method {
        name: "calls.mute_member",
        summary: "Asks somebody in a call of a group to mute themselves, which their device does; only for moderators and those above them. They may speak again when they want to.",
        params: &[CALL, CONTACT],
        result: "a group call, as calls.start",
        run: Run::Engine(|params| {
            Ok(Command::MuteInCall { call: params.id("call_id")?, account: params.id(CONTACT.name)? })
        }),
    },
    Method {
        name: "calls.hang_up",
        summary: "Ends a call: declines one that rings here, cancels one that rings there, hangs up. A call of a group is left, and goes on for the others.",
        params: &[CALL],
        result: "a call, as calls.start",
        run: Run::Engine(|params| Ok(Command::HangUp { call: params.id("call_id")? })),
    },
    Method {
        name: "calls.set_media",
        summary: "Sends something else from now on. What is left out stays as it is.",
        params: &[
            CALL,
            optional("microphone", "boolean", "Whether the own voice is sent."),
            optional("camera", "boolean", "Whether the own picture is."),
            optional("screen", "boolean", "Whether the own screen is."),
            optional("hold", "boolean", "Whether the call is on hold: nothing is sent or played."),
            optional("recording", "boolean", "Whether the others are told that the call is recorded."),
        ],
        result: "a call, as calls.start",
        run: Run::Engine(|params| {
            params.need_one_of(&["microphone", "camera", "screen", "hold", "recording"])?;
            let change = MediaChange {
                microphone: params.flag("microphone")?,
                camera: params.flag("camera")?,
                screen: params.flag("screen")?,
                hold: params.flag("hold")?,
                recording: params.flag("recording")?,
            };
            Ok(Command::SetCallMedia { call: params.id("call_id")?, change })
        }),
    },
    Method {
        name: "calls.current",
        summary: "The call that this device is in or that rings here, if there is one, and the calls that go on in groups.",
        params: &[],
        result: "calls: [a call, as calls.start], group_calls: [a group call, as calls.start]",
        run: Run::Now(|handle, _| {
            let overview = handle.overview();
            let calls: Vec<Value> = overview.calls.iter().map(call).collect();
            let group_calls: Vec<Value> = overview.group_calls.iter().map(group_call).collect();
            Ok(json!({ "calls": calls, "group_calls": group_calls }))
        }),
    },
    Method {
        name: "calls.list",
        summary: "Calls that are over, in all chats, the newest first, as the lines of their chats.",
        params: &[
            optional("limit", "integer", "At most how many; 50 unless said, 1000 at most."),
            optional("before", "string", "Only those before the call of this call_id, for the next page."),
        ],
        result: "calls: [a message, as messages.list, with call]",
        run: Run::Now(list),
    },
    Method {
        name: "calls.stats",
        summary: "What is measured in a call, for people who ask why and for tests.",
        params: &[CALL],
        result: "call (as calls.start), microphone_level, legs: [{device_id, path, relayed, rtt_ms, target_bps, loss, sent_again, repaired, lost, speech: {held_ms, decoded, repaired, made_up, level}, tracks: [{kind, codec, packets_sent, bytes_sent, packets, bytes, frames, width, height}]}]",
        run: Run::Now(stats),
    },
    Method {
        name: "calls.devices",
        summary: "The devices for sound and pictures that are there, screens and windows among them, and which of them calls use.",
        params: &[],
        result: "devices: [{kind (microphone, speaker, camera, screen), name, word (for calls.choose), default}], chosen: {microphone, speaker, camera, screen, recording}",
        run: Run::Now(|handle, _| devices(handle)),
    },
    Method {
        name: "calls.choose",
        summary: "Chooses devices for this and later calls. “default” is the system's own choice, “device:…” one of calls.devices; the others are for bots and tests. What is left out stays as it is.",
        params: &[
            optional(
                "microphone",
                "string",
                "default, device:…, silence, marks, tone:HERTZ, wav:PATH (over and over).",
            ),
            optional(
                "speaker",
                "string",
                "default, device:…, none, wav:PATH (with a number when there is one).",
            ),
            optional(
                "camera",
                "string",
                "default, device:…, none, pattern, pattern:WIDTHxHEIGHT, file:PATH (Y4M or IVF, over and over).",
            ),
            optional(
                "screen",
                "string",
                "default (the first monitor), monitor:…, window:…, or as for the camera.",
            ),
            optional(
                "recording",
                "string",
                "A file for pictures of others, PATH.y4m: -camera or -screen is put before its end, and a number when there is one; empty for none.",
            ),
        ],
        result: "as calls.devices",
        run: Run::Now(choose),
    },
    Method {
        name: "calls.test",
        summary: "A call to oneself: what the microphone hears comes out of the speaker two seconds later, as others would hear it. A call with somebody ends it, and so does a quarter of an hour.",
        params: &[optional("enabled", "boolean", "Begin or end; left out to look how it goes.")],
        result: "running, microphone_level, lacking: {microphone, speaker}",
        run: Run::Now(test),
    },
    Method {
        name: "calls.settings",
        summary: "Whose calls go through relays alone, so that sound and pictures do not tell them the own network address.",
        params: &[],
        result: "hide_address (nobody, unverified, everybody), contacts: [{contact_id, hide_address}]",
        run: Run::Now(settings),
    },
    Method {
        name: "calls.hide_address",
        summary: "Says whose calls go through relays alone, so that sound and pictures do not tell them the own network address; it holds from the next call on. It does not hide the connection for messages: devices of contacts are dialled directly, and these learn the address. Such calls need a community node that passes calls on; network.doctor says whether one does.",
        params: &[
            optional(
                "from",
                "string",
                "nobody, unverified (people whose safety number was not compared, unless their device is connected to this one without a relay: it has the address then), or everybody; for all for whom nothing else is said.",
            ),
            optional("contact_id", "string", "One contact instead."),
            optional("hide", "boolean", "For that contact: whether; left out for what holds for all."),
        ],
        result: "ok",
        run: Run::Engine(hide),
    },
];

/// What is sent from the first moment on.
fn first(params: &Params<'_>) -> Result<Media, RpcError> {
    let microphone = params.flag("audio")?.unwrap_or(true);
    Ok(Media { microphone, camera: params.flag("video")?.unwrap_or(false), ..Media::default() })
}

fn list(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let limit = params.small("limit")?.unwrap_or(USUAL_CALLS).min(MOST_CALLS);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let rows = handle.rows()?;
    let before = match params.get("before") {
        None => None,
        Some(_) => {
            let call: CallId = params.id("before")?;
            // The line of a call bears its name.
            let line = query::message(&rows, &MessageId(call.0)).map_err(NodeError::from)?;
            let line = line.filter(|line| matches!(line.kind, MessageKind::Call(_)));
            Some((line.ok_or(NodeError::Refused(Refusal::UnknownCall))?.sent_at, call))
        }
    };
    let calls = query::calls(&rows, before, limit).map_err(NodeError::from)?;
    let names = messages::names(&rows, calls.iter().flat_map(|view| messages::people(view, None)))?;
    Ok(json!({ "calls": calls.iter().map(|view| messages::view(view, &names)).collect::<Vec<_>>() }))
}

fn stats(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let id: CallId = params.id("call_id")?;
    let overview = handle.overview();
    let one = overview.calls.iter().find(|view| view.call == id).map(call);
    let group = || overview.group_calls.iter().find(|view| view.call == id).map(group_call);
    let view = one.or_else(group).ok_or(NodeError::Refused(Refusal::UnknownCall))?;
    let measured = handle.call_stats()?;
    let legs: Vec<Value> = measured.legs.iter().filter(|leg| leg.leg.call == id).map(leg).collect();
    let heard: Vec<Value> = measured
        .heard
        .iter()
        .map(|(device, stats)| json!({ "device_id": device.to_string(), "speech": speech(stats) }))
        .collect();
    let level = measured.microphone_level;
    Ok(json!({ "call": view, "microphone_level": level, "legs": legs, "heard": heard }))
}

fn leg(stats: &LegStats) -> Value {
    let path = stats.path.map(|path| match path {
        PathState::Connected => "connected",
        PathState::Interrupted => "interrupted",
        PathState::Failed => "failed",
    });
    json!({
        "device_id": stats.leg.device.to_string(),
        "path": path,
        "relayed": stats.relayed,
        "rtt_ms": u64::try_from(stats.round_trip.as_millis()).unwrap_or(u64::MAX),
        "target_bps": stats.target.bps(),
        "loss": stats.loss,
        "sent_again": stats.sent_again,
        "repaired": stats.repaired,
        "lost": stats.lost,
        "speech": speech(&stats.speech),
        "tracks": stats.tracks.iter().map(track).collect::<Vec<_>>(),
    })
}

fn speech(stats: &SpeechStats) -> Value {
    json!({
        "held_ms": stats.held_millis,
        "decoded": stats.decoded,
        "repaired": stats.repaired,
        "made_up": stats.made_up,
        "level": stats.level,
    })
}

fn track(stats: &TrackStats) -> Value {
    json!({
        "kind": stats.kind.name(),
        "codec": stats.codec,
        "packets_sent": stats.sent_packets,
        "bytes_sent": stats.sent_bytes,
        "packets": stats.came_packets,
        "bytes": stats.came_bytes,
        "frames": stats.shown,
        "width": stats.size.0,
        "height": stats.size.1,
    })
}

fn devices(handle: &Handle) -> Result<Value, RpcError> {
    let Choices { devices, recording } = handle.call_devices()?;
    let sound = choice::list().into_iter().map(|found| {
        let kind = if found.direction == Direction::In { "microphone" } else { "speaker" };
        (kind, found.name, format!("device:{}", found.id), found.is_default)
    });
    let pictures = [Kind::Camera, Kind::Screen].into_iter().flat_map(|kind| {
        let named = move |found: FoundPicture| (kind.name(), found.name, found.word, found.is_default);
        choice::list_pictures(kind).into_iter().map(named)
    });
    let found: Vec<Value> = sound
        .chain(pictures)
        .map(|(kind, name, word, is_default)| {
            json!({ "kind": kind, "name": name, "word": word, "default": is_default })
        })
        .collect();
    Ok(json!({
        "devices": found,
        "chosen": {
            "microphone": devices.microphone,
            "speaker": devices.speaker,
            "camera": devices.camera,
            "screen": devices.screen,
            "recording": recording,
        },
    }))
}

fn choose(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    params.need_one_of(&["microphone", "speaker", "camera", "screen", "recording"])?;
    let mut choices = handle.call_devices()?;
    for (name, of) in [
        ("microphone", Use::Microphone),
        ("speaker", Use::Speaker),
        ("camera", Use::Camera),
        ("screen", Use::Screen),
    ] {
        if let Some(word) = params.text(name)? {
            let wrong = |error| RpcError::bad_params(format!("“{name}”: {error}"));
            choices.devices.set(of, &word).map_err(wrong)?;
        }
    }
    if let Some(path) = params.text("recording")? {
        choices.recording = (!path.is_empty()).then(|| PathBuf::from(path));
        if choices.recording.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err(RpcError::bad_params(
                "“recording” has to be a whole path, from the root on".to_owned(),
            ));
        }
    }
    handle.choose_call_devices(choices)?;
    devices(handle)
}

fn test(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    if let Some(enabled) = params.flag("enabled")? {
        handle.rehearse(enabled)?;
    }
    let running = handle.rehearsed()?;
    let now = running.unwrap_or_default();
    Ok(json!({
        "running": running.is_some(),
        "microphone_level": now.microphone_level,
        "lacking": { "microphone": now.lacks_microphone, "speaker": now.lacks_speaker },
    }))
}

fn settings(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let settings = handle.query(query::call_settings)?;
    let contacts: Vec<Value> = settings
        .contacts
        .iter()
        .map(|(contact, hide)| json!({ "contact_id": contact.to_string(), "hide_address": hide }))
        .collect();
    let word = HIDE.iter().find(|(_, from)| *from == settings.hide_address).map(|(word, _)| *word);
    Ok(json!({ "hide_address": word, "contacts": contacts }))
}

const HIDE: [(&str, HideAddress); 3] = [
    ("nobody", HideAddress::Nobody),
    ("unverified", HideAddress::Unverified),
    ("everybody", HideAddress::Everybody),
];

fn hide(params: &Params<'_>) -> Result<Command, RpcError> {
    match (params.text("from")?, params.get(CONTACT.name)) {
        (None, Some(_)) => {
            Ok(Command::HideAddressFrom { contact: params.id(CONTACT.name)?, hide: params.flag("hide")? })
        }
        (Some(word), None) => {
            let found = HIDE.iter().find(|(known, _)| *known == word);
            let (_, from) = found.ok_or_else(|| Params::wrong("from", "nobody, unverified or everybody"))?;
            Ok(Command::HideAddress { from: *from })
        }
        _ => Err(RpcError::bad_params("either “from” or “contact_id” is needed".to_owned())),
    }
}

fn media(media: Media) -> Value {
    json!({
        "microphone": media.microphone,
        "camera": media.camera,
        "screen": media.screen,
        "hold": media.hold,
        "recording": media.recording,
    })
}

fn lacking(of: Media) -> Value {
    json!({ "microphone": of.microphone, "camera": of.camera, "screen": of.screen })
}

/// A call of a group, while it goes on and when it just ended.
pub(crate) fn group_call(view: &GroupCallView) -> Value {
    let (state, end) = match view.state {
        GroupCallState::Ringing => ("incoming", None),
        GroupCallState::Ongoing => ("ongoing", None),
        GroupCallState::Waiting => ("waiting", None),
        GroupCallState::Connecting => ("connecting", None),
        GroupCallState::Live => ("live", None),
        GroupCallState::Reconnecting => ("reconnecting", None),
        GroupCallState::Ended(end) => ("ended", Some(end)),
    };
    let person = |person: &InCallView| {
        json!({
            "contact_id": person.account.to_string(),
            "device_id": person.device.to_string(),
            "media": media(person.media),
            "hand": person.hand,
            "connected": person.connected,
        })
    };
    json!({
        "call_id": view.call.to_string(),
        "chat_id": view.chat.to_string(),
        "group_id": view.group.to_string(),
        "state": state,
        "end": end.map(|end| end.code()),
        "end_text": end.map(|end| end.to_string()),
        "begun_at": rfc3339(view.begun),
        "talking_since": view.talking_since.map(rfc3339),
        "own": media(view.own),
        "lacking": lacking(view.lacking),
        "hand": view.hand,
        "muted_by": view.muted_by.map(|account| account.to_string()),
        "forwarder": view.forwarder.map(|device| device.to_string()),
        "people": view.people.iter().map(person).collect::<Vec<_>>(),
    })
}

/// A call, while it lasts and when it just ended.
pub(crate) fn call(view: &CallView) -> Value {
    let (state, end) = match view.state {
        CallState::Calling => ("calling", None),
        CallState::Ringing => ("ringing", None),
        CallState::Incoming => ("incoming", None),
        CallState::Connecting => ("connecting", None),
        CallState::Live => ("live", None),
        CallState::Reconnecting => ("reconnecting", None),
        CallState::Ended(end) => ("ended", Some(end)),
    };
    json!({
        "call_id": view.call.to_string(),
        "chat_id": view.chat.to_string(),
        "contact_id": view.contact.to_string(),
        "outgoing": view.outgoing,
        "state": state,
        "end": end.map(|end| end.code()),
        "end_text": end.map(|end| end.to_string()),
        "begun_at": rfc3339(view.begun),
        "talking_since": view.talking_since.map(rfc3339),
        "own": media(view.own),
        "lacking": lacking(view.lacking),
        "theirs": media(view.theirs),
        "relayed": view.relayed,
        "address_hidden": view.address_hidden,
    })
}
