//! How much work a stranger has to do, and whether it was done. A challenge says its own difficulty and hour and is
//! authenticated by a key of the mailbox, so nothing has to be remembered about whoever asks.
//!
//! ```text
//!  challenge = bits u8 | hour u32 | MAC 27 over (bits, hour, what it is for)
//! ```

use kith_proto::id::EnvelopeId;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAX_WORK_BITS;
use kith_proto::mailbox::WorkBits;
use kith_proto::mailbox::WorkProof;
use kith_proto::mailbox::deposit_subject;

use crate::core::Core;
use crate::core::hour_of;
use crate::rows::InboxKey;

/// A challenge of this hour or the one before is valid: the slowest machine is done in minutes.
const CHALLENGE_HOURS: u32 = 1;

/// Work that is so many bits easier than what is asked for now still counts: others may have knocked while it was done.
const SLACK_BITS: u8 = 2;

/// What work is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    /// Leaving an envelope where strangers knock.
    Knock(&'a QueueId, &'a EnvelopeId),
    /// Opening an inbox.
    Opening(&'a InboxKey),
}

/// How many strangers knocked in this hour and the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Knocks {
    hour: u32,
    this: u32,
    last: u32,
}

impl Knocks {
    /// Counts one that was let in.
    pub(crate) fn count(&mut self, hour: u32) {
        self.turn(hour);
        self.this = self.this.saturating_add(1);
    }

    fn recent(mut self, hour: u32) -> u32 {
        self.turn(hour);
        self.this.max(self.last)
    }

    fn turn(&mut self, hour: u32) {
        if hour > self.hour {
            self.last = if hour == self.hour + 1 { self.this } else { 0 };
            (self.hour, self.this) = (hour, 0);
        }
    }
}

/// The bits for knocking at a queue that holds `envelopes`: more the fuller it is and the more knock anywhere.
pub(crate) fn knock_bits(core: &Core, envelopes: u32) -> WorkBits {
    let config = &core.config;
    let rise = u32::from(config.knock_rise_bits) * envelopes / config.knock_envelopes.max(1);
    let recent = core.knocks.recent(hour_of(core.now));
    let crowd = (recent / config.knocks_calm.max(1)).checked_ilog2().map_or(0, |log| log + 1);
    capped(u32::from(config.knock_bits) + rise + crowd)
}

/// The bits for opening an inbox, if work opens any: one more for each tenth of the load above half.
pub(crate) fn opening_bits(core: &Core) -> Option<WorkBits> {
    let load = u32::from(core.load_percent().saturating_sub(50)) / 10;
    core.config.opening_bits.map(|bits| capped(u32::from(bits) + load))
}

/// Asks for work.
pub(crate) fn wanted(core: &Core, purpose: Purpose<'_>, bits: WorkBits) -> Answer {
    Answer::WorkWanted { challenge: challenge(core, purpose, hour_of(core.now), bits.bits()), bits }
}

/// Whether the work was done for this mailbox, this purpose, lately, and is enough by what is asked for now.
pub(crate) fn is_done(core: &Core, purpose: Purpose<'_>, proof: &WorkProof, bits: WorkBits) -> bool {
    let [asked, hour @ ..] = proof.challenge;
    let Some(hour) = hour.first_chunk::<4>().map(|hour| u32::from_le_bytes(*hour)) else { return false };
    let now = hour_of(core.now);
    let recent = hour <= now && now - hour <= CHALLENGE_HOURS;
    let enough = asked.saturating_add(SLACK_BITS) >= bits.bits();
    // The hash of the challenge last: it is not secret, so comparing it needs no care for time.
    recent
        && enough
        && challenge(core, purpose, hour, asked) == proof.challenge
        && match purpose {
            Purpose::Knock(queue, envelope) => proof.bits(&deposit_subject(queue, envelope)) >= asked,
            Purpose::Opening(inbox) => proof.bits(inbox) >= asked,
        }
}

fn challenge(core: &Core, purpose: Purpose<'_>, hour: u32, bits: u8) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(&core.keys.challenge);
    let mut challenge = [0; 32];
    let (head, mac) = challenge.split_at_mut(5);
    head.iter_mut().zip(std::iter::once(bits).chain(hour.to_le_bytes())).for_each(|(to, from)| *to = from);
    hasher.update(head);
    match purpose {
        // Not the envelope: a stranger may ask before it is sealed, and the work itself is done over it.
        Purpose::Knock(queue, _) => hasher.update(b"knock").update(&queue.0),
        Purpose::Opening(inbox) => hasher.update(b"opening").update(inbox),
    };
    hasher.finalize_xof().fill(mac);
    challenge
}

fn capped(bits: u32) -> WorkBits {
    WorkBits::capped(u8::try_from(bits).unwrap_or(MAX_WORK_BITS))
}
