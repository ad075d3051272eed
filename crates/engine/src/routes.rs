//! What became of what waits for a device: notes of how attempts ended, and what is tried next and why then.
//!
//! Not here: the notes themselves (`attempts`), and any decision: this only tells what `presence`, `askers` and
//! `deposits` have decided.

use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::payload::Position;
use kith_proto::time::Timestamp;

use crate::askers::Use;
use crate::attempts::Receipted;
use crate::engine::Engine;
use crate::links;
use crate::timer::TimerKey;
use crate::view::AttemptEnd;
use crate::view::NextView;
use crate::view::NextWhy;
use crate::view::RouteView;
use crate::view::Way;

/// What waits was put on the connection.
pub(crate) fn sent(engine: &mut Engine, device: &DeviceId) {
    let (way, upto) = (connection(engine, device), engine.peers.get(device).map_or(0, |row| row.sent));
    engine.attempts.note(engine.core.now, device, way, AttemptEnd::Sent, upto);
}

/// The connection, or the stream on it, is gone.
pub(crate) fn broken(engine: &mut Engine, device: &DeviceId) {
    let waits =
        links::opening_only(engine, device).is_some_and(|only| engine.outbox.unconfirmed(device, only));
    let row = engine.peers.get(device).map(|row| (row.sent, row.delivered));
    if let Some((sent, delivered)) = row
        && waits
        && sent > delivered
        && engine.presence.links.is_up(device)
    {
        let way = connection(engine, device);
        engine.attempts.note(engine.core.now, device, way, AttemptEnd::Broken, sent);
    }
}

/// A mailbox would not keep what was left for a device.
pub(crate) fn refused(engine: &mut Engine, device: &DeviceId, mailbox: &DeviceId, word: &Answer) {
    let end = match word {
        Answer::NoQueue {} => AttemptEnd::NoQueue,
        Answer::OverQuota { .. } => AttemptEnd::NoRoom,
        Answer::Full {} => AttemptEnd::Full,
        Answer::WorkWanted { .. } => AttemptEnd::TooHard,
        Answer::Moved { .. } => AttemptEnd::Closing,
        _ => AttemptEnd::Refused,
    };
    engine.attempts.note(engine.core.now, device, Way::Mailbox(*mailbox), end, 0);
}

/// A mailbox did nothing of what was asked of it: whatever was to be left there was not.
pub(crate) fn mailbox_silent(engine: &mut Engine, mailbox: &DeviceId) {
    for device in engine.deposits.served_by(mailbox) {
        if links::opening_only(engine, &device).is_some_and(|only| engine.outbox.unconfirmed(&device, only)) {
            let way = Way::Mailbox(*mailbox);
            engine.attempts.note(engine.core.now, &device, way, AttemptEnd::NotReached, 0);
        }
    }
}

/// A receipt came; `before` is how far delivered and read were.
pub(crate) fn receipted(engine: &mut Engine, device: &DeviceId, before: (Position, Position)) {
    let Some(row) = engine.peers.get(device) else { return };
    let (delivered, read) = ((before.0, row.delivered), (before.1, row.read));
    if delivered.0 < delivered.1 || read.0 < read.1 {
        engine.attempts.receipted(device, Receipted { at: engine.core.now, delivered, read });
    }
}

/// What was tried for a device, and what is tried next.
pub(crate) fn view(engine: &Engine, device: &DeviceId, position: Position, since: Timestamp) -> RouteView {
    let (delivered_at, read_at) = engine.attempts.confirmed(device, position);
    let confirmed = engine.peers.get(device).is_some_and(|row| row.delivered >= position);
    let waits =
        engine.peers.get(device).is_some() && !confirmed && links::opening_only(engine, device).is_some();
    // What is tried later is for something else. Nothing is said when it is not remembered when it was confirmed.
    let until = if confirmed { delivered_at.unwrap_or_default() } else { engine.core.now };
    RouteView {
        connected: engine.presence.links.is_up(device).then(|| connection(engine, device)),
        attempts: engine.attempts.about(device, position, (since, until)),
        delivered_at,
        read_at,
        next: if waits { next(engine, device, position) } else { Vec::new() },
    }
}

fn connection(engine: &Engine, device: &DeviceId) -> Way {
    if engine.presence.links.is_relayed(device) { Way::Relayed } else { Way::Direct }
}

/// What is tried next for a place that is not confirmed, the soonest first.
fn next(engine: &Engine, device: &DeviceId, position: Position) -> Vec<NextView> {
    let now = engine.core.now;
    let mut found = Vec::new();
    if engine.presence.links.is_up(device) {
        let way = connection(engine, device);
        match engine.core.timers.at(TimerKey::Probe(*device)) {
            Some(at) if engine.presence.links.is_ready(device) => {
                found.push(NextView { at, way, why: NextWhy::NoReceipt });
            }
            _ => found.push(NextView { at: now, way, why: NextWhy::Now }),
        }
    } else if let Some((at, under_way)) = engine.presence.next_dial(device) {
        let why = if under_way || at <= now { NextWhy::Now } else { NextWhy::NotReached };
        let at = if why == NextWhy::Now { now } else { at };
        found.push(NextView { at, way: Way::Dial, why });
    }
    for mailbox in engine.deposits.mailboxes_of(device).into_keys() {
        found.extend(next_at_mailbox(engine, device, position, mailbox));
    }
    found.sort_unstable();
    found
}

fn next_at_mailbox(
    engine: &Engine,
    device: &DeviceId,
    position: Position,
    mailbox: DeviceId,
) -> Option<NextView> {
    let now = engine.core.now;
    let way = Way::Mailbox(mailbox);
    if engine.deposits.kept(now, device, &mailbox) >= position {
        let at = engine.deposits.renewed_at(now, device, &mailbox)?;
        return Some(NextView { at: at.max(now), way, why: NextWhy::Renewal });
    }
    let refused = engine.deposits.paused_until(device, &mailbox);
    if refused > now {
        let no_room = engine.deposits.has_no_room(device, &mailbox);
        let why = if no_room { NextWhy::NoRoom } else { NextWhy::Refused };
        return Some(NextView { at: refused, way, why });
    }
    let is_open = engine.askers.stream_for(Use::Leave { mailbox }).is_some();
    let silent = engine.askers.paused_until(&mailbox);
    if !is_open && silent > now {
        return Some(NextView { at: silent, way, why: NextWhy::NotReached });
    }
    let at = engine.core.timers.at(TimerKey::Leave(*device)).filter(|_| !is_open).unwrap_or(now);
    Some(NextView { at: at.max(now), way, why: NextWhy::Now })
}
