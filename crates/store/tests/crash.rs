//! Power is cut at every write and sync, with unsynced writes lost, torn at sectors and reordered: after reopening,
//! every acknowledged commit is there and nothing half-done is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use kith_store::backend::Disk;
use kith_store::backend::SealedDisk;
use redb::Database;
use redb::Durability;
use redb::ReadableDatabase as _;
use redb::ReadableTable as _;
use redb::TableDefinition;
use zeroize::Zeroizing;

const ROWS: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("rows");
const SECTOR: usize = 512;

/// A disk that remembers what is durable and what is not, and whose power goes after so many operations.
#[derive(Clone, Debug, Default)]
struct CutDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    durable: Vec<u8>,
    now: Vec<u8>,
    unsynced: Vec<(u64, Vec<u8>)>,
    operations: u64,
    cut_after: u64,
}

impl CutDisk {
    fn with(image: Vec<u8>, cut_after: u64) -> Self {
        let state = State { durable: image.clone(), now: image, cut_after, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn operate<T>(&self, run: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        state.operations += 1;
        if state.operations > state.cut_after {
            Err(io::Error::other("no power"))
        } else {
            Ok(run(&mut state))
        }
    }

    /// What may be on the disk after the cut: each sector of each unsynced write is there or not.
    fn image(&self, luck: &mut Luck) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        let mut image = state.durable.clone();
        let mut writes = state.unsynced.clone();
        // Reordered: a later write may be there and an earlier one not.
        for at in (1..writes.len()).rev() {
            writes.swap(at, luck.below(at as u64 + 1) as usize);
        }
        for (offset, data) in writes {
            if luck.below(3) == 0 {
                continue;
            }
            let torn = luck.below(2) == 0;
            for (index, chunk) in sectors(offset, &data) {
                if torn && luck.below(2) == 0 {
                    continue;
                }
                let end = index + chunk.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[index..end].copy_from_slice(chunk);
            }
        }
        image
    }
}

/// The pieces of a write that lie in one sector each.
fn sectors(offset: u64, data: &[u8]) -> Vec<(usize, &[u8])> {
    let (mut at, mut rest, mut pieces) = (offset as usize, data, Vec::new());
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
        pieces.push((at, piece));
        at += piece.len();
        rest = later;
    }
    pieces
}

