//! Which picture fits: size and rate by what may be sent, what is lost, and how long encoding takes.
//!
//! ```text
//!   camera:  off ─ 180p 15 ─ 360p 25 ─ 540p 25 ─ 720p 30          screen:  full size at 5, 10, 15 pictures a second
//!   down: when the estimate is below the step for half a second, at once if far below, or if the encoder is too slow
//!   up:   to what fits, when the estimate was well above the next step for a while; the longer, the sooner the last try failed
//! ```
//!
//! Text that is small is of no use, and hands that jerk are: so a screen keeps its size and gives up pictures, a camera the other way
//! round.

use std::time::Duration;

use crate::bitrate::Bitrate;
use crate::time::Time;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// People.
    Camera,
    /// Text.
    Screen,
}

/// One step of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The most lines of the picture; nothing for as many as there are.
    pub height: Option<u32>,
    /// Pictures a second.
    pub frames: u32,
    /// Below this it looks worse than the step before.
    pub least: Bitrate,
    /// More than this is not seen.
    pub most: Bitrate,
}

/// What is known when a step is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What may be sent for pictures.
    pub target: Bitrate,
    /// The part of packets that is lost for good.
    pub loss: f64,
    /// How long 95 % of pictures take to encode at most.
    pub encoding: Duration,
}

/// Chooses among steps.
#[derive(Debug)]
pub struct Ladder {
    steps: &'static [Step],
    /// Nothing when there is not even enough for the first.
    at: Option<usize>,
    enough_since: Option<Time>,
    scarce_since: Option<Time>,
    went_up: Option<Time>,
    /// How long there must be enough before the next step up.
    wait: Duration,
    /// The encoder is too slow above this.
    slow_above: Option<(usize, Time)>,
}

impl Ladder {
    /// A ladder on its lowest step.
    pub fn new(source: Source) -> Self {
        let steps: &[Step] = match source {
            Source::Camera => &CAMERA,
            Source::Screen => &SCREEN,
        };
        Self {
            steps,
            at: Some(0),
            enough_since: None,
            scarce_since: None,
            went_up: None,
            wait: FIRST_WAIT,
            slow_above: None,
        }
    }

    /// The step to be on now; nothing when no picture is better than a bad one.
    pub fn choose(&mut self, now: Time, known: Known) -> Option<Step> {
        // What is lost has to be sent again, or is sent for nothing.
        let target = known.target.scaled((1.0 - known.loss).clamp(0.0, 1.0));
        if self.too_slow(known.encoding) {
            self.slow_above = self.at.map(|at| (at.saturating_sub(1), now));
            self.down(now);
        }
        // A queue that is drained makes the estimate small for a moment. The encoder bears with that.
        let scarce = self.step().is_some_and(|step| target < step.least);
        let since = if scarce { Some(*self.scarce_since.get_or_insert(now)) } else { None };
        self.scarce_since = since;
        let bears = since.is_some_and(|at| now.since(at) < BORNE);
        while self.step().is_some_and(|step| target < step.least.scaled(if bears { FAR_BELOW } else { 1.0 }))
        {
            self.down(now);
        }
        let next = self.at.map_or(0, |at| at + 1);
        let slow = self.slow_above.is_some_and(|(above, at)| next > above && now.since(at) < SLOW_FOR);
        let enough = self.steps.get(next).is_some_and(|next| target >= next.least.scaled(MARGIN)) && !slow;
        if !enough {
            self.enough_since = None;
        } else if now.since(*self.enough_since.get_or_insert(now)) >= self.wait {
            let fits = |step: &Step| target >= step.least.scaled(MARGIN);
            let most = self
                .slow_above
                .filter(|(_, at)| now.since(*at) < SLOW_FOR)
                .map_or(usize::MAX, |(above, _)| above);
            self.at = self.steps.iter().rposition(fits).map(|fitting| fitting.min(most).max(next));
            self.went_up = Some(now);
            self.enough_since = None;
        }
        if self.went_up.is_some_and(|at| now.since(at) > HELD) {
            // The step holds; the next may be tried as soon as the first.
            self.wait = FIRST_WAIT;
            self.went_up = None;
        }
        self.step()
    }

    /// What to tell the encoder of what may be sent for pictures.
    pub fn rate(&self, target: Bitrate) -> Bitrate {
        self.step().map_or(Bitrate::ZERO, |step| target.min(step.most))
    }

    /// The most that this ladder could use: [`crate::bwe::Estimator::set_wanted`].
    pub fn wanted(&self) -> Bitrate {
        self.steps.last().map_or(Bitrate::ZERO, |step| step.most)
    }

    fn step(&self) -> Option<Step> {
        self.steps.get(self.at?).copied()
    }

