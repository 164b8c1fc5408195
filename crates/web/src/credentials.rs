//! The one credential of a request: `Authorization: Bearer <token>`, RFC 6750 section 2.1.
//!
//! Whose it is and whether it is good is decided elsewhere; here it is only found. It is never
//! logged and does not print.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::problem::Problem;

/// What stood after `Bearer`, as it came: parse it with `token::Parser`.
#[derive(Clone, Copy)]
pub struct Bearer<'a>(&'a [u8]);

impl<'a> Bearer<'a> {
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The bearer of a request, if it brought one.
///
/// `None` without the header, and for another scheme than Bearer, which we do not know. Two such
/// headers are a 400 (RFC 6750 section 3.1, `invalid_request`), whichever schemes they have.
pub fn bearer(headers: &HeaderMap) -> Result<Option<Bearer<'_>>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::bad_request("Send one `Authorization` header."));
    }
    let value = value.as_bytes();
    let scheme_ends = value.iter().position(|&byte| byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(scheme_ends);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    Ok(Some(Bearer(rest.trim_ascii_start())))
}

/// The same for a route whose form may bring a credential too (RFC 6750 section 2.2). One in each
/// place is a 400: a client that sends two does not know who it is.
pub fn bearer_or_form<'a>(
    headers: &'a HeaderMap,
    form: Option<&'a str>,
) -> Result<Option<Bearer<'a>>, Problem> {
    match (bearer(headers)?, form) {
        (Some(_), Some(_)) => {
            Err(Problem::bad_request("Send the credential in the header or in the form, not in both."))
        }
        (Some(bearer), None) => Ok(Some(bearer)),
        (None, form) => Ok(form.map(|text| Bearer(text.as_bytes()))),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::http::header::AUTHORIZATION;

    use super::{bearer, bearer_or_form};

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_the_rest_as_it_came() {
        for value in ["Bearer abc", "bearer abc", "BEARER  abc"] {
            assert_eq!(bearer(&headers(&[value])).unwrap().unwrap().as_bytes(), b"abc", "{value}");
        }
        assert_eq!(bearer(&headers(&["Bearer a b"])).unwrap().unwrap().as_bytes(), b"a b");
        assert_eq!(bearer(&headers(&["Bearer"])).unwrap().unwrap().as_bytes(), b"");
    }

    #[test]
    fn another_scheme_is_no_credential() {
        for value in ["Basic YTpi", "Bearerabc", "Token abc"] {
            assert!(bearer(&headers(&[value])).unwrap().is_none(), "{value}");
        }
        assert!(bearer(&headers(&[])).unwrap().is_none());
    }

    #[test]
    fn two_credentials_are_refused_wherever_they_stand() {
        assert!(bearer(&headers(&["Bearer a", "Bearer a"])).is_err());
        assert!(bearer(&headers(&["Bearer a", "Basic b"])).is_err());
        assert!(bearer_or_form(&headers(&["Bearer a"]), Some("a")).is_err());
        assert_eq!(bearer_or_form(&headers(&[]), Some("a")).unwrap().unwrap().as_bytes(), b"a");
    }

    #[test]
    fn a_bearer_does_not_print() {
        assert_eq!(format!("{:?}", bearer(&headers(&["Bearer abc"])).unwrap()), "Some(…)");
    }
}
