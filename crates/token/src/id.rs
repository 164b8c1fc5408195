//! The public half of a token: `pat_<12>`, safe to log, to list and to search for.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::{Entropy, Kind, crockford};

/// A token's public id: kind and code, in text `pat_<12>`.
///
/// It stands verbatim in the token's text. The code alone is unique across kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId {
    pub kind: Kind,
    pub code: Code,
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.kind, self.code)
    }
}

impl FromStr for TokenId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<TokenId, NotAnId> {
        let (kind, code) = text.split_once('_').ok_or(NotAnId)?;
        Ok(TokenId { kind: kind.parse().map_err(|_| NotAnId)?, code: code.parse()? })
    }
}

/// 12 characters of lower-case Crockford base32: 60 random bits, never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(NonZeroU64);

impl Code {
    const BITS: u32 = 60;

    /// Draws a code. Whoever stores it draws again where it is taken.
    pub fn draw(entropy: &dyn Entropy) -> Code {
        loop {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes);
            let drawn = u64::from_be_bytes(bytes) >> (u64::BITS - Code::BITS);
            if let Some(code) = Code::from_u64(drawn) {
                return code;
            }
        }
    }

    /// The number behind the characters, below 2^60; it fits an SQL `BIGINT`.
    pub const fn as_u64(self) -> u64 {
        self.0.get()
    }

    /// None for zero and for 2^60 and above.
    pub fn from_u64(number: u64) -> Option<Code> {
        if number >> Code::BITS != 0 {
            return None;
        }
        NonZeroU64::new(number).map(Code)
    }

    pub(crate) fn from_bytes(text: &[u8]) -> Option<Code> {
        let text = <&[u8; crockford::LEN]>::try_from(text).ok()?;
        Code::from_u64(crockford::decode(text)?)
    }

    pub(crate) fn to_bytes(self) -> [u8; crockford::LEN] {
        crockford::encode(self.as_u64())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_bytes()).expect("the alphabet is ASCII"))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
}

impl FromStr for Code {
    type Err = NotAnId;

    /// Exact: lower case only, none of Crockford's look-alikes, so that one code has one text.
    fn from_str(text: &str) -> Result<Code, NotAnId> {
        Code::from_bytes(text.as_bytes()).ok_or(NotAnId)
    }
}

/// The text is no token's public id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token's id is its kind, an underscore and 12 characters of 0-9a-hjkmnp-tv-z")
    }
}

impl std::error::Error for NotAnId {}
