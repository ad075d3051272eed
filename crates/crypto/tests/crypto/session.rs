//! Two devices and a network that is against them: it drops, reorders, repeats, flips bits and puts old states back.

use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::prekey::PrekeyBundle;
use kith_crypto::prekey::PrekeySecrets;
use kith_crypto::session::FirstEnvelope;
use kith_crypto::session::OpenError;
use kith_crypto::session::Session;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::id::AccountId;
use kith_proto::time::Timestamp;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

struct Side {
    account: AccountId,
    device: DeviceSecret,
    prekeys: PrekeySecrets,
}

fn side(rng: &mut ChaCha20Rng) -> Side {
    let device = DeviceSecret::generate(rng);
    let prekeys = PrekeySecrets::generate(rng, &device, NOW);
    Side { account: AccountSecret::generate(rng).id(), device, prekeys }
}

fn start(rng: &mut ChaCha20Rng, from: &Side, to: &mut Side) -> Session {
    let bundle = to.prekeys.bundle(rng, &to.device);
    let bundle =
        PrekeyBundle::from_bytes(&bundle.to_bytes()).unwrap().verify(&to.device.entry(&to.account)).unwrap();
    Session::initiate(rng, &from.account, &from.device, &to.account, &bundle, NOW).unwrap()
}

fn answer(
    rng: &mut ChaCha20Rng,
    to: &mut Side,
    envelope: &Envelope,
) -> Result<(Session, Vec<u8>), OpenError> {
    let first = FirstEnvelope::open(&to.device, envelope)?;
    let (session, payload) = first.respond(rng, &to.account, &to.device, &to.prekeys, NOW)?;
    to.prekeys.consume(&first.uses());
    Ok((session, payload.to_vec()))
}

/// Ann and Bob with a session that both know.
fn pair(rng: &mut ChaCha20Rng) -> (Session, Session) {
    let (ann, mut bob) = (side(rng), side(rng));
    let mut one = start(rng, &ann, &mut bob);
    let first = one.seal(rng, NOW, b"hello").unwrap();
    let (mut other, payload) = answer(rng, &mut bob, &first).unwrap();
    assert_eq!(payload, b"hello");
    let reply = other.seal(rng, NOW, b"hi").unwrap();
    let (one, payload) = one.open(rng, NOW, &reply).unwrap();
    assert_eq!(payload.as_slice(), b"hi");
    assert!(one.established());
    (one, other)
}

#[test]
fn a_lost_first_envelope_does_not_matter_because_each_one_can_start() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (ann, mut bob) = (side(&mut rng), side(&mut rng));
    let mut session = start(&mut rng, &ann, &mut bob);
    let _lost = session.seal(&mut rng, NOW, b"one").unwrap();
    let second = session.seal(&mut rng, NOW, b"two").unwrap();
    let third = session.seal(&mut rng, NOW, b"three").unwrap();
    let (bobs, payload) = answer(&mut rng, &mut bob, &second).unwrap();
    assert_eq!(payload, b"two");
    let first = FirstEnvelope::open(&bob.device, &third).unwrap();
    let (_, payload) = bobs.open_first(&mut rng, NOW, &first).unwrap();
    assert_eq!(payload.as_slice(), b"three");
}

#[test]
fn a_replayed_handshake_is_known_as_one_and_its_one_time_key_is_gone() {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let (ann, mut bob) = (side(&mut rng), side(&mut rng));
    let mut session = start(&mut rng, &ann, &mut bob);
    let first = session.seal(&mut rng, NOW, b"once").unwrap();
    answer(&mut rng, &mut bob, &first).unwrap();
    assert_eq!(answer(&mut rng, &mut bob, &first).err(), Some(OpenError::Duplicate));
    bob.prekeys = PrekeySecrets::generate(&mut rng, &bob.device, NOW);
    assert_eq!(answer(&mut rng, &mut bob, &first).err(), Some(OpenError::UnknownPrekey));
}

#[test]
fn a_first_envelope_opens_for_nobody_else_and_shows_no_sender() {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let (ann, mut bob, eve) = (side(&mut rng), side(&mut rng), side(&mut rng));
    let mut session = start(&mut rng, &ann, &mut bob);
    let first = session.seal(&mut rng, NOW, b"secret").unwrap();
    assert_eq!(FirstEnvelope::open(&eve.device, &first).err(), Some(OpenError::NotThisSession));
    for known in
        [ann.account.0, ann.device.id().0, ann.device.identity_public(), bob.account.0, bob.device.id().0]
    {
        assert!(!first.as_bytes().windows(32).any(|window| window == known));
    }
}

#[test]
fn somebody_who_only_names_another_as_sender_is_found_out() {
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let (ann, mut bob, eve) = (side(&mut rng), side(&mut rng), side(&mut rng));
    // Eve says she is Ann, with Ann's account, but has only her own keys.
    let bundle = bob.prekeys.bundle(&mut rng, &bob.device).verify(&bob.device.entry(&bob.account)).unwrap();
    let mut session =
        Session::initiate(&mut rng, &ann.account, &eve.device, &bob.account, &bundle, NOW).unwrap();
    let envelope = session.seal(&mut rng, NOW, b"I am Ann").unwrap();
    let first = FirstEnvelope::open(&bob.device, &envelope).unwrap();
    assert_ne!(first.identity(), ann.device.identity_public(), "the identity key gives her away");
}

#[test]
fn both_may_start_at_once() {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let (mut ann, mut bob) = (side(&mut rng), side(&mut rng));
    let mut from_ann = start(&mut rng, &ann, &mut bob);
    let mut from_bob = start(&mut rng, &bob, &mut ann);
    let (a, b) = (from_ann.seal(&mut rng, NOW, b"a").unwrap(), from_bob.seal(&mut rng, NOW, b"b").unwrap());
    assert_eq!(answer(&mut rng, &mut bob, &a).unwrap().1, b"a");
    assert_eq!(answer(&mut rng, &mut ann, &b).unwrap().1, b"b");
}

