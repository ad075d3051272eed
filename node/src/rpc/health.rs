//! The methods for a person who asks why: the doctor, its report, and the trace of a message.

use kith_engine::view::AttemptEnd;
use kith_engine::view::AttemptView;
use kith_engine::view::KeptView;
use kith_engine::view::Nat;
use kith_engine::view::NextView;
use kith_engine::view::NextWhy;
use kith_engine::view::TraceView;
use kith_engine::view::TracedDevice;
use kith_engine::view::Way;
use kith_net::address;
use kith_net::address::Reach;
use kith_net::facts::Mapping;
use kith_net::facts::Upnp;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::doctor;
use crate::doctor::Known;
use crate::error::NodeError;
use crate::handle::Handle;
use crate::rpc::errors::RpcError;
use crate::rpc::methods::Params;
use crate::rpc::views::message_state;
use crate::time::rfc3339;
use crate::trace as words;

pub(crate) fn doctor(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let known = handle.examine()?;
    let found = doctor::findings(&known);
    Ok(json!({
        "well": found.iter().all(doctor::Finding::is_good),
        "summary": doctor::verdict(&found),
        "findings": found.iter().map(|finding| json!({
            "about": finding.about,
            "severity": finding.severity.word(),
            "good": finding.is_good(),
            "fact": finding.fact,
            "action": finding.action,
        })).collect::<Vec<_>>(),
        "measured": measured(&known),
    }))
}

pub(crate) fn report(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    Ok(json!({ "report": doctor::report::report(&handle.examine()?) }))
}

/// What the findings rest on, exactly.
fn measured(known: &Known) -> Value {
    let facts = &known.facts;
    let ipv6 = known
        .network
        .listen
        .iter()
        .any(|own| address::reach(own) == Reach::Global && address::text(own, None).starts_with("/ip6/"));
    let tests = facts.tests.iter().map(|test| {
        let text = address::text(&test.address, None);
        let family = if text.starts_with("/ip6/") { "ipv6" } else { "ipv4" };
        json!({ "family": family, "reached": test.reached, "at": rfc3339(test.at) })
    });
    let nodes = facts.nodes.iter().map(|(device, node)| {
        json!({
            "device_id": device.to_string(),
            "round_trip_ms": node.round_trip_ms,
            "reserved_since": node.reserved_since.map(rfc3339),
        })
    });
    json!({
        "nat": match known.network.nat {
            Nat::Unknown => "unknown",
            Nat::Public => "public",
            Nat::Private => "private",
        },
        "mapping": match facts.mapping {
            Mapping::Unknown => "unknown",
            Mapping::None => "none",
            Mapping::Same => "endpoint_independent",
            Mapping::Differs => "symmetric",
        },
        "ipv6": ipv6,
        "tests": tests.collect::<Vec<_>>(),
        "upnp": match facts.upnp {
            Upnp::Off => "off",
            Upnp::Asked { .. } => "asked",
            Upnp::Mapped => "mapped",
            Upnp::NoGateway => "no_gateway",
            Upnp::NotPublic => "gateway_not_public",
            Upnp::Lost => "lost",
            Upnp::Moved => "moved",
        },
        "clock": known.clock.map(|clock| json!({
            "sources": clock.sources,
            "ahead_at_least_secs": clock.ahead_at_least_secs,
            "ahead_at_most_secs": clock.ahead_at_most_secs,
        })),
        "dht": {
            "nodes": known.network.dht_peers,
            "published_at": facts.published_at.map(rfc3339),
            "publish_failed_at": facts.publish_failed_at.map(rfc3339),
            "looked_up_at": facts.looked_up_at.map(rfc3339),
            "found_at": facts.found_at.map(rfc3339),
        },
        "nodes": nodes.collect::<Vec<_>>(),
        "waiting": known.engine.waiting,
    })
}

pub(crate) fn trace(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let message: MessageId = params.id("message_id")?;
    let unknown = NodeError::Refused(kith_engine::command::Refusal::UnknownMessage);
    let view = handle.trace(&message)?.ok_or(unknown)?;
    Ok(traced(&view, Clock::default().now()))
}

fn traced(view: &TraceView, now: Timestamp) -> Value {
    json!({
        "message_id": view.message.message.to_string(),
        "chat_id": view.message.chat.to_string(),
        "sent_at": rfc3339(view.message.sent_at),
        "expires_at": view.message.expires_at.map(rfc3339),
        "state": message_state(view.message.state),
        "summary": words::summary(view),
        "devices": view.devices.iter().map(|device| traced_device(device, now)).collect::<Vec<_>>(),
    })
}

fn traced_device(device: &TracedDevice, now: Timestamp) -> Value {
    let route = &device.route;
    let kept = |kept: &KeptView| {
        json!({
            "mailbox": kept.mailbox.to_string(),
            "kept": kept.until.is_some(),
            "until": kept.until.map(rfc3339),
        })
    };
    json!({
        "device_id": device.device.to_string(),
        "state": message_state(device.state),
        "connected": route.connected.map(|way| way_word(way).0),
        "attempts": route.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "delivered_at": route.delivered_at.map(rfc3339),
        "read_at": route.read_at.map(rfc3339),
        "mailboxes": device.mailboxes.iter().map(kept).collect::<Vec<_>>(),
        "next": route.next.iter().map(next).collect::<Vec<_>>(),
        "words": words::sentences(device, now),
    })
}

fn way_word(way: Way) -> (&'static str, Option<String>) {
    match way {
        Way::Dial => ("dial", None),
        Way::Direct => ("direct", None),
        Way::Relayed => ("relayed", None),
        Way::Mailbox(mailbox) => ("mailbox", Some(mailbox.to_string())),
    }
}

fn attempt(view: &AttemptView) -> Value {
    let (way, mailbox) = way_word(view.way);
    let (end, until) = match view.end {
        AttemptEnd::NotReached => ("not_reached", None),
        AttemptEnd::Sent => ("sent", None),
        AttemptEnd::Broken => ("broken", None),
        AttemptEnd::Kept { until } => ("kept", Some(until)),
        AttemptEnd::NoQueue => ("no_queue", None),
        AttemptEnd::NoRoom => ("no_room", None),
        AttemptEnd::Full => ("full", None),
        AttemptEnd::TooHard => ("too_hard", None),
        AttemptEnd::Closing => ("closing", None),
        AttemptEnd::Refused => ("refused", None),
    };
    json!({
        "way": way,
        "mailbox": mailbox,
        "end": end,
        "first_at": rfc3339(view.first),
        "last_at": rfc3339(view.last),
        "times": view.times,
        "until": until.map(rfc3339),
    })
}

fn next(view: &NextView) -> Value {
    let (way, mailbox) = way_word(view.way);
    let why = match view.why {
        NextWhy::Now => "now",
        NextWhy::NotReached => "not_reached",
        NextWhy::NoReceipt => "no_receipt",
        NextWhy::Refused => "refused",
        NextWhy::NoRoom => "no_room",
        NextWhy::Renewal => "renewal",
    };
    json!({ "at": rfc3339(view.at), "way": way, "mailbox": mailbox, "why": why })
}
