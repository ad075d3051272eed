//! The screens as pictures, light and dark, and what a person can do with the keyboard. Drawn by a software renderer;
//! every font is in the binary, the time is given, nothing moves.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

mod calls;
mod groups;
mod rooms;
mod stopped;
mod together;

use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;

use eframe::egui;
use eframe::egui::Color32;
use egui_kittest::Harness;
use egui_kittest::SnapshotOptions;
use egui_kittest::kittest::Queryable as _;
use kith_engine::Event;
use kith_engine::view::AttemptEnd;
use kith_engine::view::AttemptView;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::ClockView;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::KeptView;
use kith_engine::view::MailboxRefusal;
use kith_engine::view::MailboxView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::Nat;
use kith_engine::view::NextView;
use kith_engine::view::NextWhy;
use kith_engine::view::PreviewView;
use kith_engine::view::ProfileView;
use kith_engine::view::RouteView;
use kith_engine::view::TraceView;
use kith_engine::view::TracedDevice;
use kith_engine::view::Way;
use kith_gui::action::Action;
use kith_gui::action::Request;
use kith_gui::bridge::Reply;
use kith_gui::model::Dialog;
use kith_gui::model::Model;
use kith_gui::model::Screen;
use kith_gui::model::WelcomeForm;
use kith_gui::model::dates::Now;
use kith_gui::model::settings::Page;
use kith_gui::theme::Tokens;
use kith_gui::theme::fonts;
use kith_gui::view;
use kith_node::doctor;
use kith_node::doctor::Known;
use kith_node::helping::HelpView;
use kith_node::helping::settings::HelpSettings;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

const NOW: Now = Now { time: Timestamp(1_795_262_400_000), offset_minutes: 0 };
const ME: AccountId = AccountId([1; 32]);

fn minutes_ago(minutes: u64) -> Timestamp {
    Timestamp(NOW.time.0 - minutes * 60_000)
}

fn contact(number: u8, name: &str, state: ContactState) -> ContactView {
    let account = AccountId([number; 32]);
    ContactView {
        contact: account,
        chat: ChatId::direct(&ME, &account),
        name: name.to_owned(),
        status: String::new(),
        greeting: "It is me, from the climbing wall".to_owned(),
        state,
        verified: number == 10,
        stranger: false,
        by_address: false,
        refused: false,
        mailboxes: 0,
        online: number == 10,
        since: minutes_ago(9_000),
    }
}

fn chat(contact: &ContactView, last: &str, minutes: u64, unread: u64) -> ChatView {
    ChatView {
        chat: contact.chat,
        with: ChatWith::Contact(contact.contact),
        name: contact.name.clone(),
        unread,
        last: Some(PreviewView {
            message: MessageId([contact.contact.0.first().copied().unwrap(); 16]),
            sender: contact.contact,
            outgoing: false,
            kind: MessageKind::Text,
            text: last.to_owned(),
            sent_at: minutes_ago(minutes),
            state: MessageState::Delivered,
        }),
        active_at: minutes_ago(minutes),
        draft: String::new(),
    }
}

fn message(
    contact: &ContactView,
    index: u64,
    outgoing: bool,
    minutes: u64,
    text: &str,
    state: MessageState,
) -> MessageView {
    MessageView {
        message: MessageId([u8::try_from(index).unwrap(); 16]),
        chat: contact.chat,
        index,
        sender: if outgoing { ME } else { contact.contact },
        outgoing,
        kind: MessageKind::Text,
        text: text.to_owned(),
        reply_to: (index == 6).then_some(MessageId([2; 16])),
        mentions: Vec::new(),
        mentions_all: false,
        sent_at: minutes_ago(minutes),
        stored_at: minutes_ago(minutes),
        state,
        expires_at: None,
        receipts: None,
        copies: None,
    }
}

