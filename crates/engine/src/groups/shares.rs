//! How much of a log each may fill, so that nobody alone can fill it. A *family* is a member below moderator whom a moderator (or
//! somebody above) let in, with all whom they let in and so on: accounts cost nothing, but each must be let in by
//! somebody. This decides only what is taken from whom; what was taken counts whatever is said here.

use std::collections::BTreeMap;

use kith_proto::group::Kind;
use kith_proto::group::Role;

use super::authority::Denial;
use super::authority::Standing;
use super::node::Node;
use super::node::Person;

/// How many operations a group may have: at a thousand members, ten for each. What they follow takes 6 MiB then.
pub const MAX_OPERATIONS: usize = 10_000;

/// The last places in a log: for moderators who remove, ban, close links, and change roles and rules.
const FOR_ORDER: usize = 1_000;

/// The places before those: for whoever leaves or revokes a device.
const FOR_ENDS: usize = 500;

/// Where the kept places begin.
const KEPT: usize = MAX_OPERATIONS - FOR_ORDER - FOR_ENDS;

/// So many of the kept places has one account: to leave, come back and leave, with a device or two revoked.
const ENDS_OF_ONE: usize = 4;

/// So many has one moderator: one who turned bad, or was removed and dates back, leaves places for three others.
const ORDER_OF_ONE: usize = 250;

/// How much one account may fill, whatever it is: of those who make most of a group, two have room.
const OF_ONE: usize = 4_000;

/// How much one family may fill, leaving aside: a fifth.
const FAMILY: usize = 2_000;

/// So many operations of one device with the same number are taken. An old disk that was put back makes one or two.
const TWINS: u8 = 8;

/// So many denied operations of one author are kept, to say what was tried.
const DENIED_OF_ONE: usize = 64;

/// An operation, as far as its share depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    pub(super) author: Option<Person>,
    pub(super) kind: &'a Kind,
    pub(super) verdict: Result<Standing, Denial>,
    /// Whether it carries a list by which a device that counted does not any more.
    pub(super) revokes: bool,
}

/// Who asked for an operation that is beyond somebody's share, by having followed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    /// Nobody who counts.
    Nobody,
    /// A member of another family.
    Member,
    /// A moderator, or somebody above.
    Moderator,
}

/// Who has filled how much.
#[derive(Default)]
pub(super) struct Shares {
    /// Who began the family of an account. Whoever is not here has none.
    family_of: BTreeMap<Person, Person>,
    filled: BTreeMap<Person, usize>,
    /// What each author wrote, and what of that took places that are kept.
    written: BTreeMap<Person, usize>,
    kept: BTreeMap<Person, usize>,
    denied: BTreeMap<Person, usize>,
    twins: BTreeMap<(u32, u64), u8>,
}

impl Claim<'_> {
    /// Whether it is a moderator's word.
    fn keeps_order(&self) -> bool {
        self.verdict.is_ok_and(|standing| standing.role >= Role::Moderator)
    }

    /// Whether it takes something away, by which a full group can be put in order again.
    fn is_order(&self) -> bool {
        let closes = matches!(
            self.kind,
            Kind::Remove(_) | Kind::Ban(_) | Kind::RevokeLink(_) | Kind::Policy(_) | Kind::Role { .. }
        );
        closes && self.keeps_order()
    }

    /// Whether it ends something of the author's own.
    fn is_end(&self) -> bool {
        let ends = matches!(self.kind, Kind::Leave | Kind::RevokeLink(_)) || self.revokes;
        ends && self.verdict.is_ok()
    }
}

impl Shares {
    /// Whether a device has made so many operations with this number that no more are taken.
    pub(super) fn has_too_many(&self, device: u32, sequence: u64) -> bool {
        self.twins.get(&(device, sequence)).is_some_and(|twins| *twins >= TWINS)
    }

    /// Whether there is room for an operation in a log of this length.
    pub(super) fn has_room(&self, claim: &Claim<'_>, len: usize, wanted: Wanted) -> bool {
        let of = |counts: &BTreeMap<Person, usize>, who: Option<Person>| {
            who.and_then(|who| counts.get(&who)).copied().unwrap_or(0)
        };
        let followed = !claim.verdict.is_err_and(|denial| denial != Denial::UnknownKind);
        if !followed && of(&self.denied, claim.author) >= DENIED_OF_ONE {
            return false;
        }
        let kept = of(&self.kept, claim.author);
        let places = if wanted == Wanted::Moderator || claim.is_order() && kept < ORDER_OF_ONE {
            MAX_OPERATIONS
        } else if claim.is_end() && kept < ENDS_OF_ONE {
            MAX_OPERATIONS - FOR_ORDER
        } else {
            KEPT
        };
        let family = claim.author.and_then(|author| self.family_of.get(&author)).copied();
        let own = of(&self.filled, family) < FAMILY || claim.keeps_order();
        let few = own && of(&self.written, claim.author) < OF_ONE;
        let free = len >= KEPT || matches!(claim.kind, Kind::Leave) || wanted > Wanted::Nobody;
        len < places && (free || few)
    }

