//! The Double Ratchet with header encryption (Signal, "The Double Ratchet Algorithm", revision 4, sections 3 and 4).
//!
//! ```text
//!  root ──their new key──▶ receiving chain ──▶ one key a message, thrown away, or kept if skipped
//!    └────our new key────▶ sending chain ───▶ one key a message, thrown away
//! ```
//!
//! Opening works on a copy: [`Ratchet::open`] returns the new state, and nothing is changed by a message that is not
//! authentic. Deviations from the specification, with reasons, are in `SPEC.md`, section 6: salted message keys, and
//! the memory of retired header keys that tells a repeated message from a foreign one.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::codec::put_varint;
use kith_proto::error::DecodeError;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::primitives;
use crate::primitives::NONCE_BYTES;
use crate::primitives::TAG_BYTES;
use crate::secret::Secret32;

/// Messages that one step may skip. Above twice the engine's window, and still only a millisecond of hashing for a
/// message that lies about its number.
pub const MAX_SKIP: u32 = 2_048;

/// Chains with skipped keys that are kept. Each is tried with every header, so that a peer who skips one message in each
/// turn must not make opening slow; a message of an older turn that is still on its way is sent again.
const MAX_SKIPPED_CHAINS: usize = 16;

/// Skipped keys that are kept in all; the oldest chain loses its keys first.
pub const MAX_SKIPPED_KEPT: usize = 4_096;

/// How long a skipped key is kept: a message that is under way for longer is sealed anew by its sender.
const SKIPPED_LIFE: Span = Span::from_days(30);

/// Retired receiving header keys that are remembered, to know late repetitions as such.
const RETIRED_KEPT: usize = 8;

/// A header: ratchet key, length of the previous chain, number in this chain.
const HEADER_BYTES: usize = 32 + 4 + 4;

/// What a message grows by with encrypted headers.
pub const OVERHEAD_BYTES: usize = NONCE_BYTES + HEADER_BYTES + TAG_BYTES + TAG_BYTES;

/// What opening a message gave: the new state and the plaintext.
pub type Opened = (Ratchet, Zeroizing<Vec<u8>>);

/// Whether headers are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// Sealed, with salted message keys: what Kith uses.
    Sealed,
    /// In the clear, with plain message keys: the basic algorithm, for checks against other implementations.
    Clear,
}

/// One side of a conversation.
#[derive(Clone)]
pub struct Ratchet {
    headers: Headers,
    root: Secret32,
    own: Secret32,
    /// Of `own`, because every header carries it.
    own_public: [u8; 32],
    their: Option<[u8; 32]>,
    sending: Option<Chain>,
    receiving: Option<Chain>,
    next_sending_header: Secret32,
    next_receiving_header: Secret32,
    previous_sent: u32,
    skipped: VecDeque<Skipped>,
    retired: VecDeque<Secret32>,
}

#[derive(Clone)]
struct Chain {
    key: Secret32,
    /// The header key; with clear headers, the other side's ratchet key.
    header: Secret32,
    next: u32,
}

/// Keys of messages that were overtaken by later ones of their chain.
#[derive(Clone)]
struct Skipped {
    header: Secret32,
    since: Timestamp,
    keys: BTreeMap<u32, Secret32>,
}

struct Header {
    key: [u8; 32],
    previous: u32,
    number: u32,
}

/// Why a message was not opened. The state is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RatchetError {
    /// Its key was used before: a repetition or a replay.
    #[error("this message was opened before")]
    Duplicate,
    /// No header key fits: another session, or too old.
    #[error("this message belongs to another session")]
    NotOurs,
    /// It claims that more messages are missing than may be.
    #[error("too many messages before this one are missing")]
    TooFar,
    /// The header fits, the content does not.
    #[error("this message was changed on its way")]
    Damaged,
    /// Nothing can be sent before the first message of the other side came.
    #[error("the other side has to write first")]
    CannotSend,
}

