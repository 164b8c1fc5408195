//! The routes under `/v1`, and those that watch over the server.
//!
//! Each handler reads the same way: who asks came through a door, what was asked is turned into
//! the domain's types, a use case of `service` does it, and `map` writes what became of it.

pub(crate) mod accounts;
pub(crate) mod call;
pub(crate) mod door;
pub(crate) mod erasure;
pub(crate) mod health;
pub(crate) mod installations;
pub(crate) mod inventory;
pub(crate) mod journal;
pub(crate) mod leaks;
pub(crate) mod members;
pub(crate) mod myself;
pub(crate) mod nodes;
pub(crate) mod notices;
pub(crate) mod provision;
pub(crate) mod roles;
pub(crate) mod service_accounts;
pub(crate) mod services;
pub(crate) mod sessions;
pub(crate) mod shape;
pub(crate) mod table;
pub(crate) mod tokens;
pub(crate) mod webhooks;

use std::sync::Arc;

use axum::body::Bytes;
use service::Desk;
use tokio::sync::Semaphore;

use crate::Changing;
use crate::console::Look;
use crate::console::assets::Assets;
use crate::github::GitHubKeys;
use crate::problem::Problem;
use crate::server::Tracker;
use crate::traffic::Traffic;
use table::Table;

/// What every handler shares.
pub(crate) struct House {
    pub(crate) desk: Arc<Desk>,
    /// The preset of accounts that name none.
    pub(crate) preset: Changing,
    pub(crate) tracker: Tracker,
    pub(crate) traffic: Traffic,
    /// Turns for bodies of many items.
    pub(crate) batches: Arc<Semaphore>,
    /// `/openapi.json`
    pub(crate) openapi: Bytes,
    /// `/docs`
    pub(crate) docs: Bytes,
    pub(crate) look: Look,
    pub(crate) github: GitHubKeys,
    /// Beside the console's pages.
    pub(crate) assets: Assets,
}

/// Every route of the server.
pub(crate) fn table() -> Table {
    let mut table = Table::default();
    crate::verify::routes(&mut table);
    myself::routes(&mut table);
    inventory::routes(&mut table);
    leaks::routes(&mut table);
    tokens::routes(&mut table);
    sessions::routes(&mut table);
    accounts::routes(&mut table);
    members::routes(&mut table);
    provision::routes(&mut table);
    service_accounts::routes(&mut table);
    roles::routes(&mut table);
    nodes::routes(&mut table);
    installations::routes(&mut table);
    notices::routes(&mut table);
    webhooks::routes(&mut table);
    services::routes(&mut table);
    journal::routes(&mut table);
    erasure::routes(&mut table);
    crate::setup::routes(&mut table);
    health::routes(&mut table);
    crate::console::routes(&mut table);
    table
}

/// How many items a list shows: what was asked for within 1 to 100, or 50.
fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    const USUAL: usize = 50;
    match asked {
        None => Ok(USUAL),
        Some(limit @ 1..=100) => Ok(limit as usize),
        Some(_) => Err(bad_parameter("limit", "expected a number from 1 to 100")),
    }
}

/// 400 for a parameter of the query that cannot be used.
fn bad_parameter(name: &'static str, detail: &'static str) -> Problem {
    Problem::bad_request(format!("The parameter `{name}`: {detail}.")).with_error(
        name,
        "invalid_parameter",
        detail,
    )
}
