//! Groups as pictures, and what the keyboard does there.

use eframe::egui::Key;
use egui_kittest::SnapshotResults;
use egui_kittest::kittest::Queryable as _;
use kith_engine::Event;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::ContactState;
use kith_engine::view::GroupLine;
use kith_engine::view::GroupState;
use kith_engine::view::GroupSummary;
use kith_engine::view::GroupView;
use kith_engine::view::JoinRequestView;
use kith_engine::view::LinkView;
use kith_engine::view::MemberView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::PreviewView;
use kith_engine::view::ProfileView;
use kith_engine::view::Receipts;
use kith_gui::action::Action;
use kith_gui::action::GroupAction;
use kith_gui::action::groups::Doubt;
use kith_gui::action::groups::Step;
use kith_gui::bridge::Reply;
use kith_gui::model::Dialog;
use kith_gui::model::Model;
use kith_gui::model::groups::Notify;
use kith_gui::model::groups::info::InfoPage;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

use super::ME;
use super::NARROW;
use super::NOW;
use super::WIDE;
use super::contact;
use super::minutes_ago;
use super::show;

pub(super) const HIKING: GroupId = GroupId([19; 32]);
pub(super) const MIRA: AccountId = AccountId([10; 32]);
pub(super) const SARA: AccountId = AccountId([12; 32]);
pub(super) const JONAS: AccountId = AccountId([15; 32]);
pub(super) const TEO: AccountId = AccountId([21; 32]);
const GONE: AccountId = AccountId([30; 32]);

fn member(account: AccountId, name: &str, role: Role, online: bool) -> MemberView {
    let name = name.to_owned();
    MemberView { account, name, role, online, muted_until: None, since: minutes_ago(9_000) }
}

/// A group of six in which this account has a role.
pub(super) fn hiking(role: Role) -> GroupView {
    let link = |number, uses, used, expires, approval| LinkView {
        link: LinkId([number; 16]),
        made_by: if number == 1 { ME } else { MIRA },
        role: Role::Member,
        expires,
        uses,
        used,
        approval,
        work: 0,
        invite: None,
    };
    let mut members = vec![
        member(MIRA, "Mira Okafor", Role::Owner, true),
        member(ME, "Lena Brandt", role, true),
        member(JONAS, "Jonas Weber", Role::Moderator, false),
        member(SARA, "سارة العلي", Role::Member, true),
        MemberView {
            muted_until: Some(Timestamp(NOW.time.0 + 20 * 3_600_000)),
            ..member(TEO, "Teo Marin", Role::Member, false)
        },
        member(AccountId([22; 32]), "", Role::Observer, false),
    ];
    members.sort_by_key(|member| std::cmp::Reverse(member.role));
    GroupView {
        group: HIKING,
        chat: ChatId::group(&HIKING),
        name: "Hiking 🏔".to_owned(),
        topic: "Where to go on Sunday, who drives, and what is in the rucksack".to_owned(),
        policy: Policy { pin: Role::Moderator, ..Policy::default() },
        state: GroupState::Joined,
        role: Some(role),
        invited_by: None,
        members,
        banned: vec![GONE],
        links: vec![
            link(1, 0, 3, Timestamp(NOW.time.0 + 6 * 86_400_000), false),
            link(2, 5, 1, Timestamp::NEVER, true),
        ],
        pins: vec![MessageId([2; 16]), MessageId([4; 16])],
        requests: vec![
            JoinRequestView {
                account: AccountId([23; 32]),
                name: "Ines Duarte".to_owned(),
                link: LinkId([1; 16]),
                since: minutes_ago(12),
            },
            JoinRequestView {
                account: AccountId([24; 32]),
                name: String::new(),
                link: LinkId([2; 16]),
                since: minutes_ago(1_700),
            },
        ],
        reports: Vec::new(),
        created: minutes_ago(60_000),
        asked: false,
    }
}

fn list_entry(group: &GroupView, last: PreviewView, minutes: u64, unread: u64) -> ChatView {
    let members = u32::try_from(group.members.len()).unwrap();
    let summary = GroupSummary { group: group.group, members, role: group.role, state: group.state };
    ChatView {
        chat: group.chat,
        with: ChatWith::Group(summary),
        name: group.name.clone(),
        unread,
        last: Some(last),
        active_at: minutes_ago(minutes),
        draft: String::new(),
    }
}

fn preview(sender: AccountId, kind: MessageKind, text: &str) -> PreviewView {
    PreviewView {
        message: MessageId([99; 16]),
        sender,
        outgoing: sender == ME,
        kind,
        text: text.to_owned(),
        sent_at: minutes_ago(3),
        state: MessageState::Delivered,
    }
}

