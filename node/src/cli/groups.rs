//! `kith-node group`: what can be done with groups, in terms of the API.

use std::io::BufRead as _;
use std::time::Duration;

use anyhow::Result;
use anyhow::bail;
use serde_json::Value;
use serde_json::json;

use crate::cli::args::groups::Group;
use crate::cli::args::groups::GroupTask;
use crate::cli::args::groups::HistoryArg;
use crate::cli::args::groups::Member;
use crate::cli::args::groups::Message;
use crate::cli::args::groups::RoleArg;
use crate::cli::args::groups::Rules;
use crate::cli::client::Client;
use crate::cli::commands::flag;
use crate::cli::commands::list;
use crate::cli::commands::number;
use crate::cli::commands::print_link;
use crate::cli::commands::shown;
use crate::cli::commands::text;
use crate::cli::finding;
use crate::cli::style;

/// How long a node that was started for one command stays to tell members who are there. A running one needs no such time.
const TELL_FOR: Duration = Duration::from_secs(3);

pub(crate) fn group(client: &Client, task: GroupTask) -> Result<()> {
    match task {
        GroupTask::Create { name, members, public, directory, observers_first } => {
            return create(client, &name, &members, (public, directory, observers_first));
        }
        GroupTask::Report { message, reason } => return report(client, &message, &reason),
        GroupTask::List => return list_all(client),
        GroupTask::Show(group) => return show(client, &group),
        GroupTask::Policy { group, rules } => return policy(client, &group, &rules),
        GroupTask::Link { group, role, hours, uses, approval, work } => {
            let asked = json!({
                "role": role.map(RoleArg::word),
                "expires_secs": hours.map(|hours| hours.saturating_mul(3_600)),
                "uses": uses,
                "approval": approval.then_some(true),
                "work_bits": work,
            });
            return link(client, &group, asked);
        }
        GroupTask::Join { link, wait } => return join(client, &link, wait),
        GroupTask::Forget { group, yes } => return forget(client, &group, yes),
        GroupTask::Add { group, people, role } => add(client, &group, &people, role)?,
        GroupTask::Accept(group) => change(client, &group, "accept", json!({}), "you stay in")?,
        GroupTask::Leave(group) => change(client, &group, "leave", json!({}), "you left")?,
        GroupTask::Rename { group, name } => {
            change(client, &group, "set_profile", json!({ "name": name }), "is the name now:")?;
        }
        GroupTask::Topic { group, topic } => {
            change(client, &group, "set_profile", json!({ "topic": topic }), "has a new topic:")?;
        }
        GroupTask::Unlink { group, link } => {
            change(client, &group, "revoke_link", json!({ "link_id": link }), "took the link back of")?;
        }
        GroupTask::Role { member, role } => {
            about(client, &member, "set_role", json!({ "role": role.word() }))?;
        }
        GroupTask::Remove(member) => about(client, &member, "remove", json!({}))?,
        GroupTask::Ban(member) => about(client, &member, "ban", json!({}))?,
        GroupTask::Unban(member) => about(client, &member, "unban", json!({}))?,
        GroupTask::Mute { member, minutes } => {
            let secs = minutes.map(|minutes| minutes.saturating_mul(60).max(1));
            about(client, &member, "mute", json!({ "secs": secs }))?;
        }
        GroupTask::Unmute(member) => about(client, &member, "mute", json!({ "secs": 0 }))?,
        GroupTask::Approve(member) => about(client, &member, "approve", json!({}))?,
        GroupTask::Refuse(member) => about(client, &member, "refuse", json!({}))?,
        GroupTask::Pin(message) => message_of(client, &message, "pin")?,
        GroupTask::Unpin(message) => message_of(client, &message, "unpin")?,
        GroupTask::Delete(message) => message_of(client, &message, "delete_for_all")?,
    }
    tell_members(client);
    Ok(())
}

/// Members who are there hear of a change before a node that was started for it ends.
pub(crate) fn tell_members(client: &Client) {
    if !client.is_daemon() {
        client.wait_for(TELL_FOR, |_| false);
        eprintln!("{}", style::faint("who is not there now hears of it whenever you are online"));
    }
}

