//! A call of a group in place of the chat: everybody in it, alike or one of them large.

use eframe::egui;
use eframe::egui::CentralPanel;
use eframe::egui::Frame;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::Rect;
use eframe::egui::Ui;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::GroupCallState;
use kith_engine::view::GroupCallView;
use kith_proto::call::Media;

use super::Heading;
use super::controls;
use super::figures;
use super::head;
use super::tile;
use crate::action::Action;
use crate::action::CallAction;
use crate::model::Model;
use crate::model::calls::together::Layout;
use crate::model::calls::together::Tile;
use crate::model::calls::words;
use crate::model::dates::Now;
use crate::model::groups;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::space;
use crate::widget;

/// How wide a place is for its height, as most cameras are.
const SHAPE: f32 = 16.0 / 9.0;

/// The height of those beside a large one.
const SMALL: f32 = 96.0;

/// Draws the call.
pub(in crate::view) fn together(
    ui: &mut Ui,
    model: &Model,
    call: &GroupCallView,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    Panel::top("call head")
        .exact_size(crate::theme::size::TOP_BAR)
        .show_separator_line(false)
        .frame(Frame::new().fill(tokens.side).inner_margin(Margin::symmetric(16, 0)))
        .show(ui, |ui| {
            let ink = match call.state {
                GroupCallState::Live => tokens.good,
                GroupCallState::Reconnecting => tokens.warning,
                _ => tokens.muted,
            };
            let heading = Heading { name: name(model, call), state: words::group_state(call, now.time), ink };
            head(ui, model, &heading, tokens, actions, |ui, actions| arrangement(ui, model, tokens, actions));
        });
    Panel::bottom("call controls")
        .show_separator_line(false)
        .frame(Frame::new().fill(tokens.app).inner_margin(Margin::symmetric(8, 14)))
        .show(ui, |ui| controls::of_group(ui, model, call, tokens, actions));
    CentralPanel::default().frame(Frame::new().fill(tokens.app)).show(ui, |ui| {
        let area = ui.available_rect_before_wrap().shrink(space::M);
        stage(ui, model, area, tokens, actions);
        if model.calls.figures {
            figures::figures(ui, area, tokens, &words::group_figures(model, call));
        }
    });
}

/// What the group is called.
pub(super) fn name(model: &Model, call: &GroupCallView) -> String {
    model.groups.of_chat(&call.chat).map(groups::words::title).unwrap_or_else(|| say!("call-group"))
}

/// The button that changes how the people are arranged.
fn arrangement(ui: &mut Ui, model: &Model, tokens: &Tokens, actions: &mut Vec<Action>) {
    let large = model.calls.together.arranged().0.is_some();
    let (glyph, label, layout) = match large {
        true => (icons::GRID, say!("call-arrange-grid"), Layout::Grid),
        false => (icons::LARGE, say!("call-arrange-speaker"), Layout::Speaker),
    };
    if widget::icon_button(ui, tokens, glyph, &label).clicked() {
        actions.push(Action::Call(CallAction::Arrange(layout)));
    }
}

fn stage(ui: &mut Ui, model: &Model, area: Rect, tokens: &Tokens, actions: &mut Vec<Action>) {
    let (large, others) = model.calls.together.arranged();
    let Some(large) = large else {
        let places = grid(area, others.len(), space::S);
        for (tile, rect) in others.into_iter().zip(places) {
            tile::tile(ui, model, tile, (rect, false), tokens, actions);
        }
        return;
    };
    let height = SMALL.min(area.height() * 0.28);
    let above = Rect::from_min_max(area.min, pos2(area.max.x, area.max.y - height - space::S));
    tile::tile(ui, model, large, (above, true), tokens, actions);
    let below = Rect::from_min_max(pos2(area.min.x, area.max.y - height), area.max);
    row(ui, model, &others, below, tokens, actions);
}

/// Small places in a row, which is moved when there are more than fit.
fn row(ui: &mut Ui, model: &Model, tiles: &[Tile], area: Rect, tokens: &Tokens, actions: &mut Vec<Action>) {
    let size = vec2(area.height() * SHAPE, area.height());
    let count = tiles.len() as f32;
    let wide = count * size.x + (count - 1.0).max(0.0) * space::S;
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(area));
    egui::ScrollArea::horizontal()
        .id_salt("small places")
        .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden)
        .show(&mut inside, |ui| {
            let (rect, _) =
                ui.allocate_exact_size(vec2(wide.max(area.width()), size.y), egui::Sense::hover());
            let mut left = rect.min.x + (rect.width() - wide).max(0.0) / 2.0;
            for tile in tiles {
                let place = Rect::from_min_size(pos2(left, rect.min.y), size);
                tile::tile(ui, model, *tile, (place, false), tokens, actions);
                left += size.x + space::S;
            }
        });
}

/// So many places of one shape, as large as fit into an area, in rows; the last row stands in the middle.
fn grid(area: Rect, count: usize, gap: f32) -> Vec<Rect> {
    let size_of = |columns: usize| {
        let rows = count.div_ceil(columns.max(1)).max(1);
        let wide = (area.width() - gap * (columns - 1) as f32) / columns as f32;
        let high = (area.height() - gap * (rows - 1) as f32) / rows as f32;
        // A place may be as high as it is wide, where that leaves less empty.
        let width = wide.min(high * SHAPE);
        vec2(width, high.min(width))
    };
    let area_of = |columns: &usize| {
        let size = size_of(*columns);
        size.x * size.y
    };
    let best = (1..=count).max_by(|one, other| area_of(one).total_cmp(&area_of(other)));
    let Some(columns) = best else { return Vec::new() };
    let (size, rows) = (size_of(columns), count.div_ceil(columns));
    let high = rows as f32 * size.y + (rows - 1) as f32 * gap;
    let top = area.center().y - high / 2.0;
    let place = |at: usize| {
        let (row, column) = (at / columns, at % columns);
        let in_row = if row + 1 == rows { count - row * columns } else { columns };
        let wide = in_row as f32 * size.x + (in_row - 1) as f32 * gap;
        let left = area.center().x - wide / 2.0 + column as f32 * (size.x + gap);
        Rect::from_min_size(pos2(left, top + row as f32 * (size.y + gap)), size)
    };
    (0..count).map(place).collect()
}

/// What somebody shows, as it stands in a call.
pub(super) fn shows(media: Media, screen: bool) -> bool {
    if screen { media.screen } else { media.camera }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_place_within_the_area_and_over_nobody_else() {
        for (width, height) in [(900.0, 600.0), (380.0, 640.0), (1_600.0, 300.0), (200.0, 200.0)] {
            let area = Rect::from_min_size(pos2(10.0, 20.0), vec2(width, height));
            for count in 1..=17 {
                let places = grid(area, count, 8.0);
                assert_eq!(places.len(), count);
                for (at, place) in places.iter().enumerate() {
                    assert!(area.expand(0.5).contains_rect(*place), "{count} in {width} × {height}");
                    assert!(place.width() > 20.0 && place.height() > 15.0, "{place:?}");
                    assert!(places.iter().skip(at + 1).all(|other| !other.intersects(*place)));
                }
            }
        }
    }

    #[test]
    fn two_stand_beside_each_other_where_there_is_more_width_than_height() {
        let wide = grid(Rect::from_min_size(pos2(0.0, 0.0), vec2(900.0, 400.0)), 2, 8.0);
        assert_eq!(wide[0].min.y, wide[1].min.y);
        let high = grid(Rect::from_min_size(pos2(0.0, 0.0), vec2(300.0, 600.0)), 2, 8.0);
        assert_eq!(high[0].min.x, high[1].min.x);
    }
}
