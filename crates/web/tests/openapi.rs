//! The description of the API: that it is the one that was agreed on, that it is whole, and that the
//! page made from it stands alone.

mod common;

use common::World;
use serde_json::Value;

/// Whoever writes a client reads changes of the API here.
#[tokio::test]
async fn the_description_is_the_one_that_was_agreed_on() {
    let world = World::empty().await;
    let description = world.get("", "/openapi.json").await.ok(200);
    let mut now = serde_json::to_string_pretty(&description).unwrap();
    now.push('\n');
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi.json");
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(path, &now).unwrap();
        return;
    }
    let agreed = std::fs::read_to_string(path).unwrap_or_default();
    let first = agreed.lines().zip(now.lines()).find(|(agreed, now)| agreed != now);
    assert!(
        agreed == now,
        "the description of the API has changed, first here: {first:?}\n\
         If that is meant, run `ACCEPT=1 cargo test -p web --test openapi` and commit tests/openapi.json."
    );
}

#[tokio::test]
async fn every_body_and_every_answer_has_an_example_and_every_parameter_says_what_it_is() {
    let world = World::empty().await;
    let reply = world.get("", "/openapi.json").await;
    assert!(!reply.text.contains("no example"), "a word is missing in web/src/openapi/examples.rs");
    let description = reply.ok(200);
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let here = format!("{method} {path}");
            assert!(operation["description"].is_string() && operation["summary"].is_string(), "{here}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{here}");
            for parameter in operation["parameters"].as_array().unwrap() {
                let description = parameter["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{here} {}", parameter["name"]);
            }
            let answers = operation["responses"].as_object().unwrap();
            let good = answers.iter().filter(|(status, _)| status.starts_with('2'));
            let bodies = good.map(|(_, answer)| answer).chain(operation.get("requestBody"));
            for body in bodies.filter_map(|body| body["content"].get("application/json")) {
                assert!(body.get("schema").is_none() || body.get("example").is_some(), "{here}");
            }
            assert!(!answers.contains_key("default"), "{here}");
            assert!(answers.contains_key("400") && answers.contains_key("503"), "{here}");
        }
    }
    let tags: Vec<&Value> = description["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let used = description["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
    for (_, operation) in used {
        assert!(tags.contains(&&operation["tags"][0]), "{}", operation["operationId"]);
    }
}

#[tokio::test]
async fn the_page_names_every_route_and_needs_no_other_host() {
    let world = World::empty().await;
    let description = world.get("", "/openapi.json").await.ok(200);
    let page = world.get("", "/docs").await;
    assert_eq!(page.head("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.head("content-security-policy").unwrap().starts_with("default-src 'none';"));
    for path in description["paths"].as_object().unwrap().keys() {
        assert!(page.text.contains(&format!("</strong> {path}</code>")), "{path}");
    }
    for outside in ["=\"http", "=\"//", "<script", "src=", "@import", "url("] {
        assert!(!page.text.contains(outside), "{outside}");
    }
}
