//! Devices of sound are opened on threads of their own: a server that does not answer must hold up nobody who speaks or listens with another.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::TryRecvError;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use std::time::Instant;

use crate::device::Devices;
use crate::device::NoDevice;

/// Opens what was chosen: at first, when another is chosen, and again while there is none.
pub(super) struct Opening<T> {
    devices: Arc<dyn Devices>,
    open: fn(&dyn Devices) -> Result<T, NoDevice>,
    /// Which choice of the person was tried last, and when.
    tried: Option<(u64, Instant)>,
    coming: Option<Receiver<Result<T, NoDevice>>>,
    failed: bool,
}

impl<T: Send + 'static> Opening<T> {
    pub(super) fn new(devices: Arc<dyn Devices>, open: fn(&dyn Devices) -> Result<T, NoDevice>) -> Self {
        Self { devices, open, tried: None, coming: None, failed: false }
    }

    /// What was opened, if it is there now. `open`: whether another still is, which goes on until then.
    pub(super) fn poll(&mut self, open: bool) -> Option<T> {
        let changes = self.devices.changes();
        let due = match self.tried {
            Some((choice, at)) => choice != changes || (!open && at.elapsed() >= TRY_AGAIN),
            None => true,
        };
        if self.coming.is_none() && due {
            self.begin(changes);
        }
        match self.coming.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => None,
            Ok(Ok(device)) => {
                (self.coming, self.failed) = (None, false);
                Some(device)
            }
            Ok(Err(error)) => {
                if !std::mem::replace(&mut self.failed, true) {
                    tracing::warn!(%error, "a device for sound cannot be opened");
                }
                self.coming = None;
                None
            }
            Err(TryRecvError::Disconnected) => {
                (self.coming, self.failed) = (None, true);
                None
            }
        }
    }

    /// Whether it failed the last time, or takes longer than anybody would wait.
    pub(super) fn fails(&self) -> bool {
        let late = self.tried.is_some_and(|(_, at)| self.coming.is_some() && at.elapsed() >= LATE);
        self.failed || late
    }

    fn begin(&mut self, choice: u64) {
        self.tried = Some((choice, Instant::now()));
        let (told, coming) = sync_channel(1);
        let (devices, open) = (self.devices.clone(), self.open);
        let opens = move || drop(told.send(open(&*devices)));
        let begun = std::thread::Builder::new().name("kith-open".into()).spawn(opens);
        self.failed |= begun.is_err();
        self.coming = begun.is_ok().then_some(coming);
    }
}

/// What was plugged in again is found within this.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// A device is there at once, and an idle one that wakes up within this.
const LATE: Duration = Duration::from_secs(1);
