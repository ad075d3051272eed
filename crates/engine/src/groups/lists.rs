//! Device lists inside operations.

use kith_crypto::identity::SignedDeviceList;
use kith_proto::bounded::BoundedBytes;
use kith_proto::codec::Decode as _;
use kith_proto::frame::DeviceListBytes;
use kith_proto::group::Operation;
use kith_proto::id::AccountId;
use kith_proto::id::DeviceId;

/// The devices that an operation names, each with its account. The log has checked the signature.
pub(super) fn devices_in(operation: &Operation) -> Vec<(AccountId, DeviceId)> {
    let list = operation
        .devices()
        .and_then(|(account, bytes)| Some((account, SignedDeviceList::from_bytes(bytes).ok()?)));
    let devices = list
        .iter()
        .flat_map(|(account, list)| list.list.devices.iter().map(|entry| (*account, entry.device)));
    devices.collect()
}

/// A list as operations and frames carry it.
pub(super) fn bytes_of(list: &SignedDeviceList) -> Option<DeviceListBytes> {
    use kith_proto::codec::Encode as _;
    BoundedBytes::new(list.to_bytes())
}
