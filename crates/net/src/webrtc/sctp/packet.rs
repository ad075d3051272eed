//! Packets of SCTP (RFC 9260, resets of streams RFC 6525) as bytes: a header and chunks. What is not understood is left out,
//! what is cut short ends a packet; nothing here remembers anything.

/// Source and destination port, tag, checksum.
const HEADER: usize = 12;

/// Kind, flags, length.
const CHUNK_HEADER: usize = 4;

/// What comes before the payload of a piece of data.
pub(super) const DATA_HEADER: usize = 16;

/// Every data channel uses this port at both ends (RFC 8841).
const PORT: u16 = 5_000;

const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const HEARTBEAT: u8 = 4;
const HEARTBEAT_ACK: u8 = 5;
const ABORT: u8 = 6;
const SHUTDOWN: u8 = 7;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
const RECONFIG: u8 = 130;

const HEARTBEAT_PARAM: u16 = 1;
const COOKIE_PARAM: u16 = 7;
const EXTENSIONS_PARAM: u16 = 0x8008;
const OUTGOING_RESET: u16 = 13;
const RESPONSE: u16 = 16;
/// Every request to change something lies between these two.
const REQUESTS: std::ops::RangeInclusive<u16> = 13..=18;

/// The last piece of a message, and the first.
pub(super) const END: u8 = 1;
pub(super) const BEGIN: u8 = 2;

/// A piece of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Data<'a> {
    pub(super) flags: u8,
    pub(super) number: u32,
    pub(super) stream: u16,
    pub(super) turn: u16,
    pub(super) kind: u32,
    pub(super) payload: &'a [u8],
}

/// How a side begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webrtc) struct Init {
    pub(in crate::webrtc) tag: u32,
    pub(in crate::webrtc) window: u32,
    /// Streams that it will send on, and that it takes.
    pub(in crate::webrtc) out: u16,
    pub(in crate::webrtc) taken: u16,
    pub(in crate::webrtc) number: u32,
}

/// What a side has received: everything up to a number, and ranges above it, counted from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sack<'a> {
    pub(super) number: u32,
    pub(super) window: u32,
    blocks: &'a [u8],
}

impl Sack<'_> {
    /// First and last of each range.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (u16, u16)> {
        self.blocks.chunks_exact(4).filter_map(|block| Some((short(block, 0)?, short(block, 2)?)))
    }
}

/// One request, or one answer, about streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reconfig<'a> {
    /// The sender will begin anew on these streams, after the piece with this number.
    Reset {
        request: u32,
        last: u32,
        streams: &'a [u8],
    },
    /// Something else that is asked for and not done here.
    Other {
        request: u32,
    },
    Response {
        request: u32,
        result: u32,
    },
}

/// The streams of a reset.
pub(super) fn streams(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).filter_map(|stream| short(stream, 0))
}

