//! What strangers can do to the port.

use std::net::Ipv4Addr;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;
use rtc_dtls::crypto::Certificate;
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

/// Somebody who has bound at an address shows that it is his.
fn arrive(porter: &mut Porter, now: Instant, at: SocketAddr, certificate: &Certificate) -> Deed {
    let mut client = Client::new(now, certificate);
    let hello = client.transmit(now).remove(0);
    let Deed::Send(cookie) = porter.on_datagram(now, at, &hello) else { panic!("the cookie is sent") };
    client.receive(now, cookie[..].into());
    porter.on_datagram(now, at, &client.transmit(now).remove(0))
}

#[test]
fn whoever_writes_the_address_of_another_on_bindings_does_not_lock_him_out() {
    let (mut porter, now) = (Porter::new(identity()), Instant::now());
    let at =
        |port: usize| -> SocketAddr { (Ipv4Addr::new(11, 0, 0, 1), u16::try_from(port).unwrap()).into() };
    for port in 1..=10 * MAX_PER_HOST {
        assert!(matches!(bind(&mut porter, now, at(port), &format!("{UFRAG}{port}")), Deed::Send(_)));
    }
    assert_eq!(entries(&porter), [MAX_PER_HOST, MAX_PER_HOST, MAX_PER_HOST, MAX_PER_HOST, 0]);
    assert!(matches!(bind(&mut porter, now, at(999), UFRAG), Deed::Send(_)));
    assert!(matches!(arrive(&mut porter, now, at(999), &certificate()), Deed::Arrived(_)));
}

#[test]
fn one_address_that_was_shown_has_so_many_and_no_more_until_they_are_through() {
    let (mut porter, now, certificate) = (Porter::new(identity()), Instant::now(), certificate());
    let at =
        |port: usize| -> SocketAddr { (Ipv4Addr::new(11, 0, 0, 1), u16::try_from(port).unwrap()).into() };
    let mut arrived = Vec::new();
    for port in 1..=MAX_PER_HOST {
        assert!(matches!(bind(&mut porter, now, at(port), &format!("{UFRAG}{port}")), Deed::Send(_)));
        let Deed::Arrived(arrival) = arrive(&mut porter, now, at(port), &certificate) else {
            panic!("shown")
        };
        arrived.push(arrival);
    }
    assert!(matches!(bind(&mut porter, now, at(999), UFRAG), Deed::Refuse));
    assert!(matches!(bind(&mut porter, now, from(7), UFRAG), Deed::Send(_)), "others are not concerned");
    let through = arrived.pop().unwrap();
    drop(through.under_way);
    assert_eq!(porter.inside.load(Ordering::Relaxed), MAX_PER_HOST - 1, "at once");
    let name = format!("{UFRAG}999");
    assert!(matches!(bind(&mut porter, now, at(999), &name), Deed::Send(_)), "without waiting for a sweep");
}

#[test]
fn what_begins_no_handshake_costs_nothing_and_answers_weigh_no_more_than_what_came() {
    let (mut porter, now, at) = (Porter::new(identity()), Instant::now(), from(1));
    assert!(matches!(bind(&mut porter, now, at, UFRAG), Deed::Send(_)));
    for datagram in [&[HANDSHAKE][..], &[20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]] {
        assert!(matches!(porter.on_datagram(now, at, datagram), Deed::Nothing));
    }
    assert_eq!(entries(&porter), [1, 1, 1, 1, 0]);
    // A hello in pieces is put together, and answered although its last piece is short.
    let hello = Client::new(now, &certificate()).transmit(now).remove(0);
    let body = &hello[25..];
    let cut = body.len() - 3;
    let piece = |offset: usize, part: &[u8]| {
        let three = |number: usize| u32::try_from(number).unwrap().to_be_bytes()[1..].to_vec();
        let header = [vec![1], three(body.len()), vec![0, 0], three(offset), three(part.len())].concat();
        let length = u16::try_from(header.len() + part.len()).unwrap().to_be_bytes();
        let number = u8::try_from(offset.min(1)).unwrap();
        [&[HANDSHAKE, 254, 253, 0, 0, 0, 0, 0, 0, 0, number][..], &length, &header, part].concat()
    };
    assert!(matches!(porter.on_datagram(now, at, &piece(0, &body[..cut])), Deed::Nothing));
    let last = piece(cut, &body[cut..]);
    let Deed::Send(answer) = porter.on_datagram(now, at, &last) else { panic!("the cookie is sent") };
    assert!(answer.len() > last.len() && answer.len() <= hello.len());
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
    assert_eq!((arrival.from, porter.inside.load(Ordering::Relaxed), porter.shaking.len()), (at, 1, 1));

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
    assert_eq!((porter.inside.load(Ordering::Relaxed), porter.entries.len()), (0, 1));
    drop(inbox);
    assert!(
        matches!(bind(&mut porter, now, at, &format!("{UFRAG}4")), Deed::Send(_)),
        "the address is free again"
    );
}
