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
        let end = at + bytes[at..].iter().take_while(|&&byte| is_word(byte)).count();
        if let Some(secret) = secret_in(&bytes[at..end]) {
            // Both ends lie beside ASCII, so they are boundaries of characters.
            redacted.push_str(&text[kept..at + secret]);
            redacted.push('…');
            kept = end;
        }
        at = end + 1;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    redacted.push_str(&text[kept..]);
    Cow::Owned(redacted)
}

/// What a regular expression's `\b` takes for part of a word, in ASCII.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// From where to hide a word, if there is anything secret in it.
///
/// Everything to its end goes, so that no second token that overlaps the first can survive. One
/// pass over the word, however many kinds it names, because whoever calls us chose its text.
fn secret_in(word: &[u8]) -> Option<usize> {
    let last_long = last_long_part(word);
    (0..word.len()).find_map(|at| {
        layout::leading_kind(&word[at..])?;
        let code = at + layout::KIND;
        let secret = code + crockford::LEN + 1;
        match word.get(code..secret) {
            Some([id @ .., b'_']) if id.iter().all(|&byte| crockford::is_digit(byte)) => {
                (secret < word.len()).then_some(secret)
            }
            // With a misspelt id this is no token of ours, but nearly one, and its secret is one.
            _ => (last_long? >= code).then_some(code),
        }
    })
}

/// Where the word's last part between underscores begins that is long enough for a secret.
fn last_long_part(word: &[u8]) -> Option<usize> {
    let mut start = 0;
    let mut last = None;
    for part in word.split(|&byte| byte == b'_') {
        if part.len() >= layout::SECRET {
            last = Some(start);
        }
        start += part.len() + 1;
    }
    last
}
