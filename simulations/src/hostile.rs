//! Mailboxes that do not do what they promise. The real service runs behind each; what it answers is changed on the way.
//!
//! Everything here is something that a hostile node can do with what it has: it signs receipts with its own key, but it
//! cannot make envelopes.

use std::collections::BTreeMap;

use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::envelope::Envelope;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Sequence;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use serde::Deserialize;
use serde::Serialize;

/// How much later a slow mailbox answers: longer than anybody waits for a screen, shorter than a stream may be silent.
const LATE: Span = Span::from_minutes(3);

/// How long a mailbox keeps what it wants to forget early.
const SHORT: Span = Span::from_minutes(1);

/// Envelopes that one which replays holds on to.
const KEPT: usize = 256;

/// The bits below the milliseconds in a sequence (`crates/mailbox/SPEC.md`, 1).
const SEQUENCE_BITS: u32 = 16;

/// How a mailbox behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conduct {
    /// As the specification says.
    #[default]
    Honest,
    /// Signs receipts and drops every second envelope.
    Drops,
    /// Answers minutes late.
    Late,
    /// Lists and hands over everything twice, and what was deleted again.
    Replays,
    /// Flips a bit in every envelope and in every second receipt.
    Garbles,
    /// Promises two weeks and forgets after a minute.
    Forgets,
    /// Takes everything and lists nothing.
    Hides,
    /// Says nothing at all.
    Mute,
}

/// What a mailbox behaves like, and what it has noted for it.
#[derive(Debug, Default)]
pub(crate) struct Mask {
    conduct: Conduct,
    entries: BTreeMap<u64, Vec<IndexEntry>>,
    envelopes: BTreeMap<Sequence, Envelope>,
    receipts: u64,
}

impl Mask {
    /// Behaves like this from now on.
    pub(crate) fn wear(&mut self, conduct: Conduct) {
        *self = Self { conduct, ..Self::default() };
    }

    /// How long every answer is held back.
    pub(crate) fn held_back(&self) -> Span {
        if self.conduct == Conduct::Late { LATE } else { Span(0) }
    }

    /// What is said in the place of an answer. `who` reads on that stream.
    pub(crate) fn twist(
        &mut self,
        now: Timestamp,
        who: u64,
        answer: Numbered<Answer>,
    ) -> Vec<Numbered<Answer>> {
        match self.conduct {
            Conduct::Honest | Conduct::Late => vec![answer],
            Conduct::Mute => Vec::new(),
            Conduct::Hides => vec![only(answer, |_| false)],
            // By its name, so that it is the same half each time.
            Conduct::Drops => {
                vec![only(answer, |entry| entry.envelope.0.first().is_some_and(|byte| byte % 2 == 0))]
            }
            Conduct::Forgets => vec![forget(now, answer)],
            Conduct::Garbles => vec![self.garble(answer)],
            Conduct::Replays => self.replay(who, answer),
        }
    }

    fn garble(&mut self, answer: Numbered<Answer>) -> Numbered<Answer> {
        let number = answer.number;
        let word = match answer.word {
            Answer::Envelope { sequence, envelope, work } => {
                let mut bytes = envelope.to_bytes();
                if let Some(byte) = bytes.last_mut() {
                    *byte ^= 1;
                }
                Answer::Envelope {
                    sequence,
                    envelope: Envelope::from_bytes(&bytes).unwrap_or(envelope),
                    work,
                }
            }
            Answer::Stored { envelope, expires, mut signature } => {
                self.receipts += 1;
                if self.receipts.is_multiple_of(2) {
                    signature[0] ^= 1;
                }
                Answer::Stored { envelope, expires, signature }
            }
            word => word,
        };
        Numbered { number, word }
    }

    fn replay(&mut self, who: u64, answer: Numbered<Answer>) -> Vec<Numbered<Answer>> {
        let number = answer.number;
        match &answer.word {
            Answer::Index { entries } => {
                let known = self.entries.entry(who).or_default();
                known.extend(entries.iter().cloned());
                known.truncate(KEPT);
                let again = Answer::Index { entries: BoundedVec::truncated(known.clone()) };
                vec![answer.clone(), Numbered { number, word: again }]
            }
            Answer::CaughtUp {} => {
                let known = self.entries.get(&who).cloned().unwrap_or_default();
                let again = Answer::Index { entries: BoundedVec::truncated(known) };
                vec![Numbered { number, word: again }, answer.clone(), answer]
            }
            Answer::Envelope { sequence, envelope, .. } => {
                if self.envelopes.len() < KEPT {
                    self.envelopes.insert(*sequence, envelope.clone());
                }
                vec![answer.clone(), answer]
            }
            Answer::Gone { sequence } => match self.envelopes.get(sequence).cloned() {
                Some(envelope) => {
                    vec![Numbered {
                        number,
                        word: Answer::Envelope { sequence: *sequence, envelope, work: None },
                    }]
                }
                None => vec![answer],
            },
            _ => vec![answer],
        }
    }
}

fn forget(now: Timestamp, answer: Numbered<Answer>) -> Numbered<Answer> {
    let old = |sequence: Sequence| now.since(Timestamp(sequence >> SEQUENCE_BITS)) >= SHORT;
    match answer.word {
        Answer::Envelope { sequence, .. } if old(sequence) => {
            Numbered { number: answer.number, word: Answer::Gone { sequence } }
        }
        word => only(Numbered { number: answer.number, word }, |entry| !old(entry.sequence)),
    }
}

/// An index with some of its entries only; any other answer as it is.
fn only(answer: Numbered<Answer>, wanted: impl Fn(&IndexEntry) -> bool) -> Numbered<Answer> {
    let Answer::Index { entries } = answer.word else { return answer };
    let kept = entries.into_inner().into_iter().filter(wanted).collect();
    Numbered { number: answer.number, word: Answer::Index { entries: BoundedVec::truncated(kept) } }
}
