//! Power is cut at every write and sync, with unsynced writes lost, torn at sectors and reordered: after reopening,
//! every acknowledged commit is there and nothing half-done is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use kith_store::StoreError;
use kith_store::backend::Disk;
use kith_store::backend::SealedDisk;
use kith_store::journal::StoredWrite;
use kith_store::ledger::Ledger;
use kith_store::ledger::Notes;
use kith_store::ledger::Place;
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
struct CutDisk(Arc<Mutex<State>>, Arc<Power>);

/// What is left of it, for all disks of a computer.
#[derive(Debug, Default)]
struct Power {
    operations: AtomicU64,
    cut_after: u64,
}

#[derive(Debug, Default)]
struct State {
    durable: Vec<u8>,
    now: Vec<u8>,
    unsynced: Vec<(u64, Vec<u8>)>,
}

impl CutDisk {
    fn with(image: Vec<u8>, cut_after: u64) -> Self {
        Self::powered(image, Arc::new(Power { cut_after, ..Power::default() }))
    }

    /// Another disk of the same computer.
    fn beside(other: &Self, image: Vec<u8>) -> Self {
        Self::powered(image, Arc::clone(&other.1))
    }

    fn powered(image: Vec<u8>, power: Arc<Power>) -> Self {
        let state = State { durable: image.clone(), now: image, ..State::default() };
        Self(Arc::new(Mutex::new(state)), power)
    }

