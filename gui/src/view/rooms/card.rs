//! A room as a directory lists it.

use eframe::egui::Align;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::Ui;
use eframe::egui::vec2;
use kith_engine::view::RoomView;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::RoomAction;
use crate::action::groups::Doubt;
use crate::action::groups::Step;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::groups::words;
use crate::model::network::day;
use crate::model::rooms;
use crate::model::rooms::Standing;
use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

/// The picture of a room.
const PICTURE: f32 = 48.0;

/// Draws it.
pub(super) fn card(
    ui: &mut Ui,
    model: &Model,
    room: &RoomView,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    let frame = Frame::new()
        .fill(tokens.side)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(size::RADIUS)
        .inner_margin(Margin::same(14));
    ui.push_id(room.room, |ui| {
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(PICTURE, PICTURE), Sense::hover());
                let seed = room.room.0.first().copied().unwrap_or(0);
                let name = name(room);
                widget::group_avatar(ui.painter(), tokens, rect.center(), PICTURE, seed, &name);
                ui.add_space(space::XS);
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                    way_in(ui, model, room, tokens, actions);
                    ui.with_layout(Layout::top_down(Align::Min), |ui| {
                        said(ui, model, room, &name, (tokens, now));
                    });
                });
            });
        });
    });
}

/// What it is called.
pub(super) fn name(room: &RoomView) -> String {
    let name = text::clean_name(&room.name);
    if name.is_empty() { say!("group-without-name") } else { name }
}

/// What is said of it: name, topic, language and words, who listed it where.
fn said(ui: &mut Ui, model: &Model, room: &RoomView, name: &str, (tokens, now): (&Tokens, Now)) {
    ui.spacing_mut().item_spacing.y = 3.0;
    let title = widget::line(ui, name, semibold(15.0), tokens.text, ui.available_width());
    ui.label(title).on_hover_text(name);
    let topic = text::clean_name(&room.topic);
    if !topic.is_empty() {
        ui.label(RichText::new(topic).font(regular(13.5)).color(tokens.muted));
    }
    marks(ui, room, tokens);
    let directory = model.groups.get(&room.directory).map(words::title).unwrap_or_default();
    let day = day(now, room.listed_at);
    let words = match model.groups.own() == Some(room.listed_by) {
        true => say!("room-listed-by-you", directory = directory, day = day),
        false => {
            let by = model.groups.told_name(&room.listed_by);
            say!("room-listed", name = by, directory = directory, day = day)
        }
    };
    ui.label(RichText::new(words).font(regular(12.0)).color(tokens.faint));
}

/// The language and the words by which it is found, as small pills.
pub(super) fn marks(ui: &mut Ui, room: &RoomView, tokens: &Tokens) {
    let language = Some(text::clean_name(&room.language)).filter(|language| !language.is_empty());
    let tags = room.tags.iter().map(|tag| text::clean_name(tag)).filter(|tag| !tag.is_empty());
    let pills: Vec<(bool, String)> =
        language.map(|language| (true, language)).into_iter().chain(tags.map(|tag| (false, tag))).collect();
    if pills.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::XS, space::XS);
        for (is_language, words) in pills {
            let ink = if is_language { tokens.accent } else { tokens.muted };
            let shown = if is_language { words } else { format!("#{words}") };
            let galley = widget::line(ui, &shown, medium(12.0), ink, 160.0);
            let (rect, _) = ui.allocate_exact_size(galley.size() + vec2(14.0, 6.0), Sense::hover());
            ui.painter().rect_filled(rect, 10.0, ink.gamma_multiply(0.12));
            ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
        }
    });
}

/// What can be done: come in, or go there; and for those who keep order in the directory, take it out.
fn way_in(ui: &mut Ui, model: &Model, room: &RoomView, tokens: &Tokens, actions: &mut Vec<Action>) {
    let directory = model.groups.get(&room.directory);
    if directory.is_some_and(|directory| model.groups.rights(directory).may_moderate()) {
        let more = widget::icon_button(ui, tokens, icons::MORE, &say!("more"));
        eframe::egui::Popup::menu(&more).show(|ui| {
            if ui.button(say!("room-take-out")).clicked() {
                let doubt = Doubt { group: room.directory, what: Step::TakeOut(room.message) };
                actions.push(Action::Group(GroupAction::Ask(doubt)));
                ui.close();
            }
        });
    }
    let wanted = match rooms::standing(&model.groups, &room.room) {
        Standing::Outside => widget::primary(ui, tokens, &say!("room-join")).clicked(),
        Standing::Inside => ui.button(say!("room-open")).clicked(),
        Standing::Asking => {
            ui.add_enabled_ui(false, |ui| ui.button(say!("room-asking")));
            false
        }
    };
    if wanted {
        actions.push(Action::Room(RoomAction::Show(room.room)));
    }
}
