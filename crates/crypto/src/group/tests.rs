//! Chains against a network and against other members: whoever has a chain can open, and only its owner can seal.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::ViewId;
use kith_proto::post::Draft;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::keys;
use super::*;
use crate::identity::DeviceSecret;
use crate::primitives;
use crate::session::SealError;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const GROUP: GroupId = GroupId([1; 32]);
const VIEW: ViewId = ViewId([2; 32]);

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn pair(rng: &mut ChaCha20Rng) -> (SendingChain, ReceivingChain) {
    let sending = SendingChain::generate(rng, GROUP, VIEW, NOW);
    let receiving = ReceivingChain::new(sending.hand_out());
    (sending, receiving)
}

fn flipped(envelope: &Envelope, bit: usize) -> Option<Envelope> {
    let mut bytes = envelope.as_bytes().to_vec();
    let bit = 8 + bit % (8 * (bytes.len() - 1));
    bytes[bit / 8] ^= 1 << (bit % 8);
    Envelope::parse(bytes).ok()
}

#[test]
fn what_is_sealed_opens_once_in_any_order() {
    let mut rng = rng(1);
    let (mut ann, mut bob) = pair(&mut rng);
    let sealed: Vec<_> =
        (0..1_000_u32).map(|n| ann.seal(&mut rng, NOW, &n.to_be_bytes(), b"").unwrap()).collect();
    for (n, envelope) in sealed.iter().enumerate().rev() {
        let (state, plain) = bob.open(NOW, envelope, b"").unwrap();
        assert_eq!(*plain, u32::try_from(n).unwrap().to_be_bytes());
        bob = state;
    }
    assert_eq!(bob.skipped(), 0, "every key was used");
    for envelope in &sealed {
        assert_eq!(bob.open(NOW, envelope, b"").err(), Some(ChainError::KeyGone), "a replay");
    }
}

#[test]
fn a_message_opens_only_with_its_surroundings() {
    let mut rng = rng(2);
    let (mut ann, bob) = pair(&mut rng);
    let sealed = ann.seal(&mut rng, NOW, b"hello", b"here").unwrap();
    assert_eq!(bob.open(NOW, &sealed, b"there").err(), Some(ChainError::NotThisChain));
    assert_eq!(bob.open(NOW, &sealed, b"here").unwrap().1.as_slice(), b"hello");
    let (_, other) = pair(&mut rng);
    assert_eq!(other.open(NOW, &sealed, b"here").err(), Some(ChainError::NotThisChain));
}

#[test]
fn an_outsider_sees_an_envelope_like_any_other() {
    let mut rng = rng(3);
    let (mut ann, bob) = pair(&mut rng);
    let share = ann.hand_out();
    for (length, size) in [(0, 1 << 10), (894, 1 << 10), (895, 4 << 10), (40_000, 64 << 10)] {
        let sealed = ann.seal(&mut rng, NOW, &vec![7; length], b"").unwrap();
        assert_eq!(sealed.as_bytes().len(), size, "{length} bytes");
        assert_eq!(sealed.tag(), bob.tag(NOW.day()));
        for known in [&GROUP.0[..], &VIEW.0, &share.signer(), &share.chain()] {
            assert!(!sealed.as_bytes().windows(known.len()).any(|window| window == known));
        }
        // The last bits of an Ed25519 signature are zeros; nothing at the end of an envelope may show that.
        assert!(ann.seal(&mut rng, NOW, b"", b"").unwrap() != ann.seal(&mut rng, NOW, b"", b"").unwrap());
    }
    assert_ne!(bob.tag(NOW.day()), bob.tag(NOW.day() + 1), "the next day shows no connection");
    assert_eq!(ann.seal(&mut rng, NOW, &[0; 64 << 10], b""), Err(SealError::TooLong));
}

#[test]
fn a_share_opens_nothing_from_before_it_was_handed_out() {
    let mut rng = rng(4);
    let (mut ann, _) = pair(&mut rng);
    let before = ann.seal(&mut rng, NOW, b"before", b"").unwrap();
    let late = ReceivingChain::new(ChainShare::from_bytes(&ann.hand_out().to_bytes()).unwrap());
    let after = ann.seal(&mut rng, NOW, b"after", b"").unwrap();
    assert_eq!(late.open(NOW, &before, b"").err(), Some(ChainError::KeyGone));
    assert_eq!(late.open(NOW, &after, b"").unwrap().1.as_slice(), b"after");
    assert_eq!(ann.hand_out().to_bytes().len(), SHARE_BYTES);
}

