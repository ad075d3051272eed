//! Many real engines in one virtual world: the one test harness of Kith.
//!
//! Three laws: one clock, one queue ordered by (time, number), all chance from the seed. So the same seed gives the same trace,
//! and a failure is a seed. People have the real engine on a simulated disk; frames, connections, streams, crashes,
//! partitions and old disks are the world's to play with. Nothing sleeps, nothing opens a socket.
//!
//! * [`action`]: everything that can be done to a world, as data: stories, properties and scenarios use the same words
//! * [`world`], [`person`], [`disk`], [`network`]: the world
//! * [`oracle`]: who should have what; checked while it runs and at the end
//! * [`groups`]: what people do in groups, and what should be true of them
//! * [`scenario`]: a world from a file, many seeds, a line of results
//! * [`studies`]: questions from a file, many worlds, [`table`]s of results; [`online`] and [`plan`] say who comes when
//! * [`gossip`]: topics, as the network has them
//! * [`media`]: sound and pictures of calls, as the engine sees them
//! * [`nats`], [`hostile`]: networks that let little through, and mailboxes that lie

#![expect(clippy::indexing_slicing, reason = "a person is named by a number that the world gave")]

pub mod action;
pub mod counts;
pub mod cpu;
pub mod disk;
pub mod gossip;
pub mod groups;
pub mod hostile;
pub mod media;
pub mod nats;
pub mod network;
pub mod online;
pub mod oracle;
pub mod person;
pub mod plan;
pub mod post;
pub mod replay;
pub mod scenario;
pub mod studies;
pub mod table;
pub mod world;

mod chance;
mod effects;
mod friends;
mod settling;
mod ways;
