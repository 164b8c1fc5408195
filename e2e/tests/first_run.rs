//! The first run: `jeton serve` over an empty database prints a link and mints nothing before it is
//! used.

use e2e::{Begin, Place, Server};
use serde_json::json;

/// The set-up links that were printed so far, oldest first, as paths.
fn links(server: &Server) -> Vec<String> {
    // The links are told from the address, which has no path.
    let output = server.output();
    let urls = output.split_whitespace().filter(|word| word.starts_with("http://"));
    let path = |url: &str| url.splitn(4, '/').nth(3).map(|path| format!("/{path}"));
    urls.filter_map(path).filter(|path| path.len() > 20).collect()
}

/// The one link that works after this start, which prints one for each process. `before`: links of
/// earlier starts.
fn the_good_one(server: &Server, before: usize) -> String {
    let printed = before + Place::chosen().peers();
    e2e::until("a set-up link is printed", || links(server).len() >= printed);
    let mut good = links(server).split_off(before);
    good.retain(|link| server.anonymous().get(link).status == 200);
    assert_eq!(good.len(), 1, "a fresh link ends the one before: {good:?}");
    good.remove(0)
}

#[test]
fn before_set_up_nobody_is_anybody() {
    let server = Begin::preset("default").empty().start();
    server.anonymous().get("/livez").ok(200);
    let login = json!({ "email": "admin@example.com", "password": "admin" });
    server.anonymous().post("/v1/sessions", login).refused(401, "unauthenticated");
    let ask = json!({ "token": "jtn_pat_0123456789ab" });
    server.anonymous().post("/v1/verify", ask).refused(401, "unauthenticated");
    server
        .anonymous()
        .post("/v1/accounts", json!({ "id": "acme", "name": "Acme" }))
        .refused(401, "unauthenticated");
    server
        .anonymous()
        .post("/v1/services", json!({ "name": "x", "scopes": ["verify"] }))
        .refused(401, "unauthenticated");
}

#[test]
fn each_start_of_an_empty_server_prints_a_fresh_link_and_the_one_before_is_dead() {
    let mut server = Begin::preset("default").empty().start();
    let first = the_good_one(&server, 0);
    let printed = links(&server).len();
    server.restart();
    let second = the_good_one(&server, printed);
    assert_ne!(first, second);
    let dead = server.anonymous().get(&first);
    assert!(matches!(dead.status, 401 | 403 | 404 | 410), "the old link is dead:\n{dead:?}");
}

#[test]
fn a_server_with_an_account_prints_no_link() {
    let server = Server::start("default");
    server.anonymous().get("/readyz").ok(200);
    assert_eq!(links(&server), Vec::<String>::new());
}
