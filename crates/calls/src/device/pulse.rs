//! Microphones and speakers on Linux by the protocol of PulseAudio, which PipeWire speaks as well: no library of the system is needed, so the app
//! starts without any. Whoever has neither has no sound here.
//!
//! The server resamples, mixes and follows devices that are plugged in or made the default. Not tested here: real hardware.

use std::collections::VecDeque;
use std::ffi::CString;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use futures::executor::block_on;
use pulseaudio::AsPlaybackSource as _;
use pulseaudio::Client;
use pulseaudio::PlaybackStream;
use pulseaudio::RecordStream;
use pulseaudio::protocol;

use super::AudioSink;
use super::AudioSource;
use super::Block;
use super::Direction;
use super::Found;
use super::Gone;
use super::NoDevice;

/// What there is, the default first. Nothing without a server.
pub(super) fn list() -> Vec<Found> {
    let Ok(client) = client() else { return Vec::new() };
    let all = async {
        let server = client.server_info().await?;
        Ok::<_, pulseaudio::ClientError>((server, client.list_sources().await?, client.list_sinks().await?))
    };
    let Ok((server, sources, sinks)) = block_on(all) else { return Vec::new() };
    let found = |direction, name: &CString, description: Option<&CString>, default: Option<&CString>| Found {
        direction,
        id: name.to_string_lossy().into_owned(),
        name: description.unwrap_or(name).to_string_lossy().into_owned(),
        is_default: default == Some(name),
    };
    // What a speaker plays can be recorded, too, but is nobody's voice; unless it is all there is.
    let only_monitors = sources.iter().all(|source| source.monitor_of_sink_index.is_some());
    let voices = sources.iter().filter(|source| only_monitors || source.monitor_of_sink_index.is_none());
    let default = server.default_source_name.as_ref();
    let mut list: Vec<Found> = voices
        .map(|source| found(Direction::In, &source.name, source.description.as_ref(), default))
        .collect();
    let default = server.default_sink_name.as_ref();
    list.extend(
        sinks.iter().map(|sink| found(Direction::Out, &sink.name, sink.description.as_ref(), default)),
    );
    list.sort_by_key(|found| !found.is_default);
    list.truncate(MOST_FOUND);
    list
}

/// A microphone.
pub(super) struct Microphone {
    blocks: Receiver<Block>,
    /// What is not read yet is dropped with it.
    _stream: RecordStream,
    _client: Client,
}

impl Microphone {
    /// Opens the one of this id, or the default.
    ///
    /// # Errors
    /// If there is no server or no such microphone.
    pub(super) fn open(id: Option<&str>) -> Result<Self, NoDevice> {
        let client = client()?;
        let (told, blocks) = sync_channel(BLOCKS);
        let mut rest: Vec<f32> = Vec::with_capacity(2 * 480);
        let sink = move |data: &[u8]| {
            rest.extend(
                data.chunks_exact(4).filter_map(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?))),
            );
            while rest.len() >= 480 {
                let mut block = [0.0; 480];
                for (to, from) in block.iter_mut().zip(rest.drain(..480)) {
                    *to = from;
                }
                // Nobody reads: the oldest is of no use, but the newest must do.
                let _ = told.try_send(block);
            }
        };
        let params = protocol::RecordStreamParams {
            sample_spec: spec(),
            channel_map: protocol::ChannelMap::mono(),
            source_name: Some(name(id, protocol::DEFAULT_SOURCE)?),
            buffer_attr: protocol::stream::BufferAttr { fragment_size: FRAGMENT, ..Default::default() },
            flags: protocol::stream::StreamFlags { adjust_latency: true, ..Default::default() },
            ..Default::default()
        };
        let stream = block_on(client.create_record_stream(params, sink)).map_err(broken)?;
        Ok(Self { blocks, _stream: stream, _client: client })
    }
}

impl AudioSource for Microphone {
    fn read(&mut self, block: &mut Block) -> Result<(), Gone> {
        *block = self.blocks.recv_timeout(PATIENCE).map_err(|_| Gone)?;
        Ok(())
    }

    fn hears_a_room(&self) -> bool {
        true
    }
}

/// A speaker.
pub(super) struct Speaker {
    queue: Arc<Queue>,
    _stream: PlaybackStream,
    _client: Client,
}

#[derive(Default)]
struct Queue {
    samples: Mutex<Waiting>,
    taken: Condvar,
}

