//! Tells the other peers that there is something to read.
//!
//! In a transaction of its own, after the commit: inside it, NOTIFY would hold a lock of the whole
//! database while the commit waits for the disk. A hint only makes others sooner; one that is lost,
//! or that a pooler swallows, makes them later by a beat.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::connect::READ;

/// The channel.
pub(super) const CHANNEL: &str = "jeton";

/// Hints are given no more often than this, however much is committed: each leads to all entries
/// before it.
const PAUSE: Duration = Duration::from_millis(10);

/// Hints after each commit, until it is told to stop. `id` is this peer's, which needs no hint.
pub(super) async fn run(pool: Pool, id: String, committed: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
    // It need not be durable, so it waits for no disk.
    let sql = format!("BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}, '{id}'; COMMIT");
    loop {
        tokio::select! {
            () = committed.notified() => {}
            _ = stopped.changed() => return,
        }
        let told = async {
            if let Ok(client) = pool.get().await
                && let Err(cause) = client.batch_execute(&sql).await
            {
                tracing::debug!(%cause, "a hint to the other peers was lost");
                // Its transaction has failed, and nobody has ended it.
                drop(Object::take(client));
            }
        };
        // The pool gives up sooner by itself, the statement may not.
        let _ = timeout(READ, told).await;
        sleep(PAUSE).await;
    }
}
