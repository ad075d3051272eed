//! Members and strangers who say what they may not.

use kith_crypto::group::SendingChain;
use kith_crypto::group::sign_post;
use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceList;
use kith_crypto::identity::DeviceSecret;
use kith_proto::bounded::BoundedBytes;
use kith_proto::group::Kind;
use kith_proto::group::Role;
use kith_proto::group::word::GroupText;
use kith_proto::group::word::PostBody;
use kith_proto::id::AccountId;
use kith_proto::sync::SyncWord;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use kith_simulations::disk::Disk;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;
use crate::Command;
use crate::Config;
use crate::account;
use crate::command::Answer;
use crate::commands;
use crate::groups::history::History;
use crate::query;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// Somebody who is a contact of Ann's.
struct Other {
    secret: AccountSecret,
    account: AccountId,
    device: DeviceSecret,
    chain: SendingChain,
}

/// Ann's device, with a group of which Bob is a member and Mallory is not.
struct Scene {
    engine: Engine,
    disk: Disk,
    group: GroupId,
    bob: Other,
    mallory: Other,
    last: Option<(u32, kith_proto::id::PostId)>,
}

fn other(engine: &mut Engine, out: &mut Output, seed: u8) -> Other {
    let mut rng = ChaCha20Rng::from_seed([seed; 32]);
    let secret = AccountSecret::generate(&mut rng);
    let device = DeviceSecret::generate(&mut rng);
    let account = secret.id();
    let list = secret.sign_list(DeviceList {
        account,
        version: 1,
        devices: BoundedVec::truncated(vec![device.entry(&account)]),
        revoked: BoundedVec::default(),
    });
    engine.contacts.add_fellow(&engine.core, out, &account);
    engine.contacts.set_state(out, &account, ContactState::Accepted);
    let bytes = super::super::lists::bytes_of(&list).unwrap();
    engine.devices.learn_list(&mut engine.core, out, &account, &bytes).unwrap();
    engine.peers.add(device.id(), account, out);
    let chain = SendingChain::generate(&mut rng, GroupId([0; 32]), kith_proto::id::ViewId([0; 32]), NOW);
    Other { secret, account, device, chain }
}

impl Scene {
    fn new() -> Self {
        let made = account::create([1; 32], "Ann", None, NOW).unwrap();
        let mut disk = Disk::default();
        disk.commit(made.writes);
        let (mut engine, mut out) = Engine::restore(&disk, NOW, [2; 32], Config::default()).unwrap();
        let (mut bob, mut mallory) = (other(&mut engine, &mut out, 5), other(&mut engine, &mut out, 6));
        let create =
            Command::CreateGroup { name: "harbour".into(), members: vec![bob.account], policy: None };
        let made = commands::run(&mut engine, &disk, &mut out, create);
        let Ok(Answer::Group(view)) = made else { panic!("a group") };
        disk.commit(out.take_writes());
        let view_id = engine.groups.get(&view.group).unwrap().view();
        for (seed, whose) in [(7, &mut bob), (8, &mut mallory)] {
            let mut rng = ChaCha20Rng::from_seed([seed; 32]);
            whose.chain = SendingChain::generate(&mut rng, view.group, view_id, NOW);
        }
        Self { engine, disk, group: view.group, bob, mallory, last: None }
    }

    fn hear(&mut self, device: DeviceId, word: GroupWord) {
        let mut out = Output::new();
        take(&mut self.engine, &self.disk, &mut out, &device, true, word);
        self.disk.commit(out.take_writes());
    }

    fn texts(&self) -> Vec<String> {
        let chat = kith_proto::id::ChatId::group(&self.group);
        let all = query::timeline(&self.disk, &chat, None, 100).unwrap();
        all.into_iter().map(|view| view.text).filter(|text| !text.is_empty()).collect()
    }

