//! How long messages take between people of all habits, with mailboxes and without.
//!
//! For each two habits there are pairs of friends; everybody writes at moments at which they are there. Nobody is helped
//! by anything but their own computers and, in the second world, the mailboxes.

use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Who;
use crate::network::Weather;
use crate::online;
use crate::online::PATTERNS;
use crate::online::Pattern;
use crate::plan::Plan;
use crate::studies::Cell;
use crate::studies::Findings;
use crate::studies::befriend;
use crate::studies::seed_of;
use crate::table::Table;
use crate::table::percent;
use crate::table::percentile;
use crate::table::time;
use crate::world::World;

/// The row of people who come and go as a trace says.
const TRACED: usize = PATTERNS.len();

/// The study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delays {
    /// What it is about.
    pub about: String,
    /// Seeds unless the caller says otherwise.
    pub seeds: u64,
    /// How long each world lasts; it begins on a Friday morning.
    pub days: u64,
    /// The habits.
    pub habits: Vec<Pattern>,
    /// Pairs of friends of each two habits.
    pub pairs: usize,
    /// How many mailboxes there are in the world that has some.
    pub mailboxes: usize,
    /// How much everybody writes.
    pub messages_a_day: u64,
    /// Hours ahead of UTC; one is drawn for each person.
    pub zones: Vec<i64>,
    /// A file that says when people are there ([`online::trace`]); each two of them in a row are friends.
    #[serde(default)]
    pub trace: Option<String>,
    /// How many people the file is about.
    #[serde(default)]
    pub traced: usize,
}

/// A person of a world: habit, if it is one, and sessions.
type Habits = Vec<(usize, Vec<online::Session>)>;

impl Delays {
    /// Runs one seed, without mailboxes or with them. `trace` is the text of the trace, if there is one.
    pub fn run(&self, seed: u64, part: usize, trace: &str) -> Findings {
        let mut findings = Findings::default();
        let habits = match self.habits(seed, trace) {
            Ok(found) => found,
            Err(failure) => {
                findings.failures.push(failure);
                return findings;
            }
        };
        let (mailboxes, name) = if part == 0 { (0, "without") } else { (self.mailboxes, "with") };
        // The same seed for both: the same people come at the same times.
        let mut world =
            World::with_mailboxes(seed_of(seed, 0, 0), habits.len(), mailboxes, Weather::default());
        let friends: Vec<(Who, Who)> = (0..habits.len() / 2).map(|pair| (pair * 2, pair * 2 + 1)).collect();
        befriend(&mut world, &friends);
        self.live(seed, &mut world, &habits);
        for (one, other) in friends {
            for (from, to) in [(one, other), (other, one)] {
                note(&mut findings, &world, (habits[from].0, habits[to].0), name, (from, to));
            }
        }
        findings.end(&mut world, &format!("seed {seed}, {name} mailboxes"));
        findings
    }

    /// Everybody's habit and sessions.
    fn habits(&self, seed: u64, trace: &str) -> Result<Habits, String> {
        let mut roll = online::roller(seed);
        let mut found = Vec::new();
        for (at, one) in self.habits.iter().enumerate() {
            for other in self.habits.iter().skip(at) {
                for _ in 0..self.pairs {
                    for habit in [one, other] {
                        found.push((*habit as usize, self.sessions(*habit, &mut roll)));
                    }
                }
            }
        }
        let all = online::trace(trace, self.traced)?;
        for who in 0..self.traced {
            found.push((TRACED, online::sessions_of(&all, who, Span::from_days(self.days).0)));
        }
        Ok(found)
    }

    fn sessions(&self, pattern: Pattern, roll: &mut impl FnMut(u64) -> u64) -> Vec<online::Session> {
        let zone = usize::try_from(roll(self.zones.len() as u64)).unwrap_or(0);
        pattern.sessions(self.days, self.zones.get(zone).copied().unwrap_or(0), roll)
    }

    /// Everybody comes, goes and writes.
    fn live(&self, seed: u64, world: &mut World, habits: &[(usize, Vec<online::Session>)]) {
        let mut roll = online::roller(seed.wrapping_add(1));
        let (mut plan, begin) = (Plan::default(), world.now());
        for (who, (_, sessions)) in habits.iter().enumerate() {
            world.act(&Action::Stop(who));
            for (at, action) in online::switches(who, sessions) {
                plan.add(begin + Span(at), action);
            }
            for _ in 0..self.messages_a_day * self.days {
                if let Some(at) = online::moment(sessions, &mut roll) {
                    plan.add(begin + Span(at), Action::Send(who, who ^ 1));
                }
            }
        }
        plan.play(world, Span::from_days(self.days));
    }

    /// Makes the tables.
    pub fn tables(&self, findings: &Findings) -> Vec<Table> {
        let columns = ["who writes", "to whom", "messages", "arrived", "p50", "p90", "p99"];
        let mut tables = Vec::new();
        for (title, what) in [("Without mailboxes", "without"), ("With mailboxes", "with")] {
            let mut table = Table::new(format!("{title}: from being written to being shown"), &columns);
            for row in 0..=TRACED {
                for column in 0..=TRACED {
                    let found = findings.sorted((row, column), what);
                    if found.is_empty() {
                        continue;
                    }
                    let arrived = found.iter().filter(|millis| **millis < u64::MAX).count();
                    table.row([
                        name(row),
                        name(column),
                        found.len().to_string(),
                        percent(arrived as u64, found.len() as u64),
                        time(percentile(&found, 50)),
                        time(percentile(&found, 90)),
                        time(percentile(&found, 99)),
                    ]);
                }
            }
            tables.push(table.note(format!("“later” is after the {} days of a world", self.days)));
        }
        tables
    }
}

fn name(habit: usize) -> String {
    PATTERNS.get(habit).map_or("as traced".to_owned(), |pattern| format!("{pattern:?}").to_lowercase())
}

fn note(findings: &mut Findings, world: &World, cell: Cell, what: &'static str, (from, to): (Who, Who)) {
    let mut left = world.people[from].written;
    for delay in world.delays.iter().filter(|delay| (delay.from, delay.to) == (from, to)) {
        findings.sample(cell, what, delay.millis);
        left = left.saturating_sub(1);
    }
    for _ in 0..left {
        findings.sample(cell, what, u64::MAX);
    }
}
