//! Ann and Bob with everything that a call has, but the engine: its words are passed on as it does.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use kith_calls::Calls;
use kith_calls::Config;
use kith_calls::Kind;
use kith_calls::Picture;
use kith_calls::Reach;
use kith_calls::device::AudioSink;
use kith_calls::device::AudioSource;
use kith_calls::device::Block;
use kith_calls::device::Devices;
use kith_calls::device::Gone;
use kith_calls::device::NoDevice;
use kith_calls::device::VideoSink;
use kith_calls::device::VideoSource;
use kith_calls::device::Wish;
use kith_calls::device::pattern;
use kith_calls::device::pattern::Pattern;
use kith_calls::device::sound::Heard;
use kith_calls::device::sound::Tone;
use kith_calls::device::sound::loudness;
use kith_calls::stats::LegStats;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Media;
use kith_proto::call::media::IceServer;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::Opening;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use tokio::sync::mpsc;

/// The stamps that were seen, and the size of the last picture.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<Kind, Vec<u32>>>>, Arc<Mutex<(u32, u32)>>);

impl Seen {
    pub(crate) fn take(&self, kind: Kind) -> Vec<u32> {
        self.0.lock().unwrap().remove(&kind).unwrap_or_default()
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.0.lock().unwrap().get(&kind).map_or(0, Vec::len)
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        *self.1.lock().unwrap()
    }
}

struct Window {
    seen: Seen,
    kind: Kind,
}

/// A window that notes what is shown in it.
pub(crate) fn window(seen: Seen, kind: Kind) -> Box<dyn VideoSink> {
    Box::new(Window { seen, kind })
}

impl VideoSink for Window {
    fn show(&mut self, picture: &Picture) {
        *self.seen.1.lock().unwrap() = (picture.width(), picture.height());
        if let Some(stamp) = pattern::read(picture) {
            self.seen.0.lock().unwrap().entry(self.kind).or_default().push(stamp);
        }
    }
}

/// A tone to speak, a pattern to show, a recorder to listen.
struct Desk {
    hertz: Option<f32>,
    plugs: Plugs,
    heard: Heard,
    seen: Seen,
}

impl Devices for Desk {
    fn microphone(&self) -> Result<Box<dyn AudioSource>, NoDevice> {
        if self.plugs.microphone.load(Ordering::Relaxed) {
            return Err(NoDevice::Missing);
        }
        let tone = Tone::new(self.hertz.ok_or(NoDevice::Missing)?, LEVEL);
        Ok(Box::new(Plugged { tone, out: self.plugs.microphone.clone() }))
    }

    fn speaker(&self) -> Result<Box<dyn AudioSink>, NoDevice> {
        Ok(Box::new(self.heard.recorder()))
    }

    fn pictures(&self, kind: Kind) -> Result<Box<dyn VideoSource>, NoDevice> {
        if self.plugs.camera.load(Ordering::Relaxed) {
            return Err(NoDevice::Missing);
        }
        let pattern = if kind == Kind::Screen { Pattern::new(800, 600) } else { Pattern::new(640, 360) };
        Ok(Box::new(Fixed { pattern, out: self.plugs.camera.clone() }))
    }

    fn display(&self, _: LegId, kind: Kind) -> Box<dyn VideoSink> {
        Box::new(Window { seen: self.seen.clone(), kind })
    }

    fn changes(&self) -> u64 {
        self.plugs.changes.load(Ordering::Relaxed)
    }
}

/// Which devices are pulled out, and how often the person chose others.
#[derive(Clone, Default)]
pub(crate) struct Plugs {
    pub(crate) microphone: Arc<AtomicBool>,
    pub(crate) camera: Arc<AtomicBool>,
    pub(crate) changes: Arc<AtomicU64>,
}

/// A camera that can be pulled out.
struct Fixed {
    pattern: Pattern,
    out: Arc<AtomicBool>,
}

