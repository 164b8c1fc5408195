//! The pages for operators, as a browser meets them: inventory, accounts, cluster.

#[path = "console/browser.rs"]
mod browser;
mod common;
#[path = "console/page.rs"]
mod page;

use browser::Browser;
use common::{PASSWORD, World};
use page::{HARMLESS, HOSTILE, but, fields, is_closed_to, member, token, words};
use serde_json::json;

// Inventory

/// Another account, with a member and a token of theirs.
async fn other_account(world: &World) {
    world.post(&world.admin, "/v1/accounts", json!({ "id": "beta", "name": "Beta" })).await.ok(201);
    let body = json!({ "name": "Bea", "role": "Owner", "email": "bea@example.com", "password": PASSWORD });
    world.post(&world.admin, "/v1/accounts/beta/members", body).await.ok(201);
    let login = json!({ "email": "bea@example.com", "password": PASSWORD });
    let session = world.post("", "/v1/sessions", login).await.ok(201);
    let session = session["token"].as_str().unwrap();
    for name in ["beta one", "beta two"] {
        world.post(session, "/v1/accounts/beta/tokens", json!({ "name": name })).await.ok(201);
    }
}

#[tokio::test]
async fn operators_see_every_token_of_the_server_and_how_many_there_are_of_each_sort() {
    let world = World::of("default").await;
    other_account(&world).await;
    token(&world, json!({ "name": HOSTILE, "permission": { "role": "Viewer" } })).await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let page = browser.get("/console/acme/inventory").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let told = words(&page);
    for said in
        ["4 tokens of 2 accounts", "Bea (beta) 2", "Ada (acme) 2", "Viewer 1", "Never used", "beta one"]
    {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(page.text.contains(HARMLESS) && !page.text.contains("<script>alert"));
    assert!(page.text.len() < 60_000, "{}", page.text.len());
    let beta = words(&browser.get("/console/acme/inventory?account=beta&q=&status=&role=&kind=").await);
    assert!(beta.contains("2 tokens of 1 account") && !beta.contains("Ada (acme)"), "{beta}");
    let role = words(&browser.get("/console/acme/inventory?role=Viewer&sort=name").await);
    assert!(role.contains("1 token of 1 account"), "{role}");
    let none = browser.get("/console/acme/inventory?created_before=2029-01-01").await;
    assert!(none.status == 200 && none.text.contains("No token fits these filters."));
    for wrong in ["account=No+Account", "permission=fly%3Aaway", "created_before=soon", "status=good"] {
        let page = browser.get(&format!("/console/acme/inventory?{wrong}")).await;
        assert!(page.status == 422 && page.text.contains("role=\"alert\""), "{wrong}: {}", page.text);
    }
    member(&world, "Zoe", "Admin").await;
    for section in ["inventory", "accounts", "cluster"] {
        is_closed_to(&world, "admin@example.com", section, &[section]).await;
    }
    is_closed_to(
        &world,
        "admin@example.com",
        "inventory",
        &["inventory/revoke?account=beta", "accounts/new", "accounts/beta", "accounts/beta/close"],
    )
    .await;
}

#[tokio::test]
async fn whatever_a_filter_finds_is_revoked_as_it_was_looked_at_and_nothing_else() {
    const REVOKE: &str = "/console/acme/inventory/revoke";
    let world = World::of("default").await;
    other_account(&world).await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    assert_eq!(browser.get(REVOKE).await.status, 400, "not everything at once");
    let list = browser.get("/console/acme/inventory?account=beta").await;
    assert!(list.text.contains(&format!("href=\"{REVOKE}?account=beta\"")), "{}", list.text);
    let look = browser.get(&format!("{REVOKE}?account=beta")).await;
    let told = words(&look);
    assert!(told.contains("Revoke 2 tokens?") && told.contains("beta two"), "{told}");
    let sent = fields(&look, REVOKE);

    let stolen = browser.post_with(REVOKE, &[("sec-fetch-site", "cross-site")], &but(&sent, &[])).await;
    assert_eq!(stolen.status, 403);
    // Another one has come meanwhile.
    let login = json!({ "email": "bea@example.com", "password": PASSWORD });
    let session = world.post("", "/v1/sessions", login).await.ok(201);
    let body = json!({ "name": "beta three" });
    world.post(session["token"].as_str().unwrap(), "/v1/accounts/beta/tokens", body).await.ok(201);
    let refused = browser.post(REVOKE, &but(&sent, &[("reason", Some(HOSTILE))])).await;
    assert_eq!(refused.status, 422);
    let told = words(&refused);
    assert!(told.contains("Other tokens match by now") && told.contains("Revoke 3 tokens?"), "{told}");
    assert!(refused.text.contains(HARMLESS) && !refused.text.contains("<script>alert"));
    // The filter that is confirmed is the filter that was looked at.
    let other = "{\"account\":\"acme\"}";
    let swapped = browser.post(REVOKE, &but(&fields(&refused, REVOKE), &[("filter", Some(other))])).await;
    assert_eq!(swapped.status, 422);
    let done = browser.post(REVOKE, &but(&fields(&refused, REVOKE), &[])).await;
    assert_eq!(done.head("location"), Some("/console/acme/inventory?account=beta&done=inventory"));
    let page = words(&browser.get("/console/acme/inventory?account=beta&done=inventory").await);
    assert!(page.contains("They are revoked") && page.contains("revoked 3"), "{page}");
    world.get(&world.admin, "/v1/tokens/self").await.ok(200);
    let told = words(&browser.get("/console/acme/journal?of=server&action=tokens").await);
    assert!(
        told.contains("Ada revoked 3 tokens at once") || told.contains("revoked 3 tokens at once"),
        "{told}"
    );
    let again = words(&browser.get(&format!("{REVOKE}?account=beta")).await);
    assert!(again.contains("Nothing that still works matches this filter."), "{again}");
}

// Accounts

#[tokio::test]
async fn an_operator_adds_an_account_with_its_first_member_and_closes_and_reopens_it() {
    const NEW: &str = "/console/acme/accounts/new";
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let form = browser.get(NEW).await;
    assert!(form.text.contains("<option selected>default</option>"), "{}", form.text);
    for (id, name, beside) in [("No Slug", HOSTILE, "id"), ("acme", HOSTILE, "id"), ("beta", "", "name")] {
        let refused = browser.post(NEW, &[("id", id), ("name", name), ("preset", "gcore")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains(&format!("id=\"wrong-{beside}\"")), "{id}: {}", refused.text);
        assert!(refused.text.contains("<option selected>gcore</option>"));
        assert!(!refused.text.contains("<script>alert"));
    }
    let sent = [("id", "beta"), ("name", HOSTILE), ("preset", "gcore"), ("external_id", "customer 7")];
    let stolen = browser.post_with(NEW, &[("sec-fetch-site", "cross-site")], &sent).await;
    assert_eq!(stolen.status, 403);
    let made = browser.post(NEW, &sent).await;
    assert_eq!(
        made.head("location"),
        Some("/console/acme/accounts/beta?done=account-created"),
        "{}",
        made.text
    );
    let one = browser.get("/console/acme/accounts/beta").await;
    let told = words(&one);
    assert!(
        told.contains("customer 7") && told.contains("Its first member") && told.contains("gcore"),
        "{told}"
    );
    assert!(one.text.contains(HARMLESS) && !one.text.contains("<script>alert"));
    assert!(browser.get("/console/acme/accounts").await.text.contains(HARMLESS));

    const MEMBERS: &str = "/console/acme/accounts/beta/members";
    let person = [("name", "Bea"), ("email", "bea@example.com"), ("role", "Administrators")];
    let short = browser.post(MEMBERS, &[&person[..], &[("password", "short")]].concat()).await;
    assert!(short.status == 422 && short.text.contains("id=\"wrong-password\""), "{}", short.text);
    assert!(short.text.contains("value=\"bea@example.com\"") && !short.text.contains("\"short\""));
    let added = browser.post(MEMBERS, &[&person[..], &[("password", PASSWORD)]].concat()).await;
    assert_eq!(added.head("location"), Some("/console/acme/accounts/beta?done=account-member"));
    let told = words(&browser.get("/console/acme/accounts/beta").await);
    assert!(!told.contains("Its first member"), "{told}");

    let mut theirs = Browser::new(&world);
    theirs.sign_in_as("bea@example.com").await;
    let nonce = theirs.get("/console/beta/tokens/new").await.hidden("form");
    let fields = [
        ("form", nonce.as_str()),
        ("name", "one"),
        ("permission", "role"),
        ("role", "Users"),
        ("expires", "never"),
    ];
    let token = theirs.post("/console/beta/tokens/new", &fields).await.secret();
    world.get(&token, "/v1/tokens/self").await.ok(200);
    let close = browser.get("/console/acme/accounts/beta/close").await;
    let told = words(&close);
    assert!(told.contains("1 token stops at once") && told.contains("Close the account"), "{told}");
    assert!(close.text.contains("data-dialog-content"));
    let closed = browser.post("/console/acme/accounts/beta/close", &[]).await;
    assert_eq!(closed.head("location"), Some("/console/acme/accounts/beta?done=account-closed"));
    world.get(&token, "/v1/tokens/self").await.refused(401, "unauthenticated");
    assert_eq!(theirs.get("/console/beta/tokens").await.status, 303);
    let one = words(&browser.get("/console/acme/accounts/beta?done=account-closed").await);
    assert!(one.contains("The account is closed.") && one.contains("Reopen"), "{one}");
    let opened = browser.post("/console/acme/accounts/beta/open", &[]).await;
    assert_eq!(opened.head("location"), Some("/console/acme/accounts/beta?done=account-opened"));
    world.get(&token, "/v1/tokens/self").await.ok(200);

    // One's own would leave one outside.
    let own = browser.post("/console/acme/accounts/acme/close", &[]).await;
    assert!(own.status == 422 && own.text.contains("You are at work in this account"), "{}", own.text);
    assert_eq!(browser.get("/console/acme/accounts/nobody").await.status, 404);
}

// Cluster

#[tokio::test]
async fn operators_see_how_the_server_is() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let told = words(&browser.get("/console/acme/cluster").await);
    for said in ["It takes changes", "SQLite, by this process alone", "jeton 0.1.0", "Tokens in memory"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    browser.language = "de";
    for section in ["cluster", "accounts", "inventory", "notices", "accounts/new", "policy/edit"] {
        let page = browser.get(&format!("/console/acme/{section}")).await;
        assert!(page.status == 200 && page.text.contains("lang=\"de\""), "{section}");
    }
}
