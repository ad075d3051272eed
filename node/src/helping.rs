//! Keeping mail for others on this device, if its owner wants to: the mailbox of `kith-host` with a store of its own in the
//! data folder, switched on and off while the node runs.
//!
//! ```text
//!            set(enabled)                 set(not enabled)             nothing left
//!  off ───────────────────▶ helping ────────────────────▶ closing ──────────────────▶ off, its folder is gone
//!                              ▲────────set(enabled)─────────┘
//! ```
//!
//! A mailbox that could not be opened, or that failed, is opened again: after a second, then after twice as long each
//! time, up to ten minutes. What it signed for is in its store meanwhile.
//!
//! Whose mail is taken is checked by the door of the host: the devices of accepted contacts, as the engine tells them.
//! Offering is the network's part: to everybody once others have reached this device, before that to contacts who are
//! connected directly. Not here: our own mail, which is never kept here.

pub mod settings;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use kith_host::Door;
use kith_host::Host;
use kith_host::HostError;
use kith_host::Report;
use kith_host::Setup;
use kith_net::Net;
use kith_net::NetCommand;
use kith_proto::id::DeviceId;
use kith_proto::rows::Write;
use kith_proto::time::Timestamp;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::error::NodeError;
use crate::events::Hub;
use crate::events::NodeEvent;
use crate::helping::settings::HelpSettings;
use crate::helping::settings::MAX_BYTES;
use crate::helping::settings::MAX_INBOXES;
use crate::helping::settings::MIN_BYTES;
use crate::helping::settings::Who;
use crate::run::ToEngine;

/// The folder of the mailbox's store in the data folder.
const FOLDER: &str = "mailbox";

/// How long a mailbox that failed is left alone, the first time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest such pause: a full disk is soon noticed to have room again. One that ran for so long failed anew.
const LAST_PAUSE: Duration = Duration::from_secs(600);

/// What is kept for others now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelpView {
    /// What the owner decided.
    pub settings: HelpSettings,
    /// Inboxes that are open.
    pub inboxes: u32,
    /// Envelopes that wait to be fetched.
    pub envelopes: u64,
    /// Bytes that all of it is counted as.
    pub bytes: u64,
    /// Until when the last of it is kept, if nobody fetches it.
    pub until: Option<Timestamp>,
    /// Why nothing is kept although it should be.
    pub problem: Option<String>,
}

/// Keeping mail for others. Clones are the same.
#[derive(Clone)]
pub(crate) struct Helping(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    seed: Zeroizing<[u8; 32]>,
    net: Net,
    runtime: tokio::runtime::Handle,
    engine: Sender<ToEngine>,
    hub: Arc<Hub>,
    /// Held while a host is started, told or ended, so that one thing comes after the other, and for as long as that
    /// takes. Never by the network's or the engine's threads.
    changing: Mutex<()>,
    /// Held for moments, by the network's and the engine's threads too: nothing that waits is done meanwhile.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    settings: HelpSettings,
    host: Option<Host>,
    /// How often a host was to be started, to know whose end is reported, or whose failure is waited out.
    started: u64,
    /// When that was last.
    since: Option<Instant>,
    /// How long the next one that fails is left alone.
    pause: Option<Duration>,
    friends: BTreeSet<DeviceId>,
    problem: Option<String>,
    stopped: bool,
}

