//! Groups at their limits: parts that meet again, newcomers with a long history, a thousand members.
//!
//! Processor times and memory are measured on the computer that runs the study, and differ from run to run; everything else
//! follows from the seed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::codec::Encode as _;
use kith_proto::group::History;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use kith_proto::id::ChatId;
use kith_proto::id::PostId;
use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Who;
use crate::cpu;
use crate::groups::Deed;
use crate::groups::ledger;
use crate::network::Weather;
use crate::oracle;
use crate::studies::Findings;
use crate::studies::seed_of;
use crate::table::Table;
use crate::table::percentile;
use crate::table::time;
use crate::world::World;

/// How much more than what must move may move, in hundredths.
const MOST_MOVED: u64 = 120;

/// How long a newcomer may compute, in milliseconds.
const MOST_MILLIS: u64 = 5_000;

/// The group of every world here.
pub(super) const GROUP: usize = 0;

/// The study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// What it is about.
    pub about: String,
    /// Seeds unless the caller says otherwise.
    pub seeds: u64,
    /// What is looked at.
    pub case: Case,
    /// The numbers of members.
    pub members: Vec<usize>,
    /// How much is written: on each side, or in all.
    pub messages: u64,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// Three parts that were apart become one: how long it takes, and what moves.
    Parts,
    /// Somebody comes to a long history, and whoever made the group is gone for good.
    Newcomer,
    /// Many members, some of whom come and go: how long a message takes.
    Crowd,
}

impl Groups {
    /// Runs one seed with one of the sizes.
    pub fn run(&self, seed: u64, row: usize) -> Findings {
        let mut findings = Findings::default();
        let Some(members) = self.members.get(row).copied() else { return findings };
        let people = members + usize::from(self.case == Case::Newcomer);
        let began = cpu::thread_nanos();
        let mut world = World::new(seed_of(seed, row, 0), people, Weather::default());
        found(&mut world, members);
        findings.count((row, 0), "making, CPU ms", (cpu::thread_nanos() - began) / 1_000_000);
        match self.case {
            Case::Parts => self.parts(&mut findings, row, &mut world),
            Case::Newcomer => self.newcomer(&mut findings, row, &mut world, members),
            Case::Crowd => self.crowd(&mut findings, row, &mut world),
        }
        findings.count((row, 0), "worlds", 1);
        if self.case != Case::Crowd {
            findings.count((row, 0), "memory", cpu::resident_bytes());
        }
        findings.failures.append(&mut world.oracle.failures);
        findings.failures.append(&mut world.groups.ledger.failures);
        findings.traces.push(world.trace_hash());
        findings
    }

    fn parts(&self, findings: &mut Findings, row: usize, world: &mut World) {
        world.act(&Action::SplitInto(3));
        world.act(&Action::Elapse(60_000));
        let people = world.people.len();
        for _ in 0..self.messages {
            for side in 0..3 {
                let rest = usize::try_from(world.roll((people / 3) as u64)).unwrap_or(0);
                world.act(&Action::InGroup(rest * 3 + side, GROUP, Deed::Post));
            }
            world.act(&Action::Elapse(100));
        }
        let side = |world: &World, of: usize| -> Vec<Who> {
            (0..world.people.len()).filter(|who| who % 3 == of).collect()
        };
        let calm =
            until(world, Span::from_minutes(30), |world| (0..3).all(|of| same(world, &side(world, of))));
        let needed = needed(world);
        let (bytes, frames) = (world.counts.bytes, world.counts.frames);
        let (began, spent) = (world.now(), cpu::thread_nanos());
        world.act(&Action::Heal);
        let all: Vec<Who> = (0..people).collect();
        let union = until(world, Span::from_minutes(60), |world| same(world, &all) && needed_nothing(world));
        if !(calm && union) {
            findings
                .failures
                .push(format!("{people} members did not come to the same (sides {calm}, all {union})"));
        }
        let moved = world.counts.bytes - bytes;
        if moved * 100 > needed * MOST_MOVED {
            findings.failures.push(format!("{people} members: {moved} bytes moved for {needed}"));
        }
        for (what, count) in [
            ("needed", needed),
            ("moved", moved),
            ("frames", world.counts.frames - frames),
            ("union after", world.now().since(began).0),
            ("CPU ms", (cpu::thread_nanos() - spent) / 1_000_000),
        ] {
            findings.count((row, 0), what, count);
        }
    }

