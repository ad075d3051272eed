//! The task's part in direct streams: which frame goes into which pipe, and what the pipes report.

use std::collections::VecDeque;
use std::sync::Arc;

use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use libp2p::PeerId;
use libp2p::Stream;
use libp2p::swarm::ConnectionId;
use tokio::sync::mpsc;

use super::Outgoing;
use super::Task;
use crate::address;
use crate::event::NetEvent;
use crate::pipes;
use crate::pipes::FromPipe;
use crate::pipes::ReaderConfig;
use crate::pipes::WRITER_QUEUE;
use crate::stats;
use crate::streams;
use crate::streams::Slot;

impl Task {
    pub(super) fn send(&mut self, device: DeviceId, frame: Frame) {
        let Some(peer) = address::peer_of(&device) else { return };
        let taken = match self.outgoing.get_mut(&device) {
            Some(Outgoing::Open { frames, .. }) => frames.try_send(frame).is_ok(),
            Some(Outgoing::Opening(waiting) | Outgoing::Moving { waiting, .. }) => {
                let room = waiting.len() < WRITER_QUEUE;
                if room {
                    waiting.push_back(frame);
                }
                room
            }
            None if self.alive.contains_key(&peer) => {
                self.outgoing.insert(device, Outgoing::Opening(VecDeque::from([frame])));
                self.swarm.behaviour_mut().streams.open(peer);
                true
            }
            None => return stats::count(&self.counters.frames_dropped),
        };
        if !taken {
            // The peer does not read. Closing tells both sides to compare notes again.
            stats::count(&self.counters.frames_dropped);
            self.outgoing.remove(&device);
            self.tell(NetEvent::StreamClosed { device });
        }
    }

    pub(super) fn on_pipe(&mut self, message: FromPipe) {
        match message {
            FromPipe::Frame { device, frame } => self.tell(NetEvent::Frame { device, frame }),
            FromPipe::Broken { device } => self.misbehaved(device),
            FromPipe::Closed { device, number, clean } => self.closed(device, number, clean),
            FromPipe::Mailbox(message) => self.on_mailbox_pipe(*message),
        }
    }

    /// An outgoing stream has ended.
    fn closed(&mut self, device: DeviceId, ended: u64, clean: bool) {
        match self.outgoing.get_mut(&device) {
            Some(Outgoing::Moving { number, waiting, .. }) if *number == ended && clean => {
                let waiting = std::mem::take(waiting);
                self.outgoing.insert(device, Outgoing::Opening(waiting));
                if let Some(peer) = address::peer_of(&device) {
                    self.swarm.behaviour_mut().streams.open(peer);
                }
            }
            Some(Outgoing::Moving { number, .. } | Outgoing::Open { number, .. }) if *number == ended => {
                self.outgoing.remove(&device);
                self.tell(NetEvent::StreamClosed { device });
            }
            _ => {}
        }
    }

    /// A device is connected directly now: the stream moves there. The old one ends once everything on it has been
    /// read; only then does the new one open. So no frame is lost and none overtakes another.
    pub(super) fn leave_relay(&mut self, device: DeviceId) {
        if let Some(outgoing) = self.outgoing.get_mut(&device)
            && let Outgoing::Open { number, connection, relayed: true, .. } = *outgoing
        {
            *outgoing = Outgoing::Moving { number, connection, waiting: VecDeque::new() };
        }
    }

    /// A connection is given up, and what was on its way there.
    pub(super) fn break_stream(&mut self, peer: &PeerId, lost: ConnectionId) {
        let Some(device) = address::device_of(peer) else { return };
        let on = self.outgoing.get(&device).and_then(|outgoing| match outgoing {
            Outgoing::Opening(_) => None,
            Outgoing::Open { connection, .. } | Outgoing::Moving { connection, .. } => Some(*connection),
        });
        if on == Some(lost) {
            self.outgoing.remove(&device);
            self.tell(NetEvent::StreamClosed { device });
        }
    }

    pub(super) fn on_stream(&mut self, event: streams::Event) {
        match event {
            streams::Event::Opened { peer, stream, connection, relayed } => {
                self.opened(peer, stream, connection, relayed);
            }
            streams::Event::Left { peer, connection } => self.give_up(peer, connection),
            streams::Event::OpenFailed { peer } => {
                let device = address::device_of(&peer);
                if let Some(device) = device.filter(|device| self.outgoing.remove(device).is_some()) {
                    self.tell(NetEvent::StreamClosed { device });
                }
            }
            streams::Event::Accepted { peer, stream, slot } => self.accepted(peer, stream, slot),
        }
    }

    fn opened(&mut self, peer: PeerId, stream: Stream, connection: ConnectionId, relayed: bool) {
        let Some(device) = address::device_of(&peer) else { return };
        let Some(Outgoing::Opening(waiting)) = self.outgoing.get_mut(&device) else { return };
        let waiting = std::mem::take(waiting);
        let (frames, queue) = mpsc::channel(WRITER_QUEUE);
        for frame in waiting {
            // The queue is as long as what may wait for the stream.
            let _ = frames.try_send(frame);
        }
        self.next_stream += 1;
        let number = self.next_stream;
        self.outgoing.insert(device, Outgoing::Open { number, frames, connection, relayed });
        let writer =
            pipes::write(stream, device, number, queue, self.pipe.clone(), Arc::clone(&self.counters));
        tokio::spawn(writer);
        if self.swarm.behaviour().streams.is_direct(&peer) {
            self.leave_relay(device);
        }
    }

    pub(super) fn accepted(&self, peer: PeerId, stream: Stream, slot: Slot) {
        let Some(device) = address::device_of(&peer) else { return };
        let limits = &self.config.limits;
        let idle = (!self.friends.contains(&device)).then_some(limits.stranger_idle);
        let config = ReaderConfig { device, frame_timeout: limits.frame_timeout, idle };
        tokio::spawn(pipes::read(stream, config, self.pipe.clone(), Arc::clone(&self.counters), slot));
    }
}
