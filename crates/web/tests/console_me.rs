//! One's own page: where one is signed in, another password, and one-time codes.

#[path = "console/browser.rs"]
mod browser;
mod common;

use axum::http::Method;
use browser::Browser;
use common::{ADMIN, PASSWORD, Reply, World};
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

const NEW: &str = "eight green bottles";
const ME: &str = "/console/acme/me";
const CODES: &str = "/console/acme/me/one-time-codes";
const OFF: &str = "/console/acme/me/one-time-codes/off";
const MINUTE: i64 = 60_000_000;

/// The text between, as a browser shows it.
#[track_caller]
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}")).1;
    rest.split_once(end).unwrap().0
}

#[track_caller]
fn leads_to(reply: &Reply, path: &str) {
    assert_eq!((reply.status.as_u16(), reply.head("location")), (303, Some(path)), "{}", reply.text);
}

/// The app that shows the codes of the page that offered the secret.
struct App(Totp);

impl App {
    fn of(page: &Reply) -> App {
        let shown = between(&page.text, "<code id=\"totp-secret\"", "</code>");
        let secret: String = shown.split_once('>').unwrap().1.split(' ').collect();
        App(Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap())
    }

    /// One that was not shown before.
    fn next(&self, world: &World) -> String {
        world.clock.pass(MINUTE / 2);
        let seconds = world.desk.now().as_micros() / 1_000_000;
        self.0.generate(seconds as u64).to_string()
    }
}