/// A few friends and a conversation.
fn model() -> Model {
    let mut model = Model::new();
    model.screen = Screen::Main;
    let mira = contact(10, "Mira Okafor", ContactState::Accepted);
    let sara = contact(12, "سارة العلي", ContactState::Accepted);
    let ana = contact(14, "Ana Sousa 🌻", ContactState::Accepted);
    let jonas = contact(15, "Jonas Weber", ContactState::Incoming);
    for view in [&mira, &sara, &ana, &jonas] {
        model.event(Event::ContactChanged(view.clone()));
    }
    model.event(Event::ChatChanged(chat(&mira, "See you at six!", 3, 2)));
    model.event(Event::ChatChanged(chat(&sara, "مرحبا، هل وصلتك الرسالة؟", 1_500, 1)));
    model.event(Event::ChatChanged(chat(&ana, "Chapter seven?", 5_000, 0)));
    model.network.listen = vec![kith_proto::address::Multiaddress::new(vec![1]).unwrap()];
    model.network.contacts_online = 1;
    model.act(Action::OpenChat(mira.chat));
    let said = [
        (false, 1_460, "Hey! Did the new build arrive?", MessageState::Read),
        (
            true,
            30,
            "I tried it on the old laptop: first frame after 180 ms, idle CPU is zero. Nice work 🚀",
            MessageState::Read,
        ),
        (false, 29, "Great 🎉", MessageState::Read),
        (false, 28, "שלום! מה שלומך?", MessageState::Read),
        (true, 20, "The mixed one: the word سلام means peace, and שלום too.", MessageState::Delivered),
        (false, 10, "👍🏽", MessageState::Delivered),
        (
            true,
            6,
            "Notes are at https://example.org/notes if you want to read ahead.\nSecond line.",
            MessageState::Sent,
        ),
        (true, 5, "Merci beaucoup ! À demain ☕", MessageState::Queued),
        (false, 3, "See you at six!", MessageState::Delivered),
    ];
    let messages = said.iter().enumerate().map(|(at, (outgoing, minutes, text, state))| {
        message(&mira, at as u64 + 1, *outgoing, *minutes, text, *state)
    });
    model.reply(Reply::Page { chat: mira.chat, before: None, messages: messages.collect() });
    model
}

struct Shown {
    harness: Harness<'static>,
    model: Rc<RefCell<Model>>,
    actions: Rc<RefCell<Vec<Action>>>,
    /// The colour of what is behind the window.
    ground: Rc<Cell<Color32>>,
}

fn show(model: Model, dark: bool, size: [f32; 2]) -> Shown {
    let (model, actions) = (Rc::new(RefCell::new(model)), Rc::new(RefCell::new(Vec::new())));
    let (shown, wanted) = (Rc::clone(&model), Rc::clone(&actions));
    let tokens = if dark { Tokens::dark() } else { Tokens::light() };
    let ground = Rc::new(Cell::new(Color32::BLACK));
    let behind = Rc::clone(&ground);
    let mut ready = false;
    let harness = Harness::builder().with_size(size).with_pixels_per_point(1.0).wgpu().build_ui(move |ui| {
        if !std::mem::replace(&mut ready, true) {
            ui.ctx().set_fonts(fonts::definitions());
            tokens.apply(ui.ctx());
            ui.ctx().set_theme(if tokens.dark { egui::Theme::Dark } else { egui::Theme::Light });
            ui.ctx().all_styles_mut(|style| {
                style.animation_time = 0.0;
                style.visuals.text_cursor.blink = false;
            });
            return;
        }
        ui.painter().rect_filled(ui.max_rect(), 0.0, behind.get());
        let asked = view::show(ui, &mut shown.borrow_mut(), &tokens, NOW);
        wanted.borrow_mut().extend(asked);
    });
    Shown { harness, model, actions, ground }
}

impl Shown {
    fn settle(&mut self) {
        for _ in 0..6 {
            self.harness.step();
        }
    }

    /// Compares with the picture in `tests/snapshots`. Renderers differ by a shade here and there.
    fn picture(&mut self, name: &str) {
        self.settle();
        let on_black = self.harness.render().unwrap();
        self.ground.set(Color32::WHITE);
        self.settle();
        assert!(self.harness.render().unwrap() == on_black, "what is behind the window shines through");
        let options = SnapshotOptions::new().threshold(1.5).max_failed_pixels(400);
        self.harness.snapshot_options(name, &options);
    }
}

/// The first start with the passphrase wanted.
fn welcome() -> Model {
    let mut model = Model::new();
    model.screen = Screen::Welcome(WelcomeForm { protect: true, ..WelcomeForm::default() });
    model
}

