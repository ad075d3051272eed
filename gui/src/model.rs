//! What is on screen, as plain data: no egui, no clock, no waiting. Events and answers change it; views read it.

mod account;
mod answers;
pub mod calls;
pub mod chats;
pub mod dates;
mod dialog;
mod events;
pub mod filters;
pub mod groups;
pub mod network;
pub mod notices;
pub mod rooms;
pub mod settings;
pub mod stopped;
pub mod timeline;
mod toasts;
pub mod trace;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::GroupView;
use kith_engine::view::NetworkView;
use kith_engine::view::ProfileView;
use kith_node::doctor::Finding;
use kith_node::helping::HelpView;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::MessageId;

pub use self::account::PhraseForm;
pub use self::account::Screen;
pub use self::account::UnlockForm;
pub use self::account::WelcomeForm;
pub use self::dialog::AddForm;
pub use self::dialog::Dialog;
pub use self::toasts::Toast;
pub use self::toasts::Toasts;
use crate::action::Action;
use crate::action::CallAction;
use crate::action::Request;
use crate::bridge::Reply;
use crate::bridge::kept::Kept;
use crate::i18n;
use crate::i18n::Language;
use crate::model::calls::Calls;
use crate::model::chats::Chats;
use crate::model::filters::Filters;
use crate::model::groups::Groups;
use crate::model::groups::info::InfoForm;
use crate::model::notices::Notices;
use crate::model::rooms::Rooms;
use crate::model::settings::Page;
use crate::model::settings::SettingsForm;
use crate::model::stopped::Cause;
use crate::model::stopped::Resume;
use crate::model::stopped::Stopped;
use crate::model::timeline::Timeline;
use crate::say;

/// Everything that is shown.
#[derive(Default)]
pub struct Model {
    /// Where the person is.
    pub screen: Screen,
    /// That the node does not run, and why.
    pub stopped: Option<Stopped>,
    resume: Resume,
    /// Where the data is, for people.
    pub folder: String,
    /// The own profile, once known.
    pub profile: Option<ProfileView>,
    /// The own addresses as people write them.
    pub listen: Vec<String>,
    /// All contacts.
    pub contacts: BTreeMap<ContactId, ContactView>,
    /// The chat list.
    pub chats: Chats,
    /// The groups.
    pub groups: Groups,
    /// The open panel of a group.
    pub info: Option<InfoForm>,
    /// Public rooms.
    pub rooms: Rooms,
    /// What the person does not want to read.
    pub filters: Filters,
    /// Of what the system is to tell the person.
    pub notices: Notices,
    /// The call that goes on or rings.
    pub calls: Calls,
    /// The network as last heard.
    pub network: NetworkView,
    /// What is kept for others, as last heard.
    pub help: Option<HelpView>,
    /// What was last found about the connection.
    pub findings: Vec<Finding>,
    examining: bool,
    /// Contacts with a connected device.
    pub online: BTreeSet<ContactId>,
    /// The open chat.
    pub timeline: Option<Timeline>,
    /// The open dialog.
    pub dialog: Option<Dialog>,
    /// Sentences that go away by themselves.
    pub toasts: Toasts,
    /// Which theme.
    pub theme: crate::theme::Choice,
    /// The language that was chosen; that of the system if none was.
    pub language: Option<Language>,
    /// Something is under way that the person waits for.
    pub busy: bool,
    /// A text for the clipboard.
    pub clipboard: Option<String>,
    /// Whether an event came since everything was asked for.
    stale: bool,
}

impl Model {
    /// The model before anything is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the app's own settings as they are kept.
    pub fn take_kept(&mut self, kept: Kept) {
        (self.theme, self.language, self.notices.show) = (kept.theme, kept.language, kept.show);
        self.groups.take_notify(kept.notify);
        i18n::speak(self.language.unwrap_or_else(Language::of_system));
    }

    /// What keeps the app's own settings as they are now.
    pub(crate) fn keep(&self) -> Request {
        Request::Keep(Box::new(Kept {
            language: self.language,
            theme: self.theme,
            show: self.notices.show,
            notify: self.groups.notified().clone(),
        }))
    }

    /// Takes what the node says about the folder.
    pub fn start(&mut self, state: kith_node::AccountState) -> Vec<Request> {
        use kith_node::AccountState;
        match state {
            AccountState::None => self.screen = Screen::Welcome(WelcomeForm::default()),
            AccountState::Locked => self.screen = Screen::Unlock(UnlockForm::default()),
            AccountState::Ready => return self.load_all(),
            AccountState::Stopped => self.stop(Cause::Closed),
        }
        Vec::new()
    }

