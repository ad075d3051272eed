//! Newtypes for everything that is named by bytes. `Debug` prints a short tag, so that logs never hold whole keys.

use std::fmt;
use std::str::FromStr;

use bech32::Bech32m;
use bech32::Hrp;
use serde::Deserialize;
use serde::Serialize;

use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;

/// The human-readable part of an account address.
const ACCOUNT_HRP: Hrp = Hrp::parse_unchecked("kith");

/// What a libp2p peer id puts before an Ed25519 public key: an identity multihash of 36 bytes over a protobuf
/// with key type 1 and 32 key bytes (libp2p peer-ids specification, "Ed25519").
const PEER_ID_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// A text that does not name what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a valid {0}")]
pub struct ParseIdError(pub &'static str);

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; $size]);

        impl $name {
            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [a, b, c, ..] = self.0;
                write!(f, "{}-{a:02x}{b:02x}{c:02x}", stringify!($name))
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self(reader.array()?))
            }
        }
    };
}

macro_rules! hex_text {
    ($name:ident, $what:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let bytes = data_encoding::HEXLOWER_PERMISSIVE
                    .decode(text.as_bytes())
                    .map_err(|_| ParseIdError($what))?;
                Ok(Self(bytes.try_into().map_err(|_| ParseIdError($what))?))
            }
        }
    };
}

id_type!(
    /// An account: the Ed25519 public key made at first start. Its text is the address `kith1…` (bech32m, BIP-350).
    AccountId, 32
);
id_type!(
    /// A device: its Ed25519 public key, which is also its libp2p peer id. Its text is that peer id, `12D3KooW…`.
    DeviceId, 32
);
id_type!(
    /// A chat. Direct chats derive it from both accounts, so both ends agree without asking.
    ChatId, 16
);
id_type!(
    /// A message, chosen at random by its author's device.
    MessageId, 16
);
id_type!(
    /// An envelope: the first 16 bytes of the BLAKE3 hash of its bytes. A repeated deposit has the same id.
    EnvelopeId, 16
);
id_type!(
    /// A blob: the BLAKE3 root hash of its ciphertext.
    BlobId, 32
);
id_type!(
    /// Where a DHT record lives: the hash of the blinded key that signs it.
    RecordKey, 32
);
id_type!(
    /// A queue at a mailbox, known only to the pair of contacts that uses it.
    QueueId, 16
);
id_type!(
    /// One of those who read an inbox at a mailbox: a random name, another one for each inbox.
    ReaderId, 16
);
id_type!(
    /// An invite, so that it can be listed and revoked. Derived from the invite's secret.
    InviteId, 8
);
id_type!(
    /// A private group: the id of the operation that created it, so that a forged history is another group.
    GroupId, 32
);
id_type!(
    /// An operation in a group's log: a hash of its bytes.
    OperationId, 32
);
id_type!(
    /// A link into a group: a hash of its public key.
    LinkId, 16
);
id_type!(
    /// A post in a group: the hash of everything its author signed.
    PostId, 32
);
id_type!(
    /// What somebody knew of a group's membership: a hash over the newest operations they had.
    ViewId, 32
);
id_type!(
    /// Where the posts of a large group pass on one day. Who is not in the group cannot tell which group it is, nor that
    /// two days are of the same one.
    TopicId, 32
);
id_type!(
    /// A message of a topic: a hash of both, so that whoever sees it twice knows.
    GossipId, 20
);
id_type!(
    /// A call, chosen at random by the device that begins it.
    CallId, 16
);

