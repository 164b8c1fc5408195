//! Texts that were found: `/v1/credentials/revoke`, `/v1/leaks/github`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// `POST /v1/credentials/revoke`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "credentials": ["jtn_pat_0123456789ab_00000000000000000000000000000000"] }))]
pub struct RevokeCredentials {
    /// 1 to 100 whole texts of tokens.
    pub credentials: Vec<Secret>,
}

/// What is answered whatever the texts were worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Received {
    /// How many texts came. Whatever one of them opened is ended.
    #[schema(example = 1)]
    pub received: usize,
}

/// What GitHub's scanner found. It may come to say more than is known here.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GitHubMatch {
    pub token: Secret,
    /// What the pattern is called that found it.
    #[serde(rename = "type")]
    pub token_type: String,
    /// Where; empty where that is not public.
    #[serde(default)]
    pub url: String,
    /// In what, as in `commit`.
    #[serde(default)]
    pub source: String,
}

/// `POST /v1/leaks/github`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(example = json!([{
    "token": "jtn_pat_0123456789ab_00000000000000000000000000000000", "type": "jeton_token",
    "url": "https://github.com/octo-org/octo-repo/blob/main/deploy.sh", "source": "content",
}]))]
pub struct GitHubMatches(pub Vec<GitHubMatch>);

/// What became of each, in the same order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(example = json!([{
    "token_hash": "7c222fb2927d828af22f592134e8932480637c0d1f0c1b9b1e8f6a1d0f4b5c1e", "token_type": "jeton_token",
    "label": "true_positive",
}]))]
pub struct GitHubLabels(pub Vec<GitHubLabel>);

/// What became of it, for GitHub.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GitHubLabel {
    /// SHA-256 of the text, in hexadecimal digits.
    pub token_hash: String,
    pub token_type: String,
    pub label: Label,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    TruePositive,
    FalsePositive,
}