    /// Asks for everything that the main window shows.
    fn load_all(&mut self) -> Vec<Request> {
        self.stale = false;
        vec![Request::LoadAll]
    }

    /// Events were lost: what is shown is read anew.
    pub fn lagged(&mut self) -> Vec<Request> {
        let mut requests = self.load_all();
        requests.extend(self.open_chat().map(|chat| Request::LoadPage { chat, before: None }));
        requests
    }

    /// The chat that is open.
    pub fn open_chat(&self) -> Option<ChatId> {
        self.timeline.as_ref().map(|timeline| timeline.chat)
    }

    /// The contact of the open chat.
    pub fn open_contact(&self) -> Option<&ContactView> {
        let chat = self.chats.get(&self.open_chat()?)?;
        self.contacts.get(&chat.contact()?)
    }

    /// The group of the open chat.
    pub fn open_group(&self) -> Option<&GroupView> {
        self.groups.get(&self.timeline.as_ref()?.group?)
    }

    /// The group whose panel is open.
    pub fn open_info(&self) -> Option<&GroupView> {
        self.groups.get(&self.info.as_ref()?.group)
    }

    /// Who asks to be added.
    pub fn requests(&self) -> impl Iterator<Item = &ContactView> {
        self.contacts.values().filter(|contact| contact.state == ContactState::Incoming)
    }

    /// Whom the person has blocked.
    pub fn blocked(&self) -> impl Iterator<Item = &ContactView> {
        self.contacts.values().filter(|contact| contact.state == ContactState::Blocked)
    }

    /// How many messages wait in chats that call the person.
    pub fn unread(&self) -> u64 {
        let loud = self.chats.all().filter(|chat| self.groups.is_loud(&chat.chat));
        loud.map(|chat| chat.unread).sum()
    }

