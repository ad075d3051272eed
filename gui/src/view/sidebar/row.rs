//! A chat in the list.

use eframe::egui::Align2;
use eframe::egui::Color32;
use eframe::egui::Rect;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::MessageKind;
use kith_engine::view::PreviewView;

use crate::action::Action;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::groups::Notify;
use crate::model::groups::words;
use crate::say;
use crate::text;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::group;
use crate::view::sidebar::contact_menu;
use crate::widget;

/// What is beside the texts of a row on the right, as wide as it is.
struct Marks {
    unread: u64,
    loud: bool,
    calling: bool,
    /// Whether a call goes on.
    call: bool,
    asking: usize,
    reports: usize,
}

/// Draws a chat of the list.
pub(super) fn row(
    ui: &mut Ui,
    model: &Model,
    view: &ChatView,
    tokens: &Tokens,
    now: Now,
    actions: &mut Vec<Action>,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::CHAT_ROW), Sense::click());
    let contact = view.contact().and_then(|with| model.contacts.get(&with));
    let group = view.group().and_then(|group| model.groups.get(&group.group));
    let name = match &view.with {
        ChatWith::Contact(with) => model.name_of(with),
        ChatWith::Group(_) => group.map_or_else(|| text::clean_name(&view.name), words::title),
    };
    let caught = view.last.as_ref().is_some_and(|last| !last.outgoing && model.filters.catches(&last.text));
    let preview = match &view.with {
        _ if caught => say!("hidden-preview"),
        ChatWith::Contact(_) => preview(view, contact),
        ChatWith::Group(_) => words::preview(group, view.last.as_ref(), &model.groups, now),
    };
    let selected = model.open_chat() == Some(view.chat);
    let marks = Marks {
        unread: view.unread,
        loud: model.groups.is_loud(&view.chat),
        calling: view.unread > 0 && model.groups.is_calling(&view.chat),
        call: model.calls.together.is_in(&view.chat),
        asking: group.map_or(0, |group| model.groups.requests_for_us(group)),
        reports: group.map_or(0, |group| model.groups.reports_for_us(group)),
    };
    let spoken = marks.spoken();
    response.widget_info(|| {
        WidgetInfo::selected(Role::Button, true, selected, format!("{name}{spoken}: {preview}"))
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
    picture(ui, model, view, &name, (rect, ground), tokens);
    texts(ui, model, view, (&name, &preview), &marks, rect, (tokens, now));
    if response.clicked() {
        actions.push(Action::OpenChat(view.chat));
    }
    if let Some(contact) = contact {
        response.context_menu(|ui| contact_menu(ui, model, contact, actions));
    } else if let Some(group) = group {
        response.context_menu(|ui| group::menu(ui, model, group, actions));
    }
}

fn picture(
    ui: &Ui,
    model: &Model,
    view: &ChatView,
    name: &str,
    (rect, ground): (Rect, Color32),
    tokens: &Tokens,
) {
    let center = rect.left_center() + vec2(space::S + size::AVATAR / 2.0, 0.0);
    match &view.with {
        ChatWith::Contact(contact) => {
            let seed = contact.0.first().copied().unwrap_or(0);
            widget::avatar(ui.painter(), tokens, center, size::AVATAR, seed, name);
            if model.online.contains(contact) {
                widget::online_dot(ui.painter(), tokens, center + vec2(15.0, 15.0), ground);
            }
        }
        ChatWith::Group(group) => {
            let seed = group.group.0.first().copied().unwrap_or(0);
            widget::group_avatar(ui.painter(), tokens, center, size::AVATAR, seed, name);
        }
    }
}

fn texts(
    ui: &Ui,
    model: &Model,
    view: &ChatView,
    (name, preview): (&str, &str),
    marks: &Marks,
    rect: Rect,
    (tokens, now): (&Tokens, Now),
) {
    let left = rect.min.x + space::S + size::AVATAR + space::M;
    let right = rect.max.x - space::M;
    let time = widget::line(ui, &now.short(view.active_at), regular(12.0), tokens.muted, 90.0);
    let time_left = right - time.size().x;
    ui.painter().galley(pos2(time_left, rect.min.y + 15.0), time, tokens.muted);
    let quiet = model.groups.notify(&view.chat) != Notify::All;
    let bell = if quiet { 20.0 } else { 0.0 };
    let title = widget::line(ui, name, medium(14.5), tokens.text, time_left - left - space::S - bell);
    if quiet {
        let at = pos2(left + title.size().x + 12.0, rect.min.y + 22.0);
        ui.painter().text(at, Align2::CENTER_CENTER, icons::BELL_OFF, icon(14.0), tokens.muted);
    }
    ui.painter().galley(pos2(left, rect.min.y + 13.0), title, tokens.text);
    let free = marks.paint(ui, tokens, pos2(right, rect.min.y + 46.0));
    let selected = model.open_chat() == Some(view.chat);
    let (color, words) = if selected || view.draft.is_empty() {
        (tokens.muted, preview.to_owned())
    } else {
        (tokens.danger, say!("preview-draft", text = view.draft.as_str()))
    };
    let second = widget::line(ui, &words, regular(13.0), color, free - left);
    ui.painter().galley(pos2(left, rect.min.y + 37.0), second, color);
}

impl Marks {
    fn spoken(&self) -> String {
        let mut words = String::new();
        if self.unread > 0 {
            words += &say!("row-unread", count = self.unread);
        }
        if self.calling {
            words += &say!("row-mentioned");
        }
        if self.call {
            words += &say!("call-group-row");
        }
        if self.asking > 0 {
            words += &say!("row-asking", count = self.asking);
        }
        if self.reports > 0 {
            words += &say!("row-reports", count = self.reports);
        }
        words
    }

    /// Paints the marks from the right. Returns how far the text may go.
    fn paint(&self, ui: &Ui, tokens: &Tokens, right: eframe::egui::Pos2) -> f32 {
        let mut at = right;
        if self.unread > 0 {
            at.x = widget::badge(ui, tokens, at, self.unread, self.loud) - space::XS;
        }
        if self.calling {
            at.x = disc(ui, at, icons::AT, tokens.fill, tokens.on_fill);
        }
        if self.call {
            at.x = disc(ui, at, icons::PHONE, tokens.good.gamma_multiply(0.2), tokens.good);
        }
        if self.asking > 0 {
            at.x = disc(ui, at, icons::USER_PLUS, tokens.accent.gamma_multiply(0.2), tokens.accent);
        }
        if self.reports > 0 {
            at.x = disc(ui, at, icons::FLAG, tokens.danger.gamma_multiply(0.16), tokens.danger);
        }
        if at.x < right.x { at.x - space::XS } else { right.x }
    }
}

/// A round mark with an icon. Returns where the next one ends.
fn disc(ui: &Ui, right: eframe::egui::Pos2, glyph: &str, fill: Color32, ink: Color32) -> f32 {
    let center = right - vec2(10.0, 0.0);
    ui.painter().circle_filled(center, 10.0, fill);
    ui.painter().text(center, Align2::CENTER_CENTER, glyph, icon(13.0), ink);
    right.x - 20.0 - space::XS
}

fn preview(view: &ChatView, contact: Option<&ContactView>) -> String {
    let refused = contact.is_some_and(|contact| contact.refused);
    match (&view.last, contact.map(|contact| contact.state)) {
        (Some(PreviewView { kind: MessageKind::Call(call), outgoing, .. }), _) => {
            crate::model::calls::words::whole(call, *outgoing)
        }
        (Some(last), _) if last.text.is_empty() => say!("preview-disappearing"),
        (Some(last), _) if last.outgoing => say!("preview-you", text = last.text.as_str()),
        (Some(last), _) => last.text.clone(),
        (None, Some(ContactState::Requested)) if refused => say!("preview-refused"),
        (None, Some(ContactState::Requested)) => say!("preview-requested"),
        (None, Some(ContactState::Blocked)) => say!("blocked"),
        (None, _) => say!("preview-hello"),
    }
}
