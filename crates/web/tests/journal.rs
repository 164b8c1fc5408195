//! The journal's routes: who may read which, in what order, in what form, and for how long.

mod common;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::response::Response;
use common::{PASSWORD, World};
use domain::change::{Action, Actor, Change, Entry};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const JOURNAL: &str = "/v1/accounts/acme/journal";

fn seqs(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect()
}

/// A token of the administrator's own, and its id.
async fn token(world: &World, name: &str) -> String {
    let made = world.post(&world.admin, "/v1/accounts/acme/tokens", json!({ "name": name })).await.ok(201);
    made["id"].as_str().unwrap().to_owned()
}

/// Somebody with that role, signed in.
async fn session_of(world: &World, role: &str) -> (String, String) {
    let email = format!("{}@example.com", role.to_lowercase());
    let body = json!({ "name": role, "role": role, "email": email, "password": PASSWORD });
    let member = world.post(&world.admin, "/v1/accounts/acme/members", body).await.ok(201);
    let login = json!({ "email": email, "password": PASSWORD });
    let session = world.post("", "/v1/sessions", login).await.ok(201)["token"].as_str().unwrap().to_owned();
    (member["id"].as_str().unwrap().to_owned(), session)
}

#[tokio::test]
async fn an_account_reads_its_journal_in_either_order_with_the_names_of_today() {
    let world = World::of("default").await;
    let id = token(&world, "ci").await;
    let page = world.get(&world.admin, JOURNAL).await.ok(200);
    let newest = &page["items"][0];
    assert_eq!((&newest["action"], &newest["subject"]), (&json!("token.created"), &json!(id)));
    assert_eq!(newest["actor_name"], "Ada");
    assert_eq!(newest["subject_name"], Value::Null);
    assert_eq!(newest["payload"]["name"], "ci");
    assert_eq!(newest["account"], "acme");
    let mut seen = seqs(&page);
    assert!(page["items"].as_array().unwrap().iter().all(|entry| entry["account"] == "acme"));
    seen.reverse();
    assert_eq!(seqs(&world.get(&world.admin, &format!("{JOURNAL}?sort=seq")).await.ok(200)), seen);

    // A name is that of today, and what was said then stays.
    let member = world.get(&world.admin, &format!("{JOURNAL}?action=member.created")).await.ok(200);
    assert_eq!(member["items"][0]["subject_name"], "Ada");
    let path = format!("/v1/accounts/acme/members/{}", member["items"][0]["subject"].as_str().unwrap());
    world.ask(&world.admin, Method::PATCH, &path, Some(json!({ "name": "Countess" }))).await.ok(200);
    let member = world.get(&world.admin, &format!("{JOURNAL}?action=member.created")).await.ok(200);
    assert_eq!(member["items"][0]["subject_name"], "Countess");
    assert_eq!(member["items"][0]["payload"]["name"], "Ada");
}

#[tokio::test]
async fn filters_and_cursors_hold_together() {
    let world = World::of("default").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(token(&world, &format!("token {n}")).await);
    }
    let all = world.get(&world.admin, &format!("{JOURNAL}?action=token.created&limit=100")).await.ok(200);
    let all = seqs(&all);
    assert_eq!(all.len(), 6, "and the one of the installation");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{JOURNAL}?action=token.created&limit=2{cursor}");
        let page = world.get(&world.admin, &path).await.ok(200);
        seen.extend(seqs(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, all);
    // It belongs to these filters, this order and this journal.
    for path in [
        format!("{JOURNAL}?limit=2{cursor}"),
        format!("{JOURNAL}?action=token.created&sort=seq{cursor}"),
        format!("/v1/journal?action=token.created{cursor}"),
        format!("/v1/journal?account=acme&action=token.created{cursor}"),
    ] {
        world.get(&world.admin, &path).await.refused(400, "bad_request");
    }
    let of = async |query: String| world.get(&world.admin, &query).await;
    let page = of(format!("{JOURNAL}?subject={}", ids[2])).await.ok(200);
    assert_eq!(seqs(&page), [all[2]]);
    let page = of(format!("{JOURNAL}?action=token&after={}", all[2])).await.ok(200);
    assert_eq!(seqs(&page), [all[0], all[1]]);
    let page = of(format!("{JOURNAL}?actor=nobody")).await.ok(200);
    assert_eq!(seqs(&page), [0; 0]);
    let page = of(format!("{JOURNAL}?since=2030-01-01T00:00:00Z&until=2030-01-02T00:00:00Z&action=token"));
    assert_eq!(seqs(&page.await.ok(200)), all);
    let page = of(format!("{JOURNAL}?until=2030-01-01T00:00:00Z")).await.ok(200);
    assert_eq!(seqs(&page), [0; 0]);
    for query in [
        "since=yesterday",
        "after=-1",
        "after=99999999999999999999",
        "account=acme",
        "actor=mem_0+via",
        "subject=",
        "action=%00",
        "sort=at",
        "format=xml",
        "follow=yes",
        "format=csv&limit=3",
        "format=jsonl&cursor=00",
        "follow=true&format=csv",
        "follow=true&limit=3",
        "follow=true&sort=-seq",
        "limit=101",
    ] {
        world.get(&world.admin, &format!("{JOURNAL}?{query}")).await.refused(400, "bad_request");
    }
}

