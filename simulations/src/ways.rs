//! How people reach each other: dials, connections through community nodes, holes that are punched.
//!
//! ```text
//!  dial ──▶ an own address that is public ─▶ Connected
//!       └─▶ an address that a node lends  ─▶ Connected, relayed ──hole──▶ direct
//! ```
//!
//! It tells engines what the network layer would tell them, and nothing deeper. Not here: who can meet whom (`nats`).

use kith_engine::Input;
use kith_engine::input::AddressRank;
use kith_engine::input::NetInput;
use kith_engine::view::Nat;
use kith_proto::address::Multiaddress;
use kith_proto::time::Span;

use crate::action::Action;
use crate::action::Who;
use crate::chance::Purpose;
use crate::effects;
use crate::nats::Way;
use crate::network::Network;
use crate::post::Host;
use crate::world::Due;
use crate::world::World;

/// How long the network layer waits before it asks a relay again, or another one (`kith-net`, `relay_pause`).
const RESERVE_AGAIN: Span = Span::from_secs(1);

/// Round trips through the relay until a hole is punched: to tell addresses, and to agree on a moment.
const PUNCH_ROUND_TRIPS: usize = 2;

/// Somebody dials. All addresses are tried at once; a direct one is preferred.
pub(crate) fn dial(world: &mut World, from: Who, to: Who, addresses: &[Multiaddress]) {
    let there = Network::address(to, world.people[to].place);
    let mut dice = world.dice(Purpose::Dial, from, to);
    let mut at = world.now + world.latency(&mut dice);
    let known = addresses.contains(&there);
    let mut ways = Vec::new();
    match &world.nats {
        None => ways.extend(known.then_some(Way::Direct)),
        Some(nats) if known && nats.is_public(to) => ways.push(Way::Direct),
        Some(_) => {
            let lent = (0..world.post.len()).filter(|host| addresses.contains(&Network::lent(*host, to)));
            ways.extend(lent.map(Way::Relay));
            // To the relay, on to the other side, and back.
            at = at + world.latency(&mut dice) + world.latency(&mut dice);
        }
    }
    world.later(at, Due::Dialled { from, to, ways });
}

/// A dial is over.
pub(crate) fn dialled(world: &mut World, from: Who, to: Who, ways: &[Way]) {
    let up = world.people[from].engine.is_some() && world.people[to].engine.is_some();
    let reachable = up && world.network.reachable(from, to);
    let way = ways.iter().copied().find(|way| reachable && is_open(world, to, *way));
    let (ours, theirs) = (world.people[from].device, world.people[to].device);
    let Some(way) = way else {
        if !world.network.connected(from, to) || world.nats.is_none() {
            world.input(from, Input::Net(NetInput::DialFailed { device: theirs }));
        }
        return;
    };
    if world.network.connect(from, to) {
        let dialled = match way {
            Way::Direct => Network::address(to, world.people[to].place),
            Way::Relay(host) => Network::lent(host, to),
        };
        world.input(from, Input::Net(NetInput::Connected { device: theirs, dialled: Some(dialled) }));
        world.input(to, Input::Net(NetInput::Connected { device: ours, dialled: None }));
        if let Way::Relay(host) = way {
            through(world, from, to, host);
        }
    } else if way == Way::Direct {
        straighten(world, from, to);
    }
}

fn is_open(world: &World, to: Who, way: Way) -> bool {
    match (way, &world.nats) {
        (Way::Relay(host), Some(nats)) => world.post.is_on(host) && nats.lends(to, host),
        _ => true,
    }
}

/// Two are connected through a node: both are told, and try to do without.
fn through(world: &mut World, one: Who, other: Who, host: Host) {
    let Some(nats) = &mut world.nats else { return };
    let number = nats.relay(one, other, host);
    let meet = nats.meet(one, other);
    tell_path(world, one, other, true);
    if meet {
        let mut at = world.now;
        let mut dice = world.dice(Purpose::Punch, one, other);
        for _ in 0..PUNCH_ROUND_TRIPS * 2 {
            at = at + world.latency(&mut dice) + world.latency(&mut dice);
        }
        world.later(at, Due::Punched { one, other, number });
    }
}

/// A hole is punched, unless the connection it was for is gone.
pub(crate) fn punched(world: &mut World, one: Who, other: Who, number: u64) {
    let current = world.nats.as_ref().and_then(|nats| nats.relayed(one, other));
    if current.is_some_and(|(_, of)| of == number) {
        straighten(world, one, other);
    }
}

fn straighten(world: &mut World, one: Who, other: Who) {
    if world.nats.as_mut().is_some_and(|nats| nats.straighten(one, other)) {
        tell_path(world, one, other, false);
    }
}

