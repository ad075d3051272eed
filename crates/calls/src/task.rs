//! The one event loop: commands of the engine, what happens to connections, and time. Each arm is one call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use kith_media::bwe::Limits;
use kith_proto::call::Media;
use kith_proto::call::media::IceServers;
use kith_proto::call::media::LegId;
use kith_proto::call::media::MediaCommand;
use kith_proto::call::media::MediaEvent;
use kith_proto::call::media::MediaFailure;
use kith_proto::call::media::Opening;
use kith_proto::call::media::PathState;
use kith_proto::call::media::Side;
use kith_proto::call::media::Ways;
use kith_proto::id::CallId;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::calls::capabilities;
use crate::device::Devices;
use crate::leg::Act;
use crate::leg::Leg;
use crate::line::Line;
use crate::stats::LegStats;
use crate::stats::Stats;
use crate::stats::TrackStats;
use crate::studio::Studio;
use crate::transport::Connection;
use crate::transport::Doing;
use crate::transport::Happened;
use crate::transport::Kind;
use crate::transport::Refused;
use crate::transport::Reports;
use crate::transport::Setup;
use crate::transport::State;
use crate::transport::Transport;
use crate::transport::webrtc::Reach;
use crate::transport::webrtc::is_candidate;

/// All legs, and what they share.
pub(crate) struct Task {
    transport: Box<dyn Transport>,
    studio: Studio,
    events: mpsc::Sender<MediaEvent>,
    figures: watch::Sender<Stats>,
    happened: Reports,
    happens: Option<mpsc::Receiver<(u64, Happened)>>,
    reach: Reach,
    limits: Limits,
    legs: BTreeMap<LegId, Live>,
    next_number: u64,
    media: Option<(CallId, Media)>,
}

/// A leg with its connection.
struct Live {
    number: u64,
    leg: Leg,
    line: Arc<Line>,
    connection: Arc<dyn Connection>,
    servers: IceServers,
    /// When it was looked at last whether a relay is in the way.
    looked: Instant,
}

impl Task {
    pub(crate) fn new(
        transport: Box<dyn Transport>,
        devices: Arc<dyn Devices>,
        events: mpsc::Sender<MediaEvent>,
        figures: watch::Sender<Stats>,
        reach: Reach,
        limits: Limits,
    ) -> Self {
        let (happened, happens) = mpsc::channel(HAPPENS);
        Self {
            transport,
            studio: Studio::new(devices),
            events,
            figures,
            happened,
            happens: Some(happens),
            reach,
            limits,
            legs: BTreeMap::new(),
            next_number: 1,
            media: None,
        }
    }

