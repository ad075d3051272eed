//! What the app says: every language has every text with the same places, every text is used, and no text stands in the code.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

mod code;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use fluent_syntax::ast;
use kith_gui::i18n;
use kith_gui::i18n::Language;
use kith_gui::say;

/// The places of each text of a language.
fn texts(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let source = fluent_syntax::parser::parse(language.source()).unwrap();
    let mut found = BTreeMap::new();
    for entry in source.body {
        match entry {
            ast::Entry::Message(message) => {
                let mut places = BTreeSet::new();
                places_of(&message.value.unwrap(), &mut places);
                let key = message.id.name.to_owned();
                assert!(found.insert(key.clone(), places).is_none(), "{key} is there twice");
            }
            ast::Entry::Junk { content } => panic!("{}: {content}", language.code()),
            _ => {}
        }
    }
    found
}

fn places_of(pattern: &ast::Pattern<&str>, places: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let ast::PatternElement::Placeable { expression } = element {
            match expression {
                ast::Expression::Inline(inline) => variable(inline, places),
                ast::Expression::Select { selector, variants } => {
                    variable(selector, places);
                    variants.iter().for_each(|variant| places_of(&variant.value, places));
                }
            }
        }
    }
}

fn variable(inline: &ast::InlineExpression<&str>, places: &mut BTreeSet<String>) {
    if let ast::InlineExpression::VariableReference { id } = inline {
        places.insert(id.name.to_owned());
    }
}

#[test]
fn every_language_has_every_text_with_the_same_places() {
    let english = texts(Language::English);
    for language in Language::ALL {
        let own = texts(language);
        let keys = |texts: &BTreeMap<String, _>| texts.keys().cloned().collect::<BTreeSet<String>>();
        let missing: Vec<String> = keys(&english).difference(&keys(&own)).cloned().collect();
        assert!(missing.is_empty(), "{} lacks {missing:?}", language.code());
        let more: Vec<String> = keys(&own).difference(&keys(&english)).cloned().collect();
        assert!(more.is_empty(), "{} has {more:?}, which English lacks", language.code());
        for (key, places) in &own {
            assert_eq!(places, &english[key], "the places of {key} in {}", language.code());
        }
    }
}

#[test]
fn every_text_is_used_and_every_text_that_is_used_is_there_with_its_places() {
    let english = texts(Language::English);
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in code::calls() {
        let places = used.entry(call.key.clone()).or_insert_with(|| call.places.clone());
        assert_eq!(*places, call.places, "{} is said with other places elsewhere", call.key);
    }
    let unused: Vec<&String> = english.keys().filter(|key| !used.contains_key(*key)).collect();
    assert!(unused.is_empty(), "nothing says {unused:?}");
    for (key, places) in &used {
        let known = english.get(key);
        assert_eq!(known, Some(places), "the text {key}");
    }
}

#[test]
fn no_text_stands_in_the_code() {
    let found = code::bare_texts();
    assert!(found.is_empty(), "these belong into gui/i18n:\n{}", found.join("\n"));
}

#[test]
fn the_language_changes_without_a_restart() {
    let said = || (say!("settings"), say!("members", count = 1), say!("members", count = 5));
    let english = i18n::speaking(Language::English, said);
    assert_eq!(english, ("Settings".to_owned(), "1 member".to_owned(), "5 members".to_owned()));
    let german = i18n::speaking(Language::German, said);
    assert_eq!(german, ("Einstellungen".to_owned(), "1 Mitglied".to_owned(), "5 Mitglieder".to_owned()));
    let spanish = i18n::speaking(Language::Spanish, said);
    assert_eq!(spanish.2, "5 miembros");
    let french = i18n::speaking(Language::French, || say!("line-left", side = "by-you", by = "Ann"));
    assert_eq!(french, "Vous avez quitté le groupe");
}
