//! The console's pages about members, service accounts and roles: what each shows, refuses and keeps, and
//! what is told before it is done.

#[path = "console/browser.rs"]
mod browser;
mod common;
#[path = "console/people.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod people;

use browser::Browser;
use common::{PASSWORD, World};
use people::{ACME, ESCAPED, HERE, HOSTILE, id, leads_to, made, member, says, signed_in, tokens};
use serde_json::json;

#[tokio::test]
async fn a_member_goes_through_their_life_on_pages_alone() {
    let world = World::of("default").await;
    let mut browser = signed_in(&world).await;
    let form = browser.get(&format!("{HERE}/members/new")).await;
    says(&form, &["Add member", ">Viewer</option>", "The whole account"]);
    let typed = [
        ("name", HOSTILE),
        ("email", "gus@example.com"),
        ("first_password", PASSWORD),
        ("role", "Viewer"),
        ("node", "/"),
    ];
    let added = browser.fill(&format!("{HERE}/members/new"), &typed).await;
    let gus = made(&added);
    leads_to(&added, &format!("{HERE}/members/{gus}?done=members-added"));
    let one = format!("{HERE}/members/{gus}");
    for path in
        [one.as_str(), &format!("{HERE}/members"), &format!("{one}/deactivate"), &format!("{one}/edit")]
    {
        let page = browser.get(path).await;
        assert!(page.status == 200 && page.text.contains(ESCAPED), "{path}: {}", page.text);
        assert!(!page.text.contains("<script>alert"), "{path}");
    }
    says(
        &browser.get(&format!("{one}?done=members-added")).await,
        &["The member is there.", "gus@example.com"],
    );
    // With the password they sign in.
    Browser::new(&world).sign_in_as("gus@example.com").await;
    let secrets = tokens(&world, "gus@example.com", 2).await;

    let edit = browser.get(&format!("{one}/edit")).await;
    let version = edit.hidden("version");
    let typed = [("version", version.as_str()), ("name", "Gus"), ("metadata", "{\"team\": \"data\"}")];
    leads_to(&browser.post(&format!("{one}/edit"), &typed).await, &format!("{one}?done=members-edited"));
    let late = browser.post(&format!("{one}/edit"), &typed).await;
    assert_eq!(late.status, 422, "the row has moved on");
    says(&late, &["Somebody else changed this meanwhile."]);

    let roles = browser.get(&format!("{one}/roles")).await;
    let version = roles.hidden("version");
    let change = [("version", version.as_str()), ("role.0", "Member")];
    leads_to(
        &browser.post(&format!("{one}/roles"), &change).await,
        &format!("{one}?done=members-roles-changed"),
    );
    says(&browser.get(&one).await, &["Member", "2 work", "&#34;team&#34;"]);

    let ask = browser.get(&format!("{one}/deactivate")).await;
    says(
        &ask,
        &[
            "Deactivate Gus?",
            "2 tokens stop at once.",
            "They are signed out everywhere.",
            "Reactivating makes the tokens work again.",
            "Deactivate this member",
        ],
    );
    leads_to(
        &browser.post(&format!("{one}/deactivate"), &[]).await,
        &format!("{one}?done=members-deactivated"),
    );
    world.get(&secrets[0], "/v1/tokens/self").await.refused(401, "unauthenticated");
    let page = browser.get(&format!("{one}?done=members-deactivated")).await;
    says(&page, &["deactivated", "2 suspended", "The member is deactivated.", "/reactivate\" data-dialog"]);
    assert_eq!(browser.get(&format!("{one}/deactivate")).await.status, 409);
    says(&browser.get(&format!("{one}/reactivate")).await, &["2 tokens work again at once."]);
    leads_to(
        &browser.post(&format!("{one}/reactivate"), &[]).await,
        &format!("{one}?done=members-reactivated"),
    );
    world.get(&secrets[1], "/v1/tokens/self").await.ok(200);

    says(&browser.get(&format!("{one}/remove")).await, &["Remove Gus?", "2 tokens are deleted, at once."]);
    leads_to(
        &browser.post(&format!("{one}/remove"), &[]).await,
        &format!("{HERE}/members?done=members-removed"),
    );
    world.get(&secrets[0], "/v1/tokens/self").await.refused(401, "unauthenticated");
    assert_eq!(browser.get(&one).await.status, 404);
    let list = browser.get(&format!("{HERE}/members?done=members-removed")).await;
    assert!(list.text.contains("The member is removed.") && !list.text.contains(&gus), "{}", list.text);
}

