//! What mailboxes have to do for so many people: measured in worlds of two sizes, and taken times what is missing.
//!
//! What one person costs depends on their friends, their habits and how much is written, and not on how many others there
//! are: a mailbox does nothing for anybody but inboxes and those who leave something in them. So cost grows with people,
//! and the two sizes show whether that holds. What is not scaled: how many requests meet in the same second.

use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Who;
use crate::network::Weather;
use crate::online;
use crate::online::PATTERNS;
use crate::plan::Plan;
use crate::studies::Findings;
use crate::studies::befriend;
use crate::studies::seed_of;
use crate::table::Table;
use crate::world::World;

/// For how many people the figures are.
const PEOPLE: f64 = 10_000.0;

const DAY_SECS: f64 = 86_400.0;

/// The study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// What it is about.
    pub about: String,
    /// Seeds unless the caller says otherwise.
    pub seeds: u64,
    /// The numbers of people.
    pub sizes: Vec<usize>,
    /// Days that are not counted, until what is kept for a while has been kept for that long.
    pub warm_up_days: u64,
    /// Days that are counted.
    pub days: u64,
    /// How many mailboxes there are; everybody uses all of them.
    pub mailboxes: usize,
    /// How many friends everybody has, at least.
    pub friends: usize,
    /// How much everybody writes, to all friends together.
    pub messages_a_day: u64,
    /// Of 100 people, so many have each of the habits, in the order of [`PATTERNS`].
    pub habits: [u64; PATTERNS.len()],
    /// Hours ahead of UTC; one is drawn for each person.
    pub zones: Vec<i64>,
}

impl Load {
    /// Runs one seed with one of the sizes.
    pub fn run(&self, seed: u64, row: usize) -> Findings {
        let mut findings = Findings::default();
        let Some(people) = self.sizes.get(row) else { return findings };
        let seed = seed_of(seed, row, 0);
        let mut world = World::with_mailboxes(seed, *people, self.mailboxes, Weather::default());
        let friends = self.friendships(*people);
        befriend(&mut world, &friends);
        let mut plan = self.plan(seed, &mut world, *people, &friends);
        plan.play(&mut world, Span::from_days(self.warm_up_days));
        let (before, shown) = (world.post().traffic, world.oracle.shown);
        let written = |world: &World| world.people.iter().map(|person| person.written).sum::<u64>();
        let written_before = written(&world);
        for _ in 0..self.days * 24 {
            let hour = world.post().traffic.deposits;
            plan.play(&mut world, Span::from_hours(1));
            let held = world.post().held();
            findings.sample((row, 0), "deposits an hour", world.post().traffic.deposits - hour);
            findings.sample((row, 0), "envelopes", held.envelopes);
            findings.sample((row, 0), "rows", held.rows);
            findings.sample((row, 0), "held bytes", held.bytes);
        }
        let after = world.post().traffic;
        let person_days = *people as u64 * self.days;
        for (what, count) in [
            ("person days", person_days),
            ("people", *people as u64),
            ("written", written(&world) - written_before),
            ("shown", world.oracle.shown - shown),
            ("requests", after.requests - before.requests),
            ("deposits", after.deposits - before.deposits),
            ("bytes in", after.bytes_in - before.bytes_in),
            ("bytes out", after.bytes_out - before.bytes_out),
        ] {
            findings.count((row, 0), what, count);
        }
        findings.end(&mut world, &format!("seed {seed}, {people} people"));
        findings
    }

    fn friendships(&self, people: usize) -> Vec<(Who, Who)> {
        let mut found: Vec<(Who, Who)> = Vec::new();
        // A ring, in which everybody knows the next ones on both sides.
        for step in 1..=self.friends.div_ceil(2) {
            for who in 0..people {
                let friend = (who + step) % people;
                if friend != who && !found.contains(&(friend, who)) {
                    found.push((who, friend));
                }
            }
        }
        found
    }

