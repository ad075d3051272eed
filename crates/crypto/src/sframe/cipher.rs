//! One key of one stream: seals and opens frames (RFC 9605, 4.4), and knows which came before.

use aes_gcm::Aes256Gcm;
use aes_gcm::KeyInit as _;
use aes_gcm::aead::AeadInPlace as _;
use hkdf::Hkdf;
use sha2::Sha512;
use thiserror::Error;
use zeroize::Zeroizing;

use super::header::Header;
use crate::primitives::NONCE_BYTES;
use crate::primitives::TAG_BYTES;

/// `AES_256_GCM_SHA512_128` in the registry of cipher suites (RFC 9605, 8.1).
const SUITE: u16 = 5;

/// The largest frame that is opened: twice the largest picture that an encoder makes here.
pub const MAX_FRAME_BYTES: usize = 2 << 20;

/// Frames under one key: some two years of speech, and far from what GCM allows for frames of this size (NIST SP 800-38D, 8.3).
const MAX_FRAMES: u64 = 1 << 32;

/// Frames that may come later than another one: twenty seconds of speech. What is repaired comes within one.
const WINDOW: u64 = 1_024;

const WORDS: usize = WINDOW as usize / 64;

/// Why a frame was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is no frame.
    #[error("The frame is malformed.")]
    Malformed,
    /// There is no such key.
    #[error("The frame is sealed with a key that is not known here.")]
    UnknownKey,
    /// It was opened before, or is too late for that to be known.
    #[error("The frame came before, or much too late.")]
    Repeated,
    /// It was not sealed with this key, or changed on the way.
    #[error("The frame is not authentic.")]
    NotAuthentic,
}

/// A frame as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its number in its stream.
    pub counter: u64,
    /// What is in it.
    pub frame: Vec<u8>,
}

/// The key and the salt of a stream. Wiped when dropped.
struct Key {
    id: u64,
    cipher: Box<Aes256Gcm>,
    salt: Zeroizing<[u8; NONCE_BYTES]>,
}

impl Key {
    fn derive(id: u64, base: &[u8]) -> Self {
        let secret = Hkdf::<Sha512>::new(Some(&[]), base);
        let label = |text: &[u8]| [text, &id.to_be_bytes(), &SUITE.to_be_bytes()].concat();
        let mut key = Zeroizing::new([0; 32]);
        let mut salt = Zeroizing::new([0; NONCE_BYTES]);
        let short = "both are shorter than one hash";
        secret.expand(&label(b"SFrame 1.0 Secret key "), key.as_mut_slice()).expect(short);
        secret.expand(&label(b"SFrame 1.0 Secret salt "), salt.as_mut_slice()).expect(short);
        Self { id, cipher: Box::new(Aes256Gcm::new((&*key).into())), salt }
    }

    fn nonce(&self, counter: u64) -> [u8; NONCE_BYTES] {
        let mut nonce = *self.salt;
        // The counter is as long as the nonce, with zeros before it.
        nonce.iter_mut().rev().zip(counter.to_be_bytes().iter().rev()).for_each(|(byte, with)| *byte ^= with);
        nonce
    }
}

/// Seals the frames of one stream.
pub(super) struct Sealer {
    key: Key,
    next: u64,
}

impl Sealer {
    pub(super) fn new(id: u64, base: &[u8]) -> Self {
        Self { key: Key::derive(id, base), next: 0 }
    }

    /// The next frame, sealed; `None` when the key was used up.
    pub(super) fn seal(&mut self, metadata: &[u8], frame: &[u8]) -> Option<Vec<u8>> {
        let counter = Some(self.next).filter(|next| *next < MAX_FRAMES)?;
        self.next += 1;
        Some(seal(&self.key, counter, metadata, frame))
    }
}

fn seal(key: &Key, counter: u64, metadata: &[u8], frame: &[u8]) -> Vec<u8> {
    let mut out = Header { key: key.id, counter }.to_bytes();
    let authenticated = [out.as_slice(), metadata].concat();
    out.reserve_exact(frame.len() + TAG_BYTES);
    let begins = out.len();
    out.extend_from_slice(frame);
    let sealed = out.get_mut(begins..).unwrap_or_default();
    let tag = key
        .cipher
        .encrypt_in_place_detached((&key.nonce(counter)).into(), &authenticated, sealed)
        .expect("a frame is far below 64 GiB");
    out.extend_from_slice(&tag);
    out
}

/// Opens the frames of one stream, each once.
pub(super) struct Opener {
    key: Key,
    /// One more than the highest counter that came.
    end: u64,
    /// Which of those before it came: bit `counter % WINDOW`.
    came: [u64; WORDS],
}

impl Opener {
    pub(super) fn new(id: u64, base: &[u8]) -> Self {
        Self { key: Key::derive(id, base), end: 0, came: [0; WORDS] }
    }

    /// The frame. Nothing is noted of one that is not authentic.
    pub(super) fn open(&mut self, metadata: &[u8], sealed: &[u8]) -> Result<Opened, OpenError> {
        let (header, length) = Header::read(sealed).ok_or(OpenError::Malformed)?;
        if header.key != self.key.id {
            return Err(OpenError::UnknownKey);
        }
        if sealed.len() < length + TAG_BYTES || sealed.len() > MAX_FRAME_BYTES || header.counter >= MAX_FRAMES
        {
            return Err(OpenError::Malformed);
        }
        if self.is_known(header.counter) {
            return Err(OpenError::Repeated);
        }
        let (head, rest) = sealed.split_at_checked(length).ok_or(OpenError::Malformed)?;
        let (body, tag) = rest.split_at_checked(rest.len() - TAG_BYTES).ok_or(OpenError::Malformed)?;
        let mut frame = body.to_vec();
        let authenticated = [head, metadata].concat();
        let nonce = self.key.nonce(header.counter);
        self.key
            .cipher
            .decrypt_in_place_detached((&nonce).into(), &authenticated, &mut frame, tag.into())
            .map_err(|_| OpenError::NotAuthentic)?;
        self.note(header.counter);
        Ok(Opened { counter: header.counter, frame })
    }

    fn is_known(&self, counter: u64) -> bool {
        let too_old = counter + WINDOW < self.end;
        too_old
            || (counter < self.end
                && self.came.get(word(counter)).is_none_or(|bits| bits & bit(counter) != 0))
    }

    fn note(&mut self, counter: u64) {
        if counter >= self.end {
            // What is between was not seen; no more than the whole window is forgotten.
            for between in self.end.max(counter.saturating_sub(WINDOW))..=counter {
                self.came.get_mut(word(between)).into_iter().for_each(|bits| *bits &= !bit(between));
            }
            self.end = counter + 1;
        }
        self.came.get_mut(word(counter)).into_iter().for_each(|bits| *bits |= bit(counter));
    }
}

fn word(counter: u64) -> usize {
    (counter % WINDOW / 64) as usize
}

fn bit(counter: u64) -> u64 {
    1 << (counter % 64)
}

#[cfg(test)]
pub(super) fn seal_as(id: u64, base: &[u8], counter: u64, metadata: &[u8], frame: &[u8]) -> Vec<u8> {
    seal(&Key::derive(id, base), counter, metadata, frame)
}
