//! A call in its chat: who called, how it went, and calling again.

use eframe::egui::Align2;
use eframe::egui::Id;
use eframe::egui::Rect;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::CallEnd;
use kith_engine::view::CallLine;
use kith_engine::view::MessageView;

use crate::action::Action;
use crate::action::CallAction;
use crate::model::calls::words;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::timeline::Scene;
use crate::widget;

/// The height of its row.
pub(super) const ROW: f32 = 68.0;

/// The widest card.
const WIDEST: f32 = 320.0;

/// Draws it on the side of who called.
pub(super) fn card(
    ui: &mut Ui,
    scene: &Scene<'_>,
    (view, line): (&MessageView, &CallLine),
    row: Rect,
    actions: &mut Vec<Action>,
) {
    let tokens = scene.tokens;
    let own = view.outgoing;
    let beside = if own { 0.0 } else { size::AVATAR_SMALL + space::S };
    let width = WIDEST.min(row.width() - beside);
    let left = if own { row.max.x - width } else { row.min.x + beside };
    let rect = Rect::from_min_size(pos2(left, row.min.y + 4.0), vec2(width, ROW - 8.0));
    let flashed = scene.is_flashed(view);
    let pen = Stroke::new(1.0, if flashed { tokens.accent } else { tokens.border });
    ui.painter().rect(rect, f32::from(size::RADIUS_BUBBLE), tokens.bubble_in, pen, StrokeKind::Inside);
    let (glyph, ink) = mark(tokens, line, own);
    let disc = pos2(rect.min.x + 30.0, rect.center().y);
    ui.painter().circle_filled(disc, 18.0, ink.gamma_multiply(0.16));
    ui.painter().text(disc, Align2::CENTER_CENTER, glyph, icon(18.0), ink);
    let again = Rect::from_center_size(pos2(rect.max.x - 28.0, rect.center().y), vec2(size::HIT, size::HIT));
    let (begin, room) = (rect.min.x + 58.0, again.min.x - rect.min.x - 62.0);
    let title = widget::line(ui, &words::line(line, own), medium(14.0), tokens.text, room);
    let middle = rect.center().y;
    ui.painter().galley(pos2(begin, middle - title.size().y + 1.0), title, tokens.text);
    let clock = scene.now.clock(view.sent_at);
    let how = match line.end {
        CallEnd::Missed if !own => clock,
        _ => say!("call-line-at", clock = clock, how = words::went(line, own)),
    };
    let below = widget::line(ui, &how, regular(12.5), tokens.muted, room);
    ui.painter().galley(pos2(begin, middle + 2.0), below, tokens.muted);
    let response = ui.interact(rect, Id::unique(view.message), Sense::hover());
    let spoken = words::whole(line, own);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, spoken.as_str()));
    let day = scene.now.day_name(scene.now.day(view.sent_at));
    response.on_hover_text(format!("{day}, {}\n{spoken}", scene.now.clock(view.sent_at)));
    if scene.in_group() {
        return;
    }
    let back = ui.interact(again, Id::unique((view.message, "call")), Sense::click());
    let label = if line.video { say!("call-back-video") } else { say!("call-back") };
    back.widget_info(|| WidgetInfo::labeled(Role::Button, true, label.as_str()));
    if back.hovered() || back.has_focus() {
        let pen = if back.has_focus() { Stroke::new(2.0, tokens.accent) } else { Stroke::NONE };
        ui.painter().rect(again, f32::from(size::RADIUS), tokens.hover, pen, StrokeKind::Inside);
    }
    let glyph = if line.video { icons::CAMERA } else { icons::PHONE };
    ui.painter().text(again.center(), Align2::CENTER_CENTER, glyph, icon(size::ICON), tokens.accent);
    if back.on_hover_text(label).clicked() {
        actions.push(Action::Call(CallAction::Start { chat: view.chat, camera: line.video }));
    }
}

/// An arrow the way the call went, red when nobody was heard.
fn mark(tokens: &Tokens, line: &CallLine, outgoing: bool) -> (&'static str, eframe::egui::Color32) {
    match (line.is_missed(outgoing), outgoing, line.talked.0 > 0) {
        (true, ..) => (icons::CALL_MISSED, tokens.danger),
        (false, true, true) => (icons::CALL_OUT, tokens.good),
        (false, true, false) => (icons::CALL_OUT, tokens.muted),
        (false, false, true) => (icons::CALL_IN, tokens.good),
        (false, false, false) => (icons::CALL_IN, tokens.muted),
    }
}