fn said(index: u8, by: AccountId, minutes: u64, text: &str) -> MessageView {
    MessageView {
        message: MessageId([index; 16]),
        chat: ChatId::group(&HIKING),
        index: u64::from(index),
        sender: by,
        outgoing: by == ME,
        kind: MessageKind::Text,
        text: text.to_owned(),
        reply_to: None,
        mentions: Vec::new(),
        mentions_all: false,
        sent_at: minutes_ago(minutes),
        stored_at: minutes_ago(minutes),
        state: MessageState::Delivered,
        expires_at: None,
        receipts: None,
        copies: None,
    }
}

fn happened(index: u8, by: AccountId, minutes: u64, line: GroupLine) -> MessageView {
    MessageView { kind: MessageKind::System(line), ..said(index, by, minutes, "") }
}

fn conversation() -> Vec<MessageView> {
    let receipts = |delivered, read, state, message| MessageView {
        receipts: Some(Receipts { delivered, read, of: 5 }),
        state,
        ..message
    };
    vec![
        happened(1, MIRA, 1_600, GroupLine::Created { name: "Hiking 🏔".to_owned() }),
        said(2, MIRA, 1_590, "The hut is booked for six, keys are in the box at the gate."),
        happened(3, MIRA, 1_580, GroupLine::Added { whom: ME }),
        said(4, JONAS, 90, "Trains: https://example.org/timetable"),
        said(5, JONAS, 89, "The 07:12 is the last one with bicycles."),
        MessageView {
            mentions: vec![ME],
            ..said(6, MIRA, 60, "@Lena Brandt can you take the stove? @Teo Marin has the pot.")
        },
        MessageView {
            reply_to: Some(MessageId([6; 16])),
            ..receipts(4, 2, MessageState::Delivered, said(7, ME, 55, "Yes, and two gas bottles 🔥"))
        },
        said(8, SARA, 50, "سآتي أيضاً، شكراً!"),
        happened(9, MIRA, 40, GroupLine::Role { whom: JONAS, role: Role::Moderator }),
        MessageView {
            mentions: vec![MIRA],
            ..receipts(
                5,
                5,
                MessageState::Read,
                said(10, ME, 30, "@Mira Okafor rain from four, shall we start early?"),
            )
        },
        said(11, JONAS, 6, "Early is good."),
        MessageView { mentions_all: true, ..said(12, JONAS, 5, "@all at 06:45 then, at the station.") },
        said(13, MIRA, 3, "👍🏽"),
    ]
}

/// A few chats, with that of the group open.
pub(super) fn model_of(view: &GroupView) -> Model {
    let mut model = super::model();
    model.act(Action::CloseChat);
    model.event(Event::ProfileChanged(ProfileView {
        account: ME,
        device: DeviceId([1; 32]),
        name: "Lena Brandt".to_owned(),
        status: String::new(),
        knocks: true,
    }));
    model.event(Event::ContactChanged(contact(15, "Jonas Weber", ContactState::Accepted)));
    let reading = GroupView {
        group: GroupId([44; 32]),
        chat: ChatId::group(&GroupId([44; 32])),
        name: "Reading circle".to_owned(),
        requests: Vec::new(),
        pins: Vec::new(),
        ..hiking(Role::Member)
    };
    let house = GroupView {
        group: GroupId([45; 32]),
        chat: ChatId::group(&GroupId([45; 32])),
        name: "House 12".to_owned(),
        ..reading.clone()
    };
    let added = MessageKind::System(GroupLine::Added { whom: SARA });
    let calls = MessageView { chat: reading.chat, mentions: vec![ME], ..said(77, MIRA, 1, "@Lena Brandt") };
    model.event(Event::GroupChanged(Box::new(reading.clone())));
    model.event(Event::GroupChanged(Box::new(house.clone())));
    model.event(Event::MessageReceived(calls));
    let words = preview(MIRA, MessageKind::Text, "@Lena Brandt did you finish chapter seven?");
    model.event(Event::ChatChanged(list_entry(&reading, words, 200, 12)));
    model.act(Action::Group(GroupAction::Notify(house.chat, Notify::Nothing)));
    model.event(Event::ChatChanged(list_entry(&house, preview(MIRA, added, ""), 2_000, 4)));
    let last = preview(MIRA, MessageKind::Text, "👍🏽");
    let chat = view.chat;
    model.event(Event::GroupChanged(Box::new(view.clone())));
    model.event(Event::ChatChanged(list_entry(view, last, 3, 0)));
    model.act(Action::OpenChat(chat));
    model.reply(Reply::Page { chat, before: None, messages: conversation() });
    let pinned = conversation().into_iter().filter(|message| view.pins.contains(&message.message));
    model.reply(Reply::Pins { chat, found: pinned.collect() });
    model.reply(Reply::Gaps { chat, before: None, found: [MessageId([11; 16])].into() });
    model
}

