//! The link into a group that one person gives another: `kith:g` and base64url of the group, the secret of the link's key,
//! whose device to ask, and where. At most 400 characters, like an invite.

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
use crate::id::GroupId;
use crate::invite::InviteError;
use crate::invite::InviteSecret;
use crate::invite::MAX_INVITE_ADDRESSES;
use crate::invite::MAX_LINK_CHARS;
use crate::invite::checksum;

/// What every link into a group starts with. No invite does: its first byte is a small version.
pub const GROUP_SCHEME: &str = "kith:g";

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// A link into a group as its holder sees it. It is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInvite {
    /// Which group.
    pub group: GroupId,
    /// Who made the link.
    pub account: AccountId,
    /// The Ed25519 seed of the link's key.
    pub seed: [u8; 32],
    /// Where to ask, best first: the maker's device, then nodes that know it.
    pub addresses: BoundedVec<DeviceAddress, MAX_INVITE_ADDRESSES>,
}

impl GroupInvite {
    /// A link with as many of `addresses` as fit.
    pub fn new(group: GroupId, account: AccountId, seed: [u8; 32], addresses: &[DeviceAddress]) -> Self {
        let mut kept = addresses.to_vec();
        kept.truncate(MAX_INVITE_ADDRESSES);
        loop {
            let link = Self { group, account, seed, addresses: BoundedVec::truncated(kept.clone()) };
            if link.to_string().len() <= MAX_LINK_CHARS || kept.pop().is_none() {
                return link;
            }
        }
    }

    /// What admits a request for prekeys, before anything of the group is known.
    pub fn secret(&self) -> InviteSecret {
        link_secret(&self.seed)
    }
}

/// What admits a request for prekeys by the holder of the link with this seed.
pub fn link_secret(seed: &[u8; 32]) -> InviteSecret {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 group link secret v1");
    hasher.update(seed);
    let mut secret = [0; 16];
    hasher.finalize_xof().fill(&mut secret);
    InviteSecret(secret)
}

/// Without the secret.
impl fmt::Debug for GroupInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupInvite").field("group", &self.group).finish_non_exhaustive()
    }
}

impl fmt::Display for GroupInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.to_bytes();
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        write!(f, "{GROUP_SCHEME}{}", BASE64URL_NOPAD.encode(&bytes))
    }
}

impl FromStr for GroupInvite {
    type Err = InviteError;
    fn from_str(text: &str) -> Result<Self, InviteError> {
        let text = text.trim();
        let prefix = text.get(..GROUP_SCHEME.len()).ok_or(InviteError::NotAnInvite)?;
        if !prefix.eq_ignore_ascii_case(GROUP_SCHEME) {
            return Err(InviteError::NotAnInvite);
        }
        if text.len() > MAX_LINK_CHARS {
            return Err(InviteError::Damaged);
        }
        let body = text.get(GROUP_SCHEME.len()..).unwrap_or_default();
        let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| InviteError::Damaged)?;
        let cut = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(InviteError::Damaged)?;
        let (word, sum) = bytes.split_at_checked(cut).ok_or(InviteError::Damaged)?;
        if checksum(word).as_slice() != sum {
            return Err(InviteError::Damaged);
        }
        if word.first() != Some(&VERSION) {
            return Err(InviteError::TooNew);
        }
        Self::from_bytes(word).map_err(|_| InviteError::Damaged)
    }
}

impl Encode for GroupInvite {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.group.encode(out);
        self.account.encode(out);
        self.seed.encode(out);
        self.addresses.encode(out);
    }
}

impl Decode for GroupInvite {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "group link version" });
        }
        Ok(Self {
            group: Decode::decode(reader)?,
            account: Decode::decode(reader)?,
            seed: reader.array()?,
            addresses: Decode::decode(reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Multiaddress;
    use crate::id::DeviceId;
    use crate::invite::Invite;

    #[test]
    fn a_link_comes_back_fits_and_is_no_invite() {
        for length in [1, 20, 40, 192] {
            let address = Multiaddress::new(vec![4; length]).unwrap();
            let place = DeviceAddress { device: DeviceId([9; 32]), address };
            let link = GroupInvite::new(GroupId([1; 32]), AccountId([2; 32]), [3; 32], &vec![place; 4]);
            let text = link.to_string();
            assert!(text.len() <= MAX_LINK_CHARS);
            assert_eq!(format!(" {text}\n").parse(), Ok(link));
            assert!(text.parse::<Invite>().is_err());
            assert_eq!(text[..text.len() - 1].parse::<GroupInvite>(), Err(InviteError::Damaged));
        }
        assert_eq!("kith:AAAA".parse::<GroupInvite>(), Err(InviteError::NotAnInvite));
    }
}
