//! Every study in small, and every scenario file: each can be read, and the same seed gives the same tables.
#![expect(clippy::indexing_slicing, reason = "a test may stop where a table is not what it should be")]

use kith_simulations::scenario::Scenario;
use kith_simulations::studies::Report;
use kith_simulations::studies::Study;

/// A study from its file, with some lines replaced by smaller ones.
fn small(text: &str, changes: &[(&str, &str)]) -> Study {
    let changed = changes.iter().fold(text.to_owned(), |text, (name, value)| {
        let lines = text.lines().map(|line| {
            if line.starts_with(&format!("{name} = ")) {
                format!("{name} = {value}")
            } else {
                line.to_owned()
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    toml::from_str(&changed).expect("the file is a study")
}

fn report(study: &Study) -> Report {
    let trace = include_str!("../scenarios/shift-work.trace");
    let parts = (0..study.parts()).map(|part| study.run(1, usize::try_from(part).unwrap_or(0), trace));
    study.report(1, parts)
}

/// The rows of a table whose first column begins like this, each by column.
fn rows(report: &Report, table: usize, first: &str) -> Vec<Vec<String>> {
    report.tables[table].rows.iter().filter(|row| row[0].starts_with(first)).cloned().collect()
}

#[test]
fn what_arrives_is_what_chance_allows() {
    let text = include_str!("../scenarios/availability.toml");
    let study = small(text, &[("mailboxes", "[1, 3]"), ("per_mille", "[500, 900]"), ("trials", "5")]);
    let found = report(&study);
    assert_eq!(found.failures, Vec::<String>::new());
    assert_eq!(found.tables[0].rows.len(), 4);
    assert_eq!(rows(&found, 0, "0.50")[1][..4], ["0.50", "3", "3", "5"]);
    assert_eq!(found, report(&study), "the same seed gives the same tables");
}

#[test]
fn friends_who_are_seldom_there_at_once_have_mailboxes_to_thank() {
    let text = include_str!("../scenarios/delay.toml");
    let study = small(
        text,
        &[("days", "2"), ("habits", "[\"evenings\", \"phone\"]"), ("pairs", "1"), ("messages_a_day", "2")],
    );
    let found = report(&study);
    assert_eq!(found.failures, Vec::<String>::new());
    let arrived = |table: usize| rows(&found, table, "as traced")[0][3].clone();
    assert_eq!(arrived(0), "0.0 %", "who work in turns never meet");
    assert_ne!(arrived(1), "0.0 %", "and leave each other notes");
}

#[test]
fn the_work_of_mailboxes_is_measured_and_scaled() {
    let text = include_str!("../scenarios/load.toml");
    let small_sizes = [("sizes", "[4]"), ("warm_up_days", "1"), ("days", "1"), ("messages_a_day", "5")];
    let found = report(&small(text, &small_sizes));
    assert_eq!(found.failures, Vec::<String>::new());
    let deposits: f64 = rows(&found, 1, "deposits/s")[0][1].parse().unwrap();
    assert!(deposits > 0.0);
}

#[test]
fn who_cannot_punch_a_hole_goes_by_relay_and_finds_another_when_it_crashes() {
    let found = report(&small(include_str!("../scenarios/nat.toml"), &[("pairs", "1")]));
    assert_eq!(found.failures, Vec::<String>::new());
    assert!(found.tables[1].rows.iter().all(|row| row[4] == "0"), "nobody is cut off");
    for pair in ["symmetric - symmetric", "carrier - same carrier", "independent - no UDP"] {
        assert_eq!(rows(&found, 1, pair)[0][2..4], ["0", "1"], "{pair}");
    }
    assert_eq!(rows(&found, 1, "independent - independent")[0][2..4], ["1", "0"]);
    assert!(found.tables[3].rows.iter().all(|row| row[4] != "later"), "relays that crash are replaced");
}

#[test]
fn one_honest_mailbox_is_enough_and_with_none_nothing_is_lost_for_good() {
    let found = report(&small(include_str!("../scenarios/hostile.toml"), &[("messages", "2")]));
    assert_eq!(found.failures, Vec::<String>::new());
    assert_eq!(rows(&found, 0, "list nothing")[0][4..], ["0.0 %", "100.0 %", "100.0 %"]);
    assert_eq!(rows(&found, 0, "list nothing")[1][4..], ["100.0 %", "0.0 %", "100.0 %"]);
}

#[test]
fn parts_of_a_group_become_one_and_newcomers_get_everything() {
    let parts =
        small(include_str!("../scenarios/group-fifty.toml"), &[("members", "[9]"), ("messages", "100")]);
    assert_eq!(rows(&report(&parts), 0, "9").len(), 1);
    let newcomer = include_str!("../scenarios/group-newcomer.toml");
    let found = report(&small(newcomer, &[("members", "[3]"), ("messages", "50")]));
    assert_eq!(found.failures, Vec::<String>::new());
    assert_eq!(rows(&found, 0, "3")[0][1], "50");
}

#[test]
fn every_scenario_file_can_be_read() {
    for text in [
        include_str!("../scenarios/dark-times.toml"),
        include_str!("../scenarios/everything.toml"),
        include_str!("../scenarios/groups.toml"),
        include_str!("../scenarios/group-days.toml"),
        include_str!("../scenarios/group-fights.toml"),
        include_str!("../scenarios/group-liars.toml"),
        include_str!("../scenarios/group-old-disks.toml"),
        include_str!("../scenarios/mailboxes.toml"),
        include_str!("../scenarios/old-disks.toml"),
        include_str!("../scenarios/thousand.toml"),
        include_str!("../scenarios/two-people.toml"),
    ] {
        toml::from_str::<Scenario>(text).expect("the file is a scenario");
    }
}

#[test]
fn a_world_behind_address_translation_with_hostile_mailboxes_ends_well() {
    let scenario: Scenario = toml::from_str(include_str!("../scenarios/dark-times.toml")).unwrap();
    let outcome = scenario.run(1, false);
    assert_eq!(outcome.failures, Vec::<String>::new());
    assert_eq!(outcome, scenario.run(1, false));
}
