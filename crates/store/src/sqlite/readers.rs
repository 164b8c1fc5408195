//! The connections that read, lent one at a time to blocking threads.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{gone, locked, open};
use crate::contract::Unavailable;
use crate::figures::Waiting;

pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    /// As many permits as there are connections.
    free: Arc<Semaphore>,
    count: u32,
}

impl Readers {
    pub(super) fn open(path: &Path, count: usize) -> rusqlite::Result<Self> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(256);
        let idle = (0..count).map(|_| open::reader(path)).collect::<Result<Vec<_>, _>>()?;
        let free = Arc::new(Semaphore::new(idle.len()));
        Ok(Self { idle: Arc::new(Mutex::new(idle)), free, count })
    }

    /// Runs `read` on a thread that may block. A caller that is gone meanwhile gives the
    /// connection back all the same.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        waiting: &Waiting,
        read: impl FnOnce(&mut Connection) -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let waits = waiting.begin();
        let permit = self.free.clone().acquire_owned().await.map_err(|_| gone())?;
        drop(waits);
        let idle = self.idle.clone();
        let task = tokio::task::spawn_blocking(move || {
            let db = locked(&idle).pop();
            let mut lent = Lent { db, idle };
            let read = match &mut lent.db {
                Some(db) => read(db),
                None => Err(gone()),
            };
            drop(lent);
            drop(permit);
            read
        });
        task.await.map_err(Unavailable::because)?
    }

    /// Waits for those that are lent and closes all.
    pub(super) async fn close(&self) {
        let all = self.free.acquire_many(self.count).await;
        self.free.close();
        drop(all);
        locked(&self.idle).clear();
    }
}

/// Goes back also where the reading panics.
struct Lent {
    db: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            locked(&self.idle).push(db);
        }
    }
}
