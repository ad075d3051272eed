//! The desktop app: a node embedded behind an egui interface.
//!
//! ```text
//!  node events ──▶ bridge ──▶ Model::apply ──▶ views draw &Model ──▶ Action ──▶ Model::act ──▶ Request ──▶ bridge
//! ```
//!
//! Data flows down as `&Model`, intent flows up as [`action::Action`]; one place applies it. The models hold no egui,
//! the views no state of their own but what egui keeps (scrolling, focus). Nothing here waits: queries, commands and
//! passphrases run on the bridge's threads.

pub mod action;
pub mod app;
pub mod bridge;
pub mod i18n;
pub mod model;
pub mod platform;
pub mod text;
pub mod theme;
pub mod view;
pub mod widget;
