//! Public rooms, keeping order, filters and languages as pictures, and what the keyboard does there.

use eframe::egui::Key;
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable as _;
use kith_engine::Event;
use kith_engine::view::ContactState;
use kith_engine::view::GroupView;
use kith_engine::view::ReportView;
use kith_engine::view::RoomView;
use kith_gui::action::Action;
use kith_gui::action::GroupAction;
use kith_gui::action::RoomAction;
use kith_gui::bridge::Reply;
use kith_gui::i18n;
use kith_gui::i18n::Language;
use kith_gui::model::Dialog;
use kith_gui::model::Model;
use kith_gui::model::filters::Incoming;
use kith_gui::model::groups::info::InfoPage;
use kith_gui::model::groups::people::Kind;
use kith_gui::model::settings::Page;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;

use super::NARROW;
use super::Shown;
use super::WIDE;
use super::contact;
use super::groups;
use super::groups::HIKING;
use super::groups::JONAS;
use super::groups::MIRA;
use super::groups::SARA;
use super::groups::TEO;
use super::minutes_ago;
use super::settings;
use super::show;

/// Takes one of several pictures of a test.
fn taken(results: &mut SnapshotResults, shown: &mut Shown, name: &str) {
    shown.picture(name);
    results.extend_harness(&mut shown.harness);
}

const LIBRARY: GroupId = GroupId([77; 32]);

/// A directory that this account is in.
fn directory(id: GroupId, name: &str, role: Role) -> GroupView {
    GroupView {
        group: id,
        chat: ChatId::group(&id),
        name: name.to_owned(),
        policy: Policy { directory: true, ..Policy::public_room() },
        requests: Vec::new(),
        pins: Vec::new(),
        banned: Vec::new(),
        ..groups::hiking(role)
    }
}

fn room(number: u8, name: &str, topic: &str, language: &str, tags: &[&str]) -> RoomView {
    let room = GroupId([number; 32]);
    RoomView {
        directory: LIBRARY,
        room,
        link: GroupInvite::new(room, ([3; 32], 20), [], []),
        name: name.to_owned(),
        topic: topic.to_owned(),
        language: language.to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        listed_by: MIRA,
        listed_at: minutes_ago(2_000 * u64::from(number % 5)),
        message: MessageId([number; 16]),
    }
}

fn rooms() -> Vec<RoomView> {
    vec![
        room(
            41,
            "Rust in the evening",
            "Questions about borrowing, async and everything else",
            "en",
            &["rust", "programming"],
        ),
        room(
            42,
            "Wandern rund um Freiburg",
            "Wer geht am Wochenende wohin? Fahrgemeinschaften und Wetter, mit sehr langen Sätzen, damit man sieht, wie der Text umbricht.",
            "de",
            &["wandern", "freiburg", "natur", "wochenende"],
        ),
        room(19, "Hiking 🏔", "Where to go on Sunday", "", &[]),
        room(44, "قهوة", "", "ar", &["coffee"]),
    ]
}

/// The page on which rooms are looked for.
fn discovering(role: Role, found: Vec<RoomView>) -> Model {
    let mut model = groups::model_of(&groups::hiking(Role::Member));
    for (id, name) in [(LIBRARY, "The library"), (GroupId([78; 32]), "Verzeichnis Freiburg")] {
        model.event(Event::GroupChanged(Box::new(directory(id, name, role))));
    }
    model.act(Action::Room(RoomAction::Discover(None)));
    model.reply(Reply::Rooms { words: String::new(), directory: None, found });
    model
}

fn public(role: Role) -> GroupView {
    GroupView { policy: Policy { slow_mode_secs: 60, ..Policy::public_room() }, ..groups::hiking(role) }
}

fn reported() -> GroupView {
    let report = |number: u8, by, author, text: &str, reason: &str| ReportView {
        by,
        message: MessageId([number; 16]),
        author,
        said_at: minutes_ago(60),
        text: text.to_owned(),
        reason: reason.to_owned(),
        since: minutes_ago(10),
    };
    let reports = vec![
        report(
            61,
            SARA,
            TEO,
            "Buy boots at https://example.com now, only today, five pairs for the price of one!!!",
            "Advertising or spam",
        ),
        report(
            62,
            JONAS,
            AccountId([90; 32]),
            "You are all idiots",
            "Insults, threats or hate: third time this week",
        ),
    ];
    GroupView { reports, ..groups::hiking(Role::Admin) }
}

