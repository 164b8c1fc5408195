//! Mail: what is to be told is found and kept, and what is kept is sent, each step by hand or by a worker.
//!
//! Nothing is sent within a request or a transaction. A letter is begun by a conditional update, so that
//! of several processes one sends it, and what is about to be sent is looked at again: whoever revoked,
//! extended or left meanwhile is written nothing. What a mail says is put together in [`compose`]; how it reads and
//! travels is the [`Carrier`]'s.

mod compose;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use domain::change::{Change, Write};
use domain::facts::{Account, Holder, Role, Token};
use domain::ids::{AccountId, HolderId, LetterId, MemberId, RoleId};
use domain::mail::{Fate, Letter, Mail, Notice, Outgoing, Topic, Trouble, WayIn, WayOut};
use domain::news;
use domain::notices::{self, Audience, Told};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::{HolderKind, HolderQuery, Key, Keys};
use subtle::ConstantTimeEq;
use token::TokenId;
use tokio::task::JoinSet;

use crate::{ATTEMPTS, Desk, Error, cursors};

/// Accounts, members and tokens that are read at a time.
const CHUNK: usize = 1_000;
/// Notices that are kept in one transaction, unless they are one letter's: others wait for it.
const AT_ONCE: usize = 5_000;
/// Notices of one letter at most; what goes beyond it is told by another.
const OF_A_LETTER: usize = 10_000;
/// Letters that are sent side by side.
const SIDE_BY_SIDE: usize = 16;
/// Hexadecimal digits of the code in a way out, 128 bits, and in a way in, 192 as of any other link.
const OUT: usize = 32;
const INTO: usize = 48;

/// What takes mails to a mail server.
pub trait Carrier: Send + Sync + 'static {
    /// Ok: the mail server has taken it.
    fn carry<'a>(&'a self, mail: &'a Mail) -> Carrying<'a>;
}

pub type Carrying<'a> = Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>>;

/// A mail that the mail server did not take.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Undelivered {
    pub trouble: Trouble,
    /// It could not be asked, so that others need not be tried now either.
    pub unreachable: bool,
    /// For the log; without addresses and secrets.
    pub why: String,
}

/// What a look for notices has kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queued {
    pub letters: usize,
    pub notices: usize,
}

/// What became of the letters that were taken up at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub sent: usize,
    pub dropped: usize,
    pub failed: usize,
    /// Others had taken them up.
    pub taken: usize,
    /// There may be more that are due, and the mail server answers.
    pub more: bool,
}

/// How often a letter was taken up since the start, by what became of it, as metrics call it.
pub type Letters = [(&'static str, u64); 3];

pub(crate) fn counters() -> meter::Tally {
    meter::Tally::new(3)
}

/// Whom a way out leads away from further mails.
#[derive(Debug)]
pub struct Leaver {
    pub account: Arc<Account>,
    pub member: Holder,
    letter: LetterId,
}

/// Works ways out of further mails out, and ways in, and reads them again. They are kept nowhere: a letter's
/// id, and a code of it under a key that is not in the database. So a letter that is tried again brings the same.
pub(crate) struct Ways {
    out: Key,
    into: Key,
}

impl Ways {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self { out: keys.derive(b"ways out of mails 1"), into: keys.derive(b"ways in by mail 1") }
    }

    fn way_out(&self, letter: LetterId) -> WayOut {
        WayOut::new(format!("{}{}", letter.0, code(&self.out, letter, OUT)))
    }

    fn read(&self, text: &str) -> Option<LetterId> {
        let at = text.len().checked_sub(OUT).filter(|at| text.is_char_boundary(*at))?;
        let (id, given) = text.split_at(at);
        let letter = LetterId(id.parse().ok()?);
        bool::from(code(&self.out, letter, OUT).as_bytes().ct_eq(given.as_bytes())).then_some(letter)
    }

    /// The secret of the link that a letter brings.
    fn way_in(&self, letter: LetterId) -> WayIn {
        WayIn::new(code(&self.into, letter, INTO))
    }
}

fn code(key: &Key, letter: LetterId, digits: usize) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(letter.to_string().as_bytes());
    let mut code = cursors::hex(&mac.finalize().into_bytes());
    code.truncate(digits);
    code
}

impl Desk {
    /// Whether mails are sent from here.
    pub fn mails(&self) -> bool {
        self.mails
    }

    /// What became of letters since the start.
    pub fn letters(&self) -> Letters {
        let told = |which| self.letters.read(which);
        [("sent", told(0)), ("dropped", told(1)), ("failed", told(2))]
    }

