//! DHT records under a blinded key, as Tor's v3 onion services do it (rend-spec-v3, appendix A): for every day the
//! device's Ed25519 key `A = aB` becomes `A' = hA` with `h` from `A` and the day. Only the device can sign with `ha`;
//! only who knows `A` can compute `A'`, find the record, and open it. Whoever merely stores it learns neither.
//!
//! A device's key is known to everybody whom it ever connected to, and to whoever reads its account's card. What is not for
//! all of those is blinded with a secret as well, as that appendix allows (its `s`): only whoever was given the secret can
//! compute that `A'`. Where a device can be reached, its cards for invites and its lists of mailboxes are such.

use chacha20poly1305::KeyInit as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut as _;
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use ed25519_dalek::hazmat::raw_sign;
use kith_proto::bounded::BoundedBytes;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::id::GroupId;
use kith_proto::id::RecordKey;
use kith_proto::record::CardRecord;
use kith_proto::record::DeviceRecord;
use kith_proto::record::HostsRecord;
use kith_proto::record::ListRecord;
use kith_proto::record::Record;
use kith_proto::record::RecordKind;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;
use rand_core::CryptoRng;
use sha2::Digest as _;
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::identity;
use crate::identity::AccountSecret;
use crate::identity::DeviceSecret;
use crate::padding;
use crate::primitives;
use crate::secret::Secret32;

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

/// Where a device's addresses for the holders of a secret live in a period; `None` when the device id is no valid key.
pub fn record_key(device: &DeviceId, secret: &Secret32, period: u32) -> Option<RecordKey> {
    let name = Name { owner: &device.0, secret: Some(secret), period };
    Some(Record::key_for(RecordKind::Device, &name.blinded_public()?))
}

/// Where a device's card for the holders of a secret lives in a period; `None` when the device id is no valid key.
pub fn card_key(device: &DeviceId, secret: &Secret32, period: u32) -> Option<RecordKey> {
    let name = Name { owner: &device.0, secret: Some(secret), period };
    Some(Record::key_for(RecordKind::Card, &name.blinded_public()?))
}

/// Where a device's list of mailboxes for the holder of a secret lives in a period; `None` when the device id is no valid
/// key.
pub fn list_key(device: &DeviceId, secret: &Secret32, period: u32) -> Option<RecordKey> {
    let name = Name { owner: &device.0, secret: Some(secret), period };
    Some(Record::key_for(RecordKind::List, &name.blinded_public()?))
}

/// What leads the members of a group to the addresses of its other members: whoever knows which group it is can compute it.
pub fn group_address_secret(group: &GroupId) -> Secret32 {
    Secret32::new(*primitives::hkdf(b"", &group.0, b"kith group address secret v1"))
}

/// Signs and seals where a device can be reached, for the holders of a secret.
pub fn seal_record(
    rng: &mut impl CryptoRng,
    device: &DeviceSecret,
    secret: &Secret32,
    period: u32,
    (sequence, expires): (u64, Timestamp),
    told: &DeviceRecord,
) -> Record {
    let meta = Meta { kind: RecordKind::Device, secret: Some(secret), period, sequence, expires };
    seal(rng, &device.signing_key(), &meta, told.to_bytes()).expect("eight addresses fit the largest size")
}

/// Signs and seals a device's card for the holders of a secret; `None` when it says more than fits.
pub fn seal_card(
    rng: &mut impl CryptoRng,
    device: &DeviceSecret,
    secret: &Secret32,
    period: u32,
    (sequence, expires): (u64, Timestamp),
    card: &CardRecord,
) -> Option<Record> {
    let meta = Meta { kind: RecordKind::Card, secret: Some(secret), period, sequence, expires };
    seal(rng, &device.signing_key(), &meta, card.to_bytes())
}

/// Signs and seals where a device's mailboxes are, for the holder of a secret; `None` when it says more than fits.
pub fn seal_list(
    rng: &mut impl CryptoRng,
    device: &DeviceSecret,
    secret: &Secret32,
    period: u32,
    (sequence, expires): (u64, Timestamp),
    list: &ListRecord,
) -> Option<Record> {
    let meta = Meta { kind: RecordKind::List, secret: Some(secret), period, sequence, expires };
    seal(rng, &device.signing_key(), &meta, list.to_bytes())
}

/// Where an account's card for whoever knows its address lives in a period; `None` when the address is no valid key.
pub fn knock_key(account: &AccountId, period: u32) -> Option<RecordKey> {
    let name = Name { owner: &account.0, secret: None, period };
    Some(Record::key_for(RecordKind::Knock, &name.blinded_public()?))
}

