//! Ann calls, and community nodes answer or do not.

use kith_proto::call::Capabilities;
use kith_proto::call::Media;
use kith_proto::call::media::LegId;
use kith_proto::call::media::Opening;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;

use super::*;

const LEG: LegId = LegId { call: CallId([1; 16]), device: DeviceId([2; 32]) };

/// Ann's device, and how late it is.
struct Ann {
    servers: Servers,
    now: Instant,
    acts: Vec<Act>,
}

fn offer(host: u8, secs: u32) -> TurnOffer {
    let urls = [format!("stun:192.0.2.{host}:3478"), format!("turn:192.0.2.{host}:3478?transport=udp")];
    TurnOffer {
        valid_secs: secs,
        urls: BoundedVec::truncated(urls.into_iter().map(BoundedStr::truncated).collect()),
        user: BoundedStr::truncated("ann"),
        password: BoundedStr::truncated("secret"),
    }
}

fn open() -> MediaCommand {
    MediaCommand::Open(Box::new(Opening {
        leg: LEG,
        epoch: 1,
        side: Side::Offers,
        polite: false,
        ways: Ways::RelayOnly,
        media: Media::AUDIO,
        theirs: Capabilities::default(),
        servers: BoundedVec::default(),
        sealed: false,
    }))
}

impl Ann {
    fn new() -> Self {
        Self { servers: Servers::default(), now: Instant::now(), acts: Vec::new() }
    }

    /// Time passes, and whatever is due is done.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.servers.next_wake(self.now).filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let acts = self.servers.wake(self.now);
            self.acts.extend(acts);
        }
        self.now = end;
    }

    fn is(&mut self, state: CallState) {
        let acts = self.servers.call(self.now, Some(state));
        self.acts.extend(acts);
    }

    fn orders(&mut self, command: MediaCommand) {
        let acts = self.servers.order(self.now, command);
        self.acts.extend(acts);
    }

    fn told(&mut self, node: u8, offer: Option<&TurnOffer>) {
        let acts = self.servers.told(self.now, DeviceId([node; 32]), offer);
        self.acts.extend(acts);
    }

    fn all_told(&mut self) {
        let acts = self.servers.all_told(self.now);
        self.acts.extend(acts);
    }

    /// How often nodes were asked since this was last looked at; forgets everything until then.
    fn asked(&mut self) -> usize {
        std::mem::take(&mut self.acts).iter().filter(|act| **act == Act::Ask).count()
    }

    /// The relays with which legs were opened.
    fn opened(&self) -> Vec<Vec<String>> {
        let relays = |servers: &IceServers| {
            servers.iter().filter(|server| server.relays()).map(|server| server.url.to_string()).collect()
        };
        let opened = |act: &Act| match act {
            Act::Order(MediaCommand::Open(opening)) => Some(relays(&opening.servers)),
            _ => None,
        };
        self.acts.iter().filter_map(opened).collect()
    }
}

fn url(host: u8) -> String {
    format!("turn:192.0.2.{host}:3478?transport=udp")
}

#[test]
fn a_call_is_opened_with_what_two_nodes_lend_and_does_not_wait_for_a_third_that_is_dead() {
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    assert_eq!(ann.asked(), 1);
    ann.orders(open());
    ann.orders(MediaCommand::AllowDirect { leg: LEG });
    assert_eq!(ann.acts, [], "they wait");
    ann.pass(Duration::from_millis(40));
    ann.told(1, Some(&offer(1, 600)));
    ann.pass(Duration::from_millis(90));
    ann.told(2, Some(&offer(2, 600)));
    assert_eq!(ann.opened(), Vec::<Vec<String>>::new());
    ann.pass(Duration::from_millis(120));
    assert_eq!(ann.opened(), [[url(1), url(2)]]);
    assert_eq!(ann.acts.last(), Some(&Act::Order(MediaCommand::AllowDirect { leg: LEG })), "in their order");
    assert!(
        matches!(&ann.acts[0], Act::Use(servers) if servers.len() == 4),
        "first it is known what may be used"
    );
}

#[test]
fn hanging_up_and_muting_wait_for_no_node() {
    let other = LegId { device: DeviceId([3; 32]), ..LEG };
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.asked();
    ann.orders(open());
    ann.orders(MediaCommand::AllowDirect { leg: LEG });
    ann.orders(MediaCommand::AllowDirect { leg: other });
    let muted = Media { microphone: false, ..Media::AUDIO };
    ann.orders(MediaCommand::SetMedia { call: LEG.call, media: muted });
    assert_eq!(ann.acts, [Act::Order(MediaCommand::SetMedia { call: LEG.call, media: muted })]);
    ann.all_told();
    let media = |act: &Act| match act {
        Act::Order(MediaCommand::Open(opening)) => Some(opening.media),
        _ => None,
    };
    ann.pass(PATIENCE);
    assert_eq!(ann.acts.iter().find_map(media), Some(muted), "what is opened later is muted, too");

    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.asked();
    ann.orders(open());
    ann.orders(MediaCommand::AllowDirect { leg: other });
    ann.orders(MediaCommand::Close { leg: LEG });
    assert_eq!(ann.acts, [Act::Order(MediaCommand::Close { leg: LEG })]);
    ann.pass(PATIENCE);
    assert_eq!(ann.opened().len(), 0, "and it is not opened after all");
    assert_eq!(ann.acts.last(), Some(&Act::Order(MediaCommand::AllowDirect { leg: other })));
}

#[test]
fn all_that_were_asked_have_answered_and_nothing_waits_longer() {
    let mut ann = Ann::new();
    ann.orders(open());
    assert_eq!(ann.asked(), 1, "also when the order is the first that is heard of the call");
    ann.told(1, Some(&offer(1, 600)));
    ann.all_told();
    assert_eq!(ann.opened(), [[url(1)]]);
}

