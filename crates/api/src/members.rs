//! Members of an account: `/v1/accounts/{account}/members`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Maybe, Metadata, Secret};

/// A role that holds at a node and below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "Member", "node": "/sales" }))]
pub struct Binding {
    /// The name of a role.
    pub role: String,
    /// A path, `/` for the root.
    #[schema(example = "/sales")]
    pub node: String,
}

/// A person, or a user of the product known by `external_id` only, in one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    #[schema(example = "mem_0123456789ab")]
    pub id: String,
    pub account: String,
    pub external_id: Option<String>,
    pub name: String,
    pub email: Option<String>,
    /// The name of the role at the root; empty for whoever has roles further down alone.
    pub role: String,
    /// Every role and where it holds, in the order of the tree.
    pub bindings: Vec<Binding>,
    pub active: bool,
    /// Since when it is not.
    pub inactive_since: Option<String>,
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    pub created_at: String,
    pub version: i64,
}

/// `POST /v1/accounts/{account}/members`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ada Lovelace", "email": "ada@example.com", "role": "Member", "external_id": "u-7" }))]
pub struct CreateMember {
    pub name: String,
    /// Where the member is reached; with a `password`, what they sign in with. Somebody who signs in with it
    /// already, or shall choose a password, is invited: `POST …/members/{id}/invite`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
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
    /// For the first login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// `PATCH /v1/accounts/{account}/members/{id}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Ada King", "role": "Viewer", "version": 1 }))]
pub struct EditMember {
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
    /// If it is not the member's present version the edit is refused as a `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}
