//! Where a node keeps what must survive: sealed tables of bytes, a keyring, blob files. It knows no schema: who owns
//! the meaning of the rows brings the table list and the migrations.
//!
//! ```text
//!  DIR/lock      held while the folder is in use          DIR/kith.db        redb, every page sealed
//!  DIR/keyring   master key and shred keys, rewritten     DIR/kith.journal   the newest small commits, sealed
//!                whole; locked by the passphrase if any   DIR/blobs/         sealed files, named by hash
//! ```
//!
//! One writer ([`Store::commit`]), many readers ([`Store::reader`]); a commit is on disk when it returns. File formats
//! are in `SPEC.md`, decisions with figures in `DESIGN.md`.
#![doc = include_str!("../SPEC.md")]

pub mod backend;
pub mod blobs;
pub mod error;
pub mod journal;
pub mod keyring;
pub mod ledger;
pub mod lock;
pub mod store;

mod reader;
mod shred;

pub use error::StoreError;
pub use lock::FolderLock;
pub use reader::Reader;
pub use reader::Snapshot;
pub use store::Store;
