//! Text as it is shown: right-to-left lines, names without tricks, what consists of emoji only.
//!
//! egui shapes a right-to-left run well but does not put runs in their visual order. So lines are wrapped in logical
//! order here, reordered by UAX #9, and handed to egui as one section for each visual run.

use std::ops::Range;

use eframe::egui::Align;
use eframe::egui::epaint::text::FontsView;
use eframe::egui::text::LayoutJob;
use eframe::egui::text::TextFormat;
use eframe::egui::text::TextWrapping;
use unicode_bidi::BidiInfo;
use unicode_bidi::ParagraphInfo;

/// Characters of one message that are laid out at once; more is folded. A message of a megabyte must not stall a frame.
pub const SHOWN_CHARS: usize = 2_000;

/// Whether a text needs reordering.
pub fn has_rtl(text: &str) -> bool {
    text.chars().any(is_rtl)
}

fn is_rtl(c: char) -> bool {
    matches!(u32::from(c), 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF)
}

/// A name without characters that reorder or hide what stands around it, on one line.
pub fn clean_name(name: &str) -> String {
    let hidden = |c: char| matches!(u32::from(c), 0x202A..=0x202E | 0x2066..=0x2069 | 0x200B | 0x200E | 0x200F | 0xFEFF);
    name.chars().filter(|c| !c.is_control() && !hidden(*c)).collect::<String>().trim().to_owned()
}

/// Whether a text is a few emoji and nothing else, to be shown large.
pub fn is_only_emoji(text: &str) -> bool {
    let emoji = |c: char| matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2300..=0x23FF | 0x2B00..=0x2BFF | 0xE0020..=0xE007F);
    let joiner = |c: char| matches!(c, '\u{200d}' | '\u{fe0f}' | ' ');
    let short = text.chars().count() <= 12;
    short && text.chars().any(emoji) && text.chars().all(|c| emoji(c) || joiner(c))
}

/// The first letters of a name, for an avatar.
pub fn initials(name: &str) -> String {
    clean_name(name).split_whitespace().filter_map(|word| word.chars().next()).take(2).collect()
}

/// Lays out a text that has right-to-left parts. Returns the job and whether its first line runs from the right.
pub fn bidi_job(fonts: &mut FontsView<'_>, text: &str, format: &TextFormat, width: f32) -> (LayoutJob, bool) {
    let info = BidiInfo::new(text, None);
    let wrap = TextWrapping { max_width: f32::INFINITY, ..Default::default() };
    let mut job = LayoutJob { wrap, ..Default::default() };
    let mut first = true;
    for paragraph in &info.paragraphs {
        for line in wrap_paragraph(fonts, text, paragraph, format, width) {
            if !std::mem::take(&mut first) {
                job.append("\n", 0.0, format.clone());
            }
            append_line(&mut job, &info, paragraph, text, line, format);
        }
    }
    let rtl = info.paragraphs.first().is_some_and(|paragraph| paragraph.level.is_rtl());
    if rtl {
        job.halign = Align::RIGHT;
    }
    (job, rtl)
}

/// Greedy wrapping by words in logical order.
fn wrap_paragraph(
    fonts: &mut FontsView<'_>,
    text: &str,
    paragraph: &ParagraphInfo,
    format: &TextFormat,
    width: f32,
) -> Vec<Range<usize>> {
    let base = paragraph.range.start;
    let body = text.get(paragraph.range.clone()).unwrap_or_default().trim_end_matches('\n');
    let mut measure =
        |text: &str| fonts.layout_no_wrap(text.to_owned(), format.font_id.clone(), format.color).size().x;
    let (mut lines, mut start, mut at, mut used) = (Vec::new(), base, base, 0.0);
    for word in body.split_inclusive(' ') {
        if used > 0.0 && used + measure(word.trim_end()) > width {
            lines.push(start..at);
            start = at;
            used = 0.0;
        }
        used += measure(word);
        at += word.len();
    }
    lines.push(start..at);
    lines
}

fn append_line(
    job: &mut LayoutJob,
    info: &BidiInfo<'_>,
    paragraph: &ParagraphInfo,
    text: &str,
    line: Range<usize>,
    format: &TextFormat,
) {
    let shown = text.get(line.clone()).unwrap_or_default().trim_end();
    if shown.is_empty() {
        return;
    }
    let (levels, runs) = info.visual_runs(paragraph, line.start..line.start + shown.len());
    for run in runs {
        let rtl = levels.get(run.start).is_some_and(|level| level.is_rtl());
        let run = text.get(run).unwrap_or_default();
        if !rtl {
            job.append(run, 0.0, format.clone());
            continue;
        }
        // egui splits a run again wherever the font changes, and puts the pieces from left to right.
        for piece in pieces(run).into_iter().rev() {
            if piece.chars().next().is_some_and(is_rtl) {
                job.append(piece, 0.0, format.clone());
            } else {
                let mirrored: String = piece.chars().rev().map(mirror).collect();
                job.append(&mirrored, 0.0, format.clone());
            }
        }
    }
}

/// Stretches of right-to-left letters, and everything between them.
fn pieces(text: &str) -> Vec<&str> {
    let (mut found, mut start, mut kind) = (Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        if kind.is_some_and(|kind| kind != is_rtl(c)) {
            found.extend(text.get(start..at));
            start = at;
        }
        kind = Some(is_rtl(c));
    }
    found.extend(text.get(start..));
    found
}

fn mirror(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        other => other,
    }
}

/// A size as people read it.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let unit = (0..UNITS.len()).rev().find(|unit| bytes >= 1 << (10 * unit)).unwrap_or(0);
    let name = UNITS.get(unit).copied().unwrap_or_default();
    let whole = bytes as f64 / (1_u64 << (10 * unit)) as f64;
    if unit == 0 || whole >= 10.0 || whole.fract() == 0.0 {
        format!("{whole:.0} {name}")
    } else {
        format!("{whole:.1} {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_reorder_what_stands_around_them() {
        assert_eq!(clean_name(" Ann\u{202e}\n\u{2066}a "), "Anna");
        assert_eq!(initials("Ann van der Berg"), "Av");
        assert_eq!(initials("   "), "");
    }

    #[test]
    fn only_a_few_emoji_are_shown_large() {
        assert!(is_only_emoji("👍🏽") && is_only_emoji("👨‍👩‍👧 🎉"));
        assert!(!is_only_emoji("ok 👍") && !is_only_emoji("") && !is_only_emoji("12"));
        assert!(!is_only_emoji(&"🎉".repeat(50)));
    }
}
