//! The settings: profile, theme, community nodes, mailboxes, helping others, how the connection is, passphrase, what others need to know. One
//! page at a time, so that none is long.

mod calls;
mod connection;
mod filters;
mod help;
mod lists;
mod notices;

use eframe::egui::Align2;
use eframe::egui::CollapsingHeader;
use eframe::egui::Response;
use eframe::egui::RichText;
use eframe::egui::Role;
use eframe::egui::ScrollArea;
use eframe::egui::Sense;
use eframe::egui::Stroke;
use eframe::egui::StrokeKind;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::vec2;

use crate::action::Action;
use crate::i18n::Language;
use crate::model::Model;
use crate::model::dates::Now;
use crate::model::settings::Page;
use crate::model::settings::SettingsForm;
use crate::say;
use crate::theme::Choice;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;
use crate::view::dialogs;
use crate::widget;

/// What every page needs: what is shown, what was typed, how it looks, and where wishes go.
pub struct Desk<'a> {
    /// Everything that is known.
    pub model: &'a Model,
    /// What was typed.
    pub form: &'a mut SettingsForm,
    /// The theme.
    pub tokens: &'a Tokens,
    /// The time and the zone.
    pub now: Now,
    /// What the person wants.
    pub actions: &'a mut Vec<Action>,
}

/// Draws the settings.
pub fn settings(ui: &mut Ui, desk: &mut Desk<'_>) {
    dialogs::title(ui, desk.tokens, &say!("settings"), desk.actions);
    // As high as the window allows, and the same on every page: a dialog that jumps is hard to use.
    if ui.available_width() < size::SETTINGS_NARROW {
        ui.horizontal_wrapped(|ui| pages(ui, desk));
        ui.separator();
        let most = (ui.ctx().content_rect().height() - 240.0).clamp(160.0, size::SETTINGS_HEIGHT);
        return page(ui, desk, most);
    }
    let most = (ui.ctx().content_rect().height() - 170.0).clamp(160.0, size::SETTINGS_HEIGHT);
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width(size::SETTINGS_PAGES);
            ui.spacing_mut().item_spacing.y = 2.0;
            pages(ui, desk);
        });
        ui.add_space(space::M);
        ui.vertical(|ui| page(ui, desk, most));
    });
}

/// The names of the pages.
fn pages(ui: &mut Ui, desk: &mut Desk<'_>) {
    let aside = ui.layout().is_vertical();
    for page in Page::ALL {
        let open = desk.form.page == page;
        let clicked = match aside {
            true => page_row(ui, desk.tokens, page, open).clicked(),
            false => ui.selectable_label(open, page.name()).clicked(),
        };
        if clicked {
            desk.actions.push(Action::ShowPage(page));
        }
    }
}

/// A page in the column of names.
fn page_row(ui: &mut Ui, tokens: &Tokens, page: Page, open: bool) -> Response {
    let glyph = match page {
        Page::General => icons::USER,
        Page::Notices => icons::BELL,
        Page::Calls => icons::PHONE,
        Page::Filters => icons::FUNNEL,
        Page::Nodes => icons::GLOBE,
        Page::Mailboxes => icons::LETTER,
        Page::Help => icons::USERS,
        Page::Connection => icons::INFO,
    };
    let (rect, response) = ui.allocate_exact_size(vec2(size::SETTINGS_PAGES, size::HIT), Sense::click());
    let name = page.name();
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, open, &name));
    if open || response.hovered() {
        ui.painter().rect_filled(rect, size::RADIUS, if open { tokens.selected } else { tokens.hover });
    }
    if response.has_focus() {
        let stroke = Stroke::new(2.0, tokens.accent);
        ui.painter().rect_stroke(rect, size::RADIUS, stroke, StrokeKind::Inside);
    }
    let ink = if open { tokens.accent } else { tokens.muted };
    let at = rect.left_center() + vec2(20.0, 0.0);
    ui.painter().text(at, Align2::CENTER_CENTER, glyph, icon(17.0), ink);
    let shown = widget::line(ui, &name, medium(14.0), tokens.text, rect.width() - 46.0);
    let text_at = rect.left_center() + vec2(38.0, -shown.size().y / 2.0);
    ui.painter().galley(text_at, shown, tokens.text);
    response
}

/// The open page.
fn page(ui: &mut Ui, desk: &mut Desk<'_>, most: f32) {
    ScrollArea::vertical().max_height(most).min_scrolled_height(most).auto_shrink([false, false]).show(
        ui,
        |ui| {
            match desk.form.page {
                Page::General => {
                    profile(ui, desk);
                    ui.separator();
                    theme(ui, desk);
                    language(ui, desk);
                    ui.separator();
                    passphrase(ui, desk);
                    about(ui, desk);
                }
                Page::Notices => notices::notices(ui, desk),
                Page::Calls => calls::calls(ui, desk),
                Page::Filters => filters::filters(ui, desk),
                Page::Nodes => lists::nodes(ui, desk),
                Page::Mailboxes => lists::mailboxes(ui, desk),
                Page::Help => help::help(ui, desk),
                Page::Connection => connection::connection(ui, desk),
            }
            widget::error(ui, desk.tokens, desk.form.error.as_deref());
        },
    );
}

