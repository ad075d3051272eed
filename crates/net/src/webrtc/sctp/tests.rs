//! Two associations that know each other, over a path that loses, repeats and reorders, in virtual time.

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;

use super::*;

const BINARY: u32 = 53;

fn chance(number: u32) -> Chance {
    Chance { tag: number | 1, number, cookie: [7; COOKIE] }
}

/// What `writer` says to `to`.
fn say(to: &mut Association, now: Instant, fill: impl FnOnce(&mut Writer)) -> Result<(), Ended> {
    let mut writer = Writer::new(to.chance.tag, 0);
    fill(&mut writer);
    to.on_packet(now, &writer.finish())
}

/// An association whose other side began like this.
fn opened(number: u32, other: &Init, now: Instant) -> Association {
    let mut association = Association::new(chance(number));
    say(&mut association, now, |writer| writer.init(other)).unwrap();
    assert!(association.transmit(now).unwrap().is_some() && !association.is_open());
    say(&mut association, now, |writer| writer.cookie_echo(&[7; COOKIE])).unwrap();
    assert!(association.is_open());
    association
}

struct Path {
    sides: [Association; 2],
    /// On their way: when they arrive, to whom.
    packets: Vec<(Instant, usize, Vec<u8>)>,
    now: Instant,
    chance: ChaCha20Rng,
    /// Of 256 packets so many are lost, come twice, or come late.
    faults: u32,
}

impl Path {
    fn new(seed: u64, faults: u32) -> Self {
        let (now, mut chance) = (Instant::now(), ChaCha20Rng::seed_from_u64(seed));
        // Near the end of the numbers, so that each run goes over it.
        let numbers = [u32::MAX - chance.next_u32() % 64, u32::MAX - chance.next_u32() % 64];
        let ours = numbers.map(|number| Association::new(self::chance(number)).ours());
        let sides = [opened(numbers[0], &ours[1], now), opened(numbers[1], &ours[0], now)];
        Self { sides, packets: Vec::new(), now, chance, faults }
    }

    /// Sends what there is to send.
    fn send(&mut self) {
        for from in 0..2 {
            while let Some(packet) = self.sides[from].transmit(self.now).unwrap() {
                let mut luck = || self.chance.next_u32() % 256;
                let (is_lost, is_twice, is_late) =
                    (luck() < self.faults, luck() < self.faults, luck() < self.faults);
                let trip = Duration::from_millis(if is_late { 180 } else { 20 });
                if is_twice {
                    self.packets.push((self.now + 3 * trip, 1 - from, packet.clone()));
                }
                if !is_lost {
                    self.packets.push((self.now + trip, 1 - from, packet));
                }
            }
        }
    }

    /// Goes to where something happens next; `false` if nothing will.
    fn step(&mut self) -> bool {
        self.send();
        let due = self.packets.iter().map(|(at, _, _)| *at);
        let Some(next) = due.chain(self.sides.iter().filter_map(Association::wake)).min() else {
            return false;
        };
        self.now = self.now.max(next);
        let (due, later) =
            std::mem::take(&mut self.packets).into_iter().partition(|(at, ..)| *at <= self.now);
        self.packets = later;
        let due: Vec<_> = due;
        due.into_iter().for_each(|(_, to, packet)| self.sides[to].on_packet(self.now, &packet).unwrap());
        self.sides.iter_mut().for_each(|side| side.on_time(self.now).unwrap());
        true
    }

    fn write(&mut self, from: usize, stream: u16, bytes: &[u8]) {
        let message = Message { stream, kind: BINARY, bytes: Bytes::copy_from_slice(bytes) };
        self.sides[from].write(message).unwrap();
    }

    /// Everything that came to one side, read at once.
    fn events(&mut self, at: usize) -> Vec<Event> {
        self.sides[at].set_unread(0);
        std::iter::from_fn(|| self.sides[at].poll()).collect()
    }
}

