//! The link into a group that one person gives another: `kith:g` and base64url of the group, the secret of the link's key,
//! whose devices to ask, and where. At most 600 characters, so that a QR code of it is read off a screen.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::Serialize;

use crate::address::DeviceAddress;
use crate::address::Multiaddress;
use crate::bounded::BoundedVec;
use crate::codec::Decode;
use crate::codec::Encode;
use crate::codec::Reader;
use crate::error::DecodeError;
use crate::id::AccountId;
use crate::id::DeviceId;
use crate::id::GroupId;
use crate::invite::InviteError;
use crate::invite::InviteSecret;
use crate::invite::MAX_INVITE_ADDRESSES;
use crate::invite::checksum;
use crate::mailbox::WorkBits;

/// What every link into a group starts with. No invite does: its first byte is a small version.
pub const GROUP_SCHEME: &str = "kith:g";

/// The longest link: four hosts with an address each, and a node; a QR code of version 17 holds it.
pub const MAX_GROUP_LINK_CHARS: usize = 600;

/// The most hosts in a link: the DHT knows who answers now, these are for where there is none, and for speed.
pub const MAX_LINK_HOSTS: usize = 4;

/// The most addresses of one host.
const MAX_HOST_ADDRESSES: usize = 2;

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// A link into a group as its holder sees it. It is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInvite {
    /// Which group.
    pub group: GroupId,
    /// The Ed25519 seed of the link's key.
    pub seed: [u8; 32],
    /// How much work it takes to come in, in leading zero bits; 0 for none.
    pub work: u8,
    /// Whom to ask, best first.
    pub hosts: BoundedVec<LinkHost, MAX_LINK_HOSTS>,
    /// Nodes that may know more.
    pub nodes: BoundedVec<DeviceAddress, MAX_INVITE_ADDRESSES>,
}

/// A device of a member who answers those who hold a link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkHost {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub device: DeviceId,
    /// Where it is, best first.
    pub addresses: BoundedVec<Multiaddress, MAX_HOST_ADDRESSES>,
}

impl GroupInvite {
    /// A link with as much of `hosts` and `nodes` as fits: all but the first have one address, and the last are left out.
    pub fn new(
        group: GroupId,
        (seed, work): ([u8; 32], u8),
        hosts: impl IntoIterator<Item = LinkHost>,
        nodes: impl IntoIterator<Item = DeviceAddress>,
    ) -> Self {
        let mut hosts: Vec<LinkHost> = hosts.into_iter().take(MAX_LINK_HOSTS).collect();
        for host in hosts.iter_mut().skip(1) {
            host.addresses = BoundedVec::truncated(host.addresses.iter().take(1).cloned().collect());
        }
        let mut nodes: Vec<DeviceAddress> = nodes.into_iter().take(MAX_INVITE_ADDRESSES).collect();
        loop {
            let (some, known) = (BoundedVec::truncated(hosts.clone()), BoundedVec::truncated(nodes.clone()));
            let link = Self { group, seed, work, hosts: some, nodes: known };
            if link.to_string().len() <= MAX_GROUP_LINK_CHARS {
                return link;
            }
            // One node and the first host are the last to go.
            if (nodes.len() > 1 || hosts.len() <= 1) && nodes.pop().is_some() {
                continue;
            }
            if hosts.len() > 1 {
                hosts.pop();
            } else {
                match hosts.first_mut().filter(|host| !host.addresses.is_empty()) {
                    Some(host) => host.addresses = BoundedVec::default(),
                    None => return link,
                }
            }
        }
    }

    /// What admits a request for prekeys at a device, before anything of the group is known.
    pub fn secret(&self, device: &DeviceId) -> InviteSecret {
        link_secret(&self.seed, device)
    }
}

/// What admits a request for prekeys by the holder of the link with this seed. It differs from device to device, and with it
/// the mail that is left for them: two hosts may use one mailbox.
pub fn link_secret(seed: &[u8; 32], device: &DeviceId) -> InviteSecret {
    let mut hasher = blake3::Hasher::new_derive_key("kith 2026-11-21 group link secret v2");
    hasher.update(seed).update(&device.0);
    let mut secret = [0; 16];
    hasher.finalize_xof().fill(&mut secret);
    InviteSecret(secret)
}

/// Without where it is.
impl fmt::Debug for LinkHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkHost").field("device", &self.device).finish_non_exhaustive()
    }
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
        if text.len() > MAX_GROUP_LINK_CHARS {
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
        self.seed.encode(out);
        WorkBits::capped(self.work).encode(out);
        self.hosts.encode(out);
        self.nodes.encode(out);
    }
}

impl Decode for GroupInvite {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if u8::decode(reader)? != VERSION {
            return Err(DecodeError::Invalid { what: "group link version" });
        }
        Ok(Self {
            group: Decode::decode(reader)?,
            seed: reader.array()?,
            work: WorkBits::decode(reader)?.bits(),
            hosts: Decode::decode(reader)?,
            nodes: Decode::decode(reader)?,
        })
    }
}

impl Encode for LinkHost {
    fn encode(&self, out: &mut Vec<u8>) {
        self.account.encode(out);
        self.device.encode(out);
        self.addresses.encode(out);
    }
}

impl Decode for LinkHost {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            account: Decode::decode(reader)?,
            device: Decode::decode(reader)?,
            addresses: Decode::decode(reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invite::Invite;

    fn host(number: u8, length: usize) -> LinkHost {
        let addresses = vec![Multiaddress::new(vec![4; length]).unwrap(); 2];
        let (account, device) = (AccountId([number; 32]), DeviceId([number; 32]));
        LinkHost { account, device, addresses: BoundedVec::truncated(addresses) }
    }

    #[test]
    fn a_link_comes_back_fits_and_is_no_invite() {
        for length in [8, 20, 40, 192] {
            let address = Multiaddress::new(vec![4; length]).unwrap();
            let nodes = vec![DeviceAddress { device: DeviceId([9; 32]), address }; 4];
            let hosts = (1..=5).map(|number| host(number, length));
            let link = GroupInvite::new(GroupId([1; 32]), ([3; 32], 18), hosts, nodes);
            let text = link.to_string();
            assert!(text.len() <= MAX_GROUP_LINK_CHARS && !link.hosts.is_empty());
            assert_eq!(format!(" {text}\n").parse(), Ok(link));
            assert!(text.parse::<Invite>().is_err());
            assert_eq!(text[..text.len() - 1].parse::<GroupInvite>(), Err(InviteError::Damaged));
        }
        assert_eq!("kith:AAAA".parse::<GroupInvite>(), Err(InviteError::NotAnInvite));
    }

    #[test]
    fn four_hosts_with_an_address_each_and_a_node_fit() {
        let address = Multiaddress::new(vec![4; 8]).unwrap();
        let node = DeviceAddress { device: DeviceId([9; 32]), address };
        let link = |hosts: u8| {
            let hosts = (1..=hosts).map(|number| host(number, 8));
            GroupInvite::new(GroupId([1; 32]), ([3; 32], 0), hosts, [node.clone()])
        };
        let four = link(4);
        assert_eq!((four.hosts.len(), four.nodes.len()), (4, 1));
        assert_eq!([1, 2, 4].map(|hosts| link(hosts).to_string().len()), [268, 366, 564]);
    }
}
