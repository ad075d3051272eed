//! Sessions against a hostile network, published vectors, and our own.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

mod chains;
mod golden;
mod session;
mod vectors;
mod wycheproof;
