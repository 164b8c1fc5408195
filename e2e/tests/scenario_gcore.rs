//! Gcore, permanent API token: the document "Create, use, or delete a permanent API token" of its
//! documentation, walked from top to bottom under the preset `gcore`.

use e2e::Needs::{Dialect, IdentityProvider, Mail};
use e2e::{Member, Pages, Server, Walk, in_seconds, now, text, until};
use serde_json::{Value, json};

const DAY: i64 = 24 * 3600;

#[test]
fn the_document_of_gcore_holds() {
    let mut walk = Walk::through("gcore");
    let server = Server::start("gcore");
    let people = People {
        admin: server.member("Administrators"),
        engineer: server.member("Engineers"),
        user: server.member("Users"),
    };
    use_of_tokens(&mut walk, &server, &people);
    let mut pages = server.pages(&people.engineer.email);
    creation(&mut walk, &server, &people, &mut pages);
    deletion(&mut walk, &server, &people);
    section(&mut walk, &server, &people);
    notifications_and_sso(&mut walk, &server, &people);

    walk.finish(&[
        (29, Dialect),
        (97, Mail),
        (105, Mail),
        (106, Mail),
        (112, IdentityProvider),
        (114, IdentityProvider),
    ]);
}

struct People {
    admin: Member,
    engineer: Member,
    user: Member,
}

fn ask(name: &str, role: &str) -> Value {
    json!({ "name": name, "permission": { "role": role } })
}

/// Lines 17 to 29: what a permanent token is and when it is used.
fn use_of_tokens(walk: &mut Walk, server: &Server, people: &People) {
    walk.step(
        21,
        "An API token is a unique identifier of an application requesting access to your account via the API.",
        || {
            let one = server.create(&people.engineer.session, ask("ci", "Engineers"));
            let two = server.create(&people.engineer.session, ask("ci", "Engineers"));
            assert_ne!(one["id"], two["id"]);
            assert_ne!(one["secret"], two["secret"]);
            let verdict = server.verify(&text(&two, "secret"));
            assert_eq!((&verdict["token"]["id"], &verdict["account"]["id"]), (&two["id"], &json!("acme")));
        },
    );
    walk.step(
        23,
        r#"Our API documentation describes how to get a <a href="https://api.gcore.com/docs/account#section/Authentication" target="_blank">standard authorization token</a> with a validity period of 1 hour, to update it, use the <a href="https://api.gcore.com/docs/account#tag/Account/paths/~1auth~1jwt~1refresh/post" target="_blank">Refresh token</a> request with a validity period of 24 hours."#,
        || a_login_is_a_pair(server, &people.user),
    );
    walk.step(
        25,
        "To set up an automated process for working with our CDN service (for example, automatic cache clearing), use a permanent API token, which you can create in your personal account.",
        || {
            let purge = server.create(&people.engineer.session, ask("purge", "Purge and Prefetch only"));
            assert!(purge["expires_at"].is_null(), "permanent: {purge:#}");
            let secret = text(&purge, "secret");
            assert_eq!(server.code_for(&secret, "cdn:purge"), "valid");
            assert_eq!(server.code_for(&secret, "cdn:delete"), "insufficient_permission");
        },
    );
    walk.owed(
        29,
        "To manage services add your permanent API token after APIKey in the authorization header: _'Authorization: APIKey 7711$eyJ0eXAiOiJKV'_",
        Dialect,
    );
}

