//! What is on screen, as plain data: no egui, no clock, no waiting. Events and answers change it; views read it.

pub mod chats;
pub mod dates;
pub mod network;
pub mod settings;
pub mod timeline;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::Command;
use kith_engine::Event;
use kith_engine::command::Answer;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::NetworkView;
use kith_engine::view::ProfileView;
use kith_engine::view::TraceView;
use kith_node::doctor::Finding;
use kith_node::helping::HelpView;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::MessageId;
use zeroize::Zeroizing;

use crate::action::Action;
use crate::action::Request;
use crate::bridge::All;
use crate::bridge::Reply;
use crate::model::chats::Chats;
use crate::model::settings::Page;
use crate::model::settings::SettingsForm;
use crate::model::timeline::Timeline;

/// How many words of the phrase are asked for before it is believed to be written down.
const PHRASE_CHECK: usize = 7;

/// Characters that a passphrase needs.
const MIN_PASSPHRASE_CHARS: usize = 8;

const SHORT_PASSPHRASE: &str = "A passphrase needs at least eight characters; four random words are better.";

/// Toasts on screen at once.
const MAX_TOASTS: usize = 3;

/// Everything that is shown.
#[derive(Default)]
pub struct Model {
    /// Where the person is.
    pub screen: Screen,
    /// The own profile, once known.
    pub profile: Option<ProfileView>,
    /// The own addresses as people write them.
    pub listen: Vec<String>,
    /// All contacts.
    pub contacts: BTreeMap<ContactId, ContactView>,
    /// The chat list.
    pub chats: Chats,
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
    /// Sentences that go away by themselves, with how long they have been there in seconds.
    pub toasts: Vec<Toast>,
    /// Which theme.
    pub theme: crate::theme::Choice,
    /// Something is under way that the person waits for.
    pub busy: bool,
    /// A text for the clipboard.
    pub clipboard: Option<String>,
    /// Whether an event came since everything was asked for.
    stale: bool,
}

/// Where the person is.
#[derive(Default)]
pub enum Screen {
    /// The node is being asked.
    #[default]
    Starting,
    /// First start.
    Welcome(WelcomeForm),
    /// The recovery phrase, shown once.
    Phrase(PhraseForm),
    /// The folder is locked.
    Unlock(UnlockForm),
    /// Chats.
    Main,
    /// The node cannot run; why.
    Failed(String),
}

/// The first form.
#[derive(Default)]
pub struct WelcomeForm {
    /// The name.
    pub name: String,
    /// Whether an account is to come back by its phrase.
    pub returning: bool,
    /// That phrase.
    pub phrase: Zeroizing<String>,
    /// Whether a passphrase is wanted.
    pub protect: bool,
    /// The passphrase.
    pub passphrase: Zeroizing<String>,
    /// The same again.
    pub again: Zeroizing<String>,
    /// What is wrong.
    pub error: Option<String>,
}

/// The recovery phrase and the proof that it was written down.
pub struct PhraseForm {
    /// The words.
    pub words: Vec<Zeroizing<String>>,
    /// Whether one of the words is being asked for.
    pub checking: bool,
    /// The word as typed.
    pub typed: Zeroizing<String>,
    /// What is wrong.
    pub error: Option<String>,
}

/// The unlock form.
#[derive(Default)]
pub struct UnlockForm {
    /// The passphrase.
    pub passphrase: Zeroizing<String>,
    /// What is wrong.
    pub error: Option<String>,
}

/// A dialog over the chats.
pub enum Dialog {
    /// Adding somebody: own invite, and the link of another.
    Add(AddForm),
    /// The safety number of somebody.
    Safety {
        /// Whose.
        contact: ContactId,
        /// Twelve groups, once computed.
        groups: Option<String>,
    },
    /// The settings.
    Settings(SettingsForm),
    /// What became of a message.
    Trace(Option<Box<TraceView>>),
    /// Really forget somebody?
    Remove(ContactId),
    /// The shortcuts.
    Shortcuts,
}

