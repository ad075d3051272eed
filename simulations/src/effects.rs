//! What the world does with the effects of engines: frames through the weather, records, dials, streams to mailboxes.
//!
//! Not here: who can be dialled (`ways`), what a mailbox does (`post`).

use kith_engine::Effect;
use kith_engine::Input;
use kith_engine::input::NetInput;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::frame::Frame;
use kith_proto::record::Record;
use kith_proto::time::Span;

use crate::action::Who;
use crate::chance::Dice;
use crate::chance::Purpose;
use crate::gossip::Passed;
use crate::media;
use crate::post::Sent;
use crate::ways;
use crate::world::Due;
use crate::world::World;

/// Runs the effects of one step.
pub(crate) fn run(world: &mut World, who: Who, effects: Vec<Effect>) {
    for effect in effects {
        match effect {
            Effect::Dial { device, addresses } => {
                world.counts.dials += 1;
                if let Some(to) = world.by_device.get(&device).copied() {
                    ways::dial(world, who, to, &addresses);
                }
            }
            Effect::HangUp { device } => {
                if let Some(to) = world.by_device.get(&device).copied() {
                    ways::disconnect(world, who, to);
                }
            }
            Effect::Send { device, frame } => {
                if let Some(to) = world.by_device.get(&device).copied() {
                    carry(world, who, to, frame);
                }
            }
            Effect::Publish { record } => publish(world, record),
            Effect::LookUp { key } => {
                let mut dice = world.dice(Purpose::LookUp, who, who);
                let at = world.now + world.latency(&mut dice);
                world.later(at, Due::Found { who, key });
            }
            Effect::OpenMailbox { stream, device, .. } => {
                let reachable = world.network.reaches_nodes(who);
                let sent = world.post.open(who, stream, &device, reachable);
                send_post(world, sent);
            }
            Effect::AskMailbox { stream, request } => {
                let sent = world.post.ask(who, stream, request);
                send_post(world, sent);
            }
            Effect::CloseMailbox { stream } => {
                let sent = world.post.close(who, stream);
                send_post(world, sent);
            }
            Effect::Topics { topics, .. } => {
                world.gossip.set_topics(who, topics);
                if !world.beats && !world.gossip.is_idle() {
                    world.beats = true;
                    world.later(world.now + BEAT, Due::Beat);
                }
            }
            Effect::Gossip { topic, bytes } => {
                let network = &world.network;
                let passed =
                    world.gossip.publish(who, topic, &bytes, |one, other| network.connected(one, other));
                pass(world, passed);
            }
            Effect::Verdict { message, verdict } => {
                let network = &world.network;
                let passed =
                    world.gossip.verdict(who, message, verdict, |one, other| network.connected(one, other));
                pass(world, passed);
            }
            Effect::Call(command) => media::order(world, who, command),
            Effect::AddBootstrap { .. }
            | Effect::RemoveBootstrap { .. }
            | Effect::UseBootstrap { .. }
            | Effect::KeepConnected { .. }
            | Effect::Befriend { .. }
            | Effect::Misbehaved { .. } => {}
        }
    }
}

/// How often topics are looked after.
const BEAT: Span = Span::from_secs(1);

/// Sends messages of topics through the weather. They come in any order.
fn pass(world: &mut World, passed: Vec<Passed>) {
    for passed in passed {
        world.counts.frames += 1;
        world.counts.bytes += passed.bytes.len() as u64;
        let mut dice = world.dice(Purpose::Gossip, passed.from, passed.to);
        if dice.roll(10_000) < world.weather.lost {
            continue;
        }
        let at = world.now + world.latency(&mut dice);
        world.later(at, Due::Gossip(passed));
    }
}

/// A message of a topic has come.
pub(crate) fn gossip_arrives(world: &mut World, passed: &Passed) {
    if !world.network.connected(passed.from, passed.to) {
        return;
    }
    if let Some(message) = world.gossip.arrive(passed) {
        let device = world.people[passed.from].device;
        let (topic, bytes) = (passed.topic, passed.bytes.clone());
        world.input(passed.to, Input::Net(NetInput::Gossip { topic, message, device, bytes }));
    }
}

/// A second has passed.
pub(crate) fn beat(world: &mut World) {
    world.beats = !world.gossip.is_idle();
    if world.beats {
        let network = &world.network;
        let passed = world.gossip.beat(|one, other| network.connected(one, other));
        pass(world, passed);
        world.later(world.now + BEAT, Due::Beat);
    }
}

fn publish(world: &mut World, record: Record) {
    let newer = world.network.dht.get(&record.key()).is_none_or(|old| old.sequence < record.sequence);
    if newer && kith_crypto::record::verify_record(&record) {
        world.network.dht.insert(record.key(), record);
    }
}

/// Everything between people and mailboxes takes the same time, so that it keeps its order; a mailbox that is slow on
/// purpose is always as slow.
pub(crate) fn send_post(world: &mut World, sent: Vec<Sent>) {
    let at = world.now + Span(world.weather.latency_min.max(1));
    for sent in sent {
        let at = at + sent.held_back();
        world.later(at, Due::Post(sent));
    }
}

/// Sends a frame through the weather.
fn carry(world: &mut World, from: Who, to: Who, frame: Frame) {
    if !world.network.connected(from, to) {
        return;
    }
    world.counts.frames += 1;
    world.counts.bytes += frame.to_wire().len() as u64;
    let weather = world.weather.clone();
    let mut dice = world.dice(Purpose::Frame, from, to);
    if dice.roll(10_000) < weather.lost {
        return;
    }
    let frame = if dice.roll(10_000) < weather.flipped { flip(&mut dice, frame) } else { frame };
    let stream = world.network.stream(from, to);
    let mut at = world.now + world.latency(&mut dice);
    if ways::is_relayed(world, from, to) {
        at = at + world.latency(&mut dice);
    }
    let at = if dice.roll(10_000) < weather.late {
        at + world.latency(&mut dice) + world.latency(&mut dice)
    } else {
        world.network.arrival(from, to, at)
    };
    if dice.roll(10_000) < weather.doubled {
        let again = at + world.latency(&mut dice);
        world.later(again, Due::Arrive { from, to, stream, frame: frame.clone() });
    }
    world.later(at, Due::Arrive { from, to, stream, frame });
}

fn flip(dice: &mut Dice, frame: Frame) -> Frame {
    let mut bytes = frame.to_bytes();
    let at = dice.one_of(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << (at % 8);
    }
    Frame::from_bytes(&bytes).unwrap_or(frame)
}

/// A frame has come, unless the stream it went on broke meanwhile.
pub(crate) fn arrive(world: &mut World, from: Who, to: Who, stream: u64, frame: Frame) {
    if world.network.connected(from, to) && world.network.stream(from, to) == stream {
        let device = world.people[from].device;
        world.input(to, Input::Net(NetInput::Frame { device, frame }));
    }
}
