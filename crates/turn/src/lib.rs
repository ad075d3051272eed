//! STUN and TURN over UDP (RFC 8489, RFC 8656) for a community node, as calculation: datagrams and times in, datagrams and orders to
//! sockets out. Not here: sockets (`kith-bootstrap`), and who may ask for credentials (`kith-net`).
//!
//! ```text
//!  member ── asks over libp2p ──▶ `Server::issue` ──▶ user name and password, for minutes
//!  call ── Allocate ──▶ 401, nonce ── Allocate with both ──▶ `Effect::Open` ──▶ `Server::opened` ──▶ relayed address
//!       ── CreatePermission or ChannelBind for a peer ──▶ what comes from there is passed on, and what goes there
//! ```

pub mod config;
pub mod credentials;
pub mod peers;
pub mod server;
pub mod stats;

mod allocation;
mod bucket;
mod message;
mod rates;

pub use config::Config;
pub use credentials::Credentials;
pub use server::Effect;
pub use server::RelayId;
pub use server::Server;
pub use stats::Stats;
