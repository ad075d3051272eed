//! Which mailboxes are used: diversity, absence, closing, the owner's word, friends who offer.

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_engine::Effect;
use kith_engine::input::NetInput;
use kith_engine::view::MailboxRefusal;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::id::DeviceId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::WorkBits;
use kith_proto::time::Span;

use crate::Side;
use crate::ask;
use crate::carry;
use crate::disconnect;
use crate::friends;
use crate::mailboxes::Office;
use crate::mailboxes::hello;
use crate::mailboxes::node;
use crate::mailboxes::registered;
use crate::mailboxes::say;

/// A node number `last` in the network 10.`network`.
fn node_in(network: u8, last: u8) -> DeviceAddress {
    let address = Multiaddress::new(vec![4, 10, network, 0, last, 6, 0, 5]).unwrap();
    DeviceAddress { device: DeviceId([last; 32]), address }
}

/// Mailboxes that say yes to everything, as long as they are not among those that are gone.
#[derive(Default)]
struct Yes {
    streams: BTreeMap<u64, DeviceId>,
    gone: Vec<DeviceId>,
    /// Those that have moved, to nobody knows where.
    moved: Vec<DeviceId>,
    /// Those that are full.
    full: Vec<DeviceId>,
    /// What some answer who asks for an inbox.
    says: BTreeMap<DeviceId, Answer>,
    /// How often each was asked for what is there.
    read: BTreeMap<DeviceId, usize>,
}

impl Yes {
    fn play(&mut self, side: &mut Side, effect: Effect) {
        match effect {
            Effect::OpenMailbox { stream, device, .. } if self.gone.contains(&device) => {
                side.net(NetInput::MailboxClosed { stream });
            }
            Effect::OpenMailbox { stream, device, .. } => {
                self.streams.insert(stream, device);
                side.net(NetInput::MailboxOpened { stream });
            }
            Effect::AskMailbox { stream, request } => {
                let Some(device) = self.streams.get(&stream).copied() else { return };
                let word = match request.word {
                    Request::Hello { .. } => hello(),
                    Request::Register { .. } if self.moved.contains(&device) => {
                        Answer::Moved { to: node(99), until: side.now + Span::from_days(1) }
                    }
                    Request::Register { .. } if self.full.contains(&device) => {
                        Answer::OverQuota { retry_after_secs: 3_600 }
                    }
                    Request::Register { .. } => self.says.get(&device).cloned().unwrap_or_else(registered),
                    Request::Subscribe { .. } => {
                        *self.read.entry(device).or_default() += 1;
                        Answer::CaughtUp {}
                    }
                    Request::Info {} => Answer::Info {
                        capacity: 1 << 30,
                        load_percent: 1,
                        work_bits: WorkBits::capped(0),
                        keep_secs: 1,
                    },
                    _ => return,
                };
                say(side, stream, request.number, word);
            }
            Effect::CloseMailbox { stream } => {
                self.streams.remove(&stream);
            }
            _ => {}
        }
    }

    /// A node is gone, with all streams to it.
    fn leave(&mut self, side: &mut Side, device: DeviceId) {
        self.gone.push(device);
        let lost: Vec<u64> =
            self.streams.iter().filter(|(_, of)| **of == device).map(|(stream, _)| *stream).collect();
        for stream in lost {
            self.streams.remove(&stream);
            side.net(NetInput::MailboxClosed { stream });
        }
        side.net(NetInput::BootstrapLost { device });
    }

    fn minutes(&mut self, side: &mut Side, minutes: u64) {
        for _ in 0..minutes {
            side.pass(Span::from_minutes(1));
            while !side.mail.is_empty() {
                for effect in std::mem::take(&mut side.mail) {
                    self.play(side, effect);
                }
            }
        }
    }
}

pub(crate) fn used(side: &Side) -> Vec<u8> {
    let own = side.engine.overview().network.mailboxes.into_iter().filter(|own| own.accepted);
    own.map(|own| own.device.0[0]).collect()
}

