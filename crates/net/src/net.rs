//! The handle to a running network, and starting one.

use std::sync::Arc;

use kith_proto::id::DeviceId;
use libp2p::Swarm;
use libp2p::SwarmBuilder;
use libp2p::identity::Keypair;
use libp2p::noise;
use libp2p::swarm::Config as SwarmConfig;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::address;
use crate::behaviour::Behaviour;
use crate::config::NetConfig;
use crate::error::NetError;
use crate::event::NetCommand;
use crate::event::NetEvent;
use crate::facts::Facts;
use crate::facts::Shared;
use crate::quiet::Quiet;
use crate::requests::pipe::Budget;
use crate::stats::Counters;
use crate::stats::Stats;
use crate::task::Task;
use crate::transport;

/// Commands that may wait for the swarm's task: a whole window of frames for several devices.
const COMMAND_QUEUE: usize = 8_192;

/// Events that may wait for the driver. When it is full the network stops reading.
const EVENT_QUEUE: usize = 4_096;

/// A running network. Clones talk to the same one.
#[derive(Clone, Debug)]
pub struct Net {
    commands: mpsc::Sender<NetCommand>,
    counters: Arc<Counters>,
    facts: Arc<Shared>,
}

/// What the driver receives from, and what ends with it.
#[derive(Debug)]
pub struct EventReceiver {
    events: mpsc::Receiver<NetEvent>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    budget: Budget,
    keeps_requests: bool,
}

/// The room for requests to the own mailbox, for a driver that keeps them longer than until the next event.
#[derive(Clone, Debug)]
pub struct RequestCredit(Budget);

impl RequestCredit {
    /// An event does not wait any more: there is room for as many bytes from the streams of others.
    pub fn give_back(&self, event: &NetEvent) {
        self.0.request_taken(event);
    }
}

impl Net {
    /// Starts a network on a tokio runtime.
    ///
    /// # Errors
    /// When a transport cannot be set up or a listen address is not one. An address that is taken is reported as an
    /// event: the node works without it.
    pub fn start(config: NetConfig, runtime: &Handle) -> Result<(Self, EventReceiver), NetError> {
        let _inside = runtime.enter();
        let counters = Arc::new(Counters::default());
        let swarm = swarm(&config, &counters)?;
        let (commands, command_queue) = mpsc::channel(COMMAND_QUEUE);
        let (event_queue, events) = mpsc::channel(EVENT_QUEUE);
        let (stop, stopped) = oneshot::channel();
        let budget = Budget::new();
        let counted = Arc::clone(&counters);
        let facts = Shared::new();
        let measured = (counted, Arc::clone(&facts));
        let task = Task::new(swarm, config, measured, command_queue, event_queue, budget.clone())?;
        let task = runtime.spawn(task.run(stopped));
        let events = EventReceiver { events, stop: Some(stop), task, budget, keeps_requests: false };
        Ok((Self { commands, counters, facts }, events))
    }

    /// Hands over a command without waiting.
    ///
    /// # Errors
    /// [`NetError::Busy`] when too many wait; the command is handed back by not being done.
    pub fn command(&self, command: NetCommand) -> Result<(), NetError> {
        self.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NetError::Busy,
            mpsc::error::TrySendError::Closed(_) => NetError::Closed,
        })
    }

    /// Hands over a command, waiting for room. For drivers on a thread of their own.
    ///
    /// # Errors
    /// When the network has stopped.
    pub fn command_blocking(&self, command: NetCommand) -> Result<(), NetError> {
        self.commands.blocking_send(command).map_err(|_| NetError::Closed)
    }

    /// Hands over a command, waiting for room.
    ///
    /// # Errors
    /// When the network has stopped.
    pub async fn command_async(&self, command: NetCommand) -> Result<(), NetError> {
        self.commands.send(command).await.map_err(|_| NetError::Closed)
    }

    /// How many commands the queue has room for.
    pub fn room(&self) -> usize {
        self.commands.capacity()
    }

    /// What was measured.
    pub fn facts(&self) -> Facts {
        self.facts.read()
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }
}

