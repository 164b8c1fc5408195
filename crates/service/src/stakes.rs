//! What is at stake: how much stops, and who would lose what, told before something is done. Nothing is
//! decided and nothing written here. Numbers are as of the look; what is done later counts again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::bindings;
use domain::facts::Holder;
use domain::ids::{AccountId, HolderId, RoleId};
use domain::life::State;
use domain::node::NodePath;
use domain::permission::{MEMBERS_DELETE, MEMBERS_READ, MEMBERS_UPDATE};
use domain::roles::{self, Shift};
use domain::who::Caller;
use store::HolderQuery;

use crate::auth::at_home;
pub use crate::catalogue::Shifted;
use crate::catalogue::{Catalogue, Scope, Want};
use crate::{Desk, Error};

/// A holder's tokens, logins' sessions aside where the policy does not list them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Those that work now.
    pub working: u64,
    pub suspended: u64,
    pub pending: u64,
}

impl Held {
    /// Those that work or may work again.
    pub fn alive(self) -> u64 {
        self.working + self.suspended + self.pending
    }
}

/// What an edit of a role would change.
#[derive(Debug)]
pub struct RoleStakes {
    /// Those whose rights would change and of whom the caller may know, those with most tokens first; at
    /// most [`NAMED`].
    pub holders: Vec<Affected>,
    /// All whose rights would change.
    pub count: usize,
    /// Tokens that would do less or more; none where there are more than this server keeps in memory.
    pub tokens: Option<Shifted>,
}

/// Holders that are named.
pub const NAMED: usize = 50;

/// Somebody whose rights would change.
#[derive(Debug)]
pub struct Affected {
    pub id: HolderId,
    pub name: String,
    pub shift: Shift,
    /// Their tokens that would do less or more, where that is known.
    pub tokens: Shifted,
}

impl RoleStakes {
    /// Nobody would notice.
    pub fn are_none(&self) -> bool {
        self.count == 0 && self.tokens == Some(Shifted::default())
    }
}

/// Rows read at a time.
const CHUNK: usize = 5_000;

/// Tokens that work, or may work again without being made anew.
const ALIVE: [State; 5] = [State::Active, State::Expiring, State::Grace, State::Pending, State::Suspended];

impl Desk {
    /// How many tokens of a holder there are, for whoever may stop them with their holder, and for those
    /// who manage tokens. None where there are more than this server keeps in memory.
    pub async fn held(
        &self,
        caller: &Caller,
        account: &AccountId,
        holder: &Holder,
    ) -> Result<Option<Held>, Error> {
        at_home(caller, account)?;
        if !caller.manages() {
            bindings::may_change(caller, MEMBERS_UPDATE, holder).or_else(|refusal| {
                bindings::may_change(caller, MEMBERS_DELETE, holder).map_err(|_| refusal)
            })?;
        }
        let want = Want { holder: Some(holder.id), states: ALIVE.to_vec(), ..Want::default() };
        let now = caller.now;
        let look = move |catalogue: &Catalogue, scope: &Scope| catalogue.tally(scope, &want, now);
        let tally = self.look(Scope::Account(account.clone()), look).await?;
        Ok(tally.map(|tally| {
            let of = |states: &[State]| states.iter().filter_map(|state| tally.by_status.get(state)).sum();
            Held {
                working: of(&[State::Active, State::Expiring, State::Grace]),
                suspended: of(&[State::Suspended]),
                pending: of(&[State::Pending]),
            }
        }))
    }

    /// Tries a role's edit, and tells what it would change for whom.
    ///
    /// # Errors
    /// What the edit would be refused with.
    pub async fn role_stakes(
        &self,
        caller: &Caller,
        account: &AccountId,
        id: RoleId,
        name: Option<&str>,
        permissions: Option<&[String]>,
    ) -> Result<RoleStakes, Error> {
        at_home(caller, account)?;
        let roles::Decided { account: after, .. } = roles::edit(caller, id, name, permissions)?;
        let (before, after) = (caller.account.clone(), Arc::new(after));
        if before
            .roles
            .iter()
            .map(|role| role.permissions)
            .eq(after.roles.iter().map(|role| role.permissions))
        {
            return Ok(RoleStakes { holders: Vec::new(), count: 0, tokens: Some(Shifted::default()) });
        }
        let (was, is, now) = (before.clone(), after.clone(), caller.now);
        let want = Want { states: ALIVE.to_vec(), ..Want::default() };
        let look = move |catalogue: &Catalogue, _: &Scope| catalogue.shifts(&want, &was, &is, now);
        let tokens: Option<HashMap<HolderId, Shifted>> =
            self.look(Scope::Account(account.clone()), look).await?;
        let (mut holders, mut count) = (Vec::new(), 0);
        self.each_holder(account, |holder| {
            let shift = Shift::of_holder(&holder, &before, &after);
            if shift.is_none() {
                return;
            }
            count += 1;
            if bindings::reads(caller, &holder) {
                let tokens = tokens.as_ref().and_then(|all| all.get(&holder.id)).copied().unwrap_or_default();
                holders.push(Affected { id: holder.id, name: holder.name, shift, tokens });
            }
        })
        .await?;
        let most = |affected: &Affected| affected.tokens.losing.max(affected.tokens.gaining);
        holders.sort_by(|a, b| most(b).cmp(&most(a)).then_with(|| a.name.cmp(&b.name)));
        holders.truncate(NAMED);
        let tokens = tokens.map(|all| {
            all.values().fold(Shifted::default(), |sum, one| Shifted {
                losing: sum.losing + one.losing,
                gaining: sum.gaining + one.gaining,
            })
        });
        Ok(RoleStakes { holders, count, tokens })
    }

    /// How many members and service accounts have each role, at one place or another. None for whoever may
    /// not read all of them, and where they are too many to be counted for a list.
    pub async fn role_holders(&self, caller: &Caller) -> Result<Option<BTreeMap<RoleId, usize>>, Error> {
        if !caller.rights(&NodePath::root()).contains(MEMBERS_READ) {
            return Ok(None);
        }
        let query = HolderQuery { kind: None, after: None, limit: CHUNK, include_removed: false };
        let rows = self.store.holders(&caller.account.id, query).await?;
        if rows.len() == CHUNK {
            return Ok(None);
        }
        let mut counts = BTreeMap::new();
        for holder in &rows {
            let mut had: Vec<RoleId> = holder.bindings.iter().map(|binding| binding.role).collect();
            had.sort_unstable();
            had.dedup();
            had.into_iter().for_each(|role| *counts.entry(role).or_default() += 1);
        }
        Ok(Some(counts))
    }

    async fn each_holder(&self, account: &AccountId, mut each: impl FnMut(Holder)) -> Result<(), Error> {
        let mut after = None;
        loop {
            let query = HolderQuery { kind: None, after, limit: CHUNK, include_removed: false };
            let rows = self.store.holders(account, query).await?;
            let full = rows.len() == CHUNK;
            after = rows.last().map(|holder| holder.id);
            rows.into_iter().for_each(&mut each);
            if !full {
                return Ok(());
            }
        }
    }
}
