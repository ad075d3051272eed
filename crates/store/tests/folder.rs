//! A data folder as a node uses it: passphrases, locks, shred keys, rows beside a plain map.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use kith_proto::id::BlobId;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows;
use kith_proto::rows::Table;
use kith_proto::rows::Write;
use kith_store::FolderLock;
use kith_store::Store;
use kith_store::StoreError;
use kith_store::blobs::Blobs;
use proptest::prelude::*;

const PLAIN: Table = Table::plain("plain");
const SHRED: Table = Table::shredded("shred");
const TABLES: &[Table] = &[PLAIN, SHRED];

fn lock(folder: &Path) -> Arc<FolderLock> {
    Arc::new(FolderLock::take(folder).unwrap())
}

fn put(table: Table, key: &[u8], value: &[u8]) -> Write {
    Write { table: table.name.to_owned(), key: key.to_vec(), value: Some(value.to_vec()) }
}

#[test]
fn what_was_committed_is_there_again_and_a_wrong_passphrase_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store =
        Store::create(&lock(folder.path()), Some("four random words here"), TABLES, (0, &[])).unwrap();
    store.commit(&[put(PLAIN, b"a", b"one"), put(SHRED, b"b", b"two")]).unwrap();
    store.close().unwrap();
    assert!(Store::is_protected(folder.path()).unwrap());
    let wrong = Store::open(&lock(folder.path()), Some("five random words here"), TABLES);
    assert!(matches!(wrong, Err(StoreError::WrongPassphrase)));
    assert!(matches!(Store::open(&lock(folder.path()), None, TABLES), Err(StoreError::NeedsPassphrase)));
    let mut store = Store::open(&lock(folder.path()), Some("four random words here"), TABLES).unwrap();
    assert_eq!(
        store.reader().snapshot().unwrap().get(SHRED, b"b").unwrap().as_deref(),
        Some(b"two".as_slice())
    );
    store.change_passphrase(None).unwrap();
    store.close().unwrap();
    let store = Store::open(&lock(folder.path()), None, TABLES).unwrap();
    assert_eq!(
        store.reader().snapshot().unwrap().get(PLAIN, b"a").unwrap().as_deref(),
        Some(b"one".as_slice())
    );
}

#[test]
fn a_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let held = lock(folder.path());
    let second = FolderLock::take(folder.path()).unwrap_err().to_string();
    assert!(second.contains("in use") && second.contains(&std::process::id().to_string()), "{second}");
    drop(held);
    assert!(FolderLock::take(folder.path()).is_ok(), "free again");
}

#[test]
fn a_deleted_row_cannot_be_read_from_an_old_copy_once_the_key_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&lock(folder.path()), None, TABLES, (0, &[])).unwrap();
    store.commit(&[put(SHRED, b"gone", b"secret"), put(SHRED, b"kept", b"value")]).unwrap();
    let files = ["kith.db", "kith.journal"].map(|name| folder.path().join(name));
    let old = files.clone().map(|file| std::fs::read(file).unwrap());
    store.commit(&[Write { table: SHRED.name.to_owned(), key: b"gone".to_vec(), value: None }]).unwrap();
    store.rotate_shred_key().unwrap();
    assert_eq!(
        store.reader().snapshot().unwrap().get(SHRED, b"kept").unwrap().as_deref(),
        Some(b"value".as_slice())
    );
    drop(store);
    // Somebody had copied the database before the row was deleted, and gets the keyring of today.
    for (file, bytes) in files.iter().zip(old) {
        std::fs::write(file, bytes).unwrap();
    }
    let store = Store::open(&lock(folder.path()), None, TABLES).unwrap();
    assert!(
        store.reader().snapshot().unwrap().get(SHRED, b"gone").is_err(),
        "its key does not exist any more"
    );
}

#[test]
fn every_flipped_byte_of_a_closed_folder_is_named_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&lock(folder.path()), None, TABLES, (0, &[])).unwrap();
    for number in 0..50_u32 {
        store.commit(&[put(PLAIN, &number.to_be_bytes(), &[7; 200])]).unwrap();
    }
    store.close().unwrap();
    for name in ["kith.db", "keyring"] {
        let path = folder.path().join(name);
        let bytes = std::fs::read(&path).unwrap();
        let slots = if name == "kith.db" { kith_store::backend::HEAD_BYTES } else { 0 };
        let step = (bytes.len() - slots) / 37;
        for at in (slots..bytes.len()).step_by(step.max(1)) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            std::fs::write(&path, &changed).unwrap();
            let error = Store::open(&lock(folder.path()), None, TABLES).err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| panic!("{name}, byte {at}: nothing was noticed"));
            assert!(error.contains(name), "{name}, byte {at}: {error}");
        }
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn a_folder_of_a_newer_version_is_refused_by_the_owner_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(&lock(folder.path()), None, TABLES, (0, &[])).unwrap();
    store.migrate(|from, _| Ok((from + 9, vec![put(PLAIN, b"v", b"9")]))).unwrap();
    let refused = store.migrate(|from, _| Err(format!("format {from} is too new"))).unwrap_err().to_string();
    assert_eq!(refused, "format 9 is too new");
}

