//! The pages about rules and records, as a browser meets them: journal, policy, notices. Who sees each,
//! what each says, which forms are refused and what they change.

#[path = "console/browser.rs"]
mod browser;
mod common;
#[path = "console/page.rs"]
mod page;

use axum::http::Method;
use browser::Browser;
use common::World;
use page::{HARMLESS, HOSTILE, but, fields, is_closed_to, member, token, unescaped, words};
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
        "How with the token pat_".to_owned(),
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

// The policy

#[tokio::test]
async fn the_policy_is_said_switch_by_switch_to_those_who_may_read_it() {
    for preset in ["default", "cockpit", "qovery", "tagoio", "arm", "gcore"] {
        let world = World::of(preset).await;
        let mut browser = Browser::new(&world);
        browser.sign_in().await;
        let page = browser.get("/console/acme/policy").await;
        assert_eq!(page.status, 200, "{preset}");
        let told = words(&page);
        assert!(told.contains(&format!("It began as the preset {preset}.")), "{told}");
        for group in ["Who may create", "What a token may do", "How long it lives", "People who leave"] {
            assert!(told.contains(group), "{preset}: {group}");
        }
        assert!(page.text.contains("<code class=\"under\">expiry.max</code>"));
        assert!(page.text.len() < 60_000, "{preset}: {}", page.text.len());
        let form = browser.get("/console/acme/policy/edit").await;
        assert!(form.status == 200 && form.text.len() < 60_000, "{preset}: {}", form.text.len());
    }
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let told = words(&browser.get("/console/acme/policy").await);
    for said in
        ["Longest life expiry.max 366 days", "Who manages managers Owner, Admin", "30, 7, 1 days before"]
    {
        assert!(told.contains(said), "{said}: {told}");
    }
    browser.language = "de";
    let told = words(&browser.get("/console/acme/policy").await);
    for said in ["Längstens expiry.max 366 Tage", "Wer erstellen darf", "Diese Version merkt es sich"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    member(&world, "Vic", "Viewer").await;
    is_closed_to(&world, "viewer@example.com", "policy", &["policy", "policy/edit"]).await;
    member(&world, "Zoe", "Admin").await;
    let mut theirs = Browser::new(&world);
    theirs.sign_in_as("admin@example.com").await;
    let page = theirs.get("/console/acme/policy").await;
    assert!(page.status == 200 && !page.text.contains("policy/edit"));
    assert_eq!(theirs.get("/console/acme/policy/edit").await.status, 403);
    for path in ["policy/edit", "policy/save"] {
        assert_eq!(theirs.post(&format!("/console/acme/{path}"), &[]).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn before_a_policy_is_saved_it_is_told_which_switches_change_and_what_becomes_of_the_tokens() {
    const EDIT: &str = "/console/acme/policy/edit";
    const SAVE: &str = "/console/acme/policy/save";
    let world = World::of("default").await;
    let zoe = member(&world, "Zoe", "Member").await;
    let mut theirs = Browser::new(&world);
    theirs.sign_in_as("member@example.com").await;
    theirs.make(&[("name", "zoes")]).await;
    token(&world, json!({ "name": "one", "expires_in": "200d" })).await;
    let path = format!("/v1/accounts/acme/members/{zoe}/deactivate");
    world.post(&world.admin, &path, json!({})).await.ok(200);

    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let form = browser.get(EDIT).await;
    let as_it_is = fields(&form, EDIT);
    let same = browser.post(EDIT, &but(&as_it_is, &[])).await;
    assert!(
        same.status == 422 && same.text.contains("Nothing is set otherwise than it is."),
        "{}",
        same.text
    );

    let other = but(
        &as_it_is,
        &[
            ("expiry.max/count", Some("100")),
            ("on_inactive", Some("keep")),
            ("words/create_button", Some(HOSTILE)),
            ("edit", None),
        ],
    );
    let review = browser.post(EDIT, &other).await;
    assert_eq!(review.status, 200, "{}", review.text);
    let told = words(&review);
    for said in [
        "4 switches change",
        "Longest life expiry.max 366 days 100 days",
        "Tokens can be edited edit Yes No",
        "They stop at once They go on working",
        "1 suspended token works again.",
        "1 token goes on working and ends sooner.",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!review.text.contains("<script>alert"));
    let unchanged = world.get(&world.admin, "/v1/accounts/acme/policy").await.ok(200);
    assert_eq!(unchanged["expiry"]["max"], "366 days");

    // Back to the form, with what was chosen.
    let sent = fields(&review, SAVE);
    let again = browser.post(EDIT, &but(&sent, &[])).await;
    assert!(again.status == 200 && again.text.contains("name=\"expiry.max/count\" value=\"100\""));
    assert!(again.text.contains(HARMLESS));

    let stolen = browser.post_with(SAVE, &[("sec-fetch-site", "cross-site")], &but(&sent, &[])).await;
    assert_eq!(stolen.status, 403);
    let wrong = browser.post(SAVE, &but(&sent, &[("password", Some("wrong"))])).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("id=\"wrong-password\"") && !wrong.text.contains("value=\"wrong\""));
    // Somebody else was faster.
    world
        .ask(&world.admin, Method::PATCH, "/v1/accounts/acme", Some(json!({ "name": "Acme 2" })))
        .await
        .ok(200);
    let late = browser.post(SAVE, &but(&sent, &[])).await;
    assert!(late.status == 422 && late.text.contains("Somebody else changed this account meanwhile."));
    let done = browser.post(SAVE, &but(&fields(&late, SAVE), &[])).await;
    assert_eq!(done.head("location"), Some("/console/acme/policy?done=policy"), "{}", done.text);
    let page = browser.get("/console/acme/policy?done=policy").await;
    assert!(page.text.contains("The policy is changed."));
    let changed = world.get(&world.admin, "/v1/accounts/acme/policy").await.ok(200);
    assert_eq!((&changed["expiry"]["max"], &changed["edit"]), (&json!("100 days"), &json!(false)));
    assert_eq!(changed["words"]["create_button"], HOSTILE);
    let told = words(&browser.get("/console/acme/journal?action=policy").await);
    assert!(told.contains("expiry.max 366 days → 100 days"), "{told}");
}

#[tokio::test]
async fn switches_that_contradict_each_other_are_told_beside_them_and_nothing_typed_is_lost() {
    const EDIT: &str = "/console/acme/policy/edit";
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let as_it_is = fields(&browser.get(EDIT).await, EDIT);
    let wrong = but(
        &as_it_is,
        &[("expiry.modes/never", Some("on")), ("brand", Some(HOSTILE)), ("confirm.mode", Some("word"))],
    );
    let refused = browser.post(EDIT, &wrong).await;
    assert_eq!(refused.status, 422);
    for beside in ["expiry-modes", "brand", "confirm-word"] {
        assert!(refused.text.contains(&format!("<p class=\"wrong\" id=\"wrong-{beside}\">")), "{beside}");
    }
    assert!(refused.text.contains(HARMLESS) && !refused.text.contains("<script>alert"));
    let kept = fields(&refused, EDIT);
    assert!(
        kept.contains(&("expiry.modes/never".into(), "on".into()))
            && kept.contains(&("confirm.mode".into(), "word".into()))
    );
    let wrong = but(&as_it_is, &[("expiry.max/count", Some("many")), ("cache_ms", Some("x"))]);
    let refused = browser.post(EDIT, &wrong).await;
    assert!(refused.status == 422 && refused.text.contains("id=\"wrong-expiry-max\""));
    assert_eq!(browser.post("/console/acme/policy/save", &[("policy", "{}")]).await.status, 400);
    browser.language = "de";
    let wrong = but(&as_it_is, &[("expiry.modes/never", Some("on"))]);
    let refused = browser.post(EDIT, &wrong).await;
    assert!(refused.text.contains("Das passt nicht zusammen:"), "{}", refused.text);
}

#[tokio::test]
async fn a_preset_fills_the_form_and_leaves_the_names_of_roles_that_it_does_not_know() {
    const EDIT: &str = "/console/acme/policy/edit";
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let form = browser.get(&format!("{EDIT}?preset=gcore")).await;
    let told = words(&form);
    assert!(told.contains("These are the switches of gcore."), "{told}");
    assert!(told.contains("It names roles that this account does not have"), "{told}");
    let review = browser.post(EDIT, &but(&fields(&form, EDIT), &[])).await;
    assert_eq!(review.status, 200, "{}", review.text);
    assert!(words(&review).contains("Longest life expiry.max 366 days As long as one likes"));
    assert_eq!(browser.get(&format!("{EDIT}?preset=other")).await.status, 404);
}

// Notices

#[tokio::test]
async fn everybody_chooses_whether_notices_are_mailed_to_them_and_sees_what_ends_soon() {
    const NOTICES: &str = "/console/acme/notices";
    let world = World::of("default").await;
    token(&world, json!({ "name": HOSTILE, "expires_in": "3d" })).await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let page = browser.get(NOTICES).await;
    let told = words(&page);
    for said in [
        "These end soon",
        "in 3 days",
        "As the account decides, which is yes for now",
        "Change it in the policy",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(page.text.contains(HARMLESS) && !page.text.contains("<script>alert"));
    for (choice, expected) in [("no", false), ("yes", true), ("", true)] {
        let done = browser.post(NOTICES, &[("mail", choice)]).await;
        assert_eq!(done.head("location"), Some("/console/acme/notices?done=notices"));
        let page = browser.get("/console/acme/notices?done=notices").await;
        assert!(page.text.contains("Your choice is kept."));
        assert!(page.text.contains(&format!("value=\"{choice}\" checked")), "{choice}: {}", page.text);
        let shown = world.get(&world.admin, "/v1/accounts/acme/notices").await.ok(200);
        assert_eq!(shown["mail"], expected, "{choice}");
    }
    let stolen = browser.post_with(NOTICES, &[("sec-fetch-site", "cross-site")], &[("mail", "no")]).await;
    assert_eq!(stolen.status, 403);

    member(&world, "Vic", "Viewer").await;
    let mut theirs = Browser::new(&world);
    theirs.sign_in_as("viewer@example.com").await;
    let page = theirs.get(NOTICES).await;
    assert!(page.status == 200 && !page.text.contains(HARMLESS) && !page.text.contains("policy/edit"));

    let closed = World::of("cockpit").await;
    member(&closed, "Gus", "ACCOUNT_USER").await;
    is_closed_to(&closed, "account_user@example.com", "notices", &["notices"]).await;
}
