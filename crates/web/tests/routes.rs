//! The table of routes as callers meet it: who may call what, and that nothing else is open.

mod common;

use axum::http::Method;
use common::World;
use serde_json::Value;

/// Method, path and who of every route, from the server's own description.
async fn declared(world: &World) -> Vec<(String, String, String)> {
    let description = world.get("", "/openapi.json").await.ok(200);
    let mut routes = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let who = operation["x-jeton-who"].as_str().unwrap().to_owned();
            let open = matches!(who.as_str(), "anyone" | "github");
            assert_eq!(operation["security"] == serde_json::json!([]), open, "{method} {path}");
            routes.push((method.to_uppercase(), path.clone(), who));
        }
    }
    routes.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    routes
}

/// A path with well-formed names in it.
fn filled(path: &str) -> String {
    let id = match path {
        path if path.contains("/members/") => "mem_0123456789ab",
        path if path.contains("/service-accounts/") => "sac_0123456789ab",
        path if path.contains("/roles/") => "rol_0123456789ab",
        path if path.contains("/services/") => "svc_0123456789ab",
        path if path.contains("/sessions/") => "ses_0123456789ab",
        path if path.contains("/installations/") => "ins_0123456789ab",
        path if path.contains("/webhooks/") => "whk_0123456789ab",
        _ => "pat_0123456789ab",
    };
    path.replace("{account}", "acme")
        .replace("{id}", id)
        .replace("{secret}", "x")
        .replace("{path}", "sales")
        .replace("{seq}", "1")
        .replace("{external_id}", "u-7")
}

#[tokio::test]
async fn the_routes_and_who_may_call_them_are_those_of_the_list() {
    let world = World::empty().await;
    let list: String = declared(&world)
        .await
        .into_iter()
        .map(|(method, path, who)| format!("{method:<7}{path:<64}{who}\n"))
        .collect();
    let expected = include_str!("routes.txt");
    assert_eq!(
        list, expected,
        "routes.txt is read by whoever reviews who may call what; it must say:\n{list}"
    );
}

#[tokio::test]
async fn every_route_that_is_not_for_anyone_answers_401_to_nobody_with_the_same_bytes() {
    let world = World::of("default").await;
    let unknown = "jtn_pat_0123456789ab_AAAAAAAAAAAAAAAAAAAAAAAAAA000000";
    let unauthenticated = world.get("", "/v1/accounts").await.text;
    for (method, path, who) in declared(&world).await.into_iter().filter(|(.., who)| who != "anyone") {
        let method: Method = method.parse().unwrap();
        for token in ["", "x", unknown, "jtn_svc_0123456789ab_x"] {
            let reply = world.ask(token, method.clone(), &filled(&path), None).await;
            let challenge = reply.head("www-authenticate").map(str::to_owned);
            assert_eq!(reply.status, 401, "{method} {path} for {who}");
            assert_eq!(reply.text, unauthenticated, "{method} {path}");
            let looked_at = !token.is_empty() && who != "github";
            let expected = if !looked_at { "Bearer" } else { "Bearer error=\"invalid_token\"" };
            assert_eq!(challenge.as_deref(), Some(expected));
        }
    }
}

#[tokio::test]
async fn no_spelling_of_a_path_opens_what_its_route_closes() {
    let world = World::of("default").await;
    for (method, path, _) in declared(&world).await.into_iter().filter(|(.., who)| who != "anyone") {
        let method: Method = method.parse().unwrap();
        let path = filled(&path);
        for spelling in [
            format!("{path}/"),
            format!("/{path}"),
            format!("{path};x"),
            format!("{path};/livez"),
            format!("{path}/."),
            format!("{path}/.."),
            format!("{path}/../livez"),
            format!("{path}%2f"),
            format!("{path}%2flivez"),
            format!("{path}%00"),
            format!("{path}%ff"),
            path.replace("/v1/", "/v1//"),
            path.replace("/v1/", "/V1/"),
            path.replace("/v1/", "/livez/../v1/"),
            path.replace("/v1/", "/%76%31/"),
        ] {
            let reply = world.ask("", method.clone(), &spelling, None).await;
            assert!(
                matches!(reply.status.as_u16(), 401 | 404 | 405),
                "{method} {spelling} answered {}",
                reply.status
            );
        }
    }
}

#[tokio::test]
async fn a_service_has_no_desk_and_a_holder_is_no_service() {
    let world = World::of("default").await;
    let viewer = {
        let body = serde_json::json!({ "name": "Vic", "role": "Viewer", "email": "vic@example.com", "password": common::PASSWORD });
        world.post(&world.admin, "/v1/accounts/acme/members", body).await.ok(201);
        let login = serde_json::json!({ "email": "vic@example.com", "password": common::PASSWORD });
        world.post("", "/v1/sessions", login).await.ok(201)["token"].as_str().unwrap().to_owned()
    };
    for (method, path, who) in declared(&world).await {
        let method: Method = method.parse().unwrap();
        let stranger = match who.as_str() {
            // Neither looks at a token.
            "anyone" | "github" => continue,
            who if who.starts_with("holder") => &world.key,
            _ => &viewer,
        };
        let reply = world.ask(stranger, method.clone(), &filled(&path), None).await;
        assert_eq!(reply.status, 403, "{method} {path} for {who}: {}", reply.text);
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_another_method_405_with_the_right_ones() {
    let world = World::empty().await;
    world.get("", "/v1").await.refused(404, "not_found");
    world.get("", "/v2/verify").await.refused(404, "not_found");
    let reply = world.get("", "/v1/verify").await;
    assert_eq!(reply.head("allow"), Some("POST"));
    reply.refused(405, "method_not_allowed");
}

#[tokio::test]
async fn the_description_is_whole() {
    let world = World::empty().await;
    let description = world.get("", "/openapi.json").await.ok(200);
    let mut ids = std::collections::HashSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}");
            let named = operation["parameters"].as_array().unwrap().iter().filter(|p| p["in"] == "path");
            assert_eq!(named.count(), path.matches('{').count(), "{path}");
        }
    }
    let mut references = Vec::new();
    collect_references(&description, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("references stay within the document");
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
