//! What a peer connection tells by itself: candidates, states, tracks. Each is passed on; nothing is decided here.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;

use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::PeerConnection;
use webrtc::peer_connection::PeerConnectionEventHandler;
use webrtc::peer_connection::RTCIceGatheringState;
use webrtc::peer_connection::RTCPeerConnectionIceEvent;
use webrtc::peer_connection::RTCPeerConnectionState;

use super::Sections;
use super::tracks;
use crate::line::Line;
use crate::transport::Happened;
use crate::transport::Inbox;
use crate::transport::Reports;
use crate::transport::State;

/// Passes on what happens to one connection.
pub(super) struct Handler {
    number: u64,
    reports: Reports,
    line: Arc<Line>,
    sealed: bool,
    inbox: Arc<dyn Fn(Inbox) + Send + Sync>,
    sections: Sections,
    peer: Mutex<Option<Weak<dyn PeerConnection>>>,
}

impl Handler {
    pub(super) fn new(
        number: u64,
        reports: Reports,
        (line, sealed): (Arc<Line>, bool),
        inbox: Arc<dyn Fn(Inbox) + Send + Sync>,
        sections: Sections,
    ) -> Self {
        Self { number, reports, line, sealed, inbox, sections, peer: Mutex::new(None) }
    }

    /// Which connection it is; known only after it was made with this.
    pub(super) fn set_peer(&self, peer: &Arc<dyn PeerConnection>) {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::downgrade(peer));
    }

    async fn tell(&self, happened: Happened) {
        // The task that reads these lives longer than all connections, or nobody wants to know.
        let _ = self.reports.send((self.number, happened)).await;
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(candidate) = event.candidate.to_json() else { return };
        let line = candidate.candidate.trim_start_matches("candidate:").trim().to_owned();
        if !line.is_empty() {
            self.tell(Happened::Candidate(line)).await;
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.tell(Happened::NoMoreCandidates).await;
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let state = match state {
            RTCPeerConnectionState::Connected => State::Connected,
            // The other side may have closed it on purpose: then words say so. If not, another way helps.
            RTCPeerConnectionState::Disconnected | RTCPeerConnectionState::Closed => State::Interrupted,
            RTCPeerConnectionState::Failed => State::Failed,
            _ => return,
        };
        self.tell(Happened::State(state)).await;
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let peer = self.peer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(peer) = peer else { return };
        let line = (self.line.clone(), self.sealed);
        tokio::spawn(tracks::read(track, peer, self.sections.clone(), line, self.inbox.clone()));
    }
}