impl MessageId {
    /// What an entry of a group is called as a message: the beginning of its own name.
    const fn of_name(name: &[u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *name;
        Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }
}

impl OperationId {
    /// What the operation is called as a message of its group.
    pub const fn message(&self) -> MessageId {
        MessageId::of_name(&self.0)
    }
}

impl PostId {
    /// What the post is called as a message of its group.
    pub const fn message(&self) -> MessageId {
        MessageId::of_name(&self.0)
    }
}

hex_text!(CallId, "call id");
hex_text!(GroupId, "group id");
hex_text!(OperationId, "operation id");
hex_text!(LinkId, "group link id");
hex_text!(ChatId, "chat id");
hex_text!(MessageId, "message id");
hex_text!(EnvelopeId, "envelope id");
hex_text!(BlobId, "blob id");
hex_text!(RecordKey, "record key");
hex_text!(QueueId, "queue id");
hex_text!(InviteId, "invite id");
hex_text!(PostId, "post id");
hex_text!(ViewId, "view id");
hex_text!(TopicId, "topic id");
hex_text!(GossipId, "gossip id");

/// A contact is named by the account on the other side.
pub type ContactId = AccountId;

/// The caller's name for a command, chosen by the caller, so that it recognises the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub u64);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, ACCOUNT_HRP, &self.0).map_err(|_| fmt::Error)
    }
}

impl FromStr for AccountId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let wrong = ParseIdError("account address");
        let checked =
            bech32::primitives::decode::CheckedHrpstring::new::<Bech32m>(text).map_err(|_| wrong)?;
        if checked.hrp() != ACCOUNT_HRP {
            return Err(wrong);
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        Ok(Self(bytes.try_into().map_err(|_| wrong)?))
    }
}

impl DeviceId {
    /// The bytes of the libp2p peer id.
    pub fn to_peer_id_bytes(&self) -> Vec<u8> {
        [PEER_ID_PREFIX.as_slice(), &self.0].concat()
    }

    /// The device behind the bytes of a libp2p peer id, if it is one with an Ed25519 key.
    pub fn from_peer_id_bytes(bytes: &[u8]) -> Option<Self> {
        let key = bytes.strip_prefix(&PEER_ID_PREFIX)?;
        Some(Self(key.try_into().ok()?))
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.to_peer_id_bytes()).into_string())
    }
}

impl FromStr for DeviceId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let wrong = ParseIdError("device id");
        let bytes = bs58::decode(text).into_vec().map_err(|_| wrong)?;
        Self::from_peer_id_bytes(&bytes).ok_or(wrong)
    }
}

impl ChatId {
    /// The chat between two accounts, the same whichever end computes it.
    pub fn direct(one: &AccountId, other: &AccountId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 direct chat id v1");
        hasher.update(&low.0);
        hasher.update(&high.0);
        Self(first_16(&hasher.finalize()))
    }
}

impl ChatId {
    /// The chat of a private group.
    pub fn group(group: &GroupId) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 group chat id v1");
        hasher.update(&group.0);
        Self(first_16(&hasher.finalize()))
    }
}

impl LinkId {
    /// The id of the link with this public key.
    pub fn of(key: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 group link id v1");
        hasher.update(key);
        Self(first_16(&hasher.finalize()))
    }
}

