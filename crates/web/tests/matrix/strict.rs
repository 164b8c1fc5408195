//! Every route reads what comes strictly: nothing unknown, nothing twice, nothing else than JSON, no
//! token in its address, and no name that reads as another.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use crate::calls::{Call, Caller, Operation, Stage, operations, text, unknown};
use crate::common::{Reply, World};

/// Whoever gets as far as the body: an operator, or the service whose route it is.
async fn right_callers(world: &World) -> impl Fn(&Operation) -> Caller {
    let operator = world.session().await;
    let key = |scope: &'static str| async move {
        let made =
            world.post(&world.admin, "/v1/services", json!({ "name": scope, "scopes": [scope] })).await;
        text(&made.ok(201), "secret")
    };
    let (verify, provision, act_as) = (key("verify").await, key("provision").await, key("act_as").await);
    let vic = json!({ "name": "Vic", "role": "Viewer", "external_id": "u-strict" });
    let vic = text(&world.post(&world.admin, "/v1/accounts/acme/members", vic).await.ok(201), "id");
    move |operation: &Operation| {
        let (credential, acts_for) = match operation.who.as_str() {
            "service:verify" => (verify.clone(), None),
            "service:provision" => (provision.clone(), None),
            "service:act_as" => (act_as.clone(), Some(vic.clone())),
            _ => (operator.clone(), None),
        };
        Caller { credential, acts_for, ..Caller::default() }
    }
}

struct Asked {
    operation: Operation,
    by: Caller,
    call: Call,
}

impl Asked {
    /// The same call with a body of any bytes.
    async fn with(&self, world: &World, content_type: &str, body: impl Into<Body>) -> Reply {
        let mut request = Request::builder()
            .method(self.operation.method.clone())
            .uri(&self.call.path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.by.credential))
            .header("content-type", content_type);
        if let Some(actor) = &self.by.acts_for {
            request = request.header("jeton-actor", actor);
        }
        world.send(request.body(body.into()).unwrap()).await
    }

    async fn at(&self, world: &World, path: String) -> Reply {
        self.by.calls(world, &self.operation.method, &Call { path, ..self.call.clone() }).await
    }
}

