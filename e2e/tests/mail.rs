//! Notices by mail, taken by a real mail server on loopback: what arrives, what its links do, and what a
//! mail server that is away and a process that is killed make of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::journal::Database;
use e2e::{ADMIN, Authority, Begin, MailServer, Place, Server, only_on, text};
use serde_json::{Value, json};
use ureq::http::Method;

const PASSWORD: &str = "Quill-7-the-postman";

/// Mails go there, and say that the console is here.
fn configuration(url: &str) -> String {
    format!(
        "[server]\npublic_url = \"https://tokens.example.com\"\n\
         [mail]\nurl = \"{url}\"\nfrom = \"Acme tokens <tokens@example.com>\"\n"
    )
}

fn start(url: &str) -> Server {
    Begin::preset("default").configuration(&configuration(url)).start()
}

/// A token that ends in five days, of which notice is due at once.
#[track_caller]
fn ending(server: &Server, name: &str) -> String {
    let body = json!({ "name": name, "expires_in": "5 days" });
    text(server.admin().post("/v1/accounts/acme/tokens", body).ok(201), "id")
}

/// Waits until so many notices of ends have come, and hands them out, without what else was mailed.
#[track_caller]
fn notices(mail: &MailServer, count: usize) -> Vec<Value> {
    let mut all = count;
    loop {
        let taken = mail.takes(all);
        all = taken.len() + 1;
        let ends = |it: &Value| head(it, "subject").contains(" ends in ");
        let notices: Vec<Value> = taken.into_iter().filter(ends).collect();
        if notices.len() >= count {
            return notices;
        }
    }
}

#[track_caller]
fn head<'a>(mail: &'a Value, name: &str) -> &'a str {
    mail["headers"][name].as_str().unwrap_or_else(|| panic!("no {name}: {mail:#}"))
}

