//! The streams to mailboxes: opening those that should be open, passing answers on, and closing those that are of no use.
//!
//! ```text
//!  own mailbox:     open ─▶ Hello ─▶ `reading`      Register, Subscribe, Get, DeleteThese
//!  contact's:       open ─▶ Hello ─▶ `leaving`      Deposit … ─▶ Stored: a receipt that is checked
//!  a candidate:     open ─▶ Hello ─▶ Info ─▶ closed
//! ```
//!
//! Not here: the state of streams (`askers`).

use kith_crypto::mailbox;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::rows::Rows;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::askers::Asked;
use crate::askers::Use;
use crate::choosing;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::leaving;
use crate::output::Output;
use crate::reading;
use crate::registering;
use crate::routes;
use crate::timer::TimerKey;

/// How often the inbox of the period before is read again while clocks may differ, and own affairs are looked at.
const REREAD_AFTER: Span = Span::from_hours(1);

/// How often a mailbox that was left is looked into.
const LEFT_REREAD_AFTER: Span = Span::from_hours(6);

/// Opens the streams that should be open.
pub(crate) fn look_after(engine: &mut Engine, out: &mut Output) {
    choosing::review(engine, out);
    let now = engine.core.now;
    for (used_for, address) in wanted(engine) {
        open(engine, out, used_for, vec![address]);
    }
    let before = mailbox::period_at(now).saturating_sub(1);
    for mailbox in engine.mailboxes.names() {
        if engine.askers.nonce(Use::Read { mailbox, period: before }).is_some() {
            reading::fetch(engine, out, mailbox, before);
        }
    }
    registering::ask_again(engine, out);
    leaving::open_for_notes(engine, out);
    for device in engine.outbox.devices() {
        leaving::leave(engine, out, &device);
    }
    let period_ends = Timestamp((u64::from(mailbox::period_at(now)) + 1) * mailbox::PERIOD.0);
    let regular = period_ends.min(now + REREAD_AFTER).max(now + Span(1));
    engine.core.timers.set_earlier(TimerKey::Mail, regular);
}

/// Opens a stream, now or when the mailbox's pause is over.
pub(crate) fn open(engine: &mut Engine, out: &mut Output, used_for: Use, addresses: Vec<Multiaddress>) {
    if let Some(later) = engine.askers.open(&mut engine.core, out, used_for, addresses) {
        engine.core.timers.set_earlier(TimerKey::Mail, later);
    }
}

/// The inboxes to be read now: this period's, at first and around its beginning the one before, and the next one towards
/// the end, for clocks that differ. Of a mailbox that was left, only those that it was told of.
fn wanted(engine: &Engine) -> Vec<(Use, Multiaddress)> {
    let now = engine.core.now;
    let period = mailbox::period_at(now);
    let into = now.0 % mailbox::PERIOD.0;
    let day = Span::from_days(1).0;
    let mut found = Vec::new();
    for (device, own) in engine.mailboxes.all() {
        let drained_before = |pause| own.drained.is_none_or(|at| now.since(at) >= pause);
        let mut periods = Vec::new();
        if own.is_used() || drained_before(LEFT_REREAD_AFTER) {
            periods.push(period);
        }
        // Read before this period began, it may have got more until then: it was away since.
        let unread = own.drained.is_none_or(|at| at.0 < now.0 - into);
        let reread = unread || (into < day && drained_before(REREAD_AFTER));
        if own.may_hold && reread {
            periods.push(period.saturating_sub(1));
        }
        if own.accepted && own.is_used() && into + day > mailbox::PERIOD.0 {
            periods.push(period.saturating_add(1));
        }
        periods.retain(|period| *period <= own.last_period());
        found.extend(
            periods.into_iter().map(|period| (Use::Read { mailbox: *device, period }, own.address.clone())),
        );
    }
    found
}

/// A stream is open.
pub(crate) fn opened(engine: &mut Engine, out: &mut Output, stream: u64) {
    engine.askers.opened(&mut engine.core, out, stream);
}

/// A stream is gone.
pub(crate) fn closed(engine: &mut Engine, out: &mut Output, stream: u64) {
    let Some(gone) = engine.askers.closed(&mut engine.core, stream) else { return };
    let mailbox = gone.used_for.mailbox();
    if !gone.answered {
        let others = is_in_network(engine, &mailbox);
        engine.standing.failed(engine.core.now, out, &mailbox, others);
    }
    match gone.used_for {
        Use::Read { mailbox, period } => engine.mailboxes.stop_reading(&mailbox, period),
        Use::Leave { mailbox } => {
            if !gone.answered {
                routes::mailbox_silent(engine, &mailbox);
            }
            engine.deposits.rewind(&mailbox);
            for device in gone.lost_notes {
                leaving::owe_later(engine, &device, leaving::NOTES_AGAIN);
            }
        }
        Use::Probe { .. } => {}
    }
    engine.core.timers.set_earlier(TimerKey::Mail, engine.core.now);
    engine.network_changed(out);
}