    /// Whether somebody is of another family than the author of an operation.
    pub(super) fn are_strangers(&self, one: Person, other: Person) -> bool {
        let family = self.family_of.get(&one);
        one != other && (family.is_none() || family != self.family_of.get(&other))
    }

    /// Counts an operation that was taken, in a log that has so many with it.
    pub(super) fn count(&mut self, node: &Node, claim: &Claim<'_>, len: usize) {
        let twins = self.twins.entry((node.device, node.operation.sequence)).or_default();
        *twins = twins.saturating_add(1);
        if claim.verdict.is_err_and(|denial| denial != Denial::UnknownKind) {
            *self.denied.entry(node.author).or_default() += 1;
        }
        *self.written.entry(node.author).or_default() += 1;
        if len > KEPT {
            *self.kept.entry(node.author).or_default() += 1;
        }
        let family = self.family_of.get(&node.author).copied();
        if let Some(family) = family.filter(|_| !claim.keeps_order() && !matches!(claim.kind, Kind::Leave)) {
            *self.filled.entry(family).or_default() += 1;
        }
        if let (Kind::Add(_), Some(newcomer), Ok(_)) = (claim.kind, node.target, claim.verdict) {
            if claim.keeps_order() {
                self.family_of.insert(newcomer, newcomer);
            } else {
                // Only the first: nobody draws others into their family by an operation that is dated back.
                self.family_of.entry(newcomer).or_insert(family.unwrap_or(node.author));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(kind: &Kind, role: Role) -> Claim<'_> {
        let by = kith_proto::id::OperationId([0; 32]);
        Claim { author: Some(1), kind, verdict: Ok(Standing { role, since: 0, by }), revokes: false }
    }

    #[test]
    fn the_last_places_are_for_order() {
        let mut shares = Shares::default();
        let unknown = Kind::Unknown { kind: 99, bytes: Default::default() };
        let remove = Kind::Remove(kith_proto::id::AccountId([2; 32]));
        let room = |shares: &Shares, kind: &Kind, role, len| {
            shares.has_room(&claim(kind, role), len, Wanted::Nobody)
        };
        assert!(room(&shares, &unknown, Role::Owner, 8_499) && !room(&shares, &unknown, Role::Owner, 8_500));
        assert!(room(&shares, &Kind::Leave, Role::Member, 8_999));
        assert!(!room(&shares, &Kind::Leave, Role::Member, 9_000));
        assert!(
            room(&shares, &remove, Role::Moderator, 9_999) && !room(&shares, &remove, Role::Owner, 10_000)
        );
        shares.kept.insert(1, ENDS_OF_ONE);
        assert!(!room(&shares, &Kind::Leave, Role::Member, 8_500), "nobody leaves again and again");
        let list = Claim { revokes: true, ..claim(&unknown, Role::Member) };
        assert!(!shares.has_room(&list, 8_500, Wanted::Nobody));
        assert!(shares.has_room(&list, 8_500, Wanted::Moderator), "a moderator has followed it");
        shares.kept.insert(1, ORDER_OF_ONE);
        assert!(!room(&shares, &remove, Role::Owner, 9_000), "nor does one moderator take all");
    }

    #[test]
    fn a_family_fills_its_share_and_no_more() {
        let mut shares = Shares::default();
        let unknown = Kind::Unknown { kind: 99, bytes: Default::default() };
        shares.family_of.extend([(1, 1), (2, 1), (3, 3)]);
        shares.filled.insert(1, FAMILY);
        let room = |shares: &Shares, author, role, wanted| {
            shares.has_room(&Claim { author: Some(author), ..claim(&unknown, role) }, 5_000, wanted)
        };
        assert!(
            !room(&shares, 1, Role::Member, Wanted::Nobody)
                && !room(&shares, 2, Role::Member, Wanted::Nobody)
        );
        assert!(room(&shares, 3, Role::Member, Wanted::Nobody), "others are not touched");
        shares.written.insert(3, OF_ONE);
        assert!(!room(&shares, 3, Role::Admin, Wanted::Nobody), "but nobody fills half of it alone");
        assert!(
            room(&shares, 2, Role::Member, Wanted::Member)
                && room(&shares, 2, Role::Moderator, Wanted::Nobody)
        );
        assert!(shares.are_strangers(3, 1) && shares.are_strangers(9, 1) && !shares.are_strangers(2, 1));
    }
}
