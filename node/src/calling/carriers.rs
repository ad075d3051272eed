//! Who moves the sound and pictures of calls: this node by itself, or a client of its API that took that over, such as a page in a
//! browser. A call stays with whoever had it when its first connection was opened: one microphone is open, and muting it is said to whom it belongs.
//!
//! Not here: what is said to a client and heard from it (`rpc::media`).

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use kith_calls::Reach;
use kith_calls::strangers;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::id::CallId;

/// The number of a client, which no other ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientId(pub(crate) u64);

/// What a client is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order<'a> {
    /// Do this.
    Do(&'a MediaCommand),
    /// Another client carries calls from now on.
    Relieved,
}

/// Tells a client an order. Returns whether the client still takes any; one that does not has its connection closed.
pub(crate) type Tell = Box<dyn Fn(Order<'_>) -> bool + Send>;

/// Who carries besides this node.
pub(crate) struct Carriers {
    reach: Reach,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    carrier: Option<Carrier>,
    /// The call that had a connection opened last, and the client that has it; `None` for this node.
    call: Option<(CallId, Option<ClientId>)>,
}

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
    /// Somebody who is not there, or not for them; this is what the engine is to be told.
    Nobody(MediaEvent),
}

impl Carriers {
    /// Nobody yet. `reach`: where connections may go.
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, state: Mutex::default() }
    }

    /// A client has the calls that begin from now on. What the engine is to be told of whoever did so before.
    pub(crate) fn take_over(&self, client: ClientId, tell: Tell) -> Vec<MediaEvent> {
        let mut state = self.lock();
        let before = state.carrier.take();
        let mut legs = BTreeMap::new();
        let failed = match before {
            Some(same) if same.client == client => {
                legs = same.legs;
                Vec::new()
            }
            Some(other) => {
                let failed = other.close();
                (other.tell)(Order::Relieved);
                failed
            }
            None => Vec::new(),
        };
        state.carrier = Some(Carrier { client, tell, legs });
        failed
    }

    /// A client carries no more, and its connections end; `None` when it did not. What the engine is to be told.
    pub(crate) fn lay_down(&self, client: ClientId) -> Option<Vec<MediaEvent>> {
        let carrier = self.lock().carrier.take_if(|carrier| carrier.client == client)?;
        Some(carrier.close())
    }

    /// Ends all connections of clients, for good: the engine that would say so is not there any more.
    pub(crate) fn end(&self) {
        if let Some(carrier) = self.lock().carrier.take() {
            carrier.close();
        }
    }

    /// Hands an order to whom it is for, if that is not this node.
    pub(crate) fn order(&self, command: &MediaCommand) -> For {
        let mut state = self.lock();
        let state = &mut *state;
        let carrier = state.carrier.as_ref().map(|carrier| carrier.client);
        let client = match command {
            MediaCommand::Open(opening) => {
                let (_, client) = match state.call {
                    Some(known) if known.0 == opening.leg.call => known,
                    _ => *state.call.insert((opening.leg.call, carrier)),
                };
                if client.is_some() && client != carrier {
                    return For::Nobody(failed(opening.leg, opening.epoch, MediaFailure::Broken));
                }
                client
            }
            MediaCommand::SetMedia { call, .. } => {
                state.call.filter(|known| known.0 == *call).and_then(|(_, client)| client)
            }
            MediaCommand::SetServers { .. } => {
                // For all connections, whoever has them; a client that takes no orders any more is noticed by its next.
                if let Some(carrier) = state.carrier.as_ref().filter(|carrier| !carrier.legs.is_empty()) {
                    (carrier.tell)(Order::Do(command));
                }
                return For::Own;
            }
            other => {
                let is_theirs =
                    |carrier: &&Carrier| other.leg().is_some_and(|leg| carrier.legs.contains_key(&leg));
                state.carrier.as_ref().filter(is_theirs).map(|carrier| carrier.client)
            }
        };
        match &mut state.carrier {
            Some(carrier) if Some(carrier.client) == client => carrier.order(command, self.reach),
            _ => For::Own,
        }
    }

    /// The epoch that a leg of a client was opened with; `None` when it is no leg of this client.
    pub(crate) fn opened(&self, client: ClientId, leg: &LegId) -> Option<u32> {
        let state = self.lock();
        state.carrier.as_ref().filter(|carrier| carrier.client == client)?.legs.get(leg).copied()
    }

    /// Whether a client has a leg in a call.
    pub(crate) fn has_call(&self, client: ClientId, call: &CallId) -> bool {
        let state = self.lock();
        let carrier = state.carrier.as_ref().filter(|carrier| carrier.client == client);
        carrier.is_some_and(|carrier| carrier.legs.keys().any(|leg| leg.call == *call))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carrier {
    /// Tells it to end all its connections. What the engine is to be told.
    fn close(&self) -> Vec<MediaEvent> {
        let end = |(leg, opened): (&LegId, &u32)| {
            (self.tell)(Order::Do(&MediaCommand::Close { leg: *leg }));
            failed(*leg, *opened, MediaFailure::Broken)
        };
        self.legs.iter().map(end).collect()
    }

    fn order(&mut self, command: &MediaCommand, reach: Reach) -> For {
        if let MediaCommand::Open(opening) = command {
            self.legs.insert(opening.leg, opening.epoch);
        }
        let leg = command.leg();
        let opened = leg.and_then(|leg| self.legs.get(&leg).copied()).unwrap_or_default();
        let nobody = |leg: LegId, why| For::Nobody(failed(leg, opened, why));
        // What others said is looked at before anybody reads it.
        let told = match (strangers::checked(command, reach), leg) {
            (Some(checked), _) => (self.tell)(Order::Do(&checked)),
            (None, Some(leg)) => return nobody(leg, MediaFailure::NoAgreement),
            (None, None) => return For::Client,
        };
        if let MediaCommand::Close { leg } = command {
            self.legs.remove(leg);
        }
        match leg.filter(|leg| self.legs.contains_key(leg)) {
            // Its connection is closed, which ends everything else that it carries.
            Some(leg) if !told => nobody(leg, MediaFailure::Broken),
            _ => For::Client,
        }
    }
}

fn failed(leg: LegId, opened: u32, reason: MediaFailure) -> MediaEvent {
    MediaEvent::Failed { leg, opened, reason }
}

#[cfg(test)]
mod tests;
