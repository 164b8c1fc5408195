//! Nodes of an account's tree. Whoever comes for a part of the tree sees that part.

use domain::change::Change;
use domain::facts::Node;
use domain::ids::AccountId;
use domain::node::NodePath;
use domain::nodes;
use domain::permission::{NODES_CREATE, NODES_READ, NODES_UPDATE};
use domain::refusal::Refusal;
use domain::who::Caller;

use crate::answers::{Kept, Made};
use crate::auth::at_home;
use crate::cursors::{Page, Sieve};
use crate::{Desk, Error, Replay};

impl Desk {
    /// Those that the caller may read, by path; the root is not among them.
    pub async fn nodes(
        &self,
        caller: Caller,
        account: &AccountId,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Page<Node>, Error> {
        at_home(&caller, account)?;
        caller.needs_somewhere(NODES_READ)?;
        let list = format!("nodes {account}");
        let after: Option<NodePath> = match cursor {
            Some(cursor) => {
                let place = self.cursors.read(&list, &cursor)?;
                Some(place.parse().map_err(|_| Error::Undetermined)?)
            }
            None => None,
        };
        let reads = |at: &NodePath| caller.rights(at).contains(NODES_READ);
        let sieve = Sieve::new(limit, reads(&NodePath::root()));
        let rows = self.store.nodes(account, after.as_ref(), sieve.rows()).await?;
        let (items, last) = sieve.sift(rows, |node| reads(&node.path), |node| node.path.clone());
        let next_cursor = last.map(|path| self.cursors.write(&list, path.as_str()));
        Ok(Page { items, next_cursor })
    }

    pub async fn node(&self, caller: Caller, account: &AccountId, path: &NodePath) -> Result<Node, Error> {
        at_home(&caller, account)?;
        // Before it is looked up: whether a place exists is told where one may read alone.
        caller.needs_at(NODES_READ, path)?;
        self.node_of(&caller, path).await
    }

    pub async fn add_node(
        &self,
        caller: Caller,
        account: &AccountId,
        path: NodePath,
        name: String,
        replay: Option<Replay>,
    ) -> Result<Node, Error> {
        at_home(&caller, account)?;
        caller.needs_at(NODES_CREATE, &path)?;
        let decide = |caller: &Caller| {
            let (node, change) = nodes::add(caller, &path, &name)?;
            Ok((Node { version: 1, ..node }, Kept::id(&path), change))
        };
        match self.settle_once(caller, replay.as_ref(), decide).await? {
            Made::Now(node) => Ok(node),
            Made::Before(kept) => {
                let node = self.store.node(account, &kept.named()?).await?;
                node.ok_or_else(|| Refusal::not_found("node").into())
            }
        }
    }

    /// Renames a node. Nothing to change is no change, and needs the same right.
    pub async fn edit_node(
        &self,
        caller: Caller,
        account: &AccountId,
        path: &NodePath,
        version: Option<i64>,
        name: Option<String>,
    ) -> Result<Node, Error> {
        at_home(&caller, account)?;
        caller.needs_at(NODES_UPDATE, path)?;
        let mut tries = self.tries(caller);
        loop {
            let caller = &tries.caller;
            let node = self.node_of(caller, path).await?;
            if version.is_some_and(|version| version != node.version) {
                return Err(Error::Conflict);
            }
            let (mut node, change) = match &name {
                Some(name) => nodes::rename(caller, node, name)?,
                None => (node, Change::default()),
            };
            node.version += i64::from(!change.writes.is_empty());
            if tries.commit(change).await?.is_some() {
                return Ok(node);
            }
        }
    }

    async fn node_of(&self, caller: &Caller, path: &NodePath) -> Result<Node, Error> {
        if path.is_root() {
            return Ok(nodes::root(&caller.account));
        }
        let node = self.store.node(&caller.account.id, path).await?;
        node.ok_or_else(|| Refusal::not_found("node").into())
    }

    /// Nodes are never removed, so one that is there stays. `field` names it in the request.
    pub(crate) async fn must_be_there(
        &self,
        account: &AccountId,
        field: &'static str,
        node: &NodePath,
    ) -> Result<(), Error> {
        if node.is_root() || self.store.node(account, node).await?.is_some() {
            return Ok(());
        }
        Err(Refusal::invalid(field, format!("This account has no node {node}.")).into())
    }
}
