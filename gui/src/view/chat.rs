//! The right side: the bar above a chat, the timeline, the composer.

mod bar;
mod pins;

use eframe::egui;
use eframe::egui::Align;
use eframe::egui::CentralPanel;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::RichText;
use eframe::egui::Sense;
use eframe::egui::Ui;
use eframe::egui::vec2;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;

use crate::action::Action;
use crate::action::CallAction;
use crate::model::Model;
use crate::model::calls::words;
use crate::model::dates::Now;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::call;
use crate::view::composer;
use crate::view::sidebar;
use crate::view::timeline;
use crate::widget;

/// Room for the buttons beside a name.
const BUTTONS: f32 = 4.0 * (size::HIT + space::S);

/// Draws the open chat.
pub fn chat(
    ui: &mut Ui,
    model: &mut Model,
    tokens: &Tokens,
    now: Now,
    narrow: bool,
    actions: &mut Vec<Action>,
) {
    Panel::top("top bar")
        .exact_size(size::TOP_BAR)
        .show_separator_line(false)
        .frame(Frame::new().fill(tokens.side).inner_margin(Margin::symmetric(16, 0)))
        .show(ui, |ui| match model.open_group() {
            Some(group) => bar::of_group(ui, model, group, tokens, narrow, actions),
            None => top_bar(ui, model, tokens, narrow, actions),
        });
    if let Some(group) = model.open_group() {
        call::strip(ui, model, group, (tokens, now), actions);
        pins::pins(ui, model, tokens, actions);
    }
    if let Some((glyph, sentence)) = notice(model) {
        Panel::top("notice")
            .show_separator_line(false)
            .frame(Frame::NONE)
            .show(ui, |ui| widget::banner(ui, tokens, glyph, &sentence));
    }
    let margin = Margin { left: 14, right: 14, top: 6, bottom: 14 };
    Panel::bottom("composer")
        .show_separator_line(false)
        .frame(Frame::new().fill(tokens.app).inner_margin(margin))
        .show(ui, |ui| composer::composer(ui, model, tokens, now, actions));
    CentralPanel::default()
        .frame(Frame::new().fill(tokens.app))
        .show(ui, |ui| timeline::timeline(ui, model, tokens, now, actions));
}

/// What a person should know before writing here.
fn notice(model: &Model) -> Option<(&'static str, String)> {
    let offline = || {
        let sentence = say!("chat-offline");
        model.network.listen.is_empty().then_some((icons::OFFLINE, sentence))
    };
    let Some(contact) = model.open_contact() else { return offline() };
    match contact.state {
        ContactState::Requested if contact.refused && contact.by_address => {
            let sentence = say!("chat-refused-address");
            Some((icons::WARNING, sentence))
        }
        ContactState::Requested if contact.by_address && contact.mailboxes == 0 => {
            let sentence = say!("chat-looked-for");
            Some((icons::USER_PLUS, sentence))
        }
        ContactState::Requested if contact.refused => {
            let sentence = say!("chat-refused-link");
            Some((icons::WARNING, sentence))
        }
        ContactState::Requested => {
            let sentence = say!("chat-not-accepted");
            Some((icons::USER_PLUS, sentence))
        }
        ContactState::Blocked => Some((icons::WARNING, say!("chat-blocked"))),
        _ => offline(),
    }
}

/// The buttons that call somebody; where that cannot be, they say why.
fn calls(ui: &mut Ui, model: &Model, contact: &ContactView, tokens: &Tokens, actions: &mut Vec<Action>) {
    for (camera, glyph, label) in
        [(true, icons::CAMERA, say!("call-start-video")), (false, icons::PHONE, say!("call-start"))]
    {
        let why = model.no_call(contact, camera).map(words::no_call);
        if widget::icon_button_unless(ui, tokens, glyph, &label, why.as_deref()).clicked() {
            actions.push(Action::Call(CallAction::Start { chat: contact.chat, camera }));
        }
    }
}

fn top_bar(ui: &mut Ui, model: &Model, tokens: &Tokens, narrow: bool, actions: &mut Vec<Action>) {
    let Some(contact) = model.open_contact() else { return };
    let name = model.name_of(&contact.contact);
    let online = model.online.contains(&contact.contact);
    ui.horizontal_centered(|ui| {
        if narrow && widget::icon_button(ui, tokens, icons::BACK, &say!("back-to-chats")).clicked() {
            actions.push(Action::CloseChat);
        }
        let (rect, _) = ui.allocate_exact_size(vec2(42.0, 42.0), Sense::hover());
        let seed = contact.contact.0.first().copied().unwrap_or(0);
        widget::avatar(ui.painter(), tokens, rect.center(), 42.0, seed, &name);
        ui.vertical(|ui| {
            ui.add_space(11.0);
            ui.spacing_mut().item_spacing = vec2(space::XS, 1.0);
            ui.horizontal(|ui| {
                let width = (ui.available_width() - BUTTONS).max(60.0);
                ui.label(widget::line(ui, &name, semibold(15.5), tokens.text, width));
                if contact.verified {
                    let mark = ui.label(RichText::new(icons::SHIELD).font(icon(15.0)).color(tokens.good));
                    mark.on_hover_text(say!("safety-compared-mark"));
                }
            });
            ui.horizontal(|ui| {
                let (color, words) = match (contact.state, online) {
                    (ContactState::Accepted, true) => (tokens.good, say!("presence-direct")),
                    (ContactState::Accepted, false) if contact.mailboxes > 0 => {
                        (tokens.faint, say!("presence-mailboxes"))
                    }
                    (ContactState::Accepted, false) => (tokens.faint, say!("presence-offline")),
                    (ContactState::Requested, _) if contact.refused && contact.by_address => {
                        (tokens.danger, say!("presence-refused-address"))
                    }
                    (ContactState::Requested, _) if contact.refused => {
                        (tokens.danger, say!("presence-refused-link"))
                    }
                    (ContactState::Requested, _) => (tokens.warning, say!("presence-waiting")),
                    (ContactState::Incoming, _) => (tokens.warning, say!("presence-asks")),
                    (ContactState::Blocked, _) => (tokens.danger, say!("blocked")),
                };
                let (dot, _) = ui.allocate_exact_size(vec2(8.0, 14.0), Sense::hover());
                ui.painter().circle_filled(dot.center(), 3.5, color);
                let status =
                    if contact.status.is_empty() { String::new() } else { format!(" · {}", contact.status) };
                let width = (ui.available_width() - BUTTONS).max(60.0);
                ui.label(widget::line(ui, &format!("{words}{status}"), regular(12.5), tokens.muted, width));
            });
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let more = widget::icon_button(ui, tokens, icons::MORE, &say!("more"));
            egui::Popup::menu(&more).show(|ui| sidebar::contact_menu(ui, model, contact, actions));
            calls(ui, model, contact, tokens, actions);
            if !narrow && widget::icon_button(ui, tokens, icons::SHIELD, &say!("safety-compare")).clicked() {
                actions.push(Action::ShowSafety(contact.contact));
            }
        });
    });
}
