//! The server's tokens, as an operator sees them: filters, orders, pages, numbers; and nobody else.

mod common;

use std::collections::BTreeSet;

use common::World;
use serde_json::{Value, json};

const TOKENS: &str = "/v1/accounts/acme/tokens";

/// Tokens of two accounts, and the session of the operator.
async fn two_accounts() -> (World, String) {
    let world = World::of("default").await;
    let session = world.session().await;
    let account = json!({ "id": "beta", "name": "Beta" });
    world.post(&session, "/v1/accounts", account).await.ok(201);
    for (name, permission) in [
        ("ci deploy", json!({ "role": "Viewer" })),
        ("backup", json!({ "access": "read" })),
        ("robot", json!({ "inherit": true })),
    ] {
        let body = json!({ "name": name, "permission": permission, "expires_in": "30d" });
        world.post(&session, TOKENS, body).await.ok(201);
    }
    (world, session)
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_operator_lists_every_token_by_filter_order_and_page() {
    let (world, session) = two_accounts().await;
    let list = async |query: &str| world.get(&session, &format!("/v1/tokens{query}")).await.ok(200);
    world.get(&session, "/v1/tokens?account=nowhere").await.refused(422, "invalid_field");
    let all = list("?sort=name").await;
    assert_eq!(names(&all), ["backup", "ci deploy", "init", "robot"]);
    // The same JSON as where its account shows it.
    let token = &all["items"][0];
    let shown = world.get(&session, &format!("{TOKENS}/{}", token["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(*token, shown);
    assert_eq!(token["account"], "acme");
    let of =
        |name: &str| all["items"].as_array().unwrap().iter().find(|t| t["name"] == name).unwrap().clone();
    let holder = of("robot")["holder"]["id"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("?account=acme&sort=name".to_owned(), &["backup", "ci deploy", "init", "robot"][..]),
        ("?account=beta".into(), &[]),
        ("?role=Viewer".into(), &["ci deploy"]),
        ("?role=Nobody".into(), &[]),
        ("?q=DEPL".into(), &["ci deploy"]),
        (format!("?holder={holder}&sort=-name"), &["robot", "init", "ci deploy", "backup"]),
        ("?status=active&sort=name".into(), &["backup", "ci deploy", "init", "robot"]),
        ("?status=revoked".into(), &[]),
        ("?kind=sat".into(), &[]),
        ("?permission=tokens:create&sort=name".into(), &["init"]),
        ("?node=/sales".into(), &[]),
        ("?created_after=2030-01-02T00:00:00Z".into(), &[]),
        ("?expires_before=2030-02-10T00:00:00Z&sort=name".into(), &["backup", "ci deploy", "robot"]),
        ("?never_used=false".into(), &[]),
        ("?never_expires=true".into(), &[]),
    ] {
        assert_eq!(names(&list(&query).await), expected, "{query}");
    }
    let sessions = list("?kind=ses").await;
    assert_eq!(sessions["items"][0]["kind"], "ses");

    let first = list("?sort=name&limit=3").await;
    assert_eq!(names(&first), ["backup", "ci deploy", "init"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = list(&format!("?sort=name&limit=3&cursor={cursor}")).await;
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["robot"], &Value::Null));
    for other in ["?sort=-name", "?sort=name&q=a", "?sort=name&account=acme"] {
        let path = format!("/v1/tokens{other}&cursor={cursor}");
        world.get(&session, &path).await.refused(400, "bad_request");
    }
}

#[tokio::test]
async fn an_operator_counts_tokens_of_each_sort() {
    let (world, session) = two_accounts().await;
    let summary = world.get(&session, "/v1/tokens/summary").await.ok(200);
    assert_eq!((&summary["count"], &summary["accounts"]), (&json!(4), &json!(1)));
    assert_eq!(summary["by_kind"], json!([{ "kind": "pat", "count": 4 }]));
    assert_eq!(summary["by_role"], json!([{ "role": null, "count": 3 }, { "role": "Viewer", "count": 1 }]));
    assert_eq!(summary["by_age"]["within_7_days"], 4);
    assert_eq!(summary["by_expiry"]["within_30_days"], 3);
    assert_eq!(summary["by_expiry"]["within_90_days"], 1);
    // The session's own uses are no token's here; `init` was never presented.
    assert_eq!(summary["by_last_use"]["never"], 4);
    let some = world.get(&session, "/v1/tokens/summary?role=Viewer").await.ok(200);
    assert_eq!(some["count"], 1);
}

#[tokio::test]
async fn what_a_filter_cannot_mean_is_refused_by_name() {
    let (world, session) = two_accounts().await;
    for (query, field) in [
        ("account=No%20Slug", "account"),
        ("holder=ada", "holder"),
        ("node=sales", "node"),
        ("created_before=tomorrow", "created_before"),
        ("never_used=maybe", "never_used"),
        ("status=fine", "status"),
        ("limit=0", "limit"),
        ("colour=red", "colour"),
    ] {
        let refused = world.get(&session, &format!("/v1/tokens?{query}")).await.refused(400, "bad_request");
        assert_eq!(refused["errors"][0]["field"], field);
    }
    world.get(&session, "/v1/tokens?permission=devices:fly").await.refused(422, "invalid_field");
}

#[tokio::test]
async fn nobody_but_an_operator_learns_anything() {
    let (world, session) = two_accounts().await;
    let member =
        json!({ "name": "Bob", "email": "bob@example.com", "role": "Owner", "password": common::PASSWORD });
    world.post(&session, "/v1/accounts/acme/members", member).await.ok(201);
    let login = json!({ "email": "bob@example.com", "password": common::PASSWORD });
    let bob = world.post("", "/v1/sessions", login).await.ok(201);
    let bob = bob["token"].as_str().unwrap();
    let body = json!({ "name": "made", "permission": { "inherit": true }, "expires_in": "1d" });
    let token = world.post(&session, TOKENS, body).await.ok(201);
    for caller in [bob, token["secret"].as_str().unwrap(), &world.key] {
        for path in ["/v1/tokens", "/v1/tokens?q=ci", "/v1/tokens/summary", "/v1/tokens?cursor=00"] {
            let reply = world.get(caller, path).await;
            assert!(!reply.text.contains("deploy") && !reply.text.contains("pat_"), "{}", reply.text);
            reply.refused(403, "forbidden");
        }
    }
    world.get("", "/v1/tokens").await.refused(401, "unauthenticated");
}

const REVOKE: &str = "/v1/tokens/revoke";

async fn valid(world: &World, secret: &Value) -> bool {
    let verdict = world.post(&world.key, "/v1/verify", json!({ "token": secret })).await.ok(200);
    verdict["valid"] == true
}

#[tokio::test]
async fn what_a_preview_showed_is_revoked_in_one_change_with_one_receipt() {
    let world = World::of("default").await;
    let session = world.session().await;
    let mut secrets = Vec::new();
    for n in 0..12 {
        let name = if n < 10 { format!("ci {n}") } else { format!("other {n}") };
        let body = json!({ "name": name, "permission": { "inherit": true }, "expires_in": "30d" });
        secrets.push(world.post(&session, TOKENS, body).await.ok(201));
    }
    let filter = json!({ "q": "ci ", "created_before": "2031-01-01T00:00:00Z" });
    let looked = world.post(&session, REVOKE, json!({ "filter": filter, "preview": true })).await.ok(200);
    assert_eq!((&looked["revoked"], &looked["count"]), (&json!(false), &json!(10)));
    assert_eq!(looked["accounts"], json!([{ "account": "acme", "count": 10 }]));
    assert_eq!(looked["examples"].as_array().unwrap().len(), 10);
    assert_eq!(looked["includes_yours"], false);
    assert!(valid(&world, &secrets[0]["secret"]).await, "a preview changes nothing");

    let confirmed = json!({ "filter": filter, "confirm": looked["confirm"], "reason": "leaked CI" });
    let receipt = world.post(&session, REVOKE, confirmed.clone()).await.ok(200);
    assert_eq!((&receipt["revoked"], &receipt["count"]), (&json!(true), &json!(10)));
    for (n, token) in secrets.iter().enumerate() {
        assert_eq!(valid(&world, &token["secret"]).await, n >= 10, "{n}");
    }
    let shown =
        world.get(&session, &format!("{TOKENS}/{}", secrets[3]["id"].as_str().unwrap())).await.ok(200);
    assert_eq!((&shown["status"], &shown["version"]), (&json!("revoked"), &json!(2)));

    // The journal tells each account which of its tokens it were, and the server what was asked.
    let seq = receipt["journal"].as_i64().unwrap();
    let entries = world.desk.store().journal(seq - 2, 10).await.unwrap();
    let [account, server] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((account.action.as_str(), server.action.as_str()), ("tokens.revoked", "tokens.revoked"));
    assert_eq!(account.account.as_ref().map(ToString::to_string).as_deref(), Some("acme"));
    assert_eq!(server.account, None);
    let (told, all) = (account.payload.as_ref().unwrap(), server.payload.as_ref().unwrap());
    let ids: BTreeSet<&str> = secrets[..10].iter().filter_map(|token| token["id"].as_str()).collect();
    let told_ids = told["tokens"].as_array().unwrap().iter().filter_map(Value::as_str);
    assert_eq!(told_ids.collect::<BTreeSet<_>>(), ids);
    assert_eq!((&all["count"], &all["reason"]), (&json!(10), &json!("leaked CI")));
    assert_eq!((&all["filter"], &all["accounts"]), (&filter, &json!({ "acme": 10 })));

    // Nothing matches any more: what was confirmed is not there to be revoked again.
    world.post(&session, REVOKE, confirmed).await.refused(422, "confirmation_required");
    let again = world.post(&session, REVOKE, json!({ "filter": filter, "preview": true })).await.ok(200);
    assert_eq!((&again["count"], &again["confirm"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn nothing_is_revoked_but_what_was_looked_at() {
    let world = World::of("default").await;
    let session = world.session().await;
    let create = async |name: &str| {
        let body = json!({ "name": name, "permission": { "inherit": true }, "expires_in": "30d" });
        world.post(&session, TOKENS, body).await.ok(201)
    };
    let first = create("ci 1").await;
    let filter = json!({ "q": "ci" });
    let looked = world.post(&session, REVOKE, json!({ "filter": filter, "preview": true })).await.ok(200);
    let confirm = &looked["confirm"];
    let send = async |body: Value| world.post(&session, REVOKE, body).await;
    // Another filter, no look at all, both at once, and something that was made up.
    for body in [
        json!({ "filter": {}, "confirm": confirm }),
        json!({ "filter": { "q": "c" }, "confirm": confirm }),
        json!({ "filter": filter }),
        json!({ "filter": filter, "confirm": "00" }),
        json!({ "filter": filter, "confirm": "" }),
    ] {
        send(body).await.refused(422, "confirmation_required");
    }
    send(json!({ "filter": filter, "confirm": confirm, "preview": true }))
        .await
        .refused(422, "invalid_field");
    send(json!({ "filter": { "colour": "red" }, "preview": true })).await.refused(400, "bad_request");
    let problem =
        send(json!({ "filter": { "node": "x" }, "preview": true })).await.refused(422, "invalid_field");
    assert_eq!(problem["errors"][0]["field"], "filter.node");
    // One that came after the look.
    let second = create("ci 2").await;
    send(json!({ "filter": filter, "confirm": confirm })).await.refused(422, "confirmation_required");
    assert!(valid(&world, &first["secret"]).await && valid(&world, &second["secret"]).await);
    // The operator's own session is told of, and can be revoked with the rest.
    let looked = send(json!({ "filter": { "kind": "ses" }, "preview": true })).await.ok(200);
    assert_eq!(looked["includes_yours"], true);
    send(json!({ "filter": { "kind": "ses" }, "confirm": looked["confirm"] })).await.ok(200);
    world.get(&session, "/v1/tokens").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn what_a_revoked_token_replaced_ends_with_it() {
    let world = World::of("default").await;
    let session = world.session().await;
    let body = json!({ "name": "old", "permission": { "inherit": true }, "expires_in": "30d" });
    let old = world.post(&session, TOKENS, body).await.ok(201);
    let rotate = format!("{TOKENS}/{}/rotate", old["id"].as_str().unwrap());
    let new = world.post(&session, &rotate, json!({ "grace": "2 hours" })).await.ok(201);
    assert!(valid(&world, &old["secret"]).await);
    let filter = json!({ "q": new["id"] });
    let looked = world.post(&session, REVOKE, json!({ "filter": filter, "preview": true })).await.ok(200);
    assert_eq!(looked["count"], 2);
    world.post(&session, REVOKE, json!({ "filter": filter, "confirm": looked["confirm"] })).await.ok(200);
    assert!(!valid(&world, &old["secret"]).await && !valid(&world, &new["secret"]).await);
}

#[tokio::test]
async fn nobody_but_an_operator_revokes_by_filter() {
    let world = World::of("default").await;
    let session = world.session().await;
    let member =
        json!({ "name": "Bob", "email": "bob@example.com", "role": "Owner", "password": common::PASSWORD });
    world.post(&session, "/v1/accounts/acme/members", member).await.ok(201);
    let login = json!({ "email": "bob@example.com", "password": common::PASSWORD });
    let bob = world.post("", "/v1/sessions", login).await.ok(201);
    let looked = world.post(&session, REVOKE, json!({ "filter": {}, "preview": true })).await.ok(200);
    for caller in [bob["token"].as_str().unwrap(), &world.key] {
        for body in
            [json!({ "filter": {}, "preview": true }), json!({ "filter": {}, "confirm": looked["confirm"] })]
        {
            world.post(caller, REVOKE, body).await.refused(403, "forbidden");
        }
    }
}