#[tokio::test]
async fn nobody_reads_a_journal_that_is_not_theirs() {
    let world = World::of("default").await;
    world.post(&world.admin, "/v1/accounts", json!({ "id": "beta", "name": "Beta" })).await.ok(201);
    let (_, admin) = session_of(&world, "Admin").await;
    let (_, member) = session_of(&world, "Member").await;
    for form in ["", "?format=jsonl", "?format=csv", "?follow=true"] {
        // Another account's is missing, to its own operator too: that one reads the server's.
        let missing = world.get(&world.admin, &format!("/v1/accounts/nowhere/journal{form}")).await;
        for caller in [&world.admin, &admin, &member] {
            let reply = world.get(caller, &format!("/v1/accounts/beta/journal{form}")).await;
            assert_eq!((reply.status, &reply.text), (missing.status, &missing.text));
        }
        missing.refused(404, "not_found");
        world.get(&member, &format!("{JOURNAL}{form}")).await.refused(403, "forbidden");
        world.get(&world.key, &format!("{JOURNAL}{form}")).await.refused(403, "forbidden");
        // An administrator of an account is no operator.
        world.get(&admin, &format!("/v1/journal{form}")).await.refused(403, "forbidden");
    }
    world.get(&admin, JOURNAL).await.ok(200);
    // By default a token has no part in the desk, whoever holds it.
    let plain = world.post(&world.admin, "/v1/accounts/acme/tokens", json!({ "name": "ci" })).await.ok(201);
    world.get(plain["secret"].as_str().unwrap(), JOURNAL).await.refused(403, "forbidden");

    let whole = world.get(&world.admin, "/v1/journal?sort=seq&limit=100").await.ok(200);
    let numbers = seqs(&whole);
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "without gaps");
    let items = whole["items"].as_array().unwrap();
    assert!(items.iter().any(|entry| entry["account"].is_null() && entry["action"] == "service.created"));
    let beta = world.get(&world.admin, "/v1/journal?account=beta").await.ok(200);
    assert_eq!(beta["items"][0]["action"], "account.created");
    assert_eq!(seqs(&beta).len(), 1);
}

#[tokio::test]
async fn an_export_is_the_whole_filtered_journal_in_its_order() {
    let world = World::of("default").await;
    let mut policy = world.get(&world.admin, "/v1/accounts/acme/policy").await.ok(200);
    policy["limit"] = Value::Null;
    world.ask(&world.admin, Method::PUT, "/v1/accounts/acme/policy", Some(policy)).await.ok(200);
    for n in 0..230 {
        token(&world, &format!("token {n}")).await;
    }
    token(&world, "=HYPERLINK(\"http://evil\"), \"x\"").await;
    let member = json!({ "name": "@SUM(A1)", "role": "Viewer" });
    world.post(&world.admin, "/v1/accounts/acme/members", member).await.ok(201);
    let reply = world.get(&world.admin, &format!("{JOURNAL}?format=jsonl&action=token")).await;
    assert_eq!(reply.head("content-type"), Some("application/jsonl"));
    assert_eq!(reply.head("content-disposition"), Some("attachment; filename=\"journal-acme.jsonl\""));
    let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 232);
    assert!(lines.is_sorted_by_key(|entry| entry["seq"].as_i64()));

    let reply = world.get(&world.admin, "/v1/journal?format=csv").await;
    assert_eq!(reply.head("content-type"), Some("text/csv; charset=utf-8"));
    assert!(reply.text.starts_with("seq,at,account,actor,actor_name,action,subject,subject_name,payload,"));
    assert!(reply.text.contains(",member.created,mem_") && reply.text.contains(",\"'@SUM(A1)\","));
    // No cell begins as a formula does, wherever it stands.
    for cell in cells(&reply.text) {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    let empty = world.get(&world.admin, &format!("{JOURNAL}?format=csv&actor=nobody")).await;
    assert_eq!(empty.text.lines().count(), 1, "the head alone");
}