/// A page of the settings of somebody with two community nodes, three mailboxes, and a mailbox for others.
fn settings(page: Page) -> Model {
    let mut model = model();
    model.profile = Some(ProfileView {
        account: ME,
        device: DeviceId([1; 32]),
        name: "Lena Brandt".to_owned(),
        status: "On the road until Friday".to_owned(),
        knocks: true,
    });
    let place = |host: &str| {
        let id = "12D3KooWFBsVJ6DJpspopoHdZoeumtuon5yXFf67j2gLuLgqhyyQ";
        kith_node::handle::parse_node(&format!("/ip4/{host}/tcp/4001/p2p/{id}")).unwrap()
    };
    let mailbox = |host: &str, connected: bool, chosen: bool| MailboxView {
        device: place(host).device,
        address: place(host).address,
        accepted: true,
        connected,
        chosen,
        refused: None,
        with_voucher: false,
        of_contact: false,
        without: Vec::new(),
        links_without: 0,
        missing: 0,
        closing: false,
        since: Some(minutes_ago(20_000)),
        left_at: Some(minutes_ago(75)),
        read_at: Some(minutes_ago(70)),
        quota_left: Some(31 << 20),
        score: 640,
        away_secs: 0,
    };
    let text = |host: &str| kith_node::handle::address_text(&place(host).address, Some(&place(host).device));
    model.listen = vec![text("203.0.113.9")];
    model.network.bootstraps = vec![text("198.51.100.7"), "/dns4/kith.example.org/tcp/4001".to_owned()];
    model.network.bootstraps_named = vec!["/dns4/nodes.example.net/tcp/4001".to_owned()];
    model.network.bootstraps_up = vec![place("198.51.100.7").device];
    model.network.bootstraps_connected = 1;
    model.network.mailboxes = vec![
        mailbox("198.51.100.7", true, false),
        mailbox("192.0.2.44", false, true),
        MailboxView {
            refused: Some(MailboxRefusal::NotKnown),
            of_contact: true,
            accepted: false,
            ..mailbox("203.0.113.80", true, true)
        },
    ];
    model.act(Action::OpenSettings);
    model.act(Action::ShowPage(page));
    let settings = HelpSettings { enabled: true, since: Some(minutes_ago(9_000)), ..HelpSettings::default() };
    let view = HelpView { settings, inboxes: 14, envelopes: 212, bytes: 3 << 20, ..HelpView::default() };
    model.reply(Reply::Help(Box::new(view)));
    model
}

fn connection() -> Model {
    let mut model = settings(Page::Connection);
    let mut known = Known { now: minutes_ago(0), network: model.network.clone(), ..Known::default() };
    (known.network.nat, known.network.dht_peers) = (Nat::Private, 6);
    known.facts.mapping = doctor::Mapping::Differs;
    known.clock = Some(ClockView { sources: 3, ahead_at_least_secs: 720, ahead_at_most_secs: 720 });
    model.reply(Reply::Examined(doctor::findings(&known)));
    model
}

/// Their device is away, one mailbox keeps the message and the other is full.
fn traced() -> Model {
    let mut model = model();
    let timeline = model.timeline.as_ref().unwrap();
    let mut messages = (0..timeline.len()).filter_map(|at| timeline.message(at));
    let message = messages.find(|message| message.outgoing).unwrap().clone();
    let (one, two) = (DeviceId([1; 32]), DeviceId([2; 32]));
    let until = Timestamp(minutes_ago(0).0 + 14 * 86_400_000);
    let attempt = |way, end, minutes, times| {
        let last = minutes_ago(minutes);
        AttemptView { way, end, first: last, last, times: Some(times) }
    };
    let next =
        |way, why, minutes: u64| NextView { at: Timestamp(minutes_ago(0).0 + minutes * 60_000), way, why };
    let route = RouteView {
        attempts: vec![
            attempt(Way::Dial, AttemptEnd::NotReached, 4, 7),
            attempt(Way::Mailbox(one), AttemptEnd::Kept { until }, 3, 1),
            attempt(Way::Mailbox(two), AttemptEnd::Full, 2, 2),
        ],
        next: vec![
            next(Way::Dial, NextWhy::NotReached, 5),
            next(Way::Mailbox(two), NextWhy::Refused, 8),
            next(Way::Mailbox(one), NextWhy::Renewal, 13 * 1_440),
        ],
        ..RouteView::default()
    };
    let mailboxes =
        vec![KeptView { mailbox: one, until: Some(until) }, KeptView { mailbox: two, until: None }];
    let device =
        TracedDevice { device: DeviceId([9; 32]), state: MessageState::Sent, position: 1, mailboxes, route };
    let view =
        TraceView { message: MessageView { state: MessageState::Sent, ..message }, devices: vec![device] };
    model.act(Action::Trace(view.message.message));
    model.reply(Reply::Trace(Box::new(view)));
    model
}

