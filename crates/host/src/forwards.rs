//! Deposits that are handed on to other mailboxes: for each a stream, hello, the sealed deposit, its answer.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetEvent;
use kith_net::address;
use kith_net::address::Reach;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedBytes;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::MAILBOX_VERSION;
use kith_proto::mailbox::MAX_FORWARDED_BYTES;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;

/// How long the other mailbox may take, with the connection: whoever waits for it repeats later.
const WITHIN: Duration = Duration::from_secs(20);

/// The number of the deposit; hello comes before it.
const DEPOSIT: u32 = 2;

/// What is under way, by the name of its stream, which is the name that the mailbox gave it.
#[derive(Debug, Default)]
pub(crate) struct Forwards {
    until: BTreeMap<u64, Instant>,
    /// The furthest that this node's own addresses reach.
    reach: Option<Reach>,
    refused: Vec<u64>,
}

impl Forwards {
    /// Hands a deposit on.
    pub(crate) fn start(
        &mut self,
        forward: u64,
        to: &DeviceAddress,
        sealed: BoundedBytes<MAX_FORWARDED_BYTES>,
        net: &Net,
    ) {
        if !self.may_dial(&to.address) {
            self.refused.push(forward);
            return;
        }
        self.until.insert(forward, Instant::now() + WITHIN);
        let (stream, addresses) = (forward, vec![to.address.clone()]);
        let words =
            [Request::Hello { version: MAILBOX_VERSION }, Request::Forward { to: to.clone(), sealed }];
        let asks = words
            .into_iter()
            .zip(1..)
            .map(|(word, number)| NetCommand::AskMailbox { stream, request: Numbered { number, word } });
        let open = NetCommand::OpenMailbox { stream, device: to.device, addresses };
        for command in std::iter::once(open).chain(asks) {
            let _ = net.command_blocking(command);
        }
    }

    /// What an event means for what is under way: which is over, and with what answer.
    pub(crate) fn on_event(&mut self, event: NetEvent, net: &Net) -> Option<(u64, Option<Answer>)> {
        match event {
            NetEvent::MailboxAnswered { stream, answer } if answer.number == DEPOSIT => {
                self.until.remove(&stream)?;
                let _ = net.command_blocking(NetCommand::CloseMailbox { stream });
                Some((stream, Some(answer.word)))
            }
            NetEvent::MailboxClosed { stream } => {
                self.until.remove(&stream)?;
                Some((stream, None))
            }
            NetEvent::Listening { address, .. } => {
                self.listens_at(&address);
                None
            }
            _ => None,
        }
    }

    /// Whatever took too long or was not begun; its stream is closed.
    pub(crate) fn overdue(&mut self, net: &Net) -> Vec<u64> {
        let now = Instant::now();
        let late: Vec<u64> =
            self.until.extract_if(.., |_, until| *until <= now).map(|(name, _)| name).collect();
        for stream in late.iter().copied() {
            let _ = net.command_blocking(NetCommand::CloseMailbox { stream });
        }
        let mut over = std::mem::take(&mut self.refused);
        over.extend(late);
        over
    }

    /// How long until something takes too long.
    pub(crate) fn wait(&self) -> Option<Duration> {
        if !self.refused.is_empty() {
            return Some(Duration::ZERO);
        }
        self.until.values().min().map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// This node has an address.
    pub(crate) fn listens_at(&mut self, address: &Multiaddress) {
        // From the machine over the house to the world: the order of `Reach` is the other way round.
        let reach = address::reach(address);
        if reach != Reach::Relayed {
            self.reach = Some(self.reach.map_or(reach, |known| known.min(reach)));
        }
    }

    /// Whoever asks must not look around through this node where it could not itself: public addresses only, unless
    /// the node is in a private network as a whole. Names could lead anywhere.
    fn may_dial(&self, to: &Multiaddress) -> bool {
        let text = address::text(to, None);
        let is_number = text.starts_with("/ip4/") || text.starts_with("/ip6/");
        let reach = address::reach(to);
        is_number && (reach == Reach::Global || Some(reach) == self.reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_node_hands_nothing_on_into_private_networks() {
        let at = |text: &str| address::parse(text).unwrap().0;
        let mut forwards = Forwards::default();
        forwards.listens_at(&at("/ip4/127.0.0.1/tcp/1"));
        assert!(forwards.may_dial(&at("/ip4/127.0.0.1/tcp/2")), "a node of this machine only");
        forwards.listens_at(&at("/ip4/192.168.0.1/tcp/1"));
        assert!(forwards.may_dial(&at("/ip4/192.168.0.2/tcp/1")), "a node of a house");
        assert!(!forwards.may_dial(&at("/ip4/127.0.0.1/tcp/2")), "but not what only its own machine sees");
        forwards.listens_at(&at("/ip4/198.51.100.1/tcp/1"));
        assert!(forwards.may_dial(&at("/ip4/203.0.113.1/tcp/1")));
        for private in ["/ip4/127.0.0.1/tcp/2", "/ip4/192.168.0.2/tcp/1", "/dns4/localhost/tcp/1"] {
            assert!(!forwards.may_dial(&at(private)), "{private}");
        }
    }
}
