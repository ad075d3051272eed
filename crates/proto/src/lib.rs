//! The shared nouns of Kith: ids, time, the bounded codec, and every word that crosses the wire or the disk.
//!
//! This crate is pure: no socket, file, thread, clock or randomness. It is *not* the place for rules about who may
//! say what to whom (`kith-engine`) nor for keys and ciphers (`kith-crypto`).
//!
//! | module | words |
//! |---|---|
//! | [`id`] | accounts, devices, contacts, chats, messages, envelopes, commands |
//! | [`time`] | [`Timestamp`](time::Timestamp) and [`Span`](time::Span), passed in, never read from a clock |
//! | [`timers`] | deadlines of a machine, asked for and never scheduled |
//! | [`codec`], [`bounded`] | one canonical binary form; every length has a limit in the type |
//! | [`frame`] | what travels on a direct stream between two devices |
//! | [`envelope`] | what strangers see: a tag and a padded box |
//! | [`payload`] | what the friend sees once the box is open |
//! | [`post`], [`sync`] | what is said in a group, and how two members find out what the other lacks |
//! | [`invite`], [`address`], [`record`] | how people and devices find each other |
//! | [`call`] | what is said about a call, and the border between signalling and media |
//! | [`group`] | operations of a group's membership log |
//! | [`mailbox`] | store-and-forward requests and answers |
//! | [`rows`] | all that pure crates know of storage |
//!
//! The byte layouts, limits and version history are in `SPEC.md` beside this crate:
#![doc = include_str!("../SPEC.md")]

pub mod address;
pub mod bounded;
pub mod call;
pub mod codec;
pub mod envelope;
pub mod error;
pub mod frame;
pub mod group;
pub mod id;
pub mod invite;
pub mod ip;
pub mod mailbox;
pub mod payload;
pub mod post;
pub mod record;
pub mod rows;
pub mod sync;
pub mod time;
pub mod timers;

pub use error::DecodeError;
