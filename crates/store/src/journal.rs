//! The journal beside the database: a small commit is one write of a few sectors and one sync, where redb writes a page
//! for each table it touches and each level of its trees. redb gets the same rows right after, without waiting for the
//! disk, and once in a while with it (a checkpoint); then the journal begins again at its start.
//!
//! ```text
//!  0      header: nonce, sealed epoch, tag           two, written in turn, one at each opening
//!  4096   header
//!  8192   record n: length, sequence, nonce, sealed rows, tag, zeros up to the next sector
//!  …      record n + 1 …
//!  …      records from before the last checkpoint, with lower sequences: nobody looks at them
//! ```
//!
//! At most one record is written between two syncs, and none shares a sector with another. So after a power cut only the
//! newest may be torn, and it was never confirmed. A record that does not authenticate before one that does is damage.
//!
//! Each opening begins an epoch, which the database notes as well. Records of another epoch do not authenticate: a database
//! that is put back from a copy never takes what was written after the copy.

use std::borrow::Cow;
use std::io;

use chacha20poly1305::KeyInit as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::AeadInOut as _;
use kith_proto::codec::Decode as _;
use kith_proto::codec::Encode as _;
use kith_proto::codec::Reader;
use kith_proto::codec::put_varint;
use kith_proto::error::DecodeError;
use zeroize::Zeroizing;

use crate::backend::Disk;

/// The name of the file in the data folder.
pub const JOURNAL_FILE: &str = "kith.journal";

/// The length of the file, all of it written once, so that a sync has no metadata to write.
pub const JOURNAL_BYTES: u64 = 1 << 20;

/// The largest record. What is larger goes to the database at once.
const MAX_RECORD_BYTES: usize = 64 << 10;

/// What a record begins at a multiple of: what a disk writes wholly or not at all.
const SECTOR_BYTES: usize = 4096;

/// Where the records begin.
const FIRST: u64 = 2 * SECTOR_BYTES as u64;

const EPOCH_BYTES: usize = 8;
const LENGTH_BYTES: usize = 4;
const SEQUENCE_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = LENGTH_BYTES + SEQUENCE_BYTES + NONCE_BYTES;

/// A row as it stands in the database: forgettable values are sealed already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWrite<'a> {
    /// The table's name.
    pub table: Cow<'a, str>,
    /// The row's key.
    pub key: Cow<'a, [u8]>,
    /// The new value, or `None` to delete the row.
    pub value: Option<Cow<'a, [u8]>>,
}

/// Appends rows to the body of a record.
pub(crate) fn put_rows(body: &mut Vec<u8>, rows: &[StoredWrite<'_>]) {
    for row in rows {
        for part in [row.table.as_bytes(), &row.key] {
            put_varint(body, part.len() as u64);
            body.extend_from_slice(part);
        }
        row.value.is_some().encode(body);
        if let Some(value) = &row.value {
            put_varint(body, value.len() as u64);
            body.extend_from_slice(value);
        }
    }
}

fn read_rows(body: &[u8]) -> Result<Vec<StoredWrite<'static>>, DecodeError> {
    let mut reader = Reader::new(body);
    let mut rows = Vec::new();
    while reader.remaining() > 0 {
        let bytes = |reader: &mut Reader<'_>| -> Result<Vec<u8>, DecodeError> {
            let length = reader.length("bytes of a row", MAX_RECORD_BYTES)?;
            Ok(reader.take(length)?.to_vec())
        };
        let table = String::from_utf8(bytes(&mut reader)?)
            .map_err(|_| DecodeError::Invalid { what: "name of a table" })?;
        let key = bytes(&mut reader)?;
        let value = if bool::decode(&mut reader)? { Some(bytes(&mut reader)?) } else { None };
        rows.push(StoredWrite { table: table.into(), key: key.into(), value: value.map(Cow::Owned) });
    }
    Ok(rows)
}

/// The journal of one database.
pub(crate) struct Journal {
    disk: Box<dyn Disk>,
    cipher: XChaCha20Poly1305,
    database: [u8; 16],
    /// What the records from this opening are bound to.
    epoch: u64,
    /// The header that the next opening may overwrite.
    spare: u64,
    /// Where the next record goes.
    at: u64,
    /// The number of the newest commit: of a record, or of a checkpoint.
    sequence: u64,
}

