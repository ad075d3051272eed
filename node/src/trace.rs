//! What became of a message, in plain words: the same in the program for terminals, in the API and in the app.
//!
//! Not here: the facts (`kith_engine::view::TraceView`).

use std::collections::BTreeMap;

use kith_engine::view::AttemptEnd;
use kith_engine::view::AttemptView;
use kith_engine::view::MessageState;
use kith_engine::view::NextView;
use kith_engine::view::NextWhy;
use kith_engine::view::TraceView;
use kith_engine::view::TracedDevice;
use kith_engine::view::Way;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use crate::doctor::ago;
use crate::doctor::ahead;
use crate::time::rfc3339;

/// What became of a message, in one sentence.
pub fn summary(view: &TraceView) -> String {
    // Devices may share a mailbox; what it promised for one of them, it keeps.
    let mut mailboxes: BTreeMap<DeviceId, Option<Timestamp>> = BTreeMap::new();
    for kept in view.devices.iter().flat_map(|device| device.mailboxes.iter()) {
        let until = mailboxes.entry(kept.mailbox).or_default();
        *until = kept.until.max(*until);
    }
    let kept: Vec<Timestamp> = mailboxes.values().filter_map(|until| *until).collect();
    match (view.message.state, kept.iter().min()) {
        (MessageState::Read, _) => "They have read it.".to_owned(),
        (MessageState::Delivered, _) => "It is on a device of theirs.".to_owned(),
        (MessageState::Failed, _) => {
            "It is not sent any more, and nobody has confirmed that they have it.".to_owned()
        }
        (_, Some(until)) => {
            let have = if kept.len() == 1 { "has" } else { "have" };
            let (number, all) = (kept.len(), mailboxes.len());
            format!("{number} of {all} of their mailboxes {have} promised to keep it until {}.", day(*until))
        }
        (MessageState::Stored, None) => {
            "It waits here: no promise of a mailbox of theirs that is known holds any more.".to_owned()
        }
        (MessageState::Sent, None) => "It was sent; their device has not confirmed it yet.".to_owned(),
        (_, None) if mailboxes.is_empty() => {
            "It waits here until both are online: no mailbox of theirs is known.".to_owned()
        }
        (_, None) => "It waits here: neither a device nor a mailbox of theirs has taken it yet.".to_owned(),
    }
}

/// Everything that is known about the way to one device, a sentence for each thing: what was tried, what was confirmed,
/// who keeps it, what is tried next and why then. Mailboxes are numbered in the order of the view.
pub fn sentences(device: &TracedDevice, now: Timestamp) -> Vec<String> {
    let route = &device.route;
    let mut said: Vec<String> = route.attempts.iter().map(|attempt| tried(device, attempt, now)).collect();
    for (at, kept) in device.mailboxes.iter().enumerate() {
        if let Some(until) = kept.until {
            said.push(format!("Mailbox {} has promised to keep it until {}.", at + 1, day(until)));
        }
    }
    match (device.state, route.delivered_at, route.read_at) {
        (MessageState::Read | MessageState::Delivered, Some(at), _) => {
            said.push(format!("Their device confirmed {} that it has it.", ago(now, at)));
        }
        (MessageState::Read | MessageState::Delivered, None, _) => {
            said.push("Their device confirmed that it has it; when is not remembered.".to_owned());
        }
        _ => {}
    }
    if let (MessageState::Read, Some(at)) = (device.state, route.read_at) {
        said.push(format!("It was read {}.", ago(now, at)));
    }
    said.extend(route.next.iter().map(|next| upcoming(device, next, now)));
    let over = matches!(device.state, MessageState::Delivered | MessageState::Read | MessageState::Failed);
    if said.is_empty() && !over {
        said.push("Nothing was tried yet since this device was started.".to_owned());
    }
    said
}