#[test]
fn a_blob_comes_in_pieces_over_restarts_and_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
    let id = BlobId(*blake3::hash(&bytes).as_bytes());
    let blobs = Blobs::open(folder.path()).unwrap();
    let pieces: Vec<&[u8]> = bytes.chunks(kith_store::blobs::PIECE_BYTES as usize).collect();
    let mut incoming = blobs.receive(id, bytes.len() as u64).unwrap();
    incoming.write_piece(3, pieces[3]).unwrap();
    incoming.save().unwrap();
    drop(incoming);
    let mut incoming = blobs.receive(id, bytes.len() as u64).unwrap();
    assert!(incoming.has_piece(3) && !blobs.has(&id), "it goes on where it stopped");
    let missing: Vec<u64> = incoming.missing().collect();
    for index in missing {
        incoming.write_piece(index, pieces[index as usize]).unwrap();
    }
    incoming.finish().unwrap();
    assert_eq!(
        (blobs.read(&id, 40_000, 5).unwrap().as_slice(), blobs.list().unwrap()),
        (&bytes[40_000..40_005], vec![id])
    );
    let mut forged = blobs.receive(BlobId([1; 32]), 5).unwrap();
    forged.write_piece(0, b"other").unwrap();
    assert!(matches!(forged.finish(), Err(StoreError::Damaged(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_behave_like_a_map(commits in prop::collection::vec(
        prop::collection::vec((0_u8..12, prop::option::of(prop::collection::vec(any::<u8>(), 0..40)), any::<bool>()), 1..8),
        1..6,
    )) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::create(&lock(folder.path()), None, TABLES, (0, &[])).unwrap();
        let mut model: BTreeMap<(bool, Vec<u8>), Vec<u8>> = BTreeMap::new();
        for (at, commit) in commits.iter().enumerate() {
            let writes: Vec<Write> = commit.iter().map(|(key, value, shred)| {
                let table = if *shred { SHRED } else { PLAIN };
                match value {
                    Some(value) => model.insert((*shred, vec![*key]), value.clone()),
                    None => model.remove(&(*shred, vec![*key])),
                };
                Write { table: table.name.to_owned(), key: vec![*key], value: value.clone() }
            }).collect();
            store.commit(&writes).unwrap();
            if at % 2 == 1 {
                store.rotate_shred_key().unwrap();
            }
        }
        let rows = store.reader().snapshot().unwrap();
        for (table, shred) in [(PLAIN, false), (SHRED, true)] {
            for direction in [Direction::Up, Direction::Down] {
                let mut found = Vec::new();
                rows.scan(table, Bound::Unbounded, Bound::Unbounded, direction, &mut |key, value| {
                    found.push((key.to_vec(), value.to_vec()));
                    true
                }).unwrap();
                let mut wanted: Vec<_> = model.iter().filter(|((of, _), _)| *of == shred)
                    .map(|((_, key), value)| (key.clone(), value.clone())).collect();
                if direction == Direction::Down { wanted.reverse(); }
                prop_assert_eq!(found, wanted);
            }
        }
    }
}

#[test]
fn half_a_folder_is_never_taken_for_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let row = put(PLAIN, b"k", b"first");
    let store = Store::create(&lock(folder.path()), None, TABLES, (1, std::slice::from_ref(&row))).unwrap();
    store.close().unwrap();
    let [keyring, database, aside] =
        ["keyring", "kith.db", "kith.db.without-keyring"].map(|name| folder.path().join(name));
    // The keyring is not there (yet): a new folder is made beside the database, and nothing is lost.
    let saved = std::fs::read(&keyring).unwrap();
    std::fs::remove_file(&keyring).unwrap();
    Store::create(&lock(folder.path()), None, TABLES, (1, &[])).unwrap().close().unwrap();
    std::fs::write(&keyring, saved).unwrap();
    std::fs::rename(&aside, &database).unwrap();
    let store = Store::open(&lock(folder.path()), None, TABLES).unwrap();
    assert_eq!(store.reader().get(PLAIN, b"k").unwrap(), row.value);
    drop(store);
    // The database is gone, or only its beginning is there: an error that names it, not a new one.
    for left in [None, Some(0), Some(100), Some(9_000)] {
        match left {
            None => std::fs::remove_file(&database).unwrap(),
            Some(length) => std::fs::write(&database, vec![0; length]).unwrap(),
        }
        let error = Store::open(&lock(folder.path()), None, TABLES).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("kith.db")), "{left:?}");
    }
}

#[test]
fn an_account_that_is_taken_back_leaves_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    Store::create(&lock(folder.path()), None, TABLES, (1, &[])).unwrap().discard().unwrap();
    assert!(!Store::exists(folder.path()));
    Store::create(&lock(folder.path()), None, TABLES, (1, &[])).unwrap();
}

#[test]
fn a_folder_is_taken_as_long_as_somebody_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&lock(folder.path()), None, TABLES, (0, &[])).unwrap();
    let reader = store.reader();
    drop(store);
    // The database writes when it is dropped: nobody else may have begun by then.
    assert!(FolderLock::take(folder.path()).is_err());
    drop(reader);
    assert!(FolderLock::take(folder.path()).is_ok());
}
