//! The journal as it is read: by people who look for something, by whoever follows it, and by
//! whoever checks its chain.

use domain::ids::{AccountId, HolderId};
use domain::time::Timestamp;
use tokio::sync::watch;

use crate::checkpoints::{Checkpoint, Disagreement, Marks};
use crate::contract::{Broken, ChainError, CommitError, Unavailable};
use crate::erasures::{self, Erasures, Remains, UNTOLD};
use crate::journal::{self, JournalRow, Walk};
use crate::sql::beside::Beside;
use crate::sql::{entries, reads};
use crate::{STRETCH, Store};

/// By how much entries may stand in another order than their times, in microseconds: a change is
/// decided before it has its place, and nobody waits longer for that.
const ASTRAY: i64 = 60_000_000;

/// Entries that are looked through at a time for a member's. Most of them are not the account's, and an
/// index passes over them.
const MANY: i64 = 10 * STRETCH as i64;

/// Which entries of the journal, in what order. Several filters must all hold.
#[derive(Clone, Debug)]
pub struct EntryQuery {
    /// None: of the whole server, and of no account too.
    pub account: Option<AccountId>,
    /// `token.created`, or `token` for all that happens to tokens.
    pub action: Option<String>,
    /// Whoever did it, or the token by which: an id, `operator` or `nobody`.
    pub actor: Option<String>,
    pub subject: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// Newest first.
    pub descending: bool,
    /// Only later entries than this one.
    pub above: i64,
    /// Only earlier entries than this one.
    pub below: i64,
    pub limit: usize,
}

impl EntryQuery {
    /// Every entry of an account or of the server, newest first.
    pub fn all(account: Option<AccountId>, limit: usize) -> Self {
        Self {
            account,
            action: None,
            actor: None,
            subject: None,
            since: None,
            until: None,
            descending: true,
            above: 0,
            below: i64::MAX,
            limit,
        }
    }

    /// Whether entries that are looked at may be passed over.
    pub(crate) fn is_sparse(&self) -> bool {
        let asked = [self.action.is_some(), self.actor.is_some(), self.subject.is_some()];
        asked.contains(&true) || self.since.is_some() || self.until.is_some()
    }
}

/// Some entries, and where to go on looking: after (or, newest first, before) the entry with that
/// number. There may be a place to go on from after a page that is short or empty.
#[derive(Clone, Debug)]
pub struct EntryPage {
    pub entries: Vec<JournalRow>,
    pub next: Option<i64>,
}

/// What is erased of the journal: payloads of the entries after one and through another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    pub from: i64,
    pub through: i64,
    /// How many have one.
    pub payloads: usize,
    /// A digest of what remains; see [`erasures`](crate::erasures).
    remains: String,
}

impl Erased {
    /// What the entry that tells of it says.
    pub fn told(&self) -> serde_json::Value {
        let Self { from, through, payloads, remains } = self;
        serde_json::json!({ "from": from, "through": through, "payloads": payloads, "remains": remains })
    }
}

/// What the journal says of a member and may be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The numbers of the entries.
    pub entries: Vec<i64>,
    /// A digest of what remains of them; see [`erasures`](crate::erasures).
    pub remains: String,
    /// Up to which entry it was looked.
    pub through: i64,
}

/// A journal whose chain holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub entries: i64,
    /// How many of them have no payload any more.
    pub erased: i64,
    /// Of the last entry; 32 zero bytes where there is none.
    pub hash: [u8; 32],
    /// The first of the checkpoints given with which it does not agree.
    pub disagreement: Option<Disagreement>,
}

impl Store {
    /// Entries as they are asked for; see [`EntryPage`]. It looks at no more of the journal than the
    /// part of one account that times and numbers leave, and at a bounded number of entries.
    pub async fn entries(&self, mut query: EntryQuery) -> Result<EntryPage, Unavailable> {
        if let Some(since) = query.since {
            let first = self.entry_at(since.plus_micros(-ASTRAY)).await?;
            query.above = query.above.max(first - 1);
        }
        if let Some(until) = query.until {
            query.below = query.below.min(self.entry_at(until.plus_micros(ASTRAY)).await?);
        }
        let limit = query.limit;
        let found = self.read(entries::entries(&query, self.dialect())).await?;
        let mut entries = found.entries;
        let next = match entries.len() > limit {
            true => {
                entries.truncate(limit);
                entries.last().map(|last| last.seq)
            }
            false => found.edge,
        };
        Ok(EntryPage { entries, next })
    }

    /// The first entry that is not older than that, as if entries stood in the order of their times;
    /// beyond the last one where all are older. Numbers have no gaps, so it takes a look at a few.
    pub async fn entry_at(&self, at: Timestamp) -> Result<i64, Unavailable> {
        let (mut first, mut beyond) = (1, self.journal_end().await? + 1);
        while first < beyond {
            let middle = i64::midpoint(first, beyond);
            match self.read(entries::at(middle)).await? {
                Some(there) if there >= at.as_micros() => beyond = middle,
                _ => first = middle + 1,
            }
        }
        Ok(first)
    }

