//! Streams that begin anew (RFC 6525), which is how data channels are closed. One request is under way in each direction;
//! each is repeated until it was answered, and answered again when it is repeated.
//!
//! ```text
//!  ours:    wanted ─ all its data has arrived ─▶ asked ─▶ done, the stream may be used again
//!  theirs:  asked ─ all data before it has come ─▶ done (told once); before that the answer is “in progress”
//! ```

use std::time::Duration;
use std::time::Instant;

use super::Ended;
use super::packet;

/// Answers of RFC 6525.
const NOTHING_TO_DO: u32 = 0;
const DONE: u32 = 1;
const DENIED: u32 = 2;
const BAD_NUMBER: u32 = 5;
const IN_PROGRESS: u32 = 6;

/// Requests without an answer before the other side is given up.
const MAX_TRIES: u32 = 10;

/// Streams of one request: what a packet holds.
const MAX_STREAMS: usize = 256;

/// Answers that wait to be sent. A request is repeated if there was no room.
const MAX_ANSWERS: usize = 4;

#[derive(Debug)]
struct Asked {
    streams: Vec<u16>,
    last: u32,
    at: Option<Instant>,
    tries: u32,
}

#[derive(Debug)]
pub(super) struct Resets {
    number: u32,
    asked: Option<Asked>,
    /// The request of the other side that comes next.
    expected: u32,
    /// The answer to the one before.
    answered: u32,
    /// What is to be done once everything up to a number has come.
    pending: Option<(u32, Vec<u16>)>,
    /// What was done so, as it was asked for: whoever was told to wait may ask once more.
    late: Option<(u32, Vec<u16>)>,
    answers: Vec<(u32, u32)>,
}

impl Resets {
    /// Requests are numbered from the numbers with which each side began.
    pub(super) fn new(ours: u32, theirs: u32) -> Self {
        let (asked, pending, late, answers) = (None, None, None, Vec::new());
        Self { number: ours, asked, expected: theirs, answered: BAD_NUMBER, pending, late, answers }
    }

    /// Whether another request may be made.
    pub(super) fn is_idle(&self) -> bool {
        self.asked.is_none()
    }

    /// These streams begin anew after our piece `last`.
    pub(super) fn ask(&mut self, mut streams: Vec<u16>, last: u32) -> Vec<u16> {
        let rest = streams.split_off(streams.len().min(MAX_STREAMS));
        self.asked = Some(Asked { streams, last, at: None, tries: 0 });
        rest
    }

    /// The other side asks for a reset. Returns the streams that are to be told of.
    pub(super) fn on_reset(&mut self, request: u32, last: u32, streams: &[u8], has_all: bool) -> Vec<u16> {
        let is_same = |known: &[u16]| packet::streams(streams).eq(known.iter().copied());
        if request == self.expected.wrapping_add(1)
            && self.pending.as_ref().is_some_and(|(_, known)| is_same(known))
        {
            // Chromium, told to wait, asks the same under the next number.
            (self.answered, self.expected) = (IN_PROGRESS, request);
        }
        if request == self.expected.wrapping_sub(1) {
            self.answer(request, self.answered);
            return Vec::new();
        }
        if request != self.expected {
            self.answer(request, BAD_NUMBER);
            return Vec::new();
        }
        if self.late.take().is_some_and(|(until, known)| until == last && is_same(&known)) {
            self.conclude(DONE);
            return Vec::new();
        }
        let streams: Vec<u16> = packet::streams(streams).collect();
        if streams.len() > 2 * MAX_STREAMS || streams.is_empty() {
            self.conclude(DENIED);
            return Vec::new();
        }
        if has_all {
            self.conclude(DONE);
            return streams;
        }
        self.pending = Some((last, streams));
        self.answer(request, IN_PROGRESS);
        Vec::new()
    }

    /// The other side asks for something that is not done here.
    pub(super) fn on_other(&mut self, request: u32) {
        if request == self.expected {
            self.late = None;
            self.conclude(DENIED);
        } else {
            self.answer(request, BAD_NUMBER);
        }
    }

