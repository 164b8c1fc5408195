//! How a request is refused: RFC 9457, with the codes of the API.
//!
//! A handler returns a [`Problem`]; the layer of [`crate::request_id`] writes the request's id into
//! its body, so nobody else needs to know it.

use std::borrow::Cow;
use std::time::Duration;

use api::problem::FieldError;
use api::provision::ItemProblem;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// A refusal on its way out.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    challenge: Option<Challenge>,
    retry_after: Option<Duration>,
}

/// What a problem is about. The name never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    BadRequest,
    Unauthenticated,
    Forbidden,
    ReauthenticationRequired,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    NameTaken,
    LimitReached,
    WrongState,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidField,
    NotAllowedByPolicy,
    ConfirmationRequired,
    IdempotencyMismatch,
    RateLimited,
    InternalError,
    Undetermined,
    StorageFull,
}

/// What `WWW-Authenticate` says, RFC 6750 section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Challenge {
    /// The request brought no credential: the bare scheme.
    Missing,
    InvalidToken,
    InsufficientScope,
}

impl Code {
    pub const ALL: [Code; 21] = [
        Code::BadRequest,
        Code::Unauthenticated,
        Code::Forbidden,
        Code::ReauthenticationRequired,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::RequestTimeout,
        Code::Conflict,
        Code::NameTaken,
        Code::LimitReached,
        Code::WrongState,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::InvalidField,
        Code::NotAllowedByPolicy,
        Code::ConfirmationRequired,
        Code::IdempotencyMismatch,
        Code::RateLimited,
        Code::InternalError,
        Code::Undetermined,
        Code::StorageFull,
    ];

    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    pub fn status(self) -> StatusCode {
        self.row().0
    }

    pub fn title(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Code::BadRequest => (S::BAD_REQUEST, "bad_request", "The request cannot be read"),
            Code::Unauthenticated => (S::UNAUTHORIZED, "unauthenticated", "A good token is needed for this"),
            Code::Forbidden => (S::FORBIDDEN, "forbidden", "The caller may not do this"),
            Code::ReauthenticationRequired => {
                (S::FORBIDDEN, "reauthentication_required", "The password is needed again")
            }
            Code::NotFound => (S::NOT_FOUND, "not_found", "There is no such thing"),
            Code::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "This cannot be done here")
            }
            Code::RequestTimeout => {
                (S::REQUEST_TIMEOUT, "request_timeout", "The request took too long to arrive")
            }
            Code::Conflict => (S::CONFLICT, "conflict", "It has changed meanwhile"),
            Code::NameTaken => (S::CONFLICT, "name_taken", "The name is taken"),
            Code::LimitReached => (S::CONFLICT, "limit_reached", "The limit is reached"),
            Code::WrongState => (S::CONFLICT, "wrong_state", "Its state does not allow this"),
            Code::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large"),
            Code::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be plain JSON")
            }
            Code::InvalidField => (S::UNPROCESSABLE_ENTITY, "invalid_field", "A value cannot be used"),
            Code::NotAllowedByPolicy => {
                (S::UNPROCESSABLE_ENTITY, "not_allowed_by_policy", "The account's policy does not allow this")
            }
            Code::ConfirmationRequired => {
                (S::UNPROCESSABLE_ENTITY, "confirmation_required", "This must be confirmed")
            }
            Code::IdempotencyMismatch => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_mismatch", "The key was used for another request")
            }
            Code::RateLimited => (S::TOO_MANY_REQUESTS, "rate_limited", "Too many requests"),
            Code::InternalError => (S::INTERNAL_SERVER_ERROR, "internal_error", "The server failed"),
            Code::Undetermined => {
                (S::SERVICE_UNAVAILABLE, "undetermined", "The answer cannot be known at the moment")
            }
            Code::StorageFull => (S::INSUFFICIENT_STORAGE, "storage_full", "The server's storage is full"),
        }
    }
}

