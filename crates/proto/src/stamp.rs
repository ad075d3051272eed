//! temporary
use std::sync::Mutex;
use std::time::Instant;
pub static STAMPS: Mutex<Vec<(&'static str, Instant)>> = Mutex::new(Vec::new());
#[allow(missing_docs)]
pub fn stamp(what: &'static str) {
    if let Ok(mut stamps) = STAMPS.lock() { stamps.push((what, Instant::now())); }
}
