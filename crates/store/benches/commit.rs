//! What a commit costs, beside its floors: one synchronous write of a page, and the same rows in a bare redb.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run stops")]

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use kith_proto::rows::Rows as _;
use kith_proto::rows::Table;
use kith_proto::rows::Write;
use kith_store::FolderLock;
use kith_store::Store;
use redb::TableDefinition;
use tempfile::TempDir;

const TABLE: Table = Table::plain("history");
const BARE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("history");
const ROW: [u8; 200] = [7; 200];

/// On a disk, not in memory: a commit that never reaches a disk is fast and worth nothing.
fn folder() -> TempDir {
    TempDir::new_in(std::env::var_os("KITH_BENCH_DIR").map_or(".".into(), PathBuf::from)).unwrap()
}

fn writes(next: &mut u64, count: u64) -> Vec<Write> {
    let first = *next;
    *next += count;
    (first..*next)
        .map(|key| Write {
            table: TABLE.name.to_owned(),
            key: key.to_be_bytes().to_vec(),
            value: Some(ROW.to_vec()),
        })
        .collect()
}

fn commits(c: &mut Criterion) {
    let folder = folder();
    c.bench_function("floor: write and sync one page", |b| {
        let mut file = File::create(folder.path().join("floor")).unwrap();
        b.iter(|| {
            file.write_all(&[7; 4_096]).unwrap();
            file.sync_data().unwrap();
        });
    });
    for count in [1, 10, 1_000] {
        let database = redb::Database::create(folder.path().join(format!("bare-{count}"))).unwrap();
        let mut next = 0_u64;
        c.bench_function(&format!("floor: bare redb, {count} rows"), |b| {
            b.iter(|| {
                let transaction = database.begin_write().unwrap();
                let mut table = transaction.open_table(BARE).unwrap();
                for _ in 0..count {
                    next += 1;
                    table.insert(next.to_be_bytes().as_slice(), ROW.as_slice()).unwrap();
                }
                drop(table);
                transaction.commit().unwrap();
            });
        });
        let path = folder.path().join(format!("sealed-{count}"));
        std::fs::create_dir(&path).unwrap();
        let lock = Arc::new(FolderLock::take(&path).unwrap());
        let mut store = Store::create(&lock, None, &[TABLE], (0, &[])).unwrap();
        let mut next = 0;
        c.bench_function(&format!("commit, {count} rows"), |b| {
            b.iter(|| store.commit(&writes(&mut next, count)).unwrap());
        });
        assert!(store.reader().get(TABLE, &0_u64.to_be_bytes()).unwrap().is_some());
    }
}

criterion_group!(benches, commits);
criterion_main!(benches);
