//! A line between two sockets of this machine: each end is told the address of the line instead of the other's. What is RTP or RTCP
//! may be lost; all is delayed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::net::UdpSocket;

/// How the line is.
#[derive(Clone, Copy)]
pub(crate) struct Conditions {
    pub(crate) loss: f64,
    pub(crate) delay: Duration,
}

/// A line with two ends.
pub(crate) struct Proxy {
    ends: [End; 2],
}

struct End {
    /// Stands for the person of this end.
    socket: Arc<UdpSocket>,
    /// Where that person really is.
    real: Arc<Mutex<Option<SocketAddr>>>,
}

impl Proxy {
    pub(crate) async fn new(conditions: Conditions) -> Self {
        let end = || async {
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket of the own loop");
            End { socket: Arc::new(socket), real: Arc::default() }
        };
        let proxy = Self { ends: [end().await, end().await] };
        let [one, other] = &proxy.ends;
        tokio::spawn(carry(one.socket.clone(), other.socket.clone(), one.real.clone(), conditions, 3));
        tokio::spawn(carry(other.socket.clone(), one.socket.clone(), other.real.clone(), conditions, 7));
        proxy
    }

    /// The candidate that stands for one of a person; nothing for a second one.
    pub(crate) fn stand_in(&self, of: usize, candidate: &str) -> Option<String> {
        let mut words: Vec<String> = candidate.split_whitespace().map(str::to_owned).collect();
        let address = SocketAddr::new(words.get(4)?.parse().ok()?, words.get(5)?.parse().ok()?);
        let end = self.ends.get(of)?;
        end.real.lock().expect("nobody panicked").get_or_insert(address);
        *words.get_mut(5)? = end.socket.local_addr().ok()?.port().to_string();
        Some(words.join(" "))
    }
}

/// What comes to the socket that stands for somebody goes to them, from the socket that stands for the other.
async fn carry(
    to: Arc<UdpSocket>,
    from: Arc<UdpSocket>,
    real: Arc<Mutex<Option<SocketAddr>>>,
    Conditions { loss, delay }: Conditions,
    seed: u64,
) {
    let mut random = seed;
    let mut buffer = [0; 2_048];
    while let Ok((length, _)) = to.recv_from(&mut buffer).await {
        let Some(packet) = buffer.get(..length).map(<[u8]>::to_vec) else { continue };
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let media = packet.first().is_some_and(|first| (128..192).contains(first));
        let lost = media && ((random >> 33) as f64 / f64::from(1_u32 << 31)) < loss;
        let Some(address) = real.lock().expect("nobody panicked").filter(|_| !lost) else { continue };
        let from = from.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = from.send_to(&packet, address).await;
        });
    }
}
