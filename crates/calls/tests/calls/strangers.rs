//! Descriptions and candidates of somebody who means harm, or is of another kind.

use kith_calls::Kind;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Media;
use kith_proto::call::Sdp;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;

use super::bench::Pair;
use super::bench::Person;

/// A description of Ann's.
async fn offer() -> String {
    let mut ann = Person::new(Some(440.0), 2);
    ann.open(Side::Offers, Ways::Any, Media::AUDIO, &[]);
    loop {
        match ann.events.recv().await {
            Some(MediaEvent::Described { sdp, .. }) => return sdp.to_string(),
            Some(_) => {}
            None => panic!("she says nothing"),
        }
    }
}

fn describe(bob: &Person, offer: bool, sdp: &str) {
    let sdp = Sdp::truncated(sdp.to_owned());
    bob.say(MediaCommand::Describe { leg: bob.leg, epoch: 1, offer, sdp });
}

/// What Bob says to an offer.
async fn answered(bob: &mut Person, sdp: &str) -> MediaEvent {
    bob.open(Side::Answers, Ways::Any, Media::AUDIO, &[]);
    describe(bob, true, sdp);
    loop {
        match bob.events.recv().await {
            Some(event @ (MediaEvent::Described { .. } | MediaEvent::Failed { .. })) => return event,
            Some(_) => {}
            None => panic!("Bob's side ended"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_description_that_makes_no_sense_ends_the_leg_with_a_reason() {
    let good = offer().await;
    let mut bob = Person::new(Some(660.0), 1);
    let odd = [
        String::new(),
        "v=0".to_owned(),
        good.replace("a=fingerprint:sha-256", "a=fingerprint:sha-256 00:11 "),
        good.replace("a=fingerprint", "a=nothing"),
        good.replace("m=audio 9", "m=audio 99999999999999999999"),
        good.replace("opus/48000", "nothing/1"),
        good.replace("a=ice-ufrag", "a=ufrag"),
        good.replace("a=mid:", "a=mod:"),
        good.replace("v=0", "v=0\r\nv=0\r\n\u{0}\u{1}"),
        good.chars().rev().collect(),
        good.repeat(2),
        "v=0\r\na=fingerprint:x\r\nm=\r\n".to_owned(),
        format!("v=0\r\na=fingerprint:x\r\n{}", "m=audio 9 x 1\r\n".repeat(8)),
    ];
    for (index, sdp) in odd.iter().enumerate() {
        let event = answered(&mut bob, sdp).await;
        let fails = matches!(event, MediaEvent::Failed { reason: MediaFailure::NoAgreement, .. });
        let answers = matches!(event, MediaEvent::Described { .. });
        assert!(fails || answers, "{index}: {event:?}");
        assert!(fails || (4..9).contains(&index), "{index} is no description at all");
        bob.say(MediaCommand::Close { leg: bob.leg });
    }
    // Cut anywhere, and with bytes of chance.
    let mut random = 11_usize;
    for _ in 0..40 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = (random >> 33) % good.len();
        let changed = match random >> 20 & 1 {
            0 => good.chars().take(at).collect::<String>(),
            _ => good
                .chars()
                .enumerate()
                .map(|(index, letter)| if index == at { '\u{7f}' } else { letter })
                .collect(),
        };
        answered(&mut bob, &changed).await;
        bob.say(MediaCommand::Close { leg: bob.leg });
    }
    let event = answered(&mut bob, &good).await;
    assert!(matches!(event, MediaEvent::Described { offer: false, .. }), "and nothing is broken by them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candidates_that_make_no_sense_harm_nobody() {
    let mut pair = Pair::new();
    pair.ann.open(Side::Offers, Ways::Any, Media::AUDIO, &[]);
    pair.bob.open(Side::Answers, Ways::Any, Media::AUDIO, &[]);
    let odd = ["", "typ host", "1 1 udp 1 224.0.0.1 9 typ host", "1 1 udp 1 host.local 9 typ host", "\u{0}"];
    let list = BoundedVec::truncated(odd.iter().map(|line| BoundedStr::truncated(*line)).collect());
    for person in [&pair.ann, &pair.bob] {
        for done in [true, false] {
            person.say(MediaCommand::Candidates { leg: person.leg, epoch: 1, list: list.clone(), done });
        }
    }
    pair.until("they are connected", |pair| pair.ann.connected() && pair.bob.connected()).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    assert_eq!(pair.bob.seen.count(Kind::Camera), 0);
}

/// What a description says must not lead anywhere: a connection to a port of Bob's own machine, or of Ann's choice while he hides his address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candidates_in_a_description_lead_nowhere() {
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hole = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (tcp, udp) = (door.local_addr().unwrap().port(), hole.local_addr().unwrap().port());
    let lines = format!(
        "a=candidate:1 1 tcp 2130706431 127.0.0.1 {tcp} typ host tcptype passive\r\n\
         a= candidate:2 1 tcp 2130706431 127.0.0.1 {tcp} typ host tcptype passive\r\n\
         a=candidate:3 1 udp 2130706431 127.0.0.1 {udp} typ host\r\n"
    );
    let mut pair = Pair::new();
    pair.ann.adds = lines;
    pair.ann.open(Side::Offers, Ways::Any, Media::AUDIO, &[]);
    pair.bob.open(Side::Answers, Ways::Any, Media::AUDIO, &[]);
    // All that he was told of is tried before a way is found.
    pair.until("they are connected", |pair| pair.ann.connected() && pair.bob.connected()).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    let mut packet = [0; 64];
    tokio::select! {
        biased;
        _ = door.accept() => panic!("Bob's device connected to where Ann wanted it to"),
        _ = hole.recv_from(&mut packet) => panic!("Bob's device sent something to where Ann wanted it to"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_about_legs_that_are_not_there_mean_nothing() {
    let mut bob = Person::new(Some(660.0), 1);
    describe(&bob, true, "v=0");
    bob.say(MediaCommand::AllowDirect { leg: bob.leg });
    bob.say(MediaCommand::Restart { leg: bob.leg, epoch: 9 });
    bob.set(Media::VIDEO);
    bob.say(MediaCommand::Close { leg: bob.leg });
    let good = offer().await;
    let event = answered(&mut bob, &good).await;
    assert!(matches!(event, MediaEvent::Described { offer: false, .. }));
    bob.open(Side::Answers, Ways::Any, Media::AUDIO, &[]);
    describe(&bob, false, &good);
    bob.say(MediaCommand::Close { leg: bob.leg });
}
