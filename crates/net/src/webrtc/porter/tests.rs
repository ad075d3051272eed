//! What strangers can do to the port.

use std::net::Ipv4Addr;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;
use rtc_dtls::crypto_provider::default_provider;

use super::super::stun::tests::binding;
use super::super::tests::Client;
use super::super::tests::certificate;
use super::super::tests::identity;
use super::*;

const UFRAG: &str = "libp2p+webrtc+v1/0123456789abcdef0123";

fn from(number: u32) -> SocketAddr {
    (Ipv4Addr::from_bits(0x0b00_0000 + number), 4_000).into()
}

fn bind(porter: &mut Porter, now: Instant, from: SocketAddr, ufrag: &str) -> Deed {
    let provider = default_provider().unwrap();
    porter.on_datagram(now, from, &binding(ufrag, provider.crypto()))
}

fn entries(porter: &Porter) -> [usize; 5] {
    let paths = (porter.by_path.len(), porter.by_ufrag.len());
    [porter.entries.len(), paths.0, paths.1, porter.bound.len(), porter.shaking.len()]
}

#[test]
fn junk_is_not_answered_and_not_remembered() {
    let (mut porter, now, mut rng) = (Porter::new(identity()), Instant::now(), ChaCha8Rng::seed_from_u64(1));
    let provider = default_provider().unwrap();
    let whole = binding(UFRAG, provider.crypto());
    for number in 0..20_000 {
        let mut junk = vec![0; usize::try_from(rng.next_u32() % 1_400).unwrap()];
        rng.fill_bytes(&mut junk);
        let cut = usize::try_from(rng.next_u32()).unwrap() % whole.len();
        for datagram in [&junk[..], &whole[..cut]] {
            assert!(matches!(porter.on_datagram(now, from(number), datagram), Deed::Nothing));
        }
    }
    assert_eq!(entries(&porter), [0; 5]);
}

#[test]
fn a_flood_of_half_open_handshakes_is_answered_with_less_and_takes_no_more_room() {
    let (mut porter, now) = (Porter::new(identity()), Instant::now());
    let certificate = certificate();
    for number in 0..20_000 {
        let answer = bind(&mut porter, now, from(number), &format!("{UFRAG}{number}"));
        assert!(matches!(answer, Deed::Send(_)));
        // Every tenth begins DTLS as well, and does not go on.
        if number % 10 == 0 {
            let hello = Client::new(now, &certificate).transmit(now).remove(0);
            let Deed::Send(answer) = porter.on_datagram(now, from(number), &hello) else {
                panic!("the cookie is sent");
            };
            assert!(answer.len() < hello.len());
        }
    }
    let [all, paths, names, bound, shaking] = entries(&porter);
    assert!(bound <= MAX_BOUND && shaking <= MAX_SHAKING);
    assert!(all <= MAX_BOUND + MAX_SHAKING && paths == all && names == all && porter.under_way.len() <= all);
    porter.sweep(now + PATIENCE);
    assert_eq!(entries(&porter), [0; 5]);
    assert!(porter.under_way.is_empty());
}

#[test]
fn one_address_has_so_many_and_no_more_until_they_are_over() {
    let (mut porter, now) = (Porter::new(identity()), Instant::now());
    let at = |port: u32| -> SocketAddr { (Ipv4Addr::new(11, 0, 0, 1), u16::try_from(port).unwrap()).into() };
    for port in 1..=MAX_PER_HOST {
        assert!(matches!(bind(&mut porter, now, at(port), &format!("{UFRAG}{port}")), Deed::Send(_)));
    }
    assert!(matches!(bind(&mut porter, now, at(999), UFRAG), Deed::Refuse));
    assert!(matches!(bind(&mut porter, now, from(7), UFRAG), Deed::Send(_)), "others are not concerned");
    porter.sweep(now + PATIENCE);
    assert!(matches!(bind(&mut porter, now, at(999), UFRAG), Deed::Send(_)));
}

#[test]
fn nobody_gets_a_certificate_without_a_binding_and_a_cookie() {
    let (mut porter, now, at) = (Porter::new(identity()), Instant::now(), from(1));
    let mut client = Client::new(now, &certificate());
    let hello = client.transmit(now).remove(0);
    assert!(matches!(porter.on_datagram(now, at, &hello), Deed::Nothing), "no binding");
    assert!(matches!(bind(&mut porter, now, at, UFRAG), Deed::Send(_)));
    let Deed::Send(cookie) = porter.on_datagram(now, at, &hello) else { panic!("the cookie is sent") };
    client.receive(now, cookie[..].into());
    let hello = client.transmit(now).remove(0);
    let Deed::Arrived(arrival) = porter.on_datagram(now, at, &hello) else { panic!("the address is shown") };
    assert_eq!((arrival.from, porter.inside, porter.shaking.len()), (at, 1, 1));

    // It moves, and nobody else moves it.
    let mut inbox = arrival.inbox;
    assert!(matches!(bind(&mut porter, now, from(2), UFRAG), Deed::Send(_)));
    assert!(matches!(inbox.try_recv(), Ok(ToLink::Path(path)) if path == from(2)));
    assert!(matches!(bind(&mut porter, now, at, &format!("{UFRAG}4")), Deed::Refuse));
    for number in 3..3 + u32::try_from(MAX_PATHS).unwrap() {
        bind(&mut porter, now, from(number), UFRAG);
    }
    assert_eq!(porter.by_path.len(), MAX_PATHS);

    // Through the handshakes, and gone.
    drop(arrival.under_way);
    porter.sweep(now + PATIENCE);
    assert_eq!((porter.inside, porter.entries.len()), (0, 1));
    drop(inbox);
    assert!(
        matches!(bind(&mut porter, now, at, &format!("{UFRAG}4")), Deed::Send(_)),
        "the address is free again"
    );
}
