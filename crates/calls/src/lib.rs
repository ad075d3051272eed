//! The media of calls: what is spoken and shown on this device is heard and seen on another, over connections that the engine's words
//! bring about.
//!
//! ```text
//!  engine ── MediaCommand ──▶ Calls ── MediaEvent ──▶ engine
//!                               │ task: one event loop for all legs
//!                               ├── leg: what the words mean for one connection (no I/O)
//!                               ├── transport: peer connections
//!                               └── studio: threads for microphone, speaker, cameras, pictures
//! ```
//!
//! | module | |
//! |---|---|
//! | [`device`] | where sound and pictures come from and go to |
//! | [`stats`] | what is measured, to show |
//! | `audio`, `video`, `codec` | the threads between devices and lines |
//! | `sealing` | frames of calls of groups, sealed for all in them; what is forwarded |
//!
//! Not here: who calls whom and when it rings (`kith-engine`), and the calculations for bad lines (`kith-media`).

pub mod device;
pub mod stats;
pub mod strangers;

mod audio;
mod calls;
mod codec;
mod fanout;
mod leg;
mod line;
mod meter;
mod sealing;
mod sources;
mod studio;
mod task;
mod transport;
mod video;
mod wanted;

pub use audio::Rehearsal;
pub use calls::Calls;
pub use calls::Config;
pub use calls::NotStarted;
pub use calls::capabilities;
pub use kith_vpx::Picture;
pub use transport::Kind;
pub use transport::webrtc::Reach;
