//! Who becomes whose friend: links on their way from one person to another, and people who know only an address.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::Command;
use kith_engine::query;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_proto::id::CommandId;
use kith_proto::invite::Invite;

use crate::action::Who;
use crate::world::World;

/// Links that were asked for, and links that wait to be used.
#[derive(Default)]
pub(crate) struct Links {
    wanted: BTreeMap<(Who, CommandId), Who>,
    kept: BTreeMap<(Who, Who), (CommandId, Option<Invite>)>,
}

impl Links {
    /// Somebody asks their engine for a link that the other uses at once.
    pub(crate) fn want(&mut self, inviter: Who, id: CommandId, asker: Who) {
        self.wanted.insert((inviter, id), asker);
    }

    /// Somebody asks their engine for a link that the other keeps.
    pub(crate) fn keep(&mut self, inviter: Who, id: CommandId, asker: Who) {
        self.kept.insert((inviter, asker), (id, None));
    }

    /// An engine made a link. Returns who uses it now.
    pub(crate) fn made(&mut self, inviter: Who, id: CommandId, invite: Invite) -> Option<(Who, Invite)> {
        let kept = self.kept.iter_mut().find(|((of, _), (made, _))| *of == inviter && *made == id);
        if let Some((_, (_, slot))) = kept {
            *slot = Some(invite);
            return None;
        }
        Some((self.wanted.remove(&(inviter, id))?, invite))
    }

    /// Takes a link that was kept, if it was made by now.
    pub(crate) fn take(&mut self, inviter: Who, asker: Who) -> Option<Invite> {
        self.kept.remove(&(inviter, asker))?.1
    }
}

/// People who asked others of whom they knew nothing but the address.
#[derive(Default)]
pub(crate) struct Knocks {
    asked: BTreeSet<(Who, Who)>,
    /// Those who did not want to be asked for a while: what reached them then is gone, and nobody is told.
    closed: BTreeSet<Who>,
}

/// Somebody wants to be asked by strangers, or does not.
pub(crate) fn allow_knocks(world: &mut World, who: Who, allowed: bool) {
    if !allowed {
        world.knocks.closed.insert(who);
    }
    world.command(who, Command::AllowKnocks { allowed });
}

/// One asks another, of whom nothing but the address is known.
pub(crate) fn knock(world: &mut World, asker: Who, owner: Who) {
    if world.people[asker].engine.is_none() {
        return;
    }
    world.knocks.asked.insert((asker, owner));
    let account = world.people[owner].account;
    world.command(asker, Command::Knock { account, greeting: "hello".to_owned() });
}

/// Somebody sees that a contact is one. Those who met by an address are friends from then on.
pub(crate) fn seen(world: &mut World, who: Who, view: &ContactView) {
    let other = world.people.iter().position(|person| person.account == view.contact);
    let Some(other) = other.filter(|_| view.state == ContactState::Accepted) else { return };
    let asked = [(who, other), (other, who)].into_iter().find(|pair| world.knocks.asked.contains(pair));
    let known = world.friends.iter().any(|pair| *pair == (who, other) || *pair == (other, who));
    if let Some(pair) = asked.filter(|_| !known) {
        world.friends.push(pair);
    }
}

/// Whoever asked and was refused, or forgot it, asks again. Who waits for somebody who did not want to be asked meanwhile begins anew. Returns whether everybody has an answer.
pub(crate) fn knock_again(world: &mut World) -> bool {
    let mut answered = true;
    for (asker, owner) in world.knocks.asked.clone() {
        let account = world.people[owner].account;
        let view = query::contact(&world.people[asker].disk, &account).expect("contacts can be read");
        let closed = world.knocks.closed.contains(&owner);
        let in_vain = closed && view.as_ref().is_some_and(|view| view.state == ContactState::Requested);
        if in_vain {
            world.command(asker, Command::RemoveContact { contact: account });
        }
        if in_vain || view.as_ref().is_none_or(|view| view.refused) {
            knock(world, asker, owner);
        }
        answered &= view.is_some_and(|view| view.state == ContactState::Accepted);
    }
    answered
}

/// Everybody who asked, and whom.
pub(crate) fn asked(world: &World) -> Vec<(Who, Who)> {
    world.knocks.asked.iter().copied().collect()
}
