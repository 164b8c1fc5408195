//! The console: pages for people, in their product or on their own.
//!
//! Rendered here, whole without scripts and better with one. A page is a route like any other, declared
//! in the same [`Table`] with a door; it asks the same use cases as the API and says what became of
//! it in words instead of JSON. What never lives here: rules, and anything that only a script can do.
//!
//! Start with [`session`] for who is signed in, [`frame`] for what stands around every page,
//! [`reply`] for how a page leaves; then one file a family of pages.

mod accounts;
pub(crate) mod assets;
mod cluster;
pub(crate) mod fields;
mod forgotten;
pub(crate) mod frame;
pub(crate) mod handoff;
mod home;
mod installations;
mod inventory;
pub(crate) mod invite;
mod journal;
mod leave;
mod look;
mod me;
mod members;
mod notices;
pub(crate) mod packed;
mod people;
mod policy;
mod reauth;
pub(crate) mod reply;
mod roles;
mod service_accounts;
pub(crate) mod session;
mod sign_in;
mod tokens;
pub(crate) mod tongue;
mod tree;
mod webhooks;
mod when;

pub use look::{Accent, Locale, Look};
pub(crate) use tokens::form::Wrong;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

use self::reply::Asked;
use crate::api::House;
use crate::api::table::Table;
use crate::layers::Lost;

/// Where the console is.
pub(crate) const ROOT: &str = "/console";

/// A request for the console under the operator's own path, as one for ours: a proxy may pass that path
/// on as it is.
pub(crate) fn at_root(mut request: Request, base: &str) -> Request {
    let at = request.uri().path_and_query().map_or("", |at| at.as_str());
    let below = at.strip_prefix(base).filter(|below| below.is_empty() || below.starts_with(['/', '?']));
    if let Some(at) = below.and_then(|below| PathAndQuery::try_from(format!("{ROOT}{below}")).ok()) {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(at);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Where somebody is lost below the console's root, a page says so: people mistype addresses, keep old
/// ones, and go back to where a form was sent.
pub(crate) fn lost(house: Arc<House>) -> Lost {
    Arc::new(move |request, problem| {
        let below = request.uri().path().strip_prefix(ROOT)?;
        (below.is_empty() || below.starts_with('/'))
            .then(|| Asked::of(&house, request).refused(&house, problem.clone()))
    })
}

pub(crate) fn routes(table: &mut Table) {
    assets::routes(table);
    home::routes(table);
    sign_in::routes(table);
    handoff::routes(table);
    invite::routes(table);
    forgotten::routes(table);
    leave::routes(table);
    tokens::routes(table);
    members::routes(table);
    service_accounts::routes(table);
    roles::routes(table);
    tree::routes(table);
    installations::routes(table);
    me::routes(table);
    journal::routes(table);
    policy::routes(table);
    inventory::routes(table);
    accounts::routes(table);
    notices::routes(table);
    webhooks::routes(table);
    cluster::routes(table);
}

#[cfg(test)]
mod tests {
    use super::routes;
    use crate::api::door::Who;
    use crate::api::table::Table;

    /// Whoever reviews what strangers see of the console reads it here.
    #[test]
    fn only_what_leads_to_signing_in_is_open_to_anyone() {
        let mut table = Table::default();
        routes(&mut table);
        let (open, closed): (Vec<_>, Vec<_>) =
            table.routes.iter().partition(|route| route.who != Who::Session);
        let open: Vec<String> = open.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        assert_eq!(
            open,
            [
                "GET /console/assets/{name}",
                "GET /",
                "GET /console",
                "GET /console/sign-in",
                "POST /console/sign-in",
                "GET /console/_handoff/{secret}",
                "POST /console/_handoff/{secret}",
                "GET /console/_invitation/{secret}",
                "POST /console/_invitation/{secret}",
                "GET /console/_forgotten",
                "POST /console/_forgotten",
                "GET /console/_reset/{secret}",
                "POST /console/_reset/{secret}",
                "GET /console/_leave/{secret}",
                "POST /console/_leave/{secret}"
            ]
        );
        assert!(
            closed.len() > 15 && closed.iter().all(|route| route.path.starts_with("/console/{account}/"))
        );
        assert!(table.routes.iter().all(|route| route.page && !route.is_described()));
    }
}
