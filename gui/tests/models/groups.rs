//! What happens in groups, as the models tell it.

use std::collections::BTreeSet;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::ContactState;
use kith_engine::view::GroupLine;
use kith_engine::view::GroupState;
use kith_engine::view::GroupSummary;
use kith_engine::view::GroupView;
use kith_engine::view::JoinRequestView;
use kith_engine::view::MemberView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::PreviewView;
use kith_engine::view::Receipts;
use kith_gui::action::Action;
use kith_gui::action::GroupAction;
use kith_gui::action::Request;
use kith_gui::action::groups::Doubt;
use kith_gui::action::groups::Step;
use kith_gui::bridge::Reply;
use kith_gui::bridge::kept::Kept;
use kith_gui::model::Dialog;
use kith_gui::model::Model;
use kith_gui::model::groups::Notify;
use kith_gui::model::groups::info::InfoPage;
use kith_gui::model::groups::mention;
use kith_gui::model::groups::rights::Silence;
use kith_gui::model::groups::words;
use kith_proto::group::GroupInvite;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::LinkId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

use super::NOON;
use super::NOW;
use super::contact;
use super::everything;
use super::rows;

pub(super) const ANN: AccountId = AccountId([1; 32]);
pub(super) const BOB: AccountId = AccountId([2; 32]);
const BO: AccountId = AccountId([3; 32]);
pub(super) const CAROL: AccountId = AccountId([4; 32]);
pub(super) const HIKING: GroupId = GroupId([9; 32]);

pub(super) fn chat() -> ChatId {
    ChatId::group(&HIKING)
}

fn member(account: AccountId, name: &str, role: Role) -> MemberView {
    let name = name.to_owned();
    MemberView { account, name, role, online: account == BOB, muted_until: None, since: Timestamp(NOON) }
}

/// Ann reads; Bob made the group.
pub(super) fn group(role: Role) -> GroupView {
    GroupView {
        group: HIKING,
        chat: chat(),
        name: "Hiking".to_owned(),
        topic: String::new(),
        policy: Policy::default(),
        state: GroupState::Joined,
        role: Some(role),
        invited_by: None,
        members: vec![
            member(BOB, "Bob", Role::Owner),
            member(ANN, "Ann", role),
            member(BO, "Bo", Role::Member),
            member(CAROL, "Carol Bright", Role::Observer),
        ],
        banned: Vec::new(),
        links: Vec::new(),
        pins: Vec::new(),
        requests: Vec::new(),
        reports: Vec::new(),
        created: Timestamp(NOON - 86_400_000),
        asked: false,
    }
}

pub(super) fn chat_view(unread: u64, last: Option<PreviewView>) -> ChatView {
    let summary =
        GroupSummary { group: HIKING, members: 4, role: Some(Role::Member), state: GroupState::Joined };
    ChatView {
        chat: chat(),
        with: ChatWith::Group(summary),
        name: "Hiking".to_owned(),
        unread,
        last,
        active_at: Timestamp(NOON),
        draft: String::new(),
    }
}

pub(super) fn said(index: u64, by: AccountId, minutes_ago: u64, text: &str) -> MessageView {
    let time = Timestamp(NOON - minutes_ago * 60_000);
    MessageView {
        chat: chat(),
        sender: by,
        outgoing: by == ANN,
        text: text.to_owned(),
        sent_at: time,
        // Everything came just now.
        stored_at: Timestamp(NOON),
        ..super::message(index, false, 0)
    }
}

fn happened(index: u64, by: AccountId, minutes_ago: u64, line: GroupLine) -> MessageView {
    MessageView { kind: MessageKind::System(line), ..said(index, by, minutes_ago, "") }
}

/// Ann in the open chat of the group.
pub(super) fn opened(role: Role) -> Model {
    let mut model = Model::new();
    model.reply(Reply::All(Box::new(everything())));
    model.event(Event::GroupChanged(Box::new(group(role))));
    model.event(Event::ChatChanged(chat_view(0, None)));
    let asked = model.act(Action::OpenChat(chat()));
    assert_eq!(asked, vec![Request::LoadPage { chat: chat(), before: None }]);
    model
}