    fn newcomer(&self, findings: &mut Findings, row: usize, world: &mut World, newcomer: Who) {
        for number in 0..self.messages {
            let who = usize::try_from(number).unwrap_or(0) % newcomer;
            world.act(&Action::InGroup(who, GROUP, Deed::Post));
            world.act(&Action::Elapse(20));
        }
        world.act(&Action::Elapse(120_000));
        world.act(&Action::Stop(0));
        world.act(&Action::Befriend(1, newcomer));
        world.act(&Action::Elapse(10_000));
        world.measured = Some((newcomer, 0));
        let (began, bytes) = (world.now(), world.counts.bytes);
        world.act(&Action::InGroup(1, GROUP, Deed::Add(newcomer, Role::Member)));
        let all = self.messages;
        let there = until(world, Span::from_minutes(30), |world| shown(world, newcomer) >= all);
        let cpu = world.measured.map_or(0, |(_, nanos)| nanos / 1_000_000);
        if !there || shown(world, newcomer) != all {
            findings.failures.push(format!("the newcomer is shown {} of {all}", shown(world, newcomer)));
        }
        if cpu > MOST_MILLIS {
            findings.failures.push(format!("the newcomer computed for {cpu} ms"));
        }
        let needed: u64 = wire_sizes(world, 1).values().sum();
        for (what, count) in [
            ("shown", shown(world, newcomer)),
            ("all there after", world.now().since(began).0),
            ("CPU ms", cpu),
            ("needed", needed),
            ("moved", world.counts.bytes - bytes),
        ] {
            findings.count((row, 0), what, count);
        }
    }

    /// Everybody is there first; then people come and go, and members are removed and added again.
    fn crowd(&self, findings: &mut Findings, row: usize, world: &mut World) {
        let mut removed = BTreeSet::new();
        for churn in [false, true] {
            let people = world.people.len();
            let (spent, bytes, dials) = (cpu::thread_nanos(), world.counts.bytes, world.counts.dials);
            let before = world.gossip.counts;
            let mut expected = 0;
            world.groups.delays.clear();
            for number in 0..self.messages {
                if churn {
                    come_and_go(world, number, &mut removed);
                }
                let there =
                    |world: &World, who: Who| world.people[who].engine.is_some() && !removed.contains(&who);
                let author = usize::try_from(world.roll(people as u64)).unwrap_or(0);
                let author = (0..people).map(|step| (author + step) % people).find(|who| there(world, *who));
                expected += (0..people).filter(|who| there(world, *who)).count() as u64 - 1;
                world.act(&Action::InGroup(author.unwrap_or(0), GROUP, Deed::Post));
                world.act(&Action::Elapse(2_000));
            }
            let cell = (row, usize::from(churn));
            world.act(&Action::Elapse(60_000));
            world.groups.delays.iter().for_each(|delay| findings.sample(cell, "delay", delay.millis));
            let disk: u64 = world.people.iter().map(|person| person.disk.size() as u64).sum();
            let links = world.network.pairs().len() as u64;
            let gossip = world.gossip.counts;
            for (what, count) in [
                ("expected", expected),
                ("bytes", world.counts.bytes - bytes),
                ("dials", world.counts.dials - dials),
                ("came", gossip.came - before.came),
                ("twice", gossip.twice - before.twice),
                ("CPU ms", (cpu::thread_nanos() - spent) / 1_000_000),
                ("disk", disk / people.max(1) as u64),
                ("links", links * 2 / people.max(1) as u64),
                ("memory", cpu::resident_bytes()),
            ] {
                findings.count(cell, what, count);
            }
            let delays = findings.sorted(cell, "delay");
            if (delays.len() as u64) * 100 < expected * 99 || percentile(&delays, 99) > 2_000 {
                findings.failures.push(format!(
                    "{people} members{}: {} of {expected} arrived, p99 after {}",
                    if churn { " who come and go" } else { "" },
                    delays.len(),
                    time(percentile(&delays, 99))
                ));
            }
        }
    }

