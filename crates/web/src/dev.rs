//! `/dev/clock`, which `jeton dev` has and no server: tests of a product move the time instead of
//! waiting for it. No door guards it, so it is never among the routes of a server.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
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
