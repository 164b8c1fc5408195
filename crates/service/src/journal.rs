//! The journal, for whoever may read it: page by page, all of it, or as it is written.
//!
//! An account's journal is for those with `journal:read` in it, the server's for operators. Whoever
//! reads for long is looked at again all the while: what they may do can end at any moment.

mod places;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::ids::{AccountId, HolderId};
use domain::permission::JOURNAL_READ;
use domain::refusal::Refusal;
use domain::time::Timestamp;
use domain::who::Caller;
use store::{ChainError, Checkpoint, EntryQuery, JournalRow, Verified};
use tokio::sync::{Semaphore, watch};

use places::{Place, Room};

use crate::auth::at_home;
use crate::cursors::Page;
use crate::{Desk, Error};

/// Who may follow at once, and how many exports may run; how many of one account, and how many operators
/// besides.
const FOLLOWERS: (usize, usize, usize) = (256, 16, 16);
const EXPORTS: (usize, usize, usize) = (8, 2, 2);

/// Entries read at a time for an export or a follower.
const STRETCH: usize = 200;

/// How long a follower waits before it is looked at again. Less than the second within which a
/// stream must end whose reader may read no more.
const CHECK: Duration = Duration::from_millis(800);

/// How long one that was told of news waits for more of them, which then come together: a moment where
/// it was quiet, and longer while much happens. Each look reads who asks, and there may be many.
const AFTER_QUIET: Duration = Duration::from_millis(20);
const IN_A_CROWD: Duration = Duration::from_millis(200);

/// The places of those who read for long.
pub(crate) struct Places {
    followers: Room,
    exports: Room,
    /// One recomputation of the chain at a time: it reads everything.
    check: Semaphore,
}

impl Default for Places {
    fn default() -> Self {
        let room = |(accounts, share, operators)| Room::new(accounts, share, operators);
        Self { followers: room(FOLLOWERS), exports: room(EXPORTS), check: Semaphore::new(1) }
    }
}

/// Whose journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// An account's, for those who may read it there.
    Account(AccountId),
    /// The server's, for operators; or what it says of one account.
    Server(Option<AccountId>),
}

impl Of {
    fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Account(account) => Some(account),
            Self::Server(account) => account.as_ref(),
        }
    }
}

/// Which entries. Several filters must all hold.
#[derive(Clone, Debug)]
pub struct Look {
    pub of: Of,
    /// `token.created`, or `token`.
    pub action: Option<String>,
    pub actor: Option<String>,
    pub subject: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only later entries than this one.
    pub after: Option<i64>,
    pub newest_first: bool,
}

impl Look {
    fn query(&self, limit: usize) -> EntryQuery {
        EntryQuery {
            action: self.action.clone(),
            actor: self.actor.clone(),
            subject: self.subject.clone(),
            since: self.since,
            until: self.until,
            descending: self.newest_first,
            above: self.after.unwrap_or(0),
            ..EntryQuery::all(self.of.account().cloned(), limit)
        }
    }
}

/// An entry, and what those in it are called now.
#[derive(Clone, Debug)]
pub struct Told {
    pub entry: JournalRow,
    pub actor_name: Option<String>,
    pub subject_name: Option<String>,
}

