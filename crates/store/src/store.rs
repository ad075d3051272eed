//! The store: opening and making a data folder, committing, reading, changing keys.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::OpenOptions;
use std::ops::Bound;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::RwLock;

use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::RowsError;
use kith_proto::rows::Table;
use kith_proto::rows::Write;
use redb::Database;
use redb::Durability;
use redb::ReadTransaction;
use redb::ReadableDatabase as _;
use redb::ReadableTable as _;
use redb::TableDefinition;

use crate::backend::Disk;
use crate::backend::SealedDisk;
use crate::error::StoreError;
use crate::keyring::Keyring;
use crate::keyring::sync_folder;
use crate::lock::FolderLock;
use crate::lock::private;
use crate::shred;

/// The name of the database in the data folder.
pub const DATABASE_FILE: &str = "kith.db";

/// Memory for pages that were read: a timeline and the hot rows; the engine keeps its own state.
const CACHE_BYTES: usize = 16 << 20;

/// Up to this size every block is checked when a folder is opened that was closed cleanly.
const VERIFY_UP_TO_BYTES: u64 = 64 << 20;

/// Where the store keeps its own numbers.
const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("store_meta");

const SCHEMA: &str = "schema";

/// Where the number of the shred key stands under which all rows are.
const SHRED_KEY: &str = "shred key";

fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

/// What the store counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commits.
    pub commits: u64,
    /// Those among them that were on disk when they returned.
    pub synced: u64,
    /// Rows written or deleted by them.
    pub writes: u64,
    /// Times that the shred key was changed.
    pub shreds: u64,
}

/// A data folder, open for writing by this process alone.
pub struct Store {
    shared: Arc<Shared>,
    keyring: Keyring,
    poisoned: bool,
    stats: Stats,
    _lock: Arc<FolderLock>,
}

struct Shared {
    database: Database,
    disk: SealedDisk,
    path: PathBuf,
    shredded: BTreeSet<&'static str>,
    keys: RwLock<Arc<shred::Keys>>,
}

/// Makes snapshots; as many as wanted, on any thread.
#[derive(Clone)]
pub struct Reader(Arc<Shared>);

/// One consistent view of the rows. Commits after it was made are not in it.
pub struct Snapshot {
    shared: Arc<Shared>,
    keys: Arc<shred::Keys>,
    transaction: ReadTransaction,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl Store {
    /// Makes the data of a folder that this process holds, with its first rows. There is data once this returns, and
    /// none if it is cut off.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is data already; otherwise what the system says.
    pub fn create(
        lock: &Arc<FolderLock>,
        passphrase: Option<&str>,
        tables: &[Table],
        (schema, first): (u32, &[Write]),
    ) -> Result<Self, StoreError> {
        let folder = lock.folder();
        if Self::exists(folder) {
            return Err(StoreError::Exists(folder.to_owned()));
        }
        let path = folder.join(DATABASE_FILE);
        if path.exists() {
            set_aside(&path)?;
        }
        // The keyring last: a folder with a keyring has an account.
        let keyring = Keyring::new(folder, passphrase)?;
        let disk = open_file(&path, true)?;
        let mut store = Self::start(Arc::clone(lock), keyring, disk, path, tables, true)?;
        store.write(first, Some(schema), Durability::Immediate)?;
        sync_folder(&store.shared.path)?;
        store.keyring.write()?;
        Ok(store)
    }

    /// Opens the data of a folder that this process holds.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(
        lock: &Arc<FolderLock>,
        passphrase: Option<&str>,
        tables: &[Table],
    ) -> Result<Self, StoreError> {
        let folder = lock.folder();
        if !Self::exists(folder) {
            return Err(StoreError::NotFound(folder.to_owned()));
        }
        let keyring = Keyring::open(folder, passphrase)?;
        let path = folder.join(DATABASE_FILE);
        let disk = open_file(&path, false)?;
        let mut store = Self::start(Arc::clone(lock), keyring, disk, path, tables, false)?;
        store.finish_shredding()?;
        Ok(store)
    }