impl Ratchet {
    /// The side that starts, knowing a ratchet key of the other side.
    /// `secrets` are the shared root, our header key and their next header key, from the handshake.
    pub fn start(
        rng: &mut impl CryptoRng,
        headers: Headers,
        secrets: [Secret32; 3],
        their: [u8; 32],
    ) -> Option<Self> {
        let own = primitives::random_secret(rng);
        Self::start_with(headers, secrets, their, own)
    }

    fn start_with(headers: Headers, secrets: [Secret32; 3], their: [u8; 32], own: Secret32) -> Option<Self> {
        let [root, our_header, their_next_header] = secrets;
        let (root, key, next_sending_header) = step_root(&root, &*primitives::agree(&own, &their)?);
        let sending = Some(Chain { key, header: our_header, next: 0 });
        Some(Self {
            headers,
            root,
            own_public: primitives::public(&own),
            own,
            their: Some(their),
            sending,
            receiving: None,
            next_sending_header,
            next_receiving_header: their_next_header,
            previous_sent: 0,
            skipped: VecDeque::new(),
            retired: VecDeque::new(),
        })
    }

    /// The side that is written to first; `own` is the secret of the ratchet key the other side started from.
    pub fn answer(headers: Headers, secrets: [Secret32; 3], own: Secret32) -> Self {
        let [root, their_header, our_next_header] = secrets;
        Self {
            headers,
            root,
            own_public: primitives::public(&own),
            own,
            their: None,
            sending: None,
            receiving: None,
            next_sending_header: our_next_header,
            next_receiving_header: their_header,
            previous_sent: 0,
            skipped: VecDeque::new(),
            retired: VecDeque::new(),
        }
    }

