//! The small file that opens everything else: the master key of the pages and the shred keys of forgettable rows.
//!
//! It is rewritten whole (new file, sync, rename, sync of the folder), so a key that was dropped is in no current
//! file; the old file's bytes are overwritten as well as the file system allows. With a passphrase the keys are sealed
//! under Argon2id (RFC 9106); without one, under a key beside them: then whoever reads the folder reads the data.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use argon2::Algorithm;
use argon2::Argon2;
use argon2::Params;
use argon2::Version;
use chacha20poly1305::KeyInit as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut as _;
use kith_proto::codec::Decode;
use kith_proto::codec::Encode;
use kith_proto::codec::Reader;
use kith_proto::error::DecodeError;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::error::random;
use crate::lock::private;

/// The name of the file in the data folder.
pub const KEYRING_FILE: &str = "keyring";

const MAGIC: &[u8; 8] = b"KITHKEYS";
/// 2 says that there is a journal beside the database, which a program that knows only 1 would pass over.
const VERSION: u8 = 2;
const NONCE_BYTES: usize = 24;

/// Memory of Argon2id in KiB, passes and lanes: 64 MiB and three passes, the second choice of RFC 9106, section 4;
/// a quarter of a second on a small computer.
const ARGON2: (u32, u32, u32) = (64 << 10, 3, 1);

/// What a file may ask of us, so that a forged one cannot exhaust the memory.
const ARGON2_MOST: (u32, u32, u32) = (1 << 20, 16, 16);

/// How many shred keys there may be at once: two, while rows move from the old one to the new one.
const MAX_SHRED_KEYS: usize = 16;

type Key = Zeroizing<[u8; 32]>;

/// The keys of a data folder.
pub struct Keyring {
    path: PathBuf,
    /// Seals the pages of the database and the blobs.
    pub(crate) master: Key,
    /// Names the database, so that pages of another one are not taken for its own.
    pub(crate) database: [u8; 16],
    /// Shred keys by number, oldest first; the last one seals.
    pub(crate) shred: Vec<(u32, Key)>,
    /// Whether the file is of an older version.
    pub(crate) is_old: bool,
    locking: Locking,
}

/// What seals the keys.
enum Locking {
    /// A random key in the same file.
    Open(Key),
    /// A key from a passphrase.
    Passphrase { salt: [u8; 16], cost: (u32, u32, u32), key: Key },
}

impl Keyring {
    /// New keys for a folder, not written yet.
    pub(crate) fn new(folder: &Path, passphrase: Option<&str>) -> Result<Self, StoreError> {
        Ok(Self {
            path: folder.join(KEYRING_FILE),
            master: Zeroizing::new(random()?),
            database: random()?,
            shred: vec![(1, Zeroizing::new(random()?))],
            is_old: false,
            locking: Locking::new(passphrase)?,
        })
    }

    /// The number of the shred key that seals.
    pub(crate) fn newest(&self) -> u32 {
        self.shred.last().map_or(0, |(number, _)| *number)
    }

    /// The keys of a folder.
    pub(crate) fn open(folder: &Path, passphrase: Option<&str>) -> Result<Self, StoreError> {
        let path = folder.join(KEYRING_FILE);
        let (version, locked, rest) = read_head(&path)?;
        let locking = match locked {
            Head::Open(key) => Locking::Open(key),
            Head::Passphrase { salt, cost } => {
                let passphrase = passphrase.ok_or(StoreError::NeedsPassphrase)?;
                Locking::Passphrase { salt, cost, key: derive(passphrase, &salt, cost)? }
            }
        };
        let protected = matches!(locking, Locking::Passphrase { .. });
        let head = locking.head(version);
        let plain = rest
            .split_first_chunk::<NONCE_BYTES>()
            .and_then(|(nonce, sealed)| {
                let mut buffer = Zeroizing::new(sealed.to_vec());
                let cipher = XChaCha20Poly1305::new((&**locking.key()).into());
                cipher.decrypt_in_place(nonce.into(), &head, &mut *buffer).ok()?;
                Some(buffer)
            })
            .ok_or_else(|| {
                if protected { StoreError::WrongPassphrase } else { StoreError::Damaged(path.clone()) }
            })?;
        let (master, database, shred) = read_keys(&plain).map_err(|_| StoreError::Damaged(path.clone()))?;
        Ok(Self { path, master, database, shred, is_old: version < VERSION, locking })
    }

