//! Private groups: a log of signed operations that every member holds, and what follows from it.
//!
//! ```text
//!  Operation ──▶ Log::insert ── form, signature, device, parents ──▶ kept, waiting, turned away or refused
//!                     │
//!                     └▶ decide: what stands ──▶ Roster: members, roles, devices, rules
//! ```
//!
//! Whoever holds the same operations computes the same [`Roster`], in whatever order they came. Pure: no clock (an expiry is
//! judged by whoever lets somebody in) and no randomness.
//!
//! | what | module |
//! |---|---|
//! | the log | `log`, `node`, `waiting`; the rules `authority`, `resolve`; who may fill how much `shares` |
//! | what is kept in memory, and from rows | `state`, `loading` |
//! | words that come | `taking`, then `membership`, `receiving`, `meetings`, `receipts`, `joining` |
//! | what is written | `commands`, then `membership` (operations), `sending` (posts), `joining` (links) |
//! | large groups: topics and neighbours, posts, chains from member to member | `mesh` and `ring`, `gossip`, `passing` |
//! | coming by a link | `asking`, those who answer `joining`, what waits for a decision `requests`, how they are found `hosts` |
//! | logs that are being told | `forming` |
//! | who is told, and who is forgotten | `fellows`, `floors` |
//! | how members find each other | `whereabouts` |
//! | directories of rooms, reports | `listings`, `reports` |
//! | what is shown | `lines`, `view` |
//!
//! The rules in words: `SPEC.md` of `kith-proto`, section 11.

pub(crate) mod asking;
mod authority;
mod bits;
mod calling;
pub(crate) mod commands;
pub(crate) mod deletions;
pub(crate) mod fellows;
pub(crate) mod filing;
mod floors;
pub(crate) mod forming;
pub(crate) mod gossip;
pub mod history;
pub(crate) mod hosts;
pub(crate) mod joining;
pub(crate) mod lines;
mod listings;
mod lists;
pub(crate) mod loading;
mod log;
mod meetings;
mod membership;
pub(crate) mod mesh;
mod node;
mod passing;
pub(crate) mod receipts;
mod receiving;
pub mod reconcile;
pub(crate) mod reports;
pub(crate) mod requests;
mod resolve;
mod ring;
mod roster;
mod sending;
mod shares;
pub(crate) mod state;
pub(crate) mod taking;
mod turns;
pub(crate) mod view;
mod waiting;
pub(crate) mod whereabouts;
mod words;

#[cfg(test)]
mod tests;

pub use authority::Denial;
pub use authority::MAX_LINKS;
pub use authority::MAX_MEMBERS;
pub use authority::Standing;
pub use log::Inserted;
pub use log::Log;
pub use log::Refused;
pub use resolve::Void;
pub use roster::Member;
pub use roster::OpenLink;
pub use roster::Permission;
pub use roster::Roster;
pub use shares::MAX_OPERATIONS;
pub use waiting::MAX_WAITING;
