//! The commands for talking, with one person or in a group: `send`, `log` and `chat`.

use std::io::BufRead as _;
use std::io::Read as _;
use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use serde_json::Value;
use serde_json::json;

use crate::cli::client::Client;
use crate::cli::commands::flag;
use crate::cli::commands::list;
use crate::cli::commands::number;
use crate::cli::commands::shown;
use crate::cli::commands::text;
use crate::cli::finding;
use crate::cli::finding::Place;
use crate::cli::style;

/// What `send` is to send, and to whom in a group it calls.
pub(crate) struct Said {
    pub(crate) text: Option<String>,
    pub(crate) mentions: Vec<String>,
    pub(crate) everybody: bool,
}

pub(crate) fn send(client: &Client, wanted: &str, said: Said, wait: u64) -> Result<()> {
    let place = finding::place(client, wanted)?;
    let words = match said.text {
        Some(words) => words,
        None => {
            let mut words = String::new();
            std::io::stdin().read_to_string(&mut words)?;
            words
        }
    };
    let mut mentions = Vec::new();
    if !said.mentions.is_empty() {
        let group = finding::group(client, &place.chat)?;
        for person in &said.mentions {
            mentions.push(finding::person(client, &group, person)?);
        }
    }
    let params = json!({
        "chat_id": place.chat, "text": words, "mentions": mentions, "mention_all": said.everybody,
    });
    let sent = client.call("messages.send", &params)?;
    let id = text(&sent, "message_id").to_owned();
    let mut receipts = sent.get("receipts").filter(|receipts| receipts.is_object()).cloned();
    let (mut delivered, mut stored, mut copies) = (false, false, None);
    client.wait_for(Duration::from_secs(wait), |event| {
        if text(event, "message_id") != id {
            return false;
        }
        match text(event, "type") {
            "message.receipts" => {
                eprintln!("{}", style::faint(&reached(event)));
                receipts = Some(event.clone());
                delivered = number(event, "delivered") >= number(event, "of");
                delivered
            }
            "message.state" => {
                eprintln!("{}", style::faint(text(event, "state")));
                stored |= text(event, "state") == "stored";
                // In a group that counts, it is not enough that one has it.
                delivered = receipts.is_none() && matches!(text(event, "state"), "delivered" | "read");
                delivered
            }
            "message.copies" => {
                copies = Some(event.clone());
                // All of their mailboxes have it: nothing is left to do here.
                let kept = event.get("copies");
                kept.is_some_and(|kept| {
                    number(kept, "of") > 0 && number(kept, "promised") >= number(kept, "of")
                })
            }
            _ => false,
        }
    });
    match receipts {
        _ if delivered => println!("{}", style::good("delivered")),
        Some(receipts) if number(&receipts, "delivered") > 0 => {
            println!(
                "{}: it goes on to the others whenever you are online",
                style::warn(&reached(&receipts))
            );
        }
        _ if stored => {
            let kept = copies.as_ref().map(promised).unwrap_or_default();
            println!("{}{kept}: it arrives without you", style::good("stored"));
        }
        _ => println!(
            "{}: it is kept here and goes on whenever you are online",
            style::warn("not delivered yet")
        ),
    }
    if !delivered {
        println!("{}", style::faint(&format!("kith-node trace {id}")));
    }
    Ok(())
}

/// How many have an own message.
fn reached(receipts: &Value) -> String {
    let (delivered, read) = (number(receipts, "delivered"), number(receipts, "read"));
    let read = if read > 0 { format!(", read by {read}") } else { String::new() };
    format!("delivered to {delivered} of {}{read}", number(receipts, "of"))
}

/// With how many mailboxes an own message is, and until when they promised to keep it.
fn promised(message: &Value) -> String {
    let Some(copies) = message.get("copies").filter(|copies| number(copies, "promised") > 0) else {
        return String::new();
    };
    let until: String = text(copies, "until").chars().take(10).collect();
    format!(" with {} of {} mailboxes until {until}", number(copies, "promised"), number(copies, "of"))
}

/// The line before which a message's author stands, or what happened in the group.
fn print_message(message: &Value, place: &Place, ids: bool) {
    let time = text(message, "sent_at").get(..16).unwrap_or_default().replace('T', " ");
    let id = if ids { format!("{} ", text(message, "message_id")) } else { String::new() };
    if let Some(line) = message.get("system").filter(|line| line.is_object()) {
        println!("{}", style::faint(&format!("{id}{time} {}", shown(line, "text"))));
        return;
    }
    let outgoing = flag(message, "outgoing");
    let state = match message.get("receipts").filter(|receipts| receipts.is_object()) {
        _ if !outgoing => String::new(),
        Some(receipts) => style::faint(&format!("[{}]", reached(receipts))),
        None => style::faint(&format!("[{}{}]", text(message, "state"), promised(message))),
    };
    let author = match (outgoing, place.group) {
        (true, _) => "you".to_owned(),
        (false, true) => author(message),
        (false, false) => place.name.clone(),
    };
    let said = match message.get("filtered").and_then(Value::as_str) {
        Some(word) => style::faint(&format!("(hidden by your filter “{word}”)")),
        None => shown(message, "text"),
    };
    println!("{} {} {said} {state}", style::faint(&(id + &time)), style::name(&author, outgoing));
}

/// Who wrote in a group: the name, or the beginning of the address of somebody who told none.
fn author(message: &Value) -> String {
    let name = shown(message, "sender_name");
    if name.is_empty() { text(message, "sender").chars().take(13).chain(['…']).collect() } else { name }
}

pub(crate) fn log(client: &Client, wanted: &str, limit: u64, ids: bool) -> Result<()> {
    let place = finding::place(client, wanted)?;
    print_page(client, &place, limit, ids)
}

fn print_page(client: &Client, place: &Place, limit: u64, ids: bool) -> Result<()> {
    let page = client.call("messages.list", &json!({ "chat_id": place.chat, "limit": limit }))?;
    for message in list(&page, "messages") {
        print_message(message, place, ids);
    }
    Ok(())
}

pub(crate) fn chat(client: &Client, wanted: &str) -> Result<()> {
    let place = finding::place(client, wanted)?;
    print_page(client, &place, 20, false)?;
    let (typed, lines) = crossbeam_channel::bounded(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if typed.send(line).is_err() {
                break;
            }
        }
    });
    loop {
        match lines.try_recv() {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                let sent = client.call("messages.send", &json!({ "chat_id": place.chat, "text": line }));
                match sent {
                    Err(error) if place.group => {
                        // Slow mode and mutes pass: what others say is still shown.
                        eprintln!("{} {error}", style::warn("not sent:"));
                    }
                    sent => drop(sent?),
                }
            }
            Err(crossbeam_channel::TryRecvError::Empty) => {}
            Err(crossbeam_channel::TryRecvError::Disconnected) => return Ok(()),
        }
        // Events come over a pipe and lines from a terminal; looking at both in turn is enough for a person.
        if let Some(event) = client.event(Instant::now() + Duration::from_millis(50))?
            && text(&event, "chat_id") == place.chat
        {
            show(client, &place, &event)?;
        }
    }
}

/// Shows what came into the chat that is open.
fn show(client: &Client, place: &Place, event: &Value) -> Result<()> {
    match text(event, "type") {
        "message.received" => {
            print_message(event, place, false);
            let seen = json!({ "chat_id": place.chat, "message_id": text(event, "message_id") });
            client.call("messages.mark_read", &seen).map(drop)
        }
        "message.deleted" => {
            println!("{}", style::faint("a message was deleted"));
            Ok(())
        }
        _ => Ok(()),
    }
}