    /// Whether the folder's keys are sealed with a passphrase.
    pub(crate) fn is_protected(folder: &Path) -> Result<bool, StoreError> {
        Ok(matches!(read_head(&folder.join(KEYRING_FILE))?.1, Head::Passphrase { .. }))
    }

    /// Seals the keys with another passphrase, or with none.
    pub(crate) fn change_passphrase(&mut self, passphrase: Option<&str>) -> Result<(), StoreError> {
        let old = std::mem::replace(&mut self.locking, Locking::new(passphrase)?);
        self.write().inspect_err(|_| self.locking = old)
    }

    /// Whether a passphrase is the one that seals the keys. Without one, only `None` is.
    pub(crate) fn check(&self, passphrase: Option<&str>) -> Result<bool, StoreError> {
        match (&self.locking, passphrase) {
            (Locking::Open(_), None) => Ok(true),
            (Locking::Passphrase { salt, cost, key }, Some(passphrase)) => {
                let derived = derive(passphrase, salt, *cost)?;
                Ok(subtle::ConstantTimeEq::ct_eq(derived.as_slice(), key.as_slice()).into())
            }
            _ => Ok(false),
        }
    }

    /// Adds a shred key that seals from now on.
    pub(crate) fn add_shred_key(&mut self) -> Result<u32, StoreError> {
        let number = self.shred.last().map_or(1, |(number, _)| number.wrapping_add(1));
        self.shred.push((number, Zeroizing::new(random()?)));
        if let Err(error) = self.write() {
            // Nothing may be sealed with a key that is not on disk.
            self.shred.pop();
            return Err(error);
        }
        Ok(number)
    }

    /// Drops all shred keys but the newest. What was sealed under them cannot be read any more.
    pub(crate) fn drop_old_shred_keys(&mut self) -> Result<(), StoreError> {
        let keep = self.shred.len().saturating_sub(1);
        self.shred.drain(..keep);
        self.write()
    }

    /// Writes the keys to the folder.
    pub(crate) fn write(&mut self) -> Result<(), StoreError> {
        // Room for all of it: a vector that grows leaves copies behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(128 + 36 * self.shred.len()));
        self.master.encode(&mut plain);
        self.database.encode(&mut plain);
        kith_proto::codec::put_varint(&mut plain, self.shred.len() as u64);
        for (number, key) in &self.shred {
            number.encode(&mut plain);
            key.encode(&mut plain);
        }
        let head = self.locking.head(VERSION);
        let nonce: [u8; NONCE_BYTES] = random()?;
        XChaCha20Poly1305::new((&**self.locking.key()).into())
            .encrypt_in_place((&nonce).into(), &head, &mut *plain)
            .map_err(|_| StoreError::Poisoned)?;
        let bytes = Zeroizing::new([head.as_slice(), &nonce, &plain].concat());
        replace_file(&self.path, &bytes)?;
        self.is_old = false;
        Ok(())
    }
}

impl Locking {
    fn new(passphrase: Option<&str>) -> Result<Self, StoreError> {
        Ok(match passphrase {
            None => Self::Open(Zeroizing::new(random()?)),
            Some(passphrase) => {
                let salt = random()?;
                Self::Passphrase { salt, cost: ARGON2, key: derive(passphrase, &salt, ARGON2)? }
            }
        })
    }

    fn key(&self) -> &Key {
        match self {
            Self::Open(key) | Self::Passphrase { key, .. } => key,
        }
    }

