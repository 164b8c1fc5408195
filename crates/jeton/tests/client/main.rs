//! The commands that speak HTTP, run as a person or a script runs them, against a server that
//! answers what the test says. The real server is tested elsewhere; here it is about what goes out,
//! what is printed where, and how a command ends.

mod canned;
mod nouns;

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use canned::{Canned, Home, problem};
use serde_json::{Value, json};

const SECRET: &str = "jtn_pat_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const LOGIN: &str = "jtn_ses_0123456789ab_LOGINLOGINLOGINLOGINLOGIN0123456";

fn token() -> Value {
    json!({
        "id": "pat_0123456789ab", "number": 1, "kind": "pat", "name": "ci", "description": null, "metadata": {},
        "account": "acme", "holder": {"id": "mem_0123456789ab", "kind": "member", "name": "Ada"},
        "issued_by": {"id": "mem_0123456789ab", "name": "Ada"}, "permission": {"role": "Viewer"}, "node": "/",
        "status": "active", "created_at": "2026-08-21T10:00:00.000000Z", "not_before": null,
        "expires_at": "2026-11-19T10:00:00.000000Z", "last_used_at": null, "last_used_from": null,
        "conditions": null, "limits": null, "version": 1
    })
}

fn with(mut object: Value, more: Value) -> Value {
    object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object
}

fn started(token: &str, refresh: Option<&str>) -> Value {
    let member = json!({
        "id": "mem_0123456789ab", "number": 1, "account": "acme", "external_id": null, "name": "Ada",
        "email": "ada@example.com", "role": "Owner", "bindings": [], "active": true, "inactive_since": null, "metadata": {},
        "created_at": "2026-08-21T10:00:00.000000Z", "version": 1
    });
    let session = json!({"token": token, "expires_at": "2026-08-28T10:00:00.000000Z", "member": member});
    match refresh {
        Some(refresh) => with(session, json!({"refresh_token": refresh})),
        None => session,
    }
}

fn verdict(valid: bool, code: &str) -> Value {
    json!({
        "valid": valid, "code": code, "token": null, "account": null, "holder": null, "role": null,
        "permissions": null, "node": null, "expires_at": null, "as_of": "2026-08-21T10:00:00.000000Z",
        "cacheable_for_ms": 0
    })
}