/// Takes codes into use on the pages; the app, and the recovery codes.
async fn enrol(world: &World, browser: &mut Browser<'_>) -> (App, Vec<String>) {
    let page = browser.get(CODES).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let app = App::of(&page);
    let ticket = page.hidden("ticket");
    let code = app.next(world);
    let fields = [("ticket", ticket.as_str()), ("code", &code), ("password", PASSWORD)];
    let done = browser.post(CODES, &fields).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let codes = between(&done.text, "<pre id=\"recovery\"", "</pre>").split_once('>').unwrap().1;
    (app, codes.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn one_sees_where_one_is_signed_in_and_ends_what_one_does_not_know() {
    let world = World::of("default").await;
    let agent = |agent: &'static str| [("sec-fetch-site", "same-origin"), ("user-agent", agent)];
    let firefox = agent("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0");
    let login = [("email", ADMIN), ("password", PASSWORD)];
    let (mut here, mut there) = (Browser::new(&world), Browser::new(&world));
    there.post_with("/console/sign-in", &agent("<b>bold</b>/1 (Windows)"), &login).await;
    here.post_with("/console/sign-in", &firefox, &login).await;
    let page = here.get(ME).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for said in
        ["Firefox on Linux", "this one", "ada@example.com", "Owner", "You run this server.", "a moment ago"]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(page.text.contains("&#60;b&#62;bold&#60;") && !page.text.contains("<b>bold"), "{}", page.text);
    assert_eq!(page.text.matches(">this one<").count(), 1);
    let list = here.get("/console/acme/tokens").await;
    assert!(list.text.contains("href=\"/console/acme/me\""), "one's name leads there");

    let other = page.text.split("/me/sessions/").skip(1).map(|rest| rest.split('/').next().unwrap());
    let other = other.last().unwrap();
    let end = format!("{ME}/sessions/{other}/end");
    let cross = here.post_with(&end, &[("sec-fetch-site", "cross-site")], &[]).await;
    assert_eq!(cross.status, 403);
    assert_eq!(there.get(ME).await.status, 200);
    leads_to(&here.post(&end, &[]).await, "/console/acme/me?done=session-ended");
    leads_to(&there.get(ME).await, "/console/sign-in?next=/acme/me");
    assert_eq!(here.post(&end, &[]).await.status, 404, "it ended");
    assert!(here.get("/console/acme/me?done=session-ended").await.text.contains("The session has ended."));

    // One's own ends by the same button, as signing out does.
    let page = here.get(ME).await;
    let own = between(&page.text, "/me/sessions/", "/end").to_owned();
    let out = here.post(&format!("{ME}/sessions/{own}/end"), &[]).await;
    leads_to(&out, "/console/sign-in");
    assert!(out.head("set-cookie").unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn one_sees_from_where_one_is_signed_in() {
    let world = World::of("default").await;
    let (mut here, mut there) = (Browser::new(&world), Browser::new(&world));
    here.from = Some("203.0.113.7:40000".parse().unwrap());
    here.sign_in().await;
    // A proxy on the machine says for whom it asks; one elsewhere is not believed, nor taken for them.
    let proxied = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", "192.0.2.1, 198.51.100.20")];
    there.from = Some("127.0.0.1:40000".parse().unwrap());
    there.sign_in().await;
    there.get_with(ME, &proxied).await;
    here.get(ME).await;
    let page = here.get(ME).await;
    assert_eq!(
        page.text.matches("<span class=\"under mono\">203.0.113.7</span>").count(),
        1,
        "{}",
        page.text
    );
    assert_eq!(page.text.matches("<span class=\"under mono\">198.51.100.20</span>").count(), 1);
    there.from = Some("192.0.2.99:40000".parse().unwrap());
    there.get_with(ME, &proxied).await;
    let page = here.get(ME).await;
    assert!(!page.text.contains("192.0.2."), "{}", page.text);
}

#[tokio::test]
async fn nobody_ends_a_session_of_somebody_else() {
    let world = World::of("default").await;
    let member = json!({ "name": "Eve", "email": "eve@example.com", "role": "Owner", "password": PASSWORD });
    world.post(&world.admin, "/v1/accounts/acme/members", member).await.ok(201);
    let (mut ada, mut eve) = (Browser::new(&world), Browser::new(&world));
    ada.sign_in().await;
    eve.sign_in_as("eve@example.com").await;
    let page = ada.get(ME).await;
    let id = between(&page.text, "/me/sessions/", "/end");
    assert!(!eve.get(ME).await.text.contains(id));
    assert_eq!(eve.post(&format!("{ME}/sessions/{id}/end"), &[]).await.status, 404);
    assert_eq!(ada.get(ME).await.status, 200);
}

#[tokio::test]
async fn another_password_ends_all_that_was_made_under_the_old_one_unless_one_says_otherwise() {
    let world = World::of("default").await;
    let (mut here, mut thief) = (Browser::new(&world), Browser::new(&world));
    here.sign_in().await;
    thief.sign_in().await;
    let token = thief.make(&[("name", "stolen")]).await.secret;
    let path = format!("{ME}/password");
    let form = here.get(&path).await;
    assert!(form.text.contains("name=\"everything\" checked"), "{}", form.text);
    let all = [("password", PASSWORD), ("new_password", NEW), ("everything", "on")];
    let cross = here.post_with(&path, &[("sec-fetch-site", "cross-site")], &all).await;
    assert_eq!(cross.status, 403);
    for (fields, wrong) in [
        (&[("password", ""), ("new_password", NEW), ("everything", "on")], "wrong-password"),
        (&[("password", "not mine"), ("new_password", NEW), ("everything", "on")], "wrong-password"),
        (&[("password", PASSWORD), ("new_password", "short one"), ("everything", "on")], "wrong-new"),
    ] {
        let refused = here.post(&path, fields).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains(&format!("id=\"{wrong}\"")), "{wrong}: {}", refused.text);
        assert!(refused.text.contains("name=\"everything\" checked"));
        for typed in ["not mine", "short one", NEW, PASSWORD] {
            assert!(!refused.text.contains(typed), "{typed}");
        }
    }
    let kept = here.post(&path, &[("password", "not mine"), ("new_password", NEW)]).await;
    assert!(!kept.text.contains("name=\"everything\" checked"), "as it was left");

    let done = here.post(&path, &all).await;
    leads_to(&done, "/console/acme/me?done=password-everything");
    assert!(done.head("set-cookie").unwrap().starts_with("jeton.acme=jtn_ses_"));
    let page = here.get("/console/acme/me?done=password-everything").await;
    assert!(page.text.contains("All your tokens are revoked"), "{}", page.text);
    assert_eq!(page.text.matches("/me/sessions/").count(), 1);
    leads_to(&thief.get(ME).await, "/console/sign-in?next=/acme/me");
    world.get(&token, "/v1/tokens/self").await.refused(401, "unauthenticated");
    world.get(&world.admin, "/v1/tokens/self").await.refused(401, "unauthenticated");
    let old = thief.post("/console/sign-in", &[("email", ADMIN), ("password", PASSWORD)]).await;
    assert_eq!(old.status, 422);
    let new = thief.post("/console/sign-in", &[("email", ADMIN), ("password", NEW)]).await;
    assert_eq!(new.status, 303);
}

#[tokio::test]
async fn by_the_api_the_password_is_changed_by_whoever_signed_in_and_by_nothing_else() {
    let world = World::of("default").await;
    let session = world.session().await;
    let path = "/v1/members/self/password";
    let body = json!({ "password": PASSWORD, "new_password": NEW, "end_everything": true });
    world.post(&world.admin, path, body.clone()).await.refused(403, "forbidden");
    world.post("", path, body.clone()).await.refused(401, "unauthenticated");
    let wrong = json!({ "password": "not mine", "new_password": NEW });
    let told = world.post(&session, path, wrong).await.refused(403, "reauthentication_required");
    assert_eq!(told["errors"][0]["field"], "password");
    let short = json!({ "password": PASSWORD, "new_password": "short" });
    let told = world.post(&session, path, short).await.refused(422, "invalid_field");
    assert_eq!(told["errors"][0]["field"], "new_password");
    let next = world.post(&session, path, body).await.ok(200);
    for dead in [&session, &world.admin] {
        world.get(dead, "/v1/tokens/self").await.refused(401, "unauthenticated");
    }
    world.get(next["token"].as_str().unwrap(), "/v1/sessions").await.ok(200);
}

#[tokio::test]
async fn one_time_codes_are_taken_into_use_asked_for_after_the_password_and_switched_off_again() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;

    let page = browser.get(CODES).await;
    let app = App::of(&page);
    assert!(page.text.contains("<svg class=\"qr\" viewBox=\"-4 -4 ") && !page.text.contains("style="));
    let ticket = page.hidden("ticket");
    let code = app.next(&world);
    for (fields, wrong) in [
        ([("ticket", ticket.as_str()), ("code", "000000"), ("password", PASSWORD)], "wrong-first"),
        ([("ticket", &ticket), ("code", &code), ("password", "not mine")], "wrong-password"),
    ] {
        let refused = browser.post(CODES, &fields).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains(&format!("id=\"{wrong}\"")), "{wrong}: {}", refused.text);
        assert_eq!(refused.hidden("ticket"), ticket, "the secret may be in the app already");
    }
    let strangers = [("ticket", "00"), ("code", &code), ("password", PASSWORD)];
    let anew = browser.post(CODES, &strangers).await;
    assert_eq!(anew.status, 422);
    assert!(anew.text.contains("That took too long") && anew.hidden("ticket") != ticket);

    let fields = [("ticket", ticket.as_str()), ("code", &code), ("password", PASSWORD)];
    let done = browser.post(CODES, &fields).await;
    assert_eq!((done.status.as_u16(), done.head("cache-control")), (200, Some("no-store")), "{}", done.text);
    let codes = between(&done.text, "<pre id=\"recovery\"", "</pre>").split_once('>').unwrap().1.to_owned();
    let codes: Vec<&str> = codes.lines().collect();
    assert!(codes.len() == 10 && codes.iter().all(|code| code.len() == 19), "{codes:?}");
    let me = browser.get("/console/acme/me?done=codes-on").await;
    assert!(
        me.text.contains("10 recovery codes are left.") && me.text.contains("From now on"),
        "{}",
        me.text
    );
    assert!(!me.text.contains(codes[0]));
    assert_eq!(browser.get(CODES).await.status, 409, "they are in use");

    let mut other = Browser::new(&world);
    let login = [("email", ADMIN), ("password", PASSWORD), ("next", "/acme/me")];
    let step = other.post("/console/sign-in", &login).await;
    assert_eq!(step.status, 200, "{}", step.text);
    assert!(step.text.contains("autocomplete=\"one-time-code\"") && step.head("set-cookie").is_none());
    assert!(!step.text.contains(PASSWORD));
    let ticket = step.hidden("ticket");
    assert_eq!(step.hidden("next"), "/acme/me");
    let with = |code: &'static str| [("ticket", ""), ("next", "/acme/me"), ("one_time_code", code)];
    let mut wrong = with("123456");
    wrong[0].1 = &ticket;
    let refused = other.post("/console/sign-in", &wrong).await;
    assert_eq!((refused.status.as_u16(), refused.hidden("ticket")), (422, ticket.clone()));
    assert!(refused.text.contains("The code is not right") && !refused.text.contains("123456"));
    let code = app.next(&world);
    let right = [("ticket", ticket.as_str()), ("next", "/acme/me"), ("one_time_code", &code)];
    leads_to(&other.post("/console/sign-in", &right).await, "/console/acme/me");
    assert_eq!(other.get(ME).await.status, 200);
    let late = other.post("/console/sign-in", &right).await;
    assert!(late.status == 422 && late.text.contains("That took too long"), "{}", late.text);

    // Off again: the page asks for both, however young the session is.
    let off = other.get(OFF).await;
    assert!(off.text.contains("name=\"password\"") && off.text.contains("name=\"one_time_code\""));
    let refused = other.post(OFF, &[("password", PASSWORD)]).await;
    assert!(refused.status == 422 && refused.text.contains("id=\"wrong-code\""), "{}", refused.text);
    let spoken = codes[7].to_uppercase();
    let done = other.post(OFF, &[("password", PASSWORD), ("one_time_code", &spoken)]).await;
    leads_to(&done, "/console/acme/me?done=codes-off");
    let mut plain = Browser::new(&world);
    plain.sign_in().await;
    assert_eq!(plain.get(OFF).await.status, 409);
}

#[tokio::test]
async fn by_the_api_whoever_uses_codes_signs_in_with_one() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let (app, recovery) = enrol(&world, &mut browser).await;
    let login = async |password: &str, code: Option<&str>| {
        let mut body = json!({ "email": ADMIN, "password": password });
        if let Some(code) = code {
            body["one_time_code"] = json!(code);
        }
        world.post("", "/v1/sessions", body).await
    };
    let asked = login(PASSWORD, None).await.refused(422, "invalid_field");
    assert_eq!(asked["errors"][0]["field"], "one_time_code");
    let (wrong_password, wrong_code) = (login("wrong", None).await, login(PASSWORD, Some("000000")).await);
    assert_eq!((wrong_password.status.as_u16(), wrong_code.status.as_u16()), (401, 401));
    assert_eq!(wrong_password.text, wrong_code.text);
    let code = app.next(&world);
    let session = login(PASSWORD, Some(&code)).await.ok(201)["token"].as_str().unwrap().to_owned();
    login(PASSWORD, Some(&code)).await.refused(401, "unauthenticated");
    login(PASSWORD, Some(&recovery[0])).await.ok(201);

    // A create asks again after five minutes, for both.
    world.clock.pass(6 * MINUTE);
    let create = async |more: serde_json::Value| {
        let mut body = json!({ "name": "ci" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.post(&session, "/v1/accounts/acme/tokens", body).await
    };
    create(json!({})).await.refused(403, "reauthentication_required");
    let asked = create(json!({ "password": PASSWORD })).await.refused(403, "reauthentication_required");
    assert_eq!(asked["errors"][0]["field"], "one_time_code");
    create(json!({ "password": PASSWORD, "one_time_code": app.next(&world) })).await.ok(201);
    let mut policy = world.get(&session, "/v1/accounts/acme/policy").await.ok(200);
    policy["password"] = json!(PASSWORD);
    policy["one_time_code"] = json!(app.next(&world));
    world.ask(&session, Method::PUT, "/v1/accounts/acme/policy", Some(policy)).await.ok(200);
}

#[tokio::test]
async fn whoever_was_wrong_too_often_is_told_how_long_to_wait_whether_they_exist_or_not() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    for email in [common::ADMIN, "nobody@example.com"] {
        let guess = [("email", email), ("password", "wrong")];
        for _ in 0..6 {
            assert_eq!(browser.post("/console/sign-in", &guess).await.status, 422);
        }
        let page = browser.post("/console/sign-in", &guess).await;
        assert_eq!(page.status, 429);
        assert!(page.text.contains("Too many wrong guesses. Try again in a second."), "{}", page.text);
        let body = json!({ "email": email, "password": PASSWORD });
        let slowed = world.post("", "/v1/sessions", body).await;
        assert_eq!((slowed.head("retry-after"), slowed.status.as_u16()), (Some("1"), 429));
        slowed.refused(429, "rate_limited");
    }
    browser.language = "de";
    world.clock.pass(2_000_000);
    let guess = [("email", common::ADMIN), ("password", "wrong")];
    browser.post("/console/sign-in", &guess).await;
    let page = browser.post("/console/sign-in", &guess).await;
    assert!(page.text.contains("Versuchen Sie es in 2 Sekunden noch einmal."), "{}", page.text);
}

#[tokio::test]
async fn a_page_asks_who_one_is_when_the_session_is_older_than_five_minutes_and_not_before() {
    let world = World::of("tagoio").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let (app, _) = enrol(&world, &mut browser).await;
    let new = "/console/acme/tokens/new";
    world.clock.pass(MINUTE);
    assert!(!browser.get(new).await.text.contains("name=\"password\""), "it is young");
    world.clock.pass(5 * MINUTE);
    let form = browser.get(new).await;
    assert!(form.text.contains("name=\"password\"") && form.text.contains("name=\"one_time_code\""));
    let nonce = form.hidden("form");
    let mut fields =
        vec![("form", nonce.as_str()), ("name", "one"), ("permission", "access"), ("access", "read")];
    fields.push(("expires", "never"));
    let with = |more: &[(&'static str, &'static str)]| [&fields[..], more].concat();
    for (more, wrong) in [
        (&[][..], "wrong-password"),
        (&[("password", "not mine")], "wrong-password"),
        (&[("password", PASSWORD)], "wrong-code"),
        (&[("password", PASSWORD), ("one_time_code", "000000")], "wrong-code"),
    ] {
        let refused = browser.post(new, &with(more)).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains(&format!("id=\"{wrong}\"")), "{more:?}: {}", refused.text);
        assert!(refused.text.contains("value=\"one\"") && !refused.text.contains("not mine"));
    }
    let code = app.next(&world);
    let all = [&fields[..], &[("password", PASSWORD), ("one_time_code", &code)]].concat();
    let made = browser.post(new, &all).await;
    assert_eq!(made.status, 200, "{}", made.text);
}

