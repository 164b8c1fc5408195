//! Values of the policy that are words with a meaning: who, whom, and how a token is sent.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Period;

/// Roles by name. As text `"all"`, or an array of names; an array that has `"all"` in it is `"all"`.
/// Nobody, by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleNames {
    All,
    Named(Vec<String>),
}

impl RoleNames {
    pub fn contains(&self, role: &str) -> bool {
        match self {
            RoleNames::All => true,
            RoleNames::Named(names) => names.iter().any(|name| name == role),
        }
    }
}

impl Default for RoleNames {
    fn default() -> RoleNames {
        RoleNames::Named(Vec::new())
    }
}

impl Serialize for RoleNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RoleNames::All => serializer.serialize_str("all"),
            RoleNames::Named(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RoleNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RoleNames, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected \"all\" or an array of role names")]
        enum Written {
            Word(String),
            Names(Vec<String>),
        }
        match Written::deserialize(deserializer)? {
            Written::Word(word) if word == "all" => Ok(RoleNames::All),
            Written::Word(word) => Err(D::Error::custom(format!(
                "`{word}` is not \"all\"; name roles in an array: [\"{word}\"]"
            ))),
            Written::Names(names) if names.iter().any(|name| name == "all") => Ok(RoleNames::All),
            Written::Names(names) => Ok(RoleNames::Named(names)),
        }
    }
}

/// Who is told of a token that will end: `holder`, `issuer`, `managers`, or a role by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Audience {
    Holder,
    /// Who created the token.
    Issuer,
    /// The roles of the policy's `managers`.
    Managers,
    Role(String),
}

impl From<String> for Audience {
    fn from(text: String) -> Audience {
        match text.as_str() {
            "holder" => Audience::Holder,
            "issuer" => Audience::Issuer,
            "managers" => Audience::Managers,
            _ => Audience::Role(text),
        }
    }
}

impl From<Audience> for String {
    fn from(audience: Audience) -> String {
        match audience {
            Audience::Holder => "holder".to_owned(),
            Audience::Issuer => "issuer".to_owned(),
            Audience::Managers => "managers".to_owned(),
            Audience::Role(name) => name,
        }
    }
}

/// How a token is sent. As text: `Bearer`, `Token`, `APIKey` or another word that stands before it in
/// the header `Authorization`; `Basic` where it is the user name (RFC 7617); `token:`, a header's name
/// with a colon, where that header has the bare token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: <word> <token>`; the word compares without regard to case (RFC 9110, 11.1).
    Authorization(String),
    Basic,
    /// `<name>: <token>`.
    Header(String),
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scheme::Authorization(word) => f.write_str(word),
            Scheme::Basic => f.write_str("Basic"),
            Scheme::Header(name) => write!(f, "{name}:"),
        }
    }
}

impl std::str::FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(text: &str) -> Result<Scheme, SchemeError> {
        let name = text.strip_suffix(':').unwrap_or(text);
        // A token in the sense of RFC 9110, section 5.6.2.
        let is_word = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        if !is_word {
            return Err(SchemeError(text.to_owned()));
        }
        Ok(if name.len() < text.len() {
            Scheme::Header(name.to_owned())
        } else if name.eq_ignore_ascii_case("basic") {
            Scheme::Basic
        } else {
            Scheme::Authorization(name.to_owned())
        })
    }
}

/// The text names no way to send a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no way to send a token; expected a word such as `Bearer`, `Basic`, or a header such as `x-token:`"
)]
pub struct SchemeError(String);

impl Serialize for Scheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scheme, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// TOML has no null, so `"never"` says that there is no period.
pub(super) fn period_or_never<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Period>, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None | Some("never") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(D::Error::custom),
    }
}
