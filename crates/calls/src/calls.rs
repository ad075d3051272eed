//! The handle: commands in, reports out, statistics to look at.

use std::sync::Arc;

use kith_media::Bitrate;
use kith_media::bwe::Limits;
use kith_proto::call::Capabilities;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::device::Devices;
use crate::sealing::Shared;
use crate::stats::Stats;
use crate::task::Task;
use crate::transport::Transport;
use crate::transport::webrtc::Reach;
use crate::transport::webrtc::WebRtc;
use crate::wanted::Order;
use crate::wanted::Wanted;

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
    Capabilities::OPUS.and(Capabilities::VP8).and(Capabilities::SCREEN).and(Capabilities::SFRAME)
}

/// The media of this device. Ends, with all connections, when it is dropped.
pub struct Calls {
    wanted: watch::Sender<Wanted>,
    orders: mpsc::Sender<Order>,
    stats: watch::Receiver<Stats>,
    sealing: Shared,
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
        let limits = Limits { most: config.most, ..Limits::default() };
        let transport = Box::new(WebRtc { reach: config.reach, limits });
        let (mut calls, events, task, waiting) = Self::over(transport, devices, config.reach, limits);
        runtime.spawn(task.run(waiting));
        calls.runtime = Some(runtime);
        Ok((calls, events))
    }

    /// Calls over a transport: the handle, what is reported, the task, and the orders that wait for it.
    fn over(
        transport: Box<dyn Transport>,
        devices: Arc<dyn Devices>,
        reach: Reach,
        limits: Limits,
    ) -> (Self, mpsc::Receiver<MediaEvent>, Task, mpsc::Receiver<Order>) {
        let (orders, waiting) = mpsc::channel(ORDERS);
        let (wanted, wishes) = watch::channel(Wanted::default());
        let (reports, events) = mpsc::channel(EVENTS);
        let (figures, stats) = watch::channel(Stats::default());
        let sealing = Shared::default();
        let task =
            Task::new(transport, (devices, sealing.clone()), reports, figures, wishes, (reach, limits));
        (Self { wanted, orders, stats, sealing, runtime: None }, events, task, waiting)
    }

    /// Gives a command. What is to end or to be sent no more always arrives, at once.
    ///
    /// # Errors
    /// If so many wait that this one is lost: then the leg is closed, and this is what the engine is to be told of it.
    pub fn command(&self, command: MediaCommand) -> Result<(), MediaEvent> {
        let number = match &command {
            MediaCommand::SetMedia { call, media } => {
                self.wanted.send_if_modified(|wanted| wanted.set_media(*call, *media));
                return Ok(());
            }
            MediaCommand::SetServers { servers } => {
                self.wanted.send_if_modified(|wanted| wanted.set_servers(servers.clone()));
                return Ok(());
            }
            MediaCommand::Seal { sender, key, .. } => {
                self.sealing.seal_with(*sender, key);
                return Ok(());
            }
            MediaCommand::Unseal { from, sender, key } => {
                self.sealing.open_with(from.device, *sender, key);
                return Ok(());
            }
            MediaCommand::Forget { from } => {
                self.sealing.forget(&from.device);
                return Ok(());
            }
            MediaCommand::Forward { on, .. } => {
                self.sealing.set_forwards(*on);
                return Ok(());
            }
            MediaCommand::Through { device, .. } => {
                self.sealing.set_through(*device);
                return Ok(());
            }
            MediaCommand::Close { leg } => {
                self.wanted.send_if_modified(|wanted| wanted.close(leg));
                return Ok(());
            }
            MediaCommand::Open(opening) => {
                let mut number = None;
                self.wanted.send_if_modified(|wanted| {
                    number = wanted.open(opening);
                    number.is_some()
                });
                number
            }
            other => other.leg().and_then(|leg| self.wanted.borrow().opening(&leg)),
        };
        // About a leg that is not open, or one that is to be opened once more, nothing is to be done.
        let (Some(leg), Some(number)) = (command.leg(), number) else { return Ok(()) };
        self.orders.try_send(Order { number, command }).map_err(|_| {
            let opened = self.wanted.borrow().opened(&leg);
            self.wanted.send_if_modified(|wanted| wanted.close(&leg));
            MediaEvent::Failed { leg, opened, reason: MediaFailure::Broken }
        })
    }

    /// Ends all connections, for good: the engine that would say so is not there any more.
    pub fn end(&self) {
        self.wanted.send_modify(Wanted::end);
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

/// A call has some twenty orders at its beginning.
const ORDERS: usize = 256;
const EVENTS: usize = 256;

#[cfg(test)]
mod tests;
