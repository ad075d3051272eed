//! Real nodes over loopback: with each other, through a third, and with somebody who means harm.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

mod dht;
mod dialling;
mod hostile;
mod mailbox;
mod mallory;
mod mesh;
mod pair;
mod relay;
mod rig;
mod turn;
mod whereabouts;