impl Helping {
    pub(crate) fn new(
        data: &std::path::Path,
        seed: Zeroizing<[u8; 32]>,
        (net, runtime): (Net, tokio::runtime::Handle),
        engine: Sender<ToEngine>,
        hub: Arc<Hub>,
    ) -> Self {
        let (changing, state) = Default::default();
        Self(Arc::new(Inner { folder: data.join(FOLDER), seed, net, runtime, engine, hub, changing, state }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.0.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on as it was before the start. What goes wrong is told in the view: the node works without.
    pub(crate) fn resume(&self, settings: HelpSettings) {
        let _one_at_a_time = self.changing();
        self.state().settings = settings;
        if settings.enabled || settings.closing {
            self.start();
        }
    }

    /// The mailbox, for events about it.
    pub(crate) fn host(&self) -> Option<Host> {
        self.state().host.clone()
    }

    /// Whom the owner knows. Does not wait for the mailbox.
    pub(crate) fn befriend(&self, devices: impl IntoIterator<Item = DeviceId>) {
        let mut state = self.state();
        state.friends = devices.into_iter().collect();
        if let Some(host) = &state.host {
            host.know(state.friends.clone());
        }
    }

    /// Does as the owner says. When that ends it while something is kept, the view tells what and until when.
    pub(crate) fn set(
        &self,
        now: Timestamp,
        enabled: bool,
        change: impl FnOnce(&mut HelpSettings),
    ) -> Result<HelpView, NodeError> {
        let _one_at_a_time = self.changing();
        let mut settings = self.state().settings;
        change(&mut settings);
        if !(MIN_BYTES..=MAX_BYTES).contains(&settings.bytes) {
            return Err(NodeError::HelpSize);
        }
        settings.inboxes = settings.inboxes.clamp(1, MAX_INBOXES);
        settings.since = if enabled { settings.since.or(Some(now)) } else { None };
        // Until it is known that nothing is left.
        settings.closing = !enabled && (settings.enabled || settings.closing);
        settings.enabled = enabled;
        self.save(&settings)?;
        let host = {
            let mut state = self.state();
            (state.settings, state.problem, state.pause) = (settings, None, None);
            state.host.clone()
        };
        match (host, enabled) {
            (Some(host), true) => {
                host.configure(settings.limits(), door(settings.who));
                self.serve(true, true);
            }
            (Some(host), false) => {
                host.close();
                self.serve(true, false);
            }
            (None, true) => self.start(),
            (None, false) => {}
        }
        let view = self.view();
        self.0.hub.publish(&[NodeEvent::Helping(Box::new(view.clone()))]);
        Ok(view)
    }

    /// What is kept now. Waits for the mailbox.
    pub(crate) fn view(&self) -> HelpView {
        let (settings, problem, host) = {
            let state = self.state();
            (state.settings, state.problem.clone(), state.host.clone())
        };
        let Report { held, until, .. } = host.and_then(|host| host.report()).unwrap_or_default();
        let (inboxes, envelopes, bytes) = (held.inboxes, held.envelopes, held.bytes);
        HelpView { settings, inboxes, envelopes, bytes, until, problem }
    }

    /// Ends it while the network still runs: what was committed last is answered.
    pub(crate) fn stop(&self) {
        // Nothing is started from here on, and what is being started is waited for.
        self.state().stopped = true;
        let _one_at_a_time = self.changing();
        let host = self.state().host.take();
        if let Some(Err(error)) = host.map(|host| host.stop()) {
            tracing::warn!(%error, "the mailbox was not closed cleanly; nothing it confirmed is lost");
        }
    }

    fn serve(&self, serve: bool, offer: bool) {
        // The swarm's task always takes commands.
        let _ = self.0.net.command_blocking(NetCommand::ServeMailbox { serve, offer });
    }

    /// Opens the store and starts a host, which takes a moment. Only while `changing` is held.
    fn start(&self) {
        let (settings, number) = {
            let mut state = self.state();
            if state.stopped {
                return;
            }
            state.started += 1;
            state.since = Some(Instant::now());
            (state.settings, state.started)
        };
        // Locked with the account's own secret: the folder is of no use without the account.
        let key = Zeroizing::new(blake3::derive_key(STORE_CONTEXT, self.0.seed.as_slice()));
        let passphrase = Zeroizing::new(blake3::Hash::from(*key).to_hex().to_string());
        let setup = Setup {
            folder: &self.0.folder,
            passphrase: Some(&passphrase),
            seed: &self.0.seed,
            config: settings.limits(),
            door: door(settings.who),
            closing: !settings.enabled,
        };
        match Host::start(setup, self.0.net.clone(), &self.0.runtime) {
            Ok(host) => {
                let (helping, watched) = (self.clone(), host.clone());
                {
                    let mut state = self.state();
                    host.know(state.friends.clone());
                    (state.host, state.problem) = (Some(host), None);
                }
                self.0.runtime.spawn(async move {
                    watched.ended().await;
                    let _ = tokio::task::spawn_blocking(move || helping.ended(number)).await;
                });
                self.serve(true, settings.enabled);
            }
            Err(error) => self.failed(&error),
        }
    }

    /// A host has ended by itself: nothing is left in it, or it failed.
    fn ended(&self, number: u64) {
        let _one_at_a_time = self.changing();
        let (host, again) = {
            let mut state = self.state();
            if state.started != number {
                return;
            }
            // The owner may have changed their mind while it was ending.
            (state.host.take(), state.settings.enabled)
        };
        let Some(host) = host else { return };
        self.serve(false, false);
        match host.stop() {
            Ok(()) if again => self.start(),
            Ok(()) => self.clear_away(),
            Err(error) => self.failed(&error),
        }
        self.0.hub.publish(&[NodeEvent::Helping(Box::new(self.view()))]);
    }

    /// Everything that was kept has been fetched or has expired: nothing of it stays on the disk.
    fn clear_away(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0.folder) {
            tracing::warn!(%error, "the empty mailbox could not be removed");
        }
        let mut settings = self.state().settings;
        settings.closing = false;
        self.state().settings = settings;
        if self.save(&settings).is_err() {
            tracing::debug!("the node stops; that the mailbox is empty is found again at the next start");
        }
    }

    /// A host failed, or could not be started. It is tried again, unless the owner says something before that.
    fn failed(&self, error: &HostError) {
        let (number, pause) = {
            let mut state = self.state();
            if state.since.is_some_and(|since| since.elapsed() >= LAST_PAUSE) {
                state.pause = None;
            }
            let pause = state.pause.unwrap_or(FIRST_PAUSE);
            state.pause = Some((pause * 2).min(LAST_PAUSE));
            state.problem = Some(error.to_string());
            (state.started, pause)
        };
        tracing::error!(%error, again_in = ?pause, "no mail is kept for others");
        let helping = self.clone();
        self.0.runtime.spawn(async move {
            tokio::time::sleep(pause).await;
            let _ = tokio::task::spawn_blocking(move || helping.start_again(number)).await;
        });
    }

    /// Starts a host in the place of one that failed, if nothing else was done since.
    fn start_again(&self, number: u64) {
        let _one_at_a_time = self.changing();
        {
            let state = self.state();
            let is_wanted = state.settings.enabled || state.settings.closing;
            if state.started != number || state.host.is_some() || !is_wanted {
                return;
            }
        }
        self.start();
        self.0.hub.publish(&[NodeEvent::Helping(Box::new(self.view()))]);
    }

    /// Has the engine thread, which owns the database, keep the settings.
    fn save(&self, settings: &HelpSettings) -> Result<(), NodeError> {
        let (done, saved) = bounded(1);
        let writes: Vec<Write> = vec![settings.write()];
        self.0.engine.send(ToEngine::Save { writes, done }).map_err(|_| NodeError::Stopped)?;
        saved.recv().map_err(|_| NodeError::Stopped)?
    }
}

fn door(who: Who) -> Door {
    match who {
        Who::Contacts => Door::Known,
        Who::Anybody => Door::Anybody,
    }
}

/// What the key of the mailbox's store is derived for.
const STORE_CONTEXT: &str = "kith 2026-11-21 mailbox store of a person's device v1";
