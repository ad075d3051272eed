//! Empty on purpose: see `shims/README.md`.
