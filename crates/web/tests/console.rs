//! The console's pages as a browser meets them, without one: cookies, forms, what pages say under each
//! preset, and what they never say.

#[path = "console/browser.rs"]
mod browser;
mod common;

use browser::Browser;
use common::World;
use serde_json::json;

/// Text that would do harm, or look like something else, where it is not escaped.
const HOSTILE: &str = "<script>alert(1)</script>\"'&";

#[tokio::test]
async fn signing_in_sets_a_cookie_for_this_account_that_no_script_reads_and_signing_out_ends_it() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    let refused = browser.post("/console/sign-in", &[("email", common::ADMIN), ("password", "wrong")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("value=\"ada@example.com\"") && !refused.text.contains("value=\"wrong\""));

    let reply = browser.sign_in().await;
    let cookie = reply.head("set-cookie").unwrap();
    assert!(
        cookie.starts_with("jeton.acme=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let page = browser.get("/console/acme/tokens").await;
    assert_eq!(page.status, 200);

    let out = browser.post("/console/acme/sign-out", &[]).await;
    assert_eq!(out.status, 303);
    assert!(out.head("set-cookie").unwrap().contains("Max-Age=0"));
    let page = browser.get("/console/acme/tokens").await;
    assert_eq!(
        (page.status.as_u16(), page.head("location")),
        (303, Some("/console/sign-in?next=/acme/tokens"))
    );
}

#[tokio::test]
async fn a_form_that_another_site_sent_is_refused_and_changes_nothing() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let form = browser.get("/console/acme/tokens/new").await;
    let nonce = form.hidden("form");
    let fields = [("form", nonce.as_str()), ("name", "stolen")];
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example"), ("host", "localhost")],
        &[],
    ] {
        let reply = browser.post_with("/console/acme/tokens/new", headers, &fields).await;
        assert_eq!(reply.status, 403, "{headers:?}");
    }
    assert!(!browser.get("/console/acme/tokens").await.text.contains("stolen"));
}