impl EventReceiver {
    /// The next event; `None` once the network has stopped.
    pub async fn next(&mut self) -> Option<NetEvent> {
        let event = self.events.recv().await;
        if let Some(event) = &event {
            self.budget.has_arrived(event);
            self.budget.answer_taken(event);
            if !self.keeps_requests {
                self.budget.request_taken(event);
            }
        }
        event
    }

    /// From now on requests to the own mailbox take up room until the driver gives it back. When there is none left,
    /// nothing is read from the streams to the mailbox, and everything else goes on.
    pub fn request_credit(&mut self) -> RequestCredit {
        self.keeps_requests = true;
        RequestCredit(self.budget.clone())
    }

    /// Closes all connections and waits until the task has ended.
    ///
    /// # Errors
    /// [`NetError::Fault`] when the task had ended by itself, which it never should.
    pub async fn shut_down(mut self) -> Result<(), NetError> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.events.close();
        while self.events.recv().await.is_some() {}
        self.task.await.map_err(|error| NetError::Fault(error.to_string()))
    }
}

fn swarm(config: &NetConfig, counters: &Arc<Counters>) -> Result<Swarm<Behaviour>, NetError> {
    let setup = |error: &dyn std::fmt::Display| NetError::Setup(error.to_string());
    let mut seed = config.device_seed.clone();
    let keypair = Keypair::ed25519_from_bytes(seed.as_mut_slice()).map_err(|error| setup(&error))?;
    let idle = config.limits.idle;
    let builder = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_other_transport(|keypair| transport::over_tcp(keypair, counters))
        .map_err(|error| setup(&error))?
        .with_other_transport(|keypair| transport::over_quic(keypair, counters))
        .map_err(|error| setup(&error))?
        .with_other_transport(|keypair| {
            let web_socket = transport::over_web_socket(keypair, counters)?;
            transport::with_browsers(web_socket, keypair, config.webrtc_certificate.as_ref(), counters)
        })
        .map_err(|error| setup(&error))?
        .with_dns()
        .map_err(|error| setup(&error))?
        .with_relay_client(noise::Config::new, Quiet::new)
        .map_err(|error| setup(&error))?;
    let builder = builder
        .with_behaviour(|keypair, circuits| {
            Behaviour::new(config, keypair, circuits, counters).map_err(Into::into)
        })
        .map_err(|error| setup(&error))?;
    // Everything known is dialled, a relay a quarter of a second after the direct addresses.
    let settings = |swarm: SwarmConfig| swarm.with_idle_connection_timeout(idle).with_smart_dial();
    Ok(builder.with_swarm_config(settings).build())
}

/// The device that a seed makes: what others see of this node.
///
/// # Errors
/// When the seed is not one of an Ed25519 key.
pub fn device_of_seed(seed: &[u8; 32]) -> Result<DeviceId, NetError> {
    let mut seed = Zeroizing::new(*seed);
    let keypair = Keypair::ed25519_from_bytes(seed.as_mut_slice())
        .map_err(|error| NetError::Setup(error.to_string()))?;
    address::device_of(&keypair.public().to_peer_id())
        .ok_or(NetError::Setup("the key has another kind".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver(task: impl Future<Output = ()> + Send + 'static) -> EventReceiver {
        let (_, events) = mpsc::channel(1);
        let task = tokio::spawn(task);
        EventReceiver { events, stop: None, task, budget: Budget::new(), keeps_requests: false }
    }

    #[tokio::test]
    async fn a_fault_of_the_task_is_told_to_whoever_shuts_it_down() {
        assert!(receiver(async {}).shut_down().await.is_ok());
        let mut fallen = receiver(async { panic!("a fault, for this test") });
        assert_eq!(fallen.next().await, None);
        assert!(matches!(fallen.shut_down().await, Err(NetError::Fault(_))));
    }
}
