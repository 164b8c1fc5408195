//! Who may call what: no route without a declared caller, no way round by spelling, no actor from a
//! body, and nothing of another account. The rows that these tests hold stand in docs/security.md.

use std::collections::BTreeSet;

use e2e::{ACCOUNT, ADMIN, Answer, Client, Member, PASSWORD, Raw, Server, text};
use serde_json::{Value, json};

/// One operation of the contract that the server itself publishes.
#[derive(Debug, Clone)]
struct Operation {
    method: String,
    path: String,
    who: String,
}

fn operations(server: &Server) -> Vec<Operation> {
    let contract = server.anonymous().get("/openapi.json").ok(200).clone();
    let paths = contract["paths"].as_object().expect("a contract has paths").clone();
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                let who = text(&item[method], "x-jeton-who");
                found.push(Operation { method: method.to_uppercase(), path: path.clone(), who });
            }
        }
    }
    assert!(found.len() >= 30, "the contract was not read: {found:#?}");
    found
}

fn call(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    let method: ureq::http::Method = method.parse().expect("a method");
    match body {
        Value::Null => client.raw(method, path, &[], ""),
        body => client.raw(method, path, &[("Content-Type", "application/json")], &body.to_string()),
    }
}

/// The path with every parameter filled in.
fn filled(path: &str, fill: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').expect("a parameter ends");
        out.push_str(before);
        out.push_str(&fill(name.trim_start_matches('*')));
        rest = tail;
    }
    out + rest
}

/// What anybody may ask, and why that is right.
const PUBLIC: [(&str, &str); 9] = [
    ("GET /livez", "a supervisor has no token"),
    ("GET /readyz", "a supervisor has no token"),
    ("GET /openapi.json", "the contract is public"),
    ("GET /docs", "the contract is public"),
    ("POST /v1/sessions", "it takes a password"),
    ("POST /v1/credentials/revoke", "the text of a token is the proof, and the answer tells nothing"),
    ("POST /v1/sessions/refresh", "the refresh token itself is the secret"),
    ("GET /setup/{link}", "the link itself is the secret"),
    ("POST /setup/{link}", "the link itself is the secret"),
];