    fn plan(&self, seed: u64, world: &mut World, people: usize, friends: &[(Who, Who)]) -> Plan {
        let mut roll = online::roller(seed);
        let (mut plan, begin) = (Plan::default(), world.now());
        let days = self.warm_up_days + self.days;
        for who in 0..people {
            // Everybody's habit by turns, so that both sizes are the same mixture.
            let share = (who as u64 * 100 + 50) / people as u64;
            let mut sum = 0;
            let habit = self.habits.iter().position(|part| {
                sum += part;
                share < sum
            });
            let zone = usize::try_from(roll(self.zones.len() as u64)).unwrap_or(0);
            let zone = self.zones.get(zone).copied().unwrap_or(0);
            let pattern = PATTERNS[habit.unwrap_or(0)];
            let sessions = pattern.sessions(days, zone, &mut roll);
            let own: Vec<Who> = friends
                .iter()
                .filter(|(one, other)| *one == who || *other == who)
                .map(|(one, other)| one + other - who)
                .collect();
            world.act(&Action::Stop(who));
            for (at, action) in online::switches(who, &sessions) {
                plan.add(begin + Span(at), action);
            }
            for _ in 0..self.messages_a_day * days {
                let friend = usize::try_from(roll(own.len() as u64)).unwrap_or(0);
                if let (Some(at), Some(friend)) = (online::moment(&sessions, &mut roll), own.get(friend)) {
                    plan.add(begin + Span(at), Action::Send(who, *friend));
                }
            }
        }
        plan
    }

    /// Makes the tables.
    pub fn tables(&self, findings: &Findings) -> Vec<Table> {
        let names: Vec<String> = self.sizes.iter().map(|people| format!("{people} people")).collect();
        let columns: Vec<&str> = std::iter::once("").chain(names.iter().map(String::as_str)).collect();
        let mut each = Table::new("Measured, for one person and day", &columns);
        for what in ["written", "shown", "deposits", "requests", "bytes in", "bytes out"] {
            let cells = (0..self.sizes.len()).map(|row| format!("{:.1}", a_day(findings, row, what)));
            each.row(std::iter::once(what.to_owned()).chain(cells));
        }
        for what in ["envelopes", "rows", "held bytes"] {
            let cells = (0..self.sizes.len()).map(|row| format!("{:.1}", self.held(findings, row, what)));
            each.row(std::iter::once(format!("{what}, at a time")).chain(cells));
        }
        let cells = (0..self.sizes.len()).map(|row| {
            format!("{:.1}", a_day(findings, row, "deposits") / a_day(findings, row, "written").max(1e-9))
        });
        each.row(std::iter::once("deposits for one message".to_owned()).chain(cells));
        let each = each.note(format!(
            "everybody has {} friends and {} mailboxes; all mailboxes together",
            self.friends.div_ceil(2) * 2,
            self.mailboxes
        ));
        let mut scaled = Table::new(format!("For {PEOPLE} people"), &columns);
        type Figure = (&'static str, fn(&Load, &Findings, usize) -> f64);
        let figures: [Figure; 7] = [
            ("deposits/s", |_, findings, row| a_day(findings, row, "deposits") * PEOPLE / DAY_SECS),
            ("deposits/s, busiest hour", |load, findings, row| load.peak(findings, row)),
            ("requests/s", |_, findings, row| a_day(findings, row, "requests") * PEOPLE / DAY_SECS),
            ("kB/s in", |_, findings, row| a_day(findings, row, "bytes in") * PEOPLE / DAY_SECS / 1e3),
            ("kB/s out", |_, findings, row| a_day(findings, row, "bytes out") * PEOPLE / DAY_SECS / 1e3),
            ("million rows", |load, findings, row| load.held(findings, row, "rows") * PEOPLE / 1e6),
            ("GB held", |load, findings, row| load.held(findings, row, "held bytes") * PEOPLE / 1e9),
        ];
        for (name, figure) in figures {
            let cells = (0..self.sizes.len()).map(|row| format!("{:.2}", figure(self, findings, row)));
            scaled.row(std::iter::once(name.to_owned()).chain(cells));
        }
        let scaled = scaled
            .note("what one person costs, times 10,000; the sizes agree as far as that is right")
            .note("all mailboxes together: of n nodes with three mailboxes a person, each has 3/n of it");
        vec![each, scaled]
    }

    /// Of what is held, the mean of all hours for one person.
    fn held(&self, findings: &Findings, row: usize, what: &'static str) -> f64 {
        let found = findings.sorted((row, 0), what);
        found.iter().sum::<u64>() as f64 / found.len().max(1) as f64 / self.sizes[row].max(1) as f64
    }

    fn peak(&self, findings: &Findings, row: usize) -> f64 {
        let most = findings.sorted((row, 0), "deposits an hour").last().copied().unwrap_or(0);
        most as f64 / self.sizes[row].max(1) as f64 * PEOPLE / 3_600.0
    }
}

fn a_day(findings: &Findings, row: usize, what: &'static str) -> f64 {
    findings.counted((row, 0), what) as f64 / findings.counted((row, 0), "person days").max(1) as f64
}
