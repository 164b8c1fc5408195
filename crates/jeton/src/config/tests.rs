//! What an operator sees of the configuration: who wins, what is refused, and in which words.

use std::ffi::OsString;
use std::io::Write;

use super::key::{Kind, Setting};
use super::resolve::{Origin, resolve};
use super::sources::File;
use super::*;

fn sources(flag: Option<&str>, variables: &[(&str, &str)], file: Option<&str>) -> Sources {
    Sources {
        flags: flag
            .map(|text| Flag { key: "server.listen", flag: "--listen", text: text.to_owned() })
            .into_iter()
            .collect(),
        variables: variables
            .iter()
            .map(|(name, text)| (OsString::from(name), OsString::from(text)))
            .collect(),
        file: file.map(|text| File { path: "/etc/jeton/jeton.toml".into(), text: text.to_owned() }),
    }
}

fn refusal(variables: &[(&str, &str)], file: Option<&str>) -> String {
    Config::load(&sources(None, variables, file)).expect_err("this configuration is wrong").to_string()
}

/// A table with a secret, as later keys will be.
const WITH_SECRET: &[Key] = &[
    Key::of::<Option<PublicUrl>>("mail.url", " Where mail goes.", Unset::Nothing, true),
    Key::of::<NonZeroU32>("mail.tries", " How often.", Unset::Is("5"), false),
];

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let from = |port: u16| format!("127.0.0.1:{port}");
    let (flag, variable, file) =
        (from(1), from(2), format!("# a comment\n[server]\nlisten = \"{}\"\n", from(3)));
    // Every combination of the three, by the bits of a number.
    for given in 0..8 {
        let flag = (given & 1 != 0).then_some(flag.as_str());
        let variables = [("JETON_SERVER__LISTEN", variable.as_str())];
        let variables = if given & 2 != 0 { &variables[..] } else { &[] };
        let file = (given & 4 != 0).then_some(file.as_str());
        let (config, resolved) = Config::load(&sources(flag, variables, file)).unwrap();
        let (port, origin) = match given {
            1 | 3 | 5 | 7 => (1, "--listen"),
            2 | 6 => (2, "JETON_SERVER__LISTEN"),
            4 => (3, "/etc/jeton/jeton.toml:3"),
            _ => (7070, "default"),
        };
        assert_eq!(config.server_listen.port(), port);
        let value = resolved.values.iter().find(|value| value.key.name == "server.listen").unwrap();
        assert_eq!(value.origin.to_string(), origin);
    }
}

#[test]
fn every_default_is_a_value_of_its_key() {
    let (config, resolved) = Config::load(&Sources::default()).unwrap();
    assert!(resolved.values.iter().all(|value| value.origin == Origin::Default));
    assert_eq!(config.server_listen.to_string(), "127.0.0.1:7070");
    assert_eq!(config.server_preset, PresetName("default".to_owned()));
    assert_eq!(config.server_drain.0.as_secs(), 30);
    assert_eq!(config.server_public_url, None);
    assert!(!config.server_foreign_tokens);
}

#[test]
fn the_keys_lie_in_the_data_directory_unless_told_otherwise() {
    let (config, _) = Config::load(&sources(None, &[("JETON_DATA", "/srv/j")], None)).unwrap();
    assert_eq!(config.keys_file, Path::new("/srv/j/keys"));
    let (config, _) =
        Config::load(&sources(None, &[("JETON_DATA", "/srv/j"), ("JETON_KEYS__FILE", "/run/k")], None))
            .unwrap();
    assert_eq!(config.keys_file, Path::new("/run/k"));
}

#[test]
fn the_keys_of_an_sqlite_store_lie_in_its_directory_and_those_of_a_database_in_the_data_directory() {
    for (url, keys) in
        [("sqlite:/srv/other", "/srv/other/keys"), ("postgres://jeton@db/jeton", "/srv/j/keys")]
    {
        let variables = [("JETON_DATA", "/srv/j"), ("JETON_STORE__URL", url)];
        let (config, _) = Config::load(&sources(None, &variables, None)).unwrap();
        assert_eq!(config.keys_file, Path::new(keys));
    }
}

