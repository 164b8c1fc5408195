//! The product's backend, or an operator, keeps accounts and members in step with the product's own:
//! by `external_id`, one at a time or a thousand, as often as it likes.
//!
//! A batch is read, decided and committed in parts, so that whoever revokes meanwhile waits for
//! one part at most. In each part those who lose something go first and by themselves: they are
//! stopped even where there is no room left for anybody new.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use domain::accounts;
use domain::bindings;
use domain::change::{Actor, Change, Expect};
use domain::facts::{Account, Holder, Scope, Service};
use domain::ids::{AccountId, ExternalId, HolderId, MemberId, RoleId};
use domain::permission::PermissionSet;
use domain::provision::{self, Founding, Hand, Put, PutAccount, PutMember};
use domain::refusal::Refusal;
use domain::time::Timestamp;
use domain::who::Caller;
use store::CommitError;
use token::{Code, Entropy};

use crate::auth::{scope, within};
use crate::cursors::Page;
use crate::{ATTEMPTS, Desk, Error, Visitor};

/// Rows of a batch that are decided and committed at a time.
const PART: usize = 250;

/// Batches under way at once; more wait for the first to be done.
pub(crate) const AT_ONCE: usize = 4;

/// Who keeps accounts and members in step: a service with the scope `provision`, or an operator.
pub enum Provisioner {
    Service(Arc<Service>),
    Operator(Box<Caller>),
}

/// What became of one of many.
pub type Done<T> = Result<Put<T>, Refusal>;

impl Provisioner {
    fn actor(&self) -> Actor {
        match self {
            Self::Service(service) => Actor::Service(service.id),
            Self::Operator(caller) => caller.actor(),
        }
    }

    /// Accounts that it may not know of are missing ones.
    fn may_reach(&self, account: &AccountId) -> Result<(), Refusal> {
        match self {
            Self::Service(service) => within(service, account),
            Self::Operator(_) => Ok(()),
        }
    }

    fn reaches_all(&self) -> bool {
        match self {
            Self::Service(service) => service.accounts.is_none(),
            Self::Operator(_) => true,
        }
    }

    /// Rests a change on the rows that let the provisioner make it.
    fn stands_behind(&self, change: Change) -> Change {
        match self {
            Self::Service(service) => change.expect(Expect::Service(service.id, service.version)),
            Self::Operator(caller) => caller.stands_behind(change),
        }
    }
}

impl Desk {
    /// Whoever may provision. A service of other scopes and a holder who is no operator are refused.
    pub async fn provisioner(&self, visitor: Visitor) -> Result<Provisioner, Error> {
        match visitor {
            Visitor::Service(service) => {
                scope(&service, Scope::Provision)?;
                Ok(Provisioner::Service(service))
            }
            Visitor::Holder(caller) => {
                self.operator(&caller).await?;
                Ok(Provisioner::Operator(caller))
            }
        }
    }

    /// The account that somebody wants to read of, if they may: one of its own who has the
    /// permission, an operator, or a service that provisions it. For others it does not exist.
    pub(crate) async fn reads(
        &self,
        visitor: &Visitor,
        account: &AccountId,
        permission: PermissionSet,
    ) -> Result<Arc<Account>, Error> {
        let missing = || Error::from(Refusal::not_found("account"));
        match visitor {
            Visitor::Holder(caller) if caller.account.id == *account => {
                caller.needs(permission)?;
                Ok(caller.account.clone())
            }
            Visitor::Holder(caller) => self.elsewhere(caller, account).await,
            Visitor::Service(service) => {
                scope(service, Scope::Provision)?;
                within(service, account)?;
                self.store.account(account).await?.ok_or_else(missing)
            }
        }
    }

    /// An account that the caller is not of: an operator's business, and missing for all others.
    pub(crate) async fn elsewhere(
        &self,
        caller: &Caller,
        account: &AccountId,
    ) -> Result<Arc<Account>, Error> {
        let missing = || Error::from(Refusal::not_found("account"));
        self.operator(caller).await.map_err(|error| match error {
            Error::Refused(_) => missing(),
            other => other,
        })?;
        self.store.account(account).await?.ok_or_else(missing)
    }

