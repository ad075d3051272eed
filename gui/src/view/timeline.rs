//! The messages of a chat. Only rows in view are laid out; heights are kept, galleys are not.

mod bubble;
mod called;
mod menu;
mod said;

use eframe::egui;
use eframe::egui::Align2;
use eframe::egui::Id;
use eframe::egui::Rect;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::Ui;
use eframe::egui::UiBuilder;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::CallLine;
use kith_engine::view::GroupView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageView;
use kith_proto::id::AccountId;

use crate::action::Action;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::filters::Filters;
use crate::model::groups::Groups;
use crate::model::groups::words;
use crate::model::timeline::Row;
use crate::model::timeline::Timeline;
use crate::model::timeline::list::Placed;
use crate::model::trace;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::timeline::bubble::Bubble;
use crate::widget;

/// The height of a day or unread divider.
const DIVIDER: f32 = 40.0;

/// The width of the scroll bar's strip.
const BAR: f32 = 12.0;

/// Rows above the first loaded one at which older messages are asked for, in points of view.
const AHEAD: f64 = 2_000.0;

/// What a row needs to know to be drawn.
struct Scene<'a> {
    tokens: &'a Tokens,
    now: Now,
    timeline: &'a Timeline,
    groups: &'a Groups,
    filters: &'a Filters,
    /// What the other one is called, in a chat of two.
    other: &'a str,
}

impl Scene<'_> {
    fn in_group(&self) -> bool {
        self.timeline.group.is_some()
    }

    fn group(&self) -> Option<&GroupView> {
        self.groups.get(&self.timeline.group?)
    }

    fn name_of(&self, account: &AccountId) -> String {
        if self.in_group() { self.groups.name_of(account) } else { self.other.to_owned() }
    }

    fn may_write(&self) -> bool {
        self.group().is_none_or(|group| self.groups.rights(group).silence(self.now.time).is_none())
    }

    /// The call of a row, if it is one.
    fn call(&self, at: usize) -> Option<(&MessageView, &CallLine)> {
        let view = self.timeline.message(at)?;
        if let MessageKind::Call(line) = &view.kind { Some((view, line)) } else { None }
    }

    fn is_flashed(&self, message: &MessageView) -> bool {
        self.timeline.flash == Some(message.message)
    }

    /// How far a message is, in words.
    fn state_word(&self, message: &MessageView) -> String {
        let reached = if message.outgoing { words::reached(message) } else { None };
        let promised = || trace::promised(message, self.now);
        reached.or_else(promised).unwrap_or_else(|| widget::state_word(message.state))
    }

    fn height(&self, ui: &Ui, row: usize, width: f32) -> f32 {
        match self.timeline.rows().get(row) {
            Some(Row::Message { at, first, last }) => {
                Bubble::lay(ui, self, (*at, *first, *last), width).map_or(0.0, |bubble| bubble.height)
            }
            Some(Row::Line { at }) if self.call(*at).is_some() => called::ROW,
            Some(Row::Line { at }) => said::line_height(ui, self, *at, width),
            _ => DIVIDER,
        }
    }

    fn paint(&self, ui: &mut Ui, row: usize, rect: Rect, actions: &mut Vec<Action>) {
        match self.timeline.rows().get(row) {
            Some(Row::Day(day)) => day_pill(ui, self.tokens, rect.center(), &self.now.day_name(*day)),
            Some(Row::Unread(count)) => unread_divider(ui, self.tokens, rect, *count),
            Some(Row::Gap) => said::gap(ui, self.tokens, rect),
            Some(Row::Line { at }) => match self.call(*at) {
                Some(call) => called::card(ui, self, call, rect, actions),
                None => said::line(ui, self, *at, rect, actions),
            },
            Some(Row::Message { at, first, last }) => {
                if let Some(bubble) = Bubble::lay(ui, self, (*at, *first, *last), rect.width()) {
                    bubble.paint(ui, self, rect, actions);
                }
            }
            None => {}
        }
    }
}

/// Draws the timeline.
pub fn timeline(ui: &mut Ui, model: &mut Model, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    let other = model.open_contact().map(|contact| model.name_of(&contact.contact)).unwrap_or_default();
    let Some(mut timeline) = model.timeline.take() else { return };
    timeline.arrange(now);
    if timeline.is_empty() {
        let words = match timeline.group {
            Some(_) => say!("empty-group-hint"),
            None => say!("empty-chat-hint"),
        };
        widget::empty(ui, tokens, icons::CHATS, &say!("no-messages"), &words);
    } else {
        rows(ui, model, &mut timeline, (tokens, now, &other), actions);
    }
    model.timeline = Some(timeline);
}