/// An hour's token and a day's refresh token, which is good once.
fn a_login_is_a_pair(server: &Server, user: &Member) {
    let hours = |time: &str| {
        let time: jiff::Timestamp = time.parse().expect("a time in RFC 3339");
        time.duration_since(now()).as_secs_f64() / 3600.0
    };
    let refresh =
        |token: &str| server.anonymous().post("/v1/sessions/refresh", json!({ "refresh_token": token }));
    let first = server.log_in(&user.email);
    let (token, one) = (first.text_at("token"), first.text_at("refresh_token"));
    assert!((0.9..=1.0).contains(&hours(&first.text_at("expires_at"))), "{first:?}");
    server.accepts(&token);
    let listed = server.as_(&token).get("/v1/sessions");
    let sessions = listed.ok(200)["items"].as_array().expect("a list").clone();
    let own = sessions.iter().find(|session| session["current"] == true).expect("the one that asks");
    assert!((23.9..=24.0).contains(&hours(&text(own, "expires_at"))), "the login can be refreshed: {own:#}");

    // A refresh token is no credential anywhere, and asking with it ends nothing.
    server.rejects(&one, "not_found");
    server.as_(&one).get("/v1/tokens/self").refused(401, "unauthenticated");
    let next = refresh(&one);
    next.ok(200);
    let (second, two) = (next.text_at("token"), next.text_at("refresh_token"));
    server.accepts(&second);
    server.rejects(&token, "revoked");
    let after = server.as_(&second).get("/v1/sessions").ok(200)["items"].as_array().map(Vec::len);
    assert_eq!(after, Some(sessions.len()), "a login is one line, however often it is refreshed");

    // Once, and in the same moment it is no replay yet.
    refresh(&one).refused(409, "conflict");
    server.accepts(&second);
    server.as_(&second).delete("/v1/sessions/self").ok(200);
    refresh(&two).refused(401, "unauthenticated");
    server.rejects(&second, "revoked");
}

