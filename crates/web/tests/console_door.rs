//! How the console is entered and made somebody's own: handed over from the product, invited, under the
//! operator's path and name.

#[path = "console/browser.rs"]
mod browser;
mod common;

use axum::http::Method;
use browser::Browser;
use common::{Reply, World};
use serde_json::{Value, json};
use web::console::{Locale, Look};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3600 * SECOND;
/// Text that would do harm, or look like something else, where it is not escaped.
const HOSTILE: &str = "<script>alert(1)</script>\"'&";

fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap_or_else(|| panic!("no {field} in {of}")).to_owned()
}

/// The path of a link on this server.
fn below(link: &Value) -> String {
    let url = text(link, "url");
    url.strip_prefix("http://localhost").unwrap_or_else(|| panic!("{url}")).to_owned()
}

/// `acme` with Vic, whom the product knows as `u-7`, and a service that may act for members.
struct Stage {
    world: World,
    vic: String,
    key: String,
    service: String,
}

impl Stage {
    async fn set() -> Stage {
        Stage::of(World::of("default").await, json!({ "name": "backend", "scopes": ["act_as"] })).await
    }

    async fn of(world: World, service: Value) -> Stage {
        let vic = json!({ "name": "Vic", "role": "Member", "external_id": "u-7" });
        let vic = world.post(&world.admin, "/v1/accounts/acme/members", vic).await.ok(201);
        let made = world.post(&world.admin, "/v1/services", service).await.ok(201);
        Stage { vic: text(&vic, "id"), key: text(&made, "secret"), service: text(&made, "id"), world }
    }

    async fn ask(&self, headers: &[(&str, &str)], body: Value) -> Reply {
        self.world.ask_with(&self.key, headers, Method::POST, "/v1/sessions/handoff", Some(body)).await
    }

    async fn link(&self, actor: &str, body: Value) -> Reply {
        self.ask(&[("jeton-actor", actor)], body).await
    }

    async fn handed(&self) -> String {
        below(&self.link("u-7", json!({ "account": "acme" })).await.ok(201))
    }

    /// What the journal said last, and of whom.
    async fn last_entry(&self) -> (String, String) {
        let store = self.world.desk.store();
        let end = store.health().position;
        let entry = store.journal(end - 1, 1).await.unwrap().remove(0);
        (entry.action, entry.actor)
    }
}

#[tokio::test]
async fn a_member_whom_the_product_hands_over_is_let_in_once_and_the_journal_names_both() {
    let stage = Stage::set().await;
    for (actor, path, leads) in [
        ("u-7", None, "/console/acme/tokens"),
        (stage.vic.as_str(), Some("/tokens/new"), "/console/acme/tokens/new"),
    ] {
        let link = stage.link(actor, json!({ "account": "acme", "path": path })).await;
        assert_eq!(link.head("location"), Some(format!("/v1/accounts/acme/members/{}", stage.vic).as_str()));
        let link = link.ok(201);
        assert_eq!(link["expires_at"], "2030-01-01T00:01:00.000000Z");
        let path = below(&link);
        assert!(path.starts_with("/console/_handoff/"), "{path}");

        let mut browser = Browser::new(&stage.world);
        let reply = browser.follow(&path).await;
        assert_eq!((reply.status.as_u16(), reply.head("location")), (303, Some(leads)));
        let cookie = reply.head("set-cookie").unwrap();
        assert!(cookie.starts_with("jeton.acme=jtn_ses_") && cookie.contains("HttpOnly"), "{cookie}");
        assert_eq!(reply.head("cache-control"), Some("no-store"));
        let expected = ("session.started".to_owned(), format!("{} via {}", stage.vic, stage.service));
        assert_eq!(stage.last_entry().await, expected);
        let page = browser.get(leads).await;
        assert!(page.status == 200 && page.text.contains("<bdi>Vic</bdi>"), "{}", page.text);

        // Replayed, by anybody.
        let mut other = Browser::new(&stage.world);
        let again = other.follow(&path).await;
        assert_eq!((again.status.as_u16(), again.head("set-cookie")), (404, None));
        assert!(again.text.contains("This link opens nothing any more"), "{}", again.text);
    }
}

