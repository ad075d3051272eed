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
use crate::model::trace as model_trace;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::group::people;
use crate::view::group::reports;
use crate::view::group::sure;
use crate::view::rooms::join;
use crate::view::settings;
use crate::view::settings::Desk;
use crate::widget;

/// Every shortcut and what it does: one table for the help and for the tests.
pub fn shortcut_table() -> [(&'static str, String); 19] {
    [
        ("Ctrl+K", say!("key-search")),
        ("Ctrl+N", say!("key-add")),
        ("Ctrl+Shift+N", say!("new-group")),
        ("Ctrl+D", say!("discover-title")),
        ("Ctrl+I", say!("group-about")),
        ("@", say!("key-mention")),
        ("Ctrl+,", say!("settings")),
        ("Alt+Up / Alt+Down", say!("key-next-chat")),
        ("Page Up / Page Down", say!("key-scroll")),
        ("Ctrl+End", say!("key-latest")),
        ("Enter / Shift+Enter", say!("key-send")),
        ("Ctrl+Shift+C", say!("key-call")),
        ("Ctrl+D", say!("key-mute")),
        ("Ctrl+E", say!("key-camera")),
        ("Space", say!("key-talk")),
        ("Ctrl+Shift+H", say!("key-hang-up")),
        ("M", say!("key-mute-one")),
        ("Esc", say!("key-escape")),
        ("Ctrl+/", say!("key-list")),
    ]
}

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
        // The settings scroll for themselves.
        let scrolls = !matches!(dialog, Dialog::Settings(_));
        let most = ui.ctx().content_rect().height() - 72.0;
        let mut content = |ui: &mut Ui| match &mut dialog {
            Dialog::Add(form) => add(ui, model, form, tokens, actions),
            Dialog::Safety { contact, groups } => {
                safety(ui, model, *contact, groups.as_deref(), tokens, actions);
            }
            Dialog::Settings(form) => settings::settings(ui, &mut Desk { model, form, tokens, now, actions }),
            Dialog::Trace(view) => trace(ui, view.as_deref(), tokens, now, actions),
            Dialog::Remove(contact) => remove(ui, model, *contact, tokens, actions),
            Dialog::People(form) => people::people(ui, model, form, tokens, actions),
            Dialog::Join(form) => join::join(ui, model, form, tokens, actions),
            Dialog::Report(form) => reports::report(ui, model, form, tokens, actions),
            Dialog::Sure(doubt) => sure::sure(ui, model, doubt, tokens, actions),
            Dialog::Receipts { found, .. } => sure::receipts(ui, model, found.as_deref(), tokens, actions),
            Dialog::Shortcuts => shortcuts(ui, tokens, actions),
        };
        if scrolls {
            egui::ScrollArea::vertical()
                .max_height(most)
                .min_scrolled_height(most)
                .auto_shrink([false, true])
                .show(ui, &mut content);
        } else {
            content(ui);
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
            if widget::icon_button(ui, tokens, icons::CLOSE, &say!("close")).clicked() {
                actions.push(Action::CloseDialog);
            }
        });
    });
}

