//! Every token of the server, for operators: `/v1/tokens`, `/v1/tokens/summary`, `/v1/tokens/revoke`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::tokens::{Token, TokenKind, TokenSort, TokenStatus};

/// A filter, alone and with the parameters of a list: what a query or a body knows stands in one
/// struct, so that anything else in it is refused.
macro_rules! filters {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$own_doc:meta])* $own:ident: $own_type:ty,)* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            $(
                $(#[$own_doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                #[param(inline)]
                pub $own: Option<$own_type>,
            )*
            /// The id of an account.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub account: Option<String>,
            /// The id of whom they act for.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub holder: Option<String>,
            /// The id of whoever made them.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub issued_by: Option<String>,
            /// The name of a role that they were given, in whichever account.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub role: Option<String>,
            /// `active` includes expiring and grace. All but deleted ones when absent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[param(inline)]
            pub status: Option<TokenStatus>,
            /// When absent, those that the account's policy lists among its tokens.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[param(inline)]
            pub kind: Option<TokenKind>,
            /// A place in the account's tree: tokens that hold there or below.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub node: Option<String>,
            /// `entity:action`: tokens that may do this at their node or somewhere below it, in whatever
            /// state they are.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub permission: Option<String>,
            /// Part of the name or of the id.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub q: Option<String>,
            /// A time: those that were created then or later.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub created_after: Option<String>,
            /// A time: those that were created earlier.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub created_before: Option<String>,
            /// Those that never expire, too.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub expires_after: Option<String>,
            /// A time: those that expire earlier.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub expires_before: Option<String>,
            /// `true`: those alone that never expire; `false`: those alone that expire some day.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub never_expires: Option<bool>,
            /// A time: those that were used then or later.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub last_used_after: Option<String>,
            /// Those that were never used, too.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub last_used_before: Option<String>,
            /// `true`: those alone that were never used; `false`: those alone that were.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub never_used: Option<bool>,
        }
    )*};
}

filters! {
    /// Which tokens of the server. Everything that is given must hold; `…_after` includes its moment,
    /// `…_before` does not.
    TokenFilter {}

    /// The query of `GET /v1/tokens`.
    InventoryQuery {
        /// How many items at most: 1 to 100, 50 when absent.
        limit: u32,
        /// The `next_cursor` of the page before.
        cursor: String,
        /// `-created_at` when absent.
        sort: TokenSort,
    }
}

impl InventoryQuery {
    pub fn filter(&self) -> TokenFilter {
        let all = self.clone();
        TokenFilter {
            account: all.account,
            holder: all.holder,
            issued_by: all.issued_by,
            role: all.role,
            status: all.status,
            kind: all.kind,
            node: all.node,
            permission: all.permission,
            q: all.q,
            created_after: all.created_after,
            created_before: all.created_before,
            expires_after: all.expires_after,
            expires_before: all.expires_before,
            never_expires: all.never_expires,
            last_used_after: all.last_used_after,
            last_used_before: all.last_used_before,
            never_used: all.never_used,
        }
    }
}

/// `GET /v1/tokens/summary`: how many tokens there are of each sort. Each token stands once in every list
/// of numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    pub count: u64,
    /// In how many accounts.
    pub accounts: u64,
    pub by_status: Vec<CountByStatus>,
    pub by_kind: Vec<CountByKind>,
    pub by_role: Vec<CountByRole>,
    /// By the time since they were created.
    pub by_age: Buckets,
    /// By the time until they expire: `past` for those that did, `never` for those that do not.
    pub by_expiry: Buckets,
    /// By the time since they were last used.
    pub by_last_use: Buckets,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountByStatus {
    pub status: TokenStatus,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountByKind {
    pub kind: TokenKind,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountByRole {
    /// The name of the role that was given; null for other permissions.
    pub role: Option<String>,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountByAccount {
    pub account: String,
    pub count: u64,
}

/// Numbers by a distance from now. A token stands in the first that it fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Buckets {
    pub past: u64,
    pub within_7_days: u64,
    pub within_30_days: u64,
    pub within_90_days: u64,
    pub within_365_days: u64,
    pub longer: u64,
    pub never: u64,
}

/// `POST /v1/tokens/revoke`. First with `preview`, then with the `confirm` of its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "filter": { "account": "acme", "status": "active", "role": "Viewer" }, "preview": true }))]
pub struct RevokeMatching {
    pub filter: TokenFilter,
    /// Says what would be revoked, and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<bool>,
    /// The `confirm` of a preview with the same filter. If other tokens match by now, it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What would be revoked, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Revocation {
    /// Whether it was carried out: none of them verifies any more.
    pub revoked: bool,
    pub count: u64,
    pub accounts: Vec<CountByAccount>,
    /// Whether what the caller comes with is among them.
    pub includes_yours: bool,
    /// Of a preview: some of them, newest first.
    pub examples: Vec<Token>,
    /// Of a preview: to be sent back with the same filter. Null where nothing matches.
    pub confirm: Option<String>,
    /// Of a revocation: when.
    pub revoked_at: Option<String>,
    /// Of a revocation: the number of the journal's entry that tells of all of it.
    pub journal: Option<i64>,
}
