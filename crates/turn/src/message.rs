//! The words of STUN and TURN (RFC 8489, section 5; RFC 8656, sections 12, 18): reading what comes, writing what is answered. Not here:
//! what is answered (`server`).

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::allocation::MAX_PEERS;

const COOKIE: u32 = 0x2112_a442;
const HEAD: usize = 20;

/// MESSAGE-INTEGRITY: its head and an HMAC-SHA1.
const INTEGRITY_BYTES: usize = 24;

/// FINGERPRINT: its head and a CRC.
const FINGERPRINT_BYTES: usize = 8;

/// What a CRC is mixed with (RFC 8489, section 14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// The most attributes that are looked at. Clients renew all permissions of an address by one request, with an attribute for each
/// candidate of the other side, and eight more.
const MAX_ATTRIBUTES: usize = 8 + MAX_PEERS;

pub(crate) type Transaction = [u8; 12];

/// What is asked or told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Binding = 1,
    Allocate = 3,
    Refresh = 4,
    Send = 6,
    Data = 7,
    CreatePermission = 8,
    ChannelBind = 9,
}

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Request = 0,
    Indication = 1,
    Success = 2,
    Error = 3,
}

/// What attributes are about.
pub(crate) mod attribute {
    pub(crate) const USERNAME: u16 = 0x0006;
    pub(crate) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(crate) const ERROR_CODE: u16 = 0x0009;
    pub(crate) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub(crate) const CHANNEL_NUMBER: u16 = 0x000c;
    pub(crate) const LIFETIME: u16 = 0x000d;
    pub(crate) const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub(crate) const DATA: u16 = 0x0013;
    pub(crate) const REALM: u16 = 0x0014;
    pub(crate) const NONCE: u16 = 0x0015;
    pub(crate) const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub(crate) const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub(crate) const EVEN_PORT: u16 = 0x0018;
    pub(crate) const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub(crate) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(crate) const RESERVATION_TOKEN: u16 = 0x0022;
    pub(crate) const FINGERPRINT: u16 = 0x8028;

    /// Those that a request must be refused for if they are not understood, and are.
    pub(super) const UNDERSTOOD: &[u16] = &[
        USERNAME,
        MESSAGE_INTEGRITY,
        CHANNEL_NUMBER,
        LIFETIME,
        XOR_PEER_ADDRESS,
        DATA,
        REALM,
        NONCE,
        REQUESTED_ADDRESS_FAMILY,
        EVEN_PORT,
        REQUESTED_TRANSPORT,
        RESERVATION_TOKEN,
    ];
}

/// A message that came.
pub(crate) struct Message<'a> {
    pub(crate) class: Class,
    pub(crate) method: Method,
    pub(crate) transaction: Transaction,
    attributes: Vec<(u16, &'a [u8])>,
    /// The bytes that MESSAGE-INTEGRITY covers, and what it says.
    signed: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Message<'a> {
    /// Reads a whole datagram; `None` if it is no message, or of a method that is not known.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let head: &[u8; HEAD] = bytes.first_chunk()?;
        let (class, method) = kind_of(u16::from_be_bytes([head[0], head[1]]))?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let cookie = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        if cookie != COOKIE || length % 4 != 0 || bytes.len() != HEAD + length {
            return None;
        }
        let transaction = *head.last_chunk()?;
        let (mut attributes, mut signed, mut at) = (Vec::new(), None, HEAD);
        while at < bytes.len() {
            let rest = bytes.get(at..)?;
            let ([kind_high, kind_low, high, low], rest) = rest.split_first_chunk::<4>()?;
            let kind = u16::from_be_bytes([*kind_high, *kind_low]);
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let value = rest.get(..length)?;
            if kind == attribute::FINGERPRINT {
                let covered = bytes.get(..at)?;
                let last = at + FINGERPRINT_BYTES == bytes.len();
                let good = value == (crc32(covered) ^ FINGERPRINT_XOR).to_be_bytes();
                return (last && good).then_some(Self { class, method, transaction, attributes, signed });
            }
            if signed.is_none() {
                // What comes after is not signed, and so not read.
                attributes.push((kind, value));
                if kind == attribute::MESSAGE_INTEGRITY {
                    signed = Some((bytes.get(..at)?, value));
                }
            }
            if attributes.len() > MAX_ATTRIBUTES {
                return None;
            }
            at += 4 + length.next_multiple_of(4);
        }
        (at == bytes.len()).then_some(Self { class, method, transaction, attributes, signed })
    }

    /// The first attribute of a kind.
    pub(crate) fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.all(kind).next()
    }

    /// All attributes of a kind.
    pub(crate) fn all(&self, kind: u16) -> impl Iterator<Item = &'a [u8]> {
        self.attributes.iter().filter(move |(of, _)| *of == kind).map(|(_, value)| *value)
    }

    pub(crate) fn text(&self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.get(kind)?).ok()
    }

    pub(crate) fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    /// The addresses of a kind; `None` if one cannot be read.
    pub(crate) fn addresses(&self, kind: u16) -> Option<Vec<SocketAddr>> {
        self.all(kind).map(|value| unxored(value, &self.transaction)).collect()
    }

    /// What is not understood and has to be.
    pub(crate) fn not_understood(&self) -> Vec<u16> {
        let all = self.attributes.iter().map(|(kind, _)| *kind);
        all.filter(|kind| *kind < 0x8000 && !attribute::UNDERSTOOD.contains(kind)).collect()
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.signed.is_some()
    }

    /// Whether it is signed with a key.
    pub(crate) fn is_signed_with(&self, key: &[u8; 16]) -> bool {
        let Some((covered, says)) = self.signed else { return false };
        let made = integrity(key, covered);
        made.as_slice().ct_eq(says).into()
    }
}

