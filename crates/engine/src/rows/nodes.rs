//! The rows about nodes that are or may be mailboxes, what the owner said about them, and who knocked there. Those that got
//! a field are read in both forms, and written anew when they change.

use kith_proto::bounded::BoundedBytes;
use kith_proto::mailbox::MAX_VOUCHER_BYTES;

use super::*;

/// What a community gave out, as on the wire.
pub(crate) type Voucher = BoundedBytes<MAX_VOUCHER_BYTES>;

grown_row!(
    /// How good a node was as a mailbox.
    StandingRow {
        /// Where it answers.
        address: Multiaddress,
        /// When it was first heard of.
        known_since: Timestamp,
        /// When it last did what was asked.
        worked: Timestamp,
        /// For how long it has been away, counted while others could be reached.
        away: Span,
        /// It is not asked again before this time: it would not have us.
        refused_until: Timestamp,
        /// How long it takes to answer, in milliseconds; a mean in which the newest weigh most.
        round_trip_ms: u32,
        /// Bytes that an inbox there may still hold.
        free_bytes: u64,
        /// Days, each with streams that worked and streams that did not.
        days: BoundedVec<(u32, (u32, u32)), MAX_STANDING_DAYS>,
    } since 2 {
        /// Why it would not have us, by [`MailboxRefusal::code`](crate::view::MailboxRefusal::code); zero when it has not said no.
        refusal: u8,
    }
);

grown_row!(
    /// Somebody who asked and knew nothing but the address.
    StrangerRow {
        /// Whether the owner removed the request: it is not shown again.
        turned_away: bool,
        /// Since when.
        since: Timestamp,
    } since 2 {
        /// How much work was done to leave the request.
        work_bits: u8,
    }
);

grown_row!(
    /// What the owner of this device said about a mailbox.
    ChoiceRow {
        /// Where it answers, if it is wanted; `None` when it is not to be used.
        wanted: Option<Multiaddress>,
        /// When that was said.
        since: Timestamp,
    } since 2 {
        /// What the owner was given so that it lets this device in.
        voucher: Option<Voucher>,
    }
);
