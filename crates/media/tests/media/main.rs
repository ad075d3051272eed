//! Calls over lines of all kinds, in virtual time, and what strangers may send.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

mod call;
mod drive;
mod line;
mod link;
mod strangers;
