//! Private groups: who is a member, what was said, and how members that meet make their histories one.

pub mod history;
pub mod reconcile;
