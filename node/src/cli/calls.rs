//! The commands for calls: placing and taking one, the log, devices.

use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::bail;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::cli::args::CallsTask;
use crate::cli::args::Talk;
use crate::cli::client::Client;
use crate::cli::commands::list;
use crate::cli::commands::number;
use crate::cli::commands::shown;
use crate::cli::commands::text;
use crate::cli::finding;
use crate::cli::style;

/// Calls somebody and stays until it is over.
pub(crate) fn call(client: &Client, wanted: &str, talk: &Talk) -> Result<()> {
    let place = finding::place(client, wanted)?;
    let begun = client.call("calls.start", &json!({ "chat_id": place.chat, "video": talk.video }))?;
    say(&begun);
    stay(client, text(&begun, "call_id"), talk.seconds)
}

/// Waits for somebody to call, answers, and stays until it is over.
pub(crate) fn answer(client: &Client, talk: &Talk, wait: u64) -> Result<()> {
    let rings = |call: &Value| text(call, "state") == "incoming";
    let now = client.call("calls.current", &json!({}))?;
    let all = list(&now, "calls").iter().chain(list(&now, "group_calls"));
    let mut ringing = all.into_iter().find(|call| rings(call)).cloned();
    if ringing.is_none() {
        client.wait_for(Duration::from_secs(wait), |event| {
            ringing = (text(event, "type") == "call.incoming").then(|| event.clone());
            ringing.is_some()
        });
    }
    let Some(ringing) = ringing else { bail!("nobody has called within {wait} seconds") };
    let call =
        client.call("calls.accept", &json!({ "call_id": text(&ringing, "call_id"), "video": talk.video }))?;
    say(&call);
    stay(client, text(&call, "call_id"), talk.seconds)
}

/// Tells what becomes of a call until it is over; hangs up when its time is over.
fn stay(client: &Client, call: &str, seconds: Option<u64>) -> Result<()> {
    let mut last = None;
    let mut ended = |event: &Value| {
        if text(event, "type") != "call.state" || text(event, "call_id") != call {
            return false;
        }
        let state = text(event, "state").to_owned();
        if last.as_ref() != Some(&state) {
            say(event);
        }
        last = Some(state.clone());
        state == "ended"
    };
    // A century, where nobody says for how long: until somebody hangs up or the program is stopped.
    let within = Duration::from_secs(seconds.unwrap_or(100 * 365 * 86_400));
    if client.wait_for(within, &mut ended) {
        return Ok(());
    }
    if seconds.is_none() {
        bail!("the node has ended");
    }
    if let Ok(measured) = client.call("calls.stats", &json!({ "call_id": call })) {
        quality(&measured);
    }
    let begun = Instant::now();
    say(&client.call("calls.hang_up", &json!({ "call_id": call }))?);
    // The others hear of it before the node of a command ends.
    client.wait_for(Duration::from_secs(2).saturating_sub(begun.elapsed()), |_| false);
    Ok(())
}

fn say(call: &Value) {
    let state = text(call, "state");
    let more = match state {
        "ended" => text(call, "end_text").to_owned(),
        "live" if call.get("relayed").and_then(Value::as_bool) == Some(true) => "through a relay".to_owned(),
        _ => String::new(),
    };
    println!("{} {more}", style::strong(state));
}

/// What was measured of a call, in a line for each device.
fn quality(measured: &Value) {
    for leg in list(measured, "legs") {
        let loss = leg.get("loss").and_then(Value::as_f64).unwrap_or(0.0) * 100.0;
        println!("  {} ms there and back, {loss:.1} % lost", number(leg, "rtt_ms"));
        for track in list(leg, "tracks") {
            println!(
                "  {:<10} {:<5} {} packets sent, {} came, {} pictures",
                text(track, "kind"),
                text(track, "codec"),
                number(track, "packets_sent"),
                number(track, "packets"),
                number(track, "frames")
            );
        }
    }
}

/// The log of calls, and how calls are made here.
pub(crate) fn calls(client: &Client, task: Option<CallsTask>) -> Result<()> {
    match task {
        None => log(client),
        Some(CallsTask::Devices { microphone, speaker, camera, screen, recording }) => {
            let mut params = Map::new();
            for (name, word) in [
                ("microphone", microphone),
                ("speaker", speaker),
                ("camera", camera),
                ("screen", screen),
                ("recording", recording),
            ] {
                if let Some(word) = word {
                    params.insert(name.to_owned(), Value::from(word));
                }
            }
            let method = if params.is_empty() { "calls.devices" } else { "calls.choose" };
            devices(&client.call(method, &Value::from(params))?);
            Ok(())
        }
        Some(CallsTask::HideAddress { from }) => {
            if let Some(from) = from {
                client.call("calls.hide_address", &json!({ "from": from.word() }))?;
            }
            let settings = client.call("calls.settings", &json!({}))?;
            println!("hidden in calls from {}", style::strong(text(&settings, "hide_address")));
            Ok(())
        }
    }
}

fn log(client: &Client) -> Result<()> {
    let told = client.call("calls.list", &json!({}))?;
    for line in list(&told, "calls").iter().rev() {
        let call = line.get("call").cloned().unwrap_or_default();
        println!(
            "{}  {}  {}",
            style::faint(text(line, "sent_at")),
            shown(line, "sender_name"),
            text(&call, "text")
        );
    }
    Ok(())
}

fn devices(told: &Value) {
    for found in list(told, "devices") {
        println!(
            "{:<12} {}  {}",
            text(found, "kind"),
            shown(found, "word"),
            style::faint(&shown(found, "name"))
        );
    }
    let chosen = told.get("chosen").and_then(Value::as_object);
    for (kind, word) in chosen.into_iter().flatten() {
        println!("{kind:<12} {}", style::strong(&style::harmless(word.as_str().unwrap_or_default())));
    }
}
