//! The nouns beside tokens: what goes out, what is printed where, what is asked beforehand.

use serde_json::{Value, json};

use super::canned::{Canned, Home, problem};
use super::{LOGIN, with};

const KEY: &str = "jtn_svc_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

fn member(name: &str) -> Value {
    json!({
        "id": "mem_0123456789ab", "account": "acme", "external_id": null, "name": name,
        "email": "ada@example.com", "role": "Owner", "bindings": [{"role": "Owner", "node": "/"}], "active": true, "inactive_since": null, "metadata": {},
        "created_at": "2026-08-21T10:00:00.000000Z", "version": 1
    })
}

fn role(name: &str, rank: u32) -> Value {
    json!({"id": format!("rol_0123456789a{rank}"), "account": "acme", "name": name,
           "permissions": ["devices:read", "files:read"], "rank": rank})
}

fn page(items: Vec<Value>, cursor: Option<&str>) -> (u16, Value) {
    (200, json!({"items": items, "next_cursor": cursor}))
}

fn lines(server: &Canned) -> Vec<String> {
    let line = |line: String| line.trim_end_matches(" HTTP/1.1").to_owned();
    server.asked().into_iter().map(|asked| line(asked.line)).collect()
}

#[test]
fn a_list_is_a_table_and_goes_on_where_it_is_told_to() {
    let gone = with(member("Grace"), json!({"email": null, "inactive_since": "2026-08-22T10:00:00.000000Z"}));
    let server = Canned::answering(vec![page(vec![member("Ada"), gone], Some("c1")), page(vec![], None)]);
    let home = Home::new().with_token(&server, LOGIN);
    let ran = home.run(&["member", "list", "--limit", "2"]);
    assert_eq!(
        ran.out,
        "ID                NAME   E-MAIL           ROLE   STATUS                                  EXTERNAL ID\n\
         mem_0123456789ab  Ada    ada@example.com  Owner  active\n\
         mem_0123456789ab  Grace                   Owner  inactive since 2026-08-22 10:00:00 UTC\n"
    );
    assert_eq!((ran.exit, ran.err.as_str()), (0, "there are more: --cursor c1, or --all\n"));
    let ran = home.run(&["member", "list", "--cursor", "c1"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, "no members\n"));
    assert_eq!(
        lines(&server),
        ["GET /v1/accounts/acme/members?limit=2", "GET /v1/accounts/acme/members?cursor=c1"]
    );
}

