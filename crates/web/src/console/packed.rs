//! Fewer bytes for whoever takes them: style, script and long lists, with gzip (RFC 1952).
//!
//! A page is sent as it is unless it asks to be packed. How long a packed page is tells something of what
//! stands in it, also to somebody who sees only its length and can have it say words of theirs beside a
//! secret; so what shows a secret is never packed.

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The text of a page that may be packed; a part of its response for as long as nobody has decided.
#[derive(Clone)]
pub(crate) struct Packable(pub(crate) Bytes);

/// Whether the client takes gzip (RFC 9110 section 12.5.3): named, and not with the weight nought.
pub(crate) fn is_taken(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        named && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// The bytes, packed.
pub(crate) fn pack(bytes: &[u8], how: Compression) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), how);
    encoder.write_all(bytes).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail").into()
}

/// A page that may be packed, packed where that is taken.
pub(crate) fn packed(mut response: Response, taken: bool) -> Response {
    if let Some(Packable(text)) = response.extensions_mut().remove() {
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        if taken {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(pack(&text, Compression::fast()));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::http::header::ACCEPT_ENCODING;

    use super::is_taken;

    #[test]
    fn gzip_is_taken_by_whoever_names_it() {
        for (said, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0, br", false),
            ("identity", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, said.parse().unwrap());
            assert_eq!(is_taken(&headers), expected, "{said}");
        }
        assert!(!is_taken(&HeaderMap::new()));
    }
}
