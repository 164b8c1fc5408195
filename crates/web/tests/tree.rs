//! The account tree over HTTP: accounts edited and closed, nodes, roles at nodes, installations.

mod common;

use axum::http::Method;
use common::World;
use serde_json::{Value, json};

const ACME: &str = "/v1/accounts/acme";

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// Cockpit's tree, and somebody who runs one organization of it, signed in.
async fn cockpit() -> (World, String) {
    let world = World::of("cockpit").await;
    for path in ["/sales", "/sales/prod", "/lab"] {
        world.post(&world.admin, &format!("{ACME}/nodes"), json!({ "path": path })).await.ok(201);
    }
    let ola = json!({
        "name": "Ola",
        "email": "ola@example.com",
        "password": common::PASSWORD,
        "bindings": [{ "role": "ORGANIZATION_PRIMARY_OWNER", "node": "/sales" }],
    });
    let made = world.post(&world.admin, &format!("{ACME}/members"), ola).await.ok(201);
    assert_eq!((&made["role"], &made["bindings"][0]["node"]), (&json!(""), &json!("/sales")));
    let login = json!({ "email": "ola@example.com", "password": common::PASSWORD });
    let ola = text(&world.post("", "/v1/sessions", login).await.ok(201), "token");
    (world, ola)
}

#[tokio::test]
async fn a_node_is_found_by_its_path_however_its_slashes_are_written_and_renamed() {
    let (world, ola) = cockpit().await;
    let nodes = format!("{ACME}/nodes");
    let prod = world.get(&world.admin, &format!("{nodes}/sales/prod")).await.ok(200);
    assert_eq!((&prod["path"], &prod["level"]), (&json!("/sales/prod"), &json!("environment")));
    for same in ["sales%2Fprod", "%2Fsales%2Fprod"] {
        assert_eq!(world.get(&world.admin, &format!("{nodes}/{same}")).await.ok(200), prod);
    }
    let root = world.get(&world.admin, &format!("{nodes}/%2F")).await.ok(200);
    assert_eq!((&root["level"], &root["parent"]), (&json!("account"), &Value::Null));
    for bad in ["sales/prod/", "sales//prod", "Sales", "sales/nowhere", "..", "%ff"] {
        world.get(&world.admin, &format!("{nodes}/{bad}")).await.refused(404, "not_found");
    }
    let patch = async |by: &str, path: &str, body: Value| {
        world.ask(by, Method::PATCH, &format!("{nodes}/{path}"), Some(body)).await
    };
    let renamed = patch(&ola, "sales/prod", json!({ "name": "Production", "version": 1 })).await.ok(200);
    assert_eq!((&renamed["name"], &renamed["version"]), (&json!("Production"), &json!(2)));
    assert_eq!(world.get(&ola, &format!("{nodes}/sales/prod")).await.ok(200), renamed);
    patch(&ola, "sales/prod", json!({ "name": "Prod", "version": 1 })).await.refused(409, "conflict");
    patch(&ola, "sales/prod", json!({ "path": "/sales/x" })).await.refused(400, "bad_request");
    // Beside her part there is nothing to find out: what is there and what is not look alike.
    for path in ["lab", "nowhere"] {
        patch(&ola, path, json!({ "name": "Mine" })).await.refused(403, "forbidden");
        world.get(&ola, &format!("{nodes}/{path}")).await.refused(403, "forbidden");
    }
    let listed = world.get(&ola, &nodes).await.ok(200);
    let paths: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|node| &node["path"]).collect();
    assert_eq!(paths, ["/sales", "/sales/prod"]);
}

