//! Invites, as bytes and as links.
#![no_main]

use kith_proto::invite::Invite;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Invite>(data);
    if let Ok(invite) = String::from_utf8_lossy(data).parse::<Invite>() {
        assert_eq!(invite.to_string().parse::<Invite>().as_ref(), Ok(&invite));
    }
});
