//! JSON-RPC 2.0, one object a line: on standard input and output, on a Unix socket, and over WebSocket. Requests are taken in bulk and
//! answered as they are done, so a client may send thousands without waiting.

mod calls;
mod errors;
mod groups;
mod health;
mod mailboxes;
mod media;
mod messages;
mod methods;
mod openrpc;
mod out;
mod policy;
mod rooms;
mod serve;
mod views;
mod websocket;

pub use errors::RpcError;
pub use methods::Method;
pub use methods::all as methods;
#[cfg(unix)]
pub use serve::listen;
pub use serve::serve;
pub use websocket::listen_websocket;
