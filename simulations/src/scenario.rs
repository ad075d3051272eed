//! A world from a file: how many people, who knows whom, how much they write, and what goes wrong.

use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Phase;
use crate::action::Who;
use crate::chance::Dice;
use crate::groups::Deed;
use crate::groups::acts::Plan;
use crate::hostile::Conduct;
use crate::nats::Shares;
use crate::network::Weather;
use crate::world::World;

/// A kind of world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is about.
    pub about: String,
    /// How many seeds are run unless the caller says otherwise.
    #[serde(default = "one")]
    pub seeds: u64,
    /// How many people.
    pub people: usize,
    /// How many friends each makes.
    pub friends: usize,
    /// How many more there are who know nobody at first, and are known by their address.
    #[serde(default)]
    pub strangers: usize,
    /// How many messages are written in all.
    pub messages: u64,
    /// The mean time between two things that happen, in milliseconds.
    pub pace: u64,
    /// Of 1,000 things that happen, so many are each of these.
    #[serde(default)]
    pub faults: Faults,
    /// Of 1,000 things that happen, so many are about calls.
    #[serde(default)]
    pub calls: u64,
    /// How many community nodes serve as mailboxes.
    #[serde(default)]
    pub mailboxes: usize,
    /// How those behave that are not honest, from the first on.
    #[serde(default)]
    pub hostile: Vec<Conduct>,
    /// Who sits behind what address translation; nobody if left out. Community nodes are relays.
    #[serde(default)]
    pub nats: Option<Shares>,
    /// The groups that there are, and what is done in them.
    #[serde(default)]
    pub groups: Option<Plan>,
    /// How the network behaves.
    #[serde(default)]
    pub weather: Weather,
}

fn one() -> u64 {
    1
}

/// How often what goes wrong, of 1,000 things that happen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// A computer crashes.
    pub crash: u64,
    /// A computer is switched off, or on again.
    pub switch: u64,
    /// The network splits, or heals.
    pub split: u64,
    /// A stream or connection breaks.
    pub cut: u64,
    /// Somebody moves to another address.
    pub movement: u64,
    /// Somebody copies their disk, or puts the copy back.
    pub backup: u64,
    /// A community node is switched off or on, or crashes.
    pub mailbox: u64,
    /// Somebody asks somebody of whom they know only the address, or is asked so; or allows that, or does not.
    pub knock: u64,
}

/// What became of one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What went wrong; empty is good.
    pub failures: Vec<String>,
    /// Messages written.
    pub messages: u64,
    /// Messages shown to their recipient.
    pub shown: u64,
    /// Milliseconds from writing to being shown, half of all.
    pub delay_p50: u64,
    /// The same, 99 of 100.
    pub delay_p99: u64,
    /// All of them, ascending.
    #[serde(skip)]
    pub delays: Vec<u64>,
    /// Frames sent.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Events of the queue.
    pub steps: u64,
    /// Crashes.
    pub crashes: u64,
    /// A name for everything that happened.
    pub trace: String,
}

impl Scenario {
    /// Runs one seed. `tell` prints every input.
    pub fn run(&self, seed: u64, tell: bool) -> Outcome {
        let mut world = self.world(seed);
        if tell {
            world.tell_all();
        }
        self.make_friends(&mut world);
        for (host, conduct) in self.hostile.iter().enumerate() {
            world.act(&Action::MaskMailbox(host, *conduct));
        }
        if let Some(groups) = &self.groups {
            groups.found(&mut world);
        }
        let (mut number, mut written) = (0, 0);
        while written < self.messages && world.oracle.failures.is_empty() {
            let action = self.step(&mut world, number);
            number += 1;
            written += u64::from(matches!(action, Action::Send(..) | Action::InGroup(_, _, Deed::Post)));
        }
        world.settle();
        let delays = world.delays.iter().chain(&world.groups.delays);
        let mut delays: Vec<u64> = delays.map(|delay| delay.millis).collect();
        delays.sort_unstable();
        Outcome {
            seed,
            failures: world.oracle.failures.clone(),
            messages: world.people.iter().map(|person| person.written).sum(),
            shown: world.oracle.shown + world.groups.ledger.seen,
            delay_p50: part_of(&delays, 50),
            delay_p99: part_of(&delays, 99),
            delays,
            frames: world.counts.frames,
            bytes: world.counts.bytes,
            steps: world.counts.steps,
            crashes: world.counts.crashes,
            trace: world.trace_hash(),
        }
    }

    fn world(&self, seed: u64) -> World {
        World::with_places(seed, self.people + self.strangers, self.mailboxes, self.weather.clone(), |roll| {
            let shares = self.nats.as_ref()?;
            let mut roll = |below| roll(below);
            Some((0..self.people + self.strangers).map(|_| shares.draw(&mut roll)).collect())
        })
    }

    fn make_friends(&self, world: &mut World) {
        world.act(&Action::Elapse(1_000));
        for who in 0..self.people {
            for step in 0..self.friends {
                let friend = (who + 1 + step * step) % self.people;
                befriend(world, who, friend);
            }
        }
        for (which, groups) in
            self.groups.iter().flat_map(|groups| (0..groups.count).map(move |which| (which, groups)))
        {
            for member in groups.founders(which, self.people).into_iter().skip(1) {
                befriend(world, which % self.people, member);
            }
        }
        world.act(&Action::Elapse(10_000));
    }

    /// Does the n-th thing, and lets some time pass. What and how long follows from the seed and the number, and only in so far as
    /// it could not happen from what is there.
    fn step(&self, world: &mut World, number: u64) -> Action {
        let mut dice = world.dice_for_deed(number);
        let pause = dice.roll(self.pace * 2 + 1);
        let action = self.next(world, &mut dice);
        world.act(&action);
        world.act(&Action::Elapse(pause));
        action
    }

