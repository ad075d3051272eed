//! Limits and intervals of the engine. Every number has its reason; tests and simulations may change them.

use kith_proto::time::Span;

/// The engine's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Messages to one device that may be under way without a receipt. Enough for 10,000 messages a second at a
    /// round trip of 100 ms including both commits, and below half of what a session may skip (`MAX_SKIP`).
    pub window_items: usize,
    /// The same in bytes of envelopes, so that long texts do not fill the stream.
    pub window_bytes: usize,
    /// Messages that may wait for one device before the writer is told to stop: 100,000 short texts are about
    /// 20 MB of memory, and nobody reads more at once.
    pub outbox_items: usize,
    /// Payloads that may wait for a gap before them, per device.
    pub held_items: usize,
    /// Bytes of such payloads: a whole window that waits for its first.
    pub held_bytes: usize,
    /// How long a chat's last line may be in the list, in characters.
    pub preview_chars: usize,
    /// How long an invite is valid when its maker does not say.
    pub invite_life: Span,
    /// Invites that may be open at once; more are forgotten links.
    pub invites: usize,
    /// Contacts; a few kB of memory each.
    pub contacts: usize,
    /// Requests waiting for an answer; beyond it new ones are refused, so that a leaked link cannot flood.
    pub incoming_requests: usize,
    /// Of these, requests from strangers who knew only the address: as many as anybody looks through.
    pub incoming_knocks: usize,
    /// Members up to whose number a group is small: everybody is connected with everybody, and posts go to each device. Above,
    /// through topics. Each post is sealed for each device, and 64 of them are what a slow line carries in a second.
    pub direct_members: usize,
    /// Devices without a contact that may hold a direct stream at once.
    pub strangers: usize,
    /// The first pause after a failed dial. It doubles up to [`Config::dial_pause_max`].
    pub dial_pause_min: Span,
    /// The longest pause between two dials of the same device.
    pub dial_pause_max: Span,
    /// Dials and look-ups under way at once, so that a long contact list does not start a storm.
    pub dials_at_once: usize,
    /// A dial that reported nothing for so long is taken as failed.
    pub dial_timeout: Span,
    /// How long sent messages may go without a receipt on a live connection before the devices compare notes.
    pub probe_after: Span,
    /// After a broken stream, how long until it is opened again.
    pub stream_pause: Span,
    /// Own address records in the DHT are renewed this often; they live four times as long.
    pub publish_every: Span,
    /// Several listeners start at once; their addresses are published together after this pause.
    pub publish_pause: Span,
    /// The pause after the first repair of a session with a device; it grows tenfold up to an hour.
    pub repair_pause: Span,
    /// How often own prekeys are looked at for rotation.
    pub prekeys_every: Span,
    /// Bootstrap nodes that whoever started the program named, as they were written. They are shown, and not kept.
    pub bootstraps: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            window_items: 1_000,
            window_bytes: 4 << 20,
            outbox_items: 100_000,
            held_items: 1_024,
            held_bytes: 5 << 20,
            preview_chars: 120,
            invite_life: Span::from_days(7),
            invites: 64,
            contacts: 5_000,
            incoming_requests: 200,
            incoming_knocks: 50,
            direct_members: 32,
            strangers: 256,
            dial_pause_min: Span::from_millis(500),
            dial_pause_max: Span::from_minutes(2),
            dials_at_once: 32,
            dial_timeout: Span::from_secs(30),
            probe_after: Span::from_secs(15),
            stream_pause: Span::from_secs(1),
            publish_every: Span::from_hours(6),
            publish_pause: Span::from_millis(50),
            repair_pause: Span::from_secs(6),
            prekeys_every: Span::from_hours(6),
            bootstraps: Vec::new(),
        }
    }
}
