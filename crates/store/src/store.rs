//! The store: opening and making a data folder, committing, reading, changing keys.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::RwLock;

use kith_proto::rows::Rows;
use kith_proto::rows::Table;
use kith_proto::rows::Write;
use redb::ReadableTable as _;

use crate::backend::Disk;
use crate::error::StoreError;
use crate::journal::JOURNAL_FILE;
use crate::journal::StoredWrite;
use crate::keyring::Keyring;
use crate::keyring::sync_folder;
use crate::ledger::Ledger;
use crate::ledger::Notes;
use crate::ledger::Place;
use crate::ledger::Tables;
use crate::ledger::definition;
use crate::ledger::set_aside;
use crate::lock::FolderLock;
use crate::lock::private;
use crate::reader::Reader;
use crate::shred;

/// The name of the database in the data folder.
pub const DATABASE_FILE: &str = "kith.db";

const SCHEMA: &str = "schema";

/// Where the number of the shred key stands under which all rows are.
const SHRED_KEY: &str = "shred key";

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
    ledger: Ledger,
    keyring: Keyring,
    /// Whether keys and rows may not belong together.
    poisoned: bool,
    stats: Stats,
}

/// What readers need.
pub(crate) struct Shared {
    pub(crate) tables: Arc<Tables>,
    pub(crate) shredded: BTreeSet<&'static str>,
    pub(crate) keys: RwLock<Arc<shred::Keys>>,
}

