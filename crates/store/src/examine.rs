//! A look at a store from outside: is it what was written, will a commit last, and who shares it.
//!
//! Nothing here changes anything; it may look while servers run. What is found is told in words
//! for an operator, never with a secret in them.

mod postgres;
mod sqlite;

use std::error::Error;
use std::path::Path;

use domain::time::Timestamp;

use crate::checkpoints::{Checkpoint, CheckpointError, Marks, Signer, read_checkpoints};
use crate::contract::{Broken, Clock};
use crate::erasures::{Erasures, UNTOLD};
use crate::journal::{GENESIS, Head, JournalRow, Walk};
use crate::keys::{KeyFileError, Keys};
use crate::migrations::{self, Applied, Kind, Misfit};
use crate::place::{Access, Place};
use crate::sql::Dialect;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is, in a word or two.
    pub name: &'static str,
    /// How it was found to be.
    pub value: String,
    pub verdict: Verdict,
    /// What to do about it.
    pub help: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// The store cannot be used, or does not keep what it promises.
    Bad,
}

/// What the configuration of the server says that matters for a look.
#[derive(Clone, Copy, Debug)]
pub struct Configured<'a> {
    /// A file of checkpoints, with which the journal has to agree.
    pub checkpoints: Option<&'a Path>,
    /// Below this much free space the server takes nothing that grows. SQLite only.
    pub watermark_bytes: u64,
    /// Whether somebody said where the store is, so that one that is not there is a mistake rather than
    /// one that has not begun. SQLite only.
    pub named: bool,
}

/// Looks at everything that can be looked at. What cannot be read is a finding too, so there is
/// always at least one.
pub async fn examine(access: &Access, clock: &dyn Clock, by: Configured<'_>) -> Vec<Finding> {
    let kept = by.checkpoints.map(|path| Kept::read(path, &access.keys)).unwrap_or_default();
    match &access.place {
        Place::Sqlite(data) => {
            let (data, keys, wall) = (data.clone(), access.keys.clone(), clock.wall());
            let looking = tokio::task::spawn_blocking(move || {
                sqlite::examine(&data, &keys, wall, (by.watermark_bytes, by.named), &kept)
            });
            looking.await.unwrap_or_else(|cause| vec![unreadable("store", &cause)])
        }
        Place::Postgres(there) => {
            postgres::examine(there, access.password.as_ref(), &access.keys, clock, &kept).await
        }
    }
}

/// The checkpoints that were kept, or why there are none.
#[derive(Default)]
struct Kept {
    checkpoints: Vec<Checkpoint>,
    finding: Option<Finding>,
    /// Whether one was not signed under this key file.
    foreign: bool,
}

const CHECKPOINTS: &str = "checkpoints";
/// What to do where something can only be checked with the store's own key file.
const OTHER_KEYS: &str = "put the store's own key file back, and look again";

impl Kept {
    fn read(path: &Path, key_file: &Path) -> Self {
        let shown = path.display();
        let finding = |finding| Self { finding: Some(finding), ..Self::default() };
        if !path.exists() {
            return finding(note(
                CHECKPOINTS,
                format!("{shown} is not there yet"),
                "the server writes it; without it, a journal that was cut back cannot be told from one that never had more",
            ));
        }
        // That they cannot be read is a finding of its own.
        let Ok(keys) = Keys::read(key_file) else { return Self::default() };
        match read_checkpoints(path, Some(&Signer::new(&keys).public_key())) {
            Ok(checkpoints) => {
                let count = checkpoints.len();
                let finding = good(CHECKPOINTS, format!("the journal agrees with all {count} of {shown}"));
                Self { checkpoints, finding: Some(finding), foreign: false }
            }
            Err(cause) => Self {
                foreign: matches!(cause, CheckpointError::Forged { .. }),
                ..finding(bad(
                    CHECKPOINTS,
                    cause.to_string(),
                    "somebody else wrote into it; take a copy that you kept elsewhere",
                ))
            },
        }
    }

    /// A walk that passes by them, along a journal that tells of its erasures so.
    fn walk(&self, told: &[JournalRow]) -> Walk {
        Walk::after(0, GENESIS).by(Marks::new(self.checkpoints.clone())).told(Erasures::told_by(told))
    }

    /// What the journal says to them. Nothing where the chain does not hold anyway. With a key file that is
    /// not the store's, which `keys` then says, nobody can tell who signed them.
    fn agreement(&self, walk: Walk, keys: &Finding) -> Option<Finding> {
        if self.foreign && keys.verdict == Verdict::Bad {
            return Some(note(CHECKPOINTS, "they cannot be checked with this key file", OTHER_KEYS));
        }
        match walk.stop().ok()?.disagreement {
            None => self.finding.clone(),
            Some(disagreement) => Some(bad(
                CHECKPOINTS,
                disagreement.to_string(),
                "unless you restored a backup, somebody wrote past jeton: keep this store as evidence; \
                 after a restore, move the file aside",
            )),
        }
    }
}

