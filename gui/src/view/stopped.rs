//! The node has stopped: a bar over what is shown, which stays readable, or a card where there is nothing to read yet.

use eframe::egui::Align;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::RichText;
use eframe::egui::Ui;

use crate::action::Action;
use crate::model::stopped::Stopped;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::welcome;
use crate::widget;

/// A strip across the top of the window.
pub(super) fn bar(ui: &mut Ui, stopped: &Stopped, folder: &str, tokens: &Tokens, actions: &mut Vec<Action>) {
    let wide = ui.available_width() >= size::NARROW;
    let fill = tokens.app.blend(tokens.warning.gamma_multiply(if tokens.dark { 0.14 } else { 0.10 }));
    let frame = Frame::new().fill(fill).inner_margin(Margin::symmetric(16, 12));
    Panel::top("stopped").resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
        if !wide {
            words(ui, stopped, folder, tokens);
            ui.add_space(space::S);
            button(ui, stopped, tokens, actions);
            return;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            button(ui, stopped, tokens, actions);
            ui.add_space(space::L);
            ui.with_layout(Layout::top_down(Align::LEFT), |ui| words(ui, stopped, folder, tokens));
        });
    });
}

/// The middle of an empty window.
pub(super) fn card(ui: &mut Ui, stopped: &Stopped, folder: &str, tokens: &Tokens, actions: &mut Vec<Action>) {
    welcome::card(ui, tokens, size::DIALOG, |ui| {
        welcome::heading(ui, tokens, icons::WARNING, &stopped.title(), &stopped.sentence(folder));
        button(ui, stopped, tokens, actions);
    });
}

fn words(ui: &mut Ui, stopped: &Stopped, folder: &str, tokens: &Tokens) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(icons::WARNING).font(icon(18.0)).color(tokens.warning));
        ui.label(RichText::new(stopped.title()).font(semibold(15.0)).color(tokens.text));
    });
    ui.label(RichText::new(stopped.sentence(folder)).font(regular(13.5)).color(tokens.text));
    ui.label(RichText::new(say!("stopped-keeps")).font(regular(13.0)).color(tokens.muted));
}

fn button(ui: &mut Ui, stopped: &Stopped, tokens: &Tokens, actions: &mut Vec<Action>) {
    let label = if stopped.opening { say!("opening-again") } else { say!("open-again") };
    let button = ui.add_enabled_ui(!stopped.opening, |ui| widget::primary(ui, tokens, &label)).inner;
    if button.clicked() {
        actions.push(Action::OpenAgain);
    }
}