/// Writes that are on disk and not shown to readers yet: to be given to [`Store::show`] next.
#[must_use = "readers do not see it before it is given to `Store::show`"]
pub struct Durable<'a> {
    rows: Vec<StoredWrite<'a>>,
    shown: bool,
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
        // The keyring last: a folder with a keyring has an account.
        set_aside(&[DATABASE_FILE, JOURNAL_FILE].map(|name| folder.join(name)))?;
        let keyring = Keyring::new(folder, passphrase)?;
        let mut store = Self::start(lock, keyring, tables, true)?;
        store.write(first, Some(schema))?;
        sync_folder(&folder.join(DATABASE_FILE))?;
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
        let mut store = Self::start(lock, keyring, tables, false)?;
        if store.keyring.is_old {
            // Before the first record: a program that knows no journal must not open the folder any more.
            store.keyring.write()?;
        }
        store.finish_shredding()?;
        Ok(store)
    }

    /// Takes back what [`Store::create`] made, before anybody was told of it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(self) -> Result<(), StoreError> {
        let path = self.shared.tables.path.clone();
        let others = [crate::keyring::KEYRING_FILE, JOURNAL_FILE].map(|name| path.with_file_name(name));
        for path in others.into_iter().chain([path]) {
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
        lock: &Arc<FolderLock>,
        keyring: Keyring,
        tables: &[Table],
        new: bool,
    ) -> Result<Self, StoreError> {
        let [database_path, journal_path] =
            [DATABASE_FILE, JOURNAL_FILE].map(|name| lock.folder().join(name));
        let database = open_file(&database_path, new)?;
        let begun = !journal_path.exists();
        let journal = open_file(&journal_path, begun)?;
        if begun {
            sync_folder(&journal_path)?;
        }
        let lock = Some(Arc::clone(lock));
        let place = Place { database, journal, database_path, journal_path, new, lock };
        let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
        let ledger = Ledger::open(place, &keyring.master, keyring.database, &names)?;
        let shared = Arc::new(Shared {
            tables: Arc::clone(ledger.tables()),
            shredded: tables.iter().filter(|table| table.shred).map(|table| table.name).collect(),
            keys: RwLock::new(Arc::new(keyring.shred.clone())),
        });
        let stats = Stats::default();
        Ok(Self { shared, ledger, keyring, poisoned: false, stats })
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
        let stored = self.shared.tables.note(SCHEMA)?;
        let stored = stored.map_or(0, |version| u32::try_from(version).unwrap_or(u32::MAX));
        let (version, writes) = migrate(stored, &snapshot).map_err(StoreError::Migration)?;
        drop(snapshot);
        if version == stored && writes.is_empty() {
            return Ok(());
        }
        self.write(&writes, Some(version))
    }

    /// Makes the writes durable, all or none, and shows them to readers. The last write of a row wins.
    ///
    /// # Errors
    /// When it could not be done; the store refuses further work until it is opened again.
    pub fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let durable = self.persist(writes)?;
        self.show(durable)
    }

    /// Makes the writes durable, all or none. What depends on that can be done before [`show`](Self::show) lets readers
    /// see them, which must come next.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub fn persist<'a>(&mut self, writes: &'a [Write]) -> Result<Durable<'a>, StoreError> {
        let rows = self.stored(writes)?;
        let shown = self.ledger.persist(&rows)?;
        self.count(writes, true);
        Ok(Durable { rows, shown })
    }

    /// Shows readers what was made durable.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit); it is durable all the same.
    pub fn show(&mut self, durable: Durable<'_>) -> Result<(), StoreError> {
        let Durable { rows, shown } = durable;
        if shown { Ok(()) } else { self.ledger.show(&rows) }
    }

    /// Makes the writes, all or none, without waiting for the disk. Readers see them; a crash undoes them, unless a
    /// [`commit`](Self::commit) came after.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub fn commit_soon(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let rows = self.stored(writes)?;
        self.count(writes, false);
        self.ledger.show_soon(&rows)
    }

    /// At a quiet moment: takes to the database what fills the journal, so that no commit has to.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub fn rest(&mut self) -> Result<(), StoreError> {
        if self.ledger.wants_checkpoint() { self.ledger.checkpoint(&[], &Notes::new()) } else { Ok(()) }
    }

    fn write(&mut self, writes: &[Write], schema: Option<u32>) -> Result<(), StoreError> {
        let rows = self.stored(writes)?;
        self.count(writes, true);
        self.ledger
            .checkpoint(&rows, &schema.map(|version| (SCHEMA, u64::from(version))).into_iter().collect())
    }

    fn count(&mut self, writes: &[Write], synced: bool) {
        self.stats.commits += 1;
        self.stats.synced += u64::from(synced);
        self.stats.writes += writes.len() as u64;
    }

    /// The writes as they are stored: forgettable values under the newest shred key.
    fn stored<'a>(&self, writes: &'a [Write]) -> Result<Vec<StoredWrite<'a>>, StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        let store = |write: &'a Write| {
            let value = match &write.value {
                Some(value) if self.shared.shredded.contains(write.table.as_str()) => {
                    Some(shred::seal(&self.keyring.shred, &write.table, &write.key, value)?.into())
                }
                value => value.as_deref().map(Cow::Borrowed),
            };
            Ok(StoredWrite { table: write.table.as_str().into(), key: write.key.as_slice().into(), value })
        };
        writes.iter().map(store).collect()
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
        let newest = Notes::from([(SHRED_KEY, u64::from(self.keyring.newest()))]);
        let done = self.reseal().and_then(|()| self.ledger.checkpoint(&[], &newest));
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

    fn reseal(&mut self) -> Result<(), StoreError> {
        let (shared, keys) = (&self.shared, &self.keyring.shred);
        let newest = keys.last().map(|(number, _)| *number);
        let failed = |error: redb::Error| shared.tables.failed(error);
        self.ledger.checkpoint_with(|transaction| {
            for name in &shared.shredded {
                let mut table =
                    transaction.open_table(definition(name)).map_err(|error| failed(error.into()))?;
                let mut stale = Vec::new();
                for row in table.iter().map_err(|error| failed(error.into()))? {
                    let (key, value) = row.map_err(|error| failed(error.into()))?;
                    if shred::key_number(value.value()) != newest {
                        stale.push((key.value().to_vec(), value.value().to_vec()));
                    }
                }
                for (key, stored) in stale {
                    // A row that does not open is forgotten already; nobody loses more by leaving it.
                    let Some(plain) = shred::open(keys, name, &key, &stored) else {
                        tracing::warn!(table = name, "a row cannot be read and is left as it is");
                        continue;
                    };
                    let sealed = shred::seal(keys, name, &key, &plain)?;
                    let done = table.insert(key.as_slice(), sealed.as_slice()).map(drop);
                    done.map_err(|error| failed(error.into()))?;
                }
            }
            Ok(())
        })
    }

    /// Notes that everything is written, so that the next start can check every block.
    ///
    /// # Errors
    /// When the note could not be written; nothing else is lost.
    pub fn close(self) -> Result<(), StoreError> {
        let Self { shared, ledger, poisoned, .. } = self;
        drop(shared);
        if poisoned { Ok(()) } else { ledger.close() }
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }
}

fn open_file(path: &Path, new: bool) -> Result<Box<dyn Disk>, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(new);
    Ok(Box::new(private(&mut options).open(path).map_err(StoreError::io("opening", path))?))
}