    /// The accounts that somebody may know of, by id: all for an operator and for a service that is
    /// limited to none, and to others their own.
    pub async fn accounts(
        &self,
        visitor: Visitor,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Page<Arc<Account>>, Error> {
        let few = match &visitor {
            Visitor::Holder(caller) if self.operator(caller).await.is_err() => {
                Some(vec![caller.account.id.clone()])
            }
            Visitor::Holder(_) => None,
            Visitor::Service(service) => {
                scope(service, Scope::Provision)?;
                service.accounts.clone()
            }
        };
        let limit = limit.clamp(1, 100);
        let after: Option<AccountId> = match cursor {
            Some(cursor) => {
                let place = self.cursors.read("accounts", &cursor)?;
                Some(place.parse().map_err(|_| Error::Undetermined)?)
            }
            None => None,
        };
        let mut items = match few {
            None => self.store.accounts(after.as_ref(), limit + 1).await?,
            Some(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                let mut items = Vec::new();
                for id in
                    ids.iter().filter(|id| after.as_ref().is_none_or(|after| *id > after)).take(limit + 1)
                {
                    items.extend(self.store.account(id).await?);
                }
                items
            }
        };
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|account| self.cursors.write("accounts", account.id.as_str()));
        Ok(Page { items, next_cursor })
    }

    /// The member whom the product calls so.
    pub async fn member_named(
        &self,
        visitor: &Visitor,
        account: &AccountId,
        external_id: &str,
    ) -> Result<(Arc<Account>, Holder), Error> {
        let (account, by) = self.reads_members(visitor, account).await?;
        let holder = self.member_of(&account.id, external_id).await?;
        if by.is_none_or(|caller| bindings::reads(caller, &holder)) {
            Ok((account, holder))
        } else {
            Err(Refusal::not_found("member").into())
        }
    }

    async fn member_of(&self, account: &AccountId, external_id: &str) -> Result<Holder, Error> {
        let missing = || Refusal::not_found("member");
        let external_id = ExternalId::parse(external_id).map_err(|_| missing())?;
        let found = self.store.holder_by_external_id(account, external_id.as_str()).await?;
        let member = found.filter(|holder| matches!(holder.id, HolderId::Member(_)));
        member.ok_or_else(|| missing().into())
    }

    /// The account that the product calls so.
    pub async fn account_named(&self, by: &Provisioner, external_id: &str) -> Result<Arc<Account>, Error> {
        let missing = || Refusal::not_found("account");
        let external_id = ExternalId::parse(external_id).map_err(|_| missing())?;
        let mut found = self.store.accounts_by_external_id(&[external_id]).await?;
        let account = found.pop().ok_or_else(missing)?;
        by.may_reach(&account.id)?;
        Ok(account)
    }

    /// Makes one user of the product what the order says.
    pub async fn put_member(
        &self,
        by: Provisioner,
        account: &AccountId,
        order: PutMember,
    ) -> Result<(Arc<Account>, Put<Holder>), Error> {
        let (account, mut done) = self.put_members_of(by, account, &[order]).await?;
        let put = done.pop().ok_or(Error::Undetermined)??;
        Ok((account, put))
    }

    /// Makes many users of the product what the orders say, at most [`MOST`](provision::MOST): each is answered in its
    /// place, and one that is refused keeps nobody else from being done. Where this fails as a whole,
    /// some may be done already; sending it again is right.
    pub async fn put_members(
        &self,
        by: Provisioner,
        account: &AccountId,
        orders: &[PutMember],
    ) -> Result<Vec<Done<Holder>>, Error> {
        let _turn = self.batches.acquire().await.map_err(|_| Error::Undetermined)?;
        Ok(self.put_members_of(by, account, orders).await?.1)
    }