/// Lines 31 to 68: the form, step by step.
fn creation(walk: &mut Walk, server: &Server, people: &People, pages: &mut Pages) {
    walk.step(
        33,
        "**Note:** There is currently a\u{a0}limit\u{a0}of\u{a0}50\u{a0}API\u{a0}tokens per account",
        || {
            let mut active = server.tokens(&people.admin.session, "?status=active&limit=100").len();
            let mut last = Value::Null;
            while active < 50 {
                active += 1;
                last = server.create(&people.admin.session, ask(&format!("number {active}"), "Users"));
            }
            for caller in [&people.admin, &people.user] {
                server
                    .ask_for_token(&caller.session, ask("one too many", "Users"))
                    .refused(409, "limit_reached");
            }
            // A deleted one gives its place back.
            server.delete(&people.admin.session, &text(&last, "id"), "").ok(200);
            let again = server.create(&people.user.session, ask("in its place", "Users"));
            server.delete(&people.user.session, &text(&again, "id"), "").ok(200);
            for token in server.tokens(&people.admin.session, "?status=active&q=number&limit=100") {
                server.delete(&people.admin.session, &text(&token, "id"), "").ok(200);
            }
        },
    );
    walk.step(37, r"1\. In your Personal Account, go to Profile.", || {
        pages.says("Profile > API tokens");
    });
    walk.step(39, r"2\. Open the API tokens section.", || {
        pages.press("API tokens").says("requesting access to your account via the API");
    });
    walk.step(41, r"3\. Click Create API token.", || {
        pages.press("Create API token");
    });
    walk.step(43, "The form for an API token creation will be opened.", || {
        pages.says("API token creation").says("There is currently a limit of 50 API tokens per account");
    });

    let engineer = &people.engineer.session;
    let named = r"4\. In the Token name field, specify the token name.";
    walk.step(47, named, || {
        assert_eq!(server.create(engineer, ask("deploy", "Engineers"))["name"], "deploy");
        server.ask_for_token(engineer, ask("", "Engineers")).refused(422, "invalid_field");
    });
    walk.step(47, named, || {
        pages.fill("Token name", "by hand");
    });
    let described =
        r"5\. (optional) In the Description field, you can enter additional information about the token.";
    walk.step(49, described, || {
        let mut described = ask("described", "Engineers");
        described["description"] = json!("clears the cache after a release");
        let made = server.create(engineer, described);
        let later = server.token(engineer, &text(&made, "id"));
        assert_eq!(later.ok(200)["description"], "clears the cache after a release");
    });
    walk.step(49, described, || {
        pages.says("Description optional");
        pages.fill("Description", "typed into the form");
    });
    walk.step(49, "This is an optional field.", || {
        let made = server.create(engineer, ask("not described", "Engineers"));
        assert!(made["description"].is_null() || made["description"] == "", "{made:#}");
    });
    let role = r"6\. In the Role section, specify the rights that are assigned to the created token.";
    walk.step(51, role, || {
        for role in ["Engineers", "Purge and Prefetch only", "Users"] {
            let made = server.create(engineer, ask("with a role", role));
            let secret = text(&made, "secret");
            assert_eq!(server.verify(&secret)["role"], role);
            assert_eq!(server.permissions(&secret), server.role_permissions(role));
        }
    });
    walk.step(51, role, || {
        let offered = pages.choices("Role");
        // What is above the reader's own role is not offered (line 53).
        assert_eq!(offered, ["Engineers", "Purge and Prefetch only", "Users"]);
        pages.choose("Role", "Purge and Prefetch only");
    });
    walk.step(
        53,
        "**Important**: A user can create a token with a role equal to or lower than their own.",
        || {
            let ladder = ["Administrators", "Engineers", "Purge and Prefetch only", "Users"];
            for (own, role) in ladder.iter().enumerate().take(3) {
                let caller = server.member(role).session;
                for (asked, name) in ladder.iter().enumerate() {
                    let answer = server.ask_for_token(&caller, ask("ladder", name));
                    assert_eq!(answer.status == 201, asked >= own, "a {role} asks for {name}:\n{answer:?}");
                }
            }
        },
    );
    walk.step(
        53,
        "This means that a user with the User role cannot create a token with the Administrators role.",
        || {
            let refused = server.ask_for_token(&people.user.session, ask("too much", "Administrators"));
            refused.refused(403, "forbidden");
            server.create(&people.user.session, ask("their own", "Users"));
        },
    );
    walk.step(55, r"7\. In the Expiration section, select the expiration date of the token:", || {
        pages.says("Expiration");
        let end = text(&json!({ "day": in_seconds(30 * DAY) }), "day");
        pages.tick("Set expiration date").fill("Set expiration date", &end[..10]);
        pages.tick("Never expire");
    });
    walk.step(57, "- Never expire means that the validity period of the token is unlimited.", || {
        let mut never = ask("never", "Engineers");
        never["expires_at"] = Value::Null;
        let never = server.create(engineer, never);
        assert!(never["expires_at"].is_null());
        assert!(server.verify(&text(&never, "secret"))["expires_at"].is_null());
    });
    walk.step(
        58,
        "- Set expiration date option choosing this option set the expiration date of the token in the field below.",
        || {
            let end = in_seconds(30 * DAY);
            let mut dated = ask("dated", "Engineers");
            dated["expires_at"] = json!(end);
            assert_eq!(text(&server.create(engineer, dated), "expires_at")[..19], end[..19]);
            let mut past = ask("past", "Engineers");
            past["expires_at"] = json!(in_seconds(-1));
            server.ask_for_token(engineer, past).refused(422, "invalid_field");
            let mut period = ask("a period", "Engineers");
            period["expires_in"] = json!("30d");
            server.ask_for_token(engineer, period).refused(422, "not_allowed_by_policy");
        },
    );
    walk.step(60, r"8\. Click the **Create** button to generate the API token.", || {
        pages.press("Create");
    });
    let secret = walk.step(62, "A pop-up window with the API token will be opened.", || {
        pages.says("API token").says("The generated token is not stored in the system.");
        let secret = pages.secret();
        // Line 29: how it is sent.
        pages.says(&format!("Authorization: APIKey {secret}"));
        secret
    });
    let id = text(&server.tokens(engineer, "?q=by%20hand")[0], "id");
    walk.step(64, r"9\. The generated token is not stored in the system**_._**", || {
        server.accepts(&secret);
        assert_eq!(places_with(server, &secret), Vec::<String>::new());
        assert!(!server.output().contains(&secret), "nor is it logged");
    });
    walk.step(64, "You can view it in your Personal Account only once during its creation.", || {
        let later = server.token(engineer, &id);
        assert!(later.ok(200).get("secret").is_none() && !later.text.contains(&secret), "{later:?}");
        server.act(engineer, &id, "reveal").refused(422, "not_allowed_by_policy");
    });
    walk.step(66, r"10\. After you have saved the generated token, click **OK, I've copied token**.", || {
        pages.press("OK, I've copied token").does_not_say(&secret);
    });
    walk.step(66, "Information about the token will be displayed in the API tokens section.", || {
        assert!(server.token_names(engineer, "?limit=100").contains(&"by hand".to_owned()));
        let row = pages.row("by hand");
        for told in ["typed into the form", &id, "Purge and Prefetch only", "active", "Never expire"] {
            assert!(row.contains(told), "{told}: {row}");
        }
    });
}

