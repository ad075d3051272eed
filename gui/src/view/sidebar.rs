//! The chat list with search, requests, and the connection in words.

use eframe::egui;
use eframe::egui::Align;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::Role;
use eframe::egui::ScrollArea;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::vec2;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;

use crate::action::Action;
use crate::model::Model;
use crate::model::dates::Now;
use crate::text;
use crate::theme::Choice;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

/// The search field, so that a shortcut can go to it.
pub const SEARCH: &str = "search";

/// Draws the sidebar.
pub fn sidebar(ui: &mut Ui, model: &mut Model, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        // As high as the buttons beside it: the title is in the middle of the row, too.
        ui.set_min_height(size::HIT);
        ui.add_space(space::XS);
        ui.label(RichText::new("Chats").font(semibold(20.0)).color(tokens.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if widget::icon_button(ui, tokens, icons::USER_PLUS, "Add somebody").clicked() {
                actions.push(Action::OpenAdd);
            }
            if widget::icon_button(ui, tokens, icons::GEAR, "Settings").clicked() {
                actions.push(Action::OpenSettings);
            }
            let (glyph, choice) =
                if tokens.dark { (icons::SUN, Choice::Light) } else { (icons::MOON, Choice::Dark) };
            if widget::icon_button(ui, tokens, glyph, "Change the theme").clicked() {
                actions.push(Action::SetTheme(choice));
            }
        });
    });
    search(ui, model, tokens);
    ui.add_space(space::XS);
    let footer = 30.0;
    let height = (ui.available_height() - footer).max(0.0);
    ScrollArea::vertical().max_height(height).auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for request in model.requests() {
            request_card(ui, request, tokens, actions);
        }
        let open = model.open_chat();
        let mut found = false;
        for view in model.chats.shown() {
            found = true;
            let with = view.contact();
            let contact = with.and_then(|with| model.contacts.get(&with));
            let online = with.is_some_and(|with| model.online.contains(&with));
            let name = with.map_or_else(|| text::clean_name(&view.name), |with| model.name_of(&with));
            row(ui, view, contact, &name, online, open == Some(view.chat), tokens, now, actions);
        }
        if !found && !model.chats.search.is_empty() {
            ui.add_space(space::L);
            ui.vertical_centered(|ui| ui.label(RichText::new("Nothing found").color(tokens.muted)));
        }
    });
    let (words, good) = model.connection();
    ui.horizontal(|ui| {
        ui.add_space(space::S);
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 20.0), Sense::hover());
        ui.painter().circle_filled(dot.center(), 4.0, if good { tokens.good } else { tokens.warning });
        let label = ui.label(RichText::new(words).font(regular(12.5)).color(tokens.muted));
        let network = &model.network;
        label.on_hover_text(format!(
            "{} peers, {} of {} community nodes, {} in the directory",
            network.peers,
            network.bootstraps_connected,
            network.bootstraps.len(),
            network.dht_peers
        ));
    });
}

fn search(ui: &mut Ui, model: &mut Model, tokens: &Tokens) {
    Frame::new().fill(tokens.input).corner_radius(size::RADIUS).inner_margin(Margin::symmetric(10, 7)).show(
        ui,
        |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(icons::SEARCH).font(icon(16.0)).color(tokens.muted));
                let edit = TextEdit::singleline(&mut model.chats.search)
                    .id(Id::unique(SEARCH))
                    .frame(Frame::NONE)
                    .desired_width(f32::INFINITY)
                    .hint_text(RichText::new("Search  Ctrl+K").color(tokens.faint));
                ui.add(edit);
            });
        },
    );
}

fn request_card(ui: &mut Ui, request: &ContactView, tokens: &Tokens, actions: &mut Vec<Action>) {
    let frame = Frame::new()
        .fill(tokens.selected)
        .corner_radius(size::RADIUS)
        .inner_margin(Margin::same(12))
        .outer_margin(Margin { bottom: 6, ..Margin::ZERO });
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let name = text::clean_name(&request.name);
        ui.label(RichText::new(format!("{name} asks to be added")).font(medium(14.0)).color(tokens.text));
        if request.stranger {
            let warning = "A stranger: knows only your address, as anybody may, and any name can be made up. Accept \
                           only whom you expect.";
            ui.label(RichText::new(warning).font(regular(13.0)).color(tokens.warning));
        }
        if !request.greeting.is_empty() {
            let greeting =
                widget::line(ui, &request.greeting, regular(13.0), tokens.muted, ui.available_width());
            ui.label(greeting).on_hover_text(&request.greeting);
        }
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            if widget::primary(ui, tokens, "Accept").clicked() {
                actions.push(Action::Accept(request.contact));
            }
            let decline = ui.button("Decline").on_hover_text(match request.stranger {
                true => "They are not told, and cannot ask again by your address",
                false => "They are not told, and may ask again",
            });
            if decline.clicked() {
                actions.push(Action::Remove(request.contact));
            }
            if ui.button("Block").clicked() {
                actions.push(Action::Block(request.contact));
            }
        });
    });
}

