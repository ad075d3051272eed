//! Who moves the sound and pictures of calls: this node by itself, or a client of its API that took that over, such as a page in a
//! browser. A leg stays with whoever opened it.
//!
//! Not here: what is said to a client and heard from it (`rpc::media`).

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;

/// The number of a client, which no other ever has.
pub(crate) type ClientId = u64;

/// Tells a client an order. Returns whether the client still takes any.
pub(crate) type Tell = Box<dyn Fn(&MediaCommand) -> bool + Send>;

/// Who carries besides this node.
#[derive(Default)]
pub(crate) struct Carriers(Mutex<Option<Carrier>>);

struct Carrier {
    client: ClientId,
    tell: Tell,
    /// Its legs, with the epochs that they were opened with.
    legs: BTreeMap<LegId, u32>,
}

/// Whom an order is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// This node.
    Own,
    /// A client, who has been told.
    Client,
    /// A client who does not take it; this is what the engine is to be told.
    Nobody(MediaEvent),
}

impl Carriers {
    /// Who opens legs from now on. Returns whether that is so: not while another client does.
    pub(crate) fn take_over(&self, client: ClientId, tell: Tell) -> bool {
        let mut carrier = self.lock();
        if carrier.as_ref().is_some_and(|carrier| carrier.client != client) {
            return false;
        }
        let legs = carrier.take().map(|carrier| carrier.legs).unwrap_or_default();
        *carrier = Some(Carrier { client, tell, legs });
        true
    }

    /// A client carries no more; `None` when it did not. What the engine is to be told.
    pub(crate) fn lay_down(&self, client: ClientId) -> Option<Vec<MediaEvent>> {
        let carrier = self.lock().take_if(|carrier| carrier.client == client)?;
        Some(carrier.legs.into_iter().map(|(leg, opened)| broken(leg, opened)).collect())
    }

    /// Hands an order to whom it is for, if that is not this node.
    pub(crate) fn order(&self, command: &MediaCommand) -> For {
        let mut state = self.lock();
        let Some(carrier) = state.as_mut() else { return For::Own };
        let is_theirs = match command {
            MediaCommand::Open(opening) => {
                carrier.legs.insert(opening.leg, opening.epoch);
                true
            }
            MediaCommand::SetMedia { call, .. } => carrier.legs.keys().any(|leg| leg.call == *call),
            other => other.leg().is_some_and(|leg| carrier.legs.contains_key(&leg)),
        };
        if !is_theirs {
            return For::Own;
        }
        if (carrier.tell)(command) {
            if let MediaCommand::Close { leg } = command {
                carrier.legs.remove(leg);
            }
            return For::Client;
        }
        match command.leg().and_then(|leg| Some((leg, carrier.legs.remove(&leg)?))) {
            Some((leg, opened)) => For::Nobody(broken(leg, opened)),
            None => For::Client,
        }
    }

    /// The epoch that a leg of a client was opened with; `None` when it is no leg of this client.
    pub(crate) fn opened(&self, client: ClientId, leg: &LegId) -> Option<u32> {
        self.lock().as_ref().filter(|carrier| carrier.client == client)?.legs.get(leg).copied()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Carrier>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken(leg: LegId, opened: u32) -> MediaEvent {
    MediaEvent::Failed { leg, opened, reason: MediaFailure::Broken }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;

    use kith_proto::call::Media;
    use kith_proto::call::media::Opening;
    use kith_proto::call::media::Side;
    use kith_proto::call::media::Ways;
    use kith_proto::id::CallId;
    use kith_proto::id::DeviceId;

    use super::*;

    fn leg(number: u8) -> LegId {
        LegId { call: CallId([number; 16]), device: DeviceId([number; 32]) }
    }

    fn open(number: u8) -> MediaCommand {
        MediaCommand::Open(Box::new(Opening {
            leg: leg(number),
            epoch: 3,
            side: Side::Answers,
            polite: true,
            ways: Ways::Any,
            media: Media::default(),
            theirs: Default::default(),
            servers: Default::default(),
        }))
    }

    #[test]
    fn a_leg_stays_with_whoever_opened_it() {
        let (carriers, told) = (Carriers::default(), Arc::new(AtomicU32::new(0)));
        assert_eq!(carriers.order(&open(1)), For::Own);
        let counted = Arc::clone(&told);
        let tell = move |_: &MediaCommand| {
            counted.fetch_add(1, Ordering::Relaxed);
            true
        };
        assert!(carriers.take_over(7, Box::new(tell)));
        assert!(!carriers.take_over(8, Box::new(|_| true)), "another does already");
        assert_eq!(carriers.order(&MediaCommand::Restart { leg: leg(1), epoch: 4 }), For::Own);
        assert_eq!(carriers.order(&open(2)), For::Client);
        let send = |number| MediaCommand::SetMedia { call: leg(number).call, media: Media::default() };
        assert_eq!((carriers.order(&send(1)), carriers.order(&send(2))), (For::Own, For::Client));
        assert_eq!((carriers.opened(7, &leg(2)), carriers.opened(7, &leg(1))), (Some(3), None));
        assert_eq!(carriers.opened(8, &leg(2)), None, "nobody reports for another");
        assert_eq!(carriers.order(&MediaCommand::Close { leg: leg(2) }), For::Client);
        assert_eq!(carriers.order(&MediaCommand::Close { leg: leg(2) }), For::Own, "it is nobody's");
        assert_eq!(told.load(Ordering::Relaxed), 3);
        assert_eq!((carriers.lay_down(8), carriers.lay_down(7)), (None, Some(Vec::new())));
        assert_eq!(carriers.order(&open(3)), For::Own);
    }

    #[test]
    fn the_engine_hears_of_every_leg_that_nobody_carries_any_more() {
        let (carriers, there) = (Carriers::default(), Arc::new(AtomicBool::new(true)));
        let is_there = Arc::clone(&there);
        assert!(carriers.take_over(7, Box::new(move |_| is_there.load(Ordering::Relaxed))));
        for number in [1, 2, 3] {
            carriers.order(&open(number));
        }
        there.store(false, Ordering::Relaxed);
        let order = MediaCommand::AllowDirect { leg: leg(2) };
        assert_eq!(carriers.order(&order), For::Nobody(broken(leg(2), 3)));
        assert_eq!(
            carriers.lay_down(7),
            Some(vec![broken(leg(1), 3), broken(leg(3), 3)]),
            "each is told once"
        );
    }
}
