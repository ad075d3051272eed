//! Members who do not keep to the rules. Their engine is the real one, and stops for a moment in which its disk is changed:
//! what stands there then, signed with their own key, it tells the others as if it had been written properly.
//!
//! Not here: words that no engine would say, as operations whose parents nobody has; the engine's own tests have those.

use kith_crypto::group::sign_post;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::operation::sign_operation;
use kith_engine::Output;
use kith_engine::groups::Log;
use kith_engine::groups::history::History;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::codec::Reader;
use kith_proto::group::GroupProfile;
use kith_proto::group::Kind;
use kith_proto::group::Operation;
use kith_proto::group::word::GroupText;
use kith_proto::group::word::PostBody;
use kith_proto::id::GroupId;
use kith_proto::id::PostId;
use kith_proto::id::ViewId;
use kith_proto::post::Draft;
use kith_proto::rows::Rows as _;
use kith_proto::rows::Table;
use kith_proto::rows::Write;
use kith_proto::time::Span;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Who;
use crate::chance::Purpose;
use crate::groups::ledger;
use crate::world::World;

/// The own keys (`kith-engine`, `rows.rs`).
const ACCOUNT: Table = Table::plain("account");

/// Posts that a flood has.
const FLOOD: usize = 100;

/// Operations that a flood has.
const OPERATIONS: usize = 20;

/// What a liar does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lie {
    /// Signs two posts under one number.
    TwoPosts,
    /// Signs a post that names others which do not exist, of next year.
    Parents,
    /// Signs many posts at once.
    Flood,
    /// Signs two operations beside each other.
    TwoOperations,
    /// Signs an operation that knows nothing of the last ones.
    Old,
    /// Signs many operations at once.
    ManyOperations,
}

/// All of them.
pub const LIES: [Lie; 6] =
    [Lie::TwoPosts, Lie::Parents, Lie::Flood, Lie::TwoOperations, Lie::Old, Lie::ManyOperations];

/// Somebody lies. Nothing happens where the real engine would not even begin.
pub(crate) fn act(world: &mut World, who: Who, group: &GroupId, lie: Lie) {
    world.groups.ledger.liars.insert(who);
    world.act(&Action::Stop(who));
    if let Some(secret) = secret(world, who) {
        match lie {
            Lie::TwoPosts | Lie::Parents | Lie::Flood => posts(world, who, (group, &secret), lie),
            Lie::TwoOperations | Lie::Old | Lie::ManyOperations => {
                operations(world, who, (group, &secret), lie);
            }
        }
    }
    world.act(&Action::Start(who));
}

/// The key of a device, as its row has it: version, account's seed, account, device.
fn secret(world: &World, who: Who) -> Option<DeviceSecret> {
    let row = world.people[who].disk.get(ACCOUNT, b"self").ok()??;
    let mut reader = Reader::new(row.get(1 + 1 + 32 + 32..)?);
    let length = usize::try_from(reader.varint("device", 4_096).ok()?).ok()?;
    DeviceSecret::from_bytes(reader.take(length).ok()?).ok()
}

fn posts(world: &mut World, who: Who, (group, secret): (&GroupId, &DeviceSecret), lie: Lie) {
    let Ok(mut history) = History::load(*group, &world.people[who].disk) else { return };
    let (account, now) = (world.people[who].account, world.now());
    let count = if lie == Lie::Flood { FLOOD } else { 1 };
    let mut out = Output::new();
    for _ in 0..count {
        let draft = history.compose(account, secret.id(), ViewId([7; 32]), now, body("lies"));
        let drafts = match lie {
            Lie::TwoPosts => vec![Draft { body: body("on the other hand"), ..draft.clone() }, draft],
            Lie::Parents => {
                let mut parents: Vec<PostId> = (1..=4).map(|number| PostId([number; 32])).collect();
                parents.sort_unstable();
                vec![Draft {
                    parents: BoundedVec::truncated(parents),
                    time: now + Span::from_days(400),
                    ..draft
                }]
            }
            _ => vec![draft],
        };
        for draft in drafts {
            if let Ok(post) = sign_post(secret, draft) {
                _ = history.insert(&world.people[who].disk, &mut out, &post);
            }
        }
    }
    world.people[who].disk.commit(out.take_writes());
}

fn body<const MAX: usize>(text: &str) -> BoundedBytes<MAX> {
    let text = GroupText {
        text: BoundedStr::truncated(text.to_owned()),
        reply_to: None,
        mentions: BoundedVec::default(),
        mentions_all: false,
        expires_secs: None,
    };
    BoundedBytes::new(PostBody::Text(text).to_bytes()).unwrap_or_default()
}

fn operations(world: &mut World, who: Who, (group, secret): (&GroupId, &DeviceSecret), lie: Lie) {
    let known = ledger::operations_in_order(&world.people[who].disk, group);
    let Ok(mut log) = Log::restore(known.iter().map(|(_, operation)| operation.clone())) else { return };
    let (account, now) = (world.people[who].account, world.now());
    let mut made = Vec::new();
    let count = if lie == Lie::ManyOperations { OPERATIONS } else { 1 };
    for number in 0..count {
        let Ok(operation) = log.draft((&account, secret), now, rename(&format!("lie {number}"))) else {
            return;
        };
        match lie {
            Lie::TwoOperations => {
                made.push(signed(secret, Operation { kind: Kind::Leave, ..operation.clone() }));
            }
            Lie::Old => {
                // As if only the first half had been heard of.
                let at = world.dice(Purpose::Lie, who, who).one_of(known.len());
                let Some((parent, _)) = known.get(at) else { return };
                let own = |(id, one): &&(_, Operation)| {
                    one.device == secret.id() && (id == parent || log.follows(parent, id) == Some(true))
                };
                let sequence = known.iter().filter(own).count() as u64 + 1;
                let parents = BoundedVec::truncated(vec![*parent]);
                made.push(signed(secret, Operation { parents, sequence, ..operation }));
                break;
            }
            _ => {}
        }
        _ = log.insert(operation.clone());
        made.push(operation);
    }
    let first = known.len() as u64;
    let writes = made.into_iter().enumerate().map(|(number, operation)| {
        let key = [&group.0[..], &(first + number as u64).to_be_bytes()].concat();
        Write { table: "group_operations".to_owned(), key, value: Some(operation.to_bytes()) }
    });
    world.people[who].disk.commit(writes.collect());
}

fn rename(name: &str) -> Kind {
    Kind::Profile(GroupProfile { name: BoundedStr::truncated(name.to_owned()), ..GroupProfile::default() })
}

fn signed(secret: &DeviceSecret, mut operation: Operation) -> Operation {
    sign_operation(secret, &mut operation);
    operation
}
