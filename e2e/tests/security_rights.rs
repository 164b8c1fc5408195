//! What a token may do is at most what its maker and its holder may do, now, and it stops with them.
//! The rows that these tests hold stand in docs/security.md.

use std::sync::atomic::{AtomicBool, Ordering};

use e2e::{ADMIN, Server, in_seconds, strings, text, until};
use serde_json::{Value, json};

#[test]
fn no_token_is_made_that_may_more_than_its_maker() {
    let server = Server::start("default");
    let viewer = server.member("Viewer");
    let may = server.role_permissions("Viewer");
    for permission in [
        json!({ "role": "Owner" }),
        json!({ "role": "Member" }),
        json!({ "list": ["devices:update"] }),
        json!({ "list": ["devices:read", "billing:read"] }),
        json!({ "list": ["members:create"] }),
    ] {
        let answer = server.ask_for_token(&viewer.session, json!({ "name": "x", "permission": permission }));
        assert!(matches!(answer.status, 403 | 422), "{permission}: {answer:?}");
    }
    // What is not spelled out is cut to what its maker may do.
    for permission in [json!({ "inherit": true }), json!({ "access": "read" }), json!({ "access": "full" })] {
        let answer = server.ask_for_token(&viewer.session, json!({ "name": "x", "permission": permission }));
        if answer.status == 201 {
            let given = server.permissions(&answer.text_at("secret"));
            assert!(given.iter().all(|permission| may.contains(permission)), "{permission}: {given:?}");
        } else {
            assert!(matches!(answer.status, 403 | 422), "{permission}: {answer:?}");
        }
    }
}

#[test]
fn what_a_token_makes_stays_within_it_in_role_and_in_time() {
    // Under this preset tokens reach the desk, so that a token can make another.
    let server = Server::start("gcore");
    let session = server.log_in(ADMIN).text_at("token");
    let role = |name: &str| json!({ "role": name });
    let parent = json!({ "name": "parent", "permission": role("Engineers"), "expires_at": in_seconds(3600) });
    let parent = server.create(&session, parent);
    let secret = text(&parent, "secret");
    let ask = |more: Value| {
        let mut ask =
            json!({ "name": "child", "permission": role("Users"), "expires_at": parent["expires_at"] });
        ask.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        server.ask_for_token(&secret, ask)
    };
    let child = ask(json!({}));
    child.ok(201);
    assert!(
        server.permissions(&child.text_at("secret")).iter().all(|p| server.permissions(&secret).contains(p))
    );
    for beyond in [
        json!({ "permission": role("Administrators") }),
        json!({ "expires_at": in_seconds(7200) }),
        json!({ "expires_at": null }),
    ] {
        let answer = ask(beyond.clone());
        assert!(matches!(answer.status, 403 | 422), "{beyond}: {answer:?}");
    }
}

#[test]
fn a_demoted_members_tokens_lose_what_the_member_lost_at_the_next_request() {
    let server = Server::start("default");
    let member = server.member("Member");
    let both = json!({ "list": ["devices:read", "devices:update"] });
    let token = server.create(&member.session, json!({ "name": "ci", "permission": both }));
    let (id, secret) = (text(&token, "id"), text(&token, "secret"));
    let spare = server.create(&member.session, json!({ "name": "spare", "permission": both }));
    server.act(&member.session, &text(&spare, "id"), "revoke").ok(200);
    assert_eq!(server.code_for(&secret, "devices:update"), "valid");

    let demoted =
        server.admin().patch(&server.path(&format!("members/{}", member.id)), json!({ "role": "Viewer" }));
    demoted.ok(200);
    assert_eq!(server.code_for(&secret, "devices:update"), "insufficient_permission");
    assert_eq!(server.code_for(&secret, "devices:read"), "valid");
    // At create, at edit, at rotation and at approval too.
    let ask = json!({ "name": "new", "permission": { "list": ["devices:update"] } });
    let answer = server.ask_for_token(&member.session, ask);
    assert!(matches!(answer.status, 403 | 422), "{answer:?}");
    // An edit may leave what stands in the token already; that gives nobody anything.
    let widen = json!({ "permission": { "list": ["devices:update"] } });
    server.as_(&member.session).patch(&server.path(&format!("tokens/{id}")), widen);
    assert_eq!(server.code_for(&secret, "devices:update"), "insufficient_permission");
    let widen = json!({ "permission": { "list": ["devices:read", "devices:delete"] } });
    server.as_(&member.session).patch(&server.path(&format!("tokens/{id}")), widen).refused(403, "forbidden");
    server.act(&server.admin_token, &text(&spare, "id"), "approve").ok(200);
    assert_eq!(server.code_for(&text(&spare, "secret"), "devices:update"), "insufficient_permission");
    let rotated = server.as_(&secret).post("/v1/tokens/self/rotate", json!({}));
    if rotated.status == 201 {
        assert_eq!(server.code_for(&rotated.text_at("secret"), "devices:update"), "insufficient_permission");
    }
}

