//! What is said of calls, in the language of the person.

use std::time::Duration;

use kith_engine::view::CallEnd;
use kith_engine::view::CallLine;
use kith_engine::view::CallState;
use kith_engine::view::CallView;
use kith_engine::view::GroupCallState;
use kith_engine::view::GroupCallView;
use kith_node::calling::stats::LegStats;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::PathState;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::model::Model;
use crate::model::calls::NoCall;
use crate::model::groups;
use crate::say;
use crate::text;

/// How far a call is.
pub fn state(call: &CallView, now: Timestamp) -> String {
    if call.own.hold && is_connected(call) {
        return say!("call-hold-own");
    }
    if call.theirs.hold && is_connected(call) {
        return say!("call-hold-theirs");
    }
    match call.state {
        CallState::Calling => say!("call-calling"),
        CallState::Ringing => say!("call-ringing"),
        CallState::Incoming => incoming(call),
        CallState::Connecting => say!("call-connecting"),
        CallState::Live => match call.talking_since {
            Some(since) if call.theirs.recording => {
                format!("{} · {}", length(now.since(since)), say!("call-their-recording"))
            }
            Some(since) => length(now.since(since)),
            None => say!("call-connecting"),
        },
        CallState::Reconnecting => say!("call-reconnecting"),
        CallState::Ended(ended) => end(ended),
    }
}

fn is_connected(call: &CallView) -> bool {
    matches!(call.state, CallState::Live | CallState::Reconnecting)
}

/// What somebody wants who calls.
pub fn incoming(call: &CallView) -> String {
    if call.theirs.camera { say!("call-incoming-video") } else { say!("call-incoming") }
}

/// A duration as clocks show it.
pub fn length(span: Span) -> String {
    let secs = span.0 / 1_000;
    match (secs / 3_600, secs / 60 % 60, secs % 60) {
        (0, minutes, secs) => format!("{minutes}:{secs:02}"),
        (hours, minutes, secs) => format!("{hours}:{minutes:02}:{secs:02}"),
    }
}

/// Why a call is over.
pub fn end(end: CallEnd) -> String {
    match end {
        CallEnd::Declined => say!("call-end-declined"),
        CallEnd::Busy => say!("call-end-busy"),
        CallEnd::NoAnswer => say!("call-end-no-answer"),
        CallEnd::Unreachable => say!("call-end-unreachable"),
        CallEnd::Cancelled => say!("call-end-cancelled"),
        CallEnd::Missed => say!("call-end-missed"),
        CallEnd::AnsweredElsewhere => say!("call-end-answered-elsewhere"),
        CallEnd::DeclinedElsewhere => say!("call-end-declined-elsewhere"),
        CallEnd::Unsupported => say!("call-end-unsupported"),
        CallEnd::NoConnection => say!("call-end-no-connection"),
        CallEnd::Lost => say!("call-end-lost"),
        CallEnd::Interrupted => say!("call-end-interrupted"),
        CallEnd::Device(MediaFailure::NoMicrophone) => say!("call-end-no-microphone"),
        CallEnd::Device(MediaFailure::NoRelay) => say!("call-end-no-relay"),
        CallEnd::Device(MediaFailure::NoAgreement) => say!("call-end-no-agreement"),
        CallEnd::Device(MediaFailure::Broken) => say!("call-end-broken"),
        CallEnd::Replaced => say!("call-end-replaced"),
        _ => say!("call-end-finished"),
    }
}

/// A call in its chat: what it was.
pub fn line(line: &CallLine, outgoing: bool) -> String {
    match (line.is_missed(outgoing), outgoing, line.video) {
        (true, _, false) => say!("call-line-missed"),
        (true, _, true) => say!("call-line-missed-video"),
        (false, true, false) => say!("call-line-out"),
        (false, true, true) => say!("call-line-out-video"),
        (false, false, false) => say!("call-line-in"),
        (false, false, true) => say!("call-line-in-video"),
    }
}

/// How it went: its duration, or why there is none.
pub fn went(line: &CallLine, outgoing: bool) -> String {
    let talked = length(line.talked);
    match (line.end, outgoing) {
        (CallEnd::Finished, _) if line.talked == Span(0) => say!("call-went-unheard"),
        (CallEnd::Finished, _) => talked,
        (CallEnd::Lost | CallEnd::Interrupted, _) if line.talked > Span(0) => {
            say!("call-went-broken", talked = talked, why = end(line.end))
        }
        (CallEnd::Declined, false) => say!("call-went-declined"),
        (CallEnd::Busy, false) => say!("call-went-busy"),
        (CallEnd::Unsupported, false) => say!("call-went-unsupported"),
        (ended, _) => end(ended),
    }
}

/// Both in one line, for previews and for those who listen.
pub fn whole(of: &CallLine, outgoing: bool) -> String {
    if of.end == CallEnd::Missed && !outgoing {
        return line(of, outgoing);
    }
    say!("call-line-whole", what = line(of, outgoing), how = went(of, outgoing))
}