/// Another member, who has everything that the owner has handed out, and seals in the owner's name.
fn forge(rng: &mut ChaCha20Rng, share: &ChainShare, iteration: u32, plain: &[u8]) -> Envelope {
    let mut eve = SendingChain::generate(rng, GROUP, VIEW, NOW).to_bytes();
    // Everything but the signing key is the victim's.
    let stolen = share.to_bytes();
    let own_signer = eve[113..145].to_vec();
    eve[1..181].copy_from_slice(&stolen[1..181]);
    assert!(SendingChain::from_bytes(&eve).is_err(), "a chain with a foreign signing key is not read");
    eve[113..145].copy_from_slice(&own_signer);
    let eve = SendingChain::from_bytes(&eve).unwrap();
    // With her own signing key the identity differs, so she has to put the message together by hand.
    let cover = share.identity.cover();
    let tag = cover.tag(NOW.day());
    let authenticated = cover.authenticated(&tag, b"");
    let salt = [9; 12];
    let head = cover.seal_head(&salt, iteration, &authenticated);
    let mut hashes = share.hashes.clone();
    while hashes.iteration < iteration {
        hashes.step();
    }
    let mut content = plain.to_vec();
    let length =
        Envelope::box_len_for(plain.len() + 1 + CHAIN_OVERHEAD_BYTES).unwrap() - CHAIN_OVERHEAD_BYTES;
    crate::padding::pad(&mut content, length).unwrap();
    let signed = keys::signed_bytes(&authenticated, &head, iteration, &content);
    content.extend_from_slice(&eve.sign_for_test(&signed));
    let (key, nonce) = keys::content_key(&hashes.step(), &salt);
    primitives::seal_in_place(&key, &nonce, &[authenticated.as_slice(), &head].concat(), &mut content);
    Envelope::new(tag, &[head, content].concat()).unwrap()
}

#[test]
fn another_member_cannot_speak_for_the_owner() {
    let mut rng = rng(5);
    let (mut ann, bob) = pair(&mut rng);
    let share = ann.hand_out();
    for iteration in [0, 1, 999] {
        let forged = forge(&mut rng, &share, iteration, b"i am ann");
        assert_eq!(bob.open(NOW, &forged, b"").err(), Some(ChainError::Forged));
    }
    let real = ann.seal(&mut rng, NOW, b"i am ann", b"").unwrap();
    assert!(bob.open(NOW, &real, b"").is_ok(), "the forgeries have used up nothing");
}

#[test]
fn another_member_cannot_seal_the_owners_words_again() {
    let mut rng = rng(6);
    let (mut ann, bob) = pair(&mut rng);
    let share = ann.hand_out();
    let real = ann.seal(&mut rng, NOW, b"yes", b"").unwrap();
    // Eve opens it, keeps words and signature, and seals them for the next iteration.
    let cover = share.identity.cover();
    let authenticated = cover.authenticated(&real.tag(), b"");
    let (head, content) = real.sealed().split_at(keys::HEAD_BYTES);
    let mut hashes = share.hashes;
    let (key, nonce) = keys::content_key(&hashes.step(), head.first_chunk().unwrap());
    let aad = [authenticated.as_slice(), head].concat();
    let mut content = primitives::open(&key, &nonce, &aad, content).unwrap().to_vec();
    let head = cover.seal_head(&[8; 12], 1, &authenticated);
    let (key, nonce) = keys::content_key(&hashes.step(), &[8; 12]);
    primitives::seal_in_place(&key, &nonce, &[authenticated, head.clone()].concat(), &mut content);
    let again = Envelope::new(real.tag(), &[head, content].concat()).unwrap();
    assert_eq!(bob.open(NOW, &again, b"").err(), Some(ChainError::Forged));
}

#[test]
fn a_state_that_was_put_back_repeats_no_key_stream() {
    let mut rng = rng(7);
    let (ann, bob) = pair(&mut rng);
    let old = ann.to_bytes();
    let [one, other] = [b"one", b"two"].map(|plain| {
        let mut restored = SendingChain::from_bytes(&old).unwrap();
        restored.seal(&mut rng, NOW, plain, b"").unwrap()
    });
    let same = one.sealed().iter().zip(other.sealed()).skip(keys::HEAD_BYTES).filter(|(a, b)| a == b).count();
    assert!(same < 20, "{same} bytes of two unrelated streams are alike by chance");
    let (bob, _) = bob.open(NOW, &one, b"").unwrap();
    assert_eq!(bob.open(NOW, &other, b"").err(), Some(ChainError::KeyGone));
}

