//! What the mailbox counted and what it holds. Plain numbers, returned by value; the node exports them.

use serde::Deserialize;
use serde::Serialize;

/// Counters since the mailbox was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Streams taken.
    pub streams: u64,
    /// Streams closed by the mailbox.
    pub closed: u64,
    /// Of these and of those that came, streams for which there was no room.
    pub too_many: u64,
    /// Requests read.
    pub requests: u64,
    /// Frames that were no requests.
    pub malformed: u64,
    /// Requests refused because they broke the rules.
    pub refused: u64,
    /// Signatures checked.
    #[serde(default)]
    pub checks: u64,
    /// Signatures that did not hold or were missing.
    pub bad_signatures: u64,
    /// Work that was missing, too little or out of date.
    pub bad_work: u64,
    /// Requests answered with “later” because the asker asks too fast.
    pub too_fast: u64,
    /// Deposits and registrations answered with “later” because a queue or an inbox is full.
    pub over_quota: u64,
    /// Deposits and registrations refused because the whole mailbox is full.
    pub full: u64,
    /// Deposits into queues that are not there.
    pub no_queue: u64,
    /// Inboxes opened.
    pub inboxes_opened: u64,
    /// Inboxes whose lease ended.
    pub inboxes_ended: u64,
    /// Registrations taken, of new and of known inboxes.
    pub registrations: u64,
    /// Envelopes taken.
    pub deposits: u64,
    /// Deposits of envelopes that were there already, or had been.
    pub repeated_deposits: u64,
    /// Subscriptions taken.
    pub subscriptions: u64,
    /// Entries of indexes handed over.
    pub listed: u64,
    /// Envelopes handed over.
    pub fetched: u64,
    /// Envelopes asked for that were not there.
    pub gone: u64,
    /// Envelopes that all readers deleted.
    pub deleted: u64,
    /// Envelopes nobody deleted in time.
    pub expired: u64,
    /// Envelopes of strangers that gave way to those of others who did more work.
    pub gave_way: u64,
}

/// What the mailbox holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Open inboxes.
    pub inboxes: u32,
    /// Queues of all inboxes.
    pub queues: u32,
    /// Envelopes.
    pub envelopes: u64,
    /// Deleted envelopes whose names are still known.
    pub memories: u64,
    /// Bytes charged for all of it.
    pub bytes: u64,
    /// Bytes that may be charged.
    pub capacity: u64,
    /// One in relation to the other, in percent.
    pub load_percent: u8,
    /// Open streams.
    pub streams: u32,
    /// Streams that wait for envelopes.
    pub subscriptions: u32,
}
