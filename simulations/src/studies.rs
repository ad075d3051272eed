//! Questions to many worlds, answered with tables.
//!
//! A study runs one seed at a time and notes counts and samples by cell; the notes of all seeds are added up, and then
//! tables are made of them and judged. Everything is drawn from the seed, so the same seeds give the same tables.

use std::collections::BTreeMap;

use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Who;
use crate::table::Table;
use crate::world::World;

pub mod availability;
pub mod away;
pub mod delay;
pub mod groups;
pub mod hostile;
pub mod load;
pub mod nat;

/// A question, from a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "study", rename_all = "kebab-case")]
pub enum Study {
    /// How much arrives between people who are never there at once.
    Availability(availability::Availability),
    /// How long messages take between people of all habits.
    Delay(delay::Delays),
    /// What mailboxes have to do for so many people.
    Load(load::Load),
    /// Who reaches whom, and how.
    Nat(nat::Nat),
    /// What hostile and failing mailboxes can do.
    Hostile(hostile::Hostile),
    /// What groups cost at their limits.
    Groups(groups::Groups),
    /// How long after they are back members read what was said meanwhile.
    Away(away::Away),
}

/// A place in a table: row and column.
pub type Cell = (usize, usize);

/// What was noted of one or more seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What went wrong; empty is good.
    pub failures: Vec<String>,
    /// Names for everything that happened, one for each world.
    pub traces: Vec<String>,
    counts: BTreeMap<(Cell, &'static str), u64>,
    samples: BTreeMap<(Cell, &'static str), Vec<u64>>,
}

/// The tables of a study, and whether they are as they should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What it is about.
    pub about: String,
    /// How many seeds.
    pub seeds: u64,
    /// What is not as it should be.
    pub failures: Vec<String>,
    /// The tables.
    pub tables: Vec<Table>,
    /// A name for everything that happened.
    pub trace: String,
}

impl Study {
    /// How many seeds are run unless the caller says otherwise.
    pub fn seeds(&self) -> u64 {
        match self {
            Self::Availability(study) => study.seeds,
            Self::Delay(study) => study.seeds,
            Self::Load(study) => study.seeds,
            Self::Nat(study) => study.seeds,
            Self::Hostile(study) => study.seeds,
            Self::Groups(study) => study.seeds,
            Self::Away(study) => study.seeds,
        }
    }

    /// The file with a trace that it asks for.
    pub fn trace_file(&self) -> Option<&str> {
        match self {
            Self::Delay(study) => study.trace.as_deref(),
            _ => None,
        }
    }

    /// In how many parts a seed can be run, at the same time if need be.
    pub fn parts(&self) -> u64 {
        match self {
            Self::Delay(_) => 2,
            Self::Load(study) => study.sizes.len() as u64,
            Self::Groups(study) => study.members.len() as u64,
            Self::Away(study) => study.members.len() as u64,
            Self::Availability(_) | Self::Nat(_) | Self::Hostile(_) => 1,
        }
    }

    /// Runs one part of one seed. `trace` is the text of the file that it asks for.
    pub fn run(&self, seed: u64, part: usize, trace: &str) -> Findings {
        match self {
            Self::Availability(study) => study.run(seed),
            Self::Delay(study) => study.run(seed, part, trace),
            Self::Load(study) => study.run(seed, part),
            Self::Nat(study) => study.run(seed),
            Self::Hostile(study) => study.run(seed),
            Self::Groups(study) => study.run(seed, part),
            Self::Away(study) => study.run(seed, part),
        }
    }

    /// Makes tables of the findings of all parts of all seeds, which are in order.
    pub fn report(&self, seeds: u64, findings: impl IntoIterator<Item = Findings>) -> Report {
        let mut all = Findings::default();
        findings.into_iter().for_each(|findings| all.add(findings));
        let (about, tables) = match self {
            Self::Availability(study) => (&study.about, study.tables(&mut all)),
            Self::Delay(study) => (&study.about, study.tables(&all)),
            Self::Load(study) => (&study.about, study.tables(&all)),
            Self::Nat(study) => (&study.about, study.tables(&all)),
            Self::Hostile(study) => (&study.about, study.tables(&all)),
            Self::Groups(study) => (&study.about, study.tables(&all)),
            Self::Away(study) => (&study.about, study.tables(&all)),
        };
        let mut hasher = blake3::Hasher::new();
        all.traces.iter().for_each(|trace| {
            hasher.update(trace.as_bytes());
        });
        let trace = hasher.finalize().to_hex().chars().take(16).collect();
        Report { about: about.clone(), seeds, failures: all.failures, tables, trace }
    }
}

impl Findings {
    /// Adds to a count.
    pub fn count(&mut self, cell: Cell, what: &'static str, more: u64) {
        *self.counts.entry((cell, what)).or_default() += more;
    }

    /// Notes a sample.
    pub fn sample(&mut self, cell: Cell, what: &'static str, value: u64) {
        self.samples.entry((cell, what)).or_default().push(value);
    }

    /// Ends a world: everything that was written must arrive by now, and nothing else may have.
    pub fn end(&mut self, world: &mut World, where_it_was: &str) {
        world.settle();
        let failures = world.oracle.failures.iter().map(|failure| format!("{where_it_was}: {failure}"));
        self.failures.extend(failures);
        self.traces.push(world.trace_hash());
    }

    /// A count; zero if nothing was counted.
    pub fn counted(&self, cell: Cell, what: &'static str) -> u64 {
        self.counts.get(&(cell, what)).copied().unwrap_or(0)
    }

    /// The samples in order of size.
    pub fn sorted(&self, cell: Cell, what: &'static str) -> Vec<u64> {
        let mut found = self.samples.get(&(cell, what)).cloned().unwrap_or_default();
        found.sort_unstable();
        found
    }

    fn add(&mut self, other: Self) {
        self.failures.extend(other.failures);
        self.traces.extend(other.traces);
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        for (key, samples) in other.samples {
            self.samples.entry(key).or_default().extend(samples);
        }
    }
}

/// A seed of a cell, so that no two cells see the same chances.
fn seed_of(seed: u64, row: usize, column: usize) -> u64 {
    seed.wrapping_mul(1_000_003).wrapping_add(row as u64 * 1_009 + column as u64)
}

/// Makes people friends, and gives them time to tell each other of their mailboxes.
fn befriend(world: &mut World, pairs: &[(Who, Who)]) {
    world.act(&Action::Elapse(2_000));
    for (one, other) in pairs {
        world.act(&Action::Befriend(*one, *other));
    }
    world.act(&Action::Elapse(10_000));
    calm(world, Span::from_minutes(5));
}

/// Lets time pass until nothing waits any more, at most so long. Returns whether nothing waits.
fn calm(world: &mut World, most: Span) -> bool {
    let end = world.now() + most;
    loop {
        if world.people.iter().all(|person| person.disk.rows_in("outbox") == 0) {
            return true;
        }
        if world.now() >= end {
            return false;
        }
        world.act(&Action::Elapse(1_000));
    }
}
