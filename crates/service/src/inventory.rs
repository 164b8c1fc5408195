//! Every token of the server, for whoever watches over it: who holds what, how old it is, when it ends
//! and when it was last used. Operators only.

mod revocation;

use std::collections::HashMap;
use std::sync::Arc;

use domain::facts::{Account, Holder, Token};
use domain::ids::{AccountId, HolderId};
use domain::refusal::Refusal;
use domain::time::Timestamp;
use domain::who::Caller;
use store::{After, LastUse, Sort};
use token::TokenId;
use tokio::task::JoinHandle;

pub use crate::catalogue::{Buckets, Span, Tally, Want};
pub use revocation::{MOST, Matching, Preview, Receipt};

use crate::catalogue::{Catalogue, Order, Scope, TooMany};
use crate::cursors::Page;
use crate::tokens::{Shown, show};
use crate::{Desk, Error};

/// Which tokens an operator asks about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub want: Want,
    /// `entity:action`, to become [`Want::permission`].
    pub permission: Option<String>,
}

impl Filter {
    fn resolve(&self, caller: &Caller) -> Result<Want, Refusal> {
        let mut want = self.want.clone();
        if let Some(name) = &self.permission {
            let found = caller.registry.find(name).ok_or_else(|| {
                let sentence = "No account of this server knows this permission; one reads `entity:action`.";
                Refusal::invalid("permission", sentence)
            })?;
            want.permission = Some(found);
        }
        Ok(want)
    }

    /// Whether it looks at when tokens were used.
    fn is_about_uses(&self) -> bool {
        self.want.used != Span::default() || self.want.never_used.is_some()
    }
}

/// A holder, and how many tokens they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    pub account: AccountId,
    pub id: HolderId,
    pub name: String,
    pub count: u64,
}

/// How to list them.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    pub filter: Filter,
    /// Newest first when absent.
    pub sort: Option<(Sort, bool)>,
    pub limit: usize,
    pub cursor: Option<String>,
}

impl Desk {
    /// Where a filter looks.
    async fn scope(&self, filter: &Filter) -> Result<Scope, Error> {
        let Some(id) = &filter.want.account else { return Ok(Scope::Server) };
        if self.store.account(id).await?.is_none() {
            return Err(Refusal::invalid("account", format!("There is no account {id}.")).into());
        }
        Ok(Scope::Account(id.clone()))
    }

