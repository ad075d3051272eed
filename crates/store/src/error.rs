//! What can go wrong with a data folder, in sentences that say what to do.

use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no data in the folder.
    #[error("there is no Kith data in {0}")]
    NotFound(PathBuf),
    /// There is data in the folder already.
    #[error("{0} holds Kith data already: open it, or choose another folder")]
    Exists(PathBuf),
    /// Another process has the folder open.
    #[error("{folder} is in use by another Kith{}: close that one first, or choose another folder with --data", .pid.map_or(String::new(), |pid| format!(" (process {pid})")))]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The other process, if it said.
        pid: Option<u32>,
    },
    /// A passphrase is needed.
    #[error("this data folder is locked with a passphrase: enter it to go on")]
    NeedsPassphrase,
    /// The passphrase is not the right one.
    #[error("this passphrase does not open the data folder: check it and try again")]
    WrongPassphrase,
    /// A file does not authenticate.
    #[error("{} is damaged: restore the data folder from a copy; the other files there are unharmed", .0.display())]
    Damaged(PathBuf),
    /// A file was written by a newer version.
    #[error("{} was written by a newer version of Kith: update Kith to open it", .0.display())]
    TooNew(PathBuf),
    /// The owner of the rows could not bring them to the present version.
    #[error("{0}")]
    Migration(String),
    /// The disk takes nothing more.
    #[error("there is no room left on the disk for {}: make room, then open Kith again; nothing that was confirmed is lost", .0.display())]
    Full(PathBuf),
    /// The operating system refused.
    #[error("{action} {} failed: {source}", .path.display())]
    Io {
        /// What was done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database refused.
    #[error("the database {} failed: {reason}", .path.display())]
    Database {
        /// Its file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// An earlier commit failed; what is in memory may not be what is on disk.
    #[error("an earlier write failed: close and open the data folder again")]
    Poisoned,
    /// The system gives no randomness.
    #[error("the operating system gives no randomness: {0}")]
    NoRandomness(String),
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            kind if is_full(kind) => Self::Full(path),
            _ => Self::Io { action, path, source },
        }
    }

    pub(crate) fn database(path: &Path, error: &redb::Error) -> Self {
        match error {
            redb::Error::Io(source) if is_full(source.kind()) => Self::Full(path.to_path_buf()),
            _ => Self::Database { path: path.to_path_buf(), reason: error.to_string() },
        }
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Fills an array with the operating system's randomness.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}
