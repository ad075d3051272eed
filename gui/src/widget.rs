//! Small things that every view uses.

use std::sync::Arc;

use eframe::egui;
use eframe::egui::Align2;
use eframe::egui::Color32;
use eframe::egui::CornerRadius;
use eframe::egui::FontId;
use eframe::egui::Frame;
use eframe::egui::Galley;
use eframe::egui::Margin;
use eframe::egui::Painter;
use eframe::egui::Pos2;
use eframe::egui::Response;
use eframe::egui::RichText;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Shape;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::text::LayoutJob;
use eframe::egui::text::TextFormat;
use eframe::egui::text::TextWrapping;
use eframe::egui::vec2;
use kith_engine::view::MessageState;

use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;

/// A button that is an icon. `label` is its name for those who cannot see it, and its tooltip.
pub fn icon_button(ui: &mut Ui, tokens: &Tokens, glyph: &str, label: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(size::HIT, size::HIT), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    if response.hovered() {
        ui.painter().rect_filled(rect, size::RADIUS, tokens.hover);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, size::RADIUS, Stroke::new(2.0, tokens.accent), StrokeKind::Inside);
    }
    let color = if response.hovered() { tokens.text } else { tokens.muted };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, glyph, icon(size::ICON), color);
    response.on_hover_text(label)
}

/// The same, disabled where there is a reason, which it says.
pub fn icon_button_unless(
    ui: &mut Ui,
    tokens: &Tokens,
    glyph: &str,
    label: &str,
    why: Option<&str>,
) -> Response {
    let Some(why) = why else { return icon_button(ui, tokens, glyph, label) };
    let (rect, response) = ui.allocate_exact_size(vec2(size::HIT, size::HIT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, false, label));
    let ink = tokens.faint.gamma_multiply(0.55);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, glyph, icon(size::ICON), ink);
    response.on_hover_text(format!("{label}\n{why}"))
}

/// How a round button of a call looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It can be switched on.
    Plain,
    /// It is switched on.
    On,
    /// What should be on is off.
    Off,
    /// It ends the call.
    End,
    /// It answers.
    Answer,
}

/// A round button of a call; disabled where there is a reason, which it says.
pub fn round_button(
    ui: &mut Ui,
    tokens: &Tokens,
    (glyph, label): (&str, &str),
    look: Look,
    why: Option<&str>,
) -> Response {
    let sense = if why.is_some() { Sense::hover() } else { Sense::click() };
    let (rect, response) = ui.allocate_exact_size(vec2(size::ROUND, size::ROUND), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, why.is_none(), label));
    let on_strong = if tokens.dark { tokens.app } else { tokens.on_fill };
    let (fill, ink) = match look {
        Look::Plain => (tokens.raised, tokens.text),
        Look::On => (tokens.fill, tokens.on_fill),
        Look::Off => (tokens.raised, tokens.danger),
        Look::End => (tokens.danger, on_strong),
        Look::Answer => (tokens.good, on_strong),
    };
    let (fill, ink) = match (why.is_some(), response.hovered(), look) {
        (true, ..) => (fill, tokens.faint.gamma_multiply(0.55)),
        (false, true, Look::Plain | Look::Off) => (tokens.selected, ink),
        (false, true, _) => (fill.lerp_to_gamma(tokens.text, 0.12), ink),
        _ => (fill, ink),
    };
    let radius = size::ROUND / 2.0;
    let line =
        if matches!(look, Look::Plain | Look::Off) { Stroke::new(1.0, tokens.border) } else { Stroke::NONE };
    ui.painter().circle(rect.center(), radius - 0.5, fill, line);
    if response.has_focus() {
        ui.painter().circle_stroke(rect.center(), radius + 2.0, Stroke::new(2.0, tokens.accent));
    }
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, glyph, icon(size::ROUND_ICON), ink);
    match why {
        Some(why) => response.on_hover_text(format!("{label}\n{why}")),
        None => response.on_hover_text(label),
    }
}

