//! What goes on in the background: counters to the store, old rows out of it, and at the start
//! the facts into memory. Each step can be driven by hand, so that tests need not wait.

use std::sync::Arc;
use std::time::Duration;

use domain::usage::Usage;
use token::TokenId;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Desk, Error};

/// How often counters are written, and how often old rows are purged. Whoever asks how a token
/// was used has its counters written first; so the pause says how many a killed process loses,
/// and writing them more often costs more than all of counting.
const FLUSH: Duration = Duration::from_secs(30);
const PURGE: Duration = Duration::from_secs(600);

/// Pause before loading is tried again.
const RELOAD: Duration = Duration::from_secs(5);

/// Tokens whose uses are written in one transaction: few enough to be done in time, so that what
/// could not be written does not grow until it never can.
const USED: usize = 1_000;

/// Tokens loaded at a time.
const CHUNK: usize = 10_000;

/// The running background work of a server.
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    pub fn start(desk: &Arc<Desk>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(load(stopped.clone(), desk.clone())),
            tokio::spawn(every(FLUSH, stopped.clone(), desk.clone(), async |desk: Arc<Desk>| {
                if let Err(error) = desk.flush_usage().await {
                    tracing::warn!(%error, "use counters could not be written; they are kept and tried again");
                }
            })),
            tokio::spawn(every(PURGE, stopped, desk.clone(), async |desk: Arc<Desk>| {
                if let Err(error) = desk.store.purge(desk.now()).await {
                    tracing::warn!(%error, "old rows could not be purged; they are tried again");
                }
                desk.catalogue.rest(desk.now());
            })),
        ];
        Self { stop, tasks }
    }

    /// Lets each worker finish its step, then writes what was counted last.
    pub async fn stop(self, desk: &Desk) {
        // Nobody listening means that all have stopped already.
        let _ = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background worker failed");
            }
        }
        if let Err(error) = desk.flush_usage().await {
            tracing::error!(%error, "the last use counters could not be written");
        }
    }
}

async fn every(
    pause: Duration,
    mut stopped: watch::Receiver<bool>,
    desk: Arc<Desk>,
    step: impl AsyncFn(Arc<Desk>),
) {
    loop {
        tokio::select! {
            _ = tokio::time::sleep(pause) => step(desk.clone()).await,
            // An error means that the sender is gone, which is the end as well.
            _ = stopped.changed() => return,
        }
    }
}

/// Brings all facts into memory, at the start and whenever it was emptied. Tokens asked for
/// meanwhile are fetched one by one.
async fn load(mut stopped: watch::Receiver<bool>, desk: Arc<Desk>) {
    loop {
        match desk.load().await {
            Ok(tokens) => tracing::info!(tokens, "{tokens} tokens are in memory"),
            Err(error) => {
                tracing::error!(
                    %error,
                    "facts could not be loaded; they are fetched as they are asked for, and tried again"
                );
                desk.reload.notify_one();
                tokio::select! {
                    () = tokio::time::sleep(RELOAD) => {}
                    _ = stopped.changed() => return,
                }
            }
        }
        tokio::select! {
            () = desk.reload.notified() => {}
            _ = stopped.changed() => return,
        }
    }
}

impl Desk {
    /// Brings all facts into memory, and returns how many tokens.
    pub async fn load(&self) -> Result<usize, Error> {
        let mut after = None;
        loop {
            let since = self.verifier.generation();
            let (chunk, next) = self.store.residents(after, CHUNK).await?;
            self.verifier.load(chunk, since);
            match next {
                Some(_) => after = next,
                None => return Ok(self.verifier.resident()),
            }
        }
    }

    /// Writes the counters since the last time. What cannot be written is kept.
    pub async fn flush_usage(&self) -> Result<(), Error> {
        self.write_usage(self.verifier.take_usage()).await
    }

    /// Writes what was counted of these tokens, for whoever is about to show it; tells whether
    /// there was any. What cannot be written now is written with the rest.
    pub(crate) async fn flush_usage_of(&self, tokens: &[TokenId]) -> bool {
        let usage = self.verifier.take_usage_of(tokens);
        let any = !usage.is_empty();
        if let Err(error) = self.write_usage(usage).await {
            tracing::warn!(%error, "use counters could not be written; they are kept and tried again");
        }
        any
    }

    async fn write_usage(&self, usage: Vec<Usage>) -> Result<(), Error> {
        let mut left = usage.as_slice();
        while !left.is_empty() {
            let (some, rest) = left.split_at(left.len().min(USED));
            if let Err(error) = self.store.record_usage(some.to_vec()).await {
                self.verifier.give_back(left.to_vec());
                return Err(error.into());
            }
            self.catalogue.used(some);
            left = rest;
        }
        Ok(())
    }
}
