//! Sender chains: how a group's messages are sealed once for all members. Each device has a chain of its own and hands it
//! to every member's devices over their sessions; nothing has to be agreed by all, so that a group that falls into parts
//! keeps talking in each of them.
//!
//! ```text
//!  SendingChain ──hand_out()──▶ ChainShare ──over a session──▶ ReceivingChain
//!       │ seal()                                                    │ open()
//!       └───────────── envelope: tag | nonce | header | content ─────┘
//! ```
//!
//! What a chain does not give, rotation does: whoever has left cannot read what is sealed with the next chain, and a stolen
//! chain is of use until then ([`must_rotate`]). Not here: who is a member (`kith-engine`), and how shares travel.

mod keys;
mod post;
mod receiving;
mod rotation;
mod sending;
mod share;

pub use keys::CHAIN_OVERHEAD_BYTES;
pub use keys::ChainId;
pub use post::VerifiedPost;
pub use post::sign_post;
pub use post::verify_post;
pub use receiving::ChainError;
pub use receiving::MAX_CHAIN_BYTES;
pub use receiving::MAX_KEPT;
pub use receiving::MAX_SKIP;
pub use receiving::ReceivingChain;
pub use receiving::SKIPPED_LIFE;
pub use rotation::MAX_AGE;
pub use rotation::MAX_CLOCK_STEP;
pub use rotation::MAX_SEALED;
pub use rotation::Rotate;
pub use rotation::must_rotate;
pub use sending::SendingChain;
pub use share::ChainShare;
pub use share::SHARE_BYTES;

#[cfg(test)]
mod tests;
