//! What makes a call sound and look well over a bad line, without any I/O: how much may be sent ([`bwe`]), when each packet
//! leaves ([`pacer`]), what is asked for again ([`nack`]), how packets become pictures ([`frames`]) and an even stream of
//! sound ([`jitter`], [`stretch`]), and which size of picture fits ([`ladder`]).
//!
//! ```text
//!  encoders ──▶ Pacer ──▶ History ──▶ network ──▶ Gaps ──▶ Assembler ──▶ decoder ──▶ screen
//!     ▲           ▲          │                      │  └──▶ JitterBuffer ─────────▶ speaker
//!   Ladder ◀── Estimator ◀───┴── feedback           └──▶ asks for what is missing (`Sent` answers)
//! ```
//!
//! Time is an argument, packets are plain data, and nothing here knows who carries them. All that comes from outside is
//! bounded; what makes no sense is counted and dropped. No lock, thread, clock or codec: decoders stand behind a trait.

pub mod bitrate;
pub mod bwe;
pub mod feedback;
pub mod frames;
pub mod jitter;
pub mod ladder;
pub mod nack;
pub mod pacer;
pub mod sequence;
pub mod stretch;
pub mod time;

pub use bitrate::Bitrate;
pub use time::RemoteTime;
pub use time::Time;
