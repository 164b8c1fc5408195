//! What lists are asked by, and what is read besides the facts.

use std::str::FromStr;

use domain::facts::Token;
use domain::grant::Grant;
use domain::ids::{AccountId, HolderId, RoleId};
use domain::life::{Lens, Life, State};
use domain::node::NodePath;
use domain::time::Timestamp;
use domain::usage::Count;
use serde::{Deserialize, Serialize};
use token::{Digest, Kind, TokenId};

/// Which tokens of an account, in what order. Several filters must all hold.
#[derive(Clone, Debug)]
pub struct TokenQuery {
    pub holder: Option<HolderId>,
    pub issued_by: Option<HolderId>,
    /// At this node, which is not the root, or below.
    pub node: Option<NodePath>,
    /// Tokens that were given this role.
    pub role: Option<RoleId>,
    /// The states as `lens` shows them; empty: all.
    pub states: Vec<State>,
    /// Empty: all.
    pub kinds: Vec<Kind>,
    /// A part of the name or of the id, letter case of ASCII apart.
    pub text: Option<String>,
    pub sort: Sort,
    pub descending: bool,
    /// Only what comes after this place in the order.
    pub after: Option<After>,
    pub limit: usize,
    pub lens: Lens,
}

impl TokenQuery {
    /// Every token, newest first.
    pub fn all(lens: Lens, limit: usize) -> Self {
        Self {
            holder: None,
            issued_by: None,
            node: None,
            role: None,
            states: Vec::new(),
            kinds: Vec::new(),
            text: None,
            sort: Sort::CreatedAt,
            descending: true,
            after: None,
            limit,
            lens,
        }
    }
}

/// What a list is in order of; the id decides between equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// By the bytes of the UTF-8 text.
    Name,
    /// What never expires comes after everything that does.
    ExpiresAt,
    CreatedAt,
    /// What was never used comes before everything that was.
    LastUsedAt,
    Id,
}

/// A place in a list: the sorted value of the last row shown, and its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    pub value: Place,
    #[serde(with = "id_as_text")]
    pub id: TokenId,
}

impl After {
    /// The place of a row in a list of that order.
    pub fn row(sort: Sort, token: &Token, last: &LastUse) -> Self {
        let value = match sort {
            Sort::Name => Place::Text(token.name.clone()),
            Sort::ExpiresAt => Place::Time(token.life.expires_at.map_or(i64::MAX, Timestamp::as_micros)),
            Sort::CreatedAt => Place::Time(token.life.created_at.as_micros()),
            Sort::LastUsedAt => Place::Time(last.at.map_or(i64::MIN, Timestamp::as_micros)),
            Sort::Id => Place::Text(token.id.to_string()),
        };
        Self { value, id: token.id }
    }
}

/// A value that a list is in order of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Text(String),
    /// Microseconds; the ends of the range stand for never.
    Time(i64),
}

mod id_as_text {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &TokenId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TokenId, D::Error> {
        TokenId::from_str(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// When a token was last admitted, and from what address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastUse {
    /// None: not used yet.
    pub at: Option<Timestamp>,
    pub address: Option<String>,
}

/// A token as whoever answers lists from memory keeps it: what filters and orders look at.
#[derive(Clone, Debug)]
pub struct Roll {
    pub account: AccountId,
    pub id: TokenId,
    pub holder: HolderId,
    pub issued_by: HolderId,
    pub name: String,
    pub grant: Grant,
    pub node: NodePath,
    pub desk: bool,
    pub life: Life,
    pub version: i64,
}

impl From<&Token> for Roll {
    fn from(token: &Token) -> Self {
        Self {
            account: token.account.clone(),
            id: token.id,
            holder: token.holder,
            issued_by: token.issued_by,
            name: token.name.clone(),
            grant: token.grant.clone(),
            node: token.node.clone(),
            desk: token.desk,
            life: token.life,
            version: token.version,
        }
    }
}

/// Which holders of an account; in the order of their ids.
#[derive(Clone, Copy, Debug)]
pub struct HolderQuery {
    /// None: both.
    pub kind: Option<HolderKind>,
    pub after: Option<HolderId>,
    pub limit: usize,
    pub include_removed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HolderKind {
    Member,
    ServiceAccount,
}

/// How a token was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageReport {
    pub last: LastUse,
    /// By day, then all before addresses before services, each by name.
    pub counts: Vec<Count>,
}

/// An imported token that a text of another make may be of.
#[derive(Clone, Debug)]
pub struct ForeignToken {
    /// What stands in its row instead of our digest.
    pub mark: Digest,
    pub make: i64,
    /// The hash that decides; none where finding it was enough.
    pub phc: Option<String>,
    pub account: AccountId,
    pub token: TokenId,
}

/// Where a bulk load goes on: after the token with this number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    pub(crate) account: String,
    pub(crate) number: i64,
}