    /// Seals a message; `aad` is authenticated with it.
    ///
    /// # Errors
    /// [`RatchetError::CannotSend`] on the answering side before anything was opened.
    pub fn seal(
        &mut self,
        rng: &mut impl CryptoRng,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, RatchetError> {
        let (own, previous) = (self.own_public, self.previous_sent);
        let chain = self.sending.as_mut().ok_or(RatchetError::CannotSend)?;
        let header = Header { key: own, previous, number: chain.next };
        let message_key = chain.step();
        let mut out = Vec::with_capacity(plain.len() + OVERHEAD_BYTES);
        let salt = match self.headers {
            Headers::Sealed => {
                let mut nonce = [0; NONCE_BYTES];
                rng.fill_bytes(&mut nonce);
                let mut sealed = header.to_bytes().to_vec();
                primitives::seal_in_place(chain.header.as_bytes(), &nonce, aad, &mut sealed);
                out.extend_from_slice(&nonce);
                out.extend_from_slice(&sealed);
                nonce
            }
            Headers::Clear => {
                out.extend_from_slice(&header.to_bytes());
                [0; NONCE_BYTES]
            }
        };
        let (key, nonce) = content_key(&message_key, &salt);
        let content_aad = [aad, &out].concat();
        let mut content = Vec::with_capacity(plain.len() + TAG_BYTES);
        content.extend_from_slice(plain);
        primitives::seal_in_place(&key, &nonce, &content_aad, &mut content);
        out.extend_from_slice(&content);
        Ok(out)
    }

    /// Opens a message on a copy of the state.
    ///
    /// # Errors
    /// When it does not open; the state is as it was.
    pub fn open(
        &self,
        rng: &mut impl CryptoRng,
        now: Timestamp,
        aad: &[u8],
        message: &[u8],
    ) -> Result<Opened, RatchetError> {
        self.open_with(now, aad, message, || primitives::random_secret(rng))
    }

    pub(crate) fn open_with(
        &self,
        now: Timestamp,
        aad: &[u8],
        message: &[u8],
        fresh: impl FnOnce() -> Secret32,
    ) -> Result<Opened, RatchetError> {
        let Parts { salt, head, content } = self.split(message).ok_or(RatchetError::Damaged)?;
        let content_aad = [aad, head].concat();
        let open = |key: &Secret32| {
            let (key, nonce) = content_key(key, &salt);
            primitives::open(&key, &nonce, &content_aad, content).ok_or(RatchetError::Damaged)
        };
        if let Some((at, header)) = self.in_skipped(aad, &salt, head) {
            if let Some(key) = self.skipped.get(at).and_then(|skipped| skipped.keys.get(&header.number)) {
                let plain = open(key)?;
                let mut state = self.clone();
                state.forget_skipped(at, header.number);
                state.forget_old(now);
                return Ok((state, plain));
            }
            let current = self.receiving.as_ref().map(|chain| &chain.header);
            if self.skipped.get(at).map(|skipped| &skipped.header) != current {
                return Err(RatchetError::Duplicate);
            }
        }
        let mut state;
        if let Some(header) = self.in_receiving(aad, &salt, head) {
            let next = self.receiving.as_ref().map_or(0, |chain| chain.next);
            if header.number < next {
                return Err(RatchetError::Duplicate);
            }
            state = self.clone();
            state.skip(now, header.number)?;
        } else if let Some(header) = self.in_next(aad, &salt, head) {
            state = self.clone();
            state.skip(now, header.previous)?;
            state.turn(&header.key, fresh()).ok_or(RatchetError::Damaged)?;
            state.skip(now, header.number)?;
        } else if self.in_retired(aad, &salt, head) {
            return Err(RatchetError::Duplicate);
        } else {
            return Err(RatchetError::NotOurs);
        }
        let key = state.receiving.as_mut().ok_or(RatchetError::Damaged)?.step();
        let plain = open(&key)?;
        state.forget_old(now);
        Ok((state, plain))
    }

    /// Whether anything of the other side was opened.
    pub fn heard(&self) -> bool {
        self.receiving.is_some()
    }

    fn split<'a>(&self, message: &'a [u8]) -> Option<Parts<'a>> {
        match self.headers {
            Headers::Sealed => {
                let (head, content) = message.split_at_checked(NONCE_BYTES + HEADER_BYTES + TAG_BYTES)?;
                Some(Parts { salt: *head.first_chunk()?, head, content })
            }
            Headers::Clear => {
                let (head, content) = message.split_at_checked(HEADER_BYTES)?;
                Some(Parts { salt: [0; NONCE_BYTES], head, content })
            }
        }
    }

    fn read_header(
        &self,
        key: &Secret32,
        aad: &[u8],
        salt: &[u8; NONCE_BYTES],
        head: &[u8],
    ) -> Option<Header> {
        match self.headers {
            Headers::Sealed => {
                Header::read(&primitives::open(key.as_bytes(), salt, aad, head.get(NONCE_BYTES..)?)?)
            }
            Headers::Clear => Header::read(head).filter(|header| header.key == *key.as_bytes()),
        }
    }

    fn in_receiving(&self, aad: &[u8], salt: &[u8; NONCE_BYTES], head: &[u8]) -> Option<Header> {
        self.read_header(&self.receiving.as_ref()?.header, aad, salt, head)
    }

    fn in_next(&self, aad: &[u8], salt: &[u8; NONCE_BYTES], head: &[u8]) -> Option<Header> {
        match self.headers {
            Headers::Sealed => self.read_header(&self.next_receiving_header, aad, salt, head),
            Headers::Clear => Header::read(head).filter(|header| !self.is_retired(&header.key)),
        }
    }

    fn in_skipped(&self, aad: &[u8], salt: &[u8; NONCE_BYTES], head: &[u8]) -> Option<(usize, Header)> {
        self.skipped
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, skipped)| Some((at, self.read_header(&skipped.header, aad, salt, head)?)))
    }

    fn in_retired(&self, aad: &[u8], salt: &[u8; NONCE_BYTES], head: &[u8]) -> bool {
        self.retired.iter().any(|key| self.read_header(key, aad, salt, head).is_some())
    }

    fn is_retired(&self, key: &[u8; 32]) -> bool {
        self.retired.iter().any(|retired| retired.as_bytes() == key)
    }

    /// Steps the receiving chain to `until`, keeping the keys in between.
    fn skip(&mut self, now: Timestamp, until: u32) -> Result<(), RatchetError> {
        let Some(chain) = self.receiving.as_mut() else { return Ok(()) };
        if until <= chain.next {
            return Ok(());
        }
        if until - chain.next > MAX_SKIP {
            return Err(RatchetError::TooFar);
        }
        let mut keys = BTreeMap::new();
        while chain.next < until {
            let number = chain.next;
            keys.insert(number, chain.step());
        }
        let header = chain.header.clone();
        match self.skipped.iter_mut().find(|skipped| skipped.header == header) {
            Some(skipped) => {
                skipped.since = now;
                skipped.keys.append(&mut keys);
            }
            None => self.skipped.push_back(Skipped { header, since: now, keys }),
        }
        while self.skipped.len() > MAX_SKIPPED_CHAINS {
            if let Some(oldest) = self.skipped.pop_front() {
                self.retire(oldest.header);
            }
        }
        while self.skipped.iter().map(|skipped| skipped.keys.len()).sum::<usize>() > MAX_SKIPPED_KEPT {
            if let Some(oldest) = self.skipped.front_mut() {
                oldest.keys.pop_first();
                if oldest.keys.is_empty() {
                    self.skipped.pop_front();
                }
            }
        }
        Ok(())
    }

    /// Forgets the keys that were skipped long ago, with every message that is opened: whoever takes the device later
    /// must not read what never came.
    fn forget_old(&mut self, now: Timestamp) {
        self.skipped.retain(|skipped| now.since(skipped.since) < SKIPPED_LIFE);
    }

    /// About how many bytes the skipped keys take when they are written.
    pub(crate) fn skipped_bytes(&self) -> usize {
        self.skipped.iter().map(|skipped| 64 + 40 * skipped.keys.len()).sum()
    }

    fn forget_skipped(&mut self, at: usize, number: u32) {
        let Some(skipped) = self.skipped.get_mut(at) else { return };
        skipped.keys.remove(&number);
        if skipped.keys.is_empty() {
            let header = skipped.header.clone();
            self.skipped.remove(at);
            if self.receiving.as_ref().is_none_or(|chain| chain.header != header) {
                self.retire(header);
            }
        }
    }

    fn retire(&mut self, header: Secret32) {
        if self.retired.contains(&header) {
            return;
        }
        self.retired.push_back(header);
        if self.retired.len() > RETIRED_KEPT {
            self.retired.pop_front();
        }
    }

    /// A turn of the Diffie-Hellman ratchet: a new receiving chain from their key, a new sending chain from ours.
    fn turn(&mut self, their: &[u8; 32], own: Secret32) -> Option<()> {
        self.previous_sent = self.sending.as_ref().map_or(0, |chain| chain.next);
        let old = self.receiving.take();
        if let Some(chain) = old {
            self.retire(chain.header);
        }
        let receiving_header = match self.headers {
            Headers::Sealed => self.next_receiving_header.clone(),
            Headers::Clear => Secret32::new(*their),
        };
        let (root, key, next) = step_root(&self.root, &*primitives::agree(&self.own, their)?);
        self.receiving = Some(Chain { key, header: receiving_header, next: 0 });
        self.next_receiving_header = next;
        let sending_header = self.next_sending_header.clone();
        let (root, key, next) = step_root(&root, &*primitives::agree(&own, their)?);
        self.sending = Some(Chain { key, header: sending_header, next: 0 });
        self.next_sending_header = next;
        self.root = root;
        self.own_public = primitives::public(&own);
        self.own = own;
        self.their = Some(*their);
        Some(())
    }
}

