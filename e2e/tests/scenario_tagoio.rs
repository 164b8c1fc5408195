//! TagoIO, Account Token: the document "Account Token" of its documentation, walked from top to
//! bottom under the preset `tagoio`.

use e2e::{PASSWORD, Server, Walk, in_seconds, text, until};
use serde_json::{Value, json};

const ENTITIES: [&str; 8] =
    ["devices", "dashboards", "analysis", "actions", "files", "access", "run", "dictionaries"];

#[test]
fn the_document_of_tagoio_holds() {
    let mut walk = Walk::through("tagoio");
    let server = Server::start("tagoio");
    let member = server.member("Member");
    let make = |name: &str, permission: Value, more: (&str, Value)| {
        let ask = json!({ "name": name, "permission": permission, "password": PASSWORD, more.0: more.1 });
        server.create(&member.session, ask)
    };
    let never = || ("expires_at", Value::Null);
    let access = |level: &str| json!({ "access": level });

    let full = walk.step(
        6,
        "Account Tokens are the secret keys used between Tago and external applications.",
        || {
            let full = make("grafana", access("full"), never());
            server.accepts(&text(&full, "secret"));
            full
        },
    );
    walk.step(
        6,
        "Any access from an account requires a valid token, so it is vital that tokens are kept secret and only shared with trusted parties.",
        || {
            server.anonymous().get("/v1/tokens/self").refused(401, "unauthenticated");
            server.anonymous().get(&server.path("tokens")).refused(401, "unauthenticated");
            // One character of the secret is another: no token of ours any more.
            let mistyped = text(&full, "secret").replacen("_pat_", "_sat_", 1);
            server.rejects(&mistyped, "malformed");
        },
    );
    let granted = |token: &Value| server.permissions(&text(token, "secret"));
    let each = |actions: &[&str]| {
        let mut all: Vec<String> = ENTITIES
            .iter()
            .flat_map(|entity| actions.iter().map(move |action| format!("{entity}:{action}")))
            .collect();
        all.sort();
        all
    };
    walk.step(
        8,
        "> ⚠️ All sorts of requests can be performed with Account Tokens, so only provide this token to trusted applications.",
        || {
            for permission in each(&["create", "read", "update", "delete"]) {
                assert_eq!(server.code_for(&text(&full, "secret"), &permission), "valid", "{permission}");
            }
        },
    );

    let mut pages = server.pages(&member.email);
    walk.step(
        14,
        "Account tokens can be managed from your [account details](editing-accounts-details) by selecting your profile.",
        || {
            pages.press("Account Tokens").says("Account > Profile > Account Tokens");
            assert!(pages.listed().contains(&"grafana".to_owned()), "{}", pages.text());
        },
    );
    walk.step(14, "You can copy a token by clicking the **Copy** button.", || {
        let id = text(&full, "id");
        for caller in [&member.session, &server.log_in("ada@example.com").text_at("token")] {
            let copy = server.act(caller, &id, "reveal");
            assert_eq!(text(copy.ok(200), "secret"), text(&full, "secret"));
        }
        assert!(
            server.token(&member.session, &id).ok(200).get("secret").is_none(),
            "not without being asked for"
        );
        pages.does_not_say(&text(&full, "secret"));
        pages.press_at("grafana", "Copy");
        assert_eq!(pages.secret(), text(&full, "secret"));
    });

    walk.step(16, "More than one token can be created for the same profile.", || {
        let second = make("second", access("read"), never());
        assert_eq!(second["node"], full["node"]);
        assert_eq!(second["holder"], full["holder"]);
        server.accepts(&text(&second, "secret"));
        server.accepts(&text(&full, "secret"));
        assert!(server.policy()["limit"].is_null(), "and no number is named");
    });
    walk.step(16, "Permissions and expiration dates for each token may be configured as needed.", || {
        let end = in_seconds(86_400);
        let dated = make("dated", access("write"), ("expires_at", json!(end)));
        assert_eq!(dated["permission"]["access"], "write");
        assert_eq!(text(&dated, "expires_at")[..19], end[..19]);
        pages.open("tokens/new").says("Permission").says("Expiration");
        pages.fill("Name", "as needed").tick("Write only").tick("Never expires").press("Create");
        assert_eq!(granted(&json!({ "secret": pages.secret() })), each(&["create", "update"]));
        assert_eq!(full["permission"]["access"], "full");
        assert!(full["expires_at"].is_null());
    });

    walk.step(
        20,
        "* **Full** – full permission to manage all entities from your account, including read, create, update, and delete.",
        || assert_eq!(granted(&full), each(&["create", "read", "update", "delete"])),
    );
    let write =
        walk.step(21, "* **Write only** – create and update all entities from your account.", || {
            let write = make("writer", access("write"), never());
            assert_eq!(granted(&write), each(&["create", "update"]));
            assert_eq!(server.code_for(&text(&write, "secret"), "devices:read"), "insufficient_permission");
            write
        });
    let read = walk.step(22, "* **Read only** – read all entities from your account.", || {
        let read = make("reader", access("read"), never());
        assert_eq!(granted(&read), each(&["read"]));
        assert_eq!(server.code_for(&text(&read, "secret"), "devices:create"), "insufficient_permission");
        read
    });

    for (line, sentence, entity) in [
        (26, "1. [Devices](/docs/tagoio/devices/)", "devices"),
        (27, "2. [Dashboards](../dashboards/) and [Widgets](/docs/tagoio/widgets/)", "dashboards"),
        (28, "3. [Analysis](/docs/tagoio/analysis/)", "analysis"),
        (29, "4. [Actions](../actions/)", "actions"),
        (30, "5. [Files](../files)", "files"),
        (31, "6. [Access Management](../tagorun/access-management/)", "access"),
        (32, "7. [TagoRun](/tagorun) and [Run users](../account/user-management)", "run"),
        (33, "8. [Dictionary](../dictionaries)", "dictionaries"),
    ] {
        walk.step(line, sentence, || {
            let code = |token: &Value, action: &str| {
                server.code_for(&text(token, "secret"), &format!("{entity}:{action}"))
            };
            assert_eq!(
                (code(&read, "read").as_str(), code(&read, "update").as_str()),
                ("valid", "insufficient_permission")
            );
            assert_eq!(
                (code(&write, "update").as_str(), code(&write, "delete").as_str()),
                ("valid", "insufficient_permission")
            );
            assert_eq!(code(&full, "delete"), "valid");
        });
    }

    walk.step(
        37,
        "The expiration field defines the lifespan of a token; it can be set to a temporary period or left infinite (never expires).",
        || {
            assert!(make("infinite", access("read"), never())["expires_at"].is_null());
            assert!(make("a period", access("read"), ("expires_in", json!("30 days")))["expires_at"].is_string());
            let brief = make("brief", access("read"), ("expires_at", json!(in_seconds(3))));
            let secret = text(&brief, "secret");
            until("a token's end comes", || server.verify(&secret)["valid"] == false);
            server.rejects(&secret, "expired");
            assert_eq!(server.token(&member.session, &text(&brief, "id")).ok(200)["status"], "expired");
        },
    );
    let other = server.member("Member");
    walk.step(
        38,
        "A new token is automatically generated each time you log in to your account, or when someone with whom you have shared your profile logs in.",
        || {
            let before = server.tokens(&member.session, "?kind=ses&limit=100").len();
            let own = server.log_in(&member.email).text_at("token");
            let shared = server.log_in(&other.email).text_at("token");
            let all = server.tokens(&member.session, "?kind=ses&limit=100");
            assert_eq!(all.len(), before + 2, "listed for everybody who shares the profile");
            for token in [&own, &shared] {
                let id = token.split('_').skip(1).take(2).collect::<Vec<_>>().join("_");
                let listed = all.iter().find(|token| token["id"] == id.as_str()).expect("it is listed");
                assert!(text(listed, "name").starts_with("Signed in with "), "{listed:#}");
                assert_eq!((&listed["status"], &listed["node"]), (&json!("active"), &json!("/")));
// All that its person may do: the desk, too.
                let may = granted(&json!({ "secret": token }));
                let all = each(&["create", "read", "update", "delete"]);
                assert!(all.iter().all(|permission| may.contains(permission)), "{may:?}");
            }
            pages.open("tokens").says("Signed in with ");
        },
    );
    walk.step(
        38,
        "These auto‑generated tokens are created with an expiration time of 3 months and will be deleted automatically after that period or when the user logs out of the account manually.",
        || {
            let login = server.log_in(&member.email);
            let token = login.text_at("token");
            let id = token.split('_').skip(1).take(2).collect::<Vec<_>>().join("_");
            let listed = server.token(&member.session, &id).ok(200).clone();
            let time = |field: &str| text(&listed, field).parse::<jiff::Timestamp>().expect("a time");
            let begun = time("created_at").to_zoned(jiff::tz::TimeZone::UTC);
            let end = begun.checked_add(jiff::Span::new().months(3)).expect("a date");
            assert_eq!(time("expires_at"), end.timestamp());
            server.as_(&token).delete("/v1/sessions/self").ok(200);
            server.rejects(&token, "revoked");
            server.token(&member.session, &id).refused(404, "not_found");
            // By hand in the console, too.
            let there = || server.tokens(&member.session, "?kind=ses&limit=100").len();
            let before = there();
            let mut pages = server.pages(&other.email);
            assert_eq!(there(), before + 1);
            pages.open("tokens").press("Sign out");
            assert_eq!(there(), before);
            // That it goes at its end, too, the tests of `service` drive a clock for.
        },
    );

    walk.finish(&[]);
}

#[test]
fn the_preset_has_the_words_of_tagoios_pages() {
    let server = Server::start("tagoio");
    server.speaks(&[
        "Account Tokens",
        "Copy",
        "Full",
        "Write only",
        "Read only",
        "All sorts of requests can be performed with Account Tokens",
    ]);
}
