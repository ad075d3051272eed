//! The page of the settings about what the person does not want to read, and whom they blocked.

use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Key;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::vec2;
use kith_engine::view::ContactView;

use crate::action::Action;
use crate::model::filters::Incoming;
use crate::say;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::settings::Desk;
use crate::view::settings::heading;
use crate::view::settings::sentence;
use crate::widget;

/// A person in the list of those who are blocked.
const PERSON: f32 = 38.0;

pub(super) fn filters(ui: &mut Ui, desk: &mut Desk<'_>) {
    words(ui, desk);
    ui.add_space(space::S);
    ui.separator();
    blocked(ui, desk);
    ui.add_space(space::XS);
    import(ui, desk);
}

fn words(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    heading(ui, tokens, &say!("filters-title"));
    sentence(ui, tokens, &say!("filters-what"));
    let label = ui.label(RichText::new(say!("filters-add-label")).font(medium(13.0)).color(tokens.muted));
    ui.horizontal(|ui| {
        let add = say!("filters-add");
        let room = widget::line(ui, &add, medium(14.0), tokens.text, 200.0).size().x + 44.0;
        let edit = TextEdit::singleline(&mut desk.form.filter)
            .id(Id::unique("filter words"))
            .desired_width(ui.available_width() - room)
            .margin(Margin::symmetric(12, 9))
            .hint_text(RichText::new(say!("filters-hint")).color(tokens.faint))
            .font(regular(14.0));
        let field = ui.add(edit).labelled_by(label.id);
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let ready = !desk.form.filter.trim().is_empty();
        let clicked = ui.add_enabled_ui(ready, |ui| widget::primary(ui, tokens, &add)).inner.clicked();
        if ready && (clicked || entered) {
            desk.actions.push(Action::AddFilter);
            field.request_focus();
        }
    });
    let words = desk.model.filters.words();
    if words.is_empty() {
        return sentence(ui, tokens, &say!("filters-none"));
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for word in words {
            let remove = say!("filters-remove", word = word.as_str());
            if widget::pill_button(ui, tokens, word, icons::CLOSE, &remove).clicked() {
                desk.actions.push(Action::RemoveFilter(word.clone()));
            }
        }
    });
}

fn blocked(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    let blocked: Vec<&ContactView> = desk.model.blocked().collect();
    heading(ui, tokens, &say!("blocks-title", count = blocked.len()));
    sentence(ui, tokens, &say!("blocks-what"));
    for contact in &blocked {
        person(ui, desk, contact);
    }
    ui.add_space(space::XS);
    ui.horizontal_wrapped(|ui| {
        ui.add_enabled_ui(!blocked.is_empty(), |ui| {
            if ui.button(say!("blocks-copy")).clicked() {
                desk.actions.push(Action::CopyBlocks);
            }
            if ui.button(say!("blocks-save")).clicked() {
                desk.actions.push(Action::SaveBlocks);
            }
        });
    });
}

fn person(ui: &mut Ui, desk: &mut Desk<'_>, contact: &ContactView) {
    let tokens = desk.tokens;
    ui.horizontal(|ui| {
        ui.set_min_height(PERSON);
        let unblock = say!("contact-unblock");
        let room = widget::line(ui, &unblock, medium(14.0), tokens.text, 200.0).size().x + 44.0;
        let (rect, _) = ui.allocate_exact_size(
            vec2((ui.available_width() - room).max(60.0), PERSON),
            eframe::egui::Sense::hover(),
        );
        let name = desk.model.name_of(&contact.contact);
        let seed = contact.contact.0.first().copied().unwrap_or(0);
        let center = rect.left_center() + vec2(15.0, 0.0);
        widget::avatar(ui.painter(), tokens, center, 30.0, seed, &name);
        let shown = widget::line(ui, &name, medium(14.0), tokens.text, rect.width() - 44.0);
        let at = eframe::egui::pos2(center.x + 15.0 + space::S, center.y - shown.size().y / 2.0);
        ui.painter().galley(at, shown, tokens.text);
        if ui.button(unblock).clicked() {
            desk.actions.push(Action::Unblock(contact.contact));
        }
    });
}

/// Taking the list of somebody else: first what it would do, then doing it.
fn import(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    heading(ui, tokens, &say!("blocks-import-title"));
    if let Some(incoming) = desk.form.incoming.clone() {
        return preview(ui, desk, &incoming);
    }
    sentence(ui, tokens, &say!("blocks-import-what"));
    let edit = TextEdit::multiline(&mut desk.form.blocks)
        .id(Id::unique("list of blocked people"))
        .desired_rows(2)
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(12, 9))
        .hint_text(RichText::new(say!("blocks-import-hint")).color(tokens.faint));
    ui.add(edit);
    let ready = !desk.form.blocks.trim().is_empty();
    if ui.add_enabled_ui(ready, |ui| ui.button(say!("blocks-look"))).inner.clicked() {
        desk.actions.push(Action::LookAtBlocks(desk.form.blocks.clone()));
    }
}

fn preview(ui: &mut Ui, desk: &mut Desk<'_>, incoming: &Incoming) {
    let tokens = desk.tokens;
    let frame = Frame::new().fill(tokens.app).corner_radius(size::RADIUS).inner_margin(12);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let first = say!("blocks-preview", count = incoming.new.len());
        ui.label(RichText::new(first).font(medium(14.0)).color(tokens.text));
        if incoming.known > 0 {
            sentence(ui, tokens, &say!("blocks-preview-known", count = incoming.known));
        }
        if incoming.contacts > 0 {
            let words = say!("blocks-preview-contacts", count = incoming.contacts);
            ui.label(RichText::new(words).font(regular(13.0)).color(tokens.warning));
        }
        if incoming.own {
            sentence(ui, tokens, &say!("blocks-preview-own"));
        }
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            let some = !incoming.new.is_empty();
            let label = say!("blocks-import", count = incoming.new.len());
            if some && widget::danger(ui, tokens, &label).clicked() {
                desk.actions.push(Action::ImportBlocks);
            }
            if ui.button(say!("cancel")).clicked() {
                desk.form.incoming = None;
            }
        });
    });
}