#[test]
fn runs_are_of_one_author_and_what_happened_and_what_is_missing_stands_between_them() {
    let mut model = opened(Role::Member);
    let page = vec![
        happened(1, BOB, 1_600, GroupLine::Created { name: "Hiking".to_owned() }),
        said(2, BOB, 30, "a"),
        said(3, BOB, 29, "b"),
        said(4, BO, 28, "c"),
        happened(5, BOB, 27, GroupLine::Added { whom: CAROL }),
        said(6, BO, 26, "d"),
        said(7, BO, 25, "e"),
        said(8, ANN, 24, "f"),
    ];
    let gap = page.iter().find(|message| message.text == "e").unwrap().message;
    let asked = model.reply(Reply::Page { chat: chat(), before: None, messages: page });
    assert_eq!(asked, vec![Request::LoadGaps { group: HIKING, before: None }]);
    model.reply(Reply::Gaps { chat: chat(), before: None, found: BTreeSet::from([gap]) });
    let timeline = model.timeline.as_mut().unwrap();
    timeline.arrange(NOW);
    let wanted = "-- Yesterday\n-- line 1\n-- Today\n/ < a\n \\< b\n/\\< c\n-- line 5\n/\\< d\n~~ missing\n/\\< e\n/\\> f";
    assert_eq!(rows(timeline), wanted);
}

#[test]
fn what_comes_late_falls_where_it_was_said() {
    let mut model = opened(Role::Member);
    model.reply(Reply::Page {
        chat: chat(),
        before: None,
        messages: vec![said(10, BOB, 30, "a"), said(30, BOB, 10, "c")],
    });
    let asked = model.event(Event::MessageReceived(said(20, BO, 20, "b")));
    assert!(asked.is_empty(), "what is missing is being looked for already");
    model.event(Event::MessageReceived(said(20, BO, 20, "b")));
    let timeline = model.timeline.as_mut().unwrap();
    timeline.arrange(NOW);
    assert_eq!(rows(timeline), "-- Today\n/\\< a\n/\\< b\n/\\< c");
    let next = model.reply(Reply::Gaps { chat: chat(), before: None, found: BTreeSet::new() });
    assert_eq!(next, vec![Request::LoadGaps { group: HIKING, before: None }], "something came meanwhile");
}

#[test]
fn names_of_people_who_are_not_there_any_more_are_asked_for_once() {
    let mut model = opened(Role::Member);
    let gone = AccountId([8; 32]);
    let page =
        vec![said(1, gone, 9, "bye"), happened(2, BOB, 8, GroupLine::Removed { whom: gone, dropped: 1 })];
    let asked = model.reply(Reply::Page { chat: chat(), before: None, messages: page });
    assert!(asked.contains(&Request::LoadNames(vec![gone])), "{asked:?}");
    assert!(model.groups.name_of(&gone).starts_with("kith1"), "until then the beginning of the address");
    model.reply(Reply::Names([(gone, "Dave\u{202e}".to_owned())].into()));
    assert_eq!(model.groups.name_of(&gone), "Dave");
    assert!(
        model
            .event(Event::MessageReceived(said(3, gone, 7, "again")))
            .iter()
            .all(|request| !matches!(request, Request::LoadNames(_)))
    );
}

#[test]
fn the_list_tells_who_said_what_and_what_happened() {
    let model = opened(Role::Member);
    let preview = |sender, outgoing, kind, text: &str| PreviewView {
        message: MessageId([1; 16]),
        sender,
        outgoing,
        kind,
        text: text.to_owned(),
        sent_at: Timestamp(NOON),
        state: MessageState::Delivered,
    };
    let line = |last: Option<PreviewView>| {
        words::preview(Some(&group(Role::Member)), last.as_ref(), &model.groups, NOW)
    };
    assert_eq!(line(Some(preview(BOB, false, MessageKind::Text, "see you"))), "Bob: see you");
    assert_eq!(line(Some(preview(ANN, true, MessageKind::Text, "yes"))), "You: yes");
    let added = MessageKind::System(GroupLine::Added { whom: ANN });
    assert_eq!(line(Some(preview(BOB, false, added, ""))), "You were added by Bob");
    let until = Timestamp(NOON + 3_600_000);
    let muted = MessageKind::System(GroupLine::Muted { whom: BO, until });
    assert_eq!(line(Some(preview(BOB, false, muted, ""))), "Bob muted Bo until 13:00");
    assert_eq!(line(None), "No messages yet");
}

