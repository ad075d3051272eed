//! What commits are made of: the database, and the journal beside it that makes small ones durable. It knows rows as they
//! are stored; keys, folders and files are the store's.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use redb::Database;
use redb::Durability;
use redb::ReadableDatabase as _;
use redb::TableDefinition;
use redb::WriteTransaction;
use zeroize::Zeroizing;

use crate::backend::Disk;
use crate::backend::SealedDisk;
use crate::error::StoreError;
use crate::journal::Found;
use crate::journal::Journal;
use crate::journal::StoredWrite;
use crate::journal::put_rows;
use crate::lock::FolderLock;

/// Memory for pages that were read: a timeline and the hot rows; the engine keeps its own state.
const CACHE_BYTES: usize = 16 << 20;

/// Up to this size every block is checked when a folder is opened that was closed cleanly.
const VERIFY_UP_TO_BYTES: u64 = 64 << 20;

/// What a crash may undo waits here for the next record; more of it makes the next commit a checkpoint.
const MAX_PENDING_BYTES: usize = 32 << 10;

/// Where the store keeps its own numbers.
pub(crate) const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("store_meta");

/// The number of the newest commit that the database holds.
const COMMIT: &str = "commit";

/// The epoch of the journal whose records go on from there.
const EPOCH: &str = "epoch";

pub(crate) fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// Numbers that are noted with a commit, by name.
pub type Notes = BTreeMap<&'static str, u64>;

/// The database, for reading on any thread.
pub(crate) struct Tables {
    pub(crate) database: Database,
    disk: SealedDisk,
    pub(crate) path: PathBuf,
    /// redb writes when it is dropped, and readers may outlive the writer: the folder is free only after both.
    _lock: Option<Arc<FolderLock>>,
}

impl Tables {
    /// What a failure of redb means to the caller.
    pub(crate) fn failed(&self, error: redb::Error) -> StoreError {
        match error {
            redb::Error::Corrupted(_) => self.damaged(),
            _ if self.disk.is_damaged() => self.damaged(),
            error => StoreError::database(&self.path, &error),
        }
    }

    pub(crate) fn damaged(&self) -> StoreError {
        StoreError::Damaged(self.path.clone())
    }

    fn begin(&self, durability: Durability) -> Result<WriteTransaction, StoreError> {
        let mut transaction = self.database.begin_write().map_err(|error| self.failed(error.into()))?;
        transaction.set_durability(durability).map_err(|error| self.failed(error.into()))?;
        Ok(transaction)
    }

    /// A number that was noted with a commit.
    pub(crate) fn note(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let reading = self.database.begin_read().map_err(|error| self.failed(error.into()))?;
        let meta = reading.open_table(META).map_err(|error| self.failed(error.into()))?;
        let stored = meta.get(name).map_err(|error| self.failed(error.into()))?;
        Ok(stored.map(|value| value.value()))
    }

    fn is_small(&self) -> bool {
        redb::StorageBackend::len(&self.disk).unwrap_or(0) <= VERIFY_UP_TO_BYTES
    }
}

/// Where the database and its journal are.
pub struct Place {
    /// The disk of the database.
    pub database: Box<dyn Disk>,
    /// The disk of the journal; an empty one becomes a journal.
    pub journal: Box<dyn Disk>,
    /// What errors call the database.
    pub database_path: PathBuf,
    /// What errors call the journal.
    pub journal_path: PathBuf,
    /// Whether a database is to be made.
    pub new: bool,
    /// What keeps other programs away from both.
    pub lock: Option<Arc<FolderLock>>,
}

/// The one writer.
pub struct Ledger {
    tables: Arc<Tables>,
    journal: Journal,
    journal_path: PathBuf,
    /// Rows that the database has and a crash would undo, for the next record.
    pending: Zeroizing<Vec<u8>>,
    /// Whether the journal or the memory holds what the database does not have on disk.
    ahead: bool,
    /// Whether the journal has rows that readers do not see yet.
    unshown: bool,
    /// Whether a write failed: what is in memory may not be what is on disk.
    poisoned: bool,
}