#[test]
fn of_one_network_one_mailbox_is_used_if_others_can_be_had() {
    let (mut ann, mut yes) = (Side::new(1), Yes::default());
    for node in [node_in(1, 51), node_in(1, 52), node_in(1, 53), node_in(2, 54), node_in(3, 55)] {
        ann.net(NetInput::BootstrapConnected { node });
    }
    yes.minutes(&mut ann, 5);
    let chosen = used(&ann);
    assert_eq!(chosen.iter().filter(|last| **last <= 53).count(), 1, "{chosen:?}");
    assert!(chosen.contains(&54) && chosen.contains(&55), "{chosen:?}");

    let (mut bob, mut yes) = (Side::new(2), Yes::default());
    for node in [node_in(1, 51), node_in(1, 52), node_in(1, 53)] {
        bob.net(NetInput::BootstrapConnected { node });
    }
    yes.minutes(&mut bob, 5);
    assert_eq!(used(&bob), [51, 52, 53], "else what there is");
}

#[test]
fn a_mailbox_that_is_away_is_replaced_after_hours_and_not_taken_back() {
    let (mut ann, mut yes) = (Side::new(1), Yes::default());
    for last in 51..=54 {
        ann.net(NetInput::BootstrapConnected { node: node_in(last, last) });
    }
    yes.minutes(&mut ann, 120);
    let before = used(&ann);
    let (lost, spare) = (before[0], (51..=54).find(|last| !before.contains(last)).unwrap());
    yes.leave(&mut ann, DeviceId([lost; 32]));
    yes.minutes(&mut ann, 180);
    assert_eq!(used(&ann), before, "three hours may be an update that went wrong");
    yes.minutes(&mut ann, 150);
    let after = used(&ann);
    assert!(!after.contains(&lost) && after.contains(&spare), "{before:?} {after:?}");
    yes.gone.clear();
    ann.net(NetInput::BootstrapConnected { node: node_in(lost, lost) });
    yes.minutes(&mut ann, 24 * 60);
    assert_eq!(used(&ann), after, "a list that works is not changed");
    ann.restart();
    yes.minutes(&mut ann, 1);
    assert_eq!(used(&ann).len(), 3, "the one that was left is no mailbox after a start either");
}

#[test]
fn a_night_without_a_network_replaces_nobody() {
    let (mut ann, mut yes) = (Side::new(1), Yes::default());
    for last in 51..=54 {
        ann.net(NetInput::BootstrapConnected { node: node_in(last, last) });
    }
    yes.minutes(&mut ann, 120);
    let before = used(&ann);
    for last in 51..=54 {
        yes.leave(&mut ann, DeviceId([last; 32]));
    }
    yes.minutes(&mut ann, 10 * 60);
    // The one that is not used is there first.
    yes.gone.clear();
    let spare = (51..=54).find(|last| !before.contains(last)).unwrap();
    ann.net(NetInput::BootstrapConnected { node: node_in(spare, spare) });
    yes.minutes(&mut ann, 20);
    assert_eq!(used(&ann), before);
}

fn name(last: u8) -> DeviceId {
    DeviceId([last; 32])
}

#[test]
fn nodes_that_have_moved_give_way_to_those_that_have_not() {
    let (mut ann, mut yes) = (Side::new(1), Yes { moved: (51..=54).map(name).collect(), ..Yes::default() });
    for last in 51..=57 {
        ann.net(NetInput::BootstrapConnected { node: node_in(last, last) });
    }
    yes.minutes(&mut ann, 60);
    assert_eq!(used(&ann), [55, 56, 57]);
}

#[test]
fn a_mailbox_that_was_removed_and_is_named_again_is_asked_again_and_what_it_holds_is_read() {
    let (mut ann, mut yes) = (Side::new(1), Yes::default());
    ann.net(NetInput::BootstrapConnected { node: node_in(51, 51) });
    yes.minutes(&mut ann, 10);
    assert_eq!(used(&ann), [51]);
    ann.command(Command::RemoveMailbox { device: name(51) });
    yes.minutes(&mut ann, 10);
    assert_eq!(used(&ann), [0; 0]);
    ann.command(Command::AddMailbox { node: node_in(51, 51), voucher: None });
    yes.minutes(&mut ann, 10);
    assert_eq!(used(&ann), [51]);

    ann.command(Command::RemoveMailbox { device: name(51) });
    yes.full.push(name(51));
    yes.leave(&mut ann, name(51));
    yes.gone.clear();
    yes.read.clear();
    ann.command(Command::AddMailbox { node: node_in(51, 51), voucher: None });
    yes.minutes(&mut ann, 60);
    assert_eq!(used(&ann), [0; 0]);
    assert!(yes.read.contains_key(&name(51)), "contacts may have left something there");
}

