//! Private groups: a log of signed operations that every member holds, and what follows from it.
//!
//! ```text
//!  Operation ──▶ Log::insert ── form, signature, device, parents ──▶ kept, waiting or refused
//!                     │
//!                     └▶ decide: what stands ──▶ Roster: members, roles, devices, rules
//! ```
//!
//! Whoever holds the same operations computes the same [`Roster`], in whatever order they came. Pure: no clock (an expiry is
//! judged by whoever lets somebody in) and no randomness.
//!
//! | what | module |
//! |---|---|
//! | what is kept in memory, and from rows | `state`, `loading` |
//! | words that come | `taking`, then `membership`, `receiving`, `meetings`, `receipts`, `joining` |
//! | what is written | `commands`, then `membership` (operations), `sending` (posts), `joining` (links) |
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
pub(crate) mod commands;
pub(crate) mod fellows;
mod floors;
pub(crate) mod forming;
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
mod node;
pub(crate) mod receipts;
mod receiving;
pub mod reconcile;
mod reports;
pub(crate) mod requests;
mod resolve;
mod roster;
mod sending;
pub(crate) mod state;
pub(crate) mod taking;
pub(crate) mod view;
pub(crate) mod whereabouts;
mod words;

#[cfg(test)]
mod tests;

pub use authority::Denial;
pub use authority::MAX_MEMBERS;
pub use authority::Standing;
pub use log::Inserted;
pub use log::Log;
pub use log::MAX_OPERATIONS;
pub use log::MAX_WAITING;
pub use log::Refused;
pub use resolve::Void;
pub use roster::Member;
pub use roster::OpenLink;
pub use roster::Permission;
pub use roster::Roster;
