//! The handle: commands in, reports out, statistics to look at.

use std::sync::Arc;

use kith_media::Bitrate;
use kith_media::bwe::Limits;
use kith_proto::call::Capabilities;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::device::Devices;
use crate::stats::Stats;
use crate::task;
use crate::transport::webrtc::Reach;
use crate::transport::webrtc::WebRtc;

/// How calls are made here.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Where connections may go.
    pub reach: Reach,
    /// The most that is sent to one device.
    pub most: Bitrate,
}

impl Default for Config {
    fn default() -> Self {
        // What the best picture of a camera and one of a screen take together.
        Self { reach: Reach::Network, most: Bitrate::from_kbps(6_000) }
    }
}

/// Media cannot be started at all.
#[derive(Debug, Error)]
#[error("Calls cannot be made, as the system gives no threads: {0}")]
pub struct NotStarted(#[from] std::io::Error);

/// What this build can do.
pub fn capabilities() -> Capabilities {
    Capabilities::OPUS.and(Capabilities::VP8).and(Capabilities::SCREEN)
}

/// The media of this device. Ends, with all connections, when it is dropped.
pub struct Calls {
    commands: mpsc::Sender<MediaCommand>,
    stats: watch::Receiver<Stats>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Calls {
    /// Starts. Reports come in the returned channel, beginning with [`MediaEvent::Able`]; whoever does not read them stops the calls.
    ///
    /// # Errors
    /// [`NotStarted`] if there are no threads for it.
    pub fn start(
        config: Config,
        devices: Arc<dyn Devices>,
    ) -> Result<(Self, mpsc::Receiver<MediaEvent>), NotStarted> {
        // One thread for the network of a call is enough; a second keeps words going while packets are encrypted.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("kith-calls")
            .enable_all()
            .build()?;
        let (commands, orders) = mpsc::channel(COMMANDS);
        let (reports, events) = mpsc::channel(EVENTS);
        let (figures, stats) = watch::channel(Stats::default());
        let limits = Limits { most: config.most, ..Limits::default() };
        let transport = WebRtc { reach: config.reach, limits };
        let task = task::Task::new(Box::new(transport), devices, reports, figures, config.reach, limits);
        runtime.spawn(task.run(orders));
        Ok((Self { commands, stats, runtime: Some(runtime) }, events))
    }

    /// Gives a command. `false` if so many wait that this one is lost: then nothing works any more.
    #[must_use]
    pub fn command(&self, command: MediaCommand) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// What was measured last.
    pub fn stats(&self) -> Stats {
        self.stats.borrow().clone()
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A call has some twenty commands at its beginning.
const COMMANDS: usize = 256;
const EVENTS: usize = 256;
