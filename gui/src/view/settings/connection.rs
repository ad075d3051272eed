//! The page of the settings about the connection: what was measured, and what to do where something is wrong.

use eframe::egui;
use eframe::egui::RichText;
use eframe::egui::Ui;

use crate::action::Action;
use crate::model::network;
use crate::say;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::settings::Desk;
use crate::view::settings::lists;
use crate::view::settings::sentence;
use crate::widget;

/// How the connection is.
pub(super) fn connection(ui: &mut Ui, desk: &mut Desk<'_>) {
    if desk.model.findings.is_empty() {
        ui.spinner();
        return;
    }
    ui.label(
        RichText::new(network::verdict(&desk.model.findings)).font(medium(15.0)).color(desk.tokens.text),
    );
    for finding in &desk.model.findings {
        ui.add_space(space::XS);
        egui::Frame::new().fill(desk.tokens.app).corner_radius(size::RADIUS).inner_margin(space::S).show(
            ui,
            |ui| {
                ui.set_width(ui.available_width());
                let (about, tone) = network::finding(finding);
                lists::state(ui, desk.tokens, tone, &about);
                ui.label(RichText::new(&finding.fact).font(regular(13.0)).color(desk.tokens.muted));
                if let Some(action) = finding.action {
                    ui.label(RichText::new(action).font(medium(13.0)).color(desk.tokens.text));
                }
            },
        );
    }
    ui.add_space(space::S);
    sentence(ui, desk.tokens, &say!("connection-report-what"));
    if widget::primary(ui, desk.tokens, &say!("connection-report")).clicked() {
        desk.actions.push(Action::SaveReport);
    }
}
