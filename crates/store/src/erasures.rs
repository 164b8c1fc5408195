//! What the journal tells of its own erasures, and whether what is left of erased entries is as it was.
//!
//! Nothing recomputes the hash of an entry whose text is gone. So before it goes, an entry says which
//! are concerned and has a digest of what remains of them: `journal.erased` of all up to a time,
//! `member.erased` of those about a member. It is in the chain like any other, and is never erased itself.
//!
//! The digest is SHA-256 over one line for each of them, in their order, each with its line break:
//! `{"seq":…,"at":…,"actor":…,"account":…,"action":…,"subject":…}`. Entries that tell of erasures are not
//! among them.

use std::collections::{BTreeMap, HashMap};

use domain::change::Action;
use domain::ids::AccountId;
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::contract::Broken;
use crate::journal::{JournalRow, Link, hex};

/// An entry without a text that no erasure tells of.
pub(crate) const UNTOLD: &str = "has lost its text, and no erasure tells of that";

/// Whether entries of this action tell of erasures. Such are never erased.
pub(crate) fn tells(action: &str) -> bool {
    [Action::JournalErased, Action::MemberErased].iter().any(|tells| tells.as_str() == action)
}

/// What remains of an entry, as a line.
pub(crate) fn remains(row: &JournalRow) -> String {
    line(row.seq, row.at, &row.actor, row.account.as_ref().map(AccountId::as_str), &row.action, &row.subject)
}

pub(crate) fn line(
    seq: i64,
    at: Timestamp,
    actor: &str,
    account: Option<&str>,
    action: &str,
    subject: &str,
) -> String {
    let (account, text) = (json!(account), |text: &str| json!(text));
    format!(
        "{{\"seq\":{seq},\"at\":\"{at}\",\"actor\":{},\"account\":{account},\"action\":{},\"subject\":{}}}\n",
        text(actor),
        text(action),
        text(subject)
    )
}

/// A digest of what remains of entries, as it grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remains(Sha256);

impl Remains {
    pub(crate) fn take(&mut self, line: &str) {
        self.0.update(line.as_bytes());
    }

    /// In hexadecimal digits.
    pub(crate) fn digest(self) -> String {
        let mut digits = String::with_capacity(64);
        hex(&self.0.finalize(), &mut digits);
        digits
    }
}

/// Everything that a journal tells of its erasures, and what a walk along it has seen of that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Erasures {
    tales: Vec<Tale>,
    /// By their own numbers.
    by_seq: HashMap<i64, usize>,
    /// Those of all entries after one and through another, by the first of these; through which, and who
    /// tells of it.
    ranges: BTreeMap<i64, (i64, usize)>,
    /// Those that tell of single entries, by these.
    single: HashMap<i64, Vec<usize>>,
}

#[derive(Clone, Debug)]
struct Tale {
    entry_hash: [u8; 32],
    /// None where it has lost its own text.
    remains: Option<String>,
    seen: Remains,
}

/// Either of the two, as it is told.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    from: i64,
    through: i64,
    entries: Vec<i64>,
    remains: Option<String>,
}

impl Erasures {
    /// By the entries that tell of erasures.
    pub(crate) fn told_by(rows: &[JournalRow]) -> Self {
        let mut all = Self::default();
        for (n, row) in rows.iter().enumerate() {
            let told =
                row.payload.as_ref().and_then(|payload| Told::deserialize(payload).ok()).unwrap_or_default();
            // What comes later it cannot have known.
            if row.action == Action::JournalErased.as_str()
                && told.from < told.through
                && told.through < row.seq
            {
                all.ranges.insert(told.from, (told.through, n));
            }
            for seq in told.entries.into_iter().filter(|seq| *seq < row.seq) {
                all.single.entry(seq).or_default().push(n);
            }
            all.by_seq.insert(row.seq, n);
            let (entry_hash, remains) = (row.entry_hash, told.remains);
            all.tales.push(Tale { entry_hash, remains, seen: Remains::default() });
        }
        all
    }

    /// Whether somebody tells that this entry was erased.
    pub(crate) fn tell_of(&self, seq: i64) -> bool {
        !self.by_seq.contains_key(&seq) && self.tellers(seq).next().is_some()
    }

    fn tellers(&self, seq: i64) -> impl Iterator<Item = usize> + '_ {
        let range = self.ranges.range(..seq).next_back().map(|(_, told)| *told);
        let range = range.filter(|(through, _)| seq <= *through).map(|(_, n)| n);
        range.into_iter().chain(self.single.get(&seq).into_iter().flatten().copied())
    }

    /// The next entry of a walk from the first one on. `line` says what remains of it.
    pub(crate) fn pass<E>(
        &mut self,
        link: &Link,
        line: impl FnOnce() -> Result<String, E>,
    ) -> Result<Option<Broken>, E> {
        let seq = link.seq;
        if let Some(n) = self.by_seq.get(&seq) {
            let tale = &mut self.tales[*n];
            let seen = std::mem::take(&mut tale.seen).digest();
            let what = if link.computed.is_none() {
                UNTOLD
            } else if tale.entry_hash != link.entry_hash {
                "is another one than a moment ago"
            } else if tale.remains.as_ref().is_some_and(|remains| *remains != seen) {
                "tells of erased entries, of which one is not as it was"
            } else {
                return Ok(None);
            };
            return Ok(Some(Broken { seq, what }));
        }
        let tellers: Vec<usize> = self.tellers(seq).collect();
        if !tellers.is_empty() {
            let line = line()?;
            tellers.into_iter().for_each(|n| self.tales[n].seen.take(&line));
        } else if link.computed.is_none() {
            return Ok(Some(Broken { seq, what: UNTOLD }));
        }
        Ok(None)
    }
}
