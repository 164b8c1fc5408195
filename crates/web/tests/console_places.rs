//! The console's pages about the tree and installations; and, of these and the pages about people, who may
//! see each, what another site may not send, and that all of them speak both languages.

#[path = "console/browser.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod browser;
mod common;
#[path = "console/people.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod people;

use axum::http::Method;
use browser::Browser;
use common::{PASSWORD, World};
use people::{ACME, ESCAPED, HERE, HOSTILE, id, leads_to, member, says, signed_in};
use serde_json::json;

#[tokio::test]
async fn places_are_added_by_the_product_s_levels_and_renamed() {
    let world = World::of("cockpit").await;
    let mut browser = signed_in(&world).await;
    let empty = browser.get(&format!("{HERE}/tree")).await;
    says(&empty, &["account › organization › environment", "No places yet", "Add a place"]);
    for (below, slug, name) in [("/", "sales", ""), ("/sales", "prod", HOSTILE), ("/", "sales-eu", "Europe")]
    {
        let typed = [("below", below), ("slug", slug), ("name", name)];
        let added = browser.post(&format!("{HERE}/tree/new"), &typed).await;
        leads_to(&added, &format!("{HERE}/tree?done=tree-added"));
    }
    let page = browser.get(&format!("{HERE}/tree?done=tree-added")).await;
    says(&page, &["The place is there.", ESCAPED, ">organization</td>", ">environment</td>", "depth-2"]);
    assert!(!page.text.contains("<script>alert"));
    let at = |text: &str| page.text.find(text).unwrap();
    assert!(at(">/sales/prod<") < at(">/sales-eu<"), "what is below follows");
    // The deepest level has nothing below it.
    assert!(!page.text.contains("below=/sales/prod"));
    let form = browser.get(&format!("{HERE}/tree/new?below=/sales")).await;
    says(&form, &["<option value=\"/sales\" selected>"]);
    for (below, slug, field) in [
        ("/sales", "prod", "slug"),
        ("/sales", "No Slug", "slug"),
        ("/", "a/b", "slug"),
        ("nowhere", "x", "below"),
        ("/sales/prod", "deeper", "slug"),
    ] {
        let typed = [("below", below), ("slug", slug)];
        let refused = browser.post(&format!("{HERE}/tree/new"), &typed).await;
        assert_eq!(refused.status, 422, "{below} {slug}");
        says(&refused, &[&format!("id=\"wrong-{field}\""), &format!("value=\"{slug}\"")]);
    }
    let rename = format!("{HERE}/tree/rename");
    let form = browser.get(&format!("{rename}?node=/sales/prod")).await;
    let version = form.hidden("version");
    let typed = [("node", "/sales/prod"), ("version", version.as_str()), ("name", "Production")];
    leads_to(&browser.post(&rename, &typed).await, &format!("{HERE}/tree?done=tree-renamed"));
    let late = browser.post(&rename, &typed).await;
    assert_eq!(late.status, 422);
    says(&late, &["Somebody else renamed this place meanwhile."]);
    let version = browser.get(&format!("{rename}?node=/sales/prod")).await.hidden("version");
    let typed = [("node", "/sales/prod"), ("version", version.as_str()), ("name", "")];
    says(&browser.post(&rename, &typed).await, &["id=\"wrong-name\""]);
    for path in ["/nowhere", "nowhere"] {
        assert_eq!(browser.get(&format!("{rename}?node={path}")).await.status, 404, "{path}");
    }
}
