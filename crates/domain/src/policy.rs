//! What an account may decide about its tokens: one document of switches, the same in TOML and JSON.
//!
//! Here are the document's types and the search for contradictions in it. What a switch *does* stands
//! with the rule that asks for it; which value each product has, in `presets/*.toml`.
//!
//! A switch that has a meaning for "none" is an `Option` or a list: null and absent both say none, and
//! the JSON we print has every key. The others must be there, so that no switch is set by oversight.

mod check;
mod compare;
mod values;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

pub use check::PolicyFault;
pub use compare::{Changed, differing};
pub use values::{Audience, RoleNames, Scheme};

use crate::preset::Preset;
use crate::time::Period;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Who may create a token, for whom, and what is asked of them.
    pub create: Create,
    /// Roles that list and manage everybody's tokens.
    #[serde(default, deserialize_with = "null_as_default")]
    pub managers: RoleNames,
    /// What those who do not manage see of others' tokens.
    pub visibility: Visibility,
    /// The fields of the form, and of the API's creation; others are refused by name.
    #[serde(default, deserialize_with = "null_as_default")]
    pub fields: Vec<FormField>,
    pub limit: Option<Limit>,
    pub secret: SecretKept,
    /// Revealing a recoverable secret asks for the password again.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reveal_reauth: bool,
    /// What is shown with a new secret.
    pub example: Example,
    pub permission: Permission,
    pub reach: Reach,
    pub expiry: Expiry,
    #[serde(default, deserialize_with = "null_as_default")]
    pub on_expire: OnExpire,
    /// The ways to end a token by hand, and `approve` to undo a revocation.
    #[serde(default, deserialize_with = "null_as_default")]
    pub removal: Vec<Removal>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub tombstones: Tombstones,
    pub confirm: Confirm,
    /// Name, description, expiry and metadata may be changed later, permissions narrowed.
    pub edit: bool,
    pub rotate: Rotate,
    pub names: Names,
    /// When the holder is deactivated.
    pub on_inactive: OnInactive,
    /// When the holder is activated again; moot where `on_inactive` is `keep`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub on_return: OnReturn,
    /// When the holder is removed from the account.
    pub on_remove: OnRemove,
    pub login: Login,
    pub logout: Logout,
    /// A token unused for this long no longer works.
    pub idle: Option<Period>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub notices: Notices,
    #[serde(default, deserialize_with = "null_as_default")]
    pub sso: Sso,
    /// How a token may be sent to gateways and dialects, the usual one first. jeton's own API takes
    /// `Bearer` whatever this says.
    pub schemes: Vec<Scheme>,
    /// The first part of a new token's text.
    pub brand: String,
    /// How long a service may trust a verdict, in milliseconds. A revocation waits for it.
    pub cache_ms: u64,
    /// The product's own words for the pages; `presets/default.toml` lists the keys.
    #[serde(default, deserialize_with = "null_as_default")]
    pub words: BTreeMap<String, String>,
}

impl Policy {
    /// Contradictions within the document, and roles it names that the account does not have. Every
    /// fault is found, in the order of the document.
    pub fn check(&self, role_names: &[&str]) -> Result<(), Vec<PolicyFault>> {
        check::check(self, role_names)
    }

    /// The product's word for a thing on a page, or ours where it has none. Empty for a key that
    /// `presets/default.toml` does not list.
    pub fn word(&self, key: &str) -> &str {
        let ours = || Preset::default_preset().policy.words.get(key);
        self.words.get(key).or_else(ours).map_or("", String::as_str)
    }

