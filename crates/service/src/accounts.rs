//! Accounts, their policies and roles.

use std::sync::Arc;

use domain::accounts::{self, As, Edit, Found, Founded};
use domain::change::{Actor, Change, Expect};
use domain::facts::{Account, Role};
use domain::ids::{AccountId, RoleId};
use domain::outlook::Outlook;
use domain::permission::{POLICY_READ, PermissionSet, ROLES_CREATE, ROLES_READ};
use domain::policy::{Changed, Policy};
use domain::refusal::Refusal;
use domain::roles;
use domain::who::Caller;

use crate::answers::{Kept, Made};
use crate::auth::at_home;
use crate::catalogue::{Catalogue, Scope};
use crate::{Desk, Error, Proof, Replay, Visitor};

/// What a change of policy would come to.
#[derive(Debug)]
pub struct Foreseen {
    /// The switches that are set otherwise.
    pub changed: Vec<Changed>,
    /// What becomes of the tokens; none where there are more than this server is set to have in memory.
    pub outlook: Option<Outlook>,
    /// Of the account's row that this rests on.
    pub version: i64,
}

/// A role and its place among the account's, 0 for the strongest.
#[derive(Debug)]
pub struct Ranked {
    pub role: Role,
    pub rank: usize,
}

impl Desk {
    /// Founds an account. Its founder has no part in it; members are added by services and
    /// operators, or by its own administrators once there is one.
    pub async fn found_account(
        &self,
        caller: Caller,
        order: Found,
        preset: &str,
        replay: Option<Replay>,
    ) -> Result<Arc<Account>, Error> {
        self.operator(&caller).await?;
        let preset = accounts::preset_named(preset)?;
        let decide = |caller: &Caller| {
            let draw = || RoleId::draw(&*self.entropy);
            let registry = self.registry();
            let founded = accounts::found(&order, preset, &registry, draw, caller.actor(), caller.now)?;
            let Founded { account, change, .. } = founded;
            let kept = Kept::id(&account.id);
            Ok((Arc::new(Account { version: 1, ..account }), kept, change))
        };
        match self.settle_once(caller, replay.as_ref(), decide).await? {
            Made::Now(account) => Ok(account),
            Made::Before(kept) => {
                let account = self.store.account(&kept.named()?).await?;
                account.ok_or_else(|| Refusal::not_found("account").into())
            }
        }
    }

    /// An account: its own members' and tokens', and any of them for an operator and for a service
    /// that provisions it.
    pub async fn account(&self, visitor: &Visitor, account: &AccountId) -> Result<Arc<Account>, Error> {
        self.reads(visitor, account, PermissionSet::EMPTY).await
    }

    /// Edits an account: its own people what it is called, operators any account and how the product
    /// finds it.
    pub async fn edit_account(
        &self,
        caller: Caller,
        account: &AccountId,
        version: Option<i64>,
        edit: Edit,
    ) -> Result<Account, Error> {
        self.change_account(caller, account, As::Member, |caller, who, account| {
            if version.is_some_and(|version| version != account.version) {
                return Err(Error::Conflict);
            }
            accounts::edit(caller, who, account, &edit).map_err(Error::from)
        })
        .await
    }

    /// Closes an account: nothing in it verifies or works at the desk from the answer on.
    pub async fn deactivate_account(&self, caller: Caller, account: &AccountId) -> Result<Account, Error> {
        let decide = |caller: &Caller, _, account| Ok(accounts::deactivate(caller, account)?);
        self.change_account(caller, account, As::Operator, decide).await
    }

    pub async fn reactivate_account(&self, caller: Caller, account: &AccountId) -> Result<Account, Error> {
        let decide = |caller: &Caller, _, account| Ok(accounts::reactivate(caller, account)?);
        self.change_account(caller, account, As::Operator, decide).await
    }

