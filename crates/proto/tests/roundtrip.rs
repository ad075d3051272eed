//! Every word comes back as it was written; cut short it fails; changed it fails or is exactly another word.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedBytes;
use kith_proto::bounded::BoundedStr;
use kith_proto::bounded::BoundedVec;
use kith_proto::call::CallWord;
use kith_proto::call::Capabilities;
use kith_proto::call::HangUp;
use kith_proto::call::MAX_RINGS_MS;
use kith_proto::call::Media;
use kith_proto::call::Reject;
use kith_proto::call::Signal;
use kith_proto::call::Step;
use kith_proto::call::group::Between;
use kith_proto::call::group::CALL_KEY_BYTES;
use kith_proto::call::group::CallKey;
use kith_proto::call::group::Present;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::codec::put_varint;
use kith_proto::envelope::Envelope;
use kith_proto::envelope::SIZE_CLASSES;
use kith_proto::error::DecodeError;
use kith_proto::frame::Frame;
use kith_proto::frame::InviteProof;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::DeviceId;
use kith_proto::id::EnvelopeId;
use kith_proto::id::GroupId;
use kith_proto::id::InviteId;
use kith_proto::id::MessageId;
use kith_proto::id::PostId;
use kith_proto::id::QueueId;
use kith_proto::id::ReaderId;
use kith_proto::id::ViewId;
use kith_proto::invite::Invite;
use kith_proto::invite::InviteSecret;
use kith_proto::mailbox::Access;
use kith_proto::mailbox::Admission;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::IndexEntry;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Numbered;
use kith_proto::mailbox::Request;
use kith_proto::mailbox::WorkBits;
use kith_proto::mailbox::WorkProof;
use kith_proto::payload::AddressSecret;
use kith_proto::payload::ContactRequest;
use kith_proto::payload::Content;
use kith_proto::payload::MailboxList;
use kith_proto::payload::Payload;
use kith_proto::payload::Profile;
use kith_proto::payload::Receipt;
use kith_proto::payload::TextMessage;
use kith_proto::post::Draft;
use kith_proto::post::Post;
use kith_proto::record::DeviceRecord;
use kith_proto::record::Record;
use kith_proto::record::RecordKind;
use kith_proto::sync::Line;
use kith_proto::sync::Run;
use kith_proto::sync::SyncWord;
use kith_proto::time::Timestamp;
use proptest::prelude::*;

/// The three laws for one word.
fn check<T: Encode + Decode + PartialEq + std::fmt::Debug>(word: &T, cut: usize, flip: usize) {
    let bytes = word.to_bytes();
    assert_eq!(&T::from_bytes(&bytes).unwrap(), word);
    let cut = cut % bytes.len();
    assert!(T::from_bytes(bytes.get(..cut).unwrap()).is_err(), "cut at {cut} of {}", bytes.len());
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(T::from_bytes(&longer).is_err(), "a byte too many");
    let mut changed = bytes;
    let flip = flip % (changed.len() * 8);
    if let Some(byte) = changed.get_mut(flip / 8) {
        *byte ^= 1 << (flip % 8);
    }
    if let Ok(other) = T::from_bytes(&changed) {
        assert_eq!(other.to_bytes(), changed, "one value, one encoding");
    }
}

fn bytes<const MAX: usize>(most: usize) -> impl Strategy<Value = BoundedBytes<MAX>> {
    prop::collection::vec(any::<u8>(), 0..most).prop_map(|bytes| BoundedBytes::new(bytes).unwrap())
}

fn text<const MAX: usize>() -> impl Strategy<Value = BoundedStr<MAX>> {
    ".{0,20}".prop_map(BoundedStr::truncated)
}

fn address() -> impl Strategy<Value = Multiaddress> {
    prop::collection::vec(any::<u8>(), 1..60).prop_map(|bytes| Multiaddress::new(bytes).unwrap())
}

