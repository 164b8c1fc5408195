//! The console's pages about the tree and installations; and, of these and the pages about people, who may
//! see each, what another site may not send, and that all of them speak both languages.

#[path = "console/browser.rs"]
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

#[tokio::test]
async fn installations_are_added_linked_and_deleted() {
    let world = World::of("cockpit").await;
    for path in ["/sales", "/lab"] {
        world.post(&world.admin, &format!("{ACME}/nodes"), json!({ "path": path })).await.ok(201);
    }
    let mut browser = signed_in(&world).await;
    says(&browser.get(&format!("{HERE}/installations")).await, &["No installations yet"]);
    let typed = [("name", HOSTILE), ("node./sales", "on")];
    let added = browser.post(&format!("{HERE}/installations/new"), &typed).await;
    leads_to(&added, &format!("{HERE}/installations?done=installations-added"));
    let list = browser.get(&format!("{HERE}/installations")).await;
    says(&list, &[ESCAPED, "/sales</span>"]);
    assert!(!list.text.contains("<script>alert"));
    let found = world.get(&world.admin, &format!("{ACME}/installations")).await.ok(200);
    let one = format!("{HERE}/installations/{}", id(&found["items"][0]));
    let form = browser.get(&format!("{one}/edit")).await;
    says(&form, &["name=\"node./sales\" checked", ESCAPED]);
    let version = form.hidden("version");
    let version = ("version", version.as_str());
    let refused = browser.post(&format!("{one}/edit"), &[version, ("name", ""), ("node./lab", "on")]).await;
    assert_eq!(refused.status, 422);
    says(&refused, &["id=\"wrong-name\"", "name=\"node./lab\" checked"]);
    let edit = [version, ("name", "Plant 7"), ("node./lab", "on")];
    assert_eq!(browser.post(&format!("{one}/edit"), &edit).await.status, 303);
    let late = browser.post(&format!("{one}/edit"), &edit).await;
    says(&late, &["Somebody else changed this installation meanwhile."]);
    let shown = world.get(&world.admin, &format!("{ACME}/installations")).await.ok(200);
    assert_eq!(
        (&shown["items"][0]["name"], &shown["items"][0]["nodes"]),
        (&json!("Plant 7"), &json!(["/lab"]))
    );
    says(&browser.get(&format!("{one}/delete")).await, &["Delete Plant 7?", "Delete this installation"]);
    let gone = browser.post(&format!("{one}/delete"), &[]).await;
    leads_to(&gone, &format!("{HERE}/installations?done=installations-deleted"));
    assert_eq!(browser.get(&format!("{one}/edit")).await.status, 404);
}

#[tokio::test]
async fn whoever_may_not_see_a_page_has_no_entry_and_is_refused() {
    let world = World::of("gcore").await;
    member(&world, "Uma", "Users").await;
    let zoe = member(&world, "Zoe", "Engineers").await;
    let mut users = Browser::new(&world);
    users.sign_in_as("uma@example.com").await;
    let home = users.get(&format!("{HERE}/tokens")).await;
    for section in ["members", "service-accounts", "roles", "installations"] {
        assert!(!home.text.contains(&format!("href=\"{HERE}/{section}\"")), "{section}");
        let page = users.get(&format!("{HERE}/{section}")).await;
        assert_eq!(page.status, 403, "{section}: {}", page.text);
    }
    for path in ["members/new", "service-accounts/new", "roles/new", "tree/new", "installations/new"] {
        assert_eq!(users.get(&format!("{HERE}/{path}")).await.status, 403, "{path}");
        let sent = [("name", "x"), ("role", "Users"), ("node", "/"), ("below", "/"), ("slug", "x")];
        let reply = users.post(&format!("{HERE}/{path}"), &sent).await;
        assert!(matches!(reply.status.as_u16(), 403 | 422), "{path}: {}", reply.status);
    }
    // Who may read and no more is shown, and offered nothing.
    let mut reader = Browser::new(&world);
    reader.sign_in_as("zoe@example.com").await;
    for path in ["members", "roles"] {
        let page = reader.get(&format!("{HERE}/{path}")).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text.contains("/new\"") && !page.text.contains("popovertarget=\"actions-"), "{path}");
    }
    let members = world.get(&world.admin, &format!("{ACME}/members")).await.ok(200);
    let ada = members["items"].as_array().unwrap().iter().find(|one| one["name"] == "Ada").unwrap();
    for act in ["edit", "roles", "deactivate", "remove"] {
        let path = format!("{HERE}/members/{}/{act}", id(ada));
        assert_eq!(reader.get(&path).await.status, 409, "{act}");
        let reply = reader.post(&path, &[("name", "x"), ("role.0", "Users")]).await;
        assert!(matches!(reply.status.as_u16(), 403 | 422), "{act}: {}", reply.status);
    }
    let members = world.get(&world.admin, &format!("{ACME}/members")).await.ok(200);
    assert_eq!(members["items"].as_array().unwrap().len(), 3);
    let administrators = world.get(&world.admin, &format!("{ACME}/roles")).await.ok(200);
    let page = reader.get(&format!("{HERE}/roles/{}", id(&administrators["items"][0]))).await;
    assert!(!page.text.contains("type=\"checkbox\"") && page.text.contains("You can look at this role."));
    assert_eq!(reader.get(&format!("{HERE}/members/{}", id(&zoe))).await.status, 200);
}

