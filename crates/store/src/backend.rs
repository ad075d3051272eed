//! The sealing storage under redb: every 4 KiB of the database is one sealed block on disk.
//!
//! ```text
//!  slot 0: generation, nonce, sealed page 0, tag      two slots, written in turn: a torn write of the newest
//!  slot 1: generation, nonce, sealed page 0, tag      leaves the other; the highest authentic generation counts
//!  block 1: nonce, sealed page 1, tag
//!  block 2: …
//! ```
//!
//! redb commits in one phase: after a power cut it may read pages that were being written, and expects their checksum
//! to fail. While it recovers (until [`SealedDisk::recovered`]), a block that does not authenticate is handed out as
//! zeros; after that it is an error that names the file. Each block is bound to its place and database.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use chacha20poly1305::KeyInit as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::AeadInOut as _;
use redb::StorageBackend;
use zeroize::Zeroizing;

/// The plaintext of one block: redb's page.
pub const PAGE_BYTES: usize = 4096;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const GENERATION_BYTES: usize = 8;

/// A block on disk.
pub const BLOCK_BYTES: usize = NONCE_BYTES + PAGE_BYTES + TAG_BYTES;

/// A slot of page 0 on disk.
pub const SLOT_BYTES: usize = GENERATION_BYTES + BLOCK_BYTES;

/// From one slot to the next, and before the first block: no slot shares a sector of 4 KiB with anything else, so that a
/// sector that is lost takes only one copy of page 0 with it.
const SLOT_STRIDE: u64 = 8192;

/// Where the first block is.
pub const HEAD_BYTES: usize = 2 * SLOT_STRIDE as usize;

/// The bit of a generation that says that nothing was being written any more.
const CLOSED: u64 = 1 << 63;

/// What stands where a length is asked for a page that was never written.
const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// Where the sealed bytes go: a file, or a simulated disk in crash tests.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// The length in bytes.
    ///
    /// # Errors
    /// What the system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether nothing was written yet.
    ///
    /// # Errors
    /// What the system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads exactly `out.len()` bytes.
    ///
    /// # Errors
    /// What the system says, or that the disk ends before.
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes all of `data`.
    ///
    /// # Errors
    /// What the system says.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Grows with zeros or cuts.
    ///
    /// # Errors
    /// What the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Returns once everything written before survives a power cut.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self) -> io::Result<()>;
}

#[cfg(unix)]
impl Disk for std::fs::File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, out, offset)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, data, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(windows)]
impl Disk for std::fs::File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read(&self, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        while !out.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_read(self, out, offset)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            out = out.get_mut(count..).unwrap_or_default();
            offset += count as u64;
        }
        Ok(())
    }

    fn write(&self, mut offset: u64, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_write(self, data, offset)?;
            data = data.get(count..).unwrap_or_default();
            offset += count as u64;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A disk whose every block is sealed.
#[derive(Clone)]
pub struct SealedDisk(Arc<Shared>);

struct Shared {
    disk: Box<dyn Disk>,
    cipher: XChaCha20Poly1305,
    database: [u8; 16],
    /// The length that redb sees.
    length: AtomicU64,
    recovering: AtomicBool,
    was_closed: AtomicBool,
    damaged: AtomicBool,
    failed: AtomicBool,
    head: Mutex<Head>,
}

/// Page 0 in memory, and which slot holds what.
struct Head {
    page: Box<[u8; PAGE_BYTES]>,
    generation: u64,
    /// The slot that was last synced and must not be touched before the next sync.
    durable_slot: u64,
    /// The slot written since the last sync, if any.
    dirty: bool,
}

impl fmt::Debug for SealedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedDisk of {} bytes", self.0.length.load(Ordering::Relaxed))
    }
}

