//! The key file: one secret outside the database, from which every other key is derived.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use token::Entropy;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::journal::hex;

/// The secret of this installation.
pub struct Keys {
    root: Key,
}

/// A derived key. Does not print; overwritten with zeros when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Keys {
    /// The key for one purpose: HMAC-SHA256 of the label under the file's secret. Different
    /// labels give keys that tell nothing of each other.
    pub fn derive(&self, label: &[u8]) -> Key {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.root.0).expect("HMAC takes keys of any length");
        mac.update(label);
        Key(mac.finalize().into_bytes().into())
    }

    /// What tells this key file from any other, and nothing of the secret in it.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        *self.derive(b"jeton key file fingerprint 1").as_bytes()
    }

    /// The keys of a file that is there.
    pub(crate) fn read(path: &Path) -> Result<Keys, KeyFileError> {
        read(path)
    }

    /// Reads the key file. `may_create`: makes it where there is none, which only a new database
    /// may ask for, because an old one would find its seals closed for ever.
    pub(crate) fn open(path: &Path, may_create: bool, entropy: &dyn Entropy) -> Result<Keys, KeyFileError> {
        let io = |source| KeyFileError::Io { path: path.to_owned(), source };
        match read(path) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                if !may_create {
                    return Err(KeyFileError::Missing { path: path.to_owned() });
                }
                create(path, entropy).map_err(io)?;
                read(path)
            }
            read => read,
        }
    }

    /// Puts a copy of a key file where there is none, and makes the directory for it.
    pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), KeyFileError> {
        let io = |path: &Path, source| KeyFileError::Io { path: path.to_owned(), source };
        let text = Zeroizing::new(fs::read_to_string(from).map_err(|cause| io(from, cause))?);
        let directory = to.parent().filter(|directory| !directory.as_os_str().is_empty());
        directory
            .map_or(Ok(()), |directory| fs::DirBuilder::new().recursive(true).mode(0o700).create(directory))
            .and_then(|()| put(to, &text))
            .map_err(|cause| io(to, cause))
    }
}

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error(
        "the key file {} is missing, but the database was written with one; copy it from a peer \
         that runs, or put it back from your backup; without it what is sealed can never be read", path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "the key file {} can be read by others (mode {mode:03o}); run `chmod 600` on it", path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error("the key file {} has no line of 64 hexadecimal digits; put the right one back", path.display())]
    Malformed { path: PathBuf },
    #[error("could not use the key file {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

const COMMENT: &str = "# jeton's server key. Keep a copy apart from the database's backups: \
                       what is sealed opens only with both.\n";

fn create(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let mut secret = Zeroizing::new([0; 32]);
    entropy.fill(&mut *secret);
    let mut text = Zeroizing::new(String::with_capacity(256));
    text.push_str(COMMENT);
    hex(&*secret, &mut text);
    text.push('\n');
    put(path, &text)
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    // Whole or not at all: a torn key file would look like a wrong one.
    let unfinished = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => fs::File::open(directory)?.sync_all(),
        _ => fs::File::open(".")?.sync_all(),
    }
}

fn read(path: &Path) -> Result<Keys, KeyFileError> {
    let io = |source| KeyFileError::Io { path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(io)?;
    let mode = file.metadata().map_err(io)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::with_capacity(1024));
    file.read_to_string(&mut text).map_err(io)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let root = line.and_then(parse).ok_or_else(|| KeyFileError::Malformed { path: path.to_owned() })?;
    Ok(Keys { root })
}

fn parse(digits: &str) -> Option<Key> {
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = Key([0; 32]);
    for (byte, pair) in key.0.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}
