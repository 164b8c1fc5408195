//! Webhooks, for whoever may have the account's journal told to somebody else's program.
//!
//! How what is told gets there is in [`work`].

mod work;

use std::sync::Arc;

use domain::ids::{AccountId, WebhookId};
use domain::refusal::Refusal;
use domain::webhooks::{self, Decided, Delivery, Edit, Order, SigningSecret, Webhook};
use domain::who::Caller;

use crate::answers::{Kept, Made};
use crate::auth::at_home;
use crate::cursors::Page;
use crate::{Desk, Error, Replay};

pub use work::{Bringing, Deliveries, Messenger, Parcel, Told};
pub(crate) use work::{counters, tell};

/// A webhook with the secret that it was just given: the one answer that has it.
#[derive(Debug)]
pub struct Keyed {
    pub webhook: Webhook,
    /// None where a form that was sent before is answered again.
    pub secret: Option<Arc<SigningSecret>>,
}

impl Desk {
    /// All of the account, the oldest first.
    pub async fn webhooks(&self, caller: &Caller, account: &AccountId) -> Result<Vec<Webhook>, Error> {
        at_home(caller, account)?;
        webhooks::may(caller)?;
        Ok(self.store.webhooks(account).await?)
    }

    pub async fn webhook(
        &self,
        caller: &Caller,
        account: &AccountId,
        id: WebhookId,
    ) -> Result<Webhook, Error> {
        at_home(caller, account)?;
        self.webhook_of(caller, id).await
    }

    /// How many deliveries to a webhook, which the caller has read, are not done with.
    pub async fn deliveries_open(&self, webhook: &Webhook) -> Result<i64, Error> {
        Ok(self.store.deliveries_open(webhook.id).await?)
    }

    pub async fn add_webhook(
        &self,
        caller: Caller,
        account: &AccountId,
        order: Order,
        replay: Option<Replay>,
    ) -> Result<Keyed, Error> {
        at_home(&caller, account)?;
        // Whoever asks again is looked at again, before an answer that was kept.
        webhooks::may(&caller)?;
        let decide = |caller: &Caller| {
            let (id, secret) =
                (WebhookId::draw(&*self.entropy), Arc::new(SigningSecret::draw(&*self.entropy)));
            let Decided { webhook, change } =
                webhooks::create(caller, id, &order, secret.clone(), &self.allowed)?;
            let kept = kept(id, &secret);
            Ok((Keyed { webhook: Webhook { version: 1, ..webhook }, secret: Some(secret) }, kept, change))
        };
        match self.settle_once(caller, replay.as_ref(), decide).await? {
            Made::Now(keyed) => Ok(keyed),
            Made::Before(kept) => self.keyed_again(account, &kept).await,
        }
    }

    pub async fn edit_webhook(
        &self,
        caller: Caller,
        account: &AccountId,
        id: WebhookId,
        version: Option<i64>,
        edit: Edit,
    ) -> Result<Webhook, Error> {
        at_home(&caller, account)?;
        let mut tries = self.tries(caller);
        loop {
            let found = self.webhook_of(&tries.caller, id).await?;
            if version.is_some_and(|version| version != found.version) {
                return Err(Error::Conflict);
            }
            let Decided { mut webhook, change } = webhooks::edit(&tries.caller, found, &edit, &self.allowed)?;
            webhook.version += i64::from(!change.writes.is_empty());
            if tries.commit(change).await?.is_some() {
                self.errands.notify_one();
                return Ok(webhook);
            }
        }
    }

    /// Gives a webhook another secret, with which the one before signs too for a while.
    pub async fn rotate_webhook(
        &self,
        caller: Caller,
        account: &AccountId,
        id: WebhookId,
        replay: Option<Replay>,
    ) -> Result<Keyed, Error> {
        at_home(&caller, account)?;
        let mut tries = self.tries(caller);
        loop {
            let found = self.webhook_of(&tries.caller, id).await?;
            let now = tries.caller.now;
            if let Some(kept) = self.recall(replay.as_ref(), now).await? {
                return self.keyed_again(account, &kept).await;
            }
            let secret = Arc::new(SigningSecret::draw(&*self.entropy));
            let Decided { webhook, change } = webhooks::rotate(&tries.caller, found, secret.clone())?;
            let change = self.keep(change, replay.as_ref(), &kept(id, &secret), now);
            if tries.commit(change).await?.is_some() {
                let webhook = Webhook { version: webhook.version + 1, ..webhook };
                return Ok(Keyed { webhook, secret: Some(secret) });
            }
        }
    }

    pub async fn delete_webhook(
        &self,
        caller: Caller,
        account: &AccountId,
        id: WebhookId,
    ) -> Result<Webhook, Error> {
        at_home(&caller, account)?;
        let mut tries = self.tries(caller);
        loop {
            let found = self.webhook_of(&tries.caller, id).await?;
            let Decided { webhook, change } = webhooks::delete(&tries.caller, found)?;
            if tries.commit(change).await?.is_some() {
                return Ok(webhook);
            }
        }
    }

    /// What was delivered to a webhook and what is to be, the newest first.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        account: &AccountId,
        id: WebhookId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Delivery>, Error> {
        let webhook = self.webhook(caller, account, id).await?;
        let list = format!("deliveries {account} {id}");
        let before = match cursor {
            Some(cursor) => self.cursors.read(&list, cursor)?.parse().map_err(|_| Error::Undetermined)?,
            None => i64::MAX,
        };
        let limit = limit.clamp(1, 100);
        let mut items = self.store.deliveries(webhook.id, before, limit + 1).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| self.cursors.write(&list, &last.seq.to_string()));
        Ok(Page { items, next_cursor })
    }

    /// Sends something once more, at once: what was delivered, what was given up, and what is to be tried later.
    pub async fn redeliver(
        &self,
        caller: Caller,
        account: &AccountId,
        id: WebhookId,
        seq: i64,
    ) -> Result<Delivery, Error> {
        at_home(&caller, account)?;
        let mut tries = self.tries(caller);
        loop {
            let webhook = self.webhook_of(&tries.caller, id).await?;
            let found = self.store.delivery(id, seq).await?.filter(|delivery| delivery.account == *account);
            let found = found.ok_or_else(|| Refusal::not_found("delivery"))?;
            let (again, change) = webhooks::redeliver(&tries.caller, &webhook, found)?;
            if tries.commit(change).await?.is_some() {
                self.errands.notify_one();
                return Ok(Delivery { version: again.version + 1, ..again });
            }
        }
    }

    async fn webhook_of(&self, caller: &Caller, id: WebhookId) -> Result<Webhook, Error> {
        webhooks::may(caller)?;
        let found = self.store.webhook(&caller.account.id, id).await?;
        found.ok_or_else(|| Refusal::not_found("webhook").into())
    }

    /// What was answered before.
    async fn keyed_again(&self, account: &AccountId, kept: &Kept) -> Result<Keyed, Error> {
        let found = self.store.webhook(account, kept.named()?).await?;
        let webhook = found.ok_or_else(|| Refusal::not_found("webhook"))?;
        let secret = kept.secret.as_deref().and_then(SigningSecret::parse).map(Arc::new);
        Ok(Keyed { webhook, secret })
    }
}

fn kept(id: WebhookId, secret: &SigningSecret) -> Kept {
    Kept::of(id, &secret.text())
}
