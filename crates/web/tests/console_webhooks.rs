//! The console's pages about webhooks: adding one, its secret once, what it was told, and whom they are for.

#[path = "console/browser.rs"]
mod browser;
mod common;
#[path = "console/people.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod people;

use browser::Browser;
use common::World;
use people::{ACME, ESCAPED, HERE, HOSTILE, leads_to, member, says, signed_in};
use serde_json::Value;

const URL: &str = "http://127.0.0.1:9/hook?key=a";

async fn all(world: &World) -> Vec<Value> {
    let all = world.get(&world.admin, &format!("{ACME}/webhooks")).await.ok(200);
    all["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_webhook_is_added_its_secret_shown_once_and_what_it_was_told_sent_again() {
    let world = World::of("default").await;
    let mut browser = signed_in(&world).await;
    let empty = browser.get(&format!("{HERE}/webhooks")).await;
    says(&empty, &["No webhooks yet", "Add webhook", "aria-current=\"page\""]);
    let new = format!("{HERE}/webhooks/new");
    for (name, url, actions, field) in [
        ("", URL, "", "name"),
        ("ops", "http://10.0.0.1/", "", "url"),
        ("ops", "https://u:p@hooks.example/", "", "url"),
        ("ops", URL, "token\nnonsense", "actions"),
    ] {
        let refused = browser.fill(&new, &[("name", name), ("url", url), ("actions", actions)]).await;
        assert_eq!(refused.status, 422, "{url}");
        says(&refused, &[&format!("id=\"wrong-{field}\""), &format!("value=\"{url}\"")]);
    }
    let form = browser.get(&new).await.hidden("form");
    let typed =
        [("form", form.as_str()), ("name", HOSTILE), ("url", URL), ("actions", "webhook\n token.created \n")];
    let made = browser.post(&new, &typed).await;
    assert_eq!(made.status, 200);
    let secret = made.secret();
    assert!(secret.starts_with("whsec_"), "{secret}");
    says(&made, &[ESCAPED, "You cannot see it again."]);
    let again = browser.post(&new, &typed).await;
    says(&again, &["This form was sent before."]);
    assert!(!again.text.contains("whsec_"));
    let [webhook] = &all(&world).await[..] else { panic!("one and no more") };
    assert_eq!(webhook["actions"], serde_json::json!(["token.created", "webhook"]));
    let one = format!("{HERE}/webhooks/{}", webhook["id"].as_str().unwrap());

    let list = browser.get(&format!("{HERE}/webhooks")).await;
    says(&list, &[ESCAPED, "http://127.0.0.1:9", "Working", &format!("href=\"{one}\"")]);
    assert!(!list.text.contains("key=a"), "the path is for the webhook's own page");
    world.desk.take_up().await.unwrap();
    let page = browser.get(&one).await;
    says(&page, &[URL, "webhook.created", "To be sent", "Send again"]);
    let seq = page.text.split("/deliveries/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let sent = browser.post(&format!("{one}/deliveries/{seq}/redeliver"), &[]).await;
    leads_to(&sent, &format!("{one}?done=webhooks-again"));

    let version = browser.get(&format!("{one}/edit")).await.hidden("version");
    let typed = [("version", version.as_str()), ("name", "ops"), ("url", URL), ("actions", "")];
    leads_to(&browser.post(&format!("{one}/edit"), &typed).await, &format!("{one}?done=webhooks-edited"));
    let late = browser.post(&format!("{one}/edit"), &typed).await;
    assert_eq!(late.status, 422);
    says(&late, &["Somebody else changed this webhook meanwhile."]);
    // Without its tick it is turned off, and nothing can be sent.
    says(&browser.get(&one).await, &["Turned off", "Everything"]);
    let sent = browser.post(&format!("{one}/deliveries/{seq}/redeliver"), &[]).await;
    assert_eq!(sent.status, 422);
    says(&sent, &["turn it on first"]);

    let rotated = browser.fill(&format!("{one}/secret"), &[]).await;
    assert!(rotated.secret() != secret && rotated.secret().starts_with("whsec_"));
    says(&browser.get(&one).await, &["The secret before this one signs until"]);
    says(&browser.get(&format!("{HERE}/journal")).await, &["gave the webhook", "edited the webhook"]);
    says(&browser.get(&format!("{one}/delete")).await, &["Delete ops?", "Delete this webhook"]);
    leads_to(
        &browser.post(&format!("{one}/delete"), &[]).await,
        &format!("{HERE}/webhooks?done=webhooks-deleted"),
    );
    assert!(all(&world).await.is_empty());
    assert_eq!(browser.get(&one).await.status, 404);
}

#[tokio::test]
async fn webhooks_are_shown_to_those_who_may_and_to_no_other_site() {
    let world = World::of("default").await;
    member(&world, "Gus", "Viewer").await;
    let mut browser = signed_in(&world).await;
    let typed = [("name", "ops"), ("url", URL), ("actions", "")];
    browser.fill(&format!("{HERE}/webhooks/new"), &typed).await;
    let id = all(&world).await[0]["id"].as_str().unwrap().to_owned();
    let one = format!("{HERE}/webhooks/{id}");
    let mut gus = Browser::new(&world);
    gus.sign_in_as("gus@example.com").await;
    assert!(!gus.get(&format!("{HERE}/tokens")).await.text.contains("/webhooks\""));
    for path in [
        "",
        "/new",
        &format!("/{id}"),
        &format!("/{id}/edit"),
        &format!("/{id}/secret"),
        &format!("/{id}/delete"),
    ] {
        assert_eq!(gus.get(&format!("{HERE}/webhooks{path}")).await.status, 403, "{path}");
    }
    let foreign = [("sec-fetch-site", "cross-site")];
    for path in [
        format!("{HERE}/webhooks/new"),
        format!("{one}/edit"),
        format!("{one}/secret"),
        format!("{one}/delete"),
    ] {
        assert_eq!(browser.post_with(&path, &foreign, &typed).await.status, 403, "{path}");
    }
    assert_eq!(all(&world).await.len(), 1);
}

#[tokio::test]
async fn nothing_inline_stands_on_the_pages_and_they_speak_german() {
    let world = World::of("default").await;
    let mut browser = signed_in(&world).await;
    browser
        .fill(&format!("{HERE}/webhooks/new"), &[("name", "ops"), ("url", URL), ("actions", "webhook")])
        .await;
    world.desk.take_up().await.unwrap();
    let id = all(&world).await[0]["id"].as_str().unwrap().to_owned();
    browser.language = "de";
    for (path, said) in [
        (String::new(), "Programme, denen gesagt wird"),
        ("/new".into(), "Webhook anlegen"),
        (format!("/{id}"), "Noch einmal senden"),
        (format!("/{id}/edit"), "ops bearbeiten"),
        (format!("/{id}/secret"), "Neues Geheimnis erzeugen"),
        (format!("/{id}/delete"), "Diesen Webhook löschen"),
    ] {
        let page = browser.get(&format!("{HERE}/webhooks{path}")).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        says(&page, &[said, "lang=\"de\""]);
        for inline in [" style=\"", " onclick=", "<style", "<script>"] {
            assert!(!page.text.contains(inline), "{path}: {inline}");
        }
    }
    let typed = [("name", "ops"), ("url", "https://10.0.0.1/"), ("actions", "")];
    says(
        &browser.fill(&format!("{HERE}/webhooks/new"), &typed).await,
        &["Diese URL ist nicht zu gebrauchen."],
    );
}
