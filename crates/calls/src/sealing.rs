//! Frames of calls of groups, sealed for all who are in them (`kith_crypto::sframe`): after the encoder and before the packets, after the packets
//! and before the decoder. So whoever forwards them needs no key.
//!
//! ```text
//!  in each sealed frame:  number, 2 bytes │ time stamp, 4 bytes │ what the encoder made
//! ```
//!
//! Whoever is in the call has the keys of all others, to open their frames, and could seal with them as well. So a frame counts only from the device that it
//! is of, or from the one that forwards: that one could speak for others, as anybody who mixes sound for others could. Rejected: a signature for each
//! frame, 64 bytes beside some 80 of speech, and a signed frame could be shown to anybody as proof of what was said.
//!
//! Number and stamp are inside, because those of RTP are of the connection a frame came by, and that changes with whoever forwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use kith_crypto::sframe::BaseKey;
use kith_crypto::sframe::FrameKeys;
use kith_crypto::sframe::KeyName;
use kith_crypto::sframe::SenderKeys;
use kith_proto::call::media::FrameKey;
use kith_proto::id::DeviceId;

use crate::transport::Encoded;
use crate::transport::Kind;

/// The keys of the call that goes on.
#[derive(Default)]
pub(crate) struct Sealing(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    own: Option<SenderKeys>,
    /// What it was made from.
    sealed_with: Option<(u64, KeyName, BaseKey)>,
    /// Of each [`Kind`], the number of the next frame.
    numbers: [u16; 3],
    others: BTreeMap<DeviceId, FrameKeys>,
    forwards: bool,
    /// Who forwards for this device, and who did until when.
    through: Option<DeviceId>,
    before: Option<(DeviceId, Instant)>,
}

/// A frame of somebody, opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsealed {
    pub(crate) device: DeviceId,
    pub(crate) number: u16,
    pub(crate) stamp: u32,
    pub(crate) frame: Vec<u8>,
}

impl Sealing {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Own frames are sealed with this from now on.
    pub(crate) fn seal_with(&self, sender: u64, key: &FrameKey) {
        let (name, base) = (name(key), base(key));
        let mut inner = self.inner();
        // The same key again must not begin to count anew: no number is ever used twice with a key (RFC 9605, 9.1).
        let known = inner.sealed_with.as_ref();
        if known.is_some_and(|known| known.0 == sender && known.1 == name && known.2 == base) {
            return;
        }
        inner.own = Some(SenderKeys::new(sender, name, &base));
        inner.sealed_with = Some((sender, name, base));
    }

    /// Frames of another device are sealed with this, now or soon.
    pub(crate) fn open_with(&self, device: DeviceId, sender: u64, key: &FrameKey) {
        let mut inner = self.inner();
        let keys = inner.others.entry(device).or_insert_with(|| FrameKeys::new(sender));
        keys.add(name(key), base(key));
    }

    /// A device is in the call no more.
    pub(crate) fn forget(&self, device: &DeviceId) {
        self.inner().others.remove(device);
    }

    /// Whether a device is in the call, as far as its keys are known.
    pub(crate) fn knows(&self, device: &DeviceId) -> bool {
        self.inner().others.contains_key(device)
    }

    /// Whether frames of others are passed on.
    pub(crate) fn set_forwards(&self, forwards: bool) {
        self.inner().forwards = forwards;
    }

    /// Frames of others are taken from this device as well.
    pub(crate) fn set_through(&self, device: Option<DeviceId>) {
        let mut inner = self.inner();
        if inner.through != device {
            let before = std::mem::replace(&mut inner.through, device);
            inner.before = before.map(|device| (device, Instant::now() + STILL_TAKEN));
        }
    }