    /// How many days before its end a token is said to be expiring: the earliest notice.
    pub fn first_notice(&self) -> Option<i64> {
        self.notices.days.iter().copied().max().map(i64::from)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    #[serde(default, deserialize_with = "null_as_default")]
    pub roles: RoleNames,
    pub holder: Vec<HolderChoice>,
    /// A session must have given its password within the last minutes; a token is not asked.
    pub reauth: bool,
    /// A new token is pending until a manager approves it.
    pub approval: bool,
}

/// For whom a token may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderChoice {
    /// The member who asks.
    Caller,
    /// Another member, when a manager asks.
    Member,
    /// A service account.
    ServiceAccount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// No entry in the menu, and the routes refuse.
    None,
    /// One's own tokens.
    Own,
    /// All of the account's, or of the nodes one is a member of.
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormField {
    Name,
    Description,
    Permission,
    Node,
    Expiry,
    NotBefore,
    Holder,
    Metadata,
    Conditions,
    Limits,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub max: u32,
    pub per: LimitPer,
    /// Which states take a place.
    pub counts: Vec<Counted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitPer {
    Account,
    Holder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Expiring ones too. A rotated token in its grace period never takes a place.
    Active,
    Pending,
    Suspended,
    Revoked,
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKept {
    /// Shown in the answer that makes it, then only its digest remains.
    Once,
    /// Kept sealed; holder and managers can have it again.
    Recoverable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Example {
    None,
    Curl,
    Header,
    Both,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// How a grant may be chosen; empty where `fixed` leaves no choice.
    #[serde(default, deserialize_with = "null_as_default")]
    pub modes: Vec<PermissionMode>,
    /// Every token has this role.
    pub fixed: Option<String>,
    /// At most what the creator may do.
    pub cap: bool,
    pub ceiling: Ceiling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionMode {
    /// What the creator may do.
    Inherit,
    Role,
    /// Full, write or read, over chosen entities.
    Access,
    /// Permissions by name.
    List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ceiling {
    /// The grant, and at each moment no more than its holder may do.
    Live,
    /// The grant as it was made.
    Frozen,
}

/// May tokens use the desk (tokens, members, roles, policy, journal, nodes, installations)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    Resources,
    Everything,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expiry {
    /// How an end may be chosen; empty where `fixed` leaves no choice.
    #[serde(default, deserialize_with = "null_as_default")]
    pub modes: Vec<ExpiryMode>,
    /// When nothing is asked for. None, or `"never"`: never, where the modes have it; else the end
    /// must be given.
    #[serde(default, deserialize_with = "values::period_or_never")]
    pub default: Option<Period>,
    /// Every token has this life.
    pub fixed: Option<Period>,
    /// The longest life. At use, too, life ends at `created_at + max`.
    pub max: Option<Period>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryMode {
    Never,
    Date,
    Period,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpire {
    #[default]
    Keep,
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    Revoke,
    Approve,
    Delete,
}

/// What remains of a deleted token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstones {
    /// Shown under the filter `deleted`.
    pub listed: bool,
    /// How long the row stays; none: for the account's life.
    pub keep: Option<Period>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    pub mode: ConfirmMode,
    /// The word to type, where the mode is `word`.
    pub word: Option<String>,
    /// First show what would break.
    pub show_use: bool,
}

/// What a deletion asks the person to type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmMode {
    None,
    /// The token's name.
    Name,
    /// A fixed word.
    Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    pub allowed: bool,
    /// The longest time the old secret may stay good; none: no grace.
    pub grace_max: Option<Period>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    Any,
    /// Unique in the account; deleted tokens do not count.
    Unique,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInactive {
    Keep,
    Suspend,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReturn {
    #[default]
    Restore,
    /// The tokens are pending until a manager approves each.
    Approve,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRemove {
    Keep,
    Delete,
    /// The member cannot be removed while tokens are active.
    Refuse,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub mode: LoginMode,
    /// Of the session, the login's token, or the access token of a pair.
    pub life: Period,
    /// Life of a pair's refresh token.
    pub refresh: Option<Period>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginMode {
    /// A session that no list shows.
    Session,
    /// A listed token of kind `ses` for each login.
    Token,
    /// An access token and a refresh token.
    Pair,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Logout {
    /// Ends the session.
    End,
    /// Deletes the login's token.
    Delete,
    /// Ends the session and revokes the person's tokens, which may be approved again.
    Revoke,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// Days before the end at which notice is given.
    #[serde(default, deserialize_with = "null_as_default")]
    pub days: Vec<u32>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub to: Vec<Audience>,
    /// From this long before an end the section is marked, whatever the mail switch says.
    pub badge: Option<Period>,
    /// Mails are sent to those who have not chosen; each person can switch them off.
    #[serde(default, deserialize_with = "null_as_default")]
    pub mail: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sso {
    /// When the identity provider takes a person's access away. None: as `keep`, without the warning.
    pub on_revocation: Option<OnRevocation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRevocation {
    /// Tokens go on working, and the page warns of it.
    Keep,
    Suspend,
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