#[tokio::test]
async fn a_refused_member_is_said_beside_the_field_and_what_was_typed_stays_but_for_the_password() {
    let world = World::of("default").await;
    let mut browser = signed_in(&world).await;
    let refuse = async |browser: &mut Browser<'_>, fields: &[(&str, &str)], field: &str| {
        let reply = browser.fill(&format!("{HERE}/members/new"), fields).await;
        assert_eq!(reply.status, 422, "{field}: {}", reply.text);
        says(&reply, &[&format!("id=\"wrong-{field}\""), "aria-invalid=\"true\""]);
        reply
    };
    let base = [("name", "Zoe"), ("email", "zoe@example.com"), ("role", "Viewer"), ("node", "/")];
    let with = |name, text| {
        let mut fields: Vec<(&str, &str)> = base.into_iter().filter(|(field, _)| *field != name).collect();
        fields.push((name, text));
        fields
    };
    refuse(&mut browser, &with("name", ""), "name").await;
    refuse(&mut browser, &with("email", "nobody"), "email").await;
    let short = refuse(&mut browser, &with("first_password", "too short"), "first_password").await;
    assert!(!short.text.contains("too short") && short.text.contains("value=\"zoe@example.com\""));
    refuse(&mut browser, &with("role", "Emperor"), "role").await;
    refuse(&mut browser, &with("node", "/nowhere"), "node").await;
    let metadata = refuse(&mut browser, &with("metadata", "[1]"), "metadata").await;
    says(&metadata, &["<details open>", ">[1]</textarea>"]);
    let mut taken = with("email", common::ADMIN);
    taken.push(("first_password", PASSWORD));
    refuse(&mut browser, &taken, "first_password").await;

    // The last with the strongest role stays; the form says so above.
    let ada = world.get(&world.admin, &format!("{ACME}/members")).await.ok(200);
    let one = format!("{HERE}/members/{}", id(&ada["items"][0]));
    let version = browser.get(&format!("{one}/roles")).await.hidden("version");
    let change = [("version", version.as_str()), ("role.0", "Viewer")];
    let refused = browser.post(&format!("{one}/roles"), &change).await;
    assert_eq!(refused.status, 422);
    says(&refused, &["role=\"alert\"", "is the last active member", "<option selected>Viewer</option>"]);
    says(&browser.get(&format!("{one}/deactivate")).await, &["This is you."]);
    let refused = browser.post(&format!("{one}/deactivate"), &[]).await;
    assert_eq!(refused.status, 422);
    says(&refused, &["is the last active member"]);
    assert_eq!(browser.get(&format!("{HERE}/members")).await.status, 200);
}

#[tokio::test]
async fn roles_hold_at_places_where_the_account_has_levels() {
    let world = World::of("cockpit").await;
    for path in ["/sales", "/sales/prod", "/lab"] {
        world.post(&world.admin, &format!("{ACME}/nodes"), json!({ "path": path })).await.ok(201);
    }
    let mut browser = signed_in(&world).await;
    let typed = [("name", "Ola"), ("role", "ORGANIZATION_OWNER"), ("node", "/sales")];
    let ola = made(&browser.fill(&format!("{HERE}/members/new"), &typed).await);
    let one = format!("{HERE}/members/{ola}");
    says(&browser.get(&one).await, &["ORGANIZATION_OWNER", ">/sales</span>", "no e-mail address is known"]);
    let form = browser.get(&format!("{one}/roles")).await;
    says(&form, &["name=\"role.3\"", "<option selected>ORGANIZATION_OWNER</option>"]);
    let version = form.hidden("version");
    let version = ("version", version.as_str());
    let without_place = [version, ("role.0", ""), ("role.1", "ORGANIZATION_USER"), ("node.1", "")];
    let refused = browser.post(&format!("{one}/roles"), &without_place).await;
    assert_eq!(refused.status, 422);
    says(&refused, &["id=\"wrong-bindings\"", "Choose a place for each role."]);
    let none = browser.post(&format!("{one}/roles"), &[version, ("role.0", "")]).await;
    says(&none, &["Leave at least one role."]);
    let both = [
        version,
        ("role.0", ""),
        ("role.1", ""),
        ("node.1", "/sales"),
        ("role.2", "ENVIRONMENT_USER"),
        ("node.2", "/sales/prod"),
        ("role.3", "ORGANIZATION_USER"),
        ("node.3", "/lab"),
    ];
    assert_eq!(browser.post(&format!("{one}/roles"), &both).await.status, 303);
    let shown = world.get(&world.admin, &format!("{ACME}/members/{ola}")).await.ok(200);
    assert_eq!(
        shown["bindings"],
        json!([
            { "role": "ORGANIZATION_USER", "node": "/lab" },
            { "role": "ENVIRONMENT_USER", "node": "/sales/prod" }
        ])
    );
    says(&browser.get(&format!("{HERE}/members")).await, &["and 1 more"]);
    // An account without levels asks for one role, and has no tree to look at.
    let flat = World::of("gcore").await;
    let mut browser = signed_in(&flat).await;
    let form = browser.get(&format!("{HERE}/members/new")).await;
    assert!(!form.text.contains("name=\"node\"") && !form.text.contains("href=\"/console/acme/tree\""));
}

