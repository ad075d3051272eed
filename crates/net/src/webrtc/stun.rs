//! The one thing that is said before encryption: a STUN binding (RFC 8489) of somebody who wants to connect, and the
//! answer. The user name is the password as well (libp2p's webrtc-direct), so a valid binding proves no identity and no
//! address; it shows that the other side means this protocol. An answer is never longer than what it answers.

use std::net::IpAddr;
use std::net::SocketAddr;

use rtc_dtls::crypto_provider::HmacAlgorithm;
use rtc_dtls::crypto_provider::RTCCrypto;

/// With these the user names of the protocol begin, and at least so much follows: shorter ones could be guessed, and would
/// be answered with more than they weigh. In the first version both sides have the same chosen name; in the second the
/// browser's password follows, which browsers choose themselves, and which has 22 characters at least. Our password is our
/// user fragment in both, and we never ask, so that the browser's is not needed.
const VERSIONS: [(&str, usize); 2] = [("libp2p+webrtc+v1/", 16), ("libp2p+webrtc+v2/", 22)];

/// The longest user fragment that ICE allows.
const MAX_UFRAG: usize = 256;

const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const USERNAME: u16 = 0x0006;
const INTEGRITY: u16 = 0x0008;
const MAPPED: u16 = 0x0020;
const NOMINATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const INTEGRITY_BYTES: usize = 20;
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// A binding whose integrity was checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binding<'a> {
    transaction: [u8; 12],
    /// Whose connection it belongs to.
    pub(super) ufrag: &'a str,
    /// Whether data will come this way.
    pub(super) nominates: bool,
}

/// Whether a datagram is meant as STUN (RFC 7983).
pub(super) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// Reads a binding request; `None` for whatever is not exactly one.
pub(super) fn read<'a>(packet: &'a [u8], crypto: &dyn RTCCrypto) -> Option<Binding<'a>> {
    let (header, mut rest) = packet.split_at_checked(HEADER)?;
    let length = word(header, 2)?;
    let is_request = word(header, 0)? == REQUEST && header.get(4..8)? == MAGIC;
    if !is_request || usize::from(length) != rest.len() {
        return None;
    }
    let (mut username, mut nominates, mut is_checked) = (None, false, false);
    while !rest.is_empty() {
        let at = packet.len() - rest.len();
        let (kind, length) = (word(rest, 0)?, usize::from(word(rest, 2)?));
        let value = rest.get(4..4 + length)?;
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
        match kind {
            // What comes after the integrity is not covered by it.
            FINGERPRINT => {
                let says = u32::from_be_bytes(value.try_into().ok()?);
                let ufrag: &str = username.filter(|_| is_checked && rest.is_empty())?;
                let is_whole = crc32(packet.get(..at)?) ^ FINGERPRINT_XOR == says;
                let transaction = header.get(8..)?.try_into().ok()?;
                return is_whole.then_some(Binding { transaction, ufrag, nominates });
            }
            _ if is_checked => {}
            USERNAME => username = Some(ufrag(value)?),
            NOMINATE => nominates = true,
            INTEGRITY => {
                if value.len() != INTEGRITY_BYTES {
                    return None;
                }
                let (covered, password) = (packet.get(HEADER..at)?, username?.as_bytes());
                let header = with_length(header, at + 4 + INTEGRITY_BYTES - HEADER)?;
                let mut mac = crypto.new_hmac(HmacAlgorithm::Sha1, password).ok()?;
                mac.verify(&[&header, covered], value).ok()?;
                is_checked = true;
            }
            _ => {}
        }
    }
    // Every binding of ICE ends with a fingerprint.
    None
}