    fn operate<T>(&self, run: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        if self.1.operations.fetch_add(1, Ordering::Relaxed) >= self.1.cut_after {
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
    let operations = whole.1.operations.load(Ordering::Relaxed);
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

/// A ledger on two disks that lose their power together.
fn open_ledger(database: &CutDisk, journal: &CutDisk) -> Result<Ledger, StoreError> {
    let new = database.0.lock().unwrap().now.iter().all(|byte| *byte == 0);
    let place = Place {
        database: Box::new(database.clone()),
        journal: Box::new(journal.clone()),
        database_path: "database".into(),
        journal_path: "journal".into(),
        new,
        lock: None,
    };
    Ledger::open(place, &Zeroizing::new([7; 32]), [1; 16], &["rows"])
}

/// How a commit of a ledger is made.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Persist,
    Soon,
    Checkpoint,
    Large,
}

/// Commit `number` of a ledger: its own row, an overwritten one, a deleted one.
fn ledger_commit(ledger: &mut Ledger, number: u64, how: How) -> Result<(), StoreError> {
    let size = if how == How::Large { 70_000 } else { 100 + (number as usize * 97) % 9_000 };
    let row = |key: u64, value: Option<Vec<u8>>| StoredWrite {
        table: "rows".into(),
        key: key.to_be_bytes().to_vec().into(),
        value: value.map(Into::into),
    };
    let mut rows =
        vec![row(number, Some(vec![number as u8; size])), row(u64::MAX, Some(number.to_be_bytes().to_vec()))];
    if number > 4 {
        rows.push(row(number - 4, None));
    }
    match how {
        How::Soon => ledger.show_soon(&rows),
        How::Checkpoint => ledger.checkpoint(&rows, &Notes::new()),
        How::Persist | How::Large => match ledger.persist(&rows)? {
            true => Ok(()),
            false => ledger.show(&rows),
        },
    }
}

/// The last commit that is there, having checked that it is there whole.
fn last_of_ledger(ledger: &Ledger) -> u64 {
    let reading = ledger.database().begin_read().unwrap();
    let rows = reading.open_table(TableDefinition::<&[u8], &[u8]>::new("rows")).unwrap();
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    let Some(last) = rows.get(u64::MAX.to_be_bytes().as_slice()).unwrap().map(|row| number(row.value()))
    else {
        assert!(rows.iter().unwrap().next().is_none(), "rows without the last one's number");
        return 0;
    };
    let wanted: Vec<u64> = (1..=last).filter(|number| *number + 4 > last).chain([u64::MAX]).collect();
    let found: Vec<u64> = rows.iter().unwrap().map(|row| number(row.unwrap().0.value())).collect();
    assert_eq!(found, wanted, "commit {last} is there in part");
    last
}

fn how(luck: &mut Luck) -> How {
    match luck.below(8) {
        0 => How::Checkpoint,
        1 => How::Large,
        2 | 3 => How::Soon,
        _ => How::Persist,
    }
}

/// Runs commits until the power goes.
fn run_ledger(database: &CutDisk, journal: &CutDisk, first: u64, commits: u64, luck: &mut Luck) -> Reached {
    let mut reached = Reached { acknowledged: first - 1, safe: first - 1 };
    let Ok(mut ledger) = open_ledger(database, journal) else { return reached };
    for number in first..first + commits {
        let how = how(luck);
        if ledger_commit(&mut ledger, number, how).is_err() {
            return reached;
        }
        reached.acknowledged = number;
        if how != How::Soon {
            reached.safe = number;
        }
    }
    if luck.below(2) == 0 && ledger.close().is_ok() {
        reached.safe = reached.acknowledged;
    }
    reached
}

#[test]
fn a_ledger_keeps_what_it_confirmed_however_often_the_power_goes() {
    for world in 0..150 {
        let mut luck = Luck(world);
        let (mut images, mut reached) = ((Vec::new(), Vec::new()), Reached { acknowledged: 0, safe: 0 });
        for round in 0..6 {
            let cut_after = if round == 5 { u64::MAX } else { luck.below(150) };
            let database = CutDisk::with(images.0, cut_after);
            let journal = CutDisk::beside(&database, images.1);
            let commits = luck.below(30);
            let begun = run_ledger(&database, &journal, reached.acknowledged + 1, commits, &mut luck);
            assert!(begun.safe >= reached.safe);
            reached = begun;
            images = (database.image(&mut luck), journal.image(&mut luck));
            let whole = CutDisk::with(images.0.clone(), u64::MAX);
            let beside = CutDisk::beside(&whole, images.1.clone());
            match open_ledger(&whole, &beside) {
                Ok(ledger) => {
                    let last = last_of_ledger(&ledger);
                    assert!(last >= reached.safe, "world {world}, round {round}: {last} of {}", reached.safe);
                    assert!(last <= reached.acknowledged + 1, "nothing is there that was never begun");
                    reached = Reached { acknowledged: last, safe: last };
                }
                Err(error) => {
                    assert_eq!(reached.safe, 0, "world {world}, round {round}: {error}");
                    (images, reached) = ((Vec::new(), Vec::new()), Reached { acknowledged: 0, safe: 0 });
                    continue;
                }
            }
            // Half the time the next opening is the first after the cut, and may be cut itself.
            if luck.below(2) == 0 {
                images = (whole.0.lock().unwrap().now.clone(), beside.0.lock().unwrap().now.clone());
            }
        }
    }
}

#[test]
fn a_full_journal_begins_again_and_loses_nothing() {
    let database = CutDisk::with(Vec::new(), u64::MAX);
    let journal = CutDisk::beside(&database, Vec::new());
    let mut ledger = open_ledger(&database, &journal).unwrap();
    for number in 1..=700 {
        ledger_commit(&mut ledger, number, How::Persist).unwrap();
    }
    let images = [&database, &journal].map(|disk| disk.0.lock().unwrap().durable.clone());
    drop(ledger);
    let [database, journal] = images;
    let database = CutDisk::with(database, u64::MAX);
    let journal = CutDisk::beside(&database, journal);
    assert_eq!(last_of_ledger(&open_ledger(&database, &journal).unwrap()), 700);
}

#[test]
fn a_record_that_is_lost_before_others_is_damage_and_a_missing_journal_too() {
    let database = CutDisk::with(Vec::new(), u64::MAX);
    let journal = CutDisk::beside(&database, Vec::new());
    let mut ledger = open_ledger(&database, &journal).unwrap();
    for number in 1..=5 {
        ledger_commit(&mut ledger, number, How::Persist).unwrap();
    }
    let [database, whole] = [&database, &journal].map(|disk| disk.0.lock().unwrap().durable.clone());
    let opened = |journal: Vec<u8>| {
        let database = CutDisk::with(database.clone(), u64::MAX);
        let journal = CutDisk::beside(&database, journal);
        open_ledger(&database, &journal).map(|ledger| last_of_ledger(&ledger))
    };
    assert_eq!(opened(whole.clone()).unwrap(), 5);
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let mut luck = Luck(3);
    for _ in 0..200 {
        let mut journal = whole.clone();
        journal[luck.below(used as u64) as usize] ^= 1 << luck.below(8);
        // What pads a record says nothing, and the last record cannot be told from one that was cut off.
        match opened(journal) {
            Ok(last) => assert!(last == 5 || last == 4),
            Err(error) => assert!(error.to_string().contains("journal"), "{error}"),
        }
    }
    for other in [Vec::new(), vec![0; whole.len()]] {
        assert!(opened(other).is_err_and(|error| error.to_string().contains("journal")));
    }
}

#[test]
fn a_ledger_survives_a_power_cut_at_every_operation() {
    let all = [How::Persist, How::Soon, How::Persist, How::Checkpoint, How::Large, How::Persist];
    let script = |database: &CutDisk, journal: &CutDisk| {
        let mut reached = 0;
        for round in 0..2 {
            let Ok(mut ledger) = open_ledger(database, journal) else { return reached };
            for (number, how) in (1 + round * 6..).zip(all) {
                if ledger_commit(&mut ledger, number, how).is_err() {
                    return reached;
                }
                reached = if how == How::Soon { reached } else { number };
            }
            if round == 0 && ledger.close().is_err() {
                return reached;
            }
        }
        reached
    };
    let database = CutDisk::with(Vec::new(), u64::MAX);
    assert_eq!(script(&database, &CutDisk::beside(&database, Vec::new())), 12);
    let operations = database.1.operations.load(Ordering::Relaxed);
    for cut_after in 0..operations {
        let mut luck = Luck(cut_after);
        let database = CutDisk::with(Vec::new(), cut_after);
        let journal = CutDisk::beside(&database, Vec::new());
        let reached = script(&database, &journal);
        let again = CutDisk::with(database.image(&mut luck), u64::MAX);
        let beside = CutDisk::beside(&again, journal.image(&mut luck));
        match open_ledger(&again, &beside) {
            Ok(ledger) => assert!(last_of_ledger(&ledger) >= reached, "cut after {cut_after}"),
            Err(error) => assert_eq!(reached, 0, "cut after {cut_after}: {error}"),
        }
    }
}

#[test]
fn a_database_put_back_from_a_copy_takes_nothing_that_came_after_it() {
    let database = CutDisk::with(Vec::new(), u64::MAX);
    let journal = CutDisk::beside(&database, Vec::new());
    let mut ledger = open_ledger(&database, &journal).unwrap();
    ledger_commit(&mut ledger, 1, How::Persist).unwrap();
    ledger.close().unwrap();
    let copy = database.0.lock().unwrap().now.clone();
    // One timeline goes on and is killed; its journal stays, the database is the copy.
    let mut ledger = open_ledger(&database, &journal).unwrap();
    for number in 2..=6 {
        ledger_commit(&mut ledger, number, How::Persist).unwrap();
    }
    let database = CutDisk::with(copy, u64::MAX);
    let journal = CutDisk::beside(&database, journal.0.lock().unwrap().now.clone());
    drop(ledger);
    let mut ledger = open_ledger(&database, &journal).unwrap();
    assert_eq!(last_of_ledger(&ledger), 1);
    ledger_commit(&mut ledger, 2, How::Persist).unwrap();
    let images = [&database, &journal].map(|disk| disk.0.lock().unwrap().durable.clone());
    drop(ledger);
    let [database, journal] = images;
    let database = CutDisk::with(database, u64::MAX);
    let journal = CutDisk::beside(&database, journal);
    assert_eq!(last_of_ledger(&open_ledger(&database, &journal).unwrap()), 2);
}

#[test]
fn a_ledger_refuses_to_go_on_over_rows_that_were_never_shown() {
    let database = CutDisk::with(Vec::new(), u64::MAX);
    let journal = CutDisk::beside(&database, Vec::new());
    let mut ledger = open_ledger(&database, &journal).unwrap();
    let rows = [StoredWrite { table: "rows".into(), key: vec![1].into(), value: Some(vec![2].into()) }];
    assert!(!ledger.persist(&rows).unwrap());
    assert!(matches!(ledger.checkpoint(&[], &Notes::new()), Err(StoreError::Poisoned)));
    ledger.close().unwrap();
    let ledger = open_ledger(&database, &journal).unwrap();
    let reading = ledger.database().begin_read().unwrap();
    let table = reading.open_table(TableDefinition::<&[u8], &[u8]>::new("rows")).unwrap();
    assert_eq!(table.get([1].as_slice()).unwrap().unwrap().value(), [2]);
}
