//! Signed checkpoints: what the journal was at a time, kept where whoever can write to the database
//! cannot write.
//!
//! The chain shows that entries follow from each other, but somebody who rewrites it to its end, or
//! cuts its end off, leaves a chain that holds. A checkpoint names the hash of an entry, signed with
//! Ed25519 (RFC 8032) under a key that is derived from the key file. One checkpoint vouches for every
//! entry up to its own, and for what remains of those that were erased by then; see [`erasures`](crate::erasures).
//!
//! In a file each is a line of JSON. What is signed are five lines, each with its line break:
//! `jeton checkpoint 1`, `origin`, `seq`, `hash`, `at`, as they stand in the JSON.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::time::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::contract::Unavailable;
use crate::erasures::Erasures;
use crate::journal::{Walk, hex};
use crate::keys::Keys;
use crate::narrowings::whole_lines;
use crate::sql::reads;

/// What the journal was at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Which journal: the first 16 digits of its first entry's hash.
    pub origin: String,
    pub seq: i64,
    /// Of that entry, in hexadecimal, as all bytes here.
    pub hash: String,
    pub at: Timestamp,
    /// The public key.
    pub key: String,
    pub signature: String,
}

impl Checkpoint {
    /// The checkpoint of a line.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    fn text(&self) -> String {
        let Self { origin, seq, hash, at, .. } = self;
        format!("jeton checkpoint 1\n{origin}\n{seq}\n{hash}\n{at}\n")
    }

    /// Whether it was signed under this key, in hexadecimal.
    pub fn is_signed_by(&self, key: &str) -> bool {
        let (Some(public), Some(signature)) = (unhex(key), unhex(&self.signature)) else { return false };
        let is_signed =
            || UnparsedPublicKey::new(&ED25519, public).verify(self.text().as_bytes(), &signature);
        self.key == key && is_signed().is_ok()
    }
}

/// As a line of a file.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).expect("texts and a number are JSON"))
    }
}

/// Signs checkpoints. Peers with one key file sign alike.
pub(crate) struct Signer(Ed25519KeyPair);

impl Signer {
    pub(crate) fn new(keys: &Keys) -> Self {
        let seed = keys.derive(b"jeton journal checkpoints 1");
        Self(Ed25519KeyPair::from_seed_unchecked(seed.as_bytes()).expect("a seed is any 32 bytes"))
    }

    /// In hexadecimal.
    pub(crate) fn public_key(&self) -> String {
        digits(self.0.public_key().as_ref())
    }

    pub(crate) fn sign(&self, first: &[u8; 32], seq: i64, hash: &[u8; 32], at: Timestamp) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            origin: digits(&first[..8]),
            seq,
            hash: digits(hash),
            at,
            key: self.public_key(),
            signature: String::new(),
        };
        checkpoint.signature = digits(self.0.sign(checkpoint.text().as_bytes()).as_ref());
        checkpoint
    }
}

fn digits(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    hex(bytes, &mut digits);
    digits
}

pub(crate) fn unhex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Why checkpoints cannot be read, written or believed.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("could not use {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{line} of {} is no checkpoint", path.display())]
    Malformed { path: PathBuf, line: String },
    #[error("line {line} of {} was not signed with this server's key", path.display())]
    Forged { path: PathBuf, line: usize },
    /// The journal is not what was signed.
    #[error(transparent)]
    Disagrees(#[from] Box<Disagreement>),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A checkpoint that a journal does not agree with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Disagreement {
    pub checkpoint: Checkpoint,
    /// The last entry, where the journal ends before the checkpoint's.
    pub cut_at: Option<i64>,
    /// The last checkpoint before it with which the journal agrees.
    pub agreed: Option<i64>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checkpoint { seq, at, .. } = &self.checkpoint;
        match self.cut_at {
            Some(end) => write!(
                f,
                "the journal ends at entry {end}, and entry {seq} was signed at {at}: it was cut back"
            )?,
            None => {
                write!(f, "entry {seq} is not the one that was signed at {at}: the journal was rewritten")?
            }
        }
        match self.agreed {
            Some(agreed) => write!(f, "; the last checkpoint that agrees is of entry {agreed}"),
            None => write!(f, "; no checkpoint agrees"),
        }
    }
}

