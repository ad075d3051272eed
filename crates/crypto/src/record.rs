//! DHT records under a blinded key, as Tor's v3 onion services do it (rend-spec-v3, appendix A): for every day the
//! device's Ed25519 key `A = aB` becomes `A' = hA` with `h` from `A` and the day. Only the device can sign with `ha`;
//! only who knows `A` can compute `A'`, find the record, and open it. Whoever merely stores it learns neither.

use chacha20poly1305::KeyInit as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut as _;
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use ed25519_dalek::hazmat::raw_sign;
use kith_proto::bounded::BoundedBytes;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::DeviceId;
use kith_proto::id::RecordKey;
use kith_proto::record::CardRecord;
use kith_proto::record::DeviceRecord;
use kith_proto::record::Record;
use kith_proto::record::RecordKind;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_core::CryptoRng;
use sha2::Digest as _;
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::identity;
use crate::identity::DeviceSecret;
use crate::padding;
use crate::primitives;

/// How long a blinded key is in use: what a DHT node sees of one device cannot be linked from day to day.
pub const PERIOD: Span = Span::from_days(1);

/// The sizes that opened bodies are padded to: most devices have few addresses; a card has prekeys.
const BODY_SIZES: [usize; 4] = [512, 1_024, 2_048, 3_456];

const NONCE_BYTES: usize = 24;

/// Why a record was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not this device's record for this period, or its signature does not hold.
    #[error("the record is not signed by the device it is looked up for")]
    Forged,
    /// It does not open or is not well formed.
    #[error("the record cannot be read")]
    Unreadable,
}

/// The period that a time is in.
pub fn period_at(now: Timestamp) -> u32 {
    now.day()
}

/// Where a device's record lives in a period; `None` when the device id is no valid key.
pub fn record_key(device: &DeviceId, period: u32) -> Option<RecordKey> {
    Some(Record::key_for(RecordKind::Device, &blinded_public(device, period)?))
}

/// Where a device's card lives in a period; `None` when the device id is no valid key.
pub fn card_key(device: &DeviceId, period: u32) -> Option<RecordKey> {
    Some(Record::key_for(RecordKind::Card, &blinded_public(device, period)?))
}

/// Signs and seals a device's record.
pub fn seal_record(
    rng: &mut impl CryptoRng,
    device: &DeviceSecret,
    period: u32,
    sequence: u64,
    expires: Timestamp,
    told: &DeviceRecord,
) -> Record {
    let meta = Meta { kind: RecordKind::Device, period, sequence, expires };
    seal(rng, device, meta, told.to_bytes()).expect("eight addresses fit the largest size")
}

/// Signs and seals a device's card; `None` when it says more than fits.
pub fn seal_card(
    rng: &mut impl CryptoRng,
    device: &DeviceSecret,
    period: u32,
    sequence: u64,
    expires: Timestamp,
    card: &CardRecord,
) -> Option<Record> {
    seal(rng, device, Meta { kind: RecordKind::Card, period, sequence, expires }, card.to_bytes())
}

/// What is said of a record in the clear.
#[derive(Clone, Copy)]
struct Meta {
    kind: RecordKind,
    period: u32,
    sequence: u64,
    expires: Timestamp,
}

fn seal(rng: &mut impl CryptoRng, device: &DeviceSecret, meta: Meta, mut plain: Vec<u8>) -> Option<Record> {
    let Meta { kind, period, sequence, expires } = meta;
    let id = device.id();
    let factor = blinding_factor(&id, period);
    let signing = device.signing_key();
    // The nonce prefix must be secret and not shared with the unblinded key.
    let prefix =
        primitives::hkdf::<32>(&period.to_be_bytes(), device.signing_seed(), b"kith record nonce prefix v1");
    let secret = ExpandedSecretKey { scalar: factor * signing.to_scalar(), hash_prefix: *prefix };
    let public = VerifyingKey::from(&secret);
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    let mut record = Record {
        kind,
        blinded_key: public.to_bytes(),
        sequence,
        expires,
        body: BoundedBytes::default(),
        signature: BoundedBytes::default(),
    };
    let size = BODY_SIZES.into_iter().find(|size| plain.len() < *size)?;
    padding::pad(&mut plain, size).expect("the size was chosen to fit");
    XChaCha20Poly1305::new((&*body_key(&id, kind, period)).into())
        .encrypt_in_place((&nonce).into(), &record.blinded_key, &mut plain)
        .expect("a body is far below the limit of the cipher");
    record.body =
        BoundedBytes::new([nonce.as_slice(), &plain].concat()).expect("the largest body fits a record");
    let signature = raw_sign::<Sha512>(&secret, &record.signed_bytes(), &public);
    record.signature = BoundedBytes::new(signature.to_bytes().to_vec()).expect("a signature has 64 bytes");
    Some(record)
}

/// Opens a record that was looked up for a device and period.
///
/// # Errors
/// When it is another's, forged or not readable.
pub fn open_record(device: &DeviceId, period: u32, record: &Record) -> Result<DeviceRecord, RecordError> {
    let told = open(device, RecordKind::Device, period, record)?;
    DeviceRecord::from_bytes(&told).map_err(|_| RecordError::Unreadable)
}

