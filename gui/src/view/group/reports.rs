//! What members reported, for those who keep order, and the dialog by which a message is reported.

use eframe::egui;
use eframe::egui::Frame;
use eframe::egui::RichText;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use kith_engine::view::MemberView;
use kith_engine::view::ReportView;
use kith_proto::group::word::MAX_REASON_BYTES;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::groups::Step;
use crate::model::Model;
use crate::model::groups::reports;
use crate::model::groups::reports::ReportForm;
use crate::model::groups::reports::Why;
use crate::model::groups::words;
use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::dialogs;
use crate::view::group::Desk;
use crate::view::group::members;
use crate::view::group::sentence;
use crate::widget;

/// Characters of a reported message that are shown.
const QUOTED_CHARS: usize = 280;

/// Draws the page.
pub(super) fn reports(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group) = (desk.tokens, desk.group);
    if group.reports.is_empty() {
        ui.add_space(space::L);
        ui.vertical_centered(|ui| {
            ui.label(RichText::new(icons::SHIELD).font(icon(36.0)).color(tokens.faint));
            ui.label(RichText::new(say!("reports-none")).font(semibold(15.0)).color(tokens.text));
            sentence(ui, tokens, &say!("reports-none-hint"));
        });
        return;
    }
    sentence(ui, tokens, &say!("reports-what"));
    for report in &group.reports {
        ui.add_space(space::XS);
        ui.push_id((report.message, report.by), |ui| one(ui, desk, report));
    }
}

fn one(ui: &mut Ui, desk: &mut Desk<'_>, report: &ReportView) {
    let tokens = desk.tokens;
    let frame = Frame::new().fill(tokens.app).corner_radius(size::RADIUS).inner_margin(12);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let by = desk.model.groups.told_name(&report.by);
        let when = words::moment(report.since, desk.now);
        let told = say!("reports-by", name = by, when = when);
        ui.label(RichText::new(told).font(regular(12.5)).color(tokens.muted));
        let reason = text::clean_name(&report.reason);
        let reason = if reason.is_empty() { say!("reports-no-reason") } else { reason };
        ui.label(RichText::new(reason).font(medium(14.0)).color(tokens.text));
        let author = desk.model.groups.told_name(&report.author);
        quote(ui, tokens, &author, &report.text, tokens.side);
        verdicts(ui, desk, report);
    });
}

/// What was said, with an edge.
fn quote(ui: &mut Ui, tokens: &Tokens, author: &str, said: &str, ground: egui::Color32) {
    let frame = Frame::new().fill(ground).corner_radius(6.0).inner_margin(egui::Margin {
        left: 12,
        right: 8,
        top: 6,
        bottom: 6,
    });
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.label(RichText::new(author).font(semibold(12.0)).color(tokens.accent));
        let cut: String = said.chars().take(QUOTED_CHARS).collect();
        let cut = if cut.len() < said.len() { format!("{cut}…") } else { cut };
        ui.label(RichText::new(cut).font(regular(13.5)).color(tokens.text));
    });
    let rect = shown.response.rect;
    let edge = egui::Rect::from_min_size(rect.min, egui::vec2(3.0, rect.height()));
    ui.painter().rect_filled(edge, 2.0, tokens.accent);
}

/// What can be done about a report.
fn verdicts(ui: &mut Ui, desk: &mut Desk<'_>, report: &ReportView) {
    let tokens = desk.tokens;
    let author: Option<&MemberView> =
        desk.group.members.iter().find(|member| member.account == report.author);
    let rights = desk.rights();
    let may = author.is_some_and(|author| rights.may_discipline(author));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().button_padding = egui::vec2(10.0, 5.0);
        if ui.button(say!("reports-go")).clicked() {
            desk.actions.push(Action::ShowMessage(report.message));
        }
        if widget::danger(ui, tokens, &say!("menu-delete-for-all")).clicked() {
            desk.ask(Step::Delete(report.message));
        }
        if let Some(author) = author.filter(|_| may) {
            ui.menu_button(
                say!("reports-member", name = desk.model.groups.told_name(&report.author)),
                |ui| {
                    members::discipline(ui, desk, author);
                },
            );
        }
        if ui.button(say!("reports-dismiss")).on_hover_text(say!("reports-dismiss-hint")).clicked() {
            desk.want(GroupAction::Dismiss { by: report.by, message: report.message });
        }
    });
    if author.is_none() {
        sentence(ui, tokens, &say!("reports-author-gone"));
    }
}

/// Draws the dialog by which a message is reported.
pub fn report(ui: &mut Ui, model: &Model, form: &mut ReportForm, tokens: &Tokens, actions: &mut Vec<Action>) {
    dialogs::title(ui, tokens, &say!("report-title"), actions);
    let author = model.groups.told_name(&form.message.sender);
    quote(ui, tokens, &author, &form.message.text, tokens.app);
    ui.add_space(space::XS);
    ui.label(RichText::new(say!("report-why")).font(medium(14.0)).color(tokens.text));
    for why in Why::ALL {
        widget::marks(ui, tokens, |ui| ui.radio_value(&mut form.why, why, why.words()));
    }
    let name = if form.why == Why::Other { say!("report-words-needed") } else { say!("report-words") };
    let label = ui.label(RichText::new(name).font(medium(13.0)).color(tokens.muted));
    let edit = TextEdit::multiline(&mut form.words)
        .desired_rows(2)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(12, 9));
    ui.add(edit).labelled_by(label.id);
    form.words.truncate(form.words.floor_char_boundary(MAX_REASON_BYTES));
    told(ui, model, form, tokens);
    widget::error(ui, tokens, form.error.as_deref());
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        let ready = form.is_ready();
        if ui.add_enabled_ui(ready, |ui| widget::primary(ui, tokens, &say!("report-send"))).inner.clicked() {
            actions.push(Action::Group(GroupAction::SendReport));
        }
        if ui.button(say!("cancel")).clicked() {
            actions.push(Action::CloseDialog);
        }
    });
}

/// Who will see it.
fn told(ui: &mut Ui, model: &Model, form: &ReportForm, tokens: &Tokens) {
    let group = model.groups.of_chat(&form.message.chat);
    let mut told = group.map(|group| reports::told(group, model.groups.own())).unwrap_or_default();
    // Whoever wrote it may be one of them.
    let keeps = told.contains(&form.message.sender);
    told.retain(|who| *who != form.message.sender);
    let names: Vec<String> = told.iter().take(3).map(|who| model.groups.told_name(who)).collect();
    let (count, names) = (told.len(), names.join(", "));
    let author = model.groups.told_name(&form.message.sender);
    let words = match count.saturating_sub(3) {
        _ if keeps => say!("report-told-author", author = author),
        0 => say!("report-told", names = names, author = author),
        more => say!("report-told-more", names = names, count = more, author = author),
    };
    ui.horizontal_top(|ui| {
        ui.label(RichText::new(icons::EYE).font(icon(16.0)).color(tokens.muted));
        let words = RichText::new(words).font(regular(13.0)).color(tokens.muted);
        ui.add(egui::Label::new(words).wrap());
    });
}