/// Adding somebody.
#[derive(Default)]
pub struct AddForm {
    /// The own invite, once made.
    pub invite: Option<String>,
    /// The link as typed.
    pub link: String,
    /// A few words.
    pub greeting: String,
    /// What is wrong.
    pub error: Option<String>,
}

impl AddForm {
    /// Whether what was typed is an address, by which one is a stranger.
    pub fn is_address(&self) -> bool {
        matches!(kith_node::asking::asking(&self.link, String::new()), Ok(Command::Knock { .. }))
    }
}

/// A sentence that goes away by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// The sentence.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
    /// Seconds on screen.
    pub age: f32,
}

impl Model {
    /// The model before anything is known of the folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the node says about the folder.
    pub fn start(&mut self, state: kith_node::AccountState) -> Vec<Request> {
        use kith_node::AccountState;
        match state {
            AccountState::None => self.screen = Screen::Welcome(WelcomeForm::default()),
            AccountState::Locked => self.screen = Screen::Unlock(UnlockForm::default()),
            AccountState::Ready => return self.load_all(),
            AccountState::Stopped => self.screen = Screen::Failed("this node has stopped".to_owned()),
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
        self.contacts.get(&chat.contact)
    }

    /// Who asks to be added.
    pub fn requests(&self) -> impl Iterator<Item = &ContactView> {
        self.contacts.values().filter(|contact| contact.state == ContactState::Incoming)
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
        self.toasts.push(Toast { text: text.into(), bad, age: 0.0 });
        if self.toasts.len() > MAX_TOASTS {
            self.toasts.remove(0);
        }
    }

    /// Lets `secs` pass for the toasts. Returns whether some are on screen.
    pub fn pass_time(&mut self, secs: f32) -> bool {
        for toast in &mut self.toasts {
            toast.age += secs;
        }
        self.toasts.retain(|toast| toast.age < if toast.bad { 8.0 } else { 4.0 });
        !self.toasts.is_empty()
    }

    /// Carries out an intent. Returns what the node has to do for it.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        match action {
            Action::CreateAccount => self.create_account(),
            Action::PhraseKept => self.phrase_kept(),
            Action::Unlock => self.unlock(),
            Action::OpenChat(chat) => self.show_chat(chat),
            Action::CloseChat => {
                let saved = self.save_draft();
                self.timeline = None;
                saved
            }
            Action::Send => self.send(),
            Action::DraftChanged => self.save_draft(),
            Action::Reply(message) => {
                if let Some(timeline) = &mut self.timeline {
                    timeline.reply_to = Some(message);
                }
                Vec::new()
            }
            Action::CancelReply => {
                if let Some(timeline) = &mut self.timeline {
                    timeline.reply_to = None;
                }
                Vec::new()
            }
            Action::Copy(text) => {
                self.clipboard = Some(text);
                self.toast("Copied", false);
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
            Action::AddContact => self.add_contact(),
            Action::ReadQr(bytes) => vec![Request::ReadQr(bytes)],
            Action::Accept(contact) => vec![Request::Command(Command::AcceptContact { contact })],
            Action::Block(contact) => vec![Request::Command(Command::BlockContact { contact })],
            Action::Unblock(contact) => vec![Request::Command(Command::UnblockContact { contact })],
            Action::AskRemove(contact) => {
                self.dialog = Some(Dialog::Remove(contact));
                Vec::new()
            }
            Action::Remove(contact) => {
                self.dialog = None;
                vec![Request::Command(Command::RemoveContact { contact })]
            }
            Action::ShowSafety(contact) => {
                self.dialog = Some(Dialog::Safety { contact, groups: None });
                vec![Request::SafetyNumber(contact)]
            }
            Action::Verify(contact, verified) => {
                self.dialog = None;
                vec![Request::Command(Command::VerifyContact { contact, verified })]
            }
            Action::OpenShortcuts => {
                self.dialog = Some(Dialog::Shortcuts);
                Vec::new()
            }
            Action::Trace(message) => {
                self.dialog = Some(Dialog::Trace(None));
                vec![Request::Trace(message)]
            }
            Action::CloseDialog => {
                self.dialog = None;
                Vec::new()
            }
            of_settings => self.act_on_settings(of_settings),
        }
    }