fn create(
    client: &Client,
    name: &str,
    members: &[String],
    (public, directory, observers_first): (bool, bool, bool),
) -> Result<()> {
    let mut ids = Vec::new();
    for member in members {
        ids.push(text(&finding::contact(client, member)?, "contact_id").to_owned());
    }
    let wanted = json!({
        "name": name, "members": ids, "public": public, "directory": directory,
        "observers_first": observers_first,
    });
    let made = client.call("groups.create", &wanted)?;
    let count = list(&made, "members").len();
    println!("{} {}, with {}", style::good("made"), style::strong(&shown(&made, "name")), members_of(count));
    println!("{}", style::faint(text(&made, "group_id")));
    tell_members(client);
    Ok(())
}

fn members_of(count: usize) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}

fn list_all(client: &Client) -> Result<()> {
    let found = client.call("groups.list", &json!({}))?;
    let chats = client.call("chats.list", &json!({}))?;
    let found = list(&found, "groups");
    if found.is_empty() {
        println!("no groups yet: make one with “kith-node group create NAME CONTACT…”");
    }
    for group in found {
        let chat = list(&chats, "chats").iter().find(|chat| text(chat, "chat_id") == text(group, "chat_id"));
        let unread = match chat.map_or(0, |chat| number(chat, "unread")) {
            0 => String::new(),
            unread => format!(" {}", style::good(&format!("{unread} unread"))),
        };
        let standing = standing(group);
        let count = members_of(list(group, "members").len());
        println!("{} {standing}, {count}{unread}", style::strong(&shown(group, "name")));
        println!("  {}", style::faint(text(group, "group_id")));
    }
    Ok(())
}

/// How this account stands to a group.
fn standing(group: &Value) -> String {
    match text(group, "state") {
        "joined" => text(group, "role").to_owned(),
        "asking" => style::warn("you asked to come in"),
        "invited" => style::warn("you were added by somebody who is no contact: accept or leave"),
        other => style::faint(other),
    }
}

fn show(client: &Client, group: &Group) -> Result<()> {
    let found = finding::group(client, &group.group)?;
    let group = call(client, &found, "info", json!({}))?;
    let own = client.call("account.info", &json!({}))?;
    println!("{} {}", style::strong(&shown(&group, "name")), shown(&group, "topic"));
    println!("  you      {}", standing(&group));
    println!("  id       {}", style::faint(text(&group, "group_id")));
    println!("{}", members_of(list(&group, "members").len()));
    for member in list(&group, "members") {
        let address = text(member, "contact_id");
        let mut facts = vec![text(member, "role").to_owned()];
        facts.extend((address == text(&own, "account_id")).then(|| "you".to_owned()));
        facts.extend(flag(member, "online").then(|| style::good("online")));
        if let Some(until) = member.get("muted_until").and_then(Value::as_str) {
            facts.push(style::warn(&format!("muted until {}", minute(until))));
        }
        println!("  {} {} {}", name_of(member), facts.join(", "), style::faint(address));
    }
    for request in list(&group, "requests") {
        let address = style::faint(text(request, "contact_id"));
        println!("  {} {} {address}", name_of(request), style::warn("asks to come in"));
    }
    for banned in list(&group, "banned") {
        println!("  {} {}", style::faint("banned"), banned.as_str().unwrap_or_default());
    }
    for link in list(&group, "links") {
        println!("  link {} {}", text(link, "link_id"), style::faint(&about_link(link)));
    }
    for report in list(&group, "reports") {
        let why =
            format!("{} “{}” {}", text(report, "message_id"), shown(report, "text"), shown(report, "reason"));
        println!("  {} {why}", style::warn("reported"));
    }
    for pin in list(&group, "pins") {
        println!("  pinned {}", pin.as_str().unwrap_or_default());
    }
    Ok(())
}

