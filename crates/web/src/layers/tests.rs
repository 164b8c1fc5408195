use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::tokens::RevokeToken;
use axum::Router;
use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use http_body_util::BodyExt;
use serde_json::Value;
use token::SystemEntropy;
use tower::ServiceExt;

use super::dress;
use crate::json::{EmptyOrJson, Json};
use crate::problem::Problem;
use crate::request_id::RequestId;
use crate::traffic::Traffic;

fn app() -> Router {
    let routes = Router::new()
        .route("/id", get(async |id: RequestId| id.to_string()))
        .route("/kept", get(async || ([(CACHE_CONTROL, "max-age=60")], "kept")))
        .route("/panic", get(panicking))
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/missing", get(async || Problem::unauthenticated()))
        .route("/invalid", get(async || Problem::invalid_token()))
        .route("/number/{n}", get(async |axum::extract::Path(n): axum::extract::Path<u8>| n.to_string()))
        .route("/body", post(async |Json(body): Json<RevokeToken>| body.reason.unwrap_or_default()))
        .route(
            "/maybe",
            post(async |EmptyOrJson(body): EmptyOrJson<RevokeToken>| body.reason.unwrap_or_default()),
        );
    let patience = Duration::from_millis(100);
    let lost = Arc::new(|_: &axum::extract::Request, _: &Problem| None);
    dress(routes, &SystemEntropy, patience, Traffic::new(Vec::new(), patience), lost)
}

async fn panicking() -> &'static str {
    panic!("hush")
}

async fn ask(request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn fetch(path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    ask(Request::get(path).header("x-request-id", "r-1").body(Body::empty()).unwrap()).await
}

async fn post_to(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, Vec<u8>) {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (status, _, body) = ask(request.body(body.into()).unwrap()).await;
    (status, body)
}

#[tokio::test]
async fn the_request_id_is_in_the_header_the_handler_and_the_problem() {
    let (_, headers, body) = fetch("/id").await;
    assert_eq!((headers["x-request-id"].as_bytes(), body.as_slice()), (&b"r-1"[..], &b"r-1"[..]));
    let (_, headers, body) = fetch("/nowhere").await;
    let problem: api::problem::Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!((headers["x-request-id"].as_bytes(), problem.request_id.as_str()), (&b"r-1"[..], "r-1"));
}

#[tokio::test]
async fn an_id_that_a_caller_brought_is_not_in_the_log_of_what_went_wrong() {
    let log = Log::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || lines.clone()).finish();
    // For all tests of this program, not for this thread: what another thread logs first would be asked
    // of that thread's subscriber alone, and never again.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for path in ["/panic", "/never"] {
        let request = Request::get(path).header("x-request-id", "my-password-is-hush");
        let (_, headers, _) = ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(headers["x-request-id"], "my-password-is-hush", "it is their own to see");
    }
    let written = log.0.lock().unwrap();
    let written = String::from_utf8_lossy(&written);
    assert!(written.contains("a handler panicked") && written.contains("took too long"), "{written}");
    assert!(!written.contains("my-password"), "{written}");
}

/// What is logged, in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_no_route_answers_is_a_problem() {
    for (path, status, code) in [
        ("/nowhere", StatusCode::NOT_FOUND, "not_found"),
        ("/body", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        ("/number/300", StatusCode::BAD_REQUEST, "bad_request"),
        ("/panic", StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        ("/never", StatusCode::SERVICE_UNAVAILABLE, "undetermined"),
    ] {
        let (got, headers, body) = fetch(path).await;
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((got, problem["code"].as_str()), (status, Some(code)), "{path}");
        assert_eq!(headers[CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(headers[CACHE_CONTROL], "no-store", "{path}");
        assert!(!String::from_utf8_lossy(&body).contains("hush"));
        assert_eq!(headers.contains_key(ALLOW), code == "method_not_allowed", "{path}");
        assert_eq!(headers.contains_key(RETRY_AFTER), code == "undetermined", "{path}");
    }
}

#[tokio::test]
async fn answers_are_not_stored_unless_they_say_so() {
    assert_eq!(fetch("/id").await.1[CACHE_CONTROL], "no-store");
    assert_eq!(fetch("/kept").await.1[CACHE_CONTROL], "max-age=60");
}

#[tokio::test]
async fn every_401_has_the_same_bytes() {
    let (missing, invalid, in_query) =
        (fetch("/missing").await, fetch("/invalid").await, fetch("/id?access_token=x").await);
    assert_eq!(missing.2, invalid.2);
    assert_eq!(missing.2, in_query.2);
    assert_eq!(in_query.0, StatusCode::UNAUTHORIZED);
    assert_eq!(missing.1[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(invalid.1[WWW_AUTHENTICATE], "Bearer error=\"invalid_token\"");
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_body_must_be_plain_json_of_at_most_64_kib() {
    let good = r#"{"reason":"r"}"#;
    let padded = |size: usize| format!("{good}{}", " ".repeat(size - good.len()));
    for (headers, body, status) in [
        (&[JSON][..], good.to_owned(), StatusCode::OK),
        (&[JSON], padded(64 * 1024), StatusCode::OK),
        (&[JSON], padded(64 * 1024 + 1), StatusCode::PAYLOAD_TOO_LARGE),
        (&[JSON, ("content-encoding", "identity")], good.to_owned(), StatusCode::OK),
        (&[JSON, ("content-encoding", "gzip")], good.to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&[], good.to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&[("content-type", "text/plain")], good.to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&[JSON, JSON], good.to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&[JSON], String::new(), StatusCode::BAD_REQUEST),
        (&[JSON], r#"{"reason":"r","org_id":1}"#.to_owned(), StatusCode::BAD_REQUEST),
    ] {
        let start = body[..body.len().min(40)].to_owned();
        assert_eq!(post_to("/body", headers, body).await.0, status, "{headers:?} {start}");
    }
}

#[tokio::test]
async fn a_body_that_may_be_absent_is_checked_when_it_is_there() {
    assert_eq!(post_to("/maybe", &[], Body::empty()).await, (StatusCode::OK, vec![]));
    assert_eq!(post_to("/maybe", &[JSON], Body::empty()).await, (StatusCode::OK, vec![]));
    assert_eq!(post_to("/maybe", &[JSON], r#"{"reason":"r"}"#).await, (StatusCode::OK, b"r".to_vec()));
    assert_eq!(post_to("/maybe", &[], "{}").await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(post_to("/maybe", &[JSON], r#"{"org_id":1}"#).await.0, StatusCode::BAD_REQUEST);
}
