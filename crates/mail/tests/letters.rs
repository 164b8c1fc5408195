//! How mails read, in both languages: compared with what was looked at and agreed on, in `letters/`.
//! `ACCEPT=1 cargo test -p mail` writes them anew.

use std::path::Path;

use domain::mail::{Ending, Mail, WayOut};
use domain::time::DAY;
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

fn mail(names: &[&str]) -> Mail {
    let now: domain::time::Timestamp = "2026-06-01T00:00:07Z".parse().unwrap();
    let end: domain::time::Timestamp = "2026-06-08T12:00:00Z".parse().unwrap();
    let ending = names.iter().zip(0..).map(|(name, n)| Ending {
        token: "pat_0123456789ab".parse().unwrap(),
        name: (*name).to_owned(),
        holder: "Robot".to_owned(),
        ends_at: end.plus_micros(n * DAY / 8),
    });
    Mail {
        id: "let_0123456789ab".parse().unwrap(),
        address: "ada@acme.test".into(),
        name: "Ada Lovelace".into(),
        account: "acme".parse().unwrap(),
        account_name: "Acme & Söhne".into(),
        ending: ending.collect(),
        now,
        way_out: WayOut::new("0123456789abffffffffffffffffffffffffffffffff".into()),
    }
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
    let many: Vec<String> = (1..=23).map(|n| format!("deploy {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for language in Language::ALL {
        let tag = language.tag();
        for (what, mail) in [
            ("one", mail(&["deploy"])),
            ("several", mail(&["deploy", "backup & <restore>"])),
            ("many", mail(&many)),
        ] {
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
        mail.ending.truncate(count);
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
