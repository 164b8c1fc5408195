//! Webhooks and their deliveries, as whoever shows and sends them reads them. What is written comes with a
//! change.

use domain::ids::{AccountId, WebhookId};
use domain::time::Timestamp;
use domain::webhooks::{Delivery, SigningSecret, Webhook};

use crate::Store;
use crate::contract::Unavailable;
use crate::journal::JournalRow;
use crate::sql::webhooks;

impl Store {
    pub async fn webhook(&self, account: &AccountId, id: WebhookId) -> Result<Option<Webhook>, Unavailable> {
        Ok(self.read(webhooks::webhook(account, id)).await?.pop())
    }

    /// All of an account, the oldest first.
    pub async fn webhooks(&self, account: &AccountId) -> Result<Vec<Webhook>, Unavailable> {
        self.read(webhooks::of_account(account)).await
    }

    /// Those of any account for which there is something in the journal that they were not told of.
    pub async fn webhooks_behind(&self) -> Result<Vec<Webhook>, Unavailable> {
        self.read(webhooks::behind(self.dialect())).await
    }

    /// Those of any account that something is to be sent to at `now`.
    pub async fn webhooks_with_due(&self, now: Timestamp) -> Result<Vec<Webhook>, Unavailable> {
        self.read(webhooks::with_due(now)).await
    }

    /// What signs for a webhook at `now`, the newest first; nothing where there is none. A seal that does not
    /// open is [`Unavailable`].
    pub async fn signing_secrets(
        &self,
        account: &AccountId,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<Vec<SigningSecret>, Unavailable> {
        let sealed = self.read(webhooks::secrets(account, id, now)).await?;
        let open = |sealed| self.common().sealer.open_secret(account, id, sealed);
        sealed.iter().map(open).collect::<Result<_, _>>().map_err(Unavailable::because)
    }

    /// How many deliveries to a webhook are not done with.
    pub async fn deliveries_open(&self, webhook: WebhookId) -> Result<i64, Unavailable> {
        Ok(self.read(webhooks::open(webhook)).await?.unwrap_or_default())
    }

    /// From when on the oldest delivery of all that are not done with is tried.
    pub async fn oldest_delivery(&self) -> Result<Option<Timestamp>, Unavailable> {
        self.read(webhooks::oldest()).await
    }

    /// Deliveries to a webhook that somebody may begin at `now`, those that wait longest first.
    pub async fn deliveries_due(
        &self,
        webhook: WebhookId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.read(webhooks::due(webhook, now, limit)).await
    }

    /// Deliveries that somebody has begun, and has not said how it went.
    pub async fn deliveries_begun(&self) -> Result<Vec<Delivery>, Unavailable> {
        self.read(webhooks::begun()).await
    }

    pub async fn delivery(&self, webhook: WebhookId, seq: i64) -> Result<Option<Delivery>, Unavailable> {
        Ok(self.read(webhooks::delivery(webhook, seq)).await?.pop())
    }

    /// Deliveries to a webhook, the newest first, those of entries before that one.
    pub async fn deliveries(
        &self,
        webhook: WebhookId,
        before: i64,
        limit: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.read(webhooks::before(webhook, before, limit)).await
    }

    /// One entry of the journal.
    pub async fn entry(&self, seq: i64) -> Result<Option<JournalRow>, Unavailable> {
        let row = self.journal(seq - 1, 1).await?.pop();
        Ok(row.filter(|row| row.seq == seq))
    }
}
