//! Two accounts, and everything of the one asked for through the other: by path, by body and by query
//! it is as missing as what never was, to the byte, and nothing of it changes.

use axum::http::Method;
use serde_json::{Value, json};

use crate::calls::{Call, Caller, Operation, Stage, operations, text, unknown};
use crate::common::{Reply, World};

/// What hides behind a request: the status, and the text without the names that were asked for.
fn told(reply: &Reply, names: &[&str]) -> (u16, String) {
    let mut text = reply.text.clone();
    for name in names {
        text = text.replace(name, "(what was asked for)");
    }
    (reply.status.as_u16(), text)
}

/// Whoever is in `acme` and asks for things of another account.
async fn strangers(stage: &Stage<'_>) -> Vec<(&'static str, Caller)> {
    let world = stage.world;
    let owner = Caller {
        credential: stage.owner.clone(),
        email: Some(stage.owner_email.clone()),
        ..Caller::default()
    };
    let mut all = vec![("an owner", owner)];
    for scope in ["provision", "act_as"] {
        let body = json!({ "name": scope, "scopes": [scope], "accounts": ["acme"] });
        let made = world.post(&world.admin, "/v1/services", body).await.ok(201);
        let acts_for = if scope == "act_as" { Some(stage.member().await) } else { None };
        all.push((scope, Caller { credential: text(&made, "secret"), acts_for, ..Caller::default() }));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_id_of_another_account_is_as_a_missing_one_to_the_byte() {
    let world = World::of("default").await;
    let (ours, theirs) = (Stage::set(&world, "acme").await, Stage::set(&world, "umbra").await);
    let strangers = strangers(&ours).await;
    let (mut by_account, mut by_id) = (0, 0);
    for operation in operations(&world).await {
        // Whoever holds a token may ask about it anywhere; that is another promise, with its own tests. And
        // so is whom a service hands over, in an account that the body names.
        if ["anyone", "service:verify", "service:act_as"].contains(&operation.who.as_str()) {
            continue;
        }
        // Who acts for a member does so in an account, which the path names.
        let anywhere = !operation.path.contains("{account}");
        for (who, stranger) in strangers.iter().filter(|(who, _)| *who != "act_as" || !anywhere) {
            let call = theirs.call(&operation, stranger, false).await;
            let call = call.unwrap_or_else(|| panic!("{}", unknown(&operation)));
            let name = format!("{} by {who}", operation.name());
            let head = world.desk.store().health().position;
            let ask = async |path: String| {
                stranger.calls(&world, &operation.method, &Call { path, ..call.clone() }).await
            };
            let expected = if operation.is_no_holders() { 403 } else { 404 };
            let refused = |status: u16| match *who {
                "an owner" => status == expected,
                _ => matches!(status, 403 | 404),
            };
            if operation.path.contains("{account}") {
                by_account += 1;
                let account = call.path.split('/').nth(3).unwrap();
                let missing = call.path.replacen(&format!("/{account}"), "/nowhere", 1);
                let (there, missing) = (ask(call.path.clone()).await, ask(missing).await);
                let names = [account, "nowhere"];
                assert_eq!(told(&there, &names), told(&missing, &names), "{name}: {}", call.path);
                assert!(refused(there.status.as_u16()), "{name}: {}", there.text);
            }
            if let Some((id, imagined)) = call.named.as_ref().filter(|_| names_a_thing(&operation)) {
                by_id += 1;
                // In our own account, where it has one.
                let path = call.path.replacen("/accounts/umbra", "/accounts/acme", 1);
                let (there, missing) = (ask(path.clone()).await, ask(path.replace(id, imagined)).await);
                let names = [id.as_str(), imagined.as_str()];
                assert_eq!(told(&there, &names), told(&missing, &names), "{name}: {path}");
                assert!(refused(there.status.as_u16()), "{name}: {}", there.text);
            }
            assert_eq!(world.desk.store().health().position, head, "{name} changed something");
        }
    }
    assert!(by_account > 150 && by_id > 80, "{by_account} crossed by account, {by_id} by id");
}

/// Whether the last name in the path is of a thing in one account. An `external_id` that is put is the
/// product's own name, and another account may have it as well; an account that an operator closes was
/// asked for already.
fn names_a_thing(operation: &Operation) -> bool {
    let puts = operation.method == Method::PUT && operation.path.contains("external_id");
    let closes = operation.path.matches('{').count() == 1 && operation.path.contains("{account}");
    !puts && !closes
}

/// Things of another account, each beside what nothing is named by.
struct Theirs {
    account: (String, String),
    holders: Vec<(String, String)>,
    role: (String, String),
    node: (String, String),
    token: (String, String),
}

impl Theirs {
    async fn of(stage: &Stage<'_>) -> Theirs {
        Theirs {
            account: (stage.account.clone(), "nowhere".into()),
            holders: vec![
                (stage.member().await, "mem_0123456789ab".into()),
                (stage.service_account().await, "sac_0123456789ab".into()),
            ],
            role: (stage.role().await.1, "No such role".into()),
            node: (stage.node().await, "/nowhere".into()),
            token: (stage.token().await, "pat_0123456789ab".into()),
        }
    }

    /// What a field of a body or a query may name: theirs, and what is not there. None where the field
    /// names nothing, and an error where nobody has said.
    fn named_by(&self, field: &str) -> Result<Vec<(Value, Value, [String; 2])>, ()> {
        let one = |(id, no): &(String, String), as_: &dyn Fn(&str) -> Value| {
            (as_(id), as_(no), [id.clone(), no.clone()])
        };
        let plain = |text: &str| json!(text);
        Ok(match field {
            "holder" | "issued_by" => self.holders.iter().map(|holder| one(holder, &plain)).collect(),
            "actor" | "subject" => {
                self.holders.iter().chain([&self.token]).map(|named| one(named, &plain)).collect()
            }
            "role" => vec![one(&self.role, &plain)],
            "permission" => vec![one(&self.role, &|name| json!({ "role": name }))],
            "node" => vec![one(&self.node, &plain)],
            "nodes" => vec![one(&self.node, &|path| json!([path]))],
            // Below their node; ours is not there.
            "path" => vec![one(&self.node, &|path| json!(format!("{path}/x")))],
            "bindings" => vec![
                one(&self.node, &|path| json!([{ "role": "Viewer", "node": path }])),
                one(&self.role, &|name| json!([{ "role": name, "node": "/" }])),
            ],
            "account" => vec![one(&self.account, &plain)],
            "accounts" => vec![one(&self.account, &|id| json!([id]))],
            "members" => {
                vec![one(&self.role, &|name| json!([{ "external_id": "u-x", "name": "x", "role": name }]))]
            }
            "filter" => vec![one(&self.account, &|id| json!({ "account": id }))],
            // The account's own roles, each as a name.
            "managers" | "create" => vec![],
            // What names nothing, or what the caller chooses for what is new.
            "name" | "description" | "metadata" | "password" | "one_time_code" | "version"
            | "new_password" | "end_everything" | "external_id" | "id" | "email" | "active"
            | "expires_at" | "expires_in" | "not_before" | "conditions" | "limits" | "permissions"
            | "scopes" | "preset" | "grace" | "reason" | "mail" | "preview" | "confirm" | "limit"
            | "sort" | "status" | "kind" | "q" | "created_after" | "created_before" | "expires_after"
            | "expires_before" | "never_expires" | "last_used_after" | "last_used_before" | "never_used"
            | "action" | "actions" | "url" | "enabled" | "since" | "until" | "after" | "format"
            | "follow" | "wait" | "days" => vec![],
            // Signed by the server over the account; see the tests of lists.
            "cursor" => vec![],
            _ => return Err(()),
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_account_is_named_in_a_body_or_a_query() {
    let world = World::of("default").await;
    let (ours, theirs) = (Stage::set(&world, "acme").await, Stage::set(&world, "umbra").await);
    let theirs = Theirs::of(&theirs).await;
    let owner = strangers(&ours).await.remove(0).1;
    let mut crossed = Vec::new();
    for operation in operations(&world).await {
        let at_desk = operation.who != "anyone" && !operation.who.starts_with("service:");
        if !at_desk {
            continue;
        }
        let name = operation.name();
        let read = |field: &String| {
            theirs.named_by(field).unwrap_or_else(|()| {
                panic!("{name} takes `{field}`; say in tests/matrix/tenants.rs whether it names something")
            })
        };
        for field in &operation.query {
            for (real, imagined, names) in read(field) {
                // A query names by text.
                let (Some(real), Some(imagined)) = (real.as_str(), imagined.as_str()) else { continue };
                let call = ours
                    .call(&operation, &owner, true)
                    .await
                    .unwrap_or_else(|| panic!("{}", unknown(&operation)));
                let ask = async |value: &str| {
                    let value = value.replace('/', "%2F").replace(' ', "+");
                    let path = format!("{}?{field}={value}", call.path);
                    owner.calls(&world, &operation.method, &Call { path, ..call.clone() }).await
                };
                let names = [names[0].as_str(), names[1].as_str()];
                let (there, missing) = (ask(real).await, ask(imagined).await);
                assert_eq!(told(&there, &names), told(&missing, &names), "{name}?{field}");
                crossed.push(format!("{name}?{field}"));
            }
        }
        for field in &operation.fields {
            for (real, imagined, names) in read(field) {
                let ask = async |value: &Value| {
                    let call = ours
                        .call(&operation, &owner, true)
                        .await
                        .unwrap_or_else(|| panic!("{}", unknown(&operation)));
                    let mut body = call.body.clone().expect("a route with fields has a body");
                    if field == "bindings" {
                        body.as_object_mut().unwrap().remove("role");
                    }
                    body[field] = value.clone();
                    owner.calls(&world, &operation.method, &Call { body: Some(body), ..call }).await
                };
                let names = [names[0].as_str(), names[1].as_str()];
                let (there, missing) = (ask(&real).await, ask(&imagined).await);
                assert_eq!(told(&there, &names), told(&missing, &names), "{name} with `{field}`: {real}");
                assert!(there.status.is_client_error(), "{name} with `{field}` {real}: {}", there.text);
                crossed.push(format!("{name} {field}"));
            }
        }
    }
    for expected in ["POST /v1/accounts/{account}/tokens holder", "POST /v1/accounts/{account}/tokens node"] {
        assert!(crossed.iter().any(|had| had == expected), "{expected} is not among {crossed:#?}");
    }
    assert!(crossed.len() > 20, "{crossed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_good_for_its_own_list_of_its_own_account_alone() {
    let world = World::of("default").await;
    let (ours, theirs) = (Stage::set(&world, "acme").await, Stage::set(&world, "umbra").await);
    let operator = Caller { credential: world.session().await, ..Caller::default() };
    let mut cursors: Vec<(String, Caller, String)> = Vec::new();
    let mut lists: Vec<(String, Caller)> = Vec::new();
    for stage in [&ours, &theirs] {
        for _ in 0..2 {
            Theirs::of(stage).await;
            stage.installation().await;
            stage.token_of(&stage.owner).await;
        }
        let owner = Caller { credential: stage.owner.clone(), ..Caller::default() };
        for operation in operations(&world).await {
            if operation.method != Method::GET || !operation.query.iter().any(|p| p == "cursor") {
                continue;
            }
            let by = if operation.is_no_holders() { &operator } else { &owner };
            let call =
                stage.call(&operation, by, true).await.unwrap_or_else(|| panic!("{}", unknown(&operation)));
            if lists.iter().any(|(path, _)| *path == call.path) {
                continue;
            }
            let first = Call { path: format!("{}?limit=1", call.path), ..call.clone() };
            let page = by.calls(&world, &operation.method, &first).await.ok(200);
            if let Some(cursor) = page["next_cursor"].as_str() {
                cursors.push((call.path.clone(), by.clone(), cursor.to_owned()));
            }
            lists.push((call.path, by.clone()));
        }
    }
    assert!(cursors.len() > 12, "{} lists went on", cursors.len());
    for (of, _, cursor) in &cursors {
        for (path, by) in &lists {
            let path_with = format!("{path}?limit=1&cursor={cursor}");
            let call = Call { path: path_with, ..Call::default() };
            let reply = by.calls(&world, &Method::GET, &call).await;
            let expected = if path == of { 200 } else { 400 };
            assert_eq!(reply.status, expected, "a cursor of {of} for {path}: {}", reply.text);
        }
    }
}
