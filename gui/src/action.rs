//! What a person wants (`Action`), and what the model wants of the node (`Request`).

pub mod calls;
pub mod groups;
pub mod rooms;

use kith_engine::Command;
use kith_node::calling::Tune;
use kith_node::calling::choice::Choice;
use kith_node::helping::settings::Who;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;
use zeroize::Zeroizing;

pub use self::calls::CallAction;
pub use self::groups::GroupAction;
pub use self::rooms::RoomAction;
use crate::bridge::kept::Kept;
use crate::i18n::Language;
use crate::model::notices::Show;
use crate::model::settings::Page;

/// An intent, as a view returns it.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Make the account of the welcome form.
    CreateAccount,
    /// Open the node again that has stopped.
    OpenAgain,
    /// The recovery phrase was written down.
    PhraseKept,
    /// Try the passphrase of the unlock form.
    Unlock,
    /// Show a chat.
    OpenChat(ChatId),
    /// Go back to the list, in a narrow window.
    CloseChat,
    /// Send what is in the composer.
    Send,
    /// The composer's text changed.
    DraftChanged,
    /// Answer a message.
    Reply(MessageId),
    /// Do not answer a message after all.
    CancelReply,
    /// Copy a text.
    Copy(String),
    /// Show older messages.
    LoadOlder,
    /// The newest message is on screen and the window is looked at.
    Seen(MessageId),
    /// Ask for an invite to show.
    NewInvite,
    /// Open the dialog for adding somebody.
    OpenAdd,
    /// Send the contact request of the dialog.
    AddContact,
    /// Read a QR code from a picture.
    ReadQr(Vec<u8>),
    /// Accept somebody.
    Accept(ContactId),
    /// Block somebody.
    Block(ContactId),
    /// Take back a block.
    Unblock(ContactId),
    /// Ask before forgetting somebody.
    AskRemove(ContactId),
    /// Forget somebody.
    Remove(ContactId),
    /// Show the safety number.
    ShowSafety(ContactId),
    /// The safety number matched, or not.
    Verify(ContactId, bool),
    /// Open the settings.
    OpenSettings,
    /// Show the keyboard shortcuts.
    OpenShortcuts,
    /// Save the profile of the settings.
    SaveProfile,
    /// Allow strangers who know only the address to ask, or do not.
    AllowKnocks(bool),
    /// Keep a bootstrap node.
    AddBootstrap,
    /// Forget a bootstrap node.
    RemoveBootstrap(String),
    /// Show another page of the settings.
    ShowPage(Page),
    /// Use the mailbox of the settings.
    AddMailbox,
    /// Do not use a mailbox any more.
    RemoveMailbox(DeviceId),
    /// Show the code of an address, or none.
    ShowCode(Option<String>),
    /// Keep mail for others, or not, as the settings say.
    Help(bool),
    /// Show what became of a message.
    Trace(MessageId),
    /// Write a report about the connection, which names nobody, into a file.
    SaveReport,
    /// Set or change the passphrase as the settings say.
    ChangePassphrase,
    /// Close whatever dialog is open.
    CloseDialog,
    /// Go to a message, wherever it is in the open chat.
    ShowMessage(MessageId),
    /// Something about groups.
    Group(GroupAction),
    /// Something about public rooms.
    Room(RoomAction),
    /// Something about calls.
    Call(CallAction),
    /// Use the light or the dark theme, or follow the system.
    SetTheme(crate::theme::Choice),
    /// Speak this language, or that of the system.
    SetLanguage(Option<Language>),
    /// Say so much in notifications.
    SetShow(Show),
    /// Hide messages with the words of the settings.
    AddFilter,
    /// Do not hide messages with a word any more.
    RemoveFilter(String),
    /// Show a message that a filter hides.
    Uncover(MessageId),
    /// Copy the list of those who are blocked.
    CopyBlocks,
    /// Write the list of those who are blocked into a file.
    SaveBlocks,
    /// Look at a list that somebody else made.
    LookAtBlocks(String),
    /// Block those who are new on that list.
    ImportBlocks,
}

