//! Accounts and their policies: `/v1/accounts`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Maybe, Metadata};

/// A customer of the product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// An immutable slug, `[a-z0-9-]{2,40}`.
    #[schema(example = "acme")]
    pub id: String,
    pub external_id: Option<String>,
    #[schema(example = "Acme")]
    pub name: String,
    /// The preset whose policy, roles and words it was given when it was created.
    pub preset: String,
    /// What the levels of its tree are called, the account first.
    #[schema(example = json!(["account", "project"]))]
    pub levels: Vec<String>,
    pub active: bool,
    /// Since when it is not.
    pub inactive_since: Option<String>,
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    pub created_at: String,
    pub version: i64,
}

/// `POST /v1/accounts`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "id": "acme", "name": "Acme", "preset": "default", "external_id": "c-42" }))]
pub struct CreateAccount {
    pub id: String,
    pub name: String,
    /// The server's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
}

/// `PATCH /v1/accounts/{account}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Acme Field", "metadata": { "plan": "pro" }, "version": 1 }))]
pub struct EditAccount {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Maybe::is_absent")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Maybe<Metadata>,
    /// For operators.
    #[serde(default, skip_serializing_if = "Maybe::is_absent")]
    #[schema(value_type = Option<String>)]
    pub external_id: Maybe<String>,
    /// For operators, and alone: `false` closes the account, `true` reopens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// If it is not the present version the edit is refused as a `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// The policy of an account as one document, read and written whole: a switch that is missing is one
/// that says none, or is refused where it must say something, and one that is not known is refused.
// Its switches belong to the domain. The example is the default preset's, which `web` knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub struct Policy(pub Value);