#[test]
fn a_limit_beyond_a_page_follows_the_cursor_and_is_one_json_document() {
    let full = || (0..100).map(|_| with(member("Ada"), json!({"of_a_newer_server": 1}))).collect::<Vec<_>>();
    let server = Canned::answering(vec![page(full(), Some("c1")), page(vec![member("Bob")], Some("c2"))]);
    let ran = Home::new().with_token(&server, LOGIN).run(&["member", "list", "--limit", "101", "--json"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(printed["items"].as_array().unwrap().len(), 101);
    assert_eq!(printed["items"][0]["of_a_newer_server"], 1);
    assert_eq!(printed["next_cursor"], "c2", "from here a later command can go on");
    assert_eq!(
        lines(&server),
        ["GET /v1/accounts/acme/members?limit=100", "GET /v1/accounts/acme/members?limit=1&cursor=c1"]
    );
}

#[test]
fn a_member_is_made_once_with_a_password_from_standard_input() {
    let server = Canned::hanging_up_then(vec![(201, member("Ada"))]);
    let create = ["member", "create", "Ada", "--email", "ada@example.com", "--role", "Owner"];
    let home = Home::new().with_token(&server, LOGIN);
    let ran = home.feed(&[&create[..], &["--password-file", "-"]].concat(), "correct horse\n");
    assert_eq!((ran.exit, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(ran.err, "created mem_0123456789ab \"Ada\"\n");
    let asked = server.asked();
    assert_eq!(asked.len(), 2, "the first answer was lost");
    assert_eq!(asked[0].header("idempotency-key"), asked[1].header("idempotency-key"));
    assert_eq!(
        asked[1].json(),
        json!({"name": "Ada", "email": "ada@example.com", "role": "Owner", "password": "correct horse"})
    );
}

#[test]
fn an_edit_sends_only_what_was_said_and_something() {
    let server = Canned::answering(vec![(200, member("Ada King")), (200, member("Ada King"))]);
    let home = Home::new().with_token(&server, LOGIN);
    for noun in ["member", "service-account"] {
        let ran = home.run(&[noun, "edit", "mem_0123456789ab", "--version-is", "3"]);
        assert_eq!((ran.exit, ran.err.contains("nothing to change")), (2, true), "{}", ran.err);
        let edit = [noun, "edit", "mem_0123456789ab", "--name", "Ada King", "--metadata", "{}"];
        let ran = home.run(&[&edit[..], &["--version-is", "3"]].concat());
        assert_eq!((ran.exit, ran.err.as_str()), (0, "changed mem_0123456789ab \"Ada King\"\n"));
    }
    for asked in server.asked() {
        assert!(asked.line.starts_with("PATCH /v1/accounts/acme/"));
        assert_eq!(asked.json(), json!({"name": "Ada King", "metadata": {}, "version": 3}));
    }
}

#[test]
fn what_cannot_be_undone_is_not_done_unasked_and_what_can_be_does_not_wait() {
    let server = Canned::answering(vec![(200, member("Ada")), (200, member("Ada")), (200, member("Ada"))]);
    let home = Home::new().with_token(&server, LOGIN);
    for command in [
        &["member", "remove", "mem_0123456789ab"][..],
        &["service-account", "remove", "sac_0123456789ab"],
        &["service", "revoke", "svc_0123456789ab"],
        &["role", "delete", "Viewer"],
        &["token", "delete", "pat_0123456789ab"],
        &["token", "report-leak", "pat_0123456789ab"],
    ] {
        let ran = home.run(command);
        assert_eq!(ran.exit, 2, "{command:?}: {}", ran.err);
        assert!(ran.err.ends_with("help: repeat the command with --yes\n"), "{}", ran.err);
    }
    assert!(server.asked().is_empty(), "nothing was sent");
    assert_eq!(home.run(&["member", "remove", "mem_0123456789ab", "--yes"]).exit, 0);
    assert_eq!(home.run(&["member", "deactivate", "mem_0123456789ab"]).exit, 0);
    let ran = home.run(&["member", "reactivate", "mem_0123456789ab"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, "reactivated mem_0123456789ab \"Ada\"\n"));
    assert_eq!(
        lines(&server),
        [
            "DELETE /v1/accounts/acme/members/mem_0123456789ab",
            "POST /v1/accounts/acme/members/mem_0123456789ab/deactivate",
            "POST /v1/accounts/acme/members/mem_0123456789ab/reactivate",
        ]
    );
}

#[test]
fn notices_are_listed_and_their_mails_switched() {
    let notices = json!({
        "account": "acme", "policy": {"days": [30, 7, 1], "to": ["holder"], "badge": "7 days", "mail": true},
        "mail": true, "badge_count": 1, "more": false,
        "due": [{"id": "pat_0123456789ab", "name": "ci", "holder": {"id": "mem_0123456789ab", "kind": "member", "name": "Ada"},
                 "node": "/", "ends_at": "2026-08-21T10:00:00.000000Z", "notice": 7, "badge": true}]
    });
    let off = with(notices.clone(), json!({"mail": false}));
    let server = Canned::answering(vec![(200, notices), (200, off.clone()), (200, off)]);
    let home = Home::new().with_token(&server, LOGIN);
    let listed = home.run(&["notice", "list"]);
    assert_eq!(
        listed.out,
        "ID                NAME  HOLDER  NODE  ENDS\npat_0123456789ab  ci    Ada     /     2026-08-21 10:00:00 UTC\n"
    );
    assert_eq!((listed.exit, listed.err.as_str()), (0, "notices are mailed to you\n"));
    assert_eq!(home.run(&["notice", "mail", "off"]).err, "notices are not mailed to you\n");
    assert_eq!(home.run(&["notice", "mail", "policy"]).exit, 0);
    let asked = server.asked();
    assert_eq!(lines(&server)[1], "PATCH /v1/accounts/acme/notices");
    assert_eq!((asked[1].json(), asked[2].json()), (json!({"mail": false}), json!({"mail": null})));
}

#[test]
fn the_key_of_a_service_stands_alone_on_standard_output() {
    let service = json!({
        "id": "svc_0123456789ab", "name": "gateway", "scopes": ["verify", "act_as"], "accounts": ["acme"],
        "created_at": "2026-08-21T10:00:00.000000Z", "revoked_at": null, "version": 1
    });
    let issued = with(service.clone(), json!({"secret": KEY}));
    let server = Canned::answering(vec![(201, issued), page(vec![service], None)]);
    let home = Home::new().with_token(&server, LOGIN);
    let ran = home.run(&["service", "create", "gateway", "--scope", "verify,act_as", "--account", "acme"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, format!("{KEY}\n").as_str()), "{}", ran.err);
    assert_eq!(ran.err, "created svc_0123456789ab \"gateway\"; the secret is shown only now\n");
    let listed = home.run(&["service", "list"]);
    assert!(listed.out.contains("gateway  verify act_as  acme      active"), "{}", listed.out);
    let asked = server.asked();
    assert_eq!(
        asked[0].json(),
        json!({"name": "gateway", "scopes": ["verify", "act_as"], "accounts": ["acme"]})
    );
    assert_eq!(lines(&server), ["POST /v1/services", "GET /v1/services"], "in no account");
}

#[test]
fn a_role_is_found_by_its_name_and_a_misspelt_one_is_answered_with_the_nearest() {
    let roles = || page(vec![role("Owner", 0), role("Viewer", 1)], None);
    let server = Canned::answering(vec![roles(), (200, role("Viewer", 1)), roles(), roles()]);
    let home = Home::new().with_token(&server, LOGIN);
    let edit = ["role", "edit", "Viewer", "--permission", "devices:read,files:read"];
    assert_eq!(home.run(&edit).err, "changed rol_0123456789a1 \"Viewer\"\n");
    let ran = home.run(&["role", "show", "Viwer"]);
    assert_eq!(ran.exit, 3);
    assert!(ran.err.contains("did you mean \"Viewer\"?"), "{}", ran.err);
    let ran = home.run(&["role", "show", "Viewer"]);
    assert!(ran.out.contains("permissions  devices:read files:read"), "{}", ran.out);
    assert_eq!(lines(&server)[1], "PATCH /v1/accounts/acme/roles/rol_0123456789a1");
    assert_eq!(server.asked()[1].json(), json!({"permissions": ["devices:read", "files:read"]}));
}

#[test]
fn a_policy_is_printed_as_toml_and_taken_back_as_it_was() {
    let policy = json!({
        "brand": "jtn", "limit": {"max": 20, "per": "holder", "counts": ["active"]}, "idle": null,
        "create": {"roles": "all", "holder": ["caller"]}, "managers": ["Owner"], "words": {"Create token": "Add"}
    });
    let server = Canned::answering(vec![(200, policy.clone()), (200, policy.clone()), (200, policy.clone())]);
    let home = Home::new().with_token(&server, LOGIN);
    let shown = home.run(&["policy", "show"]);
    assert_eq!(shown.exit, 0, "{}", shown.err);
    assert!(shown.out.contains("brand = \"jtn\"\n") && shown.out.contains("[create]\n"), "{}", shown.out);
    let file = home.file("policy.toml", &format!("# ours\n{}", shown.out));
    let ran = home.run(&["policy", "set", &file]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(ran.err, format!("the policy of acme is what {file} says\n"));
    let ran = home.feed(&["policy", "set", "-", "--json"], &policy.to_string());
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), policy, "{}", ran.err);
    let asked = server.asked();
    let mut sent = policy.clone();
    assert_eq!(asked[2].json(), policy);
    sent.as_object_mut().unwrap().remove("idle");
    assert_eq!(asked[1].json(), sent, "what is null is left out");
    assert!(asked[1].line.starts_with("PUT /v1/accounts/acme/policy "));
}

#[test]
fn a_policy_that_is_none_is_refused_with_its_place_and_one_that_the_server_refuses_with_its_switch() {
    let refusal = with(
        problem(422, "invalid_field").1,
        json!({"detail": "expected `once` or `recoverable`",
               "errors": [{"field": "secret", "code": "invalid_field", "detail": "expected `once` or `recoverable`"}]}),
    );
    let server = Canned::answering(vec![problem(403, "reauthentication_required"), (422, refusal)]);
    let home = Home::new().with_token(&server, LOGIN);
    for (text, why) in [("brand = ", "TOML parse error"), ("{\"brand\": }", "line 1"), ("", "it is empty")] {
        let ran = home.feed(&["policy", "set", "-"], text);
        assert_eq!(ran.exit, 1);
        assert!(ran.err.starts_with("error: standard input is not a policy: "), "{}", ran.err);
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    let file = home.file("policy.json", "{\"secret\": \"always\"}");
    let ran = home.run(&["policy", "set", &file]);
    assert_eq!((ran.exit, ran.err.contains("--password-file")), (4, true), "{}", ran.err);
    let ran = home.feed(&["policy", "set", &file, "--password-file", "-"], "correct horse\n");
    assert_eq!(ran.err, "error: secret: expected `once` or `recoverable`\n");
    assert_eq!(server.asked()[1].json(), json!({"secret": "always", "password": "correct horse"}));
    let ran = home.feed(&["policy", "set", "-", "--password-file", "-"], "x");
    assert_eq!(ran.exit, 2, "{}", ran.err);
    let ran = home.run(&["policy", "set", "nowhere.toml"]);
    assert!(ran.err.starts_with("error: could not read the policy from nowhere.toml: "), "{}", ran.err);
}

#[test]
fn an_account_is_named_or_the_tokens_own() {
    let account = json!({
        "id": "acme", "external_id": "c-1", "name": "Acme Ltd", "preset": "default", "levels": ["account", "project"], "active": true,
        "inactive_since": null, "metadata": {"plan": "gold"}, "created_at": "2026-08-21T10:00:00.000000Z", "version": 2
    });
    let answers = [200, 200, 201, 200, 200, 200].map(|status| (status, account.clone()));
    let server = Canned::answering(answers.into());
    let home = Home::new().with_token(&server, LOGIN);
    let ran = home.run(&["account", "show"]);
    assert!(ran.out.contains("external id  c-1") && ran.out.contains("{\"plan\":\"gold\"}"), "{}", ran.out);
    assert_eq!(home.run(&["account", "show", "globex", "--json"]).exit, 0);
    assert_eq!(home.run(&["account", "create", "acme", "--preset", "gcore"]).exit, 0);
    assert_eq!(home.run(&["account", "edit", "--external-id", ""]).exit, 0);
    assert_eq!(home.run(&["account", "edit", "globex"]).exit, 2, "nothing to change");
    assert_eq!(home.run(&["account", "deactivate"]).exit, 2, "none is closed by accident");
    assert_eq!(home.run(&["account", "deactivate", "globex"]).err, "deactivated acme \"Acme Ltd\"\n");
    assert_eq!(home.run(&["account", "reactivate", "globex"]).exit, 0);
    assert_eq!(
        lines(&server),
        [
            "GET /v1/accounts/acme",
            "GET /v1/accounts/globex",
            "POST /v1/accounts",
            "PATCH /v1/accounts/acme",
            "POST /v1/accounts/globex/deactivate",
            "POST /v1/accounts/globex/reactivate",
        ]
    );
    assert_eq!(server.asked()[2].json(), json!({"id": "acme", "name": "acme", "preset": "gcore"}));
    assert_eq!(server.asked()[3].json(), json!({"external_id": null}));
}

#[test]
fn a_role_holds_everywhere_or_at_a_node() {
    let two = json!([{"role": "Viewer", "node": "/"}, {"role": "Admin", "node": "/sales"}]);
    let ada = with(member("Ada"), json!({"role": "Viewer", "bindings": two}));
    let server = Canned::answering(vec![(201, ada.clone()), (200, ada.clone()), page(vec![ada], None)]);
    let home = Home::new().with_token(&server, LOGIN);
    assert_eq!(home.run(&["member", "create", "Ada"]).exit, 2, "there is no role");
    let create = ["member", "create", "Ada", "--binding", "Viewer@/", "--binding", "Team @ Sales@/sales"];
    assert_eq!(home.run(&create).exit, 0);
    assert_eq!(home.run(&["member", "edit", "mem_0123456789ab", "--binding", "Viewer@sales"]).exit, 2);
    assert_eq!(home.run(&["member", "edit", "mem_0123456789ab", "--binding", "Admin@/sales"]).exit, 0);
    let listed = home.run(&["member", "list"]);
    assert!(listed.out.contains("Viewer, Admin@/sales"), "{}", listed.out);
    let asked = server.asked();
    let bound = |role: &str, node: &str| json!({"role": role, "node": node});
    assert_eq!(
        asked[0].json(),
        json!({"name": "Ada", "bindings": [bound("Viewer", "/"), bound("Team @ Sales", "/sales")]})
    );
    assert_eq!(asked[1].json(), json!({"bindings": [bound("Admin", "/sales")]}));
}

#[test]
fn a_node_is_named_by_its_path_and_an_installation_is_linked_and_unlinked() {
    let node = json!({"path": "/sales/prod", "parent": "/sales", "name": "Production", "level": "environment",
                      "created_at": "2026-08-21T10:00:00.000000Z", "version": 1});
    let copy = json!({"id": "ins_0123456789ab", "account": "acme", "name": "frankfurt", "nodes": ["/sales/prod"],
                      "created_at": "2026-08-21T10:00:00.000000Z", "version": 1});
    let answers =
        vec![(200, node), (201, copy.clone()), (200, copy.clone()), (200, copy.clone()), (200, copy)];
    let server = Canned::answering(answers);
    let home = Home::new().with_token(&server, LOGIN);
    let ran = home.run(&["node", "edit", "/sales/prod", "--name", "Production"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, "changed /sales/prod \"Production\"\n"));
    assert_eq!(home.run(&["installation", "create", "frankfurt", "--node", "/sales/prod"]).exit, 0);
    let id = "ins_0123456789ab";
    assert!(home.run(&["installation", "show", id]).out.contains("nodes    /sales/prod"));
    assert_eq!(home.run(&["installation", "edit", id, "--unlink"]).exit, 0);
    assert_eq!(home.run(&["installation", "delete", id]).exit, 2);
    assert_eq!(home.run(&["installation", "delete", id, "--yes"]).exit, 0);
    let asked = server.asked();
    assert!(asked[0].line.starts_with("PATCH /v1/accounts/acme/nodes/%2Fsales%2Fprod "));
    assert_eq!(asked[1].json(), json!({"name": "frankfurt", "nodes": ["/sales/prod"]}));
    assert_eq!(asked[3].json(), json!({"nodes": []}));
    assert!(asked[4].line.starts_with("DELETE /v1/accounts/acme/installations/ins_0123456789ab "));
}

#[test]
fn a_service_says_for_whom_it_asks_and_in_which_account() {
    let server = Canned::answering(vec![page(vec![], None)]);
    let home = Home::new().with("JETON_SERVER", server.url()).with("JETON_TOKEN", KEY);
    let ran = home.run(&["token", "list", "--as", "user-4711"]);
    assert_eq!((ran.exit, ran.err.contains("--account")), (2, true), "{}", ran.err);
    assert_eq!(home.run(&["token", "list", "--as", "", "--account", "acme"]).exit, 2);
    assert_eq!(home.run(&["token", "list", "--as", "a\nb", "--account", "acme"]).exit, 2);
    assert_eq!(home.run(&["token", "list", "--as", "user-4711", "--account", "acme"]).exit, 0);
    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].header("jeton-actor").as_str()), (1, "user-4711"));
    assert_eq!(asked[0].header("authorization"), format!("Bearer {KEY}"));
}

#[test]
fn logins_are_listed_and_ended() {
    let login = json!({
        "id": "ses_0123456789ab", "account": "acme", "node": "/", "created_at": "2026-08-21T10:00:00.000000Z",
        "expires_at": "2026-08-28T10:00:00.000000Z", "last_used_at": null, "last_used_from": null, "current": true
    });
    let server = Canned::answering(vec![page(vec![login], None), (200, json!({}))]);
    let home = Home::new().with_token(&server, LOGIN);
    assert!(home.run(&["session", "list"]).out.contains("ses_0123456789ab  acme     /"));
    let ran = home.run(&["session", "end", "ses_0123456789ab"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, "ended ses_0123456789ab\n"));
    assert_eq!(lines(&server), ["GET /v1/sessions", "DELETE /v1/sessions/ses_0123456789ab"]);
}

#[test]
fn completions_and_the_manual_are_data_and_need_no_server() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = home.run(&["completions", shell]);
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
        assert!(ran.out.contains("service-account") && ran.out.contains("report-leak"), "{shell}");
    }
    let ran = home.run(&["man"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains(".SH EXAMPLES") && ran.out.contains("jeton\\-service\\-account"), "{}", ran.out);
}
