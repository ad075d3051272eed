//! Public rooms, keeping order, filters and notifications, as the models tell it.

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::view::ContactState;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::MessageView;
use kith_engine::view::ReportView;
use kith_engine::view::RoomView;
use kith_gui::action::Action;
use kith_gui::action::GroupAction;
use kith_gui::action::Request;
use kith_gui::action::RoomAction;
use kith_gui::bridge::Reply;
use kith_gui::model::Dialog;
use kith_gui::model::Model;
use kith_gui::model::filters;
use kith_gui::model::groups::Notify;
use kith_gui::model::groups::info::InfoPage;
use kith_gui::model::groups::people::Kind;
use kith_gui::model::groups::reports::Why;
use kith_gui::model::notices::Show;
use kith_gui::model::rooms;
use kith_gui::model::rooms::ListForm;
use kith_gui::model::rooms::Standing;
use kith_gui::model::settings::Page;
use kith_node::blocks;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

use super::NOON;
use super::NOW;
use super::contact;
use super::groups::ANN;
use super::groups::BOB;
use super::groups::CAROL;
use super::groups::HIKING;
use super::groups::chat;
use super::groups::chat_view;
use super::groups::group;
use super::groups::opened;
use super::groups::said;

const LIBRARY: GroupId = GroupId([77; 32]);

fn public(role: Role) -> GroupView {
    GroupView { policy: Policy::public_room(), ..group(role) }
}

fn directory() -> GroupView {
    let policy = Policy { directory: true, ..Policy::public_room() };
    GroupView { group: LIBRARY, chat: ChatId::group(&LIBRARY), policy, ..group(Role::Member) }
}

fn room(id: GroupId, name: &str) -> RoomView {
    RoomView {
        directory: LIBRARY,
        room: id,
        link: GroupInvite::new(id, ([3; 32], 20), [], []),
        name: name.to_owned(),
        topic: String::new(),
        language: String::new(),
        tags: Vec::new(),
        listed_by: BOB,
        listed_at: Timestamp(NOON),
        message: MessageId([5; 16]),
    }
}

#[test]
fn a_public_room_is_made_with_its_link() {
    let mut model = opened(Role::Member);
    model.act(Action::Group(GroupAction::OpenNew));
    let Some(Dialog::People(form)) = &mut model.dialog else { panic!("no dialog") };
    (form.kind, form.observers_first, form.approval) = (Kind::Room, true, true);
    form.name = "Boulder".to_owned();
    let asked = model.act(Action::Group(GroupAction::SubmitPeople));
    let policy = Policy { observers_first: true, approve_links: true, ..Policy::public_room() };
    let (name, members) = ("Boulder".to_owned(), Vec::new());
    let wanted = Command::CreateGroup { name, members, policy: Some(policy) };
    assert_eq!(asked, vec![Request::Command(wanted)]);
    let made = GroupView { group: LIBRARY, chat: ChatId::group(&LIBRARY), ..public(Role::Owner) };
    let asked = model.reply(Reply::Done(Box::new(Answer::Group(Box::new(made)))));
    assert!(
        asked.contains(&Request::Command(Command::ShareRoom { group: LIBRARY })),
        "it has a link at once"
    );
}

#[test]
fn the_one_link_of_a_room_and_a_link_made_beside_it_are_told_apart() {
    let mut model = opened(Role::Owner);
    model.event(Event::GroupChanged(Box::new(public(Role::Owner))));
    let asked = model.act(Action::Group(GroupAction::ShowInfo(InfoPage::Links)));
    assert_eq!(asked, vec![Request::Command(Command::ShareRoom { group: HIKING })]);
    let link = |seed| GroupInvite::new(HIKING, ([seed; 32], 0), [], []);
    model.reply(Reply::Done(Box::new(Answer::GroupLink(link(1)))));
    model.act(Action::Group(GroupAction::MakeLink));
    model.reply(Reply::Done(Box::new(Answer::GroupLink(link(2)))));
    let form = &model.info.as_ref().unwrap().link;
    assert_eq!(form.shared, Some(link(1).to_string()));
    assert_eq!(form.made, Some(link(2).to_string()));
}