#[tokio::test]
async fn every_page_may_load_its_own_files_only_and_is_kept_by_nobody() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let id = browser.make(&[("name", "one")]).await.id;
    for path in ["tokens", "tokens/new", &format!("tokens/{id}"), &format!("tokens/{id}/delete")] {
        let page = browser.get(&format!("/console/acme/{path}")).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.head("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        assert_eq!(page.head("cache-control"), Some("no-store"));
        assert_eq!(page.head("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.head("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(page.head("x-content-type-options"), Some("nosniff"));
        for inline in [" style=\"", " onclick=", "<style", "<script>"] {
            assert!(!page.text.contains(inline), "{path}: {inline}");
        }
        assert!(page.text.len() < 40_000, "{path}: {}", page.text.len());
    }
}

#[tokio::test]
async fn whoever_is_lost_below_the_console_is_told_so_on_a_page() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    for (path, status, said) in [
        ("/console/nothing", 404, "There is no such page"),
        ("/console/acme/nothing/at/all", 404, "There is no such page"),
        // Whoever goes back to where a form was sent.
        ("/console/acme/sign-out", 405, "A form is sent to this address"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert_eq!(page.head("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert!(page.head("content-security-policy").is_some(), "{path}");
        assert!(page.text.contains(said) && page.text.contains("To the console"), "{path}: {}", page.text);
        assert!(!page.text.contains("<nav"), "{path}: nobody is signed in");
    }
    let elsewhere = browser.get("/v1/nothing").await;
    assert_eq!(elsewhere.head("content-type"), Some("application/problem+json"));
    let beside = browser.get("/consoles").await;
    assert_eq!(beside.head("content-type"), Some("application/problem+json"));
    browser.language = "de";
    let page = browser.get("/console/nothing").await;
    assert!(page.text.contains("Das gibt es nicht"), "{}", page.text);
}

#[tokio::test]
async fn a_secret_stands_on_one_page_once_and_its_form_makes_no_second_token() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let form = browser.get("/console/acme/tokens/new").await;
    let nonce = form.hidden("form");
    let fields = [
        ("form", nonce.as_str()),
        ("name", "nightly backup"),
        ("permission", "access"),
        ("access", "read"),
        ("entity.files", "on"),
        ("expires", "period"),
        ("count", "30"),
        ("unit", "days"),
    ];
    let made = browser.post("/console/acme/tokens/new", &fields).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let secret = made.secret();
    assert!(secret.starts_with("jtn_pat_"));
    assert!(
        made.text.contains(&format!("curl -H &#34;Authorization: Bearer {secret}&#34;")),
        "{}",
        made.text
    );
    assert!(made.text.contains("You cannot see it again."));
    let id = secret.rsplit_once('_').unwrap().0.replacen("jtn_", "", 1);
    assert!(made.text.contains(&format!("data-once=\"/console/acme/tokens/{id}\"")), "{}", made.text);
    assert_eq!(made.head("cache-control"), Some("no-store"));
    world.get(&secret, "/v1/tokens/self").await.ok(200);

    // Reloaded, or come back to and sent again with another name.
    for name in ["nightly backup", "another"] {
        let again = [("form", nonce.as_str()), ("name", name)];
        let again = browser.post("/console/acme/tokens/new", &again).await;
        assert_eq!(again.status, 200);
        assert!(again.text.contains("This form made a token already"), "{}", again.text);
        assert!(
            again.text.contains(&format!("/console/acme/tokens/{id}\"")) && !again.text.contains(&secret)
        );
    }
    let list = browser.get("/console/acme/tokens?done=created").await;
    assert_eq!(list.text.matches("nightly backup</bdi>").count(), 1);
    assert!(list.text.contains("The token is there.") && list.text.contains("Read only: files"));
    for path in ["tokens".to_owned(), format!("tokens/{id}"), format!("tokens/{id}/edit")] {
        let page = browser.get(&format!("/console/acme/{path}")).await;
        assert!(page.status == 200 && !page.text.contains(&secret), "{path}");
    }
}

#[tokio::test]
async fn a_refused_form_says_what_is_wrong_beside_the_field_and_keeps_what_was_typed() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let nonce = browser.get("/console/acme/tokens/new").await.hidden("form");
    let typed = [
        ("form", nonce.as_str()),
        ("name", "of the data team"),
        ("description", HOSTILE),
        ("permission", "list"),
        ("list.files:read", "on"),
        ("expires", "date"),
        ("date", "2031-06-01"),
        ("metadata", "{\"team\": \"data\"}"),
        ("password", "seven green bottles"),
    ];
    let refused = browser.post("/console/acme/tokens/new", &typed).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("id=\"wrong-expires\""), "beyond a year: {}", refused.text);
    let mend = |name, text| match name {
        "date" => (name, "2030-06-01"),
        "name" => (name, ""),
        _ => (name, text),
    };
    let typed = typed.map(|(name, text)| mend(name, text));
    let refused = browser.post("/console/acme/tokens/new", &typed).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("id=\"wrong-name\"") && refused.text.contains("aria-invalid=\"true\""));
    for kept in [
        "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;",
        "value=\"2030-06-01\"",
        "name=\"list.files:read\" aria-label=\"files:read\" checked",
        "value=\"list\" checked",
        "{&#34;team&#34;: &#34;data&#34;}</textarea>",
    ] {
        assert!(refused.text.contains(kept), "{kept}: {}", refused.text);
    }
    assert!(!refused.text.contains("seven green bottles") && !refused.text.contains("<script>alert"));
    // The same form, mended, makes the token.
    let mended = typed.map(|(name, text)| (name, if name == "name" { "mended" } else { text }));
    let made = browser.post("/console/acme/tokens/new", &mended).await;
    assert_eq!(made.status, 200);
    let shown = world.get(&made.secret(), "/v1/tokens/self").await.ok(200);
    assert_eq!(shown["permission"], json!({ "list": ["files:read"] }));
    assert_eq!(shown["metadata"], json!({ "team": "data" }));
    assert_eq!(shown["expires_at"], "2030-06-01T23:59:59.000000Z");
}