fn add(ui: &mut Ui, model: &Model, form: &mut AddForm, tokens: &Tokens, actions: &mut Vec<Action>) {
    title(ui, tokens, &say!("add-title"), actions);
    ui.label(RichText::new(say!("add-give")).font(medium(14.0)).color(tokens.text));
    let sentence = say!("add-give-hint");
    ui.label(RichText::new(sentence).font(regular(13.0)).color(tokens.muted));
    match &form.invite {
        Some(link) => {
            ui.vertical_centered(|ui| qr(ui, link, &say!("add-qr")));
            ui.horizontal(|ui| {
                if widget::primary(ui, tokens, &say!("copy-link")).clicked() {
                    actions.push(Action::Copy(link.clone()));
                }
                if ui.button(say!("add-new")).clicked() {
                    actions.push(Action::NewInvite);
                }
            });
        }
        None => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(RichText::new(say!("add-making")).color(tokens.muted));
            });
        }
    }
    ui.add_space(space::S);
    ui.separator();
    ui.add_space(space::S);
    ui.label(RichText::new(say!("add-use")).font(medium(14.0)).color(tokens.text));
    let edit = TextEdit::multiline(&mut form.link)
        .id(Id::unique("invite link"))
        .desired_rows(2)
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(12, 9))
        .hint_text(RichText::new(say!("add-hint")).color(tokens.faint));
    ui.add(edit);
    if let Some(link) = form.group_link() {
        join::preview(ui, model, &link, None, tokens);
        widget::error(ui, tokens, form.error.as_deref());
        if widget::primary(ui, tokens, &say!("join-ask")).clicked() {
            actions.push(Action::AddContact);
        }
        return;
    }
    if form.is_address() {
        let words = say!("add-address-hint");
        ui.label(RichText::new(words).font(regular(13.0)).color(tokens.muted));
    }
    widget::field(ui, tokens, &say!("add-greeting"), &mut form.greeting, false);
    widget::error(ui, tokens, form.error.as_deref());
    ui.add_space(space::XS);
    let ready = !form.link.trim().is_empty();
    if ui.add_enabled_ui(ready, |ui| widget::primary(ui, tokens, &say!("add-ask"))).inner.clicked() {
        actions.push(Action::AddContact);
    }
}

/// A QR code, dark on light in both themes: that is what cameras read.
pub fn qr(ui: &mut Ui, text: &str, name: &str) {
    qr_within(ui, text, name, 210.0);
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
    title(ui, tokens, &say!("safety-title"), actions);
    let name = model.name_of(&contact);
    let sentence = say!("safety-what", name = name);
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
                    ui.label(RichText::new(say!("safety-compared")).color(tokens.good));
                    if ui.button(say!("safety-revoke")).clicked() {
                        actions.push(Action::Verify(contact, false));
                    }
                } else if widget::primary(ui, tokens, &say!("safety-same")).clicked() {
                    actions.push(Action::Verify(contact, true));
                }
                if ui.button(say!("copy")).clicked() {
                    actions.push(Action::Copy(groups.join(" ")));
                }
            });
        }
    }
}

/// What became of an own message.
fn trace(ui: &mut Ui, view: Option<&TraceView>, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    title(ui, tokens, &say!("trace-title"), actions);
    let Some(view) = view else {
        ui.spinner();
        return;
    };
    ui.label(RichText::new(model_trace::summary(view, now)).font(regular(14.0)).color(tokens.text));
    let (sent_at, clock) = (view.message.sent_at, now.clock(view.message.sent_at));
    let written = say!("trace-written", day = crate::model::network::day(now, sent_at), clock = clock);
    ui.label(RichText::new(written).font(regular(13.0)).color(tokens.muted));
    for device in &view.devices {
        ui.add_space(space::S);
        for sentence in model_trace::sentences(device, now) {
            ui.label(RichText::new(sentence).font(regular(13.0)).color(tokens.text));
        }
    }
}

fn remove(ui: &mut Ui, model: &Model, contact: ContactId, tokens: &Tokens, actions: &mut Vec<Action>) {
    let name = model.name_of(&contact);
    title(ui, tokens, &say!("remove-title", name = name), actions);
    let sentence = say!("remove-follows");
    ui.label(RichText::new(sentence).font(regular(14.0)).color(tokens.muted));
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        if widget::danger(ui, tokens, &say!("remove")).clicked() {
            actions.push(Action::Remove(contact));
        }
        if ui.button(say!("keep")).clicked() {
            actions.push(Action::CloseDialog);
        }
    });
}

fn shortcuts(ui: &mut Ui, tokens: &Tokens, actions: &mut Vec<Action>) {
    title(ui, tokens, &say!("keyboard-title"), actions);
    egui::Grid::new("shortcuts").num_columns(2).spacing([space::XL, space::S]).show(ui, |ui| {
        for (keys, what) in shortcut_table() {
            ui.label(RichText::new(keys).font(medium(13.5)).color(tokens.text));
            ui.label(RichText::new(what).font(regular(13.5)).color(tokens.muted));
            ui.end_row();
        }
    });
}
