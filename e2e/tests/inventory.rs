//! What a security officer asks of a server and does to it: who holds what, and everything of somebody's
//! ended at once.

use e2e::{Answer, Client, Place, Server, only_on, text, until};
use serde_json::{Value, json};

/// Where what one request did is in the next one's list. Of several peers another may be asked next, which hears
/// of it a moment later.
const ONE: [Place; 2] = [Place::Sqlite, Place::Postgres];
const WHY: &str = "each list shows what was done just before, perhaps on another peer";

/// A server with a thousand and some tokens of one account, so that lists are answered from memory.
fn crowded(count: usize) -> (Server, Vec<Value>) {
    let server = Server::start("default");
    let mut policy = server.policy();
    policy["limit"] = Value::Null;
    server.admin().put(&server.path("policy"), policy).ok(200);
    let name = |n: usize| format!("{} {n}", if n.is_multiple_of(10) { "ci" } else { "batch" });
    let tokens = (0..count).map(|n| server.create_named(&server.admin_token, &name(n))).collect();
    (server, tokens)
}

fn names(server: &Server, query: &str) -> Vec<String> {
    server.token_names(&server.admin_token, query)
}

#[test]
fn a_list_among_many_tokens_shows_each_change_at_once() {
    if !only_on(&ONE, WHY) {
        return;
    }
    let (server, tokens) = crowded(1_040);
    // By a search, which the database has no index for.
    assert_eq!(names(&server, "?q=ci%20103&sort=name"), ["ci 1030"]);
    let found = server.tokens(&server.admin_token, "?q=ci&sort=-expires_at&limit=100");
    assert_eq!(found.len(), 100);
    let id = text(&tokens[1_030], "id");
    server.act(&server.admin_token, &id, "revoke").ok(200);
    assert_eq!(names(&server, "?q=ci&status=revoked"), ["ci 1030"]);
    let edit = json!({ "name": "renamed" });
    server.admin().patch(&server.path(&format!("tokens/{}", text(&tokens[7], "id"))), edit).ok(200);
    assert_eq!(names(&server, "?q=RENAMED&sort=id"), ["renamed"]);
    server.create_named(&server.admin_token, "ci newest");
    assert_eq!(names(&server, "?q=ci%20newest&sort=expires_at"), ["ci newest"]);
    // Used just now: shown, and first by last use.
    server.accepts(&text(&tokens[3], "secret"));
    let used = server.tokens(&server.admin_token, "?sort=-last_used_at&q=batch");
    assert!(used.iter().any(|token| token["id"] == tokens[3]["id"] && token["last_used_at"].is_string()));
}

#[test]
fn everything_that_a_filter_finds_ends_everywhere_at_once() {
    if !only_on(&ONE, WHY) {
        return;
    }
    let (server, tokens) = crowded(60);
    let filter = json!({ "q": "ci ", "account": "acme" });
    let looked = server.admin().post("/v1/tokens/revoke", json!({ "filter": filter, "preview": true }));
    assert_eq!(looked.ok(200)["count"], 6);
    let body = json!({ "filter": filter, "confirm": looked.json["confirm"], "reason": "a drill" });
    let receipt = server.admin().post("/v1/tokens/revoke", body);
    assert_eq!(receipt.ok(200)["count"], 6);
    for (n, token) in tokens.iter().enumerate() {
        let secret = text(token, "secret");
        if n.is_multiple_of(10) { server.rejects(&secret, "revoked") } else { server.accepts(&secret) }
    }
    let summary = server.admin().get("/v1/tokens/summary?account=acme");
    let revoked =
        summary.ok(200)["by_status"].as_array().unwrap().iter().find(|by| by["status"] == "revoked");
    assert_eq!(revoked.unwrap()["count"], 6);
}

#[test]
fn an_operator_does_the_same_by_command() {
    if !only_on(&ONE, WHY) {
        return;
    }
    let (server, tokens) = crowded(12);
    // The token named `init`: it runs the server as its person does.
    let run = |arguments: &[&str]| server.jeton_as(&server.admin_token, arguments, "");
    let listed = run(&["token", "inventory", "--search", "ci", "--sort", "name", "--json"]).json();
    let names: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, ["ci 0", "ci 10"]);
    let table = run(&["token", "inventory", "--search", "ci"]);
    assert!(table.done().starts_with("ID"), "{}", table.done());
    let summary = run(&["token", "summary"]);
    assert!(summary.done().contains("within 7 days"), "{}", summary.done());
    let preview = run(&["token", "revoke-matching", "--search", "ci", "--preview"]);
    assert!(preview.done().contains("ci 10"), "{}", preview.done());
    server.accepts(&text(&tokens[0], "secret"));
    let arguments = ["token", "revoke-matching", "--search", "ci", "--reason", "a drill", "--yes", "--json"];
    let done = run(&arguments).json();
    assert_eq!((&done["revoked"], &done["count"]), (&json!(true), &json!(2)));
    server.rejects(&text(&tokens[0], "secret"), "revoked");
}

