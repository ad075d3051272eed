//! Somebody who asks a mailbox over the network, for tests and benchmarks.

use ed25519_dalek::Signature;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use kith_net::EventReceiver;
use kith_net::Net;
use kith_net::NetCommand;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::address;
use kith_proto::address::DeviceAddress;
use kith_proto::bounded::BoundedVec;
use kith_proto::envelope::Envelope;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Nonce;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::receipt_bytes;
use zeroize::Zeroizing;

/// The stream of an asker; each has one.
const STREAM: u64 = 1;

/// A device with a stream to a mailbox.
pub(crate) struct Asker {
    pub(crate) node: DeviceAddress,
    net: Net,
    events: EventReceiver,
    nonce: Nonce,
    number: u32,
}

/// Whoever has an inbox, and the one who writes to it.
pub(crate) struct Inbox {
    pub(crate) owner: SigningKey,
    pub(crate) writer: SigningKey,
}

impl Inbox {
    pub(crate) fn new(seed: u8) -> Self {
        let key = |of: u8| SigningKey::from_bytes(&[of; 32]);
        Self { owner: key(seed), writer: key(seed + 100) }
    }

    /// One of its queues.
    pub(crate) fn queue(&self, number: u8) -> QueueId {
        let mut id = self.owner.to_bytes().first_chunk::<16>().copied().unwrap();
        id.iter_mut().take(1).for_each(|byte| *byte = number);
        QueueId(id)
    }
}

impl Asker {
    /// Connects and says hello.
    pub(crate) async fn connect(seed: u8, at: &str) -> Self {
        let mut config = NetConfig::new(Zeroizing::new([seed; 32]), Role::User);
        config.listen.clear();
        config.mdns = false;
        let (net, events) = Net::start(config, &tokio::runtime::Handle::current()).unwrap();
        let node = address::parse_node(at).unwrap();
        let (device, addresses) = (node.device, vec![node.address.clone()]);
        net.command(NetCommand::OpenMailbox { stream: STREAM, device, addresses }).unwrap();
        let mut asker = Self { node, net, events, nonce: [0; 16], number: 0 };
        let Answer::Hello { nonce, .. } = asker.question(Request::Hello { version: 1 }).await else {
            panic!("no hello")
        };
        asker.nonce = nonce;
        asker
    }

    /// Asks without waiting. Returns the number of the request.
    pub(crate) async fn ask(&mut self, word: Request) -> u32 {
        self.number += 1;
        let request = Numbered { number: self.number, word };
        self.net.command_async(NetCommand::AskMailbox { stream: STREAM, request }).await.unwrap();
        self.number
    }

    /// Asks and waits for the next answer.
    pub(crate) async fn question(&mut self, word: Request) -> Answer {
        let number = self.ask(word).await;
        let answer = self.answer().await.expect("the mailbox answers");
        assert_eq!(answer.number, number);
        answer.word
    }

    /// The next answer; `None` once the stream is closed.
    pub(crate) async fn answer(&mut self) -> Option<Numbered<Answer>> {
        loop {
            match self.events.next().await.unwrap() {
                NetEvent::MailboxAnswered { answer, .. } => return Some(answer),
                NetEvent::MailboxClosed { .. } => return None,
                _ => {}
            }
        }
    }

    fn sign(&self, key: &SigningKey, request: &Request) -> [u8; 64] {
        key.sign(&request.signed_bytes(&self.node.device, &self.nonce)).to_bytes()
    }

    pub(crate) async fn register(&mut self, inbox: &Inbox, readers: &[ReaderId], queues: u8) -> Answer {
        let access = Access::Key { deposit: inbox.writer.verifying_key().to_bytes() };
        let queues: Vec<_> = (0..queues).map(|number| (inbox.queue(number), access.clone())).collect();
        let request = |signature| Request::Register {
            inbox: inbox.owner.verifying_key().to_bytes(),
            period: 1,
            readers: BoundedVec::new(readers.to_vec()).unwrap(),
            queues: BoundedVec::new(queues.clone()).unwrap(),
            owners: BoundedVec::default(),
            admission: Admission::Open {},
            signature,
        };
        let signature = self.sign(&inbox.owner, &request([0; 64]));
        self.question(request(signature)).await
    }

    pub(crate) fn deposit(&self, inbox: &Inbox, queue: u8, envelope: &Envelope) -> Request {
        let request = |signature| Request::Deposit {
            queue: inbox.queue(queue),
            envelope: envelope.clone(),
            keep: KeepFor::Days14,
            work: None,
            signature,
        };
        request(self.sign(&inbox.writer, &request([0; 64])))
    }

    /// Whether an answer is a receipt of this mailbox for an envelope.
    pub(crate) fn is_receipt(&self, inbox: &Inbox, queue: u8, of: &Envelope, answer: &Answer) -> bool {
        let Answer::Stored { envelope, expires, signature } = answer else { return false };
        let key = VerifyingKey::from_bytes(&self.node.device.0).unwrap();
        let signed = receipt_bytes(&inbox.queue(queue), envelope, *expires);
        *envelope == of.id() && key.verify_strict(&signed, &Signature::from_bytes(signature)).is_ok()
    }

    /// Subscribes, and returns what is there.
    pub(crate) async fn list(&mut self, inbox: &Inbox, reader: ReaderId) -> Vec<IndexEntry> {
        let request = |signature| Request::Subscribe {
            inbox: inbox.owner.verifying_key().to_bytes(),
            reader,
            after: 0,
            signature,
        };
        let signature = self.sign(&inbox.owner, &request([0; 64]));
        self.ask(request(signature)).await;
        let mut listed = Vec::new();
        loop {
            match self.answer().await.expect("the mailbox lists").word {
                Answer::Index { entries } => listed.extend(entries.into_inner()),
                Answer::CaughtUp {} => return listed,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Fetches envelopes, in their order.
    pub(crate) async fn fetch(&mut self, listed: &[IndexEntry]) -> Vec<Envelope> {
        for page in listed.chunks(512) {
            let sequences = page.iter().map(|entry| entry.sequence).collect();
            self.ask(Request::Get { sequences: BoundedVec::new(sequences).unwrap() }).await;
        }
        let mut fetched = Vec::new();
        for entry in listed {
            match self.answer().await.expect("the mailbox hands over").word {
                Answer::Envelope { sequence, envelope, .. } if sequence == entry.sequence => {
                    fetched.push(envelope);
                }
                other => panic!("{other:?}"),
            }
        }
        fetched
    }
}

/// An envelope of the smallest class.
pub(crate) fn envelope(number: u32) -> Envelope {
    let mut tag = [0; 16];
    tag.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    Envelope::new(tag, &[7; 1024 - 17]).unwrap()
}
