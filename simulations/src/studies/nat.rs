//! Who reaches whom, and how: each two classes of address translation, with two relays that also crash.

use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::nats::CLASSES;
use crate::nats::Class;
use crate::nats::Place;
use crate::nats::Shares;
use crate::nats::Way;
use crate::network::Weather;
use crate::studies::Findings;
use crate::studies::befriend;
use crate::studies::calm;
use crate::studies::seed_of;
use crate::table::Table;
use crate::table::percent;
use crate::table::percentile;
use crate::table::time;
use crate::world::World;

const ANN: usize = 0;
const BOB: usize = 1;

/// Relays in each world: as many as a device has reservations.
const RELAYS: usize = 2;

/// After this time two are taken as not able to reach each other.
const LONG: Span = Span::from_minutes(2);

/// How exactly times are taken, in milliseconds.
const TICK: u64 = 5;

/// The column of two people behind one and the same carrier.
const SAME_CARRIER: usize = CLASSES.len();

/// The study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nat {
    /// What it is about.
    pub about: String,
    /// Seeds unless the caller says otherwise.
    pub seeds: u64,
    /// Pairs of each two classes in one seed.
    pub pairs: u64,
    /// How the network behaves.
    #[serde(default)]
    pub weather: Weather,
    /// How many people sit where.
    #[serde(default)]
    pub shares: Shares,
}

impl Nat {
    /// Runs one seed.
    pub fn run(&self, seed: u64) -> Findings {
        let mut findings = Findings::default();
        for (row, class) in CLASSES.iter().enumerate() {
            for column in row..=SAME_CARRIER {
                if column == SAME_CARRIER && *class != Class::Carrier {
                    continue;
                }
                for pair in 0..self.pairs {
                    let seed = seed_of(seed, row * 100 + column, usize::try_from(pair).unwrap_or(0));
                    self.pair(&mut findings, seed, row, column);
                }
            }
        }
        findings
    }

    fn pair(&self, findings: &mut Findings, seed: u64, row: usize, column: usize) {
        let mut world = World::with_places(seed, 2, RELAYS, self.weather.clone(), |roll| {
            let mut roll = |below| roll(below);
            let one = self.shares.place(CLASSES[row], &mut roll);
            let other = self.shares.place(CLASSES.get(column).copied().unwrap_or(Class::Carrier), &mut roll);
            let carrier = u64::from(column != SAME_CARRIER);
            Some(vec![Place { carrier: 0, ..one }, Place { carrier, ..other }])
        });
        befriend(&mut world, &[(ANN, BOB)]);
        world.act(&Action::Stop(ANN));
        world.act(&Action::Stop(BOB));
        world.act(&Action::Elapse(600_000));
        world.act(&Action::Start(ANN));
        let apart = world.roll(1_000);
        world.act(&Action::Elapse(apart));
        world.act(&Action::Start(BOB));
        let cell = (row, column);
        findings.count(cell, "pairs", 1);
        if let Some(took) = until(&mut world, LONG, |way| way.is_some()) {
            findings.sample(cell, "connected", took);
            let more = until(&mut world, Span::from_secs(10), |way| way == Some(Way::Direct));
            match more {
                Some(more) => findings.sample(cell, "direct", took + more),
                None => {
                    findings.count(cell, "relayed", 1);
                    crash(findings, &mut world);
                }
            }
        }
        world.act(&Action::Send(ANN, BOB));
        world.act(&Action::Send(BOB, ANN));
        calm(&mut world, Span::from_minutes(5));
        let name = format!("{} and {}, seed {seed}", name(row), name(column));
        findings.end(&mut world, &name);
    }

    /// Makes the tables.
    pub fn tables(&self, findings: &Findings) -> Vec<Table> {
        vec![self.matrix(findings), self.times(findings), self.population(findings), crashes(findings)]
    }

    fn matrix(&self, findings: &Findings) -> Table {
        let names: Vec<String> = (0..=SAME_CARRIER).map(name).collect();
        let columns: Vec<&str> = std::iter::once("").chain(names.iter().map(String::as_str)).collect();
        let mut table = Table::new("Pairs that end without a relay", &columns);
        for row in 0..CLASSES.len() {
            let cells = (0..=SAME_CARRIER).map(|column| {
                let cell = (row.min(column), row.max(column));
                let pairs = findings.counted(cell, "pairs");
                percent(findings.sorted(cell, "direct").len() as u64, pairs)
            });
            table.row(std::iter::once(name(row)).chain(cells));
        }
        table
            .note("all others go by relay; a filter that looks at ports, too, is what makes the difference within a cell")
            .note("“carrier” are two behind two carriers, “same carrier” two behind one")
    }

