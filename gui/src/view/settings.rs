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

/// What every page needs: what is shown, what was typed, how it looks, and where wishes go.
pub struct Desk<'a> {
    /// Everything that is known.
    pub model: &'a Model,
    /// What was typed.
    pub form: &'a mut SettingsForm,
    /// The theme.
    pub tokens: &'a Tokens,
    /// The time and the zone.
    pub now: Now,
    /// What the person wants.
    pub actions: &'a mut Vec<Action>,
}

/// Draws the settings.
pub fn settings(ui: &mut Ui, desk: &mut Desk<'_>) {
    dialogs::title(ui, desk.tokens, "Settings", desk.actions);
    ui.horizontal_wrapped(|ui| {
        for (page, name) in Page::ALL {
            if ui.selectable_label(desk.form.page == page, name).clicked() {
                desk.actions.push(Action::ShowPage(page));
            }
        }
    });
    ui.separator();
    // As high as the window allows, and the same on every page: a dialog that jumps is hard to use.
    let most = (ui.ctx().content_rect().height() - 200.0).clamp(160.0, size::SETTINGS_HEIGHT);
    ScrollArea::vertical().max_height(most).min_scrolled_height(most).auto_shrink([false, false]).show(
        ui,
        |ui| {
            match desk.form.page {
                Page::General => {
                    profile(ui, desk);
                    ui.separator();
                    theme(ui, desk);
                    ui.separator();
                    passphrase(ui, desk);
                    about(ui, desk);
                }
                Page::Nodes => lists::nodes(ui, desk),
                Page::Mailboxes => lists::mailboxes(ui, desk),
                Page::Help => help::help(ui, desk),
                Page::Connection => connection::connection(ui, desk),
            }
            widget::error(ui, desk.tokens, desk.form.error.as_deref());
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

fn profile(ui: &mut Ui, desk: &mut Desk<'_>) {
    heading(ui, desk.tokens, "You");
    widget::field(ui, desk.tokens, "Name", &mut desk.form.name, false);
    widget::field(ui, desk.tokens, "Status line", &mut desk.form.status, false);
    ui.horizontal(|ui| {
        if widget::primary(ui, desk.tokens, "Save").clicked() {
            desk.actions.push(Action::SaveProfile);
        }
        if let Some(profile) = &desk.model.profile
            && ui.button("Copy my address").clicked()
        {
            desk.actions.push(Action::Copy(profile.account.to_string()));
        }
    });
    if let Some(profile) = &desk.model.profile {
        let mut knocks = profile.knocks;
        if ui.checkbox(&mut knocks, "Whoever knows my address may ask to be added").changed() {
            desk.actions.push(Action::AllowKnocks(knocks));
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
        sentence(ui, desk.tokens, words);
    }
}

fn theme(ui: &mut Ui, desk: &mut Desk<'_>) {
    heading(ui, desk.tokens, "Look");
    ui.horizontal(|ui| {
        for (choice, name) in
            [(Choice::System, "As the system"), (Choice::Light, "Light"), (Choice::Dark, "Dark")]
        {
            if ui.selectable_label(desk.model.theme == choice, name).clicked() {
                desk.actions.push(Action::SetTheme(choice));
            }
        }
    });
}

fn passphrase(ui: &mut Ui, desk: &mut Desk<'_>) {
    CollapsingHeader::new("Passphrase of this computer").show(ui, |ui| {
        let sentence = "It locks your messages on this computer. Nobody can reset it.";
        ui.label(RichText::new(sentence).font(regular(13.0)).color(desk.tokens.muted));
        widget::field(
            ui,
            desk.tokens,
            "The passphrase now; empty if there is none",
            &mut desk.form.old,
            true,
        );
        ui.checkbox(&mut desk.form.unprotect, "Remove the protection");
        if !desk.form.unprotect {
            widget::field(ui, desk.tokens, "New passphrase", &mut desk.form.new, true);
            widget::field(ui, desk.tokens, "The same again", &mut desk.form.again, true);
        }
        if ui.button("Change").clicked() {
            desk.actions.push(Action::ChangePassphrase);
        }
    });
}

fn about(ui: &mut Ui, desk: &mut Desk<'_>) {
    CollapsingHeader::new("This device").show(ui, |ui| {
        let small = |text: String| RichText::new(text).font(regular(12.5)).color(desk.tokens.muted);
        ui.label(small(format!("Kith {}", env!("CARGO_PKG_VERSION"))));
        for address in &desk.model.listen {
            ui.horizontal(|ui| {
                let width = ui.available_width() - 48.0;
                ui.label(widget::line(ui, address, regular(12.5), desk.tokens.muted, width))
                    .on_hover_text(address);
                if widget::icon_button(ui, desk.tokens, icons::COPY, "Copy").clicked() {
                    desk.actions.push(Action::Copy(address.clone()));
                }
            });
        }
        if ui.button("Keyboard shortcuts").clicked() {
            desk.actions.push(Action::OpenShortcuts);
        }
    });
}
