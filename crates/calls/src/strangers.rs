//! What others say in a call, before whoever moves its sound and pictures reads it: for those who do that outside of this crate.

use kith_proto::bounded::BoundedVec;
use kith_proto::call::Sdp;
use kith_proto::call::media::MediaCommand;

use crate::transport::webrtc::Reach;
use crate::transport::webrtc::description;
use crate::transport::webrtc::is_candidate;

/// An order without what must not be tried: candidates that are none or lead where a call has no business, and those inside a description. `None` for a
/// description that nobody should read.
pub fn checked(command: &MediaCommand, reach: Reach) -> Option<MediaCommand> {
    Some(match command {
        MediaCommand::Describe { leg, epoch, offer, sdp } => {
            let sdp = Sdp::new(description(sdp).ok()?)?;
            MediaCommand::Describe { leg: *leg, epoch: *epoch, offer: *offer, sdp }
        }
        MediaCommand::Candidates { leg, epoch, list, done } => {
            let list = list.iter().filter(|line| is_candidate(line, reach == Reach::Loopback)).cloned();
            let list = BoundedVec::truncated(list.collect());
            MediaCommand::Candidates { leg: *leg, epoch: *epoch, list, done: *done }
        }
        other => other.clone(),
    })
}
