//! The panel of a group and its pages, and what else is drawn about groups.

mod about;
mod kind;
mod links;
mod listings;
mod members;
pub mod people;
mod queues;
pub mod reports;
mod rules;
pub mod sure;

use eframe::egui;
use eframe::egui::Align;
use eframe::egui::Align2;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::Response;
use eframe::egui::RichText;
use eframe::egui::Role as Aria;
use eframe::egui::ScrollArea;
use eframe::egui::Sense;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_proto::id::AccountId;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::groups::Doubt;
use crate::action::groups::Step;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::groups::Notify;
use crate::model::groups::info::InfoForm;
use crate::model::groups::info::InfoPage;
use crate::model::groups::rights::Rights;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

/// What every page needs.
struct Desk<'a> {
    model: &'a Model,
    group: &'a GroupView,
    form: &'a mut InfoForm,
    tokens: &'a Tokens,
    now: Now,
    actions: &'a mut Vec<Action>,
}

impl<'a> Desk<'a> {
    fn rights(&self) -> Rights<'a> {
        self.model.groups.rights(self.group)
    }

    fn want(&mut self, action: GroupAction) {
        self.actions.push(Action::Group(action));
    }

    /// Asks before something that cannot be undone.
    fn ask(&mut self, what: Step) {
        let doubt = Doubt { group: self.group.group, what };
        self.want(GroupAction::Ask(doubt));
    }
}

/// Draws the panel.
pub fn panel(ui: &mut Ui, model: &mut Model, tokens: &Tokens, now: Now, actions: &mut Vec<Action>) {
    let Some(mut form) = model.info.take() else { return };
    if let Some(group) = model.groups.get(&form.group) {
        let mut desk = Desk { model, group, form: &mut form, tokens, now, actions };
        header(ui, &mut desk);
        let margin = Margin { left: 18, right: 14, top: 6, bottom: 18 };
        ScrollArea::vertical().id_salt(desk.form.page as u8).auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(margin).show(ui, |ui| match desk.form.page {
                InfoPage::About => about::about(ui, &mut desk),
                InfoPage::Rules => rules::rules(ui, &mut desk),
                InfoPage::Links => links::links(ui, &mut desk),
                InfoPage::Listings => listings::listings(ui, &mut desk),
                InfoPage::Reports => reports::reports(ui, &mut desk),
                InfoPage::Requests => queues::requests(ui, &mut desk),
                InfoPage::Banned => queues::banned(ui, &mut desk),
            });
        });
    }
    model.info = Some(form);
}

fn header(ui: &mut Ui, desk: &mut Desk<'_>) {
    let words = match desk.form.page {
        InfoPage::About => say!("group-about"),
        InfoPage::Rules => say!("page-rules"),
        InfoPage::Links => say!("page-links"),
        InfoPage::Requests => say!("page-requests"),
        InfoPage::Banned => say!("page-banned"),
        InfoPage::Listings => say!("page-listings"),
        InfoPage::Reports => say!("page-reports"),
    };
    Frame::new().inner_margin(Margin { left: 10, right: 10, top: 12, bottom: 2 }).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_min_height(size::HIT);
            if desk.form.page == InfoPage::About {
                ui.add_space(space::S);
            } else if widget::icon_button(ui, desk.tokens, icons::BACK, &say!("back-to-group")).clicked() {
                desk.want(GroupAction::ShowInfo(InfoPage::About));
            }
            ui.label(RichText::new(words).font(semibold(16.0)).color(desk.tokens.text));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widget::icon_button(ui, desk.tokens, icons::CLOSE, &say!("close-panel")).clicked() {
                    desk.want(GroupAction::CloseInfo);
                }
            });
        });
    });
}

/// A sentence that explains.
fn sentence(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.label(RichText::new(text).font(regular(13.0)).color(tokens.muted));
}

/// A row that leads to another page: an icon, a name, how many.
fn leads_to(ui: &mut Ui, tokens: &Tokens, glyph: &str, name: &str, count: &str, loud: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 40.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Aria::Button, true, name));
    let inner = rect.expand2(vec2(8.0, 0.0));
    if response.hovered() {
        ui.painter().rect_filled(inner, size::RADIUS, tokens.hover);
    }
    if response.has_focus() {
        let stroke = egui::Stroke::new(2.0, tokens.accent);
        ui.painter().rect_stroke(inner, size::RADIUS, stroke, egui::StrokeKind::Inside);
    }
    let y = rect.center().y;
    let ink = if loud { tokens.accent } else { tokens.muted };
    ui.painter().text(pos2(rect.min.x + 10.0, y), Align2::CENTER_CENTER, glyph, icon(18.0), ink);
    ui.painter().text(pos2(rect.min.x + 32.0, y), Align2::LEFT_CENTER, name, medium(14.0), tokens.text);
    let arrow = pos2(rect.max.x - 6.0, y);
    ui.painter().text(arrow, Align2::CENTER_CENTER, icons::NEXT, icon(14.0), tokens.faint);
    let at = pos2(rect.max.x - 20.0, y);
    if loud {
        let fill = egui::Rect::from_center_size(at - vec2(8.0, 0.0), vec2(22.0, 20.0));
        ui.painter().rect_filled(fill, 10.0, tokens.fill);
        ui.painter().text(fill.center(), Align2::CENTER_CENTER, count, semibold(11.5), tokens.on_fill);
    } else {
        ui.painter().text(at, Align2::RIGHT_CENTER, count, regular(13.0), tokens.muted);
    }
    response
}