#[test]
fn each_answer_of_a_server_has_its_exit_code() {
    for (status, code, exit) in [
        (400, "invalid_body", 1),
        (401, "unauthenticated", 4),
        (403, "forbidden", 4),
        (404, "not_found", 3),
        (409, "name_taken", 1),
        (422, "invalid_field", 1),
        (429, "rate_limited", 1),
        (500, "internal", 1),
        (503, "undetermined", 5),
        (507, "storage_full", 1),
    ] {
        let server = Canned::answering(vec![problem(status, code)]);
        let ran = Home::new().with_token(&server, SECRET).run(&["token", "show", "pat_0123456789ab"]);
        assert_eq!(ran.exit, exit, "{status}: {}", ran.err);
        match code {
            // The server's sentence is for programs; a person hears whose token was refused where.
            "unauthenticated" => assert!(ran.err.contains("does not take this token"), "{}", ran.err),
            _ => assert!(ran.err.starts_with("error: what happened with "), "{}", ran.err),
        }
        assert_eq!(ran.out, "");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_a_server_that_is_not_there_with_5() {
    let home = Home::new().with("JETON_TOKEN", SECRET).with("JETON_ACCOUNT", "acme");
    assert_eq!(home.run(&["token", "create"]).exit, 2);
    assert_eq!(home.run(&["token", "list", "--server", "tokens.example.com"]).exit, 2);
    let ran = home.run(&["token", "list", "--server", &Canned::nobody()]);
    assert_eq!(ran.exit, 5, "{}", ran.err);
    assert!(ran.err.starts_with("error: could not reach http://127.0.0.1:"), "{}", ran.err);
}

#[test]
fn a_refused_login_speaks_of_the_password_and_not_of_tokens() {
    let server = Canned::answering(vec![problem(401, "unauthenticated")]);
    let login = ["login", "--server", server.url(), "--email", "a@b.c", "--password-file", "-"];
    let ran = Home::new().feed(&login, "wrong");
    assert_eq!(ran.exit, 4);
    assert!(ran.err.contains("the password or the account is wrong"), "{}", ran.err);
    assert!(!ran.err.contains("token"), "{}", ran.err);
}

#[test]
fn only_verbs_that_a_token_may_use_on_itself_take_self() {
    let home = Home::new().with("JETON_TOKEN", SECRET).with("JETON_SERVER", &Canned::nobody());
    for verb in [&["edit", "self", "--name", "x"][..], &["revoke", "self"], &["approve", "self"]] {
        let ran = home.run(&[&["token"], verb].concat());
        assert_eq!(ran.exit, 2, "{verb:?}: {}", ran.err);
        assert!(ran.err.contains("`self` can be shown, rotated and deleted"), "{}", ran.err);
    }
    assert_eq!(home.run(&["token", "show", "self"]).exit, 5, "this one is sent");
}

#[test]
fn a_preset_that_does_not_exist_is_found_by_config_check() {
    let home = Home::new().with("JETON_SERVER__PRESET", "gcroe");
    let ran = home.run(&["config", "check"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.err.starts_with("error: there is no preset `gcroe`"), "{}", ran.err);
    let ran = home.run(&["config", "check", "--json"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.out.contains("\"valid\":false") && ran.out.contains("gcroe"), "{}", ran.out);
}

#[test]
fn a_broken_login_is_forgotten_with_local() {
    let server = Canned::answering(vec![(201, started(LOGIN, None))]);
    let home = Home::new();
    home.feed(&["login", "--server", server.url(), "--email", "a@b.c", "--password-file", "-"], "x");
    std::fs::write(home.credentials(), "not TOML at all").unwrap();
    let ran = home.run(&["logout"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.err.contains("`jeton logout --local`"), "{}", ran.err);
    assert_eq!(home.run(&["logout", "--local"]).exit, 0);
    assert!(!home.credentials().exists());
}

#[test]
fn a_field_at_fault_is_named_and_nothing_speaks_to_the_terminal() {
    let refusal = with(
        problem(422, "invalid_field").1,
        json!({"detail": "bad\u{1b}[2J", "errors": [{"field": "name", "code": "too_long", "detail": "at most 100"}]}),
    );
    let server = Canned::answering(vec![(422, refusal)]);
    let ran = Home::new().with_token(&server, SECRET).run(&["token", "create", "ci"]);
    assert_eq!(ran.err, "error: bad\\u{1b}[2J\n  name: at most 100\n");
}

#[test]
fn create_prints_the_secret_alone_and_sends_what_was_said() {
    let server = Canned::answering(vec![(201, with(token(), json!({"secret": SECRET})))]);
    let ran = Home::new().with_token(&server, LOGIN).run(&[
        "token",
        "create",
        "ci",
        "--access",
        "read",
        "--entity",
        "devices",
        "--never",
        "--node",
        "/sales",
        "--metadata",
        "{\"a\":1}",
    ]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, format!("{SECRET}\n").as_str()), "{}", ran.err);
    assert!(ran.err.contains("pat_0123456789ab") && !ran.err.contains("ABCDEFGH"), "{}", ran.err);
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /v1/accounts/acme/tokens HTTP/1.1");
    assert_eq!(asked.header("authorization"), format!("Bearer {LOGIN}"));
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(
        asked.json(),
        json!({"name": "ci", "permission": {"access": "read", "entities": ["devices"]}, "node": "/sales",
               "expires_at": null, "metadata": {"a": 1}})
    );
}

#[test]
fn json_is_what_the_server_sent() {
    let body = with(token(), json!({"secret": SECRET, "of_a_newer_server": [1, 2]}));
    let server = Canned::answering(vec![(201, body.clone())]);
    let ran = Home::new().with_token(&server, LOGIN).run(&["token", "rotate", "pat_0123456789ab", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), body);
    assert_eq!(ran.err, "");
}

#[test]
fn a_secret_that_could_not_be_written_is_a_failure() {
    let server = Canned::answering(vec![(201, with(token(), json!({"secret": SECRET})))]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran = Home::new().with_token(&server, LOGIN).start(&["token", "create", "ci"], "", Stdio::from(full));
    assert_eq!(ran.exit, 1);
    assert!(ran.err.starts_with("error: could not write to standard output"), "{}", ran.err);
}

#[test]
fn a_policy_that_asks_who_is_there_is_answered_from_a_file() {
    let asks = problem(403, "reauthentication_required");
    let made = || (201, with(token(), json!({"secret": SECRET})));
    let server = Canned::answering(vec![asks, made(), made()]);
    let home = Home::new().with_token(&server, LOGIN);
    let ran = home.run(&["token", "create", "ci"]);
    assert_eq!(ran.exit, 4);
    assert!(ran.err.starts_with("error: give your password again (--password-file)\n"), "{}", ran.err);
    let ran = home.feed(&["token", "create", "ci", "--password-file", "-"], "correct horse\n");
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert_eq!(server.asked()[1].json(), json!({"name": "ci", "password": "correct horse"}));
    let rotate =
        ["token", "rotate", "pat_0123456789ab", "--grace", "2 hours", "--password-file", "-", "--json"];
    let ran = home.feed(&rotate, "correct horse\n");
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert_eq!(server.asked()[2].json(), json!({"grace": "2 hours", "password": "correct horse"}));
}

#[test]
fn a_create_whose_answer_was_lost_is_asked_for_again_under_the_same_key() {
    let server = Canned::hanging_up_then(vec![(201, with(token(), json!({"secret": SECRET})))]);
    let home = Home::new().with_token(&server, LOGIN);
    let ran = home.run(&["token", "create", "ci"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, format!("{SECRET}\n").as_str()), "{}", ran.err);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].header("idempotency-key").len() >= 22);
    assert_eq!(asked[0].header("idempotency-key"), asked[1].header("idempotency-key"));
    assert_eq!(asked[0].json(), asked[1].json());
}

#[test]
fn a_change_that_cannot_be_repeated_safely_is_asked_for_once() {
    let server = Canned::hanging_up_then(vec![(200, token())]);
    let ran = Home::new().with_token(&server, LOGIN).run(&["token", "approve", "pat_0123456789ab"]);
    assert_eq!((ran.exit, server.asked().len()), (5, 1), "{}", ran.err);
}

#[test]
fn verify_reads_the_token_from_outside_and_ends_with_the_verdict() {
    let answers =
        vec![(200, verdict(true, "valid")), (200, verdict(false, "revoked")), problem(503, "undetermined")];
    let server = Canned::answering(answers);
    let home = Home::new().with("JETON_SERVER", server.url()).with("JETON_TOKEN", LOGIN);
    let valid = home.feed(
        &["token", "verify", "--permission", "a:read", "--permission", "b:read"],
        &format!("{SECRET}\n"),
    );
    assert_eq!((valid.exit, valid.out.as_str()), (0, "verdict  valid\n"), "{}", valid.err);
    let revoked = home.feed(&["token", "verify", "--json"], SECRET);
    assert_eq!(revoked.exit, 1);
    assert_eq!(serde_json::from_str::<Value>(&revoked.out).unwrap()["code"], "revoked");
    // Unknown is not invalid.
    assert_eq!(home.feed(&["token", "verify"], SECRET).exit, 5);
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"token": SECRET, "permission": {"all": ["a:read", "b:read"]}}));
    assert_eq!(asked[1].json(), json!({"token": SECRET}));
}

