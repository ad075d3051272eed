//! Groups as pictures.
