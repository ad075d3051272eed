//! What the engine wants at this moment, apart from the orders that lead there. Orders wait in a queue, which has an end, while something
//! else is done; wishes need no room and do not wait. So whoever mutes themselves or hangs up is not heard any more, whatever else goes wrong.

use std::collections::BTreeMap;

use kith_proto::call::Media;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::Opening;
use kith_proto::id::CallId;

/// An order about one connection.
#[derive(Debug)]
pub(crate) struct Order {
    /// The opening of the leg that it belongs to.
    pub(crate) number: u64,
    pub(crate) command: MediaCommand,
}

/// What is wanted.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The connections: the numbers of their openings, and the epochs that they began with.
    legs: BTreeMap<LegId, (u64, u32)>,
    media: Option<(CallId, Media)>,
    servers: IceServers,
    openings: u64,
    ended: bool,
}

impl Wanted {
    /// A connection is wanted, and with it what is sent and which servers are used. Returns the number of the opening; nothing when
    /// it is open.
    pub(crate) fn open(&mut self, opening: &Opening) -> Option<u64> {
        let &Opening { leg, epoch, media, .. } = opening;
        if self.ended || self.legs.contains_key(&leg) {
            return None;
        }
        self.openings += 1;
        self.media = Some((leg.call, media));
        self.servers = opening.servers.clone();
        self.legs.insert(leg, (self.openings, epoch));
        Some(self.openings)
    }

    /// Something else is sent. Returns whether that is news.
    pub(crate) fn set_media(&mut self, call: CallId, media: Media) -> bool {
        let known = self.legs.keys().any(|leg| leg.call == call);
        known && self.media.replace((call, media)) != Some((call, media))
    }

    /// Other servers are used when a way is looked for next. Returns whether that is news.
    pub(crate) fn set_servers(&mut self, servers: IceServers) -> bool {
        let news = !self.legs.is_empty() && self.servers != servers;
        if news {
            self.servers = servers;
        }
        news
    }

    /// A connection is not wanted any more. Returns whether that is news.
    pub(crate) fn close(&mut self, leg: &LegId) -> bool {
        self.legs.remove(leg).is_some()
    }

    /// Nothing is wanted any more, for good.
    pub(crate) fn end(&mut self) {
        self.legs.clear();
        self.ended = true;
    }

    /// The opening of a leg.
    pub(crate) fn opening(&self, leg: &LegId) -> Option<u64> {
        self.legs.get(leg).map(|(number, _)| *number)
    }

    /// The epoch that a leg was opened with; zero for none.
    pub(crate) fn opened(&self, leg: &LegId) -> u32 {
        self.legs.get(leg).map_or(0, |(_, epoch)| *epoch)
    }

    /// What is sent, once anything was.
    pub(crate) fn media(&self) -> Option<Media> {
        self.media.map(|(_, media)| media)
    }

    /// Which servers are used when a way is looked for.
    pub(crate) fn servers(&self) -> &IceServers {
        &self.servers
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use kith_proto::bounded::BoundedStr;
    use kith_proto::bounded::BoundedVec;
    use kith_proto::call::Capabilities;
    use kith_proto::call::media::IceServer;
    use kith_proto::call::media::Side;
    use kith_proto::call::media::Ways;
    use kith_proto::id::DeviceId;

    use super::*;

    fn opening(call: CallId, media: Media) -> Opening {
        Opening {
            leg: LegId { call, device: DeviceId([3; 32]) },
            epoch: 1,
            side: Side::Offers,
            polite: false,
            ways: Ways::Any,
            media,
            theirs: Capabilities::OPUS,
            servers: BoundedVec::default(),
            sealed: false,
        }
    }

    fn servers(count: u8) -> IceServers {
        let server = |host| IceServer {
            url: BoundedStr::truncated(format!("turn:192.0.2.{host}:3478")),
            user: BoundedStr::default(),
            password: BoundedStr::default(),
        };
        BoundedVec::truncated((0..count).map(server).collect())
    }

    #[test]
    fn what_is_wanted_is_what_was_said_last() {
        let (call, other) = (CallId([1; 16]), CallId([2; 16]));
        let leg = opening(call, Media::AUDIO).leg;
        let muted = Media { microphone: false, ..Media::AUDIO };
        let mut wanted = Wanted::default();
        assert!(!wanted.set_media(call, muted), "no such call is open");
        let first = wanted.open(&opening(call, Media::AUDIO));
        assert_eq!(wanted.open(&opening(call, Media::VIDEO)), None, "it is open");
        assert!(wanted.set_media(call, muted) && !wanted.set_media(call, muted));
        assert!(!wanted.set_media(other, Media::VIDEO));
        assert_eq!(wanted.media(), Some(muted));
        assert!(wanted.set_servers(servers(1)) && !wanted.set_servers(servers(1)));
        assert_eq!(*wanted.servers(), servers(1));
        assert!(wanted.close(&leg) && !wanted.close(&leg));
        let second = wanted.open(&opening(call, Media::AUDIO));
        assert_ne!(second, first, "orders for the first opening mean nothing in the second");
        assert_eq!(wanted.opening(&leg), second);
        assert_eq!(*wanted.servers(), servers(0), "each opening names its own");
        wanted.end();
        assert_eq!((wanted.opening(&leg), wanted.open(&opening(other, Media::AUDIO))), (None, None));
    }
}
