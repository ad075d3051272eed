//! The strip above the chat of a group in which a call goes on: who is in it, and the way in.

use eframe::egui;
use eframe::egui::Align2;
use eframe::egui::Frame;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::Ui;
use eframe::egui::pos2;
use kith_engine::view::GroupView;
use kith_proto::id::ChatId;

use crate::action::Action;
use crate::action::CallAction;
use crate::model::Model;
use crate::model::calls::words;
use crate::model::dates::Now;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::space;
use crate::widget;

/// Its height.
const HEIGHT: f32 = 44.0;

/// Faces that are shown of those in the call.
const FACES: usize = 4;

/// The width of one, of which the next covers a part.
const FACE: f32 = 26.0;

/// Draws it if a call goes on in this group without this device.
pub(in crate::view) fn strip(
    ui: &mut Ui,
    model: &Model,
    group: &GroupView,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    let chat = ChatId::group(&group.group);
    let Some(call) = model.calls.together.ongoing(&chat) else { return };
    let fill = tokens.app.blend(tokens.good.gamma_multiply(if tokens.dark { 0.14 } else { 0.10 }));
    let frame = Frame::new().fill(fill).inner_margin(Margin::symmetric(16, 0));
    Panel::top("group call strip").exact_size(HEIGHT).show_separator_line(false).frame(frame).show(
        ui,
        |ui| {
            let rect = ui.max_rect();
            let middle = rect.center().y;
            let mut left = rect.min.x + 10.0;
            ui.painter().text(
                pos2(left, middle),
                Align2::CENTER_CENTER,
                icons::PHONE,
                icon(18.0),
                tokens.good,
            );
            left += 18.0 + FACE / 2.0;
            for person in call.people.iter().take(FACES) {
                let seed = person.account.0.first().copied().unwrap_or(0);
                ui.painter().circle_filled(pos2(left, middle), FACE / 2.0 + 1.5, fill);
                let name = model.name_in_call(person);
                widget::avatar(ui.painter(), tokens, pos2(left, middle), FACE, seed, &name);
                left += FACE * 0.72;
            }
            left += FACE * 0.3;
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                for (camera, glyph, label) in [
                    (true, icons::CAMERA, say!("call-group-join-video")),
                    (false, icons::PHONE, say!("call-group-join")),
                ] {
                    let why = model.no_group_call(group, camera).map(words::no_call);
                    let clicked = match (&why, camera) {
                        (None, false) => widget::chip(ui, tokens, glyph, &label).clicked(),
                        _ => widget::icon_button_unless(ui, tokens, glyph, &label, why.as_deref()).clicked(),
                    };
                    if clicked {
                        actions.push(Action::Call(CallAction::Start { chat, camera }));
                    }
                }
                let room = (ui.available_rect_before_wrap().max.x - left - space::M).max(0.0);
                let line =
                    widget::line(ui, &words::group_state(call, now.time), medium(13.5), tokens.text, room);
                ui.painter().galley(pos2(left, middle - line.size().y / 2.0), line, tokens.text);
            });
        },
    );
}
