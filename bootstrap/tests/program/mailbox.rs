//! The mailbox of the real program: what it gave a receipt for is there, whatever happens to it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_proto::id::EnvelopeId;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::Request;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use rand_core::SeedableRng as _;

use crate::asker::Asker;
use crate::asker::Inbox;
use crate::asker::envelope;
use crate::start;
use crate::start_with;

const PHONE: ReaderId = ReaderId([1; 16]);
const LAPTOP: ReaderId = ReaderId([2; 16]);
const ENVELOPES: u32 = 1_000;
const QUEUES: u8 = 4;

fn queue_of(number: u32) -> u8 {
    u8::try_from(number % u32::from(QUEUES)).unwrap()
}

/// Deposits what has no receipt yet, all at once, and takes receipts until there are enough.
async fn deposit(asker: &mut Asker, inbox: &Inbox, receipts: &mut BTreeMap<u32, EnvelopeId>, enough: usize) {
    let mut asked = BTreeMap::new();
    for number in (0..ENVELOPES).filter(|number| !receipts.contains_key(number)) {
        let request = asker.deposit(inbox, queue_of(number), &envelope(number));
        asked.insert(asker.ask(request).await, number);
    }
    while receipts.len() < enough {
        let answer = asker.answer().await.expect("the mailbox runs");
        let Some(number) = asked.remove(&answer.number) else {
            // The same stream is subscribed, and is told of what arrives.
            assert!(matches!(answer.word, Answer::Index { .. }), "{:?}", answer.word);
            continue;
        };
        let of = envelope(number);
        assert!(asker.is_receipt(inbox, queue_of(number), &of, &answer.word), "{:?}", answer.word);
        receipts.insert(number, of.id());
    }
}

/// Everything with a receipt is there once, and nothing is there that was not left.
async fn check(asker: &mut Asker, inbox: &Inbox, receipts: &BTreeMap<u32, EnvelopeId>) {
    let listed = asker.list(inbox, PHONE).await;
    let names: BTreeSet<EnvelopeId> = listed.iter().map(|entry| entry.envelope).collect();
    assert_eq!(names.len(), listed.len(), "each once");
    assert!(receipts.values().all(|name| names.contains(name)), "a receipt is a promise");
    let fetched = asker.fetch(&listed).await;
    let left: BTreeSet<EnvelopeId> = (0..ENVELOPES).map(|number| envelope(number).id()).collect();
    assert!(fetched.iter().all(|envelope| left.contains(&envelope.id())));
    assert!(fetched.iter().zip(&listed).all(|(envelope, entry)| envelope.id() == entry.envelope));
}

#[tokio::test]
async fn what_has_a_receipt_is_there_once_after_kill_9_at_any_point() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::new(1);
    let mut receipts = BTreeMap::new();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut place = None;
    for round in 0..6 {
        let program = start(folder.path());
        let address = place.get_or_insert_with(|| program.address.clone());
        assert_eq!(*address, program.address, "the same folder is the same place");
        let mut asker = Asker::connect(1, &program.address).await;
        let registered = asker.register(&inbox, &[PHONE], QUEUES).await;
        let Answer::Registered { queues, .. } = registered else { panic!("{registered:?}") };
        assert_eq!(queues, u32::from(QUEUES));
        check(&mut asker, &inbox, &receipts).await;
        let left = ENVELOPES as usize - receipts.len();
        let more = if round == 5 { left } else { rng.next_u32() as usize % (left / 2 + 1) };
        let enough = receipts.len() + more;
        deposit(&mut asker, &inbox, &mut receipts, enough).await;
        program.kill();
        // What was on its way when it died counts, too.
        while let Some(answer) = asker.answer().await {
            if let Answer::Stored { envelope: name, .. } = answer.word {
                let number = (0..ENVELOPES).find(|number| envelope(*number).id() == name).unwrap();
                receipts.insert(number, name);
            }
        }
    }
    let program = start(folder.path());
    let mut asker = Asker::connect(1, &program.address).await;
    assert_eq!(receipts.len(), ENVELOPES as usize);
    check(&mut asker, &inbox, &receipts).await;
    assert_eq!(asker.list(&inbox, PHONE).await.len(), ENVELOPES as usize);
    assert!(program.stop().success());
}

