//! What a stranger can do with bytes: be counted, be refused, be banned. Two friends talk on meanwhile.

use std::time::Duration;

use futures::AsyncReadExt as _;
use futures::AsyncWriteExt as _;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::config::Limits;
use kith_proto::codec::Encode as _;
use kith_proto::record::Record;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;

use crate::dht;
use crate::mallory::Mallory;
use crate::mallory::PROTOCOLS;
use crate::mallory::counted;
use crate::rig::Node;
use crate::rig::TCP;
use crate::rig::frame;
use crate::rig::pair_with;

/// Ann, whom Mallory is after, and Bob, her friend; connected.
async fn friends(change: impl FnOnce(&mut Limits)) -> (Node, Node) {
    pair_with(TCP, change).await
}

async fn still_talk(ann: &mut Node, bob: &mut Node, number: u64) {
    ann.say(bob, number);
    bob.say(ann, number);
    assert_eq!(bob.hear(ann.device).await, number);
    assert_eq!(ann.hear(bob.device).await, number);
    let gone = |event: &NetEvent| {
        matches!(event, NetEvent::Disconnected { device } if *device == bob.device)
            || matches!(event, NetEvent::StreamClosed { .. })
    };
    assert_eq!(ann.kept(gone), 0, "the conversation was never interrupted");
}

/// Resident memory of this process in bytes.
#[cfg(target_os = "linux")]
fn memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

#[cfg(not(target_os = "linux"))]
fn memory() -> u64 {
    0
}

#[tokio::test]
async fn random_truncated_and_oversized_bytes_on_every_protocol() {
    let (mut ann, mut bob) = friends(|_| {}).await;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut random = vec![0; 8_192];
    rng.fill_bytes(&mut random);
    let good = frame(1).to_wire();
    let truncated = good[..good.len() - 1].to_vec();
    let oversized = [u32::MAX.to_le_bytes().as_slice(), &random].concat();
    let varint_bomb = vec![0xff; 64];
    let mut banned = false;
    for round in 0..8 {
        // A fresh key each time, so that Mallory is not banned before everything was tried.
        let Ok(mallory) = Mallory::connect(100 + round, &ann.address).await else {
            banned = true;
            continue;
        };
        for protocol in PROTOCOLS {
            for bytes in [&random, &truncated, &oversized, &varint_bomb, &Vec::new()] {
                let Ok(mut stream) = mallory.speak(protocol).await else { continue };
                let _ = stream.write_all(bytes).await;
                let _ = stream.close().await;
                // Until Ann has closed her side, she is not done with it.
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            // And without agreeing on a protocol at all.
            if let Ok(mut stream) = mallory.open().await {
                let _ = stream.write_all(&random).await;
                let _ = stream.close().await;
            }
        }
        still_talk(&mut ann, &mut bob, u64::from(round)).await;
    }
    assert!(!banned, "a new key starts anew");
    counted(&ann.net, |stats| stats.bad_streams >= 8).await;
}

#[tokio::test]
async fn whoever_sends_half_a_frame_and_waits_is_cut_off_and_in_the_end_banned() {
    let (mut ann, mut bob) = friends(|limits| {
        limits.frame_timeout = Duration::from_millis(20);
        limits.misdeeds = 4;
    })
    .await;
    let mallory = Mallory::connect(100, &ann.address).await.unwrap();
    let half = &frame(1).to_wire()[..100];
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = mallory.speak("/kith/dm/1").await.unwrap();
        stream.write_all(half).await.unwrap();
        stream.flush().await.unwrap();
        streams.push(stream);
    }
    counted(&ann.net, |stats| stats.bad_streams == 4 && stats.bans == 1).await;
    // The transport lets the banned key in, and the connection is closed before anything is answered.
    let again = Mallory::connect(100, &ann.address).await;
    if let Ok(again) = again {
        assert!(again.speak("/kith/dm/1").await.is_err());
    }
    counted(&ann.net, |stats| stats.refused > 0).await;
    still_talk(&mut ann, &mut bob, 1).await;
}