#[test]
fn a_notice_arrives_over_starttls_with_one_link_there_and_one_out() {
    let authority = Authority::new();
    let mail = MailServer::guarded(&authority, &format!("jeton:{PASSWORD}"));
    let ca = authority.file().display().to_string();
    let url = format!("smtp://jeton@localhost:{}?starttls=required&ca={ca}", mail.port);
    let server = Begin::preset("default")
        .configuration(&configuration(&url))
        .variable("JETON_MAIL__PASSWORD", PASSWORD)
        .start();
    let id = ending(&server, "deploy");
    let taken = notices(&mail, 1);
    let it = &taken[0];
    assert_eq!(it["to"], json!([ADMIN]));
    assert_eq!(
        (&it["encrypted"], &it["login"], &it["from"]),
        (&json!(true), &json!("jeton"), &json!("tokens@example.com"))
    );
    assert_eq!(head(it, "subject"), "Token “deploy” ends in 5 days");
    assert!(head(it, "message-id").ends_with("@example.com>"), "{it:#}");
    for part in ["text", "html"] {
        let said = it[part].as_str().unwrap();
        assert!(said.contains(&format!("https://tokens.example.com/console/acme/tokens/{id}")), "{said}");
        assert!(said.contains("The token “deploy” of"), "{said}");
        for secret in [&server.admin_token, &server.service_key, PASSWORD] {
            assert!(!said.contains(secret));
        }
    }
    // A look changes nothing; a mail program's click does, and a second one does no harm.
    let out = head(it, "list-unsubscribe").trim_matches(['<', '>']);
    let path = out.strip_prefix("https://tokens.example.com").expect("an address of ours").to_owned();
    assert_eq!(head(it, "list-unsubscribe-post"), "List-Unsubscribe=One-Click");
    let chosen = || server.admin().get("/v1/accounts/acme/notices").ok(200)["mail"].clone();
    let asked = |method, path: &str, headers: &[(&str, &str)], body| {
        server.anonymous().raw(method, path, headers, body).status
    };
    assert_eq!(asked(Method::GET, &path, &[], ""), 200);
    assert_eq!(chosen(), true);
    // RFC 8058, section 3.2: in either form.
    let parts =
        "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=x", parts),
    ] {
        assert_eq!(asked(Method::POST, &path, &[("content-type", kind)], body), 200);
        assert_eq!(chosen(), false);
    }
    assert_eq!(asked(Method::POST, &format!("{path}0"), &[], ""), 404);
    let output = server.output();
    assert!(output.contains("sent letter let_"), "{output}");
    for secret in [PASSWORD, ADMIN, &path] {
        assert!(!output.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn a_mail_server_that_speaks_tls_from_the_first_byte_is_spoken_to_so() {
    let authority = Authority::new();
    let mail = MailServer::wrapped(&authority);
    let ca = authority.file().display().to_string();
    let server = start(&format!("smtps://localhost:{}?ca={ca}", mail.port));
    ending(&server, "deploy");
    assert_eq!(mail.takes(1)[0]["encrypted"], true);
}

#[test]
fn nothing_is_sent_to_a_mail_server_that_nobody_vouches_for() {
    let authority = Authority::new();
    let mail = MailServer::guarded(&authority, &format!("jeton:{PASSWORD}"));
    let url = format!("smtp://jeton:{PASSWORD}@localhost:{}", mail.port);
    let server = start(&url);
    ending(&server, "deploy");
    server.line_with("was not taken; it is tried again at");
    assert!(mail.taken().is_empty());
    assert!(!server.output().contains(PASSWORD));
    let doctor = server.jeton(&[&["doctor"][..], &strs(&server.installation())].concat());
    assert_eq!(doctor.code, 1, "{doctor:#?}");
    assert!(doctor.stdout.contains("the mail server's certificate is not trusted"), "{doctor:#?}");
    assert!(!doctor.stdout.contains(PASSWORD));
}

fn strs(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

#[test]
fn a_mail_server_that_comes_back_gets_what_waited_once() {
    let mut mail = MailServer::plain();
    let server = start(&format!("smtp://127.0.0.1:{}?starttls=none", mail.port));
    let doctor = server.jeton(&[&["doctor"][..], &strs(&server.installation())].concat());
    assert!(doctor.done().contains("answers"), "{doctor:#?}");
    mail.stop();
    ending(&server, "deploy");
    server.line_with("was not taken; it is tried again at");
    mail.start();
    assert_eq!(head(&notices(&mail, 1)[0], "subject"), "Token “deploy” ends in 5 days");
    // Whoever is told of another end hears nothing of the first again.
    ending(&server, "another");
    let taken = notices(&mail, 2);
    assert_eq!((taken.len(), head(&taken[1], "subject")), (2, "Token “another” ends in 5 days"));
}

#[test]
fn without_a_mail_server_nothing_is_promised_and_half_a_configuration_is_refused() {
    let server = Server::start("default");
    ending(&server, "deploy");
    drop(server);
    for (toml, why) in [
        ("[mail]\nurl = \"smtp://127.0.0.1:1\"\n", "mail.from is not"),
        (
            "[mail]\nurl = \"smtp://a:hunter2@relay?starttls=none\"\nfrom = \"a@b.c\"\n",
            "a password would go to another machine",
        ),
        (
            "[mail]\nurl = \"smtp://127.0.0.1:1\"\nfrom = \"a@b.c\"\ntemplates = \"/nowhere\"\n",
            "mail.templates cannot be used",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("jeton.toml");
        std::fs::write(&file, toml).unwrap();
        let output = std::process::Command::new(e2e::binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file)
            .arg("--data")
            .arg(home.path().join("data"))
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{toml}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// 120 readers of one end, and a process that dies again and again while it writes to them.
#[test]
fn each_is_told_once_though_the_process_is_killed_in_the_middle() {
    if !only_on(&[Place::Sqlite], "peers wait for a letter's turn to pass, which takes minutes") {
        return;
    }
    const READERS: usize = 120;
    let mail = MailServer::plain();
    let mut server = start(&format!("smtp://127.0.0.1:{}?starttls=none", mail.port));
    let admin = server.admin();
    for n in 0..READERS - 1 {
        let body = json!({ "name": format!("Reader {n}"), "email": format!("reader{n}@example.com"), "role": "Admin" });
        admin.put(&format!("/v1/accounts/acme/members/by-external-id/reader-{n}"), body).ok(201);
    }
    ending(&server, "deploy");
    let mut kills = 0;
    for at_least in [1, 30, 70] {
        notices(&mail, at_least);
        // Not a wait for anything: the moment of the crash is the point of the test.
        std::thread::sleep(Duration::from_millis(7 * at_least as u64 % 40));
        server.kill9();
        kills += 1;
        assert_eq!(Database::of(&server).integrity(), "ok");
        server.restart();
    }
    let mut by_reader: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut count = READERS;
    let copies = loop {
        let taken = notices(&mail, count);
        by_reader.clear();
        for it in &taken {
            let id = head(it, "message-id").to_owned();
            by_reader.entry(it["to"][0].as_str().unwrap().to_owned()).or_default().insert(id);
        }
        if by_reader.len() == READERS {
            break taken.len() - READERS;
        }
        count = taken.len() + 1;
    };
    assert!(by_reader.values().all(|letters| letters.len() == 1), "told by two letters: {by_reader:#?}");
    // Between the mail server's 250 and our row a mail can be sent again; it has the same id then.
    assert!(copies <= kills * 16, "{copies} copies");
    println!("{copies} copies of {READERS} letters by {kills} kills");
}

/// What happens is mailed too, and what lets somebody in works for whoever has the mail.
#[test]
fn who_forgot_their_password_is_mailed_a_link_that_works_once_and_is_in_no_log() {
    let mail = MailServer::plain();
    let server = start(&format!("smtp://127.0.0.1:{}?starttls=none", mail.port));
    let bob = json!({ "name": "Bob", "email": "bob@example.com", "role": "Member", "password": PASSWORD });
    server.admin().post("/v1/accounts/acme/members", bob).ok(201);
    let asks = |email: &str| {
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        server
            .anonymous()
            .raw(Method::POST, "/console/_forgotten", &headers, &format!("email={email}"))
            .status
    };
    assert_eq!([asks("nobody@example.com"), asks("bob@example.com")], [200, 200]);
    let taken = mail.takes(1);
    let it = &taken[0];
    assert_eq!((&it["to"], head(it, "subject")), (&json!(["bob@example.com"]), "Choose another password"));
    assert!(it["headers"]["list-unsubscribe"].is_null(), "{it:#}");
    let said = it["text"].as_str().unwrap();
    let path = said.split("https://tokens.example.com").nth(1).and_then(|rest| rest.lines().next());
    let path = path.expect("a link of ours").trim();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let sets = || server.anonymous().raw(Method::POST, path, &headers, "password=eight-green-bottles").status;
    assert_eq!([sets(), sets()], [200, 404]);
    let login = |password: &str| {
        let body = json!({ "email": "bob@example.com", "password": password });
        server.anonymous().post("/v1/sessions", body).status
    };
    assert_eq!([login(PASSWORD), login("eight-green-bottles")], [401, 201]);
    let secret = path.rsplit('/').next().unwrap();
    let output = server.output();
    assert!(!output.contains(secret) && !output.contains("bob@example.com"), "{output}");
}
