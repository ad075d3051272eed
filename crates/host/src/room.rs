//! The reserve of the disk. A failed commit ends a mailbox, and with the disk full it could not even begin again, since
//! opening its store writes. So before the disk is full nothing new is taken; reading and deleting go on, and make room.

use std::path::Path;
use std::path::PathBuf;

/// The least that is left for everything else: the journal of this store, the other stores of the node, its log.
const LEAST: u64 = 64 << 20;

/// More than this is never kept back, however large the disk is.
const MOST: u64 = 1 << 30;

/// Between the two: a twentieth of the disk.
const PART: u64 = 20;

/// A disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// What this process may still write, in bytes.
    pub free: u64,
    /// How large it is, in bytes.
    pub size: u64,
}

impl Disk {
    /// The disk under a folder, or under the nearest one above it that is there; `None` when the system does not tell.
    #[cfg(unix)]
    pub fn under(folder: &Path) -> Option<Self> {
        let disk = folder.ancestors().find_map(|folder| {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            rustix::fs::statvfs(folder).ok()
        })?;
        let bytes = |blocks: u64| blocks.checked_mul(disk.f_frsize);
        Some(Self { free: bytes(disk.f_bavail)?, size: bytes(disk.f_blocks)? })
    }

    /// The disk under a folder: this system does not tell.
    #[cfg(not(unix))]
    pub fn under(_: &Path) -> Option<Self> {
        None
    }
}

/// Looks at the disk; `None` when it does not tell.
pub(crate) type Look = Box<dyn Fn() -> Option<Disk> + Send>;

/// Whether there is room for more.
pub(crate) struct Room {
    look: Look,
    is_short: bool,
}

impl Room {
    pub(crate) fn new(look: Look) -> Self {
        Self { look, is_short: false }
    }

    /// The room under a folder.
    pub(crate) fn of(folder: PathBuf) -> Self {
        Self::new(Box::new(move || Disk::under(&folder)))
    }

    /// Looks again. Returns whether that changed something. With half of the reserve more it is no longer short, so that
    /// it does not change with every envelope.
    pub(crate) fn look(&mut self) -> bool {
        let Some(disk) = (self.look)() else { return false };
        let reserve = (disk.size / PART).clamp(LEAST, MOST);
        let wanted = if self.is_short { reserve + reserve / 2 } else { reserve };
        std::mem::replace(&mut self.is_short, disk.free < wanted) != self.is_short
    }

    /// Whether it was short when it was last looked at.
    pub(crate) fn is_short(&self) -> bool {
        self.is_short
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_disk_that_fills_is_short_before_it_is_full_and_not_again_at_once() {
        let disk = Arc::new(Mutex::new(Some(Disk { free: 10 << 30, size: 10 << 30 })));
        let shown = Arc::clone(&disk);
        let mut room = Room::new(Box::new(move || *shown.lock().unwrap()));
        let mut with = |free: Option<u64>| {
            *disk.lock().unwrap() = free.map(|free| Disk { free, size: 10 << 30 });
            (room.look(), room.is_short())
        };
        assert_eq!(with(Some(600 << 20)), (false, false));
        assert_eq!(with(Some(500 << 20)), (true, true), "a twentieth of ten gibibytes");
        assert_eq!(with(Some(0)), (false, true));
        assert_eq!(with(None), (false, true), "it does not tell: nothing changes");
        assert_eq!(with(Some(600 << 20)), (false, true), "a little more is not enough");
        assert_eq!(with(Some(800 << 20)), (true, false));
    }

    #[test]
    fn the_reserve_has_bounds() {
        let is_short = |free, size| {
            let mut room = Room::new(Box::new(move || Some(Disk { free, size })));
            room.look() && room.is_short()
        };
        assert!(is_short(63 << 20, 100 << 20) && !is_short(65 << 20, 100 << 20), "a small disk");
        assert!(is_short(1023 << 20, 1 << 50) && !is_short(1025 << 20, 1 << 50), "a large one");
    }

    #[cfg(unix)]
    #[test]
    fn the_disk_under_a_folder_is_known() {
        let disk = Disk::under(&std::env::temp_dir()).unwrap();
        assert!(disk.size > 0 && disk.free <= disk.size);
        assert_eq!(
            Disk::under(&std::env::temp_dir().join("not/there/yet")).map(|disk| disk.size),
            Some(disk.size)
        );
    }
}