/// A sentence that explains.
fn sentence(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.label(RichText::new(text).font(regular(13.0)).color(tokens.muted));
}

fn heading(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.add_space(space::XS);
    ui.label(RichText::new(text).font(medium(14.5)).color(tokens.text));
}

fn profile(ui: &mut Ui, desk: &mut Desk<'_>) {
    heading(ui, desk.tokens, &say!("you"));
    widget::field(ui, desk.tokens, &say!("settings-name"), &mut desk.form.name, false);
    widget::field(ui, desk.tokens, &say!("settings-status"), &mut desk.form.status, false);
    ui.horizontal(|ui| {
        if widget::primary(ui, desk.tokens, &say!("save")).clicked() {
            desk.actions.push(Action::SaveProfile);
        }
        if let Some(profile) = &desk.model.profile
            && ui.button(say!("settings-copy-address")).clicked()
        {
            desk.actions.push(Action::Copy(profile.account.to_string()));
        }
    });
    if let Some(profile) = &desk.model.profile {
        let mut knocks = profile.knocks;
        if widget::marks(ui, desk.tokens, |ui| ui.checkbox(&mut knocks, say!("settings-knocks"))).changed() {
            desk.actions.push(Action::AllowKnocks(knocks));
        }
        let words = match profile.knocks {
            true => {
                say!("settings-knocks-on")
            }
            false => {
                say!("settings-knocks-off")
            }
        };
        sentence(ui, desk.tokens, &words);
    }
}

fn theme(ui: &mut Ui, desk: &mut Desk<'_>) {
    heading(ui, desk.tokens, &say!("settings-look"));
    ui.horizontal(|ui| {
        for (choice, name) in [
            (Choice::System, say!("look-system")),
            (Choice::Light, say!("look-light")),
            (Choice::Dark, say!("look-dark")),
        ] {
            if ui.selectable_label(desk.model.theme == choice, name).clicked() {
                desk.actions.push(Action::SetTheme(choice));
            }
        }
    });
}

/// The language: its own name, so that whoever cannot read the rest finds it.
fn language(ui: &mut Ui, desk: &mut Desk<'_>) {
    heading(ui, desk.tokens, &say!("settings-language"));
    let chosen = desk.model.language;
    ui.horizontal_wrapped(|ui| {
        let system = say!("settings-language-system");
        let choices = Language::ALL.map(|language| (Some(language), language.name().to_owned()));
        for (choice, name) in [(None, system)].into_iter().chain(choices) {
            if ui.selectable_label(chosen == choice, name).clicked() {
                desk.actions.push(Action::SetLanguage(choice));
            }
        }
    });
}

fn passphrase(ui: &mut Ui, desk: &mut Desk<'_>) {
    CollapsingHeader::new(say!("passphrase-title")).show(ui, |ui| {
        let sentence = say!("passphrase-what");
        ui.label(RichText::new(sentence).font(regular(13.0)).color(desk.tokens.muted));
        widget::field(ui, desk.tokens, &say!("passphrase-now"), &mut desk.form.old, true);
        widget::marks(ui, desk.tokens, |ui| ui.checkbox(&mut desk.form.unprotect, say!("passphrase-remove")));
        if !desk.form.unprotect {
            widget::field(ui, desk.tokens, &say!("passphrase-new"), &mut desk.form.new, true);
            widget::field(ui, desk.tokens, &say!("passphrase-again"), &mut desk.form.again, true);
        }
        if ui.button(say!("passphrase-change")).clicked() {
            desk.actions.push(Action::ChangePassphrase);
        }
    });
}

fn about(ui: &mut Ui, desk: &mut Desk<'_>) {
    CollapsingHeader::new(say!("settings-this-device")).show(ui, |ui| {
        let small = |text: String| RichText::new(text).font(regular(12.5)).color(desk.tokens.muted);
        ui.label(small(say!("about-version", version = env!("CARGO_PKG_VERSION"))));
        for address in &desk.model.listen {
            ui.horizontal(|ui| {
                let width = ui.available_width() - 48.0;
                ui.label(widget::line(ui, address, regular(12.5), desk.tokens.muted, width))
                    .on_hover_text(address);
                if widget::icon_button(ui, desk.tokens, icons::COPY, &say!("copy")).clicked() {
                    desk.actions.push(Action::Copy(address.clone()));
                }
            });
        }
        if ui.button(say!("settings-shortcuts")).clicked() {
            desk.actions.push(Action::OpenShortcuts);
        }
    });
}
