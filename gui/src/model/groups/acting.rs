//! Carries out what a person wants of groups, and takes what the node answers and tells about them.

use kith_engine::Command;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_proto::group::GroupInvite;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;

use crate::action::GroupAction;
use crate::action::Request;
use crate::action::groups::Doubt;
use crate::action::groups::Step;
use crate::model::Dialog;
use crate::model::Model;
use crate::model::groups::info::InfoForm;
use crate::model::groups::info::InfoPage;
use crate::model::groups::people::PeopleForm;
use crate::model::groups::reports::ReportForm;
use crate::model::groups::rooming;
use crate::model::rooms;
use crate::say;

/// Carries out an intent. Returns what the node has to do for it.
pub(in crate::model) fn act(model: &mut Model, action: GroupAction) -> Vec<Request> {
    match action {
        GroupAction::OpenNew => model.dialog = Some(Dialog::People(PeopleForm::new_group())),
        GroupAction::OpenAdd => {
            let form = model.open_info().map(PeopleForm::for_group);
            model.dialog = form.map(Dialog::People);
        }
        GroupAction::SubmitPeople => {
            if let Some(Dialog::People(form)) = &mut model.dialog {
                return form.submit().map(Request::Command).into_iter().collect();
            }
        }
        GroupAction::Accept(group) => return command(Command::AcceptGroup { group }),
        GroupAction::Decline(group) => {
            // Nothing of it is to stay: whoever declines did not want it.
            return [Command::LeaveGroup { group }, Command::ForgetGroup { group }]
                .map(Request::Command)
                .to_vec();
        }
        GroupAction::StopAsking(group) => return command(Command::LeaveGroup { group }),
        GroupAction::ShowInfo(page) => return show_info(model, page),
        GroupAction::CloseInfo => model.info = None,
        GroupAction::Notify(chat, notify) => {
            model.groups.set_notify(chat, notify);
            return vec![model.keep()];
        }
        GroupAction::OpenReport(message) => {
            let found = model.timeline.as_ref().and_then(|timeline| timeline.find(&message)).cloned();
            model.dialog = found.map(|message| Dialog::Report(Box::new(ReportForm::new(message))));
        }
        GroupAction::SendReport => {
            if let Some(Dialog::Report(form)) = &mut model.dialog {
                return form.submit().map(Request::Report).into_iter().collect();
            }
        }
        GroupAction::Pin(message) => {
            return command_in_chat(model, |chat| Command::PinMessage { chat, message });
        }
        GroupAction::Unpin(message) => {
            return command_in_chat(model, |chat| Command::UnpinMessage { chat, message });
        }
        GroupAction::ShowReceipts(message) => {
            model.dialog = Some(Dialog::Receipts { message, found: None });
            return vec![Request::LoadReceipts(message)];
        }
        GroupAction::Ask(doubt) => model.dialog = Some(Dialog::Sure(doubt)),
        GroupAction::Sure(doubt) => {
            model.dialog = None;
            return command(carried_out(&doubt));
        }
        of_panel => return act_on_panel(model, &of_panel),
    }
    Vec::new()
}

fn command(command: Command) -> Vec<Request> {
    vec![Request::Command(command)]
}

fn command_in_chat(model: &Model, of: impl Fn(ChatId) -> Command) -> Vec<Request> {
    model.open_chat().map(|chat| Request::Command(of(chat))).into_iter().collect()
}

