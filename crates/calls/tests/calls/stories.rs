//! Calls as people make them.

use std::sync::atomic::Ordering;

use kith_calls::Kind;
use kith_proto::call::Media;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;

use super::bench::Pair;
use super::bench::Person;

const MUTED: Media = Media { microphone: false, ..Media::AUDIO };
const SCREEN: Media = Media { screen: true, ..Media::AUDIO };

fn in_order(stamps: &[u32]) -> bool {
    stamps.is_sorted()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_say_at_the_start_what_they_can() {
    let mut ann = Person::new(Some(440.0), 2);
    let first = ann.events.recv().await;
    assert_eq!(first, Some(MediaEvent::Able { capabilities: Some(kith_calls::capabilities()) }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_hears_the_other_and_mute_and_hold_are_silence() {
    let mut pair = Pair::call(Media::AUDIO).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    pair.until("Ann hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
    assert!(pair.ann.told.iter().all(|candidate| candidate.contains("127.0.0.1")), "{:?}", pair.ann.told);

    pair.ann.set(MUTED);
    pair.until("Ann is muted", |pair| pair.bob.hears_nothing()).await;
    pair.until("but she hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
    pair.ann.set(Media::AUDIO);
    pair.until("Bob hears her again", |pair| pair.bob.hears(pair.ann.hertz)).await;

    pair.ann.set(Media { hold: true, ..Media::AUDIO });
    pair.until("on hold Bob hears nothing", |pair| pair.bob.hears_nothing()).await;
    pair.until("nor does Ann", |pair| pair.ann.hears_nothing()).await;
    pair.ann.set(Media::AUDIO);
    pair.until("and on it goes", |pair| pair.ann.hears(pair.bob.hertz)).await;

    pair.until("it is counted", |pair| pair.bob.stats().speech.decoded > 50).await;
    let stats = pair.bob.stats();
    assert!(stats.speech.level > 0.1, "{stats:?}");
    assert!(!stats.relayed && stats.tracks[0].came_packets > 50);
    assert_eq!((pair.ann.failures.len(), pair.bob.failures.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_voice_to_faces_to_a_screen() {
    let mut pair = Pair::call(Media::AUDIO).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    assert_eq!(pair.bob.seen.count(Kind::Camera), 0, "nobody is seen before they want to");

    pair.ann.set(Media::VIDEO);
    pair.bob.set(Media::VIDEO);
    pair.until("they see each other", |pair| {
        pair.ann.seen.count(Kind::Camera) > 40 && pair.bob.seen.count(Kind::Camera) > 40
    })
    .await;
    let (ann, bob) = (pair.ann.seen.take(Kind::Camera), pair.bob.seen.take(Kind::Camera));
    assert!(in_order(&ann) && in_order(&bob), "no picture is older than the one before");

    pair.ann.set(SCREEN);
    pair.until("Bob sees Ann's screen", |pair| pair.bob.seen.count(Kind::Screen) > 10).await;
    assert!(in_order(&pair.bob.seen.take(Kind::Screen)));
    pair.bob.seen.take(Kind::Camera);
    pair.until("in full size", |pair| pair.bob.seen.size() == (800, 600)).await;
    assert!(pair.bob.seen.count(Kind::Camera) < 3, "and her face no more");
    pair.until("while they talk", |pair| pair.ann.hears(pair.bob.hertz)).await;
    pair.until("and it is counted", |pair| {
        let shown = pair.bob.stats().tracks[2];
        shown.shown > 10 && shown.size == (800, 600)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_hold_nothing_is_seen_either() {
    let mut pair = Pair::call(Media::VIDEO).await;
    pair.until("Bob sees Ann", |pair| pair.bob.seen.count(Kind::Camera) > 5).await;
    pair.bob.set(Media { hold: true, ..Media::VIDEO });
    // What Ann shows goes on coming.
    let frames = |pair: &Pair| pair.bob.stats().tracks[1].came_packets;
    pair.bob.seen.take(Kind::Camera);
    let came = frames(&pair);
    pair.until("much came", |pair| frames(pair) > came + 60).await;
    assert!(pair.bob.seen.count(Kind::Camera) < 3, "but for what was on its way nothing is shown");
    pair.bob.set(Media::VIDEO);
    pair.until("and on it goes", |pair| pair.bob.seen.count(Kind::Camera) > 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_way_is_found_while_they_talk() {
    let mut pair = Pair::call(Media::AUDIO).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    let before = pair.ann.told.clone();
    pair.ann.say(MediaCommand::Restart { leg: pair.ann.leg, epoch: 2 });
    pair.until("Ann tells of new places", |pair| pair.ann.told.len() > before.len()).await;
    let new = pair.ann.told.last().expect("she told of one");
    assert!(!before.contains(new), "the sockets are new as well");
    for _ in 0..20 {
        pair.pass().await;
    }
    pair.bob.forget();
    pair.ann.forget();
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz) && pair.bob.connected()).await;
    pair.until("Ann hears Bob", |pair| pair.ann.hears(pair.bob.hertz) && pair.ann.connected()).await;
    assert_eq!((pair.ann.failures.len(), pair.bob.failures.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_rings_no_address_is_told() {
    let mut pair = Pair::new();
    pair.ann.open(Side::Offers, Ways::RelayOnly, Media::AUDIO, &[]);
    for _ in 0..25 {
        pair.pass().await;
    }
    assert_eq!(
        (pair.ann.told.len(), pair.ann.failures.len()),
        (0, 0),
        "{:?} {:?}",
        pair.ann.told,
        pair.ann.failures
    );
    // Bob answers: what was said before reaches him then, as the engine keeps it.
    pair.bob.open(Side::Answers, Ways::Any, Media::AUDIO, &[]);
    pair.ann.say(MediaCommand::AllowDirect { leg: pair.ann.leg });
    pair.until("they are connected", |pair| pair.ann.connected() && pair.bob.connected()).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    pair.until("Ann hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_or_crashes_is_missed() {
    let mut pair = Pair::call(Media::AUDIO).await;
    pair.until("Ann hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
    // Bob's program is gone, without a word: nothing of his is closed.
    let bob = std::mem::replace(&mut pair.bob, Person::new(None, 1));
    drop(bob);
    pair.until("Ann notices", |pair| {
        pair.ann.silences.contains(&true)
            || pair.ann.paths.iter().any(|(state, _)| *state != PathState::Connected)
    })
    .await;

    let mut pair = Pair::call(Media::AUDIO).await;
    pair.until("Ann hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
    pair.bob.say(MediaCommand::Close { leg: pair.bob.leg });
    pair.ann.say(MediaCommand::Close { leg: pair.ann.leg });
    pair.until("nothing is left", |pair| {
        pair.ann.calls.stats().legs.is_empty() && pair.bob.calls.stats().legs.is_empty()
    })
    .await;
    assert!(pair.ann.failures.is_empty() && pair.bob.failures.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_microphone_it_says_so_and_goes_on() {
    let mut pair = Pair::new();
    pair.ann = Person::new(None, 2);
    pair.ann.open(Side::Offers, Ways::Any, Media::AUDIO, &[]);
    pair.bob.open(Side::Answers, Ways::Any, Media::AUDIO, &[]);
    pair.until("Ann is told", |pair| pair.ann.lacking == [Media { microphone: true, ..Media::default() }])
        .await;
    pair.until("and she hears Bob", |pair| pair.ann.hears(pair.bob.hertz)).await;
    assert!(pair.ann.failures.is_empty() && pair.bob.failures.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pulled_out_is_silence_until_it_is_there_again() {
    let mut pair = Pair::call(Media::VIDEO).await;
    pair.until("Bob hears Ann", |pair| pair.bob.hears(pair.ann.hertz)).await;
    pair.ann.plugs.microphone.store(true, Ordering::Relaxed);
    pair.until("Bob hears nothing", |pair| pair.bob.hears_nothing()).await;
    pair.until("Ann is told", |pair| pair.ann.lacking.last().is_some_and(|lacking| lacking.microphone)).await;
    pair.ann.plugs.microphone.store(false, Ordering::Relaxed);
    pair.until("Bob hears her again", |pair| pair.bob.hears(pair.ann.hertz)).await;
    assert_eq!(pair.ann.lacking.last(), Some(&Media::default()), "and she is told");

    // A camera that is not there when it is switched on, and then is chosen.
    pair.ann.set(Media::AUDIO);
    pair.ann.plugs.camera.store(true, Ordering::Relaxed);
    pair.ann.set(Media::VIDEO);
    pair.until("Ann is told", |pair| pair.ann.lacking.last().is_some_and(|lacking| lacking.camera)).await;
    pair.bob.seen.take(Kind::Camera);
    pair.ann.plugs.camera.store(false, Ordering::Relaxed);
    pair.ann.plugs.changes.fetch_add(1, Ordering::Relaxed);
    pair.until("Bob sees her", |pair| pair.bob.seen.count(Kind::Camera) > 5).await;
    pair.until("and she is told", |pair| pair.ann.lacking.last() == Some(&Media::default())).await;
    assert!(pair.ann.failures.is_empty() && pair.bob.failures.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_is_switched_off_and_on_at_once_is_one_stream() {
    let mut pair = Pair::call(Media::VIDEO).await;
    pair.until("Bob sees Ann", |pair| pair.bob.seen.count(Kind::Camera) > 5).await;
    for _ in 0..5 {
        pair.ann.set(Media::AUDIO);
        pair.pass().await;
        pair.ann.set(Media::VIDEO);
        pair.pass().await;
    }
    let before = pair.bob.seen.count(Kind::Camera);
    pair.until("and still does", |pair| pair.bob.seen.count(Kind::Camera) > before + 40).await;
    assert!(in_order(&pair.bob.seen.take(Kind::Camera)), "no picture is older than the one before");
}
