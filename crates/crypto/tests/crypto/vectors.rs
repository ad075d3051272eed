//! The primitives as they are used here, against published vectors; identities against their own rules.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::KeyInit as _;
use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::aead::Payload;
use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceList;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::identity::PhraseError;
use kith_crypto::identity::SignedDeviceList;
use kith_crypto::prekey::PrekeySecrets;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::AccountId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.replace([' ', '\n'], "").as_bytes()).unwrap()
}

#[test]
fn x25519_of_rfc_7748() {
    let scalar: [u8; 32] =
        hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4").try_into().unwrap();
    let point: [u8; 32] =
        hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c").try_into().unwrap();
    let shared = x25519_dalek::x25519(scalar, point);
    assert_eq!(shared.to_vec(), hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
}

#[test]
fn chacha20_poly1305_of_rfc_8439() {
    let key: [u8; 32] =
        hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f").try_into().unwrap();
    let nonce: [u8; 12] = hex("070000004041424344454647").try_into().unwrap();
    let aad = hex("50515253c0c1c2c3c4c5c6c7");
    let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    let sealed =
        ChaCha20Poly1305::new(&key.into()).encrypt(&nonce.into(), Payload { msg: text, aad: &aad }).unwrap();
    assert_eq!(sealed.last_chunk::<16>().unwrap().to_vec(), hex("1ae10b594f09e26a7e902ecbd0600691"));
    assert_eq!(sealed.first_chunk::<8>().unwrap().to_vec(), hex("d31a8d34648e60db"));
}

#[test]
fn hkdf_of_rfc_5869() {
    let (salt, secret, info) =
        (hex("000102030405060708090a0b0c"), hex(&"0b".repeat(22)), hex("f0f1f2f3f4f5f6f7f8f9"));
    let mut out = [0; 42];
    hkdf::Hkdf::<sha2::Sha256>::new(Some(&salt), &secret).expand(&info, &mut out).unwrap();
    let wanted = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    assert_eq!(out.to_vec(), hex(wanted));
}

#[test]
fn a_recovery_phrase_of_bip_39_brings_the_seed_back_and_says_which_word_is_wrong() {
    // Trezor's vectors: 32 bytes of 0x7f.
    let phrase = "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful \
                  legal winner thank year wave sausage worth title";
    let secret = AccountSecret::from_phrase(phrase).unwrap();
    assert_eq!(secret.seed(), &[0x7f; 32]);
    assert_eq!(secret.phrase().as_str(), phrase);
    assert!(AccountSecret::from_phrase(&format!("  {}  ", phrase.to_uppercase())).is_ok());
    assert_eq!(AccountSecret::from_phrase("legal winner").err(), Some(PhraseError::WordCount(2)));
    assert_eq!(
        AccountSecret::from_phrase(&phrase.replacen("thank", "thanx", 1)).err(),
        Some(PhraseError::UnknownWord(3))
    );
    assert_eq!(
        AccountSecret::from_phrase(&phrase.replacen("title", "winner", 1)).err(),
        Some(PhraseError::Checksum)
    );
}

fn signed(secret: &AccountSecret, device: &DeviceSecret, version: u32) -> SignedDeviceList {
    let devices = BoundedVec::new(vec![device.entry(&secret.id())]).unwrap();
    secret.sign_list(DeviceList { account: secret.id(), version, devices, revoked: BoundedVec::default() })
}

#[test]
fn a_device_list_is_believed_only_unchanged_and_only_for_its_account() {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    let (secret, device) = (AccountSecret::generate(&mut rng), DeviceSecret::generate(&mut rng));
    let list = signed(&secret, &device, 1);
    assert!(list.verify(&secret.id()).is_ok());
    assert!(list.verify(&AccountId([3; 32])).is_err());
    let bytes = list.to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= 4;
        }
        let believed =
            SignedDeviceList::from_bytes(&changed).is_ok_and(|list| list.verify(&secret.id()).is_ok());
        assert!(!believed, "byte {at}");
    }
    assert_ne!(list.hash(), signed(&secret, &device, 2).hash());
}

#[test]
fn nobody_can_list_the_device_of_somebody_else() {
    let mut rng = ChaCha20Rng::from_seed([11; 32]);
    let (mallory, bob) = (AccountSecret::generate(&mut rng), AccountSecret::generate(&mut rng));
    let bobs = DeviceSecret::generate(&mut rng);
    // What Mallory has seen: the entry from Bob's own list.
    let seen = bobs.entry(&bob.id());
    let devices = BoundedVec::new(vec![seen]).unwrap();
    let stolen = mallory.sign_list(DeviceList {
        account: mallory.id(),
        version: 1,
        devices,
        revoked: BoundedVec::default(),
    });
    assert!(stolen.verify(&mallory.id()).is_err());
}

#[test]
fn a_prekey_outlives_an_absence_and_a_wrong_clock() {
    let mut rng = ChaCha20Rng::from_seed([12; 32]);
    let device = DeviceSecret::generate(&mut rng);
    let begin = Timestamp(1_800_000_000_000);
    let mut prekeys = PrekeySecrets::generate(&mut rng, &device, begin);
    let count = |prekeys: &PrekeySecrets| prekeys.to_bytes().len() / 100;
    // Away for 40 days: what was written meanwhile used the old one, and it is still there.
    assert!(prekeys.rotate(&mut rng, &device, begin + Span::from_days(40)));
    assert_eq!(count(&prekeys), 2);
    for week in 1..6 {
        prekeys.rotate(&mut rng, &device, begin + Span::from_days(40 + 7 * week));
    }
    assert_eq!(count(&prekeys), 6, "each goes thirty days after its successor came");
    // A start under a clock years ahead does not freeze the prekeys until then.
    let late = begin + Span::from_days(5_000);
    assert!(prekeys.rotate(&mut rng, &device, late));
    assert!(prekeys.rotate(&mut rng, &device, begin + Span::from_days(80)));
}

#[test]
fn prekeys_are_changed_weekly_survive_storage_and_are_bound_to_their_device() {
    let mut rng = ChaCha20Rng::from_seed([10; 32]);
    let (device, other) = (DeviceSecret::generate(&mut rng), DeviceSecret::generate(&mut rng));
    let (begin, account) = (Timestamp(1_800_000_000_000), AccountId([4; 32]));
    let mut prekeys = PrekeySecrets::generate(&mut rng, &device, begin);
    assert!(!prekeys.rotate(&mut rng, &device, begin + Span::from_days(6)));
    assert!(prekeys.rotate(&mut rng, &device, begin + Span::from_days(7)));
    let mut again = PrekeySecrets::from_bytes(&prekeys.to_bytes()).unwrap();
    let bundle = again.bundle(&mut rng, &device);
    assert!(bundle.verify(&device.entry(&account)).is_ok());
    assert!(bundle.verify(&other.entry(&account)).is_err());
    assert!(bundle.to_bytes().len() <= kith_proto::frame::MAX_BUNDLE_BYTES);
    assert!(DeviceSecret::from_bytes(&device.to_bytes()).is_ok_and(|same| same.id() == device.id()));
}
