//! The node ended by itself: what was written is kept, and the app comes back to where it was.

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::view::CallState;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::ContactState;
use kith_gui::action::Action;
use kith_gui::action::Request;
use kith_gui::bridge::Reply;
use kith_gui::i18n;
use kith_gui::i18n::Language;
use kith_gui::model::Model;
use kith_gui::model::Screen;
use kith_gui::model::stopped::Cause;
use kith_node::AccountState;
use kith_node::Failure;
use kith_node::FailureKind;
use kith_node::NodeError;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::time::Timestamp;
use zeroize::Zeroizing;

use crate::NOON;
use crate::calls::call;
use crate::contact;
use crate::everything;
use crate::message;

const BOB: AccountId = AccountId([2; 32]);
const CARLA: AccountId = AccountId([3; 32]);

fn chat_with(account: AccountId) -> ChatId {
    ChatId::direct(&everything().profile.account, &account)
}

fn chat(account: AccountId, name: &str, draft: &str) -> ChatView {
    ChatView {
        chat: chat_with(account),
        with: ChatWith::Contact(account),
        name: name.to_owned(),
        unread: 0,
        last: None,
        active_at: Timestamp(NOON),
        draft: draft.to_owned(),
    }
}

/// Ann reads her chat with Bob and has another one with Carla.
fn ann() -> Model {
    let mut model = Model::new();
    model.folder = "/home/ann/.local/share/kith".to_owned();
    model.start(AccountState::Ready);
    let mut all = everything();
    all.contacts =
        vec![contact(BOB, "Bob", ContactState::Accepted), contact(CARLA, "Carla", ContactState::Accepted)];
    all.chats = vec![chat(BOB, "Bob", ""), chat(CARLA, "Carla", "")];
    model.reply(Reply::All(Box::new(all)));
    model.act(Action::OpenChat(chat_with(BOB)));
    model.reply(page());
    model
}

fn page() -> Reply {
    let chat = chat_with(BOB);
    let messages = (1..=3).map(|index| kith_engine::view::MessageView { chat, ..message(index, false, 5) });
    Reply::Page { chat, before: None, messages: messages.collect() }
}

fn full_disk() -> Cause {
    Cause::from(Failure { kind: FailureKind::DiskFull, message: "no room".to_owned() })
}

fn writes(model: &mut Model, text: &str) {
    model.timeline.as_mut().unwrap().draft = text.to_owned();
}

fn draft(model: &Model) -> &str {
    &model.timeline.as_ref().unwrap().draft
}

fn saves(account: AccountId, text: &str) -> Request {
    Request::Command(Command::SaveDraft { chat: chat_with(account), text: text.to_owned() })
}

fn sentence(model: &Model) -> String {
    model.stopped.as_ref().unwrap().sentence(&model.folder)
}

#[test]
fn a_full_disk_leaves_the_chats_and_what_is_being_written_and_says_what_to_do() {
    let mut model = ann();
    model.event(Event::ContactChanged(kith_engine::view::ContactView {
        online: true,
        ..contact(BOB, "Bob", ContactState::Accepted)
    }));
    writes(&mut model, "on my way");
    model.stop(full_disk());
    assert!(matches!(model.screen, Screen::Main), "the chats are still shown");
    let said = sentence(&model);
    assert!(said.contains("64 MiB") && said.contains("/home/ann/.local/share/kith"), "{said}");
    let german = i18n::speaking(Language::German, || sentence(&model));
    assert!(german.contains("64 MiB") && german.contains("voll"), "{german}");
    assert_eq!(model.connection(), ("Kith has stopped".to_owned(), false));
    assert!(model.online.is_empty(), "nobody is connected any more");
    assert!(model.act(Action::Send).is_empty(), "there is nobody who could send it");
    assert!(model.act(Action::DraftChanged).is_empty(), "nor keep it");
    assert_eq!(draft(&model), "on my way");
    let older = Request::LoadPage { chat: chat_with(CARLA), before: None };
    assert_eq!(model.act(Action::OpenChat(chat_with(CARLA))), vec![older], "reading goes on");
}

#[test]
fn opened_again_it_is_in_the_same_chat_with_all_that_was_being_written() {
    let mut model = ann();
    writes(&mut model, "to Bob");
    model.stop(full_disk());
    model.act(Action::OpenChat(chat_with(CARLA)));
    writes(&mut model, "to Carla");
    model.act(Action::OpenChat(chat_with(BOB)));
    assert_eq!(draft(&model), "to Bob", "it is there when one comes back");
    assert_eq!(model.act(Action::OpenAgain), vec![Request::OpenAgain]);
    assert!(model.act(Action::OpenAgain).is_empty(), "once at a time");
    let asked = model.reply(Reply::Reopened(AccountState::Ready));
    assert_eq!(asked[2..], [Request::LoadAll, Request::LoadPage { chat: chat_with(BOB), before: None }]);
    let saved = [saves(BOB, "to Bob"), saves(CARLA, "to Carla")];
    assert!(saved.iter().all(|draft| asked[..2].contains(draft)), "kept before it is read: {asked:?}");
    assert!(model.stopped.is_none());
    assert_eq!((model.open_chat(), draft(&model)), (Some(chat_with(BOB)), "to Bob"));
    assert_eq!(model.timeline.as_ref().unwrap().len(), 0, "what was shown last may not be on disk");
    model.reply(page());
    assert_eq!(model.timeline.as_ref().unwrap().len(), 3);
}

