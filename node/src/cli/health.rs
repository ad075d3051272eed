//! The commands for a person who asks why: the doctor, its report, and what became of a message.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use serde_json::json;

use crate::cli::client::Client;
use crate::cli::commands::list;
use crate::cli::commands::text;
use crate::cli::style;

/// What is known about the connection, on the terminal or as a report in a file.
pub(crate) fn doctor(client: &Client, file: Option<&Path>) -> Result<()> {
    if !client.is_daemon() {
        // A node that was just started needs a moment to know anything.
        client.wait_for(Duration::from_secs(3), |_| false);
    }
    if let Some(file) = file {
        return report(client, file);
    }
    let told = client.call("network.doctor", &json!({}))?;
    println!("{}", style::strong(text(&told, "summary")));
    for finding in list(&told, "findings") {
        let mark = match text(finding, "severity") {
            "problem" | "warning" => style::warn("look"),
            "unknown" => style::faint("?   "),
            _ => style::good("well"),
        };
        println!("{mark}  {:<16} {}", text(finding, "about"), text(finding, "fact"));
        if !text(finding, "action").is_empty() {
            println!("      {:<16} {}", "", style::strong(text(finding, "action")));
        }
    }
    Ok(())
}

fn report(client: &Client, file: &Path) -> Result<()> {
    let told = client.call("network.report", &json!({}))?;
    // Nothing is written over: the file may be one that somebody needs.
    let made = std::fs::File::create_new(file);
    let written = made.and_then(|mut made| made.write_all(text(&told, "report").as_bytes()));
    written.with_context(|| format!("the report could not be written to {}", file.display()))?;
    println!(
        "{} {}; it names nobody: read it before you pass it on",
        style::good("written to"),
        file.display()
    );
    Ok(())
}

/// Who has an own message of a group.
pub(crate) fn receipts(client: &Client, message: &str) -> Result<()> {
    let told = client.call("messages.receipts", &json!({ "message_id": message }))?;
    let receipts = list(&told, "receipts");
    if receipts.is_empty() {
        println!("only own messages in groups of at most 32 are confirmed by each member");
    }
    for receipt in receipts {
        let name = Some(text(receipt, "name")).filter(|name| !name.is_empty());
        let state = style::strong(&format!("{:<10}", text(receipt, "state")));
        println!("{state} {}", name.unwrap_or_else(|| text(receipt, "contact_id")));
    }
    Ok(())
}

/// What became of a message.
pub(crate) fn trace(client: &Client, message: &str) -> Result<()> {
    let traced = client.call("messages.trace", &json!({ "message_id": message }))?;
    println!("{}", text(&traced, "summary"));
    for device in list(&traced, "devices") {
        println!("  {} {}", text(device, "device_id"), style::strong(text(device, "state")));
        for sentence in list(device, "words") {
            println!("    {}", sentence.as_str().unwrap_or_default());
        }
        for (at, kept) in list(device, "mailboxes").iter().enumerate() {
            println!("    {}", style::faint(&format!("mailbox {}: {}", at + 1, text(kept, "mailbox"))));
        }
    }
    Ok(())
}
