//! Names that mean harm look harmless, and none of them moves what stands around it.

use e2e::{Browser, text};
use serde_json::json;

use super::{overflows, server, signed_in, token};

#[test]
fn names_that_mean_harm_look_harmless_and_break_no_page() {
    let server = server("default");
    let wide = "Ｗ".repeat(100);
    let hostile = [
        "<script>document.title = 'taken'</script>",
        "\"><img src=/taken onerror=\"document.title = 'taken'\">",
        "שלום 123 (archive)",
        "{{ 7 * 7 }} ${7 * 7} %{7}",
        &wide,
        &"m".repeat(100),
    ];
    let mut ids = Vec::new();
    for name in hostile {
        let described = json!({ "name": name, "description": name.repeat(2) });
        ids.push(token(&server, described).0);
    }
    // Somebody who is called so, too.
    let member = json!({ "name": hostile[1], "email": "mallory@example.com", "role": "Owner", "password": e2e::PASSWORD });
    server.admin().post(&server.path("members"), member).ok(201);
    let session = server.log_in("mallory@example.com").text_at("token");
    server.create_named(&session, "of somebody");

    let browser = signed_in(&server);
    harmless(&browser, "the list");
    for name in hostile {
        browser.says(name);
    }
    for (id, name) in ids.iter().zip(hostile) {
        browser.goto(&format!("/console/acme/tokens/{id}"));
        browser.says(name);
        harmless(&browser, name);
        for act in ["edit", "revoke", "delete"] {
            browser.goto(&format!("/console/acme/tokens/{id}/{act}"));
            harmless(&browser, &format!("{act}: {name}"));
        }
        browser.goto(&format!("/console/acme/tokens/{id}"));
        browser.press("Revoke");
        browser.wait("dialog[open]");
        harmless(&browser, &format!("the dialog about {name}"));
    }
    let mallory = Browser::at(&server.url);
    mallory.sign_in("mallory@example.com");
    harmless(&mallory, "somebody's own list");
    mallory.says(hostile[1]);
}

#[track_caller]
fn harmless(browser: &Browser, place: &str) {
    assert_eq!(browser.count("main script, main img, main iframe"), 0, "{place}");
    assert_ne!(browser.run("return document.title", json!([])), "taken", "{place}");
    assert_eq!(overflows(browser), Vec::<&str>::new(), "{place}");
    assert_eq!(browser.complaints(), Vec::<String>::new(), "{place}");
}

/// A mark that turns round what follows it makes a name look like another one (UTS #39).
#[test]
fn a_name_that_turns_its_surroundings_round_is_refused_beside_its_field() {
    let server = server("default");
    let browser = signed_in(&server);
    browser.goto("/console/acme/tokens/new");
    browser.fill("Name", "gpj.\u{202e}exe");
    browser.press("Create");
    browser.wait("#wrong-name");
    assert_eq!(browser.focus(), "Name");
    let none = server.tokens(&server.admin_token, "");
    assert_eq!(none.iter().map(|token| text(token, "name")).collect::<Vec<_>>(), ["init"]);
}