#[test]
fn a_login_is_kept_for_its_owner_and_used_until_logout() {
    let list = json!({"items": [token()], "next_cursor": "c1"});
    let server = Canned::answering(vec![(201, started(LOGIN, None)), (200, list), (200, json!({}))]);
    let home = Home::new();
    let login = ["login", "--server", server.url(), "--email", "ada@example.com", "--password-file", "-"];
    let ran = home.feed(&login, "hunter2\n");
    assert_eq!((ran.exit, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(ran.err, "signed in to acme as Ada (Owner) until 2026-08-28 10:00:00 UTC\n");
    let file = home.credentials();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));

    let ran = home.run(&["token", "list", "--status", "active", "--search", "c i", "--limit", "1"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert_eq!(
        ran.out,
        "ID                NAME  STATUS  HOLDER  GRANT        NODE  EXPIRES                  LAST USED\n\
         pat_0123456789ab  ci    active  Ada     role Viewer  /     2026-11-19 10:00:00 UTC  not yet\n"
    );
    assert_eq!(ran.err, "there are more: --cursor c1, or --all\n");

    assert_eq!(home.run(&["logout"]).exit, 0);
    assert!(!file.exists());
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"email": "ada@example.com", "password": "hunter2"}));
    assert_eq!(asked[0].header("authorization"), "");
    assert_eq!(asked[1].line, "GET /v1/accounts/acme/tokens?status=active&q=c%20i&limit=1 HTTP/1.1");
    assert_eq!(asked[1].header("authorization"), format!("Bearer {LOGIN}"));
    assert_eq!(asked[2].line, "DELETE /v1/sessions/self HTTP/1.1");
    assert_eq!(home.run(&["token", "list"]).exit, 4, "nobody is signed in any more");
}

