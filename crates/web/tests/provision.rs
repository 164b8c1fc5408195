//! The product's backend keeps accounts and members in step with its own.

mod common;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use common::{Reply, World};
use hyper::body as http_body;
use serde_json::{Value, json};
use tower::ServiceExt;

const MEMBERS: &str = "/v1/accounts/acme/members/by-external-id";
const ACCOUNTS: &str = "/v1/accounts/by-external-id";

struct Stage {
    world: World,
    key: String,
}

impl Stage {
    async fn set() -> Stage {
        Stage::of("default").await
    }

    async fn of(preset: &str) -> Stage {
        let world = World::of(preset).await;
        let key = service(&world, json!({ "name": "backend", "scopes": ["provision"] })).await;
        Stage { world, key }
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        self.world.ask(&self.key, Method::PUT, path, Some(body)).await
    }

    async fn member(&self, name: &str, body: Value) -> Reply {
        self.put(&format!("{MEMBERS}/{name}"), body).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.world.get(&self.key, path).await
    }

    /// The end of the journal.
    fn head(&self) -> i64 {
        self.world.desk.store().health().position
    }

    /// The journal from there on: what was done, and by whom.
    async fn since(&self, head: i64) -> Vec<(String, String)> {
        let rows = self.world.desk.store().journal(head, 10_000).await.unwrap();
        rows.into_iter().map(|row| (row.action, row.actor)).collect()
    }

    /// A token of that member, made by acting for them.
    async fn token(&self, member: &str) -> String {
        let key = service(&self.world, json!({ "name": "shop", "scopes": ["act_as"] })).await;
        let (header, body) = ([("jeton-actor", member)], json!({ "name": "CI" }));
        let path = "/v1/accounts/acme/tokens";
        let made = self.world.ask_with(&key, &header, Method::POST, path, Some(body)).await.ok(201);
        text(&made, "secret")
    }

    async fn code(&self, token: &str) -> String {
        let ask = json!({ "token": token });
        text(&self.world.post(&self.world.key, "/v1/verify", ask).await.ok(200), "code")
    }
}

async fn service(world: &World, body: Value) -> String {
    text(&world.post(&world.admin, "/v1/services", body).await.ok(201), "secret")
}

fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap_or_else(|| panic!("{field} in {of}")).to_owned()
}

/// A body that never ends, and how many of them somebody began to read.
struct Endless {
    begun: Arc<AtomicUsize>,
    asked: bool,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        if !std::mem::replace(&mut self.asked, true) {
            self.begun.fetch_add(1, Ordering::SeqCst);
        }
        Poll::Pending
    }
}

#[tokio::test]
async fn only_so_many_batches_are_in_memory_at_a_time_and_none_has_values_without_end() {
    let stage = Stage::set().await;
    let begun = Arc::new(AtomicUsize::new(0));
    let mut waiting = Vec::new();
    for _ in 0..10 {
        let request = Request::put(MEMBERS)
            .header("authorization", format!("Bearer {}", stage.key))
            .header("content-type", "application/json");
        let body = Body::new(Endless { begun: begun.clone(), asked: false });
        waiting.push(tokio::spawn(stage.world.router.clone().oneshot(request.body(body).unwrap())));
    }
    while begun.load(Ordering::SeqCst) < 4 {
        tokio::task::yield_now().await;
    }
    // Others are answered meanwhile, and the other batches are not even read.
    for _ in 0..20 {
        stage.member("u-1", json!({ "name": "Vic", "role": "Member" })).await;
    }
    assert_eq!(begun.load(Ordering::SeqCst), 4);
    waiting.iter().for_each(|request| request.abort());
    let one = json!({ "external_id": "u-2", "name": "Vic", "role": "Member" });
    let done = stage.put(MEMBERS, json!({ "members": [one] })).await.ok(200);
    assert_eq!(done["outcomes"][0]["outcome"], "created");

    let many: Vec<Value> = (0..60_000).map(|_| json!({ "": 0 })).collect();
    let refused = stage.put(MEMBERS, json!({ "members": many })).await.refused(422, "invalid_field");
    assert!(refused["detail"].as_str().unwrap().contains("50000 values"), "{refused}");
    let few = stage.put(MEMBERS, json!({ "members": &many[..1_001] })).await.refused(422, "invalid_field");
    assert!(few["detail"].as_str().unwrap().contains("at most 1000"), "{few}");
}