    /// Carries out what is wanted in the settings.
    fn act_on_settings(&mut self, action: Action) -> Vec<Request> {
        match action {
            Action::OpenSettings => self.open_settings(),
            Action::SaveProfile => self.save_profile(),
            Action::AllowKnocks(allowed) => vec![Request::Command(Command::AllowKnocks { allowed })],
            Action::AddBootstrap => self.add_bootstrap(),
            Action::RemoveBootstrap(address) => vec![Request::Command(Command::RemoveBootstrap { address })],
            Action::ShowPage(page) => self.show_page(page),
            Action::AddMailbox => self.add_mailbox(),
            Action::RemoveMailbox(device) => vec![Request::Command(Command::RemoveMailbox { device })],
            Action::ShowCode(address) => {
                if let Some(Dialog::Settings(form)) = &mut self.dialog {
                    form.code = address;
                }
                Vec::new()
            }
            Action::Help(enabled) => self.ask_help(enabled),
            Action::SaveReport => vec![Request::SaveReport],
            Action::ChangePassphrase => self.change_passphrase(),
            Action::SetTheme(choice) => {
                self.theme = choice;
                Vec::new()
            }
            // Everything else was carried out before.
            _ => Vec::new(),
        }
    }

    fn open_settings(&mut self) -> Vec<Request> {
        let profile = self.profile.as_ref();
        self.dialog = Some(Dialog::Settings(SettingsForm {
            name: profile.map(|profile| profile.name.clone()).unwrap_or_default(),
            status: profile.map(|profile| profile.status.clone()).unwrap_or_default(),
            ..SettingsForm::default()
        }));
        vec![Request::LoadHelp]
    }

    fn show_page(&mut self, page: Page) -> Vec<Request> {
        let Some(Dialog::Settings(form)) = &mut self.dialog else { return Vec::new() };
        (form.page, form.error, form.code) = (page, None, None);
        match page {
            // What is kept changes without a word.
            Page::Help => vec![Request::LoadHelp],
            Page::Connection => self.examine(),
            _ => Vec::new(),
        }
    }

    /// Asks how the connection is, once at a time.
    fn examine(&mut self) -> Vec<Request> {
        if std::mem::replace(&mut self.examining, true) { Vec::new() } else { vec![Request::Examine] }
    }

    fn add_mailbox(&mut self) -> Vec<Request> {
        let Some(Dialog::Settings(form)) = &mut self.dialog else { return Vec::new() };
        form.error = None;
        vec![Request::AddMailbox(std::mem::take(&mut form.mailbox))]
    }

    fn ask_help(&mut self, enabled: bool) -> Vec<Request> {
        let Some(Dialog::Settings(form)) = &mut self.dialog else { return Vec::new() };
        form.error = None;
        vec![Request::Help { enabled, bytes: form.bytes(), who: form.who }]
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
        if form.protect && form.passphrase != form.again {
            form.error = Some("The two passphrases differ.".to_owned());
            return Vec::new();
        }
        if form.protect && form.passphrase.chars().count() < MIN_PASSPHRASE_CHARS {
            form.error = Some(SHORT_PASSPHRASE.to_owned());
            return Vec::new();
        }
        form.error = None;
        self.busy = true;
        let passphrase = form.protect.then(|| form.passphrase.clone());
        let phrase = form.returning.then(|| form.phrase.clone());
        vec![Request::CreateAccount { name: form.name.trim().to_owned(), passphrase, phrase }]
    }

    fn phrase_kept(&mut self) -> Vec<Request> {
        let Screen::Phrase(form) = &mut self.screen else { return Vec::new() };
        if !form.checking {
            form.checking = true;
            return Vec::new();
        }
        let wanted = form.words.get(PHRASE_CHECK - 1).map(|word| word.as_str());
        if Some(form.typed.trim().to_lowercase().as_str()) != wanted {
            form.error = Some("That is not the word: look at your paper again.".to_owned());
            return Vec::new();
        }
        self.screen = Screen::Starting;
        self.load_all()
    }

