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
use crate::model::groups::mention;
use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::timeline::Scene;
use crate::view::timeline::menu;
use crate::widget;

const PAD: f32 = 12.0;
const PAD_Y: f32 = 8.0;
const QUOTE: f32 = 44.0;
const META_ROW: f32 = 15.0;
const AUTHOR: f32 = 19.0;

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
    author: Option<Arc<Galley>>,
    quote: Option<(Arc<Galley>, Arc<Galley>)>,
    meta: Arc<Galley>,
    meta_inline: bool,
    clock: String,
    hidden: bool,
}

impl<'a> Bubble<'a> {
    /// Lays a message out for a row of a width.
    pub(super) fn lay(
        ui: &Ui,
        scene: &Scene<'a>,
        (at, first, last): (usize, bool, bool),
        width: f32,
    ) -> Option<Self> {
        let (tokens, now) = (scene.tokens, scene.now);
        let view = scene.timeline.message(at)?;
        let gutter = if view.outgoing { 0.0 } else { size::AVATAR_SMALL + space::S };
        let most = (width - gutter - 56.0).clamp(80.0, size::BUBBLE) - 2.0 * PAD;
        let hidden = scene.filters.hides(view);
        let (body, rtl) = if hidden { covered(ui, tokens, most) } else { body(ui, scene, view, most) };
        let quote = view.reply_to.map(|of| {
            let of = scene.timeline.find(&of);
            let name = of.map(|of| scene.name_of(&of.sender)).unwrap_or_default();
            let hidden = of.is_some_and(|of| scene.filters.hides(of));
            quote(ui, tokens, (of, hidden), view.outgoing, &name, most)
        });
        let author = (scene.in_group() && first && !view.outgoing).then(|| {
            let color = tokens.identity(seed(view));
            widget::line(ui, &scene.name_of(&view.sender), semibold(13.0), color, most)
        });
        let clock = now.clock(view.sent_at);
        let fading = view.expires_at.map(|_| say!("disappears"));
        let color = if view.outgoing { tokens.on_fill_muted } else { tokens.faint };
        let shown = fading.map_or_else(|| clock.clone(), |fading| format!("{fading}  {clock}"));
        let meta = widget::line(ui, &shown, regular(11.0), color, 200.0);
        let meta_width = meta.size().x + if view.outgoing { 20.0 } else { 0.0 };
        let last_row = body.rows.last().map_or(0.0, |row| row.rect().width());
        let meta_inline = !rtl && last_row + PAD + meta_width <= most;
        let mut inner = body.size().x;
        if let Some((who, what)) = &quote {
            inner = inner.max(who.size().x.max(what.size().x) + 22.0);
        }
        if let Some(author) = &author {
            inner = inner.max(author.size().x);
        }
        inner = inner.max(if meta_inline { last_row + PAD + meta_width } else { meta_width });
        let above = if first { 8.0 } else { 2.0 };
        let mut height = 2.0 * PAD_Y + body.size().y + above + if last { 2.0 } else { 0.0 };
        height += if quote.is_some() { QUOTE } else { 0.0 };
        height += if author.is_some() { AUTHOR } else { 0.0 };
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
            author,
            quote,
            meta,
            meta_inline,
            clock,
            hidden,
        })
    }

    /// Paints it into its row.
    pub(super) fn paint(&self, ui: &mut Ui, scene: &Scene<'a>, row: Rect, actions: &mut Vec<Action>) {
        let tokens = scene.tokens;
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
        let line = if scene.is_flashed(self.view) { Stroke::new(2.0, tokens.accent) } else { line };
        ui.painter().rect(rect, self.corners(), fill, line, StrokeKind::Inside);
        if !own && self.last {
            let half = size::AVATAR_SMALL / 2.0;
            let center = pos2(row.min.x + half, rect.max.y - half);
            let name = scene.name_of(&self.view.sender);
            widget::avatar(ui.painter(), tokens, center, size::AVATAR_SMALL, seed(self.view), &name);
        }
        let mut at = pos2(rect.min.x + PAD, rect.min.y + PAD_Y);
        if let Some(author) = &self.author {
            ui.painter().galley(at - vec2(0.0, 1.0), Arc::clone(author), tokens.text);
            at.y += AUTHOR;
        }
        let quote_at = at;
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
        let quote = self.quote.is_some().then(|| Rect::from_min_size(quote_at, vec2(rect.width(), QUOTE)));
        self.interact(ui, scene, (rect, quote), actions);
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

    fn interact(
        &self,
        ui: &mut Ui,
        scene: &Scene<'a>,
        (rect, quote): (Rect, Option<Rect>),
        actions: &mut Vec<Action>,
    ) {
        let response = ui.interact(rect, Id::unique(self.view.message), Sense::click());
        let own = self.view.outgoing;
        let who = if own { say!("you") } else { scene.name_of(&self.view.sender) };
        let state = if own { format!(", {}", scene.state_word(self.view)) } else { String::new() };
        response.widget_info(|| {
            let hidden = self.hidden.then(|| say!("hidden-by-filter"));
            let shown = || self.view.text.chars().take(text::SHOWN_CHARS).collect();
            let spoken: String = hidden.unwrap_or_else(shown);
            WidgetInfo::labeled(Role::Label, true, format!("{who}, {}{state}: {spoken}", self.clock))
        });
        let in_quote = quote.zip(response.interact_pointer_pos()).is_some_and(|(rect, at)| rect.contains(at));
        if self.hidden {
            // Only what was uncovered can be answered, copied or followed.
            if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
                actions.push(Action::Uncover(self.view.message));
            }
            return;
        }
        if response.double_clicked() && scene.may_write() {
            actions.push(Action::Reply(self.view.message));
        } else if response.clicked() && in_quote {
            actions.extend(self.view.reply_to.map(Action::ShowMessage));
        }
        if let Some(link) = menu::link_at(ui, &self.view.text, &response) {
            ui.ctx().open_url(egui::OpenUrl::new_tab(link));
        }
        response.context_menu(|ui| menu::message(ui, scene, self.view, &self.clock, actions));
    }
}

