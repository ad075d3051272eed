//! Who should have what of groups. A post names what its author knew of the membership, so for each post it is known who
//! was a member then, and who was added or removed without the author's knowing.
//!
//! * While the world runs: nothing is shown twice, or that nobody wrote; nobody is said to have or to have read what they do not.
//! * At the end: all members have the same roster, rules, pins and lines, in the same order, and each post that is for them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;

use kith_engine::groups::Log;
use kith_engine::groups::history::rows as history;
use kith_engine::query;
use kith_engine::view::GroupView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageView;
use kith_engine::view::Receipts;
use kith_proto::codec::Decode as _;
use kith_proto::group::History;
use kith_proto::group::Kind;
use kith_proto::group::Operation;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::id::OperationId;
use kith_proto::id::ViewId;
use kith_proto::post::Post;
use kith_proto::rows::Direction;
use kith_proto::rows::Rows as _;
use kith_proto::rows::Table;

use crate::action::Who;
use crate::disk::Disk;
use crate::oracle;
use crate::person::Person;

/// The operations of all groups (`kith-engine`, `rows/groups.rs`).
const OPERATIONS: Table = Table::plain("group_operations");

/// Beyond so many people nothing is noted on the way; the end is checked all the same.
const WATCHED_PEOPLE: usize = 64;

/// What was known, and who was a member by it.
#[derive(Debug)]
struct Known {
    operations: BTreeSet<OperationId>,
    members: BTreeSet<AccountId>,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Ledger {
    written: BTreeMap<String, Who>,
    shown: BTreeSet<(Who, MessageId)>,
    held: BTreeMap<MessageId, BTreeSet<Who>>,
    read: BTreeMap<MessageId, BTreeSet<Who>>,
    sizes: BTreeMap<Who, usize>,
    known: BTreeMap<ViewId, Known>,
    /// Messages that somebody wanted to delete for everybody: who has them is not counted any more.
    deleted: BTreeSet<MessageId>,
    /// Messages of which too much was told once.
    told: BTreeSet<MessageId>,
    /// Who knew, at any time, that somebody was a member: group, who knows, of whom.
    members: BTreeSet<(GroupId, Who, Who)>,
    /// Who knew, at any time, that somebody was no member any more: they confirmed what that one wrote, or what came while they
    /// were out themselves, and did not take it. Logs that are the same again do not tell.
    left: BTreeSet<(GroupId, Who, Who)>,
    /// People who do not keep to the rules: nothing holds for them.
    pub liars: BTreeSet<Who>,
    /// What went wrong.
    pub failures: Vec<String>,
    /// Texts shown.
    pub seen: u64,
}

/// What one member has of a group at the end.
struct Held {
    who: Who,
    view: GroupView,
    timeline: Vec<MessageView>,
}

impl Ledger {
    fn fail(&mut self, what: String) {
        if self.failures.len() < 20 {
            self.failures.push(what);
        }
    }

    /// Somebody writes. Returns the text.
    pub(crate) fn write(&mut self, who: Who, number: u64) -> String {
        let text = format!("{who} #{number}");
        self.written.insert(text.clone(), who);
        text
    }

    /// Somebody is shown a text. Returns who wrote it.
    pub(crate) fn shown(&mut self, people: &[Person], to: Who, message: &MessageView) -> Option<Who> {
        self.seen += 1;
        let from = people.iter().position(|person| person.account == message.sender);
        let from = from.filter(|from| {
            self.liars.contains(from) || self.written.get(&message.text).is_some_and(|who| who == from)
        });
        if from.is_none() {
            self.fail(format!("{to} is shown something in a group that nobody wrote"));
        }
        if !self.shown.insert((to, message.message)) {
            self.fail(format!("{to} is shown the same in a group twice: {}", message.text));
        }
        self.held.entry(message.message).or_default().insert(to);
        from
    }

    /// Somebody reads these.
    pub(crate) fn reads(&mut self, who: Who, messages: impl Iterator<Item = MessageId>) {
        for message in messages {
            self.read.entry(message).or_default().insert(who);
        }
    }

    /// Somebody deletes a message for everybody.
    pub(crate) fn deletes(&mut self, message: MessageId) {
        self.deleted.insert(message);
    }

    /// Somebody put an old disk back: what they saw since may come again.
    pub(crate) fn restored(&mut self, who: Who) {
        self.shown.retain(|(to, _)| *to != who);
        self.sizes.remove(&who);
    }