/// Lines 70 to 78.
fn deletion(walk: &mut Walk, server: &Server, people: &People) {
    let of = |member: &Member, name: &str| server.create(&member.session, ask(name, "Users"));
    walk.step(
        72,
        "Only users with the Administrators role can delete any tokens issued for the account.",
        || {
            let theirs = of(&people.user, "of a user");
            let id = text(&theirs, "id");
            server.delete(&people.engineer.session, &id, "").refused(404, "not_found");
            server.accepts(&text(&theirs, "secret"));
            server.delete(&people.admin.session, &id, "").ok(200);
            server.rejects(&text(&theirs, "secret"), "revoked");
        },
    );
    walk.step(
        72,
        "Users with other roles can only delete tokens that were issued only by these users.",
        || {
            let own = of(&people.user, "their own too");
            let others = of(&people.admin, "an administrator's");
            server.delete(&people.user.session, &text(&others, "id"), "").refused(404, "not_found");
            server.accepts(&text(&others, "secret"));
            server.delete(&people.user.session, &text(&own, "id"), "").ok(200);
            server.rejects(&text(&own, "secret"), "revoked");
        },
    );
    let mut pages = server.pages(&people.user.email);
    walk.step(76, r"1\.  In your Personal Account, go to Profile.", || {
        pages.says("Profile > API tokens");
    });
    walk.step(77, r"2\.  Open the API tokens section.", || {
        pages.press("API tokens");
    });
    walk.step(
        78,
        r"3\.  Next to the required API token, click on the three dots sign and select **Delete API token**.",
        || {
            let required = of(&people.user, "required");
            pages.open("tokens").press_at("required", "Delete API token");
            pages.says("required");
            pages.press("Delete this token");
            assert!(!pages.listed().contains(&"required".to_owned()), "{}", pages.text());
            server.rejects(&text(&required, "secret"), "revoked");
        },
    );
}

