//! What can be looked at on this machine alone.

use std::fs::TryLockError;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use kith_host::Disk;

use super::Finding;
use crate::config::Config;
use crate::status::DISK_PERCENT;
use crate::status::on_disk;
use crate::status::size;
use crate::system;

/// Files that are open beside the connections: the stores, the page, libraries.
const FILES_BESIDE: u64 = 128;

/// When this program was written. A clock that says less is not set: machines without a battery begin in 1970.
const WRITTEN: Duration = Duration::from_secs(1_795_219_200);

/// Twenty years later it is the clock that is wrong.
const TOO_LATE: Duration = Duration::from_secs(1_795_219_200 + 20 * 365 * 86_400);

/// Looks at everything here. Returns whether a node runs with this data folder.
pub(super) fn look(config: &Config, findings: &mut Vec<Finding>) -> bool {
    findings.push(files(config));
    findings.push(clock(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()));
    let mut is_running = false;
    match &config.data {
        Some(data) => {
            is_running = folder(data, findings);
            findings.extend(disk(config, data));
        }
        None => findings.push(Finding::error(
            "data",
            "no data folder is named",
            "name one: --data DIR, or “data” in the settings file",
        )),
    }
    for address in &config.listen {
        findings.push(port(address, is_running));
    }
    let turn = if config.turn.serve { config.turn.listen() } else { Vec::new() };
    for at in turn {
        let kind = if at.is_ipv6() { "ip6" } else { "ip4" };
        findings.push(port(&format!("/{kind}/{}/udp/{}", at.ip(), at.port()), is_running));
    }
    if let Ok(Some(address)) = config.http.address() {
        findings.push(match TcpListener::bind(address) {
            Ok(_) => Finding::good("http", format!("{address} is free for the status page")),
            Err(error) if is_running && error.kind() == ErrorKind::AddrInUse => {
                Finding::good("http", format!("{address} is in use, as it should be while the node runs"))
            }
            Err(error) => Finding::warning(
                "http",
                format!("the status page cannot be at {address} ({error})"),
                "set “[http] listen” to another address or to “off”",
            ),
        });
    }
    is_running
}

fn files(config: &Config) -> Finding {
    let wanted = u64::from(config.limits.connections) + FILES_BESIDE;
    // As the node itself would do it.
    system::raise_open_files();
    match system::open_files_most() {
        None => Finding::good("files", "this system does not limit open files"),
        Some(most) if most >= wanted => {
            Finding::good("files", format!("{wanted} open files may be needed, {most} are allowed"))
        }
        Some(most) => Finding::error(
            "files",
            format!("{wanted} open files may be needed, {most} are allowed"),
            format!("raise it (LimitNOFILE={wanted} in the systemd unit) or lower [limits] connections"),
        ),
    }
}

fn clock(now: Duration) -> Finding {
    if (WRITTEN..TOO_LATE).contains(&now) {
        return Finding::good("clock", "the year is plausible");
    }
    Finding::error(
        "clock",
        "the clock is wrong: records and envelopes would expire at once or never",
        "set it, for example with “timedatectl set-ntp true”",
    )
}

/// Looks at the data folder. Returns whether a node runs with it.
fn folder(data: &Path, findings: &mut Vec<Finding>) -> bool {
    let shown = data.display();
    let Ok(metadata) = std::fs::metadata(data) else {
        findings.push(Finding::good("data", format!("{shown} is not there yet; the first start makes it")));
        return false;
    };
    if !metadata.is_dir() {
        findings.push(Finding::error("data", format!("{shown} is no folder"), "name a folder"));
        return false;
    }
    if let Some(finding) = permissions(data, &metadata) {
        findings.push(finding);
        return false;
    }
    if metadata.modified().is_ok_and(|then| then > SystemTime::now() + Duration::from_secs(600)) {
        findings.push(Finding::error(
            "clock",
            format!("{shown} was written in the future: the clock was set back"),
            "set the clock, for example with “timedatectl set-ntp true”",
        ));
    }
    let is_running = is_locked(data);
    let says = if is_running { "is in use by a node that runs" } else { "is ours alone" };
    findings.push(Finding::good("data", format!("{shown} {says}")));
    is_running
}

