//! What goes to the disk while the node runs, one batch at a time, on a thread that may wait for the disk. The node's loop
//! never does: while it waited nothing was read from the network.
//!
//! ```text
//!  note ──▶ waiting (the newest of each row) ──begin──▶ a batch on its way ──done──▶ the next may begin
//! ```

use std::collections::BTreeMap;

use anyhow::Context as _;
use anyhow::Result;
use kith_proto::rows::Table;
use kith_proto::rows::Write;
use kith_store::Store;
use tokio::task::JoinHandle;

/// Where a batch goes, as a whole or not at all.
pub(crate) trait Disk: Send + 'static {
    /// Takes a batch, sorted by tables, and returns once it is safe.
    fn commit(&mut self, writes: &[Write]) -> Result<()>;
}

impl Disk for Store {
    fn commit(&mut self, writes: &[Write]) -> Result<()> {
        Ok(Self::commit(self, writes)?)
    }
}

/// The way to the disk.
pub(crate) struct Writer<D> {
    /// Where it is, unless a batch is on its way.
    disk: Option<D>,
    /// The newest of each row, so that a slow disk makes no more wait than there are rows.
    waiting: BTreeMap<(&'static str, Vec<u8>), Option<Vec<u8>>>,
    under_way: Option<JoinHandle<(D, Result<()>)>>,
}

impl<D: Disk> Writer<D> {
    pub(crate) fn new(disk: D) -> Self {
        Self { disk: Some(disk), waiting: BTreeMap::new(), under_way: None }
    }

    /// A row is to be written, or deleted without a value.
    pub(crate) fn note(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.waiting.insert((table.name, key), value);
    }

    /// Whether a batch could begin.
    pub(crate) fn has_work(&self) -> bool {
        !self.waiting.is_empty() && self.under_way.is_none()
    }

    /// Sends what waits on its way, unless a batch is. Only inside the runtime.
    pub(crate) fn begin(&mut self) {
        if !self.has_work() {
            return;
        }
        let Some(mut disk) = self.disk.take() else { return };
        let rows = std::mem::take(&mut self.waiting).into_iter();
        let writes: Vec<Write> =
            rows.map(|((table, key), value)| Write { table: table.to_owned(), key, value }).collect();
        self.under_way = Some(tokio::task::spawn_blocking(move || {
            let done = disk.commit(&writes);
            (disk, done)
        }));
    }

    /// Waits for the batch that is on its way; for ever without one. It may be dropped at any time.
    ///
    /// # Errors
    /// When the batch could not be written.
    pub(crate) async fn done(&mut self) -> Result<()> {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let ended = under_way.await;
        self.under_way = None;
        let (disk, done) = ended.context("writing to the disk ended by a fault")?;
        self.disk = Some(disk);
        done
    }

    /// Writes everything and gives the disk back.
    ///
    /// # Errors
    /// When something could not be written.
    pub(crate) async fn finish(mut self) -> Result<D> {
        while self.under_way.is_some() || self.has_work() {
            self.begin();
            self.done().await?;
        }
        self.disk.context("writing to the disk ended by a fault")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const ROWS: Table = Table::plain("rows");

    /// A disk that takes its time: each batch waits until the test lets it go on.
    struct Slow {
        begun: mpsc::SyncSender<Vec<Write>>,
        go_on: mpsc::Receiver<Result<()>>,
    }

    impl Disk for Slow {
        fn commit(&mut self, writes: &[Write]) -> Result<()> {
            self.begun.send(writes.to_vec()).unwrap();
            self.go_on.recv().unwrap()
        }
    }

    fn slow() -> (Writer<Slow>, mpsc::Receiver<Vec<Write>>, mpsc::SyncSender<Result<()>>) {
        let (begun, batches) = mpsc::sync_channel(4);
        let (release, go_on) = mpsc::sync_channel(4);
        (Writer::new(Slow { begun, go_on }), batches, release)
    }

    fn row(key: u8, value: u8) -> Write {
        Write { table: ROWS.name.to_owned(), key: vec![key], value: Some(vec![value]) }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_slow_disk_and_one_batch_is_on_its_way_at_a_time() {
        let (mut writer, batches, release) = slow();
        writer.note(ROWS, vec![1], Some(vec![1]));
        writer.begin();
        assert_eq!(batches.recv().unwrap(), [row(1, 1)]);
        // The disk does not answer. What comes meanwhile waits, the newest of each row only.
        for value in 0..=9 {
            writer.note(ROWS, vec![2], Some(vec![value]));
            writer.begin();
        }
        assert!(!writer.has_work() && batches.try_recv().is_err());
        release.send(Ok(())).unwrap();
        writer.done().await.unwrap();
        assert!(writer.has_work());
        release.send(Ok(())).unwrap();
        writer.finish().await.unwrap();
        assert_eq!(batches.try_iter().collect::<Vec<_>>(), [vec![row(2, 9)]]);
    }

    #[tokio::test]
    async fn a_batch_that_fails_is_told() {
        let (mut writer, _batches, release) = slow();
        writer.note(ROWS, vec![1], None);
        writer.begin();
        release.send(Err(anyhow::anyhow!("the disk is full"))).unwrap();
        assert_eq!(writer.done().await.unwrap_err().to_string(), "the disk is full");
    }
}