    /// What is to be erased of the journal: payloads, with their salts, up to the last entry that is
    /// certainly older than that. None where there is nothing. Whoever calls says so in the journal first,
    /// by a change that marks it ([`Write::MarkErased`](domain::change::Write::MarkErased)) and whose entry
    /// has [`Erased::told`]; then [`Store::finish_erasing`].
    ///
    /// # Errors
    /// Also where one of them is not what was written: what is wrong must not be erased over.
    pub async fn erasable(&self, at: Timestamp) -> Result<Option<Erased>, ChainError> {
        let from = self.read(reads::erased()).await?;
        let through = self.entry_at(at.plus_micros(-ASTRAY)).await? - 1;
        if through <= from {
            return Ok(None);
        }
        let hash = match from {
            0 => journal::GENESIS,
            from => self.read(reads::hash_at(from)).await?.ok_or(missing(from))?,
        };
        let erasures = self.erasures().await?;
        let (mut walk, mut remains) = (Walk::after(from, hash), Remains::default());
        let mut payloads = 0;
        while walk.seq < through {
            let left = usize::try_from(through - walk.seq).unwrap_or(usize::MAX);
            let rows = self.journal(walk.seq, left.min(STRETCH)).await?;
            if rows.is_empty() {
                return Err(missing(walk.seq + 1).into());
            }
            for row in rows {
                walk.step(&row.link());
                if let Some(broken) = walk.broken {
                    return Err(broken.into());
                }
                if erasures::tells(&row.action) {
                    continue;
                }
                if row.payload.is_none() && !erasures.tell_of(row.seq) {
                    return Err(Broken { seq: row.seq, what: UNTOLD }.into());
                }
                payloads += usize::from(row.payload.is_some());
                remains.take(&erasures::remains(&row));
            }
        }
        Ok(Some(Erased { from, through, payloads, remains: remains.digest() }))
    }

    /// Erases what was told to be erased. Done bit by bit, so that changes need not wait for long, and
    /// gone on with where it was broken off. How many payloads there were.
    pub async fn finish_erasing(&self) -> Result<usize, CommitError> {
        let step = STRETCH as i64;
        let through = self.read(reads::erased()).await?;
        // What is left are the last ones, because it goes upwards.
        let mut from = through;
        while from > 0 && self.read(reads::unerased((from - step).max(0), from)).await? > 0 {
            from = (from - step).max(0);
        }
        self.erase(None, from, through, step).await
    }

    /// What the journal says of a member, their tokens and logins.
    ///
    /// # Errors
    /// Also where an entry of these is not what was written.
    pub async fn said_of(&self, account: &AccountId, holder: HolderId) -> Result<Said, ChainError> {
        let through = self.journal_end().await?;
        let (mut after, mut entries, mut remains) = (0, Vec::new(), Remains::default());
        while after < through {
            let next = (after + MANY).min(through);
            for row in self.read(reads::said_of(account, holder, after, next)).await? {
                let link = row.link();
                if link.computed != Some(link.entry_hash) {
                    let what = "does not have the text that was written";
                    return Err(Broken { seq: row.seq, what }.into());
                }
                entries.push(row.seq);
                remains.take(&erasures::remains(&row));
            }
            after = next;
        }
        Ok(Said { entries, remains: remains.digest(), through })
    }

    /// Erases what the journal said of a member, their tokens and logins up to an entry, and from which
    /// addresses those were used. That it happened, who did it and when stays. Whoever calls has told of it
    /// in the journal.
    pub async fn erase_holder(
        &self,
        account: &AccountId,
        holder: HolderId,
        through: i64,
    ) -> Result<(), CommitError> {
        self.erase(Some((account.clone(), holder)), 0, through, MANY).await.map(drop)
    }

    async fn erase(
        &self,
        of: Option<(AccountId, HolderId)>,
        from: i64,
        through: i64,
        step: i64,
    ) -> Result<usize, CommitError> {
        let (mut after, mut payloads) = (from, 0);
        while after < through {
            let next = (after + step).min(through);
            payloads += self.beside(Beside::Erase { of: of.clone(), after, through: next }).await?.payloads;
            after = next;
        }
        Ok(payloads)
    }

    async fn erasures(&self) -> Result<Erasures, Unavailable> {
        Ok(Erasures::told_by(&self.read(reads::erasures()).await?))
    }

    /// The number of the last entry, as the database has it.
    pub async fn journal_end(&self) -> Result<i64, Unavailable> {
        Ok(self.read(reads::head()).await?.seq)
    }

    /// The number of the last entry that this process knows of, whoever wrote it, and every later
    /// one as soon as it is there to be read. It goes back where the database was set back.
    pub fn news(&self) -> watch::Receiver<i64> {
        match self {
            Self::Sqlite(backend) => backend.news(),
            Self::Postgres(backend) => backend.news(),
        }
    }

    /// Recomputes the whole chain: what is there, or the first entry that does not fit.
    pub async fn verify_journal(&self) -> Result<Verified, ChainError> {
        self.verify_journal_by(Vec::new()).await
    }

    /// The same, and whether it agrees with these checkpoints.
    pub async fn verify_journal_by(&self, checkpoints: Vec<Checkpoint>) -> Result<Verified, ChainError> {
        let mut told = self.read(reads::erasures()).await?;
        loop {
            let walk = Walk::after(0, journal::GENESIS).by(Marks::new(checkpoints.clone()));
            let walked = self.walked(walk.told(Erasures::told_by(&told))).await;
            // Something may have been erased meanwhile, which was told of before.
            let again = match &walked {
                Err(ChainError::Broken(broken)) if broken.what == UNTOLD => {
                    self.read(reads::erasures()).await?
                }
                _ => return walked,
            };
            if again.len() == told.len() {
                return walked;
            }
            told = again;
        }
    }

    async fn walked(&self, mut walk: Walk) -> Result<Verified, ChainError> {
        loop {
            let part = self.read(reads::walk(walk, STRETCH)).await?;
            if part.count < STRETCH || part.walk.broken.is_some() {
                part.walk.clone().end(&part.head)?;
                return Ok(part.walk.stop()?);
            }
            walk = part.walk;
        }
    }
}

fn missing(seq: i64) -> Broken {
    Broken { seq, what: "is missing" }
}
