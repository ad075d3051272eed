//! Requests to mailboxes and their answers.
#![no_main]

use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto_fuzz::again;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    again::<Numbered<Request>>(data);
    again::<Numbered<Answer>>(data);
});
