//! What somebody presented as a token, parsed once at the door.

use std::fmt;

use crate::{Brand, Digest, TokenId, layout};

/// Reads what is presented as a token.
#[derive(Debug, Clone)]
pub struct Parser {
    brands: Vec<Brand>,
    foreign: bool,
}

impl Parser {
    /// Fewest and most characters of a foreign text.
    pub const FOREIGN: std::ops::RangeInclusive<usize> = 16..=255;

    /// `brands`: those whose texts must always be whole. `foreign`: whether texts of another make
    /// may be looked up too.
    pub fn new(brands: impl Into<Vec<Brand>>, foreign: bool) -> Parser {
        Parser { brands: brands.into(), foreign }
    }

    /// Tells in bounded time and without allocating whether `text` can be a token, and as which
    /// one to look it up. Nothing is hashed that is refused.
    ///
    /// A text that begins with `<brand>_<kind>_` for one of our brands must be whole down to its
    /// checksum. One of another brand is ours if it is whole: accounts choose their brand, and
    /// change it, while older tokens live. Any other text is foreign: refused, or where the
    /// server takes foreign tokens accepted when it is 16 to 255 printable ASCII characters.
    pub fn parse(&self, text: &[u8]) -> Result<Presented, Malformed> {
        for &brand in &self.brands {
            if let Some(kind) = layout::branded(text, brand) {
                let id = layout::read(text, brand, kind)?;
                let digest = Digest::of(text);
                return Ok(Presented::Ours { id, digest });
            }
        }
        if let Ok((_, id)) = layout::read_any(text) {
            return Ok(Presented::Ours { id, digest: Digest::of(text) });
        }
        if !self.foreign {
            return Err(Malformed::Foreign);
        }
        if !Parser::FOREIGN.contains(&text.len()) {
            return Err(Malformed::Length);
        }
        if !text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Malformed::Shape);
        }
        let digest = Digest::of(text);
        Ok(Presented::Foreign { digest })
    }
}

/// A text that can be a token: which one to look up. Holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// Of our own make, whole down to its checksum.
    Ours { id: TokenId, digest: Digest },
    /// Of another make; only its digest can find it.
    Foreign { digest: Digest },
}

impl Presented {
    /// What to look the token up by.
    pub fn digest(&self) -> Digest {
        match *self {
            Presented::Ours { digest, .. } | Presented::Foreign { digest } => digest,
        }
    }

    /// The public id, which only our own tokens carry in their text.
    pub fn id(&self) -> Option<TokenId> {
        match *self {
            Presented::Ours { id, .. } => Some(id),
            Presented::Foreign { .. } => None,
        }
    }
}

/// Why a text cannot be a token. Never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// Cut off, run together with something else, or far too long.
    Length,
    /// A character stands where it cannot.
    Shape,
    /// A typing error: the checksum disagrees with the rest.
    Checksum,
    /// Of another make, and this server takes only its own.
    Foreign,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::Length => "the token has the wrong length; it may have been cut off",
            Malformed::Shape => "the token contains a character that cannot stand there",
            Malformed::Checksum => "the token's checksum does not match; it may have been mistyped",
            Malformed::Foreign => "the token does not begin as this server's tokens do",
        })
    }
}

impl std::error::Error for Malformed {}
