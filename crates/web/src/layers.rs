//! What every request of the API goes through, whichever its route: it gets an id, must not bring
//! a token in its query, is answered in time, and its answer is kept by nobody.
//!
//! One layer rather than six, because each costs an allocation for each request.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use token::Entropy;

use crate::problem::{Code, Problem};
use crate::query::refuse_token_in;
use crate::request_id::{RequestId, RequestIds, X_REQUEST_ID};
use crate::traffic::Traffic;

/// What stands in the place of a refusal where no route took a request; none: the problem itself.
pub(crate) type Lost = Arc<dyn Fn(&Request, &Problem) -> Option<Response> + Send + Sync>;

/// Puts the layer around a router that has all its routes, and answers what they do not.
///
/// `patience` is how long a handler may take, [`crate::server::Limits::request`]; `traffic` counts
/// what no route takes, and `lost` may answer it as it likes.
pub(crate) fn dress(
    routes: Router,
    entropy: &dyn Entropy,
    patience: Duration,
    traffic: Traffic,
    lost: Lost,
) -> Router {
    let house = House { ids: RequestIds::new(entropy), patience, traffic: traffic.clone() };
    let answer = Arc::new(move |request: &Request, problem: Problem| {
        let page = lost(request, &problem);
        let refused = traffic.refused(problem);
        page.unwrap_or(refused)
    });
    let elsewhere = answer.clone();
    routes
        .fallback(async move |request: Request| elsewhere(&request, Problem::not_found()))
        .method_not_allowed_fallback(async move |request: Request| {
            let names = "The header `Allow` names the methods of this route.";
            answer(&request, Problem::new(Code::MethodNotAllowed, names))
        })
        .layer(from_fn_with_state(Arc::new(house), around))
}

struct House {
    ids: RequestIds,
    patience: Duration,
    traffic: Traffic,
}

async fn around(State(house): State<Arc<House>>, mut request: Request, next: Next) -> Response {
    let id = house.ids.of(request.headers());
    request.extensions_mut().insert(id.clone());
    let response = match refuse_token_in(request.uri().query().unwrap_or("")) {
        Err(problem) => house.traffic.refused(problem),
        Ok(()) => in_time(&house, &id, request, next).await,
    };
    finish(response, &id)
}

async fn in_time(house: &House, id: &RequestId, request: Request, next: Next) -> Response {
    match tokio::time::timeout(house.patience, caught(next.run(request))).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            // The panic's own message is the hook's to write, which can redact it.
            tracing::error!(request.id = id.logged(), "a handler panicked");
            Problem::internal().into_response()
        }
        Err(_elapsed) => {
            tracing::warn!(request.id = id.logged(), "a request took too long");
            Problem::undetermined().into_response()
        }
    }
}

/// The answer, or the panic of whoever made it.
async fn caught(answer: impl Future<Output = Response>) -> std::thread::Result<Response> {
    let mut answer = pin!(answer);
    std::future::poll_fn(|cx| {
        // The future is not polled again after a panic, so nobody sees what it left half done.
        match std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

fn finish(response: Response, id: &RequestId) -> Response {
    let mut response = if is_bare_refusal(&response) { dressed(response) } else { response };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Body::from(problem.body(id.as_str()));
    }
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id.header());
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A refusal that axum wrote itself: a status with plain text or nothing.
fn is_bare_refusal(response: &Response) -> bool {
    let status = response.status();
    (status.is_client_error() || status.is_server_error())
        && response.extensions().get::<Problem>().is_none()
        && response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

fn dressed(bare: Response) -> Response {
    let status = bare.status();
    let code = match status {
        StatusCode::NOT_FOUND => return Problem::not_found().into_response(),
        StatusCode::UNAUTHORIZED => return Problem::unauthenticated().into_response(),
        _ => Code::ALL
            .into_iter()
            .find(|code| code.status() == status)
            .unwrap_or(if status.is_client_error() { Code::BadRequest } else { Code::InternalError }),
    };
    let mut response = Problem::new(code, code.title()).into_response();
    if let Some(allow) = bare.headers().get(ALLOW) {
        response.headers_mut().insert(ALLOW, allow.clone());
    }
    response
}

#[cfg(test)]
#[path = "layers/tests.rs"]
mod tests;
