//! Who has which call, when clients come and go.

use std::sync::Arc;

use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::Media;
use kith_proto::call::Sdp;
use kith_proto::call::media::Opening;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::DeviceId;

use super::*;

const ANN: ClientId = ClientId(7);
const BOB: ClientId = ClientId(8);

/// A leg of a call to a device.
fn leg(call: u8, device: u8) -> LegId {
    LegId { call: CallId([call; 16]), device: DeviceId([device; 32]) }
}

fn open(leg: LegId) -> MediaCommand {
    MediaCommand::Open(Box::new(Opening {
        sealed: false,
        leg,
        epoch: 3,
        side: Side::Answers,
        polite: true,
        ways: Ways::Any,
        media: Media::default(),
        theirs: Default::default(),
        servers: Default::default(),
    }))
}

fn send(call: u8) -> MediaCommand {
    MediaCommand::SetMedia { call: CallId([call; 16]), media: Media::default() }
}

fn broken(leg: LegId) -> MediaEvent {
    failed(leg, 3, MediaFailure::Broken)
}

/// What a client was told.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Option<MediaCommand>>>>);

impl Heard {
    fn ear(&self) -> Tell {
        let heard = Arc::clone(&self.0);
        Box::new(move |order| {
            heard.lock().unwrap().push(match order {
                Order::Do(command) => Some(command.clone()),
                Order::Relieved => None,
            });
            true
        })
    }

    fn take(&self) -> Vec<Option<MediaCommand>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn carriers() -> Carriers {
    Carriers::new(Reach::Network)
}

#[test]
fn a_call_stays_with_whoever_had_it_first() {
    let (carriers, heard) = (carriers(), Heard::default());
    // It rings at two devices; a page comes before the second is connected.
    assert_eq!(carriers.order(&open(leg(1, 1))), For::Own);
    assert!(carriers.take_over(ANN, heard.ear()).is_empty());
    assert_eq!(carriers.order(&open(leg(1, 2))), For::Own, "it is the same call");
    assert_eq!(carriers.order(&send(1)), For::Own, "and muting reaches its microphone");
    assert_eq!(carriers.order(&MediaCommand::Close { leg: leg(1, 1) }), For::Own);
    assert_eq!(carriers.order(&open(leg(1, 1))), For::Own, "also when it begins anew");
    assert_eq!(heard.take(), []);
    assert_eq!(carriers.order(&open(leg(2, 1))), For::Client, "the next one is the page's");
    assert_eq!(carriers.order(&send(2)), For::Client);
    assert_eq!(carriers.order(&MediaCommand::Close { leg: leg(1, 2) }), For::Own);
    assert_eq!((carriers.opened(ANN, &leg(2, 1)), carriers.opened(ANN, &leg(1, 1))), (Some(3), None));
    assert_eq!(carriers.opened(BOB, &leg(2, 1)), None, "nobody reports for another");
    assert_eq!(heard.take(), [Some(open(leg(2, 1))), Some(send(2))]);
}

#[test]
fn other_servers_are_for_everybody_who_has_a_connection() {
    let (carriers, heard) = (carriers(), Heard::default());
    let servers = MediaCommand::SetServers { servers: BoundedVec::default() };
    assert!(carriers.take_over(ANN, heard.ear()).is_empty());
    assert_eq!(carriers.order(&servers), For::Own);
    assert_eq!(heard.take(), [], "the page has none");
    assert_eq!(carriers.order(&open(leg(1, 1))), For::Client);
    heard.take();
    assert_eq!(carriers.order(&servers), For::Own);
    assert_eq!(heard.take(), [Some(servers)], "the page has it, and the node may have another");
}

#[test]
fn who_carries_no_more_ends_what_it_has_and_the_engine_hears_of_it() {
    let (carriers, heard) = (carriers(), Heard::default());
    assert!(carriers.take_over(ANN, heard.ear()).is_empty());
    assert_eq!(carriers.order(&open(leg(1, 1))), For::Client);
    heard.take();
    assert_eq!(carriers.lay_down(BOB), None);
    assert_eq!(carriers.lay_down(ANN), Some(vec![broken(leg(1, 1))]));
    assert_eq!(heard.take(), [Some(MediaCommand::Close { leg: leg(1, 1) })], "its microphone is closed");
    assert_eq!(carriers.order(&MediaCommand::Close { leg: leg(1, 1) }), For::Own, "which does not know it");
    assert_eq!(carriers.order(&open(leg(1, 1))), For::Nobody(broken(leg(1, 1))), "nobody takes it on");
    assert_eq!(carriers.order(&open(leg(2, 1))), For::Own, "the node has the next");
    assert_eq!(carriers.lay_down(ANN), None, "once");
}

#[test]
fn the_one_who_came_last_carries() {
    let (carriers, first, second) = (carriers(), Heard::default(), Heard::default());
    carriers.take_over(ANN, first.ear());
    carriers.order(&open(leg(1, 1)));
    assert!(carriers.take_over(ANN, first.ear()).is_empty(), "who says it twice goes on");
    assert_eq!(carriers.opened(ANN, &leg(1, 1)), Some(3));
    first.take();
    assert_eq!(carriers.take_over(BOB, second.ear()), [broken(leg(1, 1))]);
    assert_eq!(first.take(), [Some(MediaCommand::Close { leg: leg(1, 1) }), None], "and is told");
    assert_eq!(
        carriers.order(&open(leg(1, 1))),
        For::Nobody(broken(leg(1, 1))),
        "not in the middle of a call"
    );
    assert_eq!(carriers.order(&open(leg(2, 1))), For::Client);
    carriers.end();
    assert_eq!(second.take(), [Some(open(leg(2, 1))), Some(MediaCommand::Close { leg: leg(2, 1) })]);
}

#[test]
fn who_does_not_listen_loses_the_call() {
    let carriers = carriers();
    carriers.take_over(ANN, Box::new(|_| false));
    assert_eq!(carriers.order(&open(leg(1, 1))), For::Nobody(broken(leg(1, 1))));
    assert_eq!(carriers.lay_down(ANN), Some(vec![broken(leg(1, 1))]), "said again, should it have been lost");
}

#[test]
fn what_strangers_say_is_looked_at_before_a_client_reads_it() {
    let (carriers, heard) = (carriers(), Heard::default());
    carriers.take_over(ANN, heard.ear());
    let leg = leg(1, 1);
    carriers.order(&open(leg));
    heard.take();
    let words = |list: &[&str]| {
        let list = list.iter().map(|line| BoundedStr::new((*line).to_owned()).unwrap()).collect();
        MediaCommand::Candidates { leg, epoch: 3, list: BoundedVec::truncated(list), done: true }
    };
    let good = "1 1 udp 1 192.0.2.1 5000 typ host";
    carriers.order(&words(&["1 1 tcp 1 127.0.0.1 80 typ host", "1 1 udp 1 nas.local 80 typ host", good]));
    assert_eq!(heard.take(), [Some(words(&[good]))]);
    let describe = |sdp: &str| {
        let sdp = Sdp::new(sdp.to_owned()).unwrap();
        MediaCommand::Describe { leg, epoch: 3, offer: true, sdp }
    };
    let told = "v=0\r\na=fingerprint:sha-256 00\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
    carriers.order(&describe(&format!("{told}a=candidate:1 1 udp 1 127.0.0.1 25 typ host\r\n")));
    assert_eq!(heard.take(), [Some(describe(told))]);
    let refused = failed(leg, 3, MediaFailure::NoAgreement);
    assert_eq!(carriers.order(&describe("v=1")), For::Nobody(refused));
    assert_eq!(heard.take(), []);
}