/// The checkpoints of a file, each of which must be signed under `key` (in hexadecimal); none given,
/// under the one that the first names. A last line that a crash left torn does not count.
///
/// # Errors
/// A file that cannot be read, and a line that is no checkpoint or of another key.
pub fn read_checkpoints(path: &Path, key: Option<&str>) -> Result<Vec<Checkpoint>, CheckpointError> {
    let text =
        fs::read_to_string(path).map_err(|source| CheckpointError::Io { path: path.into(), source })?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut key = key.map(str::to_owned);
    let mut all = Vec::new();
    for (n, line) in whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line_number = n + 1;
        let checkpoint = Checkpoint::parse(line).ok_or_else(|| CheckpointError::Malformed {
            path: path.into(),
            line: format!("line {line_number}"),
        })?;
        let key = key.get_or_insert_with(|| checkpoint.key.clone());
        if !checkpoint.is_signed_by(key) {
            return Err(CheckpointError::Forged { path: path.into(), line: line_number });
        }
        all.push(checkpoint);
    }
    Ok(all)
}

/// Checkpoints that a walk along the chain passes by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    /// By their entries, the last first.
    left: Vec<Checkpoint>,
    agreed: Option<i64>,
    disagreement: Option<Disagreement>,
}

impl Marks {
    pub(crate) fn new(mut checkpoints: Vec<Checkpoint>) -> Self {
        checkpoints.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.seq));
        Self { left: checkpoints, ..Self::default() }
    }

    /// The chain has this hash at this entry.
    pub(crate) fn pass(&mut self, seq: i64, hash: &[u8; 32]) {
        while let Some(checkpoint) = self.left.pop_if(|checkpoint| checkpoint.seq <= seq) {
            // All of a key's own hashes are written alike.
            if checkpoint.seq == seq && checkpoint.hash == digits(hash) {
                self.agreed = Some(seq);
            } else if self.disagreement.is_none() {
                self.disagreement = Some(Disagreement { checkpoint, cut_at: None, agreed: self.agreed });
            }
        }
    }

    /// The chain ends here. The first checkpoint that it does not agree with, if any.
    pub(crate) fn end(mut self, seq: i64) -> Option<Disagreement> {
        self.disagreement.take().or_else(|| {
            let checkpoint = self.left.pop()?;
            Some(Disagreement { checkpoint, cut_at: Some(seq), agreed: self.agreed })
        })
    }
}

/// What the file is called in a data directory, unless the operator says otherwise.
pub(crate) const NAME: &str = "checkpoints.log";

/// Bytes of a line, at most; ours have about 350.
const LONGEST: u64 = 4096;

/// A file of checkpoints that grows.
pub struct CheckpointFile {
    path: PathBuf,
    file: File,
    /// Up to here every line is whole and on the disk.
    end: u64,
    last: Option<Checkpoint>,
}

impl CheckpointFile {
    /// Opens the file, and makes it where there is none. Blocks.
    ///
    /// # Errors
    /// A file that cannot be used, or whose last line is no checkpoint.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let io = |source| CheckpointError::Io { path: path.to_owned(), source };
        let opened = || -> io::Result<(File, u64, Vec<u8>)> {
            let mut options = OpenOptions::new();
            let mut file =
                options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
            let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
            let end = whole_lines(&mut file)?;
            file.set_len(end)?;
            let mut tail = vec![0; end.min(LONGEST) as usize];
            file.seek(SeekFrom::Start(end - tail.len() as u64))?;
            file.read_exact(&mut tail)?;
            Ok((file, end, tail))
        };
        let (file, end, tail) = opened().map_err(io)?;
        let last = tail.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().filter(|line| !line.is_empty());
        let last = last.map(|line| {
            let checkpoint = std::str::from_utf8(line).ok().and_then(Checkpoint::parse);
            let line = || "the last line".to_owned();
            checkpoint.ok_or_else(|| CheckpointError::Malformed { path: path.to_owned(), line: line() })
        });
        Ok(Self { path: path.to_owned(), file, end, last: last.transpose()? })
    }

    /// Signs and appends what the journal is now, if it has moved since the last checkpoint and still
    /// agrees with it: what was rewritten is never signed over. Returns once it is on the disk.
    ///
    /// # Errors
    /// The journal does not agree with the last checkpoint, or one of the two cannot be read or written.
    pub async fn extend(&mut self, store: &Store) -> Result<Option<Checkpoint>, CheckpointError> {
        let Some(next) = store.checkpoint().await? else {
            return match &self.last {
                None => Ok(None),
                Some(last) => Err(disagreement(last, 0).into()),
            };
        };
        if let Some(last) = &self.last {
            let hash = store.read(reads::hash_at(last.seq)).await?;
            if hash.is_none_or(|hash| digits(&hash) != last.hash) {
                return Err(disagreement(last, next.seq).into());
            }
            if last.seq == next.seq {
                return Ok(None);
            }
        }
        self.append(&next).map_err(|source| CheckpointError::Io { path: self.path.clone(), source })?;
        self.last = Some(next.clone());
        Ok(Some(next))
    }

    /// A line, and its way to the disk: once in minutes, and some hundred bytes.
    fn append(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        let line = format!("{checkpoint}\n");
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        self.end += line.len() as u64;
        Ok(())
    }
}