fn good(name: &'static str, value: impl Into<String>) -> Finding {
    Finding { name, value: value.into(), verdict: Verdict::Good, help: None }
}

fn note(name: &'static str, value: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { name, value: value.into(), verdict: Verdict::Note, help: Some(help.into()) }
}

fn bad(name: &'static str, value: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { name, value: value.into(), verdict: Verdict::Bad, help: Some(help.into()) }
}

fn unreadable(name: &'static str, cause: &dyn Error) -> Finding {
    bad(name, format!("could not be read: {}", told(cause)), "look into the log of the system below it")
}

/// An error with all its causes.
fn told(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", told(cause)),
        None => error.to_string(),
    }
}

/// Where a key file differs, everything sealed stays shut.
fn keys(path: &Path, kept: Option<[u8; 32]>) -> Finding {
    let name = "key file";
    let shown = path.display().to_string();
    match (Keys::read(path), kept) {
        (Ok(keys), Some(kept)) if keys.fingerprint() == kept => good(name, shown),
        (Ok(_), Some(_)) => bad(
            name,
            format!("{shown} is not the one that the store was written with"),
            "put the right one back; all peers have the same",
        ),
        (Ok(_), None) => good(name, format!("{shown}; the store has not been used with any yet")),
        (Err(KeyFileError::Io { source, .. }), None) if source.kind() == std::io::ErrorKind::NotFound => {
            good(name, format!("{shown} is not there yet"))
        }
        (Err(KeyFileError::Io { source, .. }), Some(_)) if source.kind() == std::io::ErrorKind::NotFound => {
            bad(
                name,
                format!("{shown} is missing"),
                "put it back, from a peer that runs or from your backup; without it what is sealed stays shut",
            )
        }
        (Err(cause), _) => Finding { name, value: told(&cause), verdict: Verdict::Bad, help: None },
    }
}

fn schema(applied: &[Applied], dialect: Dialect) -> Finding {
    let name = "schema";
    let number = applied.iter().map(|step| step.number).max().unwrap_or_default();
    // Several versions may be at work on one PostgreSQL, but not on one SQLite.
    let shared = dialect == Dialect::Postgres;
    match migrations::pending(applied, dialect, shared) {
        Ok(left) if left.is_empty() => good(name, number.to_string()),
        Ok(left) => {
            let value = format!("{number}; this jeton knows {}", migrations::known());
            match left.iter().any(|step| step.kind == Kind::Expand) {
                true if shared => {
                    bad(name, value, "run `jeton migrate`; peers of this version do not start before")
                }
                true => note(name, value, "run `jeton migrate`, or start the server, which does the same"),
                false => note(name, value, "run `jeton migrate --contract` once no older version runs"),
            }
        }
        Err(Misfit::Newer { found, known }) => bad(
            name,
            format!("{found}; this jeton knows {known}"),
            "the store was written by a newer jeton; use that version",
        ),
        Err(Misfit::Altered { number }) => bad(
            name,
            format!("step {number} is not the one that this jeton would take"),
            "use the version that wrote the store, or restore a backup",
        ),
    }
}

/// Whether to walk again: something was erased while it walked, which was told of before.
fn has_changed(walk: &Walk, told: &mut Vec<JournalRow>, now: Vec<JournalRow>) -> bool {
    let untold = walk.broken.as_ref().is_some_and(|broken| broken.what == UNTOLD);
    let more = now.len() > told.len();
    *told = now;
    untold && more
}

/// `walked` from the first entry on.
fn journal(walk: Walk, head: &Head) -> Finding {
    let name = "journal";
    let erased = match walk.erased {
        0 => String::new(),
        erased => format!("; {erased} have no payload any more"),
    };
    match walk.end(head) {
        Ok(0) => good(name, "empty"),
        Ok(count) => {
            let at = Timestamp::from_micros(head.at);
            good(name, format!("{count} entries, the chain holds; the last is of {at}{erased}"))
        }
        Err(Broken { seq, what }) => bad(
            name,
            format!("entry {seq} {what}"),
            "somebody wrote past jeton, or the disk lost what it had; restore a backup, and keep this store as evidence",
        ),
    }
}

/// `ahead`: microseconds by which the machine's clock is before the store's.
fn clock(ahead: i64) -> Finding {
    let name = "clock";
    let seconds = ahead as f64 / 1e6;
    match ahead.abs() {
        ..2_000_000 => good(name, format!("{seconds:+.3} s against this machine's")),
        _ => note(
            name,
            format!("{seconds:+.1} s against this machine's"),
            "nothing that ended comes back by it, but times in logs will not agree; let NTP set both clocks",
        ),
    }
}
