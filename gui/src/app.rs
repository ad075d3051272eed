//! One frame: what came from the node goes into the model, the views draw it, what the person wants is carried out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use eframe::egui;
use eframe::egui::Id;
use eframe::egui::Key;
use eframe::egui::Modifiers;
use eframe::egui::Ui;
use kith_node::NodeEvent;
use kith_proto::time::Timestamp;

use crate::action::Action;
use crate::action::CallAction;
use crate::action::GroupAction;
use crate::action::Request;
use crate::action::RoomAction;
use crate::action::calls::Part;
use crate::bridge::Bridge;
use crate::bridge::kept;
use crate::model::Dialog;
use crate::model::Model;
use crate::model::Screen;
use crate::model::dates::Now;
use crate::model::groups::info::InfoPage;
use crate::model::settings::Page;
use crate::model::stopped::Cause;
use crate::platform::notify::Notifier;
use crate::theme::Choice;
use crate::theme::Tokens;
use crate::theme::fonts;
use crate::view;
use crate::view::composer::COMPOSER;
use crate::view::sidebar::SEARCH;

/// A caret blinks for so long after the last key; each blink repaints the window.
const BLINK_SECS: f64 = 10.0;

/// Frames before a picture is taken: fonts and the first answers are there by then.
const SETTLED_FRAMES: u64 = 12;

/// The app.
pub struct App {
    model: Model,
    bridge: Bridge,
    tokens: [Tokens; 2],
    begun: Instant,
    frames: u64,
    last_key: f64,
    last_frame: Option<Instant>,
    screenshot: Option<PathBuf>,
    notifier: Notifier,
    title: String,
}

impl App {
    /// The app on a bridge; the program began at `begun`. `screenshot` takes a picture of the settled window and ends the
    /// app.
    pub fn new(
        ctx: &egui::Context,
        bridge: Bridge,
        theme: Option<Choice>,
        begun: Instant,
        screenshot: Option<PathBuf>,
    ) -> Self {
        ctx.set_fonts(fonts::definitions());
        let tokens = [Tokens::light(), Tokens::dark()];
        tokens.iter().for_each(|tokens| tokens.apply(ctx));
        let mut model = Model::new();
        model.folder = bridge.folder().display().to_string();
        model.take_kept(kept::load(bridge.folder()));
        model.theme = theme.unwrap_or(model.theme);
        let waker = ctx.clone();
        let mut app = Self {
            model,
            bridge,
            tokens,
            begun,
            frames: 0,
            last_key: 0.0,
            last_frame: None,
            screenshot,
            notifier: Notifier::start(move || waker.request_repaint()),
            title: String::new(),
        };
        let requests = app.model.start(app.bridge.account_state());
        app.ask(requests);
        app
    }

    fn ask(&mut self, requests: Vec<Request>) {
        for request in requests {
            if let Err(request) = self.bridge.ask(request) {
                self.model.not_asked(request);
            }
        }
    }

    /// Takes everything that came from the node.
    fn drain(&mut self) {
        while let Some(reply) = self.bridge.reply() {
            let requests = self.model.reply(reply);
            self.ask(requests);
        }
        while let Some(event) = self.bridge.event() {
            let requests = match event {
                NodeEvent::Engine(event) => self.model.event(*event),
                NodeEvent::Helping(view) => {
                    self.model.helping(*view);
                    Vec::new()
                }
                NodeEvent::Lagged(_) => self.model.lagged(),
                NodeEvent::Failed(failure) => {
                    self.model.stop(Cause::from(failure));
                    Vec::new()
                }
                NodeEvent::Closed => {
                    self.model.stop(Cause::Closed);
                    Vec::new()
                }
            };
            self.ask(requests);
        }
    }

