//! What gets to webhooks what the journal says: taken up from it in its order, and sent, each step by hand or by a
//! worker.
//!
//! Nothing is sent within a request or a transaction. A delivery is begun by a conditional update, so that of
//! several processes one sends it; who dies over it leaves it to the next. How it travels is the
//! [`Messenger`]'s.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::change::Change;
use domain::ids::WebhookId;
use domain::time::Timestamp;
use domain::webhooks::target::Target;
use domain::webhooks::{
    self, Delivery, Effect, Fate, OPEN, Outcome, SigningSecret, TakenUp, Webhook, Write, write,
};
use store::EntryQuery;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::{Desk, Error, cursors};

pub use crate::journal::Told;

/// Entries that are taken up at a time.
const AT_ONCE: usize = 500;
/// Deliveries to one webhook that are sent side by side.
const SIDE_BY_SIDE: usize = 8;
/// Webhooks that something is sent to at a time.
const AT_WORK: usize = 64;
/// How often it is looked for what is due, besides when something has happened.
const LOOK: Duration = Duration::from_secs(2);
/// How long news are gathered before it is looked: while much happens, one look takes up much.
const GATHER: Duration = Duration::from_millis(50);
/// How long receivers may take when the server stops.
const LAST: Duration = Duration::from_secs(11);

/// What brings things to receivers.
pub trait Messenger: Send + Sync + 'static {
    fn bring<'a>(&'a self, parcel: &'a Parcel) -> Bringing<'a>;
}

pub type Bringing<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// What is brought.
#[derive(Debug)]
pub struct Parcel {
    pub target: Target,
    /// Names what is told, the same at each try, and another where a journal was put back from a backup and went
    /// on otherwise.
    pub id: String,
    pub secrets: Vec<SigningSecret>,
    pub told: Told,
    pub now: Timestamp,
}