fn model() -> Model {
    model_of(&hiking(Role::Admin))
}

fn panel(page: InfoPage) -> Model {
    let mut model = model();
    model.act(Action::Group(GroupAction::ShowInfo(page)));
    model
}

fn with_link() -> Model {
    let mut model = panel(InfoPage::Links);
    let link = GroupInvite::new(HIKING, ([7; 32], 0), [], []);
    model.reply(Reply::Done(Box::new(kith_engine::command::Answer::GroupLink(link))));
    model
}

fn picking() -> Model {
    let mut model = model();
    model.timeline.as_mut().unwrap().draft = "Who has the map? @".to_owned();
    let Model { timeline, groups, .. } = &mut model;
    let open = timeline.as_mut().unwrap();
    let group = groups.get(&HIKING).unwrap().clone();
    open.mentions.follow(&open.draft, open.draft.len(), &group, groups);
    open.mentions.step(true);
    model
}

fn new_group() -> Model {
    let mut model = model();
    model.act(Action::Group(GroupAction::OpenNew));
    if let Some(Dialog::People(form)) = &mut model.dialog {
        form.name = "Climbing".to_owned();
        form.toggle(MIRA);
        form.toggle(SARA);
    }
    model
}

/// One invitation, one group that is asked for, and a chat whose group was left.
fn waiting() -> Model {
    let invited = GroupView { state: GroupState::Invited, invited_by: Some(TEO), ..hiking(Role::Member) };
    let mut model = model_of(&invited);
    let asking = GroupView {
        group: GroupId([50; 32]),
        chat: ChatId::group(&GroupId([50; 32])),
        name: String::new(),
        topic: String::new(),
        state: GroupState::Asking,
        role: None,
        members: Vec::new(),
        requests: Vec::new(),
        pins: Vec::new(),
        ..hiking(Role::Member)
    };
    model.event(Event::GroupChanged(Box::new(asking)));
    model
}

fn receipts() -> Model {
    let mut model = model();
    let message = MessageId([7; 16]);
    model.act(Action::Group(GroupAction::ShowReceipts(message)));
    let found = vec![
        (MIRA, MessageState::Read),
        (JONAS, MessageState::Read),
        (SARA, MessageState::Delivered),
        (TEO, MessageState::Stored),
        (AccountId([22; 32]), MessageState::Queued),
    ];
    model.reply(Reply::Receipts(message, found));
    model
}

fn removed() -> Model {
    model_of(&GroupView {
        state: GroupState::Removed,
        role: None,
        requests: Vec::new(),
        ..hiking(Role::Member)
    })
}

/// Both themes of a picture.
fn both(of: fn() -> Model, size: [f32; 2], name: &str) {
    let mut results = SnapshotResults::new();
    for (dark, theme) in [(true, "dark"), (false, "light")] {
        let mut shown = show(of(), dark, size);
        shown.picture(&format!("{name}-{theme}"));
        results.extend_harness(&mut shown.harness);
    }
}

#[test]
fn a_conversation_in_a_group() {
    both(model, WIDE, "group");
}

#[test]
fn a_conversation_in_a_group_in_a_narrow_window() {
    show(model(), false, NARROW).picture("group-narrow-light");
}

#[test]
fn the_panel_of_a_group() {
    both(|| panel(InfoPage::About), [1_180.0, 980.0], "group-panel");
}

#[test]
fn the_panel_in_a_narrow_window() {
    show(panel(InfoPage::About), true, NARROW).picture("group-panel-narrow-dark");
}

#[test]
fn the_rules_of_a_group() {
    both(|| panel(InfoPage::Rules), [1_180.0, 980.0], "group-rules");
}

#[test]
fn the_rules_for_who_cannot_change_them() {
    let mut model = model_of(&hiking(Role::Member));
    model.act(Action::Group(GroupAction::ShowInfo(InfoPage::Rules)));
    show(model, false, [1_180.0, 980.0]).picture("group-rules-read-light");
}

#[test]
fn links_into_a_group() {
    both(|| panel(InfoPage::Links), [1_180.0, 860.0], "group-links");
}

