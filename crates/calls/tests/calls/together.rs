//! Five in one call, over real connections: each with each, or through one of them who forwards and is lost.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use kith_calls::Calls;
use kith_calls::Config;
use kith_calls::Kind;
use kith_calls::Reach;
use kith_calls::device::AudioSink;
use kith_calls::device::AudioSource;
use kith_calls::device::Block;
use kith_calls::device::Devices;
use kith_calls::device::NoDevice;
use kith_calls::device::VideoSink;
use kith_calls::device::VideoSource;
use kith_calls::device::pattern::Pattern;
use kith_calls::device::sound::Heard;
use kith_calls::device::sound::Tone;
use kith_calls::device::sound::loudness;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Media;
use kith_proto::call::group::CallKey;
use kith_proto::call::media::FrameKey;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::Opening;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use tokio::sync::mpsc;

use super::bench::Seen;
use super::bench::window;

const CALL: CallId = CallId([7; 16]);

/// Four of them together are not too loud.
const LEVEL: f32 = 0.15;

/// A machine with much else to do needs a while.
const PATIENCE: Duration = Duration::from_secs(40);

/// A tone to speak, a pattern to show, a recorder to listen.
struct Desk {
    hertz: f32,
    heard: Heard,
    seen: BTreeMap<DeviceId, Seen>,
}

impl Devices for Desk {
    fn microphone(&self) -> Result<Box<dyn AudioSource>, NoDevice> {
        Ok(Box::new(Tone::new(self.hertz, LEVEL)))
    }

    fn speaker(&self) -> Result<Box<dyn AudioSink>, NoDevice> {
        Ok(Box::new(self.heard.recorder()))
    }

    fn pictures(&self, _: Kind) -> Result<Box<dyn VideoSource>, NoDevice> {
        Ok(Box::new(Pattern::new(320, 180)))
    }

    fn display(&self, leg: LegId, kind: Kind) -> Box<dyn VideoSink> {
        window(self.seen.get(&leg.device).cloned().unwrap_or_default(), kind)
    }
}

struct Member {
    calls: Calls,
    events: mpsc::Receiver<MediaEvent>,
    hertz: f32,
    heard: Heard,
    sound: Vec<Block>,
    seen: BTreeMap<DeviceId, Seen>,
}

impl Member {
    fn say(&self, command: MediaCommand) {
        self.calls.command(command).expect("there is room for a command");
    }

    fn listen(&mut self) -> Vec<f32> {
        self.sound.extend(self.heard.take().into_iter().map(|(_, block)| block));
        let old = self.sound.len().saturating_sub(20);
        self.sound.drain(..old);
        self.sound.concat()
    }
}

struct Room {
    members: Vec<Option<Member>>,
    connected: BTreeSet<(usize, usize)>,
    media: Media,
}

fn device(number: usize) -> DeviceId {
    DeviceId([number as u8 + 1; 32])
}

fn key(of: usize, generation: u8) -> FrameKey {
    FrameKey { generation, step: 0, key: CallKey::new([16 * generation + of as u8 + 1; 64]) }
}

fn sender(of: usize) -> u64 {
    100 + of as u64
}

impl Room {
    fn of(people: usize, media: Media) -> Self {
        let member = |number: usize| {
            let hertz = [440.0, 650.0, 900.0, 1_250.0, 1_700.0][number % 5];
            let heard = Heard::default();
            let seen: BTreeMap<DeviceId, Seen> =
                (0..people).map(|other| (device(other), Seen::default())).collect();
            let desk = Desk { hertz, heard: heard.clone(), seen: seen.clone() };
            let config = Config { reach: Reach::Loopback, ..Config::default() };
            let (calls, events) = Calls::start(config, Arc::new(desk)).unwrap();
            Some(Member { calls, events, hertz, heard, sound: Vec::new(), seen })
        };
        Self { members: (0..people).map(member).collect(), connected: BTreeSet::new(), media }
    }

