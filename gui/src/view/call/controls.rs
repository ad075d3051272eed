//! The buttons below a call.

use eframe::egui;
use eframe::egui::RichText;
use eframe::egui::Ui;
use kith_engine::view::CallEnd;
use kith_engine::view::CallState;
use kith_engine::view::CallView;
use kith_engine::view::GroupCallView;
use kith_node::calling::choice::Direction;
use kith_node::calling::choice::Use;
use kith_proto::call::Media;

use crate::action::Action;
use crate::action::CallAction;
use crate::action::calls::Part;
use crate::model::Model;
use crate::model::calls::DEFAULT;
use crate::model::calls::NONE;
use crate::model::calls::PATTERN;
use crate::model::calls::chosen;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::size;
use crate::theme::space;
use crate::widget;
use crate::widget::Look;

/// Draws them in the middle.
pub(super) fn controls(
    ui: &mut Ui,
    model: &Model,
    call: &CallView,
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    if let CallState::Ended(end) = call.state {
        return ended(ui, model, call, end, tokens, actions);
    }
    let own = call.own;
    let hold = match own.hold {
        true => (icons::PLAY, say!("call-resume"), Look::On),
        false => (icons::PAUSE, say!("call-hold"), Look::Plain),
    };
    let hold = Switch { button: hold, action: CallAction::Toggle(Part::Hold), why: None };
    buttons(ui, model, (own, hold), tokens, actions);
}

/// The same for a call of a group, which is not put on hold; instead a hand can be raised.
pub(super) fn of_group(
    ui: &mut Ui,
    model: &Model,
    call: &GroupCallView,
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    let hand = match call.hand {
        true => (icons::HAND, say!("call-hand-lower"), Look::On),
        false => (icons::HAND, say!("call-hand-raise"), Look::Plain),
    };
    let hand = Switch { button: hand, action: CallAction::RaiseHand(!call.hand), why: None };
    buttons(ui, model, (call.own, hand), tokens, actions);
}

/// One of the round buttons.
struct Switch {
    button: (&'static str, String, Look),
    action: CallAction,
    /// Why it cannot be pressed.
    why: Option<String>,
}

/// Those for what is sent, one more, the devices and the end.
fn buttons(
    ui: &mut Ui,
    model: &Model,
    (own, last): (Media, Switch),
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    let switch = |on| if on { Look::On } else { Look::Plain };
    let no_camera = (!model.calls.has_camera() && !own.camera).then(|| say!("call-no-camera"));
    let no_screen = (!model.calls.has_screen() && !own.screen).then(|| say!("call-no-screen"));
    let (glyph, label) = microphone(own);
    let microphone = (glyph, label, if own.microphone { Look::Plain } else { Look::Off });
    let camera = match own.camera {
        true => (icons::CAMERA, say!("call-camera-off"), switch(true)),
        false => (icons::CAMERA_OFF, say!("call-camera-on"), Look::Plain),
    };
    let screen = match own.screen {
        true => (icons::SCREEN, say!("call-screen-off"), switch(true)),
        false => (icons::SCREEN, say!("call-screen-on"), Look::Plain),
    };
    let part = |button, part, why| Switch { button, action: CallAction::Toggle(part), why };
    let buttons = [
        part(microphone, Part::Microphone, None),
        part(camera, Part::Camera, no_camera),
        part(screen, Part::Screen, no_screen),
        last,
    ];
    row(ui, buttons.len() + 2, |ui| {
        for Switch { button: (glyph, label, look), action, why } in buttons {
            if widget::round_button(ui, tokens, (glyph, &label), look, why.as_deref()).clicked() {
                actions.push(Action::Call(action));
            }
        }
        let more =
            widget::round_button(ui, tokens, (icons::SLIDERS, &say!("call-devices")), Look::Plain, None);
        if more.clicked() {
            actions.push(Action::Call(CallAction::LookAtDevices));
        }
        egui::Popup::menu(&more)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| devices(ui, model, tokens, actions));
        let end = (icons::HANG_UP, say!("call-hang-up"));
        if widget::round_button(ui, tokens, (end.0, &end.1), Look::End, None).clicked() {
            actions.push(Action::Call(CallAction::HangUp));
        }
    });
}

