//! Microphones and speakers on Linux by the protocol of PulseAudio, which PipeWire speaks as well: no library of the system is needed, so the app
//! starts without any. Whoever has neither has no sound here.
//!
//! The server resamples, mixes and follows devices that are plugged in or made the default. Not tested here: real hardware.

use std::collections::VecDeque;
use std::ffi::CString;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::Either;
use futures::future::select;
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
    let Ok((server, sources, sinks)) = within(all) else { return Vec::new() };
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
    heard: Arc<Shared<Unread>>,
    lost: u32,
    /// What is not read yet is dropped with it.
    _stream: RecordStream,
    _client: Client,
}

/// What was heard and not read yet.
#[derive(Default)]
struct Unread {
    blocks: VecDeque<Block>,
    /// Those before the first of them that nobody read in time.
    lost: u32,
}

impl Unread {
    /// What nobody reads in time is of no use to anybody: the oldest goes, in pairs, as two make a packet.
    fn push(&mut self, block: Block) {
        if self.blocks.len() >= BLOCKS {
            self.blocks.drain(..2);
            self.lost = self.lost.saturating_add(2);
        }
        self.blocks.push_back(block);
    }

    /// The next one, and how many were lost before it.
    fn pop(&mut self) -> Option<(Block, u32)> {
        Some((self.blocks.pop_front()?, std::mem::take(&mut self.lost)))
    }
}

impl Microphone {
    /// Opens the one of this id, or the default.
    ///
    /// # Errors
    /// If there is no server or no such microphone.
    pub(super) fn open(id: Option<&str>) -> Result<Self, NoDevice> {
        let client = client()?;
        let (heard, server) = Shared::new();
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
                server.with(|unread: &mut Unread| unread.push(block));
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
        let stream = within(client.create_record_stream(params, sink))?;
        Ok(Self { heard, lost: 0, _stream: stream, _client: client })
    }
}

impl AudioSource for Microphone {
    fn read(&mut self, block: &mut Block) -> Result<(), Gone> {
        // What came before the server was gone is read.
        let (mut between, _) = self.heard.wait_while(|unread| unread.blocks.is_empty());
        (*block, self.lost) = between.waiting.pop().ok_or(Gone)?;
        Ok(())
    }

    fn lost(&mut self) -> u32 {
        self.lost
    }

    fn hears_a_room(&self) -> bool {
        true
    }
}

/// A speaker.
pub(super) struct Speaker {
    queue: Arc<Shared<VecDeque<f32>>>,
    _stream: PlaybackStream,
    _client: Client,
}

impl Speaker {
    /// Opens the one of this id, or the default.
    ///
    /// # Errors
    /// If there is no server or no such speaker.
    pub(super) fn open(id: Option<&str>) -> Result<Self, NoDevice> {
        let client = client()?;
        let (queue, server) = Shared::<VecDeque<f32>>::new();
        let source = move |buffer: &mut [u8]| {
            server.with(|samples| {
                for bytes in buffer.chunks_exact_mut(4) {
                    bytes.copy_from_slice(&samples.pop_front().unwrap_or_default().to_le_bytes());
                }
            });
            buffer.len()
        };
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
        let stream = within(client.create_playback_stream(params, source.as_playback_source()))?;
        Ok(Self { queue, _stream: stream, _client: client })
    }
}

impl AudioSink for Speaker {
    fn write(&mut self, block: &Block) -> Result<(), Gone> {
        let (mut between, late) = self.queue.wait_while(|samples| samples.len() > QUEUED);
        if late || between.gone {
            return Err(Gone);
        }
        between.waiting.extend(block);
        Ok(())
    }

    fn delay(&self) -> Duration {
        // What waits here and, as asked for, at the server.
        let waiting = self.queue.lock().waiting.len() as u64;
        Duration::from_micros(waiting * 1_000 / 48) + Duration::from_millis(20)
    }
}

/// What a thread of the call and the server hand to each other.
#[derive(Default)]
struct Shared<T> {
    between: Mutex<Between<T>>,
    moved: Condvar,
}

#[derive(Default)]
struct Between<T> {
    waiting: T,
    /// The server's end is not there any more.
    gone: bool,
}

