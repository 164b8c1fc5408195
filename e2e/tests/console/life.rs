//! A token's life as two people live it: one who runs no scripts, one who has no pointer. And what the
//! history of a browser keeps of a secret: nothing.

use e2e::{ADMIN, Browser, PASSWORD, key, until};
use serde_json::json;

use super::{named, server, signed_in};

#[test]
fn the_whole_life_of_a_token_without_scripts() {
    let server = server("default");
    let browser = Browser::at(&server.url).without_scripts();
    browser.sign_in(ADMIN);
    assert_eq!(browser.count("html.scripted"), 0);

    browser.press("Create token");
    browser.fill("Name", "nightly backup");
    browser.tick("A level of access");
    browser.tick("Read only");
    browser.press("Create");
    let secret = browser.secret();
    browser.says("You cannot see it again.");
    // To be copied by hand: a button that does nothing is not shown.
    browser.does_not_say("Copy");
    server.accepts(&secret);
    browser.press("I've copied it");
    browser.says("The token is there.");
    browser.says("nightly backup");
    browser.does_not_say(&secret);
    browser.back();
    assert!(!browser.source().contains(&secret), "{}", browser.source());
    browser.goto("/console/acme/tokens");

    browser.press("Actions for nightly backup");
    browser.press("Revoke");
    browser.says("1 call in the last 30 days.");
    browser.fill("Reason", "the laptop is lost");
    browser.press("Revoke this token");
    browser.says("The token is revoked.");
    browser.says("the laptop is lost");
    server.rejects(&secret, "revoked");
    browser.press("Undo");
    browser.press("Approve");
    browser.says("The token is approved.");
    server.accepts(&secret);

    browser.press("Delete");
    browser.fill("Type the token's name", "nightly");
    browser.press("Delete this token");
    browser.says("Type exactly what stands above.");
    browser.fill("Type the token's name", "nightly backup");
    browser.press("Delete this token");
    browser.says("The token is deleted.");
    server.rejects(&secret, "revoked");

    browser.press("Sign out");
    browser.goto("/console/acme/tokens");
    assert!(browser.path().starts_with("/console/sign-in"), "{}", browser.path());
}

#[test]
fn the_whole_life_of_a_token_by_keyboard_alone() {
    let server = server("default");
    let browser = Browser::at(&server.url);
    browser.goto("/console/sign-in");
    browser.tab_to("E-mail address");
    browser.keys(&ADMIN.chars().collect::<Vec<_>>());
    browser.tab_to("Password");
    browser.keys(&PASSWORD.chars().collect::<Vec<_>>());
    browser.keys(&[key::ENTER]);
    browser.wait("main .head");

    // The first stop leads past the navigation.
    browser.keys(&[key::TAB]);
    assert_eq!(browser.focus(), "Skip to the content");
    focus_is_seen(&browser);
    browser.keys(&[key::ENTER]);
    browser.keys(&[key::TAB]);
    assert_eq!(browser.focus(), "Create token");
    focus_is_seen(&browser);
    browser.keys(&[key::ENTER]);
    browser.wait("#name");
    assert_eq!(browser.focus(), "Name");
    browser.keys(&"nightly backup".chars().collect::<Vec<_>>());
    browser.keys(&[key::ENTER]);
    browser.wait("#secret");

    let secret = browser.secret();
    server.accepts(&secret);
    browser.tab_to("Copy");
    focus_is_seen(&browser);
    browser.keys(&[key::ENTER]);
    browser.says("Copied");
    assert_eq!(browser.focus(), "Copied");
    let live = "return document.querySelector('#live[role=status]')?.textContent";
    until("it is told to those who listen", || browser.run(live, json!([])) == "Copied");
    assert_eq!(browser.clipboard(), secret);
    browser.tab_to("I've copied it");
    browser.keys(&[key::ENTER]);
    browser.says("The token is there.");

    // The menu of a row opens, closes and gives the focus back.
    let menu = "Actions for nightly backup";
    browser.tab_to(menu);
    browser.keys(&[key::ENTER]);
    browser.wait(".actions-menu:popover-open");
    browser.keys(&[key::ESCAPE]);
    browser.wait_without(".actions-menu:popover-open");
    assert_eq!(browser.focus(), menu);
    browser.keys(&[key::ENTER]);
    browser.tab_to("Revoke");
    focus_is_seen(&browser);
    browser.keys(&[key::ENTER]);
    browser.wait("dialog[open]");

    // The dialog keeps the focus for as long as it is open, and gives it back.
    assert_eq!(browser.run("return root.contains(document.activeElement)", json!([])), true);
    for _ in 0..12 {
        browser.keys(&[key::TAB]);
        let within =
            "return root.contains(document.activeElement) || document.activeElement === document.body";
        assert_eq!(browser.run(within, json!([])), true, "the focus is at {}", browser.focus());
    }
    browser.keys(&[key::ESCAPE]);
    browser.wait_without("dialog");
    assert_eq!(browser.focus(), menu);
    server.accepts(&secret);

    browser.keys(&[key::ENTER]);
    browser.tab_to("Revoke");
    browser.keys(&[key::ENTER]);
    browser.wait("dialog[open]");
    browser.tab_to("Revoke this token");
    browser.keys(&[key::ENTER]);
    browser.says("The token is revoked.");
    server.rejects(&secret, "revoked");

    browser.tab_to("Delete");
    browser.keys(&[key::ENTER]);
    browser.wait("dialog[open]");
    browser.tab_to("Type the token's name");
    browser.keys(&"nightly backup".chars().collect::<Vec<_>>());
    browser.keys(&[key::ENTER]);
    browser.says("The token is deleted.");
    browser.tab_to("Dismiss");
    browser.keys(&[key::ENTER]);
    until("what was said is gone", || !browser.text().contains("The token is deleted."));
}