    /// The number of the word that is asked for.
    pub const fn asked_word() -> usize {
        PHRASE_CHECK
    }

    fn unlock(&mut self) -> Vec<Request> {
        let Screen::Unlock(form) = &mut self.screen else { return Vec::new() };
        form.error = None;
        self.busy = true;
        vec![Request::Unlock(form.passphrase.clone())]
    }

    fn show_chat(&mut self, chat: ChatId) -> Vec<Request> {
        if self.open_chat() == Some(chat) {
            return Vec::new();
        }
        let mut requests = self.save_draft();
        let Some(view) = self.chats.get(&chat) else { return requests };
        self.timeline = Some(Timeline::new(chat, view.unread, view.draft.clone()));
        requests.push(Request::LoadPage { chat, before: None });
        requests
    }

    /// Keeps what is in the composer if it changed since it was kept last.
    fn save_draft(&mut self) -> Vec<Request> {
        let Some(timeline) = &mut self.timeline else { return Vec::new() };
        if timeline.draft == timeline.saved_draft {
            return Vec::new();
        }
        timeline.saved_draft.clone_from(&timeline.draft);
        let (chat, text) = (timeline.chat, timeline.draft.clone());
        vec![Request::Command(Command::SaveDraft { chat, text })]
    }

    fn send(&mut self) -> Vec<Request> {
        let Some(timeline) = &mut self.timeline else { return Vec::new() };
        let text = timeline.draft.trim().to_owned();
        if text.is_empty() {
            return Vec::new();
        }
        timeline.draft.clear();
        timeline.follow();
        let (chat, reply_to) = (timeline.chat, timeline.reply_to.take());
        let mut requests =
            vec![Request::Command(Command::SendMessage { chat, text, reply_to, expires_secs: None })];
        requests.extend(self.save_draft());
        requests
    }

    fn seen(&mut self, message: MessageId) -> Vec<Request> {
        let Some(chat) = self.open_chat() else { return Vec::new() };
        if self.chats.get(&chat).is_none_or(|view| view.unread == 0) {
            return Vec::new();
        }
        // Until the engine answers, so that one look asks once.
        self.chats.mark_read(&chat);
        vec![Request::Command(Command::MarkRead { chat, message })]
    }

    fn add_contact(&mut self) -> Vec<Request> {
        let Some(Dialog::Add(form)) = &mut self.dialog else { return Vec::new() };
        if form.link.trim().is_empty() {
            form.error = Some("Paste the link that you were given.".to_owned());
            return Vec::new();
        }
        form.error = None;
        vec![Request::AddContact { link: form.link.clone(), greeting: form.greeting.clone() }]
    }

    fn save_profile(&mut self) -> Vec<Request> {
        let Some(Dialog::Settings(form)) = &mut self.dialog else { return Vec::new() };
        form.error = None;
        let (name, status) = (Some(form.name.clone()), Some(form.status.clone()));
        vec![Request::Command(Command::SetProfile { name, status })]
    }

    fn add_bootstrap(&mut self) -> Vec<Request> {
        let Some(Dialog::Settings(form)) = &mut self.dialog else { return Vec::new() };
        form.error = None;
        vec![Request::AddBootstrap(std::mem::take(&mut form.bootstrap))]
    }

    fn change_passphrase(&mut self) -> Vec<Request> {
        let Some(Dialog::Settings(form)) = &mut self.dialog else { return Vec::new() };
        form.error = None;
        if form.new != form.again {
            form.error = Some("The two new passphrases differ.".to_owned());
            return Vec::new();
        }
        if !form.new.is_empty() && form.new.chars().count() < MIN_PASSPHRASE_CHARS {
            form.error = Some(SHORT_PASSPHRASE.to_owned());
            return Vec::new();
        }
        if form.new.is_empty() != form.unprotect {
            let sentence = if form.unprotect {
                "Leave the new passphrase empty to remove the protection."
            } else {
                "Enter a new passphrase, or choose to remove the protection."
            };
            form.error = Some(sentence.to_owned());
            return Vec::new();
        }
        let secret = |text: &Zeroizing<String>| (!text.is_empty()).then(|| text.clone());
        vec![Request::ChangePassphrase { old: secret(&form.old), new: secret(&form.new) }]
    }

