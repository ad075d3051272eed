//! Which session for which device; the only caller of `kith_crypto::session`.
//!
//! ```text
//!  none ──start (we have their bundle)──▶ active, unanswered ──anything opened──▶ active
//!    └──────their first envelope───────▶ active
//!  active ──cannot be read any more──▶ repair: a new session becomes active, old ones stay readable
//! ```
//!
//! Up to four sessions with a device are kept: both sides may start at once, and stragglers of an old session must
//! still open. We send with the active one. When both started at once, the one whose starter has the smaller device
//! id is active on both sides; otherwise the newest that the other side is known to have.

use std::collections::BTreeMap;

use kith_crypto::secret::SecretBytes;
use kith_crypto::session::FirstEnvelope;
use kith_crypto::session::FirstUse;
use kith_crypto::session::OpenError;
use kith_crypto::session::Session;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::TAG_BYTES;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use zeroize::Zeroizing;

use crate::core::Core;
use crate::devices::Devices;
use crate::output::Output;
use crate::rows;
use crate::rows::SessionsRow;

/// The longest pause between two repairs with one device.
const REPAIR_PAUSE_MAX: Span = Span::from_hours(1);

/// Days for which a request lies in a mailbox; by other clocks they begin a day earlier or later.
const REQUEST_DAYS: u32 = 15;

/// All sessions.
#[derive(Default)]
pub(crate) struct Sessions {
    by_device: BTreeMap<DeviceId, Kept>,
    tags: Option<Tags>,
}

/// Whose envelopes have which tag, as of a day; made when it is asked for first.
struct Tags {
    day: u32,
    of: BTreeMap<[u8; TAG_BYTES], DeviceId>,
}

struct Kept {
    sessions: Vec<Session>,
    active: usize,
    repair_not_before: Timestamp,
    repairs: u32,
}

impl Kept {
    /// Which session makes room for another: the oldest that nobody has answered; else the oldest of all. Never the active one, and never the
    /// newest that was answered: what its other end has sealed may still lie in mailboxes, while whoever makes envelopes up has one session
    /// after another begun.
    fn least_needed(&self) -> usize {
        let newest_answered = self.sessions.iter().rposition(Session::established);
        let mut may_go =
            (0..self.sessions.len()).filter(|at| *at != self.active && Some(*at) != newest_answered);
        let unanswered = |at: &usize| !self.sessions.get(*at).is_some_and(Session::established);
        may_go.clone().find(unanswered).or_else(|| may_go.next()).unwrap_or(0)
    }
}

/// An opened envelope. Nothing is changed until [`Sessions::adopt`] takes it.
pub(crate) struct Opened {
    /// The payload's bytes.
    pub(crate) payload: Zeroizing<Vec<u8>>,
    /// Who started the session, with this very envelope or an earlier one.
    pub(crate) introduction: Option<Introduction>,
    session: Session,
    place: Place,
}

/// Who a first envelope says it is from. Authenticated by the handshake: the sender holds the identity key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Introduction {
    /// The account.
    pub(crate) account: AccountId,
    /// The device's identity key.
    pub(crate) identity: [u8; 32],
}

enum Place {
    Known(usize),
    New(FirstUse),
}

/// Why an envelope was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// Its key was used before.
    Duplicate,
    /// No session fits.
    Unreadable,
}

impl Sessions {
    /// Takes the sessions with a device as they were stored.
    pub(crate) fn restore(&mut self, device: DeviceId, row: &SessionsRow) -> Option<()> {
        let sessions =
            row.sessions.iter().map(|bytes| Session::from_bytes(bytes).ok()).collect::<Option<Vec<_>>>()?;
        let active = usize::from(row.active).min(sessions.len().saturating_sub(1));
        let kept = Kept { sessions, active, repair_not_before: row.repair_not_before, repairs: row.repairs };
        self.by_device.insert(device, kept);
        self.tags = None;
        Some(())
    }

    /// Whether anything can be sealed for a device.
    pub(crate) fn has(&self, device: &DeviceId) -> bool {
        self.by_device.get(device).is_some_and(|kept| !kept.sessions.is_empty())
    }