/// A stranger asks, and two are asked by their addresses: one who is looked for, one who takes no requests.
fn strangers() -> Model {
    let mut model = model();
    let jonas = ContactView { stranger: true, ..contact(15, "Jonas Weber", ContactState::Incoming) };
    let sought = ContactView {
        name: String::new(),
        greeting: String::new(),
        by_address: true,
        ..contact(16, "", ContactState::Requested)
    };
    let refused = ContactView { refused: true, ..contact(17, "", ContactState::Requested) };
    let refused = ContactView { by_address: true, greeting: String::new(), ..refused };
    for view in [&jonas, &sought, &refused] {
        model.event(Event::ContactChanged(view.clone()));
    }
    for view in [&sought, &refused] {
        model.event(Event::ChatChanged(ChatView { last: None, ..chat(view, "", 1, 0) }));
    }
    model.act(Action::OpenChat(sought.chat));
    model.reply(Reply::Page { chat: sought.chat, before: None, messages: Vec::new() });
    model
}

/// Somebody pastes an address.
fn adding() -> Model {
    let mut model = model();
    model.act(Action::OpenAdd);
    if let Some(Dialog::Add(form)) = &mut model.dialog {
        form.link = AccountId([16; 32]).to_string();
        form.invite = Some("kith:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
    }
    model
}

fn list() -> Model {
    let mut model = model();
    model.act(Action::CloseChat);
    model
}

const WIDE: [f32; 2] = [1_180.0, 780.0];
const NARROW: [f32; 2] = [420.0, 700.0];

#[test]
fn a_conversation_in_the_dark_theme() {
    show(model(), true, WIDE).picture("conversation-dark");
}

#[test]
fn a_conversation_in_the_light_theme() {
    show(model(), false, WIDE).picture("conversation-light");
}

#[test]
fn a_narrow_window_shows_only_the_chat() {
    show(model(), true, NARROW).picture("narrow-chat-dark");
}

#[test]
fn a_narrow_window_shows_only_the_list() {
    show(list(), false, NARROW).picture("narrow-list-light");
}

#[test]
fn the_first_start_in_the_dark_theme() {
    show(welcome(), true, WIDE).picture("welcome-dark");
}

#[test]
fn the_first_start_in_the_light_theme() {
    show(welcome(), false, WIDE).picture("welcome-light");
}

#[test]
fn the_settings_in_the_dark_theme() {
    show(settings(Page::General), true, WIDE).picture("settings-dark");
}

#[test]
fn the_settings_in_the_light_theme() {
    show(settings(Page::General), false, WIDE).picture("settings-light");
}

/// Somebody was asked to be a contact, and has not answered.
fn asked() -> Model {
    let mut model = model();
    let kai = contact(18, "Kai Lindqvist", ContactState::Requested);
    model.event(Event::ContactChanged(kai.clone()));
    model.event(Event::ChatChanged(chat(&kai, "Hello!", 1, 0)));
    model.act(Action::OpenChat(kai.chat));
    model
}

#[test]
fn a_chat_that_waits_for_an_answer_in_the_dark_theme() {
    show(asked(), true, WIDE).picture("asked-dark");
}

#[test]
fn a_chat_that_waits_for_an_answer_in_the_light_theme() {
    show(asked(), false, WIDE).picture("asked-light");
}

#[test]
fn community_nodes_in_the_dark_theme() {
    show(settings(Page::Nodes), true, WIDE).picture("settings-nodes-dark");
}

#[test]
fn community_nodes_in_the_light_theme() {
    show(settings(Page::Nodes), false, WIDE).picture("settings-nodes-light");
}

#[test]
fn mailboxes_in_the_dark_theme() {
    show(settings(Page::Mailboxes), true, WIDE).picture("settings-mailboxes-dark");
}

#[test]
fn mailboxes_in_the_light_theme() {
    show(settings(Page::Mailboxes), false, WIDE).picture("settings-mailboxes-light");
}

#[test]
fn helping_others_in_the_dark_theme() {
    show(settings(Page::Help), true, WIDE).picture("settings-help-dark");
}

#[test]
fn helping_others_in_the_light_theme() {
    show(settings(Page::Help), false, WIDE).picture("settings-help-light");
}

#[test]
fn the_connection_in_the_dark_theme() {
    show(connection(), true, WIDE).picture("settings-connection-dark");
}

#[test]
fn the_connection_in_the_light_theme() {
    show(connection(), false, WIDE).picture("settings-connection-light");
}

#[test]
fn what_became_of_a_message_in_the_dark_theme() {
    show(traced(), true, WIDE).picture("trace-dark");
}

#[test]
fn what_became_of_a_message_in_the_light_theme() {
    show(traced(), false, WIDE).picture("trace-light");
}

#[test]
fn helping_others_in_a_narrow_window() {
    show(settings(Page::Help), true, NARROW).picture("settings-help-narrow");
}

#[test]
fn the_code_of_an_address_is_shown_and_mailboxes_are_let_go_by_name() {
    let mut model = settings(Page::Mailboxes);
    let code = model.listen.first().cloned();
    model.act(Action::ShowCode(code));
    let mut shown = show(model, true, WIDE);
    shown.settle();
    let first = shown.harness.get_all_by_label("Do not use this mailbox").next().unwrap();
    first.click();
    shown.settle();
    assert!(shown.actions.borrow().iter().any(|action| matches!(action, Action::RemoveMailbox(_))));
    shown.harness.get_by_label("Help others").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::ShowPage(Page::Help)));
}

