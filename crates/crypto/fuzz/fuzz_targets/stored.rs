//! Everything that is read from a disk or from a friend: no panic, and whoever is read is written again as they were.
#![no_main]

use kith_crypto::identity::DeviceSecret;
use kith_crypto::identity::SignedDeviceList;
use kith_crypto::prekey::PrekeyBundle;
use kith_crypto::prekey::PrekeySecrets;
use kith_crypto::session::Session;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(session) = Session::from_bytes(data) {
        let bytes = session.to_bytes();
        assert!(Session::from_bytes(&bytes).is_ok_and(|again| *again.to_bytes() == *bytes));
    }
    if let Ok(prekeys) = PrekeySecrets::from_bytes(data) {
        assert!(PrekeySecrets::from_bytes(&prekeys.to_bytes()).is_ok());
    }
    if let Ok(device) = DeviceSecret::from_bytes(data) {
        assert!(*device.to_bytes() == *data);
    }
    if let Ok(bundle) = PrekeyBundle::from_bytes(data) {
        assert!(bundle.to_bytes() == data);
    }
    if let Ok(list) = SignedDeviceList::from_bytes(data) {
        assert!(list.to_bytes() == data);
        assert!(list.verify(&list.list.account).is_err(), "a signature was guessed");
    }
});