fn disagreement(last: &Checkpoint, end: i64) -> Box<Disagreement> {
    let cut_at = (end < last.seq).then_some(end);
    Box::new(Disagreement { checkpoint: last.clone(), cut_at, agreed: None })
}

impl Store {
    /// What the journal is now, signed; none while it is empty.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, Unavailable> {
        let (first, head) = self.read(reads::ends()).await?;
        let signed = |first| self.common().signer.sign(&first, head.seq, &head.hash, self.now());
        Ok(first.map(signed))
    }

    /// The key under which checkpoints are signed, in hexadecimal.
    pub fn checkpoint_key(&self) -> String {
        self.common().signer.public_key()
    }
}

/// A journal that is checked without its store: entry by entry as it was exported, whole and from
/// the first one on.
pub struct Audit(Walk);

impl Audit {
    /// `erasures` are the entries among them that tell of erasures ([`Audit::needs`]), in their order: what
    /// they tell must be known before the entries that they tell of.
    pub fn new(checkpoints: Vec<Checkpoint>, erasures: &[crate::JournalRow]) -> Self {
        let walk = Walk::after(0, crate::journal::GENESIS).by(Marks::new(checkpoints));
        Self(walk.told(Erasures::told_by(erasures)))
    }

    /// Whether entries of this action must be known beforehand.
    pub fn needs(action: &str) -> bool {
        crate::erasures::tells(action)
    }

    /// The next entry.
    pub fn step(&mut self, row: &crate::JournalRow) {
        let line = || Ok::<_, std::convert::Infallible>(crate::erasures::remains(row));
        let Ok(()) = self.0.step_along(&row.link(), line);
    }

    /// The end. Says nothing of whether entries are missing there, but what checkpoints tell.
    ///
    /// # Errors
    /// The first entry that does not fit.
    pub fn end(self) -> Result<crate::Verified, crate::Broken> {
        self.0.stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{GENESIS, chain};

    fn signer() -> Signer {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::open(&directory.path().join("key"), true, &token::SystemEntropy).unwrap();
        Signer::new(&keys)
    }

    #[test]
    fn a_checkpoint_is_believed_as_it_was_signed_and_under_its_key_alone() {
        let (ours, theirs) = (signer(), signer());
        let signed = ours.sign(&[1; 32], 7, &[2; 32], Timestamp::EPOCH);
        let read = Checkpoint::parse(&signed.to_string()).unwrap();
        assert_eq!(read, signed);
        assert!(read.is_signed_by(&ours.public_key()));
        assert!(!read.is_signed_by(&theirs.public_key()));
        let altered = [
            Checkpoint { seq: 8, ..signed.clone() },
            Checkpoint { hash: digits(&[3; 32]), ..signed.clone() },
            Checkpoint { at: Timestamp::EPOCH.next(), ..signed.clone() },
            Checkpoint { origin: "elsewhere".into(), ..signed.clone() },
            Checkpoint { key: theirs.public_key(), ..signed.clone() },
            Checkpoint { signature: String::new(), ..signed.clone() },
        ];
        for altered in altered {
            assert!(!altered.is_signed_by(&ours.public_key()) && !altered.is_signed_by(&theirs.public_key()));
        }
    }

    /// A chain of so many entries, of which those from `other` on say something else.
    fn hashes(count: i64, other: i64) -> Vec<[u8; 32]> {
        let mut all = vec![GENESIS];
        for seq in 1..=count {
            let said = if seq >= other { [9; 32] } else { [8; 32] };
            all.push(chain(&all[all.len() - 1], seq, &said));
        }
        all
    }

    #[test]
    fn a_cut_and_a_rewritten_journal_are_told_by_the_first_checkpoint_that_disagrees() {
        let signer = signer();
        let signed = hashes(30, 99);
        let of = |seq: i64| signer.sign(&signed[1], seq, &signed[seq as usize], Timestamp::EPOCH);
        let checkpoints = vec![of(20), of(10), of(30), of(10)];
        let compared = |count: i64, other: i64| {
            let mut marks = Marks::new(checkpoints.clone());
            for (seq, hash) in hashes(count, other).iter().enumerate().skip(1) {
                marks.pass(seq as i64, hash);
            }
            marks.end(count).map(|found| (found.checkpoint.seq, found.cut_at, found.agreed))
        };
        assert_eq!(compared(30, 99), None);
        assert_eq!(compared(45, 99), None, "what came later was not signed yet");
        assert_eq!(compared(25, 99), Some((30, Some(25), Some(20))));
        assert_eq!(compared(45, 15), Some((20, None, Some(10))), "however it went on");
        assert_eq!(compared(45, 1), Some((10, None, None)));
        assert_eq!(compared(0, 99), Some((10, Some(0), None)));
    }
}
