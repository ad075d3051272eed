//! A digest of a set of posts that can be kept up to date one post at a time: LtHash (Bellare and Micciancio, 1997; Lewi,
//! Kim, Maykov and Weis, 2019) with 1,024 lanes of 16 bits. Sums of short hashes would be cheaper, but who can make
//! posts could make two sets with one sum (Wagner, 2002).

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::id::PostId;

const LANES: usize = 1_024;
const LANE_CONTEXT: &str = "kith 2026-11-21 history sum v1";
const DIGEST_CONTEXT: &str = "kith 2026-11-21 history digest v1";

/// The sum of all posts in a set, whatever their order.
#[derive(Clone, PartialEq)]
pub(crate) struct Sum(Box<[u16; LANES]>);

impl Default for Sum {
    fn default() -> Self {
        Self(Box::new([0; LANES]))
    }
}

impl std::fmt::Debug for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sum")
    }
}

impl Sum {
    /// Adds a post that is not in the set.
    pub(crate) fn add(&mut self, id: &PostId) {
        self.each(id, u16::wrapping_add);
    }

    /// Takes a post out that is in the set.
    pub(crate) fn subtract(&mut self, id: &PostId) {
        self.each(id, u16::wrapping_sub);
    }

    /// A name for the set.
    pub(crate) fn digest(&self, posts: u64) -> [u8; 16] {
        let mut bytes = posts.to_le_bytes().to_vec();
        self.encode(&mut bytes);
        let mut digest = [0; 16];
        digest.iter_mut().zip(blake3::derive_key(DIGEST_CONTEXT, &bytes)).for_each(|(to, from)| *to = from);
        digest
    }

    fn each(&mut self, id: &PostId, change: fn(u16, u16) -> u16) {
        let mut bytes = [0; 2 * LANES];
        blake3::Hasher::new_derive_key(LANE_CONTEXT).update(&id.0).finalize_xof().fill(&mut bytes);
        for (lane, pair) in self.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *lane = change(*lane, u16::from_le_bytes(*pair));
        }
    }
}

impl Encode for Sum {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|lane| lane.encode(out));
    }
}

impl Decode for Sum {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut sum = Self::default();
        for lane in sum.0.iter_mut() {
            *lane = u16::decode(reader)?;
        }
        Ok(sum)
    }
}
