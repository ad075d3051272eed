//! The app's own settings: look, language, what notifications say, and of what the person is told in which chat. One line each,
//! in a file beside the account. The engine knows nothing of it: another front end on the same folder may want something else.
//!
//! ```text
//!  language de        theme dark        show name        mentions CHAT        nothing CHAT
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use kith_proto::id::ChatId;

use crate::i18n::Language;
use crate::model::groups::Notify;
use crate::model::notices::Show;
use crate::theme::Choice;

/// The file in the data folder.
const FILE: &str = "app-settings";

/// The longest file that is read: more lines than there can be chats are not ours.
const MAX_BYTES: u64 = 1 << 20;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The language; as the system has it if none was chosen.
    pub language: Option<Language>,
    /// The look.
    pub theme: Choice,
    /// What notifications say.
    pub show: Show,
    /// Of what the person is told, where that is not everything.
    pub notify: BTreeMap<ChatId, Notify>,
}

/// What is kept; nothing where there is no file, and without the lines that cannot be read.
pub fn load(data: &Path) -> Kept {
    let path = data.join(FILE);
    let is_small = fs::metadata(&path).is_ok_and(|file| file.len() <= MAX_BYTES);
    let text = if is_small { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    let mut kept = Kept::default();
    text.lines().for_each(|line| kept.take(line));
    kept
}

impl Kept {
    /// Takes a line; one that is not understood changes nothing.
    fn take(&mut self, line: &str) {
        let Some((word, value)) = line.split_once(' ') else { return };
        let value = value.trim();
        match word {
            "language" => self.language = Language::from_tag(value).or(self.language),
            "theme" => {
                let found = THEMES.into_iter().find(|(_, word)| *word == value);
                self.theme = found.map_or(self.theme, |(choice, _)| choice);
            }
            "show" => {
                let found = SHOWS.into_iter().find(|(_, word)| *word == value);
                self.show = found.map_or(self.show, |(show, _)| show);
            }
            "mentions" => self.tell(value, Notify::Mentions),
            "nothing" => self.tell(value, Notify::Nothing),
            _ => {}
        }
    }

    fn tell(&mut self, chat: &str, notify: Notify) {
        if let Ok(chat) = chat.parse() {
            self.notify.insert(chat, notify);
        }
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        lines.extend(self.language.map(|language| format!("language {}\n", language.code())));
        let theme = THEMES.iter().find(|(choice, _)| *choice == self.theme);
        lines.extend(theme.map(|(_, word)| format!("theme {word}\n")));
        let show = SHOWS.iter().find(|(show, _)| *show == self.show);
        lines.extend(show.map(|(_, word)| format!("show {word}\n")));
        lines.extend(self.notify.iter().filter_map(|(chat, notify)| match notify {
            Notify::All => None,
            Notify::Mentions => Some(format!("mentions {chat}\n")),
            Notify::Nothing => Some(format!("nothing {chat}\n")),
        }));
        lines.concat()
    }
}

/// Writes it whole: beside the old file first, so that a crash leaves one of the two.
pub(super) fn save(data: &Path, kept: &Kept) -> io::Result<()> {
    let new = data.join(format!("{FILE}.new"));
    fs::write(&new, kept.text())?;
    fs::rename(new, data.join(FILE))
}

const THEMES: [(Choice, &str); 3] =
    [(Choice::System, "system"), (Choice::Light, "light"), (Choice::Dark, "dark")];

const SHOWS: [(Show, &str); 3] = [(Show::Text, "text"), (Show::Name, "name"), (Show::Nothing, "nothing")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_come_back_and_what_is_not_understood_is_left_out() {
        let folder = std::env::temp_dir().join(format!("kith-kept-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(load(&folder), Kept::default());
        let (one, two, three) = (ChatId([1; 16]), ChatId([2; 16]), ChatId([3; 16]));
        let told = |pairs: &[(ChatId, Notify)]| pairs.iter().copied().collect::<BTreeMap<_, _>>();
        let mut kept = Kept {
            language: Some(Language::French),
            theme: Choice::Dark,
            show: Show::Name,
            notify: told(&[(one, Notify::Mentions), (two, Notify::Nothing), (three, Notify::All)]),
        };
        save(&folder, &kept).unwrap();
        kept.notify.remove(&three);
        assert_eq!(load(&folder), kept);
        let old = format!("mentions {one}\nlouder {two}\nnothing 12\nlanguage xx\ntheme pink\n\n");
        fs::write(folder.join(FILE), old).unwrap();
        assert_eq!(load(&folder), Kept { notify: told(&[(one, Notify::Mentions)]), ..Kept::default() });
        fs::remove_dir_all(folder).unwrap();
    }
}
