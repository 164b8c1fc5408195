//! The query of a request, strictly: each parameter known and once, and never a token among them.
//! Addresses end up in logs, histories and `Referer` headers (RFC 6750 section 5.3).

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::json::{Misfit, Tree, shown};
use crate::problem::Problem;

/// A query read into a type of `api`. Whatever is wrong with it is a 400, and a token in it a 401.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        read(parts.uri.query().unwrap_or("")).map(Query)
    }
}

/// Reads `a=1&b=two`, as forms are encoded (WHATWG URL, application/x-www-form-urlencoded), except
/// that a badly encoded character is refused instead of kept.
pub(crate) fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = pairs(query)?;
    refuse_token(&pairs)?;
    let mut fields: Vec<(Cow<'_, str>, Tree<'_>)> = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        if fields.len() == MOST {
            return Err(Problem::bad_request("There are too many parameters."));
        }
        if fields.iter().any(|(had, _)| *had == name) {
            let name = shown(&name);
            return Err(Problem::bad_request(format!("The parameter `{name}` stands twice.")).with_error(
                name,
                "duplicate_parameter",
                "this parameter stands twice",
            ));
        }
        fields.push((name, Tree::Word(value)));
    }
    T::deserialize(Tree::Object(fields)).map_err(|misfit: Misfit| {
        let (name, wrong) = (misfit.path(), misfit.of_parameter());
        Problem::bad_request(format!("The parameter `{name}`: {wrong}.")).with_error(
            name,
            "invalid_parameter",
            wrong,
        )
    })
}

/// Reads what a form of a page sent: any fields, each once. Unlike in an address a token may stand in one;
/// whoever typed it into the wrong field is told so there.
pub(crate) fn read_form(body: &str) -> Result<BTreeMap<String, String>, Problem> {
    /// More than a form has: a box for each of 256 permissions, and the rest.
    const MOST: usize = 320;
    let mut fields = BTreeMap::new();
    for (name, value) in pairs(body)? {
        if fields.len() == MOST || fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(Problem::bad_request(
                "The form has a field twice, or too many; send it as the page does.",
            ));
        }
    }
    Ok(fields)
}

/// More than any route knows.
const MOST: usize = 64;

/// 401 for a token in the query of any route, whether it reads its query or not.
pub(crate) fn refuse_token_in(query: &str) -> Result<(), Problem> {
    match pairs(query) {
        Ok(pairs) => refuse_token(&pairs),
        // Whoever reads the query will refuse it.
        Err(_) => Ok(()),
    }
}

fn refuse_token(pairs: &[Pair<'_>]) -> Result<(), Problem> {
    let names_one = |name: &str| name == "access_token" || name == "token";
    if pairs.iter().any(|(name, value)| names_one(name) || holds_token(value) || holds_token(name)) {
        return Err(Problem::invalid_token());
    }
    Ok(())
}

/// Whether a token's text stands in there, of any brand, with a good checksum or not.
fn holds_token(text: &str) -> bool {
    matches!(token::redact(text), Cow::Owned(_))
}

/// A parameter's name and value, decoded.
type Pair<'q> = (Cow<'q, str>, Cow<'q, str>);

fn pairs(query: &str) -> Result<Vec<Pair<'_>>, Problem> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<Cow<'_, str>, Problem> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let bad = || Problem::bad_request("The query is badly percent-encoded.");
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
                u8::try_from(high * 16 + low).expect("two hexadecimal digits make a byte")
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use api::tokens::{TokenKind, TokenListQuery, TokenSort, TokenStatus};
    use axum::http::StatusCode;

    use super::{read, refuse_token_in};

    fn status_of(query: &str) -> StatusCode {
        read::<TokenListQuery>(query).unwrap_err().status()
    }

    #[test]
    fn a_query_is_read_into_its_type() {
        let query = read::<TokenListQuery>(
            "limit=20&status=active&kind=pat&q=deploy+k%C3%A9y%26&sort=-created_at&cursor=",
        );
        assert_eq!(
            query.unwrap(),
            TokenListQuery {
                limit: Some(20),
                cursor: Some(String::new()),
                status: Some(TokenStatus::Active),
                kind: Some(TokenKind::Pat),
                q: Some("deploy kéy&".into()),
                sort: Some(TokenSort::CreatedAtDescending),
                ..TokenListQuery::default()
            }
        );
        assert_eq!(read::<TokenListQuery>("").unwrap(), TokenListQuery::default());
    }

    #[test]
    fn unknown_duplicate_and_unreadable_parameters_are_400() {
        for query in [
            "page=2",
            "limit=1&limit=1",
            "limit=1&%6cimit=1",
            "limit=-1",
            "limit=99999999999999999999",
            "limit=1e3",
            "limit=",
            "status=good",
            "q=%zz",
            "q=%f",
            "q=%ff",
        ] {
            assert_eq!(status_of(query), StatusCode::BAD_REQUEST, "{query}");
        }
    }

    #[test]
    fn a_refusal_speaks_of_parameters_and_not_of_rusts_types() {
        let detail = |query: &str| {
            let problem = read::<TokenListQuery>(query).unwrap_err();
            let body: serde_json::Value = serde_json::from_slice(&problem.body("")).unwrap();
            body["detail"].as_str().unwrap().to_owned()
        };
        let unknown = detail("page=2");
        assert!(
            unknown.starts_with("The parameter `page`: there is no such parameter; there are "),
            "{unknown}"
        );
        assert_eq!(detail("limit=many"), "The parameter `limit`: expected a whole number from 0.");
    }

    #[test]
    fn a_refused_value_is_not_repeated() {
        let problem = read::<TokenListQuery>("limit=hush&status=hush").unwrap_err();
        assert!(!String::from_utf8(problem.body("")).unwrap().contains("hush"));
    }

    #[test]
    fn a_token_in_the_query_is_401_by_name_or_by_look() {
        let token = format!("jtn_pat_0123456789ab_{}", "A".repeat(32));
        for query in [
            "access_token=x".to_owned(),
            "token=x".to_owned(),
            "t%6fken=x".to_owned(),
            format!("q={token}"),
            format!("q=Bearer+{token}"),
            format!("limit=1&acme={}", token.replace("jtn", "acme").replace('_', "%5F")),
        ] {
            assert_eq!(status_of(&query), StatusCode::UNAUTHORIZED, "{query}");
            assert!(refuse_token_in(&query).is_err(), "{query}");
        }
        assert!(refuse_token_in("q=jtn_pat_0123456789ab&sort=name").is_ok());
    }
}
