//! Slow mode in the composer: one goes on writing, and sees how long until it can be sent, and why.

use std::time::Duration;

use eframe::egui::Align2;
use eframe::egui::RichText;
use eframe::egui::Role;
use eframe::egui::Sense;
use eframe::egui::Ui;
use eframe::egui::WidgetInfo;
use eframe::egui::vec2;

use crate::model::Model;
use crate::model::dates::Now;
use crate::model::groups::words;
use crate::say;
use crate::theme::Tokens;
use crate::theme::icon;
use crate::theme::icons;
use crate::theme::medium;
use crate::theme::regular;
use crate::theme::size;
use crate::theme::space;

/// Says why the next message has to wait, while it has to. Returns for how many seconds.
pub(super) fn pause(ui: &mut Ui, model: &Model, tokens: &Tokens, now: Now) -> Option<u64> {
    let (group, timeline) = (model.open_group()?, model.timeline.as_ref()?);
    let secs = model.groups.rights(group).pause(now.time, timeline.wrote_at())?;
    // It counts down.
    ui.ctx().request_repaint_after(Duration::from_millis(250));
    ui.horizontal(|ui| {
        ui.add_space(space::M);
        ui.label(RichText::new(icons::TIMER).font(icon(15.0)).color(tokens.muted));
        let every = words::stretch(group.policy.slow_mode_secs);
        let words = say!("slow-mode", every = every, left = clock_words(secs));
        ui.label(RichText::new(words).font(regular(12.5)).color(tokens.muted));
    });
    Some(secs)
}

/// In place of the button that sends: how long it takes until it is there again. Nothing comes of a click.
pub(super) fn clock(ui: &mut Ui, tokens: &Tokens, secs: u64) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(size::HIT, size::HIT), Sense::hover());
    let words = clock_words(secs);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, &words, medium(13.0), tokens.accent);
    false
}

/// `0:42`.
fn clock_words(secs: u64) -> String {
    format!("{}:{:02}", secs / 60, secs % 60)
}