/// Somebody with a name and a line below, as wide as there is room but for `buttons` on the right.
fn person(ui: &mut Ui, tokens: &Tokens, who: &AccountId, name: &str, below: &str, buttons: f32) {
    let width = (ui.available_width() - buttons).max(60.0);
    let (rect, _) = ui.allocate_exact_size(vec2(width, 42.0), Sense::hover());
    let center = rect.left_center() + vec2(17.0, 0.0);
    let seed = who.0.first().copied().unwrap_or(0);
    widget::avatar(ui.painter(), tokens, center, 34.0, seed, name);
    let left = center.x + 17.0 + space::S;
    let first = widget::line(ui, name, medium(14.0), tokens.text, rect.max.x - left);
    ui.painter().galley(pos2(left, rect.min.y + 3.0), first, tokens.text);
    let second = widget::line(ui, below, regular(12.0), tokens.muted, rect.max.x - left);
    ui.painter().galley(pos2(left, rect.min.y + 22.0), second, tokens.muted);
}

/// The first and the last letters of an address, which tell people of one name apart.
fn short_address(who: &AccountId) -> String {
    let address = who.to_string();
    let (begin, end) = (address.get(..11), address.get(address.len().saturating_sub(5)..));
    format!("{}…{}", begin.unwrap_or_default(), end.unwrap_or_default())
}

/// What can be done about a group from its row in the list or the bar above it.
pub fn menu(ui: &mut Ui, model: &Model, group: &GroupView, actions: &mut Vec<Action>) {
    let mut item = |ui: &mut Ui, label: &str, action: GroupAction| {
        if ui.button(label).clicked() {
            // The panel is that of the open chat.
            if model.open_chat() != Some(group.chat) && matches!(action, GroupAction::ShowInfo(_)) {
                actions.push(Action::OpenChat(group.chat));
            }
            actions.push(Action::Group(action));
            ui.close();
        }
    };
    item(ui, &say!("group-about"), GroupAction::ShowInfo(InfoPage::About));
    if model.groups.rights(group).may_invite() {
        item(ui, &say!("menu-invite"), GroupAction::ShowInfo(InfoPage::Links));
    }
    ui.separator();
    let now = model.groups.notify(&group.chat);
    for (choice, label) in [
        (Notify::All, say!("menu-notify-all")),
        (Notify::Mentions, say!("menu-notify-mentions")),
        (Notify::Nothing, say!("mute")),
    ] {
        if choice != now {
            item(ui, &label, GroupAction::Notify(group.chat, choice));
        }
    }
    ui.separator();
    let doubt = |what| Doubt { group: group.group, what };
    match group.state {
        GroupState::Joined => item(ui, &say!("menu-leave"), GroupAction::Ask(doubt(Step::Leave))),
        GroupState::Left | GroupState::Removed => {
            item(ui, &say!("menu-forget"), GroupAction::Ask(doubt(Step::Forget)));
        }
        GroupState::Invited => item(ui, &say!("decline"), GroupAction::Decline(group.group)),
        GroupState::Asking => item(ui, &say!("stop-asking"), GroupAction::StopAsking(group.group)),
    }
}

/// A choice out of a few, with a name before it. Returns whether another was made.
fn choice<T: Copy + PartialEq>(
    ui: &mut Ui,
    tokens: &Tokens,
    name: &str,
    value: &mut T,
    choices: &[(T, String)],
) -> bool {
    let before = *value;
    let label = ui.label(RichText::new(name).font(regular(13.0)).color(tokens.muted));
    let shown = choices.iter().find(|(choice, _)| choice == value).map(|(_, words)| words.as_str());
    let width = ui.available_width();
    let combo = egui::ComboBox::from_id_salt(name)
        .width(width)
        .selected_text(RichText::new(shown.unwrap_or_default()).font(regular(14.0)).color(tokens.text))
        .show_ui(ui, |ui| {
            for (choice, words) in choices {
                ui.selectable_value(value, *choice, words);
            }
        });
    combo.response.labelled_by(label.id);
    *value != before
}
