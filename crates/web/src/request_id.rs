//! The name of one request: in the log, in the answer's `X-Request-Id` and in each problem.
//!
//! A caller may bring one, so that it finds its request in both logs. It is a label and proves
//! nothing; two requests may bear the same.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use token::Entropy;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// 1 to 64 characters of `[A-Za-z0-9_-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The caller's, if it sent exactly one that can be used, or a new one.
    pub(crate) fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> RequestId {
        let mut brought = headers.get_all(&X_REQUEST_ID).iter();
        match (brought.next().and_then(|value| Self::accept(value.as_bytes())), brought.next()) {
            (Some(id), None) => id,
            _ => Self::draw(entropy),
        }
    }

    fn accept(text: &[u8]) -> Option<RequestId> {
        let usable = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-';
        if !(1..=64).contains(&text.len()) || !text.iter().all(usable) {
            return None;
        }
        std::str::from_utf8(text).ok().map(|text| RequestId(text.into()))
    }

    /// 96 random bits in 24 hexadecimal digits.
    fn draw(entropy: &dyn Entropy) -> RequestId {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bits = [0; 12];
        entropy.fill(&mut bits);
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
        RequestId(
            bits.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<String>().into(),
        )
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("letters, digits, `_` and `-` make a header value")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of the request at hand; empty where no layer gave it one.
impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestId, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| RequestId("".into())))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use token::Entropy;

    use super::{RequestId, X_REQUEST_ID};

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0x7a);
        }
    }

    const DRAWN: &str = "7a7a7a7a7a7a7a7a7a7a7a7a";

    fn id_for(brought: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in brought {
            headers.append(X_REQUEST_ID, value.parse().unwrap());
        }
        RequestId::of(&headers, &Sevens).as_str().to_owned()
    }

    #[test]
    fn a_usable_id_of_the_caller_is_kept() {
        assert_eq!(id_for(&["Trace_7-b"]), "Trace_7-b");
        assert_eq!(id_for(&[&"a".repeat(64)]), "a".repeat(64));
    }

    #[test]
    fn a_missing_second_or_unusable_id_is_replaced() {
        for brought in [&[][..], &["one", "two"], &[""], &["a b"], &["a\"b"], &[&"a".repeat(65)]] {
            assert_eq!(id_for(brought), DRAWN, "{brought:?}");
        }
    }
}