#[test]
fn a_token_that_exists_is_asked_about_before_it_is_kept() {
    let own = with(token(), json!({"role": "Viewer", "permissions": ["devices:read"]}));
    let server = Canned::answering(vec![problem(401, "unauthenticated"), (200, own.clone()), (200, own)]);
    let home = Home::new();
    let login = ["login", "--server", server.url(), "--token-file", "-"];
    assert_eq!(home.feed(&login, SECRET).exit, 4);
    assert!(!home.credentials().exists(), "a refused token is not kept");
    assert_eq!(home.feed(&login, SECRET).exit, 0);
    let ran = home.run(&["whoami"]);
    assert!(ran.out.contains("Ada (mem_0123456789ab)") && ran.out.contains("devices:read"), "{}", ran.out);
    assert!(!ran.out.contains("ABCDEFGH"));
    // Forgetting a token that somebody made does not end it.
    let ran = home.run(&["logout"]);
    assert_eq!((ran.exit, server.asked().len()), (0, 3), "{}", ran.err);
}

#[test]
fn who_uses_one_time_codes_gives_one_from_a_file_where_there_is_no_terminal() {
    let asks = |status, code| {
        let told = json!([{ "field": "one_time_code", "code": code, "detail": "Send a code." }]);
        (status, with(problem(status, code).1, json!({ "errors": told })))
    };
    let secret = with(token(), json!({ "secret": SECRET }));
    let server = Canned::answering(vec![
        asks(422, "invalid_field"),
        (201, started(LOGIN, None)),
        asks(403, "reauthentication_required"),
        (201, secret),
    ]);
    let home = Home::new();
    let code = home.file("code", "123 456\n");
    let login = ["login", "--server", server.url(), "--email", "a@b.c", "--password-file", "-"];
    let ran = home.feed(&login, "x");
    assert_eq!(ran.exit, 4);
    assert!(ran.err.contains("--one-time-code-file"), "{}", ran.err);
    let code = ["--one-time-code-file", code.as_str()];
    assert_eq!(home.feed(&[&login[..], &code].concat(), "x").exit, 0);

    let create = ["token", "create", "ci", "--account", "acme", "--password-file", "-"];
    let ran = home.feed(&create, "x");
    assert_eq!(ran.exit, 4);
    assert!(ran.err.contains("--one-time-code-file"), "{}", ran.err);
    assert_eq!(home.feed(&[&create[..], &code].concat(), "x").exit, 0);
    let asked = server.asked();
    assert_eq!(asked[1].json(), json!({ "email": "a@b.c", "password": "x", "one_time_code": "123 456" }));
    assert_eq!(asked[3].json(), json!({ "name": "ci", "password": "x", "one_time_code": "123 456" }));
}

