//! How the server is: its store, the processes that serve from it, what is in memory. Operators only.

use domain::who::Caller;
pub use store::{Figures, Following, Health, Peer};
pub use verifier::Figures as Memory;

use crate::{Desk, Error};

/// What an operator sees of the server, as this process knows it.
#[derive(Debug)]
pub struct Cluster {
    /// Several processes may serve from these facts: the store is a database on PostgreSQL.
    pub has_peers: bool,
    /// Every one of them, as the database has it; none on SQLite.
    pub peers: Vec<Peer>,
    pub figures: Figures,
    pub memory: Memory,
    /// Tokens that lists have in memory.
    pub listed: usize,
}

impl Desk {
    pub async fn cluster(&self, caller: &Caller) -> Result<Cluster, Error> {
        self.operator(caller).await?;
        let peers = self.store.peers().await?;
        Ok(Cluster {
            has_peers: self.store.has_peers(),
            peers,
            memory: self.verifier.figures(),
            listed: self.catalogue.len(),
            figures: self.store.figures(),
        })
    }
}
