//! The console: pages for people, in their product or on their own.
//!
//! Rendered here, whole without scripts and better with one. A page is a route like any other, declared
//! in the same [`Table`] with a door; it asks the same use cases as the API and says what became of
//! it in words instead of JSON. What never lives here: rules, and anything that only a script can do.
//!
//! Start with [`session`] for who is signed in, [`frame`] for what stands around every page,
//! [`reply`] for how a page leaves; then one file a family of pages.

pub(crate) mod assets;
pub(crate) mod fields;
mod frame;
mod home;
mod look;
pub(crate) mod reply;
pub(crate) mod session;
mod sign_in;
mod tokens;
mod tongue;
mod when;

pub use look::{Accent, Locale, Look};

use crate::api::table::Table;

/// Where the console is.
pub(crate) const ROOT: &str = "/console";

pub(crate) fn routes(table: &mut Table) {
    assets::routes(table);
    home::routes(table);
    sign_in::routes(table);
    tokens::routes(table);
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
                "POST /console/sign-in"
            ]
        );
        assert!(
            closed.len() > 15 && closed.iter().all(|route| route.path.starts_with("/console/{account}/"))
        );
        assert!(table.routes.iter().all(|route| route.page && !route.is_described()));
    }
}