/// How good a connection is, as bars.
pub fn bars(ui: &mut Ui, tokens: &Tokens, count: u8, label: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(26.0, size::HIT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
    let ink = match count {
        0 | 1 => tokens.danger,
        2 => tokens.warning,
        _ => tokens.good,
    };
    for at in 0..4_u8 {
        let height = 4.0 + 3.5 * f32::from(at);
        let foot = egui::pos2(rect.min.x + 3.0 + 5.5 * f32::from(at), rect.center().y + 7.0);
        let bar = egui::Rect::from_min_max(foot - vec2(0.0, height), foot + vec2(3.5, 0.0));
        ui.painter().rect_filled(bar, 1.5, if at < count { ink } else { tokens.border });
    }
    response.on_hover_text(label)
}

/// How loud something is, from 0 to 1.
pub fn meter(ui: &mut Ui, tokens: &Tokens, level: f32, label: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, label));
    ui.painter().rect_filled(rect, 3.0, tokens.border);
    // Speech is quiet as a number: the root makes it fill the meter.
    let part = level.clamp(0.0, 1.0).sqrt().min(1.0);
    let filled = egui::Rect::from_min_size(rect.min, vec2(rect.width() * part, rect.height()));
    ui.painter().rect_filled(filled, 3.0, tokens.good);
    response
}

/// The button for what a person most likely wants.
pub fn primary(ui: &mut Ui, tokens: &Tokens, label: &str) -> Response {
    let text = RichText::new(label).font(medium(14.0)).color(tokens.on_fill);
    ui.add(
        egui::Button::new(text)
            .fill(tokens.fill)
            .stroke(Stroke::NONE)
            .corner_radius(CornerRadius::same(size::RADIUS)),
    )
}

/// A button that takes something away.
pub fn danger(ui: &mut Ui, tokens: &Tokens, label: &str) -> Response {
    ui.add(egui::Button::new(RichText::new(label).font(medium(14.0)).color(tokens.danger)))
}

/// Puts the caret into a field when it is nowhere. Asking for the focus in every frame would end what an input method
/// composes, and each end is an event that draws the next frame.
pub fn focus_first(ui: &Ui, field: &Response) {
    if ui.memory(|memory| memory.focused().is_none()) {
        field.request_focus();
    }
}

/// A field for one line with a name above it.
pub fn field(ui: &mut Ui, tokens: &Tokens, name: &str, text: &mut String, secret: bool) -> Response {
    let label = ui.label(RichText::new(name).font(medium(13.0)).color(tokens.muted));
    let edit = TextEdit::singleline(text)
        .password(secret)
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(12, 9))
        .font(regular(14.0));
    ui.add(edit).labelled_by(label.id)
}

/// Draws round and square marks so that they stand out from what they stand on.
pub fn marks<T>(ui: &mut Ui, tokens: &Tokens, add: impl FnOnce(&mut Ui) -> T) -> T {
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        widgets.inactive.bg_stroke = Stroke::new(1.3, tokens.faint);
        widgets.hovered.bg_stroke = Stroke::new(1.3, tokens.accent);
        widgets.inactive.bg_fill = tokens.input;
        add(ui)
    })
    .inner
}

/// A sentence about what is wrong.
pub fn error(ui: &mut Ui, tokens: &Tokens, text: Option<&str>) {
    if let Some(text) = text {
        ui.label(RichText::new(text).font(regular(13.0)).color(tokens.danger));
    }
}

/// An icon, a heading and a sentence, where there is nothing else to show.
pub fn empty(ui: &mut Ui, tokens: &Tokens, glyph: &str, heading: &str, sentence: &str) {
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.32).max(space::XL));
        ui.label(RichText::new(glyph).font(icon(44.0)).color(tokens.faint));
        ui.add_space(space::S);
        ui.label(RichText::new(heading).font(semibold(17.0)).color(tokens.text));
        ui.label(RichText::new(sentence).font(regular(14.0)).color(tokens.muted));
    });
}

