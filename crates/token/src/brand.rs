//! The letters every token of a server begins with.

use std::fmt;
use std::str::FromStr;

/// The letters every token of a server begins with: `[a-z][a-z0-9]{1,4}`, `jtn` by default.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Brand {
    /// Padded with zeros, which no brand contains.
    bytes: [u8; Brand::MAX],
    len: u8,
}

impl Brand {
    /// Fewest and most characters of a brand.
    pub(crate) const MIN: usize = 2;
    pub(crate) const MAX: usize = 5;

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("a brand is ASCII, checked when it was made")
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    pub(crate) fn from_bytes(text: &[u8]) -> Option<Brand> {
        let (first, rest) = text.split_first()?;
        let shaped = (Brand::MIN..=Brand::MAX).contains(&text.len())
            && first.is_ascii_lowercase()
            && rest.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        shaped.then(|| {
            let mut bytes = [0; Brand::MAX];
            bytes[..text.len()].copy_from_slice(text);
            Brand { bytes, len: text.len() as u8 }
        })
    }
}

impl Default for Brand {
    fn default() -> Brand {
        Brand { bytes: *b"jtn\0\0", len: 3 }
    }
}

impl FromStr for Brand {
    type Err = NotABrand;

    fn from_str(text: &str) -> Result<Brand, NotABrand> {
        Brand::from_bytes(text.as_bytes()).ok_or(NotABrand)
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Brand({self})")
    }
}

/// The text cannot be a brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotABrand;

impl fmt::Display for NotABrand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a brand is 2 to 5 lower-case letters and digits, a letter first")
    }
}

impl std::error::Error for NotABrand {}
