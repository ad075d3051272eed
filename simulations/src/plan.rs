//! What is to happen when: actions in order of time, played while a world runs.

use std::collections::BTreeMap;

use kith_proto::time::Span;
use kith_proto::time::Timestamp;

use crate::action::Action;
use crate::post::Host;
use crate::world::World;

/// Actions that wait for their time.
#[derive(Debug, Default)]
pub struct Plan {
    actions: BTreeMap<(Timestamp, u64), Action>,
    number: u64,
}

impl Plan {
    /// Adds an action.
    pub fn add(&mut self, at: Timestamp, action: Action) {
        self.number += 1;
        self.actions.insert((at, self.number), action);
    }

    /// Lets so much time pass, with everything that is planned for it.
    pub fn play(&mut self, world: &mut World, span: Span) {
        let end = world.now() + span;
        while let Some(entry) = self.actions.first_entry() {
            let at = entry.key().0;
            if at > end {
                break;
            }
            let action = entry.remove();
            world.act(&Action::Elapse(at.since(world.now()).0));
            world.act(&action);
        }
        world.act(&Action::Elapse(end.since(world.now()).0));
    }
}

/// How reliable a community node is: up and down in turn, without memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uptime {
    /// Of 1,000 moments it is up in so many.
    pub per_mille: u64,
    /// How long it is down, in minutes, on average.
    pub down_minutes: u64,
}

impl Uptime {
    /// Draws whether it is up at a moment of which nothing is known.
    pub fn draw(&self, world: &mut World) -> bool {
        world.roll(1_000) < self.per_mille
    }

    /// Puts a node into a state, and plans how it goes on for so long. Whole minutes: a coin is thrown in each.
    pub fn plan(&self, world: &mut World, plan: &mut Plan, host: Host, mut up: bool, span: Span) {
        let down = self.down_minutes.max(1);
        // Mean times are in the proportion of the shares.
        let mean = |up: bool| if up { down * self.per_mille / (1_000 - self.per_mille).max(1) } else { down };
        let act = |up: bool| if up { Action::StartMailbox(host) } else { Action::StopMailbox(host) };
        world.act(&act(up));
        for minute in 1..=span.0 / Span::from_minutes(1).0 {
            if world.roll(mean(up).max(1)) == 0 {
                up = !up;
                plan.add(world.now() + Span::from_minutes(minute), act(up));
            }
        }
    }
}
