//! Calls on this device: the words between the engine, which rings and answers, and the media, which speak and show.
//!
//! ```text
//!  engine thread ── Effect::Call ──▶ Servers ──▶ Calling ──▶ kith-calls
//!        ▲                                          │
//!        └── Input::Call ── a thread of its own ◀───┘
//! ```
//!
//! Not here: the rules of calls (`kith-engine`), sound and pictures themselves (`kith-calls`), and which devices are
//! used ([`devices`]). When community nodes are asked for servers is in [`servers`].

pub mod devices;
pub(crate) mod servers;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use crossbeam_channel::Sender;
use kith_calls::Calls;
use kith_calls::NotStarted;
use kith_calls::device::choice::Chosen;
use kith_calls::stats::Stats;
use kith_engine::Input;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;

use crate::calling::devices::Choices;
use crate::calling::devices::Displays;
use crate::run::ToEngine;

/// The calls of this device. Clones are the same.
#[derive(Clone)]
pub(crate) struct Calling(Arc<Inner>);

struct Inner {
    /// Nothing where the system gives no threads: the engine then knows of no media, and refuses calls with a sentence.
    calls: Option<Calls>,
    choices: Mutex<Choices>,
    chosen: Arc<Chosen>,
    displays: Arc<Displays>,
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
        Self(Arc::new(Inner { calls, choices: Mutex::new(choices), chosen, displays, engine }))
    }

    /// Gives the media an order of the engine. One that cannot be given ends its leg with a reason.
    pub(crate) fn order(&self, command: MediaCommand) {
        let Some(calls) = &self.0.calls else { return };
        let leg = leg_of(&command);
        if calls.command(command) {
            return;
        }
        tracing::error!("an order for the media of a call was lost");
        if let Some(leg) = leg {
            // From the engine's own thread, which must not wait for itself. With its queue full as well the call ends by silence.
            let failed = MediaEvent::Failed { leg, reason: MediaFailure::Broken };
            let _ = self.0.engine.try_send(ToEngine::Input(Input::Call(failed)));
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

    /// The pictures of others.
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

/// The connection that an order is about; nothing for one about a whole call, which its next order says again.
fn leg_of(command: &MediaCommand) -> Option<LegId> {
    match command {
        MediaCommand::Open(opening) => Some(opening.leg),
        MediaCommand::Describe { leg, .. }
        | MediaCommand::Candidates { leg, .. }
        | MediaCommand::AllowDirect { leg }
        | MediaCommand::Restart { leg, .. } => Some(*leg),
        MediaCommand::SetMedia { .. } | MediaCommand::SetServers { .. } | MediaCommand::Close { .. } => None,
    }
}