impl Disk for CutDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let from = offset as usize;
        let bytes = state.now.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.operate(|state| {
            let end = offset as usize + data.len();
            if state.now.len() < end {
                state.now.resize(end, 0);
            }
            state.now[offset as usize..end].copy_from_slice(data);
            state.unsynced.push((offset, data.to_vec()));
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // A file system that keeps its metadata in a journal: lengths survive in order.
        self.operate(|state| {
            state.now.resize(len as usize, 0);
            state.durable.resize(len as usize, 0);
            state.unsynced.retain(|(offset, data)| offset + data.len() as u64 <= len);
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.operate(|state| {
            state.durable.clone_from(&state.now);
            state.unsynced.clear();
        })
    }
}

/// A small generator, so that a failure is a seed.
struct Luck(u64);

impl Luck {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn open(disk: &CutDisk) -> Option<Database> {
    let sealed = SealedDisk::open(Box::new(disk.clone()), &Zeroizing::new([7; 32]), [1; 16]);
    let sealed = sealed.inspect_err(|error| println!("sealed disk: {error}")).ok()?;
    let database = Database::builder().create_with_backend(sealed.clone());
    let database = database.inspect_err(|error| println!("redb: {error}")).ok()?;
    sealed.recovered();
    Some(database)
}

/// Writes commit `number`: its own row, an overwritten row, and a deleted one. Returns whether it was acknowledged.
fn commit(database: &Database, number: u64, durability: Durability) -> bool {
    let written = || -> Result<(), redb::Error> {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut rows = transaction.open_table(ROWS)?;
            let value = vec![number as u8; 300 + (number as usize * 97) % 3_000];
            rows.insert(number, value.as_slice())?;
            rows.insert(u64::MAX, number.to_le_bytes().as_slice())?;
            if number > 4 {
                rows.remove(number - 4)?;
            }
        }
        transaction.commit()?;
        Ok(())
    };
    written().is_ok()
}

/// The last commit that is there, having checked that it is there whole.
fn last_whole(database: &Database) -> u64 {
    let transaction = database.begin_read().unwrap();
    let Ok(rows) = transaction.open_table(ROWS) else { return 0 };
    let Some(last) =
        rows.get(u64::MAX).unwrap().map(|value| u64::from_le_bytes(value.value().try_into().unwrap()))
    else {
        return 0;
    };
    let wanted: Vec<u64> = (1..=last).filter(|number| *number + 4 > last).chain([u64::MAX]).collect();
    let found: Vec<u64> = rows.iter().unwrap().map(|row| row.unwrap().0.value()).collect();
    assert_eq!(found, wanted, "commit {last} is there in part");
    for number in (1..=last).filter(|number| *number + 4 > last) {
        let value = rows.get(number).unwrap().unwrap();
        assert!(value.value().iter().all(|byte| *byte == number as u8));
    }
    last
}

const COMMITS: u64 = 12;

/// How far the commits came before the power went.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reached {
    /// The last that was acknowledged.
    acknowledged: u64,
    /// The last of them that did not say that a crash may undo it.
    safe: u64,
}

/// Runs commits until the power goes; of so many only one waits for the disk.
fn run(disk: &CutDisk, first: u64, one_of: u64) -> Reached {
    let mut reached = Reached { acknowledged: first - 1, safe: first - 1 };
    let Some(database) = open(disk) else { return reached };
    for number in first..first + COMMITS {
        let is_safe = number % one_of == 0;
        let durability = if is_safe { Durability::Immediate } else { Durability::None };
        if !commit(&database, number, durability) {
            break;
        }
        reached.acknowledged = number;
        if is_safe {
            reached.safe = number;
        }
    }
    reached
}

#[test]
fn every_acknowledged_commit_survives_a_power_cut_at_every_operation() {
    cut_everywhere(1);
}

#[test]
fn commits_that_did_not_wait_are_undone_from_the_last_and_the_others_survive() {
    cut_everywhere(3);
}

fn cut_everywhere(one_of: u64) {
    let whole = CutDisk::with(Vec::new(), u64::MAX);
    assert_eq!(run(&whole, 1, one_of), Reached { acknowledged: COMMITS, safe: COMMITS });
    let operations = whole.0.lock().unwrap().operations;
    for cut_after in 0..=operations {
        for seed in 0..4 {
            let disk = CutDisk::with(Vec::new(), cut_after);
            let Reached { acknowledged, safe } = run(&disk, 1, one_of);
            let mut luck = Luck(cut_after * 1_000 + seed);
            let image = disk.image(&mut luck);
            let again = CutDisk::with(image, u64::MAX);
            let Some(database) = open(&again) else {
                assert_eq!(
                    safe, 0,
                    "cut after {cut_after}, seed {seed}: the database does not open any more"
                );
                continue;
            };
            let last = last_whole(&database);
            assert!(last >= safe, "cut after {cut_after}, seed {seed}: {last} of {safe} commits");
            assert!(last <= acknowledged + 1, "nothing is there that was never begun");
        }
    }
}

#[test]
fn a_second_cut_while_recovering_from_the_first_loses_nothing_either() {
    let mut luck = Luck(99);
    for round in 0..60 {
        let disk = CutDisk::with(Vec::new(), 30 + luck.below(60));
        let mut acknowledged = run(&disk, 1, 1).acknowledged;
        let mut image = disk.image(&mut luck);
        for _ in 0..3 {
            let disk = CutDisk::with(image.clone(), luck.below(40));
            // A number is left out, so that one whose commit was cut off before is not written again.
            let first = acknowledged + 2;
            let reached = run(&disk, first, 1).acknowledged;
            if reached >= first {
                acknowledged = reached;
            }
            image = disk.image(&mut luck);
        }
        let survivor = CutDisk::with(image, u64::MAX);
        let Some(database) = open(&survivor) else {
            assert_eq!(acknowledged, 0, "round {round}: the database does not open any more");
            continue;
        };
        let transaction = database.begin_read().unwrap();
        let last = transaction.open_table(ROWS).ok().and_then(|rows| {
            rows.get(u64::MAX).unwrap().map(|value| u64::from_le_bytes(value.value().try_into().unwrap()))
        });
        assert!(last.unwrap_or(0) >= acknowledged, "round {round}: {last:?} of {acknowledged}");
    }
}

#[test]
fn a_changed_byte_is_an_error_and_never_a_wrong_value() {
    let disk = CutDisk::with(Vec::new(), u64::MAX);
    assert_eq!(run(&disk, 1, 1).acknowledged, COMMITS);
    let image = disk.0.lock().unwrap().now.clone();
    let mut luck = Luck(5);
    for _ in 0..200 {
        let mut changed = image.clone();
        let at = luck.below(image.len() as u64) as usize;
        changed[at] ^= 1 << luck.below(8);
        let disk = CutDisk::with(changed, u64::MAX);
        let sealed = SealedDisk::open(Box::new(disk.clone()), &Zeroizing::new([7; 32]), [1; 16]);
        let found = sealed.is_err()
            || sealed.is_ok_and(|sealed| {
                sealed.recovered();
                sealed.verify().is_err()
            });
        // The only bytes that may change unseen are those of the older copy of page 0.
        assert!(found || at < kith_store::backend::HEAD_BYTES, "byte {at}");
    }
}
