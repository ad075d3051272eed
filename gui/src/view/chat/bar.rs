//! The bar above the chat of a group: what it is called, who is there, the way to everything else.

use eframe::egui;
use eframe::egui::Align;
use eframe::egui::Layout;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_proto::id::ChatId;

use crate::action::Action;
use crate::action::CallAction;
use crate::action::GroupAction;
use crate::action::RoomAction;
use crate::model::Model;
use crate::model::calls::words as call_words;
use crate::model::groups::info::InfoPage;
use crate::model::groups::words;
use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::group;
use crate::widget;

/// Draws the bar.
pub(super) fn of_group(
    ui: &mut Ui,
    model: &Model,
    group: &GroupView,
    tokens: &Tokens,
    narrow: bool,
    actions: &mut Vec<Action>,
) {
    ui.horizontal_centered(|ui| {
        if narrow && widget::icon_button(ui, tokens, icons::BACK, &say!("back-to-chats")).clicked() {
            actions.push(Action::CloseChat);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let more = widget::icon_button(ui, tokens, icons::MORE, &say!("more"));
            egui::Popup::menu(&more).show(|ui| group::menu(ui, model, group, actions));
            let open = model.info.is_some();
            if widget::icon_button(ui, tokens, icons::INFO, &say!("group-about")).clicked() {
                actions.push(Action::Group(match open {
                    true => GroupAction::CloseInfo,
                    false => GroupAction::ShowInfo(InfoPage::About),
                }));
            }
            let requests = model.groups.requests_for_us(group);
            if requests > 0 {
                let words = say!("bar-asking", count = requests);
                if widget::chip(ui, tokens, icons::USER_PLUS, &words)
                    .on_hover_text(say!("page-requests"))
                    .clicked()
                {
                    actions.push(Action::Group(GroupAction::ShowInfo(InfoPage::Requests)));
                }
            }
            marks(ui, model, group, tokens, actions);
            calls(ui, model, group, tokens, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                heading(ui, model, group, tokens, actions);
            });
        });
    });
}

/// The buttons that call the group; where that cannot be, they say why. Those who are not in it have none.
fn calls(ui: &mut Ui, model: &Model, group: &GroupView, tokens: &Tokens, actions: &mut Vec<Action>) {
    let chat = ChatId::group(&group.group);
    if group.state != GroupState::Joined || model.calls.together.ongoing(&chat).is_some() {
        // The strip below has the way in.
        return;
    }
    if model.calls.together.is_in(&chat) {
        if widget::icon_button(ui, tokens, icons::PHONE, &say!("call-group-show")).clicked() {
            actions.push(Action::Call(CallAction::Show(true)));
        }
        return;
    }
    for (camera, glyph, label) in [
        (true, icons::CAMERA, say!("call-group-start-video")),
        (false, icons::PHONE, say!("call-group-start")),
    ] {
        let why = model.no_group_call(group, camera).map(call_words::no_call);
        if widget::icon_button_unless(ui, tokens, glyph, &label, why.as_deref()).clicked() {
            actions.push(Action::Call(CallAction::Start { chat, camera }));
        }
    }
}

/// What waits for those who keep order, and the way to the rooms of a directory.
fn marks(ui: &mut Ui, model: &Model, group: &GroupView, tokens: &Tokens, actions: &mut Vec<Action>) {
    let reports = model.groups.reports_for_us(group);
    if reports > 0 {
        let words = say!("bar-reports", count = reports);
        if widget::chip(ui, tokens, icons::FLAG, &words).on_hover_text(say!("page-reports")).clicked() {
            actions.push(Action::Group(GroupAction::ShowInfo(InfoPage::Reports)));
        }
    }
    if group.policy.directory
        && group.state == GroupState::Joined
        && widget::chip(ui, tokens, icons::COMPASS, &say!("bar-rooms"))
            .on_hover_text(say!("directory-rooms"))
            .clicked()
    {
        actions.push(Action::Room(RoomAction::Discover(Some(group.group))));
    }
}

/// Picture, name and a line below; a click shows more.
fn heading(ui: &mut Ui, model: &Model, group: &GroupView, tokens: &Tokens, actions: &mut Vec<Action>) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 48.0), Sense::click());
    let name = words::title(group);
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Button, true, say!("group-about-named", name = name.as_str()))
    });
    let center = rect.left_center() + vec2(21.0, 0.0);
    let seed = group.group.0.first().copied().unwrap_or(0);
    widget::group_avatar(ui.painter(), tokens, center, 42.0, seed, &name);
    let left = rect.min.x + 42.0 + space::S;
    let width = (rect.max.x - left - space::S).max(20.0);
    let title = widget::line(ui, &name, semibold(15.5), tokens.text, width);
    ui.painter().galley(pos2(left, rect.min.y + 5.0), title, tokens.text);
    let (color, words) = standing(model, group, tokens);
    let below = rect.min.y + 34.0;
    ui.painter().circle_filled(pos2(left + 4.0, below), 3.5, color);
    let line = widget::line(ui, &words, regular(12.5), tokens.muted, width - 14.0);
    ui.painter().galley(pos2(left + 13.0, below - line.size().y / 2.0), line, tokens.muted);
    if response.has_focus() {
        let stroke = egui::Stroke::new(2.0, tokens.accent);
        ui.painter().rect_stroke(rect, size::RADIUS, stroke, egui::StrokeKind::Inside);
    }
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        actions.push(Action::Group(GroupAction::ShowInfo(InfoPage::About)));
    }
}

/// How it stands with a group, in a line.
fn standing(model: &Model, group: &GroupView, tokens: &Tokens) -> (egui::Color32, String) {
    let own = model.groups.own();
    let others = group.members.iter().filter(|member| Some(member.account) != own);
    let online = others.filter(|member| model.online.contains(&member.account)).count();
    match group.state {
        GroupState::Asking => (tokens.warning, say!("standing-asking")),
        GroupState::Invited => (tokens.warning, say!("standing-invited")),
        GroupState::Left => (tokens.faint, say!("standing-left")),
        GroupState::Removed => (tokens.danger, say!("standing-removed")),
        GroupState::Joined => {
            let topic = text::clean_name(&group.topic);
            let topic = if topic.is_empty() { topic } else { format!(" · {topic}") };
            let color = if online > 0 { tokens.good } else { tokens.faint };
            // One counts oneself among those who are there, as others do.
            let there = if online > 0 { online + 1 } else { 0 };
            (color, format!("{}{topic}", words::members(group.members.len(), there)))
        }
    }
}