    fn next(&self, world: &World, dice: &mut Dice) -> Action {
        let count = self.people + self.strangers;
        let who = dice.one_of(count);
        let at = dice.one_of(world.friends.len());
        let (one, other) = world.friends.get(at).copied().unwrap_or((0, 1));
        let (from, to) = if dice.roll(2) == 0 { (one, other) } else { (other, one) };
        let faults = &self.faults;
        let mut left = dice.roll(1_000);
        let mut hit = |part: u64| {
            let hit = left < part;
            left = left.saturating_sub(part);
            if !hit && left == 0 {
                left = 1_000;
            }
            hit
        };
        if hit(faults.crash) {
            let phases = [Phase::BeforeCommit, Phase::BeforeEffects, Phase::BeforeEvents];
            let phase = phases[dice.one_of(3)];
            return Action::Crash(who, phase, dice.roll(5_000));
        }
        if hit(faults.switch) {
            return if world.people[who].engine.is_some() { Action::Stop(who) } else { Action::Start(who) };
        }
        if hit(faults.split) {
            return match dice.roll(2) {
                0 if self.groups.is_some() && dice.roll(2) == 0 => Action::SplitInto(3),
                0 => Action::Split,
                _ => Action::Heal,
            };
        }
        if hit(faults.cut) {
            return if dice.roll(2) == 0 {
                Action::CutStream(from, to)
            } else {
                Action::CutConnection(from, to)
            };
        }
        if hit(faults.movement) {
            return Action::Move(who);
        }
        if hit(faults.backup) {
            return if dice.roll(3) > 0 { Action::Backup(who) } else { Action::RestoreBackup(who) };
        }
        if faults.mailbox > 0 && hit(faults.mailbox) {
            let host = dice.one_of(self.mailboxes);
            return match (world.mailbox_is_on(host), dice.roll(2)) {
                (false, _) => Action::StartMailbox(host),
                (true, 0) => Action::StopMailbox(host),
                (true, _) => Action::CrashMailbox(host),
            };
        }
        if self.strangers > 0 && hit(self.faults.knock) {
            return self.knock(dice, who);
        }
        if self.calls > 0 && hit(self.calls) {
            return match dice.roll(6) {
                0 | 1 => Action::Call(from, to, dice.roll(2) == 0),
                2..=4 => Action::Answer(who),
                _ => Action::HangUp(who),
            };
        }
        if let Some(groups) = self.groups.as_ref().filter(|groups| dice.roll(1_000) < groups.share) {
            return groups.next(world, dice);
        }
        if hit(50) {
            return Action::Read(to, from);
        }
        if world.people[from].engine.is_none() {
            return Action::Start(from);
        }
        Action::Send(from, to)
    }

    fn knock(&self, dice: &mut Dice, who: Who) -> Action {
        let (stranger, other) = (self.people + dice.one_of(self.strangers), dice.one_of(self.people));
        match dice.roll(5) {
            0 => Action::AllowKnocks(who, dice.roll(2) == 0),
            1 => Action::Knock(other, stranger),
            _ => Action::Knock(stranger, other),
        }
    }
}

/// What so many of 100 values are not above. They are in order.
pub fn part_of(values: &[u64], percent: usize) -> u64 {
    values.get(values.len() * percent / 100).or(values.last()).copied().unwrap_or(0)
}

fn befriend(world: &mut World, who: Who, friend: Who) {
    let known = world.friends.iter().any(|pair| *pair == (who, friend) || *pair == (friend, who));
    if friend != who && !known {
        world.act(&Action::Befriend(who, friend));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::acts::Rates;
    use crate::groups::acts::Seen;

    fn scenario() -> Scenario {
        let rates = Rates { post: 60, add: 10, remove: 10, leave: 5, role: 10, ..Rates::default() };
        let groups = Plan {
            count: 1,
            members: 5,
            admins: 1,
            share: 500,
            history: Seen::Nothing,
            acts: rates,
            liars: 0,
        };
        Scenario {
            about: "Six people".to_owned(),
            seeds: 1,
            people: 6,
            friends: 1,
            strangers: 0,
            messages: 0,
            pace: 300,
            faults: Faults { crash: 60, switch: 60, split: 60, cut: 60, movement: 20, ..Faults::default() },
            calls: 0,
            mailboxes: 0,
            hostile: Vec::new(),
            nats: None,
            groups: Some(groups),
            weather: Weather { lost: 500, late: 500, doubled: 500, ..Weather::default() },
        }
    }

    /// What happens when in a world in which somebody has said so much more.
    fn happens(seed: u64, more: u64) -> Vec<(u64, Action)> {
        let scenario = scenario();
        let mut world = scenario.world(seed);
        scenario.make_friends(&mut world);
        scenario.groups.iter().for_each(|groups| groups.found(&mut world));
        let begun = world.now();
        for number in 0..more {
            // At other moments than what is said anyway, and with as many frames and draws of engines.
            let (from, to) = world.friends[number as usize % world.friends.len()];
            world.act(&Action::Send(from, to));
        }
        let all = (0..80).map(|number| (world.now().since(begun).0, scenario.step(&mut world, number)));
        all.collect()
    }

    #[test]
    fn what_goes_wrong_is_the_same_whatever_engines_say() {
        let quiet = happens(3, 0);
        assert_eq!(quiet, happens(3, 9));
        let faults = quiet.iter().filter(|(_, action)| matches!(action, Action::Crash(..) | Action::Split));
        assert!(faults.count() > 3);
        assert_ne!(quiet, happens(4, 0));
    }
}
