//! The command line as scripts use it: data on standard output, everything else on standard error,
//! and an exit code that says which kind of failure it was.

use e2e::{ADMIN, Finished, PASSWORD, Server, text};
use serde_json::Value;

const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const NOT_FOUND: i32 = 3;
const DENIED: i32 = 4;
const UNREACHABLE: i32 = 5;

/// A server and somebody signed in to it by command.
fn logged_in() -> Server {
    let server = Server::start("default");
    let login = server.jeton_with_input(&["login", "--email", ADMIN, "--password-file", "-"], PASSWORD);
    login.done();
    assert!(
        !login.stdout.contains("jtn_") && !login.stderr.contains("jtn_"),
        "a login shows no token: {login:#?}"
    );
    server
}

/// The id within a token's text.
fn id_of(secret: &str) -> String {
    let mut parts = secret.split('_').skip(1);
    format!("{}_{}", parts.next().expect("a kind"), parts.next().expect("an id"))
}

/// The strings of a list.
fn text_list(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|item| item.as_str().expect("a string").to_owned()).collect()
}

/// The verdict by command, which needs a key that may ask.
fn verify(server: &Server, secret: &str) -> Finished {
    server.jeton_as(&server.service_key, &["token", "verify"], secret)
}

#[test]
fn a_token_goes_through_its_whole_life_by_command() {
    let server = logged_in();
    let run = |arguments: &[&str]| server.jeton(arguments);

    let made = run(&["token", "create", "ci", "--role", "Viewer", "--expires-in", "90d"]);
    let first = made.done().trim_end().to_owned();
    assert!(first.starts_with("jtn_pat_") && first.len() == 53, "the secret alone: {made:#?}");
    assert!(!made.stderr.contains(&first), "the secret on standard output only: {made:#?}");
    let id = id_of(&first);
    assert!(verify(&server, &first).done().contains("valid"));

    assert!(run(&["token", "list"]).done().contains(&id));
    run(&["token", "edit", &id, "--name", "nightly"]).done();
    assert_eq!(text(&run(&["token", "show", &id, "--json"]).json(), "name"), "nightly");

    let second = run(&["token", "rotate", &id, "--grace", "1 hour"]).done().trim_end().to_owned();
    assert_ne!(second, first);
    for secret in [&first, &second] {
        assert_eq!(verify(&server, secret).code, DONE, "both are good during the grace");
    }
    run(&["token", "revoke", &id_of(&second), "--reason", "laptop lost", "--yes"]).done();
    for secret in [&first, &second] {
        let verdict = verify(&server, secret);
        assert_eq!(verdict.code, FAILED, "{verdict:#?}");
        assert!(verdict.stdout.contains("revoked"), "{verdict:#?}");
    }
    run(&["token", "approve", &id_of(&second)]).done();
    assert_eq!(verify(&server, &second).code, DONE);
    assert_eq!(verify(&server, &first).code, FAILED, "approving the new one does not revive the old one");

    let unconfirmed = run(&["token", "delete", &id_of(&second), "--yes"]);
    assert_eq!(unconfirmed.code, FAILED, "{unconfirmed:#?}");
    assert!(unconfirmed.stderr.contains("--confirm"), "{unconfirmed:#?}");
    run(&["token", "delete", &id_of(&second), "--confirm", "nightly", "--yes"]).done();
    assert_eq!(verify(&server, &second).code, FAILED);
}

/// The id of what a command made.
fn made(finished: &Finished) -> String {
    text(&finished.json(), "id")
}

