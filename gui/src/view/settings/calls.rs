//! The page of the settings about calls: devices, and who must not learn the own address.

use eframe::egui::Ui;
use kith_engine::view::HideAddress;

use crate::action::Action;
use crate::action::CallAction;
use crate::say;
use crate::theme::space;
use crate::view::call;
use crate::view::settings::Desk;
use crate::view::settings::heading;
use crate::view::settings::sentence;
use crate::widget;

pub(super) fn calls(ui: &mut Ui, desk: &mut Desk<'_>) {
    heading(ui, desk.tokens, &say!("call-devices"));
    ui.scope(|ui| call::devices(ui, desk.model, desk.tokens, desk.actions));
    sentence(ui, desk.tokens, &say!("call-devices-what"));
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
