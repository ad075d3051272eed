//! Before coming into a group by a link: what is known of it, what will happen, and the button that asks.

use eframe::egui::Frame;
use eframe::egui::RichText;
use eframe::egui::Sense;
use eframe::egui::Ui;
use eframe::egui::vec2;
use kith_engine::view::RoomView;
use kith_proto::group::GroupInvite;

use crate::action::Action;
use crate::action::RoomAction;
use crate::model::Model;
use crate::model::groups::words;
use crate::model::rooms;
use crate::model::rooms::JoinForm;
use crate::model::rooms::Standing;
use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::dialogs;
use crate::view::rooms::card;
use crate::widget;

/// The picture of a room.
const PICTURE: f32 = 56.0;

/// From so much work on, in bits, it takes long enough to be told.
const FELT_WORK: u8 = 16;

/// Draws the dialog.
pub fn join(ui: &mut Ui, model: &Model, form: &JoinForm, tokens: &Tokens, actions: &mut Vec<Action>) {
    dialogs::title(ui, tokens, &say!("join-title"), actions);
    preview(ui, model, &form.link, form.room.as_ref(), tokens);
    widget::error(ui, tokens, form.error.as_deref());
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        let asked = ui.add_enabled_ui(!form.busy, |ui| widget::primary(ui, tokens, &say!("join-ask"))).inner;
        widget::focus_first(ui, &asked);
        if asked.clicked() {
            actions.push(Action::Room(RoomAction::Join));
        }
        if ui.button(say!("cancel")).clicked() {
            actions.push(Action::CloseDialog);
        }
        if form.busy {
            ui.spinner();
        }
    });
}

/// Draws what is known of a group before coming in, and what will happen.
pub fn preview(ui: &mut Ui, model: &Model, link: &GroupInvite, room: Option<&RoomView>, tokens: &Tokens) {
    let known = model.groups.get(&link.group).map(words::title);
    let told = room.map(card::name);
    let remembered = model.rooms.name(&link.group).map(str::to_owned);
    let name = told.or(known).or(remembered);
    let frame = Frame::new().fill(tokens.app).corner_radius(size::RADIUS).inner_margin(12);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(PICTURE, PICTURE), Sense::hover());
            let seed = link.group.0.first().copied().unwrap_or(0);
            let shown = name.clone().unwrap_or_default();
            widget::group_avatar(ui.painter(), tokens, rect.center(), PICTURE, seed, &shown);
            ui.add_space(space::XS);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                let title = name.clone().unwrap_or_else(|| say!("join-unnamed"));
                ui.label(RichText::new(title).font(semibold(16.0)).color(tokens.text));
                let topic = room.map(|room| text::clean_name(&room.topic)).filter(|topic| !topic.is_empty());
                let below = topic.or_else(|| name.is_none().then(|| say!("join-unnamed-hint")));
                if let Some(below) = below {
                    ui.label(RichText::new(below).font(regular(13.5)).color(tokens.muted));
                }
            });
        });
        if let Some(room) = room {
            card::marks(ui, room, tokens);
        }
    });
    ui.add_space(space::XS);
    follows(ui, model, link, tokens);
}

/// What coming in means.
fn follows(ui: &mut Ui, model: &Model, link: &GroupInvite, tokens: &Tokens) {
    let standing = rooms::standing(&model.groups, &link.group);
    let mut lines = match standing {
        Standing::Inside => vec![(icons::CHECK, say!("join-inside"))],
        Standing::Asking => vec![(icons::HOURGLASS, say!("join-asking"))],
        Standing::Outside => vec![
            (icons::USERS, say!("join-hosts", count = link.hosts.len())),
            (icons::EYE, say!("join-seen")),
            (icons::HOURGLASS, say!("join-approval")),
        ],
    };
    if standing == Standing::Outside && link.work >= FELT_WORK {
        lines.insert(1, (icons::TIMER, say!("join-work")));
    }
    for (glyph, words) in lines {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(glyph).font(icon(16.0)).color(tokens.muted));
            ui.add(
                eframe::egui::Label::new(RichText::new(words).font(regular(13.0)).color(tokens.muted)).wrap(),
            );
        });
    }
}