    /// A page of the server's tokens.
    pub async fn inventory(&self, caller: Caller, sheet: Sheet) -> Result<Page<Shown>, Error> {
        self.operator(&caller).await?;
        let want = sheet.filter.resolve(&caller)?;
        let (sort, descending) = sheet.sort.unwrap_or((Sort::CreatedAt, true));
        let limit = sheet.limit.clamp(1, 100);
        let name = format!("inventory {want:?} {sort:?} {descending}");
        let after = match &sheet.cursor {
            Some(cursor) => {
                let place = self.cursors.read(&name, cursor)?;
                Some(serde_json::from_str::<After>(&place).map_err(|_| Error::Undetermined)?)
            }
            None => None,
        };
        if sort == Sort::LastUsedAt || sheet.filter.is_about_uses() {
            self.know_uses(caller.now).await?;
        }
        let order = Order { sort, descending, after, limit: limit + 1 };
        let scope = self.scope(&sheet.filter).await?;
        let mut rows = self.first(scope, want, order, caller.now).await?.ok_or_else(too_many)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|(token, last)| {
            let place = serde_json::to_string(&After::row(sort, token, last));
            self.cursors.write(&name, &place.expect("a place is plain data"))
        });
        Ok(Page { items: self.shown(&caller, rows).await?, next_cursor })
    }

    /// How many tokens of the server there are of each sort.
    pub async fn inventory_summary(&self, caller: Caller, filter: Filter) -> Result<Tally, Error> {
        self.operator(&caller).await?;
        let want = filter.resolve(&caller)?;
        self.know_uses(caller.now).await?;
        let now = caller.now;
        let scope = self.scope(&filter).await?;
        let tally = self.look(scope, move |catalogue, scope| catalogue.tally(scope, &want, now));
        tally.await?.ok_or_else(|| too_many().into())
    }

    /// Who has most of the tokens that a filter finds, the first of them.
    pub async fn inventory_holders(
        &self,
        caller: &Caller,
        filter: Filter,
        most: usize,
    ) -> Result<Vec<Keeper>, Error> {
        self.operator(caller).await?;
        let want = filter.resolve(caller)?;
        if filter.is_about_uses() {
            self.know_uses(caller.now).await?;
        }
        let now = caller.now;
        let look = move |catalogue: &Catalogue, scope: &Scope| catalogue.holders(scope, &want, most, now);
        let found = self.look(self.scope(&filter).await?, look).await?.ok_or_else(too_many)?;
        let ids: Vec<HolderId> = found.iter().map(|(_, id, _)| *id).collect();
        let mut within: Vec<AccountId> = found.iter().map(|(account, ..)| account.clone()).collect();
        within.sort_unstable();
        within.dedup();
        let names = self.store.holders_anywhere(&ids, &within).await?;
        let keeper = |(account, id, count): (AccountId, HolderId, u64)| {
            let name = names.iter().find(|holder| holder.account == account && holder.id == id)?.name.clone();
            Some(Keeper { account, id, name, count })
        };
        Ok(found.into_iter().filter_map(keeper).collect())
    }

    /// The first rows of an order, by a catalogue. None: more tokens than memory is set to hold.
    pub(crate) async fn first(
        &self,
        scope: Scope,
        want: Want,
        order: Order,
        now: Timestamp,
    ) -> Result<Option<Vec<(Token, LastUse)>>, Error> {
        let account = match &scope {
            Scope::Account(id) => Some(id.clone()),
            Scope::Server => None,
        };
        let look = move |catalogue: &Catalogue, scope: &Scope| catalogue.first(scope, &want, &order, now);
        let Some(ids) = self.look(scope, look).await? else { return Ok(None) };
        let mut rows = self.store.tokens_by_id(account.as_ref(), &ids).await?;
        self.used_since(&mut rows);
        let places: HashMap<TokenId, usize> = ids.into_iter().zip(0..).collect();
        rows.sort_unstable_by_key(|(token, _)| places.get(&token.id).copied());
        Ok(Some(rows))
    }

    /// Asks the catalogue, which is brought in where it is not here. None: it would be too large.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        scope: Scope,
        look: impl Fn(&Catalogue, &Scope) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Option<T>, Error> {
        /// Others may let go of it in between, which they do not do often.
        const TRIES: usize = 3;
        let look = Arc::new(look);
        for _ in 0..TRIES {
            let (catalogue, scope_, look) = (self.catalogue.clone(), scope.clone(), look.clone());
            // A walk along a million rows takes milliseconds, in which nobody else should wait.
            let found = tokio::task::spawn_blocking(move || look(&catalogue, &scope_)).await;
            match found.map_err(|_| Error::Undetermined)? {
                Some(found) => return Ok(Some(found)),
                None => {
                    if self.bringing(&scope).await.map_err(|_| Error::Undetermined)??.is_err() {
                        return Ok(None);
                    }
                    self.catalogue.used(self.verifier.last_uses());
                }
            }
        }
        Err(Error::Undetermined)
    }

    /// Brings in what is not here, in a task of its own: whoever asks next is glad of it, though this caller goes
    /// away, or does not wait.
    pub(crate) fn bringing(&self, scope: &Scope) -> JoinHandle<Result<Result<(), TooMany>, Error>> {
        let (catalogue, store, scope) = (self.catalogue.clone(), self.store.clone(), scope.clone());
        tokio::spawn(async move { catalogue.bring(&store, &scope).await })
    }

    /// Makes the catalogue know of uses up to now: those that are not written yet, and other peers'.
    pub(crate) async fn know_uses(&self, now: Timestamp) -> Result<(), Error> {
        self.catalogue.used(self.verifier.last_uses());
        self.catalogue.learn_uses(&self.store, now).await
    }

    /// Puts in the last uses that are not written yet: whoever only looks has nothing to write.
    pub(crate) fn used_since(&self, rows: &mut [(Token, LastUse)]) {
        for (token, last) in rows {
            if let Some((at, address)) = self.verifier.last_use_of(token.id)
                && last.at.is_none_or(|before| before <= at)
            {
                *last = LastUse { at: Some(at), address };
            }
        }
    }

    /// Rows of several accounts with what is shown beside them.
    pub(crate) async fn shown(
        &self,
        caller: &Caller,
        rows: Vec<(Token, LastUse)>,
    ) -> Result<Vec<Shown>, Error> {
        let mut ids: Vec<HolderId> = rows.iter().flat_map(|(t, _)| [t.holder, t.issued_by]).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut accounts: HashMap<AccountId, Arc<Account>> = HashMap::new();
        for (token, _) in &rows {
            if !accounts.contains_key(&token.account) {
                let account = self.store.account(&token.account).await?.ok_or(Error::Undetermined)?;
                accounts.insert(token.account.clone(), account);
            }
        }
        let within: Vec<AccountId> = accounts.keys().cloned().collect();
        let holders = self.store.holders_anywhere(&ids, &within).await?;
        let holders: HashMap<(&AccountId, HolderId), &Holder> =
            holders.iter().map(|holder| ((&holder.account, holder.id), holder)).collect();
        let shown = rows.into_iter().filter_map(|(token, last_use)| {
            let account = accounts.get(&token.account)?;
            let holder = holders.get(&(&account.id, token.holder))?;
            let issuer = holders.get(&(&account.id, token.issued_by))?;
            Some(show(account, &caller.registry, token, last_use, holder, issuer, caller.now))
        });
        Ok(shown.collect())
    }
}

fn too_many() -> Refusal {
    Refusal::of_field(
        domain::refusal::Code::InvalidField,
        "account",
        "There are more tokens than this server is set to have in memory; name an account.",
    )
}
