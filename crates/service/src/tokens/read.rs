//! Reading tokens: one, oneself, a list, and how one was used.

use std::collections::HashMap;

use domain::facts::{Account, Holder, Token};
use domain::ids::{AccountId, HolderId};
use domain::life::{Lens, State};
use domain::lifecycle::{self, Actions};
use domain::node::NodePath;
use domain::permission::{PermissionSet, TOKENS_READ};
use domain::policy::{LoginMode, Visibility};
use domain::refusal::Refusal;
use domain::usage::By;
use domain::who::Caller;
use store::{After, LastUse, Sort, TokenQuery, UsageReport};
use token::{Kind, TokenId};

use super::{Rows, Shown, acts_as};
use crate::auth::at_home;
use crate::catalogue::{Order, Scope, Want};
use crate::cursors::Page;
use crate::{Desk, Error};

/// What a token learns about itself.
#[derive(Debug)]
pub struct Myself {
    pub shown: Shown,
    pub role: Option<String>,
    pub permissions: Vec<String>,
}

/// A token with what the caller is offered to do with it.
#[derive(Debug)]
pub struct Offered {
    pub shown: Shown,
    pub actions: Actions,
    pub holder: Holder,
    /// Whoever issued it has left.
    pub issuer_gone: bool,
}

/// How a token was used, and what the services that asked are called.
#[derive(Debug)]
pub struct Used {
    pub report: UsageReport,
    /// By id; services that are not known any more are left out.
    pub services: HashMap<String, String>,
}

/// How many tokens the store searches in no time.
const FEW: i64 = 1_000;

/// Which tokens to list, and in what order.
#[derive(Clone, Debug, Default)]
pub struct List {
    pub issued_by: Option<HolderId>,
    pub role: Option<String>,
    pub status: Option<State>,
    pub kind: Option<Kind>,
    pub text: Option<String>,
    pub sort: Option<(Sort, bool)>,
    pub limit: usize,
    pub cursor: Option<String>,
}

impl Desk {
    pub async fn token(&self, caller: Caller, account: &AccountId, id: TokenId) -> Result<Shown, Error> {
        Ok(self.rows_to_show(&caller, account, id).await?.into_shown(&caller))
    }

    /// The same with what the caller may do with it.
    pub async fn offered_token(
        &self,
        caller: &Caller,
        account: &AccountId,
        id: TokenId,
    ) -> Result<Offered, Error> {
        Ok(self.rows_to_show(caller, account, id).await?.offered(caller))
    }

    async fn rows_to_show(&self, caller: &Caller, account: &AccountId, id: TokenId) -> Result<Rows, Error> {
        at_home(caller, account)?;
        caller.needs_reach(TOKENS_READ)?;
        self.flush_usage_of(&[id]).await;
        let rows = self.rows(caller, id).await?;
        let state = lifecycle::state(&caller.account, &rows.holder, &rows.token, caller.now);
        if state == State::Deleted && !caller.account.policy.tombstones.listed {
            return Err(Refusal::not_found("token").into());
        }
        Ok(rows)
    }

    /// The token that asks, whatever it may do.
    pub async fn myself(&self, caller: Caller) -> Result<Myself, Error> {
        let found = self.store.token(&caller.account.id, caller.own_token()?.id).await?;
        let (token, last_use) = found.ok_or(Error::Unauthenticated)?;
        let role = acts_as(&token.grant, &caller.holder, &caller.account);
        let rights: PermissionSet = caller.rights(&token.node);
        let permissions = caller.registry.spell(rights).map(str::to_owned).collect();
        let role = role.map(str::to_owned);
        let issuer = self.holder_or(&caller, token.issued_by).await?;
        let shown = self.show(&caller, token, last_use, &caller.holder, &issuer);
        Ok(Myself { shown, role, permissions })
    }