#[tokio::test]
async fn a_token_goes_through_its_life_on_pages_alone() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let made = browser.make(&[("name", HOSTILE)]).await;
    let one = format!("/console/acme/tokens/{}", made.id);
    for path in [one.clone(), format!("{one}/revoke"), "/console/acme/tokens".to_owned()] {
        let page = browser.get(&path).await;
        assert!(page.text.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "{path}");
        assert!(!page.text.contains("<script>alert"), "{path}");
    }

    let edit = browser.get(&format!("{one}/edit")).await;
    let version = edit.hidden("version");
    let fields = [("version", version.as_str()), ("name", "plain"), ("description", "for the night")];
    let edited = browser.post(&format!("{one}/edit"), &fields).await;
    assert_eq!(edited.head("location"), Some(format!("{one}?done=edited").as_str()), "{}", edited.text);
    let late = browser.post(&format!("{one}/edit"), &fields).await;
    assert_eq!(late.status, 422, "the row has moved on");

    let revoke = browser.get(&format!("{one}/revoke")).await;
    assert!(revoke.text.contains("Nobody used it in the last 30 days."), "{}", revoke.text);
    assert!(revoke.text.contains("Revoke this token"));
    let done = browser.post(&format!("{one}/revoke"), &[("reason", "it was lost")]).await;
    assert_eq!(done.head("location"), Some(format!("{one}?done=revoked").as_str()));
    world.get(&made.secret, "/v1/tokens/self").await.refused(401, "unauthenticated");
    let page = browser.get(&format!("{one}?done=revoked")).await;
    for said in
        ["The token is revoked.", ">Undo</a>", "It was revoked on 1 Jan 2030", "it was lost", "Revoked by"]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert_eq!(browser.post(&format!("{one}/approve"), &[]).await.status, 303);
    world.get(&made.secret, "/v1/tokens/self").await.ok(200);

    let rotate = browser.get(&format!("{one}/rotate")).await;
    let nonce = rotate.hidden("form");
    let fields = [("form", nonce.as_str()), ("count", "1"), ("unit", "hours")];
    let rotated = browser.post(&format!("{one}/rotate"), &fields).await;
    let new = rotated.secret();
    assert_ne!(new, made.secret);
    let again = browser.post(&format!("{one}/rotate"), &fields).await;
    assert!(again.text.contains("made a token already") && !again.text.contains(&new), "{}", again.text);
    assert!(browser.get(&one).await.text.contains("It was replaced, and stays good until"));

    let id = new.rsplit_once('_').unwrap().0.replacen("jtn_", "", 1);
    let one = format!("/console/acme/tokens/{id}");
    let delete = browser.get(&format!("{one}/delete")).await;
    assert!(delete.text.contains("Delete plain?") && delete.text.contains("Type the token&#39;s name"));
    let wrong = browser.post(&format!("{one}/delete"), &[("confirm", "plan")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("value=\"plan\"") && wrong.text.contains("id=\"wrong-confirm\""));
    let deleted = browser.post(&format!("{one}/delete"), &[("confirm", "plain")]).await;
    assert_eq!(deleted.head("location"), Some("/console/acme/tokens?done=deleted"));
    world.get(&new, "/v1/tokens/self").await.refused(401, "unauthenticated");
    let listed = browser.get("/console/acme/tokens?status=deleted&role=&q=&issued_by=").await;
    assert!(listed.text.contains(&id), "{}", listed.text);
    let closed = browser.get(&format!("{one}/revoke")).await;
    assert_eq!(closed.status, 409);
}

