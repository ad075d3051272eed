//! The dialogs over the chats: adding somebody, the safety number, forgetting somebody, the shortcuts.

use eframe::egui;
use eframe::egui::Color32;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Margin;
use eframe::egui::Modal;
use eframe::egui::Rect;
use eframe::egui::RichText;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::vec2;
use kith_engine::view::TraceView;
use kith_proto::id::ContactId;
use qrcode::QrCode;

use crate::action::Action;
use crate::model::AddForm;
use crate::model::Dialog;
use crate::model::Model;
use crate::model::dates::Now;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::group::people;
use crate::view::group::sure;
use crate::view::settings;
use crate::view::settings::Desk;
use crate::widget;

/// Every shortcut and what it does: one table for the help and for the tests.
pub const SHORTCUTS: [(&str, &str); 12] = [
    ("Ctrl+K", "Search chats"),
    ("Ctrl+N", "Add somebody, or join a group"),
    ("Ctrl+Shift+N", "New group"),
    ("Ctrl+I", "About this group"),
    ("@", "Mention somebody: Up, Down, Enter"),
    ("Ctrl+,", "Settings"),
    ("Alt+Up / Alt+Down", "Previous / next chat"),
    ("Page Up / Page Down", "Scroll the messages"),
    ("Ctrl+End", "Latest message"),
    ("Enter / Shift+Enter", "Send / new line"),
    ("Esc", "Close, or stop answering"),
    ("Ctrl+/", "This list"),
];

/// Draws the open dialog, if any.
pub fn dialogs(ui: &mut Ui, model: &mut Model, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    let Some(mut dialog) = model.dialog.take() else { return };
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(size::RADIUS_BUBBLE)
        .inner_margin(Margin::same(24));
    let modal = Modal::new(Id::unique("dialog")).frame(frame).show(ui.ctx(), |ui| {
        let width = if matches!(dialog, Dialog::Settings(_)) { size::SETTINGS } else { size::DIALOG };
        ui.set_width(width.min(ui.ctx().content_rect().width() - 64.0));
        match &mut dialog {
            Dialog::Add(form) => add(ui, form, tokens, actions),
            Dialog::Safety { contact, groups } => {
                safety(ui, model, *contact, groups.as_deref(), tokens, actions);
            }
            Dialog::Settings(form) => settings::settings(ui, &mut Desk { model, form, tokens, now, actions }),
            Dialog::Trace(view) => trace(ui, view.as_deref(), tokens, now, actions),
            Dialog::Remove(contact) => remove(ui, model, *contact, tokens, actions),
            Dialog::People(form) => people::people(ui, model, form, tokens, actions),
            Dialog::Sure(doubt) => sure::sure(ui, model, doubt, tokens, actions),
            Dialog::Receipts { found, .. } => sure::receipts(ui, model, found.as_deref(), tokens, actions),
            Dialog::Shortcuts => shortcuts(ui, tokens, actions),
        }
    });
    if modal.should_close() {
        actions.push(Action::CloseDialog);
    }
    model.dialog = Some(dialog);
}

/// The title of a dialog, with its close button.
pub fn title(ui: &mut Ui, tokens: &Tokens, text: &str, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.set_min_height(size::HIT);
        ui.label(RichText::new(text).font(semibold(18.0)).color(tokens.text));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if widget::icon_button(ui, tokens, icons::CLOSE, "Close").clicked() {
                actions.push(Action::CloseDialog);
            }
        });
    });
}

fn add(ui: &mut Ui, form: &mut AddForm, tokens: &Tokens, actions: &mut Vec<Action>) {
    title(ui, tokens, "Add somebody", actions);
    ui.label(RichText::new("Give them your invite").font(medium(14.0)).color(tokens.text));
    let sentence = "It works once and for a week. Send it over any channel you trust, or let them scan it.";
    ui.label(RichText::new(sentence).font(regular(13.0)).color(tokens.muted));
    match &form.invite {
        Some(link) => {
            ui.vertical_centered(|ui| qr(ui, link, "Your invite as a QR code"));
            ui.horizontal(|ui| {
                if widget::primary(ui, tokens, "Copy the link").clicked() {
                    actions.push(Action::Copy(link.clone()));
                }
                if ui.button("Make a new one").clicked() {
                    actions.push(Action::NewInvite);
                }
            });
        }
        None => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(RichText::new("Making an invite…").color(tokens.muted));
            });
        }
    }
    ui.add_space(space::S);
    ui.separator();
    ui.add_space(space::S);
    ui.label(RichText::new("Or use theirs").font(medium(14.0)).color(tokens.text));
    let edit = TextEdit::multiline(&mut form.link)
        .id(Id::unique("invite link"))
        .desired_rows(2)
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(12, 9))
        .hint_text(
            RichText::new("Paste a link of a person or a group, kith:…, or an address, kith1…, or drop a picture of the code here")
                .color(tokens.faint),
        );
    ui.add(edit);
    if form.group_link().is_some() {
        let words =
            "This link leads into a group. You are in as soon as a member lets you in; they see your name.";
        ui.label(RichText::new(words).font(regular(13.0)).color(tokens.muted));
        widget::error(ui, tokens, form.error.as_deref());
        if widget::primary(ui, tokens, "Ask to join").clicked() {
            actions.push(Action::AddContact);
        }
        return;
    }
    if form.is_address() {
        let words =
            "They will see that you know only their address. It takes this computer some seconds of work.";
        ui.label(RichText::new(words).font(regular(13.0)).color(tokens.muted));
    }
    widget::field(ui, tokens, "A few words to go with it (optional)", &mut form.greeting, false);
    widget::error(ui, tokens, form.error.as_deref());
    ui.add_space(space::XS);
    let ready = !form.link.trim().is_empty();
    if ui.add_enabled_ui(ready, |ui| widget::primary(ui, tokens, "Ask to be added")).inner.clicked() {
        actions.push(Action::AddContact);
    }
}