    /// What a contact is called.
    pub fn name_of(&self, contact: &ContactId) -> String {
        let name = self.contacts.get(contact).map(|contact| crate::text::clean_name(&contact.name));
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| {
            let address = contact.to_string();
            format!("{}…", address.get(..12).unwrap_or_default())
        })
    }

    /// Shows a sentence for a while.
    pub fn toast(&mut self, text: impl Into<String>, bad: bool) {
        self.toasts.show(text.into(), bad);
    }

    /// Lets `secs` pass for what goes away by itself. Returns whether some of it is on screen.
    pub fn pass_time(&mut self, secs: f32) -> bool {
        // Both, whatever the first says.
        let (toasts, calls) = (self.toasts.pass_time(secs), self.calls.pass_time(secs));
        toasts || calls
    }

    /// Carries out an intent. Returns what the node has to do for it.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        if self.stopped.is_some() { stopped::act(self, action) } else { self.carry_out(action) }
    }

    fn carry_out(&mut self, action: Action) -> Vec<Request> {
        match action {
            Action::CreateAccount => self.create_account(),
            Action::PhraseKept => self.phrase_kept(),
            Action::Unlock => self.unlock(),
            Action::OpenChat(chat) => {
                // Whoever opens a chat wants to see it: a call goes on beside it.
                calls::act(self, CallAction::Show(false));
                self.show_chat(chat)
            }
            Action::CloseChat => self.close_chat(),
            Action::Send => {
                let Self { timeline, groups, .. } = self;
                timeline.as_mut().map(|timeline| timeline.send(groups)).unwrap_or_default()
            }
            Action::ShowMessage(message) => {
                self.timeline.as_mut().and_then(|timeline| timeline.seek(message)).into_iter().collect()
            }
            Action::Group(action) => groups::acting::act(self, action),
            Action::Call(action) => calls::act(self, action),
            Action::Room(action) => groups::rooming::act(self, &action),
            Action::Uncover(message) => {
                self.filters.uncover(message);
                self.timeline.as_mut().map(Timeline::measure_anew);
                Vec::new()
            }
            Action::DraftChanged => self.save_draft(),
            Action::Reply(message) => self.reply_to(Some(message)),
            Action::CancelReply => self.reply_to(None),
            Action::Copy(text) => {
                self.clipboard = Some(text);
                self.toast(say!("toast-copied"), false);
                Vec::new()
            }
            Action::LoadOlder => self.timeline.as_mut().and_then(Timeline::want_older).into_iter().collect(),
            Action::Seen(message) => self.seen(message),
            Action::NewInvite => {
                vec![Request::Command(Command::CreateInvite { uses: None, expires_secs: None })]
            }
            Action::OpenAdd => {
                self.dialog = Some(Dialog::Add(AddForm::default()));
                vec![Request::Command(Command::CreateInvite { uses: None, expires_secs: None })]
            }
            Action::AddContact => match &mut self.dialog {
                Some(Dialog::Add(form)) => form.submit().into_iter().collect(),
                _ => Vec::new(),
            },
            Action::ReadQr(bytes) => vec![Request::ReadQr(bytes)],
            Action::Accept(contact) => vec![Request::Command(Command::AcceptContact { contact })],
            Action::Block(contact) => vec![Request::Command(Command::BlockContact { contact })],
            Action::Unblock(contact) => vec![Request::Command(Command::UnblockContact { contact })],
            Action::AskRemove(contact) => self.open(Dialog::Remove(contact), None),
            Action::Remove(contact) => {
                self.dialog = None;
                vec![Request::Command(Command::RemoveContact { contact })]
            }
            Action::ShowSafety(contact) => {
                self.open(Dialog::Safety { contact, groups: None }, Some(Request::SafetyNumber(contact)))
            }
            Action::Verify(contact, verified) => {
                self.dialog = None;
                vec![Request::Command(Command::VerifyContact { contact, verified })]
            }
            Action::OpenShortcuts => self.open(Dialog::Shortcuts, None),
            Action::Trace(message) => self.open(Dialog::Trace(None), Some(Request::Trace(message))),
            Action::CloseDialog => {
                self.dialog = None;
                Vec::new()
            }
            of_settings => self.act_on_settings(of_settings),
        }
    }

    /// Opens a dialog, which may have something to ask.
    fn open(&mut self, dialog: Dialog, request: Option<Request>) -> Vec<Request> {
        self.dialog = Some(dialog);
        request.into_iter().collect()
    }

    fn reply_to(&mut self, message: Option<MessageId>) -> Vec<Request> {
        if let Some(timeline) = &mut self.timeline {
            timeline.reply_to = message;
        }
        Vec::new()
    }

    /// Carries out what is wanted in the settings.
    fn act_on_settings(&mut self, action: Action) -> Vec<Request> {
        match action {
            Action::OpenSettings => {
                self.dialog = Some(Dialog::Settings(SettingsForm::of(self.profile.as_ref())));
                vec![Request::LoadHelp]
            }
            Action::AllowKnocks(allowed) => vec![Request::Command(Command::AllowKnocks { allowed })],
            Action::RemoveBootstrap(address) => vec![Request::Command(Command::RemoveBootstrap { address })],
            Action::RemoveMailbox(device) => vec![Request::Command(Command::RemoveMailbox { device })],
            Action::SaveReport => vec![Request::SaveReport],
            Action::SetTheme(choice) => {
                self.theme = choice;
                vec![self.keep()]
            }
            Action::SetLanguage(language) => {
                self.language = language;
                i18n::speak(language.unwrap_or_else(Language::of_system));
                vec![self.keep()]
            }
            Action::SetShow(show) => {
                self.notices.show = show;
                vec![self.keep()]
            }
            Action::ShowPage(Page::Calls) if self.turn_to(Page::Calls) => vec![Request::LoadCallDevices],
            Action::ShowPage(Page::Connection) if self.turn_to(Page::Connection) => self.examine(),
            Action::ShowPage(Page::Filters) if self.turn_to(Page::Filters) => vec![Request::LoadFilters],
            Action::AddFilter => match &mut self.dialog {
                Some(Dialog::Settings(form)) => {
                    let line = std::mem::take(&mut form.filter);
                    filters::add(self, &line)
                }
                _ => Vec::new(),
            },
            Action::RemoveFilter(word) => filters::remove(self, &word),
            of_blocks @ (Action::CopyBlocks
            | Action::SaveBlocks
            | Action::LookAtBlocks(_)
            | Action::ImportBlocks) => self.act_on_blocks(of_blocks),
            of_form => match &mut self.dialog {
                Some(Dialog::Settings(form)) => form.act(of_form).into_iter().collect(),
                _ => Vec::new(),
            },
        }
    }

    /// Carries out what is wanted of the lists of blocked people.
    fn act_on_blocks(&mut self, action: Action) -> Vec<Request> {
        match action {
            Action::CopyBlocks => return self.act(Action::Copy(filters::list(self))),
            Action::SaveBlocks => {
                return vec![Request::SaveText { name: "kith-blocks".to_owned(), text: filters::list(self) }];
            }
            Action::LookAtBlocks(text) => {
                let found = filters::look(self, &text);
                if let Some(Dialog::Settings(form)) = &mut self.dialog {
                    form.look_at(found);
                }
            }
            _ => {
                if let Some(Dialog::Settings(form)) = &mut self.dialog
                    && let Some(incoming) = form.take_incoming()
                {
                    return vec![Request::Command(Command::BlockAll { accounts: incoming.new })];
                }
            }
        }
        Vec::new()
    }

    /// Opens a page of the settings. Returns whether they are open.
    fn turn_to(&mut self, page: Page) -> bool {
        let Some(Dialog::Settings(form)) = &mut self.dialog else { return false };
        form.turn_to(page);
        true
    }

    /// Asks how the connection is, once at a time.
    fn examine(&mut self) -> Vec<Request> {
        if std::mem::replace(&mut self.examining, true) { Vec::new() } else { vec![Request::Examine] }
    }

    /// What is kept for others is known anew.
    pub fn helping(&mut self, view: HelpView) {
        if let Some(Dialog::Settings(form)) = &mut self.dialog {
            form.set_help(&view);
        }
        self.help = Some(view);
    }

    fn create_account(&mut self) -> Vec<Request> {
        let Screen::Welcome(form) = &mut self.screen else { return Vec::new() };
        let request = form.submit();
        self.busy |= request.is_some();
        request.into_iter().collect()
    }

    fn phrase_kept(&mut self) -> Vec<Request> {
        let Screen::Phrase(form) = &mut self.screen else { return Vec::new() };
        if !form.proceed() {
            return Vec::new();
        }
        self.screen = Screen::Starting;
        self.load_all()
    }

    fn unlock(&mut self) -> Vec<Request> {
        let Screen::Unlock(form) = &mut self.screen else { return Vec::new() };
        self.busy = true;
        vec![form.submit()]
    }

    fn show_chat(&mut self, chat: ChatId) -> Vec<Request> {
        if self.open_chat() == Some(chat) {
            return Vec::new();
        }
        let mut requests = self.save_draft();
        let Some(view) = self.chats.get(&chat) else { return requests };
        let mut timeline = Timeline::new(chat, view.unread, view.draft.clone());
        requests.push(Request::LoadPage { chat, before: None });
        if let Some(group) = view.group().map(|group| group.group) {
            timeline = timeline.of_group(group);
            let pins = self.groups.get(&group).map(|group| group.pins.as_slice()).unwrap_or_default();
            requests.extend(timeline.want_pins(pins));
        }
        self.timeline = Some(timeline);
        (self.info, self.rooms.page) = (None, None);
        requests
    }

    /// Closes the open chat and keeps what is in the composer.
    fn close_chat(&mut self) -> Vec<Request> {
        let saved = self.save_draft();
        (self.timeline, self.info) = (None, None);
        saved
    }

    /// Shows a chat, now or as soon as it is in the list.
    fn show_when_there(&mut self, chat: ChatId) -> Vec<Request> {
        if self.chats.get(&chat).is_none() {
            self.groups.expected = Some(chat);
            return Vec::new();
        }
        self.groups.expected = None;
        self.show_chat(chat)
    }

    /// Keeps what is in the composer if it changed since it was kept last.
    fn save_draft(&mut self) -> Vec<Request> {
        self.timeline.as_mut().and_then(Timeline::save_draft).into_iter().collect()
    }

    fn seen(&mut self, message: MessageId) -> Vec<Request> {
        let Some(chat) = self.open_chat() else { return Vec::new() };
        if self.chats.get(&chat).is_none_or(|view| view.unread == 0) {
            return Vec::new();
        }
        // Until the engine answers, so that one look asks once.
        self.chats.mark_read(&chat);
        self.groups.was_read(&chat);
        self.notices.was_read(&chat);
        vec![Request::Command(Command::MarkRead { chat, message })]
    }

    /// Takes an answer. Returns what the node has to do next.
    pub fn reply(&mut self, reply: Reply) -> Vec<Request> {
        answers::take(self, reply)
    }

    /// A request could not be handed over.
    pub fn not_asked(&mut self, request: Request) {
        answers::not_asked(self, request);
    }

    /// Takes an event of the node. Returns what the node has to do next.
    pub fn event(&mut self, event: Event) -> Vec<Request> {
        events::take(self, event)
    }

    /// The connection in words, and whether it is good. Who only asks to be a contact is none.
    pub fn connection(&self) -> (String, bool) {
        if self.stopped.is_some() {
            return (say!("stopped-title"), false);
        }
        let friends = || self.contacts.values().filter(|contact| contact.state == ContactState::Accepted);
        let online = friends().filter(|friend| self.online.contains(&friend.contact)).count();
        network::connection(&self.network, online, friends().next().is_some())
    }
}
