//! What one peer may make DTLS remember and search. It comes from a library that keeps what comes early, and before the
//! handshake anybody can send: so records and the fragments in them are read and counted before it sees them. What is
//! not well formed is dropped and ends nothing, as it may be from somebody else.

/// Datagrams and bytes of one handshake: a certificate in small pieces, each of them sent a few times, fits.
const SHAKE_DATAGRAMS: u32 = 64;
const SHAKE_BYTES: usize = 64 << 10;

/// Datagrams with handshakes after the handshake: a peer repeats its last words until it has ours.
const REPEATS: u32 = 32;

/// Handshakes of one connection, and the fragments in them that anybody can read. What comes together again from them is
/// searched for fragment by fragment, so they are few; a post-quantum hello and a long certificate fit several times.
const MAX_HANDSHAKES: usize = 64;
const MAX_FRAGMENTS: usize = 64;

/// Records of any kind before there are keys: they are kept, and tried again.
const SHAKE_RECORDS: usize = 128;

/// The longest message of a handshake.
const MAX_HANDSHAKE: usize = 16 << 10;

/// The longest record with a handshake that is encrypted: only the last word is, which has 24 bytes.
const MAX_SEALED: usize = 128;

/// Kinds of records: change of keys, alert, handshake, data. Nobody agreed on others.
const KINDS: std::ops::RangeInclusive<u8> = 20..=23;
const HANDSHAKE: u8 = 22;
const RECORD_HEADER: usize = 13;
const FRAGMENT_HEADER: usize = 12;
const CLIENT_HELLO: u8 = 1;

/// What is done with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    Drop,
    HangUp,
}

/// What one peer did so far.
#[derive(Debug, Default)]
pub(super) struct Guard {
    datagrams: u32,
    bytes: usize,
    repeats: u32,
    seen: Shape,
}

/// What is in a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shape {
    records: usize,
    handshakes: usize,
    fragments: usize,
}

impl Guard {
    /// A datagram of DTLS, before it is decrypted.
    pub(super) fn datagram(&mut self, datagram: &[u8], is_secure: bool) -> Verdict {
        if !is_secure {
            self.datagrams += 1;
            self.bytes += datagram.len();
            if self.datagrams > SHAKE_DATAGRAMS || self.bytes > SHAKE_BYTES {
                return Verdict::HangUp;
            }
        }
        let Some(shape) = Shape::read(datagram) else { return Verdict::Drop };
        if is_secure && shape.handshakes == 0 {
            return Verdict::Take;
        }
        let over = if is_secure { Verdict::Drop } else { Verdict::HangUp };
        let records = self.seen.records + if is_secure { 0 } else { shape.records };
        let handshakes = self.seen.handshakes + shape.handshakes;
        let fragments = self.seen.fragments + shape.fragments;
        let repeats = self.repeats + u32::from(is_secure);
        let is_too_much = records > SHAKE_RECORDS
            || handshakes > MAX_HANDSHAKES
            || fragments > MAX_FRAGMENTS
            || repeats > REPEATS;
        if is_too_much {
            return over;
        }
        (self.seen, self.repeats) = (Shape { records, handshakes, fragments }, repeats);
        Verdict::Take
    }
}

/// Whether a handshake begins with this: the first fragment of a hello, in the clear.
pub(super) fn begins(datagram: &[u8]) -> bool {
    let is_zero =
        |from: usize, to: usize| datagram.get(from..to).is_some_and(|it| it.iter().all(|it| *it == 0));
    datagram.first() == Some(&HANDSHAKE)
        && is_zero(3, 5)
        && datagram.get(RECORD_HEADER) == Some(&CLIENT_HELLO)
        && is_zero(RECORD_HEADER + 6, RECORD_HEADER + 9)
        && Shape::read(datagram).is_some()
}

impl Shape {
    /// `None` if it is not whole records with whole fragments.
    fn read(mut datagram: &[u8]) -> Option<Self> {
        let mut shape = Self::default();
        while !datagram.is_empty() {
            let (header, rest) = datagram.split_at_checked(RECORD_HEADER)?;
            let kind = *header.first()?;
            let is_plain = header.get(3..5)? == [0, 0];
            let length = number(header.get(11..)?);
            let (body, rest) = rest.split_at_checked(length)?;
            if !KINDS.contains(&kind) || body.is_empty() {
                return None;
            }
            shape.records += 1;
            if kind == HANDSHAKE {
                shape.handshakes += 1;
                match is_plain {
                    true => shape.fragments += fragments(body)?,
                    false if body.len() > MAX_SEALED => return None,
                    false => {}
                }
            }
            datagram = rest;
        }
        Some(shape)
    }
}