    /// Keeps every notice that is to be given now and was not given before, as one letter a reader and
    /// account.
    pub async fn queue_notices(&self) -> Result<Queued, Error> {
        let (mut queued, mut after) = (Queued::default(), None::<AccountId>);
        loop {
            let accounts = self.store.accounts(after.as_ref(), CHUNK).await?;
            for account in &accounts {
                let more = self.queue_of(account).await?;
                queued.letters += more.letters;
                queued.notices += more.notices;
            }
            match accounts.last() {
                Some(last) if accounts.len() == CHUNK => after = Some(last.id.clone()),
                _ => break,
            }
        }
        if queued.letters > 0 {
            self.posted.notify_one();
        }
        Ok(queued)
    }

    async fn queue_of(&self, account: &Account) -> Result<Queued, Error> {
        let now = self.now();
        let Some(lens) = notices::lens_of_mail(account, now) else { return Ok(Queued::default()) };
        let tokens = self.store.due(&account.id, None, &lens, usize::MAX).await?;
        if tokens.is_empty() {
            return Ok(Queued::default());
        }
        let holders = self.holders_of(account, tokens.iter()).await?;
        let due: Vec<(&Token, Notice)> = tokens
            .iter()
            .filter_map(|token| {
                let notice = notices::notice(account, holders.get(&token.holder)?, token, now)?;
                Some((token, notice))
            })
            .collect();
        let mut told = Told::new();
        for some in due.chunks(CHUNK) {
            let ids: Vec<TokenId> = some.iter().map(|(token, _)| token.id).collect();
            told.extend(self.store.told(&account.id, &ids).await?);
        }
        let members = self.members_of(account).await?;
        let readers = Audience::of(account, &members);
        let letters = notices::to_tell(&readers, due, &told);
        let mut queued = Queued::default();
        let (mut change, mut size) = (Change::default(), 0);
        for (to, notices) in letters {
            for some in notices.chunks(OF_A_LETTER) {
                if size > 0 && size + some.len() > AT_ONCE {
                    self.store.commit(std::mem::take(&mut change)).await?;
                    size = 0;
                }
                let id = LetterId::draw(&*self.entropy);
                let letter = Letter::new(id, Topic::Ending, account.id.clone(), to, now);
                change.outbox.push(Outgoing::Ends { letter, notices: some.to_vec() });
                size += some.len();
                queued.letters += 1;
                queued.notices += some.len();
            }
        }
        if size > 0 {
            self.store.commit(change).await?;
        }
        Ok(queued)
    }

    async fn holders_of(
        &self,
        account: &Account,
        tokens: impl Iterator<Item = &Token>,
    ) -> Result<HashMap<HolderId, Holder>, Error> {
        let mut ids: Vec<HolderId> = tokens.map(|token| token.holder).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut holders = HashMap::with_capacity(ids.len());
        for some in ids.chunks(CHUNK) {
            let found = self.store.holders_by_id(&account.id, some).await?;
            holders.extend(found.into_iter().map(|holder| (holder.id, holder)));
        }
        Ok(holders)
    }

