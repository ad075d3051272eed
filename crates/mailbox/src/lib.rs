//! The store-and-forward service without any I/O: keeps sealed envelopes for people who are not there, and hands them
//! over when they come. It learns no account, no sender and no content.
//!
//! ```text
//!  streams  ─┐                                ┌─ writes   1. committed together, or not at all
//!  requests ─┼─▶ Mailbox::handle(now, input) ─┤
//!  wake-ups ─┘        next_wake() ◀───────────└─ effects  2. run after the commit, in order (answer, close)
//! ```
//!
//! The driver obeys one law: **commit the writes, then run the effects**. So no receipt leaves before what it promises
//! is on disk. Several inputs may share one [`Output`] and one commit; each sees what those before it wrote. When a
//! commit or a step fails, the driver drops mailbox and output and calls [`Mailbox::restore`].
//!
//! What stands is in rows ([`rows`]); memory holds streams, rates and a few totals, so a full mailbox starts as fast as
//! an empty one. Who may do what, and the limits, are in `SPEC.md` beside this crate:
#![doc = include_str!("../SPEC.md")]

pub mod audit;
pub mod config;
pub mod effect;
pub mod error;
pub mod input;
pub mod output;
pub mod rows;
pub mod stats;

mod core;
mod deletions;
mod deposits;
mod inboxes;
mod keys;
mod limits;
mod mailbox;
mod shelf;
mod streams;
mod sweep;
mod timer;
mod voucher;
mod work;

pub use config::Config;
pub use effect::Effect;
pub use error::StorageError;
pub use input::Input;
pub use mailbox::Mailbox;
pub use output::Output;
pub use stats::Overview;
pub use stats::Stats;
pub use voucher::voucher_hash;
