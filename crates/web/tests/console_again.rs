//! Showing once more who one is: whoever signed in more than five minutes ago types their password before
//! they let somebody in or decide what others may do, and loses nothing of what they filled in.

#[path = "console/browser.rs"]
mod browser;
mod common;
#[path = "console/people.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod people;

use axum::http::Method;
use browser::Browser;
use common::{ADMIN, PASSWORD, World};
use people::{ACME, HERE, HOSTILE, id, made, member, says, signed_in};
use serde_json::{Value, json};

/// Its path below the account's, what is filled in, and how it answers when it was done.
type Form<'a> = (String, Vec<(&'a str, &'a str)>, u16);

const MINUTE: i64 = 60_000_000;

/// How many there are of something.
async fn count(world: &World, things: &str) -> usize {
    let list = world.get(&world.admin, &format!("{ACME}/{things}")).await.ok(200);
    list["items"].as_array().unwrap().len()
}

/// What a page keeps for the next request, by name.
fn hidden(text: &str) -> Vec<(String, String)> {
    let fields = text.split("<input type=\"hidden\" name=\"").skip(1);
    let plain = |text: &str| {
        let signs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
        signs.into_iter().fold(text.to_owned(), |text, (escaped, sign)| text.replace(escaped, sign))
    };
    fields
        .map(|field| {
            let (name, rest) = field.split_once('"').unwrap();
            let value = rest.strip_prefix(" value=\"").unwrap().split_once('"').unwrap().0;
            (name.to_owned(), plain(value))
        })
        .collect()
}

#[tokio::test]
async fn every_form_that_lets_somebody_in_or_changes_roles_asks_for_the_password_and_then_does_it() {
    let world = World::of("default").await;
    let zoe = id(&member(&world, "Zoe", "Viewer").await).to_owned();
    let guest = json!({ "name": "Guest", "email": "guest@example.com", "role": "Viewer" });
    let guest = world.post(&world.admin, &format!("{ACME}/members"), guest).await.ok(201);
    let role = json!({ "name": "Unused", "permissions": ["devices:read"] });
    let role = world.post(&world.admin, &format!("{ACME}/roles"), role).await.ok(201);
    let role = id(&role).to_owned();
    let mut browser = signed_in(&world).await;
    let person = [("name", HOSTILE), ("role", "Viewer"), ("node", "/"), ("email", "new@example.com")];
    let invited = [("name", "Vic"), ("email", "vic@example.com"), ("role", "Viewer")];
    let zoes = browser.get(&format!("{HERE}/members/{zoe}/roles")).await.hidden("version");
    let forms: Vec<Form<'_>> = vec![
        ("members/new".into(), person.to_vec(), 303),
        ("service-accounts/new".into(), person[..3].to_vec(), 303),
        ("members/invite".into(), invited.to_vec(), 200),
        (format!("members/{}/invite", id(&guest)), vec![], 200),
        (format!("members/{zoe}/roles"), vec![("version", &zoes), ("role.0", "Member")], 303),
        ("roles/new".into(), vec![("name", "Auditor"), ("may.journal:read", "on")], 303),
        (format!("roles/{role}"), vec![("name", "Renamed"), ("may.devices:read", "on")], 303),
        (format!("roles/{role}/delete"), vec![], 303),
    ];
    world.clock.pass(6 * MINUTE);
    for (place, fields, done) in forms {
        let path = format!("{HERE}/{place}");
        let before = world.get(&world.admin, &format!("{ACME}/journal?limit=1")).await.ok(200);
        let opened = browser.get(&path).await;
        let nonce = hidden(&opened.text).into_iter().find(|(name, _)| name == "form");
        let mut fields = fields;
        if let Some((name, text)) = &nonce {
            fields.push((name, text));
        }
        let asked = browser.post(&path, &fields).await;
        assert_eq!(asked.status, 422, "{place}: {}", asked.text);
        says(&asked, &["Show that it is you", "name=\"password\" type=\"password\""]);
        assert!(!asked.text.contains("<script>alert"), "{place}");
        let kept = hidden(&asked.text);
        let mut sent: Vec<(&str, &str)> =
            kept.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        sent.push(("password", "not mine at all"));
        let wrong = browser.post(&path, &sent).await;
        assert_eq!(wrong.status, 422, "{place}: {}", wrong.text);
        says(&wrong, &["The password is not right."]);
        assert!(!wrong.text.contains("not mine at all"), "{place}");
        let after = world.get(&world.admin, &format!("{ACME}/journal?limit=1")).await.ok(200);
        assert_eq!(before, after, "{place}: nothing happens before");
        sent.pop();
        sent.push(("password", PASSWORD));
        let does = browser.post(&path, &sent).await;
        assert_eq!(does.status, done, "{place}: {}", does.text);
        let after = world.get(&world.admin, &format!("{ACME}/journal?limit=1")).await.ok(200);
        assert_ne!(before, after, "{place}");
    }
    let shown = world.get(&world.admin, &format!("{ACME}/members/{zoe}")).await.ok(200);
    assert_eq!(shown["role"], "Member");
    let members = world.get(&world.admin, &format!("{ACME}/members")).await.ok(200);
    let names: Vec<&Value> = members["items"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(names.contains(&&json!(HOSTILE)), "{names:?}");
}

