//! Whether the limits fit each other and this machine, by what was measured (`OPERATING.md`, sizes). A limit that can
//! never be reached protects nobody, and one that is too small makes a node of no use; neither is a mistake, so these are
//! warnings, each with a number that would do.

use std::path::Path;

use super::Finding;
use crate::config::Config;
use crate::status::size;

/// A node that does nothing.
const IDLE: u64 = 19 << 20;

/// A connection: 58 MiB for a thousand.
const CONNECTION: u64 = 60 << 10;

/// An inbox of eight queues: 17 MiB for ten thousand.
const INBOX: u64 = 1_800;

/// A record: at most 4 KiB, with its key and where it came from.
const RECORD: u64 = 4_400;

/// A stream to the mailbox: its buffers in both directions, mostly empty.
const STREAM: u64 = 16 << 10;

/// The buffers of a circuit in both directions.
const CIRCUIT: u64 = 64 << 10;

/// A device has a connection to punch a hole, one over each transport, and what it left behind.
const PER_DEVICE: u32 = 4;

/// The smallest envelopes of a hundred people for a day come to this; less is full at once.
const CAPACITY: u64 = 64 << 20;

/// A picture in pieces fits.
const INBOX_BYTES: u64 = 1 << 20;

/// How many times larger the mailbox has room for one person's share.
const PERSONS: u64 = 8;

/// Fewer inboxes than a family has devices.
const INBOXES: u32 = 64;

/// Looks at the sizes.
pub(super) fn look(config: &Config, findings: &mut Vec<Finding>) {
    findings.push(memory(config, memory_most()));
    let before = findings.len();
    connections(config, findings);
    if config.roles.dht && config.limits.records < 1_000 {
        findings.push(Finding::warning(
            "records",
            format!("[limits] records = {}: a node of a club holds some thousands", config.limits.records),
            "set it to 100000, or switch [roles] dht off",
        ));
    }
    if config.mailbox.serve {
        mailbox(config, findings);
    }
    if findings.len() == before {
        findings.push(Finding::good("limits", "they fit each other"));
    }
    findings.push(calls(config));
}

/// What a node takes when everything is full.
fn wanted(config: &Config) -> u64 {
    let (limits, mailbox, relay) = (&config.limits, &config.mailbox, &config.relay);
    let parts = [
        (u64::from(limits.connections), CONNECTION),
        (if config.roles.dht { limits.records as u64 } else { 0 }, RECORD),
        (if config.roles.relay { relay.circuits as u64 } else { 0 }, CIRCUIT),
        (if mailbox.serve { u64::from(mailbox.inboxes) } else { 0 }, INBOX),
        (if mailbox.serve { u64::from(mailbox.streams) } else { 0 }, STREAM),
    ];
    parts.iter().fold(IDLE, |sum, (count, each)| sum.saturating_add(count.saturating_mul(*each)))
}

fn memory(config: &Config, most: Option<u64>) -> Finding {
    let wanted = wanted(config);
    let Some(most) = most else {
        return Finding::good("memory", format!("{} may be needed", size(wanted)));
    };
    let says = format!("{} may be needed when all is full, {} may be had", size(wanted), size(most));
    // The rest is for what comes and goes, and for others on this machine.
    let room = most / 10 * 9;
    if wanted <= room {
        return Finding::good("memory", says);
    }
    let without = |count: u64, each: u64| {
        let others = wanted.saturating_sub(count.saturating_mul(each));
        (room.saturating_sub(others) / each).min(count)
    };
    let (records, limits) = (config.limits.records as u64, &config.limits);
    let of_records = if config.roles.dht { records.saturating_mul(RECORD) } else { 0 };
    let fits = if of_records > u64::from(limits.connections).saturating_mul(CONNECTION) {
        format!("[limits] records to {}", without(records, RECORD))
    } else {
        format!("[limits] connections to {}", without(u64::from(limits.connections), CONNECTION))
    };
    Finding::warning("memory", says, format!("set {fits}, or give it more (MemoryMax in the systemd unit)"))
}