impl ViewId {
    /// The view of somebody whose newest membership operations are these, in any order.
    pub fn of(heads: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let heads: std::collections::BTreeSet<_> = heads.into_iter().collect();
        let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 group view v1");
        for head in heads {
            hasher.update(&head);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

impl TopicId {
    /// The topic of a group on a day (days since 1970-01-01, UTC).
    pub fn of_group(group: &GroupId, day: u32) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("kith group topic v1");
        hasher.update(&group.0);
        hasher.update(&day.to_be_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

impl GossipId {
    /// The id of these bytes in a topic.
    pub fn of(topic: &TopicId, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("kith gossip id v1");
        hasher.update(&topic.0);
        hasher.update(bytes);
        let mut id = [0; 20];
        hasher.finalize_xof().fill(&mut id);
        Self(id)
    }
}

impl EnvelopeId {
    /// The id of an envelope with these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(first_16(&blake3::hash(bytes)))
    }
}

fn first_16(hash: &blake3::Hash) -> [u8; 16] {
    let mut out = [0; 16];
    for (to, from) in out.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// libp2p peer-ids specification, test vectors, "Ed25519": the public key in protobuf is 08011220 and this key.
    const SPEC_KEY: &str = "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";

    fn key(hex: &str) -> [u8; 32] {
        data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
    }

    /// An address made by the BIP-350 rule in a few lines, independent of the crate that is used above.
    fn bip350(hrp: &str, data: &[u8], constant: u32) -> String {
        const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        let mut words = Vec::new();
        let (mut buffer, mut bits) = (0u32, 0);
        for byte in data {
            buffer = (buffer << 8 | u32::from(*byte)) & 0xfff;
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                words.push((buffer >> bits & 31) as u8);
            }
        }
        if bits > 0 {
            words.push((buffer << (5 - bits) & 31) as u8);
        }
        let mut values: Vec<u8> = hrp.bytes().map(|c| c >> 5).collect();
        values.push(0);
        values.extend(hrp.bytes().map(|c| c & 31));
        values.extend(&words);
        values.extend([0; 6]);
        let mut sum = 1u32;
        for value in values {
            let top = sum >> 25;
            sum = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
            for (bit, generator) in
                [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3].into_iter().enumerate()
            {
                if top >> bit & 1 == 1 {
                    sum ^= generator;
                }
            }
        }
        let sum = sum ^ constant;
        words.extend((0..6).map(|place| (sum >> (5 * (5 - place)) & 31) as u8));
        let text: String = words.iter().map(|word| char::from(CHARSET[usize::from(*word)])).collect();
        format!("{hrp}1{text}")
    }

    #[test]
    fn an_account_address_follows_bip350() {
        assert_eq!(bip350("a", &[], 0x2bc8_30a3), "a1lqfn3a", "a test vector of BIP-350");
        for bytes in [[0; 32], [0xff; 32], key(SPEC_KEY)] {
            let text = AccountId(bytes).to_string();
            assert_eq!(text, bip350("kith", &bytes, 0x2bc8_30a3));
            assert_eq!(text.parse(), Ok(AccountId(bytes)));
            assert_eq!(text.to_uppercase().parse(), Ok(AccountId(bytes)), "as a QR code carries it");
        }
    }

    #[test]
    fn the_older_checksum_another_prefix_and_typing_errors_are_refused() {
        let bytes = key(SPEC_KEY);
        assert!(bip350("kith", &bytes, 1).parse::<AccountId>().is_err(), "bech32 instead of bech32m");
        assert!(bip350("kitten", &bytes, 0x2bc8_30a3).parse::<AccountId>().is_err());
        assert!(bip350("kith", &bytes[..31], 0x2bc8_30a3).parse::<AccountId>().is_err(), "31 bytes");
        let text = AccountId(bytes).to_string();
        for place in 5..text.len() {
            let typed = if text.as_bytes()[place] == b'q' { "p" } else { "q" };
            let mut wrong = text.clone();
            wrong.replace_range(place..=place, typed);
            assert!(wrong.parse::<AccountId>().is_err(), "one wrong character at {place}");
        }
    }

    #[test]
    fn a_device_is_written_as_its_libp2p_peer_id() {
        let device = DeviceId(key(SPEC_KEY));
        let text = device.to_string();
        assert_eq!(text, "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq");
        assert_eq!(text.parse(), Ok(device));
        assert_eq!(DeviceId::from_peer_id_bytes(&device.to_peer_id_bytes()), Some(device));
        assert!("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N".parse::<DeviceId>().is_err(), "an RSA peer");
    }

    #[test]
    fn a_direct_chat_is_the_same_from_both_ends() {
        let (one, other) = (AccountId([1; 32]), AccountId([2; 32]));
        assert_eq!(ChatId::direct(&one, &other), ChatId::direct(&other, &one));
        assert_ne!(ChatId::direct(&one, &other), ChatId::direct(&one, &one));
    }

    #[test]
    fn a_view_does_not_depend_on_the_order_of_its_heads() {
        assert_eq!(ViewId::of([[1; 32], [2; 32]]), ViewId::of([[2; 32], [1; 32], [2; 32]]));
        assert_ne!(ViewId::of([[1; 32], [2; 32]]), ViewId::of([[1; 32]]));
    }

    #[test]
    fn hex_ids_come_back_and_logs_see_three_bytes() {
        let id = MessageId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("abab".parse::<MessageId>().is_err());
        assert_eq!(format!("{id:?}"), "MessageId-ababab");
    }
}