    /// Takes back what [`Store::create`] made, before anybody was told of it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(self) -> Result<(), StoreError> {
        let path = self.shared.path.clone();
        let keyring = path.with_file_name(crate::keyring::KEYRING_FILE);
        for path in [keyring, path] {
            std::fs::remove_file(&path).map_err(StoreError::io("removing", &path))?;
        }
        Ok(())
    }

    /// Whether there is data in a folder.
    pub fn exists(folder: &Path) -> bool {
        folder.join(crate::keyring::KEYRING_FILE).exists()
    }

    /// Whether the data of a folder is locked with a passphrase.
    ///
    /// # Errors
    /// When the keyring cannot be read.
    pub fn is_protected(folder: &Path) -> Result<bool, StoreError> {
        Keyring::is_protected(folder)
    }

    fn start(
        lock: Arc<FolderLock>,
        keyring: Keyring,
        disk: Box<dyn Disk>,
        path: PathBuf,
        tables: &[Table],
        new: bool,
    ) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged(path.clone());
        let disk = SealedDisk::open(disk, &keyring.master, keyring.database).map_err(|_| damaged())?;
        if disk.is_blank() != new {
            return Err(damaged());
        }
        let failed = |error: redb::DatabaseError| match error {
            redb::DatabaseError::Storage(redb::StorageError::Corrupted(_)) => damaged(),
            redb::DatabaseError::Storage(redb::StorageError::Io(error))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                damaged()
            }
            error => StoreError::Database { path: path.clone(), reason: error.to_string() },
        };
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(disk.clone())
            .map_err(failed)?;
        disk.recovered();
        let shredded = tables.iter().filter(|table| table.shred).map(|table| table.name).collect();
        let keys = RwLock::new(Arc::new(keyring.shred.clone()));
        let shared = Arc::new(Shared { database, disk, path, shredded, keys });
        let store = Self { shared, keyring, poisoned: false, stats: Stats::default(), _lock: lock };
        store.check(tables)?;
        Ok(store)
    }

    /// Checks every block of a folder that was closed cleanly (after a crash, free pages may be half-written), and makes
    /// missing tables.
    fn check(&self, tables: &[Table]) -> Result<(), StoreError> {
        let shared = &self.shared;
        if shared.disk.was_closed() && is_small(&shared.disk) {
            shared.disk.verify().map_err(|_| StoreError::Damaged(shared.path.clone()))?;
        }
        let reading = shared.database.begin_read().map_err(|error| shared.failed(error.into()))?;
        let missing = |table: &&Table| reading.open_table(definition(table.name)).is_err();
        let missing: Vec<&Table> = tables.iter().filter(missing).collect();
        if missing.is_empty() && reading.open_table(META).is_ok() {
            return Ok(());
        }
        drop(reading);
        let transaction = shared.begin_write()?;
        transaction.open_table(META).map_err(|error| shared.failed(error.into()))?;
        for table in missing {
            transaction.open_table(definition(table.name)).map_err(|error| shared.failed(error.into()))?;
        }
        transaction.commit().map_err(|error| shared.failed(error.into()))
    }

    /// Brings the rows to the present version: `migrate` sees the stored version and the rows, and answers with the
    /// version it brings them to and the writes that do it. Both go in one commit.
    ///
    /// # Errors
    /// When `migrate` refuses, or the commit fails.
    pub fn migrate(
        &mut self,
        migrate: impl FnOnce(u32, &dyn Rows) -> Result<(u32, Vec<Write>), String>,
    ) -> Result<(), StoreError> {
        let snapshot = self.reader().snapshot().map_err(|error| StoreError::Migration(error.to_string()))?;
        let stored = snapshot.schema()?;
        let (version, writes) = migrate(stored, &snapshot).map_err(StoreError::Migration)?;
        drop(snapshot);
        if version == stored && writes.is_empty() {
            return Ok(());
        }
        self.write(&writes, Some(version), Durability::Immediate)
    }

    /// Makes the writes durable, all or none. The last write of a row wins.
    ///
    /// # Errors
    /// When it could not be done; the store refuses further work until it is opened again.
    pub fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.write(writes, None, Durability::Immediate)
    }

    /// Makes the writes, all or none, without waiting for the disk. Readers see them; a crash undoes them, unless a
    /// [`commit`](Self::commit) came after.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub fn commit_soon(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.write(writes, None, Durability::None)
    }

    fn write(
        &mut self,
        writes: &[Write],
        schema: Option<u32>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        let done = self.try_write(writes, (schema, None), durability);
        self.poisoned = done.is_err();
        self.stats.commits += 1;
        self.stats.synced += u64::from(matches!(durability, Durability::Immediate));
        self.stats.writes += writes.len() as u64;
        done
    }

    fn try_write(
        &self,
        writes: &[Write],
        (schema, shred_key): (Option<u32>, Option<u32>),
        durability: Durability,
    ) -> Result<(), StoreError> {
        let shared = &self.shared;
        let mut transaction = shared.begin_write()?;
        transaction.set_durability(durability).map_err(|error| shared.failed(error.into()))?;
        let mut rest = writes;
        // Writes come grouped by table; a table is opened once for each group.
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|write| write.table == first.table).count();
            let (group, later) = rest.split_at(count);
            let mut table = transaction
                .open_table(definition(&first.table))
                .map_err(|error| shared.failed(error.into()))?;
            let seal = shared.shredded.contains(first.table.as_str());
            for write in group {
                let key = write.key.as_slice();
                let done = match &write.value {
                    None => table.remove(key).map(drop),
                    Some(value) if seal => {
                        let sealed = shred::seal(&self.keyring.shred, &write.table, key, value)?;
                        table.insert(key, sealed.as_slice()).map(drop)
                    }
                    Some(value) => table.insert(key, value.as_slice()).map(drop),
                };
                done.map_err(|error| shared.failed(error.into()))?;
            }
            rest = later;
        }
        for (name, number) in [(SCHEMA, schema), (SHRED_KEY, shred_key)] {
            if let Some(number) = number {
                let mut meta = transaction.open_table(META).map_err(|error| shared.failed(error.into()))?;
                meta.insert(name, u64::from(number)).map_err(|error| shared.failed(error.into()))?;
            }
        }
        transaction.commit().map_err(|error| shared.failed(error.into()))
    }

    /// A reader for any thread.
    pub fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.shared))
    }

    /// Locks the folder with another passphrase, or with none.
    ///
    /// # Errors
    /// When the keyring cannot be written; then the old one holds.
    pub fn change_passphrase(&mut self, passphrase: Option<&str>) -> Result<(), StoreError> {
        self.keyring.change_passphrase(passphrase)
    }

    /// Whether this is the passphrase of the folder.
    ///
    /// # Errors
    /// When it cannot be checked.
    pub fn check_passphrase(&self, passphrase: Option<&str>) -> Result<bool, StoreError> {
        self.keyring.check(passphrase)
    }

    /// Changes the shred key: live rows are sealed anew, then the old key is dropped, and with it every value that was
    /// replaced or deleted before.
    ///
    /// A crash at any point leaves a folder that opens: the old key goes only after no live row needs it.
    ///
    /// # Errors
    /// When something could not be written.
    pub fn rotate_shred_key(&mut self) -> Result<(), StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        // What was begun before is finished with the key of then.
        if self.keyring.shred.len() < 2 {
            self.keyring.add_shred_key()?;
        }
        self.finish_shredding()
    }

    /// Moves the live rows to the newest shred key and drops the others.
    fn finish_shredding(&mut self) -> Result<(), StoreError> {
        if self.keyring.shred.len() < 2 {
            return Ok(());
        }
        self.share_keys();
        // Twice: after an unclean end the database may go back by one commit, and that must not be to rows under the
        // key that is dropped next.
        let done = self
            .reseal()
            .and_then(|()| self.try_write(&[], (None, Some(self.keyring.newest())), Durability::Immediate));
        self.poisoned |= done.is_err();
        done?;
        self.keyring.drop_old_shred_keys()?;
        self.share_keys();
        self.stats.shreds += 1;
        Ok(())
    }

    fn share_keys(&self) {
        let keys = Arc::new(self.keyring.shred.clone());
        *self.shared.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keys;
    }

    fn reseal(&self) -> Result<(), StoreError> {
        let shared = &self.shared;
        let newest = self.keyring.shred.last().map(|(number, _)| *number);
        let transaction = shared.begin_write()?;
        for name in &shared.shredded {
            let mut table =
                transaction.open_table(definition(name)).map_err(|error| shared.failed(error.into()))?;
            let mut stale = Vec::new();
            for row in table.iter().map_err(|error| shared.failed(error.into()))? {
                let (key, value) = row.map_err(|error| shared.failed(error.into()))?;
                if shred::key_number(value.value()) != newest {
                    stale.push((key.value().to_vec(), value.value().to_vec()));
                }
            }
            for (key, stored) in stale {
                // A row that does not open is forgotten already; nobody loses more by leaving it.
                let Some(plain) = shred::open(&self.keyring.shred, name, &key, &stored) else {
                    tracing::warn!(table = name, "a row cannot be read and is left as it is");
                    continue;
                };
                let sealed = shred::seal(&self.keyring.shred, name, &key, &plain)?;
                let done = table.insert(key.as_slice(), sealed.as_slice()).map(drop);
                done.map_err(|error| shared.failed(error.into()))?;
            }
        }
        transaction.commit().map_err(|error| shared.failed(error.into()))
    }

    /// Notes that everything is written, so that the next start can check every block.
    ///
    /// # Errors
    /// When the note could not be written; nothing else is lost.
    pub fn close(self) -> Result<(), StoreError> {
        if self.poisoned {
            return Ok(());
        }
        // A reader that is still there keeps the database open; then the next start recovers, and loses nothing.
        let Some(shared) = Arc::into_inner(self.shared) else { return Ok(()) };
        let Shared { database, disk, path, .. } = shared;
        drop(database);
        // The note promises that every block authenticates. After a power cut, half-written free blocks may remain:
        // then there is no note until they have been used again. After an error nothing is promised at all.
        let whole = disk.was_closed() || (is_small(&disk) && disk.verify().is_ok());
        if disk.has_failed() || !whole {
            return Ok(());
        }
        disk.mark_closed().map_err(StoreError::io("writing", path))
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}