/// The colour of whoever wrote a message.
fn seed(view: &MessageView) -> u8 {
    view.sender.0.first().copied().unwrap_or(0)
}

/// The text of a message. Long ones are folded: laying out a megabyte in every frame would stall the window.
fn body(ui: &Ui, scene: &Scene<'_>, view: &MessageView, width: f32) -> (Arc<Galley>, bool) {
    let tokens = scene.tokens;
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
        let link = if view.outgoing { color } else { tokens.accent };
        let mut from = 0;
        for (mark, own) in mention::marks(view, scene.groups) {
            let before = shown.get(from..mark.start).unwrap_or_default();
            append_with_links(&mut job, before, &format, link);
            let Some(called) = shown.get(mark.clone()) else { break };
            let ground = if own { tokens.accent.gamma_multiply(0.22) } else { Color32::TRANSPARENT };
            let font_id = medium(14.5);
            let called_format = TextFormat { font_id, color: link, background: ground, ..format.clone() };
            job.append(called, 0.0, called_format);
            from = mark.end;
        }
        append_with_links(&mut job, shown.get(from..).unwrap_or_default(), &format, link);
        (fonts.layout_job(job), false)
    })
}

/// What stands in place of a message that has a word which the person does not want to read.
fn covered(ui: &Ui, tokens: &Tokens, width: f32) -> (Arc<Galley>, bool) {
    let format =
        |color, font_id| TextFormat { color, font_id, line_height: Some(20.0), ..Default::default() };
    let mut job = LayoutJob::default();
    job.append(&say!("hidden-by-filter"), 0.0, format(tokens.faint, regular(13.5)));
    job.append(&say!("hidden-show"), space::S, format(tokens.accent, medium(13.5)));
    job.wrap = TextWrapping { max_width: width, ..TextWrapping::default() };
    (ui.fonts_mut(|fonts| fonts.layout_job(job)), false)
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
    if !rest.is_empty() || job.text.is_empty() {
        job.append(rest, 0.0, format.clone());
    }
}

fn quote(
    ui: &Ui,
    tokens: &Tokens,
    (of, hidden): (Option<&MessageView>, bool),
    own: bool,
    name: &str,
    width: f32,
) -> (Arc<Galley>, Arc<Galley>) {
    let covered = say!("hidden-by-filter");
    let (who, what) = match of {
        Some(_) if hidden => (name.to_owned(), covered.as_str()),
        Some(of) if of.outgoing => (say!("you"), of.text.as_str()),
        Some(of) => (name.to_owned(), of.text.as_str()),
        None => (say!("quote-earlier"), "…"),
    };
    let (strong, weak) =
        if own { (tokens.on_fill, tokens.on_fill_muted) } else { (tokens.accent, tokens.muted) };
    let who = widget::line(ui, &who, semibold(12.0), strong, width - 22.0);
    (who, widget::line(ui, what, regular(12.5), weak, width - 22.0))
}
