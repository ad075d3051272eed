//! The messenger itself, without any I/O: contacts, sessions, outbox, inbox, chats and presence as one machine.
//!
//! ```text
//!  commands ─┐                               ┌─ writes   1. committed together, or not at all
//!  network  ─┼─▶ Engine::handle(now, input) ─┼─ effects  2. run after the commit (dial, put, publish, look up)
//!  wake-ups ─┘        next_wake() ◀──────────└─ events   3. shown after that
//! ```
//!
//! The caller (`node/src/run.rs`, or a simulated person) obeys one law: **commit the writes, then run the effects,
//! then publish the events**. After a crash, [`Engine::restore`] rebuilds everything from the rows and emits what is
//! pending again; every effect is idempotent.
//!
//! This crate opens no socket, file, thread or clock. History is written here and never read back: front ends page
//! it with [`query`] over any [`kith_proto::rows::Rows`].

pub mod account;
pub mod command;
pub mod config;
pub mod effect;
pub mod event;
pub mod filters;
pub mod input;
pub mod migrate;
pub mod offers;
mod output;
pub mod query;
pub mod record;
mod registering;
pub mod rows;
pub mod stats;
mod strangers;
pub mod view;

mod addresses;
mod arrivals;
mod askers;
mod attempts;
mod calls;
mod cards;
mod chats;
mod choices;
mod choosing;
mod clocks;
mod commands;
mod contacts;
mod contents;
mod core;
mod count;
mod deposits;
mod devices;
mod engine;
mod finding;
pub mod groups;
mod inbox;
mod knocking;
mod leaving;
mod links;
mod mail;
mod mailboxes;
mod outbox;
mod peers;
mod presence;
mod reading;
pub mod restore;
mod routes;
mod sessions;
mod standing;
mod timer;

pub use command::Command;
pub use config::Config;
pub use effect::Effect;
pub use engine::Engine;
pub use engine::Overview;
pub use event::Event;
pub use input::Input;
pub use output::Output;
pub use stats::Stats;
