//! Streams that the mailbox has not heard of yet. Whoever opens and closes them without end would fill all places with that:
//! each device has a few, and what still comes of a stream that was refused takes none.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_net::ServedEvent;
use kith_proto::id::DeviceId;

/// New streams that may wait in all: their events without weight, three for each, take a fifth of the feed's places.
const NEW_STREAMS: usize = 8_192;

/// New streams of one device: four times as many as it may have open at once.
pub(super) const NEW_STREAMS_EACH: usize = 32;

/// Streams whose refusal is remembered. The network ends such a stream before it reads anything more, so what still comes of
/// it is on the way already, among the 5,120 events that wait there at most.
const REMEMBERED: usize = 8_192;

/// Who waits and who was sent away.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    waiting: BTreeMap<u64, DeviceId>,
    of_device: BTreeMap<DeviceId, usize>,
    /// By their names, which grow: the first is the oldest.
    refused: BTreeSet<u64>,
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It goes to the mailbox.
    Goes,
    /// It is a new stream for which there is no room.
    Refused(u64),
    /// It belongs to such a stream.
    Dropped,
}

impl Lobby {
    /// An event comes; `has_room` says whether the feed takes new streams at all.
    pub(super) fn enter(&mut self, event: &ServedEvent, has_room: bool) -> Entry {
        match event {
            ServedEvent::Opened { stream, from } => {
                let waiting = self.of_device.get(&from.device).copied().unwrap_or_default();
                if has_room && self.waiting.len() < NEW_STREAMS && waiting < NEW_STREAMS_EACH {
                    self.waiting.insert(*stream, from.device);
                    self.of_device.insert(from.device, waiting + 1);
                    return Entry::Goes;
                }
                self.refused.insert(*stream);
                if self.refused.len() > REMEMBERED {
                    self.refused.pop_first();
                }
                Entry::Refused(*stream)
            }
            ServedEvent::Closed { stream } if self.refused.remove(stream) => Entry::Dropped,
            ServedEvent::Asked { stream, .. }
            | ServedEvent::Malformed { stream }
            | ServedEvent::Drained { stream, .. }
                if self.refused.contains(stream) =>
            {
                Entry::Dropped
            }
            _ => Entry::Goes,
        }
    }

    /// The mailbox takes an event.
    pub(super) fn leave(&mut self, event: &ServedEvent) {
        if let ServedEvent::Opened { stream, .. } = event
            && let Some(device) = self.waiting.remove(stream)
            && let Some(waiting) = self.of_device.get_mut(&device)
        {
            *waiting = waiting.saturating_sub(1);
            if *waiting == 0 {
                self.of_device.remove(&device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kith_net::ServedFrom;

    use super::*;

    fn opened(stream: u64, device: u64) -> ServedEvent {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&device.to_be_bytes());
        ServedEvent::Opened { stream, from: ServedFrom { device: DeviceId(id), network: 1, local: false } }
    }

    #[test]
    fn all_devices_together_have_a_share_and_nothing_is_remembered_for_ever() {
        let mut lobby = Lobby::default();
        let each = NEW_STREAMS_EACH as u64;
        let most = NEW_STREAMS as u64;
        for stream in 0..most {
            assert_eq!(lobby.enter(&opened(stream, stream / each), true), Entry::Goes);
        }
        for stream in most..4 * most {
            assert_eq!(lobby.enter(&opened(stream, stream), true), Entry::Refused(stream));
        }
        assert_eq!(lobby.refused.len(), REMEMBERED);
        for stream in 0..most {
            lobby.leave(&opened(stream, stream / each));
        }
        assert!(lobby.waiting.is_empty() && lobby.of_device.is_empty());
        assert_eq!(lobby.enter(&opened(4 * most, 1), false), Entry::Refused(4 * most), "the feed is full");
        assert_eq!(lobby.enter(&opened(4 * most + 1, 1), true), Entry::Goes);
    }

    #[test]
    fn what_still_comes_of_a_refused_stream_is_dropped_up_to_its_end() {
        let mut lobby = Lobby::default();
        assert_eq!(lobby.enter(&opened(1, 1), false), Entry::Refused(1));
        assert_eq!(lobby.enter(&ServedEvent::Malformed { stream: 1 }, true), Entry::Dropped);
        assert_eq!(lobby.enter(&ServedEvent::Closed { stream: 1 }, true), Entry::Dropped);
        assert!(lobby.refused.is_empty());
        assert_eq!(lobby.enter(&ServedEvent::Closed { stream: 2 }, true), Entry::Goes, "another's");
    }
}
