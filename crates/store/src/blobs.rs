//! Files beside the database: sealed bytes named by their hash. A blob is written under a temporary name, synced and
//! renamed, so it is there whole or not at all; pieces that came so far are kept in a sidecar and survive a restart.
//!
//! The bytes are ciphertext already (`kith-crypto`, `blob`); here they only have to be found, resumed and checked.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use kith_proto::id::BlobId;

use crate::backend::Disk as _;
use crate::error::StoreError;
use crate::keyring::replace_file;
use crate::keyring::sync_folder;
use crate::lock::make_private_folder;
use crate::lock::private;

/// The size of a piece on disk, except the last.
pub const PIECE_BYTES: u64 = 16 << 10;

/// The largest blob that is accepted: 1 TiB.
pub const MAX_BLOB_BYTES: u64 = 1 << 40;

/// The blobs of a data folder.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
}

/// A blob that is being received.
#[derive(Debug)]
pub struct Incoming {
    id: BlobId,
    folder: PathBuf,
    file: File,
    length: u64,
    have: Vec<u8>,
}

impl Blobs {
    /// The blobs of a data folder, making their folder if needed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        let folder = data.join("blobs");
        make_private_folder(&folder)?;
        Ok(Self { folder })
    }

    /// Starts receiving a blob, or goes on where an earlier attempt stopped.
    ///
    /// # Errors
    /// When the file cannot be made, or the length is over the limit.
    pub fn receive(&self, id: BlobId, length: u64) -> Result<Incoming, StoreError> {
        let path = part_path(&self.folder, &id);
        if length > MAX_BLOB_BYTES {
            let source = io::Error::from(io::ErrorKind::FileTooLarge);
            return Err(StoreError::io("making", path)(source));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = private(&mut options).open(&path).map_err(StoreError::io("making", &path))?;
        let size = bitfield_len(length);
        let known = std::fs::read(have_path(&self.folder, &id)).ok().filter(|have| have.len() == size);
        let same = file.metadata().is_ok_and(|meta| meta.len() == length);
        file.set_len(length).map_err(StoreError::io("growing", &path))?;
        let have = known.filter(|_| same).unwrap_or_else(|| vec![0; size]);
        Ok(Incoming { id, folder: self.folder.clone(), file, length, have })
    }

    /// Whether a blob is there whole.
    pub fn has(&self, id: &BlobId) -> bool {
        whole_path(&self.folder, id).exists()
    }

    /// Reads a part of a blob.
    ///
    /// # Errors
    /// When it is not there or shorter.
    pub fn read(&self, id: &BlobId, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let path = whole_path(&self.folder, id);
        let file = File::open(&path).map_err(StoreError::io("opening", &path))?;
        let size = file.metadata().map_err(StoreError::io("reading", &path))?.len();
        if offset.checked_add(length as u64).is_none_or(|end| end > size) {
            let source = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Err(StoreError::io("reading", path)(source));
        }
        let mut out = vec![0; length];
        file.read(offset, &mut out).map_err(StoreError::io("reading", &path))?;
        Ok(out)
    }

    /// Deletes a blob, whole or not.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn delete(&self, id: &BlobId) -> Result<(), StoreError> {
        for path in [whole_path(&self.folder, id), part_path(&self.folder, id), have_path(&self.folder, id)] {
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(StoreError::io("deleting", path)(source)),
            }
        }
        Ok(())
    }

    /// The blobs that are there whole.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<BlobId>, StoreError> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(StoreError::io("listing", &self.folder))? {
            let entry = entry.map_err(StoreError::io("listing", &self.folder))?;
            found.extend(entry.file_name().to_str().and_then(|name| name.parse::<BlobId>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }
}

impl Incoming {
    /// Writes one piece. Writing it again changes nothing.
    ///
    /// # Errors
    /// When the piece has another size than its place asks, or the system refuses.
    pub fn write_piece(&mut self, index: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let path = part_path(&self.folder, &self.id);
        let offset = index.saturating_mul(PIECE_BYTES);
        let wanted = self.length.saturating_sub(offset).min(PIECE_BYTES);
        if wanted == 0 || bytes.len() as u64 != wanted {
            let source = io::Error::from(io::ErrorKind::InvalidInput);
            return Err(StoreError::io("writing", path)(source));
        }
        self.file.write(offset, bytes).map_err(StoreError::io("writing", &path))?;
        if let Some(byte) = usize::try_from(index / 8).ok().and_then(|at| self.have.get_mut(at)) {
            *byte |= 1 << (index % 8);
        }
        Ok(())
    }

    /// Whether a piece is there.
    pub fn has_piece(&self, index: u64) -> bool {
        let byte = usize::try_from(index / 8).ok().and_then(|at| self.have.get(at));
        byte.is_some_and(|byte| byte & (1 << (index % 8)) != 0)
    }

    /// The pieces that are still missing.
    pub fn missing(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.length.div_ceil(PIECE_BYTES)).filter(|index| !self.has_piece(*index))
    }

    /// Makes what came so far survive a restart.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn save(&self) -> Result<(), StoreError> {
        let path = part_path(&self.folder, &self.id);
        // The pieces first: the sidecar never names one that is not there.
        self.file.sync_data().map_err(StoreError::io("syncing", &path))?;
        replace_file(&have_path(&self.folder, &self.id), &self.have)
    }

    /// Checks the hash and gives the blob its name.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when pieces are missing or the hash is another; the attempt is dropped then.
    pub fn finish(self) -> Result<(), StoreError> {
        let path = part_path(&self.folder, &self.id);
        let mut hasher = blake3::Hasher::new();
        let hashed = File::open(&path).and_then(|file| hasher.update_reader(file).map(drop));
        hashed.map_err(StoreError::io("reading", &path))?;
        if self.missing().next().is_some() || hasher.finalize().as_bytes() != &self.id.0 {
            let _ = std::fs::remove_file(have_path(&self.folder, &self.id));
            return Err(StoreError::Damaged(path));
        }
        self.file.sync_all().map_err(StoreError::io("syncing", &path))?;
        let whole = whole_path(&self.folder, &self.id);
        std::fs::rename(&path, &whole).map_err(StoreError::io("renaming", &path))?;
        sync_folder(&whole)?;
        let _ = std::fs::remove_file(have_path(&self.folder, &self.id));
        Ok(())
    }
}

fn bitfield_len(length: u64) -> usize {
    usize::try_from(length.div_ceil(PIECE_BYTES).div_ceil(8)).unwrap_or(usize::MAX)
}

fn whole_path(folder: &Path, id: &BlobId) -> PathBuf {
    folder.join(id.to_string())
}

fn part_path(folder: &Path, id: &BlobId) -> PathBuf {
    folder.join(format!("{id}.part"))
}

fn have_path(folder: &Path, id: &BlobId) -> PathBuf {
    folder.join(format!("{id}.have"))
}