struct Parts<'a> {
    salt: [u8; NONCE_BYTES],
    head: &'a [u8],
    content: &'a [u8],
}

impl Chain {
    /// The key of the next message, and the chain one step on.
    fn step(&mut self) -> Secret32 {
        let message = Secret32::new(primitives::hmac(self.key.as_bytes(), &[&[1]]));
        self.key = Secret32::new(primitives::hmac(self.key.as_bytes(), &[&[2]]));
        self.next = self.next.saturating_add(1);
        message
    }
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        let numbers = [self.previous.to_le_bytes(), self.number.to_le_bytes()];
        let bytes = self.key.iter().chain(numbers.iter().flatten());
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let header = Self {
            key: reader.array().ok()?,
            previous: u32::decode(&mut reader).ok()?,
            number: u32::decode(&mut reader).ok()?,
        };
        reader.finish().ok()?;
        Some(header)
    }
}

/// `KDF_RK_HE`: the next root, a chain key and the next header key from a Diffie-Hellman output.
fn step_root(root: &Secret32, shared: &[u8; 32]) -> (Secret32, Secret32, Secret32) {
    let block = primitives::hkdf::<96>(root.as_bytes(), shared, b"kith ratchet root v1");
    let cut = |index| Secret32::new(primitives::part(block.as_slice(), index));
    (cut(0), cut(1), cut(2))
}