#[test]
fn a_role_that_shrinks_shrinks_its_tokens() {
    let server = Server::start("default");
    let made = server.admin().post(
        &server.path("roles"),
        json!({ "name": "Operator", "permissions": ["devices:read", "devices:update", "members:read"] }),
    );
    made.ok(201);
    let member = server.member("Operator");
    let ask = json!({ "name": "ci", "permission": { "role": "Operator" } });
    let secret = text(&server.create(&member.session, ask), "secret");
    assert_eq!(server.code_for(&secret, "devices:update"), "valid");
    server.as_(&member.session).get(&server.path("members")).ok(200);
    let path = server.path(&format!("roles/{}", made.text_at("id")));
    server.admin().patch(&path, json!({ "permissions": ["devices:read"] })).ok(200);
    assert_eq!(server.code_for(&secret, "devices:update"), "insufficient_permission");
    assert_eq!(strings(&server.verify(&secret)["permissions"]), ["devices:read"]);
    // The session as well: nothing that it could do before is remembered anywhere.
    server.as_(&member.session).get(&server.path("members")).refused(403, "forbidden");
}

/// How a holder stops.
const STOPS: [&str; 2] = ["deactivate", "remove"];

#[test]
fn a_member_who_stops_takes_everything_of_theirs_along_at_the_next_request() {
    let server = Server::start("default");
    for how in STOPS {
        let member = server.member("Admin");
        let secret = text(&server.create_named(&member.session, "ci"), "secret");
        let id = text(&server.create_named(&member.session, "spare"), "id");
        server.accepts(&secret);
        stop(&server, &format!("members/{}", member.id), how);
        assert_ne!(server.verify(&secret)["valid"], true, "{how}");
        for credential in [&secret, &member.session] {
            let client = server.as_(credential);
            client.get("/v1/tokens/self").refused(401, "unauthenticated");
            // Nothing is minted and nothing rotated by somebody who stopped.
            server.ask_for_token(credential, json!({ "name": "late" })).refused(401, "unauthenticated");
            client.post("/v1/tokens/self/rotate", json!({})).refused(401, "unauthenticated");
            server.act(credential, &id, "rotate").refused(401, "unauthenticated");
            let path = server.path("members");
            client
                .post(&path, json!({ "name": "back door", "role": "Admin" }))
                .refused(401, "unauthenticated");
        }
        let login = json!({ "email": member.email, "password": e2e::PASSWORD });
        server.anonymous().post("/v1/sessions", login).refused(401, "unauthenticated");
        // A manager cannot do it for them either.
        let answer = server.act(&server.admin_token, &id, "rotate");
        assert!(matches!(answer.status, 404 | 409), "{how}: {answer:?}");
    }
}

#[test]
fn a_service_account_that_stops_takes_its_tokens_along() {
    let server = Server::start("default");
    for how in STOPS {
        let made =
            server.admin().post(&server.path("service-accounts"), json!({ "name": how, "role": "Viewer" }));
        made.ok(201);
        let holder = made.text_at("id");
        let ask = json!({ "name": "robot", "holder": holder, "expires_in": "30d" });
        let secret = text(&server.create(&server.admin_token, ask.clone()), "secret");
        server.accepts(&secret);
        stop(&server, &format!("service-accounts/{holder}"), how);
        assert_ne!(server.verify(&secret)["valid"], true, "{how}");
        server.as_(&secret).get("/v1/tokens/self").refused(401, "unauthenticated");
        server.as_(&secret).post("/v1/tokens/self/rotate", json!({})).refused(401, "unauthenticated");
        let answer = server.ask_for_token(&server.admin_token, ask);
        assert!(matches!(answer.status, 404 | 409 | 422), "{how}: {answer:?}");
    }
}

fn stop(server: &Server, path: &str, how: &str) {
    match how {
        "remove" => server.admin().delete(&server.path(path)).ok(200),
        how => server.admin().post(&server.path(&format!("{path}/{how}")), json!({})).ok(200),
    };
}

