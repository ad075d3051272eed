//! When people are there: patterns as data, and traces from a file.
//!
//! A pattern gives sessions in milliseconds since the world began. Everything is drawn from the world's generator, so
//! the same seed gives the same week. Hours are local; the zone is drawn for each person.

use kith_proto::time::Span;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;
use serde::Deserialize;
use serde::Serialize;

use crate::action::Action;
use crate::action::Who;
use crate::world::BEGIN;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Looks at a telephone on a day: between so many and so many.
const GLANCES: (u64, u64) = (12, 24);

/// How long a look at a telephone lasts, in minutes.
const GLANCE_MINUTES: (u64, u64) = (1, 8);

/// When a telephone is looked at: local hours.
const AWAKE: (u64, u64) = (7, 23);

/// When somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// A computer that runs all the time.
    Always,
    /// Monday to Friday, from about nine to about six, with an hour for lunch.
    Office,
    /// Every evening, three hours or so.
    Evenings,
    /// A telephone: short looks between getting up and going to bed.
    Phone,
    /// Saturdays and Sundays, most of the day.
    Weekend,
}

/// All patterns, in the order of tables.
pub const PATTERNS: [Pattern; 5] =
    [Pattern::Always, Pattern::Office, Pattern::Evenings, Pattern::Phone, Pattern::Weekend];

/// From when to when, in milliseconds since the world began.
pub type Session = (u64, u64);

impl Pattern {
    /// The sessions of somebody for so many days; `zone` is their hours ahead of UTC.
    pub fn sessions(self, days: u64, zone: i64, roll: &mut impl FnMut(u64) -> u64) -> Vec<Session> {
        let mut found = Vec::new();
        let end = days * DAY;
        // Local midnight before the world began; the day before counts, since a session may reach into ours.
        let ahead = zone * i64::try_from(HOUR).unwrap_or(0);
        let local = BEGIN.0.saturating_add_signed(ahead);
        let (first, into) = (local / DAY, local % DAY);
        for day in 0..=days {
            let weekday = (first + day + 3) % 7;
            for (from, until) in self.day(weekday, roll) {
                let at = |time: u64| (day * DAY + time).saturating_sub(into).min(end);
                if at(from) < at(until) {
                    found.push((at(from), at(until)));
                }
            }
        }
        merged(found)
    }

    /// The sessions of one day, in milliseconds since its midnight; Monday is 0.
    fn day(self, weekday: u64, roll: &mut impl FnMut(u64) -> u64) -> Vec<Session> {
        let mut about =
            |hour: u64, spread: u64| hour * HOUR + roll(spread * 2 * MINUTE + 1) - spread * MINUTE;
        match self {
            Self::Always => vec![(0, DAY)],
            Self::Office if weekday < 5 => {
                let (begin, lunch, end) = (about(9, 45), about(12, 30), about(18, 60));
                vec![(begin, lunch), (lunch + HOUR, end)]
            }
            Self::Evenings => vec![(about(19, 60), about(22, 60))],
            Self::Weekend if weekday >= 5 => vec![(about(10, 60), about(22, 90))],
            Self::Office | Self::Weekend => Vec::new(),
            Self::Phone => {
                let looks = GLANCES.0 + roll(GLANCES.1 - GLANCES.0 + 1);
                let look = |_| {
                    let from = AWAKE.0 * HOUR + roll((AWAKE.1 - AWAKE.0) * HOUR);
                    let minutes = GLANCE_MINUTES.0 + roll(GLANCE_MINUTES.1 - GLANCE_MINUTES.0 + 1);
                    (from, from + minutes * MINUTE)
                };
                (0..looks).map(look).collect()
            }
        }
    }
}

/// Sessions in order, with those that touch made one.
fn merged(mut sessions: Vec<Session>) -> Vec<Session> {
    sessions.sort_unstable();
    let mut found: Vec<Session> = Vec::new();
    for (from, until) in sessions {
        match found.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => found.push((from, until)),
        }
    }
    found
}

/// Draws a moment at which somebody is there.
pub fn moment(sessions: &[Session], roll: &mut impl FnMut(u64) -> u64) -> Option<u64> {
    let all: u64 = sessions.iter().map(|(from, until)| until - from).sum();
    let mut left = if all == 0 { return None } else { roll(all) };
    sessions.iter().find_map(|(from, until)| {
        let long = until - from;
        let hit = left < long;
        let at = from + left;
        left = left.saturating_sub(long);
        hit.then_some(at)
    })
}

