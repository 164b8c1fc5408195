//! Notices of tokens that end soon: `/v1/accounts/{account}/notices`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Maybe;
use crate::tokens::Holder;

/// What falls due that the caller may see, and how they hear of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Notices {
    pub account: String,
    pub policy: NoticePolicy,
    /// Whether notices are mailed to the caller: as they chose, or else as the policy says.
    pub mail: bool,
    /// How many of `due` are within the policy's `badge`, for a mark on the section.
    pub badge_count: u32,
    /// The nearest end first; at most 100.
    pub due: Vec<DueToken>,
    /// Whether more than these fall due.
    pub more: bool,
}

/// What the account's policy says of notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticePolicy {
    /// Days before the end at which notice is given.
    #[schema(example = json!([30, 7, 1]))]
    pub days: Vec<u32>,
    /// `holder`, `issuer`, `managers`, or the name of a role.
    #[schema(example = json!(["holder", "managers"]))]
    pub to: Vec<String>,
    /// From this long before an end the section is marked; null: never.
    #[schema(example = "7 days")]
    pub badge: Option<String>,
    /// Whether those who have not chosen get mails.
    pub mail: bool,
}

/// A token that ends soon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DueToken {
    #[schema(example = "pat_0123456789ab")]
    pub id: String,
    pub name: String,
    pub holder: Holder,
    pub node: String,
    /// When it ends: at its own end, or after the longest life that the policy allows.
    pub ends_at: String,
    /// Of the policy's days, the last at which notice was due; null where the badge alone is.
    pub notice: Option<u32>,
    /// Whether it counts for the badge.
    pub badge: bool,
}

/// `PATCH /v1/accounts/{account}/notices`: the caller's own switch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "mail": false }))]
pub struct EditNotices {
    /// Null: as the policy says.
    #[serde(default, skip_serializing_if = "Maybe::is_absent")]
    #[schema(value_type = Option<bool>)]
    pub mail: Maybe<bool>,
}
