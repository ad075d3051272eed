//! The threads of sound: from the microphone to all connections, and from all connections to the speaker.
//!
//! ```text
//!  microphone ──10 ms──▶ Voice: 20 ms, Opus ──▶ Fanout
//!  speaker ◀──10 ms── Ears: one jitter buffer and decoder for each connection, mixed
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use std::time::Instant;

use kith_media::Time;
use kith_media::jitter::JitterBuffer;

use self::clean::Cleaner;
use self::clean::Played;
use self::opening::Opening;
use crate::codec::FRAME;
use crate::codec::Sound;
use crate::codec::Speech;
use crate::device::AudioSink;
use crate::device::AudioSource;
use crate::device::BLOCK_LASTS;
use crate::device::Block;
use crate::device::Devices;
use crate::device::Pace;
use crate::fanout::Fanout;
use crate::line::Line;
use crate::stats::SpeechStats;
use crate::transport::Encoded;
use crate::transport::Kind;

mod clean;
mod opening;
mod rehearsal;

pub use self::rehearsal::Rehearsal;

/// Where the speaker's thread says what it plays, for the microphone's to take it out of what it hears.
#[derive(Clone, Default)]
pub(crate) struct Echo(Arc<Mutex<Option<SyncSender<Played>>>>);

impl Echo {
    fn listen(&self, played: Option<SyncSender<Played>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = played;
    }

    fn played(&self, block: &Block, delay: Duration) {
        if let Some(played) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = played.try_send(Played { block: *block, delay });
        }
    }
}

/// A level that one thread writes and others look at.
#[derive(Debug, Default)]
pub(crate) struct Level(AtomicU32);

