//! `/dev/clock`, which `jeton dev` has and no server: tests of a product move the time instead of
//! waiting for it. No door guards it, so it is never among the routes of a server.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::time::{Period, Timestamp};
use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::problem::Problem;

/// A clock that can be moved forward. Never back: what has expired once stays expired.
pub trait MovableClock: Send + Sync {
    fn now(&self) -> Timestamp;
    /// Moves it on and returns the new time.
    fn advance(&self, by: &Period) -> Timestamp;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: String,
}

#[derive(Serialize)]
struct Time {
    now: String,
}

pub(crate) fn routes(clock: Arc<dyn MovableClock>) -> Router {
    Router::new().route("/dev/clock", get(show).post(advance)).with_state(clock)
}

/// These routes for who asks this machine by a name of its own. Everybody knows the secrets of a server for
/// development, so a page that a browser has open must not reach it, as it could if its own name were
/// made to lead here.
pub(crate) fn only_here(routes: Router) -> Router {
    routes.layer(from_fn(async |request: Request, next: Next| -> Response {
        if is_for_this_machine(&request) {
            return next.run(request).await;
        }
        let sentence =
            "This server is for development and answers to `localhost` and addresses of this machine.";
        Problem::bad_request(sentence).into_response()
    }))
}

/// HTTP/2 has the name in the target, HTTP/1 in `Host`.
fn is_for_this_machine(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let named = match (request.uri().authority(), hosts.next(), hosts.next()) {
        (Some(authority), None, None) => Some(authority.clone()),
        (None, Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
        (Some(authority), Some(host), None) if authority.as_str() == host => Some(authority.clone()),
        _ => None,
    };
    named.is_some_and(|name| is_of_this_machine(&name))
}

fn is_of_this_machine(name: &Authority) -> bool {
    let host = name.host().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            let host = host.to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

async fn show(State(clock): State<Arc<dyn MovableClock>>) -> Json<Time> {
    Json(Time { now: clock.now().to_string() })
}

async fn advance(
    State(clock): State<Arc<dyn MovableClock>>,
    Json(body): Json<Advance>,
) -> Result<Json<Time>, Problem> {
    let by: Period = body.advance.parse().map_err(|_| {
        Problem::invalid_field("advance", "Expected a period, such as `3 days` or `1 hour 30 minutes`.")
    })?;
    Ok(Json(Time { now: clock.advance(&by).to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_addresses_of_this_machine_are_its_own() {
        for (name, own) in [
            ("localhost", true),
            ("LOCALHOST:7070", true),
            ("acme.localhost:7070", true),
            ("localhost.", true),
            ("127.0.0.1:7070", true),
            ("127.9.9.9", true),
            ("[::1]:7070", true),
            ("evil.example", false),
            ("evil.example:7070", false),
            ("localhost.evil.example", false),
            ("evillocalhost", false),
            ("127.0.0.1.evil.example", false),
            ("192.0.2.1:7070", false),
            ("0.0.0.0:7070", false),
            ("[::]:7070", false),
        ] {
            let asked =
                |request: axum::http::request::Builder| request.body(axum::body::Body::empty()).unwrap();
            let by_header = asked(Request::builder().uri("/dev/clock").header(HOST, name));
            let by_target = asked(Request::builder().uri(format!("http://{name}/dev/clock")));
            assert_eq!(
                (is_for_this_machine(&by_header), is_for_this_machine(&by_target)),
                (own, own),
                "{name}"
            );
        }
        let asked = |hosts: &[&str]| {
            let request = hosts.iter().fold(Request::builder(), |request, host| request.header(HOST, *host));
            is_for_this_machine(&request.body(axum::body::Body::empty()).unwrap())
        };
        assert!(!asked(&[]) && !asked(&["localhost", "evil.example"]) && !asked(&["localhost", "localhost"]));
    }
}
