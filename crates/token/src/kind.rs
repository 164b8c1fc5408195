//! What sort of token a text is.

use std::fmt;
use std::str::FromStr;

/// What sort of token a text is; it stands readably in the text and in the public id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Held by a member.
    Pat,
    /// Held by a service account.
    Sat,
    /// Made by a login.
    Ses,
    /// Refreshes a login.
    Rft,
    /// A service's key.
    Svc,
}

impl Kind {
    /// Every kind, in the order of the scanner pattern.
    pub const ALL: [Kind; 5] = [Kind::Pat, Kind::Sat, Kind::Ses, Kind::Rft, Kind::Svc];

    /// The three letters that stand in the text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Pat => "pat",
            Kind::Sat => "sat",
            Kind::Ses => "ses",
            Kind::Rft => "rft",
            Kind::Svc => "svc",
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str().as_bytes() == bytes)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Kind, NotAKind> {
        Kind::from_bytes(text.as_bytes()).ok_or(NotAKind)
    }
}

/// The text names no kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAKind;

impl fmt::Display for NotAKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token's kind is one of pat, sat, ses, rft, svc")
    }
}

impl std::error::Error for NotAKind {}