fn about_link(link: &Value) -> String {
    let mut facts = vec![format!("for a new {}", text(link, "role"))];
    facts.push(match number(link, "uses") {
        0 => format!("used {} times", number(link, "used")),
        uses => format!("used {} times of {uses}", number(link, "used")),
    });
    if !text(link, "expires_at").is_empty() {
        facts.push(format!("until {}", minute(text(link, "expires_at"))));
    }
    if flag(link, "approval") {
        facts.push("somebody has to agree".to_owned());
    }
    facts.join(", ")
}

fn name_of(person: &Value) -> String {
    let name = shown(person, "name");
    style::name(if name.is_empty() { "(unknown)" } else { &name }, false)
}

/// The day and minute of an RFC 3339 time.
fn minute(time: &str) -> String {
    time.chars().take(16).collect::<String>().replace('T', " ")
}

/// Calls a method on a group with more parameters.
fn call(client: &Client, group: &Value, method: &str, mut params: Value) -> Result<Value> {
    if let Some(fields) = params.as_object_mut() {
        fields.insert("group_id".to_owned(), Value::from(text(group, "group_id")));
    }
    client.call(&format!("groups.{method}"), &params)
}

fn change(client: &Client, group: &Group, method: &str, params: Value, done: &str) -> Result<()> {
    let group = finding::group(client, &group.group)?;
    let changed = call(client, &group, method, params)?;
    let name =
        if text(&changed, "name").is_empty() { shown(&group, "name") } else { shown(&changed, "name") };
    println!("{done} {}", style::strong(&name));
    Ok(())
}

fn add(client: &Client, group: &Group, people: &[String], role: RoleArg) -> Result<()> {
    let group = finding::group(client, &group.group)?;
    let mut members = Vec::new();
    for person in people {
        members.push(finding::person(client, &group, person)?);
    }
    let count = members.len();
    call(client, &group, "add", json!({ "members": members, "role": role.word() }))?;
    println!("{} {count} to {}", style::good("added"), style::strong(&shown(&group, "name")));
    Ok(())
}

/// Does something to somebody in a group.
fn about(client: &Client, member: &Member, method: &str, mut params: Value) -> Result<()> {
    let group = finding::group(client, &member.group.group)?;
    let person = finding::person(client, &group, &member.person)?;
    if let Some(fields) = params.as_object_mut() {
        fields.insert("contact_id".to_owned(), Value::from(person));
    }
    call(client, &group, method, params)?;
    println!("{} {} in {}", style::good("done:"), done(method), style::strong(&shown(&group, "name")));
    Ok(())
}

fn done(method: &str) -> &'static str {
    match method {
        "set_role" => "another role",
        "remove" => "one less",
        "ban" => "one less, for good",
        "unban" => "a ban lifted",
        "mute" => "a mute set or lifted",
        "approve" => "let in",
        _ => "not let in",
    }
}

fn message_of(client: &Client, message: &Message, method: &str) -> Result<()> {
    let group = finding::group(client, &message.group.group)?;
    let params = json!({ "chat_id": text(&group, "chat_id"), "message_id": message.message });
    client.call(&format!("messages.{method}"), &params)?;
    println!("{}", style::good("done"));
    Ok(())
}

fn policy(client: &Client, group: &Group, rules: &Rules) -> Result<()> {
    let mut group = finding::group(client, &group.group)?;
    let (history, count) = match rules.history {
        None => (None, None),
        Some(HistoryArg::None) => (Some("none"), None),
        Some(HistoryArg::All) => (Some("all"), None),
        Some(HistoryArg::Last(count)) => (Some("last"), Some(count)),
    };
    let role = |role: Option<RoleArg>| role.map(RoleArg::word);
    let changes = json!({
        "invite": role(rules.invite),
        "post": role(rules.post),
        "pin": role(rules.pin),
        "mention_all": role(rules.mention_all),
        "send_files": role(rules.send_files),
        "start_calls": role(rules.start_calls),
        "change_profile": role(rules.change_profile),
        "slow_mode_secs": rules.slow_mode,
        "history": history,
        "history_count": count,
        "retention_secs": rules.retention,
        "approve_links": rules.approve_links,
        "public": rules.public,
        "directory": rules.directory,
        "observers_first": rules.observers_first,
    });
    let named = changes.as_object().is_some_and(|rules| rules.values().any(|rule| !rule.is_null()));
    if named {
        group = call(client, &group, "set_policy", json!({ "policy": changes }))?;
    }
    if let Some(policy) = group.get("policy") {
        show_policy(policy);
    }
    if named {
        tell_members(client);
    }
    Ok(())
}