/// Signs and seals an account's card for whoever knows its address; `None` when it says more than fits.
pub fn seal_knock(
    rng: &mut impl CryptoRng,
    account: &AccountSecret,
    period: u32,
    (sequence, expires): (u64, Timestamp),
    card: &CardRecord,
) -> Option<Record> {
    let meta = Meta { kind: RecordKind::Knock, secret: None, period, sequence, expires };
    seal(rng, &account.signing_key(), &meta, card.to_bytes())
}

/// Opens a card that was looked up for an account and period.
///
/// # Errors
/// When it is another's, forged or not readable.
pub fn open_knock(account: &AccountId, period: u32, record: &Record) -> Result<CardRecord, RecordError> {
    let told = open(&Name { owner: &account.0, secret: None, period }, RecordKind::Knock, record)?;
    CardRecord::from_bytes(&told).map_err(|_| RecordError::Unreadable)
}

/// Where those who answer the holders of a link are told, in a period.
pub fn hosts_key(seed: &[u8; 32], period: u32) -> Option<RecordKey> {
    let owner = hosts_signing(seed).verifying_key().to_bytes();
    let name = Name { owner: &owner, secret: None, period };
    Some(Record::key_for(RecordKind::Hosts, &name.blinded_public()?))
}

/// Signs and seals who answers the holders of a link. Everybody can who has the link: it tells no more than whom to ask.
pub fn seal_hosts(
    rng: &mut impl CryptoRng,
    seed: &[u8; 32],
    period: u32,
    (sequence, expires): (u64, Timestamp),
    told: &HostsRecord,
) -> Option<Record> {
    let meta = Meta { kind: RecordKind::Hosts, secret: None, period, sequence, expires };
    seal(rng, &hosts_signing(seed), &meta, told.to_bytes())
}

/// Opens who answers the holders of a link, looked up for a period.
///
/// # Errors
/// When it is another's, forged or not readable.
pub fn open_hosts(seed: &[u8; 32], period: u32, record: &Record) -> Result<HostsRecord, RecordError> {
    let owner = hosts_signing(seed).verifying_key().to_bytes();
    let told = open(&Name { owner: &owner, secret: None, period }, RecordKind::Hosts, record)?;
    HostsRecord::from_bytes(&told).map_err(|_| RecordError::Unreadable)
}

/// The key is not the link's own: nothing that it signs could be taken for a proof.
fn hosts_signing(seed: &[u8; 32]) -> SigningKey {
    SigningKey::from_bytes(&primitives::hkdf::<32>(b"", seed, b"kith group link record v1"))
}

/// What a record is sealed with, beside the device's key.
struct Meta<'a> {
    kind: RecordKind,
    secret: Option<&'a Secret32>,
    period: u32,
    sequence: u64,
    expires: Timestamp,
}

fn seal(
    rng: &mut impl CryptoRng,
    signing: &SigningKey,
    meta: &Meta<'_>,
    mut plain: Vec<u8>,
) -> Option<Record> {
    let id = signing.verifying_key().to_bytes();
    let name = Name { owner: &id, secret: meta.secret, period: meta.period };
    // The nonce prefix must be secret and not shared with the unblinded key.
    let prefix = primitives::hkdf::<32>(
        &meta.period.to_be_bytes(),
        signing.as_bytes(),
        b"kith record nonce prefix v1",
    );
    let secret =
        ExpandedSecretKey { scalar: name.blinding_factor() * signing.to_scalar(), hash_prefix: *prefix };
    let public = VerifyingKey::from(&secret);
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    let mut record = Record {
        kind: meta.kind,
        blinded_key: public.to_bytes(),
        sequence: meta.sequence,
        expires: meta.expires,
        body: BoundedBytes::default(),
        signature: BoundedBytes::default(),
    };
    let size = BODY_SIZES.into_iter().find(|size| plain.len() < *size)?;
    padding::pad(&mut plain, size).expect("the size was chosen to fit");
    XChaCha20Poly1305::new((&*name.body_key(meta.kind)).into())
        .encrypt_in_place((&nonce).into(), &record.blinded_key, &mut plain)
        .expect("a body is far below the limit of the cipher");
    record.body =
        BoundedBytes::new([nonce.as_slice(), &plain].concat()).expect("the largest body fits a record");
    let signature = raw_sign::<Sha512>(&secret, &record.signed_bytes(), &public);
    record.signature = BoundedBytes::new(signature.to_bytes().to_vec()).expect("a signature has 64 bytes");
    Some(record)
}

