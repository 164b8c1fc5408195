//! The page behind the set-up link.

mod common;

use axum::body::Body;
use axum::http::Request;
use common::{Reply, World};

const FORM: &str = "account=acme&account_name=Acme+%26+Sons&admin=Ada&email=ada%40example.com\
                    &password=seven+green+bottles&preset=default";

async fn send(world: &World, path: &str, headers: &[(&str, &str)], form: &str) -> Reply {
    let mut request = Request::post(path)
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

async fn link(world: &World) -> String {
    format!("/setup/{}", world.desk.setup_link().await.unwrap().unwrap())
}

#[tokio::test]
async fn the_link_opens_a_form_without_scripts_and_nothing_else_does() {
    let world = World::empty().await;
    let path = link(&world).await;
    let page = world.get("", &path).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.head("cache-control"), Some("no-store"));
    assert_eq!(page.head("referrer-policy"), Some("no-referrer"));
    assert!(page.head("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert!(page.text.contains("<form method=\"post\" ") && !page.text.contains("<script>"));
    for preset in ["default", "arm", "cockpit", "gcore", "qovery", "tagoio"] {
        assert!(page.text.contains(&format!("id=\"preset-{preset}\"")), "{preset}");
    }
    assert!(!page.text.contains(path.rsplit('/').next().unwrap()), "the page does not repeat the secret");
    for dead in ["/setup/x", "/setup/0123", &format!("{path}0")] {
        let page = world.get("", dead).await;
        assert_eq!(page.status, 404);
        assert!(page.text.contains("jeton setup-link"), "{}", page.text);
    }
}

#[tokio::test]
async fn the_form_begins_the_installation_once_and_shows_the_secrets_once() {
    let world = World::empty().await;
    let path = link(&world).await;
    let page = send(&world, &path, &[("sec-fetch-site", "same-origin"), ("origin", "null")], FORM).await;
    assert_eq!(page.status, 201, "{}", page.text);
    assert_eq!(page.head("cache-control"), Some("no-store"));
    let shown = |kind: &str| {
        let from = page.text.find(kind).unwrap_or_else(|| panic!("no {kind} in {}", page.text));
        page.text[from..].split('<').next().unwrap().to_owned()
    };
    let (token, key) = (shown("jtn_pat_"), shown("jtn_svc_"));
    let cookie = page.head("set-cookie").unwrap();
    assert!(cookie.starts_with("jeton.acme=jtn_ses_") && cookie.ends_with("SameSite=Lax"), "{cookie}");
    assert!(page.text.contains("href=\"/console/acme/tokens\""), "on to the console, signed in");
    let list = Request::get("/console/acme/tokens").header("cookie", cookie.split(';').next().unwrap());
    assert_eq!(world.send(list.body(Body::empty()).unwrap()).await.status, 200);
    let ask = serde_json::json!({ "token": token });
    assert_eq!(world.post(&key, "/v1/verify", ask).await.ok(200)["valid"], true);
    let account = world.get(&token, "/v1/accounts/acme").await.ok(200);
    assert_eq!(account["name"], "Acme & Sons");
    assert_eq!(send(&world, &path, &[], FORM).await.status, 404, "used up");
    assert_eq!(world.get("", &path).await.status, 404);
    assert_eq!(world.desk.setup_link().await.unwrap(), None);
}

#[tokio::test]
async fn a_form_that_cannot_be_used_comes_back_with_the_reason_and_without_the_password() {
    let world = World::empty().await;
    let path = link(&world).await;
    for (wrong, form) in [
        ("12 to 256", FORM.replace("seven+green+bottles", "short")),
        ("a-z, 0-9 and -.</p>", FORM.replace("account=acme", "account=Acme%22%3E%3Cscript%3E")),
        ("address", FORM.replace("ada%40example.com", "ada")),
        ("preset", FORM.replace("preset=default", "preset=nope")),
    ] {
        let page = send(&world, &path, &[], &form).await;
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(page.text.contains(wrong), "{}", page.text);
        assert!(!page.text.contains("bottles") && !page.text.contains("<script>"));
        assert!(page.text.contains("Acme &#38; Sons"), "what was right is kept");
    }
    assert_eq!(send(&world, &path, &[], FORM).await.status, 201, "nothing was used up");
}

#[tokio::test]
async fn a_form_from_another_site_is_refused() {
    let world = World::empty().await;
    let path = link(&world).await;
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "http://localhost.evil.example")],
    ] {
        assert_eq!(send(&world, &path, headers, FORM).await.status, 403, "{headers:?}");
    }
    let own = [("origin", "http://localhost")];
    assert_eq!(send(&world, &path, &own, FORM).await.status, 201);
}

#[tokio::test]
async fn over_a_line_that_others_listen_to_nothing_is_set_up_and_it_says_why() {
    let world = World::empty().await;
    let path = link(&world).await;
    let elsewhere: [&[(&str, &str)]; 3] = [
        &[("host", "192.0.2.7:7070")],
        &[("host", "jeton.lan")],
        &[("host", "localhost:7070"), ("x-forwarded-for", "192.0.2.9")],
    ];
    for headers in elsewhere {
        let page = world.ask_with("", headers, axum::http::Method::GET, &path, None).await;
        assert_eq!(page.status, 403, "{headers:?}");
        assert!(page.text.contains("server.public_url") && !page.text.contains("<form"), "{}", page.text);
    }
    let request = Request::post(&path)
        .header("host", "jeton.lan")
        .header("content-type", "application/x-www-form-urlencoded");
    let refused = world.send(request.body(Body::from(FORM)).unwrap()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("The link was not used."), "{}", refused.text);
    assert_eq!(send(&world, &path, &[], FORM).await.status, 201);
}

#[tokio::test]
async fn while_nobody_has_begun_the_first_page_says_how() {
    let world = World::empty().await;
    for path in ["/", "/console"] {
        let page = world.get("", path).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("jeton setup-link"), "{}", page.text);
    }
}
