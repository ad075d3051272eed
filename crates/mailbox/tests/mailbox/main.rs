//! A mailbox as those who use it see it: stories of people and their devices, and a model that is right by being slow.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

mod admission;
mod deletion;
mod house;
mod keeping;
mod knocking;
mod listing;
mod model;
mod streams;
