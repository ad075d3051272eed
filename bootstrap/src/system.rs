//! What the system gives this process, and what it takes: memory, open files, room on the disk. Nothing here is needed to
//! work, so what a system does not tell is not known.

use std::path::Path;

use kith_host::Disk;

/// What is used and what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Memory that is in use now.
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) open_files_most: Option<u64>,
    /// Room on the disk of the data folder.
    pub(crate) disk_free_bytes: Option<u64>,
}

impl Usage {
    /// As it is now.
    pub(crate) fn of(data: &Path) -> Self {
        Self {
            resident_bytes: resident_bytes(),
            open_files: open_files(),
            open_files_most: open_files_most(),
            disk_free_bytes: Disk::under(data).map(|disk| disk.free),
        }
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

fn open_files() -> Option<u64> {
    u64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

/// How many files this process may have open, once it has raised the limit as far as it may.
#[cfg(unix)]
pub(crate) fn open_files_most() -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Some(limit.current.unwrap_or(u64::MAX))
}

/// Raises the limit of open files as far as the system lets it: shells give 1,024, and each connection is one.
#[cfg(unix)]
pub(crate) fn raise_open_files() {
    use rustix::process::Resource;
    use rustix::process::Rlimit;
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if rustix::process::setrlimit(Resource::Nofile, raised).is_err() {
        tracing::debug!("the limit of open files stays as it is");
    }
}

#[cfg(not(unix))]
pub(crate) fn open_files_most() -> Option<u64> {
    None
}

#[cfg(not(unix))]
pub(crate) fn raise_open_files() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_uses() {
        let folder = tempfile::tempdir().unwrap();
        let usage = Usage::of(&folder.path().join("not/there/yet"));
        assert!(usage.resident_bytes.is_some_and(|bytes| bytes > 1 << 20), "{usage:?}");
        assert!(usage.open_files.is_some_and(|count| count > 2), "{usage:?}");
        assert!(usage.open_files_most >= usage.open_files);
        assert!(usage.disk_free_bytes.is_some());
    }
}
