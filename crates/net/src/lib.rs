//! The network of Kith: the only crate that names libp2p.
//!
//! ```text
//!  NetCommand ──▶ bounded channel ──▶ task (owns the swarm) ──▶ bounded channel ──▶ NetEvent
//!                                       │ one reader task per inbound stream, one writer per outbound stream
//! ```
//!
//! It connects devices, carries frames in order on `/kith/dm/1`, carries requests and answers of mailboxes on
//! `/kith/mbx/1`, keeps bootstrap nodes connected, and stores and finds
//! signed records in the DHT. It is *not* the place for who is a friend or what a frame means: that is `kith-engine`.
//! Protocol names, limits and record rules are in `SPEC.md`; decisions in `DESIGN.md`.
#![doc = include_str!("../SPEC.md")]

pub mod address;
pub mod config;
pub mod error;
pub mod event;
pub mod facts;
pub mod net;
pub mod records;
pub mod stats;
pub mod turn;
#[cfg(feature = "webrtc")]
pub mod webrtc;

mod about;
mod autonat;
mod behaviour;
mod circuits;
mod held;
mod limits;
mod mesh;
mod network;
mod pipes;
mod places;
mod probes;
mod punch;
mod quiet;
mod relay;
mod requests;
mod streams;
mod task;
mod transport;

pub use config::NetConfig;
pub use config::Role;
pub use config::Services;
pub use error::NetError;
pub use event::Nat;
pub use event::NetCommand;
pub use event::NetEvent;
pub use event::ServedEvent;
pub use event::ServedFrom;
pub use event::Verdict;
pub use facts::Facts;
pub use net::EventReceiver;
pub use net::Net;
pub use net::RequestCredit;
pub use stats::Stats;
pub use turn::TurnOffer;
