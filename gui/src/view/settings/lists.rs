//! The pages of the settings about community nodes and mailboxes.

use eframe::egui;
use eframe::egui::RichText;
use eframe::egui::Ui;

use crate::action::Action;
use crate::model::network;
use crate::model::network::Line;
use crate::model::network::Tone;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::space;
use crate::view::dialogs;
use crate::view::settings::Desk;
use crate::view::settings::sentence;
use crate::widget;

/// The community nodes: how each is, one more, one to share.
pub(super) fn nodes(ui: &mut Ui, desk: &mut Desk<'_>) {
    let words = say!("nodes-what");
    sentence(ui, desk.tokens, &words);
    let lines = network::community(&desk.model.network);
    if lines.is_empty() {
        sentence(ui, desk.tokens, &say!("nodes-none"));
    }
    for (kept, line) in &lines {
        let remove = kept.then(|| (Action::RemoveBootstrap(line.address.clone()), say!("nodes-remove")));
        entry(ui, desk, line, remove);
        shown_code(ui, desk, &line.address);
    }
    ui.add_space(space::S);
    widget::field(ui, desk.tokens, &say!("nodes-add-label"), &mut desk.form.bootstrap, false);
    hint(ui, desk.tokens);
    let ready = !desk.form.bootstrap.trim().is_empty();
    if ui.add_enabled_ui(ready, |ui| widget::primary(ui, desk.tokens, &say!("nodes-add"))).inner.clicked() {
        desk.actions.push(Action::AddBootstrap);
    }
}

/// The own mailboxes: which keep messages, one more.
pub(super) fn mailboxes(ui: &mut Ui, desk: &mut Desk<'_>) {
    sentence(ui, desk.tokens, &network::mailboxes_in_short(&desk.model.network));
    for (device, line) in network::mailboxes(&desk.model.network, desk.now) {
        entry(ui, desk, &line, Some((Action::RemoveMailbox(device), say!("mailboxes-remove"))));
        shown_code(ui, desk, &line.address);
    }
    ui.add_space(space::S);
    let name = say!("mailboxes-add-label");
    widget::field(ui, desk.tokens, &name, &mut desk.form.mailbox, false);
    let name = say!("mailboxes-voucher-label");
    widget::field(ui, desk.tokens, &name, &mut desk.form.voucher, false);
    hint(ui, desk.tokens);
    let ready = !desk.form.mailbox.trim().is_empty();
    if ui.add_enabled_ui(ready, |ui| widget::primary(ui, desk.tokens, &say!("mailboxes-add"))).inner.clicked()
    {
        desk.actions.push(Action::AddMailbox);
    }
}

fn hint(ui: &mut Ui, tokens: &Tokens) {
    ui.label(RichText::new(say!("code-hint")).font(regular(12.5)).color(tokens.faint));
}

/// One of a list: what it is, how it is, what can be done with it; `remove` is how it leaves the list, and what that is called.
fn entry(ui: &mut Ui, desk: &mut Desk<'_>, line: &Line, remove: Option<(Action, String)>) {
    ui.add_space(space::XS);
    egui::Frame::new()
        .fill(desk.tokens.app)
        .corner_radius(crate::theme::size::RADIUS)
        .inner_margin(space::S)
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.horizontal(|ui| {
                let buttons = 3.0 * (crate::theme::size::HIT + space::S);
                let width = (ui.available_width() - buttons).max(80.0);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.label(widget::line(ui, &line.title, medium(14.0), desk.tokens.text, width))
                        .on_hover_text(&line.address);
                    state(ui, desk.tokens, line.tone, &line.state);
                    if !line.detail.is_empty() {
                        ui.label(RichText::new(&line.detail).font(regular(12.5)).color(desk.tokens.muted));
                    }
                });
                if widget::icon_button(ui, desk.tokens, icons::QR, &say!("show-code")).clicked() {
                    desk.actions.push(Action::ShowCode(Some(line.address.clone())));
                }
                if widget::icon_button(ui, desk.tokens, icons::COPY, &say!("copy-its-address")).clicked() {
                    desk.actions.push(Action::Copy(line.address.clone()));
                }
                let Some((remove, name)) = remove else { return };
                if widget::icon_button(ui, desk.tokens, icons::CLOSE, &name).clicked() {
                    desk.actions.push(remove);
                }
            });
        });
}

/// A state in words, with a mark that says the same.
pub(super) fn state(ui: &mut Ui, tokens: &Tokens, tone: Tone, words: &str) {
    let (icon, color) = match tone {
        Tone::Good => (icons::CHECK, tokens.good),
        Tone::Warning => (icons::WARNING, tokens.warning),
        Tone::Quiet => (icons::MORE, tokens.muted),
    };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::XS;
        ui.label(RichText::new(icon).font(crate::theme::icon(14.0)).color(color));
        ui.label(RichText::new(words).font(regular(13.0)).color(tokens.text));
    });
}

/// The code of an address, when it is asked for.
pub(super) fn shown_code(ui: &mut Ui, desk: &mut Desk<'_>, address: &str) {
    if desk.form.code.as_deref() != Some(address) {
        return;
    }
    ui.vertical_centered(|ui| {
        dialogs::qr(ui, address, &say!("address-qr"));
        if ui.button(say!("hide-code")).clicked() {
            desk.form.code = None;
        }
    });
}