/// Opens the addresses of a device that were looked up with a secret, for a period.
///
/// # Errors
/// When it is another's, forged or not readable.
pub fn open_record(
    device: &DeviceId,
    secret: &Secret32,
    period: u32,
    record: &Record,
) -> Result<DeviceRecord, RecordError> {
    let told = open(&Name { owner: &device.0, secret: Some(secret), period }, RecordKind::Device, record)?;
    DeviceRecord::from_bytes(&told).map_err(|_| RecordError::Unreadable)
}

/// Opens a card that was looked up for a device, secret and period.
///
/// # Errors
/// When it is another's, forged or not readable.
pub fn open_card(
    device: &DeviceId,
    secret: &Secret32,
    period: u32,
    record: &Record,
) -> Result<CardRecord, RecordError> {
    let told = open(&Name { owner: &device.0, secret: Some(secret), period }, RecordKind::Card, record)?;
    CardRecord::from_bytes(&told).map_err(|_| RecordError::Unreadable)
}

/// Opens a list of mailboxes that was looked up for a device, secret and period.
///
/// # Errors
/// When it is another's, forged or not readable.
pub fn open_list(
    device: &DeviceId,
    secret: &Secret32,
    period: u32,
    record: &Record,
) -> Result<ListRecord, RecordError> {
    let told = open(&Name { owner: &device.0, secret: Some(secret), period }, RecordKind::List, record)?;
    ListRecord::from_bytes(&told).map_err(|_| RecordError::Unreadable)
}

fn open(name: &Name<'_>, kind: RecordKind, record: &Record) -> Result<Vec<u8>, RecordError> {
    let ours = record.kind == kind && name.blinded_public() == Some(record.blinded_key);
    if !ours || !verify_record(record) {
        return Err(RecordError::Forged);
    }
    let (nonce, sealed) = record.body.split_first_chunk::<NONCE_BYTES>().ok_or(RecordError::Unreadable)?;
    let mut plain = sealed.to_vec();
    XChaCha20Poly1305::new((&*name.body_key(kind)).into())
        .decrypt_in_place(nonce.into(), &record.blinded_key, &mut plain)
        .map_err(|_| RecordError::Unreadable)?;
    padding::unpad(&plain).map(<[u8]>::to_vec).ok_or(RecordError::Unreadable)
}

/// Whether a record's signature holds; all that a DHT node can and must check.
pub fn verify_record(record: &Record) -> bool {
    let Ok(signature) = <&[u8; 64]>::try_from(&*record.signature) else { return false };
    identity::verify(&record.blinded_key, &record.signed_bytes(), signature).is_ok()
}

/// Everything that leads to a record.
struct Name<'a> {
    owner: &'a [u8; 32],
    secret: Option<&'a Secret32>,
    period: u32,
}

