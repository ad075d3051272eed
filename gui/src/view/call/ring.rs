//! Somebody calls: who, and what can be done about it.

use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Margin;
use eframe::egui::Modal;
use eframe::egui::RichText;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::Ui;
use eframe::egui::vec2;
use kith_engine::view::CallView;
use kith_engine::view::GroupCallView;

use super::together::name;
use crate::action::Action;
use crate::action::CallAction;
use crate::model::Model;
use crate::model::calls::NoCall;
use crate::model::calls::words;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;
use crate::widget::Look;

/// Its width.
const WIDTH: f32 = 320.0;

/// Who calls.
struct Caller {
    name: String,
    what: String,
    seed: u8,
    group: bool,
    verified: bool,
}

/// Draws it for a call between two.
pub(in crate::view) fn ring(
    ui: &Ui,
    model: &Model,
    call: &CallView,
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    let caller = Caller {
        name: model.name_of(&call.contact),
        what: words::incoming(call),
        seed: call.contact.0.first().copied().unwrap_or(0),
        group: false,
        verified: model.contacts.get(&call.contact).is_some_and(|contact| contact.verified),
    };
    draw(ui, model, &caller, tokens, actions);
}

/// Draws it for a call of a group.
pub(in crate::view) fn group_ring(
    ui: &Ui,
    model: &Model,
    call: &GroupCallView,
    tokens: &Tokens,
    actions: &mut Vec<Action>,
) {
    let caller = Caller {
        name: name(model, call),
        what: words::who_calls(model, call),
        seed: call.group.0.first().copied().unwrap_or(0),
        group: true,
        verified: false,
    };
    draw(ui, model, &caller, tokens, actions);
}

/// Over everything else. Nothing in it has the focus: who is writing must not answer by a space.
fn draw(ui: &Ui, model: &Model, caller: &Caller, tokens: &Tokens, actions: &mut Vec<Action>) {
    let frame = Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(size::RADIUS_BUBBLE)
        .inner_margin(Margin::same(24));
    Modal::new(Id::unique("incoming call")).frame(frame).show(ui.ctx(), |ui| {
        let width = WIDTH.min(ui.ctx().content_rect().width() - 80.0);
        ui.set_width(width);
        ui.vertical_centered(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(96.0, 96.0), Sense::hover());
            let Caller { name, seed, .. } = caller;
            let paint = if caller.group { widget::group_avatar } else { widget::avatar };
            paint(ui.painter(), tokens, rect.center(), 96.0, *seed, name);
            ui.add_space(space::S);
            ui.label(widget::line(ui, name, semibold(20.0), tokens.text, width));
            ui.label(RichText::new(&caller.what).font(regular(14.0)).color(tokens.muted));
            if caller.verified {
                let words = say!("safety-compared-mark");
                ui.label(RichText::new(words).font(regular(12.5)).color(tokens.good));
            }
        });
        ui.add_space(space::L);
        let no_camera = (!model.calls.has_camera()).then(|| words::no_call(NoCall::NoCamera));
        let accept = CallAction::Accept { camera: false };
        let seen = CallAction::Accept { camera: true };
        let buttons = [
            (icons::HANG_UP, say!("call-decline"), Look::End, None, CallAction::HangUp),
            (icons::CAMERA, say!("call-accept-video"), Look::Answer, no_camera, seen),
            (icons::PHONE, say!("call-accept"), Look::Answer, None, accept),
        ];
        let between = (width - 3.0 * size::ROUND) / 6.0;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for (glyph, label, look, why, action) in buttons {
                ui.add_space(between);
                ui.vertical(|ui| {
                    ui.set_width(size::ROUND);
                    let look = if why.is_some() { Look::Plain } else { look };
                    let button = widget::round_button(ui, tokens, (glyph, &label), look, why.as_deref());
                    if button.clicked() {
                        actions.push(Action::Call(action));
                    }
                    let line = widget::line(ui, &label, regular(12.0), tokens.muted, width / 3.0 - 4.0);
                    let (rect, _) = ui.allocate_exact_size(vec2(size::ROUND, line.size().y), Sense::hover());
                    ui.painter().galley(rect.center() - line.size() / 2.0, line, tokens.muted);
                });
                ui.add_space(between);
            }
        });
    });
}
