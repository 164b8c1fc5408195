//! Links that let somebody in: kept by their hash, for as long as they open anything.

use domain::facts::Link;
use domain::time::Timestamp;

use crate::Store;
use crate::contract::{CommitError, Unavailable};
use crate::sql::beside::Beside;
use crate::sql::links;

impl Store {
    /// Makes this the one set-up link, until then; an older one opens nothing any more.
    pub async fn put_setup_link(&self, hash: [u8; 32], until: Timestamp) -> Result<(), CommitError> {
        self.beside(Beside::SetupLink { hash, until }).await.map(drop)
    }

    pub async fn setup_link_open(&self, hash: [u8; 32]) -> Result<bool, Unavailable> {
        self.read(links::setup_link_open(hash, self.now())).await
    }

    /// Keeps a hand-off until its time is over. An invitation is a change, see
    /// [`Write::InsertInvitation`](domain::change::Write::InsertInvitation).
    pub async fn put_link(&self, link: Link) -> Result<(), CommitError> {
        self.beside(Beside::Link(link)).await.map(drop)
    }

    /// The link with this hash, while it opens anything.
    pub async fn link(&self, hash: [u8; 32]) -> Result<Option<Link>, Unavailable> {
        self.read(links::link(hash, self.now())).await
    }
}
