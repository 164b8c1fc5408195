//! Reads of an account's tree: its nodes, and the installations that are linked to them.

use domain::facts::{Installation, Node};
use domain::ids::{AccountId, InstallationId};
use domain::node::NodePath;

use crate::sql::reads;
use crate::{Store, Unavailable};

impl Store {
    pub async fn node(&self, account: &AccountId, path: &NodePath) -> Result<Option<Node>, Unavailable> {
        self.read(reads::node(account, path)).await
    }

    /// The account's nodes by path, those after `after`, at most `limit`; the root is not among them.
    pub async fn nodes(
        &self,
        account: &AccountId,
        after: Option<&NodePath>,
        limit: usize,
    ) -> Result<Vec<Node>, Unavailable> {
        self.read(reads::nodes(account, after, limit)).await
    }

    pub async fn installation(
        &self,
        account: &AccountId,
        id: InstallationId,
    ) -> Result<Option<Installation>, Unavailable> {
        self.read(reads::installation(account, id)).await
    }

    /// The account's installations by id, those after `after`, at most `limit`.
    pub async fn installations(
        &self,
        account: &AccountId,
        after: Option<InstallationId>,
        limit: usize,
    ) -> Result<Vec<Installation>, Unavailable> {
        self.read(reads::installations(account, after, limit)).await
    }
}