    pub async fn token_usage(
        &self,
        caller: Caller,
        account: &AccountId,
        id: TokenId,
        days: i32,
    ) -> Result<Used, Error> {
        let now = caller.now;
        self.token(caller, account, id).await?;
        let report = self.store.usage(account, id, domain::usage::day(now) - days).await?;
        let report = report.ok_or_else(|| Refusal::not_found("token"))?;
        let mut services = HashMap::new();
        for count in &report.counts {
            let By::Service(named) = &count.by else { continue };
            if let Ok(id) = named.parse()
                && !services.contains_key(named)
                && let Some(service) = self.store.service(id).await?
            {
                services.insert(named.clone(), service.name);
            }
        }
        Ok(Used { report, services })
    }

    pub async fn list_tokens(
        &self,
        caller: Caller,
        account: &AccountId,
        list: List,
    ) -> Result<Page<Shown>, Error> {
        let Page { items, next_cursor } = self.page_of_rows(&caller, account, list).await?;
        let items = items.into_iter().map(|rows| rows.into_shown(&caller)).collect();
        Ok(Page { items, next_cursor })
    }

    /// The same with what the caller may do with each.
    pub async fn offered_tokens(
        &self,
        caller: &Caller,
        account: &AccountId,
        list: List,
    ) -> Result<Page<Offered>, Error> {
        let Page { items, next_cursor } = self.page_of_rows(caller, account, list).await?;
        let items = items.into_iter().map(|rows| rows.offered(caller)).collect();
        // Whoever looks at a page will filter it next.
        let scope = Scope::Account(account.clone());
        if next_cursor.is_some()
            && !self.catalogue.has(&scope)
            && self.store.tokens_made(account).await? > FEW
        {
            drop(self.bringing(&scope));
        }
        Ok(Page { items, next_cursor })
    }

    async fn page_of_rows(
        &self,
        caller: &Caller,
        account: &AccountId,
        list: List,
    ) -> Result<Page<Rows>, Error> {
        at_home(caller, account)?;
        caller.needs_reach(TOKENS_READ)?;
        let policy = &caller.account.policy;
        // Whoever came for a part of the tree lists the tokens there.
        let part = caller.token().map(|by| &by.node).filter(|node| !node.is_root());
        let others =
            caller.manages_at(part.unwrap_or(&NodePath::root())) || policy.visibility == Visibility::All;
        if !others && policy.visibility == Visibility::None {
            return Err(Refusal::forbidden("Only those who manage this account's tokens see them.").into());
        }
        let role =
            match &list.role {
                Some(name) => {
                    Some(caller.account.role_named(name).map(|role| role.id).ok_or_else(|| {
                        Refusal::invalid("role", format!("This account has no role {name}."))
                    })?)
                }
                None => None,
            };
        let (sort, descending) = list.sort.unwrap_or((Sort::CreatedAt, true));
        let limit = list.limit.clamp(1, 100);
        // A cursor belongs to one account, one caller's view, one set of filters and one order.
        let name = format!(
            "tokens {account} {:?} {part:?} {:?} {:?} {:?} {:?} {:?} {sort:?} {descending}",
            (!others).then_some(caller.holder.id),
            list.issued_by,
            list.role,
            list.status,
            list.kind,
            list.text,
        );
        let after = match &list.cursor {
            Some(cursor) => {
                let place = self.cursors.read(&name, cursor)?;
                Some(serde_json::from_str::<After>(&place).map_err(|_| Error::Undetermined)?)
            }
            None => None,
        };
        let kinds = match (list.kind, policy.login.mode) {
            // Where a login makes no token, sessions are their holders' own affair: none is shown by its
            // id, so none is listed.
            (Some(Kind::Ses), mode) if mode != LoginMode::Token => {
                return Ok(Page { items: Vec::new(), next_cursor: None });
            }
            (Some(kind), _) => vec![kind],
            (None, LoginMode::Token) => vec![Kind::Pat, Kind::Sat, Kind::Ses],
            (None, _) => vec![Kind::Pat, Kind::Sat],
        };
        let query = TokenQuery {
            holder: (!others).then_some(caller.holder.id),
            issued_by: list.issued_by,
            node: part.cloned(),
            role,
            states: states(list.status, policy.tombstones.listed),
            kinds,
            text: list.text.filter(|text| !text.is_empty()),
            sort,
            descending,
            after,
            limit: limit + 1,
            lens: Lens::of(&caller.account, caller.now),
        };
        if query.states.is_empty() {
            return Ok(Page { items: Vec::new(), next_cursor: None });
        }
        let mut rows = self.page_of(caller, query).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|(token, last)| {
            let place = serde_json::to_string(&After::row(sort, token, last));
            self.cursors.write(&name, &place.expect("a place is plain data"))
        });