    /// Whether a frame that came from a device is passed on: its own ones are, and not those that it passes on itself.
    pub(crate) fn forwards(&self, device: &DeviceId, sealed: &[u8]) -> bool {
        let inner = self.inner();
        let sender = inner.others.get(device).map(FrameKeys::sender);
        let alone = inner.others.values().filter(|keys| Some(keys.sender()) == sender).count() == 1;
        inner.forwards && alone && sender == FrameKeys::sender_of(sealed)
    }

    /// Seals what an encoder made; nothing before there is a key.
    pub(crate) fn seal(&self, encoded: &Encoded) -> Option<Encoded> {
        let mut inner = self.inner();
        let Inner { own, numbers, .. } = &mut *inner;
        let number = numbers.get_mut(encoded.kind.index())?;
        let mut frame = Vec::with_capacity(HEAD + encoded.data.len());
        frame.extend_from_slice(&number.to_be_bytes());
        frame.extend_from_slice(&encoded.stamp.to_be_bytes());
        frame.extend_from_slice(&encoded.data);
        let sealed = own.as_mut()?.seal(encoded.kind.index(), &frame)?;
        *number = number.wrapping_add(1);
        Some(Encoded { data: sealed.into(), ..encoded.clone() })
    }

    /// Opens a frame that came by the connection to `by`; nothing for one that came before, is not authentic, of a key that is not known, or of somebody
    /// for whom that device does not forward.
    pub(crate) fn open(&self, by: &DeviceId, kind: Kind, sealed: &[u8]) -> Option<Unsealed> {
        let sender = FrameKeys::sender_of(sealed)?;
        let mut inner = self.inner();
        let before = inner.before.is_some_and(|(device, until)| device == *by && Instant::now() < until);
        let forwards = before || inner.through == Some(*by);
        // Two devices may have the same number: the keys tell them apart.
        let mut named = inner
            .others
            .iter_mut()
            .filter(|(device, keys)| keys.sender() == sender && (forwards || *device == by));
        let (device, opened) =
            named.find_map(|(device, keys)| Some((*device, keys.open(kind.index(), sealed).ok()?)))?;
        let (number, rest) = opened.frame.split_first_chunk::<2>()?;
        let (stamp, frame) = rest.split_first_chunk::<4>()?;
        let (number, stamp) = (u16::from_be_bytes(*number), u32::from_be_bytes(*stamp));
        Some(Unsealed { device, number, stamp, frame: frame.to_vec() })
    }
}

fn name(key: &FrameKey) -> KeyName {
    KeyName { generation: key.generation, step: key.step }
}

fn base(key: &FrameKey) -> BaseKey {
    BaseKey::new(*key.key.as_bytes())
}

/// Shares the keys between the handle, encoders and connections.
pub(crate) type Shared = Arc<Sealing>;

const HEAD: usize = 6;