    async fn members_of(&self, account: &Account) -> Result<Vec<Holder>, Error> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let kind = Some(HolderKind::Member);
            let query = HolderQuery { kind, after, limit: CHUNK, include_removed: false };
            let some = self.store.holders(&account.id, query).await?;
            let full = some.len() == CHUNK;
            after = some.last().map(|holder| holder.id);
            all.extend(some);
            if !full {
                return Ok(all);
            }
        }
    }

    /// Those members who manage all tokens of an account, by their role: where mails are sent, who may have to
    /// be told of something.
    pub(crate) async fn managers_to_tell(&self, account: &Account) -> Result<Vec<MemberId>, Error> {
        let manage = |role: &&Role| account.policy.managers.contains(&role.name);
        let roles: Vec<RoleId> = account.roles.iter().filter(manage).map(|role| role.id).collect();
        if !self.mails || roles.is_empty() {
            return Ok(Vec::new());
        }
        let members = self.store.holders_by_role(&account.id, &roles).await?;
        let told = members.into_iter().filter(|member| news::manages(account, member));
        let told = told.filter(notices::is_reachable).filter_map(|member| match member.id {
            HolderId::Member(id) => Some(id),
            HolderId::ServiceAccount(_) => None,
        });
        Ok(told.collect())
    }

    /// Puts letters back that a process which is gone had begun to send. Only for whoever has the store to
    /// themselves: with peers a letter's turn has to pass. How many.
    pub async fn put_letters_back(&self) -> Result<usize, Error> {
        let begun = self.store.letters_begun().await?;
        let now = self.now();
        for letter in &begun {
            self.commit_alone(keep(&letter.clone().ended(Fate::Due(now)))).await?;
        }
        Ok(begun.len())
    }

    /// Takes up letters that are due, some at once, and says what became of them.
    pub async fn send_letters(self: &Arc<Self>, carrier: &Arc<dyn Carrier>) -> Result<Round, Error> {
        let letters = self.store.letters_due(self.now(), SIDE_BY_SIDE).await?;
        let mut round = Round { more: letters.len() == SIDE_BY_SIDE, ..Round::default() };
        let mut under_way = JoinSet::new();
        for letter in letters {
            let (desk, carrier) = (self.clone(), carrier.clone());
            under_way.spawn(async move { desk.send_letter(letter, &*carrier).await });
        }
        let mut failed = None;
        while let Some(ended) = under_way.join_next().await {
            match ended.map_err(|_| Error::Undetermined).and_then(|ended| ended) {
                Ok(Ended::Sent) => round.sent += 1,
                Ok(Ended::Dropped) => round.dropped += 1,
                Ok(Ended::Taken) => round.taken += 1,
                Ok(Ended::Failed { unreachable }) => {
                    round.failed += 1;
                    round.more &= !unreachable;
                }
                Err(error) => failed = Some(error),
            }
        }
        for (which, count) in [round.sent, round.dropped, round.failed].into_iter().enumerate() {
            self.letters.add(which, count as u64);
        }
        failed.map_or(Ok(round), Err)
    }

    async fn send_letter(&self, letter: Letter, carrier: &dyn Carrier) -> Result<Ended, Error> {
        let begun = letter.clone().begun(self.now());
        let change = match self.way_in(&begun).await? {
            Some(link) => keep(&begun).write(Write::InsertLink(link)),
            None => keep(&begun),
        };
        if !self.commit_alone(change).await? {
            return Ok(Ended::Taken);
        }
        let begun = Letter { version: letter.version + 1, ..begun };
        let Some(mail) = self.compose(&begun).await? else {
            tracing::info!(letter = %begun.id, "letter {} is about nothing that is still so; it is not sent", begun.id);
            self.end(begun, Fate::Dropped).await?;
            return Ok(Ended::Dropped);
        };
        match carrier.carry(&mail).await {
            Ok(()) => {
                let (id, to, topic, tokens) = (begun.id, begun.to, mail.topic.as_str(), mail.items.len());
                tracing::info!(letter = %id, member = %to, topic, tokens, "sent letter {id} to {to}");
                self.end(begun, Fate::Sent).await?;
                Ok(Ended::Sent)
            }
            Err(Undelivered { trouble, unreachable, why }) => {
                let id = begun.id;
                let failed = begun.failed(trouble, self.now());
                match failed.fate {
                    Fate::Due(at) => {
                        tracing::warn!(letter = %id, "letter {id} was not taken; it is tried again at {at}: {why}")
                    }
                    _ => {
                        tracing::error!(letter = %id, "letter {id} was not taken for days and is given up: {why}")
                    }
                }
                self.commit_alone(keep(&failed)).await?;
                Ok(Ended::Failed { unreachable })
            }
        }
    }

    async fn end(&self, letter: Letter, fate: impl Fn(domain::time::Timestamp) -> Fate) -> Result<(), Error> {
        let ended = letter.ended(fate(self.now()));
        // A conflict: it took so long that somebody else began, who will say how it ends.
        self.commit_alone(keep(&ended)).await.map(drop)
    }

    /// Whom this way out is for, while its letter is kept; none where it leads nowhere.
    pub async fn way_out(&self, text: &str) -> Result<Option<Leaver>, Error> {
        let Some(letter) = self.ways.read(text) else { return Ok(None) };
        let Some(letter) = self.store.letter(letter).await? else { return Ok(None) };
        let to: MemberId = letter.to;
        let found = self.store.household(&letter.account, HolderId::Member(to)).await?;
        let found = found.filter(|(_, member)| member.standing.removed_at.is_none());
        Ok(found.map(|(account, member)| Leaver { account, member, letter: letter.id }))
    }

    /// Turns off the switch of whom this way out is for. Once is as good as twice.
    ///
    /// # Errors
    /// `Unauthenticated` for one that leads nowhere.
    pub async fn leave(&self, text: &str) -> Result<Leaver, Error> {
        for _ in 0..ATTEMPTS {
            let leaver = self.way_out(text).await?.ok_or(Error::Unauthenticated)?;
            let Some(change) = notices::leave(&leaver.member, leaver.letter, self.now()) else {
                return Ok(leaver);
            };
            if self.commit_alone(change).await? {
                return Ok(leaver);
            }
        }
        Err(Error::Conflict)
    }
}

enum Ended {
    Sent,
    Dropped,
    Taken,
    Failed { unreachable: bool },
}

fn keep(letter: &Letter) -> Change {
    Change::default().write(Write::UpdateLetter(letter.clone()))
}
