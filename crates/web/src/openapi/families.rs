//! The families of routes, in the order in which people meet them.

use serde_json::{Value, json};

use crate::api::table::Route;

/// A part of the path that belongs to the family, its name, and what it is about.
const FAMILIES: [(&str, &str, &str); 19] = [
    ("/v1/verify", "verify", "Is this token good, for this, here? What a product asks at each request."),
    (
        "/v1/accounts/{account}/tokens",
        "tokens",
        "Creating, listing, editing, rotating and ending the tokens of an account.",
    ),
    ("/v1/tokens/self", "self", "What a token may ask about itself, whatever else it may do."),
    ("/v1/tokens", "inventory", "All tokens of the server, for whoever answers for its security."),
    ("/v1/sessions", "sessions", "Logging in and out."),
    ("/v1/members/self", "sessions", ""),
    ("/v1/accounts/{account}/members", "members", "The people and users of an account."),
    (
        "/v1/accounts/{account}/service-accounts",
        "service accounts",
        "Holders of tokens that are nobody in particular.",
    ),
    ("/v1/accounts/{account}/roles", "roles", "Named sets of permissions, strongest first."),
    (
        "/v1/accounts/{account}/nodes",
        "nodes",
        "The places of an account's tree, at which roles and tokens hold.",
    ),
    (
        "/v1/accounts/{account}/installations",
        "installations",
        "Customers' running copies of the product, linked to places.",
    ),
    (
        "/v1/accounts/{account}/journal",
        "journal",
        "What happened, in one order that cannot be rewritten unseen.",
    ),
    ("/v1/journal", "journal", ""),
    (
        "/v1/accounts/{account}/webhooks",
        "webhooks",
        "Programs that are told what the journal says, signed after Standard Webhooks.",
    ),
    ("/v1/accounts", "accounts", "The customers of the product, and the policy of each."),
    ("/v1/services", "services", "The keys by which the product's programs ask."),
    ("/v1/credentials", "leaks", "Texts of tokens that turned up where they should not be."),
    ("/v1/leaks", "leaks", ""),
    ("/setup", "set-up", "How an empty server begins."),
];

/// What is asked of the server itself.
const OPERATIONS: (&str, &str) =
    ("operations", "Is the process alive, does it serve, and what does it serve?");

/// The family of a path.
pub(super) fn of(path: &str) -> &'static str {
    let family = FAMILIES.iter().find(|(start, ..)| path.starts_with(start));
    family.map_or(OPERATIONS.0, |(_, name, _)| *name)
}

/// Those that have a route.
pub(super) fn tags(routes: &[&Route]) -> Vec<Value> {
    let all = FAMILIES.iter().map(|(_, name, about)| (*name, *about)).chain([OPERATIONS]);
    let used =
        all.filter(|(name, about)| !about.is_empty() && routes.iter().any(|route| of(route.path) == *name));
    used.map(|(name, about)| json!({ "name": name, "description": about })).collect()
}
