//! Streams to mailboxes: Ann asks, Max has a mailbox, and what it answers is written in the test.

use std::time::Duration;

use futures::AsyncReadExt as _;
use futures::AsyncWriteExt as _;
use kith_net::NetCommand;
use kith_net::NetConfig;
use kith_net::NetEvent;
use kith_net::Role;
use kith_net::ServedEvent;
use kith_net::net::device_of_seed;
use kith_proto::address::Multiaddress;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::HEADER_BYTES;
use kith_proto::envelope::SIZE_CLASSES;
use kith_proto::id::QueueId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::MAILBOX_PROTOCOL;
use kith_proto::mailbox::MAX_MAILBOX_FRAME_BYTES;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;

use crate::mallory::Mallory;
use crate::mallory::counted;
use crate::rig::NOWHERE;
use crate::rig::Node;
use crate::rig::QUIC;
use crate::rig::TCP;
use crate::rig::WEB_SOCKET;

const SERVER: u8 = 9;

/// A community node with a mailbox.
async fn max(listen: &str, change: impl FnOnce(&mut NetConfig)) -> Node {
    Node::start_as(SERVER, Role::Server, listen, |config| {
        config.serve_mailbox = true;
        change(config);
    })
    .await
}

/// Somebody who cannot be dialled.
async fn person(seed: u8) -> Node {
    Node::start(seed, Role::User, NOWHERE).await
}

impl Node {
    fn open_mailbox(&self, stream: u64, of: &Self) {
        self.open_mailbox_at(stream, of, &of.address);
    }

    fn open_mailbox_at(&self, stream: u64, of: &Self, address: &Multiaddress) {
        let addresses = vec![address.clone()];
        self.tell(NetCommand::OpenMailbox { stream, device: of.device, addresses });
    }

    fn ask(&self, stream: u64, number: u32, word: Request) {
        self.tell(NetCommand::AskMailbox { stream, request: Numbered { number, word } });
    }

    fn answer(&self, stream: u64, number: u32, word: Answer) {
        self.tell(NetCommand::AnswerMailbox { stream, answer: Numbered { number, word } });
    }

    async fn opened(&mut self, wanted: u64) {
        self.until(|event| {
            matches!(event, NetEvent::MailboxOpened { stream } if *stream == wanted).then_some(())
        })
        .await;
    }

    async fn closed(&mut self, wanted: u64) {
        self.until(|event| {
            matches!(event, NetEvent::MailboxClosed { stream } if *stream == wanted).then_some(())
        })
        .await;
    }

    async fn answered(&mut self, wanted: u64) -> Numbered<Answer> {
        self.until(|event| match event {
            NetEvent::MailboxAnswered { stream, answer } if *stream == wanted => Some(answer.clone()),
            _ => None,
        })
        .await
    }

    /// The next thing that happens to the mailbox, but what was written.
    async fn served(&mut self) -> ServedEvent {
        self.until(|event| match event {
            NetEvent::MailboxServed(ServedEvent::Drained { .. }) => None,
            NetEvent::MailboxServed(event) => Some(event.clone()),
            _ => None,
        })
        .await
    }