    /// A group changed for somebody.
    pub(crate) fn changed(&mut self, people: &[Person], who: Who, group: &GroupId) {
        let Ok(Some(view)) = query::group(&people[who].disk, group) else { return };
        for (other, person) in people.iter().enumerate() {
            let listed = view.members.iter().any(|member| member.account == person.account);
            if listed && (other != who || super::is_ours(&view)) {
                self.members.insert((*group, who, other));
            } else if self.members.contains(&(*group, who, other)) {
                self.left.insert((*group, who, other));
            }
        }
    }

    /// Somebody is told how many have what they wrote. While the log of the group is not the same everywhere, whoever
    /// takes nothing of the author any more, or has left, has confirmed it all the same; the end is for that.
    pub(crate) fn receipts(
        &mut self,
        people: &[Person],
        who: Who,
        group: &GroupId,
        told: (&MessageId, &Receipts),
    ) {
        let (message, receipts) = told;
        let known = |person: &Person| person.disk.rows_in(OPERATIONS.name);
        let calm = people.iter().all(|person| known(person) == known(&people[who]));
        // Whoever put an old disk back has confirmed what is not there any more.
        let kept = people.iter().all(|person| person.restores == 0);
        if people.len() <= WATCHED_PEOPLE && calm && kept {
            self.check_receipts(people, who, group, (message, receipts));
        }
    }

    fn check_receipts(
        &mut self,
        people: &[Person],
        who: Who,
        group: &GroupId,
        told: (&MessageId, &Receipts),
    ) {
        let (message, receipts) = told;
        if self.liars.contains(&who) || self.deleted.contains(message) || self.told.contains(message) {
            return;
        }
        let (held, read) = self.truth(people, who, group, message);
        if (receipts.delivered as usize) > held || (receipts.read as usize) > read {
            self.told.insert(*message);
            self.fail(format!(
                "{who} is told {receipts:?} of a message that {held} have and {read} have read"
            ));
        }
    }

    /// How many others have, or had, a message, and how many have read it.
    fn truth(&self, people: &[Person], who: Who, group: &GroupId, message: &MessageId) -> (usize, usize) {
        let had = self.held.get(message);
        let has = |(other, person): &(usize, &Person)| {
            *other != who
                && (self.liars.contains(other)
                    || had.is_some_and(|had| had.contains(other))
                    || [who, *other].iter().any(|gone| self.left.contains(&(*group, *other, *gone)))
                    // Who has left or was removed may have confirmed it without taking it.
                    || query::group(&person.disk, group).is_ok_and(|view| !view.as_ref().is_some_and(super::is_ours))
                    || query::message(&person.disk, message).is_ok_and(|view| view.is_some()))
        };
        let held = people.iter().enumerate().filter(has).count();
        let read =
            self.read.get(message).map_or(0, |read| read.iter().filter(|other| **other != who).count());
        (held, read + self.liars.len())
    }

    /// Notes what somebody knows, if that has grown.
    pub(crate) fn note(&mut self, who: Who, disk: &Disk, groups: impl FnOnce() -> Vec<GroupId>) {
        let size = disk.rows_in(OPERATIONS.name);
        if self.sizes.insert(who, size) == Some(size) || who >= WATCHED_PEOPLE {
            return;
        }
        for group in groups() {
            let operations = operations_in_order(disk, &group);
            if let Some(known) = Known::of(operations) {
                self.known.entry(known.0).or_insert(known.1);
            }
        }
    }

    /// Checks a group once nothing moves any more. `reached`: who can be reached by the others at all.
    pub(crate) fn check_end(&mut self, people: &[Person], group: &GroupId, reached: &dyn Fn(Who) -> bool) {
        let chat = ChatId::group(group);
        let mut members = Vec::new();
        let mut all = BTreeMap::new();
        for (who, person) in people.iter().enumerate() {
            all.extend(operations(&person.disk, group));
            let view = query::group(&person.disk, group).expect("groups can be read");
            if let Some(view) = view.filter(super::is_ours)
                && !self.liars.contains(&who)
                && reached(who)
            {
                members.push(Held { who, view, timeline: oracle::timeline(&person.disk, &chat) });
            }
        }
        self.check_same(people, &members, reached);
        self.check_lines(&members);
        self.check_whole(people, &members, &all);
        self.check_posts(people, &members, group, &all);
        let void = members.first().map(|held| void(&people[held.who].disk, group)).unwrap_or_default();
        for (who, person) in people.iter().enumerate() {
            if !self.liars.contains(&who) {
                self.check_readable(person, who, group, (&all, &void));
            }
        }
        for held in &members {
            for view in held.timeline.iter().filter(|view| view.outgoing) {
                let Some(told) = &view.receipts else { continue };
                if people.iter().all(|person| person.restores == 0) {
                    self.check_receipts(people, held.who, group, (&view.message, told));
                }
            }
        }
    }