/// Something for the node to do, off the interface's thread.
#[derive(Clone, PartialEq)]
pub enum Request {
    /// Make an account.
    CreateAccount {
        /// The words of an account that is to come back.
        phrase: Option<Zeroizing<String>>,
        /// The name.
        name: String,
        /// The passphrase, if any.
        passphrase: Option<Zeroizing<String>>,
    },
    /// Open a locked account.
    Unlock(Zeroizing<String>),
    /// Close the folder of a node that has stopped, and open it again.
    OpenAgain,
    /// Read everything that the main window shows.
    LoadAll,
    /// Read a page of a chat: the newest messages, or those before an index.
    LoadPage {
        /// Which chat.
        chat: ChatId,
        /// Before which message.
        before: Option<u64>,
    },
    /// A command for the engine.
    Command(Command),
    /// Add the contact of a link.
    AddContact {
        /// The link as typed.
        link: String,
        /// A few words to go with it.
        greeting: String,
    },
    /// Keep a bootstrap node.
    AddBootstrap(String),
    /// Use a node as a mailbox.
    AddMailbox {
        /// Where it answers.
        address: String,
        /// What whoever runs it gave out.
        voucher: Option<String>,
    },
    /// How much is kept for others.
    LoadHelp,
    /// Keep mail for others, or not.
    Help {
        /// Whether to.
        enabled: bool,
        /// How much at most.
        bytes: u64,
        /// For whom.
        who: Who,
    },
    /// What became of a message.
    Trace(MessageId),
    /// What people call themselves who are not among the contacts.
    LoadNames(Vec<AccountId>),
    /// The messages that are pinned.
    LoadPins {
        /// In which chat.
        chat: ChatId,
        /// Which.
        pins: Vec<MessageId>,
    },
    /// Before which messages of a group others are missing.
    LoadGaps {
        /// Of which group.
        group: GroupId,
        /// Only messages before this one, by its time and name.
        before: Option<(Timestamp, MessageId)>,
    },
    /// Who has an own message in a group.
    LoadReceipts(MessageId),
    /// Rooms in the directories.
    LoadRooms {
        /// Words that all stand in what is said of a room.
        words: String,
        /// Only in this directory.
        directory: Option<GroupId>,
    },
    /// Who lists a room in these directories.
    LoadListings {
        /// Which room.
        room: GroupId,
        /// Where.
        directories: Vec<GroupId>,
    },
    /// Tell those who keep order of a message. Its answer is told from those of other commands that wait.
    Report(Command),
    /// The words that the person does not want to read.
    LoadFilters,
    /// Write a text into a file where people look for files, without overwriting one.
    SaveText {
        /// The beginning of its name.
        name: String,
        /// What.
        text: String,
    },
    /// Play a tune, or nothing any more.
    Ring(Option<Tune>),
    /// What is measured in calls.
    MeasureCalls,
    /// Begin or end a call to oneself, or look how it goes.
    Rehearse(Option<bool>),
    /// Which devices calls use, and which are there.
    LoadCallDevices,
    /// Use these devices in calls.
    ChooseCallDevices(Box<Choice>),
    /// Keep the app's own settings.
    Keep(Box<Kept>),
    /// What is known about the connection.
    Examine,
    /// Write that into a file, without names.
    SaveReport,
    /// The number to compare with somebody.
    SafetyNumber(ContactId),
    /// Look for a QR code in a picture.
    ReadQr(Vec<u8>),
    /// Set, change or remove the passphrase.
    ChangePassphrase {
        /// The one now.
        old: Option<Zeroizing<String>>,
        /// The new one.
        new: Option<Zeroizing<String>>,
    },
}

impl std::fmt::Debug for Request {
    /// The kind only: requests carry passphrases and messages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CreateAccount { .. } => "CreateAccount",
            Self::Unlock(_) => "Unlock",
            Self::OpenAgain => "OpenAgain",
            Self::LoadAll => "LoadAll",
            Self::LoadPage { .. } => "LoadPage",
            Self::Command(_) => "Command",
            Self::AddContact { .. } => "AddContact",
            Self::AddBootstrap(_) => "AddBootstrap",
            Self::AddMailbox { .. } => "AddMailbox",
            Self::LoadHelp => "LoadHelp",
            Self::Help { .. } => "Help",
            Self::Trace(_) => "Trace",
            Self::LoadNames(_) => "LoadNames",
            Self::LoadPins { .. } => "LoadPins",
            Self::LoadGaps { .. } => "LoadGaps",
            Self::LoadReceipts(_) => "LoadReceipts",
            Self::LoadRooms { .. } => "LoadRooms",
            Self::LoadListings { .. } => "LoadListings",
            Self::Report(_) => "Report",
            Self::LoadFilters => "LoadFilters",
            Self::SaveText { .. } => "SaveText",
            Self::Ring(_) => "Ring",
            Self::MeasureCalls => "MeasureCalls",
            Self::Rehearse(_) => "Rehearse",
            Self::LoadCallDevices => "LoadCallDevices",
            Self::ChooseCallDevices(_) => "ChooseCallDevices",
            Self::Keep(_) => "Keep",
            Self::Examine => "Examine",
            Self::SaveReport => "SaveReport",
            Self::SafetyNumber(_) => "SafetyNumber",
            Self::ReadQr(_) => "ReadQr",
            Self::ChangePassphrase { .. } => "ChangePassphrase",
        })
    }
}