/// A chunk of a packet, as far as it means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk<'a> {
    Data(Data<'a>),
    Init(Init),
    Sack(Sack<'a>),
    Heartbeat(&'a [u8]),
    HeartbeatAck(&'a [u8]),
    Abort,
    Shutdown,
    CookieEcho(&'a [u8]),
    Reconfig(&'a [u8]),
}

/// A packet whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) tag: u32,
    chunks: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the header; `None` for what is not a packet for this port.
    pub(super) fn read(packet: &'a [u8]) -> Option<Self> {
        let (header, chunks) = packet.split_at_checked(HEADER)?;
        let sum = u32::from_le_bytes(header.get(8..)?.try_into().ok()?);
        let is_whole = crc32c(&[header.get(..8)?, &[0; 4], chunks]) == sum;
        let is_ours = short(header, 2)? == PORT;
        (is_whole && is_ours).then_some(Self { tag: long(header, 4)?, chunks })
    }

    /// What is in it, up to the first chunk that is malformed or forbids to go on.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let mut rest = self.chunks;
        std::iter::from_fn(move || {
            loop {
                let (kind, flags, length) = (*rest.first()?, *rest.get(1)?, usize::from(short(rest, 2)?));
                let body = rest.get(CHUNK_HEADER..length)?;
                // The padding of the last one may be missing.
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
                match chunk(kind, flags, body) {
                    Some(chunk) => return Some(chunk),
                    // What is unknown and has the upper bit is skipped, other unknown things end the packet.
                    None if kind & 0x80 != 0 || kind <= COOKIE_ACK => {}
                    None => return None,
                }
            }
        })
    }
}

fn chunk(kind: u8, flags: u8, body: &[u8]) -> Option<Chunk<'_>> {
    Some(match kind {
        DATA => {
            let payload = body.get(DATA_HEADER - CHUNK_HEADER..).filter(|payload| !payload.is_empty())?;
            let (number, stream, turn, kind) =
                (long(body, 0)?, short(body, 4)?, short(body, 6)?, long(body, 8)?);
            Chunk::Data(Data { flags, number, stream, turn, kind, payload })
        }
        INIT => Chunk::Init(Init {
            tag: long(body, 0)?,
            window: long(body, 4)?,
            out: short(body, 8)?,
            taken: short(body, 10)?,
            number: long(body, 12)?,
        }),
        SACK => {
            let blocks = body.get(12..12 + 4 * usize::from(short(body, 8)?))?;
            Chunk::Sack(Sack { number: long(body, 0)?, window: long(body, 4)?, blocks })
        }
        HEARTBEAT => Chunk::Heartbeat(body),
        HEARTBEAT_ACK => Chunk::HeartbeatAck(body.get(4..)?),
        ABORT => Chunk::Abort,
        SHUTDOWN => Chunk::Shutdown,
        COOKIE_ECHO => Chunk::CookieEcho(body),
        RECONFIG => Chunk::Reconfig(body),
        _ => return None,
    })
}

/// What a chunk about streams asks and answers: two things at most.
pub(super) fn reconfigs(mut body: &[u8]) -> impl Iterator<Item = Reconfig<'_>> {
    std::iter::from_fn(move || {
        let (kind, length) = (short(body, 0)?, usize::from(short(body, 2)?));
        let value = body.get(4..length)?;
        body = body.get(length.next_multiple_of(4)..).unwrap_or_default();
        let request = long(value, 0)?;
        match kind {
            OUTGOING_RESET => {
                Some(Reconfig::Reset { request, last: long(value, 8)?, streams: value.get(12..)? })
            }
            RESPONSE => Some(Reconfig::Response { request, result: long(value, 4)? }),
            kind if REQUESTS.contains(&kind) => Some(Reconfig::Other { request }),
            _ => None,
        }
    })
    .take(2)
}

/// A packet that is being written.
#[derive(Debug)]
pub(in crate::webrtc) struct Writer(Vec<u8>);

impl Writer {
    /// An empty packet for whoever has given us this tag.
    pub(in crate::webrtc) fn new(tag: u32, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend(PORT.to_be_bytes());
        bytes.extend(PORT.to_be_bytes());
        bytes.extend(tag.to_be_bytes());
        bytes.extend([0; 4]);
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == HEADER
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The whole packet, with its checksum.
    pub(in crate::webrtc) fn finish(mut self) -> Vec<u8> {
        let sum = crc32c(&[&self.0]);
        self.0.splice(8..HEADER, sum.to_le_bytes());
        self.0
    }

    pub(super) fn data(&mut self, data: &Data<'_>) {
        let (number, stream, turn, kind) = (
            data.number.to_be_bytes(),
            data.stream.to_be_bytes(),
            data.turn.to_be_bytes(),
            data.kind.to_be_bytes(),
        );
        self.chunk(DATA, data.flags, &[&number, &stream, &turn, &kind, data.payload]);
    }

    pub(super) fn sack(&mut self, number: u32, window: u32, blocks: &[(u16, u16)]) {
        let flat: Vec<u8> = blocks
            .iter()
            .flat_map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()].concat())
            .collect();
        let counts = [u16::try_from(blocks.len()).unwrap_or_default().to_be_bytes(), [0; 2]].concat();
        self.chunk(SACK, 0, &[&number.to_be_bytes(), &window.to_be_bytes(), &counts, &flat]);
    }

    /// The answer to a beginning. We know resets of streams, and nothing else that has to be said.
    pub(super) fn init_ack(&mut self, init: &Init, cookie: &[u8]) {
        let mut extensions = param(EXTENSIONS_PARAM, &[&[RECONFIG]]);
        extensions.resize(extensions.len().next_multiple_of(4), 0);
        self.init_as(INIT_ACK, init, &[extensions, param(COOKIE_PARAM, &[cookie])].concat());
    }

    fn init_as(&mut self, kind: u8, init: &Init, params: &[u8]) {
        let (tag, window, number) =
            (init.tag.to_be_bytes(), init.window.to_be_bytes(), init.number.to_be_bytes());
        let (out, taken) = (init.out.to_be_bytes(), init.taken.to_be_bytes());
        self.chunk(kind, 0, &[&tag, &window, &out, &taken, &number, params]);
    }

    pub(super) fn cookie_ack(&mut self) {
        self.chunk(COOKIE_ACK, 0, &[]);
    }

    pub(super) fn heartbeat(&mut self, info: &[u8]) {
        self.chunk(HEARTBEAT, 0, &[&param(HEARTBEAT_PARAM, &[info])]);
    }

    pub(super) fn heartbeat_ack(&mut self, info: &[u8]) {
        self.chunk(HEARTBEAT_ACK, 0, &[info]);
    }

    pub(super) fn abort(&mut self) {
        self.chunk(ABORT, 0, &[]);
    }

    pub(super) fn reset(&mut self, request: u32, last: u32, streams: &[u16]) {
        let streams: Vec<u8> = streams.iter().flat_map(|stream| stream.to_be_bytes()).collect();
        let asks = [&request.to_be_bytes()[..], &[0; 4], &last.to_be_bytes(), &streams];
        self.chunk(RECONFIG, 0, &[&param(OUTGOING_RESET, &asks)]);
    }

    pub(super) fn response(&mut self, request: u32, result: u32) {
        let says = param(RESPONSE, &[&request.to_be_bytes(), &result.to_be_bytes()]);
        self.chunk(RECONFIG, 0, &[&says]);
    }

    /// What only the other side says: for tests and fuzzers.
    pub(in crate::webrtc) fn init(&mut self, init: &Init) {
        self.init_as(INIT, init, &[]);
    }

    /// As `init`.
    pub(in crate::webrtc) fn cookie_echo(&mut self, cookie: &[u8]) {
        self.chunk(COOKIE_ECHO, 0, &[cookie]);
    }

    /// Any chunk: for tests and fuzzers.
    pub(in crate::webrtc) fn raw(&mut self, kind: u8, flags: u8, body: &[u8]) {
        self.chunk(kind, flags, &[body]);
    }

    fn chunk(&mut self, kind: u8, flags: u8, parts: &[&[u8]]) {
        let length = CHUNK_HEADER + parts.iter().map(|part| part.len()).sum::<usize>();
        self.0.extend([kind, flags]);
        self.0.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        parts.iter().for_each(|part| self.0.extend_from_slice(part));
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

fn param(kind: u16, parts: &[&[u8]]) -> Vec<u8> {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut param = kind.to_be_bytes().to_vec();
    param.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    parts.iter().for_each(|part| param.extend_from_slice(part));
    param
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The checksum of SCTP over parts that follow each other.
fn crc32c(parts: &[&[u8]]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        let place = usize::from(sum.to_le_bytes()[0] ^ byte);
        (sum >> 8) ^ TABLE.get(place).copied().unwrap_or_default()
    };
    !parts.iter().fold(!0, |sum, part| part.iter().fold(sum, step))
}

/// The checksum of each byte.
#[expect(clippy::indexing_slicing, reason = "the compiler computes it, and refuses to go outside")]
static TABLE: [u32; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < 256 {
        let (mut sum, mut bit) = (byte as u32, 0);
        while bit < 8 {
            sum = (sum >> 1) ^ (0x82f6_3b78 & (sum & 1).wrapping_neg());
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new(7, 0);
        fill(&mut writer);
        writer.finish()
    }

    #[test]
    fn what_is_written_is_read() {
        let data = Data { flags: BEGIN | END, number: 9, stream: 2, turn: 3, kind: 53, payload: b"hello" };
        let bytes = written(|writer| {
            writer.sack(5, 6, &[(2, 3), (9, 9)]);
            writer.raw(0xc0, 0, &[1; 7]);
            writer.reset(1, 2, &[4, 6]);
            writer.response(3, 1);
            writer.data(&data);
        });
        let packet = Packet::read(&bytes).unwrap();
        let chunks: Vec<_> = packet.chunks().collect();
        assert_eq!((packet.tag, chunks.len()), (7, 4));
        let Chunk::Sack(sack) = chunks[0] else { panic!("{chunks:?}") };
        assert_eq!((sack.number, sack.window), (5, 6));
        assert_eq!(sack.blocks().collect::<Vec<_>>(), [(2, 3), (9, 9)]);
        let Chunk::Reconfig(body) = chunks[1] else { panic!("{chunks:?}") };
        let Some(Reconfig::Reset { request: 1, last: 2, streams: bytes }) = reconfigs(body).next() else {
            panic!("{body:?}")
        };
        assert_eq!(streams(bytes).collect::<Vec<_>>(), [4, 6]);
        let Chunk::Reconfig(body) = chunks[2] else { panic!("{chunks:?}") };
        assert_eq!(reconfigs(body).next(), Some(Reconfig::Response { request: 3, result: 1 }));
        assert_eq!(chunks[3], Chunk::Data(data));
    }

    #[test]
    fn a_packet_that_is_damaged_or_for_another_port_is_none() {
        assert_eq!(crc32c(&[b"1234", b"56789"]), 0xe306_9283);
        let bytes = written(Writer::cookie_ack);
        assert!(Packet::read(&bytes).is_some());
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(Packet::read(&changed).is_none());
            assert!(Packet::read(&bytes[..place]).is_none());
        }
        let mut other = Writer::new(7, 0);
        other.0[3] = 0;
        assert!(Packet::read(&other.finish()).is_none());
    }

    #[test]
    fn chunks_that_are_cut_short_end_a_packet() {
        let of = |chunks: &[u8]| {
            let mut writer = Writer::new(7, 0);
            writer.0.extend_from_slice(chunks);
            Packet::read(&writer.finish()).unwrap().chunks().count()
        };
        assert_eq!(of(&[]), 0);
        assert_eq!(of(&[6, 0, 0]), 0);
        assert_eq!(of(&[6, 0, 0, 3, 6, 0, 0, 4]), 0, "shorter than its header");
        assert_eq!(of(&[6, 0, 0, 9]), 0, "longer than the packet");
        assert_eq!(of(&[6, 0, 0, 4, 6, 0, 0, 4]), 2);
        assert_eq!(
            of(&[3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 9, 0, 0, 6, 0, 0, 4]),
            1,
            "ranges that are not there"
        );
        assert_eq!(of(&[0x3f, 0, 0, 4, 6, 0, 0, 4]), 0, "an unknown chunk that forbids to go on");
        assert_eq!(of(&[0xbf, 0, 0, 4, 6, 0, 0, 4]), 1, "one that may be skipped");
        assert_eq!(reconfigs(&[0, 13, 0, 8, 0, 0, 0, 1]).count(), 0);
        assert_eq!(reconfigs(&[0, 14, 0, 8, 0, 0, 0, 1]).next(), Some(Reconfig::Other { request: 1 }));
        assert_eq!(reconfigs(&[0, 0, 0, 0]).count(), 0);
    }
}
