//! Everything that can be done to a world, as plain data.

use serde::Deserialize;
use serde::Serialize;

use crate::groups::Deed;
use crate::hostile::Conduct;

/// A person, by number.
pub type Who = usize;

/// A group, by number.
pub type Which = usize;

/// Where in a step a person's computer stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The writes are lost, and with them everything the step did.
    BeforeCommit,
    /// The writes are on disk; nothing was sent.
    BeforeEffects,
    /// The writes are on disk and effects have run; nothing was shown.
    BeforeEvents,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// One invites, the other uses the link; the inviter accepts as soon as they see the request.
    Befriend(Who, Who),
    /// One makes a link for another, who keeps it for later.
    Invite(Who, Who),
    /// The other uses the link that was kept; its maker accepts as soon as they see the request.
    UseInvite(Who, Who),
    /// The first asks the second, of whom nothing but the address is known; who is asked accepts.
    Knock(Who, Who),
    /// Somebody allows strangers to knock, or does not.
    AllowKnocks(Who, bool),
    /// Somebody writes to a friend.
    Send(Who, Who),
    /// Somebody reads everything from a friend.
    Read(Who, Who),
    /// Somebody calls a friend, perhaps to be seen.
    Call(Who, Who, bool),
    /// Somebody answers what rings.
    Answer(Who),
    /// Somebody hangs up, declines or cancels.
    HangUp(Who),
    /// Somebody does something in a group.
    InGroup(Who, Which, Deed),
    /// A computer is switched off properly.
    Stop(Who),
    /// A computer is switched on.
    Start(Who),
    /// A computer stops in its next step and is started again after some milliseconds.
    Crash(Who, Phase, u64),
    /// The network puts people with odd numbers apart from those with even ones.
    Split,
    /// The network falls into so many parts, each of people whose numbers leave the same remainder.
    SplitInto(usize),
    /// The network is one again.
    Heal,
    /// A direct stream breaks; frames under way are lost.
    CutStream(Who, Who),
    /// A connection breaks; frames under way are lost.
    CutConnection(Who, Who),
    /// Somebody copies their disk.
    Backup(Who),
    /// Somebody puts the copy back.
    RestoreBackup(Who),
    /// Somebody is at another address from now on.
    Move(Who),
    /// A community node is switched off at once.
    StopMailbox(usize),
    /// A community node is switched on.
    StartMailbox(usize),
    /// A community node loses the next thing it does before it is on disk, and stops.
    CrashMailbox(usize),
    /// A community node behaves like this from now on.
    MaskMailbox(usize, Conduct),
    /// A community node has no room for anything new from now on.
    FillMailbox(usize),
    /// A community node is gone for good, with all that it held.
    LoseMailbox(usize),
    /// Time passes, in milliseconds.
    Elapse(u64),
}
