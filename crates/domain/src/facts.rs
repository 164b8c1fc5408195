//! The rows: what is known, and nothing derived.
//!
//! A row carries its `version`; every write names the version that it replaces, so a decision
//! made on an older row is a conflict and is taken again. Nothing here says whether a token is
//! good: see [`life`](crate::life) and [`admit`](mod@crate::admit).

use serde::{Deserialize, Serialize};
use token::{Digest, TokenId};

use crate::conditions::Conditions;
use crate::ids::{AccountId, HolderId, InstallationId, MemberId, PersonId, RoleId, ServiceId};
use crate::node::NodePath;
use crate::permission::PermissionSet;
use crate::policy::Policy;
use crate::time::Timestamp;

/// A customer of the product: a tree of nodes with members, roles and a policy of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub external_id: Option<String>,
    /// A JSON object, as it will be served.
    pub metadata: Option<String>,
    /// The preset whose policy, roles and words were copied at creation.
    pub preset: String,
    pub created_at: Timestamp,
    pub inactive_since: Option<Timestamp>,
    pub policy: Policy,
    /// What nodes are called, level by level below the account.
    pub levels: Vec<String>,
    /// The product's entities in this account: `full` access means these.
    pub entities: Vec<Entity>,
    /// Strongest first.
    pub roles: Vec<Role>,
    pub version: i64,
}

impl Account {
    pub fn role(&self, id: RoleId) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == id)
    }

    pub fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }
}

/// Something of the product that permissions speak of, such as `devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    pub name: String,
    pub actions: Vec<String>,
}

/// A named set of permissions, editable in its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    pub id: RoleId,
    pub name: String,
    pub permissions: PermissionSet,
}

/// A place in an account's tree. Its slug and its parent never change, and it is never removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub account: AccountId,
    pub path: NodePath,
    pub name: String,
    pub created_at: Timestamp,
    pub version: i64,
}

/// A customer's running copy of the product, linked to nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    pub id: InstallationId,
    pub account: AccountId,
    pub name: String,
    pub nodes: Vec<NodePath>,
    pub created_at: Timestamp,
    pub version: i64,
}

/// Somebody who can sign in, in however many accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: PersonId,
    /// Lower case, unique on the server.
    pub email: String,
    /// A PHC string; none until a password was set.
    pub password: Option<String>,
    /// What the password alone does not prove; none for whoever uses no second factor.
    pub second_factor: Option<SecondFactor>,
    /// Runs the server: may create accounts and services.
    pub operator: bool,
    pub created_at: Timestamp,
    pub version: i64,
}

/// A program of a person's that shows one-time codes (RFC 6238), and what stands in for it when it
/// is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    pub since: Timestamp,
    /// The secret that codes are worked out from, sealed and bound to its person.
    pub sealed: Vec<u8>,
    /// The time step of the last code that was taken; none at or before it is taken any more.
    pub last_step: i64,
    /// Keyed digests of the recovery codes that are left.
    pub recovery: Vec<[u8; 32]>,
}

/// A member or a service account: who tokens act for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub id: HolderId,
    pub account: AccountId,
    pub name: String,
    /// The person behind a member; none for a user known only by `external_id`.
    pub person: Option<PersonId>,
    pub email: Option<String>,
    pub external_id: Option<String>,
    pub metadata: Option<String>,
    /// Which role holds at which node and below. A member's own role is the one at `/`.
    pub bindings: Vec<Binding>,
    pub standing: Standing,
    /// Whether notices are mailed to this one; none: as the policy says.
    pub mail: Option<bool>,
    pub created_at: Timestamp,
    pub version: i64,
}

impl Holder {
    /// The role bound at the root, which lists and verdicts show as *the* role.
    pub fn role(&self) -> Option<RoleId> {
        self.bindings.iter().find(|binding| binding.node.is_root()).map(|binding| binding.role)
    }

    pub fn is_active(&self) -> bool {
        self.standing.inactive_since.is_none() && self.standing.removed_at.is_none()
    }
}

/// A role that holds at a node and below.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Binding {
    pub role: RoleId,
    pub node: NodePath,
}

