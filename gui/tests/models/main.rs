//! What the models do, without any drawing.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

mod calls;
mod groups;
mod rooms;
mod stopped;
mod together;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::Overview;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::MailboxRefusal;
use kith_engine::view::MailboxView;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::NetworkView;
use kith_engine::view::ProfileView;
use kith_gui::action::Action;
use kith_gui::action::Request;
use kith_gui::bridge::All;
use kith_gui::bridge::Reply;
use kith_gui::model::Dialog;
use kith_gui::model::Model;
use kith_gui::model::Screen;
use kith_gui::model::dates::Now;
use kith_gui::model::network;
use kith_gui::model::network::Tone;
use kith_gui::model::settings::Page;
use kith_gui::model::timeline::Row;
use kith_gui::model::timeline::Timeline;
use kith_node::AccountState;
use kith_node::doctor;
use kith_node::helping::HelpView;
use kith_node::helping::settings::HelpSettings;
use kith_node::helping::settings::Who;
use kith_proto::address::Multiaddress;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;
use zeroize::Zeroizing;

const CHAT: ChatId = ChatId([1; 16]);
const NOON: u64 = 1_795_262_400_000;
const NOW: Now = Now { time: Timestamp(NOON), offset_minutes: 0 };

fn everything() -> All {
    let (account, device) = (AccountId([1; 32]), DeviceId([1; 32]));
    All {
        profile: ProfileView { account, device, name: "Ann".to_owned(), status: String::new(), knocks: true },
        contacts: Vec::new(),
        chats: Vec::new(),
        groups: Vec::new(),
        filters: Vec::new(),
        calling: Default::default(),
        overview: Overview::default(),
        listen: Vec::new(),
        calls: Default::default(),
    }
}

fn contact(account: AccountId, name: &str, state: ContactState) -> ContactView {
    ContactView {
        contact: account,
        chat: ChatId::direct(&everything().profile.account, &account),
        name: name.to_owned(),
        status: String::new(),
        greeting: String::new(),
        state,
        verified: false,
        stranger: false,
        by_address: false,
        refused: false,
        mailboxes: 0,
        online: false,
        since: Timestamp(NOON),
    }
}

fn message(index: u64, outgoing: bool, minutes_ago: u64) -> MessageView {
    let mut id = [0; 16];
    id.iter_mut().zip(index.to_le_bytes()).for_each(|(to, from)| *to = from);
    let time = Timestamp(NOON - minutes_ago * 60_000);
    MessageView {
        message: MessageId(id),
        chat: CHAT,
        index,
        sender: AccountId([2; 32]),
        outgoing,
        kind: kith_engine::view::MessageKind::Text,
        text: format!("message {index}"),
        reply_to: None,
        mentions: Vec::new(),
        mentions_all: false,
        sent_at: time,
        stored_at: time,
        state: MessageState::Delivered,
        expires_at: None,
        receipts: None,
        copies: None,
    }
}

