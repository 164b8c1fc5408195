//! A service that acts for a member, by `Jeton-Actor`: what it may do as them, and where it is refused.

mod common;

use axum::http::Method;
use common::{Reply, World};
use serde_json::{Value, json};

/// `acme` with a member Vic, known to the product as `u-7`, and a service that may act for members.
struct Stage {
    world: World,
    vic: Value,
    key: String,
    service: String,
}

const TOKENS: &str = "/v1/accounts/acme/tokens";

impl Stage {
    async fn set() -> Stage {
        Stage::of(json!({ "name": "backend", "scopes": ["act_as"] })).await
    }

    async fn of(service: Value) -> Stage {
        let world = World::of("default").await;
        let vic = json!({ "name": "Vic", "role": "Member", "external_id": "u-7" });
        let vic = world.post(&world.admin, "/v1/accounts/acme/members", vic).await.ok(201);
        let made = world.post(&world.admin, "/v1/services", service).await.ok(201);
        let (key, service) = (text(&made, "secret"), text(&made, "id"));
        Stage { world, vic, key, service }
    }

    async fn ask(&self, actor: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.world.ask_with(&self.key, &[("jeton-actor", actor)], method, path, body).await
    }

    async fn get(&self, actor: &str, path: &str) -> Reply {
        self.ask(actor, Method::GET, path, None).await
    }

    async fn create(&self, actor: &str, name: &str) -> Reply {
        self.ask(actor, Method::POST, TOKENS, Some(json!({ "name": name }))).await
    }

    /// Who did the last thing, as the journal has it.
    async fn last_actor(&self) -> String {
        let store = self.world.desk.store();
        let end = store.health().position;
        store.journal(end - 1, 1).await.unwrap().remove(0).actor
    }
}

fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_is_the_members_whom_it_names_by_either_name() {
    let stage = Stage::set().await;
    let vic = text(&stage.vic, "id");
    for actor in [vic.as_str(), "u-7"] {
        let made = stage.create(actor, "CI").await.ok(201);
        assert_eq!((&made["holder"]["id"], &made["issued_by"]["id"]), (&stage.vic["id"], &stage.vic["id"]));
        assert_eq!(stage.last_actor().await, format!("{vic} via {}", stage.service));
        let ask = json!({ "token": made["secret"] });
        let verdict = stage.world.post(&stage.world.key, "/v1/verify", ask).await.ok(200);
        assert_eq!((&verdict["valid"], &verdict["holder"]["external_id"]), (&json!(true), &json!("u-7")));
    }
    assert_eq!(stage.get(&vic, TOKENS).await.ok(200)["items"].as_array().unwrap().len(), 2, "only Vic's");
    // What a member may not do, a service may not do as one.
    stage.get(&vic, "/v1/accounts/acme").await.ok(200);
    let role = json!({ "name": "Reader", "permissions": ["devices:read"] });
    stage.ask(&vic, Method::POST, "/v1/accounts/acme/roles", Some(role)).await.refused(403, "forbidden");
}

#[tokio::test]
async fn an_external_id_may_have_any_letters() {
    let stage = Stage::set().await;
    let body = json!({ "name": "Zoë", "role": "Member", "external_id": "kundin/zoë 7" });
    stage.world.post(&stage.world.admin, "/v1/accounts/acme/members", body).await.ok(201);
    stage.create("kundin/zoë 7", "CI").await.ok(201);
}

#[tokio::test]
async fn whoever_is_unknown_deactivated_or_gone_is_refused_alike() {
    let stage = Stage::set().await;
    let vic = text(&stage.vic, "id");
    let robot = json!({ "name": "robot", "role": "Member", "external_id": "r-1" });
    stage.world.post(&stage.world.admin, "/v1/accounts/acme/service-accounts", robot).await.ok(201);
    let unknown = stage.create("u-8", "x").await;
    let said = unknown.text.clone();
    unknown.refused(403, "forbidden");
    for nobody in ["mem_0123456789ab", "r-1", "", "x\u{200B}y"] {
        assert_eq!(stage.create(nobody, "x").await.text, said, "{nobody:?}");
    }
    let place = format!("/v1/accounts/acme/members/{vic}");
    let admin = stage.world.admin.clone();
    stage.world.post(&admin, &format!("{place}/deactivate"), json!({})).await.ok(200);
    assert_eq!(stage.create("u-7", "x").await.text, said);
    stage.world.post(&admin, &format!("{place}/reactivate"), json!({})).await.ok(200);
    stage.create("u-7", "x").await.ok(201);
    stage.world.ask(&admin, Method::DELETE, &place, None).await.ok(200);
    assert_eq!(stage.create("u-7", "x").await.text, said);
    assert_eq!(stage.create(&vic, "x").await.text, said);
}

