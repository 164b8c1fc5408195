//! Tokens of an account: `/v1/accounts/{account}/tokens` and `/v1/tokens/self`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::permission::Permission;
use crate::{Maybe, Metadata, Secret};

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// `pat_…`: the same characters stand in the token's text.
    #[schema(example = "pat_0123456789ab")]
    pub id: String,
    /// Counts up within the account.
    pub number: i64,
    pub kind: TokenKind,
    #[schema(example = "deploy")]
    pub name: String,
    pub description: Option<String>,
    #[schema(value_type = Object)]
    pub metadata: Metadata,
    pub account: String,
    pub holder: Holder,
    /// Null where the token came into being without anybody's doing.
    pub issued_by: Option<Issuer>,
    pub permission: Permission,
    /// The place in the account's tree at which the permission holds, and below.
    pub node: String,
    pub status: TokenStatus,
    pub created_at: String,
    pub not_before: Option<String>,
    /// Null: never.
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    /// The address of the last use.
    pub last_used_from: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub conditions: Option<Value>,
    #[schema(value_type = Option<Object>)]
    pub limits: Option<Value>,
    /// Grows with each change of the token.
    pub version: i64,
}

/// pat: held by a member. sat: held by a service account. ses: made by signing in. rft: refreshes a
/// session. svc: the key of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    Pat,
    Sat,
    Ses,
    Rft,
    Svc,
}

/// The state that is shown. Good are active, expiring and grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    Deleted,
    Leaked,
    Revoked,
    Suspended,
    Expired,
    Pending,
    Rotated,
    Grace,
    Expiring,
    Active,
}

/// Whom a token acts for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    #[schema(example = "mem_0123456789ab")]
    pub id: String,
    pub kind: HolderKind,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    Member,
    ServiceAccount,
}

/// Who made a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issuer {
    pub id: String,
    pub name: String,
}

/// The answer that creates or rotates a token: the token and, this once, its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    #[serde(flatten)]
    pub token: Token,
    /// The whole text of the token.
    pub secret: Secret,
}

/// `GET /v1/tokens/self`: the token that asks, and what it may do now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelfToken {
    #[serde(flatten)]
    pub token: Token,
    /// The name of the role it acts with, if it has one.
    pub role: Option<String>,
    /// Each `entity:action`.
    pub permissions: Vec<String>,
}

/// `POST /v1/accounts/{account}/tokens`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "deploy", "permission": { "list": ["devices:read"] }, "expires_in": "90d" }))]
pub struct CreateToken {
    /// 1 to 100 characters.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// `/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// A time, or null for never. Not together with `expires_in`; without both the policy's default.
    #[serde(default, skip_serializing_if = "Maybe::is_absent")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Maybe<String>,
    /// A period such as `90d` or `3 months`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// The id of a member or service account; the caller when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
    /// Not taken yet: whatever is given here is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub conditions: Option<Value>,
    /// Not taken yet: whatever is given here is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub limits: Option<Value>,
    /// Where the policy asks for it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_time_code: Option<Secret>,
}

/// `PATCH /v1/accounts/{account}/tokens/{id}`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "deploy, staging", "description": "of the build server", "version": 1 }))]
pub struct EditToken {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Maybe::is_absent")]
    #[schema(value_type = Option<String>)]
    pub description: Maybe<String>,
    /// A time, or null for never.
    #[serde(default, skip_serializing_if = "Maybe::is_absent")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Maybe<String>,
    /// A period from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    #[serde(default, skip_serializing_if = "Maybe::is_absent")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Maybe<Metadata>,
    /// It may only narrow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// If it is not the token's present version the edit is refused as a `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// `POST …/rotate`. The body may be absent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "grace": "2 hours" }))]
pub struct RotateToken {
    /// How long the old secret stays good, such as `2 hours`; not at all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<String>,
    /// Where the policy asks for it again before a token is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_time_code: Option<Secret>,
}

/// `POST …/revoke`. The body may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "its holder has left" }))]
pub struct RevokeToken {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST …/reveal`. The body may be absent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "password": "seven green bottles" }))]
pub struct RevealToken {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_time_code: Option<Secret>,
}

/// The answer to a reveal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevealedToken {
    pub secret: Secret,
}

/// The query of a revoke.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RevokeQuery {
    /// How many seconds to wait for the other peers: 0 to 60. Nothing waits yet; they follow within
    /// milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 60)]
    pub wait: Option<u32>,
}

/// The query of a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// What the policy asks to be typed: the token's name, or a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
}

/// The query of `GET /v1/accounts/{account}/tokens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TokenListQuery {
    /// How many items at most: 1 to 100, 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The id of whoever made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_by: Option<String>,
    /// The name of a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `active` includes expiring and grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub status: Option<TokenStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub kind: Option<TokenKind>,
    /// Part of the name or of the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// `-created_at` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub sort: Option<TokenSort>,
}

/// The order of a list of tokens; a minus turns it round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TokenSort {
    #[serde(rename = "id")]
    Id,
    #[serde(rename = "-id")]
    IdDescending,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[default]
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
    #[serde(rename = "expires_at")]
    ExpiresAt,
    #[serde(rename = "-expires_at")]
    ExpiresAtDescending,
    #[serde(rename = "last_used_at")]
    LastUsedAt,
    #[serde(rename = "-last_used_at")]
    LastUsedAtDescending,
}

/// `GET …/usage`: what would break if the token stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    pub last_used_at: Option<String>,
    pub last_used_from: Option<String>,
    /// Newest first; days without a use are left out.
    pub by_day: Vec<UseByDay>,
    /// Most used first.
    pub by_address: Vec<UseByAddress>,
    /// Most used first.
    pub by_service: Vec<UseByService>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UseByDay {
    /// A day in UTC.
    #[schema(example = "2026-08-21")]
    pub day: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UseByAddress {
    /// An address, or `other` for those beyond the number that is kept.
    pub address: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UseByService {
    /// The id of a service, or `other` for those beyond the number that is kept.
    pub service: String,
    /// Its name, if it is known still.
    pub name: Option<String>,
    pub count: u64,
}
