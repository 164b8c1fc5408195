//! Revoking whatever a filter finds: first a look at what that is, then exactly that, as one change.
//!
//! The look gives out a confirmation of the very tokens that it found. If a token has come, gone or
//! ended since, the revocation is refused, and the operator looks again: nobody revokes what they have
//! not seen. Whoever cannot keep up with new tokens names a moment in the filter, `created_before`.

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

/// Tokens that a filter finds, with those that they replaced and that are still in grace.
#[derive(Debug)]
pub struct Matching {
    pub count: usize,
    pub accounts: BTreeMap<AccountId, u64>,
    /// Whether what the caller comes with is among them.
    pub includes_yours: bool,
    ids: Vec<TokenId>,
}

impl Desk {
    /// Looks at what a revocation by this filter would revoke.
    pub async fn preview_revocation(&self, caller: Caller, filter: Filter) -> Result<Preview, Error> {
        self.operator(&caller).await?;
        let matching = self.matching(&caller, &filter).await?;
        let want = alive(filter.resolve(&caller)?);
        let order = Order { sort: Sort::CreatedAt, descending: true, after: None, limit: EXAMPLES };
        let examples = match want {
            Some(want) => self.first(filter.scope(), want, order, caller.now).await?.ok_or_else(too_many)?,
            None => Vec::new(),
        };
        let confirm = (matching.count > 0)
            .then(|| self.cursors.write(&named(&caller, &filter), &matching.fingerprint()));
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
            let seen = self.cursors.read(&named(caller, &filter), confirm);
            let seen = seen.map_err(|_| {
                unconfirmed("This confirms another filter, or is none; look at a preview of this one first.")
            })?;
            let matching = self.matching(caller, &filter).await?;
            if seen != matching.fingerprint() {
                return Err(changed(matching.count).into());
            }
            let tokens = self.rows_of(&matching.ids).await?;
            if tokens.len() != matching.count || tokens.iter().any(has_ended) {
                // Another peer was faster, and this one has not heard of it yet.
                return Err(changed(tokens.iter().filter(|token| !has_ended(token)).count()).into());
            }
            let now = caller.now;
            let change = lifecycle::revoke_many(caller, tokens, told.clone(), reason)?
                .expect(Expect::Person(operator.id, operator.version));
            if let Some(settled) = tries.commit(change).await? {
                return Ok(Receipt { matching, revoked_at: now, journal: settled.position });
            }
        }
    }

    /// What a filter finds that has not ended.
    async fn matching(&self, caller: &Caller, filter: &Filter) -> Result<Matching, Error> {
        let found = match alive(filter.resolve(caller)?) {
            Some(want) => {
                if filter.is_about_uses() {
                    self.know_uses(caller.now).await?;
                }
                let now = caller.now;
                let look =
                    self.look(filter.scope(), move |catalogue, scope| catalogue.every(scope, &want, now));
                look.await?.ok_or_else(too_many)?
            }
            None => Vec::new(),
        };
        if found.len() > MOST {
            let sentence = format!(
                "{} tokens match, and one change takes up to {MOST}; narrow the filter, for example by account.",
                found.len()
            );
            return Err(Refusal::invalid("filter", sentence).into());
        }
        let mut accounts: BTreeMap<AccountId, u64> = BTreeMap::new();
        let mut ids: HashSet<TokenId> = HashSet::with_capacity(found.len());
        for (account, id) in found {
            *accounts.entry(account).or_default() += 1;
            ids.insert(id);
        }
        // What ends takes along what it replaced.
        let mut newer: Vec<TokenId> = ids.iter().copied().collect();
        while !newer.is_empty() {
            let mut older = Vec::new();
            for some in newer.chunks(CHUNK) {
                for token in self.store.in_grace(some, caller.now).await? {
                    if ids.insert(token.id) {
                        *accounts.entry(token.account).or_default() += 1;
                        older.push(token.id);
                    }
                }
            }
            newer = older;
        }
        let mut ids: Vec<TokenId> = ids.into_iter().collect();
        ids.sort_unstable();
        let includes_yours = ids.iter().any(|id| caller.comes_with(*id));
        Ok(Matching { count: ids.len(), accounts, includes_yours, ids })
    }

    async fn rows_of(&self, ids: &[TokenId]) -> Result<Vec<Token>, Error> {
        let mut rows = Vec::with_capacity(ids.len());
        for some in ids.chunks(CHUNK) {
            rows.extend(self.store.tokens_by_id(None, some).await?.into_iter().map(|(token, _)| token));
        }
        Ok(rows)
    }
}

impl Matching {
    /// How many, and which.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for id in &self.ids {
            hash.update(id.to_string());
        }
        format!("{} {}", self.count, hex(&hash.finalize()))
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
