//! The types of the HTTP API: what the server reads and writes, and what the command line and
//! clients write and read.
//!
//! Only shapes live here. No rule is checked beyond a shape (a time is text until the server parses
//! it, so that the refusal can name the field), nothing is computed, and nothing knows of HTTP, SQL
//! or the domain.
//!
//! Two habits hold everywhere:
//! - What comes in refuses unknown fields. What goes out does not, so that an older client can read
//!   a newer server.
//! - Times are RFC 3339 in UTC with six decimals and `Z`; periods are text such as `90d` or
//!   `3 months`; ids are a prefix and twelve characters, accounts are slugs.

pub mod accounts;
pub mod installations;
pub mod inventory;
pub mod journal;
pub mod leaks;
pub mod members;
pub mod nodes;
pub mod notices;
pub mod permission;
pub mod problem;
pub mod provision;
pub mod roles;
pub mod service_accounts;
pub mod services;
pub mod sessions;
pub mod tokens;
pub mod verify;
pub mod webhooks;

mod list;
mod maybe;
mod secret;

pub use list::{ListQuery, Page};
pub use maybe::Maybe;
pub use secret::Secret;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a caller keeps with an account, a member or a token: a JSON object of at most 4 KiB.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// The body of a POST that has nothing to say: absent or `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

#[cfg(test)]
mod tests {
    /// Whether serde's error for an object of one foreign field is about that field.
    fn refuses_unknown<T: serde::de::DeserializeOwned>() -> bool {
        match serde_json::from_str::<T>(r#"{"created_by":1}"#) {
            Ok(_) => false,
            Err(error) => error.to_string().starts_with("unknown field `created_by`"),
        }
    }

    #[test]
    fn everything_that_comes_in_refuses_unknown_fields() {
        macro_rules! each {
            ($($incoming:ty),* $(,)?) => {
                $(assert!(refuses_unknown::<$incoming>(), stringify!($incoming));)*
            };
        }
        each!(
            crate::Empty,
            crate::ListQuery,
            crate::accounts::CreateAccount,
            crate::accounts::EditAccount,
            crate::installations::CreateInstallation,
            crate::installations::EditInstallation,
            crate::members::Binding,
            crate::inventory::InventoryQuery,
            crate::inventory::RevokeMatching,
            crate::inventory::TokenFilter,
            crate::journal::JournalQuery,
            crate::leaks::RevokeCredentials,
            crate::members::CreateMember,
            crate::members::EditMember,
            crate::nodes::CreateNode,
            crate::nodes::EditNode,
            crate::notices::EditNotices,
            crate::permission::Permission,
            crate::provision::PutAccount,
            crate::provision::PutAccountItem,
            crate::provision::PutAccounts,
            crate::provision::PutMember,
            crate::provision::PutMemberItem,
            crate::provision::PutMembers,
            crate::roles::CreateRole,
            crate::roles::EditRole,
            crate::service_accounts::CreateServiceAccount,
            crate::service_accounts::EditServiceAccount,
            crate::services::CreateService,
            crate::sessions::CreateSession,
            crate::sessions::HandOff,
            crate::sessions::RefreshSession,
            crate::tokens::CreateToken,
            crate::tokens::DeleteQuery,
            crate::tokens::EditToken,
            crate::tokens::RevealToken,
            crate::tokens::RevokeQuery,
            crate::tokens::RevokeToken,
            crate::tokens::RotateToken,
            crate::tokens::TokenListQuery,
            crate::verify::Ask,
            crate::verify::Batch,
            crate::verify::Expression,
        );
    }
}
