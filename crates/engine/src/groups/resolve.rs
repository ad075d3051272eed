//! Which operations of a part of the log stand, and why the others do not (`SPEC.md` of `kith-proto`, section 11.5).
//!
//! ```text
//!  fixed by the operations alone          decided
//!  ─────────────────────────────          ───────────────────────────────────────────────
//!  not allowed in its own past            overruled by somebody senior at the same time
//!  made by a device that is revoked       its authority rested on something that is void
//!  made by a device that equivocated         let in by a link that others had used up
//! ```
//!
//! What a removal overrules must be decided after the removal, and a removal after its own past. Where that runs in a
//! circle (two remove each other), the most senior author's word is taken first and the pair that closes the circle
//! is left out. So no two ever void each other.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;

use kith_proto::group::Kind;
use kith_proto::id::OperationId;

use super::authority::Denial;
use super::authority::View;
use super::bits::Bits;
use super::node::Index;
use super::node::Node;
use super::node::Nodes;

/// Why an operation does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Void {
    /// Its author was not allowed to do that, by what the author had seen.
    Denied(Denial),
    /// Its device had been revoked by its account, which the author had not seen or hid.
    DeviceRevoked {
        /// The operation that carries the newer device list.
        by: OperationId,
    },
    /// Its device made another operation that contradicts it.
    Equivocation {
        /// One of the others.
        with: OperationId,
    },
    /// Others came by the same link at the same time, and come first.
    LinkUsedUp,
    /// Somebody removed or demoted the author, made the rules stricter, revoked the link, or removed whom it adds, at the same
    /// time.
    Overruled {
        /// That operation.
        by: OperationId,
    },
    /// What gave the author this right turned out void.
    LostAuthority(Denial),
}

/// What stands in a part of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Decisions {
    /// What does not.
    pub(super) void: Bits,
    /// Why not; what was denied is not here.
    pub(super) why: BTreeMap<Index, Void>,
}

/// Decides about the operations in `scope`, or all. Who came first by a link is asked among those who stand if links had no
/// limits: what does not count anyway must not use up a link.
pub(super) fn decide(nodes: &Nodes, scope: Option<&Bits>) -> Decisions {
    let mut fixed = fixed(nodes, scope);
    let decisions = settle(nodes, scope, fixed.clone());
    let late = late(nodes, scope, &decisions.void);
    if late.is_empty() {
        return decisions;
    }
    for add in late {
        fixed.entry(add).or_insert(Void::LinkUsedUp);
    }
    settle(nodes, scope, fixed)
}

/// Decides what is not fixed.
fn settle(nodes: &Nodes, scope: Option<&Bits>, mut fixed: BTreeMap<Index, Void>) -> Decisions {
    let mut attackers = attackers(nodes, scope);
    loop {
        let pairs = take_pairs(nodes, scope, &attackers);
        let decisions = Pass::new(nodes, scope, &fixed, &pairs).run();
        // Those who turned out void must not have kept others from being heard: decide again without them.
        let before = attackers.len();
        attackers.retain(|attacker| {
            let why = decisions.why.get(attacker);
            why.inspect(|why| _ = fixed.insert(*attacker, **why)).is_none()
        });
        if attackers.len() == before {
            return decisions;
        }
    }
}

fn has(scope: Option<&Bits>, index: Index) -> bool {
    scope.is_none_or(|scope| scope.has(index))
}

/// What is void by the operations alone.
fn fixed(nodes: &Nodes, scope: Option<&Bits>) -> BTreeMap<Index, Void> {
    let mut fixed = BTreeMap::new();
    let mut take = |index: Index, why: Void| {
        if has(scope, index) && !nodes.denied.has(index) {
            let known = fixed.entry(index).or_insert(why);
            *known = why.min(*known);
        }
    };
    for (from, revoked) in &nodes.relations.revokes {
        if has(scope, *from) {
            let why = Void::DeviceRevoked { by: nodes.get(*from).id };
            revoked.iter().for_each(|index| take(index, why));
        }
    }
    for (index, twins) in nodes.relations.twins.iter().filter(|(index, _)| has(scope, **index)) {
        let node = nodes.get(*index);
        if node.survives_equivocation() {
            continue;
        }
        let twin = twins
            .iter()
            .filter(|twin| has(scope, *twin) && !nodes.denied.has(*twin))
            .filter(|twin| !nodes.get(*twin).concerns_itself_only())
            .filter(|twin| !is_shielded(nodes, scope, (*index, node), *twin))
            .map(|twin| nodes.get(twin).id)
            .min();
        if let Some(with) = twin {
            take(*index, Void::Equivocation { with });
        }
    }
    fixed
}