/// What somebody's sessions are as actions: on and off.
pub fn switches(who: Who, sessions: &[Session]) -> impl Iterator<Item = (u64, Action)> {
    sessions.iter().flat_map(move |(from, until)| [(*from, Action::Start(who)), (*until, Action::Stop(who))])
}

/// What a trace says of somebody as sessions; whoever is not switched off stays until the end.
pub fn sessions_of(trace: &[(u64, Action)], of: Who, end: u64) -> Vec<Session> {
    let (mut found, mut since) = (Vec::new(), None);
    for (at, action) in trace.iter().filter(|(at, _)| *at < end) {
        match *action {
            Action::Start(who) if who == of => since = since.or(Some(*at)),
            Action::Stop(who) if who == of => found.extend(since.take().map(|from| (from, *at))),
            _ => {}
        }
    }
    found.extend(since.map(|from| (from, end)));
    merged(found)
}

/// A generator of its own, for habits that are the same in several worlds.
pub fn roller(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    move |below| rng.next_u64() % below.max(1)
}

/// Reads a trace: lines of `person seconds on` or `person seconds off`, in any order; `#` begins a comment.
///
/// # Errors
/// A sentence that names the first line which is neither.
pub fn trace(text: &str, people: usize) -> Result<Vec<(u64, Action)>, String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let action = match words.as_slice() {
            [] => continue,
            [who, secs, word] => entry(who, secs, word, people),
            _ => None,
        };
        found.push(action.ok_or_else(|| {
            format!("line {} of the trace is not “person seconds on” or “… off”", number + 1)
        })?);
    }
    found.sort_by_key(|(at, _)| *at);
    Ok(found)
}

fn entry(who: &str, secs: &str, word: &str, people: usize) -> Option<(u64, Action)> {
    let who: Who = who.parse().ok().filter(|who| *who < people)?;
    let at = Span::from_secs(secs.parse().ok()?).as_millis();
    match word {
        "on" => Some((at, Action::Start(who))),
        "off" => Some((at, Action::Stop(who))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that always draws the middle.
    fn middle(below: u64) -> u64 {
        below / 2
    }

    #[test]
    fn an_office_is_empty_on_weekends_wherever_it_is() {
        // The world begins on a Friday at eight in the morning, UTC.
        for zone in [-8, 0, 9] {
            let week = Pattern::Office.sessions(7, zone, &mut middle);
            let long: u64 = week.iter().map(|(from, until)| until - from).sum();
            assert!(
                (35..=45).contains(&(long / HOUR)),
                "five days of eight hours, not {} hours",
                long / HOUR
            );
        }
    }

    #[test]
    fn sessions_are_in_order_and_apart() {
        let mut state = 1_u64;
        let mut roll = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for pattern in PATTERNS {
            let week = pattern.sessions(7, 3, &mut roll);
            assert!(week.windows(2).all(|two| two[0].1 < two[1].0), "{pattern:?}");
            assert!(week.iter().all(|(from, until)| from < until && *until <= 7 * DAY), "{pattern:?}");
            let at = moment(&week, &mut roll).unwrap();
            assert!(week.iter().any(|(from, until)| (*from..*until).contains(&at)), "{pattern:?}");
        }
    }

    #[test]
    fn always_is_one_session() {
        assert_eq!(Pattern::Always.sessions(3, 5, &mut middle), [(0, 3 * DAY)]);
    }

    #[test]
    fn a_trace_is_read_in_order_of_time_and_refused_with_its_line() {
        let read = trace("1 20 off # home\n\n0 10 on\n", 2).unwrap();
        assert_eq!(read, [(10_000, Action::Start(0)), (20_000, Action::Stop(1))]);
        assert_eq!(sessions_of(&read, 0, 50_000), [(10_000, 50_000)]);
        assert_eq!(sessions_of(&read, 1, 50_000), []);
        assert!(trace("0 10 on\n2 10 on", 2).unwrap_err().contains("line 2"));
        assert!(trace("0 ten on", 2).is_err());
    }
}
