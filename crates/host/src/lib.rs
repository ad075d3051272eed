//! Runs the mailbox service of a node: on a thread and a store of its own, beside whatever else the node does. A community
//! node and a person's device run the same code; who may have an inbox there is said by the [`Door`].
//!
//! ```text
//!  network ──events──▶ Feed ──▶ bounded channel ──▶ one thread: door, Mailbox, Store ──commands──▶ network
//!                                             │
//!                                   commit, then answer: nothing is promised that is not on disk
//! ```
//!
//! Not here: the rules of mailboxes (`kith-mailbox`), sockets (`kith-net`), settings and when to serve (the programs).
//! Decisions are in `DESIGN.md` beside this crate.

pub mod error;

mod clock;
mod door;
mod farewell;
mod feed;
mod host;
mod room;
mod thread;

pub use door::Door;
pub use error::HostError;
pub use feed::Feed;
pub use host::Host;
pub use host::Numbers;
pub use host::Report;
pub use host::Setup;
pub use room::Disk;
