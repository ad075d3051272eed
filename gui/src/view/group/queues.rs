//! Who asks to come in, and who must not come back.

use eframe::egui::Align;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::RichText;
use eframe::egui::Ui;
use kith_proto::time::Timestamp;

use crate::action::GroupAction;
use crate::model::groups::words;
use crate::say;
use crate::text;
use crate::theme::medium;
use crate::theme::semibold;
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
        return sentence(ui, tokens, &say!("requests-none"));
    }
    let words = say!("requests-what");
    sentence(ui, tokens, &words);
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
                if widget::primary(ui, tokens, &say!("let-in")).clicked() {
                    desk.want(GroupAction::Approve(request.account));
                }
                if ui.button(say!("refuse")).clicked() {
                    desk.want(GroupAction::Refuse(request.account));
                }
            });
        });
    }
}

/// Who must not write for a while, and who must not come back.
pub(super) fn banned(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    ui.label(RichText::new(say!("muted-title")).font(semibold(14.5)).color(tokens.text));
    muted(ui, desk);
    ui.add_space(space::S);
    ui.separator();
    ui.label(RichText::new(say!("banned-title")).font(semibold(14.5)).color(tokens.text));
    must_not_come(ui, desk);
}

fn muted(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group, now) = (desk.tokens, desk.group, desk.now);
    let silent =
        group.members.iter().filter(|member| member.muted_until.is_some_and(|until| until > now.time));
    let silent: Vec<_> = silent.collect();
    if silent.is_empty() {
        return sentence(ui, tokens, &say!("muted-none"));
    }
    for member in silent {
        let may = desk.rights().may_discipline(member);
        ui.horizontal(|ui| {
            let name = desk.model.groups.told_name(&member.account);
            let label = say!("member-unmute");
            let room = if may { button_room(ui, desk, &label) } else { 0.0 };
            let until = words::muted_until(member.muted_until.unwrap_or_default(), now);
            person(ui, tokens, &member.account, &name, &until, room);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if may && ui.button(label).clicked() {
                    // Long over, so that it is over by every clock.
                    desk.want(GroupAction::Mute(member.account, Timestamp(0)));
                }
            });
        });
    }
}

/// How wide a button with these words is, with the room before it.
fn button_room(ui: &Ui, desk: &Desk<'_>, label: &str) -> f32 {
    widget::line(ui, label, medium(14.0), desk.tokens.text, 200.0).size().x + 40.0
}

/// Who must not come back.
fn must_not_come(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group) = (desk.tokens, desk.group);
    if group.banned.is_empty() {
        return sentence(ui, tokens, &say!("banned-none"));
    }
    let may = desk.rights().may_moderate();
    let words = match may {
        true => say!("banned-what-may"),
        false => say!("banned-what"),
    };
    sentence(ui, tokens, &words);
    for account in &group.banned {
        ui.horizontal(|ui| {
            let name = desk.model.groups.told_name(account);
            person(ui, tokens, account, &name, &short_address(account), if may { 96.0 } else { 0.0 });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if may && ui.button(say!("banned-lift")).clicked() {
                    desk.want(GroupAction::Unban(*account));
                }
            });
        });
    }
}