impl Desk {
    /// A page of the journal. One of a filtered journal may be short, or empty, and not be the last.
    pub async fn journal(
        &self,
        caller: &Caller,
        look: &Look,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Told>, Error> {
        self.may_read(caller, &look.of).await?;
        let limit = limit.clamp(1, 100);
        // A cursor belongs to one journal, one set of filters and one order.
        let list = format!("journal {look:?}");
        let mut query = look.query(limit);
        if let Some(cursor) = cursor {
            let place = self.cursors.read(&list, cursor)?;
            let place: i64 = place.parse().map_err(|_| Error::Undetermined)?;
            match look.newest_first {
                true => query.below = place,
                false => query.above = place,
            }
        }
        let page = self.store.entries(query).await?;
        let next_cursor = page.next.map(|place| self.cursors.write(&list, &place.to_string()));
        Ok(Page { items: self.named(page.entries).await?, next_cursor })
    }

    /// All of it that is there now, in the journal's order, a stretch at a time.
    pub async fn export_journal(self: Arc<Self>, caller: Caller, look: Look) -> Result<Export, Error> {
        self.may_read(&caller, &look.of).await?;
        let place = self.places.exports.take(&look.of).ok_or(Error::Busy)?;
        let until = self.store.journal_end().await?;
        let look = Look { newest_first: false, ..look };
        let at = look.after.unwrap_or(0);
        Ok(Export { desk: self, caller, look, at: Some(at), until, _place: place })
    }

    /// What is there after the entry that `look.after` names (without one: from now on), and each entry
    /// as it comes.
    pub async fn follow_journal(self: Arc<Self>, caller: Caller, look: Look) -> Result<Follow, Error> {
        self.may_read(&caller, &look.of).await?;
        let place = self.places.followers.take(&look.of).ok_or(Error::Busy)?;
        let news = self.store.news();
        let end = self.store.journal_end().await?;
        let at = look.after.unwrap_or(end);
        if at > end {
            let sentence =
                format!("The journal ends at entry {end}: it is another one, or was restored from a backup.");
            return Err(Refusal::wrong_state(sentence).into());
        }
        let look = Look { newest_first: false, ..look };
        Ok(Follow {
            desk: self,
            caller,
            look,
            at,
            farthest: 0,
            quiet: true,
            more: false,
            news,
            _place: place,
        })
    }

    /// Recomputes the chain of the whole journal.
    pub async fn verify_journal(&self, caller: &Caller) -> Result<Result<Verified, store::Broken>, Error> {
        self.operator(caller).await?;
        let _place = self.places.check.try_acquire().map_err(|_| Error::Busy)?;
        match self.store.verify_journal().await {
            Ok(verified) => Ok(Ok(verified)),
            Err(ChainError::Broken(broken)) => {
                tracing::error!("the journal is not what was written: {broken}");
                Ok(Err(broken))
            }
            Err(ChainError::Unavailable(cause)) => Err(cause.into()),
        }
    }

    /// What the journal is now, signed.
    pub async fn journal_checkpoint(&self, caller: &Caller) -> Result<Checkpoint, Error> {
        self.operator(caller).await?;
        // Whoever asks was let in by an entry.
        self.store.checkpoint().await?.ok_or(Error::Undetermined)
    }

    async fn may_read(&self, caller: &Caller, of: &Of) -> Result<(), Error> {
        match of {
            Of::Account(account) => {
                at_home(caller, account)?;
                Ok(caller.needs(JOURNAL_READ)?)
            }
            Of::Server(_) => self.operator(caller).await.map(drop),
        }
    }

    /// Looks at a caller again, as somebody who reads on.
    async fn may_read_on(&self, caller: &mut Caller, of: &Of) -> Result<(), Error> {
        *caller = self.again(caller.clone()).await?;
        self.may_read(caller, of).await
    }

    /// Entries with the names of the holders in them.
    pub(crate) async fn named(&self, entries: Vec<JournalRow>) -> Result<Vec<Told>, Error> {
        // Who acts from another account, as an operator may, is nobody whom its readers know.
        let mut wanted: BTreeMap<&AccountId, Vec<HolderId>> = BTreeMap::new();
        for entry in &entries {
            let Some(account) = &entry.account else { continue };
            let ids = [holder_in(&entry.actor), holder_in(&entry.subject)];
            wanted.entry(account).or_default().extend(ids.into_iter().flatten());
        }
        let mut names: HashMap<(AccountId, HolderId), String> = HashMap::new();
        for (account, mut ids) in wanted {
            ids.sort_unstable();
            ids.dedup();
            if ids.is_empty() {
                continue;
            }
            for holder in self.store.holders_by_id(account, &ids).await? {
                names.insert((account.clone(), holder.id), holder.name);
            }
        }
        let name = |entry: &JournalRow, text: &str| {
            let key = (entry.account.clone()?, holder_in(text)?);
            names.get(&key).cloned()
        };
        Ok(entries
            .into_iter()
            .map(|entry| Told {
                actor_name: name(&entry, &entry.actor),
                subject_name: name(&entry, &entry.subject),
                entry,
            })
            .collect())
    }
}

/// The holder with whose id the text begins.
fn holder_in(text: &str) -> Option<HolderId> {
    text.split(' ').next()?.parse().ok()
}

/// A journal that is read to its end.
pub struct Export {
    desk: Arc<Desk>,
    caller: Caller,
    look: Look,
    /// After which entry it goes on; none at the end.
    at: Option<i64>,
    /// The last entry when it began. What comes later is for the next export.
    until: i64,
    _place: Place,
}

impl Export {
    /// Whether the caller may still read; a look at those who take their time over what they were given.
    ///
    /// # Errors
    /// They may not any more, or nobody can say so.
    pub async fn look_again(&mut self) -> Result<(), Error> {
        self.desk.may_read_on(&mut self.caller, &self.look.of).await
    }

