//! `/kith/turn/1.0.0`: a device asks a community node for credentials with which calls go through it (`SPEC.md`). Both words, and how
//! they are read. Not here: who gets any (`kith-bootstrap`), and what passes through (`kith-turn`).

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;

use futures::AsyncRead;
use futures::AsyncReadExt as _;
use futures::AsyncWrite;
use futures::AsyncWriteExt as _;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use kith_proto::ip::is_global;
use libp2p::StreamProtocol;
use libp2p::request_response;

/// The protocol's name.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/kith/turn/1.0.0");

/// The most servers that a node names: a relay and a STUN server for IPv4, and for IPv6.
pub const MAX_URLS: usize = 4;

/// The longest answer in bytes: four addresses and two words of 256 bytes each.
const MAX_ANSWER_BYTES: u64 = 2_048;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question;

/// What a node lends a device for calls.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnOffer {
    /// For how many seconds relayed addresses can be opened with it.
    pub valid_secs: u32,
    /// Where (RFC 7064, RFC 7065): `stun:…` and `turn:…`.
    pub urls: BoundedVec<BoundedStr<256>, MAX_URLS>,
    /// The user name.
    pub user: BoundedStr<256>,
    /// The password.
    pub password: BoundedStr<256>,
}

impl std::fmt::Debug for TurnOffer {
    /// Without credentials or addresses.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnOffer").field("urls", &self.urls.len()).finish_non_exhaustive()
    }
}

impl Encode for TurnOffer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.valid_secs.encode(out);
        self.urls.encode(out);
        self.user.encode(out);
        self.password.encode(out);
    }
}

impl Decode for TurnOffer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offer = Self {
            valid_secs: Decode::decode(reader)?,
            urls: Decode::decode(reader)?,
            user: Decode::decode(reader)?,
            password: Decode::decode(reader)?,
        };
        let known = |url: &BoundedStr<256>| url.starts_with("stun:") || url.starts_with("turn:");
        if offer.urls.iter().all(known) { Ok(offer) } else { Err(DecodeError::Invalid { what: "server" }) }
    }
}

impl TurnOffer {
    /// What of it may be used when a node that is connected at these addresses lends it; `None` if that is nothing. A server has to be
    /// named by address, and to be out in the world or where the node itself is: no node makes a device knock at its owner's
    /// router, or look up a name.
    pub(crate) fn usable(mut self, node: &[IpAddr]) -> Option<Self> {
        let may = |url: &BoundedStr<256>| {
            let at = url.split_once(':').and_then(|(_, rest)| address_in(rest));
            at.is_some_and(|at| at.port() != 0 && (is_global(at.ip()) || node.contains(&at.ip())))
        };
        self.urls = BoundedVec::truncated(self.urls.iter().filter(|url| may(url)).cloned().collect());
        self.urls.iter().any(|url| url.starts_with("turn:")).then_some(self)
    }
}

/// The address in what follows the scheme; `None` for a name, and for another transport than UDP.
fn address_in(rest: &str) -> Option<SocketAddr> {
    let host = match rest.split_once('?') {
        Some((host, "transport=udp")) => host,
        Some(_) => return None,
        None => rest,
    };
    host.parse().ok()
}

/// How both words are read and written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Codec;

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Question;
    type Response = Option<TurnOffer>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Question>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut version = [0];
        io.read_exact(&mut version).await?;
        if version == [1] { Ok(Question) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Option<TurnOffer>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.take(MAX_ANSWER_BYTES + 1).read_to_end(&mut bytes).await?;
        Option::<TurnOffer>::from_bytes(&bytes).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, _: Question) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&[1]).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        answer: Option<TurnOffer>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&answer.to_bytes()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(urls: &[&str]) -> TurnOffer {
        TurnOffer {
            valid_secs: 600,
            urls: BoundedVec::truncated(urls.iter().map(|url| BoundedStr::truncated(*url)).collect()),
            user: BoundedStr::default(),
            password: BoundedStr::default(),
        }
    }

    #[test]
    fn a_node_cannot_send_a_device_to_its_own_router_or_to_a_name() {
        let node = [IpAddr::from([192, 168, 1, 9])];
        for url in [
            "turn:192.168.1.1:3478?transport=udp",
            "turn:127.0.0.1:3478",
            "turn:169.254.169.254:80",
            "turn:224.0.0.251:5353",
            "turn:255.255.255.255:3478",
            "turn:[::1]:3478",
            "turn:[::ffff:192.168.1.1]:3478",
            "turn:node.example.org:3478",
            "turn:node.example.org",
            "turn:198.51.100.1:3478",
            "turn:[64:ff9b::c0a8:101]:53",
            "turn:[2002:c0a8:101::]:80",
            "turn:1.1.1.1:0",
            "turn:1.1.1.1:3478?transport=tcp",
            "stun:1.1.1.1:3478",
        ] {
            assert_eq!(offer(&[url]).usable(&node), None, "{url}");
        }
    }

    #[test]
    fn what_is_in_the_world_or_where_the_node_is_may_be_used() {
        let node = [IpAddr::from([192, 168, 1, 9])];
        for url in ["turn:1.1.1.1:3478?transport=udp", "turn:[2001:470::1]:3478", "turn:192.168.1.9:3478"] {
            assert_eq!(offer(&[url]).usable(&node), Some(offer(&[url])), "{url}");
        }
        let (good, bad) = ("turn:1.1.1.1:3478", "stun:192.168.1.1:3478");
        assert_eq!(offer(&[bad, good]).usable(&node), Some(offer(&[good])), "and only that");
    }
}
