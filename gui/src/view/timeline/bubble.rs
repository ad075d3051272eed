//! One message: laid out for its height, and painted with what can be done about it.

use std::sync::Arc;

use eframe::egui;
use eframe::egui::Color32;
use eframe::egui::CornerRadius;
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
use kith_engine::view::MessageView;

use crate::action::Action;
use crate::model::dates::Now;
use crate::model::timeline::Timeline;
use crate::text;
use crate::theme::Tokens;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

const PAD: f32 = 12.0;
const PAD_Y: f32 = 8.0;
const QUOTE: f32 = 44.0;
const META_ROW: f32 = 15.0;

/// A message, laid out.
pub(super) struct Bubble<'a> {
    view: &'a MessageView,
    /// The whole row's height.
    pub(super) height: f32,
    width: f32,
    above: f32,
    first: bool,
    last: bool,
    body: Arc<Galley>,
    rtl: bool,
    quote: Option<(Arc<Galley>, Arc<Galley>)>,
    meta: Arc<Galley>,
    meta_inline: bool,
    clock: String,
}

impl<'a> Bubble<'a> {
    /// Lays a message out for a row of a width.
    #[expect(
        clippy::too_many_arguments,
        reason = "a bubble depends on that many things; a struct would only rename them"
    )]
    pub(super) fn lay(
        ui: &Ui,
        timeline: &'a Timeline,
        tokens: &Tokens,
        now: Now,
        name: &str,
        at: usize,
        first: bool,
        last: bool,
        width: f32,
    ) -> Option<Self> {
        let view = timeline.message(at)?;
        let gutter = if view.outgoing { 0.0 } else { size::AVATAR_SMALL + space::S };
        let most = (width - gutter - 56.0).clamp(80.0, size::BUBBLE) - 2.0 * PAD;
        let (body, rtl) = body(ui, tokens, view, most);
        let quote = view.reply_to.map(|of| quote(ui, tokens, timeline.find(&of), view.outgoing, name, most));
        let clock = now.clock(view.sent_at);
        let fading = if view.expires_at.is_some() { "disappears  " } else { "" };
        let color = if view.outgoing { tokens.on_fill_muted } else { tokens.faint };
        let meta = widget::line(ui, &format!("{fading}{clock}"), regular(11.0), color, 200.0);
        let meta_width = meta.size().x + if view.outgoing { 20.0 } else { 0.0 };
        let last_row = body.rows.last().map_or(0.0, |row| row.rect().width());
        let meta_inline = !rtl && last_row + PAD + meta_width <= most;
        let mut inner = body.size().x;
        if let Some((who, what)) = &quote {
            inner = inner.max(who.size().x.max(what.size().x) + 22.0);
        }
        inner = inner.max(if meta_inline { last_row + PAD + meta_width } else { meta_width });
        let above = if first { 8.0 } else { 2.0 };
        let mut height = 2.0 * PAD_Y + body.size().y + above + if last { 2.0 } else { 0.0 };
        height += if quote.is_some() { QUOTE } else { 0.0 };
        height += if meta_inline { 0.0 } else { META_ROW };
        Some(Self {
            view,
            height,
            width: inner + 2.0 * PAD,
            above,
            first,
            last,
            body,
            rtl,
            quote,
            meta,
            meta_inline,
            clock,
        })
    }

    /// Paints it into its row.
    pub(super) fn paint(
        &self,
        ui: &mut Ui,
        tokens: &Tokens,
        row: Rect,
        seed: u8,
        name: &str,
        actions: &mut Vec<Action>,
    ) {
        let own = self.view.outgoing;
        let below = if self.last { 2.0 } else { 0.0 };
        let left = if own { row.max.x - self.width } else { row.min.x + size::AVATAR_SMALL + space::S };
        let size = vec2(self.width, row.height() - self.above - below);
        let rect = Rect::from_min_size(pos2(left, row.min.y + self.above), size);
        let (fill, line) = match (own, tokens.dark) {
            (true, _) => (tokens.bubble_out, Stroke::NONE),
            (false, true) => (tokens.bubble_in, Stroke::NONE),
            (false, false) => (tokens.bubble_in, Stroke::new(1.0, tokens.border)),
        };
        ui.painter().rect(rect, self.corners(), fill, line, StrokeKind::Inside);
        if !own && self.last {
            let half = size::AVATAR_SMALL / 2.0;
            let center = pos2(row.min.x + half, rect.max.y - half);
            widget::avatar(ui.painter(), tokens, center, size::AVATAR_SMALL, seed, name);
        }
        let mut at = pos2(rect.min.x + PAD, rect.min.y + PAD_Y);
        if let Some((who, what)) = &self.quote {
            self.paint_quote(ui, tokens, at, who, what);
            at.y += QUOTE;
        }
        let body_at = if self.rtl { pos2(rect.max.x - PAD, at.y) } else { at };
        let color = if own { tokens.on_fill } else { tokens.text };
        ui.painter().galley(body_at, Arc::clone(&self.body), color);
        let meta_color = if own { tokens.on_fill_muted } else { tokens.faint };
        let ticks = if own { 20.0 } else { 0.0 };
        let meta_at = rect.max - vec2(PAD + ticks + self.meta.size().x, PAD_Y + self.meta.size().y - 2.0);
        ui.painter().galley(meta_at, Arc::clone(&self.meta), meta_color);
        if own {
            let at = pos2(rect.max.x - PAD - 14.0, meta_at.y + self.meta.size().y / 2.0);
            widget::ticks(ui.painter(), tokens, at, self.view.state, tokens.on_fill_muted, tokens.read);
        }
        debug_assert!(self.meta_inline || self.height > 2.0 * PAD_Y);
        self.interact(ui, rect, name, actions);
    }

    fn corners(&self) -> CornerRadius {
        let (round, joined) = (size::RADIUS_BUBBLE, size::RADIUS_JOIN);
        let (top, bottom) = (if self.first { round } else { joined }, if self.last { round } else { joined });
        if self.view.outgoing {
            CornerRadius { nw: round, sw: round, ne: top, se: bottom }
        } else {
            CornerRadius { ne: round, se: round, nw: top, sw: bottom }
        }
    }

    fn paint_quote(&self, ui: &Ui, tokens: &Tokens, at: egui::Pos2, who: &Arc<Galley>, what: &Arc<Galley>) {
        let own = self.view.outgoing;
        let rect = Rect::from_min_size(at, vec2(self.width - 2.0 * PAD, 38.0));
        let fill = if own { tokens.on_fill.gamma_multiply(0.13) } else { tokens.hover };
        let edge = if own { tokens.on_fill } else { tokens.accent };
        ui.painter().rect_filled(rect, 6.0, fill);
        ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(3.0, 38.0)), 2.0, edge);
        ui.painter().galley(rect.min + vec2(10.0, 3.0), Arc::clone(who), tokens.text);
        ui.painter().galley(rect.min + vec2(10.0, 19.0), Arc::clone(what), tokens.text);
    }

    fn interact(&self, ui: &mut Ui, rect: Rect, name: &str, actions: &mut Vec<Action>) {
        let response = ui.interact(rect, Id::unique(self.view.message), Sense::click());
        let who = if self.view.outgoing { "You" } else { name };
        let state = if self.view.outgoing {
            format!(", {}", widget::state_word(self.view.state))
        } else {
            String::new()
        };
        response.widget_info(|| {
            let spoken: String = self.view.text.chars().take(text::SHOWN_CHARS).collect();
            WidgetInfo::labeled(Role::Label, true, format!("{who}, {}{state}: {spoken}", self.clock))
        });
        if response.double_clicked() {
            actions.push(Action::Reply(self.view.message));
        }
        if let Some(link) = link_at(ui, &self.view.text, &response) {
            ui.ctx().open_url(egui::OpenUrl::new_tab(link));
        }
        response.context_menu(|ui| {
            if ui.button("Answer").clicked() {
                actions.push(Action::Reply(self.view.message));
                ui.close();
            }
            if ui.button("Copy text").clicked() {
                actions.push(Action::Copy(self.view.text.clone()));
                ui.close();
            }
            if self.view.outgoing && ui.button("What became of it").clicked() {
                actions.push(Action::Trace(self.view.message));
                ui.close();
            }
            for link in links(&self.view.text) {
                if ui.button(format!("Open {}", host(link))).on_hover_text(link).clicked() {
                    ui.ctx().open_url(egui::OpenUrl::new_tab(link));
                    ui.close();
                }
            }
            ui.separator();
            ui.weak(format!("{} · {}", self.clock, widget::state_word(self.view.state)));
        });
    }
}

