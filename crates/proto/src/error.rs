//! Why bytes were refused. Decoding never panics and never guesses.

/// The reason why bytes from outside are not a valid word of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ended before the word was complete.
    #[error("the input ends too early")]
    Truncated,
    /// Bytes were left over after a complete word.
    #[error("there are bytes after the end of the word")]
    Trailing,
    /// A length, count or number is over its limit.
    #[error("{what} is over its limit of {limit}")]
    TooLarge {
        /// The field that was too large.
        what: &'static str,
        /// The limit, in the unit of the field.
        limit: u64,
    },
    /// A tag, flag, version or padding byte has a value that this version does not define.
    #[error("{what} has an unknown or forbidden value")]
    Invalid {
        /// The field that was invalid.
        what: &'static str,
    },
    /// A varint or another field is not in its one canonical form.
    #[error("{what} is not in canonical form")]
    NotCanonical {
        /// The field in question.
        what: &'static str,
    },
    /// A text is not UTF-8.
    #[error("a text is not valid UTF-8")]
    NotText,
    /// The checksum does not match: the text was cut or mistyped.
    #[error("the checksum does not match")]
    Checksum,
}
