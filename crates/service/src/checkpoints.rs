//! Care for the journal in the background: signed checkpoints outside the database, and the erasure
//! of what has been kept for long enough.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::time::Period;
use store::{Checkpoint, CheckpointError, CheckpointFile};

use crate::Desk;

/// How a server cares for its journal.
#[derive(Clone, Debug)]
pub struct Care {
    /// The file that gets a signed checkpoint every so often.
    pub checkpoints: PathBuf,
    pub every: Duration,
    /// How long payloads are kept; none: for ever.
    pub keep: Option<Period>,
}

impl Desk {
    /// Signs what the journal is now, where it has moved, into the file. One that cannot be used keeps
    /// no server from serving; it is said until it can. The file is opened anew each time, so that it
    /// can be moved aside or rotated.
    pub async fn sign_checkpoint(&self, path: &Path) -> Result<Option<Checkpoint>, CheckpointError> {
        CheckpointFile::open(path)?.extend(&self.store).await
    }
}

/// The same for the log.
pub(crate) async fn sign(desk: &Desk, care: &Care) {
    let path = care.checkpoints.display();
    match desk.sign_checkpoint(&care.checkpoints).await {
        Ok(Some(signed)) => tracing::debug!(seq = signed.seq, "signed a checkpoint of entry {}", signed.seq),
        Ok(None) => {}
        Err(CheckpointError::Disagrees(disagreement)) => tracing::error!(
            "the journal is not that of the last checkpoint in {path}: {disagreement}. Unless you restored \
             a backup, somebody wrote past jeton; no checkpoint is signed until that file was moved aside"
        ),
        Err(error) => tracing::error!(%error, "no checkpoint of the journal could be kept: {error}"),
    }
}