#[test]
fn rooms_are_searched_for_and_an_answer_to_an_older_question_is_not_shown() {
    let mut model = opened(Role::Member);
    let asked = model.act(Action::Room(RoomAction::Discover(None)));
    let wanted = |words: &str| Request::LoadRooms { words: words.to_owned(), directory: None };
    assert_eq!(asked, vec![wanted("")]);
    assert!(model.open_chat().is_none(), "the page stands in place of the chat");
    model.rooms.page.as_mut().unwrap().search = " rust ".to_owned();
    assert_eq!(model.act(Action::Room(RoomAction::Search)), vec![wanted("rust")]);
    assert!(model.act(Action::Room(RoomAction::Search)).is_empty(), "once for the same words");
    let found = |words: &str, found| Reply::Rooms { words: words.to_owned(), directory: None, found };
    model.reply(found("", vec![room(LIBRARY, "Old")]));
    assert!(model.rooms.page.as_ref().unwrap().found().is_none());
    model.reply(found("rust", vec![room(GroupId([8; 32]), "Rust")]));
    assert_eq!(model.rooms.page.as_ref().unwrap().found().unwrap().len(), 1);
    assert_eq!(model.event(Event::RoomsChanged { directory: LIBRARY }), vec![wanted("rust")]);
}

#[test]
fn a_room_is_looked_at_before_it_is_joined_and_its_name_is_remembered_while_nobody_answers() {
    let mut model = opened(Role::Member);
    model.act(Action::Room(RoomAction::Discover(None)));
    let (id, words) = (GroupId([8; 32]), String::new());
    let found = vec![room(id, "Rust"), room(HIKING, "Hiking")];
    model.reply(Reply::Rooms { words, directory: None, found });
    assert!(model.act(Action::Room(RoomAction::Show(id))).is_empty(), "nobody is asked yet");
    assert!(matches!(&model.dialog, Some(Dialog::Join(form)) if form.room.is_some()));
    let asked = model.act(Action::Room(RoomAction::Join));
    let link = room(id, "").link;
    assert_eq!(asked, vec![Request::Command(Command::JoinGroup { link })]);
    let asking = GroupView {
        group: id,
        chat: ChatId::group(&id),
        name: String::new(),
        state: GroupState::Asking,
        role: None,
        members: Vec::new(),
        ..group(Role::Member)
    };
    model.reply(Reply::Done(Box::new(Answer::Group(Box::new(asking)))));
    assert!(model.dialog.is_none());
    assert_eq!(rooms::standing(&model.groups, &id), Standing::Asking);
    assert_eq!(model.rooms.name(&id), Some("Rust"));
    model.act(Action::Room(RoomAction::Show(HIKING)));
    assert_eq!(model.open_chat(), Some(chat()), "where one is in, its chat opens");
}

#[test]
fn a_room_is_listed_with_words_and_taken_out_again() {
    let mut model = opened(Role::Owner);
    model.event(Event::GroupChanged(Box::new(public(Role::Owner))));
    model.event(Event::GroupChanged(Box::new(directory())));
    let asked = model.act(Action::Group(GroupAction::ShowInfo(InfoPage::Listings)));
    assert_eq!(asked, vec![Request::LoadListings { room: HIKING, directories: vec![LIBRARY] }]);
    let form = ListForm { language: " de ".to_owned(), tags: "#wandern, natur; natur,,".to_owned() };
    assert_eq!(form.words(), ["wandern", "natur"]);
    model.info.as_mut().unwrap().listing = form;
    let asked = model.act(Action::Room(RoomAction::Publish(LIBRARY)));
    let tags = vec!["wandern".to_owned(), "natur".to_owned()];
    let listed = Command::PublishRoom { directory: LIBRARY, room: HIKING, language: "de".to_owned(), tags };
    assert_eq!(asked, [Command::ShareRoom { group: HIKING }, listed].map(Request::Command));
    model.reply(Reply::Listings([(LIBRARY, vec![RoomView { listed_by: ANN, ..room(HIKING, "") }])].into()));
    assert!(rooms::own_listing(&model.rooms, &LIBRARY, Some(ANN)).is_some());
    let asked = model.act(Action::Room(RoomAction::Unpublish(LIBRARY)));
    let wanted = Command::UnpublishRoom { directory: LIBRARY, room: HIKING };
    assert_eq!(asked, vec![Request::Command(wanted)]);
}

