//! The HTTP of jeton: what comes over the wire and how it is answered.
//!
//! What lives here: reading requests strictly, finding their credential, writing answers and
//! problems, the limits of connections, and the routes. What never will: rules (`domain`), use
//! cases (`service`), SQL (`store`). Nothing outside this crate knows HTTP.
//!
//! Start with [`server::serve`] for the way of a connection, [`layers::dress`] for what every
//! request goes through, [`router`] and `api` for the routes, and [`problem::Problem`] for every
//! refusal.

#![forbid(unsafe_code)]

mod api;
pub mod console;
pub mod credentials;
pub mod dev;
mod github;
mod html;
pub mod json;
pub mod layers;
mod map;
mod openapi;
pub mod problem;
pub mod query;
pub mod request_id;
pub mod server;
mod setup;
mod stream;
pub mod traffic;
mod verify;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::map_request;
use axum::routing::get;
use service::Desk;

pub use github::GitHubKeys;

/// What the routes need to know besides the desk.
#[derive(Clone, Debug)]
pub struct Options {
    /// The preset of accounts that name none.
    pub preset: Changing,
    /// How long a handler may take, [`server::Limits::request`].
    pub patience: Duration,
    pub look: console::Look,
    /// By which GitHub's secret scanner is known; without any, its reports are refused.
    pub github: GitHubKeys,
}

/// A text that can be changed while the server runs. Clones are one.
#[derive(Clone, Debug)]
pub struct Changing(Arc<RwLock<String>>);

impl Changing {
    pub fn get(&self) -> String {
        // It is replaced whole, so it is right even after a panic.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, text: &str) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = text.to_owned();
    }
}

impl From<&str> for Changing {
    fn from(text: &str) -> Self {
        Changing(Arc::new(RwLock::new(text.to_owned())))
    }
}

/// Every route of the server, dressed: what [`server::serve`] serves.
pub fn router(desk: Arc<Desk>, options: &Options, tracker: server::Tracker) -> Router {
    with_more(desk, options, tracker, |routes| routes)
}

/// The same and a clock that anybody can move, for development alone. It answers to names of this
/// machine and no others.
pub fn development_router(
    desk: Arc<Desk>,
    options: &Options,
    tracker: server::Tracker,
    clock: Arc<dyn dev::MovableClock>,
) -> Router {
    with_more(desk, options, tracker, |routes| dev::only_here(routes.merge(dev::routes(clock))))
}

fn with_more(
    desk: Arc<Desk>,
    options: &Options,
    tracker: server::Tracker,
    more: impl FnOnce(Router) -> Router,
) -> Router {
    let api::table::Table { routes, router } = api::table();
    let description = openapi::describe(&routes);
    let openapi = description.to_string().into();
    let docs = openapi::page(&description).into();
    let entropy = desk.entropy().clone();
    let named = routes.iter().map(|route| (route.method.clone(), route.path)).collect();
    let traffic = traffic::Traffic::new(named, options.patience);
    tracker.watch(&traffic);
    let look = options.look.clone();
    let house = api::House {
        desk,
        preset: options.preset.clone(),
        tracker,
        traffic: traffic.clone(),
        batches: Arc::new(tokio::sync::Semaphore::new(api::call::BATCHES)),
        openapi,
        docs,
        assets: console::assets::Assets::of(&look),
        look,
        github: options.github.clone(),
    };
    let house = Arc::new(house);
    let lost = console::lost(house.clone());
    let dressed = layers::dress(more(router.with_state(house)), &*entropy, options.patience, traffic, lost);
    if options.look.base == console::ROOT {
        return dressed;
    }
    let base: Arc<str> = options.look.base.as_str().into();
    let ours = map_request(move |request| std::future::ready(console::at_root(request, &base)));
    Router::new().fallback_service(dressed).layer(ours)
}

/// The body of what a webhook is told: JSON, see [`api::webhooks::Event`](::api::webhooks::Event).
pub fn event(told: service::journal::Told) -> Vec<u8> {
    let data = map::entry(told);
    let event = ::api::webhooks::Event { kind: data.action.clone(), timestamp: data.at.clone(), data };
    serde_json::to_vec(&event).expect("an entry is plain data")
}

/// What the listener for metrics serves: `/metrics`, as `render` writes it anew for each question in
/// the text format of OpenMetrics 1.0, and nothing else.
pub fn metrics(
    render: impl Fn() -> String + Clone + Send + Sync + 'static,
    entropy: &dyn token::Entropy,
    patience: Duration,
) -> Router {
    const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let answer = move || {
        let text = render();
        async move { ([(CONTENT_TYPE, FORMAT)], text) }
    };
    let nobody = traffic::Traffic::new(Vec::new(), patience);
    let routes = Router::new().route("/metrics", get(answer));
    layers::dress(routes, entropy, patience, nobody, Arc::new(|_, _| None))
}