    fn times(&self, findings: &Findings) -> Table {
        let columns =
            ["pair", "pairs", "direct", "relay", "never", "connected p50", "p90", "direct p50", "direct p90"];
        let mut table =
            Table::new("From both being there to being connected, and to a direct connection", &columns);
        for row in 0..CLASSES.len() {
            for column in row..=SAME_CARRIER {
                let cell = (row, column);
                let pairs = findings.counted(cell, "pairs");
                if pairs == 0 {
                    continue;
                }
                let (connected, direct) =
                    (findings.sorted(cell, "connected"), findings.sorted(cell, "direct"));
                let shown = |found: &[u64], part| match found {
                    [] => "-".to_owned(),
                    found => time(percentile(found, part)),
                };
                table.row([
                    format!("{} - {}", name(row), name(column)),
                    pairs.to_string(),
                    direct.len().to_string(),
                    findings.counted(cell, "relayed").to_string(),
                    (pairs - connected.len() as u64).to_string(),
                    shown(&connected, 50),
                    shown(&connected, 90),
                    shown(&direct, 50),
                    shown(&direct, 90),
                ]);
            }
        }
        table.note(
            "one end starts up to a second before the other; addresses of the last time are tried first",
        )
    }

    /// What the matrix means for a population: each cell as often as its two classes meet.
    fn population(&self, findings: &Findings) -> Table {
        let mut table = Table::new("Of pairs drawn as the shares say", &["pairs", "direct", "relay"]);
        let same = 1.0 / self.shares.carriers.max(1) as f64;
        for (title, with_public) in [("of all", true), ("of those behind translation", false)] {
            let (mut all, mut direct) = (0.0, 0.0);
            for (row, one) in CLASSES.iter().enumerate() {
                for (column, other) in CLASSES.iter().enumerate() {
                    if !with_public && (*one == Class::Public || *other == Class::Public) {
                        continue;
                    }
                    let weight = (self.shares.of(*one) * self.shares.of(*other)) as f64;
                    let share = |cell| {
                        let pairs = findings.counted(cell, "pairs").max(1);
                        findings.sorted(cell, "direct").len() as f64 / pairs as f64
                    };
                    let cell = (row.min(column), row.max(column));
                    let carriers = *one == Class::Carrier && *other == Class::Carrier;
                    let within = if carriers { share((row, SAME_CARRIER)) * same } else { 0.0 };
                    let across = if carriers { share(cell) * (1.0 - same) } else { share(cell) };
                    all += weight;
                    direct += weight * (within + across);
                }
            }
            let part = direct / f64::max(all, 1.0) * 100.0;
            table.row([title.to_owned(), format!("{part:.1} %"), format!("{:.1} %", 100.0 - part)]);
        }
        table.note("measured in the wild behind translation: 70 % ± 7 (arXiv 2510.27500), which the shares are chosen for")
    }
}

/// The relay between the two crashes, then both do and come back.
fn crash(findings: &mut Findings, world: &mut World) {
    let Some(Way::Relay(host)) = world.way(ANN, BOB) else { return };
    world.act(&Action::StopMailbox(host));
    let took = until(world, LONG, |way| way.is_some());
    findings.sample((0, 0), "other relay", took.unwrap_or(u64::MAX));
    for host in 0..RELAYS {
        world.act(&Action::StopMailbox(host));
    }
    world.act(&Action::Elapse(60_000));
    for host in 0..RELAYS {
        world.act(&Action::StartMailbox(host));
    }
    let took = until(world, LONG, |way| way.is_some());
    findings.sample((0, 0), "relay back", took.unwrap_or(u64::MAX));
}

fn crashes(findings: &Findings) -> Table {
    let columns = ["after a crash of", "times", "p50", "p90", "most"];
    let mut table = Table::new("Until relayed pairs are connected again", &columns);
    for (title, what) in [("the relay in use", "other relay"), ("both, from their return", "relay back")] {
        let found = findings.sorted((0, 0), what);
        table.row([
            title.to_owned(),
            found.len().to_string(),
            time(percentile(&found, 50)),
            time(percentile(&found, 90)),
            time(percentile(&found, 100)),
        ]);
    }
    table
}

/// How long it takes until two are connected in a way, at most so long.
fn until(world: &mut World, most: Span, wanted: impl Fn(Option<Way>) -> bool) -> Option<u64> {
    let begin = world.now();
    while !wanted(world.way(ANN, BOB)) {
        if world.now().since(begin) > most {
            return None;
        }
        world.act(&Action::Elapse(TICK));
    }
    Some(world.now().since(begin).0)
}

fn name(class: usize) -> String {
    match CLASSES.get(class) {
        Some(Class::Public) => "public",
        Some(Class::Independent) => "independent",
        Some(Class::ByAddress) => "by address",
        Some(Class::Symmetric) => "symmetric",
        Some(Class::NoUdp) => "no UDP",
        Some(Class::Carrier) => "carrier",
        None => "same carrier",
    }
    .to_owned()
}
