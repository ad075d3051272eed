//! What became of a message, in the person's language: the same facts as `kith_node::trace` tells on a terminal.

use std::collections::BTreeMap;

use kith_engine::view::AttemptEnd;
use kith_engine::view::AttemptView;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::NextView;
use kith_engine::view::NextWhy;
use kith_engine::view::TraceView;
use kith_engine::view::TracedDevice;
use kith_engine::view::Way;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use crate::model::dates::Now;
use crate::model::network::day;
use crate::say;

/// What became of it, in one sentence.
pub fn summary(view: &TraceView, now: Now) -> String {
    // Devices may share a mailbox; what it keeps for one of them, it keeps.
    let mut mailboxes: BTreeMap<DeviceId, Option<Timestamp>> = BTreeMap::new();
    for kept in view.devices.iter().flat_map(|device| device.mailboxes.iter()) {
        let until = mailboxes.entry(kept.mailbox).or_default();
        *until = kept.until.max(*until);
    }
    let kept: Vec<Timestamp> = mailboxes.values().filter_map(|until| *until).collect();
    match (view.message.state, kept.iter().min()) {
        (MessageState::Read, _) => say!("trace-read"),
        (MessageState::Delivered, _) => say!("trace-delivered"),
        (MessageState::Failed, _) => say!("trace-failed"),
        (_, Some(until)) => {
            say!("trace-kept", count = kept.len(), of = mailboxes.len(), day = day(now, *until))
        }
        (MessageState::Stored, None) => say!("trace-not-kept"),
        (MessageState::Sent, None) => say!("trace-sent"),
        (_, None) if mailboxes.is_empty() => say!("trace-no-mailbox"),
        (_, None) => say!("trace-waits"),
    }
}

/// What mailboxes promised about an own message that is not delivered, if a promise holds.
pub fn promised(message: &MessageView, now: Now) -> Option<String> {
    let waits = matches!(message.state, MessageState::Queued | MessageState::Sent | MessageState::Stored);
    let copies = message.copies.as_ref().filter(|_| waits)?;
    let (count, until) = copies.held(now.time)?;
    Some(say!("state-promised", count = count, of = copies.of, day = day(now, until)))
}

/// Everything that is known about the way to one device, a sentence for each thing. Mailboxes are numbered in the order of
/// the view.
pub fn sentences(device: &TracedDevice, now: Now) -> Vec<String> {
    let route = &device.route;
    let mut said: Vec<String> = route.attempts.iter().map(|attempt| tried(device, attempt, now)).collect();
    for (at, kept) in device.mailboxes.iter().enumerate() {
        said.extend(
            kept.until.map(|until| say!("trace-mailbox-keeps", number = at + 1, day = day(now, until))),
        );
    }
    match (device.state, route.delivered_at) {
        (MessageState::Read | MessageState::Delivered, Some(at)) => {
            said.push(say!("trace-confirmed", ago = ago(now, at)));
        }
        (MessageState::Read | MessageState::Delivered, None) => said.push(say!("trace-confirmed-once")),
        _ => {}
    }
    if let (MessageState::Read, Some(at)) = (device.state, route.read_at) {
        said.push(say!("trace-was-read", ago = ago(now, at)));
    }
    said.extend(route.next.iter().map(|next| upcoming(device, next, now)));
    let over = matches!(device.state, MessageState::Delivered | MessageState::Read | MessageState::Failed);
    if said.is_empty() && !over {
        said.push(say!("trace-untried"));
    }
    said
}

fn tried(device: &TracedDevice, attempt: &AttemptView, now: Now) -> String {
    let place = || place(device, attempt.way);
    let way = match (attempt.way, attempt.end) {
        (Way::Dial, _) => say!("trace-dial"),
        (Way::Direct, _) => say!("trace-direct"),
        (Way::Relayed, _) => say!("trace-relayed"),
        (Way::Mailbox(_), AttemptEnd::Kept { .. }) => say!("trace-left", place = place()),
        (Way::Mailbox(_), _) => say!("trace-not-left", place = place()),
    };
    let end = match (attempt.way, attempt.end) {
        (Way::Dial, _) => say!("trace-end-nobody"),
        (_, AttemptEnd::NotReached) => say!("trace-end-silent"),
        (_, AttemptEnd::Sent) => say!("trace-end-sent"),
        (_, AttemptEnd::Broken) => say!("trace-end-broken"),
        (_, AttemptEnd::Kept { .. }) => say!("trace-end-kept"),
        (_, AttemptEnd::NoQueue) => say!("trace-end-no-place"),
        (_, AttemptEnd::NoRoom) => say!("trace-end-no-room"),
        (_, AttemptEnd::Full) => say!("trace-end-full"),
        (_, AttemptEnd::TooHard) => say!("trace-end-work"),
        (_, AttemptEnd::Closing) => say!("trace-end-closing"),
        (_, AttemptEnd::Refused) => say!("trace-end-refused"),
    };
    let when = ago(now, attempt.last);
    match attempt.times {
        Some(1) => say!("trace-once", way = way, ago = when, end = end),
        Some(many) => say!("trace-times", way = way, count = many, ago = when, end = end),
        None => say!("trace-last", way = way, ago = when, end = end),
    }
}

fn upcoming(device: &TracedDevice, next: &NextView, now: Now) -> String {
    let when = ahead(now, next.at);
    let place = || place(device, next.way);
    match (next.way, next.why) {
        (Way::Dial, NextWhy::Now) => say!("trace-next-dial-now"),
        (Way::Dial, _) => say!("trace-next-dial", when = when),
        (Way::Mailbox(_), NextWhy::Now) => say!("trace-next-now", place = place(), when = when),
        (Way::Mailbox(_), NextWhy::Refused) => say!("trace-next-refused", place = place(), when = when),
        (Way::Mailbox(_), NextWhy::NoRoom) => say!("trace-next-no-room", place = place(), when = when),
        (Way::Mailbox(_), NextWhy::Renewal) => say!("trace-next-renewal", place = place(), when = when),
        (Way::Mailbox(_), _) => say!("trace-next-silent", place = place(), when = when),
        (_, NextWhy::NoReceipt) => say!("trace-next-receipt", when = when),
        (_, _) => say!("trace-next-here"),
    }
}

fn place(device: &TracedDevice, way: Way) -> String {
    let Way::Mailbox(mailbox) = way else { return say!("trace-a-mailbox") };
    let at = device.mailboxes.iter().position(|kept| kept.mailbox == mailbox);
    at.map_or_else(|| say!("trace-old-mailbox"), |at| say!("trace-mailbox", number = at + 1))
}

/// How long ago something was.
fn ago(now: Now, then: Timestamp) -> String {
    match now.time.since(then).0 / 1_000 {
        0..10 => say!("just-now"),
        secs @ 10..120 => say!("ago-seconds", count = secs),
        secs @ 120..7_200 => say!("ago-minutes", count = secs / 60),
        secs @ 7_200..172_800 => say!("ago-hours", count = secs / 3_600),
        secs => say!("ago-days", count = secs / 86_400),
    }
}

/// How far away something is that is to come.
fn ahead(now: Now, then: Timestamp) -> String {
    match then.since(now.time).0.div_ceil(1_000) {
        0 => say!("now"),
        secs @ 1..120 => say!("in-seconds", count = secs),
        secs @ 120..7_200 => say!("in-minutes", count = secs / 60),
        secs @ 7_200..172_800 => say!("in-hours", count = secs / 3_600),
        secs => say!("in-days", count = secs / 86_400),
    }
}
