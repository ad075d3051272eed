//! Deposits by way of another mailbox.

use kith_mailbox::Config;
use kith_mailbox::Input;
use kith_mailbox::sealing;
use kith_proto::address::DeviceAddress;
use kith_proto::address::Multiaddress;
use kith_proto::bounded::BoundedBytes;
use kith_proto::mailbox::Answer;
use kith_proto::mailbox::ForwardedDeposit;
use kith_proto::mailbox::KeepFor;
use kith_proto::mailbox::Request;
use kith_proto::time::Span;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::house::House;
use crate::house::Person;
use crate::house::envelope;

fn place(house: &House) -> DeviceAddress {
    let address = Multiaddress::new(vec![4, 192, 0, 2, 1]).unwrap();
    DeviceAddress { device: house.mailbox.device(), address }
}

/// A deposit for Ann's mailbox, to be passed on by another.
fn sealed(far: &mut House, ann: &Person, number: u32) -> Request {
    let stream = far.stream();
    let Answer::Info { sealing_key, .. } = far.ask_one(stream, Request::Info {}) else { panic!("no info") };
    let (queue, nonce) = (ann.queue(0), [0; 16]);
    let deposit = ann.deposit_with(far, &nonce, queue, &envelope(number, 0), KeepFor::Days14, None);
    let hour = u32::try_from(far.now.0 / 3_600_000).unwrap();
    let forwarded = ForwardedDeposit { hour, deposit };
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let sealed = sealing::seal(&far.mailbox.device(), &sealing_key, &forwarded, &mut rng).unwrap();
    Request::Forward { to: place(far), sealed }
}

#[test]
fn a_deposit_goes_by_way_of_another_mailbox() {
    let (mut near, mut far) = (House::open(), House::of([8; 32], Config { open: true, ..Config::default() }));
    let ann = Person::new(1, 1);
    ann.register(&mut far, ann.queues(1));
    let request = sealed(&mut far, &ann, 1);
    let bob = near.stream();
    let number = near.send(bob, request.clone());
    near.settle();
    assert!(near.told(bob).is_empty(), "the answer comes later");
    let passed = near.passed.remove(0);
    assert_eq!(passed.to, place(&far));
    let stream = far.stream();
    let sealed = BoundedBytes::new(passed.sealed).unwrap();
    let answer = far.ask_one(stream, Request::Forward { to: passed.to, sealed });
    assert!(matches!(answer, Answer::Stored { .. }));
    near.give(Input::ForwardDone { forward: passed.forward, answer: Some(answer.clone()) });
    near.settle();
    let told = near.told_with_numbers(bob).remove(0);
    assert_eq!((told.number, &told.word), (number, &answer));
    assert_eq!(ann.listen(&mut far, 0).1.len(), 1);

    let stream = far.stream();
    assert_eq!(far.ask_one(stream, request.clone()), answer, "straight to it, and repeated");
    assert_eq!(far.mailbox.overview().envelopes, 1);
    far.elapse(Span::from_hours(25));
    let stream = far.stream();
    assert_eq!(far.ask_one(stream, request), Answer::Refused {}, "a day later it is too old");
}

#[test]
fn what_is_not_sealed_for_this_mailbox_is_refused() {
    let (mut far, ann) = (House::open(), Person::new(1, 1));
    let mut other = House::of([8; 32], Config::default());
    ann.register(&mut far, ann.queues(1));
    let Request::Forward { sealed: for_other, .. } = sealed(&mut other, &ann, 1) else { panic!() };
    let Request::Forward { to, sealed: good } = sealed(&mut far, &ann, 2) else { panic!() };
    let mut damaged = good.to_vec();
    damaged[40] ^= 1;
    let noise = [for_other.to_vec(), damaged, vec![0; 31], vec![0; 100], Vec::new()];
    for bytes in noise {
        let stream = far.stream();
        let sealed = BoundedBytes::new(bytes).unwrap();
        assert_eq!(far.ask_one(stream, Request::Forward { to: to.clone(), sealed }), Answer::Refused {});
    }
    assert_eq!(far.mailbox.stats().bad_sealed, 5);
    assert_eq!(far.mailbox.overview().envelopes, 0);
}

#[test]
fn another_mailbox_that_is_slow_or_talks_nonsense_is_no_answer() {
    let (mut near, mut far) = (House::open(), House::of([8; 32], Config::default()));
    let request = sealed(&mut far, &Person::new(1, 1), 1);
    let bob = near.stream();
    near.ask(bob, request.clone());
    near.elapse(Span::from_secs(20));
    assert_eq!(near.told(bob), [Answer::Refused {}]);
    let late = near.passed.remove(0).forward;
    near.give(Input::ForwardDone { forward: late, answer: Some(Answer::Full {}) });
    near.settle();
    assert!(near.told(bob).is_empty(), "too late");
    near.ask(bob, request.clone());
    let forward = near.passed.remove(0).forward;
    near.give(Input::ForwardDone { forward, answer: Some(Answer::Hello { version: 1, nonce: [0; 16] }) });
    near.settle();
    assert_eq!(near.told(bob), [Answer::Refused {}]);

    for _ in 0..16 {
        near.send(bob, request.clone());
    }
    near.settle();
    assert!(near.told(bob).is_empty());
    assert_eq!(near.ask(bob, request.clone()), [Answer::OverQuota { retry_after_secs: 5 }]);
    assert_eq!(near.mailbox.overview().forwards, 16);
    near.config.forwards = 0;
    near.crash();
    let bob = near.stream();
    assert_eq!(near.ask(bob, request), [Answer::Refused {}], "a mailbox that passes nothing on");
}
