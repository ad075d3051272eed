//! What the engine counted. Plain numbers, returned by value; the node exports them.

use serde::Deserialize;
use serde::Serialize;

/// Counters since the engine was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Envelopes sealed.
    pub sealed: u64,
    /// Envelopes opened.
    pub opened: u64,
    /// Envelopes whose key was already used: repeated by the network or replayed.
    pub duplicate_envelopes: u64,
    /// Payloads that had been taken before.
    pub duplicate_payloads: u64,
    /// Messages that were in their chat already.
    pub duplicate_messages: u64,
    /// Envelopes that no session here could open.
    pub unopenable: u64,
    /// Payloads that were not well formed or broke the rules.
    pub bad_payloads: u64,
    /// Proofs and signatures that did not hold.
    pub bad_proofs: u64,
    /// Payloads held because something before them is missing.
    pub held: u64,
    /// Messages of people whose request was not decided yet; they come again.
    pub undecided: u64,
    /// Requests that were genuine and were not let in: for want of room, or because the owner does not want them.
    pub not_let_in: u64,
    /// Strangers' requests that gave way to those of others who did more work.
    pub gave_way: u64,
    /// Frames from devices that are no contacts.
    pub stranger_frames: u64,
    /// Frames that were not answered because there were too many.
    pub floods: u64,
    /// Sessions started, by either side.
    pub sessions: u64,
    /// Sessions started because the former one could not be read any more.
    pub repairs: u64,
    /// Messages that were put on a stream again.
    pub resent: u64,
    /// Records from the DHT that could not be opened.
    pub bad_records: u64,
    /// Device lists with the same version and another content: somebody lies.
    pub equivocations: u64,
    /// Envelopes that mailboxes have promised to keep.
    pub deposited: u64,
    /// Envelopes fetched from own mailboxes.
    pub fetched: u64,
    /// Requests that a mailbox did not carry out.
    pub mailbox_refusals: u64,
    /// Queues that mailboxes did not open though they took the registration.
    pub queues_missing: u64,
    /// Answers of mailboxes that nothing was asked for, or whose promise does not hold.
    pub bad_mailbox_answers: u64,
    /// Streams to mailboxes that were closed because nothing was answered.
    pub mute_mailboxes: u64,
    /// Operations of groups that no log takes.
    pub bad_operations: u64,
    /// Posts that are not what they say, or by nobody whom the log names.
    pub bad_posts: u64,
    /// Posts of people who had been removed.
    pub dropped_posts: u64,
    /// Posts of large groups that were sent into a topic.
    pub gossip_sent: u64,
    /// Posts that came through a topic.
    pub gossip_came: u64,
    /// Of these, those that waited for a chain.
    pub gossip_waited: u64,
    /// Chains told by others that are not what they say.
    pub bad_chains: u64,
    /// Words about groups by somebody who may not say them.
    pub foreign_words: u64,
    /// Meetings that ended because the other side broke their rules.
    pub bad_meetings: u64,
    /// Times that others knew more of what this device wrote than it did.
    pub set_back: u64,
    /// Words about calls that nobody here can use: of people who may not call, about calls of others, in the wrong place.
    pub bad_call_words: u64,
    /// Calls and words about them that were too many.
    pub call_floods: u64,
    /// Messages waiting in the outbox now.
    pub waiting: u64,
}
