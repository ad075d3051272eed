//! What each command for people does, in terms of the API.

use std::io::BufRead as _;
use std::io::IsTerminal as _;
use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::bail;
use kith_engine::Command;
use kith_node::asking::asking;
use serde_json::Value;
use serde_json::json;

use crate::cli::args::Switch;
use crate::cli::args::Task;
use crate::cli::calls;
use crate::cli::client::Client;
use crate::cli::finding;
use crate::cli::groups;
use crate::cli::health;
use crate::cli::mailboxes;
use crate::cli::rooms;
use crate::cli::style;
use crate::cli::talk;
use crate::cli::talk::Said;

/// Carries out one command.
pub(crate) fn run(client: &Client, task: Task, passphrase: Option<String>) -> Result<()> {
    if let Task::Init { name, passphrase: ask, recover } = &task {
        let phrase = recover.then(asked_phrase).transpose()?;
        let passphrase = if *ask && passphrase.is_none() { Some(new_passphrase()?) } else { passphrase };
        return init(client, name, passphrase.as_deref(), phrase.as_deref());
    }
    unlock(client, passphrase)?;
    match task {
        Task::Status => status(client),
        Task::Doctor { report } => health::doctor(client, report.as_deref()),
        Task::Trace { message } => health::trace(client, &message),
        Task::Receipts { message } => health::receipts(client, &message),
        Task::Profile { name, status } => {
            let profile = match (&name, &status) {
                (None, None) => client.call("account.info", &json!({}))?,
                _ => client.call("account.set_profile", &json!({ "name": name, "status": status }))?,
            };
            println!("{} {}", style::strong(text(&profile, "name")), text(&profile, "status"));
            Ok(())
        }
        Task::Invite { uses, hours, wait } => invite(client, uses, hours, wait),
        Task::Add { link, message, wait } => add(client, &link, &message, wait),
        Task::Knocks { allowed } => knocks(client, allowed),
        Task::Contacts => contacts(client),
        Task::Accept { contact } => change(client, "contacts.accept", &contact),
        Task::Block { contact } => change(client, "contacts.block", &contact),
        Task::Unblock { contact } => change(client, "contacts.unblock", &contact),
        Task::Remove { contact, yes } => remove(client, &contact, yes),
        Task::Verify { contact, matched } => verify(client, &contact, matched),
        Task::Send { chat, text, mention, everybody, wait } => {
            talk::send(client, &chat, Said { text, mentions: mention, everybody }, wait)
        }
        Task::Log { chat, limit, ids } => talk::log(client, &chat, limit, ids),
        Task::Chat { chat } => talk::chat(client, &chat),
        Task::Call { chat, talk } => calls::call(client, &chat, &talk),
        Task::Answer { talk, wait } => calls::answer(client, &talk, wait),
        Task::Calls { task } => calls::calls(client, task),
        Task::Group { task } => groups::group(client, task),
        Task::Rooms { task } => rooms::rooms(client, task),
        Task::Filters { task } => rooms::filters(client, task),
        Task::Blocks { task } => rooms::blocks(client, task),
        Task::Bootstrap { task } => mailboxes::bootstrap(client, task),
        Task::Mailboxes { task } => mailboxes::mailboxes(client, task),
        Task::Init { .. } | Task::Run { .. } | Task::Rpc | Task::Completions { .. } => Ok(()),
    }
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A text that somebody else wrote, without what a terminal would take for an order.
pub(crate) fn shown(value: &Value, name: &str) -> String {
    style::harmless(text(value, name))
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

pub(crate) fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn asked_phrase() -> Result<String> {
    if std::io::stdin().is_terminal() {
        return Ok(rpassword::prompt_password("The 24 words of your recovery phrase: ")?);
    }
    let mut words = String::new();
    std::io::stdin().lock().read_line(&mut words)?;
    Ok(words)
}

fn new_passphrase() -> Result<String> {
    let first = rpassword::prompt_password("New passphrase: ")?;
    if first != rpassword::prompt_password("The same again: ")? {
        bail!("the two passphrases differ: try again");
    }
    Ok(first)
}

fn unlock(client: &Client, passphrase: Option<String>) -> Result<()> {
    let info = client.call("account.info", &json!({}))?;
    match text(&info, "state") {
        "none" => bail!("there is no account in this folder yet: make one with “kith-node init NAME”"),
        "locked" => {
            let passphrase = match passphrase {
                Some(passphrase) => passphrase,
                None => rpassword::prompt_password("Passphrase: ")?,
            };
            client.call("account.unlock", &json!({ "passphrase": passphrase })).map(drop)
        }
        _ => Ok(()),
    }
}

fn init(client: &Client, name: &str, passphrase: Option<&str>, phrase: Option<&str>) -> Result<()> {
    let params = json!({ "name": name, "passphrase": passphrase, "phrase": phrase });
    let made = client.call("account.create", &params)?;
    if phrase.is_some() {
        println!("{} {}", style::good("brought back"), text(&made, "account_id"));
        println!(
            "Contacts and messages were on the lost device: add your contacts anew, by a link of theirs or yours."
        );
        return Ok(());
    }
    println!("{} {}", style::good("made"), text(&made, "account_id"));
    println!();
    println!("{}", style::strong("Your recovery phrase, shown this once. Write it on paper:"));
    let words: Vec<&str> = text(&made, "recovery_phrase").split(' ').collect();
    for (row, words) in words.chunks(6).enumerate() {
        let line: Vec<String> = words
            .iter()
            .enumerate()
            .map(|(at, word)| format!("{:>2} {word:<10}", row * 6 + at + 1))
            .collect();
        println!("  {}", line.join(" "));
    }
    Ok(())
}

fn status(client: &Client) -> Result<()> {
    let info = client.call("account.info", &json!({}))?;
    let network = client.call("network.info", &json!({}))?;
    println!("{} {}", style::strong(text(&info, "name")), style::faint(text(&info, "status")));
    println!("  account  {}", text(&info, "account_id"));
    println!("  device   {}", text(&info, "device_id"));
    println!(
        "  daemon   {}",
        if client.is_daemon() { style::good("running") } else { style::faint("not running") }
    );
    for address in list(&network, "listen") {
        println!("  listens  {}", address.as_str().unwrap_or_default());
    }
    let number = |name: &str| network.get(name).and_then(Value::as_u64).unwrap_or(0);
    println!(
        "  online   {} contacts, {} peers, {} in the DHT",
        number("contacts_online"),
        number("peers"),
        number("dht_peers")
    );
    println!(
        "  nodes    {} of {} bootstrap nodes",
        number("bootstraps_connected"),
        list(&network, "bootstraps").len() + list(&network, "bootstraps_named").len()
    );
    Ok(())
}

fn invite(client: &Client, uses: u32, hours: u64, wait: bool) -> Result<()> {
    let params = json!({ "uses": uses, "expires_secs": hours.saturating_mul(3_600) });
    let mut made = client.call("contacts.invite", &params);
    let end = Instant::now() + Duration::from_secs(5);
    // A node that was just started may still be opening its sockets.
    while made.is_err() && client.event(end)?.is_some() {
        made = client.call("contacts.invite", &params);
    }
    let made = made?;
    print_link(text(&made, "link"));
    eprintln!("{}", style::faint(&format!("valid until {} for {uses}", text(&made, "expires_at"))));
    if wait {
        eprintln!("{}", style::faint("waiting for a request; stop with Ctrl+C"));
        client.wait_for(Duration::from_secs(86_400 * 365), |event| {
            let asked = text(event, "type") == "contact.request";
            if asked {
                println!("{} asks: {}", style::name(&shown(event, "name"), false), shown(event, "greeting"));
            }
            asked
        });
    } else if !client.is_daemon() {
        eprintln!(
            "{}",
            style::warn(
                "it works once your mailboxes have heard of it: stay a moment with --wait, or start “kith-node run”"
            )
        );
    }
    Ok(())
}

fn knocks(client: &Client, allowed: Option<Switch>) -> Result<()> {
    if let Some(allowed) = allowed {
        let allowed = matches!(allowed, Switch::On);
        client.call("contacts.allow_knocks", &json!({ "allowed": allowed }))?;
    }
    let view = client.call("contacts.knocks", &json!({}))?;
    if is(&view, "allowed") {
        println!("whoever knows your address may ask to be added: {}", text(&view, "address"));
        let waiting = view.get("waiting").and_then(Value::as_u64).unwrap_or(0);
        if waiting > 0 {
            let (who, waits) = if waiting == 1 { ("stranger", "waits") } else { ("strangers", "wait") };
            println!("{waiting} {who} {waits} for your answer: kith-node contacts");
        }
    } else {
        println!("only those to whom you give a link may ask to be added");
    }
    Ok(())
}

/// A link, on a terminal as a QR code as well.
pub(crate) fn print_link(link: &str) {
    if std::io::stdout().is_terminal()
        && let Ok(code) = qrcode::QrCode::with_error_correction_level(link, qrcode::EcLevel::L)
    {
        println!("{}", code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build());
    }
    println!("{link}");
}

fn add(client: &Client, link: &str, message: &str, wait: u64) -> Result<()> {
    let is_address = matches!(asking(link, String::new()), Ok(Command::Knock { .. }));
    let made = client.call("contacts.add", &json!({ "link": link, "message": message }))?;
    let contact = text(&made, "contact_id").to_owned();
    eprintln!("{}", style::faint("request written; waiting for an answer"));
    let (mut accepted, mut refused) = (text(&made, "state") == "accepted", false);
    if !accepted {
        client.wait_for(Duration::from_secs(wait), |event| {
            if text(event, "type") == "contact.state" && text(event, "contact_id") == contact {
                accepted = text(event, "state") == "accepted";
                refused = event.get("refused").and_then(Value::as_bool) == Some(true);
            }
            accepted || refused
        });
    }
    if refused {
        if is_address {
            bail!(
                "nobody takes requests at this address: they do not want that, or were not there for two days. Ask them \
                 for an invite link"
            );
        }
        bail!("this invite was used up or has expired: ask for a new one");
    }
    if accepted {
        println!("{} {contact}", style::good("accepted"));
    } else {
        println!("{} {contact}: it goes on whenever you are online", style::warn("not answered yet"));
    }
    Ok(())
}

fn is(view: &Value, name: &str) -> bool {
    view.get(name).and_then(Value::as_bool) == Some(true)
}

fn contacts(client: &Client) -> Result<()> {
    let found = client.call("contacts.list", &json!({}))?;
    let found = list(&found, "contacts");
    if found.is_empty() {
        println!("no contacts yet: make an invite with “kith-node invite”, or use one with “kith-node add”");
    }
    for contact in found {
        let online = contact.get("online").and_then(Value::as_bool).unwrap_or(false);
        let verified = contact.get("verified").and_then(Value::as_bool).unwrap_or(false);
        let state = match text(contact, "state") {
            "accepted" if online => style::good("online"),
            "accepted" => style::faint("offline"),
            "incoming" if is(contact, "stranger") => style::warn("asks to be added; knows only your address"),
            "incoming" => style::warn("asks to be added"),
            "requested" if is(contact, "refused") && is(contact, "by_address") => {
                style::warn("nobody is asked at this address: ask for a link")
            }
            "requested" if is(contact, "refused") => {
                style::warn("their invite is used up or too old: ask for a new one")
            }
            "requested" => style::warn("not answered yet"),
            other => style::faint(other),
        };
        let mark = if verified { style::good("✔") } else { " ".to_owned() };
        let name = shown(contact, "name");
        let name = if name.is_empty() { "(unknown)" } else { name.as_str() };
        println!("{mark} {} {state} {}", style::strong(name), style::faint(text(contact, "contact_id")));
        let greeting = shown(contact, "greeting");
        if text(contact, "state") == "incoming" && !greeting.is_empty() {
            println!("    “{greeting}”");
        }
    }
    Ok(())
}

fn change(client: &Client, method: &str, wanted: &str) -> Result<()> {
    let contact = finding::contact(client, wanted)?;
    let changed = client.call(method, &json!({ "contact_id": text(&contact, "contact_id") }))?;
    println!("{} is {}", style::strong(&shown(&changed, "name")), text(&changed, "state"));
    if method == "contacts.accept" && !client.is_daemon() {
        // They should hear of it before this process ends.
        let id = text(&contact, "contact_id").to_owned();
        client.wait_for(Duration::from_secs(5), |event| {
            text(event, "type") == "contact.state"
                && text(event, "contact_id") == id
                && event.get("online").and_then(Value::as_bool) == Some(true)
        });
    }
    Ok(())
}

fn remove(client: &Client, wanted: &str, yes: bool) -> Result<()> {
    let contact = finding::contact(client, wanted)?;
    if !yes {
        eprint!("Forget {} and all messages with them? [y/N] ", shown(&contact, "name"));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !answer.trim().eq_ignore_ascii_case("y") {
            bail!("nothing was removed");
        }
    }
    client.call("contacts.remove", &json!({ "contact_id": text(&contact, "contact_id") }))?;
    println!("removed {}", style::strong(&shown(&contact, "name")));
    Ok(())
}

fn verify(client: &Client, wanted: &str, matched: bool) -> Result<()> {
    let contact = finding::contact(client, wanted)?;
    let id = json!({ "contact_id": text(&contact, "contact_id") });
    if matched {
        client.call("contacts.verify", &id)?;
        println!("{} {}", style::good("verified"), shown(&contact, "name"));
        return Ok(());
    }
    let number = client.call("contacts.safety_number", &id)?;
    let groups: Vec<&str> = text(&number, "groups").split(' ').collect();
    for row in groups.chunks(4) {
        println!("  {}", style::strong(&row.join(" ")));
    }
    println!("{}", style::faint("compare it with what they see, by voice or in person; then add --matched"));
    Ok(())
}
