//! Private groups: a log of signed operations that every member holds, and what follows from it.
//!
//! ```text
//!  Operation ──▶ Log::insert ── form, signature, device, parents ──▶ kept, waiting or refused
//!                     │
//!                     └▶ decide: what stands ──▶ Roster: members, roles, devices, rules
//! ```
//!
//! Whoever holds the same operations computes the same [`Roster`], in whatever order they came. Pure: no clock (an expiry is
//! judged by whoever lets somebody in) and no randomness. Not here: who carries operations to whom, and messages.
//! The rules in words: `SPEC.md` of `kith-proto`, section 11.

mod authority;
mod bits;
pub(crate) mod commands;
pub mod history;
mod log;
mod node;
pub mod reconcile;
mod resolve;
mod roster;
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