    /// Everybody has the same roster and rules, and whoever is in it knows.
    fn check_same(&mut self, people: &[Person], members: &[Held], reached: &dyn Fn(Who) -> bool) {
        let Some(first) = members.first() else { return };
        for other in members {
            if let Some(difference) = difference(&first.view, &other.view) {
                self.fail(format!("{} and {} differ in a group: {difference}", first.who, other.who));
            }
        }
        let inside: BTreeSet<AccountId> = members.iter().map(|held| people[held.who].account).collect();
        for member in &first.view.members {
            let who = people.iter().position(|person| person.account == member.account);
            if let Some(who) = who.filter(|who| reached(*who) && !self.liars.contains(who))
                && !inside.contains(&member.account)
            {
                self.fail(format!("{who} is a member for {}, and does not know", first.who));
            }
        }
    }

    /// What two members both show stands in the same order, and what happened is the same for all.
    fn check_lines(&mut self, members: &[Held]) {
        let Some(longest) = members.iter().max_by_key(|held| held.timeline.len()) else { return };
        for other in members {
            let names =
                |held: &Held| -> Vec<MessageId> { held.timeline.iter().map(|view| view.message).collect() };
            let (one, two) = (names(longest), names(other));
            let (in_one, in_two): (BTreeSet<_>, BTreeSet<_>) = (one.iter().collect(), two.iter().collect());
            if in_two.len() != two.len() {
                self.fail(format!("{} has something in a group twice", other.who));
            }
            let common = one.iter().filter(|name| in_two.contains(name));
            if !common.eq(two.iter().filter(|name| in_one.contains(name))) {
                self.fail(format!("{} and {} have another order", longest.who, other.who));
            }
            let lines = |held: &Held| -> BTreeSet<MessageId> {
                let lines = held.timeline.iter().filter(|view| view.kind != MessageKind::Text);
                lines.map(|view| view.message).collect()
            };
            if lines(longest) != lines(other) {
                self.fail(format!("{} and {} do not have the same lines", longest.who, other.who));
            }
        }
    }

    /// Where newcomers are given everything, all who were never away have the same, whoever wrote it.
    fn check_whole(&mut self, people: &[Person], members: &[Held], all: &BTreeMap<OperationId, Operation>) {
        let stayed = |held: &&Held| ends(all, &people[held.who].account).next().is_none();
        let always = |operation: &Operation| match &operation.kind {
            Kind::Create(create) => create.policy.history == History::Everything,
            Kind::Policy(policy) => policy.history == History::Everything,
            _ => true,
        };
        let mut stayed = members.iter().filter(stayed);
        let Some(first) = stayed.next().filter(|_| all.values().all(always)) else { return };
        let names =
            |held: &Held| -> BTreeSet<MessageId> { held.timeline.iter().map(|view| view.message).collect() };
        for other in stayed {
            if names(first) != names(other) {
                self.fail(format!("{} and {} do not show the same", first.who, other.who));
            }
        }
    }

    /// Everybody has the posts that are for them.
    fn check_posts(
        &mut self,
        people: &[Person],
        members: &[Held],
        group: &GroupId,
        all: &BTreeMap<OperationId, Operation>,
    ) {
        let mut posts: BTreeMap<MessageId, (Who, ViewId)> = BTreeMap::new();
        for held in members {
            for post in posts_of(&people[held.who].disk, group) {
                let author = people.iter().position(|person| person.account == post.draft.account);
                let Some(author) = author else { continue };
                // What only its author has, who put an old disk back, may be gone; a liar's posts are equal or not.
                if author != held.who || people[author].restores == 0 {
                    posts.insert(post.id().message(), (author, post.draft.view));
                }
            }
        }
        let shown: Vec<BTreeSet<MessageId>> =
            members.iter().map(|held| held.timeline.iter().map(|view| view.message).collect()).collect();
        for (message, (author, view)) in &posts {
            let Some(known) = self.known.get(view) else { continue };
            let lacks: Vec<Who> = members
                .iter()
                .zip(&shown)
                .filter(|(held, shown)| {
                    let account = &people[held.who].account;
                    known.members.contains(account)
                        && !ends(all, account).any(|end| !known.operations.contains(&end))
                        && !shown.contains(message)
                })
                .map(|(held, _)| held.who)
                .collect();
            // Deleted for everybody, it is nowhere.
            let somewhere = shown.iter().any(|shown| shown.contains(message));
            if somewhere && !lacks.is_empty() {
                self.fail(format!("a post of {author} is for {lacks:?}, who do not have it"));
            }
        }
    }

