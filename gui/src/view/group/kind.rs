//! What kind of group is made, in plain words, and how people come into a public one.

use eframe::egui::Align2;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::text::LayoutJob;
use eframe::egui::vec2;

use crate::model::groups::people::Kind;
use crate::model::groups::people::PeopleForm;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::group::choice;

/// Draws the choice.
pub(super) fn kind(ui: &mut Ui, form: &mut PeopleForm, tokens: &Tokens) {
    ui.spacing_mut().item_spacing.y = space::XS;
    for kind in Kind::ALL {
        let (glyph, name, means) = match kind {
            Kind::Private => (icons::LOCK, say!("kind-private"), say!("kind-private-means")),
            Kind::Room => (icons::GLOBE, say!("kind-room"), say!("kind-room-means")),
            Kind::Directory => (icons::BOOKS, say!("kind-directory"), say!("kind-directory-means")),
        };
        if option(ui, tokens, glyph, (&name, &means), form.kind == kind) {
            form.kind = kind;
        }
    }
    ui.spacing_mut().item_spacing.y = space::S;
    if form.kind != Kind::Private {
        openness(ui, form, tokens);
    }
}

/// How people come in, and what they may do at first.
fn openness(ui: &mut Ui, form: &mut PeopleForm, tokens: &Tokens) {
    let ways = [(false, say!("kind-by-work")), (true, say!("kind-by-approval"))];
    choice(ui, tokens, &say!("kind-coming-in"), &mut form.approval, &ways);
    let firsts = [(false, say!("kind-write-at-once")), (true, say!("kind-observers-first"))];
    choice(ui, tokens, &say!("kind-newcomers"), &mut form.observers_first, &firsts);
}

/// One kind: an icon, a name, what it means. Returns whether it was chosen.
fn option(ui: &mut Ui, tokens: &Tokens, glyph: &str, (name, means): (&str, &str), chosen: bool) -> bool {
    let width = ui.available_width();
    let (left, pad) = (44.0, 9.0);
    let means_job = LayoutJob::simple(means.to_owned(), regular(12.5), tokens.muted, width - left - space::M);
    let below = ui.fonts_mut(|fonts| fonts.layout_job(means_job));
    let height = 2.0 * pad + 19.0 + below.size().y;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
    response
        .widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, format!("{name}: {means}")));
    let fill = match (chosen, response.hovered()) {
        (true, _) => tokens.selected,
        (false, true) => tokens.hover,
        (false, false) => tokens.raised,
    };
    let line = if chosen || response.has_focus() { tokens.accent } else { tokens.border };
    let stroke = Stroke::new(if response.has_focus() { 2.0 } else { 1.0 }, line);
    ui.painter().rect(rect, size::RADIUS, fill, stroke, StrokeKind::Inside);
    let ink = if chosen { tokens.accent } else { tokens.muted };
    let center = pos2(rect.min.x + left / 2.0, rect.center().y);
    ui.painter().text(center, Align2::CENTER_CENTER, glyph, icon(20.0), ink);
    let at = pos2(rect.min.x + left, rect.min.y + pad);
    ui.painter().text(at, Align2::LEFT_TOP, name, medium(14.0), tokens.text);
    ui.painter().galley(at + vec2(0.0, 20.0), below, tokens.muted);
    response.clicked()
}