/// What became of deliveries since the start, by what became of each try, as metrics call it.
pub type Deliveries = [(&'static str, u64); 3];

pub(crate) fn counters() -> (meter::Tally, AtomicI64) {
    (meter::Tally::new(3), AtomicI64::new(0))
}

/// What became of one try.
enum Ended {
    Delivered,
    Failed,
    GivenUp,
    /// Somebody else has it, or it is gone.
    Taken,
}

impl Desk {
    /// What became of tries since the start.
    pub fn delivered(&self) -> Deliveries {
        let told = |which| self.deliveries.0.read(which);
        [("delivered", told(0)), ("failed", told(1)), ("given_up", told(2))]
    }

    /// For how long the oldest delivery is under way, in µs; nothing where none is.
    pub fn oldest_delivery(&self) -> i64 {
        match self.deliveries.1.load(Ordering::Relaxed) {
            0 => 0,
            since => Timestamp::from_micros(since).micros_until(self.now()).max(0),
        }
    }

    /// Takes up what the journal says after the webhooks' places. How many deliveries that makes.
    pub async fn take_up(&self) -> Result<usize, Error> {
        let mut taken = 0;
        for webhook in self.store.webhooks_behind().await? {
            taken += self.take_up_for(&webhook).await?;
        }
        Ok(taken)
    }

    async fn take_up_for(&self, webhook: &Webhook) -> Result<usize, Error> {
        let open = usize::try_from(self.store.deliveries_open(webhook.id).await?).unwrap_or(usize::MAX);
        let limit = AT_ONCE.min(OPEN.saturating_sub(open));
        if limit == 0 {
            return Ok(0);
        }
        let from = webhook.progress.through;
        let query = EntryQuery {
            descending: false,
            above: from,
            ..EntryQuery::all(Some(webhook.account.clone()), limit)
        };
        let entries = self.store.entries(query).await?.entries;
        let Some(last) = entries.last() else { return Ok(0) };
        let (through, now) = (last.seq, self.now());
        let (mut deliveries, mut missed) = (Vec::new(), 0);
        for entry in entries.into_iter().filter(|entry| webhook.wants(&entry.action)) {
            match webhooks::is_missed(webhook, entry.at, now) {
                true => missed += 1,
                false => {
                    let delivery = Delivery::new(webhook, entry.seq, entry.action, entry.subject, entry.at);
                    deliveries.push(delivery);
                }
            }
        }
        let count = deliveries.len();
        let (account, webhook) = (webhook.account.clone(), webhook.id);
        let taken = TakenUp { account, webhook, from, through, missed, deliveries, now };
        // A conflict: another process was here.
        let done = self.commit_alone(Change::default().write(write(Write::TakeUp(taken)))).await?;
        Ok(if done { count } else { 0 })
    }

    /// Puts deliveries back that a process which is gone had begun. Only for whoever has the store to themselves:
    /// with peers a delivery's turn has to pass. How many.
    pub async fn put_deliveries_back(&self) -> Result<usize, Error> {
        let (begun, now) = (self.store.deliveries_begun().await?, self.now());
        for delivery in &begun {
            let due = Delivery { fate: Fate::Due(now), ..delivery.clone() };
            self.commit_alone(deliver(due, Effect::Nothing, now)).await?;
        }
        Ok(begun.len())
    }

    /// Sends everything that is due now, as the worker does, and what becomes due by that.
    pub async fn tell_webhooks(self: &Arc<Self>, messenger: &Arc<dyn Messenger>) -> Result<(), Error> {
        loop {
            self.take_up().await?;
            let due = self.store.webhooks_with_due(self.now()).await?;
            if due.is_empty() {
                return Ok(());
            }
            for webhook in due {
                self.clone().send_some(webhook, messenger.clone()).await?;
            }
        }
    }

    /// Sends some of what is due to a webhook.
    async fn send_some(
        self: Arc<Self>,
        webhook: Webhook,
        messenger: Arc<dyn Messenger>,
    ) -> Result<(), Error> {
        let now = self.now();
        let due = self.store.deliveries_due(webhook.id, now, SIDE_BY_SIDE).await?;
        let webhook = Arc::new(webhook);
        let mut under_way = JoinSet::new();
        for delivery in due {
            let (desk, webhook, messenger) = (self.clone(), webhook.clone(), messenger.clone());
            under_way.spawn(async move { desk.send(&webhook, delivery, &*messenger).await });
        }
        let mut failed = None;
        while let Some(ended) = under_way.join_next().await {
            match ended.map_err(|_| Error::Undetermined).and_then(|ended| ended) {
                Ok(Ended::Delivered) => self.deliveries.0.add(0, 1),
                Ok(Ended::Failed) => self.deliveries.0.add(1, 1),
                Ok(Ended::GivenUp) => self.deliveries.0.add(2, 1),
                Ok(Ended::Taken) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn send(
        &self,
        webhook: &Webhook,
        delivery: Delivery,
        messenger: &dyn Messenger,
    ) -> Result<Ended, Error> {
        let version = delivery.version + 1;
        let begun = delivery.begun(self.now());
        if !self.commit_alone(deliver(begun.clone(), Effect::Nothing, self.now())).await? {
            return Ok(Ended::Taken);
        }
        let begun = Delivery { version, ..begun };
        let Some(parcel) = self.parcel(webhook, &begun).await? else { return Ok(Ended::Taken) };
        let outcome = messenger.bring(&parcel).await;
        let now = self.now();
        let tried = begun.tried(outcome, now);
        let effect = webhooks::effect(webhook, &tried, outcome, now);
        let (id, seq, fate) = (webhook.id, tried.seq, tried.fate);
        // A conflict: it took so long that somebody else began, who will say how it ends.
        self.commit_alone(deliver(tried, effect, now)).await?;
        Ok(match fate {
            Fate::Delivered(_) => {
                tracing::debug!(webhook = %id, seq, "told webhook {id} of entry {seq}");
                Ended::Delivered
            }
            Fate::GivenUp(_) => {
                tracing::error!(webhook = %id, seq, ?outcome, "webhook {id} did not take entry {seq}; that is given up");
                Ended::GivenUp
            }
            _ => {
                tracing::warn!(webhook = %id, seq, ?outcome, "webhook {id} did not take entry {seq}; it is tried again");
                Ended::Failed
            }
        })
    }

    /// What is brought; none where the webhook is gone.
    async fn parcel(&self, webhook: &Webhook, delivery: &Delivery) -> Result<Option<Parcel>, Error> {
        let now = self.now();
        let secrets = self.store.signing_secrets(&webhook.account, webhook.id, now).await?;
        let Some(entry) = self.store.entry(delivery.seq).await?.filter(|_| !secrets.is_empty()) else {
            return Ok(None);
        };
        let id = format!("evt_{}_{}", entry.seq, &cursors::hex(&entry.entry_hash)[..16]);
        let told = self.named(vec![entry]).await?.pop();
        Ok(told.map(|told| Parcel { target: webhook.target.clone(), id, secrets, told, now }))
    }

    async fn remember_oldest(&self) -> Result<(), Error> {
        let oldest = self.store.oldest_delivery().await?.map_or(0, Timestamp::as_micros);
        self.deliveries.1.store(oldest, Ordering::Relaxed);
        Ok(())
    }
}

fn deliver(delivery: Delivery, effect: Effect, now: Timestamp) -> Change {
    Change::default().write(write(Write::Deliver { delivery, effect, now }))
}

/// Tells webhooks what happens, as it happens.
pub(crate) async fn tell(mut stopped: watch::Receiver<bool>, desk: Arc<Desk>, messenger: Arc<dyn Messenger>) {
    if !desk.store.has_peers()
        && let Err(error) = desk.put_deliveries_back().await
    {
        tracing::warn!(%error, "deliveries that were under way could not be put back; they wait for a minute");
    }
    let mut news = desk.store.news();
    let (mut at_work, mut busy) = (JoinSet::<WebhookId>::new(), HashSet::new());
    loop {
        if let Err(error) = begin(&desk, &messenger, &mut at_work, &mut busy).await {
            tracing::warn!(%error, "it could not be looked for what webhooks are to be told; it is tried again");
        }
        tokio::select! {
            biased;
            _ = stopped.changed() => break,
            Some(done) = at_work.join_next(), if !at_work.is_empty() => match done {
                Ok(id) => drop(busy.remove(&id)),
                // Which one it was is not known; those that are at work are not begun twice by their rows.
                Err(_) => busy.clear(),
            },
            () = desk.errands.notified() => {}
            // An error: the store is closed, and so everything will be soon.
            Ok(()) = news.changed() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    // What receivers are taking in just now is let finish, or it would be sent twice.
    let all = async { while at_work.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST, all).await.is_err() {
        tracing::warn!("a webhook took too long while stopping; what it may have is sent again");
    }
}

async fn begin(
    desk: &Arc<Desk>,
    messenger: &Arc<dyn Messenger>,
    at_work: &mut JoinSet<WebhookId>,
    busy: &mut HashSet<WebhookId>,
) -> Result<(), Error> {
    desk.take_up().await?;
    desk.remember_oldest().await?;
    for webhook in desk.store.webhooks_with_due(desk.now()).await? {
        if at_work.len() >= AT_WORK {
            break;
        }
        if busy.insert(webhook.id) {
            let (desk, messenger) = (desk.clone(), messenger.clone());
            at_work.spawn(async move {
                let id = webhook.id;
                if let Err(error) = desk.send_some(webhook, messenger).await {
                    tracing::warn!(%error, "what webhook {id} is to be told could not be sent; it is tried again");
                }
                id
            });
        }
    }
    Ok(())
}
