//! The page of the settings about keeping mail for others.

use eframe::egui::Slider;
use eframe::egui::Ui;
use kith_node::helping::HelpView;
use kith_node::helping::settings::Who;

use crate::action::Action;
use crate::model::network;
use crate::model::settings::SIZE_STEPS;
use crate::say;
use crate::text;
use crate::theme::size;
use crate::theme::space;
use crate::view::settings::Desk;
use crate::view::settings::heading;
use crate::view::settings::lists;
use crate::view::settings::sentence;
use crate::widget;

/// As long as makes a step easy to hit.
const SLIDER: f32 = 240.0;

pub(super) fn help(ui: &mut Ui, desk: &mut Desk<'_>) {
    let words = say!("help-what");
    sentence(ui, desk.tokens, &words);
    let nothing = HelpView::default();
    let view = desk.model.help.as_ref().unwrap_or(&nothing);
    let (lines, tone) = network::helping(view, desk.now);
    let mut lines = lines.iter();
    if let Some(first) = lines.next() {
        lists::state(ui, desk.tokens, tone, first);
    }
    for line in lines {
        sentence(ui, desk.tokens, line);
    }
    heading(ui, desk.tokens, &say!("help-whom"));
    ui.horizontal(|ui| {
        for (who, name) in [(Who::Contacts, say!("help-contacts")), (Who::Anybody, say!("help-anybody"))] {
            if ui.selectable_label(desk.form.who == who, name).clicked() {
                desk.form.who = who;
            }
        }
    });
    let words = match desk.form.who {
        Who::Contacts => say!("help-contacts-what"),
        Who::Anybody => say!("help-anybody-what"),
    };
    sentence(ui, desk.tokens, &words);
    heading(ui, desk.tokens, &say!("help-how-much"));
    ui.horizontal(|ui| {
        ui.spacing_mut().slider_width = SLIDER;
        let slider = ui.add(Slider::new(&mut desk.form.size_step, 0..=SIZE_STEPS).show_value(false));
        let most = ui.label(say!("help-at-most", size = text::size(desk.form.bytes())));
        slider.labelled_by(most.id);
    });
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        if !view.settings.enabled {
            if widget::primary(ui, desk.tokens, &say!("help-on")).clicked() {
                desk.actions.push(Action::Help(true));
            }
            return;
        }
        if desk.form.differs_from(view) && widget::primary(ui, desk.tokens, &say!("save")).clicked() {
            desk.actions.push(Action::Help(true));
        }
        if ui.button(say!("help-off")).clicked() {
            desk.actions.push(Action::Help(false));
        }
    });
    if view.settings.enabled {
        share(ui, desk);
    }
}

/// The address to give to those who want to use this mailbox.
fn share(ui: &mut Ui, desk: &mut Desk<'_>) {
    // A relay does not carry mailboxes.
    let direct = |address: &&String| !address.contains("/p2p-circuit");
    let Some(address) = desk.model.listen.iter().find(direct).cloned() else { return };
    heading(ui, desk.tokens, &say!("help-address"));
    ui.horizontal(|ui| {
        ui.set_min_height(size::HIT);
        let width = (ui.available_width() - 2.0 * (size::HIT + space::S)).max(80.0);
        let line = widget::line(ui, &address, crate::theme::regular(12.5), desk.tokens.muted, width);
        ui.label(line).on_hover_text(&address);
        if widget::icon_button(ui, desk.tokens, crate::theme::icons::QR, &say!("show-code")).clicked() {
            desk.actions.push(Action::ShowCode(Some(address.clone())));
        }
        if widget::icon_button(ui, desk.tokens, crate::theme::icons::COPY, &say!("copy-its-address"))
            .clicked()
        {
            desk.actions.push(Action::Copy(address.clone()));
        }
    });
    lists::shown_code(ui, desk, &address);
}