#[test]
fn an_account_gets_its_people_role_place_service_and_policy_by_command_alone() {
    let server = logged_in();
    let run = |arguments: &[&str]| server.jeton(arguments);

    // A role, and a person who has it.
    let permissions = ["--permission", "deploy:trigger,projects:read"];
    run(&[&["role", "create", "Deployer"], &permissions[..]].concat()).done();
    let create = ["member", "create", "Grace", "--email", "grace@example.com", "--role", "Deployer"];
    let create = [&create[..], &["--password-file", "-", "--json"]].concat();
    let grace = made(&server.jeton_with_input(&create, PASSWORD));
    assert!(run(&["member", "list"]).done().contains(&grace));
    let session = server.log_in("grace@example.com").text_at("token");
    let rights = || text_list(&server.jeton_as(&session, &["whoami", "--json"], "").json()["permissions"]);
    assert_eq!(rights(), ["projects:read", "deploy:trigger"]);
    run(&["role", "edit", "Deployer", "--permission", "projects:read"]).done();
    assert_eq!(rights(), ["projects:read"], "whoever has a role follows it");
    let refused = server.jeton_as(&session, &["role", "create", "King", "--permission", "deploy:read"], "");
    assert_eq!(refused.code, DENIED, "{refused:#?}");
    assert_eq!(run(&["role", "delete", "Deployer", "--yes"]).code, FAILED, "Grace has it");
    assert_eq!(run(&["role", "delete", "Deploier", "--yes"]).code, NOT_FOUND);

    // A place, a service account, and its token there, of which a service asks.
    run(&["node", "create", "/sales", "--name", "Sales"]).done();
    run(&["node", "edit", "/sales", "--name", "Sales department"]).done();
    assert!(run(&["node", "list"]).done().contains("/sales  Sales department  project"));
    let copy = made(&run(&["installation", "create", "frankfurt", "--node", "/sales", "--json"]));
    run(&["installation", "edit", &copy, "--unlink"]).done();
    assert!(!run(&["installation", "show", &copy]).done().contains("/sales"));
    assert_eq!(run(&["installation", "delete", &copy]).code, USAGE);
    run(&["installation", "delete", &copy, "--yes"]).done();
    assert_eq!(run(&["installation", "show", &copy]).code, NOT_FOUND);
    let bot = made(&run(&["service-account", "create", "deployer", "--role", "Viewer", "--json"]));
    let token = run(&["token", "create", "ci", "--holder", &bot, "--node", "/sales", "--role", "Viewer"]);
    let token = token.done().trim_end().to_owned();
    let key = run(&["service", "create", "gateway", "--scope", "verify"]).done().trim_end().to_owned();
    let verify = |node: &str| server.jeton_as(&key, &["token", "verify", "--node", node, "--json"], &token);
    assert_eq!(verify("/sales").code, DONE);
    assert_eq!(text(&serde_json::from_str(&verify("/").stdout).expect("a verdict"), "code"), "out_of_scope");
    run(&["service-account", "deactivate", &bot]).done();
    assert!(verify("/sales").stdout.contains("\"suspended\""));
    run(&["service-account", "reactivate", &bot]).done();
    assert_eq!(verify("/sales").code, DONE);
    run(&["service-account", "edit", &bot, "--name", "releaser"]).done();
    assert!(run(&["service-account", "show", &bot]).done().contains("releaser"));
    run(&["service-account", "remove", &bot, "--yes"]).done();
    assert_eq!(verify("/sales").code, FAILED);
    assert_eq!(run(&["service", "revoke", &id_of(&key)]).code, USAGE, "nobody can be asked");
    run(&["service", "revoke", &id_of(&key), "--yes"]).done();
    assert_eq!(verify("/sales").code, DENIED, "a revoked key asks nothing");
    assert!(run(&["service", "list"]).done().contains("revoked"));

    // Grace gets another role, which leaves hers to nobody, and then she leaves.
    run(&["member", "edit", &grace, "--binding", "Viewer@/sales"]).done();
    assert!(run(&["member", "list"]).done().contains("Viewer@/sales"));
    run(&["role", "delete", "Deployer", "--yes"]).done();
    assert!(!run(&["role", "list"]).done().contains("Deployer"));
    assert_eq!(run(&["member", "remove", &grace]).code, USAGE);
    run(&["member", "remove", &grace, "--yes"]).done();
    assert_eq!(server.jeton_as(&session, &["whoami"], "").code, DENIED);
}

