//! The name of one request: in the log, in the answer's `X-Request-Id` and in each problem.
//!
//! A caller may bring one, so that it finds its request in both logs. It is a label and proves
//! nothing; two requests may bear the same.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use token::Entropy;

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// 1 to 64 characters of `[A-Za-z0-9_-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    fn accept(value: &HeaderValue) -> Option<RequestId> {
        let text = value.as_bytes();
        let usable = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-';
        ((1..=64).contains(&text.len()) && text.iter().all(usable)).then(|| RequestId(value.clone()))
    }

    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("letters, digits, `_` and `-` are ASCII")
    }

    /// The id as the log of requests may have it. One that a caller brought can be anything, also a
    /// password in the wrong header; hexadecimal digits and hyphens (ours, UUIDs, trace ids) hardly are.
    pub(crate) fn logged(&self) -> &str {
        let id = self.as_str();
        let made = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if made { id } else { "(brought by the caller)" }
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Makes the ids of this process. They need to be different, not secret, so one draw is enough for
/// all of them; a draw for each request would be a system call for each.
pub(crate) struct RequestIds {
    /// Tells this process from others.
    process: u32,
    /// Odd, so that multiplying by it visits every number once before any comes again; and unknown
    /// to callers, who would otherwise read off how many requests there are.
    stride: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(entropy: &dyn Entropy) -> RequestIds {
        let (mut process, mut stride, mut next) = ([0; 4], [0; 8], [0; 8]);
        entropy.fill(&mut process);
        entropy.fill(&mut stride);
        entropy.fill(&mut next);
        RequestIds {
            process: u32::from_be_bytes(process),
            stride: u64::from_be_bytes(stride) | 1,
            next: AtomicU64::new(u64::from_be_bytes(next)),
        }
    }

    /// The caller's, if it sent exactly one that can be used, or a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        let mut brought = headers.get_all(&X_REQUEST_ID).iter();
        match (brought.next().and_then(RequestId::accept), brought.next()) {
            (Some(id), None) => id,
            _ => self.make(),
        }
    }

    /// 24 hexadecimal digits.
    fn make(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(self.stride);
        let text = format!("{:08x}{number:016x}", self.process);
        RequestId(HeaderValue::try_from(text).expect("hexadecimal digits make a header value"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The id of the request at hand; empty where no layer gave it one.
impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestId, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or(RequestId(HeaderValue::from_static(""))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use axum::http::HeaderMap;
    use token::SystemEntropy;

    use super::{RequestIds, X_REQUEST_ID};

    fn id_for(ids: &RequestIds, brought: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in brought {
            headers.append(X_REQUEST_ID, value.parse().unwrap());
        }
        ids.of(&headers).to_string()
    }

    #[test]
    fn a_usable_id_of_the_caller_is_kept() {
        let ids = RequestIds::new(&SystemEntropy);
        assert_eq!(id_for(&ids, &["Trace_7-b"]), "Trace_7-b");
        assert_eq!(id_for(&ids, &[&"a".repeat(64)]), "a".repeat(64));
    }

    #[test]
    fn a_missing_second_or_unusable_id_is_replaced() {
        let ids = RequestIds::new(&SystemEntropy);
        for brought in [&[][..], &["one", "two"], &[""], &["a b"], &["a\"b"], &["é"], &[&"a".repeat(65)]] {
            let id = id_for(&ids, brought);
            assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{brought:?}: {id}");
        }
    }

    #[test]
    fn no_two_requests_are_given_the_same_id() {
        let (ids, others) = (RequestIds::new(&SystemEntropy), RequestIds::new(&SystemEntropy));
        let made: HashSet<_> = (0..10_000).flat_map(|_| [id_for(&ids, &[]), id_for(&others, &[])]).collect();
        assert_eq!(made.len(), 20_000);
    }
}
