//! What the deadlines are for.

use kith_proto::id::DeviceId;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// Receipts are owed; always due at once, after all inputs of the batch.
    Receipts,
    /// Devices may be dialled.
    Dial,
    /// A device has not confirmed what it was sent.
    Probe(DeviceId),
    /// A broken stream is opened again.
    Greet(DeviceId),
    /// Own addresses are published.
    Publish,
    /// A disappearing message is due.
    Expiry,
    /// Own prekeys are looked at.
    Prekeys,
    /// Mailboxes are looked after: streams that should be open, pauses that are over.
    Mail,
    /// A mailbox wants work.
    Work,
    /// The cards of those whom we want to ask are looked for.
    Knock,
    /// What was asked for at one mailbox and has not come may be fetched from another.
    Fetch,
    /// A mailbox should have answered by now.
    Mute,
    /// More contacts are to find our mailboxes in the DHT.
    Lists,
    /// Members hear of what is new in groups, and those are forgotten who are owed nothing any more.
    Groups,
    /// Topics and neighbours of large groups are looked after.
    Mesh,
    /// What others may have written into the logs of groups by now is looked at again.
    Filing,
    /// A call goes on: something is said again, or has waited for too long.
    Calls,
    /// Requests to come into groups go on.
    Asking,
    /// The DHT is told who answers those who hold links into groups.
    Hosts,
    /// A member's device is tried once more where another member said that it is.
    Hearsay(DeviceId),
    /// Receipts go by mailbox.
    Notes,
    /// What waits for a device goes to its mailboxes.
    Leave(DeviceId),
}

/// The deadlines.
pub(crate) type Timers = kith_proto::timers::Timers<TimerKey>;
