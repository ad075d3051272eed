//! Signs of life. libp2p's ping has every side ask on every connection at one interval; here one question serves both, and
//! each connection has an interval of its own, since bytes of idle connections are what a phone pays for.
//!
//! ```text
//!  dialler    ──interval since it heard anything──▶ asks ──▶ answer heard
//!  listener   hears the question: no reason to ask. Nothing heard for the interval and a bit ──▶ asks itself
//! ```
//!
//! The protocol is `/ipfs/ping/1.0.0`, so that every libp2p answers. Who has been silent for too long is for the task to
//! judge, which knows when it was not listening itself; it is told when this side asks, and has everybody asked at once after
//! a time in which it did not run.

use std::collections::VecDeque;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

use futures::AsyncReadExt as _;
use futures::AsyncWriteExt as _;
use futures::future::BoxFuture;
use libp2p::Multiaddr;
use libp2p::PeerId;
use libp2p::Stream;
use libp2p::StreamProtocol;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::ConnectionDenied;
use libp2p::swarm::ConnectionHandler;
use libp2p::swarm::ConnectionHandlerEvent;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::FromSwarm;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::NotifyHandler;
use libp2p::swarm::StreamUpgradeError;
use libp2p::swarm::SubstreamProtocol;
use libp2p::swarm::THandler;
use libp2p::swarm::THandlerInEvent;
use libp2p::swarm::THandlerOutEvent;
use libp2p::swarm::ToSwarm;
use libp2p::swarm::handler::ConnectionEvent;
use tokio::time::Instant;
use tokio::time::Sleep;

/// What every libp2p answers.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/ipfs/ping/1.0.0");

/// What a question is: these bytes, which come back.
type Question = [u8; 32];

/// By which part of the interval the listener waits longer for the dialler's question: the way of a question takes long on a
/// busy line, and two of them cost twice as much.
const SLACK: u32 = 10;

/// How often, in parts of the interval, questions of others are reported: whoever asks without end keeps nobody busy.
const REPORTS: u32 = 4;

/// Questions that are answered before others get their turn: whoever sends many at once must not hold up a whole thread.
const ANSWERS: usize = 4;

/// The pause before a broken stream of questions is opened again.
const AGAIN: Duration = Duration::from_secs(1);

/// What is heard on a connection.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) peer: PeerId,
    pub(crate) connection: ConnectionId,
    pub(crate) sign: Sign,
}

/// A sign of life, a question of ours that asks for one, or that there will never be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// This side asks now: from here on the answer has its time.
    Asking,
    /// The other side asked.
    Asked,
    /// The other side answered, after so long.
    Answered(Duration),
    /// The other side does not know the protocol.
    Unknown,
}

/// What a connection's handler is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ToHandler {
    /// Ask when nothing was heard for so long.
    Every(Duration),
    /// Ask at once.
    Now,
}

/// Asks on all connections.
pub(crate) struct Behaviour {
    /// The interval of a new connection.
    first: Duration,
    out: VecDeque<ToSwarm<Event, ToHandler>>,
    waker: Option<Waker>,
}

impl Behaviour {
    pub(crate) fn new(first: Duration) -> Self {
        Self { first, out: VecDeque::new(), waker: None }
    }

    /// Asks on a connection when nothing was heard for so long, from now on.
    pub(crate) fn set_interval(&mut self, peer_id: PeerId, connection: ConnectionId, every: Duration) {
        self.notify(peer_id, connection, ToHandler::Every(every));
    }

    /// Asks on a connection at once.
    pub(crate) fn ask_now(&mut self, peer_id: PeerId, connection: ConnectionId) {
        self.notify(peer_id, connection, ToHandler::Now);
    }

    fn notify(&mut self, peer_id: PeerId, connection: ConnectionId, event: ToHandler) {
        self.push(ToSwarm::NotifyHandler { peer_id, handler: NotifyHandler::One(connection), event });
    }

    fn push(&mut self, event: ToSwarm<Event, ToHandler>) {
        self.out.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(Side::Listener, self.first))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        role: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        // Through a hole that was punched both dial, and agree on who is taken for the dialler.
        let side = if role.is_dialer() { Side::Dialler } else { Side::Listener };
        Ok(Handler::new(side, self.first))
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        sign: THandlerOutEvent<Self>,
    ) {
        self.push(ToSwarm::GenerateEvent(Event { peer, connection, sign }));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.out.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Who opened a connection: that side asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Dialler,
    Listener,
}

/// Our questions.
enum Asking {
    /// No stream yet.
    Closed,
    Opening,
    Idle(Stream),
    Waiting(BoxFuture<'static, io::Result<(Stream, Duration)>>),
    /// The other side knows no questions, which is to be said once.
    Refused,
    Never,
}

/// One connection's share.
pub(crate) struct Handler {
    side: Side,
    every: Duration,
    heard: Instant,
    /// When a question of the other side was last reported.
    reported: Option<Instant>,
    due: Pin<Box<Sleep>>,
    asking: Asking,
    asked: u64,
    /// Whether it was said that this side asks, since it heard the other last.
    told: bool,
    /// The stream of the other side's questions: done when one is answered.
    answering: Option<BoxFuture<'static, io::Result<Stream>>>,
}

impl Handler {
    /// The dialler asks at once: that a connection works, and how far the other side is, is good to know.
    fn new(side: Side, every: Duration) -> Self {
        let heard = Instant::now();
        let first = if side == Side::Dialler { heard } else { heard + patience(side, every) };
        Self {
            side,
            every,
            heard,
            reported: None,
            due: Box::pin(tokio::time::sleep_until(first)),
            asking: Asking::Closed,
            asked: 0,
            // The first question goes out while a connection opens and much else is said: it has the interval's time.
            told: side == Side::Dialler,
            answering: None,
        }
    }