/// A click with Ctrl opens the only link of a message.
fn link_at<'t>(ui: &Ui, text: &'t str, response: &egui::Response) -> Option<&'t str> {
    let wanted = response.clicked() && ui.input(|input| input.modifiers.command);
    let mut found = links(text);
    found.next().filter(|_| wanted && found.next().is_none())
}

/// The web addresses in a text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| word.starts_with("https://") || word.starts_with("http://")).take(8)
}

/// Whom a link really leads to.
fn host(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    rest.rsplit('@').next().unwrap_or(rest)
}

/// The text of a message. Long ones are folded: laying out a megabyte in every frame would stall the window.
fn body(ui: &Ui, tokens: &Tokens, view: &MessageView, width: f32) -> (Arc<Galley>, bool) {
    let color = if view.outgoing { tokens.on_fill } else { tokens.text };
    let big = text::is_only_emoji(&view.text);
    let format = TextFormat {
        font_id: regular(if big { 30.0 } else { 14.5 }),
        color,
        line_height: (!big).then_some(20.0),
        ..TextFormat::default()
    };
    let folded: String;
    let shown = match view.text.char_indices().nth(text::SHOWN_CHARS) {
        Some((end, _)) => {
            folded = format!("{}…", view.text.get(..end).unwrap_or_default());
            folded.as_str()
        }
        None => view.text.as_str(),
    };
    ui.fonts_mut(|fonts| {
        if text::has_rtl(shown) {
            let (job, rtl) = text::bidi_job(fonts, shown, &format, width);
            return (fonts.layout_job(job), rtl);
        }
        let wrap = TextWrapping { max_width: width, ..TextWrapping::default() };
        let mut job = LayoutJob { wrap, ..LayoutJob::default() };
        append_with_links(&mut job, shown, &format, if view.outgoing { color } else { tokens.accent });
        (fonts.layout_job(job), false)
    })
}