    /// Loads, decides, commits, and returns the account as it stands then. `least` says who may at
    /// all; an account that the caller may not know of is missing.
    async fn change_account(
        &self,
        caller: Caller,
        id: &AccountId,
        least: As,
        decide: impl Fn(&Caller, As, Account) -> Result<(Account, Change), Error>,
    ) -> Result<Account, Error> {
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let (who, operator) = match self.operator(caller).await {
                Ok(person) => (As::Operator, Some(Expect::Person(person.id, person.version))),
                Err(Error::Refused(_)) if caller.account.id != *id => {
                    return Err(Refusal::not_found("account").into());
                }
                Err(Error::Refused(_)) if least == As::Member => (As::Member, None),
                Err(error) => return Err(error),
            };
            let missing = || Refusal::not_found("account");
            let account = self.store.account(id).await?.ok_or_else(missing)?;
            let (mut account, change) = decide(caller, who, (*account).clone())?;
            account.version += i64::from(!change.writes.is_empty());
            // Whoever is an operator no more stops here too.
            let change = Change { expects: change.expects.into_iter().chain(operator).collect(), ..change };
            if tries.commit(change).await?.is_some() {
                return Ok(account);
            }
        }
    }

    pub async fn policy(&self, caller: Caller, account: &AccountId) -> Result<Arc<Account>, Error> {
        at_home(&caller, account)?;
        caller.needs(POLICY_READ)?;
        Ok(caller.account)
    }

    /// What another policy would change, for whoever may change it. Nothing is written.
    pub async fn foresee_policy(
        &self,
        caller: &Caller,
        account: &AccountId,
        policy: Policy,
    ) -> Result<Foreseen, Error> {
        at_home(caller, account)?;
        accounts::may_change_policy(caller, &policy)?;
        let changed = caller.account.policy.changed_to(&policy);
        let (id, now) = (account.clone(), caller.now);
        let look = move |catalogue: &Catalogue, _: &Scope| catalogue.outlook(&id, &policy, now);
        let outlook = self.look(Scope::Account(account.clone()), look).await?;
        Ok(Foreseen { changed, outlook, version: caller.account.version })
    }

    /// Puts another policy in the place of the account's. `version`, where it is given, is the
    /// account's row that the caller has seen.
    pub async fn change_policy(
        &self,
        caller: Caller,
        account: &AccountId,
        policy: Policy,
        proof: impl Into<Proof>,
        version: Option<i64>,
    ) -> Result<Account, Error> {
        at_home(&caller, account)?;
        let caller = self.reauthenticate(caller, proof).await?;
        let decide = |caller: &Caller| {
            if version.is_some_and(|version| version != caller.account.version) {
                return Err(Error::Conflict);
            }
            Ok(accounts::change_policy(caller, policy.clone())?)
        };
        let mut changed = self.settle(caller, decide).await?;
        changed.version += 1;
        Ok(changed)
    }

    pub async fn roles(&self, visitor: &Visitor, account: &AccountId) -> Result<Arc<Account>, Error> {
        self.reads(visitor, account, ROLES_READ).await
    }

    pub async fn create_role(
        &self,
        caller: Caller,
        account: &AccountId,
        name: String,
        permissions: Vec<String>,
        replay: Option<Replay>,
    ) -> Result<Ranked, Error> {
        at_home(&caller, account)?;
        // Whoever asks again is looked at again, before an answer that was kept.
        caller.needs(ROLES_CREATE)?;
        let decide = |caller: &Caller| {
            let id = RoleId::draw(&*self.entropy);
            let roles::Decided { role, change, .. } = roles::create(caller, &name, &permissions, id)?;
            Ok((Ranked { role, rank: caller.account.roles.len() }, Kept::id(id), change))
        };
        match self.settle_once(caller, replay.as_ref(), decide).await? {
            Made::Now(ranked) => Ok(ranked),
            Made::Before(kept) => {
                let id: RoleId = kept.named()?;
                let account = self.store.account(account).await?.ok_or(Error::Undetermined)?;
                let rank = account.roles.iter().position(|role| role.id == id);
                let rank = rank.ok_or_else(|| Refusal::not_found("role"))?;
                Ok(Ranked { role: account.roles[rank].clone(), rank })
            }
        }
    }

    pub async fn edit_role(
        &self,
        caller: Caller,
        account: &AccountId,
        id: RoleId,
        name: Option<String>,
        permissions: Option<Vec<String>>,
    ) -> Result<Ranked, Error> {
        at_home(&caller, account)?;
        self.change_role(caller, |caller| roles::edit(caller, id, name.as_deref(), permissions.as_deref()))
            .await
    }

    pub async fn delete_role(
        &self,
        caller: Caller,
        account: &AccountId,
        id: RoleId,
    ) -> Result<Ranked, Error> {
        at_home(&caller, account)?;
        self.change_role(caller, |caller| roles::delete(caller, id)).await
    }

    async fn change_role(
        &self,
        caller: Caller,
        decide: impl Fn(&Caller) -> Result<roles::Decided, Refusal>,
    ) -> Result<Ranked, Error> {
        self.settle(caller, |caller| {
            let roles::Decided { role, change, .. } = decide(caller)?;
            // Roles keep their place, and one that goes had it until now.
            let had = &caller.account.roles;
            let rank = had.iter().position(|had| had.id == role.id).unwrap_or(had.len());
            Ok((Ranked { role, rank }, change))
        })
        .await
    }
}

/// Who founds an account that nobody is in yet.
pub(crate) const FOUNDER: Actor = Actor::Operator;
