//! The methods about mailboxes and community nodes: the own ones, and keeping mail for others.

use kith_engine::Command;
use kith_engine::query;
use kith_engine::view::MailboxRefusal;
use kith_engine::view::MailboxView;
use kith_engine::view::NetworkView;
use kith_net::address;
use kith_net::address::Reach;
use kith_proto::id::DeviceId;
use serde_json::Value;
use serde_json::json;

use crate::doctor;
use crate::error::NodeError;
use crate::handle::Handle;
use crate::helping::HelpView;
use crate::helping::settings::Who;
use crate::rpc::errors::RpcError;
use crate::rpc::methods::Params;
use crate::time::rfc3339;

/// Addresses of this device that are told to those who want to use it as a mailbox.
const ADDRESSES: usize = 4;

/// An own mailbox.
pub(crate) fn own(view: &MailboxView) -> Value {
    json!({
        "address": address::text(&view.address, Some(&view.device)),
        "device_id": view.device.to_string(),
        "accepted": view.accepted,
        "connected": view.connected,
        "chosen": view.chosen,
        "with_voucher": view.with_voucher,
        "refused": view.refused.is_some(),
        "refusal": view.refused.map(refusal_word),
        "refusal_text": view.refused.map(|why| doctor::refusal(why, view).0),
        "without": view.without.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "links_without": view.links_without,
        "missing": view.missing,
        "closing": view.closing,
        "since": view.since.map(rfc3339),
        "last_deposit_at": view.left_at.map(rfc3339),
        "last_read_at": view.read_at.map(rfc3339),
        "quota_left": view.quota_left,
        "score": view.score,
        "away_secs": view.away_secs,
    })
}

fn refusal_word(why: MailboxRefusal) -> &'static str {
    match why {
        MailboxRefusal::NotKnown => "not_known",
        MailboxRefusal::Full => "full",
        MailboxRefusal::TooMuch => "too_much",
        MailboxRefusal::TooHard => "too_hard",
        MailboxRefusal::Closing => "closing",
        MailboxRefusal::LeavesOut => "leaves_out",
    }
}

pub(crate) fn list(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let network = handle.overview().network;
    Ok(json!({ "mailboxes": network.mailboxes.iter().map(own).collect::<Vec<_>>() }))
}

pub(crate) fn add(params: &Params<'_>) -> Result<Command, RpcError> {
    let node = address::parse_dialled(&params.need("address")?).map_err(NodeError::from)?;
    Ok(Command::AddMailbox { node, voucher: params.text("voucher")? })
}

pub(crate) fn remove(params: &Params<'_>) -> Result<Command, RpcError> {
    let device = match params.text("address")? {
        Some(address) => address::parse_node(&address).map_err(NodeError::from)?.device,
        None => params.id("device_id")?,
    };
    Ok(Command::RemoveMailbox { device })
}

pub(crate) fn help(handle: &Handle, params: &Params<'_>) -> Result<Value, RpcError> {
    let enabled = params.flag("enabled")?;
    let enabled = enabled.ok_or_else(|| RpcError::bad_params("the parameter “enabled” is missing"))?;
    let (bytes, inboxes, who) = (params.number("bytes")?, params.number("inboxes")?, params.text("who")?);
    let wrong = || RpcError::bad_params("the parameter “who” should be “contacts” or “anybody”");
    let who = who.map(|word| Who::from_word(&word).ok_or_else(wrong)).transpose()?;
    let view = handle.help(enabled, |settings| {
        settings.bytes = bytes.unwrap_or(settings.bytes);
        settings.who = who.unwrap_or(settings.who);
        settings.inboxes =
            inboxes.map_or(settings.inboxes, |inboxes| u32::try_from(inboxes).unwrap_or(u32::MAX));
    })?;
    Ok(helping_view(&view, &handle.overview().network, own_device(handle)?.as_ref()))
}

pub(crate) fn helping(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    Ok(helping_view(&handle.helping()?, &handle.overview().network, own_device(handle)?.as_ref()))
}

fn own_device(handle: &Handle) -> Result<Option<DeviceId>, RpcError> {
    Ok(handle.query(query::profile)?.map(|view| view.device))
}

/// What is kept for others, and where they find it.
pub(crate) fn helping_view(view: &HelpView, network: &NetworkView, device: Option<&DeviceId>) -> Value {
    let settings = &view.settings;
    json!({
        "enabled": settings.enabled,
        "closing": settings.closing,
        "capacity_bytes": settings.bytes,
        "capacity_inboxes": settings.inboxes,
        "who": settings.who.word(),
        "since": settings.since.map(rfc3339),
        "inboxes": view.inboxes,
        "envelopes": view.envelopes,
        "bytes": view.bytes,
        "until": view.until.map(rfc3339),
        "problem": view.problem,
        "addresses": addresses(network, device),
    })
}

/// Where this device can be reached by others, furthest first. A relay does not carry mailboxes.
fn addresses(network: &NetworkView, device: Option<&DeviceId>) -> Vec<String> {
    let mut own: Vec<_> = network.listen.iter().map(|own| (address::reach(own), own)).collect();
    own.retain(|(reach, _)| *reach != Reach::Relayed);
    own.sort_by_key(|(reach, _)| *reach);
    let nearer = own.first().map(|(reach, _)| *reach);
    own.retain(|(reach, _)| Some(*reach) == nearer);
    own.into_iter().take(ADDRESSES).map(|(_, own)| address::text(own, device)).collect()
}

pub(crate) fn bootstraps(handle: &Handle, _: &Params<'_>) -> Result<Value, RpcError> {
    let network = handle.overview().network;
    Ok(json!({ "bootstraps": nodes(&network) }))
}

/// The community nodes, with what is known of each.
pub(crate) fn nodes(network: &NetworkView) -> Vec<Value> {
    let node = |named: crate::nodes::Named<'_>| {
        let state = crate::nodes::state(network, named.text);
        json!({
            "address": named.text,
            "kept": named.kept,
            "device_id": state.device.map(|device| device.to_string()),
            "connected": state.connected,
            "relays": state.relays,
            "mailbox": state.mailbox,
        })
    };
    crate::nodes::all(network).map(node).collect()
}