#[tokio::test]
async fn under_each_preset_the_pages_speak_as_its_document_does() {
    for (preset, list, form, once) in [
        (
            "cockpit",
            &["Settings &#62; Account Tokens", "Generate token"][..],
            &["A total of 10 Account Tokens can be active simultaneously.", ">Generate</button>"][..],
            &["Make sure to copy your Account Token", "curl -H"][..],
        ),
        (
            "qovery",
            &["Token API", "third-party applications or script", ">Add</a>"],
            &[
                "Create a new token",
                "Every Token API generated has the Admin permission rights.",
                "Description",
            ],
            &["Make sure you safely store the token returned by the UI."],
        ),
        (
            "tagoio",
            &["Account Tokens", "the secret keys used between Tago and external applications"],
            &[
                "only provide this token to trusted applications",
                "Create and update all entities from your account.",
                "Never expires",
                "Permission",
            ],
            &["jtn_pat_"],
        ),
        (
            "arm",
            &["API Tokens", "Create API Token"],
            &[
                "Token Name",
                "A maximum of 10 tokens are permitted for each user license.",
                "It expires on 1 Jan 2031, after 365 days.",
            ],
            &["Write down your newly generated token as you will need it soon."],
        ),
        (
            "gcore",
            &[
                "API tokens",
                "Create API token",
                "When logging in via SAML SSO",
                "Not used yet",
                "Issued by",
                "Role",
                "Status",
            ],
            &[
                "Token name",
                "There is currently a limit of 50 API tokens per account",
                "Never expire",
                "Set expiration date",
                ">Administrators</option>",
            ],
            &[
                "API token",
                "The generated token is not stored in the system.",
                "OK, I&#39;ve copied token",
                "Authorization: APIKey jtn_pat_",
            ],
        ),
    ] {
        let world = World::of(preset).await;
        let mut browser = Browser::new(&world);
        browser.sign_in().await;
        let page = browser.get("/console/acme/tokens/new").await;
        for said in form {
            assert!(page.text.contains(said), "{preset}: {said}: {}", page.text);
        }
        let fields: &[(&str, &str)] = match preset {
            "gcore" => &[("name", "one"), ("permission", "role"), ("role", "Users"), ("expires", "never")],
            "tagoio" => {
                &[("name", "one"), ("permission", "access"), ("access", "write"), ("expires", "never")]
            }
            _ => &[("name", "one")],
        };
        let made = browser.make(fields).await;
        for said in once {
            assert!(made.page.contains(said), "{preset}: {said}: {}", made.page);
        }
        let page = browser.get("/console/acme/tokens").await;
        for said in list {
            assert!(page.text.contains(said), "{preset}: {said}: {}", page.text);
        }
        let one = format!("/console/acme/tokens/{}", made.id);
        assert_eq!(browser.get(&one).await.status, 200, "{preset}");
        let (word, gone): (&[(&str, &str)], &str) = match preset {
            "cockpit" => (&[("confirm", "one")], "delete"),
            "qovery" => (&[("confirm", "delete")], "delete"),
            "arm" => (&[], "revoke"),
            _ => (&[], "delete"),
        };
        let ask = browser.get(&format!("{one}/{gone}")).await;
        assert_eq!(ask.status, 200, "{preset}");
        if preset == "cockpit" {
            assert!(ask.text.contains("I understand the consequences, revoke this token"));
        }
        assert_eq!(browser.post(&format!("{one}/{gone}"), word).await.status, 303, "{preset}");
        let list = browser.get("/console/acme/tokens").await;
        assert_eq!(list.text.contains(&made.id), preset == "arm", "{preset}");
    }
}

#[tokio::test]
async fn a_kept_secret_is_copied_from_its_row_and_stands_on_no_list() {
    let world = World::of("tagoio").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let made = browser
        .make(&[("name", "kept"), ("permission", "access"), ("access", "full"), ("expires", "never")])
        .await;
    let list = browser.get("/console/acme/tokens").await;
    assert!(list.text.contains(&format!("/tokens/{}/reveal\" data-reveal", made.id)), "{}", list.text);
    assert!(!list.text.contains(&made.secret));
    let shown = browser.post(&format!("/console/acme/tokens/{}/reveal", made.id), &[]).await;
    assert_eq!(shown.secret(), made.secret);
    assert_eq!(shown.head("cache-control"), Some("no-store"));
    assert!(!shown.text.contains("data-once"));
}

