//! The cryptography of Kith: who somebody is, sessions between two devices, sealed envelopes, records, blobs.
//!
//! Pure: randomness and time are arguments, nothing is stored. Primitives come from RustCrypto, dalek and `hpke`; this
//! crate only puts them together, as published specifications say. It is *not* the place for who may talk to whom.
//!
//! | guarantee | file | `SPEC.md` |
//! |---|---|---|
//! | an account and its devices are what their keys signed | [`identity`] | 2 |
//! | two people can compare what they see | [`safety`] | 3 |
//! | a first message reaches exactly the device it is for, also against a quantum adversary | [`prekey`], [`session`] | 4, 5 |
//! | past and future messages stay closed when a key leaks; lost, late and repeated ones do no harm | [`ratchet`] | 6 |
//! | an envelope shows no sender, type or exact length | [`session`] | 7 |
//! | the DHT learns neither who a record is about nor what it says | [`record`] | 8 |
//! | a group message opens for all who were given the chain, and only its owner can have made it | [`group`] | 14 |
//! | an invite proves itself without saying its secret | [`invite`] | 9 |
//! | a file opens only with its key, piece by piece | [`blob`] | 10 |
//! | a mailbox learns no account, and nothing links two of its periods | [`mailbox`] | 11 |
//! | an operation in a group is its device's, and who comes by a link holds it | [`operation`] | 14 |
//! | frames of a call open for those who are in it, and not for whoever forwards them | [`sframe`] | 16 |
#![doc = include_str!("../SPEC.md")]

pub mod blob;
pub mod group;
pub mod identity;
pub mod invite;
pub mod mailbox;
pub mod operation;
pub mod prekey;
pub mod ratchet;
pub mod record;
pub mod safety;
pub mod secret;
pub mod session;
pub mod sframe;

mod first;
mod padding;
mod primitives;
