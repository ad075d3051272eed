//! Between the engine's words and the network's. No rules here, only translation.

use kith_engine::Effect;
use kith_engine::input::AddressRank;
use kith_engine::input::NetInput;
use kith_engine::view::Nat;
use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::address;
use kith_net::address::Reach;

/// What an effect asks of the network; `None` when it asks nothing, or names a bootstrap address that is not one.
pub(crate) fn command(effect: Effect) -> Option<NetCommand> {
    Some(match effect {
        Effect::Dial { device, addresses } => NetCommand::Dial { device, addresses },
        Effect::HangUp { device } => NetCommand::HangUp { device },
        Effect::Send { device, frame } => NetCommand::Send { device, frame },
        Effect::Publish { record } => NetCommand::Publish { record },
        Effect::LookUp { key } => NetCommand::LookUp { key },
        Effect::AddBootstrap { address } => {
            NetCommand::AddBootstrap { node: address::parse_node(&address).ok()? }
        }
        Effect::RemoveBootstrap { address } => {
            NetCommand::RemoveBootstrap { node: address::parse_node(&address).ok()? }
        }
        Effect::UseBootstrap { node } => NetCommand::AddBootstrap { node },
        Effect::KeepConnected { devices, known } => NetCommand::KeepConnected {
            devices: devices.into_iter().collect(),
            known: known.into_iter().collect(),
        },
        // Not for the network.
        Effect::Befriend { .. } | Effect::Call(_) => return None,
        Effect::OpenMailbox { stream, device, addresses } => {
            NetCommand::OpenMailbox { stream, device, addresses }
        }
        Effect::AskMailbox { stream, request } => NetCommand::AskMailbox { stream, request },
        Effect::CloseMailbox { stream } => NetCommand::CloseMailbox { stream },
        Effect::Topics { topics, members } => NetCommand::Topics {
            topics: topics.into_iter().collect(),
            members: members.into_iter().collect(),
        },
        Effect::Gossip { topic, bytes } => NetCommand::Gossip { topic, bytes },
        Effect::Verdict { message, verdict } => NetCommand::Verdict {
            message,
            verdict: match verdict {
                kith_engine::effect::Verdict::Accept => kith_net::Verdict::Accept,
                kith_engine::effect::Verdict::Ignore => kith_net::Verdict::Ignore,
                kith_engine::effect::Verdict::Reject => kith_net::Verdict::Reject,
            },
        },
        Effect::Misbehaved { device, why } => {
            tracing::debug!(?device, ?why, "misbehaved");
            NetCommand::Misbehaved { device }
        }
    })
}

/// What a network event is to the engine; `None` when it is not for it.
pub(crate) fn input(event: NetEvent) -> Option<NetInput> {
    Some(match event {
        NetEvent::Listening { address, .. } => {
            let rank = match address::reach(&address) {
                Reach::Global => AddressRank::Global,
                Reach::Local => AddressRank::Local,
                Reach::Loopback => AddressRank::Loopback,
                Reach::Relayed => AddressRank::Relayed,
            };
            NetInput::Listening { address, rank }
        }
        NetEvent::ListenerClosed { address } => NetInput::ListenerClosed { address },
        NetEvent::Connected { device, dialled } => NetInput::Connected { device, dialled },
        NetEvent::Path { device, relayed } => NetInput::Path { device, relayed },
        NetEvent::Nat { nat, .. } => NetInput::Nat(match nat {
            kith_net::Nat::Unknown => Nat::Unknown,
            kith_net::Nat::Public => Nat::Public,
            kith_net::Nat::Private => Nat::Private,
        }),
        NetEvent::Disconnected { device } => NetInput::Disconnected { device },
        NetEvent::StreamClosed { device } => NetInput::StreamClosed { device },
        NetEvent::Frame { device, frame } => NetInput::Frame { device, frame },
        NetEvent::Gossip { topic, message, device, bytes } => {
            NetInput::Gossip { topic, message, device, bytes }
        }
        NetEvent::DialFailed { device } => NetInput::DialFailed { device },
        NetEvent::Found { key, record } => NetInput::Found { key, record },
        NetEvent::LookUpDone { key } => NetInput::LookUpDone { key },
        NetEvent::Discovered { device, addresses } => NetInput::Discovered { device, addresses },
        NetEvent::BootstrapConnected { node } => NetInput::BootstrapConnected { node },
        NetEvent::BootstrapLost { device } => NetInput::BootstrapLost { device },
        NetEvent::Peers { connected, dht } => NetInput::Peers { connected, dht },
        NetEvent::ListenFailed { address, reason } => {
            tracing::warn!(address, reason, "cannot listen here");
            return None;
        }
        NetEvent::MailboxOffered { device, addresses } => NetInput::MailboxOffered { device, addresses },
        NetEvent::MailboxWithdrawn { device } => NetInput::MailboxWithdrawn { device },
        NetEvent::MailboxOpened { stream } => NetInput::MailboxOpened { stream },
        NetEvent::MailboxAnswered { stream, answer } => NetInput::MailboxAnswered { stream, answer },
        NetEvent::MailboxClosed { stream } => NetInput::MailboxClosed { stream },
        NetEvent::Tested { .. }
        | NetEvent::Stored { .. }
        | NetEvent::Expired { .. }
        | NetEvent::TurnAsked { .. }
        | NetEvent::TurnTold { .. }
        | NetEvent::TurnAllTold
        | NetEvent::MailboxServed(_) => return None,
    })
}
