//! Repeats the run of a real node from its record: the same engine on a simulated disk.

use anyhow::Context as _;
use kith_engine::Config;
use kith_engine::Engine;
use kith_engine::Output;
use kith_engine::record::Line;
use kith_engine::record::digest;
use serde::Serialize;

use crate::disk::Disk;

/// A run that is being repeated.
#[derive(Default)]
pub struct Replay {
    /// What was counted so far.
    pub counts: Counts,
    /// The disk as it is now.
    pub disk: Disk,
    engine: Option<Engine>,
    out: Output,
}

/// What a replay counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Starts of the node.
    pub starts: u64,
    /// Inputs.
    pub inputs: u64,
    /// Commits.
    pub commits: u64,
    /// Commits that wrote something else than then.
    pub different: u64,
    /// Effects.
    pub effects: u64,
    /// Events.
    pub events: u64,
}

impl Replay {
    /// Repeats one line.
    ///
    /// # Errors
    /// When the record begins without a start, or its rows cannot be restored.
    pub fn line(&mut self, line: Line) -> anyhow::Result<()> {
        match line {
            Line::Start { now, entropy, rows } => {
                self.counts.starts += 1;
                self.disk = Disk::default();
                self.disk.commit(rows);
                let (engine, out) = Engine::restore(&self.disk, now, entropy, Config::default())?;
                (self.engine, self.out) = (Some(engine), out);
            }
            Line::Input { now, input } => {
                self.counts.inputs += 1;
                let engine = self.engine.as_mut().context("the record does not begin with a start")?;
                engine.handle(now, input, &self.disk, &mut self.out);
            }
            Line::Commit { digest: then } => {
                self.counts.commits += 1;
                let writes = self.out.take_writes();
                self.counts.different += u64::from(digest(&writes) != then);
                self.disk.commit(writes);
                self.counts.effects += self.out.effects.drain(..).count() as u64;
                self.counts.events += self.out.take_events().len() as u64;
            }
        }
        Ok(())
    }
}
