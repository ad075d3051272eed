//! Links into the group: making one, showing it as a code, taking one back.

use eframe::egui::Frame;
use eframe::egui::RichText;
use eframe::egui::Ui;
use kith_engine::view::LinkView;
use kith_proto::group::Role;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::groups::Step;
use crate::model::groups::info::LINK_LIVES;
use crate::model::groups::info::LINK_USES;
use crate::model::groups::words;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::dialogs;
use crate::view::group::Desk;
use crate::view::group::choice;
use crate::view::group::sentence;
use crate::widget;

pub(super) fn links(ui: &mut Ui, desk: &mut Desk<'_>) {
    if desk.rights().may_invite() {
        match desk.form.link.made.clone() {
            Some(link) => made(ui, desk, &link),
            None => making(ui, desk),
        }
        ui.add_space(space::XS);
        ui.separator();
    }
    open_links(ui, desk);
}

/// The link that was just made: its secret is shown here and nowhere again.
fn made(ui: &mut Ui, desk: &mut Desk<'_>, link: &str) {
    let tokens = desk.tokens;
    let words =
        "Send it over any channel you trust, or let them scan it. Copy it now: it is not shown again.";
    sentence(ui, tokens, words);
    ui.vertical_centered(|ui| dialogs::qr_within(ui, link, "The link as a QR code", 280.0));
    let shown = widget::line(ui, link, regular(12.5), tokens.muted, ui.available_width());
    ui.label(shown);
    ui.horizontal(|ui| {
        if widget::primary(ui, tokens, "Copy the link").clicked() {
            desk.actions.push(Action::Copy(link.to_owned()));
        }
        if ui.button("Make another").clicked() {
            desk.form.link.made = None;
        }
    });
}

fn making(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    let words = "Whoever has the link can ask to come in, and is let in by any member who is online.";
    sentence(ui, tokens, words);
    ui.add_space(space::XS);
    let mut roles = desk.rights().roles_to_admit();
    roles.retain(|role| *role < Role::Owner);
    let roles: Vec<(Role, String)> = roles.into_iter().map(|role| (role, words::role(role))).collect();
    let form = &mut desk.form.link;
    choice(ui, tokens, "They come as", &mut form.role, &roles);
    let lives = LINK_LIVES.map(|(secs, words)| (secs, words.to_owned()));
    choice(ui, tokens, "It works for", &mut form.life_secs, &lives);
    let uses = LINK_USES.map(|(uses, words)| (uses, words.to_owned()));
    choice(ui, tokens, "It is for", &mut form.uses, &uses);
    ui.add_space(space::XS);
    if desk.group.policy.approve_links {
        sentence(ui, tokens, "By the rules of this group, somebody has to agree each time.");
    } else {
        ui.checkbox(&mut form.approval, "Somebody has to agree each time");
    }
    ui.add_space(space::XS);
    if widget::primary(ui, tokens, "Make a link").clicked() {
        desk.want(GroupAction::MakeLink);
    }
}

fn open_links(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group) = (desk.tokens, desk.group);
    ui.label(RichText::new("Open links").font(semibold(14.5)).color(tokens.text));
    if group.links.is_empty() {
        sentence(ui, tokens, "None. People come in only by being added.");
    }
    for link in &group.links {
        one(ui, desk, link);
    }
}

fn one(ui: &mut Ui, desk: &mut Desk<'_>, link: &LinkView) {
    let tokens = desk.tokens;
    let frame = Frame::new().fill(tokens.app).corner_radius(size::RADIUS).inner_margin(10);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let may = desk.rights().may_revoke(link);
            let width = ui.available_width() - if may { size::HIT + space::S } else { 0.0 };
            ui.vertical(|ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.y = 2.0;
                let title = format!("For a new {}", words::role(link.role).to_lowercase());
                ui.label(RichText::new(title).font(medium(14.0)).color(tokens.text));
                let facts = words::link(link, &desk.model.groups, desk.now);
                ui.label(RichText::new(facts).font(regular(12.5)).color(tokens.muted));
            });
            if may && widget::icon_button(ui, tokens, icons::TRASH, "Take this link back").clicked() {
                desk.ask(Step::RevokeLink(link.link));
            }
        });
    });
}
