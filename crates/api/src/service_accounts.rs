//! Service accounts: `/v1/accounts/{account}/service-accounts`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::members::Binding;
use crate::{Maybe, Metadata};

/// A holder of tokens that is nobody in particular.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceAccount {
    #[schema(example = "sac_0123456789ab")]
    pub id: String,
    pub account: String,
    pub external_id: Option<String>,
    #[schema(example = "nightly export")]
    pub name: String,
    /// The name of the role at the root; empty for whoever has roles further down alone.
    pub role: String,
    /// Every role and where it holds, in the order of the tree.
    pub bindings: Vec<Binding>,
    pub active: bool,
    pub inactive_since: Option<String>,
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    pub created_at: String,
    pub version: i64,
}

/// `POST /v1/accounts/{account}/service-accounts`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "nightly export", "role": "Viewer" }))]
pub struct CreateServiceAccount {
    pub name: String,
    /// The name of a role, which holds everywhere. It or `bindings` is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Roles that hold at nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
    /// `true` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
}

/// `PATCH /v1/accounts/{account}/service-accounts/{id}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "weekly export", "role": "Viewer", "version": 1 }))]
pub struct EditServiceAccount {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The role at the root; others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// All roles from then on; not beside `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bindings: Option<Vec<Binding>>,
    /// `false` deactivates, `true` reactivates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    #[serde(default, skip_serializing_if = "Maybe::is_absent")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Maybe<Metadata>,
    /// If it is not the present version the edit is refused as a `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}
