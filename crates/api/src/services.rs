//! Services, the programs of the product that ask jeton: `/v1/services`, for operators.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// A program of the product and what it may ask, without its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    #[schema(example = "svc_0123456789ab")]
    pub id: String,
    #[schema(example = "shop")]
    pub name: String,
    pub scopes: Vec<Scope>,
    /// The accounts it is limited to; null: all.
    pub accounts: Option<Vec<String>>,
    pub created_at: String,
    pub revoked_at: Option<String>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Ask for verdicts.
    Verify,
    /// RFC 7662.
    Introspect,
    /// Create and update accounts and members.
    Provision,
    /// Make calls as a member, named by the header `Jeton-Actor`.
    ActAs,
}

/// `POST /v1/services`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "shop", "scopes": ["verify"], "accounts": ["acme"] }))]
pub struct CreateService {
    pub name: String,
    pub scopes: Vec<Scope>,
    /// All when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
}

/// The answer that creates a service: the service and, this once, its key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IssuedService {
    #[serde(flatten)]
    pub service: Service,
    /// The whole text of the key.
    pub secret: Secret,
}