/// The key and nonce of one content. The salt is the header's random nonce: a device that was set back to an old state
/// and uses a message key again still uses another content key.
fn content_key(message: &Secret32, salt: &[u8; NONCE_BYTES]) -> (Zeroizing<[u8; 32]>, [u8; NONCE_BYTES]) {
    let block = primitives::hkdf::<44>(salt, message.as_bytes(), b"kith message v1");
    let mut key = Zeroizing::new([0; 32]);
    let mut nonce = [0; NONCE_BYTES];
    key.iter_mut().chain(nonce.iter_mut()).zip(block.iter()).for_each(|(to, from)| *to = *from);
    (key, nonce)
}

impl Encode for Chain {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.header.encode(out);
        self.next.encode(out);
    }
}

impl Decode for Chain {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            key: Decode::decode(reader)?,
            header: Decode::decode(reader)?,
            next: Decode::decode(reader)?,
        })
    }
}

impl Encode for Skipped {
    fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
        self.since.encode(out);
        put_varint(out, self.keys.len() as u64);
        for (number, key) in &self.keys {
            number.encode(out);
            key.encode(out);
        }
    }
}

impl Decode for Skipped {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (header, since) = Decode::decode(reader)?;
        let mut keys = BTreeMap::new();
        for _ in 0..reader.length("skipped keys", MAX_SKIPPED_KEPT)? {
            let (number, key) = Decode::decode(reader)?;
            keys.insert(number, key);
        }
        Ok(Self { header, since, keys })
    }
}

impl Encode for Ratchet {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.headers == Headers::Clear).encode(out);
        self.root.encode(out);
        self.own.encode(out);
        self.own_public.encode(out);
        self.their.encode(out);
        self.sending.encode(out);
        self.receiving.encode(out);
        self.next_sending_header.encode(out);
        self.next_receiving_header.encode(out);
        self.previous_sent.encode(out);
        put_varint(out, self.skipped.len() as u64);
        self.skipped.iter().for_each(|skipped| skipped.encode(out));
        put_varint(out, self.retired.len() as u64);
        self.retired.iter().for_each(|key| key.encode(out));
    }
}

impl Decode for Ratchet {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let headers = if bool::decode(reader)? { Headers::Clear } else { Headers::Sealed };
        let mut ratchet = Self {
            headers,
            root: Decode::decode(reader)?,
            own: Decode::decode(reader)?,
            own_public: reader.array()?,
            their: Decode::decode(reader)?,
            sending: Decode::decode(reader)?,
            receiving: Decode::decode(reader)?,
            next_sending_header: Decode::decode(reader)?,
            next_receiving_header: Decode::decode(reader)?,
            previous_sent: Decode::decode(reader)?,
            skipped: VecDeque::new(),
            retired: VecDeque::new(),
        };
        for _ in 0..reader.length("skipped chains", MAX_SKIPPED_KEPT)? {
            ratchet.skipped.push_back(Decode::decode(reader)?);
        }
        for _ in 0..reader.length("retired header keys", RETIRED_KEPT)? {
            ratchet.retired.push_back(Decode::decode(reader)?);
        }
        Ok(ratchet)
    }
}
