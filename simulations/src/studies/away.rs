//! How long after they are back people read what was said in a group meanwhile: small groups leave it with mailboxes, members of
//! large ones have it from each other.
//!
//! For each post and each other member it is known from when on they could read it: when it was written, or when they were there
//! next. What is more than that is the price of not being there.

use kith_proto::id::ChatId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Who;
use crate::groups::Deed;
use crate::network::Weather;
use crate::online;
use crate::online::Pattern;
use crate::online::Session;
use crate::oracle;
use crate::plan::Plan;
use crate::studies::Findings;
use crate::studies::groups;
use crate::studies::seed_of;
use crate::table::Table;
use crate::table::percent;
use crate::table::percentile;
use crate::table::time;
use crate::world::World;

/// The study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Away {
    /// What it is about.
    pub about: String,
    /// Seeds unless the caller says otherwise.
    pub seeds: u64,
    /// The numbers of members.
    pub members: Vec<usize>,
    /// How long each world lasts; it begins on a Friday morning.
    pub days: u64,
    /// The habits, which members have in turn.
    pub habits: Vec<Pattern>,
    /// How many mailboxes there are.
    pub mailboxes: usize,
    /// How much is written by all together.
    pub messages_a_day: u64,
    /// Hours ahead of UTC; one is drawn for each person.
    pub zones: Vec<i64>,
}

/// More than this after they could have read it is late.
const LATE: [(Span, &str); 2] =
    [(Span::from_minutes(1), "later than 1 min"), (Span::from_hours(1), "later than 1 h")];

impl Away {
    /// Runs one seed with one of the sizes.
    pub fn run(&self, seed: u64, row: usize) -> Findings {
        let mut findings = Findings::default();
        let Some(members) = self.members.get(row).copied() else { return findings };
        let seed = seed_of(seed, row, 0);
        let mut world = World::with_mailboxes(seed, members, self.mailboxes, Weather::default());
        groups::found(&mut world, members);
        let mut roll = online::roller(seed);
        let sessions: Vec<Vec<Session>> = (0..members).map(|who| self.sessions(who, &mut roll)).collect();
        let begin = world.now();
        self.live(&mut world, &sessions, &mut roll);
        note(&mut findings, row, &world, begin, &sessions);
        findings.failures.append(&mut world.oracle.failures);
        findings.failures.append(&mut world.groups.ledger.failures);
        findings.traces.push(world.trace_hash());
        findings
    }

    fn sessions(&self, who: Who, roll: &mut impl FnMut(u64) -> u64) -> Vec<Session> {
        let zone = usize::try_from(roll(self.zones.len() as u64)).unwrap_or(0);
        let habit = self.habits.get(who % self.habits.len().max(1)).copied().unwrap_or(Pattern::Phone);
        habit.sessions(self.days, self.zones.get(zone).copied().unwrap_or(0), roll)
    }

    /// Everybody comes and goes, and somebody who is there writes.
    fn live(&self, world: &mut World, sessions: &[Vec<Session>], roll: &mut impl FnMut(u64) -> u64) {
        let (mut plan, begin) = (Plan::default(), world.now());
        for (who, sessions) in sessions.iter().enumerate() {
            world.act(&Action::Stop(who));
            for (at, action) in online::switches(who, sessions) {
                plan.add(begin + Span(at), action);
            }
        }
        for _ in 0..self.messages_a_day * self.days {
            let who = usize::try_from(roll(sessions.len() as u64)).unwrap_or(0);
            let at = sessions.get(who).and_then(|sessions| online::moment(sessions, roll));
            if let Some(at) = at {
                plan.add(begin + Span(at), Action::InGroup(who, groups::GROUP, Deed::Post));
            }
        }
        plan.play(world, Span::from_days(self.days));
    }

    /// Makes the table.
    pub fn tables(&self, findings: &Findings) -> Vec<Table> {
        let columns = ["members", "posts to read", "read", "p50", "p90", "p99", LATE[0].1, LATE[1].1];
        let mut table = Table::new("From when on somebody could have read it until they had it", &columns);
        for (row, members) in self.members.iter().enumerate() {
            let found = findings.sorted((row, 0), "waited");
            let all = found.len() as u64;
            let part = |is: &dyn Fn(u64) -> bool| {
                percent(found.iter().filter(|millis| is(**millis)).count() as u64, all)
            };
            table.row([
                members.to_string(),
                all.to_string(),
                part(&|millis| millis < u64::MAX),
                time(percentile(&found, 50)),
                time(percentile(&found, 90)),
                time(percentile(&found, 99)),
                part(&|millis| millis > LATE[0].0.0),
                part(&|millis| millis > LATE[1].0.0),
            ]);
        }
        vec![table.note("of those who were there again after it was written; up to 32 members, mailboxes keep it for them")]
    }
}

/// Notes for each post and each other member how long it took from when they could have read it.
fn note(findings: &mut Findings, row: usize, world: &World, begin: Timestamp, sessions: &[Vec<Session>]) {
    let Some(group) = world.groups.id(groups::GROUP) else { return };
    let chat = ChatId::group(&group);
    let timelines: Vec<_> = world.people.iter().map(|person| oracle::timeline(&person.disk, &chat)).collect();
    let own = |(who, timeline): (Who, &Vec<kith_engine::view::MessageView>)| {
        let written = timeline.iter().filter(|view| view.outgoing && !view.text.is_empty());
        written.map(|view| (who, view.message, view.sent_at)).collect::<Vec<_>>()
    };
    for (author, message, at) in timelines.iter().enumerate().flat_map(own) {
        let at = at.since(begin).0;
        for (who, sessions) in sessions.iter().enumerate().filter(|(who, _)| *who != author) {
            let Some((from, _)) = sessions.iter().find(|(_, until)| *until > at) else { continue };
            let could = begin + Span(at.max(*from));
            let had = timelines.get(who).and_then(|all| all.iter().find(|view| view.message == message));
            let waited = had.map_or(u64::MAX, |view| view.stored_at.since(could).0);
            findings.sample((row, 0), "waited", waited);
        }
    }
}
