//! Somebody with a valid key who speaks the transport well and everything above it badly: streams can be opened and
//! filled with any bytes.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::task::Poll;

use futures::AsyncReadExt as _;
use futures::AsyncWriteExt as _;
use kith_net::Net;
use kith_proto::address::Multiaddress;
use libp2p::Multiaddr;
use libp2p::Transport as _;
use libp2p::core::Endpoint;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::muxing::StreamMuxerExt as _;
use libp2p::core::muxing::SubstreamBox;
use libp2p::core::transport::DialOpts;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::noise;
use libp2p::tcp;
use libp2p::yamux;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// The streams that a node answers on.
pub(crate) const PROTOCOLS: [&str; 4] =
    ["/kith/dm/1", "/kith/kad/1.0.0", "/ipfs/ping/1.0.0", "/ipfs/id/1.0.0"];

type Opened = oneshot::Sender<io::Result<SubstreamBox>>;

pub(crate) struct Mallory {
    wishes: mpsc::Sender<Opened>,
    accepted: mpsc::Receiver<SubstreamBox>,
    held: Vec<SubstreamBox>,
}

impl Mallory {
    /// Connects as the owner of a key.
    pub(crate) async fn connect(seed: u8, address: &Multiaddress) -> io::Result<Self> {
        let keypair = Keypair::ed25519_from_bytes([seed; 32]).unwrap();
        let mut yamux = yamux::Config::default();
        yamux.set_max_num_streams(2_000);
        let mut transport = tcp::tokio::Transport::new(tcp::Config::default())
            .upgrade(Version::V1)
            .authenticate(noise::Config::new(&keypair).unwrap())
            .multiplex(yamux)
            .boxed();
        let address = Multiaddr::try_from(address.as_bytes().to_vec()).unwrap();
        let options = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
        let (_, muxer) = transport.dial(address, options).unwrap().await?;
        let (wishes, wanted) = mpsc::channel(64);
        let (inbound, accepted) = mpsc::channel(64);
        tokio::spawn(drive(muxer, wanted, inbound));
        Ok(Self { wishes, accepted, held: Vec::new() })
    }

    /// Waits until the other side opens a stream of a protocol. All others are held and never answered: a refused
    /// ping would end the connection.
    pub(crate) async fn accept(&mut self, protocol: &str) -> io::Result<SubstreamBox> {
        while let Some(mut stream) = self.accepted.recv().await {
            read_line(&mut stream).await?;
            say_line(&mut stream, "/multistream/1.0.0").await?;
            if read_line(&mut stream).await? == protocol {
                say_line(&mut stream, protocol).await?;
                return Ok(stream);
            }
            self.held.push(stream);
        }
        Err(io::ErrorKind::NotConnected.into())
    }

    /// Opens a stream and says nothing on it.
    pub(crate) async fn open(&self) -> io::Result<SubstreamBox> {
        let (opened, stream) = oneshot::channel();
        self.wishes.send(opened).await.map_err(|_| io::ErrorKind::NotConnected)?;
        stream.await.map_err(|_| io::ErrorKind::NotConnected)?
    }

    /// Opens a stream of a protocol.
    pub(crate) async fn speak(&self, protocol: &str) -> io::Result<SubstreamBox> {
        let mut stream = self.open().await?;
        for line in ["/multistream/1.0.0", protocol] {
            say_line(&mut stream, line).await?;
            if read_line(&mut stream).await? != line {
                return Err(io::ErrorKind::Unsupported.into());
            }
        }
        Ok(stream)
    }
}

async fn say_line(stream: &mut SubstreamBox, line: &str) -> io::Result<()> {
    let mut said = vec![u8::try_from(line.len() + 1).unwrap()];
    said.extend_from_slice(line.as_bytes());
    said.push(b'\n');
    stream.write_all(&said).await?;
    stream.flush().await
}

async fn read_line(stream: &mut SubstreamBox) -> io::Result<String> {
    let mut count = [0];
    stream.read_exact(&mut count).await?;
    let mut line = vec![0; usize::from(count[0])];
    stream.read_exact(&mut line).await?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Keeps the connection going and opens streams. What the other side opens can be taken, and is else held and never
/// answered.
async fn drive(
    mut muxer: StreamMuxerBox,
    mut wishes: mpsc::Receiver<Opened>,
    inbound: mpsc::Sender<SubstreamBox>,
) {
    let (mut waiting, mut held) = (VecDeque::new(), Vec::new());
    poll_fn(|cx| {
        while let Poll::Ready(wish) = wishes.poll_recv(cx) {
            match wish {
                Some(wish) => waiting.push_back(wish),
                None => return Poll::Ready(()),
            }
        }
        loop {
            let mut opened = false;
            while !waiting.is_empty()
                && let Poll::Ready(stream) = muxer.poll_outbound_unpin(cx)
            {
                opened = true;
                if let Some(wish) = waiting.pop_front() {
                    let _: Result<(), _> = wish.send(stream.map_err(io::Error::other));
                }
            }
            while let Poll::Ready(stream) = muxer.poll_inbound_unpin(cx) {
                match stream {
                    Ok(stream) => held.extend(inbound.try_send(stream).err()),
                    Err(_) => return Poll::Ready(()),
                }
            }
            while let Poll::Ready(event) = muxer.poll_unpin(cx) {
                if event.is_err() {
                    return Poll::Ready(());
                }
            }
            // A new stream is only looked after once everything was polled again.
            if !opened {
                return Poll::Pending;
            }
        }
    })
    .await;
}

/// Waits for a counter to get somewhere, by looking at it whenever the other tasks have had their turn.
pub(crate) async fn counted(net: &Net, enough: impl Fn(&kith_net::Stats) -> bool) {
    while !enough(&net.stats()) {
        tokio::task::yield_now().await;
    }
}