#[tokio::test]
async fn an_envelope_stays_until_the_second_reader_has_it_and_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = start(folder.path());
    let inbox = Inbox::new(1);
    let mut friend = Asker::connect(1, &program.address).await;
    let mut phone = Asker::connect(2, &program.address).await;
    let mut laptop = Asker::connect(3, &program.address).await;
    let registered = phone.register(&inbox, &[PHONE, LAPTOP], 1).await;
    assert!(matches!(registered, Answer::Registered { .. }), "{registered:?}");
    assert!(phone.list(&inbox, PHONE).await.is_empty() && laptop.list(&inbox, LAPTOP).await.is_empty());
    let sent = envelope(1);
    let stored = friend.question(friend.deposit(&inbox, 0, &sent)).await;
    assert!(friend.is_receipt(&inbox, 0, &sent, &stored));
    for reader in [&mut phone, &mut laptop] {
        let Some(Answer::Index { entries }) = reader.answer().await.map(|answer| answer.word) else {
            panic!("not told")
        };
        assert_eq!(reader.fetch(&entries).await, std::slice::from_ref(&sent));
    }
    let place = phone.list(&inbox, PHONE).await.first().unwrap().sequence;
    assert_eq!(phone.question(Request::Delete { up_to: place }).await, Answer::Done {});
    assert!(phone.list(&inbox, PHONE).await.is_empty(), "the phone has it");
    assert_eq!(laptop.list(&inbox, LAPTOP).await.len(), 1, "the laptop does not yet");
    assert_eq!(laptop.question(Request::Delete { up_to: place }).await, Answer::Done {});
    assert!(laptop.list(&inbox, LAPTOP).await.is_empty());
}

#[tokio::test]
async fn a_mailbox_that_is_switched_off_gives_out_what_it_has_and_is_gone_then() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("config.toml"), folder.path().join("data"));
    std::fs::write(&file, "").unwrap();
    let program = start_with(&data, &["--config".as_ref(), file.as_os_str()]);
    let inbox = Inbox::new(1);
    let mut asker = Asker::connect(1, &program.address).await;
    let registered = asker.register(&inbox, &[PHONE], 1).await;
    assert!(matches!(registered, Answer::Registered { .. }), "{registered:?}");
    for number in 0..3 {
        let stored = asker.question(asker.deposit(&inbox, 0, &envelope(number))).await;
        assert!(matches!(stored, Answer::Stored { .. }), "{stored:?}");
    }
    assert!(program.stop().success());

    std::fs::write(&file, "[mailbox]\nserve = false\n").unwrap();
    let program = start_with(&data, &["--config".as_ref(), file.as_os_str()]);
    let mut asker = Asker::connect(2, &program.address).await;
    let refused = asker.question(asker.deposit(&inbox, 0, &envelope(4))).await;
    assert!(
        matches!(refused, Answer::Moved { .. }),
        "whoever leaves something hears that it closes: {refused:?}"
    );
    let told = asker.register(&inbox, &[PHONE], 1).await;
    assert!(matches!(told, Answer::Moved { .. }), "its owner hears it too: {told:?}");
    let listed = asker.list(&inbox, PHONE).await;
    let told = asker.answer().await.unwrap().word;
    assert!(matches!(told, Answer::Moved { .. }), "also after the list: {told:?}");
    assert_eq!(asker.fetch(&listed).await.len(), 3, "what was promised is there");
    let place = listed.iter().map(|entry| entry.sequence).max().unwrap();
    assert_eq!(asker.question(Request::Delete { up_to: place }).await, Answer::Done {});
    while data.join("mailbox").exists() {
        tokio::task::yield_now().await;
    }
    assert!(program.stop().success(), "the rest of the node went on without it");
    let program = start_with(&data, &["--config".as_ref(), file.as_os_str()]);
    assert!(!data.join("mailbox").exists());
    assert!(program.stop().success());
}

#[tokio::test]
async fn a_full_inbox_says_later_and_a_full_mailbox_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[mailbox]\ninbox_bytes = 40000\ncapacity_bytes = 60000\n").unwrap();
    let program = start_with(&folder.path().join("data"), &["--config".as_ref(), file.as_os_str()]);
    let mut asker = Asker::connect(1, &program.address).await;
    let (first, second) = (Inbox::new(1), Inbox::new(2));
    for inbox in [&first, &second] {
        let registered = asker.register(inbox, &[PHONE], 1).await;
        assert!(matches!(registered, Answer::Registered { .. }), "{registered:?}");
    }
    let mut stored = Vec::new();
    for inbox in [&first, &second] {
        let mut count = 0;
        let last = loop {
            let answer = asker.question(asker.deposit(inbox, 0, &envelope(count))).await;
            if !matches!(answer, Answer::Stored { .. }) {
                break answer;
            }
            count += 1;
        };
        stored.push((count, last));
    }
    assert!(
        matches!(stored.as_slice(), [(20.., Answer::OverQuota { .. }), (5.., Answer::Full {})]),
        "{stored:?}"
    );
    let third = asker.register(&Inbox::new(3), &[PHONE], 1).await;
    assert_eq!(third, Answer::Full {}, "and nobody new is taken in");
    assert!(program.stop().success());
}

#[tokio::test]
async fn a_node_without_a_mailbox_opens_no_stream() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[mailbox]\nserve = false\n").unwrap();
    let program = start_with(&folder.path().join("data"), &["--config".as_ref(), file.as_os_str()]);
    let refused = tokio::spawn(async move { Asker::connect(1, &program.address).await }).await;
    assert!(refused.is_err(), "it does not answer");
    assert!(!folder.path().join("data/mailbox").exists());
}
