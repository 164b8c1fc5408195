//! How mails read, in both languages: compared with what was looked at and agreed on, in `letters/`.
//! `ACCEPT=1 cargo test -p mail` writes them anew.

use std::path::Path;

use domain::mail::{By, Item, Mail, Topic, WayIn, WayOut};
use domain::time::{DAY, Timestamp};
use mail::{Language, Style, Templates, Writer};

fn writer(language: Language) -> Writer {
    Writer {
        from: "Tokens <tokens@acme.test>".parse().unwrap(),
        style: Style {
            language,
            console: "https://tokens.acme.test/console".into(),
            name: "Acme tokens".into(),
            accent: "#2f5bd0".into(),
        },
        templates: Templates::read(None).unwrap(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn mail(names: &[&str]) -> Mail {
    of(Topic::Ending, names, By::Somebody, None)
}

/// A mail about tokens with these names; of ends one every three hours.
fn of(topic: Topic, names: &[&str], by: By, said: Option<&str>) -> Mail {
    let end = at("2026-06-08T12:00:00Z");
    let item = |(name, n): (&&str, i64)| Item {
        token: "pat_0123456789ab".parse().unwrap(),
        name: (*name).to_owned(),
        holder: "Robot".to_owned(),
        at: if topic == Topic::Ending { end.plus_micros(n * DAY / 8) } else { at("2026-06-01T00:00:00Z") },
        by: by.clone(),
        said: said.map(str::to_owned),
        deleted: false,
    };
    let way_in = WayIn::new("0123456789abcdef0123456789abcdef0123456789abcdef".into());
    let way_out = WayOut::new("0123456789abffffffffffffffffffffffffffffffff".into());
    Mail {
        id: "let_0123456789ab".parse().unwrap(),
        topic,
        address: "ada@acme.test".into(),
        name: "Ada Lovelace".into(),
        account: "acme".parse().unwrap(),
        account_name: "Acme & Söhne".into(),
        items: names.iter().zip(0..).map(item).collect(),
        way_in: topic.opens_for().map(|_| (way_in, at("2026-06-01T00:30:00Z"))),
        now: at("2026-06-01T00:00:07Z"),
        way_out: topic.can_be_left().then_some(way_out),
    }
}

/// Every mail that was agreed on, by the name of its file.
fn mails() -> Vec<(&'static str, Mail)> {
    let many: Vec<String> = (1..=23).map(|n| format!("deploy {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (one, two) = (["deploy"], ["deploy", "backup & <restore>"]);
    let bob = || By::Named("Bob".into());
    let mut deleted = of(Topic::Revoked, &one, By::Operator, None);
    deleted.items[0].deleted = true;
    vec![
        ("one", mail(&one)),
        ("several", mail(&two)),
        ("many", mail(&many)),
        ("created", of(Topic::Created, &one, By::You, None)),
        ("created-many", of(Topic::Created, &many, bob(), None)),
        ("revoked", of(Topic::Revoked, &one, bob(), None)),
        ("revoked-said", of(Topic::Revoked, &one, bob(), Some("the contractor left"))),
        ("revoked-deleted", deleted),
        ("revoked-many", of(Topic::Revoked, &two, bob(), Some("the contractor left"))),
        ("leaked", of(Topic::Leaked, &one, bob(), None)),
        ("leaked-said", of(Topic::Leaked, &one, bob(), Some("https://gist.example/7, line 3"))),
        ("leaked-many", of(Topic::Leaked, &two, bob(), Some("https://gist.example/7, line 3"))),
        ("sign_in", of(Topic::SignIn, &["Firefox on Linux"], By::Somebody, None)),
        ("sign_in-many", of(Topic::SignIn, &["Firefox on Linux", "curl/8.5.0"], By::Somebody, None)),
        ("waiting", of(Topic::Waiting, &one, bob(), None)),
        ("waiting-said", of(Topic::Waiting, &one, bob(), Some("for the nightly build"))),
        ("waiting-many", of(Topic::Waiting, &two, bob(), Some("for the nightly build"))),
        ("invitation", of(Topic::Invitation, &[], By::Somebody, None)),
        ("reset", of(Topic::Reset, &[], By::Somebody, None)),
    ]
}

#[track_caller]
fn agreed(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/letters").join(name);
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let agreed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(agreed == found, "{name} reads otherwise now; look at it, and accept it with ACCEPT=1:\n{found}");
}

#[test]
fn mails_read_as_they_were_agreed_on() {
    for language in Language::ALL {
        let tag = language.tag();
        for (what, mail) in mails() {
            let written = writer(language).write(&mail);
            agreed(
                &format!("{what}.{tag}.txt"),
                &format!("Subject: {}\n\n{}", written.subject, written.text),
            );
            agreed(&format!("{what}.{tag}.html"), &written.page);
        }
    }
}

#[test]
fn only_what_can_be_turned_off_says_how_and_only_what_lets_in_has_a_way_in() {
    for (what, mail) in mails() {
        let message = writer(Language::English).message(&mail).unwrap().formatted();
        let message = String::from_utf8(message).unwrap();
        let says = |text: &str| message.contains(text);
        let (can, opens) = (mail.topic.can_be_left(), mail.topic.opens_for().is_some());
        assert_eq!((says("List-Unsubscribe"), says("/_leave/")), (can, can), "{what}");
        assert_eq!(says("0123456789abcdef0123456789abcdef"), opens, "{what}");
    }
}

#[test]
fn a_message_has_what_mail_programs_look_for_and_is_the_same_each_time() {
    let (writer, mail) = (writer(Language::English), mail(&["deploy"]));
    let bytes = writer.message(&mail).unwrap().formatted();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
    for line in [
        "From: Tokens <tokens@acme.test>",
        "To: \"Ada Lovelace\" <ada@acme.test>",
        "Date: Mon, 01 Jun 2026 00:00:07 +0000",
        "Message-ID: <let_0123456789ab@acme.test>",
        "Auto-Submitted: auto-generated",
        "List-Unsubscribe: <https://tokens.acme.test/console/_leave/0123456789abffffffffffffffffffffffffffffffff>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ] {
        assert!(head.contains(line), "{line} in\n{head}");
    }
    assert_eq!(bytes, writer.message(&mail).unwrap().formatted());
}

#[test]
fn hostile_names_stay_names() {
    let nasty = "x\r\nBcc: eve@evil.test\r\n\r\n<script>alert(1)</script>\u{202e}\"'&{{ leave }}";
    let mut mail = mail(&[nasty, nasty]);
    mail.name = nasty.to_owned();
    mail.account_name = nasty.to_owned();
    for count in [1, 2] {
        mail.items.truncate(count);
        let writer = writer(Language::German);
        let written = writer.write(&mail);
        assert!(!written.subject.contains(['\r', '\n']), "{}", written.subject);
        assert!(!written.page.contains("<script"), "{}", written.page);
        assert!(written.page.contains("{{ leave }}"), "what stands in a place is no template");
        let message = String::from_utf8(writer.message(&mail).unwrap().formatted()).unwrap();
        let head = message.split("\r\n\r\n").next().unwrap();
        for line in head.split("\r\n") {
            assert!(!line.to_ascii_lowercase().starts_with("bcc"), "{head}");
        }
        assert!(head.contains("Content-Type: multipart/alternative"), "{head}");
    }
}

#[test]
fn what_is_no_address_gets_no_mail() {
    for address in ["", "ada", "ada@", "a@b.c>\r\nRCPT TO:<eve@evil.test"] {
        let mail = Mail { address: address.into(), ..mail(&["deploy"]) };
        assert!(writer(Language::English).message(&mail).is_err(), "{address}");
    }
}
