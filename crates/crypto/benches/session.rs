//! What a session costs, beside its floors: the bare cipher, and the Diffie-Hellman operations that PQXDH needs.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run stops")]

use std::hint::black_box;

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::KeyInit as _;
use chacha20poly1305::aead::AeadInOut as _;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::prekey::PrekeySecrets;
use kith_crypto::session::FirstEnvelope;
use kith_crypto::session::Session;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const TEXT: [u8; 100] = [b'x'; 100];

fn sessions(c: &mut Criterion) {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (ann, bob) = (DeviceSecret::generate(&mut rng), DeviceSecret::generate(&mut rng));
    let accounts = [AccountSecret::generate(&mut rng).id(), AccountSecret::generate(&mut rng).id()];
    let prekeys = PrekeySecrets::generate(&mut rng, &bob, NOW);
    let bundle = prekeys.bundle_without_one_time(&bob).verify(&bob.entry(&accounts[1])).unwrap();
    let start = |rng: &mut ChaCha20Rng| {
        let mut session = Session::initiate(rng, &accounts[0], &ann, &accounts[1], &bundle, NOW).unwrap();
        let first = session.seal(rng, NOW, &TEXT).unwrap();
        let opened = FirstEnvelope::open(&bob, &first).unwrap();
        let (answer, _) = opened.respond(rng, &accounts[1], &bob, &prekeys, NOW).unwrap();
        (session, answer)
    };
    c.bench_function("set up both ends of a session", |b| b.iter(|| start(&mut rng)));
    c.bench_function("floor: four agreements on each side", |b| {
        let (one, other) = ([7; 32], x25519_dalek::x25519([9; 32], x25519_dalek::X25519_BASEPOINT_BYTES));
        b.iter(|| (0..8).fold(other, |point, _| x25519_dalek::x25519(black_box(one), point)));
    });

    let (anns, mut bobs) = start(&mut rng);
    let reply = bobs.seal(&mut rng, NOW, &TEXT).unwrap();
    let (anns, _) = anns.open(&mut rng, NOW, &reply).unwrap();
    c.bench_function("seal 100 bytes", |b| {
        let mut session = anns.clone();
        b.iter(|| session.seal(&mut rng, NOW, &TEXT).unwrap());
    });
    c.bench_function("seal and open 100 bytes", |b| {
        let (mut from, mut to) = (anns.clone(), bobs.clone());
        b.iter(|| {
            let envelope = from.seal(&mut rng, NOW, &TEXT).unwrap();
            to = to.open(&mut rng, NOW, &envelope).unwrap().0;
        });
    });
    c.bench_function("floor: the cipher over one envelope, both ways", |b| {
        let cipher = ChaCha20Poly1305::new(&[1; 32].into());
        let mut buffer = vec![0; 1_024];
        b.iter(|| {
            buffer.truncate(1_008);
            cipher.encrypt_in_place(&[2; 12].into(), b"", &mut buffer).unwrap();
            cipher.decrypt_in_place(&[2; 12].into(), b"", &mut buffer).unwrap();
        });
    });
    c.bench_function("write and read a session", |b| {
        b.iter(|| Session::from_bytes(&bobs.to_bytes()).unwrap());
    });
}

criterion_group!(benches, sessions);
criterion_main!(benches);