    /// Keeps a call on the screen up to date: what was measured and how long it lasts each second, pictures as they come.
    fn calls(&mut self, ui: &Ui) {
        if !self.model.calls.moves() {
            return;
        }
        let requests = self.model.tick(present().time);
        self.ask(requests);
        let pictures = self.model.calls.wants_pictures().map(|call| self.bridge.pictures(call));
        self.model.calls.set_pictures(pictures.unwrap_or_default());
        let all = self.model.calls.wants_group_pictures().map(|call| self.bridge.group_pictures(call));
        self.model.calls.together.set_pictures(all.unwrap_or_default());
        // A meter follows a voice, and so does the eye who speaks.
        let soon = match (self.model.calls.rehearsal(), self.model.calls.open_group()) {
            (Some(_), _) => 100,
            (None, Some(_)) => 300,
            (None, None) => 1_000,
        };
        let soon = std::time::Duration::from_millis(soon);
        ui.ctx().request_repaint_after(soon);
    }

    /// Tells the system what the person is to know, and hears what was clicked there.
    fn notify(&mut self, ui: &Ui) {
        let focused = ui.input(|input| input.viewport().focused.unwrap_or(true));
        self.model.notices.look(present().time, focused);
        let notices = self.model.notices.take();
        if !notices.is_empty() && !focused {
            let attention = egui::UserAttentionType::Informational;
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::RequestUserAttention(attention));
        }
        notices.into_iter().for_each(|notice| self.notifier.tell(notice));
        while let Some(chat) = self.notifier.clicked() {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Minimized(false));
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Focus);
            self.carry_out(ui, vec![Action::CloseDialog, Action::OpenChat(chat)]);
        }
        let title = match self.model.unread() {
            0 => "Kith".to_owned(),
            count => format!("({count}) Kith"),
        };
        if self.title != title {
            self.title.clone_from(&title);
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Title(title));
        }
    }

    fn shortcuts(&mut self, ui: &Ui) {
        if !matches!(self.model.screen, Screen::Main) {
            return;
        }
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        let focus = |name| ui.ctx().memory_mut(|memory| memory.request_focus(Id::unique(name)));
        let mut actions = self.call_shortcuts(ui);
        if pressed(Modifiers::COMMAND, Key::K) {
            focus(SEARCH);
        }
        if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::N) {
            actions.push(Action::Group(GroupAction::OpenNew));
        }
        if pressed(Modifiers::COMMAND, Key::I) {
            let open = self.model.info.is_some();
            let page = InfoPage::default();
            actions.push(Action::Group(match open {
                true => GroupAction::CloseInfo,
                false => GroupAction::ShowInfo(page),
            }));
        }
        if pressed(Modifiers::COMMAND, Key::N) {
            actions.push(Action::OpenAdd);
        }
        if pressed(Modifiers::COMMAND, Key::D) {
            actions.push(Action::Room(RoomAction::Discover(None)));
        }
        if pressed(Modifiers::COMMAND, Key::Comma) {
            actions.push(Action::OpenSettings);
        }
        if pressed(Modifiers::COMMAND, Key::Slash) {
            actions.push(Action::OpenShortcuts);
        }
        for (key, step) in [(Key::ArrowUp, -1), (Key::ArrowDown, 1)] {
            if pressed(Modifiers::ALT, key) {
                let next = self.model.chats.neighbour(self.model.open_chat(), step);
                actions.extend(next.map(Action::OpenChat));
            }
        }
        let covered = self.model.dialog.is_some() || egui::Popup::is_any_open(ui.ctx());
        if !covered && ui.input(|input| input.key_pressed(Key::Escape)) {
            let picking = self.model.timeline.as_ref().is_some_and(|open| open.mentions.picker.is_some());
            let answering = self.model.timeline.as_ref().is_some_and(|timeline| timeline.reply_to.is_some());
            if picking {
                // The composer closes the picker.
            } else if answering {
                actions.push(Action::CancelReply);
            } else if self.model.rooms.page.is_some() {
                actions.push(Action::Room(RoomAction::CloseDiscover));
            } else if self.model.info.is_some() {
                actions.push(Action::Group(GroupAction::CloseInfo));
            } else if !self.model.chats.search.is_empty() {
                self.model.chats.search.clear();
            }
        }
        self.carry_out(ui, actions);
    }

    /// Keys for calls. While one goes on, some mean other things than without one.
    fn call_shortcuts(&self, ui: &Ui) -> Vec<Action> {
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        let talks = self.model.calls.current().is_some();
        let mut wanted = Vec::new();
        if talks {
            if pressed(Modifiers::COMMAND, Key::D) {
                wanted.push(CallAction::Toggle(Part::Microphone));
            }
            if pressed(Modifiers::COMMAND, Key::E) {
                wanted.push(CallAction::Toggle(Part::Camera));
            }
            if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::H) {
                wanted.push(CallAction::HangUp);
            }
            // Where the space bar writes or presses something, it does that.
            let is_open = self.model.calls.open().is_some() || self.model.calls.open_group().is_some();
            let is_free =
                is_open && self.model.dialog.is_none() && ui.memory(|memory| memory.focused().is_none());
            let (down, up) =
                ui.input(|input| (input.key_pressed(Key::Space), input.key_released(Key::Space)));
            if down && is_free {
                wanted.push(CallAction::Talk(true));
            }
            // What is let go of in another window is not told to this one.
            if up || !ui.input(|input| input.viewport().focused.unwrap_or(true)) {
                wanted.push(CallAction::Talk(false));
            }
        } else if pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::C)
            && let Some(contact) = self.model.open_contact()
            && self.model.no_call(contact, false).is_none()
        {
            wanted.push(CallAction::Start { chat: contact.chat, camera: false });
        }
        wanted.into_iter().map(Action::Call).collect()
    }

    fn carry_out(&mut self, ui: &Ui, actions: Vec<Action>) {
        for action in actions {
            let opened = matches!(action, Action::OpenChat(_) | Action::Reply(_));
            let requests = self.model.act(action);
            self.ask(requests);
            if opened {
                ui.ctx().memory_mut(|memory| memory.request_focus(Id::unique(COMPOSER)));
            }
        }
        if let Some(text) = self.model.clipboard.take() {
            ui.ctx().copy_text(text);
        }
    }

    /// Pictures dropped or pasted where an invite or an address is asked for are looked at for a QR code; where lists of
    /// blocked people are taken, files are read as such.
    fn pictures(&self, ui: &Ui) -> Vec<Action> {
        if !matches!(self.model.dialog, Some(Dialog::Add(_) | Dialog::Settings(_))) {
            return Vec::new();
        }
        let dropped = ui.input(|input| input.raw.dropped_files.clone());
        let mut actions = Vec::new();
        let takes_lists =
            matches!(&self.model.dialog, Some(Dialog::Settings(form)) if form.page == Page::Filters);
        if takes_lists {
            let texts = dropped.iter().filter_map(|file| read_list(file.path()));
            return texts.map(Action::LookAtBlocks).collect();
        }
        for file in dropped {
            let bytes = read_picture(file.path());
            actions.extend(bytes.map(Action::ReadQr));
        }
        let pasted = ui.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::PasteImage(image) => Some(Arc::clone(image)),
                _ => None,
            })
        });
        actions.extend(pasted.and_then(|image| encoded(&image)).map(Action::ReadQr));
        actions
    }

    fn take_screenshot(&mut self, ui: &Ui) {
        let settled = !matches!(self.model.screen, Screen::Starting) && self.frames >= SETTLED_FRAMES;
        if self.screenshot.is_none() {
            return;
        }
        ui.ctx().request_repaint();
        if settled && let Some(path) = self.screenshot.take() {
            let ctx = ui.ctx().clone();
            ui.ctx().request_screenshot(move |picture| {
                let (width, height) = (picture.width() as u32, picture.height() as u32);
                let saved =
                    image::save_buffer(&path, picture.as_raw(), width, height, image::ColorType::Rgba8);
                if let Err(error) = saved {
                    tracing::error!(%error, "the picture could not be written");
                }
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            });
        }
    }

    fn tokens(&self, ui: &Ui) -> Tokens {
        let dark = match self.model.theme {
            Choice::Dark => true,
            Choice::Light => false,
            Choice::System => ui.ctx().system_theme().is_none_or(|theme| theme == egui::Theme::Dark),
        };
        ui.ctx().set_theme(if dark { egui::Theme::Dark } else { egui::Theme::Light });
        let [light, night] = &self.tokens;
        if dark { night.clone() } else { light.clone() }
    }
}