    /// The table of a message among many.
    fn crowds(&self, findings: &Findings) -> Table {
        let mut table = Table::new(
            "A message among many members",
            &[
                "members",
                "arrived",
                "p50",
                "p99",
                "twice",
                "kB a message and member",
                "dials each",
                "links each",
                "disk each",
                "memory each",
                "making",
                "processor",
                "memory",
            ],
        );
        let megabytes = |bytes: u64| format!("{:.2} MB", bytes as f64 / 1e6);
        let seconds = |millis: u64| format!("{:.1} s", millis as f64 / 1e3);
        for (row, members) in self.members.iter().enumerate() {
            for (churn, about) in ["", ", who come and go"].into_iter().enumerate() {
                let count = |what| findings.counted((row, churn), what);
                let seeds = findings.counted((row, 0), "worlds").max(1);
                let each = |count: u64| count as f64 / (*members as u64 * seeds) as f64;
                let delays = findings.sorted((row, churn), "delay");
                table.row([
                    format!("{members}{about}"),
                    crate::table::percent(delays.len() as u64, count("expected")),
                    time(percentile(&delays, 50)),
                    time(percentile(&delays, 99)),
                    format!("{:.2}", count("twice") as f64 / count("came").max(1) as f64),
                    format!("{:.1}", each(count("bytes")) / self.messages as f64 / 1e3),
                    format!("{:.1}", each(count("dials"))),
                    (count("links") / seeds).to_string(),
                    megabytes(count("disk") / seeds),
                    megabytes(count("memory") / seeds / *members as u64),
                    seconds(findings.counted((row, 0), "making, CPU ms") / seeds),
                    seconds(count("CPU ms") / seeds),
                    megabytes(count("memory") / seeds),
                ]);
            }
        }
        table.note("twice: how often a message came again to somebody, published for a mesh of six: 2 to 4; one message each 2 s, or each 4 s; bytes and dials also of the minute after")
    }

    /// Makes the tables.
    pub fn tables(&self, findings: &Findings) -> Vec<Table> {
        let count = |row: usize, what| findings.counted((row, 0), what);
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        let millis = |millis: u64| format!("{:.1} s", millis as f64 / 1e3);
        let times =
            |row: usize| format!("{:.2}", count(row, "moved") as f64 / count(row, "needed").max(1) as f64);
        let mut table = match self.case {
            Case::Parts => Table::new(
                format!("Three parts with {} messages each become one", self.messages),
                &["members", "same after", "must move", "moved", "times", "frames", "processor"],
            ),
            Case::Newcomer => Table::new(
                "Somebody comes, and whoever made the group is gone",
                &["members", "shown", "all there after", "must move", "moved", "times", "processor"],
            ),
            Case::Crowd => return vec![self.crowds(findings)],
        };
        for (row, members) in self.members.iter().enumerate() {
            let seeds = count(row, "worlds").max(1);
            let cells = match self.case {
                Case::Parts => vec![
                    time(count(row, "union after") / seeds),
                    megabytes(count(row, "needed") / seeds),
                    megabytes(count(row, "moved") / seeds),
                    times(row),
                    (count(row, "frames") / seeds).to_string(),
                    millis(count(row, "CPU ms") / seeds),
                ],
                Case::Newcomer => vec![
                    (count(row, "shown") / seeds).to_string(),
                    time(count(row, "all there after") / seeds),
                    megabytes(count(row, "needed") / seeds),
                    megabytes(count(row, "moved") / seeds),
                    times(row),
                    millis(count(row, "CPU ms") / seeds),
                ],
                Case::Crowd => Vec::new(),
            };
            table.row(std::iter::once(members.to_string()).chain(cells));
        }
        vec![table.note("processor: of all members together, for a newcomer of that one alone; as on the computer that ran it")]
    }
}

