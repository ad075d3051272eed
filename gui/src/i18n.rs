//! What the app says, in the person's language. The texts are in `gui/i18n/*.ftl`, one file a language, in the form of Project
//! Fluent; the code names a text by its key, with `say!`, and never holds the text itself.
//!
//! The language is one for the whole program and may change at any time: views ask for their texts in every frame. What was
//! said already (toasts, what is wrong with a form) stays in the language in which it was said.
//!
//! Not here: which words say what (`model`, `view`), names of people and groups, what others wrote.

pub mod failures;

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;

use fluent_bundle::FluentArgs;
use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use unic_langid::LanguageIdentifier;

/// A text in the person's language: `say!("key")`, `say!("key", name = value)`.
#[macro_export]
macro_rules! say {
    ($key:literal) => { $crate::i18n::text($key, None) };
    ($key:literal, $($name:ident = $value:expr),+ $(,)?) => {{
        let mut args = $crate::i18n::Args::new();
        $(args.set(stringify!($name), $value);)+
        $crate::i18n::text($key, Some(&args))
    }};
}

/// What stands in for the places of a text.
pub type Args<'a> = FluentArgs<'a>;

/// A language of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them, as they stand in the settings.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// The word for it in files: the first part of a tag as in BCP 47.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// What those who speak it call it: whoever cannot read the rest of the page finds it.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::French => "Français",
            Self::Spanish => "Español",
        }
    }

    /// Its texts as they are in the program.
    pub fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("../i18n/en.ftl"),
            Self::German => include_str!("../i18n/de.ftl"),
            Self::French => include_str!("../i18n/fr.ftl"),
            Self::Spanish => include_str!("../i18n/es.ftl"),
        }
    }

    fn id(self) -> LanguageIdentifier {
        self.code().parse().unwrap_or_default()
    }

    /// The language of a tag like `de-AT` or `fr_CA.UTF-8`, if the app speaks it.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let first = tag.split(['-', '_', '.']).next().unwrap_or_default().to_ascii_lowercase();
        Self::ALL.into_iter().find(|language| language.code() == first)
    }

    /// The first language of the system that the app speaks; English where there is none.
    pub fn of_system() -> Self {
        sys_locale::get_locales().find_map(|tag| Self::from_tag(&tag)).unwrap_or_default()
    }
}

/// Speaks this language from now on.
pub fn speak(language: Language) {
    let at = Language::ALL.iter().position(|other| *other == language).unwrap_or(0);
    SPOKEN.store(u8::try_from(at).unwrap_or(0), Ordering::Relaxed);
}

/// The language that is spoken.
pub fn spoken() -> Language {
    let everywhere = || Language::ALL.get(usize::from(SPOKEN.load(Ordering::Relaxed))).copied();
    HERE.get().or_else(everywhere).unwrap_or_default()
}

/// Speaks another language on this thread while `what` runs: for tests, of which many run in one process.
pub fn speaking<T>(language: Language, what: impl FnOnce() -> T) -> T {
    let before = HERE.replace(Some(language));
    let done = what();
    HERE.set(before);
    done
}

/// A text by its key; `say!` is the way to it. A text that a language lacks is said in English, and a key that nobody knows
/// is shown as it is: both are found by tests before anybody sees them.
pub fn text(key: &str, args: Option<&Args<'_>>) -> String {
    let own = bundle(spoken());
    let said = said(own, key, args).or_else(|| said(bundle(Language::English), key, args));
    said.map_or_else(|| key.to_owned(), Cow::into_owned)
}

fn said<'b>(bundle: &'b Bundle, key: &str, args: Option<&'b Args<'_>>) -> Option<Cow<'b, str>> {
    let pattern = bundle.get_message(key)?.value()?;
    let mut wrong = Vec::new();
    let said = bundle.format_pattern(pattern, args, &mut wrong);
    debug_assert!(wrong.is_empty(), "the text {key} lacks something: {wrong:?}");
    Some(said)
}

type Bundle = FluentBundle<FluentResource>;

fn bundle(language: Language) -> &'static Bundle {
    static BUNDLES: LazyLock<[Bundle; 4]> = LazyLock::new(|| Language::ALL.map(build));
    let at = Language::ALL.iter().position(|other| *other == language).unwrap_or(0);
    let [english, ..] = &*BUNDLES;
    BUNDLES.get(at).unwrap_or(english)
}

fn build(language: Language) -> Bundle {
    let mut bundle = FluentBundle::new_concurrent(vec![language.id()]);
    // Fonts have no glyph for the marks that would set names apart; names come without anything that reorders.
    bundle.set_use_isolating(false);
    // What a file has wrong is left out; a test finds it.
    let texts = FluentResource::try_new(language.source().to_owned()).unwrap_or_else(|(texts, _)| texts);
    bundle.add_resource_overriding(texts);
    bundle
}

/// The place of the spoken language in [`Language::ALL`].
static SPOKEN: AtomicU8 = AtomicU8::new(0);

thread_local! {
    static HERE: Cell<Option<Language>> = const { Cell::new(None) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_its_tag() {
        assert_eq!(Language::from_tag("de-AT"), Some(Language::German));
        assert_eq!(Language::from_tag("fr_CA.UTF-8"), Some(Language::French));
        assert_eq!(Language::from_tag("ES"), Some(Language::Spanish));
        assert_eq!(Language::from_tag("nl-BE"), None);
        assert_eq!(Language::from_tag(""), None);
    }

    #[test]
    fn counts_are_said_as_each_language_counts() {
        let said = |language, count: u32| speaking(language, || say!("unread-divider", count = count));
        assert_eq!(said(Language::English, 1), "1 new message");
        assert_eq!(said(Language::English, 7), "7 new messages");
        assert_eq!(said(Language::German, 1), "1 neue Nachricht");
        // One counts nothing as one in French.
        assert_eq!(said(Language::French, 0), "0 nouveau message");
        assert_eq!(said(Language::Spanish, 2), "2 mensajes nuevos");
    }
}
