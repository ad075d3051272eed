//! Anything in any order, with partitions and crashes; in the end all members agree.

use kith_engine::Command;
use kith_engine::view::GroupState;
use kith_proto::group::Role;
use proptest::prelude::*;

use super::ANN;
use super::World;

#[derive(Clone, Debug)]
enum Step {
    Say(usize),
    Add(usize, usize),
    Remove(usize, usize),
    Promote(usize, usize),
    Leave(usize),
    Split(u8),
    Gather,
    Crash(usize),
    Lose(usize),
}

fn step(people: usize) -> impl Strategy<Value = Step> {
    let one = 0..people;
    prop_oneof![
        6 => one.clone().prop_map(Step::Say),
        2 => (one.clone(), one.clone()).prop_map(|(by, whom)| Step::Add(by, whom)),
        2 => (one.clone(), one.clone()).prop_map(|(by, whom)| Step::Remove(by, whom)),
        1 => (one.clone(), one.clone()).prop_map(|(by, whom)| Step::Promote(by, whom)),
        1 => one.clone().prop_map(Step::Leave),
        3 => any::<u8>().prop_map(Step::Split),
        2 => Just(Step::Gather),
        1 => one.clone().prop_map(Step::Crash),
        1 => one.prop_map(Step::Lose),
    ]
}

fn play(people: u8, steps: &[Step]) {
    let mut world = World::of_friends(people);
    let count = usize::from(people);
    let members: Vec<usize> = (1..count).collect();
    let group = world.group(&members, None);
    for (number, step) in steps.iter().enumerate() {
        match *step {
            Step::Say(who) => {
                let chat = kith_proto::id::ChatId::group(&group);
                let text = format!("{who}: {number}");
                let command = Command::SendMessage { chat, text, reply_to: None, expires_secs: None };
                let _ = world.people[who].try_command(command);
            }
            Step::Add(by, whom) => {
                let members = vec![world.people[whom].account];
                let command = Command::AddMembers { group, members, role: Role::Member };
                let _ = world.people[by].try_command(command);
            }
            Step::Remove(by, whom) => {
                let account = world.people[whom].account;
                let _ = world.people[by].try_command(Command::RemoveMember { group, account });
            }
            Step::Promote(by, whom) => {
                let account = world.people[whom].account;
                let command = Command::SetRole { group, account, role: Role::Admin };
                let _ = world.people[by].try_command(command);
            }
            Step::Leave(who) if who != ANN => {
                let _ = world.people[who].try_command(Command::LeaveGroup { group });
            }
            Step::Leave(_) => {}
            Step::Split(bits) => {
                let (one, other): (Vec<usize>, Vec<usize>) = (0..count).partition(|who| bits >> who & 1 == 1);
                world.split(&[&one, &other]);
            }
            Step::Gather => world.gather(),
            Step::Crash(who) => world.crash(who),
            Step::Lose(after) => {
                let mut left = after + 1;
                world.carry_but(|_, _, _| {
                    left = left.saturating_sub(1);
                    left == 0
                });
            }
        }
    }
    // What was lost on a live connection is asked for again; twice, since the second time everybody knows everybody.
    for _ in 0..3 {
        let everybody: Vec<Vec<usize>> = (0..count).map(|who| vec![who]).collect();
        let alone: Vec<&[usize]> = everybody.iter().map(Vec::as_slice).collect();
        world.split(&alone);
        world.gather();
    }
    let joined: Vec<usize> =
        (0..count).filter(|who| world.view(*who, &group).state == GroupState::Joined).collect();
    for who in &joined {
        assert_eq!(world.members(joined[0], &group), world.members(*who, &group), "members of {who}");
    }
    // Those who were away for a while are not given what was said meanwhile.
    let stayed: Vec<usize> = joined
        .iter()
        .copied()
        .filter(|who| {
            !steps.iter().any(|step| matches!(step, Step::Remove(_, whom) if whom == who))
                && !steps.iter().any(|step| matches!(step, Step::Leave(leaver) if leaver == who))
        })
        .collect();
    if let Some(first) = stayed.first() {
        for who in &stayed {
            assert_eq!(world.timeline(*first, &group), world.timeline(*who, &group), "{first} and {who}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn members_who_were_apart_agree_in_the_end(
        people in 3..=5_u8,
        steps in prop::collection::vec(step(3), 1..16),
    ) {
        play(people, &steps);
    }
}