impl Name<'_> {
    fn blinding_factor(&self) -> Scalar {
        let hash = Sha512::new();
        let hash = match self.secret {
            None => hash.chain_update(b"kith record blinding v1").chain_update(self.owner),
            Some(secret) => hash
                .chain_update(b"kith record shared blinding v1")
                .chain_update(self.owner)
                .chain_update(secret.as_bytes()),
        };
        Scalar::from_bytes_mod_order_wide(&hash.chain_update(self.period.to_be_bytes()).finalize().into())
    }

    fn blinded_public(&self) -> Option<[u8; 32]> {
        let point = CompressedEdwardsY(*self.owner).decompress().filter(|point| point.is_torsion_free())?;
        Some((self.blinding_factor() * point).compress().to_bytes())
    }

    fn body_key(&self, kind: RecordKind) -> Zeroizing<[u8; 32]> {
        let label: &[u8] = match kind {
            RecordKind::Device => b"kith record addresses v2",
            RecordKind::Card => b"kith record card v2",
            RecordKind::List => b"kith record list v1",
            RecordKind::Knock => b"kith record knock v1",
            RecordKind::Hosts => b"kith record hosts v1",
        };
        let mut known = Zeroizing::new(self.owner.to_vec());
        known.extend(self.secret.iter().flat_map(|secret| secret.as_bytes()));
        primitives::hkdf(&self.period.to_be_bytes(), &known, label)
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::address::Multiaddress;
    use kith_proto::bounded::BoundedVec;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;
    use crate::invite;
    use crate::mailbox;

    const SHARED: Secret32 = Secret32::new([7; 32]);

    fn sealed() -> (DeviceSecret, DeviceRecord, Record) {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let device = DeviceSecret::generate(&mut rng);
        let addresses = vec![Multiaddress::new(vec![4, 127, 0, 0, 1, 6, 0, 80]).unwrap()];
        let told = DeviceRecord { addresses: BoundedVec::new(addresses).unwrap() };
        let record = seal_record(&mut rng, &device, &SHARED, 20_000, (7, Timestamp(1_000)), &told);
        (device, told, record)
    }

    #[test]
    fn who_was_given_the_secret_finds_where_a_device_is_and_who_only_knows_the_device_does_not() {
        let (device, told, record) = sealed();
        assert_eq!(record_key(&device.id(), &SHARED, 20_000), Some(record.key()));
        assert_eq!(open_record(&device.id(), &SHARED, 20_000, &record), Ok(told));
        let other = Secret32::new([8; 32]);
        assert_ne!(record_key(&device.id(), &other, 20_000), Some(record.key()));
        assert_eq!(open_record(&device.id(), &other, 20_000, &record), Err(RecordError::Forged));
        let unshared = Name { owner: &device.id().0, secret: None, period: 20_000 };
        assert_ne!(unshared.blinded_public(), Some(record.blinded_key), "the device alone leads nowhere");
    }

    #[test]
    fn groups_lead_to_records_of_their_own() {
        let (one, other) = (GroupId([1; 32]), GroupId([2; 32]));
        assert!(group_address_secret(&one) != group_address_secret(&other));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let device = DeviceSecret::generate(&mut ChaCha20Rng::from_seed([1; 32])).id();
        let name = Name { owner: &device.0, secret: Some(&SHARED), period: 20_000 };
        let all = [
            hex(&record_key(&device, &SHARED, 20_000).unwrap().0),
            hex(&*name.body_key(RecordKind::Device)),
            hex(group_address_secret(&one).as_bytes()),
        ];
        assert_eq!(all.join("\n"), include_str!("../tests/vectors/addresses_v2.txt").trim_end());
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
        let secret = Secret32::new([7; 32]);
        let record = seal_card(&mut rng, &device, &secret, 20_000, (7, Timestamp(1_000)), &card).unwrap();
        assert!(record.to_bytes().len() <= kith_proto::record::MAX_RECORD_BYTES);
        assert_eq!(card_key(&device.id(), &secret, 20_000), Some(record.key()));
        assert_ne!(record_key(&device.id(), &secret, 20_000), Some(record.key()));
        assert_eq!(open_card(&device.id(), &secret, 20_000, &record), Ok(card));
        assert_eq!(open_record(&device.id(), &secret, 20_000, &record), Err(RecordError::Forged));
    }

    #[test]
    fn a_list_is_found_by_the_one_who_was_given_the_secret_and_by_nobody_else() {
        let (device, _, _) = sealed();
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let (secret, other) = (Secret32::new([7; 32]), Secret32::new([8; 32]));
        let list = ListRecord { version: 9, places: BoundedVec::default() };
        let record = seal_list(&mut rng, &device, &secret, 20_000, (7, Timestamp(1_000)), &list).unwrap();
        assert!(verify_record(&record));
        assert_eq!(list_key(&device.id(), &secret, 20_000), Some(record.key()));
        assert_ne!(list_key(&device.id(), &other, 20_000), Some(record.key()));
        assert_ne!(list_key(&device.id(), &secret, 20_001), Some(record.key()));
        assert_eq!(open_list(&device.id(), &secret, 20_000, &record), Ok(list));
        assert_eq!(open_list(&device.id(), &other, 20_000, &record), Err(RecordError::Forged));
        assert_eq!(open_list(&device.id(), &secret, 20_001, &record), Err(RecordError::Forged));
        let stranger = DeviceSecret::generate(&mut rng);
        let forged = ListRecord { version: 10, places: BoundedVec::default() };
        let forged = seal_list(&mut rng, &stranger, &secret, 20_000, (8, Timestamp(1_000)), &forged).unwrap();
        assert_eq!(open_list(&device.id(), &secret, 20_000, &forged), Err(RecordError::Forged));
    }

    #[test]
    fn an_account_s_card_is_found_by_its_address_and_only_its_owner_can_make_it() {
        let mut rng = ChaCha20Rng::from_seed([6; 32]);
        let (ann, eve) = (AccountSecret::generate(&mut rng), AccountSecret::generate(&mut rng));
        let card = CardRecord {
            device_list: BoundedBytes::new(vec![1; 900]).unwrap(),
            bundle: BoundedBytes::new(vec![2; 1_500]).unwrap(),
            places: BoundedVec::default(),
        };
        let made = (7, Timestamp(1_000));
        let record = seal_knock(&mut rng, &ann, 20_000, made, &card).unwrap();
        assert!(verify_record(&record));
        assert_eq!(knock_key(&ann.id(), 20_000), Some(record.key()));
        assert_ne!(knock_key(&ann.id(), 20_001), Some(record.key()));
        assert_ne!(record_key(&DeviceId(ann.id().0), &SHARED, 20_000), Some(record.key()));
        assert_eq!(open_knock(&ann.id(), 20_000, &record), Ok(card.clone()));
        let forged = seal_knock(&mut rng, &eve, 20_000, made, &card).unwrap();
        assert_eq!(open_knock(&ann.id(), 20_000, &forged), Err(RecordError::Forged));
    }

    #[test]
    fn shared_keys_are_as_in_the_golden_vectors() {
        let device = DeviceSecret::generate(&mut ChaCha20Rng::from_seed([1; 32])).id();
        let secret = Secret32::new([7; 32]);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let name = Name { owner: &device.0, secret: Some(&secret), period: 20_000 };
        let all = [
            hex(&device.0),
            hex(&name.blinded_public().unwrap()),
            hex(&card_key(&device, &secret, 20_000).unwrap().0),
            hex(&list_key(&device, &secret, 20_000).unwrap().0),
            hex(&*name.body_key(RecordKind::Card)),
            hex(&*name.body_key(RecordKind::List)),
        ];
        assert_eq!(all.join("\n"), include_str!("../tests/vectors/shared_records_v1.txt").trim_end());
    }

    #[test]
    fn what_follows_from_an_address_is_as_in_the_golden_vectors() {
        let account = AccountSecret::from_seed([1; 32]).id();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let name = Name { owner: &account.0, secret: None, period: 20_000 };
        let knock = invite::knock(&account);
        let all = [
            hex(&account.0),
            hex(&name.blinded_public().unwrap()),
            hex(&knock_key(&account, 20_000).unwrap().0),
            hex(&*name.body_key(RecordKind::Knock)),
            hex(&knock.0),
            hex(&knock.id().0),
            hex(mailbox::invite_secret(&knock).as_bytes()),
        ];
        assert_eq!(all.join("\n"), include_str!("../tests/vectors/knock_v1.txt").trim_end());
    }

    #[test]
    fn who_has_a_link_finds_those_who_answer_and_nobody_else_does() {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let (seed, other) = ([7; 32], [8; 32]);
        let host = kith_proto::group::LinkHost {
            account: AccountId([1; 32]),
            device: DeviceId([2; 32]),
            addresses: BoundedVec::truncated(vec![Multiaddress::new(vec![4; 40]).unwrap(); 2]),
        };
        let told = HostsRecord { hosts: BoundedVec::truncated(vec![host; 8]) };
        let record = seal_hosts(&mut rng, &seed, 20_000, (7, Timestamp(1_000)), &told).unwrap();
        assert!(verify_record(&record) && record.to_bytes().len() < 2_300);
        assert_eq!(hosts_key(&seed, 20_000), Some(record.key()));
        assert_ne!(hosts_key(&seed, 20_001), Some(record.key()));
        assert_eq!(open_hosts(&seed, 20_000, &record), Ok(told));
        assert_eq!(open_hosts(&other, 20_000, &record), Err(RecordError::Forged));
        assert_eq!(open_hosts(&seed, 20_001, &record), Err(RecordError::Forged));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let owner = hosts_signing(&seed).verifying_key().to_bytes();
        let name = Name { owner: &owner, secret: None, period: 20_000 };
        let all = [
            hex(&owner),
            hex(&hosts_key(&seed, 20_000).unwrap().0),
            hex(&*name.body_key(RecordKind::Hosts)),
            hex(&kith_proto::group::link_secret(&seed, &DeviceId([3; 32])).0),
        ];
        assert_eq!(all.join("\n"), include_str!("../tests/vectors/hosts_v1.txt").trim_end());
    }

    #[test]
    fn a_stranger_sees_neither_the_device_nor_the_body_and_days_do_not_link() {
        let (device, _, record) = sealed();
        let bytes = record.to_bytes();
        assert!(!bytes.windows(32).any(|window| window == device.id().0));
        assert!(!bytes.windows(4).any(|window| window == [127, 0, 0, 1]));
        assert_ne!(record_key(&device.id(), &SHARED, 20_000), record_key(&device.id(), &SHARED, 20_001));
        assert_eq!(open_record(&device.id(), &SHARED, 20_001, &record), Err(RecordError::Forged));
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
        let mut forged = seal_record(&mut rng, &mallory, &SHARED, 20_000, (8, Timestamp(1_000)), &told);
        forged.blinded_key =
            Name { owner: &device.id().0, secret: Some(&SHARED), period: 20_000 }.blinded_public().unwrap();
        assert!(!verify_record(&forged));
    }
}
