//! The main job, by HTTP: a token issued, verified, rotated and revoked, listed and counted, under
//! the preset `default`.

use e2e::{ACCOUNT, ADMIN, Server, text, until};
use serde_json::{Value, json};

fn viewer(name: &str) -> Value {
    json!({ "name": name, "permission": { "role": "Viewer" }, "expires_in": "30d" })
}

#[test]
fn a_token_is_issued_verified_rotated_and_revoked() {
    let server = Server::start("default");
    let member = server.member("Member");
    let token = server.create(&member.session, viewer("ci"));
    let (id, secret) = (text(&token, "id"), text(&token, "secret"));
    assert_eq!(secret.split('_').nth(2), id.split('_').nth(1), "the id stands in the text");

    let verdict = server.verify(&secret);
    assert_eq!(verdict["valid"], true);
    assert_eq!(verdict["token"]["id"], token["id"]);
    assert_eq!(verdict["account"]["id"], ACCOUNT);
    assert_eq!(verdict["holder"]["id"], member.id);
    assert_eq!(verdict["role"], "Viewer");
    assert_eq!(verdict["expires_at"], token["expires_at"]);
    assert_eq!(server.code_for(&secret, "devices:read"), "valid");
    assert_eq!(server.code_for(&secret, "devices:update"), "insufficient_permission");

    let path = server.path(&format!("tokens/{id}/rotate"));
    let rotated = server.as_(&member.session).post(&path, json!({ "grace": "1 hour" }));
    rotated.ok(201);
    let newer = rotated.text_at("secret");
    server.accepts(&secret);
    server.accepts(&newer);
    server.as_(&member.session).post(&path, json!({})).refused(409, "wrong_state");

    server.act(&member.session, &rotated.text_at("id"), "revoke").ok(200);
    server.rejects(&newer, "revoked");
    server.rejects(&secret, "revoked");
}

#[test]
fn a_rotation_without_grace_ends_the_old_token_at_once() {
    let server = Server::start("default");
    let token = server.create(&server.log_in(ADMIN).text_at("token"), viewer("ci"));
    let secret = text(&token, "secret");
    let rotated = server.as_(&secret).post("/v1/tokens/self/rotate", json!({}));
    rotated.ok(201);
    server.rejects(&secret, "revoked");
    server.accepts(&rotated.text_at("secret"));
}

#[test]
fn what_was_acknowledged_is_still_so_after_a_restart() {
    let mut server = Server::start("default");
    let caller = server.member("Member").session;
    let (kept, revoked) = (server.create(&caller, viewer("kept")), server.create(&caller, viewer("revoked")));
    server.act(&caller, &text(&revoked, "id"), "revoke").ok(200);
    for ending in ["as a service manager does", "as a power cut does"] {
        match ending {
            "as a power cut does" => server.kill9(),
            _ => assert_eq!(server.stop(), 0, "a drained server ends well"),
        }
        server.restart();
        server.accepts(&text(&kept, "secret"));
        server.rejects(&text(&revoked, "secret"), "revoked");
        server.as_(&caller).get(&server.path("tokens")).ok(200);
    }
}

#[test]
fn a_repeated_request_has_one_effect() {
    let server = Server::start("default");
    let caller = server.member("Member").session;
    let once = server.as_(&caller).header("Idempotency-Key", "a-key-of-22-characters-or-more");
    let first = once.post(&server.path("tokens"), viewer("ci"));
    let again = once.post(&server.path("tokens"), viewer("ci"));
    assert_eq!(first.ok(201), again.ok(201), "the same answer, secret included");
    assert_eq!(server.token_names(&caller, ""), ["ci"]);
    once.post(&server.path("tokens"), viewer("another")).refused(422, "idempotency_mismatch");
}