impl Problem {
    /// `detail` is a sentence for whoever must act; it never repeats a value from the request,
    /// which could be a secret.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem { code, detail: detail.into(), errors: Vec::new(), challenge: None, retry_after: None }
    }

    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(Code::BadRequest, detail)
    }

    /// 401 for a request without a credential.
    pub fn unauthenticated() -> Problem {
        let problem = Problem::new(
            Code::Unauthenticated,
            "Send a good token in the header: `Authorization: Bearer <token>`.",
        );
        Problem { challenge: Some(Challenge::Missing), ..problem }
    }

    /// 401 for a credential that is not good, whatever the cause. The body is that of
    /// [`Problem::unauthenticated`] to the byte, so that it tells nothing.
    pub fn invalid_token() -> Problem {
        Problem { challenge: Some(Challenge::InvalidToken), ..Problem::unauthenticated() }
    }

    /// The same, said of one of many.
    pub(crate) fn of_one(self) -> ItemProblem {
        ItemProblem { code: self.code.as_str().into(), detail: self.detail.into_owned(), errors: self.errors }
    }

    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(Code::Forbidden, detail)
    }

    /// 403 for a token that is good, but not for this.
    pub fn insufficient_scope(detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem { challenge: Some(Challenge::InsufficientScope), ..Problem::forbidden(detail) }
    }

    /// The same for a missing thing, a malformed id and another account's thing.
    pub fn not_found() -> Problem {
        Problem::new(Code::NotFound, "There is nothing here that you may see.")
    }

    /// 422 for one value that cannot be used.
    pub fn invalid_field(field: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Problem {
        let detail = detail.into();
        let error = detail.clone().into_owned();
        Problem::new(Code::InvalidField, detail).with_error(field, Code::InvalidField.as_str(), error)
    }

    /// 503: the facts cannot be had, so nothing is said of them.
    pub fn undetermined() -> Problem {
        Problem {
            retry_after: Some(Duration::from_secs(1)),
            ..Problem::new(Code::Undetermined, "The facts cannot be had at the moment. Ask again.")
        }
    }

    pub fn rate_limited(retry_after: Duration) -> Problem {
        Problem {
            retry_after: Some(retry_after),
            ..Problem::new(Code::RateLimited, "Ask again after the time in `Retry-After`.")
        }
    }

    /// 429: somebody was wrong too often.
    pub fn slowed(wait: Duration) -> Problem {
        let seconds = wait.as_secs_f64().ceil();
        Problem::too_many(wait, format!("Too many wrong guesses; the next is looked at in {seconds} s."))
    }

    pub fn too_many(wait: Duration, detail: String) -> Problem {
        Problem { retry_after: Some(wait), ..Problem::new(Code::RateLimited, detail) }
    }

    pub fn storage_full() -> Problem {
        Problem::new(
            Code::StorageFull,
            "Nothing can be created until the operator makes room. Revoking works still.",
        )
    }

    /// 500. What failed is for the log, never for the caller.
    pub fn internal() -> Problem {
        Problem::new(Code::InternalError, "The log has the cause under the request's id.")
    }

    /// Names a field at fault, `code` in snake case.
    #[must_use]
    pub fn with_error(
        mut self,
        field: impl Into<String>,
        code: impl Into<String>,
        detail: impl Into<String>,
    ) -> Problem {
        self.errors.push(FieldError { field: field.into(), code: code.into(), detail: detail.into() });
        self
    }

    /// Says when to ask again, in whole seconds, rounded up.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Problem {
        self.retry_after = Some(after);
        self
    }

    /// The sentence for whoever must act.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub fn code(&self) -> Code {
        self.code
    }

    pub fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// The body, for the request of this id.
    pub(crate) fn body(&self, request_id: &str) -> Vec<u8> {
        let body = api::problem::Problem {
            type_: format!("urn:jeton:problem:{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.status().as_u16(),
            detail: self.detail.clone().into_owned(),
            code: self.code.as_str().to_owned(),
            errors: self.errors.clone(),
            request_id: request_id.to_owned(),
        };
        serde_json::to_vec(&body).expect("a struct of strings and numbers is always JSON")
    }
}

pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.body("")).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some(challenge) = self.challenge {
            let challenge = match challenge {
                Challenge::Missing => "Bearer",
                Challenge::InvalidToken => "Bearer error=\"invalid_token\"",
                Challenge::InsufficientScope => "Bearer error=\"insufficient_scope\"",
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        // For the layer that knows the request's id.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
    use axum::response::IntoResponse;

    use super::{Code, Problem};

    #[test]
    fn a_problem_carries_type_title_status_detail_code_errors_and_request_id() {
        let problem = Problem::invalid_field("expires_at", "expected a time in RFC 3339");
        let body: serde_json::Value = serde_json::from_slice(&problem.body("r-1")).unwrap();
        let expected = serde_json::json!({
            "type": "urn:jeton:problem:invalid_field",
            "title": "A value cannot be used",
            "status": 422,
            "detail": "expected a time in RFC 3339",
            "code": "invalid_field",
            "errors": [{
                "field": "expires_at",
                "code": "invalid_field",
                "detail": "expected a time in RFC 3339",
            }],
            "request_id": "r-1",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_401_has_one_body_and_says_invalid_token_only_to_whoever_sent_one() {
        let (missing, wrong) = (Problem::unauthenticated(), Problem::invalid_token());
        assert_eq!(missing.body("r"), wrong.body("r"));
        assert_eq!(missing.into_response().headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(wrong.into_response().headers()[WWW_AUTHENTICATE], "Bearer error=\"invalid_token\"");
    }

    #[test]
    fn retry_after_is_in_whole_seconds_and_never_too_early() {
        let response = Problem::rate_limited(Duration::from_millis(1_200)).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(Problem::undetermined().into_response().headers()[RETRY_AFTER], "1");
    }

    #[test]
    fn every_code_has_a_name_of_its_own() {
        let names: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(
            Code::ALL.iter().all(|code| code.status().is_client_error() || code.status().is_server_error())
        );
    }
}
