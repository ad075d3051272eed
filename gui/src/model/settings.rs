//! The settings dialog as data: which page is open, what was typed, and what follows from it.

use kith_engine::Command;
use kith_engine::view::ProfileView;
use kith_node::helping::HelpView;
use kith_node::helping::settings::DEFAULT_BYTES;
use kith_node::helping::settings::MIN_BYTES;
use kith_node::helping::settings::Who;
use zeroize::Zeroizing;

use crate::action::Action;
use crate::action::Request;
use crate::model::account::MIN_PASSPHRASE_CHARS;
use crate::model::filters::Incoming;
use crate::say;

/// The slider's last step: 64 MiB, doubled so often, is 64 GiB.
pub const SIZE_STEPS: u32 = 10;

/// A page of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// Profile, look, passphrase, this device.
    #[default]
    General,
    /// What notifications say.
    Notices,
    /// Devices for calls, and who must not learn the own address.
    Calls,
    /// What the person does not want to read, and whom they blocked.
    Filters,
    /// Community nodes.
    Nodes,
    /// The own mailboxes.
    Mailboxes,
    /// Keeping mail for others.
    Help,
    /// How the connection is, and what to do about it.
    Connection,
}

impl Page {
    /// All pages, as they stand side by side.
    pub const ALL: [Self; 8] = [
        Self::General,
        Self::Notices,
        Self::Calls,
        Self::Filters,
        Self::Nodes,
        Self::Mailboxes,
        Self::Help,
        Self::Connection,
    ];

    /// What it is called.
    pub fn name(self) -> String {
        match self {
            Self::General => say!("settings-page-general"),
            Self::Notices => say!("settings-page-notices"),
            Self::Calls => say!("settings-page-calls"),
            Self::Filters => say!("settings-page-filters"),
            Self::Nodes => say!("settings-page-nodes"),
            Self::Mailboxes => say!("settings-page-mailboxes"),
            Self::Help => say!("settings-page-help"),
            Self::Connection => say!("settings-page-connection"),
        }
    }
}

/// The settings.
pub struct SettingsForm {
    /// Which page is open.
    pub page: Page,
    /// The name.
    pub name: String,
    /// The status line.
    pub status: String,
    /// A bootstrap node to add.
    pub bootstrap: String,
    /// A mailbox to add.
    pub mailbox: String,
    /// What whoever runs it gave out.
    pub voucher: String,
    /// Words to filter by.
    pub filter: String,
    /// A list of blocked people that somebody else made, as pasted.
    pub blocks: String,
    /// What that list would do; what is wrong with it is in `error`.
    pub incoming: Option<Incoming>,
    /// The address whose code is shown.
    pub code: Option<String>,
    /// How much is kept for others, as a step of the slider.
    pub size_step: u32,
    /// For whom.
    pub who: Who,
    /// The passphrase now.
    pub old: Zeroizing<String>,
    /// The new one.
    pub new: Zeroizing<String>,
    /// The same again.
    pub again: Zeroizing<String>,
    /// Whether the protection is to be removed.
    pub unprotect: bool,
    /// What is wrong.
    pub error: Option<String>,
}

impl Default for SettingsForm {
    fn default() -> Self {
        Self {
            page: Page::default(),
            name: String::new(),
            status: String::new(),
            bootstrap: String::new(),
            mailbox: String::new(),
            voucher: String::new(),
            filter: String::new(),
            blocks: String::new(),
            incoming: None,
            code: None,
            size_step: step_of(DEFAULT_BYTES),
            who: Who::default(),
            old: Zeroizing::default(),
            new: Zeroizing::default(),
            again: Zeroizing::default(),
            unprotect: false,
            error: None,
        }
    }
}

impl SettingsForm {
    /// The form as it opens.
    pub(super) fn of(profile: Option<&ProfileView>) -> Self {
        let mut form = Self::default();
        if let Some(profile) = profile {
            (form.name, form.status) = (profile.name.clone(), profile.status.clone());
        }
        form
    }

