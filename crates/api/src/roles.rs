//! Roles: `/v1/accounts/{account}/roles`. The list is strongest first.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A named set of permissions. A token that has a role follows its edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Role {
    #[schema(example = "rol_0123456789ab")]
    pub id: String,
    pub account: String,
    #[schema(example = "Auditor")]
    pub name: String,
    /// Each `entity:action`.
    pub permissions: Vec<String>,
    /// Its place in the order of the list, 0 for the strongest.
    pub rank: u32,
}

/// `POST /v1/accounts/{account}/roles`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Auditor", "permissions": ["devices:read", "files:read"] }))]
pub struct CreateRole {
    pub name: String,
    /// Each `entity:action`.
    pub permissions: Vec<String>,
}

/// `PATCH /v1/accounts/{account}/roles/{id}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Reader", "permissions": ["devices:read"] }))]
pub struct EditRole {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
}
