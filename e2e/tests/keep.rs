//! Running it for years, by command: backups beside the server, taking one back, and letting somebody
//! in when nobody can get in any more. The rules are tried in `crates/store/tests/backup.rs`.

use e2e::{ADMIN, Finished, PASSWORD, Place, Server, only_on, text};
use serde_json::json;

const USAGE: i32 = 2;
const FAILED: i32 = 1;
const NOT_FOUND: i32 = 3;

/// A command on the installation itself.
fn on_the_data(server: &Server, arguments: &[&str], input: &str) -> Finished {
    let installation = server.installation();
    let all: Vec<&str> = arguments.iter().copied().chain(installation.iter().map(String::as_str)).collect();
    server.jeton_with_input(&all, input)
}

fn create(server: &Server, by: &str, name: &str) -> (String, String) {
    let made = server.as_(by).post("/v1/accounts/acme/tokens", json!({ "name": name }));
    made.ok(201);
    (made.text_at("id"), made.text_at("secret"))
}

#[test]
fn a_backup_taken_beside_the_server_comes_back_without_what_was_revoked_since() {
    if !only_on(&[Place::Sqlite], "PostgreSQL has its own means") {
        return;
    }
    let mut server = Server::start("default");
    let ada = server.member("Admin");
    let leaver = server.member("Member");
    let (kept_id, kept) = create(&server, &ada.session, "kept");
    let (revoked_id, revoked) = create(&server, &ada.session, "revoked");
    let (_, of_leaver) = create(&server, &leaver.session, "of a leaver");
    let file = server.directory().join("a.db").display().to_string();
    let made = on_the_data(&server, &["backup", "--to", &file, "--json"], "");
    assert_eq!(made.json()["rows"]["token"], 6, "with the sessions and the first token: {made:#?}");
    assert!(made.json()["bytes"].as_u64().expect("a size") > 0);
    assert!(made.stderr.is_empty(), "{made:#?}");
    let again = on_the_data(&server, &["backup", "--to", &file], "");
    assert_eq!((again.code, again.stdout.as_str()), (FAILED, ""), "{again:#?}");

    server
        .as_(&ada.session)
        .post(&format!("/v1/accounts/acme/tokens/{revoked_id}/revoke"), json!({}))
        .ok(200);
    server.admin().post(&format!("/v1/accounts/acme/members/{}/deactivate", leaver.id), json!({})).ok(200);
    let (later_id, later) = create(&server, &ada.session, "made since");
    server.as_(&ada.session).post(&format!("/v1/accounts/acme/tokens/{later_id}/revoke"), json!({})).ok(200);
    server.as_(&ada.session).delete("/v1/sessions/self");
    let (_, unrevoked) = create(&server, &server.admin_token, "made since too");

    let running = on_the_data(&server, &["restore", "--from", &file, "--replace"], "");
    assert_eq!(running.code, FAILED);
    assert!(running.stderr.contains("is in use by process"), "{running:#?}");
    server.stop();
    let unasked = on_the_data(&server, &["restore", "--from", &file], "");
    assert!(unasked.stderr.contains("--replace"), "{unasked:#?}");
    let back = on_the_data(&server, &["restore", "--from", &file, "--replace"], "");
    assert!(back.done().contains(&revoked_id) && back.stdout.contains(&leaver.id), "{back:#?}");
    assert!(back.stdout.contains("revoked_at") && !back.stdout.contains(&kept_id), "{back:#?}");
    assert!(back.stderr.contains("before-restore-1"), "{back:#?}");

    server.restart();
    server.accepts(&kept);
    server.rejects(&revoked, "revoked");
    server.rejects(&of_leaver, "suspended");
    server.rejects(&ada.session, "revoked");
    server.rejects(&later, "not_found");
    server.rejects(&unrevoked, "not_found");
    server.accepts(&server.admin_token);
}

#[test]
fn on_postgresql_its_own_means_are_named() {
    if !only_on(&[Place::Postgres, Place::Peers], "about PostgreSQL") {
        return;
    }
    let server = Server::start("default");
    for command in [["backup", "--to", "a.db"], ["restore", "--from", "a.db"]] {
        let refused = on_the_data(&server, &command, "");
        assert_eq!(refused.code, USAGE, "{refused:#?}");
        assert!(
            refused.stderr.contains("pg_") && refused.stderr.contains("docs/postgres.md"),
            "{refused:#?}"
        );
    }
}

