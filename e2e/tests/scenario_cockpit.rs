//! Gravitee Cockpit, Account Token: the document "Account Token" of its documentation, walked from
//! top to bottom under the preset `cockpit`.

use e2e::{Server, Walk, strings, text};
use serde_json::json;

#[test]
fn the_document_of_cockpit_holds() {
    let mut walk = Walk::through("cockpit");
    let server = Server::start("cockpit");
    let owner = server.member("ACCOUNT_OWNER");
    let user = server.member("ACCOUNT_USER");

    let (id, secret) = walk.step(
        9,
        "Account Token allows you to generate secure, long-living tokens that can be used to interact with your Cockpit Account via the Management API.",
        || {
            let token = server.create_named(&server.admin_token, "management");
            assert!(token["expires_at"].is_null(), "long-living is without an end: {token:#}");
            let (id, secret) = (text(&token, "id"), text(&token, "secret"));
            server.accepts(&secret);
            assert_eq!(text(server.as_(&secret).get("/v1/tokens/self").ok(200), "id"), id);
            (id, secret)
        },
    );

    walk.step(
        11,
        "A sample use case would be to automate the creation of Organizations and Environments and then link them to your installations.",
        || {
            let program = server.as_(&secret);
            let sales = program.post(&server.path("nodes"), json!({ "path": "/sales", "name": "Sales" }));
            assert_eq!(sales.ok(201)["level"], "organization");
            let prod = program.post(&server.path("nodes"), json!({ "path": "/sales/prod" }));
            assert_eq!(prod.ok(201)["level"], "environment");
            let staging = program.post(&server.path("nodes"), json!({ "path": "/sales/staging" }));
            staging.ok(201);
            // "Your installations" are there: a gateway was set up, and is not linked to anything yet.
            let gateway = server.admin().post(&server.path("installations"), json!({ "name": "gateway-eu" }));
            let gateway = gateway.ok(201).clone();
            assert_eq!(gateway["nodes"], json!([]));
            let path = server.path(&format!("installations/{}", text(&gateway, "id")));
            let link = json!({ "nodes": ["/sales/prod", "/sales/staging"] });
            assert_eq!(program.patch(&path, link.clone()).ok(200)["nodes"], link["nodes"]);
            assert_eq!(program.get(&path).ok(200)["nodes"], link["nodes"]);
            // And what is not there yet the program makes known itself.
            let body = json!({ "name": "gateway-us", "nodes": ["/sales/prod"] });
            let made = program.post(&server.path("installations"), body).ok(201).clone();
            let listed = program.get(&server.path("installations")).ok(200)["items"].clone();
            assert_eq!(listed.as_array().map(Vec::len), Some(2));
            program.delete(&server.path(&format!("installations/{}", text(&made, "id")))).ok(200);
            let renamed = program.patch(&server.path("nodes/sales/prod"), json!({ "name": "Production" }));
            assert_eq!(renamed.ok(200)["name"], "Production");
        },
    );

    walk.step(
        15,
        "Account Token management is available through Account Settings to Account Administrators only.",
        || {
            server.as_(&user.session).get(&server.path("tokens")).refused(403, "forbidden");
            server.ask_for_token(&user.session, json!({ "name": "mine" })).refused(403, "forbidden");
            // For whom there is no section there are no tokens either.
            server.token(&user.session, &id).refused(404, "not_found");
            server.delete(&user.session, &id, "?confirm=management").refused(404, "not_found");
            server.accepts(&secret);
            assert!(server.token_names(&owner.session, "").contains(&"management".to_owned()));
        },
    );
    let mut pages = server.pages(&owner.email);
    walk.step(
        15,
        "Account Token management is available through Account Settings to Account Administrators only.",
        || {
            pages.says("Settings > Account Tokens").says("management");
            let mut theirs = server.pages(&user.email);
            assert_eq!(theirs.status(), 403, "{}", theirs.text());
            for below in ["tokens/new", &format!("tokens/{id}"), &format!("tokens/{id}/delete")] {
                theirs.open(below);
                assert!(matches!(theirs.status(), 403 | 404), "{below}: {}", theirs.text());
                assert!(!theirs.offers("Account Tokens"), "{below}: {}", theirs.text());
            }
        },
    );

    let of_owner = walk.step(
        17,
        "Account Token permissions are directly derived from the user who created the token.",
        || {
            let token = server.create_named(&owner.session, "of the owner");
            assert_eq!(token["permission"], json!({ "inherit": true }));
            assert_eq!(token["issued_by"]["id"], owner.id);
            assert_eq!(server.permissions(&text(&token, "secret")), server.role_permissions("ACCOUNT_OWNER"));
            let ask = json!({ "name": "choosy", "permission": { "role": "ACCOUNT_PRIMARY_OWNER" } });
            server.ask_for_token(&owner.session, ask).refused(422, "not_allowed_by_policy");
            token
        },
    );
    walk.step(
        17,
        r"For example, if an an ACCOUNT\_PRIMARY\_OWNER creates an Account Token, the token will inherit the account permissions of this user.",
        || {
            let primary = server.role_permissions("ACCOUNT_PRIMARY_OWNER");
            assert_eq!(server.permissions(&secret), primary);
            assert_ne!(server.permissions(&text(&of_owner, "secret")), primary);
        },
    );

    walk.step(19, "A total of 10 Account Tokens can be active simultaneously.", || {
        // The token of `init` is one of them, whoever asks for the others.
        let mut active = server.tokens(&owner.session, "?status=active").len();
        while active < 10 {
            active += 1;
            server.create_named(&owner.session, &format!("number {active}"));
        }
        for caller in [&owner.session, &server.admin_token] {
            server.ask_for_token(caller, json!({ "name": "one too many" })).refused(409, "limit_reached");
        }
        let last = server.tokens(&owner.session, "?q=number%2010").remove(0);
        server.delete(&owner.session, &text(&last, "id"), "?confirm=number%2010").ok(200);
    });

    walk.step(25, "Go to **Settings > Account Tokens**.", || {
        pages.press("Account Tokens").says("Settings > Account Tokens");
        pages.says("generate secure, long-living tokens");
    });
    walk.step(
        28,
        "Click **Generate token**, give your Account Token a meaningful name, then click **Generate**.",
        || {
            server.ask_for_token(&owner.session, json!({ "name": "" })).refused(422, "invalid_field");
            let ask = json!({ "name": "nightly", "description": "not a field of this form" });
            server.ask_for_token(&owner.session, ask).refused(422, "not_allowed_by_policy");
            pages.press("Generate token").press("Generate");
            assert_eq!(pages.status(), 422, "without a name: {}", pages.text());
            assert!(!pages.asks_for("Description") && !pages.asks_for("Permissions"));
            pages.fill("Name", "nightly").press("Generate");
        },
    );
    let secret = pages.secret();
    let id = text(&server.tokens(&owner.session, "?q=nightly")[0], "id");

    walk.step(
        31,
        "The next dialogue box will show your Account Token and a CURL example of how to use it.",
        || {
            server.accepts(&secret);
            assert_eq!(server.policy()["example"], "curl");
            pages.says(&secret).says("A CURL example of how to use it:");
            let example = pages.example();
            assert!(example.starts_with("curl ") && example.contains(&secret), "{example}");
            let answer = pasted(&example);
            assert!(answer.contains(&id), "{example}: {answer}");
        },
    );
    walk.step(
        31,
        "Make sure to copy your Account Token, as this will not be possible once you close the dialogue box.",
        || {
            let later = server.token(&owner.session, &id);
            assert!(later.ok(200).get("secret").is_none() && !later.text.contains(&secret), "{later:?}");
            server.act(&owner.session, &id, "reveal").refused(422, "not_allowed_by_policy");
            pages.says("Make sure to copy your Account Token, as this will not be possible once you close");
            pages.press("I've copied it").does_not_say(&secret);
        },
    );
    walk.step(34, "Your Account Token will now be listed in the table.", || {
        assert!(server.token_names(&owner.session, "").contains(&"nightly".to_owned()));
        assert!(server.token_names(&server.admin_token, "").contains(&"nightly".to_owned()));
        assert!(pages.listed().contains(&"nightly".to_owned()), "{}", pages.text());
    });

    let delete = "To delete a token, click the **trash icon** on the right of the Account Token entry, enter its name in the **Confirm** field, and, after verifying the token has no dependencies, click **I understand the consequences, revoke this token**.";
    walk.step(37, delete, || {
        let use_of = server.as_(&owner.session).get(&server.path(&format!("tokens/{id}/usage")));
        for told in ["last_used_at", "by_day", "by_address", "by_service"] {
            assert!(use_of.ok(200).get(told).is_some(), "what would break includes {told}:\n{use_of:?}");
        }
        server.delete(&owner.session, &id, "").refused(422, "confirmation_required");
        server.delete(&owner.session, &id, "?confirm=Nightly").refused(422, "confirmation_required");
        server.accepts(&secret);
        pages.press_at("nightly", "Delete");
        // What depends on it is told before anything is asked.
        pages.says("in the last 30 days").says("Verify that the token has no dependencies.");
        pages.fill("Confirm", "Nightly").press("I understand the consequences, revoke this token");
        assert_eq!(pages.status(), 422, "{}", pages.text());
        server.accepts(&secret);
        pages.fill("Confirm", "nightly").press("I understand the consequences, revoke this token");
        assert!(!pages.listed().contains(&"nightly".to_owned()), "{}", pages.text());
        server.rejects(&secret, "revoked");
        server.as_(&secret).get("/v1/tokens/self").refused(401, "unauthenticated");
        assert!(!server.token_names(&owner.session, "").contains(&"nightly".to_owned()));
        server.token(&owner.session, &id).refused(404, "not_found");
        server.create_named(&owner.session, "in its place");
    });

    walk.finish(&[]);
}

