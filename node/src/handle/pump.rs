//! The task between the network and the engine thread.

use std::sync::Arc;

use crossbeam_channel::Sender;
use crossbeam_channel::TrySendError;
use kith_engine::Input;
use kith_host::Feed;
use kith_net::EventReceiver;
use kith_net::NetEvent;
use kith_net::address;
use tokio::sync::Notify;

use crate::effects;
use crate::ports::Ports;
use crate::run::ToEngine;

/// Moves network events to the engine thread, and those of the mailbox for others to where it takes them. When the engine
/// thread is busy, the network waits.
pub(super) struct Pump {
    pub(super) events: EventReceiver,
    pub(super) ports: Ports,
    pub(super) engine: Sender<ToEngine>,
    pub(super) feed: Feed,
    pub(super) stop: Arc<Notify>,
    pub(super) _ended: Sender<()>,
}

impl Pump {
    pub(super) async fn run(mut self) {
        loop {
            let event = tokio::select! {
                event = self.events.next() => event,
                () = self.stop.notified() => None,
            };
            let Some(event) = event else { break };
            if let NetEvent::Listening { listener: Some(listener), address } = &event {
                self.ports.note(*listener, &address::text(address, None));
            }
            if matches!(event, NetEvent::MailboxServed(_)) {
                self.feed.give(event).await;
                continue;
            }
            let message = match event {
                NetEvent::TurnTold { device, offer } => ToEngine::Lent { node: device, offer },
                NetEvent::TurnAllTold => ToEngine::AllLent,
                event => match effects::input(event) {
                    Some(input) => ToEngine::Input(Input::Net(input)),
                    None => continue,
                },
            };
            if !self.tell(message).await {
                break;
            }
        }
        if let Err(error) = self.events.shut_down().await {
            tracing::error!(%error, "nothing is sent or received until the next start");
        }
    }

    /// Hands over one message, when need be as soon as there is room. Returns whether the engine thread is there.
    async fn tell(&self, message: ToEngine) -> bool {
        let message = match self.engine.try_send(message) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(message)) => message,
        };
        let engine = self.engine.clone();
        let sent = tokio::task::spawn_blocking(move || engine.send(message).is_ok()).await;
        sent.unwrap_or(false)
    }
}