#[test]
fn a_policy_is_edited_as_a_file_and_every_presets_comes_back_as_it_was() {
    let server = logged_in();
    let strongest = [
        ("default", "Owner"),
        ("cockpit", "ACCOUNT_PRIMARY_OWNER"),
        ("qovery", "Owner"),
        ("tagoio", "Owner"),
        ("arm", "Registered Admin"),
        ("gcore", "Administrators"),
    ];
    for (preset, role) in strongest {
        let (account, email) = (format!("a-{preset}"), format!("{preset}@example.com"));
        server.jeton(&["account", "create", &account, "--preset", preset]).done();
        assert!(server.jeton(&["account", "show", &account]).done().contains(preset));
        // An operator founds an account; what it allows is for its own people.
        let create = ["member", "create", "Ann", "--account", &account, "--role", role, "--email", &email];
        server.jeton_with_input(&[&create[..], &["--password-file", "-"]].concat(), PASSWORD).done();
        let session = server.log_in_to(&account, &email).text_at("token");
        let run = |arguments: &[&str], input: &str| server.jeton_as(&session, arguments, input);

        let show = ["policy", "show"];
        let before = run(&show, "");
        let file = server.directory().join("policy.toml").display().to_string();
        std::fs::write(&file, before.done()).expect("our directory");
        let set = ["policy", "set", &file, "--password-file", "-"];
        run(&set, PASSWORD).done();
        assert_eq!(run(&show, "").stdout, before.stdout, "{preset}");

        let brand = before.stdout.lines().find(|line| line.starts_with("brand")).expect("a brand");
        std::fs::write(&file, before.stdout.replace(brand, "brand = \"acm\"")).expect("our directory");
        run(&set, PASSWORD).done();
        assert_eq!(text(&run(&[&show[..], &["--json"]].concat(), "").json(), "brand"), "acm");

        std::fs::write(&file, before.stdout.replace(brand, "brand = \"far too long\""))
            .expect("our directory");
        let refused = run(&set, PASSWORD);
        assert_eq!(refused.code, FAILED, "{refused:#?}");
        assert!(refused.stderr.contains("brand"), "the switch is named: {refused:#?}");
    }
}

#[test]
fn a_service_makes_a_members_token_by_command_and_an_account_is_closed_and_reopened() {
    let server = logged_in();
    let run = |arguments: &[&str]| server.jeton(arguments);
    run(&["account", "create", "globex", "--external-id", "c-1"]).done();
    let create = ["member", "create", "User", "--account", "globex", "--external-id", "user 4711"];
    run(&[&create[..], &["--role", "Viewer"]].concat()).done();
    let key = run(&["service", "create", "backend", "--scope", "verify,act_as"]).done().trim_end().to_owned();
    let acting = ["token", "create", "ci", "--as", "user 4711", "--account", "globex"];
    let token = server.jeton_as(&key, &acting, "").done().trim_end().to_owned();
    let verify = || server.jeton_as(&key, &["token", "verify", "--json"], &token);
    let verdict = verify().json();
    assert_eq!(text(&verdict["holder"], "external_id"), "user 4711");
    assert_eq!(text(&verdict["account"], "external_id"), "c-1");

    run(&["account", "deactivate", "globex"]).done();
    assert_eq!(verify().code, FAILED);
    assert!(run(&["account", "show", "globex"]).done().contains("inactive since"));
    run(&["account", "reactivate", "globex"]).done();
    assert_eq!(verify().code, DONE);
    run(&["account", "edit", "globex", "--external-id", "c-2"]).done();
    assert_eq!(text(&verify().json()["account"], "external_id"), "c-2");
}

#[test]
fn somebody_ends_a_login_elsewhere_by_command() {
    let server = logged_in();
    let elsewhere = server.log_in(ADMIN).text_at("token");
    assert!(server.jeton(&["session", "list"]).done().contains(&id_of(&elsewhere)));
    server.jeton(&["session", "end", &id_of(&elsewhere)]).done();
    assert_eq!(server.jeton_as(&elsewhere, &["whoami"], "").code, DENIED);
    assert_eq!(server.jeton(&["whoami"]).code, DONE, "this one goes on");
}