fn connections(config: &Config, findings: &mut Vec<Finding>) {
    let limits = &config.limits;
    if limits.per_device < PER_DEVICE {
        findings.push(Finding::warning(
            "limits",
            format!("[limits] per_device = {} makes hole punching fail", limits.per_device),
            format!("set it to 8, at least to {PER_DEVICE}"),
        ));
    }
    let of_one = [
        ("per_ipv4", limits.per_ipv4),
        ("per_ipv4_24", limits.per_ipv4_24),
        ("per_ipv6_64", limits.per_ipv6_64),
        ("per_ipv6_48", limits.per_ipv6_48),
    ];
    for (name, number) in of_one.iter().filter(|(_, number)| *number > limits.connections / 2) {
        findings.push(Finding::warning(
            "limits",
            format!(
                "[limits] {name} = {number} lets one network take half of {} connections",
                limits.connections
            ),
            format!("set it to {} at most, or raise connections", (limits.connections / 8).max(1)),
        ));
    }
    let relay = &config.relay;
    if config.roles.relay && relay.reservations > limits.connections as usize {
        findings.push(Finding::warning(
            "relay",
            format!("[relay] reservations = {} is more than there are connections", relay.reservations),
            format!("set it to {}", limits.connections / 2),
        ));
    }
}

/// What calls may take of the line, when all addresses are in use at full speed.
fn calls(config: &Config) -> Finding {
    let turn = &config.turn;
    if !turn.serve {
        let says =
            "calls are not passed on: [turn] serve = true does that for people who cannot reach each other";
        return Finding::good("turn", says);
    }
    let ports = usize::from(turn.last_port.saturating_sub(turn.first_port)) + 1;
    if ports < turn.addresses {
        let says =
            format!("[turn] {ports} ports for {} addresses: some calls would find none free", turn.addresses);
        let action = format!("set addresses to {ports}, or last_port higher");
        return Finding::warning("turn", says, action);
    }
    let megabits = (turn.addresses as u64).saturating_mul(u64::from(turn.kilobits_per_second)) / 1_000;
    Finding::good("turn", format!("up to {megabits} Mbit/s in each direction when all is full; UDP only"))
}

fn mailbox(config: &Config, findings: &mut Vec<Finding>) {
    let (mailbox, connections) = (&config.mailbox, config.limits.connections);
    // Somebody who reads has one stream, and one more while he leaves something elsewhere.
    if mailbox.streams < connections / 10 {
        findings.push(Finding::warning(
            "mailbox",
            format!(
                "[mailbox] streams = {} for {connections} connections: most people would not be served",
                mailbox.streams
            ),
            format!("set it to {}", (connections / 2).max(64)),
        ));
    }
    let small = [
        ("inboxes", u64::from(mailbox.inboxes), u64::from(INBOXES), "a few devices", 20_000.to_string()),
        ("inbox_bytes", mailbox.inbox_bytes, INBOX_BYTES, "less than one picture", (32 << 20).to_string()),
        (
            "capacity_bytes",
            mailbox.capacity_bytes,
            CAPACITY.max(mailbox.inbox_bytes.saturating_mul(PERSONS)),
            "a few people fill it",
            mailbox.inbox_bytes.saturating_mul(PERSONS).max(1 << 30).to_string(),
        ),
    ];
    for (name, number, _, why, better) in small.iter().filter(|(_, number, least, ..)| number < least) {
        let says = format!("[mailbox] {name} = {number}: {why}");
        findings.push(Finding::warning("mailbox", says, format!("set it to {better}")));
    }
}