fn is_small(disk: &SealedDisk) -> bool {
    redb::StorageBackend::len(disk).unwrap_or(0) <= VERIFY_UP_TO_BYTES
}

/// Moves a database without a keyring out of the way: from a creation that was cut off, or waiting for its keyring.
fn set_aside(path: &Path) -> Result<(), StoreError> {
    let mut number = 1;
    let mut aside = path.with_extension("db.without-keyring");
    while aside.exists() {
        number += 1;
        aside = path.with_extension(format!("db.without-keyring-{number}"));
    }
    std::fs::rename(path, &aside).map_err(StoreError::io("renaming", path))
}

fn open_file(path: &Path, new: bool) -> Result<Box<dyn Disk>, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(new);
    Ok(Box::new(private(&mut options).open(path).map_err(StoreError::io("opening", path))?))
}

impl Shared {
    fn begin_write(&self) -> Result<redb::WriteTransaction, StoreError> {
        let mut transaction = self.database.begin_write().map_err(|error| self.failed(error.into()))?;
        transaction.set_durability(Durability::Immediate).map_err(|error| self.failed(error.into()))?;
        Ok(transaction)
    }

    /// What a failure of redb means to the caller.
    fn failed(&self, error: redb::Error) -> StoreError {
        match error {
            redb::Error::Corrupted(_) => StoreError::Damaged(self.path.clone()),
            _ if self.disk.is_damaged() => StoreError::Damaged(self.path.clone()),
            error => StoreError::Database { path: self.path.clone(), reason: error.to_string() },
        }
    }
}

