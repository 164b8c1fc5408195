//! A server whose database stands behind Debian's pgbouncer in transaction mode: from one transaction to
//! the next it speaks to another session, which knows nothing of what was said before.

use std::sync::Arc;
use std::time::Duration;

use e2e::{ACCOUNT, Answer, Begin, Bouncer, Client, Place, Postgres, Server, now, only_on, text, until};
use serde_json::{Value, json};

const WHY: &str = "is about what stands before PostgreSQL";

#[test]
fn a_server_works_through_a_pgbouncer_in_transaction_mode() {
    if !only_on(&[Place::Postgres], WHY) {
        return;
    }
    let mut database = Postgres::create();
    let bouncer = Bouncer::start(&database.store);
    database.store = bouncer.through(&database.store);
    let mut server = Begin::preset("default").on(Arc::new(database)).start();
    let member = server.member("Member");

    // Many at once, so that statements of one connection meet the sessions of others.
    let (client, path) = (server.as_(&member.session), server.path("tokens"));
    let create =
        |number: usize| client.post(&path, json!({ "name": format!("token {number}"), "expires_in": "30d" }));
    let made: Vec<Answer> = std::thread::scope(|scope| {
        let create = &create;
        let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || create(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let secrets: Vec<String> = made.iter().map(|answer| text(answer.ok(201), "secret")).collect();
    for secret in &secrets {
        server.accepts(secret);
    }
    let ids: Vec<String> = made.iter().map(|answer| answer.text_at("id")).collect();
    server.act(&member.session, &ids[0], "revoke").ok(200);
    server.rejects(&secrets[0], "revoked");
    server.act(&member.session, &ids[1], "rotate").ok(201);
    server.rejects(&secrets[1], "revoked");
    assert_eq!(server.token_names(&member.session, "?limit=100&sort=name").len(), 17);

    // What is in no memory is read.
    server.restart();
    for secret in &secrets[2..] {
        server.accepts(secret);
    }
    server.rejects(&secrets[0], "revoked");
    assert_eq!(server.stop(), 0);
    let said = server.output();
    assert!(!said.contains("prepared statement"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// Holders with ten tokens each.
const HOLDERS: usize = 20;

#[test]
fn many_at_once_on_several_peers_through_a_pgbouncer_lose_nothing_and_hear_of_each_other() {
    if !only_on(&[Place::Peers], "is about several peers behind a pooler") {
        return;
    }
    let mut database = Postgres::create();
    let bouncer = Bouncer::start(&database.store);
    database.store = bouncer.through(&database.store);
    let mut server = Begin::preset("default").on(Arc::new(database)).at(Place::Peers).start();
    let holders: Vec<String> = (0..HOLDERS).map(|number| holder(&server, number)).collect();

    // Each by itself and all at once, a tenth of them by each of ten callers.
    let peers: Vec<Client> = server.each().iter().map(|peer| peer.bearer(&server.admin_token)).collect();
    let path = server.path("tokens");
    let create = |number: usize| {
        let ask = json!({ "name": "many", "holder": holders[number % HOLDERS], "expires_in": "30d" });
        peers[number % peers.len()].post(&path, ask).ok(201).clone()
    };
    let made: Vec<Value> = std::thread::scope(|scope| {
        let create = &create;
        let threads: Vec<_> = (0..10 * HOLDERS).map(|number| scope.spawn(move || create(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    for (number, token) in made.iter().enumerate() {
        let peer = server.each()[number % 3].bearer(&server.service_key);
        let verdict = peer.post("/v1/verify", json!({ "token": text(token, "secret") }));
        assert_eq!(verdict.ok(200)["code"], "valid", "{verdict:?}");
    }

    // The same key is the same token, on whichever peer it is asked for again.
    let once = |peer: &Client| {
        let ask = json!({ "name": "once", "holder": holder_of(&made[0]), "expires_in": "30d" });
        peer.header("Idempotency-Key", "a-key-of-22-characters-or-more").post(&path, ask).ok(201).clone()
    };
    let first = once(&peers[0]);
    for peer in &peers {
        assert_eq!(text(&once(peer), "secret"), text(&first, "secret"));
    }

    // What one ended all refuse, without anybody telling them.
    let ended = text(&made[0], "secret");
    peers[0].post(&format!("{path}/{}/revoke", text(&made[0], "id")), json!({})).ok(200);
    for peer in server.each() {
        let peer = peer.bearer(&server.service_key);
        until("a peer hears of the end", || {
            peer.post("/v1/verify", json!({ "token": ended })).ok(200)["code"] == "revoked"
        });
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn whoever_holds_the_order_up_makes_changes_undetermined_and_no_longer_than_that() {
    if !only_on(&[Place::Postgres], WHY) {
        return;
    }
    let mut database = Postgres::create();
    let bouncer = Bouncer::start(&database.store);
    database.store = bouncer.through(&database.store);
    let database = Arc::new(database);
    let server = Begin::preset("default").on(database.clone()).start();
    let holder = holder(&server, 0);
    let (client, path) = (server.admin(), server.path("tokens"));
    let create = || client.post(&path, json!({ "name": "held up", "holder": holder, "expires_in": "30d" }));
    create().ok(201);

    // A session of somebody else, who forgot it.
    database.rows("BEGIN", &[]);
    database.rows("SELECT seq FROM head FOR UPDATE", &[]);
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        // Whoever only asks is not held up.
        server.accepts(&server.admin_token);
        for answer in asked {
            let answer = answer.join().expect("an answer");
            answer.refused(503, "undetermined");
            assert!(answer.took < Duration::from_secs(10), "it took {:?}", answer.took);
        }
    });
    database.rows("ROLLBACK", &[]);
    let free = now();
    until("changes are taken again", || create().status == 201);
    let back = now().duration_since(free);
    assert!(back.as_secs() < 2, "only after {back:?}");
}

fn holder(server: &Server, number: usize) -> String {
    let account = json!({ "name": format!("holder {number}"), "role": "Viewer" });
    let made = server.admin().post(&format!("/v1/accounts/{ACCOUNT}/service-accounts"), account);
    made.ok(201);
    made.text_at("id")
}

fn holder_of(token: &Value) -> &Value {
    &token["holder"]["id"]
}