#[test]
fn a_service_account_holds_tokens_and_stops_with_them() {
    let server = Server::start("default");
    let manager = server.member("Admin").session;
    let made = server
        .as_(&manager)
        .post(&server.path("service-accounts"), json!({ "name": "deployer", "role": "Viewer" }));
    made.ok(201);
    let holder = made.text_at("id");
    let token = server.create(&manager, json!({ "name": "robot", "holder": holder, "expires_in": "90d" }));
    let secret = text(&token, "secret");
    assert!(secret.starts_with("jtn_sat_"), "held by a service account");
    let verdict = server.verify(&secret);
    assert_eq!(
        (&verdict["holder"]["id"], &verdict["holder"]["kind"]),
        (&json!(holder), &json!("service_account"))
    );

    let account = |action: &str| {
        server.as_(&manager).post(&server.path(&format!("service-accounts/{holder}/{action}")), json!({}))
    };
    account("deactivate").ok(200);
    server.rejects(&secret, "suspended");
    account("reactivate").ok(200);
    server.accepts(&secret);
}

#[test]
fn a_list_is_read_page_by_page_each_token_once() {
    let server = Server::start("default");
    let caller = server.member("Member").session;
    for number in 1..=7 {
        server.create(&caller, viewer(&format!("number {number}")));
    }
    let mut names = Vec::new();
    let mut query = "?limit=3&sort=name".to_owned();
    loop {
        let page = server.as_(&caller).get(&server.path(&format!("tokens{query}"))).ok(200).clone();
        names.extend(page["items"].as_array().expect("items").iter().map(|token| text(token, "name")));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=3&sort=name&cursor={cursor}"),
            None => break,
        }
    }
    let expected: Vec<String> = (1..=7).map(|number| format!("number {number}")).collect();
    assert_eq!(names, expected);
    assert_eq!(server.token_names(&caller, "?q=number%207"), ["number 7"]);
}

#[test]
fn a_token_tells_where_it_was_used() {
    let server = Server::start("default");
    let caller = server.member("Member").session;
    let token = server.create(&caller, viewer("ci"));
    for address in ["192.0.2.7", "192.0.2.7", "2001:db8::1"] {
        let ask = json!({ "token": token["secret"], "address": address });
        assert_eq!(server.verify_with(ask)["valid"], true);
    }
    let usage = || {
        server.as_(&caller).get(&server.path(&format!("tokens/{}/usage", text(&token, "id")))).ok(200).clone()
    };
    until("the uses are counted", || usage()["by_day"][0]["count"] == 3);
    let usage = usage();
    assert_eq!(usage["by_address"][0], json!({ "address": "192.0.2.7", "count": 2 }));
    assert_eq!(usage["by_service"][0]["count"], 3);
    assert_eq!(usage["last_used_from"], "2001:db8::1");
}

#[test]
fn a_session_is_listed_and_ends_when_it_is_told_to() {
    let server = Server::start("default");
    let here = server.log_in(ADMIN).text_at("token");
    let there = server.log_in(ADMIN).text_at("token");
    let listed = server.as_(&here).get("/v1/sessions").ok(200).clone();
    let sessions = listed["items"].as_array().or(listed.as_array()).expect("a list").clone();
    let other = sessions.iter().find(|session| session["current"] == false).expect("the other login");
    server.as_(&here).delete(&format!("/v1/sessions/{}", text(other, "id"))).ok(200);
    server.as_(&there).get("/v1/tokens/self").refused(401, "unauthenticated");
    server.as_(&here).delete("/v1/sessions/self").ok(200);
    server.as_(&here).get("/v1/tokens/self").refused(401, "unauthenticated");
}

#[test]
fn a_batch_of_asks_is_answered_in_its_order() {
    let server = Server::start("default");
    let asks = json!({ "asks": [
        { "token": server.admin_token },
        { "token": "jtn_pat_nonsense" },
        { "token": server.admin_token, "permission": { "all": ["devices:read", { "any": ["billing:update", "deploy:trigger"] }] } },
        { "token": server.admin_token, "account": "another" },
    ] });
    let answer = server.service().post("/v1/verify/batch", asks);
    let verdicts = answer.ok(200)["verdicts"].as_array().expect("verdicts").clone();
    let codes: Vec<String> = verdicts.iter().map(|verdict| text(verdict, "code")).collect();
    assert_eq!(codes, ["valid", "malformed", "valid", "wrong_account"]);
}
