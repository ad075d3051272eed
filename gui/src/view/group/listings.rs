//! In which directories a room is listed, and what is said of it there.

use eframe::egui::Frame;
use eframe::egui::RichText;
use eframe::egui::Ui;
use kith_engine::view::GroupView;

use crate::action::Action;
use crate::action::RoomAction;
use crate::model::groups::words;
use crate::model::network::day;
use crate::model::rooms;
use crate::say;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::group::Desk;
use crate::view::group::sentence;
use crate::widget;

pub(super) fn listings(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    sentence(ui, tokens, &say!("listings-what"));
    let directories = rooms::directories(&desk.model.groups);
    if directories.is_empty() {
        ui.add_space(space::M);
        ui.vertical_centered(|ui| {
            ui.label(RichText::new(icons::BOOKS).font(icon(36.0)).color(tokens.faint));
            sentence(ui, tokens, &say!("listings-no-directories"));
            if widget::primary(ui, tokens, &say!("discover-paste-link")).clicked() {
                desk.actions.push(Action::OpenAdd);
            }
        });
        return;
    }
    ui.add_space(space::XS);
    let form = &mut desk.form.listing;
    widget::field(ui, tokens, &say!("listings-language"), &mut form.language, false);
    widget::field(ui, tokens, &say!("listings-tags"), &mut form.tags, false);
    let tags = form.words();
    if !tags.is_empty() {
        let shown: Vec<String> = tags.iter().map(|tag| format!("#{tag}")).collect();
        sentence(ui, tokens, &shown.join("  "));
    }
    ui.add_space(space::XS);
    ui.label(RichText::new(say!("listings-directories")).font(semibold(14.5)).color(tokens.text));
    for directory in directories {
        one(ui, desk, directory);
    }
}

fn one(ui: &mut Ui, desk: &mut Desk<'_>, directory: &GroupView) {
    let (tokens, model) = (desk.tokens, desk.model);
    let own = rooms::own_listing(&model.rooms, &directory.group, model.groups.own());
    let other = model.rooms.listings(&directory.group).first();
    let frame = Frame::new().fill(tokens.app).corner_radius(size::RADIUS).inner_margin(10);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        let name = words::title(directory);
        ui.label(RichText::new(&name).font(medium(14.0)).color(tokens.text));
        let words = match (own, other) {
            (Some(own), _) => say!("listings-by-you", day = day(desk.now, own.listed_at)),
            (None, Some(other)) => say!("listings-by", name = model.groups.name_of(&other.listed_by)),
            (None, None) => say!("listings-not"),
        };
        let ink = if own.is_some() { tokens.good } else { tokens.muted };
        ui.label(RichText::new(words).font(regular(12.5)).color(ink));
        let may = model.groups.rights(directory).silence(desk.now.time).is_none();
        if !may {
            return sentence(ui, tokens, &say!("listings-may-not"));
        }
        ui.add_space(2.0);
        ui.horizontal(|ui| {
            let label = if own.is_some() { say!("listings-renew") } else { say!("listings-publish") };
            if widget::primary(ui, tokens, &label).clicked() {
                desk.actions.push(Action::Room(RoomAction::Publish(directory.group)));
            }
            if own.is_some() && ui.button(say!("listings-unpublish")).clicked() {
                desk.actions.push(Action::Room(RoomAction::Unpublish(directory.group)));
            }
        });
    });
}
