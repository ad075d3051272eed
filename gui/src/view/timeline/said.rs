//! What stands between messages in a group: what happened, and where something is missing.

use std::sync::Arc;

use eframe::egui::Align;
use eframe::egui::Galley;
use eframe::egui::Id;
use eframe::egui::Rect;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::text::LayoutJob;
use eframe::egui::text::TextFormat;
use eframe::egui::text::TextWrapping;
use eframe::egui::vec2;
use kith_engine::view::GroupLine;
use kith_engine::view::MessageKind;

use crate::action::Action;
use crate::model::groups::words;
use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::regular;
use crate::theme::space;
use crate::view::timeline::Scene;
use crate::widget;

/// The widest sentence about what happened.
const WIDEST: f32 = 460.0;

/// Around such a sentence, and between two of them.
const PAD_Y: f32 = 4.0;
const BETWEEN: f32 = 6.0;

/// The sentence of what happened.
fn sentence(scene: &Scene<'_>, at: usize) -> Option<String> {
    let view = scene.timeline.message(at)?;
    match &view.kind {
        MessageKind::System(line) => {
            Some(words::line(line, &view.sender, view.sent_at, scene.groups.names(), scene.now))
        }
        // Those are drawn in `called`.
        MessageKind::Call(_) | MessageKind::Text => None,
    }
}

fn lay(ui: &Ui, scene: &Scene<'_>, at: usize, width: f32) -> Option<Arc<Galley>> {
    let sentence = sentence(scene, at)?;
    let most = (width - 2.0 * space::XL).min(WIDEST);
    let format = TextFormat { font_id: regular(12.5), color: scene.tokens.muted, ..TextFormat::default() };
    Some(ui.fonts_mut(|fonts| {
        let mut job = if text::has_rtl(&sentence) {
            text::bidi_job(fonts, &sentence, &format, most).0
        } else {
            let mut job = LayoutJob::default();
            job.append(&sentence, 0.0, format);
            job.wrap = TextWrapping { max_width: most, ..TextWrapping::default() };
            job
        };
        job.halign = Align::Center;
        fonts.layout_job(job)
    }))
}

/// The height of the row of something that happened.
pub(super) fn line_height(ui: &Ui, scene: &Scene<'_>, at: usize, width: f32) -> f32 {
    lay(ui, scene, at, width).map_or(0.0, |galley| galley.size().y + 2.0 * PAD_Y + BETWEEN)
}

/// Something that happened, in the middle.
pub(super) fn line(ui: &Ui, scene: &Scene<'_>, at: usize, row: Rect, actions: &mut Vec<Action>) {
    let (Some(galley), Some(view)) = (lay(ui, scene, at, row.width()), scene.timeline.message(at)) else {
        return;
    };
    let tokens = scene.tokens;
    let center = row.center();
    let rect = Rect::from_center_size(center, galley.size() + vec2(24.0, 2.0 * PAD_Y));
    let ground =
        if tokens.dark { tokens.hover.gamma_multiply(0.7) } else { tokens.border.gamma_multiply(0.45) };
    let flash = if scene.is_flashed(view) { Stroke::new(2.0, tokens.accent) } else { Stroke::NONE };
    ui.painter().rect(rect, 11.0, ground, flash, StrokeKind::Inside);
    let top = center.y - galley.size().y / 2.0;
    ui.painter().galley(pos2(center.x, top), galley, tokens.muted);
    let response = ui.interact(rect, Id::unique(view.message), Sense::click());
    let words = sentence(scene, at).unwrap_or_default();
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words.as_str()));
    if let MessageKind::System(GroupLine::Pinned { message }) = &view.kind
        && response.clicked()
    {
        actions.push(Action::ShowMessage(*message));
    }
    response.on_hover_text(format!(
        "{}, {}",
        scene.now.day_name(scene.now.day(view.sent_at)),
        scene.now.clock(view.sent_at)
    ));
}

/// Others have messages that belong here.
pub(super) fn gap(ui: &Ui, tokens: &Tokens, rect: Rect) {
    let words = say!("gap");
    let galley = widget::line(ui, &words, regular(12.0), tokens.warning, rect.width() - 80.0);
    let (center, half) = (rect.center(), galley.size().x / 2.0 + space::M);
    let pen = Stroke::new(1.0, tokens.warning.gamma_multiply(0.5));
    for (from, to) in [(rect.min.x, center.x - half), (center.x + half, rect.max.x)] {
        let dashes =
            eframe::egui::Shape::dashed_line(&[pos2(from, center.y), pos2(to, center.y)], pen, 4.0, 4.0);
        ui.painter().extend(dashes);
    }
    ui.painter().galley(center - galley.size() / 2.0, galley, tokens.warning);
}