/// Why somebody cannot be called.
pub fn no_call(why: NoCall) -> String {
    match why {
        NoCall::NoContact => say!("call-no-contact"),
        NoCall::NoMember => say!("call-no-member"),
        NoCall::NotAllowed(least) => say!("call-not-allowed", role = groups::words::role_word(least)),
        NoCall::Talking => say!("call-no-talking"),
        NoCall::Offline => say!("call-no-network"),
        NoCall::NoCamera => say!("call-no-camera"),
    }
}

/// How far a call of a group is.
pub fn group_state(call: &GroupCallView, now: Timestamp) -> String {
    match call.state {
        GroupCallState::Ringing | GroupCallState::Ongoing => {
            say!("call-group-ongoing", count = call.people.len())
        }
        GroupCallState::Waiting => say!("call-group-waiting"),
        GroupCallState::Connecting => say!("call-connecting"),
        GroupCallState::Reconnecting => say!("call-reconnecting"),
        GroupCallState::Live => {
            let people = say!("call-group-people", count = call.people.len() + 1);
            let since = call.talking_since.map(|since| length(now.since(since)));
            since.map_or_else(|| people.clone(), |length| format!("{length} · {people}"))
        }
        GroupCallState::Ended(ended) => end(ended),
    }
}

/// Who is in a call that rings: the first by name.
pub fn who_calls(model: &Model, call: &GroupCallView) -> String {
    let mut names = call.people.iter().map(|person| model.name_in_call(person));
    match (names.next(), names.count()) {
        (None, _) => say!("call-group"),
        (Some(first), 0) => say!("call-group-by", name = first),
        (Some(first), others) => say!("call-group-by-more", name = first, count = others),
    }
}

/// What is measured of the connections of a call of a group, line by line.
pub fn group_figures(model: &Model, call: &GroupCallView) -> Vec<(String, String)> {
    let name =
        |device: &DeviceId| model.calls.together.person(device).map(|person| model.name_in_call(person));
    let mut lines = Vec::new();
    if let Some(forwarder) = &call.forwarder {
        let by = name(forwarder).unwrap_or_else(|| say!("call-you"));
        lines.push((say!("figures-forwarder"), by));
    }
    for leg in model.calls.legs(call.call) {
        let Some(name) = name(&leg.leg.device) else { continue };
        lines.push((name, path(leg.path, leg.relayed)));
        lines.push((say!("figures-round-trip"), say!("figures-millis", millis = millis(leg.round_trip))));
        lines.push((say!("figures-loss"), say!("figures-percent", percent = tenths(leg.loss * 100.0))));
        lines.push((say!("figures-may-send"), rate(leg.target.bps())));
    }
    lines
}

fn path(state: Option<PathState>, relayed: bool) -> String {
    match (state, relayed) {
        (None, _) => say!("figures-path-none"),
        (Some(PathState::Connected), false) => say!("figures-path-direct"),
        (Some(PathState::Connected), true) => say!("figures-path-relayed"),
        (Some(PathState::Interrupted), _) => say!("figures-path-interrupted"),
        (Some(PathState::Failed), _) => say!("figures-path-failed"),
    }
}

/// How good the connection is.
pub fn quality(bars: u8) -> String {
    match bars {
        0 => say!("call-quality-none"),
        1 => say!("call-quality-bad"),
        2 => say!("call-quality-weak"),
        3 => say!("call-quality-fair"),
        _ => say!("call-quality-good"),
    }
}

/// What is measured, line by line: what it is, and how much.
pub fn figures(call: &CallView, leg: &LegStats) -> Vec<(String, String)> {
    let path = path(leg.path, leg.relayed || call.relayed);
    let address =
        if call.address_hidden { say!("figures-address-hidden") } else { say!("figures-address-seen") };
    let mut lines = vec![
        (say!("figures-path"), path),
        (say!("figures-address"), address),
        (say!("figures-round-trip"), say!("figures-millis", millis = millis(leg.round_trip))),
        (say!("figures-loss"), say!("figures-percent", percent = tenths(leg.loss * 100.0))),
        (say!("figures-may-send"), rate(leg.target.bps())),
        (say!("figures-held"), say!("figures-millis", millis = u64::from(leg.speech.held_millis))),
        (say!("figures-made-up"), leg.speech.made_up.to_string()),
        (say!("figures-repaired"), say!("figures-repaired-of", repaired = leg.repaired, lost = leg.lost)),
    ];
    for track in &leg.tracks {
        let name = match track.kind.name() {
            "camera" => say!("call-camera"),
            "screen" => say!("call-screen"),
            _ => say!("call-microphone"),
        };
        lines.push((name, track.codec.to_owned()));
        let sizes = say!(
            "figures-bytes-of",
            sent = text::size(track.sent_bytes),
            came = text::size(track.came_bytes)
        );
        lines.push((say!("figures-bytes"), sizes));
        if track.shown > 0 {
            let (width, height) = track.size;
            lines.push((say!("figures-size"), format!("{width} × {height}")));
            lines.push((say!("figures-shown"), track.shown.to_string()));
        }
    }
    lines
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

fn rate(bps: u64) -> String {
    match bps {
        0..1_000_000 => say!("figures-kilobits", rate = bps / 1_000),
        more => say!("figures-megabits", rate = tenths(more as f64 / 1e6)),
    }
}