#[test]
fn messages_arrive_once_in_order_and_whole_whatever_the_path_does() {
    for seed in 0..60 {
        let mut path = Path::new(seed, if seed == 0 { 0 } else { 40 });
        let mut sent: [Vec<Vec<u8>>; 2] = Default::default();
        let mut got: [Vec<Vec<u8>>; 2] = Default::default();
        for turn in 0..4_000 {
            for (from, sent) in sent.iter_mut().enumerate() {
                if sent.len() < 60 && path.sides[from].room() > MAX_MESSAGE {
                    let most = if turn % 3 == 0 { 9_000 } else { 40 };
                    let length = usize::try_from(1 + path.chance.next_u32() % most).unwrap();
                    let bytes = vec![u8::try_from(sent.len()).unwrap(); length];
                    path.write(from, u16::try_from(turn % 5).unwrap(), &bytes);
                    sent.push(bytes);
                }
            }
            let goes_on = path.step();
            for (at, got) in got.iter_mut().enumerate() {
                for event in path.events(at) {
                    let Event::Message(message) = event else { panic!("{event:?}") };
                    got.push(message.bytes.to_vec());
                }
            }
            if !goes_on {
                break;
            }
        }
        assert_eq!((&got[1], &got[0]), (&sent[0], &sent[1]), "seed {seed}");
        for side in &path.sides {
            let sender = &side.open.as_ref().unwrap().sender;
            assert_eq!((sender.in_flight(), sender.room()), (0, sender::UNSENT_BYTES), "seed {seed}");
        }
    }
}

#[test]
fn a_stream_that_begins_anew_is_told_of_once_after_what_was_written_and_before_what_follows() {
    for seed in 0..60 {
        let mut path = Path::new(seed, if seed == 0 { 0 } else { 40 });
        let mut story = Vec::new();
        for round in 0..20_u8 {
            path.write(0, 2, &[round; 3_000]);
            path.sides[0].reset(2);
            path.write(0, 4, &[round]);
            // Until it has begun anew, and in half of the rounds not even that long.
            while path.step() && round % 2 == 0 {
                story.extend(path.events(1));
            }
        }
        while path.step() {
            story.extend(path.events(1));
        }
        story.extend(path.events(1));
        let told: Vec<_> = story
            .iter()
            .filter_map(|event| match event {
                Event::Message(message) => (message.stream == 2).then(|| Some(message.bytes[0])),
                Event::Reset(stream) => (*stream == 2).then_some(None),
                Event::Echo(_) => None,
            })
            .collect();
        let messages: Vec<_> = told.iter().flatten().copied().collect();
        assert_eq!(messages, (0..20).collect::<Vec<_>>(), "seed {seed}");
        assert!(told.ends_with(&[None]) && told.iter().filter(|told| told.is_none()).count() >= 10);
        assert!(!told.windows(2).any(|pair| pair == [None, None]), "seed {seed}: told twice");
    }
}

#[test]
fn a_stream_begins_anew_after_what_has_arrived_whatever_else_is_under_way() {
    let mut path = Path::new(1, 0);
    path.write(0, 2, b"the last word");
    while path.step() {}
    let next = path.sides[0].open.as_ref().map(|open| open.sender.next_number()).unwrap();
    path.write(0, 4, &[7; 3_000]);
    while path.sides[0].transmit(path.now).unwrap().is_some() {}
    path.sides[0].reset(2);
    let asks = path.sides[0].transmit(path.now).unwrap().unwrap();
    let chunks: Vec<_> = Packet::read(&asks).unwrap().chunks().collect();
    let [Chunk::Reconfig(body)] = chunks[..] else { panic!("{chunks:?}") };
    let Some(Reconfig::Reset { last, .. }) = packet::reconfigs(body).next() else { panic!("{body:?}") };
    assert_eq!(last, next.wrapping_sub(1), "what is lost of the other stream holds nothing up");
}

#[test]
fn a_path_that_ends_is_given_up_and_one_that_is_full_is_not() {
    let mut path = Path::new(1, 0);
    path.write(0, 0, b"is anybody there?");
    let mut ended = false;
    for _ in 0..20 {
        while let Ok(Some(_)) = path.sides[0].transmit(path.now) {}
        let Some(at) = path.sides[0].wake() else { break };
        path.now = at;
        ended |= path.sides[0].on_time(at).is_err();
    }
    assert!(ended);
    let mut path = Path::new(2, 0);
    for _ in 0..7 {
        path.write(0, 0, &[7; MAX_MESSAGE]);
    }
    path.sides[1].set_unread(WINDOW);
    for _ in 0..200 {
        path.step();
        path.sides[1].set_unread(WINDOW);
    }
    assert!(path.sides[1].poll().is_none(), "there was no room");
    path.sides[1].set_unread(0);
    let mut got = 0;
    while path.step() {
        got += path.events(1).len();
    }
    assert_eq!(got + path.events(1).len(), 7);
}