#[tokio::test]
async fn nobody_is_led_out_of_their_own_session_into_somebody_elses_without_being_asked() {
    let stage = Stage::set().await;
    let mut ada = Browser::new(&stage.world);
    ada.sign_in().await;
    let path = stage.handed().await;
    let asked = ada.follow(&path).await;
    assert_eq!((asked.status.as_u16(), asked.head("set-cookie")), (200, None), "{}", asked.text);
    assert!(asked.text.contains("You are signed in as Ada."), "{}", asked.text);
    assert!(ada.get("/console/acme/tokens").await.text.contains("<bdi>Ada</bdi>"));
    // Another site cannot press the button for her, and she can.
    let pressed = ada.post_with(&path, &[("sec-fetch-site", "cross-site")], &[]).await;
    assert_eq!((pressed.status.as_u16(), pressed.head("set-cookie")), (403, None));
    assert_eq!(ada.post(&path, &[]).await.head("location"), Some("/console/acme/tokens"));
    assert!(ada.get("/console/acme/tokens").await.text.contains("<bdi>Vic</bdi>"));
    // Whoever comes again as themselves is not asked.
    let again = stage.handed().await;
    assert_eq!(ada.follow(&again).await.status, 303);
}

#[tokio::test]
async fn whatever_only_looks_at_a_link_leaves_it_as_it_is() {
    let stage = Stage::set().await;
    let path = stage.handed().await;
    let secret = path.rsplit('/').next().unwrap();
    let head = stage.world.desk.store().health().position;
    let looks: [&[(&str, &str)]; 6] = [
        &[],
        &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "empty"), ("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-purpose", "prefetch;prerender"),
        ],
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("purpose", "prefetch")],
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "image")],
        &[("user-agent", "LinkScanner/1.0")],
    ];
    let mut browser = Browser::new(&stage.world);
    for headers in looks {
        let page = browser.get_with(&path, headers).await;
        assert_eq!((page.status.as_u16(), page.head("set-cookie")), (200, None), "{headers:?}");
        assert!(page.text.contains("<form method=\"post\">") && !page.text.contains(secret), "{}", page.text);
        assert!(!page.text.contains("Vic") && !page.text.contains("acme"), "{}", page.text);
        assert_eq!(page.head("referrer-policy"), Some("no-referrer"));
    }
    let navigates = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let looked = stage.world.ask_with("", &navigates, Method::HEAD, &path, None).await;
    assert_eq!((looked.status.as_u16(), looked.head("set-cookie")), (200, None));

    // Nor does another site press the button.
    let elsewhere = browser.post_with(&path, &[("sec-fetch-site", "cross-site")], &[]).await;
    assert_eq!(elsewhere.status, 403);
    assert_eq!(stage.world.desk.store().health().position, head, "nothing has happened");

    let reply = browser.post(&path, &[]).await;
    assert_eq!((reply.status.as_u16(), reply.head("location")), (303, Some("/console/acme/tokens")));
}

#[tokio::test]
async fn a_link_that_has_run_out_or_whose_member_or_service_stopped_lets_nobody_in_and_says_what_to_do() {
    let stage = Stage::set().await;
    let world = &stage.world;
    let mut browser = Browser::new(world);
    let path = stage.handed().await;
    world.clock.pass(60 * SECOND);
    let page = browser.follow(&path).await;
    assert_eq!((page.status.as_u16(), page.head("set-cookie")), (404, None));
    assert!(page.text.contains("Go back to the product"), "{}", page.text);
    assert_eq!(browser.follow("/console/_handoff/00112233").await.status, 404);

    let path = stage.handed().await;
    let member = format!("/v1/accounts/acme/members/{}", stage.vic);
    world.post(&world.admin, &format!("{member}/deactivate"), json!({})).await.ok(200);
    let page = browser.follow(&path).await;
    assert_eq!((page.status.as_u16(), page.head("set-cookie")), (403, None));
    assert!(page.text.contains("Your membership was deactivated"), "{}", page.text);
    browser.language = "de";
    assert!(browser.follow(&path).await.text.contains("Ihre Mitgliedschaft wurde deaktiviert"));
    world.post(&world.admin, &format!("{member}/reactivate"), json!({})).await.ok(200);
    assert_eq!(browser.follow(&path).await.status, 303, "who came back in time is let in");

    let path = stage.handed().await;
    let service = format!("/v1/services/{}", stage.service);
    world.ask(&world.admin, Method::DELETE, &service, None).await.ok(200);
    assert_eq!(browser.follow(&path).await.status, 404, "a key that was revoked vouches for nobody");
}