/// A ring that can be seen: WCAG 2.2, 2.4.7.
#[track_caller]
fn focus_is_seen(browser: &Browser) {
    let script = "const style = getComputedStyle(document.activeElement);
        return document.activeElement.matches(':focus-visible') && style.outlineStyle !== 'none'
          && parseFloat(style.outlineWidth) >= 2;";
    assert_eq!(browser.run(script, json!([])), true, "no ring around {}", browser.focus());
}

#[test]
fn a_secret_is_gone_from_the_history_and_leaving_it_behind_asks_once() {
    let server = server("default");
    let browser = signed_in(&server);
    browser.goto("/console/acme/tokens/new");
    browser.fill("Name", "shown once");
    browser.press("Create");
    let secret = browser.secret();
    browser.events();

    // Whoever did not copy it is asked; whoever has been asked may go.
    browser.keys(&[key::TAB]);
    browser.goto("/console/acme/tokens");
    let asked = |events: &[serde_json::Value]| {
        events.iter().any(|event| {
            event["method"] == "Page.javascriptDialogOpening" && event["params"]["type"] == "beforeunload"
        })
    };
    assert!(asked(&browser.events()), "leaving a secret that was not copied asks");

    for _ in 0..2 {
        browser.back();
        assert!(!browser.source().contains(&secret), "{}", browser.source());
    }
    browser.goto("/console/acme/tokens");

    browser.goto("/console/acme/tokens/new");
    browser.fill("Name", "copied");
    browser.press("Create");
    browser.press("Copy");
    browser.says("Copied");
    browser.events();
    browser.goto("/console/acme/tokens");
    assert!(!asked(&browser.events()), "whoever copied it is not asked");
    // Nor does anything that scripts can keep have it.
    let kept = "return JSON.stringify([localStorage, sessionStorage, history.state, document.cookie])";
    let kept = browser.run(kept, json!([]));
    assert_eq!(kept, r#"[{},{},null,""]"#);
}

#[test]
fn a_form_keeps_what_was_typed_and_leads_to_what_is_wrong() {
    let server = server("default");
    let browser = signed_in(&server);
    browser.goto("/console/acme/tokens/new");
    browser.fill("Description", "for the data team");
    browser.tick("Chosen permissions");
    browser.tick("files:read");
    browser.tick("After a time");
    browser.fill("How many", "12");
    browser.choose("Unit", "months");
    browser.press("Create");
    browser.wait("[aria-invalid=true]");
    assert_eq!(browser.focus(), "Name");
    let field =
        "return document.getElementById(document.activeElement.getAttribute('aria-describedby')).innerText";
    assert!(browser.run(field, json!([])).as_str().is_some_and(|text| text.contains("1 to 100 characters")));
    let values =
        "return ['description', 'count', 'unit'].map((name) => document.getElementsByName(name)[0].value)";
    assert_eq!(browser.run(values, json!([])), json!(["for the data team", "12", "months"]));
    let ticked = "return [...document.querySelectorAll(':checked')].filter(seen).map((e) => e.ariaLabel ?? e.id ?? e.value)";
    assert_eq!(browser.run(ticked, json!([])), json!(["permission-list", "files:read", "expires-period"]));

    // What a dialog is refused is a page of its own that keeps as much.
    let (id, _) = named(&server, "kept");
    browser.goto(&format!("/console/acme/tokens/{id}"));
    browser.press("Delete");
    browser.wait("dialog[open]");
    browser.fill("Type the token's name", "not this");
    browser.press("Delete this token");
    browser.wait("[aria-invalid=true]");
    browser.says("Delete kept?");
    assert_eq!(browser.run("return document.getElementById('confirm').value", json!([])), "not this");
}
