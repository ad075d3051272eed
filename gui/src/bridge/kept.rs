//! The app's own settings: of what the person is told in which chat. One line a chat, `mentions CHAT` or `nothing CHAT`, in
//! a file beside the account. The engine knows nothing of it: another front end on the same folder may want something else.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use kith_proto::id::ChatId;

use crate::model::groups::Notify;

/// The file in the data folder.
const FILE: &str = "app-settings";

/// The longest file that is read: more lines than there can be chats are not ours.
const MAX_BYTES: u64 = 1 << 20;

/// What is kept; nothing where there is no file, and without the lines that cannot be read.
pub(super) fn load(data: &Path) -> BTreeMap<ChatId, Notify> {
    let path = data.join(FILE);
    let is_small = fs::metadata(&path).is_ok_and(|file| file.len() <= MAX_BYTES);
    let text = if is_small { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    text.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<(ChatId, Notify)> {
    let (word, chat) = line.split_once(' ')?;
    let notify = match word {
        "mentions" => Notify::Mentions,
        "nothing" => Notify::Nothing,
        _ => return None,
    };
    Some((chat.trim().parse().ok()?, notify))
}

/// Writes it whole: beside the old file first, so that a crash leaves one of the two.
pub(super) fn save(data: &Path, notify: &BTreeMap<ChatId, Notify>) -> io::Result<()> {
    let lines = notify.iter().filter_map(|(chat, notify)| match notify {
        Notify::All => None,
        Notify::Mentions => Some(format!("mentions {chat}\n")),
        Notify::Nothing => Some(format!("nothing {chat}\n")),
    });
    let text: String = lines.collect();
    let new = data.join(format!("{FILE}.new"));
    fs::write(&new, text)?;
    fs::rename(new, data.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_come_back_and_what_is_not_understood_is_left_out() {
        let folder = std::env::temp_dir().join(format!("kith-kept-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(load(&folder).is_empty());
        let (one, two, three) = (ChatId([1; 16]), ChatId([2; 16]), ChatId([3; 16]));
        let chosen = [(one, Notify::Mentions), (two, Notify::Nothing), (three, Notify::All)];
        save(&folder, &chosen.into()).unwrap();
        let wanted = [(one, Notify::Mentions), (two, Notify::Nothing)];
        assert_eq!(load(&folder), wanted.into());
        fs::write(folder.join(FILE), format!("mentions {one}\nlouder {two}\nnothing 12\n\n")).unwrap();
        assert_eq!(load(&folder), [(one, Notify::Mentions)].into());
        fs::remove_dir_all(folder).unwrap();
    }
}
