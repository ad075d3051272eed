//! What can fail here is storage alone. Bad requests are no errors: they are counted and refused.

use kith_proto::rows::RowsError;

/// The rows could not be read. The mailbox object and the output of the batch are dropped, and the mailbox is restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The storage could not be read.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A row is not what it should be.
    #[error(
        "the mailbox table “{0}” holds a row that cannot be read: restore the data folder from a copy, or report this"
    )]
    Damaged(&'static str),
}