fn show_info(model: &mut Model, page: InfoPage) -> Vec<Request> {
    let Some(group) = model.open_chat().and_then(|chat| model.groups.of_chat(&chat)) else {
        return Vec::new();
    };
    match &mut model.info {
        Some(form) if form.group == group.group => form.page = page,
        info => *info = Some(InfoForm::of(group, page)),
    }
    match page {
        InfoPage::Links => rooming::share(model),
        InfoPage::Listings => rooms::want_listings(model).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Carries out what is wanted of the group whose panel is open.
fn act_on_panel(model: &mut Model, action: &GroupAction) -> Vec<Request> {
    let Some(form) = &mut model.info else { return Vec::new() };
    let group = form.group;
    command(match *action {
        GroupAction::SaveProfile => form.save_profile(),
        GroupAction::SavePolicy => Command::SetPolicy { group, policy: form.policy },
        GroupAction::MakeLink => form.make_link(),
        GroupAction::SetRole(account, role) => Command::SetRole { group, account, role },
        GroupAction::Mute(account, until) => Command::MuteMember { group, account, until },
        GroupAction::Unban(account) => Command::UnbanMember { group, account },
        GroupAction::Approve(account) => Command::ApproveJoin { group, account },
        GroupAction::Dismiss { by, message } => Command::DismissReport { group, by, message },
        GroupAction::Refuse(account) => Command::RefuseJoin { group, account },
        // Everything else was carried out before.
        _ => return Vec::new(),
    })
}

fn carried_out(doubt: &Doubt) -> Command {
    let group = doubt.group;
    match doubt.what {
        Step::Remove(account) => Command::RemoveMember { group, account },
        Step::Ban(account) => Command::BanMember { group, account },
        Step::MakeOwner(account) => Command::SetRole { group, account, role: kith_proto::group::Role::Owner },
        Step::StepDown { to, own } => Command::SetRole { group, account: own, role: to },
        Step::RevokeLink(link) => Command::RevokeGroupLink { group, link },
        Step::Delete(message) | Step::TakeOut(message) => {
            Command::DeleteForAll { chat: ChatId::group(&group), message }
        }
        Step::Leave => Command::LeaveGroup { group },
        Step::Forget => Command::ForgetGroup { group },
    }
}

/// A group is new or changed. Returns what the node has to do next.
pub(in crate::model) fn changed(model: &mut Model, view: GroupView) -> Vec<Request> {
    for member in &view.members {
        if member.online {
            model.online.insert(member.account);
        } else {
            model.online.remove(&member.account);
        }
    }
    if let Some(form) = model.info.as_mut().filter(|form| form.group == view.group) {
        form.refresh(&view);
    }
    if view.state != GroupState::Joined {
        model.notices.was_read(&view.chat);
    }
    let pins = model.timeline.as_mut().filter(|timeline| timeline.chat == view.chat);
    let wanted = pins.and_then(|timeline| timeline.want_pins(&view.pins));
    model.groups.put(view);
    wanted.into_iter().collect()
}

/// A group is gone, or nobody will let us into it.
pub(in crate::model) fn forgotten(model: &mut Model, group: GroupId, chat: ChatId) {
    let asked = model.groups.get(&group).is_some_and(|group| group.state == GroupState::Asking);
    model.groups.remove(&group);
    model.chats.remove(&chat);
    model.info.take_if(|form| form.group == group);
    if model.open_chat() == Some(chat) {
        model.timeline = None;
    }
    if asked {
        model.toast(say!("toast-asking-ended"), false);
    }
}

/// The node answers with a group: one that was made, one that is asked for, or one that changed.
pub(in crate::model) fn answered(model: &mut Model, view: GroupView) -> Vec<Request> {
    let (chat, state, group, is_public) = (view.chat, view.state, view.group, view.policy.public);
    let mut requests = changed(model, view);
    match &model.dialog {
        Some(Dialog::People(form)) if form.busy => {
            let is_new = form.group.is_none();
            model.dialog = None;
            model.toast(if is_new { say!("toast-group-made") } else { say!("toast-added") }, false);
            if is_new && is_public {
                // Everybody comes by its link, so there is one from the start.
                requests.push(Request::Command(Command::ShareRoom { group }));
            }
            if is_new {
                requests.extend(model.show_when_there(chat));
            }
        }
        Some(Dialog::Add(_) | Dialog::Join(_)) => {
            model.dialog = None;
            if state == GroupState::Asking {
                model.toast(say!("toast-asked"), false);
            } else {
                requests.extend(model.show_when_there(chat));
            }
        }
        _ => {}
    }
    requests
}

/// A link was made.
pub(in crate::model) fn link_made(model: &mut Model, link: &GroupInvite) {
    let is_public = model.groups.get(&link.group).is_some_and(|group| group.policy.public);
    if let Some(form) = model.info.as_mut().filter(|form| form.group == link.group) {
        // What a room is asked for is its one link; others are made beside it.
        let is_asked = std::mem::take(&mut form.link.asked);
        if is_public && !is_asked {
            form.link.shared = Some(link.to_string());
        } else {
            form.link.made = Some(link.to_string());
        }
    }
}

/// Pinned messages were read.
pub(in crate::model) fn pins_found(model: &mut Model, chat: ChatId, found: Vec<MessageView>) -> Vec<Request> {
    let names = model.groups.want_names(found.iter());
    if let Some(timeline) = model.timeline.as_mut().filter(|timeline| timeline.chat == chat) {
        timeline.set_pins(found);
    }
    names.into_iter().collect()
}

/// Who has a message was read.
pub(in crate::model) fn receipts_found(
    model: &mut Model,
    of: MessageId,
    who: Vec<(AccountId, MessageState)>,
) {
    if let Some(Dialog::Receipts { message, found }) = &mut model.dialog
        && *message == of
    {
        *found = Some(who);
    }
}