    fn down(&mut self, now: Time) {
        self.at = self.at.and_then(|at| at.checked_sub(1));
        self.enough_since = None;
        if self.went_up.take().is_some_and(|at| now.since(at) <= HELD) {
            // Up and down again is worse than staying.
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
    }

    fn too_slow(&self, encoding: Duration) -> bool {
        // There is nothing below the first step that would be faster.
        self.at.is_some_and(|at| at > 0)
            && self.step().is_some_and(|step| encoding.as_secs_f64() * f64::from(step.frames) > BUSY)
    }
}

const fn step(height: Option<u32>, frames: u32, least: u64, most: u64) -> Step {
    Step { height, frames, least: Bitrate::from_kbps(least), most: Bitrate::from_kbps(most) }
}

/// The rates are those at which VP8 shows a talking head without blocks, and beyond which nobody sees more.
const CAMERA: [Step; 4] = [
    step(Some(180), 15, 60, 250),
    step(Some(360), 25, 250, 800),
    step(Some(540), 25, 700, 1_400),
    step(Some(720), 30, 1_200, 2_500),
];

const SCREEN: [Step; 3] = [step(None, 5, 100, 800), step(None, 10, 500, 1_600), step(None, 15, 1_000, 2_500)];

/// So much more than a step needs must be there before it is taken.
const MARGIN: f64 = 1.2;

/// How long too little is borne, and below which part not at all.
const BORNE: Duration = Duration::from_millis(600);
const FAR_BELOW: f64 = 0.4;

const FIRST_WAIT: Duration = Duration::from_millis(2_000);
const LONGEST_WAIT: Duration = Duration::from_secs(32);

/// A step that was held so long was right.
const HELD: Duration = Duration::from_secs(15);

/// Encoding may take this part of the time between two pictures; the rest is for capture, network and the other pictures.
const BUSY: f64 = 0.6;

/// A machine that was busy may be idle later.
const SLOW_FOR: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn known(target: u64) -> Known {
        Known { target: Bitrate::from_kbps(target), loss: 0.0, encoding: Duration::from_millis(7) }
    }

    /// Runs for some seconds, ten times a second; the heights that were chosen, without repetition.
    fn run(ladder: &mut Ladder, from: u64, secs: u64, known: impl Fn(u64) -> Known) -> Vec<u32> {
        let choose = |tenth: u64| ladder.choose(Time::from_millis(tenth * 100), known(tenth));
        let mut heights: Vec<u32> = (from * 10..(from + secs) * 10)
            .map(choose)
            .map(|step| step.map_or(0, |step| step.height.unwrap_or(9_999)))
            .collect();
        heights.dedup();
        heights
    }

    #[test]
    fn up_after_a_while_and_down_soon() {
        let mut ladder = Ladder::new(Source::Camera);
        assert_eq!(run(&mut ladder, 0, 10, |_| known(2_000)), [180, 720]);
        assert_eq!(ladder.rate(Bitrate::from_kbps(9_000)), Bitrate::from_kbps(2_500));
        assert_eq!(run(&mut ladder, 10, 1, |_| known(300)), [540, 360], "far below");
        assert_eq!(run(&mut ladder, 11, 1, |_| known(200)), [360, 180], "below");
        assert_eq!(run(&mut ladder, 12, 1, |_| known(20)), [0]);
        assert_eq!(ladder.rate(Bitrate::from_kbps(30)), Bitrate::ZERO);
        assert_eq!(run(&mut ladder, 13, 10, |_| known(100)), [0, 180]);
    }

    #[test]
    fn an_estimate_that_swings_does_not_swing_the_picture() {
        let mut ladder = Ladder::new(Source::Camera);
        run(&mut ladder, 0, 30, |_| known(1_000));
        assert_eq!(run(&mut ladder, 30, 60, |tenth| known(if tenth % 20 < 10 { 900 } else { 1_300 })), [540]);
        // Enough for six seconds of ten, again and again.
        let heights = run(&mut ladder, 90, 120, |tenth| known(if tenth % 100 < 60 { 1_500 } else { 1_000 }));
        let changes = heights.len() - 1;
        assert!(changes <= 6, "{changes} changes in two minutes, {heights:?}");
    }

    #[test]
    fn losses_and_a_slow_encoder_count() {
        let mut ladder = Ladder::new(Source::Camera);
        run(&mut ladder, 0, 10, |_| known(2_000));
        assert_eq!(run(&mut ladder, 10, 2, |_| Known { loss: 0.5, ..known(2_000) }), [720, 540]);
        let mut ladder = Ladder::new(Source::Camera);
        let slow = Known { encoding: Duration::from_millis(25), ..known(2_000) };
        // Slow at 540p: it stays below until the machine had time to change.
        let heights = run(&mut ladder, 0, 25, |tenth| if tenth > 50 { slow } else { known(2_000) });
        assert_eq!(heights.last(), Some(&180), "{heights:?}");
    }

    #[test]
    fn a_screen_keeps_its_size() {
        let mut ladder = Ladder::new(Source::Screen);
        run(&mut ladder, 0, 10, |_| known(2_000));
        ladder.choose(Time::from_millis(11_000), known(300));
        let step = ladder.choose(Time::from_millis(12_000), known(300)).unwrap();
        assert_eq!((step.height, step.frames), (None, 5));
        assert_eq!(ladder.wanted(), Bitrate::from_kbps(2_500));
    }
}
