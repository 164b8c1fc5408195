//! Families of routes: what they take, what they refuse, and how they say so.

mod common;

use api::verify::Verdict;
use axum::http::Method;
use common::World;
use serde_json::{Value, json};

const TOKENS: &str = "/v1/accounts/acme/tokens";

fn viewer(name: &str) -> Value {
    json!({ "name": name, "permission": { "role": "Viewer" }, "expires_in": "30d" })
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

#[tokio::test]
async fn a_verdict_is_written_as_its_type_would_be() {
    let world = World::of("default").await;
    let session = world.session().await;
    let body = json!({ "name": "a \"quoted\" ümlaut", "metadata": { "team": "pay\n" }, "expires_in": "1d" });
    let token = world.post(&session, TOKENS, body).await.ok(201);
    for ask in [
        json!({ "token": token["secret"] }),
        json!({ "token": token["secret"], "permission": "devices:fly" }),
        json!({ "token": token["secret"], "node": "/nowhere", "method": "GET", "user_agent": "curl" }),
        json!({ "token": world.admin, "account": "another" }),
        json!({ "token": "" }),
        json!({ "token": session }),
        json!({ "token": world.key }),
    ] {
        let reply = world.post(&world.key, "/v1/verify", ask).await;
        assert_eq!(reply.head("content-type"), Some("application/json"));
        assert_eq!(reply.head("cache-control"), Some("no-store"));
        let verdict: Verdict = serde_json::from_str(&reply.text).unwrap();
        assert_eq!(serde_json::to_string(&verdict).unwrap(), reply.text, "the same keys in the same order");
        assert_eq!(verdict.valid, reply.json["code"] == "valid");
        assert_eq!(verdict.permissions.is_some(), verdict.valid);
    }
}

#[tokio::test]
async fn an_operator_may_ask_for_verdicts_too() {
    let world = World::of("default").await;
    let ask = json!({ "token": world.admin });
    assert_eq!(world.post(&world.session().await, "/v1/verify", ask).await.ok(200)["valid"], true);
}

#[tokio::test]
async fn asks_that_mean_nothing_are_422_with_their_field() {
    let world = World::of("default").await;
    let deep = json!({ "all": [{ "any": [{ "all": [{ "any": ["a:b"] }] }] }] });
    for (field, value, code) in [
        ("cost", json!(2), "invalid_field"),
        ("limits", json!(["day"]), "invalid_field"),
        ("permission", deep, "invalid_field"),
        ("node", json!("sales"), "invalid_field"),
        ("account", json!("No Slug"), "invalid_field"),
        ("address", json!("localhost"), "invalid_field"),
    ] {
        let ask = json!({ "token": "x", field: value });
        let problem = world.post(&world.key, "/v1/verify", ask.clone()).await.refused(422, code);
        assert_eq!(problem["errors"][0]["field"], field);
        let batch = json!({ "asks": [{ "token": "x" }, ask] });
        let problem = world.post(&world.key, "/v1/verify/batch", batch).await.refused(422, code);
        assert_eq!(problem["errors"][0]["field"], format!("asks[1].{field}"));
    }
    let many = json!({ "asks": vec![json!({ "token": "x" }); 101] });
    world.post(&world.key, "/v1/verify/batch", many).await.refused(422, "invalid_field");
    let none = json!({ "asks": [] });
    assert_eq!(world.post(&world.key, "/v1/verify/batch", none).await.text, r#"{"verdicts":[]}"#);
}

#[tokio::test]
async fn a_token_is_created_with_its_place_and_shown_without_its_secret() {
    let world = World::of("default").await;
    let session = world.session().await;
    let reply = world.post(&session, TOKENS, viewer("ci")).await;
    let place = reply.head("location").unwrap().to_owned();
    assert_eq!(reply.head("cache-control"), Some("no-store"));
    let mut token = reply.ok(201);
    assert_eq!(place, format!("{TOKENS}/{}", text(&token, "id")));
    let secret = token.as_object_mut().unwrap().remove("secret").unwrap();
    let shown = world.get(&session, &place).await;
    assert!(!shown.text.contains(secret.as_str().unwrap()));
    assert_eq!(shown.ok(200), token);
    let listed = world.get(&session, &format!("{TOKENS}?q=ci")).await.ok(200);
    assert_eq!(listed, json!({ "items": [token], "next_cursor": null }));
}

#[tokio::test]
async fn fields_that_cannot_be_used_are_named() {
    let world = World::of("default").await;
    let session = world.session().await;
    for (field, value, status, code) in [
        ("expires_at", json!("tomorrow"), 422, "invalid_field"),
        ("expires_in", json!("soon"), 422, "invalid_field"),
        ("not_before", json!("2030-01-01"), 422, "invalid_field"),
        ("node", json!("sales"), 422, "invalid_field"),
        ("holder", json!("ada"), 422, "invalid_field"),
        ("name", json!("a\u{202E}b"), 422, "invalid_field"),
        ("name", json!(7), 422, "invalid_field"),
        ("conditions", json!({ "addresses": [] }), 422, "invalid_field"),
        ("limits", json!({}), 422, "invalid_field"),
        ("account", json!("acme"), 400, "bad_request"),
        ("created_at", json!("2030-01-01T00:00:00Z"), 400, "bad_request"),
    ] {
        let mut body = json!({ "name": "ci" });
        body[field] = value;
        let problem = world.post(&session, TOKENS, body).await.refused(status, code);
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let both = json!({ "name": "ci", "expires_in": "1d", "expires_at": null });
    world.post(&session, TOKENS, both).await.refused(422, "invalid_field");
    assert_eq!(world.get(&session, &format!("{TOKENS}?q=ci")).await.ok(200)["items"], json!([]));
}

#[tokio::test]
async fn malformed_ids_and_other_accounts_are_not_found_alike() {
    let world = World::of("default").await;
    let session = world.session().await;
    let create = json!({ "id": "umbra", "name": "Umbra" });
    world.post(&world.admin, "/v1/accounts", create).await.ok(201);
    let mut bodies = Vec::new();
    for path in [
        "/v1/accounts/acme/tokens/pat_0123456789ab",
        "/v1/accounts/acme/tokens/pat_!",
        "/v1/accounts/acme/tokens/mem_0123456789ab",
        "/v1/accounts/acme/tokens/%ff",
        "/v1/accounts/umbra/tokens",
        "/v1/accounts/umbra/nodes",
        "/v1/accounts/nobody/tokens",
        "/v1/accounts/No%20Slug/tokens",
        "/v1/accounts/acme/members/sac_0123456789ab",
    ] {
        let reply = world.get(&session, path).await;
        bodies.push(reply.text.clone());
        reply.refused(404, "not_found");
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[tokio::test]
async fn sessions_are_listed_where_a_login_makes_a_token_and_nowhere_else() {
    for (preset, listed) in [("default", false), ("arm", false), ("tagoio", true)] {
        let world = World::of(preset).await;
        // An administrator who manages everybody's tokens, at work in two places.
        let session = world.session().await;
        let own = world.session().await;
        let id = text(&world.get(&own, "/v1/tokens/self").await.ok(200), "id");
        let page = world.get(&session, &format!("{TOKENS}?kind=ses")).await.ok(200);
        assert_eq!(page["items"].as_array().unwrap().len(), if listed { 2 } else { 0 }, "{preset}");
        assert!(listed || page["next_cursor"].is_null());
        // What is listed is shown, and nothing else is.
        let shown = world.get(&session, &format!("{TOKENS}/{id}")).await;
        if listed {
            shown.ok(200)
        } else {
            shown.refused(404, "not_found")
        };
    }
}

#[tokio::test]
async fn a_cursor_does_not_tell_the_place_that_it_goes_on_from() {
    let world = World::of("default").await;
    let session = world.session().await;
    for name in ["secret project", "secret project 2"] {
        world.post(&session, TOKENS, viewer(name)).await.ok(201);
        let body = json!({ "name": name, "external_id": name, "role": "Viewer" });
        world.post(&session, "/v1/accounts/acme/members", body).await.ok(201);
    }
    for (path, place) in [
        (format!("{TOKENS}?limit=2&sort=name"), "secret"),
        ("/v1/accounts/acme/members?limit=1".into(), "mem_"),
        ("/v1/journal?limit=1".into(), ""),
    ] {
        let page = world.get(&session, &path).await.ok(200);
        let cursor = text(&page, "next_cursor");
        let digits: Vec<&str> = (0..cursor.len() / 2).map(|n| &cursor[2 * n..2 * n + 2]).collect();
        let bytes: Vec<u8> = digits.iter().map(|two| u8::from_str_radix(two, 16).unwrap()).collect();
        assert!(!place.is_empty() || bytes.len() > 24 + 16, "sealed: {cursor}");
        assert!(place.is_empty() || !String::from_utf8_lossy(&bytes).contains(place), "{path}: {cursor}");
        assert_eq!(text(&world.get(&session, &path).await.ok(200), "next_cursor"), cursor);
    }
}

#[tokio::test]
async fn paging_is_bounded_and_its_cursors_cannot_be_forged_or_carried() {
    let world = World::of("default").await;
    let session = world.session().await;
    for name in ["a", "b", "c"] {
        world.post(&session, TOKENS, viewer(name)).await.ok(201);
    }
    let page = world.get(&session, &format!("{TOKENS}?limit=2&sort=name")).await.ok(200);
    let cursor = text(&page, "next_cursor");
    let next = world.get(&session, &format!("{TOKENS}?limit=2&sort=name&cursor={cursor}")).await.ok(200);
    assert_eq!(next["items"].as_array().unwrap().len(), 2, "c, and the first token");
    for query in [
        "limit=0".to_owned(),
        "limit=101".into(),
        "limit=99999999999".into(),
        format!("cursor={cursor}"),
        format!("sort=name&q=a&cursor={cursor}"),
        format!("sort=name&cursor=ff{cursor}"),
        "cursor=x".into(),
        "issued_by=ada".into(),
        "page=2".into(),
    ] {
        world.get(&session, &format!("{TOKENS}?{query}")).await.refused(400, "bad_request");
    }
    let roles = "/v1/accounts/acme/roles";
    let page = world.get(&session, &format!("{roles}?limit=3")).await.ok(200);
    let cursor = text(&page, "next_cursor");
    let rest = world.get(&session, &format!("{roles}?limit=3&cursor={cursor}")).await.ok(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    assert_eq!(rest["items"][0]["rank"], 3);
    world
        .get(&session, &format!("/v1/accounts/acme/nodes?cursor={cursor}"))
        .await
        .refused(400, "bad_request");
}

#[tokio::test]
async fn a_repeated_rotation_is_one_rotation() {
    let world = World::of("default").await;
    let session = world.session().await;
    let token = world.post(&session, TOKENS, viewer("ci")).await.ok(201);
    let path = format!("{TOKENS}/{}/rotate", text(&token, "id"));
    let key = [("idempotency-key", "0123456789abcdef0123456789")];
    let grace = || Some(json!({ "grace": "1 hour" }));
    let once = world.ask_with(&session, &key, Method::POST, &path, grace()).await.ok(201);
    let again = world.ask_with(&session, &key, Method::POST, &path, grace()).await.ok(201);
    assert_eq!(once, again);
    let other = Some(json!({}));
    world.ask_with(&session, &key, Method::POST, &path, other).await.refused(422, "idempotency_mismatch");
    let short = [("idempotency-key", "short")];
    world.ask_with(&session, &short, Method::POST, &path, grace()).await.refused(422, "invalid_field");
    let later = world.session().await;
    assert_eq!(world.ask_with(&later, &key, Method::POST, &path, grace()).await.ok(201), once);
    // A token is a caller of its own, so it is handed nothing that others were answered.
    world.ask_with(&world.admin, &key, Method::POST, &path, grace()).await.refused(409, "wrong_state");
    let two = [key[0], key[0]];
    world.ask_with(&session, &two, Method::POST, &path, grace()).await.refused(400, "bad_request");
}

#[tokio::test]
async fn a_policy_is_read_and_written_as_one_document() {
    let world = World::of("default").await;
    let path = "/v1/accounts/acme/policy";
    let mut policy = world.get(&world.admin, path).await.ok(200);
    policy["cache_ms"] = json!(1500);
    let put = |body: Value| world.ask(&world.admin, Method::PUT, path, Some(body));
    assert_eq!(put(policy.clone()).await.ok(200), policy);
    assert_eq!(world.get(&world.admin, path).await.ok(200), policy);
    let mut with_password = policy.clone();
    with_password["password"] = json!(common::PASSWORD);
    assert_eq!(put(with_password).await.ok(200), policy, "and the password is no switch");
    for (field, value) in [("visibility", json!("some")), ("cache_ms", json!("x")), ("schemes", Value::Null)]
    {
        let mut bad = policy.clone();
        bad[field] = value;
        let problem = put(bad).await.refused(422, "invalid_field");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let mut unknown = policy.clone();
    unknown["superpowers"] = json!(true);
    put(unknown).await.refused(400, "bad_request");
}

#[tokio::test]
async fn a_member_is_added_edited_and_removed() {
    let world = World::of("default").await;
    let members = "/v1/accounts/acme/members";
    let body = json!({ "name": "Vic", "role": "Viewer", "external_id": "u-7", "metadata": { "team": "a" } });
    let reply = world.post(&world.admin, members, body).await;
    let place = reply.head("location").unwrap().to_owned();
    let member = reply.ok(201);
    assert_eq!(world.get(&world.admin, &place).await.ok(200), member);
    let patch = |body: Value| world.ask(&world.admin, Method::PATCH, &place, Some(body));
    let edited = patch(json!({ "role": "Member", "version": member["version"] })).await.ok(200);
    assert_eq!((&edited["role"], &edited["external_id"]), (&json!("Member"), &json!("u-7")));
    patch(json!({ "name": "Victor", "version": member["version"] })).await.refused(409, "conflict");
    // Their address and the name that the product knows them by are set where they are kept in step.
    patch(json!({ "email": "vic@example.com" })).await.refused(400, "bad_request");
    patch(json!({ "external_id": "u-8" })).await.refused(400, "bad_request");
    patch(json!({ "active": false, "name": "x" })).await.refused(422, "invalid_field");
    assert_eq!(patch(json!({ "active": false })).await.ok(200)["active"], false);
    assert_eq!(
        world.post(&world.admin, &format!("{place}/reactivate"), json!({})).await.ok(200)["active"],
        true
    );
    world.ask(&world.admin, Method::DELETE, &place, None).await.ok(200);
    world.get(&world.admin, &place).await.refused(404, "not_found");
}

#[tokio::test]
async fn an_operator_adds_the_first_member_of_another_account_and_nobody_else_does() {
    let world = World::of("default").await;
    let create = json!({ "id": "umbra", "name": "Umbra", "preset": "gcore" });
    world.post(&world.admin, "/v1/accounts", create).await.ok(201);
    let path = "/v1/accounts/umbra/members";
    let person = |email: &str| json!({ "name": "Ola", "email": email, "role": "Administrators", "password": common::PASSWORD });
    let made = world.post(&world.admin, path, person("ola@example.com")).await.ok(201);
    assert_eq!((&made["account"], &made["role"]), (&json!("umbra"), &json!("Administrators")));
    let login = json!({ "email": "ola@example.com", "password": common::PASSWORD });
    let ola = text(&world.post("", "/v1/sessions", login).await.ok(201), "token");
    assert_eq!(world.get(&ola, path).await.ok(200)["items"].as_array().unwrap().len(), 1);
    world.post(&ola, "/v1/accounts/acme/members", person("x@example.com")).await.refused(404, "not_found");
    world.post(&ola, "/v1/accounts/none/members", person("x@example.com")).await.refused(404, "not_found");
    let unknown = json!({ "name": "Ola", "role": "Owner" });
    world.post(&world.admin, path, unknown).await.refused(422, "invalid_field");
    assert_eq!(world.get(&world.admin, path).await.ok(200)["items"][0]["name"], "Ola", "operators look in");
}

#[tokio::test]
async fn roles_nodes_and_services_are_made_and_ended() {
    let world = World::of("default").await;
    let role = json!({ "name": "Reader", "permissions": ["tokens:read"] });
    let reply = world.post(&world.admin, "/v1/accounts/acme/roles", role).await;
    let place = reply.head("location").unwrap().to_owned();
    assert_eq!(reply.ok(201)["rank"], 4);
    let edit = json!({ "name": "Auditor" });
    let edited = world.ask(&world.admin, Method::PATCH, &place, Some(edit)).await.ok(200);
    assert_eq!((&edited["name"], &edited["rank"]), (&json!("Auditor"), &json!(4)));
    world.ask(&world.admin, Method::DELETE, &place, None).await.ok(200);

    let node = world.post(&world.admin, "/v1/accounts/acme/nodes", json!({ "path": "/sales" })).await.ok(201);
    assert_eq!(
        (&node["name"], &node["parent"], &node["level"]),
        (&json!("sales"), &json!("/"), &json!("project"))
    );
    let bad = json!({ "path": "sales" });
    world.post(&world.admin, "/v1/accounts/acme/nodes", bad).await.refused(422, "invalid_field");

    let service = json!({ "name": "api", "scopes": ["introspect"], "accounts": ["acme"] });
    let made = world.post(&world.admin, "/v1/services", service).await.ok(201);
    let ask = json!({ "token": "x" });
    world.post(&text(&made, "secret"), "/v1/verify", ask.clone()).await.refused(403, "forbidden");
    let listed = world.get(&world.admin, "/v1/services").await;
    assert!(!listed.text.contains(&text(&made, "secret")));
    assert_eq!(listed.ok(200)["items"].as_array().unwrap().len(), 2);
    let path = format!("/v1/services/{}", text(&made, "id"));
    assert!(world.ask(&world.admin, Method::DELETE, &path, None).await.ok(200)["revoked_at"].is_string());
    world.post(&text(&made, "secret"), "/v1/verify", ask).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_wrong_password_says_no_more_than_an_unknown_person() {
    let world = World::of("default").await;
    let log_in = |email: &str| json!({ "email": email, "password": "wrong green bottles" });
    let wrong = world.post("", "/v1/sessions", log_in(common::ADMIN)).await;
    let unknown = world.post("", "/v1/sessions", log_in("eve@example.com")).await;
    assert_eq!((wrong.status, wrong.head("www-authenticate")), (unknown.status, Some("Bearer")));
    assert_eq!(wrong.text, unknown.text);
    wrong.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_creation_that_comes_again_under_its_key_is_one_creation() {
    let world = World::of("default").await;
    let session = world.session().await;
    let acme = |what: &str| format!("/v1/accounts/acme/{what}");
    let creations = [
        (acme("tokens"), json!({ "name": "once" })),
        (
            acme("members"),
            json!({ "name": "Bob", "email": "bob@example.com", "role": "Viewer", "password": common::PASSWORD }),
        ),
        (acme("service-accounts"), json!({ "name": "robot", "role": "Viewer" })),
        (acme("roles"), json!({ "name": "Reader", "permissions": ["devices:read"] })),
        (acme("nodes"), json!({ "path": "/sales" })),
        (acme("installations"), json!({ "name": "eu-1" })),
        ("/v1/accounts".into(), json!({ "id": "globex", "name": "Globex" })),
        ("/v1/services".into(), json!({ "name": "gateway", "scopes": ["verify"] })),
    ];
    for (n, (path, body)) in creations.into_iter().enumerate() {
        let key = format!("creation-number-{n}-0123456789");
        let key = [("idempotency-key", key.as_str())];
        let first = world.ask_with(&session, &key, Method::POST, &path, Some(body.clone())).await.ok(201);
        let again = world.ask_with(&session, &key, Method::POST, &path, Some(body.clone())).await.ok(201);
        assert_eq!(first, again, "{path}");
        let mut other = body;
        other["name"] = json!("another");
        world
            .ask_with(&session, &key, Method::POST, &path, Some(other))
            .await
            .refused(422, "idempotency_mismatch");
    }
}