/// A strip across the top that says what is wrong and what to do.
pub fn banner(ui: &mut Ui, tokens: &Tokens, glyph: &str, sentence: &str) {
    // Nothing else is drawn below it.
    let fill = tokens.app.blend(tokens.warning.gamma_multiply(if tokens.dark { 0.14 } else { 0.10 }));
    Frame::new().fill(fill).inner_margin(Margin::symmetric(16, 8)).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(glyph).font(icon(16.0)).color(tokens.warning));
            ui.label(RichText::new(sentence).font(regular(13.0)).color(tokens.text));
        });
    });
}

/// A round picture with the first letters of a name, in the person's colour.
pub fn avatar(painter: &Painter, tokens: &Tokens, center: Pos2, diameter: f32, seed: u8, name: &str) {
    let color = tokens.identity(seed);
    painter.circle_filled(
        center,
        diameter / 2.0,
        color.gamma_multiply(if tokens.dark { 0.28 } else { 0.16 }),
    );
    let initials = text::initials(name);
    let shown = if initials.is_empty() { "?".to_owned() } else { initials };
    painter.text(center, Align2::CENTER_CENTER, shown, semibold(diameter * 0.36), color);
}

/// The same for a group: a square with round corners, so that groups and people are told apart at a glance.
pub fn group_avatar(painter: &Painter, tokens: &Tokens, center: Pos2, side: f32, seed: u8, name: &str) {
    let color = tokens.identity(seed);
    let rect = egui::Rect::from_center_size(center, vec2(side, side));
    let ground = color.gamma_multiply(if tokens.dark { 0.28 } else { 0.16 });
    painter.rect_filled(rect, side * 0.3, ground);
    let initials = text::initials(name);
    if initials.is_empty() {
        painter.text(center, Align2::CENTER_CENTER, icons::USERS, icon(side * 0.45), color);
    } else {
        painter.text(center, Align2::CENTER_CENTER, initials, semibold(side * 0.36), color);
    }
}

/// A small button of an icon and a word or two that stands out.
pub fn chip(ui: &mut Ui, tokens: &Tokens, glyph: &str, words: &str) -> Response {
    let galley = line(ui, words, medium(12.5), tokens.accent, 200.0);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 40.0, 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words));
    let strength = if response.hovered() { 0.24 } else { 0.15 };
    ui.painter().rect_filled(rect, 14.0, tokens.accent.gamma_multiply(strength));
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 14.0, Stroke::new(2.0, tokens.accent), StrokeKind::Inside);
    }
    let at = rect.left_center() + vec2(18.0, 0.0);
    ui.painter().text(at, Align2::CENTER_CENTER, glyph, icon(15.0), tokens.accent);
    let text_at = egui::pos2(rect.min.x + 29.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(text_at, galley, tokens.accent);
    response
}

/// Words in a pill with an icon behind them that can be pressed; `label` says what that does.
pub fn pill_button(ui: &mut Ui, tokens: &Tokens, words: &str, glyph: &str, label: &str) -> Response {
    let galley = line(ui, words, regular(13.0), tokens.text, 220.0);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 40.0, 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    let fill = if response.hovered() { tokens.hover } else { tokens.input };
    ui.painter().rect(rect, 14.0, fill, Stroke::new(1.0, tokens.border), StrokeKind::Inside);
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 14.0, Stroke::new(2.0, tokens.accent), StrokeKind::Inside);
    }
    let text_at = egui::pos2(rect.min.x + 12.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(text_at, galley, tokens.text);
    let at = rect.right_center() - vec2(15.0, 0.0);
    ui.painter().text(at, Align2::CENTER_CENTER, glyph, icon(12.0), tokens.muted);
    response.on_hover_text(label)
}

