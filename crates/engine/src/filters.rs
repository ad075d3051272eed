//! Words that the owner of this device does not want to read. Messages that have one are hidden behind a line by whoever shows
//! them, and not deleted: the filter may be taken back.

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;

use crate::command::Refusal;
use crate::output::Output;
use crate::rows;
use crate::rows::FiltersRow;

/// The most words.
pub(crate) const MAX_FILTERS: usize = 256;

/// The longest word, or words that stand together, in bytes.
pub(crate) const MAX_FILTER_BYTES: usize = 128;

/// The first of `filters` that stands in a text as whole words, whatever its case.
pub fn matched<'a>(filters: &'a [String], text: &str) -> Option<&'a str> {
    if filters.is_empty() {
        return None;
    }
    let said = words(text);
    let stands = |filter: &&String| {
        let wanted = words(filter);
        !wanted.is_empty() && said.windows(wanted.len()).any(|some| some == wanted)
    };
    filters.iter().find(stands).map(String::as_str)
}

fn words(text: &str) -> Vec<String> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase).collect()
}

/// Notes what the owner does not want to read.
pub(crate) fn set(out: &mut Output, filters: &[String]) -> Result<(), Refusal> {
    let mut kept: Vec<String> = filters.iter().map(|filter| words(filter).join(" ")).collect();
    kept.retain(|filter| !filter.is_empty());
    kept.sort_unstable();
    kept.dedup();
    let limit = MAX_FILTER_BYTES;
    let bounded = |filter: String| BoundedStr::new(filter).ok_or(Refusal::TooLong { limit });
    let kept = kept.into_iter().map(bounded).collect::<Result<Vec<_>, _>>()?;
    let filters = BoundedVec::new(kept).ok_or(Refusal::TooMany)?;
    out.put(rows::FILTERS, rows::SELF, FiltersRow { filters }.to_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_found_whatever_their_case() {
        let filters = ["spam".to_owned(), "buy now".to_owned(), "Ärger".to_owned()];
        for (text, found) in [
            ("no SPAM, please", Some("spam")),
            ("spammers", None),
            ("Buy  now!", Some("buy now")),
            ("buy it now", None),
            ("ärger", Some("Ärger")),
            ("", None),
        ] {
            assert_eq!(matched(&filters, text), found, "{text}");
        }
        assert_eq!(matched(&[], "spam"), None);
    }
}
