//! The members: who, as what, whether they are there, and what can be done about each.

use eframe::egui;
use eframe::egui::Align;
use eframe::egui::Align2;
use eframe::egui::Frame;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::RichText;
use eframe::egui::Role as Aria;
use eframe::egui::Sense;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::view::MemberView;
use kith_proto::group::Role;
use kith_proto::time::Timestamp;

use crate::action::Action;
use crate::action::GroupAction;
use crate::action::groups::Step;
use crate::model::groups::info::DAY;
use crate::model::groups::info::HOUR;
use crate::model::groups::words;
use crate::say;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::view::group::Desk;
use crate::widget;

/// More members than this are searched through.
const FEW: usize = 8;

/// A row.
const ROW: f32 = 50.0;

pub(super) fn members(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (tokens, group) = (desk.tokens, desk.group);
    if group.members.is_empty() {
        return;
    }
    ui.horizontal(|ui| {
        ui.set_min_height(size::HIT);
        let words = words::members(group.members.len(), 0);
        ui.label(RichText::new(words).font(semibold(14.5)).color(tokens.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let may = desk.rights().may_invite();
            if may && widget::chip(ui, tokens, icons::USER_PLUS, &say!("add-people")).clicked() {
                desk.want(GroupAction::OpenAdd);
            }
        });
    });
    if group.members.len() > FEW {
        search(ui, desk);
    }
    let wanted = desk.form.search.trim().to_lowercase();
    ui.spacing_mut().item_spacing.y = 0.0;
    for member in &group.members {
        let name = desk.model.groups.told_name(&member.account);
        if group.members.len() <= FEW || wanted.is_empty() || name.to_lowercase().contains(&wanted) {
            row(ui, desk, member, &name);
        }
    }
    ui.spacing_mut().item_spacing.y = space::S;
}

fn search(ui: &mut Ui, desk: &mut Desk<'_>) {
    let tokens = desk.tokens;
    let frame = Frame::new().fill(tokens.input).corner_radius(size::RADIUS);
    frame.inner_margin(Margin::symmetric(10, 6)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::SEARCH).font(icon(15.0)).color(tokens.muted));
            let edit = TextEdit::singleline(&mut desk.form.search)
                .frame(Frame::NONE)
                .desired_width(f32::INFINITY)
                .hint_text(RichText::new(say!("members-search")).color(tokens.faint));
            ui.add(edit);
        });
    });
}

fn row(ui: &mut Ui, desk: &mut Desk<'_>, member: &MemberView, name: &str) {
    let tokens = desk.tokens;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    if !ui.is_rect_visible(rect) {
        return;
    }
    let own = desk.model.groups.own() == Some(member.account);
    let online = own || desk.model.online.contains(&member.account);
    let role = words::role(member.role);
    response.widget_info(|| WidgetInfo::labeled(Aria::Button, true, format!("{name}, {role}")));
    let inner = rect.expand2(vec2(8.0, 0.0));
    let ground = if response.hovered() { tokens.hover } else { tokens.side };
    if response.hovered() {
        ui.painter().rect_filled(inner, size::RADIUS, ground);
    }
    if response.has_focus() {
        let stroke = egui::Stroke::new(2.0, tokens.accent);
        ui.painter().rect_stroke(inner, size::RADIUS, stroke, egui::StrokeKind::Inside);
    }
    let center = rect.left_center() + vec2(18.0, 0.0);
    let seed = member.account.0.first().copied().unwrap_or(0);
    widget::avatar(ui.painter(), tokens, center, 36.0, seed, name);
    if online {
        widget::online_dot(ui.painter(), tokens, center + vec2(12.0, 12.0), ground);
    }
    let left = center.x + 18.0 + space::M;
    let mut right = rect.max.x;
    if member.role != Role::Member {
        let ink = if member.role >= Role::Admin { tokens.accent } else { tokens.muted };
        let tag = widget::line(ui, &role, medium(11.5), ink, 90.0);
        let pill = egui::Rect::from_min_max(
            pos2(right - tag.size().x - 16.0, rect.center().y - 10.0),
            pos2(right, rect.center().y + 10.0),
        );
        ui.painter().rect_filled(pill, 10.0, ink.gamma_multiply(0.13));
        ui.painter().galley(pill.center() - tag.size() / 2.0, tag, ink);
        right = pill.min.x - space::S;
    }
    let shown = if own { say!("member-you", name = name) } else { name.to_owned() };
    let first = widget::line(ui, &shown, medium(14.0), tokens.text, right - left);
    ui.painter().galley(pos2(left, rect.min.y + 7.0), first, tokens.text);
    let muted = member.muted_until.filter(|until| *until > desk.now.time);
    let below = match muted {
        Some(until) => words::muted_until(until, desk.now),
        None if own => say!("member-this-device"),
        None if online => say!("online"),
        None => say!("offline"),
    };
    let mut at = left;
    if muted.is_some() {
        let mark = pos2(at + 6.0, rect.min.y + 34.0);
        ui.painter().text(mark, Align2::CENTER_CENTER, icons::SILENT, icon(13.0), tokens.warning);
        at += 16.0;
    }
    let ink = if muted.is_some() { tokens.warning } else { tokens.muted };
    let second = widget::line(ui, &below, regular(12.0), ink, right - at);
    ui.painter().galley(pos2(at, rect.min.y + 27.0), second, ink);
    let response = response.on_hover_text(member.account.to_string());
    if response.secondary_clicked() {
        egui::Popup::open_id(ui.ctx(), egui::Popup::default_response_id(&response));
    }
    egui::Popup::menu(&response).show(|ui| menu(ui, desk, member));
}

