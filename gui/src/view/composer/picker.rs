//! The list of members that opens when “@” is typed: arrows choose, Enter takes, Escape closes.

use eframe::egui::Align2;
use eframe::egui::Area;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Key;
use eframe::egui::Margin;
use eframe::egui::Modifiers;
use eframe::egui::Order;
use eframe::egui::Response;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::text::CCursor;
use eframe::egui::text::CCursorRange;
use eframe::egui::vec2;
use kith_engine::view::GroupView;

use crate::model::groups::Groups;
use crate::model::groups::mention::Called;
use crate::model::groups::words;
use crate::model::timeline::Timeline;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::composer::COMPOSER;
use crate::view::composer::composing;
use crate::widget;

/// A row of the list, and its width.
const ROW: f32 = 38.0;
const WIDTH: f32 = 290.0;

/// Takes the keys that belong to the open list, before the field sees them.
pub(super) fn keys(ui: &Ui, timeline: &mut Timeline) {
    let Some(picker) = &timeline.mentions.picker else { return };
    let chosen = picker.chosen;
    let pressed = |key| ui.input_mut(|input| !composing(input) && input.consume_key(Modifiers::NONE, key));
    if pressed(Key::ArrowDown) {
        timeline.mentions.step(true);
    } else if pressed(Key::ArrowUp) {
        timeline.mentions.step(false);
    } else if pressed(Key::Enter) {
        take(ui, timeline, chosen);
    } else if pressed(Key::Escape) {
        timeline.mentions.close();
        // Escape takes the focus away; whoever only closes the list goes on writing.
        ui.memory_mut(|memory| memory.request_focus(Id::unique(COMPOSER)));
    }
}

/// Puts a name into the draft and the caret behind it.
fn take(ui: &Ui, timeline: &mut Timeline, offer: usize) {
    let Some(caret) = timeline.mentions.take(&mut timeline.draft, offer) else { return };
    let chars = timeline.draft.get(..caret).map_or(0, |before| before.chars().count());
    let id = Id::unique(COMPOSER);
    let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(chars))));
    state.store(ui.ctx(), id);
    ui.memory_mut(|memory| memory.request_focus(id));
}

/// Follows what is typed, and draws the list above the field.
pub(super) fn picker(
    ui: &Ui,
    timeline: &mut Timeline,
    (group, groups): (&GroupView, &Groups),
    tokens: &Tokens,
    field: &Response,
) {
    if let Some(caret) = caret(ui, &timeline.draft).filter(|_| field.has_focus()) {
        timeline.mentions.follow(&timeline.draft, caret, group, groups);
    }
    let Some(picker) = &timeline.mentions.picker else { return };
    let mut taken = None;
    Area::new(Id::unique("mention picker"))
        .order(Order::Foreground)
        .pivot(Align2::LEFT_BOTTOM)
        .fixed_pos(pos2(field.rect.min.x - 14.0, field.rect.min.y - 16.0))
        .show(ui.ctx(), |ui| {
            Frame::new()
                .fill(tokens.raised)
                .stroke(Stroke::new(1.0, tokens.border))
                .corner_radius(size::RADIUS)
                .inner_margin(Margin::same(5))
                .shadow(ui.visuals().popup_shadow)
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    for (at, called) in picker.offers.iter().enumerate() {
                        if row(ui, tokens, group, called, at == picker.chosen).clicked() {
                            taken = Some(at);
                        }
                    }
                });
        });
    if let Some(offer) = taken {
        take(ui, timeline, offer);
    }
}

fn row(ui: &mut Ui, tokens: &Tokens, group: &GroupView, called: &Called, chosen: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, ROW), Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(Role::Button, true, chosen, say!("mention", name = called.name()))
    });
    if chosen || response.hovered() {
        ui.painter().rect_filled(rect, 7.0, if chosen { tokens.selected } else { tokens.hover });
    }
    let center = rect.left_center() + vec2(space::XS + 14.0, 0.0);
    let (name, note) = match called {
        Called::All => {
            ui.painter().circle_filled(center, 14.0, tokens.accent.gamma_multiply(0.2));
            ui.painter().text(center, Align2::CENTER_CENTER, icons::USERS, icon(15.0), tokens.accent);
            (called.name().to_owned(), say!("mention-everybody", count = group.members.len()))
        }
        Called::One(account, name) => {
            let seed = account.0.first().copied().unwrap_or(0);
            widget::avatar(ui.painter(), tokens, center, 28.0, seed, name);
            let member = group.members.iter().find(|member| member.account == *account);
            let role = member.map(|member| words::role(member.role).to_lowercase());
            (name.clone(), role.unwrap_or_default())
        }
    };
    let left = center.x + 14.0 + space::S;
    let note = widget::line(ui, &note, regular(12.0), tokens.muted, 130.0);
    let note_left = rect.max.x - space::S - note.size().x;
    let name = widget::line(ui, &name, medium(14.0), tokens.text, note_left - left - space::S);
    let y = rect.center().y;
    ui.painter().galley(pos2(left, y - name.size().y / 2.0), name, tokens.text);
    ui.painter().galley(pos2(note_left, y - note.size().y / 2.0), note, tokens.muted);
    response
}

/// Where the caret is in the draft, in bytes.
fn caret(ui: &Ui, draft: &str) -> Option<usize> {
    let state = TextEdit::load_state(ui.ctx(), Id::unique(COMPOSER))?;
    let range = state.cursor.char_range().filter(CCursorRange::is_empty)?;
    let chars = usize::from(range.primary.index);
    Some(draft.char_indices().nth(chars).map_or(draft.len(), |(at, _)| at))
}
