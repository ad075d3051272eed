//! What the operating system does for the app beside the window. Nothing of it is needed: where it is missing, the app goes on.

pub mod notify;