/// One call of every route.
async fn every(world: &World) -> Vec<Asked> {
    let stage = Stage::set(world, "acme").await;
    let right = right_callers(world).await;
    let mut all = Vec::new();
    for operation in operations(world).await {
        let by = right(&operation);
        let call =
            stage.call(&operation, &by, false).await.unwrap_or_else(|| panic!("{}", unknown(&operation)));
        all.push(Asked { operation, by, call });
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_reads_its_body_strictly() {
    let world = World::of("default").await;
    let head = |world: &World| world.desk.store().health().position;
    let mut seen = 0;
    for asked in every(&world).await {
        let Some(body) = asked.call.body.clone().filter(|body| body.is_object()) else { continue };
        seen += 1;
        let name = asked.operation.name();
        let before = head(&world);
        let mut more = body.clone();
        more["created_by"] = json!("mem_0123456789ab");
        let whole = body.to_string();
        let inner = &whole[1..whole.len() - 1];
        let comma = if inner.is_empty() { "" } else { "," };
        let deep = format!("{{{inner}{comma}\"name\":{}1{}}}", "[".repeat(40), "]".repeat(40));
        let json = "application/json";
        let most = if name.ends_with("/by-external-id") { web::json::MAX_BATCH } else { web::json::MAX_BODY };
        for (what, bytes, status) in [
            ("an unknown field", more.to_string().into_bytes(), 400),
            ("a field twice", format!("{{\"a\":1,\"a\":1{comma}{inner}}}").into_bytes(), 400),
            ("half of it", whole.as_bytes()[..whole.len() - 1].to_vec(), 400),
            ("something after it", format!("{whole} {{}}").into_bytes(), 400),
            ("a list", b"[]".to_vec(), 400),
            ("no number", format!("{{{inner}{comma}\"cost\":NaN}}").into_bytes(), 400),
            ("half a character", format!("{{{inner}{comma}\"a\":\"\\ud800\"}}").into_bytes(), 400),
            ("bytes that are no text", [b"{\"a\":\"\xff\"}".as_slice()].concat(), 400),
            ("a deep nest", deep.into_bytes(), 400),
            ("more than it takes", format!("{{\"a\":\"{}\"}}", "x".repeat(most)).into_bytes(), 413),
        ] {
            let reply = asked.with(&world, json, bytes).await;
            // A policy names its faulty switch where other bodies have a field that is not theirs.
            let fits = reply.status == status || (what == "a list" && reply.status == 422);
            assert!(fits, "{name} with {what}: {} {}", reply.status, reply.text);
        }
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            let reply = asked.with(&world, content_type, whole.clone()).await;
            assert_eq!(reply.status, 415, "{name} as {content_type}: {}", reply.text);
        }
        assert_eq!(head(&world), before, "{name} changed something");
    }
    assert!(seen > 25, "{seen} routes with bodies");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_reads_its_query_strictly_and_takes_no_token_in_it() {
    let world = World::of("default").await;
    let secret = format!("jtn_pat_0123456789ab_{}", "A".repeat(32));
    // What is not signed is not looked at.
    for asked in every(&world).await.into_iter().filter(|asked| asked.operation.who != "github") {
        let name = asked.operation.name();
        let path = asked.call.path.split('?').next().unwrap().to_owned();
        for (query, status) in [
            ("access_token=x".to_owned(), 401),
            (format!("q={secret}"), 401),
            ("created_by=x".to_owned(), 400),
            ("limit=1&limit=1".to_owned(), 400),
            ("q=%ff".to_owned(), 400),
        ] {
            let reply = asked.at(&world, format!("{path}?{query}")).await;
            // Whoever watches over the server asks with whatever their tools add.
            let watched = asked.operation.who == "anyone" && asked.operation.method == Method::GET;
            let fits = reply.status == status || (watched && status == 400);
            assert!(fits, "{name}?{query}: {} {}", reply.status, reply.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_bounded_and_takes_no_place_that_it_did_not_give() {
    let world = World::of("default").await;
    let mut lists = 0;
    for asked in every(&world).await.iter().filter(|asked| asked.operation.query.iter().any(|p| p == "limit"))
    {
        lists += 1;
        for query in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=1e3",
            "limit=",
            "limit=18446744073709551616",
            "limit=0x10",
            "cursor=00",
            "cursor=x",
            "cursor=%F0%9F%98%80",
            "cursor=00112233445566778899aabbccddeeff2f",
        ] {
            let reply = asked.at(&world, format!("{}?{query}", asked.call.path)).await;
            assert_eq!(reply.status, 400, "{}?{query}: {}", asked.operation.name(), reply.text);
        }
        let page = asked.at(&world, format!("{}?limit=1", asked.call.path)).await.ok(200);
        assert!(page["items"].as_array().unwrap().len() <= 1, "{}: {page}", asked.operation.name());
    }
    assert!(lists >= 10, "{lists} lists");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_takes_a_name_that_reads_as_another() {
    let world = World::of("default").await;
    let bad = [
        "",
        " ",
        "a\u{0}b",
        "a\r\nBcc: x",
        "a\u{1b}[2J",
        "a\u{202e}b",
        "a\u{200b}b",
        "a\u{2066}b",
        "\u{feff}a",
    ];
    let mut seen = Vec::new();
    for asked in every(&world).await {
        let Some(body) = &asked.call.body else { continue };
        let takes_a_name = asked.operation.fields.iter().any(|field| field == "name");
        if !takes_a_name {
            continue;
        }
        let name = asked.operation.name();
        for bad in bad {
            let mut body = body.clone();
            body["name"] = json!(bad);
            let reply = asked.with(&world, "application/json", body.to_string()).await;
            let field = &reply.json["errors"][0]["field"];
            assert_eq!(
                (reply.status.as_u16(), field),
                (422, &json!("name")),
                "{name} {bad:?}: {}",
                reply.text
            );
        }
        let mut long = body.clone();
        long["name"] = json!("x".repeat(256));
        let reply = asked.with(&world, "application/json", long.to_string()).await;
        assert_eq!(reply.status, 422, "{name} with a long name: {}", reply.text);
        seen.push(name);
    }
    assert!(seen.len() > 12, "{seen:?}");
}