#[test]
fn a_report_says_why_and_goes_once() {
    let mut model = opened(Role::Member);
    let message = said(1, CAROL, 5, "Buy now!");
    model.event(Event::MessageReceived(message.clone()));
    model.act(Action::Group(GroupAction::OpenReport(message.message)));
    let Some(Dialog::Report(form)) = &mut model.dialog else { panic!("no dialog") };
    form.why = Why::Other;
    assert!(!form.is_ready(), "something else has to be said");
    (form.why, form.words) = (Why::Spam, " again ".to_owned());
    let asked = model.act(Action::Group(GroupAction::SendReport));
    let reason = "Advertising or spam: again".to_owned();
    let wanted = Command::ReportMessage { chat: chat(), message: message.message, reason };
    assert_eq!(asked, vec![Request::Report(wanted)]);
    assert!(model.act(Action::Group(GroupAction::SendReport)).is_empty(), "once");
    model.reply(Reply::Done(Box::new(Answer::Done)));
    assert!(model.dialog.is_some(), "that was the answer to something else");
    model.reply(Reply::Reported);
    assert!(model.dialog.is_none());
}

#[test]
fn reports_call_only_those_who_keep_order() {
    let report = ReportView {
        by: BOB,
        message: MessageId([1; 16]),
        author: CAROL,
        said_at: Timestamp(NOON),
        text: "Buy now!".to_owned(),
        reason: String::new(),
        since: Timestamp(NOON),
    };
    let count = |role| {
        let mut model = opened(role);
        let view = GroupView { reports: vec![report.clone()], ..group(role) };
        model.event(Event::GroupChanged(Box::new(view.clone())));
        model.groups.reports_for_us(&view)
    };
    assert_eq!((count(Role::Moderator), count(Role::Member)), (1, 0));
    let mut model = opened(Role::Moderator);
    model.act(Action::Group(GroupAction::ShowInfo(InfoPage::Reports)));
    let message = MessageId([1; 16]);
    let asked = model.act(Action::Group(GroupAction::Dismiss { by: BOB, message }));
    assert_eq!(asked, vec![Request::Command(Command::DismissReport { group: HIKING, by: BOB, message })]);
}

#[test]
fn slow_mode_counts_from_the_own_last_message_and_not_for_those_who_keep_order() {
    let pause = |role, secs_ago: u64| {
        let mut model = opened(role);
        let policy = Policy { slow_mode_secs: 60, ..Policy::default() };
        let view = GroupView { policy, ..group(role) };
        model.event(Event::GroupChanged(Box::new(view.clone())));
        let sent_at = Timestamp(NOW.time.0 - secs_ago * 1_000);
        model.event(Event::MessageWritten(MessageView { sent_at, ..said(1, ANN, 0, "hello") }));
        let last = model.timeline.as_ref().unwrap().wrote_at();
        model.groups.rights(&view).pause(NOW.time, last)
    };
    assert_eq!(pause(Role::Member, 18), Some(42));
    assert_eq!(pause(Role::Member, 60), None);
    assert_eq!(pause(Role::Moderator, 18), None);
}

#[test]
fn filtered_words_hide_messages_of_others_until_they_are_looked_at() {
    let mut model = opened(Role::Member);
    model.reply(Reply::Filters(vec!["casino".to_owned()]));
    let (theirs, own) = (said(1, BOB, 1, "Casino night"), said(2, ANN, 1, "casino?"));
    assert!(model.filters.hides(&theirs) && !model.filters.hides(&own));
    model.act(Action::Uncover(theirs.message));
    assert!(!model.filters.hides(&theirs));
    model.act(Action::OpenSettings);
    model.act(Action::ShowPage(Page::Filters));
    if let Some(Dialog::Settings(form)) = &mut model.dialog {
        form.filter = "Spoiler, buy now, casino".to_owned();
    }
    let asked = model.act(Action::AddFilter);
    let words = ["buy now", "casino", "spoiler"].map(str::to_owned).to_vec();
    let wanted = Request::Command(Command::SetFilters { filters: words });
    assert_eq!(asked, vec![wanted, Request::LoadFilters]);
    let asked = model.act(Action::RemoveFilter("casino".to_owned()));
    assert_eq!(asked.first(), Some(&Request::Command(Command::SetFilters { filters: Vec::new() })));
}