    fn hear(&mut self) {
        (self.heard, self.told) = (Instant::now(), false);
        self.due.as_mut().reset(self.heard + patience(self.side, self.every));
    }

    /// Answers a few questions. Returns whether one is worth a report.
    fn poll_answering(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..ANSWERS {
            let Some(answering) = &mut self.answering else { return false };
            let Poll::Ready(answered) = answering.as_mut().poll(cx) else { return false };
            self.answering = answered.ok().map(|stream| Box::pin(answer(stream)) as _);
            if self.answering.is_some() {
                let awaited = self.told;
                self.hear();
                if awaited || self.reported.is_none_or(|at| at + self.every / REPORTS <= self.heard) {
                    self.reported = Some(self.heard);
                    return true;
                }
            }
        }
        // There may be more.
        cx.waker().wake_by_ref();
        false
    }
}

/// After how long at the latest a handler that reported a sign of life has asked for the next one: it may have heard the
/// other side later than it reported, and a listener waits a bit longer. That it asks is told by [`Sign::Asking`].
pub(crate) fn asks_within(every: Duration) -> Duration {
    every + every / SLACK + every / REPORTS
}

/// How long nothing has to be heard before this side asks.
fn patience(side: Side, every: Duration) -> Duration {
    match side {
        Side::Dialler => every,
        Side::Listener => every + every / SLACK,
    }
}

type Wish = ReadyUpgrade<StreamProtocol>;

impl ConnectionHandler for Handler {
    type FromBehaviour = ToHandler;
    type ToBehaviour = Sign;
    type InboundProtocol = Wish;
    type OutboundProtocol = Wish;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Wish> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Wish, (), Sign>> {
        if self.poll_answering(cx) {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(Sign::Asked));
        }
        loop {
            match std::mem::replace(&mut self.asking, Asking::Opening) {
                Asking::Waiting(mut question) => match question.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.asking = Asking::Waiting(question);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok((stream, after))) => {
                        self.asking = Asking::Idle(stream);
                        self.hear();
                        return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(Sign::Answered(after)));
                    }
                    Poll::Ready(Err(_)) => {
                        self.asking = Asking::Closed;
                        self.due.as_mut().reset(Instant::now() + AGAIN);
                    }
                },
                Asking::Refused => {
                    self.asking = Asking::Never;
                    return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(Sign::Unknown));
                }
                still @ (Asking::Opening | Asking::Never) => {
                    self.asking = still;
                    return Poll::Pending;
                }
                idle if self.due.as_mut().poll(cx).is_pending() => {
                    self.asking = idle;
                    return Poll::Pending;
                }
                idle if !std::mem::replace(&mut self.told, true) => {
                    self.asking = idle;
                    return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(Sign::Asking));
                }
                Asking::Idle(stream) => {
                    self.asked = self.asked.wrapping_add(1);
                    self.asking = Asking::Waiting(Box::pin(ask(stream, self.asked)));
                }
                Asking::Closed => {
                    let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ());
                    return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
                }
            }
        }
    }

    fn on_behaviour_event(&mut self, event: ToHandler) {
        // Never later than it was: whoever judges by the former interval waits for that question.
        let due = match event {
            ToHandler::Every(every) => {
                self.every = every;
                self.heard + patience(self.side, every)
            }
            ToHandler::Now => Instant::now(),
        };
        if due < self.due.deadline() {
            self.due.as_mut().reset(due);
        }
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Wish, Wish>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(inbound) => {
                let mut stream = inbound.protocol;
                stream.ignore_for_keep_alive();
                // A new one takes the place of the former: some open one for each question.
                self.answering = Some(Box::pin(answer(stream)));
            }
            ConnectionEvent::FullyNegotiatedOutbound(outbound) => {
                let mut stream = outbound.protocol;
                stream.ignore_for_keep_alive();
                self.asking = Asking::Idle(stream);
            }
            ConnectionEvent::DialUpgradeError(failed) => {
                let unknown = matches!(failed.error, StreamUpgradeError::NegotiationFailed);
                self.asking = if unknown { Asking::Refused } else { Asking::Closed };
                self.due.as_mut().reset(Instant::now() + AGAIN);
            }
            _ => {}
        }
    }
}

/// Asks, and waits for the same bytes. What is asked need not be a secret: both ends are known.
async fn ask(mut stream: Stream, number: u64) -> io::Result<(Stream, Duration)> {
    let mut question: Question = [0; 32];
    question.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    stream.write_all(&question).await?;
    stream.flush().await?;
    let asked = Instant::now();
    let mut answer: Question = [0; 32];
    stream.read_exact(&mut answer).await?;
    if answer == question { Ok((stream, asked.elapsed())) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Answers the next question.
async fn answer(mut stream: Stream) -> io::Result<Stream> {
    let mut question: Question = [0; 32];
    stream.read_exact(&mut question).await?;
    stream.write_all(&question).await?;
    stream.flush().await?;
    Ok(stream)
}

#[cfg(test)]
mod tests;