/// Opens a card that was looked up for a device and period.
///
/// # Errors
/// When it is another's, forged or not readable.
pub fn open_card(device: &DeviceId, period: u32, record: &Record) -> Result<CardRecord, RecordError> {
    let told = open(device, RecordKind::Card, period, record)?;
    CardRecord::from_bytes(&told).map_err(|_| RecordError::Unreadable)
}

fn open(device: &DeviceId, kind: RecordKind, period: u32, record: &Record) -> Result<Vec<u8>, RecordError> {
    let ours = record.kind == kind && blinded_public(device, period) == Some(record.blinded_key);
    if !ours || !verify_record(record) {
        return Err(RecordError::Forged);
    }
    let (nonce, sealed) = record.body.split_first_chunk::<NONCE_BYTES>().ok_or(RecordError::Unreadable)?;
    let mut plain = sealed.to_vec();
    XChaCha20Poly1305::new((&*body_key(device, kind, period)).into())
        .decrypt_in_place(nonce.into(), &record.blinded_key, &mut plain)
        .map_err(|_| RecordError::Unreadable)?;
    padding::unpad(&plain).map(<[u8]>::to_vec).ok_or(RecordError::Unreadable)
}

/// Whether a record's signature holds; all that a DHT node can and must check.
pub fn verify_record(record: &Record) -> bool {
    let Ok(signature) = <&[u8; 64]>::try_from(&*record.signature) else { return false };
    identity::verify(&record.blinded_key, &record.signed_bytes(), signature).is_ok()
}

fn blinding_factor(device: &DeviceId, period: u32) -> Scalar {
    let hash = Sha512::new()
        .chain_update(b"kith record blinding v1")
        .chain_update(device.0)
        .chain_update(period.to_be_bytes())
        .finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

fn blinded_public(device: &DeviceId, period: u32) -> Option<[u8; 32]> {
    let point = CompressedEdwardsY(device.0).decompress().filter(|point| point.is_torsion_free())?;
    Some((blinding_factor(device, period) * point).compress().to_bytes())
}

fn body_key(device: &DeviceId, kind: RecordKind, period: u32) -> Zeroizing<[u8; 32]> {
    let label: &[u8] = match kind {
        RecordKind::Device => b"kith record body v1",
        RecordKind::Card => b"kith record card v1",
    };
    primitives::hkdf(&period.to_be_bytes(), &device.0, label)
}

#[cfg(test)]
mod tests {
    use kith_proto::address::Multiaddress;
    use kith_proto::bounded::BoundedVec;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    fn sealed() -> (DeviceSecret, DeviceRecord, Record) {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let device = DeviceSecret::generate(&mut rng);
        let addresses = vec![Multiaddress::new(vec![4, 127, 0, 0, 1, 6, 0, 80]).unwrap()];
        let told = DeviceRecord { addresses: BoundedVec::new(addresses).unwrap() };
        let record = seal_record(&mut rng, &device, 20_000, 7, Timestamp(1_000), &told);
        (device, told, record)
    }

    #[test]
    fn who_knows_the_device_finds_and_opens_its_record() {
        let (device, told, record) = sealed();
        assert_eq!(record_key(&device.id(), 20_000), Some(record.key()));
        assert_eq!(open_record(&device.id(), 20_000, &record), Ok(told));
    }

    #[test]
    fn a_card_is_found_by_its_own_key_and_is_no_record_of_addresses() {
        let (device, _, _) = sealed();
        let card = CardRecord {
            device_list: BoundedBytes::new(vec![1; 900]).unwrap(),
            bundle: BoundedBytes::new(vec![2; 1_500]).unwrap(),
            places: BoundedVec::default(),
        };
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        let record = seal_card(&mut rng, &device, 20_000, 7, Timestamp(1_000), &card).unwrap();
        assert!(record.to_bytes().len() <= kith_proto::record::MAX_RECORD_BYTES);
        assert_eq!(card_key(&device.id(), 20_000), Some(record.key()));
        assert_ne!(record_key(&device.id(), 20_000), Some(record.key()));
        assert_eq!(open_card(&device.id(), 20_000, &record), Ok(card));
        assert_eq!(open_record(&device.id(), 20_000, &record), Err(RecordError::Forged));
    }

    #[test]
    fn a_stranger_sees_neither_the_device_nor_the_body_and_days_do_not_link() {
        let (device, _, record) = sealed();
        let bytes = record.to_bytes();
        assert!(!bytes.windows(32).any(|window| window == device.id().0));
        assert!(!bytes.windows(4).any(|window| window == [127, 0, 0, 1]));
        assert_ne!(record_key(&device.id(), 20_000), record_key(&device.id(), 20_001));
        assert_eq!(open_record(&device.id(), 20_001, &record), Err(RecordError::Forged));
    }

    #[test]
    fn any_changed_byte_is_found_by_whoever_stores_it() {
        let (_, _, record) = sealed();
        assert!(verify_record(&record));
        let bytes = record.to_bytes();
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(!Record::from_bytes(&changed).is_ok_and(|record| verify_record(&record)), "byte {at}");
        }
    }

    #[test]
    fn somebody_who_knows_the_device_cannot_sign_for_it() {
        let (device, told, _) = sealed();
        let mallory = DeviceSecret::generate(&mut ChaCha20Rng::from_seed([2; 32]));
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let mut forged = seal_record(&mut rng, &mallory, 20_000, 8, Timestamp(1_000), &told);
        forged.blinded_key = blinded_public(&device.id(), 20_000).unwrap();
        assert!(!verify_record(&forged));
    }
}
