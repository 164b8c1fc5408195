//! What is asked and how it is answered, counted by route: never by who asks or what about.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use meter::{CELLS, Distribution, SUM, Tally, step};
use tokio::time::Instant;

use crate::problem::Problem;
use crate::request_id::RequestId;
use crate::server::Peer;

/// How an answer is counted.
pub const CLASSES: [&str; 5] = ["2xx", "3xx", "4xx", "5xx", "none"];

/// The class of a failure of ours.
const FAILED: usize = 3;

/// The class of a request that got no answer: its client went away.
const NONE: usize = 4;

/// Counters of one route: its classes, then its times.
const ROW: usize = CLASSES.len() + CELLS;

/// Requests by route. Clones count together.
#[derive(Clone)]
pub struct Traffic(Arc<Inner>);

struct Inner {
    routes: Vec<(Method, &'static str)>,
    /// After which a handler is given up and the answer is 503.
    patience: Duration,
    /// A row a route, and one for requests that no route took.
    tally: Tally,
}

/// One route's requests since the start.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its method and its path as it is declared, such as `/v1/accounts/{account}/tokens`. None for
    /// all requests that no route took.
    pub route: Option<(Method, &'static str)>,
    /// By [`CLASSES`].
    pub classes: [u64; CLASSES.len()],
    /// From when a route took a request to when its answer was ready. Nothing for what no route
    /// took.
    pub times: Distribution,
}

impl Traffic {
    pub(crate) fn new(routes: Vec<(Method, &'static str)>, patience: Duration) -> Traffic {
        let tally = Tally::new((routes.len() + 1) * ROW);
        Traffic(Arc::new(Inner { routes, patience, tally }))
    }

    /// A request of the route with this number begins.
    pub(crate) fn begin(&self, route: usize) -> Underway<'_> {
        Underway { traffic: &self.0, route, begun: Instant::now(), ended: false }
    }

    /// The answer to a request that no route took.
    pub(crate) fn refused(&self, problem: Problem) -> Response {
        let response = problem.into_response();
        self.0.tally.add(self.0.routes.len() * ROW + class(response.status()), 1);
        tracing::debug!(target: "access", status = response.status().as_u16(), "a request that no route takes");
        response
    }

    /// What was counted, route by route as they are declared.
    pub fn told(&self) -> Vec<Told> {
        let Inner { routes, tally, .. } = &*self.0;
        let named = routes.iter().cloned().map(Some).chain([None]);
        let told = named.enumerate().map(|(number, route)| {
            let read = |which| tally.read(number * ROW + which);
            let times = Distribution::of(|which| read(CLASSES.len() + which));
            Told { route, classes: std::array::from_fn(read), times }
        });
        told.collect()
    }
}

/// A request that a route has taken. Dropped before its end it counts all the same: as a failure of
/// ours where a handler panicked or took too long, else as a client that went away.
pub(crate) struct Underway<'a> {
    traffic: &'a Inner,
    route: usize,
    begun: Instant,
    ended: bool,
}

impl Underway<'_> {
    /// The answer is ready. Returns how long it took, in microseconds.
    pub(crate) fn end(mut self, status: StatusCode) -> u64 {
        self.ended = true;
        self.count(class(status))
    }

    fn count(&self, class: usize) -> u64 {
        let micros = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let row = self.route * ROW;
        let mine = self.traffic.tally.mine();
        mine.add(row + class, 1);
        mine.add(row + CLASSES.len() + step(micros), 1);
        mine.add(row + CLASSES.len() + SUM, micros);
        micros
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let ours = std::thread::panicking() || self.begun.elapsed() >= self.traffic.patience;
            self.count(if ours { FAILED } else { NONE });
        }
    }
}

/// What the log says of a request, at `debug` under the target `access`: the route and not the path,
/// which people put secrets into. Without a listener it costs a look at a flag.
pub(crate) struct Access(Option<(String, Option<Peer>)>);

impl Access {
    pub(crate) fn of(request: &Request) -> Access {
        if !tracing::enabled!(target: "access", tracing::Level::DEBUG) {
            return Access(None);
        }
        let extensions = request.extensions();
        let id = extensions.get::<RequestId>().map(|id| id.logged().to_owned()).unwrap_or_default();
        Access(Some((id, extensions.get::<Peer>().copied())))
    }

    pub(crate) fn say(self, method: &Method, route: &'static str, status: StatusCode, micros: u64) {
        let Some((id, peer)) = self.0 else { return };
        let (status, peer) = (status.as_u16(), peer.map(|Peer(peer)| peer.to_string()).unwrap_or_default());
        tracing::debug!(
            target: "access",
            %method, route, status, micros, peer, request.id = id,
            "{method} {route} {status}"
        );
    }
}

fn class(status: StatusCode) -> usize {
    match status.as_u16() {
        500.. => FAILED,
        400.. => 2,
        300.. => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_once_however_it_ends() {
        let traffic = Traffic::new(vec![(Method::GET, "/a"), (Method::GET, "/b")], Duration::MAX);
        traffic.begin(1).end(StatusCode::CREATED);
        traffic.begin(1).end(StatusCode::SERVICE_UNAVAILABLE);
        drop(traffic.begin(1));
        let fails = || {
            let _underway = traffic.begin(0);
            panic!("as a handler does");
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(fails)).is_err());
        traffic.refused(Problem::not_found());
        let told = traffic.told();
        let classes: Vec<_> = told.iter().map(|told| told.classes).collect();
        assert_eq!(classes, [[0, 0, 0, 1, 0], [1, 0, 0, 1, 1], [0, 0, 1, 0, 0]]);
        assert_eq!(told.iter().map(|told| told.times.count()).collect::<Vec<_>>(), [1, 3, 0]);
        assert!(told[2].route.is_none());
    }
}