/// The sign of the microphone, and what a click on it does.
pub(super) fn microphone(own: Media) -> (&'static str, String) {
    match own.microphone {
        true => (icons::MICROPHONE, say!("call-mute")),
        false => (icons::SILENT, say!("call-unmute")),
    }
}

/// So many round buttons in the middle; closer together where there is little room.
fn row(ui: &mut Ui, count: usize, add: impl FnOnce(&mut Ui)) {
    let count = count as f32;
    let room = ui.available_width();
    let between = ((room - count * size::ROUND) / (count - 1.0).max(1.0)).clamp(2.0, space::L);
    let width = count * size::ROUND + (count - 1.0) * between;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = between;
        ui.add_space(((room - width) / 2.0 - between).max(0.0));
        add(ui);
    });
}

/// It is over: calling again, or nothing.
fn ended(
    ui: &mut Ui,
    model: &Model,
    call: &CallView,
    end: CallEnd,
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    let again = call.outgoing && end != CallEnd::Finished;
    row(ui, if again { 2 } else { 1 }, |ui| {
        if again {
            let contact = model.contacts.get(&call.contact);
            let why = contact.and_then(|contact| model.no_call(contact, false));
            let why = why.map(crate::model::calls::words::no_call);
            let label = say!("call-again");
            if widget::round_button(ui, tokens, (icons::PHONE, &label), Look::Answer, why.as_deref())
                .clicked()
            {
                actions.push(Action::Call(CallAction::Start { chat: call.chat, camera: false }));
            }
        }
        if widget::round_button(ui, tokens, (icons::CLOSE, &say!("close")), Look::Plain, None).clicked() {
            actions.push(Action::Call(CallAction::Dismiss));
        }
    });
}

/// Which devices are used.
pub(in crate::view) fn devices(ui: &mut Ui, model: &Model, tokens: &Tokens, actions: &mut Vec<Action>) {
    ui.set_width(260.0);
    for (of, name) in [
        (Use::Microphone, say!("call-microphone")),
        (Use::Speaker, say!("call-speaker")),
        (Use::Camera, say!("call-camera")),
        (Use::Screen, say!("call-screen")),
    ] {
        ui.label(RichText::new(name).font(medium(13.0)).color(tokens.muted));
        let now = chosen(&model.calls.devices.chosen, of);
        for (word, label) in choices(model, of, now) {
            if widget::marks(ui, tokens, |ui| ui.radio(word == now, label)).clicked() {
                actions.push(Action::Call(CallAction::Choose(of, word)));
            }
        }
        if of == Use::Microphone {
            widget::meter(ui, tokens, model.calls.level(), &say!("call-level"));
        }
        ui.add_space(space::XS);
    }
}

/// What can be chosen, the one that is used among it, whatever it is.
fn choices(model: &Model, of: Use, now: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut put = |word: &str, label: String| found.push((word.to_owned(), label));
    match of {
        Use::Microphone | Use::Speaker => {
            put(DEFAULT, say!("call-device-default"));
            let way = if of == Use::Microphone { Direction::In } else { Direction::Out };
            for device in model.calls.devices.found.iter().filter(|device| device.direction == way) {
                put(&format!("device:{}", device.id), device.name.clone());
            }
        }
        Use::Camera | Use::Screen => {
            let devices = &model.calls.devices;
            let there = if of == Use::Camera { &devices.cameras } else { &devices.screens };
            put(DEFAULT, say!("call-device-first"));
            for device in there {
                put(&device.word, device.name.clone());
            }
            put(PATTERN, say!("call-device-pattern"));
            put(NONE, say!("call-device-none"));
        }
    }
    if !found.iter().any(|(word, _)| word == now) {
        found.push((now.to_owned(), now.to_owned()));
    }
    found
}