#[tokio::test]
async fn roles_are_given_at_nodes_by_whoever_runs_them() {
    let (world, ola) = cockpit().await;
    let members = format!("{ACME}/members");
    let uma = json!({ "name": "Uma", "bindings": [{ "role": "ENVIRONMENT_USER", "node": "/sales/prod" }] });
    let made = world.post(&ola, &members, uma).await;
    let place = made.head("location").unwrap().to_owned();
    made.ok(201);
    let patch = async |body: Value| world.ask(&ola, Method::PATCH, &place, Some(body)).await;
    let roles = |role: &str, node: &str| json!({ "bindings": [{ "role": role, "node": node }] });
    let moved = patch(roles("ORGANIZATION_USER", "/sales")).await.ok(200);
    assert_eq!(moved["bindings"], json!([{ "role": "ORGANIZATION_USER", "node": "/sales" }]));
    patch(roles("ORGANIZATION_USER", "/lab")).await.refused(403, "forbidden");
    patch(roles("ORGANIZATION_USER", "/nowhere")).await.refused(403, "forbidden");
    patch(roles("ACCOUNT_PRIMARY_OWNER", "/sales")).await.refused(403, "forbidden");
    patch(json!({ "role": "ACCOUNT_USER" })).await.refused(403, "forbidden");
    for (body, field) in [
        (roles("ORGANIZATION_USER", "/sales/nowhere"), "bindings"),
        (roles("NOBODY", "/sales"), "bindings"),
        (roles("ORGANIZATION_USER", "sales"), "bindings[0].node"),
        (json!({ "bindings": [] }), "role"),
        (json!({ "bindings": [], "role": "ACCOUNT_USER" }), "bindings"),
    ] {
        assert_eq!(patch(body).await.refused(422, "invalid_field")["errors"][0]["field"], field);
    }
    patch(json!({ "bindings": [{ "role": "ACCOUNT_USER", "node": "/", "all": true }] }))
        .await
        .refused(400, "bad_request");
    // She sees those who are in her part, and for the others it is as if they were not there.
    let seen = world.get(&ola, &members).await.ok(200);
    let names: Vec<&Value> = seen["items"].as_array().unwrap().iter().map(|member| &member["name"]).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let everybody = world.get(&world.admin, &members).await.ok(200);
    let ada = everybody["items"].as_array().unwrap().iter().find(|member| member["name"] == "Ada").unwrap();
    world.get(&ola, &format!("{members}/{}", text(ada, "id"))).await.refused(404, "not_found");
    world.post(&ola, &format!("{place}/deactivate"), json!({})).await.ok(200);
    world.ask(&ola, Method::DELETE, &place, None).await.ok(200);
    // Service accounts likewise.
    let robot =
        json!({ "name": "robot", "bindings": [{ "role": "ENVIRONMENT_USER", "node": "/sales/prod" }] });
    let robot = world.post(&ola, &format!("{ACME}/service-accounts"), robot).await.ok(201);
    assert_eq!(robot["bindings"][0]["role"], "ENVIRONMENT_USER");
    let role = json!({ "name": "robot", "role": "ACCOUNT_USER" });
    world.post(&ola, &format!("{ACME}/service-accounts"), role).await.refused(403, "forbidden");
}

#[tokio::test]
async fn installations_are_made_linked_and_forgotten_where_one_may() {
    let (world, ola) = cockpit().await;
    let all = format!("{ACME}/installations");
    let body = json!({ "name": "eu-1", "nodes": ["/sales/prod", "/lab"] });
    let made = world.post(&world.admin, &all, body).await;
    let place = made.head("location").unwrap().to_owned();
    let made = made.ok(201);
    assert_eq!(made["nodes"], json!(["/lab", "/sales/prod"]));
    assert_eq!(world.get(&ola, &place).await.ok(200), made);
    let hidden = json!({ "name": "us-1", "nodes": ["/lab"] });
    let hidden = text(&world.post(&world.admin, &all, hidden).await.ok(201), "id");
    let listed = world.get(&ola, &all).await.ok(200);
    assert_eq!(listed["items"], json!([made]));
    let missing = world.get(&ola, &format!("{all}/ins_0123456789ab")).await.text;
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(world.ask(&ola, method, &format!("{all}/{hidden}"), None).await.text, missing);
    }
    let patch = async |by: &str, body: Value| world.ask(by, Method::PATCH, &place, Some(body)).await;
    patch(&ola, json!({ "nodes": ["/sales/prod"] })).await.refused(403, "forbidden");
    patch(&ola, json!({ "name": "mine" })).await.refused(403, "forbidden");
    let linked = patch(&ola, json!({ "nodes": ["/sales", "/lab"], "version": 1 })).await.ok(200);
    assert_eq!((&linked["nodes"], &linked["version"]), (&json!(["/lab", "/sales"]), &json!(2)));
    patch(&ola, json!({ "nodes": ["/sales"], "version": 1 })).await.refused(409, "conflict");
    for (nodes, field) in
        [(json!(["/nowhere"]), "nodes"), (json!(["/lab", "/lab"]), "nodes"), (json!(["lab"]), "nodes[0]")]
    {
        let problem = patch(&world.admin, json!({ "nodes": nodes })).await.refused(422, "invalid_field");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    world.ask(&ola, Method::DELETE, &place, None).await.refused(403, "forbidden");
    world.ask(&world.admin, Method::DELETE, &place, None).await.ok(200);
    world.get(&world.admin, &place).await.refused(404, "not_found");
}

