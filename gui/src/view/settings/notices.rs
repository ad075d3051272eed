//! The page of the settings about notifications: how much they say.

use eframe::egui::Ui;

use crate::action::Action;
use crate::model::notices::Show;
use crate::say;
use crate::theme::space;
use crate::view::settings::Desk;
use crate::view::settings::heading;
use crate::view::settings::sentence;
use crate::widget;

pub(super) fn notices(ui: &mut Ui, desk: &mut Desk<'_>) {
    heading(ui, desk.tokens, &say!("notices-what"));
    let now = desk.model.notices.show;
    for (show, name) in [
        (Show::Text, say!("notices-text")),
        (Show::Name, say!("notices-name")),
        (Show::Nothing, say!("notices-nothing")),
    ] {
        if widget::marks(ui, desk.tokens, |ui| ui.radio(show == now, name)).clicked() {
            desk.actions.push(Action::SetShow(show));
        }
    }
    ui.add_space(space::S);
    sentence(ui, desk.tokens, &say!("notices-rules"));
    sentence(ui, desk.tokens, &say!("notices-lock-screen"));
}
