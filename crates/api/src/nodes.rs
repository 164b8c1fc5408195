//! Places in an account's tree (organizations, environments, projects, profiles, as the preset
//! names them): `/v1/accounts/{account}/nodes`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place in an account's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Slugs joined by `/`, without the account; the root is `/`. Immutable.
    #[schema(example = "/sales")]
    pub path: String,
    /// Null for the root.
    pub parent: Option<String>,
    #[schema(example = "Sales")]
    pub name: String,
    /// The preset's word for a place at this depth, such as `environment`.
    pub level: String,
    pub created_at: String,
    pub version: i64,
}

/// `POST /v1/accounts/{account}/nodes`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "path": "/sales", "name": "Sales" }))]
pub struct CreateNode {
    /// The parent's path and a slug.
    pub path: String,
    /// The slug when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `PATCH /v1/accounts/{account}/nodes/{path}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Sales, Europe", "version": 1 }))]
pub struct EditNode {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// If it is not the node's present version the edit is refused as a `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}