#[tokio::test]
async fn a_thousand_streams_are_a_handful() {
    let (mut ann, mut bob) = friends(|_| {}).await;
    let before = memory();
    let (mut open, mut open_connections) = (Vec::new(), Vec::new());
    for connection in 0..4 {
        let mallory = Mallory::connect(100 + connection, &ann.address).await.unwrap();
        for _ in 0..250 {
            let Ok(mut stream) = mallory.speak("/kith/dm/1").await else { break };
            // The promise of a large frame, so that whoever keeps room for promises has to keep much.
            let _ = stream.write_all(&65_000_u32.to_le_bytes()).await;
            let _ = stream.flush().await;
            open.push(stream);
        }
        open_connections.push(mallory);
        still_talk(&mut ann, &mut bob, u64::from(connection)).await;
    }
    counted(&ann.net, |stats| stats.streams_refused > 0).await;
    assert!(memory() < before + (32 << 20), "memory grew by {} bytes", memory() - before);
}

/// A `PUT_VALUE` of the Kademlia protocol, with its length before it.
fn put_value(key: &[u8], value: &[u8]) -> Vec<u8> {
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [vec![number << 3 | 2], varint(bytes.len()), bytes.to_vec()].concat()
    }
    fn varint(mut number: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while number >= 0x80 {
            out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        out.push(u8::try_from(number).unwrap());
        out
    }
    let record = [field(1, key), field(2, value)].concat();
    let message = [vec![8, 0], field(2, key), field(3, &record)].concat();
    [varint(message.len()), message].concat()
}

fn key_of(record: &Record) -> Vec<u8> {
    let text = data_encoding::BASE32_NOPAD.encode(&record.key().0).to_lowercase();
    format!("/kith/d/{text}").into_bytes()
}

/// Puts values until the other side has had enough. Returns how many were taken or ignored without a word.
async fn put_all(mallory: &Mallory, values: impl Iterator<Item = Vec<u8>>) -> usize {
    let mut sent = 0;
    for value in values {
        let Ok(mut stream) = mallory.speak("/kith/kad/1.0.0").await else { break };
        if stream.write_all(&value).await.is_err() || stream.flush().await.is_err() {
            break;
        }
        let mut first = [0];
        let _ = stream.read(&mut first).await;
        sent += 1;
    }
    sent
}

#[tokio::test]
async fn ten_thousand_records_fill_what_there_is_for_them_and_no_more() {
    let mut server = Node::start_with(9, Role::Server, TCP, |limits| limits.records = 100).await;
    let before = memory();
    let mallory = Mallory::connect(100, &server.address).await.unwrap();
    // 500 valid ones, again and again: each is checked each time.
    let valid: Vec<Vec<u8>> = (0..500)
        .map(|seed| dht::record(seed, 1).1)
        .map(|record| put_value(&key_of(&record), &record.to_bytes()))
        .collect();
    let sent = put_all(&mallory, valid.iter().cycle().take(9_900).cloned()).await;
    assert_eq!(sent, 9_900, "valid records are no misdeed");
    counted(&server.net, |stats| stats.records_stored == 100).await;
    let mut stored = 0;
    while stored < 100 {
        stored += server.until(|event| matches!(event, NetEvent::Stored { .. }).then_some(1)).await;
    }
    // Forged ones: another's key, a flipped signature, an oversized value, noise.
    let (_, good) = dht::record(1_000, 1);
    let (_, other) = dht::record(1_001, 1);
    let mut flipped = good.to_bytes();
    *flipped.last_mut().unwrap() ^= 1;
    let forged = [
        put_value(&key_of(&other), &good.to_bytes()),
        put_value(&key_of(&good), &flipped),
        put_value(&key_of(&good), &[1; 6_000]),
        put_value(b"/pk/anything", b"anything"),
        put_value(&[0xff; 200], &[]),
    ];
    let sent = put_all(&mallory, forged.iter().cycle().take(100).cloned()).await;
    assert!(sent < 100, "whoever forges is banned after some");
    counted(&server.net, |stats| stats.bans == 1 && stats.records_refused >= 20).await;
    assert_eq!(server.net.stats().records_stored, 100);
    assert!(memory() < before + (32 << 20), "memory grew by {} bytes", memory() - before);
}

#[tokio::test]
async fn one_network_address_gets_its_share_of_connections() {
    let (mut ann, mut bob) = friends(|limits| limits.connections_loopback = 8).await;
    let mut strangers = Vec::new();
    for seed in 0..40 {
        strangers.extend(Mallory::connect(100 + seed, &ann.address).await.ok());
    }
    counted(&ann.net, |stats| stats.refused >= 32).await;
    assert!(strangers.len() <= 8);
    still_talk(&mut ann, &mut bob, 1).await;
}