        let mut ids: Vec<HolderId> = rows.iter().flat_map(|(t, _)| [t.holder, t.issued_by]).collect();
        ids.sort_unstable();
        ids.dedup();
        let holders = self.store.holders_by_id(account, &ids).await?;
        let holders: HashMap<HolderId, Holder> =
            holders.into_iter().map(|holder| (holder.id, holder)).collect();
        let items = rows
            .into_iter()
            .filter_map(|(token, last_use)| {
                let (holder, issuer) = (holders.get(&token.holder)?, holders.get(&token.issued_by)?);
                let (holder, issuer) = (holder.clone(), issuer.clone());
                Some(Rows { token, last_use, holder, issuer, line: Vec::new() })
            })
            .collect();
        Ok(Page { items, next_cursor })
    }
}

impl Rows {
    fn offered(self, caller: &Caller) -> Offered {
        Offered {
            actions: lifecycle::actions(caller, &self.token, &self.holder, &self.issuer),
            issuer_gone: self.issuer.standing.removed_at.is_some(),
            holder: self.holder.clone(),
            shown: self.into_shown(caller),
        }
    }
}

impl Desk {
    /// The rows of a page of the caller's account: from memory which they are, where the store would have
    /// to search for them.
    async fn page_of(&self, caller: &Caller, query: TokenQuery) -> Result<Vec<(Token, LastUse)>, Error> {
        let account = &caller.account.id;
        if query.sort == Sort::LastUsedAt {
            self.know_uses(caller.now).await?;
        }
        if self.searches(account, &query).await? {
            let order = Order {
                sort: query.sort,
                descending: query.descending,
                after: query.after.clone(),
                limit: query.limit,
            };
            let want = wanted(&query, &caller.account);
            if let Some(rows) = self.first(Scope::Account(account.clone()), want, order, caller.now).await? {
                return Ok(rows);
            }
        }
        // In order of last use the store goes by what is written.
        if query.sort == Sort::LastUsedAt
            && let Err(error) = self.flush_usage().await
        {
            tracing::warn!(%error, "use counters could not be written; they are kept and tried again");
        }
        let mut rows = self.store.tokens(account, query).await?;
        self.used_since(&mut rows);
        Ok(rows)
    }

    /// Whether the store would have to look at more rows than the page has, and at many.
    async fn searches(&self, account: &AccountId, query: &TokenQuery) -> Result<bool, Error> {
        let walks = matches!(query.sort, Sort::CreatedAt | Sort::Name)
            && query.holder.is_none()
            && query.issued_by.is_none()
            && query.node.is_none()
            && query.role.is_none()
            && query.text.is_none()
            && query.kinds.len() > 1
            && query.states.len() + 1 >= State::ALL.len();
        // Walks are short where most rows are shown; where they are not, it may be here already.
        let here = || self.catalogue.has(&Scope::Account(account.clone()));
        Ok((!walks || here()) && self.store.tokens_made(account).await? > FEW)
    }
}

/// The same tokens, as a catalogue is asked for them.
fn wanted(query: &TokenQuery, account: &Account) -> Want {
    Want {
        holder: query.holder,
        issued_by: query.issued_by,
        node: query.node.clone(),
        role: query.role.and_then(|id| account.role(id)).map(|role| role.name.clone()),
        states: query.states.clone(),
        kinds: query.kinds.clone(),
        text: query.text.clone(),
        ..Want::default()
    }
}

/// The states that a status filter means. Deleted tokens are listed under their own filter
/// alone, and only where the policy lists tombstones.
fn states(status: Option<State>, tombstones: bool) -> Vec<State> {
    match status {
        None => State::ALL.into_iter().filter(|state| *state != State::Deleted).collect(),
        Some(State::Active) => vec![State::Active, State::Expiring, State::Grace],
        Some(State::Deleted) if !tombstones => Vec::new(),
        Some(state) => vec![state],
    }
}
