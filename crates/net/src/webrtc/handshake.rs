//! From a client that has shown its address to a connection that libp2p uses: DTLS, SCTP, and the noise handshake on the
//! first channel, which ties the keys of both devices to both certificates.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::time::Duration;

use futures::AsyncWriteExt as _;
use futures::future::Either;
use futures::future::select;
use libp2p::PeerId;
use libp2p::core::UpgradeInfo as _;
use libp2p::core::upgrade::OutboundConnectionUpgrade as _;
use libp2p::identity::Keypair;
use libp2p::noise;

use super::certificate::Fingerprint;
use super::link::Link;
use super::link::Muxer;

/// How long everything may take: ten round trips, and one loss that SCTP notices after three seconds.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// With this both sides begin what they sign.
const PROLOGUE: &[u8] = b"libp2p-webrtc-noise:";

/// Finishes the handshakes.
pub(super) async fn establish(
    link: Link,
    keypair: Keypair,
    server: Fingerprint,
) -> io::Result<(PeerId, Muxer)> {
    // Dropped when it takes too long, which says goodbye.
    let muxer = Muxer::new(link.clone());
    let shown = async {
        let (channel, client) = poll_fn(|cx| link.poll_connected(cx)).await;
        let prologue = [PROLOGUE, &client.to_bytes(), &server.to_bytes()].concat();
        let noise = noise::Config::new(&keypair).map_err(io::Error::other)?.with_prologue(prologue);
        let info = noise.protocol_info().next().ok_or(io::ErrorKind::Unsupported)?;
        // The server speaks first: by then the client has heard of nothing but a certificate.
        let (peer, mut after) = noise.upgrade_outbound(channel, info).await.map_err(io::Error::other)?;
        after.close().await?;
        Ok::<PeerId, io::Error>(peer)
    };
    let (shown, driven) = (pin!(shown), pin!(poll_fn(|cx| link.poll_drive(cx))));
    match tokio::time::timeout(TIMEOUT, select(shown, driven)).await? {
        Either::Left((peer, _)) => Ok((peer?, muxer)),
        Either::Right((ended, _)) => Err(ended),
    }
}
