//! Webhooks, programs that are told what an account's journal says: `/v1/accounts/{account}/webhooks`, and what they
//! are told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;
use crate::journal::Entry;

/// What a webhook's receiver is sent, by POST, with the headers of Standard Webhooks: `webhook-id` (the same at each
/// try), `webhook-timestamp` and `webhook-signature`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The entry's action.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub timestamp: String,
    /// The entry, as the journal has it now.
    pub data: Entry,
}

/// Somebody's program that is told what the account's journal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    #[schema(example = "whk_0123456789ab")]
    pub id: String,
    pub account: String,
    #[schema(example = "audit")]
    pub name: String,
    #[schema(example = "https://hooks.example/jeton")]
    pub url: String,
    /// Which entries it is told: `token.created`, or `token` for all about tokens. All if empty.
    #[schema(example = json!(["token", "member.removed"]))]
    pub actions: Vec<String>,
    /// Whether it is told anything at present.
    pub enabled: bool,
    pub status: WebhookStatus,
    /// Since when nothing it was told was taken; null while it works.
    #[schema(example = "2026-08-21T09:30:00.000000Z")]
    pub failing_since: Option<String>,
    /// Deliveries that are under way or wait.
    pub waiting: i64,
    /// Entries that it was never told, because it did not take anything for more than a day.
    pub missed: i64,
    /// Until when the secret before this one signs too; null where there is none.
    #[schema(example = "2026-08-22T09:30:00.000000Z")]
    pub older_secret_until: Option<String>,
    pub created_at: String,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookStatus {
    /// Turned off by somebody.
    Off,
    /// The last thing that it was told it did not take. It is not turned off for that.
    Failing,
    Working,
}

/// `POST /v1/accounts/{account}/webhooks`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "audit", "url": "https://hooks.example/jeton", "actions": ["token"] }))]
pub struct CreateWebhook {
    pub name: String,
    /// `https://…`; an address that is private, local or reserved only where the operator allows it.
    pub url: String,
    /// All when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// True when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// `PATCH /v1/accounts/{account}/webhooks/{id}`. What is absent stays as it is. One that is turned on again is told
/// what happens from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://hooks.example/other", "version": 1 }))]
pub struct EditWebhook {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// All if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// If it is not the present version the edit is refused as a `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// The answer that creates a webhook or rotates its secret: the webhook and, this once, the secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyedWebhook {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_` and the base64 of 32 bytes: what deliveries are signed with.
    pub secret: Secret,
}

/// What a webhook was told, or is to be told, of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The entry's number, by which the delivery goes as well.
    #[schema(example = 42)]
    pub seq: i64,
    #[schema(example = "token.created")]
    pub action: String,
    #[schema(example = "pat_0123456789ab")]
    pub subject: String,
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub tries: i64,
    /// The status of the last answer; null where there was none.
    #[schema(example = 500)]
    pub answer: Option<u16>,
    /// Why there was no answer the last time, as a sentence.
    #[schema(example = "It did not answer in time.")]
    pub error: Option<String>,
    /// When it is tried next; null where it is not.
    #[schema(example = "2026-08-21T10:30:00.000000Z")]
    pub next_try_at: Option<String>,
    /// When it was taken, or given up.
    #[schema(example = "2026-08-21T10:00:00.000000Z")]
    pub ended_at: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// An earlier one about the same thing is not done with.
    Waiting,
    /// It is sent at `next_try_at`, or is being sent.
    Due,
    GivenUp,
    Delivered,
}
