//! Who is refused, for what, and until when.

use super::*;
use crate::config::Role;
use crate::stats::Stats;

#[test]
fn one_network_gets_its_share_and_no_more_until_it_leaves() {
    let limits = Limits { connections_per_ipv4: 2, ..Limits::for_role(Role::Server) };
    let mut behaviour = Behaviour::new(limits, Arc::default());
    let remote: Multiaddr = "/ip4/192.0.2.1/tcp/5".parse().unwrap();
    let ids: Vec<_> = (0..4).map(ConnectionId::new_unchecked).collect();
    let ask =
        |behaviour: &mut Behaviour, id| behaviour.handle_pending_inbound_connection(id, &remote, &remote);
    assert!(ask(&mut behaviour, ids[0]).is_ok());
    assert!(ask(&mut behaviour, ids[1]).is_ok());
    assert!(ask(&mut behaviour, ids[2]).is_err(), "the third is one too many");
    behaviour.leave(ids[0]);
    assert!(ask(&mut behaviour, ids[3]).is_ok(), "one left");
}

#[test]
fn a_peer_that_keeps_breaking_rules_is_banned_but_never_a_friend() {
    let limits = Limits { misdeeds: 3, ..Limits::for_role(Role::User) };
    let mut behaviour = Behaviour::new(limits, Arc::default());
    let (mallory, friend) = (PeerId::random(), PeerId::random());
    behaviour.set_friends([friend].into());
    assert!(!behaviour.misbehaved(mallory) && !behaviour.misbehaved(mallory));
    assert!(behaviour.misbehaved(mallory), "the third time");
    assert!(behaviour.check_ban(&mallory).is_err());
    assert!((0..10).all(|_| !behaviour.misbehaved(friend)));
}

#[test]
fn the_oldest_misdeeds_are_forgotten_first() {
    let limits = Limits { misdeeds: 2, ..Limits::for_role(Role::User) };
    let mut behaviour = Behaviour::new(limits, Arc::default());
    let peers: Vec<PeerId> = (0..=MAX_BANS).map(|_| PeerId::random()).collect();
    assert!(peers.iter().all(|peer| !behaviour.misbehaved(*peer)));
    assert_eq!(behaviour.misdeeds.len(), MAX_BANS);
    assert!(behaviour.misbehaved(peers[1]) && behaviour.misbehaved(peers[MAX_BANS]));
    assert!(!behaviour.misbehaved(peers[0]), "it is as if new");
}

fn strict() -> Behaviour {
    let limits = Limits {
        connections_per_ipv4: 2,
        connections_per_ipv4_24: 3,
        connections_per_ipv6_64: 4,
        connections_per_ipv6_48: 5,
        arrivals_per_second: 2,
        arrivals_at_once: 10,
        ..Limits::for_role(Role::Server)
    };
    Behaviour::new(limits, Arc::default())
}

/// Asks for one connection from each address in turn; says of which the last was refused, and for what.
fn refused(behaviour: &mut Behaviour, from: &[&str]) -> Vec<(usize, Stats)> {
    let mut refused = Vec::new();
    for (number, from) in from.iter().enumerate() {
        let remote: Multiaddr = from.parse().unwrap();
        let id = ConnectionId::new_unchecked(number);
        if behaviour.handle_pending_inbound_connection(id, &remote, &remote).is_err() {
            refused.push((number, behaviour.counters.read()));
        }
    }
    refused
}