/// Three peers, and how an operator speaks to each.
struct Peers {
    server: Server,
    desks: Vec<Client>,
    services: Vec<Client>,
}

impl Peers {
    fn start() -> Peers {
        let server = Server::start("default");
        let each = |credential: &str| server.each().iter().map(|peer| peer.bearer(credential)).collect();
        let (desks, services) = (each(&server.admin_token), each(&server.service_key));
        Peers { server, desks, services }
    }

    /// Tokens of that name, which every peer finds.
    fn tokens(&self, name: &str, count: usize) -> Vec<Value> {
        let server = &self.server;
        let tokens =
            (0..count).map(|n| server.create_named(&server.admin_token, &format!("{name} {n}"))).collect();
        for desk in &self.desks {
            until("a peer finds what another made", || look(desk, name)["count"] == count);
        }
        tokens
    }

    fn revoked_for_all(&self, token: &Value) {
        for (number, service) in self.services.iter().enumerate() {
            until(&format!("peer {number} refuses {}", token["name"]), || code(service, token) == "revoked");
        }
    }

    fn good_for_all(&self, tokens: &[Value]) {
        for (service, token) in
            self.services.iter().flat_map(|service| tokens.iter().map(move |token| (service, token)))
        {
            assert_eq!(code(service, token), "valid", "{}", token["name"]);
        }
    }

    /// How often the journal tells of tokens that were revoked together.
    fn told(&self) -> usize {
        let page = self.desks[0].get("/v1/journal?action=tokens.revoked&limit=100");
        page.ok(200)["items"].as_array().expect("items").len()
    }
}

fn code(service: &Client, token: &Value) -> Value {
    service.post("/v1/verify", json!({ "token": token["secret"] })).ok(200)["code"].clone()
}

fn look(desk: &Client, name: &str) -> Value {
    desk.post("/v1/tokens/revoke", json!({ "filter": { "q": name }, "preview": true })).ok(200).clone()
}

fn confirm(desk: &Client, name: &str, looked: &Value) -> Answer {
    let body = json!({ "filter": { "q": name }, "confirm": looked["confirm"], "reason": "a drill" });
    desk.post("/v1/tokens/revoke", body)
}

#[test]
fn what_was_looked_at_on_one_peer_is_revoked_on_another_for_all_or_not_at_all() {
    if !only_on(&[Place::Peers], "is about several processes over one database") {
        return;
    }
    let peers = Peers::start();
    let spared = peers.tokens("other", 1);
    for round in 0..6 {
        let name = format!("ci-{round}");
        let (here, there) = (&peers.desks[round % 3], &peers.desks[(round + 1) % 3]);
        let mut tokens = peers.tokens(&name, 3);
        let told = peers.told();
        let looked = look(here, &name);
        if round % 2 == 0 {
            // Somebody makes one more on the peer that is asked next: nobody has looked at that one.
            let body = json!({ "name": format!("{name} late"), "expires_in": "30d" });
            tokens.push(there.post(&peers.server.path("tokens"), body).ok(201).clone());
            confirm(there, &name, &looked).refused(422, "confirmation_required");
            peers.good_for_all(&tokens);
            assert_eq!(peers.told(), told, "nothing was done");
            // Looked at and confirmed on one peer it is right.
            let done = confirm(there, &name, &look(there, &name));
            assert_eq!(done.ok(200)["count"], 4);
        } else {
            assert_eq!(confirm(there, &name, &looked).ok(200)["count"], 3);
        }
        tokens.iter().for_each(|token| peers.revoked_for_all(token));
        assert_eq!(peers.told(), told + 2, "of the account and of the server");
    }
    peers.good_for_all(&spared);
}

#[test]
fn one_who_rotates_on_another_peer_between_the_look_and_the_revocation_keeps_nothing() {
    if !only_on(&[Place::Peers], "is about several processes over one database") {
        return;
    }
    let peers = Peers::start();
    for round in 0..6 {
        let name = format!("ci-{round}");
        let stolen = peers.tokens(&name, 1).remove(0);
        let looked = look(&peers.desks[0], &name);
        let thief = peers.server.each()[1].bearer(&text(&stolen, "secret"));
        let body = if round % 2 == 0 { json!({}) } else { json!({ "grace": "2 hours" }) };
        let second = thief.post("/v1/tokens/self/rotate", body).ok(201).clone();
        // At once: this peer may not have heard of it.
        confirm(&peers.desks[2], &name, &looked).ok(200);
        for token in [&stolen, &second] {
            peers.revoked_for_all(token);
        }
    }
}
