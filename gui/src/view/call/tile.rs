//! One place in a call of a group: a picture of somebody's camera or screen, or who they are, and how they are.

use std::sync::Arc;

use eframe::egui::Align2;
use eframe::egui::Color32;
use eframe::egui::CornerRadius;
use eframe::egui::CursorIcon;
use eframe::egui::Id;
use eframe::egui::Key;
use eframe::egui::Pos2;
use eframe::egui::Rect;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::InCallView;
use kith_node::calling::Picture;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;

use super::picture;
use super::together::shows;
use crate::action::Action;
use crate::action::CallAction;
use crate::model::Model;
use crate::model::calls::together::Tile;
use crate::model::groups::rights::Rights;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

/// Who is shown in a place.
struct Who {
    name: String,
    /// Whose first letters stand for them.
    known_as: String,
    seed: u8,
    /// Somebody else.
    person: Option<InCallView>,
    silent: bool,
    hand: bool,
    speaks: bool,
    level: f32,
}

/// Draws it. A click makes it large, or no longer.
pub(super) fn tile(
    ui: &mut Ui,
    model: &Model,
    tile: Tile,
    (rect, large): (Rect, bool),
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    let Some(who) = who(model, tile) else { return };
    let id = Id::unique(("place in a call", tile));
    let response = ui.interact(rect, id, Sense::click());
    let chosen = model.calls.together.enlarged() == Some(tile);
    let label = match chosen {
        true => say!("call-tile-smaller", name = who.name.as_str()),
        false => say!("call-tile-larger", name = who.name.as_str()),
    };
    let spoken = format!("{label}{}", spoken(&who));
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, spoken.as_str()));
    let corners = CornerRadius::same(size::RADIUS);
    match shown(model, tile) {
        Some(shown) => {
            ui.painter().rect_filled(rect, corners, Color32::BLACK);
            let mirrored = tile.device.is_none();
            if tile.screen || large {
                let within = picture::within(shown, rect);
                // What fills its place has its corners.
                let corners =
                    if within.contains_rect(rect.shrink(1.0)) { corners } else { CornerRadius::ZERO };
                picture::paint(ui, tile, shown, (within, picture::WHOLE), mirrored, corners);
            } else {
                // Of a face the sides can be spared.
                let part = picture::filling(shown, rect);
                picture::paint(ui, tile, shown, (rect, part), mirrored, corners);
            }
        }
        None => face(ui, &who, rect, tokens),
    }
    marks(ui, &who, tile, (rect, large), tokens);
    let line = if who.speaks && !tile.screen { (2.5, tokens.good) } else { (1.0, tokens.border) };
    ui.painter().rect_stroke(rect, corners, Stroke::new(line.0, line.1), StrokeKind::Inside);
    if response.has_focus() {
        ui.painter().rect_stroke(rect, corners, Stroke::new(2.0, tokens.accent), StrokeKind::Outside);
    }
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    if response.clicked() {
        actions.push(Action::Call(CallAction::Enlarge(tile)));
    }
    if let Some(account) = who.person.as_ref().filter(|_| may_mute(model, &who)).map(|person| person.account)
    {
        if response.has_focus() && ui.input(|input| input.key_pressed(Key::M)) {
            actions.push(Action::Call(CallAction::Mute(account)));
        }
        response.context_menu(|ui| mute(ui, &who.name, account, actions));
    }
}

fn who(model: &Model, tile: Tile) -> Option<Who> {
    let together = &model.calls.together;
    let Some(device) = tile.device else {
        let call = together.shown()?;
        let seed = model.groups.own().and_then(|own| own.0.first().copied()).unwrap_or(0);
        let level = model.calls.level();
        let silent = !call.own.microphone;
        return Some(Who {
            name: say!("call-you"),
            known_as: model.profile.as_ref().map(|own| own.name.clone()).unwrap_or_default(),
            seed,
            person: None,
            silent,
            hand: call.hand,
            speaks: false,
            level,
        });
    };
    let person = *together.person(&device)?;
    let name = model.name_in_call(&person);
    Some(Who {
        known_as: name.clone(),
        name: if tile.screen { say!("call-their-screen", name = name) } else { name },
        seed: person.account.0.first().copied().unwrap_or(0),
        silent: !person.media.microphone,
        hand: person.hand && !tile.screen,
        speaks: together.speaks(&device),
        level: together.level(&device),
        person: Some(person),
    })
}