#[test]
fn a_stranger_and_people_asked_by_their_address_in_the_dark_theme() {
    show(strangers(), true, WIDE).picture("strangers-dark");
}

#[test]
fn a_stranger_and_people_asked_by_their_address_in_the_light_theme() {
    show(strangers(), false, WIDE).picture("strangers-light");
}

#[test]
fn adding_somebody_by_an_address_in_the_dark_theme() {
    show(adding(), true, WIDE).picture("adding-address-dark");
}

#[test]
fn adding_somebody_by_an_address_in_the_light_theme() {
    show(adding(), false, WIDE).picture("adding-address-light");
}

#[test]
fn a_stranger_is_declined_without_a_word_and_the_switch_closes_the_door() {
    let mut shown = show(strangers(), true, WIDE);
    shown.settle();
    assert!(shown.harness.query_by_label_contains("A stranger: knows only your address").is_some());
    assert!(shown.harness.query_by_label_contains("looked for by their address").is_some());
    shown.harness.get_by_label("Decline").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Remove(AccountId([15; 32]))));

    let mut shown = show(settings(Page::General), false, WIDE);
    shown.settle();
    shown.harness.get_by_label("Whoever knows my address may ask to be added").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::AllowKnocks(false)));
}

#[test]
fn every_button_has_a_name_and_does_what_it_says() {
    let mut shown = show(model(), true, [1_180.0, 780.0]);
    shown.settle();
    for name in ["Add somebody", "Settings", "Discover rooms", "Emoji", "Send", "More"] {
        assert!(shown.harness.query_by_label(name).is_some(), "{name}");
    }
    shown.harness.get_by_label("Accept").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Accept(AccountId([15; 32]))));
}

#[test]
fn typing_and_enter_send_and_the_newest_message_is_seen() {
    let mut model = model();
    if let Some(timeline) = &mut model.timeline {
        timeline.draft = "on my way".to_owned();
    }
    let mut shown = show(model, true, [1_180.0, 780.0]);
    shown.settle();
    assert!(shown.actions.borrow().iter().any(|action| matches!(action, Action::Seen(_))));
    shown.harness.get_by_label("Send").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::Send));
    let asked = shown.model.borrow_mut().act(Action::Send);
    let sent = asked.iter().any(|request| {
        matches!(request, Request::Command(kith_engine::Command::SendMessage { text, .. }) if text == "on my way")
    });
    assert!(sent);
    assert!(shown.model.borrow().timeline.as_ref().unwrap().draft.is_empty(), "the composer is empty again");
}