    /// Nobody has a post whose author knew that they are no member.
    fn check_readable(
        &mut self,
        person: &Person,
        who: Who,
        group: &GroupId,
        (all, void): (&BTreeMap<OperationId, Operation>, &BTreeSet<OperationId>),
    ) {
        for post in posts_of(&person.disk, group) {
            let Some(known) = self.known.get(&post.draft.view) else { continue };
            let added = all.iter().any(|(id, operation)| {
                let adds = matches!(&operation.kind, Kind::Add(add) if add.account == person.account);
                adds && !known.operations.contains(id)
            });
            // A removal that does not count in the end was none: whoever it was for is given what was said meanwhile.
            let in_vain =
                ends(all, &person.account).any(|end| known.operations.contains(&end) && void.contains(&end));
            if !known.members.contains(&person.account) && !added && !in_vain {
                self.fail(format!("{who} can read a post that was not for them"));
            }
        }
    }
}

impl Known {
    fn of(operations: Vec<(OperationId, Operation)>) -> Option<(ViewId, Self)> {
        let names = operations.iter().map(|(id, _)| *id).collect();
        let mut log = Log::restore(operations.into_iter().map(|(_, operation)| operation)).ok()?;
        let view = ViewId::of(log.heads().into_iter().map(|head| head.0));
        let members = log.roster().members.keys().copied().collect();
        Some((view, Self { operations: names, members }))
    }
}

/// The operations that end somebody's membership, whether they count or not.
fn ends<'a>(
    all: &'a BTreeMap<OperationId, Operation>,
    account: &'a AccountId,
) -> impl Iterator<Item = OperationId> + 'a {
    let ends = move |operation: &Operation| match &operation.kind {
        Kind::Remove(whom) | Kind::Ban(whom) => whom == account,
        Kind::Leave => operation.author == *account,
        _ => false,
    };
    all.iter().filter(move |(_, operation)| ends(operation)).map(|(id, _)| *id)
}

/// The operations that do not count, by all that a disk has.
fn void(disk: &Disk, group: &GroupId) -> BTreeSet<OperationId> {
    let known = operations_in_order(disk, group).into_iter().map(|(_, operation)| operation);
    Log::restore(known).map(|mut log| log.roster().void.keys().copied().collect()).unwrap_or_default()
}

/// In what two members differ who should have the same.
fn difference(one: &GroupView, other: &GroupView) -> Option<String> {
    let members = |view: &GroupView| -> Vec<_> {
        view.members
            .iter()
            .map(|member| (member.account, member.role, member.muted_until, member.since))
            .collect()
    };
    let same = [
        ("members", members(one) == members(other)),
        ("name", (&one.name, &one.topic) == (&other.name, &other.topic)),
        ("rules", one.policy == other.policy),
        ("bans", one.banned == other.banned),
        ("links", one.links == other.links),
        ("pins", one.pins == other.pins),
        ("beginning", one.created == other.created),
    ];
    let differs: Vec<&str> = same.iter().filter(|(_, same)| !same).map(|(what, _)| *what).collect();
    (!differs.is_empty()).then(|| differs.join(", "))
}

/// The operations that a disk has of a group, by name.
pub fn operations(disk: &Disk, group: &GroupId) -> BTreeMap<OperationId, Operation> {
    operations_in_order(disk, group).into_iter().collect()
}

pub(crate) fn operations_in_order(disk: &Disk, group: &GroupId) -> Vec<(OperationId, Operation)> {
    let found = values(disk, OPERATIONS, group).into_iter();
    found
        .filter_map(|bytes| Operation::from_bytes(&bytes).ok())
        .map(|operation| (operation.id(), operation))
        .collect()
}

/// The posts that a disk has of a group, but for those that were deleted.
pub fn posts_of(disk: &Disk, group: &GroupId) -> Vec<Post> {
    values(disk, history::POSTS, group)
        .into_iter()
        .filter_map(|bytes| Post::from_bytes(&bytes).ok())
        .collect()
}

fn values(disk: &Disk, table: Table, group: &GroupId) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    disk.scan(table, Bound::Included(&group.0), Bound::Unbounded, Direction::Up, &mut |key, value| {
        let ours = key.starts_with(&group.0);
        if ours {
            found.push(value.to_vec());
        }
        ours
    })
    .expect("a simulated disk can be read");
    found
}
