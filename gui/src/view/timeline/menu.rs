//! What can be done about one message.

use eframe::egui;
use eframe::egui::Ui;
use kith_engine::view::MessageView;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::groups::Doubt;
use crate::action::groups::Step;
use crate::say;
use crate::view::timeline::Scene;

/// In groups of up to so many members it is known who has a message.
const COUNTED_MEMBERS: usize = 32;

/// The menu of a message.
pub(super) fn message(
    ui: &mut Ui,
    scene: &Scene<'_>,
    view: &MessageView,
    clock: &str,
    actions: &mut Vec<Action>,
) {
    let mut item = |ui: &mut Ui, label: &str, action: Action| {
        if ui.button(label).clicked() {
            actions.push(action);
            ui.close();
        }
    };
    if scene.may_write() {
        item(ui, &say!("menu-answer"), Action::Reply(view.message));
    }
    item(ui, &say!("menu-copy"), Action::Copy(view.text.clone()));
    if let Some(group) = scene.group() {
        let rights = scene.groups.rights(group);
        if rights.may_pin() {
            let (label, action) = match group.pins.contains(&view.message) {
                true => (say!("unpin"), GroupAction::Unpin(view.message)),
                false => (say!("menu-pin"), GroupAction::Pin(view.message)),
            };
            item(ui, &label, Action::Group(action));
        }
        if view.outgoing && group.members.len() <= COUNTED_MEMBERS {
            item(ui, &say!("receipts-title"), Action::Group(GroupAction::ShowReceipts(view.message)));
        }
        if !view.outgoing && rights.may_report() {
            item(ui, &say!("menu-report"), Action::Group(GroupAction::OpenReport(view.message)));
        }
        if rights.may_moderate() {
            let doubt = Doubt { group: group.group, what: Step::Delete(view.message) };
            item(ui, &say!("menu-delete-for-all"), Action::Group(GroupAction::Ask(doubt)));
        }
    } else if view.outgoing {
        item(ui, &say!("menu-trace"), Action::Trace(view.message));
    }
    for link in links(&view.text) {
        if ui.button(say!("menu-open-link", host = host(link))).on_hover_text(link).clicked() {
            ui.ctx().open_url(egui::OpenUrl::new_tab(link));
            ui.close();
        }
    }
    ui.separator();
    ui.weak(format!("{clock} · {}", scene.state_word(view)));
}

/// A click with Ctrl opens the only link of a message.
pub(super) fn link_at<'t>(ui: &Ui, text: &'t str, response: &egui::Response) -> Option<&'t str> {
    let wanted = response.clicked() && ui.input(|input| input.modifiers.command);
    let mut found = links(text);
    found.next().filter(|_| wanted && found.next().is_none())
}

/// The web addresses in a text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| word.starts_with("https://") || word.starts_with("http://")).take(8)
}

/// Whom a link really leads to.
fn host(link: &str) -> &str {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    rest.rsplit('@').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_shows_whom_it_really_leads_to() {
        assert_eq!(host("https://example.org/a?b"), "example.org");
        assert_eq!(host("https://bank.example@evil.example/login"), "evil.example");
        assert_eq!(links("see https://a.example and http://b.example.").count(), 2);
    }
}
