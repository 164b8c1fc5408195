//! What the tests of pages about people and places have in common: who there is, and what a page said or
//! where it led.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::common::{PASSWORD, Reply, World};

/// Text that would do harm where it is not escaped.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"'&";
pub(crate) const ESCAPED: &str = "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;";
pub(crate) const ACME: &str = "/v1/accounts/acme";
pub(crate) const HERE: &str = "/console/acme";

pub(crate) async fn signed_in(world: &World) -> Browser<'_> {
    let mut browser = Browser::new(world);
    browser.sign_in().await;
    browser
}

pub(crate) async fn member(world: &World, name: &str, role: &str) -> Value {
    let email = format!("{}@example.com", name.to_lowercase());
    let body = json!({ "name": name, "email": email, "role": role, "password": PASSWORD });
    world.post(&world.admin, &format!("{ACME}/members"), body).await.ok(201)
}

pub(crate) fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

/// Tokens that inherit, made by somebody who signed in for it.
pub(crate) async fn tokens(world: &World, email: &str, count: usize) -> Vec<String> {
    let login = json!({ "email": email, "password": PASSWORD });
    let session = world.post("", "/v1/sessions", login).await.ok(201);
    let session = session["token"].as_str().unwrap();
    let mut made = Vec::new();
    for n in 0..count {
        let body = json!({ "name": format!("token {n}") });
        let token = world.post(session, &format!("{ACME}/tokens"), body).await.ok(201);
        made.push(token["secret"].as_str().unwrap().to_owned());
    }
    made
}

#[track_caller]
pub(crate) fn leads_to(reply: &Reply, path: &str) {
    assert_eq!(reply.status, 303, "{}", reply.text);
    assert_eq!(reply.head("location"), Some(path));
}

#[track_caller]
pub(crate) fn says(reply: &Reply, sentences: &[&str]) {
    for sentence in sentences {
        assert!(reply.text.contains(sentence), "{sentence}: {}", reply.text);
    }
}

/// The last part of where a form led, without what was done.
pub(crate) fn made(reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{}", reply.text);
    let path = reply.head("location").unwrap().split('?').next().unwrap();
    path.rsplit('/').next().unwrap().to_owned()
}
