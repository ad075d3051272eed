//! One UDP socket: its task hands every datagram to the porter and does what he says. A flood on this port takes its
//! task's time, not the swarm's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::certificate::Identity;
use super::porter::Arrival;
use super::porter::Deed;
use super::porter::Porter;
use crate::stats;
use crate::stats::Counters;

/// Longer datagrams are none of ours: browsers keep to what every path carries.
const MAX_DATAGRAM: usize = 2_048;

/// Arrivals that wait for the swarm.
pub(super) const ARRIVALS: usize = 64;

/// How often what took too long is forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Opens the socket. One for IPv6 leaves IPv4 to another.
pub(super) fn bind(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    UdpSocket::from_std(socket.into())
}

/// Serves a socket until nobody takes arrivals any more.
pub(super) async fn serve(
    socket: Arc<UdpSocket>,
    identity: Identity,
    arrivals: mpsc::Sender<Arrival>,
    counters: Arc<Counters>,
) {
    let mut porter = Porter::new(identity);
    let mut buffer = vec![0; MAX_DATAGRAM];
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = arrivals.closed() => return,
            _ = sweep.tick() => porter.sweep(Instant::now()),
            received = socket.recv_from(&mut buffer) => {
                // An error is about an earlier datagram that did not arrive.
                let Ok((length, from)) = received else { continue };
                let datagram = buffer.get(..length).unwrap_or_default();
                stats::add(&counters.wire_in, length);
                match porter.on_datagram(Instant::now(), from, datagram) {
                    Deed::Nothing => {}
                    Deed::Send(answer) => {
                        stats::add(&counters.wire_out, answer.len());
                        let _ = socket.try_send_to(&answer, from);
                    }
                    Deed::Refuse => stats::count(&counters.webrtc_refused),
                    Deed::Arrived(arrival) => {
                        if arrivals.try_send(*arrival).is_err() {
                            stats::count(&counters.webrtc_refused);
                        }
                    }
                }
            }
        }
    }
}
