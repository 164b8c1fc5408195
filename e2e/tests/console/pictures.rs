//! Pictures of the console for the documentation, made of a server whose time was moved on. They are
//! written to `docs/console` when `JETON_PICTURES` is set, and not otherwise.

use e2e::{Browser, Client, Dev, Theme, repository, text};
use serde_json::{Value, json};

/// What `jeton dev` gives everybody.
const PASSWORD: &str = "development-only";

#[test]
fn pictures_are_made_when_they_are_asked_for() {
    if std::env::var_os("JETON_PICTURES").is_none() {
        println!("left out: JETON_PICTURES is not set");
        return;
    }
    let story = Story::told("default");
    let browser = Browser::at(&story.dev.url());
    browser.goto("/console/acme/tokens");
    both(&browser, "sign-in", 720);
    browser.sign_in_with("ada@example.com", PASSWORD);
    both(&browser, "list", 720);
    browser.goto("/console/acme/tokens/new");
    browser.fill("Name", "grafana");
    browser.tick("A level of access");
    both(&browser, "create", 720);
    browser.press("Create");
    browser.press("Copy");
    browser.says("Copied");
    both(&browser, "once", 600);
    browser.goto(&format!("/console/acme/tokens/{}", story.used));
    both(&browser, "token", 800);
    browser.press("Revoke");
    browser.wait("dialog[open]");
    both(&browser, "revoke", 720);
    for preset in ["cockpit", "qovery", "tagoio", "arm", "gcore"] {
        let story = Story::told(preset);
        let browser = Browser::at(&story.dev.url());
        browser.sign_in_with("ada@example.com", PASSWORD);
        take(&browser, &format!("list-{preset}"), 600);
    }
}

/// In either theme.
fn both(browser: &Browser, name: &str, least: u32) {
    for (theme, suffix) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        browser.theme(theme);
        take(browser, &format!("{name}-{suffix}"), least);
    }
}

/// Shows all of the page in a window as high as it is.
fn take(browser: &Browser, name: &str, least: u32) {
    const WIDE: u32 = 1280;
    browser.size(WIDE, least);
    let high = browser.run("return document.documentElement.scrollHeight", json!([])).as_u64();
    browser.size(WIDE, u32::try_from(high.expect("a height")).expect("a page's height").max(least));
    // What appears slowly has appeared.
    browser.run("return document.getAnimations().forEach((one) => one.finish())", json!([]));
    let directory = repository().join("docs/console");
    std::fs::create_dir_all(&directory).expect("our own repository");
    std::fs::write(directory.join(format!("{name}.png")), browser.picture()).expect("our own repository");
}

/// Some weeks of an account.
struct Story {
    dev: Dev,
    /// The token that is used most.
    used: String,
}

impl Story {
    fn told(preset: &str) -> Story {
        let dev = Dev::start(preset);
        let admin = dev.as_(&text(&dev.people()[0], "token"));
        tidy(&dev, &admin);
        let backup = make(&admin, preset, "nightly backup", 0);
        let deploy = make(&admin, preset, "deployments", 1);
        let laptop = make(&admin, preset, "old laptop", 2);
        let mut days = 0;
        while days < 40 {
            let busy = if days % 7 < 5 { 60 + days * 37 % 40 } else { 8 + days % 5 };
            calls(&dev, &backup.1, busy, "203.0.113.7");
            calls(&dev, &deploy.1, days % 6, "198.51.100.20");
            dev.advance("1 day");
            days += 1;
        }
        end(&admin, &laptop.0);
        make(&admin, preset, "terraform", 3);
        calls(&dev, &backup.1, 31, "203.0.113.7");
        dev.advance("3 minutes");
        Story { used: backup.0, dev }
    }
}

/// Takes away what everybody begins with, where the preset lets it be deleted.
fn tidy(dev: &Dev, admin: &Client) {
    let list = admin.get("/v1/accounts/acme/tokens");
    for token in list.ok(200)["items"].as_array().expect("items") {
        let name = text(token, "name");
        if name.ends_with(", for development only") {
            let path = format!("/v1/accounts/acme/tokens/{}", text(token, "id"));
            if dev.printed["preset"] == "default" {
                admin.patch(&path, json!({ "name": "data team" })).ok(200);
            } else {
                // Each preset has a confirmation of its own, or none; arm deletes nothing.
                let name = name.replace(' ', "%20").replace(',', "%2C");
                admin.delete(&format!("{path}?confirm={name}"));
                admin.delete(&format!("{path}?confirm=delete"));
            }
        }
    }
}

fn make(admin: &Client, preset: &str, name: &str, number: usize) -> (String, String) {
    let mut ask = json!({ "name": name });
    match preset {
        "default" => {
            ask["permission"] = [
                json!({ "access": "read", "entities": ["files"] }),
                json!({ "role": "Member" }),
                json!({ "inherit": true }),
                json!({ "access": "write" }),
            ][number]
                .clone();
            if number == 3 {
                ask["expires_in"] = json!("6 days");
            }
        }
        "tagoio" => {
            let level = ["read", "full", "write", "full"][number];
            ask["permission"] = json!({ "access": level });
        }
        "gcore" => {
            let role = ["Engineers", "Purge and Prefetch only", "Users", "Engineers"][number];
            ask["permission"] = json!({ "role": role });
            let about = ["copies logs", "clears the cache after a release", "", ""][number];
            ask["description"] = json!(about);
            if number == 3 {
                ask["expires_at"] = Value::Null;
            }
        }
        "qovery" => {
            let about = ["state of production", "CI/CD", "", "staging"][number];
            ask["description"] = json!(about);
        }
        _ => {}
    }
    let made = admin.post("/v1/accounts/acme/tokens", ask);
    (made.ok(201)["id"].as_str().expect("an id").to_owned(), text(&made.json, "secret"))
}

fn calls(dev: &Dev, secret: &str, count: usize, address: &str) {
    let ask = json!({ "token": secret, "address": address });
    if count > 0 {
        let asks = json!({ "asks": vec![ask; count] });
        dev.service().post("/v1/verify/batch", asks).ok(200);
    }
}

/// Revokes it where that can be done, else deletes it.
fn end(admin: &Client, id: &str) {
    let path = format!("/v1/accounts/acme/tokens/{id}");
    if admin.post(&format!("{path}/revoke"), json!({})).status != 200 {
        admin.delete(&format!("{path}?confirm=old%20laptop"));
        admin.delete(&format!("{path}?confirm=delete"));
    }
}
