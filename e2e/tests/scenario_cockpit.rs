//! Gravitee Cockpit, Account Token: the document "Account Token" of its documentation, walked from
//! top to bottom under the preset `cockpit`.

use e2e::Needs::Page;
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
            // The link itself is the right that the verdict tells; its route comes with installations.
            let link = json!({ "token": secret, "permission": "installations:update", "node": "/sales/prod" });
            assert_eq!(server.verify_with(link)["code"], "valid");
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
    walk.owed(
        15,
        "Account Token management is available through Account Settings to Account Administrators only.",
        Page,
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

    walk.owed(25, "Go to **Settings > Account Tokens**.", Page);
    let generated = walk.step(
        28,
        "Click **Generate token**, give your Account Token a meaningful name, then click **Generate**.",
        || {
            server.ask_for_token(&owner.session, json!({ "name": "" })).refused(422, "invalid_field");
            let ask = json!({ "name": "nightly", "description": "not a field of this form" });
            server.ask_for_token(&owner.session, ask).refused(422, "not_allowed_by_policy");
            server.create_named(&owner.session, "nightly")
        },
    );
    walk.owed(
        28,
        "Click **Generate token**, give your Account Token a meaningful name, then click **Generate**.",
        Page,
    );
    let (id, secret) = (text(&generated, "id"), text(&generated, "secret"));

    walk.step(
        31,
        "The next dialogue box will show your Account Token and a CURL example of how to use it.",
        || {
            server.accepts(&secret);
            assert_eq!(server.policy()["example"], "curl");
        },
    );
    walk.owed(
        31,
        "The next dialogue box will show your Account Token and a CURL example of how to use it.",
        Page,
    );
    walk.step(
        31,
        "Make sure to copy your Account Token, as this will not be possible once you close the dialogue box.",
        || {
            let later = server.token(&owner.session, &id);
            assert!(later.ok(200).get("secret").is_none() && !later.text.contains(&secret), "{later:?}");
            server.act(&owner.session, &id, "reveal").refused(422, "not_allowed_by_policy");
        },
    );
    walk.step(34, "Your Account Token will now be listed in the table.", || {
        assert!(server.token_names(&owner.session, "").contains(&"nightly".to_owned()));
        assert!(server.token_names(&server.admin_token, "").contains(&"nightly".to_owned()));
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
        server.delete(&owner.session, &id, "?confirm=nightly").ok(200);
        server.rejects(&secret, "revoked");
        server.as_(&secret).get("/v1/tokens/self").refused(401, "unauthenticated");
        assert!(!server.token_names(&owner.session, "").contains(&"nightly".to_owned()));
        server.token(&owner.session, &id).refused(404, "not_found");
        server.create_named(&owner.session, "in its place");
    });
    walk.owed(37, delete, Page);

    walk.finish(&[(15, Page), (25, Page), (28, Page), (31, Page), (37, Page)]);
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
