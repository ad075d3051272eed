//! The call in place of the chat: pictures, how far it is, and everything that can be done in it.

mod bar;
mod controls;
mod figures;
mod picture;
mod ring;
mod strip;
mod tile;
mod together;

use eframe::egui;
use eframe::egui::Align2;
use eframe::egui::CentralPanel;
use eframe::egui::Color32;
use eframe::egui::CornerRadius;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::Rect;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::Ui;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::CallState;
use kith_engine::view::CallView;

use crate::action::Action;
use crate::action::CallAction;
use crate::model::Model;
use crate::model::calls::Corner;
use crate::model::calls::words;
use crate::model::dates::Now;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

pub(super) use self::bar::bar;
pub(super) use self::bar::group_bar;
pub(super) use self::controls::devices;
pub(super) use self::ring::group_ring;
pub(super) use self::ring::ring;
pub(super) use self::strip::strip;
pub(super) use self::together::together;

/// Draws the call.
pub(super) fn call(
    ui: &mut Ui,
    model: &Model,
    call: &CallView,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    Panel::top("call head")
        .exact_size(size::TOP_BAR)
        .show_separator_line(false)
        .frame(Frame::new().fill(tokens.side).inner_margin(Margin::symmetric(16, 0)))
        .show(ui, |ui| {
            let name = model.name_of(&call.contact);
            let heading = Heading { name, state: words::state(call, now.time), ink: ink(tokens, call) };
            head(ui, model, &heading, tokens, actions, |_, _| {});
        });
    Panel::bottom("call controls")
        .show_separator_line(false)
        .frame(Frame::new().fill(tokens.app).inner_margin(Margin::symmetric(8, 14)))
        .show(ui, |ui| controls::controls(ui, model, call, tokens, actions));
    CentralPanel::default().frame(Frame::new().fill(tokens.app)).show(ui, |ui| {
        let area = ui.available_rect_before_wrap().shrink(space::M);
        stage(ui, model, call, area, (tokens, now));
        own(ui, model, area, tokens, actions);
        if model.calls.figures {
            let lines = model.calls.leg().map(|leg| words::figures(call, leg)).unwrap_or_default();
            figures::figures(ui, area, tokens, &lines);
        }
    });
}

/// What stands above a call.
struct Heading {
    name: String,
    state: String,
    ink: Color32,
}

/// With whom, how far, and how it is shown. `more`: further buttons.
fn head(
    ui: &mut Ui,
    model: &Model,
    heading: &Heading,
    tokens: &Tokens,
    actions: &mut Vec<Action>,
    more: impl FnOnce(&mut Ui, &mut Vec<Action>),
) {
    ui.horizontal_centered(|ui| {
        if widget::icon_button(ui, tokens, icons::BACK, &say!("call-to-chats")).clicked() {
            actions.push(Action::Call(CallAction::Show(false)));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let full = model.calls.full;
            let (glyph, label) = match full {
                true => (icons::SMALLER, say!("call-smaller")),
                false => (icons::LARGER, say!("call-larger")),
            };
            if widget::icon_button(ui, tokens, glyph, &label).clicked() {
                actions.push(Action::Call(CallAction::Full(!full)));
            }
            let open = model.calls.figures;
            if widget::icon_button(ui, tokens, icons::FIGURES, &say!("call-figures")).clicked() {
                actions.push(Action::Call(CallAction::Figures(!open)));
            }
            more(ui, actions);
            if let Some(bars) = model.calls.quality() {
                widget::bars(ui, tokens, bars, &words::quality(bars));
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let width = ui.available_width();
                ui.vertical(|ui| {
                    ui.add_space((ui.available_height() - 38.0).max(0.0) / 2.0);
                    ui.spacing_mut().item_spacing.y = 1.0;
                    ui.label(widget::line(ui, &heading.name, semibold(15.5), tokens.text, width));
                    ui.label(widget::line(ui, &heading.state, regular(12.5), heading.ink, width));
                });
            });
        });
    });
}

fn ink(tokens: &Tokens, call: &CallView) -> Color32 {
    match call.state {
        CallState::Live if !call.own.hold && !call.theirs.hold => tokens.good,
        CallState::Live | CallState::Reconnecting => tokens.warning,
        _ => tokens.muted,
    }
}

