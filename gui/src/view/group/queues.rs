//! Who asks to come in, and who must not come back.

use eframe::egui::Align;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::Ui;

use crate::action::GroupAction;
use crate::text;
use crate::theme::size;
use crate::theme::space;
use crate::view::group::Desk;
use crate::view::group::person;
use crate::view::group::sentence;
use crate::view::group::short_address;
use crate::widget;

/// Who asks to come in.
pub(super) fn requests(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group) = (desk.tokens, desk.group);
    if group.requests.is_empty() {
        return sentence(ui, tokens, "Nobody asks to come in now.");
    }
    let words = "They have a link. Names can be made up: let in only whom you expect.";
    sentence(ui, tokens, words);
    for request in &group.requests {
        ui.add_space(space::XS);
        let frame = Frame::new().fill(tokens.app).corner_radius(size::RADIUS).inner_margin(10);
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            let told = text::clean_name(&request.name);
            let name = if told.is_empty() { desk.model.groups.told_name(&request.account) } else { told };
            let since = crate::model::network::day(desk.now, request.since);
            let below = format!("{} · {since}", short_address(&request.account));
            person(ui, tokens, &request.account, &name, &below, 0.0);
            ui.horizontal(|ui| {
                if widget::primary(ui, tokens, "Let in").clicked() {
                    desk.want(GroupAction::Approve(request.account));
                }
                if ui.button("Refuse").clicked() {
                    desk.want(GroupAction::Refuse(request.account));
                }
            });
        });
    }
}

/// Who must not come back.
pub(super) fn banned(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group) = (desk.tokens, desk.group);
    if group.banned.is_empty() {
        return sentence(ui, tokens, "Nobody is banned.");
    }
    let may = desk.rights().may_moderate();
    let words = match may {
        true => "They cannot come back by any link. Lifting a ban does not add them again.",
        false => "They cannot come back by any link.",
    };
    sentence(ui, tokens, words);
    for account in &group.banned {
        ui.horizontal(|ui| {
            let name = desk.model.groups.told_name(account);
            person(ui, tokens, account, &name, &short_address(account), if may { 96.0 } else { 0.0 });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if may && ui.button("Lift the ban").clicked() {
                    desk.want(GroupAction::Unban(*account));
                }
            });
        });
    }
}