/// The memory that this process may have: the machine's, or less if its control group, or that of the unit that runs,
/// says so. Not known elsewhere than on Linux.
fn memory_most() -> Option<u64> {
    let machine = machine_bytes(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let root = Path::new("/sys/fs/cgroup");
    // Each group is bounded by those around it. The unit is looked at too: whoever checks does so from a shell.
    let unit = root.join("system.slice/kith-bootstrap.service");
    let own = root.join(own.trim_start_matches('/'));
    let around = own.ancestors().take_while(|group| group.starts_with(root)).map(Path::to_path_buf);
    let limits = around.chain([unit]).filter_map(|group| {
        let said = std::fs::read_to_string(group.join("memory.max")).ok()?;
        said.trim().parse::<u64>().ok()
    });
    limits.chain([machine]).min()
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    const UNIT: u64 = 1_500 << 20;

    fn warned(text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        let config: Config = toml::from_str(text).unwrap();
        look(&config, &mut findings);
        findings.push(memory(&config, Some(UNIT)));
        assert!(findings.iter().all(|finding| finding.level != Level::Error), "{findings:?}");
        let warnings = findings.iter().skip(1).filter(|finding| finding.level == Level::Warning);
        warnings.map(Finding::line).collect()
    }

    #[test]
    fn the_settings_as_they_are_fit_the_unit_as_it_is() {
        assert_eq!(warned(""), Vec::<String>::new());
    }

    #[test]
    fn each_absurd_limit_is_one_warning_with_a_better_number() {
        let one = |text: &str, wanted: &[&str]| {
            let warnings = warned(text);
            assert_eq!(warnings.len(), 1, "{text}: {warnings:?}");
            assert!(wanted.iter().all(|wanted| warnings[0].contains(wanted)), "{warnings:?}");
        };
        one("[limits]\nrecords = 100000000", &["memory", "1.4 GiB may be had", "records to "]);
        one("[limits]\nrecords = 1", &["records = 1", "100000"]);
        one("[limits]\nconnections = 25000\n[mailbox]\nstreams = 8000", &["memory", "connections to "]);
        one(
            "[limits]\nconnections = 12000\n[mailbox]\nstreams = 1024",
            &["streams = 1024", "set it to 6000"],
        );
        assert_eq!(
            warned("[limits]\nconnections = 15000\n[mailbox]\nstreams = 1024").len(),
            2,
            "too few streams, too little memory"
        );
        one("[limits]\nper_device = 3", &["hole punching", "at least to 4"]);
        one("[limits]\nper_ipv4_24 = 4000", &["per_ipv4_24", "set it to 625"]);
        one("[mailbox]\nstreams = 1", &["streams = 1", "2500"]);
        one("[mailbox]\ninboxes = 1", &["inboxes = 1", "20000"]);
        one("[mailbox]\ninbox_bytes = 1", &["inbox_bytes", "33554432"]);
        one("[mailbox]\ncapacity_bytes = 40000000", &["capacity_bytes", "1073741824"]);
        one("[relay]\nreservations = 6000", &["reservations", "2500"]);
        one(
            "[turn]\nserve = true\npublic = [\"1.2.3.4\"]\naddresses = 300",
            &["256 ports", "set addresses to 256"],
        );
        assert_eq!(warned("[mailbox]\ncapacity_bytes = 1\ninbox_bytes = 1").len(), 2);
        assert_eq!(warned("[mailbox]\nserve = false\nstreams = 1\ninboxes = 0"), Vec::<String>::new());
    }

    #[test]
    fn the_number_that_is_named_fits() {
        let mut config = Config::default();
        config.limits.records = 100_000_000;
        let action = memory(&config, Some(UNIT)).action.unwrap();
        let number = action.split("records to ").nth(1).unwrap().split(',').next().unwrap();
        config.limits.records = number.parse().unwrap();
        assert!(config.limits.records > 100_000);
        assert_eq!(memory(&config, Some(UNIT)).level, Level::Ok);
        assert_eq!(memory(&config, None).level, Level::Ok);
    }

    #[test]
    fn the_memory_of_a_machine_is_read() {
        assert_eq!(machine_bytes("MemFree: 1 kB\nMemTotal:       2048 kB\n"), Some(2 << 20));
        assert_eq!(machine_bytes("nonsense"), None);
    }
}