#[test]
fn tokens_of_what_was_removed_never_fall_back_to_anything_wider() {
    let mut server = Server::start("default");
    let made =
        server.admin().post(&server.path("service-accounts"), json!({ "name": "robot", "role": "Viewer" }));
    made.ok(201);
    let holder = made.text_at("id");
    server.admin().post(&server.path("nodes"), json!({ "path": "/sales" })).ok(201);
    let ask = json!({ "name": "robot", "holder": holder, "node": "/sales", "expires_in": "30d" });
    let secret = text(&server.create(&server.admin_token, ask), "secret");
    // A token below a node never reaches what stands beside or above it.
    let at = |node: &str| {
        text(
            &server.verify_with(json!({ "token": secret, "permission": "devices:read", "node": node })),
            "code",
        )
    };
    assert_eq!(at("/sales"), "valid");
    assert_eq!(at("/"), "out_of_scope");
    assert_eq!(at("/sales2"), "out_of_scope");
    stop(&server, &format!("service-accounts/{holder}"), "remove");
    for node in ["/sales", "/", "/sales2"] {
        let ask = json!({ "token": secret, "permission": "devices:read", "node": node });
        assert_eq!(server.verify_with(ask)["valid"], false, "{node}");
    }
    server.restart();
    assert_eq!(server.verify(&secret)["valid"], false, "nor after a restart");
}

#[test]
fn a_right_that_was_taken_mints_nothing_from_any_memory() {
    let server = Server::start("gcore");
    let session = server.log_in(ADMIN).text_at("token");
    let ask = json!({ "name": "maker", "permission": { "role": "Administrators" }, "expires_at": null });
    let maker = server.create(&session, ask.clone());
    let secret = text(&maker, "secret");
    for round in 0..5 {
        server.ask_for_token(&secret, json!({ "name": format!("child {round}"), "permission": { "role": "Users" }, "expires_at": null })).ok(201);
    }
    server.delete(&session, &text(&maker, "id"), "").ok(200);
    server.ask_for_token(&secret, ask).refused(401, "unauthenticated");
}

#[test]
fn a_disabled_member_stays_disabled_though_verifies_are_under_way() {
    let mut server = Server::start("default");
    let member = server.member("Member");
    let secret = text(&server.create_named(&member.session, "ci"), "secret");
    let path = server.path(&format!("members/{}", member.id));
    let (service, ask) = (server.service(), json!({ "token": secret }));
    let (stop, told) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    // Read before the request is sent: what is sent after the answer must be refused.
                    let after = told.load(Ordering::SeqCst);
                    let valid = service.post("/v1/verify", ask.clone()).ok(200)["valid"] == true;
                    assert!(!(after && valid), "a verify sent after the answer was valid");
                }
            });
        }
        let done = server.admin().post(&format!("{path}/deactivate"), json!({}));
        told.store(true, Ordering::SeqCst);
        // Long enough for each to have asked again.
        let uses = || server.verify(&secret)["code"] == "suspended";
        (0..20).for_each(|_| assert!(uses()));
        stop.store(true, Ordering::SeqCst);
        done.ok(200);
    });
    // The counters of those verifies are written at the end; the member is not.
    assert_eq!(server.stop(), 0);
    server.restart();
    server.rejects(&secret, "suspended");
    assert_eq!(server.admin().get(&path).ok(200)["active"], false);
    until("the uses were counted", || {
        server.tokens(&server.admin_token, "").iter().any(|token| token["last_used_at"] != Value::Null)
    });
}

#[test]
fn an_account_that_is_closed_takes_everything_in_it_along() {
    let server = Server::start("default");
    server.account("other", "default");
    let owner = server.member_of("other", "Owner");
    let client = server.as_(&owner.session);
    let at = |rest: &str| format!("/v1/accounts/other/{rest}");
    let robot = client.post(&at("service-accounts"), json!({ "name": "robot", "role": "Member" }));
    robot.ok(201);
    let token = |holder: Option<String>| {
        let ask = json!({ "name": "ci", "holder": holder, "permission": { "role": "Viewer" } });
        text(client.post(&at("tokens"), ask).ok(201), "secret")
    };
    let tokens = [token(None), token(Some(robot.text_at("id"))), owner.session.clone()];
    for token in &tokens {
        server.accepts(token);
    }
    // Nobody in it closes it, and whoever runs the server does not close what they are at work in.
    client.post(&at("deactivate"), json!({})).refused(403, "forbidden");
    server.admin().post(&server.path("deactivate"), json!({})).refused(409, "wrong_state");
    server.admin().post(&at("deactivate"), json!({})).ok(200);
    for token in &tokens {
        server.rejects(token, "suspended");
        server.as_(token).get("/v1/tokens/self").refused(401, "unauthenticated");
        server.as_(token).post(&at("tokens"), json!({ "name": "last" })).refused(401, "unauthenticated");
    }
    let login = json!({ "email": owner.email, "password": e2e::PASSWORD, "account": "other" });
    server.anonymous().post("/v1/sessions", login).refused(401, "unauthenticated");
    server.accepts(&server.admin_token);
    server.admin().post(&at("reactivate"), json!({})).ok(200);
    for token in &tokens {
        server.accepts(token);
    }
    client.get(&at("tokens")).ok(200);
}
