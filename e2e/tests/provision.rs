//! A product's own backend as a caller: its users and customers kept in step, and calls made for its
//! users. The same in every place.

use e2e::journal::{Database, Head, chain_faults};
use e2e::{ACCOUNT, Client, Server, text};
use serde_json::{Value, json};

/// The key of a service with these scopes, limited to `accounts` unless null, and its id.
fn service(server: &Server, scopes: &[&str], accounts: Value) -> (Client, String) {
    let mut body = json!({ "name": "backend", "scopes": scopes });
    if !accounts.is_null() {
        body["accounts"] = accounts;
    }
    let made = server.admin().post("/v1/services", body);
    made.ok(201);
    (server.as_(&made.text_at("secret")), made.text_at("id"))
}

fn users(count: usize, role: &str) -> Value {
    let one =
        |n: usize| json!({ "external_id": format!("u-{n}"), "name": format!("User {n}"), "role": role });
    json!({ "members": (0..count).map(one).collect::<Vec<_>>() })
}

/// How many came to each outcome.
fn counted(told: &Value) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for one in told["outcomes"].as_array().expect("a batch has outcomes") {
        *counts.entry(text(one, "outcome")).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

#[test]
fn a_user_base_is_synced_twice_and_the_second_time_writes_nothing() {
    let mut server = Server::start("default");
    let (backend, id) = service(&server, &["provision"], Value::Null);
    let path = server.path("members/by-external-id");
    let first = backend.put(&path, users(600, "Member"));
    assert_eq!(counted(first.ok(200)), [("created".to_owned(), 600)]);
    let again = backend.put(&path, users(600, "Member"));
    assert_eq!(counted(again.ok(200)), [("unchanged".to_owned(), 600)]);
    let mut changed = users(600, "Member");
    changed["members"][7]["active"] = json!(false);
    changed["members"][8]["role"] = json!("Viewer");
    changed["members"][9]["role"] = json!("Emperor");
    let told = backend.put(&path, changed);
    let expected = [("refused", 1), ("unchanged", 597), ("updated", 2)].map(|(what, n)| (what.to_owned(), n));
    assert_eq!(counted(told.ok(200)), expected);
    assert_eq!(told.ok(200)["outcomes"][9]["problem"]["code"], "invalid_field");
    let seventh = backend.get(&server.path("members/by-external-id/u-7"));
    assert_eq!((&seventh.ok(200)["active"], &seventh.ok(200)["role"]), (&json!(false), &json!("Member")));

    server.stop();
    let database = Database::of(&server);
    let entries = database.entries_after(0);
    assert_eq!(chain_faults(&Head::genesis(), &entries, &database.head()), Vec::<String>::new());
    let by_backend: Vec<&str> =
        entries.iter().filter(|entry| entry.actor == id).map(|entry| entry.action.as_str()).collect();
    let count = |action: &str| by_backend.iter().filter(|did| **did == action).count();
    assert_eq!(count("member.created"), 600);
    assert_eq!((count("member.edited"), count("member.deactivated"), by_backend.len()), (1, 1, 602));
}

#[test]
fn a_customer_and_its_user_are_made_and_a_call_is_made_for_the_user() {
    let mut server = Server::start("default");
    let (backend, id) = service(&server, &["provision", "act_as"], Value::Null);
    let account = json!({ "name": "Umbra & Sons", "metadata": { "plan": "gold" } });
    let made = backend.put("/v1/accounts/by-external-id/c-1", account.clone());
    assert_eq!(made.ok(201)["id"], "umbra-sons");
    assert_eq!(backend.put("/v1/accounts/by-external-id/c-1", account).ok(200), made.ok(201));
    let user = json!({ "name": "Ola", "role": "Member", "email": "ola@example.com" });
    let member = backend.put("/v1/accounts/umbra-sons/members/by-external-id/u-7", user);
    let member = text(member.ok(201), "id");

    let acting = backend.header("Jeton-Actor", "u-7");
    let token =
        acting.post("/v1/accounts/umbra-sons/tokens", json!({ "name": "CI", "metadata": { "n": 1 } }));
    assert_eq!(token.ok(201)["issued_by"]["id"], member.as_str());
    let secret = token.text_at("secret");
    let verdict = server.verify(&secret);
    assert_eq!(verdict["account"], json!({ "id": "umbra-sons", "external_id": "c-1" }));
    assert_eq!(verdict["holder"]["external_id"], "u-7");
    assert_eq!(verdict["token"]["metadata"], json!({ "n": 1 }));

    // Who leaves the product stops here, and acts no more.
    let gone = json!({ "name": "Ola", "role": "Member", "active": false });
    backend.put("/v1/accounts/umbra-sons/members/by-external-id/u-7", gone).ok(200);
    server.rejects(&secret, "suspended");
    acting.get("/v1/accounts/umbra-sons/tokens").refused(403, "forbidden");

    server.stop();
    let entries = Database::of(&server).entries_after(0);
    let made = entries.iter().find(|entry| entry.said("name") == "CI").expect("the journal has it");
    assert_eq!(made.actor, format!("{member} via {id}"));
}

#[test]
fn a_service_for_one_account_finds_nothing_of_another() {
    let server = Server::start("default");
    server.account("other", "default");
    let (all, _) = service(&server, &["provision"], Value::Null);
    let path = "/v1/accounts/other/members/by-external-id";
    all.put(&format!("{path}/u-1"), json!({ "name": "Ola", "role": "Owner" })).ok(201);
    let (limited, _) = service(&server, &["provision", "act_as"], json!([ACCOUNT]));
    let eve = json!({ "name": "Eve", "role": "Owner" });
    limited.put(&format!("{path}/u-1"), eve.clone()).refused(404, "not_found");
    limited
        .put(path, json!({ "members": [{ "external_id": "u-1", "name": "E", "role": "Owner" }] }))
        .refused(404, "not_found");
    limited.delete(&format!("{path}/u-1")).refused(404, "not_found");
    for read in ["", "/members", "/roles", "/members/by-external-id/u-1"] {
        limited.get(&format!("/v1/accounts/other{read}")).refused(404, "not_found");
    }
    limited.put("/v1/accounts/by-external-id/c-1", json!({ "name": "New" })).refused(404, "not_found");
    limited.header("Jeton-Actor", "u-1").get("/v1/accounts/other/tokens").refused(404, "not_found");
    assert_eq!(all.get(&format!("{path}/u-1")).ok(200)["name"], "Ola");
    limited.put(&server.path("members/by-external-id/u-1"), eve).ok(201);
}

#[test]
fn a_service_that_was_ended_does_nothing_more() {
    let server = Server::start("default");
    let (backend, id) = service(&server, &["provision", "act_as"], Value::Null);
    let path = server.path("members/by-external-id");
    backend.put(&path, users(10, "Member")).ok(200);
    let acting = backend.header("Jeton-Actor", "u-1");
    acting.post(&server.path("tokens"), json!({ "name": "CI" })).ok(201);
    server.admin().delete(&format!("/v1/services/{id}")).ok(200);
    backend.put(&path, users(11, "Member")).refused(401, "unauthenticated");
    acting.post(&server.path("tokens"), json!({ "name": "late" })).refused(401, "unauthenticated");
}