/// Somebody makes a group of all their friends, and everybody meets everybody.
pub(super) fn found(world: &mut World, members: usize) {
    world.act(&Action::Elapse(2_000));
    for other in 1..members {
        world.act(&Action::Befriend(0, other));
        world.act(&Action::Elapse(50));
    }
    world.act(&Action::Elapse(30_000));
    let policy = Policy { history: History::Everything, ..Policy::default() };
    let others = (1..members).collect();
    world.act(&Action::InGroup(0, GROUP, Deed::Create(others, Some(policy))));
    world.act(&Action::Elapse(1_000));
    until(world, Span::from_minutes(30), |world| {
        (0..members).all(|who| world.people[who].disk.rows_in("group_operations") == members)
    });
    world.act(&Action::Elapse(120_000));
}

/// Somebody goes or comes back; with each fifth message a member is removed, and with the one after the next added again.
fn come_and_go(world: &mut World, number: u64, removed: &mut BTreeSet<Who>) {
    let people = world.people.len() as u64;
    // Whoever made the group stays, to remove and add.
    let who = 1 + usize::try_from(world.roll(people - 1)).unwrap_or(0);
    let on = world.people[who].engine.is_some();
    world.act(&if on { Action::Stop(who) } else { Action::Start(who) });
    let whom = 1 + usize::try_from(world.roll(people - 1)).unwrap_or(0);
    match number % 5 {
        0 if removed.insert(whom) => world.act(&Action::InGroup(0, GROUP, Deed::Remove(whom))),
        2 => {
            if let Some(back) = removed.pop_first() {
                world.act(&Action::InGroup(0, GROUP, Deed::Add(back, Role::Member)));
            }
        }
        _ => {}
    }
    world.act(&Action::Elapse(2_000));
}

/// Lets time pass until something is so, at most so long. Returns whether it is.
fn until(world: &mut World, most: Span, is_so: impl Fn(&World) -> bool) -> bool {
    let end = world.now() + most;
    while !is_so(world) {
        if world.now() >= end {
            return false;
        }
        world.act(&Action::Elapse(1_000));
    }
    true
}

/// Whether these have the same posts.
fn same(world: &World, who: &[Who]) -> bool {
    let counts: BTreeSet<usize> =
        who.iter().map(|who| world.people[*who].disk.rows_in("group_posts")).collect();
    counts.len() <= 1
}

/// How many texts somebody has of the group.
fn shown(world: &World, who: Who) -> u64 {
    let Some(group) = world.groups.id(GROUP) else { return 0 };
    if world.people[who].disk.rows_in("group_posts") == 0 {
        return 0;
    }
    let timeline = oracle::timeline(&world.people[who].disk, &ChatId::group(&group));
    timeline.iter().filter(|view| !view.text.is_empty()).count() as u64
}

/// The posts that somebody has, and how long each is.
fn wire_sizes(world: &World, who: Who) -> BTreeMap<PostId, u64> {
    let Some(group) = world.groups.id(GROUP) else { return BTreeMap::new() };
    let posts = ledger::posts_of(&world.people[who].disk, &group);
    posts.into_iter().map(|post| (post.id(), post.to_bytes().len() as u64)).collect()
}

/// The bytes of posts that somebody lacks and another has, of all together.
fn needed(world: &World) -> u64 {
    let each: Vec<BTreeMap<PostId, u64>> =
        (0..world.people.len()).map(|who| wire_sizes(world, who)).collect();
    let all: BTreeMap<PostId, u64> = each.iter().flatten().map(|(id, size)| (*id, *size)).collect();
    let total: u64 = all.values().sum();
    each.iter().map(|has| total - has.values().sum::<u64>()).sum()
}

fn needed_nothing(world: &World) -> bool {
    needed(world) == 0
}