    /// Runs until nobody gives commands any more.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<MediaCommand>) {
        let Some(mut happens) = self.happens.take() else { return };
        self.tell(MediaEvent::Able { capabilities: Some(capabilities()) }).await;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.command(command).await,
                    None => break,
                },
                Some((number, happened)) = happens.recv() => self.happened(number, happened).await,
                // Without a leg there is nothing to look at, and an idle device does not wake up.
                _ = tick.tick(), if !self.legs.is_empty() => self.tick().await,
            }
        }
        let all: Vec<LegId> = self.legs.keys().copied().collect();
        for leg in all {
            self.close(leg).await;
        }
    }

    async fn command(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Open(opening) => self.open(*opening).await,
            MediaCommand::Describe { leg, epoch, offer, sdp } => {
                self.with(leg, |live| live.leg.describe(epoch, offer, &sdp)).await;
            }
            MediaCommand::Candidates { leg, epoch, list, .. } => {
                let loopback = self.reach == Reach::Loopback;
                let allowed = |line: &str| is_candidate(line, loopback);
                self.with(leg, |live| live.leg.candidates(epoch, &list, allowed)).await;
            }
            MediaCommand::AllowDirect { leg } => self.with(leg, |live| live.leg.allow_direct()).await,
            MediaCommand::Restart { leg, epoch } => self.with(leg, |live| live.leg.restart(epoch)).await,
            MediaCommand::SetMedia { call, media } => self.set_media(call, media),
            MediaCommand::SetServers { servers } => self.set_servers(&servers).await,
            MediaCommand::Close { leg } => self.close(leg).await,
        }
    }

    async fn open(&mut self, opening: Opening) {
        if self.legs.contains_key(&opening.leg) {
            return;
        }
        let mut leg = Leg::new(&opening);
        let begin = leg.begin();
        if leg.has_failed() {
            for event in begin.into_iter().filter_map(Act::told) {
                self.tell(event).await;
            }
            return;
        }
        let number = self.next_number;
        self.next_number += 1;
        let line = Arc::new(Line::new(self.limits.start));
        let inbox = self.studio.seat(number, opening.leg, line.clone());
        let setup = Setup {
            ways: opening.ways,
            may_widen: opening.side == Side::Offers,
            servers: opening.servers.clone(),
            line: line.clone(),
            inbox,
        };
        let opened = in_time(self.transport.open(number, setup, self.happened.clone())).await;
        let Ok(connection) = opened else {
            self.studio.leave(number);
            self.tell(MediaEvent::Failed { leg: opening.leg, reason: MediaFailure::Broken }).await;
            return;
        };
        let live = Live {
            number,
            leg,
            line,
            connection: connection.into(),
            servers: opening.servers,
            looked: Instant::now(),
        };
        self.legs.insert(opening.leg, live);
        // Several legs of one call are opened with the same; a later word about the call counts more.
        if self.media.is_none_or(|(call, _)| call != opening.leg.call) {
            self.media = Some((opening.leg.call, opening.media));
            self.studio.set_media(opening.media);
        }
        self.with(opening.leg, |_| begin).await;
    }

    fn set_media(&mut self, call: CallId, media: Media) {
        if self.legs.keys().any(|leg| leg.call == call) {
            self.media = Some((call, media));
            self.studio.set_media(media);
        }
    }

    /// Other servers for the next search: the way that is there stays.
    async fn set_servers(&mut self, servers: &IceServers) {
        for live in self.legs.values_mut().filter(|live| live.servers != *servers) {
            live.servers = servers.clone();
            live.leg.set_servers(servers);
            // If it cannot be told, it searches with what it had.
            let _ = in_time(live.connection.allow(live.leg.ways(), servers.clone())).await;
        }
    }

    async fn close(&mut self, leg: LegId) {
        let Some(live) = self.legs.remove(&leg) else { return };
        self.studio.leave(live.number);
        if self.legs.is_empty() {
            self.media = None;
        }
        self.figures.send_replace(self.stats());
        // Closing says goodbye and may wait for the network; nobody waits for it.
        tokio::spawn(async move { in_time(live.connection.close()).await });
    }

    async fn happened(&mut self, number: u64, happened: Happened) {
        let found = self.legs.iter().find(|(_, live)| live.number == number);
        let Some((leg, connection)) = found.map(|(leg, live)| (*leg, live.connection.clone())) else {
            return;
        };
        let now = Instant::now();
        match happened {
            Happened::Candidate(line) => self.note(leg, |leg| leg.gathered(now, &line)),
            Happened::NoMoreCandidates => self.note(leg, |leg| leg.all_gathered(now)),
            Happened::State(state) => {
                let relayed = in_time(connection.is_relayed()).await.unwrap_or(false);
                let joined = state != State::Connected || self.studio.join(number, connection.outbox());
                self.with(leg, |live| match joined {
                    true => live.leg.state(state, relayed),
                    false => live.leg.fail(MediaFailure::Broken),
                })
                .await;
            }
        }
    }

    fn note(&mut self, leg: LegId, noted: impl FnOnce(&mut Leg)) {
        if let Some(live) = self.legs.get_mut(&leg) {
            noted(&mut live.leg);
        }
    }

    async fn tick(&mut self) {
        let now = Instant::now();
        let microphone_failed = self.studio.microphone_failed();
        let legs: Vec<LegId> = self.legs.keys().copied().collect();
        for leg in legs {
            self.with(leg, |live| {
                let mut acts = live.leg.wake(now);
                acts.extend(live.leg.silent_for(live.line.silent_for(now).unwrap_or_default()));
                if microphone_failed {
                    acts.extend(live.leg.fail(MediaFailure::NoMicrophone));
                }
                acts
            })
            .await;
            self.look_at_way(leg, now).await;
        }
        let stats = self.stats();
        self.figures.send_replace(stats);
    }

    /// A better way may be found while one works; no state changes then.
    async fn look_at_way(&mut self, leg: LegId, now: Instant) {
        let Some(live) = self.legs.get_mut(&leg) else { return };
        if live.leg.path != Some(PathState::Connected) || now.duration_since(live.looked) < LOOK_AGAIN {
            return;
        }
        live.looked = now;
        let relayed = in_time(live.connection.is_relayed()).await;
        if let Ok(relayed) = relayed {
            self.with(leg, |live| live.leg.state(State::Connected, relayed)).await;
        }
    }

    /// Lets a leg decide, and does what it decided.
    async fn with(&mut self, id: LegId, decide: impl FnOnce(&mut Live) -> Vec<Act>) {
        let Some(live) = self.legs.get_mut(&id).filter(|live| !live.leg.has_failed()) else { return };
        let mut acts: std::collections::VecDeque<Act> = decide(live).into();
        while let Some(act) = acts.pop_front() {
            let Some(live) = self.legs.get_mut(&id) else { return };
            match live.perform(act).await {
                Ok(Some(event)) => self.tell(event).await,
                Ok(None) => {}
                Err(refused) => {
                    // What was to be done next makes no sense any more.
                    acts = live.leg.refused(refused).into();
                }
            }
        }
    }

    async fn tell(&self, event: MediaEvent) {
        // Nobody reads any more: then the commands end, too.
        let _ = self.events.send(event).await;
    }

    fn stats(&self) -> Stats {
        let legs = self.legs.iter().map(|(id, live)| self.leg_stats(*id, live)).collect();
        Stats { microphone_level: self.studio.level(), legs }
    }

    fn leg_stats(&self, id: LegId, live: &Live) -> LegStats {
        let (speech, [camera, screen]) = self.studio.figures(live.number);
        let line = &live.line;
        let track = |kind: Kind, codec, (shown, size)| {
            let ((sent_packets, sent_bytes), (came_packets, came_bytes)) =
                (line.sent.of(kind), line.came.of(kind));
            TrackStats { kind, codec, sent_packets, sent_bytes, came_packets, came_bytes, shown, size }
        };
        LegStats {
            leg: id,
            path: live.leg.path,
            relayed: live.leg.relayed,
            round_trip: line.round_trip(),
            target: line.target(),
            loss: line.loss(),
            sent_again: line.again.load(Ordering::Relaxed),
            repaired: line.repaired.load(Ordering::Relaxed),
            lost: line.lost.load(Ordering::Relaxed),
            tracks: vec![
                track(Kind::Microphone, "Opus", (0, (0, 0))),
                track(Kind::Camera, "VP8", camera),
                track(Kind::Screen, "VP8", screen),
            ],
            speech,
        }
    }
}