#[expect(
    clippy::too_many_arguments,
    reason = "a row shows that many things; a struct would only rename them"
)]
fn row(
    ui: &mut Ui,
    view: &ChatView,
    contact: Option<&ContactView>,
    name: &str,
    online: bool,
    selected: bool,
    tokens: &Tokens,
    now: Now,
    actions: &mut Vec<Action>,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::CHAT_ROW), Sense::click());
    let preview = preview(view, contact);
    let unread = if view.unread > 0 { format!(", {} unread", view.unread) } else { String::new() };
    response.widget_info(|| {
        WidgetInfo::selected(Role::Button, true, selected, format!("{name}{unread}: {preview}"))
    });
    let ground = match (selected, response.hovered()) {
        (true, _) => tokens.selected,
        (false, true) => tokens.hover,
        (false, false) => tokens.side,
    };
    ui.painter().rect_filled(rect, size::RADIUS, ground);
    if response.has_focus() {
        ui.painter().rect_stroke(rect, size::RADIUS, Stroke::new(2.0, tokens.accent), StrokeKind::Inside);
    }
    let center = rect.left_center() + vec2(space::S + size::AVATAR / 2.0, 0.0);
    let seed = match &view.with {
        ChatWith::Contact(contact) => contact.0.first().copied().unwrap_or(0),
        ChatWith::Group(group) => group.group.0.first().copied().unwrap_or(0),
    };
    widget::avatar(ui.painter(), tokens, center, size::AVATAR, seed, name);
    if online {
        widget::online_dot(ui.painter(), tokens, center + vec2(15.0, 15.0), ground);
    }
    let left = center.x + size::AVATAR / 2.0 + space::M;
    let right = rect.max.x - space::M;
    let time = widget::line(ui, &now.short(view.active_at), regular(12.0), tokens.muted, 90.0);
    let time_left = right - time.size().x;
    ui.painter().galley(egui::pos2(time_left, rect.min.y + 15.0), time, tokens.muted);
    let title = widget::line(ui, name, medium(14.5), tokens.text, time_left - left - space::S);
    ui.painter().galley(egui::pos2(left, rect.min.y + 13.0), title, tokens.text);
    let badge = if view.unread > 0 { 44.0 } else { 0.0 };
    let (color, words) = if selected || view.draft.is_empty() {
        (tokens.muted, preview)
    } else {
        (tokens.danger, format!("Draft: {}", view.draft))
    };
    let second = widget::line(ui, &words, regular(13.0), color, right - left - badge);
    ui.painter().galley(egui::pos2(left, rect.min.y + 37.0), second, color);
    if view.unread > 0 {
        widget::badge(ui, tokens, egui::pos2(right, rect.min.y + 46.0), view.unread);
    }
    if response.clicked() {
        actions.push(Action::OpenChat(view.chat));
    }
    if let Some(contact) = contact {
        response.context_menu(|ui| contact_menu(ui, contact, actions));
    }
}

fn preview(view: &ChatView, contact: Option<&ContactView>) -> String {
    let refused = contact.is_some_and(|contact| contact.refused);
    match (&view.last, contact.map(|contact| contact.state)) {
        (Some(last), _) if last.text.is_empty() => "Disappearing message".to_owned(),
        (Some(last), _) if last.outgoing => format!("You: {}", last.text),
        (Some(last), _) => last.text.clone(),
        (None, Some(ContactState::Requested)) if refused => "Nobody takes the request".to_owned(),
        (None, Some(ContactState::Requested)) => "Request sent, not answered yet".to_owned(),
        (None, Some(ContactState::Blocked)) => "Blocked".to_owned(),
        (None, _) => "Say hello".to_owned(),
    }
}

/// What can be done about a contact.
pub fn contact_menu(ui: &mut Ui, contact: &ContactView, actions: &mut Vec<Action>) {
    let id = contact.contact;
    let mut item = |ui: &mut Ui, label: &str, action: Action| {
        if ui.button(label).clicked() {
            actions.push(action);
            ui.close();
        }
    };
    item(ui, "Compare safety number", Action::ShowSafety(id));
    item(ui, "Copy address", Action::Copy(id.to_string()));
    if contact.state == ContactState::Blocked {
        item(ui, "Unblock", Action::Unblock(id));
    } else {
        item(ui, "Block", Action::Block(id));
    }
    item(ui, "Remove with all messages…", Action::AskRemove(id));
}