/// The dot of somebody who is online.
pub fn online_dot(painter: &Painter, tokens: &Tokens, at: Pos2, ground: Color32) {
    painter.circle_filled(at, 6.5, ground);
    painter.circle_filled(at, 4.5, tokens.good);
}

/// One line of text, cut at a width, also when it runs from the right.
pub fn line(ui: &Ui, text: &str, font: FontId, color: Color32, width: f32) -> Arc<Galley> {
    let text: String = text.chars().take(200).map(|c| if c == '\n' { ' ' } else { c }).collect();
    let mut job = if text::has_rtl(&text) {
        let format = TextFormat { font_id: font, color, ..TextFormat::default() };
        let mut job = ui.fonts_mut(|fonts| text::bidi_job(fonts, &text, &format, f32::INFINITY)).0;
        job.halign = egui::Align::LEFT;
        job
    } else {
        LayoutJob::simple_singleline(text, font, color)
    };
    job.wrap =
        TextWrapping { max_width: width, max_rows: 1, break_anywhere: true, ..TextWrapping::default() };
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

/// A mark with a number; a quiet one is grey. Returns where it begins.
pub fn badge(ui: &Ui, tokens: &Tokens, right_center: Pos2, count: u64, loud: bool) -> f32 {
    let text = if count > 999 { "999+".to_owned() } else { count.to_string() };
    let (fill, ink) = if loud { (tokens.fill, tokens.on_fill) } else { (tokens.border, tokens.text) };
    let galley = line(ui, &text, semibold(11.5), ink, 60.0);
    let width = (galley.size().x + 11.0).max(20.0);
    let rect = egui::Rect::from_center_size(right_center - vec2(width / 2.0, 0.0), vec2(width, 20.0));
    ui.painter().rect_filled(rect, 10.0, fill);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, ink);
    rect.min.x
}

/// How far a message is, as a shape: a clock, one tick, two ticks, two ticks in another colour, a mark.
pub fn ticks(
    painter: &Painter,
    tokens: &Tokens,
    at: Pos2,
    state: MessageState,
    color: Color32,
    read: Color32,
) {
    let pen = Stroke::new(1.4, if state == MessageState::Read { read } else { color });
    let tick = |dx: f32| {
        Shape::line(vec![at + vec2(dx, 0.5), at + vec2(dx + 2.8, 3.2), at + vec2(dx + 8.0, -3.4)], pen)
    };
    match state {
        MessageState::Queued => {
            let center = at + vec2(6.0, 0.0);
            painter.circle_stroke(center, 4.2, Stroke::new(1.2, color));
            painter.line_segment([center, center + vec2(0.0, -2.4)], Stroke::new(1.2, color));
            painter.line_segment([center, center + vec2(2.0, 0.0)], Stroke::new(1.2, color));
        }
        MessageState::Sent => {
            painter.add(tick(3.0));
        }
        MessageState::Stored => {
            // A tick in a tray: it is out of our hands, and not yet in theirs.
            painter.add(tick(3.0));
            let tray =
                vec![at + vec2(0.5, 2.0), at + vec2(0.5, 5.2), at + vec2(13.5, 5.2), at + vec2(13.5, 2.0)];
            painter.add(Shape::line(tray, Stroke::new(1.2, color)));
        }
        MessageState::Delivered | MessageState::Read => {
            painter.add(tick(0.0));
            painter.add(tick(4.4));
        }
        MessageState::Failed => {
            painter.text(at + vec2(6.0, 0.0), Align2::CENTER_CENTER, "!", semibold(12.0), tokens.danger);
        }
    }
}

/// A state in words.
pub fn state_word(state: MessageState) -> String {
    match state {
        MessageState::Queued => say!("state-queued"),
        MessageState::Sent => say!("state-sent"),
        MessageState::Stored => say!("state-stored"),
        MessageState::Delivered => say!("state-delivered"),
        MessageState::Read => say!("state-read"),
        MessageState::Failed => say!("state-failed"),
    }
}
