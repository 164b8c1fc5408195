//! Installations, customers' running copies of the product: `/v1/accounts/{account}/installations`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A running copy of the product, linked to nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Installation {
    #[schema(example = "ins_0123456789ab")]
    pub id: String,
    pub account: String,
    #[schema(example = "Plant 7")]
    pub name: String,
    /// The nodes that it is linked to, in the order of the tree.
    #[schema(example = json!(["/sales"]))]
    pub nodes: Vec<String>,
    pub created_at: String,
    pub version: i64,
}

/// `POST /v1/accounts/{account}/installations`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Plant 7", "nodes": ["/sales"] }))]
pub struct CreateInstallation {
    pub name: String,
    /// None when absent: it is at the root then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["/sales"]))]
    pub nodes: Vec<String>,
}

/// `PATCH /v1/accounts/{account}/installations/{id}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Plant 7, east", "nodes": ["/sales", "/lab"], "version": 1 }))]
pub struct EditInstallation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All nodes that it is linked to from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["/sales", "/lab"]))]
    pub nodes: Option<Vec<String>>,
    /// If it is not the present version the edit is refused as a `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}
