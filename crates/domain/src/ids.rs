//! The names of things: a prefix and twelve Crockford characters, or a slug.
//!
//! An id is parsed once, at the door; what is not of its form is [`NotAnId`], and the door
//! answers as if the thing did not exist.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use token::{Code, Entropy};

use crate::refusal::Refusal;
use crate::text;

/// Text that is not an id of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct NotAnId;

/// Serialises an id as the text that it shows.
macro_rules! as_text {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Code);

        impl $name {
            pub fn draw(entropy: &dyn Entropy) -> Self {
                Self(Code::draw(entropy))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let code = text.strip_prefix(concat!($prefix, "_")).ok_or(NotAnId)?;
                code.parse().map(Self).map_err(|_| NotAnId)
            }
        }
        as_text!($name);
    )*};
}

ids! {
    /// Somebody who can sign in.
    PersonId = "per";
    /// A person, or a user of the product, in one account.
    MemberId = "mem";
    /// A holder of tokens that is nobody in particular.
    ServiceAccountId = "sac";
    /// A named set of permissions in one account.
    RoleId = "rol";
    /// A customer's running copy of the product.
    InstallationId = "ins";
    /// A program of the product that asks jeton.
    ServiceId = "svc";
    /// A mail to one member.
    LetterId = "let";
    /// Where an account's journal is told to somebody else's program.
    WebhookId = "whk";
}

/// Who a token acts for: a member or a service account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HolderId {
    Member(MemberId),
    ServiceAccount(ServiceAccountId),
}

impl HolderId {
    pub fn code(self) -> Code {
        match self {
            Self::Member(id) => id.0,
            Self::ServiceAccount(id) => id.0,
        }
    }

    /// `member` or `service_account`, as the API says it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Member(_) => "member",
            Self::ServiceAccount(_) => "service_account",
        }
    }
}

impl fmt::Display for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => id.fmt(f),
            Self::ServiceAccount(id) => id.fmt(f),
        }
    }
}

impl FromStr for HolderId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if text.starts_with("mem_") {
            text.parse().map(Self::Member)
        } else {
            text.parse().map(Self::ServiceAccount)
        }
    }
}

as_text!(HolderId);

/// An account's immutable slug, `[a-z0-9-]{2,40}`. Cheap to clone. `by-external-id` is none: in the
/// place of an account's id it says that the product's own name follows.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// Characters at most.
    pub const MOST: usize = 40;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let slug = (2..=AccountId::MOST).contains(&text.len())
            && text != "by-external-id"
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        slug.then(|| Self(text.into())).ok_or(NotAnId)
    }
}

as_text!(AccountId);

/// What the product calls one of its accounts or users: 1 to 255 characters, in NFC, compared as
/// they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalId(String);

impl ExternalId {
    /// Characters at most.
    pub const MOST: usize = 255;

    /// # Errors
    /// Text that nobody could read aloud is refused; see [`text::name`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        text::name("external_id", text, Self::MOST).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_is_shown_and_no_other_kind_accepts_it() {
        let id: MemberId = "mem_0123456789ab".parse().unwrap();
        assert_eq!(id.to_string(), "mem_0123456789ab");
        assert_eq!("mem_0123456789ab".parse::<RoleId>(), Err(NotAnId));
        assert_eq!("mem_0123456789AB".parse::<MemberId>(), Err(NotAnId));
        assert_eq!("mem_0123456789a".parse::<HolderId>(), Err(NotAnId));
        assert_eq!("sac_0123456789ab".parse::<HolderId>().unwrap().kind(), "service_account");
    }

    #[test]
    fn an_account_id_is_a_slug_of_2_to_40_characters() {
        for good in ["acme", "a1", "my-org-2"] {
            assert_eq!(good.parse::<AccountId>().unwrap().as_str(), good);
        }
        for bad in ["", "a", "Acme", "a_b", "a b", "é2", "by-external-id", &"x".repeat(41)] {
            assert_eq!(bad.parse::<AccountId>(), Err(NotAnId), "{bad}");
        }
    }
}