#[tokio::test]
async fn a_service_hands_over_whom_it_may_act_for_and_never_somebody_who_runs_the_server() {
    let stage = Stage::set().await;
    let world = &stage.world;
    let acme = || json!({ "account": "acme" });
    stage.ask(&[], acme()).await.refused(400, "bad_request");
    stage.link("u-8", acme()).await.refused(403, "forbidden");
    stage.link("u-7", json!({ "account": "globex" })).await.refused(404, "not_found");
    stage.link("u-7", json!({ "account": "Not an id" })).await.refused(422, "invalid_field");
    for place in ["", "tokens", "//evil.example", "/../globex/tokens", "/%2e%2E/x", "https://evil.example"] {
        stage.link("u-7", json!({ "account": "acme", "path": place })).await.refused(422, "invalid_field");
    }
    // Ada runs the server: whoever has the key would be her.
    let me = world.get(&world.admin, "/v1/tokens/self").await.ok(200);
    let refused = stage.link(&text(&me["holder"], "id"), acme()).await.refused(403, "forbidden");
    assert!(text(&refused, "detail").contains("runs the server"), "{refused}");

    let session = world.session().await;
    let path = "/v1/sessions/handoff";
    world
        .ask_with(&session, &[("jeton-actor", "u-7")], Method::POST, path, Some(acme()))
        .await
        .refused(403, "forbidden");
    for service in [
        json!({ "name": "other", "scopes": ["verify", "provision"] }),
        json!({ "name": "other", "scopes": ["act_as"], "accounts": ["globex"] }),
    ] {
        world.post(&world.admin, "/v1/accounts", json!({ "id": "globex", "name": "Globex" })).await;
        let key = text(&world.post(&world.admin, "/v1/services", service).await.ok(201), "secret");
        let reply = world.ask_with(&key, &[("jeton-actor", "u-7")], Method::POST, path, Some(acme())).await;
        assert!(matches!(reply.status.as_u16(), 403 | 404), "{}", reply.text);
    }
}

#[tokio::test]
async fn over_a_line_that_others_listen_to_nobody_is_handed_over_and_it_says_why() {
    let stage = Stage::set().await;
    let path = stage.handed().await;
    let mut browser = Browser::new(&stage.world);
    let navigates = ("sec-fetch-mode", "navigate");
    let elsewhere: [&[(&str, &str)]; 2] = [
        &[("host", "jeton.lan"), navigates, ("sec-fetch-dest", "document")],
        &[
            ("host", "127.0.0.1:7070"),
            ("x-forwarded-proto", "http"),
            navigates,
            ("sec-fetch-dest", "document"),
        ],
    ];
    for headers in elsewhere {
        let page = browser.get_with(&path, headers).await;
        assert_eq!((page.status.as_u16(), page.head("set-cookie")), (403, None), "{headers:?}");
        assert!(page.text.contains("server.public_url"), "{}", page.text);
        let refused =
            stage.ask(&[&[("jeton-actor", "u-7")], headers].concat(), json!({ "account": "acme" })).await;
        let refused = refused.refused(409, "wrong_state");
        assert!(text(&refused, "detail").contains("server.public_url"), "{refused}");
    }
    assert_eq!(browser.follow(&path).await.status, 303, "it was not used");

    // Round the proxy of a server that has an https address, too.
    let look = Look { public_url: Some("https://tokens.example.com".into()), ..Look::default() };
    let world = World::of_as("default", look).await;
    let mut browser = Browser::new(&world);
    let page = browser.get_with("/console/sign-in", &[("host", "192.0.2.7:7070")]).await;
    assert!(page.text.contains("server.public_url") && !page.text.contains("<form"), "{}", page.text);
    for headers in [
        &[("host", "tokens.example.com")][..],
        &[("host", "jeton:7070"), ("sec-fetch-site", "none")],
        &[("host", "jeton:7070"), ("x-forwarded-proto", "https")],
    ] {
        let page = browser.get_with("/console/sign-in", headers).await;
        assert!(page.text.contains("<form"), "{headers:?}");
    }
}