#[test]
fn the_password_of_a_database_may_stand_in_its_url_and_is_never_shown() {
    let url = "postgres://jeton:s3cret@db/jeton?sslmode=require";
    let bare = "postgres://jeton@db/jeton?sslmode=require";
    for given in [
        sources(None, &[("JETON_STORE__URL", url)], None),
        sources(None, &[], Some(&format!("[store]\nurl = '{url}'"))),
    ] {
        let (config, resolved) = Config::load(&given).unwrap();
        let Some(Place::Postgres(there)) = &config.store_url else { panic!("it is a database") };
        assert_eq!(there.password().map(Secret::expose), Some("s3cret"));
        let shown = [
            show::as_toml(&resolved, true),
            show::as_json(&resolved, true).to_string(),
            format!("{resolved:?} {config:?}"),
        ];
        assert!(shown.iter().all(|text| text.contains(bare) && !text.contains("s3cret")), "{shown:?}");
    }
    let said = refusal(&[("JETON_STORE__URL", "postgres://jeton:s3cret@db/jeton?sslmode=prefer")], None);
    assert_eq!(
        said,
        "store.url is `postgres://…@db/jeton?…` (JETON_STORE__URL), but its sslmode falls back to plain text \
         when somebody in between asks for it; write sslmode=verify-full, require or disable"
    );
    let said = refusal(&[], Some("store.url = 'mysql://jeton:s3cret@db/jeton'"));
    assert!(said.ends_with("but it begins with neither sqlite: nor postgres://"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn numbers_and_truths_may_be_written_as_toml_or_as_text() {
    for file in [
        "[server]\nforeign_tokens = true\nmax_connections = 0x10",
        "server.foreign_tokens = 'true'\nserver.max_connections = '16'",
    ] {
        let (config, _) = Config::load(&sources(None, &[], Some(file))).unwrap();
        assert!(config.server_foreign_tokens);
        assert_eq!(config.server_max_connections.get(), 16);
    }
}

#[test]
fn an_unknown_key_of_the_file_is_refused_with_the_nearest_known_one() {
    assert_eq!(
        refusal(&[], Some("[server]\nlitsen = '127.0.0.1:1'")),
        "unknown key server.litsen (/etc/jeton/jeton.toml:2); did you mean server.listen?"
    );
    assert_eq!(
        refusal(&[], Some("listen = 1")),
        "unknown key listen (/etc/jeton/jeton.toml:1); did you mean server.listen?"
    );
    assert_eq!(
        refusal(&[], Some("[sever]\n")),
        "unknown section [sever] (/etc/jeton/jeton.toml:1); did you mean [server]?"
    );
    Config::load(&sources(None, &[], Some("[server]\n"))).expect("an empty section sets nothing");
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest_known_one() {
    assert_eq!(
        refusal(&[("JETON_SERVER_LISTEN", "127.0.0.1:1")], None),
        "unknown variable JETON_SERVER_LISTEN in the environment; did you mean JETON_SERVER__LISTEN?"
    );
    // A variable of the commands that speak to a server, or of somebody else, is none of ours.
    let others = [("JETON_TOKEN", "x"), ("JETON_SERVER", "http://x"), ("PATH", "/bin"), ("jeton_data", "x")];
    Config::load(&sources(None, &others, None)).unwrap();
}

#[test]
fn the_variables_of_the_test_suite_are_no_configuration() {
    let tests =
        [("JETON_TEST_POSTGRES", "postgres://postgres@127.0.0.1:1/postgres"), ("JETON_TEST_STORE", "x")];
    Config::load(&sources(None, &tests, None)).unwrap();
    let other = refusal(&[("JETON_TESTS", "x")], None);
    assert!(other.starts_with("unknown variable JETON_TESTS"), "{other}");
}

#[test]
fn a_bad_value_is_named_with_its_place_its_text_and_what_is_accepted() {
    assert_eq!(
        refusal(&[("JETON_SERVER__DRAIN", "soon")], None),
        "server.drain is `soon` (JETON_SERVER__DRAIN), but it accepts a number and a unit (ms, s, min or h), as in `30 s`"
    );
    assert_eq!(
        refusal(&[], Some("\n\n[store]\nreaders = 0")),
        "store.readers is `0` (/etc/jeton/jeton.toml:4), but it accepts a whole number from 1 to 4294967295"
    );
    assert_eq!(
        refusal(&[], Some("log.format = ['text']")),
        "log.format is array (/etc/jeton/jeton.toml:1), but it accepts `auto`, `text` or `json`"
    );
    assert!(refusal(&[], Some("data = 1\ndata = 2")).starts_with("/etc/jeton/jeton.toml:2 is not TOML: "));
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let said = refusal(
        &[("JETON_LOG__FORMAT", "xml"), ("JETON_LOG__LEVLE", "info")],
        Some("[server]\npreset = 'No'"),
    );
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn each_type_takes_what_it_says_and_nothing_else() {
    fn check<T: Setting>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(T::parse(text).is_some(), "{text:?} should be {}", T::ACCEPTS);
        }
        for text in bad {
            assert!(T::parse(text).is_none(), "{text:?} should not be {}", T::ACCEPTS);
        }
    }
    check::<Period>(
        &["30 s", "30s", "500 ms", "2 min", "1 h"],
        &["", "30", "s", "-1 s", "1.5 s", "30 d", "99999999999999999999 s", "9999999999999999999 h"],
    );
    check::<LogFilter>(
        &["info", "off", "INFO", "info,store=debug", "store=debug"],
        &["", "inof", "info,store", "store=", "=info", "info,,", "3"],
    );
    check::<PublicUrl>(
        &["https://t.example.com", "http://127.0.0.1:7070", "https://t.example.com/"],
        &["", "t.example.com", "ftp://x", "https://x/path", "https://x/?q", "https://u:p@x", "/"],
    );
    check::<NonZeroU32>(&["1", "4294967295"], &["0", "-1", "+1", "4294967296", "1e3", " 1", ""]);
    check::<u64>(&["0", "9223372036854775807"], &["9223372036854775808", "1.0"]);
    check::<bool>(&["true", "false"], &["True", "1", "yes", ""]);
    check::<PresetName>(&["default", "gcore"], &["", "../x", "Gcore", "a b"]);
    check::<SocketAddr>(
        &["0.0.0.0:80", "[::1]:7070"],
        &["localhost:80", ":80", "127.0.0.1", "127.0.0.1:99999"],
    );
    check::<PathBuf>(&["/x", "x"], &["", "a\0b"]);
}

#[test]
fn the_password_of_a_mail_server_may_stand_in_its_url_and_is_never_shown() {
    let toml = "[mail]\nurl = 'smtp://jeton:s3cret@relay:587'\nfrom = 'Tokens <t@example.com>'\n";
    let (config, resolved) = Config::load(&sources(None, &[], Some(toml))).unwrap();
    let shown = [show::as_toml(&resolved, true), show::as_json(&resolved, true).to_string()];
    assert!(shown.iter().all(|text| text.contains("smtp://jeton:…@relay:587")), "{shown:?}");
    let printed = format!("{shown:?} {resolved:?} {config:?}");
    assert!(!printed.contains("s3cret"), "{printed}");
    let said = refusal(&[], Some("mail.url = 'smtp://jeton:s3cret@relay?starttls=none'"));
    assert!(said.contains("a password would go to another machine as it is"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn a_secret_may_come_from_a_file_and_is_never_shown() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "https://s3cret.example").unwrap();
    let path = file.path().to_str().unwrap();
    let resolved = resolve(WITH_SECRET, &sources(None, &[("JETON_MAIL__URL_FILE", path)], None)).unwrap();
    assert_eq!(
        resolved.typed::<Option<PublicUrl>>("mail.url"),
        Some(PublicUrl("https://s3cret.example".to_owned()))
    );
    assert_eq!(resolved.values[0].origin.to_string(), "JETON_MAIL__URL_FILE");
    let shown =
        [show::as_toml(&resolved, true), show::as_json(&resolved, true).to_string(), format!("{resolved:?}")];
    assert!(shown.iter().all(|text| !text.contains("s3cret")), "{shown:?}");

    let wrong =
        resolve(WITH_SECRET, &sources(None, &[("JETON_MAIL__URL", "s3cret nonsense")], None)).unwrap_err();
    assert!(
        wrong
            .to_string()
            .starts_with("mail.url is a value that is not shown (JETON_MAIL__URL), but it accepts"),
        "{wrong}"
    );
}

#[test]
fn the_file_may_name_a_file_that_holds_a_secret() {
    let held = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(held.path(), "s3cret\n").unwrap();
    let path = held.path().to_str().unwrap();
    let named = format!("[store]\npassword_file = '{path}'");
    let (config, resolved) = Config::load(&sources(None, &[], Some(&named))).unwrap();
    assert_eq!(config.store_password, Some(Secret::new("s3cret")));
    let shown = show::as_toml(&resolved, true);
    assert!(shown.contains("# store.password is set and secret"), "{shown}");
    assert!(shown.contains("# /etc/jeton/jeton.toml:2") && !shown.contains("s3cret"), "{shown}");
    // A stronger source goes before it, and the same source says it once.
    let (config, _) =
        Config::load(&sources(None, &[("JETON_STORE__PASSWORD", "stronger")], Some(&named))).unwrap();
    assert_eq!(config.store_password, Some(Secret::new("stronger")));
    let twice = refusal(&[], Some(&format!("{named}\npassword = 's3cret'")));
    assert!(twice.starts_with("store.password is set twice, by /etc/jeton/jeton.toml:"), "{twice}");
    assert!(!twice.contains("s3cret"), "{twice}");
    let missing = refusal(&[], Some("store.password_file = '/nowhere/at/all'"));
    assert!(missing.starts_with("could not read store.password from the file /nowhere/at/all"), "{missing}");
    assert_eq!(
        refusal(&[], Some("store.password_file = 1\nstore.readers_file = 'x'")).lines().last(),
        Some("unknown key store.readers_file (/etc/jeton/jeton.toml:2); did you mean store.readers?")
    );
}

#[test]
fn a_secret_set_twice_or_in_an_unreadable_file_is_refused() {
    let refused =
        |variables: &[_]| resolve(WITH_SECRET, &sources(None, variables, None)).unwrap_err().to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "https://x").unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(
        refused(&[("JETON_MAIL__URL", "https://y"), ("JETON_MAIL__URL_FILE", path)]),
        "mail.url is set twice, by JETON_MAIL__URL and by JETON_MAIL__URL_FILE; keep one"
    );
    let missing = refused(&[("JETON_MAIL__URL_FILE", "/nowhere/at/all")]);
    assert!(
        missing.starts_with("could not read mail.url from the file /nowhere/at/all (JETON_MAIL__URL_FILE): "),
        "{missing}"
    );
    // Only a secret has a `_FILE`.
    let other = refused(&[("JETON_MAIL__TRIES_FILE", path)]);
    assert!(other.starts_with("unknown variable JETON_MAIL__TRIES_FILE"), "{other}");
}

#[test]
fn what_show_prints_is_a_configuration_with_the_same_meaning() {
    let (_, first) =
        Config::load(&sources(Some("[::1]:9"), &[("JETON_DATA", "/srv/a \"quoted\" one")], None)).unwrap();
    let printed = show::as_toml(&first, true);
    let (config, second) = Config::load(&sources(None, &[], Some(&printed))).unwrap();
    assert_eq!(config.data, Path::new("/srv/a \"quoted\" one"));
    assert_eq!(show::as_toml(&first, false), show::as_toml(&second, false));
    assert_eq!(show::as_json(&first, false)["server.max_connections"], 8192);
    assert_eq!(
        show::as_json(&first, true)["server.listen"],
        serde_json::json!({"value": "[::1]:9", "origin": "--listen"})
    );
}

#[test]
fn key_names_and_variables_are_unique_and_documented() {
    let mut names: Vec<_> = KEYS.iter().map(Key::variable).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), KEYS.len());
    assert!(KEYS.iter().all(|key| key.doc.trim().ends_with('.') && !key.accepts.is_empty()));
    assert!(KEYS.iter().any(|key| key.kind == Kind::Number));
    assert!(names.iter().all(|name| !resolve::CLIENT_VARIABLES.contains(&name.as_str())));
}

#[test]
fn the_configuration_page_says_what_the_table_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let rendered = show::as_markdown(KEYS);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &rendered).unwrap();
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == rendered,
        "docs/configuration.md is behind; run: UPDATE_DOCS=1 cargo test -p jeton configuration_page"
    );
}