#[tokio::test]
async fn the_header_is_refused_where_it_means_nothing() {
    let stage = Stage::set().await;
    let vic = text(&stage.vic, "id");
    let world = &stage.world;
    for path in ["/v1/accounts", "/v1/sessions", "/v1/tokens/self", "/v1/services"] {
        stage.get(&vic, path).await.refused(400, "bad_request");
    }
    let ask = json!({ "token": "x" });
    stage.ask(&vic, Method::POST, "/v1/verify", Some(ask)).await.refused(400, "bad_request");
    let header = [("jeton-actor", vic.as_str())];
    // Beside a token of one's own, and by a service that may only verify.
    world.ask_with(&world.admin, &header, Method::GET, TOKENS, None).await.refused(403, "forbidden");
    world.ask_with(&world.key, &header, Method::GET, TOKENS, None).await.refused(403, "forbidden");
    let twice = [header[0], header[0]];
    world.ask_with(&stage.key, &twice, Method::GET, TOKENS, None).await.refused(400, "bad_request");
    world.ask_with("x", &twice, Method::GET, TOKENS, None).await.refused(401, "unauthenticated");
    // Without it a service is nobody in the account.
    world.get(&stage.key, TOKENS).await.refused(403, "forbidden");
}

#[tokio::test]
async fn no_operator_comes_through_a_service() {
    let stage = Stage::set().await;
    let world = &stage.world;
    let admin = world.get(&world.admin, "/v1/tokens/self").await.ok(200);
    let ada = text(&admin["holder"], "id");
    stage.get(&ada, "/v1/accounts/acme/policy").await.ok(200);
    let umbra = json!({ "id": "umbra", "name": "Umbra" });
    world.post(&world.admin, "/v1/accounts", umbra).await.ok(201);
    // She is not of this account, and through a service she does not run the server.
    stage.get(&ada, "/v1/accounts/umbra").await.refused(403, "forbidden");
    let rotate = format!("{TOKENS}/{}/rotate", text(&admin, "id"));
    stage.ask(&ada, Method::POST, &rotate, Some(json!({}))).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_service_for_some_accounts_acts_in_no_other() {
    let world = World::of("default").await;
    let umbra = json!({ "id": "umbra", "name": "Umbra" });
    world.post(&world.admin, "/v1/accounts", umbra).await.ok(201);
    let limited = json!({ "name": "backend", "scopes": ["act_as"], "accounts": ["umbra"] });
    let key = text(&world.post(&world.admin, "/v1/services", limited).await.ok(201), "secret");
    let ada = text(&world.get(&world.admin, "/v1/tokens/self").await.ok(200)["holder"], "id");
    let ask =
        async |path: &str| world.ask_with(&key, &[("jeton-actor", &ada)], Method::GET, path, None).await;
    let missing = ask("/v1/accounts/none/tokens").await;
    let said = missing.text.clone();
    missing.refused(404, "not_found");
    assert_eq!(ask(TOKENS).await.text, said);
    // Here it may look, and finds nobody of that name.
    ask("/v1/accounts/umbra/tokens").await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_service_that_ends_acts_no_more_and_keeps_its_answers_to_itself() {
    let stage = Stage::set().await;
    let world = &stage.world;
    let other = json!({ "name": "other", "scopes": ["act_as"] });
    let other = text(&world.post(&world.admin, "/v1/services", other).await.ok(201), "secret");
    let headers = [("jeton-actor", "u-7"), ("idempotency-key", "one-two-three-four-five-six")];
    let body = || Some(json!({ "name": "once" }));
    let once = world.ask_with(&stage.key, &headers, Method::POST, TOKENS, body()).await.ok(201);
    let again = world.ask_with(&stage.key, &headers, Method::POST, TOKENS, body()).await.ok(201);
    assert_eq!(once, again);
    let others = world.ask_with(&other, &headers, Method::POST, TOKENS, body()).await.ok(201);
    assert_ne!(once["id"], others["id"]);
    let path = format!("/v1/services/{}", stage.service);
    world.ask(&world.admin, Method::DELETE, &path, None).await.ok(200);
    stage.create("u-7", "late").await.refused(401, "unauthenticated");
}
