//! The settings dialog as data: which page is open, what was typed, and what follows from it.

use kith_node::helping::HelpView;
use kith_node::helping::settings::DEFAULT_BYTES;
use kith_node::helping::settings::MIN_BYTES;
use kith_node::helping::settings::Who;
use zeroize::Zeroizing;

/// The slider's last step: 64 MiB, doubled so often, is 64 GiB.
pub const SIZE_STEPS: u32 = 10;

/// A page of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// Profile, look, passphrase, this device.
    #[default]
    General,
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
    /// All pages, as they stand side by side, with their names.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::General, "General"),
        (Self::Nodes, "Nodes"),
        (Self::Mailboxes, "Mailboxes"),
        (Self::Help, "Help others"),
        (Self::Connection, "Connection"),
    ];
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
