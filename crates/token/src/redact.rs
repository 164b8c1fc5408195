//! Finding tokens inside longer texts: the scanner's pattern, and the redaction for logs.

use std::borrow::Cow;

use crate::{Brand, Kind, crockford, layout};

/// The regular expression secret scanners search a repository or a log for.
pub fn pattern(brand: Brand) -> String {
    let kinds = Kind::ALL.map(Kind::as_str).join("|");
    format!(r"\b{brand}_({kinds})_[0-9a-hjkmnp-tv-z]{{12}}_[0-9A-Za-z]{{32}}\b")
}

/// Replaces the secret of every token in a longer text, a log line for example, by `…`.
///
/// Of `jtn_pat_<id>_<secret><crc>` stays `jtn_pat_<id>_…`, for any brand and without asking the
/// checksum. It errs on the side of hiding: a secret cut short, run on, or glued to other
/// letters goes to the end of its word, and where the id is misspelt the id goes with it.
pub fn redact(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut redacted = String::new();
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        match secret_after(bytes, at) {
            Some((start, end)) => {
                redacted.push_str(&text[kept..start]);
                redacted.push('…');
                kept = end;
                at = end;
            }
            None => at += 1,
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    redacted.push_str(&text[kept..]);
    Cow::Owned(redacted)
}

/// From where to where to hide, if `_<kind>_` stands at `at` and something secret follows it.
///
/// The end is that of the word, underscores included, so that nothing that overlaps this match
/// can survive it. Both ends lie beside ASCII, so they are boundaries of characters.
fn secret_after(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    layout::leading_kind(&bytes[at..])?;
    let start = at + layout::KIND;
    let rest = &bytes[start..];
    let length =
        rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(rest.len());
    let word = &rest[..length];

    let code = word.iter().take_while(|&&byte| crockford::is_digit(byte)).count();
    let after_id = crockford::LEN + 1;
    if code == crockford::LEN && word.get(code) == Some(&b'_') && word.len() > after_id {
        return Some((start + after_id, start + length));
    }
    // With a misspelt id this is no token of ours, but nearly one, and its secret is a secret.
    let secret = |part: &[u8]| part.len() >= layout::SECRET;
    word.split(|&byte| byte == b'_').any(secret).then_some((start, start + length))
}
