//! What goes on in the background: counters to the store, old rows out of it, and at the start
//! the facts into memory. Each step can be driven by hand, so that tests need not wait.

use std::sync::Arc;
use std::time::Duration;

use domain::facts::{Snapshot, Token};
use domain::time::DAY;
use domain::usage::Usage;
use token::{Kind, TokenId};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::checkpoints::{self, Care};
use crate::mail::{Carrier, Queued};
use crate::webhooks::{self, Messenger};
use crate::{Desk, Error};

/// How often counters are written, and how often old rows are purged. Whoever asks how a token
/// was used has its counters written first; so the pause says how many a killed process loses,
/// and writing them more often costs more than all of counting.
const FLUSH: Duration = Duration::from_secs(30);
const PURGE: Duration = Duration::from_secs(600);

/// How often payloads are looked at that were kept for long enough.
const RETAIN: Duration = Duration::from_secs(3600);

/// How often it is looked for notices where nothing has changed, besides at the start of each day (UTC).
const LOOK: Duration = Duration::from_secs(3600);
/// The least pause between two looks. One that took long is followed by a hundred times as long a pause,
/// so that looking never costs more than a hundredth of a processor.
const REST: Duration = Duration::from_secs(5);
const REST_PER_LOOK: u32 = 100;
/// How long letters wait that could not be sent, and how often it is looked for those that other peers kept.
const POST: Duration = Duration::from_secs(10);

/// How long a mail server may take when the server stops.
const LAST: Duration = Duration::from_secs(10);

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
    care: Arc<Care>,
}