    async fn asked(&mut self) -> (u64, Numbered<Request>) {
        loop {
            match self.served().await {
                ServedEvent::Asked { stream, request } => return (stream, request),
                ServedEvent::Opened { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn envelope(number: u32, class: usize) -> Envelope {
    let mut sealed = vec![7; SIZE_CLASSES[class] - HEADER_BYTES];
    sealed[..4].copy_from_slice(&number.to_be_bytes());
    Envelope::new([9; 16], &sealed).unwrap()
}

fn deposit(number: u32) -> Request {
    let (queue, envelope) = (QueueId([1; 16]), envelope(number, 0));
    Request::Deposit { queue, envelope, keep: KeepFor::Days14, work: None, signature: [2; 64] }
}

/// Ann with an open stream to Max, and Max's name for it.
async fn ann_and(max: &mut Node) -> (Node, u64) {
    let mut ann = person(1).await;
    ann.open_mailbox(1, max);
    ann.opened(1).await;
    let ServedEvent::Opened { stream, from } = max.served().await else { panic!("not opened") };
    assert!(from.local, "it comes from this machine");
    (ann, stream)
}

/// One question and its answer.
async fn talk(ann: &mut Node, stream: u64, max: &mut Node, number: u32) {
    ann.ask(stream, number, Request::Info {});
    let (at, request) = max.asked().await;
    assert_eq!(request, Numbered { number, word: Request::Info {} });
    max.answer(at, number, Answer::Done {});
    assert_eq!(ann.answered(stream).await, Numbered { number, word: Answer::Done {} });
}

#[tokio::test]
async fn a_mailbox_is_asked_without_a_connection_before() {
    for listen in [TCP, QUIC, WEB_SOCKET] {
        let mut max = max(listen, |_| {}).await;
        let mut ann = person(1).await;
        ann.open_mailbox(7, &max);
        // Before it is open: what is asked waits.
        ann.ask(7, 1, Request::Hello { version: 1 });
        let (stream, request) = max.asked().await;
        assert_eq!(request, Numbered { number: 1, word: Request::Hello { version: 1 } });
        let hello = Answer::Hello { version: 1, nonce: [5; 16] };
        max.answer(stream, 1, hello.clone());
        ann.opened(7).await;
        assert_eq!(ann.answered(7).await, Numbered { number: 1, word: hello });
        // And with one: no second connection.
        ann.open_mailbox(8, &max);
        ann.opened(8).await;
        talk(&mut ann, 8, &mut max, 2).await;
        assert_eq!(max.net.stats().connections, 1);
    }
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_answered_in_order() {
    let mut max = max(TCP, |_| {}).await;
    let (mut ann, stream) = ann_and(&mut max).await;
    for number in 0..1_000 {
        ann.ask(1, number, deposit(number));
    }
    for number in 0..1_000 {
        let (at, request) = max.asked().await;
        assert_eq!((at, request), (stream, Numbered { number, word: deposit(number) }));
        let word =
            Answer::Envelope { sequence: u64::from(number), envelope: envelope(number, 0), work: None };
        max.answer(stream, number, word);
    }
    let mut bytes = 0;
    for number in 0..1_000 {
        let answer = ann.answered(1).await;
        let word =
            Answer::Envelope { sequence: u64::from(number), envelope: envelope(number, 0), work: None };
        bytes += answer.wire_bytes() as u64;
        assert_eq!(answer, Numbered { number, word });
    }
    let mut drained = 0;
    while drained < bytes {
        drained += max
            .until(|event| match event {
                NetEvent::MailboxServed(ServedEvent::Drained { stream: at, bytes }) if *at == stream => {
                    Some(*bytes)
                }
                _ => None,
            })
            .await;
    }
    assert_eq!(drained, bytes, "every byte is told to be written once");
}

#[tokio::test]
async fn a_mailbox_that_goes_away_is_told_once() {
    let mut max = max(TCP, |_| {}).await;
    let (mut ann, _) = ann_and(&mut max).await;
    ann.open_mailbox(2, &max);
    ann.opened(2).await;
    let (device, address) = (max.device, max.address.clone());
    max.stop().await;
    ann.closed(1).await;
    ann.closed(2).await;
    ann.lose(device).await;
    // What is asked afterwards goes nowhere.
    ann.ask(1, 9, Request::Info {});
    ann.tell(NetCommand::OpenMailbox { stream: 3, device, addresses: vec![address] });
    ann.closed(3).await;
    assert_eq!(ann.kept(|event| matches!(event, NetEvent::MailboxClosed { .. })), 0);
}

#[tokio::test]
async fn whoever_cannot_be_reached_or_has_no_mailbox_is_told_to_be_closed() {
    let mut ann = person(1).await;
    let bob = Node::start(2, Role::User, TCP).await;
    ann.open_mailbox(1, &bob);
    ann.closed(1).await;
    ann.meet(bob.device).await;
    ann.open_mailbox(2, &bob);
    ann.closed(2).await;
    // Somebody else answers at the address; nobody does; there is no address.
    let max = max(TCP, |_| {}).await;
    let (nowhere, _) = kith_net::address::parse("/ip4/127.0.0.1/tcp/1").unwrap();
    ann.open_mailbox_at(3, &max, &bob.address);
    ann.closed(3).await;
    ann.open_mailbox_at(4, &max, &nowhere);
    ann.closed(4).await;
    ann.tell(NetCommand::OpenMailbox { stream: 5, device: max.device, addresses: Vec::new() });
    ann.closed(5).await;
    assert_eq!(ann.kept(|event| matches!(event, NetEvent::MailboxOpened { .. })), 0);
}

#[tokio::test]
async fn a_wrong_address_of_one_does_not_fail_another_who_knows_better() {
    let max = max(TCP, |_| {}).await;
    let mut ann = person(1).await;
    let (nowhere, _) = kith_net::address::parse("/ip4/127.0.0.1/tcp/1").unwrap();
    ann.open_mailbox_at(1, &max, &nowhere);
    ann.open_mailbox(2, &max);
    ann.opened(2).await;
    ann.closed(1).await;
}

#[tokio::test]
async fn an_open_stream_keeps_its_connection() {
    let mut max = max(TCP, |config| config.limits.idle = Duration::from_millis(50)).await;
    let (mut ann, _) = ann_and(&mut max).await;
    // Bob comes later and says nothing: when he is gone, Ann was silent for longer.
    let bob = person(2).await;
    bob.dial(&max);
    max.meet(bob.device).await;
    max.lose(bob.device).await;
    talk(&mut ann, 1, &mut max, 1).await;
}

#[tokio::test]
async fn whoever_closes_says_everything_first() {
    let mut max = max(TCP, |_| {}).await;
    let (mut ann, stream) = ann_and(&mut max).await;
    for number in 0..100 {
        ann.ask(1, number, deposit(number));
    }
    ann.tell(NetCommand::CloseMailbox { stream: 1 });
    for number in 0..100 {
        assert_eq!(max.asked().await, (stream, Numbered { number, word: deposit(number) }));
    }
    assert_eq!(max.served().await, ServedEvent::Closed { stream });
    // The other way round: the last answer comes, then the end.
    ann.open_mailbox(2, &max);
    ann.ask(2, 1, Request::Info {});
    let (stream, _) = max.asked().await;
    for number in 0..100 {
        let word = Answer::Envelope { sequence: 1, envelope: envelope(number, 2), work: None };
        max.answer(stream, number, word);
    }
    max.tell(NetCommand::EndMailbox { stream });
    for number in 0..100 {
        assert_eq!(ann.answered(2).await.number, number);
    }
    ann.closed(2).await;
    let told =
        ann.kept(|event| matches!(event, NetEvent::MailboxClosed { .. } | NetEvent::MailboxAnswered { .. }));
    assert_eq!(told, 0, "nothing is told of a stream that was closed from here");
}

#[tokio::test]
async fn one_connection_and_one_peer_have_a_few_streams() {
    let mut max = max(TCP, |config| config.limits.mailbox_streams_per_peer = 3).await;
    let (mut ann, _) = ann_and(&mut max).await;
    for stream in 2..=10 {
        ann.open_mailbox(stream, &max);
    }
    // Which of them are agreed on first is chance.
    for _ in 0..7 {
        ann.until(|event| matches!(event, NetEvent::MailboxClosed { .. }).then_some(())).await;
    }
    ann.tell(NetCommand::CloseMailbox { stream: 1 });
    let closed =
        |event: &NetEvent| matches!(event, NetEvent::MailboxServed(ServedEvent::Closed { .. })).then_some(());
    max.until(closed).await;
    ann.open_mailbox(11, &max);
    ann.ask(11, 1, Request::Info {});
    assert_eq!(max.asked().await.1.number, 1, "where one was closed there is room for another");
}

#[tokio::test]
async fn hostile_frames_are_named_counted_and_in_the_end_banned() {
    let mut max = max(TCP, |config| {
        config.limits.misdeeds = 5;
        config.limits.frame_timeout = Duration::from_millis(50);
    })
    .await;
    let (mut ann, _) = ann_and(&mut max).await;
    let good = Numbered { number: 1, word: deposit(1) }.to_wire();
    let too_long = u32::try_from(MAX_MAILBOX_FRAME_BYTES + 1).unwrap().to_le_bytes();
    let longer = [&[5, 0, 0, 0], &good[4..]].concat();
    let frames: [&[u8]; 5] = [&too_long, &[0; 8], &[0xff; 64], &longer, &good[..good.len() - 1]];
    let mallory = Mallory::connect(100, &max.address).await.unwrap();
    for (number, frame) in frames.into_iter().enumerate() {
        let mut stream = mallory.speak(MAILBOX_PROTOCOL).await.unwrap();
        let ServedEvent::Opened { stream: name, .. } = max.served().await else { panic!("not opened") };
        // One good request first: it counts.
        stream.write_all(&good).await.unwrap();
        stream.write_all(frame).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(max.asked().await.0, name);
        assert_eq!(max.served().await, ServedEvent::Malformed { stream: name });
        if number < 4 {
            max.answer(name, 1, Answer::Refused {});
            max.tell(NetCommand::EndMailbox { stream: name });
            let mut last = Vec::new();
            stream.read_to_end(&mut last).await.unwrap();
            assert_eq!(last, Numbered { number: 1, word: Answer::Refused {} }.to_wire(), "it may say why");
        } else {
            assert_eq!(max.served().await, ServedEvent::Closed { stream: name }, "banned");
        }
        talk(&mut ann, 1, &mut max, 7).await;
    }
    counted(&max.net, |stats| stats.bad_streams == 5 && stats.bans == 1).await;
}

#[tokio::test]
async fn whoever_asks_and_does_not_read_holds_up_nobody() {
    let mut max = max(TCP, |config| config.limits.frame_timeout = Duration::from_millis(100)).await;
    let (mut ann, _) = ann_and(&mut max).await;
    let mallory = Mallory::connect(100, &max.address).await.unwrap();
    let mut stream = mallory.speak(MAILBOX_PROTOCOL).await.unwrap();
    stream.write_all(&Numbered { number: 1, word: Request::Info {} }.to_wire()).await.unwrap();
    stream.flush().await.unwrap();
    let (name, _) = max.asked().await;
    // More than any window on the way holds.
    for number in 0..32 {
        max.answer(name, number, Answer::Envelope { sequence: 1, envelope: envelope(number, 3), work: None });
        if number % 8 == 0 {
            talk(&mut ann, 1, &mut max, number).await;
        }
    }
    assert_eq!(max.served().await, ServedEvent::Closed { stream: name });
    talk(&mut ann, 1, &mut max, 1).await;
}

#[tokio::test]
async fn a_mailbox_that_answers_nonsense_is_left_and_in_the_end_banned() {
    let mut max = max(TCP, |_| {}).await;
    let mut ann = Node::start_with(1, Role::User, TCP, |limits| limits.misdeeds = 2).await;
    let mut mallory = Mallory::connect(100, &ann.address).await.unwrap();
    let device = device_of_seed(&[100; 32]).unwrap();
    ann.meet(device).await;
    ann.open_mailbox(9, &max);
    ann.opened(9).await;
    for stream in [1, 2] {
        ann.tell(NetCommand::OpenMailbox { stream, device, addresses: Vec::new() });
        let mut said = mallory.accept(MAILBOX_PROTOCOL).await.unwrap();
        ann.opened(stream).await;
        said.write_all(&Numbered { number: 1, word: Answer::Done {} }.to_wire()).await.unwrap();
        said.write_all(&[0xff; 64]).await.unwrap();
        said.flush().await.unwrap();
        assert_eq!(ann.answered(stream).await.word, Answer::Done {});
        ann.closed(stream).await;
        talk(&mut ann, 9, &mut max, 1).await;
    }
    ann.lose(device).await;
}

#[tokio::test]
async fn a_mailbox_that_ends_leaves_nobody_waiting_and_a_new_one_begins_anew() {
    let mut max = max(TCP, |_| {}).await;
    let (mut ann, stream) = ann_and(&mut max).await;
    talk(&mut ann, 1, &mut max, 1).await;
    // It fails. Ann only waits for news and asks nothing.
    max.tell(NetCommand::ServeMailbox { serve: false, offer: false });
    ann.closed(1).await;
    assert_eq!(max.served().await, ServedEvent::Closed { stream });
    ann.open_mailbox(2, &max);
    ann.closed(2).await;
    // It is there again, with another name for Ann's new stream.
    max.tell(NetCommand::ServeMailbox { serve: true, offer: true });
    // Her connection may not know it yet, then she is refused once more.
    let mut stream = 3;
    loop {
        ann.open_mailbox(stream, &max);
        let opened = ann.until(|event| match event {
            NetEvent::MailboxOpened { stream: at } if *at == stream => Some(true),
            NetEvent::MailboxClosed { stream: at } if *at == stream => Some(false),
            _ => None,
        });
        if opened.await {
            break;
        }
        stream += 1;
    }
    talk(&mut ann, stream, &mut max, 2).await;
}
