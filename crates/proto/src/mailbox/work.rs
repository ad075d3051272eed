//! The work that a mailbox asks of strangers: a hash with leading zero bits, over what the work pays for.

use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::id::EnvelopeId;
use crate::id::QueueId;

/// The most leading zero bits a mailbox may ask for: 2^28 hashes are half a minute on one core, and whoever asks for
/// more does not want the deposit.
pub const MAX_WORK_BITS: u8 = 28;

/// Leading zero bits that are asked for, at most [`MAX_WORK_BITS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkBits(u8);

impl WorkBits {
    /// The bits, or the most that may be asked for.
    pub fn capped(bits: u8) -> Self {
        Self(bits.min(MAX_WORK_BITS))
    }

    /// The number of bits.
    pub fn bits(self) -> u8 {
        self.0
    }
}

impl Encode for WorkBits {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for WorkBits {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let limit = u64::from(MAX_WORK_BITS);
        let bits = u8::decode(reader)?;
        if bits > MAX_WORK_BITS { Err(DecodeError::TooLarge { what: "work", limit }) } else { Ok(Self(bits)) }
    }
}

/// Work that was done for a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkProof {
    /// The challenge as the mailbox gave it.
    pub challenge: [u8; 32],
    /// The number that was found.
    pub solution: u64,
}

impl WorkProof {
    /// How many leading zero bits this reaches for `subject`, the bytes of what it pays for.
    pub fn bits(&self, subject: &[u8]) -> u8 {
        self.bits_after(&begin(&self.challenge), subject)
    }

    /// How much work this counts as for `subject`: what its challenge asked for, which is the first byte of it, and no more than
    /// was done. So luck is no work, and nobody who knows the subject has to believe the mailbox.
    pub fn credit(&self, subject: &[u8]) -> u8 {
        let [asked, ..] = self.challenge;
        asked.min(self.bits(subject)).min(MAX_WORK_BITS)
    }

    /// Looks for work of at least `wanted` bits among `tries` numbers from `from` on, so that the caller can search in
    /// slices and stop between them. `None` when there is none among them: go on at `from + tries`.
    pub fn search(
        challenge: &[u8; 32],
        wanted: WorkBits,
        subject: &[u8],
        from: u64,
        tries: u64,
    ) -> Option<Self> {
        let begun = begin(challenge);
        (0..tries)
            .map(|step| Self { challenge: *challenge, solution: from.wrapping_add(step) })
            .find(|proof| proof.bits_after(&begun, subject) >= wanted.bits())
    }

    fn bits_after(&self, begun: &blake3::Hasher, subject: &[u8]) -> u8 {
        let mut hasher = begun.clone();
        hasher.update(&self.solution.to_le_bytes());
        hasher.update(subject);
        let mut head = [0; 8];
        hasher.finalize_xof().fill(&mut head);
        u8::try_from(u64::from_be_bytes(head).leading_zeros()).unwrap_or(u8::MAX)
    }
}

impl Encode for WorkProof {
    fn encode(&self, out: &mut Vec<u8>) {
        self.challenge.encode(out);
        self.solution.encode(out);
    }
}

impl Decode for WorkProof {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { challenge: reader.array()?, solution: Decode::decode(reader)? })
    }
}

/// What work for a deposit is done over.
pub fn deposit_subject(queue: &QueueId, envelope: &EnvelopeId) -> [u8; 32] {
    let mut subject = [0; 32];
    for (to, from) in subject.iter_mut().zip(queue.0.iter().chain(&envelope.0)) {
        *to = *from;
    }
    subject
}

/// The part of the hash that is the same for every number.
fn begin(challenge: &[u8; 32]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 mailbox work v1");
    hasher.update(challenge);
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_leading_zero_bits_and_belongs_to_its_subject() {
        let mut proof = WorkProof { challenge: [5; 32], solution: 0 };
        while proof.bits(b"a deposit") < 8 {
            proof.solution += 1;
        }
        assert!(proof.bits(b"a deposit") >= 8);
        assert!(proof.bits(b"another deposit") < 8, "work done for one deposit does not pay for another");
    }

    #[test]
    fn work_is_credited_as_asked_for_and_luck_is_none() {
        let mut proof = WorkProof { challenge: [4; 32], solution: 0 };
        while proof.bits(b"a deposit") < 6 {
            proof.solution += 1;
        }
        assert_eq!(proof.credit(b"a deposit"), 4, "two bits of luck");
        proof.challenge[0] = 200;
        assert_eq!(
            proof.credit(b"a deposit"),
            proof.bits(b"a deposit").min(MAX_WORK_BITS),
            "nor a large word"
        );
    }

    #[test]
    fn a_search_in_slices_finds_what_one_search_finds() {
        let (challenge, wanted) = ([6; 32], WorkBits::capped(10));
        let whole = WorkProof::search(&challenge, wanted, b"a deposit", 3, 1 << 20).unwrap();
        let slices = (0..).map(|slice| 3 + slice * 100);
        let mut found =
            slices.filter_map(|from| WorkProof::search(&challenge, wanted, b"a deposit", from, 100));
        assert_eq!(found.next(), Some(whole));
        assert!(whole.bits(b"a deposit") >= 10);
        assert_eq!(WorkProof::search(&challenge, wanted, b"a deposit", 3, whole.solution - 3), None);
    }

    #[test]
    fn nobody_can_ask_for_more_work_than_the_limit() {
        let refused = DecodeError::TooLarge { what: "work", limit: u64::from(MAX_WORK_BITS) };
        assert_eq!(WorkBits::from_bytes(&[MAX_WORK_BITS + 1]), Err(refused));
        assert_eq!(WorkBits::from_bytes(&[MAX_WORK_BITS]), Ok(WorkBits::capped(99)));
    }
}