impl SealedDisk {
    /// Opens a sealed disk, or an empty one.
    ///
    /// # Errors
    /// When neither slot of page 0 authenticates, or the disk cannot be read.
    pub fn open(disk: Box<dyn Disk>, key: &Zeroizing<[u8; 32]>, database: [u8; 16]) -> io::Result<Self> {
        let cipher = XChaCha20Poly1305::new((&**key).into());
        // What a program left that was killed may be in the system's memory only, and is taken for durable from here on.
        disk.sync()?;
        let size = disk.len()?;
        let length = match size.checked_sub(2 * SLOT_STRIDE) {
            Some(rest) => (1 + rest.div_ceil(BLOCK_BYTES as u64)) * PAGE_BYTES as u64,
            None => 0,
        };
        let head = Head { page: Box::new(ZEROS), generation: 0, durable_slot: 1, dirty: false };
        let sealed = Self(Arc::new(Shared {
            disk,
            cipher,
            database,
            length: AtomicU64::new(length),
            recovering: AtomicBool::new(true),
            was_closed: AtomicBool::new(false),
            damaged: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            head: Mutex::new(head),
        }));
        if length > 0 {
            sealed.load_head()?;
        }
        Ok(sealed)
    }

    /// From now on a block that does not authenticate is an error.
    pub fn recovered(&self) {
        self.0.recovering.store(false, Ordering::Release);
    }

    /// Whether a block did not authenticate after recovery.
    pub fn is_damaged(&self) -> bool {
        self.0.damaged.load(Ordering::Acquire)
    }