fn append_with_links(job: &mut LayoutJob, text: &str, format: &TextFormat, color: Color32) {
    let mut rest = text;
    while let Some(start) = rest.find("https://").or_else(|| rest.find("http://")) {
        let (before, from) = rest.split_at(start);
        let end = from.find(char::is_whitespace).unwrap_or(from.len());
        let (link, after) = from.split_at(end);
        job.append(before, 0.0, format.clone());
        let underlined = TextFormat { color, underline: Stroke::new(1.0, color), ..format.clone() };
        job.append(link, 0.0, underlined);
        rest = after;
    }
    job.append(rest, 0.0, format.clone());
}

fn quote(
    ui: &Ui,
    tokens: &Tokens,
    of: Option<&MessageView>,
    own: bool,
    name: &str,
    width: f32,
) -> (Arc<Galley>, Arc<Galley>) {
    let (who, what) = match of {
        Some(of) if of.outgoing => ("You", of.text.as_str()),
        Some(of) => (name, of.text.as_str()),
        None => ("Earlier message", "…"),
    };
    let (strong, weak) =
        if own { (tokens.on_fill, tokens.on_fill_muted) } else { (tokens.accent, tokens.muted) };
    let who = widget::line(ui, who, semibold(12.0), strong, width - 22.0);
    (who, widget::line(ui, what, regular(12.5), weak, width - 22.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_shows_whom_it_really_leads_to() {
        assert_eq!(host("https://example.org/a?b"), "example.org");
        assert_eq!(host("https://bank.example@evil.example/login"), "evil.example");
        assert_eq!(links("see https://a.example and http://b.example.").count(), 2);
    }
}