    async fn put_members_of(
        &self,
        by: Provisioner,
        account: &AccountId,
        orders: &[PutMember],
    ) -> Result<(Arc<Account>, Vec<Done<Holder>>), Error> {
        by.may_reach(account)?;
        let mut work = Work::begin(by, orders.iter().map(|order| &order.external_id));
        // Once at least, for an empty batch too: an account that is not there has no members.
        let mut within = self.store.account(account).await?.ok_or_else(|| Refusal::not_found("account"))?;
        while let Some(part) = work.part() {
            let names: Vec<ExternalId> = part.iter().map(|n| orders[*n].external_id.clone()).collect();
            within = self.store.account(account).await?.ok_or_else(|| Refusal::not_found("account"))?;
            let found = self.store.holders_by_external_id(account, &names).await?;
            let mut found: HashMap<String, Holder> =
                found.into_iter().filter_map(|holder| Some((holder.external_id.clone()?, holder))).collect();
            let hand = work.hand(self.now());
            let mut decide = |n: usize| {
                let order = &orders[n];
                let draw = || MemberId::draw(&*self.entropy);
                provision::put_member(&hand, &within, found.remove(order.external_id.as_str()), order, draw)
            };
            let decided = part.into_iter().map(|n| (n, decide(n))).collect();
            self.carry_out(&mut work, decided).await?;
        }
        Ok((within, work.done()))
    }

    /// Takes a user of the product out of an account.
    pub async fn remove_member_named(
        &self,
        by: Provisioner,
        account: &AccountId,
        external_id: &str,
    ) -> Result<(Arc<Account>, Holder), Error> {
        by.may_reach(account)?;
        let mut by = by;
        for _ in 0..ATTEMPTS {
            let account = self.store.account(account).await?.ok_or_else(|| Refusal::not_found("account"))?;
            let holder = self.member_of(&account.id, external_id).await?;
            let hand = Hand { actor: by.actor(), now: self.now() };
            let (holder, change) = provision::remove_member(&hand, &account, holder);
            if self.commit_alone(by.stands_behind(change)).await? {
                return Ok((account, holder));
            }
            by = self.provisioner_again(&by).await?;
        }
        Err(Error::Conflict)
    }

    /// Makes one customer of the product what the order says. `preset` is that of new accounts whose
    /// orders name none.
    pub async fn put_account(
        &self,
        by: Provisioner,
        order: PutAccount,
        preset: &str,
    ) -> Result<Put<Account>, Error> {
        let mut done = self.put_accounts_of(by, &[order], preset).await?;
        Ok(done.pop().ok_or(Error::Undetermined)??)
    }

    /// Makes many customers of the product what the orders say, as [`Desk::put_members`] does users.
    pub async fn put_accounts(
        &self,
        by: Provisioner,
        orders: &[PutAccount],
        preset: &str,
    ) -> Result<Vec<Done<Account>>, Error> {
        let _turn = self.batches.acquire().await.map_err(|_| Error::Undetermined)?;
        self.put_accounts_of(by, orders, preset).await
    }

    async fn put_accounts_of(
        &self,
        by: Provisioner,
        orders: &[PutAccount],
        preset: &str,
    ) -> Result<Vec<Done<Account>>, Error> {
        let preset = accounts::preset_named(preset)?;
        let mut work = Work::begin(by, orders.iter().map(|order| &order.external_id));
        while let Some(part) = work.part() {
            let names: Vec<ExternalId> = part.iter().map(|n| orders[*n].external_id.clone()).collect();
            let found = self.store.accounts_by_external_id(&names).await?;
            let found: HashMap<&str, &Arc<Account>> =
                found.iter().filter_map(|account| Some((account.external_id.as_deref()?, account))).collect();
            let wanted: Vec<AccountId> = part.iter().map(|n| orders[*n].wanted()).collect();
            let taken: HashSet<AccountId> = self.store.accounts_there(&wanted).await?.into_iter().collect();
            // From the store: what another peer has just named must not be named twice.
            let registry = (*self.store.registry().await?).clone();
            let mut founding = Founding { preset, registry, taken };
            let hand = work.hand(self.now());
            let reaches = |account: Option<&Account>| match account {
                Some(account) => work.by.may_reach(&account.id),
                // Nor does it learn whether others have one of that name.
                None if !work.by.reaches_all() => Err(Refusal::not_found("account")),
                None => Ok(()),
            };
            let mut decide = |n: usize| {
                let order = &orders[n];
                let found = found.get(order.external_id.as_str()).map(|found| &***found);
                reaches(found)?;
                let draw = || RoleId::draw(&*self.entropy);
                provision::put_account(&hand, &mut founding, found, order, draw, || spice(&*self.entropy))
            };
            let decided = part.into_iter().map(|n| (n, decide(n))).collect();
            self.carry_out(&mut work, decided).await?;
        }
        Ok(work.done())
    }

