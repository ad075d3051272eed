//! Devices of sound are opened on threads of their own: a server that does not answer must hold up nobody who speaks or listens with another.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::TryRecvError;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::device::Devices;
use crate::device::NoDevice;
use crate::device::Tries;

/// Opens what was chosen: at first, when another is chosen, and again while there is none.
pub(super) struct Opening<T> {
    devices: Arc<dyn Devices>,
    open: fn(&dyn Devices) -> Result<T, NoDevice>,
    tries: Tries,
    coming: Option<Receiver<Result<T, NoDevice>>>,
    failed: bool,
}

impl<T: Send + 'static> Opening<T> {
    pub(super) fn new(devices: Arc<dyn Devices>, open: fn(&dyn Devices) -> Result<T, NoDevice>) -> Self {
        Self { devices, open, tries: Tries::default(), coming: None, failed: false }
    }

    /// What was opened, if it is there now. `open`: whether another still is, which goes on until then.
    pub(super) fn poll(&mut self, open: bool) -> Option<T> {
        if self.coming.is_none() && self.tries.are_due(self.devices.changes(), open).is_some() {
            self.begin();
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
        let late = self.coming.is_some() && self.tries.since_last() >= LATE;
        self.failed || late
    }

    fn begin(&mut self) {
        let (told, coming) = sync_channel(1);
        let (devices, open) = (self.devices.clone(), self.open);
        let opens = move || drop(told.send(open(&*devices)));
        let begun = std::thread::Builder::new().name("kith-open".into()).spawn(opens);
        self.failed |= begun.is_err();
        self.coming = begun.is_ok().then_some(coming);
    }
}

/// A device is there at once, and an idle one that wakes up within this.
const LATE: Duration = Duration::from_secs(1);