    /// The next stretch, which may be empty; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Told>>, Error> {
        let Some(at) = self.at else { return Ok(None) };
        self.desk.may_read_on(&mut self.caller, &self.look.of).await?;
        let query = EntryQuery { above: at, below: self.until.saturating_add(1), ..self.look.query(STRETCH) };
        let page = self.desk.store.entries(query).await?;
        self.at = page.next;
        Ok(Some(self.desk.named(page.entries).await?))
    }
}

/// A journal that is read as it is written.
pub struct Follow {
    desk: Arc<Desk>,
    caller: Caller,
    look: Look,
    /// Everything up to this entry was told.
    at: i64,
    /// The farthest that this process knew of.
    farthest: i64,
    /// Nothing came when it looked last.
    quiet: bool,
    /// There is more to read before anything is waited for.
    more: bool,
    news: watch::Receiver<i64>,
    _place: Place,
}

impl Follow {
    /// The number of the last entry that was told, or passed over.
    pub fn at(&self) -> i64 {
        self.at
    }

    /// Whether the caller may still read, as [`Export::look_again`].
    ///
    /// # Errors
    /// They may not any more, or nobody can say so.
    pub async fn look_again(&mut self) -> Result<(), Error> {
        self.desk.may_read_on(&mut self.caller, &self.look.of).await
    }

    /// What has come; nothing after a while in which nothing came.
    ///
    /// # Errors
    /// Whoever follows may not any more, or nobody can say so. It is over then.
    pub async fn next(&mut self) -> Result<Vec<Told>, Error> {
        if !self.more {
            if !self.is_behind()? {
                tokio::select! {
                    changed = self.news.changed() => changed.map_err(|_| Error::Undetermined)?,
                    () = tokio::time::sleep(CHECK) => {}
                }
            }
            if self.is_behind()? {
                tokio::time::sleep(if self.quiet { AFTER_QUIET } else { IN_A_CROWD }).await;
            }
        }
        self.desk.may_read_on(&mut self.caller, &self.look.of).await?;
        self.quiet = !self.is_behind()?;
        if self.quiet {
            return Ok(Vec::new());
        }
        let query =
            EntryQuery { above: self.at, below: self.farthest.saturating_add(1), ..self.look.query(STRETCH) };
        let page = self.desk.store.entries(query).await?;
        self.more = page.next.is_some();
        self.at = page.next.unwrap_or(self.farthest);
        self.desk.named(page.entries).await
    }

    /// Whether this process knows of more than was told.
    fn is_behind(&mut self) -> Result<bool, Error> {
        let known = *self.news.borrow_and_update();
        if known < self.farthest {
            // The database was set back: what comes now is another journal.
            return Err(Error::Undetermined);
        }
        self.farthest = known;
        Ok(self.at < known)
    }
}
