//! The console: pages for people, in their product or on their own.
//!
//! Rendered here, whole without scripts and better with one. A page is a route like any other, declared
//! in the same [`Table`] with a door; it asks the same use cases as the API and says what became of
//! it in words instead of JSON. What never lives here: rules, and anything that only a script can do.
//!
//! Start with [`session`] for who is signed in, [`frame`] for what stands around every page,
//! [`reply`] for how a page leaves; then one file a family of pages.

pub(crate) mod assets;
mod fields;
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

/// Where the console is, before [`Look::base`] moves it for those outside.
pub(crate) const ROOT: &str = "/console";

pub(crate) fn routes(table: &mut Table) {
    assets::routes(table);
    home::routes(table);
    sign_in::routes(table);
    tokens::routes(table);
}
