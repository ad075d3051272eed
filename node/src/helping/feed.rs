//! The way of requests from the network to the mailbox, beside that of the owner's own frames: a mailbox that is behind,
//! because its disk is slow, keeps nothing of the owner's waiting.

use kith_net::NetEvent;
use kith_net::RequestCredit;
use tokio::sync::mpsc;

use crate::helping::Helping;

/// Events that may wait: twice as many as there can be requests in the network's budget, which counts their bytes and
/// lets nothing more be read from the streams to the mailbox when they are too many. Room is only taken by those that
/// wait.
const PLACES: usize = 1 << 17;

/// Where events for the mailbox go.
pub(crate) struct Feed(mpsc::Sender<NetEvent>);

impl Feed {
    /// Starts to hand over to whichever mailbox runs; without one, events are dropped. It ends when this is dropped.
    pub(crate) fn start(helping: Helping, credit: RequestCredit, runtime: &tokio::runtime::Handle) -> Self {
        let (feed, mut events) = mpsc::channel::<NetEvent>(PLACES);
        runtime.spawn(async move {
            while let Some(event) = events.recv().await {
                credit.give_back(&event);
                if let Some(host) = helping.host() {
                    host.give(event).await;
                }
            }
        });
        Self(feed)
    }

    /// Takes an event for the mailbox.
    pub(crate) async fn give(&self, event: NetEvent) {
        // The task ends with the runtime only.
        let _ = self.0.send(event).await;
    }
}
