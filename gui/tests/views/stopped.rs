//! The node has stopped: the bar over the chats, the card where there are none, and its button.

use egui_kittest::kittest::Queryable as _;
use kith_gui::action::Action;
use kith_gui::bridge::Reply;
use kith_gui::i18n;
use kith_gui::i18n::Language;
use kith_gui::model::Model;
use kith_gui::model::stopped::Cause;
use kith_node::AccountState;
use kith_node::NodeError;

use crate::NARROW;
use crate::WIDE;
use crate::show;

/// Lena was writing when the disk was full.
fn full() -> Model {
    let mut model = crate::model();
    model.folder = "/home/lena/.local/share/kith".to_owned();
    if let Some(timeline) = &mut model.timeline {
        timeline.draft = "I am on my way, keep me a".to_owned();
    }
    model.stop(Cause::Full);
    model
}

/// The folder could not be read at the start, nor when it was tried again.
fn unopened() -> Model {
    let mut model = Model::new();
    model.start(AccountState::Ready);
    model.reply(Reply::Failed("-".to_owned()));
    model.act(Action::OpenAgain);
    model.reply(Reply::NotReopened(NodeError::System("too many open files".to_owned())));
    model
}

#[test]
fn a_full_disk_in_the_dark_theme() {
    show(full(), true, WIDE).picture("stopped-full-dark");
}

#[test]
fn a_full_disk_in_the_light_theme() {
    show(full(), false, WIDE).picture("stopped-full-light");
}

#[test]
fn a_full_disk_in_a_narrow_window_in_german() {
    i18n::speaking(Language::German, || {
        show(full(), true, NARROW).picture("stopped-full-german-narrow-dark");
    });
}

#[test]
fn opening_again_takes_a_moment() {
    let mut model = full();
    model.act(Action::OpenAgain);
    show(model, false, NARROW).picture("stopped-opening-narrow-light");
}

#[test]
fn a_folder_that_cannot_be_opened_in_the_dark_theme() {
    show(unopened(), true, WIDE).picture("stopped-unopened-dark");
}

#[test]
fn a_folder_that_cannot_be_opened_in_the_light_theme() {
    show(unopened(), false, WIDE).picture("stopped-unopened-light");
}

#[test]
fn the_button_opens_again_once_and_the_composer_keeps_its_text() {
    let mut shown = show(full(), true, WIDE);
    shown.settle();
    shown.harness.get_by_label("Open again").click();
    shown.settle();
    let wanted = |shown: &crate::Shown| {
        let actions = shown.actions.borrow();
        actions.iter().filter(|action| **action == Action::OpenAgain).count()
    };
    assert_eq!(wanted(&shown), 1);
    shown.model.borrow_mut().act(Action::OpenAgain);
    shown.settle();
    shown.harness.get_by_label("Opening…").click();
    shown.settle();
    assert_eq!(wanted(&shown), 1, "it is being opened");
    assert_eq!(shown.model.borrow().timeline.as_ref().unwrap().draft, "I am on my way, keep me a");
}