    /// Whether the disk could not do something that it was told to: nothing is known about what is on it then.
    pub fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Acquire)
    }

    /// Whether nothing was ever written.
    pub fn is_blank(&self) -> bool {
        self.0.length.load(Ordering::Acquire) == 0
    }

    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        self.0.failed.fetch_or(done.is_err(), Ordering::AcqRel);
        done
    }

    /// Whether the disk was closed with [`SealedDisk::mark_closed`] and not written since.
    pub fn was_closed(&self) -> bool {
        self.0.was_closed.load(Ordering::Acquire)
    }

    /// Notes that everything is written: at the next opening every block must authenticate.
    ///
    /// # Errors
    /// What the system says; the disk then counts as one that has to recover.
    pub fn mark_closed(&self) -> io::Result<()> {
        self.write_slot(&mut self.head(), CLOSED)?;
        StorageBackend::sync_data(self)
    }

    /// Reads every block once.
    ///
    /// # Errors
    /// When one does not authenticate or cannot be read.
    pub fn verify(&self) -> io::Result<()> {
        let mut page = Box::new(ZEROS);
        for index in 1..self.0.length.load(Ordering::Acquire) / PAGE_BYTES as u64 {
            self.read_block(index, &mut page)?;
        }
        Ok(())
    }

    fn load_head(&self) -> io::Result<()> {
        let mut found: Option<(u64, u64, Box<[u8; PAGE_BYTES]>)> = None;
        let mut blank = true;
        for slot in 0..2 {
            let mut bytes = vec![0; SLOT_BYTES];
            self.0.disk.read(slot * SLOT_STRIDE, &mut bytes)?;
            blank &= bytes.iter().all(|byte| *byte == 0);
            let Some((generation, block)) = bytes.split_first_chunk::<GENERATION_BYTES>() else { continue };
            let generation = u64::from_le_bytes(*generation);
            let mut page = Box::new(ZEROS);
            let newer = found.as_ref().is_none_or(|(best, ..)| generation & !CLOSED > *best & !CLOSED);
            if newer && self.open_block(&self.slot_place(slot, generation), block, &mut page) {
                found = Some((generation, slot, page));
            }
        }
        match found {
            Some((generation, slot, page)) => {
                // Closed cleanly: nothing was being written, so every block must be as it was left.
                let closed = generation & CLOSED != 0;
                let generation = generation & !CLOSED;
                self.0.recovering.store(!closed, Ordering::Release);
                self.0.was_closed.store(closed, Ordering::Release);
                *self.head() = Head { page, generation, durable_slot: slot, dirty: false };
                Ok(())
            }
            // The very first write never reached the disk: there is no database yet.
            None if blank => {
                self.0.length.store(0, Ordering::Release);
                Ok(())
            }
            None => Err(self.damage()),
        }
    }

    fn head(&self) -> MutexGuard<'_, Head> {
        // A panic while page 0 was changed in memory leaves a page that redb checks by its checksums.
        self.0.head.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn damage(&self) -> io::Error {
        self.0.damaged.store(true, Ordering::Release);
        io::Error::new(io::ErrorKind::InvalidData, "a block does not authenticate")
    }

    fn block_place(&self, index: u64) -> [u8; 24] {
        let mut place = [0; 24];
        let bytes = self.0.database.iter().copied().chain(index.to_le_bytes());
        place.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        place
    }

    fn slot_place(&self, slot: u64, generation: u64) -> [u8; 40] {
        let mut place = [0; 40];
        let numbers = [u64::MAX, slot, generation];
        let bytes = self.0.database.iter().copied().chain(numbers.into_iter().flat_map(u64::to_le_bytes));
        place.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        place
    }

    fn seal_block(
        &self,
        place: &[u8],
        page: &[u8],
        nonce: [u8; NONCE_BYTES],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(page);
        let sealed = out.get_mut(start..).unwrap_or_default();
        let tag = self
            .0
            .cipher
            .encrypt_inout_detached(&XNonce::from(nonce), place, sealed.into())
            .map_err(|_| io::Error::other("sealing failed"))?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    fn open_block(&self, place: &[u8], block: &[u8], page: &mut [u8; PAGE_BYTES]) -> bool {
        let parts = block.split_first_chunk::<NONCE_BYTES>().and_then(|(nonce, rest)| {
            let (sealed, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
            Some((nonce, sealed, tag))
        });
        let Some((nonce, sealed, tag)) = parts else { return false };
        if sealed.len() != PAGE_BYTES {
            return false;
        }
        page.copy_from_slice(sealed);
        let nonce = XNonce::from(*nonce);
        self.0.cipher.decrypt_inout_detached(&nonce, place, page.as_mut_slice().into(), tag.into()).is_ok()
    }

    fn read_block(&self, index: u64, page: &mut [u8; PAGE_BYTES]) -> io::Result<()> {
        let mut block = vec![0; BLOCK_BYTES];
        self.0.disk.read(block_offset(index), &mut block)?;
        self.take_block(index, &block, page, true)
    }

    /// Opens a block that was read. A block of zeros was never written: nothing but a part of it may be asked for before
    /// the rest is (`blank`), and whoever reads all blocks passes it over.
    fn take_block(
        &self,
        index: u64,
        block: &[u8],
        page: &mut [u8; PAGE_BYTES],
        blank: bool,
    ) -> io::Result<()> {
        if self.open_block(&self.block_place(index), block, page) {
            return Ok(());
        }
        *page = ZEROS;
        let blank = blank && block.iter().all(|byte| *byte == 0);
        if blank || self.0.recovering.load(Ordering::Acquire) { Ok(()) } else { Err(self.damage()) }
    }

    fn write_head(&self, offset: usize, data: &[u8]) -> io::Result<()> {
        let mut head = self.head();
        let target = head.page.get_mut(offset..offset + data.len()).ok_or(io::ErrorKind::InvalidInput)?;
        target.copy_from_slice(data);
        self.write_slot(&mut head, 0)
    }

    fn write_slot(&self, head: &mut Head, flag: u64) -> io::Result<()> {
        head.generation += 1;
        // Until the next sync the slot that is known to be on disk stays as it is.
        let slot = 1 - head.durable_slot;
        head.dirty = true;
        let generation = head.generation | flag;
        let mut out = Vec::with_capacity(SLOT_BYTES);
        out.extend_from_slice(&generation.to_le_bytes());
        let nonce = nonces(1)?.first().copied().unwrap_or_default();
        self.seal_block(&self.slot_place(slot, generation), head.page.as_slice(), nonce, &mut out)?;
        self.noted(self.0.disk.write(slot * SLOT_STRIDE, &out))
    }

    /// Writes whole blocks from `index` on.
    fn write_blocks(&self, index: u64, data: &[u8]) -> io::Result<()> {
        let count = data.len() / PAGE_BYTES;
        let mut out = Vec::with_capacity(count * BLOCK_BYTES);
        for (at, (page, nonce)) in data.chunks_exact(PAGE_BYTES).zip(nonces(count)?).enumerate() {
            self.seal_block(&self.block_place(index + at as u64), page, nonce, &mut out)?;
        }
        self.noted(self.0.disk.write(block_offset(index), &out))
    }

    /// Writes a part of one block.
    fn write_part(&self, index: u64, offset: usize, data: &[u8]) -> io::Result<()> {
        let mut page = Box::new(ZEROS);
        self.read_block(index, &mut page)?;
        page.get_mut(offset..offset + data.len()).ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(data);
        self.write_blocks(index, page.as_slice())
    }
}

fn block_offset(index: u64) -> u64 {
    2 * SLOT_STRIDE + (index - 1) * BLOCK_BYTES as u64
}

fn nonces(count: usize) -> io::Result<Vec<[u8; NONCE_BYTES]>> {
    let mut nonces = vec![[0; NONCE_BYTES]; count];
    getrandom::fill(nonces.as_flattened_mut()).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(nonces)
}

impl StorageBackend for SealedDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.length.load(Ordering::Acquire))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let page_bytes = PAGE_BYTES as u64;
        if offset + out.len() as u64 > self.0.length.load(Ordering::Acquire) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (mut index, mut within) = (offset / page_bytes, (offset % page_bytes) as usize);
        let mut rest = out;
        let mut page = Box::new(ZEROS);
        let last = (offset + rest.len() as u64).div_ceil(page_bytes);
        let first_block = index.max(1);
        let mut blocks = vec![0; (last.saturating_sub(first_block)) as usize * BLOCK_BYTES];
        if !blocks.is_empty() {
            self.0.disk.read(block_offset(first_block), &mut blocks)?;
        }
        let mut blocks = blocks.chunks_exact(BLOCK_BYTES);
        while !rest.is_empty() {
            if index == 0 {
                page.copy_from_slice(self.head().page.as_slice());
            } else {
                self.take_block(index, blocks.next().unwrap_or_default(), &mut page, false)?;
            }
            let count = rest.len().min(PAGE_BYTES - within);
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(page.get(within..within + count).ok_or(io::ErrorKind::InvalidInput)?);
            rest = later;
            index += 1;
            within = 0;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let pages = len.div_ceil(PAGE_BYTES as u64).max(1);
        self.noted(self.0.disk.set_len(block_offset(pages)))?;
        self.0.length.store(len, Ordering::Release);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        // Held over the sync: a slot may only be called durable if nothing was written to it meanwhile.
        let mut head = self.head();
        self.noted(self.0.disk.sync())?;
        if head.dirty {
            head.durable_slot = 1 - head.durable_slot;
            head.dirty = false;
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let page_bytes = PAGE_BYTES as u64;
        let (mut index, mut within) = (offset / page_bytes, (offset % page_bytes) as usize);
        let mut rest = data;
        while !rest.is_empty() {
            let whole = if within == 0 && index > 0 { rest.len() / PAGE_BYTES } else { 0 };
            let count = if whole > 0 { whole * PAGE_BYTES } else { rest.len().min(PAGE_BYTES - within) };
            let (now, later) = rest.split_at_checked(count).ok_or(io::ErrorKind::InvalidInput)?;
            match (index, whole) {
                (0, _) => self.write_head(within, now)?,
                (_, 0) => self.write_part(index, within, now)?,
                _ => self.write_blocks(index, now)?,
            }
            rest = later;
            index += whole.max(1) as u64;
            within = 0;
        }
        Ok(())
    }
}