#[test]
fn a_link_that_was_just_made() {
    both(with_link, [1_180.0, 860.0], "group-link-made");
}

#[test]
fn who_asks_to_come_in() {
    both(|| panel(InfoPage::Requests), WIDE, "group-requests");
}

#[test]
fn who_is_banned() {
    both(|| panel(InfoPage::Banned), WIDE, "group-banned");
}

#[test]
fn choosing_people_for_a_new_group() {
    both(new_group, WIDE, "group-new");
}

#[test]
fn an_invitation_and_a_group_that_is_asked_for() {
    both(waiting, WIDE, "group-waiting");
}

#[test]
fn a_group_that_one_was_removed_from() {
    show(removed(), true, WIDE).picture("group-removed-dark");
}

#[test]
fn who_has_a_message() {
    both(receipts, WIDE, "group-receipts");
}

#[test]
fn the_question_before_a_ban() {
    let ban = || {
        let mut model = panel(InfoPage::About);
        let doubt = Doubt { group: HIKING, what: Step::Ban(TEO) };
        model.act(Action::Group(GroupAction::Ask(doubt)));
        model
    };
    both(ban, WIDE, "group-sure");
}

#[test]
fn calling_somebody_by_name() {
    both(picking, WIDE, "group-picker");
}

#[test]
fn the_picker_is_used_with_the_keyboard() {
    let mut shown = show(model(), true, WIDE);
    shown.settle();
    let composer = shown.harness.get_by(|node| node.is_multiline() && node.placeholder() == Some("Message"));
    composer.focus();
    shown.settle();
    let composer = shown.harness.get_by(|node| node.is_multiline() && node.placeholder() == Some("Message"));
    composer.type_text("hi @");
    shown.settle();
    assert!(shown.harness.query_by_label("Mention Jonas Weber").is_some());
    shown.harness.key_press(Key::ArrowDown);
    shown.settle();
    shown.harness.key_press(Key::Enter);
    shown.settle();
    {
        let model = shown.model.borrow();
        let open = model.timeline.as_ref().unwrap();
        assert!(
            open.draft.starts_with("hi @") && open.draft.ends_with(' ') && open.draft.len() > 6,
            "{}",
            open.draft
        );
        assert!(open.mentions.picker.is_none());
    }
    assert!(!shown.actions.borrow().contains(&Action::Send), "Enter took the name and sent nothing");
}

#[test]
fn the_pin_is_gone_to_and_the_panel_opens_from_the_bar() {
    let mut shown = show(model(), false, WIDE);
    shown.settle();
    shown.harness.get_by_label_contains("Go to the pinned message of Jonas Weber").click();
    shown.settle();
    assert!(shown.actions.borrow().contains(&Action::ShowMessage(MessageId([4; 16]))));
    shown.harness.get_by_label("About this group").click();
    shown.settle();
    let wanted = Action::Group(GroupAction::ShowInfo(InfoPage::About));
    assert!(shown.actions.borrow().contains(&wanted));
    shown.harness.get_by_label("Unpin").click();
    shown.settle();
    let wanted = Action::Group(GroupAction::Unpin(MessageId([4; 16])));
    assert!(shown.actions.borrow().contains(&wanted));
}

#[test]
fn a_member_s_menu_offers_what_the_role_allows() {
    let mut shown = show(panel(InfoPage::About), true, [1_180.0, 980.0]);
    shown.settle();
    shown.harness.get_by_label("Teo Marin, Member").click();
    shown.settle();
    for name in ["Copy address", "Unmute", "Remove…", "Ban…"] {
        assert!(shown.harness.query_by_label(name).is_some(), "{name}");
    }
    shown.harness.get_by_label("Ban…").click();
    shown.settle();
    let doubt = Doubt { group: HIKING, what: Step::Ban(TEO) };
    assert!(shown.actions.borrow().contains(&Action::Group(GroupAction::Ask(doubt))));
    let mut shown = show(panel(InfoPage::About), true, [1_180.0, 980.0]);
    shown.settle();
    shown.harness.get_by_label("Mira Okafor, Owner").click();
    shown.settle();
    assert!(shown.harness.query_by_label("Ban…").is_none(), "nobody bans whom they do not outrank");
}

#[test]
fn an_observer_is_told_why_there_is_no_composer() {
    let mut shown = show(model_of(&hiking(Role::Observer)), true, WIDE);
    shown.settle();
    assert!(shown.harness.query_by_label_contains("You are an observer").is_some());
    assert!(shown.harness.query_by_label("Send").is_none());
}
