//! Store-and-forward words.
