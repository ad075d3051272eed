//! The first page: what the group is, of what one is told, the way to the other pages, members, leaving.

use eframe::egui::Align;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::Sense;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::vec2;
use kith_engine::view::GroupState;
use kith_proto::group::MAX_GROUP_NAME_BYTES;
use kith_proto::group::MAX_TOPIC_BYTES;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::RoomAction;
use crate::action::groups::Step;
use crate::model::groups::Notify;
use crate::model::groups::info::InfoPage;
use crate::model::groups::words;
use crate::say;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::space;
use crate::view::group::Desk;
use crate::view::group::choice;
use crate::view::group::leads_to;
use crate::view::group::members;
use crate::view::group::sentence;
use crate::widget;

pub(super) fn about(ui: &mut Ui, desk: &mut Desk<'_>) {
    if desk.form.editing && desk.rights().may_change_profile() {
        editing(ui, desk);
    } else {
        shown(ui, desk);
    }
    ui.add_space(space::S);
    ui.separator();
    pages(ui, desk);
    if desk.group.state == GroupState::Joined {
        ui.add_space(space::XS);
        let chat = desk.group.chat;
        let mut notify = desk.model.groups.notify(&chat);
        let choices = [Notify::All, Notify::Mentions, Notify::Nothing];
        let choices = choices.map(|choice| (choice, words::notify(choice)));
        if choice(ui, desk.tokens, &say!("about-notify"), &mut notify, &choices) {
            desk.want(GroupAction::Notify(chat, notify));
        }
    }
    ui.add_space(space::S);
    ui.separator();
    members::members(ui, desk);
    ui.add_space(space::S);
    ui.separator();
    ui.add_space(space::XS);
    leaving(ui, desk);
}

fn shown(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group) = (desk.tokens, desk.group);
    let name = words::title(group);
    ui.vertical_centered(|ui| {
        ui.add_space(space::XS);
        let (rect, _) = ui.allocate_exact_size(vec2(72.0, 72.0), Sense::hover());
        let seed = group.group.0.first().copied().unwrap_or(0);
        widget::group_avatar(ui.painter(), tokens, rect.center(), 72.0, seed, &name);
        ui.add_space(space::XS);
        ui.label(RichText::new(&name).font(semibold(18.0)).color(tokens.text));
        let role = group.role.map(|role| say!("about-your-role", role = words::role_word(role)));
        let role = role.filter(|_| group.state == GroupState::Joined);
        let since = crate::model::network::day(desk.now, group.created);
        let line = match role {
            Some(role) => format!("{role} · {}", say!("about-made-within", day = since)),
            None => say!("about-made", day = since),
        };
        if group.state != GroupState::Asking {
            ui.label(RichText::new(line).font(regular(13.0)).color(tokens.muted));
        }
        let topic = group.topic.trim();
        if !topic.is_empty() {
            ui.add_space(space::XS);
            ui.label(RichText::new(topic).font(regular(14.0)).color(tokens.text));
        }
        if desk.rights().may_change_profile() {
            ui.add_space(space::XS);
            if widget::chip(ui, tokens, icons::PENCIL, &say!("about-change")).clicked() {
                desk.form.editing = true;
            }
        }
    });
}

fn editing(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    widget::field(ui, tokens, &say!("name"), &mut desk.form.name, false);
    let label = ui.label(RichText::new(say!("about-topic")).font(medium(13.0)).color(tokens.muted));
    let edit = TextEdit::multiline(&mut desk.form.topic)
        .desired_rows(3)
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(12, 9))
        .font(regular(14.0));
    ui.add(edit).labelled_by(label.id);
    let (name, topic) = (&mut desk.form.name, &mut desk.form.topic);
    name.truncate(name.floor_char_boundary(MAX_GROUP_NAME_BYTES));
    topic.truncate(topic.floor_char_boundary(MAX_TOPIC_BYTES));
    let ready = !desk.form.name.trim().is_empty();
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        if ui.add_enabled_ui(ready, |ui| widget::primary(ui, tokens, &say!("save"))).inner.clicked() {
            desk.want(GroupAction::SaveProfile);
        }
        if ui.button(say!("cancel")).clicked() {
            (desk.form.name, desk.form.topic) = (desk.group.name.clone(), desk.group.topic.clone());
            desk.form.editing = false;
        }
    });
}

