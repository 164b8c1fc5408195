//! Qovery, API Token: the document "API Token" of its documentation, walked from top to bottom
//! under the preset `qovery`.

use e2e::Needs::Dialect;
use e2e::{Server, Walk, text};
use serde_json::json;

#[test]
fn the_document_of_qovery_holds() {
    let mut walk = Walk::through("qovery");
    let server = Server::start("qovery");
    let owner = server.member("Owner");
    let devops = server.member("DevOps");

    let access = "API token allows third-party applications or script to access your organization via the Qovery API (CI/CD, Terraform script, Pulumi etc..).";
    let terraform = walk.step(12, access, || {
        let token =
            server.create(&owner.session, json!({ "name": "terraform", "description": "state in git" }));
        let secret = text(&token, "secret");
        assert!(secret.starts_with("qov_pat_"), "Qovery's tokens bear its brand: {}", &secret[..8]);
        assert_eq!(server.code_for(&secret, "deployments:deploy"), "valid");
        server.as_(&secret).get("/v1/tokens/self").ok(200);
        server.as_(&secret).get(&server.path("members")).ok(200);
        token
    });
    walk.owed(12, access, Dialect);

    let console =
        "You can manage the API tokens attached to your organization directly from the Qovery console.";
    walk.step(14, console, || {
        for caller in [&server.admin_token, &devops.session] {
            assert!(server.token_names(caller, "").contains(&"terraform".to_owned()));
        }
        let viewer = server.member("Viewer");
        server.as_(&viewer.session).get(&server.path("tokens")).refused(403, "forbidden");
        server.ask_for_token(&viewer.session, json!({ "name": "mine" })).refused(403, "forbidden");
    });
    let mut pages = server.pages(&devops.email);
    walk.step(14, console, || {
        assert!(pages.listed().contains(&"terraform".to_owned()), "{}", pages.text());
        let viewer = server.member("Viewer");
        assert_eq!(server.pages(&viewer.email).status(), 403);
    });

    walk.step(
        18,
        "You can manage the API tokens of your organization with the [Qovery CLI][docs.using-qovery.interface.cli#generate-api-token] as well",
        || {
            let run = |arguments: &[&str]| server.jeton_as(&owner.session, arguments, "");
            let made = run(&["token", "create", "from-the-cli", "--description", "a script's", "--json"]).json();
            let (id, secret) = (text(&made, "id"), text(&made, "secret"));
            server.accepts(&secret);
            assert!(run(&["token", "list"]).done().contains("from-the-cli"));
            assert_eq!(run(&["token", "show", &id, "--json"]).json()["description"], "a script's");
            let deleted = run(&["token", "delete", &id, "--confirm", "delete", "--yes"]);
            deleted.done();
            server.rejects(&secret, "revoked");
            assert_eq!(run(&["token", "show", &id]).code, 3, "it is not found any more");
        },
    );

    walk.step(
        22,
        "You can access the token API configuration by opening the `Token API` section within the organization settings.",
        || {
            pages.press("Token API").says("Organization settings > Token API");
            pages.says("allows third-party applications or script to access your organization");
        },
    );
    walk.step(43, "You can create a new token API by pressing the `Add` button.", || {
        pages.press("Add").says("Create a new token");
    });
    let provided = "Once you have provided a name and a description, the token value will be displayed on the interface.";
    let pulumi = walk.step(43, provided, || {
        pages.fill("Name", "pulumi").fill("Description", "staging").press("Create");
        let secret = pages.secret();
        server.accepts(&secret);
        let mut token = server.tokens(&devops.session, "?q=pulumi").remove(0);
        assert_eq!(token["description"], "staging");
        token["secret"] = json!(secret);
        for (field, value) in [("permission", json!({ "role": "Owner" })), ("expires_in", json!("30d"))] {
            let ask = json!({ "name": "more than the form", field: value });
            server.ask_for_token(&devops.session, ask).refused(422, "not_allowed_by_policy");
        }
        token
    });

    walk.step(47, "You won't be able to retrieve it again (you will have to create a new one)", || {
        let (id, secret) = (text(&pulumi, "id"), text(&pulumi, "secret"));
        let later = server.token(&devops.session, &id);
        assert!(later.ok(200).get("secret").is_none() && !later.text.contains(&secret), "{later:?}");
        server.act(&devops.session, &id, "reveal").refused(422, "not_allowed_by_policy");
        server.act(&devops.session, &id, "rotate").refused(422, "not_allowed_by_policy");
        pages.says("Make sure you safely store the token returned by the UI.");
        pages.press("I've copied it").says("pulumi").does_not_say(&secret);
        let second = server.create(&devops.session, json!({ "name": "pulumi-2" }));
        assert_ne!(text(&second, "secret"), secret);
    });

    walk.step(51, "Note that every Token API generated has the `Admin` permission rights.", || {
        let admin = server.role_permissions("Admin");
        for token in [&terraform, &pulumi] {
            let secret = text(token, "secret");
            assert_eq!(server.permissions(&secret), admin, "whoever made it");
            assert_eq!(server.verify(&secret)["role"], "Admin");
            assert_eq!(token["permission"], json!({ "role": "Admin" }));
        }
        assert_ne!(admin, server.role_permissions("Owner"));
        assert_ne!(admin, server.role_permissions("DevOps"));
    });

    let bin =
        "You can create a new token API by pressing the `Bin` button next to the Token you want to delete.";
    walk.step(56, bin, || {
        let (id, secret) = (text(&pulumi, "id"), text(&pulumi, "secret"));
        server.delete(&owner.session, &id, "").refused(422, "confirmation_required");
        server.accepts(&secret);
        let mut pages = server.pages(&owner.email);
        pages.press_at("pulumi staging", "Bin").says("Delete a token");
        pages.fill("Type \"delete\" to confirm", "delete").press("Delete");
        server.rejects(&secret, "revoked");
        assert!(!server.token_names(&owner.session, "").contains(&"pulumi".to_owned()));
    });

    walk.step(60, "This functionality is not yet available", || {
        let path = server.path(&format!("tokens/{}", text(&terraform, "id")));
        let edit = server.as_(&owner.session).patch(&path, json!({ "name": "renamed" }));
        edit.refused(422, "not_allowed_by_policy");
        pages.open(&format!("tokens/{}", text(&terraform, "id")));
        pages.says("This functionality is not yet available");
        assert!(!pages.offers("Edit"), "{}", pages.text());
    });

    walk.finish(&[(12, Dialect)]);
}

#[test]
fn a_name_is_taken_once_in_an_organization_until_it_is_deleted() {
    let server = Server::start("qovery");
    let first = server.create_named(&server.admin_token, "terraform");
    server.ask_for_token(&server.admin_token, json!({ "name": "terraform" })).refused(409, "name_taken");
    server.delete(&server.admin_token, &text(&first, "id"), "?confirm=delete").ok(200);
    server.create_named(&server.admin_token, "terraform");
}

#[test]
fn the_preset_has_the_words_of_qoverys_pages() {
    let server = Server::start("qovery");
    server.speaks(&[
        "Token API",
        "Add",
        "Bin",
        "This functionality is not yet available",
        "You won't be able to retrieve it again",
    ]);
}
