//! `kith-node mailboxes` and `kith-node bootstrap`: own mailboxes, community nodes, keeping mail for others.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use serde_json::json;

use crate::cli::args::BootstrapTask;
use crate::cli::args::MailboxTask;
use crate::cli::args::Switch;
use crate::cli::args::WhoArg;
use crate::cli::client::Client;
use crate::cli::commands::flag;
use crate::cli::commands::list;
use crate::cli::commands::number;
use crate::cli::commands::text;
use crate::cli::style;

pub(crate) fn mailboxes(client: &Client, task: MailboxTask) -> Result<()> {
    match task {
        MailboxTask::List => list_own(client),
        MailboxTask::Add { address, voucher } => {
            client.call("mailboxes.add", &json!({ "address": address, "voucher": voucher }))?;
            println!("{}", style::good("added"));
            Ok(())
        }
        MailboxTask::Remove { mailbox } => {
            let name = if mailbox.starts_with('/') { "address" } else { "device_id" };
            client.call("mailboxes.remove", &json!({ name: mailbox }))?;
            println!("removed; what it still holds for you is sent again by those who wrote it");
            Ok(())
        }
        MailboxTask::HelpOthers { switch: None, .. } => {
            let view = client.call("mailboxes.helping", &json!({}))?;
            show_helping(&view);
            Ok(())
        }
        MailboxTask::HelpOthers { switch: Some(switch), size, who, inboxes } => {
            let who = who.map(|who| match who {
                WhoArg::Contacts => "contacts",
                WhoArg::Anybody => "anybody",
            });
            let enabled = matches!(switch, Switch::On);
            let params = json!({ "enabled": enabled, "bytes": size, "who": who, "inboxes": inboxes });
            let view = client.call("mailboxes.help", &params)?;
            show_helping(&view);
            if enabled && !client.is_daemon() {
                eprintln!("{}", style::warn("nothing is kept while you are offline: start “kith-node run”"));
            }
            Ok(())
        }
    }
}

/// The day and minute of an RFC 3339 time.
fn moment(value: &Value, name: &str) -> Option<String> {
    Some(text(value, name)).filter(|text| !text.is_empty()).map(|text| text.chars().take(16).collect())
}

fn list_own(client: &Client) -> Result<()> {
    if !client.is_daemon() {
        // A node that was just started needs a moment to reach any.
        client.wait_for(Duration::from_secs(3), |_| false);
    }
    let answer = client.call("mailboxes.list", &json!({}))?;
    let own = list(&answer, "mailboxes");
    if own.is_empty() {
        println!("none; add a community node, or ask a contact to keep mail for others");
    }
    for own in own {
        let state = match (flag(own, "accepted"), flag(own, "connected")) {
            _ if flag(own, "closing") => style::warn("closing"),
            _ if flag(own, "refused") => style::warn("refuses"),
            (true, true) => style::good("keeps"),
            (true, false) => style::warn("away"),
            (false, _) => style::faint("asked"),
        };
        let how = if flag(own, "chosen") { "chosen by you" } else { "found" };
        println!("{state}  {}  {}", text(own, "address"), style::faint(how));
        let times = [("since", "since"), ("last mail", "last_deposit_at"), ("read", "last_read_at")];
        let mut facts: Vec<String> = times
            .into_iter()
            .filter_map(|(word, name)| Some(format!("{word} {}", moment(own, name)?)))
            .collect();
        if let Some(left) = own.get("quota_left").and_then(Value::as_u64) {
            facts.push(format!("{} left", size(left)));
        }
        if flag(own, "refused") {
            println!("       {}", text(own, "refusal_text"));
        }
        if !facts.is_empty() {
            println!("       {}", style::faint(&facts.join(", ")));
        }
    }
    Ok(())
}

fn show_helping(view: &Value) {
    let kept = format!(
        "{} for {} inboxes, {} envelopes",
        size(number(view, "bytes")),
        number(view, "inboxes"),
        number(view, "envelopes")
    );
    match (flag(view, "enabled"), flag(view, "closing")) {
        (true, _) => {
            let who = if text(view, "who") == "anybody" { "anybody" } else { "your contacts" };
            let most = size(number(view, "capacity_bytes"));
            println!("{}  mail of {who} is kept here, {most} at most", style::good("on"));
            println!("     kept now: {kept}");
            for address in list(view, "addresses") {
                println!("     address:  {}", address.as_str().unwrap_or_default());
            }
        }
        (false, true) => {
            let until = moment(view, "until").map(|until| format!(", until {until} at the latest"));
            println!("{}  nothing new is taken; what is there is still given out", style::warn("off"));
            println!("     kept now: {kept}{}", until.unwrap_or_default());
        }
        (false, false) => println!("off  nothing is kept for others"),
    }
    if !text(view, "problem").is_empty() {
        println!("{}  {} (it is tried again by itself)", style::warn("look"), text(view, "problem"));
    }
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let unit = (0..UNITS.len()).rev().find(|unit| bytes >= 1 << (10 * unit)).unwrap_or(0);
    let name = UNITS.get(unit).copied().unwrap_or_default();
    let whole = bytes as f64 / (1_u64 << (10 * unit)) as f64;
    if unit == 0 || whole >= 10.0 { format!("{whole:.0} {name}") } else { format!("{whole:.1} {name}") }
}

pub(crate) fn bootstrap(client: &Client, task: BootstrapTask) -> Result<()> {
    match task {
        BootstrapTask::Add { address } => {
            client.call("network.add_bootstrap", &json!({ "address": address }))?;
            println!("{}", style::good("added"));
        }
        BootstrapTask::Remove { address } => {
            client.call("network.remove_bootstrap", &json!({ "address": address }))?;
            println!("removed");
        }
        BootstrapTask::List => {
            let known = client.call("network.bootstraps", &json!({}))?;
            for node in list(&known, "bootstraps") {
                let connected = flag(node, "connected");
                let state = if connected { style::good("connected") } else { style::faint("away     ") };
                let does = [("relays", "relays for you"), ("mailbox", "keeps your mail")];
                let does = does.into_iter().filter(|(name, _)| flag(node, name)).map(|(_, word)| word);
                let named = (!flag(node, "kept")).then_some("named with --bootstrap, not kept");
                let does = does.chain(named).collect::<Vec<_>>().join(", ");
                println!("{state}  {}  {}", text(node, "address"), style::faint(&does));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_written_as_people_read_them() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(1 << 30), "1.0 GiB");
        assert_eq!(size(700 << 20), "700 MiB");
    }
}