#[tokio::test]
async fn nobody_is_removed_who_has_tokens_where_the_policy_says_so() {
    let world = World::of("gcore").await;
    let zoe = member(&world, "Zoe", "Engineers").await;
    let mut theirs = Browser::new(&world);
    theirs.sign_in_as("zoe@example.com").await;
    let fields = [("name", "zoes"), ("permission", "role"), ("role", "Users"), ("expires", "never")];
    let token = theirs.make(&fields).await;
    let mut browser = signed_in(&world).await;
    let one = format!("{HERE}/members/{}", id(&zoe));
    let ask = browser.get(&format!("{one}/remove")).await;
    says(&ask, &["1 token is still active", &format!("/console/acme/tokens?issued_by={}", id(&zoe))]);
    assert!(!ask.text.contains("Remove this member"), "no button for what would be refused");
    let refused = browser.post(&format!("{one}/remove"), &[]).await;
    assert_eq!(refused.status, 422);
    says(&refused, &["still has active tokens; delete them first."]);
    says(
        &browser.get(&format!("{one}/deactivate")).await,
        &["1 token works on: this account&#39;s policy keeps it."],
    );
    assert_eq!(browser.post(&format!("{HERE}/tokens/{}/delete", token.id), &[]).await.status, 303);
    says(&browser.get(&format!("{one}/remove")).await, &["Remove this member"]);
    assert_eq!(browser.post(&format!("{one}/remove"), &[]).await.status, 303);
}

#[tokio::test]
async fn a_service_account_has_the_same_pages_in_its_own_words() {
    let world = World::of("default").await;
    let mut browser = signed_in(&world).await;
    let empty = browser.get(&format!("{HERE}/service-accounts")).await;
    says(&empty, &["No service accounts yet", "Make one for each program"]);
    let form = browser.get(&format!("{HERE}/service-accounts/new")).await;
    assert!(!form.text.contains("name=\"password\"") && !form.text.contains("name=\"email\""));
    let typed = [("name", HOSTILE), ("role", "Member"), ("node", "/")];
    let backup = made(&browser.fill(&format!("{HERE}/service-accounts/new"), &typed).await);
    let one = format!("{HERE}/service-accounts/{backup}");
    let body = json!({ "name": "nightly", "holder": backup });
    let session = world.session().await;
    world.post(&session, &format!("{ACME}/tokens"), body).await.ok(201);
    let page = browser.get(&one).await;
    says(&page, &[ESCAPED, "1 works"]);
    assert!(!page.text.contains("no e-mail address is known") && !page.text.contains("<script>alert"));
    let ask = browser.get(&format!("{one}/deactivate")).await;
    says(&ask, &["1 token stops at once.", "Deactivate this service account"]);
    assert!(!ask.text.contains("signed out"));
    for (act, done) in [("deactivate", "deactivated"), ("reactivate", "reactivated")] {
        let reply = browser.post(&format!("{one}/{act}"), &[]).await;
        leads_to(&reply, &format!("{one}?done=service-accounts-{done}"));
    }
    says(&browser.get(&format!("{one}/remove")).await, &["1 token is deleted, at once."]);
    let gone = browser.post(&format!("{one}/remove"), &[]).await;
    leads_to(&gone, &format!("{HERE}/service-accounts?done=service-accounts-removed"));
    // Neither is found among the others.
    let ada = world.get(&world.admin, &format!("{ACME}/members")).await.ok(200);
    let ada = id(&ada["items"][0]);
    assert_eq!(browser.get(&format!("{HERE}/service-accounts/{ada}")).await.status, 404);
    assert_eq!(browser.get(&format!("{HERE}/members/{backup}")).await.status, 404);
}

