//! Two devices and a network that drops, reorders, repeats and flips: what opens is what was sealed, once; nothing that
//! was changed opens; both sides always understand each other in the end.
#![no_main]

use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::prekey::PrekeySecrets;
use kith_crypto::session::FirstEnvelope;
use kith_crypto::session::Session;
use kith_proto::envelope::Envelope;
use kith_proto::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn pair(rng: &mut ChaCha20Rng) -> [Session; 2] {
    let (ann, bob) = (DeviceSecret::generate(rng), DeviceSecret::generate(rng));
    let accounts = [AccountSecret::generate(rng).id(), AccountSecret::generate(rng).id()];
    let prekeys = PrekeySecrets::generate(rng, &bob, NOW);
    let bundle = prekeys.bundle_without_one_time(&bob).verify(&bob.entry(&accounts[1])).unwrap();
    let mut one = Session::initiate(rng, &accounts[0], &ann, &accounts[1], &bundle, NOW).unwrap();
    let first = FirstEnvelope::open(&bob, &one.seal(rng, NOW, b"first").unwrap()).unwrap();
    let (mut other, _) = first.respond(rng, &accounts[1], &bob, &prekeys, NOW).unwrap();
    let reply = other.seal(rng, NOW, b"reply").unwrap();
    [one.open(rng, NOW, &reply).unwrap().0, other]
}

fuzz_target!(|data: &[u8]| {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut sides = pair(&mut rng);
    let mut way: [Vec<(u32, Envelope, bool)>; 2] = [Vec::new(), Vec::new()];
    let mut number = 0_u32;
    for action in data.chunks_exact(2).take(400) {
        let (side, at) = (usize::from(action[0] & 1), usize::from(action[1]));
        let waiting = way[1 - side].len().max(1);
        match action[0] >> 1 & 7 {
            0..=2 => {
                number += 1;
                let envelope = sides[side].seal(&mut rng, NOW, &number.to_be_bytes()).unwrap();
                way[side].push((number, envelope, false));
            }
            3 if at < way[1 - side].len() => drop(way[1 - side].remove(at)),
            4 if at < way[1 - side].len() => {
                let mut bytes = way[1 - side][at].1.as_bytes().to_vec();
                bytes[1 + usize::from(action[0]) * 3] ^= 1;
                if let Ok(changed) = Envelope::parse(bytes) {
                    assert!(sides[side].open(&mut rng, NOW, &changed).is_err(), "what was changed opened");
                }
            }
            _ => {
                let Some((sent, envelope, opened)) = way[1 - side].get_mut(at % waiting) else { continue };
                match sides[side].open(&mut rng, NOW, envelope) {
                    Ok((state, plain)) => {
                        assert!(!*opened, "something opened twice");
                        assert_eq!(*plain, sent.to_be_bytes());
                        *opened = true;
                        sides[side] = state;
                    }
                    Err(_) => assert!(*opened, "something did not open"),
                }
            }
        }
    }
});