    /// Starts a session from the device's bundle and makes it the active one. Returns `false` without a usable bundle.
    pub(crate) fn start(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        devices: &Devices,
        account: &AccountId,
        device: &DeviceId,
    ) -> bool {
        let Some(mut bundle) = devices.bundle(account, device) else { return false };
        if self.has(device) {
            // Its one-time prekey went into the session before this one.
            bundle = bundle.without_one_time();
        }
        let now = core.now;
        let started =
            Session::initiate(&mut core.rng, &devices.account, &devices.secret, account, &bundle, now);
        let Ok(session) = started else {
            core.stats.bad_proofs += 1;
            return false;
        };
        core.stats.sessions += 1;
        self.insert(device, session, true);
        self.write(device, out);
        true
    }

    /// Replaces a session that one side cannot read any more, at most as often as the pause allows.
    pub(crate) fn repair(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        devices: &Devices,
        account: &AccountId,
        device: &DeviceId,
    ) -> bool {
        let (not_before, repairs) = self
            .by_device
            .get(device)
            .map_or((Timestamp(0), 0), |kept| (kept.repair_not_before, kept.repairs));
        if core.now < not_before || !self.start(core, out, devices, account, device) {
            return false;
        }
        core.stats.repairs += 1;
        let pause =
            core.config.repair_pause.0.saturating_mul(10u64.saturating_pow(repairs)).min(REPAIR_PAUSE_MAX.0);
        if let Some(kept) = self.by_device.get_mut(device) {
            kept.repairs = repairs.saturating_add(1);
            kept.repair_not_before = core.now + Span(pause);
        }
        self.write(device, out);
        true
    }

    /// Whether the pause after the last repair is over.
    pub(crate) fn may_be_repaired(&self, now: Timestamp, device: &DeviceId) -> bool {
        self.by_device.get(device).is_none_or(|kept| now >= kept.repair_not_before)
    }

    /// The last repair may have failed for want of these prekeys: another may be tried at once.
    pub(crate) fn may_repair(&mut self, device: &DeviceId) {
        if let Some(kept) = self.by_device.get_mut(device) {
            kept.repair_not_before = Timestamp(0);
        }
    }

    /// Whether repairs were tried since the device was last understood.
    pub(crate) fn was_repaired(&self, device: &DeviceId) -> bool {
        self.by_device.get(device).is_some_and(|kept| kept.repairs > 0)
    }

    /// Seals a payload for a device with the active session.
    pub(crate) fn seal(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        device: &DeviceId,
        payload: &[u8],
    ) -> Option<Envelope> {
        let kept = self.by_device.get_mut(device)?;
        let session = kept.sessions.get_mut(kept.active)?;
        let envelope = session.seal(&mut core.rng, core.now, payload).ok()?;
        core.stats.sealed += 1;
        self.write(device, out);
        Some(envelope)
    }

    /// Opens an envelope from a device without changing anything yet.
    pub(crate) fn open(
        &self,
        core: &mut Core,
        devices: &Devices,
        device: &DeviceId,
        envelope: &Envelope,
    ) -> Result<Opened, NotOpened> {
        let (now, mut duplicate) = (core.now, false);
        for (index, session) in self.in_order(device) {
            match session.open(&mut core.rng, now, envelope) {
                Ok((session, payload)) => {
                    return Ok(Opened { payload, introduction: None, session, place: Place::Known(index) });
                }
                Err(OpenError::Duplicate) => duplicate = true,
                Err(_) => {}
            }
        }
        if duplicate {
            return Err(NotOpened::Duplicate);
        }
        self.open_first(core, devices, device, envelope)
    }

    fn open_first(
        &self,
        core: &mut Core,
        devices: &Devices,
        device: &DeviceId,
        envelope: &Envelope,
    ) -> Result<Opened, NotOpened> {
        let first = FirstEnvelope::open(&devices.secret, envelope).map_err(|_| NotOpened::Unreadable)?;
        if first.device() != *device {
            return Err(NotOpened::Unreadable);
        }
        let introduction = Some(Introduction { account: first.account(), identity: first.identity() });
        let known = self.in_order(device).into_iter().find(|(_, session)| session.id() == first.session_id());
        let (rng, now) = (&mut core.rng, core.now);
        let (result, place) = match known {
            Some((index, session)) => (session.open_first(rng, now, &first), Place::Known(index)),
            None => {
                let answered = first.respond(rng, &devices.account, &devices.secret, &devices.prekeys, now);
                (answered, Place::New(first.uses()))
            }
        };
        match result {
            Ok((session, payload)) => Ok(Opened { payload, introduction, session, place }),
            Err(OpenError::Duplicate) => Err(NotOpened::Duplicate),
            Err(_) => Err(NotOpened::Unreadable),
        }
    }