impl Level {
    /// The mean of a tenth of a second, about.
    fn add(&self, block: &Block) {
        let power = block.iter().map(|sample| sample * sample).sum::<f32>() / block.len() as f32;
        self.0.store((self.get() * 0.9 + power.sqrt() * 0.1).to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// The thread of the microphone. It ends when this is dropped.
pub(crate) struct Voice {
    shared: Arc<VoiceShared>,
}

#[derive(Default)]
struct VoiceShared {
    ended: AtomicBool,
    on: AtomicBool,
    lacking: AtomicBool,
    failed: AtomicBool,
    level: Level,
}

impl Voice {
    /// Starts.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(devices: Arc<dyn Devices>, fanout: Arc<Fanout>, echo: Echo) -> std::io::Result<Self> {
        let shared = Arc::new(VoiceShared::default());
        let of_thread = shared.clone();
        std::thread::Builder::new().name("kith-voice".into()).spawn(move || {
            if speak(devices, &fanout, &echo, &of_thread).is_none() {
                of_thread.failed.store(true, Ordering::Relaxed);
            }
        })?;
        Ok(Self { shared })
    }

    /// Whether anything is sent.
    pub(crate) fn set_on(&self, on: bool) {
        self.shared.on.store(on, Ordering::Relaxed);
    }

    /// Whether there is no microphone at the moment.
    pub(crate) fn is_lacking(&self) -> bool {
        self.shared.lacking.load(Ordering::Relaxed)
    }

    /// Whether speech cannot be sent at all.
    pub(crate) fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn level(&self) -> f32 {
        self.shared.level.get()
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

/// Speaks until the end; `None` when speech cannot be encoded here.
fn speak(devices: Arc<dyn Devices>, fanout: &Fanout, echo: &Echo, shared: &VoiceShared) -> Option<()> {
    let mut microphone = Microphone::new(devices);
    let mut speech = Speech::new().ok()?;
    let mut frame = [0.0; FRAME];
    let mut stamp = 0_u32;
    let mut silence = 0;
    while !shared.ended.load(Ordering::Relaxed) {
        for half in frame.chunks_exact_mut(FRAME / 2) {
            let half: &mut Block = half.try_into().ok()?;
            let lost = microphone.read(echo, half);
            stamp = stamp.wrapping_add(lost.wrapping_mul(half.len() as u32));
            shared.level.add(half);
        }
        shared.lacking.store(microphone.is_lacking(), Ordering::Relaxed);
        let on = shared.on.load(Ordering::Relaxed) && microphone.source.is_some();
        // Time goes on while nothing is sent.
        stamp = stamp.wrapping_add(FRAME as u32);
        // Who falls silent says so: what the other side makes up for what is missing would sound on like the last word.
        silence = if on { 0 } else { silence + 1 };
        if !on {
            frame.fill(0.0);
        }
        let Some((target, loss)) = fanout.for_speech().filter(|_| silence <= SILENCE) else { continue };
        speech.adapt(target, loss);
        let Ok(packet) = speech.encode(&frame) else { continue };
        fanout.send(&Encoded { kind: Kind::Microphone, stamp, key: false, data: packet.into() });
    }
    Some(())
}

/// The microphone with what it needs, or the clock while there is none.
struct Microphone {
    opening: Opening<Box<dyn AudioSource>>,
    source: Option<(Box<dyn AudioSource>, Option<Cleaner>)>,
    pace: Pace,
}

impl Microphone {
    fn new(devices: Arc<dyn Devices>) -> Self {
        let opening = Opening::new(devices, |devices| devices.microphone());
        Self { opening, source: None, pace: Pace::default() }
    }

    /// Reads 10 ms, silence while there is no microphone. One that the person chose takes its place between two blocks, and so does one that
    /// comes back. Returns how many blocks were lost just before.
    fn read(&mut self, echo: &Echo, block: &mut Block) -> u32 {
        if let Some(source) = self.opening.poll(self.source.is_some()) {
            let (cleaner, played) = source.hears_a_room().then(Cleaner::new).unzip();
            echo.listen(played);
            self.source = Some((source, cleaner));
        }
        if let Some((source, cleaner)) = &mut self.source {
            if source.read(block).is_ok() {
                if let Some(cleaner) = cleaner {
                    cleaner.clean(block);
                }
                return source.lost();
            }
            echo.listen(None);
            self.source = None;
        }
        block.fill(0.0);
        self.pace.wait(BLOCK_LASTS);
        0
    }

    fn is_lacking(&self) -> bool {
        self.source.is_none() && self.opening.fails()
    }
}

/// The thread of the speaker. It ends when this is dropped.
pub(crate) struct Ears {
    heard: SyncSender<Heard>,
    playing: Arc<AtomicBool>,
}

/// What the speaker's thread is told.
pub(crate) enum Heard {
    /// A connection is listened to.
    Join { number: u64, line: Arc<Line>, figures: Arc<Figures> },
    /// A packet of one.
    Packet { number: u64, came: Time, sequence: u16, stamp: u32, payload: Vec<u8> },
    /// It is over.
    Leave { number: u64 },
}

/// What is known of a connection's speech, for others to look at.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    held: AtomicU32,
    decoded: AtomicU32,
    repaired: AtomicU32,
    made_up: AtomicU32,
    level: Level,
}

impl Figures {
    pub(crate) fn get(&self) -> SpeechStats {
        let of = |count: &AtomicU32| u64::from(count.load(Ordering::Relaxed));
        SpeechStats {
            held_millis: self.held.load(Ordering::Relaxed),
            decoded: of(&self.decoded),
            repaired: of(&self.repaired),
            made_up: of(&self.made_up),
            level: self.level.get(),
        }
    }
}

struct Voices {
    line: Arc<Line>,
    buffer: JitterBuffer,
    sound: Sound,
    figures: Arc<Figures>,
}

impl Ears {
    /// Starts.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(devices: Arc<dyn Devices>, echo: Echo) -> std::io::Result<Self> {
        let (heard, said) = sync_channel(HEARD);
        let playing = Arc::new(AtomicBool::new(true));
        let of_thread = playing.clone();
        std::thread::Builder::new()
            .name("kith-ears".into())
            .spawn(move || listen(devices, &echo, &said, &of_thread))?;
        Ok(Self { heard, playing })
    }

    /// Whether anything is played.
    pub(crate) fn set_playing(&self, playing: bool) {
        self.playing.store(playing, Ordering::Relaxed);
    }

    /// Tells the thread something; what finds no room is lost.
    pub(crate) fn tell(&self, heard: Heard) {
        let _ = self.heard.try_send(heard);
    }

    /// Where packets go.
    pub(crate) fn sender(&self) -> SyncSender<Heard> {
        self.heard.clone()
    }
}

fn listen(devices: Arc<dyn Devices>, echo: &Echo, said: &Receiver<Heard>, playing: &AtomicBool) {
    let mut speaker = Speaker::new(devices);
    let mut voices: BTreeMap<u64, Voices> = BTreeMap::new();
    loop {
        loop {
            match said.try_recv() {
                Ok(heard) => take(&mut voices, heard),
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
            }
        }
        let mut mixed = [0.0; kith_media::jitter::BLOCK];
        let mut one = [0.0; kith_media::jitter::BLOCK];
        for voice in voices.values_mut() {
            let now = voice.line.time(Instant::now());
            voice.buffer.pull(now, &mut voice.sound, &mut one);
            voice.tell(&one);
            for (all, own) in mixed.iter_mut().zip(&one) {
                *all += own;
            }
        }
        let quiet = !playing.load(Ordering::Relaxed);
        for sample in &mut mixed {
            *sample = if quiet { 0.0 } else { sample.clamp(-1.0, 1.0) };
        }
        echo.played(&mixed, speaker.delay());
        speaker.write(&mixed);
    }
}

fn take(voices: &mut BTreeMap<u64, Voices>, heard: Heard) {
    match heard {
        Heard::Join { number, line, figures } => {
            let Ok(sound) = Sound::new() else { return };
            let buffer = JitterBuffer::default();
            voices.entry(number).or_insert(Voices { line, buffer, sound, figures });
        }
        Heard::Packet { number, came, sequence, stamp, payload } => {
            if let Some(voice) = voices.get_mut(&number) {
                voice.buffer.push(came, sequence, stamp, &payload);
            }
        }
        Heard::Leave { number } => _ = voices.remove(&number),
    }
}

impl Voices {
    fn tell(&self, block: &Block) {
        let stats = self.buffer.stats();
        let put = |count: &AtomicU32, value: u64| {
            count.store(u32::try_from(value).unwrap_or(u32::MAX), Ordering::Relaxed);
        };
        put(&self.figures.held, u64::from(self.buffer.target_millis()));
        put(&self.figures.decoded, stats.decoded);
        put(&self.figures.repaired, stats.fec + stats.dred);
        put(&self.figures.made_up, stats.concealed);
        self.figures.level.add(block);
    }
}

/// The speaker, or the clock while there is none.
struct Speaker {
    opening: Opening<Box<dyn AudioSink>>,
    sink: Option<Box<dyn AudioSink>>,
    pace: Pace,
}

impl Speaker {
    fn new(devices: Arc<dyn Devices>) -> Self {
        let opening = Opening::new(devices, |devices| devices.speaker());
        Self { opening, sink: None, pace: Pace::default() }
    }

    fn is_lacking(&self) -> bool {
        self.sink.is_none() && self.opening.fails()
    }

    fn delay(&self) -> Duration {
        self.sink.as_ref().map_or(Duration::ZERO, |sink| sink.delay())
    }

    fn write(&mut self, block: &Block) {
        // The old one plays on until the new one is there.
        if let Some(sink) = self.opening.poll(self.sink.is_some()) {
            self.sink = Some(sink);
        }
        match &mut self.sink {
            Some(sink) => {
                if sink.write(block).is_err() {
                    self.sink = None;
                }
            }
            None => self.pace.wait(BLOCK_LASTS),
        }
    }
}

/// In packets: a fifth of a second, of which a part may be lost.
const SILENCE: u32 = 10;

/// Two seconds of packets of two connections.
const HEARD: usize = 256;