/// Lines 80 to 92: the list and its filters.
fn section(walk: &mut Walk, server: &Server, people: &People) {
    let admin = &people.admin.session;
    let displays = "This section displays all issued API tokens, as well as information about who issued the token,\u{a0} token role, last usage, expiration date, and status.";
    walk.step(82, displays, || {
        let dated =
            json!({ "name": "told", "permission": { "role": "Users" }, "expires_at": in_seconds(30 * DAY) });
        server.create(&people.user.session, dated);
        let listed = server.tokens(admin, "?q=told").remove(0);
        assert_eq!(listed["issued_by"], json!({ "id": people.user.id, "name": people.user.name }));
        assert_eq!(listed["permission"], json!({ "role": "Users" }));
        assert!(listed["last_used_at"].is_null(), "not used yet");
        assert!(listed["expires_at"].is_string());
        assert_eq!(listed["status"], "active");
    });
    let mut pages = server.pages(&people.admin.email);
    walk.step(82, displays, || {
        let row = pages.row("told");
        for told in [people.user.name.as_str(), "Users", "Not used yet", "in 29 days", "active"] {
            assert!(row.contains(told), "{told}: {row}");
        }
        for column in ["Issued by", "Role", "Last used", "Expires", "Status"] {
            pages.says(column);
        }
    });
    walk.step(
        84,
        "**Important**: Only users with the Administrators role can see and manage all tokens issued for the account.",
        || {
            let issuers = |caller: &str| {
                let mut ids: Vec<String> = server
                    .tokens(caller, "?limit=100")
                    .iter()
                    .map(|token| text(&token["issued_by"], "id"))
                    .collect();
                ids.sort();
                ids.dedup();
                ids
            };
            let everybody = issuers(admin);
            for member in [&people.admin, &people.engineer, &people.user] {
                assert!(everybody.contains(&member.id));
            }
            assert_eq!(issuers(&people.engineer.session), [people.engineer.id.as_str()]);
            assert_eq!(issuers(&people.user.session), [people.user.id.as_str()]);
        },
    );
    walk.step(
        84,
        "Users with other roles can only see and manage the tokens that were issued by these users.",
        || {
            let of_admin = server.create(admin, ask("not to be seen", "Users"));
            let id = text(&of_admin, "id");
            server.token(&people.user.session, &id).refused(404, "not_found");
            server
                .as_(&people.user.session)
                .get(&server.path(&format!("tokens/{id}/usage")))
                .refused(404, "not_found");
            let own = server.create(&people.user.session, ask("to be seen", "Users"));
            server.token(&people.user.session, &text(&own, "id")).ok(200);
        },
    );

    let by_issuer = "- Issued by filter for filtering by a user who issued a token";
    walk.step(88, by_issuer, || {
        let theirs = server.tokens(admin, &format!("?limit=100&issued_by={}", people.user.id));
        assert!(!theirs.is_empty() && theirs.iter().all(|token| token["issued_by"]["id"] == people.user.id));
    });
    walk.step(88, by_issuer, || {
        pages.open("tokens").choose("Issued by", &people.user.name).press("Apply");
        let listed = pages.listed();
        assert!(listed.contains(&"told".to_owned()), "{listed:?}");
        let theirs = server.tokens(admin, &format!("?limit=100&issued_by={}", people.user.id));
        assert_eq!(listed.len(), theirs.len());
    });
    let by_role = "- Role filter for filtering by the role assigned to the token";
    walk.step(89, by_role, || {
        let purgers = server.tokens(admin, "?limit=100&role=Purge%20and%20Prefetch%20only");
        assert!(!purgers.is_empty());
        assert!(
            purgers.iter().all(|token| token["permission"] == json!({ "role": "Purge and Prefetch only" }))
        );
    });
    walk.step(89, by_role, || {
        pages.open("tokens").choose("Role", "Purge and Prefetch only").press("Apply");
        let listed = pages.listed();
        assert!(listed.contains(&"by hand".to_owned()) && !listed.contains(&"told".to_owned()), "{listed:?}");
    });
    let by_status = "- Status filter for filtering by token status: active/expired/deleted-filter";
    walk.step(90, by_status, || {
        let brief =
            json!({ "name": "brief", "permission": { "role": "Users" }, "expires_at": in_seconds(3) });
        let secret = text(&server.create(admin, brief), "secret");
        let gone = server.create(admin, ask("gone", "Users"));
        server.delete(admin, &text(&gone, "id"), "").ok(200);
        until("a token's end comes", || server.verify(&secret)["code"] == "expired");
        let named = |status: &str| server.token_names(admin, &format!("?limit=100&status={status}"));
        let is_in = |name: &str| {
            let name = name.to_owned();
            ["active", "expired", "deleted"].map(|status| named(status).contains(&name))
        };
        assert_eq!(is_in("told"), [true, false, false]);
        assert_eq!(is_in("brief"), [false, true, false]);
        assert_eq!(is_in("gone"), [false, false, true]);
    });
    walk.step(90, by_status, || {
        for (status, name) in [("active, expiring too", "told"), ("expired", "brief"), ("deleted", "gone")] {
            pages.open("tokens").choose("Status", status).press("Apply");
            let listed = pages.listed();
            for known in ["told", "brief", "gone"] {
                assert_eq!(listed.contains(&known.to_owned()), known == name, "{status}: {listed:?}");
            }
        }
    });
}