fn on_page(group: &GroupView, page: InfoPage) -> Model {
    let mut model = groups::model_of(group);
    model.act(Action::Group(GroupAction::ShowInfo(page)));
    model
}

/// What somebody filters, and whom they blocked.
fn filtering(incoming: Option<Incoming>) -> Model {
    let mut model = settings(Page::Filters);
    for (number, name) in [(31, "Casino Royal 777"), (32, "")] {
        model.event(Event::ContactChanged(contact(number, name, ContactState::Blocked)));
    }
    model.reply(Reply::Filters(["casino", "spoiler", "buy now"].map(str::to_owned).to_vec()));
    if let Some(Dialog::Settings(form)) = &mut model.dialog {
        form.incoming = incoming;
    }
    model
}

#[test]
fn rooms_are_discovered() {
    let mut results = SnapshotResults::new();
    taken(&mut results, &mut show(discovering(Role::Member, rooms()), true, WIDE), "discover-dark");
    taken(&mut results, &mut show(discovering(Role::Moderator, rooms()), false, WIDE), "discover-light");
    taken(&mut results, &mut show(discovering(Role::Member, rooms()), true, NARROW), "discover-narrow-dark");
}

#[test]
fn who_is_in_no_directory_reads_how_to_get_into_one() {
    let mut model = groups::model_of(&groups::hiking(Role::Member));
    model.act(Action::Room(RoomAction::Discover(None)));
    show(model, false, WIDE).picture("discover-empty-light");
}

#[test]
fn a_room_is_joined_from_its_listing_and_left_alone_where_one_is_in() {
    let mut shown = show(discovering(Role::Member, rooms()), true, WIDE);
    shown.settle();
    // The listing of Hiking comes before that of the other one in which somebody is.
    let open = shown.harness.get_all_by_label("Open").next().unwrap();
    open.click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Room(RoomAction::Show(HIKING))));
    let first = shown.harness.get_all_by_label("Join…").next().unwrap();
    first.click();
    shown.settle();
    let wanted = Action::Room(RoomAction::Show(GroupId([41; 32])));
    assert!(shown.actions.borrow().contains(&wanted));
    shown.model.borrow_mut().act(wanted);
    shown.picture("join-dark");
    // The caret is on the button that asks.
    shown.harness.key_press(Key::Enter);
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Room(RoomAction::Join)));
}

#[test]
fn it_is_chosen_what_kind_of_group_is_made() {
    let mut results = SnapshotResults::new();
    let room = || {
        let mut model = groups::model_of(&groups::hiking(Role::Member));
        model.act(Action::Group(GroupAction::OpenNew));
        if let Some(Dialog::People(form)) = &mut model.dialog {
            (form.kind, form.name) = (Kind::Room, "Boulder hall".to_owned());
        }
        model
    };
    taken(&mut results, &mut show(room(), true, WIDE), "room-new-dark");
    taken(&mut results, &mut show(room(), false, NARROW), "room-new-narrow-light");
}

#[test]
fn the_link_of_a_room_is_there_for_every_member() {
    let mut results = SnapshotResults::new();
    let model = || {
        let mut model = on_page(&public(Role::Member), InfoPage::Links);
        let link = GroupInvite::new(HIKING, ([3; 32], 20), [], []);
        model.reply(Reply::Done(Box::new(kith_engine::command::Answer::GroupLink(link))));
        model
    };
    taken(&mut results, &mut show(model(), true, WIDE), "room-link-dark");
    taken(&mut results, &mut show(model(), false, WIDE), "room-link-light");
}

#[test]
fn a_room_is_listed_in_directories() {
    let mut results = SnapshotResults::new();
    let model = || {
        let mut model = on_page(&public(Role::Owner), InfoPage::Listings);
        for (id, name, role) in [
            (LIBRARY, "The library", Role::Member),
            (GroupId([78; 32]), "Verzeichnis Freiburg", Role::Observer),
        ] {
            model.event(Event::GroupChanged(Box::new(directory(id, name, role))));
        }
        let own = RoomView { listed_by: super::ME, ..room(19, "Hiking 🏔", "", "en", &[]) };
        model.reply(Reply::Listings([(LIBRARY, vec![own])].into()));
        if let Some(form) = &mut model.info {
            (form.listing.language, form.listing.tags) = ("en".to_owned(), "hiking, weekend".to_owned());
        }
        model
    };
    taken(&mut results, &mut show(model(), true, WIDE), "room-listings-dark");
    taken(&mut results, &mut show(model(), false, WIDE), "room-listings-light");
}