/// A pasted picture as a file, since that is what pictures with codes are read from.
fn encoded(picture: &egui::ColorImage) -> Option<Vec<u8>> {
    let (width, height) = (u32::try_from(picture.width()).ok()?, u32::try_from(picture.height()).ok()?);
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbaImage::from_raw(width, height, picture.as_raw().to_vec())?;
    picture.write_to(&mut bytes, image::ImageFormat::Png).ok()?;
    Some(bytes.into_inner())
}

/// A picture from the disk; a file that is too large is none.
fn read_picture(path: &std::path::Path) -> Option<Vec<u8>> {
    let small = std::fs::metadata(path).ok()?.len() < 32 << 20;
    if small { std::fs::read(path).ok() } else { None }
}

/// A list of blocked people from the disk; a file that is too large is none.
fn read_list(path: &std::path::Path) -> Option<String> {
    let small = std::fs::metadata(path).ok()?.len() < 4 << 20;
    if small { std::fs::read_to_string(path).ok() } else { None }
}

/// The time and the local offset from UTC.
fn present() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    Now { time, offset_minutes: local::offset_minutes(time) }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.frames += 1;
        match self.frames {
            1 => ui.ctx().request_repaint(),
            2 => {
                tracing::info!(millis = self.begun.elapsed().as_millis(), "the first frame is on the screen");
            }
            _ => {}
        }
        self.drain();
        self.notify(ui);
        let (time, key) = ui.input(|input| (input.time, !input.events.is_empty()));
        if key {
            self.last_key = time;
        }
        ui.style_mut().visuals.text_cursor.blink = time - self.last_key < BLINK_SECS;
        let passed = self.last_frame.replace(Instant::now()).map_or(0.0, |last| last.elapsed().as_secs_f32());
        if self.model.pass_time(passed) {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(250));
        }
        self.calls(ui);
        self.shortcuts(ui);
        let tokens = self.tokens(ui);
        let mut actions = view::show(ui, &mut self.model, &tokens, present());
        actions.extend(self.pictures(ui));
        self.carry_out(ui, actions);
        self.take_screenshot(ui);
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        // What is in the composer is kept.
        let requests = self.model.act(Action::CloseChat);
        self.ask(requests);
        self.bridge.finish();
    }
}