impl<T: Default> Shared<T> {
    /// It, and the server's end of it.
    fn new() -> (Arc<Self>, ServerEnd<T>) {
        let shared = Arc::<Self>::default();
        (shared.clone(), ServerEnd(shared))
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Between<T>> {
        self.between.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the server, and whether that took too long. Does not wait when it is gone.
    fn wait_while(&self, standing: impl Fn(&T) -> bool) -> (MutexGuard<'_, Between<T>>, bool) {
        let waits = |between: &mut Between<T>| standing(&between.waiting) && !between.gone;
        let waited = self.moved.wait_timeout_while(self.lock(), PATIENCE, waits);
        let (between, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        (between, waited.timed_out())
    }
}

/// The server's end, which the library drops with the connection.
struct ServerEnd<T>(Arc<Shared<T>>);

impl<T> ServerEnd<T> {
    fn with(&self, act: impl FnOnce(&mut T)) {
        act(&mut self.0.lock().waiting);
        self.0.moved.notify_one();
    }
}

impl<T> Drop for ServerEnd<T> {
    fn drop(&mut self) {
        self.0.lock().gone = true;
        self.0.moved.notify_one();
    }
}

/// The connection to the server, the same for all: the library's thread and socket for a connection stay for ever, also when nobody uses it any
/// more. A server that was started anew is found.
fn client() -> Result<Client, NoDevice> {
    static KEPT: Mutex<Option<Client>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = kept.as_ref().filter(|client| within(client.server_info()).is_ok()) {
        return Ok(client.clone());
    }
    let client = connect()?;
    *kept = Some(client.clone());
    Ok(client)
}

/// As the library does it, but not for ever: a server that was stopped takes connections and says nothing.
fn connect() -> Result<Client, NoDevice> {
    let path = pulseaudio::socket_path_from_env().ok_or(NoDevice::Missing)?;
    let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok());
    let silent = |error: std::io::Error| NoDevice::Broken(error.to_string());
    let socket = UnixStream::connect(path).map_err(silent)?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(silent)?;
    socket.set_write_timeout(Some(PATIENCE)).map_err(silent)?;
    Client::new_unix(c"Kith", socket, cookie).map_err(broken)
}

/// Waits for an answer of the server, but not for ever.
fn within<T>(doing: impl Future<Output = Result<T, pulseaudio::ClientError>>) -> Result<T, NoDevice> {
    before(PATIENCE, doing)
}

fn before<T>(
    patience: Duration,
    doing: impl Future<Output = Result<T, pulseaudio::ClientError>>,
) -> Result<T, NoDevice> {
    let (done, waiting) = sync_channel::<()>(0);
    let (late, is_late) = oneshot::channel::<()>();
    let clock = move || {
        // Ends early when `done` is dropped.
        let _ = waiting.recv_timeout(patience);
        drop(late);
    };
    let clock = std::thread::Builder::new().name("kith-patience".into()).spawn(clock);
    clock.map_err(|error| NoDevice::Broken(error.to_string()))?;
    let doing = pin!(doing);
    let came = block_on(select(doing, is_late));
    drop(done);
    match came {
        Either::Left((answer, _)) => answer.map_err(broken),
        Either::Right(_) => Err(NoDevice::Broken("the sound server does not answer".to_owned())),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_stood_reads_what_is_new_and_knows_what_it_missed() {
        let mut unread = Unread::default();
        (0..50).for_each(|number| unread.push([number as f32; 480]));
        let (block, lost) = unread.pop().unwrap();
        assert_eq!((block, lost), ([30.0; 480], 30), "the newest fifth of a second is there");
        assert_eq!(unread.pop().map(|(_, lost)| lost), Some(0), "it is said once");
        assert_eq!(std::iter::from_fn(|| unread.pop()).last().map(|(block, _)| block), Some([49.0; 480]));
    }

    #[test]
    fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
        let never = std::future::pending::<Result<(), pulseaudio::ClientError>>();
        assert!(matches!(before(Duration::from_millis(1), never), Err(NoDevice::Broken(_))));
    }
}