#[test]
fn named_mailboxes_that_are_all_away_keep_no_others_out() {
    let (mut ann, mut yes) = (Side::new(1), Yes::default());
    for last in 51..=53 {
        ann.command(Command::AddMailbox { node: node_in(last, last), voucher: None });
    }
    yes.minutes(&mut ann, 120);
    assert_eq!(used(&ann), [51, 52, 53]);
    for last in 51..=53 {
        yes.leave(&mut ann, name(last));
    }
    for last in 61..=63 {
        ann.net(NetInput::BootstrapConnected { node: node_in(last, last) });
    }
    yes.minutes(&mut ann, 6 * 60);
    assert_eq!(used(&ann), [51, 52, 53, 61, 62, 63]);
}

#[test]
fn a_named_mailbox_that_moved_is_asked_where_its_owner_says() {
    let (mut ann, mut yes) = (Side::new(1), Yes::default());
    ann.command(Command::AddMailbox { node: node_in(51, 51), voucher: None });
    yes.minutes(&mut ann, 5);
    let there = DeviceAddress { device: name(51), ..node_in(77, 77) };
    ann.command(Command::AddMailbox { node: there.clone(), voucher: None });
    yes.minutes(&mut ann, 5);
    let list = ann.engine.overview().network.mailboxes;
    assert_eq!((list.len(), &list[0].address, list[0].accepted), (1, &there.address, true));
    ann.restart();
    assert_eq!(ann.engine.overview().network.mailboxes[0].address, there.address);
}

#[test]
fn a_friend_s_device_is_used_and_no_longer_once_the_friend_is_removed() {
    let (mut ann, bob, _) = friends();
    let mut yes = Yes::default();
    for last in 100..200 {
        let addresses = vec![node_in(last, last).address];
        ann.net(NetInput::MailboxOffered { device: name(last), addresses });
    }
    let addresses = vec![node_in(2, 2).address];
    ann.net(NetInput::MailboxOffered { device: bob.device, addresses });
    yes.minutes(&mut ann, 10);
    let list = ann.engine.overview().network.mailboxes;
    assert_eq!(
        list.iter().map(|own| own.device).collect::<Vec<_>>(),
        [bob.device],
        "strangers crowd nobody out"
    );
    ann.command(Command::RemoveContact { contact: bob.account });
    yes.minutes(&mut ann, 10);
    assert_eq!(ann.engine.overview().network.mailboxes, []);
}

#[test]
fn a_mailbox_that_was_asked_too_much_at_once_is_asked_again_soon_and_not_for_ever() {
    let (mut ann, mut yes, node) = (Side::new(1), Yes::default(), node_in(51, 51));
    yes.says.insert(node.device, Answer::OverQuota { retry_after_secs: 5 });
    ann.net(NetInput::BootstrapConnected { node: node.clone() });
    yes.minutes(&mut ann, 3);
    let own = |side: &Side| side.engine.overview().network.mailboxes.into_iter().next().unwrap();
    assert_eq!((own(&ann).accepted, own(&ann).refused), (false, None), "others came at the same time");
    yes.says.clear();
    yes.minutes(&mut ann, 2);
    assert_eq!(used(&ann), [51]);

    let (mut bob, mut yes) = (Side::new(2), Yes::default());
    yes.says.insert(node.device, Answer::OverQuota { retry_after_secs: 5 });
    bob.net(NetInput::BootstrapConnected { node });
    yes.minutes(&mut bob, 120);
    assert_eq!(own(&bob).refused, Some(MailboxRefusal::TooMuch), "nobody is too fast for an hour");
}

#[test]
fn five_devices_of_friends_are_used_until_a_community_node_is_one_of_them() {
    let (mut ann, mut yes) = (Side::new(1), Yes::default());
    for number in 2..8 {
        let mut friend = Side::new(number);
        ask(&mut friend, &mut ann);
        ann.command(Command::AcceptContact { contact: friend.account });
        carry(&mut ann, &mut friend);
        disconnect(&mut ann, &mut friend);
        let addresses = vec![node_in(number, number).address];
        ann.net(NetInput::MailboxOffered { device: friend.device, addresses });
    }
    yes.minutes(&mut ann, 10);
    assert_eq!(used(&ann).len(), 5, "they are away for hours");
    let community = node_in(50, 50);
    ann.net(NetInput::BootstrapConnected { node: community.clone() });
    yes.minutes(&mut ann, 10);
    assert_eq!(used(&ann).len(), 6, "nobody is left before that has proven itself");
    yes.minutes(&mut ann, 180);
    let chosen = used(&ann);
    assert!(chosen.len() == 3 && chosen.contains(&50), "{chosen:?}");
    yes.leave(&mut ann, community.device);
    yes.minutes(&mut ann, 24 * 60);
    let chosen = used(&ann);
    assert!(chosen.len() == 5 && !chosen.contains(&50), "{chosen:?}");
}

