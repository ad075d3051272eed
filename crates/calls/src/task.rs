//! The one event loop: orders of the engine, what happens to connections, and time. Each arm is one call. What is wanted goes before all
//! of these, also while one of them is waited for.

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
use kith_proto::id::CallId;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::calls::capabilities;
use crate::device::Devices;
use crate::leg::Act;
use crate::leg::Leg;
use crate::line::Line;
use crate::sealing::Shared;
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
use crate::wanted::Order;
use crate::wanted::Wanted;

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
    wanted: watch::Receiver<Wanted>,
    /// What was last said to be lacking, in which call.
    lacking: (CallId, Media),
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
        (devices, sealing): (Arc<dyn Devices>, Shared),
        events: mpsc::Sender<MediaEvent>,
        figures: watch::Sender<Stats>,
        wanted: watch::Receiver<Wanted>,
        (reach, limits): (Reach, Limits),
    ) -> Self {
        let (happened, happens) = mpsc::channel(HAPPENS);
        Self {
            transport,
            studio: Studio::new(devices, sealing),
            events,
            figures,
            happened,
            happens: Some(happens),
            reach,
            limits,
            legs: BTreeMap::new(),
            wanted,
            lacking: (CallId([0; 16]), Media::default()),
        }
    }

    /// Runs until nobody gives orders any more, or nobody hears what became of them.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let Some(mut happens) = self.happens.take() else { return };
        let events = self.events.clone();
        self.tell(MediaEvent::Able { capabilities: Some(capabilities()) }).await;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.wanted.borrow().has_ended() {
            self.reconcile();
            tokio::select! {
                changed = self.wanted.changed() => match changed {
                    Ok(()) => {}
                    Err(_) => break,
                },
                () = events.closed() => break,
                order = orders.recv() => match order {
                    Some(order) => self.order(order).await,
                    None => break,
                },
                Some((number, happened)) = happens.recv() => self.happened(number, happened).await,
                // Without a leg there is nothing to look at, and an idle device does not wake up.
                _ = tick.tick(), if !self.legs.is_empty() => self.tick().await,
            }
        }
        let all: Vec<LegId> = self.legs.keys().copied().collect();
        all.into_iter().for_each(|leg| self.close(leg));
    }

    /// Does what is wanted now, so that it need not wait for orders to be carried out.
    fn reconcile(&mut self) {
        let wanted = self.wanted.borrow_and_update();
        for live in self.legs.values_mut().filter(|live| live.servers != *wanted.servers()) {
            live.servers = wanted.servers().clone();
            live.leg.set_servers(&live.servers);
        }
        let gone = self.legs.iter().filter(|(id, live)| wanted.opening(id) != Some(live.number));
        let gone: Vec<LegId> = gone.map(|(id, _)| *id).collect();
        if let Some(media) = wanted.media() {
            self.studio.set_media(media);
        }
        drop(wanted);
        gone.into_iter().for_each(|leg| self.close(leg));
    }

    async fn order(&mut self, Order { number, command }: Order) {
        // Both may have come while this was waited for, and what is wanted came first.
        self.reconcile();
        let Some(leg) = command.leg() else { return };
        let is_open = self.legs.get(&leg).is_some_and(|live| live.number == number);
        match command {
            MediaCommand::Open(opening) => self.open(number, *opening).await,
            _ if !is_open => {}
            MediaCommand::Describe { epoch, offer, sdp, .. } => {
                self.with(leg, |live| live.leg.describe(epoch, offer, &sdp)).await;
            }
            MediaCommand::Candidates { epoch, list, .. } => {
                let loopback = self.reach == Reach::Loopback;
                let allowed = |line: &str| is_candidate(line, loopback);
                self.with(leg, |live| live.leg.candidates(epoch, &list, allowed)).await;
            }
            MediaCommand::AllowDirect { .. } => self.with(leg, |live| live.leg.allow_direct()).await,
            MediaCommand::Restart { epoch, .. } => self.with(leg, |live| live.leg.restart(epoch)).await,
            // These are wishes (`Wanted`), or about keys, which are not the connections' business (`Sealing`).
            _ => {}
        }
    }

    async fn open(&mut self, number: u64, opening: Opening) {
        if self.wanted.borrow().opening(&opening.leg) != Some(number) {
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
        let line = Arc::new(Line::new(self.limits.start));
        let inbox = self.studio.seat(number, opening.leg, (line.clone(), opening.sealed));
        let setup = Setup {
            ways: opening.ways,
            may_widen: opening.side == Side::Offers,
            servers: opening.servers.clone(),
            line: line.clone(),
            sealed: opening.sealed,
            inbox,
        };
        let Self { transport, studio, wanted, happened, .. } = self;
        let doing = in_time(transport.open(number, setup, happened.clone()));
        let Some(Ok(connection)) = while_wanted(doing, (opening.leg, number), studio, wanted).await else {
            self.studio.leave(number);
            // Whoever closed it meanwhile does not listen.
            self.tell(MediaEvent::Failed {
                leg: opening.leg,
                opened: opening.epoch,
                reason: MediaFailure::Broken,
            })
            .await;
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
        self.with(opening.leg, |_| begin).await;
    }

    fn close(&mut self, leg: LegId) {
        let Some(live) = self.legs.remove(&leg) else { return };
        self.studio.leave(live.number);
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
                let Self { studio, wanted, .. } = self;
                let doing = in_time(connection.is_relayed());
                let Some(relayed) = while_wanted(doing, (leg, number), studio, wanted).await else { return };
                let relayed = relayed.unwrap_or(false);
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
        let voice_failed = self.studio.voice_failed();
        let legs: Vec<LegId> = self.legs.keys().copied().collect();
        for leg in legs {
            self.with(leg, |live| {
                let mut acts = live.leg.wake(now);
                acts.extend(live.leg.silent_for(live.line.silent_for(now).unwrap_or_default()));
                if voice_failed {
                    acts.extend(live.leg.fail(MediaFailure::Broken));
                }
                acts
            })
            .await;
            self.look_at_way(leg, now).await;
        }
        self.tell_lacking().await;
        let stats = self.stats();
        self.figures.send_replace(stats);
    }

    async fn tell_lacking(&mut self) {
        let Some(call) = self.legs.keys().next().map(|leg| leg.call) else { return };
        let lacking = self.studio.lacking();
        if self.lacking != (call, lacking) {
            let told = std::mem::replace(&mut self.lacking, (call, lacking));
            if lacking != Media::default() || told.0 == call {
                self.tell(MediaEvent::Lacking { call, media: lacking }).await;
            }
        }
    }

    /// A better way may be found while one works; no state changes then.
    async fn look_at_way(&mut self, leg: LegId, now: Instant) {
        let Some(live) = self.legs.get_mut(&leg) else { return };
        if live.leg.path != Some(PathState::Connected) || now.duration_since(live.looked) < LOOK_AGAIN {
            return;
        }
        live.looked = now;
        let (number, connection) = (live.number, live.connection.clone());
        let Self { studio, wanted, .. } = self;
        let relayed = while_wanted(in_time(connection.is_relayed()), (leg, number), studio, wanted).await;
        if let Some(Ok(relayed)) = relayed {
            self.with(leg, |live| live.leg.state(State::Connected, relayed)).await;
        }
    }

    /// Lets a leg decide, and does what it decided.
    async fn with(&mut self, id: LegId, decide: impl FnOnce(&mut Live) -> Vec<Act>) {
        let Some(live) = self.legs.get_mut(&id).filter(|live| !live.leg.has_failed()) else { return };
        let mut acts: std::collections::VecDeque<Act> = decide(live).into();
        while let Some(act) = acts.pop_front() {
            let Self { legs, studio, wanted, .. } = self;
            let Some(live) = legs.get_mut(&id) else { return };
            match while_wanted(live.perform(act), (id, live.number), studio, wanted).await {
                Some(Ok(Some(event))) => self.tell(event).await,
                Some(Ok(None)) => {}
                Some(Err(refused)) => {
                    // What was to be done next makes no sense any more.
                    acts = live.leg.refused(refused).into();
                }
                None => return,
            }
        }
    }

    async fn tell(&self, event: MediaEvent) {
        // Nobody reads any more: then the loop ends, too.
        let _ = self.events.send(event).await;
    }

    fn stats(&self) -> Stats {
        let legs = self.legs.iter().map(|(id, live)| self.leg_stats(*id, live)).collect();
        Stats { microphone_level: self.studio.level(), legs, heard: self.studio.heard() }
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
            Act::Allow => {
                // If it cannot be told, it searches with what it had.
                let _ = in_time(self.connection.allow(self.leg.ways(), self.servers.clone())).await;
                None
            }
        })
    }
}

