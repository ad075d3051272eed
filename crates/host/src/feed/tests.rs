//! The feed to a mailbox that hangs: what waits, in which order, and who is refused.

use kith_net::EventReceiver;
use kith_net::NetConfig;
use kith_net::Role;
use kith_net::ServedEvent;
use kith_net::ServedFrom;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::lobby::NEW_STREAMS_EACH;
use super::*;
use crate::host::Numbers;

/// A feed to a mailbox that takes nothing unless the test does.
struct Rig {
    feed: Feed,
    taken: mpsc::Receiver<ToHost>,
    _events: EventReceiver,
}

impl Rig {
    fn start() -> Self {
        let mut config = NetConfig::new(Zeroizing::new([1; 32]), Role::Server);
        config.listen.clear();
        let (net, mut events) = Net::start(config, &Handle::current()).unwrap();
        let (queue, taken) = mpsc::channel(1);
        let host = Host::of_queue(queue, watch::channel(Numbers::default()).1);
        let feed = Feed::start(move || Some(host.clone()), net, events.request_credit(), &Handle::current());
        Self { feed, taken, _events: events }
    }

    async fn served(&self, event: ServedEvent) {
        self.feed.give(NetEvent::MailboxServed(event)).await;
    }

    async fn opened(&self, stream: u64, device: u8) {
        let from = ServedFrom { device: DeviceId([device; 32]), network: 1, local: false };
        self.served(ServedEvent::Opened { stream, from }).await;
    }

    fn refused(&self) -> u64 {
        self.feed.refused().load(Ordering::Relaxed)
    }

    /// What the mailbox is told next, in one word.
    async fn takes(&mut self) -> String {
        match self.taken.recv().await.unwrap() {
            ToHost::Event(event) => match *event {
                NetEvent::MailboxServed(ServedEvent::Opened { stream, .. }) => format!("opened {stream}"),
                NetEvent::MailboxServed(ServedEvent::Asked { stream, .. }) => format!("asked {stream}"),
                NetEvent::MailboxServed(ServedEvent::Closed { stream }) => format!("closed {stream}"),
                other => format!("{other:?}"),
            },
            ToHost::Configure(..) => "configure".to_owned(),
            _ => "something else".to_owned(),
        }
    }
}

fn asked(stream: u64) -> ServedEvent {
    ServedEvent::Asked { stream, request: Numbered { number: 1, word: Request::Info {} } }
}

#[tokio::test]
async fn while_the_mailbox_hangs_nobody_waits_and_settings_keep_their_turn() {
    let mut rig = Rig::start();
    rig.opened(1, 1).await;
    for _ in 0..1_000 {
        rig.served(asked(1)).await;
    }
    rig.feed.configure(Config::default(), Door::Known).await;
    rig.served(asked(1)).await;
    assert_eq!(rig.takes().await, "opened 1");
    for _ in 0..1_000 {
        assert_eq!(rig.takes().await, "asked 1");
    }
    assert_eq!(rig.takes().await, "configure", "what was asked before is judged by the old settings");
    assert_eq!(rig.takes().await, "asked 1");
    assert_eq!(rig.refused(), 0);
}

#[tokio::test]
async fn whoever_opens_and_closes_without_end_has_its_share_of_places_and_takes_none_of_others() {
    let mut rig = Rig::start();
    for stream in 1..=5_000 {
        rig.opened(stream, 1).await;
        rig.served(asked(stream)).await;
        rig.served(ServedEvent::Closed { stream }).await;
    }
    // One may be with the mailbox, and one in the hand of the task.
    let kept = 5_000 - usize::try_from(rig.refused()).unwrap();
    assert!((NEW_STREAMS_EACH..=NEW_STREAMS_EACH + 2).contains(&kept), "{kept}");
    assert!(PLACES - rig.feed.queue.capacity() <= 3 * kept);
    rig.opened(9_999, 2).await;
    for _ in 0..kept {
        let stream = rig.takes().await.strip_prefix("opened ").unwrap().to_owned();
        assert_eq!(rig.takes().await, format!("asked {stream}"));
        assert_eq!(rig.takes().await, format!("closed {stream}"));
    }
    assert_eq!(rig.takes().await, "opened 9999", "somebody else");
    rig.opened(10_000, 1).await;
    assert_eq!(rig.takes().await, "opened 10000", "once the mailbox has caught up, everybody is welcome");
}

#[tokio::test]
async fn streams_are_refused_when_nearly_all_places_are_taken_and_what_is_open_goes_on() {
    let mut rig = Rig::start();
    rig.opened(1, 1).await;
    let many = PLACES - KEPT_FREE + 8;
    for _ in 0..many {
        rig.served(ServedEvent::Drained { stream: 1, bytes: 1 }).await;
    }
    rig.opened(2, 2).await;
    assert_eq!(rig.refused(), 1);
    rig.served(ServedEvent::Closed { stream: 1 }).await;
    assert_eq!(rig.takes().await, "opened 1");
    for _ in 0..many {
        rig.takes().await;
    }
    assert_eq!(rig.takes().await, "closed 1");
}