mod local {
    //! The local time zone, without a crate: the zone file that every Unix keeps.

    use kith_proto::time::Timestamp;

    /// Minutes that local time is ahead of UTC; zero where it cannot be told.
    pub(super) fn offset_minutes(time: Timestamp) -> i32 {
        static ZONE: std::sync::OnceLock<Vec<(i64, i32)>> = std::sync::OnceLock::new();
        let zone = ZONE.get_or_init(|| {
            std::fs::read("/etc/localtime").ok().and_then(|bytes| read(&bytes)).unwrap_or_default()
        });
        let secs = i64::try_from(time.0 / 1_000).unwrap_or(0);
        let at = zone.partition_point(|(from, _)| *from <= secs);
        zone.get(at.saturating_sub(1)).map_or(0, |(_, offset)| offset / 60)
    }

    /// The transitions of a zone file (RFC 9636): from which second on which offset holds.
    fn read(bytes: &[u8]) -> Option<Vec<(i64, i32)>> {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        // The first block has 32-bit times and is skipped; the second has 64-bit ones.
        let (gmt, std, leap, times, types, chars) =
            (number(20)?, number(24)?, number(28)?, number(32)?, number(36)?, number(40)?);
        let start = 44 + times * 5 + types * 6 + chars + leap * 8 + std + gmt;
        if bytes.get(start..start + 4)? != b"TZif" {
            return None;
        }
        let (times, types) = (number(start + 32)?, number(start + 36)?);
        let body = start + 44;
        let offset = |kind: usize| -> Option<i32> {
            let at = body + times * 9 + kind * 6;
            Some(i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
        };
        let mut found = vec![(i64::MIN, offset(0).filter(|_| types > 0)?)];
        for at in 0..times {
            let from = i64::from_be_bytes(bytes.get(body + at * 8..body + at * 8 + 8)?.try_into().ok()?);
            found.push((from, offset(usize::from(*bytes.get(body + times * 8 + at)?))?));
        }
        Some(found)
    }
}