/// What an unclean end left in a journal.
#[derive(Debug)]
pub(crate) enum Found {
    /// The rows of the records that the database does not hold, in order, and the number of the last.
    Rows(Vec<StoredWrite<'static>>, u64),
    /// Something that was confirmed cannot be read, or the journal belongs to another time.
    Damage,
}

impl Journal {
    /// The journal on a disk, which is brought to its length if need be.
    ///
    /// # Errors
    /// When the disk cannot be read or written.
    pub(crate) fn open(
        disk: Box<dyn Disk>,
        key: &Zeroizing<[u8; 32]>,
        database: [u8; 16],
    ) -> io::Result<Self> {
        let length = disk.len()?;
        if length < JOURNAL_BYTES {
            let missing = usize::try_from(JOURNAL_BYTES - length).unwrap_or_default();
            disk.write(length, &vec![0; missing])?;
        }
        // What a program left that was killed may be in the system's memory only.
        disk.sync()?;
        let cipher = XChaCha20Poly1305::new((&**key).into());
        Ok(Self { disk, cipher, database, epoch: 0, spare: 0, at: FIRST, sequence: 0 })
    }

    /// Begins an epoch on disk, beside the one that the database names. Returns its number, which the database must note
    /// on disk before the first record is appended.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub(crate) fn begin_epoch(&mut self) -> io::Result<u64> {
        let mut epoch = [0; EPOCH_BYTES];
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut epoch).map_err(|error| io::Error::other(error.to_string()))?;
        getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
        self.epoch = u64::from_le_bytes(epoch);
        let place = self.header_place(self.spare);
        let tag = self
            .cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &place, epoch.as_mut_slice().into())
            .map_err(|_| io::Error::other("sealing failed"))?;
        let mut sector = [nonce.as_slice(), &epoch, &tag].concat();
        sector.resize(SECTOR_BYTES, 0);
        self.disk.write(self.spare * SECTOR_BYTES as u64, &sector)?;
        self.disk.sync()?;
        Ok(self.epoch)
    }

    /// The epoch of a header, if it is authentic.
    fn header(&self, bytes: &[u8], slot: u64) -> Option<u64> {
        let at = usize::try_from(slot).ok()? * SECTOR_BYTES;
        let (nonce, rest) = bytes.get(at..)?.split_first_chunk::<NONCE_BYTES>()?;
        let (sealed, rest) = rest.split_first_chunk::<EPOCH_BYTES>()?;
        let (tag, _) = rest.split_first_chunk::<TAG_BYTES>()?;
        let (place, mut epoch) = (self.header_place(slot), *sealed);
        let buffer = epoch.as_mut_slice().into();
        self.cipher.decrypt_inout_detached(&XNonce::from(*nonce), &place, buffer, tag.into()).ok()?;
        Some(u64::from_le_bytes(epoch))
    }

    /// The number of the newest commit.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether a checkpoint at a quiet moment spares a busy one.
    pub(crate) fn is_half_full(&self) -> bool {
        self.at >= JOURNAL_BYTES / 2
    }

    /// Begins again at the start: the database holds everything up to the commit of this number, on disk.
    pub(crate) fn restart(&mut self, sequence: u64) {
        (self.at, self.sequence) = (FIRST, sequence);
    }

    /// Makes one record durable. Returns whether there was room for it.
    ///
    /// # Errors
    /// What the system says; then nothing is known of the record.
    pub(crate) fn append(&mut self, body: &[u8]) -> io::Result<bool> {
        let length = HEAD_BYTES + body.len() + TAG_BYTES;
        let padded = length.next_multiple_of(SECTOR_BYTES);
        if padded > MAX_RECORD_BYTES || self.at + padded as u64 > JOURNAL_BYTES {
            return Ok(false);
        }
        let sequence = self.sequence + 1;
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
        // The plain rows stand here until they are sealed in place.
        let mut record = Zeroizing::new(Vec::with_capacity(padded));
        record.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        record.extend_from_slice(&sequence.to_le_bytes());
        record.extend_from_slice(&nonce);
        record.extend_from_slice(body);
        let place = self.place(self.at, sequence, body.len());
        let sealed = record.get_mut(HEAD_BYTES..).unwrap_or_default();
        let tag = self
            .cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &place, sealed.into())
            .map_err(|_| io::Error::other("sealing failed"))?;
        record.extend_from_slice(&tag);
        record.resize(padded, 0);
        self.disk.write(self.at, &record)?;
        self.disk.sync()?;
        self.at += padded as u64;
        self.sequence = sequence;
        Ok(true)
    }

    /// What the journal holds beyond the commit of this number, the last that the database holds, in the epoch that it
    /// names. `None`: a database that knows nothing of a journal yet. Whatever a closed database lacks was never confirmed.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(crate) fn after(&mut self, held: u64, epoch: Option<u64>, was_closed: bool) -> io::Result<Found> {
        let mut bytes = vec![0; usize::try_from(JOURNAL_BYTES).unwrap_or_default()];
        self.disk.read(0, &mut bytes)?;
        let ours = epoch.and_then(|epoch| (0..2).find(|slot| self.header(&bytes, *slot) == Some(epoch)));
        self.spare = ours.map_or(0, |slot| 1 - slot);
        let Some(epoch) = epoch.filter(|_| !was_closed) else { return Ok(Found::Rows(Vec::new(), held)) };
        if ours.is_none() {
            return Ok(Found::Damage);
        }
        self.epoch = epoch;
        let (mut at, mut last, mut rows) = (FIRST as usize, None, Vec::new());
        while let Some((sequence, body, next)) = self.record(&bytes, at) {
            if last.is_some_and(|last| sequence != last + 1) {
                break;
            }
            if last.is_none() && sequence > held + 1 {
                return Ok(Found::Damage);
            }
            if sequence > held {
                let Ok(more) = read_rows(&body) else { return Ok(Found::Damage) };
                rows.extend(more);
            }
            (at, last) = (next, Some(sequence));
        }
        let newest = last.unwrap_or_default().max(held);
        // Nothing newer was ever begun before the one that is missing was on disk.
        let lost = (at..bytes.len())
            .step_by(SECTOR_BYTES)
            .any(|at| self.record(&bytes, at).is_some_and(|(sequence, ..)| sequence > newest));
        Ok(if lost { Found::Damage } else { Found::Rows(rows, newest) })
    }

    /// The record at a place, if an authentic one is there: its number, its body, and where the next one goes.
    fn record(&self, bytes: &[u8], at: usize) -> Option<(u64, Zeroizing<Vec<u8>>, usize)> {
        let (length, rest) = bytes.get(at..)?.split_first_chunk::<LENGTH_BYTES>()?;
        let (sequence, rest) = rest.split_first_chunk::<SEQUENCE_BYTES>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let sequence = u64::from_le_bytes(*sequence);
        let whole = (HEAD_BYTES + TAG_BYTES).checked_add(length)?;
        if sequence == 0 || whole > MAX_RECORD_BYTES {
            return None;
        }
        let (body, rest) = rest.split_at_checked(length)?;
        let tag = rest.first_chunk::<TAG_BYTES>()?;
        let mut body = Zeroizing::new(body.to_vec());
        let place = self.place(at as u64, sequence, length);
        self.cipher
            .decrypt_inout_detached(&XNonce::from(*nonce), &place, body.as_mut_slice().into(), tag.into())
            .ok()?;
        Some((sequence, body, at + whole.next_multiple_of(SECTOR_BYTES)))
    }

    /// What a record is bound to. No block of the database has associated data of this length, and no header.
    fn place(&self, at: u64, sequence: u64, length: usize) -> [u8; 56] {
        let mut place = [0; 56];
        let numbers = [self.epoch, at, sequence, length as u64].map(u64::to_le_bytes);
        let bytes = self.database.iter().chain(b"journal\0").chain(numbers.as_flattened());
        place.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        place
    }

    /// What a header is bound to.
    fn header_place(&self, slot: u64) -> [u8; 32] {
        let mut place = [0; 32];
        let bytes = self.database.iter().copied().chain(*b"header\0\0").chain(slot.to_le_bytes());
        place.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        place
    }
}
