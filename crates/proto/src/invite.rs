//! The link or QR code that one person gives another: `kith:` and base64url of the account, a secret that admits the
//! request, an expiry and up to three places where to knock. At most 400 characters, so that a QR code stays readable.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::Serialize;

use crate::address::DeviceAddress;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::id::AccountId;
use crate::id::InviteId;

/// What every invite link starts with.
pub const INVITE_SCHEME: &str = "kith:";

/// The longest link in characters (DESIGN, section 4).
pub const MAX_LINK_CHARS: usize = 400;

/// How many places an invite names.
pub const MAX_INVITE_ADDRESSES: usize = 3;

const INVITE_VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// A secret that admits one or more contact requests. It has no readable `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteSecret(pub [u8; 16]);

impl InviteSecret {
    /// The name under which the inviter keeps the invite.
    pub fn id(&self) -> InviteId {
        let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 invite id v1");
        hasher.update(&self.0);
        let mut id = [0; 8];
        hasher.finalize_xof().fill(&mut id);
        InviteId(id)
    }
}

impl fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteSecret")
    }
}

/// An invite as its holder sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Who invites.
    pub account: AccountId,
    /// What admits the request.
    pub secret: InviteSecret,
    /// Until when, in seconds since 1970-01-01T00:00:00Z; zero for no end.
    pub expires_secs: u32,
    /// Where to knock, best first: devices of the inviter, or bootstrap nodes that know them.
    pub addresses: BoundedVec<DeviceAddress, MAX_INVITE_ADDRESSES>,
}

/// Why a link was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// The text is something else.
    #[error("this is not a Kith invite: it should start with “kith:”")]
    NotAnInvite,
    /// Characters were lost or changed on the way.
    #[error("this invite is damaged: ask for the whole link again")]
    Damaged,
    /// The invite was made by a newer Kith.
    #[error("this invite was made by a newer version of Kith: update to use it")]
    TooNew,
}

impl Invite {
    /// An invite with as many of `addresses` as fit the longest link.
    pub fn new(
        account: AccountId,
        secret: &InviteSecret,
        expires_secs: u32,
        addresses: &[DeviceAddress],
    ) -> Self {
        let mut kept = addresses.to_vec();
        kept.truncate(MAX_INVITE_ADDRESSES);
        loop {
            let addresses = BoundedVec::truncated(kept.clone());
            let invite = Self { account, secret: secret.clone(), expires_secs, addresses };
            if invite.to_string().len() <= MAX_LINK_CHARS || kept.pop().is_none() {
                return invite;
            }
        }
    }
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.to_bytes();
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        write!(f, "{INVITE_SCHEME}{}", BASE64URL_NOPAD.encode(&bytes))
    }
}

impl FromStr for Invite {
    type Err = InviteError;
    fn from_str(text: &str) -> Result<Self, InviteError> {
        let text = text.trim();
        let prefix = text.get(..INVITE_SCHEME.len()).ok_or(InviteError::NotAnInvite)?;
        if !prefix.eq_ignore_ascii_case(INVITE_SCHEME) {
            return Err(InviteError::NotAnInvite);
        }
        let body = text.get(INVITE_SCHEME.len()..).unwrap_or_default();
        if text.len() > MAX_LINK_CHARS {
            return Err(InviteError::Damaged);
        }
        let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| InviteError::Damaged)?;
        let cut = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(InviteError::Damaged)?;
        let (word, sum) = bytes.split_at_checked(cut).ok_or(InviteError::Damaged)?;
        if checksum(word).as_slice() != sum {
            return Err(InviteError::Damaged);
        }
        if word.first() != Some(&INVITE_VERSION) {
            return Err(InviteError::TooNew);
        }
        Self::from_bytes(word).map_err(|_| InviteError::Damaged)
    }
}

pub(crate) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut sum);
    sum
}

impl Encode for Invite {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(INVITE_VERSION);
        self.account.encode(out);
        self.secret.0.encode(out);
        self.expires_secs.encode(out);
        self.addresses.encode(out);
    }
}

impl Decode for Invite {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != INVITE_VERSION {
            return Err(DecodeError::Invalid { what: "invite version" });
        }
        Ok(Self {
            account: Decode::decode(reader)?,
            secret: InviteSecret(reader.array()?),
            expires_secs: Decode::decode(reader)?,
            addresses: Decode::decode(reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::MAX_ADDRESS_BYTES;
    use crate::address::Multiaddress;
    use crate::id::DeviceId;

    fn place(length: usize) -> DeviceAddress {
        DeviceAddress { device: DeviceId([9; 32]), address: Multiaddress::new(vec![4; length]).unwrap() }
    }

    fn invite(addresses: &[DeviceAddress]) -> Invite {
        Invite::new(AccountId([7; 32]), &InviteSecret([8; 16]), 1_800_000_000, addresses)
    }

    #[test]
    fn a_link_is_at_most_400_characters_whatever_it_names() {
        for length in 1..=MAX_ADDRESS_BYTES {
            for count in 0..=4 {
                let link = invite(&vec![place(length); count]).to_string();
                assert!(link.len() <= MAX_LINK_CHARS, "{count} addresses of {length} bytes: {}", link.len());
                assert!(link.parse::<Invite>().is_ok());
            }
        }
        assert_eq!(invite(&vec![place(40); 4]).addresses.len(), MAX_INVITE_ADDRESSES, "three usual ones fit");
    }

    #[test]
    fn a_link_comes_back_with_spaces_around_it_and_a_shouted_scheme() {
        let invite = invite(&[place(20)]);
        let link = invite.to_string();
        assert_eq!(format!(" {link}\n").parse(), Ok(invite.clone()));
        assert_eq!(link.replace("kith:", "KITH:").parse(), Ok(invite));
    }

    #[test]
    fn every_changed_or_lost_character_is_noticed() {
        let link = invite(&[place(20)]).to_string();
        for end in INVITE_SCHEME.len()..link.len() {
            assert_eq!(link[..end].parse::<Invite>(), Err(InviteError::Damaged), "cut at {end}");
            let typed = if link.as_bytes()[end] == b'A' { "B" } else { "A" };
            let mut wrong = link.clone();
            wrong.replace_range(end..=end, typed);
            assert_eq!(wrong.parse::<Invite>(), Err(InviteError::Damaged), "changed at {end}");
        }
    }

    #[test]
    fn other_texts_and_later_versions_are_told_apart() {
        assert_eq!("https://example.org".parse::<Invite>(), Err(InviteError::NotAnInvite));
        assert_eq!("ki".parse::<Invite>(), Err(InviteError::NotAnInvite));
        assert_eq!("kiti\u{300}x".parse::<Invite>(), Err(InviteError::NotAnInvite));
        let mut bytes = vec![2, 0, 0];
        bytes.extend(checksum(&bytes));
        let link = format!("{INVITE_SCHEME}{}", BASE64URL_NOPAD.encode(&bytes));
        assert_eq!(link.parse::<Invite>(), Err(InviteError::TooNew));
    }
}
