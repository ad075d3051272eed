//! The chat list with search, requests, and the connection in words.

mod row;

use eframe::egui::Align;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::ScrollArea;
use eframe::egui::Sense;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::vec2;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;

use crate::action::Action;
use crate::action::CallAction;
use crate::action::GroupAction;
use crate::action::RoomAction;
use crate::model::Model;
use crate::model::dates::Now;
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
use crate::widget;

/// The search field, so that a shortcut can go to it.
pub const SEARCH: &str = "search";

/// Draws the sidebar.
pub fn sidebar(ui: &mut Ui, model: &mut Model, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        // As high as the buttons beside it: the title is in the middle of the row, too.
        ui.set_min_height(size::HIT);
        ui.add_space(space::XS);
        ui.label(RichText::new(say!("chats-title")).font(semibold(20.0)).color(tokens.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            if widget::icon_button(ui, tokens, icons::USER_PLUS, &say!("add-title")).clicked() {
                actions.push(Action::OpenAdd);
            }
            if widget::icon_button(ui, tokens, icons::USERS, &say!("new-group")).clicked() {
                actions.push(Action::Group(GroupAction::OpenNew));
            }
            if widget::icon_button(ui, tokens, icons::GEAR, &say!("settings")).clicked() {
                actions.push(Action::OpenSettings);
            }
            if widget::icon_button(ui, tokens, icons::COMPASS, &say!("discover-title")).clicked() {
                actions.push(Action::Room(RoomAction::Discover(None)));
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
        for group in model.groups.pending() {
            pending_card(ui, model, group, tokens, actions);
        }
        let mut found = false;
        for view in model.chats.shown() {
            found = true;
            row::row(ui, model, view, tokens, now, actions);
        }
        if !found && !model.chats.search.is_empty() {
            ui.add_space(space::L);
            ui.vertical_centered(|ui| ui.label(RichText::new(say!("nothing-found")).color(tokens.muted)));
        }
    });
    let (words, good) = model.connection();
    ui.horizontal(|ui| {
        ui.add_space(space::S);
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 20.0), Sense::hover());
        ui.painter().circle_filled(dot.center(), 4.0, if good { tokens.good } else { tokens.warning });
        let label = ui.label(RichText::new(words).font(regular(12.5)).color(tokens.muted));
        let network = &model.network;
        label.on_hover_text(say!(
            "network-facts",
            peers = network.peers,
            up = network.bootstraps_connected,
            nodes = kith_node::nodes::all(network).count(),
            dht = network.dht_peers,
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
                    .hint_text(RichText::new(say!("search-hint")).color(tokens.faint));
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
        ui.label(RichText::new(say!("request-asks", name = name)).font(medium(14.0)).color(tokens.text));
        if request.stranger {
            let warning = say!("request-stranger");
            ui.label(RichText::new(warning).font(regular(13.0)).color(tokens.warning));
        }
        if !request.greeting.is_empty() {
            let greeting =
                widget::line(ui, &request.greeting, regular(13.0), tokens.muted, ui.available_width());
            ui.label(greeting).on_hover_text(&request.greeting);
        }
        ui.add_space(space::XS);
        ui.horizontal_wrapped(|ui| {
            if widget::primary(ui, tokens, &say!("accept")).clicked() {
                actions.push(Action::Accept(request.contact));
            }
            let decline = ui.button(say!("decline")).on_hover_text(match request.stranger {
                true => say!("decline-stranger-hint"),
                false => say!("decline-hint"),
            });
            if decline.clicked() {
                actions.push(Action::Remove(request.contact));
            }
            if ui.button(say!("block")).clicked() {
                actions.push(Action::Block(request.contact));
            }
        });
    });
}

/// A group that waits for the person, or for which the person waits.
fn pending_card(ui: &mut Ui, model: &Model, group: &GroupView, tokens: &Tokens, actions: &mut Vec<Action>) {
    let frame = Frame::new()
        .fill(tokens.selected)
        .corner_radius(size::RADIUS)
        .inner_margin(Margin::same(12))
        .outer_margin(Margin { bottom: 6, ..Margin::ZERO });
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let name = words::title(group);
        let (glyph, heading, below) = match group.state {
            GroupState::Invited => {
                let by = group.invited_by.map_or_else(|| say!("somebody"), |by| model.groups.name_of(&by));
                (icons::LETTER, say!("invited-to", name = name), say!("invited-by", name = by))
            }
            _ => {
                let name = model.rooms.name(&group.group).map(str::to_owned);
                let name = name.unwrap_or_else(|| words::title(group));
                let below = if group.asked { say!("pending-asked") } else { say!("pending-looking") };
                (icons::HOURGLASS, say!("pending-asking", name = name), below)
            }
        };
        ui.horizontal(|ui| {
            ui.label(RichText::new(glyph).font(icon(17.0)).color(tokens.accent));
            let line = widget::line(ui, &heading, medium(14.0), tokens.text, ui.available_width());
            ui.label(line).on_hover_text(&heading);
        });
        ui.label(RichText::new(below).font(regular(13.0)).color(tokens.muted));
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            let mut wanted = |action| actions.push(Action::Group(action));
            if group.state == GroupState::Asking {
                if ui.button(say!("stop-asking")).clicked() {
                    wanted(GroupAction::StopAsking(group.group));
                }
                return;
            }
            if widget::primary(ui, tokens, &say!("accept")).clicked() {
                wanted(GroupAction::Accept(group.group));
            }
            if ui.button(say!("decline")).on_hover_text(say!("decline-group-hint")).clicked() {
                wanted(GroupAction::Decline(group.group));
            }
        });
    });
}

/// What can be done about a contact.
pub fn contact_menu(ui: &mut Ui, model: &Model, contact: &ContactView, actions: &mut Vec<Action>) {
    let id = contact.contact;
    let item = |ui: &mut Ui, label: &str, action: Action, actions: &mut Vec<Action>| {
        if ui.button(label).clicked() {
            actions.push(action);
            ui.close();
        }
    };
    item(ui, &say!("safety-compare"), Action::ShowSafety(id), actions);
    item(ui, &say!("copy-address"), Action::Copy(id.to_string()), actions);
    if contact.state == ContactState::Accepted {
        ui.menu_button(say!("call-hide-one"), |ui| {
            let now = model.calls.hides_from(&id);
            for (hide, label) in [
                (None, say!("call-hide-as-all")),
                (Some(true), say!("call-hide-always")),
                (Some(false), say!("call-hide-never")),
            ] {
                if ui.radio(hide == now, label).clicked() {
                    actions.push(Action::Call(CallAction::HideFrom(id, hide)));
                    ui.close();
                }
            }
        });
    }
    if contact.state == ContactState::Blocked {
        item(ui, &say!("contact-unblock"), Action::Unblock(id), actions);
    } else {
        item(ui, &say!("block"), Action::Block(id), actions);
    }
    item(ui, &say!("contact-remove"), Action::AskRemove(id), actions);
}