/// Lines 95 to 116.
fn notifications_and_sso(walk: &mut Walk, server: &Server, people: &People) {
    let notices = "API token expiration notifications are displayed in your personal account and are sent by default to users who have issued a token and to users with the Administrators role.";
    let mut pages = server.pages(&people.user.email);
    walk.step(97, notices, || {
        pages.does_not_say("There are tokens that expire in 7 days or less.");
        let soon = json!({ "name": "noticed", "permission": { "role": "Users" }, "expires_at": in_seconds(2 * DAY) });
        server.create(&people.user.session, soon);
        // Shown to whoever issued it and to the Administrators.
        for reader in [&people.user, &people.admin] {
            server.pages(&reader.email).says("There are tokens that expire in 7 days or less.");
        }
        server.pages(&people.engineer.email).does_not_say("There are tokens that expire in 7 days or less.");
    });
    walk.owed(97, notices, Mail);
    let configured = r#"You <a href="https://gcore.com/docs/account-settings/manage-service-notifications" target="_blank">can configure</a> notifications in the Notifications section of the Profile tab."#;
    walk.step(99, configured, || {
        pages.press("Notifications").says("Mails to you");
        pages.tick("No, never").press("Save").says("Your choice is kept.");
        let own = server.as_(&people.user.session).get(&server.path("notices"));
        assert_eq!(own.ok(200)["mail"], false, "{own:?}");
    });
    walk.owed(105, "- 7 days before the token expires.", Mail);
    walk.owed(106, "- 1 day before the token expires.", Mail);
    let mark = "The API Tokens section will be marked with an exclamation mark if there are tokens that expire in 7 days or less.";
    walk.step(108, mark, || {
        let status = |days: i64| {
            let ask = json!({ "name": "soon", "permission": { "role": "Users" }, "expires_at": in_seconds(days * DAY) });
            server.create(&people.user.session, ask)["status"].clone()
        };
        assert_eq!((status(6), status(8)), (json!("expiring"), json!("active")));
    });
    walk.step(108, mark, || {
        // It stands at the section's entry, on every page, and says what it means.
        let entry = "API tokens !There are tokens that expire in 7 days or less.";
        assert!(pages.open("tokens/new").offers(entry), "{}", pages.text());
    });
    walk.owed(
        112,
        "When logging in via SAML SSO, our system does not have information about the status of the permissions granted to the user by the provider.",
        IdentityProvider,
    );
    walk.owed(
        114,
        "Even if the provider revoked the user's access rights, their tokens will remain active for account management.",
        IdentityProvider,
    );
    walk.step(
        116,
        "**Important**: If you need to restrict access via a permanent API token for a user with SSO authorization, delete the required token from your Personal Account.",
        || {
            let remaining = server.create(&people.engineer.session, ask("remaining", "Engineers"));
            let member = server.path(&format!("members/{}/deactivate", people.engineer.id));
            server.admin().post(&member, json!({})).ok(200);
            server.accepts(&text(&remaining, "secret"));
            server.delete(&people.admin.session, &text(&remaining, "id"), "").ok(200);
            server.rejects(&text(&remaining, "secret"), "revoked");
        },
    );
}

/// Where in what the server keeps this text stands, byte for byte.
fn places_with(server: &Server, text: &str) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    server.kept().into_iter().filter(|(_, bytes)| holds(bytes)).map(|(place, _)| place).collect()
}

#[test]
fn a_member_with_active_tokens_cannot_be_removed() {
    let server = Server::start("gcore");
    let user = server.member("Users");
    let token = server.create(&user.session, ask("still used", "Users"));
    let member = server.path(&format!("members/{}", user.id));
    server.admin().delete(&member).refused(409, "wrong_state");
    server.delete(&user.session, &text(&token, "id"), "").ok(200);
    server.admin().delete(&member).ok(200);
}

#[test]
fn the_preset_has_the_words_of_gcores_pages() {
    let server = Server::start("gcore");
    server.speaks(&[
        "Profile > API tokens",
        "Create API token",
        "Token name",
        "Description",
        "Role",
        "Expiration",
        "Never expire",
        "Set expiration date",
        "Create",
        "OK, I've copied token",
        "Delete API token",
        "Issued by",
        "Status",
        "Notifications",
    ]);
}