#[test]
fn who_is_picked_is_called_also_when_names_begin_alike() {
    let mut model = opened(Role::Moderator);
    let hiking = model.groups.get(&HIKING).unwrap().clone();
    let Model { timeline, groups, .. } = &mut model;
    let timeline = timeline.as_mut().unwrap();
    timeline.draft = "hello @b".to_owned();
    timeline.mentions.follow(&timeline.draft, 8, &hiking, groups);
    let picker = timeline.mentions.picker.as_ref().unwrap();
    let offered: Vec<&str> = picker.offers.iter().map(mention::Called::name).collect();
    assert_eq!(offered, ["Bo", "Bob", "Carol Bright"], "names that begin so first, never oneself");
    timeline.mentions.step(true);
    timeline.mentions.step(true);
    timeline.mentions.step(true);
    timeline.mentions.step(false);
    let chosen = timeline.mentions.picker.as_ref().unwrap().chosen;
    assert_eq!(chosen, 2, "around the ends");
    assert_eq!(timeline.mentions.take(&mut timeline.draft, 1), Some(11));
    assert_eq!(timeline.draft, "hello @Bob ");
    timeline.draft.push_str("and @Carol Bright, mail@Bo, @all");
    let asked = model.act(Action::Send);
    let Some(Request::Command(Command::SendToGroup { mentions, mention_all, .. })) = asked.first() else {
        panic!("{asked:?}")
    };
    assert_eq!((mentions.as_slice(), *mention_all), ([BOB, CAROL].as_slice(), true));
    // A member may not call everybody by the usual rules, and who calls nobody sends as always.
    let mut model = opened(Role::Member);
    model.timeline.as_mut().unwrap().draft = "@all @Bobby".to_owned();
    assert!(matches!(
        model.act(Action::Send).first(),
        Some(Request::Command(Command::SendMessage { text, .. })) if text == "@all @Bobby"
    ));
}

#[test]
fn escape_closes_the_picker_until_another_is_typed() {
    let mut model = opened(Role::Member);
    let hiking = model.groups.get(&HIKING).unwrap().clone();
    let Model { timeline, groups, .. } = &mut model;
    let mentions = &mut timeline.as_mut().unwrap().mentions;
    mentions.follow("@", 1, &hiking, groups);
    assert_eq!(mentions.picker.as_ref().unwrap().offers.len(), 3, "everybody else; all is for moderators");
    mentions.close();
    mentions.follow("@b", 2, &hiking, groups);
    assert!(mentions.picker.is_none());
    mentions.follow("@b @", 4, &hiking, groups);
    assert!(mentions.picker.is_some());
    mentions.follow("a@b", 3, &hiking, groups);
    assert!(mentions.picker.is_none(), "that is an address");
    // Text that is not plain letters does not make it stumble.
    mentions.follow("né @ü", 4, &hiking, groups);
    mentions.follow("né @ü", 99, &hiking, groups);
    assert!(mentions.picker.is_none());
}

#[test]
fn names_in_a_text_are_marked_where_they_stand() {
    let model = opened(Role::Member);
    let message = MessageView {
        mentions: vec![ANN, BOB],
        mentions_all: true,
        ..said(1, BO, 1, "@Ann and @Bob, @Bobby, @all")
    };
    assert_eq!(mention::marks(&message, &model.groups), [(0..4, true), (9..13, false), (23..27, true)]);
    let plain = MessageView { mentions: Vec::new(), mentions_all: false, ..message };
    assert!(mention::marks(&plain, &model.groups).is_empty(), "only what the message says it calls");
}

/// What keeps of what the person is told, with everything else as it is at first.
fn told(notify: std::collections::BTreeMap<ChatId, Notify>) -> Vec<Request> {
    vec![Request::Keep(Box::new(Kept { notify, ..Kept::default() }))]
}