/// What a binding from `from` is answered with.
pub(super) fn answer(binding: &Binding<'_>, from: SocketAddr, crypto: &dyn RTCCrypto) -> Option<Vec<u8>> {
    let mut packet = Vec::with_capacity(96);
    packet.extend(SUCCESS.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(MAGIC);
    packet.extend(binding.transaction);
    let mask: Vec<u8> = MAGIC.iter().chain(&binding.transaction).copied().collect();
    let (family, mut place) = match from.ip().to_canonical() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    place.iter_mut().zip(&mask).for_each(|(byte, mask)| *byte ^= mask);
    let port = from.port() ^ 0x2112;
    let mapped = [&[0, family], port.to_be_bytes().as_slice(), &place].concat();
    append(&mut packet, MAPPED, &mapped)?;
    let covered = with_length(packet.get(..HEADER)?, packet.len() + 4 + INTEGRITY_BYTES - HEADER)?;
    packet.splice(..HEADER, covered);
    let mut sum = [0; INTEGRITY_BYTES];
    let mut mac = crypto.new_hmac(HmacAlgorithm::Sha1, binding.ufrag.as_bytes()).ok()?;
    mac.sign(&[&packet], &mut sum).ok()?;
    append(&mut packet, INTEGRITY, &sum)?;
    let covered = with_length(packet.get(..HEADER)?, packet.len() + 8 - HEADER)?;
    packet.splice(..HEADER, covered);
    let sum = crc32(&packet) ^ FINGERPRINT_XOR;
    append(&mut packet, FINGERPRINT, &sum.to_be_bytes())?;
    Some(packet)
}

/// Our part of a user name: “ours:theirs”.
fn ufrag(username: &[u8]) -> Option<&str> {
    let (ufrag, _) = std::str::from_utf8(username).ok()?.split_once(':')?;
    let mut versions = VERSIONS.iter();
    let (secret, least) = versions.find_map(|(prefix, least)| Some((ufrag.strip_prefix(prefix)?, *least)))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let is_good = secret.len() >= least && ufrag.len() <= MAX_UFRAG && secret.bytes().all(is_plain);
    is_good.then_some(ufrag)
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The header with another length.
fn with_length(header: &[u8], length: usize) -> Option<Vec<u8>> {
    let length = u16::try_from(length).ok()?.to_be_bytes();
    Some([header.get(..2)?, &length, header.get(4..)?].concat())
}

fn append(packet: &mut Vec<u8>, kind: u16, value: &[u8]) -> Option<()> {
    packet.extend(kind.to_be_bytes());
    packet.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
    packet.extend(value);
    Some(())
}

/// The checksum of Ethernet, bit by bit: a binding has a few hundred bytes.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
pub(super) mod tests {
    use rtc_dtls::crypto_provider::default_provider;

    use super::*;

    /// A binding as browsers send it.
    pub(crate) fn binding(ufrag: &str, crypto: &dyn RTCCrypto) -> Vec<u8> {
        binding_of(ufrag, ufrag, crypto)
    }

    fn binding_of(ufrag: &str, theirs: &str, crypto: &dyn RTCCrypto) -> Vec<u8> {
        let mut packet = [&REQUEST.to_be_bytes()[..], &[0, 0], &MAGIC, &[7; 12]].concat();
        let mut username = format!("{ufrag}:{theirs}").into_bytes();
        let length = username.len();
        username.resize(length.next_multiple_of(4), 0);
        packet.extend(USERNAME.to_be_bytes());
        packet.extend(u16::try_from(length).unwrap().to_be_bytes());
        packet.extend(username);
        append(&mut packet, NOMINATE, &[]).unwrap();
        let header = with_length(&packet[..HEADER], packet.len() + 24 - HEADER).unwrap();
        packet.splice(..HEADER, header);
        let mut sum = [0; INTEGRITY_BYTES];
        crypto.new_hmac(HmacAlgorithm::Sha1, ufrag.as_bytes()).unwrap().sign(&[&packet], &mut sum).unwrap();
        append(&mut packet, INTEGRITY, &sum).unwrap();
        let header = with_length(&packet[..HEADER], packet.len() + 8 - HEADER).unwrap();
        packet.splice(..HEADER, header);
        let sum = crc32(&packet) ^ FINGERPRINT_XOR;
        append(&mut packet, FINGERPRINT, &sum.to_be_bytes()).unwrap();
        packet
    }

    const UFRAG: &str = "libp2p+webrtc+v1/0123456789abcdef0123";
    const SECOND: &str = "libp2p+webrtc+v2/0123456789abcdef012345";

    #[test]
    fn a_binding_of_either_version_is_read_and_answered_with_less() {
        let provider = default_provider().unwrap();
        let crypto = provider.crypto();
        // In the second version browsers keep their own name, of four characters.
        for (ufrag, theirs) in [(UFRAG, UFRAG), (SECOND, "a+/4")] {
            let packet = binding_of(ufrag, theirs, crypto);
            let read = read(&packet, crypto).unwrap();
            assert_eq!((read.ufrag, read.nominates), (ufrag, true));
            for from in ["192.0.2.1:4000", "[2001:db8::1]:4000"] {
                let answer = answer(&read, from.parse().unwrap(), crypto).unwrap();
                assert!(answer.len() < packet.len(), "{} for {}", answer.len(), packet.len());
            }
        }
    }

    #[test]
    fn the_shortest_binding_weighs_more_than_the_longest_answer() {
        let provider = default_provider().unwrap();
        let packet = binding("libp2p+webrtc+v1/0123456789abcdef", provider.crypto());
        let read = read(&packet, provider.crypto()).unwrap();
        let answer = answer(&read, "[2001:db8::1]:4000".parse().unwrap(), provider.crypto()).unwrap();
        assert!(answer.len() < packet.len());
    }

    #[test]
    fn the_answer_is_the_one_of_the_standard() {
        // RFC 5769, 2.2: the same transaction, address and password; ours has no name of a program in it.
        let provider = default_provider().unwrap();
        let transaction = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
        let binding = Binding { transaction, ufrag: "VOkJxbRl1RmTxUk/WvJxBt", nominates: false };
        let answer = answer(&binding, "192.0.2.1:32853".parse().unwrap(), provider.crypto()).unwrap();
        assert_eq!(answer[20..32], [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn whatever_is_cut_short_or_changed_is_nothing() {
        let provider = default_provider().unwrap();
        let packet = binding(UFRAG, provider.crypto());
        for end in 0..packet.len() {
            assert_eq!(read(&packet[..end], provider.crypto()), None);
        }
        for bit in 0..packet.len() * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&changed, provider.crypto()), None, "bit {bit}");
        }
        let bad =
            ["", "short", "libp2p+webrtc+v1/short", &SECOND[..38], "libp2p+webrtc+v3/0123456789abcdef012345"];
        for name in bad {
            assert_eq!(read(&binding(name, provider.crypto()), provider.crypto()), None);
        }
    }
}
