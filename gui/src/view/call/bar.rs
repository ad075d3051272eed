//! The strip over the chats while a call goes on beside them.

use eframe::egui;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use kith_engine::view::CallView;
use kith_engine::view::GroupCallView;
use kith_proto::call::Media;

use super::controls::microphone;
use super::together::name;
use crate::action::Action;
use crate::action::CallAction;
use crate::action::calls::Part;
use crate::model::Model;
use crate::model::calls::is_talk;
use crate::model::calls::words;
use crate::model::dates::Now;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

/// Its height.
const HEIGHT: f32 = 44.0;

/// What it says.
struct Aside {
    name: String,
    state: String,
    video: bool,
    own: Media,
    talks: bool,
}

/// Draws it for a call between two.
pub(in crate::view) fn bar(
    ui: &mut Ui,
    model: &Model,
    call: &CallView,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    let aside = Aside {
        name: model.name_of(&call.contact),
        state: words::state(call, now.time),
        video: call.theirs.camera || call.own.camera,
        own: call.own,
        talks: is_talk(call.state),
    };
    draw(ui, &aside, tokens, actions);
}

/// Draws it for a call of a group.
pub(in crate::view) fn group_bar(
    ui: &mut Ui,
    model: &Model,
    call: &GroupCallView,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    let aside = Aside {
        name: name(model, call),
        state: words::group_state(call, now.time),
        video: call.own.camera || call.people.iter().any(|person| person.media.camera),
        own: call.own,
        talks: true,
    };
    draw(ui, &aside, tokens, actions);
}

/// A click goes back to the call.
fn draw(ui: &mut Ui, aside: &Aside, tokens: &Tokens, actions: &mut Vec<Action>) {
    let fill = tokens.app.blend(tokens.good.gamma_multiply(if tokens.dark { 0.18 } else { 0.14 }));
    let frame = Frame::new().fill(fill).inner_margin(Margin::symmetric(12, 0));
    Panel::top("call bar").exact_size(HEIGHT).show_separator_line(false).frame(frame).show(ui, |ui| {
        let rect = ui.max_rect();
        let response = ui.interact(rect, Id::unique("return to call"), Sense::click());
        let spoken = say!("call-return-to", name = aside.name.as_str());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, spoken.as_str()));
        if response.has_focus() {
            let stroke = egui::Stroke::new(2.0, tokens.accent);
            ui.painter().rect_stroke(rect, 4.0, stroke, egui::StrokeKind::Inside);
        }
        if response.clicked() {
            actions.push(Action::Call(CallAction::Show(true)));
        }
        let glyph = if aside.video { icons::CAMERA } else { icons::PHONE };
        let at = pos2(rect.min.x + 12.0, rect.center().y);
        ui.painter().text(at, egui::Align2::CENTER_CENTER, glyph, icon(18.0), tokens.good);
        let room = rect.width() - 2.0 * (size::HIT + space::S) - 30.0;
        let words = say!("call-bar", name = aside.name.as_str(), state = aside.state.as_str());
        let line = widget::line(ui, &words, medium(13.5), tokens.text, room * 0.65);
        let left = rect.min.x + 30.0;
        let next = left + line.size().x + space::L;
        ui.painter().galley(pos2(left, rect.center().y - line.size().y / 2.0), line, tokens.text);
        let back = widget::line(ui, &say!("call-return"), medium(13.0), tokens.accent, room - (next - left));
        if back.size().x > 40.0 {
            ui.painter().galley(pos2(next, rect.center().y - back.size().y / 2.0), back, tokens.accent);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if !aside.talks {
                return;
            }
            if widget::icon_button(ui, tokens, icons::HANG_UP, &say!("call-hang-up")).clicked() {
                actions.push(Action::Call(CallAction::HangUp));
            }
            let (glyph, label) = microphone(aside.own);
            if widget::icon_button(ui, tokens, glyph, &label).clicked() {
                actions.push(Action::Call(CallAction::Toggle(Part::Microphone)));
            }
        });
    });
}
