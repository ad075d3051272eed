//! The page on which public rooms are looked for, in all directories that the person is in, and coming into one.

mod card;
pub mod join;

use eframe::egui::Align;
use eframe::egui::CentralPanel;
use eframe::egui::Frame;
use eframe::egui::Id;
use eframe::egui::Layout;
use eframe::egui::Margin;
use eframe::egui::Panel;
use eframe::egui::RichText;
use eframe::egui::ScrollArea;
use eframe::egui::TextEdit;
use eframe::egui::Ui;
use kith_engine::view::GroupView;
use kith_proto::id::GroupId;

use crate::action::Action;
use crate::action::RoomAction;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::groups::words;
use crate::model::rooms;
use crate::model::rooms::Discover;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::regular;
use crate::theme::semibold;
use crate::theme::size;
use crate::theme::space;
use crate::widget;

/// Draws the page.
pub fn discover(
    ui: &mut Ui,
    model: &mut Model,
    tokens: &Tokens,
    now: Now,
    narrow: bool,
    actions: &mut Vec<Action>,
) {
    let Some(mut page) = model.rooms.page.take() else { return };
    Panel::top("top bar")
        .exact_size(size::TOP_BAR)
        .show_separator_line(false)
        .frame(Frame::new().fill(tokens.side).inner_margin(Margin::symmetric(16, 0)))
        .show(ui, |ui| header(ui, tokens, narrow, actions));
    CentralPanel::default().frame(Frame::new().fill(tokens.app)).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let margin = Margin { left: 16, right: 16, top: 16, bottom: 24 };
            Frame::new().inner_margin(margin).show(ui, |ui| {
                let width = ui.available_width().min(size::PAGE);
                ui.horizontal(|ui| {
                    ui.add_space((ui.available_width() - width) / 2.0);
                    ui.vertical(|ui| {
                        ui.set_width(width);
                        content(ui, model, &mut page, (tokens, now), actions);
                    });
                });
            });
        });
    });
    if page.is_stale() {
        actions.push(Action::Room(RoomAction::Search));
    }
    model.rooms.page = Some(page);
}

fn header(ui: &mut Ui, tokens: &Tokens, narrow: bool, actions: &mut Vec<Action>) {
    ui.horizontal_centered(|ui| {
        if narrow && widget::icon_button(ui, tokens, icons::BACK, &say!("back-to-chats")).clicked() {
            actions.push(Action::Room(RoomAction::CloseDiscover));
        }
        ui.label(RichText::new(icons::COMPASS).font(icon(22.0)).color(tokens.accent));
        ui.label(RichText::new(say!("discover-title")).font(semibold(16.0)).color(tokens.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !narrow && widget::icon_button(ui, tokens, icons::CLOSE, &say!("close")).clicked() {
                actions.push(Action::Room(RoomAction::CloseDiscover));
            }
        });
    });
}

fn content(
    ui: &mut Ui,
    model: &Model,
    page: &mut Discover,
    (tokens, now): (&Tokens, Now),
    actions: &mut Vec<Action>,
) {
    let directories = rooms::directories(&model.groups);
    if directories.is_empty() {
        return without_directories(ui, tokens, actions);
    }
    search(ui, page, tokens, model.dialog.is_none());
    if directories.len() > 1 || page.directory.is_some() {
        choose(ui, page, &directories);
    }
    ui.add_space(space::S);
    match page.found() {
        None => {
            ui.vertical_centered(Ui::spinner);
        }
        Some([]) => nothing(ui, page, tokens),
        Some(found) => {
            let words = say!("discover-found", count = found.len());
            ui.label(RichText::new(words).font(regular(13.0)).color(tokens.muted));
            for room in found {
                card::card(ui, model, room, (tokens, now), actions);
            }
        }
    }
}

/// How one gets into a directory, for who is in none.
fn without_directories(ui: &mut Ui, tokens: &Tokens, actions: &mut Vec<Action>) {
    ui.vertical_centered(|ui| {
        ui.add_space(space::XL);
        ui.label(RichText::new(icons::COMPASS).font(icon(44.0)).color(tokens.faint));
        ui.add_space(space::S);
        ui.label(RichText::new(say!("discover-no-directories")).font(semibold(17.0)).color(tokens.text));
        ui.add_space(space::XS);
        ui.allocate_ui(eframe::egui::vec2(ui.available_width().min(460.0), 0.0), |ui| {
            ui.vertical_centered(|ui| {
                let words = say!("discover-what-directories-are");
                ui.label(RichText::new(words).font(regular(14.0)).color(tokens.muted));
            });
        });
        ui.add_space(space::M);
        if widget::primary(ui, tokens, &say!("discover-paste-link")).clicked() {
            actions.push(Action::OpenAdd);
        }
        ui.add_space(space::XS);
        if ui.button(say!("discover-make-directory")).clicked() {
            actions.push(Action::Room(RoomAction::MakeDirectory));
        }
    });
}

fn nothing(ui: &mut Ui, page: &Discover, tokens: &Tokens) {
    let (heading, words) = match page.search.trim().is_empty() {
        true => (say!("discover-empty"), say!("discover-empty-hint")),
        false => (say!("nothing-found"), say!("discover-nothing-hint")),
    };
    ui.vertical_centered(|ui| {
        ui.add_space(space::XL);
        ui.label(RichText::new(icons::BOOKS).font(icon(40.0)).color(tokens.faint));
        ui.add_space(space::S);
        ui.label(RichText::new(heading).font(semibold(16.0)).color(tokens.text));
        ui.label(RichText::new(words).font(regular(14.0)).color(tokens.muted));
    });
}

/// The field; a dialog over it has the keys.
fn search(ui: &mut Ui, page: &mut Discover, tokens: &Tokens, may_take_focus: bool) {
    let frame = Frame::new().fill(tokens.side).corner_radius(size::RADIUS);
    let frame = frame.stroke(eframe::egui::Stroke::new(1.0, tokens.border));
    frame.inner_margin(Margin::symmetric(12, 9)).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(icons::SEARCH).font(icon(17.0)).color(tokens.muted));
            let hint = say!("discover-search");
            let edit = TextEdit::singleline(&mut page.search)
                .id(Id::unique("search rooms"))
                .frame(Frame::NONE)
                .desired_width(f32::INFINITY)
                .hint_text(RichText::new(hint).color(tokens.faint));
            let field = ui.add(edit);
            if may_take_focus {
                widget::focus_first(ui, &field);
            }
        });
    });
}

/// In which directory is searched.
fn choose(ui: &mut Ui, page: &mut Discover, directories: &[&GroupView]) {
    ui.horizontal_wrapped(|ui| {
        let mut choice = |ui: &mut Ui, directory: Option<GroupId>, name: String| {
            if ui.selectable_label(page.directory == directory, name).clicked() {
                page.directory = directory;
            }
        };
        choice(ui, None, say!("discover-all-directories"));
        for directory in directories {
            choice(ui, Some(directory.group), words::title(directory));
        }
    });
}