#[test]
fn a_folder_with_a_passphrase_is_unlocked_first() {
    let mut model = ann();
    writes(&mut model, "on my way");
    model.stop(full_disk());
    model.act(Action::OpenAgain);
    assert!(model.reply(Reply::Reopened(AccountState::Locked)).is_empty(), "nothing can be read yet");
    assert!(matches!(model.screen, Screen::Unlock(_)) && model.stopped.is_none());
    model.reply(Reply::Failed("not the passphrase".to_owned()));
    assert!(matches!(model.screen, Screen::Unlock(_)), "it is asked for again");
    let asked = model.reply(Reply::Unlocked);
    assert_eq!(asked.first(), Some(&saves(BOB, "on my way")));
    assert!(asked.contains(&Request::LoadAll), "{asked:?}");
    model.reply(Reply::All(Box::new(everything())));
    assert!(matches!(model.screen, Screen::Main));
    assert_eq!((model.open_chat(), draft(&model)), (Some(chat_with(BOB)), "on my way"));
}

#[test]
fn a_phrase_that_is_still_to_be_written_down_outlives_the_end_and_the_lock() {
    let mut model = Model::new();
    model.start(AccountState::None);
    model.reply(Reply::Created(Zeroizing::new("one two three".to_owned())));
    model.stop(Cause::Fault);
    assert!(matches!(model.screen, Screen::Phrase(_)), "it is shown once only");
    model.act(Action::OpenAgain);
    model.reply(Reply::Reopened(AccountState::Locked));
    assert!(matches!(model.screen, Screen::Unlock(_)));
    model.reply(Reply::Unlocked);
    let Screen::Phrase(form) = &model.screen else { panic!("the phrase is shown again") };
    assert_eq!(form.words.len(), 3);
}

#[test]
fn when_opening_fails_the_reason_is_shown_and_it_can_be_tried_again() {
    let mut model = ann();
    writes(&mut model, "on my way");
    model.stop(Cause::Fault);
    for _ in 0..2 {
        assert_eq!(model.act(Action::OpenAgain), vec![Request::OpenAgain]);
        model.reply(Reply::NotReopened(NodeError::System("too many open files".to_owned())));
        let stopped = model.stopped.as_ref().unwrap();
        assert!(!stopped.opening && stopped.unopened, "the button is there again");
        assert!(sentence(&model).contains("too many open files"));
    }
    assert_eq!(draft(&model), "on my way");
}

#[test]
fn messages_that_were_not_written_any_more_go_back_to_where_they_were_written() {
    let mut model = ann();
    writes(&mut model, "one");
    model.act(Action::Send);
    assert_eq!(draft(&model), "");
    model.stop(full_disk());
    let refused = |account, text: &str| Reply::NotSent {
        chat: chat_with(account),
        text: text.to_owned(),
        why: "stopped".to_owned(),
    };
    model.reply(refused(BOB, "one"));
    model.reply(refused(BOB, "two"));
    assert_eq!(draft(&model), "one\ntwo");
    model.reply(refused(CARLA, "hello"));
    model.act(Action::OpenChat(chat_with(CARLA)));
    assert_eq!(draft(&model), "hello");
    assert!(model.toasts.iter().next().is_none() && model.clipboard.is_none(), "the bar says it already");
}

#[test]
fn an_end_without_a_word_shows_the_same_and_hides_no_reason() {
    let mut model = ann();
    model.stop(Cause::Closed);
    assert!(sentence(&model).contains("Open it again"));
    assert_eq!(model.act(Action::OpenAgain), vec![Request::OpenAgain]);
    let mut model = ann();
    model.stop(full_disk());
    model.stop(Cause::Closed);
    assert_eq!(model.stopped.as_ref().unwrap().cause, Cause::Full, "the reason stays");
}

#[test]
fn chats_that_cannot_be_read_at_the_start_are_a_failure_with_a_button() {
    let mut model = Model::new();
    model.start(AccountState::Ready);
    model.reply(Reply::Failed("the data is damaged".to_owned()));
    assert_eq!(sentence(&model), "the data is damaged");
    assert_eq!(model.act(Action::OpenAgain), vec![Request::OpenAgain]);
    model.reply(Reply::Reopened(AccountState::Ready));
    model.reply(Reply::All(Box::new(everything())));
    assert!(matches!(model.screen, Screen::Main) && model.stopped.is_none());
}

#[test]
fn no_call_outlives_the_node() {
    let mut model = ann();
    model.event(Event::CallChanged(call(chat_with(BOB), true, CallState::Live)));
    assert!(model.calls.is_talking());
    model.stop(full_disk());
    assert!(!model.calls.is_talking());
    let bob = contact(BOB, "Bob", ContactState::Accepted);
    assert!(model.no_call(&bob, false).is_some(), "nor can one begin");
}
