//! Golden vectors: one conversation and every key derivation with fixed inputs, in `tests/vectors/v1.txt`. A second
//! implementation reads the file, opens what is sealed there, and makes what needs no randomness itself. Published
//! vectors never change; a new version adds a file.
#![expect(clippy::disallowed_methods, reason = "vectors are files")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use kith_crypto::blob;
use kith_crypto::blob::BlobKey;
use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceList;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::invite;
use kith_crypto::prekey::PrekeyBundle;
use kith_crypto::prekey::PrekeySecrets;
use kith_crypto::record;
use kith_crypto::safety::safety_number;
use kith_crypto::secret::Secret32;
use kith_crypto::session::FirstEnvelope;
use kith_crypto::session::Session;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::id::AccountId;
use kith_proto::invite::InviteSecret;
use kith_proto::record::DeviceRecord;
use kith_proto::record::Record;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// Names and bytes, in the order in which they were made.
#[derive(Default)]
struct Vectors(Vec<(String, Vec<u8>)>);

impl Vectors {
    fn put(&mut self, name: &str, bytes: impl AsRef<[u8]>) {
        self.0.push((name.to_owned(), bytes.as_ref().to_vec()));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, bytes) in &self.0 {
            writeln!(text, "{name} = {}", data_encoding::HEXLOWER.encode(bytes)).unwrap();
        }
        text
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/v1.txt")
}

fn published() -> BTreeMap<String, Vec<u8>> {
    let text = fs::read_to_string(path()).unwrap();
    text.lines()
        .map(|line| line.split_once(" = ").unwrap())
        .map(|(name, hex)| (name.to_owned(), data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()))
        .collect()
}

/// Secrets are counted bytes, so that nobody has to ask where they come from.
fn seed(first: u8) -> [u8; 32] {
    std::array::from_fn(|at| first.wrapping_add(u8::try_from(at).unwrap()))
}

fn device(first: u8) -> DeviceSecret {
    let bytes: Vec<u8> =
        [vec![1], seed(first).into(), seed(first + 32).into(), seed(first + 64).into()].concat();
    DeviceSecret::from_bytes(&bytes).unwrap()
}

fn identities(out: &mut Vectors) -> (AccountId, AccountId) {
    let (ann, bob) = (AccountSecret::from_seed(seed(0)), AccountSecret::from_seed(seed(16)));
    out.put("ann.account.seed", ann.seed());
    out.put("ann.account.id", ann.id().0);
    out.put("ann.account.phrase", ann.phrase().as_bytes());
    out.put("bob.account.seed", bob.seed());
    out.put("bob.account.id", bob.id().0);
    for (name, device) in [("ann", device(32)), ("bob", device(64))] {
        out.put(&format!("{name}.device.secrets"), &*device.to_bytes());
        out.put(&format!("{name}.device.id"), device.id().0);
        out.put(&format!("{name}.device.identity"), device.identity_public());
        out.put(&format!("{name}.device.envelope_key"), device.envelope_public());
    }
    let list = DeviceList {
        account: ann.id(),
        version: 3,
        devices: BoundedVec::new(vec![device(32).entry(&ann.id())]).unwrap(),
        revoked: BoundedVec::new(vec![device(96).id()]).unwrap(),
    };
    let signed = ann.sign_list(list);
    out.put("ann.device_list", signed.to_bytes());
    out.put("ann.device_list.hash", signed.hash());
    out.put("safety_number", safety_number(&ann.id(), &bob.id()).digits());
    let secret = InviteSecret([7; 16]);
    out.put("invite.secret", secret.0);
    out.put("invite.prekey_proof", invite::prekey_proof(&secret, &device(32).id(), &device(64).id()));
    out.put("invite.request_proof", invite::request_proof(&secret, &ann.id(), &bob.id()));
    (ann.id(), bob.id())
}

fn others(out: &mut Vectors, rng: &mut ChaCha20Rng) {
    let key = BlobKey::from_bytes(&seed(128)).unwrap();
    out.put("blob.key", key.to_bytes());
    out.put("blob.plain", b"a small file");
    out.put("blob.piece_0_last", key.seal_piece(0, true, b"a small file"));
    out.put("blob.piece_1", key.seal_piece(1, false, b"a small file"));
    out.put("blob.padded_len_100000", blob::padded_len(100_000).to_be_bytes());
    let address = Multiaddress::new(vec![4, 127, 0, 0, 1, 6, 0x0f, 0xa1]).unwrap();
    let told = DeviceRecord { addresses: BoundedVec::new(vec![address]).unwrap() };
    let period = record::period_at(NOW);
    let expires = NOW + Span::from_hours(24);
    let secret = Secret32::new([7; 32]);
    let sealed = record::seal_record(rng, &device(64), &secret, period, (5, expires), &told);
    out.put("record.period", period.to_be_bytes());
    out.put("record.secret", secret.as_bytes());
    out.put("record.key", record::record_key(&device(64).id(), &secret, period).unwrap().0);
    out.put("record.plain", told.to_bytes());
    out.put("record.sealed", sealed.to_bytes());
}

