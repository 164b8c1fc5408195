//! Members and service accounts of an account.

use std::sync::Arc;

use domain::bindings::{self, Bound};
use domain::facts::{Account, Holder};
use domain::ids::{AccountId, HolderId, MemberId, PersonId, ServiceAccountId};
use domain::members::{self, Decided, Edit, Join, Login};
use domain::node::NodePath;
use domain::permission::{MEMBERS_CREATE, MEMBERS_READ, MEMBERS_UPDATE, PermissionSet};
use domain::refusal::Refusal;
use domain::text;
use domain::who::Caller;
pub use store::HolderKind;
use store::HolderQuery;

use crate::answers::{Kept, Made};
use crate::auth::at_home;
use crate::cursors::{Page, Sieve};
use crate::{Desk, Error, Password, Replay, Visitor};

impl Desk {
    /// Adds a member. An `email` is where they are reached; with a `password` it is also what they sign in
    /// with, and only for somebody who is new here. Others are let in by an invitation, see
    /// [`Desk::invite`]: nobody who chose a password for an address comes into another account by it. An
    /// operator may add members to any account, so that a new one gets its first.
    pub async fn add_member(
        &self,
        caller: Caller,
        account: &AccountId,
        order: Join,
        password: Option<Password>,
        replay: Option<Replay>,
    ) -> Result<Holder, Error> {
        // Refuse before the work of hashing, which is worth guarding.
        let at_home = caller.account.id == *account;
        if at_home {
            caller.needs_somewhere(MEMBERS_CREATE)?;
        } else {
            self.elsewhere(&caller, account).await?;
        }
        let by = at_home.then_some((&caller, MEMBERS_CREATE));
        self.roles_must_be_somewhere(by, account, &order.bindings).await?;
        let email = order.email.as_deref().map(text::email).transpose()?;
        let given = password.is_some();
        if given && email.is_none() {
            return Err(Refusal::invalid("email", "Whoever shall sign in needs an `email`.").into());
        }
        let hash = match password {
            Some(password) => {
                password.acceptable()?;
                Some(self.passwords.hash(password).await?.0)
            }
            None => None,
        };
        let mut tries = self.tries(caller);
        loop {
            if let Some(kept) = self.recall(replay.as_ref(), tries.caller.now).await? {
                return self.kept_holder(account, &kept).await;
            }
            let known = match &email {
                Some(email) if given => self.store.person_by_email(email).await?,
                _ => None,
            };
            if known.is_some() {
                return Err(Refusal::invalid(
                    "password",
                    "Somebody signs in with this address already; leave `password` out and invite them.",
                )
                .into());
            }
            let login = match &hash {
                Some(password) => {
                    Login::New { id: PersonId::draw(&*self.entropy), password: password.clone() }
                }
                None => Login::None,
            };
            let (caller, id) = (&tries.caller, MemberId::draw(&*self.entropy));
            let decided = if at_home {
                members::join(caller, &order, id, login)?
            } else {
                let account = self.elsewhere(caller, account).await?;
                members::place(&account, &order, id, login, caller.actor(), caller.now)?
            };
            let kept = Kept::id(decided.holder.id);
            let change = self.keep(decided.change, replay.as_ref(), &kept, tries.caller.now);
            if tries.commit(change).await?.is_some() {
                return Ok(Holder { version: 1, ..decided.holder });
            }
        }
    }

    pub async fn add_service_account(
        &self,
        caller: Caller,
        account: &AccountId,
        order: Join,
        replay: Option<Replay>,
    ) -> Result<Holder, Error> {
        at_home(&caller, account)?;
        // Whoever asks again is looked at again, before an answer that was kept.
        caller.needs_somewhere(MEMBERS_CREATE)?;
        self.roles_must_be_somewhere(Some((&caller, MEMBERS_CREATE)), account, &order.bindings).await?;
        let decide = |caller: &Caller| {
            let id = ServiceAccountId::draw(&*self.entropy);
            let Decided { holder, change } = members::join_service_account(caller, &order, id)?;
            Ok((Holder { version: 1, ..holder }, Kept::id(id), change))
        };
        match self.settle_once(caller, replay.as_ref(), decide).await? {
            Made::Now(holder) => Ok(holder),
            Made::Before(kept) => self.kept_holder(account, &kept).await,
        }
    }

    /// The holder that was made before.
    async fn kept_holder(&self, account: &AccountId, kept: &Kept) -> Result<Holder, Error> {
        let holder = self.store.holder(account, kept.named()?).await?;
        holder.ok_or_else(|| Refusal::not_found("member").into())
    }

    pub async fn edit_holder(
        &self,
        caller: Caller,
        account: &AccountId,
        id: HolderId,
        version: Option<i64>,
        edit: Edit,
    ) -> Result<Holder, Error> {
        at_home(&caller, account)?;
        caller.needs_somewhere(MEMBERS_UPDATE)?;
        let roles = edit.bindings.as_deref().unwrap_or_default();
        self.roles_must_be_somewhere(Some((&caller, MEMBERS_UPDATE)), account, roles).await?;
        self.change_holder(caller, account, id, |caller, holder| {
            if version.is_some_and(|version| version != holder.version) {
                return Err(Error::Conflict);
            }
            members::edit(caller, holder, &edit).map_err(Error::from)
        })
        .await
    }