#[test]
fn a_message_that_calls_stands_out_until_it_is_read_as_the_person_chose() {
    let mut model = opened(Role::Member);
    model.act(Action::CloseChat);
    let calls = MessageView { mentions: vec![ANN], ..said(2, BOB, 0, "@Ann?") };
    let kept = model.act(Action::Group(GroupAction::Notify(chat(), Notify::Mentions)));
    assert_eq!(kept, told([(chat(), Notify::Mentions)].into()));
    model.event(Event::MessageReceived(said(1, BOB, 0, "x")));
    model.event(Event::ChatChanged(chat_view(1, None)));
    assert!(!model.groups.is_loud(&chat()) && !model.groups.is_calling(&chat()));
    model.event(Event::MessageReceived(calls));
    model.event(Event::ChatChanged(chat_view(2, None)));
    assert!(model.groups.is_loud(&chat()) && model.groups.is_calling(&chat()));
    model.act(Action::Group(GroupAction::Notify(chat(), Notify::Nothing)));
    assert!(!model.groups.is_loud(&chat()) && model.groups.is_calling(&chat()));
    model.event(Event::ChatChanged(chat_view(0, None)));
    assert!(!model.groups.is_calling(&chat()));
    let kept = model.act(Action::Group(GroupAction::Notify(chat(), Notify::All)));
    assert_eq!(kept, told(Default::default()));
}

#[test]
fn the_composer_says_why_it_is_closed() {
    let mut model = opened(Role::Observer);
    let why = |model: &Model| {
        let group = model.groups.get(&HIKING).unwrap();
        model.groups.rights(group).silence(NOW.time)
    };
    assert_eq!(why(&model), Some(Silence::Observer));
    let mut view = group(Role::Member);
    view.members.get_mut(1).unwrap().muted_until = Some(Timestamp(NOON + 60_000));
    model.event(Event::GroupChanged(Box::new(view.clone())));
    assert_eq!(why(&model), Some(Silence::Muted(Timestamp(NOON + 60_000))));
    view.members.get_mut(1).unwrap().muted_until = Some(Timestamp(NOON));
    view.policy.post = Role::Admin;
    model.event(Event::GroupChanged(Box::new(view.clone())));
    assert_eq!(why(&model), Some(Silence::OnlyFrom(Role::Admin)));
    for (state, wanted) in [
        (GroupState::Left, Silence::Left),
        (GroupState::Removed, Silence::Removed),
        (GroupState::Invited, Silence::Invited),
    ] {
        let role = (state == GroupState::Invited).then_some(Role::Member);
        model.event(Event::GroupChanged(Box::new(GroupView { state, role, ..view.clone() })));
        assert_eq!(why(&model), Some(wanted));
        assert!(words::silence(wanted, NOW).ends_with('.'));
    }
}

#[test]
fn nothing_is_offered_that_the_rules_of_rank_refuse() {
    let offered = |own: Role, of: usize| {
        let mut model = opened(own);
        let mut view = group(own);
        // The senior first, as the engine lists them.
        view.members.sort_by_key(|member| std::cmp::Reverse(member.role));
        model.event(Event::GroupChanged(Box::new(view.clone())));
        let rights = model.groups.rights(&view);
        let member = view.members.iter().find(|member| member.account == AccountId([of as u8; 32])).unwrap();
        (rights.roles_for(member), rights.may_discipline(member))
    };
    assert_eq!(offered(Role::Admin, 2), (vec![], false), "an owner is above an admin");
    assert_eq!(offered(Role::Admin, 3), (vec![Role::Moderator, Role::Observer], true));
    assert_eq!(offered(Role::Admin, 1), (vec![Role::Moderator, Role::Member, Role::Observer], false));
    assert_eq!(offered(Role::Moderator, 3), (vec![], true), "a moderator keeps order and gives no roles");
    assert_eq!(offered(Role::Member, 4), (vec![], false));
    assert_eq!(offered(Role::Owner, 3).0.first(), Some(&Role::Owner), "owners make owners");
}