impl Workers {
    /// `carrier`: by which mails are sent; none where none are. `messenger`: by which webhooks are told.
    pub fn start(
        desk: &Arc<Desk>,
        care: Care,
        carrier: Option<Arc<dyn Carrier>>,
        messenger: Option<Arc<dyn Messenger>>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let care = Arc::new(care);
        let mut tasks = vec![
            tokio::spawn(load(stopped.clone(), desk.clone())),
            tokio::spawn(every(FLUSH, stopped.clone(), desk.clone(), async |desk: Arc<Desk>| {
                if let Err(error) = desk.flush_usage().await {
                    tracing::warn!(%error, "use counters could not be written; they are kept and tried again");
                }
            })),
            tokio::spawn(retain(stopped.clone(), desk.clone(), care.clone())),
            tokio::spawn(watch_over(stopped.clone(), desk.clone(), care.clone())),
            tokio::spawn(every(PURGE, stopped.clone(), desk.clone(), async |desk: Arc<Desk>| {
                if let Err(error) = desk.store.purge(desk.now()).await {
                    tracing::warn!(%error, "old rows could not be purged; they are tried again");
                }
                match desk.clear_what_is_over().await {
                    Ok(0) => {}
                    Ok(tokens) => tracing::info!(tokens, "deleted {tokens} tokens that reached their end"),
                    Err(error) => {
                        tracing::warn!(%error, "tokens past their end could not be deleted; it is tried again");
                    }
                }
                desk.catalogue.rest(desk.now());
            })),
        ];
        if let Some(messenger) = messenger {
            tasks.push(tokio::spawn(webhooks::tell(stopped.clone(), desk.clone(), messenger)));
        }
        if let Some(carrier) = carrier {
            tasks.push(tokio::spawn(look_for_notices(stopped.clone(), desk.clone())));
            tasks.push(tokio::spawn(post(stopped, desk.clone(), carrier)));
        }
        Self { stop, tasks, care }
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
        checkpoints::sign(desk, &self.care).await;
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

/// Signs a checkpoint at once, and then every so often.
async fn watch_over(mut stopped: watch::Receiver<bool>, desk: Arc<Desk>, care: Arc<Care>) {
    loop {
        checkpoints::sign(&desk, &care).await;
        tokio::select! {
            () = tokio::time::sleep(care.every) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Erases at once, and then every hour, what the journal has said for long enough.
async fn retain(mut stopped: watch::Receiver<bool>, desk: Arc<Desk>, care: Arc<Care>) {
    let Some(keep) = &care.keep else { return };
    loop {
        match desk.erase_journal(keep).await {
            Ok(0) => {}
            Ok(payloads) => tracing::info!(payloads, "erased what {payloads} entries of the journal said"),
            Err(error) => {
                tracing::warn!(%error, "the journal's old payloads could not be erased; it is tried again")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RETAIN) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Whether somebody may have to be told of an end by these rows.
pub(crate) fn stirs(rows: &Snapshot) -> bool {
    let token = |token: &Token| matches!(token.id.kind, Kind::Pat | Kind::Sat);
    !rows.accounts.is_empty() || !rows.holders.is_empty() || rows.tokens.iter().any(token)
}

/// Keeps what is to be told: at once, with each day, when facts have changed, and every so often.
async fn look_for_notices(mut stopped: watch::Receiver<bool>, desk: Arc<Desk>) {
    loop {
        let begun = Instant::now();
        match desk.queue_notices().await {
            Ok(Queued { letters: 0, .. }) => {}
            Ok(Queued { letters, notices }) => {
                tracing::info!(letters, notices, "{letters} letters are to be sent, with {notices} notices");
            }
            Err(error) => {
                tracing::warn!(%error, "it could not be looked for notices; it is tried again")
            }
        }
        let rest = REST.max(begun.elapsed().saturating_mul(REST_PER_LOOK));
        let now = desk.now().as_micros();
        let midnight = u64::try_from(DAY - now.rem_euclid(DAY)).map_or(LOOK, Duration::from_micros);
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = stopped.changed() => return,
        }
        tokio::select! {
            () = desk.stirred.notified() => {}
            () = tokio::time::sleep(LOOK.min(midnight).saturating_sub(rest)) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Sends letters as they fall due.
async fn post(mut stopped: watch::Receiver<bool>, desk: Arc<Desk>, carrier: Arc<dyn Carrier>) {
    if !desk.store.has_peers()
        && let Err(error) = desk.put_letters_back().await
    {
        tracing::warn!(%error, "letters that were being sent could not be put back; they wait for some minutes");
    }
    loop {
        let mut pause = POST;
        let sending = desk.send_letters(&carrier);
        tokio::pin!(sending);
        let round = tokio::select! {
            round = &mut sending => round,
            _ = stopped.changed() => {
                // What the mail server is taking in just now is let finish, or it would be sent twice.
                if tokio::time::timeout(LAST, sending).await.is_err() {
                    tracing::warn!("a mail server took too long while stopping; what it may have is sent again");
                }
                return;
            }
        };
        match round {
            Ok(round) if round.more => pause = Duration::ZERO,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "letters could not be looked at; it is tried again"),
        }
        tokio::select! {
            biased;
            _ = stopped.changed() => return,
            () = desk.posted.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Brings all facts into memory, at the start and whenever it was emptied. Tokens asked for
/// meanwhile are fetched one by one.
async fn load(mut stopped: watch::Receiver<bool>, desk: Arc<Desk>) {
    loop {
        match desk.load().await {
            Ok(1) => tracing::info!(tokens = 1, "1 token is in memory"),
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

    /// Writes what was counted of these tokens, for whoever is about to show all of it. What cannot be
    /// written now is written with the rest.
    pub(crate) async fn flush_usage_of(&self, tokens: &[TokenId]) {
        let usage = self.verifier.take_usage_of(tokens);
        if let Err(error) = self.write_usage(usage).await {
            tracing::warn!(%error, "use counters could not be written; they are kept and tried again");
        }
    }

    async fn write_usage(&self, usage: Vec<Usage>) -> Result<(), Error> {
        let mut left = usage.as_slice();
        while !left.is_empty() {
            let (some, rest) = left.split_at(left.len().min(USED));
            if let Err(error) = self.store.record_usage(some.to_vec()).await {
                self.verifier.give_back(left.to_vec());
                return Err(error.into());
            }
            self.catalogue.used(some.iter().filter_map(|usage| Some((usage.token, usage.last.as_ref()?.0))));
            left = rest;
        }
        Ok(())
    }
}
