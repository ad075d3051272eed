//! The keys of one sender in a call (RFC 9605, 5.1). A *generation* begins with a fresh base key, when somebody has left; a *step*
//! follows from the one before by a hash, when somebody has come: those who have the former one get there by themselves.
//!
//! ```text
//!  key id:  sender, 16 bits │ stream, 2 bits │ generation, 8 bits │ step, 4 bits
//! ```

use std::collections::VecDeque;

use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::Zeroize;
use zeroize::ZeroizeOnDrop;

use super::cipher::OpenError;
use super::cipher::Opened;
use super::cipher::Opener;
use super::cipher::Sealer;
use super::header::Header;
use crate::secret::equal;

/// The length of a base key: a hash (Nh), as each but the first is one.
pub const BASE_KEY_BYTES: usize = 64;

/// Streams of one sender: a voice and two pictures.
const STREAMS: usize = 3;

/// Bits of the step in a key id (R): so many people may come within the time in which frames overtake each other.
const STEP_BITS: u32 = 4;
const STEPS: u8 = 1 << STEP_BITS;

/// Steps that are followed at once. Half of all, so that an older one is told from a newer one.
const MOST_STEPS: u8 = STEPS / 2;

/// Generations that are kept of a sender: the one that is used, the one before, of which frames are still on the way, and the next,
/// whose key may come before its first frame.
const GENERATIONS: usize = 3;

/// Keys of a generation that are kept, of all streams: of this step and the one before.
const OPENERS: usize = 2 * STREAMS;

/// From which the keys of all streams of a sender follow.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct BaseKey([u8; BASE_KEY_BYTES]);

impl BaseKey {
    /// Takes the bytes; the caller's copy is the caller's to wipe.
    pub const fn new(bytes: [u8; BASE_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// A fresh one.
    pub fn random(rng: &mut impl rand_core::CryptoRng) -> Self {
        let mut key = Self([0; BASE_KEY_BYTES]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; BASE_KEY_BYTES] {
        &self.0
    }

    /// The key of the next step. There is no way back.
    #[must_use]
    pub fn next(&self) -> Self {
        let mut next = Self([0; BASE_KEY_BYTES]);
        Hkdf::<Sha512>::new(Some(&[]), &self.0)
            .expand(b"SFrame 1.0 Ratchet", &mut next.0)
            .expect("it is as long as one hash");
        next
    }
}

impl PartialEq for BaseKey {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.0, &other.0)
    }
}

impl Eq for BaseKey {}

/// Which key of a sender it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// The generation.
    pub generation: u8,
    /// The step in it; 0 to 15.
    pub step: u8,
}

impl KeyName {
    /// After somebody has come. After the last step comes the first.
    #[must_use]
    pub const fn next_step(self) -> Self {
        Self { step: (self.step + 1) % STEPS, ..self }
    }

    /// After somebody has left.
    #[must_use]
    pub const fn next_generation(self) -> Self {
        Self { generation: self.generation.wrapping_add(1), step: 0 }
    }
}

/// The bits of a sender's number in a key id: so many that nobody finds a call or a device whose number is that of another.
pub const SENDER_BITS: u32 = 48;

/// What a key id says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Id {
    sender: u64,
    stream: u8,
    name: KeyName,
}

impl Id {
    fn number(self) -> u64 {
        let name = u64::from(self.name.generation) << STEP_BITS | u64::from(self.name.step % STEPS);
        self.sender << 14 | u64::from(self.stream & 3) << 12 | name
    }

    fn read(number: u64) -> Option<Self> {
        let sender = Some(number >> 14).filter(|sender| *sender >> SENDER_BITS == 0)?;
        let stream = (number >> 12 & 3) as u8;
        let name = KeyName { generation: (number >> STEP_BITS) as u8, step: number as u8 % STEPS };
        Some(Self { sender, stream, name })
    }
}

/// How this device seals its frames.
pub struct SenderKeys {
    sealers: [Sealer; STREAMS],
}

impl SenderKeys {
    /// The keys that follow from a base key. `sender`: the number of this device in the call, which the others know. A base key must never be
    /// used for two of these under one name: their frames would have the same nonces.
    pub fn new(sender: u64, name: KeyName, base: &BaseKey) -> Self {
        let sealer = |stream| Sealer::new(Id { sender, stream, name }.number(), &base.0);
        Self { sealers: [sealer(0), sealer(1), sealer(2)] }
    }

    /// Seals the next frame of a stream; `None` when there is no such stream, or its key was used up.
    pub fn seal(&mut self, stream: usize, frame: &[u8]) -> Option<Vec<u8>> {
        self.sealers.get_mut(stream)?.seal(&[], frame)
    }
}

/// How frames of another device are opened.
pub struct FrameKeys {
    sender: u64,
    generations: VecDeque<Generation>,
}

struct Generation {
    /// The newest step that is known.
    name: KeyName,
    base: BaseKey,
    openers: VecDeque<(Id, Opener)>,
}

impl FrameKeys {
    /// None yet, of the sender of this number.
    pub const fn new(sender: u64) -> Self {
        Self { sender, generations: VecDeque::new() }
    }

    /// The number of the sender.
    pub const fn sender(&self) -> u64 {
        self.sender
    }

    /// Another key. What came before of a generation that is known stays, as nothing goes back to an earlier step.
    pub fn add(&mut self, name: KeyName, base: BaseKey) {
        if self.generations.iter().any(|generation| generation.name.generation == name.generation) {
            return;
        }
        if self.generations.len() >= GENERATIONS {
            self.generations.pop_front();
        }
        self.generations.push_back(Generation { name, base, openers: VecDeque::new() });
    }

    /// The number of the sender in the header of a frame, before anything is checked.
    pub fn sender_of(sealed: &[u8]) -> Option<u64> {
        let (header, _) = Header::read(sealed)?;
        Some(Id::read(header.key)?.sender)
    }

    /// Opens a frame of a stream.
    ///
    /// # Errors
    /// [`OpenError`]: it is dropped. Nothing has changed then.
    pub fn open(&mut self, stream: usize, sealed: &[u8]) -> Result<Opened, OpenError> {
        let (header, _) = Header::read(sealed).ok_or(OpenError::Malformed)?;
        let id = Id::read(header.key).ok_or(OpenError::Malformed)?;
        if id.sender != self.sender || usize::from(id.stream) != stream || stream >= STREAMS {
            return Err(OpenError::UnknownKey);
        }
        let same = |generation: &&mut Generation| generation.name.generation == id.name.generation;
        self.generations.iter_mut().find(same).ok_or(OpenError::UnknownKey)?.open(id, sealed)
    }
}

impl Generation {
    fn open(&mut self, id: Id, sealed: &[u8]) -> Result<Opened, OpenError> {
        if let Some((_, opener)) = self.openers.iter_mut().find(|(known, _)| *known == id) {
            return opener.open(&[], sealed);
        }
        // The step is not authenticated yet: it is followed on a copy, and not far.
        let ahead = id.name.step.wrapping_sub(self.name.step) % STEPS;
        if ahead >= MOST_STEPS {
            return Err(OpenError::UnknownKey);
        }
        let base = (0..ahead).fold(self.base.clone(), |base, _| base.next());
        let mut opener = Opener::new(id.number(), &base.0);
        let opened = opener.open(&[], sealed)?;
        (self.base, self.name) = (base, id.name);
        if self.openers.len() >= OPENERS {
            self.openers.pop_front();
        }
        self.openers.push_back((id, opener));
        Ok(opened)
    }
}