#[test]
fn a_group_is_made_and_shown_as_soon_as_it_is_there() {
    let mut model = Model::new();
    model.reply(Reply::All(Box::new(everything())));
    let mut friend = |account, name: &str, state| {
        model.event(Event::ContactChanged(contact(account, name, state)));
    };
    friend(BOB, "Bob", ContactState::Accepted);
    friend(BO, "Bo", ContactState::Accepted);
    friend(CAROL, "Carol", ContactState::Requested);
    model.act(Action::Group(GroupAction::OpenNew));
    let Some(Dialog::People(form)) = &mut model.dialog else { panic!("the dialog is open") };
    assert!(!form.is_ready(), "it needs a name");
    form.search = "BO".to_owned();
    let names = form.shown(&model.contacts, |contact| model.groups.name_of(contact));
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["Bo", "Bob"], "who has not accepted cannot be added");
    form.name = " Hiking ".to_owned();
    form.toggle(BOB);
    let asked = model.act(Action::Group(GroupAction::SubmitPeople));
    let name = "Hiking".to_owned();
    let wanted = Command::CreateGroup { name, members: vec![BOB], policy: None };
    assert_eq!(asked, vec![Request::Command(wanted)]);
    assert!(model.act(Action::Group(GroupAction::SubmitPeople)).is_empty(), "once");
    model.reply(Reply::Failed("no".to_owned()));
    let Some(Dialog::People(form)) = &mut model.dialog else { panic!("the dialog stays") };
    assert!(form.error.is_some() && form.is_ready(), "and can be tried again");
    model.act(Action::Group(GroupAction::SubmitPeople));
    model.reply(Reply::Done(Box::new(Answer::Group(Box::new(group(Role::Owner))))));
    assert!(model.dialog.is_none() && model.open_chat().is_none(), "its chat is not in the list yet");
    let asked = model.event(Event::ChatChanged(chat_view(0, None)));
    assert_eq!((model.open_chat(), asked.len()), (Some(chat()), 1));
}

#[test]
fn a_link_into_a_group_is_told_from_an_invite_and_asks() {
    let mut model = Model::new();
    model.reply(Reply::All(Box::new(everything())));
    model.act(Action::OpenAdd);
    let link = GroupInvite::new(HIKING, ([7; 32], 0), [], []);
    let Some(Dialog::Add(form)) = &mut model.dialog else { panic!("the dialog is open") };
    form.link = format!(" {link}\n");
    assert_eq!(form.group_link(), Some(link.clone()));
    let asked = model.act(Action::AddContact);
    assert_eq!(asked, vec![Request::Command(Command::JoinGroup { link })]);
    let asking = GroupView {
        state: GroupState::Asking,
        role: None,
        members: Vec::new(),
        name: String::new(),
        ..group(Role::Member)
    };
    model.reply(Reply::Done(Box::new(Answer::Group(Box::new(asking)))));
    assert!(model.dialog.is_none());
    assert_eq!(model.groups.pending().map(words::title).collect::<Vec<_>>(), ["A group you asked to join"]);
    let stopped = model.act(Action::Group(GroupAction::StopAsking(HIKING)));
    assert_eq!(stopped, vec![Request::Command(Command::LeaveGroup { group: HIKING })]);
    model.event(Event::GroupForgotten { group: HIKING, chat: chat() });
    assert_eq!(model.groups.pending().count(), 0);
}

#[test]
fn an_invitation_is_accepted_or_leaves_nothing_behind() {
    let mut model = opened(Role::Member);
    let invited = GroupView { state: GroupState::Invited, invited_by: Some(BO), ..group(Role::Member) };
    model.event(Event::GroupChanged(Box::new(invited)));
    assert_eq!(model.groups.pending().count(), 1);
    let accepted = model.act(Action::Group(GroupAction::Accept(HIKING)));
    assert_eq!(accepted, vec![Request::Command(Command::AcceptGroup { group: HIKING })]);
    let declined = model.act(Action::Group(GroupAction::Decline(HIKING)));
    let wanted = [Command::LeaveGroup { group: HIKING }, Command::ForgetGroup { group: HIKING }];
    assert_eq!(declined, wanted.map(Request::Command));
    model.act(Action::Group(GroupAction::ShowInfo(InfoPage::About)));
    model.event(Event::GroupForgotten { group: HIKING, chat: chat() });
    assert!(model.open_chat().is_none() && model.info.is_none() && model.chats.is_empty());
}

