//! Whatever the wire does: in the end two devices are in the call or none is, and nothing rings on.

use kith_proto::call::Media;
use kith_proto::time::Span;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng as _;

use super::wire::Wire;
use crate::view::CallState;

/// Something that somebody does, or that happens to them.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Accept(u8),
    HangUp(u8),
    Crash(u8),
    Move(u8),
    Show(u8, bool),
    Cut,
    Heal,
    Pass(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 1..4_u8;
    prop_oneof![
        4 => (2..4_u8).prop_map(Deed::Accept),
        1 => who.clone().prop_map(Deed::HangUp),
        1 => who.clone().prop_map(Deed::Crash),
        1 => who.clone().prop_map(Deed::Move),
        1 => (who, any::<bool>()).prop_map(|(who, shown)| Deed::Show(who, shown)),
        1 => Just(Deed::Cut),
        2 => Just(Deed::Heal),
        6 => (1..9_000_u64).prop_map(Deed::Pass),
    ]
}

fn weather(seed: u64, lost: u32, doubled: u32, late: u32) -> Box<dyn FnMut() -> Vec<Span>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Box::new(move || {
        let mut roll = |of_hundred: u32| rng.next_u32() % 100 < of_hundred;
        let copies = if roll(lost) { 0 } else { 1 + usize::from(roll(doubled)) };
        let late = roll(late);
        (0..copies).map(|_| Span(5 + rng.next_u64() % if late { 4_000 } else { 60 })).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_are_in_the_call_or_none_is(
        deeds in prop::collection::vec(deed(), 1..30),
        (seed, lost, doubled, late) in (any::<u64>(), 0..40_u32, 0..30_u32, 0..30_u32),
    ) {
        let mut wire = Wire::new(2);
        wire.weather = weather(seed, lost, doubled, late);
        wire.start();
        for deed in deeds {
            match deed {
                Deed::Accept(who) => wire.accept(who),
                Deed::HangUp(who) => wire.hang_up(who),
                Deed::Crash(who) => wire.crash(who),
                Deed::Move(who) => wire.with(who, |call, now, _| call.network_changed(now)),
                Deed::Show(who, shown) => {
                    let media = if shown { Media::VIDEO } else { Media::AUDIO };
                    wire.with(who, |call, now, acts| call.set_media(now, media, acts));
                }
                Deed::Cut => wire.cut = true,
                Deed::Heal => wire.heal(),
                Deed::Pass(time) => wire.pass(Span(time)),
            }
        }
        // Fair weather: whatever was under way has come, and everything that waits is over.
        wire.weather = weather(seed, 0, 0, 0);
        wire.heal();
        wire.pass(Span::from_minutes(3));
        let states: Vec<Option<CallState>> = (1..4).map(|who| wire.end(who).call.as_ref().map(|call| call.state())).collect();
        let live = states.iter().filter(|state| **state == Some(CallState::Live)).count();
        let idle = states.iter().filter(|state| state.is_none()).count();
        prop_assert!(live + idle == 3 && (live == 0 || (live == 2 && states[0].is_some())), "{:?}", states);
        for who in 1..4 {
            let expected = usize::from(states[usize::from(who) - 1].is_some());
            prop_assert!(wire.end(who).legs.len() == expected, "media of {} are open", who);
        }
        if live == 2 {
            let media = |wire: &mut Wire, who: u8| wire.end(who).call.as_ref().map(|call| call.media());
            let other = if states[1].is_some() { 2 } else { 3 };
            let (ann, bob) = (media(&mut wire, 1).unwrap(), media(&mut wire, other).unwrap());
            prop_assert_eq!(ann.0, bob.1);
            prop_assert_eq!(ann.1, bob.0);
        }
    }
}