#[test]
fn every_route_refuses_nobody_in_particular_unless_it_is_declared_public() {
    let server = Server::start("default");
    let mut open = Vec::new();
    for operation in operations(&server) {
        let name = format!("{} {}", operation.method, operation.path);
        let path = filled(&operation.path, |name| match name {
            "account" => ACCOUNT.to_owned(),
            _ => "pat_0123456789ab".to_owned(),
        });
        let public = PUBLIC.iter().any(|(known, _)| *known == name) || operation.path.starts_with("/setup");
        for body in [Value::Null, json!({}), json!({ "name": "x", "userId": server.admin_id })] {
            let answer = call(&server.anonymous(), &operation.method, &path, &body);
            if answer.status != 401 && !public {
                open.push(format!("{name} answered {}", answer.status));
            }
            if answer.status == 401 {
                assert!(
                    answer.head("www-authenticate").is_some_and(|head| head.starts_with("Bearer")),
                    "{answer:?}"
                );
            }
        }
    }
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn no_spelling_of_a_path_is_a_way_round_the_door() {
    let server = Server::start("default");
    let token = server.create_named(&server.log_in(ADMIN).text_at("token"), "marked-canary-name");
    let id = text(&token, "id");
    let paths = [
        "/v1/accounts".to_owned(),
        "/v1/accounts/acme".to_owned(),
        "/v1/accounts/acme/tokens".to_owned(),
        format!("/v1/accounts/acme/tokens/{id}"),
        "/v1/accounts/acme/members".to_owned(),
        "/v1/services".to_owned(),
        "/v1/tokens/self".to_owned(),
    ];
    let suffixes = [
        "/",
        "//",
        "/.",
        "/..",
        "/./",
        "/RPC2",
        "/livez",
        ";livez",
        ";/livez",
        ".json",
        ".css",
        "%20",
        "%00",
        "%2f",
        "%2e",
        "/%2e%2e/livez",
        "/..%2flivez",
        "/..;/livez",
        "%0d%0a",
        "?",
        "?livez",
        "%3flivez",
        "%23",
        "\\",
        "%5c",
        "~",
        "/openapi.json",
    ];
    let prefixes =
        ["/livez/..", "/livez/%2e%2e", "/.", "//", "/docs/..;", "/openapi.json/..", "/%2e", "/livez;"];
    let cased = paths.iter().map(|path| path.to_uppercase());
    let encoded = paths.iter().map(|path| path.replace("v1", "%76%31").replace("accounts", "%61ccounts"));
    let doubled = paths.iter().map(|path| path.replace('/', "//"));
    let suffixed = paths.iter().flat_map(|path| suffixes.iter().map(move |suffix| format!("{path}{suffix}")));
    let prefixed = paths.iter().flat_map(|path| prefixes.iter().map(move |prefix| format!("{prefix}{path}")));
    for path in cased.chain(encoded).chain(doubled).chain(suffixed).chain(prefixed) {
        for more in
            ["", "X-Original-URL: /livez\r\n", "X-Rewrite-Url: /livez\r\nX-HTTP-Method-Override: OPTIONS\r\n"]
        {
            let answer = Raw::exchange(&server.url, format!("GET {path} HTTP/1.1\r\n{more}"), "");
            assert!(matches!(answer.status, 400 | 401 | 404 | 405), "{path} {more}: {answer:#?}");
            let text = answer.text();
            assert!(!text.contains("marked-canary-name") && !text.contains(ADMIN), "{path}: {text}");
        }
    }
    // Another method on the same path is no way either.
    for method in ["OPTIONS", "TRACE", "PROPFIND", "get", "GETX"] {
        let answer =
            Raw::exchange(&server.url, format!("{method} /v1/accounts/acme/tokens HTTP/1.1\r\n"), "");
        assert!(matches!(answer.status, 400 | 401 | 404 | 405 | 501), "{method}: {answer:#?}");
    }
    assert_eq!(call(&server.anonymous(), "HEAD", "/v1/accounts/acme/tokens", &Value::Null).status, 401);
}

#[test]
fn the_actor_is_the_credential_and_never_the_body_or_a_header() {
    let server = Server::start("default");
    let member = server.member("Member");
    let admin = &server.admin_id;
    for claim in ["userId", "user_id", "actor", "member", "issued_by", "account", "holder"] {
        let body = json!({ "name": "x", claim: admin });
        server.anonymous().post(&server.path("tokens"), body.clone()).refused(401, "unauthenticated");
        let answer = server.ask_for_token(&member.session, body);
        assert!(matches!(answer.status, 400 | 403 | 422), "{claim}: {answer:?}");
    }
    let claimed = server
        .as_(&member.session)
        .header("Jeton-Actor", admin)
        .header("X-Forwarded-User", ADMIN)
        .header("X-Remote-User", ADMIN)
        .post(&server.path("tokens"), json!({ "name": "mine" }));
    // Refusing the header is as good as not believing it.
    if claimed.status == 201 {
        assert_eq!(claimed.json["holder"]["id"], member.id);
        assert_eq!(claimed.json["issued_by"]["id"], member.id);
    } else {
        assert!(matches!(claimed.status, 400 | 403), "{claimed:?}");
    }
    assert!(
        server
            .tokens(&server.admin_token, "")
            .iter()
            .all(|token| token["holder"]["id"] != *admin || token["name"] == "init")
    );
}

#[test]
fn fields_that_only_the_server_sets_are_refused_and_nothing_changes() {
    let server = Server::start("default");
    let member = server.member("Member");
    let token = server.create_named(&member.session, "ci");
    let id = text(&token, "id");
    let before = server.token(&member.session, &id).ok(200).clone();
    let privileged = [
        ("id", json!("pat_0123456789ab")),
        ("secret", json!("chosen")),
        ("kind", json!("svc")),
        ("account", json!("other")),
        ("role", json!("Owner")),
        ("status", json!("active")),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("revoked_at", json!(null)),
        ("approved_at", json!("2020-01-01T00:00:00Z")),
        ("issued_by", json!(server.admin_id)),
        ("number", json!(1)),
        ("permissions", json!(["members:create"])),
        ("operator", json!(true)),
        ("desk", json!(true)),
    ];
    for (field, value) in privileged {
        let answer = server.ask_for_token(&member.session, json!({ "name": "x", field: value }));
        answer.refused(400, "bad_request");
        let path = server.path(&format!("tokens/{id}"));
        server.as_(&member.session).patch(&path, json!({ field: value })).refused(400, "bad_request");
        for action in ["rotate", "revoke"] {
            let path = server.path(&format!("tokens/{id}/{action}"));
            server.as_(&member.session).post(&path, json!({ field: value })).refused(400, "bad_request");
        }
        let join = json!({ "name": "x", "role": "Viewer", field: value });
        if field != "role" {
            server.admin().post(&server.path("members"), join).refused(400, "bad_request");
        }
    }
    assert_eq!(server.token(&member.session, &id).ok(200), &before);
    assert_eq!(server.token_names(&member.session, ""), ["ci"]);
}

#[test]
fn a_member_makes_tokens_for_nobody_but_themselves() {
    let server = Server::start("default");
    let (member, other) = (server.member("Member"), server.member("Member"));
    for holder in [&server.admin_id, &other.id] {
        let answer = server.ask_for_token(&member.session, json!({ "name": "x", "holder": holder }));
        assert!(matches!(answer.status, 403 | 422), "{answer:?}");
    }
    // A service account that may more than the member is no way up.
    let made =
        server.admin().post(&server.path("service-accounts"), json!({ "name": "root", "role": "Owner" }));
    made.ok(201);
    let ask = json!({ "name": "x", "holder": made.text_at("id"), "expires_in": "30d" });
    let answer = server.ask_for_token(&member.session, ask);
    assert!(matches!(answer.status, 403 | 422), "{answer:?}");
    assert_eq!(server.token_names(&server.admin_token, ""), ["init"]);
}

#[test]
fn a_token_does_not_make_tokens_unless_the_policy_reaches_everything() {
    let server = Server::start("default");
    let session = server.log_in(ADMIN).text_at("token");
    let secret =
        text(&server.create(&session, json!({ "name": "all", "permission": { "inherit": true } })), "secret");
    server.ask_for_token(&secret, json!({ "name": "child" })).refused(403, "forbidden");
    server.as_(&secret).get(&server.path("members")).refused(403, "forbidden");
    let ask = json!({ "name": "x", "role": "Viewer" });
    server.as_(&secret).post(&server.path("members"), ask).refused(403, "forbidden");
    assert_eq!(server.token_names(&session, ""), ["all", "init"]);
}

#[test]
fn what_has_no_scope_for_a_thing_is_denied_it() {
    let server = Server::start("default");
    let member = server.member("Member");
    let secret = text(&server.create_named(&member.session, "ci"), "secret");
    // Nobody but a service asks for verdicts, and only with the scope for it.
    for caller in [&secret, &member.session] {
        server.as_(caller).post("/v1/verify", json!({ "token": secret })).refused(403, "forbidden");
    }
    let service = |body: Value| {
        server.admin().post("/v1/services", body).ok(201)["secret"].as_str().expect("a key").to_owned()
    };
    let introspector = service(json!({ "name": "introspector", "scopes": ["introspect"] }));
    server.as_(&introspector).post("/v1/verify", json!({ "token": secret })).refused(403, "forbidden");
    server
        .admin()
        .post("/v1/services", json!({ "name": "none", "scopes": [] }))
        .refused(422, "invalid_field");
    // A key that is limited to other accounts knows nothing of this one.
    server.account("elsewhere", "default");
    let limited = service(json!({ "name": "limited", "scopes": ["verify"], "accounts": ["elsewhere"] }));
    let verdict = server.as_(&limited).post("/v1/verify", json!({ "token": secret })).ok(200).clone();
    assert_eq!(verdict["valid"], false, "{verdict:#}");
    for told in ["token", "account", "holder", "permissions", "role", "node", "expires_at"] {
        assert_eq!(verdict[told], Value::Null, "{told}: {verdict:#}");
    }
    // And no service key works at the desk.
    let tokens = server.service().get(&server.path("tokens"));
    assert!(matches!(tokens.status, 401 | 403), "{tokens:?}");
    // A permission that nobody ever heard of is had by nobody.
    assert_eq!(server.code_for(&secret, "nothing:imaginable"), "insufficient_permission");
}

/// Two accounts with the same kinds of things in them.
struct Tenant {
    owner: Member,
    fills: Vec<(&'static str, String)>,
}

fn tenant(server: &Server, account: &str) -> Tenant {
    let owner = server.member_of(account, "Owner");
    let client = server.as_(&owner.session);
    let at = |rest: &str| format!("/v1/accounts/{account}/{rest}");
    let token = client.post(&at("tokens"), json!({ "name": "theirs-canary" }));
    token.ok(201);
    let robot = client.post(&at("service-accounts"), json!({ "name": "robot", "role": "Viewer" }));
    robot.ok(201);
    let role = client.post(&at("roles"), json!({ "name": "Custom", "permissions": ["devices:read"] }));
    role.ok(201);
    client.post(&at("nodes"), json!({ "path": "/sales" })).ok(201);
    let installation = client.post(&at("installations"), json!({ "name": "eu-1", "nodes": ["/sales"] }));
    installation.ok(201);
    // Turned off: nothing is sent anywhere.
    let body = json!({ "name": "ops", "url": "https://hooks.invalid/", "enabled": false });
    let webhook = client.post(&at("webhooks"), body);
    webhook.ok(201);
    let fills = vec![
        ("tokens", token.text_at("id")),
        ("members", owner.id.clone()),
        ("service-accounts", robot.text_at("id")),
        ("roles", role.text_at("id")),
        ("nodes", "sales".to_owned()),
        ("installations", installation.text_at("id")),
        ("webhooks", webhook.text_at("id")),
    ];
    Tenant { owner, fills }
}

/// A body that the route would take, so that nothing but the place can be wrong with it.
fn body_for(operation: &Operation) -> Value {
    let last = operation.path.rsplit('/').next().unwrap_or_default();
    match (operation.method.as_str(), last) {
        ("GET" | "DELETE", _) => Value::Null,
        ("POST", "tokens") => json!({ "name": "x" }),
        ("POST", "members" | "service-accounts") => json!({ "name": "x", "role": "Viewer" }),
        ("POST", "roles") => json!({ "name": "x", "permissions": ["devices:read"] }),
        ("POST", "nodes") => json!({ "path": "/x" }),
        ("POST", "installations") => json!({ "name": "x" }),
        ("POST", "webhooks") => json!({ "name": "x", "url": "https://hooks.invalid/", "enabled": false }),
        ("PATCH", "notices") => json!({ "mail": false }),
        ("POST", _) => json!({}),
        ("PUT", _) => json!({ "name": "x", "role": "Viewer" }),
        _ => json!({ "name": "y" }),
    }
}

#[test]
fn another_accounts_things_are_as_missing_ones_to_the_byte() {
    let server = Server::start("default");
    server.account("other", "default");
    let (ours, theirs) = (tenant(&server, ACCOUNT), tenant(&server, "other"));
    let (client, stranger) = (server.as_(&ours.owner.session), server.as_(&theirs.owner.session));
    let imagined = |kind: &str| match kind {
        "tokens" => "pat_0123456789ab",
        "members" => "mem_0123456789ab",
        "service-accounts" => "sac_0123456789ab",
        "roles" => "rol_0123456789ab",
        "installations" => "ins_0123456789ab",
        "webhooks" => "whk_0123456789ab",
        _ => "nowhere",
    };
    let told = |answer: &Answer| {
        let id = answer.json["request_id"].as_str().unwrap_or_default().to_owned();
        (answer.status, answer.text.replace(&id, ""))
    };
    let before = snapshot(&stranger);
    let mut crossed = BTreeSet::new();
    for operation in
        operations(&server).iter().filter(|operation| operation.path.contains("/accounts/{account}"))
    {
        let kind = operation.path.split('/').nth(4).unwrap_or_default();
        let body = match kind {
            "policy" if operation.method != "GET" => client.get(&server.path("policy")).ok(200).clone(),
            _ => body_for(operation),
        };
        let real =
            theirs.fills.iter().find(|(of, _)| *of == kind).map_or("x".to_owned(), |(_, id)| id.clone());
        let ask = |account: &str, id: &str| {
            let path =
                filled(
                    &operation.path,
                    |name| if name == "account" { account.to_owned() } else { id.to_owned() },
                );
            let path = if operation.method == "DELETE" && kind == "tokens" && operation.path.ends_with('}') {
                format!("{path}?confirm=theirs-canary")
            } else {
                path
            };
            call(&client, &operation.method, &path, &body)
        };
        let name = format!("{} {}", operation.method, operation.path);
        let missing = ask("nowhere", imagined(kind));
        // What is no holder's is refused before anything is looked up.
        let expected = if operation.who.contains("holder") { 404 } else { 403 };
        assert_eq!(missing.status, expected, "{name} in no account: {missing:?}");
        for (account, id) in [("other", real.as_str()), ("other", imagined(kind))] {
            let answer = ask(account, id);
            assert_eq!(told(&answer), told(&missing), "{name} with {account}, {id}");
            crossed.insert(name.clone());
        }
        // Their id under our own account's path.
        if operation.path.matches('{').count() > 1
            && theirs.fills.iter().any(|(of, _)| *of == kind)
            && kind != "nodes"
        {
            assert_eq!(
                told(&ask(ACCOUNT, &real)),
                told(&ask(ACCOUNT, imagined(kind))),
                "{name} with their id in our account"
            );
        }
    }
    assert!(crossed.len() >= 20, "the matrix was small: {crossed:#?}");
    assert_eq!(snapshot(&stranger), before, "nothing of theirs has changed");
    let asked = json!({ "token": server.admin_token, "account": "other" });
    assert_eq!(server.verify_with(asked)["code"], "wrong_account");
}

/// All that an account's owner sees, apart from the time of their own looking.
fn snapshot(owner: &Client) -> Vec<Value> {
    let mut seen = Vec::new();
    for list in
        ["tokens", "members", "service-accounts", "roles", "nodes", "installations", "webhooks", "policy"]
    {
        let mut answer = owner.get(&format!("/v1/accounts/other/{list}")).ok(200).clone();
        for item in answer["items"].as_array_mut().into_iter().flatten() {
            if let Some(item) = item.as_object_mut() {
                item.remove("last_used_at");
                item.remove("last_used_from");
            }
        }
        seen.push(answer);
    }
    seen
}

#[test]
fn a_login_says_nothing_about_accounts_one_is_not_in() {
    let server = Server::start("default");
    server.account("other", "default");
    let ask = |account: &str| {
        let body = json!({ "email": ADMIN, "password": PASSWORD, "account": account });
        let answer = server.anonymous().post("/v1/sessions", body);
        answer.refused(401, "unauthenticated");
        answer.text.replace(&answer.text_at("request_id"), "")
    };
    assert_eq!(ask("other"), ask("nowhere"));
}
