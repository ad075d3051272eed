//! Project Wycheproof's vectors, for every primitive as it is used here: what is valid is taken, what is not is refused.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::KeyInit as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::aead::Payload;
use ed25519_dalek::Signature;
use ed25519_dalek::VerifyingKey;
use hkdf::Hkdf;
use hmac::Hmac;
use hmac::Mac as _;
use sha2::Sha256;
use wycheproof::TestResult;

#[test]
fn x25519() {
    let set = wycheproof::xdh::TestSet::load(wycheproof::xdh::TestName::X25519).unwrap();
    let mut checked = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let secret: [u8; 32] = test.private_key.as_slice().try_into().unwrap();
        let Ok(public) = <[u8; 32]>::try_from(test.public_key.as_slice()) else { continue };
        let shared = x25519_dalek::StaticSecret::from(secret).diffie_hellman(&public.into());
        assert_eq!(shared.as_bytes(), test.shared_secret.as_slice(), "{}", test.tc_id);
        // Points of small order give zeros, and we refuse those.
        let zero = test.shared_secret.iter().all(|byte| *byte == 0);
        assert_eq!(shared.was_contributory(), !zero, "{}", test.tc_id);
        checked += 1;
    }
    assert!(checked > 500);
}

#[test]
fn ed25519_verified_strictly() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut checked = 0;
    for group in &set.test_groups {
        let key = VerifyingKey::from_bytes(group.key.pk.as_slice().try_into().unwrap()).unwrap();
        for test in &group.tests {
            let signature = Signature::from_slice(&test.sig);
            let taken = signature.is_ok_and(|signature| key.verify_strict(&test.msg, &signature).is_ok());
            assert_eq!(taken, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            checked += 1;
        }
    }
    assert!(checked > 100);
}

#[test]
fn chacha20_poly1305_and_xchacha20_poly1305() {
    use wycheproof::aead::TestName;
    let mut checked = 0;
    for name in [TestName::ChaCha20Poly1305, TestName::XChaCha20Poly1305] {
        let set = wycheproof::aead::TestSet::load(name).unwrap();
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let sealed = [test.ct.as_slice(), &test.tag].concat();
            let key: [u8; 32] = test.key.as_slice().try_into().unwrap();
            let payload = Payload { msg: &sealed, aad: &test.aad };
            let opened = match (name, test.nonce.len()) {
                (TestName::ChaCha20Poly1305, 12) => {
                    let nonce: [u8; 12] = test.nonce.as_slice().try_into().unwrap();
                    ChaCha20Poly1305::new(&key.into()).decrypt(&nonce.into(), payload)
                }
                (TestName::XChaCha20Poly1305, 24) => {
                    let nonce: [u8; 24] = test.nonce.as_slice().try_into().unwrap();
                    XChaCha20Poly1305::new(&key.into()).decrypt(&nonce.into(), payload)
                }
                // A nonce of another length is refused by the types.
                _ => continue,
            };
            match test.result {
                TestResult::Valid => assert_eq!(opened.unwrap(), test.pt.as_slice(), "{}", test.tc_id),
                _ => assert!(opened.is_err(), "{}: {}", test.tc_id, test.comment),
            }
            checked += 1;
        }
    }
    assert!(checked > 500);
}

#[test]
fn hkdf_sha_256() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut okm = vec![0; test.size];
        let made = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        match test.result {
            TestResult::Valid => {
                made.unwrap();
                assert_eq!(okm, test.okm.as_slice(), "{}", test.tc_id);
            }
            _ => assert!(made.is_err(), "{}: {}", test.tc_id, test.comment),
        }
    }
}

#[test]
fn hmac_sha_256() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    for group in &set.test_groups {
        for test in &group.tests {
            let mut mac = Hmac::<Sha256>::new_from_slice(&test.key).unwrap();
            mac.update(&test.msg);
            let good = mac.verify_truncated_left(&test.tag).is_ok();
            assert_eq!(good, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
        }
    }
}