#[tokio::test]
async fn whoever_looks_after_a_part_of_the_tree_works_in_it_and_nowhere_else() {
    let world = World::of("cockpit").await;
    for path in ["/sales", "/lab"] {
        world.post(&world.admin, &format!("{ACME}/nodes"), json!({ "path": path })).await.ok(201);
    }
    let bound = |name: &str, node: &str| {
        let email = format!("{}@example.com", name.to_lowercase());
        let role = "ORGANIZATION_PRIMARY_OWNER";
        json!({ "name": name, "email": email, "password": PASSWORD, "bindings": [{ "role": role, "node": node }] })
    };
    let members = format!("{ACME}/members");
    world.post(&world.admin, &members, bound("Ola", "/sales")).await.ok(201);
    let lab = world.post(&world.admin, &members, bound("Lars", "/lab")).await.ok(201);
    let mut ola = Browser::new(&world);
    ola.sign_in_as("ola@example.com").await;
    let page = ola.get(&format!("{HERE}/members")).await;
    says(&page, &["Ola</bdi>", "Add member", &format!("href=\"{HERE}/tree\"")]);
    assert!(!page.text.contains("Lars"));
    assert_eq!(ola.get(&format!("{HERE}/members/{}", id(&lab))).await.status, 404);
    let typed = [("name", "Tim"), ("role", "ORGANIZATION_USER"), ("node", "/sales")];
    assert_eq!(ola.fill(&format!("{HERE}/members/new"), &typed).await.status, 303);
    for node in ["/", "/lab"] {
        let typed = [("name", "Tom"), ("role", "ORGANIZATION_USER"), ("node", node)];
        assert_eq!(ola.fill(&format!("{HERE}/members/new"), &typed).await.status, 422, "{node}");
    }
    let tree = ola.get(&format!("{HERE}/tree")).await;
    assert!(tree.text.contains(">/sales</span>") && !tree.text.contains("/lab"), "{}", tree.text);
    let typed = [("below", "/sales"), ("slug", "prod")];
    assert_eq!(ola.post(&format!("{HERE}/tree/new"), &typed).await.status, 303);
    let typed = [("below", "/lab"), ("slug", "prod")];
    assert_eq!(ola.post(&format!("{HERE}/tree/new"), &typed).await.status, 422);
}