#[tokio::test]
async fn nodes_and_installations_are_listed_a_page_at_a_time() {
    let (world, ola) = cockpit().await;
    for nodes in [json!(["/lab"]), json!(["/sales"]), json!(["/lab"]), json!(["/sales/prod"])] {
        let body = json!({ "name": "eu-1", "nodes": nodes });
        world.post(&world.admin, &format!("{ACME}/installations"), body).await.ok(201);
    }
    let everything = async |by: &str, what: &str, name: &str| {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(by, &format!("{ACME}/{what}?limit=1{cursor}")).await.ok(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 1);
            seen.extend(items.iter().map(|item| text(item, name)));
            let Some(next) = page["next_cursor"].as_str() else { return seen };
            cursor = format!("&cursor={next}");
        }
    };
    assert_eq!(everything(&world.admin, "nodes", "path").await, ["/lab", "/sales", "/sales/prod"]);
    assert_eq!(everything(&ola, "nodes", "path").await, ["/sales", "/sales/prod"]);
    let mut all = everything(&world.admin, "installations", "id").await;
    assert_eq!((all.len(), everything(&ola, "installations", "id").await.len()), (4, 2));

    // One that is forgotten meanwhile does not end the list.
    let first = world.get(&world.admin, &format!("{ACME}/installations?limit=1")).await.ok(200);
    let gone = format!("{ACME}/installations/{}", all.remove(0));
    world.ask(&world.admin, Method::DELETE, &gone, None).await.ok(200);
    let next = format!("{ACME}/installations?limit=1&cursor={}", text(&first, "next_cursor"));
    assert_eq!(text(&world.get(&world.admin, &next).await.ok(200)["items"][0], "id"), all[0]);
    let other = next.replace("installations?", "nodes?");
    world.get(&world.admin, &other).await.refused(400, "bad_request");
}

#[tokio::test]
async fn a_login_for_a_part_of_the_tree_sees_the_tokens_there() {
    let world = World::of("default").await;
    for path in ["/sales", "/sales-2"] {
        world.post(&world.admin, &format!("{ACME}/nodes"), json!({ "path": path })).await.ok(201);
    }
    let session = world.session().await;
    let mut ids = Vec::new();
    for place in ["/", "/sales", "/sales-2"] {
        let body = json!({ "name": place, "node": place });
        let made = world.post(&session, &format!("{ACME}/tokens"), body).await.ok(201);
        ids.push(text(&made, "id"));
    }
    let login = json!({ "email": common::ADMIN, "password": common::PASSWORD, "node": "/sales" });
    let part = text(&world.post("", "/v1/sessions", login).await.ok(201), "token");
    for query in ["", "?sort=last_used_at", "?status=active", "?q=sales"] {
        let listed = world.get(&part, &format!("{ACME}/tokens{query}")).await.ok(200);
        let listed: Vec<String> =
            listed["items"].as_array().unwrap().iter().map(|token| text(token, "name")).collect();
        assert_eq!(listed, ["/sales"], "{query}");
    }
    world.get(&part, &format!("{ACME}/tokens/{}", ids[1])).await.ok(200);
    for hidden in [&ids[0], &ids[2]] {
        world.get(&part, &format!("{ACME}/tokens/{hidden}")).await.refused(404, "not_found");
        let revoke = format!("{ACME}/tokens/{hidden}/revoke");
        world.post(&part, &revoke, json!({})).await.refused(404, "not_found");
    }
    // Nor is it the operator, whoever has signed in.
    let service = json!({ "name": "x", "scopes": ["verify"] });
    world.post(&part, "/v1/services", service.clone()).await.refused(403, "forbidden");
    world.post(&session, "/v1/services", service).await.ok(201);
}

