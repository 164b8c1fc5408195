//! Revoking whatever a filter finds: first a look at what that is, then exactly that, as one change.
//!
//! The look gives out a confirmation of the very tokens that it found. If a token has come, gone or
//! ended since, the revocation is refused, and the operator looks again: nobody revokes what they have
//! not seen. Whoever cannot keep up with new tokens names a moment in the filter, `created_before`.
//!
//! A rotation is no such news. What a token was rotated to since the look ends with it, whatever the
//! filter says of the new one: whoever revokes must not be outrun by whoever holds the secret.

use std::collections::{BTreeMap, HashSet};

use domain::change::Expect;
use domain::facts::Token;
use domain::ids::AccountId;
use domain::life::State;
use domain::lifecycle;
use domain::refusal::{Code, Refusal};
use domain::time::Timestamp;
use domain::who::Caller;
use sha2::{Digest as _, Sha256};
use store::Sort;
use token::TokenId;

use super::{Filter, Want, too_many};
use crate::catalogue::Order;
use crate::cursors::hex;
use crate::tokens::Shown;
use crate::{Desk, Error};

/// Tokens in one change, at most: it is carried out while everybody else's changes wait.
pub const MOST: usize = 200_000;

/// Tokens of a preview.
const EXAMPLES: usize = 10;

/// Rows read at a time.
const CHUNK: usize = 10_000;

/// How long before a look a rotation that it did not see may have been decided, in microseconds. No
/// change waits longer for its place.
const UNSEEN: i64 = 60_000_000;

/// What would be revoked.
#[derive(Debug)]
pub struct Preview {
    pub matching: Matching,
    /// Some of them, newest first.
    pub examples: Vec<Shown>,
    /// To be given back with the same filter; none where nothing matches.
    pub confirm: Option<String>,
}

/// What was revoked: none of it verifies any more.
#[derive(Debug)]
pub struct Receipt {
    pub matching: Matching,
    pub revoked_at: Timestamp,
    /// The journal's entry that tells of all of it; none where there was nothing to do.
    pub journal: Option<i64>,
}

/// Tokens that a filter finds, with those that they replaced and that are still in grace, and those
/// that they were rotated to since the look.
#[derive(Debug)]
pub struct Matching {
    pub count: usize,
    pub accounts: BTreeMap<AccountId, u64>,
    /// Whether what the caller comes with is among them.
    pub includes_yours: bool,
    tokens: Vec<Token>,
    /// What the filter found, but for what is there by a rotation since the look.
    looked_at: Fingerprint,
}

/// How many tokens, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fingerprint(String);

impl Desk {
    /// Looks at what a revocation by this filter would revoke.
    pub async fn preview_revocation(&self, caller: Caller, filter: Filter) -> Result<Preview, Error> {
        self.operator(&caller).await?;
        let since = caller.now.plus_micros(-UNSEEN);
        let matching = self.matching(&caller, &filter, since).await?;
        let want = alive(filter.resolve(&caller)?);
        let order = Order { sort: Sort::CreatedAt, descending: true, after: None, limit: EXAMPLES };
        let examples = match want {
            Some(want) => {
                let scope = self.scope(&filter).await?;
                self.first(scope, want, order, caller.now).await?.ok_or_else(too_many)?
            }
            None => Vec::new(),
        };
        let confirm = (matching.count > 0)
            .then(|| self.cursors.write(&named(&caller, &filter), &matching.looked_at.since(since)));
        Ok(Preview { examples: self.shown(&caller, examples).await?, matching, confirm })
    }