#[test]
fn whoami_says_who_until_the_logout() {
    let server = logged_in();
    assert_eq!(text(&server.jeton(&["whoami", "--json"]).json(), "account"), "acme");
    server.jeton(&["logout"]).done();
    assert_eq!(server.jeton(&["whoami"]).code, DENIED);
    assert_eq!(server.jeton(&["token", "list"]).code, DENIED);
}

#[test]
fn the_exit_code_says_what_kind_of_failure_it_was() {
    let server = logged_in();
    assert_eq!(server.jeton(&["token", "create"]).code, USAGE);
    assert_eq!(server.jeton(&["token", "show", "pat_0123456789ab"]).code, NOT_FOUND);
    assert_eq!(server.jeton_as("jtn_pat_nobody", &["token", "list"], "").code, DENIED);
    assert_eq!(server.jeton(&["token", "create", "ci", "--role", "Emperor"]).code, FAILED);
    let nowhere =
        server.jeton_as(&server.admin_token, &["token", "list", "--server", "http://127.0.0.1:1"], "");
    assert_eq!(nowhere.code, UNREACHABLE, "{nowhere:#?}");
    assert!(nowhere.stdout.is_empty(), "nothing but data on standard output: {nowhere:#?}");
}

#[test]
fn a_wrong_password_is_denied_and_not_repeated_to_the_terminal() {
    let server = Server::start("default");
    let login =
        server.jeton_with_input(&["login", "--email", ADMIN, "--password-file", "-"], "not-the-Quill-4711");
    assert_eq!(login.code, DENIED, "{login:#?}");
    assert!(!login.stdout.contains("4711") && !login.stderr.contains("4711"), "{login:#?}");
}

#[test]
fn what_works_on_the_data_is_refused_while_the_server_runs_and_init_once_there_is_an_account() {
    let mut server = Server::start("default");
    let password = server.directory().join("password").display().to_string();
    let on_the_data = |command: &str, more: &[&str]| -> Vec<String> {
        let more = more.iter().map(|argument| argument.to_string());
        [command.to_owned()].into_iter().chain(server.installation()).chain(more).collect()
    };
    let init = on_the_data("init", &["--account", "other", "--admin", ADMIN, "--password-file", &password]);
    let setup_link = on_the_data("setup-link", &[]);
    let serve = on_the_data("serve", &["--listen", "127.0.0.1:0"]);
    let run = |server: &Server, command: &[String]| {
        server.jeton(&command.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut refused = vec![&init, &setup_link];
    if server.postgres().is_none() {
        // On PostgreSQL it would be one peer more.
        refused.push(&serve);
    }
    for command in refused {
        let refused = run(&server, command);
        assert_eq!(refused.code, FAILED, "{refused:#?}");
        assert!(refused.stdout.is_empty(), "{refused:#?}");
    }
    server.stop();
    for command in [&init, &setup_link] {
        assert_eq!(run(&server, command).code, FAILED, "there is an account already");
    }
    server.restart();
    server.accepts(&server.admin_token);
}

#[test]
fn the_configuration_says_where_it_came_from_and_knows_its_keys() {
    let server = Server::start("default");
    let data = server.data().display().to_string();
    let shown = server.jeton(&["config", "show", "--origin", "--data", &data]);
    assert!(shown.done().contains("--data"), "{shown:#?}");
    std::fs::write(server.directory().join("wrong.toml"), "[server]\nlisen = \"127.0.0.1:1\"\n")
        .expect("our directory");
    let wrong = server.directory().join("wrong.toml").display().to_string();
    let checked = server.jeton(&["config", "check", "--config", &wrong]);
    assert_eq!(checked.code, FAILED);
    let said = format!("{}{}", checked.stdout, checked.stderr);
    assert!(
        said.contains("lisen") && said.contains("listen"),
        "the nearest known key is named: {checked:#?}"
    );
}