impl Reader {
    /// A view of everything that is committed now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, RowsError> {
        // Held over the beginning: keys and rows must be of the same moment, or rows seem damaged.
        let keys = self.0.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let transaction = self.0.database.begin_read().map_err(|error| self.0.unreadable(error.into()))?;
        Ok(Snapshot { shared: Arc::clone(&self.0), keys: Arc::clone(&keys), transaction })
    }
}

impl Shared {
    fn unreadable(&self, error: redb::Error) -> RowsError {
        RowsError(self.failed(error).to_string())
    }
}

impl Snapshot {
    /// The version of the rows that was noted last; 0 in a new folder.
    fn schema(&self) -> Result<u32, StoreError> {
        let meta = self.transaction.open_table(META).map_err(|error| self.shared.failed(error.into()))?;
        let stored = meta.get(SCHEMA).map_err(|error| self.shared.failed(error.into()))?;
        Ok(stored.map_or(0, |value| u32::try_from(value.value()).unwrap_or(u32::MAX)))
    }

    fn plain(&self, table: Table, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, RowsError> {
        if !self.shared.shredded.contains(table.name) {
            return Ok(stored.to_vec());
        }
        shred::open(&self.keys, table.name, key, stored)
            .ok_or_else(|| RowsError(StoreError::Damaged(self.shared.path.clone()).to_string()))
    }
}

/// Each read sees everything that is committed by then.
impl Rows for Reader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowsError> {
        self.snapshot()?.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), RowsError> {
        self.snapshot()?.scan(table, from, to, direction, visit)
    }
}

impl Rows for Snapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowsError> {
        let unreadable = |error: redb::Error| self.shared.unreadable(error);
        let open =
            self.transaction.open_table(definition(table.name)).map_err(|error| unreadable(error.into()))?;
        let stored = open.get(key).map_err(|error| unreadable(error.into()))?;
        stored.map(|value| self.plain(table, key, value.value())).transpose()
    }

    fn scan(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), RowsError> {
        let unreadable = |error: redb::Error| self.shared.unreadable(error);
        let open =
            self.transaction.open_table(definition(table.name)).map_err(|error| unreadable(error.into()))?;
        let mut range = open.range::<&[u8]>((from, to)).map_err(|error| unreadable(error.into()))?;
        loop {
            let next = match direction {
                Direction::Up => range.next(),
                Direction::Down => range.next_back(),
            };
            let Some(row) = next else { return Ok(()) };
            let (key, value) = row.map_err(|error| unreadable(error.into()))?;
            if !visit(key.value(), &self.plain(table, key.value(), value.value())?) {
                return Ok(());
            }
        }
    }
}