/// Whether a node holds the lock of a folder. Taken and given back at once, and nothing is written.
fn is_locked(data: &Path) -> bool {
    let lock = std::fs::File::open(data.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(unix)]
fn permissions(data: &Path, metadata: &std::fs::Metadata) -> Option<Finding> {
    use std::os::unix::fs::MetadataExt as _;
    let (shown, owner) = (data.display(), metadata.uid());
    let us = rustix::process::geteuid();
    if owner != us.as_raw() && !us.is_root() {
        let says = format!("{shown} belongs to user {owner}, and this is user {us}");
        return Some(Finding::error("data", says, "run this as the user the node runs as"));
    }
    (metadata.mode() & 0o077 != 0).then(|| {
        let says = format!("others may read {shown}, which holds the key of this node");
        Finding::error("data", says, format!("chmod 700 {shown}"))
    })
}

#[cfg(not(unix))]
fn permissions(_: &Path, _: &std::fs::Metadata) -> Option<Finding> {
    None
}

fn disk(config: &Config, data: &Path) -> Option<Finding> {
    let free = Disk::under(data)?.free;
    if !config.mailbox.serve {
        return Some(Finding::good("disk", format!("{} left", size(free))));
    }
    let held: u64 = std::fs::read_dir(data.join("mailbox"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|metadata| metadata.len())
        .sum();
    let wanted = on_disk(config.mailbox.capacity_bytes);
    let to_come = wanted.saturating_sub(held);
    let says = format!("{} left, the mailbox may take {} more", size(free), size(to_come));
    if free >= to_come {
        return Some(Finding::good("disk", says));
    }
    let fits = (held + free) / DISK_PERCENT * 100;
    Some(Finding::error(
        "disk",
        says,
        format!("make room, or set [mailbox] capacity_bytes to {fits} at most"),
    ))
}

/// Whether an address can be listened at.
fn port(address: &str, is_running: bool) -> Finding {
    let Some((at, is_udp)) = socket_of(address) else {
        return Finding::warning(
            "listen",
            format!("{address} names no number and port, so it was not looked at"),
            "write it like /ip4/0.0.0.0/tcp/4001",
        );
    };
    let bound = if is_udp { UdpSocket::bind(at).map(drop) } else { TcpListener::bind(at).map(drop) };
    match bound {
        Ok(()) => Finding::good("listen", format!("{address} is free")),
        Err(error) if is_running && error.kind() == ErrorKind::AddrInUse => {
            Finding::good("listen", format!("{address} is in use, as it should be while the node runs"))
        }
        Err(error) => {
            let action = match error.kind() {
                ErrorKind::AddrInUse => "stop what uses the port, or choose another",
                ErrorKind::PermissionDenied => {
                    "choose a port from 1024 on, or allow it (AmbientCapabilities=CAP_NET_BIND_SERVICE)"
                }
                _ if at.is_ipv6() => "take the line out if this machine has no IPv6",
                _ => "choose an address of this machine",
            };
            Finding::error("listen", format!("{address} cannot be listened at ({error})"), action)
        }
    }
}

/// The socket address in a multiaddress, and whether it is UDP.
fn socket_of(address: &str) -> Option<(SocketAddr, bool)> {
    let mut parts = address.strip_prefix('/')?.split('/');
    let ip: IpAddr = match (parts.next()?, parts.next()?) {
        ("ip4" | "ip6", ip) => ip.parse().ok()?,
        _ => return None,
    };
    let is_udp = match parts.next()? {
        "tcp" => false,
        "udp" => true,
        _ => return None,
    };
    Some((SocketAddr::new(ip, parts.next()?.parse().ok()?), is_udp))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn sockets_are_read_from_addresses() {
        let of = |text: &str| socket_of(text).map(|(at, is_udp)| (at.to_string(), is_udp));
        assert_eq!(of("/ip4/0.0.0.0/tcp/4001"), Some(("0.0.0.0:4001".to_owned(), false)));
        assert_eq!(of("/ip6/::1/udp/5/quic-v1"), Some(("[::1]:5".to_owned(), true)));
        assert_eq!(of("/dns4/example.org/tcp/1"), None);
        assert_eq!(of("nonsense"), None);
    }

    #[test]
    fn a_port_that_is_taken_is_an_error_unless_our_node_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port());
        assert_eq!(port(&address, false).level, Level::Error);
        assert_eq!(port(&address, true).level, Level::Ok);
        assert_eq!(port("/ip4/127.0.0.1/udp/0/quic-v1", false).level, Level::Ok);
        assert_eq!(port("/ip4/192.0.2.1/tcp/0", false).level, Level::Error, "not an address of this machine");
    }

    #[test]
    fn a_clock_in_1970_or_in_the_next_century_is_wrong() {
        assert_eq!(clock(Duration::ZERO).level, Level::Error);
        assert_eq!(clock(WRITTEN).level, Level::Ok);
        assert_eq!(clock(Duration::from_secs(4_102_444_800)).level, Level::Error);
    }

    #[test]
    fn a_mailbox_larger_than_the_disk_is_an_error_with_what_would_fit() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.mailbox.capacity_bytes = 1 << 60;
        let finding = disk(&config, folder.path()).unwrap();
        assert!(finding.level == Level::Error && finding.action.unwrap().contains("capacity_bytes"));
        config.mailbox.serve = false;
        assert_eq!(disk(&config, folder.path()).unwrap().level, Level::Ok);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_read_is_an_error_and_stays_as_it_is() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().unwrap();
        std::fs::set_permissions(data.path(), Permissions::from_mode(0o755)).unwrap();
        let mut findings = Vec::new();
        assert!(!folder(data.path(), &mut findings));
        assert!(findings[0].action.as_ref().unwrap().starts_with("chmod 700"), "{findings:?}");
        assert_eq!(std::fs::metadata(data.path()).unwrap().permissions().mode() & 0o777, 0o755);
        std::fs::set_permissions(data.path(), Permissions::from_mode(0o700)).unwrap();
        findings.clear();
        let held = kith_store::FolderLock::take(data.path()).unwrap();
        assert!(folder(data.path(), &mut findings), "a node runs");
        drop(held);
        assert!(!folder(data.path(), &mut findings));
        assert!(findings.iter().all(|finding| finding.level == Level::Ok), "{findings:?}");
    }

    #[test]
    fn more_connections_than_files_is_an_error() {
        let mut config = Config::default();
        config.limits.connections = u32::MAX;
        let finding = files(&config);
        assert!(
            finding.level == Level::Error || system::open_files_most() > Some(u64::from(u32::MAX)),
            "{finding:?}"
        );
    }
}
