//! In place of the composer: why nothing can be written in a group, and what can be done about it.

use eframe::egui::Align;
use eframe::egui::CornerRadius;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::Ui;
use kith_engine::view::GroupView;
use kith_proto::time::Timestamp;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::groups::Doubt;
use crate::action::groups::Step;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::groups::rights::Silence;
use crate::model::groups::words;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::space;
use crate::widget;

/// Says why nothing can be written.
pub(super) fn silent(
    ui: &mut Ui,
    model: &Model,
    group: &GroupView,
    why: Silence,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    if let Silence::Muted(until) = why
        && until != Timestamp::NEVER
    {
        // Then the composer is there again.
        let left = std::time::Duration::from_millis(until.since(now.time).0 + 1);
        ui.ctx().request_repaint_after(left);
    }
    let frame = Frame::new()
        .fill(tokens.input)
        .corner_radius(CornerRadius::same(18))
        .inner_margin(Margin::symmetric(16, 11));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        match why {
            Silence::Invited => invitation(ui, model, group, tokens, actions),
            _ => sentence(ui, group, why, (tokens, now), actions),
        }
    });
}

fn sentence(
    ui: &mut Ui,
    group: &GroupView,
    why: Silence,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    ui.horizontal(|ui| {
        // As high as the button beside it from the start, so that all stand in the middle.
        ui.set_min_height(if matches!(why, Silence::Left | Silence::Removed) { 32.0 } else { 20.0 });
        let glyph = match why {
            Silence::Muted(_) => icons::SILENT,
            Silence::Observer | Silence::OnlyFrom(_) => icons::EYE,
            Silence::Asking | Silence::Invited => icons::HOURGLASS,
            Silence::Left | Silence::Removed => icons::LEAVE,
        };
        ui.label(RichText::new(glyph).font(icon(17.0)).color(tokens.muted));
        let gone = matches!(why, Silence::Left | Silence::Removed);
        let width = ui.available_width() - if gone { 96.0 } else { 0.0 };
        ui.allocate_ui_with_layout(
            eframe::egui::vec2(width, 20.0),
            Layout::left_to_right(Align::Center).with_main_wrap(true),
            |ui| ui.label(RichText::new(words::silence(why, now)).font(regular(14.0)).color(tokens.muted)),
        );
        if gone {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widget::danger(ui, tokens, &say!("forget")).clicked() {
                    let doubt = Doubt { group: group.group, what: Step::Forget };
                    actions.push(Action::Group(GroupAction::Ask(doubt)));
                }
            });
        }
    });
}

fn invitation(ui: &mut Ui, model: &Model, group: &GroupView, tokens: &Tokens, actions: &mut Vec<Action>) {
    let by = group.invited_by.map(|by| model.groups.name_of(&by));
    let by = by.unwrap_or_else(|| say!("somebody"));
    let words = say!("invited-added", name = by);
    ui.label(RichText::new(words).font(medium(14.5)).color(tokens.text));
    let stranger = say!("invited-stranger");
    ui.label(RichText::new(stranger).font(regular(13.0)).color(tokens.muted));
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        if widget::primary(ui, tokens, &say!("accept")).clicked() {
            actions.push(Action::Group(GroupAction::Accept(group.group)));
        }
        if ui.button(say!("decline")).on_hover_text(say!("decline-group-hint")).clicked() {
            actions.push(Action::Group(GroupAction::Decline(group.group)));
        }
    });
}