#[tokio::test]
async fn the_console_has_the_operators_path_name_and_way_back_and_is_framed_by_whom_they_say() {
    let look = Look {
        public_url: Some("https://app.example.com".into()),
        base: "/account/api".into(),
        name: HOSTILE.into(),
        return_url: Some("https://app.example.com/settings".into()),
        locale: Some(Locale::German),
        framed_by: vec!["https://app.example.com".into(), "https://www.example.com".into()],
        accent: "#b00020".parse().unwrap(),
        logo: None,
    };
    let world = World::of_as("default", look).await;
    let stage = Stage::of(world, json!({ "name": "backend", "scopes": ["act_as"] })).await;
    let link = stage.link("u-7", json!({ "account": "acme" })).await.ok(201);
    let url = text(&link, "url");
    let path = url.strip_prefix("https://app.example.com").unwrap();
    assert!(path.starts_with("/account/api/_handoff/"), "{url}");

    // A proxy may pass the path on as it is, or put ours in its place.
    let mut browser = Browser::new(&stage.world);
    let reply = browser.follow(path).await;
    assert_eq!((reply.status.as_u16(), reply.head("location")), (303, Some("/account/api/acme/tokens")));
    let cookie = reply.head("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-jeton.acme="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"), "{cookie}");
    for path in ["/account/api/acme/tokens", "/console/acme/tokens"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.head("content-security-policy").unwrap();
        assert!(
            policy.ends_with("frame-ancestors https://app.example.com https://www.example.com"),
            "{policy}"
        );
        assert!(page.text.contains("<html lang=\"de\">") && page.text.contains("Zurück zum Produkt"));
        assert!(page.text.contains("href=\"https://app.example.com/settings\""), "{}", page.text);
        assert!(!page.text.contains("<script>alert") && page.text.contains("&#60;script&#62;"));
        assert!(!page.text.contains("\"/console/"), "every link is under the operator's path: {}", page.text);
        let style = page.text.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(style.starts_with("/account/api/assets/"), "{style}");
        assert_eq!(browser.get(style).await.status, 200);
    }
    // Whoever is not signed in is led there under it, and back.
    let page = Browser::new(&stage.world).get("/account/api/acme/tokens?q=x").await;
    assert_eq!(page.head("location"), Some("/account/api/sign-in?next=/acme/tokens%3Fq%3Dx"));
    assert_eq!(browser.get("/account/apis").await.status, 404);
}

#[tokio::test]
async fn an_invitation_makes_a_login_when_it_is_accepted_and_not_before() {
    let world = World::of("default").await;
    let mut ada = Browser::new(&world);
    ada.sign_in().await;
    let form = ada.get("/console/acme/members/invite").await;
    assert_eq!(form.status, 200, "{}", form.text);
    let nonce = form.hidden("form");
    let fields = [("form", &*nonce), ("name", HOSTILE), ("email", "eve@example"), ("role", "Member")];
    let wrong = fields.map(|(name, value)| (name, if name == "email" { "eve" } else { value }));
    let refused = ada.post("/console/acme/members/invite", &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("id=\"wrong-email\"") && refused.text.contains("value=\"eve\""));
    let elsewhere = [("sec-fetch-site", "cross-site")];
    assert_eq!(ada.post_with("/console/acme/members/invite", &elsewhere, &fields).await.status, 403);

    let made = ada.post("/console/acme/members/invite", &fields).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert!(!made.text.contains("<script>alert") && made.head("cache-control") == Some("no-store"));
    let link = made.secret();
    let path = link.strip_prefix("http://localhost").unwrap().to_owned();
    let again = ada.post("/console/acme/members/invite", &fields).await;
    assert!(
        again.status == 200 && !again.text.contains(&link),
        "the same form makes no second: {}",
        again.text
    );
    let members = world.get(&world.admin, "/v1/accounts/acme/members").await.ok(200);
    let invited: Vec<&Value> =
        members["items"].as_array().unwrap().iter().filter(|one| one["email"] == "eve@example").collect();
    assert_eq!(invited.len(), 1);

    // Nobody has the login yet, and who only looks takes nothing.
    assert!(world.desk.store().person_by_email("eve@example").await.unwrap().is_none());
    let mut eve = Browser::new(&world);
    for _ in 0..2 {
        let page = eve.follow(&path).await;
        assert_eq!((page.status.as_u16(), page.head("set-cookie")), (200, None), "{}", page.text);
        assert!(page.text.contains("Join Acme") && page.text.contains("eve@example"), "{}", page.text);
    }
    let short = eve.post(&path, &[("password", "short")]).await;
    assert_eq!(short.status, 422);
    assert!(short.text.contains("12") && !short.text.contains("value=\"short\""), "{}", short.text);
    let password = [("password", common::PASSWORD)];
    assert_eq!(eve.post_with(&path, &elsewhere, &password).await.status, 403);
    let joined = eve.post(&path, &password).await;
    assert_eq!(joined.head("location"), Some("/console/acme/tokens?done=joined"), "{}", joined.text);
    let page = eve.get("/console/acme/tokens?done=joined").await;
    assert!(page.status == 200 && page.text.contains("You are a member of this account now."));

    // Once.
    let page = Browser::new(&world).follow(&path).await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("This invitation opens nothing"), "{}", page.text);
    let mut other = Browser::new(&world);
    assert_eq!(other.post(&path, &password).await.status, 404);
    let login = [("email", "eve@example"), ("password", common::PASSWORD)];
    assert_eq!(other.post("/console/sign-in", &login).await.status, 303, "and from then on they sign in");
    let twice = [
        ("form", &*ada.get("/console/acme/members/invite").await.hidden("form")),
        fields[1],
        fields[2],
        fields[3],
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let twice: Vec<(&str, &str)> =
        twice.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let refused = ada.post("/console/acme/members/invite", &twice).await;
    assert!(refused.status == 422 && refused.text.contains("is a member already"), "{}", refused.text);
}

#[tokio::test]
async fn an_invitation_is_taken_back_with_its_member_replaced_by_another_and_runs_out() {
    let world = World::of("default").await;
    let invite = async |email: &str| {
        let body = json!({ "name": "Eve", "role": "Viewer", "email": email });
        let made = world.post(&world.admin, "/v1/accounts/acme/members", body).await.ok(201);
        format!("/v1/accounts/acme/members/{}", text(&made, "id"))
    };
    let link = async |member: &str| {
        let link = world.post(&world.admin, &format!("{member}/invite"), json!({})).await.ok(201);
        assert!(text(&link, "expires_at").starts_with("2030-01-08"), "{link}");
        below(&link)
    };
    let mut browser = Browser::new(&world);
    let member = invite("eve@example.com").await;
    let (first, second) = (link(&member).await, link(&member).await);
    assert_eq!(browser.follow(&first).await.status, 404, "one link at a time");
    assert_eq!(browser.follow(&second).await.status, 200);
    world.ask(&world.admin, Method::DELETE, &member, None).await.ok(200);
    assert_eq!(browser.follow(&second).await.status, 404);
    assert_eq!(browser.post(&second, &[("password", common::PASSWORD)]).await.status, 404);

    let member = invite("mia@example.com").await;
    let path = link(&member).await;
    world.clock.pass(7 * DAY - SECOND);
    assert_eq!(browser.follow(&path).await.status, 200);
    world.post(&world.admin, &format!("{member}/deactivate"), json!({})).await.ok(200);
    assert_eq!(browser.follow(&path).await.status, 404, "nobody comes in as somebody who is deactivated");
    world.post(&world.admin, &format!("{member}/invite"), json!({})).await.refused(409, "wrong_state");
    world.post(&world.admin, &format!("{member}/reactivate"), json!({})).await.ok(200);
    assert_eq!(browser.follow(&path).await.status, 200);
    world.clock.pass(SECOND);
    assert_eq!(browser.follow(&path).await.status, 404);
    assert!(world.desk.store().person_by_email("mia@example.com").await.unwrap().is_none());
    // Whoever can sign in needs no link, and without an address there is nothing to sign in with.
    let me = world.get(&world.admin, "/v1/tokens/self").await.ok(200);
    let ada = format!("/v1/accounts/acme/members/{}/invite", text(&me["holder"], "id"));
    world.post(&world.admin, &ada, json!({})).await.refused(409, "wrong_state");
    let vic = json!({ "name": "Vic", "role": "Viewer", "external_id": "u-7" });
    let vic = text(&world.post(&world.admin, "/v1/accounts/acme/members", vic).await.ok(201), "id");
    let vic = format!("/v1/accounts/acme/members/{vic}/invite");
    world.post(&world.admin, &vic, json!({})).await.refused(422, "invalid_field");
}

#[tokio::test]
async fn whoever_signs_in_elsewhere_already_accepts_signed_in_and_sees_the_way_to_the_other_account() {
    let world = World::of("default").await;
    world.post(&world.admin, "/v1/accounts", json!({ "id": "globex", "name": "Globex" })).await.ok(201);
    let member =
        json!({ "name": "Eve", "role": "Owner", "email": "eve@example.com", "password": common::PASSWORD });
    world.post(&world.admin, "/v1/accounts/acme/members", member).await.ok(201);
    // An operator invites her into another account, which they are not in.
    let body = json!({ "name": "Eve", "role": "Owner", "email": "eve@example.com" });
    let made = world.post(&world.admin, "/v1/accounts/globex/members", body).await.ok(201);
    let invite = format!("/v1/accounts/globex/members/{}/invite", text(&made, "id"));
    let path = below(&world.post(&world.admin, &invite, json!({})).await.ok(201));

    // Whoever has the link chooses no password for her, and is not her.
    let mut stranger = Browser::new(&world);
    let page = stranger.follow(&path).await;
    assert!(page.text.contains("Somebody signs in with eve@example.com here already."), "{}", page.text);
    assert!(!page.text.contains("<form"), "{}", page.text);
    let tried = stranger.post(&path, &[("password", common::PASSWORD)]).await;
    assert_eq!((tried.status.as_u16(), tried.head("set-cookie")), (200, None));
    stranger.sign_in().await;
    let tried = stranger.post(&path, &[]).await;
    assert_eq!((tried.status.as_u16(), tried.head("set-cookie")), (200, None), "Ada is not Eve");

    let mut eve = Browser::new(&world);
    let page = eve.follow(&path).await;
    let onward = page.text.split("/sign-in?next=").nth(1).unwrap().split('"').next().unwrap();
    let next = onward.replace("%2F", "/");
    let login = [("email", "eve@example.com"), ("password", common::PASSWORD), ("next", &*next)];
    let back = eve.post("/console/sign-in", &login).await;
    assert_eq!(back.head("location"), Some(path.as_str()), "back to the invitation");
    let page = eve.follow(&path).await;
    assert!(page.text.contains("You are signed in as Eve") && page.text.contains("<form"), "{}", page.text);
    let joined = eve.post(&path, &[]).await;
    assert_eq!(joined.head("location"), Some("/console/globex/tokens?done=joined"), "{}", joined.text);
    for (here, there) in [("globex", "acme"), ("acme", "globex")] {
        let page = eve.get(&format!("/console/{here}/tokens")).await;
        assert!(page.text.contains(&format!("href=\"/console/{there}/tokens\"")), "{}", page.text);
    }
}

#[tokio::test]
async fn nobody_comes_to_more_by_an_invitation_than_they_signed_in_to() {
    let world = World::of("default").await;
    world.post(&world.admin, "/v1/accounts", json!({ "id": "globex", "name": "Globex" })).await.ok(201);
    world.post(&world.admin, "/v1/accounts/acme/nodes", json!({ "path": "/sales" })).await.ok(201);
    let member =
        json!({ "name": "Eve", "role": "Owner", "email": "eve@example.com", "password": common::PASSWORD });
    world.post(&world.admin, "/v1/accounts/acme/members", member).await.ok(201);
    let invited = async |email: &str| {
        let body = json!({ "name": "Eve", "role": "Owner", "email": email });
        let made = world.post(&world.admin, "/v1/accounts/globex/members", body).await.ok(201);
        let invite = format!("/v1/accounts/globex/members/{}/invite", text(&made, "id"));
        below(&world.post(&world.admin, &invite, json!({})).await.ok(201))
    };

    // A login for a part of the tree.
    let path = invited("eve@example.com").await;
    let login = json!({ "email": "eve@example.com", "password": common::PASSWORD, "node": "/sales" });
    let part = text(&world.post("", "/v1/sessions", login).await.ok(201), "token");
    let mut eve = Browser::new(&world);
    eve.hold("jeton.acme", &part);
    let page = eve.follow(&path).await;
    assert!(!page.text.contains("You are signed in as Eve"), "{}", page.text);
    let tried = eve.post(&path, &[]).await;
    assert_eq!((tried.status.as_u16(), tried.head("set-cookie")), (200, None));

    // Whoever runs the server: sessions of that member may be there already.
    let path = invited(common::ADMIN).await;
    let mut ada = Browser::new(&world);
    ada.sign_in().await;
    let tried = ada.post(&path, &[]).await;
    assert_eq!(tried.head("set-cookie"), None);
    assert!(tried.text.contains("jeton admin reset --account"), "{}", tried.text);
}

#[tokio::test]
async fn neither_another_accounts_session_nor_a_token_in_the_cookie_signs_anybody_in() {
    let world = World::of("default").await;
    world.post(&world.admin, "/v1/accounts", json!({ "id": "globex", "name": "Globex" })).await.ok(201);
    let session = world.session().await;
    for (name, text) in [
        ("jeton.globex", session.as_str()),
        ("jeton.acme", world.admin.as_str()),
        ("jeton.acme", world.key.as_str()),
        ("jeton.acme", "x"),
        ("__Host-jeton.acme", session.as_str()),
    ] {
        let mut browser = Browser::new(&world);
        browser.hold(name, text);
        for account in ["acme", "globex"] {
            let page = browser.get(&format!("/console/{account}/tokens")).await;
            let expected = format!("/console/sign-in?next=/{account}/tokens");
            assert_eq!((page.status.as_u16(), page.head("location")), (303, Some(&*expected)), "{name}");
        }
    }
    let mut browser = Browser::new(&world);
    browser.hold("jeton.acme", &session);
    assert_eq!(browser.get("/console/acme/tokens").await.status, 200);
    // Nor is the cookie anything to the API.
    let cookie = format!("jeton.acme={session}");
    let reply = world.ask_with("", &[("cookie", &cookie)], Method::GET, "/v1/tokens/self", None).await;
    reply.refused(401, "unauthenticated");
}

#[tokio::test]
async fn nobody_invites_to_more_than_they_may_and_who_may_invite_nobody_has_no_form() {
    let world = World::of("default").await;
    for (name, role) in [("mo", "Admin"), ("vi", "Viewer")] {
        let email = format!("{name}@example.com");
        let body = json!({ "name": name, "role": role, "email": email, "password": common::PASSWORD });
        world.post(&world.admin, "/v1/accounts/acme/members", body).await.ok(201);
    }
    let mut viewer = Browser::new(&world);
    viewer.sign_in_as("vi@example.com").await;
    assert_eq!(viewer.get("/console/acme/members/invite").await.status, 403);
    let mut admin = Browser::new(&world);
    admin.sign_in_as("mo@example.com").await;
    let form = admin.get("/console/acme/members/invite").await;
    assert!(form.text.contains("<option value=\"Viewer\"") && !form.text.contains("<option value=\"Owner\""));
    let nonce = form.hidden("form");
    let fields = [("form", &*nonce), ("name", "Eve"), ("email", "eve@example.com"), ("role", "Owner")];
    let refused = admin.post("/console/acme/members/invite", &fields).await;
    assert!(refused.status == 422 && refused.text.contains("id=\"wrong-role\""), "{}", refused.text);

    // Nor does an Admin get into an Owner who has no login yet, nor into somebody whom the product may raise.
    let login = json!({ "email": "mo@example.com", "password": common::PASSWORD });
    let admin = text(&world.post("", "/v1/sessions", login).await.ok(201), "token");
    for body in [
        json!({ "name": "Om", "role": "Owner", "email": "om@example.com" }),
        json!({ "name": "Ux", "role": "Viewer", "email": "ux@example.com", "external_id": "u-9" }),
    ] {
        let made = world.post(&world.admin, "/v1/accounts/acme/members", body).await.ok(201);
        let path = format!("/v1/accounts/acme/members/{}/invite", text(&made, "id"));
        world.post(&admin, &path, json!({})).await.refused(403, "forbidden");
        world.post(&world.admin, &path, json!({})).await.ok(201);
    }
}