#[tokio::test]
async fn a_form_that_another_site_sent_changes_nothing() {
    let world = World::of("default").await;
    let gus = member(&world, "Gus", "Viewer").await;
    let mut browser = signed_in(&world).await;
    let roles = world.get(&world.admin, &format!("{ACME}/roles")).await.ok(200);
    let one = format!("members/{}", id(&gus));
    for path in [
        "members/new",
        &format!("{one}/edit"),
        &format!("{one}/roles"),
        &format!("{one}/deactivate"),
        &format!("{one}/remove"),
        "service-accounts/new",
        "roles/new",
        &format!("roles/{}", id(&roles["items"][3])),
        &format!("roles/{}/delete", id(&roles["items"][2])),
        "tree/new",
        "tree/rename",
        "installations/new",
    ] {
        let sent = [("name", "stolen"), ("role", "Owner"), ("node", "/"), ("below", "/"), ("slug", "stolen")];
        let headers = [("sec-fetch-site", "cross-site")];
        let reply = browser.post_with(&format!("{HERE}/{path}"), &headers, &sent).await;
        assert_eq!(reply.status, 403, "{path}");
    }
    for path in ["members", "service-accounts", "roles", "nodes", "installations"] {
        let list = world.get(&world.admin, &format!("{ACME}/{path}")).await.ok(200);
        assert!(!list.to_string().contains("stolen"), "{path}: {list}");
    }
    assert_eq!(world.get(&world.admin, &format!("{ACME}/roles")).await.ok(200), roles);
    let same = world.ask(&world.admin, Method::GET, &format!("{ACME}/members/{}", id(&gus)), None).await;
    assert_eq!(same.ok(200), gus);
}

#[tokio::test]
async fn nothing_inline_stands_on_any_of_the_pages_and_all_of_them_speak_german() {
    let world = World::of("default").await;
    let gus = member(&world, "Gus", "Viewer").await;
    world.post(&world.admin, &format!("{ACME}/nodes"), json!({ "path": "/sales" })).await.ok(201);
    let body = json!({ "name": "Plant 7", "nodes": ["/sales"] });
    let plant = world.post(&world.admin, &format!("{ACME}/installations"), body).await.ok(201);
    let roles = world.get(&world.admin, &format!("{ACME}/roles")).await.ok(200);
    let mut browser = signed_in(&world).await;
    browser.language = "de";
    let one = format!("members/{}", id(&gus));
    for (path, said) in [
        ("members", "Wer in diesem Konto arbeitet"),
        ("members/new", "Mitglied hinzufügen"),
        (&one, "Rollen"),
        (&format!("{one}/edit"), "Gus bearbeiten"),
        (&format!("{one}/roles"), "Rollen von Gus"),
        (&format!("{one}/deactivate"), "Das Mitglied wird überall abgemeldet."),
        (&format!("{one}/remove"), "Kein Token geht verloren."),
        ("service-accounts", "Noch keine Dienstkonten"),
        ("service-accounts/new", "Dienstkonto hinzufügen"),
        ("roles", "Stärkste"),
        ("roles/new", "In der Konsole und ihrer API"),
        (&format!("roles/{}", id(&roles["items"][2])), "Vor dem Speichern ansehen"),
        (&format!("roles/{}/delete", id(&roles["items"][2])), "Diese Rolle löschen"),
        ("tree", "Die Orte dieses Kontos"),
        ("tree/new", "Kurzname"),
        ("tree/rename?node=/sales", "Der Pfad bleibt /sales."),
        ("installations", "Verknüpft mit"),
        ("installations/new", "Installation hinzufügen"),
        (&format!("installations/{}/edit", id(&plant)), "Plant 7 bearbeiten"),
        (&format!("installations/{}/delete", id(&plant)), "Diese Installation löschen"),
    ] {
        let page = browser.get(&format!("{HERE}/{path}")).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        says(&page, &[said, "lang=\"de\""]);
        for inline in [" style=\"", " onclick=", "<style", "<script>"] {
            assert!(!page.text.contains(inline), "{path}: {inline}");
        }
        assert!(page.text.len() < 40_000, "{path}: {}", page.text.len());
    }
    let typed = [
        ("name", "Zoe"),
        ("email", "zoe@example.com"),
        ("first_password", "kurz"),
        ("role", "Viewer"),
        ("node", "/"),
    ];
    let refused = browser.fill(&format!("{HERE}/members/new"), &typed).await;
    says(&refused, &["Wählen Sie ein Passwort mit 12 bis 256 Zeichen"]);
    let taken = browser.post(&format!("{HERE}/roles/new"), &[("name", "Owner")]).await;
    says(&taken, &["Eine Rolle dieses Kontos heißt schon so"]);
}