fn envelope() -> impl Strategy<Value = Envelope> {
    (any::<[u8; 16]>(), 0..2_usize, any::<u8>()).prop_map(|(tag, class, fill)| {
        Envelope::new(tag, &vec![fill; SIZE_CLASSES.get(class).unwrap() - 17]).unwrap()
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    (any::<u64>(), text(), text()).prop_map(|(version, name, status)| Profile { version, name, status })
}

fn content() -> impl Strategy<Value = Content> {
    let message = (any::<[u8; 16]>(), text(), any::<Option<[u8; 16]>>(), any::<Option<u32>>());
    let request =
        (any::<[u8; 32]>(), bytes(90), bytes(90), any::<[u8; 8]>(), any::<[u8; 32]>(), profile(), text());
    prop_oneof![
        message.prop_map(|(message, text, reply_to, expires_secs)| {
            let (message, reply_to) = (MessageId(message), reply_to.map(MessageId));
            Content::Text(TextMessage { message, text, reply_to, expires_secs })
        }),
        any::<(u64, u64)>().prop_map(|(delivered, read)| Content::Receipt(Receipt { delivered, read })),
        profile().prop_map(Content::Profile),
        request.prop_map(|(account, device_list, bundle, invite, proof, profile, greeting)| {
            let (account, invite) = (AccountId(account), InviteId(invite));
            Content::ContactRequest(Box::new(ContactRequest {
                account,
                device_list,
                bundle,
                invite,
                proof,
                profile,
                greeting,
            }))
        }),
        Just(Content::ContactAccept),
        prop::collection::vec(address(), 0..8)
            .prop_map(|list| Content::Addresses(BoundedVec::new(list).unwrap())),
        bytes(90).prop_map(Content::Prekeys),
        bytes(90).prop_map(Content::DeviceList),
        (any::<(u64, [u8; 32])>(), prop::collection::vec(place(), 0..4)).prop_map(
            |((version, secret), places)| {
                let places = BoundedVec::new(places).unwrap();
                Content::Mailboxes(MailboxList { version, secret, places })
            }
        ),
        any::<(u64, [u8; 32])>()
            .prop_map(|(version, secret)| Content::AddressSecret(AddressSecret { version, secret })),
        (18..=255_u8, bytes(90)).prop_map(|(kind, bytes)| Content::Unknown { kind, bytes }),
    ]
}

fn payload() -> impl Strategy<Value = Payload> {
    (any::<(u64, u64, u64, u64)>(), prop::collection::vec(content(), 0..4)).prop_map(
        |((position, previous, floor, sent_at), contents)| {
            let (sent_at, contents) = (Timestamp(sent_at), BoundedVec::new(contents).unwrap());
            Payload { position, previous, floor, sent_at, contents }
        },
    )
}

fn media() -> impl Strategy<Value = Media> {
    any::<[bool; 5]>().prop_map(|[microphone, camera, screen, hold, recording]| Media {
        microphone,
        camera,
        screen,
        hold,
        recording,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<u32>(), any::<bool>(), text()).prop_map(|(epoch, offer, sdp)| Step::Description {
            epoch,
            offer,
            sdp
        }),
        (any::<u32>(), prop::collection::vec(text(), 0..9), any::<bool>()).prop_map(|(epoch, list, done)| {
            Step::Candidates { epoch, list: BoundedVec::truncated(list), done }
        }),
        any::<(u32, bool)>().prop_map(|(epoch, anew)| Step::Restart { epoch, anew }),
        media().prop_map(Step::Media),
        any::<(u8, u8, u8)>().prop_map(|(generation, step, key)| {
            Step::Key { generation, step, key: CallKey::new([key; CALL_KEY_BYTES]) }
        }),
        Just(Step::Mute),
    ]
}

fn present() -> impl Strategy<Value = Present> {
    let devices =
        || prop::collection::vec(any::<[u8; 32]>().prop_map(DeviceId), 0..4).prop_map(BoundedVec::truncated);
    let said = (any::<[u8; 32]>(), any::<[u64; 4]>(), media(), any::<(bool, u8, Option<[u8; 32]>)>());
    (said, devices(), devices()).prop_map(
        |((group, [begun, since, bits, session], media, (hand, rank, through)), others, unheard)| {
            let (group, capabilities) = (GroupId(group), Capabilities(bits));
            let forwarder = through.map(DeviceId);
            let (begun, since) = (Timestamp(begun), Timestamp(since));
            Present {
                group,
                begun,
                since,
                session,
                media,
                capabilities,
                hand,
                rank,
                forwarder,
                others,
                unheard,
            }
        },
    )
}

fn call_word() -> impl Strategy<Value = CallWord> {
    let reject = prop_oneof![Just(Reject::Busy), Just(Reject::Declined), Just(Reject::Unsupported)];
    let over = prop_oneof![Just(HangUp::Finished), Just(HangUp::Failed), Just(HangUp::Gone)];
    let capabilities = || any::<u64>().prop_map(Capabilities);
    let signal = prop_oneof![
        (0..=MAX_RINGS_MS, media(), capabilities())
            .prop_map(|(rings_ms, media, capabilities)| Signal::Invite { rings_ms, media, capabilities }),
        Just(Signal::Ringing),
        (media(), capabilities()).prop_map(|(media, capabilities)| Signal::Accept { media, capabilities }),
        reject.prop_map(|why| Signal::Reject { why }),
        Just(Signal::Cancel),
        any::<([u8; 32], bool)>().prop_map(|(by, answered)| Signal::Taken { by: DeviceId(by), answered }),
        over.prop_map(|why| Signal::HangUp { why }),
        any::<u32>().prop_map(|taken| Signal::Alive { taken }),
        (any::<u64>(), media()).prop_map(|(at, media)| Signal::Missed { at: Timestamp(at), media }),
        (any::<u32>(), step()).prop_map(|(number, step)| Signal::Step { number, step }),
        present().prop_map(|present| Signal::Present(Box::new(present))),
        Just(Signal::Absent),
        (any::<([u64; 2], u32)>(), prop::option::of((1..u32::MAX, step()))).prop_map(
            |(([from, to], taken), step)| { Signal::Between(Box::new(Between { from, to, taken, step })) }
        ),
    ];
    (any::<[u8; 16]>(), signal).prop_map(|(call, signal)| CallWord { call: CallId(call), signal })
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        any::<u8>().prop_map(|version| Frame::Hello { version }),
        Just(Frame::Ready),
        envelope().prop_map(Frame::Put),
        any::<Option<([u8; 8], [u8; 32])>>().prop_map(|proof| {
            let invite = proof.map(|(invite, mac)| InviteProof { invite: InviteId(invite), mac });
            Frame::PrekeyRequest { invite }
        }),
        (bytes(90), bytes(90)).prop_map(|(device_list, bundle)| Frame::Prekeys { device_list, bundle }),
        Just(Frame::PrekeysRefused),
    ]
}

fn invite() -> impl Strategy<Value = Invite> {
    let places = prop::collection::vec((any::<[u8; 32]>(), address()), 0..3);
    (any::<([u8; 32], [u8; 16], u32)>(), places).prop_map(|((account, secret, expires_secs), places)| {
        let places =
            places.into_iter().map(|(device, address)| DeviceAddress { device: DeviceId(device), address });
        Invite::new(AccountId(account), &InviteSecret(secret), expires_secs, &places.collect::<Vec<_>>())
    })
}

fn record() -> impl Strategy<Value = Record> {
    let kind = prop_oneof![
        Just(RecordKind::Device),
        Just(RecordKind::Card),
        Just(RecordKind::List),
        Just(RecordKind::Knock),
        Just(RecordKind::Hosts)
    ];
    (kind, any::<([u8; 32], u64, u64)>(), bytes(200), any::<u8>()).prop_map(
        |(kind, (blinded_key, sequence, expires), body, fill)| {
            let signature = BoundedBytes::new(vec![fill; 64]).unwrap();
            Record { kind, blinded_key, sequence, expires: Timestamp(expires), body, signature }
        },
    )
}

fn keep() -> impl Strategy<Value = KeepFor> {
    prop_oneof![Just(KeepFor::Hour), Just(KeepFor::Days2), Just(KeepFor::Days14), Just(KeepFor::Days30)]
}

fn signature() -> impl Strategy<Value = [u8; 64]> {
    any::<u8>().prop_map(|fill| [fill; 64])
}

fn place() -> impl Strategy<Value = DeviceAddress> {
    (any::<[u8; 32]>(), address())
        .prop_map(|(device, address)| DeviceAddress { device: DeviceId(device), address })
}

fn proof() -> impl Strategy<Value = WorkProof> {
    any::<([u8; 32], u64)>().prop_map(|(challenge, solution)| WorkProof { challenge, solution })
}

fn admission() -> impl Strategy<Value = Admission> {
    prop_oneof![
        Just(Admission::Open {}),
        proof().prop_map(|proof| Admission::Work { proof }),
        bytes(90).prop_map(|voucher| Admission::Voucher { voucher }),
    ]
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(|deposit| Access::Key { deposit }),
        Just(Access::Knock {}),
        Just(Access::Closed {}),
    ]
}