/// Who was let in by links for fewer than came, and not first: all operations that let them in.
fn late(nodes: &Nodes, scope: Option<&Bits>, void: &Bits) -> Vec<Index> {
    let view = View::new(nodes, scope, void);
    let mut late = Vec::new();
    for uses in nodes.links.values() {
        let limit = view.made(uses).map_or(0, |(link, _)| link.uses as usize);
        if limit == 0 || uses.adds.len() <= limit {
            continue;
        }
        let came: Vec<Index> = uses.adds.iter().copied().filter(|add| view.holds(*add)).collect();
        let people: Bits = came.iter().filter_map(|add| nodes.get(*add).target).collect();
        if people.count() > limit {
            let first = first(&view, nodes, &came, limit);
            let is_late = |add: &&Index| {
                let target = nodes.get(**add).target;
                has(scope, **add) && !nodes.denied.has(**add) && target.is_some_and(|who| !first.has(who))
            };
            late.extend(uses.adds.iter().filter(is_late));
        }
    }
    late
}

/// The first so many people who came. Whoever came having seen others come is after them; of those at the same time, whom
/// somebody let in who did not leave beside that, then whom the most senior let in.
fn first(view: &View<'_>, nodes: &Nodes, came: &[Index], most: usize) -> Bits {
    let among: Bits = came.iter().copied().collect();
    let turn = |add: Index| {
        let node = nodes.get(add);
        ((!view.left_beside(add), node.verdict.ok(), Reverse(node.id)), add)
    };
    let mut before: BTreeMap<Index, usize> =
        came.iter().map(|add| (*add, nodes.get(*add).past.common(&among))).collect();
    let free = before.iter().filter(|(_, before)| **before == 0).map(|(add, _)| turn(*add));
    let mut ready: BinaryHeap<_> = free.collect();
    let (mut people, mut count) = (Bits::default(), 0);
    while count < most
        && let Some((_, next)) = ready.pop()
    {
        count += usize::from(nodes.get(next).target.is_some_and(|who| people.set(who)));
        for (add, before) in before.iter_mut().filter(|(add, _)| nodes.get(**add).past.has(next)) {
            *before -= 1;
            if *before == 0 {
                ready.push(turn(*add));
            }
        }
    }
    people
}

/// Whether a contradiction says nothing about an operation: it was made beside a removal, or beside a list that revokes
/// the device, and the operation before. Somebody who was removed cannot undo what they did by contradicting it.
fn is_shielded(nodes: &Nodes, scope: Option<&Bits>, (index, node): (Index, &Node), twin: Index) -> bool {
    let between = |end: Index| {
        let end_node = nodes.get(end);
        has(scope, end) && end_node.past.has(index) && !end_node.past.has(twin)
    };
    let removed = nodes.account(node.author).about.iter().any(|end| {
        let overrules = nodes.get(*end).overrules() == Some(node.author) && !nodes.denied.has(*end);
        overrules && between(*end) && !nodes.get(twin).past.has(*end)
    });
    let revokes = |(from, to): (&Index, &Bits)| to.has(twin) && between(*from);
    removed || nodes.relations.revokes.iter().any(revokes)
}

/// Those who overrule something in `scope`, the most senior first.
fn attackers(nodes: &Nodes, scope: Option<&Bits>) -> Vec<Index> {
    let attacks = nodes.relations.attacks.iter();
    let mut attackers: Vec<Index> = attacks
        .filter(|(from, to)| has(scope, **from) && scope.is_none_or(|scope| to.meets(scope)))
        .map(|(from, _)| *from)
        .collect();
    attackers.sort_by_key(|index| (Reverse(nodes.get(*index).verdict.ok()), nodes.get(*index).id));
    attackers
}

/// Which attackers are heard about what, the most senior first.
struct Pairs {
    heard: Vec<(Index, Bits)>,
    /// Everything that anybody attacks, heard or not.
    attacked: Bits,
}

/// Takes each pair of attacker and attacked unless the attacked must be decided before the attacker.
fn take_pairs(nodes: &Nodes, scope: Option<&Bits>, attackers: &[Index]) -> Pairs {
    let mut pairs = Pairs { heard: Vec::new(), attacked: Bits::default() };
    for attacker in attackers {
        let Some(attacked) = nodes.relations.attacks.get(attacker) else { continue };
        let attacked: Bits = attacked.iter().filter(|index| has(scope, *index)).collect();
        pairs.attacked.unite(&attacked);
        let mut heard = attacked;
        heard.subtract(&decided_before(nodes, *attacker, &pairs.heard));
        pairs.heard.push((*attacker, heard));
    }
    pairs
}

/// All that must be decided before an operation: its past, and whoever is heard about it or about any of those.
fn decided_before(nodes: &Nodes, index: Index, heard: &[(Index, Bits)]) -> Bits {
    let mut before = nodes.get(index).past.clone();
    let mut open: Vec<&(Index, Bits)> = heard.iter().collect();
    loop {
        let left = open.len();
        open.retain(|(attacker, attacked)| {
            let counts = attacked.has(index) || attacked.meets(&before);
            if counts {
                before.unite(&nodes.get(*attacker).past);
                before.set(*attacker);
            }
            !counts
        });
        if open.len() == left {
            return before;
        }
    }
}

