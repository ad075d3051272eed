//! A connection that never answers, and what must happen all the same.

use kith_proto::bounded::BoundedVec;
use kith_proto::call::Media;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::LegId;
use kith_proto::call::media::Opening;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;

use super::*;
use crate::device::choice::Choice;
use crate::device::choice::Chosen;
use crate::transport::Connection;
use crate::transport::Doing;
use crate::transport::Encoded;
use crate::transport::Reports;
use crate::transport::Setup;

/// Makes connections that take offers for ever and say when they are closed.
struct Mute(mpsc::Sender<()>);

impl Transport for Mute {
    fn open(&self, _: u64, _: Setup, _: Reports) -> Doing<'_, Box<dyn Connection>> {
        let closed = self.0.clone();
        Box::pin(async move { Ok(Box::new(MuteEnd(closed)) as Box<dyn Connection>) })
    }
}

struct MuteEnd(mpsc::Sender<()>);

impl Connection for MuteEnd {
    fn offer(&self, _: bool) -> Doing<'_, String> {
        Box::pin(std::future::pending())
    }

    fn answer(&self, _: String) -> Doing<'_, String> {
        Box::pin(std::future::pending())
    }

    fn answered(&self, _: String) -> Doing<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn candidate(&self, _: String) -> Doing<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn allow(&self, _: Ways, _: IceServers) -> Doing<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn is_relayed(&self) -> Doing<'_, bool> {
        Box::pin(std::future::pending())
    }

    fn outbox(&self) -> mpsc::Sender<Encoded> {
        mpsc::channel(1).0
    }

    fn close(&self) -> Doing<'_, ()> {
        Box::pin(async move {
            let _ = self.0.send(()).await;
            Ok(())
        })
    }
}

const LEG: LegId = LegId { call: CallId([7; 16]), device: DeviceId([2; 32]) };

/// Ann, whose call does not get on, what she is told, and what says that her connection was closed.
async fn waiting() -> (Calls, mpsc::Receiver<MediaEvent>, mpsc::Receiver<()>) {
    let (closes, closed) = mpsc::channel(8);
    let devices = Chosen::new(Choice::default(), Box::new(|_, _| unreachable!("nothing is shown")));
    let (calls, mut events, task, orders) =
        Calls::over(Box::new(Mute(closes)), devices, Reach::Loopback, Limits::default());
    tokio::spawn(task.run(orders));
    let opening = Opening {
        leg: LEG,
        epoch: 1,
        side: Side::Offers,
        polite: false,
        ways: Ways::Any,
        media: Media::AUDIO,
        theirs: capabilities(),
        servers: BoundedVec::default(),
        sealed: false,
    };
    calls.command(MediaCommand::Open(Box::new(opening))).expect("there is room");
    assert!(matches!(events.recv().await, Some(MediaEvent::Able { .. })));
    tokio::task::yield_now().await;
    (calls, events, closed)
}

#[tokio::test]
async fn hanging_up_does_not_wait_for_the_network() {
    let (calls, mut events, mut closed) = waiting().await;
    calls.command(MediaCommand::Close { leg: LEG }).expect("that always arrives");
    closed.recv().await.expect("the connection is closed");
    assert!(events.try_recv().is_err(), "nothing was waited for in vain before");
}

#[tokio::test]
async fn when_orders_are_lost_the_connection_is_closed_and_it_is_said() {
    let (calls, mut events, mut closed) = waiting().await;
    let order = || MediaCommand::AllowDirect { leg: LEG };
    let lost = std::iter::repeat_with(|| calls.command(order())).find_map(Result::err);
    assert!(matches!(lost, Some(MediaEvent::Failed { leg: LEG, reason: MediaFailure::Broken, .. })));
    assert_eq!(calls.command(order()), Ok(()), "about a leg that is not open nothing is to be done");
    closed.recv().await.expect("the connection is closed");
    assert!(events.try_recv().is_err(), "and said once");
}

#[tokio::test]
async fn calls_end_when_nobody_hears_of_them() {
    let (_calls, events, mut closed) = waiting().await;
    drop(events);
    closed.recv().await.expect("the connection is closed");

    let (calls, _events, mut closed) = waiting().await;
    calls.end();
    closed.recv().await.expect("the connection is closed");
}