fn kind_of(kind: u16) -> Option<(Class, Method)> {
    let class = match (kind >> 7 & 2) | (kind >> 4 & 1) {
        0 => Class::Request,
        1 => Class::Indication,
        2 => Class::Success,
        _ => Class::Error,
    };
    let method = match (kind & 0xf) | (kind >> 1 & 0x70) | (kind >> 2 & 0xf80) {
        1 => Method::Binding,
        3 => Method::Allocate,
        4 => Method::Refresh,
        6 => Method::Send,
        7 => Method::Data,
        8 => Method::CreatePermission,
        9 => Method::ChannelBind,
        _ => return None,
    };
    (kind < 0x4000).then_some((class, method))
}

/// HMAC-SHA1 over a message up to its MESSAGE-INTEGRITY, with the length that it has with it.
fn integrity(key: &[u8; 16], covered: &[u8]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("a key of any length");
    let length = u16::try_from(covered.len() - HEAD + INTEGRITY_BYTES).unwrap_or(u16::MAX);
    mac.update(covered.get(..2).unwrap_or_default());
    mac.update(&length.to_be_bytes());
    mac.update(covered.get(4..).unwrap_or_default());
    mac.finalize().into_bytes().into()
}

/// A message that is being written.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    transaction: Transaction,
}

impl Writer {
    pub(crate) fn new(class: Class, method: Method, transaction: Transaction) -> Self {
        let (class, method) = (class as u16, method as u16);
        let kind = (class & 2) << 7
            | (class & 1) << 4
            | (method & 0xf)
            | (method & 0x70) << 1
            | (method & 0xf80) << 2;
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(COOKIE.to_be_bytes());
        bytes.extend(transaction);
        Self { bytes, transaction }
    }

    pub(crate) fn put(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.set_length(0);
        self
    }

    pub(crate) fn put_address(self, kind: u16, address: SocketAddr) -> Self {
        let value = xored(address, &self.transaction);
        self.put(kind, &value)
    }

    pub(crate) fn put_error(self, code: u16, reason: &str) -> Self {
        let class = u8::try_from(code / 100).unwrap_or_default();
        let number = u8::try_from(code % 100).unwrap_or_default();
        self.put(attribute::ERROR_CODE, &[&[0, 0, class, number], reason.as_bytes()].concat())
    }

    /// Signs it, if there is a key, and closes it.
    pub(crate) fn close(mut self, key: Option<&[u8; 16]>) -> Vec<u8> {
        if let Some(key) = key {
            let mac = integrity(key, &self.bytes);
            self = self.put(attribute::MESSAGE_INTEGRITY, &mac);
        }
        self.set_length(FINGERPRINT_BYTES);
        let crc = (crc32(&self.bytes) ^ FINGERPRINT_XOR).to_be_bytes();
        self.put(attribute::FINGERPRINT, &crc).bytes
    }

    /// Without anything at the end: what is only told.
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn set_length(&mut self, more: usize) {
        let length = u16::try_from(self.bytes.len() - HEAD + more).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(place) = self.bytes.get_mut(2..4) {
            place.copy_from_slice(&length);
        }
    }
}

fn mask(transaction: &Transaction) -> [u8; 16] {
    let mut mask = [0; 16];
    let (cookie, rest) = mask.split_at_mut(4);
    cookie.copy_from_slice(&COOKIE.to_be_bytes());
    rest.copy_from_slice(transaction);
    mask
}

