//! Accounts and members as the product's backend keeps them in step with its own: one, or many at once,
//! by `external_id`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Metadata;
use crate::problem::FieldError;

/// `PUT /v1/accounts/{account}/members/by-external-id/{external_id}`: creates (201) or updates (200)
/// the member whom the product calls so. What is absent stays as it is. The same again changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ada Lovelace", "email": "ada@example.com", "role": "Member", "active": true }))]
pub struct PutMember {
    pub name: String,
    /// Where notices go. Nobody can sign in by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name of a role.
    pub role: String,
    /// `false` deactivates, `true` reactivates; a new member is active when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// `{}` empties it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
}

/// One of many, as [`PutMember`] with the name that the product has for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "external_id": "u-7", "name": "Ada Lovelace", "email": "ada@example.com", "role": "Member" }))]
pub struct PutMemberItem {
    pub external_id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
}

/// `PUT /v1/accounts/{account}/members/by-external-id`: up to 1,000 members. Each is read, decided and
/// answered by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutMembers {
    #[schema(value_type = Vec<PutMemberItem>, max_items = 1000)]
    pub members: Vec<Value>,
}

/// `PUT /v1/accounts/by-external-id/{external_id}`: creates (201) or updates (200) the account that the
/// product calls so. What is absent stays as it is. The same again changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Acme", "preset": "default", "metadata": { "plan": "pro" } }))]
pub struct PutAccount {
    /// Made from the name when absent; it never changes afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub name: String,
    /// What a new account is made from; the server's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// `{}` empties it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
}

/// One of many, as [`PutAccount`] with the name that the product has for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "external_id": "c-42", "name": "Acme", "preset": "default" }))]
pub struct PutAccountItem {
    pub external_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
}

/// `PUT /v1/accounts/by-external-id`: up to 1,000 accounts. Each is read, decided and answered by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutAccounts {
    #[schema(value_type = Vec<PutAccountItem>, max_items = 1000)]
    pub accounts: Vec<Value>,
}

/// What became of each, in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PutOutcomes {
    pub outcomes: Vec<PutOutcome>,
}

/// What became of one of many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({ "external_id": "u-7", "id": "mem_0123456789ab", "outcome": "created" }))]
pub struct PutOutcome {
    /// As it was sent; null where it was no text.
    pub external_id: Option<String>,
    /// Of the account or member; absent where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub outcome: Outcome,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ItemProblem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PutOutcomeKind)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
    Refused,
}

/// Why one of many was refused: what the whole answer would have said of it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemProblem {
    #[schema(example = "invalid_field")]
    pub code: String,
    pub detail: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}