impl VideoSource for Fixed {
    fn next(&mut self, wish: Wish, picture: &mut Picture) -> Result<(), Gone> {
        if self.out.load(Ordering::Relaxed) { Err(Gone) } else { self.pattern.next(wish, picture) }
    }
}

/// A microphone that can be pulled out.
struct Plugged {
    tone: Tone,
    out: Arc<AtomicBool>,
}

impl AudioSource for Plugged {
    fn read(&mut self, block: &mut Block) -> Result<(), Gone> {
        if self.out.load(Ordering::Relaxed) { Err(Gone) } else { self.tone.read(block) }
    }
}

/// How loud everybody speaks.
pub(crate) const LEVEL: f32 = 0.3;

/// One of the two.
pub(crate) struct Person {
    pub(crate) calls: Calls,
    pub(crate) events: mpsc::Receiver<MediaEvent>,
    pub(crate) leg: LegId,
    heard: Heard,
    sound: Vec<Block>,
    pub(crate) seen: Seen,
    pub(crate) plugs: Plugs,
    pub(crate) hertz: f32,
    pub(crate) paths: Vec<(PathState, bool)>,
    pub(crate) silences: Vec<bool>,
    pub(crate) failures: Vec<MediaFailure>,
    /// What could not be sent, each time it was said.
    pub(crate) lacking: Vec<Media>,
    pub(crate) told: Vec<String>,
    /// Lines that are put into what this side says of itself.
    pub(crate) adds: String,
    open: Cell<bool>,
    waiting: Vec<MediaCommand>,
}

impl Person {
    pub(crate) fn new(hertz: Option<f32>, other: u8) -> Self {
        let (heard, seen, plugs) = (Heard::default(), Seen::default(), Plugs::default());
        let desk = Desk { hertz, plugs: plugs.clone(), heard: heard.clone(), seen: seen.clone() };
        let config = Config { reach: Reach::Loopback, ..Config::default() };
        let (calls, events) = Calls::start(config, Arc::new(desk)).unwrap();
        let leg = LegId { call: CallId([7; 16]), device: DeviceId([other; 32]) };
        Self {
            calls,
            events,
            leg,
            heard,
            sound: Vec::new(),
            seen,
            plugs,
            hertz: hertz.unwrap_or_default(),
            paths: Vec::new(),
            silences: Vec::new(),
            failures: Vec::new(),
            lacking: Vec::new(),
            told: Vec::new(),
            adds: String::new(),
            open: Cell::new(false),
            waiting: Vec::new(),
        }
    }

    pub(crate) fn say(&self, command: MediaCommand) {
        self.calls.command(command).expect("there is room for a command");
    }

    /// Words of the other side: they wait for the leg, as the engine keeps them.
    fn hand(&mut self, command: MediaCommand) {
        if self.open.get() { self.say(command) } else { self.waiting.push(command) }
    }

    pub(crate) fn open(&self, side: Side, ways: Ways, media: Media, servers: &[IceServer]) {
        self.say(MediaCommand::Open(Box::new(Opening {
            leg: self.leg,
            epoch: 1,
            side,
            polite: side == Side::Answers,
            ways,
            media,
            theirs: kith_calls::capabilities(),
            servers: BoundedVec::truncated(servers.to_vec()),
            sealed: false,
        })));
        self.open.set(true);
    }

    pub(crate) fn set(&self, media: Media) {
        self.say(MediaCommand::SetMedia { call: self.leg.call, media });
    }

    pub(crate) fn stats(&self) -> LegStats {
        self.calls.stats().legs.first().expect("there is a leg").clone()
    }

    pub(crate) fn connected(&self) -> bool {
        self.paths.last().is_some_and(|(state, _)| *state == PathState::Connected)
    }

    /// Whether the last fifth of a second sounds like a tone of the other's.
    pub(crate) fn hears(&mut self, hertz: f32) -> bool {
        let sound = self.listen(20);
        sound.len() >= 9_600 && (LEVEL * 0.7..LEVEL * 1.3).contains(&loudness(&sound, hertz))
    }

