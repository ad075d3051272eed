//! Which DHT records are valid, and how their keys are written. Every node checks every record it stores or returns:
//! the DHT of libp2p itself would take anything from anybody.

use data_encoding::BASE32_NOPAD;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::RecordKey;
use kith_proto::record::MAX_RECORD_BYTES;
use kith_proto::record::MAX_RECORD_LIFE_MILLIS;
use kith_proto::record::Record;
use libp2p::identity::ed25519::PublicKey;
use libp2p::kad;

/// What every key starts with. Text, because implementations in other languages validate by namespace.
const PREFIX: &str = "/kith/d/";

/// Why a record is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRecord {
    /// It is too large or not well formed.
    #[error("the record is not well formed")]
    Form,
    /// It does not belong under its key.
    #[error("the record does not belong under its key")]
    Key,
    /// Its signature does not hold.
    #[error("the signature of the record does not hold")]
    Signature,
    /// It has expired, or claims to live for too long.
    #[error("the record has expired or claims to live for too long")]
    Expiry,
    /// A newer one is there.
    #[error("a newer record is there")]
    Old,
}

/// The key as it stands in the DHT.
pub(crate) fn key_text(key: &RecordKey) -> kad::RecordKey {
    kad::RecordKey::new(&format!("{PREFIX}{}", BASE32_NOPAD.encode(&key.0).to_lowercase()))
}

/// The key behind its form in the DHT.
pub(crate) fn key_of(key: &kad::RecordKey) -> Option<RecordKey> {
    let text = std::str::from_utf8(key.as_ref()).ok()?.strip_prefix(PREFIX)?;
    let bytes = BASE32_NOPAD.decode(text.to_uppercase().as_bytes()).ok()?;
    Some(RecordKey(bytes.try_into().ok()?))
}

/// Reads and checks a record from the DHT.
///
/// # Errors
/// When it is not valid at `now_millis`.
pub(crate) fn read(record: &kad::Record, now_millis: u64) -> Result<Record, BadRecord> {
    let key = key_of(&record.key).ok_or(BadRecord::Key)?;
    if record.value.len() > MAX_RECORD_BYTES {
        return Err(BadRecord::Form);
    }
    let read = Record::from_bytes(&record.value).map_err(|_| BadRecord::Form)?;
    if read.key() != key {
        return Err(BadRecord::Key);
    }
    check(&read, now_millis)?;
    Ok(read)
}

/// A stored record, which was checked when it came, unless it has expired since.
pub(crate) fn unexpired(record: &kad::Record, now_millis: u64) -> Option<Record> {
    Record::from_bytes(&record.value).ok().filter(|read| read.expires.0 > now_millis)
}

/// Checks a record's life and signature.
///
/// # Errors
/// When it is not valid at `now_millis`.
pub fn check(record: &Record, now_millis: u64) -> Result<(), BadRecord> {
    if record.expires.0 <= now_millis || record.expires.0 > now_millis.saturating_add(MAX_RECORD_LIFE_MILLIS)
    {
        return Err(BadRecord::Expiry);
    }
    let key = PublicKey::try_from_bytes(&record.blinded_key).map_err(|_| BadRecord::Signature)?;
    if key.verify(&record.signed_bytes(), &record.signature) { Ok(()) } else { Err(BadRecord::Signature) }
}

/// Whether `new` may take the place of `old`: only a later one of the same key, so that nobody can bring back an
/// address that its owner has left.
pub(crate) fn replaces(new: &Record, old: &Record) -> bool {
    new.kind == old.kind && new.sequence > old.sequence
}

/// A record in the form of the DHT.
pub(crate) fn to_libp2p(record: &Record) -> kad::Record {
    kad::Record { key: key_text(&record.key()), value: record.to_bytes(), publisher: None, expires: None }
}
