//! The own device and its keys, and the signed device lists and prekey bundles of contacts.
//!
//! A device list only grows in version; the same version with another content is equivocation: the older list stays
//! and the case is counted. Not here: sessions made from the bundles.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_crypto::identity::AccountSecret;
use kith_crypto::identity::DeviceEntry;
use kith_crypto::identity::DeviceSecret;
use kith_crypto::identity::SignedDeviceList;
use kith_crypto::prekey::CLOCKS_APART;
use kith_crypto::prekey::PrekeyBundle;
use kith_crypto::prekey::PrekeySecrets;
use kith_crypto::prekey::VerifiedBundle;
use kith_crypto::secret::Secret32;
use kith_crypto::secret::SecretBytes;
use kith_proto::bounded::BoundedBytes;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::frame::BundleBytes;
use kith_proto::frame::DeviceListBytes;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;
use kith_proto::payload::Profile;
use kith_proto::time::Timestamp;

use crate::core::Core;
use crate::output::Output;
use crate::rows;
use crate::rows::AccountRow;
use crate::timer::TimerKey;

/// The own keys, and what is known of the devices of others.
pub(crate) struct Devices {
    /// The own account.
    pub(crate) account: AccountId,
    /// The own device's secrets.
    pub(crate) secret: DeviceSecret,
    /// The own prekeys.
    pub(crate) prekeys: PrekeySecrets,
    /// The own profile.
    pub(crate) profile: Profile,
    /// Accounts whose list became another in this input: their groups are to hear of it.
    pub(crate) renewed: BTreeSet<AccountId>,
    account_secret: Option<AccountSecret>,
    created: Timestamp,
    own_list: DeviceListBytes,
    lists: BTreeMap<AccountId, SignedDeviceList>,
    bundles: BTreeMap<DeviceId, PrekeyBundle>,
}

/// Why an introduction of a device was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotBelieved {
    /// A signature or a form is wrong.
    Forged,
    /// The list is older than the one we have, or contradicts it.
    Stale,
}

impl Devices {
    /// The own account from its rows.
    pub(crate) fn new(row: AccountRow, secret: DeviceSecret, prekeys: PrekeySecrets) -> Self {
        Self {
            account: row.account,
            secret,
            prekeys,
            profile: row.profile,
            renewed: BTreeSet::new(),
            account_secret: row.account_seed.map(|seed| AccountSecret::from_seed(*seed.as_bytes())),
            created: row.created,
            own_list: row.device_list,
            lists: BTreeMap::new(),
            bundles: BTreeMap::new(),
        }
    }

    /// Takes a list as it was stored.
    pub(crate) fn restore_list(&mut self, list: SignedDeviceList) {
        self.lists.insert(list.list.account, list);
    }

    /// Takes a bundle as it was stored.
    pub(crate) fn restore_bundle(&mut self, device: DeviceId, bundle: PrekeyBundle) {
        self.bundles.insert(device, bundle);
    }

    /// Changes the own profile.
    pub(crate) fn set_profile(&mut self, profile: Profile, out: &mut Output) {
        self.profile = profile;
        let row = AccountRow {
            account_seed: self.account_secret.as_ref().map(|secret| Secret32::new(*secret.seed())),
            account: self.account,
            device: SecretBytes::new(&self.secret.to_bytes()).unwrap_or_default(),
            device_list: self.own_list.clone(),
            profile: self.profile.clone(),
            created: self.created,
        };
        out.put(rows::ACCOUNT, rows::SELF, row.to_bytes());
    }

    /// This device.
    pub(crate) fn device(&self) -> DeviceId {
        self.secret.id()
    }

    /// The own account's key, if this device has it.
    pub(crate) fn account_secret(&self) -> Option<AccountSecret> {
        self.account_secret.as_ref().map(|secret| AccountSecret::from_seed(*secret.seed()))
    }

    /// The own signed device list.
    pub(crate) fn own_list(&self) -> DeviceListBytes {
        self.own_list.clone()
    }

    /// A bundle of own prekeys for one asker; uses up a one-time prekey.
    pub(crate) fn own_bundle(&mut self, core: &mut Core, out: &mut Output) -> BundleBytes {
        let bundle = self.prekeys.bundle(&mut core.rng, &self.secret);
        self.write_prekeys(out);
        BoundedBytes::new(bundle.to_bytes()).unwrap_or_default()
    }

    /// A bundle of own prekeys that may be given to many.
    pub(crate) fn own_bundle_for_many(&self) -> BundleBytes {
        BoundedBytes::new(self.prekeys.bundle_without_one_time(&self.secret).to_bytes()).unwrap_or_default()
    }

