//! What is measured in a call, for people who ask why it is as it is.

use eframe::egui;
use eframe::egui::Frame;
use eframe::egui::Margin;
use eframe::egui::Rect;
use eframe::egui::RichText;
use eframe::egui::Stroke;
use eframe::egui::Ui;
use eframe::egui::UiBuilder;
use eframe::egui::pos2;
use eframe::egui::vec2;

use crate::say;
use crate::theme::Tokens;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;

/// Its width.
const WIDTH: f32 = 280.0;

/// Draws it over the pictures.
pub(super) fn figures(ui: &mut Ui, area: Rect, tokens: &Tokens, lines: &[(String, String)]) {
    let width = WIDTH.min(area.width() - 2.0 * space::S);
    let rect = Rect::from_min_size(
        pos2(area.max.x - width - space::S, area.min.y + space::S),
        vec2(width, area.height() - 2.0 * space::S),
    );
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect));
    Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(size::RADIUS)
        .inner_margin(Margin::same(14))
        .show(&mut inside, |ui| {
            ui.set_width(width - 28.0);
            ui.label(RichText::new(say!("call-figures")).font(medium(14.0)).color(tokens.text));
            if lines.is_empty() {
                ui.label(RichText::new(say!("figures-none")).font(regular(13.0)).color(tokens.muted));
                return;
            }
            egui::ScrollArea::vertical().max_height(rect.height() - 60.0).show(ui, |ui| {
                egui::Grid::new("figures of a call").num_columns(2).spacing([space::L, 5.0]).show(ui, |ui| {
                    for (what, value) in lines {
                        ui.label(RichText::new(what).font(regular(12.5)).color(tokens.muted));
                        ui.label(RichText::new(value).font(medium(12.5)).color(tokens.text));
                        ui.end_row();
                    }
                });
            });
        });
}
