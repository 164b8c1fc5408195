//! Where the parts of a token stand: `<brand>_<kind>_<id>_<secret><crc>`.
//!
//! The one place that knows the order and the lengths; issuing, parsing and redacting ask here.

use crate::{Brand, Code, Kind, Malformed, TokenId, base62, checksum, crockford};

/// Characters of the secret, 154 bits; OWASP ASVS 5.0 asks for 128.
pub(crate) const SECRET: usize = 26;

/// `_<kind>_`.
pub(crate) const KIND: usize = 5;

/// What follows the brand: `_<kind>_<id>_<secret><crc>`.
pub(crate) const AFTER_BRAND: usize = KIND + crockford::LEN + 1 + SECRET + checksum::LEN;

/// The longest token there is: one SHA-256 block less its padding.
pub(crate) const LONGEST: usize = Brand::MAX + AFTER_BRAND;
const _: () = assert!(LONGEST == 55);

/// The kind, where `text` begins with `_<kind>_`.
pub(crate) fn leading_kind(text: &[u8]) -> Option<Kind> {
    match text {
        [b'_', a, b, c, b'_', ..] => Kind::from_bytes(&[*a, *b, *c]),
        _ => None,
    }
}

/// The kind, where `text` begins with `<brand>_<kind>_`.
pub(crate) fn branded(text: &[u8], brand: Brand) -> Option<Kind> {
    leading_kind(text.strip_prefix(brand.as_bytes())?)
}

/// Reads a whole token of whatever brand.
pub(crate) fn read_any(text: &[u8]) -> Result<(Brand, TokenId), Malformed> {
    let end = text.iter().take(Brand::MAX + 1).position(|&byte| byte == b'_').ok_or(Malformed::Shape)?;
    let brand = Brand::from_bytes(&text[..end]).ok_or(Malformed::Shape)?;
    let kind = branded(text, brand).ok_or(Malformed::Shape)?;
    Ok((brand, read(text, brand, kind)?))
}

/// Checks a text that begins with `<brand>_<kind>_` to its end, and returns its id.
pub(crate) fn read(text: &[u8], brand: Brand, kind: Kind) -> Result<TokenId, Malformed> {
    let start = brand.as_bytes().len();
    if text.len() != start + AFTER_BRAND {
        return Err(Malformed::Length);
    }
    let (code, rest) = text[start + KIND..].split_at(crockford::LEN);
    let code = Code::from_bytes(code).ok_or(Malformed::Shape)?;
    let digits = rest.strip_prefix(b"_").ok_or(Malformed::Shape)?;
    if !digits.iter().all(|&byte| base62::is_digit(byte)) {
        return Err(Malformed::Shape);
    }
    let (body, crc) = text.split_at(text.len() - checksum::LEN);
    if checksum::of(body) != crc {
        return Err(Malformed::Checksum);
    }
    Ok(TokenId { kind, code })
}