#[tokio::test]
async fn nobody_waits_under_a_users_name_for_the_product_to_raise_them() {
    let (world, ola) = cockpit().await;
    let members = format!("{ACME}/members");
    let boss = json!({
        "name": "Boss",
        "email": "m@evil.example",
        "password": common::PASSWORD,
        "external_id": "u-8",
        "bindings": [{ "role": "ENVIRONMENT_USER", "node": "/sales/prod" }],
    });
    let problem = world.post(&ola, &members, boss.clone()).await.refused(403, "forbidden");
    assert_eq!(problem["errors"][0]["field"], "external_id");
    let robot = json!({
        "name": "robot",
        "external_id": "u-9",
        "bindings": [{ "role": "ENVIRONMENT_USER", "node": "/sales/prod" }],
    });
    world.post(&ola, &format!("{ACME}/service-accounts"), robot).await.refused(403, "forbidden");
    let login = json!({ "email": "m@evil.example", "password": common::PASSWORD });
    let put = json!({ "name": "Boss", "role": "ACCOUNT_PRIMARY_OWNER" });
    for name in ["u-8", "u-9"] {
        let path = format!("{members}/by-external-id/{name}");
        world.ask(&world.admin, Method::PUT, &path, Some(put.clone())).await.ok(201);
    }
    world.post("", "/v1/sessions", login.clone()).await.refused(401, "unauthenticated");
    // Who may give any role may say who it is, and lets them sign in as well.
    let mut own = boss;
    own["external_id"] = json!("u-10");
    world.post(&world.admin, &members, own).await.ok(201);
    world.post("", "/v1/sessions", login).await.ok(201);
}

#[tokio::test]
async fn an_account_is_edited_closed_and_reopened() {
    let world = World::of("default").await;
    let umbra = "/v1/accounts/umbra";
    let create = json!({ "id": "umbra", "name": "Umbra", "external_id": "c-1" });
    let made = world.post(&world.admin, "/v1/accounts", create.clone()).await.ok(201);
    assert_eq!(made["levels"], json!(["account", "project"]));
    let again = json!({ "id": "umbra-2", "name": "Umbra", "external_id": "c-1" });
    world.post(&world.admin, "/v1/accounts", again).await.refused(409, "name_taken");
    let owner =
        json!({ "name": "Ola", "email": "ola@example.com", "role": "Owner", "password": common::PASSWORD });
    world.post(&world.admin, &format!("{umbra}/members"), owner).await.ok(201);
    let login = json!({ "email": "ola@example.com", "password": common::PASSWORD });
    let ola = text(&world.post("", "/v1/sessions", login.clone()).await.ok(201), "token");
    let token = world.post(&ola, &format!("{umbra}/tokens"), json!({ "name": "ci" })).await.ok(201);

    let patch =
        async |by: &str, path: &str, body: Value| world.ask(by, Method::PATCH, path, Some(body)).await;
    let edited =
        patch(&ola, umbra, json!({ "name": "Umbra Corp", "metadata": { "plan": "gold" } })).await.ok(200);
    assert_eq!((&edited["name"], &edited["metadata"]["plan"]), (&json!("Umbra Corp"), &json!("gold")));
    let problem = patch(&ola, umbra, json!({ "external_id": "c-2" })).await.refused(403, "forbidden");
    assert_eq!(problem["errors"][0]["field"], "external_id");
    for body in [json!({ "active": false }), json!({ "active": true })] {
        patch(&ola, umbra, body).await.refused(403, "forbidden");
    }
    let found = patch(&world.admin, umbra, json!({ "external_id": "c-2" })).await.ok(200);
    assert_eq!(found["external_id"], "c-2");
    patch(&world.admin, ACME, json!({ "external_id": "c-2" })).await.refused(409, "name_taken");
    let mixed = json!({ "active": false, "name": "x" });
    patch(&world.admin, umbra, mixed).await.refused(422, "invalid_field");
    patch(&ola, ACME, json!({ "name": "Ours" })).await.refused(404, "not_found");
    patch(&world.admin, "/v1/accounts/nobody", json!({ "name": "x" })).await.refused(404, "not_found");
    patch(&world.admin, umbra, json!({ "name": "x", "version": 1 })).await.refused(409, "conflict");

    let ask = json!({ "token": token["secret"] });
    let closed = world.post(&world.admin, &format!("{umbra}/deactivate"), json!({})).await.ok(200);
    assert_eq!(closed["active"], false);
    assert_eq!(world.post(&world.key, "/v1/verify", ask.clone()).await.ok(200)["code"], "suspended");
    world.get(&ola, umbra).await.refused(401, "unauthenticated");
    world.post("", "/v1/sessions", login.clone()).await.refused(401, "unauthenticated");
    world.post(&world.admin, &format!("{umbra}/deactivate"), json!({})).await.ok(200);
    assert_eq!(patch(&world.admin, umbra, json!({ "active": true })).await.ok(200)["active"], true);
    assert_eq!(world.post(&world.key, "/v1/verify", ask).await.ok(200)["valid"], true);
    world.get(&ola, umbra).await.ok(200);
    // Nobody locks the door behind themselves.
    world.post(&world.admin, &format!("{ACME}/deactivate"), json!({})).await.refused(409, "wrong_state");
    world.post(&ola, &format!("{umbra}/deactivate"), json!({})).await.refused(403, "forbidden");
}

