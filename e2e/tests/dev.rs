//! `jeton dev`: a server to develop against, the same at every start, on this machine alone.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use e2e::{Client, binary, in_seconds, strings, text};
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// One that runs, and what it printed.
struct Dev {
    child: Child,
    printed: Value,
    runtime: TempDir,
}

impl Dev {
    fn start(preset: &str) -> Dev {
        let runtime = tempfile::tempdir().expect("a directory");
        let mut child = command(runtime.path())
            .args(["dev", "--preset", preset, "--listen", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was found");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("a line");
        let printed = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut said = String::new();
            child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
            panic!("no JSON, {error}: {line}{said}")
        });
        Dev { child, printed, runtime }
    }

    fn as_(&self, secret: &str) -> Client {
        Client::anonymous(&text(&self.printed, "url")).bearer(secret)
    }

    fn verify(&self, token: &str) -> Value {
        let key = text(&self.printed, "service_key");
        self.as_(&key).post("/v1/verify", json!({ "token": token })).ok(200).clone()
    }

    fn people(&self) -> Vec<Value> {
        self.printed["people"].as_array().expect("a list").clone()
    }

    /// Ends it, and tells whether it left anything.
    fn stop(mut self) -> Vec<String> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("our own child");
        assert!(self.child.wait().expect("our own child").success());
        let left = std::fs::read_dir(self.runtime.path()).expect("our own directory");
        left.map(|entry| entry.expect("readable").path().display().to_string()).collect()
    }
}

fn command(runtime: &std::path::Path) -> Command {
    let mut command = Command::new(binary());
    command.env_clear().current_dir(runtime).env("XDG_RUNTIME_DIR", runtime).env("NO_COLOR", "1");
    command
}

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
        let output = command(runtime.path()).args(["dev", "--listen", address]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("not an address of this machine alone") && said.contains("jeton serve"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
}