    /// Whether it was quiet for a tenth of a second.
    pub(crate) fn hears_nothing(&mut self) -> bool {
        let sound = self.listen(10);
        sound.len() >= 4_800 && sound.iter().all(|sample| sample.abs() < 0.01)
    }

    /// The sound of the last blocks.
    fn listen(&mut self, blocks: usize) -> Vec<f32> {
        self.sound.extend(self.heard.take().into_iter().map(|(_, block)| block));
        let old = self.sound.len().saturating_sub(blocks);
        self.sound.drain(..old);
        self.sound.concat()
    }

    /// Forgets what was heard.
    pub(crate) fn forget(&mut self) {
        self.heard.take();
        self.sound.clear();
    }

    /// Notes a report; what it means to the other side.
    fn note(&mut self, event: MediaEvent, other: LegId) -> Option<MediaCommand> {
        match event {
            MediaEvent::Described { epoch, offer, sdp, .. } => {
                let sdp = BoundedStr::truncated(format!("{}{}", &*sdp, self.adds));
                Some(MediaCommand::Describe { leg: other, epoch, offer, sdp })
            }
            MediaEvent::Gathered { epoch, list, done, .. } => {
                self.told.extend(list.iter().map(|candidate| candidate.to_string()));
                Some(MediaCommand::Candidates { leg: other, epoch, list, done })
            }
            MediaEvent::Path { state, relayed, .. } => {
                self.paths.push((state, relayed));
                None
            }
            MediaEvent::Silence { silent, .. } => {
                self.silences.push(silent);
                None
            }
            MediaEvent::Failed { reason, .. } => {
                self.failures.push(reason);
                None
            }
            MediaEvent::Lacking { media, .. } => {
                self.lacking.push(media);
                None
            }
            MediaEvent::Able { .. } | MediaEvent::Servers { .. } => None,
        }
    }
}

/// Ann, who calls, and Bob.
pub(crate) struct Pair {
    pub(crate) ann: Person,
    pub(crate) bob: Person,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self { ann: Person::new(Some(440.0), 2), bob: Person::new(Some(660.0), 1) }
    }

    /// A call that was answered.
    pub(crate) async fn call(media: Media) -> Self {
        let mut pair = Self::new();
        pair.ann.open(Side::Offers, Ways::Any, media, &[]);
        pair.bob.open(Side::Answers, Ways::Any, media, &[]);
        pair.until("they are connected", |pair| pair.ann.connected() && pair.bob.connected()).await;
        pair
    }

    /// Passes words on until something is so.
    pub(crate) async fn until(&mut self, what: &str, mut so: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        while !so(self) {
            if begin.elapsed() >= PATIENCE {
                let Self { ann, bob } = self;
                panic!(
                    "in vain: {what}; {:#?} {:#?} {:?} {:?}",
                    ann.calls.stats(),
                    bob.calls.stats(),
                    ann.failures,
                    bob.failures
                );
            }
            self.pass().await;
        }
    }

    /// Passes on what was said in a moment.
    pub(crate) async fn pass(&mut self) {
        let Self { ann, bob } = self;
        for person in [&mut *ann, &mut *bob] {
            let ready = if person.open.get() { std::mem::take(&mut person.waiting) } else { Vec::new() };
            ready.into_iter().for_each(|command| person.say(command));
        }
        let moment = tokio::time::sleep(Duration::from_millis(20));
        tokio::pin!(moment);
        loop {
            tokio::select! {
                Some(event) = ann.events.recv() => {
                    let command = ann.note(event, bob.leg);
                    command.into_iter().for_each(|command| bob.hand(command));
                }
                Some(event) = bob.events.recv() => {
                    let command = bob.note(event, ann.leg);
                    command.into_iter().for_each(|command| ann.hand(command));
                }
                () = &mut moment => return,
            }
        }
    }
}

/// A machine with much else to do needs a while.
const PATIENCE: Duration = Duration::from_secs(25);