/// A QR code, dark on light in both themes: that is what cameras read.
pub fn qr(ui: &mut Ui, text: &str, name: &str) {
    qr_within(ui, text, name, 190.0);
}

/// The same with a side of at most so many points, where its modules have at least two.
pub fn qr_within(ui: &mut Ui, text: &str, name: &str, side: f32) {
    let Ok(code) = QrCode::with_error_correction_level(text, qrcode::EcLevel::L) else { return };
    let modules = code.width();
    let scale = (side / (modules + 8) as f32).floor().max(2.0);
    let side = (modules + 8) as f32 * scale;
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, name));
    let painter = ui.painter();
    painter.rect_filled(rect, 8.0, Color32::WHITE);
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == qrcode::Color::Dark {
            let (x, y) = ((at % modules + 4) as f32, (at / modules + 4) as f32);
            let module = Rect::from_min_size(rect.min + vec2(x, y) * scale, vec2(scale, scale));
            painter.rect_filled(module, 0.0, Color32::BLACK);
        }
    }
}

fn safety(
    ui: &mut Ui,
    model: &Model,
    contact: ContactId,
    groups: Option<&str>,
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    title(ui, tokens, "Safety number", actions);
    let name = model.name_of(&contact);
    let sentence = format!(
        "Compare these digits with what {name} sees, by voice or side by side. If they are the same, nobody sits between you."
    );
    ui.label(RichText::new(sentence).font(regular(13.5)).color(tokens.muted));
    ui.add_space(space::S);
    match groups {
        None => {
            ui.spinner();
        }
        Some(groups) => {
            let groups: Vec<&str> = groups.split(' ').collect();
            ui.vertical_centered(|ui| {
                for row in groups.chunks(4) {
                    ui.label(RichText::new(row.join("   ")).font(semibold(19.0)).color(tokens.text));
                }
            });
            ui.add_space(space::M);
            ui.horizontal(|ui| {
                let verified = model.contacts.get(&contact).is_some_and(|contact| contact.verified);
                if verified {
                    ui.label(RichText::new("You compared it.").color(tokens.good));
                    if ui.button("Not any more").clicked() {
                        actions.push(Action::Verify(contact, false));
                    }
                } else if widget::primary(ui, tokens, "They are the same").clicked() {
                    actions.push(Action::Verify(contact, true));
                }
                if ui.button("Copy").clicked() {
                    actions.push(Action::Copy(groups.join(" ")));
                }
            });
        }
    }
}

/// What became of an own message.
fn trace(ui: &mut Ui, view: Option<&TraceView>, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    title(ui, tokens, "Your message", actions);
    let Some(view) = view else {
        ui.spinner();
        return;
    };
    ui.label(RichText::new(kith_node::trace::summary(view)).font(regular(14.0)).color(tokens.text));
    let written = format!(
        "Written {} at {}.",
        crate::model::network::day(now, view.message.sent_at),
        now.clock(view.message.sent_at)
    );
    ui.label(RichText::new(written).font(regular(13.0)).color(tokens.muted));
    for device in &view.devices {
        ui.add_space(space::S);
        for sentence in kith_node::trace::sentences(device, now.time) {
            ui.label(RichText::new(sentence).font(regular(13.0)).color(tokens.text));
        }
    }
}

fn remove(ui: &mut Ui, model: &Model, contact: ContactId, tokens: &Tokens, actions: &mut Vec<Action>) {
    let name = model.name_of(&contact);
    title(ui, tokens, &format!("Remove {name}?"), actions);
    let sentence =
        "The contact and all messages with them are deleted on this computer. This cannot be undone.";
    ui.label(RichText::new(sentence).font(regular(14.0)).color(tokens.muted));
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        if widget::danger(ui, tokens, "Remove").clicked() {
            actions.push(Action::Remove(contact));
        }
        if ui.button("Keep").clicked() {
            actions.push(Action::CloseDialog);
        }
    });
}

fn shortcuts(ui: &mut Ui, tokens: &Tokens, actions: &mut Vec<Action>) {
    title(ui, tokens, "Keyboard", actions);
    egui::Grid::new("shortcuts").num_columns(2).spacing([space::XL, space::S]).show(ui, |ui| {
        for (keys, what) in SHORTCUTS {
            ui.label(RichText::new(keys).font(medium(13.5)).color(tokens.text));
            ui.label(RichText::new(what).font(regular(13.5)).color(tokens.muted));
            ui.end_row();
        }
    });
}
