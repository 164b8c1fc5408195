//! The HTTP of jeton: what comes over the wire and how it is answered.
//!
//! What lives here: reading requests strictly, finding their credential, writing answers and
//! problems, the limits of connections, and the routes. What never will: rules (`domain`), use
//! cases (`service`), SQL (`store`). Nothing outside this crate knows HTTP.
//!
//! Start with [`server::serve`] for the way of a connection, [`layers::dress`] for what every
//! request goes through, and [`problem::Problem`] for every refusal.

#![forbid(unsafe_code)]

pub mod credentials;
pub mod json;
pub mod layers;
pub mod problem;
pub mod query;
pub mod request_id;
pub mod server;
