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
pub mod credentials;
pub mod json;
pub mod layers;
mod map;
mod openapi;
pub mod problem;
pub mod query;
pub mod request_id;
pub mod server;
mod setup;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use service::Desk;

/// What the routes need to know besides the desk.
#[derive(Clone, Debug)]
pub struct Options {
    /// The preset of accounts that name none.
    pub preset: String,
    /// How long a handler may take, [`server::Limits::request`].
    pub patience: Duration,
}

/// Every route of the server, dressed: what [`server::serve`] serves.
pub fn router(desk: Arc<Desk>, options: &Options, tracker: server::Tracker) -> Router {
    let api::table::Table { routes, router } = api::table();
    let openapi = openapi::describe(&routes).to_string().into();
    let entropy = desk.entropy().clone();
    let house = api::House { desk, preset: options.preset.clone(), tracker, openapi };
    layers::dress(router.with_state(Arc::new(house)), &*entropy, options.patience)
}
