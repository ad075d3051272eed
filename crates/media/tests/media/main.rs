//! Calls over lines of all kinds, in virtual time, and what strangers may send.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

mod call;
mod line;
mod link;