    /// Carries out what is wanted of what was typed. Returns what the node has to do for it.
    pub(super) fn act(&mut self, action: Action) -> Option<Request> {
        match action {
            Action::ShowPage(page) => {
                self.turn_to(page);
                // What is kept changes without a word.
                return (page == Page::Help).then_some(Request::LoadHelp);
            }
            Action::ShowCode(address) => {
                self.code = address;
                return None;
            }
            _ => self.error = None,
        }
        match action {
            Action::SaveProfile => {
                let (name, status) = (Some(self.name.clone()), Some(self.status.clone()));
                Some(Request::Command(Command::SetProfile { name, status }))
            }
            Action::AddBootstrap => Some(Request::AddBootstrap(std::mem::take(&mut self.bootstrap))),
            Action::AddMailbox => {
                let (address, voucher) =
                    (std::mem::take(&mut self.mailbox), std::mem::take(&mut self.voucher));
                Some(Request::AddMailbox {
                    address,
                    voucher: Some(voucher).filter(|word| !word.trim().is_empty()),
                })
            }
            Action::Help(enabled) => Some(Request::Help { enabled, bytes: self.bytes(), who: self.who }),
            Action::ChangePassphrase => self.change_passphrase(),
            // Everything else was carried out before.
            _ => None,
        }
    }

    /// Opens a page.
    pub(super) fn turn_to(&mut self, page: Page) {
        (self.page, self.error, self.code, self.incoming) = (page, None, None, None);
    }

    /// Takes what a list of blocked people would do, or what is wrong with it.
    pub(super) fn look_at(&mut self, found: Result<Incoming, String>) {
        (self.incoming, self.error) = match found {
            Ok(incoming) => (Some(incoming), None),
            Err(why) => (None, Some(why)),
        };
    }

    /// The list is taken as it was looked at.
    pub(super) fn take_incoming(&mut self) -> Option<Incoming> {
        self.blocks.clear();
        self.incoming.take().filter(|incoming| !incoming.new.is_empty())
    }

    fn change_passphrase(&mut self) -> Option<Request> {
        let wrong = if self.new != self.again {
            Some(say!("passphrase-new-differ"))
        } else if !self.new.is_empty() && self.new.chars().count() < MIN_PASSPHRASE_CHARS {
            Some(say!("passphrase-short"))
        } else if self.unprotect && !self.new.is_empty() {
            Some(say!("passphrase-leave-empty"))
        } else if !self.unprotect && self.new.is_empty() {
            Some(say!("passphrase-enter-new"))
        } else {
            None
        };
        self.error = wrong;
        let secret = |text: &Zeroizing<String>| (!text.is_empty()).then(|| text.clone());
        self.error
            .is_none()
            .then(|| Request::ChangePassphrase { old: secret(&self.old), new: secret(&self.new) })
    }

    /// It is changed: nothing of it stays here.
    pub(super) fn passphrase_changed(&mut self) {
        (self.old, self.new, self.again) = Default::default();
        self.unprotect = false;
    }

    /// How much the slider says.
    pub fn bytes(&self) -> u64 {
        MIN_BYTES << self.size_step.min(SIZE_STEPS)
    }

    /// Takes over what is set.
    pub fn set_help(&mut self, view: &HelpView) {
        (self.size_step, self.who) = (step_of(view.settings.bytes), view.settings.who);
    }

    /// Whether the form says something else than what is set.
    pub fn differs_from(&self, view: &HelpView) -> bool {
        (self.size_step, self.who) != (step_of(view.settings.bytes), view.settings.who)
    }

    /// A code was read from a picture: an address goes where it is asked for.
    pub fn take_code(&mut self, text: String) {
        self.error = None;
        match self.page {
            Page::Mailboxes => self.mailbox = text,
            _ => self.bootstrap = text,
        }
    }
}

/// The step of the slider that is nearest from below.
fn step_of(bytes: u64) -> u32 {
    (bytes / MIN_BYTES).max(1).ilog2().min(SIZE_STEPS)
}