    /// Takes an answer. Returns what the node has to do next.
    pub fn reply(&mut self, reply: Reply) -> Vec<Request> {
        self.busy = false;
        match reply {
            Reply::Created(phrase) => {
                let words = phrase.split(' ').map(|word| Zeroizing::new(word.to_owned())).collect();
                let typed = Zeroizing::default();
                self.screen = Screen::Phrase(PhraseForm { words, checking: false, typed, error: None });
            }
            Reply::Unlocked => {
                self.screen = Screen::Starting;
                return self.load_all();
            }
            Reply::All(all) => {
                let All { profile, contacts, chats, overview, listen } = *all;
                self.profile = Some(profile);
                self.contacts = contacts.into_iter().map(|contact| (contact.contact, contact)).collect();
                self.chats.replace(chats);
                self.network = overview.network;
                self.online = overview.online;
                self.listen = listen;
                // Not over a phrase that is still to be written down, nor over a failure.
                if matches!(self.screen, Screen::Starting) {
                    self.screen = Screen::Main;
                }
                if self.stale {
                    // Something came while it was read, which it may lack.
                    return self.load_all();
                }
            }
            Reply::Page { chat, before, messages } => {
                if let Some(timeline) = self.timeline.as_mut().filter(|timeline| timeline.chat == chat) {
                    timeline.page(before, messages);
                }
            }
            Reply::Done(answer) => return self.done(*answer),
            Reply::Safety(of, number) => {
                if let Some(Dialog::Safety { contact, groups }) = &mut self.dialog
                    && *contact == of
                {
                    *groups = Some(number);
                }
            }
            Reply::QrText(text) => match &mut self.dialog {
                Some(Dialog::Add(form)) => (form.link, form.error) = (text, None),
                Some(Dialog::Settings(form)) => form.take_code(text),
                _ => {}
            },
            Reply::Help(view) => self.helping(*view),
            Reply::Examined(findings) => (self.findings, self.examining) = (findings, false),
            Reply::ReportSaved(path) => self.toast(format!("Saved as {path}. It names nobody"), false),
            Reply::Trace(view) => {
                if let Some(Dialog::Trace(shown)) = &mut self.dialog {
                    *shown = Some(view);
                }
            }
            Reply::PassphraseChanged => {
                if let Some(Dialog::Settings(form)) = &mut self.dialog {
                    form.old = Zeroizing::default();
                    form.new = Zeroizing::default();
                    form.again = Zeroizing::default();
                    form.unprotect = false;
                }
                self.toast("The passphrase is changed", false);
            }
            Reply::NotSent { chat, text, why } => self.not_sent(chat, text, why),
            Reply::Failed(text) => self.failed(text),
        }
        Vec::new()
    }

    fn done(&mut self, answer: Answer) -> Vec<Request> {
        match answer {
            Answer::Invite(invite) => {
                if let Some(Dialog::Add(form)) = &mut self.dialog {
                    form.invite = Some(invite.to_string());
                }
            }
            Answer::Contact(contact) => {
                let asked =
                    matches!(self.dialog, Some(Dialog::Add(_))) && contact.state != ContactState::Incoming;
                let chat = contact.chat;
                self.contacts.insert(contact.contact, contact);
                if asked {
                    self.dialog = None;
                    self.toast("Request written: it goes as soon as they can be reached", false);
                    return self.show_chat(chat);
                }
            }
            Answer::Profile(profile) => {
                self.profile = Some(profile);
                self.toast("Profile saved", false);
            }
            Answer::Message(_) | Answer::Done => {}
        }
        Vec::new()
    }

