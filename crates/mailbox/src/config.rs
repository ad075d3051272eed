//! Limits and intervals of a mailbox. Every number has its reason; operators and tests may change them.

use kith_proto::address::DeviceAddress;
use kith_proto::time::Span;
use kith_proto::time::Timestamp;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run; at least one.
    pub per_hour: u32,
    /// At once, after a long silence.
    pub burst: u32,
}

/// The mailbox's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Bytes that all inboxes together may be charged: 1 GiB is what a volunteer gives without noticing; a community
    /// node sets 20 GiB.
    pub capacity_bytes: u64,
    /// From this load on only those who come with a voucher may open an inbox, and only theirs take envelopes if there are
    /// vouchers at all, so that strangers cannot fill a community's node.
    pub vouchers_only_percent: u8,
    /// Inboxes at once: twice what one community node is meant for, because each lives for two periods.
    pub inboxes: u32,
    /// Queues of all inboxes: about 25 contacts for each of 20,000 inboxes, some 150 MB of rows.
    pub queues: u32,
    /// Bytes one inbox may be charged: three weeks of 1,000 short messages a day.
    pub inbox_bytes: u64,
    /// Queues of one inbox: as many contacts as the engine allows, and one at which strangers knock.
    pub inbox_queues: u32,
    /// Envelopes in one queue: a long day of one chatty friend.
    pub queue_envelopes: u32,
    /// Bytes of one queue: an eighth of the inbox, so that one contact cannot keep the others out.
    pub queue_bytes: u64,
    /// Envelopes in a queue at which strangers knock: more requests than anybody reads in a period. When there are so many,
    /// the one with the least work gives way to one with more.
    pub knock_envelopes: u32,
    /// The largest size class of an envelope that knocks: a first request with its keys takes 4 or 16 KiB.
    pub knock_class: u8,
    /// How long an inbox takes envelopes after it was registered: as long as the descriptor that names it is valid.
    pub lease: Span,
    /// How long the names of deleted envelopes are known, so that a late repetition is not taken as new. Senders
    /// repeat for minutes to hours.
    pub memory: Span,
    /// A reader that was not heard of for so long does not keep envelopes from being deleted any more. Longer than any
    /// message is kept; shorter, and a holiday would lose some.
    pub silence: Span,
    /// Whether anybody may open an inbox.
    pub open: bool,
    /// Bits of work for which anybody may open an inbox; `None`: not for work. 2^22 hashes take about a second.
    pub opening_bits: Option<u8>,
    /// Hashes ([`crate::voucher_hash`]) of vouchers that open inboxes.
    pub vouchers: Vec<[u8; 32]>,
    /// Bits of work for knocking at an empty queue in a quiet hour: 2^20 hashes, a quarter of a second.
    pub knock_bits: u8,
    /// How many bits are added until a queue of strangers is full: the last place costs 64 times the first.
    pub knock_rise_bits: u8,
    /// Knocks an hour on all queues above which each doubling adds a bit.
    pub knocks_calm: u32,
    /// Streams at once: as many as a community node has connections; each costs about a kilobyte and its window.
    pub streams: u32,
    /// Streams of one source, unless it is local: a household or a small office behind one address.
    pub streams_per_source: u32,
    /// Sources whose rates are known at once; more share one rate. 100 bytes each.
    pub sources: usize,
    /// Local sources may do this many times as much: everybody on this machine or network shares one name.
    pub local_ease: u32,
    /// Requests of any kind from one source.
    pub requests: Rate,
    /// Signatures to check from one source; checking one takes 50 µs. At once far more than one registration can hold
    /// (`MAX_QUEUES`), which is checked as a whole or not at all.
    pub checks: Rate,
    /// New inboxes from one source: a device opens two at first, which count as one, and then one every 14 days, so a school
    /// behind one address may begin in one lesson, with 512 devices. Strangers are slowed by the work that each inbox costs, and kept from
    /// the last tenth.
    pub openings: Rate,
    /// Deposits into one queue: twice all that a queue holds at once, for a program that writes while its reader empties
    /// it; then as many a second as cost nothing to check.
    pub deposits: Rate,
    /// Queues whose rates are known at once; beyond it the fullest quotas must do. 50 bytes each.
    pub busy_queues: usize,
    /// How many checks a signature that does not hold costs in addition.
    pub bad_signature_checks: u32,
    /// Bytes given to one stream and not written yet, above which no more are made: at 63 ms it allows 16 MB/s.
    pub window_bytes: u64,
    /// The same for all streams; above it a stream gets one answer at a time.
    pub windows_bytes: u64,
    /// Bytes not written above which a stream is closed: who asks and does not read.
    pub unread_bytes: u64,
    /// Envelopes asked for and not handed over yet, per stream.
    pub gets: usize,
    /// How long a stream may be open before it says anything.
    pub hello_within: Span,
    /// How long a stream without subscription may be silent.
    pub idle_within: Span,
    /// Rows that one wake-up removes, so that a commit stays short.
    pub slice_rows: usize,
    /// The pause between two slices, in which requests are served.
    pub slice_pause: Span,
    /// Set while the disk is nearly full: neither envelopes nor new inboxes are taken; what is there is given and
    /// deleted, and inboxes are renewed.
    pub is_short: bool,
    /// Set when the mailbox goes away: who takes its place, and until when what it holds can be fetched.
    pub moved: Option<(DeviceAddress, Timestamp)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            capacity_bytes: 1 << 30,
            vouchers_only_percent: 90,
            inboxes: 20_000,
            queues: 500_000,
            inbox_bytes: 32 << 20,
            inbox_queues: 5_001,
            queue_envelopes: 1_024,
            queue_bytes: 4 << 20,
            knock_envelopes: 20,
            knock_class: 2,
            lease: Span::from_days(30),
            memory: Span::from_hours(48),
            silence: Span::from_days(30),
            open: false,
            opening_bits: Some(22),
            vouchers: Vec::new(),
            knock_bits: 20,
            knock_rise_bits: 6,
            knocks_calm: 60,
            streams: 4_096,
            streams_per_source: 64,
            sources: 16_384,
            local_ease: 64,
            requests: Rate { per_hour: 360_000, burst: 4_096 },
            checks: Rate { per_hour: 180_000, burst: 4_096 },
            openings: Rate { per_hour: 60, burst: 512 },
            deposits: Rate { per_hour: 72_000, burst: 2_048 },
            busy_queues: 65_536,
            bad_signature_checks: 16,
            window_bytes: 1 << 20,
            windows_bytes: 64 << 20,
            unread_bytes: 2 << 20,
            gets: 16_384,
            hello_within: Span::from_secs(30),
            idle_within: Span::from_minutes(10),
            slice_rows: 1_024,
            slice_pause: Span::from_millis(5),
            is_short: false,
            moved: None,
        }
    }
}