#[tokio::test]
async fn a_user_of_the_product_is_made_changed_and_left_alone() {
    let stage = Stage::set().await;
    let head = stage.head();
    let body =
        json!({ "name": "Vic", "role": "Member", "email": "Vic@Example.com", "metadata": { "team": "a" } });
    let reply = stage.member("u-7", body.clone()).await;
    let place = reply.head("location").unwrap().to_owned();
    let made = reply.ok(201);
    assert_eq!(place, format!("/v1/accounts/acme/members/{}", text(&made, "id")));
    assert_eq!((&made["external_id"], &made["email"]), (&json!("u-7"), &json!("vic@example.com")));
    assert_eq!((&made["active"], &made["metadata"]), (&json!(true), &json!({ "team": "a" })));
    let said = stage.since(head).await;
    assert_eq!(said.len(), 1);
    assert!(said[0].0 == "member.created" && said[0].1.starts_with("svc_"), "{said:?}");

    // The same again writes nothing.
    let head = stage.head();
    assert_eq!(stage.member("u-7", body).await.ok(200), made);
    assert_eq!(stage.member("u-7", json!({ "name": "Vic", "role": "Member" })).await.ok(200), made);
    assert_eq!(stage.head(), head);

    let changed =
        stage.member("u-7", json!({ "name": "Victor", "role": "Viewer", "metadata": {} })).await.ok(200);
    assert_eq!((&changed["name"], &changed["role"]), (&json!("Victor"), &json!("Viewer")));
    assert_eq!((&changed["metadata"], &changed["email"]), (&json!({}), &made["email"]));
    assert_eq!(changed["version"].as_i64(), made["version"].as_i64().map(|version| version + 1));
    assert_eq!(stage.since(head).await.len(), 1);
    for path in [format!("{MEMBERS}/u-7"), place] {
        assert_eq!(stage.get(&path).await.ok(200), changed);
    }
    let listed = stage.get("/v1/accounts/acme/members").await.ok(200);
    assert!(listed["items"].as_array().unwrap().contains(&changed));
    stage.get("/v1/accounts/acme/roles").await.ok(200);
}

