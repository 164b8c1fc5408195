//! Every route, and of each a call that is well formed and that the right caller may make, on things
//! made for this one call.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::common::{ADMIN, PASSWORD, Reply, World};

/// One route as the server describes it.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Who may call it, as it is declared.
    pub(crate) who: String,
    /// The names of the query's parameters.
    pub(crate) query: Vec<String>,
    /// The names of the body's fields, where it is JSON.
    pub(crate) fields: Vec<String>,
}

impl Operation {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether no holder may call it, but an operator.
    pub(crate) fn is_no_holders(&self) -> bool {
        self.who == "operator" || self.who.starts_with("service:")
    }
}

/// All of them, by path.
pub(crate) async fn operations(world: &World) -> Vec<Operation> {
    let description = world.get("", "/openapi.json").await.ok(200);
    let mut all = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().unwrap().iter();
            let query = parameters.filter(|p| p["in"] == "query").map(|p| text(p, "name")).collect();
            all.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                who: text(operation, "x-jeton-who"),
                query,
                fields: fields(&description, operation),
            });
        }
    }
    all.sort_by(|a, b| (&a.path, a.method.as_str()).cmp(&(&b.path, b.method.as_str())));
    assert!(all.len() > 50, "the description was not read");
    all
}

fn fields(description: &Value, operation: &Value) -> Vec<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let schema = match schema["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    schema["properties"].as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// A call of a route: its path filled in, and what it takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// A form instead.
    pub(crate) form: bool,
    /// What of the path names something that is there, and a name of its kind that nothing has.
    pub(crate) named: Option<(String, String)>,
}

/// Whoever calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub(crate) credential: String,
    /// For whom a service acts.
    pub(crate) acts_for: Option<String>,
    /// Who this is when signed in; none of services and nobody.
    pub(crate) email: Option<String>,
}

impl Caller {
    pub(crate) async fn calls(&self, world: &World, method: &Method, call: &Call) -> Reply {
        let actor: Vec<(&str, &str)> =
            self.acts_for.iter().map(|actor| ("jeton-actor", actor.as_str())).collect();
        if !call.form {
            return world
                .ask_with(&self.credential, &actor, method.clone(), &call.path, call.body.clone())
                .await;
        }
        let mut request =
            Request::builder().method(method.clone()).uri(&call.path).header("x-request-id", "r");
        request = request.header("host", "localhost");
        if !self.credential.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.credential));
        }
        request = request.header("content-type", "application/x-www-form-urlencoded");
        world.send(request.body(Body::from(FORM)).unwrap()).await
    }
}

/// What the set-up page sends.
const FORM: &str = "account=umbra&account_name=X&admin=Ada&email=ada%40example.com&password=seven+green+bottles&preset=default";

/// An account with people in it, in which every call finds what it needs.
pub(crate) struct Stage<'w> {
    pub(crate) world: &'w World,
    pub(crate) account: String,
    /// The session of one of its owners, who runs nothing else.
    pub(crate) owner: String,
    pub(crate) owner_email: String,
    /// The session of a viewer to whom everything belongs that is somebody else's.
    viewer: String,
    made: AtomicUsize,
}

