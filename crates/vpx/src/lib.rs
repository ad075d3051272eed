//! VP8 (RFC 6386) by libvpx, for pictures that are made and shown at once. The only crate with foreign code called by hand: each
//! `unsafe` block says why it is sound.
//!
//! ```text
//!  Picture ──▶ Encoder ──▶ Encoded ──▶ … ──▶ Decoder ──▶ Picture
//! ```
//!
//! Not here: which size and rate a picture has (`kith-media`, `ladder`), how it is cut into packets, and when a keyframe is due.

mod decoder;
mod encoder;
mod picture;

pub use decoder::DecodeError;
pub use decoder::Decoder;
pub use encoder::Content;
pub use encoder::EncodeError;
pub use encoder::Encoded;
pub use encoder::Encoder;
pub use encoder::Settings;
pub use picture::Picture;

#[cfg(test)]
mod tests;
