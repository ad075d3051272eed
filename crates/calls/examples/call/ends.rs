//! The two ends: marks for a voice, a pattern for a face, and what was heard and seen of them.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use kith_calls::Calls;
use kith_calls::Config;
use kith_calls::Kind;
use kith_calls::Picture;
use kith_calls::Reach;
use kith_calls::device::AudioSink;
use kith_calls::device::AudioSource;
use kith_calls::device::Devices;
use kith_calls::device::NoDevice;
use kith_calls::device::VideoSink;
use kith_calls::device::VideoSource;
use kith_calls::device::pattern;
use kith_calls::device::pattern::Pattern;
use kith_calls::device::process_millis;
use kith_calls::device::sound::Heard;
use kith_calls::device::sound::Marks;
use kith_calls::device::sound::loudness;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Media;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::Opening;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use tokio::sync::mpsc::Receiver;

use crate::proxy::Conditions;
use crate::proxy::Proxy;

/// What came of a call, at one end.
pub(crate) struct Report {
    /// Milliseconds from mouth to ear, of each mark.
    pub(crate) speech: Vec<u64>,
    pub(crate) made_again: u64,
    pub(crate) made_up: u64,
    /// Milliseconds from camera to screen, of each picture.
    pub(crate) pictures: Vec<u64>,
    pub(crate) shown: usize,
    /// The longest time without a picture, after the first second.
    pub(crate) gap: u64,
    pub(crate) target: u64,
}

/// When each picture was shown, and its stamp.
type Seen = Arc<Mutex<Vec<(Instant, u32)>>>;

struct Desk {
    heard: Heard,
    seen: Seen,
}

struct Window(Seen);

impl VideoSink for Window {
    fn show(&mut self, picture: &Picture) {
        if let Some(stamp) = pattern::read(picture) {
            self.0.lock().expect("nobody panicked").push((Instant::now(), stamp));
        }
    }
}

impl Devices for Desk {
    fn microphone(&self) -> Result<Box<dyn AudioSource>, NoDevice> {
        Ok(Box::new(Marks::default()))
    }

    fn speaker(&self) -> Result<Box<dyn AudioSink>, NoDevice> {
        Ok(Box::new(self.heard.recorder()))
    }

    fn pictures(&self, _: Kind) -> Result<Box<dyn VideoSource>, NoDevice> {
        Ok(Box::new(Pattern::new(1_280, 720)))
    }

    fn display(&self, _: LegId, _: Kind) -> Box<dyn VideoSink> {
        Box::new(Window(self.seen.clone()))
    }
}

struct End {
    calls: Calls,
    events: Receiver<MediaEvent>,
    leg: LegId,
    heard: Heard,
    seen: Seen,
}

fn end(side: Side, other: u8) -> End {
    let (heard, seen) = (Heard::default(), Seen::default());
    let desk = Desk { heard: heard.clone(), seen: seen.clone() };
    let config = Config { reach: Reach::Loopback, ..Config::default() };
    let (calls, events) = Calls::start(config, Arc::new(desk)).expect("there are threads");
    let leg = LegId { call: CallId([1; 16]), device: DeviceId([other; 32]) };
    let opening = Opening {
        leg,
        epoch: 1,
        side,
        polite: side == Side::Answers,
        ways: Ways::Any,
        media: Media::VIDEO,
        theirs: kith_calls::capabilities(),
        servers: BoundedVec::truncated(Vec::new()),
        sealed: false,
    };
    calls.command(MediaCommand::Open(Box::new(opening))).expect("there is room");
    End { calls, events, leg, heard, seen }
}

/// Makes a call of so long and says what came of it at the second end.
pub(crate) async fn call(conditions: Conditions, lasts: Duration) -> Report {
    let proxy = Proxy::new(conditions).await;
    let (mut ann, mut bob) = (end(Side::Offers, 2), end(Side::Answers, 1));
    let over = tokio::time::sleep(lasts);
    tokio::pin!(over);
    loop {
        tokio::select! {
            Some(event) = ann.events.recv() => pass(event, 0, &proxy, &bob),
            Some(event) = bob.events.recv() => pass(event, 1, &proxy, &ann),
            () = &mut over => break,
        }
    }
    let stats = bob.calls.stats();
    let leg = stats.legs.first().expect("the call goes on");
    let target = ann.calls.stats().legs.first().map_or(0, |leg| leg.target.bps() / 1_000);
    let seen = std::mem::take(&mut *bob.seen.lock().expect("nobody panicked"));
    // The first seconds are for the line to be found out.
    let begin = seen.first().map(|(at, _)| *at + Duration::from_secs(3));
    let steady: Vec<&(Instant, u32)> = seen.iter().filter(|(at, _)| Some(*at) > begin).collect();
    let age = |(at, stamp): &&(Instant, u32)| {
        let now = process_millis(*at) as u32 & pattern::LARGEST_STAMP;
        u64::from(now.wrapping_sub(*stamp) & pattern::LARGEST_STAMP)
    };
    let gaps = steady.windows(2).filter_map(|pair| match pair {
        [one, other] => Some(other.0.duration_since(one.0).as_millis() as u64),
        _ => None,
    });
    Report {
        speech: marks(&bob.heard),
        made_again: leg.speech.repaired,
        made_up: leg.speech.made_up,
        pictures: steady.iter().map(age).collect(),
        shown: steady.len(),
        gap: gaps.max().unwrap_or_default(),
        target,
    }
}

fn pass(event: MediaEvent, from: usize, proxy: &Proxy, to: &End) {
    let leg = to.leg;
    let command = match event {
        MediaEvent::Described { epoch, offer, sdp, .. } => MediaCommand::Describe { leg, epoch, offer, sdp },
        MediaEvent::Gathered { epoch, list, done, .. } => {
            let told = list.iter().filter_map(|candidate| proxy.stand_in(from, candidate));
            let list = BoundedVec::truncated(told.map(BoundedStr::truncated).collect());
            MediaCommand::Candidates { leg, epoch, list, done }
        }
        MediaEvent::Failed { reason, .. } => panic!("it failed: {reason:?}"),
        _ => return,
    };
    to.calls.command(command).expect("there is room");
}

/// Milliseconds from the beginning of each second, where a mark is made, to where it was heard.
fn marks(heard: &Heard) -> Vec<u64> {
    let (mut delays, mut quiet_since, mut first) = (Vec::new(), None, true);
    for (at, block) in heard.take() {
        for (index, part) in block.chunks(120).enumerate() {
            let moment = at + Duration::from_micros(2_500) * index as u32;
            if loudness(part, Marks::HERTZ) < 0.1 {
                quiet_since.get_or_insert(moment);
                continue;
            }
            let quiet = quiet_since
                .take()
                .is_some_and(|since| moment.duration_since(since) > Duration::from_millis(500));
            if quiet && !std::mem::replace(&mut first, false) {
                delays.push(process_millis(moment) % 1_000);
            }
        }
    }
    // The line is found out.
    delays.split_off(delays.len().min(2))
}
