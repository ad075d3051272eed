//! The threads of pictures: from a camera or screen to all connections, and from one connection to where it is shown.

mod receive;
pub(crate) mod scale;
mod send;

pub(crate) use receive::Shown;
pub(crate) use receive::Watching;
pub(crate) use send::Shooting;