/// The way to the other pages.
fn pages(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group, rights) = (desk.tokens, desk.group, desk.rights());
    if group.state == GroupState::Asking {
        return sentence(ui, tokens, &say!("about-asking"));
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    let requests = desk.model.groups.requests_for_us(group);
    if requests > 0 {
        let count = requests.to_string();
        let row = leads_to(ui, tokens, icons::USER_PLUS, &say!("page-requests"), &count, true);
        if row.clicked() {
            desk.want(GroupAction::ShowInfo(InfoPage::Requests));
        }
    }
    order(ui, desk);
    if leads_to(ui, tokens, icons::RULES, &say!("page-rules"), "", false).clicked() {
        desk.want(GroupAction::ShowInfo(InfoPage::Rules));
    }
    if rights.may_invite() || rights.is_in() && (group.policy.public || !group.links.is_empty()) {
        let count = if group.links.is_empty() { String::new() } else { group.links.len().to_string() };
        if leads_to(ui, tokens, icons::LINK, &say!("page-links"), &count, false).clicked() {
            desk.want(GroupAction::ShowInfo(InfoPage::Links));
        }
    }
    let now = desk.now.time;
    let muted = group.members.iter().filter(|member| member.muted_until.is_some_and(|until| until > now));
    let silenced = group.banned.len() + muted.count();
    if silenced > 0 {
        let count = silenced.to_string();
        if leads_to(ui, tokens, icons::BANNED, &say!("page-banned"), &count, false).clicked() {
            desk.want(GroupAction::ShowInfo(InfoPage::Banned));
        }
    }
    ui.spacing_mut().item_spacing.y = space::S;
}

/// The way to reports, to the directories in which a room is listed, and to the rooms of a directory.
fn order(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group, rights) = (desk.tokens, desk.group, desk.rights());
    let reports = desk.model.groups.reports_for_us(group);
    if rights.may_moderate() {
        let count = if reports > 0 { reports.to_string() } else { String::new() };
        if leads_to(ui, tokens, icons::FLAG, &say!("page-reports"), &count, reports > 0).clicked() {
            desk.want(GroupAction::ShowInfo(InfoPage::Reports));
        }
    }
    if rights.is_in() && group.policy.directory {
        if leads_to(ui, tokens, icons::COMPASS, &say!("directory-rooms"), "", false).clicked() {
            desk.actions.push(Action::Room(RoomAction::Discover(Some(group.group))));
        }
    } else if rights.is_in()
        && group.policy.public
        && leads_to(ui, tokens, icons::BOOKS, &say!("page-listings"), "", false).clicked()
    {
        desk.want(GroupAction::ShowInfo(InfoPage::Listings));
    }
}

fn leaving(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| match desk.group.state {
        GroupState::Joined => {
            if widget::danger(ui, tokens, &say!("about-leave")).clicked() {
                desk.ask(Step::Leave);
            }
        }
        GroupState::Left | GroupState::Removed => {
            if widget::danger(ui, tokens, &say!("about-forget")).clicked() {
                desk.ask(Step::Forget);
            }
        }
        GroupState::Invited => {
            if widget::primary(ui, tokens, &say!("accept")).clicked() {
                desk.want(GroupAction::Accept(desk.group.group));
            }
            if ui.button(say!("decline")).clicked() {
                desk.want(GroupAction::Decline(desk.group.group));
            }
        }
        GroupState::Asking => {
            if ui.button(say!("stop-asking")).clicked() {
                desk.want(GroupAction::StopAsking(desk.group.group));
            }
        }
    });
}