/// What happened to a holder. Each field stops any number of tokens with one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub inactive_since: Option<Timestamp>,
    /// Tokens approved before this wait for a new approval.
    pub approve_after: Option<Timestamp>,
    /// Tokens approved at this moment or before are revoked.
    pub revoked_before: Option<Timestamp>,
    /// The member left; the row stays, because tokens and the journal name it.
    pub removed_at: Option<Timestamp>,
    /// All tokens of this holder were deleted with it.
    pub tokens_deleted_at: Option<Timestamp>,
}

/// A token, or the session that a login made. The text is not here: only its digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub id: TokenId,
    /// Counts the account's tokens; given out by the store when the token is written.
    pub number: i64,
    pub account: AccountId,
    pub holder: HolderId,
    /// Who created it: the holder, or who made it for a service account.
    pub issued_by: HolderId,
    pub name: String,
    pub description: Option<String>,
    pub metadata: Option<String>,
    pub grant: Grant,
    pub node: NodePath,
    /// May use the desk whatever `reach` says: sessions, the first token of an installation,
    /// and tokens given desk permissions by name from an administrator's session.
    pub desk: bool,
    pub life: Life,
    /// What must be true of an ask besides; few tokens have any.
    pub conditions: Conditions,
    /// What whoever revoked it, or reported it leaked, said.
    pub reason: Option<String>,
    /// SHA-256 of the whole text.
    pub digest: Digest,
    pub version: i64,
}

impl Token {
    /// When its text expires: of a login that can be refreshed, sooner than the login.
    pub fn text_expires_at(&self) -> Option<Timestamp> {
        self.life.expires_at.into_iter().chain(self.conditions.until).min()
    }
}

/// What a token was given, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Whatever the holder may do.
    Inherit,
    /// What the role allows, following its edits.
    Role(RoleId),
    /// A level of access over some entities, worked out when it was granted.
    Access { level: Level, entities: Option<Vec<String>>, set: PermissionSet },
    /// These permissions by name.
    List(PermissionSet),
}

/// full = every action, write = create and update, read = read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Full,
    Write,
    Read,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// What happened to a token, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub created_at: Timestamp,
    /// Good from here on; none means at once.
    pub not_before: Option<Timestamp>,
    /// Good until just before; none means never ends, everywhere.
    pub expires_at: Option<Timestamp>,
    /// `created_at`, or none while it waits for its first approval.
    pub approved_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// Reported as known to others. Final.
    pub leaked_at: Option<Timestamp>,
    /// The token that replaced it.
    pub rotated_to: Option<TokenId>,
    /// Good until here although it was replaced.
    pub grace_until: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
}

impl Life {
    /// A life that begins now, approved at once.
    pub fn from(now: Timestamp, expires_at: Option<Timestamp>) -> Self {
        Self {
            created_at: now,
            not_before: None,
            expires_at,
            approved_at: Some(now),
            revoked_at: None,
            leaked_at: None,
            rotated_to: None,
            grace_until: None,
            deleted_at: None,
        }
    }
}

/// A program of the product, with a key of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub id: ServiceId,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// The accounts that it may ask about; none means all.
    pub accounts: Option<Vec<AccountId>>,
    pub digest: Digest,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub version: i64,
}

/// A link that lets a member in, once. Its secret is known to whoever was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    pub account: AccountId,
    pub member: MemberId,
    pub opens: Opens,
    pub until: Timestamp,
}

/// What a link opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opens {
    /// The console at a page of the account, for somebody whom a service has before it.
    Console { service: ServiceId, place: String },
    /// A login of their own.
    Login,
    /// Another password for the person that the member was when it was made.
    Password { person: PersonId },
}

/// What a service may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Verify,
    Introspect,
    Provision,
    ActAs,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Introspect => "introspect",
            Self::Provision => "provision",
            Self::ActAs => "act_as",
        }
    }
}

/// Rows read in one snapshot of the store, with its place in the order of changes.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The last change that the snapshot contains.
    pub position: i64,
    pub accounts: Vec<Account>,
    pub holders: Vec<Holder>,
    pub tokens: Vec<Token>,
    pub services: Vec<Service>,
    /// Bits of the registry and their names.
    pub permissions: Vec<(u8, String)>,
}
