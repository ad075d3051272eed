//! Values that must be forgettable: sealed once more, under a shred key. When the key is dropped from the keyring,
//! every copy of the value in old pages is noise.

use chacha20poly1305::KeyInit as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut as _;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::error::random;

const NONCE_BYTES: usize = 24;
const NUMBER_BYTES: usize = 4;

/// The shred keys as readers and the writer use them.
pub(crate) type Keys = Vec<(u32, Zeroizing<[u8; 32]>)>;

/// Seals a value for a row with the newest key.
pub(crate) fn seal(keys: &Keys, table: &str, row: &[u8], value: &[u8]) -> Result<Vec<u8>, StoreError> {
    let (number, key) = keys.last().ok_or(StoreError::Poisoned)?;
    let nonce: [u8; NONCE_BYTES] = random()?;
    let mut sealed = Vec::with_capacity(value.len() + 16);
    sealed.extend_from_slice(value);
    XChaCha20Poly1305::new((&**key).into())
        .encrypt_in_place((&nonce).into(), &place(table, row), &mut sealed)
        .map_err(|_| StoreError::Poisoned)?;
    Ok([number.to_le_bytes().as_slice(), &nonce, &sealed].concat())
}

/// Opens a value; `None` when its key is gone or it is not this row's.
pub(crate) fn open(keys: &Keys, table: &str, row: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
    let (number, rest) = stored.split_first_chunk::<NUMBER_BYTES>()?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
    let number = u32::from_le_bytes(*number);
    let (_, key) = keys.iter().find(|(known, _)| *known == number)?;
    let mut plain = sealed.to_vec();
    XChaCha20Poly1305::new((&**key).into())
        .decrypt_in_place(nonce.into(), &place(table, row), &mut plain)
        .ok()?;
    Some(plain)
}

/// The number of the key that a stored value was sealed with.
pub(crate) fn key_number(stored: &[u8]) -> Option<u32> {
    stored.first_chunk::<NUMBER_BYTES>().map(|number| u32::from_le_bytes(*number))
}

/// A value belongs to its row: moved elsewhere it does not open.
fn place(table: &str, row: &[u8]) -> Vec<u8> {
    [table.as_bytes(), &[0], row].concat()
}