fn rows(
    ui: &mut Ui,
    model: &Model,
    timeline: &mut Timeline,
    (tokens, now, other): (&Tokens, Now, &str),
    actions: &mut Vec<Action>,
) {
    let rect = ui.available_rect_before_wrap();
    let view = Rect::from_min_max(rect.min, pos2(rect.max.x - BAR, rect.max.y));
    scroll(ui, rect, view, timeline);
    let width = (view.width() - 2.0 * space::L).min(size::COLUMN);
    let left = view.min.x + (view.width() - width) / 2.0;
    let mut list = std::mem::take(&mut timeline.list);
    let (groups, filters) = (&model.groups, &model.filters);
    let scene = Scene { tokens, now, timeline, groups, filters, other };
    let placed = list.place(width, view.height() - space::S, |row| scene.height(ui, row, width));
    let mut inside = ui.new_child(UiBuilder::new().max_rect(view));
    inside.set_clip_rect(view.intersect(ui.clip_rect()));
    for Placed { row, top, height } in placed {
        let rect = Rect::from_min_size(pos2(left, view.min.y + top), vec2(width, height));
        scene.paint(&mut inside, row, rect, actions);
    }
    timeline.list = list;
    scroll_bar(ui, rect, view, timeline, tokens);
    jump(ui, view, timeline, tokens, model_unread(timeline));
    if timeline.list.at_top() || timeline.list.part(view.height()).0 * timeline.list.total() < AHEAD {
        actions.push(Action::LoadOlder);
    }
    let looked_at = ui.input(|input| input.viewport().focused.unwrap_or(true));
    if let Some(newest) = timeline.newest_incoming().filter(|_| timeline.list.stick && looked_at) {
        actions.push(Action::Seen(newest.message));
    }
}

fn model_unread(timeline: &Timeline) -> bool {
    timeline.rows().iter().rev().take(200).any(|row| matches!(row, Row::Unread(_)))
}

fn scroll(ui: &mut Ui, rect: Rect, view: Rect, timeline: &mut Timeline) {
    let response = ui.allocate_rect(rect, Sense::hover());
    if response.contains_pointer() {
        let wheel = ui.input(|input| input.smooth_scroll_delta().y);
        timeline.list.scroll_by(-wheel);
    }
    let page = view.height() * 0.9;
    let (up, down, start, end) = ui.input(|input| {
        (
            input.key_pressed(egui::Key::PageUp),
            input.key_pressed(egui::Key::PageDown),
            input.modifiers.command && input.key_pressed(egui::Key::Home),
            input.modifiers.command && input.key_pressed(egui::Key::End),
        )
    });
    if up || down {
        timeline.list.scroll_by(if down { page } else { -page });
    }
    if start {
        timeline.list.scroll_to(0.0, view.height());
    }
    if end {
        timeline.follow();
    }
}

fn day_pill(ui: &Ui, tokens: &Tokens, center: egui::Pos2, text: &str) {
    let galley = widget::line(ui, text, semibold(11.5), tokens.muted, 260.0);
    let rect = Rect::from_center_size(center, galley.size() + vec2(22.0, 9.0));
    ui.painter().rect(rect, 12.0, tokens.raised, Stroke::new(1.0, tokens.border), egui::StrokeKind::Inside);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, tokens.muted);
}

fn unread_divider(ui: &Ui, tokens: &Tokens, rect: Rect, count: u64) {
    let words = say!("unread-divider", count = count);
    let galley = widget::line(ui, &words, semibold(12.0), tokens.accent, 300.0);
    let half = galley.size().x / 2.0 + space::M;
    let pen = Stroke::new(1.0, tokens.accent.gamma_multiply(0.5));
    let center = rect.center();
    ui.painter().hline(rect.min.x..=center.x - half, center.y, pen);
    ui.painter().hline(center.x + half..=rect.max.x, center.y, pen);
    ui.painter().galley(center - galley.size() / 2.0, galley, tokens.accent);
}

fn scroll_bar(ui: &mut Ui, rect: Rect, view: Rect, timeline: &mut Timeline, tokens: &Tokens) {
    let (begin, part) = timeline.list.part(view.height());
    if part >= 1.0 {
        return;
    }
    let track =
        Rect::from_min_max(pos2(view.max.x, rect.min.y + 4.0), pos2(rect.max.x - 3.0, rect.max.y - 4.0));
    let height = (track.height() * part as f32).max(28.0);
    let top = track.min.y + (track.height() - height) * begin as f32;
    let bar = ui.interact(track, ui.scope_id().with("scroll bar"), Sense::click_and_drag());
    if let Some(at) = bar.interact_pointer_pos().filter(|_| bar.dragged() || bar.clicked()) {
        let part = f64::from((at.y - track.min.y - height / 2.0) / (track.height() - height).max(1.0));
        timeline.list.scroll_to(part, view.height());
    }
    let strength = if bar.hovered() || bar.dragged() { 0.9 } else { 0.45 };
    let handle = Rect::from_min_size(pos2(track.min.x + 3.0, top), vec2(5.0, height));
    ui.painter().rect_filled(handle, 3.0, tokens.faint.gamma_multiply(strength));
}

/// The button that goes to the newest message.
fn jump(ui: &mut Ui, view: Rect, timeline: &mut Timeline, tokens: &Tokens, unread: bool) {
    if timeline.list.stick {
        return;
    }
    let center = pos2(view.max.x - 30.0, view.max.y - 30.0);
    let rect = Rect::from_center_size(center, vec2(40.0, 40.0));
    let response = ui.interact(rect, Id::unique("jump to latest"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, say!("jump-latest")));
    ui.painter().circle(center, 18.0, tokens.raised, Stroke::new(1.0, tokens.border));
    let color = if response.hovered() { tokens.accent } else { tokens.muted };
    ui.painter().text(center, Align2::CENTER_CENTER, icons::DOWN, icon(18.0), color);
    if unread {
        ui.painter().circle_filled(center + vec2(13.0, -13.0), 5.0, tokens.fill);
    }
    if response.clicked() {
        timeline.follow();
    }
}