impl<'w> Stage<'w> {
    /// In `acme`, or in another account that is founded first.
    pub(crate) async fn set(world: &'w World, account: &str) -> Stage<'w> {
        if account != "acme" {
            world.post(&world.admin, "/v1/accounts", json!({ "id": account, "name": account })).await.ok(201);
        }
        let mut stage = Stage {
            world,
            account: account.to_owned(),
            owner: String::new(),
            owner_email: String::new(),
            viewer: String::new(),
            made: AtomicUsize::new(0),
        };
        stage.owner_email = stage.person("Owner").await;
        stage.owner = stage.signed_in(&stage.owner_email).await;
        stage.viewer = stage.signed_in(&stage.person("Viewer").await).await;
        // Every call makes things; no limit shall be among the reasons.
        let mut policy = world.get(&stage.owner, &stage.at("policy")).await.ok(200);
        policy["limit"] = Value::Null;
        world.ask(&stage.owner, Method::PUT, &stage.at("policy"), Some(policy)).await.ok(200);
        stage
    }

    pub(crate) fn at(&self, rest: &str) -> String {
        format!("/v1/accounts/{}/{rest}", self.account)
    }

    /// A number that nothing was named by yet, on the whole server.
    pub(crate) fn fresh(&self) -> String {
        format!("{}-{}", self.account, self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// Somebody who can sign in, with that role; by their address.
    pub(crate) async fn person(&self, role: &str) -> String {
        let email = format!("{}@example.com", self.fresh());
        let body = json!({ "name": role, "email": email, "role": role, "password": PASSWORD });
        self.world.post(&self.world.admin, &self.at("members"), body).await.ok(201);
        email
    }

    pub(crate) async fn signed_in(&self, email: &str) -> String {
        let login = json!({ "email": email, "password": PASSWORD });
        text(&self.world.post("", "/v1/sessions", login).await.ok(201), "token")
    }

    /// Makes something, as an owner, and returns its id.
    async fn make(&self, what: &str, body: Value) -> String {
        text(&self.world.post(&self.owner, &self.at(what), body).await.ok(201), "id")
    }

    pub(crate) async fn member(&self) -> String {
        let body = json!({ "name": "Vic", "role": "Viewer", "external_id": self.fresh() });
        self.make("members", body).await
    }

    /// A member whom somebody can invite.
    async fn addressed(&self) -> String {
        let email = format!("{}@example.com", self.fresh());
        self.make("members", json!({ "name": "Vic", "role": "Viewer", "email": email })).await
    }

    pub(crate) async fn service_account(&self) -> String {
        self.make("service-accounts", json!({ "name": "robot", "role": "Viewer" })).await
    }

    /// By id, and by name.
    pub(crate) async fn role(&self) -> (String, String) {
        let name = format!("Role {}", self.fresh());
        (self.make("roles", json!({ "name": name, "permissions": ["devices:read"] })).await, name)
    }

    /// By path.
    pub(crate) async fn node(&self) -> String {
        let path = format!("/{}", self.fresh());
        self.world.post(&self.owner, &self.at("nodes"), json!({ "path": path })).await.ok(201);
        path
    }

    pub(crate) async fn installation(&self) -> String {
        self.make("installations", json!({ "name": "eu-1" })).await
    }

    /// An account has room for a few.
    async fn make_room_for_webhooks(&self) {
        let all = self.world.get(&self.owner, &self.at("webhooks")).await.ok(200);
        let all = all["items"].as_array().unwrap().clone();
        for webhook in all.iter().filter(|_| all.len() > 9) {
            let place = self.at(&format!("webhooks/{}", text(webhook, "id")));
            self.world.ask(&self.owner, Method::DELETE, &place, None).await.ok(200);
        }
    }

    /// A webhook, and its first delivery: that it was made.
    pub(crate) async fn webhook(&self) -> (String, String) {
        self.make_room_for_webhooks().await;
        let body = json!({ "name": "ops", "url": "http://127.0.0.1:9/", "actions": ["webhook"] });
        let id = self.make("webhooks", body).await;
        self.world.desk.take_up().await.unwrap();
        let all = self.world.get(&self.owner, &self.at(&format!("webhooks/{id}/deliveries"))).await.ok(200);
        (id, all["items"][0]["seq"].to_string())
    }

    /// A token, all of it, of whoever is signed in with `session`.
    pub(crate) async fn token_of(&self, session: &str) -> Value {
        let body = json!({ "name": "ci", "permission": { "access": "read", "entities": ["devices"] } });
        self.world.post(session, &self.at("tokens"), body).await.ok(201)
    }

    /// One of another member's.
    pub(crate) async fn token(&self) -> String {
        text(&self.token_of(&self.viewer).await, "id")
    }

    /// The id of a session of that person, or of the viewer.
    async fn session(&self, email: Option<&str>) -> String {
        let token = match email {
            Some(email) => self.signed_in(email).await,
            None => self.viewer.clone(),
        };
        format!("ses_{}", token.split('_').nth(2).unwrap())
    }

    async fn service(&self) -> String {
        let body = json!({ "name": "api", "scopes": ["verify"] });
        text(&self.world.post(&self.world.admin, "/v1/services", body).await.ok(201), "id")
    }

    async fn other_account(&self) -> String {
        let id = self.fresh();
        self.world
            .post(&self.world.admin, "/v1/accounts", json!({ "id": id, "name": "Other" }))
            .await
            .ok(201);
        id
    }

    /// A well-formed call of a route by somebody, or none if nobody has said yet what that is. With
    /// `own` what is asked about belongs to the caller, where the route tells the difference.
    pub(crate) async fn call(&self, operation: &Operation, by: &Caller, own: bool) -> Option<Call> {
        let call = |body: Option<Value>| Call { body, ..Call::default() };
        let nothing = || call(None);
        let empty = || call(Some(json!({})));
        let name = operation.name();
        let route = name.replace("/v1/accounts/{account}", "…");
        let mut call = match route.as_str() {
            "GET /livez" | "GET /readyz" | "GET /openapi.json" | "GET /docs" => nothing(),
            "GET /setup/{secret}" => nothing(),
            "POST /setup/{secret}" => Call { form: true, ..Call::default() },

            "POST /v1/verify" => call(Some(json!({ "token": "x" }))),
            "POST /v1/verify/batch" => call(Some(json!({ "asks": [{ "token": "x" }] }))),
            "POST /v1/credentials/revoke" => call(Some(json!({ "credentials": ["x"] }))),
            "POST /v1/leaks/github" => call(Some(json!([]))),
            "GET /v1/tokens/self" | "DELETE /v1/tokens/self" => nothing(),
            "POST /v1/tokens/self/rotate" => empty(),
            "POST /v1/sessions" => {
                call(Some(json!({ "email": by.email.as_deref().unwrap_or(ADMIN), "password": PASSWORD })))
            }
            "POST /v1/sessions/refresh" => call(Some(json!({ "refresh_token": "x" }))),
            "POST /v1/sessions/handoff" => call(Some(json!({ "account": self.account }))),
            "GET /v1/sessions" | "DELETE /v1/sessions/self" | "DELETE /v1/sessions/{id}" => nothing(),

            "POST /v1/members/self/password" => {
                call(Some(json!({ "password": PASSWORD, "new_password": PASSWORD })))
            }

            "GET /v1/tokens" | "GET /v1/tokens/summary" => nothing(),
            "POST /v1/tokens/revoke" => {
                call(Some(json!({ "filter": { "account": self.account, "q": "nobody's" }, "preview": true })))
            }
            "GET /v1/journal" | "GET /v1/journal/checkpoint" => nothing(),
            "POST /v1/journal/verify" => empty(),
            "GET /v1/services" | "DELETE /v1/services/{id}" => nothing(),
            "POST /v1/services" => call(Some(json!({ "name": "api", "scopes": ["verify"] }))),

            "GET /v1/accounts" | "GET …" => nothing(),
            "POST /v1/accounts" => call(Some(json!({ "id": self.fresh(), "name": "New" }))),
            "PATCH …" => call(Some(json!({ "name": "Renamed" }))),
            "POST …/deactivate" | "POST …/reactivate" => empty(),
            "GET /v1/accounts/by-external-id/{external_id}" => nothing(),
            "PUT /v1/accounts/by-external-id/{external_id}" => call(Some(json!({ "name": "New" }))),
            "PUT /v1/accounts/by-external-id" => {
                let item = json!({ "external_id": self.fresh(), "name": "New" });
                call(Some(json!({ "accounts": [item] })))
            }
            "GET …/policy" | "GET …/notices" | "GET …/journal" => nothing(),
            "PUT …/policy" => {
                let policy = self.world.get(&self.owner, &self.at("policy")).await.ok(200);
                call(Some(policy))
            }
            "PATCH …/notices" => call(Some(json!({ "mail": true }))),

            "GET …/members" | "GET …/members/{id}" | "DELETE …/members/{id}" => nothing(),
            "POST …/members" => call(Some(json!({ "name": "New", "role": "Viewer" }))),
            "PATCH …/members/{id}" => call(Some(json!({ "name": "Renamed", "role": "Viewer" }))),
            "POST …/members/{id}/deactivate" | "POST …/members/{id}/reactivate" => empty(),
            "POST …/members/{id}/erase" | "POST …/members/{id}/invite" => empty(),
            "GET …/members/by-external-id/{external_id}" => nothing(),
            "DELETE …/members/by-external-id/{external_id}" => nothing(),
            "PUT …/members/by-external-id/{external_id}" => {
                call(Some(json!({ "name": "Vic", "role": "Viewer" })))
            }
            "PUT …/members/by-external-id" => {
                let item = json!({ "external_id": self.fresh(), "name": "New", "role": "Viewer" });
                call(Some(json!({ "members": [item] })))
            }
            "GET …/service-accounts" | "GET …/service-accounts/{id}" | "DELETE …/service-accounts/{id}" => {
                nothing()
            }
            "POST …/service-accounts" => call(Some(json!({ "name": "robot", "role": "Viewer" }))),
            "PATCH …/service-accounts/{id}" => call(Some(json!({ "name": "Renamed" }))),
            "POST …/service-accounts/{id}/deactivate" | "POST …/service-accounts/{id}/reactivate" => {
                empty()
            }

            "GET …/roles" | "DELETE …/roles/{id}" => nothing(),
            "POST …/roles" => call(Some(
                json!({ "name": format!("New {}", self.fresh()), "permissions": ["devices:read"] }),
            )),
            "PATCH …/roles/{id}" => call(Some(json!({ "permissions": ["devices:read"] }))),
            "GET …/nodes" | "GET …/nodes/{path}" => nothing(),
            "POST …/nodes" => call(Some(json!({ "path": format!("/{}", self.fresh()) }))),
            "PATCH …/nodes/{path}" => call(Some(json!({ "name": "Renamed" }))),
            "GET …/installations" | "GET …/installations/{id}" | "DELETE …/installations/{id}" => {
                nothing()
            }
            "POST …/installations" => call(Some(json!({ "name": "eu-1" }))),
            "PATCH …/installations/{id}" => call(Some(json!({ "name": "eu-2" }))),

            "GET …/webhooks"
            | "GET …/webhooks/{id}"
            | "DELETE …/webhooks/{id}"
            | "GET …/webhooks/{id}/deliveries" => nothing(),
            "POST …/webhooks" => {
                self.make_room_for_webhooks().await;
                call(Some(json!({ "name": "ops", "url": "http://127.0.0.1:9/" })))
            }
            "PATCH …/webhooks/{id}" => call(Some(json!({ "name": "ops 2" }))),
            "POST …/webhooks/{id}/rotate-secret" | "POST …/webhooks/{id}/deliveries/{seq}/redeliver" => {
                empty()
            }

            "GET …/tokens" | "GET …/tokens/{id}" | "GET …/tokens/{id}/usage" => nothing(),
            "POST …/tokens" => call(Some(
                json!({ "name": "ci", "permission": { "access": "read", "entities": ["devices"] } }),
            )),
            "PATCH …/tokens/{id}" => call(Some(json!({ "name": "renamed" }))),
            // The policy has the name typed in.
            "DELETE …/tokens/{id}" => nothing(),
            "POST …/tokens/{id}/approve"
            | "POST …/tokens/{id}/report-leak"
            | "POST …/tokens/{id}/reveal"
            | "POST …/tokens/{id}/revoke"
            | "POST …/tokens/{id}/rotate" => empty(),
            _ => return None,
        };
        let (path, named) = self.place(operation, by, own).await;
        let confirmed = if route == "DELETE …/tokens/{id}" { "?confirm=ci" } else { "" };
        call.path = path + confirmed;
        call.named = named;
        Some(call)
    }

    /// The path with names of things that are there, in the state in which the route is of use.
    async fn place(
        &self,
        operation: &Operation,
        by: &Caller,
        own: bool,
    ) -> (String, Option<(String, String)>) {
        let path = operation.path.clone();
        // An operator closes accounts that they are not in.
        let closes =
            ["/deactivate", "/reactivate"].iter().any(|end| path == format!("/v1/accounts/{{account}}{end}"));
        if closes {
            let id = self.other_account().await;
            return (path.replace("{account}", &id), Some((id, "nowhere".into())));
        }
        let mut path = path.replace("{account}", &self.account);
        let post = async |path: String| self.world.post(&self.owner, &path, json!({})).await.ok(200);
        let named = if path.contains("/tokens/{id}") {
            let email = by.email.as_ref().filter(|_| own);
            let id = match email {
                Some(email) => text(&self.token_of(&self.signed_in(email).await).await, "id"),
                None => self.token().await,
            };
            if path.ends_with("/approve") {
                post(self.at(&format!("tokens/{id}/revoke"))).await;
            }
            Some((id, "pat_0123456789ab".into()))
        } else if path.contains("/members/{id}") {
            let id = if path.ends_with("/invite") { self.addressed().await } else { self.member().await };
            if path.ends_with("/reactivate") {
                post(self.at(&format!("members/{id}/deactivate"))).await;
            }
            if path.ends_with("/erase") {
                let place = self.at(&format!("members/{id}"));
                self.world.ask(&self.owner, Method::DELETE, &place, None).await.ok(200);
            }
            Some((id, "mem_0123456789ab".into()))
        } else if path.contains("/members/by-external-id/{external_id}") {
            let id = self.member().await;
            let shown = self.world.get(&self.owner, &self.at(&format!("members/{id}"))).await.ok(200);
            Some((text(&shown, "external_id"), "u-nobody".into()))
        } else if path.contains("/service-accounts/{id}") {
            let id = self.service_account().await;
            if path.ends_with("/reactivate") {
                post(self.at(&format!("service-accounts/{id}/deactivate"))).await;
            }
            Some((id, "sac_0123456789ab".into()))
        } else if path.contains("/roles/{id}") {
            Some((self.role().await.0, "rol_0123456789ab".into()))
        } else if path.contains("/nodes/{path}") {
            Some((self.node().await[1..].to_owned(), "nowhere".into()))
        } else if path.contains("/installations/{id}") {
            Some((self.installation().await, "ins_0123456789ab".into()))
        } else if path.contains("/webhooks/{id}") {
            let (id, delivery) = self.webhook().await;
            path = path.replace("{seq}", &delivery);
            Some((id, "whk_0123456789ab".into()))
        } else if path.contains("/services/{id}") {
            Some((self.service().await, "svc_0123456789ab".into()))
        } else if path.contains("/sessions/{id}") {
            Some((self.session(by.email.as_deref().filter(|_| own)).await, "ses_0123456789ab".into()))
        } else if path.contains("/accounts/by-external-id/{external_id}") {
            let id = self.other_account().await;
            let name = format!("c-{id}");
            let edit = Some(json!({ "external_id": name }));
            self.world
                .ask(&self.world.admin, Method::PATCH, &format!("/v1/accounts/{id}"), edit)
                .await
                .ok(200);
            Some((name, "c-nobody".into()))
        } else {
            None
        };
        let filled = match &named {
            Some((id, _)) => path.replace("{id}", id).replace("{path}", id).replace("{external_id}", id),
            None => path.replace("{secret}", "no-such-link"),
        };
        assert!(!filled.contains('{'), "{filled}: say how its parameters are filled in");
        (filled, named)
    }
}

/// What to say to whoever adds a route.
pub(crate) fn unknown(operation: &Operation) -> String {
    format!(
        "nothing says what a well-formed call of {} is; say it in tests/matrix/calls.rs",
        operation.name()
    )
}