#[test]
fn a_login_of_a_pair_is_refreshed_once_when_it_ran_out() {
    let (second, refresh) = ("jtn_ses_second", "jtn_rft_0123456789ab_first");
    let answers = vec![
        (201, started(LOGIN, Some(refresh))),
        problem(401, "unauthenticated"),
        (200, started(second, Some("jtn_rft_second"))),
        (200, token()),
        (200, token()),
    ];
    let server = Canned::answering(answers);
    let home = Home::new();
    home.feed(&["login", "--server", server.url(), "--email", "a@b.c", "--password-file", "-"], "x");
    assert_eq!(home.run(&["token", "show", "pat_0123456789ab"]).exit, 0);
    assert_eq!(home.run(&["token", "show", "pat_0123456789ab"]).exit, 0);
    let asked = server.asked();
    assert_eq!(asked[2].json(), json!({"refresh_token": refresh}));
    assert_eq!(asked[2].header("authorization"), "");
    assert_eq!(asked[3].header("authorization"), format!("Bearer {second}"));
    assert_eq!(asked[4].header("authorization"), format!("Bearer {second}"));
}

#[test]
fn signing_out_ends_a_login_whose_token_ran_out() {
    let (second, refresh) = ("jtn_ses_second", "jtn_rft_0123456789ab_first");
    let server = Canned::answering(vec![
        (201, started(LOGIN, Some(refresh))),
        problem(401, "unauthenticated"),
        (200, started(second, Some("jtn_rft_second"))),
        (200, json!({})),
    ]);
    let home = Home::new();
    home.feed(&["login", "--server", server.url(), "--email", "a@b.c", "--password-file", "-"], "x");
    assert_eq!(home.run(&["logout"]).exit, 0);
    let asked = server.asked();
    assert!(asked[2].header("idempotency-key").len() >= 22, "a lost answer can be asked for again");
    assert_eq!(asked[3].line, "DELETE /v1/sessions/self HTTP/1.1");
    assert_eq!(asked[3].header("authorization"), format!("Bearer {second}"));
    assert_eq!(home.run(&["whoami"]).exit, 4, "it is forgotten");
}

#[test]
fn a_kept_token_goes_to_its_own_server_only() {
    let (own, other) = (Canned::answering(vec![(201, started(LOGIN, None))]), Canned::answering(Vec::new()));
    let home = Home::new();
    home.feed(&["login", "--server", own.url(), "--email", "a@b.c", "--password-file", "-"], "x");
    let ran = home.run(&["token", "list", "--server", other.url()]);
    assert_eq!(ran.exit, 4);
    assert!(ran.err.contains("you are not signed in to"), "{}", ran.err);
    assert!(other.asked().is_empty());
}

#[test]
fn a_redirect_does_not_take_the_token_along() {
    let elsewhere = Canned::answering(Vec::new());
    let server = Canned::redirecting(elsewhere.url());
    let ran = Home::new().with_token(&server, SECRET).run(&["token", "show", "pat_0123456789ab"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.err.contains("answered 307, and not as jeton does"), "{}", ran.err);
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn the_environment_gives_a_token_by_file_or_by_value_but_not_both() {
    let server = Canned::answering(vec![(200, token()), (200, token())]);
    let home = Home::new().with("JETON_SERVER", server.url()).with("JETON_ACCOUNT", "acme");
    let file = home.file("token", &format!("{SECRET}\n"));
    let show = ["token", "show", "pat_0123456789ab"];
    assert_eq!(home.run(&show).exit, 4, "there is no credential yet");
    let by_file = home.with("JETON_TOKEN_FILE", &file);
    assert_eq!(by_file.run(&show).exit, 0);
    let both = by_file.with("JETON_TOKEN", SECRET);
    let ran = both.run(&show);
    assert_eq!((ran.exit, ran.err.contains("keep one")), (2, true), "{}", ran.err);
    let by_value = both.with("JETON_TOKEN_FILE", "");
    assert_eq!(by_value.run(&show).exit, 0);
    for asked in server.asked() {
        assert_eq!(asked.header("authorization"), format!("Bearer {SECRET}"));
    }
}

#[test]
fn the_account_is_the_credentials_own_unless_it_is_named() {
    let own = with(token(), json!({"account": "initech", "role": null, "permissions": []}));
    let server = Canned::answering(vec![(200, own), (200, token()), (200, token())]);
    let home = Home::new().with("JETON_SERVER", server.url()).with("JETON_TOKEN", SECRET);
    assert_eq!(home.run(&["token", "approve", "pat_0123456789ab"]).exit, 0);
    assert_eq!(home.run(&["token", "approve", "pat_0123456789ab", "--account", "acme"]).exit, 0);
    let lines: Vec<_> = server.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/tokens/self HTTP/1.1",
            "POST /v1/accounts/initech/tokens/pat_0123456789ab/approve HTTP/1.1",
            "POST /v1/accounts/acme/tokens/pat_0123456789ab/approve HTTP/1.1",
        ]
    );
}

