//! The sources of the app as a reader of texts sees them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// A place where the code says something.
pub(super) struct Call {
    pub(super) key: String,
    pub(super) places: BTreeSet<String>,
}

/// Files whose texts nobody reads in the window: what the terminal shows, the keys of files, names of glyphs and errors of
/// tests.
const NOT_SHOWN: [&str; 5] = ["main.rs", "theme/icons.rs", "theme/fonts.rs", "bridge/kept.rs", "i18n.rs"];

/// What stands before a text that nobody reads: names of widgets, log lines, reasons for what cannot fail.
const BEFORE: [&str; 13] = [
    "say!(",
    "expect(",
    "reason =",
    "Id::unique(",
    "Id::unique((",
    "id_salt(",
    ".with(",
    "Panel::left(",
    "Panel::right(",
    "Panel::top(",
    "Panel::bottom(",
    "Grid::new(",
    "write_str(",
];

/// Texts that are the same in every language, or that are read by programs.
const SAME: [&str; 9] =
    ["Kith", "({count}) Kith", "TZif", "Downloads", "KiB", "MiB", "GiB", "TiB", "CARGO_PKG_VERSION"];

/// Every `say!` in the sources.
pub(super) fn calls() -> Vec<Call> {
    let mut found = Vec::new();
    for (_, source) in sources() {
        for (at, _) in source.match_indices("say!(") {
            let Some(inside) = inside(&source[at + 5..]) else { continue };
            let mut parts = split(inside).into_iter();
            let Some(key) = parts.next().and_then(|key| key.strip_prefix('"')?.strip_suffix('"')) else {
                continue;
            };
            let places = parts.filter_map(|part| Some(part.split_once(" = ")?.0.trim().to_owned()));
            found.push(Call { key: key.to_owned(), places: places.collect() });
        }
    }
    found
}

/// Texts in the code that look as if somebody read them.
pub(super) fn bare_texts() -> Vec<String> {
    let mut found = Vec::new();
    for (path, source) in sources() {
        let name = path.to_string_lossy().replace('\\', "/");
        if NOT_SHOWN.iter().any(|other| name.ends_with(other)) {
            continue;
        }
        for (at, text) in literals(&source) {
            let before = source[..at].trim_end();
            let is_named = BEFORE.iter().any(|before_it| before.ends_with(before_it));
            let start = source[..at].rfind('\n').map_or(0, |at| at + 1);
            let line = &source[start..];
            let is_logged = ["tracing::", "debug_assert", "Self::", "\"", "action(", ".appname(", "Hint::"];
            let is_logged = is_logged.iter().any(|begin| {
                line.trim_start().starts_with(begin) || source[start..at].contains(begin) && *begin != "\""
            });
            if !is_named && !is_logged && is_read(text) && !SAME.contains(&text) {
                let number = source[..at].matches('\n').count() + 1;
                found.push(format!("{name}:{number}: {text}"));
            }
        }
    }
    found
}

/// Whether a text has two words, or one that begins with a capital.
fn is_read(text: &str) -> bool {
    let mut plain = String::new();
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    let keys = ["Ctrl", "Space", "Alt", "Shift", "Page", "Enter", "Esc", "Up", "Down", "End"];
    let words: Vec<&str> = plain.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 1).collect();
    if words.iter().all(|word| keys.contains(word)) || plain.contains("://") || plain.contains('/') {
        return false;
    }
    let has_spaces = plain.trim().contains(' ') && words.len() > 1;
    has_spaces || words.iter().any(|word| word.starts_with(char::is_uppercase) && word.len() > 2)
}

/// The sources without comments, attributes and tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 40, "the sources are there");
    found
}

fn gather(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let lines = text.lines().filter(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && !line.starts_with("#[") && !line.starts_with("#!")
            });
            found.push((path, lines.collect::<Vec<_>>().join("\n")));
        }
    }
}

/// What stands between an open bracket and the one that closes it.
fn inside(source: &str) -> Option<&str> {
    let mut depth = 1_u32;
    let mut quoted = false;
    let mut before = ' ';
    for (at, c) in source.char_indices() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(source[..at].trim());
        }
        before = c;
    }
    None
}

/// The parts between the commas that are in no bracket.
fn split(inside: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, c) in inside.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(inside[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Every text between quotation marks, with the place of its first mark.
fn literals(source: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start, mut before) = (Vec::new(), None, ' ');
    for (at, c) in source.char_indices() {
        // The character '"' begins no text.
        if c == '"' && before != '\\' && !(start.is_none() && before == '\'') {
            match start.take() {
                Some(start) => found.push((start, &source[start + 1..at])),
                None => start = Some(at),
            }
        }
        before = if before == '\\' && c == '\\' { ' ' } else { c };
    }
    found
}