fn rows(timeline: &Timeline) -> String {
    let row = |row: &Row| match row {
        Row::Day(day) => format!("-- {}", NOW.day_name(*day)),
        Row::Unread(count) => format!("== {count} new"),
        Row::Message { at, first, last } => {
            let message = timeline.message(*at).unwrap();
            let mark = |set: &bool, mark| if *set { mark } else { ' ' };
            format!(
                "{}{}{} {}",
                mark(first, '/'),
                mark(last, '\\'),
                if message.outgoing { '>' } else { '<' },
                message.text
            )
        }
        Row::Gap => "~~ missing".to_owned(),
        Row::Line { at } => format!("-- line {}", timeline.message(*at).unwrap().index),
    };
    timeline.rows().iter().map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn messages_are_grouped_by_person_time_and_day_with_a_divider_before_the_unread() {
    let mut timeline = Timeline::new(CHAT, 2, String::new());
    let page = vec![
        message(1, false, 1_500),
        message(2, false, 60),
        message(3, false, 58),
        message(4, true, 57),
        message(5, false, 20),
        message(6, false, 19),
    ];
    timeline.page(None, page);
    timeline.arrange(NOW);
    let wanted = "-- Yesterday\n/\\< message 1\n-- Today\n/ < message 2\n \\< message 3\n/\\> message 4\n== 2 new\n/ < message 5\n \\< message 6";
    assert_eq!(rows(&timeline), wanted);
}

#[test]
fn older_pages_are_asked_for_once_and_put_before_what_is_there() {
    let mut timeline = Timeline::new(CHAT, 0, String::new());
    assert_eq!(timeline.want_older(), None, "the first page is under way");
    timeline.page(None, (301..=500).map(|index| message(index, false, 1)).collect());
    assert_eq!(timeline.want_older(), Some(Request::LoadPage { chat: CHAT, before: Some(301) }));
    assert_eq!(timeline.want_older(), None, "asked already");
    timeline.page(Some(301), (251..=300).map(|index| message(index, false, 2)).collect());
    assert_eq!((timeline.len(), timeline.is_complete()), (250, true));
    timeline.add(message(501, true, 0));
    timeline.add(message(501, true, 0));
    assert_eq!(timeline.len(), 251, "an event that comes twice adds once");
    timeline.set_state(&message(501, true, 0).message, MessageState::Read);
    assert_eq!(timeline.find(&message(501, true, 0).message).unwrap().state, MessageState::Read);
}

#[test]
fn the_first_start_makes_an_account_only_with_two_equal_passphrases_and_a_phrase_that_was_written_down() {
    let mut model = Model::new();
    assert!(model.start(AccountState::None).is_empty());
    let Screen::Welcome(form) = &mut model.screen else { panic!("the welcome form is shown") };
    form.name = " Ann ".to_owned();
    form.protect = true;
    form.passphrase = Zeroizing::new("four random words".to_owned());
    form.again = Zeroizing::new("four random word".to_owned());
    assert!(model.act(Action::CreateAccount).is_empty());
    let Screen::Welcome(form) = &mut model.screen else { panic!("the form stays") };
    assert!(form.error.take().unwrap().contains("differ"));
    form.again = form.passphrase.clone();
    let wanted = Request::CreateAccount {
        name: "Ann".to_owned(),
        passphrase: Some(form.passphrase.clone()),
        phrase: None,
    };
    assert_eq!(model.act(Action::CreateAccount), vec![wanted]);
    let words: Vec<String> = (1..=24).map(|number| format!("word{number}")).collect();
    model.reply(Reply::Created(Zeroizing::new(words.join(" "))));
    // Meanwhile the new node opens its sockets and says so.
    let network = NetworkView { listen: vec![Multiaddress::new(vec![4]).unwrap()], ..NetworkView::default() };
    assert_eq!(model.event(Event::NetworkChanged(network)), vec![Request::LoadAll]);
    model.reply(Reply::All(Box::new(everything())));
    assert!(model.act(Action::PhraseKept).is_empty(), "now a word is asked for");
    let Screen::Phrase(form) = &mut model.screen else { panic!("the phrase is shown") };
    form.typed = Zeroizing::new("word8".to_owned());
    assert!(model.act(Action::PhraseKept).is_empty(), "the wrong word");
    let Screen::Phrase(form) = &mut model.screen else { panic!("the phrase stays") };
    assert!(form.error.is_some());
    form.typed = Zeroizing::new("Word7 ".to_owned());
    assert_eq!(model.act(Action::PhraseKept), vec![Request::LoadAll]);
}

#[test]
fn a_failure_is_shown_where_the_person_looks() {
    let mut model = Model::new();
    model.start(AccountState::Locked);
    model.reply(Reply::Failed("this passphrase does not open the data folder".to_owned()));
    let Screen::Unlock(form) = &model.screen else { panic!("the unlock form stays") };
    assert!(form.error.as_ref().unwrap().contains("passphrase"));
    model.screen = Screen::Main;
    model.reply(Reply::Failed("no".to_owned()));
    assert!(model.toasts.iter().next().unwrap().bad);
    assert!(model.pass_time(1.0) && !model.pass_time(60.0), "and goes away");
}

const PLACE: &str = "/ip4/198.51.100.7/tcp/4001/p2p/12D3KooWFBsVJ6DJpspopoHdZoeumtuon5yXFf67j2gLuLgqhyyQ";

fn mailbox() -> MailboxView {
    let node = kith_node::handle::parse_node(PLACE).unwrap();
    MailboxView {
        device: node.device,
        address: node.address,
        accepted: true,
        connected: true,
        chosen: false,
        refused: None,
        with_voucher: false,
        of_contact: false,
        without: Vec::new(),
        links_without: 0,
        missing: 0,
        closing: false,
        since: Some(Timestamp(NOON - 26 * 3_600_000)),
        left_at: Some(Timestamp(NOON - 3_600_000)),
        read_at: None,
        quota_left: Some(32 << 20),
        score: 500,
        away_secs: 0,
    }
}

#[test]
fn every_state_of_a_mailbox_is_said_in_words() {
    let states = [
        mailbox(),
        MailboxView { connected: false, chosen: true, left_at: None, quota_left: None, ..mailbox() },
        MailboxView { accepted: false, since: None, left_at: None, quota_left: None, ..mailbox() },
        MailboxView {
            refused: Some(MailboxRefusal::NotKnown),
            of_contact: true,
            accepted: false,
            chosen: true,
            since: None,
            left_at: None,
            ..mailbox()
        },
        MailboxView { closing: true, ..mailbox() },
    ];
    let network = NetworkView { mailboxes: states.to_vec(), ..NetworkView::default() };
    let said: Vec<String> = network::mailboxes(&network, NOW)
        .iter()
        .map(|(_, line)| format!("{} | {} | {}", line.title, line.state, line.detail))
        .collect();
    let wanted = [
        "198.51.100.7, port 4001 | It has a place for your messages, and answers. | Found by itself · since yesterday · last message today at 11:00 · 32 MiB free",
        "198.51.100.7, port 4001 | It has a place for your messages; it does not answer now. | Chosen by you · since yesterday",
        "198.51.100.7, port 4001 | It is being asked. | Found by itself",
        "198.51.100.7, port 4001 | It does not take you: its owner may have to add you as a contact. | Chosen by you · 32 MiB free",
        "198.51.100.7, port 4001 | It is closing; what it holds is being fetched. | Found by itself · since yesterday · last message today at 11:00 · 32 MiB free",
    ];
    assert_eq!(said, wanted);
}

#[test]
fn helping_says_how_much_for_how_many_and_until_when() {
    let on = HelpSettings { enabled: true, since: Some(Timestamp(NOON)), ..HelpSettings::default() };
    let view = HelpView { settings: on, inboxes: 3, envelopes: 1, bytes: 1_536, ..HelpView::default() };
    let said = |view: &HelpView| network::helping(view, NOW).0.join(" ");
    assert_eq!(
        said(&view),
        "This computer keeps sealed messages for your contacts since today. One message waits here, 1.5 KiB in all, for about 2 people."
    );
    let closing = HelpSettings { enabled: false, closing: true, ..on };
    let view = HelpView { settings: closing, until: Some(Timestamp(NOON + 14 * 86_400_000)), ..view };
    assert_eq!(
        said(&view),
        "It is off: nothing new is taken. One message waits here, 1.5 KiB in all. It is still given to whoever comes for it, until 5 December at the latest."
    );
    assert_eq!(said(&HelpView::default()), "This computer keeps nothing for others.");
}

#[test]
fn the_connection_is_examined_when_its_page_is_shown_and_once_at_a_time() {
    let mut model = Model::new();
    model.screen = Screen::Main;
    model.act(Action::OpenSettings);
    assert_eq!(model.act(Action::ShowPage(Page::Connection)), vec![Request::Examine]);
    let changed = || Event::NetworkChanged(NetworkView::default());
    assert!(model.event(changed()).is_empty(), "an answer is on its way");
    model.reply(Reply::Examined(doctor::findings(&doctor::Known::default())));
    let marks: Vec<_> = model.findings.iter().map(network::finding).collect();
    assert_eq!(marks.first(), Some(&("Addresses".to_owned(), Tone::Warning)));
    assert!(marks.contains(&("NAT type".to_owned(), Tone::Quiet)), "{marks:?}");
    assert_eq!(model.event(changed()), vec![Request::Examine]);
    assert_eq!(model.act(Action::SaveReport), vec![Request::SaveReport]);
    model.reply(Reply::ReportSaved("/home/ann/Downloads/kith-report-2026-11-21.txt".to_owned()));
    assert!(model.toasts.iter().last().unwrap().text.contains("names nobody"));
    model.act(Action::ShowPage(Page::General));
    model.reply(Reply::Examined(Vec::new()));
    assert!(model.event(changed()).is_empty(), "nobody looks");
}

#[test]
fn the_settings_ask_for_what_is_typed_and_show_what_a_picture_says() {
    let mut model = Model::new();
    model.screen = Screen::Main;
    assert_eq!(model.act(Action::OpenSettings), vec![Request::LoadHelp]);
    model.act(Action::ShowPage(Page::Mailboxes));
    model.reply(Reply::QrText(PLACE.to_owned()));
    assert_eq!(
        model.act(Action::AddMailbox),
        vec![Request::AddMailbox { address: PLACE.to_owned(), voucher: None }]
    );
    model.act(Action::ShowPage(Page::Nodes));
    model.reply(Reply::QrText(PLACE.to_owned()));
    assert_eq!(model.act(Action::AddBootstrap), vec![Request::AddBootstrap(PLACE.to_owned())]);
    let Some(Dialog::Settings(form)) = &mut model.dialog else { panic!("the settings are open") };
    (form.size_step, form.who) = (5, Who::Anybody);
    let wanted = Request::Help { enabled: true, bytes: 2 << 30, who: Who::Anybody };
    assert_eq!(model.act(Action::Help(true)), vec![wanted]);
}

#[test]
fn an_address_is_told_from_a_link_and_the_owner_says_whether_strangers_may_ask() {
    let mut model = Model::new();
    model.screen = Screen::Main;
    model.act(Action::OpenAdd);
    let Some(Dialog::Add(form)) = &mut model.dialog else { panic!("the dialog is open") };
    assert!(!form.is_address());
    form.link = format!(" {} ", AccountId([1; 32]));
    assert!(form.is_address());
    form.greeting = "it is me".to_owned();
    let link = form.link.clone();
    let asked = model.act(Action::AddContact);
    assert!(asked.iter().any(
        |request| matches!(request, Request::AddContact { link: sent, greeting } if *sent == link && greeting == "it is me")
    ), "{asked:?}");
    for allowed in [false, true] {
        let wanted = [Request::Command(Command::AllowKnocks { allowed })];
        assert_eq!(model.act(Action::AllowKnocks(allowed)), wanted);
    }
    // What the engine says is what is shown.
    let account = AccountId([1; 32]);
    let profile = ProfileView {
        account,
        device: DeviceId([1; 32]),
        name: "Ann".to_owned(),
        status: String::new(),
        knocks: false,
    };
    model.event(Event::ProfileChanged(profile));
    assert!(!model.profile.as_ref().unwrap().knocks);
}