/// What a shell prints when this line is pasted into it.
fn pasted(line: &str) -> String {
    let output = std::process::Command::new("bash").args(["-c", line]).env("NO_PROXY", "*").output();
    String::from_utf8_lossy(&output.expect("bash is there").stdout).into_owned()
}

/// The use case of line 11 the other way round: what is for one place is for no other.
#[test]
fn a_token_for_one_environment_opens_no_other() {
    let server = Server::start("cockpit");
    for path in ["/sales", "/sales/prod", "/sales/test", "/lab"] {
        server.admin().post(&server.path("nodes"), json!({ "path": path })).ok(201);
    }
    // Its form asks for a name alone; this account lets a place be chosen, too.
    let mut policy = server.policy();
    policy["fields"] = json!(["name", "node"]);
    server.admin().put(&server.path("policy"), policy).ok(200);
    let token = server.create(&server.admin_token, json!({ "name": "prod alone", "node": "/sales/prod" }));
    let secret = text(&token, "secret");

    let asked = |node: &str| json!({ "token": secret, "node": node, "permission": "apis:read" });
    assert_eq!(server.verify_with(asked("/sales/prod"))["code"], "valid");
    for elsewhere in ["/sales/test", "/sales", "/lab", "/"] {
        assert_eq!(server.verify_with(asked(elsewhere))["code"], "out_of_scope", "{elsewhere}");
    }
    let program = server.as_(&secret);
    program.get(&server.path("nodes/sales/prod")).ok(200);
    program.patch(&server.path("nodes/sales/prod"), json!({ "name": "Production" })).ok(200);
    for elsewhere in ["sales/test", "sales", "lab", "nowhere"] {
        let path = server.path(&format!("nodes/{elsewhere}"));
        program.get(&path).refused(403, "forbidden");
        program.patch(&path, json!({ "name": "mine" })).refused(403, "forbidden");
    }
    program.post(&server.path("nodes"), json!({ "path": "/sales/new" })).refused(403, "forbidden");
    let installations = server.path("installations");
    let own =
        program.post(&installations, json!({ "name": "own", "nodes": ["/sales/prod"] })).ok(201).clone();
    for nodes in [json!(["/sales/test"]), json!(["/sales/prod", "/lab"]), json!([])] {
        program.post(&installations, json!({ "name": "x", "nodes": nodes })).refused(403, "forbidden");
    }
    let own = server.path(&format!("installations/{}", text(&own, "id")));
    program.patch(&own, json!({ "nodes": ["/sales/prod", "/lab"] })).refused(403, "forbidden");
    let other = server.admin().post(&installations, json!({ "name": "other", "nodes": ["/lab"] }));
    let other = server.path(&format!("installations/{}", other.text_at("id")));
    let missing = program.get(&server.path("installations/ins_0123456789ab"));
    assert_eq!(program.get(&other).refused(404, "not_found").json["detail"], missing.json["detail"]);
    assert_eq!(program.get(&installations).ok(200)["items"].as_array().map(Vec::len), Some(1));
    // Nor does it make a token for another place, or people there.
    server.ask_for_token(&secret, json!({ "name": "up", "node": "/" })).refused(403, "forbidden");
    server.ask_for_token(&secret, json!({ "name": "over", "node": "/lab" })).refused(403, "forbidden");
    let role = json!([{ "role": "ENVIRONMENT_USER", "node": "/sales/test" }]);
    program.post(&server.path("members"), json!({ "name": "x", "bindings": role })).refused(403, "forbidden");
}

