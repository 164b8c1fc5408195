//! The digest a token is kept and looked up by.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of a token's whole text: what is kept instead of it.
///
/// Compares in constant time and does not print. A plain hash is enough, without salt or
/// stretching, because what it hides has 154 random bits.
#[derive(Clone, Copy)]
pub struct Digest([u8; Digest::LEN]);

impl Digest {
    /// Bytes of a digest.
    pub const LEN: usize = 32;

    /// The digest of a whole text.
    pub fn of(text: &[u8]) -> Digest {
        Digest(Sha256::digest(text).into())
    }

    pub const fn from_bytes(bytes: [u8; Digest::LEN]) -> Digest {
        Digest(bytes)
    }

    /// For the row and the query; never for a log.
    pub const fn as_bytes(&self) -> &[u8; Digest::LEN] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Digest) -> bool {
        // Four words rather than 32 bytes: as constant in time, and this runs at each verification.
        let word = |bytes: &[u8; Digest::LEN], at: usize| {
            u64::from_le_bytes(std::array::from_fn(|byte| bytes[at * 8 + byte]))
        };
        let apart = (0..4).fold(0, |apart, at| apart | (word(&self.0, at) ^ word(&other.0, at)));
        apart.ct_eq(&0).into()
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}
