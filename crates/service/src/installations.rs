//! Installations of an account, and the nodes that they are linked to.

use domain::facts::Installation;
use domain::ids::{AccountId, InstallationId};
use domain::installations::{self, Decided, Edit};
use domain::node::NodePath;
use domain::permission::{
    INSTALLATIONS_CREATE, INSTALLATIONS_DELETE, INSTALLATIONS_READ, INSTALLATIONS_UPDATE, PermissionSet,
};
use domain::refusal::Refusal;
use domain::who::Caller;

use crate::answers::{Kept, Made};
use crate::auth::at_home;
use crate::cursors::{Page, Sieve};
use crate::{Desk, Error, Replay};

impl Desk {
    /// Those that are where the caller may read them, by id.
    pub async fn installations(
        &self,
        caller: Caller,
        account: &AccountId,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Page<Installation>, Error> {
        at_home(&caller, account)?;
        caller.needs_somewhere(INSTALLATIONS_READ)?;
        let list = format!("installations {account}");
        let after: Option<InstallationId> = match cursor {
            Some(cursor) => {
                let place = self.cursors.read(&list, &cursor)?;
                Some(place.parse().map_err(|_| Error::Undetermined)?)
            }
            None => None,
        };
        let whole = caller.rights(&NodePath::root()).contains(INSTALLATIONS_READ);
        let sieve = Sieve::new(limit, whole);
        let rows = self.store.installations(account, after, sieve.rows()).await?;
        let sees = |installation: &Installation| installations::reads(&caller, installation);
        let (items, last) = sieve.sift(rows, sees, |installation| installation.id);
        let next_cursor = last.map(|id| self.cursors.write(&list, &id.to_string()));
        Ok(Page { items, next_cursor })
    }

    pub async fn installation(
        &self,
        caller: Caller,
        account: &AccountId,
        id: InstallationId,
    ) -> Result<Installation, Error> {
        at_home(&caller, account)?;
        let found = self.installation_of(&caller, id, INSTALLATIONS_READ).await?;
        match installations::reads(&caller, &found) {
            true => Ok(found),
            false => Err(Refusal::not_found("installation").into()),
        }
    }

    pub async fn add_installation(
        &self,
        caller: Caller,
        account: &AccountId,
        name: String,
        nodes: Vec<NodePath>,
        replay: Option<Replay>,
    ) -> Result<Installation, Error> {
        at_home(&caller, account)?;
        // Whoever asks again is looked at again, before an answer that was kept.
        caller.needs_somewhere(INSTALLATIONS_CREATE)?;
        self.must_be_linkable(&caller, INSTALLATIONS_CREATE, &nodes).await?;
        let decide = |caller: &Caller| {
            let id = InstallationId::draw(&*self.entropy);
            let Decided { installation, change } = installations::create(caller, id, &name, &nodes)?;
            Ok((Installation { version: 1, ..installation }, Kept::id(id), change))
        };
        match self.settle_once(caller, replay.as_ref(), decide).await? {
            Made::Now(installation) => Ok(installation),
            Made::Before(kept) => {
                let made = self.store.installation(account, kept.named()?).await?;
                made.ok_or_else(|| Refusal::not_found("installation").into())
            }
        }
    }

    pub async fn edit_installation(
        &self,
        caller: Caller,
        account: &AccountId,
        id: InstallationId,
        version: Option<i64>,
        edit: Edit,
    ) -> Result<Installation, Error> {
        at_home(&caller, account)?;
        let mut tries = self.tries(caller);
        loop {
            let found = self.installation_of(&tries.caller, id, INSTALLATIONS_UPDATE).await?;
            if version.is_some_and(|version| version != found.version) {
                return Err(Error::Conflict);
            }
            let new = edit.nodes.iter().flatten().filter(|node| !found.nodes.contains(node));
            let new: Vec<NodePath> = new.cloned().collect();
            self.must_be_linkable(&tries.caller, INSTALLATIONS_UPDATE, &new).await?;
            let Decided { mut installation, change } = installations::edit(&tries.caller, found, &edit)?;
            installation.version += i64::from(!change.writes.is_empty());
            if tries.commit(change).await?.is_some() {
                return Ok(installation);
            }
        }
    }

    pub async fn delete_installation(
        &self,
        caller: Caller,
        account: &AccountId,
        id: InstallationId,
    ) -> Result<Installation, Error> {
        at_home(&caller, account)?;
        let mut tries = self.tries(caller);
        loop {
            let found = self.installation_of(&tries.caller, id, INSTALLATIONS_DELETE).await?;
            let Decided { installation, change } = installations::delete(&tries.caller, found)?;
            if tries.commit(change).await?.is_some() {
                return Ok(installation);
            }
        }
    }

    /// An installation that the caller may know of, for whoever may do this anywhere at all.
    async fn installation_of(
        &self,
        caller: &Caller,
        id: InstallationId,
        permission: PermissionSet,
    ) -> Result<Installation, Error> {
        caller.needs_somewhere(permission)?;
        let found = self.store.installation(&caller.account.id, id).await?;
        let known = found.filter(|installation| installations::knows(caller, installation));
        known.ok_or_else(|| Refusal::not_found("installation").into())
    }

    /// The right first: whether a place exists is told to those who may do something there.
    async fn must_be_linkable(
        &self,
        caller: &Caller,
        permission: PermissionSet,
        nodes: &[NodePath],
    ) -> Result<(), Error> {
        for node in nodes {
            caller.needs_at(permission, node)?;
        }
        for node in nodes {
            self.must_be_there(&caller.account.id, "nodes", node).await?;
        }
        Ok(())
    }
}