    /// More has come. Returns the streams that are to be told of.
    pub(super) fn on_progress(&mut self, has_all_to: impl Fn(u32) -> bool) -> Vec<u16> {
        match self.pending.take() {
            Some((last, streams)) if has_all_to(last) => {
                self.conclude(DONE);
                self.late = Some((last, streams.clone()));
                streams
            }
            other => {
                self.pending = other;
                Vec::new()
            }
        }
    }

    /// The other side has answered. Returns the streams that may be used again, and whether they begin anew.
    pub(super) fn on_response(&mut self, request: u32, result: u32) -> Option<(Vec<u16>, bool)> {
        if request != self.number {
            return None;
        }
        if result == IN_PROGRESS {
            // It may take as long as it takes, while it says so.
            self.asked.iter_mut().for_each(|asked| asked.tries = 0);
            return None;
        }
        // What was not sent yet cannot be meant.
        self.asked.as_ref()?.at?;
        let Asked { streams, .. } = self.asked.take()?;
        self.number = self.number.wrapping_add(1);
        Some((streams, result == DONE || result == NOTHING_TO_DO))
    }

    /// When the request is to be repeated.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.asked.as_ref()?.at
    }

    /// Puts into a packet what is to be said: one thing in each.
    pub(super) fn write(
        &mut self,
        now: Instant,
        again: Duration,
        into: &mut packet::Writer,
    ) -> Result<bool, Ended> {
        if let Some((request, result)) = self.answers.pop() {
            into.response(request, result);
            return Ok(true);
        }
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.at.is_none_or(|at| at <= now)) else {
            return Ok(false);
        };
        asked.tries += 1;
        if asked.tries > MAX_TRIES {
            return Err(Ended);
        }
        asked.at = Some(now + again);
        into.reset(self.number, asked.last, &asked.streams);
        Ok(true)
    }

    /// Whether there is something to say now.
    pub(super) fn has_words(&self, now: Instant) -> bool {
        let is_due = |asked: &Asked| asked.at.is_none_or(|at| at <= now);
        !self.answers.is_empty() || self.asked.as_ref().is_some_and(is_due)
    }

    fn conclude(&mut self, result: u32) {
        self.pending = None;
        self.answer(self.expected, result);
        (self.answered, self.expected) = (result, self.expected.wrapping_add(1));
    }

    fn answer(&mut self, request: u32, result: u32) {
        self.answers.retain(|(known, _)| *known != request);
        if self.answers.len() < MAX_ANSWERS {
            self.answers.push((request, result));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: [u8; 2] = [0, 2];

    fn said(resets: &mut Resets, now: Instant) -> Vec<packet::Reconfig<'static>> {
        let mut said = Vec::new();
        while resets.has_words(now) {
            let mut writer = packet::Writer::new(0, 0);
            resets.write(now, Duration::from_secs(1), &mut writer).unwrap();
            let bytes = writer.finish().leak();
            for chunk in packet::Packet::read(bytes).unwrap().chunks() {
                let packet::Chunk::Reconfig(body) = chunk else { panic!("{chunk:?}") };
                said.extend(packet::reconfigs(body));
            }
        }
        said
    }

    #[test]
    fn a_request_is_done_once_however_often_it_comes() {
        let (mut resets, now) = (Resets::new(1, 10), Instant::now());
        assert_eq!(resets.on_reset(10, 5, &STREAM, true), [2]);
        assert_eq!(resets.on_reset(10, 5, &STREAM, true), [0; 0]);
        let done = packet::Reconfig::Response { request: 10, result: DONE };
        assert_eq!(said(&mut resets, now), [done]);
        assert_eq!(resets.on_reset(12, 5, &STREAM, true), [0; 0], "one was left out");
        assert_eq!(resets.on_reset(9, 5, &STREAM, true), [0; 0], "an old one");
        let bad = |request| packet::Reconfig::Response { request, result: BAD_NUMBER };
        assert_eq!(said(&mut resets, now), [bad(9), bad(12)]);
    }

    #[test]
    fn a_request_that_is_early_waits_for_the_data_before_it() {
        let (mut resets, now) = (Resets::new(1, 10), Instant::now());
        assert_eq!(resets.on_reset(10, 5, &STREAM, false), [0; 0]);
        assert_eq!(resets.on_progress(|_| false), [0; 0]);
        let answer = |result| packet::Reconfig::Response { request: 10, result };
        assert_eq!(said(&mut resets, now), [answer(IN_PROGRESS)]);
        assert_eq!(resets.on_progress(|number| number == 5), [2]);
        assert_eq!(said(&mut resets, now), [answer(DONE)]);
        resets.on_other(11);
        assert_eq!(said(&mut resets, now), [packet::Reconfig::Response { request: 11, result: DENIED }]);
        assert_eq!(resets.on_reset(12, 5, &STREAM, true), [2]);
    }

    #[test]
    fn a_request_that_waits_may_come_under_the_next_number_and_is_told_of_once() {
        let (mut resets, now) = (Resets::new(1, 10), Instant::now());
        let answer = |request, result| packet::Reconfig::Response { request, result };
        assert_eq!(resets.on_reset(10, 5, &STREAM, false), [0; 0]);
        assert_eq!(said(&mut resets, now), [answer(10, IN_PROGRESS)]);
        assert_eq!(resets.on_reset(11, 5, &[0, 4], false), [0; 0]);
        assert_eq!(said(&mut resets, now), [answer(11, BAD_NUMBER)], "other streams");
        assert_eq!(resets.on_reset(11, 5, &STREAM, false), [0; 0]);
        assert_eq!(resets.on_reset(10, 5, &STREAM, false), [0; 0], "the first was repeated on the way");
        assert_eq!(said(&mut resets, now), [answer(10, IN_PROGRESS), answer(11, IN_PROGRESS)]);
        assert_eq!(resets.on_progress(|number| number == 5), [2]);
        assert_eq!(said(&mut resets, now), [answer(11, DONE)]);
        // Our answer crossed the question.
        assert_eq!(resets.on_reset(12, 5, &STREAM, true), [0; 0], "told of once");
        assert_eq!(said(&mut resets, now), [answer(12, DONE)]);
        assert_eq!(resets.on_reset(13, 9, &STREAM, true), [2], "the next channel on the same stream");
        // It came before the data did, too.
        assert_eq!(resets.on_reset(14, 20, &STREAM, false), [0; 0]);
        assert_eq!(resets.on_reset(15, 20, &STREAM, true), [2]);
        assert_eq!(resets.on_progress(|_| true), [0; 0]);
    }

    #[test]
    fn ours_is_repeated_until_it_is_answered_and_not_for_ever() {
        let (mut resets, mut now) = (Resets::new(1, 10), Instant::now());
        assert!(resets.ask(vec![4, 6], 9).is_empty());
        assert_eq!(resets.on_response(1, DONE), None, "it was not even asked");
        assert_eq!(said(&mut resets, now).len(), 1);
        assert_eq!(said(&mut resets, now).len(), 0);
        now += Duration::from_secs(1);
        assert_eq!((resets.wake(), said(&mut resets, now).len()), (Some(now), 1));
        assert_eq!(resets.on_response(7, DONE), None);
        assert_eq!(resets.on_response(1, IN_PROGRESS), None);
        for _ in 0..MAX_TRIES {
            now += Duration::from_secs(1);
            assert_eq!(said(&mut resets, now).len(), 1);
        }
        let late = now + Duration::from_secs(1);
        let mut writer = packet::Writer::new(0, 0);
        assert!(resets.write(late, Duration::ZERO, &mut writer).is_err());
        assert_eq!(resets.on_response(1, DONE), Some((vec![4, 6], true)));
        assert!(resets.is_idle());
    }
}