    /// Writes the own prekeys, after a handshake used some.
    pub(crate) fn write_prekeys(&self, out: &mut Output) {
        out.put(rows::PREKEYS, rows::SELF, self.prekeys.to_bytes().to_vec());
    }

    /// Makes new own prekeys when the old ones are due. Returns whether contacts should hear of it.
    pub(crate) fn rotate_prekeys(&mut self, core: &mut Core, out: &mut Output) -> bool {
        let again = core.now + core.config.prekeys_every;
        core.timers.set(TimerKey::Prekeys, again);
        let changed = self.prekeys.rotate(&mut core.rng, &self.secret, core.now);
        if changed {
            self.write_prekeys(out);
        }
        changed
    }

    /// Takes a device list of an account.
    pub(crate) fn learn_list(
        &mut self,
        core: &mut Core,
        out: &mut Output,
        account: &AccountId,
        bytes: &DeviceListBytes,
    ) -> Result<(), NotBelieved> {
        let signed = SignedDeviceList::from_bytes(bytes).map_err(|_| NotBelieved::Forged)?;
        signed.verify(account).map_err(|_| NotBelieved::Forged)?;
        if let Some(known) = self.lists.get(account) {
            if known.list.version == signed.list.version && known.hash() != signed.hash() {
                core.stats.equivocations += 1;
                return Err(NotBelieved::Stale);
            }
            if known.list.version >= signed.list.version {
                return Ok(());
            }
        }
        out.put(rows::DEVICE_LISTS, &account.0, bytes.to_vec());
        if self.lists.insert(*account, signed).is_some() {
            self.renewed.insert(*account);
        }
        Ok(())
    }

    /// Takes a prekey bundle of a device that is in its account's list. Returns whether it is another than before.
    pub(crate) fn learn_bundle(
        &mut self,
        core: &Core,
        out: &mut Output,
        account: &AccountId,
        device: &DeviceId,
        bytes: &BundleBytes,
    ) -> Result<bool, NotBelieved> {
        let bundle = PrekeyBundle::from_bytes(bytes).map_err(|_| NotBelieved::Forged)?;
        let entry = self.entry(account, device).ok_or(NotBelieved::Forged)?;
        bundle.verify(entry).map_err(|_| NotBelieved::Forged)?;
        // One from the future was made under a wrong clock, and must not keep out those that follow.
        let future = core.now + CLOCKS_APART;
        let newest = self.bundles.get(device).map(PrekeyBundle::made_at).filter(|made_at| *made_at <= future);
        if newest.is_some_and(|newest| newest > bundle.made_at()) {
            return Err(NotBelieved::Stale);
        }
        out.put(rows::BUNDLES, &device.0, bytes.to_vec());
        let before = self.bundles.insert(*device, bundle.clone());
        Ok(before.as_ref() != Some(&bundle))
    }

    /// The verified bundle of a device, for a handshake.
    pub(crate) fn bundle(&self, account: &AccountId, device: &DeviceId) -> Option<VerifiedBundle> {
        let bundle = self.bundles.get(device)?;
        bundle.verify(self.entry(account, device)?).ok()
    }

    /// The list of an account.
    pub(crate) fn list_of(&self, account: &AccountId) -> Option<&SignedDeviceList> {
        self.lists.get(account)
    }

    /// The entry of a device in its account's list.
    pub(crate) fn entry(&self, account: &AccountId, device: &DeviceId) -> Option<&DeviceEntry> {
        self.lists.get(account)?.list.devices.iter().find(|entry| entry.device == *device)
    }

    /// The devices that an account has by its list, revoked ones left out.
    pub(crate) fn devices_of(&self, account: &AccountId) -> Vec<DeviceId> {
        let Some(signed) = self.lists.get(account) else { return Vec::new() };
        let revoked = &signed.list.revoked;
        signed
            .list
            .devices
            .iter()
            .map(|entry| entry.device)
            .filter(|device| !revoked.contains(device))
            .collect()
    }

    /// Forgets the bundle of a device.
    pub(crate) fn forget_bundle(&mut self, out: &mut Output, device: &DeviceId) {
        if self.bundles.remove(device).is_some() {
            out.delete(rows::BUNDLES, &device.0);
        }
    }

    /// Forgets an account's list and bundles.
    pub(crate) fn forget(&mut self, out: &mut Output, account: &AccountId, devices: &[DeviceId]) {
        if self.lists.remove(account).is_some() {
            out.delete(rows::DEVICE_LISTS, &account.0);
        }
        for device in devices {
            self.forget_bundle(out, device);
        }
    }
}
