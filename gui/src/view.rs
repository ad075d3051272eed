//! The views: each draws a part of the model and returns what the person wants. No state, no waiting.

mod call;
pub mod chat;
pub mod composer;
pub mod dialogs;
pub mod group;
pub mod rooms;
pub mod settings;
pub mod sidebar;
mod stopped;
pub mod timeline;
pub mod welcome;

use eframe::egui;
use eframe::egui::Align2;
use eframe::egui::CentralPanel;
use eframe::egui::Frame;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::Ui;

use crate::action::Action;
use crate::model::Model;
use crate::model::Screen;
use crate::model::dates::Now;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::size;
use crate::widget;

/// Draws everything. Returns what the person wants, in order.
pub fn show(ui: &mut Ui, model: &mut Model, tokens: &Tokens, now: Now) -> Vec<Action> {
    let mut actions = Vec::new();
    let starting = matches!(model.screen, Screen::Starting);
    if let Some(stopped) = model.stopped.as_ref().filter(|_| !starting) {
        stopped::bar(ui, stopped, &model.folder, tokens, &mut actions);
    }
    match &mut model.screen {
        Screen::Starting if model.stopped.is_some() => {
            let stopped = model.stopped.as_ref();
            stopped
                .into_iter()
                .for_each(|stopped| stopped::card(ui, stopped, &model.folder, tokens, &mut actions));
        }
        Screen::Starting => {
            CentralPanel::default().frame(Frame::new().fill(tokens.app)).show(ui, |ui| {
                widget::empty(ui, tokens, icons::CHATS, "Kith", &say!("starting"));
            });
        }
        Screen::Welcome(form) => welcome::welcome(ui, form, tokens, model.busy, &mut actions),
        Screen::Phrase(form) => welcome::phrase(ui, form, tokens, &mut actions),
        Screen::Unlock(form) => welcome::unlock(ui, form, tokens, model.busy, &mut actions),
        Screen::Main => main(ui, model, tokens, now, &mut actions),
    }
    toasts(ui, model, tokens);
    actions
}

fn main(ui: &mut Ui, model: &mut Model, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    let narrow = ui.available_width() < size::NARROW;
    if let Some(ringing) = model.calls.incoming() {
        call::ring(ui, model, ringing, tokens, actions);
    }
    if let Some(ringing) = model.calls.together.ringing().filter(|_| !model.calls.is_talking()) {
        call::group_ring(ui, model, ringing, tokens, actions);
    }
    if let Some(aside) = model.calls.aside() {
        call::bar(ui, model, aside, (tokens, now), actions);
    } else if let Some(aside) = model.calls.aside_group() {
        call::group_bar(ui, model, aside, (tokens, now), actions);
    }
    let calling = model.calls.open().is_some() || model.calls.open_group().is_some();
    if calling && (narrow || model.calls.full) {
        open_call(ui, model, (tokens, now), actions);
        return dialogs::dialogs(ui, model, tokens, now, actions);
    }
    let discover = model.rooms.page.is_some() && !calling;
    let open = model.timeline.is_some() && !discover && !calling;
    let side = Frame::new().fill(tokens.side).inner_margin(Margin::symmetric(10, 14));
    if !narrow {
        Panel::left("sidebar")
            .exact_size(size::SIDEBAR)
            .resizable(false)
            .show_separator_line(false)
            .frame(side)
            .show(ui, |ui| sidebar::sidebar(ui, model, tokens, now, actions));
    } else if !open && !discover {
        CentralPanel::default().frame(side).show(ui, |ui| sidebar::sidebar(ui, model, tokens, now, actions));
    }
    let panel = open && model.info.is_some();
    let aside = panel && ui.available_width() >= size::PANEL + size::LEAST_CHAT;
    if aside {
        let line = egui::Stroke::new(1.0, tokens.border);
        Panel::right("group")
            .exact_size(size::PANEL)
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::new().fill(tokens.side))
            .show(ui, |ui| {
                let edge = ui.max_rect();
                ui.painter().vline(edge.min.x, edge.y_range(), line);
                group::panel(ui, model, tokens, now, actions);
            });
    }
    if calling {
        open_call(ui, model, (tokens, now), actions);
    } else if discover {
        rooms::discover(ui, model, tokens, now, narrow, actions);
    } else if panel && !aside {
        let frame = Frame::new().fill(tokens.side);
        CentralPanel::default().frame(frame).show(ui, |ui| group::panel(ui, model, tokens, now, actions));
    } else if open {
        chat::chat(ui, model, tokens, now, narrow, actions);
    } else if !narrow {
        nothing(ui, model, tokens, actions);
    }
    dialogs::dialogs(ui, model, tokens, now, actions);
}

/// The call that is shown in place of the chat.
fn open_call(ui: &mut Ui, model: &Model, (tokens, now): (&Tokens, Now), actions: &mut Vec<Action>) {
    if let Some(call) = model.calls.open() {
        call::call(ui, model, call, (tokens, now), actions);
    } else if let Some(call) = model.calls.open_group() {
        call::together(ui, model, call, (tokens, now), actions);
    }
}

/// No chat is open.
fn nothing(ui: &mut Ui, model: &Model, tokens: &Tokens, actions: &mut Vec<Action>) {
    CentralPanel::default().frame(Frame::new().fill(tokens.app)).show(ui, |ui| {
        if model.chats.is_empty() {
            let sentence = say!("main-empty-hint");
            widget::empty(ui, tokens, icons::USER_PLUS, &say!("main-empty"), &sentence);
            ui.vertical_centered(|ui| {
                if widget::primary(ui, tokens, &say!("add-title")).clicked() {
                    actions.push(Action::OpenAdd);
                }
            });
        } else {
            widget::empty(ui, tokens, icons::CHATS, &say!("main-choose"), &say!("main-choose-hint"));
        }
    });
}

fn toasts(ui: &Ui, model: &Model, tokens: &Tokens) {
    for (at, toast) in model.toasts.iter().rev().enumerate() {
        let offset = egui::vec2(0.0, -84.0 - 48.0 * at as f32);
        egui::Area::new(egui::Id::unique(("toast", at)))
            .anchor(Align2::CENTER_BOTTOM, offset)
            .interactable(false)
            .order(egui::Order::Tooltip)
            .show(ui.ctx(), |ui| {
                let stroke = egui::Stroke::new(1.0, if toast.bad { tokens.danger } else { tokens.border });
                Frame::new()
                    .fill(tokens.raised)
                    .stroke(stroke)
                    .corner_radius(size::RADIUS)
                    .inner_margin(Margin::symmetric(14, 9))
                    .show(ui, |ui| {
                        ui.set_max_width(480.0);
                        ui.label(egui::RichText::new(&toast.text).color(tokens.text));
                    });
            });
    }
}
