//! Pages as tests read them: their words without tags, what their forms would send, and to whom they are
//! closed; and the members and tokens that pages are about.

#![allow(dead_code, reason = "each test file uses its own part")]

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::common::{PASSWORD, Reply, World};

/// Text that would do harm, or look like something else, where it is not escaped.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"'&";
pub(crate) const HARMLESS: &str = "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;";

/// A member with that role and a password, and their id.
pub(crate) async fn member(world: &World, name: &str, role: &str) -> String {
    let email = format!("{}@example.com", role.to_lowercase());
    let body = json!({ "name": name, "role": role, "email": email, "password": PASSWORD });
    let made = world.post(&world.admin, "/v1/accounts/acme/members", body).await.ok(201);
    made["id"].as_str().unwrap().to_owned()
}

/// A token of the administrator's, and its id.
pub(crate) async fn token(world: &World, body: Value) -> String {
    let made = world.post(&world.admin, "/v1/accounts/acme/tokens", body).await.ok(201);
    made["id"].as_str().unwrap().to_owned()
}

/// A page's text without its tags, each space once.
pub(crate) fn words(reply: &Reply) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in reply.text.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    unescaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

pub(crate) fn unescaped(text: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, letter)| text.replace(escaped, letter))
}

pub(crate) async fn is_closed_to(world: &World, email: &str, section: &str, paths: &[&str]) {
    let mut browser = Browser::new(world);
    browser.sign_in_as(email).await;
    let list = browser.get("/console/acme/tokens").await;
    assert!(!list.text.contains(&format!("href=\"/console/acme/{section}\"")), "{email} {section}");
    for path in paths {
        let page = browser.get(&format!("/console/acme/{path}")).await;
        assert_eq!(page.status, 403, "{email} {path}: {}", page.text);
    }
}

pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    Some(unescaped(rest.split_once('"')?.0))
}

/// What a page's form would send as it stands there: the one with that action.
pub(crate) fn fields(reply: &Reply, action: &str) -> Vec<(String, String)> {
    let form = reply.text.split_once(&format!("<form method=\"post\" action=\"{action}\"")).unwrap().1;
    let form = form.split_once("</form>").unwrap().0;
    let mut fields = Vec::new();
    for tag in form.split('<') {
        let tag = tag.split_once('>').map_or(tag, |(tag, _)| tag);
        let Some(name) = attribute(tag, "name") else { continue };
        if tag.starts_with("input") {
            let ticks = tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"");
            if !ticks || tag.ends_with(" checked") || tag.contains(" checked ") {
                fields.push((name, attribute(tag, "value").unwrap_or_else(|| "on".to_owned())));
            }
        } else if tag.starts_with("select") {
            let select = form.split_once(&format!(" name=\"{name}\"")).unwrap().1;
            let select = select.split_once("</select>").unwrap().0;
            let chosen = select
                .split("<option")
                .find(|option| option.split('>').next().unwrap().ends_with(" selected"));
            let chosen = chosen.or_else(|| select.split("<option").nth(1)).unwrap();
            fields.push((name, attribute(chosen.split('>').next().unwrap(), "value").unwrap()));
        }
    }
    fields
}

/// The same with some of them otherwise; none takes a field away.
pub(crate) fn but<'f>(
    fields: &'f [(String, String)],
    other: &[(&'f str, Option<&'f str>)],
) -> Vec<(&'f str, &'f str)> {
    let mut sent: Vec<(&str, &str)> =
        fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    for (name, text) in other {
        sent.retain(|(had, _)| had != name);
        sent.extend(text.map(|text| (*name, text)));
    }
    sent
}
