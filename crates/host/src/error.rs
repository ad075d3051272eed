//! What can go wrong with a mailbox service, in sentences that say what to do.

use kith_mailbox::StorageError;
use kith_net::NetError;
use kith_proto::rows::RowsError;
use kith_store::StoreError;

/// Why a mailbox could not be started, or has ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The store cannot be opened or was not closed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows could not be read.
    #[error("the mailbox cannot be read, so it stops; nothing it confirmed is lost: {0}")]
    Read(String),
    /// A commit failed.
    #[error("the mailbox could not be written, so it stops; nothing it confirmed is lost: {0}")]
    Write(#[source] StoreError),
    /// The seed of the device's key is none.
    #[error(transparent)]
    Key(#[from] NetError),
    /// The operating system refused something else.
    #[error("the system refused: {0}")]
    System(String),
    /// The thread ended by a fault.
    #[error("a fault in the program stopped the mailbox; nothing it confirmed is lost")]
    Fault,
}

impl From<StorageError> for HostError {
    fn from(error: StorageError) -> Self {
        Self::Read(error.to_string())
    }
}

impl From<RowsError> for HostError {
    fn from(error: RowsError) -> Self {
        Self::Read(error.to_string())
    }
}
