//! AutoRABIT ARM, API Token: the document "Create API Token" of its documentation, walked from top
//! to bottom under the preset `arm`.

use e2e::Needs::Dialect;
use e2e::{ACCOUNT, Server, Walk, in_seconds, now, text, until};
use serde_json::{Value, json};

#[test]
fn the_document_of_arm_holds() {
    let mut walk = Walk::through("arm");
    let server = Server::start("arm");
    let admin = server.member("Org Administrator");
    let general = server.member("General User");

    walk.step(3, "The actions discussed in the article are not available to general users.", || {
        server.as_(&general.session).get(&server.path("tokens")).refused(403, "forbidden");
        server.ask_for_token(&general.session, json!({ "name": "mine" })).refused(403, "forbidden");
        assert_eq!(server.token_names(&admin.session, ""), ["init"]);
    });

    let token = walk.step(
        7,
        "An API token is a unique identifier of an application requesting access to your service.",
        || {
            let (one, two) = (
                server.create_named(&admin.session, "jenkins"),
                server.create_named(&admin.session, "jenkins"),
            );
            assert_ne!(one["id"], two["id"]);
            assert_ne!(one["secret"], two["secret"]);
            let verdict = server.verify(&text(&two, "secret"));
            assert_eq!(verdict["token"]["id"], two["id"], "the text tells which of them asks");
            one
        },
    );
    let secret = text(&token, "secret");
    walk.step(7, "API tokens are used to authenticate requests to the ARM APIs.", || {
        server.accepts(&secret);
        server.as_(&secret).get(&server.path("tokens")).ok(200);
    });
    walk.owed(7, "API tokens are used to authenticate requests to the ARM APIs.", Dialect);

    walk.step(11, "You must have a unique personal access token to interact with the API.", || {
        server.anonymous().get(&server.path("tokens")).refused(401, "unauthenticated");
        server.anonymous().get("/v1/tokens/self").refused(401, "unauthenticated");
    });
    walk.step(11, "This is used to authenticate yourself in the API.", || {
        let own = server.as_(&secret).get("/v1/tokens/self");
        assert_eq!(own.ok(200)["holder"]["id"], admin.id);
        assert_eq!(server.verify(&secret)["holder"]["id"], admin.id);
    });
    walk.step(13, "Important Note:The token is the equivalent of the user name and password pair.", || {
        let by_password = server.log_in(&admin.email).text_at("token");
        assert_eq!(token["permission"], json!({ "inherit": true }));
        assert_eq!(server.permissions(&secret), server.role_permissions("Org Administrator"));
        assert_eq!(server.token_names(&secret, ""), server.token_names(&by_password, ""));
    });
    walk.step(13, "Once generated, it identifies your account.", || {
        assert_eq!(server.verify(&secret)["account"]["id"], ACCOUNT);
        let elsewhere = json!({ "token": secret, "account": "another" });
        assert_eq!(server.verify_with(elsewhere)["code"], "wrong_account");
    });

    let mut pages = server.pages(&admin.email);
    walk.step(
        17,
        "Hover your mouse over the **`Admin`** tile and select the option: **`API Tokens.`**",
        || {
            pages.press("API Tokens").says("Admin > API Tokens");
            let theirs = server.pages(&general.email);
            assert_eq!(theirs.status(), 403, "{}", theirs.text());
            assert!(!theirs.offers("API Tokens") && !theirs.offers("Create API Token"));
        },
    );
    walk.step(21, "Click on the **`Create API Token`** button to generate a new token.", || {
        pages.press("Create API Token").says("Create API Token").says("A maximum of 10 tokens");
        assert!(pages.path().ends_with("/tokens/new"), "{}", pages.path());
    });
    let named = "Enter the API **`Token Name`** on the next screen.";
    walk.step(25, named, || {
        server.ask_for_token(&admin.session, json!({ "name": "  " })).refused(422, "invalid_field");
        for (field, value) in [
            ("description", json!("no such field")),
            ("expires_in", json!("30d")),
            ("permission", json!({ "inherit": true })),
        ] {
            let ask = json!({ "name": "more than the form", field: value });
            server.ask_for_token(&admin.session, ask).refused(422, "not_allowed_by_policy");
        }
    });
    walk.step(25, named, || {
        for field in ["Description", "Permissions", "Role", "Expires"] {
            assert!(!pages.asks_for(field), "the next screen asks for the name alone, not for {field}");
        }
        pages.fill("Token Name", "written down");
    });
    walk.step(26, "Click **`Create`**.", || {
        pages.press("Create");
    });
    let written = walk.step(30, "Write down your newly generated token as you will need it soon.", || {
        pages.says("Write down your newly generated token as you will need it soon.");
        let secret = pages.secret();
        server.accepts(&secret);
        let id = text(&server.tokens(&admin.session, "?q=written")[0], "id");
        json!({ "id": id, "secret": secret })
    });

    walk.step(
        35,
        "**Important Note:** For security reasons, viewing the token after closing the creation dialog is not possible.",
        || {
            let (id, secret) = (text(&written, "id"), text(&written, "secret"));
            let later = server.token(&admin.session, &id);
            assert!(later.ok(200).get("secret").is_none() && !later.text.contains(&secret), "{later:?}");
            server.act(&admin.session, &id, "reveal").refused(422, "not_allowed_by_policy");
            // The dialog says so, and whoever has closed it finds the token without its secret.
            pages.says("viewing the token after closing the creation dialog is not possible");
            pages.press("I've copied it").says("written down").does_not_say(&secret);
            pages.press("written down").does_not_say(&secret);
        },
    );
    walk.step(35, "If necessary, create a new token.", || {
        let new = server.create_named(&admin.session, "written down");
        assert_ne!(new["secret"], written["secret"]);
        server.accepts(&text(&new, "secret"));
    });
    walk.step(35, "A maximum of 10 tokens are permitted for each user license.", || {
        let other = server.member("Org Administrator");
        for number in 1..=10 {
            server.create_named(&other.session, &format!("number {number}"));
        }
        server.ask_for_token(&other.session, json!({ "name": "number 11" })).refused(409, "limit_reached");
        server.create_named(&admin.session, "another license's");
    });

    walk.step(
        40,
        "If an ARM user account is deactivated, the API Token will be deactivated simultaneously.",
        || {
            let leaver = server.member("Org Administrator");
            let theirs =
                [server.create_named(&leaver.session, "one"), server.create_named(&leaver.session, "two")];
            let member = |action: &str| {
                server.admin().post(&server.path(&format!("members/{}/{action}", leaver.id)), json!({}))
            };
            member("deactivate").ok(200);
            for token in &theirs {
                server.rejects(&text(token, "secret"), "suspended");
                server.as_(&text(token, "secret")).get("/v1/tokens/self").refused(401, "unauthenticated");
            }
            server.ask_for_token(&leaver.session, json!({ "name": "three" })).refused(401, "unauthenticated");
            member("reactivate").ok(200);
            theirs.iter().for_each(|token| server.accepts(&text(token, "secret")));
        },
    );
    let revoke = "In some cases, ARM needs to revoke or invalidate tokens, for example, when a user logs out of the ARM application.";
    walk.step(40, revoke, || {
        server.act(&admin.session, &text(&token, "id"), "revoke").ok(200);
        server.rejects(&secret, "revoked");
        assert_eq!(server.token(&admin.session, &text(&token, "id")).ok(200)["status"], "revoked");
        server.delete(&admin.session, &text(&token, "id"), "").refused(422, "not_allowed_by_policy");
        pages.open("tokens").press_at(&text(&written, "id"), "Revoke").press("Revoke this token");
        server.rejects(&text(&written, "secret"), "revoked");
    });
    walk.step(40, revoke, || a_logout_revokes(&server));
    walk.step(40, "If you revoke a token, it can be re-approved anytime before it expires.", || {
        server.act(&admin.session, &text(&token, "id"), "approve").ok(200);
        server.accepts(&secret);
        pages.open("tokens").press_at(&text(&written, "id"), "Re-approve").press("Re-approve");
        server.accepts(&text(&written, "secret"));
        too_late_is_too_late(&server);
    });

    walk.finish(&[(7, Dialect)]);
}

