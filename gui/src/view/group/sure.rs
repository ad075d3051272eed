//! The question before something that cannot be undone, and who has a message.

use eframe::egui;
use eframe::egui::RichText;
use eframe::egui::ScrollArea;
use eframe::egui::Ui;
use kith_engine::view::MessageState;
use kith_proto::id::AccountId;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::groups::Doubt;
use crate::model::Model;
use crate::model::groups::words;
use crate::say;
use crate::theme::Tokens;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::space;
use crate::view::dialogs;
use crate::view::group::person;
use crate::widget;

/// How high the list of people gets.
const LIST: f32 = 420.0;

/// Draws the question.
pub fn sure(ui: &mut Ui, model: &Model, doubt: &Doubt, tokens: &Tokens, actions: &mut Vec<Action>) {
    let (question, follows, word) = words::doubt(doubt, &model.groups);
    dialogs::title(ui, tokens, &question, actions);
    ui.label(RichText::new(follows).font(regular(14.0)).color(tokens.muted));
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        if widget::danger(ui, tokens, &word).clicked() {
            actions.push(Action::Group(GroupAction::Sure(*doubt)));
        }
        let keep = ui.button(say!("cancel"));
        // Enter on a question that was not read does nothing.
        widget::focus_first(ui, &keep);
        if keep.clicked() {
            actions.push(Action::CloseDialog);
        }
    });
}

/// Draws who has an own message, those who have read it first.
pub fn receipts(
    ui: &mut Ui,
    model: &Model,
    found: Option<&[(AccountId, MessageState)]>,
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    dialogs::title(ui, tokens, &say!("receipts-title"), actions);
    let Some(found) = found else {
        ui.spinner();
        return;
    };
    if found.is_empty() {
        let words = say!("receipts-none");
        ui.label(RichText::new(words).font(regular(13.5)).color(tokens.muted));
    }
    ScrollArea::vertical().max_height(LIST).min_scrolled_height(LIST).auto_shrink([false, true]).show(
        ui,
        |ui| {
            let mut before = None;
            for (who, state) in found {
                let place = place(*state);
                if before.replace(place) != Some(place) {
                    let heading = heading(*state);
                    let count = found.iter().filter(|(_, other)| self::place(*other) == place).count();
                    ui.add_space(space::XS);
                    let words = format!("{heading} · {count}");
                    ui.label(RichText::new(words).font(semibold(12.5)).color(tokens.muted));
                }
                ui.horizontal(|ui| {
                    let name = model.groups.told_name(who);
                    person(ui, tokens, who, &name, &words::receipt(*state), 32.0);
                    let (rect, _) = ui.allocate_exact_size(egui::vec2(20.0, 42.0), egui::Sense::hover());
                    let at = rect.left_center();
                    widget::ticks(ui.painter(), tokens, at, *state, tokens.muted, tokens.good);
                });
            }
        },
    );
}

/// Under which heading somebody stands: those who have read it, those who have it, the others.
fn place(state: MessageState) -> MessageState {
    match state {
        MessageState::Read | MessageState::Delivered => state,
        _ => MessageState::Queued,
    }
}

fn heading(state: MessageState) -> String {
    match state {
        MessageState::Read => say!("receipts-read"),
        MessageState::Delivered => say!("receipts-delivered"),
        _ => say!("receipts-not-yet"),
    }
}