    /// A message was refused: its text goes back to where it was written, unless something else is there now.
    fn not_sent(&mut self, chat: ChatId, text: String, why: String) {
        match self.timeline.as_mut().filter(|timeline| timeline.chat == chat && timeline.draft.is_empty()) {
            Some(timeline) => timeline.draft = text,
            None => self.clipboard = Some(text),
        }
        self.toast(why, true);
    }

    /// A request could not be handed over.
    pub fn not_asked(&mut self, request: Request) {
        let why = "The node is busy: try again in a moment";
        match request {
            Request::Command(Command::SendMessage { chat, text, .. }) => {
                self.not_sent(chat, text, why.to_owned());
            }
            _ => self.toast(why, true),
        }
    }

    /// Shows a failure where the person looks.
    fn failed(&mut self, text: String) {
        match (&mut self.screen, &mut self.dialog) {
            (Screen::Welcome(form), _) => form.error = Some(text),
            (Screen::Unlock(form), _) => form.error = Some(text),
            (Screen::Starting, _) => self.screen = Screen::Failed(text),
            (_, Some(Dialog::Add(form))) => form.error = Some(text),
            (_, Some(Dialog::Settings(form))) => form.error = Some(text),
            (_, Some(Dialog::Trace(_))) => {
                self.dialog = None;
                self.toast(text, true);
            }
            _ => self.toast(text, true),
        }
    }

    /// Takes an event of the node. Returns what the node has to do next.
    pub fn event(&mut self, event: Event) -> Vec<Request> {
        self.stale = true;
        match event {
            Event::Answered { .. } => {}
            Event::MessageReceived(view) | Event::MessageWritten(view) => {
                if let Some(timeline) = self.timeline.as_mut().filter(|timeline| timeline.chat == view.chat) {
                    timeline.add(view);
                }
            }
            Event::MessageState { chat, message, state } => {
                self.chats.set_state(&chat, &message, state);
                if let Some(timeline) = self.timeline.as_mut().filter(|timeline| timeline.chat == chat) {
                    timeline.set_state(&message, state);
                }
            }
            Event::MessageExpired { chat, message } => {
                if let Some(timeline) = self.timeline.as_mut().filter(|timeline| timeline.chat == chat) {
                    timeline.remove(&message);
                }
            }
            Event::ContactRequested(view) | Event::ContactChanged(view) => {
                if view.online {
                    self.online.insert(view.contact);
                } else {
                    self.online.remove(&view.contact);
                }
                self.contacts.insert(view.contact, view);
            }
            Event::ContactRemoved { contact, chat } => {
                self.contacts.remove(&contact);
                self.chats.remove(&chat);
                if self.open_chat() == Some(chat) {
                    self.timeline = None;
                }
            }
            Event::ChatChanged(view) => self.chats.put(view),
            Event::ProfileChanged(view) => self.profile = Some(view),
            Event::NetworkChanged(view) => {
                let moved = view.listen != self.network.listen;
                self.network = view;
                if moved {
                    return self.load_all();
                }
                if matches!(&self.dialog, Some(Dialog::Settings(form)) if form.page == Page::Connection) {
                    return self.examine();
                }
            }
        }
        Vec::new()
    }

    /// The connection in words, and whether it is good.
    pub fn connection(&self) -> (String, bool) {
        let people = |count: u32| {
            if count == 1 { "1 contact online".to_owned() } else { format!("{count} contacts online") }
        };
        let network = &self.network;
        if network.listen.is_empty() {
            return ("No network".to_owned(), false);
        }
        if network.contacts_online > 0 {
            return (people(network.contacts_online), true);
        }
        if !network.bootstraps.is_empty() && network.bootstraps_connected == 0 {
            return ("Looking for a community node…".to_owned(), false);
        }
        if self.contacts.values().any(|contact| contact.state == ContactState::Accepted) {
            return ("Looking for your contacts…".to_owned(), true);
        }
        ("Ready".to_owned(), true)
    }
}
