//! What `jeton move` decides before any store is opened.

use std::ffi::OsString;

use super::*;
use crate::config::Sources;
use crate::exit::Exit;

fn configured(variables: &[(&str, &str)]) -> (Config, Resolved) {
    let variables = variables.iter().map(|(name, text)| (OsString::from(name), OsString::from(text)));
    Config::load(&Sources { variables: variables.collect(), ..Sources::default() }).unwrap()
}

fn between(from: &str, to: &str, variables: &[(&str, &str)]) -> Result<(Access, Access), Failure> {
    let (config, resolved) = configured(variables);
    let args = MoveArgs {
        from: from.to_owned(),
        to: to.to_owned(),
        json: false,
        data: None,
        file: ConfigFile { config: None },
    };
    ends(&args, &config, &resolved, None)
}

const DATABASE: &str = "postgres://jeton@db/tokens";

#[test]
fn the_key_file_lies_beside_sqlite_and_is_the_one_of_the_source_for_a_database() {
    let keys = |from: &str, to: &str, variables: &[(&str, &str)]| {
        let (from, to) = between(from, to, variables).unwrap();
        (from.keys.display().to_string(), to.keys.display().to_string())
    };
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(keys("sqlite:/a", DATABASE, &[]), pair("/a/keys", "/a/keys"));
    assert_eq!(keys(DATABASE, "sqlite:/b", &[("JETON_DATA", "/d")]), pair("/d/keys", "/b/keys"));
    assert_eq!(keys("sqlite:/a", "sqlite:/b", &[]), pair("/a/keys", "/b/keys"));
    let named = [("JETON_KEYS__FILE", "/run/keys")];
    assert_eq!(keys("sqlite:/a", "sqlite:/b", &named), pair("/run/keys", "/run/keys"));
}

#[test]
fn a_configured_password_is_for_the_one_database_of_a_move() {
    let password = [("JETON_STORE__PASSWORD", "hush")];
    for (from, to) in [("sqlite:/a", DATABASE), (DATABASE, "sqlite:/a")] {
        let (from, to) = between(from, to, &password).unwrap();
        let told: Vec<&str> =
            [&from, &to].into_iter().flat_map(|end| &end.password).map(|end| end.expose()).collect();
        assert_eq!(told, ["hush"]);
    }
    let refused = between(DATABASE, "postgres://jeton@db/other", &password).unwrap_err().to_string();
    assert!(refused.contains("PGPASSFILE") && !refused.contains("hush"), "{refused}");
    assert_eq!(between(DATABASE, DATABASE, &[]).unwrap_err().exit, Exit::Usage);
}

#[test]
fn a_flag_that_is_no_place_or_has_a_password_in_it_is_refused_without_repeating_it() {
    for wrong in [
        "postgres://jeton:s3cret@db/tokens",
        "postgres://jeton@db/tokens?password=s3cret",
        "mysql://s3cret@x",
    ] {
        for refused in [between(wrong, "sqlite:/b", &[]), between("sqlite:/a", wrong, &[])] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.exit, Exit::Usage);
            assert!(!refused.to_string().contains("s3cret"), "{refused}");
        }
    }
}