#[test]
fn why_a_mailbox_said_no_is_known_also_after_a_restart_and_until_it_says_yes() {
    let mut yes = Yes::default();
    yes.says.insert(node_in(51, 51).device, Answer::Full {});
    yes.says.insert(node_in(52, 52).device, Answer::Refused {});
    let (mut ann, bob, _) = friends();
    let connect = |ann: &mut Side| {
        for last in [50, 51, 52] {
            ann.net(NetInput::BootstrapConnected { node: node_in(last, last) });
        }
    };
    connect(&mut ann);
    yes.minutes(&mut ann, 2);
    let reasons = |ann: &Side| -> Vec<_> {
        let own = ann.engine.overview().network.mailboxes.into_iter();
        own.map(|own| (own.device.0[0], own.refused, own.of_contact)).collect()
    };
    let wanted = [
        (50, None, false),
        (51, Some(MailboxRefusal::Full), false),
        (52, Some(MailboxRefusal::NotKnown), false),
    ];
    assert_eq!(reasons(&ann), wanted);
    yes.streams.clear();
    ann.restart();
    connect(&mut ann);
    yes.minutes(&mut ann, 2);
    assert_eq!(reasons(&ann), wanted, "nobody asks them again today, and why is still known");
    assert_eq!(used(&ann), [50]);
    yes.says.clear();
    yes.minutes(&mut ann, 25 * 60);
    let all_let_in = [(50, None, false), (51, None, false), (52, None, false)];
    assert_eq!(reasons(&ann), all_let_in, "a day later they say yes");
    assert_eq!(used(&ann), [50, 51, 52]);
    // A friend's device is told apart from a community node.
    yes.says.insert(bob.device, Answer::Refused {});
    let node = DeviceAddress { device: bob.device, address: bob.address.clone() };
    ann.command(Command::AddMailbox { node, voucher: None });
    yes.minutes(&mut ann, 2);
    let own =
        ann.engine.overview().network.mailboxes.into_iter().find(|own| own.device == bob.device).unwrap();
    assert_eq!((own.refused, own.of_contact), (Some(MailboxRefusal::NotKnown), true));
}

#[test]
fn a_voucher_opens_a_mailbox_and_is_kept_until_that_is_removed() {
    let config = kith_simulations::post::Config {
        opening_bits: None,
        vouchers: vec![kith_simulations::post::voucher_hash(b"harbour friends")],
        ..kith_simulations::post::Config::default()
    };
    let mut post = kith_simulations::post::Post::default();
    post.add([1; 32], config, crate::BEGIN);
    let node = post.on().remove(0);
    let mut office = Office { post, knocks: Vec::new() };
    let mut ann = Side::new(1);
    let mut lives = |ann: &mut Side| {
        for _ in 0..5 {
            ann.pass(Span::from_secs(1));
            office.carry(ann, 1);
        }
        ann.engine.overview().network.mailboxes.into_iter().next().map(|own| (own.accepted, own.refused))
    };
    let add = |voucher: Option<&str>| Command::AddMailbox {
        node: node.clone(),
        voucher: voucher.map(str::to_owned),
    };
    ann.command(add(None));
    let refused = Some((false, Some(MailboxRefusal::NotKnown)));
    assert_eq!(lives(&mut ann), refused, "strangers are not let in, whatever they work");
    ann.command(add(Some("harbour fiends")));
    assert_eq!(lives(&mut ann), refused, "nor with another word");
    ann.command(add(Some(" harbour friends ")));
    assert_eq!(lives(&mut ann), Some((true, None)));
    assert!(ann.try_command(add(Some(&"x".repeat(257)))).is_err(), "longer than any voucher");
    ann.restart();
    ann.command(add(None));
    assert_eq!(lives(&mut ann), Some((true, None)));
    assert!(ann.engine.overview().network.mailboxes[0].with_voucher, "it need not be said again");
    ann.command(Command::RemoveMailbox { device: node.device });
    ann.command(add(None));
    lives(&mut ann);
    assert!(!ann.engine.overview().network.mailboxes[0].with_voucher, "and goes with the mailbox");
}
