//! The law that every target checks: whatever is accepted is written again exactly as it was read.

use std::fmt::Debug;
use std::fmt::Display;
use std::str::FromStr;

use kith_proto::codec::Decode;
use kith_proto::codec::Encode;

/// Reads a word and writes it again.
pub fn again<T: Decode + Encode>(data: &[u8]) {
    if let Ok(word) = T::from_bytes(data) {
        assert!(word.to_bytes() == data, "a word has a second form");
    }
}

/// Reads a text and writes it again; letters may change their case, so only the value must stay.
pub fn text_again<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().ok(), Some(value));
    }
}
