//! Where messages are written. Enter sends, Shift+Enter breaks the line, the draft is kept.

mod picker;
mod silent;
mod slow;

use eframe::egui;
use eframe::egui::CornerRadius;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Key;
use eframe::egui::KeyboardShortcut;
use eframe::egui::Margin;
use eframe::egui::Modifiers;
use eframe::egui::Response;
use eframe::egui::RichText;
use eframe::egui::ScrollArea;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use kith_engine::view::ContactState;
use kith_proto::group::word::MAX_GROUP_TEXT_BYTES;
use kith_proto::payload::MAX_TEXT_BYTES;

use crate::action::Action;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::timeline::Timeline;
use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::space;
use crate::widget;

/// The text field, so that shortcuts can go to it.
pub const COMPOSER: &str = "composer";

/// The emoji that are offered; all others can be typed or pasted.
const EMOJI: [&str; 40] = [
    "😀", "😄", "😂", "🤣", "😊", "😍", "😘", "😎", "🤔", "😴", "😢", "😭", "😡", "😱", "🥳", "🤗", "👍",
    "👎", "👏", "🙏", "💪", "👋", "🤝", "✌️", "❤️", "💔", "🔥", "⭐", "🎉", "🎂", "🌹", "☀️", "🌧️", "☕",
    "🍺", "🍕", "🚀", "✅", "❌", "❓",
];

/// The most rows before the field scrolls.
const MOST_ROWS: f32 = 8.0;

/// Draws the composer.
pub fn composer(ui: &mut Ui, model: &mut Model, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    if let Some(group) = model.open_group()
        && let Some(why) = model.groups.rights(group).silence(now.time)
    {
        return silent::silent(ui, model, group, why, (tokens, now), actions);
    }
    let blocked = model
        .open_contact()
        .is_some_and(|contact| matches!(contact.state, ContactState::Blocked | ContactState::Incoming));
    reply_bar(ui, model, tokens, actions);
    let pause = slow::pause(ui, model, tokens, now);
    let Some(mut timeline) = model.timeline.take() else { return };
    if text::has_rtl(&timeline.draft) {
        // The field itself cannot show right-to-left text in order; this line does.
        let width = ui.available_width();
        let shown = widget::line(ui, &timeline.draft, regular(13.0), tokens.muted, width);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| ui.label(shown));
    }
    let before = timeline.draft.len();
    picker::keys(ui, &mut timeline);
    let typed = ui.add_enabled_ui(!blocked, |ui| field(ui, &mut timeline, tokens, pause, actions)).inner;
    let group = timeline.group.and_then(|group| model.groups.get(&group));
    if let Some(group) = group {
        picker::picker(ui, &mut timeline, (group, &model.groups), tokens, &typed);
    }
    let most = if group.is_some() { MAX_GROUP_TEXT_BYTES } else { MAX_TEXT_BYTES };
    timeline.draft.truncate(timeline.draft.floor_char_boundary(most));
    // Kept every few characters, so that a crash costs little and typing costs nothing.
    if before / 8 != timeline.draft.len() / 8 && timeline.draft.len() > before {
        actions.push(Action::DraftChanged);
    }
    model.timeline = Some(timeline);
}

/// The field with its buttons.
fn field(
    ui: &mut Ui,
    timeline: &mut Timeline,
    tokens: &Tokens,
    pause: Option<u64>,
    actions: &mut Vec<Action>,
) -> Response {
    let row = ui.horizontal(|ui| {
        let smiley = widget::icon_button(ui, tokens, icons::SMILEY, &say!("emoji"));
        egui::Popup::menu(&smiley).show(|ui| emoji(ui, &mut timeline.draft));
        let width = ui.available_width() - 44.0;
        let frame = Frame::new()
            .fill(tokens.input)
            .corner_radius(CornerRadius::same(18))
            .inner_margin(Margin::symmetric(14, 9));
        let scroll = ScrollArea::vertical().min_scrolled_height(20.0).max_height(20.0 * MOST_ROWS);
        let shown = frame.show(ui, |ui| {
            scroll.show(ui, |ui| {
                let edit = TextEdit::multiline(&mut timeline.draft)
                    .id(Id::unique(COMPOSER))
                    .frame(Frame::NONE)
                    .desired_rows(1)
                    .desired_width(width - 30.0)
                    .font(regular(14.5))
                    .hint_text(RichText::new(say!("composer-hint")).color(tokens.faint))
                    .return_key(KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter));
                ui.add(edit)
            })
        });
        let response = shown.inner.inner;
        let typed = response.has_focus()
            && ui.input(|input| input.key_pressed(Key::Enter) && !input.modifiers.shift && !composing(input));
        let clicked = match pause {
            Some(secs) => slow::clock(ui, tokens, secs),
            None => widget::icon_button(ui, tokens, icons::SEND, &say!("send")).clicked(),
        };
        if (typed || clicked) && pause.is_none() && !timeline.draft.trim().is_empty() {
            actions.push(Action::Send);
            response.request_focus();
        } else if response.lost_focus() {
            actions.push(Action::DraftChanged);
        }
        response
    });
    row.inner
}

/// Whether an input method is putting a character together; then Enter belongs to it.
fn composing(input: &egui::InputState) -> bool {
    input.events.iter().any(|event| matches!(event, egui::Event::Ime(_)))
}

fn reply_bar(ui: &mut Ui, model: &Model, tokens: &Tokens, actions: &mut Vec<Action>) {
    let Some(timeline) = &model.timeline else { return };
    let Some(message) = timeline.reply_to.and_then(|message| timeline.find(&message)) else { return };
    let who = match (message.outgoing, timeline.group) {
        (true, _) => say!("reply-to-yourself"),
        (false, Some(_)) => say!("reply-to", name = model.groups.name_of(&message.sender)),
        (false, None) => say!("reply-to", name = model.name_of(&message.sender)),
    };
    ui.horizontal(|ui| {
        ui.add_space(space::M);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.label(RichText::new(who).font(semibold(12.5)).color(tokens.accent));
            let width = (ui.available_width() - 60.0).max(60.0);
            ui.label(widget::line(ui, &message.text, regular(12.5), tokens.muted, width));
        });
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if widget::icon_button(ui, tokens, icons::CLOSE, &say!("reply-cancel")).clicked() {
                actions.push(Action::CancelReply);
            }
        });
    });
}

fn emoji(ui: &mut Ui, draft: &mut String) {
    egui::Grid::new("emoji").spacing([2.0, 2.0]).show(ui, |ui| {
        for (at, emoji) in EMOJI.iter().enumerate() {
            if ui.add(egui::Button::new(RichText::new(*emoji).font(regular(20.0))).frame(false)).clicked() {
                draft.push_str(emoji);
            }
            if at % 8 == 7 {
                ui.end_row();
            }
        }
    });
}