#[tokio::test]
async fn somebody_new_s_password_is_typed_again_and_stands_on_no_page() {
    let world = World::of("default").await;
    let mut browser = signed_in(&world).await;
    world.clock.pass(6 * MINUTE);
    let theirs = "quite another password";
    let typed = [
        ("name", "Gus"),
        ("email", "gus@example.com"),
        ("role", "Viewer"),
        ("node", "/"),
        ("first_password", theirs),
    ];
    let path = format!("{HERE}/members/new");
    let asked = browser.fill(&path, &typed).await;
    assert_eq!(asked.status, 422);
    says(&asked, &["Show that it is you", "name=\"first_password\" type=\"password\""]);
    assert!(!asked.text.contains(theirs));
    let kept = hidden(&asked.text);
    let mut sent: Vec<(&str, &str)> = kept.iter().map(|(name, text)| (&**name, &**text)).collect();
    sent.extend([("password", PASSWORD), ("first_password", theirs)]);
    made(&browser.post(&path, &sent).await);
    let login = [("email", "gus@example.com"), ("password", theirs)];
    assert_eq!(Browser::new(&world).post("/console/sign-in", &login).await.status, 303);
    // The same form, sent twice, adds nobody twice.
    let members = count(&world, "members").await;
    made(&browser.post(&path, &sent).await);
    assert_eq!(count(&world, "members").await, members);
}

#[tokio::test]
async fn what_nobody_may_do_is_refused_without_asking_for_a_password() {
    let world = World::of("default").await;
    member(&world, "Zoe", "Viewer").await;
    let mut browser = Browser::new(&world);
    browser.sign_in_as("zoe@example.com").await;
    world.clock.pass(6 * MINUTE);
    let typed = [("name", "Auditor"), ("may.journal:read", "on")];
    let refused = browser.post(&format!("{HERE}/roles/new"), &typed).await;
    assert_eq!(refused.status, 422);
    says(&refused, &["needs the permission `roles:create`"]);
    assert!(!refused.text.contains("Show that it is you"));
}

#[tokio::test]
async fn the_api_says_to_sign_in_again_and_a_token_is_not_asked() {
    let world = World::of("default").await;
    let zoe = id(&member(&world, "Zoe", "Viewer").await).to_owned();
    let session = async || {
        let login = json!({ "email": ADMIN, "password": PASSWORD });
        world.post("", "/v1/sessions", login).await.ok(201)["token"].as_str().unwrap().to_owned()
    };
    let old = session().await;
    world.clock.pass(6 * MINUTE);
    let asks = [
        (Method::POST, format!("{ACME}/roles"), json!({ "name": "One", "permissions": ["devices:read"] })),
        (Method::POST, format!("{ACME}/members"), json!({ "name": "New", "role": "Viewer" })),
        (Method::POST, format!("{ACME}/service-accounts"), json!({ "name": "ci", "role": "Viewer" })),
        (Method::PATCH, format!("{ACME}/members/{zoe}"), json!({ "role": "Member" })),
        (Method::POST, "/v1/services".into(), json!({ "name": "gateway", "scopes": ["verify"] })),
    ];
    for (method, path, body) in &asks {
        let refused = world.ask(&old, method.clone(), path, Some(body.clone())).await;
        let told = refused.refused(403, "reauthentication_required");
        assert!(told["detail"].as_str().unwrap().contains("sign in again"), "{path}: {told}");
    }
    // What takes rights away waits for nobody, and another name gives none.
    let path = format!("{ACME}/members/{zoe}");
    world.ask(&old, Method::PATCH, &path, Some(json!({ "name": "Zoë" }))).await.ok(200);
    world.post(&old, &format!("{path}/deactivate"), json!({})).await.ok(200);
    let new = session().await;
    for (method, path, body) in asks {
        let token = if path.ends_with("/roles") { &world.admin } else { &new };
        let reply = world.ask(token, method, &path, Some(body)).await;
        assert!(reply.status.is_success(), "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_rotation_makes_a_secret_and_asks_as_a_creation_does() {
    let world = World::of("default").await;
    let made = world.post(&world.admin, &format!("{ACME}/tokens"), json!({ "name": "ci" })).await.ok(201);
    let login = json!({ "email": ADMIN, "password": PASSWORD });
    let session = world.post("", "/v1/sessions", login).await.ok(201)["token"].as_str().unwrap().to_owned();
    let mut browser = signed_in(&world).await;
    world.clock.pass(6 * MINUTE);
    let path = format!("{ACME}/tokens/{}/rotate", id(&made));
    world.post(&session, &path, json!({})).await.refused(403, "reauthentication_required");
    let new = world.post(&session, &path, json!({ "password": PASSWORD })).await.ok(201);

    let page = format!("{HERE}/tokens/{}/rotate", id(&new));
    says(&browser.get(&page).await, &["name=\"password\""]);
    let refused = browser.fill(&page, &[]).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    says(&refused, &["id=\"wrong-password\""]);
    let rotated = browser.fill(&page, &[("password", PASSWORD)]).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    assert_ne!(rotated.secret(), new["secret"].as_str().unwrap());
    // A token is asked for no password.
    world.post(&rotated.secret(), "/v1/tokens/self/rotate", json!({})).await.ok(201);
}
