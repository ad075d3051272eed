//! Making an account: the keys, the first device list, the first prekeys, as rows for an empty store.

use std::fmt;

use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceList;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::identity::PhraseError;
use kith_crypto::prekey::PrekeySecrets;
use kith_crypto::secret::Secret32;
use kith_crypto::secret::SecretBytes;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::payload::Profile;
use kith_proto::rows::Rows;
use kith_proto::rows::Write;
use kith_proto::time::Timestamp;
use zeroize::Zeroizing;

use crate::command::Refusal;
use crate::commands;
use crate::config::Config;
use crate::core::Core;
use crate::output::Output;
use crate::restore::RestoreError;
use crate::rows;
use crate::rows::AccountRow;

/// A new account. The phrase is shown once and kept nowhere.
pub struct NewAccount {
    /// The rows to commit before anything else.
    pub writes: Vec<Write>,
    /// The 24 words that bring the account back.
    pub phrase: Zeroizing<String>,
    /// The account.
    pub account: AccountId,
    /// This device.
    pub device: DeviceId,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewAccount({:?})", self.account)
    }
}

/// Why no account was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name.
    #[error(transparent)]
    Name(#[from] Refusal),
    /// The recovery phrase.
    #[error(transparent)]
    Phrase(#[from] PhraseError),
}

/// Makes an account with one device from 32 bytes of the operating system's randomness, or brings an account back by
/// its phrase: with this device in the place of all that it had.
///
/// # Errors
/// When the name is empty or too long, or the phrase is none.
pub fn create(
    entropy: [u8; 32],
    name: &str,
    phrase: Option<&str>,
    now: Timestamp,
) -> Result<NewAccount, CreateError> {
    let name: BoundedStr<_> = commands::checked_name(name)?;
    let mut core = Core::new(now, entropy, Config::default());
    let (account_secret, version) = match phrase {
        None => (AccountSecret::generate(&mut core.rng), 1),
        // The old lists are not at hand: seconds are above any number that was counted up, and above an older return.
        Some(phrase) => {
            (AccountSecret::from_phrase(phrase)?, u32::try_from(now.0 / 1_000).unwrap_or(u32::MAX))
        }
    };
    let device = DeviceSecret::generate(&mut core.rng);
    let prekeys = PrekeySecrets::generate(&mut core.rng, &device, now);
    let account = account_secret.id();
    let list = account_secret.sign_list(DeviceList {
        account,
        version,
        devices: BoundedVec::truncated(vec![device.entry(&account)]),
        revoked: BoundedVec::default(),
    });
    let row = AccountRow {
        account_seed: Some(Secret32::new(*account_secret.seed())),
        account,
        device: SecretBytes::new(&device.to_bytes()).unwrap_or_default(),
        device_list: BoundedBytes::new(list.to_bytes()).unwrap_or_default(),
        profile: Profile { version: now.0.max(1), name, status: BoundedStr::default() },
        created: now,
    };
    let mut out = Output::new();
    out.put(rows::ACCOUNT, rows::SELF, row.to_bytes());
    out.put(rows::PREKEYS, rows::SELF, prekeys.to_bytes().to_vec());
    Ok(NewAccount {
        writes: out.take_writes(),
        phrase: account_secret.phrase(),
        account,
        device: device.id(),
    })
}

/// The own account row and device secrets, if there is an account.
pub(crate) fn load(rows: &dyn Rows) -> Result<Option<(AccountRow, DeviceSecret)>, RestoreError> {
    let Some(bytes) = rows.get(rows::ACCOUNT, rows::SELF)?.map(Zeroizing::new) else { return Ok(None) };
    let damaged = RestoreError::Damaged(rows::ACCOUNT.name);
    let row = AccountRow::from_bytes(&bytes).map_err(|_| damaged.clone())?;
    let device = DeviceSecret::from_bytes(&row.device).map_err(|_| damaged)?;
    Ok(Some((row, device)))
}

/// Whose folder this is, without deriving any key.
pub(crate) fn owner(rows: &dyn Rows) -> Result<Option<AccountId>, RestoreError> {
    let Some(bytes) = rows.get(rows::ACCOUNT, rows::SELF)?.map(Zeroizing::new) else { return Ok(None) };
    let row = AccountRow::from_bytes(&bytes).map_err(|_| RestoreError::Damaged(rows::ACCOUNT.name))?;
    Ok(Some(row.account))
}

/// The seed of the device's Ed25519 key, which is also its libp2p identity; `None` when there is no account yet.
///
/// # Errors
/// When the rows cannot be read.
pub fn device_seed(rows: &dyn Rows) -> Result<Option<Zeroizing<[u8; 32]>>, RestoreError> {
    Ok(load(rows)?.map(|(_, device)| Zeroizing::new(*device.signing_seed())))
}