/// One walk over the operations, each after its past and after those who are heard about it.
struct Pass<'a> {
    nodes: &'a Nodes,
    scope: Option<&'a Bits>,
    fixed: &'a BTreeMap<Index, Void>,
    pairs: &'a Pairs,
    decisions: Decisions,
    decided: Bits,
    /// Whose authority may be another than in somebody's own past.
    doubtful: Bits,
    /// Whether everybody's may be.
    all_doubtful: bool,
}

impl<'a> Pass<'a> {
    fn new(
        nodes: &'a Nodes,
        scope: Option<&'a Bits>,
        fixed: &'a BTreeMap<Index, Void>,
        pairs: &'a Pairs,
    ) -> Self {
        let decisions = Decisions { void: nodes.denied.clone(), why: BTreeMap::new() };
        let (decided, doubtful) = (Bits::default(), Bits::default());
        Self { nodes, scope, fixed, pairs, decisions, decided, doubtful, all_doubtful: false }
    }

    fn run(mut self) -> Decisions {
        let contradicts = self.nodes.relations.twins.keys().any(|index| has(self.scope, *index));
        if self.fixed.is_empty() && self.pairs.heard.is_empty() && !contradicts {
            return self.decisions;
        }
        let mut stack = Vec::new();
        for index in 0..self.nodes.len() {
            if !has(self.scope, index) {
                continue;
            }
            stack.push(index);
            while let Some(top) = stack.last().copied() {
                if self.decided.has(top) {
                    stack.pop();
                    continue;
                }
                let waiting = stack.len();
                stack.extend(self.undecided_before(top));
                if stack.len() == waiting {
                    stack.pop();
                    self.decided.set(top);
                    self.decide_one(top);
                }
            }
        }
        self.decisions
    }

    fn undecided_before(&self, index: Index) -> impl Iterator<Item = Index> {
        let parents = self.nodes.get(index).parents.iter().copied();
        parents.chain(self.heard_about(index)).filter(|before| !self.decided.has(*before))
    }

    fn heard_about(&self, index: Index) -> impl Iterator<Item = Index> {
        let attacked = self.pairs.attacked.has(index);
        let heard = if attacked { self.pairs.heard.as_slice() } else { &[] };
        heard.iter().filter(move |(_, about)| about.has(index)).map(|(attacker, _)| *attacker)
    }

    fn decide_one(&mut self, index: Index) {
        if self.nodes.denied.has(index) {
            return;
        }
        let node = self.nodes.get(index);
        let attacked = self.pairs.attacked.has(index) || self.fixed.contains_key(&index);
        // What contradicts something may have been void in the past of some and be shielded here.
        let attacked = attacked || self.nodes.relations.twins.contains_key(&index);
        if !attacked && !self.is_doubtful(node) {
            return;
        }
        let standing = |attacker: &Index| !self.decisions.void.has(*attacker);
        let overruled = self.heard_about(index).find(standing);
        let why = self.fixed.get(&index).copied();
        let why = why.or_else(|| overruled.map(|by| Void::Overruled { by: self.nodes.get(by).id }));
        if let Some(why) = why.or_else(|| self.lost_authority(node)) {
            self.decisions.void.set(index);
            self.decisions.why.insert(index, why);
        }
        self.spread_doubt(node);
    }

    fn lost_authority(&self, node: &Node) -> Option<Void> {
        if matches!(node.kind(), Kind::Create(_)) {
            return None;
        }
        let view = View::new(self.nodes, Some(&node.past), &self.decisions.void);
        view.judge(node.author, node.kind(), false).err().map(Void::LostAuthority)
    }

    fn is_doubtful(&self, node: &Node) -> bool {
        self.all_doubtful
            || self.doubtful.has(node.author)
            || node.target.is_some_and(|target| self.doubtful.has(target))
    }

    /// What was decided here may be otherwise in the own past of what follows.
    fn spread_doubt(&mut self, node: &Node) {
        match node.kind() {
            Kind::Add(_)
            | Kind::Remove(_)
            | Kind::Ban(_)
            | Kind::Unban(_)
            | Kind::Role { .. }
            | Kind::Leave => {
                let subject = node.target.unwrap_or(node.author);
                self.doubtful.set(subject);
                // Without owners, anybody may be the heir.
                self.all_doubtful |= self.nodes.owners_ended || self.nodes.owners.contains(&subject);
            }
            Kind::Policy(_) | Kind::Link(_) | Kind::RevokeLink(_) => self.all_doubtful = true,
            _ => {}
        }
    }
}