/// Waits for something that is done elsewhere, but not for ever: other legs wait with us.
async fn in_time<T>(doing: Doing<'_, T>) -> Result<T, Refused> {
    tokio::time::timeout(PATIENCE, doing).await.unwrap_or(Err(Refused::Ours))
}

/// Waits for something of a connection; `None` once that is not wanted any more. What is sent is changed meanwhile: somebody who mutes themselves
/// does not wait for the network.
async fn while_wanted<T>(
    doing: impl Future<Output = T>,
    (leg, number): (LegId, u64),
    studio: &mut Studio,
    wanted: &mut watch::Receiver<Wanted>,
) -> Option<T> {
    tokio::pin!(doing);
    loop {
        tokio::select! {
            done = &mut doing => return Some(done),
            changed = wanted.changed() => {
                changed.ok()?;
                let wanted = wanted.borrow_and_update();
                if let Some(media) = wanted.media() {
                    studio.set_media(media);
                }
                wanted.opening(&leg).filter(|wanted| *wanted == number)?;
            }
        }
    }
}

/// Candidates are told, and silence noticed, within this.
const TICK: Duration = Duration::from_millis(25);

/// Ways get better within the first seconds.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A connection answers at once; a name of a server may have to be looked up.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection has some dozen reports at its beginning.
const HAPPENS: usize = 256;