#[test]
fn whoever_is_not_meant_or_breaks_rules_does_no_harm() {
    let now = Instant::now();
    let other = Init { tag: 9, window: 1 << 17, out: 2_000, taken: 900, number: 1 };
    let mut fresh = Association::new(chance(5));
    say(&mut fresh, now, |writer| writer.cookie_echo(&[7; COOKIE])).unwrap();
    say(&mut fresh, now, |writer| writer.init(&Init { tag: 0, ..other })).unwrap();
    assert!(!fresh.is_open() && fresh.transmit(now).unwrap().is_none());
    let mut open = opened(5, &other, now);
    assert_eq!(open.streams(), 900);
    let mut wrong = Writer::new(6_000, 0);
    wrong.abort();
    assert_eq!(open.on_packet(now, &wrong.finish()), Ok(()), "another tag");
    assert_eq!(open.on_packet(now, &[0xff; 40]), Ok(()), "noise");
    say(&mut open, now, |writer| writer.init(&other)).unwrap();
    while open.transmit(now).unwrap().is_some() {}
    say(&mut open, now, |writer| writer.cookie_echo(&[7; COOKIE])).unwrap();
    assert!(open.transmit(now).unwrap().is_some(), "our answer was lost");
    for _ in 0..100 {
        say(&mut open, now, |writer| writer.raw(4, 0, &[1, 2, 3, 4])).unwrap();
    }
    assert_eq!(std::iter::from_fn(|| open.transmit(now).unwrap()).count(), MAX_ECHOES);
    let piece = |stream| packet::Data { flags: 3, number: 1, stream, turn: 0, kind: BINARY, payload: b"x" };
    assert_eq!(say(&mut opened(5, &other, now), now, |writer| writer.data(&piece(MAX_STREAMS))), Err(Ended));
    let sack =
        |number| say(&mut opened(5, &other, now), now, |writer| writer.sack(number, 0, &[(1, u16::MAX)]));
    assert_eq!((sack(4), sack(5), sack(3)), (Ok(()), Err(Ended), Ok(())), "what was never sent");
    assert_eq!(say(&mut open, now, Writer::abort), Err(Ended));
}

#[test]
fn messages_that_nobody_takes_are_counted_only_if_they_are_kept() {
    let now = Instant::now();
    let other = Init { tag: 9, window: 1 << 17, out: 1_024, taken: 1_024, number: 1 };
    let mut open = opened(5, &other, now);
    let mut write = || open.write(Message { stream: 0, kind: BINARY, bytes: Bytes::from_static(b"answer") });
    let kept = (0..10_000).take_while(|_| write().is_ok()).count();
    assert_eq!((kept, write(), write()), (4_096, Err(Ended), Err(Ended)));
}

#[test]
fn whoever_has_too_few_streams_is_refused() {
    let now = Instant::now();
    let begin = |out, taken| {
        let mut association = Association::new(chance(5));
        let init = Init { tag: 9, window: 1 << 17, out, taken, number: 1 };
        say(&mut association, now, |writer| writer.init(&init)).unwrap();
        say(&mut association, now, |writer| writer.cookie_echo(&[7; COOKIE]))
    };
    assert_eq!((begin(16, 16), begin(1, 1_024), begin(1_024, 15)), (Ok(()), Err(Ended), Err(Ended)));
}

#[test]
fn any_bytes_do_no_harm() {
    let (now, mut noise) = (Instant::now(), ChaCha20Rng::seed_from_u64(3));
    let other = Init { tag: 9, window: 1 << 17, out: 1_024, taken: 1_024, number: 1 };
    let mut open = opened(5, &other, now);
    for turn in 0..50_000_u32 {
        let mut body = vec![0; usize::try_from(noise.next_u32() % 60).unwrap()];
        noise.fill_bytes(&mut body);
        let kind = [0, 1, 3, 4, 10, 130, 192, 14][usize::try_from(noise.next_u32() % 8).unwrap()];
        let flags = u8::try_from(noise.next_u32() % 4).unwrap();
        if kind != 1 && body.len() > 4 {
            // Near what is expected, so that it is not left out at once.
            body[..3].fill(0);
        }
        if say(&mut open, now, |writer| writer.raw(kind, flags, &body)).is_err() {
            open = opened(5, &other, now);
        }
        if turn % 7 == 0 {
            let bytes = Bytes::from_static(b"answer");
            let _ = open.write(Message { stream: 2, kind: BINARY, bytes });
            open.reset(u16::try_from(turn % 9).unwrap());
        }
        while let Ok(Some(_)) = open.transmit(now) {}
        while open.poll().is_some() {}
    }
}
