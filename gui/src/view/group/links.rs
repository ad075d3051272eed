//! Links into the group: making one, showing it as a code, taking one back.

use eframe::egui::Frame;
use eframe::egui::RichText;
use eframe::egui::Ui;
use kith_engine::view::LinkView;
use kith_proto::group::Role;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::groups::Step;
use crate::model::groups::info::InfoPage;
use crate::model::groups::info::LINK_LIVES;
use crate::model::groups::info::LINK_USES;
use crate::model::groups::words;
use crate::say;
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
    if desk.group.policy.public {
        shared(ui, desk);
    }
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

/// The one link of a public room.
fn shared(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    ui.label(RichText::new(say!("links-public")).font(semibold(14.5)).color(tokens.text));
    let Some(link) = desk.form.link.shared.clone() else {
        sentence(ui, tokens, &say!("links-public-none"));
        ui.separator();
        return;
    };
    let words = match desk.group.policy.approve_links {
        true => say!("links-public-approval"),
        false => say!("links-public-what"),
    };
    sentence(ui, tokens, &words);
    ui.vertical_centered(|ui| dialogs::qr_within(ui, &link, &say!("links-qr"), 280.0));
    let shown = widget::line(ui, &link, regular(12.5), tokens.muted, ui.available_width());
    ui.label(shown);
    ui.horizontal_wrapped(|ui| {
        if widget::primary(ui, tokens, &say!("copy-link")).clicked() {
            desk.actions.push(Action::Copy(link.clone()));
        }
        if ui.button(say!("links-list-room")).clicked() {
            desk.want(GroupAction::ShowInfo(InfoPage::Listings));
        }
    });
    ui.add_space(space::XS);
    ui.separator();
}

/// The link that was just made: its secret is shown here and nowhere again.
fn made(ui: &mut Ui, desk: &mut Desk<'_>, link: &str) {
    let tokens = desk.tokens;
    let words = say!("links-made");
    sentence(ui, tokens, &words);
    ui.vertical_centered(|ui| dialogs::qr_within(ui, link, &say!("links-qr"), 280.0));
    let shown = widget::line(ui, link, regular(12.5), tokens.muted, ui.available_width());
    ui.label(shown);
    ui.horizontal(|ui| {
        if widget::primary(ui, tokens, &say!("copy-link")).clicked() {
            desk.actions.push(Action::Copy(link.to_owned()));
        }
        if ui.button(say!("links-another")).clicked() {
            desk.form.link.made = None;
        }
    });
}

fn making(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    let words = say!("links-what");
    sentence(ui, tokens, &words);
    ui.add_space(space::XS);
    let mut roles = desk.rights().roles_to_admit();
    roles.retain(|role| *role < Role::Owner);
    let roles: Vec<(Role, String)> = roles.into_iter().map(|role| (role, words::role(role))).collect();
    let form = &mut desk.form.link;
    choice(ui, tokens, &say!("come-as"), &mut form.role, &roles);
    let lives = LINK_LIVES.map(|secs| (secs, words::link_life(secs)));
    choice(ui, tokens, &say!("links-life"), &mut form.life_secs, &lives);
    let uses = LINK_USES.map(|uses| (uses, words::link_uses(uses)));
    choice(ui, tokens, &say!("links-uses"), &mut form.uses, &uses);
    ui.add_space(space::XS);
    if desk.group.policy.approve_links {
        sentence(ui, tokens, &say!("links-approval-rule"));
    } else {
        widget::marks(ui, tokens, |ui| ui.checkbox(&mut form.approval, say!("links-approval")));
    }
    ui.add_space(space::XS);
    if widget::primary(ui, tokens, &say!("links-make")).clicked() {
        desk.want(GroupAction::MakeLink);
    }
}

fn open_links(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group) = (desk.tokens, desk.group);
    ui.label(RichText::new(say!("links-open")).font(semibold(14.5)).color(tokens.text));
    if group.links.is_empty() {
        sentence(ui, tokens, &say!("links-none"));
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
                let title = say!("link-for", role = words::role_word(link.role));
                ui.label(RichText::new(title).font(medium(14.0)).color(tokens.text));
                let facts = words::link(link, &desk.model.groups, desk.now);
                ui.label(RichText::new(facts).font(regular(12.5)).color(tokens.muted));
            });
            if may && widget::icon_button(ui, tokens, icons::TRASH, &say!("links-revoke")).clicked() {
                desk.ask(Step::RevokeLink(link.link));
            }
        });
    });
}
