//! JSON in and out, strictly: one way to read a body, and a refusal that says where it is wrong.
//!
//! A body that cannot be read as JSON, or that has a field nobody knows or a field twice, is a 400.
//! One that can be read and does not fit (a field missing, a number where text belongs) is a 422, as
//! is everything that a handler refuses later.

mod reader;
mod tree;

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};
use crate::server::BodyTimedOut;

pub(crate) use reader::{Kind, Misfit};
pub(crate) use tree::Tree;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The largest body of a route that takes a thousand items, in bytes: each may have 4 KiB of metadata,
/// and names in any letters.
pub const MAX_BATCH: usize = 8 * 1024 * 1024;

/// A JSON body, of a request or of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// A JSON body that may be absent and is then `T::default()`.
#[derive(Clone, Copy, Debug)]
pub struct EmptyOrJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Json<T>, Problem> {
        check_headers(request.headers())?;
        let body = collect(request).await?;
        from_slice(&body).map(Json)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for EmptyOrJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<EmptyOrJson<T>, Problem> {
        check_encoding(request.headers())?;
        let type_of_body = check_type(request.headers());
        let body = collect(request).await?;
        if body.is_empty() {
            return Ok(EmptyOrJson(T::default()));
        }
        type_of_body?;
        from_slice(&body).map(EmptyOrJson)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, JSON)], body).into_response(),
            Err(error) => {
                tracing::error!(%error, "could not write an answer as JSON");
                Problem::internal().into_response()
            }
        }
    }
}

/// Reads a body that has arrived. What [`Json`] does after the headers, for routes that are not
/// axum's.
pub fn from_slice<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text =
        std::str::from_utf8(body).map_err(|_| Problem::bad_request("The body is not text in UTF-8."))?;
    let tree = tree::parse(text).map_err(|fault| match fault {
        tree::Fault::Syntax(reason) => Problem::bad_request(format!("The body is not JSON: {reason}.")),
        tree::Fault::DuplicateKey(key) => {
            let key = shown(&key);
            Problem::bad_request(format!("The field `{key}` stands twice in one object.")).with_error(
                key,
                "duplicate_field",
                "this field stands twice in one object",
            )
        }
        tree::Fault::TooDeep => {
            Problem::bad_request(format!("The body is nested more than {} deep.", tree::MAX_DEPTH))
        }
        tree::Fault::TooMany => Problem::new(
            Code::InvalidField,
            format!("The body has more than {} values; send it in parts.", tree::MAX_VALUES),
        ),
    })?;
    T::deserialize(tree).map_err(|misfit| refuse(&misfit, "body"))
}

/// `whole` names what was read, for a misfit that is not inside it.
fn refuse(misfit: &Misfit, whole: &str) -> Problem {
    let path = misfit.path();
    let (code, error) = match misfit.kind {
        Kind::UnknownField { .. } => (Code::BadRequest, "unknown_field"),
        Kind::Missing => (Code::InvalidField, "missing_field"),
        Kind::Expected(_) => (Code::InvalidField, Code::InvalidField.as_str()),
    };
    if path.is_empty() {
        return Problem::new(code, format!("The {whole}: {misfit}."));
    }
    Problem::new(code, format!("The field `{path}`: {misfit}.")).with_error(path, error, misfit.to_string())
}

/// The name of a field as it may be shown to its sender and in logs: short, and without a secret
/// that was put in its place.
pub(crate) fn shown(key: &str) -> String {
    const MOST: usize = 64;
    let key: Cow<'_, str> = token::redact(key);
    if key.chars().count() <= MOST {
        return key.into_owned();
    }
    key.chars().take(MOST).chain(['…']).collect()
}

pub(crate) fn check_headers(headers: &HeaderMap) -> Result<(), Problem> {
    check_encoding(headers)?;
    check_type(headers)
}

pub(crate) fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    if headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "Send the body without a content encoding."))
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match (types.next().and_then(|value| value.to_str().ok()), types.next()) {
        (Some(value), None) if is_json(value) => Ok(()),
        _ => Err(Problem::new(Code::UnsupportedMediaType, "Send the body as `application/json`.")),
    }
}

/// `application/json`, with no parameter but `charset=utf-8`, which has no meaning there
/// (RFC 8259 section 11) and which many clients send.
fn is_json(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| {
            parameter.eq_ignore_ascii_case("charset=utf-8")
                || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
        })
}

/// The whole body, at most [`MAX_BODY`], refused by its announced length before it is read.
pub(crate) async fn collect(request: Request) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    collect_body(&parts.headers, body, MAX_BODY).await
}

/// The same for whoever has taken the request apart, with at most so many bytes.
pub(crate) async fn collect_body(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("A body has at most {most} bytes here."));
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > most as u64) {
        return Err(too_large());
    }
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(error) if caused_by_timeout(error.as_ref()) => {
            Err(Problem::new(Code::RequestTimeout, "The body took too long to arrive."))
        }
        Err(_) => Err(Problem::bad_request("The body broke off or is badly framed.")),
    }
}

/// axum wraps the errors of a body, so ours is somewhere among the sources.
fn caused_by_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<BodyTimedOut>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
#[path = "json/tests.rs"]
mod tests;