/// Every cell of a CSV, read as RFC 4180 says.
fn cells(text: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.push(letters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            letter => cell.push(letter),
        }
    }
    assert!(!quoted && cells.len().is_multiple_of(12), "{} cells", cells.len());
    cells
}

/// A stream that is read piece by piece.
struct Following(Body);

impl Following {
    async fn start(world: &World, who: &str, path: &str, last: Option<i64>) -> Following {
        let mut request =
            Request::get(path).header("authorization", format!("Bearer {who}")).header("x-request-id", "r");
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut following = Following(response.into_body());
        let first = following.piece().await.unwrap();
        assert!(first.starts_with(": after ") && first.ends_with("\nretry: 1000\n\n"), "{first}");
        following
    }

    /// The next piece; none at the end.
    async fn piece(&mut self) -> Option<String> {
        let frame =
            tokio::time::timeout(Duration::from_secs(30), self.0.frame()).await.expect("it says something");
        frame.map(|frame| String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
    }

    /// So many events: their ids, and what they say.
    async fn events(&mut self, count: usize) -> Vec<(i64, Value)> {
        let mut events = Vec::new();
        while events.len() < count {
            let piece = self.piece().await.expect("the stream goes on");
            for event in piece.split_terminator("\n\n").filter(|event| !event.starts_with(':')) {
                let (id, data) = event.split_once('\n').unwrap();
                let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
                events.push((id.strip_prefix("id: ").unwrap().parse().unwrap(), data));
            }
        }
        events
    }
}

#[tokio::test]
async fn a_follower_hears_what_comes_and_goes_on_where_it_was() {
    let world = World::of("default").await;
    let mut following = Following::start(&world, &world.admin, &format!("{JOURNAL}?follow=true"), None).await;
    let first = token(&world, "one").await;
    let (seq, said) = following.events(1).await.remove(0);
    assert_eq!((&said["subject"], &said["actor_name"]), (&json!(first), &json!("Ada")));
    assert_eq!(said["seq"], seq);
    // What happens elsewhere is not its affair.
    world.post(&world.admin, "/v1/accounts", json!({ "id": "beta", "name": "Beta" })).await.ok(201);
    let second = token(&world, "two").await;
    assert_eq!(following.events(1).await[0].1["subject"], second);
    drop(following);
    let third = token(&world, "three").await;
    for (path, last) in
        [(format!("{JOURNAL}?follow=true"), Some(seq)), (format!("{JOURNAL}?follow=true&after={seq}"), None)]
    {
        let mut again = Following::start(&world, &world.admin, &path, last).await;
        let said = again.events(2).await;
        assert_eq!((&said[0].1["subject"], &said[1].1["subject"]), (&json!(second), &json!(third)));
    }
    let path = format!("{JOURNAL}?follow=true&after=0&action=token");
    let mut all = Following::start(&world, &world.admin, &path, None).await;
    let said = all.events(4).await;
    assert!(said.is_sorted_by_key(|(seq, _)| *seq));
    // One that is ahead of the journal follows another.
    let request = format!("{JOURNAL}?follow=true&after=1000000");
    world.get(&world.admin, &request).await.refused(409, "wrong_state");
    let request = format!("{JOURNAL}?follow=true");
    let reply = world.ask_with(&world.admin, &[("last-event-id", "x")], Method::GET, &request, None).await;
    reply.refused(400, "bad_request");
}

#[tokio::test]
async fn a_stream_ends_with_what_lets_its_reader_read() {
    let world = World::of("default").await;
    let (id, admin) = session_of(&world, "Admin").await;
    let mut following = Following::start(&world, &admin, &format!("{JOURNAL}?follow=true"), None).await;
    // Another role, without the permission.
    let path = format!("/v1/accounts/acme/members/{id}");
    world.ask(&world.admin, Method::PATCH, &path, Some(json!({ "role": "Viewer" }))).await.ok(200);
    assert_eq!(following.piece().await, None, "not even that it was taken away");

    world.ask(&world.admin, Method::PATCH, &path, Some(json!({ "role": "Admin" }))).await.ok(200);
    let mut following = Following::start(&world, &admin, &format!("{JOURNAL}?follow=true"), None).await;
    world.ask(&admin, Method::DELETE, "/v1/sessions/self", None).await;
    assert_eq!(following.piece().await, None, "a session that ended");
}

/// A journal of so many entries more.
async fn long(world: &World, count: usize) {
    let entry = Entry {
        at: world.desk.now(),
        actor: Actor::Operator,
        account: Some("acme".parse().unwrap()),
        action: Action::TokenEdited,
        subject: "pat_0123456789ab".into(),
        payload: json!({ "note": "x".repeat(100) }),
    };
    let change = (0..count).fold(Change::default(), |change, _| change.entry(entry.clone()));
    world.desk.store().commit(change).await.unwrap();
}

/// A request whose answer is not read.
async fn asked(router: &Router, who: &str, path: &str) -> Response {
    let request = Request::get(path).header("authorization", format!("Bearer {who}"));
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// Asks until there is a place again, which is soon.
async fn until_there_is_a_place(router: &Router, who: &str, path: &str) -> Response {
    let place = async {
        loop {
            let response = asked(router, who, path).await;
            if response.status() == 200 {
                return response;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), place).await.expect("somebody's place is free again")
}

#[tokio::test]
async fn an_account_follows_and_exports_within_its_share_and_operators_have_places_of_their_own() {
    let world = World::of("default").await;
    let (_, admin) = session_of(&world, "Admin").await;
    long(&world, 2_000).await;
    let router = &world.router;
    for (path, share, everywhere) in [
        (format!("{JOURNAL}?follow=true"), 16, "/v1/journal?follow=true"),
        (format!("{JOURNAL}?format=jsonl"), 2, "/v1/journal?format=jsonl"),
    ] {
        let mut open = Vec::new();
        for _ in 0..share {
            let response = asked(router, &admin, &path).await;
            assert_eq!(response.status(), 200);
            open.push(response);
        }
        world.get(&world.admin, &path).await.refused(429, "rate_limited");
        let operators = asked(router, &world.admin, everywhere).await;
        assert_eq!(operators.status(), 200, "an operator's place is nobody else's");
        // Whoever goes away leaves a place.
        open.pop();
        until_there_is_a_place(router, &world.admin, &path).await;
    }
}

#[tokio::test]
async fn whoever_takes_nothing_keeps_no_place() {
    let world = World::of("default").await;
    long(&world, 2_000).await;
    let options = web::Options {
        preset: "default".into(),
        patience: Duration::from_secs(60),
        look: web::console::Look::default(),
        github: web::GitHubKeys::default(),
    };
    let tracker = web::server::Tracker::new();
    tracker.set_limits(web::server::Limits { write: Duration::from_millis(200), ..Default::default() });
    let router = web::router(world.desk.clone(), &options, tracker);
    let export = format!("{JOURNAL}?format=jsonl");
    let (first, second) =
        (asked(&router, &world.admin, &export).await, asked(&router, &world.admin, &export).await);
    until_there_is_a_place(&router, &world.admin, &export).await;
    // The one or the other lost its place, whichever was made sooner.
    let read = [first.into_body().collect().await, second.into_body().collect().await];
    assert!(read.iter().any(Result::is_err), "what it got looks like all there is");

    let follow = format!("{JOURNAL}?follow=true&after=1");
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(asked(&router, &world.admin, &follow).await);
    }
    until_there_is_a_place(&router, &world.admin, &follow).await;
}

#[tokio::test]
async fn what_waits_for_a_slow_reader_is_not_sent_once_they_may_not_read_any_more() {
    let world = World::of("default").await;
    let (_, admin) = session_of(&world, "Admin").await;
    long(&world, 2_000).await;
    let export = format!("{JOURNAL}?format=jsonl");
    let (first, second) =
        (asked(&world.router, &admin, &export).await, asked(&world.router, &admin, &export).await);
    let follow = asked(&world.router, &admin, &format!("{JOURNAL}?follow=true&after=1")).await;
    world.ask(&admin, Method::DELETE, "/v1/sessions/self", None).await;
    // Long before anybody's patience is over.
    until_there_is_a_place(&world.router, &world.admin, &export).await;
    until_there_is_a_place(&world.router, &world.admin, &export).await;
    for mut body in [first.into_body(), second.into_body()] {
        assert!(body.frame().await.unwrap().is_err(), "nothing of what was made before");
    }
    let mut follow = follow.into_body();
    let ended = async { while follow.frame().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it ends");
}

#[tokio::test]
async fn a_removed_member_is_forgotten_and_the_chain_holds() {
    let world = World::of("default").await;
    let (id, session) = session_of(&world, "Admin").await;
    let made = world.post(
        &session,
        "/v1/accounts/acme/service-accounts",
        json!({ "name": "robot", "role": "Viewer" }),
    );
    let robot = made.await.ok(201)["id"].as_str().unwrap().to_owned();
    let member = format!("/v1/accounts/acme/members/{id}");
    let erase = format!("{member}/erase");
    let (_, viewer) = session_of(&world, "Viewer").await;
    // Never of somebody who is here, and never by anybody.
    world.post(&world.admin, &erase, json!({})).await.refused(409, "wrong_state");
    world.ask(&world.admin, Method::DELETE, &member, None).await.ok(200);
    world.post(&viewer, &erase, json!({})).await.refused(403, "forbidden");
    let other = format!("/v1/accounts/beta/members/{id}/erase");
    world.post(&viewer, &other, json!({})).await.refused(404, "not_found");
    world.post(&world.admin, "/v1/accounts", json!({ "id": "beta", "name": "Beta" })).await.ok(201);
    world.post(&world.admin, &other, json!({})).await.refused(404, "not_found");

    let before = world.get(&world.admin, "/v1/journal?format=jsonl").await.text;
    assert!(before.contains("\"name\":\"Admin\""), "{before}");
    let erased = world.post(&world.admin, &erase, json!({})).await.ok(200);
    assert_eq!((&erased["name"], &erased["email"]), (&json!("erased"), &Value::Null));
    // Again changes nothing.
    let end = world.desk.store().journal_end().await.unwrap();
    world.post(&world.admin, &erase, json!({})).await.ok(200);
    assert_eq!(world.desk.store().journal_end().await.unwrap(), end);
    assert!(world.desk.store().person_by_email("admin@example.com").await.unwrap().is_none());

    let after = world.get(&world.admin, "/v1/journal?format=jsonl").await.text;
    assert!(!after.contains("admin@example.com") && !after.contains("\"name\":\"Admin\""), "{after}");
    let entries: Vec<Value> = after.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let about = |action: &str| {
        entries.iter().find(|entry| entry["action"] == action && entry["subject"] == id).unwrap().clone()
    };
    for action in ["member.created", "member.removed"] {
        let entry = about(action);
        assert_eq!((&entry["payload"], &entry["salt"]), (&Value::Null, &Value::Null), "{action}");
        assert!(entry["at"].is_string() && entry["entry_hash"].is_string());
    }
    let told = about("member.erased")["payload"].clone();
    assert_eq!((&told["person"], told["remains"].as_str().unwrap().len()), (&json!(true), 64));
    let without: Vec<Value> =
        entries.iter().filter(|entry| entry["payload"].is_null()).map(|entry| entry["seq"].clone()).collect();
    assert_eq!(told["entries"], json!(without), "it says which");
    // What they did to others is the others'.
    let robot = entries.iter().find(|entry| entry["subject"] == robot).unwrap();
    assert_eq!((&robot["payload"]["name"], &robot["actor_name"]), (&json!("robot"), &json!("erased")));
    let checked = world.post(&world.admin, "/v1/journal/verify", json!({})).await.ok(200);
    assert_eq!((&checked["valid"], checked["erased"].as_i64() > Some(2)), (&json!(true), true), "{checked}");
    assert_eq!(checked["entries"], end);
}

#[tokio::test]
async fn an_operator_is_not_forgotten() {
    let world = World::of("default").await;
    let (id, owner) = session_of(&world, "Owner").await;
    let page = world.get(&world.admin, &format!("{JOURNAL}?action=member.created&sort=seq")).await.ok(200);
    let ada = page["items"][0]["subject"].as_str().unwrap().to_owned();
    assert_ne!(ada, id);
    world.ask(&owner, Method::DELETE, &format!("/v1/accounts/acme/members/{ada}"), None).await.ok(200);
    let erase = format!("/v1/accounts/acme/members/{ada}/erase");
    world.post(&owner, &erase, json!({})).await.refused(409, "wrong_state");
}

#[tokio::test]
async fn a_checkpoint_is_signed_for_operators() {
    let world = World::of("default").await;
    let signed = world.get(&world.admin, "/v1/journal/checkpoint").await;
    let read = store::Checkpoint::parse(&signed.text).expect("it is a line of a file");
    let signed = signed.ok(200);
    assert!(read.is_signed_by(signed["key"].as_str().unwrap()));
    let newest = world.get(&world.admin, "/v1/journal?limit=1").await.ok(200);
    assert_eq!((&newest["items"][0]["hash"], &newest["items"][0]["seq"]), (&signed["hash"], &signed["seq"]));
    let (_, admin) = session_of(&world, "Admin").await;
    world.get(&admin, "/v1/journal/checkpoint").await.refused(403, "forbidden");
    world.post(&admin, "/v1/journal/verify", json!({})).await.refused(403, "forbidden");
}