#[test]
fn what_may_be_missing_is_bounded() {
    let mut rng = rng(8);
    let (mut ann, mut bob) = pair(&mut rng);
    let sealed: Vec<_> = (0..5_000_u32).map(|_| ann.seal(&mut rng, NOW, b"", b"").unwrap()).collect();
    assert_eq!(bob.open(NOW, &sealed[1_001], b"").err(), Some(ChainError::TooFar));
    for at in [1_000, 2_001, 3_002, 4_003] {
        bob = bob.open(NOW, &sealed[at], b"").unwrap().0;
    }
    assert_eq!(bob.skipped(), MAX_KEPT);
    assert_eq!(bob.open(NOW, &sealed[5], b"").err(), Some(ChainError::KeyGone), "the oldest are given up");
    assert!(bob.open(NOW, &sealed[2_002], b"").is_ok());
    assert!(bob.to_bytes().len() <= MAX_CHAIN_BYTES);
    assert_eq!(bob.oldest_skipped(), Some(NOW));
    bob.forget_skipped(NOW + SKIPPED_LIFE);
    assert_eq!((bob.skipped(), bob.oldest_skipped()), (0, None));
}

#[test]
fn stored_chains_come_back_and_nothing_else_does() {
    let mut rng = rng(9);
    let (mut ann, mut bob) = pair(&mut rng);
    let sealed: Vec<_> = (0..20).map(|_| ann.seal(&mut rng, NOW, b"", b"").unwrap()).collect();
    bob = bob.open(NOW, &sealed[19], b"").unwrap().0;
    let (anns, bobs) = (ann.to_bytes(), bob.to_bytes());
    assert_eq!(SendingChain::from_bytes(&anns).unwrap().to_bytes(), anns);
    let back = ReceivingChain::from_bytes(&bobs).unwrap();
    assert_eq!(back.to_bytes(), bobs);
    assert!(back.open(NOW, &sealed[3], b"").is_ok());
    for cut in 0..bobs.len() {
        assert!(ReceivingChain::from_bytes(&bobs[..cut]).is_err());
    }
    for cut in 0..anns.len() {
        assert!(SendingChain::from_bytes(&anns[..cut]).is_err());
    }
    let share = ann.hand_out().to_bytes();
    assert!((0..share.len()).all(|cut| ChainShare::from_bytes(&share[..cut]).is_err()));
}

#[test]
fn a_chain_is_replaced_when_its_time_has_come() {
    let mut rng = rng(10);
    let (mut ann, _) = pair(&mut rng);
    let devices = |numbers: &[u8]| numbers.iter().map(|n| DeviceId([*n; 32])).collect::<BTreeSet<_>>();
    let (holders, roster) = (devices(&[1, 2]), devices(&[1, 2, 3]));
    let rule =
        |chain: &SendingChain, roster: &BTreeSet<_>, now| must_rotate(chain, &holders, roster, now, false);
    assert_eq!(rule(&ann, &roster, NOW), None, "whoever is new gets a share");
    assert_eq!(rule(&ann, &devices(&[1, 3]), NOW), Some(Rotate::Left));
    assert_eq!(rule(&ann, &roster, NOW + Span(MAX_AGE.0 - 1)), None);
    assert_eq!(rule(&ann, &roster, NOW + MAX_AGE), Some(Rotate::Age));
    assert_eq!(rule(&ann, &roster, Timestamp(NOW.0 - MAX_CLOCK_STEP.0)), None);
    assert_eq!(rule(&ann, &roster, Timestamp(NOW.0 - MAX_CLOCK_STEP.0 - 1)), Some(Rotate::Doubt));
    assert_eq!(must_rotate(&ann, &holders, &roster, NOW, true), Some(Rotate::Doubt));
    for _ in 0..MAX_SEALED {
        assert_eq!(rule(&ann, &roster, NOW), None);
        ann.seal(&mut rng, NOW, b"", b"").unwrap();
    }
    assert_eq!(rule(&ann, &roster, NOW), Some(Rotate::Count));
}

