//! Signing in and out, and handing somebody over to the console: `/v1/sessions`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;
use crate::members::Member;

/// `POST /v1/sessions`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.com", "password": "seven green bottles" }))]
pub struct CreateSession {
    pub email: String,
    pub password: Secret,
    /// A code of the person's second factor, or one of their recovery codes, where they use them. Without it
    /// the answer names the field `one_time_code`, once the password is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_time_code: Option<Secret>,
    /// Needed only by a person who is a member of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where the session holds; `/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// `POST /v1/sessions/refresh`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSession {
    pub refresh_token: Secret,
}

/// `POST /v1/members/self/password`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "password": "seven green bottles", "new_password": "eight green bottles", "end_everything": true
}))]
pub struct ChangePassword {
    /// The present one.
    pub password: Secret,
    /// Where the person uses codes besides the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_time_code: Option<Secret>,
    /// 12 to 256 characters.
    pub new_password: Secret,
    /// Revokes all the person's tokens and ends all their other sessions, in every account, with the same
    /// change.
    #[serde(default)]
    pub end_everything: bool,
}

/// The answer to a login, a refresh or another password.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StartedSession {
    pub token: Secret,
    pub expires_at: Option<String>,
    pub member: Member,
    /// Where the policy makes pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
}

/// One login of the caller, as `GET /v1/sessions` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    #[schema(example = "ses_0123456789ab")]
    pub id: String,
    pub account: String,
    #[schema(example = "/")]
    pub node: String,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    pub last_used_from: Option<String>,
    /// The session that asks.
    pub current: bool,
}

/// `POST /v1/sessions/handoff`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "account": "acme", "path": "/tokens" }))]
pub struct HandOff {
    /// The account of the member whom `Jeton-Actor` names.
    pub account: String,
    /// The page that it leads to, below the account's own; `/tokens` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A link that lets somebody in, once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// For that person alone: whoever opens it is let in as them.
    pub url: Secret,
    pub expires_at: String,
}
