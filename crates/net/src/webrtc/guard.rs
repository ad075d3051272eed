//! What one peer may make DTLS remember. It comes from a library that keeps what comes early, and before the handshake
//! anybody can send: so datagrams are counted before it sees them.

/// Datagrams and bytes of one handshake: a certificate in small pieces, each of them sent a few times, fits.
const SHAKE_DATAGRAMS: u32 = 64;
const SHAKE_BYTES: usize = 64 << 10;

/// Datagrams with handshakes after the handshake: a peer repeats its last words until it has ours.
const REPEATS: u32 = 32;

/// The kind of DTLS record that carries handshakes.
const HANDSHAKE: u8 = 22;
const RECORD_HEADER: usize = 13;

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
}

impl Guard {
    /// A datagram of DTLS, before it is decrypted.
    pub(super) fn datagram(&mut self, datagram: &[u8], is_secure: bool) -> Verdict {
        if is_secure {
            let repeats = carries_handshake(datagram);
            self.repeats = (self.repeats + u32::from(repeats)).min(REPEATS + 1);
            return if repeats && self.repeats > REPEATS { Verdict::Drop } else { Verdict::Take };
        }
        self.datagrams += 1;
        self.bytes += datagram.len();
        let is_too_much = self.datagrams > SHAKE_DATAGRAMS || self.bytes > SHAKE_BYTES;
        if is_too_much { Verdict::HangUp } else { Verdict::Take }
    }
}

fn carries_handshake(mut datagram: &[u8]) -> bool {
    while let (Some(kind), Some([high, low])) = (datagram.first(), datagram.get(11..RECORD_HEADER)) {
        if *kind == HANDSHAKE {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        datagram = datagram.get(RECORD_HEADER + length..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_has_a_size_and_is_not_repeated_for_ever() {
        let mut guard = Guard::default();
        assert!((0..SHAKE_DATAGRAMS).all(|_| guard.datagram(&[HANDSHAKE; 20], false) == Verdict::Take));
        assert_eq!(guard.datagram(&[HANDSHAKE; 20], false), Verdict::HangUp);
        let mut guard = Guard::default();
        assert_eq!(guard.datagram(&[0; SHAKE_BYTES + 1], false), Verdict::HangUp);
        let hidden = [&[23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 9][..], &[HANDSHAKE; 20]].concat();
        assert!((0..REPEATS).all(|_| guard.datagram(&hidden, true) == Verdict::Take));
        assert_eq!(guard.datagram(&hidden, true), Verdict::Drop);
        assert_eq!(guard.datagram(&hidden[..14], true), Verdict::Take, "data goes on");
    }
}
