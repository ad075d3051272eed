//! What hostile and failing mailboxes can do: of three, so many are honest.
//!
//! Ann leaves messages while Bob is away, and goes; Bob comes. With one honest mailbox everything has to be there. With
//! none, whatever was lost arrives when the two meet. Then Bob comes once more. In no case is anything shown twice, out of order, or forged.

use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use kith_engine::view::MessageState;
use kith_proto::id::ChatId;

use crate::action::Action;
use crate::hostile::Conduct;
use crate::network::Weather;
use crate::oracle;
use crate::post::Host;
use crate::studies::Findings;
use crate::studies::befriend;
use crate::studies::calm;
use crate::studies::seed_of;
use crate::table::Table;
use crate::table::percent;
use crate::world::World;

const ANN: usize = 0;
const BOB: usize = 1;

/// As many as the engine uses.
const MAILBOXES: usize = 3;

/// What goes wrong with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It is hostile.
    Hostile(Conduct),
    /// It has no room.
    Full,
    /// It is gone for good after it has taken everything.
    Dies,
    /// It is away while Ann is there.
    Away,
}

/// All of them, in the order of the table.
const FAULTS: [Fault; 10] = [
    Fault::Hostile(Conduct::Drops),
    Fault::Hostile(Conduct::Late),
    Fault::Hostile(Conduct::Replays),
    Fault::Hostile(Conduct::Garbles),
    Fault::Hostile(Conduct::Forgets),
    Fault::Hostile(Conduct::Hides),
    Fault::Hostile(Conduct::Mute),
    Fault::Full,
    Fault::Dies,
    Fault::Away,
];

/// The study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hostile {
    /// What it is about.
    pub about: String,
    /// Seeds unless the caller says otherwise.
    pub seeds: u64,
    /// Messages in each world.
    pub messages: u64,
    /// How long Ann and Bob each stay.
    pub visit_minutes: u64,
}

impl Hostile {
    /// Runs one seed.
    pub fn run(&self, seed: u64) -> Findings {
        let mut findings = Findings::default();
        for (row, fault) in FAULTS.iter().enumerate() {
            for honest in 0..=MAILBOXES {
                self.world(&mut findings, seed, (row, honest), *fault);
            }
        }
        findings
    }

    fn world(&self, findings: &mut Findings, seed: u64, cell: (usize, usize), fault: Fault) {
        let (row, honest) = cell;
        let weather = Weather { latency_max: 20, ..Weather::default() };
        let mut world = World::with_mailboxes(seed_of(seed, row, honest), 2, MAILBOXES, weather);
        befriend(&mut world, &[(ANN, BOB)]);
        let bad = honest..MAILBOXES;
        bad.clone().for_each(|host| before(&mut world, fault, host));
        world.act(&Action::Stop(BOB));
        for _ in 0..self.messages {
            world.act(&Action::Send(ANN, BOB));
            world.act(&Action::Elapse(2_000));
        }
        let visit = Span::from_minutes(self.visit_minutes);
        world.act(&Action::Elapse(visit.0));
        let promised = promised(&world);
        world.act(&Action::Stop(ANN));
        bad.for_each(|host| between(&mut world, fault, host));
        world.act(&Action::Elapse(Span::from_hours(8).0));
        world.act(&Action::Start(BOB));
        world.act(&Action::Elapse(visit.0));
        let arrived = world.oracle.shown;
        world.act(&Action::Start(ANN));
        calm(&mut world, Span::from_minutes(30));
        // Once more for what is handed over again though it was deleted.
        world.act(&Action::Stop(BOB));
        world.act(&Action::Start(BOB));
        world.act(&Action::Elapse(visit.0));
        findings.count(cell, "written", self.messages);
        findings.count(cell, "promised", promised);
        findings.count(cell, "arrived", arrived);
        findings.count(cell, "lied about", promised.saturating_sub(arrived));
        findings.count(cell, "met", world.oracle.shown);
        let about = format!("seed {seed}, {fault:?}, {honest} of {MAILBOXES} honest");
        if honest > 0 && arrived < self.messages {
            findings.failures.push(format!("{about}: {arrived} of {} arrived", self.messages));
        }
        if world.oracle.shown < self.messages {
            findings.failures.push(format!("{about}: not everything arrived when the two met"));
        }
        findings.end(&mut world, &about);
    }

    /// Makes the table.
    pub fn tables(&self, findings: &Findings) -> Vec<Table> {
        let columns =
            ["the others", "honest", "written", "stored", "by mailbox", "stored and not there", "met"];
        let mut table = Table::new(format!("Of {MAILBOXES} mailboxes, some are honest"), &columns);
        for (row, fault) in FAULTS.iter().enumerate() {
            for honest in 0..=MAILBOXES {
                let cell = (row, honest);
                let written = findings.counted(cell, "written");
                let part = |what| percent(findings.counted(cell, what), written);
                table.row([
                    name(*fault).to_owned(),
                    honest.to_string(),
                    written.to_string(),
                    part("promised"),
                    part("arrived"),
                    part("lied about"),
                    part("met"),
                ]);
            }
        }
        vec![
            table
                .note("stored: shown so to Ann, because two mailboxes promised; by mailbox: Bob has it before he meets Ann")
                .note("the run fails when something is missing with one honest mailbox, or after the two met"),
        ]
    }
}

/// What is wrong while Ann is there.
fn before(world: &mut World, fault: Fault, host: Host) {
    match fault {
        Fault::Hostile(conduct) => world.act(&Action::MaskMailbox(host, conduct)),
        Fault::Full => world.act(&Action::FillMailbox(host)),
        Fault::Away => world.act(&Action::StopMailbox(host)),
        Fault::Dies => {}
    }
}

/// What goes wrong after she has gone.
fn between(world: &mut World, fault: Fault, host: Host) {
    match fault {
        Fault::Dies => world.act(&Action::LoseMailbox(host)),
        Fault::Away => world.act(&Action::StartMailbox(host)),
        Fault::Hostile(_) | Fault::Full => {}
    }
}

/// How many messages are shown to Ann as stored.
fn promised(world: &World) -> u64 {
    let chat = ChatId::direct(&world.people[ANN].account, &world.people[BOB].account);
    let there = oracle::timeline(&world.people[ANN].disk, &chat);
    there.iter().filter(|view| view.outgoing && view.state >= MessageState::Stored).count() as u64
}

fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::Hostile(Conduct::Honest) => "honest",
        Fault::Hostile(Conduct::Drops) => "drop half",
        Fault::Hostile(Conduct::Late) => "answer late",
        Fault::Hostile(Conduct::Replays) => "replay",
        Fault::Hostile(Conduct::Garbles) => "garble",
        Fault::Hostile(Conduct::Forgets) => "forget early",
        Fault::Hostile(Conduct::Hides) => "list nothing",
        Fault::Hostile(Conduct::Mute) => "are mute",
        Fault::Full => "are full",
        Fault::Dies => "die for good",
        Fault::Away => "are away",
    }
}
