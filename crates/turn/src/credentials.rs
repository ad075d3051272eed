//! Credentials that hold for minutes, for one member, and that the server need not remember: the user name says until
//! when and for whom, in a name that means nothing elsewhere, and the password is a MAC over it (the scheme that browsers know as the
//! REST API for TURN). Not here: how they are asked for (`crates/net/SPEC.md`).

use std::net::IpAddr;

use data_encoding::HEXLOWER;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;
use md5::Digest as _;
use md5::Md5;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize;
use zeroize::ZeroizeOnDrop;
use zeroize::Zeroizing;

use crate::message::Transaction;
use crate::peers;

/// What a member is called in user names, and a network in memory.
pub(crate) type Tag = [u8; 8];

/// What requests and answers are signed with.
pub(crate) type Key = Zeroizing<[u8; 16]>;

/// The longest user name that is looked at: ours have 27 bytes.
pub(crate) const MAX_USER_BYTES: usize = 64;

/// A user name and a password.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    /// Without them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

/// What makes credentials.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret([u8; 32]);

/// What a user name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) expires: Timestamp,
    pub(crate) member: Tag,
}

impl Secret {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// Credentials for a member.
    pub(crate) fn issue(&self, expires: Timestamp, member: &DeviceId) -> Credentials {
        let user = User { expires, member: self.member(member) }.text();
        let password = self.password(&user);
        Credentials { user, password }
    }

    pub(crate) fn member(&self, member: &DeviceId) -> Tag {
        self.tag(b"kith turn member v1", &member.0)
    }

    pub(crate) fn network(&self, ip: IpAddr) -> Tag {
        self.tag(b"kith turn network v1", &peers::network_of(ip))
    }

    pub(crate) fn line(&self, ip: IpAddr) -> Tag {
        self.tag(b"kith turn line v1", &peers::line_of(ip))
    }

    /// The name of an indication, which tells nobody how many there were (RFC 8489, section 5).
    pub(crate) fn transaction(&self, relay: u64, number: u64) -> Transaction {
        let mac = self.mac(b"kith turn data v1", &[relay.to_be_bytes(), number.to_be_bytes()].concat());
        *mac.first_chunk().expect("32 bytes begin with 12")
    }

    /// The key of a user by RFC 8489, section 9.2.2.
    pub(crate) fn key(&self, user: &str, realm: &str) -> Key {
        let mut password = self.password(user);
        let mut hash = Md5::new();
        for part in [user, ":", realm, ":", &password] {
            hash.update(part.as_bytes());
        }
        password.zeroize();
        Key::new(hash.finalize().into())
    }

    /// A nonce for an address, valid until a time. Nothing is remembered: whoever asks from made-up addresses fills no memory.
    pub(crate) fn nonce(&self, expires: Timestamp, from: &[u8]) -> String {
        let expires = expires.0.to_be_bytes();
        let mac = self.tag(b"kith turn nonce v1", &[expires.as_slice(), from].concat());
        HEXLOWER.encode(&[expires.as_slice(), &mac].concat())
    }

    /// Whether a nonce was made here for that address, and is not over.
    pub(crate) fn is_nonce(&self, now: Timestamp, from: &[u8], nonce: &str) -> bool {
        let bytes = HEXLOWER.decode(nonce.as_bytes()).ok();
        let Some(expires) = bytes.as_deref().and_then(|bytes| bytes.first_chunk::<8>()) else { return false };
        let expires = Timestamp(u64::from_be_bytes(*expires));
        let same: bool = self.nonce(expires, from).as_bytes().ct_eq(nonce.as_bytes()).into();
        same && expires > now
    }

    fn password(&self, user: &str) -> String {
        let mut mac = self.mac(b"kith turn password v1", user.as_bytes());
        let password = mac.first_chunk::<16>().map(|half| HEXLOWER.encode(half)).unwrap_or_default();
        mac.zeroize();
        password
    }

    fn tag(&self, label: &[u8], of: &[u8]) -> Tag {
        let mac = self.mac(label, of);
        *mac.first_chunk().expect("32 bytes begin with 8")
    }

    fn mac(&self, label: &[u8], of: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(label);
        mac.update(of);
        mac.finalize().into_bytes().into()
    }
}

impl User {
    fn text(&self) -> String {
        let Self { expires, member } = self;
        format!("{}:{}", expires.0 / 1_000, HEXLOWER.encode(member))
    }

    /// Reads a user name.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (secs, member) = text.split_once(':')?;
        let secs: u64 = secs.parse().ok()?;
        let member = HEXLOWER.decode(member.as_bytes()).ok()?.try_into().ok()?;
        let user = Self { expires: Timestamp(secs.checked_mul(1_000)?), member };
        // One name for one user.
        (user.text() == text).then_some(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_name_nobody_and_differ_for_members_and_times() {
        let secret = Secret::new([1; 32]);
        let (ann, bob) = (DeviceId([2; 32]), DeviceId([3; 32]));
        let made = secret.issue(Timestamp(1_800_000_000_000), &ann);
        assert!(
            made.user.starts_with("1800000000:")
                && made.user.len() < MAX_USER_BYTES
                && made.password.len() == 32
        );
        assert!(!made.user.contains("02020202") && !made.user.contains("010203"));
        let user = User::read(&made.user).unwrap();
        assert_eq!(user.member, secret.member(&ann));
        for other in [
            secret.issue(Timestamp(1_800_000_001_000), &ann),
            secret.issue(Timestamp(1_800_000_000_000), &bob),
            Secret::new([9; 32]).issue(Timestamp(1_800_000_000_000), &ann),
        ] {
            assert!(other.user != made.user && other.password != made.password);
        }
        assert_eq!(format!("{made:?}"), "Credentials");
    }

    #[test]
    fn a_user_name_that_was_changed_is_none_or_has_another_key() {
        let secret = Secret::new([1; 32]);
        let made = secret.issue(Timestamp(1_800_000_000_000), &DeviceId([2; 32]));
        for changed in [
            format!("0{}", made.user),
            format!("{}:", made.user),
            made.user.to_uppercase() + "x",
            String::new(),
        ] {
            assert_eq!(User::read(&changed), None, "{changed}");
        }
        let later = made.user.replacen("18", "19", 1);
        assert!(User::read(&later).is_some());
        assert_ne!(secret.key(&later, "kith"), secret.key(&made.user, "kith"));
        assert_ne!(secret.key(&made.user, "kith"), secret.key(&made.user, "other"));
    }

    #[test]
    fn a_nonce_is_good_for_one_address_and_for_a_while() {
        let secret = Secret::new([1; 32]);
        let nonce = secret.nonce(Timestamp(1_000), b"here");
        assert!(secret.is_nonce(Timestamp(999), b"here", &nonce));
        assert!(!secret.is_nonce(Timestamp(1_000), b"here", &nonce), "over");
        assert!(!secret.is_nonce(Timestamp(999), b"there", &nonce));
        assert!(
            !secret.is_nonce(Timestamp(999), b"here", "") && !secret.is_nonce(Timestamp(999), b"here", "zz")
        );
    }
}
