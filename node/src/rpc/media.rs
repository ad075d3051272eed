//! The methods with which a client carries calls instead of this node: a page in a browser, or a program with a stack of its own for
//! media. The node rings, answers and signals; the client has the connections, as WebRTC makes them.
//!
//! ```text
//!  node ── event media.order ──▶ client      open, describe, candidates, allow_direct, restart, send, close
//!  node ◀── media.… ──────────── client      described, gathered, path, failed
//! ```
//!
//! What each order means, and what a client has to keep, stands in `node/MEDIA.md`.

use kith_proto::bounded::BoundedVec;
use kith_proto::call::Candidate;
use kith_proto::call::Capabilities;
use kith_proto::call::MAX_CANDIDATES;
use kith_proto::call::MAX_SDP_BYTES;
use kith_proto::call::Media;
use kith_proto::call::Sdp;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::Opening;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::calling::carriers::Order;
use crate::handle::Handle;
use crate::rpc::errors::RpcError;
use crate::rpc::methods::Method;
use crate::rpc::methods::Param;
use crate::rpc::methods::Params;
use crate::rpc::methods::Run;
use crate::rpc::methods::needed;
use crate::rpc::methods::optional;
use crate::rpc::serve::Client;

const CALL: Param = needed("call_id", "string", "The call.");
const DEVICE: Param = needed("device_id", "string", "The device at the other end, as the order said.");
const EPOCH: Param = needed("epoch", "integer", "As the order said that this is the answer to.");

const OPENED: Param =
    needed("epoch", "integer", "As “open” said: of a connection that is gone nothing is heard.");

/// The methods of this file.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "media.carry",
        summary: "This connection moves the sound and pictures of the calls that begin from now on, instead of this node or another client, until it closes or says otherwise; then its calls end. It hears “media.order” and says what became of it: node/MEDIA.md tells how.",
        params: &[
            needed("enabled", "boolean", "Whether it does."),
            optional(
                "video",
                "boolean",
                "Whether it can show and send VP8; true unless said. Opus it has to have.",
            ),
            optional("screen", "boolean", "Whether it can show a screen; false unless said."),
        ],
        result: "ok",
        run: Run::Client(carry),
    },
    Method {
        name: "media.described",
        summary: "This side's description (RFC 8866): an offer after “open” on the side that offers, “restart” or “allow_direct”, or an answer to “describe”. Without candidates.",
        params: &[
            CALL,
            DEVICE,
            EPOCH,
            needed("kind", "string", "offer or answer."),
            needed("sdp", "string", "The description, at most 16 KiB."),
        ],
        result: "ok",
        run: Run::Client(described),
    },
    Method {
        name: "media.gathered",
        summary: "Where this side can be reached: values of “a=candidate” lines (RFC 8839, 5.1) of the first section.",
        params: &[
            CALL,
            DEVICE,
            EPOCH,
            needed(
                "candidates",
                "array",
                "The candidates, at most 32 of 256 bytes each; what comes after “candidate:”.",
            ),
            optional("done", "boolean", "Whether there are no more; false unless said."),
        ],
        result: "ok",
        run: Run::Client(gathered),
    },
    Method {
        name: "media.path",
        summary: "The way to the other device changed.",
        params: &[
            CALL,
            DEVICE,
            OPENED,
            needed(
                "state",
                "string",
                "connected, interrupted (nothing answers at the moment) or failed (only a new search helps).",
            ),
            optional("relayed", "boolean", "Whether a relay is in it; false unless said."),
        ],
        result: "ok",
        run: Run::Client(path),
    },
    Method {
        name: "media.lacking",
        summary: "What of all that is to be sent is not, because its device is not there or does not work: the others and the person are told. Said when that changes.",
        params: &[
            CALL,
            optional("microphone", "boolean", "Whether there is none; false unless said."),
            optional("camera", "boolean", "Whether there is none; false unless said."),
            optional("screen", "boolean", "Whether there is none; false unless said."),
        ],
        result: "ok",
        run: Run::Client(lacking),
    },
    Method {
        name: "media.failed",
        summary: "The connection does not work, and trying again does not help.",
        params: &[
            CALL,
            DEVICE,
            OPENED,
            optional(
                "why",
                "string",
                "broken, no_agreement (the descriptions do not fit), no_relay or no_microphone; broken unless said.",
            ),
        ],
        result: "ok",
        run: Run::Client(failed),
    },
];