#[test]
fn whoever_has_the_machine_lets_an_administrator_in_again() {
    let mut server = Server::start("default");
    let session = text(server.log_in(ADMIN).ok(201), "token");
    let new = "another-Quill-98-lantern";
    let reset = ["admin", "reset", "--email", ADMIN, "--password-file", "-", "--json"];
    if server.postgres().is_none() {
        let running = on_the_data(&server, &reset, new);
        assert_eq!(running.code, FAILED, "{running:#?}");
        server.accepts(&session);
        server.stop();
    }
    let short = on_the_data(&server, &reset, "short");
    assert!(short.code == FAILED && short.stderr.contains("12 to 256"), "{short:#?}");
    let done = on_the_data(&server, &reset, new);
    assert_eq!(
        (&done.json()["sessions_ended"], &done.json()["operator"]),
        (&json!(1), &json!(true)),
        "{done:#?}"
    );
    assert!(!done.stdout.contains(new) && !done.stderr.contains(new));
    if server.postgres().is_none() {
        server.restart();
    }
    // A server that went on hears of it from the database.
    e2e::until("the session's end", || server.verify(&session)["valid"] == false);
    server.rejects(&session, "revoked");
    server.accepts(&server.admin_token);
    let log_in = |password: &str| {
        server
            .anonymous()
            .post("/v1/sessions", json!({ "email": ADMIN, "password": password, "account": "acme" }))
    };
    assert_eq!(log_in(PASSWORD).status, 401);
    log_in(new).ok(201);
}

#[test]
fn somebody_new_is_made_to_lead_an_account_and_nobody_in_particular_is_not() {
    let mut server = Server::start("default");
    let sqlite = server.postgres().is_none();
    let weak = server.member("Viewer");
    if sqlite {
        server.stop();
    }
    let reset = |email: &str, more: &[&str]| {
        let fixed = ["admin", "reset", "--email", email, "--password-file", "-"];
        on_the_data(&server, &[&fixed[..], more].concat(), PASSWORD)
    };
    let nobody = reset("nobody@example.com", &[]);
    assert_eq!(nobody.code, NOT_FOUND, "{nobody:#?}");
    assert_eq!(reset("new@example.com", &["--account", "nowhere"]).code, NOT_FOUND);
    let made = reset("new@example.com", &["--account", "acme", "--operator"]);
    let became = "They lead acme, with its strongest role, and run the server.";
    assert!(made.done().contains(became), "{made:#?}");
    reset(&weak.email, &["--account", "acme"]).done();
    if sqlite {
        server.restart();
    }
    for (email, operator) in [("new@example.com", true), (weak.email.as_str(), false)] {
        let session = text(server.log_in(email).ok(201), "token");
        server.as_(&session).get("/v1/accounts/acme/policy").ok(200);
        let made = server
            .as_(&session)
            .post("/v1/accounts", json!({ "id": format!("of-{operator}"), "name": "of" }));
        assert_eq!(made.status, if operator { 201 } else { 403 }, "{made:?}");
    }
}

#[test]
fn who_is_made_an_operator_no_more_is_none_at_once_and_after_a_restore() {
    let mut server = Server::start("default");
    let session = text(server.log_in(ADMIN).ok(201), "token");
    server.as_(&session).get("/v1/services").ok(200);
    let file = server.directory().join("before.db").display().to_string();
    let sqlite = server.postgres().is_none();
    let retire = ["admin", "retire", "--email", ADMIN, "--json"];
    if sqlite {
        on_the_data(&server, &["backup", "--to", &file], "").done();
        assert_eq!(on_the_data(&server, &retire, "").code, FAILED, "while it runs");
        server.stop();
    }
    let done = on_the_data(&server, &retire, "");
    assert_eq!(
        (&done.json()["email"], &done.json()["operator"]),
        (&json!(ADMIN), &json!(false)),
        "{done:#?}"
    );
    let nobody_left = "Nobody runs the server now; `jeton admin reset --operator` makes somebody.";
    assert!(done.stderr.contains(nobody_left), "{done:#?}");
    let again = on_the_data(&server, &retire, "");
    assert!(again.code == FAILED && again.stderr.contains("is no operator"), "{again:#?}");
    let nobody = ["admin", "retire", "--email", "nobody@example.com"];
    assert_eq!(on_the_data(&server, &nobody, "").code, NOT_FOUND);
    if sqlite {
        on_the_data(&server, &["restore", "--from", &file, "--replace"], "").done();
        server.restart();
    }
    // The session goes on as that of a member.
    server.as_(&session).get("/v1/services").refused(403, "forbidden");
    server.as_(&session).get("/v1/accounts/acme/policy").ok(200);
}

