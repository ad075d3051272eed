//! The way of requests from the network to the mailbox, beside that of everything else: a mailbox that is behind, because
//! its disk is slow, keeps nothing but its own streams waiting.
//!
//! ```text
//!  program's loop ──give──▶ bounded queue ──▶ task ──▶ Host (waits for its place)
//!                    │
//!                    └─ too many new streams wait: this one is ended at once, and counted
//! ```

mod lobby;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use kith_mailbox::Config;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::RequestCredit;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use self::lobby::Entry;
use self::lobby::Lobby;
use crate::door::Door;
use crate::host::Host;
use crate::host::ToHost;

/// What may wait: 65,536 requests, which is as many as the network's budget lets be there, and as many events without
/// weight. Of these a stream has three at most, but for the drained bytes of what the mailbox itself answered; and how many
/// streams may be new is bounded apart. Room is only taken by those that wait.
const PLACES: usize = 1 << 17;

/// Places that new streams leave free, for the ends and the drained bytes of those that are open: these have no weight in
/// the budget, and one that were lost would be missed.
const KEPT_FREE: usize = PLACES / 4;

/// Where events for the mailbox go.
pub struct Feed {
    queue: mpsc::Sender<ToHost>,
    lobby: Arc<Mutex<Lobby>>,
    net: Net,
    credit: RequestCredit,
    refused: Arc<AtomicU64>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}

impl Feed {
    /// Starts to hand over to whichever mailbox runs; without one, events are dropped. It ends when this is dropped.
    pub fn start(
        host: impl Fn() -> Option<Host> + Send + 'static,
        net: Net,
        credit: RequestCredit,
        runtime: &Handle,
    ) -> Self {
        let (queue, mut waiting) = mpsc::channel(PLACES);
        let lobby = Arc::new(Mutex::new(Lobby::default()));
        let (counted, given_back) = (Arc::clone(&lobby), credit.clone());
        runtime.spawn(async move {
            while let Some(message) = waiting.recv().await {
                if let ToHost::Event(event) = &message {
                    given_back.give_back(event);
                    if let NetEvent::MailboxServed(event) = event.as_ref() {
                        locked(&counted).leave(event);
                    }
                }
                if let Some(host) = host() {
                    host.hand_over(message).await;
                }
            }
        });
        Self { queue, lobby, net, credit, refused: Arc::default() }
    }

    /// Takes an event that [`Host::wants`]. A new stream is refused while too much waits, in all or from its device.
    pub async fn give(&self, event: NetEvent) {
        if let NetEvent::MailboxServed(served) = &event {
            let has_room = self.queue.capacity() >= KEPT_FREE;
            let entry = locked(&self.lobby).enter(served, has_room);
            match entry {
                Entry::Goes => {}
                Entry::Dropped => return self.credit.give_back(&event),
                Entry::Refused(stream) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    let _ = self.net.command_async(NetCommand::EndMailbox { stream }).await;
                    return;
                }
            }
        }
        // The task ends with the runtime only.
        let _ = self.queue.send(ToHost::Event(Box::new(event))).await;
    }

    /// Other limits or another door, for whatever is given after this. Waits only when all places are taken.
    pub async fn configure(&self, config: Config, door: Door) {
        let _ = self.queue.send(ToHost::Configure(Box::new(config), door)).await;
    }

    /// How many streams were refused because too much waited, counted on while this lives.
    pub fn refused(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.refused)
    }
}

fn locked(lobby: &Mutex<Lobby>) -> MutexGuard<'_, Lobby> {
    lobby.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