#[tokio::test]
async fn who_is_deactivated_in_the_product_stops_here_and_comes_back() {
    let stage = Stage::set().await;
    let vic = |more: Value| {
        let mut body = json!({ "name": "Vic", "role": "Member" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    stage.member("u-7", vic(json!({}))).await.ok(201);
    let token = stage.token("u-7").await;
    assert_eq!(stage.code(&token).await, "valid");
    let head = stage.head();
    assert_eq!(stage.member("u-7", vic(json!({ "active": false }))).await.ok(200)["active"], false);
    assert_eq!(stage.code(&token).await, "suspended");
    // What says nothing of it leaves them as they are.
    assert_eq!(stage.member("u-7", vic(json!({}))).await.ok(200)["active"], false);
    assert_eq!(stage.member("u-7", vic(json!({ "active": true }))).await.ok(200)["active"], true);
    assert_eq!(stage.code(&token).await, "valid");
    let did: Vec<String> = stage.since(head).await.into_iter().map(|(did, _)| did).collect();
    assert_eq!(did, ["member.deactivated", "member.reactivated"]);
    // Two things at once are two entries of one change.
    let head = stage.head();
    stage.member("u-7", json!({ "name": "V", "role": "Viewer", "active": false })).await.ok(200);
    let did: Vec<String> = stage.since(head).await.into_iter().map(|(did, _)| did).collect();
    assert_eq!(did, ["member.edited", "member.deactivated"]);
    assert_eq!(stage.member("u-8", vic(json!({ "active": false }))).await.ok(201)["active"], false);
}

#[tokio::test]
async fn who_was_removed_and_comes_again_is_somebody_new() {
    let stage = Stage::set().await;
    let body = json!({ "name": "Vic", "role": "Member" });
    let first = stage.member("u-7", body.clone()).await.ok(201);
    let token = stage.token("u-7").await;
    let place = format!("{MEMBERS}/u-7");
    let removed = stage.world.ask(&stage.key, Method::DELETE, &place, None).await.ok(200);
    assert_eq!(removed["id"], first["id"]);
    assert_ne!(stage.code(&token).await, "valid");
    stage.world.ask(&stage.key, Method::DELETE, &place, None).await.refused(404, "not_found");
    stage.get(&place).await.refused(404, "not_found");
    let second = stage.member("u-7", body).await.ok(201);
    assert_ne!(second["id"], first["id"]);
    assert_ne!(stage.code(&token).await, "valid");
}

#[tokio::test]
async fn the_product_may_let_go_of_its_last_owner() {
    let stage = Stage::set().await;
    let umbra = json!({ "id": "umbra", "name": "Umbra" });
    stage.put(&format!("{ACCOUNTS}/c-1"), umbra).await.ok(201);
    let path = "/v1/accounts/umbra/members/by-external-id/u-1";
    stage.put(path, json!({ "name": "Ola", "role": "Owner" })).await.ok(201);
    stage.put(path, json!({ "name": "Ola", "role": "Owner", "active": false })).await.ok(200);
    stage.world.ask(&stage.key, Method::DELETE, path, None).await.ok(200);
}

#[tokio::test]
async fn a_removal_waits_for_tokens_where_the_policy_says_so() {
    let stage = Stage::of("gcore").await;
    stage.member("u-7", json!({ "name": "Vic", "role": "Engineers" })).await.ok(201);
    stage.token("u-7").await;
    let place = format!("{MEMBERS}/u-7");
    stage.world.ask(&stage.key, Method::DELETE, &place, None).await.refused(409, "wrong_state");
}

#[tokio::test]
async fn a_put_that_cannot_be_is_refused_with_its_field() {
    let stage = Stage::set().await;
    for (body, field) in [
        (json!({ "name": "Vic", "role": "Emperor" }), "role"),
        (json!({ "name": " ", "role": "Member" }), "name"),
        (json!({ "name": "Vic", "role": "Member", "email": "x" }), "email"),
        (json!({ "name": "Vic" }), "role"),
    ] {
        let problem = stage.member("u-7", body).await.refused(422, "invalid_field");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let with_password = json!({ "name": "Vic", "role": "Member", "password": common::PASSWORD });
    stage.member("u-7", with_password).await.refused(400, "bad_request");
    let hidden = stage.member("u%E2%80%8B7", json!({ "name": "Vic", "role": "Member" })).await;
    assert_eq!(hidden.refused(422, "invalid_field")["errors"][0]["field"], "external_id");
    stage.get(&format!("{MEMBERS}/u%E2%80%8B7")).await.refused(404, "not_found");
    let robot = json!({ "name": "robot", "role": "Member", "external_id": "r-1" });
    stage.world.post(&stage.world.admin, "/v1/accounts/acme/service-accounts", robot).await.ok(201);
    stage.member("r-1", json!({ "name": "Vic", "role": "Member" })).await.refused(409, "name_taken");
    stage.get(&format!("{MEMBERS}/r-1")).await.refused(404, "not_found");
    // Spellings of one name are one name.
    stage.member("zo%65%CC%88%2F7", json!({ "name": "Zoë", "role": "Member" })).await.ok(201);
    assert_eq!(stage.get(&format!("{MEMBERS}/zo%C3%AB%2F7")).await.ok(200)["external_id"], "zoë/7");
}

#[tokio::test]
async fn a_customer_of_the_product_gets_an_account() {
    let stage = Stage::set().await;
    let place = |name: &str| format!("{ACCOUNTS}/{name}");
    let body = json!({ "name": "Müller & Söhne", "preset": "gcore", "metadata": { "plan": "gold" } });
    let reply = stage.put(&place("c-1"), body.clone()).await;
    assert_eq!(reply.head("location"), Some("/v1/accounts/muller-sohne"));
    let made = reply.ok(201);
    assert_eq!((&made["id"], &made["external_id"]), (&json!("muller-sohne"), &json!("c-1")));
    assert_eq!((&made["preset"], &made["metadata"]["plan"]), (&json!("gcore"), &json!("gold")));
    let head = stage.head();
    assert_eq!(stage.put(&place("c-1"), body.clone()).await.ok(200), made);
    assert_eq!(
        stage.put(&place("c-1"), json!({ "id": "muller-sohne", "name": "Müller & Söhne" })).await.ok(200),
        made
    );
    assert_eq!(stage.head(), head, "nothing was written");
    let renamed = stage.put(&place("c-1"), json!({ "name": "Müller" })).await.ok(200);
    assert_eq!(
        (&renamed["name"], &renamed["id"], &renamed["metadata"]),
        (&json!("Müller"), &made["id"], &made["metadata"])
    );
    assert_eq!(
        stage.since(head).await.iter().map(|(did, _)| did.as_str()).collect::<Vec<_>>(),
        ["account.edited"]
    );
    assert_eq!(stage.get(&place("c-1")).await.ok(200), renamed);
    assert_eq!(stage.get("/v1/accounts/muller-sohne").await.ok(200), renamed);
    assert_eq!(stage.get("/v1/accounts").await.ok(200)["items"].as_array().unwrap().len(), 2);

    for (body, field) in
        [(json!({ "id": "other", "name": "M" }), "id"), (json!({ "name": "M", "preset": "arm" }), "preset")]
    {
        assert_eq!(
            stage.put(&place("c-1"), body).await.refused(422, "invalid_field")["errors"][0]["field"],
            field
        );
    }
    // Another customer of the same name, and one that insists on an id that is taken.
    let second = stage.put(&place("c-2"), body).await.ok(201);
    assert!(text(&second, "id").starts_with("muller-sohne-"), "{second}");
    stage.put(&place("c-3"), json!({ "id": "acme", "name": "A" })).await.refused(409, "name_taken");
    stage
        .put(&place("c-3"), json!({ "id": "by-external-id", "name": "A" }))
        .await
        .refused(422, "invalid_field");
    stage.put(&place("c-3"), json!({ "name": "東京" })).await.ok(201);
    let taken = json!({ "id": "globex", "name": "Globex", "external_id": "c-1" });
    let taken = stage.world.post(&stage.world.admin, "/v1/accounts", taken).await.refused(409, "name_taken");
    assert_eq!(taken["errors"][0]["field"], "external_id");
}

#[tokio::test]
async fn a_batch_answers_each_in_its_place_and_nobody_fails_for_another() {
    let stage = Stage::set().await;
    stage.member("u-1", json!({ "name": "One", "role": "Member" })).await.ok(201);
    stage.member("u-2", json!({ "name": "Two", "role": "Member" })).await.ok(201);
    let batch = json!({ "members": [
        { "external_id": "u-1", "name": "One", "role": "Member" },
        { "external_id": "u-2", "name": "Two", "role": "Viewer" },
        { "external_id": "u-3", "name": "Three", "role": "Member" },
        { "external_id": "u-4", "name": "Four", "role": "Emperor" },
        { "external_id": "u-5", "role": "Member" },
        { "external_id": "u-6", "name": "Six", "role": "Member", "shoe": 45 },
        { "external_id": "u-3", "name": "Again", "role": "Member" },
        { "external_id": 7, "name": "Seven", "role": "Member" },
        "x",
        { "external_id": "u-8", "name": "Eight", "role": "Member", "active": false },
    ]});
    let head = stage.head();
    let told = stage.put(MEMBERS, batch.clone()).await.ok(200);
    let told = told["outcomes"].as_array().unwrap();
    let of = |field: &str| told.iter().map(|one| one[field].clone()).collect::<Vec<_>>();
    assert_eq!(
        of("outcome"),
        [
            "unchanged",
            "updated",
            "created",
            "refused",
            "refused",
            "refused",
            "refused",
            "refused",
            "refused",
            "created"
        ]
    );
    assert_eq!(of("external_id")[..4], ["u-1", "u-2", "u-3", "u-4"]);
    assert!(told.iter().all(|one| one["id"].is_string() == one["problem"].is_null()));
    let codes: Vec<&str> = told.iter().filter_map(|one| one["problem"]["code"].as_str()).collect();
    assert_eq!(
        codes,
        ["invalid_field", "invalid_field", "bad_request", "invalid_field", "invalid_field", "invalid_field"]
    );
    assert_eq!(told[3]["problem"]["errors"][0]["field"], "role");
    let mut did: Vec<String> = stage.since(head).await.into_iter().map(|(did, _)| did).collect();
    did.sort();
    assert_eq!(did, ["member.created", "member.created", "member.deactivated", "member.edited"]);

    let head = stage.head();
    let again = stage.put(MEMBERS, batch).await.ok(200);
    assert_eq!(again["outcomes"][2]["outcome"], "unchanged");
    assert_eq!(stage.head(), head, "the second run writes nothing");
    assert_eq!(stage.put(MEMBERS, json!({ "members": [] })).await.ok(200), json!({ "outcomes": [] }));
}

#[tokio::test]
async fn a_thousand_members_fit_and_one_more_is_told_so() {
    let stage = Stage::set().await;
    let members = |count: usize| {
        let one = |n: usize| {
            json!({ "external_id": format!("u-{n}"), "name": "x".repeat(100), "role": "Viewer",
            "metadata": { "note": "y".repeat(4_000) } })
        };
        json!({ "members": (0..count).map(one).collect::<Vec<_>>() })
    };
    let told = stage.put(MEMBERS, members(1_000)).await.ok(200);
    assert!(told["outcomes"].as_array().unwrap().iter().all(|one| one["outcome"] == "created"));
    let problem = stage.put(MEMBERS, members(1_001)).await.refused(422, "invalid_field");
    assert!(text(&problem, "detail").contains("at most 1000"), "{problem}");
    let huge = json!({ "members": [{ "external_id": "x", "name": "z".repeat(9 << 20), "role": "Viewer" }] });
    let problem = stage.put(MEMBERS, huge).await.refused(413, "body_too_large");
    assert!(text(&problem, "detail").contains("8388608"), "{problem}");
    // Other routes take no more than before.
    let long = json!({ "name": "Vic", "role": "Viewer", "metadata": { "x": "y".repeat(70_000) } });
    stage.member("u-0", long).await.refused(413, "body_too_large");
}

#[tokio::test]
async fn a_batch_of_accounts_makes_them_all_with_ids_of_their_own() {
    let stage = Stage::set().await;
    let mut accounts: Vec<Value> = (0..30)
        .map(|n| {
            let preset = ["gcore", "arm", "tagoio"][n % 3];
            json!({ "external_id": format!("c-{n}"), "name": "Globex", "preset": preset })
        })
        .collect();
    accounts.push(json!({ "external_id": "c-x", "name": "X", "preset": "none" }));
    accounts.push(json!({ "external_id": "c-y", "id": "acme", "name": "Y" }));
    let batch = json!({ "accounts": accounts });
    let told = stage.put(ACCOUNTS, batch.clone()).await.ok(200);
    let told = told["outcomes"].as_array().unwrap();
    assert!(told[..30].iter().all(|one| one["outcome"] == "created"), "{told:?}");
    let ids: std::collections::HashSet<&str> =
        told[..30].iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.len() == 30 && ids.contains("globex"));
    assert_eq!(
        (&told[30]["problem"]["code"], &told[31]["problem"]["code"]),
        (&json!("invalid_field"), &json!("name_taken"))
    );
    let head = stage.head();
    let again = stage.put(ACCOUNTS, batch).await.ok(200);
    assert!(again["outcomes"].as_array().unwrap()[..30].iter().all(|one| one["outcome"] == "unchanged"));
    assert_eq!(stage.head(), head);
    // The permissions that came with them are known.
    let path = format!("/v1/accounts/{}/roles", told[2]["id"].as_str().unwrap());
    let roles = stage.get(&path).await;
    assert!(roles.text.contains("dashboards:"), "{}", roles.text);
}

#[tokio::test]
async fn a_service_for_some_accounts_knows_of_no_others() {
    let stage = Stage::set().await;
    stage.put(&format!("{ACCOUNTS}/c-1"), json!({ "id": "umbra", "name": "Umbra" })).await.ok(201);
    stage.put(&format!("{ACCOUNTS}/c-2"), json!({ "id": "globex", "name": "Globex" })).await.ok(201);
    let in_globex = "/v1/accounts/globex/members/by-external-id/u-1";
    let ola = json!({ "name": "Ola", "role": "Owner" });
    stage.put(in_globex, ola.clone()).await.ok(201);
    let id = text(&stage.get(in_globex).await.ok(200), "id");
    let limited = json!({ "name": "umbra only", "scopes": ["provision"], "accounts": ["umbra"] });
    let stage = Stage { key: service(&stage.world, limited).await, ..stage };

    let batch = json!({ "members": [{ "external_id": "u-1", "name": "Eve", "role": "Owner" }] });
    for (method, path, body) in [
        (Method::GET, "/v1/accounts/globex".to_owned(), None),
        (Method::GET, "/v1/accounts/globex/members".into(), None),
        (Method::GET, format!("/v1/accounts/globex/members/{id}"), None),
        (Method::GET, format!("/v1/accounts/umbra/members/{id}"), None),
        (Method::GET, "/v1/accounts/globex/roles".into(), None),
        (Method::GET, in_globex.into(), None),
        (Method::GET, in_globex.replace("globex", "umbra"), None),
        (Method::PUT, in_globex.into(), Some(ola.clone())),
        (Method::DELETE, in_globex.into(), None),
        (Method::DELETE, in_globex.replace("globex", "umbra"), None),
        (Method::PUT, "/v1/accounts/globex/members/by-external-id".into(), Some(batch)),
        (Method::GET, format!("{ACCOUNTS}/c-2"), None),
        (Method::PUT, format!("{ACCOUNTS}/c-2"), Some(json!({ "name": "Eve's" }))),
        (Method::PUT, format!("{ACCOUNTS}/c-9"), Some(json!({ "name": "New" }))),
    ] {
        stage.world.ask(&stage.key, method.clone(), &path, body).await.refused(404, "not_found");
    }
    let accounts = json!({ "accounts": [
        { "external_id": "c-1", "name": "Umbra Inc" },
        { "external_id": "c-2", "name": "Eve's" },
        { "external_id": "c-9", "name": "New" },
    ]});
    let told = stage.put(ACCOUNTS, accounts).await.ok(200);
    let told = told["outcomes"].as_array().unwrap();
    assert_eq!(told[0]["outcome"], "updated");
    assert_eq!(told[1]["problem"], told[2]["problem"], "one it may not see, and one that is not there");
    assert_eq!(told[1]["problem"]["code"], "not_found");

    // Within its own it does its work.
    stage.put("/v1/accounts/umbra/members/by-external-id/u-1", ola).await.ok(201);
    let listed = stage.get("/v1/accounts").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(stage.get(in_globex.replace("globex", "umbra").as_str()).await.ok(200)["role"], "Owner");
}

#[tokio::test]
async fn only_a_service_with_the_scope_and_an_operator_provision() {
    let stage = Stage::set().await;
    let world = &stage.world;
    let body = json!({ "name": "Vic", "role": "Member" });
    let path = format!("{MEMBERS}/u-7");
    world.ask(&world.key, Method::PUT, &path, Some(body.clone())).await.refused(403, "forbidden");
    world.get(&world.key, &path).await.refused(403, "forbidden");
    let made = world.ask(&world.admin, Method::PUT, &path, Some(body.clone())).await.ok(201);
    // In any account, and as themselves.
    stage.put(&format!("{ACCOUNTS}/c-1"), json!({ "id": "umbra", "name": "Umbra" })).await.ok(201);
    let head = stage.head();
    let elsewhere = path.replace("acme", "umbra");
    world.ask(&world.admin, Method::PUT, &elsewhere, Some(body.clone())).await.ok(201);
    let who = stage.since(head).await.remove(0).1;
    assert!(who.starts_with("mem_") && who.contains(" via pat_"), "{who}");
    world.get(&world.admin, &elsewhere).await.ok(200);
    world.ask(&world.admin, Method::DELETE, &elsewhere, None).await.ok(200);

    // An administrator of the account who does not run the server has their own routes.
    let person =
        json!({ "name": "Bo", "role": "Owner", "email": "bo@example.com", "password": common::PASSWORD });
    world.post(&world.admin, "/v1/accounts/acme/members", person).await.ok(201);
    let login = json!({ "email": "bo@example.com", "password": common::PASSWORD });
    let bo = text(&world.post("", "/v1/sessions", login).await.ok(201), "token");
    world.ask(&bo, Method::PUT, &path, Some(body.clone())).await.refused(403, "forbidden");
    assert_eq!(world.get(&bo, &path).await.ok(200), made, "reading by the product's name is a member's too");
    // Nor does a service in the name of a member.
    let both = service(world, json!({ "name": "both", "scopes": ["provision", "act_as"] })).await;
    let acting = world.ask_with(&both, &[("jeton-actor", "u-7")], Method::PUT, &path, Some(body)).await;
    acting.refused(403, "forbidden");
}

#[tokio::test]
async fn a_verdict_names_what_the_product_calls_them() {
    let stage = Stage::set().await;
    stage.put(&format!("{ACCOUNTS}/c-1"), json!({ "id": "umbra", "name": "Umbra" })).await.ok(201);
    let path = "/v1/accounts/umbra/members/by-external-id/u-7";
    stage.put(path, json!({ "name": "Vic", "role": "Member", "metadata": { "team": "a" } })).await.ok(201);
    let key = service(&stage.world, json!({ "name": "shop", "scopes": ["act_as"] })).await;
    let body = json!({ "name": "CI", "metadata": { "order": 7 } });
    let made = stage
        .world
        .ask_with(&key, &[("jeton-actor", "u-7")], Method::POST, "/v1/accounts/umbra/tokens", Some(body))
        .await
        .ok(201);
    let ask = json!({ "token": made["secret"] });
    for path in ["/v1/verify", "/v1/verify/batch"] {
        let asked = if path.ends_with("batch") { json!({ "asks": [ask] }) } else { ask.clone() };
        let told = stage.world.post(&stage.world.key, path, asked).await.ok(200);
        let verdict = if path.ends_with("batch") { &told["verdicts"][0] } else { &told };
        assert_eq!(verdict["account"], json!({ "id": "umbra", "external_id": "c-1" }));
        assert_eq!(verdict["holder"]["external_id"], "u-7");
        assert_eq!(verdict["token"]["metadata"], json!({ "order": 7 }));
    }
}
