//! What the commands about public rooms, filters and lists of blocked people do, in terms of the API.

use std::io::Read as _;

use anyhow::Context as _;
use anyhow::Result;
use serde_json::Value;
use serde_json::json;

use crate::cli::args::rooms::BlocksTask;
use crate::cli::args::rooms::FiltersTask;
use crate::cli::args::rooms::RoomsTask;
use crate::cli::client::Client;
use crate::cli::commands::flag;
use crate::cli::commands::list;
use crate::cli::commands::number;
use crate::cli::commands::shown;
use crate::cli::commands::text;
use crate::cli::finding;
use crate::cli::groups::tell_members;
use crate::cli::style;

pub(crate) fn rooms(client: &Client, task: RoomsTask) -> Result<()> {
    match task {
        RoomsTask::List { words, directory } => {
            let directory = directory.map(|wanted| chat_of(client, &wanted)).transpose()?;
            let asked = json!({ "query": words.join(" "), "directory": directory });
            let found = client.call("rooms.list", &asked)?;
            if list(&found, "rooms").is_empty() {
                println!("no rooms: join a directory first, or use other words");
            }
            list(&found, "rooms").iter().for_each(show);
        }
        RoomsTask::Publish { directory, room, language, tags } => {
            let (directory, room) = (chat_of(client, &directory)?, chat_of(client, &room)?);
            let told = json!({
                "chat_id": directory, "room_chat_id": room, "language": language, "tags": tags,
            });
            client.call("rooms.publish", &told)?;
            println!("{}", style::good("listed"));
            tell_members(client);
        }
        RoomsTask::Unpublish { directory, room } => {
            let (directory, room) = (chat_of(client, &directory)?, chat_of(client, &room)?);
            client.call("rooms.unpublish", &json!({ "chat_id": directory, "room_chat_id": room }))?;
            println!("{}", style::good("not listed any more"));
            tell_members(client);
        }
    }
    Ok(())
}

fn chat_of(client: &Client, wanted: &str) -> Result<String> {
    Ok(text(&finding::group(client, wanted)?, "chat_id").to_owned())
}

fn show(room: &Value) {
    let tags: Vec<&str> = list(room, "tags").iter().filter_map(Value::as_str).collect();
    let joined = if flag(room, "joined") { style::good(" you are in") } else { String::new() };
    println!("{} {}{joined}", style::strong(&shown(room, "name")), shown(room, "topic"));
    let facts = [shown(room, "language"), tags.join(", ")].join(" ");
    if !facts.trim().is_empty() {
        println!("  {}", facts.trim());
    }
    println!("  {}", style::faint(text(room, "link")));
}

pub(crate) fn filters(client: &Client, task: FiltersTask) -> Result<()> {
    let known = client.call("account.filters", &json!({}))?;
    let mut words: Vec<String> =
        list(&known, "filters").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match task {
        FiltersTask::List => {
            words.iter().for_each(|word| println!("{word}"));
            return Ok(());
        }
        FiltersTask::Add { words: more } => words.extend(more),
        FiltersTask::Remove { words: gone } => {
            let gone: Vec<String> = gone.iter().map(|word| word.to_lowercase()).collect();
            words.retain(|word| !gone.contains(word));
        }
    }
    client.call("account.set_filters", &json!({ "filters": words }))?;
    println!("{}", style::good("done"));
    Ok(())
}

pub(crate) fn blocks(client: &Client, task: BlocksTask) -> Result<()> {
    match task {
        BlocksTask::Export => {
            let told = client.call("contacts.export_blocks", &json!({}))?;
            print!("{}", text(&told, "text"));
            eprintln!("{}", style::faint(&format!("{} people", number(&told, "count"))));
        }
        BlocksTask::Import { file } => {
            let mut said = String::new();
            match file {
                Some(file) => {
                    said = std::fs::read_to_string(&file)
                        .with_context(|| format!("the list {} cannot be read", file.display()))?;
                }
                None => _ = std::io::stdin().read_to_string(&mut said)?,
            }
            client.call("contacts.import_blocks", &json!({ "text": said }))?;
            println!("{}", style::good("blocked"));
        }
    }
    Ok(())
}