/// Whether anybody but this mailbox can be reached: else its silence says nothing.
fn is_in_network(engine: &Engine, mailbox: &DeviceId) -> bool {
    let mut nodes = engine.presence.bootstraps_connected();
    nodes.any(|node| node.device != *mailbox)
        || engine.mailboxes.all().any(|(device, _)| device != mailbox && engine.askers.is_ready(device))
}

/// Closes a stream that is of no use, as if the mailbox had.
pub(crate) fn hang_up(engine: &mut Engine, out: &mut Output, used_for: Use) {
    if let Some(stream) = engine.askers.stream_for(used_for) {
        out.effect(Effect::CloseMailbox { stream });
        closed(engine, out, stream);
    }
}

/// Closes the streams to mailboxes that do not answer, and those on which there is nothing more to say.
pub(crate) fn hang_up_overdue(engine: &mut Engine, out: &mut Output) {
    let (mute, idle) = engine.askers.overdue(&mut engine.core);
    for used_for in idle {
        engine.askers.close(out, used_for);
    }
    for used_for in mute {
        engine.core.stats.mute_mailboxes += 1;
        hang_up(engine, out, used_for);
    }
}

/// A mailbox did what was asked of it.
pub(crate) fn worked(engine: &mut Engine, out: &mut Output, used_for: Use) {
    engine.askers.worked(used_for);
    engine.standing.worked(engine.core.now, out, &used_for.mailbox());
}

/// A mailbox answered.
pub(crate) fn answered(
    engine: &mut Engine,
    rows: &dyn Rows,
    out: &mut Output,
    stream: u64,
    answer: Numbered<Answer>,
) {
    let Numbered { number, word } = answer;
    let Some((used_for, asked)) = engine.askers.answered(&mut engine.core, out, stream, number, &word) else {
        engine.core.stats.bad_mailbox_answers += 1;
        return;
    };
    let live = match used_for {
        Use::Read { mailbox, period } => engine.mailboxes.is_caught_up(&mailbox, period),
        _ => false,
    };
    engine.clocks.answered(engine.core.now, &used_for.mailbox(), &asked, &word, live);
    match (used_for, asked, word) {
        (_, Asked::Hello { at }, Answer::Hello { nonce, .. }) => {
            engine.askers.greeted(used_for, nonce);
            engine.standing.answered(out, &used_for.mailbox(), engine.core.now.since(at));
            greeted(engine, out, used_for);
            engine.network_changed(out);
        }
        (Use::Read { mailbox, period }, Asked::Register(about), word) => {
            registering::registered(engine, out, (mailbox, period), about, &word);
        }
        (Use::Read { mailbox, period }, Asked::Subscribe, word) => {
            reading::listed(engine, out, mailbox, period, word);
        }
        (Use::Read { mailbox, period }, Asked::Get, Answer::Envelope { sequence, envelope, work }) => {
            let what = (sequence, &envelope, work);
            reading::fetched(engine, rows, out, (mailbox, period), what);
        }
        (Use::Read { mailbox, period }, Asked::Get, Answer::Gone { sequence }) => {
            reading::gone(engine, out, (mailbox, period), sequence);
        }
        (Use::Read { .. }, Asked::Get, word) => reading::too_fast(engine, out, used_for, &word),
        (Use::Leave { mailbox }, Asked::Deposit { device, position, queue, envelope, told }, word) => {
            let about = leaving::Deposited { mailbox, device, position, queue, envelope, told };
            leaving::deposited(engine, out, &about, &word);
        }
        (Use::Probe { mailbox }, Asked::Info, Answer::Info { capacity, load_percent, .. }) => {
            worked(engine, out, used_for);
            let free = capacity / 100 * u64::from(100_u8.saturating_sub(load_percent));
            engine.standing.has_room(out, &mailbox, free);
            engine.askers.close(out, used_for);
        }
        (Use::Read { mailbox, period }, Asked::Delete, _) => reading::fetch(engine, out, mailbox, period),
        _ => {
            engine.core.stats.bad_mailbox_answers += 1;
            hang_up(engine, out, used_for);
        }
    }
}

/// The mailbox has said hello: now requests may be signed.
fn greeted(engine: &mut Engine, out: &mut Output, used_for: Use) {
    match used_for {
        Use::Read { mailbox, period } => reading::greeted(engine, out, mailbox, period),
        Use::Leave { mailbox } => {
            for device in engine.deposits.served_by(&mailbox) {
                engine.deposits.queue_up(&mailbox, &device);
            }
            leaving::go_on(engine, out, &mailbox);
        }
        Use::Probe { .. } => {
            engine.askers.ask(&mut engine.core, out, used_for, Request::Info {}, Asked::Info);
        }
    }
}

/// What has to go on after a start.
pub(crate) fn start(engine: &mut Engine) {
    engine.core.timers.set(TimerKey::Mail, engine.core.now);
    let devices: Vec<DeviceId> = engine.peers.all().map(|(device, _)| *device).collect();
    for device in devices {
        leaving::owe_later(engine, &device, leaving::NOTES_AT_START);
    }
}