fn deposit() -> impl Strategy<Value = Request> {
    (any::<[u8; 16]>(), envelope(), keep(), prop::option::of(proof()), signature()).prop_map(
        |(queue, envelope, keep, work, signature)| Request::Deposit {
            queue: QueueId(queue),
            envelope,
            keep,
            work,
            signature,
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let queues = prop::collection::vec((any::<[u8; 16]>(), access()), 0..3);
    let owners = prop::collection::vec((any::<[u8; 32]>(), signature()), 0..3);
    let readers = prop::collection::vec(any::<[u8; 16]>(), 0..8);
    prop_oneof![
        any::<u8>().prop_map(|version| Request::Hello { version }),
        (any::<([u8; 32], u32)>(), readers, queues, owners, admission(), signature()).prop_map(
            |((inbox, period), readers, queues, owners, admission, signature)| {
                let readers = readers.into_iter().map(ReaderId).collect();
                let queues = queues.into_iter().map(|(queue, access)| (QueueId(queue), access)).collect();
                Request::Register {
                    inbox,
                    period,
                    readers: BoundedVec::new(readers).unwrap(),
                    queues: BoundedVec::new(queues).unwrap(),
                    owners: BoundedVec::new(owners).unwrap(),
                    admission,
                    signature,
                }
            }
        ),
        deposit(),
        (any::<([u8; 32], [u8; 16], u64)>(), signature()).prop_map(|((inbox, reader, after), signature)| {
            Request::Subscribe { inbox, reader: ReaderId(reader), after, signature }
        }),
        prop::collection::vec(any::<u64>(), 0..5)
            .prop_map(|list| Request::Get { sequences: BoundedVec::new(list).unwrap() }),
        any::<u64>().prop_map(|up_to| Request::Delete { up_to }),
        Just(Request::Info {}),
        prop::collection::vec(any::<u64>(), 0..5)
            .prop_map(|list| Request::DeleteThese { sequences: BoundedVec::new(list).unwrap() }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let entry = (any::<(u64, [u8; 16], [u8; 16])>(), 0..4_u8).prop_map(
        |((sequence, queue, envelope), size_class)| IndexEntry {
            sequence,
            queue: QueueId(queue),
            envelope: EnvelopeId(envelope),
            size_class,
        },
    );
    prop_oneof![
        any::<(u8, [u8; 16])>().prop_map(|(version, nonce)| Answer::Hello { version, nonce }),
        (any::<(u64, u64, u32, u64)>(), prop::collection::vec(any::<[u8; 16]>(), 0..3)).prop_map(
            |((quota_left, last, queues, until), left_out)| Answer::Registered {
                quota_left,
                last,
                queues,
                until: Timestamp(until),
                left_out: BoundedVec::truncated(left_out.into_iter().map(QueueId).collect())
            }
        ),
        (any::<([u8; 16], u64)>(), signature()).prop_map(|((envelope, expires), signature)| Answer::Stored {
            envelope: EnvelopeId(envelope),
            expires: Timestamp(expires),
            signature
        }),
        any::<u32>().prop_map(|retry_after_secs| Answer::OverQuota { retry_after_secs }),
        Just(Answer::NoQueue {}),
        Just(Answer::Full {}),
        any::<([u8; 32], u8)>().prop_map(|(challenge, bits)| {
            let bits = WorkBits::capped(bits);
            Answer::WorkWanted { challenge, bits }
        }),
        prop::collection::vec(entry, 0..4)
            .prop_map(|list| Answer::Index { entries: BoundedVec::new(list).unwrap() }),
        (any::<u64>(), envelope(), prop::option::of(any::<([u8; 32], u64)>())).prop_map(
            |(sequence, envelope, work)| Answer::Envelope {
                sequence,
                envelope,
                work: work.map(|(challenge, solution)| WorkProof { challenge, solution })
            }
        ),
        Just(Answer::Done {}),
        any::<(u64, u8, u8, u32)>().prop_map(|(capacity, load_percent, work_bits, keep_secs)| Answer::Info {
            capacity,
            load_percent,
            work_bits: WorkBits::capped(work_bits),
            keep_secs,
        }),
        Just(Answer::Refused {}),
        Just(Answer::CaughtUp {}),
        any::<u64>().prop_map(|sequence| Answer::Gone { sequence }),
        (place(), any::<u64>()).prop_map(|(to, until)| Answer::Moved { to, until: Timestamp(until) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_word_keeps_the_laws(
        payload in payload(), frame in frame(), invite in invite(), record in record(), request in request(),
        answer in answer(), addresses in prop::collection::vec(address(), 0..8), cut in any::<usize>(), flip in any::<usize>(),
    ) {
        check(&payload, cut, flip);
        check(&frame, cut, flip);
        check(&invite, cut, flip);
        check(&record, cut, flip);
        check(&Numbered { number: 7, word: request }, cut, flip);
        check(&Numbered { number: 7, word: answer }, cut, flip);
        check(&DeviceRecord { addresses: BoundedVec::new(addresses).unwrap() }, cut, flip);
    }

    #[test]
    fn a_link_is_short_comes_back_and_is_known_as_damaged_when_it_is(invite in invite(), at in any::<usize>()) {
        let link = invite.to_string();
        prop_assert!(link.len() <= 400);
        prop_assert_eq!(&link.parse::<Invite>().unwrap(), &invite);
        prop_assert_eq!(&format!("  KITH:{}\n", &link[5..]).parse::<Invite>().unwrap(), &invite);
        let at = 5 + at % (link.len() - 5);
        let mut damaged = link.into_bytes();
        damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).unwrap();
        prop_assert!(damaged.parse::<Invite>().is_err());
    }

    #[test]
    fn numbers_have_one_form(value in any::<u64>()) {
        let mut out = Vec::new();
        put_varint(&mut out, value);
        prop_assert_eq!(Reader::new(&out).varint("number", u64::MAX), Ok(value));
        if let Some(last) = out.last_mut() { *last |= 0x80; }
        out.push(0);
        prop_assert!(Reader::new(&out).varint("number", u64::MAX).is_err(), "a longer form of the same number");
    }

    #[test]
    fn words_about_calls(word in call_word(), (cut, flip) in any::<(usize, usize)>()) {
        check(&Content::Call(word), cut, flip);
    }

    #[test]
    fn posts_and_words_about_them(
        sequence in 1..=u32::MAX,
        fills in prop::collection::btree_set(any::<[u8; 32]>(), 0..9),
        time in 0..1_u64 << 48,
        body in bytes(60),
        runs in prop::collection::vec((1..5_u32, 1..300_u32), 0..9),
        (cut, flip) in any::<(usize, usize)>(),
    ) {
        let mut named = fills.into_iter().map(PostId);
        let previous = if sequence > 1 { Some(named.next().unwrap_or(PostId([0; 32]))) } else { None };
        let draft = Draft {
            group: GroupId([1; 32]),
            account: AccountId([2; 32]),
            device: DeviceId([3; 32]),
            sequence,
            previous,
            parents: BoundedVec::truncated(named.collect()),
            view: ViewId([4; 32]),
            time: Timestamp(time),
            body,
        };
        let post = Post { draft, signature: [5; 64] };
        check(&post, cut, flip);
        let mut last = sequence.min(1 << 30);
        let runs = runs.into_iter().map(|(skip, count)| {
            let from = last + 1 + skip;
            last = from + count - 1;
            Run { from, to: last }
        });
        let beyond = BoundedVec::truncated(runs.collect());
        let line = Line { device: DeviceId([3; 32]), upto: sequence.min(1 << 30), beyond };
        check(&SyncWord::Lines { lines: BoundedVec::truncated(vec![line]), last: false }, cut, flip);
        check(&SyncWord::Posts { posts: BoundedVec::truncated(vec![post]) }, cut, flip);
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Payload::from_bytes(&noise);
        let _ = Frame::from_bytes(&noise);
        let _ = Record::from_bytes(&noise);
        let _ = Request::from_bytes(&noise);
        let _ = Answer::from_bytes(&noise);
        let _ = Post::from_bytes(&noise);
        let _ = SyncWord::from_bytes(&noise);
        let _ = CallWord::from_bytes(&noise);
        let _ = String::from_utf8_lossy(&noise).parse::<Invite>();
    }
}

#[test]
fn limits_are_kept_before_anything_is_allocated() {
    let mut claim = Vec::new();
    put_varint(&mut claim, 1 << 40);
    let limit = 8;
    let refused = BoundedVec::<u64, 8>::from_bytes(&claim);
    assert_eq!(refused, Err(DecodeError::TooLarge { what: "list", limit }));
    assert!(BoundedStr::<8>::from_bytes(&[2, 0xff, 0xfe]).is_err());
}

#[test]
fn ids_have_texts_that_come_back() {
    let account = AccountId([7; 32]);
    assert!(account.to_string().starts_with("kith1"));
    assert_eq!(account.to_string().parse(), Ok(account));
    assert_eq!(
        account.to_string().to_uppercase().parse(),
        Ok(account),
        "bech32m may be upper case (BIP-350)"
    );
    let mut typo = account.to_string();
    typo.replace_range(8..9, if typo.get(8..9) == Some("q") { "p" } else { "q" });
    assert!(typo.parse::<AccountId>().is_err());
    let device = DeviceId([7; 32]);
    assert!(device.to_string().starts_with("12D3KooW"));
    assert_eq!(device.to_string().parse(), Ok(device));
}