/// By whichever way somebody logs out, their tokens are revoked, and nobody else's.
fn a_logout_revokes(server: &Server) {
    let (leaving, other) = (server.member("Org Administrator"), server.member("Org Administrator"));
    let theirs = server.create_named(&other.session, "another's");
    let token = server.create_named(&leaving.session, "mine");
    let (id, secret) = (text(&token, "id"), text(&token, "secret"));
    let back = |session: &str| {
        server.rejects(&secret, "revoked");
        server.act(session, &id, "approve").ok(200);
        server.accepts(&secret);
    };
    server.as_(&leaving.session).delete("/v1/sessions/self").ok(200);
    let here = server.log_in(&leaving.email).text_at("token");
    back(&here);
    // On a page.
    server.pages(&leaving.email).open("me").press("Sign out");
    let here = server.log_in(&leaving.email).text_at("token");
    back(&here);
    // And another session, from the list of one's own.
    let elsewhere = server.log_in(&leaving.email).text_at("token");
    let session = elsewhere.split('_').skip(1).take(2).collect::<Vec<_>>().join("_");
    server.as_(&here).delete(&format!("/v1/sessions/{session}")).ok(200);
    server.rejects(&elsewhere, "revoked");
    back(&here);
    server.accepts(&text(&theirs, "secret"));
}

/// "Before it expires": the preset's life is a year, so the account chooses ends of its own here.
fn too_late_is_too_late(server: &Server) {
    let mut policy = server.policy();
    policy["expiry"]["fixed"] = Value::Null;
    policy["expiry"]["modes"] = json!(["date"]);
    policy["fields"] = json!(["name", "expiry"]);
    server.admin().put(&server.path("policy"), policy).ok(200);

    let caller = server.member("Org Administrator").session;
    let end = now() + jiff::SignedDuration::from_secs(4);
    let brief = server.create(&caller, json!({ "name": "brief", "expires_at": end.to_string() }));
    let lasting = server.create(&caller, json!({ "name": "lasting", "expires_at": in_seconds(3600) }));
    for token in [&brief, &lasting] {
        server.act(&caller, &text(token, "id"), "revoke").ok(200);
    }
    until("the shorter token's end comes", || now() > end);
    server.act(&caller, &text(&brief, "id"), "approve").refused(409, "wrong_state");
    assert_eq!(server.verify(&text(&brief, "secret"))["valid"], false);
    server.act(&caller, &text(&lasting, "id"), "approve").ok(200);
    server.accepts(&text(&lasting, "secret"));
}

#[test]
fn a_tokens_life_is_a_year() {
    let server = Server::start("arm");
    let token = server.create_named(&server.admin_token, "jenkins");
    let time = |field: &str| text(&token, field).parse::<jiff::Timestamp>().expect("a time in RFC 3339");
    assert_eq!(
        time("expires_at").duration_since(time("created_at")),
        jiff::SignedDuration::from_hours(365 * 24)
    );
}

#[test]
fn the_preset_has_the_words_of_arms_pages() {
    let server = Server::start("arm");
    server.speaks(&[
        "Admin > API Tokens",
        "Create API Token",
        "Token Name",
        "Create",
        "viewing the token after closing the creation dialog is not possible",
        "Revoke",
        "Re-approve",
    ]);
}