impl Ledger {
    /// Opens a database and brings it to what its journal says, or makes both.
    ///
    /// # Errors
    /// When something does not authenticate, is missing, or cannot be read or written.
    pub fn open(
        place: Place,
        key: &Zeroizing<[u8; 32]>,
        database: [u8; 16],
        names: &[&str],
    ) -> Result<Self, StoreError> {
        let Place { database: disk, journal, database_path: path, journal_path, new, lock } = place;
        let damaged = || StoreError::Damaged(path.clone());
        let disk = SealedDisk::open(disk, key, database).map_err(|_| damaged())?;
        if disk.is_blank() != new {
            return Err(damaged());
        }
        let was_closed = disk.was_closed();
        // Before redb takes the database for one that is in use: what fails here leaves a closed one closed.
        let mut journal =
            Journal::open(journal, key, database).map_err(StoreError::io("writing", &journal_path))?;
        let failed = |error: redb::DatabaseError| match error {
            redb::DatabaseError::Storage(redb::StorageError::Corrupted(_)) => damaged(),
            redb::DatabaseError::Storage(redb::StorageError::Io(error))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                damaged()
            }
            error => StoreError::database(&path, &error.into()),
        };
        let opened = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(disk.clone())
            .map_err(failed)?;
        disk.recovered();
        let tables = Arc::new(Tables { database: opened, disk, path, _lock: lock });
        check(&tables, names, was_closed)?;
        let held = tables.note(COMMIT)?.unwrap_or_default();
        let found = journal.after(held, tables.note(EPOCH)?, was_closed || new);
        let (rows, last) = match found.map_err(StoreError::io("reading", &journal_path))? {
            Found::Damage => return Err(StoreError::Damaged(journal_path)),
            Found::Rows(rows, last) => (rows, last),
        };
        let epoch = journal.begin_epoch().map_err(StoreError::io("writing", &journal_path))?;
        journal.restart(last);
        let pending = Zeroizing::new(Vec::new());
        let mut ledger =
            Self { tables, journal, journal_path, pending, ahead: false, unshown: false, poisoned: false };
        // From here on the journal counts, and whatever was in it before does not.
        ledger.apply(&rows, &Notes::from([(EPOCH, epoch)]), Durability::Immediate)?;
        Ok(ledger)
    }

    /// The database, for reading.
    pub fn database(&self) -> &Database {
        &self.tables.database
    }

    pub(crate) fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// Makes rows durable. Unless `true` is returned readers see them only after [`show`](Self::show), which must come next.
    ///
    /// # Errors
    /// When it could not be done; the ledger refuses further work until it is opened again.
    pub fn persist(&mut self, rows: &[StoredWrite<'_>]) -> Result<bool, StoreError> {
        self.check_whole()?;
        let mut body = std::mem::take(&mut self.pending);
        if body.len() <= MAX_PENDING_BYTES {
            put_rows(&mut body, rows);
            let appended = self.journal.append(&body);
            self.poisoned = appended.is_err();
            if appended.map_err(StoreError::io("writing", &self.journal_path))? {
                (self.ahead, self.unshown) = (true, true);
                body.clear();
                self.pending = body;
                return Ok(false);
            }
        }
        self.journal.restart(self.journal.sequence() + 1);
        self.apply(rows, &Notes::new(), Durability::Immediate)?;
        Ok(true)
    }

    /// Shows readers what was made durable.
    ///
    /// # Errors
    /// When it could not be done; it is durable all the same.
    pub fn show(&mut self, rows: &[StoredWrite<'_>]) -> Result<(), StoreError> {
        self.unshown = false;
        self.check_whole()?;
        self.apply(rows, &Notes::new(), Durability::None)
    }

    /// Shows readers rows that a crash undoes, unless something is persisted after them.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist).
    pub fn show_soon(&mut self, rows: &[StoredWrite<'_>]) -> Result<(), StoreError> {
        self.check_whole()?;
        put_rows(&mut self.pending, rows);
        self.ahead = true;
        self.apply(rows, &Notes::new(), Durability::None)
    }

    /// Makes rows and notes durable in the database itself, with everything before them.
    ///
    /// # Errors
    /// As for [`persist`](Self::persist).
    pub fn checkpoint(&mut self, rows: &[StoredWrite<'_>], notes: &Notes) -> Result<(), StoreError> {
        self.check_whole()?;
        self.journal.restart(self.journal.sequence() + 1);
        self.apply(rows, notes, Durability::Immediate)
    }

    /// A checkpoint that a transaction of the caller's is: made with [`Tables`], and everything before it is durable.
    pub(crate) fn checkpoint_with(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.check_whole()?;
        self.poisoned = true;
        self.journal.restart(self.journal.sequence() + 1);
        let transaction = self.tables.begin(Durability::Immediate)?;
        change(&transaction)?;
        self.finish(transaction, &Notes::new(), true)
    }

    /// Whether a checkpoint at a quiet moment spares a busy one.
    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.journal.is_half_full()
    }

    fn check_whole(&self) -> Result<(), StoreError> {
        // Rows that were never shown are in the journal alone, and a checkpoint would pass them over.
        if self.poisoned || self.unshown { Err(StoreError::Poisoned) } else { Ok(()) }
    }

    fn apply(
        &mut self,
        rows: &[StoredWrite<'_>],
        notes: &Notes,
        durability: Durability,
    ) -> Result<(), StoreError> {
        self.poisoned = true;
        let tables = Arc::clone(&self.tables);
        let durable = matches!(durability, Durability::Immediate);
        let transaction = tables.begin(durability)?;
        // Rows come grouped by table; a table is opened once for each group.
        for group in rows.chunk_by(|one, next| one.table == next.table) {
            let Some(first) = group.first() else { continue };
            let mut table = transaction
                .open_table(definition(&first.table))
                .map_err(|error| tables.failed(error.into()))?;
            for row in group {
                let key = row.key.as_ref();
                let done = match &row.value {
                    None => table.remove(key).map(drop),
                    Some(value) => table.insert(key, value.as_ref()).map(drop),
                };
                done.map_err(|error| tables.failed(error.into()))?;
            }
        }
        self.finish(transaction, notes, durable)
    }

    fn finish(
        &mut self,
        transaction: WriteTransaction,
        notes: &Notes,
        durable: bool,
    ) -> Result<(), StoreError> {
        let tables = &self.tables;
        let mut meta = transaction.open_table(META).map_err(|error| tables.failed(error.into()))?;
        let commit = [(COMMIT, self.journal.sequence())];
        for (name, number) in notes.iter().map(|(name, number)| (*name, *number)).chain(commit) {
            meta.insert(name, number).map_err(|error| tables.failed(error.into()))?;
        }
        drop(meta);
        transaction.commit().map_err(|error| tables.failed(error.into()))?;
        if durable {
            self.pending.clear();
            self.ahead = false;
        }
        self.poisoned = false;
        Ok(())
    }

    /// Takes everything to the database and notes that it is there, so that the next start can check every block.
    ///
    /// # Errors
    /// When something could not be written; what was confirmed is not lost.
    pub fn close(mut self) -> Result<(), StoreError> {
        if self.check_whole().is_err() {
            return Ok(());
        }
        if self.ahead {
            self.checkpoint(&[], &Notes::new())?;
        }
        // A reader that is still there keeps the database open; then the next start recovers, and loses nothing.
        let Some(tables) = Arc::into_inner(self.tables) else { return Ok(()) };
        let small = tables.is_small();
        let Tables { database, disk, path, _lock } = tables;
        drop(database);
        // The note promises that every block authenticates. After a power cut, half-written free blocks may remain:
        // then there is no note until they have been used again. After an error nothing is promised at all.
        let whole = disk.was_closed() || (small && disk.verify().is_ok());
        if disk.has_failed() || !whole {
            return Ok(());
        }
        disk.mark_closed().map_err(StoreError::io("writing", path))
    }
}

/// Checks every block of a database that was closed cleanly (after a crash, free pages may be half-written), and makes
/// missing tables.
fn check(tables: &Tables, names: &[&str], was_closed: bool) -> Result<(), StoreError> {
    if was_closed && tables.is_small() {
        tables.disk.verify().map_err(|_| tables.damaged())?;
    }
    let reading = tables.database.begin_read().map_err(|error| tables.failed(error.into()))?;
    let missing = |name: &&&str| reading.open_table(definition(name)).is_err();
    let missing: Vec<&&str> = names.iter().filter(missing).collect();
    if missing.is_empty() && reading.open_table(META).is_ok() {
        return Ok(());
    }
    drop(reading);
    let transaction = tables.begin(Durability::Immediate)?;
    transaction.open_table(META).map_err(|error| tables.failed(error.into()))?;
    for name in missing {
        transaction.open_table(definition(name)).map_err(|error| tables.failed(error.into()))?;
    }
    transaction.commit().map_err(|error| tables.failed(error.into()))
}

/// Moves the files of a database without a keyring out of the way, with one number for all: they are from a creation that
/// was cut off, or wait for their keyring.
pub(crate) fn set_aside(paths: &[PathBuf]) -> Result<(), StoreError> {
    let aside = |path: &Path, number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(".without-keyring");
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    };
    let is_free = |number: &u32| paths.iter().all(|path| !aside(path, *number).exists());
    let number = (1..).find(is_free).unwrap_or(u32::MAX);
    for path in paths.iter().filter(|path| path.exists()) {
        std::fs::rename(path, aside(path, number)).map_err(StoreError::io("renaming", path))?;
    }
    Ok(())
}
