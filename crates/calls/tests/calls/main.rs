//! Two calls in one process, over UDP of this machine's own loop: real connections, codecs and threads, with a tone for a voice and a
//! pattern for a face.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

mod bench;
mod relay;
mod stories;
mod strangers;
mod together;