    fn there(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|number| self.members[*number].is_some()).collect()
    }

    /// Everybody has everybody's key, but for those who are left out.
    fn hand_out(&self, generation: u8, but: &[usize]) {
        for one in self.there() {
            let member = self.members[one].as_ref().unwrap();
            member.say(MediaCommand::Seal { call: CALL, sender: sender(one), key: key(one, generation) });
            for other in self.there().into_iter().filter(|other| *other != one) {
                let from = LegId { call: CALL, device: device(other) };
                // Somebody without the key knows whose frames they are all the same.
                let key = if but.contains(&one) { key(9, generation) } else { key(other, generation) };
                member.say(MediaCommand::Unseal { from, sender: sender(other), key });
            }
        }
    }

    fn open(&self, one: usize, other: usize) {
        let (first, second) = (one.min(other), one.max(other));
        for (who, whom, side) in [(second, first, Side::Answers), (first, second, Side::Offers)] {
            let opening = Opening {
                leg: LegId { call: CALL, device: device(whom) },
                epoch: 1,
                side,
                polite: side == Side::Answers,
                ways: Ways::Any,
                media: self.media,
                theirs: kith_calls::capabilities(),
                servers: BoundedVec::default(),
                sealed: true,
            };
            self.members[who].as_ref().unwrap().say(MediaCommand::Open(Box::new(opening)));
        }
    }

    fn forward(&self, who: usize, on: bool) {
        self.members[who].as_ref().unwrap().say(MediaCommand::Forward { call: CALL, on });
        for other in self.there().into_iter().filter(|other| on && *other != who) {
            let through = MediaCommand::Through { call: CALL, device: Some(device(who)) };
            self.members[other].as_ref().unwrap().say(through);
        }
    }

    /// Passes words on until something is so.
    async fn until(&mut self, what: &str, mut so: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        while !so(self) {
            assert!(begin.elapsed() < PATIENCE, "in vain: {what}; {:?}", self.connected);
            self.pass();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn pass(&mut self) {
        for one in self.there() {
            while let Ok(event) = self.members[one].as_mut().unwrap().events.try_recv() {
                let own = device(one);
                let (to, command) = match event {
                    MediaEvent::Described { leg, epoch, offer, sdp } => {
                        let back = LegId { device: own, ..leg };
                        (leg.device, MediaCommand::Describe { leg: back, epoch, offer, sdp })
                    }
                    MediaEvent::Gathered { leg, epoch, list, done } => {
                        let back = LegId { device: own, ..leg };
                        (leg.device, MediaCommand::Candidates { leg: back, epoch, list, done })
                    }
                    MediaEvent::Path { leg, state: PathState::Connected, .. } => {
                        self.connected.insert((one, usize::from(leg.device.0[0]) - 1));
                        continue;
                    }
                    MediaEvent::Failed { reason, .. } => panic!("{one}: {reason:?}"),
                    _ => continue,
                };
                let other = self.members.get(usize::from(to.0[0]) - 1).and_then(Option::as_ref);
                other.into_iter().for_each(|other| other.say(command.clone()));
            }
        }
    }

    /// Whose tones somebody hears.
    fn hears(&mut self, who: usize) -> BTreeSet<usize> {
        let tones: Vec<(usize, f32)> = self
            .there()
            .into_iter()
            .map(|other| (other, self.members[other].as_ref().unwrap().hertz))
            .collect();
        let sound = self.members[who].as_mut().unwrap().listen();
        if sound.len() < 9_600 {
            return BTreeSet::new();
        }
        let clear = |hertz: f32| (LEVEL * 0.6..LEVEL * 1.4).contains(&loudness(&sound, hertz));
        tones.into_iter().filter(|(_, hertz)| clear(*hertz)).map(|(other, _)| other).collect()
    }

    /// Whether everybody hears everybody else, and not themselves.
    fn all_hear(&mut self, who: &[usize]) -> bool {
        who.iter().all(|one| {
            let others: BTreeSet<usize> = who.iter().filter(|other| *other != one).copied().collect();
            self.hears(*one) == others
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hear_and_see_each_other_with_keys_alone() {
    let mut room = Room::of(3, Media::VIDEO);
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        room.open(one, other);
    }
    room.until("they are connected", |room| room.connected.len() == 6).await;
    room.hand_out(0, &[2]);
    room.until("the two with keys hear each other, and the third one", |room| {
        room.hears(0) == [1, 2].into() && room.hears(1) == [0, 2].into()
    })
    .await;
    assert_eq!(room.hears(2), BTreeSet::new(), "who has no keys hears nobody");
    room.hand_out(1, &[]);
    room.until("with other keys all three do", |room| room.all_hear(&[0, 1, 2])).await;
    let sees = |room: &Room, who: usize, whom: usize| {
        room.members[who].as_ref().unwrap().seen[&device(whom)].count(Kind::Camera) > 3
    };
    room.until("they see each other", |room| {
        let pairs = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)];
        pairs.into_iter().all(|(who, whom)| sees(room, who, whom))
    })
    .await;
    let heard = room.members[0].as_ref().unwrap().calls.stats().heard;
    assert_eq!(heard.iter().map(|(device, _)| *device).collect::<Vec<_>>(), [device(1), device(2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hear_each_other_through_one_who_has_no_keys_and_through_another_when_that_is_lost() {
    let mut room = Room::of(5, Media::AUDIO);
    room.hand_out(0, &[0]);
    room.forward(0, true);
    (1..5).for_each(|other| room.open(0, other));
    room.until("all are connected with the first", |room| room.connected.len() == 8).await;
    room.until("the four others hear each other, and the first", |room| {
        (1..5).all(|one| room.hears(one) == (0..5).filter(|other| *other != one).collect())
    })
    .await;
    assert_eq!(room.hears(0), BTreeSet::new(), "who forwards hears nothing");
    room.members[0] = None;
    (2..5).for_each(|other| room.open(1, other));
    room.forward(1, true);
    room.connected.clear();
    room.until("the others hear each other through the second", |room| room.all_hear(&[1, 2, 3, 4])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_are_forwarded() {
    let mut room = Room::of(3, Media::VIDEO);
    room.hand_out(0, &[]);
    room.forward(0, true);
    [1, 2].into_iter().for_each(|other| room.open(0, other));
    let sees = |room: &Room, who: usize, whom: usize| {
        room.members[who].as_ref().unwrap().seen[&device(whom)].count(Kind::Camera) > 3
    };
    room.until("those who are not connected see each other", |room| sees(room, 1, 2) && sees(room, 2, 1))
        .await;
    room.until("and the one who forwards", |room| sees(room, 1, 0) && sees(room, 0, 2)).await;
}