fn conversation(out: &mut Vectors, rng: &mut ChaCha20Rng, ann: &AccountId, bob: &AccountId) {
    let mut prekeys = PrekeySecrets::generate(rng, &device(64), NOW);
    let bundle = prekeys.bundle(rng, &device(64));
    out.put("bob.prekeys", &*prekeys.to_bytes());
    out.put("bob.bundle", bundle.to_bytes());
    let verified = bundle.verify(&device(64).entry(bob)).unwrap();
    let mut anns = Session::initiate(rng, ann, &device(32), bob, &verified, NOW).unwrap();
    out.put("ann.session", &*anns.to_bytes());
    let first = anns.seal(rng, NOW, b"hello").unwrap();
    let second = anns.seal(rng, NOW, b"are you there?").unwrap();
    out.put("first", first.as_bytes());
    out.put("second", second.as_bytes());
    let opened = FirstEnvelope::open(&device(64), &second).unwrap();
    let (bobs, _) = opened.respond(rng, bob, &device(64), &prekeys, NOW).unwrap();
    let opened = FirstEnvelope::open(&device(64), &first).unwrap();
    let (mut bobs, _) = bobs.open_first(rng, NOW, &opened).unwrap();
    out.put("bob.session", &*bobs.to_bytes());
    out.put("bob.tag", bobs.tag(NOW.day()));
    let reply = bobs.seal(rng, NOW, b"yes").unwrap();
    out.put("reply", reply.as_bytes());
    let (mut anns, _) = anns.open(rng, NOW, &reply).unwrap();
    for number in 3..6 {
        let envelope = anns.seal(rng, NOW, format!("message {number}").as_bytes()).unwrap();
        out.put(&format!("message_{number}"), envelope.as_bytes());
    }
    let long = anns.seal(rng, NOW, &[b'x'; 2_000]).unwrap();
    out.put("long", long.as_bytes());
}

fn vectors() -> Vectors {
    let (mut out, mut rng) = (Vectors::default(), ChaCha20Rng::from_seed([42; 32]));
    let (ann, bob) = identities(&mut out);
    others(&mut out, &mut rng);
    conversation(&mut out, &mut rng, &ann, &bob);
    out
}

#[test]
fn everything_has_the_bytes_that_were_published() {
    let published = published();
    let made = vectors();
    assert_eq!(published.len(), made.0.len());
    for (name, bytes) in made.0 {
        assert!(published[&name] == bytes, "{name} has other bytes than its vector");
    }
}

#[test]
fn what_was_published_opens() {
    let published = published();
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let envelope = |name: &str| Envelope::parse(published[name].clone()).unwrap();
    let (ann, bob) = (device(32), device(64));
    let bobs_account = AccountSecret::from_seed(seed(16)).id();
    let prekeys = PrekeySecrets::from_bytes(&published["bob.prekeys"]).unwrap();
    PrekeyBundle::from_bytes(&published["bob.bundle"]).unwrap().verify(&bob.entry(&bobs_account)).unwrap();
    let first = FirstEnvelope::open(&bob, &envelope("first")).unwrap();
    assert_eq!(first.device(), ann.id());
    let (session, payload) = first.respond(&mut rng, &bobs_account, &bob, &prekeys, NOW).unwrap();
    assert_eq!(payload.as_slice(), b"hello");
    let second = FirstEnvelope::open(&bob, &envelope("second")).unwrap();
    assert_eq!(session.open_first(&mut rng, NOW, &second).unwrap().1.as_slice(), b"are you there?");
    // Bob's reply opens with Ann's session; what she writes then, with Bob's, in any order.
    let anns = Session::from_bytes(&published["ann.session"]).unwrap();
    assert_eq!(anns.open(&mut rng, NOW, &envelope("reply")).unwrap().1.as_slice(), b"yes");
    let mut bobs = Session::from_bytes(&published["bob.session"]).unwrap();
    bobs.seal(&mut rng, NOW, b"yes").unwrap();
    let (bobs, payload) = bobs.open(&mut rng, NOW, &envelope("long")).unwrap();
    assert_eq!(payload.as_slice(), [b'x'; 2_000]);
    let (bobs, payload) = bobs.open(&mut rng, NOW, &envelope("message_5")).unwrap();
    assert_eq!(payload.as_slice(), b"message 5");
    assert_eq!(bobs.open(&mut rng, NOW, &envelope("message_3")).unwrap().1.as_slice(), b"message 3");
    let sealed = Record::from_bytes(&published["record.sealed"]).unwrap();
    let secret = Secret32::new(published["record.secret"].clone().try_into().unwrap());
    let told = record::open_record(&bob.id(), &secret, record::period_at(NOW), &sealed).unwrap();
    assert_eq!(told.to_bytes(), published["record.plain"]);
    let key = BlobKey::from_bytes(&published["blob.key"]).unwrap();
    assert_eq!(*key.open_piece(0, true, &published["blob.piece_0_last"]).unwrap(), published["blob.plain"]);
    assert!(key.open_piece(0, false, &published["blob.piece_0_last"]).is_none(), "it was the last one");
}

#[test]
#[ignore = "writes the vectors of a new version; published ones must not change"]
fn write_vectors() {
    fs::write(path(), vectors().text()).unwrap();
}