#[test]
fn each_size_of_network_has_its_own_limit_and_each_refusal_its_own_reason() {
    let ip4 = |host| format!("/ip4/192.0.2.{host}/tcp/5");
    let hosts = [ip4(1), ip4(1), ip4(1), ip4(2), ip4(3)];
    let of_24 = refused(&mut strict(), &hosts.each_ref().map(String::as_str));
    assert_eq!(of_24.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 4]);
    let last = of_24.last().unwrap().1;
    assert_eq!((last.refused, last.refused_address, last.refused_network), (2, 1, 1));
    let ip6 = |subnet, host| format!("/ip6/2001:db8:1:{subnet}::{host}/tcp/5");
    let hosts = [ip6(1, 1), ip6(1, 2), ip6(1, 3), ip6(1, 4), ip6(1, 5), ip6(2, 1), ip6(3, 1)];
    let of_48 = refused(&mut strict(), &hosts.each_ref().map(String::as_str));
    assert_eq!(of_48.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 6]);
    assert!(refused(&mut strict(), &["/ip4/127.0.0.1/tcp/5"; 100]).is_empty(), "this machine is not a flood");
}

#[test]
fn a_site_that_comes_and_goes_is_slowed_down_and_then_forgiven() {
    let (mut behaviour, now) = (strict(), Instant::now());
    let site = networks_of("192.0.2.1".parse().unwrap())[1];
    assert!((0..10).all(|_| behaviour.arrive(site, now).is_ok()));
    assert_eq!(behaviour.arrive(site, now), Err(Refused::Rate));
    let other = networks_of("198.51.100.1".parse().unwrap())[1];
    assert_eq!(behaviour.arrive(other, now), Ok(()), "others are not meant");
    assert_eq!(behaviour.arrive(site, now + Duration::from_millis(500)), Ok(()), "two a second");
    assert!(behaviour.arrive(site, now + Duration::from_millis(500)).is_err());
    assert!((0..10).all(|_| behaviour.arrive(site, now + Duration::from_secs(60)).is_ok()));
}

#[test]
fn a_device_gets_its_share_a_full_node_takes_friends_only_and_whoever_left_is_forgotten() {
    let limits = Limits { connections: 4, connections_per_peer: 2, ..Limits::for_role(Role::Server) };
    let mut behaviour = Behaviour::new(limits, Arc::default());
    let (peer, friend) = (PeerId::random(), PeerId::random());
    for _ in 0..2 {
        assert!(behaviour.admit(&peer).is_ok());
        behaviour.opened(peer);
    }
    assert!(behaviour.admit(&peer).is_err(), "a third connection of the same device");
    let others: Vec<_> = (0..2).map(|_| PeerId::random()).collect();
    others.iter().for_each(|peer| behaviour.opened(*peer));
    assert!(behaviour.admit(&PeerId::random()).is_err(), "full");
    behaviour.set_friends([friend].into());
    assert!(behaviour.admit(&friend).is_ok());
    let stats = behaviour.counters.read();
    assert_eq!((stats.refused, stats.refused_device, stats.refused_full), (2, 1, 1));
    [peer, peer].iter().chain(&others).for_each(|peer| behaviour.closed(peer));
    assert!(behaviour.by_peer.is_empty() && behaviour.open == 0);
    assert!(behaviour.admit(&peer).is_ok());
}

#[test]
fn handshakes_that_do_not_end_keep_out_new_ones_until_they_fail() {
    let mut behaviour = strict();
    behaviour.limits.connections = 4;
    let from = ["/ip4/192.0.2.1/tcp/5", "/ip4/198.51.100.1/tcp/5", "/ip4/203.0.113.1/tcp/5"];
    let late = refused(&mut behaviour, &from);
    assert_eq!(late.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2]);
    assert_eq!(behaviour.counters.read().refused_full, 1);
    behaviour.pending_in.clear();
    assert!(refused(&mut behaviour, &from[2..]).is_empty());
}

#[test]
fn a_raised_limit_lets_in_who_was_refused_before() {
    let mut behaviour = strict();
    let from = ["/ip4/192.0.2.1/tcp/5"; 3];
    assert_eq!(refused(&mut behaviour, &from).len(), 1);
    let limits = Limits { connections_per_ipv4: 3, ..behaviour.limits.clone() };
    behaviour.set_limits(limits);
    let (id, remote) = (ConnectionId::new_unchecked(9), from[0].parse().unwrap());
    assert!(behaviour.handle_pending_inbound_connection(id, &remote, &remote).is_ok());
}