#[tokio::test]
async fn a_kept_secret_is_shown_again_to_whoever_shows_who_they_are() {
    let world = World::of("tagoio").await;
    let mut policy = world.get(&world.session().await, "/v1/accounts/acme/policy").await.ok(200);
    policy["reveal_reauth"] = json!(true);
    let session = world.session().await;
    world.ask(&session, Method::PUT, "/v1/accounts/acme/policy", Some(policy)).await.ok(200);
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    let fields = [("name", "one"), ("permission", "access"), ("access", "read"), ("expires", "never")];
    let made = browser.make(&fields).await;
    let reveal = format!("/console/acme/tokens/{}/reveal", made.id);
    assert!(browser.post(&reveal, &[]).await.text.contains(&made.secret));
    world.clock.pass(6 * MINUTE);
    assert!(browser.get(&reveal).await.text.contains("name=\"password\""));
    for fields in [&[][..], &[("password", "not mine")]] {
        let refused = browser.post(&reveal, fields).await;
        assert!(refused.status == 422 && refused.text.contains("id=\"wrong-password\""), "{}", refused.text);
        assert!(!refused.text.contains(&made.secret));
    }
    assert!(browser.post(&reveal, &[("password", PASSWORD)]).await.text.contains(&made.secret));
}

#[tokio::test]
async fn ones_own_page_is_said_in_german_too() {
    let world = World::of("default").await;
    let mut browser = Browser::new(&world);
    browser.sign_in().await;
    browser.language = "de";
    let page = browser.get(ME).await;
    for said in ["Wo Sie angemeldet sind", "Passwort ändern", "Einmalcodes benutzen", "diese hier"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    let refused =
        browser.post(&format!("{ME}/password"), &[("password", PASSWORD), ("new_password", "kurz")]).await;
    assert!(
        refused.text.contains("Dieser Wert ist nicht zu gebrauchen.") || refused.text.contains("12 bis 256")
    );
}