#[test]
fn a_session_that_was_stored_goes_on() {
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    let (one, other) = pair(&mut rng);
    let mut one = Session::from_bytes(&one.to_bytes()).unwrap();
    let other = Session::from_bytes(&other.to_bytes()).unwrap();
    let envelope = one.seal(&mut rng, NOW, b"after a restart").unwrap();
    assert_eq!(other.open(&mut rng, NOW, &envelope).unwrap().1.as_slice(), b"after a restart");
}

#[test]
fn too_many_missing_envelopes_are_refused_and_envelopes_have_one_of_four_sizes() {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let (mut one, other) = pair(&mut rng);
    let mut last = one.seal(&mut rng, NOW, b"").unwrap();
    for _ in 0..=kith_crypto::ratchet::MAX_SKIP {
        last = one.seal(&mut rng, NOW, b"").unwrap();
    }
    assert_eq!(other.open(&mut rng, NOW, &last).err(), Some(OpenError::TooFar));
    for (payload, size) in
        [(0, 1 << 10), (900, 1 << 10), (1_000, 4 << 10), (10_000, 16 << 10), (60_000, 64 << 10)]
    {
        assert_eq!(one.seal(&mut rng, NOW, &vec![0; payload]).unwrap().as_bytes().len(), size);
    }
    assert!(one.seal(&mut rng, NOW, &vec![0; 70_000]).is_err());
}

#[test]
fn a_state_that_was_set_back_never_uses_a_key_stream_twice() {
    let mut rng = ChaCha20Rng::from_seed([8; 32]);
    let (one, _) = pair(&mut rng);
    let (mut first, mut second) = (one.clone(), one);
    let (a, b) =
        (first.seal(&mut rng, NOW, &[0; 500]).unwrap(), second.seal(&mut rng, NOW, &[0; 500]).unwrap());
    let same = a.sealed().iter().zip(b.sealed()).filter(|(a, b)| a == b).count();
    assert!(same < 40, "{same} equal bytes of {}", a.sealed().len());
}

/// What the network does next.
#[derive(Clone, Debug)]
enum Act {
    Say(bool),
    Deliver(bool, usize),
    Repeat(bool, usize),
    Flip(bool, usize, usize),
    Drop(bool, usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any::<bool>().prop_map(Act::Say),
        5 => (any::<bool>(), 0..64_usize).prop_map(|(to, at)| Act::Deliver(to, at)),
        1 => (any::<bool>(), 0..64_usize).prop_map(|(to, at)| Act::Repeat(to, at)),
        1 => (any::<bool>(), 0..64_usize, any::<usize>()).prop_map(|(to, at, bit)| Act::Flip(to, at, bit)),
        1 => (any::<bool>(), 0..64_usize).prop_map(|(to, at)| Act::Drop(to, at)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_the_network_does_each_envelope_opens_once_unchanged_or_not_at_all(
        acts in prop::collection::vec(act(), 1..160),
        seed in any::<[u8; 32]>(),
    ) {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let (one, other) = pair(&mut rng);
        let mut sides = [one, other];
        // Under way to each side, and delivered to each side.
        let mut way: [Vec<(u32, Envelope)>; 2] = [Vec::new(), Vec::new()];
        let mut done: [Vec<(u32, Envelope)>; 2] = [Vec::new(), Vec::new()];
        let mut number = 0_u32;
        for act in acts {
            match act {
                Act::Say(from) => {
                    number += 1;
                    let envelope = sides[usize::from(from)].seal(&mut rng, NOW, &number.to_le_bytes()).unwrap();
                    way[usize::from(!from)].push((number, envelope));
                }
                Act::Deliver(to, at) => {
                    let to = usize::from(to);
                    if way[to].is_empty() { continue; }
                    let at = at % way[to].len();
                    let (said, envelope) = way[to].remove(at);
                    let (state, payload) = sides[to].open(&mut rng, NOW, &envelope).unwrap();
                    prop_assert_eq!(payload.as_slice(), &said.to_le_bytes());
                    sides[to] = Session::from_bytes(&state.to_bytes()).unwrap();
                    done[to].push((said, envelope));
                }
                Act::Repeat(to, at) => {
                    let to = usize::from(to);
                    if done[to].is_empty() { continue; }
                    let at = at % done[to].len();
                    prop_assert!(sides[to].open(&mut rng, NOW, &done[to][at].1).is_err());
                }
                Act::Flip(to, at, bit) => {
                    let to = usize::from(to);
                    if way[to].is_empty() { continue; }
                    let at = at % way[to].len();
                    let mut bytes = way[to][at].1.as_bytes().to_vec();
                    let bit = bit % (bytes.len() * 8);
                    bytes[bit / 8] ^= 1 << (bit % 8);
                    if let Ok(envelope) = Envelope::parse(bytes) {
                        prop_assert!(sides[to].open(&mut rng, NOW, &envelope).is_err());
                    }
                }
                Act::Drop(to, at) => {
                    let to = usize::from(to);
                    if way[to].is_empty() { continue; }
                    let at = at % way[to].len();
                    way[to].remove(at);
                }
            }
        }
        // What was not dropped still opens, whatever came before.
        for to in 0..2 {
            for (said, envelope) in std::mem::take(&mut way[to]).into_iter().rev() {
                let (state, payload) = sides[to].open(&mut rng, NOW, &envelope).unwrap();
                prop_assert_eq!(payload.as_slice(), &said.to_le_bytes());
                sides[to] = state;
            }
        }
    }
}