#[test]
fn what_cannot_be_undone_is_asked_first() {
    let mut model = opened(Role::Admin);
    model.act(Action::Group(GroupAction::ShowInfo(InfoPage::About)));
    let doubt = |what| Doubt { group: HIKING, what };
    let cases = [
        (Step::Remove(BO), Command::RemoveMember { group: HIKING, account: BO }),
        (Step::Ban(BO), Command::BanMember { group: HIKING, account: BO }),
        (Step::MakeOwner(BO), Command::SetRole { group: HIKING, account: BO, role: Role::Owner }),
        (
            Step::StepDown { to: Role::Member, own: ANN },
            Command::SetRole { group: HIKING, account: ANN, role: Role::Member },
        ),
        (
            Step::RevokeLink(LinkId([1; 16])),
            Command::RevokeGroupLink { group: HIKING, link: LinkId([1; 16]) },
        ),
        (
            Step::Delete(MessageId([1; 16])),
            Command::DeleteForAll { chat: chat(), message: MessageId([1; 16]) },
        ),
        (Step::Leave, Command::LeaveGroup { group: HIKING }),
        (Step::Forget, Command::ForgetGroup { group: HIKING }),
    ];
    for (step, command) in cases {
        assert!(model.act(Action::Group(GroupAction::Ask(doubt(step)))).is_empty());
        assert!(matches!(&model.dialog, Some(Dialog::Sure(asked)) if asked.what == step));
        let (question, follows, _) = words::doubt(&doubt(step), &model.groups);
        assert!(question.ends_with('?') && follows.ends_with('.'), "{question} {follows}");
        assert_eq!(model.act(Action::Group(GroupAction::Sure(doubt(step)))), vec![Request::Command(command)]);
        assert!(model.dialog.is_none());
    }
}

#[test]
fn the_panel_follows_the_group_but_not_over_what_is_being_typed() {
    let mut model = opened(Role::Admin);
    model.act(Action::Group(GroupAction::ShowInfo(InfoPage::About)));
    let renamed = |name: &str, pause| {
        let mut view = GroupView { name: name.to_owned(), ..group(Role::Admin) };
        view.policy.slow_mode_secs = pause;
        Event::GroupChanged(Box::new(view))
    };
    model.event(renamed("Walking", 10));
    let form = model.info.as_mut().unwrap();
    assert_eq!((form.name.as_str(), form.policy.slow_mode_secs), ("Walking", 10));
    form.editing = true;
    form.name = "Climbing ".to_owned();
    form.policy.slow_mode_secs = 60;
    model.event(renamed("Running", 30));
    let form = model.info.as_ref().unwrap();
    assert_eq!((form.name.as_str(), form.policy.slow_mode_secs), ("Climbing ", 60));
    let asked = model.act(Action::Group(GroupAction::SaveProfile));
    let (name, topic) = (Some("Climbing".to_owned()), Some(String::new()));
    assert_eq!(asked, vec![Request::Command(Command::SetGroupProfile { group: HIKING, name, topic })]);
    let asked = model.act(Action::Group(GroupAction::SavePolicy));
    assert!(matches!(
        asked.first(),
        Some(Request::Command(Command::SetPolicy { policy, .. })) if policy.slow_mode_secs == 60
    ));
}

#[test]
fn a_link_that_was_made_is_shown_and_requests_are_counted_for_those_who_may_let_in() {
    let mut model = opened(Role::Member);
    model.act(Action::Group(GroupAction::ShowInfo(InfoPage::Links)));
    let asked = model.act(Action::Group(GroupAction::MakeLink));
    let made = Command::CreateGroupLink {
        group: HIKING,
        role: Role::Member,
        expires_secs: Some(7 * 86_400),
        uses: 0,
        approval: false,
        work: 0,
    };
    assert_eq!(asked, vec![Request::Command(made)]);
    let link = GroupInvite::new(HIKING, ([7; 32], 0), [], []);
    model.reply(Reply::Done(Box::new(Answer::GroupLink(link.clone()))));
    assert_eq!(model.info.as_ref().unwrap().link.made, Some(link.to_string()));
    let mut view = group(Role::Member);
    let name = "Dave".to_owned();
    let request =
        JoinRequestView { account: AccountId([7; 32]), name, link: LinkId([1; 16]), since: Timestamp(NOON) };
    view.requests.push(request);
    model.event(Event::GroupChanged(Box::new(view.clone())));
    assert_eq!(model.groups.requests_for_us(&view), 1);
    assert_eq!(model.groups.name_of(&AccountId([7; 32])), "Dave");
    view.policy.invite = Role::Admin;
    model.event(Event::GroupChanged(Box::new(view.clone())));
    assert_eq!(model.groups.requests_for_us(&view), 0);
}