fn show_policy(policy: &Value) {
    let who = [
        ("adds people and makes links", "invite"),
        ("writes messages", "post"),
        ("pins messages", "pin"),
        ("calls everybody", "mention_all"),
        ("sends files", "send_files"),
        ("starts calls", "start_calls"),
        ("changes name, topic and picture", "change_profile"),
    ];
    for (what, name) in who {
        println!("  {:<32} {}", what, style::strong(text(policy, name)));
    }
    let history = match text(policy, "history") {
        "last" => format!("the last {} messages", number(policy, "history_count")),
        "all" => "everything".to_owned(),
        _ => "nothing".to_owned(),
    };
    println!("  {:<32} {history}", "newcomers see of earlier messages");
    let after = |name: &str| match number(policy, name) {
        0 => "no".to_owned(),
        secs => format!("{secs} s"),
    };
    println!("  {:<32} {}", "slow mode", after("slow_mode_secs"));
    println!("  {:<32} {}", "messages disappear", after("retention_secs"));
    let approve = if flag(policy, "approve_links") { "yes" } else { "as the link says" };
    println!("  {:<32} {approve}", "whoever comes by a link waits");
    let yes = |name: &str| if flag(policy, name) { "yes" } else { "no" };
    println!("  {:<32} {}", "a public room", yes("public"));
    println!("  {:<32} {}", "a directory of rooms", yes("directory"));
}

fn report(client: &Client, message: &Message, reason: &str) -> Result<()> {
    let group = finding::group(client, &message.group.group)?;
    let told = json!({ "chat_id": text(&group, "chat_id"), "message_id": message.message, "reason": reason });
    client.call("groups.report", &told)?;
    println!("{}: those who keep order in this group are told", style::good("reported"));
    tell_members(client);
    Ok(())
}

fn link(client: &Client, group: &Group, params: Value) -> Result<()> {
    let group = finding::group(client, &group.group)?;
    let made = call(client, &group, "invite", params)?;
    print_link(text(&made, "link"));
    eprintln!("{}", style::faint(&format!("its id is {}", text(&made, "link_id"))));
    if !client.is_daemon() {
        eprintln!(
            "{}",
            style::warn(
                "while all members who may let people in are offline, requests wait in their mailboxes"
            )
        );
    }
    tell_members(client);
    Ok(())
}

fn join(client: &Client, link: &str, wait: u64) -> Result<()> {
    let asked = client.call("groups.join", &json!({ "link": link }))?;
    let id = text(&asked, "group_id").to_owned();
    let (mut last, mut refused) = (asked, false);
    if text(&last, "state") != "joined" {
        eprintln!("{}", style::faint("asked; waiting until somebody lets you in"));
        client.wait_for(Duration::from_secs(wait), |event| {
            let about = text(event, "type") == "group.changed" && text(event, "group_id") == id;
            if about {
                last = event.clone();
            }
            refused = text(event, "type") == "group.forgotten" && text(event, "group_id") == id;
            refused || about && text(event, "state") == "joined"
        });
    }
    if refused {
        bail!("you were not let in: the link was used up, taken back or has expired");
    }
    if text(&last, "state") == "joined" {
        println!("{} {}", style::good("you are in"), style::strong(&shown(&last, "name")));
    } else {
        println!("{}: it goes on whenever you are online", style::warn("nobody has let you in yet"));
    }
    Ok(())
}

fn forget(client: &Client, group: &Group, yes: bool) -> Result<()> {
    let group = finding::group(client, &group.group)?;
    if !yes {
        eprint!("Forget {} and all its messages? [y/N] ", shown(&group, "name"));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if !answer.trim().eq_ignore_ascii_case("y") {
            bail!("nothing was forgotten");
        }
    }
    call(client, &group, "forget", json!({}))?;
    println!("forgot {}", style::strong(&shown(&group, "name")));
    Ok(())
}