impl Live {
    /// Does one thing; returns what is to be told about it.
    async fn perform(&self, act: Act) -> Result<Option<MediaEvent>, Refused> {
        Ok(match act {
            Act::Tell(event) => Some(event),
            Act::Offer { restart } => {
                let sdp = in_time(self.connection.offer(restart)).await?;
                self.leg.described(true, &sdp).told()
            }
            Act::Answer(theirs) => {
                let sdp = in_time(self.connection.answer(theirs)).await?;
                self.leg.described(false, &sdp).told()
            }
            Act::Answered(theirs) => {
                in_time(self.connection.answered(theirs)).await?;
                None
            }
            Act::Candidate(line) => {
                // One that cannot be used is no reason to end a call.
                let _ = in_time(self.connection.candidate(line)).await;
                None
            }
            Act::AllowDirect => {
                in_time(self.connection.allow(Ways::Any, self.servers.clone())).await?;
                None
            }
        })
    }
}

/// Waits for something that is done elsewhere, but not for ever: other legs wait with us.
async fn in_time<T>(doing: Doing<'_, T>) -> Result<T, Refused> {
    tokio::time::timeout(PATIENCE, doing).await.unwrap_or(Err(Refused::Ours))
}

/// Candidates are told, and silence noticed, within this.
const TICK: Duration = Duration::from_millis(25);

/// Ways get better within the first seconds.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A connection answers at once; a name of a server may have to be looked up.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection has some dozen reports at its beginning.
const HAPPENS: usize = 256;
