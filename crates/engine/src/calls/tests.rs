//! Calls without engines: machines on both sides, a wire between them that may lose, repeat and reorder, and media that find
//! a way when both sides know each other's description.

mod lossy;
mod rules;
mod wire;