#[test]
fn delete_says_how_to_confirm_and_confirms() {
    let asks = "Deleting cannot be undone; confirm it with the token's name, as `?confirm=…`.";
    let asks = with(problem(422, "confirmation_required").1, json!({ "detail": asks }));
    let own = with(token(), json!({ "status": "revoked" }));
    let server = Canned::answering(vec![(422, asks), (200, token()), (200, own)]);
    let home = Home::new().with_token(&server, SECRET);
    let ran = home.run(&["token", "delete", "pat_0123456789ab"]);
    assert_eq!(ran.exit, 2, "nobody can be asked");
    assert!(ran.err.ends_with("help: repeat the command with --yes\n"), "{}", ran.err);
    let ran = home.run(&["token", "delete", "pat_0123456789ab", "--yes"]);
    assert_eq!(ran.exit, 1);
    assert_eq!(
        ran.err,
        "error: deleting cannot be undone, and is confirmed with the token's name\n\
         help: repeat the command with --confirm NAME\n"
    );
    let ran = home.run(&["token", "delete", "pat_0123456789ab", "--confirm", "my ci"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, "deleted pat_0123456789ab \"ci\"\n"));
    let ran = home.run(&["token", "delete", "self", "--yes"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, "revoked pat_0123456789ab \"ci\"\n"));
    let lines: Vec<_> = server.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines[0], "DELETE /v1/accounts/acme/tokens/pat_0123456789ab HTTP/1.1");
    assert_eq!(lines[1], "DELETE /v1/accounts/acme/tokens/pat_0123456789ab?confirm=my%20ci HTTP/1.1");
}

#[test]
fn edit_and_revoke_send_only_what_was_said() {
    let server = Canned::answering(vec![(200, token()), (200, token())]);
    let home = Home::new().with_token(&server, SECRET);
    assert_eq!(home.run(&["token", "edit", "pat_0123456789ab"]).exit, 2, "nothing to change");
    let edit = [
        "token",
        "edit",
        "pat_0123456789ab",
        "--description",
        "",
        "--expires-in",
        "30d",
        "--version-is",
        "4",
    ];
    assert_eq!(home.run(&edit).exit, 0);
    let ran = home.run(&["token", "revoke", "pat_0123456789ab", "--reason", "lost"]);
    assert!(ran.err.starts_with("revoked "), "{}", ran.err);
    let asked = server.asked();
    assert_eq!(asked[0].json(), json!({"description": null, "expires_in": "30d", "version": 4}));
    assert!(asked[0].line.starts_with("PATCH "));
    assert_eq!(asked[1].json(), json!({"reason": "lost"}));
    assert!(asked[1].line.contains("/revoke "));
}

#[test]
fn every_page_is_fetched_when_all_is_asked_for() {
    let page = |cursor: Option<&str>| (200, json!({"items": [token()], "next_cursor": cursor}));
    let server = Canned::answering(vec![page(Some("a/b")), page(None)]);
    let ran = Home::new().with_token(&server, SECRET).run(&["token", "list", "--all", "--json"]);
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((printed["items"].as_array().unwrap().len(), &printed["next_cursor"]), (2, &Value::Null));
    assert_eq!(server.asked()[1].line, "GET /v1/accounts/acme/tokens?limit=100&cursor=a%2Fb HTTP/1.1");
}

