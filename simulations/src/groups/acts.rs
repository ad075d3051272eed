//! What people in groups do, drawn by chance: the `[groups]` section of a scenario.

use kith_proto::group::History;
use kith_proto::group::Policy;
use kith_proto::group::Role;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Which;
use crate::action::Who;
use crate::chance::Dice;
use crate::groups;
use crate::groups::Deed;
use crate::groups::liars::LIES;
use crate::world::World;

/// The groups of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// How many groups.
    pub count: usize,
    /// How many people each has from the start; the first to make it is the group's number.
    pub members: usize,
    /// How many of these are admins from the start.
    #[serde(default)]
    pub admins: usize,
    /// Of 1,000 things that people do, so many are done in groups.
    #[serde(default = "all")]
    pub share: u64,
    /// What newcomers see.
    #[serde(default)]
    pub history: Seen,
    /// How often each act is.
    pub acts: Rates,
    /// How many of the last people lie.
    #[serde(default)]
    pub liars: usize,
}

/// What newcomers see of what was said before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// Nothing.
    #[default]
    Nothing,
    /// The last ten.
    Some,
    /// Everything.
    All,
}

fn all() -> u64 {
    1_000
}

/// How often people do what, in proportion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Writing.
    pub post: u64,
    /// Reading everything.
    pub read: u64,
    /// Adding somebody.
    pub add: u64,
    /// Removing somebody.
    pub remove: u64,
    /// Banning somebody, or lifting a ban.
    pub ban: u64,
    /// Leaving.
    pub leave: u64,
    /// Giving somebody a role.
    pub role: u64,
    /// Taking somebody's word, or giving it back.
    pub mute: u64,
    /// Giving the group another name.
    pub rename: u64,
    /// Giving the group other rules.
    pub policy: u64,
    /// Making links, coming by them, letting people in.
    pub link: u64,
    /// Pinning, or taking a pin away.
    pub pin: u64,
    /// Deleting for everybody.
    pub delete: u64,
}

impl Seen {
    /// The same as a policy says it.
    pub fn history(self) -> History {
        match self {
            Self::Nothing => History::Nothing,
            Self::Some => History::Last(10),
            Self::All => History::Everything,
        }
    }
}

impl Plan {
    /// Who is in a group from the start, its maker first.
    pub fn founders(&self, which: Which, people: usize) -> Vec<Who> {
        (0..self.members.min(people)).map(|step| (which + step) % people).collect()
    }

    /// Makes the groups. Whoever makes one is a friend of all who are in it.
    pub(crate) fn found(&self, world: &mut World) {
        let people = world.people.len();
        world.groups.ledger.liars.extend(people.saturating_sub(self.liars)..people);
        for which in 0..self.count {
            let members = self.founders(which, people);
            let Some((maker, others)) = members.split_first() else { continue };
            let policy = Policy { history: self.history.history(), ..Policy::default() };
            world.act(&Action::InGroup(*maker, which, Deed::Create(others.to_vec(), Some(policy))));
            world.act(&Action::Elapse(100));
            for admin in others.iter().take(self.admins) {
                world.act(&Action::InGroup(*maker, which, Deed::Role(*admin, Role::Admin)));
            }
        }
        world.act(&Action::Elapse(10_000));
    }

    /// Draws what somebody does. Whoever is off is switched on first.
    pub(crate) fn next(&self, world: &World, dice: &mut Dice) -> Action {
        let which = dice.one_of(self.count);
        let people = world.people.len();
        let (whom, lies) = (dice.one_of(people), dice.roll(2) == 0);
        // Where nobody is left, whoever made it tries in vain.
        let inside = dice.order(people).into_iter().find(|who| groups::is_in(world, *who, which));
        let Some(who) = inside else { return Action::InGroup(which, which, Deed::Post) };
        if world.people[who].engine.is_none() {
            return Action::Start(who);
        }
        // Those with the highest numbers lie every second time.
        let deed = if who + self.liars >= people && lies {
            Deed::Lie(LIES[dice.one_of(LIES.len())])
        } else {
            self.deed(dice, (who, whom))
        };
        // Whoever joins is somebody else.
        let who = if matches!(deed, Deed::Join(_)) { whom } else { who };
        Action::InGroup(who, which, deed)
    }

    fn deed(&self, dice: &mut Dice, (who, whom): (Who, Who)) -> Deed {
        let acts = &self.acts;
        let rates = [
            acts.post,
            acts.read,
            acts.add,
            acts.remove,
            acts.ban,
            acts.leave,
            acts.role,
            acts.mute,
            acts.rename,
            acts.policy,
            acts.link,
            acts.pin,
            acts.delete,
        ];
        let mut left = dice.roll(rates.iter().sum());
        let drawn = rates.iter().position(|rate| {
            let hit = left < *rate;
            left = left.saturating_sub(*rate);
            hit
        });
        let newer = dice.one_of(5);
        match drawn.unwrap_or(0) {
            1 => Deed::Read,
            2 => Deed::Add(whom, if dice.roll(5) == 0 { Role::Admin } else { Role::Member }),
            3 => Deed::Remove(whom),
            4 if dice.roll(3) == 0 => Deed::Ban(whom),
            4 => Deed::Unban(whom),
            5 => Deed::Leave,
            6 => Deed::Role(whom, role(dice)),
            7 => Deed::Mute(whom, [0, 5, 600][dice.one_of(3)]),
            8 => Deed::Rename(dice.roll(1_000)),
            9 => Deed::Policy(self.policy(dice)),
            10 => match dice.roll(3) {
                0 => Deed::Link(Role::Member, 2, dice.roll(3) == 0),
                1 => Deed::Join(who),
                _ => Deed::Decide(dice.roll(3) > 0),
            },
            11 if dice.roll(3) == 0 => Deed::Unpin(newer),
            11 => Deed::Pin(newer),
            12 => Deed::Delete(newer),
            _ => Deed::Post,
        }
    }

    fn policy(&self, dice: &mut Dice) -> Policy {
        let mut one = |roles: [Role; 3]| roles[dice.one_of(3)];
        Policy {
            invite: one([Role::Member, Role::Member, Role::Admin]),
            post: one([Role::Member, Role::Member, Role::Moderator]),
            pin: one([Role::Member, Role::Moderator, Role::Admin]),
            change_profile: one([Role::Member, Role::Admin, Role::Owner]),
            approve_links: one([Role::Member, Role::Member, Role::Owner]) == Role::Owner,
            history: self.history.history(),
            ..Policy::default()
        }
    }
}

fn role(dice: &mut Dice) -> Role {
    [Role::Observer, Role::Member, Role::Moderator, Role::Admin, Role::Owner][dice.one_of(5)]
}
