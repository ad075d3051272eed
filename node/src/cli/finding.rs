//! Whom and what the words of a command line mean: contacts, groups and members by name, or by address or id when two have the
//! same name.

use anyhow::Result;
use anyhow::anyhow;
use anyhow::bail;
use serde_json::Value;
use serde_json::json;

use crate::cli::client::Client;
use crate::cli::commands::list;
use crate::cli::commands::shown;
use crate::cli::commands::text;

/// A chat that can be written in.
pub(crate) struct Place {
    /// Its id.
    pub(crate) chat: String,
    /// The other one's name, or the group's.
    pub(crate) name: String,
    /// Whether it is a group's.
    pub(crate) group: bool,
}

/// The contact that a name or address means.
pub(crate) fn contact(client: &Client, wanted: &str) -> Result<Value> {
    let found = client.call("contacts.list", &json!({}))?;
    let see = "see “kith-node contacts”";
    only(&named(list(&found, "contacts"), &["contact_id"], wanted), "contact", wanted, see)
}

/// The group that a name or id means.
pub(crate) fn group(client: &Client, wanted: &str) -> Result<Value> {
    let found = client.call("groups.list", &json!({}))?;
    let see = "see “kith-node group list”";
    only(&named(list(&found, "groups"), &["group_id", "chat_id"], wanted), "group", wanted, see)
}

/// The chat with a contact, or that of a group.
pub(crate) fn place(client: &Client, wanted: &str) -> Result<Place> {
    let contacts = client.call("contacts.list", &json!({}))?;
    let groups = client.call("groups.list", &json!({}))?;
    let contacts = named(list(&contacts, "contacts"), &["contact_id", "chat_id"], wanted);
    let groups = named(list(&groups, "groups"), &["group_id", "chat_id"], wanted);
    let place = |value: &Value, group| Place {
        chat: text(value, "chat_id").to_owned(),
        name: shown(value, "name"),
        group,
    };
    match (contacts.as_slice(), groups.as_slice()) {
        ([one], []) => Ok(place(one, false)),
        ([], [one]) => Ok(place(one, true)),
        ([], []) => bail!(
            "there is no contact and no group “{wanted}”: see “kith-node contacts” and “kith-node group list”"
        ),
        _ => bail!(
            "“{wanted}” is more than one chat: use the address from “kith-node contacts” or the id from “kith-node group list”"
        ),
    }
}

/// The address of somebody in a group, of somebody who asks to come in, or of a contact.
pub(crate) fn person(client: &Client, group: &Value, wanted: &str) -> Result<String> {
    let contacts = client.call("contacts.list", &json!({}))?;
    let lists = [list(group, "members"), list(group, "requests"), list(&contacts, "contacts")];
    let mut found: Vec<&str> = Vec::new();
    for person in lists.into_iter().flat_map(|people| named(people, &["contact_id"], wanted)) {
        let address = text(person, "contact_id");
        if !found.contains(&address) {
            found.push(address);
        }
    }
    match found.as_slice() {
        [one] => Ok((*one).to_owned()),
        // Somebody who was banned is in no list with a name.
        [] if wanted.starts_with("kith1") => Ok(wanted.to_owned()),
        [] => Err(anyhow!("there is nobody “{wanted}” in this group or among your contacts")),
        _ => {
            Err(anyhow!("several people are called “{wanted}”: use the address from “kith-node group show”"))
        }
    }
}

fn named<'a>(all: &'a [Value], ids: &[&str], wanted: &str) -> Vec<&'a Value> {
    let wanted_id = wanted.to_ascii_lowercase();
    let is = |value: &&Value| {
        ids.iter().any(|id| text(value, id) == wanted_id)
            || text(value, "name").to_lowercase() == wanted.to_lowercase()
    };
    all.iter().filter(is).collect()
}

fn only(found: &[&Value], what: &str, wanted: &str, see: &str) -> Result<Value> {
    match found {
        [one] => Ok((*one).clone()),
        [] => Err(anyhow!("there is no {what} “{wanted}”: {see}")),
        _ => Err(anyhow!("there is more than one {what} “{wanted}”: {see} and use the address or id")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_two_have_means_neither() {
        let people = [
            json!({ "name": "Ann", "contact_id": "kith1a" }),
            json!({ "name": "Bób", "contact_id": "kith1b" }),
            json!({ "name": "bÓb", "contact_id": "kith1c" }),
        ];
        let find = |wanted| only(&named(&people, &["contact_id"], wanted), "contact", wanted, "see there");
        assert_eq!(find("ANN").unwrap()["contact_id"], "kith1a");
        assert_eq!(find("KITH1C").unwrap()["contact_id"], "kith1c");
        assert!(find("bób").unwrap_err().to_string().contains("more than one contact “bób”"));
        assert!(find("Carol").unwrap_err().to_string().contains("no contact “Carol”"));
    }
}
