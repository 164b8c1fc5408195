//! `jeton dev`: a server to develop against, the same at every start, on this machine alone.

use e2e::{Dev, in_seconds, strings, text};
use rstest::rstest;
use serde_json::json;

#[rstest]
fn it_begins_with_somebody_in_each_role(
    #[values("default", "cockpit", "qovery", "tagoio", "arm", "gcore")] preset: &str,
) {
    let dev = Dev::start(preset);
    let people = dev.people();
    let password = text(&dev.printed, "password");
    for person in &people {
        let login = json!({ "email": person["email"], "password": password, "account": person["account"] });
        let session = dev.as_("nobody").post("/v1/sessions", login);
        assert!(matches!(session.status, 200 | 201), "{person}: {session:?}");
        if let Some(token) = person["token"].as_str() {
            let verdict = dev.verify(token);
            assert_eq!(verdict["code"], "valid", "{person}: {verdict:#}");
            assert_eq!(verdict["account"]["id"], person["account"]);
            assert_eq!(verdict["holder"]["id"], person["member"]);
        }
    }
    // No two tokens of an account have the same name there, and most roles make some.
    if preset == "qovery" {
        let cleo = people.iter().find(|person| person["email"] == "cleo@example.com").expect("the third");
        assert!(cleo["token"].is_string(), "{cleo}");
    }
    let admin = dev.as_(people[0]["token"].as_str().expect("the first has a token"));
    let roles = admin.get("/v1/accounts/acme/roles?limit=100");
    let roles = roles.ok(200)["items"].as_array().expect("items").iter().map(|role| role["name"].clone());
    let held =
        people.iter().filter(|person| person["account"] == "acme").map(|person| person["role"].clone());
    assert_eq!(strings(&held.collect()), strings(&roles.collect()), "somebody in each role");
    assert!(people.iter().any(|person| person["account"] == "globex"), "and a stranger");
    assert_eq!(dev.stop(), Vec::<String>::new(), "nothing stays");
}

#[test]
fn it_is_the_same_at_every_start_and_forgets_what_was_done() {
    let secrets = |dev: &Dev| {
        let mut known = dev.printed.clone();
        known.as_object_mut().expect("an object").remove("url");
        known
    };
    let dev = Dev::start("default");
    let first = secrets(&dev);
    let token = text(&dev.people()[2], "token");
    dev.as_(&token).delete("/v1/tokens/self").ok(200);
    assert_eq!(dev.verify(&token)["valid"], false);
    dev.stop();
    let again = Dev::start("default");
    assert_eq!(secrets(&again), first);
    assert_eq!(again.verify(&token)["valid"], true);
    again.stop();
}

#[test]
fn its_clock_is_moved_on_and_never_back() {
    let dev = Dev::start("default");
    let token = text(&dev.people()[0], "token");
    let clock = dev.as_("nobody");
    let before = clock.get("/dev/clock").text_at("now");
    assert!(before.as_str() < in_seconds(60).as_str());
    let moved = clock.post("/dev/clock", json!({ "advance": "89 days" })).text_at("now");
    assert!(moved > in_seconds(88 * 86_400), "{before} became {moved}");
    assert_eq!(dev.verify(&token)["valid"], true);
    clock.post("/dev/clock", json!({ "advance": "2 days" })).ok(200);
    assert_eq!(dev.verify(&token)["code"], "expired");
    for nonsense in ["-3 days", "soon", ""] {
        clock.post("/dev/clock", json!({ "advance": nonsense })).refused(422, "invalid_field");
    }
    clock.post("/dev/clock", json!({ "back": "3 days" })).refused(400, "bad_request");
    dev.stop();
    let server = e2e::Server::start("default");
    server.anonymous().post("/dev/clock", json!({ "advance": "3 days" })).refused(404, "not_found");
}

#[test]
fn a_page_whose_name_was_made_to_lead_here_reads_and_moves_nothing() {
    let dev = Dev::start("default");
    let token = text(&dev.people()[0], "token");
    let here = dev.as_(&token);
    here.header("Host", "localhost").get("/v1/tokens/self").ok(200);
    let before = here.get("/dev/clock").text_at("now");
    let there = here.header("Host", "evil.example");
    for path in ["/v1/tokens/self", "/dev/clock", "/openapi.json"] {
        there.get(path).refused(400, "bad_request");
    }
    there.post("/dev/clock", json!({ "advance": "3 days" })).refused(400, "bad_request");
    assert!(here.get("/dev/clock").text_at("now")[..10] <= in_seconds(60)[..10], "{before}");
    dev.stop();
}

#[test]
fn it_answers_on_this_machine_alone() {
    let runtime = tempfile::tempdir().expect("a directory");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let output =
            Dev::command(runtime.path()).args(["dev", "--listen", address]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("not an address of this machine alone") && said.contains("jeton serve"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
}
