//! The real program over pipes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]
#![expect(clippy::needless_pass_by_value, reason = "parameters are written where they are used")]

mod groups;
mod health;
mod knocking;
mod mailboxes;
mod rig;
mod rpc;
mod websocket;