#[tokio::test]
async fn where_nothing_is_visible_those_who_do_not_manage_have_no_entry_and_no_page() {
    let world = World::of("arm").await;
    let member = json!({ "name": "Gus", "email": "gus@example.com", "role": "General User", "password": common::PASSWORD });
    world.post(&world.admin, "/v1/accounts/acme/members", member).await.ok(201);
    let mut browser = Browser::new(&world);
    browser.sign_in_as("gus@example.com").await;
    for path in ["tokens", "tokens/new"] {
        let page = browser.get(&format!("/console/acme/{path}")).await;
        assert_eq!(page.status, 403, "{path}: {}", page.text);
        assert!(!page.text.contains("href=\"/console/acme/tokens\""));
    }
    let stranger = browser.get("/console/acme/tokens/pat_0123456789ab").await;
    assert_eq!(stranger.status, 404);
}

#[tokio::test]
async fn managers_filter_by_who_issued_a_token() {
    let world = World::of("gcore").await;
    let member = json!({ "name": "Zoe Ender", "email": "zoe@example.com", "role": "Engineers", "password": common::PASSWORD });
    let zoe = world.post(&world.admin, "/v1/accounts/acme/members", member).await.ok(201);
    let zoe = zoe["id"].as_str().unwrap();
    let mut theirs = Browser::new(&world);
    theirs.sign_in_as("zoe@example.com").await;
    let fields = [("name", "zoes"), ("permission", "role"), ("role", "Users"), ("expires", "never")];
    theirs.make(&fields).await;
    let form = theirs.get("/console/acme/tokens/new").await;
    assert!(form.text.contains(">Engineers</option>") && !form.text.contains(">Administrators</option>"));
    assert!(!theirs.get("/console/acme/tokens").await.text.contains("id=\"issued_by\""));

    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    browser.make(&[("name", "adas"), ("permission", "role"), ("role", "Users"), ("expires", "never")]).await;
    let all = browser.get("/console/acme/tokens").await;
    assert!(all.text.contains("adas</bdi>") && all.text.contains("zoes</bdi>"));
    assert!(all.text.contains("Zoe Ender</option>"), "{}", all.text);
    let some = browser.get(&format!("/console/acme/tokens?issued_by={zoe}")).await;
    assert!(!some.text.contains("adas</bdi>") && some.text.contains("zoes</bdi>"));
}

#[tokio::test]
async fn whoever_has_left_is_struck_through() {
    let world = World::of("default").await;
    let member = json!({ "name": "Zoe Ender", "email": "zoe@example.com", "role": "Member", "password": common::PASSWORD });
    let zoe = world.post(&world.admin, "/v1/accounts/acme/members", member).await.ok(201);
    let mut theirs = Browser::new(&world);
    theirs.sign_in_as("zoe@example.com").await;
    theirs.make(&[("name", "zoes")]).await;
    let path = format!("/v1/accounts/acme/members/{}", zoe["id"].as_str().unwrap());
    world.ask(&world.admin, axum::http::Method::DELETE, &path, None).await.ok(200);
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let page = browser.get("/console/acme/tokens?status=deleted").await;
    assert!(page.text.contains("<del><bdi>Zoe Ender</bdi></del>"), "{}", page.text);
}

#[tokio::test]
async fn everything_is_said_in_german_to_whoever_reads_german() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    browser.language = "de";
    let form = browser.get("/console/acme/tokens/new").await;
    for said in
        ["lang=\"de\"", "Ein Token erstellen", "Sie können 20 Tokens haben.", "Höchstens 366 Tage.", "Rechte"]
    {
        assert!(form.text.contains(said), "{said}: {}", form.text);
    }
    let nonce = form.hidden("form");
    let refused = browser.post("/console/acme/tokens/new", &[("form", &nonce), ("name", "")]).await;
    assert!(refused.text.contains("Geben Sie einen Namen mit 1 bis 100 Zeichen an"), "{}", refused.text);
    let made = browser.make(&[("name", "nachts")]).await;
    assert!(made.page.contains("Sie sehen es nicht wieder."));
    let page = browser.get(&format!("/console/acme/tokens/{}", made.id)).await;
    assert!(page.text.contains("Benutzung in den letzten 90 Tagen") && page.text.contains("Erstellt von"));
}
