//! The settings: profile, theme, community nodes, mailboxes, helping others, how the connection is, passphrase, what others need to know. One
//! page at a time, so that none is long.

mod connection;
mod help;
mod lists;

use eframe::egui::CollapsingHeader;
use eframe::egui::RichText;
use eframe::egui::ScrollArea;
use eframe::egui::Ui;

use crate::action::Action;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::settings::Page;
use crate::model::settings::SettingsForm;
use crate::theme::Choice;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::dialogs;
use crate::widget;

/// Draws the settings.
pub fn settings(
    ui: &mut Ui,
    model: &Model,
    form: &mut SettingsForm,
    tokens: &Tokens,
    now: Now,
    actions: &mut Vec<Action>,
) {
    dialogs::title(ui, tokens, "Settings", actions);
    ui.horizontal_wrapped(|ui| {
        for (page, name) in Page::ALL {
            if ui.selectable_label(form.page == page, name).clicked() {
                actions.push(Action::ShowPage(page));
            }
        }
    });
    ui.separator();
    // As high as the window allows, and the same on every page: a dialog that jumps is hard to use.
    let most = (ui.ctx().content_rect().height() - 200.0).clamp(160.0, size::SETTINGS_HEIGHT);
    ScrollArea::vertical().max_height(most).min_scrolled_height(most).auto_shrink([false, false]).show(
        ui,
        |ui| {
            match form.page {
                Page::General => {
                    profile(ui, model, form, tokens, actions);
                    ui.separator();
                    theme(ui, model, tokens, actions);
                    ui.separator();
                    passphrase(ui, form, tokens, actions);
                    about(ui, model, tokens, actions);
                }
                Page::Nodes => lists::nodes(ui, model, form, tokens, actions),
                Page::Mailboxes => lists::mailboxes(ui, model, form, tokens, now, actions),
                Page::Help => help::help(ui, model, form, tokens, now, actions),
                Page::Connection => connection::connection(ui, model, tokens, actions),
            }
            widget::error(ui, tokens, form.error.as_deref());
        },
    );
}

/// A sentence that explains.
fn sentence(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.label(RichText::new(text).font(regular(13.0)).color(tokens.muted));
}

fn heading(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.add_space(space::XS);
    ui.label(RichText::new(text).font(medium(14.5)).color(tokens.text));
}

fn profile(ui: &mut Ui, model: &Model, form: &mut SettingsForm, tokens: &Tokens, actions: &mut Vec<Action>) {
    heading(ui, tokens, "You");
    widget::field(ui, tokens, "Name", &mut form.name, false);
    widget::field(ui, tokens, "Status line", &mut form.status, false);
    ui.horizontal(|ui| {
        if widget::primary(ui, tokens, "Save").clicked() {
            actions.push(Action::SaveProfile);
        }
        if let Some(profile) = &model.profile
            && ui.button("Copy my address").clicked()
        {
            actions.push(Action::Copy(profile.account.to_string()));
        }
    });
    if let Some(profile) = &model.profile {
        let mut knocks = profile.knocks;
        if ui.checkbox(&mut knocks, "Whoever knows my address may ask to be added").changed() {
            actions.push(Action::AllowKnocks(knocks));
        }
        let words = match profile.knocks {
            true => {
                "Whoever has the address can also find out which device is yours and which mailboxes you use. Requests \
                 of strangers are marked, and cost them work."
            }
            false => {
                "Only those to whom you give a link can ask. Who had your address before may find that out."
            }
        };
        sentence(ui, tokens, words);
    }
}

fn theme(ui: &mut Ui, model: &Model, tokens: &Tokens, actions: &mut Vec<Action>) {
    heading(ui, tokens, "Look");
    ui.horizontal(|ui| {
        for (choice, name) in
            [(Choice::System, "As the system"), (Choice::Light, "Light"), (Choice::Dark, "Dark")]
        {
            if ui.selectable_label(model.theme == choice, name).clicked() {
                actions.push(Action::SetTheme(choice));
            }
        }
    });
}

fn passphrase(ui: &mut Ui, form: &mut SettingsForm, tokens: &Tokens, actions: &mut Vec<Action>) {
    CollapsingHeader::new("Passphrase of this computer").show(ui, |ui| {
        let sentence = "It locks your messages on this computer. Nobody can reset it.";
        ui.label(RichText::new(sentence).font(regular(13.0)).color(tokens.muted));
        widget::field(ui, tokens, "The passphrase now; empty if there is none", &mut form.old, true);
        ui.checkbox(&mut form.unprotect, "Remove the protection");
        if !form.unprotect {
            widget::field(ui, tokens, "New passphrase", &mut form.new, true);
            widget::field(ui, tokens, "The same again", &mut form.again, true);
        }
        if ui.button("Change").clicked() {
            actions.push(Action::ChangePassphrase);
        }
    });
}

fn about(ui: &mut Ui, model: &Model, tokens: &Tokens, actions: &mut Vec<Action>) {
    CollapsingHeader::new("This device").show(ui, |ui| {
        let small = |text: String| RichText::new(text).font(regular(12.5)).color(tokens.muted);
        ui.label(small(format!("Kith {}", env!("CARGO_PKG_VERSION"))));
        for address in &model.listen {
            ui.horizontal(|ui| {
                let width = ui.available_width() - 48.0;
                ui.label(widget::line(ui, address, regular(12.5), tokens.muted, width))
                    .on_hover_text(address);
                if widget::icon_button(ui, tokens, icons::COPY, "Copy").clicked() {
                    actions.push(Action::Copy(address.clone()));
                }
            });
        }
        if ui.button("Keyboard shortcuts").clicked() {
            actions.push(Action::OpenShortcuts);
        }
    });
}