fn tried(device: &TracedDevice, attempt: &AttemptView, now: Timestamp) -> String {
    let way = match attempt.way {
        Way::Dial => "Looking for their device".to_owned(),
        Way::Direct => "Sent over a direct connection".to_owned(),
        Way::Relayed => "Sent through a relay".to_owned(),
        Way::Mailbox(_) => match attempt.end {
            AttemptEnd::Kept { .. } => format!("Left in {}", place(device, attempt.way)),
            _ => format!("Not left in {}", place(device, attempt.way)),
        },
    };
    let end = match (attempt.way, attempt.end) {
        (Way::Dial, _) => "nobody answered at any address".to_owned(),
        (_, AttemptEnd::NotReached) => "it did not answer".to_owned(),
        (_, AttemptEnd::Sent) => "on its way; only a receipt says that it arrived".to_owned(),
        (_, AttemptEnd::Broken) => "the connection ended before a receipt came".to_owned(),
        (_, AttemptEnd::Kept { .. }) => "it promised to keep it".to_owned(),
        (_, AttemptEnd::NoQueue) => "they have opened no place there for you".to_owned(),
        (_, AttemptEnd::NoRoom) => {
            "it had no room for more from you: what you left before is still there, or too much came at once"
                .to_owned()
        }
        (_, AttemptEnd::Full) => "it is full".to_owned(),
        (_, AttemptEnd::TooHard) => "it wants more work than this device does for it".to_owned(),
        (_, AttemptEnd::Closing) => "it closes and takes nothing any more".to_owned(),
        (_, AttemptEnd::Refused) => "it said no".to_owned(),
    };
    let when = ago(now, attempt.last);
    match attempt.times {
        Some(1) => format!("{way}, {when}: {end}."),
        Some(many) => format!("{way}, {many} times, last {when}: {end}."),
        None => format!("{way}, last {when}: {end}."),
    }
}

fn upcoming(device: &TracedDevice, next: &NextView, now: Timestamp) -> String {
    let when = ahead(now, next.at);
    match (next.way, next.why) {
        (Way::Dial, NextWhy::Now) => "Their device is being looked for now.".to_owned(),
        (Way::Dial, _) => {
            format!("Their device is looked for again {when}: the pause grows while nobody answers.")
        }
        (Way::Mailbox(_), NextWhy::Now) => format!("It is being left in {} {when}.", place(device, next.way)),
        (Way::Mailbox(_), NextWhy::Refused) => {
            format!("It is left in {} again {when}, the pause after a no.", place(device, next.way))
        }
        (Way::Mailbox(_), NextWhy::NoRoom) => {
            let place = place(device, next.way);
            format!("It is left in {place} again {when}, or as soon as they have been there and made room.")
        }
        (Way::Mailbox(_), NextWhy::Renewal) => {
            format!("It is left in {} anew {when}, before what it promised ends.", place(device, next.way))
        }
        (Way::Mailbox(_), _) => {
            let place = place(device, next.way);
            format!("It is left in {place} {when}: it did not answer, and the pause grows with each time.")
        }
        (_, NextWhy::NoReceipt) => format!("They are asked for a receipt {when}, if none comes before."),
        (_, _) => "It goes over the connection that is there now.".to_owned(),
    }
}

fn place(device: &TracedDevice, way: Way) -> String {
    let Way::Mailbox(mailbox) = way else { return "a mailbox".to_owned() };
    let at = device.mailboxes.iter().position(|kept| kept.mailbox == mailbox);
    at.map_or("a mailbox that they used before".to_owned(), |at| format!("mailbox {}", at + 1))
}

