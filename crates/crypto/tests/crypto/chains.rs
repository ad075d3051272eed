//! Golden vectors of sender chains and posts, in `tests/vectors/group_v1.txt`. Published vectors never change.
#![expect(clippy::disallowed_methods, reason = "vectors are files")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use kith_crypto::group::ChainError;
use kith_crypto::group::ChainShare;
use kith_crypto::group::ReceivingChain;
use kith_crypto::group::SendingChain;
use kith_crypto::group::sign_post;
use kith_crypto::group::verify_post;
use kith_crypto::identity::DeviceSecret;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::id::AccountId;
use kith_proto::id::GroupId;
use kith_proto::id::PostId;
use kith_proto::id::ViewId;
use kith_proto::post::Draft;
use kith_proto::post::Post;
use kith_proto::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/group_v1.txt")
}

fn post() -> (DeviceSecret, Draft) {
    let device = DeviceSecret::generate(&mut ChaCha20Rng::from_seed([44; 32]));
    let draft = Draft {
        group: GroupId([1; 32]),
        account: AccountId([2; 32]),
        device: device.id(),
        sequence: 300,
        previous: Some(PostId([3; 32])),
        parents: BoundedVec::new(vec![PostId([4; 32]), PostId([5; 32])]).unwrap(),
        view: ViewId::of([[6; 32], [7; 32]]),
        time: NOW,
        body: BoundedBytes::new(b"hello, all".to_vec()).unwrap(),
    };
    (device, draft)
}

fn vectors() -> Vec<(String, Vec<u8>)> {
    let mut rng = ChaCha20Rng::from_seed([43; 32]);
    let mut chain = SendingChain::generate(&mut rng, GroupId([1; 32]), ViewId([2; 32]), NOW);
    let mut out = vec![("owner".to_owned(), chain.to_bytes().to_vec())];
    for (at, message) in [b"zero".to_vec(), b"one".to_vec(), vec![b'2'; 2_000], Vec::new()].iter().enumerate()
    {
        if at % 2 == 0 {
            out.push((format!("share_{at}"), chain.hand_out().to_bytes().to_vec()));
        }
        let sealed = chain.seal(&mut rng, NOW, message, b"ad").unwrap();
        out.push((format!("message_{at}"), message.clone()));
        out.push((format!("sealed_{at}"), sealed.as_bytes().to_vec()));
    }
    let (device, draft) = post();
    let post = sign_post(&device, draft).unwrap();
    out.push(("post.device_seed".to_owned(), device.signing_seed().to_vec()));
    out.push(("post".to_owned(), post.to_bytes()));
    out.push(("post.id".to_owned(), post.id().0.to_vec()));
    out
}

fn published() -> BTreeMap<String, Vec<u8>> {
    let text = fs::read_to_string(path()).unwrap();
    text.lines()
        .map(|line| line.split_once(" = ").unwrap())
        .map(|(name, hex)| (name.to_owned(), data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()))
        .collect()
}

#[test]
fn chains_have_the_bytes_that_were_published() {
    let published = published();
    let made = vectors();
    assert_eq!(published.len(), made.len());
    for (name, bytes) in made {
        assert!(published[&name] == bytes, "{name} has other bytes than its vector");
    }
}

#[test]
fn what_was_published_for_groups_opens() {
    let published = published();
    let share = |at: u32| ChainShare::from_bytes(&published[&format!("share_{at}")]).unwrap();
    let mut chain = ReceivingChain::new(share(0));
    for at in [3, 0, 2, 1] {
        let sealed = Envelope::parse(published[&format!("sealed_{at}")].clone()).unwrap();
        let (state, message) = chain.open(NOW, &sealed, b"ad").unwrap();
        assert_eq!(*message, published[&format!("message_{at}")]);
        assert_eq!(ReceivingChain::new(share(2)).open(NOW, &sealed, b"ad").is_ok(), at >= 2);
        assert_eq!(state.open(NOW, &sealed, b"ad").err(), Some(ChainError::KeyGone));
        chain = state;
    }
    let post = Post::from_bytes(&published["post"]).unwrap();
    assert_eq!(verify_post(post).unwrap().id().0.to_vec(), published["post.id"]);
}

#[test]
#[ignore = "writes the vectors of a new version; published ones must not change"]
fn write_group_vectors() {
    let mut text = String::new();
    for (name, bytes) in vectors() {
        writeln!(text, "{name} = {}", data_encoding::HEXLOWER.encode(&bytes)).unwrap();
    }
    fs::write(path(), text).unwrap();
}
