//! Colours for people; none when the output is not a terminal or `NO_COLOR` is set.

use std::io::IsTerminal as _;

use anstyle::AnsiColor;
use anstyle::Style;

fn paint(text: &str, style: Style, terminal: bool) -> String {
    let plain = !terminal || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain { text.to_owned() } else { format!("{style}{text}{style:#}") }
}

fn out(text: &str, style: Style) -> String {
    paint(text, style, std::io::stdout().is_terminal())
}

/// Something to notice.
pub(crate) fn strong(text: &str) -> String {
    out(text, Style::new().bold())
}

/// Something to overlook.
pub(crate) fn faint(text: &str) -> String {
    out(text, Style::new().dimmed())
}

/// Something good.
pub(crate) fn good(text: &str) -> String {
    out(text, AnsiColor::Green.on_default())
}

/// Something to act on.
pub(crate) fn warn(text: &str) -> String {
    out(text, AnsiColor::Yellow.on_default())
}

/// A name, always in the same colour.
pub(crate) fn name(text: &str, outgoing: bool) -> String {
    let colour = if outgoing { AnsiColor::Cyan } else { AnsiColor::Magenta };
    out(text, colour.on_default().bold())
}

/// A text without control characters and invisible changes of direction: what somebody else wrote must not move the
/// cursor, write the clipboard or look like another line.
pub(crate) fn harmless(text: &str) -> String {
    let hidden = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = |c: &char| *c == '\n' || *c == '\t' || (!c.is_control() && !hidden(*c));
    // A line that begins with a space cannot be taken for one of ours.
    text.chars().filter(kept).collect::<String>().replace('\n', "\n    ")
}

/// Says on standard error what went wrong, with its causes.
pub(crate) fn complain(error: &anyhow::Error) {
    let label = paint("error:", AnsiColor::Red.on_default().bold(), std::io::stderr().is_terminal());
    eprintln!("{label} {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because {cause}");
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_a_terminal_would_obey_is_left_out() {
        let hostile = "hi\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}2J\r\u{202e}there\nAnn";
        assert_eq!(harmless(hostile), "hi]52;c;ZXZpbA==2Jthere\n    Ann");
    }
}