    /// Revokes what this filter finds, if it is what `confirm` was given for. `told` is the filter as the
    /// journal will say it.
    pub async fn revoke_matching(
        &self,
        caller: Caller,
        filter: Filter,
        told: serde_json::Value,
        confirm: &str,
        reason: Option<&str>,
    ) -> Result<Receipt, Error> {
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let operator = self.operator(caller).await?;
            let seen = self.cursors.read(&named(caller, &filter), confirm).ok();
            let (since, looked_at) = seen.as_deref().and_then(Fingerprint::read).ok_or_else(|| {
                unconfirmed("This confirms another filter, or is none; look at a preview of this one first.")
            })?;
            let mut matching = self.matching(caller, &filter, since).await?;
            if looked_at != matching.looked_at {
                return Err(changed(matching.count).into());
            }
            let tokens = std::mem::take(&mut matching.tokens);
            let now = caller.now;
            let change = lifecycle::revoke_many(caller, tokens, told.clone(), reason)?
                .expect(Expect::Person(operator.id, operator.version));
            if let Some(settled) = tries.commit(change).await? {
                return Ok(Receipt { matching, revoked_at: now, journal: settled.position });
            }
        }
    }

    /// What a filter finds that has not ended, and what ends with it. Rotations are followed from
    /// `since` on.
    async fn matching(&self, caller: &Caller, filter: &Filter, since: Timestamp) -> Result<Matching, Error> {
        let (found, rotated) = match alive(filter.resolve(caller)?) {
            Some(want) => {
                if filter.is_about_uses() {
                    self.know_uses(caller.now).await?;
                }
                let though_rotated = Want { though_rotated: true, ..want.clone() };
                let found = self.every(filter, want, caller.now).await?;
                (found, self.every(filter, though_rotated, caller.now).await?)
            }
            None => Default::default(),
        };
        if found.len() > MOST {
            let sentence = format!(
                "{} tokens match, and one change takes up to {MOST}; narrow the filter, for example by account.",
                found.len()
            );
            return Err(Refusal::invalid("filter", sentence).into());
        }
        // What lists remember may be behind the rows: another peer was faster.
        let rows = self.rows_of(&found).await?;
        // Of those that were rotated long ago there may be any number, and their rows say nothing new.
        let found: HashSet<TokenId> = found.into_iter().collect();
        let elsewhere = rotated.into_iter().filter(|id| !found.contains(id));
        let here = rows.iter().filter(|token| token.life.rotated_to.is_some()).map(|token| token.id);
        let older = elsewhere.chain(here).collect();
        let mut all = Gathered::with_capacity(rows.len());
        rows.into_iter().filter(|token| !has_ended(token)).for_each(|token| all.add(token));
        let newer = self.rotated_since(older, since, &mut all).await?;
        let looked_at = Fingerprint::of(all.ids.iter().filter(|id| !newer.contains(id)).copied().collect());
        let newer: Vec<TokenId> = newer.into_iter().collect();
        let newer = self.rows_of(&newer).await?;
        newer.into_iter().filter(|token| !has_ended(token)).for_each(|token| all.add(token));
        self.with_what_they_replaced(&mut all, caller.now).await?;

        let mut accounts: BTreeMap<AccountId, u64> = BTreeMap::new();
        for token in &all.tokens {
            match accounts.get_mut(&token.account) {
                Some(count) => *count += 1,
                None => drop(accounts.insert(token.account.clone(), 1)),
            }
        }
        let includes_yours = all.ids.iter().any(|id| caller.comes_with(*id));
        let mut tokens = all.tokens;
        // So that those of an account, which are beside each other in most indices, are written together.
        tokens.sort_by_cached_key(|token| (token.account.clone(), token.number));
        Ok(Matching { count: tokens.len(), accounts, includes_yours, tokens, looked_at })
    }

    async fn every(&self, filter: &Filter, want: Want, now: Timestamp) -> Result<Vec<TokenId>, Error> {
        let scope = self.scope(filter).await?;
        let look = self.look(scope, move |catalogue, scope| catalogue.every(scope, &want, now));
        Ok(look.await?.ok_or_else(too_many)?)
    }

    /// What these tokens were rotated to since, and that again, ended or not. Those of them that were
    /// rotated are put into `all`: the filter found them when it was looked.
    async fn rotated_since(
        &self,
        mut older: Vec<TokenId>,
        since: Timestamp,
        all: &mut Gathered,
    ) -> Result<HashSet<TokenId>, Error> {
        let mut newer = HashSet::new();
        while !older.is_empty() {
            let mut next = Vec::new();
            for some in older.chunks(CHUNK) {
                for token in self.store.rotated_since(some, since).await? {
                    next.extend(token.life.rotated_to.filter(|new| newer.insert(*new)));
                    if !has_ended(&token) {
                        all.add(token);
                    }
                }
            }
            older = next;
        }
        Ok(newer)
    }

    /// What ends takes along what it replaced.
    async fn with_what_they_replaced(&self, all: &mut Gathered, now: Timestamp) -> Result<(), Error> {
        let mut looked_at = 0;
        while looked_at < all.tokens.len() {
            let newer: Vec<TokenId> = all.tokens[looked_at..].iter().map(|token| token.id).collect();
            looked_at = all.tokens.len();
            for some in newer.chunks(CHUNK) {
                self.store.in_grace(some, now).await?.into_iter().for_each(|token| all.add(token));
            }
        }
        Ok(())
    }

    /// Their rows, in no order; two chunks are read at a time.
    async fn rows_of(&self, ids: &[TokenId]) -> Result<Vec<Token>, Error> {
        let mut rows = Vec::with_capacity(ids.len());
        for some in ids.chunks(2 * CHUNK) {
            let (one, other) = some.split_at(some.len() / 2);
            let (one, other) = tokio::try_join!(self.store.token_rows(one), self.store.token_rows(other))?;
            rows.extend(one.into_iter().chain(other));
        }
        Ok(rows)
    }
}