    /// The clear beginning of the file, authenticated with the rest.
    fn head(&self, version: u8) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(version);
        match self {
            Self::Open(key) => {
                out.push(0);
                key.encode(&mut out);
            }
            Self::Passphrase { salt, cost, .. } => {
                out.push(1);
                salt.encode(&mut out);
                cost.0.encode(&mut out);
                cost.1.encode(&mut out);
                cost.2.encode(&mut out);
            }
        }
        out
    }
}

enum Head {
    Open(Key),
    Passphrase { salt: [u8; 16], cost: (u32, u32, u32) },
}

fn read_head(path: &Path) -> Result<(u8, Head, Vec<u8>), StoreError> {
    let bytes = std::fs::read(path).map_err(StoreError::io("reading", path))?;
    let damaged = || StoreError::Damaged(path.to_owned());
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    if rest.first().is_some_and(|version| *version > VERSION) {
        return Err(StoreError::TooNew(path.to_owned()));
    }
    let mut reader = Reader::new(rest);
    let mut read = || -> Result<(u8, Head), DecodeError> {
        let version = u8::decode(&mut reader)?;
        if version == 0 {
            return Err(DecodeError::Invalid { what: "keyring version" });
        }
        let head = match u8::decode(&mut reader)? {
            0 => Head::Open(Zeroizing::new(reader.array()?)),
            1 => {
                let salt = reader.array()?;
                let cost = (u32::decode(&mut reader)?, u32::decode(&mut reader)?, u32::decode(&mut reader)?);
                if cost.0 > ARGON2_MOST.0 || cost.1 > ARGON2_MOST.1 || cost.2 > ARGON2_MOST.2 {
                    return Err(DecodeError::Invalid { what: "keyring cost" });
                }
                Head::Passphrase { salt, cost }
            }
            _ => return Err(DecodeError::Invalid { what: "keyring kind" }),
        };
        Ok((version, head))
    };
    let (version, head) = read().map_err(|_| damaged())?;
    Ok((version, head, reader.take_rest().to_vec()))
}

type Keys = (Key, [u8; 16], Vec<(u32, Key)>);

fn read_keys(plain: &[u8]) -> Result<Keys, DecodeError> {
    let mut reader = Reader::new(plain);
    let master = Zeroizing::new(reader.array()?);
    let database = reader.array()?;
    let mut shred = Vec::new();
    for _ in 0..reader.length("shred keys", MAX_SHRED_KEYS)? {
        shred.push((u32::decode(&mut reader)?, Zeroizing::new(reader.array()?)));
    }
    reader.finish()?;
    if shred.is_empty() {
        Err(DecodeError::Invalid { what: "shred keys" })
    } else {
        Ok((master, database, shred))
    }
}

fn derive(passphrase: &str, salt: &[u8; 16], cost: (u32, u32, u32)) -> Result<Key, StoreError> {
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(cost.0, cost.1, cost.2, Some(32)).map_err(|_| StoreError::WrongPassphrase)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .map_err(|_| StoreError::WrongPassphrase)?;
    Ok(key)
}

/// Writes a file whole or not at all, and overwrites what stood there before.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let new = path.with_extension("new");
    let old = OpenOptions::new().write(true).open(path).ok();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = private(&mut options).open(&new).map_err(StoreError::io("making", &new))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(StoreError::io("writing", &new))?;
    std::fs::rename(&new, path).map_err(StoreError::io("replacing", path))?;
    sync_folder(path)?;
    if let Some(old) = old {
        wipe(old);
    }
    Ok(())
}

/// Overwrites a file that has no name any more. A disk that keeps old blocks may still hold them; nothing here can
/// tell or change that, so a failure is not reported.
fn wipe(mut file: File) {
    let length = file.metadata().map_or(0, |meta| meta.len());
    let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
    if file.write_all(&zeros).is_ok() {
        let _ = file.sync_data();
    }
}

/// Makes a rename survive a power cut.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::io("syncing", folder))?;
    }
    Ok(())
}