    /// What a device seals: a post in the name of an account.
    fn sealed(&mut self, by_bob: bool, account: AccountId, text: &str) -> (GroupWord, GroupWord) {
        let group = self.group;
        let view = self.engine.groups.get(&group).unwrap().view();
        let other = if by_bob { &mut self.bob } else { &mut self.mallory };
        let body = PostBody::Text(GroupText {
            text: kith_proto::bounded::BoundedStr::truncated(text),
            reply_to: None,
            mentions: BoundedVec::default(),
            mentions_all: false,
            expires_secs: None,
        });
        let body = BoundedBytes::new(body.to_bytes()).unwrap();
        let mut draft = History::new(group).compose(account, other.device.id(), view, NOW, body);
        (draft.sequence, draft.previous) = self.last.map_or((1, None), |(said, post)| (said + 1, Some(post)));
        let post = sign_post(&other.device, draft).unwrap();
        self.last = Some((post.draft.sequence, post.id()));
        let share = BoundedBytes::new(other.chain.hand_out().to_bytes().to_vec()).unwrap();
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        let aad = other.device.id().0;
        let envelope = other.chain.seal(&mut rng, NOW, &post.to_bytes(), &aad).unwrap();
        (GroupWord::Chain(share), GroupWord::Post { group, envelope })
    }
}

use kith_proto::codec::Encode as _;

#[test]
fn nobody_but_a_member_is_answered_or_heard() {
    let mut scene = Scene::new();
    let (device, group) = (scene.mallory.device.id(), scene.group);
    let heads = GroupWord::Heads {
        group,
        heads: BoundedVec::default(),
        older: BoundedVec::default(),
        digest: HistoryDigest::default(),
    };
    let part = BoundedBytes::new(SyncWord::Same.to_bytes()).unwrap();
    for word in [
        heads,
        GroupWord::AskChain { group },
        GroupWord::Sync { group, part, last: true },
        GroupWord::Taken { group, parts: 3 },
        GroupWord::Read { group, sequence: 7 },
    ] {
        scene.hear(device, word);
    }
    assert_eq!(scene.engine.stats().foreign_words, 5);
    let mallory = scene.mallory.account;
    let (chain, post) = scene.sealed(false, mallory, "let me in");
    scene.hear(device, chain);
    scene.hear(device, post);
    assert!(scene.texts().is_empty(), "what no member wrote is not shown");
}

#[test]
fn a_member_speaks_for_nobody_else() {
    let mut scene = Scene::new();
    let (device, ann) = (scene.bob.device.id(), scene.engine.devices.account);
    let (chain, post) = scene.sealed(true, ann, "ann says");
    scene.hear(device, chain);
    scene.hear(device, post.clone());
    assert_eq!(scene.engine.stats().bad_posts, 1);
    scene.hear(device, post);
    assert_eq!(scene.engine.stats().bad_posts, 1, "the same again is nothing new");
    let bob = scene.bob.account;
    let (_, post) = scene.sealed(true, bob, "bob says");
    scene.hear(device, post);
    assert_eq!(scene.texts(), ["bob says"]);
}

#[test]
fn an_author_whose_program_does_not_mind_slow_mode_is_not_heard_at_once() {
    let mut scene = Scene::new();
    let (device, bob, group) = (scene.bob.device.id(), scene.bob.account, scene.group);
    let rule = |secs| {
        let policy = kith_proto::group::Policy { slow_mode_secs: secs, ..Default::default() };
        Command::SetPolicy { group, policy }
    };
    let set = |scene: &mut Scene, secs| {
        let mut out = Output::new();
        commands::run(&mut scene.engine, &scene.disk, &mut out, rule(secs)).unwrap();
        scene.disk.commit(out.take_writes());
    };
    set(&mut scene, u32::MAX);
    for text in ["one", "two"] {
        let (chain, post) = scene.sealed(true, bob, text);
        scene.hear(device, chain);
        scene.hear(device, post);
        scene.engine.core.now = scene.engine.core.now + Span::from_secs(60);
    }
    assert_eq!(scene.texts(), ["one"]);
    assert_eq!(scene.engine.groups.get(&group).unwrap().later.len(), 1, "it is kept");
    scene.engine.core.now = scene.engine.core.now + Span::from_days(1);
    assert_eq!(
        kith_proto::group::Policy { slow_mode_secs: u32::MAX, ..Default::default() }.slow_mode(),
        Span::from_days(1)
    );
}