fn carry(handle: &Handle, params: &Params<'_>, client: &Client) -> Result<Value, RpcError> {
    let enabled = params.flag("enabled")?;
    let enabled = enabled.ok_or_else(|| RpcError::bad_params("the parameter “enabled” is missing"))?;
    let mut able = Capabilities::OPUS;
    for (name, capability, unless_said) in
        [("video", Capabilities::VP8, true), ("screen", Capabilities::SCREEN, false)]
    {
        if params.flag(name)?.unwrap_or(unless_said) {
            able = able.and(capability);
        }
    }
    if enabled {
        let told = client.clone();
        let tell = Box::new(move |said: Order<'_>| told.tell_or_close(&order(said)));
        handle.take_over_media(client.id(), able, tell)?;
    } else if !handle.lay_down_media(client.id()) {
        return Err(not_yours());
    }
    Ok(json!({ "ok": true }))
}

fn described(handle: &Handle, params: &Params<'_>, client: &Client) -> Result<Value, RpcError> {
    let (leg, _) = leg(handle, params, client)?;
    let offer = match params.need("kind")?.as_str() {
        "offer" => true,
        "answer" => false,
        _ => return Err(Params::wrong("kind", "offer or answer")),
    };
    let too_long = || RpcError::bad_params(format!("“sdp” is longer than {MAX_SDP_BYTES} bytes"));
    let sdp = Sdp::new(params.need("sdp")?).ok_or_else(too_long)?;
    report(handle, MediaEvent::Described { leg, epoch: epoch(params)?, offer, sdp })
}

fn gathered(handle: &Handle, params: &Params<'_>, client: &Client) -> Result<Value, RpcError> {
    let (leg, _) = leg(handle, params, client)?;
    let wrong = || Params::wrong("candidates", "a list of at most 32 texts of at most 256 bytes");
    let list = params.get("candidates").and_then(Value::as_array).ok_or_else(wrong)?;
    let candidate = |value: &Value| Candidate::new(value.as_str()?.to_owned());
    let list: Vec<Candidate> = list.iter().map(candidate).collect::<Option<_>>().ok_or_else(wrong)?;
    if list.len() > MAX_CANDIDATES {
        return Err(wrong());
    }
    let done = params.flag("done")?.unwrap_or(false);
    report(
        handle,
        MediaEvent::Gathered { leg, epoch: epoch(params)?, list: BoundedVec::truncated(list), done },
    )
}

fn path(handle: &Handle, params: &Params<'_>, client: &Client) -> Result<Value, RpcError> {
    let (leg, opened) = present(handle, params, client)?;
    let state = match params.need("state")?.as_str() {
        "connected" => PathState::Connected,
        "interrupted" => PathState::Interrupted,
        "failed" => PathState::Failed,
        _ => return Err(Params::wrong("state", "connected, interrupted or failed")),
    };
    let relayed = params.flag("relayed")?.unwrap_or(false);
    report(handle, MediaEvent::Path { leg, opened, state, relayed })
}

fn lacking(handle: &Handle, params: &Params<'_>, client: &Client) -> Result<Value, RpcError> {
    let call: CallId = params.id("call_id")?;
    if !handle.has_call(client.id(), &call)? {
        return Err(not_yours());
    }
    let lacks = |name| Ok::<_, RpcError>(params.flag(name)?.unwrap_or(false));
    let (microphone, camera, screen) = (lacks("microphone")?, lacks("camera")?, lacks("screen")?);
    report(
        handle,
        MediaEvent::Lacking { call, media: Media { microphone, camera, screen, ..Media::default() } },
    )
}

fn failed(handle: &Handle, params: &Params<'_>, client: &Client) -> Result<Value, RpcError> {
    let (leg, opened) = present(handle, params, client)?;
    let reason = match params.text("why")?.as_deref() {
        None | Some("broken") => MediaFailure::Broken,
        Some("no_agreement") => MediaFailure::NoAgreement,
        Some("no_relay") => MediaFailure::NoRelay,
        Some("no_microphone") => MediaFailure::NoMicrophone,
        Some(_) => return Err(Params::wrong("why", "broken, no_agreement, no_relay or no_microphone")),
    };
    report(handle, MediaEvent::Failed { leg, opened, reason })
}

fn report(handle: &Handle, event: MediaEvent) -> Result<Value, RpcError> {
    handle.report_media(event)?;
    Ok(json!({ "ok": true }))
}

/// The leg, and the epoch that it was opened with.
fn leg(handle: &Handle, params: &Params<'_>, client: &Client) -> Result<(LegId, u32), RpcError> {
    let leg = LegId { call: params.id("call_id")?, device: params.id("device_id")? };
    let opened = handle.opened_leg(client.id(), &leg)?.ok_or_else(not_yours)?;
    Ok((leg, opened))
}

/// The same, if the connection that is spoken of is still the one that is open.
fn present(handle: &Handle, params: &Params<'_>, client: &Client) -> Result<(LegId, u32), RpcError> {
    let (leg, opened) = leg(handle, params, client)?;
    if epoch(params)? != opened {
        return Err(RpcError::ours(
            "stale",
            "that connection is gone: another was opened for this device since",
        ));
    }
    Ok((leg, opened))
}

fn epoch(params: &Params<'_>) -> Result<u32, RpcError> {
    params.small("epoch")?.ok_or_else(|| RpcError::bad_params("the parameter “epoch” is missing"))
}

fn not_yours() -> RpcError {
    RpcError::ours(
        "not_carried",
        "this connection does not carry that call: say media.carry before one begins",
    )
}

/// An order as a client reads it.
fn order(order: Order<'_>) -> Value {
    let Order::Do(command) = order else {
        return json!({ "type": "media.order", "order": "relieved" });
    };
    let (word, rest) = match command {
        MediaCommand::Open(opening) => ("open", open(opening)),
        MediaCommand::Describe { epoch, offer, sdp, .. } => {
            let kind = if *offer { "offer" } else { "answer" };
            ("describe", json!({ "epoch": epoch, "kind": kind, "sdp": **sdp }))
        }
        MediaCommand::Candidates { epoch, list, done, .. } => {
            let list: Vec<&str> = list.iter().map(|line| &**line).collect();
            ("candidates", json!({ "epoch": epoch, "candidates": list, "done": done }))
        }
        MediaCommand::AllowDirect { .. } => ("allow_direct", json!({})),
        MediaCommand::Restart { epoch, .. } => ("restart", json!({ "epoch": epoch })),
        MediaCommand::SetMedia { call, media } => {
            ("send", json!({ "call_id": call.to_string(), "send": send(*media) }))
        }
        MediaCommand::SetServers { servers: other } => ("servers", json!({ "servers": servers(other) })),
        MediaCommand::Close { .. } => ("close", json!({})),
        // Calls of groups are the node's own: a client does not say that it can seal frames.
        MediaCommand::Seal { .. }
        | MediaCommand::Unseal { .. }
        | MediaCommand::Forget { .. }
        | MediaCommand::Forward { .. }
        | MediaCommand::Through { .. } => return Value::Null,
    };
    let mut body = Map::new();
    body.insert("type".to_owned(), Value::from("media.order"));
    body.insert("order".to_owned(), Value::from(word));
    if let Some(leg) = command.leg() {
        body.insert("call_id".to_owned(), Value::from(leg.call.to_string()));
        body.insert("device_id".to_owned(), Value::from(leg.device.to_string()));
    }
    if let Value::Object(rest) = rest {
        body.extend(rest);
    }
    Value::Object(body)
}

fn open(opening: &Opening) -> Value {
    json!({
        "epoch": opening.epoch,
        "offers": opening.side == Side::Offers,
        "relay_only": opening.ways == Ways::RelayOnly,
        "send": send(opening.media),
        "servers": servers(&opening.servers),
    })
}

/// As browsers want them (W3C WebRTC, `RTCIceServer`).
fn servers(servers: &IceServers) -> Vec<Value> {
    let server = |url: &str, user: &str, password: &str| match user {
        "" => json!({ "urls": [url] }),
        _ => json!({ "urls": [url], "username": user, "credential": password }),
    };
    servers.iter().map(|known| server(&known.url, &known.user, &known.password)).collect()
}

/// What is to be sent: nothing of it while the call is on hold.
fn send(media: Media) -> Value {
    let on = |wanted: bool| wanted && !media.hold;
    json!({ "microphone": on(media.microphone), "camera": on(media.camera), "screen": on(media.screen), "hold": media.hold })
}