#[tokio::test]
async fn notices_tell_what_falls_due_to_those_who_may_see_it() {
    let world = World::of("default").await;
    let notices = format!("{ACME}/notices");
    let session = world.session().await;
    let vic =
        json!({ "name": "Vic", "email": "vic@example.com", "role": "Viewer", "password": common::PASSWORD });
    world.post(&world.admin, &format!("{ACME}/members"), vic).await.ok(201);
    let login = json!({ "email": "vic@example.com", "password": common::PASSWORD });
    let vic = text(&world.post("", "/v1/sessions", login).await.ok(201), "token");
    for (by, name, life) in [
        (&session, "far", "31d"),
        (&session, "near", "5d"),
        (&session, "noticed", "20d"),
        (&vic, "vic's", "6d"),
    ] {
        let body = json!({ "name": name, "expires_in": life, "permission": { "role": "Viewer" } });
        world.post(by, &format!("{ACME}/tokens"), body).await.ok(201);
    }
    let told = world.get(&session, &notices).await.ok(200);
    let due: Vec<(&str, &Value, &Value)> = told["due"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| (token["name"].as_str().unwrap(), &token["notice"], &token["badge"]))
        .collect();
    let (yes, no) = (json!(true), json!(false));
    let days = [json!(7), json!(30)];
    assert_eq!(
        due,
        [("near", &days[0], &yes), ("vic's", &days[0], &yes), ("noticed", &days[1], &no)],
        "the nearest first"
    );
    assert_eq!((&told["badge_count"], &told["more"], &told["mail"]), (&json!(2), &no, &yes));
    assert_eq!(
        told["policy"],
        json!({ "days": [30, 7, 1], "to": ["holder", "managers"], "badge": "7 days", "mail": true })
    );
    let own = world.get(&vic, &notices).await.ok(200);
    assert_eq!((own["due"].as_array().unwrap().len(), &own["badge_count"]), (1, &json!(1)));

    let patch = async |by: &str, body: Value| world.ask(by, Method::PATCH, &notices, Some(body)).await;
    assert_eq!(patch(&vic, json!({ "mail": false })).await.ok(200)["mail"], false);
    assert_eq!(world.get(&vic, &notices).await.ok(200)["mail"], false);
    assert_eq!(world.get(&session, &notices).await.ok(200)["mail"], true, "each their own");
    assert_eq!(patch(&vic, json!({ "mail": null })).await.ok(200)["mail"], true);
    patch(&vic, json!({ "mail": "no" })).await.refused(422, "invalid_field");
    patch(&vic, json!({ "holder": "x" })).await.refused(400, "bad_request");
    let token = json!({ "name": "ci", "permission": { "inherit": true } });
    let token = text(&world.post(&session, &format!("{ACME}/tokens"), token).await.ok(201), "secret");
    patch(&token, json!({ "mail": false })).await.refused(403, "forbidden");
}