    /// Commits a part: what ends, which a full disk does not keep from being done; what narrows; then the
    /// rest. What falls because rows have moved on waits for another turn.
    async fn carry_out<T>(&self, work: &mut Work<T>, decided: Vec<(usize, Done<T>)>) -> Result<(), Error> {
        let mut conflict = false;
        let (mut end, mut narrow, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for (n, done) in decided {
            match done {
                Ok(put) if put.change.ends => end.push((n, put)),
                Ok(put) if put.change.narrows => narrow.push((n, put)),
                Ok(put) if !put.change.writes.is_empty() => rest.push((n, put)),
                done => work.settle(n, done),
            }
        }
        for group in [end, narrow, rest] {
            if group.is_empty() {
                continue;
            }
            let mut changes = Vec::with_capacity(group.len());
            let mut puts = Vec::with_capacity(group.len());
            for (n, put) in group {
                changes.push(put.change);
                puts.push((n, Put { change: Change::default(), ..put }));
            }
            let change = work.by.stands_behind(provision::together(changes));
            match self.store.commit(change).await {
                Ok(_) => puts.into_iter().for_each(|(n, put)| work.settle(n, Ok(put))),
                Err(CommitError::Conflict) => {
                    conflict = true;
                    work.waiting.extend(puts.into_iter().map(|(n, _)| n));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if conflict {
            work.patience = work.patience.checked_sub(1).ok_or(Error::Conflict)?;
            work.by = self.provisioner_again(&work.by).await?;
        }
        Ok(())
    }

    /// The same provisioner on fresh rows, if it still may.
    async fn provisioner_again(&self, by: &Provisioner) -> Result<Provisioner, Error> {
        match by {
            Provisioner::Service(service) => {
                Ok(Provisioner::Service(Arc::new(self.still(service.id).await?)))
            }
            Provisioner::Operator(caller) => {
                let caller = self.again((**caller).clone()).await?;
                self.operator(&caller).await?;
                Ok(Provisioner::Operator(Box::new(caller)))
            }
        }
    }
}

/// A batch under way.
struct Work<T> {
    by: Provisioner,
    /// Places of the orders that have no answer yet.
    waiting: VecDeque<usize>,
    /// The answers, each in its order's place.
    answers: Vec<Option<Done<T>>>,
    /// How many parts may fall still because others were faster.
    patience: usize,
}

impl<T> Work<T> {
    /// Of two orders for one name the first counts.
    fn begin<'a>(by: Provisioner, names: impl Iterator<Item = &'a ExternalId>) -> Self {
        let mut work = Self { by, waiting: VecDeque::new(), answers: Vec::new(), patience: ATTEMPTS };
        let mut seen = HashSet::new();
        for (n, name) in names.enumerate() {
            if seen.insert(name) {
                work.waiting.push_back(n);
                work.answers.push(None);
            } else {
                let sentence = format!("{name} stands in this batch before; that one counts.");
                work.answers.push(Some(Err(Refusal::invalid("external_id", sentence))));
            }
        }
        work
    }

    /// The next orders to decide on; none where all are answered.
    fn part(&mut self) -> Option<Vec<usize>> {
        let part: Vec<usize> = self.waiting.drain(..self.waiting.len().min(PART)).collect();
        (!part.is_empty()).then_some(part)
    }

    fn hand(&self, now: Timestamp) -> Hand {
        Hand { actor: self.by.actor(), now }
    }

    fn settle(&mut self, n: usize, done: Done<T>) {
        self.answers[n] = Some(done);
    }

    fn done(self) -> Vec<Done<T>> {
        self.answers.into_iter().map(|done| done.expect("nobody waits any more")).collect()
    }
}

/// A few characters that make an id another one.
fn spice(entropy: &dyn Entropy) -> String {
    let mut code = Code::draw(entropy).to_string();
    code.truncate(6);
    code
}
