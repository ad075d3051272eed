//! The bar with what is pinned: the newest pin, the others in a menu. A click goes there.

use eframe::egui;
use eframe::egui::Align;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::MessageView;

use crate::action::Action;
use crate::action::GroupAction;
use crate::model::Model;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

/// Draws the bar, if something is pinned that is here.
pub(super) fn pins(ui: &mut Ui, model: &Model, tokens: &Tokens, actions: &mut Vec<Action>) {
    let (Some(timeline), Some(group)) = (&model.timeline, model.open_group()) else { return };
    let pinned = |view: &&MessageView| group.pins.contains(&view.message);
    let pins: Vec<&MessageView> = timeline.pins().iter().filter(pinned).collect();
    let Some(newest) = pins.last() else { return };
    let may_pin = model.groups.rights(group).may_pin();
    let frame =
        Frame::new().fill(tokens.side).inner_margin(Margin { left: 16, right: 16, top: 0, bottom: 7 });
    Panel::top("pins").show_separator_line(false).frame(frame).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.set_height(40.0);
            if may_pin && widget::icon_button(ui, tokens, icons::UNPIN, &say!("unpin")).clicked() {
                actions.push(Action::Group(GroupAction::Unpin(newest.message)));
            }
            if pins.len() > 1 {
                let all = widget::icon_button(ui, tokens, icons::PIN, &say!("pins-all"));
                egui::Popup::menu(&all).width(360.0).show(|ui| {
                    for pin in pins.iter().rev() {
                        if entry(ui, model, pin, "", tokens).clicked() {
                            actions.push(Action::ShowMessage(pin.message));
                            ui.close();
                        }
                    }
                });
            }
            let count = format!("{} · ", say!("pins-count", count = pins.len()));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                if entry(ui, model, newest, &count, tokens).clicked() {
                    actions.push(Action::ShowMessage(newest.message));
                }
            });
        });
    });
}

/// A pinned message: who, what, with a mark.
fn entry(ui: &mut Ui, model: &Model, view: &MessageView, before: &str, tokens: &Tokens) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 40.0), Sense::click());
    let who = model.groups.name_of(&view.sender);
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Button,
            true,
            say!("pins-go", name = who.as_str(), text = view.text.as_str()),
        )
    });
    let ground = if response.hovered() { tokens.hover } else { tokens.input };
    ui.painter().rect_filled(rect, size::RADIUS, ground);
    let edge = egui::Rect::from_min_size(rect.min + vec2(8.0, 8.0), vec2(3.0, 24.0));
    ui.painter().rect_filled(edge, 2.0, tokens.accent);
    let left = edge.max.x + space::S;
    let width = rect.max.x - left - space::S;
    let title = widget::line(ui, &format!("{before}{who}"), semibold(12.0), tokens.accent, width);
    ui.painter().galley(pos2(left, rect.min.y + 4.0), title, tokens.accent);
    let hidden = model.filters.hides(view).then(|| say!("hidden-by-filter"));
    let said = widget::line(ui, hidden.as_deref().unwrap_or(&view.text), regular(13.0), tokens.text, width);
    ui.painter().galley(pos2(left, rect.min.y + 20.0), said, tokens.text);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}