#[test]
fn reports_are_decided_by_those_who_keep_order() {
    let mut results = SnapshotResults::new();
    taken(&mut results, &mut show(on_page(&reported(), InfoPage::Reports), true, WIDE), "reports-dark");
    let mut shown = show(on_page(&reported(), InfoPage::Reports), false, WIDE);
    taken(&mut results, &mut shown, "reports-light");
    let dismiss = shown.harness.get_all_by_label("Dismiss").next().unwrap();
    dismiss.click();
    shown.settle();
    let wanted = GroupAction::Dismiss { by: SARA, message: MessageId([61; 16]) };
    assert!(shown.actions.borrow().contains(&Action::Group(wanted)));
}

#[test]
fn a_message_is_reported_with_a_reason() {
    let mut results = SnapshotResults::new();
    let model = || {
        let mut model = groups::model_of(&groups::hiking(Role::Member));
        let message =
            model.timeline.as_ref().unwrap().messages().iter().find(|message| message.sender == JONAS);
        let message = message.unwrap().message;
        model.act(Action::Group(GroupAction::OpenReport(message)));
        model
    };
    taken(&mut results, &mut show(model(), true, WIDE), "report-dark");
    let mut shown = show(model(), false, WIDE);
    taken(&mut results, &mut shown, "report-light");
    shown.harness.get_by_label("Report").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Group(GroupAction::SendReport)));
}

#[test]
fn filters_and_lists_of_blocked_people() {
    let mut results = SnapshotResults::new();
    taken(&mut results, &mut show(filtering(None), true, WIDE), "settings-filters-dark");
    let people = (40..44).map(|number| AccountId([number; 32])).collect();
    let incoming = Incoming { new: people, known: 2, contacts: 1, own: true };
    let mut shown = show(filtering(Some(incoming)), false, WIDE);
    taken(&mut results, &mut shown, "settings-filters-light");
    shown.harness.get_by_label("Do not hide “spoiler” any more").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::RemoveFilter("spoiler".to_owned())));
}

#[test]
fn what_notifications_say_is_chosen() {
    let mut results = SnapshotResults::new();
    taken(&mut results, &mut show(settings(Page::Notices), true, WIDE), "settings-notices-dark");
    taken(&mut results, &mut show(settings(Page::Notices), false, NARROW), "settings-notices-narrow-light");
}

#[test]
fn a_message_with_a_filtered_word_is_hidden_behind_a_line() {
    let mut model = super::model();
    model.reply(Reply::Filters(vec!["great".to_owned()]));
    let mut shown = show(model, true, WIDE);
    shown.picture("hidden-dark");
    let hidden = shown.harness.get_by_label_contains("Hidden by your filter");
    hidden.click();
    shown.settle();
    let uncover = Action::Uncover(MessageId([3; 16]));
    assert!(shown.actions.borrow().contains(&uncover));
    shown.model.borrow_mut().act(uncover);
    shown.settle();
    assert!(shown.harness.query_by_label_contains("Great 🎉").is_some());
}

#[test]
fn slow_mode_says_how_long_and_why() {
    let mut model = groups::model_of(&public(Role::Member));
    let own =
        model.timeline.as_ref().unwrap().messages().iter().rev().find(|message| message.outgoing).cloned();
    let own = kith_engine::view::MessageView {
        message: MessageId([99; 16]),
        index: 900,
        sent_at: kith_proto::time::Timestamp(super::NOW.time.0 - 18_000),
        text: "Me too".to_owned(),
        ..own.unwrap()
    };
    model.event(Event::MessageWritten(own));
    show(model, false, WIDE).picture("slow-mode-light");
}

#[test]
fn every_language_has_room() {
    let mut results = SnapshotResults::new();
    for (language, name) in
        [(Language::German, "german"), (Language::French, "french"), (Language::Spanish, "spanish")]
    {
        i18n::speaking(language, || {
            taken(&mut results, &mut show(super::model(), true, WIDE), &format!("conversation-{name}-dark"));
            taken(
                &mut results,
                &mut show(settings(Page::General), false, WIDE),
                &format!("settings-{name}-light"),
            );
            taken(
                &mut results,
                &mut show(on_page(&public(Role::Owner), InfoPage::Rules), false, NARROW),
                &format!("rules-{name}-narrow"),
            );
        });
    }
}