#[test]
fn a_role_at_one_organization_runs_that_one() {
    let server = Server::start("cockpit");
    for path in ["/sales", "/sales/prod", "/lab"] {
        server.admin().post(&server.path("nodes"), json!({ "path": path })).ok(201);
    }
    let ola = server.member("ACCOUNT_USER");
    let roles = json!({ "bindings": [{ "role": "ORGANIZATION_PRIMARY_OWNER", "node": "/sales" }] });
    let path = server.path(&format!("members/{}", ola.id));
    assert_eq!(server.admin().patch(&path, roles).ok(200)["role"], "");
    let ola = server.as_(&ola.session);
    assert_eq!(
        ola.post(&server.path("nodes"), json!({ "path": "/sales/test" })).ok(201)["level"],
        "environment"
    );
    ola.post(&server.path("nodes"), json!({ "path": "/lab/test" })).refused(403, "forbidden");
    let role =
        |node: &str| json!({ "name": "Uma", "bindings": [{ "role": "ENVIRONMENT_USER", "node": node }] });
    ola.post(&server.path("members"), role("/sales/test")).ok(201);
    ola.post(&server.path("members"), role("/lab")).refused(403, "forbidden");
    ola.get(&server.path("roles")).refused(403, "forbidden");
    ola.get(&server.path("policy")).refused(403, "forbidden");
}

#[test]
fn the_preset_has_the_words_of_cockpits_pages() {
    let server = Server::start("cockpit");
    server.speaks(&[
        "Settings > Account Tokens",
        "Generate token",
        "Generate",
        "Make sure to copy your Account Token",
        "Confirm",
        "I understand the consequences, revoke this token",
    ]);
    // Nothing of the policy is left to the default by oversight.
    assert_eq!(strings(&server.policy()["fields"]), ["name"]);
}