/// How many fragments are in a handshake record; `None` if the library would read others than these.
fn fragments(mut body: &[u8]) -> Option<usize> {
    let mut count = 0;
    while !body.is_empty() {
        let (header, rest) = body.split_at_checked(FRAGMENT_HEADER)?;
        let whole = number(header.get(1..4)?);
        let (offset, length) = (number(header.get(6..9)?), number(header.get(9..)?));
        // A part of a message is the last in its record: the library takes all that is there for it.
        let is_good = whole <= MAX_HANDSHAKE
            && length == whole.min(rest.len())
            && (length > 0 || whole == 0)
            && offset + length <= whole;
        if !is_good {
            return None;
        }
        count += 1;
        body = rest.get(length..)?;
    }
    Some(count)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 1], &length[..], body].concat()
    }

    /// A fragment that says so of itself, with so many bytes.
    fn fragment(whole: u32, offset: u32, length: u32, bytes: usize) -> Vec<u8> {
        let three = |number: u32| number.to_be_bytes()[1..].to_vec();
        let header = [vec![CLIENT_HELLO], three(whole), vec![0, 0], three(offset), three(length)].concat();
        [header, vec![7; bytes]].concat()
    }

    fn hello() -> Vec<u8> {
        record(HANDSHAKE, 0, &fragment(20, 0, 20, 20))
    }

    #[test]
    fn a_handshake_has_a_size_and_is_not_repeated_for_ever() {
        let mut guard = Guard::default();
        assert!((0..SHAKE_DATAGRAMS).all(|_| guard.datagram(&hello(), false) == Verdict::Take));
        assert_eq!(guard.datagram(&hello(), false), Verdict::HangUp);
        let mut guard = Guard::default();
        assert_eq!(guard.datagram(&[0; SHAKE_BYTES + 1], false), Verdict::HangUp);
        let mut guard = Guard::default();
        let data = record(23, 1, &[9]);
        let hidden = [data.clone(), record(HANDSHAKE, 1, &[7; 48])].concat();
        assert!((0..REPEATS).all(|_| guard.datagram(&hidden, true) == Verdict::Take));
        assert_eq!(guard.datagram(&hidden, true), Verdict::Drop);
        assert_eq!(guard.datagram(&data, true), Verdict::Take, "data goes on");
    }

    #[test]
    fn fragments_are_few_and_what_the_library_would_search_for_long_never_reaches_it() {
        let of = |body: &[u8]| Guard::default().datagram(&record(HANDSHAKE, 0, body), false);
        assert_eq!(of(&fragment(1_500, 0, 1_100, 1_100)), Verdict::Take, "the first part of a long hello");
        assert_eq!(of(&fragment(1_500, 1_100, 400, 400)), Verdict::Take, "and the last");
        assert_eq!(
            of(&[fragment(3, 0, 3, 3), fragment(9, 0, 5, 5)].concat()),
            Verdict::Take,
            "several messages"
        );
        assert_eq!(of(&fragment(0, 0, 0, 0)), Verdict::Take, "a message without anything");
        let bad = [
            (vec![], "an empty record"),
            (fragment(9, 0, 0, 0), "an empty part"),
            (fragment(9, 3, 9, 9), "beyond the end"),
            (fragment(9, 0, 4, 5), "more than it says"),
            (fragment(9, 0, 5, 4), "less than it says"),
            ([fragment(9, 0, 4, 4), fragment(3, 0, 3, 3)].concat(), "something after a part"),
            (fragment(20_000, 0, 50, 50), "too long"),
            (vec![1; 11], "half a header"),
        ];
        for (body, why) in bad {
            assert_eq!(of(&body), Verdict::Drop, "{why}");
            let body = record(HANDSHAKE, 0, &body);
            assert_eq!(Guard::default().datagram(&body, true), Verdict::Drop, "{why}, after the keys");
        }
        let empty = fragment(0, 0, 0, 0);
        assert_eq!(of(&empty.repeat(MAX_FRAGMENTS)), Verdict::Take);
        assert_eq!(of(&empty.repeat(MAX_FRAGMENTS + 1)), Verdict::HangUp);
        let mut guard = Guard::default();
        assert_eq!(guard.datagram(&record(HANDSHAKE, 0, &empty.repeat(MAX_FRAGMENTS)), true), Verdict::Take);
        assert_eq!(
            guard.datagram(&record(HANDSHAKE, 0, &empty), true),
            Verdict::Drop,
            "as many after the keys"
        );
        let sealed = |bytes| Guard::default().datagram(&record(HANDSHAKE, 1, &vec![7; bytes]), true);
        assert_eq!((sealed(MAX_SEALED), sealed(MAX_SEALED + 1)), (Verdict::Take, Verdict::Drop));
        let many = record(20, 0, &[1]).repeat(SHAKE_RECORDS + 1);
        assert_eq!(Guard::default().datagram(&many, false), Verdict::HangUp);
    }

    #[test]
    fn only_the_beginning_of_a_hello_begins() {
        assert!(begins(&hello()) && begins(&record(HANDSHAKE, 0, &fragment(1_500, 0, 1_100, 1_100))));
        let mut other = fragment(20, 0, 20, 20);
        other[0] = 2;
        for datagram in [
            vec![HANDSHAKE],
            record(23, 0, &fragment(20, 0, 20, 20)),
            record(HANDSHAKE, 1, &fragment(20, 0, 20, 20)),
            record(HANDSHAKE, 0, &fragment(1_500, 1_100, 400, 400)),
            record(HANDSHAKE, 0, &other),
        ] {
            assert!(!begins(&datagram));
        }
    }
}
