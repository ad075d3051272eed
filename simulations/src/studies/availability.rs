//! Ann writes to Bob, and the two are never there at once: what arrives, against what should by probability alone.
//!
//! Each trial: Ann leaves one message while all mailboxes are up. Then each mailbox is up with probability p. Ann comes
//! for a short while and leaves a second message; long after, when all states are others, Bob comes for a short while.
//! The first message is there if one of K mailboxes is up: `1 - (1-p)^K`. The second is there if one mailbox was up for
//! Ann and is up for Bob: `1 - (1-p²)^K`. Both are what one visit gives; people come again.

use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::network::Weather;
use crate::plan::Plan;
use crate::plan::Uptime;
use crate::studies::Cell;
use crate::studies::Findings;
use crate::studies::befriend;
use crate::studies::calm;
use crate::studies::seed_of;
use crate::table::Table;
use crate::world::World;

const ANN: usize = 0;
const BOB: usize = 1;

/// How far a measured share may be from the computed one.
const STANDARD_ERRORS: f64 = 3.0;

/// The study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    /// What it is about.
    pub about: String,
    /// Seeds unless the caller says otherwise.
    pub seeds: u64,
    /// The numbers of mailboxes that are on offer.
    pub mailboxes: Vec<usize>,
    /// How reliable they are: up at so many of 1,000 moments.
    pub per_mille: Vec<u64>,
    /// How long one is down on average.
    pub down_minutes: u64,
    /// How long after Ann Bob comes.
    pub apart_hours: u64,
    /// How long each of them stays.
    pub visit_secs: u64,
    /// Trials of each kind in one seed.
    pub trials: u64,
}

impl Availability {
    /// Runs one seed.
    pub fn run(&self, seed: u64) -> Findings {
        let mut findings = Findings::default();
        for (row, per_mille) in self.per_mille.iter().enumerate() {
            for (column, mailboxes) in self.mailboxes.iter().enumerate() {
                let uptime = Uptime { per_mille: *per_mille, down_minutes: self.down_minutes };
                let weather = Weather { latency_max: 20, ..Weather::default() };
                let mut world = World::with_mailboxes(seed_of(seed, row, column), 2, *mailboxes, weather);
                befriend(&mut world, &[(ANN, BOB)]);
                let used = world.people[BOB].disk.rows_in("mailboxes");
                for _ in 0..self.trials {
                    let (first, second) = self.trial(&mut world, &uptime);
                    findings.count((row, column), "trials", 1);
                    findings.count((row, column), "used", used as u64);
                    findings.count((row, column), "first", u64::from(first));
                    findings.count((row, column), "second", u64::from(second));
                }
                let about = format!("seed {seed}, {mailboxes} mailboxes up at {per_mille} of 1,000");
                findings.end(&mut world, &about);
            }
        }
        findings
    }

    fn trial(&self, world: &mut World, uptime: &Uptime) -> (bool, bool) {
        let visit = Span::from_secs(self.visit_secs);
        let (apart, hosts) = (Span::from_hours(self.apart_hours), world.mailboxes());
        world.act(&Action::Stop(BOB));
        world.act(&Action::Send(ANN, BOB));
        world.act(&Action::Elapse(10_000));
        world.act(&Action::Stop(ANN));
        let all = Span(visit.0 * 2 + apart.0);
        let mut plan = Plan::default();
        for host in 0..hosts {
            let up = uptime.draw(world);
            uptime.plan(world, &mut plan, host, up, all);
        }
        world.act(&Action::Start(ANN));
        world.act(&Action::Send(ANN, BOB));
        plan.play(world, visit);
        world.act(&Action::Stop(ANN));
        plan.play(world, apart);
        let before = world.delays.len();
        world.act(&Action::Start(BOB));
        plan.play(world, visit);
        let shown = world.delays.len() - before;
        for host in 0..hosts {
            world.act(&Action::StartMailbox(host));
        }
        world.act(&Action::Start(ANN));
        calm(world, Span::from_minutes(30));
        // The channel keeps its order: the second is shown after the first, or not at all.
        (shown >= 1, shown >= 2)
    }

    /// Makes the table, and fails what is too far from the formula.
    pub fn tables(&self, findings: &mut Findings) -> Vec<Table> {
        let kinds: [Kind; 2] = [
            ("Left with all mailboxes, Bob comes once: 1 - (1-p)^K", "first", |p| p),
            ("Ann comes once and Bob comes once: 1 - (1-p²)^K", "second", |p| p * p),
        ];
        let columns = ["p", "K", "used", "trials", "measured", "formula", "difference", "std. error", ""];
        let mut tables = Vec::new();
        for (title, what, chance) in kinds {
            let mut table = Table::new(title, &columns);
            for (row, per_mille) in self.per_mille.iter().enumerate() {
                for (column, mailboxes) in self.mailboxes.iter().enumerate() {
                    let p = chance(*per_mille as f64 / 1e3);
                    let compared = Compared::of(findings, (row, column), what, p);
                    table.row([
                        format!("{:.2}", *per_mille as f64 / 1e3),
                        mailboxes.to_string(),
                        format!("{:.0}", compared.used),
                        format!("{:.0}", compared.trials),
                        format!("{:.4}", compared.measured),
                        format!("{:.4}", compared.formula),
                        format!("{:+.4}", compared.measured - compared.formula),
                        format!("{:.4}", compared.error),
                        if compared.is_near() { "ok" } else { "FAR" }.to_owned(),
                    ]);
                    if !compared.is_near() {
                        findings.failures.push(format!(
                            "{title}: with p {p:.3} and K {mailboxes}, {:.4} instead of {:.4}",
                            compared.measured, compared.formula
                        ));
                    }
                }
            }
            let table =
                table.note("K mailboxes are on offer, and the formula is for those that the engine uses");
            tables.push(table.note(format!(
                "near is within {STANDARD_ERRORS} standard errors and half a trial, since shares are of whole trials"
            )));
        }
        tables
    }
}

/// A kind of visit: its heading, what was counted for it, and the chance of one mailbox.
type Kind = (&'static str, &'static str, fn(f64) -> f64);

/// A measured share beside the computed one.
struct Compared {
    used: f64,
    trials: f64,
    measured: f64,
    formula: f64,
    error: f64,
}

impl Compared {
    fn of(findings: &Findings, cell: Cell, what: &'static str, p: f64) -> Self {
        let trials = findings.counted(cell, "trials").max(1) as f64;
        let used = findings.counted(cell, "used") as f64 / trials;
        let measured = findings.counted(cell, what) as f64 / trials;
        let formula = 1.0 - (1.0 - p).powf(used);
        // Of the formula, not of what was measured: a share of 1 has no error of its own.
        let error = (formula * (1.0 - formula) / trials).sqrt();
        Self { used, trials, measured, formula, error }
    }

    fn is_near(&self) -> bool {
        (self.measured - self.formula).abs() <= STANDARD_ERRORS * self.error + 0.5 / self.trials
    }
}