#[test]
fn a_post_is_its_devices() {
    let mut rng = rng(11);
    let (ann, eve) = (DeviceSecret::generate(&mut rng), DeviceSecret::generate(&mut rng));
    let draft = Draft {
        group: GROUP,
        account: AccountId([3; 32]),
        device: ann.id(),
        sequence: 1,
        previous: None,
        parents: BoundedVec::default(),
        view: VIEW,
        time: NOW,
        body: BoundedBytes::new(b"hello".to_vec()).unwrap(),
    };
    let signed = sign_post(&ann, draft.clone()).unwrap();
    assert_eq!(verify_post(signed.clone().into_inner()).unwrap(), signed);
    assert!(sign_post(&eve, draft.clone()).is_err(), "nobody signs for another device");
    let mut changed = signed.into_inner();
    changed.draft.sequence = 0;
    assert!(verify_post(changed).is_err());
    let mut stolen = sign_post(&ann, draft).unwrap().into_inner();
    stolen.draft.group = GroupId([9; 32]);
    assert!(verify_post(stolen).is_err(), "a post of one group is none of another");
}

/// What the network and another member do to what two members have sealed.
#[derive(Clone, Debug)]
enum Action {
    Seal(usize),
    Deliver(usize, usize),
    Flip(usize, usize),
    Forge(usize, u32),
    Store(usize),
    PutBack,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (0..100_usize).prop_map(Action::Seal),
        8 => (0..3_usize, any::<usize>()).prop_map(|(to, which)| Action::Deliver(to, which)),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(which, bit)| Action::Flip(which, bit)),
        1 => (0..3_usize, 0..1_200_u32).prop_map(|(to, iteration)| Action::Forge(to, iteration)),
        1 => (0..3_usize).prop_map(Action::Store),
        1 => Just(Action::PutBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn nothing_but_what_was_sealed_opens_and_that_once(actions in prop::collection::vec(action(), 1..120)) {
        let mut rng = rng(12);
        let mut ann = SendingChain::generate(&mut rng, GROUP, VIEW, NOW);
        let share = ann.hand_out();
        let mut old = ann.to_bytes();
        let mut receivers = vec![ReceivingChain::new(share.clone()); 3];
        // Each envelope with its iteration and words; which iterations each receiver has opened.
        let mut sealed: Vec<(u32, Vec<u8>, Envelope)> = Vec::new();
        let mut opened: Vec<BTreeMap<u32, Vec<u8>>> = vec![BTreeMap::new(); 3];
        for action in actions {
            match action {
                Action::Seal(length) => {
                    let (iteration, plain) = (ann.sealed(), vec![sealed.len() as u8; length]);
                    let envelope = ann.seal(&mut rng, NOW, &plain, b"ad").unwrap();
                    prop_assert!(sealed.iter().all(|(_, _, other)| other.sealed()[..12] != envelope.sealed()[..12]));
                    sealed.push((iteration, plain, envelope));
                }
                Action::Deliver(to, which) if !sealed.is_empty() => {
                    let (iteration, plain, envelope) = &sealed[which % sealed.len()];
                    match receivers[to].open(NOW, envelope, b"ad") {
                        Ok((state, got)) => {
                            prop_assert_eq!(&*got, plain);
                            prop_assert!(opened[to].insert(*iteration, plain.clone()).is_none(), "opened twice");
                            receivers[to] = state;
                        }
                        Err(error) => {
                            prop_assert_eq!(error, ChainError::KeyGone);
                            prop_assert!(opened[to].contains_key(iteration), "what never came must open");
                        }
                    }
                }
                Action::Flip(which, bit) if !sealed.is_empty() => {
                    let Some(changed) = flipped(&sealed[which % sealed.len()].2, bit) else { continue };
                    for receiver in &receivers {
                        let before = receiver.to_bytes();
                        prop_assert!(receiver.open(NOW, &changed, b"ad").is_err());
                        prop_assert_eq!(&*before, &*receiver.to_bytes());
                    }
                }
                Action::Forge(to, iteration) => {
                    let forged = forge(&mut rng, &share, iteration, b"forged");
                    prop_assert!(receivers[to].open(NOW, &forged, b"").is_err());
                    prop_assert!(receivers[to].open(NOW, &forged, b"ad").is_err());
                }
                Action::Store(to) => {
                    receivers[to] = ReceivingChain::from_bytes(&receivers[to].to_bytes()).unwrap();
                    old = ann.to_bytes();
                }
                Action::PutBack => ann = SendingChain::from_bytes(&old).unwrap(),
                _ => {}
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = ChainShare::from_bytes(&bytes);
        let _ = SendingChain::from_bytes(&bytes);
        let _ = ReceivingChain::from_bytes(&bytes);
    }
}
