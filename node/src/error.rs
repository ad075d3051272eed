//! What a front end is told when something cannot be done: a stable word for programs, a sentence for people.

use kith_crypto::identity::PhraseError;
use kith_engine::account::CreateError;
use kith_engine::command::Refusal;
use kith_engine::restore::RestoreError;
use kith_net::NetError;
use kith_proto::rows::RowsError;
use kith_store::StoreError;

/// Why a node did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// There is no account yet.
    #[error("there is no account in this folder yet: create one first")]
    NoAccount,
    /// There is an account already.
    #[error("this folder has an account already")]
    HasAccount,
    /// The folder is locked with a passphrase.
    #[error("this account is locked: unlock it with its passphrase first")]
    Locked,
    /// The engine refused the command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The recovery phrase is none.
    #[error(transparent)]
    BadPhrase(#[from] PhraseError),
    /// The data folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The rows.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// A size for keeping mail for others that cannot be.
    #[error("a mailbox has at least 64 MiB and at most 1 TiB: choose a size between them")]
    HelpSize,
    /// The system.
    #[error("the system refused: {0}")]
    System(String),
    /// The node is stopping or has stopped.
    #[error("this node has stopped: start it again")]
    Stopped,
}

impl NodeError {
    /// The stable word (`data.code` of the API).
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoAccount => "no_account",
            Self::HasAccount => "has_account",
            Self::Locked | Self::Store(StoreError::NeedsPassphrase) => "locked",
            Self::Refused(refusal) => refusal.code(),
            Self::BadPhrase(_) => "bad_phrase",
            Self::Store(StoreError::WrongPassphrase) => "wrong_passphrase",
            Self::Store(StoreError::InUse { .. }) => "in_use",
            Self::Store(StoreError::Full(_)) => "disk_full",
            Self::Store(StoreError::Damaged(_)) | Self::Restore(RestoreError::Damaged(_)) => "damaged",
            Self::Store(_) | Self::Restore(_) => "storage",
            Self::Net(
                NetError::BadAddress { .. }
                | NetError::NoPeer(_)
                | NetError::ForBrowsers(_)
                | NetError::WrongKey(_),
            ) => "bad_address",
            Self::Net(_) => "network",
            Self::HelpSize => "bad_size",
            Self::System(_) => "system",
            Self::Stopped => "stopped",
        }
    }
}

/// Why a node ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of thing happened.
    pub kind: FailureKind,
    /// The sentence for people and logs, in English.
    pub message: String,
}

/// What kind of thing ends a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The disk takes nothing more.
    DiskFull,
    /// A file of the data folder is damaged.
    Damaged,
    /// The data folder could not be written for another reason.
    Storage,
    /// A fault in the program.
    Fault,
}

impl FailureKind {
    /// The stable word (`code` of `node.failed`); those of the data folder are the same as in answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::Damaged => "damaged",
            Self::Storage => "storage",
            Self::Fault => "fault",
        }
    }
}

impl Failure {
    /// A fault in the program itself.
    pub(crate) fn fault() -> Self {
        let message =
            "a fault in the program stopped this node; nothing that was confirmed is lost: start it again";
        Self { kind: FailureKind::Fault, message: message.to_owned() }
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        let kind = match error {
            StoreError::Full(_) => FailureKind::DiskFull,
            StoreError::Damaged(_) => FailureKind::Damaged,
            _ => FailureKind::Storage,
        };
        Self { kind, message: error.to_string() }
    }
}

impl From<RowsError> for NodeError {
    fn from(error: RowsError) -> Self {
        Self::Restore(error.into())
    }
}

impl From<CreateError> for NodeError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Name(refusal) => Self::Refused(refusal),
            CreateError::Phrase(error) => Self::BadPhrase(error),
            other => Self::System(other.to_string()),
        }
    }
}
