//! The way of requests from the network to the mailbox, beside that of everything else: a mailbox that is behind, because
//! its disk is slow, keeps nothing but its own streams waiting.
//!
//! ```text
//!  program's loop ──give──▶ bounded queue ──▶ task ──▶ Host (waits for its place)
//!                    │
//!                    └─ nearly full: a new stream is ended at once, and counted
//! ```

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use kith_mailbox::Config;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::RequestCredit;
use kith_net::ServedEvent;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::door::Door;
use crate::host::Host;
use crate::host::ToHost;

/// What may wait: twice as many events as there can be requests in the network's budget, which counts their bytes and
/// lets nothing more be read from the streams to the mailbox when they are too many. Room is only taken by those that
/// wait.
const PLACES: usize = 1 << 17;

/// Places that new streams leave free, for the ends and the drained bytes of those that are open: these have no weight in
/// the budget, and one that were lost would be missed.
const KEPT_FREE: usize = PLACES / 4;

/// Where events for the mailbox go.
pub struct Feed {
    queue: mpsc::Sender<ToHost>,
    net: Net,
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
        runtime.spawn(async move {
            while let Some(message) = waiting.recv().await {
                if let ToHost::Event(event) = &message {
                    credit.give_back(event);
                }
                if let Some(host) = host() {
                    host.hand_over(message).await;
                }
            }
        });
        Self { queue, net, refused: Arc::default() }
    }

    /// Takes an event that [`Host::wants`]. A new stream is refused while too much waits.
    pub async fn give(&self, event: NetEvent) {
        if let NetEvent::MailboxServed(ServedEvent::Opened { stream, .. }) = event
            && self.queue.capacity() < KEPT_FREE
        {
            self.refused.fetch_add(1, Ordering::Relaxed);
            // What still comes of it, the mailbox does not know and drops.
            let _ = self.net.command_async(NetCommand::EndMailbox { stream }).await;
            return;
        }
        // The task ends with the runtime only.
        let _ = self.queue.send(ToHost::Event(Box::new(event))).await;
    }

    /// Other limits or another door, for whatever is given after this. Does not wait for the mailbox.
    pub async fn configure(&self, config: Config, door: Door) {
        let _ = self.queue.send(ToHost::Configure(Box::new(config), door)).await;
    }

    /// How many streams were refused because too much waited, counted on while this lives.
    pub fn refused(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.refused)
    }
}