/// Rows, each once.
struct Gathered {
    ids: HashSet<TokenId>,
    tokens: Vec<Token>,
}

impl Gathered {
    fn with_capacity(count: usize) -> Self {
        Self { ids: HashSet::with_capacity(count), tokens: Vec::with_capacity(count) }
    }

    fn add(&mut self, token: Token) {
        if self.ids.insert(token.id) {
            self.tokens.push(token);
        }
    }
}

impl Fingerprint {
    fn of(mut ids: Vec<TokenId>) -> Self {
        ids.sort_unstable();
        let mut hash = Sha256::new();
        for id in &ids {
            hash.update(id.to_string());
        }
        Self(format!("{} {}", ids.len(), hex(&hash.finalize())))
    }

    /// As it is confirmed, with the time from which rotations are followed.
    fn since(&self, since: Timestamp) -> String {
        format!("{} {}", since.as_micros(), self.0)
    }

    fn read(text: &str) -> Option<(Timestamp, Self)> {
        let (since, fingerprint) = text.split_once(' ')?;
        Some((Timestamp::from_micros(since.parse().ok()?), Self(fingerprint.to_owned())))
    }
}

/// A confirmation belongs to one filter and to whoever looked.
fn named(caller: &Caller, filter: &Filter) -> String {
    format!("revoke {filter:?} {}", caller.holder.id)
}

/// The same without tokens that have ended for good already; none where it asks for such alone.
fn alive(mut want: Want) -> Option<Want> {
    let ended = |state: &State| matches!(state, State::Deleted | State::Leaked | State::Revoked);
    if want.states.is_empty() {
        want.states = State::ALL.to_vec();
    }
    want.states.retain(|state| !ended(state));
    (!want.states.is_empty()).then_some(want)
}

fn has_ended(token: &Token) -> bool {
    let life = &token.life;
    life.revoked_at.is_some() || life.leaked_at.is_some() || life.deleted_at.is_some()
}

fn changed(count: usize) -> Refusal {
    unconfirmed(format!("Other tokens match by now, {count} in all; look at a preview again."))
}

fn unconfirmed(sentence: impl Into<String>) -> Refusal {
    Refusal::of_field(Code::ConfirmationRequired, "confirm", sentence)
}
