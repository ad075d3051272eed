//! The page of the settings about calls: devices, and who must not learn the own address.

use eframe::egui;
use eframe::egui::Ui;
use kith_engine::view::HideAddress;
use kith_node::calling::stats::Rehearsed;

use crate::action::Action;
use crate::action::CallAction;
use crate::say;
use crate::theme::space;
use crate::view::call;
use crate::view::settings::Desk;
use crate::view::settings::heading;
use crate::view::settings::sentence;
use crate::widget;

/// A call to oneself.
fn test(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.add_space(space::S);
    let now = desk.model.calls.rehearsal();
    let in_call = desk.model.calls.is_talking();
    let label = if now.is_some() { say!("call-test-end") } else { say!("call-test") };
    let button =
        ui.add_enabled(!in_call, egui::Button::new(label)).on_disabled_hover_text(say!("call-no-talking"));
    if button.clicked() {
        desk.actions.push(Action::Call(CallAction::Rehearse(now.is_none())));
    }
    let words = match now {
        None => say!("call-test-what"),
        Some(Rehearsed { lacks_microphone: true, .. }) => say!("call-end-no-microphone"),
        Some(Rehearsed { lacks_speaker: true, .. }) => say!("call-test-no-speaker"),
        Some(_) => say!("call-test-speak"),
    };
    sentence(ui, desk.tokens, &words);
}

pub(super) fn calls(ui: &mut Ui, desk: &mut Desk<'_>) {
    heading(ui, desk.tokens, &say!("call-devices"));
    ui.scope(|ui| call::devices(ui, desk.model, desk.tokens, desk.actions));
    sentence(ui, desk.tokens, &say!("call-devices-what"));
    test(ui, desk);
    ui.add_space(space::S);
    ui.separator();
    heading(ui, desk.tokens, &say!("call-hide-title"));
    let now = desk.model.calls.settings.hide_address;
    for (from, name) in [
        (HideAddress::Everybody, say!("call-hide-everybody")),
        (HideAddress::Unverified, say!("call-hide-unverified")),
        (HideAddress::Nobody, say!("call-hide-nobody")),
    ] {
        if widget::marks(ui, desk.tokens, |ui| ui.radio(from == now, name)).clicked() {
            desk.actions.push(Action::Call(CallAction::Hide(from)));
        }
    }
    sentence(ui, desk.tokens, &say!("call-hide-what"));
}