/// What is heard of a place by those who do not see it.
fn spoken(who: &Who) -> String {
    let mut words = String::new();
    if who.silent {
        words += ", ";
        words += &say!("call-tile-silent");
    }
    if who.hand {
        words += ", ";
        words += &say!("call-hand-of", name = who.name.as_str());
    }
    words
}

/// The newest picture for a place.
fn shown(model: &Model, tile: Tile) -> Option<&Arc<Picture>> {
    let together = &model.calls.together;
    let pictures = together.pictures();
    let Some(device) = tile.device else { return pictures.own.as_ref() };
    let theirs = pictures.people.get(&device)?;
    let picture = if tile.screen { &theirs.screen } else { &theirs.camera };
    picture
        .as_ref()
        .filter(|_| together.person(&device).is_some_and(|person| shows(person.media, tile.screen)))
}

/// Somebody without a picture.
fn face(ui: &Ui, who: &Who, rect: Rect, tokens: &Tokens) {
    ui.painter().rect_filled(rect, f32::from(size::RADIUS), tokens.raised);
    let diameter = (rect.height() * 0.46).min(rect.width() * 0.4).min(size::AVATAR_CALL);
    let center = rect.center() - vec2(0.0, (rect.height() * 0.04).min(8.0));
    if who.speaks {
        let grown = 3.0 + diameter * 0.14 * who.level.clamp(0.0, 1.0).sqrt();
        ui.painter().circle_filled(center, diameter / 2.0 + grown, tokens.good.gamma_multiply(0.3));
        ui.painter().circle_filled(center, diameter / 2.0 + 1.0, tokens.raised);
    }
    widget::avatar(ui.painter(), tokens, center, diameter, who.seed, &who.known_as);
}

/// The name, and what is to be known of somebody.
fn marks(ui: &Ui, who: &Who, tile: Tile, (rect, large): (Rect, bool), tokens: &Tokens) {
    let font = if large { medium(14.0) } else { medium(12.5) };
    let waits = who.person.as_ref().is_some_and(|person| !person.connected);
    let name = match waits && !tile.screen {
        true => format!("{} · {}", who.name, say!("call-tile-connecting")),
        false => who.name.clone(),
    };
    let mark = if who.silent && !tile.screen { 18.0 } else { 0.0 };
    let line = widget::line(ui, &name, font, Color32::WHITE, rect.width() - 2.0 * space::S - 14.0 - mark);
    let inside = vec2(line.size().x + 14.0 + mark, line.size().y + 6.0);
    let at = pos2(rect.min.x + space::S, rect.max.y - space::S - inside.y);
    let ground = Rect::from_min_size(at, inside);
    // On whatever picture: white on dark.
    ui.painter().rect_filled(ground, inside.y / 2.0, Color32::from_black_alpha(150));
    if mark > 0.0 {
        let center = pos2(at.x + 14.0, ground.center().y);
        ui.painter().text(center, Align2::CENTER_CENTER, icons::SILENT, icon(14.0), SILENT_INK);
    }
    ui.painter().galley(pos2(at.x + 7.0 + mark, at.y + 3.0), line, Color32::WHITE);
    if who.hand {
        hand(ui, pos2(rect.max.x - space::S - 15.0, rect.min.y + space::S + 15.0), tokens);
    }
}

fn hand(ui: &Ui, center: Pos2, tokens: &Tokens) {
    ui.painter().circle_filled(center, 15.0, tokens.warning);
    let ink = if tokens.dark { tokens.app } else { tokens.on_fill };
    ui.painter().text(center, Align2::CENTER_CENTER, icons::HAND, icon(17.0), ink);
}

/// Whether the person may have somebody be silent, who is not.
fn may_mute(model: &Model, who: &Who) -> bool {
    let Some(call) = model.calls.together.shown() else { return false };
    let Some(person) = who.person.as_ref().filter(|_| !who.silent) else { return false };
    let group = model.groups.of_chat(&ChatId::group(&call.group));
    group.is_some_and(|group| {
        let member = group.members.iter().find(|member| member.account == person.account);
        member.is_some_and(|member| Rights::new(group, model.groups.own()).may_discipline(member))
    })
}

fn mute(ui: &mut Ui, name: &str, account: AccountId, actions: &mut Vec<Action>) {
    if ui
        .button(eframe::egui::RichText::new(say!("call-mute-one", name = name)).font(regular(14.0)))
        .clicked()
    {
        actions.push(Action::Call(CallAction::Mute(account)));
        ui.close();
    }
}

/// A light red that is read on dark ground in both themes.
const SILENT_INK: Color32 = Color32::from_rgb(255, 150, 150);
