//! What holds on every route, asked of every route: the list comes from the server's own description,
//! and a route of which no well-formed call is known fails.

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod outcomes;
mod strict;
mod tenants;