/// What can be done about a member.
fn menu(ui: &mut Ui, desk: &mut Desk<'_>, member: &MemberView) {
    let account = member.account;
    let own = desk.model.groups.own() == Some(account);
    if let Some(contact) = desk.model.contacts.get(&account).filter(|_| !own)
        && ui.button(say!("member-write")).clicked()
    {
        desk.actions.push(Action::OpenChat(contact.chat));
        ui.close();
    }
    if ui.button(say!("copy-address")).clicked() {
        desk.actions.push(Action::Copy(account.to_string()));
        ui.close();
    }
    let rights = desk.rights();
    let roles = rights.roles_for(member);
    if !roles.is_empty() {
        ui.separator();
        ui.menu_button(if own { say!("step-down") } else { say!("change-role") }, |ui| {
            for role in roles {
                let label = format!("{} – {}", words::role(role), words::role_means(role));
                if ui.button(label).clicked() {
                    match (own, role) {
                        (true, to) => desk.ask(Step::StepDown { to, own: account }),
                        (false, Role::Owner) => desk.ask(Step::MakeOwner(account)),
                        (false, role) => desk.want(GroupAction::SetRole(account, role)),
                    }
                    ui.close();
                }
            }
        });
    }
    if rights.may_discipline(member) {
        ui.separator();
        discipline(ui, desk, member);
    }
}

/// What those who keep order can do about a member.
pub(super) fn discipline(ui: &mut Ui, desk: &mut Desk<'_>, member: &MemberView) {
    let account = member.account;
    if member.muted_until.is_some_and(|until| until > desk.now.time) {
        if ui.button(say!("member-unmute")).clicked() {
            // Long over, so that it is over by every clock.
            desk.want(GroupAction::Mute(account, Timestamp(0)));
            ui.close();
        }
    } else {
        ui.menu_button(say!("mute"), |ui| mute(ui, desk, member));
    }
    if ui.button(say!("member-remove")).clicked() {
        desk.ask(Step::Remove(account));
        ui.close();
    }
    if ui.button(RichText::new(say!("member-ban")).color(desk.tokens.danger)).clicked() {
        desk.ask(Step::Ban(account));
        ui.close();
    }
}

fn mute(ui: &mut Ui, desk: &mut Desk<'_>, member: &MemberView) {
    let after = |secs: u64| Timestamp(desk.now.time.0.saturating_add(secs * 1_000));
    let ends = [
        (say!("for-an-hour"), after(HOUR)),
        (say!("for-a-day"), after(DAY)),
        (say!("for-a-week"), after(7 * DAY)),
        (say!("until-lifted"), Timestamp::NEVER),
    ];
    for (label, until) in ends {
        if ui.button(label).clicked() {
            desk.want(GroupAction::Mute(member.account, until));
            ui.close();
        }
    }
}
