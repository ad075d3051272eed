//! Frames of calls, sealed once for all who are in the call: SFrame (RFC 9605), with the registered suite
//! `AES_256_GCM_SHA512_128`. Whoever forwards frames sees who sends them, of which stream, in which order and how large they are, and
//! nothing of what is in them.
//!
//! ```text
//!  base key ──HKDF, key id──▶ key, salt ──▶ header | AES-256-GCM(frame) | tag
//!     │ next(): whoever comes later gets this, and cannot go back
//!     ▼
//!  base key of the next step
//! ```
//!
//! | module | RFC 9605 |
//! |---|---|
//! | `header` | 4.3: the key id and the counter before each frame |
//! | `cipher` | 4.4: how one frame is sealed and opened; frames that come twice |
//! | `keys` | 5.1: the keys of one sender, in generations and steps |
//!
//! Not here: how keys reach the others, and when they are made anew (`kith-engine`). A frame shows that somebody in the call made it, not who:
//! all have the same keys (RFC 9605, 7.2).

mod cipher;
mod header;
mod keys;

pub use cipher::MAX_FRAME_BYTES;
pub use cipher::OpenError;
pub use cipher::Opened;
pub use header::Header;
pub use header::MAX_HEADER_BYTES;
pub use keys::BASE_KEY_BYTES;
pub use keys::BaseKey;
pub use keys::FrameKeys;
pub use keys::KeyName;
pub use keys::SENDER_BITS;
pub use keys::SenderKeys;

#[cfg(test)]
mod tests;