/// Their picture, or who they are.
fn stage(ui: &mut Ui, model: &Model, call: &CallView, area: Rect, (tokens, now): (&Tokens, Now)) {
    let pictures = model.calls.pictures();
    let name = model.name_of(&call.contact);
    let over = matches!(call.state, CallState::Ended(_));
    if let Some(shown) = pictures.screen.as_ref().or(pictures.camera.as_ref()).filter(|_| !over) {
        ui.painter().rect_filled(area, f32::from(size::RADIUS_BUBBLE), Color32::BLACK);
        let within = picture::within(shown, area);
        picture::paint(
            ui,
            "theirs",
            shown,
            (within, picture::WHOLE),
            false,
            CornerRadius::same(size::RADIUS_BUBBLE),
        );
        let label = match pictures.screen.is_some() {
            true => say!("call-their-screen", name = name),
            false => say!("call-their-picture", name = name),
        };
        let response = ui.interact(area, Id::unique("their picture"), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, label.as_str()));
        return;
    }
    let diameter = size::AVATAR_CALL.min(area.height() * 0.42);
    let center = pos2(area.center().x, area.center().y - diameter * 0.3);
    if call.state == CallState::Live && !call.theirs.hold {
        // A ring that grows with the voice.
        let level = model.calls.leg().map_or(0.0, |leg| leg.speech.level).clamp(0.0, 1.0).sqrt();
        let glow = tokens.good.gamma_multiply(0.25);
        ui.painter().circle_filled(center, diameter / 2.0 + 4.0 + 18.0 * level, glow);
        ui.painter().circle_filled(center, diameter / 2.0 + 3.0, tokens.app);
    }
    let seed = call.contact.0.first().copied().unwrap_or(0);
    widget::avatar(ui.painter(), tokens, center, diameter, seed, &name);
    let title = widget::line(ui, &name, semibold(22.0), tokens.text, area.width());
    let top = center.y + diameter / 2.0 + 24.0;
    let at = pos2(area.center().x - title.size().x / 2.0, top);
    let height = title.size().y;
    ui.painter().galley(at, title, tokens.text);
    let words = words::state(call, now.time);
    let galley = ui.painter().layout(words, regular(15.0), ink(tokens, call), area.width().min(420.0));
    let half = galley.size().x / 2.0;
    let at = pos2(area.center().x - half, top + height + 6.0);
    let below = at.y + galley.size().y + 12.0;
    ui.painter().galley(at, galley, tokens.muted);
    if call.state == CallState::Live && !call.theirs.microphone && !call.theirs.hold {
        let words = say!("call-they-are-silent", name = name);
        let line = widget::line(ui, &words, regular(13.0), tokens.muted, area.width() - 30.0);
        let left = area.center().x - line.size().x / 2.0 + 10.0;
        ui.painter().text(
            pos2(left - 12.0, below + 8.0),
            Align2::CENTER_CENTER,
            icons::SILENT,
            icon(15.0),
            tokens.muted,
        );
        ui.painter().galley(pos2(left, below), line, tokens.muted);
    }
}

/// The own picture in its corner, as in a mirror. It can be moved to another corner.
fn own(ui: &mut Ui, model: &Model, area: Rect, tokens: &Tokens, actions: &mut Vec<Action>) {
    let Some(shown) = &model.calls.pictures().own else { return };
    let width = size::OWN_PICTURE.min(area.width() * 0.32);
    let wide = vec2(width, width * shown.height() as f32 / shown.width().max(1) as f32);
    let free = area.shrink(space::M);
    let at = match model.calls.corner {
        Corner::TopLeft => free.left_top(),
        Corner::TopRight => pos2(free.max.x - wide.x, free.min.y),
        Corner::BottomLeft => pos2(free.min.x, free.max.y - wide.y),
        Corner::BottomRight => free.max - wide,
    };
    let rect = Rect::from_min_size(at, wide);
    let id = Id::unique("own picture");
    let response = ui.interact(rect, id, Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, say!("call-own-picture")));
    let moved = ui.input(|input| match (input.pointer.press_origin(), input.pointer.latest_pos()) {
        (Some(from), Some(to)) if response.dragged() => to - from,
        _ => egui::Vec2::ZERO,
    });
    let rect = rect.translate(moved);
    let corners = CornerRadius::same(size::RADIUS);
    picture::paint(ui, "own", shown, (rect, picture::WHOLE), true, corners);
    ui.painter().rect_stroke(rect, corners, Stroke::new(1.5, tokens.border), StrokeKind::Outside);
    if response.drag_stopped()
        && let Some(dropped) = ui.input(|input| input.pointer.latest_pos())
    {
        let (right, low) = (dropped.x > area.center().x, dropped.y > area.center().y);
        actions.push(Action::Call(CallAction::Put(match (right, low) {
            (false, false) => Corner::TopLeft,
            (true, false) => Corner::TopRight,
            (false, true) => Corner::BottomLeft,
            (true, true) => Corner::BottomRight,
        })));
    }
}