#[derive(Default)]
struct Waiting {
    samples: VecDeque<f32>,
    /// Nobody takes any more.
    gone: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server's end of it, which the library drops with the connection.
struct Taker(Arc<Queue>);

impl Taker {
    fn fill(&self, buffer: &mut [u8]) -> usize {
        let mut waiting = self.0.lock();
        for bytes in buffer.chunks_exact_mut(4) {
            bytes.copy_from_slice(&waiting.samples.pop_front().unwrap_or_default().to_le_bytes());
        }
        self.0.taken.notify_one();
        buffer.len()
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.0.lock().gone = true;
        self.0.taken.notify_one();
    }
}

impl Speaker {
    /// Opens the one of this id, or the default.
    ///
    /// # Errors
    /// If there is no server or no such speaker.
    pub(super) fn open(id: Option<&str>) -> Result<Self, NoDevice> {
        let client = client()?;
        let queue = Arc::new(Queue::default());
        let taker = Taker(queue.clone());
        let source = move |buffer: &mut [u8]| taker.fill(buffer);
        let buffer = protocol::stream::BufferAttr {
            target_length: 2 * FRAGMENT,
            minimum_request_length: FRAGMENT,
            pre_buffering: 0,
            ..Default::default()
        };
        let params = protocol::PlaybackStreamParams {
            sample_spec: spec(),
            channel_map: protocol::ChannelMap::mono(),
            sink_name: Some(name(id, protocol::DEFAULT_SINK)?),
            buffer_attr: buffer,
            cvolume: Some(protocol::ChannelVolume::norm(1)),
            flags: protocol::stream::StreamFlags { adjust_latency: true, ..Default::default() },
            ..Default::default()
        };
        let stream = client.create_playback_stream(params, source.as_playback_source());
        let stream = block_on(stream).map_err(broken)?;
        Ok(Self { queue, _stream: stream, _client: client })
    }
}

impl AudioSink for Speaker {
    fn write(&mut self, block: &Block) -> Result<(), Gone> {
        let full = |waiting: &mut Waiting| waiting.samples.len() > QUEUED && !waiting.gone;
        let waited = self.queue.taken.wait_timeout_while(self.queue.lock(), PATIENCE, full);
        let (mut waiting, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() || waiting.gone {
            return Err(Gone);
        }
        waiting.samples.extend(block);
        Ok(())
    }

    fn delay(&self) -> Duration {
        // What waits here and, as asked for, at the server.
        let waiting = self.queue.lock().samples.len() as u64;
        Duration::from_micros(waiting * 1_000 / 48) + Duration::from_millis(20)
    }
}

/// The connection to the server, the same for all: the library's thread and socket for a connection stay for ever, also when nobody uses it any
/// more. A server that was started anew is found.
fn client() -> Result<Client, NoDevice> {
    static KEPT: Mutex<Option<Client>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = kept.as_ref().filter(|client| block_on(client.server_info()).is_ok()) {
        return Ok(client.clone());
    }
    let client = Client::from_env(c"Kith").map_err(broken)?;
    *kept = Some(client.clone());
    Ok(client)
}

fn broken(error: pulseaudio::ClientError) -> NoDevice {
    match error {
        pulseaudio::ClientError::ServerUnavailable => NoDevice::Missing,
        pulseaudio::ClientError::ServerError(protocol::PulseError::NoEntity) => NoDevice::Missing,
        other => NoDevice::Broken(other.to_string()),
    }
}

fn name(id: Option<&str>, default: &std::ffi::CStr) -> Result<CString, NoDevice> {
    id.map_or_else(|| Ok(default.to_owned()), |id| CString::new(id).map_err(|_| NoDevice::Missing))
}

fn spec() -> protocol::SampleSpec {
    protocol::SampleSpec { format: protocol::SampleFormat::Float32Le, channels: 1, sample_rate: 48_000 }
}

/// 10 ms of 48,000 samples of four bytes.
const FRAGMENT: u32 = 1_920;

/// In blocks: more is a thread that stands.
const BLOCKS: usize = 20;

/// In samples: 10 ms wait here while the next 10 ms are mixed.
const QUEUED: usize = 480;

/// A server that moves a stream to another device takes part of a second, and an idle sink that wakes up two (measured with a null sink). A server that
/// ends is noticed at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody chooses among more.
const MOST_FOUND: usize = 64;