fn tell_path(world: &mut World, one: Who, other: Who, relayed: bool) {
    for (who, peer) in [(one, other), (other, one)] {
        let device = world.people[peer].device;
        world.input(who, Input::Net(NetInput::Path { device, relayed }));
    }
}

/// Whether two are connected through a node.
pub(crate) fn is_relayed(world: &World, one: Who, other: Who) -> bool {
    world.nats.as_ref().is_some_and(|nats| nats.relayed(one, other).is_some())
}

/// A connection ends, for whatever reason.
pub(crate) fn disconnect(world: &mut World, one: Who, other: Who) {
    if world.network.disconnect(one, other) {
        if let Some(nats) = &mut world.nats {
            nats.straighten(one, other);
        }
        let (ours, theirs) = (world.people[one].device, world.people[other].device);
        world.input(one, Input::Net(NetInput::Disconnected { device: theirs }));
        world.input(other, Input::Net(NetInput::Disconnected { device: ours }));
    }
}

/// What a device is told about its network when it starts.
pub(crate) fn listen(world: &mut World, who: Who) {
    let address = Network::address(who, world.people[who].place);
    let public = world.nats.as_ref().map(|nats| nats.is_public(who));
    let rank = if public == Some(true) { AddressRank::Global } else { AddressRank::Local };
    world.people[who].inbox.push(Input::Net(NetInput::Listening { address, rank }));
    if let Some(public) = public {
        let nat = if public { Nat::Public } else { Nat::Private };
        world.people[who].inbox.push(Input::Net(NetInput::Nat(nat)));
        reserve_somewhere(world, who, Span(0));
    }
}

/// A device asks for as many reservations as it lacks.
fn reserve_somewhere(world: &mut World, who: Who, pause: Span) {
    let Some(nats) = &world.nats else { return };
    let hosts = (0..world.post.len()).filter(|host| world.post.is_on(*host) && !nats.lends(who, *host));
    if nats.wants(who) {
        for host in hosts.collect::<Vec<_>>() {
            let mut dice = world.dice(Purpose::Reserve, who, host);
            let at = world.now + pause + world.latency(&mut dice) + world.latency(&mut dice);
            world.later(at, Due::Reserved { who, host });
        }
    }
}

/// A node answers a device that asked for a reservation.
pub(crate) fn reserved(world: &mut World, who: Who, host: Host) {
    let on = world.people[who].engine.is_some() && world.post.is_on(host);
    if on && world.nats.as_mut().is_some_and(|nats| nats.lend(who, host)) {
        let (address, rank) = (Network::lent(host, who), AddressRank::Relayed);
        world.input(who, Input::Net(NetInput::Listening { address, rank }));
    }
}

/// A device is off.
pub(crate) fn left(world: &mut World, who: Who) {
    if let Some(nats) = &mut world.nats {
        nats.leave(who);
    }
}

/// Does something to a community node; nothing for any other action.
pub(crate) fn act_on_host(world: &mut World, action: &Action) {
    match *action {
        Action::StopMailbox(host) => stop_host(world, host),
        Action::StartMailbox(host) => start_host(world, host),
        Action::CrashMailbox(host) => world.post.crash(host),
        Action::MaskMailbox(host, conduct) => world.post.wear(host, conduct),
        Action::FillMailbox(host) => {
            let was_on = world.post.is_on(host);
            stop_host(world, host);
            world.post.fill(host);
            if was_on {
                start_host(world, host);
            }
        }
        Action::LoseMailbox(host) => {
            stop_host(world, host);
            world.post.lose(host);
        }
        _ => {}
    }
}

/// A community node is off at once: its streams end, what it lent is gone, and who was connected through it is not.
pub(crate) fn stop_host(world: &mut World, host: Host) {
    let (sent, device) = world.post.stop(host);
    effects::send_post(world, sent);
    for who in 0..world.people.len() {
        if let Some(device) = device {
            world.input(who, Input::Net(NetInput::BootstrapLost { device }));
        }
    }
    let Some(nats) = &mut world.nats else { return };
    let (had, through) = nats.lose(host);
    for who in had {
        world.input(who, Input::Net(NetInput::ListenerClosed { address: Network::lent(host, who) }));
        reserve_somewhere(world, who, RESERVE_AGAIN);
    }
    for (one, other) in through {
        disconnect(world, one, other);
    }
}

/// A community node is back.
pub(crate) fn start_host(world: &mut World, host: Host) {
    let Some(node) = world.post.start(host, world.now) else { return };
    for who in 0..world.people.len() {
        world.input(who, Input::Net(NetInput::BootstrapConnected { node: node.clone() }));
        if world.people[who].engine.is_some() {
            reserve_somewhere(world, who, RESERVE_AGAIN);
        }
    }
}