    /// Which device a first envelope says it is from.
    pub(crate) fn first_device(&self, devices: &Devices, envelope: &Envelope) -> Option<DeviceId> {
        FirstEnvelope::open(&devices.secret, envelope).ok().map(|first| first.device())
    }

    /// Which device an envelope is from that lies where anybody may leave one, and does not say so: who had a session with us when they
    /// asked, and put an old disk back or were forgotten, introduces themselves no more.
    pub(crate) fn device_of(&mut self, now: Timestamp, envelope: &Envelope) -> Option<DeviceId> {
        let day = now.day();
        if self.tags.as_ref().is_none_or(|tags| tags.day != day) {
            let mut of = BTreeMap::new();
            for (device, kept) in &self.by_device {
                for session in &kept.sessions {
                    of.extend(
                        (day.saturating_sub(REQUEST_DAYS)..=day + 1).map(|day| (session.tag(day), *device)),
                    );
                }
            }
            self.tags = Some(Tags { day, of });
        }
        self.tags.as_ref()?.of.get(&envelope.tag()).copied()
    }

    /// Takes the new state of an opened envelope. Returns whether another session than before is now active.
    pub(crate) fn adopt(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        devices: &mut Devices,
        device: &DeviceId,
        opened: Opened,
    ) -> bool {
        core.stats.opened += 1;
        let changed = match opened.place {
            Place::New(used) => {
                core.stats.sessions += 1;
                devices.prekeys.consume(&used);
                devices.write_prekeys(out);
                let active = !self.own_start_wins(devices, device);
                self.insert(device, opened.session, active);
                active
            }
            Place::Known(index) => self.replace(device, index, opened.session),
        };
        self.write(device, out);
        changed
    }

    /// Both started at once and ours has precedence: an unanswered session of ours, and a smaller device id.
    fn own_start_wins(&self, devices: &Devices, device: &DeviceId) -> bool {
        let Some(kept) = self.by_device.get(device) else { return false };
        let Some(active) = kept.sessions.get(kept.active) else { return false };
        active.initiator() == devices.device() && !active.established() && devices.device() < *device
    }

    fn replace(&mut self, device: &DeviceId, index: usize, session: Session) -> bool {
        let Some(kept) = self.by_device.get_mut(device) else { return false };
        let Some(slot) = kept.sessions.get_mut(index) else { return false };
        *slot = session;
        kept.repairs = 0;
        let active_answered = kept.sessions.get(kept.active).is_some_and(Session::established);
        if index != kept.active && !active_answered {
            kept.active = index;
            return true;
        }
        false
    }

    fn insert(&mut self, device: &DeviceId, session: Session, active: bool) {
        let kept = self.by_device.entry(*device).or_insert_with(|| Kept {
            sessions: Vec::new(),
            active: 0,
            repair_not_before: Timestamp(0),
            repairs: 0,
        });
        self.tags = None;
        if kept.sessions.len() >= rows::MAX_SESSIONS {
            let oldest = kept.least_needed();
            kept.sessions.remove(oldest);
            if kept.active > oldest {
                kept.active -= 1;
            }
        }
        kept.sessions.push(session);
        if active || kept.sessions.len() == 1 {
            kept.active = kept.sessions.len() - 1;
        }
    }

    /// The sessions with a device, the active one first.
    fn in_order(&self, device: &DeviceId) -> Vec<(usize, &Session)> {
        let Some(kept) = self.by_device.get(device) else { return Vec::new() };
        let mut sessions: Vec<_> = kept.sessions.iter().enumerate().collect();
        sessions.sort_by_key(|(index, _)| (*index != kept.active, std::cmp::Reverse(*index)));
        sessions
    }

    fn write(&self, device: &DeviceId, out: &mut Output) {
        let Some(kept) = self.by_device.get(device) else { return };
        let sessions =
            kept.sessions.iter().map(|session| SecretBytes::new(&session.to_bytes()).unwrap_or_default());
        let row = SessionsRow {
            active: u8::try_from(kept.active).unwrap_or(0),
            sessions: BoundedVec::truncated(sessions.collect()),
            repair_not_before: kept.repair_not_before,
            repairs: kept.repairs,
        };
        out.put(rows::SESSIONS, &device.0, row.to_bytes());
    }

    /// Forgets all sessions with a device.
    pub(crate) fn drop_device(&mut self, out: &mut Output, device: &DeviceId) {
        if self.by_device.remove(device).is_some() {
            self.tags = None;
            out.delete(rows::SESSIONS, &device.0);
        }
    }
}