#[test]
fn a_list_of_blocked_people_is_looked_at_before_it_is_taken() {
    let mut model = opened(Role::Member);
    let (eve, mallory) = (AccountId([40; 32]), AccountId([41; 32]));
    model.event(Event::ContactChanged(contact(BOB, "Bob", ContactState::Accepted)));
    model.event(Event::ContactChanged(contact(eve, "Eve", ContactState::Blocked)));
    assert_eq!(filters::list(&model), blocks::written(&[eve]));
    let list = blocks::written(&[eve, mallory, BOB, ANN, mallory]);
    model.act(Action::OpenSettings);
    model.act(Action::ShowPage(Page::Filters));
    assert!(model.act(Action::LookAtBlocks(list)).is_empty(), "nobody is blocked by looking");
    let Some(Dialog::Settings(form)) = &model.dialog else { panic!("no settings") };
    let incoming = form.incoming.as_ref().unwrap();
    assert_eq!((incoming.new.as_slice(), incoming.known), ([mallory, BOB].as_slice(), 1));
    assert!(incoming.own && incoming.contacts == 1);
    let asked = model.act(Action::ImportBlocks);
    assert_eq!(asked, vec![Request::Command(Command::BlockAll { accounts: vec![mallory, BOB] })]);
    model.act(Action::LookAtBlocks("a shopping list".to_owned()));
    let Some(Dialog::Settings(form)) = &model.dialog else { panic!("no settings") };
    assert!(form.incoming.is_none() && form.error.is_some());
}

#[test]
fn the_system_is_told_of_news_and_of_nothing_that_is_looked_at_muted_hidden_or_old() {
    let told = |prepare: &dyn Fn(&mut Model), message: MessageView| {
        let mut model = opened(Role::Member);
        model.act(Action::CloseChat);
        model.notices.look(Timestamp(NOON), true);
        prepare(&mut model);
        model.event(Event::MessageReceived(message));
        model.notices.take()
    };
    let news = || said(1, BOB, 0, "see you <b>");
    let notice = told(&|_| {}, news()).remove(0);
    assert_eq!((notice.title.as_str(), notice.body.as_str()), ("Hiking", "Bob: see you <b>"));
    let name_only = told(&|model| drop(model.act(Action::SetShow(Show::Name))), news());
    assert_eq!(name_only.first().map(|notice| notice.body.as_str()), Some("Bob wrote"));
    let silent: [&dyn Fn(&mut Model); 4] = [
        &|model| drop(model.act(Action::SetShow(Show::Nothing))),
        &|model| drop(model.act(Action::OpenChat(chat()))),
        &|model| drop(model.act(Action::Group(GroupAction::Notify(chat(), Notify::Mentions)))),
        &|model| drop(model.reply(Reply::Filters(vec!["see".to_owned()]))),
    ];
    for prepare in silent {
        assert!(told(prepare, news()).is_empty());
    }
    assert!(told(&|_| {}, said(1, BOB, 120, "long ago")).is_empty());
    assert!(told(&|_| {}, said(1, ANN, 0, "my own")).is_empty());
    let calling = MessageView { mentions: vec![ANN], ..news() };
    let mentions: &dyn Fn(&mut Model) =
        &|model| drop(model.act(Action::Group(GroupAction::Notify(chat(), Notify::Mentions))));
    assert_eq!(told(mentions, calling).len(), 1);
}

#[test]
fn several_messages_of_a_chat_are_one_notice_that_counts() {
    let mut model = opened(Role::Member);
    model.act(Action::CloseChat);
    model.notices.look(Timestamp(NOON), false);
    for index in 1..=3 {
        model.event(Event::MessageReceived(said(index, BOB, 0, "again")));
    }
    let notices = model.notices.take();
    assert_eq!(notices.iter().map(|notice| notice.title.as_str()).collect::<Vec<_>>(), ["Hiking (3 new)"]);
    model.event(Event::ChatChanged(chat_view(0, None)));
    model.event(Event::MessageReceived(said(4, BOB, 0, "once more")));
    assert_eq!(model.notices.take().first().map(|notice| notice.title.clone()), Some("Hiking".to_owned()));
}
