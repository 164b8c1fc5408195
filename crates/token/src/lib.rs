//! The text of a token: `<brand>_<kind>_<id>_<secret><crc>`.
//!
//! What lives here: the kinds and the public id, drawing a secret, the checksum, the digest a
//! token is looked up by, the pattern a secret scanner searches for, and the redaction for logs.
//! What never will: accounts, holders, time, storage. Whether a token is *good* is `domain`'s
//! business; this crate only knows whether a text can be one.
//!
//! Start with [`TokenText::issue`] for the way out and [`Parser::parse`] for the way in.

#![forbid(unsafe_code)]

mod base62;
mod brand;
mod checksum;
mod crockford;
mod digest;
mod entropy;
mod id;
mod kind;
mod layout;
mod parse;
mod redact;
mod text;

pub use brand::{Brand, NotABrand};
pub use digest::Digest;
pub use entropy::{Entropy, SystemEntropy};
pub use id::{Code, NotAnId, TokenId};
pub use kind::{Kind, NotAKind};
pub use parse::{Malformed, Parser, Presented};
pub use redact::{pattern, redact};
pub use text::TokenText;