#[test]
fn another_program_under_the_url_is_told_from_a_jeton() {
    let server = Canned::answering(vec![(200, json!({"hello": "world"})), (404, json!("no such page"))]);
    let home = Home::new().with_token(&server, SECRET);
    let ran = home.run(&["token", "show", "pat_0123456789ab"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.err.contains("not what this version of jeton expects"), "{}", ran.err);
    let ran = home.run(&["token", "show", "pat_0123456789ab"]);
    assert_eq!(ran.exit, 3);
    assert!(ran.err.contains("is this the URL of a jeton server?"), "{}", ran.err);
}

#[test]
fn a_token_pasted_as_an_argument_is_not_repeated() {
    let home = Home::new().with("JETON_TOKEN", SECRET);
    for arguments in
        [&["token", "verify", SECRET][..], &["token", "list", "--server", SECRET], &["whoami", SECRET]]
    {
        let ran = home.run(arguments);
        assert_eq!(ran.exit, 2, "{}", ran.err);
        assert!(ran.err.contains("jtn_pat_0123456789ab_…") && !ran.err.contains("ABCDEFGH"), "{}", ran.err);
    }
}

#[test]
fn help_is_data_and_needs_no_server() {
    for arguments in [&["--help"][..], &["token", "create", "--help"], &["--version"]] {
        let ran = Home::new().run(arguments);
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
        assert!(ran.out.contains("jeton"));
    }
}

#[test]
fn an_authority_of_ones_own_that_cannot_be_read_is_named_and_never_replaced_by_another() {
    let home = Home::new().with("JETON_TOKEN", SECRET);
    let empty = home.file("ca.pem", "no certificate\n");
    for (path, why) in [(empty.as_str(), "there are none in it"), ("/nowhere.pem", "No such file")] {
        let ran = home.with("SSL_CERT_FILE", path).run(&["whoami", "--server", "https://127.0.0.1:1"]);
        assert_eq!(ran.exit, 1);
        let said = format!("error: could not read certificates from {path} (SSL_CERT_FILE): {why}");
        assert!(ran.err.starts_with(&said), "{}", ran.err);
    }
}

#[test]
fn a_broken_credentials_file_is_refused_without_showing_what_it_holds() {
    let home = Home::new();
    std::fs::create_dir_all(home.credentials().parent().unwrap()).unwrap();
    std::fs::write(home.credentials(), format!("token = {SECRET}")).unwrap();
    let ran = home.run(&["whoami"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.err.contains("is not what `jeton login` wrote"), "{}", ran.err);
    assert!(ran.err.contains("warning: others can read"), "{}", ran.err);
    assert!(!ran.err.contains("ABCDEFGH"));
}

#[test]
fn the_configuration_is_shown_with_its_origins_and_checked() {
    let home = Home::new().with("JETON_SERVER__LISTEN", "127.0.0.1:9");
    let file = home.file("jeton.toml", "[log]\nlevel = 'debug'\n");
    let ran = home.run(&["config", "show", "--origin", "--config", &file, "--data", "/srv/j"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let line = |key: &str| ran.out.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("server.listen").ends_with("# JETON_SERVER__LISTEN"));
    assert!(line("log.level").ends_with(&format!("# {file}:2")));
    assert!(line("data").ends_with("# --data"));
    assert!(line("keys.file").contains("\"/srv/j/keys\""));
    assert_eq!(home.run(&["config", "check", "--config", &file]).exit, 0);

    let wrong = home.with("JETON_LOG__LEVLE", "info");
    let ran = wrong.run(&["config", "check", "--json"]);
    assert_eq!(ran.exit, 1);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(said["valid"], false);
    assert_eq!(
        said["problems"][0],
        "unknown variable JETON_LOG__LEVLE in the environment; did you mean JETON_LOG__LEVEL?"
    );
    assert_eq!(wrong.run(&["serve"]).exit, 1, "a server does not start on a wrong configuration");
    let ran = wrong.run(&["config", "check", "--config", "/nowhere.toml"]);
    assert!(ran.err.starts_with("error: could not read the configuration file /nowhere.toml"), "{}", ran.err);
}