#[test]
fn receipts_are_counted_and_told_for_each_member() {
    let mut model = opened(Role::Member);
    let own = said(1, ANN, 1, "hello");
    model.reply(Reply::Page { chat: chat(), before: None, messages: vec![own.clone()] });
    let told = |model: &mut Model, delivered, read| {
        let receipts = Receipts { delivered, read, of: 3 };
        let message = own.message;
        let asked = model.event(Event::MessageReceipts { chat: chat(), message, receipts });
        (words::reached(model.timeline.as_ref().unwrap().find(&message).unwrap()).unwrap(), asked)
    };
    assert_eq!(told(&mut model, 0, 0).0, "not delivered yet");
    assert_eq!(told(&mut model, 2, 0).0, "delivered to 2 of 3");
    let asked = model.act(Action::Group(GroupAction::ShowReceipts(own.message)));
    assert_eq!(asked, vec![Request::LoadReceipts(own.message)]);
    let (words, again) = told(&mut model, 3, 1);
    assert_eq!((words.as_str(), again), ("read by 1 of 3", vec![Request::LoadReceipts(own.message)]));
    model.reply(Reply::Receipts(own.message, vec![(BOB, MessageState::Read)]));
    assert!(matches!(&model.dialog, Some(Dialog::Receipts { found: Some(found), .. }) if found.len() == 1));
    assert_eq!(told(&mut model, 3, 3).0, "read by all");
}

#[test]
fn a_pinned_message_far_back_is_gone_to_page_by_page() {
    let mut model = opened(Role::Moderator);
    let pinned = said(1, BOB, 900, "the hut is booked");
    let mut view = group(Role::Moderator);
    view.pins = vec![pinned.message];
    let asked = model.event(Event::GroupChanged(Box::new(view.clone())));
    assert_eq!(asked, vec![Request::LoadPins { chat: chat(), pins: vec![pinned.message] }]);
    assert!(model.event(Event::GroupChanged(Box::new(view))).is_empty(), "the same pins");
    model.reply(Reply::Pins { chat: chat(), found: vec![pinned.clone()] });
    assert_eq!(model.timeline.as_ref().unwrap().pins().len(), 1);
    let newest = (201..=400).map(|index| said(index, BOB, 1, "x")).collect();
    model.reply(Reply::Page { chat: chat(), before: None, messages: newest });
    let asked = model.act(Action::ShowMessage(pinned.message));
    assert_eq!(asked, vec![Request::LoadPage { chat: chat(), before: Some(201) }]);
    let older = std::iter::once(pinned.clone()).chain((2..=200).map(|index| said(index, BO, 2, "y")));
    let asked = model.reply(Reply::Page { chat: chat(), before: Some(201), messages: older.collect() });
    assert!(asked.iter().all(|request| !matches!(request, Request::LoadPage { .. })), "it is there");
    let timeline = model.timeline.as_mut().unwrap();
    timeline.arrange(NOW);
    assert_eq!((timeline.flash, timeline.list.stick), (Some(pinned.message), false));
    let unpin = model.act(Action::Group(GroupAction::Unpin(pinned.message)));
    let wanted = Command::UnpinMessage { chat: chat(), message: pinned.message };
    assert_eq!(unpin, vec![Request::Command(wanted)]);
}

#[test]
fn a_message_that_was_refused_comes_back_into_the_composer() {
    let mut model = opened(Role::Member);
    model.timeline.as_mut().unwrap().draft = "@Bob hurry".to_owned();
    let asked = model.act(Action::Send);
    assert!(model.timeline.as_ref().unwrap().draft.is_empty());
    model.not_asked(asked.into_iter().next().unwrap());
    assert_eq!(model.timeline.as_ref().unwrap().draft, "@Bob hurry");
    assert!(model.toasts.iter().next().unwrap().bad);
}