#[test]
fn a_user_base_is_synced_by_command_and_who_left_is_erased() {
    let server = Server::start("default");
    let operator = |words: &[&str]| server.jeton_as(&server.admin_token, words, "");
    let at = |name: &str| server.directory().join(name).display().to_string();
    let (users, customers, broken) = (at("users.jsonl"), at("customers.jsonl"), at("broken.jsonl"));
    let mut lines: String = (0..1001)
        .map(|n| format!("{{\"external_id\":\"u-{n}\",\"name\":\"User {n}\",\"role\":\"Viewer\"}}\n"))
        .collect();
    lines += "{\"external_id\":\"u-x\",\"name\":\"Nobody\",\"role\":\"Emperor\"}\n";
    std::fs::write(&users, &lines).expect("our own directory");
    let sync = |more: &[&str]| {
        operator(&[&["member", "sync", users.as_str(), "--account", "acme"][..], more].concat())
    };
    let done = sync(&[]);
    assert_eq!(done.code, FAILED, "one was refused: {done:#?}");
    assert_eq!(done.stdout, "1002 members: 1001 created, 0 updated, 0 unchanged, 1 refused.\n");
    assert!(done.stderr.starts_with("u-x: ") && done.stderr.contains("Emperor"), "{done:#?}");
    let again: serde_json::Value = serde_json::from_str(&sync(&["--json"]).stdout).expect("JSON");
    let outcomes = again["outcomes"].as_array().expect("outcomes");
    assert_eq!(outcomes.len(), 1002);
    assert!(outcomes[..1001].iter().all(|each| each["outcome"] == "unchanged"));

    std::fs::write(&customers, "{\"external_id\":\"c-1\",\"name\":\"Globex\"}").expect("ours");
    let made = operator(&["account", "sync", &customers]);
    assert_eq!(made.done(), "1 account: 1 created, 0 updated, 0 unchanged, 0 refused.\n");
    std::fs::write(&broken, "{\"external_id\":\"c-2\",\"name\":\"Two\"} []").expect("ours");
    let broken = operator(&["account", "sync", &broken]);
    assert!(broken.code == FAILED && broken.stderr.contains("number 2 is no JSON object"), "{broken:#?}");

    let id = text(&outcomes[7], "id");
    let early = operator(&["member", "erase", &id, "--yes"]);
    assert!(early.code == FAILED && early.stderr.contains("still a member"), "{early:#?}");
    operator(&["member", "remove", &id, "--yes"]).done();
    let erased = operator(&["member", "erase", &id, "--yes"]);
    erased.done();
    assert_eq!(erased.stderr, format!("erased {id} \"erased\"\n"));
}

#[test]
fn an_export_beside_the_server_has_what_is_there_and_no_secret() {
    let server = Server::start("default");
    let (id, secret) = create(&server, &server.admin_token, "exported");
    let done = on_the_data(&server, &["export", "--to", "-"], "");
    let lines: Vec<serde_json::Value> =
        done.done().lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect();
    let token = lines.iter().find(|line| line["row"]["id"] == id.as_str()).expect("it is there");
    assert_eq!((&token["kind"], &token["row"]["name"]), (&json!("token"), &json!("exported")));
    assert!(!done.stdout.contains(&secret) && !done.stdout.contains("argon2id"), "no secret");
    let file = server.directory().join("all.jsonl").display().to_string();
    let told = on_the_data(&server, &["export", "--to", &file, "--json"], "");
    assert_eq!(told.json()["rows"]["token"], lines.iter().filter(|line| line["kind"] == "token").count());
    assert_eq!(std::fs::read_to_string(&file).expect("it was written").lines().count(), lines.len());
    assert_eq!(on_the_data(&server, &["export", "--to", &file], "").code, FAILED, "it is there already");
}
