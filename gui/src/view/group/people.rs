//! Choosing people: a new group, or more people for one.

use eframe::egui;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::Role as Aria;
use eframe::egui::ScrollArea;
use eframe::egui::Sense;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_proto::group::MAX_GROUP_NAME_BYTES;
use kith_proto::group::Role;
use kith_proto::id::ContactId;

use crate::action::Action;
use crate::action::GroupAction;
use crate::model::Model;
use crate::model::groups::people::Kind;
use crate::model::groups::people::PeopleForm;
use crate::model::groups::words;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::dialogs;
use crate::view::group::choice;
use crate::view::group::kind;
use crate::widget;

/// A row of the list, and the list's height.
const ROW: f32 = 46.0;
const LIST: f32 = 276.0;

/// The same where it is chosen what kind of group is made.
const LIST_BESIDE: f32 = 140.0;

/// Draws the dialog.
pub fn people(ui: &mut Ui, model: &Model, form: &mut PeopleForm, tokens: &Tokens, actions: &mut Vec<Action>) {
    let is_new = form.group.is_none();
    let title = if is_new { say!("new-group") } else { say!("add-people") };
    dialogs::title(ui, tokens, &title, actions);
    if is_new {
        let field = widget::field(ui, tokens, &say!("group-name"), &mut form.name, false);
        form.name.truncate(form.name.floor_char_boundary(MAX_GROUP_NAME_BYTES));
        widget::focus_first(ui, &field);
        ui.add_space(space::XS);
        kind::kind(ui, form, tokens);
        ui.add_space(space::XS);
    }
    if form.kind == Kind::Private {
        contacts(ui, model, form, tokens);
    } else {
        ui.label(RichText::new(say!("kind-link-follows")).font(regular(13.0)).color(tokens.muted));
    }
    if !is_new {
        let group = form.group.and_then(|group| model.groups.get(&group));
        let roles = group.map(|group| model.groups.rights(group).roles_to_admit()).unwrap_or_default();
        let roles = roles.into_iter().map(|role| (role, words::role(role)));
        let roles: Vec<(Role, String)> = roles.collect();
        if roles.len() > 1 {
            choice(ui, tokens, &say!("come-as"), &mut form.role, &roles);
        }
    }
    widget::error(ui, tokens, form.error.as_deref());
    ui.add_space(space::XS);
    let label = if is_new { say!("people-make") } else { say!("people-add") };
    let ready = form.is_ready();
    if ui.add_enabled_ui(ready, |ui| widget::primary(ui, tokens, &label)).inner.clicked() {
        actions.push(Action::Group(GroupAction::SubmitPeople));
    }
}

/// Choosing among the contacts.
fn contacts(ui: &mut Ui, model: &Model, form: &mut PeopleForm, tokens: &Tokens) {
    let is_new = form.group.is_none();
    let shown = form.shown(&model.contacts, |contact| model.name_of(contact));
    let words = match (form.chosen.len(), is_new) {
        (0, true) => say!("people-who"),
        (0, false) => say!("people-choose"),
        (count, _) => say!("people-chosen", count = count),
    };
    ui.label(RichText::new(words).font(medium(13.0)).color(tokens.muted));
    search(ui, form, tokens);
    let mut toggled = None;
    if shown.is_empty() {
        ui.add_space(space::S);
        let words = match (form.search.trim().is_empty(), is_new) {
            (false, _) => say!("people-nobody"),
            (true, true) => {
                say!("people-no-contacts")
            }
            (true, false) => say!("people-all-members"),
        };
        ui.label(RichText::new(words).font(regular(13.5)).color(tokens.muted));
        ui.add_space(space::S);
    } else {
        ScrollArea::vertical()
            .max_height(if is_new { LIST_BESIDE } else { LIST })
            .auto_shrink([false, true])
            .show_rows(ui, ROW - space::S, shown.len(), |ui, range| {
                for (contact, name) in shown.get(range).unwrap_or_default() {
                    let chosen = form.chosen.contains(&contact.contact);
                    let online = model.online.contains(&contact.contact);
                    if row(ui, &contact.contact, name, (chosen, online), tokens).clicked() {
                        toggled = Some(contact.contact);
                    }
                }
            });
    }
    if let Some(contact) = toggled {
        form.toggle(contact);
    }
}

fn search(ui: &mut Ui, form: &mut PeopleForm, tokens: &Tokens) {
    let frame = Frame::new().fill(tokens.app).corner_radius(size::RADIUS);
    frame.inner_margin(Margin::symmetric(10, 7)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::SEARCH).font(icon(16.0)).color(tokens.muted));
            let edit = TextEdit::singleline(&mut form.search)
                .id(Id::unique("search people"))
                .frame(Frame::NONE)
                .desired_width(f32::INFINITY)
                .hint_text(RichText::new(say!("people-search")).color(tokens.faint));
            ui.add(edit);
        });
    });
}

/// Somebody to choose.
fn row(
    ui: &mut Ui,
    contact: &ContactId,
    name: &str,
    (chosen, online): (bool, bool),
    tokens: &Tokens,
) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW - space::S), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Aria::CheckBox, true, chosen, name));
    let ground = if response.hovered() { tokens.hover } else { tokens.raised };
    ui.painter().rect_filled(rect.expand2(vec2(0.0, 3.0)), size::RADIUS, ground);
    if response.has_focus() {
        let stroke = egui::Stroke::new(2.0, tokens.accent);
        ui.painter().rect_stroke(rect, size::RADIUS, stroke, egui::StrokeKind::Inside);
    }
    let center = rect.left_center() + vec2(22.0, 0.0);
    let seed = contact.0.first().copied().unwrap_or(0);
    widget::avatar(ui.painter(), tokens, center, 34.0, seed, name);
    if online {
        widget::online_dot(ui.painter(), tokens, center + vec2(12.0, 12.0), ground);
    }
    let left = center.x + 17.0 + space::M;
    let galley = widget::line(ui, name, medium(14.0), tokens.text, rect.max.x - left - 44.0);
    ui.painter().galley(pos2(left, rect.center().y - galley.size().y / 2.0), galley, tokens.text);
    let mark = pos2(rect.max.x - 20.0, rect.center().y);
    if chosen {
        ui.painter().circle_filled(mark, 10.0, tokens.fill);
        let pen = egui::Stroke::new(2.0, tokens.on_fill);
        let tick = vec![mark + vec2(-4.2, 0.3), mark + vec2(-1.2, 3.2), mark + vec2(4.4, -3.2)];
        ui.painter().add(egui::Shape::line(tick, pen));
    } else {
        ui.painter().circle_stroke(mark, 9.5, egui::Stroke::new(1.5, tokens.faint));
    }
    response
}
