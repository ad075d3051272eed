//! Calls on this device: the words between the engine, which rings and answers, and the media, which speak and show.
//!
//! ```text
//!  engine thread ── Effect::Call ──▶ Servers ──▶ Calling ──▶ kith-calls, or a client of the API ([`carriers`])
//!        ▲                                          │
//!        └── Input::Call ── a thread of its own ◀───┘
//! ```
//!
//! Not here: the rules of calls (`kith-engine`), sound and pictures themselves (`kith-calls`), and which devices are
//! used ([`devices`]). When community nodes are asked for servers is in [`servers`].

pub(crate) mod carriers;
pub mod devices;
pub(crate) mod servers;

pub use kith_calls::Kind;
pub use kith_calls::Picture;
pub use kith_calls::device::choice;
pub use kith_calls::device::ring::Tune;
pub use kith_calls::stats;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use crossbeam_channel::Sender;
use kith_calls::Calls;
use kith_calls::NotStarted;
use kith_calls::Rehearsal;
use kith_calls::device::choice::Chosen;
use kith_calls::device::ring::Ringing;
use kith_calls::stats::Rehearsed;
use kith_calls::stats::Stats;
use kith_engine::Input;
use kith_proto::call::Capabilities;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;

use crate::calling::carriers::Carriers;
use crate::calling::carriers::ClientId;
use crate::calling::carriers::For;
use crate::calling::carriers::Tell;
use crate::calling::devices::Choices;
use crate::calling::devices::Displays;
use crate::run::ToEngine;

/// The newest pictures of a call; nothing where none is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Of their camera.
    pub camera: Option<Arc<Picture>>,
    /// Of their screen.
    pub screen: Option<Arc<Picture>>,
    /// Of the own camera.
    pub own: Option<Arc<Picture>>,
}

/// The newest pictures of a call of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPictures {
    /// Of the others in it, of those who show some.
    pub people: BTreeMap<DeviceId, Pictures>,
    /// Of the own camera.
    pub own: Option<Arc<Picture>>,
}

/// The calls of this device. Clones are the same.
#[derive(Clone)]
pub(crate) struct Calling(Arc<Inner>);

struct Inner {
    /// Nothing where the system gives no threads: the engine then knows of no media, and refuses calls with a sentence.
    calls: Option<Calls>,
    choices: Mutex<Choices>,
    chosen: Arc<Chosen>,
    carriers: Carriers,
    /// Held while who carries changes and the engine is told of it, so that it hears of changes in their order. Never by the engine's own thread.
    swapping: Mutex<()>,
    displays: Arc<Displays>,
    ringing: Mutex<Option<Ringing>>,
    rehearsal: Mutex<Option<Rehearsal>>,
    engine: Sender<ToEngine>,
}

impl Calling {
    /// Starts the media. What they report goes to the engine until it ends.
    pub(crate) fn start(config: kith_calls::Config, choices: Choices, engine: Sender<ToEngine>) -> Self {
        let displays: Arc<Displays> = Arc::default();
        displays.record(choices.recording.clone());
        let shown = Arc::clone(&displays);
        let chosen = Chosen::new(choices.devices.clone(), Box::new(move |of, kind| shown.open(of, kind)));
        let begun = begin(config, &chosen, &engine);
        let calls = begun.inspect_err(|error| tracing::warn!(%error, "calls cannot be made")).ok();
        let ringing = Mutex::default();
        let (choices, carriers) = (Mutex::new(choices), Carriers::new(config.reach));
        let (rehearsal, swapping) = (Mutex::default(), Mutex::default());
        let inner =
            Inner { calls, choices, chosen, carriers, swapping, displays, ringing, rehearsal, engine };
        Self(Arc::new(inner))
    }

    /// Gives the media an order of the engine. One that cannot be given ends its leg with a reason.
    pub(crate) fn order(&self, command: MediaCommand) {
        if let MediaCommand::Open(_) = command {
            self.rehearse(false);
        }
        let failed = match (self.0.carriers.order(&command), &self.0.calls) {
            (For::Own, Some(calls)) => calls.command(command).err(),
            (For::Own, None) | (For::Client, _) => None,
            (For::Nobody(failed), _) => Some(failed),
        };
        if let Some(failed) = failed {
            tracing::error!("an order for the media of a call was lost");
            // From the engine's own thread, which must not wait for itself. With its queue full as well the call ends by silence.
            let _ = self.0.engine.try_send(ToEngine::Input(Input::Call(failed)));
        }
    }

