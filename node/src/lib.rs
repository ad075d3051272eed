//! A node: the driver that joins the engine, the store and the network, and the programs that speak to it.
//!
//! ```text
//!  front end ──Command──▶ Handle ──bounded channel──▶ engine thread: drain ▶ handle ▶ commit ▶ effects ▶ events
//!                            ▲                              │ ▲                                  │
//!                            └────────────Events────────────│─│──────────────────────────────────┘
//!                                                     NetCommand NetEvent
//!                                                           ▼ │
//!                                                       kith-net (own runtime)
//! ```
//!
//! Three owners: the engine thread (engine *and* database), the swarm's task, and each front end. The app embeds
//! this library; `kith-node` is it behind JSON-RPC and a command line.

pub mod asking;
pub mod blocks;
pub mod calling;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod error;
pub mod events;
pub mod handle;
pub mod helping;
pub mod lines;
pub mod nodes;
pub mod rpc;
pub mod time;
pub mod trace;

mod effects;
mod ports;
mod recorder;
mod run;

pub use config::NodeConfig;
pub use error::Failure;
pub use error::FailureKind;
pub use error::NodeError;
pub use events::Events;
pub use events::NodeEvent;
pub use handle::AccountState;
pub use handle::Handle;
pub use handle::NewAccount;
pub use kith_store::Snapshot;