/// `2026-12-05`.
fn day(time: Timestamp) -> String {
    rfc3339(time).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use kith_engine::view::KeptView;
    use kith_engine::view::MessageView;
    use kith_engine::view::RouteView;
    use kith_proto::id::AccountId;
    use kith_proto::id::ChatId;
    use kith_proto::id::MessageId;
    use kith_proto::time::Span;

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn minutes_ago(minutes: u64) -> Timestamp {
        Timestamp(NOW.0 - minutes * 60_000)
    }

    fn attempt(way: Way, end: AttemptEnd, minutes: u64, times: u32) -> AttemptView {
        let (first, last) = (minutes_ago(minutes + 1), minutes_ago(minutes));
        AttemptView { way, end, first, last, times: (times > 0).then_some(times) }
    }

    #[test]
    fn each_attempt_promise_and_next_try_is_a_sentence() {
        let mailbox = |number: u8| DeviceId([number; 32]);
        let until = NOW + Span::from_days(14);
        let next = |way, why, minutes| NextView { at: NOW + Span::from_minutes(minutes), way, why };
        let route = RouteView {
            attempts: vec![
                attempt(Way::Dial, AttemptEnd::NotReached, 4, 7),
                attempt(Way::Mailbox(mailbox(1)), AttemptEnd::Kept { until }, 3, 1),
                attempt(Way::Mailbox(mailbox(2)), AttemptEnd::Full, 2, 1),
                attempt(Way::Mailbox(mailbox(3)), AttemptEnd::NoRoom, 2, 5),
                attempt(Way::Relayed, AttemptEnd::Broken, 9, 1),
                attempt(Way::Direct, AttemptEnd::Broken, 8, 0),
            ],
            next: vec![
                next(Way::Dial, NextWhy::NotReached, 2),
                next(Way::Mailbox(mailbox(2)), NextWhy::Refused, 10),
                next(Way::Mailbox(mailbox(3)), NextWhy::NoRoom, 30),
                next(Way::Mailbox(mailbox(1)), NextWhy::Renewal, 13 * 1_440),
            ],
            ..RouteView::default()
        };
        let kept = vec![
            KeptView { mailbox: mailbox(1), until: Some(until) },
            KeptView { mailbox: mailbox(2), until: None },
            KeptView { mailbox: mailbox(3), until: None },
        ];
        let device = TracedDevice {
            device: mailbox(9),
            state: MessageState::Sent,
            position: 1,
            mailboxes: kept,
            route,
        };
        let said = sentences(&device, NOW);
        let wanted = [
            "Looking for their device, 7 times, last 4 minutes ago: nobody answered at any address.",
            "Left in mailbox 1, 3 minutes ago: it promised to keep it.",
            "Not left in mailbox 2, 2 minutes ago: it is full.",
            "Not left in mailbox 3, 5 times, last 2 minutes ago: it had no room for more from you: what you left before is still there, or too much came at once.",
            "Sent through a relay, 9 minutes ago: the connection ended before a receipt came.",
            "Sent over a direct connection, last 8 minutes ago: the connection ended before a receipt came.",
            "Mailbox 1 has promised to keep it until 2026-12-02.",
            "Their device is looked for again in 2 minutes: the pause grows while nobody answers.",
            "It is left in mailbox 2 again in 10 minutes, the pause after a no.",
            "It is left in mailbox 3 again in 30 minutes, or as soon as they have been there and made room.",
            "It is left in mailbox 1 anew in 13 days, before what it promised ends.",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn what_arrived_is_not_tried_any_more_and_what_is_not_remembered_says_so() {
        let route = RouteView { read_at: Some(minutes_ago(1)), ..RouteView::default() };
        let state = MessageState::Read;
        let device =
            TracedDevice { device: DeviceId([9; 32]), state, position: 1, mailboxes: Vec::new(), route };
        let said = sentences(&device, NOW);
        assert_eq!(
            said,
            ["Their device confirmed that it has it; when is not remembered.", "It was read 60 seconds ago."]
        );
        let waiting = TracedDevice { state: MessageState::Queued, route: RouteView::default(), ..device };
        assert_eq!(sentences(&waiting, NOW), ["Nothing was tried yet since this device was started."]);
    }

    #[test]
    fn promises_are_counted_by_mailbox_and_none_is_told_when_none_holds() {
        let kept = |number: u8, until| KeptView { mailbox: DeviceId([number; 32]), until };
        let until = |days| Some(NOW + Span::from_days(days));
        let device = |number: u8, mailboxes| {
            let (state, route) = (MessageState::Stored, RouteView::default());
            TracedDevice { device: DeviceId([number; 32]), state, position: 1, mailboxes, route }
        };
        let said = |state, devices| summary(&TraceView { message: message(state), devices });
        let phone = || device(1, vec![kept(7, until(14)), kept(8, None)]);
        let desktop = device(2, vec![kept(7, until(13)), kept(8, None), kept(9, until(12))]);
        assert_eq!(
            said(MessageState::Stored, vec![phone(), desktop]),
            "2 of 3 of their mailboxes have promised to keep it until 2026-11-30."
        );
        assert_eq!(
            said(MessageState::Queued, vec![phone()]),
            "1 of 2 of their mailboxes has promised to keep it until 2026-12-02."
        );
        assert_eq!(
            said(MessageState::Stored, vec![device(1, vec![kept(7, None)])]),
            "It waits here: no promise of a mailbox of theirs that is known holds any more."
        );
    }

    fn message(state: MessageState) -> MessageView {
        MessageView {
            message: MessageId([1; 16]),
            chat: ChatId([1; 16]),
            index: 1,
            sender: AccountId([1; 32]),
            outgoing: true,
            kind: kith_engine::view::MessageKind::Text,
            text: String::new(),
            reply_to: None,
            mentions: Vec::new(),
            mentions_all: false,
            sent_at: NOW,
            stored_at: NOW,
            state,
            expires_at: None,
            receipts: None,
            copies: None,
        }
    }
}
