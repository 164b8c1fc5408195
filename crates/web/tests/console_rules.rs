//! The pages about rules and records, as a browser meets them: journal, policy, notices. Who sees each,
//! what each says, which forms are refused and what they change.

#[path = "console/browser.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod browser;
mod common;
#[path = "console/page.rs"]
mod page;

use axum::http::Method;
use browser::Browser;
use common::World;
use page::{HARMLESS, HOSTILE, is_closed_to, member, token, words};
use serde_json::{Value, json};

// The journal

#[tokio::test]
async fn the_journal_says_who_did_what_to_what_with_links_where_there_is_a_page() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let made = browser.make(&[("name", HOSTILE)]).await;
    let one = format!("/console/acme/tokens/{}", made.id);
    browser.post(&format!("{one}/revoke"), &[("reason", HOSTILE)]).await;
    token(&world, json!({ "name": "by a token" })).await;
    let page = browser.get("/console/acme/journal").await;
    assert_eq!(page.status, 200);
    let told = words(&page);
    for said in [
        format!("Ada created the token {HOSTILE}"),
        format!("Ada revoked the token {}", made.id),
        "Ada signed in".to_owned(),
        "Ada created the account Acme".replace("Ada", "The operator"),
        "with the token pat_".to_owned(),
    ] {
        assert!(told.contains(&said), "{said}: {told}");
    }
    assert!(page.text.contains(&format!("<a href=\"{one}\"><bdi>{HARMLESS}</bdi></a>")), "{}", page.text);
    assert!(!page.text.contains("<script>alert"));
    assert!(page.text.contains("title=\"1 Jan 2030, 00:00 UTC\">a moment ago</time>"));
    assert!(page.text.len() < 60_000, "{}", page.text.len());

    browser.language = "de";
    let told = words(&browser.get("/console/acme/journal").await);
    assert!(told.contains("Ada hat sich angemeldet"), "{told}");
}

#[tokio::test]
async fn the_journal_is_filtered_and_turned_page_by_page() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    world.ask(&world.admin, Method::PUT, "/v1/accounts/acme/policy", Some(json!(null))).await;
    let mut policy = world.get(&world.admin, "/v1/accounts/acme/policy").await.ok(200);
    policy["limit"] = Value::Null;
    world.ask(&world.admin, Method::PUT, "/v1/accounts/acme/policy", Some(policy)).await.ok(200);
    for n in 0..55 {
        token(&world, json!({ "name": format!("token {n}.") })).await;
    }
    let first = browser.get("/console/acme/journal?action=token&actor=&subject=&since=&until=").await;
    assert!(first.text.contains("token 54.") && !first.text.contains("token 4.</bdi>"));
    assert!(!words(&first).contains("signed in"));
    let next = first.text.split("class=\"pages\"").nth(1).unwrap();
    let next = unescaped(next.split("href=\"").nth(1).unwrap().split('"').next().unwrap());
    let second = browser.get(&next).await;
    assert_eq!(second.status, 200, "{next}");
    assert!(second.text.contains("token 4.</bdi>") && !second.text.contains("token 54."));
    assert!(second.text.contains("First page"));

    let none = browser.get("/console/acme/journal?since=2031-01-01").await;
    assert!(none.text.contains("No entry fits these filters."));
    let some =
        browser.get("/console/acme/journal?since=2030-01-01&until=2030-01-01&action=policy.changed").await;
    let told = words(&some);
    assert!(told.contains("Ada changed the policy of") && told.contains("limit"), "{told}");
    for wrong in ["since=yesterday", "actor=a%20b", "page=2"] {
        assert_eq!(browser.get(&format!("/console/acme/journal?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_journal_leaves_as_a_file_in_which_no_name_is_a_formula() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    member(&world, "=1+1", "Viewer").await;
    let csv = browser.get("/console/acme/journal/export?format=csv&action=member").await;
    assert_eq!((csv.status.as_u16(), csv.head("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(csv.head("content-disposition"), Some("attachment; filename=\"journal-acme.csv\""));
    assert!(csv.text.starts_with("seq,at,account,") && csv.text.contains("\"'=1+1\""), "{}", csv.text);
    assert!(!csv.text.contains("token.created"));
    let lines = browser.get("/console/acme/journal/export?format=jsonl").await;
    assert_eq!(lines.head("content-type"), Some("application/jsonl"));
    for line in lines.text.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    assert_eq!(browser.get("/console/acme/journal/export?format=xml").await.status, 404);
    is_closed_to(
        &world,
        "viewer@example.com",
        "journal",
        &["journal", "journal/export?format=csv", "journal?of=server"],
    )
    .await;
}

#[tokio::test]
async fn an_operator_reads_the_server_s_journal_and_has_its_chain_checked() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let page = browser.get("/console/acme/journal?of=server").await;
    assert!(words(&page).contains("The whole server") && page.text.contains("Check the chain"));
    let checked = browser.post("/console/acme/journal/verify", &[]).await;
    assert_eq!(checked.status, 200);
    let told = words(&checked);
    assert!(told.contains("entries are what was written, and each follows from the one before."), "{told}");
    let stolen = browser.post_with("/console/acme/journal/verify", &[("sec-fetch-site", "cross-site")], &[]);
    assert_eq!(stolen.await.status, 403);

    member(&world, "Zoe", "Admin").await;
    let mut theirs = Browser::new(&world);
    theirs.sign_in_as("admin@example.com").await;
    let page = theirs.get("/console/acme/journal").await;
    assert!(page.status == 200 && !page.text.contains("Check the chain") && !page.text.contains("of=server"));
    for path in ["journal?of=server", "journal/export?format=csv&of=server"] {
        assert_eq!(theirs.get(&format!("/console/acme/{path}")).await.status, 403, "{path}");
    }
    assert_eq!(theirs.post("/console/acme/journal/verify", &[]).await.status, 403);
}