#[tokio::test]
async fn a_role_is_edited_in_a_grid_and_who_would_lose_what_is_told_before_it_is_saved() {
    let world = World::of("default").await;
    let zoe = member(&world, "Zoe", "Viewer").await;
    tokens(&world, "zoe@example.com", 3).await;
    let mut browser = signed_in(&world).await;
    let typed = [("name", "Auditor"), ("may.devices:read", "on"), ("may.journal:read", "on")];
    let auditor = made(&browser.post(&format!("{HERE}/roles/new"), &typed).await);
    let list = browser.get(&format!("{HERE}/roles")).await;
    says(&list, &["Auditor", "read: devices", "In the console: read: journal", "Strongest", "Everything"]);

    // Nobody has it: nobody would notice, and it is saved.
    let one = format!("{HERE}/roles/{auditor}");
    let page = browser.get(&one).await;
    says(&page, &["name=\"may.devices:read\" aria-label=\"devices:read\" checked", "Look before you save"]);
    let typed = [("name", "Auditors"), ("may.devices:read", "on")];
    leads_to(&browser.post(&one, &typed).await, &format!("{one}?done=roles-edited"));

    let roles = world.get(&world.admin, &format!("{ACME}/roles")).await.ok(200);
    let viewer = roles["items"].as_array().unwrap().iter().find(|role| role["name"] == "Viewer").unwrap();
    let one = format!("{HERE}/roles/{}", id(viewer));
    let mut typed = vec![("name", "Viewer"), ("may.devices:read", "on"), ("may.billing:read", "on")];
    let review = browser.post(&one, &typed).await;
    assert_eq!(review.status, 200);
    says(
        &review,
        &[
            "Who would lose or gain what?",
            "The rights of 1 member or service account would change.",
            "3 tokens would do less.",
            "3 tokens would do more.",
            &format!("{HERE}/members/{}\"><bdi>Zoe</bdi>", id(&zoe)),
            "projects, data, files, webhooks, deploy",
            "read: billing",
            "3 do less",
            "<input type=\"hidden\" name=\"may.billing:read\" value=\"on\">",
        ],
    );
    let as_it_was = world.get(&world.admin, &format!("{ACME}/roles")).await.ok(200);
    assert_eq!(as_it_was["items"][3], *viewer, "nothing is saved yet");
    typed.push(("back", "yes"));
    let back = browser.post(&one, &typed).await;
    says(&back, &["name=\"may.billing:read\" aria-label=\"billing:read\" checked"]);
    typed.pop();
    // Looked at before somebody else changed the account: it is looked at again.
    let seen = review.hidden("seen");
    let other = json!({ "name": "Another", "permissions": ["files:read"] });
    world.post(&world.admin, &format!("{ACME}/roles"), other).await.ok(201);
    typed.push(("seen", &seen));
    let again = browser.post(&one, &typed).await;
    says(&again, &["Somebody changed this account meanwhile."]);
    let seen = again.hidden("seen");
    typed.pop();
    typed.push(("seen", &seen));
    leads_to(&browser.post(&one, &typed).await, &format!("{one}?done=roles-edited"));
    let roles = world.get(&world.admin, &format!("{ACME}/roles")).await.ok(200);
    assert_eq!(roles["items"][3]["permissions"], json!(["devices:read", "billing:read"]));
}

#[tokio::test]
async fn a_role_that_cannot_be_saved_or_deleted_says_why() {
    let world = World::of("default").await;
    member(&world, "Zoe", "Viewer").await;
    let mut browser = signed_in(&world).await;
    let roles = world.get(&world.admin, &format!("{ACME}/roles")).await.ok(200);
    let path = |rank: usize| format!("{HERE}/roles/{}", id(&roles["items"][rank]));
    let typed = [("name", "Owner"), ("may.files:read", "on")];
    let taken = browser.post(&format!("{HERE}/roles/new"), &typed).await;
    assert_eq!(taken.status, 422);
    says(&taken, &["id=\"wrong-name\"", "value=\"Owner\"", "aria-label=\"files:read\" checked"]);
    // The strongest keeps its permissions: they are shown, and cannot be ticked.
    let owner = browser.get(&path(0)).await;
    assert!(!owner.text.contains("name=\"may.") && owner.text.contains("keeps all its permissions"));
    let held = browser.get(&format!("{}/delete", path(3))).await;
    says(&held, &["1 member or service account still has it."]);
    assert!(!held.text.contains("Delete this role</button>"));
    let refused = browser.post(&format!("{}/delete", path(3)), &[]).await;
    assert_eq!(refused.status, 422);
    says(&refused, &["is still held by"]);
    assert_eq!(browser.get(&format!("{}/delete", path(0))).await.status, 409);
    let member = format!("{}/delete", path(2));
    says(&browser.get(&member).await, &["Delete the role Member?", "Delete this role"]);
    leads_to(&browser.post(&member, &[]).await, &format!("{HERE}/roles?done=roles-deleted"));
}