    /// A client carries the calls that begin from now on, with what it can do, instead of whoever did before.
    pub(crate) fn take_over(&self, client: ClientId, able: Capabilities, tell: Tell) {
        let _swapping = self.0.swapping.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = self.0.carriers.take_over(client, tell);
        failed.into_iter().for_each(|failed| self.report(failed));
        self.report(MediaEvent::Able { capabilities: Some(able) });
    }

    /// A client carries calls no more; those that it carries are over. Returns whether it did.
    pub(crate) fn lay_down(&self, client: ClientId) -> bool {
        let _swapping = self.0.swapping.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failed) = self.0.carriers.lay_down(client) else { return false };
        failed.into_iter().for_each(|failed| self.report(failed));
        let capabilities = self.0.calls.as_ref().map(|_| kith_calls::capabilities());
        self.report(MediaEvent::Able { capabilities });
        true
    }

    /// The epoch that a leg was opened with which this client carries; `None` for any other.
    pub(crate) fn opened(&self, client: ClientId, leg: &LegId) -> Option<u32> {
        self.0.carriers.opened(client, leg)
    }

    /// Whether a client carries a call.
    pub(crate) fn has_call(&self, client: ClientId, call: &CallId) -> bool {
        self.0.carriers.has_call(client, call)
    }

    /// Tells the engine what became of a call's media. Waits while the engine has much to do; not for its own thread.
    pub(crate) fn report(&self, event: MediaEvent) {
        // An engine that is not there has no calls.
        let _ = self.0.engine.send(ToEngine::Input(Input::Call(event)));
    }

    /// Ends all sound and pictures for good: the engine that would order it is not there any more.
    pub(crate) fn end(&self) {
        self.rehearse(false);
        self.0.carriers.end();
        if let Some(calls) = &self.0.calls {
            calls.end();
        }
    }

    /// What was measured last; nothing where no calls can be made.
    pub(crate) fn stats(&self) -> Stats {
        self.0.calls.as_ref().map(Calls::stats).unwrap_or_default()
    }

    /// Which devices are used.
    pub(crate) fn choices(&self) -> Choices {
        self.0.choices.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses others from now on, in a call that goes on, too. A recording begins with what is shown next.
    pub(crate) fn choose(&self, choices: Choices) {
        self.0.chosen.choose(choices.devices.clone());
        self.0.displays.record(choices.recording.clone());
        *self.0.choices.lock().unwrap_or_else(PoisonError::into_inner) = choices;
    }

    /// Plays a tune on the speaker until told otherwise, or nothing any more.
    pub(crate) fn ring(&self, tune: Option<Tune>) {
        let begin = |tune| Ringing::start(self.0.chosen.clone(), tune).ok();
        *self.0.ringing.lock().unwrap_or_else(PoisonError::into_inner) = tune.and_then(begin);
    }

    /// Begins a call to oneself, or ends it.
    pub(crate) fn rehearse(&self, on: bool) {
        let mut rehearsal = self.0.rehearsal.lock().unwrap_or_else(PoisonError::into_inner);
        match on {
            true if rehearsal.as_ref().is_some_and(|running| running.stats().is_some()) => {}
            true => *rehearsal = Rehearsal::start(self.0.chosen.clone()).ok(),
            false => *rehearsal = None,
        }
    }

    /// How the call to oneself goes; nothing when there is none.
    pub(crate) fn rehearsed(&self) -> Option<Rehearsed> {
        self.0.rehearsal.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.stats()
    }

    /// The pictures of others, and the own ones.
    pub(crate) fn displays(&self) -> &Arc<Displays> {
        &self.0.displays
    }
}

/// Starts the media, and the thread that tells the engine what they report.
fn begin(
    config: kith_calls::Config,
    chosen: &Arc<Chosen>,
    engine: &Sender<ToEngine>,
) -> Result<Calls, NotStarted> {
    let (calls, mut events) = Calls::start(config, chosen.clone())?;
    let engine = engine.clone();
    let words = move || {
        while let Some(event) = events.blocking_recv() {
            if engine.send(ToEngine::Input(Input::Call(event))).is_err() {
                break;
            }
        }
    };
    thread::Builder::new().name("kith-call-words".to_owned()).spawn(words)?;
    Ok(calls)
}