#[test]
fn a_node_that_never_answers_is_waited_for_until_somebody_would_notice() {
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.orders(open());
    ann.pass(PATIENCE - Duration::from_millis(1));
    assert_eq!(ann.opened().len(), 0);
    ann.pass(Duration::from_millis(1));
    assert_eq!(ann.opened(), [Vec::<String>::new()]);
}

#[test]
fn with_nobody_to_ask_it_is_asked_again_at_once_and_then_said_that_there_is_nothing() {
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.orders(open());
    let mut asked = ann.asked();
    for _ in 0..20 {
        ann.all_told();
        ann.pass(Duration::from_millis(50));
        if ann.acts.iter().any(|act| matches!(act, Act::Use(_))) {
            break;
        }
        asked += ann.asked();
    }
    assert!((2..=4).contains(&asked), "{asked}");
    assert_eq!(ann.acts[0], Act::Use(BoundedVec::default()));
    assert_eq!(ann.opened(), [Vec::<String>::new()]);
}

#[test]
fn who_calls_again_at_once_hears_of_a_node_that_came_meanwhile() {
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.pass(PATIENCE);
    ann.servers.call(ann.now, None);
    ann.pass(Duration::from_millis(100));
    ann.asked();
    ann.is(CallState::Incoming);
    assert_eq!(ann.acts, [], "ringing alone asks nobody so soon");
    ann.orders(open());
    assert_eq!(ann.acts, [Act::Ask]);
    ann.told(1, Some(&offer(1, 600)));
    ann.all_told();
    assert_eq!(ann.opened(), [[url(1)]]);
}

#[test]
fn what_was_lent_for_one_call_serves_the_next_until_it_is_over() {
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.told(1, Some(&offer(1, 600)));
    ann.all_told();
    ann.servers.call(ann.now, None);
    assert_eq!(ann.asked(), 1);
    ann.pass(Duration::from_secs(300));
    ann.is(CallState::Incoming);
    ann.orders(open());
    assert_eq!((ann.opened(), ann.asked()), (vec![vec![url(1)]], 0));
    ann.servers.call(ann.now, None);
    ann.pass(Duration::from_secs(400));
    assert_eq!(ann.asked(), 0, "nobody is asked without a call");
    ann.orders(open());
    assert_eq!((ann.opened().len(), ann.asked()), (0, 1));
}

#[test]
fn while_a_call_goes_on_it_is_renewed_before_it_is_over_and_seldom_asked_for_in_vain() {
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.told(1, Some(&offer(1, 600)));
    ann.all_told();
    ann.is(CallState::Live);
    ann.asked();
    ann.pass(Duration::from_secs(539));
    assert_eq!(ann.asked(), 0);
    ann.pass(Duration::from_secs(2));
    assert_eq!(ann.asked(), 1);
    ann.told(1, Some(&offer(7, 600)));
    ann.all_told();
    let renewed =
        |act: &Act| matches!(act, Act::Use(servers) if servers.iter().any(|one| *one.url == *url(7)));
    assert!(ann.acts.iter().any(renewed));
    ann.asked();
    // From now on nobody answers.
    ann.pass(Duration::from_secs(3_600));
    let asked = ann.asked();
    assert!((40..=60).contains(&asked), "{asked}");
}

#[test]
fn when_the_way_is_lost_it_is_asked_who_is_still_there() {
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.told(1, Some(&offer(1, 600)));
    ann.told(2, Some(&offer(2, 600)));
    ann.all_told();
    ann.is(CallState::Live);
    ann.pass(Duration::from_secs(10));
    ann.asked();
    ann.is(CallState::Reconnecting);
    let restart = MediaCommand::Restart { leg: LEG, epoch: 2 };
    ann.orders(restart.clone());
    assert_eq!(ann.acts, [Act::Ask], "the search waits for what there is");
    ann.told(2, Some(&offer(2, 600)));
    ann.all_told();
    let Some(Act::Use(servers)) = ann.acts.get(1) else { panic!("{:?}", ann.acts) };
    let relays: Vec<String> =
        servers.iter().filter(|one| one.relays()).map(|one| one.url.to_string()).collect();
    assert_eq!(relays, [url(2)], "who did not answer is gone");
    assert_eq!(ann.acts.last(), Some(&Act::Order(restart)));
}

#[test]
fn a_network_that_just_changed_does_not_take_away_what_there_is() {
    let mut ann = Ann::new();
    ann.is(CallState::Calling);
    ann.told(1, Some(&offer(1, 600)));
    ann.all_told();
    ann.pass(Duration::from_secs(10));
    ann.is(CallState::Reconnecting);
    ann.pass(Duration::from_secs(9));
    ann.orders(open());
    ann.pass(PATIENCE);
    assert_eq!(ann.opened(), [[url(1)]]);
}

#[test]
fn a_node_with_strange_offers_is_not_believed() {
    let mut ann = Ann::new();
    ann.is(CallState::Live);
    ann.told(1, Some(&TurnOffer { urls: BoundedVec::default(), ..offer(1, 600) }));
    assert!(ann.servers.usable(ann.now).is_empty(), "no relay at all");
    for node in 1..=9 {
        ann.told(node, Some(&offer(node, u32::MAX)));
        ann.pass(Duration::from_millis(1));
    }
    assert_eq!(ann.servers.lent.len(), NODES);
    assert!(ann.servers.lent.values().all(|lent| lent.until <= ann.now + LONGEST));
    ann.told(8, Some(&offer(8, 0)));
    ann.pass(Duration::from_secs(120));
    assert!(ann.asked() <= 5, "what lasts no time is not asked for all the time");
}
