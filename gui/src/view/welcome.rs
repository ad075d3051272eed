//! The screens before the chats: first start, the recovery phrase, unlocking.

use eframe::egui;
use eframe::egui::CentralPanel;
use eframe::egui::Frame;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::Stroke;
use eframe::egui::Ui;
use kith_proto::payload::MAX_NAME_BYTES;

use crate::action::Action;
use crate::model::PhraseForm;
use crate::model::UnlockForm;
use crate::model::WelcomeForm;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

/// A card in the middle of the window.
pub(super) fn card(ui: &mut Ui, tokens: &Tokens, width: f32, content: impl FnOnce(&mut Ui)) {
    CentralPanel::default().frame(Frame::new().fill(tokens.app)).show(ui, |ui| {
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.vertical_centered(|ui| {
                ui.add_space((ui.ctx().content_rect().height() * 0.12).min(96.0));
                Frame::new()
                    .fill(tokens.raised)
                    .stroke(Stroke::new(1.0, tokens.border))
                    .corner_radius(size::RADIUS_BUBBLE)
                    .inner_margin(Margin::same(28))
                    .show(ui, |ui| {
                        ui.set_width(width.min(ui.available_width()));
                        ui.with_layout(egui::Layout::top_down(egui::Align::LEFT), content);
                    });
                ui.add_space(space::XL);
            });
        });
    });
}

pub(super) fn heading(ui: &mut Ui, tokens: &Tokens, glyph: &str, title: &str, sentence: &str) {
    ui.label(RichText::new(glyph).font(icon(34.0)).color(tokens.accent));
    ui.label(RichText::new(title).font(semibold(22.0)).color(tokens.text));
    ui.label(RichText::new(sentence).font(regular(14.0)).color(tokens.muted));
    ui.add_space(space::M);
}

/// First start: a name, and a passphrase if wanted.
pub fn welcome(ui: &mut Ui, form: &mut WelcomeForm, tokens: &Tokens, busy: bool, actions: &mut Vec<Action>) {
    card(ui, tokens, size::DIALOG, |ui| {
        let sentence = say!("welcome-what");
        heading(ui, tokens, icons::CHATS, &say!("welcome-title"), &sentence);
        let name = widget::field(ui, tokens, &say!("welcome-name"), &mut form.name, false);
        if form.name.is_empty() && !form.protect && !form.returning {
            widget::focus_first(ui, &name);
        }
        form.name.truncate(form.name.floor_char_boundary(MAX_NAME_BYTES));
        ui.add_space(space::XS);
        widget::marks(ui, tokens, |ui| ui.checkbox(&mut form.returning, say!("welcome-returning")));
        if form.returning {
            widget::field(ui, tokens, &say!("welcome-words"), &mut form.phrase, false);
            let sentence = say!("welcome-returning-what");
            ui.label(RichText::new(sentence).font(regular(12.5)).color(tokens.muted));
        }
        widget::marks(ui, tokens, |ui| ui.checkbox(&mut form.protect, say!("welcome-protect")));
        if form.protect {
            widget::field(ui, tokens, &say!("passphrase"), &mut form.passphrase, true);
            widget::field(ui, tokens, &say!("passphrase-again"), &mut form.again, true);
            let warning = say!("welcome-protect-what");
            ui.label(RichText::new(warning).font(regular(12.5)).color(tokens.muted));
        }
        widget::error(ui, tokens, form.error.as_deref());
        ui.add_space(space::S);
        ui.horizontal(|ui| {
            let ready = !form.name.trim().is_empty() && !busy;
            let enter = ui.input(|input| input.key_pressed(egui::Key::Enter));
            let clicked = ui
                .add_enabled_ui(ready, |ui| widget::primary(ui, tokens, &say!("welcome-start")))
                .inner
                .clicked();
            if ready && (clicked || enter) {
                actions.push(Action::CreateAccount);
            }
            if busy {
                ui.spinner();
                ui.label(RichText::new(say!("welcome-making")).color(tokens.muted));
            }
        });
    });
}

/// A word of the phrase with its number: the longest have eight letters.
const WORD: f32 = 112.0;

/// The recovery phrase, then the proof that it was written down.
pub fn phrase(ui: &mut Ui, form: &mut PhraseForm, tokens: &Tokens, actions: &mut Vec<Action>) {
    card(ui, tokens, 560.0, |ui| {
        if form.checking {
            heading(ui, tokens, icons::SHIELD, &say!("phrase-check"), &say!("phrase-check-what"));
            let name = say!("phrase-word", number = PhraseForm::asked_word());
            let typed = widget::field(ui, tokens, &name, &mut form.typed, false);
            widget::focus_first(ui, &typed);
            widget::error(ui, tokens, form.error.as_deref());
            ui.add_space(space::S);
            ui.horizontal(|ui| {
                let enter = ui.input(|input| input.key_pressed(egui::Key::Enter));
                if widget::primary(ui, tokens, &say!("continue")).clicked() || enter {
                    actions.push(Action::PhraseKept);
                }
                if ui.button(say!("phrase-again")).clicked() {
                    form.checking = false;
                    form.error = None;
                }
            });
            return;
        }
        let sentence = say!("phrase-what");
        heading(ui, tokens, icons::SHIELD, &say!("phrase-title"), &sentence);
        // As many side by side as fit: a word that is cut off is a lost account.
        let columns =
            ((ui.available_width() + space::L) / (WORD + space::L)).floor().clamp(2.0, 4.0) as usize;
        egui::Grid::new("words").num_columns(columns).spacing([space::L, space::S]).show(ui, |ui| {
            for (at, word) in form.words.iter().enumerate() {
                ui.horizontal(|ui| {
                    ui.set_min_width(WORD);
                    ui.label(RichText::new(format!("{:>2}", at + 1)).font(regular(12.0)).color(tokens.faint));
                    ui.label(RichText::new(word.as_str()).font(medium(14.0)).color(tokens.text));
                });
                if (at + 1) % columns == 0 {
                    ui.end_row();
                }
            }
        });
        ui.add_space(space::M);
        if widget::primary(ui, tokens, &say!("phrase-kept")).clicked() {
            actions.push(Action::PhraseKept);
        }
    });
}

/// A locked folder.
pub fn unlock(ui: &mut Ui, form: &mut UnlockForm, tokens: &Tokens, busy: bool, actions: &mut Vec<Action>) {
    card(ui, tokens, size::DIALOG, |ui| {
        heading(ui, tokens, icons::LOCK, &say!("locked-title"), &say!("locked-what"));
        let field = widget::field(ui, tokens, &say!("passphrase"), &mut form.passphrase, true);
        widget::focus_first(ui, &field);
        widget::error(ui, tokens, form.error.as_deref());
        ui.add_space(space::S);
        ui.horizontal(|ui| {
            let ready = !form.passphrase.is_empty() && !busy;
            let enter = ui.input(|input| input.key_pressed(egui::Key::Enter));
            let clicked =
                ui.add_enabled_ui(ready, |ui| widget::primary(ui, tokens, &say!("unlock"))).inner.clicked();
            if ready && (clicked || enter) {
                actions.push(Action::Unlock);
            }
            if busy {
                ui.spinner();
            }
        });
    });
}
