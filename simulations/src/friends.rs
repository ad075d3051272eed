//! Who becomes whose friend: links on their way from one person to another.

use std::collections::BTreeMap;

use kith_proto::id::CommandId;
use kith_proto::invite::Invite;

use crate::action::Who;

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