/// Longer than whoever forwards goes on with it after another has taken over, and shorter than anybody could do harm with.
const STILL_TAKEN: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use kith_proto::call::group::CallKey;

    use super::*;

    fn key(number: u8) -> FrameKey {
        FrameKey { generation: 0, step: 0, key: CallKey::new([number; 64]) }
    }

    fn speech(stamp: u32) -> Encoded {
        Encoded { kind: Kind::Microphone, stamp, key: false, data: [1, 2, 3].as_slice().into() }
    }

    #[test]
    fn frames_keep_their_place_whoever_they_come_by() {
        let (ada, bob, ada_device) = (Sealing::default(), Sealing::default(), DeviceId([1; 32]));
        assert!(ada.seal(&speech(0)).is_none(), "nothing leaves unsealed");
        ada.seal_with(7, &key(1));
        bob.open_with(ada_device, 7, &key(1));
        // Somebody else with the same number.
        bob.open_with(DeviceId([0; 32]), 7, &key(2));
        for number in 0..3 {
            let stamp = u32::from(number) * 960;
            let sealed = ada.seal(&speech(stamp)).unwrap();
            assert!(!sealed.data.windows(3).any(|part| part == [1, 2, 3]));
            let opened = bob.open(&ada_device, Kind::Microphone, &sealed.data);
            assert_eq!(opened, Some(Unsealed { device: ada_device, number, stamp, frame: vec![1, 2, 3] }));
            assert_eq!(
                bob.open(&ada_device, Kind::Microphone, &sealed.data),
                None,
                "once, also when it comes by two ways"
            );
        }
        // Numbers go on under another key.
        let next = FrameKey { generation: 1, ..key(3) };
        ada.seal_with(7, &next);
        bob.open_with(ada_device, 7, &next);
        let sealed = ada.seal(&speech(9)).unwrap();
        assert_eq!(
            bob.open(&ada_device, Kind::Microphone, &sealed.data).map(|opened| opened.number),
            Some(3)
        );
        bob.forget(&ada_device);
        assert_eq!(bob.open(&ada_device, Kind::Microphone, &ada.seal(&speech(9)).unwrap().data), None);
    }

    #[test]
    fn the_same_key_said_again_does_not_begin_to_count_anew() {
        let (ada, bob, ada_device) = (Sealing::default(), Sealing::default(), DeviceId([1; 32]));
        ada.seal_with(7, &key(1));
        bob.open_with(ada_device, 7, &key(1));
        for _ in 0..3 {
            assert!(bob.open(&ada_device, Kind::Microphone, &ada.seal(&speech(0)).unwrap().data).is_some());
            ada.seal_with(7, &key(1));
        }
    }

    #[test]
    fn nobody_speaks_for_another_but_who_forwards() {
        let (ada, bob) = (Sealing::default(), Sealing::default());
        let [ada_device, eve_device, cyd_device] = [1, 2, 3].map(|number| DeviceId([number; 32]));
        ada.seal_with(7, &key(1));
        bob.open_with(ada_device, 7, &key(1));
        bob.open_with(eve_device, 8, &key(2));
        let says =
            |by: &DeviceId| bob.open(by, Kind::Microphone, &ada.seal(&speech(0)).unwrap().data).is_some();
        assert!(says(&ada_device) && !says(&eve_device), "Eve has the key as well");
        bob.set_through(Some(eve_device));
        assert!(says(&eve_device) && says(&ada_device) && !says(&cyd_device));
        bob.set_through(Some(cyd_device));
        assert!(says(&eve_device) && says(&cyd_device), "nobody is cut off when another takes over");
        bob.set_through(None);
        assert!(!says(&eve_device) && says(&cyd_device));
    }

    #[test]
    fn a_number_of_two_is_nobodys() {
        let (eve, forwarder, eve_device) = (Sealing::default(), Sealing::default(), DeviceId([2; 32]));
        forwarder.set_forwards(true);
        forwarder.open_with(eve_device, 7, &key(2));
        // Eve seals with the key of somebody whose number she has found.
        eve.seal_with(7, &key(1));
        let sealed = eve.seal(&speech(0)).unwrap().data;
        assert!(forwarder.forwards(&eve_device, &sealed), "as long as it is hers");
        forwarder.open_with(DeviceId([1; 32]), 7, &key(1));
        assert!(!forwarder.forwards(&eve_device, &sealed));
    }

    #[test]
    fn only_frames_of_who_sent_them_are_passed_on() {
        let (ada, forwarder) = (Sealing::default(), Sealing::default());
        ada.seal_with(7, &key(1));
        let (ada_device, cyd_device) = (DeviceId([1; 32]), DeviceId([3; 32]));
        forwarder.open_with(ada_device, 7, &key(9));
        forwarder.open_with(cyd_device, 8, &key(9));
        let sealed = ada.seal(&speech(0)).unwrap().data;
        assert!(!forwarder.forwards(&ada_device, &sealed), "not asked to");
        forwarder.set_forwards(true);
        assert!(forwarder.forwards(&ada_device, &sealed), "without the key");
        assert!(!forwarder.forwards(&cyd_device, &sealed), "Cyd has it from somebody else");
    }
}