    pub async fn deactivate_holder(
        &self,
        caller: Caller,
        account: &AccountId,
        id: HolderId,
    ) -> Result<Holder, Error> {
        self.change_holder(caller, account, id, members::deactivate).await
    }

    pub async fn reactivate_holder(
        &self,
        caller: Caller,
        account: &AccountId,
        id: HolderId,
    ) -> Result<Holder, Error> {
        self.change_holder(caller, account, id, members::reactivate).await
    }

    pub async fn remove_holder(
        &self,
        caller: Caller,
        account: &AccountId,
        id: HolderId,
    ) -> Result<Holder, Error> {
        self.change_holder(caller, account, id, members::remove).await
    }

    /// One holder: oneself; and whoever may read members where that one has a role.
    pub async fn holder(
        &self,
        visitor: &Visitor,
        account: &AccountId,
        id: HolderId,
    ) -> Result<(Arc<Account>, Holder), Error> {
        if let Visitor::Holder(caller) = visitor
            && caller.account.id == *account
            && caller.is(id)
        {
            return Ok((caller.account.clone(), self.holder_of(account, id).await?));
        }
        let (account, by) = self.reads_members(visitor, account).await?;
        let holder = self.holder_of(&account.id, id).await?;
        if by.is_none_or(|caller| bindings::reads(caller, &holder)) {
            Ok((account, holder))
        } else {
            Err(Refusal::not_found("member").into())
        }
    }

    /// The account whose members somebody wants to read; and who they are, if they may not know of
    /// all of them.
    pub(crate) async fn reads_members<'v>(
        &self,
        visitor: &'v Visitor,
        account: &AccountId,
    ) -> Result<(Arc<Account>, Option<&'v Caller>), Error> {
        match visitor {
            Visitor::Holder(caller) if caller.account.id == *account => {
                caller.needs_somewhere(MEMBERS_READ)?;
                Ok((caller.account.clone(), Some(caller)))
            }
            _ => Ok((self.reads(visitor, account, MEMBERS_READ).await?, None)),
        }
    }

    /// Roles hold at nodes that exist. Of a place where they may do nothing a caller does not learn
    /// whether it exists: `by` is who needs which permission there.
    async fn roles_must_be_somewhere(
        &self,
        by: Option<(&Caller, PermissionSet)>,
        account: &AccountId,
        roles: &[Bound],
    ) -> Result<(), Error> {
        for bound in roles {
            if let Err(missing) = self.must_be_there(account, "bindings", &bound.node).await {
                if let Some((caller, permission)) = by {
                    caller.needs_at(permission, &bound.node)?;
                }
                return Err(missing);
            }
        }
        Ok(())
    }

    pub async fn holders(
        &self,
        visitor: &Visitor,
        account: &AccountId,
        kind: HolderKind,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<(Arc<Account>, Page<Holder>), Error> {
        let (account, by) = self.reads_members(visitor, account).await?;
        let list = format!("holders {} {kind:?}", account.id);
        let after = match cursor {
            Some(cursor) => {
                let place = self.cursors.read(&list, &cursor)?;
                Some(place.parse().map_err(|_| Error::Undetermined)?)
            }
            None => None,
        };
        let whole = by.is_none_or(|caller| caller.rights(&NodePath::root()).contains(MEMBERS_READ));
        let sieve = Sieve::new(limit, whole);
        let query = HolderQuery { kind: Some(kind), after, limit: sieve.rows(), include_removed: false };
        let rows = self.store.holders(&account.id, query).await?;
        let sees = |holder: &Holder| whole || by.is_none_or(|caller| bindings::reads(caller, holder));
        let (items, last) = sieve.sift(rows, sees, |holder| holder.id);
        let next_cursor = last.map(|id| self.cursors.write(&list, &id.to_string()));
        Ok((account, Page { items, next_cursor }))
    }

    /// Loads, decides, commits, and returns the holder as it stands then.
    async fn change_holder<E>(
        &self,
        caller: Caller,
        account: &AccountId,
        id: HolderId,
        decide: impl Fn(&Caller, Holder) -> Result<Decided, E>,
    ) -> Result<Holder, Error>
    where
        Error: From<E>,
    {
        at_home(&caller, account)?;
        let mut tries = self.tries(caller);
        loop {
            let holder = self.holder_of(account, id).await?;
            let Decided { mut holder, change } = decide(&tries.caller, holder)?;
            holder.version += i64::from(!change.writes.is_empty());
            if tries.commit(change).await?.is_some() {
                return Ok(holder);
            }
        }
    }

    /// A holder of the account who has not left.
    async fn holder_of(&self, account: &AccountId, id: HolderId) -> Result<Holder, Error> {
        let holder = self.store.holder(account, id).await?;
        let there = holder.filter(|holder| holder.standing.removed_at.is_none());
        there.ok_or_else(|| Refusal::not_found("member").into())
    }
}