fn xored(address: SocketAddr, transaction: &Transaction) -> Vec<u8> {
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let mask = mask(transaction);
    let family = if ip.len() == 4 { 1 } else { 2 };
    let port = address.port().to_be_bytes();
    let both = port.iter().zip(&mask).chain(ip.iter().zip(&mask));
    [0, family].into_iter().chain(both.map(|(byte, mask)| byte ^ mask)).collect()
}

fn unxored(value: &[u8], transaction: &Transaction) -> Option<SocketAddr> {
    let mask = mask(transaction);
    let ([_, family, high, low], ip) = value.split_first_chunk::<4>()?;
    let port = u16::from_be_bytes([high ^ mask[0], low ^ mask[1]]);
    let plain: Vec<u8> = ip.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
    let ip = match (family, ip.len()) {
        (1, 4) => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(plain).ok()?)),
        (2, 16) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(plain).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// CRC-32 of ISO 3309, as in Ethernet.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769, section 2.4: a request with long-term authentication, without a fingerprint.
    const LONG_TERM: &str = "00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e 00 06 00 12 e3 83 9e e3 83 88 e3 83 \
        aa e3 83 83 e3 82 af e3 82 b9 00 00 00 15 00 1c 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 79 \
        36 34 73 41 00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00 00 08 00 14 f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 \
        8c a8 96 66";

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        data_encoding::HEXLOWER.decode(&digits).unwrap()
    }

    #[test]
    fn the_sample_of_rfc_5769_is_read_and_its_signature_holds() {
        use md5::Digest as _;
        let bytes = hex(LONG_TERM);
        let message = Message::read(&bytes).unwrap();
        assert_eq!((message.class, message.method), (Class::Request, Method::Binding));
        assert_eq!(message.text(attribute::REALM), Some("example.org"));
        let user = message.text(attribute::USERNAME).unwrap();
        // The password of the sample, after SASLprep.
        let key: [u8; 16] = md5::Md5::digest(format!("{user}:example.org:TheMatrIX")).into();
        assert!(message.is_signed_with(&key));
        assert!(!message.is_signed_with(&[0; 16]));
    }

    #[test]
    fn what_is_written_is_read_again_and_any_changed_byte_is_found() {
        let address: SocketAddr = "[2a01::1]:7000".parse().unwrap();
        let writer = Writer::new(Class::Request, Method::CreatePermission, [7; 12])
            .put(attribute::USERNAME, b"someone")
            .put_address(attribute::XOR_PEER_ADDRESS, address)
            .put_address(attribute::XOR_PEER_ADDRESS, "1.2.3.4:5".parse().unwrap());
        let bytes = writer.close(Some(&[9; 16]));
        let message = Message::read(&bytes).unwrap();
        assert_eq!(message.transaction, [7; 12]);
        assert_eq!(
            message.addresses(attribute::XOR_PEER_ADDRESS).unwrap(),
            [address, "1.2.3.4:5".parse().unwrap()]
        );
        assert!(message.is_signed_with(&[9; 16]) && !message.is_signed_with(&[8; 16]));
        // Without its head, a fingerprint is no more than something that is not known.
        let head = bytes.len() - FINGERPRINT_BYTES..bytes.len() - FINGERPRINT_BYTES + 4;
        for at in (0..bytes.len()).filter(|at| !head.contains(at)) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Message::read(&changed).is_none(), "byte {at}");
            assert!(Message::read(&bytes[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn what_stands_behind_the_signature_does_not_count() {
        let signed = Writer::new(Class::Request, Method::Refresh, [7; 12]).put(attribute::NONCE, b"nonce");
        let mac = integrity(&[9; 16], &signed.bytes);
        let bytes = signed.put(attribute::MESSAGE_INTEGRITY, &mac).put(attribute::LIFETIME, &[0; 4]).bytes();
        let message = Message::read(&bytes).unwrap();
        assert!(message.is_signed_with(&[9; 16]));
        assert_eq!(message.number(attribute::LIFETIME), None);
    }

    #[test]
    fn noise_is_no_message() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        for bytes in [&[][..], &[0; 19], &[0; 20], &[0xff; 40], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
            assert!(Message::read(bytes).is_none());
        }
        let endless = Writer::new(Class::Request, Method::Binding, [0; 12]);
        let endless = (0..80).fold(endless, |writer, _| writer.put(0x8022, b""));
        assert!(Message::read(&endless.bytes()).is_none(), "attributes without end");
        let foreign = Writer::new(Class::Request, Method::Binding, [0; 12]).put(0x0024, &[0; 4]).bytes();
        assert_eq!(Message::read(&foreign).unwrap().not_understood(), [0x0024]);
    }
}