#[test]
fn a_post_whose_chain_is_not_here_waits_for_it_and_not_too_many_do() {
    let mut scene = Scene::new();
    let (device, bob) = (scene.bob.device.id(), scene.bob.account);
    let (chain, post) = scene.sealed(true, bob, "early");
    for _ in 0..1_000 {
        scene.hear(device, post.clone());
    }
    let group = scene.engine.groups.get(&scene.group).unwrap();
    assert_eq!(group.waiting.len(), super::super::state::MAX_WAITING_EACH);
    scene.hear(device, chain);
    assert_eq!(scene.texts(), ["early"]);
    assert!(scene.engine.groups.get(&scene.group).unwrap().waiting.is_empty());
}

#[test]
fn operations_that_no_log_takes_are_counted_and_change_nothing() {
    let mut scene = Scene::new();
    let (device, group) = (scene.mallory.device.id(), scene.group);
    let mut operation = scene.engine.groups.get(&group).unwrap().log.operations().last().unwrap().1.clone();
    operation.kind = Kind::Role { account: scene.mallory.account, role: Role::Owner };
    for number in 0..300_u64 {
        operation.time = Timestamp(number);
        let operations = BoundedVec::truncated(vec![operation.clone()]);
        scene.hear(device, GroupWord::Operations { group, operations, more: false });
    }
    assert_eq!(scene.engine.stats().bad_operations, 300);
    assert_eq!(scene.engine.groups.get(&group).unwrap().log.len(), 2);
}

#[test]
fn a_word_out_of_turn_ends_a_meeting() {
    let mut scene = Scene::new();
    let (device, group) = (scene.bob.device.id(), scene.group);
    let words = [SyncWord::Same, SyncWord::Sent, SyncWord::Done];
    for word in words {
        let part = BoundedBytes::new(word.to_bytes()).unwrap();
        scene.hear(device, GroupWord::Sync { group, part, last: true });
    }
    let part = BoundedBytes::new(vec![0xff; 9]).unwrap();
    scene.hear(device, GroupWord::Sync { group, part, last: true });
    assert_eq!(scene.engine.stats().bad_meetings, 4);
    assert!(scene.engine.groups.get(&group).unwrap().meetings.is_empty());
    assert!(scene.engine.groups.is_fellow(&scene.bob.account));
}

#[test]
fn a_newer_list_waits_for_others_to_file_it_unless_it_takes_a_device_away() {
    let mut scene = Scene::new();
    let (account, group) = (scene.bob.account, scene.group);
    let added = DeviceSecret::generate(&mut ChaCha20Rng::from_seed([20; 32]));
    let list = |scene: &Scene, version, revoked: Vec<DeviceId>| {
        let devices = vec![scene.bob.device.entry(&account), added.entry(&account)];
        let (devices, revoked) = (BoundedVec::truncated(devices), BoundedVec::truncated(revoked));
        scene.bob.secret.sign_list(DeviceList { account, version, devices, revoked })
    };
    // Ann hears of a list, and some time passes. Returns how many operations the log has then.
    let hears = |scene: &mut Scene, list: Option<kith_crypto::identity::SignedDeviceList>, after: Span| {
        let mut out = Output::new();
        let now = scene.engine.core.now + after;
        if let Some(bytes) = list.and_then(|list| super::super::lists::bytes_of(&list)) {
            let (devices, core) = (&mut scene.engine.devices, &mut scene.engine.core);
            devices.learn_list(core, &mut out, &account, &bytes).unwrap();
        }
        for _ in 0..2 {
            scene.engine.handle(now, crate::Input::Wake, &scene.disk, &mut out);
        }
        scene.disk.commit(out.take_writes());
        scene.engine.groups.get(&group).unwrap().log.len()
    };
    let before = hears(&mut scene, None, Span(0));
    let more = list(&scene, 2, Vec::new());
    assert_eq!(hears(&mut scene, Some(more), Span(0)), before, "somebody else may be faster");
    assert_eq!(hears(&mut scene, None, Span::from_secs(15)), before + 1, "nobody was");
    let fewer = list(&scene, 3, vec![added.id()]);
    assert_eq!(hears(&mut scene, Some(fewer), Span(0)), before + 2, "at once");
}
